"""Tables as CSV that nothing changes on its way: byte-identical, exact, and safe to open in Excel.

Text cells that a spreadsheet would calculate are guarded: see :mod:`cytokit.cell_text`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cytokit.cell_text import guard, unguard
from cytokit.errors import InputError, OutputError, Problem, did_you_mean, place
from cytokit.schema import Kind, column_named

if TYPE_CHECKING:
    from cytokit.curves.fit import StandardCurve
    from cytokit.curves.platefit import PlateFit
    from cytokit.plate import Plate


# The low end of reading a CSV of ours: lines of equal length, and cells that become a column.


_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class CsvLine:
    """The cells of one row and the number of the line on which it ends."""

    number: int
    cells: list[str]


def read_lines(path: str | Path) -> list[CsvLine]:
    """All rows of a CSV file, the header first, each as long as the header."""
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        lines = [CsvLine(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        what = f"the table is damaged: {error}"
        raise InputError(Problem("CK-544", what, place(path, line=reader.line_num))) from error
    if not lines:
        mend = "the first line names each column"
        raise InputError(Problem("CK-544", "the table is empty", place(path), mend))
    width = len(lines[0].cells)
    problems = [
        Problem(
            "CK-545",
            f"{len(line.cells)} cells where the header names {width} columns",
            place(path, line=line.number),
            "save the table as comma-separated CSV",
        )
        for line in lines
        if len(line.cells) != width
    ]
    if problems:
        raise InputError(*problems)
    return lines


def typed_column(
    cells: Sequence[str], kind: Kind, unguard: Callable[[str], str]
) -> tuple[pd.Series, list[int]]:
    """Cells as a column of one kind."""
    if kind == "any":
        kind = _spelled_kind(cells)
    if kind == "text":
        return pd.Series([unguard(cell) for cell in cells], dtype="str"), []
    if kind == "boolean":
        truths = [_TRUTH.get(cell.casefold()) for cell in cells]
        wrong = [index for index, truth in enumerate(truths) if truth is None]
        return pd.Series([bool(truth) for truth in truths], dtype="bool"), wrong
    numbers = [_number(cell) for cell in cells]
    wrong = [index for index, number in enumerate(numbers) if number is None]
    column = pd.Series(numbers, dtype="float64")
    whole = kind == "integer" and not column.isna().any()
    return (column.astype("int64") if whole else column), wrong


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        what = f"the table cannot be read: {error.strerror or error}"
        raise InputError(Problem("CK-542", what, place(path), "check the name")) from error
    except UnicodeDecodeError as error:
        what = f"the table is not UTF-8 (byte {error.start + 1})"
        mend = "save the table as CSV UTF-8"
        raise InputError(Problem("CK-543", what, place(path), mend)) from error


def _number(cell: str) -> float | None:
    """The number in a cell, NaN in an empty one, None where there is none."""
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        return None


def _spelled_kind(cells: Sequence[str]) -> Kind:
    """The kind in whose spelling all cells are written, so that reading loses nothing."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return "text"
    if all(cell in _TRUTH for cell in cells):
        return "boolean"
    numbers = [_number(cell) for cell in filled]
    if any(
        number is None or repr(number).removesuffix(".0") != cell
        for number, cell in zip(numbers, filled, strict=True)
    ):
        return "text"
    whole = all(cell.removeprefix("-").isdecimal() and cell != "-0" for cell in cells)
    return "integer" if whole else "number"


_NEEDS_QUOTES = re.compile(r'[,"\r\n]|^\s|\s$')
_BOM = "\ufeff"


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number; empty for NaN."""
    if value != value:
        return ""
    return repr(value).removesuffix(".0")


def table_text(frame: pd.DataFrame) -> str:
    """A frame as CSV text: LF line ends, no index, empty for what is missing."""
    names = [guard(str(name)) for name in frame.columns]
    header = [_quote_single(name) if len(names) == 1 else _quote(name) for name in names]
    return "\n".join([",".join(header), *_rows(frame)]) + "\n"


def rows_bytes(frame: pd.DataFrame) -> bytes:
    """The rows of a frame as :func:`table_bytes` writes them, without the header."""
    return _encoded("".join(f"{line}\n" for line in _rows(frame)))


def table_bytes(frame: pd.DataFrame, *, excel: bool = False) -> bytes:
    """A frame as the bytes of its CSV file."""
    return _encoded((_BOM if excel else "") + table_text(frame))


def _encoded(text: str) -> bytes:
    """Text as UTF-8, or the error that names the line."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        problem = Problem(
            "CK-541",
            "a text holds half a character and cannot be written as UTF-8",
            place(line=line),
            "rename the file, or mend the name in the export or layout",
        )
        raise OutputError(problem) from error


def write_table(frame: pd.DataFrame, path: str | Path, *, excel: bool = False) -> None:
    """Write a frame as CSV."""
    content = table_bytes(frame, excel=excel)
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        what = f"the table cannot be written: {error.strerror or error}"
        mend = "check that the folder exists and that the file is not open elsewhere"
        raise OutputError(Problem("CK-540", what, place(path), mend)) from error


