"""One group from one day to another: the paired ratio of geometric means.

The paired t test on ln concentrations; its mean difference is the ln of day over baseline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytokit.stats.estimate import LEAST_DF, Estimate, failed, few_df, wald

Floats = NDArray[np.float64]
#: ln ratios are rounded to this many decimals before ranking, so that equal ratios stay equal
DECIMALS = 10
CONSTANT = "the change does not vary between subjects"


def paired_ratio(change: Floats, *, level: float = 0.95) -> Estimate:
    """Paired t test of ln day - ln baseline.

    Parameters
    ----------
    change : ndarray, shape (n,)
        ln day minus ln baseline, one per subject.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        The mean change with n - 1 degrees of freedom; without a test where they are fewer than
        :data:`cytokit.stats.estimate.LEAST_DF` or the change does not vary.

    Examples
    --------
    >>> round(paired_ratio(np.log([0.5, 0.4, 0.8, 0.6])).ratio, 4)
    0.5566
    """
    method = "paired t"
    n = len(change)
    if n < 2:
        return failed(method, f"{n} subject{'s' * (n != 1)} with both days, 2 are needed")
    if np.ptp(np.round(change, DECIMALS)) == 0:
        return failed(method, CONSTANT)
    if n - 1 < LEAST_DF:
        return failed(method, few_df(n - 1))
    se = float(change.std(ddof=1) / np.sqrt(n))
    return wald(method, float(change.mean()), se, n - 1, level)
