"""xPONENT's way of writing a plate: header lines, then blocks opened by ``DataType:``.

Here a file is taken apart and nothing is interpreted: what a block says of the plate is decided in
:mod:`cytokit.parsers.block_plates`. What does not fit the form is named with line and column.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, overload

import numpy as np
import pandas as pd

from cytokit.errors import FormatError, Problem, place
from cytokit.flags import Finding
from cytokit.parsers.well_tables import row_misfit
from cytokit.plate import Unread, normal_well
from cytokit.sources.delimited import LazyRows, trimmed
from cytokit.sources.excel import Sheet
from cytokit.sources.raw import RawFile

#: Errors listed one by one before the rest is only counted.
MAX_PROBLEMS = 12
#: First cells of header lines that xPONENT writes, by which a file without ``Program`` is known.
_HEADER_KEYS = frozenset(
    ("build", "sn", "batch", "protocolplate", "protocolmicrosphere", "batchstarttime", "results")
)
#: How several plates in one table can be told apart.
STACKED = (
    "save each plate in a file of its own, or number them in the locations: "
    "1(1,A1) for the first plate, 1(2,A1) for the second"
)
_LOCATION = re.compile(r"(\d+)\s*\(\s*(\d+)\s*,\s*([A-Za-z]\d{1,2})\s*\)")


class Location(NamedTuple):
    """One reading: acquisition number, plate number, well."""

    acquisition: int
    plate: int
    well: str


def block_key(name: str) -> str:
    """``Std Dev`` and ``StdDev`` are one name."""
    return "".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class BlockKind:
    """What follows from a block's name.

    Its ``role`` among the readings; whether its rows must be those of wells, concentrations depend
    on it (``decisive``), rows may end early (the instrument leaves their last cells out), its cells
    are wanted as text, and the plate's tables carry it, so that it is no further statistic.
    """

    role: str = ""
    of_wells: bool = False
    decisive: bool = False
    may_be_short: bool = False
    as_text: bool = False
    carried: bool = True


_EXPECTED = BlockKind(decisive=True)
#: the blocks that are known, by name; every other is kept as a statistic or by its name
KNOWN_BLOCKS = {
    block_key(name): kind
    for name, kind in {
        "Median": BlockKind("mfi", of_wells=True, decisive=True),
        "Net MFI": BlockKind("net_mfi", of_wells=True),
        "Count": BlockKind("bead_count", of_wells=True),
        "Result": BlockKind("result", of_wells=True),
        "Range": BlockKind("range", of_wells=True, may_be_short=True, as_text=True, carried=False),
        "% Recovery": BlockKind("recovery", of_wells=True),
        "Recovery": BlockKind("recovery"),
        "Comments": BlockKind(of_wells=True, may_be_short=True, as_text=True),
        "Dilution Factor": BlockKind(of_wells=True, may_be_short=True, as_text=True),
        "Units": BlockKind(decisive=True, may_be_short=True),
        "Per Bead Count": BlockKind(),
        "Standard Expected Concentration": _EXPECTED,
        "Control Expected Concentration": _EXPECTED,
        "Control Range - Low": _EXPECTED,
        "Control Range - High": _EXPECTED,
        "Analysis Types": BlockKind(),
        "Analysis Coefficients": BlockKind(),
        "R^2": BlockKind(),
        "R2": BlockKind(),
        "Warnings/Errors": BlockKind(),
        "Avg Range": BlockKind(may_be_short=True, carried=False),
    }.items()
}
_UNKNOWN_BLOCK = BlockKind(carried=False)


def kind_of_block(name: str) -> BlockKind:
    """What follows from a block's name."""
    return KNOWN_BLOCKS.get(block_key(name), _UNKNOWN_BLOCK)


def read_location(text: str) -> Location | None:
    """``17(1,A3)`` -> acquisition 17 of well A3 on plate 1; None where it is no location."""
    match = _LOCATION.fullmatch(text)
    well = normal_well(match[3]) if match else None
    if match is None or well is None:
        return None
    return Location(int(match[1]), int(match[2]), well)


# What a file in blocks consists of.


@dataclass(frozen=True, slots=True)
class Span:
    """Where a block's rows lie, before they are split."""

    name: str
    line: int
    columns: list[str]
    body: range


