"""Drift of judged plates and steps between lots, over all series, adjusted for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cytokit.arrays import Floats, Ints
from cytokit.qc.series import CONTROL, ChartPlate, series_name
from cytokit.qc.westgard import QcFinding, severity_of
from cytokit.schema import TABLES, QcRole
from cytokit.trial.multiplicity import adjust

# Drift over plates, and steps between lots: robust, with their intervals.


#: with fewer plates a slope is not worth naming
FEWEST = 8
#: exact up to so many values of one lot, the normal approximation above
_EXACT = 60


@dataclass(frozen=True, slots=True)
class Trend:
    """A slope per plate with its 95 % interval and p."""

    slope: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class LotStep:
    """A ratio after over before with its 95 % interval and p; NaN where ``reason`` says why."""

    ratio: float
    low: float
    high: float
    p: float
    reason: str = ""


def theil_sen(position: Floats, value: Floats, segment: Ints) -> Trend | None:
    """The median slope over pairs of plates of one segment."""
    parts = [segment == number for number in np.unique(segment)]
    slopes = np.concatenate([_slopes(position[part], value[part]) for part in parts])
    if not len(slopes):
        return None
    slopes.sort()
    score = float(sum(_score(value[part]) for part in parts))
    variance = float(sum(_variance(value[part]) for part in parts))
    half = 1.959963984540054 * np.sqrt(variance)
    count = len(slopes)
    low = int(np.floor((count - half) / 2)) - 1
    high = int(np.ceil((count + half) / 2))
    return Trend(
        slope=float(np.median(slopes)),
        low=float(slopes[low]) if low >= 0 else -np.inf,
        high=float(slopes[high]) if high < count else np.inf,
        p=_kendall_p(score, variance, [value[part] for part in parts]),
    )


def lot_step(before: Floats, after: Floats) -> LotStep:
    """Geometric mean after a change of lot over that before it (Welch's interval on ln)."""
    nan = float("nan")
    if min(len(before), len(after)) < 2:
        few = f"{len(before)} and {len(after)} plates: an interval needs two on each side"
        ratio = float(np.exp(after.mean() - before.mean())) if min(len(before), len(after)) else nan
        return LotStep(ratio, nan, nan, nan, few)
    from scipy import special

    parts = np.array([before.var(ddof=1) / len(before), after.var(ddof=1) / len(after)])
    error = float(np.sqrt(parts.sum()))
    difference = float(after.mean() - before.mean())
    ratio = float(np.exp(difference))
    if error <= 1e-12 * max(1.0, abs(difference)):
        return LotStep(ratio, nan, nan, nan, "the values within the lots do not differ")
    df = float(parts.sum() ** 2 / (parts**2 / [len(before) - 1, len(after) - 1]).sum())
    half = float(special.stdtrit(df, 0.975)) * error
    p = 2.0 * float(special.stdtr(df, -abs(difference) / error))
    return LotStep(ratio, float(np.exp(difference - half)), float(np.exp(difference + half)), p)


def _slopes(x: Floats, y: Floats) -> Floats:
    """Slopes of all pairs."""
    first, second = np.triu_indices(len(x), k=1)
    return np.asarray((y[second] - y[first]) / (x[second] - x[first]), dtype=np.float64)


def _score(y: Floats) -> float:
    """Kendall's S: rising pairs less falling ones."""
    first, second = np.triu_indices(len(y), k=1)
    return float(np.sign(y[second] - y[first]).sum())


def _variance(y: Floats) -> float:
    """Variance of S where nothing rises or falls, ties allowed for."""
    _, ties = np.unique(y, return_counts=True)
    n = len(y)
    spread = n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()
    return float(spread) / 18.0


def _kendall_p(score: float, variance: float, parts: Sequence[Floats]) -> float:
    """Two-sided p of S summed over the parts."""
    tied = any(len(np.unique(part)) < len(part) for part in parts)
    if not tied and max(map(len, parts)) <= _EXACT:
        return _exact_p(score, [len(part) for part in parts])
    from scipy import special

    if variance == 0:
        return 1.0
    z = max(abs(score) - 1.0, 0.0) / np.sqrt(variance)  # S moves in steps of two
    return float(2.0 * special.ndtr(-z))


def _exact_p(score: float, sizes: Sequence[int]) -> float:
    """From the numbers of inversions of all orders, the parts convolved."""
    share = np.ones(1)
    for size in sizes:
        for length in range(2, size + 1):
            share = np.convolve(share, np.full(length, 1.0 / length))
    pairs = len(share) - 1
    s = pairs - 2.0 * np.arange(pairs + 1)
    return min(1.0, float(share[np.abs(s) >= abs(score) - 0.5].sum()))


ALPHA = 0.05
_KEY = ["series", "level", "analyte"]


def drift_table(
    frame: pd.DataFrame, plates: Sequence[ChartPlate]
) -> tuple[pd.DataFrame, list[QcFinding]]:
    """The trend of each series over the judged plates, in SD per plate."""
    segment = {plate.name: plate.segment for plate in plates}
    judged = frame[(frame["role"] == str(QcRole.JUDGED)) & frame["z"].notna()]
    order = {name: at for at, name in enumerate(dict.fromkeys(_in_order(judged, plates)))}
    rows: list[dict[str, Any]] = []
    for key, mine in judged.groupby(_KEY, sort=False):
        if len(mine) < FEWEST:
            continue
        found = theil_sen(
            np.array([order[name] for name in mine["plate"]], dtype=np.float64),
            mine["z"].to_numpy(float),
            np.array([segment[name] for name in mine["plate"]], dtype=np.int64),
        )
        if found is not None:
            numbers = {"slope": found.slope, "slope_low": found.low, "slope_high": found.high}
            rows.append(
                {**dict(zip(_KEY, key, strict=True)), **numbers, "n_plates": len(mine),
                 "p": found.p}
            )  # fmt: skip
    table = _adjusted(pd.DataFrame(rows, columns=TABLES["qc_drift"].names))
    findings = []
    for row in table[table["p_adjusted"] < ALPHA].to_dict("records"):
        way = "rises" if row["slope"] > 0 else "falls"
        message = (
            f"{series_name(row['analyte'], row['series'], row['level'])} {way} by "
            f"{abs(row['slope']):.2g} SD per plate (95 % {row['slope_low']:+.2g} to "
            f"{row['slope_high']:+.2g}) over {row['n_plates']} plates, "
            f"p = {row['p_adjusted']:.2g} after Holm"
        )
        findings.append(_finding("qc_drift", message, row))
    return table, findings


def step_table(
    frame: pd.DataFrame, plates: Sequence[ChartPlate]
) -> tuple[pd.DataFrame, list[QcFinding]]:
    """The ratio across each change of lot, new over old, of each series."""
    rows: list[dict[str, Any]] = []
    known = frame[frame["value"].notna()]
    for before, after in lot_changes(plates):
        old = {plate.name for plate in plates if plate.segment == before.segment}
        new = {plate.name for plate in plates if plate.segment == after.segment}
        for key, mine in known[known["plate"].isin(old | new)].groupby(_KEY, sort=False):
            logs = np.log(mine["value"].to_numpy(float))
            is_old = mine["plate"].isin(old).to_numpy(bool)
            found = lot_step(logs[is_old], logs[~is_old])
            rows.append(
                {
                    "lot_before": before.lot,
                    "lot_after": after.lot,
                    **dict(zip(_KEY, key, strict=True)),
                    "n_before": int(is_old.sum()),
                    "n_after": int((~is_old).sum()),
                    "ratio": found.ratio,
                    "ratio_low": found.low,
                    "ratio_high": found.high,
                    "p": found.p,
                    "reason": found.reason,
                }
            )
    table = _adjusted(pd.DataFrame(rows, columns=TABLES["qc_steps"].names))
    findings = []
    for row in table[table["p_adjusted"] < ALPHA].to_dict("records"):
        message = (
            f"{series_name(row['analyte'], row['series'], row['level'])}: new over old lot "
            f"{row['ratio']:.3g} (95 % {row['ratio_low']:.3g} to {row['ratio_high']:.3g}; "
            f"{row['n_after']} and {row['n_before']} plates), p = {row['p_adjusted']:.2g} after "
            f"Holm; {row['lot_before']} -> {row['lot_after']}"
        )
        findings.append(_finding("qc_lot_shift", message, row))
    return table, findings


def lot_changes(plates: Sequence[ChartPlate]) -> list[tuple[ChartPlate, ChartPlate]]:
    """Last plate of a named lot and first plate of the next named one."""
    return [
        (before, after)
        for before, after in pairwise(plates)
        if before.segment != after.segment and before.lot and after.lot
    ]


def _in_order(judged: pd.DataFrame, plates: Sequence[ChartPlate]) -> list[str]:
    names = set(judged["plate"])
    return [plate.name for plate in plates if plate.name in names]


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """Holm's method in two families: the controls of all analytes, and all that is no control."""
    table = table.astype(
        {name: "float64" for name in table.columns if name.startswith(("p", "ratio", "slope"))}
    )
    for _, rows in table.groupby(table["series"] == CONTROL, sort=False):
        table.loc[rows.index, "p_adjusted"] = adjust(rows["p"].to_numpy(float), "holm")
    return table


def _finding(code: str, message: str, row: Mapping[Any, Any]) -> QcFinding:
    return QcFinding(
        code, message, "", row["series"], row["level"], row["analyte"],
        severity=severity_of(code, row["series"]),
    )  # fmt: skip
