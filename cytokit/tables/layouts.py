"""Layout: the wells a plan speaks of, and the words it may use."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from cytokit.cell_text import guard, unguard
from cytokit.errors import (
    CytokitError,
    DesignError,
    OutputError,
    Problem,
    UsageError,
    did_you_mean,
    place,
)
from cytokit.flags import Finding
from cytokit.plate import PLATE_SHAPES, Plate, SourceInfo, Unread, normal_well
from cytokit.schema import VendorStatus, WellType
from cytokit.sources.numbers import decide_decimal, fraction_of, read_cell, read_dilution
from cytokit.sources.raw import RawFile
from cytokit.tables.lots import Lots, describes_lots, read_lots

#: Key of an expected concentration that holds for every analyte.
ALL_ANALYTES = ""
#: What a property may be called, without blanks, underscores and capitals.
PROPERTIES: dict[str, str] = {
    **dict.fromkeys(("well", "wells", "welllocation", "position", "wellposition"), "well"),
    **dict.fromkeys(("sample", "samples", "samplename", "sampleid", "name", "names"), "sample"),
    **dict.fromkeys(("type", "welltype", "sampletype"), "type"),
    **dict.fromkeys(("dilution", "dilutions", "dilutionfactor", "dil", "dil."), "dilution"),
    **dict.fromkeys(("expected", "expectedconcentration", "expconc"), "expected"),
    **dict.fromkeys(("plate", "platename", "plateid"), "plate"),
}
#: What a column or a grid is titled.
TITLES = ("sample", "type", "dilution", "expected")
#: What a well type may be called.
TYPE_WORDS: dict[str, WellType] = {
    **dict.fromkeys(("standard", "std", "s", "st", "calibrator"), WellType.STANDARD),
    **dict.fromkeys(("blank", "b", "background", "bkg", "zero"), WellType.BLANK),
    **dict.fromkeys(("control", "c", "ctrl", "qc", "qualitycontrol"), WellType.CONTROL),
    **dict.fromkeys(("unknown", "x", "u", "sample", "patient", "test"), WellType.UNKNOWN),
}
_NAME_TYPES = (
    (re.compile(r"b\d*|blank\s*\d*|background\s*\d*", re.IGNORECASE), WellType.BLANK),
    (re.compile(r"s\d+|std\s*\d+|standard\s*\d+", re.IGNORECASE), WellType.STANDARD),
    (re.compile(r"c\d+|control\d+|qc\s*\d+", re.IGNORECASE), WellType.CONTROL),
)
#: Names that may be those of a blank, standard or control, but of a sample as well.
_LIKELY = (
    (re.compile(r"(?:b|bl|bkg|bg|blk)\d*|(?:blank|background).*"), WellType.BLANK),
    (
        re.compile(r"(?:s|st|std)\d*|(?:s|st|std|standard) ?\d{1,2}(?:[ _][^\W\d].*)?"),
        WellType.STANDARD,
    ),
    (re.compile(r"(?:c|ctrl|qc)\d*|control \d+|qc ?\d+"), WellType.CONTROL),
)
_ENDS_AS_STANDARD = re.compile(r"(?:standard|std|calibrator)[ _-]?\d{1,2}$")
#: Longer names are no codes.
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class WellPlan:
    """What a layout says of one well; what it does not say is empty or None."""

    well: str
    plate: str = ""
    sample: str = ""
    well_type: WellType | None = None
    dilution_factor: float | None = None
    expected: Mapping[str, float] = field(default_factory=dict)
    bare: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """A plate map."""

    path: str
    sha256: str
    wells: tuple[WellPlan, ...]
    expected: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()
    lots: Lots | None = None
    sheets: tuple[str, ...] = ()


def word_key(text: str) -> str:
    """A word without blanks, underscores, dashes and capitals."""
    return re.sub(r"[\s_\-]+", "", text).casefold()


def property_of(title: str) -> tuple[str, str] | None:
    """A column's or grid's property and, for expected concentrations, its analyte."""
    known = PROPERTIES.get(word_key(title))
    if known is not None:
        return known, ALL_ANALYTES
    match = re.fullmatch(r"expected(?:\s+concentration)?[\s:]+(\S.*)", title, re.IGNORECASE)
    return ("expected", match[1].strip()) if match else None


def type_of_name(sample: str) -> WellType | None:
    """The type that a code such as ``B``, ``S1`` or ``Control2`` means in a layout."""
    for pattern, well_type in _NAME_TYPES:
        if pattern.fullmatch(sample):
            return well_type
    return None


def likely_type(sample: str) -> WellType | None:
    """The type that a name suggests and does not prove, to be looked at by a person."""
    name = " ".join(sample[: _LONGEST_NAME + 1].split()).casefold()
    if len(name) > _LONGEST_NAME:
        return None
    for pattern, well_type in _LIKELY:
        if pattern.fullmatch(name):
            return well_type
    return WellType.STANDARD if _ENDS_AS_STANDARD.search(name) else type_of_name(sample)


# Plate grids in a table: the numbers 1 to 12 or 24 in a row, the letters A.. below and left.


_GRIDS_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,9})?", re.ASCII)
#: How lines begin that a plate reader's software writes above its grids.
_READER_WORDS = (
    *("software version", "absorbance", "fluorescence", "luminescence", "optical density", "od"),
    *("wavelength", "read", "reader", "instrument", "gain", "excitation", "emission", "##blocks"),
    *("plate number", "application", "results", "raw data", "blank corrected", "user:"),
)
_FRACTION = re.compile(r"-?\d{1,9}[.,]\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class LayoutTable:
    """One sheet (or the whole text): its rows and how to call a place in it."""

    name: str
    rows: Sequence[list[str]]
    line_of: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class PlateGrid:
    """Where a grid lies in a table: its head row, its first column, its shape and its titles.

    ``titles`` are the words in its corner and above it, where there are any.
    """

    row: int
    column: int
    height: int
    width: int
    titles: tuple[str, ...]

    def cells(self, table: LayoutTable) -> Iterator[tuple[str, str, int]]:
        """Its filled cells: well, text and row of the table."""
        for down in range(self.height):
            row = table.rows[self.row + 1 + down]
            for right in range(self.width):
                at = self.column + 1 + right
                if at < len(row) and row[at]:
                    yield f"{chr(ord('A') + down)}{right + 1}", row[at], self.row + 1 + down


def find_grids(table: LayoutTable) -> list[PlateGrid]:
    """Every plate grid of a table: numbers 1 to 12 or 24 in a row, letters A.. below and left.

    Grids may stand below each other and side by side.
    """
    grids: list[PlateGrid] = []
    end = after = -1
    for index, row in enumerate(table.rows):
        if index <= end:
            continue
        column = 0
        while column < len(row):
            width = _numbered(row[column + 1 : column + 26])
            if not width:
                column += 1
                continue
            height = _lettered(table.rows[index + 1 :], column)
            titles = _titles(table, index, column, after)
            grids.append(PlateGrid(index, column, height, width, titles))
            end = max(end, index + height)
            column += 1 + width
        after = end
    return grids


def beside_grids(table: LayoutTable, grids: Sequence[PlateGrid]) -> list[str]:
    """What stands in a table beside its grids and the lines above them: a key, a remark."""
    inside: dict[int, list[range]] = {}
    for grid in grids:
        for row in range(grid.row, grid.row + grid.height + 1):
            inside.setdefault(row, []).append(range(grid.column, grid.column + grid.width + 1))
    titles = {title for grid in grids for title in grid.titles}
    return [
        cell
        for index, row in enumerate(table.rows)
        for column, cell in enumerate(row)
        if cell
        and cell.rstrip(":") not in titles
        and not any(column in columns for columns in inside.get(index, ()))
    ]


def holds_readings(table: LayoutTable, grid: PlateGrid) -> bool:
    """Whether a grid holds readings, as a plate reader writes them, and no names.

    Most cells are numbers with decimals; or all are numbers, beside a wavelength or under the
    words of a reader's software.
    """
    cells = [text for _, text, _ in grid.cells(table)]
    if 2 * sum(_FRACTION.fullmatch(text) is not None for text in cells) > len(cells):
        return True
    if not cells or not all(_GRIDS_NUMBER.fullmatch(text) for text in cells):
        return False
    at = grid.column + grid.width + 1
    rows = table.rows[grid.row + 1 : grid.row + 1 + grid.height]
    beside = [row[at] for row in rows if at < len(row) and row[at]]
    above = [cell[:40].casefold() for row in table.rows[: grid.row + 1] for cell in row if cell]
    return bool(beside and all(map(_GRIDS_NUMBER.fullmatch, beside))) or any(
        cell.startswith(_READER_WORDS) for cell in above
    )


def _numbered(cells: Sequence[str]) -> int:
    """How many cells count 1, 2, 3, ..: 12 or 24, else 0."""
    count = 0
    for number, cell in enumerate(cells, start=1):
        if cell not in (str(number), f"{number:02d}", f"{number}.0"):
            break
        count = number
    return 24 if count >= 24 else 12 if 12 <= count < 24 else 0


def _lettered(rows: Sequence[list[str]], column: int) -> int:
    """How many rows begin with A, B, C, .."""
    count = 0
    for row in rows[:16]:
        if column >= len(row) or row[column].upper() != chr(ord("A") + count):
            break
        count += 1
    return count


def _titles(table: LayoutTable, row: int, column: int, after: int) -> tuple[str, ...]:
    """The corner's text and the words above the grid, nearest first."""
    corner = table.rows[row][column].rstrip(":")
    for index in range(row - 1, after, -1):
        cells = table.rows[index]
        words = [cell for cell in cells if cell]
        if words:
            own = next((cell for cell in cells[column : column + 3] if cell), "")
            return tuple(filter(None, (corner, (own or words[0]).rstrip(":"))))
    return (corner,) if corner else ()