@dataclass(frozen=True, slots=True)
class BulkNumbers:
    """A block by well in which nearly every cell beside the labels is a plain number."""

    locations: list[str]
    samples: list[str]
    values: np.ndarray
    others: Mapping[tuple[int, int], str]


#: Columns that stand beside the analytes.
BESIDE = ("Total Events", "Notes")
#: What a second column is called that is no analyte.
_LABELS = ("Location", "Plate", "Sample")


@dataclass(frozen=True, slots=True)
class DataBlock:
    """One block: its name, its column names and its rows, each row as long as the columns."""

    name: str
    line: int
    columns: list[str]
    rows: Sequence[list[str]]
    lines: Sequence[int]
    bulk: BulkNumbers | None = None

    @property
    def key(self) -> str:
        """The name without blanks and capitals, to find a block by."""
        return block_key(self.name)

    @property
    def kind(self) -> BlockKind:
        """What follows from the name."""
        return kind_of_block(self.name)

    @property
    def first(self) -> int:
        """The column in which the analytes begin: behind one label, or two where two are known."""
        return 1 + any(name in _LABELS for name in self.columns[1:2])

    @property
    def is_empty(self) -> bool:
        """Whether no cell beside the labels and the events holds anything."""
        if self.bulk is not None:
            return False  # a block of empty cells is not read at once
        last = len(self.columns) - (self.columns[-1] in BESIDE)
        first = self.first if "Sample" in self.columns[:2] else 0
        return not any(any(row[first:last]) for row in self.rows)

    @property
    def locations(self) -> list[str]:
        """The first column: locations, where the block is one by well."""
        return self.bulk.locations if self.bulk else [row[0] for row in self.rows]

    @property
    def samples(self) -> list[str]:
        """The second column of a block by well."""
        return self.bulk.samples if self.bulk else [row[1] for row in self.rows]

    @property
    def by_well(self) -> bool:
        """Whether each row is that of a well, by its location and sample."""
        return [name.casefold() for name in self.columns[:2]] == ["location", "sample"]

    @property
    def part(self) -> str:
        """How messages call this block."""
        return f"block {self.name!r}"


@dataclass(frozen=True)
class BlockFile:
    """A file taken apart."""

    file: str
    header: dict[str, str]
    blocks: tuple[DataBlock, ...]
    footer: str
    stray: tuple[Unread, ...]
    problems: tuple[Problem, ...]
    last_line: int
    findings: tuple[Finding, ...] = ()

    def find(self, *names: str) -> DataBlock | None:
        """The first block of any of these names."""
        keys = {block_key(name) for name in names}
        return next((block for block in self.blocks if block.key in keys), None)


def analyte_places(block: DataBlock) -> dict[str, int]:
    """A block's analytes, and in which column behind the labels each stands.

    All columns are analytes but the first ones and those that stand beside. A name that occurs
    twice gets a number, so that no analyte covers another.
    """
    places: dict[str, int] = {}
    for at, name in enumerate(block.columns[block.first :]):
        if name in BESIDE:
            continue
        number, unique = 2, name
        while unique in places:
            unique, number = f"{name} ({number})", number + 1
        places[unique] = at
    return places


# Which files are made of blocks, and where an export lies in one.


def raise_together(problems: Sequence[Problem]) -> None:
    """Raise all problems as one FormatError, if there are any."""
    if problems:
        raise FormatError(*shortened(problems))


def shortened(problems: Sequence[Problem]) -> list[Problem]:
    """The first problems; the rest is counted."""
    shown = list(problems[:MAX_PROBLEMS])
    if more := len(problems) - len(shown):
        shown.append(Problem(problems[-1].code, f"and {more} more of this kind"))
    return shown


def opens_block(row: list[str]) -> bool:
    """Whether a row is a ``DataType:`` line."""
    return bool(row) and row[0].rstrip(":").casefold() == "datatype"


def is_well_head(row: list[str]) -> bool:
    """Whether a row names the columns of a block by well."""
    return [cell.casefold() for cell in row[:2]] == ["location", "sample"]


def _is_footer(row: list[str]) -> bool:
    """Whether a row is one of the closing lines; a reagent may be called CRC, but has values."""
    return bool(row) and row[0].startswith(("-- CRC", "CRC")) and not any(row[1:])


def opens_export(row: list[str]) -> bool:
    """Whether a row is a ``Program`` line; a reagent of that name has numbers beside it."""
    if not row or row[0].strip('\ufeff"').casefold() != "program":
        return False
    return not any(map(_begins_number, row[1:]))


