"""Plate grids in a table: the numbers 1 to 12 or 24 in a row, the letters A.. below and left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,9})?", re.ASCII)
#: How lines begin that a plate reader's software writes above its grids.
_READER_WORDS = (
    *("software version", "absorbance", "fluorescence", "luminescence", "optical density", "od"),
    *("wavelength", "read", "reader", "instrument", "gain", "excitation", "emission", "##blocks"),
    *("plate number", "application", "results", "raw data", "blank corrected", "user:"),
)
_FRACTION = re.compile(r"-?\d{1,9}[.,]\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Table:
    """One sheet (or the whole text): its rows and how to call a place in it."""

    name: str
    rows: Sequence[list[str]]
    line_of: Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Grid:
    """Where a grid lies in a table: its head row, its first column, its shape and its titles.

    ``titles`` are the words in its corner and above it, where there are any.
    """

    row: int
    column: int
    height: int
    width: int
    titles: tuple[str, ...]

    def cells(self, table: Table) -> Iterator[tuple[str, str, int]]:
        """Its filled cells: well, text and row of the table."""
        for down in range(self.height):
            row = table.rows[self.row + 1 + down]
            for right in range(self.width):
                at = self.column + 1 + right
                if at < len(row) and row[at]:
                    yield f"{chr(ord('A') + down)}{right + 1}", row[at], self.row + 1 + down


def find_grids(table: Table) -> list[Grid]:
    """Every plate grid of a table: numbers 1 to 12 or 24 in a row, letters A.. below and left.

    Grids may stand below each other and side by side.
    """
    grids: list[Grid] = []
    end = after = -1
    for index, row in enumerate(table.rows):
        if index <= end:
            continue
        column = 0
        while column < len(row):
            width = _numbered(row[column + 1 : column + 26])
            if not width:
                column += 1
                continue
            height = _lettered(table.rows[index + 1 :], column)
            titles = _titles(table, index, column, after)
            grids.append(Grid(index, column, height, width, titles))
            end = max(end, index + height)
            column += 1 + width
        after = end
    return grids


def beside_grids(table: Table, grids: Sequence[Grid]) -> list[str]:
    """What stands in a table beside its grids and the lines above them: a key, a remark."""
    inside: dict[int, list[range]] = {}
    for grid in grids:
        for row in range(grid.row, grid.row + grid.height + 1):
            inside.setdefault(row, []).append(range(grid.column, grid.column + grid.width + 1))
    titles = {title for grid in grids for title in grid.titles}
    return [
        cell
        for index, row in enumerate(table.rows)
        for column, cell in enumerate(row)
        if cell
        and cell.rstrip(":") not in titles
        and not any(column in columns for columns in inside.get(index, ()))
    ]


def holds_readings(table: Table, grid: Grid) -> bool:
    """Whether a grid holds readings, as a plate reader writes them, and no names.

    Most cells are numbers with decimals; or all are numbers, beside a wavelength or under the
    words of a reader's software.
    """
    cells = [text for _, text, _ in grid.cells(table)]
    if 2 * sum(_FRACTION.fullmatch(text) is not None for text in cells) > len(cells):
        return True
    if not cells or not all(_NUMBER.fullmatch(text) for text in cells):
        return False
    at = grid.column + grid.width + 1
    rows = table.rows[grid.row + 1 : grid.row + 1 + grid.height]
    beside = [row[at] for row in rows if at < len(row) and row[at]]
    above = [cell[:40].casefold() for row in table.rows[: grid.row + 1] for cell in row if cell]
    return bool(beside and all(map(_NUMBER.fullmatch, beside))) or any(
        cell.startswith(_READER_WORDS) for cell in above
    )


def _numbered(cells: Sequence[str]) -> int:
    """How many cells count 1, 2, 3, ..: 12 or 24, else 0."""
    count = 0
    for number, cell in enumerate(cells, start=1):
        if cell not in (str(number), f"{number:02d}", f"{number}.0"):
            break
        count = number
    return 24 if count >= 24 else 12 if 12 <= count < 24 else 0


def _lettered(rows: Sequence[list[str]], column: int) -> int:
    """How many rows begin with A, B, C, .."""
    count = 0
    for row in rows[:16]:
        if column >= len(row) or row[column].upper() != chr(ord("A") + count):
            break
        count += 1
    return count


def _titles(table: Table, row: int, column: int, after: int) -> tuple[str, ...]:
    """The corner's text and the words above the grid, nearest first."""
    corner = table.rows[row][column].rstrip(":")
    for index in range(row - 1, after, -1):
        cells = table.rows[index]
        words = [cell for cell in cells if cell]
        if words:
            own = next((cell for cell in cells[column : column + 3] if cell), "")
            return tuple(filter(None, (corner, (own or words[0]).rstrip(":"))))
    return (corner,) if corner else ()
