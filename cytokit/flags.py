"""The catalogue of findings, and findings: what was noticed about a file, a well or a curve.

Every code that may stand in flags.csv has its severity, its title and its plain words here and
nowhere else; command line, page, workbook and methods take them from :data:`FLAGS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cytokit.cell_text import calculates
from cytokit.schema import TABLES, Severity

INFO, WARN, FAIL = Severity.INFO, Severity.WARN, Severity.FAIL


@dataclass(frozen=True, slots=True)
class Flag:
    """What a flag means and what to do about it."""

    severity: Severity
    title: str
    meaning: str
    action: str
    holds_plate: bool = False
    needs_look: bool = True


#: by code, in the order in which they arise
FLAGS: dict[str, Flag] = {
    # What reading the file showed.
    "unread_block": Flag(
        INFO,
        "part of the file not used",
        "The export holds a block that cytokit does not know; it is listed and not used.",
        "Look whether it matters to you; tell us if cytokit should read it.",
    ),
    "damaged_value": Flag(
        WARN,
        "a cell that is neither a number nor a known flag",
        "The cell was probably changed by a spreadsheet (a date made of a decimal number).",
        "Export the plate again from the instrument and do not save it from a spreadsheet.",
    ),
    "missing_value": Flag(
        WARN,
        "a reading is missing",
        "The export gives no number for this well and analyte.",
        "Check the bead count and the instrument's log for this well.",
    ),
    "header_mismatch": Flag(
        WARN,
        "the file contradicts itself",
        "Two parts of the export do not agree, for example on an analyte's name or unit.",
        "Compare the parts named in the message with the plate protocol.",
    ),
    "name_matched": Flag(
        INFO,
        "names joined that are not spelled alike",
        "Two spellings of a standard or control were taken for the same reagent.",
        "Nothing, if they are the same.",
    ),
    "repeated_well": Flag(
        WARN,
        "a well was read more than once",
        "The export holds several readings of one well; each is kept.",
        "Exclude the reading you do not want.",
    ),
    "checksum_differs": Flag(
        INFO,
        "the file was changed after the instrument wrote it",
        "The export's closing checksum does not belong to its content; a re-save does this.",
        "Compare with the instrument's own file if you do not know who changed it.",
    ),
    "no_header": Flag(
        WARN,
        "the export's first lines are missing",
        "The blocks stand without the lines that name the program, the instrument and the batch.",
        "Export the plate again if you need its date, or do not know where the blocks come from.",
    ),
    "no_footer": Flag(
        WARN,
        "the export's closing lines are missing",
        "All blocks are complete, but the line that ends such an export is not there.",
        "Make sure that nothing was cut off the end of the file.",
    ),
    "well_type_unclear": Flag(
        WARN,
        "samples named like standards, blanks or controls",
        "The export does not say what these wells hold, so they are taken as unknown samples.",
        "Say in a layout what each well holds: `cytokit inspect PLATE --write-layout FILE` writes "
        "one with the likely types filled in, for you to look at.",
    ),
    "dilution_unclear": Flag(
        WARN,
        "dilution factor missing or unclear",
        "The export's dilution factor cannot be read, or can be read in two ways (0.5, 1:1).",
        "Give the factor in a layout: 2 (or 1:2) for one part in two.",
    ),
    "layout_conflict": Flag(
        WARN,
        "layout and export disagree",
        "The layout file and the export say different things of this well; the layout is followed.",
        "Correct whichever is wrong.",
    ),
    "layout_gap": Flag(
        INFO,
        "wells only in the layout or only in the export",
        "A well the export does not hold stays missing; one the layout lacks is left as exported.",
        "Nothing, if these wells were left out on purpose.",
    ),
    "layout_unread": Flag(
        INFO,
        "part of the layout not used",
        "A sheet or column of the layout file names nothing that cytokit knows or the plate has.",
        "Correct its title if it was meant to be used.",
    ),
    "layout_title_unknown": Flag(
        WARN,
        "a column of the layout not understood",
        "Its title is neither a property nor an analyte of the plate, and it holds numbers or is "
        "nearly one of those titles: a dilution or a concentration may be missing.",
        "Title it sample, type, dilution, plate, expected or an analyte; or comment, to leave it.",
    ),
    "expected_from_name": Flag(
        WARN,
        "expected concentration taken from the sample's name",
        "A standard named 1/n got the concentration 1/n, relative to the undiluted standard.",
        "Give expected concentrations in the layout if you know them in units.",
    ),
    "instrument_warning": Flag(
        INFO,
        "the instrument warned about this well",
        "The export's own Warnings/Errors block names this well.",
        "Read the message; look at the bead count.",
    ),
    "replicate_means": Flag(
        INFO,
        "only means of replicates are in the file",
        "The export prints one reading for several wells; it stands under the first of them.",
        "Export the plate with single wells if you want to see the replicates.",
    ),
    "external_standards": Flag(
        WARN,
        "standards measured on another plate",
        "The curve was taken from another plate; its wells are not wells of this one.",
        "Make sure that the two plates may share a curve.",
    ),
    "no_expected": Flag(
        WARN,
        "standards without expected concentrations",
        "The export states no expected concentration (or zero for every standard).",
        "Give a layout with the expected concentrations.",
    ),
    "no_vendor_curve": Flag(
        INFO,
        "the vendor's software fitted no curve",
        "The export says that no regression could be calculated.",
        "Read the reason in the message; cytokit fits its own curve where it can.",
    ),
    "unknown_type": Flag(
        WARN,
        "a well type cytokit does not know",
        "The well's type code is none of those its software documents; it counts as an unknown.",
        "Give a layout if it is something else.",
    ),
    "companion_file": Flag(
        INFO,
        "a second file was read",
        "Expected concentrations were taken from a lots file that lies beside the export.",
        "Make sure that it is the lots file of this kit.",
    ),
    "columns_recognised": Flag(
        INFO,
        "what each column was taken for",
        "A plain table's columns were given their roles by name or by the user's mapping.",
        "Read the list; correct it with a mapping.",
    ),
    "words_read": Flag(
        INFO,
        "words in place of numbers",
        "Cells hold a word such as BLQ, ND or NA; the message says what it was read as.",
        "Nothing, if that is what the word means.",
    ),
    "thousands_read": Flag(
        INFO,
        "numbers with thousands marks",
        "Cells hold numbers in groups of three; the marks between the groups were taken out.",
        "Look at the numbers named; the other cells of the table prove the marks.",
    ),
    "decimal_asked": Flag(
        WARN,
        "the decimal mark is the user's word",
        "Cells such as 1,435 can be read in two ways, and no other cell of the table proves which.",
        "Make sure that the mark asked for is the table's.",
    ),
    "hidden_floor": Flag(
        WARN,
        "a repeated lowest value that nobody declared a limit",
        "Many readings share one lowest value: probably a floor of the assay, not a measurement.",
        "Declare it: a `floor` column, or `<` in a `censor` column; compare says how it counts.",
    ),
    "hidden_ceiling": Flag(
        WARN,
        "a repeated highest value that nobody declared a limit",
        "Many readings share one highest value: probably a ceiling of the assay.",
        "Declare it with `>` in a `censor` column; else it counts as measured.",
    ),
    "log_scale": Flag(
        INFO,
        "numbers on a log scale",
        "Header, unit or user call the numbers logarithms; they were taken back to linear ones.",
        "Nothing, if that is what they are; else say so with scale = linear.",
    ),
    "limit_unknown": Flag(
        WARN,
        "out of range, and no limit given",
        "The table says below or above a limit but states no limit for it.",
        "Add a `lod`, `lloq`, `uloq` or `limit` column.",
    ),
    "limit_contradicted": Flag(
        WARN,
        "a value and its limit contradict each other",
        "A value marked as censored lies on the wrong side of the limit beside it.",
        "Look at the rows named; the wider of the two intervals was kept.",
    ),
    "nonpositive_value": Flag(
        WARN,
        "a concentration of zero",
        "It has no logarithm, and an assay that reads zero usually means below its limit.",
        "Give it as `<` with its limit.",
    ),
    "extrapolated": Flag(
        INFO,
        "the source calls the value extrapolated",
        "The number lies outside the range the vendor's standards support (`*1.55`).",
        "Use it with care.",
    ),
    "repeated_sample": Flag(
        WARN,
        "a sample stands more than once",
        "On a plate a name stands in more wells, or at other dilutions, than is usual there: its "
        "wells are taken as one sample. In a table the same sample (or subject and day) and "
        "analyte stand in several rows; each is kept.",
        "Say which one counts, or give the wells or rows different names.",
    ),
    "same_file": Flag(
        WARN,
        "one file given twice",
        "Two names lead to the same bytes; the plate's results stand twice in every table.",
        "Give each plate once; look whether one of the two should have been another plate.",
    ),
    "remarks_left_out": Flag(
        INFO,
        "the export's own remarks are left out",
        "Pseudonyms were asked for, and free text of the export could hold a name.",
        "Nothing; read the remarks in the export itself.",
    ),
    "header_left_out": Flag(
        INFO,
        "lines of the export's header are left out",
        "They hold a name that the pseudonyms list: operator, batch, lot, serial number, protocol.",
        "Nothing; what they said is in the export itself.",
    ),
    "guarded_text": Flag(
        INFO,
        "names that a spreadsheet would calculate",
        "A name reads as a formula; in CSV files it stands behind an apostrophe, in workbooks as"
        " text.",
        "Nothing; cytokit takes the apostrophe off again. A script of your own has to.",
    ),
    # What is wrong with the standards or the plate.
    "low_count": Flag(
        FAIL,
        "too few beads",
        "Fewer beads were counted than the profile accepts; the median is unreliable.",
        "Repeat the well, or exclude it.",
    ),
    "few_beads": Flag(
        WARN,
        "few beads",
        "Fewer beads were counted than recommended.",
        "Compare with the replicate.",
    ),
    "impossible_reading": Flag(
        WARN,
        "a reading no instrument gives",
        "The number is infinite or absurdly large; the reading counts as not measured.",
        "Look at this cell of the export; export the plate again.",
    ),
    "replicate_cv": Flag(
        WARN,
        "replicates differ",
        "The replicates of this sample differ by more than the profile accepts.",
        "Look at the wells; repeat the sample if it matters.",
        needs_look=False,
    ),
    "control_out_of_range": Flag(
        FAIL,
        "control outside its range",
        "A quality control reads outside the range its maker gives.",
        "Do not report the analyte from this plate before the cause is known.",
        holds_plate=True,
    ),
    "control_off_nominal": Flag(
        WARN,
        "control off its nominal value",
        "A control without a range reads further from its nominal value than the acceptance "
        "profile lets it; one in three may.",
        "Look at the other controls of the analyte: `controls_rejected` says where too many do.",
    ),
    "controls_rejected": Flag(
        FAIL,
        "controls reject the analyte",
        "Fewer controls read near their nominal value than the acceptance profile asks for.",
        "Do not report the analyte from this plate; measure it again.",
        holds_plate=True,
    ),
    "control_not_judged": Flag(
        INFO,
        "control not judged",
        "Nothing says how far from its nominal value this control may read: the file gives no "
        "range, and the profile no tolerance.",
        "Give the maker's range in the export, or judge by `--profile m10` (20 % of nominal).",
    ),
    "downweighted": Flag(
        INFO,
        "standard well down-weighted",
        "The robust fit gave this well less weight because it lies off the curve.",
        "Look at the curve; exclude the well with a reason if it is known to be bad.",
    ),
    "curve_failed": Flag(
        FAIL,
        "no curve",
        "No usable standard curve could be fitted; the analyte has no concentrations.",
        "Read the reason; check the standards of this analyte.",
    ),
    "curve_poor": Flag(
        WARN,
        "poor curve",
        "The curve does not meet the acceptance rules.",
        "Use the concentrations with care; look at the recovery of the standards.",
    ),
    "ci_open_low": Flag(
        INFO,
        "interval open below",
        "The reading does not rule out that there is nothing: the interval has no lower end.",
        "Read the upper end of the interval as the bound.",
    ),
    "ci_open_high": Flag(
        INFO,
        "interval open above",
        "The reading lies so near the upper plateau that the interval has no upper end.",
        "Measure the sample again at a higher dilution.",
    ),
    "ci_none": Flag(
        INFO,
        "no interval",
        "The reading lies further beyond a plateau of the curve than noise explains: no "
        "concentration is compatible with it.",
        "Look at the well; the bound in limit_low or limit_high still holds.",
    ),
    "dilutions_merged": Flag(
        INFO,
        "several dilutions in one result",
        "The sample was measured at several dilutions; those in range are averaged by their "
        "intervals.",
        "Nothing; wells.csv has each dilution.",
    ),
    "not_parallel": Flag(
        WARN,
        "dilutions disagree",
        "The dilutions of this sample give concentrations further apart than their intervals. "
        "Within a CV of 30 % they are one concentration, whose interval holds them all; beyond, "
        "none is known to be the right one and the sample has no number.",
        "Suspect a hook, interference by the matrix, or a wrong dilution factor; wells.csv has "
        "each dilution, and excluding the wrong wells with a reason leaves the right one.",
    ),
    "no_sample_name": Flag(
        INFO,
        "wells without a sample name",
        "Nothing says which of these wells are replicates: each is a sample of its own, called by "
        "its well.",
        "Give the names in a layout.",
    ),
    "dilution_missing": Flag(
        WARN,
        "no dilution factor",
        "How far this sample was diluted is not known, so it has no concentration.",
        "Give the factor in a layout.",
    ),
    "excluded": Flag(
        INFO,
        "excluded by a user",
        "This reading was excluded by the exclusions file.",
        "Nothing; who and why are in the manifest.",
    ),
    # Causes found in the standards.
    "expected_typo": Flag(
        FAIL,
        "expected concentration off by a power of ten",
        "One level of the dilution series does not fit its neighbours; a decimal point was lost.",
        "Correct the expected concentration in the export's protocol or in a layout file.",
    ),
    "series_irregular": Flag(
        WARN,
        "dilution series irregular",
        "One step of the standards' dilution series is unlike the others.",
        "Compare the expected concentrations with the kit's sheet.",
    ),
    "direction_reversed": Flag(
        FAIL,
        "standards numbered the other way",
        "The signal falls as the expected concentration rises.",
        "Turn the expected concentrations round in the protocol or in a layout file.",
    ),
    "levels_swapped": Flag(
        FAIL,
        "two levels exchanged",
        "Two neighbouring standards look as if they stood in each other's wells.",
        "Check the plate map; correct it in a layout file.",
    ),
    "not_monotone": Flag(
        WARN,
        "curve not rising",
        "The signal falls between two standards although the concentration rises.",
        "Look at the wells of these levels; exclude a bad one with a reason.",
    ),
    "hook": Flag(
        WARN,
        "hook at the top",
        "The highest standards read lower than those below them (prozone): a high sample may read "
        "as low as they do. Levels past the hook are left out of the curve, and every sample of "
        "the analyte with a number in range or above it bears `hook_possible`.",
        "Measure the samples of this analyte again at a higher dilution.",
    ),
    "hook_possible": Flag(
        WARN,
        "may lie past the hook",
        "The standards of this analyte read lower again at high concentrations: the reading may "
        "be that of the concentration given, or of one beyond the hook, far higher.",
        "Measure the sample again at a higher dilution: only that tells which it is.",
    ),
    "saturated": Flag(
        WARN,
        "signal saturated",
        "The highest standards read alike; concentrations there cannot be told apart.",
        "Dilute samples that read there.",
    ),
    "blank_high": Flag(
        WARN,
        "blank above the lowest standard",
        "The blank may be contaminated or stand in a wrong well.",
        "Check the blank's wells; exclude them with a reason.",
    ),
    "twin_apart": Flag(
        WARN,
        "standard replicates far apart",
        "The replicates of one standard differ far beyond the assay's noise.",
        "Exclude the well that is known to be bad; the robust fit weighs it down meanwhile.",
    ),
    "low_signal": Flag(
        WARN,
        "low signal on the whole plate",
        "The standards of this plate read far lower than those of the other plates.",
        "Check reagents, incubation and the reader's gain for this plate.",
    ),
    # What joining the data to the study's design showed.
    "day_mapped": Flag(
        INFO,
        "a day's label read as a number",
        "A label such as D6 or day 6 was taken for the day whose number it holds.",
        "Nothing, if that is what the label means.",
    ),
    "sample_not_in_design": Flag(
        WARN,
        "a sample that the design does not name",
        "The data hold a sample that belongs to no subject; it is not used.",
        "Add it to the design, or make sure that it is a control.",
    ),
    "sample_lost": Flag(
        INFO,
        "a planned sample that was not taken",
        "The design says of it that it is missing, or that the subject had died.",
        "Nothing, if that is so.",
    ),
    "day_not_in_design": Flag(
        WARN,
        "a subject without a row for a day of the study",
        "Other subjects have this day; the sample of this one counts as missing.",
        "Add the row, with the status missing or died if no sample was taken.",
    ),
    "design_differs": Flag(
        WARN,
        "table and design disagree on a sample",
        "The table names another subject, group or day than the design, which is followed.",
        "Correct whichever is wrong.",
    ),
    "control_is_sample": Flag(
        WARN,
        "a well typed as a control that the design names",
        "Its name looks like a control's, no concentration is expected of it, and the design gives"
        " it to a subject: it counts as a sample.",
        "Nothing, if it is a sample; a layout that types it unknown says so to the fit, too.",
    ),
    "stratum_blank": Flag(
        WARN,
        "subjects without a stratum",
        "Others have one; where strata are adjusted for, those without are taken together as one.",
        "Fill in the stratum, or analyse without strata.",
    ),
    "repeated_reading": Flag(
        WARN,
        "a sample measured more than once",
        "Several readings of one sample became one: the geometric mean of the exact values.",
        "Exclude the reading that should not count.",
    ),
    "readings_contradict": Flag(
        WARN,
        "readings of one sample contradict each other",
        "A number and a range that does not hold it, or two such ranges, stand for one sample; "
        "none was taken: the sample counts with the interval that holds them all.",
        "Find out which reading is right and take the others out.",
    ),
    "limit_assumed": Flag(
        WARN,
        "a limit taken from the data",
        "Values out of range state no limit; the nearest measured number was taken for it.",
        "Add the limit to the table.",
    ),
    "analytes_joined": Flag(
        WARN,
        "analytes that differ in spelling alone are one",
        "Plates or tables spell a name differently (case, Greek letter, dash, space).",
        "Look whether they are the same reagent; if not, give one of them another name.",
    ),
    "analytes_alike": Flag(
        WARN,
        "analytes that differ in spelling alone are kept apart",
        "A sample has readings under both names, so they are taken for two analytes.",
        "Rename or leave out one of them if they are the same: apart they count twice.",
    ),
    "floor_censored": Flag(
        WARN,
        "values on an undeclared floor count as below it",
        "Many readings share one lowest value, or a few: probably floors and no measurements.",
        "Declare the floor in the table; floors = keep takes these values as measured.",
    ),
    "floor_kept": Flag(
        WARN,
        "values on an undeclared floor count as measured",
        "Many readings share one lowest value, or a few: probably floors and no measurements.",
        "Declare the floor in the table; floors = censor takes these values as below it.",
    ),
    "plate_unnamed": Flag(
        WARN,
        "readings without a plate",
        "Some readings name their plate and others do not; the latter are held against no plate.",
        "Name the plate of every reading, or leave the column out.",
    ),
    "plate_per_sample": Flag(
        WARN,
        "a column of plates that are none",
        "Every sample has a plate of its own there; what holds one sample is no plate.",
        "Give the plate on which samples were measured together, or leave the column out.",
    ),
    "name_missing": Flag(
        WARN,
        "a name that says there is none",
        "Words such as NA stand where a name belongs; they count as empty cells.",
        "Nothing, if nothing is known; a thing that is really called so needs another name.",
    ),
    "plate_confounded": Flag(
        WARN,
        "group or day goes with the plate",
        "Samples that are compared were measured on different plates.",
        "Read the counts; in the next study put all samples of a subject on one plate.",
    ),
    # What quality control over plates showed, and bridging between them.
    "qc_1_2s": Flag(
        WARN,
        "1-2s: beyond 2 SD",
        "One value lies more than 2 SD from the guide's mean; one in 22 does where nothing is"
        " wrong, more with a guide of few plates.",
        "Look at the other rules; alone it rejects nothing.",
    ),
    "qc_1_3s": Flag(
        FAIL,
        "1-3s: beyond 3 SD",
        "One value lies more than 3 SD from the guide's mean; one in 370 does where nothing is"
        " wrong, one in 50 with a guide of ten plates.",
        "Find the cause before the plate's results are reported; repeat the plate if it is the"
        " plate.",
    ),
    "qc_2_2s": Flag(
        FAIL,
        "2-2s: two in a row beyond 2 SD",
        "Two plates in a row lie beyond the same limit of 2 SD: a systematic error.",
        "Look for what changed: reagents, operator, instrument, washing.",
    ),
    "qc_r_4s": Flag(
        FAIL,
        "R-4s: controls apart on one plate",
        "One control lies above +2 SD and another below -2 SD on the same plate: a random error.",
        "Look at the wells of both controls; repeat the plate if they are sound.",
    ),
    "qc_4_1s": Flag(
        FAIL,
        "4-1s: four in a row beyond 1 SD",
        "Four plates in a row lie beyond the same limit of 1 SD: a systematic error.",
        "Look for what changed before the first of them.",
    ),
    "qc_10_x": Flag(
        FAIL,
        "10-x: ten in a row on one side",
        "Ten plates in a row lie on one side of the guide's mean: a systematic error.",
        "Look for what changed before the first of them; a new lot needs a new guide.",
    ),
    "qc_drift": Flag(
        WARN,
        "drift over plates",
        "Values of one lot rise or fall from plate to plate more than chance lets them.",
        "Look for ageing reagents or a lamp; bridge the plates if they must be compared.",
    ),
    "qc_lot_shift": Flag(
        WARN,
        "step at a change of lot",
        "Values of the new lot differ from those of the old by more than chance.",
        "Bridge the lots with samples measured on both, and lock a guide for the new lot.",
    ),
    "qc_no_limits": Flag(
        WARN,
        "no limits to judge by",
        "The guide holds no usable mean and SD of this series; its values are shown, not judged.",
        "Lock a guide of more plates, or one that holds this control.",
    ),
    "qc_no_value": Flag(
        WARN,
        "no value to judge",
        "A plate that is judged has no value of something that the guide holds.",
        "Read the reason: a control out of range is worse than one beyond 3 SD.",
    ),
    "qc_no_date": Flag(
        WARN,
        "a plate without a date",
        "The export states no date of the run, or one that may be either of two days.",
        "Give --date-order; without a date give the plates in the order of their runs.",
    ),
    "qc_date_order": Flag(
        INFO,
        "which number is the month",
        "A date that leaves open which number is the month was read as other evidence says.",
        "Nothing, if the date is right; else give --date-order.",
    ),
    "qc_provisional": Flag(
        INFO,
        "provisional limits",
        "The guide has fewer than ten plates: its SD is not yet known well.",
        "Lock a new guide when there are ten plates or more.",
    ),
    "qc_guide_lots": Flag(
        INFO,
        "a guide of several lots",
        "The guide's plates are of more than one lot: its SD holds the steps between them.",
        "Lock a guide per lot where there are plates enough.",
    ),
    "qc_member_by_name": Flag(
        WARN,
        "a plate of the guide by name alone",
        "Neither the fit nor the guide states the hash of the plate's file; a plate of the guide is"
        " not judged.",
        "Fit the plates again with this release, and lock the guide anew.",
    ),
    "plates_bridged": Flag(
        INFO,
        "plates bridged",
        "Readings were divided by their plate's effect, estimated from samples on several plates.",
        "Report which samples, and the effects in bridge.csv.",
    ),
    "bridge_left_out": Flag(
        WARN,
        "readings of bridge samples left out",
        "Readings out of range carry no number and cannot tell a plate's effect.",
        "Choose bridge samples that lie in range on every plate.",
    ),
    "bridge_not_applied": Flag(
        WARN,
        "an analyte not bridged",
        "A plate has no bridge reading of the analyte that links it to the others; the analyte is"
        " left as measured on all plates.",
        "Choose bridge samples in which the analyte is in range.",
    ),
    # Why a row of a comparison reads as it does.
    "not_analysed": Flag(
        WARN,
        "not analysed",
        "The data do not allow this comparison; the reason stands beside the code.",
        "Read the reason. A test on numbers put in the place of the values would prove nothing.",
    ),
    "other_method": Flag(
        INFO,
        "not the method asked for",
        "Values out of range or a missing baseline called for another method.",
        "Report the method of this row.",
    ),
    "no_baseline": Flag(
        INFO,
        "subjects without a baseline value",
        "Subjects measured on the day but not at baseline cannot be in this analysis.",
        "Report how many.",
    ),
    "baseline_censored": Flag(
        INFO,
        "baseline values out of range",
        "They enter the adjustment at their limit, with an indicator where there are enough.",
        "Nothing; groups are compared without bias under randomisation.",
    ),
    "strata_not_used": Flag(
        WARN,
        "the design's strata are not in this test",
        "The model of both days with values out of range does not take strata.",
        "Say so where the row is reported; the comparison at the day uses the strata.",
    ),
    "day_set_aside": Flag(
        INFO,
        "a day with values out of range is not in the mixed model",
        "The mixed model takes no value out of range; the day is not compared and was left out.",
        "Report which day; the comparison at the day itself is not touched.",
    ),
    "substituted": Flag(
        WARN,
        "numbers in the place of values out of range",
        "A sensitivity analysis was asked for; effects and intervals may be biased.",
        "Report the analysis without substitution as the main one.",
    ),
    "not_normal": Flag(
        INFO,
        "residuals are not normal",
        "The residuals of the analysis on ln concentrations depart from the normal law.",
        "Look at the values and at the rank test beside.",
    ),
    "unequal_spread": Flag(
        WARN,
        "the groups spread unequally",
        "The model takes one spread for both groups; its p is off here.",
        "Compare with p_other_spread, which has a spread per group, and with the rank test beside.",
    ),
    "deaths": Flag(
        WARN,
        "subjects died before the day",
        "The comparison is among survivors with a sample.",
        "Read the worst-rank row and the tipping point.",
    ),
    "composite": Flag(
        WARN,
        "a composite, not the cytokine",
        "Deaths are ranked worse than any value: this compares patients, not concentrations.",
        "Report it as a composite, beside the comparison of survivors.",
    ),
    "spread_bound": Flag(
        WARN,
        "the groups' spreads stand at their bound",
        "So few values of a group are in range that the model would make its spread as small as it "
        "may be: a tenth of the other group's.",
        "Look at the values; the rank test's p, which needs no spread, stands beside.",
    ),
    "propagated": Flag(
        INFO,
        "the assay's uncertainty carried on",
        "True values were drawn given the measured ones; the share the assay adds is given.",
        "A large share says that a better assay would help more than more subjects.",
    ),
    "not_propagated": Flag(
        WARN,
        "the assay's uncertainty was not carried on",
        "The values state no interval, or an imputation could not be analysed.",
        "Use a fit's own samples, which have intervals.",
    ),
    "guard": Flag(
        WARN,
        "a change in one group is no difference between groups",
        "Within the groups the verdicts differ, but the groups do not differ significantly.",
        "Claim no difference between the groups from it: report their comparison.",
    ),
    "gated": Flag(
        INFO,
        "no stars: the groups do not differ",
        "Longitudinal results get stars only where the groups differ after adjustment.",
        "Use --no-gate to show them, and report the between-group result beside them.",
    ),
    "fit_fail": Flag(
        FAIL,
        "values that rest on what the fit failed",
        "Of their curve, plate, control or well the fit says that it failed; how many, and what.",
        "Find the cause on the plate's own page before the result is reported.",
    ),
    "plate_refused": Flag(
        FAIL,
        "complete confounding with plate allowed",
        "All of one group, or one day, lies on its own plates; the user went on nevertheless.",
        "Plate and effect cannot be told apart: say so wherever the result is shown.",
    ),
}

_WORST_FIRST = (Severity.FAIL, Severity.WARN, Severity.INFO)
#: this many findings of one code are told in full; the others are counted
_TOLD = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; empty text where a field does not apply.

    Parameters
    ----------
    code : str
        A key of :data:`cytokit.flags.FLAGS`.
    message : str
        What was seen here, with its numbers.
    plate, well, sample, analyte : str
        What it concerns.
    severity : Severity, optional
        The catalogue's own severity where not given.

    Examples
    --------
    >>> Finding("low_count", "28 beads, fewer than 35", plate="P1", well="A1").severity
    <Severity.FAIL: 'fail'>
    """

    code: str
    message: str
    plate: str = ""
    well: str = ""
    sample: str = ""
    analyte: str = ""
    severity: Severity | None = None

    def __post_init__(self) -> None:
        if self.code not in FLAGS:
            raise KeyError(f"flag code {self.code!r} is not in cytokit.flags.FLAGS")
        if self.severity is None:
            object.__setattr__(self, "severity", FLAGS[self.code].severity)

    @property
    def told(self) -> str:
        """The message, after what it concerns where it does not name that itself.

        Examples
        --------
        >>> Finding("limit_unknown", "2 of 9 readings are without a limit", analyte="IL-6").told
        'IL-6: 2 of 9 readings are without a limit'
        >>> Finding("curve_failed", "no standards for IL-6", plate="a", analyte="IL-6").told
        'a: no standards for IL-6'
        """
        about = [self.plate, self.well, self.sample, self.analyte]
        lacking = [name for name in about if name and not _names(self.message, name)]
        return ": ".join(filter(None, (", ".join(lacking), self.message)))


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one code and severity."""

    code: str
    severity: Severity
    findings: tuple[Finding, ...]

    @property
    def counted(self) -> str:
        """The catalogue's title and how many there are."""
        return f"{FLAGS[self.code].title} ({len(self.findings)})"

    @property
    def told(self) -> str:
        """Title, number and the first messages."""
        rest = len(self.findings) - _TOLD
        more = f"; and {rest} more in flags.csv" if rest > 0 else ""
        return f"{self.counted}: {'; '.join(one.told for one in self.findings[:_TOLD])}{more}"


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each finding once, by severity, else in the order given."""
    return tuple(sorted(dict.fromkeys(findings), key=_rank))


def grouped(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Findings by severity, the worst first, and by code."""
    found: dict[tuple[Severity, str], list[Finding]] = {}
    for one in worst_first(findings):
        found.setdefault((_severity(one), one.code), []).append(one)
    return [FindingGroup(code, kind, tuple(ones)) for (kind, code), ones in found.items()]


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """What a terminal says of findings: a line per code, what only informs in one line."""
    groups = grouped(findings)
    lines = [f"{one.severity}: {one.told}" for one in groups if one.severity is not Severity.INFO]
    told = [one.counted for one in groups if one.severity is Severity.INFO]
    return [*lines, f"{Severity.INFO}: {', '.join(told)}"] if told else lines


