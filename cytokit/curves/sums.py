"""Sums over the levels, in a fixed order: a curve's result has the same bits in any company."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cytokit.curves.model import Array

Index = npt.NDArray[np.intp]
SUBSCRIPTS = {(2, 2): "in,in->n", (3, 2): "jin,in->jn", (3, 3): "jin,kin->jkn"}


def never_alone(index: Index) -> Index:
    """At least two curves: numpy sums a lone column in another order, with other last bits.

    Examples
    --------
    >>> never_alone(np.array([3])), never_alone(np.array([3, 5]))
    (array([3, 3]), array([3, 5]))
    """
    return np.repeat(index, 2) if index.size == 1 else index


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


def dot(u: Array, v: Array) -> Array:
    """Sum over the levels of a product, in order, whatever the number of curves.

    Parameters
    ----------
    u, v : ndarray, shape (n, N) or a stack (j, n, N)

    Returns
    -------
    ndarray, shape (N,), (j, N), or (j, k, N) for two stacks

    Examples
    --------
    >>> dot(np.ones((2, 3, 2)), np.ones((3, 2)))
    array([[3., 3.],
           [3., 3.]])
    """
    if v.shape[-1] == 1:
        return dot(np.repeat(u, 2, axis=-1), np.repeat(v, 2, axis=-1))[..., :1]
    return np.asarray(np.einsum(SUBSCRIPTS[u.ndim, v.ndim], u, v))
