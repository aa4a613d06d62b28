"""Tobit regression: a normal linear model for values known only to lie in an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtr, ndtri, stdtr, stdtrit

from cytokit.arrays import Bools, Floats, Ints
from cytokit.trial.arguments import (
    design_matrix,
    finite_vector,
    fraction,
    intervals,
    one_of,
    same_length,
    two_arms,
)

# Log-likelihood of intervals under a normal law, with gradient and Hessian.


_LOG_SQRT_2PI = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class IntervalData:
    """Responses as intervals, with their design."""

    lower: Floats
    upper: Floats
    exact: Bools
    design: Floats

    @property
    def below(self) -> Bools:
        """Open at the lower end only."""
        return np.isneginf(self.lower) & np.isfinite(self.upper)

    @property
    def above(self) -> Bools:
        """Open at the upper end only."""
        return np.isfinite(self.lower) & np.isposinf(self.upper)

    @property
    def between(self) -> Bools:
        """Closed at both ends, not known exactly."""
        return np.isfinite(self.lower) & np.isfinite(self.upper) & ~self.exact


def log_likelihood(data: IntervalData, parameters: Floats) -> float:
    """Log-likelihood at (coefficients / sd, 1 / sd)."""
    low, high = _standardised(data, parameters)
    known = data.exact
    total = known.sum() * (np.log(parameters[-1]) - _LOG_SQRT_2PI) - 0.5 * (low[known] ** 2).sum()
    return float(total + _log_mass(low[~known], high[~known]).sum())


def derivatives(data: IntervalData, parameters: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian of :func:`log_likelihood`."""
    low, high = _standardised(data, parameters)
    known = data.exact
    towards_low = _towards(data.lower, data.design)
    towards_high = _towards(data.upper, data.design)
    inside = towards_low[known]
    gradient = -(low[known] @ inside)
    hessian = -(inside.T @ inside)
    inverse_sd = parameters[-1]
    gradient[-1] += known.sum() / inverse_sd
    hessian[-1, -1] -= known.sum() / inverse_sd**2
    low, high = low[~known], high[~known]
    towards_low, towards_high = towards_low[~known], towards_high[~known]
    mass = _log_mass(low, high)
    at_low, at_high = _density_ratio(low, mass), _density_ratio(high, mass)
    slope = at_high[:, None] * towards_high - at_low[:, None] * towards_low
    gradient = gradient + slope.sum(axis=0)
    bend_low, bend_high = at_low * _finite(low), at_high * _finite(high)
    hessian += towards_low.T @ (bend_low[:, None] * towards_low)
    hessian -= towards_high.T @ (bend_high[:, None] * towards_high)
    hessian -= slope.T @ slope
    return gradient, hessian


def _standardised(data: IntervalData, parameters: Floats) -> tuple[Floats, Floats]:
    """Both limits as standard normal deviates; infinite ends stay infinite."""
    centre = data.design @ parameters[:-1]
    return parameters[-1] * data.lower - centre, parameters[-1] * data.upper - centre


def _towards(limits: Floats, design: Floats) -> Floats:
    """Derivative of the standardised limits by the parameters; 0 for the limit of an open end."""
    return np.column_stack((-design, _finite(limits)))


def _finite(values: Floats) -> Floats:
    """The values with 0 in place of infinity, where it is multiplied by a density of 0."""
    return np.where(np.isfinite(values), values, 0.0)


def _density_ratio(deviate: Floats, log_mass: Floats) -> Floats:
    """Normal density at the limit over the mass of the interval; 0 at an open end."""
    log_ratio = np.full(deviate.shape, -np.inf)
    finite = np.isfinite(deviate)
    log_ratio[finite] = -0.5 * deviate[finite] ** 2 - _LOG_SQRT_2PI - log_mass[finite]
    return np.asarray(np.exp(log_ratio), dtype=np.float64)


