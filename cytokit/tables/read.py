"""Plain concentration tables, from any platform: tidy or wide, text or workbook.

A table of sample x analyte with a number or a flag in each cell becomes one tidy frame in which
every reading is an interval that holds the concentration. Nothing is filled in and no logarithm is
taken; what the table does not say stays unknown and a finding names it.

* Tidy: one row per reading, with a column for the analyte (optional when there is only one) and one
  for the value. Wide: one row per sample, one column per analyte; units in the header
  (``IL-6 (pg/mL)``), in a row of units below it, or in the cells; rows whose sample is called
  ``LOD``, ``LLOQ`` or ``ULOQ`` hold the limits of each analyte.
* ``<3.2``, ``>10000`` carry their own limit; ``<LOD``, ``OOR<`` take it from the row's ``limit``,
  ``floor``, ``lod`` or ``lloq``, ``OOR>`` from ``limit`` or ``uloq``.
* A ``censor`` column (``<``, ``>``) marks the number beside it: the interval reaches to the row's
  ``limit``, ``floor``, ``lod`` or ``lloq`` (``>``: ``limit``, ``uloq``), else to the number.
* Without a ``censor`` column a value at or under its ``floor`` is below it. A value under its
  ``lod`` stays a number here: the comparison decides.
* ``floor`` is given as ``lod`` where the table has no ``lod`` of its own.
* Numbers that header, unit or user call logarithms (NPX, NPQ, log2, log10, ln) are taken back to
  the linear scale with their limits (:mod:`cytokit.tables.scale`). A number below zero that nobody
  calls a logarithm is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cytokit.errors import FormatError, InputError, NothingToDoError, Problem, option_text, place
from cytokit.findings import Finding, damaged_value
from cytokit.sources.decimal_mark import decide, decimal_asked, marks_of, together
from cytokit.tables.cells import (
    NAN,
    Reading,
    check_nd,
    has_two_meanings,
    number,
    read_cell,
    says_nothing,
)
from cytokit.tables.columns import (
    ID_ROLES,
    LIMIT_ROLES,
    Columns,
    find_columns,
)
from cytokit.tables.days import is_impossible, is_plain_number, normal_day
from cytokit.tables.findings import column_findings, reading_findings, words_findings
from cytokit.tables.records import (
    require_ids,
    require_told_apart,
    require_values,
    tidy_records,
    wide_records,
    with_honest_status,
    without_missing_names,
    without_texts,
)
from cytokit.tables.rows import Grid, load
from cytokit.tables.scale import (
    LINEAR,
    Scales,
    check_scale,
    contradictions,
    from_linear,
    linear,
    linear_reading,
    refuse_impossible,
    scale_findings,
    scales_of,
)
from cytokit.vocabulary import LAST_DAY

#: columns of the frame after the id columns that the table has
READING_COLUMNS = (
    "analyte",
    "unit",
    "value",
    "given",
    "lower",
    "upper",
    "state",
    "lod",
    "lloq",
    "uloq",
    "source",
    "scale",
)


@dataclass(frozen=True)
class ConcentrationTable:
    """Concentrations as a table gives them, one row per reading.

    Parameters
    ----------
    frame : pandas.DataFrame
        Those of plate, sample, subject, group, day, stratum, status that the table has; analyte,
        unit (empty where not stated), value (NaN unless exact), lower and upper (the interval that
        holds the concentration; upper NaN where a reading is below a limit nobody states, lower
        NaN where above one), state (``exact``, ``below``, ``above``, ``missing``), lod, lloq, uloq
        (NaN where unknown), given (the number the cell prints, censored or not), source (the
        cell's own text), scale (``linear``, or the logarithm that the cell gives: ``log2``,
        ``log10``, ``ln``; all numbers of the frame are linear).
    findings : tuple of Finding
        What each column was taken for, hidden floors, unknown limits, damaged cells and the like.
    path, sha256 : str
        Of the file; ``DataFrame`` and the hash of its cells as CSV for a frame.
    columns : mapping of str to str
        Role to the table's column; for a wide table ``value`` lists the analytes' columns.
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...]
    path: str
    sha256: str
    columns: Mapping[str, str]

    def __repr__(self) -> str:
        states = self.frame["state"].value_counts()
        counts = ", ".join(f"{count} {state}" for state, count in states.items())
        analytes = self.frame["analyte"].nunique()
        return f"<ConcentrationTable {self.path!r}: {analytes} analytes; readings: {counts}>"


