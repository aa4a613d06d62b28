"""The words of the field: column names, well types, statuses and units.

The only place where these strings are spelled; every other room imports them from here. The
catalogue of flag codes, with their explanations, is :mod:`cytokit.flags`.
"""

from __future__ import annotations

from enum import StrEnum


class WellType(StrEnum):
    """What a well holds."""

    STANDARD = "standard"
    BLANK = "blank"
    CONTROL = "control"
    UNKNOWN = "unknown"


class RangeStatus(StrEnum):
    """What can be said of a concentration.

    ``in_range``, ``below_lloq`` and ``above_uloq`` carry a number; ``oor_low`` and ``oor_high``
    carry a limit and no number; the others carry neither.
    """

    IN_RANGE = "in_range"
    BELOW_LLOQ = "below_lloq"
    ABOVE_ULOQ = "above_uloq"
    OOR_LOW = "oor_low"
    OOR_HIGH = "oor_high"
    NO_CURVE = "no_curve"
    NOT_MEASURED = "not_measured"
    EXCLUDED = "excluded"


class LimitSource(StrEnum):
    """Where the limit of a value out of range comes from."""

    STATED = "stated"  # by the fit, by the cell or beside it
    FLOOR = "floor"  # a lowest value that many readings share and nobody declared
    MEASURED = "measured"  # no limit at all: the lowest or highest number measured
    UNKNOWN = "unknown"  # no limit at all, and no number measured


class VendorStatus(StrEnum):
    """What the vendor's software said of its own result, read off its token."""

    IN_RANGE = "in_range"
    EXTRAPOLATED = "extrapolated"  # Bio-Plex *1.55, xPONENT comment "Extrapolated"
    OOR_LOW = "oor_low"  # "OOR <", "< 3.2"
    OOR_HIGH = "oor_high"  # "OOR >", "> 10000"
    NOT_AVAILABLE = "not_available"  # "***", "N/A", "NaN"
    OUTLIER = "outlier"  # "---"
    NOT_GIVEN = ""  # an empty cell, or no such block in the file


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARN = "warn"
    FAIL = "fail"


class Verdict(StrEnum):
    """What a standard curve is worth."""

    GOOD = "good"
    USABLE = "usable"
    POOR = "poor"
    FAILED = "failed"


class PlateVerdict(StrEnum):
    """What to do with a plate as a whole, from the best to the worst."""

    REPORT = "report"
    LOOK = "look"
    HOLD = "hold"
    FAILED = "failed"


#: Columns of ``Plate.wells``: one row per well x analyte, as the export says.
PLATE_COLUMNS = (
    "well",  # "A1": row letter(s) and column number without a leading zero
    "sample",  # the export's own name, kept to the letter
    "well_type",  # WellType
    "analyte",
    "dilution_factor",  # >= 1, multiplies; 1 for standards and blanks
    "mfi",  # the median (or what the export gives as FI), raw
    "net_mfi",  # the export's own background-subtracted value; NaN where it has none
    "bead_count",
    "expected",  # standards and controls: concentration at the bead; blanks 0; unknowns NaN
    "expected_low",  # controls: the kit's range
    "expected_high",
    "vendor_concentration",  # the vendor's number, dilution-corrected as the vendor does
    "vendor_status",  # VendorStatus
    "vendor_limit",  # the number beside < or > in the vendor's token
    "vendor_recovery_pct",
    "comment",  # the export's own remark on this reading
)

#: Columns that ``Plate.wells`` has where the export prints means of wells in the place of wells.
REPLICATE_COLUMNS = (
    "n_replicates",  # wells that the reading is the mean of
    "replicate_sd",  # their standard deviation as printed, in MFI; NaN where it is not
    "replicate_cv_pct",  # as printed: of MFI in some exports, of net MFI in others
)

#: Columns of ``Plate.analytes``: one row per analyte.
ANALYTE_COLUMNS = ("analyte", "bead_id", "unit", "min_beads")

WELLS_COLUMNS = (
    "plate",
    "well",
    "sample",
    "well_type",
    "analyte",
    "dilution_factor",
    "mfi",
    "net_mfi",
    "bead_count",
    "expected",
    "concentration",
    "ci_low",
    "ci_high",
    "unit",
    "status",
    "vendor_concentration",
    "vendor_status",
    "flags",
)

SAMPLES_COLUMNS = (
    "plate",
    "sample",
    "well_type",
    "analyte",
    "n_wells",
    "dilution_factor",
    "mfi",
    "mfi_cv_pct",
    "concentration",
    "ci_low",
    "ci_high",
    "cv_pct",
    "unit",
    "status",
    "limit_low",
    "limit_high",
    "flags",
)