def _log_mass(low: Floats, high: Floats) -> Floats:
    """Log of the normal mass between two deviates, computed in the nearer tail."""
    flip = low > 0
    first = np.where(flip, -high, low)
    last = np.where(flip, -low, high)
    upper_tail, lower_tail = log_ndtr(last), log_ndtr(first)
    # exp(-inf) is 0 at an open end; the difference is never positive.
    return np.asarray(upper_tail + np.log1p(-np.exp(lower_tail - upper_tail)), dtype=np.float64)


def no_maximum(data: IntervalData) -> str:
    """Why the likelihood rises for ever, or an empty text.

    ``"separated"``: some coefficient may grow without end and no value contradicts it.
    ``"perfect"``: the spread may shrink to nothing. Both are linear programmes over the directions
    in which no term of the likelihood falls.
    """
    pinned = data.design[data.exact | data.between]
    columns = data.design.shape[1]
    rank = int(np.linalg.matrix_rank(pinned)) if len(pinned) else 0
    if rank < columns and _rises(data, spread_shrinks=False):
        return "separated"
    known = data.design[data.exact]
    response = data.lower[data.exact]
    solution, *_ = np.linalg.lstsq(known, response)
    error = np.abs(known @ solution - response).max(initial=0.0)
    if error <= 1e-6 and _rises(data, spread_shrinks=True):
        return "perfect"
    return ""


def _rises(data: IntervalData, *, spread_shrinks: bool) -> bool:
    """Whether a direction exists along which the likelihood never falls and somewhere rises."""
    from scipy.optimize import linprog

    known = data.exact
    towards_low, towards_high = _towards(data.lower, data.design), _towards(data.upper, data.design)
    has_low, has_high = ~known & np.isfinite(data.lower), ~known & np.isfinite(data.upper)
    # Each row is how fast a limit recedes from its value; it may not come nearer.
    recede = np.vstack((-towards_low[has_low], towards_high[has_high]))
    gain = -recede.sum(axis=0)
    gain[-1] -= known.sum()
    width = recede.shape[1]
    result = linprog(
        gain,
        A_ub=np.vstack((-recede, recede)),
        b_ub=np.concatenate((np.zeros(len(recede)), np.ones(len(recede)))),
        A_eq=towards_low[known] if known.any() else None,
        b_eq=np.zeros(int(known.sum())) if known.any() else None,
        bounds=[(None, None)] * (width - 1) + [(0, 1 if spread_shrinks else 0)],
    )
    return bool(result.status == 3 or (result.status == 0 and result.fun < -1e-6))


# Newton's method on the likelihood of intervals, and the way back to coefficients.


_STEPS = 200
_HALVINGS = 60
# Newton decrement (expected gain in log-likelihood) at which the maximum is reached.
_DECREMENT = 1e-12
# Smallest eigenvalue of the scaled information that still counts as curvature.
_FLAT = 1e-11


def maximise(data: IntervalData) -> tuple[Floats, Floats, bool]:
    """Newton's method with step halving; parameters, information, and whether it converged."""
    parameters = _start(data)
    value = log_likelihood(data, parameters)
    for _ in range(_STEPS):
        gradient, hessian = derivatives(data, parameters)
        try:
            step: Floats = np.linalg.solve(-hessian, gradient).astype(np.float64)
        except np.linalg.LinAlgError:
            break
        if float(gradient @ step) < _DECREMENT:
            parameters = parameters + step
            information = -derivatives(data, parameters)[1]
            return parameters, information, bool(parameters[-1] > 0) and _regular(information)
        parameters, value, moved = _line_search(data, parameters, step, value)
        if not moved:
            break
    return parameters, -derivatives(data, parameters)[1], False


def _regular(information: Floats) -> bool:
    """Whether the likelihood is curved in every direction: not flat, as values without order."""
    diagonal = np.diag(information)
    if not (diagonal > 0).all():
        return False
    size = np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(information / np.outer(size, size)).min() > _FLAT)


