"""Excel sheets through python-calamine, after a look at how large they claim and prove to be.

A few kilobytes of .xlsx can unpack to gigabytes, and one cell at XFD1048576 makes a dense sheet of
17 thousand million; both are counted before the sheets are parsed.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from cytokit.errors import FormatError, Problem, place
from cytokit.sources.compound import check_compound

#: bytes of all parts of an .xlsx after unpacking, cells of one sheet, sheets of one workbook
MAX_UNPACKED = 128 * 2**20
MAX_SHEET_CELLS = 1_000_000
MAX_SHEETS = 600
#: A cell that is not empty, with its reference; one without; a row with its number.
_CELL = re.compile(
    rb"""<(?:\w+:)?c\s(?:[^>]*\s)?r=["']\s*([A-Za-z]{1,7})(\d{1,10})["'][^>]*(?<!/)>"""
)
_BARE_CELL = re.compile(rb"""<(?:\w+:)?c(?:\s(?![^>]*\br=)[^>]*)?(?<!/)>""")
_ROW = re.compile(rb"""<(?:\w+:)?row\s(?:[^>]*\s)?r=["']\s*(\d{1,10})["']""")
_CHUNK = 2**18
_OVERLAP = 400

#: What calamine gives for a cell.
CellValue = str | float | int | bool | date | datetime | time | timedelta


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Parameters
    ----------
    name : str
    cells : list of list
        As stored: float, str, bool, date; empty text where there is nothing. Rows of equal length.
    """

    name: str
    cells: list[list[CellValue]]

    @cached_property
    def rows(self) -> list[list[str]]:
        """The cells as text: 12.0 as ``12``, dates in ISO form, TRUE and FALSE as Excel shows."""
        return self.text_rows(len(self.cells))

    def text_rows(self, count: int) -> list[list[str]]:
        """The first rows as text."""
        return [[cell_text(cell) for cell in row] for row in self.cells[:count]]


def cell_text(cell: object) -> str:
    """A workbook cell as text.

    Examples
    --------
    >>> cell_text(12.0), cell_text(0.1), cell_text(True), cell_text(" A1 ")
    ('12', '0.1', 'TRUE', 'A1')
    """
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        whole = math.isfinite(cell) and cell.is_integer() and abs(cell) < 1e15
        return str(int(cell)) if whole else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return "" if cell is None else str(cell)


def read_sheets(data: bytes, file: str) -> tuple[Sheet, ...]:
    """Every sheet of an .xls or .xlsx file.

    Parameters
    ----------
    data : bytes
        The file.
    file : str
        Its name, for messages.

    Raises
    ------
    FormatError
        CK-105 larger than any plate export, CK-108 damaged or protected by a password.
    """
    if data.startswith(b"PK"):
        _check_zip(data, file)
    else:
        check_compound(data, file)
    from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

    mend = "open it in a spreadsheet and save it again, or export the plate again"
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        if len(book.sheet_names) > MAX_SHEETS:
            raise _too_large(f"the workbook has {len(book.sheet_names)} sheets", file)
        sheets = []
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.height * sheet.width > MAX_SHEET_CELLS:
                raise _too_large(
                    f"the sheet spans {sheet.height} x {sheet.width} cells", file, name
                )
            sheets.append(Sheet(name, sheet.to_python(skip_empty_area=False)))
    except (CalamineError, WorksheetNotFound, OSError, ValueError) as error:
        what = f"the workbook cannot be read: {error}"
        raise FormatError(Problem("CK-108", what, place(file), mend)) from None
    except BaseException as error:
        # calamine's parser may panic on damaged bytes; pyo3 raises that outside of Exception
        if type(error).__name__ != "PanicException":
            raise
        what = "the workbook is damaged: its reader gave up"
        raise FormatError(Problem("CK-108", what, place(file), mend)) from None
    return tuple(sheets)


def _too_large(what: str, file: str, sheet: str | None = None) -> FormatError:
    mend = "no plate export is this large; export the plate again"
    return FormatError(Problem("CK-105", what, place(file, sheet=sheet), mend))


def _check_zip(data: bytes, file: str) -> None:
    """Count what the parts truly unpack to, and how far their cells reach."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        mend = "the file may be cut off; copy or export it again"
        what = f"the workbook cannot be unpacked: {error}"
        raise FormatError(Problem("CK-108", what, place(file), mend)) from None
    room = MAX_UNPACKED
    for part in parts:
        room -= _unpacked_size(data, part, room, file)
        if room < 0:
            raise _too_large(f"the workbook unpacks to more than {MAX_UNPACKED} bytes", file)


def _unpacked_size(data: bytes, part: zipfile.ZipInfo, room: int, file: str) -> int:
    """Unpack piece by piece (headers may lie) and look at the cells' references on the way."""
    start = part.header_offset
    head = data[start : start + 30]
    if len(head) < 30:
        return 0
    name_length, extra_length = struct.unpack("<HH", head[26:30])
    packed = data[start + 30 + name_length + extra_length :][: part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        _check_extent(packed, part.filename, file)
        return len(packed)
    if part.compress_type != zipfile.ZIP_DEFLATED:
        mend = "save it again from a spreadsheet"
        what = f"the workbook's part {part.filename!r} is packed in an unusual way"
        raise FormatError(Problem("CK-108", what, place(file), mend))
    unpack, size, carried = zlib.decompressobj(-15), 0, b""
    try:
        piece = unpack.decompress(packed, _CHUNK)
        while piece and size <= room:
            size += len(piece)
            _check_extent(carried + piece, part.filename, file)
            carried = piece[-_OVERLAP:]
            piece = unpack.decompress(unpack.unconsumed_tail, _CHUNK)
    except zlib.error as error:
        what = f"the workbook's part {part.filename!r} cannot be unpacked: {error}"
        mend = "the file is damaged; copy or export it again"
        raise FormatError(Problem("CK-108", what, place(file), mend)) from None
    return size


def _check_extent(xml: bytes, part: str, file: str) -> None:
    """Refuse a sheet whose cells lie so far out that a dense table of it would not fit."""
    if "sheet" not in part.lower():
        return
    width = height = 0
    for letters, number in _CELL.findall(xml):
        column = 0
        for letter in letters.upper():
            column = column * 26 + letter - 64
        width, height = max(width, column), max(height, int(number))
    if _BARE_CELL.search(xml):
        height = max([height, *map(int, _ROW.findall(xml))])
        width = max(width, 64)
    if width > 16_384 or height > 1_048_576 or width * height > 4 * MAX_SHEET_CELLS:
        raise _too_large(f"a cell of {part!r} lies at row {height}, column {width}", file)
