"""Solved curves side by side: prediction, inversion and uncertainty for U readings x N curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cytokit.curves.derivatives import psi_gradient
from cytokit.curves.model import Array, inverse_psi, psi
from cytokit.curves.weights import VarianceModel

Index = NDArray[np.intp]

#: ln concentrations further out than this are none
NO_END = 300.0


@dataclass(frozen=True, slots=True)
class CurveArrays:
    """N solved curves, each on its own scale of concentration.

    Parameters
    ----------
    theta : (3, N) array
        m, eta, k; m is the logarithm of concentration over `top`.
    lower, upper : (N,) array
        Responses at concentration 0 and at infinity.
    orientation : (N,) array of int
        +1 or -1.
    log_top : (N,) array
        ln of the concentration of the highest standard.
    covariance : (N, 5, 5) array
        Of (lower, upper, m, eta, k).
    noise : VarianceModel
        Scatter of single wells.
    """

    theta: Array
    lower: Array
    upper: Array
    orientation: NDArray[np.int64]
    log_top: Array
    covariance: Array
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

    def predict(self, log_x: Array) -> Array:
        """Expected response at relative ln x (U, N)."""
        out = np.empty(np.broadcast_shapes(log_x.shape, (1, self.size)))
        log_x = np.broadcast_to(log_x, out.shape)
        for sign, index in self._groups():
            shape = psi(log_x.take(index, axis=1), self.theta.take(index, axis=1), sign)
            out[:, index] = self.lower[index] + (self.upper - self.lower)[index] * shape
        return out

    def jacobian(self, log_x: Array) -> Array:
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

    def invert(self, y: Array) -> Array:
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

    def curve_variance(self, log_x: Array) -> Array:
        """Variance (U, N) of the curve itself at relative ln x."""
        return quadratic(self.jacobian(log_x), self.covariance)

    def prediction_variance(self, log_x: Array, n_wells: Array | float) -> Array:
        """Variance (U, N) of the mean of `n_wells` new wells about the fitted curve."""
        noise = self.noise.variance(self.predict(log_x)) / n_wells
        return np.asarray(noise + self.curve_variance(log_x))

    def quantile(self, mu: Array, probability: float) -> Array:
        """Student's quantile with the freedom the noise at `mu` (U, N) is known with."""
        return np.asarray(special.stdtrit(self.noise.df(mu), probability))


def quadratic(jacobian: Array, covariance: Array) -> Array:
    """J V J' for every reading: (5, U, N) and (N, 5, 5) give (U, N), never negative.

    Examples
    --------
    >>> quadratic(np.ones((5, 1, 1)), np.eye(5)[None]).tolist()
    [[5.0]]
    """
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
