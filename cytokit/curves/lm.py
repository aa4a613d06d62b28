"""Levenberg-Marquardt on the projected problem, all curves of a batch in step.

Far from the optimum with the Gauss-Newton matrix, near it with the true second derivatives: these
end in two or three steps what Gauss-Newton takes ten for, as the levels leave the asymmetry loose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cytokit.curves.linear import DIAGONAL, TINY, Levels, Point, evaluate, solve3
from cytokit.curves.model import Array
from cytokit.curves.sums import dot, never_alone

Mask = npt.NDArray[np.bool_]
LONGEST_STEP = 0.7
FIRST_DAMPING = 1e-2
#: factors on the damping: after a step refused, one taken, and one taken after one refused
REFUSED, TAKEN, TAKEN_AGAIN = 5.0, 0.15, 0.5
LEAST_DAMPING, MOST_DAMPING = 1e-12, 1e12
#: share of the largest diagonal element that every coordinate's damping is measured by at least
EVEN = 0.03
#: share of the objective that the last step promised to take away, below which the optimum is near
NEAR = 0.1
#: damping above which a small step proves nothing, and below which a true Newton step is whole
TRUSTED_DAMPING, WHOLE_DAMPING = 1e-5, 1e-7
#: a whole Newton step that promises this many times the tolerance leaves its square: nothing
QUADRATIC = 100.0
#: times the rounding of the objective, below which a fit is exact
EXACT = 1e6


@dataclass(slots=True)
class Minimum:
    """Where a search ended: theta (3, N); s, shape_mean, objective, converged, iterations (N,)."""

    theta: Array
    s: Array
    shape_mean: Array
    objective: Array
    converged: Mask
    iterations: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, n_curves: int) -> Minimum:
        """Nothing found yet."""
        return cls(
            np.full((3, n_curves), np.nan),
            np.zeros(n_curves),
            np.zeros(n_curves),
            np.full(n_curves, np.inf),
            np.zeros(n_curves, dtype=bool),
            np.zeros(n_curves, dtype=np.int64),
        )

    @classmethod
    def at(cls, point: Point, converged: Mask, iterations: int) -> Minimum:
        """Ends after as many iterations."""
        counts = np.full(converged.size, iterations, dtype=np.int64)
        return cls(point.theta, point.s, point.shape_mean, point.objective, converged, counts)

    def put(self, index: npt.NDArray[np.int64], other: Minimum) -> None:
        """Store another search's ends at these curves, adding up the iterations."""
        self.theta[:, index] = other.theta
        self.s[index] = other.s
        self.shape_mean[index] = other.shape_mean
        self.objective[index] = other.objective
        self.converged[index] = other.converged
        self.iterations[index] += other.iterations

    def take(self, index: npt.NDArray[np.int64]) -> Minimum:
        """Some of the curves."""
        return Minimum(
            self.theta.take(index, axis=1),
            self.s[index],
            self.shape_mean[index],
            self.objective[index],
            self.converged[index],
            self.iterations[index],
        )


def levenberg_marquardt(
    levels: Levels, theta: Array, *, max_iterations: int, tolerance: float
) -> Minimum:
    """Minimise from theta (3, N); a curve leaves the batch as soon as it is done.

    Parameters
    ----------
    levels : Levels
    theta : ndarray, shape (3, N)
        Starts; moved into the box.
    max_iterations : int
    tolerance : float
        Relative decrease of the objective that counts as none.

    Returns
    -------
    Minimum
        `converged` only where the last step was uncut and all but undamped.
    """
    result = Minimum.empty(levels.n_curves)
    if levels.n_curves == 0:
        return result
    active = never_alone(np.arange(levels.n_curves))
    if active.size > levels.n_curves:
        levels, theta = levels.take(active), theta.take(active, axis=1)
    pace = Pace.first(active.size)
    point = evaluate(levels, levels.inside(theta))
    for iteration in range(1, max_iterations + 1):
        step = _step(levels, point, pace)
        new = evaluate(levels, levels.inside(point.theta + step.move))
        accepted = new.objective <= point.objective
        converged = _nothing_left(levels, point, new, step, pace, tolerance)
        leaving = converged | (~accepted & (pace.damping > 1e8))
        point = point.replace_where(accepted, new)
        pace.follow(accepted, step.promised)
        if iteration == max_iterations:
            leaving[:] = True
        elif not leaving.any():
            continue
        out = np.flatnonzero(leaving)
        result.put(active[out], Minimum.at(point.take(out), converged[out], iteration))
        stay = never_alone(np.flatnonzero(~leaving))
        if stay.size == 0:
            break
        active, pace = active[stay], pace.take(stay)
        levels, point = levels.take(stay), point.take(stay)
    return result


