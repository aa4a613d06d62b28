"""Panels: one per analyte, groups and days as columns, the three brackets of the comparison.

The figure asked for by a two-arm trial: every reading, a subject's days joined, a summary per
column, n and deaths under it, and brackets that carry the stars or p of the comparison's table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.errors import NothingToDoError, Problem, UsageError
from cytokit.figures.axes import log_axis, log_bounds
from cytokit.figures.brackets import Bracket, Obstacle, draw_brackets, height_needed
from cytokit.figures.style import (
    INK,
    LINE,
    PAGE_HEIGHT,
    POINT,
    QUIET,
    THIN,
    WIDTHS,
    Width,
    axes_at,
    choose,
    finish,
    new_figure,
    styled,
)
from cytokit.figures.view import (
    ComparisonLike,
    Mark,
    PanelColumn,
    analysed_of,
    analytes_of,
    check_analyte,
    columns_of,
    day_room,
    deaths_of,
    draw_bars,
    draw_boxes,
    draw_means,
    draw_title,
    footer_lines,
    footer_room,
    guard_sentences,
    label_columns,
    last_days,
    marks_of,
    points_of,
    say_without_numbers,
    style_sentences,
    symbol_sentences,
    test_sentences,
    unit_of,
    warning_sentences,
    write_footer,
)
from cytokit.options import Label, Style, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# Readings in a panel: points and lines, limit lines, crosses for deaths.


_MANY_LIMITS = 2
#: With more readings than this in a column, lines fade and the summary is drawn over the points.
CROWD = 60
#: Half the width of a column's own limit line.
_HALF = 0.39


def point_size(points: int) -> float:
    """Marker area in points squared: smaller where there are hundreds."""
    return float(np.clip(260.0 / max(points, 1) ** 0.75, 2.5, 11.0))


def draw_lines(ax: Axes, points: pd.DataFrame, columns: Sequence[PanelColumn]) -> None:
    """A thin line through each subject's days, within its group."""
    from matplotlib.collections import LineCollection

    seen = points[points["y"].notna()].sort_values("column", kind="stable")
    courses: dict[Any, list[tuple[float, float]]] = {}
    for subject, index, x, y in seen[["subject", "column", "x", "y"]].itertuples(index=False):
        courses.setdefault((columns[index].group, subject), []).append((x, y))
    hues = {column.group: column.color for column in columns}
    joined = {person: course for person, course in courses.items() if len(course) > 1}
    segments = [np.array(course) for course in joined.values()]
    colors = [hues[group] for group, _ in joined]
    alpha = 0.45 if len(segments) <= CROWD else 0.12
    ax.add_collection(
        LineCollection(segments, colors=colors, linewidths=0.4, alpha=alpha, zorder=1.5),
        autolim=False,
    )


def draw_points(
    ax: Axes, points: pd.DataFrame, columns: Sequence[PanelColumn], ends: tuple[float, float]
) -> None:
    """Readings in the group's hue and marker; beyond a limit an open triangle on the limit.

    What has no place on a log axis (a value that is not positive, a limit that nobody knows) stands
    as a triangle at the axis' lower end; above an unknown limit, at its upper end.
    """
    size = point_size(
        max((int((points["column"] == i).sum()) for i in range(len(columns))), default=1)
    )
    x, y, at = (points[name].to_numpy() for name in ("x", "y", "column"))
    kind, placed = points["kind"].to_numpy(str), np.isfinite(points["y"].to_numpy(float))
    above = kind == "above"
    strokes = (kind == "interval") & (points["low"].to_numpy(float) > 0)
    exact = (kind == "exact") & placed
    below = ~(above | strokes | exact)
    for index, column in enumerate(columns):
        own = at == index
        if (own & exact).any():
            ax.scatter(
                x[own & exact], y[own & exact], s=size, marker=column.marker,
                facecolor=column.color, edgecolor="white", linewidth=0.2, alpha=0.9, zorder=3,
            )  # fmt: skip
        for side, marker, end in ((own & below, "v", ends[0]), (own & above, "^", ends[1])):
            if side.any():
                ax.scatter(
                    x[side], np.where(placed[side], y[side], end), s=size * 1.5, marker=marker,
                    facecolor="white", edgecolor=column.color, linewidth=0.6, zorder=3.1,
                    clip_on=bool(placed[side].all()),
                )  # fmt: skip
        _strokes(ax, points[own & strokes], column.color)


