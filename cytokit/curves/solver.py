"""Fit all curves that share a dilution series in one call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from cytokit.arrays import Bools, Floats
from cytokit.curves.logistic import (
    DIAGONAL,
    MODELS,
    TINY,
    X_ZERO,
    Levels,
    Point,
    dot,
    evaluate,
    inverse_psi,
    log_concentration,
    log_midpoint,
    make_levels,
    natural,
    never_alone,
    objective_at,
    psi,
    psi_gradient,
    solve3,
)
from cytokit.errors import InputError, Problem, UsageError

# Weak knowledge of a curve's shape, in the objective's own units.


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent normal priors on theta = (m, eta, k).

    The objective is sum w r^2 + sum precision (theta - mean)^2, so that precision is 1/variance
    where w is 1/variance.
    """

    mean: Floats
    precision: Floats

    def __post_init__(self) -> None:
        for name in ("mean", "precision"):
            values = np.array(getattr(self, name), dtype=float)
            if values.ndim != 2 or values.shape[0] != 3 or not np.isfinite(values).all():
                raise UsageError(
                    _problem(f"prior {name} has shape {values.shape}, or is not finite")
                )
            object.__setattr__(self, name, values)
        if (self.precision < 0).any():
            raise UsageError(_problem("prior precision is negative"))

    def spread(self, n_curves: int) -> tuple[Floats, Floats]:
        """Mean and precision as (3, N) arrays."""
        for values in (self.mean, self.precision):
            if values.shape[1] not in (1, n_curves):
                raise UsageError(
                    _problem(f"the prior holds {values.shape[1]} curves, the data {n_curves}")
                )
        shape = (3, n_curves)
        mean, precision = (np.broadcast_to(v, shape) for v in (self.mean, self.precision))
        return np.ascontiguousarray(mean), np.ascontiguousarray(precision)


def weak_prior(x: npt.ArrayLike) -> Prior:
    """The default prior of one dilution series.

    k ~ N(0, 1), eta ~ N(ln .35, 2), m ~ N(0.6 of the way from the lowest to the highest standard
    in ln x, 8). Nearly unimodal objectives at no measurable cost in accuracy.
    """
    x = np.asarray(x, dtype=float)
    positive = np.log(x[x > 0])
    if positive.size == 0:
        raise UsageError(_problem("no positive concentration to centre the prior on"))
    low, high = positive.min(), positive.max()
    mean = np.array([[low + 0.6 * (high - low)], [np.log(0.35)], [0.0]])
    return Prior(mean, 1.0 / np.array([[8.0], [2.0], [1.0]]) ** 2)


def _problem(what: str) -> Problem:
    """The one complaint about priors."""
    return Problem(
        "CK-306", what, mend="give mean and precision as arrays of shape (3, 1) or (3, N)"
    )


# What a batch of fits holds, and what can be asked of it.


class SearchOutcome(IntEnum):
    """What became of one curve of a batch."""

    FITTED = 0
    FLAT = 1  # all levels equal: lower = upper, an optimum without information
    TOO_FEW_LEVELS = 2  # not fitted: its numbers are NaN
    NOT_CONVERGED = 3  # the best point found stands


