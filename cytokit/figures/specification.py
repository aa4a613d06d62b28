"""Specification panel: one contrast under every defensible analysis, and how often it holds.

Ratios in rising order with their intervals above, the choices behind each below (Simonsohn, Simmons
and Nelson 2020, Nat Hum Behav 4:1208).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.errors import NothingToDoError, Problem
from cytokit.figures.axes import log_axis, log_bounds
from cytokit.figures.brackets import size_in_points
from cytokit.figures.forest import name_room
from cytokit.figures.style import (
    FAINT,
    INK,
    LINE,
    PAGE_HEIGHT,
    PALE,
    POINT,
    QUIET,
    SMALL,
    TEXT,
    THIN,
    TITLE,
    WIDTHS,
    axes_at,
    choose,
    finish,
    new_figure,
    palette,
    styled,
)
from cytokit.figures.text import plain, shorten, text_width
from cytokit.figures.view import footer_lines, footer_room, warning_sentences, write_footer
from cytokit.trial.analyses import BETWEEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cytokit.trial.comparison import Sensitivity


# The choices behind each specification of a panel: their words and the grid that shows them.


#: Height of a row of the grid, points.
ROW = 7.4
_POLICY = {
    "lod": "interval beyond LOD",
    "lloq": "interval beyond LLOQ",
    "interval": "interval LOD to LLOQ",
}
_SUBSTITUTE = {
    "as-given": "number as given",
    "limit": "the limit itself",
    "half": "half the limit",
    "sqrt2": "limit / √2",
}


@dataclass(frozen=True, slots=True)
class Choices:
    """One question and, per specification, its answer.

    Parameters
    ----------
    question : str
    answers : tuple of str
        The rows of the grid.
    taken : tuple of int
        Which answer each specification gives; -1 where the question does not arise.
    """

    question: str
    answers: tuple[str, ...]
    taken: tuple[int, ...]


def choices_of(rows: pd.DataFrame) -> list[Choices]:
    """What differs between the specifications, question by question.

    Parameters
    ----------
    rows : pandas.DataFrame
        One analyte and pair of the panel's table, in the order in which they are drawn.

    Returns
    -------
    list of Choices
        Questions with one answer alone are left out; answers keep the table's order.

    Examples
    --------
    >>> rows = pd.DataFrame({"data": "as analysed", "censor": "lod", "substitute": "none",
    ...                      "between": ["welch", "ancova"]}, index=[1, 0])
    >>> choices_of(rows)
    [Choices(question='Analysis', answers=('ANCOVA', 'Welch'), taken=(1, 0))]
    """
    keys = ("data", "censor", "substitute")
    outside = [
        # fluorescence has no limits
        "" if data == "MFI" else _SUBSTITUTE.get(substitute, _POLICY.get(censor, plain(censor)))
        for data, censor, substitute in zip(*(rows[key] for key in keys), strict=True)
    ]
    asked = {
        "Readings": [plain(name) for name in rows["data"]],
        "Out of range": outside,
        "Analysis": [BETWEEN[str(name)].label for name in rows["between"]],
    }
    found = []
    for question, given in asked.items():
        in_order = pd.Series(given, index=rows.index).sort_index()
        answers = tuple(dict.fromkeys(answer for answer in in_order if answer))
        if len(answers) > 1:
            taken = tuple(answers.index(one) if one else -1 for one in given)
            found.append(Choices(question, answers, taken))
    return found


def holds_words(holds: pd.Series[Any]) -> str:
    """How often the main verdict holds, in words.

    Parameters
    ----------
    holds : pandas.Series
        A row of the panel's ``holds``.

    Returns
    -------
    str

    Examples
    --------
    >>> holds_words(pd.Series({"verdict": "lower", "specifications": 15, "analysed": 14,
    ...                        "same": 13, "holds_pct": 92.9}))
    'lower: holds in 13 of 14 others (93 %), 1 not analysed'
    """
    verdict, analysed = str(holds["verdict"]), int(holds["analysed"])
    every = int(holds["specifications"])
    compared = every if verdict == "not analysed" else analysed
    if not compared:
        return f"{verdict}: no other specification could be analysed"
    share = f"{int(holds['same'])} of {compared} others ({holds['holds_pct']:.0f} %)"
    left = every - compared
    return f"{verdict}: holds in {share}{f', {left} not analysed' if left else ''}"


def grid_height(choices: Sequence[Choices]) -> float:
    """Points that the grid takes, its questions included."""
    return ROW * sum(1 + len(one.answers) for one in choices)


def draw_choices(ax: Axes, choices: Sequence[Choices], main: int, room: float) -> None:
    """A dot per specification and question, the main analysis' dark.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With the specifications' x; as high as :func:`grid_height`.
    choices : sequence of Choices
    main : int
        Position of the main analysis.
    room : float
        Points left of the axes for the words.
    """
    top, places, words = 0, [], []
    for one in choices:
        places.append(top)
        words.append(one.question)
        for row, answer in enumerate(one.answers, start=top + 1):
            places.append(row)
            words.append(answer)
            if (row - top) % 2:
                ax.axhspan(row - 0.5, row + 0.5, color=PALE, linewidth=0, zorder=0)
        given = [(x, top + 1 + answer) for x, answer in enumerate(one.taken) if answer >= 0]
        colors = [INK if x == main else FAINT for x, _ in given]
        sizes = [9.0 if x == main else 5.0 for x, _ in given]
        x, y = ([place[axis] for place in given] for axis in (0, 1))
        ax.scatter(x, y, s=sizes, c=colors, linewidths=0, zorder=2)
        top += 1 + len(one.answers)
    ax.set_ylim(top - 0.5, -0.5)
    ax.set_yticks(places, [shorten(word, room, SMALL) for word in words])
    questions = {one.question for one in choices}
    for label, word in zip(ax.get_yticklabels(), words, strict=True):
        label.set_color(QUIET if word in questions else INK)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0, pad=3, labelsize=SMALL)
    for spine in ax.spines.values():
        spine.set_visible(False)


# mm: around and in the axes of one analyte
_LEFT, _RIGHT, _ABOVE, _HEIGHT, _GAP, _KEY = 31.0, 3.0, 9.5, 34.0, 5.0, 4.5
#: Up to so many specifications two analytes stand side by side.
_BESIDE = 45
#: Intervals beyond this factor either way run off the axis.
_FARTHEST = 1000.0
_BETWEEN_AXES = 4.0  # points from the ratios to the grid of choices
_NO_RATIO = "no ratio"
_VERDICTS = ("lower", "not significant", "higher", "not analysed")


@styled
def specification(
    sensitivity: Sensitivity, analyte: str, ax: Axes, *, pair: tuple[str, str] | None = None
) -> Axes:
    """Draw one analyte: the ratio under every specification, marked by what it says.

    Parameters
    ----------
    sensitivity : Sensitivity
        From :func:`cytokit.trial.sensitivity.sensitivity`.
    analyte : str
    ax : matplotlib.axes.Axes
        With room on its left for words and below it for the grid of choices, which is drawn in
        an inset.
    pair : tuple of str, optional
        Treated and control group; the table's first where not given.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: x the specifications in the order of their ratios, those without one last;
        y the ratio, logarithmic.

    Raises
    ------
    UsageError
        CK-523 for an unknown analyte or pair of groups.
    NothingToDoError
        CK-525 if no groups were compared.
    """
    rows, holds = _rows_of(sensitivity, analyte, pair)
    ratio, low, high = (rows[name].to_numpy(float) for name in ("ratio", "ratio_low", "ratio_high"))
    ends = np.clip(np.concatenate([ratio, low, high]), 1 / _FARTHEST, _FARTHEST)
    log_axis(ax, "y", *log_bounds([1 / 1.5, 1.5, *ends]))
    ax.set_xlim(-0.9, len(rows) - 0.1)
    main = int(np.flatnonzero(rows["main"].to_numpy(bool))[0])
    ax.axvspan(main - 0.5, main + 0.5, color=PALE, linewidth=0, zorder=0)
    ax.axhline(1.0, color=QUIET, linewidth=THIN, zorder=1)
    _draw_ratios(ax, rows)
    finish(ax)
    ax.set_xticks([])
    treated, control = plain(holds["treated_group"]), plain(holds["control_group"])
    words = f"Ratio, {treated} / {control}"
    ax.set_ylabel(shorten(words, size_in_points(ax)[1], TEXT), labelpad=2)
    _title(ax, analyte, holds)
    _grid(ax, rows, main)
    return ax


def _rows_of(
    sensitivity: Sensitivity, analyte: str, pair: tuple[str, str] | None
) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """The specifications of one analyte and pair in drawing order, and how often they agree."""
    _check_compared(sensitivity)
    every = sensitivity.holds
    choose("analyte", analyte, [str(name) for name in every["analyte"].unique()], "CK-523")
    every = every[every["analyte"] == analyte]
    pairs = list(zip(every["treated_group"], every["control_group"], strict=True))
    chosen = pairs[0] if pair is None else pair
    if chosen not in pairs:
        listed = [f"{treated} / {control}" for treated, control in pairs]
        choose("pair of groups", " / ".join(chosen), listed, "CK-523")
    table = sensitivity.table
    mine = (
        (table["analyte"] == analyte)
        & (table["treated_group"] == chosen[0])
        & (table["control_group"] == chosen[1])
    )
    rows = table[mine]
    drawn = rows["ratio"].where((rows["ratio"] > 0) & np.isfinite(rows["ratio"]))
    rows = rows.assign(ratio=drawn).sort_values("ratio", kind="stable")
    return rows, every.iloc[pairs.index(chosen)]


def _check_compared(sensitivity: Sensitivity) -> None:
    """Refuse a panel of a study without groups to compare."""
    if sensitivity.holds.empty:
        mend = "the comparison needs two groups at the tested day"
        raise NothingToDoError(Problem("CK-525", "no groups were compared", mend=mend))


def _marker(verdict: str) -> dict[str, Any]:
    """How a verdict is drawn: form and fill as well as hue."""
    higher, lower = palette()[1], palette()[0]
    return {
        "higher": {"marker": "s", "facecolor": higher, "edgecolor": higher},
        "lower": {"marker": "o", "facecolor": lower, "edgecolor": lower},
        "not significant": {"marker": "o", "facecolor": "white", "edgecolor": INK},
        "not analysed": {"marker": "x", "facecolor": QUIET},
    }[verdict]


def _draw_ratios(ax: Axes, rows: pd.DataFrame) -> None:
    """Interval and mark of each specification; those without a ratio stand at the axis' foot."""
    foot = ax.get_ylim()[0]
    for x, row in enumerate(rows.to_dict("records")):
        look, size = _marker(row["verdict"]), 17.0 if row["main"] else 10.0
        color = look.get("edgecolor", QUIET)
        if math.isfinite(row["ratio_low"]) and math.isfinite(row["ratio_high"]):
            width = 2 * LINE if row["main"] else LINE
            ends = max(row["ratio_low"], foot), row["ratio_high"]
            ax.vlines(x, *ends, colors=color, linewidths=width, alpha=0.8)
        y = row["ratio"] if row["ratio"] > 0 else foot
        ax.scatter(x, y, s=size, linewidth=LINE, zorder=3, clip_on=y > foot, **look)
    without = int((~(rows["ratio"].to_numpy(float) > 0)).sum())
    if without:
        ax.axvline(len(rows) - without - 0.5, color=QUIET, linewidth=THIN, linestyle=":")
        ax.annotate(
            _NO_RATIO, (len(rows) - 0.4, 0.0), xycoords=("data", "axes fraction"), xytext=(0, 6),
            textcoords="offset points", ha="right", size=SMALL, color=QUIET,
            bbox={"facecolor": "white", "linewidth": 0, "pad": 0.8},
        )  # fmt: skip


