"""The standards of one analyte as plain arrays, with the facts that several rules ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.curves.model import Array
from cytokit.curves.wells import LEAST_SIGNAL

#: a fall of MFI with rising concentration that noise does not explain, on ln MFI
FALL_LIMIT = 0.25
#: how far a dilution step may lie from the series' own, on ln concentration
STEP_LIMIT = 0.25
#: a decimal point is not lost by more places than this
MOST_PLACES = 30
_LN10 = math.log(10.0)


@dataclass(frozen=True, slots=True)
class Series:
    """The standards of one analyte by rising expected concentration, and what they show.

    Parameters
    ----------
    analyte : str
    planned_names : list of str
    planned : array
        Names and expected concentrations of all levels, those without a reading (set aside as an
        outlier, not measured) too: what the dilution series is.
    names : list of str
    expected, mfi, log_x, log_y : (n,) array
        Of the levels that were read.
        `log_y` is ln MFI, MFI next to nothing (``LEAST_SIGNAL``) taken as that.
    blank : float
        Mean MFI of the blanks, NaN where there is none.
    typo : (int, float) or None
        The planned standard whose expected concentration is off by a power of ten, and the likely
        one.
    falling : bool
        The curve as a whole runs the wrong way.
    exchanged : list of int
        Standards that look exchanged with the next one.
    hook : int or None
        The first standard past the hook (prozone), where there is one.
    """

    analyte: str
    planned_names: list[str]
    planned: Array
    names: list[str]
    expected: Array
    mfi: Array
    log_x: Array
    log_y: Array
    blank: float
    typo: tuple[int, float] | None
    falling: bool
    exchanged: list[int]
    hook: int | None


def every_series(levels: pd.DataFrame) -> Iterator[Series]:
    """The standards of each analyte.

    Parameters
    ----------
    levels : pandas.DataFrame
        At least one row; columns analyte, level, order, expected, mfi, n, sorted by analyte and
        expected concentration; mfi is NaN where there is no reading.

    Yields
    ------
    Series
    """
    analytes, names = levels["analyte"].to_numpy(), levels["level"].to_numpy()
    expected, mfi = levels["expected"].to_numpy(), levels["mfi"].to_numpy()
    n, order = levels["n"].to_numpy(), levels["order"].to_numpy()
    ends = np.flatnonzero(analytes[1:] != analytes[:-1]) + 1
    for rows in np.split(np.arange(len(analytes)), ends):
        every = rows[expected[rows] > 0]
        read = rows[np.isfinite(mfi[rows])]
        blanks, own = read[expected[read] == 0.0], read[expected[read] > 0]
        log_x, log_y = np.log(expected[own]), log_signal(mfi[own])
        falling = falls(log_y)
        yield Series(
            str(analytes[rows[0]]),
            names[every].tolist(),
            expected[every],
            names[own].tolist(),
            expected[own],
            mfi[own],
            log_x,
            log_y,
            float(np.average(mfi[blanks], weights=n[blanks])) if len(blanks) else math.nan,
            _typo(expected[every], np.log(expected[every]), order[every]),
            falling,
            [] if falling else _exchanged(log_y),
            None if falling else hook_start(log_y),
        )


def log_signal(mfi: Array) -> Array:
    """Ln of readings, those next to nothing beside the highest taken as that.

    Examples
    --------
    >>> log_signal(np.array([-1.0, 25_000.0])).round(3).tolist()
    [-0.693, 10.127]
    """
    least = LEAST_SIGNAL * float(mfi.max(initial=0.0))
    return np.log(np.maximum(mfi, least if least > 0 else 1.0))


def _typo(expected: Array, log_x: Array, order: Array) -> tuple[int, float] | None:
    """The one level off by a power of ten from the line through all, and its likely value."""
    if len(log_x) < 5:
        return None
    by_order = np.argsort(order, kind="stable")
    logs, place = log_x[by_order], np.arange(len(log_x))
    step = float(np.median(np.diff(logs)))
    intercept = float(np.median(logs - step * place))
    off = logs - step * place - intercept
    power = np.round(off / _LN10)
    regular = np.abs(off) < STEP_LIMIT
    typo = (power != 0) & (np.abs(power) <= MOST_PLACES)
    typo &= np.abs(off - power * _LN10) < STEP_LIMIT
    if typo.sum() != 1 or regular.sum() != len(off) - 1:
        return None
    i = int(typo.argmax())
    level = int(by_order[i])
    return level, float(expected[level] / 10.0 ** power[i])


def hook_start(log_y: Array) -> int | None:
    """The first level past a hook: from it on the readings stay under the highest and fall.

    Parameters
    ----------
    log_y : (n,) array
        Ln MFI by rising concentration, without blanks.

    Examples
    --------
    >>> hook_start(np.log([50.0, 200.0, 900.0, 3600.0, 11e3, 18e3, 5e3, 400.0]))
    6
    >>> hook_start(np.log([50.0, 200.0, 900.0, 3600.0, 900.0, 11e3, 18e3])) is None
    True
    """
    size = len(log_y)
    if size < 4 or log_y.max() <= log_y[0] + 4 * FALL_LIMIT:
        return None
    start = int(np.flatnonzero(log_y >= log_y.max() - FALL_LIMIT)[-1]) + 1
    if start == size and log_y[-2] - log_y[-1] > FALL_LIMIT / 2:
        start = size - 1
    if start == size or (np.diff(log_y[start:]) > FALL_LIMIT).any():
        return None
    return start


def past_the_hook(x: Array, y: Array) -> NDArray[np.bool_]:
    """Levels (n,) that a curve which only rises cannot pass through.

    Parameters
    ----------
    x : (n,) array
        Expected concentrations, ascending; 0 is the blank.
    y : (n, R) array
        Readings of their wells; NaN where there is none.

    Returns
    -------
    (n,) array of bool
        All above the highest reading one, where every well of one at least reads far under every
        well of an earlier one. A fall that rests on one well alone is no proof: there the robust
        weights decide.
    """
    out = np.zeros(len(x), dtype=bool)
    there = np.isfinite(y)
    mine = np.flatnonzero(there.any(1) & (x > 0))
    if len(mine) < 4:
        return out
    n = there[mine].sum(1)
    mean = np.where(there, y, 0.0)[mine].sum(1) / n
    start = hook_start(log_signal(mean))
    if start is None:
        return out
    lowest = np.where(there, y, np.inf)[mine].min(1)
    highest = np.where(there, y, -np.inf)[mine].max(1)
    reached = float(lowest[:start].max())
    under = np.flatnonzero(highest < reached * math.exp(-FALL_LIMIT))
    under = under[under >= start]
    if len(under) > 1 or (n[under] > 1).any():
        out[mine[int(mean[:start].argmax()) + 1 :]] = True
    return out


def upside_down(x: Array, y: Array) -> bool:
    """Whether the standards fall from high to low over a blank that is low: numbered in reverse.

    Parameters
    ----------
    x, y
        As for :func:`past_the_hook`.
    """
    there = np.isfinite(y)
    used = there.any(1)
    mean = np.where(there, y, 0.0).sum(1)[used] / there[used].sum(1)
    log_y = log_signal(mean)
    above = x[used] > 0
    if above.all() or not falls(log_y[above]):
        return False
    middle = (log_y[above][0] + log_y[above][-1]) / 2
    return bool(log_y[~above][0] < middle)


def falls(log_y: Array) -> bool:
    """Whether most steps, and the whole, go down."""
    if len(log_y) < 4:
        return False
    falls = (np.diff(log_y) < -FALL_LIMIT).sum()
    return bool(falls > (len(log_y) - 1) / 2 and log_y[-1] < log_y[0] - 2 * FALL_LIMIT)


def _exchanged(log_y: Array) -> list[int]:
    """Levels after whose exchange with the next the curve rises throughout."""
    if len(log_y) < 4:
        return []
    found = []
    # the last pair is left to the hook rule: there a fall has another likely cause
    for i in np.flatnonzero(-np.diff(log_y)[:-1] > 2 * FALL_LIMIT):
        mended = log_y.copy()
        mended[[i, i + 1]] = mended[[i + 1, i]]
        if (np.diff(mended) > -FALL_LIMIT / 2).all():
            found.append(int(i))
    return found