# Layout files to :class:`Layout`: long tables, grids, and tables of expected concentrations.


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
    """Read a layout file."""
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


def _tables(raw: RawFile) -> Iterator[LayoutTable]:
    if raw.kind == "text":
        rows = [[unguard(cell) for cell in row] for row in raw.rows]
        yield _with_wells(LayoutTable("", rows, raw.line_of))
    for sheet in raw.sheets if raw.kind == "workbook" else ():
        yield _with_wells(LayoutTable(sheet.name, sheet.rows, lambda row: row + 1))


def _with_wells(table: LayoutTable) -> LayoutTable:
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


def _property(table: LayoutTable, grid: PlateGrid) -> tuple[str, str] | None:
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


def _plan_grids(tables: Sequence[LayoutTable], draft: _Draft) -> dict[tuple[str, int, int], _Role]:
    """The role of every grid of a file, by table, row and column.

    A grid that names no property holds sample names. Several such grids are a plate each, called
    by their sheets, or by their titles where they share one; so are grids of one property that
    stand on several sheets.
    """
    grids = [
        (table, grid) for table in tables if not _is_aside(table) for grid in find_grids(table)
    ]
    roles: dict[tuple[str, int, int], _Role] = {}
    bare: list[tuple[LayoutTable, PlateGrid]] = []
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