def _title(ax: Axes, analyte: str, holds: pd.Series[Any]) -> None:
    """The analyte and, under it, how often the main verdict holds."""
    room = size_in_points(ax)[0]
    ax.set_title(shorten(plain(analyte), room, TITLE), loc="left", pad=13)
    ax.annotate(
        shorten(holds_words(holds), room, SMALL), (0, 1), xycoords="axes fraction",
        xytext=(0, 5), textcoords="offset points", size=SMALL, color=QUIET,
    )  # fmt: skip


def _grid(ax: Axes, rows: pd.DataFrame, main: int) -> None:
    """The grid of choices under the ratios."""
    choices = choices_of(rows)
    if not choices:
        return
    high = size_in_points(ax)[1]
    tall = grid_height(choices) / high
    below = ax.inset_axes((0.0, -tall - _BETWEEN_AXES / high, 1.0, tall))
    below.set_xlim(ax.get_xlim())
    below.axvspan(main - 0.5, main + 0.5, color=PALE, linewidth=0, zorder=0)
    draw_choices(below, choices, main, min(name_room(ax), _LEFT / POINT - 8.0))


def specification_pages(sensitivity: Sensitivity) -> tuple[Figure, ...]:
    """The panels of all analytes and pairs of groups, on as many pages as they need.

    Parameters
    ----------
    sensitivity : Sensitivity

    Returns
    -------
    tuple of matplotlib.figure.Figure
        183 mm wide.

    Raises
    ------
    NothingToDoError
        CK-525 if no groups were compared.
    """
    _check_compared(sensitivity)
    keys = sensitivity.holds[["analyte", "treated_group", "control_group"]]
    blocks = [(row["analyte"], (row["treated_group"], row["control_group"]))
              for row in keys.to_dict("records")]  # fmt: skip
    footer = footer_lines([_sentences(sensitivity)], WIDTHS["double"])
    grids = [grid_height(choices_of(_rows_of(sensitivity, *block)[0])) for block in blocks]
    height = _ABOVE + _HEIGHT + max(grids) * POINT + _GAP
    beside = 2 if int(sensitivity.holds["specifications"].max()) < _BESIDE else 1
    beneath = max(1, int((PAGE_HEIGHT - footer_room(footer) - _KEY) // height))
    per_page = beside * beneath
    return tuple(
        _page(sensitivity, blocks[first : first + per_page], beside, height, footer)
        for first in range(0, len(blocks), per_page)
    )


def _page(
    sensitivity: Sensitivity,
    blocks: Sequence[tuple[str, tuple[str, str]]],
    beside: int,
    height: float,
    footer: Sequence[str],
) -> Figure:
    """One page: the panels in reading order, the key of the verdicts, the footer."""
    body = math.ceil(len(blocks) / beside) * height
    figure = new_figure("double", body + _KEY + footer_room(footer))
    wide = WIDTHS["double"] / beside
    for index, (analyte, pair) in enumerate(blocks):
        row, column = divmod(index, beside)
        place = (column * wide + _LEFT, row * height + _ABOVE, wide - _LEFT - _RIGHT, _HEIGHT)
        specification(sensitivity, analyte, axes_at(figure, *place), pair=pair)
    _key(figure, list(dict.fromkeys(sensitivity.table["verdict"])), body)
    write_footer(figure, footer, body + _KEY)
    return figure


@styled
def _key(figure: Figure, verdicts: Sequence[str], top: float) -> None:
    """The marks of the verdicts that occur, in a row so many mm below the upper edge."""
    ax = axes_at(figure, 0.0, top, WIDTHS["double"], _KEY)
    ax.set_axis_off()
    ax.set_xlim(0.0, WIDTHS["double"])
    ax.set_ylim(0.0, 1.0)
    x = 3.5
    for verdict in _VERDICTS:
        if verdict in verdicts:
            ax.scatter(x, 0.6, s=12.0, linewidth=LINE, **_marker(verdict))
            ax.text(x + 2.0, 0.6, verdict, size=SMALL, va="center_baseline", color=INK)
            x += 8.0 + text_width(verdict) * POINT


def _sentences(sensitivity: Sensitivity) -> list[str]:
    """What the marks mean and how the verdict was reached."""
    from cytokit.trial.estimate import level_text

    alpha, data = sensitivity.alpha, set(sensitivity.table["data"])
    said = [
        f"Each mark is one analysis of the same trial with its {level_text(alpha)} confidence"
        f" interval; the verdict is that of the adjusted p at {alpha:g}. Grey band, dark dots and"
        " large mark: the main analysis."
    ]
    if "MFI" in data:
        said.append("MFI: a ratio of fluorescence, not of concentrations.")
    table = sensitivity.table
    return [*said, *warning_sentences(table, list(table["analyte"].unique()))]
