"""Blocks to plates: the readings, the vendor's numbers beside them, and all that is kept aside."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pandas as pd

from cytokit.errors import FormatError, Problem, did_you_mean, place
from cytokit.findings import Finding
from cytokit.parsers._block_header import block_key
from cytokit.parsers._block_parts import Block, BlockFile
from cytokit.parsers._block_readings import (
    Notes,
    Readings,
    note_lacking,
    note_renamed,
    read_readings,
)
from cytokit.parsers._block_statistics import kept_blocks
from cytokit.parsers._block_vendor import (
    analyte_table,
    instrument_warnings,
    vendor_curves,
)
from cytokit.parsers._block_wells import (
    file_wells,
    missing_readings,
    read_whole,
)
from cytokit.parsers._blocks import (
    Export,
    exports_within,
    opens_export,
    other_sheets,
    raise_together,
    read_blocks,
    shortened,
    table_rows,
)
from cytokit.parsers._source import RawFile
from cytokit.parsers._wide_tables import WideTables
from cytokit.plate import Plate, SourceInfo, Unread, VendorCurve
from cytokit.sources.decimal_mark import decide_decimal, proves_point

#: Blocks that are nothing without a location in each row.
_BY_WELL = frozenset(
    map(
        block_key,
        (
            "Median",
            "Net MFI",
            "Count",
            "Result",
            "Range",
            "Comments",
            "% Recovery",
            "Dilution Factor",
        ),
    )
)
_CRC = re.compile(r"CRC32:\s*([0-9A-Fa-f]{8})")


@dataclass(frozen=True, slots=True)
class BlockFamily:
    """How a family that writes blocks differs from the next.

    Parameters
    ----------
    format : str
        The parser's name, for the plate's provenance.
    ends_with_checksum : bool
        Whether a file without its closing ``-- CRC --`` lines is cut off.
    has_header : bool
        Whether the file begins with its ``Program`` line; blocks that somebody pasted do not, and
        have no closing lines either.
    """

    format: str
    ends_with_checksum: bool
    has_header: bool = True


def read_block_plates(raw: RawFile, family: BlockFamily) -> list[Plate]:
    """Every plate of a file in blocks.

    Parameters
    ----------
    raw : RawFile
    family : BlockFamily

    Raises
    ------
    FormatError
        CK-120 no closing lines, CK-121 to CK-128 damaged or contradicting blocks, CK-123 no
        Median block, CK-161 plates that cannot be told apart; all of one file together.
    """
    exports = exports_within(raw)
    plates: list[Plate] = []
    errors: list[FormatError] = []
    for within in exports:
        try:
            plates += _read_export(raw, family, within)
        except FormatError as error:
            errors.append(error)
    if errors:
        raise FormatError(*(problem for error in errors for problem in error.problems))
    others = other_sheets(raw, {export.sheet for export in exports})
    return [replace(plate, unread=(*plate.unread, *others)) for plate in plates]


def _read_export(raw: RawFile, family: BlockFamily, within: Export) -> list[Plate]:
    """The plates of one export of the file, mostly its only one."""
    rows, _ = table_rows(raw, within.sheet)
    if within.sheet:
        begun = any(opens_export(row) for row in rows[within.rows.start : within.rows.start + 4])
        family = replace(family, has_header=begun)
    parts = read_blocks(raw, numbers_at_once=True, within=within)
    plates, damaged = _interpret(raw, parts, family, "")
    commas = any("," in text for text in damaged)
    if commas or not proves_point(_cells(raw, parts)):
        decimal = decide_decimal(_cells(raw, parts), asked=raw.asked_decimal, file=raw.path)
        if commas or decimal == ",":
            plates, _ = _interpret(raw, read_blocks(raw, within=within), family, decimal)
    return plates


def _interpret(
    raw: RawFile, parts: BlockFile, family: BlockFamily, decimal: str
) -> tuple[list[Plate], list[str]]:
    """The plates as this decimal mark reads them (empty: no comma is), and what it cannot read."""
    notes = Notes(raw.path, list(parts.problems), list(parts.findings))
    _check_footer(raw, parts, family, notes)
    _check_blocks(parts, notes)
    median = parts.find("Median")
    if median is None or not median.lines:
        raise FormatError(*shortened(notes.problems or [_no_median(parts, median)]))
    raise_together(notes.problems)
    readings = read_readings(median, notes)
    raise_together(notes.problems)
    whole = read_whole(parts, readings, notes, decimal)
    common = _common(parts, readings, notes, decimal)
    raise_together(notes.problems)
    note_renamed(notes)
    note_lacking(readings, notes)
    if family.ends_with_checksum:
        notes.findings += _checksum(raw, parts)
    source = SourceInfo(
        raw.path, raw.sha256, family.format, raw.encoding, raw.delimiter, decimal or "."
    )
    wells = file_wells(readings, whole)
    numbers = sorted({location.plate for location in readings.locations})
    batch = parts.header.get("Batch") or raw.stem
    plates = []
    for number in numbers:
        warnings = instrument_warnings(parts.find("Warnings/Errors"), number)
        findings = [*notes.findings, *missing_readings(readings, whole, number), *warnings]
        name = batch if len(numbers) == 1 else f"{batch} plate {number}"
        chosen = np.array([location.plate == number for location in readings.locations])
        plates.append(
            Plate(
                name=name,
                source=source,
                wells=wells if len(numbers) == 1 else _rows(wells, chosen),
                analytes=common.analytes,
                header=parts.header,
                statistics=common.statistics.rows(chosen),
                vendor_curves=common.curves,
                findings=tuple(
                    replace(finding, plate=name)
                    for finding in findings
                    if finding.plate in ("", str(number))
                ),
                unread=common.unread,
            )
        )
    return plates, notes.damaged


@dataclass(frozen=True)
class _Common:
    """What the plates of one file share."""

    analytes: pd.DataFrame
    statistics: WideTables
    curves: dict[str, VendorCurve]
    unread: tuple[Unread, ...]


def _common(parts: BlockFile, readings: Readings, notes: Notes, decimal: str) -> _Common:
    analytes, no_units = analyte_table(parts, readings.analytes, notes)
    curves, other_curves = vendor_curves(parts, readings.analytes, notes, decimal)
    statistics, aside = kept_blocks(parts, readings, notes, decimal)
    unread = (*no_units, *other_curves, *aside, *parts.stray)
    return _Common(analytes, statistics, curves, unread)


def _rows(wells: pd.DataFrame, chosen: np.ndarray) -> pd.DataFrame:
    """The rows of one plate, by its readings."""
    return wells[np.repeat(chosen, len(wells) // len(chosen))].reset_index(drop=True)


def _check_footer(raw: RawFile, parts: BlockFile, family: BlockFamily, notes: Notes) -> None:
    """A family that closes with a checksum and does not was cut off, as is one inside of a line."""
    if not family.has_header:
        message = "the file does not begin with its 'Program' line: what stood above is not known"
        notes.findings.append(Finding("no_header", message))
    if parts.footer:
        return
    last = parts.blocks[-1].part if parts.blocks else "the header"
    inside = raw.kind == "text" and not raw.text.endswith(("\n", "\r"))
    if family.has_header and (family.ends_with_checksum or inside):
        what = f"the file is cut off: expected '-- CRC --' after {last}, found the end of the file"
        mend = "copy or export the plate again"
        where = place(notes.file, line=parts.last_line, column=1)
        notes.problems.append(Problem("CK-120", what, where, mend))
    else:
        message = f"the file ends after {last} without its checksum lines"
        notes.findings.append(Finding("no_footer", message))


def _check_blocks(parts: BlockFile, notes: Notes) -> None:
    """Blocks by well begin with location and sample; without the Median's there is no plate."""
    for block in parts.blocks:
        if block.key in _BY_WELL and block.lines and block.columns[:2] != ["Location", "Sample"]:
            found = ", ".join(map(repr, block.columns[:2]))
            what = f"{block.part}: expected the columns 'Location' and 'Sample', found {found}"
            where = place(notes.file, line=block.line + 1, column=1)
            if block.key == block_key("Median"):
                notes.problems.append(Problem("CK-126", what, where, "export the plate again"))
            else:
                notes.mismatch(f"{what}; it is not read")


