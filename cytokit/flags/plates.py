"""What is wrong with the standards or the plate."""

from __future__ import annotations

from cytokit.flags._text import FAIL, INFO, WARN, FlagText

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
    "impossible_reading": FlagText(
        WARN,
        "a reading no instrument gives",
        "The number is infinite or absurdly large; the reading counts as not measured.",
        "Look at this cell of the export; export the plate again.",
    ),
    "replicate_cv": FlagText(
        WARN,
        "replicates differ",
        "The replicates of this sample differ by more than the profile accepts.",
        "Look at the wells; repeat the sample if it matters.",
        needs_look=False,
    ),
    "control_out_of_range": FlagText(
        FAIL,
        "control outside its range",
        "A quality control reads outside the range its maker gives.",
        "Do not report the analyte from this plate before the cause is known.",
        holds_plate=True,
    ),
    "control_off_nominal": FlagText(
        WARN,
        "control off its nominal value",
        "A control without a range reads further from its nominal value than the acceptance "
        "profile lets it; one in three may.",
        "Look at the other controls of the analyte: `controls_rejected` says where too many do.",
    ),
    "controls_rejected": FlagText(
        FAIL,
        "controls reject the analyte",
        "Fewer controls read near their nominal value than the acceptance profile asks for.",
        "Do not report the analyte from this plate; measure it again.",
        holds_plate=True,
    ),
    "control_not_judged": FlagText(
        INFO,
        "control not judged",
        "Nothing says how far from its nominal value this control may read: the file gives no "
        "range, and the profile no tolerance.",
        "Give the maker's range in the export, or judge by `--profile m10` (20 % of nominal).",
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
        "The dilutions of this sample give concentrations further apart than their intervals. "
        "Within a CV of 30 % they are one concentration, whose interval holds them all; beyond, "
        "none is known to be the right one and the sample has no number.",
        "Suspect a hook, interference by the matrix, or a wrong dilution factor; wells.csv has "
        "each dilution, and excluding the wrong wells with a reason leaves the right one.",
    ),
    "no_sample_name": FlagText(
        INFO,
        "wells without a sample name",
        "Nothing says which of these wells are replicates: each is a sample of its own, called by "
        "its well.",
        "Give the names in a layout.",
    ),
    "dilution_missing": FlagText(
        WARN,
        "no dilution factor",
        "How far this sample was diluted is not known, so it has no concentration.",
        "Give the factor in a layout.",
    ),
    "excluded": FlagText(
        INFO,
        "excluded by a user",
        "This reading was excluded by the exclusions file.",
        "Nothing; who and why are in the manifest.",
    ),
}
