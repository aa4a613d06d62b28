"""Which values count as numbers and which as intervals: the censoring policy.

``lod``
    Every number the curve gives between its limits of detection; below the lower "less than LOD",
    above the upper, where a reading cannot be told from saturation, "more than UOD".
``lloq``
    Only what lies in the quantifiable range; the rest "less than LLOQ", "more than ULOQ".
``interval``
    As ``lloq``, but a value between LOD and LLOQ is known to lie between them.

A number of zero or less has no logarithm: it is a value below a limit.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError, did_you_mean
from cytokit.findings import Finding
from cytokit.vocabulary import RangeStatus

POLICIES = ("lod", "lloq", "interval")


def censored(frame: pd.DataFrame, policy: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Apply a policy: value, lower, upper and state of each reading.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns of :data:`cytokit.study._readings_frame.READING_COLUMNS`.
    policy : {"lod", "lloq", "interval"}

    Returns
    -------
    frame : pandas.DataFrame
        The same rows; state is exact, below, above, interval or missing. An exact value has
        lower = upper = value; a value below has lower 0, one above has upper infinite.
    findings : list of Finding
        Limits that had to be taken from other readings.

    Raises
    ------
    UsageError
        CK-410, if there is no such policy.
    """
    if policy not in POLICIES:
        mend = f"use one of {', '.join(POLICIES)}"
        near = did_you_mean(policy, POLICIES)
        raise UsageError(Problem("CK-410", f"censor={policy!r} is no choice", mend=mend, near=near))
    frame, findings = _with_limits(frame)
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
    return frame.assign(value=number, lower=lower, upper=upper, state=state.astype(str)), findings


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
    findings = []
    open_ended = ((state == "below") & ~(upper > 0)) | ((state == "above") & ~(lower > 0))
    analytes = frame["analyte"].to_numpy(str)
    for analyte in dict.fromkeys(analytes[open_ended]):
        mine = analytes == analyte
        numbers = value[mine & exact]
        low, high = (numbers.min(), numbers.max()) if numbers.size else (np.nan, np.nan)
        rows = mine & open_ended
        upper[rows & (state == "below")] = low
        lower[rows & (state == "above")] = high
        if not numbers.size:
            state[rows] = "missing"
            lower[rows] = upper[rows] = np.nan
            what = f"{rows.sum()} values out of range without any limit: counted as missing"
        else:
            what = (
                f"{rows.sum()} values out of range state no limit; the nearest number measured "
                f"({low:g} below, {high:g} above) was taken for it"
            )
        findings.append(Finding("limit_assumed", what, analyte=str(analyte)))
    number = np.where(exact, value, np.nan)
    frame = frame.assign(value=number, lower=lower, upper=upper, state=state.astype(str))
    return frame, findings
