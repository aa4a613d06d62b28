"""Names of blocks, and the lines before the first one: ``key,value``, sections, small tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def block_key(name: str) -> str:
    """``Std Dev`` and ``StdDev`` are one name.

    Examples
    --------
    >>> block_key("Trimmed Std Dev") == block_key("TrimmedStdDev")
    True
    """
    return "".join(name.split()).casefold()


def trimmed(cells: list[str]) -> list[str]:
    """Without the empty cells at the end that a spreadsheet adds."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]


def read_header(rows: Sequence[list[str]]) -> dict[str, str]:
    """Header lines as ``key -> value``; no line is lost, keys are made unique."""
    header: dict[str, str] = {}
    times: dict[str, int] = {}
    for key, value in _header_lines(rows):
        unique, number = key, times.get(key, 1)
        while unique in header:
            number += 1
            unique = f"{key} ({number})"
        times[key] = number
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
