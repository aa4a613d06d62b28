"""Covariance of fitted parameters, whatever the weights they were fitted with."""

from __future__ import annotations

import numpy as np

from cytokit.curves.arrays import CurveArrays
from cytokit.curves.model import Array

RIDGE = 1e-11


def sandwich(
    curves: CurveArrays,
    log_x: Array,
    weight: Array,
    precision: Array,
    shared: Array,
    counts: Array | float = 1.0,
) -> Array:
    """Covariance (N, 5, 5) of (lower, upper, m, eta, k) under the curves' variance model.

    With weights 1 / variance and independent wells it is (J'WJ + P)^-1, else P. J. Huber's
    sandwich.

    Parameters
    ----------
    curves : CurveArrays
        Their own covariance is not used.
    log_x : (n, N) array
        Relative ln x of the levels.
    weight : (n, R, N) array
        Of single wells; 0 where there is none.
    precision : (3, N) array
        Of the prior on (m, eta, k).
    shared : (n, n, N) array
        Covariance of the levels' ln concentrations.
    counts : (n, R, N) array or float
        Wells that each reading is the mean of.

    Returns
    -------
    (N, 5, 5) array
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


def _products(left: Array, right: Array) -> Array:
    """Sums over levels (N, 5, 5) of products of (5, n, N) arrays, always in the same order."""
    return _over_levels(left[:, None] * right[None]).transpose(2, 0, 1)


def _over_levels(values: Array) -> Array:
    """Sum over the second axis from the end, level after level: no company changes a last bit."""
    out = values[..., 0, :].copy()
    for level in range(1, values.shape[-2]):
        out += values[..., level, :]
    return out
