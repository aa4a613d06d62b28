"""Companions of the panels: heat map of ratios, volcano, detectability; trajectories are beside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.errors import NothingToDoError, Problem
from cytokit.figures.axes import log_axis, log_bounds, log_ticks
from cytokit.figures.brackets import place_labels, size_in_points
from cytokit.figures.forest import axis_words, between_rows, name_room
from cytokit.figures.panels import draw_deaths, draw_limits, draw_lines, draw_points
from cytokit.figures.style import (
    INK,
    LINE,
    PAGE_HEIGHT,
    PALE,
    POINT,
    QUIET,
    SMALL,
    TEXT,
    THIN,
    WIDTHS,
    Width,
    axes_at,
    finish,
    new_figure,
    palette,
    styled,
)
from cytokit.figures.text import number, plain, shorten, text_width, wrap
from cytokit.figures.view import (
    BETWEEN,
    WITHIN,
    ComparisonLike,
    PanelColumn,
    analytes_of,
    check_analyte,
    day_name,
    deaths_of,
    draw_title,
    footer_lines,
    footer_room,
    group_styles,
    groups_of,
    last_days,
    mean_interval,
    pair_of,
    points_of,
    row_of,
    symbol_sentences,
    test_sentences,
    unit_of,
    warning_sentences,
    write_footer,
)
from cytokit.tables.cells import sort_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


# Heat map of all ratios between and within groups, with the stars of the adjusted p.


# mm
#: The colours end at ratios between these.
_LEAST_END, _MOST_END = 2.0, 32.0


@styled
def ratio_heatmap(result: ComparisonLike, ax: Axes) -> Axes:
    """Draw all ratios as colours, a row per analyte, with the stars of the adjusted p.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``table``.
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: colours on a logarithmic scale, white at 1; grey where the table has no
        ratio.

    Raises
    ------
    NothingToDoError
        CK-525 if the table holds no contrast between or within groups.
    """
    import seaborn
    from matplotlib.colors import LogNorm

    table, heads = _contrasts(result)
    names = list(dict.fromkeys(table["analyte"]))
    ratios, stars = (_pivot(table, key, names, heads) for key in ("ratio", "stars"))
    values = ratios.to_numpy(float)
    end = _farthest(values)
    bar = ax.inset_axes((1.04, 0.0, 0.04, min(1.0, 120.0 / size_in_points(ax)[1])))
    marks = stars.map(lambda text: text if isinstance(text, str) and text.startswith("*") else "")
    seaborn.heatmap(
        values, ax=ax, mask=~np.isfinite(values), cmap="vlag", norm=LogNorm(1 / end, end),
        vmin=1 / end, vmax=end,
        annot=marks.to_numpy(str), fmt="", annot_kws={"size": SMALL},
        linewidths=0.4, linecolor="white", cbar_ax=bar, xticklabels=False, yticklabels=False,
    )  # fmt: skip
    ax.set_facecolor(PALE)
    ticks = log_ticks(1 / end, end)
    bar.yaxis.minorticks_off()
    bar.set_yticks(ticks, [number(tick) for tick in ticks])
    bar.tick_params(labelsize=SMALL, length=1.5, width=THIN, pad=1.5)
    bar.set_title("ratio", size=SMALL, pad=3, loc="left")
    room = size_in_points(ax)[0] / len(heads)
    labels = ["\n".join(wrap(plain(head), room, SMALL, lines=3)) for head in heads]
    ax.set_xticks([i + 0.5 for i in range(len(heads))], labels)
    ax.set_yticks(
        [i + 0.5 for i in range(len(names))],
        [shorten(plain(name), name_room(ax), TEXT) for name in names],
        rotation=0,
    )
    ax.tick_params(
        labelsize=SMALL, length=0, pad=2, top=False, bottom=False, labeltop=True, labelbottom=False
    )
    return ax


def _contrasts(result: ComparisonLike) -> tuple[pd.DataFrame, list[str]]:
    """Rows between and within groups, each with its column's words, and these in order."""
    table = result.table
    kinds = table["contrast"].astype(str)
    table = table[kinds.str.startswith(BETWEEN) | kinds.str.startswith(WITHIN)].copy()
    if table.empty:
        raise NothingToDoError(Problem("CK-525", "the comparison holds no ratio to draw"))
    days = " and ".join(day_name(day) for day in result.day)
    span = f"{days} / {day_name(result.baseline)}"
    heads = []
    for _, row in table.iterrows():
        pair = pair_of(result, row)
        group = row.get("treated_group") or row.get("control_group") or row["contrast"]
        heads.append(f"{pair[1]} / {pair[0]}, {days}" if pair else f"{group}, {span}")
    return table.assign(column=heads), list(dict.fromkeys(heads))


