"""Exact permutation distribution of a sum of integer scores: the core of the rank tests.

The shift algorithm of Streitberg and Röhmel (1986) counts, for every attainable sum, the ways of
choosing one arm's subjects out of all. Doubled midranks and Gehan scores are integers, so ties and
censoring need no approximation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from cytokit.stats._arrays import Bools, Floats, Ints

#: Additions that the shift algorithm may cost (about a second); beyond it, no exact p.
SHIFT_LIMIT = 10**9
#: log of the largest number of arrangements that double precision can hold.
_LOG_COUNT_LIMIT = 700.0
_CHUNK = 4096

EMPTY_ARM = "an arm is empty"
ALL_TIED = "all values are tied"
NO_POWER = "no arrangement of these values could give a p below 1"


@dataclass(frozen=True, slots=True)
class RankSum:
    """What a two-sample rank test says.

    Parameters
    ----------
    statistic : float
        Pairs in which treated exceeds control, undecided pairs counted one half (``W`` of R).
    p : float
        Two-sided p-value; NaN where there is nothing to test.
    exact : bool
        Whether ``p`` comes from the complete permutation distribution.
    p_min : float
        The smallest p that any arrangement of the same values could reach.
    reason : str
        Why ``p`` is NaN, or why it cannot be small; empty otherwise.
    draws, seed : int or None
        Monte Carlo draws and their seed, where ``p`` was drawn.
    """

    statistic: float
    p: float
    exact: bool
    p_min: float
    reason: str = ""
    draws: int | None = None
    seed: int | None = None


def no_test(statistic: float, reason: str) -> RankSum:
    """A result without a p-value, with the reason."""
    return RankSum(statistic, math.nan, False, math.nan, reason)


def enumerable(scores: Ints, size: int) -> bool:
    """Whether the shift algorithm is affordable for sums of ``size`` of these scores."""
    size = min(size, scores.size - size)
    small = np.sort(_reduced(scores))
    cost = scores.size * size * (int(small[-size:].sum()) + 1)
    return cost <= SHIFT_LIMIT and _log_choose(scores.size, size) < _LOG_COUNT_LIMIT


def sum_counts(scores: Ints, size: int) -> Floats:
    """Number of ways to choose ``size`` scores with each sum 0, 1, 2 ... (scores >= 0).

    Parameters
    ----------
    scores : ndarray of int, shape (n,)
        Non-negative scores.
    size : int
        How many are chosen.

    Returns
    -------
    ndarray, shape (largest sum + 1,)
        Counts, as floats (exact below 2**53, relative error near 1e-15 above).

    Examples
    --------
    >>> sum_counts(np.array([1, 2, 3, 4]), 2)
    array([0., 0., 0., 1., 1., 2., 1., 1.])
    """
    ordered = np.sort(scores).astype(np.int64)
    return np.array(_sum_counts(ordered.tobytes(), size))


@lru_cache(maxsize=64)
def _sum_counts(ordered_bytes: bytes, size: int) -> Floats:
    """The shift algorithm, remembered: without ties every analyte of a study asks the same."""
    ordered = np.frombuffer(ordered_bytes, dtype=np.int64)
    n = ordered.size
    partial = np.concatenate(([0], np.cumsum(ordered)))
    counts = np.zeros((size + 1, int(partial[n] - partial[n - size]) + 1))
    counts[0, 0] = 1.0
    for i, score in enumerate(ordered.tolist()):
        first, last = max(1, size - (n - 1 - i)), min(i + 1, size)
        reach = int(partial[i + 1] - partial[max(0, i + 1 - size)])
        counts[first : last + 1, score : reach + 1] += counts[first - 1 : last, : reach + 1 - score]
    return np.array(counts[size])


def exact_p(scores: Ints, treated: Bools) -> tuple[float, float]:
    """Two-sided p and smallest attainable p of the sum of the treated arm's scores.

    Two-sided means: at least as far from the permutation mean as observed (as in R's coin).
    """
    size = int(treated.sum())
    chosen = treated if 2 * size <= scores.size else ~treated
    size = min(size, scores.size - size)
    small = _reduced(scores)
    counts = sum_counts(small, size)
    sums = np.flatnonzero(counts)
    deviation = np.abs(sums * scores.size - size * int(small.sum()))
    observed = abs(int(small[chosen].sum()) * scores.size - size * int(small.sum()))
    ways = counts[sums]
    total = ways.sum()
    p = ways[deviation >= observed].sum() / total
    p_min = ways[deviation == deviation.max()].sum() / total
    return float(p), float(p_min)


def drawn_p(scores: Ints, treated: Bools, draws: int, seed: int) -> float:
    """Two-sided Monte Carlo p, (b + 1)/(draws + 1), of the sum of the treated arm's scores."""
    rng = np.random.default_rng(seed)
    n, size = scores.size, int(treated.sum())
    centred = scores * n - int(scores.sum())
    observed = abs(int(centred[treated].sum()))
    beyond = 0
    for start in range(0, draws, _CHUNK):
        rows = min(_CHUNK, draws - start)
        shuffled = rng.permuted(np.broadcast_to(centred, (rows, n)), axis=1)
        beyond += int((np.abs(shuffled[:, :size].sum(axis=1)) >= observed).sum())
    return (beyond + 1) / (draws + 1)


def normal_p(scores: Ints, treated: Bools, step: float) -> float:
    """Two-sided normal approximation with a continuity correction of ``step``."""
    n, size = scores.size, int(treated.sum())
    mean = scores.mean()
    spread = ((scores - mean) ** 2).sum() * size * (n - size) / (n * (n - 1))
    distance = max(abs(scores[treated].sum() - size * mean) - step, 0.0)
    return float(min(1.0, 2 * ndtr(-distance / math.sqrt(spread))))


def _reduced(scores: Ints) -> Ints:
    """The scores moved to begin at 0 and divided by their common divisor."""
    moved = scores - scores.min()
    return np.asarray(moved // max(int(np.gcd.reduce(moved)), 1), dtype=np.int64)


def _log_choose(n: int, k: int) -> float:
    """Natural log of the binomial coefficient."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
