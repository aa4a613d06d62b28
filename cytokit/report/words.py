"""The data dictionary: every column, status and verdict in plain words.

Page, workbook and command line take their explanations from here, and those of flags from
:mod:`cytokit.flags`; nothing is explained twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cytokit.report import _words_compare, _words_fit, _words_qc
from cytokit.report._entry import Kind, Word
from cytokit.vocabulary import PlateVerdict, RangeStatus, Severity, VendorStatus, Verdict, WellType

__all__ = [
    "COLUMN_KINDS",
    "PLATE_VERDICTS",
    "SEVERITIES",
    "STATUSES",
    "TABLES",
    "TABLE_MEANINGS",
    "VENDOR_STATUSES",
    "VERDICTS",
    "WELL_TYPES",
    "Kind",
    "Word",
    "explain",
]

#: Column dictionaries by table; the names of the CSV files without their ending.
TABLES: Mapping[str, Mapping[str, Word]] = MappingProxyType(
    {
        "samples": _words_fit.SAMPLES,
        "wells": _words_fit.WELLS,
        "curves": _words_fit.CURVES,
        "standards": _words_fit.STANDARDS,
        "flags": _words_fit.FLAG_ROWS,
        "exclusions": _words_fit.EXCLUSIONS,
        "plates": _words_fit.PLATES,
        "comparisons": _words_compare.COMPARISONS,
        "summary": _words_compare.SUMMARY,
        "detectability": _words_compare.DETECTABILITY,
        "sensitivity": _words_compare.SENSITIVITY,
        "bridge": _words_qc.BRIDGE,
        "qc_series": _words_qc.QC_SERIES,
        "qc_flags": _words_qc.QC_FLAGS,
        "qc_drift": _words_qc.QC_DRIFT,
        "qc_steps": _words_qc.QC_STEPS,
    }
)

#: What one row of each table is.
TABLE_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "samples": "One row per plate, sample and analyte; the replicate wells together.",
        "wells": "One row per well and analyte.",
        "curves": "One row per plate and analyte: the standard curve and its limits.",
        "standards": "One row per plate, analyte and level of the standard.",
        "flags": "One row per finding.",
        "exclusions": "One row per reading or well that a person decided to leave out.",
        "plates": "One row per plate; written where there are many.",
        "comparisons": "One row per analyte and contrast.",
        "summary": "One row per analyte, group and day.",
        "detectability": "One row per analyte, group and day: how much was in range.",
        "sensitivity": "One row per analyte, pair of groups and way to analyse them.",
        "bridge": "One row per analyte and plate; written where plates were bridged.",
        "qc_series": "One row per plate and series of a control chart.",
        "qc_flags": "One row per finding over plates.",
        "qc_drift": "One row per series with eight judged plates or more.",
        "qc_steps": "One row per change of a named lot and series.",
    }
)

STATUSES: Mapping[str, Word] = MappingProxyType(
    {
        str(RangeStatus.IN_RANGE): Word(
            "The concentration lies between LLOQ and ULOQ and can be reported.",
            title="in range",
        ),
        str(RangeStatus.BELOW_LLOQ): Word(
            "A number stands, but below the lower limit of quantification: too imprecise to report"
            " as it is.",
            title="below LLOQ",
        ),
        str(RangeStatus.ABOVE_ULOQ): Word(
            "A number stands, but above the upper limit of quantification: dilute and repeat.",
            title="above ULOQ",
        ),
        str(RangeStatus.OOR_LOW): Word(
            "Out of range, low: no number, only that the concentration lies below the limit.",
            title="below range",
        ),
        str(RangeStatus.OOR_HIGH): Word(
            "Out of range, high: no number, only that the concentration lies above the limit.",
            title="above range",
        ),
        str(RangeStatus.NO_CURVE): Word(
            "The analyte has no usable standard curve, so nothing can be said.",
            title="no curve",
        ),
        str(RangeStatus.NOT_MEASURED): Word(
            "The export holds no reading for it, or its dilution factor is not known.",
            title="not measured",
        ),
        str(RangeStatus.EXCLUDED): Word(
            "A person left the reading out; who and why stand with the exclusions.",
            title="excluded",
        ),
    }
)

VERDICTS: Mapping[str, Word] = MappingProxyType(
    {
        str(Verdict.GOOD): Word("The curve meets all acceptance rules.", title="good"),
        str(Verdict.USABLE): Word(
            "The curve can be used; the reason says what is not perfect.", title="usable"
        ),
        str(Verdict.POOR): Word(
            "The curve breaks acceptance rules; use its numbers with care or repeat the plate.",
            title="poor",
        ),
        str(Verdict.FAILED): Word(
            "There is no curve; the analyte has no concentrations on this plate.", title="failed"
        ),
    }
)

PLATE_VERDICTS: Mapping[str, Word] = MappingProxyType(
    {
        str(PlateVerdict.REPORT): Word(
            "No warning stands but the spread of replicates, every curve is good or usable and"
            " every sample was read.",
            title="report",
        ),
        str(PlateVerdict.LOOK): Word(
            "A warning, a poor curve, a sample without a reading or an unknown unit wants a"
            " person's look before the plate is reported.",
            title="look",
        ),
        str(PlateVerdict.HOLD): Word(
            "A control or a curve failed, or a finding of severity fail stands: not to be reported"
            " before it is settled.",
            title="hold",
        ),
        str(PlateVerdict.FAILED): Word(
            "No curve of the plate could be used, so it has no concentrations.", title="failed"
        ),
    }
)

SEVERITIES: Mapping[str, Word] = MappingProxyType(
    {
        str(Severity.FAIL): Word("Do not report the result before this is settled.", title="fail"),
        str(Severity.WARN): Word("Look at it before you report the result.", title="warning"),
        str(Severity.INFO): Word("Good to know; nothing need be done.", title="note"),
    }
)

WELL_TYPES: Mapping[str, Word] = MappingProxyType(
    {
        str(WellType.STANDARD): Word("A level of known concentration; the curve is fitted to it."),
        str(WellType.BLANK): Word("Everything but analyte: what no analyte looks like."),
        str(WellType.CONTROL): Word("A quality control that should read within its maker's range."),
        str(WellType.UNKNOWN): Word("A sample to be measured."),
    }
)

VENDOR_STATUSES: Mapping[str, Word] = MappingProxyType(
    {
        str(VendorStatus.IN_RANGE): Word("The instrument's software gave a plain number."),
        str(VendorStatus.EXTRAPOLATED): Word("A number outside the standards it trusts."),
        str(VendorStatus.OOR_LOW): Word("Below the range of its curve."),
        str(VendorStatus.OOR_HIGH): Word("Above the range of its curve."),
        str(VendorStatus.NOT_AVAILABLE): Word("It gave no number."),
        str(VendorStatus.OUTLIER): Word("The well was marked as an outlier in its software."),
        str(VendorStatus.NOT_GIVEN): Word("The export says nothing."),
    }
)

#: Kind of every column, by its name; a name has one kind in all tables.
COLUMN_KINDS: Mapping[str, Kind] = MappingProxyType(
    {name: word.kind for columns in TABLES.values() for name, word in columns.items()}
)


def explain(table: str, column: str, unit: str = "") -> str:
    """A column's sentence with its unit."""
    word = TABLES[table][column]
    stated = (unit or "the plate's unit") if word.unit == "plate" else word.unit
    return f"{word.meaning} [{stated}]" if stated else word.meaning
