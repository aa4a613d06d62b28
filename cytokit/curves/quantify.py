"""Wells and samples to concentrations: number, interval, status, limit.

Replicates are combined before the curve is inverted: the mean reading of m wells, with the noise
of m wells, never the mean of back-calculated values. Several dilutions of one sample are each
inverted and then merged by their intervals. Concentrations are multiplied by the dilution factor.

An interval may be open on one side: the bound on that side is then empty and the flag
``ci_open_low`` or ``ci_open_high`` says so. Values beyond a plateau of the curve have no number;
``limit_low`` (below: the LOD) or ``limit_high`` (above: the ULOQ) holds the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from cytokit.arrays import Floats
from cytokit.curves.fit import CurveSet, StandardCurve, grouped_cv
from cytokit.curves.inverse import (
    CurveArrays,
    concentration,
    concentration_interval,
    joined,
    range_status,
)
from cytokit.curves.limits import relative_sd
from cytokit.curves.quality import hooked_analytes
from cytokit.curves.standards import PlateReadings, plate_readings
from cytokit.flags import Finding
from cytokit.options import FitOptions
from cytokit.plate import Plate, replicates
from cytokit.schema import TABLES, RangeStatus, WellType

# Several dilutions of one sample: one concentration, and whether they agree.


#: dilutions disagree when chance alone would set them further apart once in a hundred times
PARALLEL_P = 0.01
#: dilutions that disagree are one concentration only within this CV: the usual limit for the
#: parallelism of a dilution series (EMA, guideline on bioanalytical method validation, 2011)
PARALLEL_CV_PCT = 30.0
_NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class DilutionReading:
    """The replicates of one dilution of one sample, or the merged result of several dilutions."""

    factor: float
    n_wells: int
    mfi: float
    mfi_cv_pct: float
    value: float
    low: float
    high: float
    cv_pct: float
    precision_pct: float
    status: RangeStatus
    limit_low: float
    limit_high: float
    flags: tuple[str, ...] = ()


_NUMBERED = (RangeStatus.IN_RANGE, RangeStatus.BELOW_LLOQ, RangeStatus.ABOVE_ULOQ)
#: the better a status, the more a dilution has to say
_RANK = {
    RangeStatus.IN_RANGE: 0,
    RangeStatus.ABOVE_ULOQ: 1,
    RangeStatus.BELOW_LLOQ: 1,
    RangeStatus.OOR_LOW: 2,
    RangeStatus.OOR_HIGH: 2,
    RangeStatus.NO_CURVE: 3,
    RangeStatus.NOT_MEASURED: 4,
    RangeStatus.EXCLUDED: 5,
}


def merge_dilutions(readings: Sequence[DilutionReading]) -> tuple[DilutionReading, str]:
    """One reading from the dilutions of a sample.

    Dilutions in range with an interval closed on both sides are averaged on the logarithmic
    scale, each weighted by the inverse square of its interval's width; without any, the reading
    that says most stands alone. The merged reading bears the dilution factor of the most precise.

    Dilutions that disagree by more than chance explains are one concentration only while they lie
    within a CV of 30 %: its interval then holds those of all that were averaged. Further apart no
    dilution is known to be the right one, and the sample has no number.
    """
    if len(readings) == 1:
        return readings[0], ""
    closed = [one for one in readings if _averages(one)]
    if len(closed) > 1:
        best, apart = _averaged(closed)
    else:
        best, apart = min(readings, key=lambda one: (_RANK[one.status], _tightness(one))), None
    apart = apart or _contradiction(readings, best)
    flags = dict.fromkeys(flag for one in readings for flag in one.flags)
    n_wells = sum(one.n_wells for one in readings)
    if apart is not None and apart.cv_pct > PARALLEL_CV_PCT:
        kept = [flag for flag in flags if not flag.startswith("ci_")]
        words = f"{apart.words}: no concentration is given"
        return _without_number(best, n_wells, apart.cv_pct, (*kept, "not_parallel")), words
    kept = [flag for flag in flags if not flag.startswith("ci_") or flag in best.flags]
    if apart is not None:
        kept.append("not_parallel")
    merged = replace(best, n_wells=n_wells, flags=(*kept, "dilutions_merged"))
    return merged, apart.words if apart is not None else ""


@dataclass(frozen=True, slots=True)
class _Apart:
    """How dilutions contradict each other, and how far they are apart."""

    words: str
    cv_pct: float


def _without_number(
    best: DilutionReading, n_wells: int, cv_pct: float, flags: tuple[str, ...]
) -> DilutionReading:
    """What is left of a sample whose dilutions contradict each other."""
    nothing = dict.fromkeys(
        ("value", "low", "high", "precision_pct", "limit_low", "limit_high"), float("nan")
    )
    return replace(
        best,
        n_wells=n_wells,
        cv_pct=cv_pct,
        status=RangeStatus.NOT_MEASURED,
        flags=flags,
        **nothing,
    )


def _averaged(closed: Sequence[DilutionReading]) -> tuple[DilutionReading, _Apart | None]:
    """Weighted mean on the logarithmic scale, and whether its parts disagree."""
    log_value = np.log([one.value for one in closed])
    sd = np.log([one.high / one.low for one in closed]) / (2 * _NORMAL_975)
    weight = 1.0 / sd**2
    centre = float((weight * log_value).sum() / weight.sum())
    half = _NORMAL_975 / float(np.sqrt(weight.sum()))
    low, high = float(np.exp(centre - half)), float(np.exp(centre + half))
    misfit = float((weight * (log_value - centre) ** 2).sum())
    cv_pct = _spread([one.value for one in closed])
    apart = None
    if special.chdtrc(len(closed) - 1, misfit) < PARALLEL_P:
        apart = _Apart(
            f"dilutions disagree by more than their intervals: {_listed(closed)}", cv_pct
        )
        low = min(low, *(one.low for one in closed))
        high = max(high, *(one.high for one in closed))
    merged = replace(
        closed[int(np.argmin(sd))],
        value=float(np.exp(centre)),
        low=low,
        high=high,
        cv_pct=cv_pct,
        precision_pct=100.0 / float(np.sqrt(weight.sum())),
        flags=(),
    )
    return merged, apart


def _listed(readings: Sequence[DilutionReading]) -> str:
    return ", ".join(f"{one.value:.4g} at 1:{one.factor:g}" for one in readings)


def _averages(one: DilutionReading) -> bool:
    """Whether it is in range, a positive number between two finite bounds."""
    closed = np.isfinite([one.value, one.low, one.high]).all() and one.low > 0
    return bool(closed and one.status is RangeStatus.IN_RANGE)


def _tightness(one: DilutionReading) -> float:
    """Of equal statuses the one that bounds the concentration best comes first."""
    if one.status is RangeStatus.OOR_LOW:
        return one.limit_low
    if one.status is RangeStatus.OOR_HIGH:
        return -one.limit_high
    return one.precision_pct if np.isfinite(one.precision_pct) else np.inf


def _contradiction(readings: Sequence[DilutionReading], best: DilutionReading) -> _Apart | None:
    """Whether what one dilution says rules out what another one says."""
    below = [one.limit_low for one in readings if one.status is RangeStatus.OOR_LOW]
    above = [one.limit_high for one in readings if one.status is RangeStatus.OOR_HIGH]
    if below and above and min(below) < max(above):
        less, more = min(below), max(above)
        words = f"one dilution says less than {less:.4g}, another more than {more:.4g}"
        return _Apart(words, _spread([less, more]))
    if below and min(below) < best.low:
        words = f"one dilution says less than {min(below):.4g}, another {best.value:.4g}"
        return _Apart(words, _spread([min(below), best.value]))
    if above and max(above) > best.high:
        words = f"one dilution says more than {max(above):.4g}, another {best.value:.4g}"
        return _Apart(words, _spread([max(above), best.value]))
    # numbers that were not averaged; NaN, an open end, contradicts nothing
    outside = [
        one
        for one in readings
        if one.status in _NUMBERED and not _averages(one)
        if one.high < best.low or one.low > best.high
    ]
    if not outside:
        return None
    words = f"dilutions disagree by more than their intervals: {_listed([best, *outside])}"
    return _Apart(words, _spread([best.value, *(one.value for one in outside)]))


def _spread(values: Sequence[float]) -> float:
    """CV in % of the dilutions' concentrations."""
    array = np.array(values)
    return float(100.0 * array.std(ddof=1) / array.mean())


