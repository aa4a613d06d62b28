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

FLAGS: dict[str, FlagText] = {**FILE_FLAGS, **PLATE_FLAGS}
