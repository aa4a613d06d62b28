"""One weighted fit of every curve, dilution series by dilution series."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cytokit.curves.batch import fit_batch
from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.prior import Prior, weak_prior
from cytokit.curves.wells import StandardWells
from cytokit.curves.wide import follow_outside

#: theta of a curve that could not be fitted
NEUTRAL = np.array([[-2.0], [-1.0], [0.0]])


@dataclass(frozen=True, slots=True)
class Solution:
    """One round's solution, before its uncertainty."""

    theta: Array
    lower: Array
    upper: Array
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]


def default_prior(wells: StandardWells, options: FitOptions) -> Prior:
    """The weak prior of each curve, or one that says nothing."""
    size = wells.x.shape[1]
    mean, precision = np.zeros((3, size)), np.zeros((3, size))
    if options.prior != "none":
        for members in _designs(wells):
            design = weak_prior(np.exp(_design_log_x(wells, members)))
            mean[:, members], precision[:, members] = design.mean, design.precision
    return Prior(mean, precision)


def _designs(wells: StandardWells) -> list[NDArray[np.intp]]:
    """Curves that share a dilution series up to a factor, and the number of parameters."""
    keys = [
        (bool(four), tuple(np.round(column, 10)))
        for four, column in zip(wells.four, wells.log_x.T, strict=True)
    ]
    groups: dict[tuple[bool, tuple[float, ...]], list[int]] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, []).append(number)
    return [np.array(members) for members in groups.values()]


def _design_log_x(wells: StandardWells, members: NDArray[np.intp]) -> Array:
    """The shared levels of one design, blanks at X_ZERO."""
    return np.round(wells.log_x[:, members[0]], 10)


def solve(
    wells: StandardWells,
    y: Array,
    weight: Array,
    orientation: NDArray[np.int64],
    prior: Prior,
    start: Array | None,
) -> Solution:
    """One weighted fit of every curve, batch by batch."""
    total = weight.sum(1)
    mean = (weight * y).sum(1) / np.where(total > 0, total, 1.0)
    size = y.shape[2]
    theta, plateaus = np.empty((3, size)), np.empty((2, size))
    converged, at_bound = np.empty(size, dtype=bool), np.empty((3, size), dtype=bool)
    for design in _designs(wells):
        x = np.exp(_design_log_x(wells, design))
        for sign in (1, -1):
            members = design[orientation[design] == sign]
            if len(members) == 0:
                continue
            fit = fit_batch(
                x,
                mean[:, members],
                total[:, members],
                orientation=sign,
                prior=Prior(prior.mean[:, members], prior.precision[:, members]),
                start=None if start is None else start[:, members],
                model="4pl" if wells.four[members[0]] else "5pl",
            )
            theta[:, members] = fit.theta
            plateaus[:, members] = fit.lower, fit.upper
            converged[members], at_bound[:, members] = fit.converged, fit.at_bound
    lost = ~np.isfinite(theta).all(0)  # too few levels bear weight: a flat line, which is no curve
    theta[:, lost] = NEUTRAL
    plateaus[:, lost] = 0.0
    return Solution(theta, plateaus[0], plateaus[1], converged & ~lost, at_bound)


def outside_the_box(
    wells: StandardWells, y: Array, weight: Array, prior: Prior, solution: Solution
) -> Solution:
    """For xPONENT's rule: curves that stopped at the edge of the box followed beyond it."""
    total = weight.sum(1)
    mean = (weight * y).sum(1) / np.where(total > 0, total, 1.0)
    theta, lower, upper = solution.theta.copy(), solution.lower.copy(), solution.upper.copy()
    outside = solution.at_bound.any(0) & ~wells.four
    for number in np.flatnonzero(outside):
        used = total[:, number] > 0
        theta[:, number], lower[number], upper[number] = follow_outside(
            wells.log_x[used, number],
            mean[used, number],
            total[used, number],
            theta[:, number],
            -1,
            prior.mean[:, number],
            prior.precision[:, number],
        )
    at_bound = solution.at_bound & ~outside
    return replace(solution, theta=theta, lower=lower, upper=upper, at_bound=at_bound)
