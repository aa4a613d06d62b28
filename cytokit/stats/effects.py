"""Effect sizes: Hedges' g, the common-language effect size, Cliff's delta.

The two ordinal ones take intervals: a pair whose order is not known counts as a tie, so that a
value below its limit is used for what it says and for nothing more.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cytokit.stats import _pingouin

Floats = NDArray[np.float64]


def hedges_g(treated: Floats, control: Floats) -> float:
    """Standardised mean difference with the small-sample correction (Hedges 1981).

    Parameters
    ----------
    treated, control : ndarray, shapes (n,), (m,)
        ln concentrations.

    Returns
    -------
    float
        NaN for fewer than 2 in a group, or values that do not vary.

    Examples
    --------
    >>> round(hedges_g(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0])), 3)
    -0.8
    """
    if min(len(treated), len(control)) < 2:
        return math.nan
    spread = treated.var() + control.var()
    if spread <= 1e-18 * max(1.0, float(np.mean(treated**2) + np.mean(control**2))):
        return math.nan
    return _pingouin.hedges(treated, control)


def cliffs_delta(lower_t: Floats, upper_t: Floats, lower_c: Floats, upper_c: Floats) -> float:
    """Cliff's delta: share of pairs with treated surely above, minus surely below.

    Parameters
    ----------
    lower_t, upper_t, lower_c, upper_c : ndarray
        Intervals of the treated (n,) and of the controls (m,); equal ends for exact values.

    Returns
    -------
    float
        From -1 to 1; NaN where a group is empty.

    Examples
    --------
    >>> a, b = np.array([1.0, 2.0]), np.array([2.0, 3.0])
    >>> cliffs_delta(a, a, b, b)
    -0.75
    """
    if not len(lower_t) or not len(lower_c):
        return math.nan
    above = _surely_above(lower_t[:, None], upper_t[:, None], lower_c, upper_c)
    below = _surely_above(lower_c, upper_c, lower_t[:, None], upper_t[:, None])
    return float(above.mean() - below.mean())


def cles(delta: float) -> float:
    """Common-language effect size: P(treated > control) + P(tie)/2, from Cliff's delta.

    Parameters
    ----------
    delta : float
        Cliff's delta.

    Returns
    -------
    float

    Examples
    --------
    >>> cles(-0.75)
    0.125
    """
    return (delta + 1.0) / 2.0


def _surely_above(
    lower_a: Floats, upper_a: Floats, lower_b: Floats, upper_b: Floats
) -> NDArray[np.bool_]:
    """Where a lies above b whatever both are; exact equal values do not."""
    both_exact = (lower_a == upper_a) & (lower_b == upper_b)
    return np.asarray(np.where(both_exact, lower_a > upper_b, lower_a >= upper_b))
