"""The xPONENT way of writing a plate: header lines, then blocks opened by ``DataType:``.

Here the file is taken apart and nothing is interpreted: which block says what is decided in
:mod:`cytokit.parsers._block_plate`. What does not fit the form is named with line and column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from cytokit.errors import FormatError, Problem, place
from cytokit.findings import Finding
from cytokit.parsers._block_bulk import BulkNumbers, RowsLater, Span, read_at_once
from cytokit.parsers._block_header import block_key, read_header, trimmed
from cytokit.parsers._block_parts import BESIDE, Block, BlockFile
from cytokit.parsers._block_readings import STACKED, read_location
from cytokit.parsers._source import RawFile
from cytokit.plate import Unread
from cytokit.sources.rows import LazyRows
from cytokit.sources.workbook import Sheet

#: Errors listed one by one before the rest is only counted.
MAX_PROBLEMS = 12
#: First cells of header lines that xPONENT writes, by which a file without ``Program`` is known.
_HEADER_KEYS = frozenset(
    ("build", "sn", "batch", "protocolplate", "protocolmicrosphere", "batchstarttime", "results")
)
#: Blocks on which concentrations depend.
_DECISIVE = frozenset(
    map(
        block_key,
        (
            *("Median", "Units", "Standard Expected Concentration"),
            *("Control Expected Concentration", "Control Range - Low", "Control Range - High"),
        ),
    )
)
#: Blocks whose rows may end early: the instrument leaves their last cells out.
_MAY_BE_SHORT = {"dilutionfactor", "units", "comments", "range", "avgrange"}


@dataclass
class _Pieces:
    """What the walk through the rows has collected so far."""

    blocks: list[Block] = field(default_factory=list)
    stray: list[Unread] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    footer: str = ""

    def mismatch(self, message: str) -> None:
        """Note what does no harm to the readings."""
        self.findings.append(Finding("header_mismatch", message))


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


def read_blocks(
    raw: RawFile, *, numbers_at_once: bool = False, within: Export | None = None
) -> BlockFile:
    """Take the file apart.

    Parameters
    ----------
    raw : RawFile
    numbers_at_once : bool
        Read the blocks that hold mostly numbers in one go, without splitting their rows; their
        cells then stand in ``Block.bulk`` too. Only numbers with a decimal point are taken so.

    Returns
    -------
    BlockFile
        With the problems met; the caller adds its own and raises them together.
    """
    rows, line_of = table_rows(raw, within.sheet if within else 0)
    whole = within.rows if within else range(len(rows))
    first = next((i for i in whole if opens_block(rows[i]) or _is_footer(rows[i])), whole.stop)
    pieces = _Pieces()
    spans: list[Span] = []
    index = first
    while index < whole.stop:
        index = _next_piece(rows, index, line_of, raw.path, pieces, spans)
    spans = _split_at_heads(rows, spans, raw.path, pieces)
    bulk = read_at_once(rows, spans) if numbers_at_once and isinstance(rows, LazyRows) else {}
    for number, span in enumerate(spans):
        _add_rows(rows, span, line_of, raw.path, pieces, bulk.get(number))
    return BlockFile(
        file=raw.path,
        header=read_header(rows[whole.start : first]),
        blocks=tuple(_joined(pieces, raw.path)),
        footer=pieces.footer,
        stray=tuple(pieces.stray),
        problems=tuple(pieces.problems),
        last_line=line_of(whole.stop - 1) if rows else 1,
        findings=tuple(pieces.findings),
    )


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


def _next_piece(
    rows: Sequence[list[str]],
    index: int,
    line_of: Callable[[int], int],
    file: str,
    pieces: _Pieces,
    spans: list[Span],
) -> int:
    """Find one block, footer or stray line; gives the index after it."""
    row = rows[index]
    if not any(row):
        return index + 1
    if opens_block(row):
        end = _end_of_block(rows, index + 1)
        _add_span(rows, range(index, end), line_of, file, pieces, spans)
        return end
    if _is_footer(row):
        pieces.footer = row[0]
        return index + 1
    if is_well_head(row) and spans and block_key(spans[-1].name) == "median":
        end = _end_of_block(rows, index + 1)
        body = range(index + 1, end)
        if not _plates(rows, body) & _plates(rows, spans[-1].body):
            spans.append(Span(spans[-1].name, line_of(index), _columns(row), body))
            return end
    _add_stray(row, line_of(index), file, pieces, spans)
    return index + 1


def _end_of_block(rows: Sequence[list[str]], index: int) -> int:
    """The first row that does not go on with a block; readings, which begin with a number, do."""
    lines = rows.lines if isinstance(rows, LazyRows) else []
    for at in range(index, len(rows)):
        if lines and lines[at][:2].lstrip('"')[:1].isdigit():
            continue  # not even split
        if not any(rows[at]) or _ends_block(rows[at]):
            return at
    return len(rows)


def _plates(rows: Sequence[list[str]], body: range) -> set[int]:
    """The numbers of plates that the locations of some rows name."""
    found = (read_location(rows[at][0]) for at in body if rows[at])
    return {location.plate for location in found if location is not None}


def _ends_block(row: list[str]) -> bool:
    return opens_block(row) or _is_footer(row) or opens_export(row)


def opens_export(row: list[str]) -> bool:
    """Whether a row is a ``Program`` line; a reagent of that name has numbers beside it."""
    if not row or row[0].strip('\ufeff"').casefold() != "program":
        return False
    return not any(map(_begins_number, row[1:]))


def _begins_number(cell: str) -> bool:
    return cell[:1].isdigit()


def _split_at_heads(
    rows: Sequence[list[str]], spans: Sequence[Span], file: str, pieces: _Pieces
) -> list[Span]:
    """Column names that stand again inside of a block by well begin one more part of it."""
    found: list[Span] = []
    for span in spans:
        again = list(_heads_within(rows, span.body)) if is_well_head(span.columns) else []
        part = span
        for at in again:
            columns = _columns(rows[at])
            message = f"block {span.name!r}: the column names stand again inside of the block"
            if at > part.body.start:
                found.append(replace(part, body=range(part.body.start, at)))
                part = replace(part, columns=columns)
            elif columns != part.columns and block_key(span.name) == "median":
                what = f"{message}, and are others"
                mend = "delete the line that is wrong, or export the plate again"
                pieces.problems.append(Problem("CK-126", what, file, mend))
            part = replace(part, body=range(at + 1, span.body.stop))
            pieces.mismatch(message)
        found.append(part)
    return found


def _heads_within(rows: Sequence[list[str]], body: range) -> Iterator[int]:
    """Rows of a block that begin with ``Location``."""
    lines = rows.lines if isinstance(rows, LazyRows) else None
    for at in body:
        if lines is not None and lines[at][:2].lstrip('"')[:1] not in ("L", "l"):
            continue
        if rows[at] and rows[at][0].casefold() == "location":
            yield at


def _add_stray(row: list[str], line: int, file: str, pieces: _Pieces, spans: list[Span]) -> None:
    """A line of no block: readings there mean damage, anything else is kept by name."""
    if "(" in row[0] or row[0].casefold() in ("location", "sample", "reagent"):
        after = f" after block {spans[-1].name!r}" if spans else ""
        what = f"a table row stands outside of any block{after}: it begins with {row[0]!r}"
        mend = "a 'DataType:' line is lost or a blank line was added; export the plate again"
        pieces.problems.append(Problem("CK-125", what, place(file, line=line), mend))
        return
    text = ", ".join(cell for cell in row if cell)
    reason = "a line that belongs to no block"
    pieces.stray.append(Unread(text[:200], place(file, line=line), reason))


def _columns(row: list[str]) -> list[str]:
    """Column names, with one spelling of those that every block by well has."""
    columns = trimmed(row)
    if not is_well_head(columns):
        return columns
    own = {name.casefold(): name for name in ("Location", "Sample", *BESIDE)}
    return [own.get(name.casefold(), name) for name in columns]


def _add_span(
    rows: Sequence[list[str]],
    where_rows: range,
    line_of: Callable[[int], int],
    file: str,
    pieces: _Pieces,
    spans: list[Span],
) -> None:
    """Note a block's name, columns and rows; what lacks a name or columns is a problem."""
    opened, body = where_rows[0], where_rows[1:]
    line = line_of(opened)
    name = rows[opened][1] if len(rows[opened]) > 1 else ""
    if not name or not body:
        what = f"block {name!r} has no columns" if name else "a block has no name"
        mend = "the file may be cut off or edited by hand; export the plate again"
        pieces.problems.append(Problem("CK-126", what, place(file, line=line), mend))
        return
    columns = _columns(rows[body[0]])
    if "" in columns:
        column = columns.index("") + 1
        what = f"a column of block {name!r} has no name"
        where = place(file, line=line_of(body[0]), column=column)
        pieces.problems.append(Problem("CK-126", what, where, "export the plate again"))
        return
    spans.append(Span(name, line, columns, body[1:]))