def _no_median(parts: BlockFile, median: Block | None) -> Problem:
    """CK-123: there is no Median block, or nothing in it."""
    mend = "export the plate with the statistic Median"
    if median is not None:
        what = "block 'Median' holds no rows"
        return Problem("CK-123", what, place(parts.file, line=median.line), mend)
    names = [block.name for block in parts.blocks]
    what = f"no block 'Median'; found {', '.join(map(repr, names)) if names else 'no block at all'}"
    near = did_you_mean("Median", [name for name in names if name != "Mean"])
    return Problem("CK-123", what, place(parts.file, line=parts.last_line), mend, near)


def _cells(raw: RawFile, parts: BlockFile) -> Iterator[object]:
    """The cells of all blocks beside their names, which decide the decimal mark together."""
    if raw.kind == "workbook":
        first = min(block.line for block in parts.blocks)
        for sheet in raw.sheets:
            yield from chain.from_iterable(row[2:] for row in sheet.cells[first:])
        return
    for block in parts.blocks:
        yield from chain.from_iterable(row[block.first :] for row in block.rows)


def _checksum(raw: RawFile, parts: BlockFile) -> list[Finding]:
    """The export closes with the CRC-32 of all bytes before ``-- CRC --``."""
    match = _CRC.fullmatch(parts.footer)
    end = raw.data.rfind(b"-- CRC")
    if match is None or end < 0 or raw.kind != "text" or raw.data.count(b"-- CRC") > 1:
        return []  # of several exports in one file the bytes are not told apart
    found = zlib.crc32(memoryview(raw.data)[:end])
    if found == int(match[1], 16):
        return []
    message = f"the content's checksum is {found:08X}, the file says {match[1]}"
    return [Finding("checksum_differs", message)]
