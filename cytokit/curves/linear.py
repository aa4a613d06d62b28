"""The linear half of the problem: lower and upper plateau, projected out at every step.

Variable projection (Golub and Pereyra 1973) with Kaufman's Jacobian: for given theta the best
a and s are a weighted straight line of y on the shape. Sums run over the levels in order, whatever
the number of curves, so that a curve's result has the same bits alone and in company.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cytokit.curves.derivatives import take_apart
from cytokit.curves.model import Array, psi
from cytokit.curves.sums import dot, ordered_sum

TINY = 1e-300
#: where the packed form holds the diagonal
DIAGONAL = [0, 3, 5]
#: the packed form's elements in a matrix laid out flat
UPPER = [0, 1, 2, 4, 5, 8]


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

    def inside(self, theta: Array) -> Array:
        """Theta moved into the box."""
        return np.minimum(np.maximum(theta, self.low), self.high)

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
    """The objective at theta and its local shape, all (., N).

    `downhill` is half the negative gradient; `gauss_newton` and `hessian` are half the approximate
    and half the true second derivatives, packed as 00, 01, 02, 11, 12, 22.
    """

    theta: Array  # (3, N)
    s: Array
    shape_mean: Array
    objective: Array
    downhill: Array  # (3, N)
    gauss_newton: Array  # (6, N)
    hessian: Array  # (6, N)

    def take(self, index: npt.NDArray[np.intp]) -> Point:
        """Some of the curves."""
        return Point(
            self.theta.take(index, axis=1),
            self.s[index],
            self.shape_mean[index],
            self.objective[index],
            self.downhill.take(index, axis=1),
            self.gauss_newton.take(index, axis=1),
            self.hessian.take(index, axis=1),
        )

    def replace_where(self, accepted: npt.NDArray[np.bool_], new: Point) -> Point:
        """The new point where accepted, this one elsewhere."""
        if accepted.all():
            return new
        for name in Point.__slots__:
            np.copyto(getattr(self, name), getattr(new, name), where=accepted)
        return self


@dataclass(slots=True)
class Line:
    """The weighted straight line of y on a shape: what is left of either, (n, N), and numbers (N,).

    `sides` holds w, w centred and w residual; `shrinking` is one over the weighted sum of squares
    of `centred`, 0 for a constant shape.
    """

    centred: Array
    sides: Array
    mean: Array
    shrinking: Array
    s: Array
    objective: Array  # without the prior


def _line(levels: Levels, shape: Array, room: Array) -> Line:
    """Project a and s out of the shape (n, N), which is overwritten; `room` is (4, n, N)."""
    w, sides, residual = levels.w, room[:3], room[3]
    mean = dot(w, shape) / levels.w_sum
    shape -= mean
    sides[0] = w
    weighted = np.multiply(w, shape, out=sides[1])
    spread = dot(weighted, shape)
    # a shape that is constant to rounding explains nothing; a line through its noise would
    visible = spread > 1e-26 * levels.w_sum * mean * mean
    shrinking = visible / np.maximum(spread, TINY)
    s = dot(weighted, levels.y) * shrinking
    np.multiply(s, shape, out=residual)
    np.subtract(levels.y, residual, out=residual)
    pull = np.multiply(w, residual, out=sides[2])
    return Line(shape, sides, mean, shrinking, s, dot(pull, residual))


def objective_at(levels: Levels, theta: Array) -> Array:
    """The objective alone, (N,), at theta (3, N)."""
    shape = psi(levels.log_x, theta, levels.orientation)
    line = _line(levels, shape, np.empty((4, *shape.shape)))
    offset = theta - levels.mean
    return np.asarray(line.objective + (levels.precision * offset * offset).sum(axis=0))


def evaluate(levels: Levels, theta: Array) -> Point:
    """Project a and s out at theta (3, N): the objective and its derivatives there."""
    # in one piece: the allocator would give many small ones back to the system at every step
    room = np.empty((15, *levels.y.shape))
    parts = take_apart(levels.log_x, theta, levels.orientation, room[:6])
    line = _line(levels, parts.shape, room[6:10])
    offset = theta - levels.mean
    tug = levels.precision * offset
    offset *= tug
    objective = line.objective + offset[0] + offset[1] + offset[2]

    gradient, weighted = parts.gradient(room[9:12]), room[12:]
    across, along, fall = dot(line.sides, gradient)
    along *= line.shrinking
    # what is left of the gradient when a and s follow (Kaufman)
    across /= levels.w_sum
    gradient -= across[:, None, :]
    np.multiply(along[:, None, :], line.centred, out=weighted)
    gradient -= weighted
    np.multiply(gradient, levels.w, out=weighted)
    gauss_newton = packed(dot(weighted, gradient))
    gauss_newton *= line.s * line.s
    gauss_newton[0] += levels.precision[0]
    gauss_newton[3] += levels.precision[1]
    gauss_newton[5] += levels.precision[2]

    # and what Kaufman leaves out: the residuals' part, of a and s and of the bent shape
    rest = along * line.s
    rest -= 0.5 * line.shrinking * fall
    pair = rest[:, None, :] * fall
    hessian = parts.bending(line.sides[2], room[11:])
    hessian *= -line.s
    hessian += packed(pair + pair.transpose(1, 0, 2))
    hessian += gauss_newton
    fall *= line.s
    fall -= tug
    return Point(theta, line.s, line.mean, objective, fall, gauss_newton, hessian)


def packed(matrix: Array) -> Array:
    """Symmetric (3, 3, N) as 00, 01, 02, 11, 12, 22."""
    return matrix.reshape(9, -1).take(UPPER, axis=0)


def solve3(matrix: Array, right: Array) -> Array:
    """Solution of packed 3 x 3 systems by LDL'; NaN where a matrix is not positive definite."""
    h00, h01, h02, h11, h12, h22 = matrix
    out = np.empty((3, h00.size))
    x0, x1, x2 = out
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # the NaN is the answer
        l10 = h01 / h00
        l20 = h02 / h00
        d11 = h11 - l10 * h01
        u12 = h12 - l20 * h01
        l21 = u12 / d11
        d22 = h22 - l20 * h02
        d22 -= l21 * u12
        z1 = right[1] - l10 * right[0]
        z2 = right[2] - l20 * right[0]
        z2 -= l21 * z1
        np.divide(z2, d22, out=x2)
        np.divide(z1, d11, out=x1)
        x1 -= l21 * x2
        np.divide(right[0], h00, out=x0)
        x0 -= l10 * x1
        x0 -= l20 * x2
    definite = (h00 > 0) & (d11 > 0)
    definite &= d22 > 0
    if not definite.all():
        out[:, ~definite] = np.nan
    return out
