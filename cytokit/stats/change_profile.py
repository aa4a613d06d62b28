"""The change from baseline where values are out of range, within an arm and between two.

Each arm has its own bivariate normal law of both days (:mod:`cytokit.stats.paired_tobit`). The test
is the likelihood ratio's, on the scale of t; where nothing is hidden the one within an arm is the
paired t test. Wald's test with one law for both arms has a type I error of .08 to .29 here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from cytokit.stats.cells import Bools, Cells, Floats
from cytokit.stats.estimate import Estimate, failed
from cytokit.stats.paired_tobit import Pairs, minus_log_likelihood, start_at

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
    """The likelihood of the mean change of one arm, everything else at its best.

    Parameters
    ----------
    best, se : float
        The change at the maximum, and Wald's standard error as a measure of distance.
    n : int
        Pairs.
    root : callable
        Changes to the signed root of twice the loss of log-likelihood, which is close to a
        straight line.
    """

    best: float
    se: float
    n: int
    root: Callable[[Floats], Floats]

    def loss(self, change: Floats) -> Floats:
        """Twice the log-likelihood lost by changes of so much."""
        return np.asarray(self.root(change) ** 2, dtype=np.float64)


def change_within(base: Cells, day: Cells, *, level: float = 0.95) -> Estimate:
    """Mean change of one arm, with values out of range on either day.

    Parameters
    ----------
    base, day : Cells
        Values of the same n subjects, all present.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        t with n - 1 degrees of freedom; the standard error is the interval's width in its units.
    """
    found = profile(base, day)
    if isinstance(found, str):
        return failed(METHOD, found)
    return _tested(found.best, found.loss, found.se, found.n, found.n - 1, level)


def change_between(base: Cells, day: Cells, treated: Bools, *, level: float = 0.95) -> Estimate:
    """Difference of two arms' mean changes, with values out of range on either day.

    Parameters
    ----------
    base, day : Cells
        Values of the same n subjects, all present.
    treated : ndarray of bool, shape (n,)
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Treated minus control; t with n - 2 degrees of freedom.
    """
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
    """The likelihood of an arm's mean change; or why there is none.

    Parameters
    ----------
    base, day : Cells
        Values of the same n subjects, all present.

    Returns
    -------
    ChangeProfile or str
    """
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
