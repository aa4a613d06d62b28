"""Curve models: the five-parameter logistic, free or with its asymmetry held, and its solution.

With a the response at concentration 0, d at infinity, c > 0 (``inflection``), b > 0 (``slope``) and
g > 0 (``asymmetry``)::

    y = d + (a - d) / (1 + (x/c)**b)**g          orientation "+" (+1)
    y = a + (d - a) / (1 + (x/c)**-b)**g         orientation "-" (-1)

Orientation + is the form of Gottschalk and Dunn (Anal Biochem 2005; 343:54-65), orientation - the
one with a negative exponent that several vendors print; unless g = 1 they are different families.
Both are written y = a + s * shape(ln x), s = d - a, where the shape rises from 0 to 1.

The solver works in theta = (m, eta, k): m is ln x at the inflection of the curve over ln x, eta the
logarithm of the shape's slope there, k = ln g. These stay nearly uncorrelated and finite where
(b, c, g) run off to infinity together. Arrays are levels x curves throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cytokit.arrays import Floats

#: ln x of concentration 0: so far to the left that the shape is 0 to the last bit.
X_ZERO = -1e5
SMALLEST = np.nextafter(0.0, 1.0)


@dataclass(frozen=True, slots=True)
class CurveModel:
    """A curve model: its label, the levels it needs, and the least and greatest asymmetry g."""

    label: str
    levels_needed: int
    asymmetry: tuple[float, float]

    @property
    def held(self) -> bool:
        """Whether the asymmetry is held at one value."""
        return self.asymmetry[0] == self.asymmetry[1]

    @property
    def free(self) -> list[int]:
        """Which of (a, s, m, eta, k) are estimated."""
        return [0, 1, 2, 3] if self.held else [0, 1, 2, 3, 4]

    @property
    def names_held(self) -> tuple[str, ...]:
        """Names of the coordinates of theta that are held."""
        return ("k",) if self.held else ()

    @property
    def symmetric(self) -> bool:
        """Whether g = 1, so that equations leave it out."""
        return self.asymmetry == (1.0, 1.0)

    def equation(self, orientation: int = 1) -> str:
        """The equation as a line of text."""
        power = "" if self.symmetric else "^g"
        if orientation > 0:
            return f"y = d + (a - d) / (1 + (x/c)^b){power}"
        return f"y = a + (d - a) / (1 + (x/c)^-b){power}"


#: the curve models by the key that options and tables use
MODELS: dict[str, CurveModel] = {
    "5pl": CurveModel("5PL", 5, (0.1, 10.0)),
    "4pl": CurveModel("4PL", 4, (1.0, 1.0)),
}
#: what a curve with too few levels for its own model is fitted as
FALLBACK = "4pl"


def log_concentration(x: npt.ArrayLike) -> Floats:
    """The logarithm of x, with :data:`X_ZERO` for x = 0."""
    x = np.asarray(x, dtype=float)
    positive = x > 0
    return np.where(positive, np.log(np.where(positive, x, 1.0)), np.where(x == 0, X_ZERO, np.nan))


def natural(theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Slope b, ln c and asymmetry g from theta, for orientation +.

    For orientation - the midpoint lies on the other side of the inflection: see
    :func:`log_midpoint`.
    """
    m, eta, k = theta
    g = np.exp(k)
    b = np.exp(eta + (1.0 + g) * np.log1p(1.0 / g))
    return b, m + k / b, g


def log_midpoint(theta: Floats, orientation: int = 1) -> Floats:
    """Ln c of the curve in either orientation."""
    b, _, _ = natural(theta)
    m, _, k = theta
    return np.asarray(m + orientation * k / b)


def theta_from_natural(
    b: npt.ArrayLike, log_c: npt.ArrayLike, g: npt.ArrayLike, orientation: int = 1
) -> Floats:
    """Theta from slope, ln c and asymmetry: the inverse of :func:`natural`."""
    b, log_c, g = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (b, log_c, g)))
    k = np.log(g)
    return np.stack([log_c - orientation * k / b, np.log(b) - (1 + g) * np.log1p(1 / g), k])


def psi(log_x: Floats, theta: Floats, orientation: int = 1) -> Floats:
    """The shape of the curve, from 0 at concentration 0 to 1 at infinity."""
    m, _, k = theta
    b, _, g = natural(theta)
    t = (orientation * b) * (log_x - m) - k
    softplus = np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))
    # expm1, never 1 - q: far below the midpoint 1 - q would keep no digit
    return np.asarray(-np.expm1(-g * softplus) if orientation > 0 else np.exp(-g * softplus))


