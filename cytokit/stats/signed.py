"""Wilcoxon's signed-rank test for pairs, exact with ties and zeros."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from cytokit.stats._arrays import Floats, Ints, finite_vector, one_of

#: Differences are rounded to this many decimals: log ratios of equal ratios differ by rounding.
DECIMALS = 10
ZERO_METHODS = ("wilcoxon", "pratt")
_SHIFT_LIMIT = 10**9


@dataclass(frozen=True, slots=True)
class SignedRank:
    """What the signed-rank test says.

    Parameters
    ----------
    statistic : float
        Sum of the ranks of the positive differences (``V`` of R).
    p : float
        Two-sided p-value; NaN where there is nothing to test.
    n_used : int
        Differences that are not zero.
    p_min : float
        The smallest p these ranks could reach: ``2 / 2**n_used``.
    exact : bool
        Whether ``p`` comes from all sign changes.
    reason : str
        Why ``p`` is NaN or cannot be small; empty otherwise.
    """

    statistic: float
    p: float
    n_used: int
    p_min: float
    exact: bool
    reason: str = ""


def signed_rank(differences: ArrayLike, *, zero_method: str = "wilcoxon") -> SignedRank:
    """Exact signed-rank test that the differences are symmetric about zero.

    Parameters
    ----------
    differences : array_like, shape (n,)
        Paired differences; for concentrations the log ratios. Rounded to 1e-10 before ranking.
    zero_method : {"wilcoxon", "pratt"}
        Zeros are left out before ranking (Wilcoxon), or ranked with the others and their ranks
        left out (Pratt).

    Returns
    -------
    SignedRank
        The p-value is conditional on ties and zeros, equal to ``coin::wilcoxsign_test(
        distribution = "exact")``. Beyond about 1,000 differences the normal approximation with
        continuity correction is used and ``exact`` is False.

    Raises
    ------
    UsageError
        CK-450 where a difference is not finite, CK-453 where the method is unknown.

    References
    ----------
    Pratt JW (1959) Remarks on zeros and ties in the Wilcoxon signed rank procedures.
    JASA 54:655-667.

    Examples
    --------
    >>> result = signed_rank([0.3, 0.5, 0.1, 0.9, 0.4])
    >>> result.statistic, result.p, result.p_min
    (15.0, 0.0625, 0.0625)
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
