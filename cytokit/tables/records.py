"""A plain table's rows as records: one per reading, every cell still text.

Used by :mod:`cytokit.tables`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cytokit.errors import InputError, Problem, map_text
from cytokit.findings import Finding
from cytokit.tables.cells import holds_reading, number, says_no_name, says_nothing
from cytokit.tables.columns import (
    LIKE_A_DAY,
    LIMIT_ROLES,
    Columns,
    Header,
    is_unit,
    plain,
    read_unit,
)
from cytokit.tables.rows import Grid
from cytokit.vocabulary import DesignStatus

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
