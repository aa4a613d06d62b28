"""The phrases of the methods paragraph, by option or by method."""

from __future__ import annotations

from cytokit.stats.models import BY_RANKS

CENSOR = {
    "lod": "values below the limit of detection were treated as left-censored at it, values above "
    "the upper limit of detection (the curve's saturation) as right-censored at that",
    "lloq": "values outside the quantifiable range were treated as censored at its limits",
    "interval": "values between the limits of detection and quantification were treated as "
    "interval-censored, those below detection as left-censored",
}
#: where no limit of detection is known, or values out of range have none
STATED = "values reported as below or above a limit were treated as left- or right-censored at it"
SUBSTITUTE = {
    "as-given": "the number printed for it",
    "limit": "its limit",
    "half": "half its limit",
    "sqrt2": "its limit divided by the square root of two",
}
ADJUST = {
    "none": "p-values were not adjusted for multiple testing",
    "bonferroni": "p-values were adjusted by Bonferroni's method",
    "sidak": "p-values were adjusted by Šidák's method",
    "holm-sidak": "p-values were adjusted by the step-down Holm-Šidák method",
    "holm": "p-values were adjusted by Holm's method",
    "hochberg": "p-values were adjusted by Hochberg's method",
    "hommel": "p-values were adjusted by Hommel's method",
    "bh": "the false discovery rate was controlled by the method of Benjamini and Hochberg",
    "by": "the false discovery rate was controlled by the method of Benjamini and Yekutieli",
    "maxt": "p-values were adjusted by the step-down maxT method of Westfall and Young",
}
WITHIN = {
    "paired t": "paired t tests on the log ratio",
    "signed-rank": "exact Wilcoxon signed-rank tests of the log ratios, with the paired ratio of "
    "geometric means",
    "bivariate Tobit": "a bivariate normal model of both days with censored values (likelihood "
    "ratio tests and intervals)",
    "sign test": "exact sign tests of the pairs whose direction is known",
}
_DETECTABLE = "ranks and the share of detectable values (Fisher's exact test) were compared"
RULE = (
    "with up to 50 % such values and at least 2 in range in each group a Tobit model was fitted, "
    f"else with up to 80 % only {_DETECTABLE}, with more the analyte was not analysed"
)
#: where the analysis asked for is no model of the tested day
RULES = {
    **dict.fromkeys(
        BY_RANKS,
        f"with up to 80 % such values {_DETECTABLE}, with more the analyte was not analysed",
    ),
    "change": "with such values in up to 50 % of the pairs and at least 2 pairs in range in each "
    "group both days were modelled together, with more the change was not compared",
    "mixed": "an analyte with any at baseline or the tested day was not compared by it",
}