def _line_search(
    data: IntervalData, parameters: Floats, step: Floats, value: float
) -> tuple[Floats, float, bool]:
    """The largest halved step that keeps the spread positive and does not lower the likelihood."""
    for _ in range(_HALVINGS):
        trial = parameters + step
        if trial[-1] > 0:
            reached = log_likelihood(data, trial)
            # The slack lets the last steps pass whose gain is below rounding.
            if reached >= value - 1e-13 * (1 + abs(value)):
                return trial, reached, True
        step = step / 2
    return parameters, value, False


def _start(data: IntervalData) -> Floats:
    """Least squares with every interval replaced by its middle, or by its only limit."""
    low = np.where(np.isfinite(data.lower), data.lower, data.upper)
    high = np.where(np.isfinite(data.upper), data.upper, data.lower)
    middle = (low + high) / 2
    coefficients = data.design.T @ middle
    residual = middle - data.design @ coefficients
    inverse_sd = 1 / max(float(np.sqrt((residual**2).mean())), 0.05)
    return np.append(coefficients * inverse_sd, inverse_sd)


def natural(parameters: Floats, information: Floats) -> tuple[Floats, Floats]:
    """Coefficients and their covariance from Olsen's parameters, by the delta method."""
    scaled, inverse_sd = parameters[:-1], parameters[-1]
    jacobian = np.column_stack((np.eye(scaled.size) / inverse_sd, -scaled / inverse_sd**2))
    return scaled / inverse_sd, jacobian @ np.linalg.inv(information) @ jacobian.T


# Limits closer than this, relative to the spread, are a known value: rounding, not an interval.
_CLOSE = 1e-9

LAWS = ("t", "corrected", "normal")

NO_DATA = "no values"
RANK = "the design has more columns than the values can tell apart"
CONSTANT = "the values are constant or fitted perfectly: no spread to estimate"
SEPARATED = "complete separation: the values out of range leave a coefficient without a bound"
DIVERGED = "the likelihood has no maximum that could be found"


@dataclass(frozen=True, slots=True)
class TobitTest:
    """Wald test of one contrast of the coefficients."""

    estimate: float
    se: float
    t: float
    df: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tobit:
    """A fitted Tobit regression."""

    coefficients: Floats
    covariance: Floats
    scale: float
    df: int
    converged: bool
    reason: str
    log_likelihood: float
    n_known: int
    n_below: int
    n_above: int
    n_between: int

    def test(self, contrast: ArrayLike, *, level: float = 0.95, law: str = "t") -> TobitTest:
        """Wald test of a linear combination of the coefficients."""
        weights = finite_vector(contrast, "contrast")
        same_length(self.coefficients.size, contrast=weights)
        fraction(level, "level")
        one_of(law, LAWS, "law")
        df = math.inf if law == "normal" else float(self.df)
        if not self.converged or df < 1:
            return TobitTest(*(math.nan,) * 7)
        estimate = float(weights @ self.coefficients)
        variance = float(weights @ self.covariance @ weights)
        if law == "corrected":
            n = self.df + self.coefficients.size
            variance *= 1 + self.coefficients.size / self.df * self.n_known / n
        se = math.sqrt(variance)
        t = estimate / se
        tail = (1 + level) / 2
        width = float(ndtri(tail) if law == "normal" else stdtrit(df, tail)) * se
        p = float(2 * (ndtr(-abs(t)) if law == "normal" else stdtr(df, -abs(t))))
        return TobitTest(estimate, se, t, df, p, estimate - width, estimate + width)


