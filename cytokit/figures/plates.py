"""Plates as the bench sees them: maps of MFI, bead counts and flags; standards across plates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import pandas as pd

from cytokit.errors import NothingToDoError, Problem, UsageError, did_you_mean
from cytokit.figures import _plate_parts as parts
from cytokit.figures._captions import footer_lines, footer_room, write_footer
from cytokit.figures._plate_parts import PlateLike
from cytokit.figures._scales import log_axis, log_bounds
from cytokit.figures._text import plain, shorten
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import (
    FAINT,
    LINE,
    MARKERS,
    PAGE_HEIGHT,
    SMALL,
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
from cytokit.plate import PLATE_SHAPES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = Literal["mfi", "bead_count", "flags"]
VALUES: tuple[Value, ...] = ("mfi", "bead_count", "flags")
_TITLES = {"mfi": "MFI", "bead_count": "bead count", "flags": "flags"}
_KEY = (
    "S standard, B blank, C control; hatched: in the export without a reading; white: not in it.",
    "Flags, the worst of each well: i information, ! warning, × failure.",
)
_LEFT, _TOP, _RIGHT = 6.0, 9.5, 11.0  # mm
_WIDE = WIDTHS["double"]


@styled
def plate_map(
    plate: PlateLike,
    analyte: str,
    ax: Axes,
    *,
    value: Value = "mfi",
    flags: pd.DataFrame | None = None,
) -> Axes:
    """Draw one analyte's wells where they lie on the plate.

    Parameters
    ----------
    plate : Plate
        With 96 or 384 wells.
    analyte : str
    ax : matplotlib.axes.Axes
    value : {"mfi", "bead_count", "flags"}
        MFI on a logarithmic colour scale, bead counts up to 100, or the worst flag of each well.
    flags : pandas.DataFrame, optional
        ``fit.flags``; those of this plate that name a well, for this analyte or for all.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: row A on top, column 1 on the left.

    Raises
    ------
    UsageError
        CK-524 for an unknown value, CK-527 for an unknown analyte.
    """
    choose("plate map", value, VALUES, "CK-524")
    _check(plate, analyte)
    shape = PLATE_SHAPES[plate.size]
    rows = plate.wells[plate.wells["analyte"] == analyte]
    if value == "flags":
        grid = parts.flag_grid(plate, analyte, flags, shape)
    else:
        grid = parts.reading_grid(rows, value, shape)
    cells = parts.colored(grid, value)
    parts.draw_cells(ax, cells)
    parts.hatch_unread(ax, rows, grid)
    parts.write_signs(ax, rows, cells, severity=value == "flags")
    parts.frame_plate(ax, shape)
    title = f"{plain(analyte)}, {_TITLES[value]}"
    ax.set_title(shorten(title, size_in_points(ax)[0], TITLE), loc="left", pad=11)
    return ax


def plate_page(plate: PlateLike, analyte: str, *, flags: pd.DataFrame | None = None) -> Figure:
    """MFI, bead counts and flags of one analyte: beside each other, for 384 wells stacked.

    Parameters
    ----------
    plate : Plate
    analyte : str
    flags : pandas.DataFrame, optional
        ``fit.flags``.

    Returns
    -------
    matplotlib.figure.Figure
        183 mm wide.

    Raises
    ------
    UsageError
        CK-527 for an unknown analyte.
    """
    _check(plate, analyte)
    maps = [(analyte, value) for value in VALUES]
    return _maps(plate, maps, 3 if plate.size == 96 else 1, flags)


def plate_pages(
    plate: PlateLike, *, value: Value = "mfi", flags: pd.DataFrame | None = None
) -> tuple[Figure, ...]:
    """One kind of map for all analytes of a plate, on as many pages as they need.

    Parameters
    ----------
    plate : Plate
    value : {"mfi", "bead_count", "flags"}
    flags : pandas.DataFrame, optional
        ``fit.flags``.

    Returns
    -------
    tuple of matplotlib.figure.Figure
        183 mm wide.

    Raises
    ------
    UsageError
        CK-524 for an unknown value.
    """
    choose("plate map", value, VALUES, "CK-524")
    beside = 3 if plate.size == 96 else 2
    maps = [(name, value) for name in plate.analyte_names]
    per_page = beside * max(1, int((PAGE_HEIGHT - 9.0) // _cell(plate, beside)[1]))
    return tuple(
        _maps(plate, maps[first : first + per_page], beside, flags)
        for first in range(0, len(maps), per_page)
    )


def _cell(plate: PlateLike, beside: int) -> tuple[float, float]:
    """Width and height in mm of a map with what stands around it; wells are square."""
    rows, columns = PLATE_SHAPES[plate.size]
    width = min(_WIDE / beside, 105.0)
    return width, (width - _LEFT - _RIGHT) * rows / columns + _TOP + 2.5


def _maps(
    plate: PlateLike,
    maps: Sequence[tuple[str, Value]],
    beside: int,
    flags: pd.DataFrame | None,
) -> Figure:
    """Maps in a grid with their key below."""
    width, height = _cell(plate, beside)
    body = math.ceil(len(maps) / beside) * height
    key = footer_lines([_KEY], _WIDE)
    figure = new_figure("double", body + footer_room(key))
    for index, (analyte, value) in enumerate(maps):
        row, column = divmod(index, beside)
        across, down = width - _LEFT - _RIGHT, height - _TOP - 2.5
        ax = axes_at(figure, column * width + _LEFT, row * height + _TOP, across, down)
        plate_map(plate, analyte, ax, value=value, flags=flags)
    write_footer(figure, key, body + 1.0)
    return figure


@styled
def standards_across_plates(standards: pd.DataFrame, analyte: str, ax: Axes) -> Axes:
    """Draw one analyte's standard curves of several plates over each other.

    Parameters
    ----------
    standards : pandas.DataFrame
        ``fit.standards``: one row per plate, analyte and level; blanks are left out.
    analyte : str
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
        The same axes, both scales logarithmic; up to eight plates are told apart by hue and
        marker, more are drawn alike.

    Raises
    ------
    UsageError
        CK-527 for an analyte without standards.
    """
    names = [str(name) for name in standards["analyte"].unique()]
    if analyte not in names:
        raise UsageError(_unknown("analyte", analyte, names))
    rows = standards[(standards["analyte"] == analyte) & (standards["expected"] > 0)]
    rows = rows[rows["mfi"] > 0]
    log_axis(ax, "x", *log_bounds(rows["expected"]))
    log_axis(ax, "y", *log_bounds(rows["mfi"]))
    plates = list(rows["plate"].unique())
    few = len(plates) <= len(MARKERS)
    for index, name in enumerate(plates):
        own = rows[rows["plate"] == name].sort_values("expected")
        color = palette()[index] if few else FAINT
        ax.plot(
            own["expected"], own["mfi"], color=color, marker=MARKERS[index] if few else ".",
            markersize=3, linewidth=LINE if few else THIN, alpha=0.9, label=plain(name),
        )  # fmt: skip
    finish(ax)
    ax.set_xlabel("Expected concentration", labelpad=2)
    ax.set_ylabel("MFI", labelpad=2)
    counted = "" if few else f", {len(plates)} plates"
    title = plain(analyte) + counted
    ax.set_title(shorten(title, size_in_points(ax)[0], TITLE), loc="left", pad=4)
    if few and len(plates) > 1:
        labels = [shorten(plain(name), size_in_points(ax)[0] / 2, SMALL) for name in plates]
        ax.legend(ax.get_lines(), labels, loc="upper left", handlelength=1.6, borderpad=0.1)
    return ax


def standards_pages(standards: pd.DataFrame) -> tuple[Figure, ...]:
    """Standards across plates for all analytes, on as many pages as they need.

    Parameters
    ----------
    standards : pandas.DataFrame
        ``fit.standards``.

    Returns
    -------
    tuple of matplotlib.figure.Figure
        183 mm wide.

    Raises
    ------
    NothingToDoError
        CK-525 if there are no standards.
    """
    names = [str(name) for name in standards["analyte"].unique()]
    if not names:
        raise NothingToDoError(Problem("CK-525", "there are no standards to draw"))
    beside = min(3, len(names))
    width, height = _WIDE / beside, 58.0
    per_page = beside * int(PAGE_HEIGHT // height)
    pages = []
    for first in range(0, len(names), per_page):
        shown = names[first : first + per_page]
        figure = new_figure("double", math.ceil(len(shown) / beside) * height)
        for index, name in enumerate(shown):
            row, column = divmod(index, beside)
            ax = axes_at(figure, column * width + 13.0, row * height + 6.0, width - 16.0, 42.0)
            standards_across_plates(standards, name, ax)
        pages.append(figure)
    return tuple(pages)


def _check(plate: PlateLike, analyte: str) -> None:
    """Refuse an analyte the plate does not hold."""
    if analyte not in plate.analyte_names:
        raise UsageError(_unknown("analyte", analyte, plate.analyte_names))


def _unknown(what: str, name: str, known: Sequence[str]) -> Problem:
    """The problem of a name that is not there."""
    return Problem(
        "CK-527",
        f"there is no {what} {name!r}",
        mend=f"use one of {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}",
        near=did_you_mean(name, list(known)),
    )
