"""The sheets of a workbook: number formats, colours by status, frozen headers, notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import pandas as pd

from cytokit.errors import OutputError, Problem
from cytokit.report._notes import Note
from cytokit.report._wide import WideTable
from cytokit.report.words import COLUMN_KINDS, STATUSES

#: Every workbook carries this date, so that the same result gives the same bytes.
CREATED = datetime(2000, 1, 1)
#: rows of a sheet below its header
MOST_ROWS = 2**20 - 1
_WIDEST = 44
#: Light fills that stay apart for colour-blind readers and in grey; text and sign say it again.
_GREEN, _BLUE, _YELLOW, _ORANGE, _GREY = "#D9F0E3", "#DCE9F8", "#FFF2C2", "#F9D2B5", "#E4E4E4"
_FILLS: Mapping[str, str] = MappingProxyType(
    {
        "in_range": _GREEN, "below_lloq": _YELLOW, "above_uloq": _YELLOW, "oor_low": _ORANGE,
        "oor_high": _ORANGE, "no_curve": _GREY, "not_measured": _GREY, "excluded": _GREY,
        "good": _GREEN, "usable": _BLUE, "poor": _YELLOW, "failed": _ORANGE,
        "report": _GREEN, "look": _BLUE, "hold": _YELLOW,
        "info": _BLUE, "warn": _YELLOW, "fail": _ORANGE,
    }
)  # fmt: skip
_SLANTED = frozenset({"below_lloq", "above_uloq"})
_COLOURED = frozenset({"status", "verdict", "severity"})

#: significant digits of a number that has no format of its own, and of one in per cent
_DIGITS, _DIGITS_PCT = 4, 3
_P = "[<0.001]0.0E+00;0.0000"
_FORMATS: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("bead_count", "dilution_factor", "df"), "General")
    | dict.fromkeys(("p", "p_rank", "p_adjusted", "q_bh", "p_min_attainable"), _P)
    | dict.fromkeys(("r2",), "0.00000")
)
_LOOKS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "": {},
        "right": {"align": "right"},
        "wrap": {"text_wrap": True, "valign": "top"},
        "header": {"bold": True, "bottom": 1, "bg_color": "#EEF1F4"},
        "heading": {"bold": True, "font_size": 12},
    }
)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a sheet: its name, its values, and how its numbers are shown.

    ``kind`` is the format of all its numbers; where it is empty, each is shown to so many
    significant ``digits``, or as it is where these are 0.
    """

    name: str
    values: list[Any]
    kind: str = ""
    digits: int = 0

    @classmethod
    def of(cls, name: str, values: list[Any]) -> _Column:
        """A column, its numbers formatted as the data dictionary has it."""
        if COLUMN_KINDS.get(name) != "number":
            return cls(name, values)
        if name in _FORMATS:
            return cls(name, values, _FORMATS[name])
        return cls(name, values, digits=_DIGITS_PCT if name.endswith("_pct") else _DIGITS)

    def format_of(self, value: float) -> str:
        """The number format of one value."""
        return self.kind or (significant_format(value, self.digits) if self.digits else "")

    @property
    def width(self) -> int:
        """Wide enough for the header and the texts, within bounds."""
        texts = (len(value) + 1 for value in self.values if isinstance(value, str))
        return min(max(len(self.name) + 3, 8, max(texts, default=0)), _WIDEST)


def significant_format(value: float, digits: int = _DIGITS) -> str:
    """The number format that shows so many significant digits, whatever the magnitude.

    Examples
    --------
    >>> [significant_format(value) for value in (123456.0, 1234.5, 28.5, 0.0123, 1e-5, 0.0)]
    ['0', '0', '0.00', '0.00000', '0.000E+00', '0']
    """
    if value == 0:
        return "0"
    # the exponent after rounding: 9.9996 is shown as 10.00
    exponent = int(f"{abs(value):.{digits - 1}e}".partition("e")[2])
    if exponent < -4 or exponent > 14:
        return f"0.{'0' * (digits - 1)}E+00"
    decimals = max(0, digits - 1 - exponent)
    return f"0.{'0' * decimals}" if decimals else "0"


def _columns(frame: pd.DataFrame) -> list[_Column]:
    """The columns of a frame."""
    return [
        _Column.of(str(name), frame.iloc[:, position].tolist())
        for position, name in enumerate(frame.columns)
    ]