def read_concentrations(
    path_or_frame: str | Path | pd.DataFrame,
    *,
    mapping: Mapping[str, str | Sequence[str]] | None = None,
    scale: str | None = None,
    decimal: str | None = None,
    nd: str | None = None,
) -> ConcentrationTable:
    """Read a tidy or wide table of concentrations.

    Parameters
    ----------
    path_or_frame : str, Path or pandas.DataFrame
        A .csv, .txt, .tsv, .xlsx or .xls file, or a frame with the same columns.
    mapping : mapping of str to str, optional
        Role to column name, where the names are not recognised by themselves, for example
        ``{"day": "visit", "value": "Calc"}``. Roles: plate, sample, subject, group, day, stratum,
        status, analyte, value, unit, censor, floor, limit, lod, lloq, uloq; and, one
        name or several, ``ignore`` for columns that are not to be used, ``condition`` for columns
        (a stimulus, an assay) whose values keep rows of one sample apart: each becomes part of
        the analyte's name, ``IL-6 (LPS)``.
    scale : {"linear", "log2", "log10", "ln"}, optional
        Of the numbers and limits; as headers and units say, else linear, where not given.
    decimal : {"comma", "point"}, optional
        The decimal mark, where a column's cells leave it open (``1,435`` beside ``286``).
    nd : {"below", "missing"}, optional
        What ``ND`` and the like mean: not detected, or not done.

    Returns
    -------
    ConcentrationTable

    Raises
    ------
    UsageError
        If the mapping names a role or a column that does not exist; CK-288, if there is no such
        scale; CK-222, CK-223 for a ``decimal`` or ``nd`` that is no choice.
    InputError
        If the table has no header cytokit understands, two columns for one role, no column that
        says whose the readings are (CK-252), rows of one sample that only an unknown column tells
        apart (CK-220), words with two meanings (CK-221), numbers whose decimal mark cannot be
        told (CK-245, CK-246), a scale that is contradicted or lacks its base (CK-289), or numbers
        that are no concentrations on their scale (CK-290, CK-291).
    NothingToDoError
        If the table holds no reading.

    Examples
    --------
    >>> frame = pd.DataFrame({"sample": ["a", "b"], "IL-6 (pg/mL)": ["<3.2", "17"]})
    >>> table = read_concentrations(frame)
    >>> table.frame[["sample", "analyte", "unit", "lower", "upper", "state"]]
      sample analyte   unit  lower  upper  state
    0      a    IL-6  pg/mL    0.0    3.2  below
    1      b    IL-6  pg/mL   17.0   17.0  exact
    """
    grid = load_table(path_or_frame, mapping)
    return concentrations_in(grid, mapping=mapping, scale=scale, decimal=decimal, nd=nd)


def load_table(
    path_or_frame: str | Path | pd.DataFrame,
    mapping: Mapping[str, str | Sequence[str]] | None,
) -> Grid:
    """The cells of a table as text, the header found by the names known and mapped."""
    wanted = mapping or {}
    return load(path_or_frame, [name for name in wanted.values() if isinstance(name, str)])


