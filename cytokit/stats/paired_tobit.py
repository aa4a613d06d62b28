"""Two days of the same subjects, each value known or in an interval: the bivariate normal model.

Both days follow a linear model with a common covariance; a value out of range contributes the
probability of its interval given the other day. A Tobit on the changes would treat the limit as
independent of the change, which it is not: who starts low is below the limit more often. What is
inferred from it is in :mod:`cytokit.stats.change_profile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cytokit.stats._arrays import Floats

_LOG_2PI = float(np.log(2 * np.pi))
#: probabilities are not taken below this: rounding in the difference of four corner probabilities
_TINY = 1e-14


#: log-likelihood, its slopes by the lower and the upper ends, its slope by the correlation
Term = tuple[float, Floats, Floats, float]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Limits of both days, shape (n, 2), and the design of both means, shape (n, p)."""

    lower: Floats
    upper: Floats
    design: Floats

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Where the value is a number."""
        return np.asarray(self.lower == self.upper)


def start_at(data: Pairs) -> Floats:
    """Parameters to start from: least squares with each interval replaced by its limit or middle.

    Parameters
    ----------
    data : Pairs

    Returns
    -------
    ndarray, shape (2p + 3,)
    """
    low = np.where(np.isfinite(data.lower), data.lower, data.upper)
    high = np.where(np.isfinite(data.upper), data.upper, data.lower)
    middle = (low + high) / 2
    beta = np.linalg.lstsq(data.design, middle, rcond=None)[0]
    residuals = middle - data.design @ beta
    sd = np.maximum(residuals.std(axis=0), 0.05)
    correlation = float(np.clip(np.mean(residuals[:, 0] * residuals[:, 1]) / sd.prod(), -0.9, 0.9))
    return np.concatenate([beta.T.ravel(), np.log(sd), [np.arctanh(correlation)]])


def minus_log_likelihood(parameters: Floats, data: Pairs) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient.

    Parameters
    ----------
    parameters : ndarray, shape (2p + 3,)
        Coefficients of the baseline and of the day, ln of both spreads, atanh of the correlation.
    data : Pairs

    Returns
    -------
    float, ndarray
    """
    p = data.design.shape[1]
    means = data.design @ parameters[: 2 * p].reshape(2, p).T
    sd = np.exp(np.clip(parameters[2 * p : 2 * p + 2], -20, 20))
    rho = float(np.tanh(np.clip(parameters[-1], -8, 8)))
    low, high = (data.lower - means) / sd, (data.upper - means) / sd
    exact = data.exact
    value = -float((np.log(sd) * exact).sum())
    # derivatives by both ends of each value's interval, and by the correlation
    by_low, by_high, by_rho = np.zeros_like(low), np.zeros_like(low), 0.0
    both, neither = exact.all(axis=1), ~exact.any(axis=1)
    patterns = [(both, _both_known), (neither, _both_hidden)]
    patterns += [
        (exact[:, known] & ~exact[:, 1 - known], partial(_one_hidden, known=known))
        for known in (0, 1)
    ]
    for rows, term in patterns:
        if rows.any():
            part, by_low[rows], by_high[rows], slope = term(low[rows], high[rows], rho)
            value, by_rho = value + part, by_rho + slope
    toward = -(by_low + by_high) / sd
    by_mean = (data.design.T @ toward).T.ravel()
    by_sd = -(by_low * _finite(low) + by_high * _finite(high)).sum(axis=0) - exact.sum(axis=0)
    gradient = np.concatenate([by_mean, by_sd, [by_rho * (1 - rho**2)]])
    return -value, -gradient


def _both_known(low: Floats, high: Floats, rho: float) -> Term:
    """Bivariate normal density; both ends are the value, so its slope stands at the lower one."""
    x, y = low.T
    tail = 1 - rho**2
    quadratic = (x**2 - 2 * rho * x * y + y**2) / tail
    value = float(-0.5 * quadratic.sum() - len(x) * (_LOG_2PI + 0.5 * np.log(tail)))
    slope = np.column_stack([rho * y - x, rho * x - y]) / tail
    by_rho = float((rho * (1 - quadratic) + x * y).sum() / tail)
    return value, slope, np.zeros_like(high), by_rho


def _one_hidden(low: Floats, high: Floats, rho: float, *, known: int) -> Term:
    """Density of the known day times the probability of the other's interval given it."""
    from scipy.special import ndtr

    hidden = 1 - known
    z = low[:, known]
    spread = np.sqrt(1 - rho**2)
    a, b = (low[:, hidden] - rho * z) / spread, (high[:, hidden] - rho * z) / spread
    # in the nearer tail, so that small probabilities keep their digits
    flip = a > 0
    mass = np.where(flip, ndtr(-a) - ndtr(-b), ndtr(b) - ndtr(a))
    mass = np.maximum(mass, 1e-300)
    value = float((np.log(mass) - 0.5 * (z**2 + _LOG_2PI)).sum())
    at_a, at_b = _density(a) / mass, _density(b) / mass
    by_low, by_high = np.zeros_like(low), np.zeros_like(high)
    by_low[:, hidden], by_high[:, hidden] = -at_a / spread, at_b / spread
    by_low[:, known] = -z - (at_b - at_a) * rho / spread
    # the limit a = (l - rho z) / sqrt(1 - rho^2) moves with rho by (rho a / sqrt - z) / sqrt
    turn = at_b * (rho * _finite(b) / spread - z) - at_a * (rho * _finite(a) / spread - z)
    return value, by_low, by_high, float((turn / spread).sum())


def _both_hidden(low: Floats, high: Floats, rho: float) -> Term:
    """Probability of a rectangle: four corners, each with its slopes."""
    corners = ((1, high, high), (-1, low, high), (-1, high, low), (1, low, low))
    mass = sum(sign * _bivariate(first[:, 0], second[:, 1], rho) for sign, first, second in corners)
    mass = np.maximum(np.asarray(mass), _TINY)
    by_low, by_high = np.zeros_like(low), np.zeros_like(high)
    by_rho = 0.0
    for sign, first, second in corners:
        h, k = first[:, 0], second[:, 1]
        slope_h, slope_k, slope_rho = _corner_slopes(h, k, rho)
        (by_low if first is low else by_high)[:, 0] += sign * slope_h / mass
        (by_low if second is low else by_high)[:, 1] += sign * slope_k / mass
        by_rho += float((sign * slope_rho / mass).sum())
    return float(np.log(mass).sum()), by_low, by_high, by_rho


def _corner_slopes(h: Floats, k: Floats, rho: float) -> tuple[Floats, Floats, Floats]:
    """Derivatives of P(X <= h, Y <= k) by h, k and the correlation (Plackett 1954)."""
    from scipy.special import ndtr

    spread = np.sqrt(1 - rho**2)
    x, y = np.clip(h, -38, 38), np.clip(k, -38, 38)
    by_h = _density(h) * ndtr((y - rho * x) / spread)
    by_k = _density(k) * ndtr((x - rho * y) / spread)
    both = np.isfinite(h) & np.isfinite(k)
    quadratic = (x**2 - 2 * rho * x * y + y**2) / (1 - rho**2)
    by_rho = np.where(both, np.exp(-0.5 * quadratic) / (2 * np.pi * spread), 0.0)
    return by_h, by_k, by_rho


def _density(x: Floats) -> Floats:
    """Standard normal density; 0 at infinity."""
    return np.asarray(np.exp(-0.5 * (x**2 + _LOG_2PI)))


def _finite(values: Floats) -> Floats:
    """0 in the place of infinity, where it is multiplied by a density of 0."""
    return np.where(np.isfinite(values), values, 0.0)


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
