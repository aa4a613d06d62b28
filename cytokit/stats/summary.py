"""What was measured, before any test: per analyte, group and day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cytokit.stats.cells import Cells
from cytokit.stats.estimate import NAN, exp
from cytokit.stats.rules import IN_RANGE_NEEDED, TOBIT_LIMIT
from cytokit.study import Study
from cytokit.tables.days import Day
from cytokit.vocabulary import SUMMARY_COLUMNS

#: what follows SUMMARY_COLUMNS
SUMMARY_EXTRA_COLUMNS = ("gm_low", "gm_high")
DETECTABILITY_COLUMNS = (
    *("analyte", "group", "day", "n", "n_in_range", "n_below", "n_above"),
    *("pct_in_range", "pct_below", "pct_above"),
)


def geometric_mean(cells: Cells) -> float:
    """Geometric mean; with values out of range the log-normal Tobit's, up to half of them.

    Parameters
    ----------
    cells : Cells
        All present.

    Returns
    -------
    float
        NaN where there is no value, or too many are out of range.
    """
    return exp(_location(cells)[0])


def summarise(
    study: Study, analytes: Sequence[str], days: Sequence[Day], *, level: float = 0.95
) -> pd.DataFrame:
    """Counts and location per analyte, group and day.

    Parameters
    ----------
    study : Study
    analytes : sequence of str
    days : sequence of days
    level : float
        Of the interval of the geometric mean.

    Returns
    -------
    pandas.DataFrame
        Columns ``SUMMARY_COLUMNS``: analyte, group, day, n (values in or out of range), n_below,
        n_above, geometric_mean and gsd (with up to half out of range the Tobit's, else empty),
        median, q1, q3, min, max (empty where they fall among values out of range), unit; then
        gm_low and gm_high, see :func:`mean_interval`.
    """
    rows = []
    for analyte, group, day, values in _blocks(study, analytes, days):
        cells = _cells_of(values)
        mean, sd = _location(cells)
        row: dict[str, Any] = {
            "analyte": analyte,
            "group": group,
            "day": day,
            "n": len(values),
            "n_below": int(cells.below.sum()),
            "n_above": int(cells.above.sum()),
            "geometric_mean": exp(mean),
            "gsd": exp(sd),
            "unit": next((unit for unit in values["unit"] if unit), ""),
        }
        quantiles = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}
        row |= {name: quantile(cells, share) for name, share in quantiles.items()}
        row |= dict(zip(SUMMARY_EXTRA_COLUMNS, mean_interval(cells, level), strict=True))
        rows.append(row)
    return pd.DataFrame(rows, columns=[*SUMMARY_COLUMNS, *SUMMARY_EXTRA_COLUMNS])


def mean_interval(cells: Cells, level: float = 0.95) -> tuple[float, float]:
    """Interval of the geometric mean, Student's t on ln.

    Empty with fewer than two values, which have no spread, and with any value out of range: the
    t interval needs every number, and one that leaves those out would be too narrow and too high.

    Parameters
    ----------
    cells : Cells
        All present.
    level : float

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> ln = np.log([10.0, 20.0, 40.0])
    >>> cells = Cells(ln, ln, np.full(3, np.nan), np.zeros(3, dtype=bool))
    >>> [round(end, 2) for end in mean_interval(cells)]
    [3.57, 111.9]
    """
    n = len(cells.lower)
    if n < 2 or not cells.exact.all():
        return NAN, NAN
    from scipy.special import stdtrit

    mean, sd = _location(cells)
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * sd / np.sqrt(n)
    return exp(mean - half), exp(mean + half)


def detectability(study: Study, analytes: Sequence[str], days: Sequence[Day]) -> pd.DataFrame:
    """Per cent in range, below and above per analyte, group and day.

    Parameters
    ----------
    study : Study
    analytes : sequence of str
    days : sequence of days

    Returns
    -------
    pandas.DataFrame
        Columns ``DETECTABILITY_COLUMNS``; n counts values in or out of range.
    """
    rows = []
    for analyte, group, day, values in _blocks(study, analytes, days):
        state = values["state"]
        n = len(values)
        counts = [int(n - state.isin(["below", "above", "interval"]).sum())]
        counts += [int((state == name).sum()) for name in ("below", "above")]
        shares = [100.0 * count / n if n else NAN for count in counts]
        rows.append((analyte, group, day, n, *counts, *shares))
    return pd.DataFrame(rows, columns=list(DETECTABILITY_COLUMNS))


def quantile(cells: Cells, share: float) -> float:
    """A quantile of values some of which are intervals.

    Interpolated between order statistics as numpy does; empty where either of the two is not a
    number, because the quantile is then known only to lie out of range.

    Parameters
    ----------
    cells : Cells
        All present.
    share : float
        0 for the minimum, 0.5 for the median, 1 for the maximum.

    Returns
    -------
    float
    """
    n = len(cells.lower)
    if n == 0:
        return NAN
    low, high = np.sort(cells.lower), np.sort(cells.upper)
    at = share * (n - 1)
    first, last = int(np.floor(at)), int(np.ceil(at))
    if low[first] != high[first] or low[last] != high[last]:
        return NAN
    a, b = np.exp(low[first]), np.exp(low[last])
    return float(a + (b - a) * (at - first))


def _location(cells: Cells) -> tuple[float, float]:
    """Mean and standard deviation on the ln scale."""
    n, outside = len(cells.lower), int((~cells.exact).sum())
    if n == 0:
        return NAN, NAN
    if outside == 0:
        return float(cells.lower.mean()), float(cells.lower.std(ddof=1)) if n > 1 else NAN
    if outside > TOBIT_LIMIT * n or n - outside < IN_RANGE_NEEDED:
        return NAN, NAN
    from cytokit.stats.censored import tobit

    fitted = tobit(cells.lower, cells.upper, np.ones((n, 1)))
    return float(fitted.coefficients[0]), float(fitted.scale)


def _blocks(
    study: Study, analytes: Sequence[str], days: Sequence[Day]
) -> list[tuple[str, str, Day, pd.DataFrame]]:
    """The present values of each analyte, group and day, empty ones included."""
    present = study.values[study.values["state"] != "missing"]
    found = dict(list(present.groupby(["analyte", "group", "day"], sort=False)))
    nothing = present.iloc[:0]
    return [
        (analyte, group, day, found.get((analyte, group, day), nothing))
        for analyte in analytes
        for group in study.groups
        for day in days
    ]


def _cells_of(values: pd.DataFrame) -> Cells:
    """The values of one block on the ln scale."""
    with np.errstate(divide="ignore"):  # ln 0 = -inf is the open end of "below"
        lower = np.log(values["lower"].to_numpy(float))
    upper = np.log(values["upper"].to_numpy(float))
    n = len(values)
    return Cells(lower, upper, np.full(n, np.nan), np.zeros(n, dtype=bool))
