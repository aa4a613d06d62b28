"""The tables of a standard curve: its wells and its levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.curves.gather import AnalyteStandards
from cytokit.curves.model import Array
from cytokit.vocabulary import STANDARDS_COLUMNS

#: a well with less than this of its weight left is called down-weighted
DOWNWEIGHTED = 0.5


def standing_wells(y: Array, robust: Array) -> NDArray[np.bool_]:
    """Wells (n, R) that stand for their level: those not down-weighted, all where none is left.

    Examples
    --------
    >>> y = np.array([[900.0, 1000.0], [100.0, 500.0]])
    >>> standing_wells(y, np.array([[0.9, 1.0], [1.0, 0.1]])).tolist()
    [[True, True], [True, False]]
    """
    there = np.isfinite(y)
    firm = there & (robust >= DOWNWEIGHTED)
    return np.where(firm.any(1, keepdims=True), firm, there)


@dataclass(frozen=True, slots=True)
class JudgedWells:
    """Single standard and blank wells with what became of them, as arrays."""

    response: Array
    weight: Array
    robust: Array
    standing: NDArray[np.bool_]
    reason: list[str]


def judge_wells(
    one: AnalyteStandards, weight: Array, robust: Array, standing: NDArray[np.bool_]
) -> JudgedWells:
    """Weight of each well, and in words why it has little or none."""
    table = one.wells
    row, column = table["row"].to_numpy(), table["column"].to_numpy()
    reason = table["reason"].tolist()
    placed = (row >= 0) & np.array([text == "" for text in reason], dtype=bool)
    of_well = np.zeros(len(table))
    response = np.full(len(table), np.nan)
    response[placed] = one.y[row[placed], column[placed]]
    factor = np.full(len(table), np.nan)
    of_well[placed] = weight[row[placed], column[placed]]
    factor[placed] = robust[row[placed], column[placed]]
    stands = np.zeros(len(table), dtype=bool)
    stands[placed] = standing[row[placed], column[placed]]
    for well in np.flatnonzero(placed):
        if factor[well] < DOWNWEIGHTED:
            reason[well] = f"down-weighted to {factor[well]:.2f}: off the curve"
        elif of_well[well] == 0:
            reason[well] = "no point of this weight rule"
    return JudgedWells(response, of_well, factor, stands, reason)


def well_table(one: AnalyteStandards, wells: JudgedWells) -> pd.DataFrame:
    """Single standard and blank wells with their weights."""
    return pd.DataFrame(
        {
            "well": one.wells["well"],
            "level": one.wells["level"],
            "expected": one.wells["expected"],
            "mfi": one.wells["mfi"],
            "response": wells.response,
            "weight": wells.weight,
            "robust": wells.robust,
            "used": wells.weight > 0,
            "reason": pd.Series(wells.reason, dtype="str", index=one.wells.index),
        }
    )


def level_table(
    one: AnalyteStandards, wells: JudgedWells, back: Array, recovery: Array
) -> pd.DataFrame:
    """One row per level, columns ``STANDARDS_COLUMNS``; levels without a concentration last.

    Mean, CV and number of wells are those of the wells that stand for the level.
    """
    row = one.wells["row"].to_numpy()
    sample = one.wells["level"].to_numpy(dtype=object)
    names = one.wells["well"].tolist()
    mfi = one.wells["mfi"].to_numpy()
    groups = [
        (name, float(one.x[level]), back[level], recovery[level], np.flatnonzero(row == level))
        for level, name in enumerate(one.names)
    ]
    nothing = (float("nan"),) * 3
    groups += [
        (name, *nothing, np.flatnonzero((row < 0) & (sample == name)))
        for name in dict.fromkeys(sample[row < 0])
    ]
    rows = []
    for name, expected, found, percent, members in groups:
        values = mfi[members][wells.standing[members]]
        mean = values.mean() if len(values) else float("nan")
        reasons = {names[well]: wells.reason[well] for well in members if wells.reason[well]}
        rows.append(
            (
                one.plate_name,
                one.analyte,
                name,
                expected,
                len(values),
                mean,
                cv_pct(values),
                found,
                percent,
                bool((wells.weight[members] > 0).any()),
                float(wells.weight[members].sum()),
                _in_words(reasons, len(members)),
            )
        )
    frame = pd.DataFrame(rows, columns=list(STANDARDS_COLUMNS))
    texts = ["plate", "analyte", "level", "reason"]
    return frame.astype(dict.fromkeys(texts, "str"))


def _in_words(reasons: dict[str, str], n_wells: int) -> str:
    """The reasons of a level's wells: once where all share it, else well by well."""
    if len(reasons) == n_wells and len(set(reasons.values())) == 1:
        return next(iter(reasons.values()))
    return "; ".join(f"{well}: {reason}" for well, reason in reasons.items())


def cv_pct(values: NDArray[np.float64]) -> float:
    """Coefficient of variation in %; NaN for fewer than two values or a mean of 0.

    Examples
    --------
    >>> round(cv_pct(np.array([90.0, 110.0])), 3)
    14.142
    """
    if len(values) < 2 or values.mean() == 0:
        return float("nan")
    return float(100.0 * values.std(ddof=1) / abs(values.mean()))
