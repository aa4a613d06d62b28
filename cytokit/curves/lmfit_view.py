"""A solved curve as an lmfit fit, and curves of the user's own as lmfit Models.

The one module that imports lmfit, which takes long: import it where it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import lmfit
import numpy as np
import numpy.typing as npt

from cytokit.arrays import Floats
from cytokit.curves.logistic import MODELS, log_concentration, psi, psi_gradient
from cytokit.curves.solver import BatchFit, Prior
from cytokit.errors import InputError, Problem, UsageError

THETA = ("m", "eta", "k")
#: How far beyond the standards a custom curve is inverted, as a factor.
REACH = 10.0
GRID_POINTS = 512


@dataclass(frozen=True, slots=True)
class Solution:
    """One solved curve, in the kernel's coordinates."""

    theta: Floats
    lower: float
    upper: float
    orientation: int = 1
    fixed: tuple[str, ...] = ()

    @classmethod
    def of(cls, fit: BatchFit, curve: int = 0) -> Self:
        """One curve of a batch."""
        frozen = fit.at_bound[:, curve] | np.array([False, False, MODELS[fit.model].held])
        names = tuple(name for name, on in zip(THETA, frozen, strict=True) if on)
        return cls(
            fit.theta[:, curve],
            float(fit.lower[curve]),
            float(fit.upper[curve]),
            fit.orientation,
            names,
        )


class LogisticModel(lmfit.Model):  # type: ignore[misc]
    """lower + (upper - lower) psi(ln x; m, eta, k), with slope, inflection, asymmetry derived."""

    def __init__(self, orientation: int = 1, prior: Prior | None = None) -> None:
        self.orientation = orientation
        self.prior_mean = np.zeros(3) if prior is None else prior.mean[:, 0]
        self.prior_root = np.zeros(3) if prior is None else np.sqrt(prior.precision[:, 0])

        def curve(x: Floats, lower: float, upper: float, m: float, eta: float, k: float) -> Floats:
            theta = np.array([m, eta, k])
            return lower + (upper - lower) * psi(log_concentration(x), theta, orientation)

        super().__init__(curve, name=f"5PL, orientation {'+' if orientation > 0 else '-'}")

    def start(
        self, lower: float, upper: float, theta: Floats, fixed: tuple[str, ...]
    ) -> lmfit.Parameters:
        """Parameters at a known solution; the natural ones follow as expressions."""
        params = self.make_params(lower=lower, upper=upper, m=theta[0], eta=theta[1], k=theta[2])
        for name in fixed:
            params[name].set(vary=False)
        sign = "+" if self.orientation > 0 else "-"
        params.add("asymmetry", expr="exp(k)")
        params.add("slope", expr="exp(eta + (1 + exp(k)) * log1p(exp(-k)))")
        params.add("inflection", expr=f"exp(m {sign} k / slope)")
        return params

    def _residual(
        self, params: lmfit.Parameters, data: Floats, weights: Floats, **kwargs: Any
    ) -> Floats:
        """Weighted residuals, then the prior's: their squares add up to the kernel's objective."""
        residual = super()._residual(params, data, weights, **kwargs)
        theta = np.array([params[name].value for name in THETA])
        return np.concatenate([residual, self.prior_root * (self.prior_mean - theta)])

    def jacobian(
        self, params: lmfit.Parameters, _data: Floats, weights: Floats, *, x: Floats
    ) -> Floats:
        """Derivatives of the residuals with respect to the parameters that vary."""
        theta = np.array([params[name].value for name in THETA])
        span = params["upper"].value - params["lower"].value
        shape, gradient = psi_gradient(
            log_concentration(x)[:, None], theta[:, None], self.orientation
        )
        columns = {"lower": 1.0 - shape[:, 0], "upper": shape[:, 0]}
        for j, name in enumerate(THETA):
            columns[name] = span * gradient[j, :, 0]
        out = []
        for name, column in columns.items():
            if params[name].vary:
                prior = np.array([-self.prior_root[j] * (THETA[j] == name) for j in range(3)])
                out.append(np.concatenate([-weights * column, prior]))
        return np.stack(out, axis=1)


def lmfit_result(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    w: npt.ArrayLike,
    solution: Solution,
    prior: Prior | None = None,
) -> lmfit.model.ModelResult:
    """Fit one curve with lmfit, from the kernel's solution and with the analytic Jacobian.

    The objective is the kernel's own: priors are three more residuals (they count in ``ndata`` and
    ``nfree``), weights are not rescaled (``scale_covar=False``). ``slope``, ``inflection`` and
    ``asymmetry`` are derived parameters, with standard errors. lmfit's ``conf_interval`` compares
    fits by an F test, which scales by the scatter of the residuals all the same.
    """
    if not np.isfinite([solution.lower, solution.upper, *solution.theta]).all():
        raise InputError(
            Problem(
                "CK-313",
                "there is no fitted curve for lmfit to start from",
                mend="look at the curve's reason: it has too few levels, or no fit",
            )
        )
    x, y, w = (np.asarray(v, dtype=float) for v in (x, y, w))
    used = w > 0
    model = LogisticModel(solution.orientation, prior)
    params = model.start(solution.lower, solution.upper, solution.theta, solution.fixed)
    return model.fit(
        y[used],
        params,
        weights=np.sqrt(w[used]),
        x=x[used],
        scale_covar=False,
        fit_kws={"Dfun": model.jacobian},
    )


