"""The data dictionary of what ``compare`` writes."""

from __future__ import annotations

from cytokit.report._entry import Word, integer, number

COMPARISONS = {
    "analyte": Word("Name of the analyte, as the study's tables spell it."),
    "unit": Word("Unit of the concentrations and of the geometric means."),
    "contrast": Word("Which question the row answers: between groups, within one, or of change."),
    "family": Word("The set of tests, declared beforehand, inside which p is adjusted."),
    "method": Word("The test that gave statistic, df and p, and how censored values were met."),
    "n_treated": integer("Subjects of the treated group that entered the test."),
    "n_control": integer("Subjects of the reference group that entered the test."),
    "n_pairs": integer("Subjects with both days, for a contrast between days."),
    "n_missing": integer("Subjects without a value that the test needs, those who died apart."),
    "n_died": integer("Subjects who died before the tested day."),
    "pct_below_treated": number("Share of the values of n_rank_treated below the limit.", "%"),
    "pct_below_control": number("Share of the values of n_rank_control below the limit.", "%"),
    "pct_above": number("Share of all values above the upper limit.", "%"),
    "gm_treated": number(
        "Geometric mean at the tested day of those of n_treated who have a value on it.", "plate"
    ),
    "gm_control": number(
        "Geometric mean at the tested day of those of n_control who have a value on it.", "plate"
    ),
    "ratio": number(
        "Ratio of geometric means: treated over reference, or later day over baseline."
    ),
    "ratio_low": number(
        "Lower end of the ratio's confidence interval, 95 % unless another alpha was asked for."
    ),
    "ratio_high": number("Upper end of the same interval."),
    "statistic": number("Value of the test statistic (t unless the method says otherwise)."),
    "df": number("Degrees of freedom of the test."),
    "p": number("Two-sided p of this test alone, before any adjustment."),
    "p_rank": number("Exact p of the rank test that stands beside the main one."),
    "hl_ratio": number("Hodges-Lehmann ratio: the median of all ratios between the two sides."),
    "hl_low": number("Lower end of the exact interval of the Hodges-Lehmann ratio."),
    "hl_high": number("Upper end of the exact interval of the Hodges-Lehmann ratio."),
    "hedges_g": number(
        "Difference of the means of ln concentration in standard deviations (Hedges' g)."
    ),
    "cles": number("Probability that a treated value exceeds a reference value (0 to 1)."),
    "cliffs_delta": number("That probability minus its opposite (-1 to 1)."),
    "family_size": integer(
        "How many tests of the family could be done, those of analytes not shown included."
    ),
    "adjust": Word("How p was adjusted inside the family."),
    "p_adjusted": number("The p to report: adjusted inside its family."),
    "q_bh": number("Benjamini-Hochberg q inside the family: the expected share of false findings."),
    "p_min_attainable": number(
        "The smallest p that an exact rank test can reach with these numbers."
    ),
    "stars": Word("From the adjusted p: * .05, ** .01, *** .001, **** .0001, otherwise ns."),
    "label": Word(
        "The text that stands on the figure's bracket: the adjusted p, or outside the families p."
    ),
    "flags": Word("What to know before believing the row, separated by semicolons."),
    "treated_group": Word("The group called treated in this row, as the design names it."),
    "control_group": Word("The group called control in this row, as the design names it."),
    "n_rank_treated": integer(
        "Subjects of the treated group behind p_rank, the Hodges-Lehmann ratio, the effect sizes,"
        " p_fisher and the shares out of range: all with a value that these need, a baseline or"
        " not."
    ),
    "n_rank_control": integer("The same of the reference group."),
    "gm_baseline": number(
        "Geometric mean at the baseline, for a contrast within a group.", "plate"
    ),
    "p_fisher": number("Fisher's exact p on how many values are detectable in each group."),
    "p_other_spread": number(
        "Two-sided p of the same model with one spread where it has one per group, or vice versa."
    ),
    "min_fold_change": number("Smallest fold change that this design shows with 80 % power."),
    "tipping_ratio": number(
        "Factor on the unseen values of the treated group's dead, and its inverse on those of the"
        " reference group, at which the result is no longer significant."
    ),
    "tipping_error": number("Monte Carlo standard error of the logarithm of that factor."),
    "assay_share": number("Share of the variance that the assay's own uncertainty adds (0 to 1)."),
    "seed": integer("Seed of the permutations or imputations behind the row, if any."),
}

SUMMARY = {
    "analyte": Word("Name of the analyte, as the study's tables spell it."),
    "group": Word("Group of the subjects, as the design names it."),
    "day": Word("Day of the samples, as the design gives it.", "any"),
    "n": integer("Values, those below and above range included."),
    "n_below": integer("Values below range: a limit is known, no number."),
    "n_above": integer("Values above range: a limit is known, no number."),
    "geometric_mean": number("Geometric mean; censored values enter as intervals.", "plate"),
    "gsd": number("Geometric standard deviation: a factor, 1 means no spread."),
    "median": number("Median of the values.", "plate"),
    "q1": number("Lower quartile.", "plate"),
    "q3": number("Upper quartile.", "plate"),
    "min": number("Smallest value.", "plate"),
    "max": number("Largest value.", "plate"),
    "unit": Word("Unit of the concentrations."),
    "gm_low": number(
        "Lower end of the confidence interval of the geometric mean (t on ln), 95 % unless another"
        " alpha was asked for; empty with a value out of range or fewer than two values.",
        "plate",
    ),
    "gm_high": number("Upper end of the same interval.", "plate"),
}

DETECTABILITY = {
    "analyte": Word("Name of the analyte, as the study's tables spell it."),
    "group": Word("Group of the subjects, as the design names it."),
    "day": Word("Day of the samples, as the design gives it.", "any"),
    "n": integer("Values in or out of range."),
    "n_in_range": integer("Values with a number."),
    "n_below": integer("Values below range: a limit is known, no number."),
    "n_above": integer("Values above range: a limit is known, no number."),
    "pct_in_range": number("Share of values with a number.", "%"),
    "pct_below": number("Share of values below range.", "%"),
    "pct_above": number("Share of values above range.", "%"),
}

SENSITIVITY = {
    "analyte": COMPARISONS["analyte"],
    "treated_group": COMPARISONS["treated_group"],
    "control_group": COMPARISONS["control_group"],
    "data": Word("How the trial was read: as analysed, with other curves, or as fluorescence."),
    "censor": Word("What counts as out of range: the censoring policy."),
    "substitute": Word("The number put in the place of values out of range, if any."),
    "between": Word("How the groups were compared."),
    "main": Word("Whether this is the main analysis.", "boolean"),
    **{
        name: COMPARISONS[name]
        for name in (
            *("method", "n_treated", "n_control", "ratio", "ratio_low", "ratio_high", "p"),
            *("p_adjusted", "cliffs_delta", "n_rank_treated", "n_rank_control"),
        )
    },
    "verdict": Word("What the adjusted p says: higher, lower, not significant, or not analysed."),
    "same_as": Word("An earlier analysis that gave the very same numbers: it counts once."),
    "flags": COMPARISONS["flags"],
}
