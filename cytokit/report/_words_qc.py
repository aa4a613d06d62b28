"""The data dictionary of what ``qc`` writes, and of the bridge that ``compare`` writes."""

from __future__ import annotations

from cytokit.report._entry import Word, integer, number

_PLATE = Word("Name of the plate, told apart by its folder where two share one.")
_ANALYTE = Word("Name of the analyte, as the export spells it.")
_SERIES = Word("What is charted: control, a standard, the blanks, a parameter of the curve.")
_LEVEL = Word("Which control or level of the standard; for parameters the form of the equation.")
_P = number("Two-sided p of this test alone, before any adjustment.")
_HOLM = number("That p adjusted by Holm's method over all controls, or over all other series.")

QC_SERIES = {
    "plate": _PLATE,
    "date": Word("When the plate was read, by its export; empty where that does not say."),
    "lot": Word("Lots that the export names."),
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _ANALYTE,
    "unit": Word("Unit of value and mean."),
    "value": number("Geometric mean of the wells, or the parameter; empty: see reason."),
    "mean": number("Geometric mean of the guide's plates, in the unit of the value."),
    "sd": number("Standard deviation (n - 1) of ln(value) over the guide's plates."),
    "z": number("Distance of ln(value) from the guide's mean, in its standard deviations."),
    "guide_n": integer("Guide plates that mean and sd rest on."),
    "provisional": Word("Whether they are fewer than ten.", "boolean"),
    "role": Word("As guide (a member, not judged), judged, or shown (there is no guide)."),
    "rules": Word("Westgard's rules that break at this plate."),
    "n_wells": integer("Wells behind the value; 0 for a parameter without one."),
    "reason": Word("Why there is no value."),
}

QC_FLAGS = {
    "plate": Word("Plate at which it was seen; empty if it concerns several."),
    "date": Word("When the plate was read."),
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _ANALYTE,
    "code": Word("Code of the finding."),
    "rule": Word("Westgard's rule."),
    "z_values": Word("Values that make the pattern, in SD from the guide's mean, in order."),
    "severity": Word("How much it matters: info, warn or fail."),
    "message": Word("What was seen here, with its numbers."),
}

QC_DRIFT = {
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _ANALYTE,
    "n_plates": integer("Judged plates with a value."),
    "slope": number("Median slope over pairs of plates of one lot, SD per plate (Theil-Sen)."),
    "slope_low": number("Lower end of its 95 % interval."),
    "slope_high": number("Upper end of its 95 % interval."),
    "p": _P,
    "p_adjusted": _HOLM,
}

QC_STEPS = {
    "lot_before": Word("Lots before the change."),
    "lot_after": Word("Lots after it."),
    "series": _SERIES,
    "level": _LEVEL,
    "analyte": _ANALYTE,
    "n_before": integer("Plates with a value before the change."),
    "n_after": integer("Plates with a value after it, up to the next change."),
    "ratio": number("Geometric mean after over before."),
    "ratio_low": number("Lower end of its 95 % interval (Welch's, on ln)."),
    "ratio_high": number("Upper end of its 95 % interval."),
    "p": _P,
    "p_adjusted": _HOLM,
    "reason": Word("Why there is no interval."),
}

BRIDGE = {
    "analyte": _ANALYTE,
    "plate": Word("Name of the plate."),
    "effect": number("Effect of the plate on ln concentration, by the bridge samples."),
    "se": number("Its standard error."),
    "df": number("Residual degrees of freedom of the additive model."),
    "ratio": number("The effect as a factor; readings were divided by it."),
    "ratio_low": number("Lower end of its 95 % interval (t)."),
    "ratio_high": number("Upper end of its 95 % interval (t)."),
    "n_readings": integer("Readings of bridge samples on this plate that were used."),
    "n_left_out": integer("Those out of range, left out."),
    "reference": Word("What the factor is relative to."),
    "samples": Word("The bridge samples."),
    "reason": Word("Why there is no effect (the analyte stays as measured), or no interval."),
}
