"""Likelihood of intervals under a normal linear model with one spread per arm, and its maximum.

Many problems at once: the profile of a difference is one call. The ln ratio of the spreads is held
by a weak normal law about 0, as with three values in range in an arm its spread could shrink to
nothing about them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytokit.stats._arrays import Bools, Floats
from cytokit.stats._interval_likelihood import _LOG_SQRT_2PI, _density_ratio, _finite, _log_mass

#: standard deviation of the ln ratio of spreads: 95 % within a factor of 50
RATIO_SD = 2.0
_STEPS = 60
_HALVINGS = 30
#: expected gain in log-likelihood at which the maximum is reached
_DECREMENT = 1e-11
#: ln of a spread moves no further in one step
_LONGEST = 0.7
#: least curvature that a step is divided by, and that counts as a maximum
_CURVED = 1e-6


@dataclass(frozen=True, slots=True)
class ArmData:
    """Responses as intervals with their design, for b problems of n values.

    Parameters
    ----------
    lower, upper : ndarray, shape (b, n)
        Limits; infinite where open.
    exact : ndarray of bool, shape (b, n)
    design : ndarray, shape (n, p) or (b, n, p)
    treated : ndarray of bool, shape (n,)
    """

    lower: Floats
    upper: Floats
    exact: Bools
    design: Floats
    treated: Bools

    def take(self, rows: Bools) -> ArmData:
        """Some of the problems."""
        design = self.design if self.design.ndim == 2 else self.design[rows]
        return ArmData(self.lower[rows], self.upper[rows], self.exact[rows], design, self.treated)


def maximise(data: ArmData, start: Floats) -> tuple[Floats, Floats, Bools]:
    """Newton's method, turned uphill where the likelihood is not concave, with step halving.

    Parameters
    ----------
    data : ArmData
    start : ndarray, shape (b, p + 2)
        Coefficients, ln spread of the treated and of the control arm.

    Returns
    -------
    parameters : ndarray, shape (b, p + 2)
    value : ndarray, shape (b,)
    converged : ndarray of bool, shape (b,)
    """
    at = start.copy()
    value = objective(data, at)
    converged, left = np.zeros(len(at), dtype=bool), np.isfinite(value)
    for _ in range(_STEPS):
        open_ones = np.flatnonzero(left)
        if not open_ones.size:
            break
        mine, here = data.take(left), at[left]
        step, gain, curved = _step(*slopes(mine, here))
        done = gain < _DECREMENT
        reached, moved = _uphill(mine, here, value[left], step)
        at[open_ones[moved]] = here[moved] + step[moved]
        value[open_ones[moved]] = reached[moved]
        converged[open_ones[done]] = curved[done]
        left[open_ones[done | ~moved]] = False
    return at, value, converged


def _step(gradient: Floats, hessian: Floats) -> tuple[Floats, Floats, Bools]:
    """Newton's step on the absolute curvature, the gain it promises, whether it is at a maximum."""
    sizes, vectors = np.linalg.eigh(-hessian)
    least = _CURVED * np.maximum(np.abs(sizes).max(axis=1, keepdims=True), 1.0)
    along = np.einsum("bij,bi->bj", vectors, gradient) / np.maximum(np.abs(sizes), least)
    step = np.einsum("bij,bj->bi", vectors, along)
    gain = np.einsum("bi,bi->b", gradient, step)
    longest = np.maximum(np.abs(step[:, -2:]).max(axis=1), _LONGEST)
    return step * (_LONGEST / longest)[:, None], gain, sizes[:, 0] > least[:, 0]


def _uphill(data: ArmData, at: Floats, value: Floats, step: Floats) -> tuple[Floats, Bools]:
    """Halve the steps, in place, until none goes downhill; values there, and which ones moved."""
    reached = objective(data, at + step)
    # the slack lets the last steps pass whose gain is below rounding
    least = value - 1e-13 * (1 + np.abs(value))
    moved = reached >= least
    for _ in range(_HALVINGS):
        if moved.all():
            break
        stuck = ~moved
        step[stuck] /= 2
        reached[stuck] = objective(data.take(stuck), at[stuck] + step[stuck])
        moved = reached >= least
    return reached, np.asarray(moved)


