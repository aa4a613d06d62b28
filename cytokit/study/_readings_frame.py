"""The frame of readings that every source is brought into."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: who and when, where the source itself says so (plain tables); empty text otherwise
ID_COLUMNS = ("sample", "subject", "group", "day", "stratum", "status")
NUMBERS = (
    *("value", "lower", "upper", "given", "lod", "lloq", "uloq", "uod"),
    *("ci_low", "ci_high", "mfi"),
)
#: one row per reading; state is exact, below, above or missing, before any censoring policy
READING_COLUMNS = (
    *("plate", *ID_COLUMNS, "analyte", "unit", "state", "range_status", "fit_fail"),
    *NUMBERS,
)


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns in order, texts as str without outer spaces, numbers as float.

    Only fits know an upper limit of detection and what they failed; elsewhere the columns are NaN
    and empty.
    """
    if "uod" not in frame:
        frame = frame.assign(uod=np.nan)
    if "fit_fail" not in frame:
        frame = frame.assign(fit_fail="")
    texts = [name for name in READING_COLUMNS if name not in NUMBERS]
    columns = {name: frame[name].fillna("").astype("str").str.strip() for name in texts}
    numbers = {name: number(frame[name]) for name in NUMBERS}
    return pd.DataFrame({**columns, **numbers})[list(READING_COLUMNS)]


def number(column: pd.Series) -> pd.Series:
    """Floats; empty cells are NaN."""
    return pd.to_numeric(column.replace("", np.nan), errors="raise").astype("float64")