def _begins_number(cell: str) -> bool:
    return cell[:1].isdigit()


class Export(NamedTuple):
    """Where one export lies in a file: the number of its filled sheet, and its rows."""

    sheet: int
    rows: range


def table_rows(raw: RawFile, sheet: int = 0) -> tuple[Sequence[list[str]], Callable[[int], int]]:
    """Rows of the text, or of one of a workbook's filled sheets, with the line of each row.

    An export that was saved as a workbook keeps its form; the sheet's row is then its line.
    """
    if raw.kind == "text":
        return raw.rows, raw.line_of
    filled = filled_sheets(raw)
    return (filled[sheet].rows if filled else []), (lambda row: row + 1)


def filled_sheets(raw: RawFile) -> list[Sheet]:
    """The sheets of a workbook that hold anything."""
    return [sheet for sheet in raw.sheets if sheet.cells]


def other_sheets(raw: RawFile, read: Collection[int] = (0,)) -> list[Unread]:
    """The filled sheets of a workbook that no export of it stands on."""
    return [
        Unread(
            f"sheet {sheet.name!r}", place(raw.path, sheet=sheet.name), "a sheet without a plate"
        )
        for number, sheet in enumerate(filled_sheets(raw))
        if number not in read
    ]


def program_cells(raw: RawFile) -> list[str]:
    """The cells of the ``Program`` line, which xPONENT writes first; empty for other files."""
    for row in raw.head[:4]:
        if any(row):
            return row if row[0].casefold() == "program" else []
    return []


def has_blocks(raw: RawFile) -> bool:
    """Whether blocks by well, or the header lines above them, stand in a file without ``Program``.

    Somebody may have pasted the blocks alone, or cut off the first line.
    """
    if raw.kind not in ("text", "workbook"):
        return False
    rows = [row for row in raw.head if any(row)]
    if not rows or rows[0][0].casefold() == "program":
        return False
    known = {row[0].rstrip(":").casefold() for row in rows}
    if "datatype" not in known:
        return len(known & _HEADER_KEYS) >= 4
    at = next(index for index, row in enumerate(rows) if opens_block(row))
    return any(is_well_head(row) for row in rows[at + 1 : at + 2])


def exports_within(raw: RawFile) -> list[Export]:
    """The exports of a file; several where whole exports were joined, or stand on sheets.

    Each begins with its ``Program`` line; a further sheet must hold blocks to be one.
    """
    found: list[Export] = []
    for sheet in range(max(len(filled_sheets(raw)), 1)):
        rows, _ = table_rows(raw, sheet)
        lines = rows.lines if isinstance(rows, LazyRows) else None
        starts = [
            index
            for index in range(len(rows))
            if (lines is None or "rogram" in lines[index][:12]) and opens_export(rows[index])
        ]
        if sheet and not any(map(opens_block, rows)):
            continue
        if len(starts) < 2:
            found.append(Export(sheet, range(len(rows))))
            continue
        ends = [*starts[1:], len(rows)]
        found += [Export(sheet, range(a, b)) for a, b in zip(starts, ends, strict=True)]
    return found


# From rows to blocks.


def read_blocks(
    raw: RawFile, *, numbers_at_once: bool = False, within: Export | None = None
) -> BlockFile:
    """Take the file apart."""
    rows, line_of = table_rows(raw, within.sheet if within else 0)
    whole = within.rows if within else range(len(rows))
    first = next((i for i in whole if opens_block(rows[i]) or _is_footer(rows[i])), whole.stop)
    walk = _Walk(rows, line_of, raw.path)
    walk.find_blocks(first, whole.stop)
    walk.split_at_heads()
    spans = walk.spans
    bulk = read_at_once(rows, spans) if numbers_at_once and isinstance(rows, LazyRows) else {}
    for number, span in enumerate(spans):
        walk.add_rows(span, bulk.get(number))
    return BlockFile(
        file=raw.path,
        header=read_header(rows[whole.start : first]),
        blocks=tuple(walk.joined()),
        footer=walk.footer,
        stray=tuple(walk.stray),
        problems=tuple(walk.problems),
        last_line=line_of(whole.stop - 1) if rows else 1,
        findings=tuple(walk.findings),
    )


