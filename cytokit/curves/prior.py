"""Weak knowledge of a curve's shape, in the objective's own units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cytokit.curves.model import Array
from cytokit.errors import Problem, UsageError


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent normal priors on theta = (m, eta, k).

    The objective is sum w r^2 + sum precision (theta - mean)^2, so that precision is 1/variance
    where w is 1/variance.

    Parameters
    ----------
    mean : ndarray, shape (3, 1) or (3, N)
    precision : ndarray, shape (3, 1) or (3, N)
        Not negative; 0 says nothing.

    Raises
    ------
    UsageError
        CK-306: not of these shapes, not finite, or a negative precision.

    Examples
    --------
    >>> Prior([[5.0], [-1.0], [0.0]], [[0.0], [0.0], [1.0]]).precision.shape
    (3, 1)
    """

    mean: Array
    precision: Array

    def __post_init__(self) -> None:
        for name in ("mean", "precision"):
            values = np.array(getattr(self, name), dtype=float)
            if values.ndim != 2 or values.shape[0] != 3 or not np.isfinite(values).all():
                raise UsageError(
                    _problem(f"prior {name} has shape {values.shape}, or is not finite")
                )
            object.__setattr__(self, name, values)
        if (self.precision < 0).any():
            raise UsageError(_problem("prior precision is negative"))

    def spread(self, n_curves: int) -> tuple[Array, Array]:
        """Mean and precision as (3, N) arrays."""
        for values in (self.mean, self.precision):
            if values.shape[1] not in (1, n_curves):
                raise UsageError(
                    _problem(f"the prior holds {values.shape[1]} curves, the data {n_curves}")
                )
        shape = (3, n_curves)
        mean, precision = (np.broadcast_to(v, shape) for v in (self.mean, self.precision))
        return np.ascontiguousarray(mean), np.ascontiguousarray(precision)


def weak_prior(x: npt.ArrayLike) -> Prior:
    """The default prior of one dilution series.

    k ~ N(0, 1), eta ~ N(ln .35, 2), m ~ N(0.6 of the way from the lowest to the highest standard
    in ln x, 8). Nearly unimodal objectives at no measurable cost in accuracy.

    Parameters
    ----------
    x : array_like, shape (n,)
        Concentrations of the levels; at least one positive.

    Returns
    -------
    Prior

    Examples
    --------
    >>> weak_prior([0.0, 1.0, np.e**10]).mean.ravel().round(3)
    array([ 6.  , -1.05,  0.  ])
    """
    x = np.asarray(x, dtype=float)
    positive = np.log(x[x > 0])
    if positive.size == 0:
        raise UsageError(_problem("no positive concentration to centre the prior on"))
    low, high = positive.min(), positive.max()
    mean = np.array([[low + 0.6 * (high - low)], [np.log(0.35)], [0.0]])
    return Prior(mean, 1.0 / np.array([[8.0], [2.0], [1.0]]) ** 2)


def _problem(what: str) -> Problem:
    """The one complaint about priors."""
    return Problem(
        "CK-306", what, mend="give mean and precision as arrays of shape (3, 1) or (3, N)"
    )
