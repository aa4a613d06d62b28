"""The xPONENT way of writing a plate: header lines, then blocks opened by ``DataType:``.

Here the file is taken apart and nothing is interpreted: which block says what is decided in
:mod:`cytokit.parsers._block_plate`. What does not fit the form is named with line and column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cytokit.errors import FormatError, Problem, place
from cytokit.parsers._block_bulk import BulkNumbers, RowsLater, Span, read_at_once
from cytokit.parsers._block_header import read_header, trimmed
from cytokit.parsers._block_parts import Block, BlockFile
from cytokit.parsers._source import RawFile
from cytokit.plate import Unread
from cytokit.sources.rows import LazyRows

#: Errors listed one by one before the rest is only counted.
MAX_PROBLEMS = 12
#: Blocks whose rows may end early: the instrument leaves their last cells out.
_MAY_BE_SHORT = {"dilutionfactor", "units", "comments", "range", "avgrange"}


@dataclass
class _Pieces:
    """What the walk through the rows has collected so far."""

    blocks: list[Block] = field(default_factory=list)
    stray: list[Unread] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    footer: str = ""


def table_rows(raw: RawFile) -> tuple[Sequence[list[str]], Callable[[int], int]]:
    """Rows of the text, or of a workbook's first filled sheet, with the line of each row.

    An export that was saved as a workbook keeps its form; the sheet's row is then its line.
    """
    if raw.kind == "text":
        return raw.rows, raw.line_of
    filled = [sheet for sheet in raw.sheets if sheet.cells]
    return (filled[0].rows if filled else []), (lambda row: row + 1)


def program_cells(raw: RawFile) -> list[str]:
    """The cells of the ``Program`` line, which xPONENT writes first; empty for other files."""
    for row in raw.head[:4]:
        if any(row):
            return row if row[0].casefold() == "program" else []
    return []


def read_blocks(raw: RawFile, *, numbers_at_once: bool = False) -> BlockFile:
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
    rows, line_of = table_rows(raw)
    first = next((i for i, row in enumerate(rows) if _ends_block(row)), len(rows))
    pieces = _Pieces()
    spans: list[Span] = []
    index = first
    while index < len(rows):
        index = _next_piece(rows, index, line_of, raw.path, pieces, spans)
    bulk = read_at_once(rows, spans) if numbers_at_once and isinstance(rows, LazyRows) else {}
    for number, span in enumerate(spans):
        _add_rows(rows, span, line_of, raw.path, pieces, bulk.get(number))
    return BlockFile(
        file=raw.path,
        header=read_header(rows[:first]),
        blocks=tuple(pieces.blocks),
        footer=pieces.footer,
        stray=tuple(pieces.stray),
        problems=tuple(pieces.problems),
        last_line=line_of(len(rows) - 1) if rows else 1,
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


def _opens_block(row: list[str]) -> bool:
    return bool(row) and row[0].rstrip(":").casefold() == "datatype"


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
    if _opens_block(row):
        end = _end_of_block(rows, index + 1)
        _add_span(rows, range(index, end), line_of, file, pieces, spans)
        return end
    if _is_footer(row):
        pieces.footer = row[0]
        return index + 1
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


def _ends_block(row: list[str]) -> bool:
    return _opens_block(row) or _is_footer(row)


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
    columns = trimmed(rows[body[0]])
    if "" in columns:
        column = columns.index("") + 1
        what = f"a column of block {name!r} has no name"
        where = place(file, line=line_of(body[0]), column=column)
        pieces.problems.append(Problem("CK-126", what, where, "export the plate again"))
        return
    spans.append(Span(name, line, columns, body[1:]))


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
