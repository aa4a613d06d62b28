"""Blocks as tables of numbers whose rows and columns are those of the Median block.

Rows are matched by location and columns by analyte name, never by position alone; where two
blocks spell an analyte differently and only the position is left, a finding says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cytokit.errors import Problem, did_you_mean, place
from cytokit.parsers._block_bulk import BulkNumbers
from cytokit.parsers._block_parts import Block
from cytokit.parsers._block_readings import Notes, Readings, analyte_columns, repeated_location
from cytokit.parsers._numbers import Cell, read_cell, read_table
from cytokit.sources.numbers import EMPTY
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

    Problems: CK-122 rows the Median block has and this one lacks (unless ``partial``) or the
    reverse, CK-127 a location given twice.
    """
    keys = block.locations
    if keys == readings.keys:
        rows = list(range(len(keys)))
    else:
        by_key: dict[str, int] = {}
        for index, key in enumerate(keys):
            if key in by_key:
                line = block.lines[index]
                notes.problems.append(repeated_location(block, key, line, notes.file))
            by_key[key] = index
        rows = [by_key.get(key, -1) for key in readings.keys]
        lacking = [key for key in readings.keys if key not in by_key]
        known = set(readings.keys)
        beyond = [key for key in by_key if key not in known]
        if beyond or (lacking and not partial):
            _note_rows(block, lacking if not partial else [], beyond, len(readings.keys), notes)
    _compare_samples(block, rows, readings, notes)
    return rows


def _note_rows(
    block: Block, lacking: list[str], beyond: list[str], expected: int, notes: Notes
) -> None:
    """CK-122: the block's rows are not those of the Median block."""
    parts = [f"{len(block.lines)} rows where block 'Median' has {expected}"]
    if lacking:
        parts.append(f"lacks {', '.join(lacking[:5])}{' ...' if len(lacking) > 5 else ''}")
    if beyond:
        near = did_you_mean(beyond[0], lacking) if lacking else ""
        parts.append(f"has {', '.join(beyond[:5])} beyond" + (f" ({near})" if near else ""))
    last = block.lines[-1] if block.lines else block.line
    what = f"{block.part}: {'; '.join(parts)}"
    mend = "the block was cut or edited; export the plate again"
    notes.problems.append(Problem("CK-122", what, place(notes.file, line=last), mend))


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
    """For each analyte the index in the block's own analytes, -1 where it has none."""
    names = analyte_columns(block)
    if names == list(analytes):
        return list(range(len(names)))
    by_name = {name: index for index, name in enumerate(names)}
    found = [by_name.get(name, -1) for name in analytes]
    lacking = [i for i, index in enumerate(found) if index < 0]
    spare = [index for index, name in enumerate(names) if name not in set(analytes)]
    if lacking and len(lacking) == len(spare):
        for i, index in zip(lacking, spare, strict=True):
            found[i] = index
            notes.renamed.setdefault((analytes[i], names[index]), []).append(block.name)
        return found
    for i in lacking:
        notes.mismatch(f"{block.part} has no such analyte", analyte=analytes[i])
    for index in spare:
        message = f"{block.part} names an analyte that block 'Median' does not have"
        notes.mismatch(message, analyte=names[index])
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
    first = block.columns.index("Sample") + 1
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