def _is_aside(table: LayoutTable) -> bool:
    """Whether a sheet explains the others."""
    return word_key(table.name) in _NO_LAYOUT_SHEETS | _KEY_SHEETS


def _read_table(
    table: LayoutTable, draft: _Draft, naming: Mapping[tuple[str, int, int], _Role]
) -> None:
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


def _is_expected(table: LayoutTable, head: int) -> bool:
    """Whether a table of samples is empty or holds numbers: else it only explains names."""
    cells = [cell for row in table.rows[head + 1 :] for cell in row[1:] if cell]
    return not cells or any(math.isfinite(read_cell(cell).value) for cell in cells)


def _plates_of_long_tables(tables: Sequence[LayoutTable]) -> list[str]:
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


def _head(table: LayoutTable) -> int | None:
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
    table: LayoutTable, head: int, roles: dict[str, int], draft: _Draft, own: str = ""
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


def _read_expected(table: LayoutTable, head: int, sample_at: int, draft: _Draft) -> None:
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


def _read_grid(table: LayoutTable, grid: PlateGrid, role: _Role, draft: _Draft) -> None:
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


# A layout laid over a plate: what each says of a well, and a finding where they disagree.


#: Names that acquisition software gives by itself; a layout replaces them without a word.
_GENERIC = re.compile(
    r"(unknown|standard|std|background|blank|control|sample|[xscbu])\s*\d*", re.IGNORECASE
)
_STANDARD_CODE = re.compile(r"s\d*|st\d*|std\d*", re.IGNORECASE)