@dataclass(frozen=True, slots=True)
class BatchFit:
    """N fitted curves, y = a + s psi(ln x; theta)."""

    theta: Floats
    a: Floats
    s: Floats
    sse: Floats
    outcome: npt.NDArray[np.int8]
    iterations: npt.NDArray[np.int64]
    at_bound: npt.NDArray[np.bool_]
    orientation: int
    model: str

    @property
    def converged(self) -> npt.NDArray[np.bool_]:
        """Whether the optimum was reached, (N,)."""
        return np.asarray(
            (self.outcome == SearchOutcome.FITTED) | (self.outcome == SearchOutcome.FLAT)
        )

    @property
    def lower(self) -> Floats:
        """Response at concentration 0, (N,)."""
        return self.a

    @property
    def upper(self) -> Floats:
        """Response at infinite concentration, (N,)."""
        return self.a + self.s

    @property
    def slope(self) -> Floats:
        """Slope b of the equation, (N,)."""
        return natural(self.theta)[0]

    @property
    def midpoint(self) -> Floats:
        """Concentration c of the equation, (N,)."""
        return np.asarray(np.exp(log_midpoint(self.theta, self.orientation)))

    @property
    def asymmetry(self) -> Floats:
        """Asymmetry g of the equation, (N,)."""
        return np.asarray(np.exp(self.theta[2]))

    def predict(self, x: npt.ArrayLike) -> Floats:
        """Responses at concentrations x."""
        return np.asarray(self.a + self.s * psi(_rows(x), self.theta, self.orientation))

    def invert(self, y: npt.ArrayLike) -> Floats:
        """Ln concentration of responses y."""
        y = np.asarray(y, dtype=float)
        flat = self.s == 0
        with np.errstate(over="ignore"):  # a tiny span: the quotient is below or above anyway
            v = np.where(flat, np.where(y > self.a, 2.0, -1.0), 0.0) + (
                np.where(flat, 0.0 * y, y - self.a) / np.where(flat, 1.0, self.s)
            )
        return inverse_psi(v, self.theta, self.orientation)

    def jacobian(self, x: npt.ArrayLike) -> Floats:
        """Derivatives of the responses with respect to (a, s, m, eta, k)."""
        shape, gradient = psi_gradient(_rows(x), self.theta, self.orientation)
        out = np.empty((5, *shape.shape))
        out[0] = 1.0
        out[1] = shape
        out[2:] = self.s * gradient
        return out

    def covariance(self, x: npt.ArrayLike, w: npt.ArrayLike, prior: Prior | None = None) -> Floats:
        """Covariance of (a, s, m, eta, k): the inverse of J'WJ + P, w being 1/variance.

        A coordinate that lies on the box is treated as free, so that its uncertainty still reaches
        the predictions; the frozen asymmetry of a 4PL has variance 0. Directions that neither data
        nor prior determine get a very large variance, never a small one (a ridge of 1e-11 on the
        scaled matrix).
        """
        J = self.jacobian(x)
        n_curves = self.a.size
        free = MODELS[self.model].free
        weighted = J * np.broadcast_to(np.asarray(w, dtype=float), J.shape[1:])
        information = np.einsum("inN,jnN->Nij", weighted[free], J[free])
        if prior is not None:
            precision = prior.spread(n_curves)[1]
            for position, coordinate in enumerate(free[2:], start=2):
                information[:, position, position] += precision[coordinate - 2]
        V = np.zeros((n_curves, 5, 5))
        V[:, : len(free), : len(free)] = _safe_inverse(information)  # k is the last
        return V


def _rows(x: npt.ArrayLike) -> Floats:
    """Ln x as (n, 1) or (n, N)."""
    log_x = log_concentration(x)
    return log_x[:, None] if log_x.ndim == 1 else log_x


def _safe_inverse(information: Floats) -> Floats:
    """Inverse of (N, p, p) symmetric matrices, with a tiny ridge on their scaled form."""
    fitted = np.asarray(np.isfinite(information).all(axis=(1, 2)))
    size = information.shape[1]
    diagonal = np.sqrt(np.einsum("Nii->Ni", information))
    scale = np.where(fitted[:, None] & (diagonal > 0), diagonal, 1.0)
    scaled = np.where(fitted[:, None, None], information, 0.0)
    scaled = scaled / (scale[:, :, None] * scale[:, None, :]) + 1e-11 * np.eye(size)
    factor = np.linalg.inv(np.linalg.cholesky(scaled))
    inverse = factor.transpose(0, 2, 1) @ factor
    inverse /= scale[:, :, None] * scale[:, None, :]
    inverse[~fitted] = np.nan
    return np.asarray(inverse)


# Levenberg-Marquardt on the projected problem, all curves of a batch in step.


LONGEST_STEP = 0.7
FIRST_DAMPING = 1e-2
#: factors on the damping: after a step refused, one taken, and one taken after one refused
REFUSED, TAKEN, TAKEN_AGAIN = 5.0, 0.15, 0.5
LEAST_DAMPING, MOST_DAMPING = 1e-12, 1e12
#: share of the largest diagonal element that every coordinate's damping is measured by at least
EVEN = 0.03
#: share of the objective that the last step promised to take away, below which the optimum is near
NEAR = 0.1
#: damping above which a small step proves nothing, and below which a true Newton step is whole
TRUSTED_DAMPING, WHOLE_DAMPING = 1e-5, 1e-7
#: a whole Newton step that promises this many times the tolerance leaves its square: nothing
QUADRATIC = 100.0
#: times the rounding of the objective, below which a fit is exact
EXACT = 1e6


@dataclass(slots=True)
class Minimum:
    """Where a search ended: theta (3, N); s, shape_mean, objective, converged, iterations (N,)."""

    theta: Floats
    s: Floats
    shape_mean: Floats
    objective: Floats
    converged: Bools
    iterations: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, n_curves: int) -> Minimum:
        """Nothing found yet."""
        return cls(
            np.full((3, n_curves), np.nan),
            np.zeros(n_curves),
            np.zeros(n_curves),
            np.full(n_curves, np.inf),
            np.zeros(n_curves, dtype=bool),
            np.zeros(n_curves, dtype=np.int64),
        )

    @classmethod
    def at(cls, point: Point, converged: Bools, iterations: int) -> Minimum:
        """Ends after as many iterations."""
        counts = np.full(converged.size, iterations, dtype=np.int64)
        return cls(point.theta, point.s, point.shape_mean, point.objective, converged, counts)

    def put(self, index: npt.NDArray[np.int64], other: Minimum) -> None:
        """Store another search's ends at these curves, adding up the iterations."""
        self.theta[:, index] = other.theta
        self.s[index] = other.s
        self.shape_mean[index] = other.shape_mean
        self.objective[index] = other.objective
        self.converged[index] = other.converged
        self.iterations[index] += other.iterations

    def take(self, index: npt.NDArray[np.int64]) -> Minimum:
        """Some of the curves."""
        return Minimum(
            self.theta.take(index, axis=1),
            self.s[index],
            self.shape_mean[index],
            self.objective[index],
            self.converged[index],
            self.iterations[index],
        )


