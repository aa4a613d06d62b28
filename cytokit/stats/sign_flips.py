"""Step-down maxT by flipping the signs of whole subjects.

Under the null hypothesis a subject's changes are symmetric about zero, all analytes together, so
that every pattern of signs is as likely (Westfall and Young 1993, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from cytokit.stats._arrays import Floats

#: Up to this many sign patterns all are visited.
EXACT_LIMIT = 10**6
_CHUNK = 4096
# Statistics closer than this are the same one, seen through rounding.
_SAME = 1e-10


def sign_flip_max_t(
    changes: Floats, *, draws: int = 100_000, seed: int = 0
) -> tuple[Floats, int | None]:
    """Adjusted p of every analyte's mean change.

    Parameters
    ----------
    changes : ndarray, shape (n, m)
        One row per subject, one column per analyte; NaN where missing. A column without a number
        is not tested.
    draws : int
        Monte Carlo draws where there are more than a million sign patterns.
    seed : int
        Seed of the draws.

    Returns
    -------
    p_adjusted : ndarray, shape (m,)
        NaN where not tested.
    seed : int or None
        None where all patterns were visited.

    Examples
    --------
    >>> p, seed = sign_flip_max_t(np.array([[1.0, 0.2], [2.0, -0.1], [1.5, 0.1], [1.2, -0.3]]))
    >>> p.tolist(), seed
    ([0.125, 1.0], None)
    """
    present = np.isfinite(changes)
    filled = np.where(present, changes, 0.0)
    size = np.maximum(present.sum(axis=0), 1)
    squares = (filled**2).sum(axis=0)
    tested = np.flatnonzero((present.sum(axis=0) >= 2) & (squares > 0))
    adjusted = np.full(changes.shape[1], np.nan)
    if not tested.size:
        return adjusted, None
    filled, size, squares = filled[:, tested], size[tested], squares[tested]

    def statistic(signs: Floats) -> Floats:
        # |t| rises with |mean| as the sum of squares does not change: t^2 = (n-1) r / (1 - r)
        share = np.minimum((signs @ filled) ** 2 / size / squares, 1.0)
        return np.asarray(np.sqrt((size - 1) * share / np.maximum(1.0 - share, 1e-12)))

    adjusted[tested], used = step_down(statistic, len(changes), draws=draws, seed=seed)
    return adjusted, used


def step_down(
    statistic: Callable[[Floats], Floats], n: int, *, draws: int, seed: int
) -> tuple[Floats, int | None]:
    """Step-down maxT of a statistic over the sign patterns of n subjects.

    Parameters
    ----------
    statistic : callable
        Of signs, shape (rows, n), the sizes of the statistics, shape (rows, m); the data as they
        are have all signs +1.
    n : int
    draws : int
        Monte Carlo draws where there are more than a million patterns.
    seed : int

    Returns
    -------
    p_adjusted : ndarray, shape (m,)
    seed : int or None
        None where all patterns were visited.
    """
    exact = 2**n <= EXACT_LIMIT
    observed = statistic(np.ones((1, n)))[0]
    order = np.argsort(-observed, kind="stable")
    least = observed[order] * (1 - _SAME) - _SAME
    beyond = np.zeros(order.size, dtype=np.int64)
    for signs in _all_signs(n) if exact else _drawn_signs(n, draws, seed):
        values = statistic(signs)[:, order]
        largest = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
        beyond += (largest >= least).sum(axis=0)
    adjusted = np.empty(order.size)
    raw = beyond / 2**n if exact else (beyond + 1) / (draws + 1)
    adjusted[order] = np.maximum.accumulate(raw)
    return adjusted, None if exact else seed


def _all_signs(n: int) -> Iterator[NDArray[np.float64]]:
    """Every pattern of n signs, in blocks."""
    bits = np.arange(n)
    for start in range(0, 2**n, _CHUNK):
        number = np.arange(start, min(start + _CHUNK, 2**n))
        yield np.asarray(1 - 2 * ((number[:, None] >> bits) & 1), dtype=np.float64)


def _drawn_signs(n: int, draws: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Random patterns of n signs, in blocks."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        flips = rng.integers(0, 2, (min(_CHUNK, draws - start), n))
        yield np.asarray(1 - 2 * flips, dtype=np.float64)
