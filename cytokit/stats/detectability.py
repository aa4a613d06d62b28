"""Fisher's exact test on the share of detectable values in two arms."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from cytokit.errors import Problem, UsageError
from cytokit.stats._arrays import Floats, Ints

# As R's fisher.test: tables whose probability equals the observed one up to rounding count.
_RELATIVE = 1 + 1e-7


def fisher(detected_t: int, n_t: int, detected_c: int, n_c: int) -> float:
    """Fisher's exact test on how many values are detectable in each arm, two-sided.

    Parameters
    ----------
    detected_t, n_t : int
        Detectable values and all values of the treated arm.
    detected_c, n_c : int
        The same for the control arm.

    Returns
    -------
    float
        The p-value, as R's ``fisher.test``; NaN where an arm is empty.

    Raises
    ------
    UsageError
        CK-455 where counts are negative, not whole, or more are detected than measured.

    Examples
    --------
    >>> round(fisher(2, 12, 10, 12), 6)
    0.003329
    """
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
    log_ways = _log_choose(n_t, possible) + _log_choose(n_c, detected - possible)
    probability = np.exp(log_ways - log_ways.max())
    observed = probability[int(detected_t) - possible[0]]
    p = probability[probability <= observed * _RELATIVE].sum() / probability.sum()
    return float(min(1.0, p))


def _log_choose(n: int, k: Ints) -> Floats:
    """Natural log of the binomial coefficients."""
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)
