"""Levey-Jennings charts: each series over the plates in the order of their runs, with its limits.

Levey S, Jennings ER. The use of control charts in the clinical laboratory. Am J Clin Pathol 1950;
20: 1059-66.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cytokit.errors import NothingToDoError, Problem
from cytokit.figures._captions import footer_lines, footer_room, write_footer
from cytokit.figures._chart_parts import Chart, make_chart
from cytokit.figures._ink import Floats, Ink, Stroke, Word, draw_ink
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import (
    INK,
    PAGE_HEIGHT,
    POINT,
    WIDTHS,
    axes_at,
    choose,
    finish,
    new_figure,
    styled,
)
from cytokit.qc.charts import ChartSeries, Selection, chart_series, select
from cytokit.qc.names import series_name
from cytokit.vocabulary import QcRole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cytokit.qc import QualityControl

# mm: around and in the axes of one chart
_LEFT, _RIGHT, _ABOVE, _HEIGHT, _BELOW = 13.0, 9.5, 7.0, 17.5, 5.3
_TALL = _ABOVE + _HEIGHT + _BELOW
_FRAME = Stroke(INK, zorder=2.5)
# points: length of a tick, from its end to its label, from a label's baseline to its middle
_TICK, _PAD, _HALF = 2.5, 2.0, 2.2


@styled
def levey_jennings(
    result: QualityControl, analyte: str, series: str, ax: Axes, *, level: str = ""
) -> Axes:
    """Draw one series: values by plate, the guide's mean with 1, 2 and 3 SD, what broke a rule.

    Parameters
    ----------
    result : QualityControl
    analyte, series : str
        As in ``result.table``.
    ax : matplotlib.axes.Axes
        With room for numbers on its left and names of limits on its right.
    level : str
        The control or level, where the series has several.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: x the plates in the order of their runs, y the value, logarithmic.

    Raises
    ------
    UsageError
        CK-523 for a series that is not there.
    """
    known = chart_series(result)
    names = [series_name(*key) for key in known]
    choose("series", series_name(analyte, series, level), list(dict.fromkeys(names)), "CK-523")
    chart = make_chart(known[analyte, series, level], result.plates, size_in_points(ax)[0])
    ax.set_xlim(chart.xlim)
    ax.set_ylim(chart.ylim)
    ax.set_xticks([at for at, _ in chart.xticks], [text for _, text in chart.xticks])
    ax.set_yticks([at for at, _ in chart.yticks], [text for _, text in chart.yticks])
    draw_ink(ax, chart.ink)
    finish(ax)
    return ax


def levey_jennings_pages(result: QualityControl, *, all_charts: bool = False) -> tuple[Figure, ...]:
    """The charts: the controls of all analytes first, then the rest by analyte.

    Parameters
    ----------
    result : QualityControl
    all_charts : bool
        Chart every parameter of the curves, not only those that broke a rule, drift or step; how
        many are left out stands under the charts.

    Returns
    -------
    tuple of matplotlib.figure.Figure
        183 mm wide.

    Raises
    ------
    NothingToDoError
        CK-525 if there is no value to draw.
    """
    chosen = select(result, all_charts=all_charts)
    if not (chosen.controls or chosen.rest):
        raise NothingToDoError(Problem("CK-525", "no plate has a value to chart"))
    footer = _footer(result, chosen)
    return (*_pages(result, chosen.controls, footer), *_pages(result, chosen.rest, footer))


def _footer(result: QualityControl, chosen: Selection) -> list[str]:
    return footer_lines([_sentences(result, chosen)], WIDTHS["double"])


def _pages(
    result: QualityControl, series: Sequence[ChartSeries], footer: Sequence[str]
) -> tuple[Figure, ...]:
    """Charts of these series, as many to a page as it holds."""
    per_page = 2 * int((PAGE_HEIGHT - footer_room(footer)) // _TALL)
    return tuple(
        _page(result, series[first : first + per_page], footer)
        for first in range(0, len(series), per_page)
    )


@styled
def _page(result: QualityControl, series: Sequence[ChartSeries], footer: Sequence[str]) -> Figure:
    """Two charts beside each other, in reading order, on axes that measure points."""
    body = math.ceil(len(series) / 2) * _TALL
    height = body + footer_room(footer)
    figure = new_figure("double", height)
    sheet = axes_at(figure, 0.0, 0.0, WIDTHS["double"], height)
    sheet.set_axis_off()
    sheet.set_xlim(0.0, WIDTHS["double"] / POINT)
    sheet.set_ylim(0.0, height / POINT)
    half = WIDTHS["double"] / 2
    size = ((half - _LEFT - _RIGHT) / POINT, _HEIGHT / POINT)
    ink = Ink()
    for index, one in enumerate(series):
        row, column = divmod(index, 2)
        corner = (column * half + _LEFT, height - (row + 1) * _TALL + _BELOW)
        chart = make_chart(one, result.plates, size[0])
        _place(ink, chart, (corner[0] / POINT, corner[1] / POINT), size)
    draw_ink(sheet, ink)
    write_footer(figure, footer, body)
    return figure


def _place(page: Ink, chart: Chart, corner: tuple[float, float], size: tuple[float, float]) -> None:
    """Put a chart with its axes into a box; corner and size in points of the page."""
    start = np.array([chart.xlim[0], chart.ylim[0]])
    unit = np.array(size) / (np.array([chart.xlim[1], chart.ylim[1]]) - start)

    def move(places: Floats) -> Floats:
        return np.asarray((places - start) * unit + corner, dtype=np.float64)

    page.add(chart.ink, move)
    left, foot = corner
    page.line(_FRAME, (left, left, left + size[0]), (foot + size[1], foot, foot))
    for at, text in chart.xticks:
        x = left + (at - chart.xlim[0]) * float(unit[0])
        page.line(_FRAME, (x, x), (foot, foot - _TICK))
        page.words.append(Word(text, x, foot - _TICK - _PAD - 2 * _HALF, ha="center"))
    for at, text in chart.yticks:
        y = foot + (at - chart.ylim[0]) * float(unit[1])
        page.line(_FRAME, (left - _TICK, left), (y, y))
        page.words.append(Word(text, left - _TICK - _PAD, y - _HALF, ha="right"))


def _sentences(result: QualityControl, chosen: Selection) -> list[str]:
    """What the marks mean."""
    said = ["One mark per plate in the order of the runs; logarithmic scale."]
    if chosen.left_out:
        left = f"{chosen.left_out} parameters of curves"
        why = "" if result.guide is None else " that broke no rule but 1-2s"
        said.append(f"Not charted: {left}{why} (numbers: qc_series.csv; charts: --all-charts).")
    if result.guide is None:
        return [*said, "No guide was given: no plate is judged."]
    roles = set(result.table["role"])
    if str(QcRole.GUIDE) in roles:
        said.append("Open: plates of the guide, not judged; filled: judged.")
    said.append(
        "Lines: mean of the locked guide (solid), 1 SD (dotted), 2 SD (dashed), 3 SD (red)."
        " Orange square: 1-2s, a warning; red diamond: the Westgard rules named above it; triangle:"
        " beyond the axis; ×: no value."
    )
    if len({plate.segment for plate in result.plates}) > 1:
        said.append(
            "Vertical line: change of lot, with the ratio of new over old where it is more than"
            " chance; no rule runs across it."
        )
    return said