def tobit(lower: ArrayLike, upper: ArrayLike, design: ArrayLike) -> Tobit:
    """Fit a normal linear model to intervals by maximum likelihood.

    Olsen RJ (1978) Note on the uniqueness of the maximum likelihood estimator for the Tobit
    model. Econometrica 46:1211-1215. Burridge J (1981) A note on maximum likelihood estimation
    for regression models using grouped data. JRSS B 43:41-45.
    """
    low, high = intervals(lower, upper, "responses")
    matrix = design_matrix(design, low.size)
    n, columns = matrix.shape
    spread = _spread(low, high)
    data, triangle = _standard_form(low / spread, high / spread, matrix)
    reason = _obstacle(data, triangle)
    if reason:
        return _failed(data, reason)
    parameters, information, found = maximise(data)
    if not found:
        return _failed(data, DIVERGED)
    rotated, rotated_covariance = natural(parameters, information)
    back = spread * np.linalg.inv(triangle)
    covariance = back @ rotated_covariance @ back.T
    n_known = int(data.exact.sum())
    return Tobit(
        coefficients=back @ rotated,
        covariance=(covariance + covariance.T) / 2,
        scale=float(spread / parameters[-1]),
        df=n - columns,
        converged=True,
        reason="",
        log_likelihood=log_likelihood(data, parameters) - n_known * math.log(spread),
        n_known=n_known,
        n_below=int(data.below.sum()),
        n_above=int(data.above.sum()),
        n_between=int(data.between.sum()),
    )


def _spread(low: Floats, high: Floats) -> float:
    """A scale for the responses: the standard deviation of their finite limits, or 1."""
    limits = np.concatenate((low[np.isfinite(low)], high[np.isfinite(high)]))
    spread = float(limits.std()) if limits.size else 0.0
    return spread if spread > 0 else 1.0


def _standard_form(low: Floats, high: Floats, matrix: Floats) -> tuple[IntervalData, Floats]:
    """Responses with an orthonormal design, and the triangle that leads back to the columns."""
    open_end = np.isinf(low) | np.isinf(high)
    width = np.where(open_end, np.inf, 0.0)
    np.subtract(high, low, out=width, where=~open_end)
    exact = width <= _CLOSE
    middle = low.copy()
    middle[exact] = (low[exact] + high[exact]) / 2
    basis, triangle = np.linalg.qr(matrix)
    return IntervalData(middle, np.where(exact, middle, high), exact, basis), triangle


def _obstacle(data: IntervalData, triangle: Floats) -> str:
    """Why the model cannot be fitted to these responses, or an empty text."""
    n, columns = data.design.shape[0], triangle.shape[1]
    if n == 0:
        return NO_DATA
    diagonal = np.abs(np.diag(triangle))
    if n < columns or diagonal.min() <= 1e-10 * diagonal.max():
        return RANK
    return {"separated": SEPARATED, "perfect": CONSTANT, "": ""}[no_maximum(data)]


def _failed(data: IntervalData, reason: str) -> Tobit:
    """A result without numbers, with the reason."""
    columns = data.design.shape[1]
    return Tobit(
        coefficients=np.full(columns, np.nan),
        covariance=np.full((columns, columns), np.nan),
        scale=math.nan,
        df=max(data.design.shape[0] - columns, 0),
        converged=False,
        reason=reason,
        log_likelihood=math.nan,
        n_known=int(data.exact.sum()),
        n_below=int(data.below.sum()),
        n_above=int(data.above.sum()),
        n_between=int(data.between.sum()),
    )


# Likelihood of intervals under a normal linear model with one spread per arm, and its maximum.


#: no arm's spread is more than so many times the other's
RATIO_BOUND = 10.0
#: ln ratios of the spreads from which the maximum is looked for, both bounds among them
_RATIOS = np.linspace(-1.0, 1.0, 9) * float(np.log(RATIO_BOUND))
_SPREAD_LIKELIHOOD_STEPS = 60
_SPREAD_LIKELIHOOD_HALVINGS = 30
#: expected gain in log-likelihood at which the maximum is reached
_SPREAD_LIKELIHOOD_DECREMENT = 1e-11
#: ln of a spread moves no further in one step
_LONGEST = 0.7
#: least curvature that a step is divided by, and that counts as a maximum
_CURVED = 1e-6
#: expected gain at which a maximum at a held ratio is near enough to go on from, and by how much
#: its log-likelihood may then seem less than its neighbours'
_ROUGH, _SLACK = 1e-3, 1e-2
#: an ln ratio so near its bound stands at it
_AT_BOUND = 1e-9
#: log-likelihoods no further apart than this are the same
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class ArmData:
    """Responses as intervals with their design, for b problems of n values."""

    lower: Floats
    upper: Floats
    exact: Bools
    design: Floats
    treated: Bools

    def take(self, rows: Bools | Ints) -> ArmData:
        """Some of the problems."""
        design = self.design if self.design.ndim == 2 else self.design[rows]
        return ArmData(self.lower[rows], self.upper[rows], self.exact[rows], design, self.treated)

    def repeat(self, times: int) -> ArmData:
        """Each problem so many times, one after the other."""
        return self.take(np.repeat(np.arange(len(self.lower)), times))


