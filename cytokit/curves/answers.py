"""What the curves of a plate say to a list of readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytokit.curves.arrays import CurveArrays, joined
from cytokit.curves.curve import StandardCurve
from cytokit.curves.fit import CurveSet
from cytokit.curves.forensics import hooked_analytes
from cytokit.curves.intervals import concentration_interval
from cytokit.curves.limits import relative_sd
from cytokit.curves.model import Array
from cytokit.curves.status import concentration, range_status
from cytokit.plate import Plate
from cytokit.vocabulary import RangeStatus

Text = NDArray[np.object_]

#: what a reading is flagged with that may lie on the falling limb past a hook
HOOK_FLAG = "hook_possible"
#: statuses that call a reading measured, or high: where the standards hook, it may be far higher
_EITHER_LIMB = tuple(map(str, (RangeStatus.IN_RANGE, RangeStatus.ABOVE_ULOQ, RangeStatus.OOR_HIGH)))


@dataclass(frozen=True, slots=True)
class PlateCurves:
    """The curves of one plate as arrays; failed ones have column -1.

    ``hooked`` says of each curve whether its standards show a hook.
    """

    curves: tuple[StandardCurve, ...]
    arrays: CurveArrays | None
    column: NDArray[np.int64]
    lloq: Array
    uloq: Array
    log_low: Array
    hooked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the curves say to a list of readings, concentrations at the bead."""

    value: Array
    low: Array
    high: Array
    precision: Array
    status: Text
    flags: Text


def plate_curves(plate: Plate, curves: CurveSet) -> PlateCurves:
    """The plate's curves side by side."""
    own = tuple(curves[plate.name, analyte] for analyte in plate.analyte_names)
    solved = [curve for curve in own if curve.arrays is not None]
    column = np.full(len(own), -1)
    column[[number for number, curve in enumerate(own) if curve.arrays is not None]] = np.arange(
        len(solved)
    )
    parts = [curve.arrays for curve in solved if curve.arrays is not None]
    arrays = joined(parts) if parts else None
    limits = np.array([curve.range for curve in solved]).reshape(-1, 2)
    lowest = np.array([curve.x_low for curve in solved])
    log_low = np.log(lowest) - (arrays.log_top if arrays is not None else 0.0)
    names = hooked_analytes(plate)
    hooked = np.array([curve.analyte in names for curve in own], dtype=bool)
    return PlateCurves(own, arrays, column, limits[:, 0], limits[:, 1], log_low, hooked)


def ask(own: PlateCurves, code: NDArray[np.int64], y: Array, n_wells: Array) -> Answers:
    """Invert a list of mean readings, each on the curve of its analyte.

    Readings are laid out as readings x curves, which the curves' functions take.
    """
    size = len(y)
    nothing = np.full(size, np.nan)
    flags: Text = np.full(size, "", dtype=object)
    status: Text = np.full(size, str(RangeStatus.NO_CURVE), dtype=object)
    column = own.column[code]
    status[~np.isfinite(y)] = str(RangeStatus.NOT_MEASURED)
    known = np.flatnonzero((column >= 0) & np.isfinite(y))
    if own.arrays is None or len(known) == 0:
        return Answers(nothing, nothing, nothing, nothing, status, flags)
    place = _rank_within(column[known])
    shape = (int(place.max()) + 1, own.arrays.size)
    cell = (place, column[known])
    grid, wells = np.full(shape, np.nan), np.ones(shape)
    grid[cell], wells[cell] = y[known], n_wells[known]
    log_x = own.arrays.invert(grid)
    low, high = concentration_interval(own.arrays, grid, wells, own.log_low)
    finite = np.where(np.isfinite(log_x), log_x, 0.0)
    precision = 100.0 * relative_sd(own.arrays, finite, wells)
    log_top = own.arrays.log_top
    words = range_status(log_x + log_top, own.lloq, own.uloq)

    def listed(values: Array) -> Array:
        out = nothing.copy()
        out[known] = values[cell]
        return out

    status[known] = words[cell]
    flags[known] = _interval_flags(low[cell], high[cell])
    doubtful = own.hooked[code] & np.isin(status.astype(str), _EITHER_LIMB)
    flags[doubtful] = [f"{one};{HOOK_FLAG}".lstrip(";") for one in flags[doubtful]]
    return Answers(
        value=listed(concentration(log_x + log_top)),
        low=listed(concentration(low + log_top)),
        high=listed(concentration(high + log_top)),
        precision=listed(np.where(np.isfinite(log_x), precision, np.nan)),
        status=status,
        flags=flags,
    )


def _rank_within(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, 2 ... within each group, in the order given."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(ordered)])
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(ordered)) - np.repeat(starts, lengths)
    return rank


def _interval_flags(low: Array, high: Array) -> Text:
    """Codes that say on which side an interval is open, or that there is none."""
    flags: Text = np.full(len(low), "", dtype=object)
    flags[low == -np.inf] = "ci_open_low"
    flags[high == np.inf] = "ci_open_high"
    flags[(low == -np.inf) & (high == np.inf)] = "ci_open_low;ci_open_high"
    flags[np.isnan(low)] = "ci_none"
    return flags