class _Merge:
    """The plate's columns, as arrays, while the layout is laid over them."""

    def __init__(self, plate: Plate) -> None:
        wells = plate.wells
        self.plate = plate
        self.analyte = [str(name) for name in wells["analyte"]]
        self.sample = [str(name) for name in wells["sample"]]
        self.well_type = [WellType(str(name)) for name in wells["well_type"]]
        self.dilution = wells["dilution_factor"].to_numpy(dtype=float, copy=True)
        self.expected = wells["expected"].to_numpy(dtype=float, copy=True)
        self.rows: dict[str, list[int]] = {}
        for row, well in enumerate(wells["well"]):
            self.rows.setdefault(str(well), []).append(row)
        self.findings: list[Finding] = []

    def say(self, code: str, message: str, well: str = "", sample: str = "") -> None:
        self.findings.append(Finding(code, message, self.plate.name, well, sample))

    def unclear(self, plans: Mapping[str, WellPlan]) -> list[str]:
        """Wells of unknowns to which the layout gives no type, by what either file calls them."""
        found = []
        for well, rows in self.rows.items():
            plan = plans.get(well)
            typed = plan is not None and plan.well_type is not None
            if typed or self.well_type[rows[0]] is not WellType.UNKNOWN:
                continue
            asked = any(
                one.code == "well_type_unclear" and one.well == well for one in self.plate.findings
            )
            named = plan is not None and likely_type(plan.sample) not in (None, WellType.UNKNOWN)
            if asked or named:
                found.append(well)
        return found

    def table(self) -> pd.DataFrame:
        """The plate's table with the merged columns."""
        return self.plate.wells.assign(
            sample=pd.Series(self.sample, dtype="str"),
            well_type=pd.Series(list(map(str, self.well_type)), dtype="str"),
            dilution_factor=self.dilution,
            expected=self.expected,
        )


def apply_layout(plate: Plate, layout: Layout) -> Plate:
    """The plate with the layout's samples, types, dilutions and expected concentrations."""
    if layout.lots is not None:
        what = f"a lots file of Luminex IS 2.3; plate {plate.name!r} is an export of another family"
        mend = "give a layout: its wells, samples and expected concentrations"
        raise DesignError(Problem("CK-211", what, place(layout.path), mend))
    plans = _plans_for(plate, layout)
    present = set(plate.wells["well"])
    _check_analytes(plate, layout, plans)
    if plans and not present & set(plans):
        what = f"no well of the layout is on plate {plate.name!r}"
        mend = "check that the layout belongs to this plate and its size"
        raise DesignError(Problem("CK-209", what, place(layout.path), mend))
    merge = _Merge(plate)
    for well, rows in merge.rows.items():
        _merge_well(merge, plans.get(well, WellPlan(well)), rows, layout)
    _gaps(merge, layout, plans)
    for part in layout.unread:
        merge.say("layout_unread", f"{part.name}: {part.reason}")
    unclear = merge.unclear(plans)
    findings = tuple(one for one in plate.findings if not _settled(one, plans, unclear))
    named = {one.well for one in findings if one.code == "well_type_unclear"}
    for well in unclear:
        if well not in named:
            sample = merge.sample[merge.rows[well][0]]
            message = f"the layout calls the sample {sample!r}, which looks like a "
            message += f"{likely_type(sample)}, and gives no type; it is taken as an unknown sample"
            merge.say("well_type_unclear", message, well, sample)
    return replace(
        plate,
        wells=merge.table(),
        findings=(*findings, *merge.findings),
        companions=(*plate.companions, SourceInfo(layout.path, layout.sha256, "layout")),
    )


def _settled(finding: Finding, plans: Mapping[str, WellPlan], unclear: Sequence[str]) -> bool:
    """Whether the layout says what a finding of the export asks for."""
    plan = plans.get(finding.well)
    if finding.code == "dilution_unclear":
        return plan is not None and plan.dilution_factor is not None
    return finding.code == "well_type_unclear" and plan is not None and finding.well not in unclear


