"""What curves lend each other: the orientation, and, pooled, the shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytokit.curves.arrays import CurveArrays
from cytokit.curves.model import Array
from cytokit.curves.prior import Prior
from cytokit.curves.weights import VarianceModel
from cytokit.curves.wells import Calibration, StandardWells

#: plates an analyte must stand on before they lend each other its shape
POOL_PLATES = 3


def prefers_minus(
    wells: StandardWells, found: list[Calibration], company: NDArray[np.intp], robust: bool
) -> NDArray[np.bool_]:
    """Curves (N,) whose company as a whole is fitted better by orientation -.

    Both are measured with the same noise, taken at the levels' own means, in Tukey's bounded
    measure where the fit is robust, so that no single well decides.
    """
    there = np.isfinite(wells.y)
    y = np.where(there, wells.y, 0.0)
    mean = y.sum(1) / np.maximum(there.sum(1), 1)
    variance = np.mean([one.curves.noise.variance(mean) for one in found], axis=0)
    misfit = []
    for one in found:
        mu = one.curves.predict(wells.log_x)
        z2 = np.where(there, wells.counts * (y - mu[:, None]) ** 2 / variance[:, None], 0.0)
        if robust:
            z2 = 12.0 * (1.0 - np.maximum(0.0, 1.0 - z2 / 36.0) ** 3)
        misfit.append(z2.sum(1).sum(0))
    gain = misfit[0] - misfit[1]
    by_company = np.array([gain[company == number].sum() for number in company])
    return by_company > 0


def mix(found: list[Calibration], second: NDArray[np.bool_]) -> Calibration:
    """The second calibration where asked for, the first elsewhere."""
    one, two = found

    def pick(a: Array, b: Array, axis: int = -1) -> Array:
        shape = [1] * a.ndim
        shape[axis] = len(second)
        return np.where(second.reshape(shape), b, a)

    a, b = one.curves, two.curves
    noise = VarianceModel(
        pick(a.noise.s0, b.noise.s0),
        pick(a.noise.cv, b.noise.cv),
        pick(a.noise.uncertainty, b.noise.uncertainty, 0),
    )
    curves = CurveArrays(
        pick(a.theta, b.theta),
        pick(a.lower, b.lower),
        pick(a.upper, b.upper),
        np.where(second, b.orientation, a.orientation),
        a.log_top,
        pick(a.covariance, b.covariance, 0),
        noise,
    )
    return Calibration(
        curves,
        pick(one.level_sd, two.level_sd),
        pick(one.weight, two.weight),
        pick(one.robust, two.robust),
        pick(one.chi2, two.chi2),
        pick(one.df, two.df),
        pick(one.r2, two.r2),
        np.where(second, two.converged, one.converged),
        np.where(second, two.at_bound, one.at_bound),
        one.prior,
    )


def pooled_prior(curves: CurveArrays, wells: StandardWells, weak: Prior) -> Prior:
    """Empirical-Bayes prior of each curve: its analyte's shape over the plates.

    Mean and spread are robust (median, MAD less the typical uncertainty of one curve); an analyte
    on fewer than three plates keeps the weak prior.
    """
    mean, precision = weak.mean.copy(), weak.precision.copy()
    shift = np.stack([curves.log_top, np.zeros(curves.size), np.zeros(curves.size)])
    theta = curves.theta + shift
    own = np.einsum("nii->in", curves.covariance)[2:]
    for number in np.unique(wells.analyte):
        members = np.flatnonzero(wells.analyte == number)
        if len(members) < POOL_PLATES:
            continue
        centre = np.median(theta[:, members], axis=1, keepdims=True)
        mad = 1.4826 * np.median(np.abs(theta[:, members] - centre), axis=1)
        spread = np.maximum(mad**2 - np.median(own[:, members], axis=1), (0.1 * mad) ** 2)
        spread = np.maximum(spread * (1 + 1 / len(members)), 0.05**2)
        mean[:, members] = centre - shift[:, members]
        precision[:, members] = 1.0 / spread[:, None]
    return Prior(mean, precision)
