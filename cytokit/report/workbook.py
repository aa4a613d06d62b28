"""results.xlsx: the tables of a fit or a comparison, formatted for reading.

Nothing in a cell is ever a formula or a link, whatever it is called. A value out of range is shown
as its bound with its sign (``<3.2``) and stands as a number in a column of its own. The same
result gives the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.errors import OutputError, Problem, place
from cytokit.flags import FLAGS
from cytokit.options import LimitsName
from cytokit.report.tables import read_table, shown
from cytokit.schema import (
    PLATE_VERDICTS,
    SEVERITIES,
    STATUSES,
    TABLES,
    VERDICTS,
    RangeStatus,
    Term,
    column_named,
)

if TYPE_CHECKING:
    from cytokit.curves.platefit import PlateFit
    from cytokit.trial.comparison import Comparison


# The lines of the Notes sheet, from the data dictionary and the catalogue of flags.


@dataclass(frozen=True, slots=True)
class Note:
    """One line: a heading, or a term and what it means."""

    heading: str = ""
    where: str = ""
    term: str = ""
    text: str = ""
    colour: str = ""


def term_notes(heading: str, words: Mapping[str, Term]) -> list[Note]:
    """Terms with their colours, as they stand in the sheets: the legend."""
    lines = [
        Note(where=word.title, term=key, text=word.meaning, colour=key)
        for key, word in words.items()
    ]
    return [Note(heading), *lines, Note()]


def column_notes(sheet: str, table: str, unit: str) -> list[Note]:
    """What the rows and the columns of one sheet mean."""
    lines = [
        Note(where=sheet, term=name, text=column.explained(unit))
        for name, column in TABLES[table].columns.items()
    ]
    return [Note(f"{sheet}: {TABLES[table].meaning}"), *lines, Note()]


def flag_notes(codes: Iterable[str]) -> list[Note]:
    """What the flags mean and what to do about them."""
    used = set(codes)
    lines = [
        Note(
            where=str(text.severity),
            term=code,
            text=f"{text.title}. {text.meaning} What to do: {text.action}",
        )
        for code, text in FLAGS.items()
        if code in used
    ]
    return [Note("Flags that stand in this workbook"), *lines, Note()] if lines else []


# Samples as labs pass them on: one row per sample, one column per analyte.


#: the columns of curves.csv that decide, by the option
_QUANTIFICATION: Mapping[LimitsName, tuple[str, str]] = {
    "precision": ("lloq", "uloq"),
    "recovery": ("lloq_recovery", "uloq_recovery"),
}
_KEY = ["plate", "sample", "well_type", "dilution_factor"]


@dataclass(frozen=True, slots=True)
class WideCell:
    """What stands in one cell: the text to show, the number if there is one, the status."""

    text: str
    number: float | None
    status: str


@dataclass(frozen=True, slots=True)
class WideTable:
    """The wide table."""

    analytes: tuple[str, ...]
    rows: tuple[tuple[tuple[str, str, str, float], tuple[WideCell | None, ...]], ...]
    limits: Mapping[str, tuple[float | str | None, ...]]


def reported(concentration: float, status: str, limit_low: float, limit_high: float) -> str:
    """A result as it is passed on: a number, or the bound with its sign, or why there is none."""
    if status == RangeStatus.OOR_LOW and limit_low == limit_low:
        return f"<{significant(limit_low)}"
    if status == RangeStatus.OOR_HIGH and limit_high == limit_high:
        return f">{significant(limit_high)}"
    if concentration == concentration:
        return significant(concentration)
    return STATUSES[status].title


def significant(value: float, digits: int = 4) -> str:
    """A number with so many significant digits and no exponent where it can be avoided."""
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def wide_samples(samples: pd.DataFrame, curves: pd.DataFrame, limits: LimitsName) -> WideTable:
    """The wide table, samples and analytes in the order of the plates.

    A concentration below the limit of detection is written as that bound, like one that has no
    number: one column of numbers never mixes both. The tidy table keeps the number.
    """
    units = samples.drop_duplicates("analyte").set_index("analyte")["unit"].fillna("")
    place = {str(analyte): position for position, analyte in enumerate(units.index)}
    again = samples.groupby([*_KEY, "analyte"], sort=False, dropna=False).cumcount()
    row_of = pd.MultiIndex.from_frame(samples[_KEY].assign(again=again)).factorize()[0]
    width = len(place)
    keys: dict[int, tuple[str, str, str, float]] = {}
    cells: dict[int, list[WideCell | None]] = {}
    columns = [*_KEY, "analyte", "concentration", "status", "limit_low", "limit_high"]
    lod = {
        (str(plate), str(analyte)): float(value)
        for plate, analyte, value in zip(
            curves["plate"], curves["analyte"], curves["lod"], strict=True
        )
    }
    for row, values in zip(
        row_of, zip(*(samples[name] for name in columns), strict=True), strict=True
    ):
        plate, sample, kind, dilution, analyte, number, status, low, high = values
        keys.setdefault(row, (str(plate), str(sample), str(kind), float(dilution)))
        found = cells.setdefault(row, [None] * width)
        detectable = lod.get((str(plate), str(analyte)), math.nan) * float(dilution)
        if number < detectable and status == RangeStatus.BELOW_LLOQ:
            found[place[str(analyte)]] = WideCell(f"<{significant(detectable)}", None, str(status))
            continue
        found[place[str(analyte)]] = WideCell(
            reported(number, str(status), low, high),
            float(number) if number == number else None,
            str(status),
        )
    headers = tuple(f"{name} ({unit})" if unit else str(name) for name, unit in units.items())
    names = dict(zip(("LOD", "LLOQ", "ULOQ"), ("lod", *_QUANTIFICATION[limits]), strict=True))
    by_analyte = dict(tuple(curves.groupby("analyte", sort=False)))
    found_limits = {
        title: tuple(
            _over_plates(by_analyte[name][column]) if name in by_analyte else None for name in place
        )
        for title, column in names.items()
    }
    rows = tuple((keys[row], tuple(cells[row])) for row in keys)
    return WideTable(headers, rows, found_limits)


def _over_plates(values: pd.Series) -> float | str | None:
    """A limit that all plates share, or the span of theirs."""
    known = sorted({float(value) for value in values if math.isfinite(value)})
    if not known:
        return None
    if len(known) == 1:
        return known[0]
    return f"{significant(known[0], 3)} to {significant(known[-1], 3)}"


# The sheets of a workbook: number formats, colours by status, frozen headers, notes.


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
        """A column, its numbers formatted as the schema has it."""
        known = column_named(name)
        if known is None or known.kind != "number":
            return cls(name, values)
        if known.sheet:
            return cls(name, values, known.sheet)
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
    """The number format that shows so many significant digits, whatever the magnitude."""
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
    """A workbook that is made in memory; :meth:`finish` gives its bytes."""

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
        """A sheet of a tidy table: its columns as they are, formatted."""
        if len(frame) > MOST_ROWS:
            what = f"{len(frame)} rows do not fit on a sheet, which holds {MOST_ROWS}"
            raise OutputError(Problem("CK-556", what, f"sheet {name}", "write the table as CSV"))
        sheet = self._book.add_worksheet(name)
        self._head(sheet, list(map(str, frame.columns)), len(frame))
        self._write_rows(sheet, _columns(frame))
        frozen = [str(column) in ("plate", "well", "sample", "analyte") for column in frame.columns]
        sheet.freeze_panes(1, frozen.index(False) if False in frozen else 0)

    def add_wide(self, name: str, table: WideTable) -> None:
        """The sheet of samples by analytes, coloured by status, its legend below."""
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
        """The sheet that explains the others."""
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


WIDE = (
    "One row per sample, one column per analyte, dilution applied; above each analyte the limits"
    " that decide, at the bead (over several plates from the lowest to the highest). What lies"
    " below the limit of detection is written as that bound with its sign (<3.2), also where a"
    " number could be computed: the tidy samples hold it. A bound stands too where there is no"
    " number; a slanted number lies outside the quantifiable range."
)
_REPORTED = (
    "The result as it is passed on: the concentration, or the bound with its sign, or why there"
    " is none. The numbers stand in concentration, limit_low and limit_high."
)

_LEFT_OUT = "Too long for a sheet that opens quickly; it stands beside this workbook as CSV."
#: rows of the longest table that gets a sheet
LONGEST = 100_000


def fit_workbook(fit: PlateFit) -> bytes:
    """results.xlsx of a fit.

    Sheets: Samples (one row per sample, one column per analyte), Samples tidy, Curves, Standards,
    Flags, Wells, Exclusions, and Notes, which explains all of them. A table of more than
    ``LONGEST`` rows has no sheet; Notes says so and names the CSV.
    """
    take = shown(fit)
    tables = {
        "Samples tidy": ("samples", _with_reported(take.samples)),
        "Curves": ("curves", take.table),
        "Standards": ("standards", take.standards),
        "Flags": ("flags", take.flags),
        "Wells": ("wells", take.wells),
        "Exclusions": ("exclusions", take.exclusions),
    }
    too_long = [sheet for sheet, (_, frame) in tables.items() if len(frame) > LONGEST]
    for sheet in too_long:
        del tables[sheet]
    book = Book()
    book.add_wide("Samples", wide_samples(take.samples, take.table, fit.options.limits))
    for sheet, (_, frame) in tables.items():
        book.add_table(sheet, frame)
    unit = one_unit(take.samples)
    notes = [Note("Verdict of each plate")]
    notes += [
        Note(where=row["plate"], term=row["verdict"], text=row["sentence"], colour=row["verdict"])
        for row in fit.verdicts.to_dict("records")
    ]
    notes += [Note(), Note("Samples"), Note(where="Samples", text=WIDE)]
    notes += [Note(where=sheet, text=_LEFT_OUT) for sheet in too_long]
    notes += [Note(where="Samples tidy", term="reported", text=_REPORTED), Note()]
    notes += term_notes("Colours of status", STATUSES)
    notes += term_notes("Colours of a plate's verdict", PLATE_VERDICTS)
    notes += term_notes("Colours of a curve's verdict", VERDICTS)
    notes += term_notes("Colours of severity", SEVERITIES)
    notes += flag_notes(take.flags["code"].astype("str"))
    for sheet, (table, _) in tables.items():
        notes += column_notes(sheet, table, unit)
    book.add_notes(notes)
    return book.finish()


def comparison_workbook(comparison: Comparison) -> bytes:
    """The tables of a comparison as a workbook.

    Sheets: Comparison, Summary, Detectability, Flags (the findings on the data), Notes. Every
    number, star and label is the table's own.
    """
    book = Book()
    book.add_table("Comparison", comparison.table)
    book.add_table("Summary", comparison.summary)
    book.add_table("Detectability", comparison.detectability)
    book.add_table("Flags", comparison.flags)
    unit = one_unit(comparison.table)
    notes = [Note("What to know first"), *(Note(text=sentence) for sentence in comparison.guard)]
    notes += [Note(), Note("Methods")]
    notes += [Note(text=line) for line in comparison.methods.splitlines() if line.strip()]
    notes += [Note(), Note("Families of tests")]
    notes += [
        Note(term=name, text=", ".join(analytes)) for name, analytes in comparison.families.items()
    ]
    notes += [Note(), *flag_notes(comparison.flags["code"])]
    notes += column_notes("Comparison", "comparisons", unit)
    notes += column_notes("Summary", "summary", unit)
    notes += column_notes("Detectability", "detectability", unit)
    notes += column_notes("Flags", "flags", unit)
    book.add_notes(notes)
    return book.finish()


def write_workbook(fit: PlateFit, path: str | Path) -> None:
    """Write :func:`fit_workbook` to a file."""
    _write(fit_workbook(fit), path)


def write_comparison_workbook(comparison: Comparison, path: str | Path) -> None:
    """Write :func:`comparison_workbook` to a file."""
    _write(comparison_workbook(comparison), path)


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write one tidy table as a workbook of one sheet."""
    book = Book()
    book.add_table("Table", frame)
    _write(book.finish(), path)


