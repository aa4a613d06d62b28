"""The parts of a panel beside its readings: summaries, title, the texts under the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.figures._text import plain, shorten, text_width, wrap
from cytokit.figures._view import Column
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import INK, LINE, QUIET, SMALL, THIN, TITLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOX_WIDTH = 0.62
#: points from one line of a day's name to the next
_DAY_LINE = 8.4


def say_without_numbers(ax: Axes, points: pd.DataFrame) -> None:
    """What stands in a panel that has no number to place: nothing read, or all out of range."""
    if bool(points["y"].notna().any()):
        return
    kinds = set(points["kind"])
    if points.empty:
        text = "no readings"
    elif kinds <= {"below", "above"}:
        side = "out of" if len(kinds) > 1 else kinds.pop()
        text = f"all {len(points)} {side} range,\nno limit known"
        ax.set_yticks([], minor=False)
        ax.set_yticks([], minor=True)
    else:
        return
    ax.text(
        0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=QUIET, size=SMALL
    )


def draw_boxes(
    ax: Axes, summary: pd.DataFrame, columns: Sequence[Column], *, over: bool
) -> list[list[float]]:
    """Median and quartiles with whiskers to the extremes; returns what was drawn, by column.

    ``over`` puts unfilled boxes over the points, for crowded columns.
    """
    drawn: list[list[float]] = []
    for column in columns:
        row = row_of(summary, column)
        parts = [_positive(row, key) for key in ("q1", "median", "q3")]
        if any(part is None for part in parts):
            median = _positive(row, "median")
            if median is not None:
                ax.hlines(median, *_sides(column), colors=column.color, linewidths=1.1, zorder=2.5)
            drawn.append([] if median is None else [median])
            continue
        q1, middle, q3 = (float(part) for part in parts if part is not None)
        low, high = _positive(row, "min") or q1, _positive(row, "max") or q3
        box = {"q1": q1, "med": middle, "q3": q3, "whislo": min(low, q1), "whishi": max(high, q3)}
        pen = {"color": INK if over else column.color, "linewidth": LINE}
        ax.bxp(
            [box], positions=[column.x], widths=BOX_WIDTH, orientation="vertical",
            showfliers=False, patch_artist=True, manage_ticks=False, zorder=4 if over else 2,
            capwidths=0.25, whiskerprops=pen, capprops=pen,
            boxprops={"facecolor": "none" if over else _tint(column.color),
                      "edgecolor": pen["color"], "linewidth": LINE},
            medianprops={"color": pen["color"], "linewidth": 1.3},
        )  # fmt: skip
        drawn.append([box["whislo"], box["whishi"]])
    return drawn


def draw_means(ax: Axes, summary: pd.DataFrame, columns: Sequence[Column]) -> list[list[float]]:
    """Geometric means as a stroke with their interval, in ink over the points."""
    drawn: list[list[float]] = []
    for column in columns:
        mean, low, high = mean_interval(row_of(summary, column))
        if mean is not None:
            half = 0.26
            ax.hlines(mean, column.x - half, column.x + half, colors=INK, linewidths=1.2, zorder=5)
        if low is not None and high is not None:
            _whisker(ax, column.x, low, high)
        drawn.append([value for value in (mean, low, high) if value is not None])
    return drawn


def draw_bars(
    ax: Axes, summary: pd.DataFrame, columns: Sequence[Column], floor: float
) -> list[list[float]]:
    """Bars from the axis' foot to the geometric mean, with its interval."""
    drawn: list[list[float]] = []
    for column in columns:
        mean, low, high = mean_interval(row_of(summary, column))
        if mean is not None:
            ax.bar(
                column.x, mean - floor, bottom=floor, width=BOX_WIDTH, linewidth=THIN,
                color=_tint(column.color), edgecolor=column.color, zorder=1.2,
            )  # fmt: skip
        if low is not None and high is not None:
            _whisker(ax, column.x, low, high)
        drawn.append([value for value in (mean, low, high) if value is not None])
    return drawn


def mean_interval(row: pd.Series | None) -> tuple[float | None, float | None, float | None]:
    """Geometric mean and its limits (``gm_low``, ``gm_high``) as the summary has them."""
    mean, low, high = (_positive(row, key) for key in ("geometric_mean", "gm_low", "gm_high"))
    return mean, low, high


