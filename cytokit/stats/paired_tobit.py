"""Two days of the same subjects, each value known or in an interval: the bivariate normal model.

Both days follow a linear model with a common covariance; a value out of range contributes the
probability of its interval given the other day. A Tobit on the changes would treat the limit as
independent of the change, which it is not: who starts low is below the limit more often.
Without values out of range it is the paired t test, or the two-sample t test of the changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytokit.stats.cells import Cells
from cytokit.stats.estimate import Estimate, failed, wald

Floats = NDArray[np.float64]

_LOG_2PI = float(np.log(2 * np.pi))
#: probabilities are not taken below this: rounding in the difference of four corner probabilities
_TINY = 1e-14


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Limits of both days (rows: subjects), and the design of both means."""

    lower: Floats
    upper: Floats
    design: Floats

    @property
    def exact(self) -> NDArray[np.bool_]:
        return np.asarray(self.lower == self.upper)


def paired_tobit(
    base: Cells, day: Cells, design: Floats, contrast: Floats, *, level: float = 0.95
) -> Estimate:
    """Change from baseline to day, with values out of range on either.

    Parameters
    ----------
    base, day : Cells
        Values of the same n subjects, all present.
    design : ndarray, shape (n, p)
        The design of the mean on each day: ones for one group; ones and treated for two.
    contrast : ndarray, shape (p,)
        Which combination of the changes is estimated.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Wald t with n - p degrees of freedom; the standard error carries the factor
        sqrt(n / (n - p)) that least squares has and maximum likelihood lacks.
    """
    from scipy.optimize import minimize

    method = "bivariate Tobit"
    n, p = design.shape
    if n <= p + 1:
        return failed(method, f"{n} pairs are too few for a model with values out of range")
    data = _Pairs(
        np.column_stack([base.lower, day.lower]), np.column_stack([base.upper, day.upper]), design
    )
    start = _start(data)
    fitted = minimize(_negative, start, args=(data,), method="BFGS", options={"gtol": 1e-5})
    information = _hessian(fitted.x, data)
    eigenvalues = np.linalg.eigvalsh(information)
    # BFGS ends "by precision loss" at a maximum where differences cannot be smaller: look there
    flat = np.abs(fitted.jac).max() < 1e-2
    if not np.isfinite(fitted.fun) or not flat or eigenvalues[0] <= 1e-8 * eigenvalues[-1]:
        return failed(method, "the model with values out of range has no maximum")
    weights = np.zeros(len(start))
    weights[:p], weights[p : 2 * p] = -contrast, contrast
    variance = float(weights @ np.linalg.solve(information, weights))
    se = float(np.sqrt(variance * n / (n - p)))
    return wald(method, float(weights @ fitted.x), se, n - p, level)


def _start(data: _Pairs) -> Floats:
    """Least squares with each interval replaced by its limit or middle."""
    low = np.where(np.isfinite(data.lower), data.lower, data.upper)
    high = np.where(np.isfinite(data.upper), data.upper, data.lower)
    middle = (low + high) / 2
    beta = np.linalg.lstsq(data.design, middle, rcond=None)[0]
    residuals = middle - data.design @ beta
    sd = np.maximum(residuals.std(axis=0), 0.05)
    correlation = float(np.clip(np.mean(residuals[:, 0] * residuals[:, 1]) / sd.prod(), -0.9, 0.9))
    return np.concatenate([beta.T.ravel(), np.log(sd), [np.arctanh(correlation)]])


def _negative(parameters: Floats, data: _Pairs) -> float:
    """Minus the log-likelihood."""
    p = data.design.shape[1]
    means = data.design @ parameters[: 2 * p].reshape(2, p).T
    sd = np.exp(np.clip(parameters[2 * p : 2 * p + 2], -20, 20))
    rho = float(np.tanh(np.clip(parameters[-1], -8, 8)))
    low, high = (data.lower - means) / sd, (data.upper - means) / sd
    exact = data.exact
    both, neither = exact.all(axis=1), ~exact.any(axis=1)
    total = -float((np.log(sd) * exact).sum())
    z = low[both]
    tail = 1 - rho**2
    quadratic = (z[:, 0] ** 2 - 2 * rho * z[:, 0] * z[:, 1] + z[:, 1] ** 2) / tail
    total += float(-0.5 * quadratic.sum() - both.sum() * (_LOG_2PI + 0.5 * np.log(tail)))
    for known, hidden in ((0, 1), (1, 0)):
        rows = exact[:, known] & ~exact[:, hidden]
        total += _one_hidden(low[rows], high[rows], known, hidden, rho)
    total += float(np.log(_rectangle(low[neither], high[neither], rho)).sum())
    return -total


def _one_hidden(low: Floats, high: Floats, known: int, hidden: int, rho: float) -> float:
    """Density of the known day times the probability of the other's interval given it."""
    from scipy.special import ndtr

    z = low[:, known]
    spread = np.sqrt(1 - rho**2)
    a, b = (low[:, hidden] - rho * z) / spread, (high[:, hidden] - rho * z) / spread
    # in the nearer tail, so that small probabilities keep their digits
    flip = a > 0
    mass = np.where(flip, ndtr(-a) - ndtr(-b), ndtr(b) - ndtr(a))
    density = -0.5 * (z**2 + _LOG_2PI)
    return float((density + np.log(np.maximum(mass, 1e-300))).sum())


def _rectangle(low: Floats, high: Floats, rho: float) -> Floats:
    """Probability of a rectangle under the standard bivariate normal law."""
    corners = (
        _bivariate(high[:, 0], high[:, 1], rho)
        - _bivariate(low[:, 0], high[:, 1], rho)
        - _bivariate(high[:, 0], low[:, 1], rho)
        + _bivariate(low[:, 0], low[:, 1], rho)
    )
    return np.maximum(corners, _TINY)


def _bivariate(h: Floats, k: Floats, rho: float) -> Floats:
    """P(X <= h, Y <= k) by Owen's T function (Owen 1956)."""
    from scipy.special import ndtr, owens_t

    # beyond 38 standard deviations the normal law is 0 or 1 in double precision
    h, k = np.clip(h, -38, 38), np.clip(k, -38, 38)
    h, k = np.where(h == 0, 1e-12, h), np.where(k == 0, 1e-12, k)
    spread = np.sqrt(1 - rho**2)
    first = owens_t(h, (k / h - rho) / spread)
    second = owens_t(k, (h / k - rho) / spread)
    opposite = np.where(h * k < 0, 0.5, 0.0)
    return np.asarray(0.5 * (ndtr(h) + ndtr(k)) - first - second - opposite)


def _hessian(parameters: Floats, data: _Pairs, step: float = 1e-3) -> Floats:
    """Second derivatives of minus the log-likelihood by central differences."""
    k = len(parameters)
    shifts = np.eye(k) * step
    value = np.empty((k, k))
    for i in range(k):
        for j in range(i, k):
            corners = [
                sign_i
                * sign_j
                * _negative(parameters + sign_i * shifts[i] + sign_j * shifts[j], data)
                for sign_i in (1, -1)
                for sign_j in (1, -1)
            ]
            value[i, j] = value[j, i] = sum(corners) / (4 * step**2)
    return value
