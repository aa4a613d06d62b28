"""Summaries of left-censored values by regression on order statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from cytokit.errors import Problem, UsageError
from cytokit.stats._arrays import Bools, Floats, Ints, finite_vector, same_length

NO_DATA = "no values"
TOO_FEW = "fewer than two distinct values above their limits"


@dataclass(frozen=True, slots=True)
class Ros:
    """Summary of values of which some lie below a limit.

    Parameters
    ----------
    mean, sd, median : float
        Of the known values together with those modelled for the censored ones; NaN where fewer
        than two distinct values are known.
    geometric_mean, gsd : float
        The same on the log scale.
    n, n_below : int
        Values, and how many lie below their limits.
    reason : str
        Why there is no summary; empty otherwise.
    """

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

    Parameters
    ----------
    values : array_like, shape (n,)
        Positive concentrations; the limit where the value lies below it.
    below : array_like of bool, shape (n,)
        True where ``values`` holds a limit.

    Returns
    -------
    Ros
        As ``NADA::ros`` of R.

    Raises
    ------
    UsageError
        CK-450 where a value is not finite, CK-451 where lengths differ, CK-461 where a value is
        not positive.

    References
    ----------
    Helsel DR, Cohn TA (1988) Estimation of descriptive statistics for multiply censored water
    quality data. Water Resources Research 24:1997-2004.

    Examples
    --------
    >>> summary = ros([1.0, 1.0, 2.0, 4.0, 8.0], [True, True, False, False, False])
    >>> round(summary.geometric_mean, 3), summary.n_below
    (1.683, 2)
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