def levenberg_marquardt(
    levels: Levels, theta: Floats, *, max_iterations: int, tolerance: float
) -> Minimum:
    """Minimise from theta (3, N); a curve leaves the batch as soon as it is done."""
    result = Minimum.empty(levels.n_curves)
    if levels.n_curves == 0:
        return result
    active = never_alone(np.arange(levels.n_curves))
    if active.size > levels.n_curves:
        levels, theta = levels.take(active), theta.take(active, axis=1)
    pace = Pace.first(active.size)
    point = evaluate(levels, levels.inside(theta))
    for iteration in range(1, max_iterations + 1):
        step = _step(levels, point, pace)
        new = evaluate(levels, levels.inside(point.theta + step.move))
        accepted = new.objective <= point.objective
        converged = _nothing_left(levels, point, new, step, pace, tolerance)
        leaving = converged | (~accepted & (pace.damping > 1e8))
        point = point.replace_where(accepted, new)
        pace.follow(accepted, step.promised)
        if iteration == max_iterations:
            leaving[:] = True
        elif not leaving.any():
            continue
        out = np.flatnonzero(leaving)
        result.put(active[out], Minimum.at(point.take(out), converged[out], iteration))
        stay = never_alone(np.flatnonzero(~leaving))
        if stay.size == 0:
            break
        active, pace = active[stay], pace.take(stay)
        levels, point = levels.take(stay), point.take(stay)
    return result


@dataclass(slots=True)
class Pace:
    """How each curve goes on, (N,): damping, the last step's promise, whether it was refused."""

    damping: Floats
    promised: Floats
    refused: Bools

    @classmethod
    def first(cls, n_curves: int) -> Pace:
        """Before the first step."""
        return cls(
            np.full(n_curves, FIRST_DAMPING),
            np.full(n_curves, np.inf),
            np.zeros(n_curves, dtype=bool),
        )

    def take(self, index: npt.NDArray[np.intp]) -> Pace:
        """Some of the curves."""
        return Pace(self.damping[index], self.promised[index], self.refused[index])

    def follow(self, accepted: Bools, promised: Floats) -> None:
        """After a step."""
        factor = np.where(accepted, np.where(self.refused, TAKEN_AGAIN, TAKEN), REFUSED)
        self.damping *= factor
        np.clip(self.damping, LEAST_DAMPING, MOST_DAMPING, out=self.damping)
        self.promised = promised
        self.refused = ~accepted


@dataclass(slots=True)
class Step:
    """A step: where to, the decrease it promises, and whether it is whole, and from the Hessian."""

    move: Floats  # (3, N)
    promised: Floats
    whole: Bools
    true: Bools


def _step(levels: Levels, point: Point, pace: Pace) -> Step:
    """The damped step of every curve, coordinates that would leave the box held on it."""
    theta, downhill = point.theta, point.downhill
    damping = point.gauss_newton.take(DIAGONAL, axis=0)
    largest = damping.max(axis=0)
    np.maximum(damping, EVEN * largest, out=damping)
    damping *= pace.damping
    damping += 1e-14 * largest + TINY
    true = pace.promised <= NEAR * point.objective
    matrix = np.where(true, point.hessian, point.gauss_newton)
    matrix[DIAGONAL] += damping
    move = solve3(matrix, downhill)
    whole = move[0] == move[0]  # NaN where not positive definite
    if not whole.all():
        lost = np.flatnonzero(~whole)
        true[lost] = False
        part = point.gauss_newton.take(lost, axis=1)
        part[DIAGONAL] += damping.take(lost, axis=1)
        matrix[:, lost] = part
        move[:, lost] = solve3(part, downhill.take(lost, axis=1))
    frozen = ((theta <= levels.low) & (move < 0)) | ((theta >= levels.high) & (move > 0))
    if frozen.any():
        downhill = np.where(frozen, 0.0, downhill)
        held = np.flatnonzero(frozen.any(axis=0))
        part, stop = matrix.take(held, axis=1), frozen.take(held, axis=1)
        # a huge diagonal takes a coordinate out of the system
        part[DIAGONAL] += np.where(stop, 1e30 * largest.take(held), 0.0)
        move[:, held] = solve3(part, downhill.take(held, axis=1))
    promised = dot(downhill, move)
    length = np.abs(move).max(axis=0)
    whole = length <= LONGEST_STEP  # false for NaN
    if not whole.all():
        promised[np.isnan(length)] = np.inf
        # the whole step is shortened: cutting single components would turn it
        cut = np.flatnonzero(~whole)
        move[:, cut] *= LONGEST_STEP / length[cut]
        np.nan_to_num(move, copy=False)
    return Step(move, promised, whole, true)