class Book:
    """A workbook that is made in memory; :meth:`finish` gives its bytes.

    Parameters
    ----------
    lean : bool
        Keep rows in temporary files until it is finished: for long tables, whose cells would
        take some 500 bytes of memory each.
    """

    def __init__(self, *, lean: bool = False) -> None:
        import xlsxwriter

        self._stream = io.BytesIO()
        options = {
            "in_memory": not lean,
            "constant_memory": lean,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book = xlsxwriter.Workbook(self._stream, options)
        self._book.set_properties({"created": CREATED, "comments": "made by cytokit"})
        self._formats: dict[tuple[str, str], Any] = {}

    def finish(self) -> bytes:
        """Close the workbook and give its bytes."""
        self._book.close()
        return self._stream.getvalue()

    def add_table(self, name: str, frame: pd.DataFrame) -> None:
        """A sheet of a tidy table: its columns as they are, formatted.

        Parameters
        ----------
        name : str
        frame : pandas.DataFrame

        Raises
        ------
        OutputError
            CK-556 if the table has more rows than a sheet can hold.
        """
        if len(frame) > MOST_ROWS:
            what = f"{len(frame)} rows do not fit on a sheet, which holds {MOST_ROWS}"
            raise OutputError(Problem("CK-556", what, f"sheet {name}", "write the table as CSV"))
        sheet = self._book.add_worksheet(name)
        self._head(sheet, list(map(str, frame.columns)), len(frame))
        self._write_rows(sheet, _columns(frame))
        frozen = [str(column) in ("plate", "well", "sample", "analyte") for column in frame.columns]
        sheet.freeze_panes(1, frozen.index(False) if False in frozen else 0)

    def add_wide(self, name: str, table: WideTable) -> None:
        """The sheet of samples by analytes, coloured by status, its legend below.

        Parameters
        ----------
        name : str
        table : WideTable
        """
        keys = ["plate", "sample", "well_type", "dilution_factor"]
        sheet = self._book.add_worksheet(name)
        first = len(table.limits)
        for row, (title, values) in enumerate(table.limits.items()):
            sheet.write_string(row, len(keys) - 1, f"{title} at the bead", self._style("", "right"))
            for position, value in enumerate(values, start=len(keys)):
                if isinstance(value, str):
                    sheet.write_string(row, position, value, self._style("", "right"))
                elif value is not None:
                    style = self._style("", significant_format(value))
                    sheet.write_number(row, position, value, style)
        self._head(sheet, [*keys, *table.analytes], len(table.rows), first)
        seen = set()
        found = [_Column.of(key, [row[0][at] for row in table.rows]) for at, key in enumerate(keys)]
        for number, (_, cells) in enumerate(table.rows):
            row = first + number + 1
            self._write_row(sheet, row, [(one, one.values[number]) for one in found])
            for position, cell in enumerate(cells, start=len(keys)):
                if cell is None:
                    continue
                seen.add(cell.status)
                if cell.number is None:
                    style = self._style(cell.status, "right")
                    sheet.write_string(row, position, cell.text, style)
                else:
                    style = self._style(cell.status, significant_format(cell.number))
                    sheet.write_number(row, position, cell.number, style)
        for position, one in enumerate(found):
            sheet.set_column(position, position, one.width)
        for position, header in enumerate(table.analytes, start=len(keys)):
            sheet.set_column(position, position, min(max(len(header), 8) + 2, _WIDEST))
        for number, status in enumerate((key for key in STATUSES if key in seen), start=2):
            row = first + len(table.rows) + number
            sheet.write_string(row, 1, STATUSES[status].title, self._style(status))
            sheet.write_string(row, 2, STATUSES[status].meaning)
        sheet.freeze_panes(first + 1, 2)

    def add_notes(self, notes: Iterable[Note]) -> None:
        """The sheet that explains the others.

        Parameters
        ----------
        notes : iterable of Note
        """
        sheet = self._book.add_worksheet("Notes")
        sheet.set_column(0, 0, 18)
        sheet.set_column(1, 1, 24)
        sheet.set_column(2, 2, 100)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        wrapped = self._style("", "wrap")
        for row, note in enumerate(notes):
            if note.heading:
                sheet.write_string(row, 0, note.heading, self._style("", "heading"))
                continue
            cells = ((note.where, ""), (note.term, self._style(note.colour)), (note.text, wrapped))
            for position, (text, style) in enumerate(cells):
                if text:
                    sheet.write_string(row, position, text, style or None)

    def _head(self, sheet: Any, headers: Sequence[str], n_rows: int, row: int = 0) -> None:
        """The header in its row, a filter over the rows below, and how the sheet is printed."""
        header = self._style("", "header")
        for position, text in enumerate(headers):
            sheet.write_string(row, position, text, header)
        sheet.autofilter(row, 0, row + n_rows, max(len(headers) - 1, 0))
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, row)

    def _write_rows(self, sheet: Any, columns: Sequence[_Column]) -> None:
        """Cells row by row; nothing is written where nothing stands."""
        for number, values in enumerate(zip(*(one.values for one in columns), strict=True), 1):
            self._write_row(sheet, number, zip(columns, values, strict=True))
        for position, column in enumerate(columns):
            sheet.set_column(position, position, column.width)

    def _write_row(self, sheet: Any, row: int, cells: Iterable[tuple[_Column, Any]]) -> None:
        """One row of cells, beginning at the first column."""
        for position, (column, value) in enumerate(cells):
            if isinstance(value, bool):
                sheet.write_boolean(row, position, value)
            elif isinstance(value, int | float):
                if value == value and abs(value) != float("inf"):
                    sheet.write_number(
                        row, position, value, self._style("", column.format_of(value))
                    )
                elif value == value:
                    sheet.write_string(row, position, str(value))
            elif isinstance(value, str) and value:
                coloured = column.name in _COLOURED
                style = self._style(value) if coloured else self._text_style(column.name)
                sheet.write_string(row, position, value, style)

    def _text_style(self, column: str) -> Any:
        """Results that are texts stand to the right, as numbers do."""
        return self._style("", "right") if column == "reported" else None

    def _style(self, colour: str, kind: str = "") -> Any:
        """A cell format, made once."""
        if (colour, kind) not in self._formats:
            look: dict[str, Any] = {"bg_color": _FILLS[colour]} if colour in _FILLS else {}
            if colour in _SLANTED:
                look["italic"] = True
            look |= _LOOKS.get(kind, {"num_format": kind})
            self._formats[colour, kind] = self._book.add_format(look)
        return self._formats[colour, kind]
