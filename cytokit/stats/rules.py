"""The censoring rule table: which analysis the values out of range allow.

============================================  ==================================================
out of range at the tested day                what is done
============================================  ==================================================
none                                          the analysis asked for
up to 50 %, at least 2 in range in every arm  log-normal Tobit, rank test beside
up to 80 %                                    rank test and Fisher on % detectable, no ratio
over 80 %, or under 3 in range in all         not analysed, Fisher on % detectable
============================================  ==================================================

Whether an analyte is analysed at all depends on the arms together, never on one of them: few
values in range in one arm alone is what an effect looks like. Leaving such trials out takes away
the strongest effects, and of the trials without an effect the most lopsided ones, so that the
error of those that remain is far from its level (``docs/statistics.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from cytokit.stats.cells import Cells

Bools = NDArray[np.bool_]

TOBIT_LIMIT = 0.5
RANK_LIMIT = 0.8
IN_RANGE_NEEDED = 3
#: in each arm, for a model with a spread
IN_RANGE_PER_ARM = 2


class Analysis(StrEnum):
    """What the values allow."""

    NUMBERS = "numbers"
    TOBIT = "tobit"
    RANKS = "ranks"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done, and why nothing more."""

    analysis: Analysis
    reason: str = ""


def choose(exact: Bools, arms: dict[str, Bools]) -> Rule:
    """The row of the rule table that the values fall into.

    Parameters
    ----------
    exact : ndarray of bool, shape (n,)
        Which of the values present are numbers.
    arms : dict of str to ndarray of bool, shape (n,)
        The members of each arm; everybody is in one.

    Returns
    -------
    Rule

    Examples
    --------
    >>> both = {"t": np.arange(10) < 5, "c": np.arange(10) >= 5}
    >>> choose(np.arange(10) % 5 > 0, both).analysis
    <Analysis.TOBIT: 'tobit'>
    """
    for arm, members in arms.items():
        n = int(members.sum())
        if n < 2:
            counted = f"{n} subject{'s' * (n != 1)}"
            return Rule(Analysis.NONE, f"{counted} with a value in {arm}, 2 are needed")
    outside = int((~exact).sum())
    if outside == 0:
        return Rule(Analysis.NUMBERS)
    share = outside / len(exact)
    percent = f"{100 * share:.0f} % of the values out of range"
    if share > RANK_LIMIT:
        return Rule(Analysis.NONE, percent)
    if exact.sum() < IN_RANGE_NEEDED:
        return Rule(Analysis.NONE, f"{percent}, {exact.sum()} in range: 3 are needed")
    if share > TOBIT_LIMIT:
        return Rule(Analysis.RANKS, percent)
    for arm, members in arms.items():
        in_range = int((exact & members).sum())
        if in_range < IN_RANGE_PER_ARM:
            few = f"{in_range} in range in {arm}: too few to model"
            return Rule(Analysis.RANKS, f"{percent}, {few}")
    return Rule(Analysis.TOBIT, percent)


def fisher_detectable(day: Cells, treated: Bools) -> float:
    """Fisher's exact test on % detectable (or, where more are above, on % above the limit).

    Parameters
    ----------
    day : Cells
        Values present, one per subject.
    treated : ndarray of bool, shape (n,)

    Returns
    -------
    float
        p; NaN where every value is in range or an arm is empty.
    """
    from cytokit.stats.detectability import fisher

    outside = day.below if day.below.sum() >= day.above.sum() else day.above
    if not outside.any():
        return float("nan")
    counts = [(int((~outside & arm).sum()), int(arm.sum())) for arm in (treated, ~treated)]
    return fisher(*counts[0], *counts[1])
