"""Several dilutions of one sample: one concentration, and whether they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from cytokit.vocabulary import RangeStatus

#: dilutions disagree when chance alone would set them further apart once in a hundred times
PARALLEL_P = 0.01
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

    Parameters
    ----------
    readings : sequence of Reading
        One per dilution factor.

    Returns
    -------
    Reading
        The only one unchanged; else with the flag ``dilutions_merged``.
    str
        How the dilutions contradict each other; empty where they do not.
    """
    if len(readings) == 1:
        return readings[0], ""
    closed = [one for one in readings if _is_closed(one) and one.status is RangeStatus.IN_RANGE]
    if len(closed) > 1:
        best, words = _averaged(closed)
    else:
        best, words = min(readings, key=lambda one: (_RANK[one.status], _tightness(one))), ""
    words = words or _contradiction(readings, best)
    flags = dict.fromkeys(flag for one in readings for flag in one.flags)
    kept = [flag for flag in flags if not flag.startswith("ci_") or flag in best.flags]
    if words:
        kept.append("not_parallel")
    n_wells = sum(one.n_wells for one in readings)
    return replace(best, n_wells=n_wells, flags=(*kept, "dilutions_merged")), words


def _averaged(closed: Sequence[Reading]) -> tuple[Reading, str]:
    """Weighted mean on the logarithmic scale, and whether its parts disagree."""
    log_value = np.log([one.value for one in closed])
    sd = np.log([one.high / one.low for one in closed]) / (2 * _NORMAL_975)
    weight = 1.0 / sd**2
    centre = float((weight * log_value).sum() / weight.sum())
    half = _NORMAL_975 / float(np.sqrt(weight.sum()))
    misfit = float((weight * (log_value - centre) ** 2).sum())
    words = ""
    if special.chdtrc(len(closed) - 1, misfit) < PARALLEL_P:
        listed = ", ".join(f"{one.value:.4g} at 1:{one.factor:g}" for one in closed)
        words = f"dilutions disagree by more than their intervals: {listed}"
    merged = replace(
        closed[int(np.argmin(sd))],
        value=float(np.exp(centre)),
        low=float(np.exp(centre - half)),
        high=float(np.exp(centre + half)),
        cv_pct=_spread([one.value for one in closed]),
        precision_pct=100.0 / float(np.sqrt(weight.sum())),
        flags=(),
    )
    return merged, words


def _is_closed(one: Reading) -> bool:
    """Whether a positive number stands between two finite bounds."""
    return bool(np.isfinite([one.value, one.low, one.high]).all() and one.low > 0)


def _tightness(one: Reading) -> float:
    """Of equal statuses the one that bounds the concentration best comes first."""
    if one.status is RangeStatus.OOR_LOW:
        return one.limit_low
    if one.status is RangeStatus.OOR_HIGH:
        return -one.limit_high
    return one.precision_pct if np.isfinite(one.precision_pct) else np.inf


def _contradiction(readings: Sequence[Reading], best: Reading) -> str:
    """Whether a dilution beyond its curve rules out what another one says."""
    below = [one.limit_low for one in readings if one.status is RangeStatus.OOR_LOW]
    above = [one.limit_high for one in readings if one.status is RangeStatus.OOR_HIGH]
    if below and above and min(below) < max(above):
        return f"one dilution says less than {min(below):.4g}, another more than {max(above):.4g}"
    if below and min(below) < best.low:
        return f"one dilution says less than {min(below):.4g}, another {best.value:.4g}"
    if above and max(above) > best.high:
        return f"one dilution says more than {max(above):.4g}, another {best.value:.4g}"
    return ""


def _spread(values: Sequence[float]) -> float:
    """CV in % of the dilutions' concentrations."""
    array = np.array(values)
    return float(100.0 * array.std(ddof=1) / array.mean())
