"""Luminex 100 IS 2.3 (xMAP's software before xPONENT).

Blocks as xPONENT writes them, locations ``1 (A1)``, results with their units. ``Background`` are
blanks, ``St1..`` standards, ``ConA..`` controls. The export names the kit lots (``AssayLotInfo``)
but not what their standards should read: that stands in a lots file of the laboratory, which is

* given as a layout (``layout=``, ``--layout``), or
* found beside the export: the only file of the folder with ``lot`` in its name and the columns
  ``Lot, Analyte, Unit, St1..``. A finding names it with its SHA-256.

Without one the standards have no expected concentration until a layout gives them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cytokit.errors import FormatError, Problem, place
from cytokit.flags import Finding
from cytokit.parsers.block_plates import XPONENT_RUN, Grid, kept_blocks, read_grid
from cytokit.parsers.blocks import (
    Block,
    BlockFile,
    Notes,
    Readings,
    note_lacking,
    note_renamed,
    other_sheets,
    program_cells,
    raise_together,
    read_blocks,
    table_rows,
)
from cytokit.parsers.blocks import read_readings as read_median
from cytokit.parsers.registry import parser
from cytokit.plate import Plate, SourceInfo, make_analytes, make_wells
from cytokit.schema import VendorStatus, WellType
from cytokit.sources.numbers import decide_decimal
from cytokit.sources.raw import RawFile
from cytokit.tables.lots import Lot, Lots, lots_beside, read_lots

_WELL_BLOCKS = ("Median", "Net MFI", "Count", "Result")
_PROGRAM = re.compile(r"Luminex \d+ IS", re.IGNORECASE)
_LOCATION = re.compile(r"(\d+)\s*\(\s*([A-Pa-p]\d{1,2})\s*\)")
_ROLES = (
    (re.compile(r"Background\s*\d*"), WellType.BLANK),
    (re.compile(r"(?:St|Standard)\s*\d+", re.IGNORECASE), WellType.STANDARD),
    (re.compile(r"(?:Con\s?[A-Z]|Control\s*\d+)"), WellType.CONTROL),
)


def _is_is23(raw: RawFile) -> bool:
    """Whether the ``Program`` line says Luminex 100 IS (or 200 IS)."""
    cells = program_cells(raw)
    return len(cells) > 1 and _PROGRAM.fullmatch(cells[1]) is not None


@parser("is23", "Luminex IS 2.3", sniff=_is_is23, run=XPONENT_RUN, takes_lots=True)
def read_is23(raw: RawFile, lots: Lots | RawFile | None = None) -> list[Plate]:
    """Read the plate."""
    parts = _with_locations(read_blocks(raw))
    median = parts.find("Median")
    if median is None or not median.rows:
        what = "the block 'Median' is missing or empty"
        mend = "export the plate again with the Median statistic"
        where = place(raw.path, line=parts.last_line)
        raise FormatError(*parts.problems, Problem("CK-150", what, where, mend))
    name = parts.header.get("Session") or raw.stem
    notes = Notes(raw.path, [*parts.problems, *_column_problems(parts)], list(parts.findings))
    raise_together(notes.problems)
    readings = read_median(median, notes)
    raise_together(notes.problems)
    cells = (c for block in parts.blocks for row in block.rows for c in row[2:])
    decimal = decide_decimal(cells, asked=raw.asked_decimal, file=raw.path)
    grids = {
        key: read_grid(block, readings, notes, decimal)
        for key in _WELL_BLOCKS
        if (block := parts.find(key)) is not None
    }
    statistics, unread = kept_blocks(parts, readings, notes, decimal)
    raise_together(notes.problems)
    note_renamed(notes)
    note_lacking(readings, notes)
    book = _lots(raw, lots, notes)
    lot_names = _lot_names(raw)
    entries = {a: _entry(book, lot_names, a, notes) for a in readings.analytes}
    units = _units(readings, grids.get("Result"), entries, notes)
    wells = _rows(readings, median, grids, entries)
    _note_names(wells, notes)
    source = SourceInfo(raw.path, raw.sha256, "is23", raw.encoding, raw.delimiter, decimal)
    plate = Plate(
        name=name,
        source=source,
        wells=make_wells(wells),
        analytes=make_analytes(readings.analytes, units),
        header=parts.header,
        statistics=statistics,
        findings=tuple(replace(finding, plate=name) for finding in notes.findings),
        unread=(*parts.stray, *unread, *other_sheets(raw)),
        companions=() if book is None else (SourceInfo(book.path, book.sha256, "lots"),),
    )
    return [plate]


def _with_locations(parts: BlockFile) -> BlockFile:
    """``1 (A1)`` as ``1(1,A1)``, the way the blocks' readers know it: there is one plate."""

    def turned(row: list[str]) -> list[str]:
        match = _LOCATION.fullmatch(row[0])
        return [f"{match[1]}(1,{match[2]})", *row[1:]] if match else row

    blocks = [replace(block, rows=[turned(row) for row in block.rows]) for block in parts.blocks]
    return replace(parts, blocks=tuple(blocks))


