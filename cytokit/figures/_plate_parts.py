"""The parts of a plate map: readings as a matrix, colours and their scale, signs in the wells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from cytokit.figures._scales import log_ticks
from cytokit.figures._text import number
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import BAD, FAINT, FAIR, INK, PALE, SMALL, THIN
from cytokit.plate import well_position
from cytokit.vocabulary import Severity, WellType

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

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
class Cells:
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


def colored(grid: NDArray[np.float64], value: str) -> Cells:
    """Colours for a matrix of MFI, bead counts or flags."""
    return {"mfi": _mfi_cells, "bead_count": _bead_cells, "flags": _flag_cells}[value](grid)


def _mfi_cells(grid: NDArray[np.float64]) -> Cells:
    """MFI on a logarithmic scale; what is not positive takes the lowest colour."""
    from matplotlib.colors import LogNorm

    positive = grid[np.isfinite(grid) & (grid > 0)]
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (1.0, 10.0)
    high = high if high > low else low * 10
    values = np.where(np.isfinite(grid), np.maximum(grid, low), np.nan)
    ticks = tuple((tick, number(tick)) for tick in log_ticks(low, high))
    return Cells(values, "viridis", LogNorm(low, high), ticks)


def _bead_cells(grid: NDArray[np.float64]) -> Cells:
    """Bead counts from 0 to enough."""
    from matplotlib.colors import Normalize

    ticks = ((0.0, "0"), (50.0, "50"), (_ENOUGH_BEADS, f"≥{_ENOUGH_BEADS:.0f}"))
    return Cells(np.minimum(grid, _ENOUGH_BEADS), "cividis", Normalize(0.0, _ENOUGH_BEADS), ticks)


def _flag_cells(grid: NDArray[np.float64]) -> Cells:
    """Four steps from nothing to failure."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    edges = [-0.5, 0.5, 1.5, 2.5, 3.5]
    return Cells(grid, ListedColormap(list(_FLAG_COLORS)), BoundaryNorm(edges, len(_FLAG_COLORS)))


def draw_cells(ax: Axes, cells: Cells) -> None:
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


def write_signs(ax: Axes, rows: pd.DataFrame, cells: Cells, *, severity: bool) -> None:
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


def _readable(cells: Cells, value: float) -> str:
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
