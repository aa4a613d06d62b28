"""Blocks as tables of numbers whose rows and columns are those of the Median block.

Rows are matched by location and columns by analyte name, never by position alone; where two
blocks spell an analyte differently and only the position is left, a finding says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cytokit.parsers._block_bulk import BulkNumbers
from cytokit.parsers._block_parts import Block
from cytokit.parsers._block_readings import (
    Location,
    Notes,
    Readings,
    analyte_places,
    read_location,
)
from cytokit.sources.numbers import EMPTY, Cell, read_cell, read_table
from cytokit.vocabulary import VendorStatus


@dataclass(frozen=True)
class Grid:
    """A block's numbers on the rows and columns of the readings.

    Parameters
    ----------
    values : numpy.ndarray
        Readings x analytes; NaN where the block gives no number.
    others : dict of (int, int) to Cell
        Cells that are not plain numbers, by reading and analyte.
    given : numpy.ndarray
        Readings x analytes: whether the block has such a cell at all.
    """

    values: np.ndarray
    others: dict[tuple[int, int], Cell]
    given: np.ndarray


def match_rows(block: Block, readings: Readings, notes: Notes, *, partial: bool) -> list[int]:
    """For each reading the block's row, -1 where it has none.

    The plate is what the Median block says: rows that another block lacks (unless it may be
    ``partial``), has beyond, or gives twice are findings.
    """
    keys = block.locations
    rows = list(range(len(keys)))
    if keys != readings.keys:
        rows = _rows_by_place(block, readings, notes)
        lacking = [index for index, row in enumerate(rows) if row < 0]
        if lacking and not partial:
            notes.lacking[block.name] = lacking
    _compare_samples(block, rows, readings, notes)
    return rows


def _rows_by_place(block: Block, readings: Readings, notes: Notes) -> list[int]:
    """Rows by location; by well alone where only the number of the acquisition is another."""
    found: dict[Location, int] = {}
    doubtful: set[Location] = set()
    strange: list[str] = []
    for index, key in enumerate(block.locations):
        location = read_location(key)
        if location is None:
            strange.append(key)
        elif found.setdefault(location, index) != index:
            same = list(block.rows[index]) == list(block.rows[found[location]])
            doubtful |= set() if same else {location}
            said = "alike; it is read once" if same else "differently; it is not read"
            notes.mismatch(f"{block.part}: location {key!r} stands twice, {said}", at=location)
    by_well: dict[tuple[int, str], list[Location]] = {}
    for location in found:
        by_well.setdefault(location[1:], []).append(location)
    read_once = Counter(location[1:] for location in readings.locations)
    rows, used, renumbered = [], set(), []
    for location in readings.locations:
        own = [location] if location in found else by_well.get(location[1:], [])
        if len(own) != 1 or (location not in found and read_once[location[1:]] > 1):
            rows.append(-1)
            continue
        if own[0] != location:
            renumbered.append(location.well)
        used.add(own[0])
        rows.append(-1 if own[0] in doubtful else found[own[0]])
    beyond = [block.locations[index] for place_, index in found.items() if place_ not in used]
    for message, names in (
        ("has rows that begin with no location; they are not read", strange),
        ("has rows of wells that block 'Median' does not have; they are not read", beyond),
        ("numbers the readings otherwise; its rows were found by their wells", renumbered),
    ):
        if names:
            some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
            notes.mismatch(f"{block.part} {message}: {some}")
    return rows


def _compare_samples(block: Block, rows: list[int], readings: Readings, notes: Notes) -> None:
    """Note the first well whose sample has another name in this block."""
    samples = block.samples
    if samples == readings.samples:
        return
    for index, row in enumerate(rows):
        if row >= 0 and samples[row] != readings.samples[index]:
            other, name = samples[row], readings.samples[index]
            message = f"the sample is {name!r} in block 'Median' and {other!r} in {block.part}"
            notes.mismatch(message, at=readings.locations[index])
            return


def match_analytes(block: Block, analytes: Sequence[str], notes: Notes) -> list[int]:
    """For each analyte its column behind the labels, -1 where it has none."""
    places = analyte_places(block)
    found = [places.get(name, -1) for name in analytes]
    lacking = [i for i, at in enumerate(found) if at < 0]
    spare = [name for name in places if name not in set(analytes)]
    if lacking and len(lacking) == len(spare):
        for i, name in zip(lacking, spare, strict=True):
            found[i] = places[name]
            notes.renamed.setdefault((analytes[i], name), []).append(block.name)
        return found
    for i in lacking:
        notes.mismatch(f"{block.part} has no such analyte", analyte=analytes[i])
    for name in spare:
        message = f"{block.part} names an analyte that block 'Median' does not have"
        notes.mismatch(message, analyte=name)
    return found


def read_grid(
    block: Block, readings: Readings, notes: Notes, decimal: str, *, partial: bool = False
) -> Grid:
    """A block's numbers on the rows and columns of the readings, damage noted by well and analyte.

    Parameters
    ----------
    block : Block
        With ``Location`` and ``Sample`` columns.
    readings : Readings
    notes : Notes
        Takes problems and findings.
    decimal : str
    partial : bool
        Whether the block may hold only some wells (``% Recovery``).
    """
    rows = match_rows(block, readings, notes, partial=partial)
    columns = match_analytes(block, readings.analytes, notes)
    values, others = read_cells(block, rows, columns, decimal)
    given = np.outer([row >= 0 for row in rows], [column >= 0 for column in columns])
    note_damage(block, rows, others, readings, readings.analytes, notes)
    return Grid(values, others, given)


def read_cells(
    block: Block, rows: Sequence[int], columns: Sequence[int], decimal: str
) -> tuple[np.ndarray, dict[tuple[int, int], Cell]]:
    """Numbers and all that is none, in the order asked for; empty where an index is -1."""
    if block.bulk is None:
        return read_table(chosen_cells(block, rows, columns), len(columns), decimal)
    others = _bulk_others(block.bulk, rows, columns, decimal)
    down, right = list(rows), list(columns)
    if down == list(range(len(block.bulk.values))) and right == list(range(len(right))):
        values = block.bulk.values[:, : len(right)]
        values = values.copy() if others else values
    else:
        at = np.ix_(np.asarray(down, dtype=int), np.asarray(right, dtype=int))
        values = block.bulk.values[at]
        missing = (at[0] < 0) | (at[1] < 0)
        values[missing] = np.nan
        others |= {(int(i), int(j)): EMPTY for i, j in np.argwhere(missing)}
        others = dict(sorted(others.items()))
    for key, cell in others.items():
        values[key] = cell.value
    flags = {key: cell for key, cell in others.items() if cell.status is not VendorStatus.IN_RANGE}
    return values, flags


def _bulk_others(
    bulk: BulkNumbers, rows: Sequence[int], columns: Sequence[int], decimal: str
) -> dict[tuple[int, int], Cell]:
    """The cells that were set aside, by the rows and columns asked for, in their order."""
    if not bulk.others:
        return {}
    down = {row: index for index, row in enumerate(rows)}
    right = {column: index for index, column in enumerate(columns)}
    found = {
        (down[row], right[column]): read_cell(text, decimal)
        for (row, column), text in bulk.others.items()
        if row in down and column in right
    }
    return dict(sorted(found.items()))


def chosen_cells(block: Block, rows: Sequence[int], columns: Sequence[int]) -> list[list[str]]:
    """As :func:`read_cells`, but the texts."""
    first = block.first
    width = len(columns)
    if list(columns) == list(range(width)):
        missing = [""] * width
        return [block.rows[row][first : first + width] if row >= 0 else missing for row in rows]
    return [
        [block.rows[row][first + column] if row >= 0 and column >= 0 else "" for column in columns]
        for row in rows
    ]


def note_damage(
    block: Block,
    rows: Sequence[int],
    others: Mapping[tuple[int, int], Cell],
    readings: Readings,
    names: Sequence[str],
    notes: Notes,
) -> None:
    """Every damaged cell of a block by well becomes a finding: block, line, well and analyte."""
    for (index, column), cell in others.items():
        if cell.damaged:
            at, sample = readings.locations[index], readings.samples[index]
            part = f"{block.part}, line {block.lines[rows[index]]}"
            notes.damage(cell.text, part, at=at, sample=sample, analyte=names[column])