def concentrations_in(
    grid: Grid,
    *,
    mapping: Mapping[str, str | Sequence[str]] | None = None,
    scale: str | None = None,
    decimal: str | None = None,
    nd: str | None = None,
) -> ConcentrationTable:
    """What the cells of a table say; parameters and errors as :func:`read_concentrations`."""
    check_scale(scale)
    wanted = mapping or {}
    columns = find_columns(grid.header, wanted, grid.path)
    columns = without_texts(with_honest_status(columns, grid), grid)
    require_values(columns, grid)
    require_ids(columns, grid)
    require_told_apart(grid, columns)
    records = list(wide_records(grid, columns) if columns.wide else tidy_records(grid, columns))
    if not records:
        mend = "give a table with one row per sample, or per sample and analyte"
        raise NothingToDoError(Problem("CK-244", "the table holds no reading", grid.path, mend))
    unnamed = without_missing_names(records, grid.path)
    marks, asked_for = _decimal_marks(grid, columns, decimal_asked(decimal))
    _require_one_meaning(records, nd, grid)
    given = [role for role in LIMIT_ROLES if any(role in record for record in records)]
    none = dict.fromkeys(LIMIT_ROLES, NAN)
    limits = [
        none | {role: _limit(record, role, columns, marks, grid) for role in given}
        for record in records
    ]
    scales = _scales(records, scale, grid)
    limits = [_on_scale(bounds, one) for bounds, one in zip(limits, scales, strict=True)]
    readings, damaged = _readings(records, limits, "floor" in columns.roles, marks, nd, grid)
    words = tuple(words_findings(records, readings, grid.path))  # numbers as they are printed
    scales = [
        one if not reading.unit else _scale_of(record | {"unit": reading.unit}, scale, grid)
        for record, reading, one in zip(records, readings, scales, strict=True)
    ]
    _refuse_impossible(records, readings, limits, scales, scale, grid)
    readings = [linear_reading(one, by.reading) for one, by in zip(readings, scales, strict=True)]
    limits = [
        {role: linear(value, one.reading) for role, value in bounds.items()}
        for bounds, one in zip(limits, scales, strict=True)
    ]
    frame, days = _frame(records, readings, limits, scales, columns, grid)
    findings = (
        *column_findings(columns, grid),
        *unnamed,
        *days,
        *asked_for,
        *words,
        *damaged,
        *scale_findings(zip(frame["analyte"], frame["scale"], frame["unit"], strict=True), scale),
        *reading_findings(frame, [reading.oddity for reading in readings]),
    )
    shown = dict(columns.roles)
    if columns.wide:
        shown["value"] = ", ".join(columns.analytes)
    return ConcentrationTable(frame, findings, grid.path, grid.sha256, shown)


def _scales(records: list[dict[str, Any]], asked: str | None, grid: Grid) -> list[Scales]:
    """The scale of each record, before its cell is read; all contradictions together."""
    found: dict[tuple[Any, ...], Scales | str] = {}
    scales, wrong = [], []
    for record in records:
        key = (record["column"], record["unit"])
        if key not in found:
            found[key] = scales_of(record["header"], record["unit"], record["limit_headers"], asked)
        one = found[key]
        if isinstance(one, str):
            wrong.append((record["column"], one))
        else:
            scales.append(one)
    contradictions(wrong, grid.path)
    return scales


def _scale_of(record: dict[str, Any], asked: str | None, grid: Grid) -> Scales:
    """The scale of one record whose cell states a unit of its own."""
    return _scales([record], asked, grid)[0]


def _on_scale(bounds: dict[str, float], scales: Scales) -> dict[str, float]:
    """Limits whose own headers give another scale, on the scale of the reading beside them."""
    return bounds | {
        role: from_linear(linear(bounds[role], own), scales.reading)
        for role, own in scales.limits.items()
        if own != scales.reading
    }


def _refuse_impossible(
    records: list[dict[str, Any]],
    readings: list[Reading],
    limits: list[dict[str, float]],
    scales: list[Scales],
    asked: str | None,
    grid: Grid,
) -> None:
    """Raise for readings below zero that are no logarithms, and for logarithms of the absurd."""
    numbers = []
    for record, reading, bounds, one in zip(records, readings, limits, scales, strict=True):
        value = reading.lower if reading.state == "above" else reading.upper
        beside = [] if one.reading == LINEAR else bounds.values()
        if value < 0 or one.reading != LINEAR:
            where = grid.where(record["line"], record["column"])
            every = dict.fromkeys(x for x in (value, *beside) if math.isfinite(x))
            numbers += [(number, one.reading, record["analyte"], where) for number in every]
    refuse_impossible(numbers, grid.path, asked)


