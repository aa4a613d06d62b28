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
    "instrument_warning": FlagText(
        INFO,
        "the instrument warned about this well",
        "The export's own Warnings/Errors block names this well.",
        "Read the message; look at the bead count.",
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

FLAGS: dict[str, FlagText] = {**FILE_FLAGS, **PLATE_FLAGS, **STANDARD_FLAGS}