def _nothing_left(
    levels: Levels, point: Point, new: Point, step: Step, pace: Pace, tolerance: float
) -> Bools:
    """Curves that the step takes, or leaves, at their optimum."""
    target = tolerance * point.objective + levels.floor
    decrease = point.objective - new.objective
    taken = decrease >= 0
    quiet = step.promised <= 1e-2 * target
    quiet |= taken & (decrease <= target) & (step.promised <= target)
    newton = step.true & (pace.damping <= WHOLE_DAMPING)
    quiet |= taken & newton & (step.promised <= QUADRATIC * target)
    proven = quiet & step.whole & (pace.damping <= TRUSTED_DAMPING)
    # of an exact fit only rounding is left, and which way it points proves nothing
    return np.asarray(proven | (taken & (new.objective <= EXACT * levels.floor)))


# Newton's method on the projected objective, for the curves Levenberg-Marquardt leaves over.


FIRST_RADIUS = 1.0
LARGEST_RADIUS = 8.0
SMALLEST_RADIUS = 1e-9
#: Steps after which a curve is taken to lie in a bent valley.
PATIENCE = 6
#: the packed form as a matrix
SQUARE = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])


def newton(levels: Levels, theta: Floats, *, max_iterations: int, tolerance: float) -> Minimum:
    """Minimise from theta (3, N)."""
    result = Minimum.empty(levels.n_curves)
    if levels.n_curves == 0:
        return result
    active = never_alone(np.arange(levels.n_curves))
    if active.size > levels.n_curves:
        levels, theta = levels.take(active), theta.take(active, axis=1)
    radius = np.full(active.size, FIRST_RADIUS)
    point = evaluate(levels, levels.inside(theta))
    for iteration in range(1, max_iterations + 1):
        downhill, hessian = point.downhill, point.hessian[SQUARE]
        step, length, predicted = _bounded_step(levels, point.theta, downhill, hessian, radius)
        new = evaluate(levels, levels.inside(point.theta + step))
        if iteration > PATIENCE:
            new = _back_to_the_floor(levels, new, hessian, radius)
        accepted = new.objective <= point.objective
        decrease = point.objective - new.objective
        target = tolerance * point.objective + levels.floor
        converged = (predicted <= 1e-2 * target) | (
            accepted & (decrease <= 1e-3 * target) & (predicted <= target)
        )
        collapsed = radius < SMALLEST_RADIUS
        # with no room left to step in, what remains is rounding if little was promised
        converged |= collapsed & (predicted <= 1e3 * target)
        point = point.replace_where(accepted, new)
        grown = np.where(length >= radius, np.minimum(radius * 2.0, LARGEST_RADIUS), radius)
        radius = np.where(accepted, grown, 0.25 * np.minimum(length, radius))
        leaving = converged | collapsed if iteration < max_iterations else np.ones_like(converged)
        if not leaving.any():
            continue
        out = np.flatnonzero(leaving)
        result.put(active[out], Minimum.at(point.take(out), converged[out], iteration))
        stay = never_alone(np.flatnonzero(~leaving))
        if stay.size == 0:
            break
        active, radius = active[stay], radius[stay]
        levels, point = levels.take(stay), point.take(stay)
    return result


def _back_to_the_floor(levels: Levels, new: Point, hessian: Floats, radius: Floats) -> Point:
    """A second step with the same Hessian, where it helps: a bent valley leaves a straight step."""
    downhill = new.downhill
    fixed = (new.theta <= levels.low) | (new.theta >= levels.high)
    step, _, _ = _held_step(*_reduce(downhill, hessian, fixed), radius)
    again = evaluate(levels, levels.inside(new.theta + step))
    return new.replace_where(again.objective < new.objective, again)


