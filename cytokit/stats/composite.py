"""Deaths before the day of interest: the worst-rank composite, and the delta tipping point.

Neither is an effect on the cytokine: the first ranks patients, the second (in
:mod:`cytokit.stats.tipping`) asks how bad the unseen values would have to be to overturn what the
survivors show.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cytokit.stats._arrays import Floats, finite_vector, intervals, one_of, same_length
from cytokit.stats.gehan import gehan
from cytokit.stats.strata import stratified_delta, stratified_ranks
from cytokit.stats.tipping import TippingPoint, tipping_point

__all__ = ["TippingPoint", "WorstRank", "tipping_point", "worst_rank"]

WORSE = ("high", "low")


@dataclass(frozen=True, slots=True)
class WorstRank:
    """What the worst-rank composite says.

    Parameters
    ----------
    statistic : float
        Pairs in which the treated patient fares worse, undecided pairs one half; within strata
        the weighted sum of scores.
    p : float
        Two-sided p-value; NaN where there is nothing to test.
    exact : bool
        Whether ``p`` comes from the complete permutation distribution.
    p_min : float
        The smallest p that any arrangement could reach.
    p_treated_better : float
        Share of pairs in which the treated patient fares better, undecided pairs one half.
    died_treated, died_control : int
        Deaths in each arm.
    reason : str
        Why ``p`` is NaN or cannot be small; empty otherwise.
    draws, seed : int or None
        Monte Carlo draws and their seed, where ``p`` was drawn.
    """

    statistic: float
    p: float
    exact: bool
    p_min: float
    p_treated_better: float
    died_treated: int
    died_control: int
    reason: str = ""
    draws: int | None = None
    seed: int | None = None


def worst_rank(
    lower_t: ArrayLike,
    upper_t: ArrayLike,
    lower_c: ArrayLike,
    upper_c: ArrayLike,
    *,
    deaths_t: ArrayLike,
    deaths_c: ArrayLike,
    strata: ArrayLike | None = None,
    worse: str = "high",
    seed: int = 0,
    draws: int = 100_000,
) -> WorstRank:
    """Rank test of a composite in which every death is worse than every survivor.

    Parameters
    ----------
    lower_t, upper_t, lower_c, upper_c : array_like
        Limits of the survivors' values, as for :func:`cytokit.stats.gehan.gehan`.
    deaths_t, deaths_c : array_like
        One number per death, the day of death: an earlier death is worse. Give equal numbers to
        rank all deaths alike; an empty list where nobody died.
    strata : array_like, optional
        Of the treated's values and deaths, then of the controls': patients are ranked within them.
    worse : {"high", "low"}
        Which end of the cytokine is the bad one.
    seed, draws : int
        For the Monte Carlo draws, where the distribution is too large to enumerate.

    Returns
    -------
    WorstRank

    Raises
    ------
    UsageError
        CK-450 where a day of death is not finite, CK-451 and CK-452 where limits do not match or
        are reversed, CK-453 where ``worse`` is neither end, CK-456 where draws or seed are not
        whole numbers.

    References
    ----------
    Lachin JM (1999) Worst-rank score analysis with informatively missing observations in clinical
    trials. Controlled Clinical Trials 20:408-422.

    Examples
    --------
    >>> result = worst_rank([2.0, 3.0, 4.0], [2.0, 3.0, 4.0], [5.0, 6.0], [5.0, 6.0],
    ...                     deaths_t=[], deaths_c=[3.0, 3.0])
    >>> result.statistic, round(result.p, 4), result.p_treated_better
    (0.0, 0.0571, 1.0)
    """
    one_of(worse, WORSE, "worse")
    arms = []
    for name, low, high, deaths in (
        ("treated", lower_t, upper_t, deaths_t),
        ("control", lower_c, upper_c, deaths_c),
    ):
        below, above = intervals(low, high, name)
        turned = (below, above) if worse == "high" else (-above, -below)
        arms.append((*turned, finite_vector(deaths, f"deaths of {name}")))
    ends = np.unique(np.concatenate([part for low, high, _ in arms for part in (low, high)]))
    days = np.unique(np.concatenate([died for _, _, died in arms]))[::-1]
    placed = [_placed(low, high, died, ends, days) for low, high, died in arms]
    result = gehan(*placed[0], *placed[1], seed=seed, draws=draws)
    pairs = placed[0][0].size * placed[1][0].size
    better = 1 - result.statistic / pairs if pairs else math.nan
    if strata is not None and pairs:
        low, high = (np.concatenate([arm[end] for arm in placed]) for end in (0, 1))
        labels, n = np.asarray(strata), placed[0][0].size
        same_length(low.size, strata=labels)
        arm = np.arange(low.size) < n
        better = (1 - stratified_delta(low, high, arm, labels)) / 2
        result = stratified_ranks(low, high, arm, labels, draws=draws, seed=seed)
    return WorstRank(
        statistic=result.statistic,
        p=result.p,
        exact=result.exact,
        p_min=result.p_min,
        p_treated_better=better,
        died_treated=arms[0][2].size,
        died_control=arms[1][2].size,
        reason=result.reason,
        draws=result.draws,
        seed=result.seed,
    )


def _placed(
    low: Floats, high: Floats, died: Floats, ends: Floats, days: Floats
) -> tuple[Floats, Floats]:
    """Limits as their places among all limits, deaths beyond them, earlier deaths farther."""
    beyond = ends.size + np.searchsorted(-days, -died).astype(np.float64)
    return (
        np.append(np.searchsorted(ends, low).astype(np.float64), beyond),
        np.append(np.searchsorted(ends, high).astype(np.float64), beyond),
    )
