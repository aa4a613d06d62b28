"""Blocks that are kept as they are: other statistics by well or sample, and what is not read."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from cytokit.errors import place
from cytokit.parsers._block_tables import (
    Notes,
    Readings,
    analyte_columns,
    chosen_cells,
    match_analytes,
    match_rows,
    note_damage,
    read_cells,
)
from cytokit.parsers._blocks import Block, BlockFile, block_key
from cytokit.parsers._numbers import Cell, read_table
from cytokit.plate import Unread
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
) -> tuple[dict[str, pd.DataFrame], list[Unread]]:
    """Every block that is not in the table of wells, as it stands or by name.

    Returns
    -------
    statistics : dict of str to pandas.DataFrame
        ``well``, ``sample`` and one column per analyte; ``well`` is empty for blocks by sample.
        Numbers, unless the block prints limits such as ``< 3.2``: then the text as printed.
    unread : list of Unread
        Blocks without rows and blocks of another form.
    """
    statistics: dict[str, pd.DataFrame] = {}
    unread: list[Unread] = []
    for block in parts.blocks:
        if block.key in _READ_ELSEWHERE:
            continue
        where = place(parts.file, line=block.line)
        if not block.lines:
            unread.append(Unread(block.name, where, "the block holds no rows"))
        elif block.is_empty:
            unread.append(Unread(block.name, where, "every cell is empty"))
        elif block.columns[:2] == ["Location", "Sample"]:
            statistics[block.name] = _by_well(block, readings, notes, decimal)
        elif "Sample" in block.columns[:2]:
            statistics[block.name] = _by_sample(block, notes, decimal)
        else:
            unread.append(Unread(block.name, where, "cytokit does not know this block"))
    events = _total_events(parts, readings, decimal)
    if events is not None:
        statistics["Total Events"] = events
    return statistics, unread


def _total_events(parts: BlockFile, readings: Readings, decimal: str) -> pd.DataFrame | None:
    """The events counted in each well, which stand beside the medians."""
    median = parts.find("Median")
    if median is None or "Total Events" not in median.columns:
        return None
    column = median.columns.index("Total Events") - 2
    values, _ = read_cells(median, range(len(readings.keys)), [column], decimal)
    return _with_wells(readings, pd.DataFrame({"Total Events": values[:, 0]}))


def _by_well(block: Block, readings: Readings, notes: Notes, decimal: str) -> pd.DataFrame:
    """One row per reading, on the analytes of the readings where the block has analytes."""
    names = analyte_columns(block)
    columns = list(range(len(names)))
    if len(names) == len(readings.analytes) or set(names) & set(readings.analytes):
        names = readings.analytes
        columns = match_analytes(block, names, notes)
    rows = match_rows(block, readings, notes, partial=False)
    values, others = read_cells(block, rows, columns, decimal)
    if block.bulk is None and _is_text(values.size, others):
        cells = chosen_cells(block, rows, columns)
        return _with_wells(readings, pd.DataFrame(cells, columns=names, dtype="str"))
    note_damage(block, rows, others, readings, names, notes)
    return _with_wells(readings, pd.DataFrame(values, columns=names))


def _by_sample(block: Block, notes: Notes, decimal: str) -> pd.DataFrame:
    """One row per sample; the average of its wells as the vendor gives it."""
    names = analyte_columns(block)
    samples = [row[block.columns.index("Sample")] for row in block.rows]
    cells = chosen_cells(block, range(len(samples)), range(len(names)))
    values, others = read_table(cells, len(names), decimal)
    if _is_text(values.size, others):
        table = pd.DataFrame(cells, columns=names, dtype="str")
    else:
        table = pd.DataFrame(values, columns=names)
        for (row, column), cell in others.items():
            if cell.damaged:
                part = f"{block.part}, line {block.lines[row]}"
                notes.damage(cell.text, part, sample=samples[row], analyte=names[column])
    table.insert(0, "sample", pd.Series(samples, dtype="str"))
    table.insert(0, "well", pd.Series([""] * len(samples), dtype="str"))
    return table


def _is_text(size: int, others: Mapping[tuple[int, int], Cell]) -> bool:
    """Whether a block prints limits, or words in most of its filled cells."""
    empty = damaged = 0
    for cell in others.values():
        if cell.status in _TELLING:
            return True
        empty += cell.status is VendorStatus.NOT_GIVEN
        damaged += cell.damaged
    return 2 * damaged > size - empty


def _with_wells(readings: Readings, table: pd.DataFrame) -> pd.DataFrame:
    wells, samples = readings.labels
    table.insert(0, "sample", samples)
    table.insert(0, "well", wells)
    return table
