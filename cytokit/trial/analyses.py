"""Two arms compared at the tested day, by the analysis that options and values call for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import comb

import numpy as np
from scipy.special import stdtrit

from cytokit.arrays import Bools, Floats
from cytokit.options import CompareOptions
from cytokit.trial.estimate import (
    LEAST_DF,
    NAN,
    Beside,
    Estimate,
    Outcome,
    failed,
    few_df,
    not_analysed,
    small_sample_factor,
    wald,
)
from cytokit.trial.linear import (
    ANCOVA,
    ANCOVA_PER_ARM,
    COLLINEAR,
    CONSTANT,
    LINEAR,
    LINEAR_PER_ARM,
    ancova,
    cliffs_delta,
    diagnose,
    diagnose_normality,
    diagnose_tobit,
    hedges_g,
    indicators,
    unequal_sizes,
    welch,
)
from cytokit.trial.paired import DECIMALS, change_between, change_within, paired_ratio
from cytokit.trial.paired import METHOD as BIVARIATE
from cytokit.trial.ranks import fisher, gehan, hodges_lehmann, rank_sum, signed_rank
from cytokit.trial.strata import (
    NOT_USED,
    Labels,
    strata_of,
    stratified_delta,
    stratified_ranks,
    stratified_shift,
)
from cytokit.trial.tobit import RATIO_BOUND, arm_tobit
from cytokit.trial.values import Analysis, AnalyteData, Cells, choose

# The models that compare two arms at one day: which one options and values call for, fitted.


Notes = list[tuple[str, str]]

RANK_SUM, GEHAN, BRUNNER_MUNZEL = "exact rank-sum", "Gehan rank test", "Brunner-Munzel"
#: the same where subjects are compared within strata
WITHIN_STRATA = {
    RANK_SUM: "rank-sum within strata",
    GEHAN: "Gehan rank test within strata",
    BRUNNER_MUNZEL: "Brunner-Munzel within strata",
}
TOBIT, TOBIT_COMMON = "Tobit", "Tobit (common spread)"
#: tests that take the baseline as a covariate
ADJUSTED = (ANCOVA, ANCOVA_PER_ARM, TOBIT, TOBIT_COMMON)
#: tests whose p is found with what stands beside
RANKED = (RANK_SUM, GEHAN, BRUNNER_MUNZEL, *WITHIN_STRATA.values())
_DETECTABLE = "ranks and the share of detectable values (Fisher's exact test) were compared"
_BY_MODEL = (
    "with up to 50 % such values and at least 2 in range in each group a Tobit model was fitted, "
    f"else with up to 80 % only {_DETECTABLE}, with more the analyte was not analysed"
)
_BY_RANKS = f"with up to 80 % such values {_DETECTABLE}, with more the analyte was not analysed"
_GEOMETRIC = "the ratio of geometric means among subjects with a sample"
_HODGES_LEHMANN = (
    "Hodges and Lehmann's ratio, the median of the ratios between a subject of the one "
    "group and a subject of the other, among subjects with a sample"
)


@dataclass(frozen=True, slots=True)
class BetweenTest:
    """A way to compare two groups at the tested day.

    ``label`` is how figures call it, ``axis`` what a forest plot draws, ``estimand`` and
    ``out_of_range`` what methods.md says of it; ``statistic`` is the one whose arrangements maxT
    looks at. ``estimate`` takes ln concentrations in range, who is treated, and the level; the
    tests that also take baselines, strata or values out of range are chosen by the rule table,
    and have none. ``sentences`` describe the methods that it gives, by their labels.
    """

    label: str
    axis: str = "Ratio of geometric means"
    estimand: str = _GEOMETRIC
    out_of_range: str = _BY_MODEL
    statistic: str = "welch"
    by_ranks: bool = False
    estimate: Callable[[Floats, Bools, float], Estimate] | None = None
    sentences: Mapping[str, str] = field(default_factory=dict)


#: by the key that ``--between`` takes
BETWEEN: dict[str, BetweenTest] = {
    "ancova": BetweenTest(
        "ANCOVA", "Ratio of geometric means, adjusted for the baseline", statistic="ancova"
    ),
    "welch": BetweenTest("Welch"),
    "ranks": BetweenTest(
        "rank test",
        "Hodges-Lehmann ratio",
        _HODGES_LEHMANN,
        _BY_RANKS,
        statistic="student",  # scores of ranks have one spread by nature
        by_ranks=True,
    ),
    "brunner-munzel": BetweenTest(
        "Brunner-Munzel",
        "Hodges-Lehmann ratio",
        "the probability that a subject of the one group has a higher value than a subject of "
        "the other, among subjects with a sample",
        _BY_RANKS,
        by_ranks=True,
    ),
    "change": BetweenTest(
        "change",
        "Ratio of the changes from the baseline (geometric means)",
        "the ratio of the groups' geometric mean changes from baseline, among subjects with both "
        "samples",
        "with such values in up to 50 % of the pairs and at least 2 pairs in range in each group "
        "both days were modelled together, with more the change was not compared",
    ),
    "mixed": BetweenTest(
        "mixed model",
        "Ratio of geometric means of the mixed model, common baseline",
        "the ratio of geometric means at the tested day, among subjects with a sample on any day; "
        "samples are taken to be missing at random given the other days",
        "an analyte with any at baseline or the tested day was not compared by it",
    ),
}

#: an indicator for baselines out of range needs this many on either side
_INDICATOR = 3


def model_estimate(
    data: AnalyteData, treated: Bools, method: str, analysis: Analysis, options: CompareOptions
) -> tuple[Estimate | None, Notes]:
    """The model the rule allows, on subjects who all have a value."""
    test = BETWEEN[method]
    if test.by_ranks or analysis is Analysis.RANKS:
        return None, []
    if test.estimate is not None:
        if analysis is not Analysis.NUMBERS:
            return None, []
        return _or_ranks(test.estimate(data.day.lower, treated, options.level), [])
    columns, notes = (
        covariates(data.base) if method == "ancova" else (np.empty((len(treated), 0)), [])
    )
    strata = strata_of(data.subjects.stratum, options)
    if analysis is Analysis.TOBIT:
        found, bound = _tobit(data.day, columns, treated, strata, options)
        if np.isnan(found.p):
            said = ("other_method", f"rank test: Tobit failed, {found.reason}")
            return None, [*notes, said]
        return found, [*notes, *bound]
    y = data.day.lower
    if method == "welch" and strata is None:
        return _or_ranks(welch(y[treated], y[~treated], level=options.level), notes)
    if method == "welch":
        return _or_ranks(linear(y, treated, strata, options.level, options.spread), notes)
    if spread_per_arm(treated, options):
        found = ancova(y, columns, treated, level=options.level, strata=strata, spread="separate")
        if not np.isnan(found.p):
            return found, notes
        notes = [*notes, ("other_method", f"{ANCOVA}: {found.reason}")]
    found = ancova(y, columns, treated, level=options.level, strata=strata)
    return _or_ranks(found, notes)


def _or_ranks(found: Estimate, notes: Notes) -> tuple[Estimate | None, Notes]:
    """The model, or ranks where it has too little left to estimate a spread from."""
    if not np.isnan(found.p) or found.reason in (COLLINEAR, CONSTANT):
        return found, notes
    return None, [*notes, ("other_method", f"rank test: {found.method} failed, {found.reason}")]


def linear(
    values: Floats, treated: Bools, strata: Labels | None, level: float, spread: str
) -> Estimate:
    """Two arms with their strata: Welch's test, adjusted; one spread where it is asked for.

    Where the arms are too small for a spread each they have one in common, which the method names.
    """
    nothing = np.empty((len(values), 0))
    if spread != "common":
        found = ancova(values, nothing, treated, level=level, strata=strata, spread="separate")
        if not np.isnan(found.p):
            return found
    return ancova(values, nothing, treated, level=level, strata=strata)


def spread_per_arm(treated: Bools, options: CompareOptions) -> bool:
    """Whether each arm has a spread of its own in what is not a Tobit: by option or by design."""
    return options.spread == "separate" or (options.spread == "design" and unequal_sizes(treated))


def rank_test_name(
    method: str,
    day: Cells,
    treated: Bools,
    options: CompareOptions,
    strata: Labels | None = None,
) -> str:
    """Which rank test compares the arms; studentised where each arm has a spread of its own."""
    studentised = method != "ranks" and spread_per_arm(treated, options)
    found = GEHAN
    if method == "brunner-munzel":
        found = BRUNNER_MUNZEL
    elif day.exact.all():
        found = RANK_SUM
    elif studentised:
        found = BRUNNER_MUNZEL
    used = None if strata is None else strata_of(strata, options)
    return found if used is None else WITHIN_STRATA[found]


def _tobit(
    day: Cells,
    columns: Floats,
    treated: Bools,
    strata: Labels | None,
    options: CompareOptions,
) -> tuple[Estimate, Notes]:
    """Log-normal Tobit: a spread per arm and its likelihood's test, or one spread and Wald's."""
    n = len(treated)
    others = np.column_stack([np.ones(n), columns, *indicators(strata, n)]).astype(float)
    if options.spread == "common":
        return _tobit_common(day, np.column_stack([others, treated]), options.level), []
    found = arm_tobit(day.lower, day.upper, others, treated, level=options.level)
    if found.reason or found.df < LEAST_DF:
        return failed(TOBIT, found.reason or few_df(found.df)), []
    # what the interval is wide, in the units of a standard error
    se = (found.high - found.low) / (2 * float(stdtrit(found.df, 0.5 + options.level / 2)))
    said = f"the spreads stand at their greatest ratio, {RATIO_BOUND:g}"
    return (
        Estimate(TOBIT, found.difference, se, found.df, found.t, found.p, found.low, found.high),
        [("spread_bound", said)] if found.at_bound else [],
    )


def _tobit_common(day: Cells, design: Floats, level: float) -> Estimate:
    """Tobit with one spread, its standard error corrected for the small sample."""
    from cytokit.trial.tobit import tobit

    fitted = tobit(day.lower, day.upper, design)
    if not fitted.converged or fitted.df < LEAST_DF:
        return failed(TOBIT_COMMON, fitted.reason or few_df(fitted.df))
    contrast = np.zeros(design.shape[1])
    contrast[-1] = 1.0
    test = fitted.test(contrast)
    se = test.se * small_sample_factor(len(design), fitted.df, float(day.exact.mean()))
    return wald(TOBIT_COMMON, test.estimate, se, fitted.df, level)


def covariates(base: Cells) -> tuple[Floats, Notes]:
    """The baseline as columns of a design; out of range: at the limit, with an indicator.

    Any function of the baseline may be adjusted for without bias under randomisation, so the
    limit is not a guess at the value but a label of the stratum "out of range".
    """
    low = np.where(np.isfinite(base.lower), base.lower, base.upper)
    high = np.where(np.isfinite(base.upper), base.upper, base.lower)
    value = np.where(base.exact, base.lower, (low + high) / 2)
    outside = ~base.exact
    count = int(outside.sum())
    if count == 0:
        return value[:, None], []
    indicator = count >= _INDICATOR and len(value) - count >= _INDICATOR
    text = f"{count} of {len(value)} baseline values out of range enter at their limit"
    columns = [value, outside.astype(float)] if indicator else [value]
    return np.column_stack(columns), [
        ("baseline_censored", text + " with an indicator" * indicator)
    ]


# What always stands beside the primary comparison of two arms: ranks and effect sizes.


def fisher_detectable(day: Cells, treated: Bools) -> float:
    """Fisher's exact test on % detectable (or, where more are above, on % above the limit)."""
    outside = day.below if day.below.sum() >= day.above.sum() else day.above
    if not outside.any():
        return float("nan")
    counts = [(int((~outside & arm).sum()), int(arm.sum())) for arm in (treated, ~treated)]
    return fisher(*counts[0], *counts[1])


