"""methods.md: a paragraph for the paper, true to the options used and to what was done.

In the terms of SAMPL (Lang and Altman 2013) and CONSORT: what was compared, by which test, on whom,
how multiplicity was handled, with which software, and what the data do not allow to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from cytokit.flags import Finding, finding_lines
from cytokit.trial.analyses import (
    ADJUSTED,
    BETWEEN,
    BRUNNER_MUNZEL,
    GEHAN,
    LINEAR_ON_CHANGE,
    ON_CHANGE,
    RANK_SUM,
    RANKED,
    TOBIT,
    TOBIT_COMMON,
    WITHIN_STRATA,
    WITHOUT_STRATA,
)
from cytokit.trial.bridging import Bridge
from cytokit.trial.comparison import Comparison, Kind
from cytokit.trial.composite import TIPPING_RUNS
from cytokit.trial.estimate import STARS_LEGEND, level_text
from cytokit.trial.families import flips_signs
from cytokit.trial.linear import ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM
from cytokit.trial.mixed import METHODS as MIXED
from cytokit.trial.mixed import SUBJECTS_PER_COMPONENT, find_visits
from cytokit.trial.multiplicity import ADJUSTMENTS
from cytokit.trial.paired import METHOD as BIVARIATE
from cytokit.trial.propagate import IMPUTATIONS
from cytokit.trial.strata import NOT_USED
from cytokit.trial.study import Study
from cytokit.trial.tobit import RATIO_BOUND

if TYPE_CHECKING:
    import pandas as pd

    from cytokit.trial.comparison import Sensitivity


# What the methods paragraph says of the groups' comparison, and of what stands beside it.


_HALF = (
    "a pair of values out of range that is undecided counting one half; ratios, where every value "
    "is in range, are Hodges and Lehmann's"
)
_OF_ONE_GROUP = "the ratio of geometric means of day over baseline among subjects with both samples"


def estimand(result: Comparison) -> str:
    """What the primary analysis estimates."""
    if result.between.empty:
        return f"The estimand is {_OF_ONE_GROUP}."
    return f"The estimand is {BETWEEN[result.options.between].estimand}."


def between(result: Comparison) -> str:
    """The primary comparison with the methods that were really used, and its pairs."""
    rows = result.between
    if rows.empty:
        return ""
    mean = "the mean over days " if len(result.day) > 1 else "day "
    level = level_text(result.options.alpha)
    if rows["p"].isna().all():
        return f"At {mean}{_days(result)} the groups were not compared: {why_not(rows)}."
    said = f"At {mean}{_days(result)} the groups were compared by {counted(rows, _methods(result))}"
    if rows["ratio"].notna().any():
        said += f"; {_ratios(result)}"
    if rows["ratio_low"].notna().any():
        said += f", with {level} confidence intervals"
    return said + "."


def around(result: Comparison) -> list[str]:
    """What belongs to the comparison of the groups: who is left out, strata, what is beside."""
    if result.between.empty:
        return []
    return [
        _without_baseline(result),
        _mixed(result),
        _strata(result),
        _beside(result),
        _worst_rank(result),
        _tipping(result),
    ]


def counted(rows: pd.DataFrame, described: Mapping[str, str]) -> str:
    """The methods that were really used, each with its number of tests, and what was not tested."""
    counts = rows[rows["p"].notna()]["method"].value_counts(sort=False)
    said = ", ".join(
        f"{described.get(name, name)} ({n})"
        for name, n in zip(counts.index.astype(str), counts, strict=True)
    )
    left = rows[rows["p"].isna()]["analyte"]
    names = ", ".join(left.drop_duplicates())
    not_tested = f"; {len(left)} not analysed ({names})" if len(left) else ""
    return f"{said or 'no test'} (number of tests in brackets){not_tested}"


def why_not(rows: pd.DataFrame) -> str:
    """Why none of the rows was tested, each reason with its analytes."""
    reasons = rows["flags"].str.extract(r"not_analysed: ([^;]+)")[0]
    return "; ".join(
        f"{reason} ({', '.join(mine.drop_duplicates())})"
        for reason, mine in rows["analyte"].groupby(reasons, sort=False)
    )


def _days(result: Comparison) -> str:
    return " and ".join(map(str, result.day))


def _has_strata(result: Comparison) -> bool:
    """Whether the design puts its subjects into several strata."""
    return len(set(result.study.subjects["stratum"])) > 1


def _methods(result: Comparison) -> dict[str, str]:
    """Each method in words, under the options in force."""
    options = result.options
    strata = _has_strata(result) and options.strata
    adjusted = f"the ln concentration at day {result.baseline}" + " and the stratum" * strata
    covariate = adjusted if options.between == "ancova" and result.baseline is not None else ""
    covariate = covariate or "the stratum" * strata
    tobit = "log-normal Tobit regression" + f" adjusted for {covariate}" * bool(covariate)
    permuted = f"(completely, or by {options.draws} draws with seed {options.seed})"
    common = " with one residual variance, as asked for" * (options.spread == "common")
    asked = ", as asked for" * (options.spread == "separate")
    by_design = " as the groups differ in size" * (options.spread == "design")
    return {
        ANCOVA: f"analysis of covariance adjusted for {adjusted}{common}",
        ANCOVA_PER_ARM: f"analysis of covariance adjusted for {adjusted}, with a residual variance "
        f"per group and Satterthwaite's degrees of freedom{by_design}{asked}",
        LINEAR: f"the linear model of group and stratum{common or ' with one residual variance'}",
        LINEAR_PER_ARM: "the linear model of group and stratum, with a residual variance per group "
        "and Satterthwaite's degrees of freedom (without strata Welch's test)",
        LINEAR_ON_CHANGE: "the linear model of group and stratum on the change from baseline",
        "Welch": "Welch's t test",
        ON_CHANGE: "Welch's t test on the change from baseline",
        TOBIT: f"{tobit} with a residual variance per group{asked} "
        f"(no standard deviation over {RATIO_BOUND:g} times the other, as the likelihood has no "
        "maximum where one may vanish; likelihood ratio tests and intervals)",
        TOBIT_COMMON: f"{tobit}{common} (Wald tests)",
        **dict.fromkeys(
            (BIVARIATE, WITHOUT_STRATA),
            "a bivariate normal model of both days with censored values, one per group (likelihood "
            "ratio tests and intervals)" + ", without the strata" * strata,
        ),
        BRUNNER_MUNZEL: f"the Brunner-Munzel test, permuted {permuted}, {_HALF}",
        WITHIN_STRATA[BRUNNER_MUNZEL]: "the Brunner-Munzel test, permuted within strata "
        f"{permuted}, {_HALF}",
        RANK_SUM: "the exact Wilcoxon-Mann-Whitney test with Hodges-Lehmann ratios",
        WITHIN_STRATA[RANK_SUM]: "van Elteren's rank-sum test, permuted within strata "
        f"{permuted}, with Hodges-Lehmann ratios of pairs within strata",
        GEHAN: f"Gehan's rank test for censored values, permuted {permuted}",
        WITHIN_STRATA[GEHAN]: "Gehan's rank test for censored values, its scores taken, weighted "
        f"as van Elteren's and permuted within strata {permuted}",
        MIXED["unstructured"]: "a linear mixed model of all days",
        MIXED["compound"]: "a linear mixed model of all days, compound symmetric in those not "
        "compared",
        **BETWEEN[options.between].sentences,
    }


def _ratios(result: Comparison) -> str:
    """Over what the ratios are; with several pairs, what data each rests on."""
    pairs = result.between[["treated_group", "control_group"]].drop_duplicates()
    if len(pairs) == 1:
        return f"ratios are over {result.reference}"
    named = ", ".join(
        f"{first} over {second}" for first, second in pairs.itertuples(index=False, name=None)
    )
    return f"each pair with the data of its two groups alone; ratios are {named}"


def _without_baseline(result: Comparison) -> str:
    """That there is no baseline, or whom the adjustment for it leaves out."""
    if result.baseline is None:
        return f"No baseline was given: the groups were compared at day {_days(result)} alone."
    rows = result.between
    if result.options.between != "ancova":
        return ""
    adjusted = rows[rows["method"].isin(ADJUSTED)]
    everybody, those = (
        adjusted[[f"{n}_treated", f"{n}_control"]].sum(axis=1) for n in ("n_rank", "n")
    )
    out = (everybody - those)[everybody > those]
    if out.empty:
        return ""
    least, most = int(out.min()), int(out.max())
    many = f"{most}" if least == most else f"{least} to {most}"
    return (
        f"The adjustment for baseline left out subjects without a baseline value ({many} in "
        f"{len(out)} of {len(adjusted)} comparisons); rank tests and effect sizes beside include "
        "them."
    )


def _mixed(result: Comparison) -> str:
    """Covariance, degrees of freedom and constraint of the mixed model, and where it stands."""
    rows = result.table[result.table["method"].isin(MIXED.values())]
    possible = find_visits(result.study.days, result.baseline, result.day)
    if possible is not None and not result.options.mixed:
        return "A mixed model of all days was left out, as was asked for."
    if rows.empty:
        return ""
    primary = result.options.between == "mixed"
    stratum = " and stratum" * (_has_strata(result) and result.options.strata)
    where = "The mixed model" if primary else "A mixed model of all days stands beside; it"
    return (
        f"{where} has a mean per day{stratum}, a group effect on every day but the baseline, where "
        "the groups are taken to have one mean (constrained longitudinal data analysis), and a "
        f"covariance over the days {_covariance(rows)}; it is fitted by restricted maximum "
        f"likelihood and tested with Kenward and Roger's degrees of freedom.{_days_aside(rows)}"
    )


def _covariance(rows: pd.DataFrame) -> str:
    """The covariance of the mixed model; where there are two, in how many rows each, and why."""
    compound = int((rows["method"] == MIXED["compound"]).sum())
    if not compound:
        return "without structure"
    several = compound < len(rows)
    failed = int(
        rows["flags"].str.contains(f"other_method: {MIXED['compound']}", regex=False).sum()
    )
    reasons = []
    if failed < compound:
        reasons.append(
            f"there are fewer than {SUBJECTS_PER_COMPONENT} subjects for each variance and "
            "covariance of a matrix without structure"
        )
    if failed:
        reasons.append(f"a matrix without structure could not be estimated in {failed}")
    first = f"without structure ({len(rows) - compound} of {len(rows)}) or " * several
    return (
        f"{first}free for the baseline and the tested day and compound symmetric (Votaw) for the "
        f"others{f' ({compound} of {len(rows)})' * several}, as {' and '.join(reasons)}"
    )


def _days_aside(rows: pd.DataFrame) -> str:
    """In how many rows a day that is not compared was left out of the model."""
    aside = int(rows["flags"].str.contains("day_set_aside: ", regex=False).sum())
    if not aside:
        return ""
    return (
        " Days other than the baseline and the tested day that hold values out of range were left "
        f"out of the model of their analyte ({aside} of {len(rows)}; the rows' flags name them)."
    )


def _strata(result: Comparison) -> str:
    """What the design's strata were used for, and what does not take them."""
    if not _has_strata(result) or result.between["p"].isna().all():
        return ""
    strata = sorted(set(result.study.subjects["stratum"]))
    names = ", ".join(name or "(none given)" for name in strata)
    if not result.options.strata:
        return f"The design's strata ({names}) were not used, as was asked for."
    rows = int(result.table["flags"].str.contains(NOT_USED).sum())
    changes = f"{rows} comparison{'s' * (rows != 1)} of changes with values out of range"
    left = f"; {changes}" if rows else ""
    return (
        f"Groups were compared within the design's strata ({names}): models have an indicator per "
        "stratum, rank tests and Cliff's delta compare subjects of one stratum. Hedges' g, "
        f"Fisher's test and changes within a group do not use them{left}."
    )


