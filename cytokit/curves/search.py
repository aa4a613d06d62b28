"""How one chunk of curves is searched: grid, rough polish, full polish, Newton, second look."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cytokit.curves.linear import Levels
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
LM_ITERATIONS = 15
#: Without a prior, curves that show neither plateau lie in valleys that take hundreds of steps.
NEWTON_ITERATIONS = 250
#: Starts of the first look: a prior makes the objective all but unimodal.
STARTS_WITH_PRIOR, STARTS = 1, 3
#: Starts of the second look, at doubtful curves.
MORE_STARTS = 6
ROUGH_ITERATIONS, ROUGH_TOLERANCE = 4, 1e-4
#: Share of the scatter about a horizontal line left over, above which a fit is doubtful.
POOR_FIT = 0.03
#: In the second look, a start this near in theta comes back to what was found, and one that leaves
#: this many times more after a rough polish will not beat it.
SAME_PLACE, HOPELESS = 0.05, 1.5

Index = npt.NDArray[np.intp]


def make_box(log_x: Array, model: ModelName) -> tuple[Array, Array]:
    """Bounds of theta, (3, 1) each, from ln x of the standards above 0; equal ones freeze."""
    k_low, k_high = (0.0, 0.0) if model == "4pl" else np.log(ASYMMETRY_RANGE)
    eta_low, eta_high = np.log(SLOPE_RANGE)
    low = np.array([[log_x.min() - np.log(BELOW)], [eta_low], [k_low]])
    high = np.array([[log_x.max() + np.log(ABOVE)], [eta_high], [k_high]])
    return low, high


def search(levels: Levels, grid: Grid, start: Array | None = None) -> Minimum:
    """The best minimum found for each curve.

    Parameters
    ----------
    levels : Levels
    grid : Grid
    start : ndarray, shape (3, N), optional
        Replaces the grid in the first look.

    Returns
    -------
    Minimum
    """
    if start is None:
        start = _first_starts(levels, grid)
    found = _polish(levels, start)
    flagged = np.flatnonzero(_doubtful(levels, found))
    if flagged.size:
        some = levels.take(flagged)
        again = _second_look(some, grid, found.take(flagged))
        gain = found.objective[flagged] - again.objective
        better = np.flatnonzero(
            (gain > TOLERANCE * found.objective[flagged])
            | (again.converged & ~found.converged[flagged] & (gain >= 0))
        )
        found.put(flagged[better], again.take(better))
    return found


def _polish(levels: Levels, start: Array) -> Minimum:
    """Levenberg-Marquardt, then Newton for the curves it does not finish."""
    found = levenberg_marquardt(levels, start, max_iterations=LM_ITERATIONS, tolerance=TOLERANCE)
    left = np.flatnonzero(~found.converged)
    if left.size:
        finished = newton(
            levels.take(left),
            found.theta.take(left, axis=1),
            max_iterations=NEWTON_ITERATIONS,
            tolerance=TOLERANCE,
        )
        found.put(left, finished)
    return found


def _doubtful(levels: Levels, found: Minimum) -> npt.NDArray[np.bool_]:
    """Curves not converged, on the box, or far from explained."""
    free = levels.low < levels.high
    on_box = (((found.theta <= levels.low) | (found.theta >= levels.high)) & free).any(axis=0)
    return ~found.converged | on_box | (found.objective > POOR_FIT * levels.scatter)


def _second_look(levels: Levels, grid: Grid, found: Minimum) -> Minimum:
    """The end of the best other start, leaving out those that come back to what was found."""
    starts, columns, rough = _rough(levels, grid, MORE_STARTS)
    known = found.take(columns)
    elsewhere = np.abs(rough.theta - known.theta).max(axis=0) > SAME_PLACE
    promising = rough.objective < HOPELESS * known.objective
    go = np.flatnonzero((elsewhere & promising) | ~known.converged)
    best, theta = _best_of(levels, starts[go], columns[go], rough.take(go))
    again = Minimum.empty(levels.n_curves)
    again.put(best, _polish(levels.take(best), theta))
    return again


def _first_starts(levels: Levels, grid: Grid) -> Array:
    """The start of the first look, (3, N): more candidates for curves without a full prior."""
    start = np.empty((3, levels.n_curves))
    guided = (levels.precision > 0).all(axis=0)
    for index, n_starts in (
        (np.flatnonzero(guided), STARTS_WITH_PRIOR),
        (np.flatnonzero(~guided), STARTS),
    ):
        if index.size:
            some = levels if index.size == levels.n_curves else levels.take(index)
            start[:, index] = _best_start(some, grid, n_starts)
    return start


def _best_start(levels: Levels, grid: Grid, n_starts: int) -> Array:
    """The best of the grid's local maxima, after a rough polish if there are several, (3, N)."""
    if n_starts == 1:
        return np.asarray(grid.starts(levels, 1)[0][:, 0])
    return _best_of(levels, *_rough(levels, grid, n_starts))[1]


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


def _rough(levels: Levels, grid: Grid, n_starts: int) -> tuple[Index, Index, Minimum]:
    """A few steps from each of the grid's local maxima: their rank, their curve, their end."""
    thetas, present = grid.starts(levels, n_starts)
    starts, columns = np.nonzero(present)
    rough = levenberg_marquardt(
        levels.take(columns),
        np.ascontiguousarray(thetas[:, starts, columns]),
        max_iterations=ROUGH_ITERATIONS,
        tolerance=ROUGH_TOLERANCE,
    )
    return starts, columns, rough
