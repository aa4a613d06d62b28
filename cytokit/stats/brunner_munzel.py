"""Brunner and Munzel's test of stochastic superiority, permuted, also on complete separation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cytokit.stats._arrays import Floats, finite_vector, whole_number
from cytokit.stats.arrangements import arrangements
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
        Two-sided permutation p-value; NaN where there is nothing to test.
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
    Behrens-Fisher problem. Computational Statistics and Data Analysis 51:5192-5204.

    Examples
    --------
    >>> result = brunner_munzel([5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0])
    >>> result.statistic, round(result.p, 6), result.p_superiority
    (inf, 0.028571, 1.0)
    """
    whole_number(draws, "draws", 1)
    whole_number(seed, "seed", 0)
    x, y = finite_vector(treated, "treated"), finite_vector(control, "control")
    if not x.size or not y.size:
        return BrunnerMunzel(math.nan, math.nan, math.nan, False, EMPTY_ARM)
    pooled = np.concatenate((x, y))
    below = _comparisons(pooled)
    labels = np.arange(pooled.size) < x.size
    superiority = float(below[labels][:, ~labels].mean())
    if min(x.size, y.size) < 2:
        return BrunnerMunzel(math.nan, math.nan, superiority, False, "an arm has one value")
    if np.ptp(pooled) == 0:
        return BrunnerMunzel(math.nan, math.nan, superiority, False, ALL_TIED)
    observed = float(_statistics(below, labels[None, :].astype(np.float64))[0])
    plan = arrangements(labels, None, draws=draws, seed=seed, limit=draws)
    least = abs(observed) * (1 - _SAME) - _SAME
    beyond = sum(int((np.abs(_statistics(below, block)) >= least).sum()) for block in plan.labels())
    p = beyond / plan.visited
    drawn = None if plan.exact else draws
    return BrunnerMunzel(observed, p, superiority, plan.exact, "", drawn, plan.seed)


def _comparisons(pooled: Floats) -> Floats:
    """Matrix of 1 where the row's value exceeds the column's, one half where they are equal."""
    greater = pooled[:, None] > pooled[None, :]
    equal = pooled[:, None] == pooled[None, :]
    return np.asarray(greater + 0.5 * equal, dtype=np.float64)


def _statistics(below: Floats, labels: Floats) -> Floats:
    """Studentised statistic of each row of labels; placements are one matrix product."""
    n_total = below.shape[0]
    n = labels[0].sum()
    m = n_total - n
    in_treated = labels @ below.T
    # Placements: how many of the other arm each value exceeds.
    of_treated = (below.sum(axis=1) - in_treated) * labels
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
