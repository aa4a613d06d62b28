"""Whether a model may be believed: the residuals' shape and spread.

Nothing is decided by these checks: choosing the test by a test would spoil its level. They put a
flag on the row that points at the analysis beside it.
"""

from __future__ import annotations

import numpy as np

from cytokit.stats import _pingouin
from cytokit.stats.between import ancova_residuals
from cytokit.stats.cells import Bools, Cells, Floats
from cytokit.stats.censored import tobit

#: a small level: at 50 analytes half a flag is expected by chance
LEVEL = 0.01
#: groups whose sizes differ by less hardly mind unequal spread
UNBALANCED = 1.2
#: a ratio of spreads that chance alone gives 12 v 12 in three trials of a hundred
SPREAD_RATIO = 2.0


def diagnose(day: Floats, columns: Floats, treated: Bools) -> list[tuple[str, str]]:
    """Flags on the residuals of an analysis of covariance.

    Parameters
    ----------
    day : ndarray, shape (n,)
    columns : ndarray, shape (n, k)
        The covariates.
    treated : ndarray of bool, shape (n,)

    Returns
    -------
    list of (code, text)
        ``not_normal`` by Shapiro and Wilk's test; ``unequal_spread`` by Brown and Forsythe's where
        the groups differ in size.
    """
    notes = diagnose_normality(day, columns, treated)
    residuals = ancova_residuals(day, columns, treated)
    sizes = sorted((int(treated.sum()), int((~treated).sum())))
    if sizes[0] < 3 or sizes[1] < UNBALANCED * sizes[0]:
        return notes
    spread = [float(residuals[arm].std(ddof=1)) for arm in (treated, ~treated)]
    distance = [np.abs(residuals[arm] - np.median(residuals[arm])) for arm in (treated, ~treated)]
    if min(spread) > 0 and _pingouin.welch(*distance)[2] < LEVEL:
        small = treated.sum() < (~treated).sum()
        wider = (spread[0] > spread[1]) == small
        text = (
            f"spread {spread[0]:.2g} against {spread[1]:.2g} in groups of unequal size: p is too "
        )
        notes.append(
            ("unequal_spread", text + ("small" if wider else "large") + "; see p_other_spread")
        )
    return notes


def diagnose_normality(day: Floats, columns: Floats, treated: Bools) -> list[tuple[str, str]]:
    """The flag ``not_normal`` alone; parameters as :func:`diagnose`."""
    if _pingouin.normality(ancova_residuals(day, columns, treated)) < LEVEL:
        return [("not_normal", "residuals are not normal on the ln scale: see p_rank")]
    return []


def diagnose_tobit(day: Cells, columns: Floats, treated: Bools) -> list[tuple[str, str]]:
    """A flag where the groups' spreads differ so much that the Tobit's mean is drawn aside.

    With half the values below the limit the model sees only the upper half and infers the mean
    from the spread, which it takes to be one: at a ratio of 2 the type I error rises to .08 with
    25 % and to .13 with 50 % below the limit. The Tobit with a spread per arm needs no such flag.

    Parameters
    ----------
    day : Cells
        All present.
    columns : ndarray, shape (n, k)
        The covariates.
    treated : ndarray of bool, shape (n,)

    Returns
    -------
    list of (code, text)
    """
    spread = []
    for arm in (treated, ~treated):
        X = np.column_stack([np.ones(int(arm.sum())), columns[arm]])
        fitted = tobit(day.lower[arm], day.upper[arm], X)
        if not fitted.converged or fitted.df < 2:
            return []
        spread.append(fitted.scale)
    if max(spread) < SPREAD_RATIO * min(spread):
        return []
    text = (
        f"spread {spread[0]:.2g} against {spread[1]:.2g}, the Tobit takes one: see p_other_spread"
    )
    return [("unequal_spread", text)]
