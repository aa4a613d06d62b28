"""Two days of the same subjects, each value known or in an interval: the bivariate normal model.

Both days follow a linear model with a common covariance; a value out of range contributes the
probability of its interval given the other day. A Tobit on the changes would treat the limit as
independent of the change, which it is not: who starts low is below the limit more often. What is
inferred from it is in :mod:`cytokit.trial.paired`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from cytokit.arrays import Bools, Floats
from cytokit.trial.estimate import LEAST_DF, Estimate, failed, few_df, wald
from cytokit.trial.values import Cells

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
    """Parameters to start from: least squares on the limit or middle of each interval."""
    low = np.where(np.isfinite(data.lower), data.lower, data.upper)
    high = np.where(np.isfinite(data.upper), data.upper, data.lower)
    middle = (low + high) / 2
    beta = np.linalg.lstsq(data.design, middle, rcond=None)[0]
    residuals = middle - data.design @ beta
    sd = np.maximum(residuals.std(axis=0), 0.05)
    correlation = float(np.clip(np.mean(residuals[:, 0] * residuals[:, 1]) / sd.prod(), -0.9, 0.9))
    return np.concatenate([beta.T.ravel(), np.log(sd), [np.arctanh(correlation)]])


def minus_log_likelihood(parameters: Floats, data: Pairs) -> tuple[float, Floats]:
    """Minus the log-likelihood and its gradient."""
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


# The change from baseline where values are out of range, within an arm and between two.


METHOD = "bivariate Tobit"
NO_MAXIMUM = "the model with values out of range has no maximum"
NO_END = "the interval with values out of range has no end that could be found"
#: law of one arm: two means, two spreads, a correlation
_LEAST = 5
#: where the likelihood of an arm's change is computed, in standard errors about its maximum
_GRID = np.array([-8.0, -4.2, -2.6, -1.6, -0.8, 0.8, 1.6, 2.6, 4.2, 8.0])
#: parameters of an arm whose mean changes by a given amount: one mean in the place of two
_ONE_MEAN = np.vstack([np.eye(4)[0], np.eye(4)])
#: ends of the interval are looked for so many standard errors away
_FARTHEST = 40.0
#: the least loss of two arms is looked for on so many points, so many times
_POINTS, _ROUNDS = 41, 4
_FLAT = 1e-3
_STEP = 1e-4
_CURVED = 1e-8


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    """The likelihood of the mean change of one arm, everything else at its best."""

    best: float
    se: float
    n: int
    root: Callable[[Floats], Floats]

    def loss(self, change: Floats) -> Floats:
        """Twice the log-likelihood lost by changes of so much."""
        return np.asarray(self.root(change) ** 2, dtype=np.float64)


def change_within(base: Cells, day: Cells, *, level: float = 0.95) -> Estimate:
    """Mean change of one arm, with values out of range on either day."""
    found = profile(base, day)
    if isinstance(found, str):
        return failed(METHOD, found)
    return _tested(found.best, found.loss, found.se, found.n, found.n - 1, level)


def change_between(base: Cells, day: Cells, treated: Bools, *, level: float = 0.95) -> Estimate:
    """Difference of two arms' mean changes, with values out of range on either day."""
    arms = []
    for rows in (treated, ~treated):
        found = profile(base.take(rows), day.take(rows))
        if isinstance(found, str):
            return failed(METHOD, found)
        arms.append(found)
    first, second = arms
    se = math.hypot(first.se, second.se)

    def loss(differences: Floats) -> Floats:
        return np.array([_least(first, second, float(one)) for one in differences])

    n = len(treated)
    return _tested(first.best - second.best, loss, se, n, n - 2, level)


def _least(first: ChangeProfile, second: ChangeProfile, difference: float) -> float:
    """The least loss of both arms whose changes differ by so much.

    The second arm's change lies between its own best and what the first arm wants.
    """
    low, high = sorted((second.best, first.best - difference))
    for _ in range(_ROUNDS):
        changes = np.linspace(low, high, _POINTS)
        losses = first.loss(changes + difference) + second.loss(changes)
        at = int(losses.argmin())
        low, high = changes[max(at - 1, 0)], changes[min(at + 1, _POINTS - 1)]
    return float(losses.min())


def _root(best: float, changes: Floats, roots: Floats) -> Callable[[Floats], Floats]:
    """The curve through the points; beyond them the line through the last two goes on."""
    from scipy.interpolate import CubicSpline

    curve = CubicSpline(changes, roots)
    slopes = np.diff(roots)[[0, -1]] / np.diff(changes)[[0, -1]]

    def root(change: Floats) -> Floats:
        inside = np.clip(change, changes[0], changes[-1])
        outside = np.where(change < best, slopes[0], slopes[1]) * (change - inside)
        return np.asarray(curve(inside) + outside, dtype=np.float64)

    return root


