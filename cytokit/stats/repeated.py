"""Three or more days: a mixed model of all of them, the groups equal at baseline by design.

The constrained longitudinal model (Liang and Zeger 2000): a mean per day, a group effect on every
day but the baseline, a mean per day of each stratum, a covariance over the days; Kenward and
Roger's degrees of freedom. With two days it gives the ANCOVA's estimate, with more it uses what the
other days know of the missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cytokit.stats.beside import beside_arms
from cytokit.stats.cells import AnalyteData, Bools, Floats
from cytokit.stats.estimate import wald
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Outcome, not_analysed
from cytokit.stats.strata import Labels, strata_of
from cytokit.tables.days import Day

if TYPE_CHECKING:
    from cytokit.stats.mixed import MixedModel

Ints = NDArray[np.int64]

#: the label of a row's method, by the covariance over the days
METHODS = {
    "unstructured": "mixed model (unstructured)",
    "compound": "mixed model (compound symmetry)",
}
#: so many subjects are needed for each variance or covariance of an unstructured matrix
SUBJECTS_PER_COMPONENT = 2
# with so many days or fewer both covariances are the same matrix: there is one other day
_SAME = 3


@dataclass(frozen=True, slots=True)
class Visits:
    """The days of a mixed model, and where baseline and tested day stand among them."""

    baseline: int
    tested: int
    days: tuple[Day, ...]


def find_visits(days: Sequence[Day], baseline: Day | None, tested: Sequence[Day]) -> Visits | None:
    """The days of a mixed model: all of a study, where there are more than two and one is tested.

    Examples
    --------
    >>> find_visits([0, 3, 6], 0, [6])
    Visits(baseline=0, tested=2, days=(0, 3, 6))
    """
    if baseline is None or len(tested) != 1 or len(days) < 3:
        return None
    return Visits(days.index(baseline), days.index(tested[0]), tuple(days))


def covariance_of(days: int, subjects: int) -> str:
    """Which covariance over the days so many subjects can carry.

    Parameters
    ----------
    days, subjects : int

    Returns
    -------
    str
        ``unstructured`` where its days (days + 1) / 2 variances and covariances have at least two
        subjects each, and at three days, where the other is the same matrix; else ``compound``.

    Examples
    --------
    >>> [covariance_of(days, 24) for days in (3, 4, 5, 21)]
    ['unstructured', 'unstructured', 'compound', 'compound']
    """
    enough = SUBJECTS_PER_COMPONENT * days * (days + 1) // 2 <= subjects
    return "unstructured" if days <= _SAME or enough else "compound"


def compare_repeated(
    data: AnalyteData, treated: Bools, visits: Visits, options: CompareOptions
) -> Outcome:
    """The group effect at the tested day.

    Parameters
    ----------
    data : AnalyteData
        The subjects of both arms.
    treated : ndarray of bool, shape (n,)
    visits : Visits
    options : CompareOptions

    Returns
    -------
    Outcome
    """
    present = np.column_stack([cells.present for cells in data.visits])
    exact = np.column_stack([cells.exact for cells in data.visits])
    compared = [visits.baseline, visits.tested]
    outside = (present & ~exact).sum(axis=0)
    used = np.asarray(present.any(axis=1))
    if outside[compared].any():
        many = int(outside[compared].sum())
        reason = f"{many} value{'s' * (many != 1)} out of range at baseline or the tested day"
        return not_analysed(reason, used)
    notes = _set_aside(visits.days, outside)
    present = present & (outside == 0)
    used = np.asarray(present.any(axis=1))
    if min((present[:, visits.tested] & arm).sum() for arm in (treated, ~treated)) < 2:
        reason = "fewer than 2 values in a group on the tested day"
        return not_analysed(reason, used, notes=notes)
    values = np.column_stack([cells.lower for cells in data.visits])
    who, when = np.nonzero(present)
    strata = strata_of(data.subjects.stratum, options)
    design, contrast = _design(who, when, treated, strata, visits)
    alone = np.intersect1d(when, compared)
    model = _Model(values[who, when], who, when, design, contrast, alone)
    covariance, fitted, more = _fit(model)
    notes += more
    if not fitted.converged:
        return not_analysed(fitted.reason, used, notes=notes)
    beside = beside_arms(data.day, treated, options, data.subjects.stratum)
    estimate = wald(METHODS[covariance], fitted.estimate, fitted.se, fitted.df, options.level)
    return Outcome(estimate, used, beside, tuple(notes))


def _set_aside(days: Sequence[Day], outside: Ints) -> list[tuple[str, str]]:
    """The note on days that are not compared and hold values out of range."""
    named = [
        f"day {day} ({many} value{'s' * (many != 1)} out of range)"
        for day, many in zip(days, outside.tolist(), strict=True)
        if many
    ]
    return [("day_set_aside", ", ".join(named))] if named else []


@dataclass(frozen=True, slots=True)
class _Model:
    """The values in long form, the design and the contrast; the days whose covariance is free."""

    y: Floats
    who: Ints
    when: Ints
    design: Floats
    contrast: Floats
    alone: Ints


def _design(
    who: Ints, when: Ints, treated: Bools, strata: Labels | None, visits: Visits
) -> tuple[Floats, Floats]:
    """A mean per day and of its strata, a group effect per day but the baseline; the contrast.

    A day that is not compared has no effect where its means hold it already: one group alone was
    measured there, or the strata tell the groups apart.
    """
    shown = np.unique(when).tolist()
    means = [(when == visit).astype(float) for visit in shown]
    means += _of_strata(strata, who, when)
    effects: dict[int, Floats] = {}
    for visit in shown:
        here = when == visit
        effect = (here & treated[who]).astype(float)
        without = np.column_stack(means)[here]
        rank = np.linalg.matrix_rank(np.column_stack([without, effect[here]]))
        own = rank > np.linalg.matrix_rank(without)
        if visit == visits.tested or (own and visit != visits.baseline):
            effects[visit] = effect
    contrast = np.zeros(len(means) + len(effects))
    contrast[len(means) + list(effects).index(visits.tested)] = 1.0
    return np.column_stack([*means, *effects.values()]), contrast


def _of_strata(strata: Labels | None, who: Ints, when: Ints) -> list[Floats]:
    """An indicator per day and stratum, less one stratum of those that have values on the day."""
    if strata is None:
        return []
    found = []
    for visit in range(int(when.max()) + 1):
        here = when == visit
        levels = sorted(set(strata[who[here]].tolist()))
        found += [(here & (strata[who] == level)).astype(float) for level in levels[1:]]
    return found


def _fit(model: _Model) -> tuple[str, MixedModel, list[tuple[str, str]]]:
    """The covariance, the fit, and a note where another covariance was meant.

    A random intercept would be the last resort, but where values of distant days have less in
    common than those of near ones its level is far off: it is not used.
    """
    from cytokit.stats.mixed import mixed_model

    def fitted(covariance: str) -> MixedModel:
        return mixed_model(
            model.y,
            model.who,
            model.design,
            model.contrast,
            visit=model.when,
            covariance=covariance,
            alone=model.alone if covariance == "compound" else (),
        )

    days = np.unique(model.when).size
    first = covariance_of(days, np.unique(model.who).size)
    found = fitted(first)
    if found.converged or first == "compound" or days <= _SAME:
        return first, found, []
    why = f"{METHODS['compound']}: {found.reason}"
    return "compound", fitted("compound"), [("other_method", why)]
