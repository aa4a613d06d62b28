"""How one chunk of curves is searched: grid, rough polish, full polish, Newton, second look."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cytokit.curves.linear import Levels, objective_at
from cytokit.curves.lm import Minimum, levenberg_marquardt
from cytokit.curves.model import Array
from cytokit.curves.newton import newton
from cytokit.curves.options import ModelName
from cytokit.curves.start import Grid

#: Box of the search: m from ln(lowest / 30) to ln(highest * 1000), slope and asymmetry within.
BELOW, ABOVE = 30.0, 1000.0
SLOPE_RANGE = (0.1, 5.0)
ASYMMETRY_RANGE = (0.1, 10.0)

TOLERANCE = 1e-9
LM_ITERATIONS = 10
#: Without a prior, curves that show neither plateau lie in valleys that take hundreds of steps.
NEWTON_ITERATIONS = 250
#: Starts of the first look: a prior makes the objective all but unimodal.
STARTS_WITH_PRIOR, STARTS = 1, 3
#: Starts of the second look, at doubtful curves.
MORE_STARTS = 6
ROUGH_ITERATIONS, LOOK_ITERATIONS, ROUGH_TOLERANCE = 4, 2, 1e-4
#: Share of the scatter about a horizontal line left over, above which a fit is doubtful.
POOR_FIT = 0.03
#: In the second look, a start this near in theta comes back to what was found.
SAME_PLACE = 0.05

Index = npt.NDArray[np.intp]


def make_box(log_x: Array, model: ModelName) -> tuple[Array, Array]:
    """Bounds of theta, (3, 1) each, from ln x of the standards above 0; equal ones freeze."""
    k_low, k_high = (0.0, 0.0) if model == "4pl" else np.log(ASYMMETRY_RANGE)
    eta_low, eta_high = np.log(SLOPE_RANGE)
    low = np.array([[log_x.min() - np.log(BELOW)], [eta_low], [k_low]])
    high = np.array([[log_x.max() + np.log(ABOVE)], [eta_high], [k_high]])
    return low, high


def search(levels: Levels, grid: Grid, guided: bool, start: Array | None = None) -> Minimum:
    """The best minimum found for each curve.

    Parameters
    ----------
    levels : Levels
    grid : Grid
    guided : bool
        Whether every curve has a prior on every coordinate: fewer starts are needed.
    start : ndarray, shape (3, N), optional
        Replaces the grid in the first look.

    Returns
    -------
    Minimum
    """
    if start is None:
        start = _best_start(levels, grid, STARTS_WITH_PRIOR if guided else STARTS)
    found = _descend(levels, start)
    doubtful = np.flatnonzero(_doubtful(levels, guided, found))
    again = Minimum.empty(0)
    if doubtful.size:
        others, start = _other_starts(levels.take(doubtful), grid, guided, found.take(doubtful))
        doubtful = doubtful[others]
        again = _descend(levels.take(doubtful), start)
    _finish(levels, found, doubtful, again)
    before = found.objective[doubtful]
    gain = before - again.objective
    better = (gain > TOLERANCE * before) | (
        again.converged & ~found.converged[doubtful] & (gain >= 0)
    )
    # of several ends of one curve the lowest is put last, and stays
    order = np.argsort(-again.objective, kind="stable")
    order = order[better[order]]
    found.put(doubtful[order], again.take(order))
    return found


def _descend(levels: Levels, start: Array) -> Minimum:
    """Levenberg-Marquardt, as long as it is quick."""
    return levenberg_marquardt(levels, start, max_iterations=LM_ITERATIONS, tolerance=TOLERANCE)


def _finish(levels: Levels, found: Minimum, others: Index, again: Minimum) -> None:
    """Newton's method for all that either search has left over, in one go."""
    left, left_again = np.flatnonzero(~found.converged), np.flatnonzero(~again.converged)
    if left.size + left_again.size == 0:
        return
    end = newton(
        levels.take(np.concatenate([left, others[left_again]])),
        np.concatenate([found.theta[:, left], again.theta[:, left_again]], axis=1),
        max_iterations=NEWTON_ITERATIONS,
        tolerance=TOLERANCE,
    )
    found.put(left, end.take(np.arange(left.size)))
    again.put(left_again, end.take(np.arange(left.size, left.size + left_again.size)))


def _doubtful(levels: Levels, guided: bool, found: Minimum) -> npt.NDArray[np.bool_]:
    """Curves on the box or far from explained; without a full prior, also those not converged."""
    free = levels.low < levels.high
    on_box = (((found.theta <= levels.low) | (found.theta >= levels.high)) & free).any(axis=0)
    doubtful = on_box | (found.objective > POOR_FIT * levels.scatter)
    return np.asarray(doubtful if guided else doubtful | ~found.converged)


def _other_starts(levels: Levels, grid: Grid, guided: bool, found: Minimum) -> tuple[Index, Array]:
    """Starts that may lead elsewhere than to what was found: their curves, and theta (3, .).

    With a full prior the best of those that a rise of the objective parts from what was found;
    without one, where valleys are long and bent, all of them.
    """
    starts, columns, rough = _rough(levels, grid, MORE_STARTS, LOOK_ITERATIONS)
    known = found.theta.take(columns, axis=1)
    elsewhere = np.abs(rough.theta - known).max(axis=0) > SAME_PLACE
    if not guided:
        return columns[elsewhere], rough.theta[:, elsewhere]
    halfway = objective_at(levels.take(columns), 0.5 * (rough.theta + known))
    go = np.flatnonzero(elsewhere & (halfway >= rough.objective))
    return _best_of(levels, starts[go], columns[go], rough.take(go))


def _best_start(levels: Levels, grid: Grid, n_starts: int) -> Array:
    """The best of the grid's local maxima, after a rough polish if there are several, (3, N)."""
    if n_starts == 1:
        return np.asarray(grid.starts(levels, 1)[0][:, 0])
    return _best_of(levels, *_rough(levels, grid, n_starts, ROUGH_ITERATIONS))[1]


def _best_of(levels: Levels, starts: Index, columns: Index, rough: Minimum) -> tuple[Index, Array]:
    """The curves that have a start here, and the end of their best one, (3, curves)."""
    shape = (MORE_STARTS, levels.n_curves)
    objective = np.full(shape, np.inf)
    objective[starts, columns] = rough.objective
    position = np.zeros(shape, dtype=np.intp)
    position[starts, columns] = np.arange(starts.size)
    tried = np.flatnonzero(np.isfinite(objective).any(axis=0))
    best = position[objective.argmin(axis=0)[tried], tried]
    return tried, rough.theta.take(best, axis=1)


def _rough(
    levels: Levels, grid: Grid, n_starts: int, iterations: int
) -> tuple[Index, Index, Minimum]:
    """A few steps from each of the grid's local maxima: their rank, their curve, their end."""
    thetas, present = grid.starts(levels, n_starts)
    starts, columns = np.nonzero(present)
    rough = levenberg_marquardt(
        levels.take(columns),
        np.ascontiguousarray(thetas[:, starts, columns]),
        max_iterations=iterations,
        tolerance=ROUGH_TOLERANCE,
    )
    return starts, columns, rough
