"""The choices behind each specification of a panel: their words and the grid that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.figures._text import plain, shorten
from cytokit.figures.style import FAINT, INK, PALE, QUIET, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
_ANALYSIS = {
    "ancova": "ANCOVA",
    "welch": "Welch",
    "ranks": "rank test",
    "brunner-munzel": "Brunner-Munzel",
    "change": "change",
    "mixed": "mixed model",
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
        "Analysis": [_ANALYSIS.get(str(name), plain(name)) for name in rows["between"]],
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