@dataclass(frozen=True, slots=True)
class CustomCurve:
    """A fitted curve of the user's own."""

    result: lmfit.model.ModelResult
    x_low: float
    x_high: float

    def predict(self, x: npt.ArrayLike) -> Floats:
        """Responses at concentrations x, of its shape."""
        return _evaluate(self.result, np.asarray(x, dtype=float))

    def invert(self, y: npt.ArrayLike) -> Floats:
        """Concentrations at responses y, by bracketing."""
        from scipy.optimize import brentq

        y = np.asarray(y, dtype=float)
        low, high = np.log(self.x_low), np.log(self.x_high)
        at_low, at_high = (float(v) for v in self.predict([self.x_low, self.x_high]))
        sign = 1.0 if at_high > at_low else -1.0
        out = np.full(y.shape, np.nan)
        out[sign * (y - at_low) < 0] = 0.0
        out[sign * (y - at_high) > 0] = np.inf
        for index in np.argwhere((sign * (y - at_low) >= 0) & (sign * (y - at_high) <= 0)):
            wanted = float(y[tuple(index)])
            root = brentq(
                lambda log_x, wanted=wanted: float(self.predict([np.exp(log_x)])[0]) - wanted,
                low,
                high,
                xtol=1e-12,
            )
            out[tuple(index)] = np.exp(root)
        return out


def fit_custom(
    model: lmfit.Model,
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    weights: npt.ArrayLike,
    params: lmfit.Parameters | Mapping[str, float],
) -> CustomCurve:
    """Fit a curve given as an lmfit Model, one by one."""
    if not isinstance(model, lmfit.Model) or len(model.independent_vars) != 1:
        raise UsageError(
            Problem(
                "CK-310",
                f"the curve model is {model!r}",
                mend="give an lmfit.Model of one independent variable, the concentration",
            )
        )
    missing = [name for name in model.param_names if name not in params]
    if missing:
        raise UsageError(
            Problem(
                "CK-311",
                f"no start value for {', '.join(missing)}",
                mend=f"give values for {', '.join(model.param_names)}",
            )
        )
    start = params if isinstance(params, lmfit.Parameters) else model.make_params(**params)
    x, y, weights = (np.asarray(v, dtype=float) for v in (x, y, weights))
    used = weights > 0
    try:
        result = model.fit(
            y[used],
            start,
            weights=np.sqrt(weights[used]),
            scale_covar=False,
            **{model.independent_vars[0]: x[used]},
        )
    except (ValueError, TypeError) as error:  # how lmfit reports NaN and too few points
        raise InputError(_failed(model, str(error))) from error
    if not (result.success and np.isfinite(result.chisqr)):
        raise InputError(_failed(model, str(result.message)))
    return CustomCurve(result, *_monotone_range(result, x[used]))


def _evaluate(result: lmfit.model.ModelResult, x: Floats) -> Floats:
    """The fitted curve at x; overflow in a user's function is inf, not a warning."""
    with np.errstate(all="ignore"):
        values = result.eval(**{result.model.independent_vars[0]: x})
    return np.broadcast_to(np.asarray(values, dtype=float), x.shape)


def _monotone_range(result: lmfit.model.ModelResult, x: Floats) -> tuple[float, float]:
    """The stretch around the standards over which the curve keeps rising, or falling."""
    low, high = float(x[x > 0].min()), float(x.max())
    grid = np.unique(np.r_[np.geomspace(low / REACH, high * REACH, GRID_POINTS), low, high])
    values = _evaluate(result, grid)
    first, last = np.searchsorted(grid, [low, high])
    sign = np.sign(values[last] - values[first])
    good = np.isfinite(values[:-1]) & np.isfinite(values[1:]) & (sign * np.diff(values) > 0)
    if sign == 0 or not good[first:last].all():
        raise InputError(
            Problem(
                "CK-314",
                f"{result.model.name} is not monotone between {low:g} and {high:g}",
                mend="a reading would have several concentrations: take another model or start",
            )
        )
    while first > 0 and good[first - 1]:
        first -= 1
    while last < grid.size - 1 and good[last]:
        last += 1
    return float(grid[first]), float(grid[last])


def _failed(model: lmfit.Model, why: str) -> Problem:
    """The fit of a custom model came to nothing."""
    return Problem(
        "CK-312",
        f"{model.name} could not be fitted: {why}",
        mend="try other start values, set bounds on the parameters, or leave out the blanks",
    )
