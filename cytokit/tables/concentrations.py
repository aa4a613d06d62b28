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
  the linear scale with their limits (:mod:`cytokit.tables.cells`). A number below zero that nobody
  calls a logarithm is refused.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from cytokit.errors import (
    FormatError,
    InputError,
    NothingToDoError,
    Problem,
    map_text,
    option_text,
    place,
)
from cytokit.flags import Finding, damaged_value
from cytokit.schema import LAST_DAY, DesignStatus
from cytokit.sources.numbers import decide, decimal_asked, marks_of, together
from cytokit.tables.cells import (
    LINEAR,
    NAN,
    Reading,
    Scales,
    check_nd,
    check_scale,
    contradictions,
    from_linear,
    has_two_meanings,
    holds_reading,
    is_impossible,
    is_plain_number,
    linear,
    linear_reading,
    normal_day,
    number,
    read_cell,
    refuse_impossible,
    says_no_name,
    says_nothing,
    scale_findings,
    scales_of,
)
from cytokit.tables.columns import (
    ID_ROLES,
    LIKE_A_DAY,
    LIMIT_ROLES,
    Columns,
    Header,
    analyte_key,
    find_columns,
    is_unit,
    plain,
    read_unit,
    unit_key,
)
from cytokit.tables.loader import Grid, load

# A plain table's rows as records: one per reading, every cell still text.


#: rows of a wide table that hold limits, by the sample's name
_LIMIT_ROWS = {"lod": "lod", "llod": "lod", "lloq": "lloq", "uloq": "uloq"}
#: columns that tell readings apart; a stratum or status alone does not
_WHOSE = ("plate", "sample", "subject", "group", "day")
_NAMED = (*_WHOSE, "stratum")
#: columns that differ between replicates and do not tell them apart, by their plain names
_OF_A_REPLICATE = frozenset(
    (
        *("well", "wells", "location", "position", "row", "column", "index", "number", "no", "id"),
        *("replicate", "rep", "comment", "comments", "note", "notes", "remark", "remarks", "flag"),
        *("flags", "warning", "warnings", "qc", "qcwarning", "mfi", "fi", "medianfi", "netmfi"),
        *("median", "cv", "count", "beadcount", "recovery", "range", "status", "source"),
    )
)
#: columns that may name what was measured, where no column is known to
_LIKE_AN_ANALYTE = frozenset(
    ("assay", "bead", "beadname", "beadid", "target", "test", "testname", "parameter", "gene")
)


def with_honest_status(columns: Columns, grid: Grid) -> Columns:
    """A column called status that holds no design status is not used."""
    name = columns.roles.get("status")
    if name is None:
        return columns
    index = grid.header.index(name)
    words = {row[index].strip().casefold() for _, row in grid.rows} - {""}
    strangers = sorted(words - set(map(str, DesignStatus)))
    if not strangers:
        return columns
    roles = {role: column for role, column in columns.roles.items() if role != "status"}
    reason = f"{strangers[0]!r} is none of {', '.join(DesignStatus)}"
    return replace(columns, roles=roles, unread={**columns.unread, name: reason})


def without_texts(columns: Columns, grid: Grid) -> Columns:
    """A wide table's columns in which no cell holds a reading are no analytes."""
    at = {name: index for index, name in enumerate(grid.header)}
    unread = dict(columns.unread)
    for name in columns.analytes:
        cells = [row[at[name]] for _, row in grid.rows]
        if not any(holds_reading(cell) or is_unit(cell) for cell in cells) and not all(
            says_nothing(cell) for cell in cells
        ):
            unread[name] = "none of its cells holds a number or a flag"
    analytes = tuple(name for name in columns.analytes if name not in unread)
    return replace(columns, analytes=analytes, unread=unread)


def require_values(columns: Columns, grid: Grid) -> None:
    """Refuse a table without any column of concentrations."""
    if not columns.wide or (columns.analytes and "analyte" not in columns.roles):
        return
    mend = f"name it value, concentration or result, or map it: {map_text('value')}"
    others = [name for name in grid.header if name not in columns.roles.values()]
    what = "no column of concentrations was found"
    if others:
        what += f"; not recognised: {', '.join(others)}"
    raise InputError(Problem("CK-251", what, grid.path, mend))


def require_ids(columns: Columns, grid: Grid) -> None:
    """Refuse a table without any column that says whose its readings are."""
    if any(role in columns.roles for role in _WHOSE):
        return
    mend = f"add a column sample or subject, or say which it is: {map_text('subject')}"
    what = "no column says whose the readings are"
    if columns.unread:
        what += f"; not recognised: {', '.join(columns.unread)}"
    raise InputError(Problem("CK-252", what, grid.path, mend))