def profile(base: Cells, day: Cells) -> ChangeProfile | str:
    """The likelihood of an arm's mean change; or why there is none."""
    from scipy.optimize import minimize

    n = len(base.lower)
    if n < _LEAST:
        return f"{n} pairs are too few for a model with values out of range"
    data = Pairs(
        np.column_stack([base.lower, day.lower]),
        np.column_stack([base.upper, day.upper]),
        np.ones((n, 1)),
    )
    fitted = minimize(minus_log_likelihood, start_at(data), args=(data,), jac=True, method="BFGS")
    information = _information(fitted.x, data)
    curved = np.linalg.eigvalsh(information)
    # BFGS may end "by precision loss" at a maximum, so the slope is looked at and not its word
    flat = float(np.abs(fitted.jac).max()) < _FLAT
    if not np.isfinite(fitted.fun) or not flat or curved[0] <= _CURVED * curved[-1]:
        return NO_MAXIMUM
    weights = np.array([-1.0, 1.0, 0.0, 0.0, 0.0])
    se = float(np.sqrt(weights @ np.linalg.solve(information, weights)))
    best = float(fitted.x[1] - fitted.x[0])
    covariance = np.linalg.inv(_ONE_MEAN.T @ information @ _ONE_MEAN)
    covariance = (covariance + covariance.T) / 2
    roots = np.empty(len(_GRID))
    for side in (_GRID < 0, _GRID > 0):
        order = np.argsort(np.abs(_GRID[side]))
        near = fitted.x[[0, 2, 3, 4]]
        for at in np.flatnonzero(side)[order]:
            value, near = _constrained(data, best + se * _GRID[at], near, covariance)
            roots[at] = np.sign(_GRID[at]) * math.sqrt(max(2 * (value - fitted.fun), 0.0))
    middle = int((_GRID < 0).sum())
    changes = np.insert(best + se * _GRID, middle, best)
    return ChangeProfile(best, se, n, _root(best, changes, np.insert(roots, middle, 0.0)))


def _tested(
    best: float, loss: Callable[[Floats], Floats], se: float, n: int, df: int, level: float
) -> Estimate:
    """The signed root of the likelihood ratio as t, and the interval of what it does not reject."""
    from scipy.optimize import brentq

    def t(change: float) -> float:
        size = math.sqrt(df * math.expm1(min(float(loss(np.array([change]))[0]) / n, 600.0)))
        return math.copysign(size, best - change)

    width = float(stdtrit(df, (1 + level) / 2))
    ends = []
    for side in (-1, 1):
        far = best + side * _FARTHEST * se
        if abs(t(far)) < width:
            return failed(METHOD, NO_END)
        ends.append(float(brentq(lambda at: abs(t(at)) - width, best, far, xtol=1e-9 * se)))
    at_zero = t(0.0)
    p = float(2 * stdtr(df, -abs(at_zero)))
    spread = (ends[1] - ends[0]) / (2 * width)
    return Estimate(METHOD, best, spread, df, at_zero, p, ends[0], ends[1])


def _constrained(
    data: Pairs, change: float, near: Floats, covariance: Floats
) -> tuple[float, Floats]:
    """Minus the log-likelihood where the mean changes by so much, and the parameters there."""
    from scipy.optimize import minimize

    shift = np.array([0.0, change])
    shifted = Pairs(data.lower - shift, data.upper - shift, data.design)

    def of_one_mean(parameters: Floats) -> tuple[float, Floats]:
        value, slope = minus_log_likelihood(_ONE_MEAN @ parameters, shifted)
        return value, slope @ _ONE_MEAN

    fitted = minimize(of_one_mean, near, jac=True, method="BFGS", options={"hess_inv0": covariance})
    return float(fitted.fun), np.asarray(fitted.x)


def _information(parameters: Floats, data: Pairs) -> Floats:
    """Second derivatives of minus the log-likelihood, by differences of its gradient."""
    rows = [
        (
            minus_log_likelihood(parameters + shift, data)[1]
            - minus_log_likelihood(parameters - shift, data)[1]
        )
        / (2 * _STEP)
        for shift in np.eye(len(parameters)) * _STEP
    ]
    matrix = np.array(rows)
    return np.asarray((matrix + matrix.T) / 2)


# One group from one day to another: the paired ratio of geometric means.


#: ln ratios are rounded to this many decimals before ranking, so that equal ratios stay equal
DECIMALS = 10
CONSTANT = "the change does not vary between subjects"


def paired_ratio(change: Floats, *, level: float = 0.95) -> Estimate:
    """Paired t test of ln day - ln baseline."""
    method = "paired t"
    n = len(change)
    if n < 2:
        return failed(method, f"{n} subject{'s' * (n != 1)} with both days, 2 are needed")
    if np.ptp(np.round(change, DECIMALS)) == 0:
        return failed(method, CONSTANT)
    if n - 1 < LEAST_DF:
        return failed(method, few_df(n - 1))
    se = float(change.std(ddof=1) / np.sqrt(n))
    return wald(method, float(change.mean()), se, n - 1, level)