def _bounded_step(
    levels: Levels, theta: Floats, downhill: Floats, hessian: Floats, radius: Floats
) -> tuple[Floats, Floats, Floats]:
    """The trust-region step inside the box, its free length and the decrease it promises."""
    frozen = ((theta <= levels.low) & (downhill <= 0)) | ((theta >= levels.high) & (downhill >= 0))
    step, length, predicted = _held_step(*_reduce(downhill, hessian, frozen), radius)
    for _ in range(2):  # coordinates that would cross a bound stop on it, the others solve again
        below, above = theta + step < levels.low, theta + step > levels.high
        crossing = (below | above) & ~frozen
        if not crossing.any():
            break
        fixed = below | above | frozen
        stop = np.where(below, levels.low - theta, levels.high - theta)
        given = np.where(fixed & ~frozen, stop, 0.0)
        pulled = downhill - np.stack(
            [sum(hessian[i][j] * given[j] for j in range(3)) for i in range(3)]
        )
        again, _, _ = _held_step(*_reduce(pulled, hessian, fixed), radius)
        changed = crossing.any(axis=0)
        step = np.where(changed, np.where(fixed, given, again), step)
    return step, length, predicted


def _reduce(downhill: Floats, hessian: Floats, fixed: Bools) -> tuple[Floats, Floats]:
    """The system without the fixed coordinates."""
    either = fixed[:, None, :] | fixed[None, :, :]
    reduced = np.where(either, np.eye(3)[:, :, None], hessian)
    return np.where(fixed, 0.0, downhill), np.where(np.isfinite(reduced), reduced, 0.0)


def _held_step(downhill: Floats, hessian: Floats, radius: Floats) -> tuple[Floats, Floats, Floats]:
    """Newton step held to the radius, its full length and the decrease it promises."""
    rows, columns = np.triu_indices(3)
    step = solve3(hessian[rows, columns], downhill)
    usable = np.isfinite(step).all(axis=0)  # NaN unless the Hessian is positive definite
    step[:, ~usable] = 0.0
    length = np.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2)
    predicted = downhill[0] * step[0] + downhill[1] * step[1] + downhill[2] * step[2]
    rest = np.flatnonzero(~usable | (length > radius))
    if rest.size:
        step[:, rest], length[rest], predicted[rest] = _eigen_step(
            downhill.take(rest, axis=1), hessian.take(rest, axis=2), radius[rest]
        )
    return step, length, predicted


def _eigen_step(downhill: Floats, hessian: Floats, radius: Floats) -> tuple[Floats, Floats, Floats]:
    """The same in eigen-coordinates, each held to the radius, curvature taken as positive."""
    values, vectors = np.linalg.eigh(hessian.transpose(2, 0, 1))
    curvature = np.abs(values)
    curvature = np.maximum(curvature, 1e-12 * curvature.max(axis=1, keepdims=True) + 1e-280)
    slope = sum(vectors[:, i, :] * downhill[i][:, None] for i in range(3))
    with np.errstate(over="ignore"):  # a flat direction: the radius cuts the step
        wanted = np.clip(slope / curvature, -1e100, 1e100)
        predicted = np.minimum(np.abs(wanted * slope), 1e200).sum(axis=1)
    length = np.sqrt((wanted * wanted).sum(axis=1))
    held = np.clip(wanted, -radius[:, None], radius[:, None])
    step = np.stack([(vectors[:, i, :] * held).sum(axis=1) for i in range(3)])
    return step, length, predicted


# Where to start: a grid over theta, scored for all curves by three matrix products.


GRID_SHAPE = (10, 6, 5)
#: how far the grid reaches in ln x below the lowest and above the highest standard
REACH = (1.0, 4.0)
NO_GAIN = -1e300
#: Curves scored together: their table of scores fits the cache.
BLOCK = 128


@dataclass(frozen=True, slots=True)
class StartGrid:
    """The shape of one dilution series at every grid point; (n, K) and (3, K)."""

    theta: Floats
    dims: tuple[int, int, int]
    shape: Floats
    squared: Floats
    powers: Floats  # (6, K), theta squared and theta

    def gains(self, levels: Levels) -> Floats:
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

    def starts(self, levels: Levels, top: int) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The best `top` local maxima as (3, top, N), and which of them are there at all."""
        index = np.empty((top, levels.n_curves), dtype=np.intp)
        present = np.empty((top, levels.n_curves), dtype=bool)
        for first in range(0, levels.n_curves, BLOCK):
            part = np.arange(first, min(first + BLOCK, levels.n_curves))
            found = local_maxima(self.gains(levels.take(part)), self.dims, top)
            index[:, part], present[:, part] = found
        return self.theta[:, index], present


def make_grid(
    log_x: Floats,
    box: tuple[Floats, Floats],
    orientation: int,
    points: tuple[int, int, int] = GRID_SHAPE,
    *,
    edges: bool = True,
) -> StartGrid:
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
    return StartGrid(theta, dims, shape, shape * shape, powers)


def local_maxima(
    gains: Floats, dims: tuple[int, int, int], top: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Indices (top, N) of the highest local maxima over a regular grid, best first."""
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


# How one chunk of curves is searched: grid, rough polish, full polish, Newton, second look.


