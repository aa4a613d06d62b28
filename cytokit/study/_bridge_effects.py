"""Plate effects of one analyte from the readings of its bridge samples, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cytokit.findings import Finding
from cytokit.study._bridge_model import linked, plate_effects


def analyte_effects(
    mine: pd.DataFrame, plates: Sequence[str], reference: str
) -> list[dict[str, Any]]:
    """The effects of one analyte, a row per plate."""
    usable = mine[mine["usable"]]
    # a sample read in range on one plate only tells nothing of plates
    on = usable.groupby("sample")["plate"].transform("nunique")
    usable = usable[on > 1] if len(usable) else usable
    per_plate = usable["plate"].value_counts()
    left_out = mine[~mine["usable"]]["plate"].value_counts()
    groups = linked(list(usable["plate"]), list(usable["sample"]), plates)
    if len(groups) > 1:
        reason = f"no reading in range links {', '.join(groups[1][:6])} to the other plates"
        numbers = {name: float("nan") for name in ("effect", "se", "ratio", "ratio_low")}
        whole = {**numbers, "ratio_high": float("nan"), "df": None, "reason": reason}
        return [
            {**whole, "plate": plate, "n_readings": int(per_plate.get(plate, 0)),
             "n_left_out": int(left_out.get(plate, 0))}
            for plate in plates
        ]  # fmt: skip
    from scipy import special

    at = {plate: index for index, plate in enumerate(plates)}
    codes, _ = pd.factorize(usable["sample"])
    found = plate_effects(
        np.asarray(codes, dtype=np.int64),
        np.array([at[name] for name in usable["plate"]], dtype=np.int64),
        np.log(usable["value"].to_numpy(float)),
        len(plates),
        at[reference] if reference else None,
    )
    t = float(special.stdtrit(found.df, 0.975)) if found.df else float("nan")
    reason = "" if found.df else "no reading is left over to tell an error: no interval"
    return [
        {
            "plate": plate,
            "effect": float(effect),
            "se": float(se),
            "df": found.df,
            "ratio": float(np.exp(effect)),
            "ratio_low": float(np.exp(effect - t * se)),
            "ratio_high": float(np.exp(effect + t * se)),
            "n_readings": int(per_plate.get(plate, 0)),
            "n_left_out": int(left_out.get(plate, 0)),
            "reason": reason,
        }
        for plate, effect, se in zip(plates, found.effect, found.se, strict=True)
    ]


def analyte_findings(
    analyte: str, mine: pd.DataFrame, found: Sequence[dict[str, Any]]
) -> list[Finding]:
    """What was left out of one analyte, and whether it can be bridged at all."""
    said = []
    lost = int((~mine["usable"]).sum())
    if lost:
        message = f"{lost} of {len(mine)} readings of bridge samples are out of range: left out"
        said.append(Finding("bridge_left_out", message, analyte=analyte))
    if np.isnan(found[0]["effect"]):
        message = f"not bridged, left as measured on all plates: {found[0]['reason']}"
        said.append(Finding("bridge_not_applied", message, analyte=analyte))
    return said
