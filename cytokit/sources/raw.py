"""RawFile: one file as it lies on the disk, read once, its parts made when asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self
from xml.etree.ElementTree import Element

from cytokit.errors import FormatError, InputError, Problem, did_you_mean, place
from cytokit.sources.delimited import (
    Rows,
    decode,
    first_rows,
    guess_delimiter,
    guess_encoding,
    kind_of,
    named_delimiter,
    split_lines,
    split_rows,
)
from cytokit.sources.excel import Sheet, read_sheets
from cytokit.sources.markup import read_xml
from cytokit.sources.numbers import decimal_asked

#: A 384-well 100-plex export with twenty statistics has about 8 MB.
MAX_BYTES = 64 * 2**20
#: Rows by which parsers recognise a file; a plate's first table has begun there.
HEAD_ROWS = 80


@dataclass(frozen=True)
class RawFile:
    """One file: bytes, hash, kind, and its text, rows, sheets or XML when asked for."""

    path: str
    data: bytes
    asked_encoding: str | None = None
    asked_decimal: str = ""

    @classmethod
    def open(
        cls, path: str | Path, *, encoding: str | None = None, decimal: str | None = None
    ) -> Self:
        """Read a file from the disk."""
        mark = decimal_asked(decimal)
        file = Path(path)
        if file.is_dir():
            mend = "name the file, or use read_plates for every plate of the folder"
            raise InputError(Problem("CK-115", "a folder, not a plate", place(path), mend))
        try:
            size = file.stat().st_size
            if size > MAX_BYTES:
                what = f"the file has {size} bytes, more than any plate export ({MAX_BYTES})"
                raise InputError(Problem("CK-105", what, place(path)))
            data = file.read_bytes()
        except FileNotFoundError:
            mend = _neighbours(file)
            raise InputError(Problem("CK-100", "no such file", place(path), mend)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            what = f"the file cannot be opened: {reason}"
            raise InputError(Problem("CK-117", what, place(path))) from None
        return cls(str(path), data, encoding, mark)

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return Path(self.path).name

    @property
    def stem(self) -> str:
        """The file's name without folder and ending."""
        return Path(self.path).stem

    @cached_property
    def sha256(self) -> str:
        """Of the bytes, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def kind(self) -> str:
        """``text``, ``workbook``, ``xml``, ``empty``, or the plain name of something else."""
        return kind_of(self.data, self.asked_encoding)

    @cached_property
    def encoding(self) -> str:
        """What the text was decoded with; empty for workbooks."""
        if self.kind == "workbook":
            return ""
        return self.asked_encoding or guess_encoding(self.data)

    @cached_property
    def text(self) -> str:
        """The decoded text without a BOM."""
        return decode(self.data, self.encoding, self.path).lstrip("\ufeff")

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines; CRLF, LF and CR alike. One that names Excel's delimiter is empty."""
        lines = split_lines(self.text)
        if named_delimiter(lines[0]):
            lines[0] = ""
        return lines

    @cached_property
    def delimiter(self) -> str:
        """Comma, semicolon, tab or bar, by structure; empty for workbooks and single columns."""
        return guess_delimiter(self.text) if self.kind == "text" else ""

    @cached_property
    def _split(self) -> Rows:
        """The rows with their lines."""
        return split_rows(self.lines, self.delimiter, self.path)

    @cached_property
    def head(self) -> Sequence[list[str]]:
        """The first rows of a text, or of a workbook's first filled sheet, to recognise it by."""
        if self.kind == "text":
            return first_rows(self.lines, self.delimiter, self.path, HEAD_ROWS)
        filled = (sheet for sheet in self.sheets if sheet.cells)
        return next((sheet.text_rows(HEAD_ROWS) for sheet in filled), [])

    @property
    def rows(self) -> Sequence[list[str]]:
        """The text's cells, stripped; only for files of kind ``text``."""
        return self._split.cells

    def line_of(self, row: int) -> int:
        """The 1-based line of the file on which row number ``row`` (0-based) begins."""
        lines = self._split.lines
        return lines[row] if row < len(lines) else len(self.lines)

    def table(self) -> list[tuple[int, list[str]]]:
        """The rows of a table that a user hands in, each with its line; empty rows are left out.

        Whatever its kind: of a text all rows, of a workbook those of the first sheet that holds
        any.
        """
        numbered: Iterable[tuple[int, list[str]]] = ()
        if self.kind == "text":
            numbered = ((self.line_of(at), row) for at, row in enumerate(self.rows))
        elif self.kind == "workbook":
            filled = (sheet.rows for sheet in self.sheets if any(map(any, sheet.rows)))
            numbered = enumerate(next(filled, []), start=1)
        return [(line, row) for line, row in numbered if any(row)]

    @cached_property
    def sheets(self) -> tuple[Sheet, ...]:
        """The workbook's sheets; none for files of another kind."""
        return read_sheets(self.data, self.path) if self.kind == "workbook" else ()

    @cached_property
    def xml(self) -> Element:
        """The root element of a file of kind ``xml``."""
        return read_xml(self.data, self.path)

    def require_readable(self) -> None:
        """Refuse what no parser can read, by its plain name."""
        if self.kind == "empty":
            mend = "export the plate again; the copy may have been interrupted"
            raise FormatError(Problem("CK-101", "the file is empty", place(self.path), mend))
        if self.kind not in ("text", "workbook", "xml"):
            what = f"this is {self.kind}, not a plate export"
            mend = "give the instrument's export: .csv, .txt, .xls, .xlsx or .xml"
            raise FormatError(Problem("CK-102", what, place(self.path), mend))


def _neighbours(file: Path) -> str:
    """A file of nearly the same name in the same folder."""
    folder = file.parent
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return did_you_mean(file.name, names[:2000]) or "check the path"
