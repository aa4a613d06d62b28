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

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cytokit.errors import FormatError, Problem, place
from cytokit.flags import Finding
from cytokit.parsers.block_plates import (
    XPONENT_RUN,
    BlockGrid,
    MedianRows,
    Notes,
    kept_blocks,
    note_lacking,
    note_renamed,
    read_grids,
    read_readings,
    type_by_name,
    vendor_result,
)
from cytokit.parsers.blocks import (
    BlockFile,
    other_sheets,
    program_cells,
    raise_together,
    read_blocks,
    table_rows,
)
from cytokit.parsers.registry import parser
from cytokit.parsers.well_tables import blanks_are_zero, well_table
from cytokit.plate import Plate, SourceInfo, make_analytes
from cytokit.schema import WellType
from cytokit.sources.numbers import decide_decimal
from cytokit.sources.raw import RawFile
from cytokit.tables.lots import Lot, Lots, lots_beside, read_lots

_PROGRAM = re.compile(r"Luminex \d+ IS", re.IGNORECASE)
_LOCATION = re.compile(r"(\d+)\s*\(\s*([A-Pa-p]\d{1,2})\s*\)")
#: what the software itself calls the wells of each type; every other name is a sample
IS23_NAMES = {
    WellType.BLANK: re.compile(r"Background\s*\d*"),
    WellType.STANDARD: re.compile(r"(?:St|Standard)\s*\d+", re.IGNORECASE),
    WellType.CONTROL: re.compile(r"Con\s?[A-Z]|Control\s*\d+"),
}


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
    readings = read_readings(median, notes)
    raise_together(notes.problems)
    cells = (c for block in parts.blocks for row in block.rows for c in row[2:])
    decimal = decide_decimal(cells, asked=raw.asked_decimal, file=raw.path)
    grids = read_grids(parts, readings, notes, decimal)
    statistics, unread = kept_blocks(parts, readings, notes, decimal)
    raise_together(notes.problems)
    note_renamed(notes)
    note_lacking(readings, notes)
    book = _lots(raw, lots, notes)
    lot_names = _lot_names(raw)
    entries = [_entry(book, lot_names, analyte, notes) for analyte in readings.analytes]
    units = _units(readings, grids.get("result"), entries, notes)
    types = [type_by_name(sample, IS23_NAMES) for sample in readings.samples]
    shape = (len(types), len(entries))
    remarks = np.full(shape, "", dtype=object)
    if "Notes" in median.columns:
        at = median.columns.index("Notes")
        remarks[:] = [[row[at]] for row in median.rows]
    layers: list[str] = [role for role in ("mfi", "net_mfi", "bead_count") if role in grids]
    columns = {role: grids[role].values for role in layers}
    columns |= _expected(types, readings.samples, entries)
    no_comments = np.full(shape, "", dtype=object)
    value, status, limit = vendor_result(grids.get("result"), None, no_comments, shape)
    columns |= {
        "vendor_concentration": value,
        "vendor_status": status,
        "vendor_limit": limit,
        "comment": remarks,
    }
    _note_names(readings, types, columns["expected"], notes)
    plate = Plate(
        name=name,
        source=SourceInfo(raw.path, raw.sha256, "is23", raw.encoding, raw.delimiter, decimal),
        wells=well_table(
            [location.well for location in readings.locations],
            readings.samples,
            types,
            readings.analytes,
            dilution=np.ones(len(types)),
            grids=columns,
        ),
        analytes=make_analytes(readings.analytes, units=units),
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
    for block in parts.blocks:
        if block.kind.role and not block.by_well:
            what = f"{block.part} begins with {', '.join(block.columns[:2])}, not Location, Sample"
            where = place(parts.file, line=block.line + 1)
            mend = "the line of column names is damaged; export the plate again"
            problems.append(Problem("CK-154", what, where, mend))
    return problems


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
    readings: MedianRows, result: BlockGrid | None, entries: Sequence[Lot | None], notes: Notes
) -> list[str]:
    """The unit that an analyte's results carry, else the lots file's."""
    units: list[str] = []
    for column, analyte in enumerate(readings.analytes):
        entry = entries[column]
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
        units.append(seen[0] if seen else "")
    return units


def _expected(
    types: Sequence[WellType], samples: Sequence[str], entries: Sequence[Lot | None]
) -> dict[str, np.ndarray]:
    """Level of a standard, or range of a control (the kit gives no single value)."""
    level, low, high = (np.full((len(types), len(entries)), np.nan) for _ in range(3))
    for column, lot in enumerate(entries):
        for row, (kind, sample) in enumerate(zip(types, samples, strict=True)):
            if lot is not None and kind is WellType.STANDARD:
                level[row, column] = lot.levels.get(sample, np.nan)
            elif lot is not None and kind is WellType.CONTROL:
                low[row, column], high[row, column] = lot.ranges.get(sample, (np.nan, np.nan))
    return {
        "expected": blanks_are_zero(types, level),
        "expected_low": low,
        "expected_high": high,
    }


def _note_names(
    readings: MedianRows, types: Sequence[WellType], expected: np.ndarray, notes: Notes
) -> None:
    """Standards without a level, and samples whose names look like the software's own."""
    standards = [kind is WellType.STANDARD for kind in types]
    lacking = np.argwhere(np.isnan(expected[standards]))[:, 1].tolist()
    if lacking:
        bare = dict.fromkeys(readings.analytes[column] for column in lacking)
        message = f"standards of {', '.join(bare)}: give a layout, or a lots file beside the export"
        notes.findings.append(Finding("no_expected", message))
    for sample, kind in dict(zip(readings.samples, types, strict=True)).items():
        likely = type_by_name(sample.capitalize(), IS23_NAMES)
        if kind is WellType.UNKNOWN and likely is WellType.BLANK:
            message = f"{sample!r} is not the software's own 'Background'; it counts as an unknown"
            notes.findings.append(Finding("unknown_type", message, sample=sample))
