"""What always stands beside the primary comparison of two arms: ranks and effect sizes."""

from __future__ import annotations

import numpy as np

from cytokit.stats import effects, ranks
from cytokit.stats.cells import Bools, Cells, Floats
from cytokit.stats.estimate import NAN
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside
from cytokit.stats.rules import fisher_detectable
from cytokit.stats.strata import (
    Labels,
    strata_of,
    stratified_delta,
    stratified_ranks,
    stratified_shift,
)


def beside_arms(
    day: Cells, treated: Bools, options: CompareOptions, strata: Labels | None = None
) -> Beside:
    """Rank test, Hodges-Lehmann, effect sizes and Fisher of all values present.

    Ranks, Hodges-Lehmann and Cliff's delta compare within strata, Hedges' g and Fisher's do not.

    Parameters
    ----------
    day : Cells
        Values at the tested day, absent ones allowed.
    treated : ndarray of bool, shape (n,)
    options : CompareOptions
    strata : ndarray of str, shape (n,), optional
        To compare within, where the options want it.

    Returns
    -------
    Beside
    """
    present = day.present
    cells, arm = day.take(present), treated[present]
    t, c = cells.take(arm), cells.take(~arm)
    if not arm.any() or arm.all():
        return Beside()
    within = None if strata is None else strata_of(strata[present], options)
    delta = (
        effects.cliffs_delta(t.lower, t.upper, c.lower, c.upper)
        if within is None
        else stratified_delta(cells.lower, cells.upper, arm, within)
    )
    seeded = {"seed": options.seed, "draws": options.draws}
    if not cells.exact.all():
        test = (
            ranks.gehan(t.lower, t.upper, c.lower, c.upper, **seeded)
            if within is None
            else stratified_ranks(cells.lower, cells.upper, arm, within, **seeded)
        )
        p_fisher = fisher_detectable(cells, arm)
        return Beside(p_rank=test.p, p_min=test.p_min, delta=delta, p_fisher=p_fisher, used=present)
    if within is None:
        test = ranks.rank_sum(_rounded(t.lower), _rounded(c.lower))
        hl, hl_low, hl_high = ranks.hodges_lehmann(t.lower, c.lower, options.level)
    else:
        values = _rounded(cells.lower)
        test = stratified_ranks(values, values, arm, within, **seeded)
        hl, hl_low, hl_high = stratified_shift(cells.lower, arm, within, options.level)
    if not (np.isfinite(hl_low) and np.isfinite(hl_high)):
        # where the arms are too small for the level the ends are infinite: that is no interval
        hl_low = hl_high = NAN
    return Beside(
        p_rank=test.p,
        p_min=test.p_min,
        hl=hl,
        hl_low=hl_low,
        hl_high=hl_high,
        hedges_g=effects.hedges_g(t.lower, c.lower),
        delta=delta,
        used=present,
    )


def _rounded(values: Floats) -> Floats:
    """Rounded before ranking, so that equal values stay equal whatever the order of sums."""
    return np.round(values, 10)
