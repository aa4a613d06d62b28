"""Layout files to :class:`Layout`: long tables, grids, and tables of expected concentrations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cytokit.cell_text import unguard
from cytokit.errors import CytokitError, DesignError, Problem, did_you_mean, place
from cytokit.layout.grids import Grid, Table, beside_grids, find_grids, holds_readings
from cytokit.layout.lots import describes_lots, read_lots
from cytokit.layout.plan import (
    ALL_ANALYTES,
    TITLES,
    TYPE_WORDS,
    Layout,
    WellPlan,
    property_of,
    word_key,
)
from cytokit.plate import PLATE_SHAPES, Unread, normal_well
from cytokit.sources import RawFile, decide_decimal, read_cell, read_dilution
from cytokit.vocabulary import VendorStatus, WellType

#: Columns that belong to a study's design and may stand in a layout without meaning there.
_FOREIGN = {"subject", "group", "day", "stratum", "status", "comment", "comments", "note", "notes"}
#: A column of the template that is for the eye.
_REVIEW = "review"
_NO_LAYOUT_SHEETS = {"notes", "readme", "help"}
#: Sheets that explain the others: said to be left out.
_KEY_SHEETS = {
    *("key", "keys", "legend", "legende", "legenda", "info", "information", "comments"),
    *("abbreviations", "explanation", "instructions"),
}
#: Columns of readings and results, which no layout has.
_READINGS = {
    *("signal", "mfi", "fi", "median", "netmfi", "od", "absorbance", "rfu", "rlu", "counts"),
    *("beadcount", "calcconcentration", "calc.concentration", "calculatedconcentration", "npx"),
    *("obsconc", "observedconcentration", "concentration", "conc", "result", "spot"),
}
#: Cells in which a layout says nothing.
_NOTHING = (VendorStatus.NOT_GIVEN, VendorStatus.NOT_AVAILABLE)
_NUMBER = "give a number of at least 0, or leave the cell empty"
MAX_PROBLEMS = 12


@dataclass
class _Draft:
    """What has been read so far: properties by (plate, well), and what is wrong."""

    file: str
    decimal: str
    sheets: list[str] = field(default_factory=list)
    values: dict[tuple[str, str], dict[str, object]] = field(default_factory=dict)
    expected: dict[str, dict[str, float]] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, code: str, what: str, where: str, mend: str = "", near: str = "") -> None:
        self.problems.append(Problem(code, what, where, mend, near))


def read_layout(
    path: str | Path, *, encoding: str | None = None, decimal: str | None = None
) -> Layout:
    """Read a layout file.

    Parameters
    ----------
    path : str or Path
        .csv, .txt, .xls or .xlsx: a long table with a ``well`` column and any of ``sample``,
        ``type``, ``dilution``, ``plate``, ``expected``, ``expected <analyte>`` or analyte names;
        or grids of 8 x 12 / 16 x 24 cells under the numbers 1.., beside the letters A.., each
        titled (in its corner, above it, or by its sheet's name) with one of these properties;
        a grid without such a title holds sample names, and several are a plate each, called by
        their sheets. A workbook may hold a further table of expected concentrations, sample by
        analyte. For exports of Luminex IS 2.3 also a lots file (``Lot, Analyte, Unit, St1, ...``).
    encoding : str, optional
    decimal : {"comma", "point"}, optional
        The decimal mark, where the cells leave it open.

    Returns
    -------
    Layout

    Raises
    ------
    DesignError
        CK-201 no layout, CK-202 an unknown property, CK-203 no such well, CK-204 a well given
        twice, CK-205 an unknown type, CK-206 a dilution, CK-207 an expected concentration that is
        no number, CK-210 an incomplete grid, CK-165 a grid of readings, or two grids or columns
        of one property; all of one file together.
    FormatError
        CK-151 to CK-153, a lots file that is damaged.
    """
    raw = RawFile.open(path, encoding=encoding, decimal=decimal)
    raw.require_readable()
    if describes_lots(raw):
        lots = read_lots(raw)
        return Layout(raw.path, raw.sha256, (), lots=lots)
    tables = list(_tables(raw))
    cells = (cell for table in tables for row in table.rows for cell in row)
    draft = _Draft(raw.path, decide_decimal(cells, asked=raw.asked_decimal, file=raw.path))
    naming = _plan_grids(tables, draft)
    draft.sheets += _plates_of_long_tables(tables)
    for table in tables:
        _read_table(table, draft, naming)
    if draft.problems:
        raise DesignError(*draft.problems[:MAX_PROBLEMS])
    wells = tuple(_plan(plate, well, values) for (plate, well), values in draft.values.items())
    if not wells and not draft.expected:
        what = "no layout was found: neither a table with a 'well' column nor a plate grid"
        mend = "write a template with 'cytokit inspect PLATE --write-layout FILE'"
        raise DesignError(Problem("CK-201", what, place(raw.path), mend))
    unread, sheets = tuple(draft.unread), tuple(draft.sheets)
    return Layout(raw.path, raw.sha256, wells, draft.expected, unread, sheets=sheets)


def describes_layout(raw: RawFile) -> bool:
    """Whether a file is a layout: a plate grid, or a table of wells without readings."""
    try:
        tables = list(_tables(raw))
    except CytokitError:
        return False
    for table in tables:
        if grids := find_grids(table):
            return any(
                _property(table, grid) is not None or not holds_readings(table, grid)
                for grid in grids
            )
        head = _head(table)
        if head is not None and "well" in _roles(table.rows[head]):
            titles = table.rows[head]
            known = set(_roles(titles)) & {"sample", "type", "dilution", "expected"}
            foreign = {word_key(title) for title in titles} & _READINGS
            return bool(known) and not foreign and len(titles) < 200
    return False


def _tables(raw: RawFile) -> Iterator[Table]:
    if raw.kind == "text":
        rows = [[unguard(cell) for cell in row] for row in raw.rows]
        yield _with_wells(Table("", rows, raw.line_of))
    for sheet in raw.sheets if raw.kind == "workbook" else ():
        yield _with_wells(Table(sheet.name, sheet.rows, lambda row: row + 1))


def _with_wells(table: Table) -> Table:
    """A table whose wells stand in two columns, row and column, with a column of wells for them."""
    head = _head(table)
    keys = [word_key(title) for title in table.rows[head]] if head is not None else []
    across = next((keys.index(word) for word in ("column", "col") if word in keys), None)
    if head is None or across is None or "row" not in keys or "well" in _roles(table.rows[head]):
        return table
    down = keys.index("row")
    rows = [list(row) for row in table.rows]
    rows[head][down], rows[head][across] = "well", ""
    for row in rows[head + 1 :]:
        row += [""] * (len(keys) - len(row))
        row[down], row[across] = row[down] + row[across], ""
    return replace(table, rows=rows)


@dataclass(frozen=True, slots=True)
class _Role:
    """What a grid gives: a property, its analyte, and the plate where each has its own."""

    found: tuple[str, str]
    plate: str = ""


def _property(table: Table, grid: Grid) -> tuple[str, str] | None:
    """The property that a grid's corner, the words above it or its sheet's name give it."""
    for title in (*grid.titles, table.name):
        found = property_of(title) if title else None
        if found is not None and found[0] not in ("well", "plate"):
            return found
        if found is None and title and _misspelled(title):
            return None
    return None


def _misspelled(title: str) -> str:
    """A property that a title nearly is."""
    return did_you_mean(title, TITLES)


def _plan_grids(tables: Sequence[Table], draft: _Draft) -> dict[tuple[str, int, int], _Role]:
    """The role of every grid of a file, by table, row and column.

    A grid that names no property holds sample names. Several such grids are a plate each, called
    by their sheets, or by their titles where they share one; so are grids of one property that
    stand on several sheets.
    """
    grids = [
        (table, grid) for table in tables if not _is_aside(table) for grid in find_grids(table)
    ]
    roles: dict[tuple[str, int, int], _Role] = {}
    bare: list[tuple[Table, Grid]] = []
    for table, grid in grids:
        found = _property(table, grid)
        if found is not None:
            roles[table.name, grid.row, grid.column] = _Role(found)
        else:
            bare.append((table, grid))
    by_sheet = any(property_of(table.name) is not None for table, _ in grids if table.name)
    has_sample = any(role.found[0] == "sample" for role in roles.values())
    alone = len(bare) == 1 and not has_sample
    own_sheets = len({table.name for table, _ in bare}) == len(bare) and not by_sheet
    titles = [grid.titles[0] if grid.titles else "" for _, grid in bare]
    stacked = all(titles) and len(set(titles)) == len(titles) and not (roles or by_sheet)
    for number, (table, grid) in enumerate(bare):
        wrong = next((title for title in grid.titles if _misspelled(title)), "")
        where = place(draft.file, sheet=table.name, line=table.line_of(grid.row))
        title = (*grid.titles, table.name)[0]
        if (wrong and not alone) or not (alone or own_sheets or stacked):
            title = wrong or title
            mend = f"title it {', '.join(TITLES)} or 'expected <analyte>'"
            what = f"the grid {title!r} names no property"
            draft.problem("CK-202", what, where, mend, _misspelled(title))
            continue
        if holds_readings(table, grid):
            example = next(text for _, text, _ in grid.cells(table))
            what = f"the grid {title!r} holds numbers such as {example}, no names of samples"
            mend = "this looks like a plate reader's export; give a layout, or title the grid"
            draft.problem("CK-165", what, where, mend)
            continue
        plate = "" if alone else table.name if own_sheets else titles[number]
        roles[table.name, grid.row, grid.column] = _Role(("sample", ALL_ANALYTES), plate)
    return _by_plate(roles, draft)


def _by_plate(
    roles: dict[tuple[str, int, int], _Role], draft: _Draft
) -> dict[tuple[str, int, int], _Role]:
    """Sheets that each give the same property are a plate each."""
    sheets: dict[tuple[str, str], list[str]] = {}
    for (sheet, row, _), role in roles.items():
        given = sheets.setdefault(role.found, [])
        if sheet in given and not role.plate:
            what = f"two grids give {' '.join(filter(None, role.found))!r}"
            mend = "keep one of them, or give each plate a sheet of its own"
            where = place(draft.file, sheet=sheet, line=row + 1)
            draft.problem("CK-165", what, where, mend)
        given.append(sheet)
    several = {sheet for given in sheets.values() if len(set(given)) > 1 for sheet in given}
    placed = {
        key: role if role.plate or key[0] not in several else _Role(role.found, key[0])
        for key, role in roles.items()
    }
    draft.sheets += dict.fromkeys(role.plate for role in placed.values() if role.plate)
    return placed


def _is_aside(table: Table) -> bool:
    """Whether a sheet explains the others."""
    return word_key(table.name) in _NO_LAYOUT_SHEETS | _KEY_SHEETS


def _read_table(table: Table, draft: _Draft, naming: Mapping[tuple[str, int, int], _Role]) -> None:
    """A table is grids, a long table, a table of expected concentrations, or set aside."""
    if not any(any(row) for row in table.rows):
        return
    where = place(draft.file, sheet=table.name)
    if _is_aside(table):
        if word_key(table.name) in _KEY_SHEETS:
            draft.unread.append(Unread(table.name, where, "a sheet that explains the others"))
        return
    if grids := find_grids(table):
        for grid in grids:
            role = naming.get((table.name, grid.row, grid.column))
            if role is not None:
                _read_grid(table, grid, role, draft)
        if more := beside_grids(table, grids):
            some = ", ".join(map(repr, more[:4])) + (
                f" and {len(more) - 4} more" if more[4:] else ""
            )
            reason = f"what stands beside the grids is not read: {some}"
            draft.unread.append(Unread(table.name or Path(draft.file).name, where, reason))
        return
    head = _head(table)
    roles = _roles(table.rows[head]) if head is not None else {}
    if head is not None and "well" in roles:
        _read_long(table, head, roles, draft, table.name if table.name in draft.sheets else "")
    elif head is not None and "sample" in roles and (not table.name or _is_expected(table, head)):
        _read_expected(table, head, roles["sample"], draft)
    else:
        reason = "neither a table of wells, a plate grid, nor expected concentrations by sample"
        draft.unread.append(Unread(table.name or Path(draft.file).name, where, reason))


def _is_expected(table: Table, head: int) -> bool:
    """Whether a table of samples is empty or holds numbers: else it only explains names."""
    cells = [cell for row in table.rows[head + 1 :] for cell in row[1:] if cell]
    return not cells or any(math.isfinite(read_cell(cell).value) for cell in cells)


def _plates_of_long_tables(tables: Sequence[Table]) -> list[str]:
    """Sheets that say what the same wells hold: each is of a plate of its own."""
    wells: dict[str, set[str]] = {}
    for table in tables:
        head = _head(table)
        roles = _roles(table.rows[head]) if head is not None and not find_grids(table) else {}
        if (
            head is None
            or _is_aside(table)
            or "plate" in roles
            or not {"well", "sample"} <= set(roles)
        ):
            continue
        at = roles["well"]
        named = (normal_well(row[at]) for row in table.rows[head + 1 :] if at < len(row))
        wells[table.name] = {well for well in named if well is not None}
    return [
        name
        for name, own in wells.items()
        if any(own & others for other, others in wells.items() if other != name)
    ]


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


def _read_long(
    table: Table, head: int, roles: dict[str, int], draft: _Draft, own: str = ""
) -> None:
    """A row per well; ``own`` is the plate where each has a sheet of its own."""
    titles = table.rows[head]
    for title in titles:
        if word_key(title) in _FOREIGN:
            where = place(draft.file, sheet=table.name, line=table.line_of(head))
            draft.unread.append(Unread(title, where, "a column that layouts do not use"))
    for index in range(head + 1, len(table.rows)):
        row = table.rows[index]
        if not any(row):
            continue
        text = row[roles["well"]] if roles["well"] < len(row) else ""
        where = place(draft.file, sheet=table.name, line=table.line_of(index))
        well = normal_well(text)
        if well is None:
            what = f"{text!r} is not a well of a 96- or 384-well plate"
            draft.problem("CK-203", what, where, "wells are A1 to H12, or A1 to P24")
            continue
        plate = own
        if "plate" in roles:
            plate = row[roles["plate"]] if roles["plate"] < len(row) else ""
        if (plate, well) in draft.values:
            draft.problem("CK-204", f"well {well} is given twice", where, "keep one of the rows")
            continue
        draft.values[plate, well] = {}
        for title, cell in zip(titles, row, strict=False):
            _store(draft, (plate, well), title, cell, where)
        _contradiction(titles, row, draft, f"{where}, well {well}")


def _store(draft: _Draft, key: tuple[str, str], title: str, cell: str, where: str) -> None:
    """Put one cell of a long table where it belongs; bare titles may be analytes."""
    if not cell or not title or word_key(title) in _FOREIGN | {_REVIEW}:
        return
    found = property_of(title)
    if found is None:
        read = read_cell(cell, draft.decimal)
        if read.damaged or read.status not in _NOTHING:
            draft.values[key][f"bare {title}"] = read.value
        return
    if found[0] not in ("well", "plate"):
        _put(draft, key, found, cell, where)


def _contradiction(titles: list[str], row: list[str], draft: _Draft, where: str) -> None:
    """Two columns of one property that say different things of a well: neither is taken."""
    said: dict[tuple[str, str], tuple[str, str]] = {}
    for title, cell in zip(titles, row, strict=False):
        found = property_of(title) if cell else None
        if found is None or (found[0] == "well" and normal_well(cell) is None):
            continue
        first, text = said.setdefault(found, (title, cell))
        if word_key(text) != word_key(cell):
            what = (
                f"columns {first!r} and {title!r} both give the {' of '.join(filter(None, found))}"
            )
            mend = "keep one of the columns, or give the other another title, such as comment"
            draft.problem("CK-165", f"{what}: {text!r} and {cell!r}", where, mend)
            return


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
            where = f"{where}, analyte {analyte}" if analyte else where
            draft.problem("CK-207", what, where, _NUMBER)
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
                at = f"{where}, column {title!r}"
                draft.problem("CK-207", what, at, _NUMBER)
            values[title if found is None else found[1]] = number


def _read_grid(table: Table, grid: Grid, role: _Role, draft: _Draft) -> None:
    if (grid.height, grid.width) not in PLATE_SHAPES.values():
        title = (*grid.titles, table.name)[0]
        what = f"the grid {title!r} has {grid.height} rows and {grid.width} columns"
        mend = "a plate has 8 x 12 or 16 x 24 wells, its rows lettered from A"
        where = place(draft.file, sheet=table.name, line=table.line_of(grid.row))
        draft.problem("CK-210", what, where, mend)
        return
    for well, text, row in grid.cells(table):
        where = place(draft.file, sheet=table.name, line=table.line_of(row))
        _put(draft, (role.plate, well), role.found, text, where)


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
