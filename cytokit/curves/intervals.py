"""Intervals of a concentration, by inverting the prediction.

All concentrations L at which the reading is compatible with the curve,
``(ybar - f(L))^2 <= t^2 (v(f(L))/m + J V J')``, with the noise of m wells and the uncertainty of
all five parameters. Such an interval may be open on one side, and then says so.

Source: C. Osborne, Statistical calibration, Int Stat Rev 59 (1991) 309; M. A. O'Connell et al.,
Chemometrics 20 (1993) 97.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytokit.curves.arrays import CurveArrays
from cytokit.curves.model import X_ZERO, Array

#: grid over relative ln x on which the ends are looked for: below the lowest standard, above the
#: highest, number of points
GRID_BELOW, GRID_ABOVE, GRID_POINTS = 5.0, 7.0, 160
REFINEMENTS = 4


def concentration_interval(
    curves: CurveArrays, y: Array, n_wells: Array, log_low: Array, level: float = 0.95
) -> tuple[Array, Array]:
    """Both ends of the inversion interval.

    Parameters
    ----------
    curves : CurveArrays
        N curves.
    y : (U, N) array
        Mean responses; NaN allowed.
    n_wells : (U, N) array
        Wells each is the mean of.
    log_low : (N,) array
        Relative ln x of the lowest standard.
    level : float
        Confidence.

    Returns
    -------
    low, high : (U, N) arrays
        Relative ln x. -inf / +inf where the interval is open on that side; NaN where the
        reading is NaN, or compatible with no concentration at all.
    """
    grid = _grid(log_low)
    mu = curves.predict(grid)
    noise, own = curves.noise.variance(mu), curves.curve_variance(grid)
    span = curves.upper - curves.lower
    sign = np.where(span < 0, -1.0, 1.0)
    given = np.isfinite(y)
    y = np.where(given, y, 0.0)
    t = curves.quantile(_within_plateaus(curves, y), 0.5 + level / 2)
    z = sign * (y - mu[:, None]) / np.sqrt(noise[:, None] / n_wells + own[:, None])
    estimate = curves.invert(y)
    estimate = np.where(np.isnan(estimate), -np.inf, estimate)
    place = (grid[:, None] <= estimate).sum(0)  # grid points at or below the estimate
    number = np.arange(len(grid))[:, None, None]
    above = (z > t) & (number < place)  # the reading is too high for these concentrations
    below = (z < -t) & (number >= place)
    low_at = np.where(above.any(0), len(grid) - 1 - above[::-1].argmax(0), -1)
    high_at = np.where(below.any(0), below.argmax(0), len(grid))
    low = _end(curves, grid, y, n_wells, sign, t, low_at)
    high = _end(curves, grid, y, n_wells, sign, -t, high_at - 1)
    # past either end of the grid the reading fits no concentration
    nowhere = (low_at == len(grid) - 1) | (high_at == 0) | ~given | (span == 0)
    return np.where(nowhere, np.nan, low), np.where(nowhere, np.nan, high)


def _grid(log_low: Array) -> Array:
    """Relative ln x (G, N): zero, then evenly from below the lowest standard to above the top."""
    fraction = np.linspace(0.0, 1.0, GRID_POINTS)[:, None]
    start = log_low - GRID_BELOW
    grid = start + fraction * (GRID_ABOVE - start)
    return np.concatenate([np.full((1, len(log_low)), X_ZERO), grid])


def _within_plateaus(curves: CurveArrays, y: Array) -> Array:
    """The response, or the plateau it lies beyond."""
    low = np.minimum(curves.lower, curves.upper)
    return np.clip(y, low, np.maximum(curves.lower, curves.upper))


def _end(
    curves: CurveArrays,
    grid: Array,
    y: Array,
    n_wells: Array,
    sign: Array,
    target: Array,
    cell: NDArray[np.intp],
) -> Array:
    """Where z crosses the target between grid points `cell` and `cell` + 1 (Illinois steps)."""
    last = len(grid) - 1
    inside = (cell >= 0) & (cell < last)
    index = np.clip(cell, 0, last - 1)
    left = np.take_along_axis(grid, index, 0)
    right = np.take_along_axis(grid, index + 1, 0)

    def excess(log_x: Array) -> Array:
        sd = np.sqrt(curves.prediction_variance(log_x, n_wells))
        return np.asarray(sign * (y - curves.predict(log_x)) / sd - target)

    at_zero = index == 0  # from nought to the first grid point there is nothing to refine
    left = np.where(at_zero, right, left)
    f_left, f_right = excess(left), excess(right)
    was_left = np.zeros(inside.shape, dtype=bool)
    was_right = was_left
    for _ in range(REFINEMENTS):
        middle = _chord(left, right, f_left, f_right)
        f_middle = excess(middle)
        to_left = f_middle > 0
        # Illinois: an end that stays twice running counts half
        f_left = np.where(to_left, f_middle, np.where(was_right, f_left / 2, f_left))
        f_right = np.where(to_left, np.where(was_left, f_right / 2, f_right), f_middle)
        left, right = np.where(to_left, middle, left), np.where(to_left, right, middle)
        was_left, was_right = to_left, ~to_left
    root = _chord(left, right, f_left, f_right)
    open_end = np.where(cell < 0, -np.inf, np.inf)
    return np.where(inside, root, open_end)


def _chord(left: Array, right: Array, f_left: Array, f_right: Array) -> Array:
    """Where the chord between both ends is 0; the middle where it does not fall."""
    fall = f_left - f_right
    share = np.where(fall > 0, f_left / np.where(fall > 0, fall, 1.0), 0.5)
    return np.asarray(left + np.clip(share, 0.0, 1.0) * (right - left))
