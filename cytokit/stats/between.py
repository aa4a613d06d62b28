"""Groups compared at one day: ANCOVA with strata, Welch, and the difference in change.

All on ln concentration, treated minus control. With two days the ANCOVA's estimate equals that of
the constrained longitudinal model, and it is the most powerful of the analyses offered (Vickers
2001, BMC Med Res Methodol 1:6; EMA guideline on adjustment for baseline covariates, 2015).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cytokit.stats import _pingouin
from cytokit.stats.arm_spreads import variance_per_arm
from cytokit.stats.estimate import LEAST_DF, Estimate, failed, few_df, wald

Floats = NDArray[np.float64]
ANCOVA, ANCOVA_PER_ARM = "ANCOVA", "ANCOVA (spread per arm)"
#: what Welch's test becomes where there are strata
LINEAR, LINEAR_PER_ARM = "linear model with strata", "linear model with strata (spread per arm)"
Spread = Literal["common", "separate"]
CONSTANT = "the values do not vary"
CONSTANT_WITHIN = "the values do not vary within the groups"
COLLINEAR = "the groups cannot be told apart from baseline or stratum"
#: residual variation below this share of the total is rounding, not data
_NOTHING_LEFT = 1e-18


def ancova(
    day: Floats,
    covariates: Floats,
    treated: NDArray[np.bool_],
    *,
    level: float = 0.95,
    strata: NDArray[np.str_] | None = None,
    spread: Spread = "common",
) -> Estimate:
    """Analysis of covariance: ln day on covariates, strata and group.

    Parameters
    ----------
    day : ndarray, shape (n,)
        ln concentration at the tested day.
    covariates : ndarray, shape (n, k)
        ln concentration at baseline, and what else is to be adjusted for; without columns it is
        the linear model of group and strata, with a spread per arm and without strata Welch's.
    treated : ndarray of bool, shape (n,)
        True for the treated arm.
    level : float
        Confidence level.
    strata : ndarray of str, shape (n,), optional
        Randomisation strata, entered as indicators.
    spread : {"common", "separate"}
        One residual spread, or one per arm (:mod:`cytokit.stats.arm_spreads`): the same estimate
        with another standard error.

    Returns
    -------
    Estimate
        The group's coefficient; t with n minus the number of columns degrees of freedom, or with
        Satterthwaite's.

    Examples
    --------
    >>> base = np.array([1.0, 2.0, 3.0, 1.5, 2.5, 3.5])
    >>> treated = np.array([True, True, True, False, False, False])
    >>> day = base - 0.5 * treated + np.array([0.1, -0.1, 0.0, 0.1, 0.0, -0.1])
    >>> round(ancova(day, base[:, None], treated).difference, 2)
    -0.54
    """
    one, per_arm = (ANCOVA, ANCOVA_PER_ARM) if covariates.shape[1] else (LINEAR, LINEAR_PER_ARM)
    method = one if spread == "common" else per_arm
    columns = [np.ones(len(day)), *covariates.T, *indicators(strata, len(day)), treated]
    X = np.column_stack(columns).astype(float)
    n, k = X.shape
    if n <= k:
        return failed(method, f"{n} subjects are too few for {k} coefficients")
    if np.linalg.matrix_rank(X) < k:
        return failed(method, COLLINEAR)
    Q, R = np.linalg.qr(X)
    beta = np.linalg.solve(R, Q.T @ day)
    residuals = day - X @ beta
    rss = float(residuals @ residuals)
    if rss <= _NOTHING_LEFT * max(float(day @ day), 1.0):
        return failed(method, CONSTANT_WITHIN if np.ptp(day) > 0 else CONSTANT)
    row = np.linalg.solve(R.T, np.eye(k)[-1])
    variance, df = rss / (n - k) * float(row @ row), float(n - k)
    if spread == "separate":
        variance, df = variance_per_arm(Q, Q @ row, residuals, np.asarray(treated, dtype=bool))
        if not (variance > 0 and df > 0):
            return failed(method, "too few values for a spread per arm")
    if df < LEAST_DF:
        return failed(method, few_df(df))
    return wald(method, float(beta[-1]), float(np.sqrt(variance)), df, level)


def ancova_residuals(day: Floats, covariates: Floats, treated: NDArray[np.bool_]) -> Floats:
    """Residuals of the analysis of covariance, for a look at their distribution.

    Parameters
    ----------
    day, covariates, treated : ndarray
        As in :func:`ancova`.

    Returns
    -------
    ndarray, shape (n,)
    """
    X = np.column_stack([np.ones(len(day)), *covariates.T, treated]).astype(float)
    return np.asarray(day - X @ np.linalg.lstsq(X, day, rcond=None)[0])


def welch(
    treated: Floats, control: Floats, *, level: float = 0.95, method: str = "Welch"
) -> Estimate:
    """Welch's unequal-variance t test of two samples of ln concentrations (or ln changes).

    Parameters
    ----------
    treated, control : ndarray, shapes (n,), (m,)
    level : float
        Confidence level.
    method : str
        The name the estimate carries.

    Returns
    -------
    Estimate
        Mean of treated minus mean of control; Welch-Satterthwaite df.

    Examples
    --------
    >>> welch(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0])).df.__round__(2)
    3.45
    """
    if min(len(treated), len(control)) < 2:
        return failed(method, "fewer than 2 subjects in a group")
    variance = treated.var(ddof=1) / len(treated) + control.var(ddof=1) / len(control)
    size = max(float(np.mean(treated**2) + np.mean(control**2)), 1.0)
    if variance <= _NOTHING_LEFT * size:
        constant = np.ptp(np.concatenate([treated, control])) == 0
        return failed(method, CONSTANT if constant else CONSTANT_WITHIN)
    difference = float(treated.mean() - control.mean())
    _, df, p = _pingouin.welch(treated, control)
    if df < LEAST_DF:
        return failed(method, few_df(df))
    return wald(method, difference, float(np.sqrt(variance)), df, level, p)


def indicators(strata: NDArray[np.str_] | None, n: int) -> list[Floats]:
    """One column per stratum but the first; strata nobody is in give none."""
    if strata is None:
        return []
    levels = sorted(set(strata.tolist()))
    return [np.asarray(strata == level, dtype=float).reshape(n) for level in levels[1:]]
