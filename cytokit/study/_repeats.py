"""A sample measured more than once: the one documented rule by which readings become one.

The geometric mean of the exact values counts; where there is none, the intersection of the
intervals; each time with a finding. Missing readings beside a present one fall away. Readings that
contradict each other (40 and ``<5``) are not resolved by taking one of them: what remains is the
interval that holds them all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytokit.findings import Finding
from cytokit.study._fit_failures import together

_KEY = ["subject", "day", "analyte"]


def combine_repeats(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """One reading per subject, day and analyte.

    Parameters
    ----------
    frame : pandas.DataFrame
        Readings under a censoring policy, joined to the design.

    Returns
    -------
    frame : pandas.DataFrame
        The first row of each subject, day and analyte, combined where there were several.
    findings : list of Finding
        One per combined reading.
    """
    repeated = frame.duplicated(_KEY, keep=False)
    if not repeated.any():
        return frame, []
    findings, rows = [], []
    for _, group in frame[repeated].groupby(_KEY, sort=False):
        present = group[group["state"] != "missing"]
        rows.append(_combined(present) if len(present) > 1 else _single(group, present))
        if len(present) > 1:
            findings.append(_finding(present, rows[-1]))
    single = pd.concat([frame[~repeated], pd.DataFrame(rows)]).sort_index()
    return single.astype(frame.dtypes.to_dict()), findings


def _single(group: pd.DataFrame, present: pd.DataFrame) -> pd.Series:
    """The only present reading, else the first missing one, in the place of the first."""
    row = (present if len(present) else group).iloc[0].copy()
    row.name = group.index[0]
    return row


def _combined(present: pd.DataFrame) -> pd.Series:
    """Geometric mean of exact values, else what all intervals allow."""
    row = present.iloc[0].copy()
    row["plate"] = " + ".join(dict.fromkeys(present["plate"]))
    row["fit_fail"] = together(present["fit_fail"])
    exact = present[present["state"] == "exact"]
    if len(exact) and not _contradict(present):
        value = _geometric_mean(exact["value"])
        row["state"], row["limit_from"] = "exact", ""
        row["value"] = row["lower"] = row["upper"] = value
        for name in ("given", "ci_low", "ci_high"):
            row[name] = _geometric_mean(exact[name])
        return row
    low, high = present["lower"].max(), present["upper"].min()
    if _contradict(present):
        # the hull is all that can be said
        low, high = present["lower"].min(), present["upper"].max()
        row[["value", "given", "ci_low", "ci_high"]] = np.nan
    row["lower"], row["upper"] = low, high
    row["state"] = "below" if low == 0 else "above" if np.isinf(high) else "interval"
    if low == 0 and np.isinf(high):
        row["state"], row["lower"], row["upper"] = "missing", np.nan, np.nan
    return row


def _contradict(present: pd.DataFrame) -> bool:
    """Whether some readings cannot be true together; exact values scatter and do not.

    A reading out of range whose limit nobody knows contradicts every exact value.
    """
    exact = present.loc[present["state"] == "exact", "value"]
    others = present[present["state"] != "exact"]
    if len(exact) and len(others):
        inside = [
            bool(((exact >= low) & (exact <= high)).all())
            for low, high in zip(others["lower"], others["upper"], strict=True)
        ]
        return not all(inside)
    return not len(exact) and bool(others["lower"].max() >= others["upper"].min())


def _geometric_mean(values: pd.Series) -> float:
    """NaN where a value is absent or has no logarithm."""
    numbers = values.to_numpy(float)
    return float(np.exp(np.log(numbers).mean())) if (numbers > 0).all() else float("nan")


def _finding(present: pd.DataFrame, row: pd.Series) -> Finding:
    """What was combined, by which rule."""
    first = present.iloc[0]
    exact = present.loc[present["state"] == "exact", "value"]
    states = ", ".join(present["state"])
    numbers = ", ".join(map("{:.4g}".format, exact))
    rule = (
        f"the geometric mean of {len(exact)} exact values counts ({numbers})"
        if len(exact)
        else "none is exact: the interval that all allow counts"
    )
    contradict = _contradict(present)
    if contradict:
        held = f"{row['lower']:.4g} to {row['upper']:.4g} holds them all"
        held = "nothing is known of it" if row["state"] == "missing" else held
        rule = f"they contradict each other ({numbers or 'no exact value'}): {held}"
    plates = ", ".join(name for name in dict.fromkeys(present["plate"]) if name)
    return Finding(
        "readings_contradict" if contradict else "repeated_reading",
        f"subject {first['subject']}, day {first['day']} was measured {len(present)} times "
        f"({states}): {rule}",
        plate=plates,
        sample=str(first["sample"]),
        analyte=str(first["analyte"]),
    )
