"""Newton's method on the projected objective, for the curves Levenberg-Marquardt leaves over.

Curves without a plateau lie in long bent valleys where Gauss-Newton crawls. Here the Hessian is the
true one of the objective with a and s projected out; negative curvature is turned round, each
eigen-component is held to the trust radius, and bounds are an active set. Each step is followed by
a corrector with the same Hessian, which takes it back to the floor of a bent valley.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cytokit.curves.linear import Levels, Point, evaluate, solve3
from cytokit.curves.lm import Minimum
from cytokit.curves.model import Array
from cytokit.curves.sums import never_alone

Mask = npt.NDArray[np.bool_]
FIRST_RADIUS = 1.0
LARGEST_RADIUS = 8.0
SMALLEST_RADIUS = 1e-9
#: Steps after which a curve is taken to lie in a bent valley.
PATIENCE = 6
#: the packed form as a matrix
SQUARE = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])


def newton(levels: Levels, theta: Array, *, max_iterations: int, tolerance: float) -> Minimum:
    """Minimise from theta (3, N).

    Parameters
    ----------
    levels : Levels
    theta : ndarray, shape (3, N)
    max_iterations : int
    tolerance : float
        Relative decrease of the objective that counts as none.

    Returns
    -------
    Minimum
    """
    result = Minimum.empty(levels.n_curves)
    if levels.n_curves == 0:
        return result
    active = never_alone(np.arange(levels.n_curves))
    if active.size > levels.n_curves:
        levels, theta = levels.take(active), theta.take(active, axis=1)
    radius = np.full(active.size, FIRST_RADIUS)
    point = evaluate(levels, levels.inside(theta))
    for iteration in range(1, max_iterations + 1):
        downhill, hessian = point.downhill, point.hessian[SQUARE]
        step, length, predicted = _bounded_step(levels, point.theta, downhill, hessian, radius)
        new = evaluate(levels, levels.inside(point.theta + step))
        if iteration > PATIENCE:
            new = _back_to_the_floor(levels, new, hessian, radius)
        accepted = new.objective <= point.objective
        decrease = point.objective - new.objective
        target = tolerance * point.objective + levels.floor
        converged = (predicted <= 1e-2 * target) | (
            accepted & (decrease <= 1e-3 * target) & (predicted <= target)
        )
        collapsed = radius < SMALLEST_RADIUS
        # with no room left to step in, what remains is rounding if little was promised
        converged |= collapsed & (predicted <= 1e3 * target)
        point = point.replace_where(accepted, new)
        grown = np.where(length >= radius, np.minimum(radius * 2.0, LARGEST_RADIUS), radius)
        radius = np.where(accepted, grown, 0.25 * np.minimum(length, radius))
        leaving = converged | collapsed if iteration < max_iterations else np.ones_like(converged)
        if not leaving.any():
            continue
        out = np.flatnonzero(leaving)
        result.put(active[out], Minimum.at(point.take(out), converged[out], iteration))
        stay = never_alone(np.flatnonzero(~leaving))
        if stay.size == 0:
            break
        active, radius = active[stay], radius[stay]
        levels, point = levels.take(stay), point.take(stay)
    return result


def _back_to_the_floor(levels: Levels, new: Point, hessian: Array, radius: Array) -> Point:
    """A second step with the same Hessian, where it helps: a bent valley leaves a straight step."""
    downhill = new.downhill
    fixed = (new.theta <= levels.low) | (new.theta >= levels.high)
    step, _, _ = _held_step(*_reduce(downhill, hessian, fixed), radius)
    again = evaluate(levels, levels.inside(new.theta + step))
    return new.replace_where(again.objective < new.objective, again)


def _bounded_step(
    levels: Levels, theta: Array, downhill: Array, hessian: Array, radius: Array
) -> tuple[Array, Array, Array]:
    """The trust-region step inside the box, its free length and the decrease it promises."""
    frozen = ((theta <= levels.low) & (downhill <= 0)) | ((theta >= levels.high) & (downhill >= 0))
    step, length, predicted = _held_step(*_reduce(downhill, hessian, frozen), radius)
    for _ in range(2):  # coordinates that would cross a bound stop on it, the others solve again
        below, above = theta + step < levels.low, theta + step > levels.high
        crossing = (below | above) & ~frozen
        if not crossing.any():
            break
        fixed = below | above | frozen
        stop = np.where(below, levels.low - theta, levels.high - theta)
        given = np.where(fixed & ~frozen, stop, 0.0)
        pulled = downhill - np.stack(
            [sum(hessian[i][j] * given[j] for j in range(3)) for i in range(3)]
        )
        again, _, _ = _held_step(*_reduce(pulled, hessian, fixed), radius)
        changed = crossing.any(axis=0)
        step = np.where(changed, np.where(fixed, given, again), step)
    return step, length, predicted


def _reduce(downhill: Array, hessian: Array, fixed: Mask) -> tuple[Array, Array]:
    """The system without the fixed coordinates."""
    either = fixed[:, None, :] | fixed[None, :, :]
    reduced = np.where(either, np.eye(3)[:, :, None], hessian)
    return np.where(fixed, 0.0, downhill), np.where(np.isfinite(reduced), reduced, 0.0)


def _held_step(downhill: Array, hessian: Array, radius: Array) -> tuple[Array, Array, Array]:
    """Newton step held to the radius, its full length and the decrease it promises."""
    rows, columns = np.triu_indices(3)
    step = solve3(hessian[rows, columns], downhill)
    usable = np.isfinite(step).all(axis=0)  # NaN unless the Hessian is positive definite
    step[:, ~usable] = 0.0
    length = np.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
    predicted = downhill[0] * step[0] + downhill[1] * step[1] + downhill[2] * step[2]
    rest = np.flatnonzero(~usable | (length > radius))
    if rest.size:
        step[:, rest], length[rest], predicted[rest] = _eigen_step(
            downhill.take(rest, axis=1), hessian.take(rest, axis=2), radius[rest]
        )
    return step, length, predicted


def _eigen_step(downhill: Array, hessian: Array, radius: Array) -> tuple[Array, Array, Array]:
    """The same in eigen-coordinates, each held to the radius, curvature taken as positive."""
    values, vectors = np.linalg.eigh(hessian.transpose(2, 0, 1))
    curvature = np.abs(values)
    curvature = np.maximum(curvature, 1e-12 * curvature.max(axis=1, keepdims=True) + 1e-280)
    slope = sum(vectors[:, i, :] * downhill[i][:, None] for i in range(3))
    with np.errstate(over="ignore"):  # a flat direction: the radius cuts the step
        wanted = np.clip(slope / curvature, -1e100, 1e100)
        predicted = np.minimum(np.abs(wanted * slope), 1e200).sum(axis=1)
    length = np.sqrt((wanted * wanted).sum(axis=1))
    held = np.clip(wanted, -radius[:, None], radius[:, None])
    step = np.stack([(vectors[:, i, :] * held).sum(axis=1) for i in range(3)])
    return step, length, predicted