@dataclass
class _Walk:
    """One pass through the rows: where the blocks lie, what lies between, and what is wrong."""

    rows: Sequence[list[str]]
    line_of: Callable[[int], int]
    file: str
    spans: list[Span] = field(default_factory=list)
    blocks: list[DataBlock] = field(default_factory=list)
    stray: list[Unread] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    footer: str = ""

    def mismatch(self, message: str) -> None:
        """Note what does no harm to the readings."""
        self.findings.append(Finding("header_mismatch", message))

    def problem(self, code: str, what: str, *, mend: str, line: int, column: int = 0) -> None:
        """Note what does harm."""
        where = place(self.file, line=line, column=column or None)
        self.problems.append(Problem(code, what, where, mend))

    def find_blocks(self, index: int, stop: int) -> None:
        """The blocks, the footer and stray lines of some rows."""
        while index < stop:
            row = self.rows[index]
            if opens_block(row):
                end = self._end_of_block(index + 1)
                self._add_span(range(index, end))
                index = end
                continue
            if _is_footer(row):
                self.footer = row[0]
            elif is_well_head(row) and self.spans and block_key(self.spans[-1].name) == "median":
                body = range(index + 1, self._end_of_block(index + 1))
                if not self._plates(body) & self._plates(self.spans[-1].body):
                    name, line = self.spans[-1].name, self.line_of(index)
                    self.spans.append(Span(name, line, _columns(row), body))
                    index = body.stop
                    continue
                self._add_stray(index)
            elif any(row):
                self._add_stray(index)
            index += 1

    def _end_of_block(self, index: int) -> int:
        """The first row that does not go on with a block; readings, which begin so, do."""
        lines = self.rows.lines if isinstance(self.rows, LazyRows) else []
        for at in range(index, len(self.rows)):
            if lines and lines[at][:2].lstrip('"')[:1].isdigit():
                continue  # not even split
            row = self.rows[at]
            if not any(row) or opens_block(row) or _is_footer(row) or opens_export(row):
                return at
        return len(self.rows)

    def _plates(self, body: range) -> set[int]:
        """The numbers of plates that the locations of some rows name."""
        found = (read_location(self.rows[at][0]) for at in body if self.rows[at])
        return {location.plate for location in found if location is not None}

    def _add_span(self, where: range) -> None:
        """Note a block's name, columns and rows; what lacks a name or columns is a problem."""
        opened, body = where[0], where[1:]
        line = self.line_of(opened)
        name = self.rows[opened][1] if len(self.rows[opened]) > 1 else ""
        if not name or not body:
            what = f"block {name!r} has no columns" if name else "a block has no name"
            mend = "the file may be cut off or edited by hand; export the plate again"
            self.problem("CK-126", what, mend=mend, line=line)
            return
        columns = _columns(self.rows[body[0]])
        if "" in columns:
            what = f"a column of block {name!r} has no name"
            at, column = self.line_of(body[0]), columns.index("") + 1
            self.problem("CK-126", what, mend="export the plate again", line=at, column=column)
            return
        self.spans.append(Span(name, line, columns, body[1:]))

    def _add_stray(self, index: int) -> None:
        """A line of no block: readings there mean damage, anything else is kept by name."""
        row, line = self.rows[index], self.line_of(index)
        if "(" in row[0] or row[0].casefold() in ("location", "sample", "reagent"):
            after = f" after block {self.spans[-1].name!r}" if self.spans else ""
            what = f"a table row stands outside of any block{after}: it begins with {row[0]!r}"
            mend = "a 'DataType:' line is lost or a blank line was added; export the plate again"
            self.problem("CK-125", what, mend=mend, line=line)
            return
        text = ", ".join(cell for cell in row if cell)
        reason = "a line that belongs to no block"
        self.stray.append(Unread(text[:200], place(self.file, line=line), reason))

    def split_at_heads(self) -> None:
        """Column names that stand again inside of a block by well begin one more part of it."""
        found: list[Span] = []
        for span in self.spans:
            part = span
            for at in self._heads_within(span.body) if is_well_head(span.columns) else ():
                columns = _columns(self.rows[at])
                message = f"block {span.name!r}: the column names stand again inside of the block"
                if at > part.body.start:
                    found.append(replace(part, body=range(part.body.start, at)))
                    part = replace(part, columns=columns)
                elif columns != part.columns and block_key(span.name) == "median":
                    what = f"{message}, and are others"
                    mend = "delete the line that is wrong, or export the plate again"
                    self.problems.append(Problem("CK-126", what, self.file, mend))
                part = replace(part, body=range(at + 1, span.body.stop))
                self.mismatch(message)
            found.append(part)
        self.spans = found

    def _heads_within(self, body: range) -> Iterator[int]:
        """Rows of a block that begin with ``Location``."""
        lines = self.rows.lines if isinstance(self.rows, LazyRows) else None
        for at in body:
            if lines is not None and lines[at][:2].lstrip('"')[:1] not in ("L", "l"):
                continue
            if self.rows[at] and self.rows[at][0].casefold() == "location":
                yield at

    def add_rows(self, span: Span, bulk: BulkNumbers | None) -> None:
        """Make a block of its lines; every row gets the length of the columns."""
        width = len(span.columns)
        if bulk is not None:
            later = RowsLater(self.rows, span.body, width)
            # rows that were read at once stand on a line each
            begin = self.line_of(span.body.start)
            lines = range(begin, begin + len(span.body))
            self.blocks.append(DataBlock(span.name, span.line, span.columns, later, lines, bulk))
            return
        cells: list[list[str]] = []
        numbers: list[int] = []
        block = DataBlock(span.name, span.line, span.columns, cells, numbers)
        for index in span.body:
            row = self.rows[index]
            if len(row) != width:
                short = block.kind.may_be_short or len(trimmed(row)) == 1
                misfit = row_misfit(row, span.columns, may_be_short=short)
                if misfit is not None:
                    self._refuse_row(block, index, *misfit)
                    continue
                row = row[:width] + [""] * (width - len(row))
            cells.append(row)
            numbers.append(self.line_of(index))
        self.blocks.append(block)

    def _refuse_row(self, block: DataBlock, index: int, why: str, column: int) -> None:
        """A row of another length: a problem where the readings depend on it, else a finding."""
        line = self.line_of(index)
        what = f"{block.part}: {why}"
        if block.by_well and block.key != "median":
            where = place(self.file, line=line, column=column)
            self.mismatch(f"{where}: {what}; the row is not read")
            return
        mend = "the file may be cut off, or a delimiter lost or added; export it again"
        self.problem("CK-121", what, mend=mend, line=line, column=column)

    def joined(self) -> list[DataBlock]:
        """One block of each name: plates that stand in tables of their own are put together.

        What cannot be told apart is a problem where the plate depends on it (CK-161 the plates of
        several Median tables, CK-128), else a finding.
        """
        by_key: dict[str, list[DataBlock]] = {}
        for block in self.blocks:
            by_key.setdefault(block.key, []).append(block)
        return [
            block
            for same in by_key.values()
            for block in (same if len(same) == 1 else self._one_of(same))
        ]

    def _one_of(self, same: Sequence[DataBlock]) -> list[DataBlock]:
        """Blocks of one name as one, if that can be; else none."""
        first, *others = same
        parts = [first, *(block for block in others if not _alike(first, block))]
        if len(parts) < len(same):
            self.mismatch(f"{first.part} stands twice, alike in every cell; it is read once")
        plates = [{at.plate for at in map(read_location, block.locations) if at} for block in parts]
        apart = all(plates) and sum(map(len, plates)) == len(set().union(*plates))
        if len(parts) == 1:
            return [first]
        lines = ", ".join(str(block.line) for block in parts)
        in_one = len({block.line for block in parts}) == 1
        if all(block.by_well for block in parts) and (apart or in_one):
            if all(set(block.columns) == set(first.columns) for block in parts):
                return [_together(parts)]
            what = f"{first.part}: its tables (line {lines}) name different analytes"
        elif first.key == "median":
            numbers = ", ".join(map(str, sorted(set().union(*plates)))) or "nothing"
            what = f"{first.part} stands on lines {lines}: several plates, and the locations of "
            what += f"each say plate {numbers}"
        else:
            what = f"{first.part} stands twice, first on line {first.line}"
        at = parts[1].line
        if first.key == "median":
            self.problem("CK-161", what, mend=STACKED, line=at, column=2)
        elif first.by_well or not first.kind.decisive:
            self.mismatch(f"{what}, and differently; it is not read")
        else:
            self.problem("CK-128", what, mend="export the plate again", line=at, column=2)
        return []


