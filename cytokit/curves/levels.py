"""Error of the standards' own concentrations: what pipetting does to a whole level.

The wells of a level share one tube: if it was pipetted a little wrong they are off together, by a
factor on the concentration. How much levels err is estimated for the plate, from how far level
means lie off their curves beyond what replicates explain, and the curves' uncertainty carries it.
An error per dilution step that a user declares comes on top; it is carried down the series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cytokit.curves.model import Array
from cytokit.curves.weights import Bounds, Scatter, VarianceModel

#: where a plate says nothing: levels err by 1 %, give or take a factor of three
LEVEL_SD, LEVEL_SPREAD = 0.01, 1.0
_STEPS = 25


def fit_level_error(
    misfit: Scatter,
    noise: VarianceModel,
    pull: Array,
    plate: NDArray[np.intp],
) -> Array:
    """Sd of the levels' ln concentrations on each curve's plate.

    All analytes of a level come from the same tube, so that a plate of fifty analytes knows no
    more of its levels than one: their evidence is averaged, not summed.

    Parameters
    ----------
    misfit : Scatter
        Levels x curves: squares of level means about the curve; ``known`` without this error.
    noise : VarianceModel
    pull : (n, N) array
        Variance per unit of squared error: wells x slope^2 of the curve over ln x.
    plate : (N,) array of int

    Returns
    -------
    (N,) array
    """
    base = noise.variance(misfit.mean) + misfit.known
    out = np.empty(len(plate))
    for number in np.unique(plate):
        members = np.flatnonzero(plate == number)
        columns = misfit.take(members)
        out[members] = _one_plate(columns, base[:, members], pull[:, members])
    return out


def _one_plate(misfit: Scatter, base: Array, pull: Array) -> float:
    """Fisher scoring for the one ln sd of a plate."""
    centre, precision = np.log(LEVEL_SD), 1.0 / LEVEL_SPREAD**2
    phi = centre
    bounds = Bounds.of(misfit.df)
    for _ in range(_STEPS):
        own = pull * np.exp(2 * phi)
        total = base + own
        u = 2 * own / total
        excess = bounds.excess(misfit.ss / total)
        score = 0.5 * _average((excess * u).sum(0)) + precision * (centre - phi)
        information = 0.5 * _average((misfit.df * u * u).sum(0)) + precision
        step = float(np.clip(score / information, -0.7, 0.7))
        phi += step
        if abs(step) < 1e-10:
            break
    return float(np.exp(phi))


def _average(values: Array) -> float:
    """Mean over the analytes; sorted first, so that their order changes no bit."""
    return float(np.sort(values).mean())
