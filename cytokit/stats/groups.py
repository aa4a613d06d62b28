"""Two arms compared at the tested day, by the analysis that options and values call for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytokit.stats import between
from cytokit.stats.beside import beside_arms
from cytokit.stats.between import ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM, indicators
from cytokit.stats.cells import AnalyteData, Bools, Cells
from cytokit.stats.change_profile import METHOD as BIVARIATE
from cytokit.stats.change_profile import change_between
from cytokit.stats.diagnostics import diagnose, diagnose_normality, diagnose_tobit
from cytokit.stats.estimate import NAN, Estimate, failed
from cytokit.stats.models import (
    BRUNNER_MUNZEL,
    BY_RANKS,
    RANK_SUM,
    RANKED,
    TOBIT,
    TOBIT_COMMON,
    WITHIN_STRATA,
    Notes,
    covariates,
    linear,
    rank_test_name,
)
from cytokit.stats.models import estimate as fit_model
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside, Outcome, not_analysed
from cytokit.stats.rules import Analysis, choose
from cytokit.stats.strata import NOT_USED, Labels, strata_of

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
    """The primary comparison of two arms at the tested day.

    Parameters
    ----------
    data : AnalyteData
        The subjects of both arms.
    treated : ndarray of bool, shape (n,)
        Who is in the treated arm.
    names : tuple of str
        Treated and control arm, for messages.
    options : CompareOptions

    Returns
    -------
    Outcome
    """
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
    """The model that options and rule table call for, without what stands beside it.

    Parameters
    ----------
    data, treated, names, options
        As in :func:`compare_arms`.

    Returns
    -------
    estimate : Estimate
        Of a rank test only the name: :func:`rank_test` does it.
    used : ndarray of bool
        Whom it used.
    notes : list of (code, text)
    """
    used, method = data.day.present, options.between
    notes: Notes = []
    if method == "ancova":
        method, used, notes = _with_baseline(data, treated)
    rule = choose(data.day.exact[used], _arms(treated[used], names))
    if rule.analysis is Analysis.NONE:
        return failed(method, rule.reason), used, notes
    estimate, said = fit_model(data.take(used), treated[used], method, rule.analysis, options)
    if estimate is None:
        used = data.day.present
        strata = data.subjects.stratum[used]
        estimate = Estimate(
            rank_test_name(method, data.day.take(used), treated[used], options, strata)
        )
    if rule.analysis is not Analysis.NUMBERS and method not in BY_RANKS:
        said.insert(0, ("other_method", f"{estimate.method}: {rule.reason}"))
    return estimate, used, [*notes, *said]


def compare_changes(
    data: AnalyteData, treated: Bools, names: tuple[str, str], options: CompareOptions
) -> Outcome:
    """The difference in change: treated minus control of ln day - ln baseline.

    Parameters
    ----------
    data, treated, names, options
        As in :func:`compare_arms`.

    Returns
    -------
    Outcome
        Welch on the changes, with strata the linear model; a bivariate Tobit, which has none,
        where values are out of range.
    """
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
    """The difference in change of subjects who have both days.

    Parameters
    ----------
    base, day : Cells
        All present.
    treated : ndarray of bool, shape (n,)
    names : tuple of str
    level : float
    strata : ndarray of str, shape (n,), optional
        To adjust for.

    Returns
    -------
    estimate : Estimate
    notes : list of (code, text)
    """
    exact = base.exact & day.exact
    rule = choose(exact, _arms(treated, names))
    if rule.analysis is Analysis.NUMBERS:
        change = day.lower - base.lower
        if strata is not None:
            adjusted = linear(change, treated, strata, level, "separate")
            return replace(adjusted, method=LINEAR_ON_CHANGE), []
        found = between.welch(change[treated], change[~treated], level=level, method=ON_CHANGE)
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
    """The rank test that :func:`primary` names, done; its ratio is Hodges and Lehmann's.

    Parameters
    ----------
    estimate : Estimate
        With one of the methods in :data:`cytokit.stats.models.RANKED`.
    day : Cells
        All present.
    treated : ndarray of bool, shape (n,)
    beside : Beside
        Of the same values.
    options : CompareOptions
    strata : ndarray of str, shape (n,), optional

    Returns
    -------
    Estimate
    """
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
    from cytokit.stats.brunner_munzel import brunner_munzel_intervals

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
