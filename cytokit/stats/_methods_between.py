"""What the methods paragraph says of the groups' comparison, and of what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cytokit.stats._spread_likelihood import RATIO_BOUND
from cytokit.stats.between import ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM
from cytokit.stats.change_profile import METHOD as BIVARIATE
from cytokit.stats.comparison import Comparison
from cytokit.stats.contrasts import Kind
from cytokit.stats.deaths import TIPPING_RUNS
from cytokit.stats.groups import LINEAR_ON_CHANGE, ON_CHANGE, WITHOUT_STRATA
from cytokit.stats.labels import level_text
from cytokit.stats.models import (
    BRUNNER_MUNZEL,
    GEHAN,
    RANK_SUM,
    RANKED,
    TOBIT,
    TOBIT_COMMON,
    WITHIN_STRATA,
)
from cytokit.stats.propagate import IMPUTATIONS
from cytokit.stats.repeated import METHODS as MIXED
from cytokit.stats.repeated import SUBJECTS_PER_COMPONENT, find_visits
from cytokit.stats.strata import NOT_USED

if TYPE_CHECKING:
    import pandas as pd

_ADJUSTED = (ANCOVA, ANCOVA_PER_ARM, TOBIT, TOBIT_COMMON)
_HALF = (
    "a pair of values out of range that is undecided counting one half; ratios, where every value "
    "is in range, are Hodges and Lehmann's"
)
#: by ``between``; what is not named here is compared by a model of the tested day
_ESTIMAND = {
    "ranks": "Hodges and Lehmann's ratio, the median of the ratios between a subject of the one "
    "group and a subject of the other, among subjects with a sample",
    "brunner-munzel": "the probability that a subject of the one group has a higher value than a "
    "subject of the other, among subjects with a sample",
    "change": "the ratio of the groups' geometric mean changes from baseline, among subjects with "
    "both samples",
    "mixed": "the ratio of geometric means at the tested day, among subjects with a sample on any "
    "day; samples are taken to be missing at random given the other days",
}
_GEOMETRIC = "the ratio of geometric means among subjects with a sample"
_OF_ONE_GROUP = "the ratio of geometric means of day over baseline among subjects with both samples"


def estimand(result: Comparison) -> str:
    """What the primary analysis estimates."""
    if result.between.empty:
        return f"The estimand is {_OF_ONE_GROUP}."
    return f"The estimand is {_ESTIMAND.get(result.options.between, _GEOMETRIC)}."


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
    adjusted = rows[rows["method"].isin(_ADJUSTED)]
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
