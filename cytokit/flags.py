"""The catalogue of flags: every code that may stand in flags.csv, with its plain words.

Command line, page and workbook take their explanations from here and from nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from cytokit.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class FlagText:
    """What a flag means and what to do about it.

    Parameters
    ----------
    severity : Severity
        How much it matters unless the rule says otherwise.
    title, meaning, action : str
        A few words, a sentence, and what the reader can do.
    """

    severity: Severity
    title: str
    meaning: str
    action: str


INFO, WARN, FAIL = Severity.INFO, Severity.WARN, Severity.FAIL

#: What reading the file showed.
FILE_FLAGS = {
    "unread_block": FlagText(
        INFO,
        "part of the file not used",
        "The export holds a block that cytokit does not know; it is listed and not used.",
        "Look whether it matters to you; tell us if cytokit should read it.",
    ),
    "damaged_value": FlagText(
        WARN,
        "a cell that is neither a number nor a known flag",
        "The cell was probably changed by a spreadsheet (a date made of a decimal number).",
        "Export the plate again from the instrument and do not save it from a spreadsheet.",
    ),
    "missing_value": FlagText(
        WARN,
        "a reading is missing",
        "The export gives no number for this well and analyte.",
        "Check the bead count and the instrument's log for this well.",
    ),
    "header_mismatch": FlagText(
        WARN,
        "the file contradicts itself",
        "Two parts of the export do not agree, for example on an analyte's name or unit.",
        "Compare the parts named in the message with the plate protocol.",
    ),
    "name_matched": FlagText(
        INFO,
        "names joined that are not spelled alike",
        "Two spellings of a standard or control were taken for the same reagent.",
        "Nothing, if they are the same.",
    ),
    "repeated_well": FlagText(
        WARN,
        "a well was read more than once",
        "The export holds several readings of one well; each is kept.",
        "Exclude the reading you do not want.",
    ),
    "checksum_differs": FlagText(
        INFO,
        "the file was changed after the instrument wrote it",
        "The export's closing checksum does not belong to its content; a re-save does this.",
        "Compare with the instrument's own file if you do not know who changed it.",
    ),
    "no_footer": FlagText(
        WARN,
        "the export's closing lines are missing",
        "All blocks are complete, but the line that ends such an export is not there.",
        "Make sure that nothing was cut off the end of the file.",
    ),
    "well_type_unclear": FlagText(
        WARN,
        "samples named like standards, blanks or controls",
        "The export does not say what these wells hold, so they are taken as unknown samples.",
        "Give a layout file that says what each well holds.",
    ),
    "dilution_unclear": FlagText(
        WARN,
        "dilution factor missing or unusual",
        "The export's dilution factor cannot be read or is below 1.",
        "Check the factor in the export, or give it in a layout file.",
    ),
    "layout_conflict": FlagText(
        WARN,
        "layout and export disagree",
        "The layout file and the export say different things of this well; the layout is followed.",
        "Correct whichever is wrong.",
    ),
    "layout_gap": FlagText(
        INFO,
        "wells only in the layout or only in the export",
        "A well the export does not hold stays missing; one the layout lacks is left as exported.",
        "Nothing, if these wells were left out on purpose.",
    ),
    "layout_unread": FlagText(
        INFO,
        "part of the layout not used",
        "A sheet or column of the layout file names nothing that cytokit knows or the plate has.",
        "Correct its title if it was meant to be used.",
    ),
    "expected_from_name": FlagText(
        WARN,
        "expected concentration taken from the sample's name",
        "A standard named 1/n got the concentration 1/n, relative to the undiluted standard.",
        "Give expected concentrations in the layout if you know them in units.",
    ),
    "instrument_warning": FlagText(
        INFO,
        "the instrument warned about this well",
        "The export's own Warnings/Errors block names this well.",
        "Read the message; look at the bead count.",
    ),
    "replicate_means": FlagText(
        INFO,
        "only means of replicates are in the file",
        "The export prints one reading for several wells; it stands under the first of them.",
        "Export the plate with single wells if you want to see the replicates.",
    ),
    "external_standards": FlagText(
        WARN,
        "standards measured on another plate",
        "The curve was taken from another plate; its wells are not wells of this one.",
        "Make sure that the two plates may share a curve.",
    ),
    "no_expected": FlagText(
        WARN,
        "standards without expected concentrations",
        "The export states no expected concentration (or zero for every standard).",
        "Give a layout with the expected concentrations.",
    ),
    "no_vendor_curve": FlagText(
        INFO,
        "the vendor's software fitted no curve",
        "The export says that no regression could be calculated.",
        "Read the reason in the message; cytokit fits its own curve where it can.",
    ),
    "unknown_type": FlagText(
        WARN,
        "a well type cytokit does not know",
        "The well's type code is none of those its software documents; it counts as an unknown.",
        "Give a layout if it is something else.",
    ),
    "companion_file": FlagText(
        INFO,
        "a second file was read",
        "Expected concentrations were taken from a lots file that lies beside the export.",
        "Make sure that it is the lots file of this kit.",
    ),
    "columns_recognised": FlagText(
        INFO,
        "what each column was taken for",
        "A plain table's columns were given their roles by name or by the user's mapping.",
        "Read the list; correct it with a mapping.",
    ),
    "hidden_floor": FlagText(
        WARN,
        "a repeated lowest value that nobody declared a limit",
        "Many readings share one lowest value: probably a floor of the assay, not a measurement.",
        "Declare it: a `floor` column, or `<` in a `censor` column; else it counts as measured.",
    ),
    "hidden_ceiling": FlagText(
        WARN,
        "a repeated highest value that nobody declared a limit",
        "Many readings share one highest value: probably a ceiling of the assay.",
        "Declare it with `>` in a `censor` column; else it counts as measured.",
    ),
    "limit_unknown": FlagText(
        WARN,
        "out of range, and no limit given",
        "The table says below or above a limit but states no limit for it.",
        "Add a `lod`, `lloq`, `uloq` or `limit` column.",
    ),
    "limit_contradicted": FlagText(
        WARN,
        "a value and its limit contradict each other",
        "A value marked as censored lies on the wrong side of the limit beside it.",
        "Look at the rows named; the wider of the two intervals was kept.",
    ),
    "nonpositive_value": FlagText(
        WARN,
        "a concentration of zero or less",
        "It has no logarithm, and an assay that reads zero usually means below its limit.",
        "Give it as `<` with its limit.",
    ),
    "extrapolated": FlagText(
        INFO,
        "the source calls the value extrapolated",
        "The number lies outside the range the vendor's standards support (`*1.55`).",
        "Use it with care.",
    ),
    "repeated_sample": FlagText(
        WARN,
        "a sample stands more than once",
        "The same sample (or subject and day) and analyte stand in several rows; each is kept.",
        "Say which one counts, or give the rows different names.",
    ),
}

#: What is wrong with the standards or the plate.
PLATE_FLAGS = {
    "low_count": FlagText(
        FAIL,
        "too few beads",
        "Fewer beads were counted than the profile accepts; the median is unreliable.",
        "Repeat the well, or exclude it.",
    ),
    "few_beads": FlagText(
        WARN,
        "few beads",
        "Fewer beads were counted than recommended.",
        "Compare with the replicate.",
    ),
    "replicate_cv": FlagText(
        WARN,
        "replicates differ",
        "The replicates of this sample differ by more than the profile accepts.",
        "Look at the wells; repeat the sample if it matters.",
    ),
    "control_out_of_range": FlagText(
        FAIL,
        "control outside its range",
        "A quality control reads outside the range its maker gives.",
        "Do not report the analyte from this plate before the cause is known.",
    ),
    "downweighted": FlagText(
        INFO,
        "standard well down-weighted",
        "The robust fit gave this well less weight because it lies off the curve.",
        "Look at the curve; exclude the well with a reason if it is known to be bad.",
    ),
    "curve_failed": FlagText(
        FAIL,
        "no curve",
        "No usable standard curve could be fitted; the analyte has no concentrations.",
        "Read the reason; check the standards of this analyte.",
    ),
    "curve_poor": FlagText(
        WARN,
        "poor curve",
        "The curve does not meet the acceptance rules.",
        "Use the concentrations with care; look at the recovery of the standards.",
    ),
    "ci_open_low": FlagText(
        INFO,
        "interval open below",
        "The reading does not rule out that there is nothing: the interval has no lower end.",
        "Read the upper end of the interval as the bound.",
    ),
    "ci_open_high": FlagText(
        INFO,
        "interval open above",
        "The reading lies so near the upper plateau that the interval has no upper end.",
        "Measure the sample again at a higher dilution.",
    ),
    "ci_none": FlagText(
        INFO,
        "no interval",
        "The reading lies further beyond a plateau of the curve than noise explains: no "
        "concentration is compatible with it.",
        "Look at the well; the bound in limit_low or limit_high still holds.",
    ),
    "dilutions_merged": FlagText(
        INFO,
        "several dilutions in one result",
        "The sample was measured at several dilutions; those in range are averaged by their "
        "intervals.",
        "Nothing; wells.csv has each dilution.",
    ),
    "not_parallel": FlagText(
        WARN,
        "dilutions disagree",
        "The dilutions of this sample give concentrations further apart than their intervals.",
        "Suspect interference by the matrix, or a wrong dilution factor.",
    ),
    "dilution_missing": FlagText(
        WARN,
        "no dilution factor",
        "The export gives no dilution factor for this well; 1 was taken.",
        "Give the factor in a layout.",
    ),
    "excluded": FlagText(
        INFO,
        "excluded by a user",
        "This reading was excluded by the exclusions file.",
        "Nothing; who and why are in the manifest.",
    ),
}

#: Causes found in the standards.
STANDARD_FLAGS = {
    "expected_typo": FlagText(
        FAIL,
        "expected concentration off by a power of ten",
        "One level of the dilution series does not fit its neighbours; a decimal point was lost.",
        "Correct the expected concentration in the export's protocol or in a layout file.",
    ),
    "series_irregular": FlagText(
        WARN,
        "dilution series irregular",
        "One step of the standards' dilution series is unlike the others.",
        "Compare the expected concentrations with the kit's sheet.",
    ),
    "direction_reversed": FlagText(
        FAIL,
        "standards numbered the other way",
        "The signal falls as the expected concentration rises.",
        "Turn the expected concentrations round in the protocol or in a layout file.",
    ),
    "levels_swapped": FlagText(
        FAIL,
        "two levels exchanged",
        "Two neighbouring standards look as if they stood in each other's wells.",
        "Check the plate map; correct it in a layout file.",
    ),
    "not_monotone": FlagText(
        WARN,
        "curve not rising",
        "The signal falls between two standards although the concentration rises.",
        "Look at the wells of these levels; exclude a bad one with a reason.",
    ),
    "hook": FlagText(
        WARN,
        "hook at the top",
        "The highest standard reads lower than the one below it (prozone).",
        "Exclude the top standard, or dilute; high samples may read too low.",
    ),
    "saturated": FlagText(
        WARN,
        "signal saturated",
        "The highest standards read alike; concentrations there cannot be told apart.",
        "Dilute samples that read there.",
    ),
    "blank_high": FlagText(
        WARN,
        "blank above the lowest standard",
        "The blank may be contaminated or stand in a wrong well.",
        "Check the blank's wells; exclude them with a reason.",
    ),
    "twin_apart": FlagText(
        WARN,
        "standard replicates far apart",
        "The replicates of one standard differ far beyond the assay's noise.",
        "Exclude the well that is known to be bad; the robust fit weighs it down meanwhile.",
    ),
    "low_signal": FlagText(
        WARN,
        "low signal on the whole plate",
        "The standards of this plate read far lower than those of the other plates.",
        "Check reagents, incubation and the reader's gain for this plate.",
    ),
}

#: What joining the data to the study's design showed.
STUDY_FLAGS = {
    "day_mapped": FlagText(
        INFO,
        "a day's label read as a number",
        "A label such as D6 or day 6 was taken for the day whose number it holds.",
        "Nothing, if that is what the label means.",
    ),
    "sample_not_in_design": FlagText(
        WARN,
        "a sample that the design does not name",
        "The data hold a sample that belongs to no subject; it is not used.",
        "Add it to the design, or make sure that it is a control.",
    ),
    "repeated_reading": FlagText(
        WARN,
        "a sample measured more than once",
        "Several readings of one sample became one: the geometric mean of the exact values.",
        "Exclude the reading that should not count.",
    ),
    "limit_assumed": FlagText(
        WARN,
        "a limit taken from the data",
        "Values out of range state no limit; the nearest measured number was taken for it.",
        "Add the limit to the table.",
    ),
    "plate_confounded": FlagText(
        WARN,
        "group or day goes with the plate",
        "Samples that are compared were measured on different plates.",
        "Read the counts; in the next study put all samples of a subject on one plate.",
    ),
}

#: Why a row of a comparison reads as it does.
COMPARISON_FLAGS = {
    "not_analysed": FlagText(
        WARN,
        "not analysed",
        "The data do not allow this comparison; the reason stands beside the code.",
        "Read the reason. A test on numbers put in the place of the values would prove nothing.",
    ),
    "other_method": FlagText(
        INFO,
        "not the method asked for",
        "Values out of range or a missing baseline called for another method.",
        "Report the method of this row.",
    ),
    "no_baseline": FlagText(
        INFO,
        "subjects without a baseline value",
        "Subjects measured on the day but not at baseline cannot be in this analysis.",
        "Report how many.",
    ),
    "baseline_censored": FlagText(
        INFO,
        "baseline values out of range",
        "They enter the adjustment at their limit, with an indicator where there are enough.",
        "Nothing; groups are compared without bias under randomisation.",
    ),
    "substituted": FlagText(
        WARN,
        "numbers in the place of values out of range",
        "A sensitivity analysis was asked for; effects and intervals may be biased.",
        "Report the analysis without substitution as the main one.",
    ),
    "not_normal": FlagText(
        INFO,
        "residuals are not normal",
        "The residuals of the analysis on ln concentrations depart from the normal law.",
        "Look at the values and at the rank test beside.",
    ),
    "unequal_spread": FlagText(
        WARN,
        "the groups spread unequally",
        "The model takes one spread for both groups; its p is off here.",
        "Compare with --between welch and with the rank test beside.",
    ),
    "deaths": FlagText(
        WARN,
        "subjects died before the day",
        "The comparison is among survivors with a sample.",
        "Read the worst-rank row and the tipping point.",
    ),
    "composite": FlagText(
        WARN,
        "a composite, not the cytokine",
        "Deaths are ranked worse than any value: this compares patients, not concentrations.",
        "Report it as a composite, beside the comparison of survivors.",
    ),
    "propagated": FlagText(
        INFO,
        "the assay's uncertainty carried on",
        "True values were drawn given the measured ones; the share the assay adds is given.",
        "A large share says that a better assay would help more than more subjects.",
    ),
    "not_propagated": FlagText(
        WARN,
        "the assay's uncertainty was not carried on",
        "The values state no interval, or an imputation could not be analysed.",
        "Use a fit's own samples, which have intervals.",
    ),
    "guard": FlagText(
        WARN,
        "a change in one group is no difference between groups",
        "Within the groups the verdicts differ, but the groups do not differ significantly.",
        "Claim no effect of treatment from the within-group results.",
    ),
    "gated": FlagText(
        INFO,
        "no stars: the groups do not differ",
        "Longitudinal results get stars only where the groups differ after adjustment.",
        "Use --no-gate to show them, and report the between-group result beside them.",
    ),
    "plate_refused": FlagText(
        FAIL,
        "complete confounding with plate allowed",
        "All of one group, or one day, lies on its own plates; the user went on nevertheless.",
        "Plate and effect cannot be told apart: say so wherever the result is shown.",
    ),
}

FLAGS: dict[str, FlagText] = {
    **FILE_FLAGS,
    **PLATE_FLAGS,
    **STANDARD_FLAGS,
    **STUDY_FLAGS,
    **COMPARISON_FLAGS,
}