def objective(data: ArmData, parameters: Floats) -> Floats:
    """Log-likelihood of each problem, with the term that holds the spreads together."""
    low, high, log_spread = _standardised(data, parameters)
    value = -log_spread - 0.5 * np.where(data.exact, low, 0.0) ** 2 - _LOG_SQRT_2PI
    hidden = ~data.exact
    value[hidden] = _log_mass(low[hidden], high[hidden])
    ratio = parameters[:, -2] - parameters[:, -1]
    return np.asarray(value.sum(axis=1) - ratio**2 / (2 * RATIO_SD**2))


def slopes(data: ArmData, parameters: Floats) -> tuple[Floats, Floats]:
    """Gradient (b, p + 2) and Hessian (b, p + 2, p + 2) of :func:`objective`."""
    low, high, log_spread = _standardised(data, parameters)
    by_mean, by_spread, bend, cross, bend_spread = _value_slopes(data.exact, low, high)
    shrink = np.exp(-log_spread)
    design = np.broadcast_to(data.design, (*low.shape, data.design.shape[-1]))
    arms = np.column_stack((data.treated, ~data.treated)).astype(float)
    gradient = np.concatenate(
        (np.einsum("bnp,bn->bp", design, by_mean * shrink), by_spread @ arms), axis=1
    )
    size, p = gradient.shape[1], design.shape[2]
    hessian = np.empty((len(low), size, size))
    weighted = design * (bend * shrink**2)[:, :, None]
    hessian[:, :p, :p] = np.swapaxes(weighted, 1, 2) @ design
    hessian[:, :p, p:] = np.swapaxes(design * (cross * shrink)[:, :, None], 1, 2) @ arms
    hessian[:, p:, :p] = np.swapaxes(hessian[:, :p, p:], 1, 2)
    hessian[:, p:, p:] = (bend_spread @ arms)[:, :, None] * np.eye(2)
    difference = np.array([1.0, -1.0])
    gradient[:, p:] -= (parameters[:, p:] @ difference)[:, None] * difference / RATIO_SD**2
    hessian[:, p:, p:] -= np.outer(difference, difference) / RATIO_SD**2
    return gradient, hessian


def _standardised(data: ArmData, parameters: Floats) -> tuple[Floats, Floats, Floats]:
    """Both limits as standard normal deviates, and ln of the spread of each value's arm."""
    centre = (data.design @ parameters[:, :-2, None])[:, :, 0]
    log_spread = np.where(data.treated, parameters[:, -2:-1], parameters[:, -1:])
    shrink = np.exp(-log_spread)
    return (data.lower - centre) * shrink, (data.upper - centre) * shrink, log_spread


def _value_slopes(exact: Bools, low: Floats, high: Floats) -> tuple[Floats, ...]:
    """Derivatives of each value's term by its mean (times the spread) and by ln spread.

    First by the mean and by ln spread, then second: mean twice, mean and ln spread, ln spread
    twice.
    """
    hidden = ~exact
    a, b = low[hidden], high[hidden]
    mass = _log_mass(a, b)
    at_a, at_b = _density_ratio(a, mass), _density_ratio(b, mass)
    a, b = _finite(a), _finite(b)
    moments = [at_a * a**k - at_b * b**k for k in range(4)]
    found = [low, low**2 - 1, np.full_like(low, -1.0), -2 * low, -2 * low**2]
    mean, spread, square, cube = moments
    of_hidden = (
        mean,
        spread,
        spread - mean**2,
        square - mean * spread - mean,
        cube - spread - spread**2,
    )
    return tuple(_put(one, hidden, other) for one, other in zip(found, of_hidden, strict=True))


def _put(values: Floats, where: Bools, others: Floats) -> Floats:
    """A copy of the values with others in some places."""
    copy = values.copy()
    copy[where] = others
    return copy
