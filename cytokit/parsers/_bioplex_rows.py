"""Records of a Bio-Plex export, and the rows and statistics made of them.

Columns of the tidy table beyond ``PLATE_COLUMNS``: ``label`` (the type code), ``wells``,
``n_replicates``, ``replicate_sd`` and ``replicate_cv_pct`` (as printed beside a mean of several
wells, of their intensities), ``outlier`` (set aside by the vendor), ``external`` (a standard of
another plate).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cytokit.errors import Problem
from cytokit.findings import Finding, damaged_value
from cytokit.parsers._bioplex import (
    Grid,
    Label,
    column_key,
    explain_errors,
    header_line,
    is_legend,
    read_label,
    split_analyte,
)
from cytokit.parsers._bioplex_curve import CurveText
from cytokit.parsers._source import cell_text
from cytokit.plate import Unread
from cytokit.sources.dilution import read_dilution
from cytokit.sources.numbers import Cell, read_cell
from cytokit.vocabulary import VendorStatus, WellType

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
    """What each record's sample is called, and what is to be said of that.

    Parameters
    ----------
    names : mapping of (type code, wells, analyte) to str
    shared : mapping of str to list of str
        Descriptions of several type codes, which keep the samples apart.
    findings : tuple of Finding
        Wells that are described differently, type codes that cover several samples.
    """

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