def read_table(path: str | Path, *, kinds: Mapping[str, Kind] | None = None) -> pd.DataFrame:
    """Read a CSV that :func:`write_table` wrote, or that a spreadsheet saved from it.

    Columns of the data dictionary (:mod:`cytokit.schema`) have the kind it says. Any other
    column becomes numbers or booleans only if every cell is spelled just as it would be written,
    so that nothing is lost: ``007`` stays text. Missing text and empty text are one.
    """
    first, *rows = read_lines(path)
    header = _header(path, first)
    if kinds:
        _check_names(path, kinds, header)
    asked = _kinds(header) | dict(kinds or {})
    columns, problems = {}, []
    for position, name in enumerate(header):
        cells = [row.cells[position] for row in rows]
        columns[name], wrong = typed_column(cells, asked.get(name, "any"), unguard)
        problems += [
            Problem(
                "CK-546",
                f"{cells[index]!r} is no {asked[name]}",
                place(path, line=rows[index].number, column=name),
                "write the value as cytokit writes it, or leave the cell empty",
            )
            for index in wrong
        ]
    if problems:
        raise InputError(*problems)
    return pd.DataFrame(columns, columns=header)


def _kinds(header: Sequence[str]) -> dict[str, Kind]:
    """The kinds of the columns that the schema knows."""
    known = {name: column_named(name) for name in header}
    return {name: column.kind for name, column in known.items() if column is not None}


def _header(path: str | Path, first: CsvLine) -> list[str]:
    """The column names, each once."""
    names = [unguard(cell) for cell in first.cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        what = f"column {twice[0]!r} stands twice"
        raise InputError(Problem("CK-544", what, place(path, line=1), "name each column once"))
    return names


def _check_names(path: str | Path, kinds: Mapping[str, Kind], header: list[str]) -> None:
    """Refuse a kind for a column that is not there."""
    problems = [
        Problem(
            "CK-547",
            f"the table has no column {name!r}",
            place(path, line=1),
            f"its columns are {', '.join(header)}",
            did_you_mean(name, header),
        )
        for name in kinds
        if name not in header
    ]
    if problems:
        raise InputError(*problems)


def _rows(frame: pd.DataFrame) -> list[str]:
    """The lines of a frame, without their ends."""
    columns = [_cells(frame.iloc[:, position]) for position in range(frame.shape[1])]
    if len(columns) == 1:  # a lone empty cell is quoted: an empty line would be no row
        return [cell or '""' for cell in columns[0]]
    return list(map(",".join, zip(*columns, strict=True)))


def _cells(column: pd.Series) -> list[str]:
    """One column as cell texts, quoted where CSV needs it."""
    values = column.tolist()
    if pd.api.types.is_bool_dtype(column.dtype):
        return ["true" if value else "false" for value in values]
    if pd.api.types.is_float_dtype(column.dtype):
        return _numbers(values)
    if isinstance(column.dtype, pd.StringDtype):
        texts = _Texts()
        return [texts[value] for value in values]
    return [_quote(_cell(value)) for value in values]


def _numbers(values: list[float]) -> list[str]:
    """Floats as :func:`number_text` writes them, a whole column at once."""
    texts = [text[:-2] if text.endswith(".0") else text for text in map(repr, values)]
    if "nan" in texts:
        return ["" if text == "nan" else text for text in texts]
    return texts


class _Texts(dict[object, str]):
    """Cell texts of a column, each made once: names repeat from row to row."""

    def __missing__(self, value: object) -> str:
        made = self[value] = _quote(_cell(value))
        return made


def _cell(value: object) -> str:
    """One cell of a column of mixed or text type."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    return guard(str(value))


def _quote(cell: str) -> str:
    if _NEEDS_QUOTES.search(cell):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _quote_single(cell: str) -> str:
    """A lone empty cell is quoted: an empty line would be no row."""
    return _quote(cell) or '""'


# A fit's tables, each taken once: a fit makes some of them anew whenever it is asked.


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What page and workbook show of a fit, or of one of its plates."""

    plates: tuple[Plate, ...]
    curves: Mapping[tuple[str, str], StandardCurve]
    table: pd.DataFrame
    standards: pd.DataFrame
    wells: pd.DataFrame
    samples: pd.DataFrame
    flags: pd.DataFrame
    exclusions: pd.DataFrame

    def of(self, plate: Plate) -> Shown:
        """The rows that concern one plate."""
        return next(self.each([plate]))

    def each(self, plates: Iterable[Plate] | None = None) -> Iterator[Shown]:
        """The rows of one plate after the other."""
        curves: dict[str, dict[tuple[str, str], StandardCurve]] = {}
        for key, curve in self.curves.items():
            curves.setdefault(key[0], {})[key] = curve
        whole = [_Rows(frame) for frame in (self.table, self.standards, self.wells, self.samples)]
        beside = [_Rows(frame, everywhere=True) for frame in (self.flags, self.exclusions)]
        for plate in self.plates if plates is None else plates:
            yield Shown(
                (plate,),
                curves.get(plate.name, {}),
                *(rows.of(plate.name) for rows in whole),
                *(rows.of(plate.name) for rows in beside),
            )


class _Rows:
    """Rows of a frame by plate; `everywhere` with those that name none, numbers kept."""

    def __init__(self, frame: pd.DataFrame, *, everywhere: bool = False) -> None:
        self._frame = frame
        self._everywhere = everywhere
        self._at = {
            str(name): np.asarray(rows)
            for name, rows in frame.groupby("plate", sort=False).indices.items()
        }

    def of(self, plate: str) -> pd.DataFrame:
        """The rows of one plate."""
        rows = self._at.get(plate, np.empty(0, dtype=np.intp))
        if self._everywhere:
            shared = self._at.get("", np.empty(0, dtype=np.intp)) if plate else rows[:0]
            return self._frame.iloc[np.sort(np.concatenate([rows, shared]))]
        return self._frame.iloc[rows].reset_index(drop=True)


def shown(fit: PlateFit) -> Shown:
    """Take the tables of a fit."""
    return Shown(
        fit.plates,
        dict(fit.curves),
        fit.curves.table,
        fit.curves.standards,
        fit.wells,
        fit.samples,
        fit.flags,
        fit.exclusions,
    )
