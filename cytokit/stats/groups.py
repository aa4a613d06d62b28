"""Two arms compared at the tested day, by the analysis that options and values call for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cytokit.stats import between
from cytokit.stats.beside import beside_arms
from cytokit.stats.cells import AnalyteData, Bools, Cells
from cytokit.stats.diagnostics import diagnose, diagnose_tobit
from cytokit.stats.estimate import Estimate, failed, small_sample_factor, wald
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside, Outcome, not_analysed
from cytokit.stats.paired_tobit import paired_tobit
from cytokit.stats.rules import Analysis, choose

Floats = NDArray[np.float64]
Notes = list[tuple[str, str]]

ANCOVA, RANK_SUM, GEHAN = "ANCOVA", "exact rank-sum", "Gehan rank test"
ON_CHANGE, TOBIT = "Welch on change", "Tobit"
#: an indicator for baselines out of range needs this many on either side
_INDICATOR = 3


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
    if estimate.method in (RANK_SUM, GEHAN) and not estimate.reason:
        estimate = _rank_estimate(estimate, beside)
    if np.isnan(estimate.p):
        return not_analysed(estimate.reason, used, p_fisher=beside.p_fisher, notes=notes)
    if estimate.method == ANCOVA:
        columns, _ = covariates(data.base.take(used))
        notes += diagnose(data.day.lower[used], columns, treated[used])
    if estimate.method == TOBIT:
        columns = np.empty((int(used.sum()), 0))
        if options.between == "ancova" and data.base.present[used].all():
            columns, _ = covariates(data.base.take(used))
        notes += diagnose_tobit(data.day.take(used), columns, treated[used])
    return Outcome(estimate, used, beside, tuple(notes))


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
        Of a rank test only the name: its p is that of the test beside.
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
    estimate, said = _estimate(data.take(used), treated[used], method, rule.analysis, options)
    if rule.analysis is not Analysis.NUMBERS and method != "ranks":
        said.insert(0, ("other_method", f"{estimate.method}: {rule.reason}"))
    if estimate.method in (RANK_SUM, GEHAN):
        used = data.day.present
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
    design = np.column_stack([np.ones(len(treated)), treated])
    found = paired_tobit(base, day, design, np.array([0.0, 1.0]), level=level)
    return found, [("other_method", f"{found.method}: {rule.reason}")]


def covariates(base: Cells) -> tuple[Floats, Notes]:
    """The baseline as columns of a design; out of range: at the limit, with an indicator.

    Any function of the baseline may be adjusted for without bias under randomisation, so the
    limit is not a guess at the value but a label of the stratum "out of range".

    Parameters
    ----------
    base : Cells
        All present.

    Returns
    -------
    columns : ndarray, shape (n, 1 or 2)
    notes : list of (code, text)
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


def _estimate(
    data: AnalyteData, treated: Bools, method: str, analysis: Analysis, options: CompareOptions
) -> tuple[Estimate, Notes]:
    """The model the rule allows, on subjects who all have a value."""
    if method == "ranks" or analysis is Analysis.RANKS:
        exact = data.day.exact.all()
        return Estimate(RANK_SUM if exact else GEHAN), []
    columns, notes = (
        covariates(data.base) if method == "ancova" else (np.empty((len(treated), 0)), [])
    )
    strata = _strata(data, options) if method == "ancova" else None
    if analysis is Analysis.TOBIT:
        estimate = _tobit(data.day, columns, treated, strata, options)
        if np.isnan(estimate.p):
            said = ("other_method", f"{GEHAN}: Tobit failed, {estimate.reason}")
            return Estimate(GEHAN), [*notes, said]
        return estimate, notes
    y = data.day.lower
    if method == "welch":
        return between.welch(y[treated], y[~treated], level=options.level), notes
    found = between.ancova(y, columns, treated, level=options.level, strata=strata)
    return found, notes


def _tobit(
    day: Cells,
    columns: Floats,
    treated: Bools,
    strata: NDArray[np.str_] | None,
    options: CompareOptions,
) -> Estimate:
    """Log-normal Tobit, its standard error corrected for the small sample."""
    from cytokit.stats.censored import tobit

    n = len(treated)
    X = np.column_stack([np.ones(n), columns, *between.indicators(strata, n), treated]).astype(
        float
    )
    fitted = tobit(day.lower, day.upper, X)
    if not fitted.converged or fitted.df < 1:
        return failed(TOBIT, fitted.reason or "too few subjects")
    contrast = np.zeros(X.shape[1])
    contrast[-1] = 1.0
    test = fitted.test(contrast)
    se = test.se * small_sample_factor(n, fitted.df, float(day.exact.mean()))
    return wald(TOBIT, test.estimate, se, fitted.df, options.level)


def _rank_estimate(estimate: Estimate, beside: Beside) -> Estimate:
    """The rank test as the primary analysis; its ratio is Hodges and Lehmann's."""
    if np.isnan(beside.p_rank):
        return replace(estimate, reason="all values are tied")
    return replace(
        estimate, p=beside.p_rank, difference=beside.hl, low=beside.hl_low, high=beside.hl_high
    )


def _strata(data: AnalyteData, options: CompareOptions) -> NDArray[np.str_] | None:
    """The strata to adjust for, if the design has more than one."""
    stratum = data.subjects.stratum
    return stratum if options.strata and len(set(stratum.tolist())) > 1 else None


def _arms(treated: Bools, names: tuple[str, str]) -> dict[str, Bools]:
    return {names[0]: treated, names[1]: ~treated}