# What the curves of a plate say to a list of readings.


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
    lloq: Floats
    uloq: Floats
    log_low: Floats
    hooked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class InversePrediction:
    """What the curves say to a list of readings, concentrations at the bead."""

    value: Floats
    low: Floats
    high: Floats
    precision: Floats
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


def inverse_prediction(
    own: PlateCurves, code: NDArray[np.int64], y: Floats, n_wells: Floats
) -> InversePrediction:
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
        return InversePrediction(nothing, nothing, nothing, nothing, status, flags)
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

    def listed(values: Floats) -> Floats:
        out = nothing.copy()
        out[known] = values[cell]
        return out

    status[known] = words[cell]
    flags[known] = _interval_flags(low[cell], high[cell])
    doubtful = own.hooked[code] & np.isin(status.astype(str), _EITHER_LIMB)
    flags[doubtful] = [f"{one};{HOOK_FLAG}".lstrip(";") for one in flags[doubtful]]
    return InversePrediction(
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


def _interval_flags(low: Floats, high: Floats) -> Text:
    """Codes that say on which side an interval is open, or that there is none."""
    flags: Text = np.full(len(low), "", dtype=object)
    flags[low == -np.inf] = "ci_open_low"
    flags[high == np.inf] = "ci_open_high"
    flags[(low == -np.inf) & (high == np.inf)] = "ci_open_low;ci_open_high"
    flags[np.isnan(low)] = "ci_none"
    return flags


#: what a dilution factor is needed for: a number, or a limit of the sample
_WITH_FACTOR = [
    *map(str, (RangeStatus.IN_RANGE, RangeStatus.BELOW_LLOQ, RangeStatus.ABOVE_ULOQ)),
    *map(str, (RangeStatus.OOR_LOW, RangeStatus.OOR_HIGH)),
]


@dataclass(frozen=True)
class Quantified:
    """Concentrations of one plate."""

    wells: pd.DataFrame
    samples: pd.DataFrame
    findings: tuple[Finding, ...]


def quantify(
    plate: Plate,
    curves: CurveSet,
    options: FitOptions | None = None,
    excluded: NDArray[np.bool_] | None = None,
) -> Quantified:
    """Concentrations of every well, sample and control of a plate."""
    options = options or FitOptions()
    rows = np.zeros(len(plate.wells), dtype=bool) if excluded is None else excluded
    arrays = plate_readings(plate, options, rows)
    own = plate_curves(plate, curves)
    wells = _wells_table(arrays, own)
    samples, findings = _samples_table(arrays, own, wells)
    return Quantified(wells, samples, (*_dilution_findings(plate), *findings))


def _wells_table(arrays: PlateReadings, own: PlateCurves) -> pd.DataFrame:
    """One row per reading of the export, in its order."""
    frame = arrays.plate.wells
    predicted = inverse_prediction(own, arrays.code, arrays.response, arrays.stands_for)
    factor = replicates(frame).factor
    status, flags = _without_factor(predicted.status, predicted.flags, factor)
    status[arrays.excluded] = str(RangeStatus.EXCLUDED)
    here = ~arrays.excluded
    units = np.array([curve.unit for curve in own.curves], dtype=object)
    flags = np.where(here, flags, "excluded")
    table = frame.assign(
        plate=arrays.plate.name,
        concentration=np.where(here, predicted.value * factor, np.nan),
        ci_low=np.where(here, predicted.low * factor, np.nan),
        ci_high=np.where(here, predicted.high * factor, np.nan),
        unit=units[arrays.code],
        status=status,
        flags=flags,
    )
    texts = ["plate", "unit", "status", "flags"]
    return table[TABLES["wells"].names].astype(dict.fromkeys(texts, "str")).reset_index(drop=True)


def _without_factor(status: Text, flags: Text, factor: Floats) -> tuple[Text, Text]:
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
    """Replicates, analyte by analyte."""

    rows: NDArray[np.intp]
    group: NDArray[np.intp]
    number: NDArray[np.intp]
    sample: NDArray[np.object_]
    well_type: NDArray[np.object_]
    factor: Floats
    code: NDArray[np.int64]


def _groups(arrays: PlateReadings) -> _Groups:
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
    arrays: PlateReadings, own: PlateCurves, wells: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """One row per sample or control and analyte, dilutions merged."""
    groups = _groups(arrays)
    columns = TABLES["samples"].names
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
    arrays: PlateReadings, own: PlateCurves, wells: pd.DataFrame, groups: _Groups
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
    predicted = inverse_prediction(own, code, mean, np.maximum(n, 1).astype(float))
    excluded = np.bincount(group[arrays.excluded[rows]], minlength=size) > 0
    status, flags = _without_factor(predicted.status, predicted.flags, groups.factor)
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
        "concentration": predicted.value * factor,
        "ci_low": predicted.low * factor,
        "ci_high": predicted.high * factor,
        "cv_pct": back_cv,
        "unit": units[code],
        "status": status,
        "limit_low": bounds[code, 0] * factor,
        "limit_high": bounds[code, 1] * factor,
        "flags": np.where(excluded, both, flags),
        "precision_pct": predicted.precision,
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


def _reading(table: dict[str, NDArray[Any]], number: int) -> DilutionReading:
    """One group of replicates as the merging of dilutions takes it."""
    flags = table["flags"][number]
    return DilutionReading(
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