def _beside(result: Comparison) -> str:
    """What stands beside the primary comparison; only what does."""
    strata = _has_strata(result) and result.options.strata
    rows = result.between
    changes = result.table[result.table["contrast"] == str(Kind.CHANGE)]
    ranks = "rank tests within strata" if strata else "exact rank-sum tests"
    outside = rows["p_fisher"].notna().any()
    given = []
    if rows["p_rank"].notna().any():
        given.append(ranks + " (Gehan's where values are out of range)" * bool(outside))
    if result.options.between != "change" and changes["p"].notna().any():
        given.append("tests of the difference in change")
    if rows[["hedges_g", "cliffs_delta"]].notna().any(axis=None):
        given.append("effect sizes")
    if not given:
        return ""
    *others, last = given
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{listed[0].upper()}{listed[1:]} are given beside."


def _worst_rank(result: Comparison) -> str:
    """How deaths are ranked in the composite."""
    rows = result.table[result.table["contrast"] == str(Kind.WORST_RANK)]
    if rows.empty:
        return ""
    worst = {"high": "above", "low": "below"}[result.options.worse]
    return (
        "Deaths before the day were also counted in a worst-rank composite, which ranks every "
        f"death {worst} every value ({result.options.worse} values being the worse) and compares "
        "the groups by Gehan's permuted rank test: it compares patients, not concentrations, and "
        "belongs to no family."
    )


