"""What Bio-Plex Manager's exports share: grids, header and legend lines, type codes, names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PureWindowsPath
from typing import cast

from cytokit.errors import Problem, place
from cytokit.parsers._source import CellValue, RawFile, cell_text
from cytokit.plate import normal_well
from cytokit.sources.raw import HEAD_ROWS
from cytokit.sources.rows import LazyRows
from cytokit.vocabulary import WellType

_LABEL = re.compile(r"(e?)(blank|b|standard|std|s|control|ctrl|c|unknown|sample|x)[\s_-]*0*(\d*)")
_TYPES = {"b": WellType.BLANK, "s": WellType.STANDARD, "c": WellType.CONTROL, "x": WellType.UNKNOWN}
_WORDS = {"blank": "b", "standard": "s", "std": "s", "control": "c", "ctrl": "c", "unknown": "x"}
_REGION = re.compile(r"(.*\S)\s+\((\d{1,3})\)")
_HEADER = re.compile(r"([A-Za-z][^:=]{1,60}?):(?:\s+(.*))?", re.DOTALL)
#: lines that explain signs and never hold data of a plate
_LEGENDS = (
    "1 - low bead",
    "sampling errors:",
    "***",
    "*value",
    "oor =",
    "exp conc =",
    "obs conc =",
    "conc in range = unknown",
    "ratio =",
    "--- =",
)
#: lines above a table, as every export of this maker begins
_HEADER_KEYS = ("File Name", "Analyte", "Acquisition Date", "Reader Serial Number", "Plate ID")
#: what the numbers in the column ``Sampling Errors`` mean, as the legend says
SAMPLING_ERRORS = {
    "1": "low bead number",
    "2": "aggregated beads",
    "3": "classify %",
    "4": "region selection",
    "5": "platform temperature",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """One sheet, or the whole of a text file, as rows of cells; it knows where each row stands."""

    raw: RawFile
    sheet: str
    rows: Sequence[Sequence[CellValue]]

    def texts(self, row: int) -> list[str]:
        """One row as text."""
        if self.raw.kind == "text":
            return cast("list[str]", self.rows[row])
        return [cell_text(cell) for cell in self.rows[row]]

    def names_wells(self, row: int) -> bool:
        """Whether the word stands in a row at all: a quick look that need not split the row."""
        if isinstance(self.rows, LazyRows):
            return "well" in self.rows.lines[row].lower()
        return "well" in "".join(self.texts(row)).lower()

    def lines(self, row: int) -> list[str]:
        """What a row outside of tables says: its filled cells, or the text line they were cut from.

        A legend or a date holds commas and semicolons that split it where it is not quoted.
        """
        cells = [text for text in self.texts(row) if text]
        return [f"{self.raw.delimiter} ".join(cells)] if not self.sheet and cells else cells

    def misfit(self, row: int, titles: Sequence[str]) -> Problem | None:
        """CK-148: a table's row with fewer or more cells than its column names (CSV, tab text)."""
        cells = self.texts(row)
        beyond = next((i for i in range(len(titles), len(cells)) if cells[i]), None)
        if beyond is not None:
            what = f"expected {len(titles)} cells, but {cells[beyond]!r} stands beyond"
            column = beyond + 1
        elif not self.sheet and len(cells) < len(titles):
            what = f"expected {len(titles)} cells; the row ends before {titles[len(cells)]!r}"
            column = len(cells) + 1
        else:
            return None
        line = row + 1 if self.sheet else self.raw.line_of(row)
        where = place(self.raw.path, sheet=self.sheet or None, line=line, column=column)
        mend = "the file may be cut off, or a delimiter lost or added; export the plate again"
        return Problem("CK-148", what, where, mend)

    def where(self, row: int, **more: str) -> str:
        """Where a row stands, for messages."""
        line = row + 1 if self.sheet else self.raw.line_of(row)
        return place(self.raw.path, sheet=self.sheet or None, line=line, **more)


