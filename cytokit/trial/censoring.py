"""Which values count as numbers and which as intervals: the censoring policy.

``lod``
    Every number the curve gives between its limits of detection; below the lower "less than LOD",
    above the upper, where a reading cannot be told from saturation, "more than UOD".
``lloq``
    Only what lies in the quantifiable range; the rest "less than LLOQ", "more than ULOQ".
``interval``
    As ``lloq``, but a value between LOD and LLOQ is known to lie between them.

A number of zero or less has no logarithm: it is a value below a limit. A number that stands on a
floor nobody declared (:mod:`cytokit.trial.censoring`) is a value below that floor. Where values are
out of range without any limit, the nearest number measured is taken for it, and a finding says so:
it is no limit of detection.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.errors import Problem, UsageError, did_you_mean, option_text
from cytokit.flags import Finding
from cytokit.options import StudyOptions, choices_of
from cytokit.schema import LimitSource, RangeStatus
from cytokit.tables.concentrations import repeated_end

# Floors nobody declared: lowest values that many readings share, found and named.


FLOORS = choices_of(StudyOptions, "floors")
#: from this share of an analyte's values on, floors count as limits unless asked otherwise
CENSORED_FROM = 0.2
#: readings under the lowest floor go with it up to this share of an analyte's values
_STRAY = 0.05


def floor_limits(
    frame: pd.DataFrame, floors: str | None
) -> tuple[NDArray[np.float64], list[Finding]]:
    """The floor each reading stands on, where it counts as a limit."""
    if floors is not None and floors not in FLOORS:
        mend = f"use one of {', '.join(FLOORS)}, or leave it out"
        near = did_you_mean(floors, FLOORS)
        what = f"{option_text('floors', floors)} is no choice"
        raise UsageError(Problem("CK-410", what, mend=mend, near=near))
    limits = np.full(len(frame), np.nan)
    findings = []
    state, value = frame["state"].to_numpy(str), frame["value"].to_numpy(float)
    # a number under a limit of detection that is stated stands on no hidden floor
    undeclared = (state == "exact") & (value > 0) & ~(value < frame["lod"].to_numpy(float))
    undeclared &= frame["range_status"].to_numpy(str) == ""
    analyte, plate = frame["analyte"].to_numpy(str), frame["plate"].to_numpy(str)
    for name in dict.fromkeys(analyte[undeclared].tolist()):
        mine = np.flatnonzero(undeclared & (analyte == name))
        found = _floors_of(value[mine], plate[mine])
        on_floor = int(np.isfinite(found).sum())
        if not on_floor:
            continue
        total = int(((analyte == name) & (state != "missing")).sum())
        share = on_floor / total
        count_below = floors == "censor" or (floors is None and share >= CENSORED_FROM)
        if count_below:
            limits[mine] = found
        findings.append(_finding(name, value[mine], found, total, floors, count_below))
    return limits, findings


def _floors_of(value: NDArray[np.float64], plate: NDArray[np.str_]) -> NDArray[np.float64]:
    """The floor of each value, NaN off the floors; floors of all readings, then of each plate."""
    limits = np.full(len(value), np.nan)
    plates = [name for name in dict.fromkeys(plate.tolist()) if name]
    parts = [np.ones(len(value), dtype=bool)]
    parts += [plate == name for name in plates] if len(plates) > 1 else []
    for part in parts:
        found = [floor for floor, _, _ in repeated_end(value[part].tolist())]
        if not found:
            continue
        on = part & np.isin(value, found)
        limits[on] = value[on]
        stray = part & (value < min(found))
        if stray.sum() <= _STRAY * part.sum():
            limits[stray] = np.fmax(limits[stray], min(found))
    return limits


def _finding(
    analyte: str,
    value: NDArray[np.float64],
    limits: NDArray[np.float64],
    total: int,
    floors: str | None,
    count_below: bool,
) -> Finding:
    """Which floors, how many readings stand on each, and what these count as."""
    on = np.isfinite(limits)
    share = f"{100 * on.sum() / total:.0f} %"
    heaps = " and ".join(_heaps(value[on], limits[on]))
    asked = ", as asked" if floors is not None else ""
    if count_below:
        counted = f"count as below it{asked}"
    else:
        counted = f"count as measured{asked or ': fewer than a fifth'}"
    what = f"{on.sum()} of {total} values ({share}) stand on a floor nobody declared"
    code = "floor_censored" if count_below else "floor_kept"
    return Finding(code, f"{what}, {heaps}: they {counted}", analyte=analyte)


def _heaps(value: NDArray[np.float64], limits: NDArray[np.float64]) -> Iterator[str]:
    """``68 at 0.11 (1 lower)`` for each floor."""
    for floor in np.unique(limits):
        mine = value[limits == floor]
        lower = int((mine < floor).sum())
        yield f"{len(mine) - lower} at {floor:g}" + (f" ({lower} lower)" if lower else "")


POLICIES = choices_of(StudyOptions, "censor")


def _values_state(rows: NDArray[np.bool_], side: str) -> str:
    """``3 values below range state``."""
    n = int(rows.sum())
    return f"{n} value{'s' * (n != 1)} {side} range state{'s' * (n == 1)}"


def censored(
    frame: pd.DataFrame, policy: str, floors: str | None = None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Apply a policy: value, lower, upper and state of each reading."""
    if policy not in POLICIES:
        mend = f"use one of {', '.join(POLICIES)}"
        near = did_you_mean(policy, POLICIES)
        raise UsageError(Problem("CK-410", f"censor={policy!r} is no choice", mend=mend, near=near))
    frame, on_floors = _below_floors(frame, floors)
    frame, assumed = _with_limits(frame)
    value, lod, lloq, uloq, uod = (
        frame[name].to_numpy(float) for name in ("value", "lod", "lloq", "uloq", "uod")
    )
    status = frame["range_status"].to_numpy(str)
    state = frame["state"].to_numpy(object).copy()
    lower, upper = frame["lower"].to_numpy(float).copy(), frame["upper"].to_numpy(float).copy()
    exact, below, above = state == "exact", state == "below", state == "above"
    floor = lod if policy == "lod" else np.fmax(lod, lloq)
    under = exact & (value < floor)
    ceiling = uod if policy == "lod" else uloq
    over = exact & ~under & (value > ceiling)
    if policy != "lod":
        under |= exact & (status == str(RangeStatus.BELOW_LLOQ)) & np.isfinite(lloq)
        over |= exact & (status == str(RangeStatus.ABOVE_ULOQ)) & np.isfinite(uloq) & ~under
    state[over] = "above"
    lower[over], upper[over] = ceiling[over], np.inf
    # one limit for all that lie above it, numbers and none: else the larger would count for less
    lower[above] = np.where(np.isfinite(ceiling[above]), ceiling[above], lower[above])
    state[under] = "below"
    lower[under], upper[under] = 0.0, np.fmax(floor, value)[under]
    upper[below] = np.fmax(upper[below], floor[below])
    if policy == "interval":
        between = under & (value >= lod) & (lod > 0)
        state[between] = "interval"
        lower[between] = lod[between]
        undetected = under & (value < lod)
        upper[undetected] = lod[undetected]
        upper[below] = frame["upper"].to_numpy(float)[below]
        upper[below] = np.fmax(upper[below], lod[below])
    number = np.where(state == "exact", value, np.nan)
    frame = frame.assign(value=number, lower=lower, upper=upper, state=state.astype(str))
    source = frame["limit_from"].mask((state == "exact") | (state == "missing"), "")
    source = source.mask((source == "") & ~np.isin(state, ("exact", "missing")), LimitSource.STATED)
    return frame.assign(limit_from=source.astype("str")), [*on_floors, *assumed]


