"""Layout files to :class:`Layout`: long tables, grids, and tables of expected concentrations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cytokit.cell_text import unguard
from cytokit.errors import CytokitError, DesignError, Problem, did_you_mean, place
from cytokit.layout.grids import Grid, Table, find_grids
from cytokit.layout.lots import describes_lots, read_lots
from cytokit.layout.plan import (
    ALL_ANALYTES,
    TYPE_WORDS,
    Layout,
    WellPlan,
    property_of,
    word_key,
)
from cytokit.plate import PLATE_SHAPES, Unread, normal_well
from cytokit.sources import RawFile, decide_decimal, read_cell, read_dilution
from cytokit.vocabulary import WellType

#: Columns that belong to a study's design and may stand in a layout without meaning there.
_FOREIGN = {"subject", "group", "day", "stratum", "status", "comment", "comments", "note", "notes"}
#: A column of the template that is for the eye.
_REVIEW = "review"
_NO_LAYOUT_SHEETS = {"notes", "readme", "help"}
MAX_PROBLEMS = 12


@dataclass
class _Draft:
    """What has been read so far: properties by (plate, well), and what is wrong."""

    file: str
    decimal: str
    values: dict[tuple[str, str], dict[str, object]] = field(default_factory=dict)
    expected: dict[str, dict[str, float]] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, code: str, what: str, where: str, mend: str = "", near: str = "") -> None:
        self.problems.append(Problem(code, what, where, mend, near))


def read_layout(path: str | Path, *, encoding: str | None = None) -> Layout:
    """Read a layout file.

    Parameters
    ----------
    path : str or Path
        .csv, .txt, .xls or .xlsx: a long table with a ``well`` column and any of ``sample``,
        ``type``, ``dilution``, ``plate``, ``expected``, ``expected <analyte>`` or analyte names;
        or grids of 8 x 12 / 16 x 24 cells under the numbers 1.., beside the letters A.., each
        titled (in its corner, above it, or by its sheet's name) with one of these properties;
        a workbook may hold a further table of expected concentrations, sample by analyte. For
        exports of Luminex IS 2.3 also a lots file (``Lot, Analyte, Unit, St1, ..., ConA.lo``).
    encoding : str, optional

    Returns
    -------
    Layout

    Raises
    ------
    DesignError
        CK-201 no layout, CK-202 an unknown property, CK-203 no such well, CK-204 a well given
        twice, CK-205 an unknown type, CK-206 a dilution, CK-207 an expected concentration that is
        no number, CK-210 an incomplete grid; all of one file together.
    FormatError
        CK-151 to CK-153, a lots file that is damaged.
    """
    raw = RawFile.open(path, encoding=encoding)
    raw.require_readable()
    if describes_lots(raw):
        lots = read_lots(raw)
        return Layout(raw.path, raw.sha256, (), lots=lots)
    tables = list(_tables(raw))
    cells = (cell for table in tables for row in table.rows for cell in row)
    draft = _Draft(raw.path, decide_decimal(cells))
    for table in tables:
        _read_table(table, draft)
    if draft.problems:
        raise DesignError(*draft.problems[:MAX_PROBLEMS])
    wells = tuple(_plan(plate, well, values) for (plate, well), values in draft.values.items())
    if not wells and not draft.expected:
        what = "no layout was found: neither a table with a 'well' column nor a plate grid"
        mend = "write a template with 'cytokit inspect PLATE --write-layout FILE'"
        raise DesignError(Problem("CK-201", what, place(raw.path), mend))
    return Layout(raw.path, raw.sha256, wells, draft.expected, tuple(draft.unread))


def describes_layout(raw: RawFile) -> bool:
    """Whether a file is a layout: a plate grid, or a table of wells without readings."""
    try:
        tables = list(_tables(raw))
    except CytokitError:
        return False
    for table in tables:
        if find_grids(table):
            return True
        head = _head(table)
        if head is not None and "well" in _roles(table.rows[head]):
            known = set(_roles(table.rows[head])) & {"sample", "type", "dilution", "expected"}
            return bool(known) and len(table.rows[head]) < 200
    return False


def _tables(raw: RawFile) -> Iterator[Table]:
    if raw.kind == "text":
        yield Table("", [[unguard(cell) for cell in row] for row in raw.rows], raw.line_of)
    for sheet in raw.sheets if raw.kind == "workbook" else ():
        yield Table(sheet.name, sheet.rows, lambda row: row + 1)


def _read_table(table: Table, draft: _Draft) -> None:
    """A table is grids, a long table, a table of expected concentrations, or set aside."""
    if not any(any(row) for row in table.rows):
        return
    where = place(draft.file, sheet=table.name)
    if word_key(table.name) in _NO_LAYOUT_SHEETS:
        return
    if grids := find_grids(table):
        for grid in grids:
            _read_grid(table, grid, len(grids), draft)
        return
    head = _head(table)
    roles = _roles(table.rows[head]) if head is not None else {}
    if head is not None and "well" in roles:
        _read_long(table, head, roles, draft)
    elif head is not None and "sample" in roles:
        _read_expected(table, head, roles["sample"], draft)
    else:
        reason = "neither a table of wells, a plate grid, nor expected concentrations by sample"
        draft.unread.append(Unread(table.name or Path(draft.file).name, where, reason))


def _head(table: Table) -> int | None:
    """The first filled row of at least two cells, which names the columns."""
    for index, row in enumerate(table.rows):
        if sum(map(bool, row)) >= 2:
            return index
    return None


def _roles(head: list[str]) -> dict[str, int]:
    """Property -> column, for the properties that are given once for all analytes."""
    roles: dict[str, int] = {}
    for index, title in enumerate(head):
        found = property_of(title)
        if found is not None and found[1] == ALL_ANALYTES:
            roles.setdefault(found[0], index)
    return roles


def _read_long(table: Table, head: int, roles: dict[str, int], draft: _Draft) -> None:
    titles = table.rows[head]
    for title in titles:
        if word_key(title) in _FOREIGN:
            where = place(draft.file, sheet=table.name, line=table.line_of(head))
            draft.unread.append(Unread(title, where, "a column that layouts do not use"))
    for index in range(head + 1, len(table.rows)):
        row = table.rows[index]
        if not any(row):
            continue
        cells = dict(zip(titles, row, strict=False))
        text = row[roles["well"]] if roles["well"] < len(row) else ""
        where = place(draft.file, sheet=table.name, line=table.line_of(index))
        well = normal_well(text)
        if well is None:
            what = f"{text!r} is not a well of a 96- or 384-well plate"
            draft.problem("CK-203", what, where, "wells are A1 to H12, or A1 to P24")
            continue
        plate = cells.get(titles[roles["plate"]], "") if "plate" in roles else ""
        if (plate, well) in draft.values:
            draft.problem("CK-204", f"well {well} is given twice", where, "keep one of the rows")
            continue
        draft.values[plate, well] = {}
        for title, cell in cells.items():
            _store(draft, (plate, well), title, cell, where)


def _store(draft: _Draft, key: tuple[str, str], title: str, cell: str, where: str) -> None:
    """Put one cell of a long table where it belongs; bare titles may be analytes."""
    if not cell or not title or word_key(title) in _FOREIGN | {_REVIEW}:
        return
    found = property_of(title)
    if found is None:
        value = read_cell(cell, draft.decimal).value
        if math.isfinite(value):
            draft.values[key][f"bare {title}"] = value
        return
    if found[0] not in ("well", "plate"):
        _put(draft, key, found, cell, where)


def _put(
    draft: _Draft, key: tuple[str, str], found: tuple[str, str], cell: str, where: str
) -> None:
    """One property of one well, checked."""
    name, analyte = found
    values = draft.values.setdefault(key, {})
    where = f"{where}, well {key[1]}"
    if name == "sample":
        values["sample"] = cell
    elif name == "type":
        well_type = TYPE_WORDS.get(word_key(cell).rstrip("0123456789"))
        if well_type is None:
            mend = f"use one of {', '.join(WellType)}"
            near = did_you_mean(cell, list(TYPE_WORDS))
            draft.problem("CK-205", f"unknown well type {cell!r}", where, mend, near)
        values["type"] = well_type
    elif name == "dilution":
        factor = read_dilution(cell, draft.decimal)
        if not factor.known:
            mend = "give the factor that multiplies, at least 1: 50 (or 1:50) for 1 part in 50"
            draft.problem("CK-206", f"no dilution factor: {factor.reason}", where, mend)
        values["dilution"] = factor.value
    else:
        number = read_cell(cell, draft.decimal).value
        if not number >= 0:
            what = f"the expected concentration {cell!r} is no number of at least 0"
            draft.problem("CK-207", what, where, "give a number, without its unit")
        values[f"expected {analyte}"] = number


def _read_expected(table: Table, head: int, sample_at: int, draft: _Draft) -> None:
    """A table of expected concentrations: one row per sample, one column per analyte."""
    titles = table.rows[head]
    for index in range(head + 1, len(table.rows)):
        row = table.rows[index]
        sample = row[sample_at] if sample_at < len(row) else ""
        if not sample:
            continue
        where = place(draft.file, sheet=table.name, line=table.line_of(index), sample=sample)
        values = draft.expected.setdefault(sample, {})
        for title, cell in zip(titles, row, strict=False):
            found = property_of(title)
            if not cell or not title or (found is not None and found[0] != "expected"):
                continue
            number = read_cell(cell, draft.decimal).value
            if not number >= 0:
                what = f"the expected concentration {cell!r} is no number of at least 0"
                draft.problem("CK-207", what, where, "give a number, without its unit")
            values[title if found is None else found[1]] = number


def _read_grid(table: Table, grid: Grid, count: int, draft: _Draft) -> None:
    where = place(draft.file, sheet=table.name, line=table.line_of(grid.row))
    found = property_of(grid.title)
    if found is None and count == 1 and not any("sample" in v for v in draft.values.values()):
        found = ("sample", ALL_ANALYTES)
    if found is None or found[0] in ("well", "plate"):
        choices = ["sample", "type", "dilution", "expected"]
        mend = f"title it {', '.join(choices)} or 'expected <analyte>'"
        near = did_you_mean(grid.title, choices)
        draft.problem("CK-202", f"the grid {grid.title!r} names no property", where, mend, near)
        return
    if (grid.height, grid.width) not in PLATE_SHAPES.values():
        what = f"the grid {grid.title!r} has {grid.height} rows and {grid.width} columns"
        mend = "a plate has 8 x 12 or 16 x 24 wells, its rows lettered from A"
        draft.problem("CK-210", what, where, mend)
        return
    for down in range(grid.height):
        row = table.rows[grid.row + 1 + down]
        line = place(draft.file, sheet=table.name, line=table.line_of(grid.row + 1 + down))
        for right in range(grid.width):
            at = grid.column + 1 + right
            if at < len(row) and row[at]:
                well = f"{chr(ord('A') + down)}{right + 1}"
                _put(draft, ("", well), found, row[at], line)


def _plan(plate: str, well: str, values: dict[str, object]) -> WellPlan:
    """A well's properties as a WellPlan."""

    def numbers(prefix: str) -> dict[str, float]:
        return {
            name.removeprefix(prefix): value
            for name, value in values.items()
            if name.startswith(prefix) and isinstance(value, float)
        }

    well_type, dilution = values.get("type"), values.get("dilution")
    return WellPlan(
        well=well,
        plate=plate,
        sample=str(values.get("sample", "")),
        well_type=well_type if isinstance(well_type, WellType) else None,
        dilution_factor=dilution if isinstance(dilution, float) else None,
        expected=numbers("expected "),
        bare=numbers("bare "),
    )
