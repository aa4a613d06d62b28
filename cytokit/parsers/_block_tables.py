"""Blocks as tables of numbers whose rows and columns are those of the Median block.

Rows are matched by location and columns by analyte name, never by position alone; where two
blocks spell an analyte differently and only the position is left, a finding says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from cytokit.errors import Problem, did_you_mean, place
from cytokit.findings import Finding
from cytokit.parsers._blocks import BESIDE, Block
from cytokit.parsers._numbers import Cell, damaged_value, read_table
from cytokit.plate import normal_well
from cytokit.sources.numbers import EMPTY

_LOCATION = re.compile(r"(\d+)\s*\(\s*(\d+)\s*,\s*([A-Za-z]\d{1,2})\s*\)")


class Location(NamedTuple):
    """One reading: acquisition number, plate number, well."""

    acquisition: int
    plate: int
    well: str


@dataclass(frozen=True)
class Readings:
    """The rows of the Median block, to which every other block is matched.

    Parameters
    ----------
    keys : list of str
        Location cells as they stand.
    locations : list of Location
    samples : list of str
    analytes : list of str
        Unique names, in the file's order.
    """

    keys: list[str]
    locations: list[Location]
    samples: list[str]
    analytes: list[str]

    @cached_property
    def labels(self) -> tuple[pd.Series, pd.Series]:
        """Wells and samples as columns, made once for all tables of the file."""
        wells = [location.well for location in self.locations]
        return pd.Series(wells, dtype="str"), pd.Series(self.samples, dtype="str")


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


@dataclass
class Notes:
    """What reading has noticed so far; handed from step to step and read at the end.

    Parameters
    ----------
    file : str
    problems : list of Problem
        Raised together when the file has been read.
    findings : list of Finding
        Those of one well carry the number of its plate as their plate, until the plates are made.
    renamed : dict of (str, str) to list of str
        Analyte as the Median block spells it, as another spells it -> the blocks that do.
    damaged : list of str
        Texts of damaged cells.
    plate : str
        What findings of the whole file carry.
    """

    file: str
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    renamed: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    plate: str = ""

    def damage(
        self, text: str, part: str, *, at: Location | None = None, sample: str = "", analyte: str
    ) -> None:
        """Note a damaged cell."""
        self.damaged.append(text)
        plate, well = (str(at.plate), at.well) if at is not None else (self.plate, "")
        finding = damaged_value(text, part, plate=plate, well=well, sample=sample, analyte=analyte)
        self.findings.append(finding)

    def mismatch(self, message: str, *, at: Location | None = None, analyte: str = "") -> None:
        """Note that two parts of the file disagree."""
        plate, well = (str(at.plate), at.well) if at is not None else (self.plate, "")
        self.findings.append(Finding("header_mismatch", message, plate, well, analyte=analyte))


def read_location(text: str) -> Location | None:
    """``17(1,A3)`` -> acquisition 17 of well A3 on plate 1; None where it is no location.

    Examples
    --------
    >>> read_location("17(2,A3)")
    Location(acquisition=17, plate=2, well='A3')
    """
    match = _LOCATION.fullmatch(text)
    well = normal_well(match[3]) if match else None
    if match is None or well is None:
        return None
    return Location(int(match[1]), int(match[2]), well)


def analyte_columns(block: Block) -> list[str]:
    """A block's analytes: its columns but the first ones and those that stand beside.

    A name that occurs twice gets a number, so that no analyte covers another.
    """
    first = 1 + sum(name in ("Location", "Plate") for name in block.columns[:2])
    names: list[str] = []
    for name in block.columns[first:]:
        if name in BESIDE:
            break
        number, unique = 2, name
        while unique in names:
            unique, number = f"{name} ({number})", number + 1
        names.append(unique)
    return names


def read_readings(block: Block, notes: Notes) -> Readings:
    """Locations, samples and analytes of the Median block, with problems noted.

    Problems: CK-124 a location that names no well, CK-127 a location given twice.
    """
    locations: list[Location] = []
    seen: set[str] = set()
    for key, line in zip(block.locations, block.lines, strict=True):
        location = read_location(key)
        if location is None:
            what = f"{block.part}: expected a location such as '1(1,A1)', found {key!r}"
            where = place(notes.file, line=line, column=1)
            mend = "export the plate again; wells are A1 to P24"
            notes.problems.append(Problem("CK-124", what, where, mend))
            continue
        if key in seen:
            notes.problems.append(_repeated(block, key, line, notes.file))
        seen.add(key)
        locations.append(location)
    analytes = analyte_columns(block)
    for name in analytes:
        if name not in block.columns:
            notes.mismatch(f"{block.part} has several columns of this name", analyte=name)
    return Readings(block.locations, locations, block.samples, analytes)


def _repeated(block: Block, key: str, line: int, file: str) -> Problem:
    what = f"{block.part}: location {key!r} stands twice"
    mend = "a line was doubled; export the plate again"
    return Problem("CK-127", what, place(file, line=line), mend)


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
                notes.problems.append(_repeated(block, key, line, notes.file))
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
    at = np.ix_(np.asarray(rows, dtype=int), np.asarray(columns, dtype=int))
    values = block.bulk.values[at]
    missing = (at[0] < 0) | (at[1] < 0)
    if not missing.any():
        return values, {}
    values[missing] = np.nan
    return values, {(int(i), int(j)): EMPTY for i, j in np.argwhere(missing)}


def chosen_cells(block: Block, rows: Sequence[int], columns: Sequence[int]) -> list[list[str]]:
    """As :func:`read_cells`, but the texts, of a block that was not read at once."""
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


def note_renamed(notes: Notes) -> None:
    """One finding for every pair of spellings, with the blocks that use the other one."""
    for (name, other), blocks in notes.renamed.items():
        where = ", ".join(dict.fromkeys(blocks))
        message = (
            f"called {name!r} in block 'Median' and {other!r} in {where}; "
            "taken for the same analyte by its position"
        )
        notes.mismatch(message, analyte=name)
