"""Floors nobody declared: lowest values that many readings share, found and named.

A platform that prints one number for all it cannot measure leaves a heap of equal values at the low
end, one heap per plate or dilution where these have floors of their own. Such a number is a limit
and no measurement. Only readings of plain tables are looked at: fits know their limits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.errors import Problem, UsageError, did_you_mean, option_text
from cytokit.findings import Finding
from cytokit.tables.findings import repeated_end

FLOORS = ("censor", "keep")
#: from this share of an analyte's values on, floors count as limits unless asked otherwise
CENSORED_FROM = 0.2
#: readings under the lowest floor go with it up to this share of an analyte's values
_STRAY = 0.05


def floor_limits(
    frame: pd.DataFrame, floors: str | None
) -> tuple[NDArray[np.float64], list[Finding]]:
    """The floor each reading stands on, where it counts as a limit.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of :data:`cytokit.study._readings_frame.READING_COLUMNS`, before any policy.
    floors : {"censor", "keep"}, optional
        Readings on a floor count as below it, or as measured. Where not given they count as below
        if at least a fifth of the analyte's values stand on floors.

    Returns
    -------
    limits : ndarray, shape (n,)
        NaN for a reading that is measured.
    findings : list of Finding
        One per analyte with floors: which, how many readings, what they count as.

    Raises
    ------
    UsageError
        CK-410, if there is no such choice.
    """
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
