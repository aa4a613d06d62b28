"""The one door to pingouin: Welch's t, Hedges' g, a normality check.

pingouin renamed its columns between releases, rounds its intervals to two decimals and changes the
test with n unless told otherwise; what is taken from it is pinned down by a contract test.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from cytokit.errors import CytokitError, Problem

Floats = NDArray[np.float64]


def welch(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Welch's t of mean(x) - mean(y): statistic, degrees of freedom, two-sided p.

    Parameters
    ----------
    x, y : ndarray, shapes (n,), (m,)
        Finite numbers, at least two each, not constant in both.

    Returns
    -------
    tuple of float
        t, Welch-Satterthwaite df, p.
    """
    import pingouin

    with warnings.catch_warnings():
        # One constant arm, and a power or Bayes factor out of reach (neither is used here), make
        # scipy and pingouin warn; t, df and p stand.
        warnings.simplefilter("ignore", RuntimeWarning)
        row = pingouin.ttest(x, y, correction=True).iloc[0]
    p = _first(row.to_dict(), ("p_val", "p-val", "p_unc"))
    return float(row["T"]), float(row["dof"]), p


def hedges(x: Floats, y: Floats) -> float:
    """Hedges' g of mean(x) - mean(y), with pingouin's small-sample correction.

    Parameters
    ----------
    x, y : ndarray, shapes (n,), (m,)
        Finite numbers, at least two each, not constant in both.

    Returns
    -------
    float
    """
    import pingouin

    return float(pingouin.compute_effsize(x, y, eftype="hedges"))


def normality(x: Floats) -> float:
    """P of the Shapiro-Wilk test; NaN for fewer than four values or constant ones.

    Parameters
    ----------
    x : ndarray, shape (n,)

    Returns
    -------
    float
    """
    if len(x) < 4 or np.ptp(x) == 0:
        return float("nan")
    import pingouin

    row = pingouin.normality(x).iloc[0].to_dict()
    return _first(row, ("pval", "p_val"))


def version() -> str:
    """The installed pingouin's version, without importing it."""
    from importlib.metadata import version as installed

    return installed("pingouin")


def _first(row: dict[str, object], names: tuple[str, ...]) -> float:
    """The first of several spellings that is there."""
    for name in names:
        if name in row:
            return float(row[name])  # type: ignore[arg-type]
    raise CytokitError(
        Problem(
            "CK-420",
            f"pingouin {version()} returns no column called {' or '.join(names)}",
            mend="install a release of pingouin that cytokit was tested with (0.6 or 0.7)",
        )
    )
