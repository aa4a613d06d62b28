"""Rank tests for two arms and for pairs, exact with ties, and the Hodges-Lehmann shift.

The four tests live in modules of their own; this one holds the rank-sum test and gathers them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from cytokit.stats._arrays import Bools, Floats, Ints, finite_vector, fraction
from cytokit.stats.brunner_munzel import (
    BrunnerMunzel,
    brunner_munzel,
    brunner_munzel_intervals,
)
from cytokit.stats.gehan import gehan
from cytokit.stats.scores import (
    ALL_TIED,
    EMPTY_ARM,
    NO_POWER,
    RankSum,
    enumerable,
    exact_p,
    no_test,
    normal_p,
    sum_counts,
)
from cytokit.stats.signed import SignedRank, signed_rank

__all__ = [
    "BrunnerMunzel",
    "HodgesLehmann",
    "RankSum",
    "SignedRank",
    "brunner_munzel",
    "brunner_munzel_intervals",
    "doubled_midranks",
    "gehan",
    "hodges_lehmann",
    "rank_sum",
    "signed_rank",
]

#: why a shift has no interval although the arms differ
CONSTANT = "the values do not vary within the arms"


@dataclass(frozen=True, slots=True)
class HodgesLehmann:
    """A shift between two arms with its confidence interval; unpacks into three numbers.

    Parameters
    ----------
    estimate, low, high : float
        Shift treated minus control and its confidence limits, in the unit of the values.
    exact : bool
        Whether the interval inverts the exact test (no ties) or its normal approximation.
    reason : str
        Why numbers are missing or the interval has no ends; empty otherwise.
    """

    estimate: float
    low: float
    high: float
    exact: bool
    reason: str = ""

    def __iter__(self) -> Iterator[float]:
        return iter((self.estimate, self.low, self.high))


def doubled_midranks(values: Floats) -> Ints:
    """Twice the midranks of the values: whole numbers, ties included.

    Examples
    --------
    >>> doubled_midranks(np.array([3.0, 1.0, 3.0]))
    array([5, 2, 5])
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((2 * last - counts + 1)[place], dtype=np.int64)


def rank_sum(treated: ArrayLike, control: ArrayLike) -> RankSum:
    """Wilcoxon-Mann-Whitney rank-sum test, exact with ties.

    Parameters
    ----------
    treated, control : array_like, shape (n,)
        Finite values of the two arms; any monotone scale.

    Returns
    -------
    RankSum
        ``statistic`` is the number of pairs in which treated exceeds control, ties counted one
        half (``W`` of R's ``wilcox.test``). The p-value is conditional on the ties, two-sided by
        distance from the mean, equal to ``coin::wilcox_test(distribution = exact())``. Beyond
        about 130 v 130 (110 v 110 with ties) the normal approximation with continuity correction
        is used and ``exact`` is False.

    Raises
    ------
    UsageError
        CK-450 where a value is not finite, CK-451 where an arm is not one-dimensional.

    References
    ----------
    Streitberg B, Röhmel J (1986) Exact distributions for permutation and rank tests.
    Statistical Software Newsletter 12:10-17.

    Examples
    --------
    >>> result = rank_sum([4.0, 5.0, 6.0, 7.0], [1.0, 2.0, 3.0, 3.0])
    >>> result.statistic, round(result.p, 6), result.exact
    (16.0, 0.028571, True)
    """
    high, low = finite_vector(treated, "treated"), finite_vector(control, "control")
    if not high.size or not low.size:
        return no_test(math.nan, EMPTY_ARM)
    scores, labels = _pooled_ranks(high, low)
    statistic = scores[labels].sum() / 2 - high.size * (high.size + 1) / 2
    if np.ptp(scores) == 0:
        return no_test(float(statistic), ALL_TIED)
    if not enumerable(scores, high.size):
        return RankSum(float(statistic), normal_p(scores, labels, 1.0), False, math.nan)
    p, p_min = exact_p(scores, labels)
    return RankSum(float(statistic), p, True, p_min, NO_POWER if p_min >= 1 - 1e-12 else "")


