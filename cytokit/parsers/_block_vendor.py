"""What the vendor computed and what the blocks by analyte or reagent say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cytokit.errors import place
from cytokit.findings import Finding
from cytokit.parsers._block_parts import Block, BlockFile
from cytokit.parsers._block_readings import Notes, Readings
from cytokit.parsers._block_tables import Grid, chosen_cells, match_analytes
from cytokit.parsers._well_table import text_array
from cytokit.plate import Unread, VendorCurve, normal_well
from cytokit.sources.numbers import read_cell, read_row
from cytokit.vocabulary import VendorStatus

#: What xPONENT prints as the unit of an assay that has none.
_NO_UNIT = ("bead", "none", "n/a", "")
_SHORT_LOCATION = re.compile(r"(?<!\d)(\d{1,9})\s{0,9},\s{0,9}([A-Za-z]\d{1,2})")


def by_analyte(block: Block | None, row_name: str, analytes: list[str], notes: Notes) -> list[str]:
    """The cells of one row (``Units:``, ``BeadID:``) of a block with one column per analyte."""
    if block is None:
        return [""] * len(analytes)
    columns = match_analytes(block, analytes, notes)
    wanted = row_name.casefold()
    for row in block.rows:
        if row[0].rstrip(":").casefold() == wanted:
            return [row[block.first + index] if index >= 0 else "" for index in columns]
    return [""] * len(analytes)


def analyte_table(
    parts: BlockFile, analytes: list[str], notes: Notes
) -> tuple[pd.DataFrame, list[Unread]]:
    """Bead, unit and least bead count of every analyte, and words that are no units."""
    units_block = parts.find("Units")
    units = by_analyte(units_block, "Units", analytes, notes)
    beads = by_analyte(units_block, "BeadID", analytes, notes)
    least = by_analyte(parts.find("Per Bead Count"), "Per Bead", analytes, notes)
    unread = []
    words = sorted({unit for unit in units if unit and unit.casefold() in _NO_UNIT})
    if units_block is not None and words:
        reason = f"{', '.join(map(repr, words))} is no unit of concentration"
        unread.append(Unread("Units", place(parts.file, line=units_block.line), reason))
    table = pd.DataFrame(
        {
            "analyte": text_array(analytes),
            "bead_id": text_array(beads),
            "unit": text_array(["" if u.casefold() in _NO_UNIT else u for u in units]),
            "min_beads": [read_cell(text).value for text in least],
        }
    )
    return table, unread


def by_reagent(
    block: Block | None, analytes: list[str], notes: Notes, decimal: str
) -> dict[str, np.ndarray]:
    """Expected values or limits: reagent name -> one number per analyte."""
    if block is None:
        return {}
    columns = match_analytes(block, analytes, notes)
    table: dict[str, np.ndarray] = {}
    for row, line in zip(block.rows, block.lines, strict=True):
        cells = [row[block.first + index] if index >= 0 else "" for index in columns]
        values, others = read_row(cells, decimal)
        for index, cell in others.items():
            if cell.damaged:
                part = f"{block.part}, line {line}"
                notes.damage(cell.text, part, sample=row[0], analyte=analytes[index])
        if row[0] in table:
            notes.mismatch(f"{block.part} names {row[0]!r} twice; the first is used")
        else:
            table[row[0]] = np.array(values, dtype=float)
    return table


def vendor_curves(
    parts: BlockFile, analytes: list[str], notes: Notes, decimal: str
) -> tuple[dict[str, VendorCurve], list[Unread]]:
    """The curves the export prints, by analyte, and those that are not logistic."""
    block = parts.find("Analysis Coefficients")
    if block is None:
        return {}, []
    regressions = by_analyte(parts.find("Analysis Types"), "AnalysisType", analytes, notes)
    r2 = by_analyte(parts.find("R^2", "R2"), "Value", analytes, notes)
    rows = {
        letter: by_analyte(block, f"Coefficient {letter}", analytes, notes) for letter in "ABCDF"
    }
    curves: dict[str, VendorCurve] = {}
    unread: list[Unread] = []
    for index, analyte in enumerate(analytes):
        numbers = {letter: read_cell(cells[index], decimal).value for letter, cells in rows.items()}
        if math.isnan(numbers["F"]) and not rows["F"][index]:
            numbers["F"] = 1.0
        regression = regressions[index]
        if any(math.isnan(number) for number in numbers.values()):
            continue
        if regression and "logistic" not in regression.casefold():
            where = place(parts.file, line=block.line, analyte=analyte)
            reason = f"a {regression!r} curve is not compared"
            unread.append(Unread(block.name, where, reason))
            continue
        fit = read_cell(r2[index], decimal).value
        statistics: Mapping[str, float] = {} if math.isnan(fit) else {"r2": fit}
        curves[analyte] = VendorCurve(
            regression,
            numbers["A"],
            numbers["B"],
            numbers["C"],
            numbers["D"],
            numbers["F"],
            statistics,
        )
    return curves, unread


def vendor_result(
    result: Grid | None, out_of: Grid | None, comments: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The vendor's concentrations, statuses and limits, readings x analytes.

    A flag of the ``Range`` block speaks where ``Result`` itself gives no direction; the comment
    ``Extrapolated`` marks a number as such.
    """
    values = np.full(shape, np.nan)
    limits = np.full(shape, np.nan)
    status = np.full(shape, str(VendorStatus.NOT_GIVEN), dtype=object)
    if result is None:
        return values, status, limits
    values = result.values.copy()
    status[result.given] = str(VendorStatus.IN_RANGE)
    for row, column in zip(*np.nonzero(comments != ""), strict=True):
        if "extrapolated" in comments[row, column].casefold() and np.isfinite(values[row, column]):
            status[row, column] = str(VendorStatus.EXTRAPOLATED)
    for at, cell in result.others.items():
        status[at], limits[at] = str(cell.status), cell.limit
    directed = (VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH)
    for at, cell in (out_of.others if out_of is not None else {}).items():
        if cell.status in directed and status[at] not in directed and math.isnan(values[at]):
            status[at], limits[at] = str(cell.status), cell.limit
    return values, status, limits


def text_grid(block: Block | None, readings: Readings, rows: list[int], notes: Notes) -> np.ndarray:
    """A block of remarks as text, readings x analytes."""
    texts = np.full((len(readings.keys), len(readings.analytes)), "", dtype=object)
    if block is not None and not block.is_empty:
        columns = match_analytes(block, readings.analytes, notes)
        for index, cells in enumerate(chosen_cells(block, rows, columns)):
            if any(cells):
                texts[index] = cells
    return texts


def instrument_warnings(block: Block | None, plate: int) -> list[Finding]:
    """The export's own warnings of one plate, one finding per well and message."""
    findings = []
    for row in block.rows if block is not None else ():
        match = _SHORT_LOCATION.search(row[0])
        if match is not None and int(match[1]) != plate:
            continue
        well = normal_well(match[2]) if match else None
        message = ": ".join(cell for cell in row[1:] if cell) or "no message"
        findings.append(Finding("instrument_warning", message, "", well or ""))
    return list(dict.fromkeys(findings))
