"""Forest plot of the ratios between groups, with intervals and the table's own stars and p."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cytokit.errors import NothingToDoError, Problem
from cytokit.figures.axes import log_axis, log_bounds
from cytokit.figures.brackets import size_in_points
from cytokit.figures.panels import LABELS, mark_text
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
    choose,
    finish,
    new_figure,
    palette,
    styled,
)
from cytokit.figures.text import number, plain, squeeze, text_width, wrap
from cytokit.figures.view import (
    BETWEEN,
    ComparisonLike,
    analytes_of,
    check_analyte,
    footer_lines,
    footer_room,
    groups_of,
    pair_of,
    test_sentences,
    warning_sentences,
    write_footer,
)
from cytokit.options import Label
from cytokit.trial.analyses import BETWEEN as BETWEEN_TESTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_ROW = 4.4  # mm per row
_TOP, _BOTTOM = 7.0, 12.5
#: An interval reaching beyond this factor either way ends in an arrow.
_FARTHEST = 1000.0


@styled
def forest_rows(
    result: ComparisonLike,
    ax: Axes,
    *,
    analytes: Sequence[str] | None = None,
    label: Label = "both",
) -> Axes:
    """Draw a row per analyte (and pair of groups): ratio, interval, and their numbers.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``table``, ``study`` and ``options``.
    ax : matplotlib.axes.Axes
        With room on its left for the names and on its right for the numbers.
    analytes : sequence of str, optional
        Which, and in which order, from top to bottom.
    label : {"stars", "p", "both"}
        What stands at the right end, from the table.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes; x is the ratio on a logarithmic scale, one row per unit of y.

    Raises
    ------
    UsageError
        CK-523 for an unknown analyte, CK-524 for an unknown label.
    NothingToDoError
        CK-525 if the table compares no groups.
    """
    choose("label", label, LABELS, "CK-524")
    rows = between_rows(result, analytes)
    ends = rows[["ratio", "ratio_low", "ratio_high"]].to_numpy(float)
    low, high = log_bounds([1 / 1.5, 1.5, *np.clip(ends, 1 / _FARTHEST, _FARTHEST).ravel()])
    log_axis(ax, "x", low, high)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    for row in range(1, len(rows), 2):
        ax.axhspan(row - 0.5, row + 0.5, color=PALE, linewidth=0, zorder=0)
    ax.axvline(1.0, color=QUIET, linewidth=THIN, zorder=1)
    for position in range(len(rows)):
        _interval(ax, position, rows.iloc[position], low, high)
        _numbers(ax, position, rows.iloc[position], label)
    _names(ax, rows, several_pairs=len(groups_of(result)) > 2, result=result)
    finish(ax)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0, pad=4)
    room = size_in_points(ax)[0] + 2 * name_room(ax)
    ax.set_xlabel("\n".join(wrap(axis_words(result), room, TEXT, lines=2)), labelpad=2)
    _header(ax, result)
    return ax


def between_rows(result: ComparisonLike, analytes: Sequence[str] | None) -> pd.DataFrame:
    """The rows of the table that compare groups, in the order of the analytes asked for."""
    names = analytes_of(result) if analytes is None else list(analytes)
    for name in names:
        check_analyte(result, name)
    table = result.table[result.table["contrast"].astype(str).str.startswith(BETWEEN)]
    rows = pd.concat([table[table["analyte"] == name] for name in names] or [table])
    if rows.empty:
        mend = "the comparison needs two groups at the tested day"
        raise NothingToDoError(Problem("CK-525", "no groups were compared", mend=mend))
    return rows.reset_index(drop=True)


def _interval(ax: Axes, y: int, row: pd.Series, low: float, high: float) -> None:
    """Point and interval; filled where the table gives stars; an arrow where the axis ends."""
    ratio, left, right = (float(row[key]) for key in ("ratio", "ratio_low", "ratio_high"))
    if not math.isfinite(ratio):
        return
    starred = isinstance(row["stars"], str) and row["stars"].startswith("*")
    color = palette()[1] if starred else INK
    if math.isfinite(left) and math.isfinite(right):
        ax.hlines(y, max(left, low), min(right, high), colors=color, linewidths=LINE + 0.2)
        for beyond, end, marker in ((left < low, low, "<"), (right > high, high, ">")):
            if beyond:
                ax.plot(end, y, marker=marker, color=color, markersize=3, clip_on=False)
    face = color if starred else "white"
    ax.scatter(
        ratio, y, s=16, marker="s", facecolor=face, edgecolor=color, linewidth=LINE, zorder=3
    )


def _numbers(ax: Axes, y: int, row: pd.Series, label: Label) -> None:
    """Ratio with interval, and stars or p, to the right of the axes."""
    ratio, low, high = (float(row[key]) for key in ("ratio", "ratio_low", "ratio_high"))
    text = "–" if not math.isfinite(ratio) else f"{_short(ratio)} ({_short(low)}–{_short(high)})"
    stars, words = str(row["stars"]), str(row["label"])
    _beside(ax, y, text, 6.0, INK)
    color = INK if stars.startswith("*") else QUIET
    _beside(ax, y, mark_text(plain(stars), plain(words), label), _second_column(), color)


def _second_column() -> float:
    """Where the stars begin, points from the axes' right edge."""
    return 14.0 + text_width("0.0088 (0.0088–0.0088)")


def _beside(ax: Axes, y: float, text: str, shift: float, color: str) -> None:
    """A small text so many points right of the axes, level with a row."""
    ax.annotate(
        text, (1.0, y), xycoords=("axes fraction", "data"), xytext=(shift, 0),
        textcoords="offset points", va="center_baseline", size=SMALL, color=color,
        annotation_clip=False,
    )  # fmt: skip


