"""Where to start: a grid over theta, scored for all curves by three matrix products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cytokit.curves.linear import Levels
from cytokit.curves.model import X_ZERO, Array, psi

GRID_SHAPE = (10, 6, 5)
#: how far the grid reaches in ln x below the lowest and above the highest standard
REACH = (1.0, 4.0)
NO_GAIN = -1e300
#: Curves scored together: their table of scores fits the cache.
BLOCK = 128


@dataclass(frozen=True, slots=True)
class Grid:
    """The shape of one dilution series at every grid point; (n, K) and (3, K)."""

    theta: Array
    dims: tuple[int, int, int]
    shape: Array
    squared: Array
    powers: Array  # (6, K), theta squared and theta

    def gains(self, levels: Levels) -> Array:
        """How much of the objective each grid point takes away from each curve's, (N, K)."""
        first = levels.w.T @ self.shape
        spread = levels.w.T @ self.squared
        constant = 1e-9 * spread
        first *= first
        first /= levels.w_sum[:, None]
        spread -= first
        flat = spread <= constant
        cross = (levels.w * levels.y).T @ self.shape
        cross *= cross
        spread[flat] = 1.0
        cross /= spread
        cross[flat] = 0.0  # a constant shape explains nothing
        if levels.precision.any():
            # the prior's quadratic, less what is the same for all grid points
            cross -= (
                np.vstack([levels.precision, -2.0 * levels.precision * levels.mean]).T @ self.powers
            )
        return np.asarray(cross)

    def starts(self, levels: Levels, top: int) -> tuple[Array, npt.NDArray[np.bool_]]:
        """The best `top` local maxima as (3, top, N), and which of them are there at all."""
        index = np.empty((top, levels.n_curves), dtype=np.intp)
        present = np.empty((top, levels.n_curves), dtype=bool)
        for first in range(0, levels.n_curves, BLOCK):
            part = np.arange(first, min(first + BLOCK, levels.n_curves))
            found = local_maxima(self.gains(levels.take(part)), self.dims, top)
            index[:, part], present[:, part] = found
        return self.theta[:, index], present


def make_grid(
    log_x: Array,
    box: tuple[Array, Array],
    orientation: int,
    points: tuple[int, int, int] = GRID_SHAPE,
    *,
    edges: bool = True,
) -> Grid:
    """The grid of one dilution series, inside the box; frozen coordinates get one point.

    Without `edges` it leaves the bounds of the asymmetry out, where a prior seldom lets a curve end
    and which are poor starts; those of the slope it always leaves out.
    """
    finite = log_x[log_x > X_ZERO / 2]
    low, high = (bound[:, 0] for bound in box)
    ends = (
        (max(low[0], finite.min() - REACH[0]), min(high[0], finite.max() + REACH[1])),
        (low[1], high[1]),
        (low[2], high[2]),
    )
    axes = []
    for j, (start, stop) in enumerate(ends):
        if start == stop:
            axes.append(np.array([start]))
        elif j == 0 or (j == 2 and edges):
            axes.append(np.linspace(start, stop, points[j]))
        else:
            axes.append(np.linspace(start, stop, points[j] + 2)[1:-1])
    theta = np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")])
    shape = psi(log_x[:, None], theta, orientation)
    dims = (axes[0].size, axes[1].size, axes[2].size)
    powers = np.vstack([theta * theta, theta])
    return Grid(theta, dims, shape, shape * shape, powers)


def local_maxima(
    gains: Array, dims: tuple[int, int, int], top: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Indices (top, N) of the highest local maxima over a regular grid, best first.

    Parameters
    ----------
    gains : ndarray, shape (N, K)
    dims : tuple of int
        Grid points per coordinate; their product is K.
    top : int

    Returns
    -------
    index : ndarray, shape (top, N)
        Padded with the best one.
    present : ndarray of bool, shape (top, N)
        False where padded.

    Examples
    --------
    >>> gains = np.array([[3.0, 1.0, 2.0]])
    >>> index, present = local_maxima(gains, (3, 1, 1), 2)
    >>> index.ravel(), present.ravel()
    (array([0, 2]), array([ True,  True]))
    """
    n_curves = gains.shape[0]
    if top == 1:  # the highest point of all is a local maximum
        return gains.argmax(axis=1)[None], np.ones((1, n_curves), dtype=bool)
    cube = np.ascontiguousarray(gains.T).reshape(*dims, n_curves)
    highest = np.ones(cube.shape, dtype=bool)
    for axis in range(3):
        upper = tuple(slice(1, None) if j == axis else slice(None) for j in range(4))
        lower = tuple(slice(None, -1) if j == axis else slice(None) for j in range(4))
        rising = cube[upper] > cube[lower]  # of equal neighbours the first one counts
        highest[upper] &= rising
        highest[lower] &= ~rising
    peaks = np.where(highest.reshape(-1, n_curves).T, gains, NO_GAIN)
    index = np.empty((top, n_curves), dtype=np.intp)
    present = np.empty((top, n_curves), dtype=bool)
    columns = np.arange(n_curves)
    for rank in range(top):
        best = peaks.argmax(axis=1)
        present[rank] = peaks[columns, best] > NO_GAIN
        index[rank] = np.where(present[rank], best, index[0])
        peaks[columns, best] = NO_GAIN
    return index, present
