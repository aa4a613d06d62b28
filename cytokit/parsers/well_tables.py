"""INTELLIFLEX rows: one line per well under one line of names, closed by a signature."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from cytokit.errors import Problem, place
from cytokit.flags import Finding
from cytokit.parsers.blocks import other_sheets, table_rows
from cytokit.plate import Unread, normal_well
from cytokit.schema import PLATE_COLUMNS, WellType
from cytokit.sources.raw import RawFile

_REPORTER = re.compile(r":\s*RP(\d)\s+(?=\S)", re.IGNORECASE)
_SIGNATURE = "--DOCUMENT SIGNATURE--"


class Reading(NamedTuple):
    """What a column of one region and reporter is called: ``R25: RP1 MEDIAN``."""

    bead: str
    reporter: str
    what: str


def reading_of(title: str) -> Reading | None:
    """Region, reporter and statistic of a column's name; None for a column of another kind."""
    found = _REPORTER.search(title)
    bead = title[: found.start()].rstrip() if found else ""
    return Reading(bead, found[1], title[found.end() :]) if found and bead else None


@dataclass
class RowTable:
    """The file's table, and what is wrong with it."""

    file: str
    head: list[str]
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: set[tuple[str, ...]] = field(default_factory=set)

    def column(self, name: str) -> list[str]:
        """The cells of a named column; empty texts where there is none."""
        at = self._at.get(name)
        return [""] * len(self.rows) if at is None else [row[at] for row in self.rows]

    @cached_property
    def _at(self) -> dict[str, int]:
        """Where each column stands, the first of a name."""
        return {name: at for at, name in reversed(list(enumerate(self.head)))}


def read_row_table(raw: RawFile) -> RowTable:
    """Head, rows and the signature below; rows of another length are problems."""
    rows, line_of = table_rows(raw)
    first = next(index for index, row in enumerate(rows) if any(row))
    width = max(index for index, cell in enumerate(rows[first]) if cell) + 1
    head = [cell.upper() if reading_of(cell) is None else cell for cell in rows[first][:width]]
    table = RowTable(raw.path, head, unread=other_sheets(raw))
    table.problems += _twice_named(head, place(raw.path, line=line_of(first)))
    signed = False
    for index in range(first + 1, len(rows)):
        row, line = rows[index], line_of(index)
        if not any(row):
            continue
        if row[0] == _SIGNATURE:
            signed = True
            reason = "the instrument's signature is not checked"
            table.unread.append(Unread("DOCUMENT SIGNATURE", place(raw.path, line=line), reason))
        elif not signed:
            _add_row(table, row, line)
    if not signed:
        message = f"the file ends without {_SIGNATURE!r}"
        table.findings.append(Finding("no_footer", message))
    return table


def _twice_named(head: Sequence[str], where: str) -> Iterator[Problem]:
    """CK-163: two columns of one name, of which only one could be read."""
    plain = ["".join(title.split()).upper() for title in head]
    for title in dict.fromkeys(plain):
        columns = [index + 1 for index, other in enumerate(plain) if other == title]
        if title and len(columns) > 1:
            numbers = ", ".join(map(str, columns))
            what = f"two columns are called {head[columns[0] - 1]!r} (columns {numbers})"
            mend = "delete the column that does not belong here, or export the plate again"
            yield Problem("CK-163", what, where, mend)


def _add_row(table: RowTable, row: list[str], line: int) -> None:
    width = len(table.head)
    beyond = next((i for i in range(width, len(row)) if row[i]), None)
    if len(row) < width or beyond is not None:
        column = len(row) + 1 if beyond is None else beyond + 1
        found = "the row ends" if beyond is None else f"{row[beyond]!r} stands beyond"
        what = f"expected {width} cells as in the first line; {found}"
        where = place(table.file, line=line, column=column)
        mend = "the file may be cut off, or a delimiter lost or added; export the plate again"
        table.problems.append(Problem("CK-130", what, where, mend))
        return
    at = table.head.index("WELL LOCATION")
    if normal_well(row[at]) is None:
        where = place(table.file, line=line, column=at + 1)
        what = f"expected a well such as 'A1', found {row[at]!r}"
        table.problems.append(Problem("CK-132", what, where, "wells are A1 to P24"))
        return
    if tuple(row) in table.seen:
        where = place(table.file, line=line)
        what = f"the line of well {row[at]} stands twice"
        table.problems.append(Problem("CK-133", what, where, "export the plate again"))
        return
    table.seen.add(tuple(row))
    table.rows.append(row[:width])
    table.lines.append(line)


# The tidy table of a plate, built by columns: 384 wells x 100 analytes are 38,400 rows.


