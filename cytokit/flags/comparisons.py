"""Why a row of a comparison reads as it does."""

from __future__ import annotations

from cytokit.flags._text import FAIL, INFO, WARN, FlagText

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
    "strata_not_used": FlagText(
        WARN,
        "the design's strata are not in this test",
        "The model of both days with values out of range does not take strata.",
        "Say so where the row is reported; the comparison at the day uses the strata.",
    ),
    "day_set_aside": FlagText(
        INFO,
        "a day with values out of range is not in the mixed model",
        "The mixed model takes no value out of range; the day is not compared and was left out.",
        "Report which day; the comparison at the day itself is not touched.",
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
        "Compare with p_other_spread, which has a spread per group, and with the rank test beside.",
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
    "spread_bound": FlagText(
        WARN,
        "the groups' spreads stand at their bound",
        "So few values of a group are in range that the model would make its spread as small as it "
        "may be: a tenth of the other group's.",
        "Look at the values; the rank test's p, which needs no spread, stands beside.",
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
        "Claim no difference between the groups from it: report their comparison.",
    ),
    "gated": FlagText(
        INFO,
        "no stars: the groups do not differ",
        "Longitudinal results get stars only where the groups differ after adjustment.",
        "Use --no-gate to show them, and report the between-group result beside them.",
    ),
    "fit_fail": FlagText(
        FAIL,
        "values that rest on what the fit failed",
        "Of their curve, plate, control or well the fit says that it failed; how many, and what.",
        "Find the cause on the plate's own page before the result is reported.",
    ),
    "plate_refused": FlagText(
        FAIL,
        "complete confounding with plate allowed",
        "All of one group, or one day, lies on its own plates; the user went on nevertheless.",
        "Plate and effect cannot be told apart: say so wherever the result is shown.",
    ),
}
