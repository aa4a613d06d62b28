"""The output tables and the words in them: every column with its kind, unit and meaning.

CSV files, workbook, page, Notes sheet, command line and documentation go over :data:`TABLES`;
a column that is added there appears in all of them. The terms of the field (well types, statuses,
verdicts) are spelled here and nowhere else. The catalogue of findings is :mod:`cytokit.flags`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

Kind = Literal["text", "number", "integer", "boolean", "any"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an output table.

    Parameters
    ----------
    meaning : str
        One sentence for people who were not there.
    kind : {"text", "number", "integer", "boolean", "any"}
        What its cells are; a name has one kind in all tables.
    unit : str
        ``plate`` stands for the unit of the plate.
    sheet : str
        How a workbook shows its numbers; significant digits where not given.
    """

    meaning: str
    kind: Kind = "text"
    unit: str = ""
    sheet: str = ""

    def explained(self, unit: str = "") -> str:
        """The sentence with the unit."""
        stated = (unit or "the plate's unit") if self.unit == "plate" else self.unit
        return f"{self.meaning} [{stated}]" if stated else self.meaning


@dataclass(frozen=True, slots=True)
class Table:
    """One output table: what a row is, and its columns by name, in their order."""

    meaning: str
    columns: dict[str, Column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return list(self.columns)


@dataclass(frozen=True, slots=True)
class Term:
    """A word that may stand in a cell: what it means, and how it is shown."""

    meaning: str
    title: str = ""


#: how a workbook shows a p-value, and a number as it is
_SHEET_P, _AS_IS = "[<0.001]0.0E+00;0.0000", "General"


def number(meaning: str, unit: str = "", sheet: str = "") -> Column:
    """A column of numbers."""
    return Column(meaning, "number", unit, sheet)


def integer(meaning: str) -> Column:
    """A column of counts."""
    return Column(meaning, "integer")


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


class DesignStatus(StrEnum):
    """What became of a planned sample."""

    SAMPLED = "sampled"
    MISSING = "missing"
    DIED = "died"


class QcRole(StrEnum):
    """What a plate of a control chart is there for."""

    GUIDE = "guide"
    JUDGED = "judged"
    SHOWN = "shown"


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

#: the verdict of each plate
VERDICTS_COLUMNS = ("plate", "verdict", "sentence")

#: no study has a later day, nor an earlier one before its first
LAST_DAY = 1_000_000

DESIGN_COLUMNS = ("sample", "subject", "group", "day")

DESIGN_OPTIONAL = ("stratum", "status")

# What ``fit`` writes.

_PLATE = Column(
    "Name of the plate: the export's batch name or plate ID, otherwise the file's name."
)
_WELL = Column("Position on the plate, row letter and column number (A1).")
_SAMPLE = Column(
    "Name of the sample, to the letter as the export or the layout gives it; of an unknown its "
    "pseudonym, where pseudonyms were asked for. In CSV files a name that a spreadsheet would "
    "calculate stands behind an apostrophe, and is counted in flags.csv."
)
_TYPE = Column("What the well holds: standard, blank, control or unknown.")
_ANALYTE = Column("Name of the analyte, to the letter as the export gives it.")
_DILUTION = number(
    "Factor by which the sample was diluted; concentrations are multiplied by it.", sheet=_AS_IS
)
_UNIT = Column("Unit of the concentrations; empty where the export states none.")
_STATUS = Column("What can be said of the concentration; each status is explained below.")
_CODES = Column("Codes of the findings that concern the row, separated by semicolons.")
_LOW = "Lower end of the 95 % interval; empty where it is open, down to nothing."
_HIGH = "Upper end of the 95 % interval; empty where it is open, without end."

_WELLS = {
    "plate": _PLATE,
    "well": _WELL,
    "sample": _SAMPLE,
    "well_type": _TYPE,
    "analyte": _ANALYTE,
    "dilution_factor": _DILUTION,
    "mfi": number("Median fluorescence intensity, raw, as the export gives it.", "MFI"),
    "net_mfi": number("The export's own background-subtracted intensity, where it has one.", "MFI"),
    "bead_count": number("Beads counted for this analyte in this well.", "beads", sheet=_AS_IS),
    "expected": number(
        "Concentration at the bead that a standard or control should have.", "plate"
    ),
    "concentration": number("Concentration by this well alone, dilution applied.", "plate"),
    "ci_low": number(_LOW, "plate"),
    "ci_high": number(_HIGH, "plate"),
    "unit": _UNIT,
    "status": _STATUS,
    "vendor_concentration": number("What the instrument's software computed.", "plate"),
    "vendor_status": Column("What the instrument's software said of its own number."),
    "flags": _CODES,
}

_SAMPLES = {
    "plate": _PLATE,
    "sample": _SAMPLE,
    "well_type": _TYPE,
    "analyte": _ANALYTE,
    "n_wells": integer("Wells of this sample that were used together."),
    "dilution_factor": _DILUTION,
    "mfi": number("Mean intensity of the replicates.", "MFI"),
    "mfi_cv_pct": number(
        "Spread of the replicates' intensities: standard deviation over mean.", "%"
    ),
    "concentration": number(
        "Concentration of the sample, dilution applied; empty if out of range.", "plate"
    ),
    "ci_low": number(_LOW, "plate"),
    "ci_high": number(_HIGH, "plate"),
    "cv_pct": number(
        "Spread of the replicates' concentrations: standard deviation over mean.", "%"
    ),
    "unit": _UNIT,
    "status": _STATUS,
    "limit_low": number("Lower limit that applies to this sample, dilution applied.", "plate"),
    "limit_high": number("Upper limit that applies to this sample, dilution applied.", "plate"),
    "flags": _CODES,
    "precision_pct": number("CV that curve and noise let expect of this concentration.", "%"),
    "lod": number("Limit of detection of the plate's curve, dilution applied.", "plate"),
    "lloq": number("Lower limit of quantification by precision, dilution applied.", "plate"),
    "uloq": number("Upper limit of quantification by precision, dilution applied.", "plate"),
    "uod": number("Upper limit of detection of the plate's curve, dilution applied.", "plate"),
}

_STANDARDS = {
    "plate": _PLATE,
    "analyte": _ANALYTE,
    "level": Column("Level of the dilution series, by the name of its wells."),
    "expected": number("Concentration that the level should have.", "plate"),
    "n_wells": integer("Wells of this level."),
    "mfi": number("Mean intensity of the level's wells.", "MFI"),
    "mfi_cv_pct": number("Spread of the level's wells: standard deviation over mean.", "%"),
    "back_calculated": number(
        "Concentration that the curve gives for the level's intensity.", "plate"
    ),
    "recovery_pct": number("Back-calculated over expected; 80 to 120 is the usual demand.", "%"),
    "used": Column("Whether the level took part in the fit.", "boolean"),
    "weight": number("Weight of the level in the fit: the sum over its wells; 0 for none."),
    "reason": Column("Why the level was not used or not in full."),
}

_CURVES = {
    "plate": _PLATE,
    "analyte": _ANALYTE,
    "model": Column("Five- or four-parameter logistic (5pl, 4pl)."),
    "orientation": Column(
        "Which of the two forms of the 5PL equation, + or -, fits the plate better."
    ),
    "lower": number("Intensity of the curve at concentration zero (a).", "MFI"),
    "upper": number("Intensity of the curve at endless concentration (d).", "MFI"),
    "inflection": number("Midpoint parameter of the equation (c).", "plate"),
    "slope": number("Slope parameter (b)."),
    "asymmetry": number("Asymmetry parameter (g); 1 makes the curve a 4PL."),
    "r2": number(
        "Share of the standards' variance that the curve explains; high even for bad curves.",
        sheet="0.00000",
    ),
    "chi2": number("Weighted sum of squared residuals; about df if the variance model holds."),
    "df": number("Degrees of freedom of the fit.", sheet=_AS_IS),
    "s0": number("Constant part of the wells' standard deviation.", "MFI"),
    "cv": number(
        "Part of the wells' standard deviation that grows with the intensity, as a fraction."
    ),
    "lod": number("Limit of detection at the bead: above it a signal is more than blank.", "plate"),
    "lloq": number("Lower limit of quantification at the bead, by precision.", "plate"),
    "uloq": number("Upper limit of quantification at the bead, by precision.", "plate"),
    "lloq_recovery": number("Lowest standard of the unbroken run that recovers well.", "plate"),
    "uloq_recovery": number("Highest standard of the unbroken run that recovers well.", "plate"),
    "n_levels": integer("Levels of the standard that took part in the fit."),
    "n_pass": integer("Levels that back-calculate within the profile's limits."),
    "verdict": Column("What the curve is worth: good, usable, poor or failed."),
    "reason": Column("Why the verdict is not good, in plain words."),
    "uod": number(
        "Upper limit of detection at the bead: above it a signal cannot be told from saturation.",
        "plate",
    ),
}

_FLAG_ROWS = {
    "plate": _PLATE,
    "well": Column("Well that the finding concerns; empty if it concerns more than one."),
    "sample": Column("Sample that the finding concerns; empty if none in particular."),
    "analyte": Column("Analyte that the finding concerns; empty if it concerns all."),
    "code": Column("Code of the finding; each code is explained below."),
    "severity": Column("How much it matters: info, warn or fail."),
    "message": Column("What was seen here, with its numbers."),
}

_EXCLUSIONS = {
    "plate": _PLATE,
    "well": Column("Well whose readings are left out."),
    "analyte": Column("Analyte whose reading is left out; empty means all of the well."),
    "reason": Column("Why, in the words of the person who decided."),
    "who": Column("Who decided."),
}

_PLATES = {
    "plate": _PLATE,
    "file": Column("Name of the export, without its folder."),
    "format": Column("The format the export was recognised as."),
    "verdict": Column(
        "Of the plate as a whole, by its curves and findings; the sentence says why."
    ),
    "curves_good": integer("Curves of this verdict."),
    "curves_usable": integer("Curves of this verdict."),
    "curves_poor": integer("Curves of this verdict."),
    "curves_failed": integer("Analytes without a curve."),
    "n_in_range": integer("Results of unknown samples within the quantifiable range."),
    "n_results": integer("Results of unknown samples."),
    "n_fail": integer("Findings to be settled before the plate is reported."),
    "n_warn": integer("Findings to look at."),
    "page": Column("The plate's own page, seen from this folder; empty where none was written."),
    "sentence": Column("The verdict in words."),
}

# What ``compare`` writes.

_COMPARISONS = {
    "analyte": Column("Name of the analyte, as the study's tables spell it."),
    "unit": Column("Unit of the concentrations and of the geometric means."),
    "contrast": Column("Which question the row answers: between groups, within one, or of change."),
    "family": Column("The set of tests, declared beforehand, inside which p is adjusted."),
    "method": Column("The test that gave statistic, df and p, and how censored values were met."),
    "n_treated": integer("Subjects of the treated group that entered the test."),
    "n_control": integer("Subjects of the reference group that entered the test."),
    "n_pairs": integer("Subjects with both days, for a contrast between days."),
    "n_missing": integer("Subjects without a value that the test needs, those who died apart."),
    "n_died": integer("Subjects who died before the tested day."),
    "pct_below_treated": number("Share of the values of n_rank_treated below the limit.", "%"),
    "pct_below_control": number("Share of the values of n_rank_control below the limit.", "%"),
    "pct_above": number("Share of all values above the upper limit.", "%"),
    "gm_treated": number(
        "Geometric mean at the tested day of those of n_treated who have a value on it.", "plate"
    ),
    "gm_control": number(
        "Geometric mean at the tested day of those of n_control who have a value on it.", "plate"
    ),
    "ratio": number(
        "Ratio of geometric means: treated over reference, or later day over baseline."
    ),
    "ratio_low": number(
        "Lower end of the ratio's confidence interval, 95 % unless another alpha was asked for."
    ),
    "ratio_high": number("Upper end of the same interval."),
    "statistic": number("Value of the test statistic (t unless the method says otherwise)."),
    "df": number("Degrees of freedom of the test.", sheet=_AS_IS),
    "p": number("Two-sided p of this test alone, before any adjustment.", sheet=_SHEET_P),
    "p_rank": number("Exact p of the rank test that stands beside the main one.", sheet=_SHEET_P),
    "hl_ratio": number("Hodges-Lehmann ratio: the median of all ratios between the two sides."),
    "hl_low": number("Lower end of the exact interval of the Hodges-Lehmann ratio."),
    "hl_high": number("Upper end of the exact interval of the Hodges-Lehmann ratio."),
    "hedges_g": number(
        "Difference of the means of ln concentration in standard deviations (Hedges' g)."
    ),
    "cles": number("Probability that a treated value exceeds a reference value (0 to 1)."),
    "cliffs_delta": number("That probability minus its opposite (-1 to 1)."),
    "family_size": integer(
        "How many tests of the family could be done, those of analytes not shown included."
    ),
    "adjust": Column("How p was adjusted inside the family."),
    "p_adjusted": number("The p to report: adjusted inside its family.", sheet=_SHEET_P),
    "q_bh": number(
        "Benjamini-Hochberg q inside the family: the expected share of false findings.",
        sheet=_SHEET_P,
    ),
    "p_min_attainable": number(
        "The smallest p that an exact rank test can reach with these numbers.", sheet=_SHEET_P
    ),
    "stars": Column("From the adjusted p: * .05, ** .01, *** .001, **** .0001, otherwise ns."),
    "label": Column(
        "The text that stands on the figure's bracket: the adjusted p, or outside the families p."
    ),
    "flags": Column("What to know before believing the row, separated by semicolons."),
    "treated_group": Column("The group called treated in this row, as the design names it."),
    "control_group": Column("The group called control in this row, as the design names it."),
    "n_rank_treated": integer(
        "Subjects of the treated group behind p_rank, the Hodges-Lehmann ratio, the effect sizes,"
        " p_fisher and the shares out of range: all with a value that these need, a baseline or"
        " not."
    ),
    "n_rank_control": integer("The same of the reference group."),
    "gm_baseline": number(
        "Geometric mean at the baseline, for a contrast within a group.", "plate"
    ),
    "p_fisher": number("Fisher's exact p on how many values are detectable in each group."),
    "p_other_spread": number(
        "Two-sided p of the same model with one spread where it has one per group, or vice versa."
    ),
    "min_fold_change": number("Smallest fold change that this design shows with 80 % power."),
    "tipping_ratio": number(
        "Factor on the unseen values of the treated group's dead, and its inverse on those of the"
        " reference group, at which the result is no longer significant."
    ),
    "tipping_error": number("Monte Carlo standard error of the logarithm of that factor."),
    "assay_share": number("Share of the variance that the assay's own uncertainty adds (0 to 1)."),
    "seed": integer("Seed of the permutations or imputations behind the row, if any."),
}

_SUMMARY = {
    "analyte": Column("Name of the analyte, as the study's tables spell it."),
    "group": Column("Group of the subjects, as the design names it."),
    "day": Column("Day of the samples, as the design gives it.", "any"),
    "n": integer("Values, those below and above range included."),
    "n_below": integer("Values below range: a limit is known, no number."),
    "n_above": integer("Values above range: a limit is known, no number."),
    "geometric_mean": number("Geometric mean; censored values enter as intervals.", "plate"),
    "gsd": number("Geometric standard deviation: a factor, 1 means no spread."),
    "median": number("Median of the values.", "plate"),
    "q1": number("Lower quartile.", "plate"),
    "q3": number("Upper quartile.", "plate"),
    "min": number("Smallest value.", "plate"),
    "max": number("Largest value.", "plate"),
    "unit": Column("Unit of the concentrations."),
    "gm_low": number(
        "Lower end of the confidence interval of the geometric mean (t on ln), 95 % unless another"
        " alpha was asked for; empty with a value out of range or fewer than two values.",
        "plate",
    ),
    "gm_high": number("Upper end of the same interval.", "plate"),
}

_DETECTABILITY = {
    "analyte": Column("Name of the analyte, as the study's tables spell it."),
    "group": Column("Group of the subjects, as the design names it."),
    "day": Column("Day of the samples, as the design gives it.", "any"),
    "n": integer("Values in or out of range."),
    "n_in_range": integer("Values with a number."),
    "n_below": integer("Values below range: a limit is known, no number."),
    "n_above": integer("Values above range: a limit is known, no number."),
    "pct_in_range": number("Share of values with a number.", "%"),
    "pct_below": number("Share of values below range.", "%"),
    "pct_above": number("Share of values above range.", "%"),
}

_SENSITIVITY = {
    "analyte": _COMPARISONS["analyte"],
    "treated_group": _COMPARISONS["treated_group"],
    "control_group": _COMPARISONS["control_group"],
    "data": Column("How the trial was read: as analysed, with other curves, or as fluorescence."),
    "censor": Column("What counts as out of range: the censoring policy."),
    "substitute": Column("The number put in the place of values out of range, if any."),
    "between": Column("How the groups were compared."),
    "main": Column("Whether this is the main analysis.", "boolean"),
    **{
        name: _COMPARISONS[name]
        for name in (
            *("method", "n_treated", "n_control", "ratio", "ratio_low", "ratio_high", "p"),
            *("p_adjusted", "cliffs_delta", "n_rank_treated", "n_rank_control"),
        )
    },
    "verdict": Column("What the adjusted p says: higher, lower, not significant, or not analysed."),
    "same_as": Column("An earlier analysis that gave the very same numbers: it counts once."),
    "flags": _COMPARISONS["flags"],
}

# What ``qc`` writes, and the bridge that ``compare`` writes.

_QC_PLATE = Column("Name of the plate, told apart by its folder where two share one.")
_QC_ANALYTE = Column("Name of the analyte, as the export spells it.")
_SERIES = Column("What is charted: control, a standard, the blanks, a parameter of the curve.")
_LEVEL = Column("Which control or level of the standard; for parameters the form of the equation.")
_P = number("Two-sided p of this test alone, before any adjustment.", sheet=_SHEET_P)
_HOLM = number(
    "That p adjusted by Holm's method over all controls, or over all other series.", sheet=_SHEET_P
)

_QC_SERIES = {
    "plate": _QC_PLATE,
    "date": Column("When the plate was read, by its export; empty where that does not say."),
    "lot": Column("Lots that the export names."),
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _QC_ANALYTE,
    "unit": Column("Unit of value and mean."),
    "value": number("Geometric mean of the wells, or the parameter; empty: see reason."),
    "mean": number("Geometric mean of the guide's plates, in the unit of the value."),
    "sd": number("Standard deviation (n - 1) of ln(value) over the guide's plates."),
    "z": number("Distance of ln(value) from the guide's mean, in its standard deviations."),
    "guide_n": integer("Guide plates that mean and sd rest on."),
    "provisional": Column("Whether they are fewer than ten.", "boolean"),
    "role": Column("As guide (a member, not judged), judged, or shown (there is no guide)."),
    "rules": Column("Westgard's rules that break at this plate."),
    "n_wells": integer("Wells behind the value; 0 for a parameter without one."),
    "reason": Column("Why there is no value."),
}

_QC_FLAGS = {
    "plate": Column("Plate at which it was seen; empty if it concerns several."),
    "date": Column("When the plate was read."),
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _QC_ANALYTE,
    "code": Column("Code of the finding."),
    "rule": Column("Westgard's rule."),
    "z_values": Column("Values that make the pattern, in SD from the guide's mean, in order."),
    "severity": Column("How much it matters: info, warn or fail."),
    "message": Column("What was seen here, with its numbers."),
}

_QC_DRIFT = {
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _QC_ANALYTE,
    "n_plates": integer("Judged plates with a value."),
    "slope": number("Median slope over pairs of plates of one lot, SD per plate (Theil-Sen)."),
    "slope_low": number("Lower end of its 95 % interval."),
    "slope_high": number("Upper end of its 95 % interval."),
    "p": _P,
    "p_adjusted": _HOLM,
}

_QC_STEPS = {
    "lot_before": Column("Lots before the change."),
    "lot_after": Column("Lots after it."),
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _QC_ANALYTE,
    "n_before": integer("Plates with a value before the change."),
    "n_after": integer("Plates with a value after it, up to the next change."),
    "ratio": number("Geometric mean after over before."),
    "ratio_low": number("Lower end of its 95 % interval (Welch's, on ln)."),
    "ratio_high": number("Upper end of its 95 % interval."),
    "p": _P,
    "p_adjusted": _HOLM,
    "reason": Column("Why there is no interval."),
}

_BRIDGE = {
    "analyte": _QC_ANALYTE,
    "plate": Column("Name of the plate."),
    "effect": number("Effect of the plate on ln concentration, by the bridge samples."),
    "se": number("Its standard error."),
    "df": number("Residual degrees of freedom of the additive model.", sheet=_AS_IS),
    "ratio": number("The effect as a factor; readings were divided by it."),
    "ratio_low": number("Lower end of its 95 % interval (t)."),
    "ratio_high": number("Upper end of its 95 % interval (t)."),
    "n_readings": integer("Readings of bridge samples on this plate that were used."),
    "n_left_out": integer("Those out of range, left out."),
    "reference": Column("What the factor is relative to."),
    "samples": Column("The bridge samples."),
    "reason": Column("Why there is no effect (the analyte stays as measured), or no interval."),
}

#: The output tables, by the names of their CSV files without the ending.
TABLES: dict[str, Table] = {
    "samples": Table(
        "One row per plate, sample and analyte; the replicate wells together.", _SAMPLES
    ),
    "wells": Table("One row per well and analyte.", _WELLS),
    "curves": Table("One row per plate and analyte: the standard curve and its limits.", _CURVES),
    "standards": Table("One row per plate, analyte and level of the standard.", _STANDARDS),
    "flags": Table("One row per finding.", _FLAG_ROWS),
    "exclusions": Table(
        "One row per reading or well that a person decided to leave out.", _EXCLUSIONS
    ),
    "plates": Table("One row per plate; written where there are many.", _PLATES),
    "comparisons": Table("One row per analyte and contrast.", _COMPARISONS),
    "summary": Table("One row per analyte, group and day.", _SUMMARY),
    "detectability": Table(
        "One row per analyte, group and day: how much was in range.", _DETECTABILITY
    ),
    "sensitivity": Table(
        "One row per analyte, pair of groups and way to analyse them.", _SENSITIVITY
    ),
    "bridge": Table("One row per analyte and plate; written where plates were bridged.", _BRIDGE),
    "qc_series": Table("One row per plate and series of a control chart.", _QC_SERIES),
    "qc_flags": Table("One row per finding over plates.", _QC_FLAGS),
    "qc_drift": Table("One row per series with eight judged plates or more.", _QC_DRIFT),
    "qc_steps": Table("One row per change of a named lot and series.", _QC_STEPS),
}

STATUSES: Mapping[str, Term] = MappingProxyType(
    {
        str(RangeStatus.IN_RANGE): Term(
            "The concentration lies between LLOQ and ULOQ and can be reported.",
            title="in range",
        ),
        str(RangeStatus.BELOW_LLOQ): Term(
            "A number stands, but below the lower limit of quantification: too imprecise to report"
            " as it is.",
            title="below LLOQ",
        ),
        str(RangeStatus.ABOVE_ULOQ): Term(
            "A number stands, but above the upper limit of quantification: dilute and repeat.",
            title="above ULOQ",
        ),
        str(RangeStatus.OOR_LOW): Term(
            "Out of range, low: no number, only that the concentration lies below the limit.",
            title="below range",
        ),
        str(RangeStatus.OOR_HIGH): Term(
            "Out of range, high: no number, only that the concentration lies above the limit.",
            title="above range",
        ),
        str(RangeStatus.NO_CURVE): Term(
            "The analyte has no usable standard curve, so nothing can be said.",
            title="no curve",
        ),
        str(RangeStatus.NOT_MEASURED): Term(
            "The export holds no reading for it, or its dilution factor is not known.",
            title="not measured",
        ),
        str(RangeStatus.EXCLUDED): Term(
            "A person left the reading out; who and why stand with the exclusions.",
            title="excluded",
        ),
    }
)

VERDICTS: Mapping[str, Term] = MappingProxyType(
    {
        str(Verdict.GOOD): Term("The curve meets all acceptance rules.", title="good"),
        str(Verdict.USABLE): Term(
            "The curve can be used; the reason says what is not perfect.", title="usable"
        ),
        str(Verdict.POOR): Term(
            "The curve breaks acceptance rules; use its numbers with care or repeat the plate.",
            title="poor",
        ),
        str(Verdict.FAILED): Term(
            "There is no curve; the analyte has no concentrations on this plate.", title="failed"
        ),
    }
)

PLATE_VERDICTS: Mapping[str, Term] = MappingProxyType(
    {
        str(PlateVerdict.REPORT): Term(
            "No warning stands but the spread of replicates, every curve is good or usable and"
            " every sample was read.",
            title="report",
        ),
        str(PlateVerdict.LOOK): Term(
            "A warning, a poor curve, a sample without a reading or an unknown unit wants a"
            " person's look before the plate is reported.",
            title="look",
        ),
        str(PlateVerdict.HOLD): Term(
            "A control or a curve failed, or a finding of severity fail stands: not to be reported"
            " before it is settled.",
            title="hold",
        ),
        str(PlateVerdict.FAILED): Term(
            "No curve of the plate could be used, so it has no concentrations.", title="failed"
        ),
    }
)

SEVERITIES: Mapping[str, Term] = MappingProxyType(
    {
        str(Severity.FAIL): Term("Do not report the result before this is settled.", title="fail"),
        str(Severity.WARN): Term("Look at it before you report the result.", title="warning"),
        str(Severity.INFO): Term("Good to know; nothing need be done.", title="note"),
    }
)

WELL_TYPES: Mapping[str, Term] = MappingProxyType(
    {
        str(WellType.STANDARD): Term("A level of known concentration; the curve is fitted to it."),
        str(WellType.BLANK): Term("Everything but analyte: what no analyte looks like."),
        str(WellType.CONTROL): Term("A quality control that should read within its maker's range."),
        str(WellType.UNKNOWN): Term("A sample to be measured."),
    }
)

VENDOR_STATUSES: Mapping[str, Term] = MappingProxyType(
    {
        str(VendorStatus.IN_RANGE): Term("The instrument's software gave a plain number."),
        str(VendorStatus.EXTRAPOLATED): Term("A number outside the standards it trusts."),
        str(VendorStatus.OOR_LOW): Term("Below the range of its curve."),
        str(VendorStatus.OOR_HIGH): Term("Above the range of its curve."),
        str(VendorStatus.NOT_AVAILABLE): Term("It gave no number."),
        str(VendorStatus.OUTLIER): Term("The well was marked as an outlier in its software."),
        str(VendorStatus.NOT_GIVEN): Term("The export says nothing."),
    }
)


def column_named(name: str) -> Column | None:
    """A column of a name, whose kind is one in all tables; None where no table has it."""
    return next((t.columns[name] for t in TABLES.values() if name in t.columns), None)