#: Box of the search: m from ln(lowest / 30) to ln(highest * 1000), the slope within.
BELOW, ABOVE = 30.0, 1000.0
SLOPE_RANGE = (0.1, 5.0)

TOLERANCE = 1e-9
LM_ITERATIONS = 10
#: Without a prior, curves that show neither plateau lie in valleys that take hundreds of steps.
NEWTON_ITERATIONS = 250
#: Starts of the first look: a prior makes the objective all but unimodal.
STARTS_WITH_PRIOR, STARTS = 1, 3
#: Starts of the second look, at doubtful curves.
MORE_STARTS = 6
ROUGH_ITERATIONS, LOOK_ITERATIONS, ROUGH_TOLERANCE = 4, 2, 1e-4
#: Share of the scatter about a horizontal line left over, above which a fit is doubtful.
POOR_FIT = 0.03
#: In the second look, a start this near in theta comes back to what was found.
SAME_PLACE = 0.05

Index = npt.NDArray[np.intp]


def make_box(log_x: Floats, model: str) -> tuple[Floats, Floats]:
    """Bounds of theta, (3, 1) each, from ln x of the standards above 0; equal ones freeze."""
    k_low, k_high = np.log(MODELS[model].asymmetry)
    eta_low, eta_high = np.log(SLOPE_RANGE)
    low = np.array([[log_x.min() - np.log(BELOW)], [eta_low], [k_low]])
    high = np.array([[log_x.max() + np.log(ABOVE)], [eta_high], [k_high]])
    return low, high


def search(levels: Levels, grid: StartGrid, guided: bool, start: Floats | None = None) -> Minimum:
    """The best minimum found for each curve."""
    if start is None:
        start = _best_start(levels, grid, STARTS_WITH_PRIOR if guided else STARTS)
    found = _descend(levels, start)
    doubtful = np.flatnonzero(_doubtful(levels, guided, found))
    again = Minimum.empty(0)
    if doubtful.size:
        others, start = _other_starts(levels.take(doubtful), grid, guided, found.take(doubtful))
        doubtful = doubtful[others]
        again = _descend(levels.take(doubtful), start)
    _finish(levels, found, doubtful, again)
    before = found.objective[doubtful]
    gain = before - again.objective
    better = (gain > TOLERANCE * before) | (
        again.converged & ~found.converged[doubtful] & (gain >= 0)
    )
    # of several ends of one curve the lowest is put last, and stays
    order = np.argsort(-again.objective, kind="stable")
    order = order[better[order]]
    found.put(doubtful[order], again.take(order))
    return found


def _descend(levels: Levels, start: Floats) -> Minimum:
    """Levenberg-Marquardt, as long as it is quick."""
    return levenberg_marquardt(levels, start, max_iterations=LM_ITERATIONS, tolerance=TOLERANCE)


def _finish(levels: Levels, found: Minimum, others: Index, again: Minimum) -> None:
    """Newton's method for all that either search has left over, in one go."""
    left, left_again = np.flatnonzero(~found.converged), np.flatnonzero(~again.converged)
    if left.size + left_again.size == 0:
        return
    end = newton(
        levels.take(np.concatenate([left, others[left_again]])),
        np.concatenate([found.theta[:, left], again.theta[:, left_again]], axis=1),
        max_iterations=NEWTON_ITERATIONS,
        tolerance=TOLERANCE,
    )
    found.put(left, end.take(np.arange(left.size)))
    again.put(left_again, end.take(np.arange(left.size, left.size + left_again.size)))


def _doubtful(levels: Levels, guided: bool, found: Minimum) -> npt.NDArray[np.bool_]:
    """Curves on the box or far from explained; without a full prior, also those not converged."""
    free = levels.low < levels.high
    on_box = (((found.theta <= levels.low) | (found.theta >= levels.high)) & free).any(axis=0)
    doubtful = on_box | (found.objective > POOR_FIT * levels.scatter)
    return np.asarray(doubtful if guided else doubtful | ~found.converged)


def _other_starts(
    levels: Levels, grid: StartGrid, guided: bool, found: Minimum
) -> tuple[Index, Floats]:
    """Starts that may lead elsewhere than to what was found: their curves, and theta (3, .).

    With a full prior the best of those that a rise of the objective parts from what was found;
    without one, where valleys are long and bent, all of them.
    """
    starts, columns, rough = _rough(levels, grid, MORE_STARTS, LOOK_ITERATIONS)
    known = found.theta.take(columns, axis=1)
    elsewhere = np.abs(rough.theta - known).max(axis=0) > SAME_PLACE
    if not guided:
        return columns[elsewhere], rough.theta[:, elsewhere]
    halfway = objective_at(levels.take(columns), 0.5 * (rough.theta + known))
    go = np.flatnonzero(elsewhere & (halfway >= rough.objective))
    return _best_of(levels, starts[go], columns[go], rough.take(go))


