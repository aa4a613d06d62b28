"""What was measured, before any test: per analyte, group and day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri

from cytokit.arrays import Bools, Floats, Ints
from cytokit.errors import Problem, UsageError
from cytokit.schema import TABLES
from cytokit.tables.cells import Day
from cytokit.trial.arguments import finite_vector, same_length
from cytokit.trial.estimate import NAN, exp
from cytokit.trial.study import Study
from cytokit.trial.values import IN_RANGE_NEEDED, TOBIT_LIMIT, Cells


def geometric_mean(cells: Cells) -> float:
    """Geometric mean; with values out of range the log-normal Tobit's, up to half of them."""
    return exp(_location(cells)[0])


def summarise(
    study: Study, analytes: Sequence[str], days: Sequence[Day], *, level: float = 0.95
) -> pd.DataFrame:
    """Counts and location per analyte, group and day."""
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
        row["gm_low"], row["gm_high"] = mean_interval(cells, level)
        rows.append(row)
    return pd.DataFrame(rows, columns=TABLES["summary"].names)


def mean_interval(cells: Cells, level: float = 0.95) -> tuple[float, float]:
    """Interval of the geometric mean, Student's t on ln.

    Empty with fewer than two values, which have no spread, and with any value out of range: the
    t interval needs every number, and one that leaves those out would be too narrow and too high.
    """
    n = len(cells.lower)
    if n < 2 or not cells.exact.all():
        return NAN, NAN
    from scipy.special import stdtrit

    mean, sd = _location(cells)
    half = float(stdtrit(n - 1, 0.5 + level / 2)) * sd / np.sqrt(n)
    return exp(mean - half), exp(mean + half)


def detectability(study: Study, analytes: Sequence[str], days: Sequence[Day]) -> pd.DataFrame:
    """Per cent in range, below and above per analyte, group and day."""
    rows = []
    for analyte, group, day, values in _blocks(study, analytes, days):
        state = values["state"]
        n = len(values)
        counts = [int(n - state.isin(["below", "above", "interval"]).sum())]
        counts += [int((state == name).sum()) for name in ("below", "above")]
        shares = [100.0 * count / n if n else NAN for count in counts]
        rows.append((analyte, group, day, n, *counts, *shares))
    return pd.DataFrame(rows, columns=TABLES["detectability"].names)


def quantile(cells: Cells, share: float) -> float:
    """A quantile of values some of which are intervals.

    Interpolated between order statistics as numpy does; empty where either of the two is not a
    number, because the quantile is then known only to lie out of range.
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
    from cytokit.trial.tobit import tobit

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


# Summaries of left-censored values by regression on order statistics.


NO_DATA = "no values"
TOO_FEW = "fewer than two distinct values above their limits"


@dataclass(frozen=True, slots=True)
class Ros:
    """Summary of values of which some lie below a limit."""

    mean: float
    sd: float
    median: float
    geometric_mean: float
    gsd: float
    n: int
    n_below: int
    reason: str = ""


def ros(values: ArrayLike, below: ArrayLike) -> Ros:
    """Robust regression on order statistics (log-normal), for summaries, not for tests.

    The known values' logarithms are regressed on normal quantiles at Helsel and Cohn's plotting
    positions; the censored values are read off that line, and only they.

    Helsel DR, Cohn TA (1988) Estimation of descriptive statistics for multiply censored water
    quality data. Water Resources Research 24:1997-2004.
    """
    given = finite_vector(values, "values")
    censored = np.asarray(below, dtype=np.bool_)
    same_length(given.size, below=censored)
    wrong = np.flatnonzero(given <= 0)
    if wrong.size:
        raise UsageError(
            Problem(
                "CK-461",
                f"{wrong.size} value(s) are not positive",
                where=f"values[{wrong[0]}] = {given[wrong[0]]}",
                mend="give concentrations, and the limit where a value lies below it",
            )
        )
    n_below = int(censored.sum())
    known, limits = np.sort(given[~censored]), np.sort(given[censored])
    if np.unique(known).size < 2:
        reason = TOO_FEW if given.size else NO_DATA
        return Ros(*(math.nan,) * 5, given.size, n_below, reason)
    of_known, of_limits = _plotting_positions(known, limits)
    slope, intercept = _line(ndtri(of_known), np.log(known))
    logs = np.concatenate((np.log(known), intercept + slope * ndtri(of_limits)))
    modelled = np.exp(logs)
    return Ros(
        mean=float(modelled.mean()),
        sd=float(modelled.std(ddof=1)),
        median=float(np.median(modelled)),
        geometric_mean=math.exp(float(logs.mean())),
        gsd=math.exp(float(logs.std(ddof=1))),
        n=given.size,
        n_below=n_below,
    )


def _plotting_positions(known: Floats, limits: Floats) -> tuple[Floats, Floats]:
    """Helsel and Cohn's positions of the sorted known values and of the sorted limits."""
    steps = np.unique(limits)
    if not steps.size or known[0] < steps[0]:
        steps = np.append(0.0, steps)
    above = _exceedance(known, limits, steps)
    band = np.searchsorted(steps, known, side="right") - 1
    of_known = np.empty(known.size)
    for j in range(steps.size):
        inside = band == j
        rank = np.arange(1, inside.sum() + 1)
        width = above[j] - above[j + 1]
        of_known[inside] = 1 - above[j] + width * rank / (inside.sum() + 1)
    of_limits = np.empty(limits.size)
    at: Ints = np.searchsorted(steps, limits)
    for j in np.unique(at):
        same: Bools = at == j
        of_limits[same] = (1 - above[j]) * np.arange(1, same.sum() + 1) / (same.sum() + 1)
    return of_known, of_limits


def _exceedance(known: Floats, limits: Floats, steps: Floats) -> Floats:
    """Probability of exceeding each step, from the highest down; 0 beyond the last."""
    above = np.zeros(steps.size + 1)
    ends = np.append(steps[1:], np.inf)
    for j in range(steps.size - 1, -1, -1):
        inside = ((known >= steps[j]) & (known < ends[j])).sum()
        under = (known < steps[j]).sum() + (limits <= steps[j]).sum()
        above[j] = above[j + 1] + inside / max(inside + under, 1) * (1 - above[j + 1])
    return above


def _line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and intercept of least squares."""
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    return slope, float(y.mean() - slope * x.mean())
