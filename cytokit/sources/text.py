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
from dataclasses import dataclass

from cytokit.errors import FormatError, Problem, UsageError, place

#: More cells than any plate export holds (384 wells x 500 analytes x 20 statistics = 3.8 million).
MAX_CELLS = 4_000_000
#: A quoted cell may run over several lines (a protocol's description), but not over a whole file.
MAX_LINES_OF_A_CELL = 40
#: What is stripped off cells.
_BLANKS = (" ", "\t", "\xa0", "\u3000", "\ufeff")
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
    cells : list of list of str
        One list per row.
    lines : list of int
        The 1-based line of the file on which each row begins.
    """

    cells: list[list[str]]
    lines: list[int]


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

    Lines that are quoted throughout or not at all, nearly all lines of an export, are split
    directly; the others go through :mod:`csv`, whose result the direct way shares.

    Raises
    ------
    FormatError
        CK-107, if a quotation mark is opened and not closed; CK-105, if there are more cells than
        any export holds.
    """
    lines = split_lines(text)
    if not delimiter:
        return Rows([[line.strip()] for line in lines], list(range(1, len(lines) + 1)))
    cells: list[list[str]] = []
    numbers: list[int] = []
    beside = _blanks_beside(text, delimiter)
    between, total, index = f'"{delimiter}"', 0, 0
    while index < len(lines):
        line = lines[index]
        numbers.append(index + 1)
        index += 1
        if '"' not in line:
            row = line.split(delimiter) if line else []
        else:
            row = line[1:-1].split(between)
            whole = line[0] == line[-1] == '"' and line.count('"') == 2 * len(row)
            whole = whole and delimiter != "\t"  # a quoted tab is a blank to strip
            if not whole:
                parsed, taken = _split_with_csv(lines, index - 1, delimiter, file)
                row = [cell.strip() for cell in parsed]
                index += taken - 1
        for blank, pairs in beside:
            if blank in line and (
                any(pair in line for pair in pairs) or line[0] == blank or line[-1] == blank
            ):
                row = [cell.strip() for cell in row]
        cells.append(row)
        total += len(row)
        if total > MAX_CELLS:
            raise FormatError(
                Problem("CK-105", f"more than {MAX_CELLS} cells", place(file, line=index))
            )
    return Rows(cells, numbers)


def _blanks_beside(text: str, delimiter: str) -> list[tuple[str, tuple[str, ...]]]:
    """The blanks that occur in the text, each with the pairs by which a line shows them."""
    kinds = [blank for blank in _BLANKS if blank != delimiter and blank in text]
    return [
        (blank, (f'"{blank}', f'{blank}"', f"{delimiter}{blank}", f"{blank}{delimiter}"))
        for blank in kinds
    ]


def _split_with_csv(
    lines: list[str], first: int, delimiter: str, file: str
) -> tuple[list[str], int]:
    """One row that may run over several lines, and how many lines it took."""
    reader = csv.reader((line + "\n" for line in lines[first:]), delimiter=delimiter)
    try:
        row = next(reader)
    except csv.Error as error:
        what = f"the text cannot be split into cells: {error}"
        raise FormatError(Problem("CK-107", what, place(file, line=first + 1))) from None
    taken = reader.line_num
    last = first + taken == len(lines)
    if taken > MAX_LINES_OF_A_CELL or (last and _is_open(lines[first : first + taken], delimiter)):
        what = "a quotation mark is opened here and not closed"
        mend = "the file may be cut off or edited by hand; export it again"
        raise FormatError(Problem("CK-107", what, place(file, line=first + 1), mend))
    return row, taken


def _is_open(lines: list[str], delimiter: str) -> bool:
    """Whether the text ends inside of a quoted cell, which only strict reading tells."""
    try:
        for _ in csv.reader("\n".join(lines).split("\n"), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False
