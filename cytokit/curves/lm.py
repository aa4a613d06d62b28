"""Levenberg-Marquardt on the projected problem, all curves of a batch in step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cytokit.curves.linear import Levels, evaluate, normal_equations, solve3
from cytokit.curves.model import Array

LONGEST_STEP = 2.0
#: damping above which a small step proves nothing
TRUSTED_DAMPING = 2e-3


@dataclass(slots=True)
class Minimum:
    """Where a search ended: theta (3, N); s, shape_mean, objective, converged, iterations (N,)."""

    theta: Array
    s: Array
    shape_mean: Array
    objective: Array
    converged: npt.NDArray[np.bool_]
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
    active = np.arange(levels.n_curves)
    damping = np.full(levels.n_curves, 1e-2)
    point = evaluate(levels, np.clip(theta, levels.low, levels.high))
    for iteration in range(1, max_iterations + 1):
        step, predicted, cut = _step(levels, point.theta, damping, normal_equations(levels, point))
        new = evaluate(levels, np.clip(point.theta + step, levels.low, levels.high))
        accepted = new.objective <= point.objective
        decrease = point.objective - new.objective
        target = tolerance * point.objective + levels.floor
        quiet = (predicted <= 1e-2 * target) | (
            accepted & (decrease <= target) & (predicted <= target)
        )
        converged = quiet & (damping <= TRUSTED_DAMPING) & ~cut
        stuck = ~accepted & (damping > 1e8)
        point = point.replace_where(accepted, new)
        damping = np.where(
            accepted, np.maximum(damping * 0.15, 1e-12), np.minimum(damping * 5.0, 1e12)
        )
        leaving = converged | stuck if iteration < max_iterations else np.ones_like(converged)
        if not leaving.any():
            continue
        out = np.flatnonzero(leaving)
        ended = point.take(out)
        counts = np.full(out.size, iteration, dtype=np.int64)
        result.put(
            active[out],
            Minimum(
                ended.theta, ended.s, ended.shape_mean, ended.objective, converged[out], counts
            ),
        )
        stay = np.flatnonzero(~leaving)
        if stay.size == 0:
            break
        active, damping = active[stay], damping[stay]
        levels, point = levels.take(stay), point.take(stay)
    return result


def _step(
    levels: Levels, theta: Array, damping: Array, equations: tuple[Array, Array]
) -> tuple[Array, Array, npt.NDArray[np.bool_]]:
    """The damped step, the decrease it promises, and whether it was cut or unusable."""
    downhill, matrix = equations
    frozen = ((theta <= levels.low) & (downhill <= 0)) | ((theta >= levels.high) & (downhill >= 0))
    downhill[frozen] = 0.0
    diagonal = matrix[[0, 3, 5]]
    largest = diagonal.max(axis=0) + 1e-300
    diagonal += 1e-14 * largest + damping * np.maximum(diagonal, 1e-2 * largest)
    # a huge diagonal takes a coordinate out of the system
    matrix[[0, 3, 5]] = np.where(frozen, 1e30 * largest, diagonal)
    step = solve3(matrix, downhill)
    unusable = ~np.isfinite(step).all(axis=0)
    if unusable.any():
        step[:, unusable] = 0.0
    length = np.abs(step).max(axis=0)
    predicted = np.where(unusable, np.inf, (downhill * step).sum(axis=0))
    # the whole step is shortened: cutting single components would turn it
    step *= LONGEST_STEP / np.maximum(length, LONGEST_STEP)
    return step, predicted, unusable | (length > LONGEST_STEP)
