"""What joining the data to the study's design showed."""

from __future__ import annotations

from cytokit.flags._text import INFO, WARN, FlagText

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
    "sample_lost": FlagText(
        INFO,
        "a planned sample that was not taken",
        "The design says of it that it is missing, or that the subject had died.",
        "Nothing, if that is so.",
    ),
    "day_not_in_design": FlagText(
        WARN,
        "a subject without a row for a day of the study",
        "Other subjects have this day; the sample of this one counts as missing.",
        "Add the row, with the status missing or died if no sample was taken.",
    ),
    "design_differs": FlagText(
        WARN,
        "table and design disagree on a sample",
        "The table names another subject, group or day than the design, which is followed.",
        "Correct whichever is wrong.",
    ),
    "control_is_sample": FlagText(
        WARN,
        "a well typed as a control that the design names",
        "Its name looks like a control's, no concentration is expected of it, and the design gives"
        " it to a subject: it counts as a sample.",
        "Nothing, if it is a sample; a layout that types it unknown says so to the fit, too.",
    ),
    "stratum_blank": FlagText(
        WARN,
        "subjects without a stratum",
        "Others have one; where strata are adjusted for, those without are taken together as one.",
        "Fill in the stratum, or analyse without strata.",
    ),
    "repeated_reading": FlagText(
        WARN,
        "a sample measured more than once",
        "Several readings of one sample became one: the geometric mean of the exact values.",
        "Exclude the reading that should not count.",
    ),
    "readings_contradict": FlagText(
        WARN,
        "readings of one sample contradict each other",
        "A number and a range that does not hold it, or two such ranges, stand for one sample; "
        "none was taken: the sample counts with the interval that holds them all.",
        "Find out which reading is right and take the others out.",
    ),
    "limit_assumed": FlagText(
        WARN,
        "a limit taken from the data",
        "Values out of range state no limit; the nearest measured number was taken for it.",
        "Add the limit to the table.",
    ),
    "analytes_joined": FlagText(
        WARN,
        "analytes that differ in spelling alone are one",
        "Plates or tables spell a name differently (case, Greek letter, dash, space).",
        "Look whether they are the same reagent; if not, give one of them another name.",
    ),
    "analytes_alike": FlagText(
        WARN,
        "analytes that differ in spelling alone are kept apart",
        "A sample has readings under both names, so they are taken for two analytes.",
        "Rename or leave out one of them if they are the same: apart they count twice.",
    ),
    "floor_censored": FlagText(
        WARN,
        "values on an undeclared floor count as below it",
        "Many readings share one lowest value, or a few: probably floors and no measurements.",
        "Declare the floor in the table; floors = keep takes these values as measured.",
    ),
    "floor_kept": FlagText(
        WARN,
        "values on an undeclared floor count as measured",
        "Many readings share one lowest value, or a few: probably floors and no measurements.",
        "Declare the floor in the table; floors = censor takes these values as below it.",
    ),
    "plate_unnamed": FlagText(
        WARN,
        "readings without a plate",
        "Some readings name their plate and others do not; the latter are held against no plate.",
        "Name the plate of every reading, or leave the column out.",
    ),
    "plate_per_sample": FlagText(
        WARN,
        "a column of plates that are none",
        "Every sample has a plate of its own there; what holds one sample is no plate.",
        "Give the plate on which samples were measured together, or leave the column out.",
    ),
    "name_missing": FlagText(
        WARN,
        "a name that says there is none",
        "Words such as NA stand where a name belongs; they count as empty cells.",
        "Nothing, if nothing is known; a thing that is really called so needs another name.",
    ),
    "plate_confounded": FlagText(
        WARN,
        "group or day goes with the plate",
        "Samples that are compared were measured on different plates.",
        "Read the counts; in the next study put all samples of a subject on one plate.",
    ),
}
