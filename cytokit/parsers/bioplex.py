"""Bio-Plex Manager's exports: one table per analyte, one statistic per sheet, or raw data.

* ``bioplex_analyte`` (.xls, .xlsx, tab text): one sheet per analyte, all of them stacked in one
  sheet, or one text file; a second table may follow with one row per single well. Header lines
  stand above a table; legend, regression and equation below it.
* ``bioplex_statistic``: one sheet per statistic (``FI``, ``Obs Conc``, ``Dilution``, ...), each
  with a row of analytes and a row of column names under it; one such sheet may have been saved
  alone as text. Analytes are the first sheet's; another sheet's are matched by name without signs,
  then by position and bead region, and a finding names what is spelled otherwise. The sheet
  ``Standard Curve`` names no analytes: its curves stand in their order, row by row, and each is
  kept only if it gives back the printed concentrations of its analyte.
* ``bioplex_raw``: one row per well, one column per analyte: ``Well, Type, [Description], <analyte
  (region)>..., Sampling Errors``. Cells are intensities, or ``15710.5 (52)``: intensity and bead
  count. The export knows neither expected concentrations nor dilutions: a layout gives them.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PureWindowsPath
from typing import Any, cast

import pandas as pd

from cytokit.errors import FormatError, Problem, did_you_mean, place
from cytokit.flags import Finding, damaged_value
from cytokit.parsers.blocks import shortened
from cytokit.parsers.registry import RunKeys, parser
from cytokit.parsers.well_tables import row_misfit, twice_named
from cytokit.plate import (
    Plate,
    SourceInfo,
    Unread,
    VendorCurve,
    make_analytes,
    make_wells,
    normal_well,
)
from cytokit.schema import VendorStatus, WellType
from cytokit.sources.delimited import LazyRows, trimmed
from cytokit.sources.excel import CellValue, cell_text
from cytokit.sources.numbers import Cell, decide_decimal, read_cell, read_dilution, read_fi_count
from cytokit.sources.raw import HEAD_ROWS, RawFile

#: header lines of all of this maker's exports that tell of the run
BIOPLEX_RUN = RunKeys(
    date=("Acquisition Date", "XmlExportDateTime"),
    instrument=("Reader Serial Number", "SerialNumber"),
    model=("Instrument Type", "InstrumentType"),
    panel=("PanelName", "Panel Name"),
)
_LABEL = re.compile(r"(e?)(blank|b|standard|std|s|control|ctrl|c|unknown|sample|x)[\s_-]*0*(\d*)")
_TYPES = {"b": WellType.BLANK, "s": WellType.STANDARD, "c": WellType.CONTROL, "x": WellType.UNKNOWN}
_WORDS = {
    "blank": "b",
    "standard": "s",
    "std": "s",
    "control": "c",
    "ctrl": "c",
    "unknown": "x",
    "sample": "x",
}
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
class BioplexSheet:
    """One sheet, or the whole of a text file, as rows of cells; it knows where each row stands."""

    raw: RawFile
    name: str
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
        return [f"{self.raw.delimiter} ".join(cells)] if not self.name and cells else cells

    def misfit(self, row: int, titles: Sequence[str]) -> Problem | None:
        """CK-148: a table's row with fewer or more cells than its column names (CSV, tab text)."""
        found = row_misfit(self.texts(row), titles, may_be_short=bool(self.name))
        if found is None:
            return None
        what = f"a row that does not fit its column names: {found[0]}"
        line = row + 1 if self.name else self.raw.line_of(row)
        where = place(self.raw.path, sheet=self.name or None, line=line, column=found[1])
        mend = "the file may be cut off, or a delimiter lost or added; export the plate again"
        return Problem("CK-148", what, where, mend)

    def twice_named(self, row: int, columns: Sequence[int] | None = None) -> list[Problem]:
        """CK-163: two columns of one name, of which only one could be read."""
        titles = self.texts(row)
        chosen = range(len(titles)) if columns is None else columns
        return twice_named({at: column_key(titles[at]) for at in chosen}, titles, self.where(row))

    def unread(self, reason: str) -> list[Unread]:
        """The sheet as a part that was not read; nothing where it is empty."""
        filled = any(any(self.texts(row)) for row in range(len(self.rows)))
        return [Unread(f"sheet {self.name!r}", self.where(0), reason)] if filled else []

    def where(self, row: int, **more: str) -> str:
        """Where a row stands, for messages."""
        line = row + 1 if self.name else self.raw.line_of(row)
        return place(self.raw.path, sheet=self.name or None, line=line, **more)


@dataclass(frozen=True, slots=True)
class Label:
    """A type code: ``S1``, ``eS3`` (a standard of another plate), ``X12``."""

    text: str
    well_type: WellType
    external: bool
    known: bool


def sheets_of(raw: RawFile) -> list[BioplexSheet]:
    """The sheets of a workbook, or the text as one sheet."""
    if raw.kind == "workbook":
        return [BioplexSheet(raw, sheet.name, sheet.cells) for sheet in raw.sheets]
    return [BioplexSheet(raw, "", raw.rows)] if raw.kind == "text" else []


def heads(raw: RawFile) -> list[BioplexSheet]:
    """The first rows of each sheet, in which a table must have begun, to recognise a file by."""
    if raw.kind == "workbook":
        return [BioplexSheet(raw, sheet.name, sheet.cells[:HEAD_ROWS]) for sheet in raw.sheets]
    return [BioplexSheet(raw, "", raw.head)] if raw.kind == "text" else []


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


# The standard curves that are printed, and their inverse.


