"""Brunner and Munzel's test of stochastic superiority, permuted, also on complete separation.

It needs no more than which of two values is the larger, so values out of range take part as the
intervals they are: a pair that is undecided counts one half, as in Gehan's test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cytokit.stats._arrays import Floats, codes, finite_vector, intervals, whole_number
from cytokit.stats.arrangements import arrangements
from cytokit.stats.gehan import UNDECIDED, surely_above
from cytokit.stats.scores import ALL_TIED, EMPTY_ARM

# Statistics closer than this are the same one, seen through rounding.
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class BrunnerMunzel:
    """What the Brunner-Munzel test says.

    Parameters
    ----------
    statistic : float
        Studentised difference of mean ranks, positive where treated tends to be larger; infinite
        on complete separation.
    p : float
        Two-sided permutation p-value, twice that of the smaller tail; NaN where there is nothing
        to test.
    p_superiority : float
        Probability that a treated value exceeds a control value, ties counted one half.
    exact : bool
        Whether all arrangements were visited.
    reason : str
        Why ``p`` is NaN; empty otherwise.
    draws, seed : int or None
        Monte Carlo draws and their seed, where ``p`` was drawn.
    """

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

    Parameters
    ----------
    treated, control : array_like, shape (n,)
        Finite values of the two arms.
    seed : int
        Seed of the Monte Carlo draws, used where there are more than ``draws`` arrangements.
    draws : int
        Number of draws, and the largest number of arrangements that are enumerated.

    Returns
    -------
    BrunnerMunzel

    Raises
    ------
    UsageError
        CK-450 where a value is not finite, CK-456 where draws or seed are not whole numbers.

    References
    ----------
    Neubert K, Brunner E (2007) A studentized permutation test for the non-parametric
    Behrens-Fisher problem. Computational Statistics and Data Analysis 51:5192-5204. Pauly M,
    Asendorf T, Konietschke F (2016) Permutation-based inference for the AUC. Biometrical Journal
    58:1319-1337, for the tails apart: arms of unequal size give them different shapes.

    Examples
    --------
    >>> result = brunner_munzel([5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0])
    >>> result.statistic, round(result.p, 6), result.p_superiority
    (inf, 0.028571, 1.0)
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

    Parameters
    ----------
    lower_t, upper_t, lower_c, upper_c : array_like, shapes (n,), (m,)
        Limits of the values of both arms, as for :func:`cytokit.stats.gehan.gehan`.
    strata : array_like, shape (n + m,), optional
        Of the treated, then of the controls: labels are permuted within these.
    seed, draws : int
        As for :func:`brunner_munzel`.

    Returns
    -------
    BrunnerMunzel
        ``p_superiority`` counts pairs that are undecided one half.

    Raises
    ------
    UsageError
        CK-451 and CK-452 where limits do not match, are reversed or both infinite, CK-456 where
        draws or seed are not whole numbers.

    References
    ----------
    Neubert and Brunner (2007), as above, for ties; Gehan EA (1965) Biometrika 52:650-653 for what
    an undecided pair counts.

    Examples
    --------
    >>> inf = float("inf")
    >>> result = brunner_munzel_intervals([8, 9, 20], [8, 9, inf], [-inf, 3, 4], [2, 3, 4])
    >>> result.p, result.p_superiority
    (0.1, 1.0)
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