def _strokes(ax: Axes, rows: pd.DataFrame, color: str) -> None:
    """Readings known only to lie between two limits."""
    if len(rows):
        ax.vlines(rows["x"], rows["low"], rows["high"], color=color, linewidth=LINE, zorder=3)


def draw_limits(ax: Axes, points: pd.DataFrame, columns: Sequence[PanelColumn]) -> None:
    """Dashed lines at the limits beyond which values are only known to lie."""
    beyond = points[points["kind"].isin(["below", "above"]) & points["y"].notna()]
    dashes = (0, (3, 2))
    limits = sorted({float(f"{limit:.6g}") for limit in beyond["y"]})
    if len(limits) <= _MANY_LIMITS:
        for limit in limits:
            ax.axhline(limit, color=QUIET, linewidth=THIN, linestyle=dashes, zorder=1)
        return
    for index, column in enumerate(columns):
        own = sorted({float(f"{y:.6g}") for y in beyond.loc[beyond["column"] == index, "y"]})
        ax.hlines(
            own, column.x - _HALF, column.x + _HALF, colors=QUIET, linewidths=THIN,
            linestyles=dashes, zorder=1,
        )  # fmt: skip


def draw_deaths(
    ax: Axes,
    points: pd.DataFrame,
    columns: Sequence[PanelColumn],
    dead: Sequence[set[Any]],
    floor: float,
    last_day: Mapping[Any, Any],
) -> None:
    """A cross through the last reading of each subject who died before a later column's day.

    A reading that is drawn but was not the last (a later day has no column) gets none.
    """
    crossed = []
    for index, column in enumerate(columns):
        same = [i for i, other in enumerate(columns) if other.group == column.group]
        for subject in sorted(dead[index], key=str):
            seen = points[(points["subject"] == subject) & points["column"].isin(same)]
            if len(seen):
                last = seen.sort_values("column").iloc[-1]
                if last_day.get(subject) != columns[int(last["column"])].day:
                    continue
                height = float(last["y"]) if last["y"] == last["y"] else floor
                crossed.append((float(last["x"]), height))
    if crossed:
        places = np.array(sorted(set(crossed)))
        ax.scatter(places[:, 0], places[:, 1], s=12, marker="x", color=INK, linewidth=0.6, zorder=4)


# One panel: an analyte's columns with points, lines, summary, limits, and the table's brackets.


SUMMARIES, LABELS = ("box", "gm", "bar"), ("stars", "p", "both")


@styled
def panel(
    result: ComparisonLike,
    analyte: str,
    ax: Axes,
    *,
    summary: Summary = "box",
    label: Label = "stars",
) -> Axes:
    """Draw one analyte: a column per group and day, and the brackets of the table.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``table``, ``summary``, ``study``, ``options``.
    analyte : str
    ax : matplotlib.axes.Axes
        Of its final size: the brackets are laid out for it.
    summary : {"box", "gm", "bar"}
        Median, quartiles and extremes; or the geometric mean with its interval.
    label : {"stars", "p", "both"}
        What stands on the brackets, taken from the table.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes; y is logarithmic in the analyte's unit.

    Raises
    ------
    UsageError
        CK-523 for an unknown analyte, CK-524 for an unknown summary or label.
    """
    choose("summary", summary, SUMMARIES, "CK-524")
    choose("label", label, LABELS, "CK-524")
    check_analyte(result, analyte)
    columns = columns_of(result)
    points = points_of(result, analyte, columns)
    dead = deaths_of(result, columns)
    table = result.summary[result.summary["analyte"] == analyte]
    low, high = log_bounds([*points["y"], *_summary_heights(table, summary), *_ends(points)])
    log_axis(ax, "y", low, high)
    ax.set_xlim(columns[0].x - 0.6, columns[-1].x + 0.6)
    crowded = int(points["column"].value_counts().max() if len(points) else 0) > CROWD
    draw_limits(ax, points, columns)
    drawn = _draw_summary(ax, table, columns, summary, low, crowded=crowded)
    draw_lines(ax, points, columns)
    draw_points(ax, points, columns, (low, high))
    draw_deaths(ax, points, columns, dead, low, last_days(result, analyte))
    marks = marks_of(result, analyte, columns)
    draw_brackets(ax, brackets_of(marks, label), _obstacles(points, columns, drawn))
    ax.spines["left"].set_bounds(low, high)
    finish(ax)
    label_columns(ax, points, columns, dead, analysed_of(result, analyte))
    draw_title(ax, analyte, unit_of(result, analyte))
    say_without_numbers(ax, points)
    return ax


