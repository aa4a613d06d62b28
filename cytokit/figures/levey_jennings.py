"""Levey-Jennings charts: each series over the plates in the order of their runs, with its limits.

Levey S, Jennings ER. The use of control charts in the clinical laboratory. Am J Clin Pathol 1950;
20: 1059-66.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytokit.arrays import Floats
from cytokit.errors import NothingToDoError, Problem
from cytokit.figures.axes import log_ticks
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import (
    BAD,
    FAINT,
    FAIR,
    INK,
    LINE,
    PAGE_HEIGHT,
    POINT,
    QUIET,
    TEXT,
    WIDTHS,
    Ink,
    Look,
    Stroke,
    Word,
    axes_at,
    choose,
    draw_ink,
    finish,
    new_figure,
    styled,
)
from cytokit.figures.text import number, plain, shorten, squeeze, text_width
from cytokit.figures.view import footer_lines, footer_room, write_footer
from cytokit.qc.control import WARNING, ChartSeries, Selection, chart_series, select
from cytokit.qc.series import SERIES_WORDS, ChartPlate, series_name
from cytokit.schema import QcRole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cytokit.qc.control import QualityControl


# The parts of a control chart: limits, marks, rules, lots, dates.


#: limits of the axes, x and y
Ends = tuple[tuple[float, float], tuple[float, float]]

#: the axis shows so many SD, more where values lie beyond, up to the second number
_SHOWN, _FARTHEST = 3.9, 6.5
#: with more SD in sight the limits' numbers would touch
_NAMED = 8.6
_LINES = (
    (0, Stroke(QUIET)),
    (1, Stroke(FAINT, (0.6, 0.9))),
    (2, Stroke(FAIR, (1.9, 0.8))),
    (3, Stroke(BAD)),
)
_PATH, _LOT = Stroke(FAINT, zorder=2.0), Stroke(INK, (3.2, 1.6), LINE)
_LOOKS = {
    "guide": Look("o", 2.65, "white", QUIET),
    "broken": Look("D", 3.5, BAD, BAD),
    "warning": Look("s", 3.2, FAIR, FAIR),
    "quiet": Look("o", 2.65, INK, INK),
}
_MISSING = Look("x", 3.0, QUIET, QUIET, LINE)
#: most dates under a chart
_DATES = 5
#: points above the axes at which the names of rules and the title stand
_RULES_AT, _TITLE_AT = 3.0, 9.5
_GAP = 6.0


@dataclass(frozen=True)
class Chart:
    """A chart before it is drawn: limits of its axes, ticks with their labels, and the ink."""

    xlim: tuple[float, float]
    ylim: tuple[float, float]
    xticks: list[tuple[float, str]]
    yticks: list[tuple[float, str]]
    ink: Ink


def make_chart(series: ChartSeries, plates: Sequence[ChartPlate], width: float) -> Chart:
    """One series as a chart.

    Parameters
    ----------
    series : ChartSeries
    plates : sequence of ChartPlate
        All plates, in the order of their runs.
    width : float
        Of the axes, points.

    Returns
    -------
    Chart
        x: the number of the plate; y: ln(value).
    """
    ink, xlim = Ink(), (-0.7, len(plates) - 0.3)
    wide = width / (xlim[1] - xlim[0])
    judged_by = not math.isnan(series.sd)
    if judged_by:
        ylim, yticks = _limit_axis(ink, series, xlim)
    else:
        ylim, yticks = _free_axis(series)
    _add_lots(ink, series, plates, ylim, wide)
    _add_marks(ink, series, ylim)
    if judged_by:
        _add_rules(ink, series, (xlim, ylim), wide, width)
    _add_title(ink, series, (xlim, ylim), width)
    return Chart(xlim, ylim, _dates(plates, wide, width), yticks, ink)


def _limit_axis(
    ink: Ink, series: ChartSeries, xlim: tuple[float, float]
) -> tuple[tuple[float, float], list[tuple[float, str]]]:
    """Limits as lines, their values on the left, names of mean and 3 SD on the right."""
    mean, sd = series.mean, series.sd
    z = series.z[np.isfinite(series.z)]
    down, up = (
        min(max(_SHOWN, float(np.max(side, initial=0.0)) + 0.6), _FARTHEST) for side in (-z, z)
    )
    for times, stroke in _LINES:
        for y in dict.fromkeys((mean - times * sd, mean + times * sd)):
            ink.line(stroke, xlim, (y, y))
    named = [-3, -2, 0, 2, 3] if down + up < _NAMED else [-3, 0, 3]
    for times in (-3, 0, 3):
        words = "mean" if times == 0 else f"{times:+d} SD".replace("-", "\N{MINUS SIGN}")
        ink.words.append(Word(words, xlim[1], mean + times * sd, 3.0, -2.2, QUIET))
    at = [mean + times * sd for times in named]
    return (mean - down * sd, mean + up * sd), [(y, _value_text(math.exp(y))) for y in at]


def _free_axis(series: ChartSeries) -> tuple[tuple[float, float], list[tuple[float, str]]]:
    """Round numbers around the values, where there are no limits."""
    values = series.value[np.isfinite(series.value)]
    low, high = (float(values.min()), float(values.max())) if values.size else (1.0, 10.0)
    room = max(0.12 * math.log(high / low), 0.02)
    ends = math.log(low) - room, math.log(high) + room
    ticks = log_ticks(math.exp(ends[0]), math.exp(ends[1]))
    powers = bool(ticks) and (max(ticks) >= 1e6 or min(ticks) < 1e-3)
    return ends, [(math.log(tick), number(tick, powers=powers)) for tick in ticks]


def _add_marks(ink: Ink, series: ChartSeries, ylim: tuple[float, float]) -> None:
    """One mark per plate; values beyond the axis stand on its edge as triangles."""
    low, high = ylim
    logs, x = np.log(series.value), series.x
    inside = np.clip(logs, low, high)
    for stretch in _stretches(np.isfinite(logs)):
        ink.line(_PATH, x[stretch], inside[stretch])
    kinds = np.array([_kind(*both) for both in zip(series.role, series.rules, strict=True)])
    for kind in dict.fromkeys(kinds.tolist()):
        look = _LOOKS[kind]
        for marker, chosen in (("^", logs > high), ("v", logs < low), ("", logs == inside)):
            here = chosen & (kinds == kind)
            if here.any():
                beyond = Look(marker, 4.0, look.face, look.edge)
                ink.mark(beyond if marker else look, x[here], inside[here])
    missing = np.isnan(logs)
    if missing.any():
        ink.mark(_MISSING, x[missing], np.full(int(missing.sum()), low))


def _stretches(known: NDArray[np.bool_]) -> Iterator[slice]:
    """Where values stand in a row: no line runs past a plate that has none."""
    edges = np.flatnonzero(np.diff([0, *known.astype(int), 0]))
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - first > 1:
            yield slice(first, end)


def _kind(role: str, rules: str) -> str:
    """Which of the looks a plate's mark has."""
    if role == str(QcRole.GUIDE):
        return "guide"
    broken = set(rules.split())
    return "broken" if broken - {WARNING} else "warning" if broken else "quiet"


