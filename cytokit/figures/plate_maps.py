"""Plates as the bench sees them: maps of MFI, bead counts and flags; standards across plates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pandas as pd

from cytokit.errors import NothingToDoError, Problem, UsageError, did_you_mean
from cytokit.figures.axes import log_axis, log_bounds, log_ticks
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import (
    BAD,
    FAINT,
    FAIR,
    INK,
    LINE,
    MARKERS,
    PAGE_HEIGHT,
    PALE,
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
from cytokit.figures.text import number, plain, shorten
from cytokit.figures.view import footer_lines, footer_room, write_footer
from cytokit.plate import PLATE_SHAPES, well_position
from cytokit.schema import Severity, WellType

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


# The parts of a plate map: readings as a matrix, colours and their scale, signs in the wells.


_LETTERS = {WellType.STANDARD: "S", WellType.BLANK: "B", WellType.CONTROL: "C"}
#: Flags by severity; the sign is the second cue beside the colour.
_SEVERITY = {Severity.INFO: (1, "i"), Severity.WARN: (2, "!"), Severity.FAIL: (3, "×")}
_FLAG_COLORS = (PALE, "#a6cee3", FAIR, BAD)
#: Counts above this look alike: the median of so many beads gains nothing from more.
_ENOUGH_BEADS = 100.0


class PlateLike(Protocol):
    """The part of a plate that figures read."""

    @property
    def name(self) -> str:
        """Its identity."""

    @property
    def wells(self) -> pd.DataFrame:
        """Tidy readings."""

    @property
    def size(self) -> int:
        """96 or 384."""

    @property
    def analyte_names(self) -> list[str]:
        """Analytes in the export's order."""


@dataclass(frozen=True, slots=True)
class MapCells:
    """A matrix to colour: values (NaN for no cell), colours, and the ticks of their scale.

    Parameters
    ----------
    values : (rows, columns) array
    cmap, norm : matplotlib colour map and normalisation
    ticks : tuple of (float, str)
        Empty where the colours need no scale.
    """

    values: NDArray[np.float64]
    cmap: Any
    norm: Any
    ticks: tuple[tuple[float, str], ...] = ()


def reading_grid(rows: pd.DataFrame, value: str, shape: tuple[int, int]) -> NDArray[np.float64]:
    """The readings of one analyte as a matrix; NaN where there is none."""
    grid = np.full(shape, np.nan)
    for well, reading in zip(rows["well"], rows[value], strict=True):
        grid[well_position(str(well))] = float(reading)
    return grid


def flag_grid(
    plate: PlateLike, analyte: str, flags: pd.DataFrame | None, shape: tuple[int, int]
) -> NDArray[np.float64]:
    """The worst severity of each well; 0 for a well without flags, NaN for no well."""
    grid = np.full(shape, np.nan)
    for well in plate.wells["well"].unique():
        grid[well_position(str(well))] = 0.0
    if flags is None:
        return grid
    own = flags[(flags["plate"] == plate.name) & flags["analyte"].fillna("").isin(["", analyte])]
    for well, severity in zip(own["well"].fillna(""), own["severity"], strict=True):
        if well:
            place = well_position(str(well))
            grid[place] = np.nanmax([grid[place], _SEVERITY[Severity(severity)][0]])
    return grid


def colored(grid: NDArray[np.float64], value: str) -> MapCells:
    """Colours for a matrix of MFI, bead counts or flags."""
    return {"mfi": _mfi_cells, "bead_count": _bead_cells, "flags": _flag_cells}[value](grid)


def _mfi_cells(grid: NDArray[np.float64]) -> MapCells:
    """MFI on a logarithmic scale; what is not positive takes the lowest colour."""
    from matplotlib.colors import LogNorm

    positive = grid[np.isfinite(grid) & (grid > 0)]
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (1.0, 10.0)
    high = high if high > low else low * 10
    values = np.where(np.isfinite(grid), np.maximum(grid, low), np.nan)
    ticks = tuple((tick, number(tick)) for tick in log_ticks(low, high))
    return MapCells(values, "viridis", LogNorm(low, high), ticks)


def _bead_cells(grid: NDArray[np.float64]) -> MapCells:
    """Bead counts from 0 to enough."""
    from matplotlib.colors import Normalize

    ticks = ((0.0, "0"), (50.0, "50"), (_ENOUGH_BEADS, f"≥{_ENOUGH_BEADS:.0f}"))
    return MapCells(
        np.minimum(grid, _ENOUGH_BEADS), "cividis", Normalize(0.0, _ENOUGH_BEADS), ticks
    )


