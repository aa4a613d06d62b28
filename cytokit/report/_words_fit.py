"""The data dictionary of what ``fit`` writes."""

from __future__ import annotations

from cytokit.report._entry import Word, integer, number

_PLATE = Word("Name of the plate: the export's batch name or plate ID, otherwise the file's name.")
_WELL = Word("Position on the plate, row letter and column number (A1).")
_SAMPLE = Word(
    "Name of the sample, to the letter as the export or the layout gives it; of an unknown its "
    "pseudonym, where pseudonyms were asked for. In CSV files a name that a spreadsheet would "
    "calculate stands behind an apostrophe, and is counted in flags.csv."
)
_TYPE = Word("What the well holds: standard, blank, control or unknown.")
_ANALYTE = Word("Name of the analyte, to the letter as the export gives it.")
_DILUTION = number("Factor by which the sample was diluted; concentrations are multiplied by it.")
_UNIT = Word("Unit of the concentrations; empty where the export states none.")
_STATUS = Word("What can be said of the concentration; each status is explained below.")
_CODES = Word("Codes of the findings that concern the row, separated by semicolons.")
_LOW = "Lower end of the 95 % interval; empty where it is open, down to nothing."
_HIGH = "Upper end of the 95 % interval; empty where it is open, without end."

WELLS = {
    "plate": _PLATE,
    "well": _WELL,
    "sample": _SAMPLE,
    "well_type": _TYPE,
    "analyte": _ANALYTE,
    "dilution_factor": _DILUTION,
    "mfi": number("Median fluorescence intensity, raw, as the export gives it.", "MFI"),
    "net_mfi": number("The export's own background-subtracted intensity, where it has one.", "MFI"),
    "bead_count": number("Beads counted for this analyte in this well.", "beads"),
    "expected": number(
        "Concentration at the bead that a standard or control should have.", "plate"
    ),
    "concentration": number("Concentration by this well alone, dilution applied.", "plate"),
    "ci_low": number(_LOW, "plate"),
    "ci_high": number(_HIGH, "plate"),
    "unit": _UNIT,
    "status": _STATUS,
    "vendor_concentration": number("What the instrument's software computed.", "plate"),
    "vendor_status": Word("What the instrument's software said of its own number."),
    "flags": _CODES,
}

SAMPLES = {
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

STANDARDS = {
    "plate": _PLATE,
    "analyte": _ANALYTE,
    "level": Word("Level of the dilution series, by the name of its wells."),
    "expected": number("Concentration that the level should have.", "plate"),
    "n_wells": integer("Wells of this level."),
    "mfi": number("Mean intensity of the level's wells.", "MFI"),
    "mfi_cv_pct": number("Spread of the level's wells: standard deviation over mean.", "%"),
    "back_calculated": number(
        "Concentration that the curve gives for the level's intensity.", "plate"
    ),
    "recovery_pct": number("Back-calculated over expected; 80 to 120 is the usual demand.", "%"),
    "used": Word("Whether the level took part in the fit.", "boolean"),
    "weight": number("Weight of the level in the fit: the sum over its wells; 0 for none."),
    "reason": Word("Why the level was not used or not in full."),
}

CURVES = {
    "plate": _PLATE,
    "analyte": _ANALYTE,
    "model": Word("Five- or four-parameter logistic (5pl, 4pl)."),
    "orientation": Word(
        "Which of the two forms of the 5PL equation, + or -, fits the plate better."
    ),
    "lower": number("Intensity of the curve at concentration zero (a).", "MFI"),
    "upper": number("Intensity of the curve at endless concentration (d).", "MFI"),
    "inflection": number("Midpoint parameter of the equation (c).", "plate"),
    "slope": number("Slope parameter (b)."),
    "asymmetry": number("Asymmetry parameter (g); 1 makes the curve a 4PL."),
    "r2": number(
        "Share of the standards' variance that the curve explains; high even for bad curves."
    ),
    "chi2": number("Weighted sum of squared residuals; about df if the variance model holds."),
    "df": number("Degrees of freedom of the fit."),
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
    "verdict": Word("What the curve is worth: good, usable, poor or failed."),
    "reason": Word("Why the verdict is not good, in plain words."),
    "uod": number(
        "Upper limit of detection at the bead: above it a signal cannot be told from saturation.",
        "plate",
    ),
}

FLAG_ROWS = {
    "plate": _PLATE,
    "well": Word("Well that the finding concerns; empty if it concerns more than one."),
    "sample": Word("Sample that the finding concerns; empty if none in particular."),
    "analyte": Word("Analyte that the finding concerns; empty if it concerns all."),
    "code": Word("Code of the finding; each code is explained below."),
    "severity": Word("How much it matters: info, warn or fail."),
    "message": Word("What was seen here, with its numbers."),
}

EXCLUSIONS = {
    "plate": _PLATE,
    "well": Word("Well whose readings are left out."),
    "analyte": Word("Analyte whose reading is left out; empty means all of the well."),
    "reason": Word("Why, in the words of the person who decided."),
    "who": Word("Who decided."),
}

PLATES = {
    "plate": _PLATE,
    "file": Word("Name of the export, without its folder."),
    "format": Word("The format the export was recognised as."),
    "verdict": Word("Of the plate as a whole, by its curves and findings; the sentence says why."),
    "curves_good": integer("Curves of this verdict."),
    "curves_usable": integer("Curves of this verdict."),
    "curves_poor": integer("Curves of this verdict."),
    "curves_failed": integer("Analytes without a curve."),
    "n_in_range": integer("Results of unknown samples within the quantifiable range."),
    "n_results": integer("Results of unknown samples."),
    "n_fail": integer("Findings to be settled before the plate is reported."),
    "n_warn": integer("Findings to look at."),
    "page": Word("The plate's own page, seen from this folder; empty where none was written."),
    "sentence": Word("The verdict in words."),
}