def _decimal_marks(
    grid: Grid, columns: Columns, asked: str
) -> tuple[dict[str, str], list[Finding]]:
    """The decimal mark of each column of numbers, and where it is the user's word."""
    numbers = [name for role, name in columns.roles.items() if role in ("value", *LIMIT_ROLES)]
    numbers += [name for (_, role), name in columns.attributes.items() if role in LIMIT_ROLES]
    every = {name: marks_of(grid.written(name)) for name in (*numbers, *columns.analytes)}
    whole = together(every.values())
    found, errors, findings = {}, [], []
    for name, marks in every.items():
        try:
            found[name] = decide(marks, asked=asked, whole=whole, file=grid.path, column=name)
        except FormatError as error:
            errors.append(error)
        if asked and not marks.proven and (texts := (*marks.comma, *marks.point, *marks.open)):
            mark = "decimal comma" if asked == "," else "decimal point"
            message = (
                f"{grid.path}, column {name}: {len(texts)} different cells such as {texts[0]!r} "
                f"were read with a {mark}, as asked; they do not prove it"
                if len(texts) > 1
                else f"{grid.path}, column {name}: {texts[0]!r} was read with a {mark}, as asked; "
                "it does not prove it"
            )
            findings.append(Finding("decimal_asked", message))
    if errors:
        raise InputError.together(errors)
    return found, findings


def _require_one_meaning(records: list[dict[str, Any]], nd: str | None, grid: Grid) -> None:
    """Refuse words with two meanings, unless somebody says which is meant."""
    check_nd(nd)
    unclear = [record for record in records if has_two_meanings(record["source"])]
    if not unclear or nd is not None:
        return
    words = ", ".join(repr(word) for word in dict.fromkeys(one["source"] for one in unclear))
    lines = list(dict.fromkeys(str(record["line"]) for record in unclear))
    shown = ", ".join(lines[:6]) + (" and more" if len(lines) > 6 else "")
    readings = "1 reading is" if len(unclear) == 1 else f"{len(unclear)} readings are"
    what = (
        f"{readings} {words}, which may mean not detected (below range) or not "
        f"done (missing): line {shown}"
    )
    mend = f"say which is meant: {option_text('nd', 'below')} or {option_text('nd', 'missing')}"
    raise InputError(Problem("CK-221", what, place(grid.path), mend))


def _limit(
    record: dict[str, Any], role: str, columns: Columns, marks: Mapping[str, str], grid: Grid
) -> float:
    """A limit beside a reading, or of a row of limits in the analyte's own column."""
    column = columns.attributes.get((record["column"], role)) or columns.roles.get(role)
    line = record["line"]
    if column is None:  # a row of limits
        column, line = record["column"], record.get("limit_lines", {}).get(role, line)
    exact = (line, column) in grid.exact
    return number(record.get(role, ""), "." if exact else marks[column])


def _readings(
    records: list[dict[str, Any]],
    limits: list[dict[str, float]],
    has_floor: bool,
    marks: Mapping[str, str],
    nd: str | None,
    grid: Grid,
) -> tuple[list[Reading], list[Finding]]:
    """Each record's reading; a cell that says nothing known is missing, and a finding names it."""
    readings = []
    damaged = list(_damaged_limits(records, limits, grid))
    for record, bounds in zip(records, limits, strict=True):
        censor, cell = record.get("censor", ""), (record["line"], record["column"])
        decimal = "." if cell in grid.exact else marks[record["column"]]
        reading = read_cell(record["source"], censor, bounds, decimal, nd)
        if reading is None:
            reading = Reading(NAN, NAN, NAN, "missing")
            where = grid.where(record["line"], record["column"])
            damaged.append(_damage(record["source"], censor, where, record["analyte"]))
        if has_floor and "censor" not in record and reading.value <= bounds["floor"]:
            reading = replace(reading, value=NAN, lower=0.0, upper=bounds["floor"], state="below")
        readings.append(reading)
    return readings, damaged