def write_book(book: Book, path: str | Path) -> None:
    """Write a finished book to a file."""
    _write(book.finish(), path)


def _write(content: bytes, path: str | Path) -> None:
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        what = f"the workbook cannot be written: {error.strerror or error}"
        mend = "close it where it is open, and check that you may write in the folder"
        raise OutputError(Problem("CK-555", what, place(path), mend)) from error


def _with_reported(samples: pd.DataFrame) -> pd.DataFrame:
    """The tidy samples with the result as text before the concentration."""
    columns = ("concentration", "status", "limit_low", "limit_high")
    texts = [
        reported(number, str(status), low, high)
        for number, status, low, high in zip(*(samples[name] for name in columns), strict=True)
    ]
    at = list(samples.columns).index("concentration")
    before, after = samples.iloc[:, :at], samples.iloc[:, at:]
    reporting = pd.DataFrame({"reported": pd.Series(texts, index=samples.index, dtype="str")})
    return pd.concat([before, reporting, after], axis=1)


def one_unit(frame: pd.DataFrame) -> str:
    """The unit of a table where it has only one."""
    units = [str(unit) for unit in frame["unit"].dropna().unique()]
    return units[0] if len(units) == 1 else ""


# results.xlsx of many plates: the sheets that people open, and where the rest lies.


