"""The lines before the first block: ``key,value``, sections, small tables; no line is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def trimmed(cells: list[str]) -> list[str]:
    """Without the empty cells at the end that a spreadsheet adds."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def read_header(rows: Sequence[list[str]]) -> dict[str, str]:
    """Header lines as ``key -> value``; no line is lost, keys are made unique."""
    header: dict[str, str] = {}
    for key, value in _header_lines(rows):
        unique, number = key, 2
        while unique in header:
            unique, number = f"{key} ({number})", number + 1
        header[unique] = value
    return header


def _header_lines(rows: Sequence[list[str]]) -> Iterator[tuple[str, str]]:
    """Keys of a section (a lone cell that ends with a colon) carry the section's name."""
    section = ""
    for row in rows:
        cells = trimmed(row)
        if not cells:
            section = ""
        elif len(cells) == 1 and cells[0].endswith(":"):
            section = cells[0].rstrip(":")
        elif cells != ["Results"]:
            key = f"{section}: {cells[0]}" if section else cells[0]
            yield key, ", ".join(cell for cell in cells[1:] if cell)
