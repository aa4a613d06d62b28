"""Strata of a design: who is compared with whom, and rank tests of two arms within them.

Subjects are compared with those of their own stratum alone. Models take the strata as indicators;
rank tests score each stratum by itself and permute labels within it (van Elteren 1960).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytokit.arrays import Bools, Floats, Ints
from cytokit.errors import Problem, UsageError, option_text
from cytokit.options import CompareOptions
from cytokit.trial.permutation import arrangements
from cytokit.trial.ranks import (
    NO_POWER,
    UNDECIDED,
    RankSum,
    enumerable,
    gehan_scores,
    no_test,
    sum_counts,
)
from cytokit.trial.study import Study

Labels = NDArray[np.str_]

NOT_USED = "strata_not_used"
ONE_SIDED = "no stratum holds both groups"
#: numbers with more levels than this are measured, and not the names of strata
MOST_NUMBERS = 10
#: with fewer subjects per number on average than this they are measured too, from _FEW levels on
_EACH, _FEW = 2, 5
#: sums of scores that are told apart
_DECIMALS = 9
#: most pairs of sums that are laid out when the strata's distributions are put together
_LARGEST = 4_000_000


def strata_of(labels: Labels, options: CompareOptions) -> Labels | None:
    """The strata of some subjects; None where there is one, or none are to be used."""
    return labels if options.strata and len(set(labels.tolist())) > 1 else None


def check_strata(study: Study, options: CompareOptions) -> None:
    """Refuse a stratum that is a measured number: it would take a coefficient for every value."""
    strata = study.subjects.drop_duplicates("subject")["stratum"]
    filled = [text for text in strata.tolist() if text]
    levels = sorted(set(filled))
    many = len(levels) > MOST_NUMBERS or (len(levels) > _FEW and len(filled) < _EACH * len(levels))
    if not options.strata or not many or not all(map(_is_number, levels)):
        return
    some = ", ".join([*levels[:3], "..."])
    what = (
        f"the stratum holds {len(levels)} different numbers ({some}) of {len(filled)} subjects: it "
        "is measured and would be a covariate, no stratum"
    )
    mend = (
        "give classes of it (under 50, 50 and over), or leave the stratum out: "
        f"{option_text('strata', False)}"
    )
    raise UsageError(Problem("CK-435", what, "the design's stratum", mend))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text.replace(",", ".")))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Stratum:
    """One stratum in a rank test."""

    rows: Ints
    scores: Ints
    weight: float


def by_stratum(lower: Floats, upper: Floats, strata: Labels) -> list[Stratum]:
    """The strata with their scores, in the order of their names."""
    found = []
    for name in sorted(set(strata.tolist())):
        rows = np.flatnonzero(strata == name)
        scores = gehan_scores(lower[rows], upper[rows])
        found.append(Stratum(rows, scores, 1.0 / (rows.size + 1)))
    return found


def stratified_scores(lower: Floats, upper: Floats, strata: Labels | None) -> Floats:
    """Gehan scores of each subject, within its stratum and weighted where there are strata."""
    if strata is None:
        return gehan_scores(lower, upper).astype(np.float64)
    scores = np.zeros(len(lower))
    for one in by_stratum(lower, upper, strata):
        scores[one.rows] = one.scores * one.weight
    return scores


def stratified_ranks(
    lower: Floats, upper: Floats, treated: Bools, strata: Labels, *, draws: int, seed: int
) -> RankSum:
    """Rank test of two arms within strata, for values in and out of range, permuted.

    Van Elteren's weighted sum of the strata's rank sums, with Gehan's scores so that intervals take
    part, referred to its distribution under all arrangements of the labels within strata. One
    stratum gives Gehan's test, and without intervals the exact rank-sum test.

    Van Elteren PH (1960) On the combination of independent two-sample tests of Wilcoxon.
    Bulletin of the International Statistical Institute 37:351-361.
    """
    every = by_stratum(lower, upper, strata)
    scores = stratified_scores(lower, upper, strata)
    observed = float(scores[treated].sum())
    both = [one for one in every if 0 < treated[one.rows].sum() < one.rows.size]
    if not both:
        return no_test(observed, ONE_SIDED)
    if not any(np.ptp(one.scores) for one in both):
        return no_test(observed, UNDECIDED)
    sizes = [int(treated[one.rows].sum()) for one in both]
    least = abs(observed) - 10.0**-_DECIMALS
    law = _distribution(both, sizes)
    if law is not None:
        size, chance = np.abs(law[0]), law[1]
        p_min = float(chance[size >= size.max() - 10.0**-_DECIMALS].sum())
        p = min(1.0, float(chance[size >= least].sum()))
        return RankSum(observed, p, True, p_min, NO_POWER if p_min >= 1 - 1e-12 else "")
    codes = np.unique(strata, return_inverse=True)[1].astype(np.int64)
    plan = arrangements(treated, codes, draws=draws, seed=seed, limit=0)
    beyond = sum(int((np.abs(block @ scores) >= least).sum()) for block in plan.labels())
    return RankSum(observed, beyond / plan.visited, False, 1 / plan.visited, "", draws, seed)


def stratified_delta(lower: Floats, upper: Floats, treated: Bools, strata: Labels) -> float:
    """Cliff's delta of pairs within strata, weighted as the rank test weights them."""
    found = total = 0.0
    for one in by_stratum(lower, upper, strata):
        arm = treated[one.rows]
        # scores add up what each treated exceeds less what exceeds it: among themselves, nothing
        found += one.weight * float(one.scores[arm].sum())
        total += one.weight * float(arm.sum() * (~arm).sum())
    return found / total if total else math.nan