def beside_arms(
    day: Cells, treated: Bools, options: CompareOptions, strata: Labels | None = None
) -> Beside:
    """Rank test, Hodges-Lehmann, effect sizes and Fisher of all values present.

    Ranks, Hodges-Lehmann and Cliff's delta compare within strata, Hedges' g and Fisher's do not.
    """
    present = day.present
    cells, arm = day.take(present), treated[present]
    t, c = cells.take(arm), cells.take(~arm)
    if not arm.any() or arm.all():
        return Beside()
    within = None if strata is None else strata_of(strata[present], options)
    delta = (
        cliffs_delta(t.lower, t.upper, c.lower, c.upper)
        if within is None
        else stratified_delta(cells.lower, cells.upper, arm, within)
    )
    seeded = {"seed": options.seed, "draws": options.draws}
    if not cells.exact.all():
        test = (
            gehan(t.lower, t.upper, c.lower, c.upper, **seeded)
            if within is None
            else stratified_ranks(cells.lower, cells.upper, arm, within, **seeded)
        )
        p_fisher = fisher_detectable(cells, arm)
        return Beside(p_rank=test.p, p_min=test.p_min, delta=delta, p_fisher=p_fisher, used=present)
    if within is None:
        test = rank_sum(_rounded(t.lower), _rounded(c.lower))
        hl, hl_low, hl_high = hodges_lehmann(t.lower, c.lower, options.level)
    else:
        values = _rounded(cells.lower)
        test = stratified_ranks(values, values, arm, within, **seeded)
        hl, hl_low, hl_high = stratified_shift(cells.lower, arm, within, options.level)
    if not (np.isfinite(hl_low) and np.isfinite(hl_high)):
        # where the arms are too small for the level the ends are infinite: that is no interval
        hl_low = hl_high = NAN
    return Beside(
        p_rank=test.p,
        p_min=test.p_min,
        hl=hl,
        hl_low=hl_low,
        hl_high=hl_high,
        hedges_g=hedges_g(t.lower, c.lower),
        delta=delta,
        used=present,
    )


