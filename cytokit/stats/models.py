"""The models that compare two arms at one day: which one options and values call for, fitted."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from cytokit.stats import between
from cytokit.stats._spread_likelihood import RATIO_BOUND
from cytokit.stats.arm_spreads import unequal_sizes
from cytokit.stats.arm_tobit import arm_tobit
from cytokit.stats.between import ANCOVA
from cytokit.stats.cells import AnalyteData, Bools, Cells, Floats
from cytokit.stats.estimate import (
    LEAST_DF,
    Estimate,
    failed,
    few_df,
    small_sample_factor,
    wald,
)
from cytokit.stats.options import CompareOptions
from cytokit.stats.rules import Analysis
from cytokit.stats.strata import Labels, strata_of

Notes = list[tuple[str, str]]

RANK_SUM, GEHAN, BRUNNER_MUNZEL = "exact rank-sum", "Gehan rank test", "Brunner-Munzel"
#: the same where subjects are compared within strata
WITHIN_STRATA = {
    RANK_SUM: "rank-sum within strata",
    GEHAN: "Gehan rank test within strata",
    BRUNNER_MUNZEL: "Brunner-Munzel within strata",
}
TOBIT, TOBIT_COMMON = "Tobit", "Tobit (common spread)"
#: tests whose p is found with what stands beside
RANKED = (RANK_SUM, GEHAN, BRUNNER_MUNZEL, *WITHIN_STRATA.values())
#: the choices of ``between`` that ask for one of them
BY_RANKS = ("ranks", "brunner-munzel")
#: an indicator for baselines out of range needs this many on either side
_INDICATOR = 3


def estimate(
    data: AnalyteData, treated: Bools, method: str, analysis: Analysis, options: CompareOptions
) -> tuple[Estimate | None, Notes]:
    """The model the rule allows, on subjects who all have a value.

    Parameters
    ----------
    data : AnalyteData
    treated : ndarray of bool, shape (n,)
    method : str
        As ``between`` of the options, or ``welch`` where there is no baseline to adjust for.
    analysis : Analysis
    options : CompareOptions

    Returns
    -------
    estimate : Estimate or None
        None where a rank test is to be done instead (:func:`rank_test_name`).
    notes : list of (code, text)
    """
    if method in BY_RANKS or analysis is Analysis.RANKS:
        return None, []
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
        return _or_ranks(between.welch(y[treated], y[~treated], level=options.level), notes)
    if method == "welch":
        return _or_ranks(linear(y, treated, strata, options.level, options.spread), notes)
    if spread_per_arm(treated, options):
        found = between.ancova(
            y, columns, treated, level=options.level, strata=strata, spread="separate"
        )
        if not np.isnan(found.p):
            return found, notes
        notes = [*notes, ("other_method", f"{ANCOVA}: {found.reason}")]
    found = between.ancova(y, columns, treated, level=options.level, strata=strata)
    return _or_ranks(found, notes)


def _or_ranks(found: Estimate, notes: Notes) -> tuple[Estimate | None, Notes]:
    """The model, or ranks where it has too little left to estimate a spread from."""
    if not np.isnan(found.p) or found.reason in (between.COLLINEAR, between.CONSTANT):
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
        found = between.ancova(
            values, nothing, treated, level=level, strata=strata, spread="separate"
        )
        if not np.isnan(found.p):
            return found
    return between.ancova(values, nothing, treated, level=level, strata=strata)


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
    """Which rank test compares the arms; studentised where each arm has a spread of its own.

    Parameters
    ----------
    method : str
        As for :func:`estimate`; ``ranks`` asks for the rank-sum test, whatever the spreads.
    day : Cells
        All present.
    treated : ndarray of bool, shape (n,)
    options : CompareOptions
    strata : ndarray of str, shape (n,), optional

    Returns
    -------
    str
        One of :data:`RANKED`.
    """
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
    others = np.column_stack([np.ones(n), columns, *between.indicators(strata, n)]).astype(float)
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
    from cytokit.stats.censored import tobit

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
