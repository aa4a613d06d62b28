"""Several dilutions of one sample: one concentration, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from cytokit.vocabulary import RangeStatus

#: dilutions disagree when chance alone would set them further apart once in a hundred times
PARALLEL_P = 0.01
#: dilutions that disagree are one concentration only within this CV: the usual limit for the
#: parallelism of a dilution series (EMA, guideline on bioanalytical method validation, 2011)
PARALLEL_CV_PCT = 30.0
_NORMAL_975 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Reading:
    """The replicates of one dilution of one sample, or the merged result of several dilutions.

    Parameters
    ----------
    factor : float
        Dilution factor.
    n_wells : int
    mfi, mfi_cv_pct : float
    value, low, high : float
        Concentration and interval, dilution applied; NaN where there is none.
    cv_pct, precision_pct : float
        CV of the wells' own concentrations; CV that curve and noise let expect.
    status : RangeStatus
    limit_low, limit_high : float
        Bounds, dilution applied, should the reading lie beyond a plateau.
    flags : tuple of str
    """

    factor: float
    n_wells: int
    mfi: float
    mfi_cv_pct: float
    value: float
    low: float
    high: float
    cv_pct: float
    precision_pct: float
    status: RangeStatus
    limit_low: float
    limit_high: float
    flags: tuple[str, ...] = ()


_NUMBERED = (RangeStatus.IN_RANGE, RangeStatus.BELOW_LLOQ, RangeStatus.ABOVE_ULOQ)
#: the better a status, the more a dilution has to say
_RANK = {
    RangeStatus.IN_RANGE: 0,
    RangeStatus.ABOVE_ULOQ: 1,
    RangeStatus.BELOW_LLOQ: 1,
    RangeStatus.OOR_LOW: 2,
    RangeStatus.OOR_HIGH: 2,
    RangeStatus.NO_CURVE: 3,
    RangeStatus.NOT_MEASURED: 4,
    RangeStatus.EXCLUDED: 5,
}


def merge_dilutions(readings: Sequence[Reading]) -> tuple[Reading, str]:
    """One reading from the dilutions of a sample.

    Dilutions in range with an interval closed on both sides are averaged on the logarithmic
    scale, each weighted by the inverse square of its interval's width; without any, the reading
    that says most stands alone. The merged reading bears the dilution factor of the most precise.

    Dilutions that disagree by more than chance explains are one concentration only while they lie
    within a CV of 30 %: its interval then holds those of all that were averaged. Further apart no
    dilution is known to be the right one, and the sample has no number.

    Parameters
    ----------
    readings : sequence of Reading
        One per dilution factor.

    Returns
    -------
    Reading
        The only one unchanged; else with the flag ``dilutions_merged``, or, where they are too
        far apart, without a number and with status ``not_measured``.
    str
        How the dilutions contradict each other; empty where they do not.
    """
    if len(readings) == 1:
        return readings[0], ""
    closed = [one for one in readings if _averages(one)]
    if len(closed) > 1:
        best, apart = _averaged(closed)
    else:
        best, apart = min(readings, key=lambda one: (_RANK[one.status], _tightness(one))), None
    apart = apart or _contradiction(readings, best)
    flags = dict.fromkeys(flag for one in readings for flag in one.flags)
    n_wells = sum(one.n_wells for one in readings)
    if apart is not None and apart.cv_pct > PARALLEL_CV_PCT:
        kept = [flag for flag in flags if not flag.startswith("ci_")]
        words = f"{apart.words}: no concentration is given"
        return _without_number(best, n_wells, apart.cv_pct, (*kept, "not_parallel")), words
    kept = [flag for flag in flags if not flag.startswith("ci_") or flag in best.flags]
    if apart is not None:
        kept.append("not_parallel")
    merged = replace(best, n_wells=n_wells, flags=(*kept, "dilutions_merged"))
    return merged, apart.words if apart is not None else ""


@dataclass(frozen=True, slots=True)
class _Apart:
    """How dilutions contradict each other, and how far they are apart."""

    words: str
    cv_pct: float


def _without_number(best: Reading, n_wells: int, cv_pct: float, flags: tuple[str, ...]) -> Reading:
    """What is left of a sample whose dilutions contradict each other."""
    nothing = dict.fromkeys(
        ("value", "low", "high", "precision_pct", "limit_low", "limit_high"), float("nan")
    )
    return replace(
        best,
        n_wells=n_wells,
        cv_pct=cv_pct,
        status=RangeStatus.NOT_MEASURED,
        flags=flags,
        **nothing,
    )


def _averaged(closed: Sequence[Reading]) -> tuple[Reading, _Apart | None]:
    """Weighted mean on the logarithmic scale, and whether its parts disagree."""
    log_value = np.log([one.value for one in closed])
    sd = np.log([one.high / one.low for one in closed]) / (2 * _NORMAL_975)
    weight = 1.0 / sd**2
    centre = float((weight * log_value).sum() / weight.sum())
    half = _NORMAL_975 / float(np.sqrt(weight.sum()))
    low, high = float(np.exp(centre - half)), float(np.exp(centre + half))
    misfit = float((weight * (log_value - centre) ** 2).sum())
    cv_pct = _spread([one.value for one in closed])
    apart = None
    if special.chdtrc(len(closed) - 1, misfit) < PARALLEL_P:
        apart = _Apart(
            f"dilutions disagree by more than their intervals: {_listed(closed)}", cv_pct
        )
        low = min(low, *(one.low for one in closed))
        high = max(high, *(one.high for one in closed))
    merged = replace(
        closed[int(np.argmin(sd))],
        value=float(np.exp(centre)),
        low=low,
        high=high,
        cv_pct=cv_pct,
        precision_pct=100.0 / float(np.sqrt(weight.sum())),
        flags=(),
    )
    return merged, apart


def _listed(readings: Sequence[Reading]) -> str:
    return ", ".join(f"{one.value:.4g} at 1:{one.factor:g}" for one in readings)


def _averages(one: Reading) -> bool:
    """Whether it is in range, a positive number between two finite bounds."""
    closed = np.isfinite([one.value, one.low, one.high]).all() and one.low > 0
    return bool(closed and one.status is RangeStatus.IN_RANGE)


def _tightness(one: Reading) -> float:
    """Of equal statuses the one that bounds the concentration best comes first."""
    if one.status is RangeStatus.OOR_LOW:
        return one.limit_low
    if one.status is RangeStatus.OOR_HIGH:
        return -one.limit_high
    return one.precision_pct if np.isfinite(one.precision_pct) else np.inf


def _contradiction(readings: Sequence[Reading], best: Reading) -> _Apart | None:
    """Whether what one dilution says rules out what another one says."""
    below = [one.limit_low for one in readings if one.status is RangeStatus.OOR_LOW]
    above = [one.limit_high for one in readings if one.status is RangeStatus.OOR_HIGH]
    if below and above and min(below) < max(above):
        less, more = min(below), max(above)
        words = f"one dilution says less than {less:.4g}, another more than {more:.4g}"
        return _Apart(words, _spread([less, more]))
    if below and min(below) < best.low:
        words = f"one dilution says less than {min(below):.4g}, another {best.value:.4g}"
        return _Apart(words, _spread([min(below), best.value]))
    if above and max(above) > best.high:
        words = f"one dilution says more than {max(above):.4g}, another {best.value:.4g}"
        return _Apart(words, _spread([max(above), best.value]))
    # numbers that were not averaged; NaN, an open end, contradicts nothing
    outside = [
        one
        for one in readings
        if one.status in _NUMBERED and not _averages(one)
        if one.high < best.low or one.low > best.high
    ]
    if not outside:
        return None
    words = f"dilutions disagree by more than their intervals: {_listed([best, *outside])}"
    return _Apart(words, _spread([best.value, *(one.value for one in outside)]))


def _spread(values: Sequence[float]) -> float:
    """CV in % of the dilutions' concentrations."""
    array = np.array(values)
    return float(100.0 * array.std(ddof=1) / array.mean())