def _plans_for(plate: Plate, layout: Layout) -> dict[str, WellPlan]:
    """The plans of this plate by well: those that name it (or its file), and those for all."""
    path = Path(plate.source.path)
    names = {word_key(name) for name in (plate.name, path.stem, path.name) if name}
    general = {plan.well: plan for plan in layout.wells if not plan.plate}
    own = {plan.well: plan for plan in layout.wells if word_key(plan.plate) in names}
    if layout.sheets and not own:
        listed = ", ".join(map(repr, layout.sheets[:12]))
        what = f"the layout has a plan for each of {listed}, and none for plate {plate.name!r}"
        mend = f"call the plan of this plate {plate.name!r}, or {path.stem!r} as its file"
        near = did_you_mean(plate.name, layout.sheets)
        raise DesignError(Problem("CK-166", what, place(layout.path), mend, near))
    return {well: _over(general.get(well), plan) for well, plan in {**general, **own}.items()}


def _over(general: WellPlan | None, own: WellPlan) -> WellPlan:
    """What a layout says of a plate's well, and of that well of every plate."""
    if general is None or general is own:
        return own
    return replace(
        own,
        sample=own.sample or general.sample,
        well_type=own.well_type or general.well_type,
        dilution_factor=own.dilution_factor or general.dilution_factor,
        expected={**general.expected, **own.expected},
        bare={**general.bare, **own.bare},
    )


def _check_analytes(plate: Plate, layout: Layout, plans: dict[str, WellPlan]) -> None:
    """Expected concentrations must be of analytes the plate has."""
    known = {word_key(name) for name in plate.analyte_names}
    named = [name for plan in plans.values() for name in plan.expected]
    named += [name for values in layout.expected.values() for name in values]
    problems = []
    for name in dict.fromkeys(named):
        if name != ALL_ANALYTES and word_key(name) not in known:
            what = f"the layout gives expected concentrations for {name!r}, which the plate lacks"
            mend = f"the plate has {', '.join(plate.analyte_names[:20])}"
            near = did_you_mean(name, plate.analyte_names)
            problems.append(Problem("CK-208", what, place(layout.path), mend, near))
    for name, wells in _no_numbers(plans).items():
        if word_key(name) in known:
            what = f"the layout's column {name!r} holds no number of at least 0 in {_some(wells)}"
            mend = "give a number of at least 0, or leave the cell empty"
            problems.append(Problem("CK-207", what, place(layout.path), mend))
    if problems:
        raise DesignError(*problems)


def _no_numbers(plans: Mapping[str, WellPlan]) -> dict[str, list[str]]:
    """Columns titled with a bare name -> the wells in which they hold no concentration."""
    wells: dict[str, list[str]] = {}
    for well, plan in plans.items():
        for name, value in plan.bare.items():
            if not value >= 0:
                wells.setdefault(name, []).append(well)
    return wells


def _merge_well(merge: _Merge, plan: WellPlan, rows: list[int], layout: Layout) -> None:
    """One well: sample, then type, then dilution and expected concentrations by the type."""
    old_sample, old_type = merge.sample[rows[0]], merge.well_type[rows[0]]
    sample = plan.sample or old_sample
    if plan.sample and plan.sample != old_sample and not _GENERIC.fullmatch(old_sample):
        message = f"the export calls the sample {old_sample!r}, the layout {sample!r}"
        merge.say("layout_conflict", message, plan.well, sample)
    elif _type_silenced(plan, old_sample, old_type):
        message = f"the export calls the sample {old_sample!r}, the layout {sample!r} and gives no "
        merge.say("layout_conflict", f"{message}type: it stays a {old_type}", plan.well, sample)
    expected = _expected(merge.plate.analyte_names, plan, layout.expected.get(sample, {}))
    new_type = _new_type(plan, old_sample, old_type, expected)
    if new_type is not old_type and old_type is not WellType.UNKNOWN:
        message = f"the export calls the well {old_type}, the layout {new_type}"
        merge.say("layout_conflict", message, plan.well, sample)
    if new_type is WellType.STANDARD and not expected:
        expected = _from_name(merge, plan, sample, rows)
    for row in rows:
        # a well that the export calls otherwise for each analyte keeps those names
        merge.sample[row] = plan.sample or merge.sample[row]
        merge.well_type[row] = new_type
    _merge_dilution(merge, plan, rows, new_type, sample)
    _merge_expected(merge, plan, rows, (old_type, new_type), expected)