def _farthest(values: NDArray[np.float64]) -> float:
    """The ratio at which the colours end, the same way up and down."""
    finite = values[np.isfinite(values) & (values > 0)]
    far = float(np.maximum(finite, 1 / finite).max()) if finite.size else _LEAST_END
    return min(max(far, _LEAST_END), _MOST_END)


def _pivot(
    table: pd.DataFrame, value: str, names: Sequence[str], heads: Sequence[str]
) -> pd.DataFrame:
    """Analytes x contrasts, in the table's order."""
    wide = table.pivot(index="analyte", columns="column", values=value)
    return wide.reindex(index=list(names), columns=list(heads))


def ratio_heatmap_figure(result: ComparisonLike) -> Figure:
    """The heat map of all analytes as a figure of its own.

    Parameters
    ----------
    result : Comparison

    Returns
    -------
    matplotlib.figure.Figure
        89 mm wide for up to three contrasts, else 183 mm.

    Raises
    ------
    NothingToDoError
        CK-525 if there is no ratio to draw.
    """
    table, heads = _contrasts(result)
    names = list(dict.fromkeys(table["analyte"]))
    width: Width = "single" if len(heads) <= 3 else "double"
    said = [*test_sentences(result, names), "Stars from the adjusted p; grey: no ratio."]
    said += warning_sentences(result.table, names)
    key = footer_lines([said], WIDTHS[width])
    left = min(max(text_width(plain(name), SMALL) for name in names) * POINT + 4.0, 30.0)
    body = len(names) * _ROW
    figure = new_figure(width, 12.0 + body + 1.0 + footer_room(key))
    ratio_heatmap(result, axes_at(figure, left, 11.0, WIDTHS[width] - left - 15.0, body))
    write_footer(figure, key, 12.0 + body + 1.0)
    return figure


# Trajectories: each subject's course over all days, the groups' geometric means over them.


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
    draw_limits(ax, points, columns)
    draw_lines(ax, points, columns)
    draw_points(ax, points, columns, (low, high))
    draw_deaths(ax, points, columns, deaths_of(result, columns), low, last_days(result, analyte))
    _draw_means(ax, result, analyte, columns)
    finish(ax)
    ax.set_xticks(list(places.values()), [day_name(day) for day in places])
    draw_title(ax, analyte, unit_of(result, analyte))
    return ax


def _columns(result: ComparisonLike) -> tuple[list[PanelColumn], dict[Any, float]]:
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
        PanelColumn(group, day, place + (index - middle) * step, *style)
        for index, (group, style) in enumerate(styles.items())
        for day, place in places.items()
    ]
    return columns, places


def _draw_means(
    ax: Axes, result: ComparisonLike, analyte: str, columns: Sequence[PanelColumn]
) -> None:
    """The geometric means of each group, joined."""
    summary = result.summary[result.summary["analyte"] == analyte]
    for group in dict.fromkeys(column.group for column in columns):
        own = [column for column in columns if column.group == group]
        found = [(column.x, mean_interval(row_of(summary, column))[0]) for column in own]
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


#: With no more analytes than this, a volcano names them all.
_NAME_ALL = 15
_ROW = 3.6  # mm
#: Parts of a bar: column, whether it is filled, hatching.
_PARTS = (("pct_below", False, ""), ("pct_in_range", True, ""), ("pct_above", False, "//////"))