def _add_rules(ink: Ink, series: ChartSeries, ends: Ends, wide: float, width: float) -> None:
    """Over the axes: a drift on the right; rules once for plates in a row that break any."""
    xlim, ylim = ends
    if not math.isnan(series.drift):
        drift = f"drift {series.drift:+.2g} SD/plate".replace("-", "\N{MINUS SIGN}")
        ink.words.append(Word(drift, xlim[1], ylim[1], 0.0, _RULES_AT, BAD, ha="right"))
        width -= text_width(drift) + 2 * _GAP
    episodes = list(_episodes(series))
    texts = [_episode_words(series, episode, ylim) for episode in episodes]
    wanted = [(float(series.x[episode[0]]) + 0.7) * wide - 4.0 for episode in episodes]
    starts = _apart(wanted, [text_width(text) for text in texts], width)
    if starts is None:
        broken = [rule for text in series.rules for rule in text.split() if rule != WARNING]
        told = ", ".join(f"{rule} {broken.count(rule)}×" for rule in dict.fromkeys(broken))
        texts, starts = [shorten(told, width)], [0.0]
    ink.words.extend(
        Word(text, xlim[0], ylim[1], start, _RULES_AT, BAD)
        for text, start in zip(texts, starts, strict=True)
    )


def _apart(wanted: Sequence[float], widths: Sequence[float], room: float) -> list[float] | None:
    """Where texts begin so that none touches the next; None where they do not fit in a line."""
    starts: list[float] = []
    end = 0.0
    for want, width in zip(wanted, widths, strict=True):
        starts.append(max(want, end))
        end = starts[-1] + width + _GAP
    limit = room
    for at in reversed(range(len(starts))):
        starts[at] = min(starts[at], limit - widths[at])
        limit = starts[at] - _GAP
    return None if starts and starts[0] < 0 else starts


def _episodes(series: ChartSeries) -> Iterator[list[int]]:
    """Judged plates in a row, on one side of the mean, that break a rule but the warning."""
    judged = str(QcRole.JUDGED)
    current: list[int] = []
    for at in range(len(series.x)):
        if series.role[at] != judged or math.isnan(series.z[at]):
            continue
        broken = bool(set(series.rules[at].split()) - {WARNING})
        same = bool(current) and (series.z[current[-1]] > 0) == (series.z[at] > 0)
        if current and not (broken and same):
            yield current
            current = []
        if broken:
            current.append(at)
    if current:
        yield current


