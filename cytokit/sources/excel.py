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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property

from cytokit.errors import FormatError, Problem, place
from cytokit.sources.markup import SheetExtent, attributes_of, shared_lengths, sheet_extent

# A look into old .xls files (compound file, BIFF) before a parser follows their pointers.


#: Sector numbers from here on mean an end, not a sector.
_RESERVED = 0xFFFFFFFA
_BOF, _DIMENSIONS = 0x0809, 0x0200
#: Records of one cell or a run of cells; they begin with row and column.
_CELLS = frozenset({0x0006, 0x00BD, 0x00BE, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E})
#: A sheet may say that it is 65536 x 256; what it fills must be far less.
MAX_SAID = 20_000_000
MAX_FILLED = 4_000_000


def check_compound(data: bytes, file: str) -> None:
    """Refuse an .xls whose chains run in circles or whose sheets are beyond any plate."""
    try:
        _check(data, file)
    except (struct.error, IndexError) as error:
        raise _damaged(file, "it is cut off or its table of contents is broken") from error


def _check(data: bytes, file: str) -> None:
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in (9, 12):
        raise _damaged(file, "its sector size is impossible")
    size = 1 << shift
    fat = _allocation_table(data, size, file)
    if _has_circle(fat):
        raise _damaged(file, "its chains of sectors run in a circle")
    (directory,) = struct.unpack_from("<I", data, 48)
    (mini_start,) = struct.unpack_from("<I", data, 60)
    mini = b"".join(_chain(data, size, fat, mini_start))
    if _has_circle(_numbers(mini)):
        raise _damaged(file, "its chains of small sectors run in a circle")
    entries = b"".join(_chain(data, size, fat, directory))
    if len(entries) % 128:
        raise _damaged(file, "its table of contents is cut off")
    for at in range(0, len(entries), 128):
        name = entries[at : at + 64].decode("utf-16-le", errors="replace").split("\0")[0]
        start, length = struct.unpack_from("<II", entries, at + 116)
        if length > len(data) and entries[at + 66] in (1, 2, 5):
            raise _damaged(file, f"its part {name!r} is longer than the file")
        if name.casefold() in ("workbook", "book"):
            _check_records(b"".join(_chain(data, size, fat, start))[:length], file)


def _allocation_table(data: bytes, size: int, file: str) -> list[int]:
    """The sector that follows each sector."""
    sectors = [number for number in _numbers(data[76:512]) if number < _RESERVED]
    (following,) = struct.unpack_from("<I", data, 68)
    seen: set[int] = set()
    while following < _RESERVED:
        if following in seen:
            raise _damaged(file, "its list of tables runs in a circle")
        seen.add(following)
        numbers = _numbers(_sector(data, size, following))
        sectors += [number for number in numbers[:-1] if number < _RESERVED]
        following = numbers[-1]
    return [number for sector in sectors for number in _numbers(_sector(data, size, sector))]


def _sector(data: bytes, size: int, number: int) -> bytes:
    sector = data[(number + 1) * size : (number + 2) * size]
    if not sector:
        raise IndexError(number)
    return sector


def _numbers(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4]))


def _chain(data: bytes, size: int, fat: Sequence[int], start: int) -> Iterator[bytes]:
    """The sectors of one stream; the table is known to have no circle."""
    while start < _RESERVED:
        yield _sector(data, size, start)
        start = fat[start]


def _has_circle(following: Sequence[int]) -> bool:
    """Whether any chain comes back to itself; each sector is visited once."""
    state = bytearray(len(following))  # 0 new, 1 on the present chain, 2 known to end
    for first in range(len(following)):
        path = []
        at = first
        while at < len(following) and state[at] == 0:
            state[at] = 1
            path.append(at)
            at = following[at]
        if at < len(following) and state[at] == 1:
            return True
        for visited in path:
            state[visited] = 2
    return False


def _check_records(stream: bytes, file: str) -> None:
    """How far the cells of each sheet reach, and how far the sheet says they do."""
    at = rows = columns = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        body = at + 4
        at = body + length
        if kind == _BOF:
            rows = columns = 0
        elif kind == _DIMENSIONS and length >= 8 and at <= len(stream):
            form = "<IIHH" if length >= 12 else "<HHHH"
            first, last, left, right = struct.unpack_from(form, stream, body)
            if last < first or right < left:
                raise _damaged(file, "a sheet ends before it begins")
            if (last - first + 1) * (right - left + 1) > MAX_SAID:
                raise _compound_too_large(file, last - first, right - left)
        elif kind in _CELLS and length >= 4 and at <= len(stream):
            row, column = struct.unpack_from("<HH", stream, body)
            rows, columns = max(rows, row + 1), max(columns, column + 1)
            if rows * columns > MAX_FILLED:
                raise _compound_too_large(file, rows, columns)


def _damaged(file: str, why: str) -> FormatError:
    mend = "copy or export the file again"
    return FormatError(Problem("CK-108", f"the workbook is damaged: {why}", place(file), mend))


def _compound_too_large(file: str, rows: int, columns: int) -> FormatError:
    what = f"a sheet spans {rows} x {columns} cells"
    mend = "no plate export is this large; export the plate again"
    return FormatError(Problem("CK-105", what, place(file), mend))


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
    """One sheet of a workbook."""

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
    """A workbook cell as text."""
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
    """Every sheet of an .xls or .xlsx file."""
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
