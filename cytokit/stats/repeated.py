"""Three or more days: a mixed model of all of them, the groups equal at baseline by design.

The constrained longitudinal model (Liang and Zeger 2000): a mean per day, a group effect on every
day but the baseline, a mean per day of each stratum, a free covariance over the days; Kenward and
Roger's degrees of freedom. With two days it gives the ANCOVA's estimate, with more it uses what the
other days know of the missing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytokit.stats.beside import beside_arms
from cytokit.stats.cells import AnalyteData, Bools, Floats
from cytokit.stats.estimate import wald
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Outcome, not_analysed
from cytokit.stats.strata import Labels, strata_of

METHOD = "mixed model"


def compare_repeated(
    data: AnalyteData,
    treated: Bools,
    baseline: int,
    tested: int,
    options: CompareOptions,
) -> Outcome:
    """The group effect at the tested day.

    Parameters
    ----------
    data : AnalyteData
        The subjects of both arms.
    treated : ndarray of bool, shape (n,)
    baseline, tested : int
        Positions of the two days among ``data.visits``.
    options : CompareOptions

    Returns
    -------
    Outcome
    """
    from cytokit.stats.mixed import mixed_model

    visits = data.visits
    present = np.column_stack([cells.present for cells in visits])
    exact = np.column_stack([cells.exact for cells in visits])
    used = np.asarray(present.any(axis=1))
    outside = int((present & ~exact).sum())
    if outside:
        reason = f"{outside} values out of range on the days of the mixed model"
        return not_analysed(reason, used)
    if min((present[:, tested] & arm).sum() for arm in (treated, ~treated)) < 2:
        return not_analysed("fewer than 2 values in a group on the tested day", used)
    values = np.column_stack([cells.lower for cells in visits])
    who, when = np.nonzero(present)
    shown = [visit for visit in range(len(visits)) if present[:, visit].any()]
    means = [(when == visit).astype(float) for visit in shown]
    after = [visit for visit in shown if visit != baseline]
    effects = [((when == visit) & treated[who]).astype(float) for visit in after]
    means += _of_strata(strata_of(data.subjects.stratum, options), who, when)
    contrast = np.zeros(len(means) + len(effects))
    contrast[len(means) + after.index(tested)] = 1.0
    design = np.column_stack([*means, *effects])
    notes: list[tuple[str, str]] = []
    fitted = mixed_model(
        values[who, when], who, design, contrast, visit=when, covariance="unstructured"
    )
    if not fitted.converged:
        notes.append(("other_method", f"random intercept per subject: {fitted.reason}"))
        fitted = mixed_model(values[who, when], who, design, contrast)
    if not fitted.converged:
        return not_analysed(fitted.reason, used)
    beside = beside_arms(data.day, treated, options, data.subjects.stratum)
    estimate = wald(METHOD, fitted.estimate, fitted.se, fitted.df, options.level)
    return Outcome(estimate, used, beside, tuple(notes))


def _of_strata(
    strata: Labels | None, who: NDArray[np.int64], when: NDArray[np.int64]
) -> list[Floats]:
    """An indicator per day and stratum, less one stratum of those that have values on the day."""
    if strata is None:
        return []
    found = []
    for visit in range(int(when.max()) + 1):
        here = when == visit
        levels = sorted(set(strata[who[here]].tolist()))
        found += [(here & (strata[who] == level)).astype(float) for level in levels[1:]]
    return found
