"""INTELLIFLEX's exports: blocks as xPONENT writes them, or one row per well.

* ``intelliflex_blocks``: xPONENT's blocks under other names, ISO dates, no checksum at the end.
* ``intelliflex``: one row per well with columns such as ``R25: RP1 MEDIAN`` for one or two
  reporters, closed by a signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from cytokit.errors import Problem, place
from cytokit.flags import Finding, damaged_value
from cytokit.parsers.block_plates import XPONENT_RUN, BlockFamily, read_block_plates
from cytokit.parsers.blocks import other_sheets, program_cells, raise_together, table_rows
from cytokit.parsers.registry import RunKeys, parser
from cytokit.parsers.well_tables import (
    Wide,
    WideTables,
    blanks_are_zero,
    row_misfit,
    twice_named,
    well_table,
)
from cytokit.plate import Plate, SourceInfo, Unread, make_analytes, normal_well
from cytokit.schema import WellType
from cytokit.sources.numbers import decide_decimal, read_dilution, read_row
from cytokit.sources.raw import RawFile


def _is_blocks(raw: RawFile) -> bool:
    """Whether the first line names xPONENT and INTELLIFLEX."""
    cells = [cell.casefold() for cell in program_cells(raw)]
    return "xponent" in cells and "intelliflex" in cells


@parser(
    "intelliflex_blocks",
    "INTELLIFLEX blocks (first line 'Program,xPONENT,,Intelliflex')",
    sniff=_is_blocks,
    run=XPONENT_RUN,
)
def read_blocks_of_intelliflex(raw: RawFile) -> list[Plate]:
    """Every plate of the file."""
    return read_block_plates(raw, BlockFamily("intelliflex_blocks", ends_with_checksum=False))


# One row per well.


_REPORTER = re.compile(r":\s*RP(\d)\s+(?=\S)", re.IGNORECASE)
_SIGNATURE = "--DOCUMENT SIGNATURE--"
#: What the table of wells takes; everything else of an analyte is kept in ``statistics``.
_GRIDS = {"MEDIAN": "mfi", "NET MEDIAN": "net_mfi", "COUNT": "bead_count"}
_LABELS = ("ANALYTE NAME", "REGION")
_TYPES = {
    "U": WellType.UNKNOWN,
    "X": WellType.UNKNOWN,
    "S": WellType.STANDARD,
    "B": WellType.BLANK,
    "C": WellType.CONTROL,
}
_FINE = {"", "ok", "complete", "completed", "acquired", "success", "passed", "n/a", "none"}


def _is_rows(raw: RawFile) -> bool:
    """Whether the first line names wells and reporters."""
    head = next((row for row in raw.head[:5] if any(row)), [])
    upper = {cell.upper() for cell in head}
    return "WELL LOCATION" in upper and any(map(reading_of, head))


@parser(
    "intelliflex",
    "INTELLIFLEX rows (columns 'WELL LOCATION', 'SAMPLE ID', 'R25: RP1 MEDIAN')",
    sniff=_is_rows,
    run=RunKeys(
        date=("PLATE START", "PLATE END"),
        instrument=("SERIAL NUMBER",),
        model=("MODEL NAME", "INSTRUMENT TYPE"),
        panel=("PANEL NAME", "PROTOCOL NAME"),
    ),
)
def read_rows(raw: RawFile) -> list[Plate]:
    """Every plate of the file, by plate name."""
    table = read_row_table(raw)
    beads = _beads(table.head)
    if not any("MEDIAN" in bead.columns for bead in beads) or not table.rows:
        what = "no column 'R..: RP1 MEDIAN'" if table.rows else "no row of readings"
        mend = "export the plate again with the medians"
        table.problems.append(Problem("CK-131", what, place(raw.path), mend))
    raise_together(table.problems)
    names = table.column("PLATE NAME")
    numbers = [at for bead in beads for title, at in bead.columns.items() if title not in _LABELS]
    cells = (row[at] for row in table.rows for at in numbers)
    decimal = decide_decimal(cells, asked=raw.asked_decimal, file=raw.path)
    source = SourceInfo(raw.path, raw.sha256, "intelliflex", raw.encoding, raw.delimiter, decimal)
    plates = []
    places: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        places.setdefault(name, []).append(index)
    for name, chosen in places.items():
        part = replace(
            table,
            rows=[table.rows[index] for index in chosen],
            lines=[table.lines[index] for index in chosen],
            findings=list(table.findings),
            problems=[],
        )
        plates.append(_plate(part, beads, name or raw.stem, source, decimal))
    return plates


class ReadingTitle(NamedTuple):
    """What a column of one region and reporter is called: ``R25: RP1 MEDIAN``."""

    bead: str
    reporter: str
    what: str


def reading_of(title: str) -> ReadingTitle | None:
    """Region, reporter and statistic of a column's name; None for a column of another kind."""
    found = _REPORTER.search(title)
    bead = title[: found.start()].rstrip() if found else ""
    return ReadingTitle(bead, found[1], title[found.end() :]) if found and bead else None


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
    keys = {at: "".join(title.split()).upper() for at, title in enumerate(head)}
    table.problems += twice_named(keys, head, place(raw.path, line=line_of(first)))
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