def without_missing_names(records: list[dict[str, Any]], path: str) -> list[Finding]:
    """Empty the names that say there is none, in place; what was emptied, counted by its lines."""
    lines: dict[tuple[str, str], set[Any]] = {}
    for record in records:
        for role in _NAMED:
            if says_no_name(record.get(role, "")):
                lines.setdefault((role, record[role]), set()).add(record["line"])
                record[role] = ""
    return [
        Finding(
            "name_missing",
            f"{path}: {len(found)} cells of the {role} say {text!r}: they count as empty",
        )
        for (role, text), found in lines.items()
    ]


def require_told_apart(grid: Grid, columns: Columns) -> None:
    """Refuse rows of one sample that only a column without a role tells apart.

    Rows that nothing tells apart are replicates; rows of other analytes, stimuli or assays are not.
    """
    candidates = [name for name in columns.unread if name not in columns.ignored]
    telling = [name for name in candidates if _tells_apart(name, grid, columns)]
    if not telling:
        return
    shown = ", ".join(repr(name) for name in telling)
    several = len(telling) > 1
    what = (
        f"rows of one sample differ in the column{'s' if several else ''} {shown}, whose meaning "
        "is not known; pooled as replicates they would become one number"
    )
    name = telling[0]
    ways = (
        [] if "analyte" in columns.roles or columns.wide else [f"analyte={name} if it names them"]
    )
    ways += [
        f"condition={name} to keep its values apart",
        f"ignore={name} if the rows are replicates",
    ]
    if plain(name) in LIKE_A_DAY and "day" not in columns.roles:
        ways.insert(0, f"day={name} if it is the day")
    mend = f"say with a mapping (--map in the command line) what it is: {', '.join(ways)}"
    raise InputError(Problem("CK-220", what, grid.path, mend))


def _tells_apart(name: str, grid: Grid, columns: Columns) -> bool:
    """Whether rows of one sample and analyte differ in a column, and not as replicates do."""
    if plain(name) in _OF_A_REPLICATE:
        return False
    at = {title: index for index, title in enumerate(grid.header)}
    roles = [role for role in (*_WHOSE, "analyte") if role in columns.roles]
    keys = [at[columns.roles[role]] for role in roles] + [at[one] for one in columns.conditions]
    seen: dict[tuple[str, ...], set[str]] = {}
    for _, row in grid.rows:
        key = tuple(row[index].strip() for index in keys)
        if any(key):
            seen.setdefault(key, set()).add(row[at[name]].strip())
    values = [row[at[name]].strip() for _, row in grid.rows if row[at[name]].strip()]
    nameless = not columns.wide and "analyte" not in columns.roles
    if nameless and plain(name) in _LIKE_AN_ANALYTE and len(set(values)) > 1:
        return True
    if all(len(found - {""}) < 2 for found in seen.values()):
        return False
    measured = all(math.isfinite(number(value, ".")) for value in values)
    return not measured or 2 * len(set(values)) <= len(values)


def _condition(row: Sequence[str], at: dict[str, int], columns: Columns) -> str:
    """What is added to an analyte's name where a mapping keeps rows apart."""
    found = [row[at[name]].strip() for name in columns.conditions]
    told = ", ".join(text for text in found if text)
    return f" ({told})" if told else ""


def tidy_records(grid: Grid, columns: Columns) -> Iterator[dict[str, Any]]:
    """One record per row; all cells still text."""
    places = {name: index for index, name in enumerate(grid.header)}
    at = {role: places[name] for role, name in columns.roles.items()}
    header = columns.headers[columns.roles["value"]]
    limits = {role: columns.headers[columns.roles[role]] for role in LIMIT_ROLES if role in at}
    for line, row in grid.rows:
        record: dict[str, Any] = {role: row[index].strip() for role, index in at.items()}
        record["source"] = record.pop("value")
        record.setdefault("unit", "")
        record["analyte"] = record.get("analyte", header.name) + _condition(row, places, columns)
        more = {"line": line, "column": columns.roles["value"], "header": header}
        yield {**record, **more, "limit_headers": limits}