def _type_silenced(plan: WellPlan, old_sample: str, old_type: WellType) -> bool:
    """Whether a layout of names alone covers the name from which a well has its type."""
    renamed = bool(plan.sample) and plan.sample != old_sample
    told = plan.well_type is not None or type_of_name(plan.sample) is not None or plan.expected
    return (
        renamed and not told and old_type in (WellType.STANDARD, WellType.BLANK, WellType.CONTROL)
    )


def _new_type(
    plan: WellPlan, old_sample: str, old_type: WellType, expected: dict[str, float]
) -> WellType:
    """The layout's type; else what its sample's name or expected values mean; else the export's."""
    if plan.well_type is not None:
        return plan.well_type
    if (coded := type_of_name(plan.sample)) is not None:
        return coded
    standard_code = old_type is WellType.UNKNOWN and _STANDARD_CODE.fullmatch(old_sample)
    if fraction_of(plan.sample) is not None and standard_code:
        return WellType.STANDARD
    if expected and old_type is WellType.UNKNOWN:
        only_zero = all(value == 0 for value in expected.values())
        return WellType.BLANK if only_zero else WellType.STANDARD
    return old_type


def _expected(
    analytes: Sequence[str], plan: WellPlan, by_sample: Mapping[str, float]
) -> dict[str, float]:
    """Expected concentrations by analyte of the plate: the well's own before its sample's."""
    result: dict[str, float] = {}
    for values in (by_sample, plan.bare, plan.expected):
        by_key = {word_key(name): value for name, value in values.items()}
        for analyte in analytes if by_key else ():
            value = by_key.get(word_key(analyte), by_key.get(ALL_ANALYTES))
            if value is not None:
                result[analyte] = value
    return result


def _from_name(merge: _Merge, plan: WellPlan, sample: str, rows: list[int]) -> dict[str, float]:
    """A standard called 1/n without a concentration in either file is 1/n of the neat one."""
    fraction = fraction_of(sample)
    if not fraction or np.isfinite(merge.expected[rows]).any():
        return {}
    message = f"the standard {sample!r} has no expected concentration; 1/{fraction:g} is used"
    merge.say("expected_from_name", message, plan.well, sample)
    return dict.fromkeys(merge.plate.analyte_names, 1.0 / fraction)


def _merge_dilution(
    merge: _Merge, plan: WellPlan, rows: list[int], well_type: WellType, sample: str
) -> None:
    """Standards and blanks have the factor 1; elsewhere the layout's before the export's."""
    old = float(merge.dilution[rows[0]])
    new = plan.dilution_factor if plan.dilution_factor is not None else old
    if well_type in (WellType.STANDARD, WellType.BLANK):
        if plan.dilution_factor not in (None, 1.0):
            message = f"the dilution {new:g} of a {well_type} is not used: expected is at the bead"
            merge.say("layout_conflict", message, plan.well, sample)
        new = 1.0
    elif math.isfinite(old) and old not in (1.0, new):
        message = f"the export gives the dilution factor {old:g}, the layout {new:g}"
        merge.say("layout_conflict", message, plan.well, sample)
    merge.dilution[rows] = new


def _merge_expected(
    merge: _Merge,
    plan: WellPlan,
    rows: list[int],
    types: tuple[WellType, WellType],
    expected: Mapping[str, float],
) -> None:
    """Blanks are 0, unknowns have none; for the others the layout's word before the export's."""
    old_type, new_type = types
    if new_type in (WellType.BLANK, WellType.UNKNOWN):
        merge.expected[rows] = 0.0 if new_type is WellType.BLANK else math.nan
        return
    for row in rows:
        analyte = merge.analyte[row]
        old = float(merge.expected[row]) if old_type is new_type else math.nan
        new = expected.get(analyte, old)
        if math.isfinite(old) and not math.isclose(old, new, rel_tol=1e-3):
            message = f"{analyte}: the export expects {old:g}, the layout {new:g}"
            merge.say("layout_conflict", message, plan.well, merge.sample[row])
        merge.expected[row] = new


