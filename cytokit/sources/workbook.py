"""Excel sheets through python-calamine, after a look at how large they claim and prove to be.

A few kilobytes of .xlsx can unpack to gigabytes, and one cell at XFD1048576 makes a dense sheet of
17 thousand million; both are counted before the sheets are parsed, by an XML parser whose work is
bounded by the bytes, in every part that holds a sheet whatever its name.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from cytokit.errors import FormatError, Problem, place
from cytokit.sources.compound import check_compound
from cytokit.sources.markup import SheetExtent, attributes_of, shared_lengths, sheet_extent

#: bytes of all parts of an .xlsx after unpacking, cells of one sheet, sheets of one workbook
MAX_UNPACKED = 128 * 2**20
MAX_SHEET_CELLS = 1_000_000
MAX_SHEETS = 600
#: Parts of one archive: 600 sheets with a drawing and relations each are a third of it.
MAX_PARTS = 6_000
#: Cells of all sheets together, which may all name one part.
MAX_BOOK_CELLS = 4_000_000
#: Parts by which an archive is another workbook than .xlsx, which nothing here bounds.
_OTHER_WORKBOOKS = frozenset({"xl/workbook.bin", "content.xml"})
#: The parts that say which part holds which sheet.
_INDEX, _RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"

#: What calamine gives for a cell.
CellValue = str | float | int | bool | date | datetime | time | timedelta


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook.

    Parameters
    ----------
    name : str
    cells : list of list
        As stored: float, str, bool, date; empty text where there is nothing. A formula whose
        result the file does not hold is its own text, ``=20+20``. Rows of equal length.
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
    uncomputed: Mapping[str, Mapping[tuple[int, int], str]] = {}
    if data.startswith(b"PK"):
        uncomputed = _check_zip(data, file)
    else:
        check_compound(data, file)
    from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound

    mend = "open it in a spreadsheet and save it again, or export the plate again"
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        if len(book.sheet_names) > MAX_SHEETS:
            raise _too_large(f"the workbook has {len(book.sheet_names)} sheets", file)
        sheets = []
        cells = 0
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.height * sheet.width > MAX_SHEET_CELLS:
                raise _too_large(
                    f"the sheet spans {sheet.height} x {sheet.width} cells", file, name
                )
            rows = sheet.to_python(skip_empty_area=False)
            cells += len(rows) * len(rows[0]) if rows else 0
            if cells > MAX_BOOK_CELLS:
                what = f"the sheets span more than {MAX_BOOK_CELLS} cells together"
                raise _too_large(what, file, name)
            for (row, column), formula in uncomputed.get(name, {}).items():
                if row <= len(rows) and column <= len(rows[0]) and rows[row - 1][column - 1] == "":
                    rows[row - 1][column - 1] = f"={formula}"
            sheets.append(Sheet(name, rows))
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


def _check_zip(data: bytes, file: str) -> dict[str, Mapping[tuple[int, int], str]]:
    """Count the parts, what they truly unpack to, and how far the cells of each sheet reach.

    Gives the formulas whose results are not stored, by sheet: a reader of values takes them for
    empty.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        mend = "the file may be cut off; copy or export it again"
        what = f"the workbook cannot be unpacked: {error}"
        raise FormatError(Problem("CK-108", what, place(file), mend)) from None
    if len(parts) > MAX_PARTS:
        raise _too_large(f"the workbook has {len(parts)} parts", file)
    if {part.filename.casefold() for part in parts} & _OTHER_WORKBOOKS:
        mend = "save it as an Excel workbook (.xlsx) from a spreadsheet"
        what = "the workbook is a binary (.xlsb) or an OpenDocument one"
        raise FormatError(Problem("CK-108", what, place(file), mend))
    room = MAX_UNPACKED
    lengths: list[int] = []
    sheets: dict[str, SheetExtent] = {}
    index: dict[str, bytes] = {}
    for part in parts:
        content = _unpacked(data, part, room, file)
        room -= len(content)
        if room < 0:
            raise _too_large(f"the workbook unpacks to more than {MAX_UNPACKED} bytes", file)
        if b"sheetData" in content:
            sheets[part.filename] = sheet_extent(content, f"{file}, part {part.filename!r}")
        elif part.filename.casefold().endswith("sharedstrings.xml"):
            lengths = shared_lengths(content, f"{file}, part {part.filename!r}")
        elif part.filename in (_INDEX, _RELATIONS):
            index[part.filename] = content
    for name, extent in sheets.items():
        if extent.rows * extent.columns > MAX_SHEET_CELLS:
            what = f"a cell of {name!r} lies at row {extent.rows}, column {extent.columns}"
            raise _too_large(what, file)
        if extent.characters(lengths) > MAX_UNPACKED:
            raise _too_large(f"the texts of {name!r} are longer than {MAX_UNPACKED} letters", file)
    if not any(extent.formulas for extent in sheets.values()) or len(index) < 2:
        return {}
    return {
        name: sheets[part].formulas
        for name, part in _parts_of_sheets(index, file).items()
        if part in sheets
    }


def _parts_of_sheets(index: Mapping[str, bytes], file: str) -> dict[str, str]:
    """The part of each sheet, as the workbook and its relations name them."""
    targets = {
        one.get("Id", ""): one.get("Target", "")
        for one in attributes_of(index[_RELATIONS], "Relationship", file)
    }
    parts = {}
    for sheet in attributes_of(index[_INDEX], "sheet", file):
        target = next((targets.get(v, "") for k, v in sheet.items() if k.endswith(":id")), "")
        if target:
            parts[sheet.get("name", "")] = target[1:] if target[0] == "/" else f"xl/{target}"
    return parts


def _unpacked(data: bytes, part: zipfile.ZipInfo, room: int, file: str) -> bytes:
    """One part; unpacked no further than a little over the room, as its headers may lie."""
    start = part.header_offset
    head = data[start : start + 30]
    if len(head) < 30:
        return b""
    name_length, extra_length = struct.unpack("<HH", head[26:30])
    begin = start + 30 + name_length + extra_length
    packed = memoryview(data)[begin : begin + part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        return bytes(packed)
    if part.compress_type != zipfile.ZIP_DEFLATED:
        mend = "save it again from a spreadsheet"
        what = f"the workbook's part {part.filename!r} is packed in an unusual way"
        raise FormatError(Problem("CK-108", what, place(file), mend))
    try:
        return zlib.decompressobj(-15).decompress(packed, room + 1)
    except zlib.error as error:
        what = f"the workbook's part {part.filename!r} cannot be unpacked: {error}"
        mend = "the file is damaged; copy or export it again"
        raise FormatError(Problem("CK-108", what, place(file), mend)) from None
