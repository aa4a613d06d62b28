"""Bytes to text, text to lines: the encoding and the delimiter come from the file's own structure.

Statistical guessers read a short header with a micro sign or an umlaut as a code page nobody
uses; the order here (BOM, NUL pattern, strict UTF-8, cp1252) is deterministic, and the choice is
recorded with the plate.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from cytokit.errors import FormatError, Problem, UsageError, place

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
#: Parts of a dotted key; what cannot stand in one.
_MOST_DOTS = 100
_NO_KEY = re.compile(r"[^\w.\-]")
#: Excel's line; a spreadsheet that shows it pads it with empty cells.
_SEP_LINE = re.compile(r'"?sep=([\t;,| :])"?[\t;,|]{0,999}', re.IGNORECASE)


def parse_json(text: str) -> Any:
    """The value of a JSON text; whatever is wrong with it is a ValueError."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def parse_toml(text: str) -> dict[str, Any]:
    """The document of a TOML text; whatever is wrong with it is a ValueError."""
    # tomllib takes a time that grows with the square of a dotted key's length
    together = text.replace(" ", "").replace("\t", "")
    if any(token.count(".") > _MOST_DOTS for token in _NO_KEY.split(together)):
        raise ValueError("a key is nested too deep")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def guess_encoding(data: bytes) -> str:
    """The encoding by BOM, NUL pattern, strict UTF-8, then cp1252."""
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
    """Decode strictly; a byte that has no meaning is an error with its line."""
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
    """The lines of a text; CRLF, LF and CR alike, nothing else (``str.splitlines`` has more)."""
    lines = text.split("\n")
    if "\r" in text:
        lines[:-1] = [line[:-1] if line[-1:] == "\r" else line for line in lines[:-1]]
        if any("\r" in line for line in lines):
            return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines


def named_delimiter(line: str) -> str:
    """The delimiter that a first line names for Excel; empty where it is a line of the table."""
    match = _SEP_LINE.fullmatch(line.strip(" \r\n"))
    return match[1] if match else ""


def guess_delimiter(text: str) -> str:
    """The delimiter whose number per line agrees best from line to line; empty if none does."""
    lines = [line for line in split_lines(text[:_GUESS_CHARACTERS]) if line.strip()]
    if lines and (named := named_delimiter(lines[0])):
        return named
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


# What a file is, by its first bytes: text, workbook, XML, or the name of something else.


#: First bytes of files that are not plate exports, with a name for the message.
_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "a database"),
    (b"FCS2", "a flow cytometry file (FCS; .lxb holds the beads of one well)"),
    (b"FCS3", "a flow cytometry file (FCS; .lxb holds the beads of one well)"),
    (b"{\\rtf", "a rich-text document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(r"\s*(<!doctype html|<html|<table|<head|<body)", re.IGNORECASE)
_XML = re.compile(r"\s*<(\?xml|!--|[A-Za-z])")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\"{\[\]])")
_HEADING = re.compile(r"#{1,6} \S[^\t;,|]*")
#: What only Markdown has: a fence around code, the rule under a table's head, rows in bars.
_MARKDOWN = re.compile(
    r"^(?:```|~~~|\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)+\|?[ \t]*$"
    r"|\|.*\|[ \t]*\n\|.*\|[ \t]*$)",
    re.MULTILINE,
)
_HEAD_BYTES = 8192


def kind_of(data: bytes, asked_encoding: str | None = None) -> str:
    """``text``, ``workbook``, ``xml``, ``empty``, or the plain name of something else."""
    if not data.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        return "empty"
    if data.startswith(_OLE):
        return "workbook"
    if data.startswith(b"PK"):
        return _kind_of_zip(data)
    for first, name in _FOREIGN:
        if data.startswith(first) and not _looks_like_text(data):
            return name
    return _kind_of_text(data, asked_encoding or guess_encoding(data))


def _kind_of_text(data: bytes, encoding: str) -> str:
    """Text, XML, HTML, JSON, Markdown or unknown binary, by the first characters."""
    head = data[:_HEAD_BYTES]
    if encoding in ("utf-8", "cp1252") and _CONTROL.search(head.decode("latin-1")):
        return "a binary file of an unknown kind"
    start = head.decode(encoding, errors="replace").lstrip("\ufeff") if _known(encoding) else ""
    if _HTML.match(start):
        return "a web page (HTML)"
    if _JSON.match(start):
        return "a JSON file"
    if _is_markdown(start.replace("\r\n", "\n")):
        return "a page of text (Markdown)"
    return "xml" if _XML.match(start) else "text"


def _is_markdown(text: str) -> bool:
    """Whether documentation stands here, however much of an export it may quote."""
    first, _, rest = text.lstrip().partition("\n")
    headed = _HEADING.fullmatch(first.strip()) is not None and rest.startswith("\n")
    return headed or _MARKDOWN.search(text) is not None


def _known(encoding: str) -> bool:
    """Whether Python knows the encoding; the error comes when the text is asked for."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _looks_like_text(data: bytes) -> bool:
    """Whether a short magic (BM, MZ) is only how a text begins."""
    return data[:2] in (b"BM", b"MZ") and not _CONTROL.search(data[:512].decode("latin-1"))


def _kind_of_zip(data: bytes) -> str:
    """A workbook, or the name of another thing that comes in a zip."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        return "workbook"  # cut off: reading its sheets says so
    if any(name.lower().startswith(("xl/", "/xl/", "xl\\")) for name in names):
        return "workbook"
    if "mimetype" in names or "content.xml" in names:
        return "an OpenDocument file"
    return "a Word document" if any(name.startswith("word/") for name in names) else "a zip archive"


# Lines to rows of cells, as :mod:`csv` splits them, but each only when somebody asks for it.


#: More cells than any plate export holds (384 wells x 500 analytes x 20 statistics = 3.8 million).
MAX_CELLS = 4_000_000
#: A quoted cell may run over several lines (a protocol's description), but not over a whole file.
MAX_LINES_OF_A_CELL = 40


@dataclass(frozen=True, slots=True)
class Rows:
    """Delimited text as cells."""

    cells: Sequence[list[str]]
    lines: Sequence[int]


def trimmed(cells: Sequence[str]) -> list[str]:
    """Without the empty cells at the end that a spreadsheet adds."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return list(cells[:end])


class LazyRows(Sequence[list[str]]):
    """Rows of a text in which no cell runs over a line; each is split when first asked for."""

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
    """The first rows as :func:`split_rows` gives them, to recognise a file by.

    Nothing below them is looked at, so a mark that is never closed is no error here.
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