#: what follows SAMPLES_COLUMNS: the expected CV, and the curve's limits with the dilution applied
SAMPLES_EXTRA_COLUMNS = ("precision_pct", "lod", "lloq", "uloq", "uod")

STANDARDS_COLUMNS = (
    "plate",
    "analyte",
    "level",
    "expected",
    "n_wells",
    "mfi",
    "mfi_cv_pct",
    "back_calculated",
    "recovery_pct",
    "used",
    "weight",
    "reason",
)

CURVES_COLUMNS = (
    "plate",
    "analyte",
    "model",
    "orientation",
    "lower",
    "upper",
    "inflection",
    "slope",
    "asymmetry",
    "r2",
    "chi2",
    "df",
    "s0",
    "cv",
    "lod",
    "lloq",
    "uloq",
    "lloq_recovery",
    "uloq_recovery",
    "n_levels",
    "n_pass",
    "verdict",
    "reason",
    "uod",
)

FLAG_COLUMNS = ("plate", "well", "sample", "analyte", "code", "severity", "message")

#: the verdict of each plate
VERDICTS_COLUMNS = ("plate", "verdict", "sentence")

#: one row per plate, where a fit holds many
PLATES_COLUMNS = (
    "plate",
    "file",
    "format",
    "verdict",
    "curves_good",
    "curves_usable",
    "curves_poor",
    "curves_failed",
    "n_in_range",
    "n_results",
    "n_fail",
    "n_warn",
    "page",
    "sentence",
)

EXCLUSION_COLUMNS = ("plate", "well", "analyte", "reason", "who")

#: no study has a later day, nor an earlier one before its first
LAST_DAY = 1_000_000
DESIGN_COLUMNS = ("sample", "subject", "group", "day")
DESIGN_OPTIONAL = ("stratum", "status")


class DesignStatus(StrEnum):
    """What became of a planned sample."""

    SAMPLED = "sampled"
    MISSING = "missing"
    DIED = "died"


#: One row per analyte x contrast, as STATISTICS names them.
COMPARISON_COLUMNS = (
    "analyte",
    "unit",
    "contrast",
    "family",
    "method",
    "n_treated",
    "n_control",
    "n_pairs",
    "n_missing",
    "n_died",
    "pct_below_treated",
    "pct_below_control",
    "pct_above",
    "gm_treated",
    "gm_control",
    "ratio",
    "ratio_low",
    "ratio_high",
    "statistic",
    "df",
    "p",
    "p_rank",
    "hl_ratio",
    "hl_low",
    "hl_high",
    "hedges_g",
    "cles",
    "cliffs_delta",
    "family_size",
    "adjust",
    "p_adjusted",
    "q_bh",
    "p_min_attainable",
    "stars",
    "label",
    "flags",
)

SUMMARY_COLUMNS = (
    "analyte",
    "group",
    "day",
    "n",
    "n_below",
    "n_above",
    "geometric_mean",
    "gsd",
    "median",
    "q1",
    "q3",
    "min",
    "max",
    "unit",
)

#: One row per plate and series of a control chart.
QC_SERIES_COLUMNS = (
    "plate",
    "date",
    "lot",
    "series",
    "level",
    "analyte",
    "unit",
    "value",
    "mean",
    "sd",
    "z",
    "guide_n",
    "provisional",
    "role",
    "rules",
    "n_wells",
    "reason",
)

QC_FLAG_COLUMNS = (
    "plate",
    "date",
    "series",
    "level",
    "analyte",
    "code",
    "rule",
    "z_values",
    "severity",
    "message",
)

QC_DRIFT_COLUMNS = (
    "series",
    "level",
    "analyte",
    "n_plates",
    "slope",
    "slope_low",
    "slope_high",
    "p",
    "p_adjusted",
)

QC_STEP_COLUMNS = (
    "lot_before",
    "lot_after",
    "series",
    "level",
    "analyte",
    "n_before",
    "n_after",
    "ratio",
    "ratio_low",
    "ratio_high",
    "p",
    "p_adjusted",
    "reason",
)

BRIDGE_COLUMNS = (
    "analyte",
    "plate",
    "effect",
    "se",
    "df",
    "ratio",
    "ratio_low",
    "ratio_high",
    "n_readings",
    "n_left_out",
    "reference",
    "samples",
    "reason",
)


class QcRole(StrEnum):
    """What a plate of a control chart is there for."""

    GUIDE = "guide"
    JUDGED = "judged"
    SHOWN = "shown"