def _joined(pieces: _Pieces, file: str) -> list[Block]:
    """One block of each name: plates that stand in tables of their own are put together.

    What cannot be told apart is a problem where the plate depends on it (CK-161 the plates of
    several Median tables, CK-128), else a finding.
    """
    by_key: dict[str, list[Block]] = {}
    for block in pieces.blocks:
        by_key.setdefault(block.key, []).append(block)
    return [
        block
        for same in by_key.values()
        for block in (same if len(same) == 1 else _one_of(same, pieces, file))
    ]


def _one_of(same: Sequence[Block], pieces: _Pieces, file: str) -> list[Block]:
    """Blocks of one name as one, if that can be; else none."""
    first, *others = same
    parts = [first, *(block for block in others if not _alike(first, block))]
    if len(parts) < len(same):
        pieces.mismatch(f"{first.part} stands twice, alike in every cell; it is read once")
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
        what = f"{first.part} stands on lines {lines}: several plates, and the locations of each "
        what += f"say plate {numbers}"
    else:
        what = f"{first.part} stands twice, first on line {first.line}"
    where = place(file, line=parts[1].line, column=2)
    if first.key == "median":
        pieces.problems.append(Problem("CK-161", what, where, STACKED))
    elif first.by_well or first.key not in _DECISIVE:
        pieces.mismatch(f"{what}, and differently; it is not read")
    else:
        pieces.problems.append(Problem("CK-128", what, where, "export the plate again"))
    return []


