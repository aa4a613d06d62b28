"""Bytes to text, text to rows: the encoding and the delimiter come from the file's own structure.

Statistical guessers read a short header with a micro sign or an umlaut as a code page nobody
uses; the order here (BOM, NUL pattern, strict UTF-8, cp1252) is deterministic, and the choice is
recorded with the plate.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from cytokit.errors import FormatError, Problem, UsageError, place

#: More cells than any plate export holds (384 wells x 500 analytes x 20 statistics = 3.8 million).
MAX_CELLS = 4_000_000
#: A quoted cell may run over several lines (a protocol's description), but not over a whole file.
MAX_LINES_OF_A_CELL = 40
DELIMITERS = ("\t", ";", ",", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: How much of a text decides the delimiter.
_GUESS_CHARACTERS = 100_000
_GUESS_LINES = 150
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)


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


def guess_encoding(data: bytes) -> str:
    """The encoding by BOM, NUL pattern, strict UTF-8, then cp1252.

    Examples
    --------
    >>> guess_encoding("µ".encode("utf-8")), guess_encoding("µ".encode("cp1252"))
    ('utf-8', 'cp1252')
    >>> guess_encoding("IL-6".encode("utf-16-le"))
    'utf-16-le'
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name
    head = data[:4096]
    if head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        half = len(head) / 2
        if odd > 0.6 * half and even < 0.1 * half:
            return "utf-16-le"
        if even > 0.6 * half and odd < 0.1 * half:
            return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def decode(data: bytes, encoding: str, file: str) -> str:
    """Decode strictly; a byte that has no meaning is an error with its line.

    Raises
    ------
    UsageError
        CK-114, if no such encoding exists.
    FormatError
        CK-106, if the bytes are not text of this encoding.
    """
    try:
        return data.decode(encoding)
    except LookupError:
        mend = "use a name such as utf-8, cp1252, utf-16, shift_jis or gbk"
        raise UsageError(
            Problem("CK-114", f"no encoding is called {encoding!r}", place(file), mend)
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = data[:start].count(b"\n") + 1
        what = f"the text cannot be decoded as {encoding}: {getattr(error, 'reason', error)}"
        mend = "name the encoding (--encoding, encoding=), for example shift_jis, gbk or cp1250"
        raise FormatError(Problem("CK-106", what, place(file, line=line), mend)) from None


def split_lines(text: str) -> list[str]:
    r"""The lines of a text; CRLF, LF and CR alike, and nothing else (``str.splitlines`` has more).

    Examples
    --------
    >>> split_lines("a\r\nb\rc\nd")
    ['a', 'b', 'c', 'd']
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


def guess_delimiter(text: str) -> str:
    r"""The delimiter whose number per line agrees best from line to line; empty if none does.

    Parameters
    ----------
    text : str
        The whole text; its beginning and a sample of the rest decide.

    Examples
    --------
    >>> guess_delimiter("a;b;c\n1,5;2;3\n1;2,25;3")
    ';'
    """
    lines = [line for line in split_lines(text[:_GUESS_CHARACTERS]) if line.strip()]
    if lines and (hint := _SEP_LINE.fullmatch(lines[0].strip())):
        return hint[1]
    # quoted parts are every second piece between quotation marks
    bare = ["".join(line.split('"')[::2]) for line in lines[:_GUESS_LINES]]
    best, best_score = "", 0
    for delimiter in DELIMITERS:
        counts = [line.count(delimiter) for line in bare]
        agreeing = sum(a for a, b in itertools.pairwise(counts) if a == b)
        score = 2 * agreeing + sum(1 for count in counts if count)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def split_rows(text: str, delimiter: str, file: str) -> Rows:
    """Split into cells, each stripped of surrounding blanks; every row knows its line.

    Rows are split when asked for, unless a quoted cell runs over several lines: then the whole text
    goes through :mod:`csv`, whose result the lazy way shares.

    Raises
    ------
    FormatError
        CK-107, if a quotation mark is opened and not closed; CK-105, if there are more cells than
        any export holds.
    """
    lines = split_lines(text)
    if delimiter and text.count(delimiter) > MAX_CELLS:
        mend = "no plate export is this large; export the plate again"
        raise FormatError(Problem("CK-105", f"more than {MAX_CELLS} cells", place(file), mend))
    if not delimiter:
        return Rows([[line.strip()] for line in lines], range(1, len(lines) + 1))
    if all(_is_regular(line, delimiter) for line in lines):
        return Rows(LazyRows(lines, delimiter, file), range(1, len(lines) + 1))
    return _split_with_csv(lines, delimiter, file)


def _is_regular(line: str, delimiter: str) -> bool:
    """Whether every quotation mark of a line stands at a cell's edge, or is doubled inside one."""
    if '"' not in line:
        return True
    marks = line.count('"')
    if line[0] == line[-1] == '"' and marks == 2 * line.count(f'"{delimiter}"') + 2:
        return True
    outside = line.split('"')[::2]
    return (
        marks % 2 == 0
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
