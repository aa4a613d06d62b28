"""Panels: one per analyte, groups and days as columns, the three brackets of the comparison.

The figure asked for by a two-arm trial: every reading, a subject's days joined, a summary per
column, n and deaths under it, and brackets that carry the stars or p of the comparison's table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cytokit.errors import NothingToDoError, Problem, UsageError
from cytokit.figures import _panel_parts as parts
from cytokit.figures._captions import (
    footer_lines,
    footer_room,
    guard_sentences,
    style_sentences,
    symbol_sentences,
    test_sentences,
    warning_sentences,
    write_footer,
)
from cytokit.figures._marks import marks_of
from cytokit.figures._panel import LABELS, SUMMARIES, Label, Summary, brackets_of, panel
from cytokit.figures._view import (
    ComparisonLike,
    analytes_of,
    check_analyte,
    columns_of,
    deaths_of,
)
from cytokit.figures.brackets import height_needed
from cytokit.figures.style import PAGE_HEIGHT, POINT, WIDTHS, Width, axes_at, choose, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Label", "Style", "Summary", "panel", "panel_pages", "panels"]

Style = Literal["trial", "lanzoni"]
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
    below += parts.day_room(columns, (width / beside - _LEFT - _RIGHT) / POINT) * POINT
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