def _alike(one: Block, other: Block) -> bool:
    """Whether two blocks say the same in every cell."""
    return one.columns == other.columns and list(one.rows) == list(other.rows)


def _together(parts: Sequence[Block]) -> Block:
    """The rows of several blocks under the columns of the first."""
    first = parts[0]
    rows: list[list[str]] = []
    for block in parts:
        order = [block.columns.index(name) for name in first.columns]
        straight = block.columns == first.columns
        rows += block.rows if straight else [[row[at] for at in order] for row in block.rows]
    lines = [line for block in parts for line in block.lines]
    return replace(first, rows=rows, lines=lines, bulk=None)


def _add_rows(
    rows: Sequence[list[str]],
    span: Span,
    line_of: Callable[[int], int],
    file: str,
    pieces: _Pieces,
    bulk: BulkNumbers | None,
) -> None:
    """Make a block of its lines; every row gets the length of the columns."""
    if bulk is not None:
        whole = RowsLater(rows, span.body, len(span.columns))
        # rows that were read at once stand on a line each
        lines = range(line_of(span.body.start), line_of(span.body.start) + len(span.body))
        pieces.blocks.append(Block(span.name, span.line, span.columns, whole, lines, bulk))
        return
    cells: list[list[str]] = []
    numbers: list[int] = []
    block = Block(span.name, span.line, span.columns, cells, numbers)
    may_be_short = block.key in _MAY_BE_SHORT
    width = len(span.columns)
    for index in span.body:
        row = rows[index]
        if len(row) != width:
            problem = _length_problem(row, block, may_be_short)
            if problem is not None:
                what, column = problem
                where = place(file, line=line_of(index), column=column)
                if block.by_well and block.key != "median":
                    pieces.mismatch(f"{where}: {what}; the row is not read")
                    continue
                mend = "the file may be cut off, or a delimiter lost or added; export it again"
                pieces.problems.append(Problem("CK-121", what, where, mend))
                continue
            row = _fitted(row, width)
        cells.append(row)
        numbers.append(line_of(index))
    pieces.blocks.append(block)


def _length_problem(cells: list[str], block: Block, may_be_short: bool) -> tuple[str, int] | None:
    """What is wrong with a row's length, and in which column."""
    columns = block.columns
    beyond = next((i for i in range(len(columns), len(cells)) if cells[i]), None)
    if beyond is not None:
        return (
            f"{block.part}: expected {len(columns)} cells, but {cells[beyond]!r} stands beyond",
            beyond + 1,
        )
    if len(cells) < len(columns) and not (may_be_short or len(trimmed(cells)) == 1):
        expected = columns[len(cells)]
        return (
            f"{block.part}: expected {len(columns)} cells, the row ends before {expected!r}",
            len(cells) + 1,
        )
    return None


def _fitted(cells: list[str], length: int) -> list[str]:
    return cells[:length] + [""] * (length - len(cells))
