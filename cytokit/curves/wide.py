"""Fits beyond the solver's box, for comparison with software that has none.

xPONENT prints asymmetries well beyond 10 (one real export has 144). Where its rule is asked for
and the solver stopped at the edge of its box, the curve is followed outside, one by one.
"""

from __future__ import annotations

import numpy as np
from scipy import optimize

from cytokit.curves.model import Array, psi

#: how far beyond the solver's own box m, eta and k may go
WIDE = np.array([6.0, 4.0, 7.0])


def follow_outside(
    log_x: Array,
    y: Array,
    weight: Array,
    theta: Array,
    orientation: int,
    mean: Array,
    precision: Array,
) -> tuple[Array, float, float]:
    """The least-squares curve near `theta`, without the solver's box.

    Parameters
    ----------
    log_x, y, weight : (n,) arrays
        Relative ln x, level means, total weights.
    theta : (3,) array
        Where the solver stopped.
    orientation : {1, -1}
    mean, precision : (3,) arrays
        The prior.

    Returns
    -------
    theta : (3,) array
    lower, upper : float
    """
    root = np.sqrt(weight)

    def plateaus(at: Array) -> tuple[Array, Array]:
        shape = psi(log_x, at, orientation)
        design = np.stack([1.0 - shape, shape], axis=1)
        ends, *_ = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)
        return design @ ends, np.asarray(ends, dtype=float)

    def residuals(at: Array) -> Array:
        return np.concatenate([root * (y - plateaus(at)[0]), np.sqrt(precision) * (at - mean)])

    found = optimize.least_squares(
        residuals,
        theta,
        bounds=(theta - WIDE, theta + WIDE),
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
        x_scale=[1.0, 1.0, 1.0],
        max_nfev=500,
    )
    best = np.asarray(found.x) if 2 * found.cost <= (residuals(theta) ** 2).sum() else theta
    ends = plateaus(best)[1]
    return best, float(ends[0]), float(ends[1])
