"""Plate grids in a table: the numbers 1 to 12 or 24 in a row, the letters A.. below and left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One sheet (or the whole text): its rows and how to call a place in it."""

    name: str
    rows: Sequence[list[str]]
    line_of: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a grid lies in a table: its head row, its first column, its shape and its title."""

    row: int
    column: int
    height: int
    width: int
    title: str


def find_grids(table: Table) -> list[Grid]:
    """Every plate grid of a table: numbers 1 to 12 or 24 in a row, letters A.. below and left."""
    grids: list[Grid] = []
    end = -1
    for index, row in enumerate(table.rows):
        if index <= end:
            continue
        for column in range(min(4, len(row))):
            width = _numbered(row[column + 1 :])
            if width:
                title = _title(table, index, column, end)
                height = _lettered(table.rows[index + 1 :], column)
                grids.append(Grid(index, column, height, width, title))
                end = index + height
                break
    return grids


def _numbered(cells: list[str]) -> int:
    """How many cells count 1, 2, 3, ..: 12 or 24, else 0."""
    count = 0
    for number, cell in enumerate(cells, start=1):
        if cell != str(number):
            break
        count = number
    return count if count in (12, 24) else 0


def _lettered(rows: Sequence[list[str]], column: int) -> int:
    """How many rows begin with A, B, C, .."""
    count = 0
    for row in rows[:16]:
        if column >= len(row) or row[column].upper() != chr(ord("A") + count):
            break
        count += 1
    return count


def _title(table: Table, row: int, column: int, after: int) -> str:
    """The corner's text, else the line above, else the sheet's name."""
    if table.rows[row][column]:
        return table.rows[row][column]
    for index in range(row - 1, after, -1):
        words = [cell for cell in table.rows[index] if cell]
        if words:
            return words[0].rstrip(":")
    return table.name
