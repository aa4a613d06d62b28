"""Wells and samples to concentrations: number, interval, status, limit.

Replicates are combined before the curve is inverted: the mean reading of m wells, with the noise
of m wells, never the mean of back-calculated values. Several dilutions of one sample are each
inverted and then merged by their intervals. Concentrations are multiplied by the dilution factor.

An interval may be open on one side: the bound on that side is then empty and the flag
``ci_open_low`` or ``ci_open_high`` says so. Values beyond a plateau of the curve have no number;
``limit_low`` (below: the LOD) or ``limit_high`` (above: the ULOQ) holds the bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.curves.answers import PlateCurves, Text, ask, plate_curves
from cytokit.curves.curve import StandardCurve
from cytokit.curves.fit import CurveSet
from cytokit.curves.gather import WellArrays, well_arrays
from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.tables import grouped_cv
from cytokit.dilutions import Reading, merge_dilutions
from cytokit.findings import Finding
from cytokit.plate import Plate, replicates
from cytokit.vocabulary import (
    SAMPLES_COLUMNS,
    SAMPLES_EXTRA_COLUMNS,
    WELLS_COLUMNS,
    RangeStatus,
    WellType,
)

#: what a dilution factor is needed for: a number, or a limit of the sample
_WITH_FACTOR = [
    *map(str, (RangeStatus.IN_RANGE, RangeStatus.BELOW_LLOQ, RangeStatus.ABOVE_ULOQ)),
    *map(str, (RangeStatus.OOR_LOW, RangeStatus.OOR_HIGH)),
]


@dataclass(frozen=True)
class Quantified:
    """Concentrations of one plate.

    Parameters
    ----------
    wells : pandas.DataFrame
        One row per reading, columns ``WELLS_COLUMNS``.
    samples : pandas.DataFrame
        One row per sample or control and analyte, columns ``SAMPLES_COLUMNS``, then
        ``SAMPLES_EXTRA_COLUMNS``: the CV of the concentration that curve and noise let expect, and
        the curve's limits with the dilution applied.
    findings : tuple of Finding
        Dilutions of one sample that do not agree; wells whose dilution factor is not known, which
        have no concentration.
    """

    wells: pd.DataFrame
    samples: pd.DataFrame
    findings: tuple[Finding, ...]


def quantify(
    plate: Plate,
    curves: CurveSet,
    options: FitOptions | None = None,
    excluded: NDArray[np.bool_] | None = None,
) -> Quantified:
    """Concentrations of every well, sample and control of a plate.

    Parameters
    ----------
    plate : Plate
    curves : CurveSet
        Holds a curve, failed or not, for every analyte of the plate.
    options : FitOptions, optional
        Those the curves were fitted with.
    excluded : (rows,) array of bool, optional
        Rows of ``plate.wells`` that were excluded.

    Returns
    -------
    Quantified
    """
    options = options or FitOptions()
    rows = np.zeros(len(plate.wells), dtype=bool) if excluded is None else excluded
    arrays = well_arrays(plate, options, rows)
    own = plate_curves(plate, curves)
    wells = _wells_table(arrays, own)
    samples, findings = _samples_table(arrays, own, wells)
    return Quantified(wells, samples, (*_dilution_findings(plate), *findings))


def _wells_table(arrays: WellArrays, own: PlateCurves) -> pd.DataFrame:
    """One row per reading of the export, in its order."""
    frame = arrays.plate.wells
    answers = ask(own, arrays.code, arrays.response, arrays.stands_for)
    factor = replicates(frame).factor
    status, flags = _without_factor(answers.status, answers.flags, factor)
    status[arrays.excluded] = str(RangeStatus.EXCLUDED)
    here = ~arrays.excluded
    units = np.array([curve.unit for curve in own.curves], dtype=object)
    flags = np.where(here, flags, "excluded")
    table = frame.assign(
        plate=arrays.plate.name,
        concentration=np.where(here, answers.value * factor, np.nan),
        ci_low=np.where(here, answers.low * factor, np.nan),
        ci_high=np.where(here, answers.high * factor, np.nan),
        unit=units[arrays.code],
        status=status,
        flags=flags,
    )
    texts = ["plate", "unit", "status", "flags"]
    return table[list(WELLS_COLUMNS)].astype(dict.fromkeys(texts, "str")).reset_index(drop=True)


def _without_factor(status: Text, flags: Text, factor: Array) -> tuple[Text, Text]:
    """Status and flags; a sample whose dilution is not known has neither number nor limit."""
    lost = np.isnan(factor) & np.isin(status, _WITH_FACTOR)
    words = np.where(flags == "", "dilution_missing", flags + ";dilution_missing")
    measured = str(RangeStatus.NOT_MEASURED)
    return np.where(lost, measured, status), np.where(lost, words, flags)


def _dilution_findings(plate: Plate) -> list[Finding]:
    """Wells without a dilution factor of which reading the file has said nothing yet."""
    said = {one.well for one in plate.findings if one.code == "dilution_unclear"}
    lacking = plate.wells["dilution_factor"].isna() & ~plate.wells["well"].isin(said)
    missing = plate.wells[lacking].drop_duplicates("well")
    return [
        Finding(
            "dilution_missing",
            "no dilution factor is known: no concentration was calculated",
            plate=plate.name,
            well=well,
            sample=sample,
        )
        for well, sample in missing[["well", "sample"]].to_numpy()
    ]


@dataclass(frozen=True, slots=True)
class _Groups:
    """Replicates, analyte by analyte.

    Parameters
    ----------
    rows : (R,) array of int
        Rows of the plate that stand for samples or controls.
    group : (R,) array of int
        Which group each belongs to.
    number : (G,) array of int
        Which sample each group is of.
    sample, well_type : (G,) array of str
    factor : (G,) array
    code : (G,) array of int
    """

    rows: NDArray[np.intp]
    group: NDArray[np.intp]
    number: NDArray[np.intp]
    sample: NDArray[np.object_]
    well_type: NDArray[np.object_]
    factor: Array
    code: NDArray[np.int64]


def _groups(arrays: WellArrays) -> _Groups:
    """The replicates of a plate, in the order of their first wells."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    rows = np.flatnonzero((kinds == str(WellType.UNKNOWN)) | (kinds == str(WellType.CONTROL)))
    same = replicates(frame)
    code = arrays.code[rows]
    key = same.group[rows] * len(arrays.names) + code
    group = np.asarray(pd.factorize(key)[0], dtype=np.intp)
    first = np.unique(group, return_index=True)[1]
    at = rows[first]
    return _Groups(
        rows, group, same.sample[at], same.name[at], kinds[at], same.factor[at], code[first]
    )