def _rounded(values: Floats) -> Floats:
    """Rounded before ranking, so that equal values stay equal whatever the order of sums."""
    return np.round(values, 10)


ON_CHANGE, LINEAR_ON_CHANGE = "Welch on change", "linear model on change with strata"
#: where the design has strata that the model of both days does not take
WITHOUT_STRATA = f"{BIVARIATE} (strata not used)"
#: how a method is asked for whose other assumption on the spreads is shown beside
_OTHER_SPREAD = {
    ANCOVA: "separate",
    ANCOVA_PER_ARM: "common",
    LINEAR: "separate",
    LINEAR_PER_ARM: "common",
    TOBIT: "common",
    TOBIT_COMMON: "separate",
}


def compare_arms(
    data: AnalyteData, treated: Bools, names: tuple[str, str], options: CompareOptions
) -> Outcome:
    """The primary comparison of two arms at the tested day."""
    if options.between == "change":
        return compare_changes(data, treated, names, options)
    strata = data.subjects.stratum
    beside = beside_arms(data.day, treated, options, strata)
    estimate, used, notes = primary(data, treated, names, options)
    if estimate.method in RANKED:
        estimate = rank_test(
            estimate, data.day.take(used), treated[used], beside, options, strata[used]
        )
    if np.isnan(estimate.p):
        return not_analysed(estimate.reason, used, beside=beside, notes=notes)
    notes += _diagnosed(estimate.method, data.take(used), treated[used], options)
    other = NAN
    if estimate.method in _OTHER_SPREAD:
        otherwise = replace(options, spread=_OTHER_SPREAD[estimate.method])
        other = primary(data, treated, names, otherwise)[0].p
    return Outcome(estimate, used, beside, tuple(notes), p_other_spread=other)


