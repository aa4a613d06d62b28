"""The standards of one analyte as plain arrays, with the facts that several rules ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

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
    names : list of str
    expected, mfi, log_x, log_y : (n,) array
        `log_y` is ln MFI, MFI next to nothing (``LEAST_SIGNAL``) taken as that.
    blank : float
        Mean MFI of the blanks, NaN where there is none.
    typo : (int, float) or None
        The standard whose expected concentration is off by a power of ten, and the likely one.
    falling : bool
        The curve as a whole runs the wrong way.
    exchanged : list of int
        Standards that look exchanged with the next one.
    """

    analyte: str
    names: list[str]
    expected: Array
    mfi: Array
    log_x: Array
    log_y: Array
    blank: float
    typo: tuple[int, float] | None
    falling: bool
    exchanged: list[int]


def every_series(levels: pd.DataFrame) -> Iterator[Series]:
    """The standards of each analyte.

    Parameters
    ----------
    levels : pandas.DataFrame
        At least one row; columns analyte, level, order, expected, mfi, n, sorted by analyte and
        expected concentration.

    Yields
    ------
    Series
    """
    analytes, names = levels["analyte"].to_numpy(), levels["level"].to_numpy()
    expected, mfi = levels["expected"].to_numpy(), levels["mfi"].to_numpy()
    n, order = levels["n"].to_numpy(), levels["order"].to_numpy()
    ends = np.flatnonzero(analytes[1:] != analytes[:-1]) + 1
    for rows in np.split(np.arange(len(analytes)), ends):
        blanks, own = rows[expected[rows] == 0.0], rows[expected[rows] > 0]
        log_x, log_y = np.log(expected[own]), log_signal(mfi[own])
        falling = _falls(log_y)
        yield Series(
            str(analytes[rows[0]]),
            names[own].tolist(),
            expected[own],
            mfi[own],
            log_x,
            log_y,
            float(np.average(mfi[blanks], weights=n[blanks])) if len(blanks) else math.nan,
            _typo(expected[own], log_x, order[own]),
            falling,
            [] if falling else _exchanged(log_y),
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


def _falls(log_y: Array) -> bool:
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