def _add_row(table: RowTable, row: list[str], line: int) -> None:
    if (misfit := row_misfit(row, table.head)) is not None:
        what = f"a row that does not fit the first line: {misfit[0]}"
        where = place(table.file, line=line, column=misfit[1])
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
    table.rows.append(row[: len(table.head)])
    table.lines.append(line)


@dataclass(frozen=True, slots=True)
class _BeadColumns:
    """One region seen by one reporter: where its columns are."""

    bead: str
    reporter: str
    columns: dict[str, int]


def _beads(head: list[str]) -> list[_BeadColumns]:
    """Regions in the file's order, each with the columns of each reporter."""
    beads: dict[tuple[str, str], _BeadColumns] = {}
    for index, title in enumerate(head):
        reading = reading_of(title)
        if reading is not None:
            key = (reading.bead, reading.reporter)
            bead = beads.setdefault(key, _BeadColumns(*key, {}))
            bead.columns[reading.what.upper()] = index
    return [bead for bead in beads.values() if "MEDIAN" in bead.columns]


def _labels(table: RowTable, bead: _BeadColumns, what: str) -> list[str]:
    """The different names (or region numbers) that the rows give, NaN left out."""
    at = bead.columns.get(what)
    cells = [row[at] for row in table.rows] if at is not None else []
    return list(dict.fromkeys(cell for cell in cells if cell and cell.casefold() != "nan"))


def _analytes(table: RowTable, beads: list[_BeadColumns]) -> pd.DataFrame:
    """Names, unique; with the reporter where there are two."""
    two = len({bead.reporter for bead in beads}) > 1
    names: list[str] = []
    regions = []
    for bead in beads:
        found = _labels(table, bead, "ANALYTE NAME")
        name = found[0] if found else bead.bead
        if len(found) > 1:
            message = f"{bead.bead} is called {', '.join(map(repr, found))} in different rows"
            table.findings.append(Finding("header_mismatch", message, analyte=name))
        name = f"{name} (RP{bead.reporter})" if two else name
        if name in names:
            message = f"two regions carry the name {name!r}; the second is {name} {bead.bead}"
            table.findings.append(Finding("header_mismatch", message, analyte=name))
            name = f"{name} {bead.bead}"
        names.append(name)
        numbers = _labels(table, bead, "REGION")
        regions.append(numbers[0] if numbers else bead.bead.lstrip("Rr"))
    return make_analytes(names, bead_ids=regions)


def _plate(
    table: RowTable, beads: list[_BeadColumns], name: str, source: SourceInfo, decimal: str
) -> Plate:
    """One plate of the rows that carry its name."""
    wells = [normal_well(text) or text for text in table.column("WELL LOCATION")]
    samples = [
        sample or kind
        for sample, kind in zip(table.column("SAMPLE ID"), table.column("WELL TYPE"), strict=True)
    ]
    analytes = _analytes(table, beads)
    names = list(analytes["analyte"])
    types = list(_types(table, wells, samples))
    labels = pd.Series(wells, dtype="str"), pd.Series(samples, dtype="str")
    statistics: dict[str, Wide] = {}
    grids: dict[str, np.ndarray] = {}
    for what in dict.fromkeys(key for bead in beads for key in bead.columns):
        if what in _LABELS:
            continue
        values = _grid(table, beads, what, (wells, samples, names), decimal)
        if what in _GRIDS:
            grids[_GRIDS[what]] = values
        else:
            statistics[what] = Wide(*labels, pd.Index(names, dtype="str"), values)
    grids["expected"] = blanks_are_zero(types, np.full((len(wells), len(names)), np.nan))
    _note_missing(table, wells, samples, grids["mfi"], names)
    header, varying = _other_columns(table)
    cells = np.array(list(varying.values()), dtype=object).reshape(len(varying), len(wells)).T
    statistics["wells"] = Wide(*labels, pd.Index(list(varying), dtype="str"), cells)
    return Plate(
        name=name,
        source=source,
        wells=well_table(
            wells,
            samples,
            types,
            names,
            dilution=_dilution(table, wells, samples, types, decimal),
            grids=grids,
        ),
        analytes=analytes,
        header=header,
        statistics=WideTables(statistics),
        findings=tuple(replace(finding, plate=name) for finding in table.findings),
        unread=tuple(table.unread),
    )