def _column_problems(parts: BlockFile) -> list[Problem]:
    """Blocks of readings must begin with Location and Sample."""
    problems = []
    for block in filter(None, map(parts.find, _WELL_BLOCKS)):
        if block.columns[:2] != ["Location", "Sample"]:
            what = f"{block.part} begins with {', '.join(block.columns[:2])}, not Location, Sample"
            where = place(parts.file, line=block.line + 1)
            mend = "the line of column names is damaged; export the plate again"
            problems.append(Problem("CK-154", what, where, mend))
    return problems


def _role(sample: str) -> WellType:
    """What a well holds, by the names that the software gives itself."""
    return next((role for pattern, role in _ROLES if pattern.fullmatch(sample)), WellType.UNKNOWN)


def _lots(raw: RawFile, given: Lots | RawFile | None, notes: Notes) -> Lots | None:
    """The lots file that was given or found beside the export; which one is a finding."""
    book = read_lots(given) if isinstance(given, RawFile) else given
    if book is None:
        found = lots_beside(raw.path)
        if len(found) > 1:
            names = ", ".join(Path(book.path).name for book in found)
            notes.mismatch(f"several lots files lie beside the export, none was used: {names}")
        if len(found) != 1:
            return None
        book = found[0]
    message = f"expected concentrations from {Path(book.path).name} (SHA-256 {book.sha256})"
    notes.findings.append(Finding("companion_file", message))
    return book


def _lot_names(raw: RawFile) -> list[str]:
    """The kit lots that ``AssayLotInfo`` names, once each."""
    rows, _ = table_rows(raw)
    start = next((i for i, row in enumerate(rows) if row[:1] == ["AssayLotInfo:"]), None)
    if start is None or start + 1 >= len(rows) or "LotName" not in rows[start + 1]:
        return []
    column = rows[start + 1].index("LotName")
    names = []
    for row in rows[start + 2 :]:
        if len(row) <= column or not row[column]:
            break
        names.append(row[column])
    return list(dict.fromkeys(names))


def _entry(book: Lots | None, lots: Sequence[str], analyte: str, notes: Notes) -> Lot | None:
    """The analyte's entry in the lot that the export names."""
    if book is None:
        return None
    found = [entry for lot in lots if (entry := book.find(lot, analyte)) is not None]
    if len(found) == 1:
        return found[0]
    said = f"lot {' and '.join(lots)}" if lots else "the lots: the export names none"
    message = f"the lots file has {len(found)} entries for this analyte in {said}; one is needed"
    notes.mismatch(message, analyte=analyte)
    return None


