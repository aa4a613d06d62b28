"""One contrast of one analyte: which analysis it gets, with all that belongs to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cytokit.stats import groups, pairs
from cytokit.stats.cells import AnalyteData, Bools
from cytokit.stats.contrasts import Contrast, Kind
from cytokit.stats.deaths import compare_composite, with_tipping
from cytokit.stats.estimate import Estimate
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Outcome
from cytokit.stats.propagate import propagated
from cytokit.stats.repeated import Visits, compare_repeated
from cytokit.stats.strata import strata_of


def analyse(
    contrast: Contrast, data: AnalyteData, visits: Visits | None, options: CompareOptions
) -> Outcome | None:
    """Analyse one contrast of one analyte.

    Parameters
    ----------
    contrast : Contrast
    data : AnalyteData
        The subjects of the contrast's arms.
    visits : Visits, optional
        Where the study has more days than two.
    options : CompareOptions

    Returns
    -------
    Outcome or None
        None where the contrast does not apply to these data.
    """
    treated = data.subjects.group == contrast.treated
    outcome = _by_kind(contrast, data, treated, visits, options)
    if outcome is None:
        return None
    if options.propagate and contrast.kind in (Kind.BETWEEN, Kind.CHANGE, Kind.WITHIN):
        outcome = _propagated(contrast, data, treated, outcome, options)
    notes = (*outcome.notes, *_said(contrast, data))
    return replace(outcome, notes=notes)


def _by_kind(
    contrast: Contrast,
    data: AnalyteData,
    treated: Bools,
    visits: Visits | None,
    options: CompareOptions,
) -> Outcome | None:
    """The analysis that the contrast's kind calls for."""
    names = (contrast.treated, contrast.control)
    mixed = contrast.kind is Kind.MIXED or (
        contrast.kind is Kind.BETWEEN and options.between == "mixed"
    )
    if mixed and visits is not None:
        return compare_repeated(data, treated, visits, options)
    if contrast.kind is Kind.BETWEEN:
        outcome = groups.compare_arms(data, treated, names, options)
        return with_tipping(data, treated, outcome, options)
    if contrast.kind is Kind.CHANGE:
        return groups.compare_changes(data, treated, names, options)
    if contrast.kind is Kind.WITHIN:
        return pairs.compare_days(data, contrast.arms[0], options)
    return compare_composite(data, treated, options)


def _propagated(
    contrast: Contrast, data: AnalyteData, treated: Bools, outcome: Outcome, options: CompareOptions
) -> Outcome:
    """The same contrast with the assay's uncertainty carried into it."""
    names = (contrast.treated, contrast.control)
    used = outcome.used

    def again(drawn: AnalyteData) -> Estimate:
        if contrast.kind is Kind.WITHIN:
            base, day = drawn.base.take(used), drawn.day.take(used)
            return pairs.within(base, day, contrast.arms[0], options)[0]
        if contrast.kind is Kind.CHANGE or options.between == "change":
            mine = drawn.take(used)
            strata = strata_of(mine.subjects.stratum, options)
            return groups.changes(mine.base, mine.day, treated[used], names, options.level, strata)[
                0
            ]
        return groups.primary(drawn, treated, names, options)[0]

    return propagated(
        data, data.subjects.group, outcome, again, seed=options.seed, level=options.level
    )


def _said(contrast: Contrast, data: AnalyteData) -> list[tuple[str, str]]:
    """What must be said of deaths and of numbers put in the place of values."""
    notes = []
    died = int((data.subjects.died & ~data.day.present).sum())
    if died and contrast.kind is not Kind.WORST_RANK:
        notes.append(("deaths", f"{died} died before the day; survivors with a sample"))
    put_in = data.day.substituted
    if contrast.kind is not Kind.BETWEEN:
        put_in = put_in | data.base.substituted
    if np.any(put_in):
        notes.append(("substituted", f"{int(put_in.sum())} subjects with numbers put in"))
    return notes