def _grid(
    table: RowTable,
    beads: list[_BeadColumns],
    what: str,
    labels: tuple[list[str], list[str], list[str]],
    decimal: str,
) -> np.ndarray:
    """One statistic of all analytes; damage becomes findings."""
    wells, samples, names = labels
    values = np.full((len(wells), len(names)), np.nan)
    for index, row in enumerate(table.rows):
        cells = [row[bead.columns[what]] if what in bead.columns else "" for bead in beads]
        values[index], others = read_row(cells, decimal)
        for column, cell in others.items():
            if cell.damaged:
                part = f"column '{what}', line {table.lines[index]}"
                finding = damaged_value(
                    cell.text,
                    part,
                    well=wells[index],
                    sample=samples[index],
                    analyte=names[column],
                )
                table.findings.append(finding)
    return values


def _types(table: RowTable, wells: list[str], samples: list[str]) -> Iterator[WellType]:
    """Well types by the instrument's own codes (U1, S1, B, C1)."""
    for well, sample, code in zip(wells, samples, table.column("WELL TYPE"), strict=True):
        kind = _TYPES.get(code.rstrip("0123456789").upper())
        if kind is None:
            message = f"the well type {code!r} is not known; taken as an unknown sample"
            table.findings.append(Finding("well_type_unclear", message, "", well, sample))
        yield kind or WellType.UNKNOWN


def _dilution(
    table: RowTable, wells: list[str], samples: list[str], types: list[WellType], decimal: str
) -> np.ndarray:
    """The factor of unknowns and controls; NaN, with a finding, where it cannot be read."""
    factors = np.ones(len(wells))
    if "DILUTION" not in table.head:
        return factors
    for index, text in enumerate(table.column("DILUTION")):
        if types[index] in (WellType.STANDARD, WellType.BLANK):
            continue
        factor = read_dilution(text, decimal)
        factors[index] = factor.value
        if not factor.known:
            message = f"line {table.lines[index]}: {factor.reason}; no concentration without it"
            finding = Finding("dilution_unclear", message, "", wells[index], samples[index])
            table.findings.append(finding)
    return factors


def _note_missing(
    table: RowTable, wells: list[str], samples: list[str], mfi: np.ndarray, names: list[str]
) -> None:
    """One finding per well without medians or with a status that is not fine; repeated wells."""
    seen: set[str] = set()
    for index, (well, status) in enumerate(zip(wells, table.column("WELL STATUS"), strict=True)):
        lacking = int(np.isnan(mfi[index]).sum())
        if lacking:
            message = f"no median for {lacking} of {len(names)} analytes"
            table.findings.append(Finding("missing_value", message, "", well, samples[index]))
        if status.casefold() not in _FINE:
            message = f"well status {status!r}"
            table.findings.append(Finding("instrument_warning", message, "", well, samples[index]))
        if well in seen:
            message = f"line {table.lines[index]} reads this well once more"
            table.findings.append(Finding("repeated_well", message, "", well, samples[index]))
        seen.add(well)


def _other_columns(table: RowTable) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Columns that are the same in every row are the header; the others stay by well."""
    header: dict[str, str] = {}
    varying: dict[str, list[str]] = {}
    for title in table.head:
        if reading_of(title) or title in ("WELL LOCATION", "SAMPLE ID"):
            continue
        cells = table.column(title)
        if len(set(cells)) == 1:
            header[title] = cells[0]
        else:
            varying[title] = cells
    return header, varying
