"""Lines to rows of cells, as :mod:`csv` splits them, but each only when somebody asks for it."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from cytokit.errors import FormatError, Problem, place

#: More cells than any plate export holds (384 wells x 500 analytes x 20 statistics = 3.8 million).
MAX_CELLS = 4_000_000
#: A quoted cell may run over several lines (a protocol's description), but not over a whole file.
MAX_LINES_OF_A_CELL = 40


@dataclass(frozen=True, slots=True)
class Rows:
    """Delimited text as cells.

    Parameters
    ----------
    cells : sequence of list of str
        One list per row, each cell stripped.
    lines : sequence of int
        The 1-based line of the file on which each row begins.
    """

    cells: Sequence[list[str]]
    lines: Sequence[int]


class LazyRows(Sequence[list[str]]):
    """Rows of a text in which no cell runs over a line; each is split when first asked for.

    Parameters
    ----------
    lines : list of str
    delimiter : str
    file : str
        For messages.
    """

    def __init__(self, lines: list[str], delimiter: str, file: str) -> None:
        self.lines = lines
        self.delimiter = delimiter
        self._file = file
        self._between = f'"{delimiter}"'
        self._rows: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> list[str]: ...

    @overload
    def __getitem__(self, index: slice) -> list[list[str]]: ...

    def __getitem__(self, index: int | slice) -> list[str] | list[list[str]]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self.lines)))]
        at = index + len(self.lines) if index < 0 else index
        if not 0 <= at < len(self.lines):
            raise IndexError(index)
        row = self._rows.get(at)
        if row is None:
            row = self._rows[at] = self._split(self.lines[at], at)
        return row

    def _split(self, line: str, at: int) -> list[str]:
        """Lines quoted throughout or not at all are split directly, as csv would; others by csv."""
        if '"' not in line:
            row = line.split(self.delimiter) if line else []
        else:
            row = line[1:-1].split(self._between)
            if not (line[0] == line[-1] == '"' and line.count('"') == 2 * len(row)):
                row = _csv_row(line, self.delimiter, self._file, at + 1)
        if line.isascii() and " " not in line and "\t" not in line:
            return row
        return [cell.strip() for cell in row]


def split_rows(lines: list[str], delimiter: str, file: str) -> Rows:
    """Split lines into cells, each stripped of surrounding blanks; every row knows its line.

    Rows are split when asked for, unless a quoted cell runs over several lines: then the whole text
    goes through :mod:`csv`, whose result the lazy way shares.

    Parameters
    ----------
    lines : list of str
        See :func:`cytokit.sources.text.split_lines`.
    delimiter : str
        Empty for a file of one column.
    file : str
        For messages.

    Raises
    ------
    FormatError
        CK-107, if a quotation mark is opened and not closed; CK-105, if there are more cells than
        any export holds.
    """
    if sum(map(len, lines)) > MAX_CELLS < sum(line.count(delimiter) for line in lines if delimiter):
        mend = "no plate export is this large; export the plate again"
        raise FormatError(Problem("CK-105", f"more than {MAX_CELLS} cells", place(file), mend))
    if not delimiter:
        return Rows([[line.strip()] for line in lines], range(1, len(lines) + 1))
    if all(_ends_closed(line, delimiter) for line in lines):
        return Rows(LazyRows(lines, delimiter, file), range(1, len(lines) + 1))
    return _split_with_csv(lines, delimiter, file)


def first_rows(lines: list[str], delimiter: str, file: str, count: int) -> Sequence[list[str]]:
    r"""The first rows as :func:`split_rows` gives them, to recognise a file by.

    Nothing below them is looked at, so a mark that is never closed is no error here.

    Examples
    --------
    >>> list(first_rows(["a,b", 'c,"d', "e"], ",", "x.csv", 2))
    [['a', 'b'], ['c', 'd\ne']]
    """
    head = lines[:count]
    if not delimiter:
        return [[line.strip()] for line in head]
    if all(_ends_closed(line, delimiter) for line in head):
        return LazyRows(head, delimiter, file)
    return list(itertools.islice(_rows_until_error(lines, delimiter), count))


def _rows_until_error(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    try:
        for row in csv.reader((line + "\n" for line in lines), delimiter=delimiter):
            yield [cell.strip() for cell in row]
    except csv.Error:
        return


def _ends_closed(line: str, delimiter: str) -> bool:
    """Whether no cell of a line that begins a row runs on over the next line.

    A mark at the line's end closes a cell, or is a letter of one, unless it stands where a cell
    begins or follows another mark. Other lines must have all marks at their cells' edges.
    """
    if '"' not in line:
        return True
    if line[-1] == '"' and line[-2:-1] not in ("", '"', delimiter):
        return True
    outside = line.split('"')[::2]
    return (
        line.count('"') % 2 == 0
        and (not outside[0] or outside[0].endswith(delimiter))
        and (not outside[-1] or outside[-1].startswith(delimiter))
        and all(
            not piece or (piece.startswith(delimiter) and piece.endswith(delimiter))
            for piece in outside[1:-1]
        )
    )


def _csv_row(line: str, delimiter: str, file: str, number: int) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        what = f"the text cannot be split into cells: {error}"
        raise FormatError(Problem("CK-107", what, place(file, line=number))) from None


def _split_with_csv(lines: list[str], delimiter: str, file: str) -> Rows:
    """Rows that may run over several lines."""
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    cells: list[list[str]] = []
    numbers: list[int] = []
    begun = 1
    try:
        for row in reader:
            taken = reader.line_num - begun + 1
            last = reader.line_num == len(lines)
            if taken > MAX_LINES_OF_A_CELL or (last and _is_open(lines[begun - 1 :], delimiter)):
                what = "a quotation mark is opened here and not closed"
                mend = "the file may be cut off or edited by hand; export it again"
                raise FormatError(Problem("CK-107", what, place(file, line=begun), mend))
            cells.append([cell.strip() for cell in row])
            numbers.append(begun)
            begun = reader.line_num + 1
    except csv.Error as error:
        what = f"the text cannot be split into cells: {error}"
        raise FormatError(Problem("CK-107", what, place(file, line=begun))) from None
    return Rows(cells, numbers)


def _is_open(lines: list[str], delimiter: str) -> bool:
    """Whether the text ends inside of a quoted cell, which only strict reading tells."""
    try:
        for _ in csv.reader("\n".join(lines).split("\n"), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False
