"""What quality control over plates showed, and bridging between them."""

from __future__ import annotations

from cytokit.flags._text import FAIL, INFO, WARN, FlagText

RUN_FLAGS = {
    "qc_1_2s": FlagText(
        WARN,
        "1-2s: beyond 2 SD",
        "One value lies more than 2 SD from the guide's mean; one in 22 does where nothing is"
        " wrong, more with a guide of few plates.",
        "Look at the other rules; alone it rejects nothing.",
    ),
    "qc_1_3s": FlagText(
        FAIL,
        "1-3s: beyond 3 SD",
        "One value lies more than 3 SD from the guide's mean; one in 370 does where nothing is"
        " wrong, one in 50 with a guide of ten plates.",
        "Find the cause before the plate's results are reported; repeat the plate if it is the"
        " plate.",
    ),
    "qc_2_2s": FlagText(
        FAIL,
        "2-2s: two in a row beyond 2 SD",
        "Two plates in a row lie beyond the same limit of 2 SD: a systematic error.",
        "Look for what changed: reagents, operator, instrument, washing.",
    ),
    "qc_r_4s": FlagText(
        FAIL,
        "R-4s: controls apart on one plate",
        "One control lies above +2 SD and another below -2 SD on the same plate: a random error.",
        "Look at the wells of both controls; repeat the plate if they are sound.",
    ),
    "qc_4_1s": FlagText(
        FAIL,
        "4-1s: four in a row beyond 1 SD",
        "Four plates in a row lie beyond the same limit of 1 SD: a systematic error.",
        "Look for what changed before the first of them.",
    ),
    "qc_10_x": FlagText(
        FAIL,
        "10-x: ten in a row on one side",
        "Ten plates in a row lie on one side of the guide's mean: a systematic error.",
        "Look for what changed before the first of them; a new lot needs a new guide.",
    ),
    "qc_drift": FlagText(
        WARN,
        "drift over plates",
        "Values of one lot rise or fall from plate to plate more than chance lets them.",
        "Look for ageing reagents or a lamp; bridge the plates if they must be compared.",
    ),
    "qc_lot_shift": FlagText(
        WARN,
        "step at a change of lot",
        "Values of the new lot differ from those of the old by more than chance.",
        "Bridge the lots with samples measured on both, and lock a guide for the new lot.",
    ),
    "qc_no_limits": FlagText(
        WARN,
        "no limits to judge by",
        "The guide holds no usable mean and SD of this series; its values are shown, not judged.",
        "Lock a guide of more plates, or one that holds this control.",
    ),
    "qc_no_value": FlagText(
        WARN,
        "no value to judge",
        "A plate that is judged has no value of something that the guide holds.",
        "Read the reason: a control out of range is worse than one beyond 3 SD.",
    ),
    "qc_no_date": FlagText(
        WARN,
        "a plate without a date",
        "The export states no date of the run, or one that may be either of two days.",
        "Give --date-order; without a date give the plates in the order of their runs.",
    ),
    "qc_date_order": FlagText(
        INFO,
        "which number is the month",
        "A date that leaves open which number is the month was read as other evidence says.",
        "Nothing, if the date is right; else give --date-order.",
    ),
    "qc_provisional": FlagText(
        INFO,
        "provisional limits",
        "The guide has fewer than ten plates: its SD is not yet known well.",
        "Lock a new guide when there are ten plates or more.",
    ),
    "qc_guide_lots": FlagText(
        INFO,
        "a guide of several lots",
        "The guide's plates are of more than one lot: its SD holds the steps between them.",
        "Lock a guide per lot where there are plates enough.",
    ),
    "qc_member_by_name": FlagText(
        WARN,
        "a plate of the guide by name alone",
        "Neither the fit nor the guide states the hash of the plate's file; a plate of the guide is"
        " not judged.",
        "Fit the plates again with this release, and lock the guide anew.",
    ),
    "plates_bridged": FlagText(
        INFO,
        "plates bridged",
        "Readings were divided by their plate's effect, estimated from samples on several plates.",
        "Report which samples, and the effects in bridge.csv.",
    ),
    "bridge_left_out": FlagText(
        WARN,
        "readings of bridge samples left out",
        "Readings out of range carry no number and cannot tell a plate's effect.",
        "Choose bridge samples that lie in range on every plate.",
    ),
    "bridge_not_applied": FlagText(
        WARN,
        "an analyte not bridged",
        "A plate has no bridge reading of the analyte that links it to the others; the analyte is"
        " left as measured on all plates.",
        "Choose bridge samples in which the analyte is in range.",
    ),
}
