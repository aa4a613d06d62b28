"""F3: Bio-Plex Manager, one table per analyte (.xls, .xlsx, tab text).

One sheet per analyte, all of them stacked in one sheet, or one text file; a second table may
follow with one row per single well. Header lines stand above a table; legend, regression and
equation below it. How means of replicates are kept: :mod:`cytokit.parsers.bioplex`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cytokit.errors import Problem, did_you_mean
from cytokit.parsers.bioplex import (
    Contents,
    CurveText,
    Grid,
    Record,
    assemble,
    begins_export,
    column_key,
    grids,
    header_line,
    heads,
    is_curve_line,
    is_legend,
    read_wells,
    take_line,
    trimmed,
    twice_named,
)
from cytokit.plate import Plate, Unread
from cytokit.sources.raw import RawFile

NAME = "bioplex_analyte"
TITLE = "Bio-Plex Manager, one table per analyte"
_ABSENT = ("", "NA", "N/A")


def sniff(raw: RawFile) -> bool:
    """Whether a table with Type, Well and FI columns for one analyte at a time stands in it."""
    return any(
        grid.names_wells(row) and _begins_table(grid, row)
        for grid in heads(raw)
        for row in range(len(grid.rows))
    )


def read(raw: RawFile) -> list[Plate]:
    """Read the plate."""
    contents = Contents()
    tables = 0
    for grid in grids(raw):
        rows = range(len(grid.rows))
        if not any(_titles(grid, row) for row in rows):
            if any(any(grid.texts(row)) for row in rows):
                reason = "a sheet without a table of readings"
                contents.unread.append(Unread(f"sheet {grid.sheet!r}", grid.where(0), reason))
            continue
        walk = _Walk(grid, contents, tables)
        for row in rows:
            walk.take(row)
        walk.finish()
        tables = walk.table
    return [assemble(raw, NAME, contents)]


def _begins_table(grid: Grid, row: int) -> bool:
    """Whether a row is a table's head and the rows below, if any, name wells: no text about one."""
    cells = grid.texts(row)
    if _titles(grid, row) is None:
        return False
    at = [column_key(cell) for cell in cells].index("well")
    below = [grid.texts(index) for index in range(row + 1, len(grid.rows))]
    named = [texts[at] for texts in below if len(texts) > at and texts[at]]
    return not named or any(read_wells(text) is not None for text in named)


def _titles(grid: Grid, row: int) -> dict[str, int] | None:
    """Column positions by printed title, if the row is the head of a table of this family.

    Where one statistic stands in several columns, each under an analyte, it is another family's.
    """
    cells = grid.texts(row)
    keys = [column_key(cell) for cell in cells]
    found = [key for key in keys if key in ("fi", "fibkgd", "obsconc", "expconc")]
    if "type" not in keys or "well" not in keys:
        return None
    if len(set(found)) < (1 if "analyte" in keys else 2):
        return None
    if len(found) != len(set(found)):
        above = grid.texts(row - 1) if row else []
        twice = [i for i, key in enumerate(keys) if found.count(key) > 1]
        if all(i < len(above) and above[i] for i in twice):
            return None
    return {cell: index for index, cell in enumerate(cells) if cell}


@dataclass
class _Walk:
    """One pass over a grid: which table, analyte and curve the current row belongs to."""

    grid: Grid
    contents: Contents
    table: int
    titles: dict[str, int] | None = None
    names: list[str] = field(default_factory=list)
    announced: str = ""
    analytes: list[str] = field(default_factory=list)
    curve: CurveText = field(default_factory=CurveText)
    lines: list[tuple[int, str]] = field(default_factory=list)

    def take(self, row: int) -> None:
        """One row, whatever it is."""
        cells = self.grid.texts(row)
        titles = _titles(self.grid, row)
        if titles is not None:
            self._close_curve()
            self.contents.problems += twice_named(self.grid, row)
            if not self.titles:
                self.analytes = []
            self.titles, self.names = titles, trimmed(cells)
            self.table += 1
        elif not any(cells):
            pass  # a blank row may stand in a table that was edited by hand
        elif self.titles is not None and self._is_data(cells):
            self._record(row, cells)
        else:
            self.titles = None
            for line in self.grid.lines(row):
                self._line(row, line)

    def finish(self) -> None:
        """After the last row."""
        self._close_curve()

    def _at(self, cells: Sequence[str], key: str) -> str:
        titles = self.titles or {}
        index = next((i for t, i in titles.items() if column_key(t) == key), None)
        return cells[index] if index is not None and index < len(cells) else ""

    def _is_data(self, cells: Sequence[str]) -> bool:
        """A row with a type code, or one that names an analyte beside cells that say nothing."""
        if self._at(cells, "type") and read_wells(self._at(cells, "well")) is not None:
            return True  # whatever the analyte is called, be it like the beginning of a legend
        first = next(filter(None, cells))
        if is_legend(first) or is_curve_line(first) or begins_export(first):
            return False
        if self._at(cells, "type") or self._at(cells, "well"):
            return True
        return bool(self._at(cells, "analyte")) and sum(map(bool, cells)) > 1

    def _record(self, row: int, cells: Sequence[str]) -> None:
        analyte = self._at(cells, "analyte") or self.announced
        label, wells_text = self._at(cells, "type"), self._at(cells, "well")
        where = self.grid.where(row)
        if label in _ABSENT and wells_text in _ABSENT:
            reason = "a row without type, well and readings"
            self.contents.unread.append(Unread(f"analyte {analyte}", where, reason))
            return
        if (misfit := self.grid.misfit(row, self.names)) is not None:
            self.contents.problems.append(misfit)
            return
        wells = read_wells(wells_text)
        if wells is None:
            what = f"{wells_text!r} in column 'Well' names no well"
            mend = "a delimiter may be lost or added in this row; export the plate again"
            self.contents.problems.append(Problem("CK-140", what, where, mend))
            return
        if not analyte:
            mend = "the header line 'Analyte:' is lost; export the plate again"
            what = "readings without the name of an analyte"
            self.contents.problems.append(Problem("CK-142", what, where, mend))
            return
        raw_cells = self.grid.rows[row]
        values = {t: raw_cells[i] for t, i in (self.titles or {}).items() if i < len(raw_cells)}
        self.contents.records.append(Record(analyte, label, wells, values, where, self.table))
        if analyte not in self.analytes:
            self.analytes.append(analyte)

    def _line(self, row: int, text: str) -> None:
        """A line outside of tables."""
        if is_curve_line(text):
            self.curve = take_line(self.curve, text)
            self.lines.append((row, text))
            return
        pair = header_line(text)
        if pair is not None and pair[0] == "Analyte":
            self._close_curve()
            self.announced, self.analytes = pair[1], []
        else:
            self.contents.take_line(self.grid, row, text)

    def _close_curve(self) -> None:
        """Give the curve to the one analyte whose table stands above it."""
        if not self.lines:
            return
        names = self.analytes or [self.announced]
        known = {record.analyte for record in self.contents.records}
        if len(names) == 1 and names[0] in known:
            self.contents.curves[names[0]] = self.curve
        else:
            near = did_you_mean(names[0], sorted(known)) if names else ""
            reason = f"it cannot be said whose curve this is{f' ({near})' if near else ''}"
            row, text = self.lines[0]
            self.contents.unread.append(Unread(text[:200], self.grid.where(row), reason))
        self.curve, self.lines = CurveText(), []
