"""Drift of judged plates and steps between lots, over all series, adjusted for their number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from cytokit.qc.judge import QcFinding, severity_of
from cytokit.qc.names import series_name
from cytokit.qc.plates import ChartPlate
from cytokit.qc.series import CONTROL
from cytokit.qc.trend import FEWEST, lot_step, theil_sen
from cytokit.stats.multiplicity import adjust
from cytokit.vocabulary import QC_DRIFT_COLUMNS, QC_STEP_COLUMNS, QcRole

ALPHA = 0.05
_KEY = ["series", "level", "analyte"]


def drift_table(
    frame: pd.DataFrame, plates: Sequence[ChartPlate]
) -> tuple[pd.DataFrame, list[QcFinding]]:
    """The trend of each series over the judged plates, in SD per plate.

    Parameters
    ----------
    frame : pandas.DataFrame
        From :func:`cytokit.qc.judge.with_limits`.
    plates : sequence of ChartPlate
        In the order of their runs.

    Returns
    -------
    table : pandas.DataFrame
        Columns ``QC_DRIFT_COLUMNS``: series with eight judged values or more.
    findings : list of QcFinding
        Trends whose p, adjusted by Holm's method over all controls, or over all other series,
        is below 0.05.
    """
    segment = {plate.name: plate.segment for plate in plates}
    judged = frame[(frame["role"] == str(QcRole.JUDGED)) & frame["z"].notna()]
    order = {name: at for at, name in enumerate(dict.fromkeys(_in_order(judged, plates)))}
    rows: list[dict[str, Any]] = []
    for key, mine in judged.groupby(_KEY, sort=False):
        if len(mine) < FEWEST:
            continue
        found = theil_sen(
            np.array([order[name] for name in mine["plate"]], dtype=np.float64),
            mine["z"].to_numpy(float),
            np.array([segment[name] for name in mine["plate"]], dtype=np.int64),
        )
        if found is not None:
            numbers = {"slope": found.slope, "slope_low": found.low, "slope_high": found.high}
            rows.append(
                {**dict(zip(_KEY, key, strict=True)), **numbers, "n_plates": len(mine),
                 "p": found.p}
            )  # fmt: skip
    table = _adjusted(pd.DataFrame(rows, columns=list(QC_DRIFT_COLUMNS)))
    findings = []
    for row in table[table["p_adjusted"] < ALPHA].to_dict("records"):
        way = "rises" if row["slope"] > 0 else "falls"
        message = (
            f"{series_name(row['analyte'], row['series'], row['level'])} {way} by "
            f"{abs(row['slope']):.2g} SD per plate (95 % {row['slope_low']:+.2g} to "
            f"{row['slope_high']:+.2g}) over {row['n_plates']} plates, "
            f"p = {row['p_adjusted']:.2g} after Holm"
        )
        findings.append(_finding("qc_drift", message, row))
    return table, findings


def step_table(
    frame: pd.DataFrame, plates: Sequence[ChartPlate]
) -> tuple[pd.DataFrame, list[QcFinding]]:
    """The ratio across each change of lot, new over old, of each series.

    Parameters
    ----------
    frame, plates
        As for :func:`drift_table`; all plates count, guide or not.

    Returns
    -------
    table : pandas.DataFrame
        Columns ``QC_STEP_COLUMNS``: one row per change of a named lot and series.
    findings : list of QcFinding
        Ratios whose p, adjusted by Holm's method over all controls, or over all other series, and
        all changes of lot, is below 0.05.
    """
    rows: list[dict[str, Any]] = []
    known = frame[frame["value"].notna()]
    for before, after in lot_changes(plates):
        old = {plate.name for plate in plates if plate.segment == before.segment}
        new = {plate.name for plate in plates if plate.segment == after.segment}
        for key, mine in known[known["plate"].isin(old | new)].groupby(_KEY, sort=False):
            logs = np.log(mine["value"].to_numpy(float))
            is_old = mine["plate"].isin(old).to_numpy(bool)
            found = lot_step(logs[is_old], logs[~is_old])
            rows.append(
                {
                    "lot_before": before.lot,
                    "lot_after": after.lot,
                    **dict(zip(_KEY, key, strict=True)),
                    "n_before": int(is_old.sum()),
                    "n_after": int((~is_old).sum()),
                    "ratio": found.ratio,
                    "ratio_low": found.low,
                    "ratio_high": found.high,
                    "p": found.p,
                    "reason": found.reason,
                }
            )
    table = _adjusted(pd.DataFrame(rows, columns=list(QC_STEP_COLUMNS)))
    findings = []
    for row in table[table["p_adjusted"] < ALPHA].to_dict("records"):
        message = (
            f"{series_name(row['analyte'], row['series'], row['level'])}: new over old lot "
            f"{row['ratio']:.3g} (95 % {row['ratio_low']:.3g} to {row['ratio_high']:.3g}; "
            f"{row['n_after']} and {row['n_before']} plates), p = {row['p_adjusted']:.2g} after "
            f"Holm; {row['lot_before']} -> {row['lot_after']}"
        )
        findings.append(_finding("qc_lot_shift", message, row))
    return table, findings


def lot_changes(plates: Sequence[ChartPlate]) -> list[tuple[ChartPlate, ChartPlate]]:
    """Last plate of a named lot and first plate of the next named one.

    Parameters
    ----------
    plates : sequence of ChartPlate
        In the order of their runs.

    Returns
    -------
    list of (ChartPlate, ChartPlate)
    """
    return [
        (before, after)
        for before, after in pairwise(plates)
        if before.segment != after.segment and before.lot and after.lot
    ]


def _in_order(judged: pd.DataFrame, plates: Sequence[ChartPlate]) -> list[str]:
    names = set(judged["plate"])
    return [plate.name for plate in plates if plate.name in names]


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    """Holm's method in two families: the controls of all analytes, and all that is no control."""
    table = table.astype(
        {name: "float64" for name in table.columns if name.startswith(("p", "ratio", "slope"))}
    )
    for _, rows in table.groupby(table["series"] == CONTROL, sort=False):
        table.loc[rows.index, "p_adjusted"] = adjust(rows["p"].to_numpy(float), "holm")
    return table


def _finding(code: str, message: str, row: Mapping[Any, Any]) -> QcFinding:
    return QcFinding(
        code, message, "", row["series"], row["level"], row["analyte"],
        severity=severity_of(code, row["series"]),
    )  # fmt: skip
