"""One arm from baseline to the tested day, by the analysis that options and values call for."""

from __future__ import annotations

from dataclasses import replace
from math import comb

import numpy as np

from cytokit.stats import longitudinal, ranks
from cytokit.stats.cells import AnalyteData, Cells
from cytokit.stats.change_profile import change_within
from cytokit.stats.estimate import NAN, Estimate, failed
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside, Outcome, not_analysed
from cytokit.stats.rules import Analysis, choose

SIGN_TEST, SIGNED_RANK = "sign test", "signed-rank"


def compare_days(data: AnalyteData, arm: str, options: CompareOptions) -> Outcome:
    """The change within one arm: ratio of the day to the baseline, subject by subject.

    Parameters
    ----------
    data : AnalyteData
        The subjects of the arm.
    arm : str
        Its name, for messages.
    options : CompareOptions

    Returns
    -------
    Outcome
        Paired t on ln with the exact signed-rank test beside; with values out of range a bivariate
        Tobit and the sign test of the pairs whose direction is known.
    """
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
    """The model that options and rule table call for, for subjects who have both days.

    Parameters
    ----------
    base, day : Cells
        All present.
    arm : str
    options : CompareOptions

    Returns
    -------
    estimate : Estimate
        Of a rank or sign test without its p: that is the one beside.
    notes : list of (code, text)
    """
    exact = base.exact & day.exact
    rule = choose(exact, {arm: np.ones(len(exact), dtype=bool)})
    if rule.analysis is Analysis.NONE:
        return failed("paired t", rule.reason), []
    ranked = options.within == "signed-rank"
    if rule.analysis is Analysis.NUMBERS:
        change = day.lower - base.lower
        found = longitudinal.paired_ratio(change, level=options.level)
        changed = bool((np.round(change, longitudinal.DECIMALS) != 0).any())
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
    from cytokit.stats.effects import hedges_g

    up = np.where(base.exact & day.exact, day.lower > base.lower, day.lower >= base.upper)
    down = np.where(base.exact & day.exact, day.lower < base.lower, day.upper <= base.lower)
    delta = float(up.mean() - down.mean())
    if (base.exact & day.exact).all():
        test = ranks.signed_rank(day.lower - base.lower)
        g = hedges_g(day.lower, base.lower)
        return Beside(p_rank=test.p, p_min=test.p_min, hedges_g=g, delta=delta)
    p, p_min = sign_test(int(up.sum()), int(down.sum()))
    return Beside(p_rank=p, p_min=p_min, delta=delta)


def sign_test(up: int, down: int) -> tuple[float, float]:
    """Exact sign test of pairs whose direction is known.

    Parameters
    ----------
    up, down : int
        Pairs that surely rise, surely fall.

    Returns
    -------
    p, p_min : float
        Two-sided p, and the smallest that this number of pairs can reach; NaN without pairs.

    Examples
    --------
    >>> sign_test(0, 5)
    (0.0625, 0.0625)
    """
    n = up + down
    if n == 0:
        return float("nan"), float("nan")
    # counted in whole numbers: the binomial law in floating point makes a p of 1 slightly less
    as_extreme = 2 * sum(comb(n, k) for k in range(min(up, down) + 1))
    return min(1.0, as_extreme / 2**n), min(1.0, 2 / 2**n)
