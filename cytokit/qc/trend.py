"""Drift over plates, and steps between lots: robust, with their intervals.

Drift is the median of the slopes between all pairs of plates of one lot (Theil 1950; Sen PK, J Am
Stat Assoc 1968; 63: 1379), with Sen's interval; pairs across a change of lot say nothing of drift
and are left out, as seasons are in Hirsch and Slack (Water Resour Res 1984; 20: 727). Its p is
Kendall's, exact where no two values are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: with fewer plates a slope is not worth naming
FEWEST = 8
#: exact up to so many values of one lot, the normal approximation above
_EXACT = 60


@dataclass(frozen=True, slots=True)
class Trend:
    """A slope per plate with its 95 % interval and p."""

    slope: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Step:
    """A ratio after over before with its 95 % interval and p; NaN where ``reason`` says why."""

    ratio: float
    low: float
    high: float
    p: float
    reason: str = ""


def theil_sen(position: Floats, value: Floats, segment: Ints) -> Trend | None:
    """The median slope over pairs of plates of one segment.

    Parameters
    ----------
    position : array of float
        The plates' numbers.
    value : array of float
        Finite.
    segment : array of int
        Which stretch of one lot each plate belongs to.

    Returns
    -------
    Trend or None
        None where no two plates share a segment.

    Examples
    --------
    >>> x = np.arange(8.0)
    >>> trend = theil_sen(x, 0.5 * x, np.zeros(8, dtype=int))
    >>> trend.slope, f"{trend.p:.1e}"
    (0.5, '5.0e-05')
    """
    parts = [segment == number for number in np.unique(segment)]
    slopes = np.concatenate([_slopes(position[part], value[part]) for part in parts])
    if not len(slopes):
        return None
    slopes.sort()
    score = float(sum(_score(value[part]) for part in parts))
    variance = float(sum(_variance(value[part]) for part in parts))
    half = 1.959963984540054 * np.sqrt(variance)
    count = len(slopes)
    low = int(np.floor((count - half) / 2)) - 1
    high = int(np.ceil((count + half) / 2))
    return Trend(
        slope=float(np.median(slopes)),
        low=float(slopes[low]) if low >= 0 else -np.inf,
        high=float(slopes[high]) if high < count else np.inf,
        p=_kendall_p(score, variance, [value[part] for part in parts]),
    )


def lot_step(before: Floats, after: Floats) -> Step:
    """The ratio of geometric means after a change of lot over before it (Welch's interval on ln).

    Parameters
    ----------
    before, after : array of float
        ln of the values.

    Returns
    -------
    Step

    Examples
    --------
    >>> step = lot_step(np.log([98.0, 100.0, 102.0]), np.log([150.0, 148.0, 152.0]))
    >>> round(step.ratio, 2), step.low > 1.4, step.high < 1.6
    (1.5, True, True)
    """
    nan = float("nan")
    if min(len(before), len(after)) < 2:
        few = f"{len(before)} and {len(after)} plates: an interval needs two on each side"
        ratio = float(np.exp(after.mean() - before.mean())) if min(len(before), len(after)) else nan
        return Step(ratio, nan, nan, nan, few)
    from scipy import special

    parts = np.array([before.var(ddof=1) / len(before), after.var(ddof=1) / len(after)])
    error = float(np.sqrt(parts.sum()))
    difference = float(after.mean() - before.mean())
    ratio = float(np.exp(difference))
    if error <= 1e-12 * max(1.0, abs(difference)):
        return Step(ratio, nan, nan, nan, "the values within the lots do not differ")
    df = float(parts.sum() ** 2 / (parts**2 / [len(before) - 1, len(after) - 1]).sum())
    half = float(special.stdtrit(df, 0.975)) * error
    p = 2.0 * float(special.stdtr(df, -abs(difference) / error))
    return Step(ratio, float(np.exp(difference - half)), float(np.exp(difference + half)), p)


def _slopes(x: Floats, y: Floats) -> Floats:
    """Slopes of all pairs."""
    first, second = np.triu_indices(len(x), k=1)
    return np.asarray((y[second] - y[first]) / (x[second] - x[first]), dtype=np.float64)


def _score(y: Floats) -> float:
    """Kendall's S: rising pairs less falling ones."""
    first, second = np.triu_indices(len(y), k=1)
    return float(np.sign(y[second] - y[first]).sum())


def _variance(y: Floats) -> float:
    """Variance of S where nothing rises or falls, ties allowed for."""
    _, ties = np.unique(y, return_counts=True)
    n = len(y)
    spread = n * (n - 1) * (2 * n + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()
    return float(spread) / 18.0


def _kendall_p(score: float, variance: float, parts: Sequence[Floats]) -> float:
    """Two-sided p of S summed over the parts."""
    tied = any(len(np.unique(part)) < len(part) for part in parts)
    if not tied and max(map(len, parts)) <= _EXACT:
        return _exact_p(score, [len(part) for part in parts])
    from scipy import special

    if variance == 0:
        return 1.0
    z = max(abs(score) - 1.0, 0.0) / np.sqrt(variance)  # S moves in steps of two
    return float(2.0 * special.ndtr(-z))


def _exact_p(score: float, sizes: Sequence[int]) -> float:
    """From the numbers of inversions of all orders, the parts convolved."""
    share = np.ones(1)
    for size in sizes:
        for length in range(2, size + 1):
            share = np.convolve(share, np.full(length, 1.0 / length))
    pairs = len(share) - 1
    s = pairs - 2.0 * np.arange(pairs + 1)
    return min(1.0, float(share[np.abs(s) >= abs(score) - 0.5].sum()))
