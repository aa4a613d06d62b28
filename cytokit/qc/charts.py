"""What a chart of each series shows, and which series are worth one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cytokit.qc.drift import ALPHA
from cytokit.qc.series import CURVE_SERIES

if TYPE_CHECKING:
    import pandas as pd

    from cytokit.qc.control import QualityControl

Floats = NDArray[np.float64]
#: analyte, series, level
Key = tuple[str, str, str]
#: one value beyond 2 SD says little; it is marked, and no reason for a chart
WARNING = "1-2s"
_KEY = ("analyte", "series", "level")


@dataclass(frozen=True, eq=False)
class ChartSeries:
    """One series in the order of the runs.

    Parameters
    ----------
    key : tuple of str
        Analyte, series and level.
    unit : str
        Of the values; empty where they have none, or where no plate states it.
    x : array of float
        Which of the plates, counted from 0.
    value, z : array of float
        NaN where there is none.
    role, rules : tuple of str
        As in ``QualityControl.table``.
    mean, sd : float
        Of ln(value), by the guide; NaN where it has none.
    guide_n : int
    provisional : bool
    drift : float
        Slope of a drift that is named, SD per plate; NaN where none is.
    steps : mapping of (lot before, lot after) to float
        Ratios across changes of lot that are more than chance.
    """

    key: Key
    unit: str
    x: Floats
    value: Floats
    z: Floats
    role: tuple[str, ...]
    rules: tuple[str, ...]
    mean: float
    sd: float
    guide_n: int
    provisional: bool
    drift: float
    steps: Mapping[tuple[str, str], float]

    @property
    def remarkable(self) -> bool:
        """Whether a rule other than the warning is broken, or a drift or step is named."""
        broken = any(set(text.split()) - {WARNING} for text in self.rules)
        return broken or not np.isnan(self.drift) or bool(self.steps)


@dataclass(frozen=True, slots=True)
class Selection:
    """Series that are charted, controls first, and how many are left out as nothing befell them."""

    controls: tuple[ChartSeries, ...]
    rest: tuple[ChartSeries, ...]
    left_out: int


def chart_series(result: QualityControl) -> dict[Key, ChartSeries]:
    """Every series of a quality control.

    Parameters
    ----------
    result : QualityControl

    Returns
    -------
    dict of (analyte, series, level) to ChartSeries
        In the order of ``result.table``.
    """
    order = {plate.name: at for at, plate in enumerate(result.plates)}
    drifts = {_key(row): float(row["slope"]) for row in _named(result.drift)}
    steps: dict[Key, dict[tuple[str, str], float]] = {}
    for row in _named(result.steps):
        change = (row["lot_before"], row["lot_after"])
        steps.setdefault(_key(row), {})[change] = float(row["ratio"])
    rows: dict[Key, list[dict[Any, Any]]] = {}
    for row in result.table.to_dict("records"):
        rows.setdefault(_key(row), []).append(row)
    return {
        key: _series(key, mine, order, drifts.get(key, np.nan), steps.get(key, {}))
        for key, mine in rows.items()
    }


def select(result: QualityControl, *, all_charts: bool = False) -> Selection:
    """The series to chart.

    Parameters
    ----------
    result : QualityControl
    all_charts : bool
        Chart every series that has a value. Else a parameter of the curves is charted only where
        a rule other than 1-2s is broken, or a drift or a step between lots is named: of eight
        parameters for each analyte nearly all show that nothing happened.

    Returns
    -------
    Selection
    """
    known = [one for one in chart_series(result).values() if np.isfinite(one.value).any()]
    kept = [one for one in known if all_charts or one.key[1] not in CURVE_SERIES or one.remarkable]
    # plates with nothing but curves: better their charts than none
    kept = kept or known
    return Selection(
        controls=tuple(one for one in kept if one.key[1] == "control"),
        rest=tuple(one for one in kept if one.key[1] != "control"),
        left_out=len(known) - len(kept),
    )


def _series(
    key: Key,
    rows: Sequence[dict[Any, Any]],
    order: Mapping[str, int],
    drift: float,
    steps: Mapping[tuple[str, str], float],
) -> ChartSeries:
    """One series from its rows."""
    rows = sorted(rows, key=lambda row: order[row["plate"]])
    limits = next((row for row in rows if row["sd"] == row["sd"]), None)
    first = rows[0]
    return ChartSeries(
        key=key,
        unit=next((row["unit"] for row in rows if row["unit"]), ""),
        x=np.array([order[row["plate"]] for row in rows], dtype=np.float64),
        value=np.array([row["value"] for row in rows], dtype=np.float64),
        z=np.array([row["z"] for row in rows], dtype=np.float64),
        role=tuple(str(row["role"]) for row in rows),
        rules=tuple(str(row["rules"]) for row in rows),
        mean=np.nan if limits is None else float(np.log(limits["mean"])),
        sd=np.nan if limits is None else float(limits["sd"]),
        guide_n=int(first["guide_n"]),
        provisional=bool(first["provisional"]),
        drift=drift,
        steps=steps,
    )


def _named(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The drifts or steps that are more than chance."""
    return table[table["p_adjusted"] < ALPHA].to_dict("records")


def _key(row: Mapping[Any, Any]) -> Key:
    """Analyte, series and level of a row."""
    analyte, series, level = (str(row[name]) for name in _KEY)
    return analyte, series, level
