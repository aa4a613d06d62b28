"""Trajectories: each subject's course over all days, the groups' geometric means over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cytokit.figures import _panel_parts as parts
from cytokit.figures import _panel_points as readings
from cytokit.figures._captions import (
    footer_lines,
    footer_room,
    symbol_sentences,
    warning_sentences,
    write_footer,
)
from cytokit.figures._scales import log_axis, log_bounds
from cytokit.figures._text import plain, text_width
from cytokit.figures._view import (
    Column,
    ComparisonLike,
    analytes_of,
    check_analyte,
    deaths_of,
    group_styles,
    last_days,
    points_of,
    unit_of,
)
from cytokit.figures.style import (
    LINE,
    PAGE_HEIGHT,
    POINT,
    SMALL,
    WIDTHS,
    axes_at,
    finish,
    new_figure,
    styled,
)
from cytokit.tables.days import sort_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CELL, _AXES = 52.0, 38.0  # mm
_BESIDE = 3


@styled
def trajectory(result: ComparisonLike, analyte: str, ax: Axes) -> Axes:
    """Draw the course of one analyte: thin lines for subjects, thick ones for geometric means.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``summary`` and ``study``.
    analyte : str
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
        The same axes; days to scale where they are numbers, y logarithmic. Geometric means stand
        on the days that were compared, as the summary has them.

    Raises
    ------
    UsageError
        CK-523 for an unknown analyte.
    """
    check_analyte(result, analyte)
    columns, places = _columns(result)
    gaps = [b - a for a, b in zip(places.values(), list(places.values())[1:], strict=False)]
    points = points_of(result, analyte, columns, jitter=0.06 * min(gaps, default=1.0))
    low, high = log_bounds([*points["y"], *points.loc[points["kind"] == "interval", "high"]])
    log_axis(ax, "y", low, high)
    span = max(places.values()) - min(places.values()) or 1.0
    ax.set_xlim(min(places.values()) - 0.08 * span, max(places.values()) + 0.08 * span)
    readings.draw_limits(ax, points, columns)
    readings.draw_lines(ax, points, columns)
    readings.draw_points(ax, points, columns, (low, high))
    readings.draw_deaths(
        ax, points, columns, deaths_of(result, columns), low, last_days(result, analyte)
    )
    _draw_means(ax, result, analyte, columns)
    finish(ax)
    ax.set_xticks(list(places.values()), [parts.day_name(day) for day in places])
    parts.draw_title(ax, analyte, unit_of(result, analyte))
    return ax


def _columns(result: ComparisonLike) -> tuple[list[Column], dict[Any, float]]:
    """A column per group and day, groups a little beside each other; the place of each day."""
    values, subjects = result.study.values, result.study.subjects
    days = sorted({*values["day"].dropna(), *subjects["day"].dropna()}, key=sort_key)
    keys = [sort_key(day) for day in days]
    numbers = all(kind == 0 for kind, _, _ in keys)
    places = {day: keys[i][1] if numbers else float(i) for i, day in enumerate(days)}
    gaps = [b - a for a, b in zip(places.values(), list(places.values())[1:], strict=False)]
    step = 0.09 * min(gaps, default=1.0)
    styles = group_styles(result)
    middle = (len(styles) - 1) / 2
    columns = [
        Column(group, day, place + (index - middle) * step, *style)
        for index, (group, style) in enumerate(styles.items())
        for day, place in places.items()
    ]
    return columns, places


def _draw_means(ax: Axes, result: ComparisonLike, analyte: str, columns: Sequence[Column]) -> None:
    """The geometric means of each group, joined."""
    summary = result.summary[result.summary["analyte"] == analyte]
    for group in dict.fromkeys(column.group for column in columns):
        own = [column for column in columns if column.group == group]
        found = [
            (column.x, parts.mean_interval(parts.row_of(summary, column))[0]) for column in own
        ]
        known = [(x, mean) for x, mean in found if mean is not None]
        if known:
            ax.plot(
                [x for x, _ in known], [mean for _, mean in known], color=own[0].color,
                marker=own[0].marker, markersize=4, markeredgecolor="white", markeredgewidth=0.4,
                linewidth=2 * LINE, zorder=5,
            )  # fmt: skip


def trajectory_pages(
    result: ComparisonLike, *, analytes: Sequence[str] | None = None
) -> tuple[Figure, ...]:
    """Trajectories of all analytes, on as many pages as they need.

    Parameters
    ----------
    result : Comparison
    analytes : sequence of str, optional

    Returns
    -------
    tuple of matplotlib.figure.Figure
        183 mm wide, with a key of the groups.

    Raises
    ------
    UsageError
        CK-523 for an unknown analyte.
    """
    names = analytes_of(result) if analytes is None else list(analytes)
    said = [
        text for text in symbol_sentences(result, names, None, "p") if not text.startswith("n:")
    ]
    said.insert(0, "Thick lines: geometric means of the compared days.")
    said += warning_sentences(result.table, names)
    key = footer_lines([said], WIDTHS["double"])
    per_page = _BESIDE * int((PAGE_HEIGHT - footer_room(key) - 4.0) // _CELL)
    pages = []
    for first in range(0, len(names), per_page):
        shown = names[first : first + per_page]
        body = math.ceil(len(shown) / _BESIDE) * _CELL
        figure = new_figure("double", body + 4.0 + footer_room(key))
        wide = WIDTHS["double"] / _BESIDE
        for index, name in enumerate(shown):
            row, column = divmod(index, _BESIDE)
            place = (column * wide + 11.0, row * _CELL + 6.0, wide - 14.0, _AXES)
            trajectory(result, name, axes_at(figure, *place))
        group_key(result, figure, body)
        write_footer(figure, key, body + 4.0)
        pages.append(figure)
    return tuple(pages)


@styled
def group_key(result: ComparisonLike, figure: Figure, top: float) -> None:
    """The groups' markers and names in a row, so many mm below the figure's upper edge."""
    from matplotlib.lines import Line2D

    width, height = (float(inches) * 25.4 for inches in figure.get_size_inches())
    x = 3.0
    for group, (color, marker) in group_styles(result).items():
        y = 1 - (top + 1.2) / height
        mark = Line2D(
            [x / width], [y], marker=marker, color=color, markersize=4, linestyle="none",
            transform=figure.transFigure,
        )  # fmt: skip
        figure.add_artist(mark)
        name = plain(group)
        figure.text((x + 2.0) / width, y, name, size=SMALL, va="center_baseline", color=color)
        x += 8.0 + text_width(name) * POINT