def _episode_words(series: ChartSeries, episode: Sequence[int], ylim: tuple[float, float]) -> str:
    """The rules in the order in which they broke, and how far the farthest value lies beyond."""
    rules = dict.fromkeys(rule for at in episode for rule in series.rules[at].split())
    words = " ".join(rule for rule in rules if rule != WARNING)
    farthest = max(episode, key=lambda at: abs(series.z[at]))
    if ylim[0] <= math.log(series.value[farthest]) <= ylim[1]:
        return words
    return f"{words} (to {series.z[farthest]:+.0f} SD)"


def _add_lots(
    ink: Ink,
    series: ChartSeries,
    plates: Sequence[ChartPlate],
    ylim: tuple[float, float],
    wide: float,
) -> None:
    """A line at each change of lot, with what is new and how large the step is."""
    middle = sum(ylim) / 2
    changes = [at for at in range(1, len(plates)) if plates[at].segment != plates[at - 1].segment]
    for at, following in pairwise([*changes, len(plates)]):
        before, after = plates[at - 1], plates[at]
        ink.line(_LOT, (at - 0.5, at - 0.5), ylim)
        ratio = series.steps.get((before.lot, after.lot))
        step = "" if ratio is None else f" ×{ratio:.3g}"
        name, last = plain(_new_lot(before, after)), following == len(plates)
        room, beside = (following - at + 0.2 * last) * wide - 4.0, True
        if text_width(name + step) > room and last:
            # the last lot's name may reach back over its line: its ratio must be read
            room, beside = len(plates) * wide / 2, False
        words = squeeze(name, max(room - text_width(step), 0.0)) + step
        here = series.value[(series.x >= at) & (series.x < following)]
        here = here[np.isfinite(here)]
        # where the values are not
        top = not len(here) or math.log(float(np.median(here))) < middle
        x, dx = (at - 0.5, 2.0) if beside else (len(plates) - 0.3, 0.0)
        ink.words.append(
            Word(words, x, ylim[top], dx, -1.0 if top else 1.0, ha="left" if beside else "right",
                 va="top" if top else "bottom", boxed=True)
        )  # fmt: skip


def _new_lot(before: ChartPlate, after: ChartPlate) -> str:
    """The lots that differ from those of the plate before."""
    if not after.lot:
        return "lot not stated"
    old = before.facts.lots
    return "; ".join(
        f"{what} {lot}" for what, lot in after.facts.lots.items() if old.get(what) != lot
    )


def _add_title(
    ink: Ink,
    series: ChartSeries,
    ends: Ends,
    width: float,
) -> None:
    """Analyte, series and unit on the left; on the right what the limits rest on."""
    (left, right), (_, top) = ends
    state, color = _state(series)
    analyte, name, level = series.key
    words = f"{SERIES_WORDS[name]} {plain(level)}".rstrip()
    unit = f" ({plain(series.unit)})" if series.unit and series.unit not in words else ""
    room = width - text_width(state) - 4
    title = shorten(f"{plain(analyte)}, {words}", room - text_width(unit, TEXT), TEXT) + unit
    ink.words.append(Word(title, left, top, 0.0, _TITLE_AT, size=TEXT))
    if state:
        ink.words.append(Word(state, right, top, 0.0, _TITLE_AT, color, ha="right"))


def _state(series: ChartSeries) -> tuple[str, str]:
    """What the limits rest on; red where it must not be overlooked."""
    if math.isnan(series.sd):
        shown = set(series.role) <= {str(QcRole.SHOWN)}
        return ("" if shown else "no limits: not judged"), QUIET
    if series.provisional:
        return f"PROVISIONAL, guide n = {series.guide_n}", BAD
    return f"guide n = {series.guide_n}", QUIET


def _dates(plates: Sequence[ChartPlate], wide: float, width: float) -> list[tuple[float, str]]:
    """Dates under some plates, the first and the last among them; without one, its name."""
    names = [plate.facts.date[:10] or plain(plate.name) for plate in plates]
    widest = max(text_width(name) for name in names) + 2
    at, room = [0], width
    for count in range(2, min(_DATES, len(plates)) + 1):
        more = np.unique(np.rint(np.linspace(0, len(plates) - 1, count)).astype(int)).tolist()
        between = min(b - a for a, b in pairwise(more)) * wide
        # two at least, cut short where they must be; more only where they can be read
        if count == 2 or between >= widest:
            at, room = more, between
    return [(float(i), shorten(names[i], room - 2)) for i in at]


def _value_text(value: float) -> str:
    """Three significant digits; powers of ten where there would be too many zeros."""
    return number(float(f"{value:.3g}"), powers=not 1e-3 <= value < 1e6)


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
