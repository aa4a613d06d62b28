"""Sums over the levels: in a fixed order, and of the shape's second derivatives."""

from __future__ import annotations

import numpy as np

from cytokit.curves.model import Array


def ordered_sum(v: Array) -> Array:
    """Sum over the levels (second axis from the end) in order, whatever the number of curves.

    Parameters
    ----------
    v : ndarray, shape (..., n, N)

    Returns
    -------
    ndarray, shape (..., N)

    Examples
    --------
    >>> ordered_sum(np.ones((3, 2)))
    array([3., 3.])
    """
    if v.shape[-1] == 1:  # numpy would sum a single column pairwise: other last bits
        return np.asarray(np.repeat(v, 2, axis=-1).sum(axis=-2)[..., :1])
    return np.asarray(v.sum(axis=-2))


def psi_bending(log_x: Array, theta: Array, pull: Array, orientation: int = 1) -> Array:
    """Second derivatives of the shape with respect to (m, eta, k), summed over the levels.

    Parameters
    ----------
    log_x : ndarray, shape (n, 1) or (n, N)
    theta : ndarray, shape (3, N)
    pull : ndarray, shape (n, N)
        Weights of the levels in the sum.
    orientation : {1, -1}

    Returns
    -------
    ndarray, shape (3, 3, N)

    Examples
    --------
    >>> psi_bending(np.array([[5.0]]), np.array([[5.0], [0.0], [0.0]]), np.ones((1, 1))).shape
    (3, 3, 1)
    """
    m, eta, k = theta
    g = np.exp(k)
    log_ratio = np.log1p(1.0 / g)
    b = np.exp(eta + (1.0 + g) * log_ratio)
    bend = g * log_ratio - 1.0  # d ln b / dk
    bend_k = g * (log_ratio - 1.0 / (1.0 + g))
    tk = (orientation * b) * (log_x - m)
    t = tk - k
    softplus = np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))
    q = np.exp(-g * softplus)
    expit = np.exp(np.minimum(t, 0.0) - np.log1p(np.exp(-np.abs(t))))
    first = g * q * expit * pull  # d psi / dt
    second = first * (1.0 - (1.0 + g) * expit)
    shrink = 1.0 - g * softplus
    mixed = first * shrink  # d2 psi / dt dk at constant t
    t_k = tk * bend - 1.0
    sums = {
        "mm": b * b * ordered_sum(second),
        "me": -orientation * b * ordered_sum(second * tk + first),
        "mk": -orientation * b * ordered_sum(second * t_k + first * bend + mixed),
        "ee": ordered_sum((second * tk + first) * tk),
        "ek": ordered_sum((second * t_k + first * bend + mixed) * tk),
        "kk": ordered_sum(
            (second * t_k + 2.0 * mixed) * t_k
            + first * tk * (bend * bend + bend_k)
            + pull * g * q * softplus * shrink
        ),
    }
    rows = [["mm", "me", "mk"], ["me", "ee", "ek"], ["mk", "ek", "kk"]]
    return orientation * np.stack([np.stack([sums[name] for name in row]) for row in rows])
