"""Westfall-Young maxT for the declared families: whole subjects permuted, or their signs flipped.

Each analyte enters with what its own analysis uses: ln concentrations with their baseline, changes,
or Gehan scores where values are out of range. The permutation keeps a subject's analytes together,
so that the adjustment knows how they are correlated. Where the arms get a spread each
(:func:`cytokit.stats.models.spread_per_arm`) signs are flipped between groups as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cytokit.stats.arm_flips import arm_flip_max_t
from cytokit.stats.between import ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM
from cytokit.stats.cells import Bools, Floats
from cytokit.stats.change_profile import METHOD as BIVARIATE
from cytokit.stats.groups import WITHOUT_STRATA
from cytokit.stats.models import TOBIT, TOBIT_COMMON, covariates, spread_per_arm
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import finite
from cytokit.stats.rows import Record
from cytokit.stats.sign_flips import sign_flip_max_t
from cytokit.stats.strata import Labels, strata_of, stratified_scores

Permuted = dict[tuple[str, int], tuple[float, int | None]]

_OF_NUMBERS = (ANCOVA, ANCOVA_PER_ARM, LINEAR, LINEAR_PER_ARM, "Welch")
#: scores of ranks have one spread by nature; the analysis of covariance takes strata as factors
_STATISTIC = {"ancova": "ancova", "ranks": "student"}
_ADJUSTED = (ANCOVA, ANCOVA_PER_ARM, TOBIT, TOBIT_COMMON)


def permuted_p(records: Sequence[Record], options: CompareOptions) -> Permuted:
    """Adjusted p of every test of a family.

    Parameters
    ----------
    records : sequence of Record
        All contrasts of all analytes, in the order of the table.
    options : CompareOptions

    Returns
    -------
    dict
        (family, position among the family's rows) -> adjusted p, and the seed where arrangements
        were drawn and not enumerated.
    """
    found: Permuted = {}
    for family in dict.fromkeys(record.contrast.family for record in records):
        mine = [record for record in records if record.contrast.family == family]
        if not family:
            continue
        adjusted, seed = (_between if family == "F1" else _within)(mine, options)
        found |= {(family, at): (float(p), seed) for at, p in enumerate(adjusted)}
    return found


def _between(records: Sequence[Record], options: CompareOptions) -> tuple[Floats, int | None]:
    """Labels of whole subjects permuted within strata, or their signs flipped within arms."""
    from cytokit.stats.westfall_young import max_t

    first = records[0]
    subjects = first.data.subjects
    treated = subjects.group == first.contrast.treated
    strata = strata_of(subjects.stratum, options)
    columns = [_between_column(record, strata) for record in records]
    values = np.column_stack([value for value, _ in columns])
    adjusting = options.between == "ancova"
    baseline = np.column_stack([base for _, base in columns]) if adjusting else None
    draws, seed = options.draws, options.seed
    if flips_signs(treated, options):
        return arm_flip_max_t(
            values, treated, baseline=baseline, strata=strata, draws=draws, seed=seed
        )
    statistic = _STATISTIC.get(options.between, "welch" if strata is None else "ancova")
    result = max_t(
        values,
        treated,
        baseline=baseline,
        strata=strata,
        statistic=statistic,
        draws=draws,
        seed=seed,
    )
    return result.p_adjusted, result.seed


def flips_signs(treated: Bools, options: CompareOptions) -> bool:
    """Whether groups are compared by signs flipped within them, and not by labels permuted.

    Parameters
    ----------
    treated : ndarray of bool, shape (n,)
        The subjects of both groups.
    options : CompareOptions

    Returns
    -------
    bool
        True where each group has a spread of its own; the rank-sum test has none.
    """
    return options.between != "ranks" and spread_per_arm(treated, options)


def _between_column(record: Record, strata: Labels | None) -> tuple[Floats, Floats]:
    """An analyte's values and baselines, NaN for subjects its analysis did not use."""
    data, outcome = record.data, record.outcome
    nothing = np.full(len(outcome.used), np.nan)
    if not finite(outcome.estimate.p):
        return nothing, nothing
    used = outcome.used
    value, base = nothing.copy(), np.where(used, 0.0, np.nan)
    day = data.day.take(used)
    method = outcome.estimate.method
    if "change" in method or method in (BIVARIATE, WITHOUT_STRATA):
        value[used] = _changes(record, used)
    elif method in _OF_NUMBERS:
        value[used] = day.lower
    else:
        within = None if strata is None else strata[used]
        value[used] = stratified_scores(day.lower, day.upper, within)
    if method in _ADJUSTED and data.base.present[used].all():
        base[used] = covariates(data.base.take(used))[0][:, 0]
    return value, base


def _within(records: Sequence[Record], options: CompareOptions) -> tuple[Floats, int | None]:
    """Signs of whole subjects flipped."""
    columns = []
    for record in records:
        column = np.full(len(record.outcome.used), np.nan)
        if finite(record.outcome.estimate.p):
            used = record.outcome.used
            column[used] = _changes(record, used)
            if record.outcome.estimate.method == "signed-rank":
                column[used] = _signed_ranks(column[used])
        columns.append(column)
    return sign_flip_max_t(np.column_stack(columns), draws=options.draws, seed=options.seed)


def _changes(record: Record, used: Bools) -> Floats:
    """Ln day - ln baseline; where any is out of range, the direction of each that is known."""
    base, day = record.data.base.take(used), record.data.day.take(used)
    if (base.exact & day.exact).all():
        return np.asarray(day.lower - base.lower)
    up, down = day.lower >= base.upper, day.upper <= base.lower
    return up.astype(np.float64) - down.astype(np.float64)


def _signed_ranks(changes: Floats) -> Floats:
    """Signed midranks of the changes that are not zero."""
    from scipy.stats import rankdata

    rounded = np.round(changes, 10)
    ranks = rankdata(np.where(rounded == 0, -1.0, np.abs(rounded))) - (rounded == 0).sum()
    return np.asarray(np.where(rounded == 0, 0.0, np.sign(rounded) * ranks))
