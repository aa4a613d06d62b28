"""An exhaustive search with the kernel's own steps: a fine grid, many starts, a tight tolerance.

The tests check the kernel against an oracle that shares nothing with it; this one is for thousands
of curves.
"""

from __future__ import annotations

import numpy as np

from cytokit.curves.linear import make_levels
from cytokit.curves.lm import levenberg_marquardt
from cytokit.curves.model import Array, log_concentration
from cytokit.curves.newton import newton
from cytokit.curves.prior import Prior
from cytokit.curves.search import make_box
from cytokit.curves.start import make_grid

GRID_SHAPE = (20, 12, 9)
STARTS = 10
TOLERANCE = 1e-13
CHUNK = 500


def exhaustive(x: Array, y: Array, w: Array, prior: Prior, orientation: int = 1) -> Array:
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
