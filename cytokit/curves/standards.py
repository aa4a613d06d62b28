"""The standards of one analyte: which wells a curve rests on, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cytokit.curves.gather import WellArrays, rows_by_code
from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.rules import VENDOR_RULES
from cytokit.curves.standard_series import past_the_hook, upside_down
from cytokit.curves.weights import Scatter
from cytokit.curves.wells import StandardWells, possible_level
from cytokit.vocabulary import WellType

#: levels above zero that a five- and a four-parameter curve need
LEVELS_5PL, LEVELS_4PL = 5, 4

#: why a level is left out that a rising curve cannot pass through
PAST_THE_HOOK = "past the hook: reads under a lower standard"

Text = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class WellList:
    """Single standard and blank wells, one entry each.

    Parameters
    ----------
    well, level : (W,) array of str
        Level is the standard's own name.
    expected, mfi : (W,) array
    reason : (W,) array of str
        Why the well may not be used, or empty.
    row, column : (W,) array of int
        Where its response stands in ``AnalyteStandards.y``; row -1 where it has no level.
    stands_for, sd : (W,) array
        Wells that a printed mean stands for, and their printed standard deviation.
    """

    well: Text
    level: Text
    expected: Array
    mfi: Array
    reason: Text
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    stands_for: Array
    sd: Array

    def __len__(self) -> int:
        """Number of wells."""
        return len(self.row)


@dataclass(frozen=True, slots=True)
class AnalyteStandards:
    """Standards and blanks of one analyte on one plate.

    Parameters
    ----------
    plate : int
        Number of the plate in the call.
    plate_name, analyte, unit : str
    x : (n,) array
        Expected concentration of each level, ascending; 0 is the blank.
    names : tuple of str
        The standards' own names, one a level.
    y : (n, R) array
        Responses of single wells, NaN where there is none or it may not be used.
    wells : WellList
    background : float
    trouble : str
        Why no curve can be fitted; empty where one can.
    note : str
        What the reader should know of the curve's making.
    four : bool
        To be fitted with four parameters.
    """

    plate: int
    plate_name: str
    analyte: str
    unit: str
    x: Array
    names: tuple[str, ...]
    y: Array
    wells: WellList = field(repr=False)
    background: float = 0.0
    trouble: str = ""
    note: str = ""
    four: bool = False

    @property
    def n_levels(self) -> int:
        """Usable levels above zero."""
        return int((self.used & (self.x > 0)).sum())

    @property
    def used(self) -> NDArray[np.bool_]:
        """Levels (n,) with a usable well."""
        return np.asarray(np.isfinite(self.y).any(1), dtype=bool)

    def spread(self, values: Array, nothing: float) -> Array:
        """Values of single wells laid out as ``y`` is."""
        out = np.full(self.y.shape, nothing)
        placed = self.wells.row >= 0
        out[self.wells.row[placed], self.wells.column[placed]] = values[placed]
        return out

    def without_level(self, level: int, reason: str, options: FitOptions) -> AnalyteStandards:
        """The same standards with one level left out."""
        y, reasons = self.y.copy(), self.wells.reason.copy()
        y[level] = np.nan
        reasons[(self.wells.row == level) & (reasons == "")] = reason
        return _judged(replace(self, y=y, wells=replace(self.wells, reason=reasons)), options)


def plate_standards(arrays: WellArrays, number: int, options: FitOptions) -> list[AnalyteStandards]:
    """Standards and blanks of every analyte of a plate; plate `number` of the call."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    blank = kinds == str(WellType.BLANK)
    rows = np.flatnonzero(blank | (kinds == str(WellType.STANDARD)))
    expected = np.where(blank, 0.0, frame["expected"].to_numpy(dtype=float))[rows]
    mfi = frame["mfi"].to_numpy(dtype=float)[rows]
    reasons = _reasons(expected, mfi, arrays.response[rows], arrays.excluded[rows])
    wells, samples = frame["well"].to_numpy()[rows], frame["sample"].to_numpy()[rows]
    units = dict(zip(arrays.plate.analytes["analyte"], arrays.plate.analytes["unit"], strict=True))
    found = []
    for analyte, mine in enumerate(rows_by_code(arrays.code[rows], len(arrays.names))):
        x, row, column = _placed(expected[mine])
        y = np.full((len(x), max(1, column.max(initial=0) + 1)), np.nan)
        why = reasons[mine]
        used = why == ""
        y[row[used], column[used]] = arrays.response[rows[mine[used]]]
        if options.robust and (hooked := past_the_hook(x, y)).any():
            why[used & hooked[row]] = PAST_THE_HOOK
            y[hooked] = np.nan
        background = arrays.background[analyte]
        name = arrays.names[analyte]
        named = (wells[mine], samples[mine], expected[mine], mfi[mine], why)
        at = rows[mine]
        listed = WellList(*named, row, column, arrays.stands_for[at], arrays.sd[at])
        standards = AnalyteStandards(
            number,
            arrays.plate.name,
            name,
            str(units.get(name, "")) or options.unit,
            x,
            _level_names(samples[mine], row, len(x)),
            y,
            listed,
            0.0 if np.isnan(background) else float(background),
        )
        found.append(_judged(standards, options))
    return found