def _summary_heights(table: pd.DataFrame, summary: str) -> list[float]:
    """What the summary marks will reach, for the axis' bounds."""
    keys = {"box": ("min", "max", "q1", "q3", "median")}.get(
        summary, ("geometric_mean", "gm_low", "gm_high")
    )
    return [float(value) for key in keys if key in table for value in table[key]]


def _ends(points: pd.DataFrame) -> list[float]:
    """The finite ends of the interval readings."""
    rows = points[points["kind"] == "interval"]
    return [*rows["low"], *rows["high"]]


def _draw_summary(
    ax: Axes,
    table: pd.DataFrame,
    columns: Sequence[PanelColumn],
    summary: str,
    floor: float,
    *,
    crowded: bool,
) -> list[list[float]]:
    """The chosen summary; returns the heights it reached, by column."""
    if summary == "box":
        return draw_boxes(ax, table, columns, over=crowded)
    if summary == "gm":
        return draw_means(ax, table, columns)
    return draw_bars(ax, table, columns, floor)


def brackets_of(marks: Sequence[Mark], label: str) -> list[Bracket]:
    """The table's marks with the text asked for; what is not significant is quieter."""
    done = []
    for mark in marks:
        text = mark_text("–" if mark.gated else mark.stars, mark.label, label)
        color = INK if mark.stars.strip("*") == "" and mark.stars else QUIET
        done.append(Bracket(mark.left, mark.right, text, color))
    return done


def mark_text(stars: str, words: str, label: str) -> str:
    """What is shown of the table's stars and label; the other one where the first is empty.

    Examples
    --------
    >>> mark_text("**", "p = 0.004", "both"), mark_text("", "not analysed", "stars")
    ('** p = 0.004', 'not analysed')
    """
    both = " ".join(text for text in (stars, words) if text)
    return {"stars": stars or words, "p": words or stars, "both": both}[label]


def _obstacles(
    points: pd.DataFrame, columns: Sequence[PanelColumn], drawn: Sequence[Sequence[float]]
) -> list[Obstacle]:
    """The highest thing in each column, a little raised for the marker's own size."""
    obstacles = []
    for index, column in enumerate(columns):
        rows = points[points["column"] == index]
        tops = [*rows["y"], *rows.loc[rows["kind"] == "interval", "high"], *drawn[index]]
        tops = [float(top) for top in tops if np.isfinite(top)]
        if tops:
            obstacles.append(Obstacle(column.x - 0.4, column.x + 0.4, max(tops)))
    return obstacles


STYLES = ("trial", "lanzoni")

# mm: what stands around the axes of one panel
_LEFT, _RIGHT, _ABOVE, _BELOW = 10.0, 2.0, 5.5, 13.5
_DATA_HEIGHT = 34.0