def _columns(row: list[str]) -> list[str]:
    """Column names, with one spelling of those that every block by well has."""
    columns = trimmed(row)
    if not is_well_head(columns):
        return columns
    own = {name.casefold(): name for name in ("Location", "Sample", *BESIDE)}
    return [own.get(name.casefold(), name) for name in columns]


def _alike(one: DataBlock, other: DataBlock) -> bool:
    """Whether two blocks say the same in every cell."""
    return one.columns == other.columns and list(one.rows) == list(other.rows)


def _together(parts: Sequence[DataBlock]) -> DataBlock:
    """The rows of several blocks under the columns of the first."""
    first = parts[0]
    rows: list[list[str]] = []
    for block in parts:
        order = [block.columns.index(name) for name in first.columns]
        straight = block.columns == first.columns
        rows += block.rows if straight else [[row[at] for at in order] for row in block.rows]
    lines = [line for block in parts for line in block.lines]
    return replace(first, rows=rows, lines=lines, bulk=None)


def read_header(rows: Sequence[list[str]]) -> dict[str, str]:
    """Header lines as ``key -> value``; no line is lost, keys are made unique."""
    header: dict[str, str] = {}
    times: dict[str, int] = {}
    for key, value in _header_lines(rows):
        unique, number = key, times.get(key, 1)
        while unique in header:
            number += 1
            unique = f"{key} ({number})"
        times[key] = number
        header[unique] = value
    return header