def _below_floors(frame: pd.DataFrame, floors: str | None) -> tuple[pd.DataFrame, list[Finding]]:
    """Readings on a floor that counts as a limit become values below it."""
    limits, findings = floor_limits(frame, floors)
    on = np.isfinite(limits)
    frame = frame.assign(
        state=frame["state"].mask(on, "below"),
        value=frame["value"].mask(on),
        lower=frame["lower"].mask(on, 0.0),
        upper=frame["upper"].mask(on, pd.Series(limits, index=frame.index)),
        limit_from=pd.Series("", index=frame.index).mask(on, LimitSource.FLOOR),
    )
    return frame, findings


def _with_limits(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Zeros become values below a limit, and limits nobody states are taken from the readings."""
    value = frame["value"].to_numpy(float)
    state = frame["state"].to_numpy(object).copy()
    lower, upper = frame["lower"].to_numpy(float).copy(), frame["upper"].to_numpy(float).copy()
    not_positive = (state == "exact") & (value <= 0)
    state[not_positive] = "below"
    lower[not_positive], upper[not_positive] = 0.0, np.nan
    exact = state == "exact"
    stated = np.fmax(frame["lod"].to_numpy(float), 0)
    stated = np.where(stated > 0, stated, frame["lloq"].to_numpy(float))
    no_upper = (state == "below") & ~(upper > 0)
    upper[no_upper] = stated[no_upper]
    no_lower = (state == "above") & ~(lower > 0)
    lower[no_lower] = frame["uloq"].to_numpy(float)[no_lower]
    source = frame["limit_from"].to_numpy(object).copy()
    open_below = (state == "below") & ~(upper > 0)
    open_above = (state == "above") & ~(lower > 0)
    findings = []
    analytes = frame["analyte"].to_numpy(str)
    for analyte in dict.fromkeys(analytes[open_below | open_above]):
        mine = analytes == analyte
        numbers = value[mine & exact]
        below, above = mine & open_below, mine & open_above
        if not numbers.size:
            rows = below | above
            upper[below] = lower[above] = np.nan
            source[below | above] = LimitSource.UNKNOWN
            what = (
                f"{_values_state(rows, 'out of')} no limit, and no number was measured: "
                "out of range without a known limit"
            )
            findings.append(Finding("limit_assumed", what, analyte=str(analyte)))
            continue
        upper[below], lower[above] = numbers.min(), numbers.max()
        source[below | above] = LimitSource.MEASURED
        for rows, side, which, number in (
            (below, "below", "lowest", numbers.min()),
            (above, "above", "highest", numbers.max()),
        ):
            if rows.any():
                what = (
                    f"{_values_state(rows, side)} no limit: the {which} number "
                    f"measured ({number:g}) was taken for it, which is no limit of detection"
                )
                findings.append(Finding("limit_assumed", what, analyte=str(analyte)))
    number = np.where(exact, value, np.nan)
    frame = frame.assign(
        value=number, lower=lower, upper=upper, state=state.astype(str), limit_from=source
    )
    return frame, findings
