"""Blocks that are kept as they are: other statistics by well or sample, and what is not read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cytokit.errors import place
from cytokit.parsers._block_header import block_key
from cytokit.parsers._block_parts import Block, BlockFile
from cytokit.parsers._block_readings import Notes, Readings, analyte_places
from cytokit.parsers._block_tables import (
    chosen_cells,
    match_analytes,
    match_rows,
    note_damage,
    read_cells,
)
from cytokit.parsers._wide_tables import Wide, WideTables
from cytokit.plate import Unread
from cytokit.sources.numbers import Cell, read_table
from cytokit.vocabulary import VendorStatus

#: Blocks that the table of wells, the table of analytes or the findings already carry.
_READ_ELSEWHERE = frozenset(
    block_key(name)
    for name in (
        "Median",
        "Net MFI",
        "Count",
        "Result",
        "Comments",
        "% Recovery",
        "Recovery",
        "Units",
        "Per Bead Count",
        "Standard Expected Concentration",
        "Control Expected Concentration",
        "Control Range - Low",
        "Control Range - High",
        "Dilution Factor",
        "Analysis Types",
        "Analysis Coefficients",
        "R^2",
        "R2",
        "Warnings/Errors",
    )
)
#: Flags whose limit or direction a bare number would lose.
_TELLING = (VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH, VendorStatus.EXTRAPOLATED)


def kept_blocks(
    parts: BlockFile, readings: Readings, notes: Notes, decimal: str
) -> tuple[WideTables, list[Unread]]:
    """Every block that is not in the table of wells, as it stands or by name.

    Returns
    -------
    statistics : WideTables
        ``well``, ``sample`` and one column per analyte; ``well`` is empty for blocks by sample.
        Numbers, unless the block prints limits such as ``< 3.2``: then the text as printed.
    unread : list of Unread
        Blocks of another form. A block without rows or with empty cells only has nothing to lose.
    """
    statistics: dict[str, Wide] = {}
    unread: list[Unread] = []
    for block in parts.blocks:
        if block.key in _READ_ELSEWHERE or not block.lines or block.is_empty:
            continue
        if block.columns[:2] == ["Location", "Sample"]:
            statistics[block.name] = _by_well(block, readings, notes, decimal)
        elif "Sample" in block.columns[:2]:
            statistics[block.name] = _by_sample(block, notes, decimal)
        else:
            where = place(parts.file, line=block.line)
            unread.append(Unread(block.name, where, "cytokit does not know this block"))
    events = _total_events(parts, readings, decimal)
    if events is not None:
        statistics["Total Events"] = events
    return WideTables(statistics), unread


def _total_events(parts: BlockFile, readings: Readings, decimal: str) -> Wide | None:
    """The events counted in each well, which stand beside the medians."""
    median = parts.find("Median")
    if median is None or "Total Events" not in median.columns:
        return None
    column = median.columns.index("Total Events") - 2
    values, _ = read_cells(median, range(len(readings.keys)), [column], decimal)
    return Wide(*readings.labels, pd.Index(["Total Events"]), values)


def _by_well(block: Block, readings: Readings, notes: Notes, decimal: str) -> Wide:
    """One row per reading, on the analytes of the readings where the block has analytes."""
    places = analyte_places(block)
    names, columns = list(places), list(places.values())
    titles = readings.titles
    if len(names) == len(readings.analytes) or set(names) & set(readings.analytes):
        names = readings.analytes
        columns = match_analytes(block, names, notes)
    else:
        titles = pd.Index(names, dtype="str")
    rows = match_rows(block, readings, notes, partial=False)
    values, others = read_cells(block, rows, columns, decimal)
    if _is_text(values.size, others):
        cells = np.array(chosen_cells(block, rows, columns), dtype=object)
        return Wide(*readings.labels, titles, cells)
    note_damage(block, rows, others, readings, names, notes)
    return Wide(*readings.labels, titles, values)


def _by_sample(block: Block, notes: Notes, decimal: str) -> Wide:
    """One row per sample; the average of its wells as the vendor gives it."""
    places = analyte_places(block)
    names = list(places)
    samples = [row[block.columns.index("Sample")] for row in block.rows]
    cells = chosen_cells(block, range(len(samples)), list(places.values()))
    values, others = read_table(cells, len(names), decimal)
    labels = pd.Series([""] * len(samples), dtype="str"), pd.Series(samples, dtype="str")
    titles = pd.Index(names, dtype="str")
    if _is_text(values.size, others):
        return Wide(*labels, titles, np.array(cells, dtype=object))
    for (row, column), cell in others.items():
        if cell.damaged:
            part = f"{block.part}, line {block.lines[row]}"
            notes.damage(cell.text, part, sample=samples[row], analyte=names[column])
    return Wide(*labels, titles, values)


def _is_text(size: int, others: Mapping[tuple[int, int], Cell]) -> bool:
    """Whether a block prints limits, or words in most of its filled cells."""
    empty = damaged = 0
    for cell in others.values():
        if cell.status in _TELLING:
            return True
        empty += cell.status is VendorStatus.NOT_GIVEN
        damaged += cell.damaged
    return 2 * damaged > size - empty
