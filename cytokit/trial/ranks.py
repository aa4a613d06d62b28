"""Rank tests for two arms and for pairs, exact with ties, and the Hodges-Lehmann shift.

The four tests live in modules of their own; this one holds the rank-sum test and gathers them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, ndtr, ndtri

from cytokit.arrays import Bools, Floats, Ints
from cytokit.errors import Problem, UsageError
from cytokit.trial.arguments import codes, finite_vector, fraction, intervals, one_of, whole_number
from cytokit.trial.permutation import arrangements

# Exact permutation distribution of a sum of integer scores: the core of the rank tests.


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
    """What a two-sample rank test says."""

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
    """Number of ways to choose ``size`` scores with each sum 0, 1, 2 ... (scores >= 0)."""
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


# Gehan's rank test for values that are out of range on either side, permuted.


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

    Gehan EA (1965) A generalized two-sample Wilcoxon test for doubly censored data.
    Biometrika 52:650-653.
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
    """For each interval, how many others it surely exceeds minus how many surely exceed it."""
    surely = surely_above(lower, upper)
    return np.asarray(surely.sum(axis=1) - surely.sum(axis=0), dtype=np.int64)


def surely_above(lower: Floats, upper: Floats) -> Bools:
    """For each pair of intervals, whether the row's surely exceeds the column's."""
    known = lower == upper
    both_known = known[:, None] & known[None, :]
    above = lower[:, None] > upper[None, :]
    touching = (lower[:, None] == upper[None, :]) & ~both_known
    # An interval touches itself only if it is a point, so the diagonal stays False.
    return np.asarray(above | touching)


# Brunner and Munzel's test of stochastic superiority, permuted, also on complete separation.


# Statistics closer than this are the same one, seen through rounding.
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class BrunnerMunzel:
    """What the Brunner-Munzel test says."""

    statistic: float
    p: float
    p_superiority: float
    exact: bool
    reason: str = ""
    draws: int | None = None
    seed: int | None = None


def brunner_munzel(
    treated: ArrayLike, control: ArrayLike, *, seed: int = 0, draws: int = 100_000
) -> BrunnerMunzel:
    """Permuted Brunner-Munzel test: two arms of unequal spread, any scale, ties allowed.

    Neubert K, Brunner E (2007) A studentized permutation test for the non-parametric
    Behrens-Fisher problem. Computational Statistics and Data Analysis 51:5192-5204. Pauly M,
    Asendorf T, Konietschke F (2016) Permutation-based inference for the AUC. Biometrical Journal
    58:1319-1337, for the tails apart: arms of unequal size give them different shapes.
    """
    x, y = finite_vector(treated, "treated"), finite_vector(control, "control")
    result = brunner_munzel_intervals(x, x, y, y, seed=seed, draws=draws)
    return replace(result, reason=ALL_TIED) if result.reason == UNDECIDED else result


def brunner_munzel_intervals(
    lower_t: ArrayLike,
    upper_t: ArrayLike,
    lower_c: ArrayLike,
    upper_c: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    seed: int = 0,
    draws: int = 100_000,
) -> BrunnerMunzel:
    """Permuted Brunner-Munzel test of values that may be out of range on either side.

    Gehan's test refers the same count of pairs to its permutation distribution as it is; here it is
    divided by its standard error first, which keeps the error near its level also where the arms
    differ in size and spread.

    Neubert and Brunner (2007), as above, for ties; Gehan EA (1965) Biometrika 52:650-653 for what
    an undecided pair counts.
    """
    whole_number(draws, "draws", 1)
    whole_number(seed, "seed", 0)
    low_t, high_t = intervals(lower_t, upper_t, "treated")
    low_c, high_c = intervals(lower_c, upper_c, "control")
    if not low_t.size or not low_c.size:
        return BrunnerMunzel(math.nan, math.nan, math.nan, False, EMPTY_ARM)
    surely = surely_above(np.concatenate((low_t, low_c)), np.concatenate((high_t, high_c)))
    exceeds = 0.5 + (surely.astype(np.float64) - surely.T) / 2
    labels = np.arange(len(exceeds)) < low_t.size
    superiority = float(exceeds[labels][:, ~labels].mean())
    if min(low_t.size, low_c.size) < 2:
        return BrunnerMunzel(math.nan, math.nan, superiority, False, "an arm has one value")
    if not surely.any():
        return BrunnerMunzel(math.nan, math.nan, superiority, False, UNDECIDED)
    observed = float(_statistics(exceeds, labels[None, :].astype(np.float64))[0])
    within = None if strata is None else codes(strata, labels.size, "strata")
    plan = arrangements(labels, within, draws=draws, seed=seed, limit=draws)
    least, most = _neighbours(observed)
    above = below = 0
    for block in plan.labels():
        statistics = _statistics(exceeds, block)
        above += int((statistics >= least).sum())
        below += int((statistics <= most).sum())
    p = min(1.0, 2 * min(above, below) / plan.visited)
    drawn = None if plan.exact else draws
    return BrunnerMunzel(observed, p, superiority, plan.exact, "", drawn, plan.seed)


def _neighbours(statistic: float) -> tuple[float, float]:
    """The smallest and the largest statistic that count as equal to this one."""
    if math.isinf(statistic):
        return statistic, statistic
    room = _SAME * (1 + abs(statistic))
    return statistic - room, statistic + room


def _statistics(exceeds: Floats, labels: Floats) -> Floats:
    """Studentised statistic of each row of labels; placements are one matrix product."""
    n_total = exceeds.shape[0]
    n = labels[0].sum()
    m = n_total - n
    in_treated = labels @ exceeds.T
    # Placements: how many of the other arm each value exceeds.
    of_treated = (exceeds.sum(axis=1) - in_treated) * labels
    of_control = in_treated * (1 - labels)
    mean_t, mean_c = of_treated.sum(axis=1) / n, of_control.sum(axis=1) / m
    squares_t = np.einsum("ij,ij->i", of_treated, of_treated)
    squares_c = np.einsum("ij,ij->i", of_control, of_control)
    spread_t = (squares_t - n * mean_t**2) / (n - 1)
    spread_c = (squares_c - m * mean_c**2) / (m - 1)
    difference = mean_t / m - 0.5
    variance = spread_t / (n * m**2) + spread_c / (m * n**2)
    separated = variance <= _SAME / n_total**3
    statistic = difference / np.sqrt(np.where(separated, 1.0, variance))
    infinite = np.where(np.abs(difference) > _SAME, np.copysign(np.inf, difference), 0.0)
    return np.asarray(np.where(separated, infinite, statistic), dtype=np.float64)


# Wilcoxon's signed-rank test for pairs, exact with ties and zeros.


#: Differences are rounded to this many decimals: log ratios of equal ratios differ by rounding.
DECIMALS = 10
ZERO_METHODS = ("wilcoxon", "pratt")
_SHIFT_LIMIT = 10**9


@dataclass(frozen=True, slots=True)
class SignedRank:
    """What the signed-rank test says."""

    statistic: float
    p: float
    n_used: int
    p_min: float
    exact: bool
    reason: str = ""


def signed_rank(differences: ArrayLike, *, zero_method: str = "wilcoxon") -> SignedRank:
    """Exact signed-rank test that the differences are symmetric about zero.

    Pratt JW (1959) Remarks on zeros and ties in the Wilcoxon signed rank procedures.
    JASA 54:655-667.
    """
    one_of(zero_method, ZERO_METHODS, "zero_method")
    rounded = np.round(finite_vector(differences, "differences"), DECIMALS)
    used = rounded != 0
    n_used = int(used.sum())
    if n_used == 0:
        reason = "every difference is zero" if rounded.size else "no pair has both values"
        return SignedRank(math.nan, math.nan, 0, math.nan, False, reason)
    ranks = _doubled_ranks(rounded, zero_method)[used]
    doubled = int(ranks[rounded[used] > 0].sum())
    p_min = math.ldexp(1.0, 1 - n_used)
    if n_used * int(ranks.sum()) > _SHIFT_LIMIT:
        return SignedRank(doubled / 2, _normal_p(ranks, doubled), n_used, p_min, False)
    p = _exact_p(ranks, doubled)
    reason = "one pair cannot give a p below 1" if n_used == 1 else ""
    return SignedRank(doubled / 2, p, n_used, p_min, True, reason)


def _doubled_ranks(rounded: Floats, zero_method: str) -> Ints:
    """Twice the midranks of the absolute differences, zeros ranked first or left out."""
    _, place, counts = np.unique(np.abs(rounded), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (2 * last - counts + 1)[place]
    if zero_method == "wilcoxon":
        ranks = ranks - 2 * int((rounded == 0).sum())
    return np.asarray(ranks, dtype=np.int64)


def _exact_p(ranks: Ints, observed: int) -> float:
    """Two-sided p from the shift algorithm, halved at each step so that nothing overflows."""
    total = int(ranks.sum())
    probability = np.zeros(total + 1)
    probability[0] = 1.0
    reach = 0
    for rank in np.sort(ranks).tolist():
        shifted = 0.5 * probability[: reach + 1]
        probability[: reach + 1] = shifted
        probability[rank : reach + rank + 1] += shifted
        reach += rank
    distance = np.abs(2 * np.arange(total + 1) - total)
    return float(min(1.0, probability[distance >= abs(2 * observed - total)].sum()))


def _normal_p(ranks: Ints, observed: int) -> float:
    """Normal approximation with continuity correction."""
    distance = max(abs(2 * observed - int(ranks.sum())) / 4 - 0.5, 0.0)
    spread = math.sqrt(float((ranks.astype(np.float64) ** 2).sum()) / 16)
    return float(min(1.0, 2 * ndtr(-distance / spread)))


#: why a shift has no interval although the arms differ
CONSTANT = "the values do not vary within the arms"


@dataclass(frozen=True, slots=True)
class HodgesLehmann:
    """A shift between two arms with its confidence interval; unpacks into three numbers."""

    estimate: float
    low: float
    high: float
    exact: bool
    reason: str = ""

    def __iter__(self) -> Iterator[float]:
        return iter((self.estimate, self.low, self.high))


def doubled_midranks(values: Floats) -> Ints:
    """Twice the midranks of the values: whole numbers, ties included."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((2 * last - counts + 1)[place], dtype=np.int64)


