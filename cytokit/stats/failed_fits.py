"""What a comparison says of values that rest on something that ``fit`` failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from cytokit.stats.outcome import flags_text
from cytokit.study import Study
from cytokit.study._fit_failures import codes_in
from cytokit.tables.days import Day

CODE = "fit_fail"


def mark_failed_fits(rows: Sequence[dict[str, Any]], study: Study, days: Sequence[Day]) -> None:
    """Add the flag to the rows with such values at the baseline or the days compared."""
    values = study.values[study.values["day"].isin(days)]
    if not (values[CODE] != "").any():
        return
    blocks = dict(list(values.groupby(["analyte", "group"], sort=False)))
    for row in rows:
        arms = [name for name in (row["treated_group"], row["control_group"]) if name]
        found = [blocks[key] for arm in arms if (key := (row["analyte"], arm)) in blocks]
        note = _note(pd.concat(found)) if found else ""
        row["flags"] = "; ".join(filter(None, (row["flags"], note)))


def _note(values: pd.DataFrame) -> str:
    """How many of the values, by what failed; empty where none."""
    failed = values.loc[values[CODE] != "", CODE]
    if failed.empty:
        return ""
    counts = Counter(code for mark in failed for code in codes_in(mark))
    named = ", ".join(f"{code} {count}" for code, count in counts.items())
    text = f"{len(failed)} of {len(values)} values rest on what the fit failed ({named})"
    return flags_text([(CODE, text)])
