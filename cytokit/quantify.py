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

from cytokit.curves.answers import PlateCurves, ask, plate_curves
from cytokit.curves.curve import StandardCurve
from cytokit.curves.fit import CurveSet
from cytokit.curves.gather import WellArrays, well_arrays
from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.tables import cv_pct
from cytokit.dilutions import Reading, merge_dilutions
from cytokit.findings import Finding
from cytokit.plate import Plate
from cytokit.vocabulary import SAMPLES_COLUMNS, WELLS_COLUMNS, RangeStatus, WellType


@dataclass(frozen=True)
class Quantified:
    """Concentrations of one plate.

    Parameters
    ----------
    wells : pandas.DataFrame
        One row per reading, columns ``WELLS_COLUMNS``.
    samples : pandas.DataFrame
        One row per sample or control and analyte, columns ``SAMPLES_COLUMNS``, then
        ``precision_pct``: the CV of the concentration that curve and noise let expect.
    findings : tuple of Finding
        Dilutions of one sample that do not agree; dilution factors that are missing.
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
    answers = ask(own, arrays.code, arrays.response, np.ones(len(frame)))
    factor = _factor(frame)
    status = answers.status.copy()
    status[arrays.excluded] = str(RangeStatus.EXCLUDED)
    here = ~arrays.excluded
    units = np.array([curve.unit for curve in own.curves], dtype=object)
    flags = np.where(here, answers.flags, "excluded")
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


def _factor(frame: pd.DataFrame) -> Array:
    """Dilution factor of each row; 1 where it is missing (a finding says so)."""
    factor = frame["dilution_factor"].to_numpy(dtype=float)
    return np.where(np.isnan(factor), 1.0, factor)


def _dilution_findings(plate: Plate) -> list[Finding]:
    """Wells without a dilution factor."""
    missing = plate.wells[plate.wells["dilution_factor"].isna()].drop_duplicates("well")
    return [
        Finding(
            "dilution_missing",
            "no dilution factor is given: 1 is taken",
            plate=plate.name,
            well=well,
            sample=sample,
        )
        for well, sample in missing[["well", "sample"]].to_numpy()
    ]


def _samples_table(
    arrays: WellArrays, own: PlateCurves, wells: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """One row per sample or control and analyte, dilutions merged."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    rows = np.flatnonzero(np.isin(kinds, [str(WellType.UNKNOWN), str(WellType.CONTROL)]))
    if len(rows) == 0:
        columns = [*SAMPLES_COLUMNS, "precision_pct"]
        return pd.DataFrame(columns=columns), []
    some = frame.iloc[rows]
    sample = np.where(some["sample"] == "", some["well"], some["sample"])
    keys = pd.DataFrame(
        {
            "sample": sample,
            "well_type": kinds[rows],
            "factor": _factor(some),
            "code": arrays.code[rows],
        }
    )
    group = keys.groupby(["sample", "well_type", "factor", "code"], sort=False).ngroup().to_numpy()
    first = keys.assign(group=group).drop_duplicates("group").reset_index(drop=True)
    size = len(first)
    usable = arrays.usable[rows]
    n = np.bincount(group[usable], minlength=size)
    total = np.bincount(group[usable], arrays.response[rows][usable], minlength=size)
    mean = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    answers = ask(own, first["code"].to_numpy(), mean, np.maximum(n, 1).astype(float))
    excluded = np.bincount(group[arrays.excluded[rows]], minlength=size)
    all_out = (n == 0) & (excluded > 0)
    members = _members(group, size)
    back = wells["concentration"].to_numpy()[rows]
    mfi = frame["mfi"].to_numpy(dtype=float)[rows]
    bounds = [(bound_below(curve), bound_above(curve)) for curve in own.curves]
    codes = first["code"].to_numpy()
    names, types = first["sample"].to_numpy(), first["well_type"].to_numpy()
    factors = first["factor"].to_numpy()
    readings: dict[tuple[str, str, int], list[Reading]] = {}
    for number in range(size):
        mine = members[number][usable[members[number]]]
        below, above = bounds[codes[number]]
        status = RangeStatus.EXCLUDED if all_out[number] else RangeStatus(answers.status[number])
        factor = float(factors[number])
        flags = [flag for flag in (answers.flags[number],) if flag]
        if excluded[number]:
            flags.append("excluded")
        key = (names[number], types[number], int(codes[number]))
        readings.setdefault(key, []).append(
            Reading(
                factor=factor,
                n_wells=int(n[number]),
                mfi=float(np.mean(mfi[mine])) if len(mine) else float("nan"),
                mfi_cv_pct=cv_pct(mfi[mine]),
                value=float(answers.value[number]) * factor,
                low=float(answers.low[number]) * factor,
                high=float(answers.high[number]) * factor,
                cv_pct=_replicate_cv(back[mine]),
                precision_pct=float(answers.precision[number]),
                status=status,
                limit_low=below * factor,
                limit_high=above * factor,
                flags=tuple(flags),
            )
        )
    return _merged_table(arrays.plate, own, readings)


def _members(group: NDArray[np.integer[Any]], size: int) -> list[NDArray[np.intp]]:
    """For each group the positions of its rows."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=size))
    return np.split(order, ends[:-1])


def _replicate_cv(values: Array) -> float:
    """CV in % of the wells' own concentrations, where at least two have one."""
    return cv_pct(values[np.isfinite(values)])


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


def _merged_table(
    plate: Plate, own: PlateCurves, readings: dict[tuple[str, str, int], list[Reading]]
) -> tuple[pd.DataFrame, list[Finding]]:
    """Rows of samples.csv, ordered by sample as in the export, then by analyte."""
    findings = []
    order = {key[:2]: None for key in readings}
    rank = {key: number for number, key in enumerate(order)}
    rows = []
    for key in sorted(readings, key=lambda key: (rank[key[:2]], key[2])):
        sample, well_type, code = key
        curve = own.curves[code]
        one, disagreement = merge_dilutions(readings[key])
        if disagreement:
            findings.append(
                Finding(
                    "not_parallel",
                    disagreement,
                    plate=plate.name,
                    sample=sample,
                    analyte=curve.analyte,
                )
            )
        low, high = one.status is RangeStatus.OOR_LOW, one.status is RangeStatus.OOR_HIGH
        rows.append(
            (
                plate.name,
                sample,
                well_type,
                curve.analyte,
                one.n_wells,
                one.factor,
                one.mfi,
                one.mfi_cv_pct,
                one.value,
                one.low,
                one.high,
                one.cv_pct,
                curve.unit,
                str(one.status),
                one.limit_low if low else float("nan"),
                one.limit_high if high else float("nan"),
                ";".join(one.flags),
                one.precision_pct,
            )
        )
    frame = pd.DataFrame(rows, columns=[*SAMPLES_COLUMNS, "precision_pct"])
    texts = ["plate", "sample", "well_type", "analyte", "unit", "status", "flags"]
    return frame.astype(dict.fromkeys(texts, "str")), findings