def _distribution(strata: Sequence[Stratum], sizes: Sequence[int]) -> tuple[Floats, Floats] | None:
    """Every sum of weighted scores and its probability; None where there are too many."""
    sums: Floats = np.zeros(1)
    chance: Floats = np.ones(1)
    for one, size in zip(strata, sizes, strict=True):
        if not enumerable(one.scores, size):
            return None
        least = int(one.scores.min())
        counts = sum_counts(one.scores - least, size)
        there = np.flatnonzero(counts)
        if sums.size * there.size > _LARGEST:
            return None
        here = (there + size * least) * one.weight
        every: Floats = np.round(np.add.outer(sums, here).ravel(), _DECIMALS)
        weight = np.multiply.outer(chance, counts[there] / counts.sum()).ravel()
        sums, place = np.unique(every, return_inverse=True)
        chance = np.asarray(np.bincount(place, weights=weight), dtype=np.float64)
    return sums, chance


def stratified_shift(
    values: Floats, treated: Bools, strata: Labels, level: float
) -> tuple[float, float, float]:
    """The shift between two arms that the rank test within strata estimates, with its limits.

    The weighted median of the differences between a treated and a control subject of one stratum,
    and the shifts that the test does not reject (Hodges and Lehmann 1963). The limits are those of
    values without ties; with ties they hold the level at least (Noether 1967).

    Noether GE (1967) Wilcoxon confidence intervals for location parameters in the discrete case.
    Journal of the American Statistical Association 62:184-188.
    """
    parts: list[tuple[Floats, float]] = []
    untied: list[Stratum] = []
    sizes: list[int] = []
    for name in sorted(set(strata.tolist())):
        here = strata == name
        x, y = values[here & treated], values[here & ~treated]
        if x.size and y.size:
            n = x.size + y.size
            parts.append((np.subtract.outer(x, y).ravel(), 1.0 / (n + 1)))
            # twice the ranks less their mean, as for values that all differ
            ranks = 2 * np.arange(n, dtype=np.int64) - (n - 1)
            untied.append(Stratum(np.arange(n, dtype=np.int64), ranks, 1.0 / (n + 1)))
            sizes.append(int(x.size))
    if not parts:
        return math.nan, math.nan, math.nan
    differences = np.concatenate([found for found, _ in parts])
    weights = np.concatenate([np.full(found.size, weight) for found, weight in parts])
    order = np.argsort(differences)
    differences, reached = differences[order], np.cumsum(weights[order])
    total, room = float(reached[-1]), 10.0**-_DECIMALS
    first = int(np.searchsorted(reached, total / 2 - room))
    last = int(np.searchsorted(reached, total / 2 + room))
    estimate = float(differences[first] + differences[last]) / 2
    law = _distribution(untied, sizes)
    if law is None:
        return estimate, math.nan, math.nan
    # twice the weight of the pairs in which treated exceeds control, less its mean, is the sum
    least = _quantile(*law, (1 - level) / 2) / 2 + total / 2
    if least <= room:
        return estimate, -math.inf, math.inf
    low = differences[int(np.searchsorted(reached, least - room))]
    high = differences[int(np.searchsorted(reached, total - least + room, side="right"))]
    return estimate, float(low), float(high)


def _quantile(sums: Floats, chance: Floats, tail: float) -> float:
    """The smallest sum at or below which more than the tail lies."""
    return float(sums[int(np.searchsorted(np.cumsum(chance), tail * (1 - 1e-12)))])
