"""Old .xls files that would make a trusting parser eat all memory."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import FormatError
from cytokit.sources.excel import _has_circle, check_compound
from cytokit.sources.raw import RawFile

END, FREE, TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
SECTOR = 512


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def entry(name: str, kind: int, start: int, size: int) -> bytes:
    text = name.encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text) + 2, kind, 1)
    return head.ljust(116, b"\0") + struct.pack("<II", start, size) + b"\0" * 4


def container(
    stream: bytes, *, fat: dict[int, int] | None = None, size: int | None = None
) -> bytes:
    """Sector 0 the table, sector 1 the directory, then the workbook's stream."""
    pieces = [stream[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(stream), SECTOR)]
    table = [TABLE, END, *range(3, 2 + len(pieces)), END]
    table += [FREE] * (SECTOR // 4 - len(table))
    for sector, following in (fat or {}).items():
        table[sector] = following
    directory = entry("Root Entry", 5, END, 0)
    directory += entry("Workbook", 2, 2, len(stream) if size is None else size)
    header = bytearray(SECTOR)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIIII", header, 44, 1, 1, 0, 4096, END, 0, END, 0, 0)
    header[80:512] = b"\xff" * 432
    tables = struct.pack(f"<{len(table)}I", *table)
    return bytes(header) + tables + directory.ljust(SECTOR, b"\0") + b"".join(pieces)


BOF = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
STREAM = BOF + record(0x0203, struct.pack("<HHHd", 5, 3, 0, 1.5)) + b"\0" * 4096


def test_a_sound_container_passes() -> None:
    check_compound(container(STREAM), "p.xls")


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (container(STREAM, fat={4: 2}), "CK-108", "run in a circle"),
        (container(STREAM, fat={4: 4}), "CK-108", "run in a circle"),
        (container(STREAM, fat={1: 1}), "CK-108", "run in a circle"),
        (container(STREAM, fat={4: 9_999}), "CK-108", "table of contents is broken"),
        (container(STREAM, size=10**8), "CK-108", "'Workbook' is longer than the file"),
        (container(STREAM)[:700], "CK-108", "cut off"),
        (container(STREAM)[:20], "CK-108", "cut off"),
        (
            container(BOF + record(0x0200, struct.pack("<IIHHH", 0, 2**31, 0, 255, 0))),
            "CK-105",
            "a sheet spans 2147483648 x 255 cells",
        ),
        (
            container(BOF + record(0x0200, struct.pack("<IIHHH", 9, 2, 0, 255, 0))),
            "CK-108",
            "a sheet ends before it begins",
        ),
        (
            container(BOF + record(0x0203, struct.pack("<HHHd", 65_535, 255, 0, 1.5))),
            "CK-105",
            "a sheet spans 65536 x 256 cells",
        ),
    ],
)
def test_what_would_run_wild_is_refused(data: bytes, code: str, words: str) -> None:
    with pytest.raises(FormatError, match=code) as caught:
        RawFile("p.xls", data).sheets  # noqa: B018
    assert words in str(caught.value)
    assert "p.xls" in str(caught.value)


def test_other_damage_of_the_head_is_refused() -> None:
    data = bytearray(container(STREAM))
    struct.pack_into("<H", data, 30, 31)
    with pytest.raises(FormatError, match="CK-108: the workbook is damaged: its sector size"):
        check_compound(bytes(data), "p.xls")
    data = bytearray(container(STREAM))
    struct.pack_into("<I", data, 68, 3)  # a list of tables whose last word points to itself
    struct.pack_into("<I", data, 5 * SECTOR - 4, 3)
    with pytest.raises(FormatError, match=r"CK-108: .* its list of tables runs in a circle"):
        check_compound(bytes(data), "p.xls")
    data = bytearray(container(STREAM))
    struct.pack_into("<I", data, 60, 4)  # small sectors that follow each other
    struct.pack_into("<II", data, 5 * SECTOR, 1, 0)
    with pytest.raises(FormatError, match="small sectors run in a circle"):
        check_compound(bytes(data), "p.xls")


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.integers(0, 14), min_size=1, max_size=12))
def test_circles_are_found_wherever_they_are(following: list[int]) -> None:
    def ends(at: int) -> bool:
        for _ in range(len(following) + 1):
            if at >= len(following):
                return True
            at = following[at]
        return False

    assert _has_circle(following) is not all(map(ends, range(len(following))))


def test_a_directory_that_is_cut_off_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """The reader behind would panic on it, and its panic is printed to the terminal."""
    cut = container(b"")[: 3 * SECTOR - 56]
    with pytest.raises(FormatError, match=r"CK-108.*table of contents is cut off"):
        RawFile("p.xls", cut).sheets  # noqa: B018
    assert capfd.readouterr().err == ""
