"""The series that are charted: one value per plate, analyte and thing watched, each positive."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cytokit.curves.platefit import PlateFit
from cytokit.errors import InputError, NothingToDoError, Problem, UsageError, did_you_mean, place
from cytokit.flags import Finding
from cytokit.folder import MANIFEST, ResultsFolder, command_of
from cytokit.runs import DATE_ORDERS, RunFacts, control_lot, read_date, run_facts
from cytokit.schema import RangeStatus, Verdict, WellType
from cytokit.trial.readings import in_several_units

# Folders written by ``fit``, found and read for what quality control looks at.


#: how deep a folder of folders is searched
_DEPTH = 3
_KINDS = (str(WellType.CONTROL), str(WellType.BLANK))
#: file -> columns that are used
_NEEDED = {
    "wells.csv": (
        *("plate", "sample", "well_type", "analyte", "mfi", "expected", "concentration", "unit"),
        "status",
    ),
    "standards.csv": ("plate", "analyte", "level", "expected", "mfi", "recovery_pct"),
    "curves.csv": (
        *("plate", "analyte", "orientation", "lower", "upper", "inflection", "slope"),
        *("asymmetry", "s0", "cv", "lloq", "verdict"),
    ),
}


@dataclass(frozen=True)
class FitTables:
    """What quality control reads of one fit."""

    path: str
    sha256: str
    facts: tuple[RunFacts, ...]
    wells: pd.DataFrame
    standards: pd.DataFrame
    curves: pd.DataFrame


def from_fit(fit: PlateFit) -> FitTables:
    """The same of a fit in memory."""
    wells = fit.wells[fit.wells["well_type"].isin(_KINDS)]
    return FitTables(
        path="",
        sha256="",
        facts=tuple(run_facts(plate) for plate in fit.plates),
        wells=wells[list(_NEEDED["wells.csv"])].reset_index(drop=True),
        standards=fit.standards[list(_NEEDED["standards.csv"])],
        curves=fit.curves.table[list(_NEEDED["curves.csv"])],
    )


def find_fits(paths: Iterable[str | Path]) -> list[Path]:
    """The folders written by ``fit`` among and inside the given ones."""
    given = [Path(path) for path in paths]
    found: list[Path] = []
    problems = []
    for path in given:
        if not path.is_dir():
            what = "no such folder" if not path.exists() else "a file, not a folder"
            mend = "give folders written by `cytokit fit`, or a folder that holds them"
            problems.append(Problem("CK-561", what, place(path), mend))
            continue
        inside = _inside(path, _DEPTH)
        if not inside and (path / MANIFEST).is_file():
            what = f"a folder written by `cytokit {command_of(path)}`, not by `cytokit fit`"
            mend = "give the folders of the fits"
            problems.append(Problem("CK-561", what, place(path), mend))
        found += inside
    if problems:
        raise InputError(*problems)
    if not found:
        names = ", ".join(map(str, given))
        mend = "run `cytokit fit` first, and give the folders it writes"
        raise NothingToDoError(Problem("CK-560", "no fitted plates were found", names, mend))
    return list(dict.fromkeys(found))


def read_fit(folder: str | Path) -> FitTables:
    """Read one folder; its tables must be as ``fit`` wrote them."""
    _require_fit(Path(folder))
    results = ResultsFolder.open(folder)
    tables = results.tables(_NEEDED | {"samples.csv": ("plate",)})
    wells, standards, curves = (tables[name][list(needed)] for name, needed in _NEEDED.items())
    names = list(dict.fromkeys(curves["plate"]))
    known = {str(one["name"]): _facts(one) for one in results.manifest.get("plates", ())}
    return FitTables(
        path=str(folder),
        sha256=results.recorded["samples.csv"],
        facts=tuple(known.get(name, RunFacts(name)) for name in names),
        wells=wells[wells["well_type"].isin(_KINDS)].reset_index(drop=True),
        standards=standards,
        curves=curves,
    )


def _inside(folder: Path, depth: int) -> list[Path]:
    """The folder if a fit wrote it, else those below it."""
    if command_of(folder) == "fit":
        return [folder]
    if depth == 0:
        return []
    below = sorted(
        child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")
    )
    return [found for child in below for found in _inside(child, depth - 1)]


def _require_fit(folder: Path) -> None:
    """Refuse a folder that no ``fit`` finished."""
    if command_of(folder) != "fit":
        mend = "give folders written by `cytokit fit`, or a folder that holds them"
        what = "not a finished folder of `cytokit fit`"
        raise InputError(Problem("CK-561", what, place(folder), mend))


def _facts(entry: Mapping[str, Any]) -> RunFacts:
    """A plate's facts as the manifest keeps them; keys of later releases are left alone."""
    names = {field.name for field in fields(RunFacts)}
    return RunFacts(**{name: value for name, value in entry.items() if name in names})


# The plates of a chart: each once, named apart, in the order in which they were run.


@dataclass(frozen=True, slots=True)
class ChartPlate:
    """One plate of a chart."""

    name: str
    source: int
    facts: RunFacts
    segment: int = 0

    @property
    def lot(self) -> str:
        """All lots in one text; empty where the export names none."""
        return "; ".join(f"{what} {lot}" for what, lot in self.facts.lots.items())

    @property
    def identity(self) -> tuple[str, str]:
        """Hash and name: one export may hold several plates."""
        return self.facts.sha256, self.facts.name