def wide_records(grid: Grid, columns: Columns) -> Iterator[dict[str, Any]]:
    """One record per row and analyte; rows of units and of limits serve the others."""
    at = {name: index for index, name in enumerate(grid.header)}
    ids = {role: at[name] for role, name in columns.roles.items()}
    who = [ids[role] for role in ("sample", "subject") if role in ids]
    units: dict[str, str] = {}
    shared: dict[str, dict[str, str]] = {name: {} for name in columns.analytes}
    beside_of: dict[str, dict[str, int]] = {name: {} for name in columns.analytes}
    limit_headers: dict[str, dict[str, Header]] = {name: {} for name in columns.analytes}
    for (of, role), column in columns.attributes.items():
        beside_of.setdefault(of, {})[role] = at[column]
        if role in LIMIT_ROLES:
            limit_headers.setdefault(of, {})[role] = columns.headers[column]
    limit_lines: dict[str, int] = {}
    rows = []
    for line, row in grid.rows:
        cells = {name: row[at[name]].strip() for name in columns.analytes}
        limit = next((_LIMIT_ROWS.get(row[index].strip().casefold()) for index in who), None)
        if limit:
            limit_lines[limit] = line
            for name, cell in cells.items():
                shared[name][limit] = cell
        elif any(cells.values()) and all(read_unit(cell) or not cell for cell in cells.values()):
            units |= {name: cell for name, cell in cells.items() if cell}
        else:
            rows.append((line, row, cells))
    for line, row, cells in rows:
        record = {role: row[index].strip() for role, index in ids.items()}
        for name, cell in cells.items():
            beside = {role: row[index].strip() for role, index in beside_of[name].items()}
            unit = beside.pop("unit", "") or record.get("unit", "") or units.get(name, "")
            header = columns.headers[name]
            analyte = header.name + _condition(row, at, columns)
            reading = {"analyte": analyte, "unit": unit, "source": cell, "header": header}
            more = {"line": line, "column": name, "limit_headers": limit_headers[name]}
            more["limit_lines"] = limit_lines
            yield {**record, **shared[name], **beside, **reading, **more}


# What a plain table shows beside its numbers: columns, hidden floors, unknown limits.


_SAID = {
    "limit_unknown": "out of range without a limit",
    "limit_contradicted": "marked as censored on the wrong side of the limit beside them",
    "extrapolated": "called extrapolated by the source",
}


def column_findings(columns: Columns, grid: Grid) -> Iterator[Finding]:
    """What each column was taken for, what is not used, and rows that end early."""
    path = grid.path
    said = [f"{role} = {name!r}" for role, name in columns.roles.items()]
    said += [f"{of} {role} = {name!r}" for (of, role), name in columns.attributes.items()]
    if columns.wide:
        said.append(f"analytes = {', '.join(map(repr, columns.analytes))}")
    yield Finding("columns_recognised", f"{path}: {'; '.join(said)}")
    for name, reason in columns.unread.items():
        yield Finding("unread_block", f"{path}: column {name!r} is not used: {reason}")
    for part in grid.skipped:
        yield Finding("unread_block", f"{path}: {part} is not used")
    if grid.short:
        lines = ", ".join(map(str, grid.short[:6])) + (" and more" if len(grid.short) > 6 else "")
        message = f"{path}: fewer cells than the header in line {lines}; the rest counts as empty"
        yield Finding("header_mismatch", message)


def reading_findings(frame: pd.DataFrame, oddities: Sequence[str]) -> Iterator[Finding]:
    """Findings per analyte, in the order of the analytes."""
    odd = pd.Series(oddities, index=frame.index, dtype="str")
    for analyte, rows in frame.groupby("analyte", sort=False):
        name = str(analyte)
        for code, words in _SAID.items():
            count = int((odd[rows.index] == code).sum())
            if count:
                yield Finding(code, f"{count} of {len(rows)} readings are {words}", analyte=name)
        exact = rows.loc[rows["state"] == "exact", "value"]
        low = int((exact == 0).sum())
        if low:
            yield Finding("nonpositive_value", f"{low} readings are 0", analyte=name)
        units = sorted({unit_key(unit): unit for unit in rows["unit"]}.values())
        if len(units) > 1:
            shown = ", ".join(repr(unit) for unit in units)
            yield Finding("header_mismatch", f"more than one unit: {shown}", analyte=name)
        yield from _hidden_limits(exact.tolist(), name)
    yield from _spellings(list(dict.fromkeys(frame["analyte"])))
    yield from _repeats(frame)


