"""The linear half of the problem: lower and upper plateau, projected out at every step.

Variable projection (Golub and Pereyra 1973) with Kaufman's Jacobian: for given theta the best
a and s are a weighted straight line of y on the shape. Sums run over the levels in order, whatever
the number of curves, so that a curve's result has the same bits alone and in company.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cytokit.curves.curvature import ordered_sum
from cytokit.curves.model import Array, psi_gradient

TINY = 1e-300


def dot(u: Array, v: Array) -> Array:
    """Sum over the levels of a product; u may be a stack (j, n, N)."""
    if v.shape[-1] == 1:
        return dot(np.repeat(u, 2, axis=-1), np.repeat(v, 2, axis=-1))[..., :1]
    subscripts = "jin,in->jn" if u.ndim == 3 else "in,in->n"
    return np.asarray(np.einsum(subscripts, u, v))


@dataclass(slots=True)
class Levels:
    """The standards of N curves and what is asked of their fit.

    log_x (n, 1); y and w (n, N); y_mean, scatter, w_sum, floor (N,); mean and precision (3, N);
    low and high (3, 1), equal ones freeze a coordinate. `scatter` is the weighted sum of squares
    about y_mean; `floor` is the objective below which only rounding remains.
    """

    log_x: Array
    y: Array  # centred on y_mean
    w: Array
    y_mean: Array
    scatter: Array
    w_sum: Array
    floor: Array
    mean: Array
    precision: Array
    low: Array
    high: Array
    orientation: int

    @property
    def n_curves(self) -> int:
        """Number of curves."""
        return int(self.y.shape[1])

    def take(self, index: npt.NDArray[np.intp]) -> Levels:
        """Some of the curves (take keeps the memory order, which fancy indexing does not)."""
        return Levels(
            self.log_x,
            self.y.take(index, axis=1),
            self.w.take(index, axis=1),
            self.y_mean[index],
            self.scatter[index],
            self.w_sum[index],
            self.floor[index],
            self.mean.take(index, axis=1),
            self.precision.take(index, axis=1),
            self.low,
            self.high,
            self.orientation,
        )


def make_levels(
    log_x: Array,
    y: Array,
    w: Array,
    prior: tuple[Array, Array],
    box: tuple[Array, Array],
    orientation: int,
) -> Levels:
    """Centre y; log_x (n,), y and w (n, N), all finite."""
    w_sum = ordered_sum(w)
    y_mean = dot(w, y) / w_sum
    centred = y - y_mean
    scatter = dot(w * centred, centred)
    floor = 1e-28 * dot(w * y, y)
    return Levels(
        log_x[:, None], centred, w, y_mean, scatter, w_sum, floor, *prior, *box, orientation
    )


@dataclass(slots=True)
class Point:
    """The objective at theta, with what the next step needs."""

    theta: Array  # (3, N)
    gradient: Array  # (3, n, N), of the shape
    centred: Array  # (n, N), shape minus its weighted mean
    residual: Array  # (n, N)
    shape_mean: Array
    spread: Array  # weighted sum of squares of `centred`
    s: Array
    objective: Array

    def take(self, index: npt.NDArray[np.intp]) -> Point:
        """Some of the curves."""
        return Point(
            self.theta.take(index, axis=1),
            self.gradient.take(index, axis=2),
            self.centred.take(index, axis=1),
            self.residual.take(index, axis=1),
            self.shape_mean[index],
            self.spread[index],
            self.s[index],
            self.objective[index],
        )

    def replace_where(self, accepted: npt.NDArray[np.bool_], new: Point) -> Point:
        """The new point where accepted, this one elsewhere."""
        if accepted.all():
            return new
        for name in Point.__slots__:
            np.copyto(getattr(self, name), getattr(new, name), where=accepted)
        return self


def evaluate(levels: Levels, theta: Array) -> Point:
    """Project a and s out at theta (3, N)."""
    shape, gradient = psi_gradient(levels.log_x, theta, levels.orientation)
    shape_mean = dot(levels.w, shape) / levels.w_sum
    shape -= shape_mean
    weighted = levels.w * shape
    spread = dot(weighted, shape)
    # a shape that is constant to rounding explains nothing; a line through its noise would
    visible = spread > 1e-26 * levels.w_sum * shape_mean * shape_mean
    s = np.where(visible, dot(weighted, levels.y) / np.maximum(spread, TINY), 0.0)
    residual = levels.y - s * shape
    objective = dot(levels.w * residual, residual)
    offset = theta - levels.mean
    penalty = levels.precision * offset * offset
    objective += penalty[0] + penalty[1] + penalty[2]
    return Point(theta, gradient, shape, residual, shape_mean, spread, s, objective)


def normal_equations(levels: Levels, point: Point) -> tuple[Array, Array]:
    """Half the downhill gradient (3, N) and the Gauss-Newton matrix (6, N) of the objective.

    The matrix is packed as 00, 01, 02, 11, 12, 22.
    """
    weighted = levels.w * point.centred
    along = dot(point.gradient, weighted) / np.maximum(point.spread, TINY)
    across = dot(point.gradient, levels.w) / levels.w_sum
    projected = point.gradient - across[:, None, :]
    projected -= along[:, None, :] * point.centred
    projected *= point.s
    scaled = projected * levels.w
    downhill = dot(scaled, point.residual)
    downhill += levels.precision * (levels.mean - point.theta)
    matrix = np.empty((6, levels.n_curves))
    matrix[:3] = dot(scaled, projected[0])
    matrix[3:5] = dot(scaled[1:], projected[1])
    matrix[5] = dot(scaled[2], projected[2])
    matrix[0] += levels.precision[0]
    matrix[3] += levels.precision[1]
    matrix[5] += levels.precision[2]
    return downhill, matrix


def solve3(matrix: Array, right: Array) -> Array:
    """Cholesky solution of packed 3 x 3 systems; NaN where a matrix is not positive definite."""
    h00, h01, h02, h11, h12, h22 = matrix
    r0, r1, r2 = right
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # the NaN is the answer
        l00 = np.sqrt(h00)
        l10 = h01 / l00
        l20 = h02 / l00
        l11 = np.sqrt(h11 - l10 * l10)
        l21 = (h12 - l20 * l10) / l11
        l22 = np.sqrt(h22 - l20 * l20 - l21 * l21)
        z0 = r0 / l00
        z1 = (r1 - l10 * z0) / l11
        z2 = (r2 - l20 * z0 - l21 * z1) / l22
        x2 = z2 / l22
        x1 = (z1 - l21 * x2) / l11
        x0 = (z0 - l10 * x1 - l20 * x2) / l00
    return np.stack([x0, x1, x2])