def maximise_spreads(data: ArmData, start: Floats) -> tuple[Floats, Floats, Bools]:
    """The greatest maximum of each problem among ratios of the spreads within the bound."""
    problems, ratios = len(start), len(_RATIOS)
    begin = np.repeat(start, ratios, axis=0)
    middle = begin[:, -2:].mean(axis=1, keepdims=True)
    apart = np.tile(_RATIOS, problems)[:, None] / 2
    begin[:, -2:] = middle + np.hstack((apart, -apart))
    several = data.repeat(ratios)
    held, value, _ = climb(several, begin, ratio_held=True, least_gain=_ROUGH)
    # a maximum in between shows at the ratio next to it
    value = value.reshape(problems, ratios)
    beside = np.pad(value, ((0, 0), (1, 1)), constant_values=-np.inf)
    peak = value >= np.maximum(beside[:, :-2], beside[:, 2:]) - _SLACK
    peak, of = peak.ravel(), np.repeat(np.arange(problems), ratios)
    at_bound = peak & np.isin(np.arange(peak.size) % ratios, (0, ratios - 1))
    free = climb(several.take(peak), held[peak], ratio_held=False)
    bound = climb(several.take(at_bound), held[at_bound], ratio_held=True)
    inside = np.abs(free[0][:, -2] - free[0][:, -1]) <= _RATIOS[-1]
    parameters = np.concatenate((free[0][inside], bound[0]))
    values = np.concatenate((free[1][inside], bound[1]))
    settled = np.concatenate((free[2][inside], bound[2]))
    problem = np.concatenate((of[peak][inside], of[at_bound]))
    return _greatest(parameters, values, settled, problem, start)


def at_bound(parameters: Floats) -> Bools:
    """Whether the spreads stand in the greatest ratio they may have."""
    ratio = np.abs(parameters[..., -2] - parameters[..., -1])
    return np.asarray(ratio >= _RATIOS[-1] - _AT_BOUND)


def _greatest(
    parameters: Floats, value: Floats, converged: Bools, of: Ints, start: Floats
) -> tuple[Floats, Floats, Bools]:
    """The greatest maximum of each problem; one that has not settled only where it is greater."""
    best = np.full(len(start), -np.inf)
    np.maximum.at(best, of, value)
    at, fine = start.copy(), np.zeros(len(start), dtype=bool)
    as_good = value >= best[of] - _SAME
    for rows in (as_good & ~converged, as_good & converged):
        at[of[rows]] = parameters[rows]
        fine[of[rows]] = converged[rows]
    return at, best, fine


def climb(
    data: ArmData,
    start: Floats,
    *,
    ratio_held: bool,
    least_gain: float = _SPREAD_LIKELIHOOD_DECREMENT,
) -> tuple[Floats, Floats, Bools]:
    """Newton's method, turned uphill where the likelihood is not concave, with step halving."""
    at = start.copy()
    value = objective(data, at)
    ways = np.eye(at.shape[1])
    if ratio_held:
        ways = np.column_stack((ways[:, :-2], ways[:, -2] + ways[:, -1]))
    converged, left = np.zeros(len(at), dtype=bool), np.isfinite(value)
    for _ in range(_SPREAD_LIKELIHOOD_STEPS):
        open_ones = np.flatnonzero(left)
        if not open_ones.size:
            break
        mine, here = data.take(left), at[left]
        gradient, hessian = slopes(mine, here)
        step, gain, curved = _step(gradient @ ways, ways.T @ hessian @ ways)
        step = _not_too_long(step @ ways.T)
        done = gain < least_gain
        reached, moved = _uphill(mine, here, value[left], step)
        at[open_ones[moved]] = here[moved] + step[moved]
        value[open_ones[moved]] = reached[moved]
        converged[open_ones[done]] = curved[done]
        left[open_ones[done | ~moved]] = False
    return at, value, converged