def _tipping(result: Comparison) -> str:
    """Whose unseen values are shifted for the tipping point, and how exact it is."""
    rows = result.between[result.between["tipping_ratio"].notna()]
    if rows.empty:
        return ""
    error = 100.0 * float(rows["tipping_error"].max())
    return (
        "The tipping point is the factor on the values that those who died would have had, drawn "
        "100 times from the analysis of covariance of the survivors, at which significance is lost "
        "(Rubin's rules): those of the reference group are multiplied by its inverse where both "
        f"groups have deaths. Its Monte Carlo standard error, over {TIPPING_RUNS} other seeds, is "
        f"at most {error:.1f} %."
    )


def propagation(result: Comparison) -> str:
    """How the assay's uncertainty was carried on, and into whose p."""
    if not result.options.propagate:
        return ""
    flags = result.table["flags"]
    done, undone = (
        int(flags.str.contains(rf"(?:^|; ){code}:").sum())
        for code in ("propagated", "not_propagated")
    )
    if not done:
        return "The assay's uncertainty could not be carried on: the values state no interval."
    shares = result.table["assay_share"].dropna()
    ranked = result.table["method"].isin(RANKED).any()
    maxt = " and maxT" * (result.options.adjust == "maxt")
    failed = f"; in {undone} they could not be made" if undone else ""
    rank_rows = ", also where they are the main test," if ranked else ""
    return (
        f"The assay's uncertainty was carried on by {IMPUTATIONS} imputations of the true values "
        "given the measured ones and their calibration intervals (Rubin's rules, seed "
        f"{result.options.seed}): ratio, interval and p of {done} comparisons are those of the "
        f"imputations{failed}, while rank tests{rank_rows} and effect sizes{maxt} stand on the "
        f"measured values. It makes up {100 * shares.min():.0f} to {100 * shares.max():.0f} % of "
        "the variance of those estimates."
    )


