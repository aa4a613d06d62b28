"""Gehan's rank test for values that are out of range on either side, permuted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cytokit.stats._arrays import Bools, Floats, Ints, intervals, whole_number
from cytokit.stats.scores import (
    EMPTY_ARM,
    NO_POWER,
    RankSum,
    drawn_p,
    enumerable,
    exact_p,
    no_test,
)

UNDECIDED = "no value is surely above another"


def gehan(
    lower_t: ArrayLike,
    upper_t: ArrayLike,
    lower_c: ArrayLike,
    upper_c: ArrayLike,
    *,
    seed: int = 0,
    draws: int = 100_000,
) -> RankSum:
    """Rank test of intervals: surely above minus surely below, permuted.

    Each value's score is the number of values it surely exceeds minus the number that surely
    exceed it; the treated arm's sum of scores is referred to its permutation distribution.

    Parameters
    ----------
    lower_t, upper_t : array_like, shape (n,)
        Limits of the treated values: equal where the value is known, ``-inf .. limit`` below
        range, ``limit .. inf`` above range. Limits themselves count as outside an open interval,
        so a value of 5 surely exceeds "<5".
    lower_c, upper_c : array_like, shape (m,)
        The same for the control arm.
    seed : int
        Seed of the Monte Carlo draws, used only where the distribution is too large to enumerate.
    draws : int
        Number of those draws.

    Returns
    -------
    RankSum
        ``statistic`` counts the pairs in which treated surely exceeds control, undecided pairs
        one half. Without intervals it is :func:`cytokit.stats.ranks.rank_sum`.

    Raises
    ------
    UsageError
        CK-451 and CK-452 where limits do not match, are reversed or both infinite, CK-456 where
        draws or seed are not whole numbers.

    References
    ----------
    Gehan EA (1965) A generalized two-sample Wilcoxon test for doubly censored data.
    Biometrika 52:650-653.

    Examples
    --------
    >>> inf = float("inf")
    >>> result = gehan([8.0, 9.0, 20.0], [8.0, 9.0, inf], [-inf, 3.0, 4.0], [2.0, 3.0, 4.0])
    >>> result.statistic, result.p
    (9.0, 0.1)
    """
    whole_number(draws, "draws", 1)
    whole_number(seed, "seed", 0)
    low_t, high_t = intervals(lower_t, upper_t, "treated")
    low_c, high_c = intervals(lower_c, upper_c, "control")
    if not low_t.size or not low_c.size:
        return no_test(math.nan, EMPTY_ARM)
    scores = gehan_scores(np.concatenate((low_t, low_c)), np.concatenate((high_t, high_c)))
    labels = np.arange(scores.size) < low_t.size
    statistic = float(scores[labels].sum() + low_t.size * low_c.size) / 2
    if np.ptp(scores) == 0:
        return no_test(statistic, UNDECIDED)
    if enumerable(scores, low_t.size):
        p, p_min = exact_p(scores, labels)
        return RankSum(statistic, p, True, p_min, NO_POWER if p_min >= 1 - 1e-12 else "")
    p = drawn_p(scores, labels, draws, seed)
    return RankSum(statistic, p, False, 1 / (draws + 1), "", draws, seed)


def gehan_scores(lower: Floats, upper: Floats) -> Ints:
    """For each interval, how many others it surely exceeds minus how many surely exceed it.

    Parameters
    ----------
    lower, upper : ndarray, shape (n,)
        Limits, equal where the value is known.

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> inf = float("inf")
    >>> gehan_scores(np.array([-inf, 5.0, 7.0]), np.array([5.0, 5.0, inf]))
    array([-2,  0,  2])
    """
    surely = surely_above(lower, upper)
    return np.asarray(surely.sum(axis=1) - surely.sum(axis=0), dtype=np.int64)


def surely_above(lower: Floats, upper: Floats) -> Bools:
    """For each pair of intervals, whether the row's surely exceeds the column's.

    Parameters
    ----------
    lower, upper : ndarray, shape (n,)
        Limits, equal where the value is known.

    Returns
    -------
    ndarray of bool, shape (n, n)

    Examples
    --------
    >>> inf = float("inf")
    >>> surely_above(np.array([-inf, 5.0]), np.array([5.0, 5.0])).tolist()
    [[False, False], [True, False]]
    """
    known = lower == upper
    both_known = known[:, None] & known[None, :]
    above = lower[:, None] > upper[None, :]
    touching = (lower[:, None] == upper[None, :]) & ~both_known
    # An interval touches itself only if it is a point, so the diagonal stays False.
    return np.asarray(above | touching)