def rank_sum(treated: ArrayLike, control: ArrayLike) -> RankSum:
    """Wilcoxon-Mann-Whitney rank-sum test, exact with ties.

    Streitberg B, Röhmel J (1986) Exact distributions for permutation and rank tests.
    Statistical Software Newsletter 12:10-17.
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

    Bauer DF (1972) Constructing confidence sets using rank statistics. JASA 67:687-690.
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


# Fisher's exact test on the share of detectable values in two arms.


# As R's fisher.test: tables whose probability equals the observed one up to rounding count.
_RELATIVE = 1 + 1e-7


def fisher(detected_t: int, n_t: int, detected_c: int, n_c: int) -> float:
    """Fisher's exact test on how many values are detectable in each arm, two-sided."""
    for arm, detected, n in (("treated", detected_t, n_t), ("control", detected_c, n_c)):
        if detected != int(detected) or n != int(n) or not 0 <= detected <= n:
            raise UsageError(
                Problem(
                    "CK-455",
                    f"{detected} of {n} detectable values is not a possible count",
                    where=f"{arm} arm",
                    mend="count values, not per cent; detected cannot exceed all",
                )
            )
    if n_t == 0 or n_c == 0:
        return math.nan
    detected = int(detected_t + detected_c)
    possible = np.arange(max(0, detected - int(n_c)), min(int(n_t), detected) + 1)
    log_ways = _detectability_log_choose(n_t, possible) + _detectability_log_choose(
        n_c, detected - possible
    )
    probability = np.exp(log_ways - log_ways.max())
    observed = probability[int(detected_t) - possible[0]]
    p = probability[probability <= observed * _RELATIVE].sum() / probability.sum()
    return float(min(1.0, p))


def _detectability_log_choose(n: int, k: Ints) -> Floats:
    """Natural log of the binomial coefficients."""
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)