# The phrases of the methods paragraph, by option or by method.

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
WITHIN = {
    "paired t": "paired t tests on the log ratio",
    "signed-rank": "exact Wilcoxon signed-rank tests of the log ratios, with the paired ratio of "
    "geometric means",
    "bivariate Tobit": "a bivariate normal model of both days with censored values (likelihood "
    "ratio tests and intervals)",
    "sign test": "exact sign tests of the pairs whose direction is known",
}
_DETECTABLE = "ranks and the share of detectable values (Fisher's exact test) were compared"


# What a comparison says of plates that were bridged: in its rows, its findings and its methods.


_CODE = "plates_bridged"


def mark_bridged(rows: Sequence[dict[str, Any]], study: Study) -> None:
    """Add the flag to the rows of analytes whose readings were divided by plate effects."""
    found = study.bridge
    if found is None:
        return
    note = f"{_CODE}: {_by_what(found)}"
    for row in rows:
        if row["analyte"] in found.applicable:
            row["flags"] = "; ".join(filter(None, (row["flags"], note)))


def bridge_findings(study: Study) -> list[Finding]:
    """That plates were bridged, and what of it could not be done."""
    found = study.bridge
    if found is None:
        return []
    return [Finding(_CODE, sentence(found)), *found.findings]


def sentence(found: Bridge) -> str:
    """One or two sentences for the methods, without a full stop at the end."""
    reference = f"plate {found.reference}" if found.reference else "the mean over plates"
    rest = [name for name in dict.fromkeys(found.table["analyte"]) if name not in found.applicable]
    not_bridged = f" ({', '.join(rest)} could not be bridged and stayed as measured)" * bool(rest)
    return (
        f"Plates were bridged: {len(found.applicable)} analytes were divided by their plate's "
        f"effect relative to {reference}, estimated from {_by_what(found)} by an additive model of "
        f"sample and plate on ln concentration{not_bridged}. The effects' own uncertainty is not "
        "carried into the comparison"
    )


def _by_what(found: Bridge) -> str:
    """The bridge samples, and that controls must be one lot to serve as such."""
    names = ", ".join(found.samples)
    return f"the controls {names}, taken to be of one lot" if found.controls else f"samples {names}"


_NOT_ALLOWED = "## What these data do not allow"
_LIBRARIES = ("numpy", "scipy", "pandas", "pingouin")


