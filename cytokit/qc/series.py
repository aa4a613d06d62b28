"""The series that are charted: one value per plate, analyte and thing watched, each positive."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cytokit.errors import InputError, Problem, place
from cytokit.qc.folders import FitTables
from cytokit.qc.plates import ChartPlate
from cytokit.runs.lots import control_lot
from cytokit.study.readings import in_several_units
from cytokit.vocabulary import RangeStatus, Verdict, WellType

#: curve parameters, in the order of charts; lloq last
CURVE_SERIES = ("lower", "upper", "inflection", "slope", "asymmetry", "s0", "cv", "lloq")
#: mean something else in either form of the 5PL equation: charted apart, by orientation
ORIENTED = ("inflection", "slope", "asymmetry")
#: all series, in the order of charts
CONTROL = "control"
SERIES = (CONTROL, "standard_recovery", "standard_mfi", "blank_mfi", *CURVE_SERIES)
#: in the unit of the plate's concentrations
_IN_PLATE_UNIT = {CONTROL, "inflection", "lloq"}
_UNITS = {"standard_recovery": "%", "standard_mfi": "MFI", "blank_mfi": "MFI"}
_UNITS |= dict.fromkeys(("lower", "upper", "s0"), "MFI")
_WITH_NUMBER = tuple(
    map(str, (RangeStatus.IN_RANGE, RangeStatus.BELOW_LLOQ, RangeStatus.ABOVE_ULOQ))
)
_NOT_MEASURED = "not measured"
_LEFT_OUT = tuple(map(str, (RangeStatus.EXCLUDED, RangeStatus.NOT_MEASURED)))
COLUMNS = ("plate", "series", "level", "analyte", "unit", "value", "n_wells", "reason")


@dataclass(frozen=True, slots=True)
class _Value:
    """One value, or the reason why there is none."""

    value: float
    n_wells: int
    reason: str = ""


def series_table(fits: Sequence[FitTables], plates: Sequence[ChartPlate]) -> pd.DataFrame:
    """Every series of every plate.

    Parameters
    ----------
    fits : sequence of FitTables
    plates : sequence of ChartPlate
        In the order of the chart.

    Returns
    -------
    pandas.DataFrame
        Columns ``COLUMNS``, by analyte, series, level and plate. ``value`` is NaN where the plate
        has none, and ``reason`` says why. Controls: geometric mean of their wells'
        concentrations; a series holds one material, so that its level is the control's name with
        its lot, and with nominal value and panel where plates differ in them. Blanks: geometric
        mean of their wells' MFI. Standards: the middle level (of an even number the upper of the
        two). Curves: the parameters of the equation, the variance's s0 and cv, and the lower limit
        of quantification.

    Raises
    ------
    InputError
        CK-564 an analyte whose unit differs between plates, CK-568 neither controls, blanks,
        standards nor curves.
    """
    names = {(plate.source, plate.facts.name): plate.name for plate in plates}
    rows: list[dict[str, Any]] = []
    for index, fit in enumerate(fits):
        units = _units(fit)
        for row in (*_wells(fit), *_standards(fit), *_curves(fit)):
            unit = _UNITS.get(row["series"], "")
            if row["series"] in _IN_PLATE_UNIT:
                unit = units.get((row["plate"], row["analyte"]), "")
            rows.append({**row, "plate": names[index, row["plate"]], "unit": unit})
    _name_materials(rows, fits, plates)
    if not rows:
        where = ", ".join(fit.path for fit in fits)
        raise InputError(Problem("CK-568", "the fits hold no control, blank or curve", where))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    texts = ("plate", "series", "level", "analyte", "unit", "reason")
    table = table.astype({**dict.fromkeys(texts, "str"), "value": "float64", "n_wells": "int64"})
    _check_units(table)
    order = {plate.name: at for at, plate in enumerate(plates)}
    analytes = {name: at for at, name in enumerate(dict.fromkeys(table["analyte"]))}
    keys = pd.DataFrame(
        {
            "analyte": table["analyte"].map(analytes),
            "series": table["series"].map({name: at for at, name in enumerate(SERIES)}),
            "level": table["level"],
            "plate": table["plate"].map(order),
        }
    )
    return table.loc[
        keys.sort_values(["analyte", "series", "level", "plate"], kind="stable").index
    ].reset_index(drop=True)


def _name_materials(
    rows: Sequence[dict[str, Any]], fits: Sequence[FitTables], plates: Sequence[ChartPlate]
) -> None:
    """Controls of one name are one series only where lot, nominal value and panel agree."""
    facts = {plate.name: plate.facts for plate in plates}
    nominals = _nominals(fits, plates)
    stated: dict[tuple[str, str], set[tuple[str, str, str]]] = {}
    of: list[tuple[dict[str, Any], tuple[str, str, str]]] = []
    for row in rows:
        if row["series"] != CONTROL:
            continue
        lot = control_lot(facts[row["plate"]].lots, row["level"])
        nominal = nominals.get((row["plate"], row["level"], row["analyte"]), "")
        material = (lot, nominal, facts[row["plate"]].panel)
        stated.setdefault((row["level"], row["analyte"]), set()).add(material)
        of.append((row, material))
    # a plate that states nothing is not told apart from one that does
    differ = {
        key: tuple(len({one[at] for one in found if one[at]}) > 1 for at in range(3))
        for key, found in stated.items()
    }
    for row, (lot, nominal, panel) in of:
        _, by_nominal, by_panel = differ[row["level"], row["analyte"]]
        parts = [
            *([f"lot {lot}"] if lot else []),
            *([f"nominal {nominal}"] if by_nominal and nominal else []),
            *([f"panel {panel}"] if by_panel and panel else []),
        ]
        if parts:
            row["level"] = f"{row['level']} ({', '.join(parts)})"


def _nominals(
    fits: Sequence[FitTables], plates: Sequence[ChartPlate]
) -> dict[tuple[str, str, str], str]:
    """The nominal value of each plate's controls, to four digits."""
    names = {(plate.source, plate.facts.name): plate.name for plate in plates}
    found = {}
    for index, fit in enumerate(fits):
        wells = fit.wells[fit.wells["well_type"] == str(WellType.CONTROL)]
        expected = _numbers(wells["expected"])
        for plate, sample, analyte, value in zip(
            wells["plate"], wells["sample"], wells["analyte"], expected, strict=True
        ):
            if not math.isnan(value):
                found[names[index, plate], str(sample), str(analyte)] = f"{value:.4g}"
    return found


