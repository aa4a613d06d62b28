"""What reading the file showed."""

from __future__ import annotations

from cytokit.flags._text import INFO, WARN, FlagText

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
    "no_header": FlagText(
        WARN,
        "the export's first lines are missing",
        "The blocks stand without the lines that name the program, the instrument and the batch.",
        "Export the plate again if you need its date, or do not know where the blocks come from.",
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
        "Say in a layout what each well holds: `cytokit inspect PLATE --write-layout FILE` writes "
        "one with the likely types filled in, for you to look at.",
    ),
    "dilution_unclear": FlagText(
        WARN,
        "dilution factor missing or unclear",
        "The export's dilution factor cannot be read, or can be read in two ways (0.5, 1:1).",
        "Give the factor in a layout: 2 (or 1:2) for one part in two.",
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
    "layout_title_unknown": FlagText(
        WARN,
        "a column of the layout not understood",
        "Its title is neither a property nor an analyte of the plate, and it holds numbers or is "
        "nearly one of those titles: a dilution or a concentration may be missing.",
        "Title it sample, type, dilution, plate, expected or an analyte; or comment, to leave it.",
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
    "words_read": FlagText(
        INFO,
        "words in place of numbers",
        "Cells hold a word such as BLQ, ND or NA; the message says what it was read as.",
        "Nothing, if that is what the word means.",
    ),
    "thousands_read": FlagText(
        INFO,
        "numbers with thousands marks",
        "Cells hold numbers in groups of three; the marks between the groups were taken out.",
        "Look at the numbers named; the other cells of the table prove the marks.",
    ),
    "decimal_asked": FlagText(
        WARN,
        "the decimal mark is the user's word",
        "Cells such as 1,435 can be read in two ways, and no other cell of the table proves which.",
        "Make sure that the mark asked for is the table's.",
    ),
    "hidden_floor": FlagText(
        WARN,
        "a repeated lowest value that nobody declared a limit",
        "Many readings share one lowest value: probably a floor of the assay, not a measurement.",
        "Declare it: a `floor` column, or `<` in a `censor` column; compare says how it counts.",
    ),
    "hidden_ceiling": FlagText(
        WARN,
        "a repeated highest value that nobody declared a limit",
        "Many readings share one highest value: probably a ceiling of the assay.",
        "Declare it with `>` in a `censor` column; else it counts as measured.",
    ),
    "log_scale": FlagText(
        INFO,
        "numbers on a log scale",
        "Header, unit or user call the numbers logarithms; they were taken back to linear ones.",
        "Nothing, if that is what they are; else say so with scale = linear.",
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
        "a concentration of zero",
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
        "On a plate a name stands in more wells, or at other dilutions, than is usual there: its "
        "wells are taken as one sample. In a table the same sample (or subject and day) and "
        "analyte stand in several rows; each is kept.",
        "Say which one counts, or give the wells or rows different names.",
    ),
    "same_file": FlagText(
        WARN,
        "one file given twice",
        "Two names lead to the same bytes; the plate's results stand twice in every table.",
        "Give each plate once; look whether one of the two should have been another plate.",
    ),
    "remarks_left_out": FlagText(
        INFO,
        "the export's own remarks are left out",
        "Pseudonyms were asked for, and free text of the export could hold a name.",
        "Nothing; read the remarks in the export itself.",
    ),
    "header_left_out": FlagText(
        INFO,
        "lines of the export's header are left out",
        "They hold a name that the pseudonyms list: operator, batch, lot, serial number, protocol.",
        "Nothing; what they said is in the export itself.",
    ),
    "guarded_text": FlagText(
        INFO,
        "names that a spreadsheet would calculate",
        "A name reads as a formula; in CSV files it stands behind an apostrophe, in workbooks as"
        " text.",
        "Nothing; cytokit takes the apostrophe off again. A script of your own has to.",
    ),
}
