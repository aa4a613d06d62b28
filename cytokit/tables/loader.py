"""The rows of a plain table as text, from a text file, a workbook or a frame.

Used by :mod:`cytokit.tables`.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from cytokit.errors import InputError, Problem, map_text, place
from cytokit.schema import TABLES
from cytokit.sources.excel import cell_text
from cytokit.sources.raw import RawFile
from cytokit.tables.columns import SYNONYMS, is_unit, plain, split_header

_LINES_ABOVE_HEADER = 40


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as text.

    ``rows`` are (line in the file, cells as wide as the header); ``skipped`` says what else the
    file holds; ``short`` names lines with fewer cells than the header; ``exact`` are the cells, by
    line and column, that a workbook or a frame stores as numbers: their text has a decimal point;
    ``above`` are the cells of the rows above the header.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    path: str
    sha256: str
    exact: frozenset[tuple[int, str]] = frozenset()
    skipped: tuple[str, ...] = ()
    short: tuple[int, ...] = ()
    above: tuple[tuple[str, ...], ...] = ()

    def where(self, line: int, column: str = "") -> str:
        """Where a cell stands."""
        return place(self.path, line=line, column=column)

    def written(self, column: str) -> list[str]:
        """The cells of a column that are text, whose decimal mark is to be found out."""
        at = self.header.index(column)
        return [row[at] for line, row in self.rows if (line, column) not in self.exact]


def load(source: str | Path | pd.DataFrame, wanted: Sequence[str]) -> Grid:
    """The table's header and rows; ``wanted`` are the columns a mapping names."""
    if isinstance(source, pd.DataFrame):
        return _from_frame(source)
    raw = RawFile.open(source)
    raw.require_readable()
    if raw.kind == "workbook":
        return _from_workbook(raw, wanted)
    if raw.kind != "text":
        raise InputError(_no_header(raw.path))
    lines = [(raw.line_of(row), cells) for row, cells in enumerate(raw.rows)]
    grid = _from_lines(lines, raw, wanted)
    if grid is None:
        raise InputError(_no_header(raw.path))
    return grid


def _from_frame(frame: pd.DataFrame) -> Grid:
    digest = hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()
    header = tuple(str(name) for name in frame.columns)
    _refuse_twins(header, "DataFrame")
    values = list(frame.itertuples(index=False, name=None))
    rows = tuple(enumerate((tuple(map(_text, row)) for row in values), start=1))
    return Grid(header, rows, "DataFrame", digest, _stored(values, header, 1))


def _from_workbook(raw: RawFile, wanted: Sequence[str]) -> Grid:
    """The one sheet that holds a table; a workbook with several is ambiguous."""
    found: dict[str, Grid] = {}
    for sheet in raw.sheets:
        texts = [[_text(value) for value in row] for row in sheet.cells]
        grid = _from_lines(list(enumerate(texts, start=1)), raw, wanted)
        if grid is not None:
            found[sheet.name] = replace(grid, exact=_stored(sheet.cells, grid.header, 1))
    if not found:
        raise InputError(_no_header(raw.path))
    ours = {name: grid for name, grid in found.items() if is_samples(grid.header)}
    if len(ours) == 1:  # the workbook of a fit holds its samples among other tables
        found = ours
    if len(found) > 1:
        what = f"{len(found)} sheets hold a table: {', '.join(found)}"
        mend = "keep one table per workbook"
        raise InputError(Problem("CK-248", what, place(raw.path), mend))
    (name, grid), *_ = found.items()
    others = [f"sheet {sheet.name!r}" for sheet in raw.sheets if sheet.name != name]
    return replace(grid, skipped=(*grid.skipped, *others))


def _stored(
    rows: Iterable[Iterable[object]], header: Sequence[str], first: int
) -> frozenset[tuple[int, str]]:
    """The cells that are numbers, by line and column."""
    return frozenset(
        (line, name)
        for line, row in enumerate(rows, start=first)
        for name, cell in zip(header, row, strict=False)
        if isinstance(cell, (int, float))
    )


#: columns that samples.csv of the first release does not have
_LATER = {"precision_pct", "lod", "lloq", "uloq", "uod"}


def is_samples(header: Sequence[str]) -> bool:
    """Whether a header is that of samples.csv, or of the sheet of the same table."""
    return {*TABLES["samples"]} - _LATER <= set(header)


def is_fit_wide(header: Sequence[str]) -> bool:
    """Whether a header is that of the workbook's sheet of samples by analytes."""
    return tuple(header[:4]) == ("plate", "sample", "well_type", "dilution_factor")


def _from_lines(
    lines: Sequence[tuple[int, Sequence[str]]], raw: RawFile, wanted: Sequence[str]
) -> Grid | None:
    """The table under the first line that looks like its header; None where none does."""
    for index, (_, line) in enumerate(lines[:_LINES_ABOVE_HEADER]):
        cells = [cell.strip() for cell in line]
        if not _is_header(cells, wanted):
            continue
        header = tuple(_without_tail(cells))
        _refuse_twins(header, raw.path)
        rows, short = [], []
        for number, row in lines[index + 1 :]:
            if any(cell.strip() for cell in row):
                _refuse_overhang(row, len(header), raw.path, number)
                if len(row) < len(header):
                    short.append(number)
                rows.append((number, tuple((*row, *[""] * len(header))[: len(header)])))
        above = [(number, row) for number, row in lines[:index] if any(cell for cell in row)]
        skipped = tuple(f"line {number}, {row[0]!r}," for number, row in above)
        return Grid(
            header,
            tuple(rows),
            raw.path,
            raw.sha256,
            skipped=skipped,
            short=tuple(short),
            above=tuple(tuple(row) for _, row in above),
        )
    return None


def _is_header(cells: Sequence[str], wanted: Sequence[str]) -> bool:
    """A who, or a value with an analyte, and at least one more named column."""
    named = [cell for cell in cells if cell]
    values = SYNONYMS["value"]
    units = (cell for cell in named if is_unit(cell) and plain(cell) not in values)
    if len(named) < 2 or any(cell not in wanted for cell in units):
        return False
    if any(name in cells for name in wanted):
        return True
    known = {plain(split_header(cell).name) for cell in named}
    who = {*SYNONYMS["sample"], *SYNONYMS["subject"]}
    return bool(known & who) or (
        bool(known & set(values)) and bool(known & set(SYNONYMS["analyte"]))
    )


def _without_tail(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _refuse_twins(header: Sequence[str], path: str) -> None:
    twins = [name for name, count in Counter(header).items() if count > 1]
    if twins:
        names = ", ".join(repr(name) for name in twins)
        mend = "give each column a name of its own"
        what = f"columns that share a name: {names}"
        raise InputError(Problem("CK-243", what, place(path), mend))


def _refuse_overhang(row: Sequence[str], width: int, path: str, line: int) -> None:
    extra = [cell for cell in row[width:] if cell.strip()]
    if extra:
        what = f"the row has more cells than the header ({', '.join(map(repr, extra))} left over)"
        mend = "put text with commas in quotes, or name the last column"
        raise InputError(Problem("CK-249", what, place(path, line=line), mend))


def _text(value: object) -> str:
    """A cell as text, numbers with a decimal point; nothing for a missing value."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else cell_text(float(value))
    return cell_text(value)


def _no_header(path: str) -> Problem:
    return Problem(
        "CK-250",
        "no header of a concentration table was found",
        place(path),
        "name the columns sample or subject, and analyte and value or one column per analyte; "
        f"or say what is what, as in {map_text('sample')}",
    )