def _units(
    readings: Readings, result: Grid | None, entries: dict[str, Lot | None], notes: Notes
) -> dict[str, str]:
    """The unit that an analyte's results carry, else the lots file's."""
    units: dict[str, str] = {}
    for column, analyte in enumerate(readings.analytes):
        entry = entries[analyte]
        listed = entry.unit if entry is not None else ""
        printed = (
            []
            if result is None
            else [
                cell.unit for (_, at), cell in result.others.items() if at == column and cell.unit
            ]
        )
        seen = list(dict.fromkeys([*printed, *([listed] if listed else [])]))
        if len(seen) > 1:
            notes.mismatch(f"more than one unit: {', '.join(seen)}", analyte=analyte)
        units[analyte] = seen[0] if seen else ""
    return units


def _rows(
    readings: Readings, median: Block, grids: dict[str, Grid], entries: dict[str, Lot | None]
) -> list[dict[str, object]]:
    """The rows of the tidy table, well by well."""
    notes_at = median.columns.index("Notes") if "Notes" in median.columns else None
    rows: list[dict[str, object]] = []
    for index, location in enumerate(readings.locations):
        sample = readings.samples[index]
        role = _role(sample)
        for column, analyte in enumerate(readings.analytes):
            expected, low, high = _expected(role, sample, entries[analyte])
            value, status, limit = _result(grids.get("Result"), index, column)
            rows.append(
                {
                    "well": location.well,
                    "sample": sample,
                    "well_type": str(role),
                    "analyte": analyte,
                    "dilution_factor": 1.0,
                    "mfi": _number(grids.get("Median"), index, column),
                    "net_mfi": _number(grids.get("Net MFI"), index, column),
                    "bead_count": _number(grids.get("Count"), index, column),
                    "expected": expected,
                    "expected_low": low,
                    "expected_high": high,
                    "vendor_concentration": value,
                    "vendor_status": str(status),
                    "vendor_limit": limit,
                    "comment": median.rows[index][notes_at] if notes_at is not None else "",
                }
            )
    return rows


def _number(grid: Grid | None, index: int, column: int) -> float:
    return math.nan if grid is None else float(grid.values[index, column])


def _result(grid: Grid | None, index: int, column: int) -> tuple[float, VendorStatus, float]:
    """The vendor's number, status and limit."""
    if grid is None:
        return math.nan, VendorStatus.NOT_GIVEN, math.nan
    cell = grid.others.get((index, column))
    if cell is None:
        return float(grid.values[index, column]), VendorStatus.IN_RANGE, math.nan
    return cell.value, cell.status, cell.limit


def _expected(role: WellType, sample: str, lot: Lot | None) -> tuple[float, float, float]:
    """Level of a standard, or range of a control (the kit gives no single value)."""
    nan = math.nan
    if role is WellType.BLANK:
        return 0.0, nan, nan
    if lot is None or role is WellType.UNKNOWN:
        return nan, nan, nan
    if role is WellType.STANDARD:
        return lot.levels.get(sample, nan), nan, nan
    low, high = lot.ranges.get(sample, (nan, nan))
    return nan, low, high


def _note_names(rows: list[dict[str, object]], notes: Notes) -> None:
    """Standards without a level, and samples whose names look like the software's own."""
    standards = [row for row in rows if row["well_type"] == str(WellType.STANDARD)]
    bare = dict.fromkeys(str(r["analyte"]) for r in standards if r["expected"] != r["expected"])
    if bare:
        message = f"standards of {', '.join(bare)}: give a layout, or a lots file beside the export"
        notes.findings.append(Finding("no_expected", message))
    unknowns = [row for row in rows if row["well_type"] == str(WellType.UNKNOWN)]
    for sample in dict.fromkeys(str(row["sample"]) for row in unknowns):
        if _role(sample.capitalize()) is WellType.BLANK:
            message = f"{sample!r} is not the software's own 'Background'; it counts as an unknown"
            notes.findings.append(Finding("unknown_type", message, sample=sample))
