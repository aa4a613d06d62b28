"""From plates to arrays: which standard and blank wells a curve rests on, and what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.rules import VENDOR_RULES
from cytokit.curves.weights import Scatter
from cytokit.curves.wells import StandardWells, possible_level, possible_reading
from cytokit.plate import Plate
from cytokit.vocabulary import WellType

#: levels above zero that a five- and a four-parameter curve need
LEVELS_5PL, LEVELS_4PL = 5, 4


@dataclass(frozen=True, slots=True)
class WellArrays:
    """The rows of one plate as plain arrays.

    Parameters
    ----------
    plate : Plate
    code : (rows,) array of int
        Number of the analyte in the plate's order.
    response : (rows,) array
        MFI to be fitted: as measured, or, under a vendor's rule, net MFI plus `background`;
        NaN where there is none, or none that can be a reading.
    background : (analytes,) array
        Mean blank, as the vendors subtract it; NaN where neither blanks nor net MFI exist.
    excluded : (rows,) array of bool
    """

    plate: Plate
    code: NDArray[np.int64]
    response: Array
    background: Array
    excluded: NDArray[np.bool_]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows with a reading that nobody excluded."""
        return np.isfinite(self.response) & ~self.excluded


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
    wells : pandas.DataFrame
        well, level (name), expected, mfi, reason (why not used, or empty), row, column (in `y`).
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
    wells: pd.DataFrame = field(repr=False)
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

    def without_level(self, level: int, reason: str, options: FitOptions) -> AnalyteStandards:
        """The same standards with one level left out."""
        y, wells = self.y.copy(), self.wells.copy()
        y[level] = np.nan
        wells.loc[(wells["row"] == level) & (wells["reason"] == ""), "reason"] = reason
        return _judged(replace(self, y=y, wells=wells), options)


def well_arrays(plate: Plate, options: FitOptions, excluded: NDArray[np.bool_]) -> WellArrays:
    """The plate's readings as arrays, with the response the weight rule works on."""
    names = plate.analyte_names
    code = pd.Categorical(plate.wells["analyte"], categories=names).codes.astype(np.int64)
    mfi = plate.wells["mfi"].to_numpy(dtype=float)
    net = plate.wells["net_mfi"].to_numpy(dtype=float)
    mfi = np.where(possible_reading(mfi), mfi, np.nan)
    net = np.where(possible_reading(net), net, np.nan)
    blank = (plate.wells["well_type"] == str(WellType.BLANK)).to_numpy() & ~excluded
    both = np.isfinite(mfi) & np.isfinite(net)
    background = np.full(len(names), np.nan)
    for number in range(len(names)):
        mine = code == number
        for rows, values in ((mine & both, mfi - net), (mine & blank & np.isfinite(mfi), mfi)):
            if np.isnan(background[number]) and rows.any():
                background[number] = (
                    np.median(values[rows]) if values is not mfi else np.mean(values[rows])
                )
    response = mfi
    if options.weights in VENDOR_RULES:
        response = np.where(both, net + background[code], mfi)
    return WellArrays(plate, code, response, background, excluded)