def _step(gradient: Floats, hessian: Floats) -> tuple[Floats, Floats, Bools]:
    """Newton's step on the absolute curvature, the gain it promises, whether it is at a maximum."""
    sizes, vectors = np.linalg.eigh(-hessian)
    least = _CURVED * np.maximum(np.abs(sizes).max(axis=1, keepdims=True), 1.0)
    along = np.einsum("bij,bi->bj", vectors, gradient) / np.maximum(np.abs(sizes), least)
    step = np.einsum("bij,bj->bi", vectors, along)
    gain = np.einsum("bi,bi->b", gradient, step)
    return step, gain, sizes[:, 0] > least[:, 0]


def _not_too_long(step: Floats) -> Floats:
    """Steps shortened to where no ln spread moves further than one may."""
    longest = np.maximum(np.abs(step[:, -2:]).max(axis=1), _LONGEST)
    return np.asarray(step * (_LONGEST / longest)[:, None], dtype=np.float64)


def _uphill(data: ArmData, at: Floats, value: Floats, step: Floats) -> tuple[Floats, Bools]:
    """Halve the steps, in place, until none goes downhill; values there, and which ones moved."""
    reached = objective(data, at + step)
    # the slack lets the last steps pass whose gain is below rounding
    least = value - 1e-13 * (1 + np.abs(value))
    moved = reached >= least
    for _ in range(_SPREAD_LIKELIHOOD_HALVINGS):
        if moved.all():
            break
        stuck = ~moved
        step[stuck] /= 2
        reached[stuck] = objective(data.take(stuck), at[stuck] + step[stuck])
        moved = reached >= least
    return reached, np.asarray(moved)


def objective(data: ArmData, parameters: Floats) -> Floats:
    """Log-likelihood of each problem."""
    low, high, log_spread = _spread_likelihood_standardised(data, parameters)
    value = -log_spread - 0.5 * np.where(data.exact, low, 0.0) ** 2 - _LOG_SQRT_2PI
    hidden = ~data.exact
    value[hidden] = _log_mass(low[hidden], high[hidden])
    return np.asarray(value.sum(axis=1))


def slopes(data: ArmData, parameters: Floats) -> tuple[Floats, Floats]:
    """Gradient (b, p + 2) and Hessian (b, p + 2, p + 2) of :func:`objective`."""
    low, high, log_spread = _spread_likelihood_standardised(data, parameters)
    by_mean, by_spread, bend, cross, bend_spread = _value_slopes(data.exact, low, high)
    shrink = np.exp(-log_spread)
    design = np.broadcast_to(data.design, (*low.shape, data.design.shape[-1]))
    arms = np.column_stack((data.treated, ~data.treated)).astype(float)
    gradient = np.concatenate(
        (np.einsum("bnp,bn->bp", design, by_mean * shrink), by_spread @ arms), axis=1
    )
    size, p = gradient.shape[1], design.shape[2]
    hessian = np.empty((len(low), size, size))
    weighted = design * (bend * shrink**2)[:, :, None]
    hessian[:, :p, :p] = np.swapaxes(weighted, 1, 2) @ design
    hessian[:, :p, p:] = np.swapaxes(design * (cross * shrink)[:, :, None], 1, 2) @ arms
    hessian[:, p:, :p] = np.swapaxes(hessian[:, :p, p:], 1, 2)
    hessian[:, p:, p:] = (bend_spread @ arms)[:, :, None] * np.eye(2)
    return gradient, hessian