def methods_text(result: Comparison) -> str:
    """The paragraph, in markdown."""
    sentences = [
        _subjects(result),
        between(result),
        *around(result),
        _within(result),
        _out_of_range(result),
        _log_scales(result),
        _bridging(result),
        propagation(result),
        _multiplicity(result),
    ]
    lines = [
        "## Statistical methods",
        "",
        " ".join(sentence for sentence in sentences if sentence),
        "",
        _NOT_ALLOWED,
        "",
        " ".join(_limits(result)),
        "",
        *_noticed(result),
        "## Software",
        "",
        _software(),
    ]
    return "\n".join(lines) + "\n"


def with_sensitivity(methods: str, panel: Sensitivity) -> str:
    """The text with a section on the specification panel, where one was made."""
    table = panel.table
    choices = {
        "readings": table["data"],
        "values out of range": table["censor"],
        "numbers in their place": table["substitute"],
        "analyses": table["between"],
    }
    varied = "; ".join(
        f"{name}: {', '.join(map(str, column.drop_duplicates()))}"
        for name, column in choices.items()
        if len(set(column)) > 1
    )
    counts = panel.holds["specifications"]
    many = (
        f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    )
    said = (
        f"The comparison of the groups was repeated under {many} other specifications per analyte "
        f"({varied or 'none differs'}), every other option as in the main analysis; each has its "
        f"own family, and those that give the same numbers count once. In how many of them the "
        f"verdict at an adjusted p of {panel.alpha:g} is that of the main analysis stands in "
        "sensitivity.csv and its figure. No claim rests on them."
    )
    before, heading, after = methods.partition(_NOT_ALLOWED)
    return f"{before}## Sensitivity analyses\n\n{said}\n\n{heading}{after}"


def _subjects(result: Comparison) -> str:
    """Who, and who was lost."""
    table = result.study.subjects
    last = table[table["day"] == result.day[-1]]
    arms = []
    for group in result.study.groups:
        mine = last[last["group"] == group]["status"]
        counts = mine.value_counts()
        lost = ", ".join(
            f"{counts[status]} {text}"
            for status, text in (("died", "died before it"), ("missing", "without a sample"))
            if status in counts
        )
        arms.append(
            f"{group} n = {len(mine)}" + (f" ({lost} at day {result.day[-1]})" if lost else "")
        )
    return (
        f"{_analytes(result)} on the natural logarithm of the "
        f"concentration ({'; '.join(arms)}). {estimand(result)}"
    )


def _analytes(result: Comparison) -> str:
    """How many analytes were measured, and which of them were chosen."""
    measured, shown = len(result.study.analytes), result.analytes
    if len(shown) == measured:
        return "1 analyte was compared" if measured == 1 else f"{measured} analytes were compared"
    chosen = f"{measured} analytes were measured, of which {len(shown)} ({', '.join(shown)})"
    if result.options.family_of_these:
        return f"{chosen} were chosen and compared, the others not tested,"
    return f"{chosen} were chosen to be shown; all were compared"


def _within(result: Comparison) -> str:
    """The change within groups, with the methods that were really used."""
    rows = result.table[result.table["contrast"].str.startswith("within")]
    if rows.empty:
        return ""
    day = ("the mean over days " if len(result.day) > 1 else "day ") + " and ".join(
        map(str, result.day)
    )
    beside = (
        " Exact signed-rank tests of the log ratios are given beside where every value is in range."
        if result.options.within == "ratio"
        else ""
    )
    if rows["p"].isna().all():
        return (
            f"The change from day {result.baseline} to {day} within each group was not tested: "
            f"{why_not(rows)}."
        )
    return (
        f"The change from day {result.baseline} to {day} within each group was tested by "
        f"{counted(rows, WITHIN)}.{beside}"
    )


def _out_of_range(result: Comparison) -> str:
    """What was done with values out of range, and which limits nobody had declared."""
    return " ".join([_censoring(result), *_limits_found(result)])


def _limits_found(result: Comparison) -> list[str]:
    """Floors nobody declared, and limits taken from the data, each analyte with its counts."""
    codes = ("floor_censored", "floor_kept", "limit_assumed")
    return [
        f"{one.analyte}: {one.message}."
        for one in result.study.findings
        if one.code in codes and one.analyte in result.analytes
    ]


def _censoring(result: Comparison) -> str:
    options = result.options
    if options.substitute != "none":
        return (
            "As a sensitivity analysis every value out of range was replaced by "
            f"{SUBSTITUTE[options.substitute]}; this biases effects and intervals."
        )
    if _out(result):
        rule = BETWEEN[options.between].out_of_range
        known = result.study.values[["lod", "lloq", "uloq"]].notna().any(axis=None)
        return f"Out of range: {CENSOR[options.censor or 'lod'] if known else STATED}; {rule}."
    return "No value was out of range."


