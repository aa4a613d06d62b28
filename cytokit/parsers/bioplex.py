"""What Bio-Plex Manager's exports share: grids, header and legend lines, type codes, names."""

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

from cytokit.errors import FormatError, Problem, place
from cytokit.flags import Finding, damaged_value
from cytokit.plate import Plate, SourceInfo, Unread, VendorCurve, make_wells, normal_well
from cytokit.schema import ANALYTE_COLUMNS, VendorStatus, WellType
from cytokit.sources.numbers import Cell, decide_decimal, read_cell, read_dilution
from cytokit.sources.raw import HEAD_ROWS, RawFile
from cytokit.sources.text import LazyRows
from cytokit.sources.workbook import CellValue, cell_text

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
    """CK-163: two columns of one name, of which only one could be read."""
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


# The standard curves that Bio-Plex Manager prints, and their inverse.


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

    @property
    def said(self) -> bool:
        """Whether any line spoke of a curve."""
        return bool(self.equation or self.failures)


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


# Records of a Bio-Plex export, and the rows and statistics made of them.


_PLACE = frozenset(("analyte", "type", "well"))
_TEXTS = frozenset(("description", "samplingerrors"))
#: columns that hold the numbers of the tidy table
NUMBERS = frozenset(("fi", "fibkgd", "obsconc", "expconc", "obsexp100", "dilution", "beadcount"))
_READ = NUMBERS | _PLACE | _TEXTS | {"outlier"}
_PLAIN = (VendorStatus.IN_RANGE, VendorStatus.NOT_GIVEN)
#: well types that have a name of their own
_NAMED = (WellType.CONTROL, WellType.UNKNOWN)
#: cells that say nothing: empty, ``***``, ``N/A``, ``---``
_NO_WORD = (VendorStatus.NOT_GIVEN, VendorStatus.NOT_AVAILABLE, VendorStatus.OUTLIER)


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the export for one analyte: type code, wells and what its columns hold.

    ``cells`` maps a column's printed title to the cell; ``table`` numbers the tables of the file.
    """

    analyte: str
    label: str
    wells: tuple[str, ...]
    cells: Mapping[str, object]
    where: str
    table: int = 0


@dataclass
class Contents:
    """All that was found in one export, before it is a plate.

    ``means`` are records of replicates that stand beside the records of their single wells.
    """

    records: list[Record] = field(default_factory=list)
    means: list[Record] = field(default_factory=list)
    header: dict[str, str] = field(default_factory=dict)
    curves: dict[str, CurveText] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def take_line(self, grid: Grid, row: int, text: str) -> None:
        """A line outside of tables: a header line, a legend, or something nobody knows."""
        if is_legend(text):
            return
        pair = header_line(text)
        if pair is None:
            reason = "a line cytokit does not know"
            self.unread.append(Unread(text[:200], grid.where(row), reason))
            return
        known = self.header.setdefault(*pair)
        if known != pair[1]:
            message = f"{grid.where(row)}: {pair[0]!r} is {pair[1]!r}, elsewhere {known!r}"
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

    def of(self, record: Record) -> str:
        """The sample of a record."""
        return self.names[record.label, record.wells, record.analyte]


def sample_names(records: Sequence[Record]) -> SampleNames:
    """The description of a well, with the type code where several samples share it.

    A type code whose wells are described differently covers several samples. Where the tables of
    two analytes describe one well differently, each analyte keeps its own name of it.
    """
    given: dict[_Wells, dict[str, str]] = {}
    for record in records:
        analytes = given.setdefault((record.label, record.wells), {})
        text = text_of(record, "description")
        if read_label(record.label).well_type in _NAMED and text:
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
    said = []
    for text in texts[:4]:
        of = [analyte for analyte, other in analytes.items() if other == text]
        said.append(f"{text!r} ({', '.join(of[:3])}{' ...' if of[3:] else ''})")
    message = f"{','.join(wells)} ({label}) is described as {' and '.join(said)}"
    message += f" and {len(texts) - 4} more" if texts[4:] else ""
    message += ": each analyte keeps its own name of the sample"
    yield Finding("header_mismatch", message, well=wells[0], sample=texts[0])


def text_of(record: Record, key: str) -> str:
    """The text under a column's key, or none."""
    return next((cell_text(c) for t, c in record.cells.items() if column_key(t) == key), "")


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

    def cell(self, record: Record, key: str) -> Cell:
        """One number of a record; a damaged one becomes a finding."""
        title, value = next(
            ((t, c) for t, c in record.cells.items() if column_key(t) == key), (key, None)
        )
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

    def row(self, record: Record) -> dict[str, Any]:
        """The row of the tidy table."""
        label = read_label(record.label)
        fi, net = self.cell(record, "fi"), self.cell(record, "fibkgd")
        obs, count = self.cell(record, "obsconc"), self.cell(record, "beadcount")
        outlier = text_of(record, "outlier") in ("1", "TRUE") or fi.status is VendorStatus.OUTLIER
        dilution = self._dilution(record, label)
        remarks = (
            "designated as an outlier" if outlier else "",
            explain_errors(text_of(record, "samplingerrors")),
        )
        return {
            "well": record.wells[0],
            "sample": self.samples.of(record),
            "well_type": str(label.well_type),
            "analyte": self.names[record.analyte][0],
            "dilution_factor": dilution if _is_diluted(label) else 1.0,
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

    def _printed(self, record: Record, key: str) -> float:
        """What is printed of the wells that a mean stands for; NaN for a single well."""
        if len(record.wells) < 2:
            return math.nan
        value = next((c for t, c in record.cells.items() if column_key(t) == key), None)
        cell = read_cell(value, self.decimal)
        told = cell.status is VendorStatus.IN_RANGE and cell.value >= 0
        return cell.value if told else math.nan

    def _dilution(self, record: Record, label: Label) -> float:
        """1 where the export gives none; NaN, with a finding, where it cannot be read."""
        value = next((c for t, c in record.cells.items() if column_key(t) == "dilution"), None)
        cell = read_cell(value, self.decimal)
        if cell.status in _NO_WORD and not cell.damaged:
            return 1.0
        factor = read_dilution(value, self.decimal)
        if not factor.known:
            message = f"{record.where}, column 'Dilution': {factor.reason}"
            message += "; no concentration without it" if _is_diluted(label) else ""
            sample = self.samples.of(record)
            found = Finding("dilution_unclear", message, self.plate, record.wells[0], sample)
            if found not in self.damaged[-1:]:  # one row of a file may stand for many analytes
                self.damaged.append(found)
        return factor.value

    def _expected(self, record: Record, label: Label, dilution: float) -> float:
        """At the bead: the export prints it for the undiluted sample, as it prints Obs Conc."""
        if label.well_type is WellType.BLANK:
            return 0.0
        value = self.cell(record, "expconc").value
        if label.well_type is WellType.UNKNOWN:
            return math.nan
        if label.well_type is WellType.CONTROL and value == 0:
            return math.nan  # the software prints 0 where the user entered nothing
        return value / dilution

    def statistics(self, records: list[Record], prefix: str) -> dict[str, pd.DataFrame]:
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
            if all(
                cell.status in (VendorStatus.IN_RANGE, VendorStatus.NOT_GIVEN) for cell in cells
            ):
                data[analyte] = pd.Series([cell.value for cell in cells], dtype="float64")
            else:
                data[analyte] = pd.Series([cell_text(value) for value in values], dtype="str")
        return pd.DataFrame(data)


def _is_diluted(label: Label) -> bool:
    return label.well_type in (WellType.CONTROL, WellType.UNKNOWN)


# From the records of a Bio-Plex export to a :class:`~cytokit.plate.Plate`.


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
    notes = [*_notes(rows, name), *_twins(samples, name), *curve_notes]
    return Plate(
        name=name,
        source=SourceInfo(raw.path, raw.sha256, family, raw.encoding, raw.delimiter, decimal),
        wells=make_wells(_with_honest_expected(rows)),
        analytes=_analytes(names, contents.units),
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


def _analytes(names: Mapping[str, tuple[str, str]], units: Mapping[str, str]) -> pd.DataFrame:
    rows = [(name, bead, units.get(whole, ""), math.nan) for whole, (name, bead) in names.items()]
    frame = pd.DataFrame(rows, columns=list(ANALYTE_COLUMNS))
    return frame.astype({"analyte": "str", "bead_id": "str", "unit": "str", "min_beads": "float64"})


def _single_wells(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """The readings, and the means that stand beside a table of their single wells."""
    tables: dict[tuple[str, int], list[Record]] = defaultdict(list)
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


def _with_honest_expected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
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


def _twins(samples: SampleNames, plate: str) -> Iterator[Finding]:
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