def _header_lines(rows: Sequence[list[str]]) -> Iterator[tuple[str, str]]:
    """Keys of a section (a lone cell that ends with a colon) carry the section's name."""
    section = ""
    for row in rows:
        cells = trimmed(row)
        if not cells:
            section = ""
        elif len(cells) == 1 and cells[0].endswith(":"):
            section = cells[0].rstrip(":")
        elif cells != ["Results"]:
            key = f"{section}: {cells[0]}" if section else cells[0]
            yield key, ", ".join(cell for cell in cells[1:] if cell)


# The numbers of all blocks by well in one go, since an export is nearly all numbers.


#: Fewer cells than this are not worth the trouble.
_LEAST_CELLS = 1_500
#: Bytes that stand in cells which are plain numbers, and between them.
_PLAIN_BYTES = b'0123456789.-"\n'
_PLAIN = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)


class RowsLater(Sequence[list[str]]):
    """The rows of one block, split only when somebody asks for their texts after all."""

    def __init__(self, rows: Sequence[list[str]], body: range, width: int) -> None:
        self._rows, self._body, self._width = rows, body, width

    def __len__(self) -> int:
        return len(self._body)

    @overload
    def __getitem__(self, index: int) -> list[str]: ...

    @overload
    def __getitem__(self, index: slice) -> list[list[str]]: ...

    def __getitem__(self, index: int | slice) -> list[str] | list[list[str]]:
        if isinstance(index, slice):
            return [self._rows[at][: self._width] for at in self._body[index]]
        return self._rows[self._body[index]][: self._width]


@dataclass(frozen=True, slots=True)
class _Labels:
    """How the lines of a block begin; the blocks of a plate mostly begin alike."""

    heads: list[str]
    locations: list[str]
    samples: list[str]

    def fit(self, body: Sequence[str]) -> bool:
        """Whether the lines of another block begin so too."""
        return len(body) == len(self.heads) and all(map(str.startswith, body, self.heads))

    def rest_of(self, body: Sequence[str], delimiter: str, width: int) -> list[str]:
        """What follows the labels, without the empty cells that a spreadsheet adds at the end."""
        rest = [line[len(head) :] for line, head in zip(body, self.heads, strict=True)]
        for row, text in enumerate(rest):
            if text.endswith(delimiter):
                beyond = max(text.count(delimiter) - width + 1, 0)
                rest[row] = text.removesuffix(delimiter * beyond)
        return rest


@dataclass(slots=True)
class _Lines:
    """A block's lines: labels, and the rest as it stands, at last as one table."""

    labels: _Labels
    numbers: list[str]
    others: dict[tuple[int, int], str] = field(default_factory=dict)
    table: bytes = b""


