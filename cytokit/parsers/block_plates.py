"""Blocks to plates: the readings, the vendor's numbers beside them, and all that is kept aside."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd

from cytokit.errors import FormatError, Problem, did_you_mean, place
from cytokit.flags import Finding, damaged_value
from cytokit.parsers.blocks import (
    BESIDE,
    KNOWN_BLOCKS,
    STACKED,
    BlockFile,
    BulkNumbers,
    DataBlock,
    Export,
    Location,
    analyte_places,
    block_key,
    exports_within,
    opens_export,
    other_sheets,
    raise_together,
    read_blocks,
    read_location,
    shortened,
    table_rows,
)
from cytokit.parsers.registry import RunKeys
from cytokit.parsers.well_tables import (
    Wide,
    WideTables,
    blanks_are_zero,
    well_table,
)
from cytokit.plate import Plate, SourceInfo, Unread, VendorCurve, make_analytes, normal_well
from cytokit.schema import VendorStatus, WellType
from cytokit.sources.numbers import (
    EMPTY,
    Cell,
    decide_decimal,
    proves_point,
    read_cell,
    read_dilution,
    read_row,
    read_table,
)
from cytokit.sources.raw import RawFile
from cytokit.tables.layouts import likely_type

#: header lines of xPONENT's exports that tell of the run
XPONENT_RUN = RunKeys(
    date=("BatchStartTime", "BatchStopTime", "Date"),
    instrument=("SN",),
    panel=("PanelName", "ProtocolName"),
)

# The rows and analytes of the Median block, to which all others are matched.


@dataclass(frozen=True)
class MedianRows:
    """The rows of the Median block, to which every other block is matched."""

    keys: list[str]
    locations: list[Location]
    samples: list[str]
    analytes: list[str]

    @cached_property
    def labels(self) -> tuple[pd.Series, pd.Series]:
        """Wells and samples as columns, made once for all tables of the file."""
        wells = [location.well for location in self.locations]
        return pd.Series(wells, dtype="str"), pd.Series(self.samples, dtype="str")

    @cached_property
    def titles(self) -> pd.Index[str]:
        """The analytes as names of columns, made once too."""
        return pd.Index(self.analytes, dtype="str")


@dataclass
class Notes:
    """What reading has noticed so far; handed from step to step and read at the end."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    renamed: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    lacking: dict[str, list[int]] = field(default_factory=dict)

    def damage(
        self, text: str, part: str, *, at: Location | None = None, sample: str = "", analyte: str
    ) -> None:
        """Note a damaged cell."""
        self.damaged.append(text)
        plate, well = (str(at.plate), at.well) if at is not None else ("", "")
        finding = damaged_value(text, part, plate=plate, well=well, sample=sample, analyte=analyte)
        self.findings.append(finding)

    def mismatch(self, message: str, *, at: Location | None = None, analyte: str = "") -> None:
        """Note that two parts of the file disagree."""
        plate, well = (str(at.plate), at.well) if at is not None else ("", "")
        self.findings.append(Finding("header_mismatch", message, plate, well, analyte=analyte))


def read_readings(block: DataBlock, notes: Notes) -> MedianRows:
    """Locations, samples and analytes of the Median block, with problems noted.

    Problems: CK-124 a location that names no well, CK-127 a location given twice, CK-161 several
    plates under the same locations.
    """
    locations: list[Location] = []
    seen: set[str] = set()
    again: list[tuple[str, int]] = []
    for key, line in zip(block.locations, block.lines, strict=True):
        location = read_location(key)
        if location is None:
            what = f"{block.part}: expected a location such as '1(1,A1)', found {key!r}"
            where = place(notes.file, line=line, column=1)
            mend = "export the plate again; wells are A1 to P24"
            notes.problems.append(Problem("CK-124", what, where, mend))
            continue
        if key in seen:
            again.append((key, line))
        seen.add(key)
        locations.append(location)
    if len(again) == 1:
        key, line = again[0]
        what = f"{block.part}: location {key!r} stands twice"
        mend = "a line was doubled; export the plate again"
        notes.problems.append(Problem("CK-127", what, place(notes.file, line=line), mend))
    elif again:
        some = ", ".join(key for key, _ in again[:5]) + (" ..." if len(again) > 5 else "")
        what = f"{block.part}: {len(again)} locations stand twice ({some}): several plates in one"
        where = place(notes.file, line=again[0][1], column=1)
        notes.problems.append(Problem("CK-161", what, where, STACKED))
    elif len(locations) == len(block.samples):
        _check_names(block, locations, notes)
    analytes = _analytes(block, notes)
    return MedianRows(block.locations, locations, block.samples, analytes)


