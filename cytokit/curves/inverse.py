"""Solved curves side by side: prediction, inversion and uncertainty for U readings x N curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from scipy import special

from cytokit.arrays import Floats
from cytokit.curves.logistic import X_ZERO, inverse_psi, psi, psi_gradient
from cytokit.curves.noise import VarianceModel
from cytokit.schema import RangeStatus

Index = NDArray[np.intp]

#: ln concentrations further out than this are none
NO_END = 300.0


@dataclass(frozen=True, slots=True)
class CurveArrays:
    """N solved curves, each on its own scale of concentration."""

    theta: Floats
    lower: Floats
    upper: Floats
    orientation: NDArray[np.int64]
    log_top: Floats
    covariance: Floats
    noise: VarianceModel

    @property
    def size(self) -> int:
        """Number of curves."""
        return len(self.lower)

    def take(self, index: Index) -> CurveArrays:
        """Some of the curves."""
        return CurveArrays(
            self.theta.take(index, axis=1),  # fancy indexing would not keep the memory order,
            self.lower[index],  # and with it the last bits
            self.upper[index],
            self.orientation[index],
            self.log_top[index],
            self.covariance[index],
            self.noise.take(index),
        )

    def _groups(self) -> list[tuple[int, Index]]:
        """Curves of either orientation."""
        found = ((sign, np.flatnonzero(self.orientation == sign)) for sign in (1, -1))
        return [(sign, index) for sign, index in found if len(index)]

    def predict(self, log_x: Floats) -> Floats:
        """Expected response at relative ln x (U, N)."""
        out = np.empty(np.broadcast_shapes(log_x.shape, (1, self.size)))
        log_x = np.broadcast_to(log_x, out.shape)
        for sign, index in self._groups():
            shape = psi(log_x.take(index, axis=1), self.theta.take(index, axis=1), sign)
            out[:, index] = self.lower[index] + (self.upper - self.lower)[index] * shape
        return out

    def jacobian(self, log_x: Floats) -> Floats:
        """Derivatives (5, U, N) of the response with respect to (lower, upper, m, eta, k).

        The derivative with respect to ln x is minus the one with respect to m.
        """
        out = np.empty((5, *np.broadcast_shapes(log_x.shape, (1, self.size))))
        log_x = np.broadcast_to(log_x, out.shape[1:])
        for sign, index in self._groups():
            shape, gradient = psi_gradient(
                log_x.take(index, axis=1), self.theta.take(index, axis=1), sign
            )
            out[0][:, index] = 1.0 - shape
            out[1][:, index] = shape
            out[2:][:, :, index] = (self.upper - self.lower)[index] * gradient
        return out

    def invert(self, y: Floats) -> Floats:
        """Relative ln x (U, N) of a response; -inf below the lower plateau, +inf above the upper.

        On a falling curve "below" is still the side of concentration 0. Within rounding of a
        plateau (beyond e^300 on either side) is beyond it.
        """
        span = self.upper - self.lower
        v = (y - self.lower) / np.where(span == 0, np.nan, span)
        out = np.empty(v.shape)
        for sign, index in self._groups():
            out[:, index] = inverse_psi(v.take(index, axis=1), self.theta.take(index, axis=1), sign)
        out = np.where(out > NO_END, np.inf, out)
        return np.where(out < -NO_END, -np.inf, out)

    def curve_variance(self, log_x: Floats) -> Floats:
        """Variance (U, N) of the curve itself at relative ln x."""
        return quadratic(self.jacobian(log_x), self.covariance)

    def prediction_variance(self, log_x: Floats, n_wells: Floats | float) -> Floats:
        """Variance (U, N) of the mean of `n_wells` new wells about the fitted curve."""
        noise = self.noise.variance(self.predict(log_x)) / n_wells
        return np.asarray(noise + self.curve_variance(log_x))

    def quantile(self, mu: Floats, probability: float) -> Floats:
        """Student's quantile with the freedom the noise at `mu` (U, N) is known with."""
        return np.asarray(special.stdtrit(self.noise.df(mu), probability))


def quadratic(jacobian: Floats, covariance: Floats) -> Floats:
    """J V J' for every reading: (5, U, N) and (N, 5, 5) give (U, N), never negative."""
    total = np.zeros(jacobian.shape[1:])
    for i in range(5):
        total += covariance[:, i, i] * jacobian[i] ** 2
        for j in range(i):
            total += 2 * covariance[:, i, j] * jacobian[i] * jacobian[j]
    return np.maximum(total, 0.0)


def joined(parts: list[CurveArrays]) -> CurveArrays:
    """Several sets of curves side by side."""
    noise = VarianceModel(
        np.concatenate([part.noise.s0 for part in parts]),
        np.concatenate([part.noise.cv for part in parts]),
        np.concatenate([part.noise.uncertainty for part in parts]),
    )
    return CurveArrays(
        np.ascontiguousarray(np.concatenate([part.theta for part in parts], axis=1)),
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
        np.concatenate([part.orientation for part in parts]),
        np.concatenate([part.log_top for part in parts]),
        np.concatenate([part.covariance for part in parts]),
        noise,
    )


# Intervals of a concentration, by inverting the prediction.


#: grid over relative ln x on which the ends are looked for: below the lowest standard, above the
#: highest, number of points
GRID_BELOW, GRID_ABOVE, GRID_POINTS = 5.0, 7.0, 160
REFINEMENTS = 4