def _diagnosed(method: str, data: AnalyteData, treated: Bools, options: CompareOptions) -> Notes:
    """What the residuals of the model say against it."""
    columns = np.empty((len(treated), 0))
    if options.between == "ancova" and data.base.present.all():
        columns, _ = covariates(data.base)
    strata = strata_of(data.subjects.stratum, options)
    columns = np.column_stack([columns, *indicators(strata, len(treated))])
    if method in (ANCOVA, LINEAR):
        return diagnose(data.day.lower, columns, treated)
    if method in (ANCOVA_PER_ARM, LINEAR_PER_ARM):
        return diagnose_normality(data.day.lower, columns, treated)
    if method == TOBIT_COMMON:
        return diagnose_tobit(data.day, columns, treated)
    return []


def primary(
    data: AnalyteData, treated: Bools, names: tuple[str, str], options: CompareOptions
) -> tuple[Estimate, Bools, Notes]:
    """The model that options and rule table call for, without what stands beside it."""
    used, method = data.day.present, options.between
    notes: Notes = []
    if method == "ancova":
        method, used, notes = _with_baseline(data, treated)
    rule = choose(data.day.exact[used], _arms(treated[used], names))
    if rule.analysis is Analysis.NONE:
        return failed(method, rule.reason), used, notes
    estimate, said = model_estimate(data.take(used), treated[used], method, rule.analysis, options)
    if estimate is None:
        used = data.day.present
        strata = data.subjects.stratum[used]
        estimate = Estimate(
            rank_test_name(method, data.day.take(used), treated[used], options, strata)
        )
    if rule.analysis is not Analysis.NUMBERS and not BETWEEN[method].by_ranks:
        said.insert(0, ("other_method", f"{estimate.method}: {rule.reason}"))
    return estimate, used, [*notes, *said]


