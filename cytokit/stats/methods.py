"""methods.md: a paragraph for the paper, true to the options used and to what was done.

In the terms of SAMPL (Lang and Altman 2013) and CONSORT: what was compared, by which test, on whom,
how multiplicity was handled, with which software, and what the data do not allow to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from cytokit.findings import finding_lines
from cytokit.stats._methods_terms import ADJUST, CENSOR, RULE, RULES, STATED, SUBSTITUTE, WITHIN
from cytokit.stats._spread_likelihood import RATIO_BOUND
from cytokit.stats.between import ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM
from cytokit.stats.bridged import sentence
from cytokit.stats.change_profile import METHOD as BIVARIATE
from cytokit.stats.comparison import Comparison
from cytokit.stats.groups import LINEAR_ON_CHANGE, WITHOUT_STRATA
from cytokit.stats.labels import STARS_LEGEND, level_text
from cytokit.stats.models import (
    BRUNNER_MUNZEL,
    GEHAN,
    RANK_SUM,
    TOBIT,
    TOBIT_COMMON,
    WITHIN_STRATA,
)
from cytokit.stats.permuted import flips_signs
from cytokit.stats.propagate import IMPUTATIONS
from cytokit.stats.strata import NOT_USED

if TYPE_CHECKING:
    import pandas as pd

_HALF = (
    "a pair of values out of range that is undecided counting one half; ratios, where every value "
    "is in range, are Hodges and Lehmann's"
)
_LIBRARIES = ("numpy", "scipy", "pandas", "pingouin")


def methods_text(result: Comparison) -> str:
    """The paragraph, in markdown.

    Parameters
    ----------
    result : Comparison
        Complete but for this text.

    Returns
    -------
    str
        Headings ``Statistical methods``, ``What these data do not allow``, ``What was noticed in
        the data`` (where something was) and ``Software``.
    """
    sentences = [
        _subjects(result),
        _between(result),
        _strata(result),
        _within(result),
        _out_of_range(result),
        _log_scales(result),
        _bridging(result),
        _propagation(result),
        _multiplicity(result),
    ]
    lines = [
        "## Statistical methods",
        "",
        " ".join(sentence for sentence in sentences if sentence),
        "",
        "## What these data do not allow",
        "",
        " ".join(_limits(result)),
        "",
        *_noticed(result),
        "## Software",
        "",
        _software(),
    ]
    return "\n".join(lines) + "\n"


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
        f"concentration ({'; '.join(arms)}). The estimand is the ratio of geometric means among "
        "subjects with a sample."
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


def _between(result: Comparison) -> str:
    """The primary comparison, with the methods that were really used."""
    rows = result.between
    if rows.empty:
        return ""
    day = " and ".join(map(str, result.day))
    mean = "the mean over days " if len(result.day) > 1 else "day "
    strata = _has_strata(result) and result.options.strata
    adjusted = f"the ln concentration at day {result.baseline}" + " and the stratum" * strata
    covariate = adjusted if result.options.between == "ancova" and _has_baseline(result) else ""
    covariate = covariate or "the stratum" * strata
    tobit = f" adjusted for {covariate}" * bool(covariate)
    permuted = f"(completely, or by {result.options.draws} draws with seed {result.options.seed})"
    described = {
        ANCOVA: f"analysis of covariance adjusted for {adjusted}",
        ANCOVA_PER_ARM: f"analysis of covariance adjusted for {adjusted}, with a residual variance "
        "per group and Satterthwaite's degrees of freedom"
        + (" as the groups differ in size" if result.options.spread == "design" else ""),
        LINEAR: "the linear model of group and stratum with one residual variance",
        LINEAR_PER_ARM: "the linear model of group and stratum, with a residual variance per group "
        "and Satterthwaite's degrees of freedom (without strata Welch's test)",
        LINEAR_ON_CHANGE: "the linear model of group and stratum on the change from baseline",
        "Welch": "Welch's t test",
        "Welch on change": "Welch's t test on the change from baseline",
        TOBIT: f"log-normal Tobit regression{tobit} with a residual variance per group "
        f"(no standard deviation over {RATIO_BOUND:g} times the other, as the likelihood has no "
        "maximum where one may vanish; likelihood ratio tests and intervals)",
        TOBIT_COMMON: f"log-normal Tobit regression{tobit} (Wald tests)",
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
        "mixed model": "a linear mixed model of all days",
    }
    return (
        f"At {mean}{day} the groups were compared by {_counted(rows, described)}; ratios are over "
        f"{result.reference}, with {level_text(result.options.alpha)} confidence intervals. Exact "
        "rank-sum tests, Welch's test of the change and effect sizes are given beside."
    )


def _has_strata(result: Comparison) -> bool:
    """Whether the design puts its subjects into several strata."""
    return len(set(result.study.subjects["stratum"])) > 1


def _has_baseline(result: Comparison) -> bool:
    """Whether there is a baseline to adjust for."""
    return result.baseline is not None


def _strata(result: Comparison) -> str:
    """What the design's strata were used for, and what does not take them."""
    if not _has_strata(result) or result.between.empty:
        return ""
    strata = sorted(set(result.study.subjects["stratum"]))
    names = ", ".join(name or "(none given)" for name in strata)
    if not result.options.strata:
        return f"The design's strata ({names}) were not used, as was asked for."
    unused = result.table["flags"].str.contains(NOT_USED)
    rows = int(unused.sum())
    left = f"; {rows} comparison{'s' * (rows != 1)} of changes with values out of range" * bool(
        rows
    )
    return (
        f"Groups were compared within the design's strata ({names}): models have an indicator per "
        "stratum, rank tests and Cliff's delta compare subjects of one stratum. Hedges' g, "
        f"Fisher's test and changes within a group do not use them{left}."
    )