def concentration_interval(
    curves: CurveArrays, y: Floats, n_wells: Floats, log_low: Floats, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Both ends of the inversion interval."""
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


def _grid(log_low: Floats) -> Floats:
    """Relative ln x (G, N): zero, then evenly from below the lowest standard to above the top."""
    fraction = np.linspace(0.0, 1.0, GRID_POINTS)[:, None]
    start = log_low - GRID_BELOW
    grid = start + fraction * (GRID_ABOVE - start)
    return np.concatenate([np.full((1, len(log_low)), X_ZERO), grid])


def _within_plateaus(curves: CurveArrays, y: Floats) -> Floats:
    """The response, or the plateau it lies beyond."""
    low = np.minimum(curves.lower, curves.upper)
    return np.clip(y, low, np.maximum(curves.lower, curves.upper))


def _end(
    curves: CurveArrays,
    grid: Floats,
    y: Floats,
    n_wells: Floats,
    sign: Floats,
    target: Floats,
    cell: NDArray[np.intp],
) -> Floats:
    """Where z crosses the target between grid points `cell` and `cell` + 1 (Illinois steps)."""
    last = len(grid) - 1
    inside = (cell >= 0) & (cell < last)
    index = np.clip(cell, 0, last - 1)
    left = np.take_along_axis(grid, index, 0)
    right = np.take_along_axis(grid, index + 1, 0)

    def excess(log_x: Floats) -> Floats:
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


def _chord(left: Floats, right: Floats, f_left: Floats, f_right: Floats) -> Floats:
    """Where the chord between both ends is 0; the middle where it does not fall."""
    fall = f_left - f_right
    share = np.where(fall > 0, f_left / np.where(fall > 0, fall, 1.0), 0.5)
    return np.asarray(left + np.clip(share, 0.0, 1.0) * (right - left))


# From ln concentrations to numbers and statuses.


def range_status(log_x: Floats, lloq: Floats | float, uloq: Floats | float) -> npt.NDArray[np.str_]:
    """Status of ln concentrations that lie on a curve, or beyond its plateaus (-inf, +inf).

    Where no quantifiable range exists (NaN limits) every number stands outside it, below.
    """
    x = concentration(log_x)
    inside = (x >= np.asarray(lloq)) & (x <= np.asarray(uloq))
    status = np.where(inside, str(RangeStatus.IN_RANGE), str(RangeStatus.BELOW_LLOQ))
    status = np.where(x > np.asarray(uloq), str(RangeStatus.ABOVE_ULOQ), status)
    status = np.where(log_x == -np.inf, str(RangeStatus.OOR_LOW), status)
    status = np.where(log_x == np.inf, str(RangeStatus.OOR_HIGH), status)
    return np.where(np.isnan(log_x), str(RangeStatus.NOT_MEASURED), status)


def concentration(log_x: Floats) -> Floats:
    """Concentration of finite ln x; NaN for what lies beyond a plateau."""
    finite = np.isfinite(log_x)
    return np.where(finite, np.exp(np.where(finite, log_x, 0.0)), np.nan)


# Covariance of fitted parameters, whatever the weights they were fitted with.


RIDGE = 1e-11


def sandwich(
    curves: CurveArrays,
    log_x: Floats,
    weight: Floats,
    precision: Floats,
    shared: Floats,
    counts: Floats | float = 1.0,
) -> Floats:
    """Covariance (N, 5, 5) of (lower, upper, m, eta, k) under the curves' variance model.

    With weights 1 / variance and independent wells it is (J'WJ + P)^-1, else P. J. Huber's
    sandwich.
    """
    jacobian = curves.jacobian(log_x)
    weights = weight.sum(1)
    bread = _products(jacobian, weights * jacobian)
    variance = curves.noise.variance(curves.predict(log_x))
    meat = _products(jacobian, (weight**2 / counts).sum(1) * variance * jacobian)
    pull = jacobian * (weights * jacobian[2])
    meat += _products(pull, _over_levels(pull[:, None] * shared))
    for i in range(3):
        bread[:, 2 + i, 2 + i] += precision[i]
        meat[:, 2 + i, 2 + i] += precision[i]
    # a ridge on the scaled matrices: what neither data nor prior determine gets a very large
    # variance, never a small one
    scale = np.sqrt(np.einsum("nii->ni", bread))
    scale = np.where(scale > 1e-100, scale, 1.0)
    outer = scale[:, :, None] * scale[:, None, :]
    ridge = RIDGE * np.eye(5)
    factor = np.linalg.inv(np.linalg.cholesky(bread / outer + ridge))
    inverse = factor.transpose(0, 2, 1) @ factor
    return np.asarray(inverse @ (meat / outer + ridge) @ inverse / outer)


def _products(left: Floats, right: Floats) -> Floats:
    """Sums over levels (N, 5, 5) of products of (5, n, N) arrays, always in the same order."""
    return _over_levels(left[:, None] * right[None]).transpose(2, 0, 1)


def _over_levels(values: Floats) -> Floats:
    """Sum over the second axis from the end, level after level: no company changes a last bit."""
    out = values[..., 0, :].copy()
    for level in range(1, values.shape[-2]):
        out += values[..., level, :]
    return out