def inverse_psi(v: npt.ArrayLike, theta: Floats, orientation: int = 1) -> Floats:
    """Ln x at which the shape reaches v."""
    v = np.asarray(v, dtype=float)
    m, _, k = theta
    b, _, g = natural(theta)
    inside = (v > 0) & (v < 1)
    safe = np.where(inside, v, 0.5)
    z = -(np.log1p(-safe) if orientation > 0 else np.log(safe)) / g
    z = np.maximum(z, SMALLEST)
    t = z + np.log(-np.expm1(-z))  # ln(e^z - 1), without overflow or cancellation
    log_x = m + orientation * (t + k) / b
    outside = np.where(np.isnan(v), np.nan, np.where(v <= 0, -np.inf, np.inf))
    return np.asarray(np.where(inside, log_x, outside + 0.0 * m))


def response(
    x: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    slope: npt.ArrayLike,
    inflection: npt.ArrayLike,
    asymmetry: npt.ArrayLike = 1.0,
    orientation: int = 1,
) -> Floats:
    """The curve in its natural parameters, as tables and reports print them."""
    theta = theta_from_natural(slope, np.log(np.asarray(inflection, float)), asymmetry, orientation)
    a = np.asarray(lower, dtype=float)
    return np.asarray(a + (upper - a) * psi(log_concentration(x), theta, orientation))


# Sums over the levels in a fixed order. numpy sums a lone column in another order than one of many;
# the solver may then stop a step sooner, and concentrations differ by 1e-7, more than is promised.


Index = npt.NDArray[np.intp]
SUBSCRIPTS = {(2, 2): "in,in->n", (3, 2): "jin,in->jn", (3, 3): "jin,kin->jkn"}


def never_alone(index: Index) -> Index:
    """At least two curves: numpy sums a lone column in another order, with other last bits."""
    return np.repeat(index, 2) if index.size == 1 else index


def ordered_sum(v: Floats) -> Floats:
    """Sum over the levels (second axis from the end) in order, whatever the number of curves."""
    if v.shape[-1] == 1:  # numpy would sum a single column pairwise: other last bits
        return np.asarray(np.repeat(v, 2, axis=-1).sum(axis=-2)[..., :1])
    return np.asarray(v.sum(axis=-2))


def dot(u: Floats, v: Floats) -> Floats:
    """Sum over the levels of a product, in order, whatever the number of curves."""
    if v.shape[-1] == 1:
        return dot(np.repeat(u, 2, axis=-1), np.repeat(v, 2, axis=-1))[..., :1]
    return np.asarray(np.einsum(SUBSCRIPTS[u.ndim, v.ndim], u, v))


# Derivatives of the curve's shape, first and second, from the same few exponentials.


#: e^t stays finite; beyond this t the shape is 1 to the last bit
LARGEST_T = 700.0


@dataclass(slots=True)
class Parts:
    """What shape and derivatives are made of, with t = b (ln x - m) - k, mirrored for -.

    `b`, `g`, `log_ratio` = ln(1 + 1/g) are (N,), the others (n, N): `tk` = t + k, `expit` of t,
    `decay` = g ln(1 + e^t), q = exp(-decay), `rise` = dshape/dt = g q expit in size, `decay_q`.
    """

    shape: Floats
    tk: Floats
    expit: Floats
    decay: Floats
    rise: Floats
    decay_q: Floats
    b: Floats
    g: Floats
    log_ratio: Floats
    orientation: int

    @property
    def bend(self) -> Floats:
        """D ln b / dk at constant eta, (N,)."""
        return np.asarray(self.g * self.log_ratio - 1.0)

    def gradient(self, out: Floats) -> Floats:
        """Derivatives of the shape with respect to m, eta and k, into `out` (3, n, N)."""
        np.multiply(self.rise, -self.b, out=out[0])
        np.multiply(self.rise, self.tk, out=out[1])
        np.multiply(out[1], self.bend, out=out[2])
        out[2] -= self.rise
        out[2] += self.decay_q
        if self.orientation < 0:
            np.negative(out[1:], out=out[1:])
        return out

    def bending(self, pull: Floats, room: Floats) -> Floats:
        """Second derivatives summed over the levels with weights `pull` (n, N), packed (6, N).

        `room` is space for (4, n, N).
        """
        terms = room[:3]
        first, second, mixed, shrink = room
        np.multiply(self.rise, pull, out=first)
        np.multiply(self.expit, -(1.0 + self.g), out=second)
        second += 1.0
        second *= first  # second derivative with respect to t
        np.subtract(1.0, self.decay, out=shrink)
        np.multiply(first, shrink, out=mixed)  # with respect to t, and k at constant t
        f0, s0, m0 = ordered_sum(terms)
        f1, s1, m1 = dot(terms, self.tk)
        second *= self.tk
        s2 = dot(second, self.tk)
        shrink *= self.decay_q
        z0 = dot(shrink, pull)

        bend = self.bend
        bend_k = self.g * (self.log_ratio - 1.0 / (1.0 + self.g))
        b = -self.b if self.orientation > 0 else self.b
        s1f0, s2f1, m1s1, s0m0 = s1 + f0, s2 + f1, m1 - s1, s0 - m0
        out = np.empty((6, f0.size))
        out[0] = b * b * s0
        out[1] = b * s1f0
        out[2] = b * (bend * s1f0 - s0m0)
        out[3] = s2f1
        out[4] = bend * s2f1 + m1s1
        out[5] = bend * (out[4] + m1s1) + bend_k * f1 + s0m0 - m0 + z0
        return out if self.orientation > 0 else np.negative(out, out=out)