def read_at_once(rows: LazyRows, spans: Sequence[Span]) -> Mapping[int, BulkNumbers]:
    """The blocks that are mostly plain numbers, by their number in ``spans``."""
    by_width: dict[int, dict[int, _Lines]] = {}
    labels = None
    for number, span in enumerate(spans):
        if not is_well_head(span.columns) or kind_of_block(span.name).as_text:
            continue
        body = rows.lines[span.body.start : span.body.stop]
        if labels is None or not labels.fit(body):
            labels = _read_labels(body, rows.delimiter)
        if labels is not None:
            width = len(span.columns) - 2
            lines = _Lines(labels, labels.rest_of(body, rows.delimiter, width))
            if _set_others_aside(lines, rows, span):
                by_width.setdefault(width, {})[number] = lines
    found: dict[int, BulkNumbers] = {}
    for width, group in by_width.items():
        if sum(len(lines.numbers) for lines in group.values()) * width >= _LEAST_CELLS:
            found.update(_read_group(group, rows.delimiter, width))
    return found


def _read_labels(body: Sequence[str], delimiter: str) -> _Labels | None:
    """Location and sample of each line; None where marks stand that need the csv module."""
    labels = _Labels([], [], [])
    for line in body:
        second = _next_cell(line, 0, delimiter)
        third = _next_cell(line, second, delimiter)
        if third < 0 or '""' in line[:third]:
            return None
        labels.heads.append(line[:third])
        labels.locations.append(_bare(line[: second - 1]))
        labels.samples.append(_bare(line[second : third - 1]))
    return labels if labels.heads else None


def _bare(cell: str) -> str:
    return cell.strip().strip('"').strip()


def _next_cell(line: str, at: int, delimiter: str) -> int:
    """Where the cell after the one at ``at`` begins; -1 where there is none."""
    if at < 0:
        return -1
    if line[at : at + 1] == '"':
        at = line.find('"', at + 1) + 1
        return at + 1 if at and line[at : at + 1] == delimiter else -1
    return line.find(delimiter, at) + 1 or -1


def _set_others_aside(lines: _Lines, rows: LazyRows, span: Span) -> bool:
    """Put 0 for every cell that is no plain number and keep its text; whether most are numbers."""
    width = len(span.columns) - 2
    table = _plain_table("\n".join(lines.numbers), rows.delimiter, len(lines.numbers), width)
    if table is not None:
        lines.table = table
        return True
    for row, numbers in enumerate(lines.numbers):
        if _plain_table(numbers, rows.delimiter, 1, width) is not None:
            continue
        cells = rows[span.body[row]][2:]
        if len(cells) < width or any(cells[width:]):
            return False
        del cells[width:]
        for column, match in enumerate(map(_PLAIN.fullmatch, cells)):
            if match is None:
                lines.others[row, column] = cells[column]
                cells[column] = "0"
        lines.numbers[row] = rows.delimiter.join(cells)
        if 2 * len(lines.others) >= len(lines.numbers) * width:
            return False
    lines.table = "\n".join(lines.numbers).encode()
    return True


def _plain_table(text: str, delimiter: str, height: int, width: int) -> bytes | None:
    """The text, if nothing but digits, points, signs and marks stands between its delimiters."""
    data, separator = text.encode(), delimiter.encode()
    if data.translate(None, _PLAIN_BYTES + separator):
        return None
    delimiters = len(data) - len(data.translate(None, separator))
    return data if delimiters == height * (width - 1) else None


def _read_group(group: Mapping[int, _Lines], delimiter: str, width: int) -> dict[int, BulkNumbers]:
    """The blocks of one width through pandas' reader; none where anything is not as expected."""
    try:
        frame = pd.read_csv(
            io.BytesIO(b"\n".join([lines.table for lines in group.values()])),
            sep=delimiter,
            header=None,
            dtype=float,
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
            low_memory=False,
        )
    except ValueError:  # pandas' ParserError among them: a cell is no number after all
        return {}
    values = frame.to_numpy()
    total = sum(len(lines.numbers) for lines in group.values())
    if values.shape != (total, width) or np.isinf(values).any():
        return {}
    gaps = np.isnan(values).any()
    found, start = {}, 0
    for number, lines in group.items():
        part = values[start : start + len(lines.numbers)]
        start += len(part)
        for row, column in np.argwhere(np.isnan(part)).tolist() if gaps else ():
            lines.others[row, column] = ""
        if 2 * len(lines.others) >= part.size:
            continue
        if lines.others:
            part[tuple(np.array(list(lines.others)).T)] = np.nan
        found[number] = BulkNumbers(
            lines.labels.locations, lines.labels.samples, part, lines.others
        )
    return found
