"""The blocks that belong into the table of wells, and what is missing from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytokit.findings import Finding
from cytokit.layout import likely_type
from cytokit.parsers._block_parts import Block, BlockFile
from cytokit.parsers._block_readings import Notes, Readings
from cytokit.parsers._block_tables import Grid, match_rows, read_grid
from cytokit.parsers._block_vendor import by_reagent, text_grid, vendor_result
from cytokit.parsers._reagents import Role, assign_roles
from cytokit.parsers._well_table import blanks_are_zero, well_table
from cytokit.sources.dilution import read_dilution
from cytokit.vocabulary import WellType

#: Blocks with one row per well that belong into the table of wells.
_WELL_BLOCKS = {
    "mfi": ("Median",),
    "net_mfi": ("Net MFI",),
    "bead_count": ("Count",),
    "result": ("Result",),
    "range": ("Range",),
    "recovery": ("% Recovery", "%Recovery", "Recovery"),
}


@dataclass(frozen=True)
class WholeFile:
    """What the file says of all its plates: readings x analytes, and per reading."""

    grids: dict[str, Grid]
    comments: np.ndarray
    dilution: np.ndarray
    roles: dict[str, Role]
    standards: dict[str, np.ndarray]
    controls: tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]


def read_whole(parts: BlockFile, readings: Readings, notes: Notes, decimal: str) -> WholeFile:
    """Grids, dilutions and expected values of all readings; problems and findings go to notes."""
    grids = {}
    for role, names in _WELL_BLOCKS.items():
        block = parts.find(*names)
        if block is None or block.columns[:2] != ["Location", "Sample"]:
            continue
        if block.lines and not (role == "range" and block.is_empty):
            grids[role] = read_grid(block, readings, notes, decimal, partial=role == "recovery")
    remarks = parts.find("Comments")
    remarks = remarks if remarks is not None and remarks.by_well else None
    rows = match_rows(remarks, readings, notes, partial=False) if remarks is not None else []
    comments = text_grid(remarks, readings, rows, notes)
    analytes = readings.analytes
    standards = by_reagent(parts.find("Standard Expected Concentration"), analytes, notes, decimal)
    expected, low, high = (
        by_reagent(parts.find(name), analytes, notes, decimal)
        for name in (
            "Control Expected Concentration",
            "Control Range - Low",
            "Control Range - High",
        )
    )
    named = list(dict.fromkeys([*expected, *low, *high]))
    roles, findings = assign_roles(readings.samples, list(standards), named)
    notes.findings += findings
    notes.findings += _unclear_types(readings, roles)
    dilution = _dilution(parts.find("Dilution Factor"), readings, roles, notes, decimal)
    return WholeFile(grids, comments, dilution, roles, standards, (expected, low, high))


def _unclear_types(readings: Readings, roles: dict[str, Role]) -> list[Finding]:
    """One finding for every well of an unknown that is called like a standard, blank or control."""
    found: dict[tuple[int, str], Finding] = {}
    for at, sample in zip(readings.locations, readings.samples, strict=True):
        likely = likely_type(sample) if roles[sample].well_type is WellType.UNKNOWN else None
        if likely not in (None, WellType.UNKNOWN):
            message = f"{sample!r} looks like a {likely}; it is taken as an unknown sample"
            finding = Finding("well_type_unclear", message, str(at.plate), at.well, sample)
            found.setdefault((at.plate, at.well), finding)
    return list(found.values())


def _dilution(
    block: Block | None,
    readings: Readings,
    roles: dict[str, Role],
    notes: Notes,
    decimal: str,
) -> np.ndarray:
    """One factor per reading: 1 for standards and blanks; NaN, with a finding, if it is unclear.

    An empty cell is 1 only where no well of the file is diluted.
    """
    factors = np.ones(len(readings.keys))
    if block is None:
        return factors
    cells, lines = _factor_cells(block, readings, notes)
    read = [read_dilution(cell, decimal) for cell in cells]
    diluted = any(factor.known and factor.value != 1 for factor in read) or not any(lines)
    for index, (cell, factor) in enumerate(zip(cells, read, strict=True)):
        sample, at = readings.samples[index], readings.locations[index]
        well_type = roles[sample].well_type
        line = f", line {lines[index]}" if lines[index] else ""
        if well_type in (WellType.STANDARD, WellType.BLANK):
            if not cell or factor.value == 1:
                continue
            message = f"{cell!r} is not used for a {well_type}: expected is at the bead"
        elif factor.known:
            factors[index] = factor.value
            continue
        elif not cell and not diluted:
            message = "no factor is given here nor, beside 1, anywhere; 1 is used"
        else:
            factors[index] = np.nan
            message = f"{factor.reason}; no concentration without it"
        message = f"{block.part}{line}: {message}"
        notes.findings.append(Finding("dilution_unclear", message, str(at.plate), at.well, sample))
    return factors


def _factor_cells(block: Block, readings: Readings, notes: Notes) -> tuple[list[str], list[int]]:
    """What the block says of each reading, by well or by sample, and on which line; 0 for none."""
    if block.by_well and len(block.columns) > 2:
        rows = match_rows(block, readings, notes, partial=False)
        label = 2
    elif block.columns[0].casefold() == "sample" and len(block.columns) > 1:
        names = [row[0] for row in block.rows]
        rows = [names.index(name) if name in names else -1 for name in readings.samples]
        label = 1
    else:
        rows, label = [-1] * len(readings.keys), 0
    cells = []
    for row in rows:
        given = list(dict.fromkeys(block.rows[row][label:] if row >= 0 else [""]))
        cells.append(" and ".join(given) if len(given) > 1 and all(given) else given[0])
    return cells, [block.lines[row] if row >= 0 else 0 for row in rows]


def missing_readings(readings: Readings, whole: WholeFile, plate: int) -> list[Finding]:
    """Wells and analytes without a median, one finding per well; repeated wells."""
    lacking: dict[int, list[str]] = {}
    for (index, column), cell in whole.grids["mfi"].others.items():
        if not cell.damaged:
            lacking.setdefault(index, []).append(readings.analytes[column])
    findings = []
    seen: set[str] = set()
    total = len(readings.analytes)
    for index, location in enumerate(readings.locations):
        if location.plate != plate:
            continue
        sample = readings.samples[index]
        if names := lacking.get(index):
            some = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
            message = f"no median for {len(names)} of {total} analytes: {some}"
            analyte = names[0] if len(names) == 1 else ""
            findings.append(Finding("missing_value", message, "", location.well, sample, analyte))
        if location.well in seen:
            message = f"acquisition {location.acquisition} reads this well once more"
            findings.append(Finding("repeated_well", message, "", location.well, sample))
        seen.add(location.well)
    return findings


def file_wells(readings: Readings, whole: WholeFile) -> pd.DataFrame:
    """The tidy table of all readings of the file."""
    shape = (len(readings.keys), len(readings.analytes))
    grids = whole.grids
    types = [whole.roles[sample].well_type for sample in readings.samples]
    reagents = [whole.roles[sample].reagent for sample in readings.samples]
    result, status, limit = vendor_result(
        grids.get("result"), grids.get("range"), whole.comments, shape
    )
    expected, low, high = (np.full(shape, np.nan) for _ in range(3))
    kinds = (WellType.STANDARD, WellType.CONTROL, WellType.CONTROL, WellType.CONTROL)
    targets = (expected, expected, low, high)
    for target, kind, table in zip(targets, kinds, (whole.standards, *whole.controls), strict=True):
        for index, reagent in enumerate(reagents):
            if types[index] is kind and reagent in table:
                target[index] = table[reagent]
    columns: dict[str, np.ndarray] = {}
    for role in ("mfi", "net_mfi", "bead_count"):
        if role in grids:
            columns[role] = grids[role].values
    columns |= {
        "expected": blanks_are_zero(types, expected),
        "expected_low": low,
        "expected_high": high,
        "vendor_concentration": result,
        "vendor_status": status,
        "vendor_limit": limit,
    }
    if (whole.comments != "").any():
        columns["comment"] = whole.comments
    if "recovery" in grids:
        columns["vendor_recovery_pct"] = grids["recovery"].values
    return well_table(
        [location.well for location in readings.locations],
        readings.samples,
        types,
        readings.analytes,
        dilution=whole.dilution,
        grids=columns,
    )