def control_name(level: str) -> str:
    """The control's own name in the level of a series.

    Examples
    --------
    >>> control_name("Control1 (lot HCY-113)"), control_name("QC (low)")
    ('Control1', 'QC (low)')
    """
    return re.split(r" \((?:lot|nominal|panel) ", level, maxsplit=1)[0]


def _units(fit: FitTables) -> dict[tuple[str, str], str]:
    once = fit.wells[["plate", "analyte", "unit"]].drop_duplicates(["plate", "analyte"])
    return {(row["plate"], row["analyte"]): row["unit"] for row in once.to_dict("records")}


def _wells(fit: FitTables) -> Iterator[dict[str, Any]]:
    """Controls and blanks; all blanks of a plate are one material."""
    columns = zip(
        *(fit.wells[name].tolist() for name in ("plate", "well_type", "sample", "analyte")),
        fit.wells["status"].astype("str").tolist(),
        _numbers(fit.wells["concentration"]).tolist(),
        _numbers(fit.wells["mfi"]).tolist(),
        strict=True,
    )
    materials: dict[tuple[str, str, str, str], list[tuple[str, float]]] = {}
    for plate, kind, sample, analyte, status, concentration, mfi in columns:
        control = kind == str(WellType.CONTROL)
        key = (plate, CONTROL, sample, analyte) if control else (plate, "blank_mfi", "", analyte)
        wells = materials.setdefault(key, [])
        if status not in _LEFT_OUT:
            wells.append((status, concentration if control else mfi))
    for (plate, series, level, analyte), wells in materials.items():
        found = _control(wells) if series == CONTROL else _positive([mfi for _, mfi in wells])
        yield _row(plate, series, level, analyte, found)