def take_apart(log_x: Floats, theta: Floats, orientation: int, room: Floats) -> Parts:
    """The shape at theta, with all that its derivatives need."""
    m, eta, k = theta
    g = np.exp(k)
    log_ratio = np.log1p(1.0 / g)
    b = np.exp(eta + (1.0 + g) * log_ratio)
    tk, power, one_more, expit, decay, lost = room
    np.subtract(log_x, m, out=tk)
    tk *= orientation * b
    np.subtract(tk, k, out=power)
    np.minimum(power, LARGEST_T, out=power)
    np.exp(power, out=power)
    np.add(power, 1.0, out=one_more)
    np.divide(power, one_more, out=expit)
    # log1p(power) to the last bits, by Kahan's correction: log is twice as fast as log1p
    np.log(one_more, out=decay)
    np.subtract(one_more, 1.0, out=lost)
    np.subtract(power, lost, out=lost)
    lost /= one_more
    decay += lost
    decay *= g
    np.negative(decay, out=lost)
    if orientation > 0:
        # expm1, never 1 - q: far below the midpoint 1 - q would keep no digit
        shape = np.expm1(lost, out=power)
        q = np.add(shape, 1.0, out=one_more)
        np.negative(shape, out=shape)
    else:
        shape = q = np.exp(lost, out=power)
    rise = np.multiply(expit, q, out=lost)
    rise *= g
    decay_q = np.multiply(decay, q, out=one_more)
    return Parts(shape, tk, expit, decay, rise, decay_q, b, g, log_ratio, orientation)


def psi_gradient(log_x: Floats, theta: Floats, orientation: int = 1) -> tuple[Floats, Floats]:
    """The shape and its derivatives with respect to m, eta and k.

    The derivative with respect to ln x is minus the one with respect to m.
    """
    room = np.empty((6, log_x.shape[0], theta.shape[1]))
    parts = take_apart(log_x, theta, orientation, room)
    return parts.shape, parts.gradient(np.empty((3, *room.shape[1:])))


# The linear half of the problem: lower and upper plateau, projected out at every step.


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

    log_x: Floats
    y: Floats  # centred on y_mean
    w: Floats
    y_mean: Floats
    scatter: Floats
    w_sum: Floats
    floor: Floats
    mean: Floats
    precision: Floats
    low: Floats
    high: Floats
    orientation: int

    @property
    def n_curves(self) -> int:
        """Number of curves."""
        return int(self.y.shape[1])

    def inside(self, theta: Floats) -> Floats:
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
    log_x: Floats,
    y: Floats,
    w: Floats,
    prior: tuple[Floats, Floats],
    box: tuple[Floats, Floats],
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

    theta: Floats  # (3, N)
    s: Floats
    shape_mean: Floats
    objective: Floats
    downhill: Floats  # (3, N)
    gauss_newton: Floats  # (6, N)
    hessian: Floats  # (6, N)

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

    centred: Floats
    sides: Floats
    mean: Floats
    shrinking: Floats
    s: Floats
    objective: Floats  # without the prior


def _line(levels: Levels, shape: Floats, room: Floats) -> Line:
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


def objective_at(levels: Levels, theta: Floats) -> Floats:
    """The objective alone, (N,), at theta (3, N)."""
    shape = psi(levels.log_x, theta, levels.orientation)
    line = _line(levels, shape, np.empty((4, *shape.shape)))
    offset = theta - levels.mean
    return np.asarray(line.objective + (levels.precision * offset * offset).sum(axis=0))


def evaluate(levels: Levels, theta: Floats) -> Point:
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


def packed(matrix: Floats) -> Floats:
    """Symmetric (3, 3, N) as 00, 01, 02, 11, 12, 22."""
    return matrix.reshape(9, -1).take(UPPER, axis=0)


def solve3(matrix: Floats, right: Floats) -> Floats:
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