def words_findings(
    records: Sequence[Mapping[str, Any]], readings: Sequence[Reading], path: str
) -> Iterator[Finding]:
    """What each word was taken for, and numbers that were put together from groups."""
    words: Counter[tuple[str, str]] = Counter()
    grouped: dict[str, float] = {}
    for record, reading in zip(records, readings, strict=True):
        if reading.word:
            words[record["source"], reading.state] += 1
        if reading.grouped:
            grouped.setdefault(record["source"], reading.given)
    for (word, state), count in words.items():
        taken = "missing" if state == "missing" else f"{state} range"
        text = f"{path}: {count} {'reading is' if count == 1 else 'readings are'} {word!r}"
        yield Finding("words_read", f"{text}: read as {taken}")
    if grouped:
        some = ", ".join(f"{text!r} as {value:.12g}" for text, value in [*grouped.items()][:4])
        cells = "1 cell holds" if len(grouped) == 1 else f"{len(grouped)} different cells hold"
        text = f"{path}: {cells} thousands marks: read {some}"
        yield Finding("thousands_read", text)


def _hidden_limits(values: list[float], analyte: str) -> Iterator[Finding]:
    for value, count, beyond in repeated_end(values):
        text = f"{count} of {len(values)} readings are {value:g}, the lowest value"
        text += f" ({beyond} lie below it)" if beyond else ""
        yield Finding("hidden_floor", f"{text}; no limit was declared", analyte=analyte)
    for value, count, beyond in repeated_end([-value for value in values]):
        text = f"{count} of {len(values)} readings are {-value:g}, the highest value"
        text += f" ({beyond} lie above it)" if beyond else ""
        yield Finding("hidden_ceiling", f"{text}; no limit was declared", analyte=analyte)


def repeated_end(values: Sequence[float]) -> Iterator[tuple[float, int, int]]:
    """Values repeated at the low end far more often than those above them, lowest first.

    Yields (value, times, how many lie lower). A value counts when at least 4 readings and 5 % of
    them have it, three times as many as any of the five next values above it that are not such
    values themselves (so that coarse rounding alone is no floor), and at most a third of the
    readings that have none of them lie lower: plates and dilutions may have floors of their own.
    """
    counts = Counter(values)
    distinct = sorted(counts)
    needed = max(4, math.ceil(0.05 * len(values)))
    step = min((after - before for before, after in pairwise(distinct)), default=0.0)
    repeated: set[float] = set()
    above: list[float] = []  # what is on no heap, the nearest last
    for value in reversed(distinct):
        expected = [counts[one] * _coarseness(value, one, distinct, step) for one in above[-5:]]
        if counts[value] >= needed and expected and counts[value] >= 3 * max(expected):
            repeated.add(value)
        else:
            above.append(value)
    others, lower = sum(counts[value] for value in above), 0
    for value in distinct:
        if value not in repeated:
            lower += counts[value]
        elif 3 * lower <= others:
            yield value, counts[value], sum(counts[one] for one in distinct if one < value)


def _coarseness(value: float, above: float, distinct: Sequence[float], step: float) -> float:
    """How much wider rounding makes the cell of a value than that of one above, in logarithms.

    1 unless all steps from the one to the other are the smallest there is: then the numbers
    are rounded that coarsely, and 1 holds far more of what was measured than 5 does.
    """
    first, last = bisect_left(distinct, value), bisect_left(distinct, above)
    if value <= step / 2 or not math.isclose(above - value, (last - first) * step, rel_tol=1e-6):
        return 1.0
    half = step / 2
    width = math.log((value + half) / (value - half))
    return max(1.0, width / math.log((above + half) / (above - half)))


def _spellings(analytes: list[str]) -> Iterator[Finding]:
    by_name: dict[str, list[str]] = {}
    for analyte in analytes:
        by_name.setdefault(analyte_key(analyte), []).append(analyte)
    for names in by_name.values():
        if len(names) > 1:
            shown = " and ".join(repr(name) for name in names)
            message = f"{shown} are kept apart; are they the same analyte?"
            yield Finding("analytes_alike", message, analyte=names[0])


def _repeats(frame: pd.DataFrame) -> Iterator[Finding]:
    keys = [
        role for role in ID_ROLES if role in frame.columns and role not in ("stratum", "status")
    ]
    twice = frame[frame.duplicated([*keys, "analyte"], keep=False)]
    for key, rows in twice.groupby(keys, sort=False, dropna=False):
        if not any((isinstance(part, str) and part) or part == part for part in key):
            continue
        who = ", ".join(f"{role} {part}" for role, part in zip(keys, key, strict=True))
        most = int(rows["analyte"].value_counts().max())
        sample = str(key[keys.index("sample")]) if "sample" in keys else ""
        yield Finding("repeated_sample", f"{who} stands {most} times", sample=sample)


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
    """Concentrations as a table gives them, one row per reading."""

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
    """Read a tidy or wide table of concentrations."""
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