def compare_changes(
    data: AnalyteData, treated: Bools, names: tuple[str, str], options: CompareOptions
) -> Outcome:
    """The difference in change: treated minus control of ln day - ln baseline."""
    used = data.base.present & data.day.present
    if not used.any():
        return not_analysed("no subject has a value at baseline and on the day", used)
    base, day, arm = data.base.take(used), data.day.take(used), treated[used]
    strata = data.subjects.stratum[used]
    beside = Beside()
    if (base.exact & day.exact).all():
        change = day.lower - base.lower
        beside = beside_arms(Cells(change, change, base.sd, base.substituted), arm, options, strata)
        beside = replace(beside, used=None)  # of those who have both days, as the estimate
    within = strata_of(strata, options)
    estimate, notes = changes(base, day, arm, names, options.level, within)
    if np.isnan(estimate.p) and min(arm.sum(), (~arm).sum()) >= 2 and not np.isnan(beside.p_rank):
        ranked = RANK_SUM if within is None else WITHIN_STRATA[RANK_SUM]
        notes = [*notes, ("other_method", f"{ranked}: {estimate.method} has {estimate.reason}")]
        estimate = rank_test(Estimate(ranked), day, arm, beside, options)
    if np.isnan(estimate.p):
        return not_analysed(estimate.reason, used, notes=notes)
    return Outcome(estimate, used, beside, tuple(notes))


def changes(
    base: Cells,
    day: Cells,
    treated: Bools,
    names: tuple[str, str],
    level: float,
    strata: Labels | None = None,
) -> tuple[Estimate, Notes]:
    """The difference in change of subjects who have both days."""
    exact = base.exact & day.exact
    rule = choose(exact, _arms(treated, names))
    if rule.analysis is Analysis.NUMBERS:
        change = day.lower - base.lower
        if strata is not None:
            adjusted = linear(change, treated, strata, level, "separate")
            return replace(adjusted, method=LINEAR_ON_CHANGE), []
        found = welch(change[treated], change[~treated], level=level, method=ON_CHANGE)
        return found, []
    if rule.analysis is not Analysis.TOBIT:
        return failed(ON_CHANGE, rule.reason), []
    found = change_between(base, day, treated, level=level)
    notes = [("other_method", f"{found.method}: {rule.reason}")]
    if strata is not None:
        found = replace(found, method=WITHOUT_STRATA)
        notes.append((NOT_USED, "the model of both days has no strata"))
    return found, notes


def _with_baseline(data: AnalyteData, treated: Bools) -> tuple[str, Bools, Notes]:
    """Whether an ANCOVA is possible, on whom, and what is to be said of it."""
    present = data.day.present
    both = present & data.base.present
    without = int((present & ~both).sum())
    enough = min(int((both & treated).sum()), int((both & ~treated).sum())) >= 2
    if not enough:
        if not present.any() or min((present & treated).sum(), (present & ~treated).sum()) < 2:
            return "ancova", present, []
        why = "no baseline values" if not both.any() else "under 2 baseline values in an arm"
        return "welch", present, [("other_method", f"Welch: {why}")]
    columns, _ = covariates(data.base.take(both))
    if np.ptp(columns[:, 0]) == 0:
        return "welch", present, [("other_method", "Welch: all baseline values are the same")]
    if without:
        return "ancova", both, [("no_baseline", f"{without} with a value on the day only")]
    return "ancova", both, []


def rank_test(
    estimate: Estimate,
    day: Cells,
    treated: Bools,
    beside: Beside,
    options: CompareOptions,
    strata: Labels | None = None,
) -> Estimate:
    """The rank test that :func:`primary` names, done; its ratio is Hodges and Lehmann's."""
    if estimate.method in (BRUNNER_MUNZEL, WITHIN_STRATA[BRUNNER_MUNZEL]):
        within = None if strata is None else strata_of(strata, options)
        return _brunner_munzel(estimate.method, day, treated, beside, options, within)
    if np.isnan(beside.p_rank):
        return replace(estimate, reason="all values are tied")
    return replace(
        estimate, p=beside.p_rank, difference=beside.hl, low=beside.hl_low, high=beside.hl_high
    )