def _spread_likelihood_standardised(
    data: ArmData, parameters: Floats
) -> tuple[Floats, Floats, Floats]:
    """Both limits as standard normal deviates, and ln of the spread of each value's arm."""
    centre = (data.design @ parameters[:, :-2, None])[:, :, 0]
    log_spread = np.where(data.treated, parameters[:, -2:-1], parameters[:, -1:])
    shrink = np.exp(-log_spread)
    return (data.lower - centre) * shrink, (data.upper - centre) * shrink, log_spread


def _value_slopes(exact: Bools, low: Floats, high: Floats) -> tuple[Floats, ...]:
    """Derivatives of each value's term by its mean (times the spread) and by ln spread.

    First by the mean and by ln spread, then second: mean twice, mean and ln spread, ln spread
    twice.
    """
    hidden = ~exact
    a, b = low[hidden], high[hidden]
    mass = _log_mass(a, b)
    at_a, at_b = _density_ratio(a, mass), _density_ratio(b, mass)
    a, b = _finite(a), _finite(b)
    moments = [at_a * a**k - at_b * b**k for k in range(4)]
    found = [low, low**2 - 1, np.full_like(low, -1.0), -2 * low, -2 * low**2]
    mean, spread, square, cube = moments
    of_hidden = (
        mean,
        spread,
        spread - mean**2,
        square - mean * spread - mean,
        cube - spread - spread**2,
    )
    return tuple(_put(one, hidden, other) for one, other in zip(found, of_hidden, strict=True))


def _put(values: Floats, where: Bools, others: Floats) -> Floats:
    """A copy of the values with others in some places."""
    copy = values.copy()
    copy[where] = others
    return copy


# Tobit regression of two arms with one spread per arm, tested by its likelihood.


#: where the ends of the interval are looked for, in half-widths of the common Tobit's
_NEAR = np.array([0.4, 0.6, 0.8, 1.0, 1.3, 1.7])
_FAR = np.array([2.4, 4.0, 8.0, 20.0])
#: then so many points within the bracket
_POINTS = 6
UNBOUNDED = "the interval of the ratio has no end that could be found"


@dataclass(frozen=True, slots=True)
class ArmTobit:
    """Treated minus control, with a spread per arm."""

    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    t: float = math.nan
    df: float = math.nan
    p: float = math.nan
    spread_treated: float = math.nan
    spread_control: float = math.nan
    at_bound: bool = False
    reason: str = ""


def arm_tobit(
    lower: ArrayLike,
    upper: ArrayLike,
    covariates: ArrayLike,
    treated: ArrayLike,
    *,
    level: float = 0.95,
) -> ArmTobit:
    """Compare two arms whose values are intervals, each arm with its own spread.

    Venzon DJ, Moolgavkar SH (1988) A method for computing profile-likelihood-based confidence
    intervals. Applied Statistics 37:87-94.
    """
    fraction(level, "level")
    low, high = intervals(lower, upper, "responses")
    arm = two_arms(treated)
    same_length(low.size, treated=arm)
    others = design_matrix(covariates, low.size)
    common = tobit(low, high, np.column_stack((others, arm)))
    df = float(low.size - others.shape[1] - 1)
    if not common.converged or df < 1:
        return ArmTobit(reason=common.reason or RANK)
    # as residuals of the common fit in its own unit, so that neither place nor unit matters
    design = np.column_stack((others, arm.astype(np.float64)))
    centre, unit = design @ common.coefficients, common.scale
    about = float(common.coefficients[-1])
    basis = np.linalg.qr(others)[0] * math.sqrt(low.size)
    profile = _Profile.of((low - centre) / unit, (high - centre) / unit, basis, arm)
    if profile is None:
        return ArmTobit(reason=DIVERGED)
    nil = np.array([-about / unit])
    t = float(profile.t(nil)[0])
    width = float(stdtrit(df, (1 + level) / 2))
    step = width * math.sqrt(float(common.covariance[-1, -1])) / unit
    low_end, high_end = (profile.end(width, side * step) for side in (-1, 1))
    if not all(math.isfinite(one) for one in (t, low_end, high_end)):
        return ArmTobit(reason=UNBOUNDED)
    p = float(2 * stdtr(df, -abs(t)))
    first, second = profile.spreads
    return ArmTobit(
        difference=about + unit * profile.best,
        low=about + unit * low_end,
        high=about + unit * high_end,
        t=t,
        df=df,
        p=p,
        spread_treated=unit * first,
        spread_control=unit * second,
        at_bound=bool(at_bound(profile.parameters) or at_bound(profile.fits(nil)[0]).any()),
    )


