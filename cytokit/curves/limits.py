"""Limits of detection and of quantification.

LOD: the concentration whose expected reading a blank exceeds one time in twenty, with Student's
quantile, the noise of the wells averaged and the curve's own uncertainty at zero (the critical
level of L. A. Currie, Anal Chem 40 (1968) 586, with all its uncertainty). UOD is the same at the
upper plateau.
LLOQ and ULOQ: the ends of the range in which one result has a CV of at most 20 %, from the
precision profile (R. P. Ekins; M. A. O'Connell et al., Chemometrics 20 (1993) 97); beside it the
outermost consecutive standards that back-calculate within the profile's tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytokit.arrays import Floats
from cytokit.curves.inverse import CurveArrays

PROFILE_POINTS = 200
FALSE_POSITIVES = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of N curves, in concentration; NaN where the curve attains none."""

    lod: Floats
    lod_response: Floats
    lloq: Floats
    uloq: Floats
    uod: Floats


def find_limits(
    curves: CurveArrays,
    log_low: Floats,
    n_wells: Floats,
    max_cv_pct: float = 20.0,
    log_high: Floats | float = 0.0,
) -> Limits:
    """LOD, LLOQ and ULOQ of every curve."""
    response = detection_response(curves, n_wells)
    log_lod = curves.invert(response[None])[0]
    lod = np.where(np.isfinite(log_lod), log_lod + curves.log_top, np.nan)
    log_uod = curves.invert(saturation_response(curves, n_wells)[None])[0]
    uod = np.where(np.isfinite(log_uod), log_uod + curves.log_top, np.nan)
    fraction = np.linspace(0.0, 1.0, PROFILE_POINTS)[:, None]
    grid = log_low * (1.0 - fraction) + log_high * fraction
    low, high = _best_stretch(grid, relative_sd(curves, grid, n_wells), max_cv_pct / 100)
    return Limits(
        np.exp(lod),
        response,
        np.exp(low + curves.log_top),
        np.exp(high + curves.log_top),
        np.exp(uod),
    )


def detection_response(curves: CurveArrays, n_wells: Floats) -> Floats:
    """Response (N,) that the mean of n blank wells passes in one case of twenty."""
    at_zero = curves.noise.variance(curves.lower)
    own = np.maximum(curves.covariance[:, 0, 0], 0.0)  # rounding, where nothing is determined
    sd = np.sqrt(at_zero / n_wells + own)
    t = curves.quantile(curves.lower, 1.0 - FALSE_POSITIVES)
    return np.asarray(curves.lower + np.sign(curves.upper - curves.lower) * t * sd)


def saturation_response(curves: CurveArrays, n_wells: Floats) -> Floats:
    """Response (N,) that the mean of n saturated wells falls short of in one case of twenty."""
    at_top = curves.noise.variance(curves.upper)
    own = np.maximum(curves.covariance[:, 1, 1], 0.0)  # rounding, where nothing is determined
    sd = np.sqrt(at_top / n_wells + own)
    t = curves.quantile(curves.upper, 1.0 - FALSE_POSITIVES)
    return np.asarray(curves.upper - np.sign(curves.upper - curves.lower) * t * sd)


def relative_sd(curves: CurveArrays, log_x: Floats, n_wells: Floats) -> Floats:
    """The precision profile: CV (as a fraction) of a concentration at relative ln x (U, N)."""
    slope = np.abs(curves.jacobian(log_x)[2])
    sd = np.sqrt(curves.prediction_variance(log_x, n_wells))
    steep = slope > 1e-100
    return np.where(steep, sd / np.where(steep, slope, 1.0), np.inf)


def _best_stretch(grid: Floats, cv: Floats, limit: float) -> tuple[Floats, Floats]:
    """Ends of the stretch below the limit that holds the lowest CV, by linear interpolation."""
    n_points, size = cv.shape
    best = cv.argmin(0)
    fails = cv > limit
    number = np.arange(n_points)[:, None]
    left_fails, right_fails = fails & (number < best), fails & (number > best)
    first = np.where(left_fails.any(0), n_points - left_fails[::-1].argmax(0), 0)
    last = np.where(right_fails.any(0), right_fails.argmax(0) - 1, n_points - 1)
    column = np.arange(size)

    def crossing(inner: NDArray[np.intp], outer: NDArray[np.intp]) -> Floats:
        inner_cv = np.log(cv[inner, column] / limit)
        outer_cv = np.log(np.minimum(cv[outer, column] / limit, 1e6))
        rise = np.where(outer == inner, 1.0, outer_cv - inner_cv)
        share = np.where(outer == inner, 0.0, -inner_cv / np.where(rise > 0, rise, 1.0))
        start, end = grid[inner, column], grid[outer, column]
        return np.asarray(start + np.clip(share, 0.0, 1.0) * (end - start))

    low = crossing(first, np.maximum(first - 1, 0))
    high = crossing(last, np.minimum(last + 1, n_points - 1))
    nowhere = cv.min(0) > limit
    return np.where(nowhere, np.nan, low), np.where(nowhere, np.nan, high)


def recovery_limits(x: Floats, passes: NDArray[np.bool_]) -> tuple[float, float]:
    """Outermost of the longest run of consecutive standards that recover."""
    best, start = (0, 0), None
    for number, good in enumerate([*passes, False]):
        if good and start is None:
            start = number
        elif not good and start is not None:
            if number - start > best[1] - best[0]:
                best = (start, number)
            start = None
    if best[1] - best[0] < 2:
        return float("nan"), float("nan")
    return float(x[best[0]]), float(x[best[1] - 1])