def _gaps(merge: _Merge, layout: Layout, plans: dict[str, WellPlan]) -> None:
    """Say which wells only one side has, and which bare columns are no analytes."""
    absent = [well for well, plan in plans.items() if well not in merge.rows and plan.sample]
    if absent:
        message = f"in the layout but not in the export: {_some(absent)}; they stay missing"
        merge.say("layout_gap", message)
    unplanned = [well for well in merge.rows if well not in plans]
    if unplanned and plans:
        message = f"in the export but not in the layout: {_some(unplanned)}; left as exported"
        merge.say("layout_gap", message)
    if layout.wells and not plans:
        message = "the layout speaks of other plates only"
        merge.say("layout_gap", message)
    known = {word_key(name) for name in merge.plate.analyte_names}
    strangers: dict[str, bool] = {}
    for plan in plans.values():
        for name, value in plan.bare.items():
            if word_key(name) not in known:
                strangers[name] = strangers.get(name, False) or math.isfinite(value)
    for name, numbers in strangers.items():
        near = did_you_mean(name, [*merge.plate.analyte_names, *TITLES])
        message = f"column {name!r} is neither a property nor an analyte of the plate"
        code = "layout_title_unknown" if numbers or near else "layout_unread"
        merge.say(code, f"{message} ({near})" if near else message)


def _some(wells: Sequence[str]) -> str:
    return ", ".join(wells[:12]) + (f" and {len(wells) - 12} more" if len(wells) > 12 else "")


# A layout to fill in: what the export says, laid out for a spreadsheet.


#: A fixed date of creation makes two writings of one template identical.
_CREATED = datetime(2020, 1, 1)
_WITH_EXPECTED = (str(WellType.STANDARD), str(WellType.CONTROL))
_NOTES = (
    "Fill in what you know and delete what you do not need; empty cells leave the export's word.",
    "layout: one row per well. type is standard, blank, control or unknown.",
    "review: a type that was taken from the sample's name and not from the export; look at it.",
    "dilution is the factor that multiplies: 50 for 1 part in 50. Standards and blanks have none.",
    "expected: the concentration at the bead of each standard and control, by sample name.",
    "A well that was not read may stay in the list; it stays missing.",
    "Use it with: cytokit fit PLATE --layout THIS_FILE",
)


def unclear_types(plate: Plate) -> dict[str, WellType]:
    """The likely type of wells whose type the export does not say, by their names."""
    asked = {one.well for one in plate.findings if one.code == "well_type_unclear"}
    once = plate.of_type(WellType.UNKNOWN).drop_duplicates("well")
    likely = {
        str(well): likely_type(str(sample))
        for well, sample in zip(once["well"], once["sample"], strict=True)
        if well in asked
    }
    return {well: kind for well, kind in likely.items() if kind not in (None, WellType.UNKNOWN)}


def write_layout_template(
    plates: Plate | Sequence[Plate], path: str | Path, *, force: bool = False
) -> Path:
    """Write a layout for one plate or several, filled with what their export says.

    Where a name suggests a type that the export does not state, the type is filled in and the
    column ``review`` says so.
    """
    file = Path(path)
    listed = [plates] if isinstance(plates, Plate) else list(plates)
    kind = file.suffix.casefold()
    if kind not in (".csv", ".xlsx"):
        what = f"a layout cannot be written as {file.suffix or 'a file without an ending'}"
        raise UsageError(Problem("CK-164", what, place(file), "call it .csv or .xlsx"))
    if file.exists() and not force:
        raise OutputError(Problem("CK-213", "the file exists", place(file), "use --force"))
    layout = pd.concat([_layout_table(plate) for plate in listed], ignore_index=True)
    if len(listed) == 1:
        layout = layout.drop(columns="plate")
    if not layout["review"].any():
        layout = layout.drop(columns="review")
    try:
        if kind == ".csv":
            _write_csv(file, layout, listed)
        else:
            _write_workbook(file, layout, listed)
    except OSError as error:
        what = f"the template cannot be written: {error}"
        raise OutputError(Problem("CK-213", what, place(file), "choose another folder")) from None
    return file


