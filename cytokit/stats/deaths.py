"""Subjects who died before the tested day: the composite that counts them, and the tipping point.

Neither is an effect on the cytokine. The composite ranks patients, a death worse than any value;
the tipping point says how far the unseen values would have to lie from what was expected before
the comparison of survivors lost its significance.
"""

from __future__ import annotations

import numpy as np

from cytokit.stats.between import ANCOVA, ANCOVA_PER_ARM
from cytokit.stats.cells import AnalyteData, Bools
from cytokit.stats.estimate import NAN, Estimate
from cytokit.stats.models import covariates
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside, Outcome, not_analysed

COMPOSITE = "worst-rank composite"


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
    result = worst_rank(
        arms[0].lower,
        arms[0].upper,
        arms[1].lower,
        arms[1].upper,
        deaths_t=np.zeros(int((died & treated).sum())),
        deaths_c=np.zeros(int((died & ~treated).sum())),
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
    estimate = Estimate(COMPOSITE, p=result.p, statistic=result.statistic)
    return Outcome(
        estimate, used, Beside(p_rank=result.p, p_min=result.p_min, delta=delta), (note,)
    )


def tipping_ratio(
    data: AnalyteData, treated: Bools, outcome: Outcome, options: CompareOptions
) -> float:
    """By which ratio the values of the dead would have to differ before significance is lost.

    Parameters
    ----------
    data : AnalyteData
    treated : ndarray of bool, shape (n,)
    outcome : Outcome
        Of the survivors' analysis of covariance.
    options : CompareOptions

    Returns
    -------
    float
        NaN where nobody died, nothing is significant, values are out of range, or the dead have
        no baseline.
    """
    from cytokit.stats.tipping import tipping_point

    died = data.subjects.died & ~data.day.present & data.base.present
    if (
        outcome.estimate.method not in (ANCOVA, ANCOVA_PER_ARM)
        or not outcome.estimate.p < options.alpha
        or not died.any()
    ):
        return NAN
    rows = outcome.used | died
    columns, _ = covariates(data.base.take(rows))
    arm = treated[rows]
    unseen_treated = bool((died & treated).any())
    values = np.where(outcome.used, data.day.lower, np.nan)[rows]
    shifted = "treated" if unseen_treated else "control"
    found = tipping_point(values, arm, columns, arm=shifted, alpha=options.alpha, seed=options.seed)
    return found.ratio
