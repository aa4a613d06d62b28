"""Blocks that are kept as they are: other statistics by well or sample, and what is not read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cytokit.errors import place
from cytokit.parsers._block_tables import (
    Notes,
    Readings,
    analyte_columns,
    match_rows,
    read_grid,
)
from cytokit.parsers._blocks import Block, BlockFile, block_key
from cytokit.parsers._numbers import read_row
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
        if not block.rows:
            unread.append(Unread(block.name, where, "the block holds no rows"))
        elif block.columns[:2] == ["Location", "Sample"]:
            statistics[block.name] = _by_well(block, readings, notes, decimal)
        elif "Sample" in block.columns[:2]:
            statistics[block.name] = _by_sample(block, decimal)
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
    column = median.columns.index("Total Events")
    values, _ = read_row([row[column] for row in median.rows], decimal)
    return _with_wells(readings, pd.DataFrame({"Total Events": values}))


def _by_well(block: Block, readings: Readings, notes: Notes, decimal: str) -> pd.DataFrame:
    """One row per reading, on the analytes of the readings where the block has analytes."""
    names = analyte_columns(block)
    if len(names) == len(readings.analytes) or set(names) & set(readings.analytes):
        if _holds_text(block, names):
            return _as_text(block, readings, notes, names)
        grid = read_grid(block, readings, notes, decimal)
        return _with_wells(readings, pd.DataFrame(grid.values, columns=readings.analytes))
    return (
        _as_text(block, readings, notes, names)
        if _holds_text(block, names)
        else _own_columns(block, readings, notes, names, decimal)
    )


def _own_columns(
    block: Block, readings: Readings, notes: Notes, names: list[str], decimal: str
) -> pd.DataFrame:
    """A block by well with columns of its own (``Seconds``)."""
    rows = match_rows(block, readings, notes, partial=False)
    values = [
        read_row(block.rows[row][2 : 2 + len(names)], decimal)[0]
        if row >= 0
        else [np.nan] * len(names)
        for row in rows
    ]
    return _with_wells(readings, pd.DataFrame(values, columns=names))


def _as_text(block: Block, readings: Readings, notes: Notes, names: list[str]) -> pd.DataFrame:
    rows = match_rows(block, readings, notes, partial=False)
    cells = [block.rows[row][2 : 2 + len(names)] if row >= 0 else [""] * len(names) for row in rows]
    return _with_wells(readings, pd.DataFrame(cells, columns=names, dtype="str"))


def _by_sample(block: Block, decimal: str) -> pd.DataFrame:
    """One row per sample; the average of its wells as the vendor gives it."""
    names = analyte_columns(block)
    at = block.columns.index("Sample")
    samples = [row[at] for row in block.rows]
    cells = [row[at + 1 : at + 1 + len(names)] for row in block.rows]
    if _holds_text(block, names):
        table = pd.DataFrame(cells, columns=names, dtype="str")
    else:
        table = pd.DataFrame([read_row(row, decimal)[0] for row in cells], columns=names)
    table.insert(0, "sample", pd.Series(samples, dtype="str"))
    table.insert(0, "well", pd.Series([""] * len(samples), dtype="str"))
    return table


def _holds_text(block: Block, names: list[str]) -> bool:
    """Whether a block prints limits, or words in most of its filled cells."""
    first = block.columns.index("Sample") + 1
    damaged = filled = 0
    for row in block.rows:
        cells = row[first : first + len(names)]
        filled += sum(cell != "" for cell in cells)
        for cell in read_row(cells)[1].values():
            if cell.status in _TELLING:
                return True
            damaged += cell.damaged
    return 2 * damaged > filled


def _with_wells(readings: Readings, table: pd.DataFrame) -> pd.DataFrame:
    wells = [location.well for location in readings.locations]
    table.insert(0, "sample", pd.Series(readings.samples, dtype="str"))
    table.insert(0, "well", pd.Series(wells, dtype="str"))
    return table
