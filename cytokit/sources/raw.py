"""RawFile: one file as it lies on the disk, read once, its parts made when asked for."""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self
from xml.etree.ElementTree import Element

from cytokit.errors import FormatError, InputError, Problem, did_you_mean, place
from cytokit.sources.markup import read_xml
from cytokit.sources.text import (
    Rows,
    decode,
    guess_delimiter,
    guess_encoding,
    split_lines,
    split_rows,
)
from cytokit.sources.workbook import Sheet, read_sheets

#: A 384-well 100-plex export with twenty statistics has about 8 MB.
MAX_BYTES = 64 * 2**20
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
    (b"FCS2", "a flow cytometry file"),
    (b"FCS3", "a flow cytometry file"),
    (b"{\\rtf", "a rich-text document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(r"\s*(<!doctype html|<html|<table|<head|<body)", re.IGNORECASE)
_XML = re.compile(r"\s*<(\?xml|!--|[A-Za-z])")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class RawFile:
    r"""One file: bytes, hash, kind, and its text, rows, sheets or XML when asked for.

    Parameters
    ----------
    path : str
        As the user gave it; used in messages.
    data : bytes
        The whole file.
    asked_encoding : str, optional
        The user's word on the encoding; else it is found (see :mod:`cytokit.sources.text`).

    Examples
    --------
    >>> raw = RawFile("plate.csv", b"well,sample\nA1,Unknown1\n")
    >>> raw.kind, raw.encoding, raw.delimiter, raw.rows[1]
    ('text', 'utf-8', ',', ['A1', 'Unknown1'])
    """

    path: str
    data: bytes
    asked_encoding: str | None = None

    @classmethod
    def open(cls, path: str | Path, *, encoding: str | None = None) -> Self:
        """Read a file from the disk.

        Parameters
        ----------
        path : str or Path
        encoding : str, optional
            Overrules what the file's own structure says.

        Raises
        ------
        InputError
            CK-100 no such file, CK-115 a folder, CK-117 not allowed to read, CK-105 too large.
        """
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
        return cls(str(path), data, encoding)

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
        if not self.data.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
            return "empty"
        if self.data.startswith(_OLE):
            return "workbook"
        if self.data.startswith(b"PK"):
            return _kind_of_zip(self.data)
        for first, name in _FOREIGN:
            if self.data.startswith(first) and not _looks_like_text(self.data):
                return name
        return self._kind_of_text()

    def _kind_of_text(self) -> str:
        """Text, XML, HTML or unknown binary, by the first characters."""
        head = self.data[:8192]
        encoding = self.asked_encoding or guess_encoding(self.data)
        if encoding in ("utf-8", "cp1252") and _CONTROL.search(head.decode("latin-1")):
            return "a binary file of an unknown kind"
        start = head.decode(encoding, errors="replace").lstrip("\ufeff") if _known(encoding) else ""
        if _HTML.match(start):
            return "a web page (HTML)"
        return "xml" if _XML.match(start) else "text"

    @cached_property
    def encoding(self) -> str:
        """What the text was decoded with; empty for workbooks."""
        if self.kind == "workbook":
            return ""
        return self.asked_encoding or guess_encoding(self.data)

    @cached_property
    def text(self) -> str:
        """The decoded text without a BOM.

        Raises
        ------
        FormatError
            CK-106, if it cannot be decoded.
        """
        return decode(self.data, self.encoding, self.path).lstrip("\ufeff")

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines; CRLF, LF and CR alike."""
        return split_lines(self.text)

    @cached_property
    def delimiter(self) -> str:
        """Comma, semicolon, tab or bar, by structure; empty for workbooks and single columns."""
        return guess_delimiter(self.text) if self.kind == "text" else ""

    @cached_property
    def _split(self) -> Rows:
        """The rows with their lines."""
        return split_rows(self.text, self.delimiter, self.path)

    @property
    def rows(self) -> Sequence[list[str]]:
        """The text's cells, stripped; only for files of kind ``text``.

        Raises
        ------
        FormatError
            CK-106, CK-107, CK-105 (see :mod:`cytokit.sources.text`).
        """
        return self._split.cells

    def line_of(self, row: int) -> int:
        """The 1-based line of the file on which row number ``row`` (0-based) begins."""
        lines = self._split.lines
        return lines[row] if row < len(lines) else len(self.lines)

    @cached_property
    def sheets(self) -> tuple[Sheet, ...]:
        """The workbook's sheets; none for files of another kind.

        Raises
        ------
        FormatError
            CK-105, CK-108 (see :mod:`cytokit.sources.workbook`).
        """
        return read_sheets(self.data, self.path) if self.kind == "workbook" else ()

    @cached_property
    def xml(self) -> Element:
        """The root element of a file of kind ``xml``.

        Raises
        ------
        FormatError
            CK-105, CK-109, CK-113 (see :mod:`cytokit.sources.markup`).
        """
        return read_xml(self.data, self.path)

    def require_readable(self) -> None:
        """Refuse what no parser can read, by its plain name.

        Raises
        ------
        FormatError
            CK-101 empty, CK-102 a file of another kind.
        """
        if self.kind == "empty":
            mend = "export the plate again; the copy may have been interrupted"
            raise FormatError(Problem("CK-101", "the file is empty", place(self.path), mend))
        if self.kind not in ("text", "workbook", "xml"):
            what = f"this is {self.kind}, not a plate export"
            mend = "give the instrument's export: .csv, .txt, .xls, .xlsx or .xml"
            raise FormatError(Problem("CK-102", what, place(self.path), mend))


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


def _neighbours(file: Path) -> str:
    """A file of nearly the same name in the same folder."""
    folder = file.parent
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    return did_you_mean(file.name, names[:2000]) or "check the path"
