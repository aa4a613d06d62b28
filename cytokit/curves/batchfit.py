"""What a batch of fits holds, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from cytokit.curves.derivatives import psi_gradient
from cytokit.curves.model import (
    Array,
    inverse_psi,
    log_concentration,
    log_midpoint,
    natural,
    psi,
)
from cytokit.curves.options import ModelName
from cytokit.curves.prior import Prior


class Outcome(IntEnum):
    """What became of one curve of a batch."""

    FITTED = 0
    FLAT = 1  # all levels equal: lower = upper, an optimum without information
    TOO_FEW_LEVELS = 2  # not fitted: its numbers are NaN
    NOT_CONVERGED = 3  # the best point found stands


@dataclass(frozen=True, slots=True)
class BatchFit:
    """N fitted curves, y = a + s psi(ln x; theta).

    Parameters
    ----------
    theta : ndarray, shape (3, N)
        m = ln x at the inflection, eta = ln slope of the shape there, k = ln asymmetry.
    a, s : ndarray, shape (N,)
        Response at concentration 0, and response at infinity minus it, in both orientations.
    sse : ndarray, shape (N,)
        The objective: sum w r^2 + sum precision (theta - mean)^2.
    outcome : ndarray of int8, shape (N,)
        :class:`Outcome` codes.
    iterations : ndarray of int, shape (N,)
    at_bound : ndarray of bool, shape (3, N)
        Coordinates that ended on the box; never the frozen asymmetry of a 4PL.
    orientation : {1, -1}
    model : {"5pl", "4pl"}
    """

    theta: Array
    a: Array
    s: Array
    sse: Array
    outcome: npt.NDArray[np.int8]
    iterations: npt.NDArray[np.int64]
    at_bound: npt.NDArray[np.bool_]
    orientation: int
    model: ModelName

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Whether the optimum was reached, (N,)."""
        return np.asarray((self.outcome == Outcome.FITTED) | (self.outcome == Outcome.FLAT))

    @property
    def lower(self) -> Array:
        """Response at concentration 0, (N,)."""
        return self.a

    @property
    def upper(self) -> Array:
        """Response at infinite concentration, (N,)."""
        return self.a + self.s

    @property
    def slope(self) -> Array:
        """Slope b of the equation, (N,)."""
        return natural(self.theta)[0]

    @property
    def midpoint(self) -> Array:
        """Concentration c of the equation, (N,)."""
        return np.asarray(np.exp(log_midpoint(self.theta, self.orientation)))

    @property
    def asymmetry(self) -> Array:
        """Asymmetry g of the equation, (N,)."""
        return np.asarray(np.exp(self.theta[2]))

    def predict(self, x: npt.ArrayLike) -> Array:
        """Responses at concentrations x.

        Parameters
        ----------
        x : array_like, shape (n,) or (n, N)

        Returns
        -------
        ndarray, shape (n, N)
        """
        return np.asarray(self.a + self.s * psi(_rows(x), self.theta, self.orientation))

    def invert(self, y: npt.ArrayLike) -> Array:
        """Ln concentration of responses y.

        Parameters
        ----------
        y : array_like, shape (..., N)

        Returns
        -------
        ndarray
            ln x; -inf below the curve's range of concentrations, +inf above it. NaN only where y
            is NaN or the curve was not fitted. A flat curve puts every y either below or above.
        """
        y = np.asarray(y, dtype=float)
        flat = self.s == 0
        with np.errstate(over="ignore"):  # a tiny span: the quotient is below or above anyway
            v = np.where(flat, np.where(y > self.a, 2.0, -1.0), 0.0) + (
                np.where(flat, 0.0 * y, y - self.a) / np.where(flat, 1.0, self.s)
            )
        return inverse_psi(v, self.theta, self.orientation)

    def jacobian(self, x: npt.ArrayLike) -> Array:
        """Derivatives of the responses with respect to (a, s, m, eta, k).

        Parameters
        ----------
        x : array_like, shape (n,) or (n, N)

        Returns
        -------
        ndarray, shape (5, n, N)
            dy/dlnx is minus the third.
        """
        shape, gradient = psi_gradient(_rows(x), self.theta, self.orientation)
        out = np.empty((5, *shape.shape))
        out[0] = 1.0
        out[1] = shape
        out[2:] = self.s * gradient
        return out

    def covariance(self, x: npt.ArrayLike, w: npt.ArrayLike, prior: Prior | None = None) -> Array:
        """Covariance of (a, s, m, eta, k): the inverse of J'WJ + P, w being 1/variance.

        A coordinate that lies on the box is treated as free, so that its uncertainty still reaches
        the predictions; the frozen asymmetry of a 4PL has variance 0. Directions that neither data
        nor prior determine get a very large variance, never a small one (a ridge of 1e-11 on the
        scaled matrix).

        Parameters
        ----------
        x : array_like, shape (n,) or (n, N)
            Concentrations of wells or levels.
        w : array_like, shape (n, N) or broadcast to it
            Their weights.
        prior : Prior, optional
            The one used in the fit.

        Returns
        -------
        ndarray, shape (N, 5, 5)
            NaN for curves that were not fitted.
        """
        J = self.jacobian(x)
        n_curves = self.a.size
        free = [0, 1, 2, 3] if self.model == "4pl" else [0, 1, 2, 3, 4]
        weighted = J * np.broadcast_to(np.asarray(w, dtype=float), J.shape[1:])
        information = np.einsum("inN,jnN->Nij", weighted[free], J[free])
        if prior is not None:
            precision = prior.spread(n_curves)[1]
            for position, coordinate in enumerate(free[2:], start=2):
                information[:, position, position] += precision[coordinate - 2]
        V = np.zeros((n_curves, 5, 5))
        V[:, : len(free), : len(free)] = _safe_inverse(information)  # k is the last
        return V


def _rows(x: npt.ArrayLike) -> Array:
    """Ln x as (n, 1) or (n, N)."""
    log_x = log_concentration(x)
    return log_x[:, None] if log_x.ndim == 1 else log_x


def _safe_inverse(information: Array) -> Array:
    """Inverse of (N, p, p) symmetric matrices, with a tiny ridge on their scaled form."""
    fitted = np.asarray(np.isfinite(information).all(axis=(1, 2)))
    size = information.shape[1]
    diagonal = np.sqrt(np.einsum("Nii->Ni", information))
    scale = np.where(fitted[:, None] & (diagonal > 0), diagonal, 1.0)
    scaled = np.where(fitted[:, None, None], information, 0.0)
    scaled = scaled / (scale[:, :, None] * scale[:, None, :]) + 1e-11 * np.eye(size)
    factor = np.linalg.inv(np.linalg.cholesky(scaled))
    inverse = factor.transpose(0, 2, 1) @ factor
    inverse /= scale[:, :, None] * scale[:, None, :]
    inverse[~fitted] = np.nan
    return np.asarray(inverse)