def _brunner_munzel(
    method: str,
    day: Cells,
    treated: Bools,
    beside: Beside,
    options: CompareOptions,
    strata: Labels | None,
) -> Estimate:
    """The studentised rank test, permuted, as the primary analysis; the ratio is a shift's.

    The interval of that ratio belongs to the rank-sum test and stands in its own columns. With
    values out of range there is none.
    """
    from cytokit.trial.ranks import brunner_munzel_intervals

    limits = [
        np.round(ends[arm], 10) for arm in (treated, ~treated) for ends in (day.lower, day.upper)
    ]
    seeded = {"seed": options.seed, "draws": options.draws}
    both = None if strata is None else np.concatenate([strata[treated], strata[~treated]])
    test = brunner_munzel_intervals(*limits, strata=both, **seeded)
    if np.isnan(test.p):
        return failed(method, test.reason)
    return Estimate(method, beside.hl, statistic=test.statistic, p=test.p)


def _arms(treated: Bools, names: tuple[str, str]) -> dict[str, Bools]:
    return {names[0]: treated, names[1]: ~treated}


# One arm from baseline to the tested day, by the analysis that options and values call for.


SIGN_TEST, SIGNED_RANK = "sign test", "signed-rank"


def compare_days(data: AnalyteData, arm: str, options: CompareOptions) -> Outcome:
    """The change within one arm: ratio of the day to the baseline, subject by subject."""
    used = data.base.present & data.day.present
    base, day = data.base.take(used), data.day.take(used)
    n = int(used.sum())
    if n < 2:
        reason = f"{n} subject{'s' * (n != 1)} with both days in {arm}, 2 are needed"
        return not_analysed(reason, used)
    beside = _beside(base, day)
    estimate, notes = within(base, day, arm, options)
    if estimate.method in (SIGNED_RANK, SIGN_TEST) and not estimate.reason:
        estimate = replace(estimate, p=beside.p_rank, reason="no pair changes in a known direction")
    if np.isnan(estimate.p):
        return not_analysed(estimate.reason, used, notes=notes)
    return Outcome(replace(estimate, reason=""), used, beside, tuple(notes))


def within(
    base: Cells, day: Cells, arm: str, options: CompareOptions
) -> tuple[Estimate, list[tuple[str, str]]]:
    """The model that options and rule table call for, for subjects who have both days."""
    exact = base.exact & day.exact
    rule = choose(exact, {arm: np.ones(len(exact), dtype=bool)})
    if rule.analysis is Analysis.NONE:
        return failed("paired t", rule.reason), []
    ranked = options.within == "signed-rank"
    if rule.analysis is Analysis.NUMBERS:
        change = day.lower - base.lower
        found = paired_ratio(change, level=options.level)
        changed = bool((np.round(change, DECIMALS) != 0).any())
        if np.isnan(found.p) and changed:
            # the ranks can still tell a direction, what the error of the ratio is nothing can
            said = [] if ranked else [("other_method", f"{SIGNED_RANK}: {found.reason}")]
            return Estimate(SIGNED_RANK, float(change.mean())), said
        if not ranked:
            return found, []
        return replace(found, method=SIGNED_RANK, p=NAN, statistic=NAN, df=NAN, reason=""), []
    found = Estimate(SIGN_TEST)
    if rule.analysis is Analysis.TOBIT and not ranked:
        model = change_within(base, day, level=options.level)
        found = found if np.isnan(model.p) else model
    return found, [("other_method", f"{found.method}: {rule.reason}")]


def _beside(base: Cells, day: Cells) -> Beside:
    """Rank test of the pairs, and how often the day lies above the baseline."""
    from cytokit.trial.linear import hedges_g

    up = np.where(base.exact & day.exact, day.lower > base.lower, day.lower >= base.upper)
    down = np.where(base.exact & day.exact, day.lower < base.lower, day.upper <= base.lower)
    delta = float(up.mean() - down.mean())
    if (base.exact & day.exact).all():
        test = signed_rank(day.lower - base.lower)
        g = hedges_g(day.lower, base.lower)
        return Beside(p_rank=test.p, p_min=test.p_min, hedges_g=g, delta=delta)
    p, p_min = sign_test(int(up.sum()), int(down.sum()))
    return Beside(p_rank=p, p_min=p_min, delta=delta)


def sign_test(up: int, down: int) -> tuple[float, float]:
    """Exact sign test of pairs whose direction is known."""
    n = up + down
    if n == 0:
        return float("nan"), float("nan")
    # counted in whole numbers: the binomial law in floating point makes a p of 1 slightly less
    as_extreme = 2 * sum(comb(n, k) for k in range(min(up, down) + 1))
    return min(1.0, as_extreme / 2**n), min(1.0, 2 / 2**n)
