"""Causes found in the standards."""

from __future__ import annotations

from cytokit.flags._text import FAIL, WARN, FlagText

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
        "The highest standards read lower than those below them (prozone): a high sample may read "
        "as low as they do. Levels past the hook are left out of the curve, and every sample of "
        "the analyte with a number in range or above it bears `hook_possible`.",
        "Measure the samples of this analyte again at a higher dilution.",
    ),
    "hook_possible": FlagText(
        WARN,
        "may lie past the hook",
        "The standards of this analyte read lower again at high concentrations: the reading may "
        "be that of the concentration given, or of one beyond the hook, far higher.",
        "Measure the sample again at a higher dilution: only that tells which it is.",
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
