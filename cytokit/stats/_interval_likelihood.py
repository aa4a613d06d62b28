"""Log-likelihood of intervals under a normal law, with gradient and Hessian.

In Olsen's parameters, coefficients and response divided by the standard deviation, it is concave
(Burridge 1981), so that Newton's method with step halving finds the only maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from cytokit.stats._arrays import Bools, Floats

_LOG_SQRT_2PI = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class IntervalData:
    """Responses as intervals, with their design.

    Parameters
    ----------
    lower, upper : ndarray, shape (n,)
        Limits; infinite where open.
    exact : ndarray of bool, shape (n,)
        Where the response is known.
    design : ndarray, shape (n, p)
        Covariates.
    """

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