def _check_names(block: DataBlock, locations: Sequence[Location], notes: Notes) -> None:
    """CK-161: wells read more than once, and under other names each time, are other plates'."""
    names: dict[tuple[int, str], dict[str, int]] = {}
    for location, name, line in zip(locations, block.samples, block.lines, strict=True):
        names.setdefault((location.plate, location.well), {}).setdefault(name, line)
    several = {well: given for (_, well), given in names.items() if len(given) > 1}
    if len(several) < 2:
        return
    well, given = next(iter(several.items()))
    what = f"{block.part}: {len(several)} wells stand twice and are called otherwise each time"
    what += f" ({well}: {' and '.join(map(repr, list(given)[:3]))}): several plates in one"
    where = place(notes.file, line=list(given.values())[1], column=1)
    notes.problems.append(Problem("CK-161", what, where, STACKED))


def _analytes(block: DataBlock, notes: Notes) -> list[str]:
    """The analytes of the Median block; a column behind the events must hold numbers to be one."""
    places = analyte_places(block)
    first = block.first
    beside = [at for at, name in enumerate(block.columns) if name in BESIDE]
    for name, at in list(places.items()):
        if name not in block.columns:
            notes.mismatch(f"{block.part} has several columns of this name", analyte=name)
        if beside and first + at > beside[0]:
            stands = f"{block.part}: column {name!r} stands after {block.columns[beside[0]]!r}"
            cells = (read_cell(row[first + at]) for row in block.rows)
            if any(cell.status is VendorStatus.IN_RANGE for cell in cells):
                notes.mismatch(f"{stands}; it is read as an analyte", analyte=name)
            else:
                notes.mismatch(f"{stands} and holds no numbers; it is not read")
                del places[name]
    return list(places)


def note_renamed(notes: Notes) -> None:
    """One finding for every pair of spellings, with the blocks that use the other one."""
    for (name, other), blocks in notes.renamed.items():
        where = ", ".join(dict.fromkeys(blocks))
        message = (
            f"called {name!r} in block 'Median' and {other!r} in {where}; "
            "taken for the same analyte by its position"
        )
        notes.mismatch(message, analyte=name)


def note_lacking(readings: MedianRows, notes: Notes) -> None:
    """One finding for every well of which other blocks have no row; one where they have none."""
    blocks: dict[int, list[str]] = {}
    for name, lacking in notes.lacking.items():
        if len(lacking) == len(readings.keys):
            message = f"block {name!r} has no row for any well of block 'Median': it has no values"
            notes.mismatch(message)
            continue
        for index in lacking:
            blocks.setdefault(index, []).append(name)
    for index, names in sorted(blocks.items()):
        at = readings.locations[index]
        message = f"no row in {', '.join(f'block {name!r}' for name in names)}: no value from it"
        where = (str(at.plate), at.well, readings.samples[index])
        notes.findings.append(Finding("missing_value", message, *where))


# Blocks as tables of numbers whose rows and columns are those of the Median block.


@dataclass(frozen=True)
class BlockGrid:
    """A block's numbers on the rows and columns of the readings."""

    values: np.ndarray
    others: dict[tuple[int, int], Cell]
    given: np.ndarray


def match_rows(block: DataBlock, readings: MedianRows, notes: Notes, *, partial: bool) -> list[int]:
    """For each reading the block's row, -1 where it has none.

    The plate is what the Median block says: rows that another block lacks (unless it may be
    ``partial``), has beyond, or gives twice are findings.
    """
    keys = block.locations
    rows = list(range(len(keys)))
    if keys != readings.keys:
        rows = _rows_by_place(block, readings, notes)
        lacking = [index for index, row in enumerate(rows) if row < 0]
        if lacking and not partial:
            notes.lacking[block.name] = lacking
    _compare_samples(block, rows, readings, notes)
    return rows


