"""The rows and analytes of the Median block, and what reading a file has noticed so far."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from cytokit.errors import Problem, place
from cytokit.findings import Finding, damaged_value
from cytokit.parsers._block_parts import BESIDE, Block
from cytokit.plate import normal_well
from cytokit.sources.numbers import read_cell
from cytokit.vocabulary import VendorStatus

#: How several plates in one table can be told apart.
STACKED = (
    "save each plate in a file of its own, or number them in the locations: "
    "1(1,A1) for the first plate, 1(2,A1) for the second"
)
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

    @cached_property
    def titles(self) -> pd.Index[str]:
        """The analytes as names of columns, made once too."""
        return pd.Index(self.analytes, dtype="str")


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
    lacking : dict of str to list of int
        Block -> the readings of which it has no row.
    plate : str
        What findings of the whole file carry.
    """

    file: str
    problems: list[Problem] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    renamed: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    lacking: dict[str, list[int]] = field(default_factory=dict)
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


def analyte_places(block: Block) -> dict[str, int]:
    """A block's analytes, and in which column behind the labels each stands.

    All columns are analytes but the first ones and those that stand beside. A name that occurs
    twice gets a number, so that no analyte covers another.
    """
    places: dict[str, int] = {}
    for at, name in enumerate(block.columns[block.first :]):
        if name in BESIDE:
            continue
        number, unique = 2, name
        while unique in places:
            unique, number = f"{name} ({number})", number + 1
        places[unique] = at
    return places


def analyte_columns(block: Block) -> list[str]:
    """A block's analytes in the file's order."""
    return list(analyte_places(block))


def read_readings(block: Block, notes: Notes) -> Readings:
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
        notes.problems.append(repeated_location(block, *again[0], notes.file))
    elif again:
        some = ", ".join(key for key, _ in again[:5]) + (" ..." if len(again) > 5 else "")
        what = f"{block.part}: {len(again)} locations stand twice ({some}): several plates in one"
        where = place(notes.file, line=again[0][1], column=1)
        notes.problems.append(Problem("CK-161", what, where, STACKED))
    elif len(locations) == len(block.samples):
        _check_names(block, locations, notes)
    analytes = _analytes(block, notes)
    return Readings(block.locations, locations, block.samples, analytes)


def _check_names(block: Block, locations: Sequence[Location], notes: Notes) -> None:
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


def _analytes(block: Block, notes: Notes) -> list[str]:
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


def repeated_location(block: Block, key: str, line: int, file: str) -> Problem:
    what = f"{block.part}: location {key!r} stands twice"
    mend = "a line was doubled; export the plate again"
    return Problem("CK-127", what, place(file, line=line), mend)


def note_renamed(notes: Notes) -> None:
    """One finding for every pair of spellings, with the blocks that use the other one."""
    for (name, other), blocks in notes.renamed.items():
        where = ", ".join(dict.fromkeys(blocks))
        message = (
            f"called {name!r} in block 'Median' and {other!r} in {where}; "
            "taken for the same analyte by its position"
        )
        notes.mismatch(message, analyte=name)


def note_lacking(readings: Readings, notes: Notes) -> None:
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