def _counted(rows: pd.DataFrame, described: Mapping[str, str]) -> str:
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


def _within(result: Comparison) -> str:
    """The change within groups, with the methods that were really used."""
    rows = result.table[result.table["contrast"].str.startswith("within")]
    if rows.empty:
        return ""
    day = " and ".join(map(str, result.day))
    beside = (
        " Exact signed-rank tests of the log ratios are given beside where every value is in range."
        if result.options.within == "ratio"
        else ""
    )
    return (
        f"The change from day {result.baseline} to day {day} within each group was tested by "
        f"{_counted(rows, WITHIN)}.{beside}"
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
        rule = RULES.get(options.between, RULE)
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


def _propagation(result: Comparison) -> str:
    """How the assay's uncertainty was carried on."""
    shares = result.between["assay_share"].dropna()
    if not result.options.propagate or shares.empty:
        return ""
    return (
        f"The assay's uncertainty was carried on by {IMPUTATIONS} imputations of the true values "
        f"given the measured ones and their calibration intervals (Rubin's rules, seed "
        f"{result.options.seed}); it makes up {100 * shares.min():.0f} to {100 * shares.max():.0f} "
        "% of the variance of the between-group estimates."
    )


def _multiplicity(result: Comparison) -> str:
    """Families with their sizes, the gate, the level."""
    names = {"F1": "between groups", "F2": "within the treated", "F3": "within the reference"}
    sizes = result.table[result.table["family"] != ""].groupby("family")["family_size"].max()
    families = ", ".join(
        f"{family} {names[family]} ({_size(int(size), len(result.families[family]))})"
        for family, size in zip(sizes.index.astype(str), sizes, strict=True)
    )
    gate = (
        " Within-group results carry stars only where the groups differed after adjustment."
        if result.options.gate and not result.between.empty and result.baseline is not None
        else ""
    )
    drawn = result.table["seed"].dropna()
    seed = f" ({result.options.draws} draws, seed {drawn.iloc[0]})" if len(drawn) else ""
    how = _permutation(result) if result.options.adjust == "maxt" else ""
    return (
        f"Families of tests were declared beforehand: {families}; within each, "
        f"{ADJUST[result.options.adjust]}{seed}, and Benjamini-Hochberg q-values are given "
        f"beside. {how}"
        f"Tests are two-sided at {result.options.alpha:g}.{gate} Symbols: {STARS_LEGEND}."
    )


def _size(tested: int, declared: int) -> str:
    """How many tests were done, and of how many if some could not be."""
    return f"{tested} tests" if tested == declared else f"{tested} of {declared} tests done"


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
    else:
        said.append("A change within a group has no comparator: it may have any cause.")
    said += list(result.guard)
    died = int(result.table["n_died"].max()) if len(result.table) else 0
    if died:
        said.append(
            "Subjects who died before the day have no value: the comparison among survivors is "
            "unbiased only if death depends on what was measured before, not on the unseen value."
        )
    said += [one.message + "." for one in result.findings if one.code == "plate_confounded"]
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