def _rows_by_place(block: DataBlock, readings: MedianRows, notes: Notes) -> list[int]:
    """Rows by location; by well alone where only the number of the acquisition is another."""
    found: dict[Location, int] = {}
    doubtful: set[Location] = set()
    strange: list[str] = []
    for index, key in enumerate(block.locations):
        location = read_location(key)
        if location is None:
            strange.append(key)
        elif found.setdefault(location, index) != index:
            same = list(block.rows[index]) == list(block.rows[found[location]])
            doubtful |= set() if same else {location}
            how = "alike; it is read once" if same else "differently; it is not read"
            notes.mismatch(f"{block.part}: location {key!r} stands twice, {how}", at=location)
    by_well: dict[tuple[int, str], list[Location]] = {}
    for location in found:
        by_well.setdefault(location[1:], []).append(location)
    read_once = Counter(location[1:] for location in readings.locations)
    rows, used, renumbered = [], set(), []
    for location in readings.locations:
        own = [location] if location in found else by_well.get(location[1:], [])
        if len(own) != 1 or (location not in found and read_once[location[1:]] > 1):
            rows.append(-1)
            continue
        if own[0] != location:
            renumbered.append(location.well)
        used.add(own[0])
        rows.append(-1 if own[0] in doubtful else found[own[0]])
    beyond = [block.locations[index] for place_, index in found.items() if place_ not in used]
    for message, names in (
        ("has rows that begin with no location; they are not read", strange),
        ("has rows of wells that block 'Median' does not have; they are not read", beyond),
        ("numbers the readings otherwise; its rows were found by their wells", renumbered),
    ):
        if names:
            some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
            notes.mismatch(f"{block.part} {message}: {some}")
    return rows


def _compare_samples(block: DataBlock, rows: list[int], readings: MedianRows, notes: Notes) -> None:
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


def match_analytes(block: DataBlock, analytes: Sequence[str], notes: Notes) -> list[int]:
    """For each analyte its column behind the labels, -1 where it has none."""
    places = analyte_places(block)
    found = [places.get(name, -1) for name in analytes]
    lacking = [i for i, at in enumerate(found) if at < 0]
    spare = [name for name in places if name not in set(analytes)]
    if lacking and len(lacking) == len(spare):
        for i, name in zip(lacking, spare, strict=True):
            found[i] = places[name]
            notes.renamed.setdefault((analytes[i], name), []).append(block.name)
        return found
    for i in lacking:
        notes.mismatch(f"{block.part} has no such analyte", analyte=analytes[i])
    for name in spare:
        message = f"{block.part} names an analyte that block 'Median' does not have"
        notes.mismatch(message, analyte=name)
    return found


def read_grid(
    block: DataBlock, readings: MedianRows, notes: Notes, decimal: str, *, partial: bool = False
) -> BlockGrid:
    """A block's numbers on the rows and columns of the readings; damage is noted."""
    rows = match_rows(block, readings, notes, partial=partial)
    columns = match_analytes(block, readings.analytes, notes)
    values, others = read_cells(block, rows, columns, decimal)
    given = np.outer([row >= 0 for row in rows], [column >= 0 for column in columns])
    note_damage(block, rows, others, readings, readings.analytes, notes)
    return BlockGrid(values, others, given)