def finding_counts(findings: Iterable[Finding]) -> dict[str, dict[str, int]]:
    """How many findings of each code, by severity, the worst first: for a manifest."""
    counts: dict[str, dict[str, int]] = {}
    for group in grouped(findings):
        counts.setdefault(str(group.severity), {})[group.code] = len(group.findings)
    return counts


def relocated(findings: Iterable[Finding], paths: Mapping[str, str]) -> tuple[Finding, ...]:
    """Findings whose messages name other paths than those that were read."""
    moved = sorted((old for old, new in paths.items() if old and old != new), key=len, reverse=True)
    if not moved:
        return tuple(findings)
    return tuple(replace(one, message=_relocated(one.message, moved, paths)) for one in findings)


def _relocated(message: str, moved: Sequence[str], paths: Mapping[str, str]) -> str:
    """The message with other paths: each a whole one, not the end or the beginning of another."""
    done, at = "", 0
    while at < len(message):
        old = next((path for path in moved if message.startswith(path, at)), "")
        end = at + len(old)
        before, after = message[max(at - 1, 0) : at], message[end : end + 1]
        whole = old and not (_in_word(before) or before in tuple("./\\-"))
        whole = whole and not (_in_word(after) or after in tuple("/\\-"))
        done += paths[old] if whole else message[at]
        at = end if whole else at + 1
    return done