def _flag_cells(grid: NDArray[np.float64]) -> MapCells:
    """Four steps from nothing to failure."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    edges = [-0.5, 0.5, 1.5, 2.5, 3.5]
    return MapCells(
        grid, ListedColormap(list(_FLAG_COLORS)), BoundaryNorm(edges, len(_FLAG_COLORS))
    )


def draw_cells(ax: Axes, cells: MapCells) -> None:
    """The coloured wells, and a narrow scale beside them."""
    import seaborn

    bar = ax.inset_axes((1.02, 0.0, 0.03, 1.0)) if cells.ticks else None
    seaborn.heatmap(
        cells.values, ax=ax, mask=~np.isfinite(cells.values), cmap=cells.cmap, norm=cells.norm,
        vmin=cells.norm.vmin, vmax=cells.norm.vmax,
        linewidths=0.3, linecolor="white", cbar=bar is not None, cbar_ax=bar,
        xticklabels=False, yticklabels=False,
    )  # fmt: skip
    if bar is not None:
        bar.yaxis.minorticks_off()
        bar.set_yticks([tick for tick, _ in cells.ticks], [text for _, text in cells.ticks])
        bar.tick_params(labelsize=SMALL, length=1.5, width=THIN, pad=1.5)


def hatch_unread(ax: Axes, rows: pd.DataFrame, grid: NDArray[np.float64]) -> None:
    """Hatching over wells that stand in the export without a reading."""
    from matplotlib.patches import Rectangle

    for well in rows["well"].unique():
        row, column = well_position(str(well))
        if not np.isfinite(grid[row, column]):
            cell = Rectangle((column, row), 1, 1, fill=False, edgecolor=FAINT, linewidth=0)
            cell.set_hatch("////")
            ax.add_patch(cell)


def write_signs(ax: Axes, rows: pd.DataFrame, cells: MapCells, *, severity: bool) -> None:
    """A letter for what a well holds, or for the worst of its flags, in ink or white."""
    signs = dict(_SEVERITY.values())
    room = size_in_points(ax)[0] / cells.values.shape[1]
    if room < SMALL:
        return
    for well, kind in zip(rows["well"], rows["well_type"], strict=True):
        row, column = well_position(str(well))
        value = cells.values[row, column]
        text = _LETTERS.get(WellType(kind), "")
        if severity:
            text = signs.get(int(value), "") if np.isfinite(value) else ""
        if text:
            ax.text(
                column + 0.5, row + 0.5, text, ha="center", va="center_baseline", size=SMALL,
                color=_readable(cells, value),
            )  # fmt: skip


def _readable(cells: MapCells, value: float) -> str:
    """Ink on light cells, white on dark ones."""
    import matplotlib as mpl

    if not np.isfinite(value):
        return INK
    name = cells.cmap
    cmap = mpl.colormaps[name] if isinstance(name, str) else name
    red, green, blue, _ = cmap(cells.norm(value))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


def frame_plate(ax: Axes, shape: tuple[int, int]) -> None:
    """Row letters and column numbers on their usual sides, every second one where they crowd."""
    rows, columns = shape
    width, height = size_in_points(ax)
    every_column = 1 if width / columns > 2 * SMALL else 2
    every_row = 1 if height / rows > SMALL else 2
    across, down = range(0, columns, every_column), range(0, rows, every_row)
    ax.set_xticks([i + 0.5 for i in across], [str(i + 1) for i in across], rotation=0)
    ax.set_yticks([i + 0.5 for i in down], [chr(ord("A") + i) for i in down], rotation=0)
    ax.tick_params(
        labelsize=SMALL, length=0, pad=1.5, top=False, labeltop=True, bottom=False,
        labelbottom=False,
    )  # fmt: skip
    ax.set(xlabel="", ylabel="")
    for spine in ax.spines.values():
        spine.set_visible(True)
        spine.set_color(FAINT)
        spine.set_linewidth(THIN)


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
        grid = flag_grid(plate, analyte, flags, shape)
    else:
        grid = reading_grid(rows, value, shape)
    cells = colored(grid, value)
    draw_cells(ax, cells)
    hatch_unread(ax, rows, grid)
    write_signs(ax, rows, cells, severity=value == "flags")
    frame_plate(ax, shape)
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
