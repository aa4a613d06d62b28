"""Subjects who died before the tested day: the composite that counts them, and the tipping point.

Neither is an effect on the cytokine. The composite ranks patients, a death worse than any value;
the tipping point says how far the unseen values would have to lie from what was expected before
the comparison of survivors lost its significance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytokit.stats.between import ANCOVA, ANCOVA_PER_ARM, indicators
from cytokit.stats.cells import AnalyteData, Bools
from cytokit.stats.estimate import Estimate
from cytokit.stats.models import covariates
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside, Outcome, not_analysed
from cytokit.stats.strata import strata_of

#: with so many other seeds the tipping point is found again, to see how far it depends on its draws
TIPPING_RUNS = 10
COMPOSITE = "worst-rank composite"
COMPOSITE_WITHIN = f"{COMPOSITE} within strata"


def compare_composite(data: AnalyteData, treated: Bools, options: CompareOptions) -> Outcome | None:
    """Rank test in which every death is worse than every survivor.

    Parameters
    ----------
    data : AnalyteData
        The subjects of both arms.
    treated : ndarray of bool, shape (n,)
    options : CompareOptions
        ``worse`` says which end of the cytokine is the bad one.

    Returns
    -------
    Outcome or None
        None where nobody died.
    """
    from cytokit.stats.composite import worst_rank

    died = data.subjects.died & ~data.day.present
    if not died.any():
        return None
    used = data.day.present | died
    arms = [data.day.take(arm & data.day.present) for arm in (treated, ~treated)]
    if not all((arm & used).any() for arm in (treated, ~treated)):
        return not_analysed("an arm has neither a value nor a death", used)
    within = strata_of(data.subjects.stratum[used], options)
    strata = None
    if within is not None:  # in the order of the arguments: values, then deaths, arm by arm
        parts = [data.subjects.stratum[arm & rows] for arm in (treated, ~treated)
                 for rows in (data.day.present, died)]  # fmt: skip
        strata = np.concatenate(parts)
    result = worst_rank(
        arms[0].lower,
        arms[0].upper,
        arms[1].lower,
        arms[1].upper,
        deaths_t=np.zeros(int((died & treated).sum())),
        deaths_c=np.zeros(int((died & ~treated).sum())),
        strata=strata,
        worse=options.worse,
        seed=options.seed,
        draws=options.draws,
    )
    note = (
        "composite",
        f"{result.died_treated} + {result.died_control} deaths rank worse than any value "
        f"({options.worse} is worse): not an effect on the cytokine",
    )
    if np.isnan(result.p):
        return not_analysed(result.reason, used, notes=[note])
    delta = 1.0 - 2.0 * result.p_treated_better
    estimate = Estimate(
        COMPOSITE if strata is None else COMPOSITE_WITHIN, p=result.p, statistic=result.statistic
    )
    return Outcome(
        estimate, used, Beside(p_rank=result.p, p_min=result.p_min, delta=delta), (note,)
    )


def with_tipping(
    data: AnalyteData, treated: Bools, outcome: Outcome, options: CompareOptions
) -> Outcome:
    """By which ratio the values of the dead would have to differ before significance is lost.

    The dead of both groups are shifted, those of the treated by the ratio and those of the control
    group by its inverse; where one group alone has any, those.

    Parameters
    ----------
    data : AnalyteData
    treated : ndarray of bool, shape (n,)
    outcome : Outcome
        Of the survivors' analysis of covariance.
    options : CompareOptions

    Returns
    -------
    Outcome
        With the ratio and its Monte Carlo error; both NaN where nobody died, nothing is
        significant, values are out of range, or the dead have no baseline.
    """
    from cytokit.stats.tipping import TippingPoint, tipping_point

    died = data.subjects.died & ~data.day.present & data.base.present
    if (
        outcome.estimate.method not in (ANCOVA, ANCOVA_PER_ARM)
        or not outcome.estimate.p < options.alpha
        or not died.any()
    ):
        return outcome
    rows = outcome.used | died
    strata = strata_of(data.subjects.stratum[rows], options)
    columns, _ = covariates(data.base.take(rows))
    columns = np.column_stack([columns, *indicators(strata, int(rows.sum()))])
    arm = treated[rows]
    values = np.where(outcome.used, data.day.lower, np.nan)[rows]
    in_treated, in_control = (bool((died & who).any()) for who in (treated, ~treated))
    shifted = "both" if in_treated and in_control else "treated" if in_treated else "control"

    def tipped(seed: int) -> TippingPoint:
        return tipping_point(values, arm, columns, arm=shifted, alpha=options.alpha, seed=seed)

    found = tipped(options.seed)
    if np.isnan(found.ratio):
        return outcome
    # where other draws have nothing to tip, no shift at all tips them
    others = [tipped(options.seed + step).delta for step in range(1, TIPPING_RUNS + 1)]
    error = float(np.nan_to_num(others).std(ddof=1))
    return replace(outcome, tipping_ratio=found.ratio, tipping_error=error)
