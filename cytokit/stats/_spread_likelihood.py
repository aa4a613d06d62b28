"""Likelihood of intervals under a normal linear model with one spread per arm, and its maximum.

Many problems at once: the profile of a difference is one call.

The likelihood may have several maxima: one arm's values near the line of fit with a small spread,
or the other's. But at a given ratio of the spreads it is a Tobit with known weights, which has one
maximum only (Burridge 1981, JRSS B 43:41). So it is maximised at several ratios first, and from
each of these on with both spreads free; the greatest of all is the maximum. The ratio lies within
``RATIO_BOUND`` either way: two or three values in range can be met exactly by the coefficients, the
spread about them would shrink to nothing and the likelihood grow without end (Hathaway 1985, Annals
of Statistics 13:795, bounds the ratio in mixtures for the same reason).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytokit.stats._arrays import Bools, Floats, Ints
from cytokit.stats._interval_likelihood import _LOG_SQRT_2PI, _density_ratio, _finite, _log_mass

#: no arm's spread is more than so many times the other's
RATIO_BOUND = 10.0
#: ln ratios of the spreads from which the maximum is looked for, both bounds among them
_RATIOS = np.linspace(-1.0, 1.0, 9) * float(np.log(RATIO_BOUND))
_STEPS = 60
_HALVINGS = 30
#: expected gain in log-likelihood at which the maximum is reached
_DECREMENT = 1e-11
#: ln of a spread moves no further in one step
_LONGEST = 0.7
#: least curvature that a step is divided by, and that counts as a maximum
_CURVED = 1e-6
#: expected gain at which a maximum at a held ratio is near enough to go on from, and by how much
#: its log-likelihood may then seem less than its neighbours'
_ROUGH, _SLACK = 1e-3, 1e-2
#: an ln ratio so near its bound stands at it
_AT_BOUND = 1e-9
#: log-likelihoods no further apart than this are the same
_SAME = 1e-9


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

    def take(self, rows: Bools | Ints) -> ArmData:
        """Some of the problems."""
        design = self.design if self.design.ndim == 2 else self.design[rows]
        return ArmData(self.lower[rows], self.upper[rows], self.exact[rows], design, self.treated)

    def repeat(self, times: int) -> ArmData:
        """Each problem so many times, one after the other."""
        return self.take(np.repeat(np.arange(len(self.lower)), times))


def maximise(data: ArmData, start: Floats) -> tuple[Floats, Floats, Bools]:
    """The greatest maximum of each problem among ratios of the spreads within the bound.

    Parameters
    ----------
    data : ArmData
    start : ndarray, shape (b, p + 2)
        Coefficients, ln spread of the treated and of the control arm. Where they begin makes no
        difference to what is found, only to how soon.

    Returns
    -------
    parameters : ndarray, shape (b, p + 2)
    value : ndarray, shape (b,)
    converged : ndarray of bool, shape (b,)
    """
    problems, ratios = len(start), len(_RATIOS)
    begin = np.repeat(start, ratios, axis=0)
    middle = begin[:, -2:].mean(axis=1, keepdims=True)
    apart = np.tile(_RATIOS, problems)[:, None] / 2
    begin[:, -2:] = middle + np.hstack((apart, -apart))
    several = data.repeat(ratios)
    held, value, _ = climb(several, begin, ratio_held=True, least_gain=_ROUGH)
    # a maximum in between shows at the ratio next to it
    value = value.reshape(problems, ratios)
    beside = np.pad(value, ((0, 0), (1, 1)), constant_values=-np.inf)
    peak = value >= np.maximum(beside[:, :-2], beside[:, 2:]) - _SLACK
    peak, of = peak.ravel(), np.repeat(np.arange(problems), ratios)
    at_bound = peak & np.isin(np.arange(peak.size) % ratios, (0, ratios - 1))
    free = climb(several.take(peak), held[peak], ratio_held=False)
    bound = climb(several.take(at_bound), held[at_bound], ratio_held=True)
    inside = np.abs(free[0][:, -2] - free[0][:, -1]) <= _RATIOS[-1]
    parameters = np.concatenate((free[0][inside], bound[0]))
    values = np.concatenate((free[1][inside], bound[1]))
    settled = np.concatenate((free[2][inside], bound[2]))
    problem = np.concatenate((of[peak][inside], of[at_bound]))
    return _greatest(parameters, values, settled, problem, start)


def at_bound(parameters: Floats) -> Bools:
    """Whether the spreads stand in the greatest ratio they may have."""
    ratio = np.abs(parameters[..., -2] - parameters[..., -1])
    return np.asarray(ratio >= _RATIOS[-1] - _AT_BOUND)


def _greatest(
    parameters: Floats, value: Floats, converged: Bools, of: Ints, start: Floats
) -> tuple[Floats, Floats, Bools]:
    """The greatest maximum of each problem; one that has not settled only where it is greater."""
    best = np.full(len(start), -np.inf)
    np.maximum.at(best, of, value)
    at, fine = start.copy(), np.zeros(len(start), dtype=bool)
    as_good = value >= best[of] - _SAME
    for rows in (as_good & ~converged, as_good & converged):
        at[of[rows]] = parameters[rows]
        fine[of[rows]] = converged[rows]
    return at, best, fine


def climb(
    data: ArmData, start: Floats, *, ratio_held: bool, least_gain: float = _DECREMENT
) -> tuple[Floats, Floats, Bools]:
    """Newton's method, turned uphill where the likelihood is not concave, with step halving.

    Parameters
    ----------
    data : ArmData
    start : ndarray, shape (b, p + 2)
    ratio_held : bool
        Whether both spreads move together, in the ratio that they start with.
    least_gain : float
        Expected gain in log-likelihood below which a maximum counts as reached.

    Returns
    -------
    parameters, value, converged
        As of :func:`maximise`.
    """
    at = start.copy()
    value = objective(data, at)
    ways = np.eye(at.shape[1])
    if ratio_held:
        ways = np.column_stack((ways[:, :-2], ways[:, -2] + ways[:, -1]))
    converged, left = np.zeros(len(at), dtype=bool), np.isfinite(value)
    for _ in range(_STEPS):
        open_ones = np.flatnonzero(left)
        if not open_ones.size:
            break
        mine, here = data.take(left), at[left]
        gradient, hessian = slopes(mine, here)
        step, gain, curved = _step(gradient @ ways, ways.T @ hessian @ ways)
        step = _not_too_long(step @ ways.T)
        done = gain < least_gain
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
    return step, gain, sizes[:, 0] > least[:, 0]


def _not_too_long(step: Floats) -> Floats:
    """Steps shortened to where no ln spread moves further than one may."""
    longest = np.maximum(np.abs(step[:, -2:]).max(axis=1), _LONGEST)
    return np.asarray(step * (_LONGEST / longest)[:, None], dtype=np.float64)


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
    """Log-likelihood of each problem."""
    low, high, log_spread = _standardised(data, parameters)
    value = -log_spread - 0.5 * np.where(data.exact, low, 0.0) ** 2 - _LOG_SQRT_2PI
    hidden = ~data.exact
    value[hidden] = _log_mass(low[hidden], high[hidden])
    return np.asarray(value.sum(axis=1))


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
