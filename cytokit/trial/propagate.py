"""The assay's uncertainty in a comparison: multiple imputation from the calibration intervals.

A measured value is the true one plus an error whose size its interval tells. Adding noise of that
size to the measured values would count the error twice, as they hold it already. So the true values
are drawn given the measured ones: per arm (baseline, day) is taken as bivariate normal, with the
mean error variance taken off its covariance, and the arm's mean is drawn too. Rubin's rules then
give back the variance of the plain analysis, and say which share of it is the assay's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytokit.arrays import Bools, Floats
from cytokit.trial.estimate import Estimate, Outcome, wald
from cytokit.trial.values import AnalyteData, Cells

IMPUTATIONS = 50


@dataclass(frozen=True, slots=True)
class Pooled:
    """Estimates of several imputations as one."""

    difference: float
    se: float
    df: float
    share: float


def rubin(estimates: Floats, variances: Floats, df_complete: float) -> Pooled:
    """Rubin's rules with Barnard and Rubin's (1999) degrees of freedom."""
    m = len(estimates)
    between = (1 + 1 / m) * float(estimates.var(ddof=1))
    total = float(variances.mean()) + between
    share = between / total
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
    df = 1 / (share**2 / (m - 1) + 1 / observed)
    return Pooled(float(estimates.mean()), float(np.sqrt(total)), df, share)


def propagated(
    data: AnalyteData,
    arms: NDArray[np.str_],
    outcome: Outcome,
    analyse: Callable[[AnalyteData], Estimate],
    *,
    seed: int,
    level: float,
) -> Outcome:
    """An outcome with the assay's uncertainty carried into it."""
    estimate = outcome.estimate
    if np.isnan(estimate.se):
        return outcome
    errors = [cells.sd[outcome.used] for cells in (data.base, data.day)]
    if all(np.isnan(sd).all() for sd in errors):
        note = ("not_propagated", "the values state no interval")
        return replace(outcome, notes=(*outcome.notes, note))
    rng = np.random.default_rng(seed)
    drawn = [analyse(imputed(data, arms, rng)) for _ in range(IMPUTATIONS)]
    kept = [one for one in drawn if not np.isnan(one.se)]
    if len(kept) < IMPUTATIONS:
        note = ("not_propagated", f"{IMPUTATIONS - len(kept)} of {IMPUTATIONS} imputations failed")
        return replace(outcome, notes=(*outcome.notes, note))
    differences = np.array([one.difference for one in kept])
    variances = np.array([one.se**2 for one in kept])
    pooled = rubin(differences, variances, float(np.mean([one.df for one in kept])))
    found = wald(estimate.method, pooled.difference, pooled.se, pooled.df, level)
    note = ("propagated", f"the assay adds {100 * pooled.share:.0f} % of the variance")
    return replace(outcome, estimate=found, assay_share=pooled.share, notes=(*outcome.notes, note))


def imputed(data: AnalyteData, arms: NDArray[np.str_], rng: np.random.Generator) -> AnalyteData:
    """True values drawn given the measured ones; values without an interval stay as they are."""
    values = np.column_stack([data.base.lower, data.day.lower])
    known = np.column_stack([_measured(data.base), _measured(data.day)])
    error = np.where(known, np.column_stack([data.base.sd, data.day.sd]), 0.0) ** 2
    drawn = values.copy()
    for arm in dict.fromkeys(arms.tolist()):
        member = arms == arm
        for pattern in ((True, True), (True, False), (False, True)):
            rows = member & (known == pattern).all(axis=1)
            columns = np.flatnonzero(pattern)
            if rows.sum() >= 3:
                block = np.ix_(rows, columns)
                drawn[block] = _true_values(values[block], error[block], rng)
    return AnalyteData(
        data.analyte,
        data.unit,
        data.subjects,
        _with_values(data.base, drawn[:, 0], known[:, 0]),
        _with_values(data.day, drawn[:, 1], known[:, 1]),
    )


def _measured(cells: Cells) -> Bools:
    """Where a number and its error are known."""
    return np.asarray(cells.exact & np.isfinite(cells.sd))


def _true_values(measured: Floats, error: Floats, rng: np.random.Generator) -> Floats:
    """Draws from the normal posterior of each subject's true values, the mean drawn as well."""
    n, k = measured.shape
    observed = np.atleast_2d(np.cov(measured, rowvar=False))
    spread, vectors = np.linalg.eigh(observed - np.diag(error.mean(axis=0)))
    # the errors may claim more spread than there is: then next to nothing is left for the subjects
    floor = 0.01 * float(np.trace(observed)) / k
    true = vectors @ np.diag(np.maximum(spread, floor)) @ vectors.T
    mean = rng.multivariate_normal(measured.mean(axis=0), observed / n, method="cholesky")
    gain = true @ np.linalg.inv(true + error[:, :, None] * np.eye(k))
    left = true - gain @ true
    sizes, directions = np.linalg.eigh((left + left.transpose(0, 2, 1)) / 2)
    noise = np.sqrt(np.maximum(sizes, 0.0)) * rng.standard_normal((n, k))
    centre = mean + np.einsum("nij,nj->ni", gain, measured - mean)
    return np.asarray(centre + np.einsum("nij,nj->ni", directions, noise))


def _with_values(cells: Cells, drawn: Floats, known: Bools) -> Cells:
    """The cells with drawn numbers where the error is known."""
    return Cells(
        np.where(known, drawn, cells.lower),
        np.where(known, drawn, cells.upper),
        cells.sd,
        cells.substituted,
    )