def _header(ax: Axes, result: ComparisonLike) -> None:
    """What the two columns of numbers are."""
    from cytokit.trial.estimate import adjusted_text, level_text

    ratio = f"ratio ({level_text(result.options.alpha)} CI)"
    p = f"{adjusted_text(result.options.adjust)} p"
    for shift, text in ((6.0, ratio), (_second_column(), p)):
        ax.annotate(
            text, (1.0, 1.0), xycoords="axes fraction", xytext=(shift, 3),
            textcoords="offset points", va="baseline", size=SMALL, color=QUIET,
        )  # fmt: skip


def _short(value: float) -> str:
    """A ratio as a table prints it: two decimals around 1, two digits where it is small."""
    if not math.isfinite(value):
        return "?"
    if value >= 1e5:
        return number(value, powers=True)
    if value < 0.1:
        return number(float(f"{value:.2g}"))
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f}"


def _names(ax: Axes, rows: pd.DataFrame, *, several_pairs: bool, result: ComparisonLike) -> None:
    """Analytes (and the pair of groups where there are several) as the y axis' labels."""
    names = []
    for _, row in rows.iterrows():
        pair = pair_of(result, row) if several_pairs else None
        behind = f", {plain(pair[1])} / {plain(pair[0])}" if pair else ""
        names.append(squeeze(plain(row["analyte"]) + behind, name_room(ax), TEXT))
    ax.set_yticks(range(len(rows)), names)


def name_room(ax: Axes) -> float:
    """Points left of the axes, where the names stand."""
    figure = ax.get_figure(root=True)
    share = float(ax.get_position().x0)
    wide = float(figure.get_size_inches()[0]) * 72.0 if figure is not None else 0.0
    return max(share * wide - 6.0, 24.0)


def axis_words(result: ComparisonLike) -> str:
    """The estimate and the direction of the ratio, said once."""
    estimate = BETWEEN_TESTS[result.options.between].axis
    if result.baseline is None and result.options.between == "ancova":
        estimate = BETWEEN_TESTS["welch"].axis
    groups = groups_of(result)
    if len(groups) != 2:
        return estimate
    return f"{estimate}, {plain(groups[1])} / {plain(groups[0])}"


def forest_pages(
    result: ComparisonLike,
    *,
    analytes: Sequence[str] | None = None,
    label: Label = "both",
    width: Width = "double",
) -> tuple[Figure, ...]:
    """Forest plots of all ratios between groups, on as many pages as they need.

    Parameters
    ----------
    result : Comparison
    analytes : sequence of str, optional
    label : {"stars", "p", "both"}
    width : {"double", "single"}
        183 or 89 mm.

    Returns
    -------
    tuple of matplotlib.figure.Figure

    Raises
    ------
    UsageError, NothingToDoError
        As :func:`forest_rows`; CK-521 for a width.
    """
    choose("figure width", width, tuple(WIDTHS), "CK-521")
    choose("label", label, LABELS, "CK-524")
    names = analytes_of(result) if analytes is None else list(analytes)
    rows = between_rows(result, names)
    footer = footer_lines([_sentences(result, names)], WIDTHS[width])
    most = int((PAGE_HEIGHT - _TOP - _BOTTOM - footer_room(footer)) // _ROW)
    per_row = max(1, math.ceil(len(rows) / len(names)))
    pages = math.ceil(len(rows) / most)
    step = max(1, math.ceil(len(names) / pages))
    step = min(step, max(1, most // per_row))
    return tuple(
        _page(result, names[first : first + step], footer, label, width)
        for first in range(0, len(names), step)
        if not _lacks_rows(rows, names[first : first + step])
    )


def forest(
    result: ComparisonLike,
    *,
    analytes: Sequence[str] | None = None,
    label: Label = "both",
    width: Width = "double",
) -> Figure:
    """First page of :func:`forest_pages`: up to 40 analytes fit on it.

    Parameters
    ----------
    result, analytes, label, width
        As in :func:`forest_pages`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return forest_pages(result, analytes=analytes, label=label, width=width)[0]


def _lacks_rows(rows: pd.DataFrame, names: Sequence[str]) -> bool:
    """Whether the table compares none of these analytes."""
    return not rows["analyte"].isin(list(names)).any()


def _page(
    result: ComparisonLike, names: Sequence[str], footer: Sequence[str], label: Label, width: Width
) -> Figure:
    """One page: names, axes, numbers, footer."""
    rows = between_rows(result, names)
    body = len(rows) * _ROW
    figure = new_figure(width, _TOP + body + _BOTTOM + footer_room(footer))
    longest = max(text_width(plain(name), TEXT) for name in rows["analyte"]) * POINT
    several = 25.0 if len(groups_of(result)) > 2 else 0.0
    left = min(longest + several + 4.0, WIDTHS[width] * 0.3)
    words = {"stars": "not analysed", "p": "not analysed", "both": "**** not analysed"}[label]
    right = (_second_column() + text_width(words)) * POINT + 2.0
    ax = axes_at(figure, left, _TOP, WIDTHS[width] - left - right, body)
    forest_rows(result, ax, analytes=names, label=label)
    write_footer(figure, footer, _TOP + body + _BOTTOM)
    return figure


def _sentences(result: ComparisonLike, names: Sequence[str]) -> list[str]:
    """Test and family of the comparison between groups; what filled marks mean."""
    said = test_sentences(result, names)[:1]
    said.append("Filled: significant after adjustment. –: no ratio is estimated.")
    return [*said, *warning_sentences(result.table, names)]
