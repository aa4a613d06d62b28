"""What always stands beside the primary comparison of two arms: ranks and effect sizes."""

from __future__ import annotations

import numpy as np

from cytokit.stats import effects, ranks
from cytokit.stats.cells import Bools, Cells, Floats
from cytokit.stats.options import CompareOptions
from cytokit.stats.outcome import Beside
from cytokit.stats.rules import fisher_detectable


def beside_arms(day: Cells, treated: Bools, options: CompareOptions) -> Beside:
    """Rank test, Hodges-Lehmann, effect sizes and Fisher of all values present.

    Parameters
    ----------
    day : Cells
        Values at the tested day, absent ones allowed.
    treated : ndarray of bool, shape (n,)
    options : CompareOptions

    Returns
    -------
    Beside
    """
    present = day.present
    cells, arm = day.take(present), treated[present]
    t, c = cells.take(arm), cells.take(~arm)
    if not arm.any() or arm.all():
        return Beside()
    delta = effects.cliffs_delta(t.lower, t.upper, c.lower, c.upper)
    if not cells.exact.all():
        seeded = {"seed": options.seed, "draws": options.draws}
        test = ranks.gehan(t.lower, t.upper, c.lower, c.upper, **seeded)
        p_fisher = fisher_detectable(cells, arm)
        return Beside(p_rank=test.p, p_min=test.p_min, delta=delta, p_fisher=p_fisher, used=present)
    x, y = _rounded(t.lower), _rounded(c.lower)
    test = ranks.rank_sum(x, y)
    shift = ranks.hodges_lehmann(t.lower, c.lower, options.level)
    return Beside(
        p_rank=test.p,
        p_min=test.p_min,
        hl=shift.estimate,
        hl_low=shift.low,
        hl_high=shift.high,
        hedges_g=effects.hedges_g(t.lower, c.lower),
        delta=delta,
        used=present,
    )


def _rounded(values: Floats) -> Floats:
    """Rounded before ranking, so that equal values stay equal whatever the order of sums."""
    return np.round(values, 10)