def analyte_standards(
    arrays: WellArrays, number: int, analyte: int, options: FitOptions
) -> AnalyteStandards:
    """Standards and blanks of one analyte; plate `number` of the call."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    mine = arrays.code == analyte
    rows = np.flatnonzero(mine & np.isin(kinds, [str(WellType.STANDARD), str(WellType.BLANK)]))
    blank = kinds[rows] == str(WellType.BLANK)
    expected = np.where(blank, 0.0, frame["expected"].to_numpy(dtype=float)[rows])
    reasons = _reasons(arrays, rows, expected)
    placed = possible_level(expected)
    x, level = np.unique(expected[placed], return_inverse=True)
    level_of = np.full(len(rows), -1)
    level_of[placed] = level
    order = np.zeros(len(rows), dtype=int)
    for one in range(len(x)):
        members = level_of == one
        order[members] = np.arange(members.sum())
    y = np.full((len(x), max(1, order.max(initial=0) + 1)), np.nan)
    used = reasons == ""
    y[level_of[used], order[used]] = arrays.response[rows][used]
    samples = frame["sample"].to_numpy()[rows]
    names = tuple(
        " / ".join(dict.fromkeys(samples[level_of == one].tolist())) for one in range(len(x))
    )
    wells = pd.DataFrame(
        {
            "well": frame["well"].to_numpy()[rows],
            "level": samples,
            "expected": expected,
            "mfi": frame["mfi"].to_numpy(dtype=float)[rows],
            "reason": reasons,
            "row": level_of,
            "column": order,
        }
    ).astype({"well": "str", "level": "str", "reason": "str"})
    name = arrays.plate.analyte_names[analyte]
    background = arrays.background[analyte]
    standards = AnalyteStandards(
        number,
        arrays.plate.name,
        name,
        arrays.plate.unit(name) or options.unit,
        x,
        names,
        y,
        wells,
        0.0 if np.isnan(background) else float(background),
    )
    return _judged(standards, options)


def _reasons(arrays: WellArrays, rows: NDArray[np.intp], expected: Array) -> NDArray[np.object_]:
    """Why each well may not be used; empty where it may."""
    reasons = np.full(len(rows), "", dtype=object)
    reasons[~possible_level(expected)] = "no possible expected concentration"
    reasons[~(np.isfinite(expected) & (expected >= 0))] = "no expected concentration"
    reasons[~np.isfinite(arrays.response[rows])] = "no possible reading"
    reasons[np.isnan(arrays.plate.wells["mfi"].to_numpy(dtype=float)[rows])] = "no reading"
    reasons[arrays.excluded[rows]] = "excluded by a user"
    return reasons


def _judged(standards: AnalyteStandards, options: FitOptions) -> AnalyteStandards:
    """The same standards with the decision whether, and with how many parameters, they are fit."""
    levels = standards.n_levels
    trouble, note = "", ""
    if standards.wells.empty:
        trouble = "the plate holds no standards for this analyte"
    elif not (standards.wells["reason"] == "").any():
        why = ", ".join(dict.fromkeys(standards.wells["reason"].tolist()))
        trouble = f"no standard well can be used: {why}"
    elif levels < LEVELS_4PL:
        trouble = (
            f"{levels} usable standard level{'' if levels == 1 else 's'} above zero; "
            f"{LEVELS_5PL} are needed, {LEVELS_4PL} for a 4PL"
        )
    elif levels < LEVELS_5PL and options.model == "5pl":
        note = f"only {levels} standard levels stand: fitted as 4PL"
    elif options.weights in VENDOR_RULES and not (standards.background or _has_blank(standards)):
        note = "no blank: nothing was subtracted"
    four = options.model == "4pl" or levels < LEVELS_5PL
    return replace(standards, trouble=trouble, note=note, four=four)


def _has_blank(standards: AnalyteStandards) -> bool:
    """Whether a usable blank level exists."""
    return bool(standards.x[:1].sum() == 0 and np.isfinite(standards.y[:1]).any())


def sample_scatter(arrays: WellArrays) -> Scatter:
    """Scatter of the replicates of samples and controls, groups x analytes."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    rows = np.flatnonzero(
        np.isin(kinds, [str(WellType.UNKNOWN), str(WellType.CONTROL)]) & arrays.usable
    )
    size = len(arrays.plate.analyte_names)
    if len(rows) == 0:
        empty = np.zeros((0, size))
        return Scatter(empty, empty, empty, empty)
    some = frame.iloc[rows]
    keys = some.groupby(["sample", "well_type", "dilution_factor"], dropna=False)
    group = keys.ngroup().to_numpy(dtype=np.intp)
    n_groups = int(group.max()) + 1
    cell = group * size + arrays.code[rows]
    values = arrays.response[rows]
    n = np.bincount(cell, minlength=n_groups * size)
    mean = np.bincount(cell, values, minlength=n_groups * size) / np.maximum(n, 1)
    ss = np.bincount(cell, (values - mean[cell]) ** 2, minlength=n_groups * size).astype(float)
    shape = (n_groups, size)
    df = np.maximum(n - 1, 0).astype(float)
    some_df = df.reshape(shape).any(1)
    return Scatter(
        mean.reshape(shape)[some_df],
        ss.reshape(shape)[some_df],
        df.reshape(shape)[some_df],
        np.zeros(shape)[some_df],
    )


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
    )