def label_columns(
    ax: Axes,
    points: pd.DataFrame,
    columns: Sequence[Column],
    dead: Sequence[set[Any]],
    analysed: Mapping[tuple[Any, Any], int],
) -> None:
    """Under each column its day, n and deaths; under each group its name.

    ``analysed`` gives the subjects of a group and day that the test between the groups used; where
    they are fewer than the readings, both numbers stand.
    """
    left, right = ax.get_xlim()
    points_wide = size_in_points(ax)[0]
    days = day_lines(columns, points_wide / (right - left))
    ax.set_xticks([column.x for column in columns], ["\n".join(lines) for lines in days])
    ax.tick_params(axis="x", length=0, pad=2)
    below = _DAY_LINE * (max(map(len, days)) - 1)
    anyone = any(dead)
    for index, column in enumerate(columns):
        count = int((points["column"] == index).sum())
        used = analysed.get((column.group, column.day), count)
        text = str(count) if used == count else f"{used}/{count}"
        under(ax, column.x, text, below + 10.0, QUIET)
        if dead[index]:
            under(ax, column.x, str(len(dead[index])), below + 17.0, QUIET)
    _row_name(ax, "n", below + 10.0)
    if anyone:
        _row_name(ax, "†", below + 17.0)
    for group in dict.fromkeys(column.group for column in columns):
        own = [column for column in columns if column.group == group]
        first, last = own[0].x - 0.5, own[-1].x + 0.5
        room = (last - first + 0.2) / (right - left) * points_wide
        lines = wrap(plain(group), room, SMALL, lines=2)
        drop = below + 19.5 + (6.5 if anyone else 0.0)
        _rule(ax, own[0].x - 0.35, own[-1].x + 0.35, drop - 1.5, own[0].color)
        for row, line in enumerate(lines):
            under(ax, (first + last) / 2, line, drop + 7.0 * row, own[0].color)


def day_lines(columns: Sequence[Column], spacing: float) -> list[list[str]]:
    """Each column's day in up to three lines, none wider than its column of so many points."""
    room = max(spacing - 2.0, 6.0)
    return [wrap(day_name(column.day), room, SMALL, lines=3) or [""] for column in columns]


def day_room(columns: Sequence[Column], width: float) -> float:
    """Points that further lines of the days' names take under axes of so many points."""
    spacing = width / (columns[-1].x - columns[0].x + 1.2)
    return _DAY_LINE * (max(map(len, day_lines(columns, spacing))) - 1)


def under(ax: Axes, x: float, text: str, drop: float, color: str) -> None:
    """A small text so many points below the axis."""
    ax.annotate(
        text, (x, 0.0), xycoords=("data", "axes fraction"), xytext=(0, -drop),
        textcoords="offset points", ha="center", va="top", size=SMALL, color=color,
        annotation_clip=False,
    )  # fmt: skip


def _row_name(ax: Axes, text: str, drop: float) -> None:
    """What a row of counts under the axis is, left of the columns."""
    ax.annotate(
        text, (0.0, 0.0), xycoords="axes fraction", xytext=(-4, -drop),
        textcoords="offset points", ha="right", va="top", size=SMALL, color=QUIET,
        annotation_clip=False,
    )  # fmt: skip


def _rule(ax: Axes, left: float, right: float, drop: float, color: str) -> None:
    """A short line over a group's name, so many points below the axis."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure = ax.get_figure(root=True)
    if figure is None:
        return
    down = ScaledTranslation(0, -drop / 72.0, figure.dpi_scale_trans)
    place = blended_transform_factory(ax.transData, ax.transAxes) + down
    ax.add_artist(
        Line2D([left, right], [0, 0], transform=place, color=color, linewidth=LINE, clip_on=False)
    )


def day_name(day: Any) -> str:
    """``D0`` for day 0; a visit's name as it stands.

    Examples
    --------
    >>> day_name(6.0), day_name("0"), day_name("baseline")
    ('D6', 'D0', 'baseline')
    """
    try:
        return f"D{float(day):g}"
    except (TypeError, ValueError):
        return plain(day)


def row_of(summary: pd.DataFrame, column: Column) -> pd.Series | None:
    """The summary's row of a column, or None."""
    rows = summary[(summary["group"] == column.group) & (summary["day"] == column.day)]
    return None if rows.empty else rows.iloc[0]


def _positive(row: pd.Series | None, key: str) -> float | None:
    """A number that has a place on a log axis, or None."""
    value = np.nan if row is None else float(row.get(key, np.nan))
    return value if np.isfinite(value) and value > 0 else None


def _sides(column: Column) -> tuple[float, float]:
    """Left and right edge of a column's box."""
    return column.x - BOX_WIDTH / 2, column.x + BOX_WIDTH / 2


def _whisker(ax: Axes, x: float, low: float, high: float) -> None:
    """An interval with caps."""
    ax.vlines(x, low, high, colors=INK, linewidths=LINE, zorder=5)
    ax.hlines([low, high], x - 0.1, x + 0.1, colors=INK, linewidths=LINE, zorder=5)


def _tint(color: str) -> tuple[float, ...]:
    """A hue mixed with much white."""
    from matplotlib.colors import to_rgb

    return tuple(0.86 + 0.14 * part for part in to_rgb(color))


def draw_title(ax: Axes, analyte: str, unit: str) -> None:
    """The analyte's name and, smaller, its unit."""
    behind = f" ({plain(unit)})" if unit else ""
    room = size_in_points(ax)[0] - text_width(behind, SMALL)
    name = shorten(plain(analyte), room, TITLE)
    ax.set_title(name, loc="left", pad=4)
    ax.annotate(
        behind, (0, 1), xycoords="axes fraction", xytext=(text_width(name, TITLE), 4),
        textcoords="offset points", size=SMALL, color=QUIET, va="baseline",
    )  # fmt: skip