def panel_pages(
    result: ComparisonLike,
    *,
    analytes: Sequence[str] | None = None,
    summary: Summary = "box",
    label: Label = "stars",
    style: Style = "trial",
    width: Width | None = None,
) -> tuple[Figure, ...]:
    """All panels, on as many pages as they need.

    Parameters
    ----------
    result : Comparison
    analytes : sequence of str, optional
        Which, and in which order; all where not given.
    summary, label : str
        As in :func:`panel`.
    style : {"trial", "lanzoni"}
        ``trial`` is for a comparison whose stars within groups are gated; ``lanzoni`` shows
        three ungated brackets and prints the guard. What the footer says of the gate is read from
        the comparison itself.
    width : {"double", "single"}, optional
        183 or 89 mm; where not given, 89 mm for one analyte and 183 mm for more.

    Returns
    -------
    tuple of matplotlib.figure.Figure
        At least one, each with a footer: tests, adjustment, family size, what n is.

    Raises
    ------
    UsageError
        CK-523, CK-524 for an unknown analyte, summary, label or style; CK-521 for a width.
    NothingToDoError
        CK-525 if there is no analyte to draw.
    """
    choose("style", style, STYLES, "CK-524")
    choose("summary", summary, SUMMARIES, "CK-524")
    choose("label", label, LABELS, "CK-524")
    names = analytes_of(result) if analytes is None else list(analytes)
    if not names:
        raise NothingToDoError(Problem("CK-525", "there is no analyte to draw"))
    width = width or ("single" if len(names) == 1 else "double")
    choose("figure width", width, tuple(WIDTHS), "CK-521")
    for name in names:
        check_analyte(result, name)
    common = [
        test_sentences(result, names),
        symbol_sentences(result, names, summary, label),
        style_sentences(result, style),
        warning_sentences(result.table, names),
    ]
    room = footer_room(footer_lines(common, WIDTHS[width]))
    grid = _grid(result, names, WIDTHS[width], room, label)
    pages = []
    for first in range(0, len(names), grid.per_page):
        chosen = names[first : first + grid.per_page]
        said = [*common, guard_sentences(result, chosen)]
        footer = footer_lines(said, WIDTHS[width])
        pages.append(_page(result, chosen, grid, footer, summary, label, width))
    return tuple(pages)


def panels(
    result: ComparisonLike,
    *,
    analytes: Sequence[str] | None = None,
    summary: Summary = "box",
    label: Label = "stars",
    style: Style = "trial",
    width: Width | None = None,
    page: int = 1,
) -> Figure:
    """One page of :func:`panel_pages`, the first unless said otherwise.

    Parameters
    ----------
    result, analytes, summary, label, style, width
        As in :func:`panel_pages`.
    page : int
        From 1.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        CK-526 if there is no such page, and as in :func:`panel_pages`.
    """
    pages = panel_pages(
        result, analytes=analytes, summary=summary, label=label, style=style, width=width
    )
    if not 1 <= page <= len(pages):
        mend = f"choose a page from 1 to {len(pages)}"
        raise UsageError(Problem("CK-526", f"there is no page {page}", mend=mend))
    return pages[page - 1]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Rows, columns and sizes (mm) of a page of panels."""

    columns: int
    width: float
    height: float
    below: float
    per_page: int

    def cell(self, index: int) -> tuple[float, float, float, float]:
        """Left, top, width and height of one panel's axes."""
        row, column = divmod(index, self.columns)
        left, top = column * self.width + _LEFT, row * self.height + _ABOVE
        return left, top, self.width - _LEFT - _RIGHT, self.height - _ABOVE - self.below


def _grid(
    result: ComparisonLike, names: Sequence[str], width: float, footer: float, label: Label
) -> _Grid:
    """As many panels beside and under each other as stay readable, pages filled evenly."""
    columns = columns_of(result)
    least = _LEFT + _RIGHT + max(24.0, 6.2 * len(columns))
    most = max(1, int(width // least))
    beside = min(most, {1: 1, 2: 2, 3: 3, 4: 2}.get(len(names), 3 if len(names) <= 12 else 4))
    marks = [brackets_of(marks_of(result, name, columns), label) for name in names]
    below = _BELOW + (2.3 if any(deaths_of(result, columns)) else 0.0)
    below += day_room(columns, (width / beside - _LEFT - _RIGHT) / POINT) * POINT
    height = _ABOVE + _DATA_HEIGHT + max(map(height_needed, marks)) * POINT + below
    rows = max(1, int((PAGE_HEIGHT - footer) // height))
    pages = math.ceil(len(names) / (rows * beside))
    per_page = math.ceil(len(names) / pages / beside) * beside
    return _Grid(beside, width / beside, height, below, per_page)


def _page(
    result: ComparisonLike,
    names: Sequence[str],
    grid: _Grid,
    footer: Sequence[str],
    summary: Summary,
    label: Label,
    width: Width,
) -> Figure:
    """One page: the panels in reading order, the footer under them."""
    height = math.ceil(len(names) / grid.columns) * grid.height
    figure = new_figure(width, height + footer_room(footer))
    for index, name in enumerate(names):
        panel(result, name, axes_at(figure, *grid.cell(index)), summary=summary, label=label)
    write_footer(figure, footer, height + 1.0)
    return figure