def chart_plates(
    fits: Sequence[FitTables], date_order: str = ""
) -> tuple[tuple[ChartPlate, ...], tuple[Finding, ...]]:
    """All plates in the order of their runs."""
    if date_order and date_order not in DATE_ORDERS:
        what = f"date_order={date_order!r} is no choice"
        mend = f"use one of {', '.join(DATE_ORDERS)}"
        near = did_you_mean(date_order, DATE_ORDERS)
        raise UsageError(Problem("CK-569", what, mend=mend, near=near))
    listed = [(index, facts) for index, fit in enumerate(fits) for facts in fit.facts]
    _refuse_twice(listed, fits)
    names = _distinct(listed, fits)
    shown = _orders([facts for _, facts in listed])
    plates, findings = [], []
    for name, (index, facts) in zip(names, listed, strict=True):
        dated, said = _dated(name, facts, date_order, shown)
        plates.append(ChartPlate(name, index, dated))
        findings += said
    # stable: plates of one minute, and those without a date, stay in the order given
    plates.sort(key=lambda plate: (plate.facts.date == "", plate.facts.date))
    return _segmented(plates), tuple(findings)


def _refuse_twice(listed: Sequence[tuple[int, RunFacts]], fits: Sequence[FitTables]) -> None:
    """The same export in two fits would count twice."""
    first: dict[tuple[str, str], int] = {}
    problems = []
    for index, facts in listed:
        key = (facts.sha256, facts.name)
        if not facts.sha256:
            continue
        if key in first:
            what = f"plate {facts.name!r} stands in two fits (the same file, SHA-256 "
            what += f"{facts.sha256[:12]})"
            where = f"{fits[first[key]].path} and {fits[index].path}"
            problems.append(Problem("CK-563", what, where, "give each plate once"))
        first.setdefault(key, index)
    if problems:
        raise InputError(*problems)


def _distinct(listed: Sequence[tuple[int, RunFacts]], fits: Sequence[FitTables]) -> list[str]:
    """Names told apart by their folder, where plates of several folders share one."""
    plain = [facts.name for _, facts in listed]
    names = [
        f"{Path(fits[index].path).name}/{name}" if plain.count(name) > 1 else name
        for (index, _), name in zip(listed, plain, strict=True)
    ]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        what = f"several plates are called {', '.join(repeated)}, in folders of one name"
        mend = "rename a folder, or fit these plates together"
        raise InputError(Problem("CK-563", what, place("the fits"), mend))
    return names


def _orders(every: Sequence[RunFacts]) -> dict[str, str]:
    """Instrument -> the one order of day and month that its exports show."""
    seen: dict[str, set[str]] = {}
    for facts in every:
        if facts.date_order:
            seen.setdefault(facts.instrument, set()).add(facts.date_order)
    return {name: orders.pop() for name, orders in seen.items() if name and len(orders) == 1}


def _dated(
    name: str, facts: RunFacts, given: str, shown: dict[str, str]
) -> tuple[RunFacts, list[Finding]]:
    """A plate with its date, as far as it can be known."""
    if facts.date:
        return facts, []
    if not facts.date_text:
        message = "the export states no date: the plate stands after the dated ones, as given"
        return facts, [Finding("qc_no_date", message, plate=name)]
    order = given or shown.get(facts.instrument, "")
    found = read_date(facts.date_text, order)
    if found.date is not None:
        source = "as told" if given else f"as other plates of instrument {facts.instrument} show"
        message = f"{facts.date_text!r} was read as {found.date:%Y-%m-%d}, {source}"
        return (
            replace(facts, date=found.date.isoformat()),
            [Finding("qc_date_order", message, plate=name)],
        )
    why = "may be either of two days" if found.ambiguous else "is no date that cytokit knows"
    message = f"{facts.date_text!r} {why}: the plate stands after the dated ones, as given"
    return facts, [Finding("qc_no_date", message, plate=name)]


def _segmented(plates: Sequence[ChartPlate]) -> tuple[ChartPlate, ...]:
    """Plates numbered by stretches of one lot; an unnamed lot is a stretch of its own."""
    done: list[ChartPlate] = []
    for plate in plates:
        segment = 0
        if done:
            segment = done[-1].segment + (done[-1].facts.lots != plate.facts.lots)
        done.append(replace(plate, segment=segment))
    return tuple(done)


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
    """Every series of every plate."""
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
    """The control's own name in the level of a series."""
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


# What the series are called, for messages and charts.


#: by the series' code: words that follow the analyte's name
SERIES_WORDS = {
    "control": "control",
    "standard_recovery": "recovery of",
    "standard_mfi": "MFI of",
    "blank_mfi": "MFI of the blanks",
    "lower": "lower asymptote",
    "upper": "upper asymptote",
    "inflection": "midpoint",
    "slope": "slope",
    "asymmetry": "asymmetry",
    "s0": "constant noise s0",
    "cv": "proportional noise cv",
    "lloq": "LLOQ",
}


def series_name(analyte: str, series: str, level: str = "") -> str:
    """A series in words."""
    return f"{analyte}, {SERIES_WORDS[series]} {level}".rstrip()