def read_cells(
    block: DataBlock, rows: Sequence[int], columns: Sequence[int], decimal: str
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


def chosen_cells(block: DataBlock, rows: Sequence[int], columns: Sequence[int]) -> list[list[str]]:
    """As :func:`read_cells`, but the texts."""
    first = block.first
    width = len(columns)
    if list(columns) == list(range(width)):
        missing = [""] * width
        return [block.rows[row][first : first + width] if row >= 0 else missing for row in rows]
    return [
        [block.rows[row][first + column] if row >= 0 and column >= 0 else "" for column in columns]
        for row in rows
    ]


def note_damage(
    block: DataBlock,
    rows: Sequence[int],
    others: Mapping[tuple[int, int], Cell],
    readings: MedianRows,
    names: Sequence[str],
    notes: Notes,
) -> None:
    """Every damaged cell of a block by well becomes a finding: block, line, well and analyte."""
    for (index, column), cell in others.items():
        if cell.damaged:
            at, sample = readings.locations[index], readings.samples[index]
            part = f"{block.part}, line {block.lines[rows[index]]}"
            notes.damage(cell.text, part, at=at, sample=sample, analyte=names[column])


# Blocks that are kept as they are: other statistics by well or sample, and what is not read.


#: Flags whose limit or direction a bare number would lose.
_TELLING = (VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH, VendorStatus.EXTRAPOLATED)


def kept_blocks(
    parts: BlockFile, readings: MedianRows, notes: Notes, decimal: str
) -> tuple[WideTables, list[Unread]]:
    """Every block that is not in the table of wells, as it stands or by name."""
    statistics: dict[str, Wide] = {}
    unread: list[Unread] = []
    for block in parts.blocks:
        if block.kind.carried or not block.lines or block.is_empty:
            continue
        if block.by_well:
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


def _total_events(parts: BlockFile, readings: MedianRows, decimal: str) -> Wide | None:
    """The events counted in each well, which stand beside the medians."""
    median = parts.find("Median")
    if median is None or "Total Events" not in median.columns:
        return None
    column = median.columns.index("Total Events") - 2
    values, _ = read_cells(median, range(len(readings.keys)), [column], decimal)
    return Wide(*readings.labels, pd.Index(["Total Events"]), values)


def _by_well(block: DataBlock, readings: MedianRows, notes: Notes, decimal: str) -> Wide:
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


def _by_sample(block: DataBlock, notes: Notes, decimal: str) -> Wide:
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


# What the vendor computed and what the blocks by analyte or reagent say.


#: What xPONENT prints as the unit of an assay that has none.
_NO_UNIT = ("bead", "none", "n/a", "")
_SHORT_LOCATION = re.compile(r"(?<!\d)(\d{1,9})\s{0,9},\s{0,9}([A-Za-z]\d{1,2})")


def by_analyte(
    block: DataBlock | None, row_name: str, analytes: list[str], notes: Notes
) -> list[str]:
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
    table = make_analytes(
        analytes,
        bead_ids=beads,
        units=["" if unit.casefold() in _NO_UNIT else unit for unit in units],
        min_beads=[read_cell(text).value for text in least],
    )
    return table, unread


def by_reagent(
    block: DataBlock | None, analytes: list[str], notes: Notes, decimal: str
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
    result: BlockGrid | None, out_of: BlockGrid | None, comments: np.ndarray, shape: tuple[int, int]
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


def text_grid(block: DataBlock | None, readings: MedianRows, notes: Notes) -> np.ndarray:
    """A block of remarks as text, readings x analytes; empty where there is none by well."""
    texts = np.full((len(readings.keys), len(readings.analytes)), "", dtype=object)
    if block is None or not block.by_well:
        return texts
    rows = match_rows(block, readings, notes, partial=False)
    if not block.is_empty:
        columns = match_analytes(block, readings.analytes, notes)
        for index, cells in enumerate(chosen_cells(block, rows, columns)):
            if any(cells):
                texts[index] = cells
    return texts


def instrument_warnings(block: DataBlock | None, plate: int) -> list[Finding]:
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


# Which well holds what, by the names the acquisition software and the kit's blocks use.


#: what xPONENT itself calls the wells of each type
_NAMES = {
    WellType.BLANK: re.compile(r"(background|blank)\s*\d*", re.IGNORECASE),
    WellType.STANDARD: re.compile(r"(standard|std)\s*\d+", re.IGNORECASE),
    WellType.CONTROL: re.compile(r"control\d+", re.IGNORECASE),
}


def type_by_name(sample: str, names: Mapping[WellType, re.Pattern[str]] = _NAMES) -> WellType:
    """What a well holds, by the names that the acquisition software gives itself."""
    named = (kind for kind, pattern in names.items() if pattern.fullmatch(sample))
    return next(named, WellType.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Role:
    """What a sample name stands for, and the reagent whose expected values belong to it."""

    well_type: WellType
    reagent: str = ""


def name_key(name: str) -> str:
    """A name without blanks, dashes, underscores and capitals."""
    return re.sub(r"[\s_\-]+", "", name).casefold()


def assign_roles(
    samples: Iterable[str], standards: Sequence[str], controls: Sequence[str]
) -> tuple[dict[str, Role], list[Finding]]:
    """Give every sample name its role."""
    names = list(dict.fromkeys(samples))
    findings: list[Finding] = []
    matched = {
        **_match(names, controls, WellType.CONTROL, findings),
        **_match(names, standards, WellType.STANDARD, findings),
    }
    roles = {name: matched.get(name) or Role(type_by_name(name)) for name in names}
    return roles, findings


def _match(
    names: Sequence[str], reagents: Sequence[str], well_type: WellType, findings: list[Finding]
) -> dict[str, Role]:
    """Reagents to sample names: to the letter, else by key where nothing fits to the letter."""
    roles: dict[str, Role] = {}
    by_key: dict[str, list[str]] = {}
    for name in names:
        by_key.setdefault(name_key(name), []).append(name)
    for reagent in reagents:
        kind = WellType.BLANK if _NAMES[WellType.BLANK].fullmatch(reagent) else well_type
        if reagent in names:
            roles[reagent] = Role(kind, reagent)
            continue
        close = [name for name in by_key.get(name_key(reagent), []) if name not in reagents]
        for name in close:
            roles[name] = Role(kind, reagent)
            message = f"{name!r} in the wells was taken for the {well_type} {reagent!r}"
            findings.append(Finding("name_matched", message, sample=name))
        if not close and kind is well_type:
            message = f"the {well_type} {reagent!r} has expected values but no well"
            findings.append(Finding("header_mismatch", message, sample=reagent))
    return roles


# The blocks that belong into the table of wells, and what is missing from it.


@dataclass(frozen=True)
class WholeFile:
    """What the file says of all its plates: readings x analytes, and per reading."""

    grids: dict[str, BlockGrid]
    comments: np.ndarray
    dilution: np.ndarray
    roles: dict[str, Role]
    standards: dict[str, np.ndarray]
    controls: tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]


def read_grids(
    parts: BlockFile, readings: MedianRows, notes: Notes, decimal: str
) -> dict[str, BlockGrid]:
    """The blocks that belong into the table of wells, by their role; the first of each."""
    grids: dict[str, BlockGrid] = {}
    for key, kind in KNOWN_BLOCKS.items():
        block = parts.find(key) if kind.role and kind.role not in grids else None
        if block is None or not block.by_well:
            continue
        if block.lines and not (kind.role == "range" and block.is_empty):
            partial = kind.role == "recovery"
            grids[kind.role] = read_grid(block, readings, notes, decimal, partial=partial)
    return grids


def read_whole(parts: BlockFile, readings: MedianRows, notes: Notes, decimal: str) -> WholeFile:
    """Grids, dilutions and expected values of all readings; problems and findings go to notes."""
    grids = read_grids(parts, readings, notes, decimal)
    comments = text_grid(parts.find("Comments"), readings, notes)
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


def _unclear_types(readings: MedianRows, roles: dict[str, Role]) -> list[Finding]:
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
    block: DataBlock | None,
    readings: MedianRows,
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


def _factor_cells(
    block: DataBlock, readings: MedianRows, notes: Notes
) -> tuple[list[str], list[int]]:
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


def missing_readings(readings: MedianRows, whole: WholeFile, plate: int) -> list[Finding]:
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


def file_wells(readings: MedianRows, whole: WholeFile) -> pd.DataFrame:
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


_CRC = re.compile(r"CRC32:\s*([0-9A-Fa-f]{8})")


@dataclass(frozen=True, slots=True)
class BlockFamily:
    """How a family that writes blocks differs from the next."""

    format: str
    ends_with_checksum: bool
    has_header: bool = True


def read_block_plates(raw: RawFile, family: BlockFamily) -> list[Plate]:
    """Every plate of a file in blocks."""
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
    analytes, no_units = analyte_table(parts, readings.analytes, notes)
    curves, other_curves = vendor_curves(parts, readings.analytes, notes, decimal)
    statistics, aside = kept_blocks(parts, readings, notes, decimal)
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
                wells=wells[np.repeat(chosen, len(readings.analytes))].reset_index(drop=True),
                analytes=analytes,
                header=parts.header,
                statistics=statistics.rows(chosen),
                vendor_curves=curves,
                findings=tuple(
                    replace(finding, plate=name)
                    for finding in findings
                    if finding.plate in ("", str(number))
                ),
                unread=(*no_units, *other_curves, *aside, *parts.stray),
            )
        )
    return plates, notes.damaged


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
        if block.kind.of_wells and block.lines and not block.by_well:
            found = ", ".join(map(repr, block.columns[:2]))
            what = f"{block.part}: expected the columns 'Location' and 'Sample', found {found}"
            where = place(notes.file, line=block.line + 1, column=1)
            if block.key == block_key("Median"):
                notes.problems.append(Problem("CK-126", what, where, "export the plate again"))
            else:
                notes.mismatch(f"{what}; it is not read")


def _no_median(parts: BlockFile, median: DataBlock | None) -> Problem:
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