def _write_csv(file: Path, layout: pd.DataFrame, plates: Sequence[Plate]) -> None:
    """One table; cells that a spreadsheet would calculate are guarded."""
    expected = pd.concat(
        [
            plate.wells.drop_duplicates(["well", "analyte"])
            .loc[lambda wells: wells["well_type"].isin(_WITH_EXPECTED)]
            .assign(plate=plate.name)
            for plate in plates
        ]
    )
    expected = expected[expected["expected"].notna()]
    keys = ["plate", "well"] if "plate" in layout else ["well"]
    for analyte in dict.fromkeys(name for plate in plates for name in plate.analyte_names):
        own = expected[expected["analyte"] == analyte].set_index(keys)["expected"]
        if len(own):
            index = pd.MultiIndex.from_frame(layout[keys]) if len(keys) > 1 else layout["well"]
            layout[f"expected {analyte}"] = own.reindex(index).to_numpy()
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write([guard(str(title)) for title in layout.columns])
    for row in layout.itertuples(index=False):
        write([_csv_cell(value) for value in row])
    file.write_text(out.getvalue(), encoding="utf-8")


def _csv_cell(value: object) -> str:
    if isinstance(value, str):
        return guard(value)
    return f"{value:.15g}" if isinstance(value, float) and value == value else ""


def _write_workbook(file: Path, layout: pd.DataFrame, plates: Sequence[Plate]) -> None:
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(file), options)
    book.set_properties({"created": _CREATED})
    bold = book.add_format({"bold": True, "bottom": 1})
    _write_table(book, "layout", layout, bold, types_column=list(layout.columns).index("type"))
    expected = pd.concat([_expected_table(plate) for plate in plates], ignore_index=True)
    _write_table(book, "expected", expected.drop_duplicates("sample"), bold)
    notes = book.add_worksheet("notes")
    notes.set_column(0, 0, 100)
    for row, text in enumerate(_NOTES):
        notes.write_string(row, 0, text)
    try:
        book.close()
    except FileCreateError as error:
        raise OSError(str(error)) from None


def _layout_table(plate: Plate) -> pd.DataFrame:
    """One row per well, in the order of the export."""
    columns = ["well", "sample", "well_type", "dilution_factor"]
    table = plate.wells.drop_duplicates("well")[columns]
    table = table.rename(columns={"well_type": "type", "dilution_factor": "dilution"})
    likely = {well: str(kind) for well, kind in unclear_types(plate).items()}
    wells, types = table["well"].tolist(), table["type"].tolist()
    table = table.assign(
        type=[likely.get(well, kind) for well, kind in zip(wells, types, strict=True)],
        review=[
            f"called like a {likely[well]}: right?" if well in likely else "" for well in wells
        ],
    )
    fixed = table["type"].isin([str(WellType.STANDARD), str(WellType.BLANK)])
    table = table.assign(dilution=table["dilution"].mask(fixed))
    table.insert(0, "plate", plate.name)
    return table


def _expected_table(plate: Plate) -> pd.DataFrame:
    """One row per standard and control, one column per analyte."""
    chosen = plate.wells[plate.wells["well_type"].isin(_WITH_EXPECTED)]
    first = chosen.drop_duplicates(["sample", "analyte"])
    table = first.pivot(index="sample", columns="analyte", values="expected")
    order = list(dict.fromkeys(chosen["sample"]))
    return table.reindex(index=order, columns=plate.analyte_names).reset_index()


def _write_table(
    book: object, name: str, table: pd.DataFrame, bold: object, types_column: int | None = None
) -> None:
    """A sheet with a head that stays in sight; empty cells stay empty."""
    sheet = book.add_worksheet(name)  # type: ignore[attr-defined]
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, max(len(table.columns) - 1, 0), 16)
    for column, title in enumerate(table.columns):
        sheet.write_string(0, column, str(title), bold)
        for row, value in enumerate(table[title].tolist(), start=1):
            if isinstance(value, str):
                sheet.write_string(row, column, value)
            elif not pd.isna(value):
                sheet.write_number(row, column, value)
    if types_column is not None and len(table):
        rule = {"validate": "list", "source": [str(kind) for kind in WellType]}
        sheet.data_validation(1, types_column, len(table), types_column, rule)