_AS_CSV = "Of many plates it stands beside this workbook as CSV alone."
#: sheets that grow with the plates, by the table they are read from
_SHEETS = {"Curves": "curves", "Flags": "flags"}


def write_many_workbook(
    folder: Path,
    lines: pd.DataFrame,
    exclusions: pd.DataFrame,
    counts: Mapping[str, int],
    limits: LimitsName = "precision",
) -> None:
    """Write results.xlsx of many plates from the tables beside it.

    Sheets: Plates, Samples (one row per sample, one column per analyte), Curves, Flags,
    Exclusions and Notes, which says what is left to the CSV files: wells, standards and tidy
    samples always, and any table of more than ``LONGEST`` rows. So a workbook of any number of
    plates opens, and making it takes bounded memory.
    """
    short = {name: count <= LONGEST for name, count in counts.items()}
    book = Book(lean=True)
    notes: list[Note] = []
    book.add_table("Plates", lines if len(lines) <= LONGEST else lines.iloc[:LONGEST])
    if len(lines) > LONGEST:
        notes.append(Note(where="Plates", text=f"The first {LONGEST}; all are in plates.csv."))
    unit = ""
    if short["samples"]:
        samples = read_table(folder / "samples.csv")
        unit = one_unit(samples)
        curves = read_table(folder / "curves.csv")
        book.add_wide("Samples", wide_samples(samples, curves, limits))
        notes.append(Note(where="Samples", text=WIDE))
    else:
        notes.append(Note(where="Samples", text=_too_long()))
    codes: set[str] = set()
    for sheet, name in _SHEETS.items():
        if not short[name]:
            notes.append(Note(where=sheet, text=_too_long()))
            continue
        table = read_table(folder / f"{name}.csv")
        codes |= set(table["code"]) if name == "flags" else set()
        book.add_table(sheet, table)
    book.add_table("Exclusions", exclusions)
    notes += [Note(where=sheet, text=_AS_CSV) for sheet in ("Samples tidy", "Standards", "Wells")]
    book.add_notes(_all_notes(notes, [name for name in _SHEETS.values() if short[name]],
                              codes, unit))  # fmt: skip
    write_book(book, folder / "results.xlsx")


def _too_long() -> str:
    return f"More than {LONGEST} rows: it stands beside this workbook as CSV alone."


def _all_notes(notes: list[Note], tables: list[str], codes: set[str], unit: str) -> list[Note]:
    """The sheet that explains the others."""
    found = [Note("What stands where"), *notes, Note()]
    found += term_notes("Colours of status", STATUSES)
    found += term_notes("Colours of a plate's verdict", PLATE_VERDICTS)
    found += term_notes("Colours of a curve's verdict", VERDICTS)
    found += term_notes("Colours of severity", SEVERITIES)
    found += flag_notes(sorted(codes))
    for table in ("plates", *tables, "exclusions"):
        found += column_notes(table.capitalize(), table, unit)
    return found