def _names(message: str, name: str) -> bool:
    """Whether the name stands in the message as a word of its own."""
    at = message.find(name)
    while at >= 0:
        if not _in_word(message[at - 1 : at]) and not _in_word(message[at + len(name) :][:1]):
            return True
        at = message.find(name, at + 1)
    return False


def _in_word(letter: str) -> bool:
    """Whether a word or number goes on with this letter."""
    return letter.isalnum() or letter == "_"


def _severity(finding: Finding) -> Severity:
    """The finding's severity, which is set once it is made."""
    return Severity(str(finding.severity))


def _rank(finding: Finding) -> int:
    return _WORST_FIRST.index(_severity(finding))


def formula_findings(texts: Iterable[str], *, plate: str = "") -> list[Finding]:
    """Names that a spreadsheet would calculate, and that CSV files guard with an apostrophe."""
    risky = [text for text in dict.fromkeys(texts) if calculates(text)]
    if not risky:
        return []
    shown = ", ".join(f"{text!r:.60}" for text in risky[:4])
    more = f" and {len(risky) - 4} more" if len(risky) > 4 else ""
    many = len(risky) > 1
    message = (
        f"{len(risky)} {'names' if many else 'name'} would be calculated by a spreadsheet "
        f"({shown}{more}): CSV files hold {'them' if many else 'it'} behind an apostrophe"
    )
    return [Finding("guarded_text", message, plate)]


def damaged_value(
    text: str, part: str, *, plate: str = "", well: str = "", sample: str = "", analyte: str = ""
) -> Finding:
    """The finding for a cell that is neither a number nor a known flag."""
    message = f"{part}: {text!r} is neither a number nor a known flag; no value was read"
    return Finding("damaged_value", message, plate, well, sample, analyte)


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Findings as a frame with the columns of flags.csv, in the order given, repeats removed."""
    rows = [
        (f.plate, f.well, f.sample, f.analyte, f.code, str(f.severity), f.message)
        for f in dict.fromkeys(findings)
    ]
    return pd.DataFrame(rows, columns=TABLES["flags"].names, dtype="str")