def twice_named(grid: Grid, row: int, columns: Sequence[int] | None = None) -> list[Problem]:
    """CK-163: two columns of one name, of which only one could be read.

    Parameters
    ----------
    grid : Grid
    row : int
        That of the column names.
    columns : sequence of int, optional
        Those to be looked at; all where none are given.
    """
    titles = grid.texts(row)
    places: dict[str, list[int]] = {}
    for column in range(len(titles)) if columns is None else columns:
        if key := column_key(titles[column]):
            places.setdefault(key, []).append(column)
    return [
        Problem(
            "CK-163",
            f"two columns are called {titles[same[0]]!r} "
            f"(columns {', '.join(str(column + 1) for column in same)})",
            grid.where(row),
            "delete the column that does not belong here, or export the plate again",
        )
        for same in places.values()
        if len(same) > 1
    ]


@dataclass(frozen=True, slots=True)
class Label:
    """A type code: ``S1``, ``eS3`` (a standard of another plate), ``X12``."""

    text: str
    well_type: WellType
    external: bool
    known: bool


def grids(raw: RawFile) -> list[Grid]:
    """The sheets of a workbook, or the text as one grid."""
    if raw.kind == "workbook":
        return [Grid(raw, sheet.name, sheet.cells) for sheet in raw.sheets]
    return [Grid(raw, "", raw.rows)] if raw.kind == "text" else []


def heads(raw: RawFile) -> list[Grid]:
    """The first rows of each grid, in which a table must have begun, to recognise a file by."""
    if raw.kind == "workbook":
        return [Grid(raw, sheet.name, sheet.cells[:HEAD_ROWS]) for sheet in raw.sheets]
    return [Grid(raw, "", raw.head)] if raw.kind == "text" else []


def trimmed(cells: Sequence[str]) -> list[str]:
    """Without the empty cells at the end."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return list(cells[:end])


@lru_cache(maxsize=4096)
def column_key(title: str) -> str:
    """A column's title as letters and digits: ``(Obs/Exp) * 100`` -> ``obsexp100``.

    R writes ``FI...Bkgd`` and ``X.CV`` for ``FI - Bkgd`` and ``%CV``; both give one key.
    """
    text = re.sub(r"^X\.+", "", title.strip())
    return re.sub(r"[^0-9a-z]+", "", text.casefold())


def split_analyte(printed: str) -> tuple[str, str]:
    """``Hu IL-6 (19)`` -> name and bead region."""
    match = _REGION.fullmatch(printed.strip())
    return (match[1], match[2]) if match else (printed.strip(), "")


def read_label(text: str) -> Label:
    """A type code; one that is none of B, S, eS, C, X counts as unknown and is not ``known``."""
    match = _LABEL.fullmatch(text.strip().casefold())
    if match is None or (match[1] and match[2][0] != "s"):
        return Label(text, WellType.UNKNOWN, external=False, known=False)
    letter = _WORDS.get(match[2], match[2][0])
    letter = "x" if match[2] == "sample" else letter
    return Label(text, _TYPES[letter], external=bool(match[1]), known=True)


def read_wells(text: str) -> tuple[str, ...] | None:
    """``A1,A2`` -> both wells; None where a part is no well."""
    parts = [part for part in re.split(r"[,;\s]+", text.strip()) if part]
    wells = [normal_well(part) for part in parts]
    named = tuple(well for well in wells if well is not None)
    return named if parts and len(named) == len(parts) else None


def is_legend(line: str) -> bool:
    """Whether the line only explains signs."""
    return line.casefold().startswith(_LEGENDS)


def header_line(line: str) -> tuple[str, str] | None:
    """``Plate ID: P7`` -> key and value."""
    match = _HEADER.fullmatch(line.strip())
    return (match[1].strip(), (match[2] or "").strip()) if match else None


def begins_export(text: str) -> bool:
    """Whether a cell is one of the header lines that every export begins with."""
    pair = header_line(text)
    return pair is not None and pair[0] in _HEADER_KEYS


def plate_name(header: dict[str, str], raw: RawFile) -> str:
    """The plate ID, else the name of the run's own file, else the export's."""
    own = PureWindowsPath(header.get("File Name", "").replace("/", "\\")).stem
    return header.get("Plate ID", "") or own or raw.stem


def explain_errors(text: str) -> str:
    """``1,4`` of the column ``Sampling Errors`` in words; empty for 0 and for nothing."""
    codes = [code for code in re.split(r"[,;\s]+", text.strip()) if code not in ("", "0")]
    words = [SAMPLING_ERRORS.get(code, f"code {code}") for code in codes]
    return f"sampling errors: {', '.join(words)}" if words else ""