def _best_start(levels: Levels, grid: StartGrid, n_starts: int) -> Floats:
    """The best of the grid's local maxima, after a rough polish if there are several, (3, N)."""
    if n_starts == 1:
        return np.asarray(grid.starts(levels, 1)[0][:, 0])
    return _best_of(levels, *_rough(levels, grid, n_starts, ROUGH_ITERATIONS))[1]


def _best_of(levels: Levels, starts: Index, columns: Index, rough: Minimum) -> tuple[Index, Floats]:
    """The curves that have a start here, and the end of their best one, (3, curves)."""
    shape = (MORE_STARTS, levels.n_curves)
    objective = np.full(shape, np.inf)
    objective[starts, columns] = rough.objective
    position = np.zeros(shape, dtype=np.intp)
    position[starts, columns] = np.arange(starts.size)
    tried = np.flatnonzero(np.isfinite(objective).any(axis=0))
    best = position[objective.argmin(axis=0)[tried], tried]
    return tried, rough.theta.take(best, axis=1)


def _rough(
    levels: Levels, grid: StartGrid, n_starts: int, iterations: int
) -> tuple[Index, Index, Minimum]:
    """A few steps from each of the grid's local maxima: their rank, their curve, their end."""
    thetas, present = grid.starts(levels, n_starts)
    starts, columns = np.nonzero(present)
    rough = levenberg_marquardt(
        levels.take(columns),
        np.ascontiguousarray(thetas[:, starts, columns]),
        max_iterations=iterations,
        tolerance=ROUGH_TOLERANCE,
    )
    return starts, columns, rough


# What the kernel accepts; everything wrong with one call is reported together.


def check_choice(orientation: int, model: str) -> None:
    """Refuse an unknown orientation or model (CK-305)."""
    if orientation not in (1, -1) or model not in MODELS:
        raise UsageError(
            Problem(
                "CK-305",
                f"no curve has orientation {orientation!r} and model {model!r}",
                mend=f"orientation is 1 or -1, model {' or '.join(map(repr, MODELS))}",
            )
        )


def checked_data(
    x: npt.ArrayLike, y: npt.ArrayLike, w: npt.ArrayLike, needed: int
) -> tuple[Floats, Floats, Floats]:
    """Concentrations, responses (0 where absent) and weights as arrays (CK-300 to CK-304)."""
    x, y, w = (np.asarray(v, dtype=float) for v in (x, y, w))
    if x.ndim != 1 or y.ndim != 2 or w.shape != y.shape or y.shape[0] != x.size:
        raise InputError(
            Problem(
                "CK-300",
                f"x has shape {x.shape}, y {y.shape}, w {w.shape}",
                mend="give x as (n,), y and w as (n, N): levels x curves",
            )
        )
    problems = [
        *_concentration_problems(x, needed),
        *_bad_numbers(
            ~(np.isfinite(w) & (w >= 0)),
            "CK-303",
            "a weight is negative or not finite",
            "give 1/variance, and 0 for an absent level",
        ),
        *_bad_numbers(
            ~np.isfinite(y) & (w != 0),
            "CK-304",
            "a response is not finite though its weight is not 0",
            "give weight 0 to an absent level",
        ),
    ]
    if problems:
        raise InputError(*problems)
    return x, np.ascontiguousarray(np.where(w > 0, y, 0.0)), np.ascontiguousarray(w)


def checked_start(start: npt.ArrayLike | None, n_curves: int) -> Floats | None:
    """Start values as (3, N), or None (CK-307)."""
    if start is None:
        return None
    theta = np.asarray(start, dtype=float)
    if theta.shape != (3, n_curves) or not np.isfinite(theta).all():
        raise UsageError(
            Problem(
                "CK-307",
                f"the start has shape {theta.shape}, or is not finite",
                mend=f"give theta as (3, {n_curves}), as BatchFit.theta holds it",
            )
        )
    return theta


def _concentration_problems(x: Floats, needed: int) -> list[Problem]:
    """Concentrations that are no concentrations, or too few of them."""
    problems = _bad_numbers(
        ~(np.isfinite(x) & (x >= 0)),
        "CK-301",
        "a standard's concentration is negative or not finite",
        "give 0 for blanks and leave out standards without a concentration",
    )
    n_levels, n_positive = np.unique(x).size, np.unique(x[x > 0]).size
    if not problems and (n_levels < needed or n_positive < 2):
        problems.append(
            Problem(
                "CK-302",
                f"{n_levels} different concentrations ({n_positive} above 0), {needed} are needed",
                mend="a 5PL needs five levels, a 4PL four, two of them above 0",
            )
        )
    return problems