def hodges_lehmann(treated: ArrayLike, control: ArrayLike, level: float = 0.95) -> HodgesLehmann:
    """Hodges-Lehmann shift treated minus control with the rank test's confidence interval.

    On log concentrations the exponential of each number is a ratio treated/control.

    Parameters
    ----------
    treated, control : array_like, shape (n,)
        Finite values; logarithms for ratios.
    level : float
        Confidence level.

    Returns
    -------
    HodgesLehmann
        Unpacks into estimate, low, high. The estimate is the median of all pairwise differences.
        Without ties the interval inverts the exact test, as R's ``wilcox.test(exact = TRUE,
        conf.int = TRUE)``. With ties R falls back to the normal approximation with continuity
        correction and so does this function; the limits are the pairwise differences at which the
        approximate test changes its verdict, which R's root search meets only to within its
        tolerance of 1e-4. Where the arms are too small for the level, the interval has no ends
        and ``reason`` says so.

    Raises
    ------
    UsageError
        CK-450 where a value is not finite, CK-456 where the level is not between 0 and 1.

    References
    ----------
    Bauer DF (1972) Constructing confidence sets using rank statistics. JASA 67:687-690.

    Examples
    --------
    >>> estimate, low, high = hodges_lehmann([5.0, 6.2, 7.4, 9.1], [1.0, 2.1, 3.3, 4.6])
    >>> round(estimate, 3), round(low, 3), round(high, 3)
    (4.1, 0.4, 8.1)
    """
    x, y = finite_vector(treated, "treated"), finite_vector(control, "control")
    fraction(level, "level")
    if not x.size or not y.size:
        return HodgesLehmann(math.nan, math.nan, math.nan, False, EMPTY_ARM)
    differences = np.sort(np.subtract.outer(x, y), axis=None)
    estimate = float(np.median(differences))
    if differences.size > 1 and np.ptp(differences) == 0:
        reason = ALL_TIED if estimate == 0 else CONSTANT
        return HodgesLehmann(estimate, math.nan, math.nan, False, reason)
    scores, _ = _pooled_ranks(x, y)
    untied = np.unique(scores).size == scores.size
    if untied and enumerable(scores, x.size):
        low, high = _exact_limits(differences, scores, x.size, level)
        reason = "" if math.isfinite(low) else _too_few(level)
        return HodgesLehmann(estimate, low, high, True, reason)
    if 2 / math.comb(x.size + y.size, x.size) > (1 - level) * (1 + 1e-12):
        # complete separation is no evidence at this level: no shift can be excluded
        return HodgesLehmann(estimate, -math.inf, math.inf, False, _too_few(level))
    low, high = _normal_limits(differences, x, y, level)
    return HodgesLehmann(estimate, low, high, False)


def _too_few(level: float) -> str:
    return f"too few values for a {level:.0%} interval"


def _pooled_ranks(treated: Floats, control: Floats) -> tuple[Ints, Bools]:
    """Doubled midranks of the pooled values, and which of them are treated."""
    labels = np.arange(treated.size + control.size) < treated.size
    return doubled_midranks(np.concatenate((treated, control))), labels


def _exact_limits(
    differences: Floats, scores: Ints, n_treated: int, level: float
) -> tuple[float, float]:
    """Limits from the exact distribution of W; unbounded where no order statistic will do."""
    counts = sum_counts(np.arange(scores.size), n_treated)
    counts = counts[n_treated * (n_treated - 1) // 2 :]
    below = np.cumsum(counts) / counts.sum()
    tail = (1 - level) / 2
    # The 1e-12 keeps a probability that equals the tail exactly on the same side as R does.
    quantile = int(np.searchsorted(below, tail * (1 - 1e-12), side="left"))
    if quantile == 0:
        return -math.inf, math.inf
    return float(differences[quantile - 1]), float(differences[differences.size - quantile])


def _normal_limits(differences: Floats, x: Floats, y: Floats, level: float) -> tuple[float, float]:
    """Pairwise differences at which the approximate test of a shift changes its verdict."""
    steps = np.unique(differences)
    quantile = float(ndtri((1 + level) / 2))
    return _crossing(steps, x, y, quantile), _crossing(steps, x, y, -quantile)


def _crossing(steps: Floats, x: Floats, y: Floats, quantile: float) -> float:
    """The step at which the standardised statistic, falling in the shift, passes the quantile.

    It is looked up between the steps: on a step itself, rounding decides which values are tied.
    """
    beside = (steps[:-1] + steps[1:]) / 2
    first, last = 0, beside.size
    while first < last:
        middle = (first + last) // 2
        if _standardised(x, y, beside[middle]) > quantile:
            first = middle + 1
        else:
            last = middle
    return float(steps[first])


def _standardised(x: Floats, y: Floats, shift: float) -> float:
    """R's standardised rank-sum statistic of x - shift against y, continuity-corrected."""
    n, m = x.size, y.size
    scores, labels = _pooled_ranks(x - shift, y)
    distance = scores[labels].sum() / 2 - n * (n + 1) / 2 - n * m / 2
    _, ties = np.unique(scores, return_counts=True)
    total = n + m
    spread = n * m / 12 * (total + 1 - (ties**3 - ties).sum() / (total * (total - 1)))
    if spread <= 0:
        return 0.0
    return float((distance - np.sign(distance) * 0.5) / math.sqrt(spread))