@dataclass(frozen=True, slots=True)
class _Profile:
    """The likelihood of each difference between the arms, everything else at its best."""

    low: Floats
    high: Floats
    others: Floats
    arm: Bools
    parameters: Floats
    value: float

    @classmethod
    def of(cls, low: Floats, high: Floats, others: Floats, arm: Bools) -> _Profile | None:
        """The likelihood about its maximum, which lies near 0 throughout; None where none."""
        data = ArmData(
            low[None], high[None], (low == high)[None], np.column_stack((others, arm)), arm
        )
        parameters, value, converged = maximise_spreads(data, np.zeros((1, others.shape[1] + 3)))
        found = cls(low, high, others, arm, parameters[0], float(value[0]))
        return found if converged[0] else None

    @property
    def best(self) -> float:
        """The difference at the maximum."""
        return float(self.parameters[-3])

    @property
    def spreads(self) -> tuple[float, float]:
        """Of the treated and of the control arm."""
        treated, control = np.exp(self.parameters[-2:])
        return float(treated), float(control)

    def fits(self, differences: Floats) -> tuple[Floats, Floats, Bools]:
        """Everything else at its best, the log-likelihood there, whether there is a maximum."""
        shift = differences[:, None] * self.arm
        low, high = self.low - shift, self.high - shift
        exact = np.broadcast_to(self.low == self.high, low.shape)
        start = np.tile(np.delete(self.parameters, -3), (len(differences), 1))
        return maximise_spreads(ArmData(low, high, exact, self.others, self.arm), start)

    def t(self, differences: Floats) -> Floats:
        """Signed root of the likelihood ratio against each difference, as t; NaN without a fit.

        In a linear model with one spread the ratio is n ln(1 + t^2 / df), of which this is the
        way back.
        """
        _, value, converged = self.fits(differences)
        ratio = np.maximum(2 * (self.value - value), 0.0)
        n = self.low.size
        size = np.sqrt((n - self.others.shape[1] - 1) * np.expm1(ratio / n))
        return np.where(converged, np.copysign(size, self.best - differences), np.nan)

    def end(self, width: float, step: float) -> float:
        """The difference where t reaches ``width``, the way ``step`` points; NaN where none."""
        points, t = np.array([self.best]), np.zeros(1)
        for factors in (_NEAR, _FAR):
            points = np.append(points, self.best + step * factors)
            t = np.append(t, np.abs(self.t(points[len(t) :])))
            if (t >= width).any():
                break
        last = int(np.argmax(t >= width))
        if last == 0 or np.isnan(t[:last]).any():
            return math.nan
        inner = np.linspace(points[last - 1], points[last], _POINTS + 2)
        t = np.concatenate((t[[last - 1]], np.abs(self.t(inner[1:-1])), t[[last]]))
        last = int(np.argmax(t >= width))
        if np.isnan(t[:last]).any():
            return math.nan
        from scipy.interpolate import KroghInterpolator

        # t is almost a straight line: the cubic through four points is exact to 1e-7 of its width
        near = slice(max(last - 2, 0), last + 2)
        if not (np.diff(t[near]) > 0).all():
            near = slice(last - 1, last + 1)
        return float(KroghInterpolator(t[near], inner[near])(width))
