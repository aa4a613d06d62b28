"""Step-down maxT for arms that differ in size: signs are flipped, labels stay.

Permuting the labels mixes the arms: where they differ in size and spread, the statistic has another
law under most arrangements than under the labels as they are, even with a spread per arm. Flipping
the signs of what the model without the group leaves of each subject keeps every subject in its arm,
and with it the arms' spreads (the wild bootstrap with the null hypothesis imposed: Davidson and
Flachaire 2008, J Econometrics 146:162; step-down as Romano and Wolf 2005, Econometrica 73:1237).
All analytes of a subject get the same sign, which keeps their correlation. The family-wise errors
of both are in ``docs/statistics.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from cytokit.stats._arrays import Bools, Floats
from cytokit.stats._label_statistics import NO_VARIANCE, orthonormal, quotient
from cytokit.stats.arm_spreads import ArmForm, arm_form
from cytokit.stats.between import indicators
from cytokit.stats.estimate import LEAST_DF
from cytokit.stats.sign_flips import step_down


def arm_flip_max_t(
    values: Floats,
    treated: Bools,
    *,
    baseline: Floats | None = None,
    strata: NDArray[np.str_] | None = None,
    draws: int = 100_000,
    seed: int = 0,
) -> tuple[Floats, int | None]:
    """Adjusted p of the group in every analyte's analysis of covariance with a spread per arm.

    Parameters
    ----------
    values : ndarray, shape (n, m)
        One row per subject, one column per analyte; NaN where missing.
    treated : ndarray of bool, shape (n,)
    baseline : ndarray, shape (n, m), optional
        A subject without it counts as missing for that analyte.
    strata : ndarray of str, shape (n,), optional
        Adjusted for.
    draws : int
        Monte Carlo draws where there are more than a million sign patterns.
    seed : int
        Seed of the draws.

    Returns
    -------
    p_adjusted : ndarray, shape (m,)
        NaN where an analyte cannot be tested.
    seed : int or None
        None where all patterns were visited.

    Examples
    --------
    >>> values = np.array([[5.0, 1.0], [6.0, 2.5], [7.0, 2.0], [6.5, 1.2], [1.0, 1.5], [2.0, 3.0]])
    >>> p, seed = arm_flip_max_t(values, np.arange(6) < 4)
    >>> p.tolist(), seed
    ([0.0625, 0.59375], None)
    """
    n, m = values.shape
    columns = [
        _analyte(values[:, j], None if baseline is None else baseline[:, j], strata, treated)
        for j in range(m)
    ]
    tested = [j for j, column in enumerate(columns) if column is not None]
    adjusted = np.full(m, np.nan)
    if not tested:
        return adjusted, None

    def deviates(signs: Floats) -> Floats:
        return np.column_stack([one.deviates(signs) for one in columns if one is not None])

    adjusted[tested], used = step_down(deviates, n, draws=draws, seed=seed)
    return adjusted, used


@dataclass(frozen=True, slots=True)
class _Analyte:
    """One analyte's response under the null hypothesis, ready for signs.

    ``linear`` gives by one product with the signs the estimate, the coefficients along the basis
    and what of them comes from the treated; ``squared`` holds both arms' sums of squares, and
    ``leverage`` the treated arm's part of the basis' products.
    """

    linear: Floats
    squared: Floats
    leverage: Floats
    length: float
    df: int
    form: ArmForm | None

    def deviates(self, signs: Floats) -> Floats:
        """Size of the effect as a normal deviate, through its own degrees of freedom."""
        p = len(self.leverage)
        effect, along, of_treated = np.split(signs @ self.linear, [1, 1 + p], axis=1)
        effect = np.abs(effect[:, 0])
        total = np.maximum(self.squared.sum() - (along**2).sum(axis=1), 0.0)
        variance, df = total / self.df * self.length, np.full(len(signs), float(self.df))
        if self.form is not None:
            sum_t = self.squared[0] - 2 * (along * of_treated).sum(axis=1)
            sum_t += ((along @ self.leverage) * along).sum(axis=1)
            sum_t = np.clip(sum_t, 0.0, total)
            per_arm, its_df = self.form.of(np.column_stack([sum_t, total - sum_t]))
            usable = (per_arm > NO_VARIANCE) & (its_df >= LEAST_DF)
            variance, df = np.where(usable, per_arm, variance), np.where(usable, its_df, df)
        t = quotient(effect, variance, np.ones(len(signs), dtype=bool))
        return np.asarray(-ndtri(stdtr(df, -t)))


def _analyte(
    value: Floats, base: Floats | None, strata: NDArray[np.str_] | None, treated: Bools
) -> _Analyte | None:
    """The null model's residuals and the full model's algebra; None where there is no test."""
    here = np.isfinite(value) if base is None else np.isfinite(value) & np.isfinite(base)
    k = int(here.sum())
    if k < 3 or min((here & treated).sum(), (here & ~treated).sum()) < 2:
        return None
    covariates = [np.ones(k)] if base is None else [np.ones(k), base[here]]
    covariates += indicators(None if strata is None else strata[here], k)
    null = orthonormal(np.column_stack(covariates))
    arm = treated[here]
    group = arm - null @ (null.T @ arm)
    response = value[here] - null @ (null.T @ value[here])
    scale = np.sqrt(np.mean(response**2))
    df = k - null.shape[1] - 1
    if df < LEAST_DF or group @ group <= 1e-9 or scale <= 1e-12 * np.abs(value[here]).max():
        return None
    weights = group / (group @ group)
    basis = np.column_stack([null, group / np.sqrt(group @ group)])
    response = response / scale
    moved = basis * response[:, None]
    linear = np.zeros((len(value), 1 + 2 * basis.shape[1]))
    linear[here] = np.column_stack([weights * response, moved, moved * arm[:, None]])
    squared = np.array([response[one] @ response[one] for one in (arm, ~arm)])
    leverage = basis[arm].T @ basis[arm]
    form = arm_form(basis, weights, arm)
    return _Analyte(linear, squared, leverage, float(weights @ weights), df, form)