#: Columns of the table that hold text.
_TEXTS = frozenset({"well", "sample", "well_type", "analyte", "vendor_status", "comment"})


def well_table(
    wells: Sequence[str],
    samples: Sequence[str],
    well_types: Sequence[WellType],
    analytes: Sequence[str],
    *,
    dilution: np.ndarray,
    grids: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """One row per reading and analyte, with the columns of :data:`PLATE_COLUMNS`."""
    n, k = len(wells), len(analytes)
    readings, columns_of = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    columns: dict[str, object] = {
        "well": text_array(wells).take(readings),
        "sample": text_array(samples).take(readings),
        "well_type": text_array([str(kind) for kind in well_types]).take(readings),
        "analyte": text_array(analytes).take(columns_of),
        "dilution_factor": np.repeat(dilution, k),
    }
    empty = text_array([""]).take(np.zeros(n * k, dtype=int))
    for name in PLATE_COLUMNS:
        if name in columns:
            continue
        grid = grids.get(name)
        if name in _TEXTS:
            columns[name] = empty if grid is None else text_array(grid.ravel())
        else:
            columns[name] = np.full(n * k, np.nan) if grid is None else grid.ravel()
    return pd.DataFrame(columns, columns=list(PLATE_COLUMNS), copy=False)


def blanks_are_zero(well_types: Sequence[WellType], expected: np.ndarray) -> np.ndarray:
    """Expected concentrations with 0 for blanks; changes and gives back ``expected``."""
    expected[[kind is WellType.BLANK for kind in well_types]] = 0.0
    return expected


def text_array(values: Sequence[str] | np.ndarray) -> ExtensionArray:
    """Texts as a column of pandas' ``str``."""
    return pd.array(np.asarray(values, dtype=object), dtype="str")


# Other statistics of a file, one wide table each; most are never looked at, so each waits.


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """What a wide table is made of."""

    wells: pd.Series
    samples: pd.Series
    names: pd.Index
    cells: np.ndarray

    def rows(self, chosen: np.ndarray) -> Wide:
        """The rows of one plate; a table by sample belongs to all plates of the file."""
        if len(self.wells) != len(chosen) or chosen.all() or not self.wells.iloc[0]:
            return self
        labels = (part[chosen].reset_index(drop=True) for part in (self.wells, self.samples))
        wells, samples = labels
        return replace(self, wells=wells, samples=samples, cells=self.cells[chosen])

    def table(self) -> pd.DataFrame:
        """The table: ``well``, ``sample`` and the further columns."""
        dtype = None if self.cells.dtype.kind == "f" else "str"
        labels = pd.DataFrame({"well": self.wells, "sample": self.samples})
        values = pd.DataFrame(self.cells, columns=self.names, dtype=dtype)
        return pd.concat([labels, values], axis=1)


class WideTables(Mapping[str, pd.DataFrame]):
    """Tables by name, each made when first asked for and then kept."""

    def __init__(self, parts: Mapping[str, Wide]) -> None:
        self._parts = dict(parts)
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._made:
            self._made[name] = self._parts[name].table()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"<tables {', '.join(self._parts)}>"

    def rows(self, chosen: np.ndarray) -> WideTables:
        """The tables of one plate of the file."""
        return WideTables({name: part.rows(chosen) for name, part in self._parts.items()})


# Which well holds what, by the names the acquisition software and the kit's blocks use.


_BLANK = re.compile(r"(background|blank)\s*\d*", re.IGNORECASE)
_STANDARD = re.compile(r"(standard|std)\s*\d+", re.IGNORECASE)
_CONTROL = re.compile(r"control\d+", re.IGNORECASE)


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
    roles = {name: matched.get(name) or Role(_own_type(name)) for name in names}
    return roles, findings


def _own_type(name: str) -> WellType:
    """By the acquisition software's own names."""
    for pattern, well_type in (
        (_BLANK, WellType.BLANK),
        (_STANDARD, WellType.STANDARD),
        (_CONTROL, WellType.CONTROL),
    ):
        if pattern.fullmatch(name):
            return well_type
    return WellType.UNKNOWN


def _match(
    names: Sequence[str], reagents: Sequence[str], well_type: WellType, findings: list[Finding]
) -> dict[str, Role]:
    """Reagents to sample names: to the letter, else by key where nothing fits to the letter."""
    roles: dict[str, Role] = {}
    by_key: dict[str, list[str]] = {}
    for name in names:
        by_key.setdefault(name_key(name), []).append(name)
    for reagent in reagents:
        kind = WellType.BLANK if _BLANK.fullmatch(reagent) else well_type
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


# What every parser reads from: :class:`RawFile` and its sheets.