def _control(wells: Sequence[tuple[str, float]]) -> _Value:
    """A control has a value only where each of its wells has: a mean of the rest would mislead."""
    without = [status for status, _ in wells if status not in _WITH_NUMBER]
    if without:
        said = ", ".join(f"{without.count(one)} {one}" for one in dict.fromkeys(without))
        return _Value(np.nan, len(wells), f"{len(without)} of {len(wells)} wells: {said}")
    return _positive([concentration for _, concentration in wells])


def _positive(values: Sequence[float]) -> _Value:
    """The geometric mean; a value of zero or less has no logarithm."""
    numbers = [value for value in values if not math.isnan(value)]
    if not numbers:
        return _Value(np.nan, 0, _NOT_MEASURED)
    if min(numbers) <= 0:
        return _Value(np.nan, len(numbers), f"{min(numbers):g} has no logarithm")
    if len(numbers) == 1:
        return _Value(numbers[0], 1)
    logs = [math.log(number) for number in numbers]
    return _Value(math.exp(math.fsum(logs) / len(logs)), len(numbers))


def _standards(fit: FitTables) -> Iterator[dict[str, Any]]:
    """The middle level of each plate and analyte: MFI and recovery."""
    columns = zip(
        *(fit.standards[name].tolist() for name in ("plate", "analyte", "level")),
        *(_numbers(fit.standards[name]).tolist() for name in ("expected", "mfi", "recovery_pct")),
        strict=True,
    )
    levels: dict[tuple[str, str], list[tuple[float, str, float, float]]] = {}
    for plate, analyte, level, expected, mfi, recovery in columns:
        if expected > 0:
            levels.setdefault((plate, analyte), []).append((expected, str(level), mfi, recovery))
    for (plate, analyte), mine in levels.items():
        _, level, mfi, recovery = sorted(mine)[len(mine) // 2]
        found = _positive([recovery])
        if found.reason == _NOT_MEASURED:
            found = _Value(np.nan, 0, "the level has no back-calculated concentration")
        yield _row(plate, "standard_recovery", level, analyte, found)
        yield _row(plate, "standard_mfi", level, analyte, _positive([mfi]))


def _curves(fit: FitTables) -> Iterator[dict[str, Any]]:
    """Parameters of the curves; a failed curve has none."""
    numbers = {name: _numbers(fit.curves[name]).to_numpy(float) for name in CURVE_SERIES}
    columns = ["plate", "analyte", "orientation", "verdict"]
    for at, row in enumerate(fit.curves[columns].to_dict("records")):
        failed = row["verdict"] == str(Verdict.FAILED)
        for series in CURVE_SERIES:
            found = _positive([numbers[series][at]])
            if failed:
                found = _Value(np.nan, 0, "the curve failed")
            elif found.reason == _NOT_MEASURED:
                found = _Value(np.nan, 0, "the curve has no such value")
            level = f"form {row['orientation']}" if series in ORIENTED and not failed else ""
            yield _row(row["plate"], series, level, row["analyte"], found)


def _row(plate: str, series: str, level: str, analyte: str, found: _Value) -> dict[str, Any]:
    return {
        "plate": plate,
        "series": series,
        "level": level,
        "analyte": analyte,
        "value": found.value,
        "n_wells": found.n_wells,
        "reason": found.reason,
    }


def _numbers(column: pd.Series[Any]) -> pd.Series[float]:
    """Floats from a frame in memory or from texts; empty cells are NaN."""
    return pd.to_numeric(column.replace("", np.nan), errors="raise").astype("float64")


def _check_units(table: pd.DataFrame) -> None:
    """One unit per analyte; plates that state none are taken at the others' word."""
    problems = [
        Problem(
            "CK-564",
            f"the analyte stands in several units: {', '.join(units)}",
            place(analyte=analyte),
            "fit the plates again in one unit: cytokit fit --unit",
        )
        for analyte, units in in_several_units(table[table["series"].isin(_IN_PLATE_UNIT)]).items()
    ]
    if problems:
        raise InputError(*problems)
