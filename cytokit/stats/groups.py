"""Two arms compared at the tested day, by the analysis that options and values call for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytokit.stats import between
from cytokit.stats.beside import beside_arms
from cytokit.stats.between import ANCOVA, ANCOVA_PER_ARM
from cytokit.stats.cells import AnalyteData, Bools, Cells
from cytokit.stats.change_profile import change_between
from cytokit.stats.diagnostics import diagnose, diagnose_normality, diagnose_tobit
from cytokit.stats.estimate import NAN, Estimate, failed
from cytokit.stats.models import (
    BRUNNER_MUNZEL,
    BY_RANKS,
    RANKED,
    TOBIT,
    TOBIT_COMMON,
    Notes,
    covariates,
    rank_test_name,
)
from cytokit.stats.models import estimate as fit_model
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside, Outcome, not_analysed
from cytokit.stats.rules import Analysis, choose

ON_CHANGE = "Welch on change"
#: how a method is asked for whose other assumption on the spreads is shown beside
_OTHER_SPREAD = {
    ANCOVA: "separate",
    ANCOVA_PER_ARM: "common",
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
    beside = beside_arms(data.day, treated, options)
    estimate, used, notes = primary(data, treated, names, options)
    if estimate.method in RANKED:
        estimate = rank_test(estimate, data.day.take(used), treated[used], beside, options)
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
    if method == ANCOVA:
        return diagnose(data.day.lower, columns, treated)
    if method == ANCOVA_PER_ARM:
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
        estimate = Estimate(rank_test_name(method, data.day.take(used), treated[used], options))
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
        Welch on the changes; a bivariate Tobit where values are out of range.
    """
    used = data.base.present & data.day.present
    if not used.any():
        return not_analysed("no subject has a value at baseline and on the day", used)
    base, day, arm = data.base.take(used), data.day.take(used), treated[used]
    beside = Beside()
    if (base.exact & day.exact).all():
        change = day.lower - base.lower
        beside = beside_arms(Cells(change, change, base.sd, base.substituted), arm, options)
        beside = replace(beside, used=None)  # of those who have both days, as the estimate
    estimate, notes = changes(base, day, arm, names, options.level)
    if np.isnan(estimate.p):
        return not_analysed(estimate.reason, used, notes=notes)
    return Outcome(estimate, used, beside, tuple(notes))


def changes(
    base: Cells, day: Cells, treated: Bools, names: tuple[str, str], level: float
) -> tuple[Estimate, Notes]:
    """The difference in change of subjects who have both days.

    Parameters
    ----------
    base, day : Cells
        All present.
    treated : ndarray of bool, shape (n,)
    names : tuple of str
    level : float

    Returns
    -------
    estimate : Estimate
    notes : list of (code, text)
    """
    exact = base.exact & day.exact
    rule = choose(exact, _arms(treated, names))
    if rule.analysis is Analysis.NUMBERS:
        change = day.lower - base.lower
        found = between.welch(change[treated], change[~treated], level=level, method=ON_CHANGE)
        return found, []
    if rule.analysis is not Analysis.TOBIT:
        return failed(ON_CHANGE, rule.reason), []
    found = change_between(base, day, treated, level=level)
    return found, [("other_method", f"{found.method}: {rule.reason}")]


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
    estimate: Estimate, day: Cells, treated: Bools, beside: Beside, options: CompareOptions
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

    Returns
    -------
    Estimate
    """
    if estimate.method == BRUNNER_MUNZEL:
        return _brunner_munzel(day, treated, beside, options)
    if np.isnan(beside.p_rank):
        return replace(estimate, reason="all values are tied")
    return replace(
        estimate, p=beside.p_rank, difference=beside.hl, low=beside.hl_low, high=beside.hl_high
    )


def _brunner_munzel(
    day: Cells, treated: Bools, beside: Beside, options: CompareOptions
) -> Estimate:
    """The studentised rank test, permuted, as the primary analysis; the ratio is a shift's.

    The interval of that ratio belongs to the rank-sum test and stands in its own columns. With
    values out of range there is none.
    """
    from cytokit.stats.brunner_munzel import brunner_munzel_intervals

    limits = [
        np.round(ends[arm], 10) for arm in (treated, ~treated) for ends in (day.lower, day.upper)
    ]
    test = brunner_munzel_intervals(*limits, seed=options.seed, draws=options.draws)
    if np.isnan(test.p):
        return failed(BRUNNER_MUNZEL, test.reason)
    return Estimate(BRUNNER_MUNZEL, beside.hl, statistic=test.statistic, p=test.p)


def _arms(treated: Bools, names: tuple[str, str]) -> dict[str, Bools]:
    return {names[0]: treated, names[1]: ~treated}