_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"
_LOGISTIC = re.compile(
    rf"FI\s*=\s*({_NUMBER})\s*\+\s*\(\s*({_NUMBER})\s*([-+])\s*({_NUMBER})\s*\)\s*/\s*"
    rf"\(+\s*1\s*\+\s*\(\s*Conc\s*/\s*({_NUMBER})\s*\)\s*\^\s*({_NUMBER})\s*\)+"
    rf"(?:\s*\^\s*({_NUMBER}))?"
)
_STATED = re.compile(r"(Ext )?Std\.? Curve:\s*(.*)", re.IGNORECASE | re.DOTALL)
_REGRESSION = re.compile(r"Regression Type:\s*(.*)", re.IGNORECASE)
_SIGNED = r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?"
_FIT = re.compile(rf"FitProb\.?\s*=\s*({_SIGNED})\s*,\s*ResVar\.?\s*=\s*({_SIGNED})", re.IGNORECASE)
_RANGE = re.compile(rf"Conc\.? in range\s*=\s*({_SIGNED})\s*to\s*({_SIGNED})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CurveText:
    """The lines about one curve as they were met; ``failures`` are curves said to be none."""

    regression: str = ""
    equation: str = ""
    external: bool = False
    failures: tuple[str, ...] = ()
    statistics: tuple[tuple[str, float], ...] = ()


def is_curve_line(line: str) -> bool:
    """Whether the line belongs to a printed curve."""
    return any(p.match(line.strip()) for p in (_REGRESSION, _STATED, _FIT, _RANGE))


def take_line(known: CurveText, line: str) -> CurveText:
    """What is known of the curve after one more line."""
    text = line.strip()
    if match := _REGRESSION.match(text):
        return replace(known, regression=match[1].strip())
    if match := _STATED.match(text):
        if "=" not in match[2]:
            return replace(known, failures=(*known.failures, match[2].strip()))
        return replace(known, equation=match[2].strip(), external=bool(match[1]))
    if match := _FIT.match(text):
        found = (("fit_prob", _float(match[1])), ("res_var", _float(match[2])))
    elif match := _RANGE.match(text):
        found = (("range_low", _float(match[1])), ("range_high", _float(match[2])))
    else:
        return known
    return replace(known, statistics=(*known.statistics, *found))


def read_curve(lines: CurveText) -> VendorCurve | None:
    """The curve of its printed equation; None where the equation is of no known form."""
    match = _LOGISTIC.fullmatch(lines.equation.replace(",", "."))
    if match is None:
        return None
    a, b, sign, again, c, d, f = match.groups()
    lower = float(a)
    repeated = -float(again) if sign == "+" else float(again)
    if not math.isclose(lower, repeated, rel_tol=1e-9, abs_tol=1e-12) or float(c) <= 0:
        return None
    regression = f"{lines.regression}, external" if lines.external else lines.regression
    return VendorCurve(
        regression=regression,
        a=lower,
        b=float(b),
        c=float(c),
        d=float(d),
        f=1.0 if f is None else float(f),
        statistics=dict(lines.statistics),
        text=lines.equation,
    )


def invert(curve: VendorCurve, response: float) -> float:
    """The concentration at the bead for a response; NaN where the curve has no inverse."""
    if response == curve.a:
        return math.nan
    share = (curve.b - curve.a) / (response - curve.a)
    if not (share > 1 and math.isfinite(share)):
        return math.nan
    power = math.log(share) / curve.f
    inner = power if power > 50 else math.log(math.expm1(power))  # in logs: no overflow
    exponent = math.log(curve.c) + inner / curve.d
    return math.exp(exponent) if exponent < 700 else math.nan


def disagreement(curve: VendorCurve, readings: Sequence[tuple[float, float]]) -> float:
    """Median relative difference between printed and recomputed concentrations."""
    ratios = sorted(
        abs(invert(curve, response) / printed - 1)
        for response, printed in readings
        if printed > 0 and math.isfinite(invert(curve, response))
    )
    return ratios[len(ratios) // 2] if ratios else math.nan


def _float(text: str) -> float:
    return float(text.replace(",", "."))


# Records: one line of an export for one analyte, and the rows and statistics made of them.


_PLACE = frozenset(("analyte", "type", "well"))
_TEXTS = frozenset(("description", "samplingerrors"))
#: columns that hold the numbers of the tidy table
NUMBERS = frozenset(("fi", "fibkgd", "obsconc", "expconc", "obsexp100", "dilution", "beadcount"))
_READ = NUMBERS | _PLACE | _TEXTS | {"outlier"}
_PLAIN = (VendorStatus.IN_RANGE, VendorStatus.NOT_GIVEN)
#: well types that have names and dilutions of their own
_DILUTED = (WellType.CONTROL, WellType.UNKNOWN)
#: cells that say nothing: empty, ``***``, ``N/A``, ``---``
_NO_WORD = (VendorStatus.NOT_GIVEN, VendorStatus.NOT_AVAILABLE, VendorStatus.OUTLIER)


@dataclass(frozen=True, slots=True)
class BioplexRecord:
    """One line of the export for one analyte: type code, wells and what its columns hold.

    ``cells`` maps a column's printed title to the cell; ``table`` numbers the tables of the file.
    """

    analyte: str
    label: str
    wells: tuple[str, ...]
    cells: Mapping[str, object]
    where: str
    table: int = 0

    def cell(self, key: str) -> tuple[str, object]:
        """Printed title and cell of the column of a key; None where there is no such column."""
        return next(((t, c) for t, c in self.cells.items() if column_key(t) == key), (key, None))

    def text(self, key: str) -> str:
        """The text under a column's key, or none."""
        return cell_text(self.cell(key)[1])


@dataclass
class Contents:
    """All that was found in one export, before it is a plate.

    ``means`` are records of replicates that stand beside the records of their single wells.
    """

    records: list[BioplexRecord] = field(default_factory=list)
    means: list[BioplexRecord] = field(default_factory=list)
    header: dict[str, str] = field(default_factory=dict)
    curves: dict[str, CurveText] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def wells(
        self, sheet: BioplexSheet, row: int, titles: Sequence[str], text: str
    ) -> tuple[str, ...] | None:
        """The wells of a row of readings; what is wrong with the row becomes a problem."""
        problem, wells = sheet.misfit(row, titles), read_wells(text)
        if problem is None and wells is None:
            what = f"{text!r} in column 'Well' names no well"
            mend = "a delimiter may be lost or added in this row; export the plate again"
            problem = Problem("CK-140", what, sheet.where(row), mend)
        if problem is not None:
            self.problems.append(problem)
            return None
        return wells

    def take_line(self, sheet: BioplexSheet, row: int, text: str) -> None:
        """A line outside of tables: a header line, a legend, or something nobody knows."""
        if is_legend(text):
            return
        pair = header_line(text)
        if pair is None:
            reason = "a line cytokit does not know"
            self.unread.append(Unread(text[:200], sheet.where(row), reason))
            return
        known = self.header.setdefault(*pair)
        if known != pair[1]:
            message = f"{sheet.where(row)}: {pair[0]!r} is {pair[1]!r}, elsewhere {known!r}"
            self.findings.append(Finding("header_mismatch", message))


def analyte_names(printed: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Printed name -> name and bead region; whole names where two would be alike without it."""
    split = {name: split_analyte(name) for name in dict.fromkeys(printed)}
    short = [name for name, _ in split.values()]
    return {
        whole: (name if short.count(name) == 1 else whole, region)
        for whole, (name, region) in split.items()
    }


_Wells = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class SampleNames:
    """What each record's sample is called, and what is to be said of that."""

    names: Mapping[tuple[str, tuple[str, ...], str], str]
    shared: Mapping[str, list[str]]
    findings: tuple[Finding, ...]

    def of(self, record: BioplexRecord) -> str:
        """The sample of a record."""
        return self.names[record.label, record.wells, record.analyte]


def sample_names(records: Sequence[BioplexRecord]) -> SampleNames:
    """The description of a well, with the type code where several samples share it.

    A type code whose wells are described differently covers several samples. Where the tables of
    two analytes describe one well differently, each analyte keeps its own name of it.
    """
    given: dict[_Wells, dict[str, str]] = {}
    for record in records:
        analytes = given.setdefault((record.label, record.wells), {})
        text = record.text("description")
        if read_label(record.label).well_type in _DILUTED and text:
            analytes.setdefault(record.analyte, text)
        else:
            analytes.setdefault(record.analyte, "")
    by_label: dict[str, dict[str, _Wells]] = {}
    findings: list[Finding] = []
    for key, analytes in given.items():
        texts = [text for text in dict.fromkeys(analytes.values()) if text]
        findings += _spellings(key, analytes, texts)
        for text in texts:
            by_label.setdefault(key[0], {}).setdefault(text, key)
    codes: dict[str, list[str]] = {}
    for label, found in by_label.items():
        for text in found:
            codes.setdefault(text, []).append(label)
        if len(found) > 1 and len(set(found.values())) > 1:
            listed = [f"{text!r} ({','.join(wells)})" for text, (_, wells) in found.items()]
            message = f"type code {label!r} is described as {', '.join(listed[:6])}"
            message += " ..." if listed[6:] else ""
            findings.append(Finding("header_mismatch", f"{message}: taken as several samples"))
    shared = {text: labels for text, labels in codes.items() if len(labels) > 1}
    names = {}
    for (label, wells), analytes in given.items():
        own = [text for text in dict.fromkeys(analytes.values()) if text]
        known = own or list(by_label.get(label, {}))
        for analyte, text in analytes.items():
            name = text or (known[0] if len(known) == 1 else "")
            names[label, wells, analyte] = f"{name} ({label})" if name in shared else name or label
    return SampleNames(names, shared, tuple(findings))


def _spellings(key: _Wells, analytes: Mapping[str, str], texts: Sequence[str]) -> Iterator[Finding]:
    """A finding where the tables of several analytes describe one well differently."""
    if len(texts) < 2:
        return
    label, wells = key
    described = []
    for text in texts[:4]:
        of = [analyte for analyte, other in analytes.items() if other == text]
        described.append(f"{text!r} ({', '.join(of[:3])}{' ...' if of[3:] else ''})")
    message = f"{','.join(wells)} ({label}) is described as {' and '.join(described)}"
    message += f" and {len(texts) - 4} more" if texts[4:] else ""
    message += ": each analyte keeps its own name of the sample"
    yield Finding("header_mismatch", message, well=wells[0], sample=texts[0])


class Builder:
    """Turns records into rows and statistics; collects the damaged cells it meets."""

    def __init__(
        self,
        plate: str,
        decimal: str,
        names: Mapping[str, tuple[str, str]],
        samples: SampleNames,
    ) -> None:
        self.plate = plate
        self.decimal = decimal
        self.names = names
        self.samples = samples
        self.damaged: list[Finding] = []

    def cell(self, record: BioplexRecord, key: str) -> Cell:
        """One number of a record; a damaged one becomes a finding."""
        title, value = record.cell(key)
        cell = read_cell(value, self.decimal)
        if cell.damaged:
            self.damaged.append(
                damaged_value(
                    cell.text,
                    f"{record.where}, column {title!r}",
                    plate=self.plate,
                    well=record.wells[0],
                    sample=self.samples.of(record),
                    analyte=self.names[record.analyte][0],
                )
            )
        return cell

    def row(self, record: BioplexRecord) -> dict[str, Any]:
        """The row of the tidy table."""
        label = read_label(record.label)
        fi, net = self.cell(record, "fi"), self.cell(record, "fibkgd")
        obs, count = self.cell(record, "obsconc"), self.cell(record, "beadcount")
        outlier = record.text("outlier") in ("1", "TRUE") or fi.status is VendorStatus.OUTLIER
        dilution = self._dilution(record, label)
        remarks = (
            "designated as an outlier" if outlier else "",
            explain_errors(record.text("samplingerrors")),
        )
        return {
            "well": record.wells[0],
            "sample": self.samples.of(record),
            "well_type": str(label.well_type),
            "analyte": self.names[record.analyte][0],
            "dilution_factor": dilution if label.well_type in _DILUTED else 1.0,
            "mfi": fi.value,
            "net_mfi": net.value,
            "bead_count": count.value,
            "expected": self._expected(record, label, dilution),
            "vendor_concentration": obs.value,
            "vendor_status": str(obs.status),
            "vendor_limit": obs.limit,
            "vendor_recovery_pct": self.cell(record, "obsexp100").value,
            "comment": "; ".join(remark for remark in remarks if remark),
            "label": record.label,
            "wells": ",".join(record.wells),
            "n_replicates": len(record.wells),
            "replicate_sd": self._printed(record, "stddev"),
            "replicate_cv_pct": self._printed(record, "cv"),
            "outlier": outlier,
            "external": label.external,
        }

    def _printed(self, record: BioplexRecord, key: str) -> float:
        """What is printed of the wells that a mean stands for; NaN for a single well."""
        if len(record.wells) < 2:
            return math.nan
        cell = read_cell(record.cell(key)[1], self.decimal)
        printed = cell.status is VendorStatus.IN_RANGE and cell.value >= 0
        return cell.value if printed else math.nan

    def _dilution(self, record: BioplexRecord, label: Label) -> float:
        """1 where the export gives none; NaN, with a finding, where it cannot be read."""
        _, value = record.cell("dilution")
        cell = read_cell(value, self.decimal)
        if cell.status in _NO_WORD and not cell.damaged:
            return 1.0
        factor = read_dilution(value, self.decimal)
        if not factor.known:
            message = f"{record.where}, column 'Dilution': {factor.reason}"
            message += "; no concentration without it" if label.well_type in _DILUTED else ""
            sample = self.samples.of(record)
            found = Finding("dilution_unclear", message, self.plate, record.wells[0], sample)
            if found not in self.damaged[-1:]:  # one row of a file may stand for many analytes
                self.damaged.append(found)
        return factor.value

    def _expected(self, record: BioplexRecord, label: Label, dilution: float) -> float:
        """At the bead: the export prints it for the undiluted sample, as it prints Obs Conc."""
        if label.well_type is WellType.BLANK:
            return 0.0
        value = self.cell(record, "expconc").value
        if label.well_type is WellType.UNKNOWN:
            return math.nan
        if label.well_type is WellType.CONTROL and value == 0:
            return math.nan  # the software prints 0 where the user entered nothing
        return value / dilution

    def statistics(self, records: list[BioplexRecord], prefix: str) -> dict[str, pd.DataFrame]:
        """The columns that are not part of the tidy table, one frame each: well, sample, analytes.

        With a prefix (means beside single wells) every column is one.
        """
        cells: dict[str, dict[tuple[str, str], dict[str, object]]] = {}
        for record in records:
            place_ = (",".join(record.wells), self.samples.of(record))
            for title, value in record.cells.items():
                known = _PLACE if prefix else _READ
                if column_key(title) in known or cell_text(value) == "":
                    continue
                by_well = cells.setdefault(prefix + title.strip(), {})
                by_well.setdefault(place_, {})[self.names[record.analyte][0]] = value
        analytes = [name for name, _ in self.names.values()]
        return {title: self._frame(by_well, analytes) for title, by_well in cells.items()}

    def _frame(
        self, by_well: Mapping[tuple[str, str], Mapping[str, object]], analytes: list[str]
    ) -> pd.DataFrame:
        """Numbers where every cell is one, else the cells' own text."""
        data: dict[str, Any] = {
            "well": pd.Series([well for well, _ in by_well], dtype="str"),
            "sample": pd.Series([sample for _, sample in by_well], dtype="str"),
        }
        for analyte in analytes:
            values = [row.get(analyte, "") for row in by_well.values()]
            cells = [read_cell(value, self.decimal) for value in values]
            if all(cell.status in _PLAIN for cell in cells):
                data[analyte] = pd.Series([cell.value for cell in cells], dtype="float64")
            else:
                data[analyte] = pd.Series([cell_text(value) for value in values], dtype="str")
        return pd.DataFrame(data)


# From records to the plate.


def assemble(raw: RawFile, family: str, contents: Contents) -> Plate:
    """The plate of one export."""
    if not contents.records and not contents.problems:
        mend = "export the plate again; the file may be cut off"
        contents.problems.append(
            Problem("CK-141", "the tables hold no readings", place(raw.path), mend)
        )
    if contents.problems:
        raise FormatError(*contents.problems)
    name = plate_name(contents.header, raw)
    numbers = [c for r in contents.records for t, c in r.cells.items() if column_key(t) in NUMBERS]
    decimal = decide_decimal(numbers, asked=raw.asked_decimal, file=raw.path)
    names = analyte_names([r.analyte for r in (*contents.records, *contents.means)])
    chosen, means = _single_wells(contents.records)
    samples = sample_names([*contents.records, *contents.means])
    builder = Builder(name, decimal, names, samples)
    rows = [builder.row(record) for record in chosen]
    statistics = builder.statistics(chosen, "") | builder.statistics(
        [*means, *contents.means], "Replicates: "
    )
    curves, curve_notes, unread = _curves(contents, names, raw)
    notes = [*_notes(rows, name), *_shared_descriptions(samples, name), *curve_notes]
    return Plate(
        name=name,
        source=SourceInfo(raw.path, raw.sha256, family, raw.encoding, raw.delimiter, decimal),
        wells=make_wells(_without_zero_levels(rows)),
        analytes=make_analytes(
            [short for short, _ in names.values()],
            bead_ids=[bead for _, bead in names.values()],
            units=[contents.units.get(printed, "") for printed in names],
        ),
        header=contents.header,
        statistics=statistics,
        vendor_curves=curves,
        findings=(
            *contents.findings,
            *builder.damaged,
            *(replace(finding, plate=name) for finding in samples.findings),
            *notes,
        ),
        unread=(*contents.unread, *unread),
    )


def matching_curves(plate: Plate) -> Plate:
    """The plate without the curves that do not give back its printed concentrations.

    For exports that print curves without saying whose they are: a curve given to the wrong analyte
    is off by far more than the 5 % that rounding of the printed intensities may cost.
    """
    kept = {}
    unread = list(plate.unread)
    for analyte, curve in plate.vendor_curves.items():
        rows = plate.wells[plate.wells["analyte"] == analyte]
        printed = rows["vendor_concentration"] / rows["dilution_factor"]
        off = disagreement(curve, list(zip(rows["net_mfi"], printed, strict=True)))
        if off > 0.05:
            reason = f"it differs from the printed concentrations by {off:.0%}: of another analyte?"
            unread.append(Unread(f"curve of {analyte}", plate.source.path, reason))
        else:
            kept[analyte] = curve
    return replace(plate, vendor_curves=kept, unread=tuple(unread))


def _single_wells(records: list[BioplexRecord]) -> tuple[list[BioplexRecord], list[BioplexRecord]]:
    """The readings, and the means that stand beside a table of their single wells."""
    tables: dict[tuple[str, int], list[BioplexRecord]] = defaultdict(list)
    for record in records:
        tables[record.analyte, record.table].append(record)
    means: set[tuple[str, int]] = set()
    for key, table in tables.items():
        wells = {(r.label, well) for r in table for well in r.wells}
        several = any(len(record.wells) > 1 for record in table)
        for other, singles in tables.items():
            if other[0] != key[0] or other == key or other in means:
                continue
            single = all(len(record.wells) == 1 for record in singles)
            covered = wells <= {(record.label, record.wells[0]) for record in singles}
            if single and covered and several:
                means.add(key)
    chosen = [record for record in records if (record.analyte, record.table) not in means]
    return chosen, [record for record in records if (record.analyte, record.table) in means]


def _without_zero_levels(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Standards of an analyte that are all 0 say nothing: the software prints 0 for no entry."""
    known = _analytes_with_levels(rows)
    standard = str(WellType.STANDARD)
    return [
        {**row, "expected": math.nan}
        if row["well_type"] == standard and (row["analyte"], row["external"]) not in known
        else row
        for row in rows
    ]


def _analytes_with_levels(rows: list[dict[str, Any]]) -> set[tuple[str, bool]]:
    """(analyte, external) of standards of which one at least has a level."""
    standard = str(WellType.STANDARD)
    return {
        (row["analyte"], row["external"])
        for row in rows
        if row["well_type"] == standard and row["expected"] > 0
    }


def _notes(rows: list[dict[str, Any]], plate: str) -> Iterator[Finding]:
    """What the rows show about the plate as a whole."""
    several = sorted({row["n_replicates"] for row in rows if row["n_replicates"] > 1})
    if several:
        sizes = " or ".join(map(str, several))
        message = f"readings are means of {sizes} wells; each stands under the first of its wells"
        yield Finding("replicate_means", message, plate=plate)
    external = list(dict.fromkeys(row["label"] for row in rows if row["external"]))
    if external:
        message = f"{', '.join(external)} and their wells belong to another plate"
        yield Finding("external_standards", message, plate=plate)
    strangers = list(dict.fromkeys(r["label"] for r in rows if not read_label(r["label"]).known))
    for label in strangers:
        message = f"type code {label!r} is none of B, S, eS, C, X; the well counts as unknown"
        yield Finding("unknown_type", message, plate=plate, sample=label)
    known = _analytes_with_levels(rows)
    standards = [r for r in rows if r["well_type"] == str(WellType.STANDARD) and not r["external"]]
    bare = list(
        dict.fromkeys(r["analyte"] for r in standards if (r["analyte"], False) not in known)
    )
    if bare:
        message = f"the standards of {some(bare)} have no expected concentration above 0"
        yield Finding("no_expected", message, plate=plate)
    if all(math.isnan(row["mfi"]) for row in rows):
        yield Finding("missing_value", "the export holds no intensities at all", plate=plate)
    yield from _repeats(rows, plate)
    yield from _gaps(rows, plate)


def _repeats(rows: list[dict[str, Any]], plate: str) -> Iterator[Finding]:
    """Wells of this plate that were read more than once for an analyte."""
    seen: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if not row["external"]:
            seen[row["well"], row["analyte"]] += 1
    wells = dict.fromkeys(well for (well, _), count in seen.items() if count > 1)
    for well in wells:
        most = max(count for (name, _), count in seen.items() if name == well)
        yield Finding("repeated_well", f"{most} readings of one well", plate=plate, well=well)


def _gaps(rows: list[dict[str, Any]], plate: str) -> Iterator[Finding]:
    """Analytes that lack wells which others have: the file may be cut off or edited."""
    wells: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        wells[row["analyte"]][f"{row['label']} ({row['wells']})"] = None
    every = dict.fromkeys(well for those in wells.values() for well in those)
    for analyte, those in wells.items():
        lacking = [well for well in every if well not in those]
        if lacking:
            message = f"{len(lacking)} of {len(every)} rows of other analytes are not there: "
            yield Finding("missing_value", message + some(lacking), plate=plate, analyte=analyte)


def _shared_descriptions(samples: SampleNames, plate: str) -> Iterator[Finding]:
    """Descriptions that several type codes share: kept apart by their codes."""
    for text, codes in samples.shared.items():
        message = f"{some(codes)} are all called {text!r}; they are kept apart by their codes"
        yield Finding("repeated_sample", message, plate=plate, sample=text)


def some(names: Sequence[str]) -> str:
    """The first few of many names."""
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown


def _curves(
    contents: Contents, names: Mapping[str, tuple[str, str]], raw: RawFile
) -> tuple[dict[str, VendorCurve], list[Finding], list[Unread]]:
    """The printed curves by analyte; those that are none, with their reason."""
    curves: dict[str, VendorCurve] = {}
    notes: list[Finding] = []
    unread: list[Unread] = []
    for printed, lines in contents.curves.items():
        if printed not in names:
            unread.append(Unread(f"curve of {printed}", place(raw.path), "it has no readings"))
            continue
        analyte = names[printed][0]
        curve = read_curve(lines)
        if curve is not None:
            curves[analyte] = curve
        elif lines.equation:
            reason = f"no 4PL or 5PL equation: {lines.regression}: {lines.equation}"
            unread.append(Unread(f"curve of {analyte}", place(raw.path), reason))
        notes += [Finding("no_vendor_curve", why, analyte=analyte) for why in lines.failures]
    return curves, notes, unread


# One table per analyte.


_ABSENT = ("", "NA", "N/A")


def _is_analyte(raw: RawFile) -> bool:
    """Whether a table with Type, Well and FI columns for one analyte at a time stands in it."""
    return any(
        sheet.names_wells(row) and _begins_analyte_table(sheet, row)
        for sheet in heads(raw)
        for row in range(len(sheet.rows))
    )


@parser(
    "bioplex_analyte",
    "Bio-Plex Manager, one table per analyte",
    sniff=_is_analyte,
    weights="bioplex",
    run=BIOPLEX_RUN,
)
def read_analyte(raw: RawFile) -> list[Plate]:
    """Read the plate."""
    contents = Contents()
    tables = 0
    for sheet in sheets_of(raw):
        rows = range(len(sheet.rows))
        if not any(_analyte_titles(sheet, row) for row in rows):
            contents.unread += sheet.unread("a sheet without a table of readings")
            continue
        walk = _AnalyteTables(sheet, contents, tables)
        for row in rows:
            walk.take(row)
        walk.close_curve()
        tables = walk.table
    return [assemble(raw, "bioplex_analyte", contents)]


def _begins_analyte_table(sheet: BioplexSheet, row: int) -> bool:
    """Whether a row is a table's head and the rows below, if any, name wells: no text about one."""
    cells = sheet.texts(row)
    if _analyte_titles(sheet, row) is None:
        return False
    at = [column_key(cell) for cell in cells].index("well")
    below = [sheet.texts(index) for index in range(row + 1, len(sheet.rows))]
    named = [texts[at] for texts in below if len(texts) > at and texts[at]]
    return not named or any(read_wells(text) is not None for text in named)


def _analyte_titles(sheet: BioplexSheet, row: int) -> dict[str, int] | None:
    """Column positions by printed title, if the row is the head of a table of this family.

    Where one statistic stands in several columns, each under an analyte, it is another family's.
    """
    cells = sheet.texts(row)
    keys = [column_key(cell) for cell in cells]
    found = [key for key in keys if key in ("fi", "fibkgd", "obsconc", "expconc")]
    if "type" not in keys or "well" not in keys:
        return None
    if len(set(found)) < (1 if "analyte" in keys else 2):
        return None
    if len(found) != len(set(found)):
        above = sheet.texts(row - 1) if row else []
        twice = [i for i, key in enumerate(keys) if found.count(key) > 1]
        if all(i < len(above) and above[i] for i in twice):
            return None
    return {cell: index for index, cell in enumerate(cells) if cell}


@dataclass
class _AnalyteTables:
    """One pass over a sheet: which table, analyte and curve the current row belongs to."""

    sheet: BioplexSheet
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
        cells = self.sheet.texts(row)
        titles = _analyte_titles(self.sheet, row)
        if titles is not None:
            self.close_curve()
            self.contents.problems += self.sheet.twice_named(row)
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
            for line in self.sheet.lines(row):
                self._line(row, line)

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
        where = self.sheet.where(row)
        if label in _ABSENT and wells_text in _ABSENT:
            reason = "a row without type, well and readings"
            self.contents.unread.append(Unread(f"analyte {analyte}", where, reason))
            return
        wells = self.contents.wells(self.sheet, row, self.names, wells_text)
        if wells is None:
            return
        if not analyte:
            mend = "the header line 'Analyte:' is lost; export the plate again"
            what = "readings without the name of an analyte"
            self.contents.problems.append(Problem("CK-142", what, where, mend))
            return
        raw_cells = self.sheet.rows[row]
        values = {t: raw_cells[i] for t, i in (self.titles or {}).items() if i < len(raw_cells)}
        self.contents.records.append(
            BioplexRecord(analyte, label, wells, values, where, self.table)
        )
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
            self.close_curve()
            self.announced, self.analytes = pair[1], []
        else:
            self.contents.take_line(self.sheet, row, text)

    def close_curve(self) -> None:
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
            self.contents.unread.append(Unread(text[:200], self.sheet.where(row), reason))
        self.curve, self.lines = CurveText(), []


# One statistic per sheet.


_NO_STATISTIC = frozenset(("analyte", "type", "well", "description"))
#: what the sheets must agree on
_OF_THE_WELL = ("description", "dilution")


@dataclass(frozen=True, slots=True)
class _StatisticTable:
    """One statistic's sheet: where its rows begin, its id columns and its analytes' columns."""

    sheet: BioplexSheet
    head: int
    title: str
    ids: dict[str, int]
    analytes: dict[int, str]


def _is_statistic(raw: RawFile) -> bool:
    """Whether a row of analytes stands above Type, Well and one statistic over and over."""
    return any(_find_table(sheet) is not None for sheet in heads(raw))


@parser(
    "bioplex_statistic",
    "Bio-Plex Manager, one statistic per sheet",
    sniff=_is_statistic,
    weights="bioplex",
    run=BIOPLEX_RUN,
)
def read_statistic(raw: RawFile) -> list[Plate]:
    """Read the plate."""
    contents = Contents()
    tables: list[_StatisticTable] = []
    curves: list[CurveText] = []
    for sheet in sheets_of(raw):
        table = _find_table(sheet)
        if table is not None:
            tables.append(table)
        elif found := _curve_lines(sheet):
            curves += found
        else:
            contents.unread += sheet.unread("a sheet without a statistic of the plate")
    contents.problems += _given_twice(tables)
    analytes = list(tables[0].analytes.values()) if tables else []
    merged: dict[tuple[str, str, int, str], dict[str, object]] = {}
    places: dict[tuple[str, str, int, str], str] = {}
    for table in tables:
        names = _matched(table, analytes, contents)
        _collect(table, names, merged, places, contents)
    for (label, wells, _, analyte), cells in merged.items():
        read = read_wells(wells)
        if read is not None:
            where = places[label, wells, _, analyte]
            contents.records.append(BioplexRecord(analyte, label, read, cells, where))
    if contents.problems:
        raise FormatError(*shortened(contents.problems))
    _note_gaps(tables, merged, contents)
    _give_curves(curves, analytes, contents, raw)
    return [matching_curves(assemble(raw, "bioplex_statistic", contents))]


def _given_twice(tables: Sequence[_StatisticTable]) -> Iterator[Problem]:
    """CK-163: a statistic on two sheets, or a column that stands twice beside the analytes."""
    sheets: dict[str, _StatisticTable] = {}
    for table in tables:
        first = sheets.setdefault(column_key(table.title), table)
        if first is not table:
            what = f"sheets {first.sheet.name!r} and {table.sheet.name!r} both hold {table.title!r}"
            mend = "delete the sheet that does not belong here; give each plate a file of its own"
            yield Problem("CK-163", what, table.sheet.where(table.head), mend)
        width = len(table.sheet.texts(table.head))
        beside = [column for column in range(width) if column not in table.analytes]
        yield from table.sheet.twice_named(table.head, beside)


def _find_table(sheet: BioplexSheet) -> _StatisticTable | None:
    """The sheet's table, if the two rows of names stand in it."""
    for row in range(1, min(HEAD_ROWS, len(sheet.rows))):
        if not sheet.names_wells(row):
            continue
        titles = sheet.texts(row)
        keys = [column_key(title) for title in titles]
        if "type" not in keys or "well" not in keys:
            continue
        above = sheet.texts(row - 1)
        columns = {i: above[i] for i, key in enumerate(keys) if key and i < len(above) and above[i]}
        statistics = {keys[index] for index in columns}
        if len(statistics) != 1 or statistics & _NO_STATISTIC:
            continue
        ids = {key: index for index, key in enumerate(keys) if key and index not in columns}
        title = titles[next(iter(columns))]
        return _StatisticTable(sheet, row, title, ids, columns)
    return None


def _matched(table: _StatisticTable, analytes: Sequence[str], contents: Contents) -> dict[int, str]:
    """Column -> analyte of the first sheet: by the same spelling, else the same but for signs."""
    keys = [column_key(name) for name in analytes]
    # IL-1α and IL-1β are one but for signs, IL-1 (12) and IL-11 (2) too
    by_name = {k: name for k, name in zip(keys, analytes, strict=True) if keys.count(k) == 1}
    names: dict[int, str] = {}
    for index, (column, printed) in enumerate(table.analytes.items()):
        found = printed if printed in analytes else by_name.get(column_key(printed))
        if found is None and index < len(analytes) and _alike(printed, analytes[index]):
            found = analytes[index]
        if found is None or found in names.values():
            near = did_you_mean(printed, list(analytes))
            where = table.sheet.where(table.head - 1, analyte=printed)
            what = f"analyte {printed!r} is not one of the first sheet's"
            mend = "export the plate again; the sheets must show the same analytes"
            contents.problems.append(Problem("CK-144", what, where, mend, near))
            continue
        names[column] = found
        if found != printed:
            place_ = f"sheet {table.sheet.name!r}" if table.sheet.name else "the file"
            message = f"{printed!r} in {place_} was taken for {found!r}"
            contents.findings.append(Finding("name_matched", message, analyte=found))
    return names


def _alike(one: str, other: str) -> bool:
    """Whether two names at the same position may be one analyte: same bead region, or near."""
    regions = {split_analyte(one)[1], split_analyte(other)[1]}
    return (regions != {""} and len(regions) == 1) or bool(did_you_mean(one, [other]))


def _collect(
    table: _StatisticTable,
    names: dict[int, str],
    merged: dict[tuple[str, str, int, str], dict[str, object]],
    places: dict[tuple[str, str, int, str], str],
    contents: Contents,
) -> None:
    """The cells of one sheet, by type code, wells and analyte; the lines around them."""
    sheet = table.sheet
    titles = trimmed(sheet.texts(table.head))
    seen: dict[tuple[str, str], int] = {}
    for row in range(len(sheet.rows)):
        texts = sheet.texts(row)
        label = texts[table.ids["type"]] if len(texts) > table.ids["type"] else ""
        wells = texts[table.ids["well"]] if len(texts) > table.ids["well"] else ""
        if row in (table.head - 1, table.head) or not any(texts):
            continue
        if row < table.head or not (label and wells) or is_legend(texts[0]):
            for line in sheet.lines(row):
                contents.take_line(sheet, row, line)
            continue
        if contents.wells(sheet, row, titles, wells) is None:
            continue
        turn = seen[label, wells] = seen.get((label, wells), -1) + 1
        cells = sheet.rows[row]
        beside = {key: cells[i] for key, i in table.ids.items() if key not in ("type", "well")}
        for column, analyte in names.items():
            key = (label, wells, turn, analyte)
            places.setdefault(key, sheet.where(row))
            known = merged.setdefault(key, {})
            known[table.title] = cells[column] if column < len(cells) else ""
            for title, cell in beside.items():
                _put_beside(known, title, cell, (label, wells, sheet.where(row)), contents)


def _put_beside(
    known: dict[str, object],
    title: str,
    cell: object,
    row: tuple[str, str, str],
    contents: Contents,
) -> None:
    """What a sheet says of the well as a whole; CK-162 where another sheet says otherwise."""
    before, now = cell_text(known.get(title, "")), cell_text(cell)
    if not before:
        known[title] = cell
    elif now and title in _OF_THE_WELL and before.casefold() != now.casefold():
        label, wells, where = row
        what = (
            f"well {wells} ({label}): the {title} is {now!r} here and {before!r} in another sheet"
        )
        mend = f"correct the {title} that is wrong, in the export"
        problem = Problem("CK-162", what, where, mend)
        if problem not in contents.problems:
            contents.problems.append(problem)


def _note_gaps(
    tables: Sequence[_StatisticTable],
    merged: dict[tuple[str, str, int, str], dict[str, object]],
    contents: Contents,
) -> None:
    """Sheets that lack rows which other sheets have."""
    for table in tables:
        lacking = [key for key, cells in merged.items() if table.title not in cells]
        rows = list(dict.fromkeys(f"{label} ({wells})" for label, wells, _, _ in lacking))
        if rows:
            message = f"{len(rows)} rows of other sheets are not in sheet {table.sheet.name!r}: "
            contents.findings.append(Finding("header_mismatch", message + some(rows)))


def _curve_lines(sheet: BioplexSheet) -> list[CurveText]:
    """The curves of the sheet ``Standard Curve``, row by row of its groups of lines."""
    starts = []
    for row in range(len(sheet.rows)):
        for column, text in enumerate(sheet.texts(row)):
            if text.casefold().startswith("regression type"):
                starts.append((row, column))
    curves = []
    for row, column in starts:
        curve = CurveText()
        for below in range(row, len(sheet.rows)):
            texts = sheet.texts(below)
            text = texts[column] if column < len(texts) else ""
            if not is_curve_line(text) or (below > row and (below, column) in starts):
                break
            curve = take_line(curve, text)
        curves.append(curve)
    return curves


def _give_curves(
    curves: Sequence[CurveText], analytes: Sequence[str], contents: Contents, raw: RawFile
) -> None:
    """One curve per analyte in order, or none at all."""
    if len(curves) == len(analytes):
        contents.curves.update(zip(analytes, curves, strict=True))
    elif curves:
        reason = f"{len(curves)} curves without names for {len(analytes)} analytes"
        contents.unread.append(Unread("sheet 'Standard Curve'", raw.path, reason))


# Raw data.


_RAW_IDS = ("well", "type", "description", "samplingerrors")
#: columns about the well as a whole
_WHOLE_WELL = ("region", "gate", "total", "aggbeads", "dilution", "group")


def _is_raw(raw: RawFile) -> bool:
    """Whether Bio-Plex header lines stand above a table that begins with Well and Type."""
    return any(_raw_head(sheet) is not None for sheet in heads(raw))


@parser(
    "bioplex_raw",
    "Bio-Plex Manager, raw data",
    sniff=_is_raw,
    weights="bioplex",
    run=BIOPLEX_RUN,
)
def read_raw(raw: RawFile) -> list[Plate]:
    """Read the plate."""
    found: list[Plate] = []
    others: list[Unread] = []
    for sheet in sheets_of(raw):
        head = _raw_head(sheet)
        if head is not None:
            found.append(_raw_plate(sheet, head))
        else:
            others += sheet.unread("a sheet without a table of readings")
    return [replace(plate, unread=(*plate.unread, *others)) for plate in found]


def _raw_head(sheet: BioplexSheet) -> int | None:
    """The row of column names, if Bio-Plex header lines stand above it."""
    for row in range(min(HEAD_ROWS, len(sheet.rows))):
        named = (
            [column_key(text) for text in sheet.texts(row) if text]
            if sheet.names_wells(row)
            else []
        )
        if named[:2] == ["well", "type"] and len(named) > 2:
            above = (sheet.texts(index)[:1] for index in range(row))
            begun = any(begins_export(cell) for cells in above for cell in cells)
            one_analyte = {"fi", "obsconc"} & set(named)
            return row if begun and not one_analyte else None
    return None


def _raw_plate(sheet: BioplexSheet, head: int) -> Plate:
    contents = Contents()
    titles = trimmed(sheet.texts(head))
    for title in dict.fromkeys(t for t in titles if t and titles.count(t) > 1):
        what = f"two columns are called {title!r}"
        mend = "export the plate again; each analyte needs a column of its own"
        contents.problems.append(Problem("CK-146", what, sheet.where(head), mend))
    ids = {column_key(title): i for i, title in enumerate(titles) if column_key(title) in _RAW_IDS}
    whole, analytes = _sort_columns(titles)
    cells = [
        _intensity(sheet.rows[row][column])
        for row in range(head + 1, len(sheet.rows))
        for column in analytes
        if column < len(sheet.rows[row])
    ]
    decimal = decide_decimal(cells, asked=sheet.raw.asked_decimal, file=sheet.raw.path)
    for row in range(len(sheet.rows)):
        texts = sheet.texts(row)
        if row == head or not any(texts):
            continue
        filled = _has(texts, ids["well"]) and _has(texts, ids["type"])
        if row < head or not filled or is_legend(texts[0]):
            for line in sheet.lines(row):
                contents.take_line(sheet, row, line)
            continue
        wells = contents.wells(sheet, row, titles, texts[ids["well"]])
        if wells is None:
            continue
        shown = [i for key, i in ids.items() if key not in ("well", "type")]
        beside = {titles[i]: sheet.rows[row][i] for i in (*shown, *whole) if i < len(texts)}
        for column, analyte in analytes.items():
            cell = sheet.rows[row][column] if column < len(texts) else ""
            values = {**beside, **_reading(cell, decimal)}
            record = BioplexRecord(analyte, texts[ids["type"]], wells, values, sheet.where(row))
            contents.records.append(record)
    return assemble(sheet.raw, "bioplex_raw", contents)


def _sort_columns(titles: Sequence[str]) -> tuple[list[int], dict[int, str]]:
    """Columns about the whole well, and the analytes': with a bead region, or not known."""
    whole, analytes = [], {}
    for index, title in enumerate(titles):
        key = column_key(title)
        if not key or key in _RAW_IDS:
            continue
        if key in _WHOLE_WELL and not split_analyte(title)[1]:
            whole.append(index)
        else:
            analytes[index] = title
    return whole, analytes


def _has(texts: Sequence[str], column: int) -> bool:
    return column < len(texts) and bool(texts[column])


def _intensity(cell: object) -> object:
    """The cell without its bead count, for the vote on the decimal sign."""
    text = cell_text(cell)
    return text.split("(")[0].strip() if isinstance(cell, str) else cell


def _reading(cell: object, decimal: str) -> dict[str, object]:
    """Intensity and, where printed, bead count."""
    if not isinstance(cell, str):
        return {"FI": cell}
    _, count = read_fi_count(cell, decimal)
    if count != count:
        return {"FI": cell}
    return {"FI": _intensity(cell), "Bead Count": count}