def _placed(expected: Array) -> tuple[Array, NDArray[np.intp], NDArray[np.intp]]:
    """Levels, ascending, and for each well its level (-1: none) and its place in it."""
    placed = possible_level(expected)
    x, level = np.unique(expected[placed], return_inverse=True)
    row = np.full(len(expected), -1, dtype=np.intp)
    row[placed] = level
    filled = [0] * len(x)
    column = np.zeros(len(expected), dtype=np.intp)
    for well in np.flatnonzero(placed).tolist():
        column[well] = filled[row[well]]
        filled[row[well]] += 1
    return x, row, column


def _level_names(samples: Text, row: NDArray[np.intp], size: int) -> tuple[str, ...]:
    """The name of each level; several names for one concentration are joined."""
    names: list[dict[str, None]] = [{} for _ in range(size)]
    for sample, level in zip(samples.tolist(), row.tolist(), strict=True):
        if level >= 0:
            names[level][sample] = None
    return tuple(" / ".join(found) for found in names)


def _reasons(expected: Array, mfi: Array, response: Array, excluded: NDArray[np.bool_]) -> Text:
    """Why each well may not be used; empty where it may."""
    reasons: Text = np.full(len(expected), "", dtype=object)
    reasons[~possible_level(expected)] = "no possible expected concentration"
    reasons[~(np.isfinite(expected) & (expected >= 0))] = "no expected concentration"
    reasons[~np.isfinite(response)] = "no possible reading"
    reasons[np.isnan(mfi)] = "no reading"
    reasons[excluded] = "excluded by a user"
    return reasons


def _judged(standards: AnalyteStandards, options: FitOptions) -> AnalyteStandards:
    """The same standards with the decision whether, and with how many parameters, they are fit."""
    levels = standards.n_levels
    trouble, note = "", ""
    reasons = standards.wells.reason
    if len(reasons) == 0:
        trouble = "the plate holds no standards for this analyte"
    elif not (reasons == "").any():
        why = ", ".join(dict.fromkeys(reasons.tolist()))
        trouble = f"no standard well can be used: {why}"
    elif levels < LEVELS_4PL:
        trouble = (
            f"{levels} usable standard level{'' if levels == 1 else 's'} above zero; "
            f"{LEVELS_5PL} are needed, {LEVELS_4PL} for a 4PL"
        )
    elif upside_down(standards.x, standards.y):
        trouble = (
            "MFI falls as the expected concentration rises, while the blank reads low: the "
            "standards have no usable direction (numbered the other way?)"
        )
    elif levels < LEVELS_5PL and options.model == "5pl":
        note = f"only {levels} standard levels stand: fitted as 4PL"
    elif options.weights in VENDOR_RULES and not (standards.background or _has_blank(standards)):
        note = "no blank: nothing was subtracted"
    past = len(set(standards.wells.row[reasons == PAST_THE_HOOK].tolist()))
    if past and not trouble:
        said = f"{past} level{'' if past == 1 else 's'} past the hook left out"
        note = f"{said}; {note}" if note else said
    four = options.model == "4pl" or levels < LEVELS_5PL
    return replace(standards, trouble=trouble, note=note, four=four)


def _has_blank(standards: AnalyteStandards) -> bool:
    """Whether a usable blank level exists."""
    return bool(standards.x[:1].sum() == 0 and np.isfinite(standards.y[:1]).any())


def stack(
    standards: Sequence[AnalyteStandards], scatters: Sequence[Scatter], names: Sequence[str]
) -> StandardWells:
    """Arrays of all curves side by side.

    Parameters
    ----------
    standards : sequence of AnalyteStandards
        Those that can be fitted.
    scatters : sequence of Scatter
        One per curve, M x 1.
    names : sequence of str
        The analytes of the whole call: their order numbers them.
    """
    n = max(len(one.x) for one in standards)
    n_wells = max(one.y.shape[1] for one in standards)
    size = len(standards)
    x, y = np.full((n, size), np.nan), np.full((n, n_wells, size), np.nan)
    for number, one in enumerate(standards):
        x[: len(one.x), number] = one.x
        y[: len(one.x), : one.y.shape[1], number] = one.y
    stands_for: Array | None = None
    sd: Array | None = None
    if any((one.wells.stands_for > 1).any() for one in standards):
        stands_for, sd = np.ones_like(y), np.full_like(y, np.nan)
        for number, one in enumerate(standards):
            corner = (slice(one.y.shape[0]), slice(one.y.shape[1]), number)
            stands_for[corner] = one.spread(one.wells.stands_for, 1.0)
            sd[corner] = one.spread(one.wells.sd, np.nan)
    groups = max(len(scatter.mean) for scatter in scatters)
    parts = {name: np.zeros((groups, size)) for name in ("mean", "ss", "df", "known")}
    for number, scatter in enumerate(scatters):
        for name, array in parts.items():
            values = getattr(scatter, name)
            array[: len(values), number] = values[:, 0]
    number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return StandardWells(
        x,
        y,
        np.array([one.background for one in standards]),
        Scatter(**parts),
        np.array([one.plate for one in standards]),
        np.array([number_of[one.analyte] for one in standards]),
        np.array([one.four for one in standards]),
        stands_for,
        sd,
    )