def _samples_table(
    arrays: WellArrays, own: PlateCurves, wells: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """One row per sample or control and analyte, dilutions merged."""
    groups = _groups(arrays)
    columns = [*SAMPLES_COLUMNS, *SAMPLES_EXTRA_COLUMNS]
    if len(groups.rows) == 0:
        return pd.DataFrame(columns=columns), []
    table = _readings(arrays, own, wells, groups)
    order, last = _sample_order(groups)
    findings: list[Finding] = []
    for members in _several_dilutions(order, last):
        row, found = _merged(table, members, own.curves[int(groups.code[members[0]])])
        for name, value in row.items():
            table[name][members[-1]] = value
        findings += found
    kept = order[last]
    low = table["status"] == str(RangeStatus.OOR_LOW)
    high = table["status"] == str(RangeStatus.OOR_HIGH)
    table["limit_low"] = np.where(low, table["limit_low"], np.nan)
    table["limit_high"] = np.where(high, table["limit_high"], np.nan)
    for name in ("lod", "lloq", "uloq", "uod"):
        limit = np.array([getattr(curve, name) for curve in own.curves], dtype=float)
        table[name] = limit[groups.code] * np.asarray(table["dilution_factor"], dtype=float)
    frame = pd.DataFrame({name: table[name][kept] for name in columns})
    texts = ["plate", "sample", "well_type", "analyte", "unit", "status", "flags"]
    return frame.astype(dict.fromkeys(texts, "str")), findings


def _readings(
    arrays: WellArrays, own: PlateCurves, wells: pd.DataFrame, groups: _Groups
) -> dict[str, NDArray[Any]]:
    """Columns of samples.csv for each group of replicates, bounds wherever a curve gives them."""
    rows, group, code, size = groups.rows, groups.group, groups.code, len(groups.code)
    usable = arrays.usable[rows]
    back = wells["concentration"].to_numpy()[rows]
    mfi = arrays.plate.wells["mfi"].to_numpy(dtype=float)[rows]
    stands_for, sd = arrays.stands_for[rows], arrays.sd[rows]
    of_wells = (stands_for[usable], sd[usable])
    n, mean, _ = grouped_cv(group[usable], arrays.response[rows][usable], size, *of_wells)
    _, mean_mfi, mfi_cv = grouped_cv(group[usable], mfi[usable], size, *of_wells)
    told = usable & np.isfinite(back)
    # of the wells behind a printed mean no concentration is known
    unknown = np.full(int(told.sum()), np.nan)
    back_cv = grouped_cv(group[told], back[told], size, stands_for[told], unknown)[2]
    answers = ask(own, code, mean, np.maximum(n, 1).astype(float))
    excluded = np.bincount(group[arrays.excluded[rows]], minlength=size) > 0
    status, flags = _without_factor(answers.status, answers.flags, groups.factor)
    status[(n == 0) & excluded] = str(RangeStatus.EXCLUDED)
    both = np.where(flags != "", flags + ";excluded", "excluded")
    bounds = np.array([(bound_below(curve), bound_above(curve)) for curve in own.curves])
    names = np.array([curve.analyte for curve in own.curves], dtype=object)
    units = np.array([curve.unit for curve in own.curves], dtype=object)
    factor = groups.factor
    return {
        "plate": np.full(size, arrays.plate.name, dtype=object),
        "sample": groups.sample,
        "well_type": groups.well_type,
        "analyte": names[code],
        "n_wells": n,
        "dilution_factor": factor.copy(),
        "mfi": mean_mfi,
        "mfi_cv_pct": mfi_cv,
        "concentration": answers.value * factor,
        "ci_low": answers.low * factor,
        "ci_high": answers.high * factor,
        "cv_pct": back_cv,
        "unit": units[code],
        "status": status,
        "limit_low": bounds[code, 0] * factor,
        "limit_high": bounds[code, 1] * factor,
        "flags": np.where(excluded, both, flags),
        "precision_pct": answers.precision,
    }


def _sample_order(groups: _Groups) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Groups by sample as in the export, then by analyte; and which end a sample's dilutions."""
    order = np.lexsort((groups.code, groups.number))
    key = np.stack([groups.number[order], groups.code[order]])
    return order, np.r_[(key[:, 1:] != key[:, :-1]).any(0), True]


def _several_dilutions(order: NDArray[np.intp], last: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """The groups of every sample and analyte that was measured at several dilutions."""
    ends = np.flatnonzero(last) + 1
    starts = np.r_[0, ends[:-1]]
    several = np.flatnonzero(ends - starts > 1)
    return [order[starts[number] : ends[number]] for number in several]


def bound_below(curve: StandardCurve) -> float:
    """What a reading below the curve is certainly less than: LOD, else LLOQ, else lowest standard.

    At the bead; NaN where there is no curve.
    """
    if not curve.ok:
        return float("nan")
    choices = (curve.lod, curve.range[0], curve.x_low)
    return next(value for value in choices if np.isfinite(value))


def bound_above(curve: StandardCurve) -> float:
    """What a reading above the curve is certainly more than: ULOQ, else the highest standard."""
    if not curve.ok:
        return float("nan")
    return curve.range[1] if np.isfinite(curve.range[1]) else curve.x_top


def _merged(
    table: dict[str, NDArray[Any]], members: NDArray[np.intp], curve: StandardCurve
) -> tuple[dict[str, Any], list[Finding]]:
    """One row from the dilutions of a sample, and what is to be said of them."""
    readings = [_reading(table, int(number)) for number in members]
    one, disagreement = merge_dilutions(readings)
    known = np.isfinite(one.factor)
    flags = [flag for flag in one.flags if known or flag != "dilutions_merged"]
    row = {
        "n_wells": one.n_wells,
        "dilution_factor": one.factor,
        "mfi": one.mfi,
        "mfi_cv_pct": one.mfi_cv_pct,
        "concentration": one.value,
        "ci_low": one.low,
        "ci_high": one.high,
        "cv_pct": one.cv_pct,
        "status": str(one.status),
        "limit_low": one.limit_low,
        "limit_high": one.limit_high,
        "flags": ";".join(flags),
        "precision_pct": one.precision_pct,
    }
    if not known:  # its wells were kept apart, but there is nothing else to say of them
        row["mfi"] = float(np.mean([reading.mfi for reading in readings]))
    if not disagreement:
        return row, []
    sample, plate = table["sample"][members[0]], table["plate"][members[0]]
    finding = Finding(
        "not_parallel", disagreement, plate=plate, sample=sample, analyte=curve.analyte
    )
    return row, [finding]


def _reading(table: dict[str, NDArray[Any]], number: int) -> Reading:
    """One group of replicates as the merging of dilutions takes it."""
    flags = table["flags"][number]
    return Reading(
        factor=float(table["dilution_factor"][number]),
        n_wells=int(table["n_wells"][number]),
        mfi=float(table["mfi"][number]),
        mfi_cv_pct=float(table["mfi_cv_pct"][number]),
        value=float(table["concentration"][number]),
        low=float(table["ci_low"][number]),
        high=float(table["ci_high"][number]),
        cv_pct=float(table["cv_pct"][number]),
        precision_pct=float(table["precision_pct"][number]),
        status=RangeStatus(table["status"][number]),
        limit_low=float(table["limit_low"][number]),
        limit_high=float(table["limit_high"][number]),
        flags=tuple(flags.split(";")) if flags else (),
    )
