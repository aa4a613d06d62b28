"""An exhaustive search with the kernel's own steps: a fine grid, many starts, a tight tolerance.

The tests check the kernel against an oracle that shares nothing with it; this one is for thousands
of curves.
"""

from __future__ import annotations

import numpy as np

from cytokit.arrays import Floats
from cytokit.curves.logistic import log_concentration, make_levels
from cytokit.curves.solver import Prior, levenberg_marquardt, make_box, make_grid, newton

GRID_SHAPE = (20, 12, 9)
STARTS = 10
TOLERANCE = 1e-13
CHUNK = 500


def exhaustive(x: Floats, y: Floats, w: Floats, prior: Prior, orientation: int = 1) -> Floats:
    """The smallest objective found from the many best local maxima of a fine grid, (N,)."""
    log_x = log_concentration(x)
    box = make_box(log_x[x > 0], "5pl")
    grid = make_grid(log_x, box, orientation, GRID_SHAPE)
    mean, precision = prior.spread(y.shape[1])
    best = np.full(y.shape[1], np.inf)
    for first in range(0, y.shape[1], CHUNK):
        part = slice(first, first + CHUNK)
        levels = make_levels(
            log_x, y[:, part], w[:, part], (mean[:, part], precision[:, part]), box, orientation
        )
        thetas, _ = grid.starts(levels, STARTS)
        for rank in range(STARTS):
            near = levenberg_marquardt(
                levels, thetas[:, rank], max_iterations=25, tolerance=TOLERANCE
            )
            end = newton(levels, near.theta, max_iterations=60, tolerance=TOLERANCE)
            best[part] = np.minimum(best[part], end.objective)
    return best
