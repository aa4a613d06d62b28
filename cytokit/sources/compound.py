"""A look into old .xls files (compound file, BIFF) before a parser follows their pointers.

A sector chain that runs in a circle, or a sheet said to span thousands of millions of cells, makes
a parser that trusts the file eat all memory. The container is specified in [MS-CFB], the records in
[MS-XLS]; only what is needed to bound them is read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from cytokit.errors import FormatError, Problem, place

#: Sector numbers from here on mean an end, not a sector.
_RESERVED = 0xFFFFFFFA
_BOF, _DIMENSIONS = 0x0809, 0x0200
#: Records of one cell or a run of cells; they begin with row and column.
_CELLS = frozenset({0x0006, 0x00BD, 0x00BE, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E})
#: A sheet may say that it is 65536 x 256; what it fills must be far less.
MAX_SAID = 20_000_000
MAX_FILLED = 4_000_000


def check_compound(data: bytes, file: str) -> None:
    """Refuse an .xls whose chains run in circles or whose sheets are beyond any plate.

    Parameters
    ----------
    data : bytes
    file : str
        Its name, for messages.

    Raises
    ------
    FormatError
        CK-108 damaged, CK-105 too large.
    """
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
    for at in range(0, len(entries) - 127, 128):
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
                raise _too_large(file, last - first, right - left)
        elif kind in _CELLS and length >= 4 and at <= len(stream):
            row, column = struct.unpack_from("<HH", stream, body)
            rows, columns = max(rows, row + 1), max(columns, column + 1)
            if rows * columns > MAX_FILLED:
                raise _too_large(file, rows, columns)


def _damaged(file: str, why: str) -> FormatError:
    mend = "copy or export the file again"
    return FormatError(Problem("CK-108", f"the workbook is damaged: {why}", place(file), mend))


def _too_large(file: str, rows: int, columns: int) -> FormatError:
    what = f"a sheet spans {rows} x {columns} cells"
    mend = "no plate export is this large; export the plate again"
    return FormatError(Problem("CK-105", what, place(file), mend))