def _out(result: Comparison) -> bool:
    """Whether values out of range took part as intervals."""
    states = result.study.values["state"]
    return result.options.substitute == "none" and bool(
        states.isin(["below", "above", "interval"]).any()
    )


def _log_scales(result: Comparison) -> str:
    """Which analytes were given as logarithms, and what their numbers are here."""
    return " ".join(f"{one.message}." for one in result.study.findings if one.code == "log_scale")


def _bridging(result: Comparison) -> str:
    """How plates were bridged, where they were."""
    found = result.study.bridge
    return "" if found is None else sentence(found) + "."


def _multiplicity(result: Comparison) -> str:
    """Families with their sizes, the gate, the level."""
    names = {"F1": "between groups", "F2": "within the treated", "F3": "within the reference"}
    sizes = result.table[result.table["family"] != ""].groupby("family")["family_size"].max()
    families = ", ".join(
        f"{family} {names[family]} ({_size(int(size), len(result.families[family]))})"
        for family, size in zip(sizes.index.astype(str), sizes, strict=True)
    )
    gate = ""
    if not result.between.empty and result.baseline is not None:
        gate = (
            " Within-group results carry stars only where the groups differed after adjustment."
            if result.options.gate
            else " Within-group results carry stars whether or not the groups differed."
        )
    drawn = result.table["seed"].dropna()
    seed = f" ({result.options.draws} draws, seed {drawn.iloc[0]})" if len(drawn) else ""
    how = _permutation(result) if result.options.adjust == "maxt" else ""
    return (
        f"Families of tests were declared beforehand: {families}; within each, "
        f"{ADJUSTMENTS[result.options.adjust].sentence}{seed}, and Benjamini-Hochberg q-values "
        f"are given beside. {how}"
        f"Tests are two-sided at {result.options.alpha:g}.{gate} Symbols: {STARS_LEGEND}."
    )


def _size(tested: int, declared: int) -> str:
    """How many tests were done, and of how many if some could not be."""
    return (
        f"{tested} test{'s' * (tested != 1)}"
        if tested == declared
        else f"{tested} of {declared} tests done"
    )


def _permutation(result: Comparison) -> str:
    """What was permuted for maxT, in a sentence; two groups are compared."""
    group = result.study.subjects["group"].to_numpy()
    treated = group != result.reference
    if flips_signs(treated, result.options):
        between = (
            "the signs of whole subjects' residuals were flipped within the groups, each group "
            "with a residual variance of its own"
        )
    else:
        between = "the group labels of whole subjects were permuted, within strata where declared"
    within = "; of changes within groups the signs were flipped"
    outside = (
        " Values out of range entered by Gehan scores, changes with such values by their direction "
        "where it is known."
        if _out(result)
        else ""
    )
    return (
        f"To compare groups {between}{within if result.baseline is not None else ''}.{outside} "
        "Adjusted p-values come from these rearrangements and not from the test of each row, so "
        "that they may lie below its unadjusted p. "
    )


def _limits(result: Comparison) -> list[str]:
    """What may not be concluded."""
    said = []
    if not result.between.empty and result.baseline is not None:
        said.append(
            "A significant change in one group beside a non-significant one in the other is not "
            "evidence of a difference between the groups; only the between-group comparison is."
        )
    elif result.between.empty:
        said.append("A change within a group has no comparator: it may have any cause.")
    said += list(result.guard)
    died = int(result.table["n_died"].max()) if len(result.table) else 0
    if died:
        said.append(
            "Subjects who died before the day have no value: the comparison among survivors is "
            "unbiased only if death depends on what was measured before, not on the unseen value."
        )
    said += [
        f"{one.message[0].upper()}{one.message[1:]}."
        for one in result.findings
        if one.code == "plate_confounded"
    ]
    said.append("Absence of significance is not evidence of absence: see the confidence intervals.")
    return said


def _noticed(result: Comparison) -> list[str]:
    """The findings on the data, a line per code; confounding stands with the limits."""
    lines = finding_lines(one for one in result.findings if one.code != "plate_confounded")
    if not lines:
        return []
    return ["## What was noticed in the data", "", *(f"- {line}" for line in lines), ""]


def _software() -> str:
    found = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"cytokit {version('cytokit-luminex')} with {found}."