def _damage(text: str, censor: str, where: str, analyte: str) -> Finding:
    """What is said of a cell that is no reading."""
    if text.startswith("="):
        message = (
            f"{where}: the formula {text!r} has no stored result; open the workbook in a "
            "spreadsheet and save it, so that its results are in it"
        )
        return Finding("damaged_value", message, analyte=analyte)
    if not censor:
        return damaged_value(text, where, analyte=analyte)
    message = (
        f"{where}: {text!r} with censoring mark {censor!r} is neither a number nor a known flag"
    )
    return Finding("damaged_value", message, analyte=analyte)


def _damaged_limits(
    records: list[dict[str, Any]], limits: list[dict[str, float]], grid: Grid
) -> Iterator[Finding]:
    """Limits that are no numbers, each text once with the first line on which it stands."""
    seen = set()
    for record, bounds in zip(records, limits, strict=True):
        for role, value in bounds.items():
            text = record.get(role, "")
            if math.isnan(value) and not says_nothing(text) and (role, text) not in seen:
                seen.add((role, text))
                message = f"{grid.where(record['line'], role)}: {text!r} is no number"
                yield Finding("damaged_value", message, analyte=record["analyte"])


def _frame(
    records: list[dict[str, Any]],
    readings: list[Reading],
    limits: list[dict[str, float]],
    scales: list[Scales],
    columns: Columns,
    grid: Grid,
) -> tuple[pd.DataFrame, list[Finding]]:
    """The tidy frame, and what was done to the days."""
    data: dict[str, Any] = {}
    findings: list[Finding] = []
    for role in ID_ROLES:
        if role in columns.roles:
            data[role] = pd.Series([record[role] for record in records], dtype="str")
    if "day" in data:
        data["day"], findings = _days(data["day"], columns.roles["day"], grid)
    data["analyte"] = pd.Series([record["analyte"] for record in records], dtype="str")
    data["unit"] = pd.Series([one.unit for one in scales], dtype="str")
    for name in ("value", "lower", "upper", "given"):
        data[name] = pd.Series([getattr(reading, name) for reading in readings], dtype="float64")
    data["state"] = pd.Series([reading.state for reading in readings], dtype="str")
    for name in ("lod", "lloq", "uloq"):
        data[name] = pd.Series([bounds[name] for bounds in limits], dtype="float64")
    floors = pd.Series([bounds["floor"] for bounds in limits], dtype="float64")
    data["lod"] = data["lod"].fillna(floors)
    data["source"] = pd.Series([record["source"] for record in records], dtype="str")
    data["scale"] = pd.Series([one.reading for one in scales], dtype="str")
    ids = [role for role in ID_ROLES if role in data]
    return pd.DataFrame(data, columns=[*ids, *READING_COLUMNS]), findings


def _days(texts: pd.Series[str], column: str, grid: Grid) -> tuple[pd.Series[Any], list[Finding]]:
    """Numbers where every day is one (``6``, ``D6``, ``day 6``), else text as it stands."""
    parsed, worded = {}, []
    for text in dict.fromkeys(texts):
        if is_impossible(text):
            what = f"no study has a day {text[:40]!r}"
            mend = f"write the day of the study; days go to {LAST_DAY}"
            raise InputError(Problem("CK-597", what, place(grid.path, column=column), mend))
        value = normal_day(text)
        if isinstance(value, str) and text:
            return texts, []
        parsed[text] = NAN if isinstance(value, str) else float(value)
        if text and not is_plain_number(text):
            worded.append(text)
    days: pd.Series[Any] = texts.map(parsed).astype("float64")
    if days.notna().all() and bool((days == days.round()).all()):
        days = days.astype("int64")
    if not worded:
        return days, []
    said = ", ".join(f"{text!r} as {parsed[text]:g}" for text in worded)
    return days, [Finding("name_matched", f"days read from words: {said}")]