def _bad_numbers(bad: Bools, code: str, what: str, mend: str) -> list[Problem]:
    """One problem that names the first bad number, or none."""
    if not bad.any():
        return []
    position = np.argwhere(bad)[0]
    where = ", ".join(
        f"{name} {index}" for name, index in zip(("level", "curve"), position, strict=False)
    )
    return [Problem(code, what, where=f"{where} (counted from 0)", mend=mend)]


#: Curves held in memory at a time.
CHUNK = 8192


def fit_batch(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    w: npt.ArrayLike,
    *,
    orientation: int = 1,
    prior: Prior | None = None,
    start: npt.ArrayLike | None = None,
    model: str = "5pl",
) -> BatchFit:
    """Fit N curves over one dilution series by weighted least squares, with or without a prior.

    Replicates are compressed by the caller: y holds level means, w the sums of their weights.
    The result of a curve does not depend on the order or the company of the others.

    Variable projection (Golub and Pereyra 1973; Kaufman 1975), from the best local maxima of a
    grid; Newton's method takes over where this is slow.
    """
    check_choice(orientation, model)
    x, y, w = checked_data(x, y, w, MODELS[model].levels_needed)
    n_curves = y.shape[1]
    starts = checked_start(start, n_curves)
    no_prior = (np.zeros((3, n_curves)), np.zeros((3, n_curves)))
    mean_precision = no_prior if prior is None else prior.spread(n_curves)
    log_x = log_concentration(x)
    box = make_box(log_x[x > 0], model)

    fit = _nothing_yet(n_curves, orientation, model)
    fit.outcome[_equal_levels(y, w)] = SearchOutcome.FLAT
    fit.outcome[(w > 0).sum(axis=0) < MODELS[model].levels_needed] = SearchOutcome.TOO_FEW_LEVELS
    todo = fit.outcome == SearchOutcome.NOT_CONVERGED
    has_prior = (mean_precision[1] > 0).all(axis=0)
    for guided in (True, False):
        group = np.flatnonzero(todo & (has_prior == guided))
        if group.size == 0:
            continue
        grid = make_grid(log_x, box, orientation, edges=not guided)
        for first in range(0, group.size, CHUNK):
            part = group[first : first + CHUNK]
            levels = make_levels(
                log_x,
                y.take(part, axis=1),
                w.take(part, axis=1),
                (mean_precision[0].take(part, axis=1), mean_precision[1].take(part, axis=1)),
                box,
                orientation,
            )
            found = search(
                levels, grid, guided, None if starts is None else starts.take(part, axis=1)
            )
            fit.theta[:, part] = found.theta
            fit.s[part] = found.s
            fit.a[part] = levels.y_mean - found.s * found.shape_mean
            fit.sse[part] = found.objective
            fit.iterations[part] = found.iterations
            fit.outcome[part[found.converged]] = SearchOutcome.FITTED
    fit.at_bound[:] = ((fit.theta <= box[0]) | (fit.theta >= box[1])) & (box[0] < box[1])
    _put_flat(fit, y, w, mean_precision, box)
    return fit


def _nothing_yet(n_curves: int, orientation: int, model: str) -> BatchFit:
    """A batch whose arrays wait to be filled."""
    return BatchFit(
        theta=np.full((3, n_curves), np.nan),
        a=np.full(n_curves, np.nan),
        s=np.full(n_curves, np.nan),
        sse=np.full(n_curves, np.nan),
        outcome=np.full(n_curves, SearchOutcome.NOT_CONVERGED, dtype=np.int8),
        iterations=np.zeros(n_curves, dtype=np.int64),
        at_bound=np.zeros((3, n_curves), dtype=bool),
        orientation=orientation,
        model=model,
    )


def _put_flat(
    fit: BatchFit, y: Floats, w: Floats, prior: tuple[Floats, Floats], box: tuple[Floats, Floats]
) -> None:
    """Curves of equal levels: a horizontal line, its shape where the prior would have it."""
    flat = np.flatnonzero(fit.outcome == SearchOutcome.FLAT)
    mean, precision = (values.take(flat, axis=1) for values in prior)
    theta = np.clip(mean, *box)
    fit.theta[:, flat] = theta
    fit.a[flat] = np.where(w[:, flat] > 0, y[:, flat], -np.inf).max(axis=0)
    fit.s[flat] = 0.0
    fit.sse[flat] = (precision * (theta - mean) ** 2).sum(axis=0)


def _equal_levels(y: Floats, w: Floats) -> npt.NDArray[np.bool_]:
    """Curves whose levels are equal to the last bits."""
    if y.shape[1] == 0:
        return np.zeros(0, dtype=bool)
    used = w > 0
    high = np.where(used, y, -np.inf).max(axis=0)
    low = np.where(used, y, np.inf).min(axis=0)
    none = ~used.any(axis=0)
    high[none] = low[none] = 0.0
    return np.asarray(high - low <= 1e-14 * np.maximum(np.abs(high), np.abs(low)))