@styled
def volcano(result: ComparisonLike, ax: Axes) -> Axes:
    """Draw the ratio between groups against its p, named where it is significant.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``table``.
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: x the ratio, y the unadjusted p, both logarithmic, small p on top. Filled:
        significant after adjustment, as the table's stars say.

    Raises
    ------
    NothingToDoError
        CK-525 if the table compares no groups.
    """
    rows = between_rows(result, None)
    rows = rows[np.isfinite(rows["ratio"].to_numpy(float)) & (rows["p"].to_numpy(float) > 0)]
    p, ratio = rows["p"].to_numpy(float), rows["ratio"].to_numpy(float)
    starred = rows["stars"].astype(str).str.startswith("*").to_numpy(bool)
    log_axis(ax, "x", *log_bounds([0.5, 2.0, *ratio], pad=0.12))
    low, high = log_bounds([0.05, 1.0, *p], pad=0.08)
    log_axis(ax, "y", low, min(high, 1.6))
    ax.yaxis.set_major_formatter(lambda value, _: number(value, powers=value < 0.0009))
    ax.invert_yaxis()
    ax.axvline(1.0, color=QUIET, linewidth=THIN, zorder=1)
    color = palette()[1]
    ax.scatter(ratio[starred], p[starred], s=16, color=color, zorder=3)
    ax.scatter(
        ratio[~starred],
        p[~starred],
        s=14,
        facecolor="white",
        edgecolor=INK,
        linewidth=LINE,
        zorder=2,
    )
    named = rows if len(rows) <= _NAME_ALL else rows[starred]
    place_labels(ax, named["ratio"], named["p"], named["analyte"], avoid=(ratio, p))
    finish(ax)
    ax.set_xlabel(shorten(axis_words(result), size_in_points(ax)[0], TEXT), labelpad=2)
    ax.set_ylabel("p (not adjusted)", labelpad=2)
    return ax


def volcano_figure(result: ComparisonLike) -> Figure:
    """The volcano as a figure of its own, 89 mm wide.

    Parameters
    ----------
    result : Comparison

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    NothingToDoError
        CK-525 if the table compares no groups.
    """
    said = [
        *test_sentences(result, analytes_of(result))[:1],
        "Filled: significant after adjustment.",
        *warning_sentences(result.table, analytes_of(result)),
    ]
    key = footer_lines([said], WIDTHS["single"])
    figure = new_figure("single", 82.0 + footer_room(key))
    volcano(result, axes_at(figure, 13.0, 3.0, 73.0, 68.0))
    write_footer(figure, key, 82.0)
    return figure


@styled
def detectability(result: ComparisonLike, ax: Axes, *, day: object = None) -> Axes:
    """Draw the share of readings in range on one day: a bar per analyte and group.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``detectability``.
    ax : matplotlib.axes.Axes
    day : day, optional
        The tested day (of several, the last) where not given.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: full where in range, empty below, hatched above; n at the end of each bar.
    """
    shown = result.day[-1] if day is None else day
    table = result.detectability
    table = table[table["day"] == shown]
    names = list(dict.fromkeys(table["analyte"]))
    styles = group_styles(result)
    height = 0.8 / len(styles)
    for g, (group, (color, _)) in enumerate(styles.items()):
        own = table[table["group"] == group].set_index("analyte").reindex(names)
        y = np.arange(len(names)) + (g - (len(styles) - 1) / 2) * height
        left = np.zeros(len(names))
        for key, filled, hatch in _PARTS:
            share = own[key].fillna(0.0).to_numpy(float)
            ax.barh(
                y, share, height=height * 0.9, left=left, hatch=hatch, edgecolor=color,
                color=color if filled else "white", linewidth=THIN,
            )  # fmt: skip
            left = left + share
        for place, n in zip(y, own["n"].fillna(0), strict=True):
            ax.text(101.5, place, f"{int(n)}", size=SMALL, va="center_baseline", color=color)
    ax.set_xlim(0, 100)
    ax.set_ylim(len(names) - 0.4, -0.6)
    finish(ax)
    room = name_room(ax)
    ax.set_yticks(range(len(names)), [shorten(plain(name), room, SMALL) for name in names])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"Readings at {day_name(shown)} (%)", labelpad=2)
    ax.annotate(
        "n", (1.0, 1.0), xycoords="axes fraction", xytext=(4, 3), textcoords="offset points",
        size=SMALL, color=QUIET,
    )  # fmt: skip
    return ax


def detectability_figure(result: ComparisonLike, *, day: object = None) -> Figure:
    """The detectability bars as a figure of its own, 89 mm wide, with a key.

    Parameters
    ----------
    result : Comparison
    day : day, optional
        As in :func:`detectability`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = analytes_of(result)
    key = footer_lines([["Full: in range; empty: below; hatched: above."]], WIDTHS["single"])
    row = max(_ROW, 2.5 * len(groups_of(result)) + 0.6)
    left = min(max(text_width(plain(name), SMALL) for name in names) * POINT + 4.0, 30.0)
    body = len(names) * row
    figure = new_figure("single", body + 19.0 + footer_room(key))
    detectability(result, axes_at(figure, left, 5.0, WIDTHS["single"] - left - 9.0, body), day=day)
    group_key(result, figure, body + 15.0)
    write_footer(figure, key, body + 19.0)
    return figure
