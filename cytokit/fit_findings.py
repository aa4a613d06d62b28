"""Findings of a fit, and the codes they set on wells and samples."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from cytokit.curves.fit import StandardCurve
from cytokit.curves.tables import DOWNWEIGHTED
from cytokit.findings import Finding
from cytokit.vocabulary import Verdict


def curve_findings(curve: StandardCurve) -> list[Finding]:
    """What is to be said of a curve: its verdict, and wells the robust fit gave less weight."""
    found = []
    if curve.verdict is Verdict.FAILED:
        found.append(Finding("curve_failed", curve.reason, curve.plate, analyte=curve.analyte))
    elif curve.verdict is Verdict.POOR:
        found.append(Finding("curve_poor", curve.reason, curve.plate, analyte=curve.analyte))
    off = curve.wells["robust"].to_numpy() < DOWNWEIGHTED
    if curve.ok and off.any():
        low = curve.wells.loc[off]
        found += [
            Finding(
                "downweighted",
                f"weight {robust:.2f} of 1: {mfi:g} MFI lies off the curve",
                curve.plate,
                well,
                level,
                curve.analyte,
            )
            for well, level, mfi, robust in low[["well", "level", "mfi", "robust"]].to_numpy()
        ]
    return found


def exclusion_findings(exclusions: pd.DataFrame) -> list[Finding]:
    """One finding per row of the exclusions."""
    return [
        Finding(
            "excluded",
            row["reason"] + (f" ({row['who']})" if row["who"] else ""),
            plate=row["plate"],
            well=row["well"],
            analyte=row["analyte"],
        )
        for row in exclusions.to_dict("records")
    ]


def flagged(table: pd.DataFrame, key: str, findings: Iterable[Finding]) -> pd.DataFrame:
    """The table with the codes of the findings that name its rows added to ``flags``."""
    codes: dict[tuple[str, str, str], dict[str, None]] = {}
    for one in findings:
        name = getattr(one, key)
        if name and (key == "well" or not one.well):
            codes.setdefault((one.plate, name, one.analyte), {})[one.code] = None
    if not codes:
        return table
    flags = table["flags"].to_numpy().copy()
    columns = ["plate", key, "analyte"]
    names = {name for _, name, _ in codes}
    hit = np.flatnonzero(table[key].isin(names))
    for row, (plate, name, analyte) in zip(
        hit.tolist(), table[columns].iloc[hit].to_numpy().tolist(), strict=True
    ):
        own = flags[row]
        named = dict.fromkeys(own.split(";")) if own else {}
        named |= codes.get((plate, name, analyte), {}) | codes.get((plate, name, ""), {})
        flags[row] = ";".join(named)
    return table.assign(flags=pd.Series(flags, index=table.index, dtype="str"))