@dataclass(slots=True)
class Pace:
    """How each curve goes on, (N,): damping, the last step's promise, whether it was refused."""

    damping: Array
    promised: Array
    refused: Mask

    @classmethod
    def first(cls, n_curves: int) -> Pace:
        """Before the first step."""
        return cls(
            np.full(n_curves, FIRST_DAMPING),
            np.full(n_curves, np.inf),
            np.zeros(n_curves, dtype=bool),
        )

    def take(self, index: npt.NDArray[np.intp]) -> Pace:
        """Some of the curves."""
        return Pace(self.damping[index], self.promised[index], self.refused[index])

    def follow(self, accepted: Mask, promised: Array) -> None:
        """After a step."""
        factor = np.where(accepted, np.where(self.refused, TAKEN_AGAIN, TAKEN), REFUSED)
        self.damping *= factor
        np.clip(self.damping, LEAST_DAMPING, MOST_DAMPING, out=self.damping)
        self.promised = promised
        self.refused = ~accepted


@dataclass(slots=True)
class Step:
    """A step: where to, the decrease it promises, and whether it is whole, and from the Hessian."""

    move: Array  # (3, N)
    promised: Array
    whole: Mask
    true: Mask


def _step(levels: Levels, point: Point, pace: Pace) -> Step:
    """The damped step of every curve, coordinates that would leave the box held on it."""
    theta, downhill = point.theta, point.downhill
    damping = point.gauss_newton.take(DIAGONAL, axis=0)
    largest = damping.max(axis=0)
    np.maximum(damping, EVEN * largest, out=damping)
    damping *= pace.damping
    damping += 1e-14 * largest + TINY
    true = pace.promised <= NEAR * point.objective
    matrix = np.where(true, point.hessian, point.gauss_newton)
    matrix[DIAGONAL] += damping
    move = solve3(matrix, downhill)
    whole = move[0] == move[0]  # NaN where not positive definite
    if not whole.all():
        lost = np.flatnonzero(~whole)
        true[lost] = False
        part = point.gauss_newton.take(lost, axis=1)
        part[DIAGONAL] += damping.take(lost, axis=1)
        matrix[:, lost] = part
        move[:, lost] = solve3(part, downhill.take(lost, axis=1))
    frozen = ((theta <= levels.low) & (move < 0)) | ((theta >= levels.high) & (move > 0))
    if frozen.any():
        downhill = np.where(frozen, 0.0, downhill)
        held = np.flatnonzero(frozen.any(axis=0))
        part, stop = matrix.take(held, axis=1), frozen.take(held, axis=1)
        # a huge diagonal takes a coordinate out of the system
        part[DIAGONAL] += np.where(stop, 1e30 * largest.take(held), 0.0)
        move[:, held] = solve3(part, downhill.take(held, axis=1))
    promised = dot(downhill, move)
    length = np.abs(move).max(axis=0)
    whole = length <= LONGEST_STEP  # false for NaN
    if not whole.all():
        promised[np.isnan(length)] = np.inf
        # the whole step is shortened: cutting single components would turn it
        cut = np.flatnonzero(~whole)
        move[:, cut] *= LONGEST_STEP / length[cut]
        np.nan_to_num(move, copy=False)
    return Step(move, promised, whole, true)


def _nothing_left(
    levels: Levels, point: Point, new: Point, step: Step, pace: Pace, tolerance: float
) -> Mask:
    """Curves that the step takes, or leaves, at their optimum."""
    target = tolerance * point.objective + levels.floor
    decrease = point.objective - new.objective
    taken = decrease >= 0
    quiet = step.promised <= 1e-2 * target
    quiet |= taken & (decrease <= target) & (step.promised <= target)
    newton = step.true & (pace.damping <= WHOLE_DAMPING)
    quiet |= taken & newton & (step.promised <= QUADRATIC * target)
    proven = quiet & step.whole & (pace.damping <= TRUSTED_DAMPING)
    # of an exact fit only rounding is left, and which way it points proves nothing
    return np.asarray(proven | (taken & (new.objective <= EXACT * levels.floor)))
