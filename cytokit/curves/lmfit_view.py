"""A solved curve as an lmfit fit, and curves of the user's own as lmfit Models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from cytokit.curves.batchfit import BatchFit
from cytokit.curves.model import Array
from cytokit.curves.prior import Prior
from cytokit.errors import InputError, Problem, UsageError

if TYPE_CHECKING:
    import lmfit

#: How far beyond the standards a custom curve is inverted, as a factor.
REACH = 10.0
GRID_POINTS = 512


@dataclass(frozen=True, slots=True)
class Solution:
    """One solved curve, in the kernel's coordinates.

    Parameters
    ----------
    theta : ndarray, shape (3,)
        m, eta, k; m in the unit of the x it is used with.
    lower, upper : float
    orientation : {1, -1}
    fixed : tuple of {"m", "eta", "k"}
        Coordinates that do not vary: k of a 4PL, and what lies on the solver's box.
    """

    theta: Array
    lower: float
    upper: float
    orientation: int = 1
    fixed: tuple[str, ...] = ()

    @classmethod
    def of(cls, fit: BatchFit, curve: int = 0) -> Self:
        """One curve of a batch.

        Parameters
        ----------
        fit : BatchFit
        curve : int

        Returns
        -------
        Solution
        """
        frozen = fit.at_bound[:, curve] | np.array([False, False, fit.model == "4pl"])
        names = tuple(name for name, on in zip(("m", "eta", "k"), frozen, strict=True) if on)
        return cls(
            fit.theta[:, curve],
            float(fit.lower[curve]),
            float(fit.upper[curve]),
            fit.orientation,
            names,
        )


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

    Parameters
    ----------
    x, y, w : array_like, shape (n,)
        Concentrations, responses and weights 1/variance of wells or levels. Weight 0 is absent.
    solution : Solution
    prior : Prior, optional
        The one used in the fit, of shape (3, 1).

    Returns
    -------
    lmfit.model.ModelResult
        With ``fit_report()``, ``conf_interval()``, ``eval_uncertainty()``, ``plot()``.

    Raises
    ------
    InputError
        CK-313: there is no solution to start from.

    Examples
    --------
    >>> from cytokit.curves.batch import fit_batch
    >>> from cytokit.curves.prior import weak_prior
    >>> x = np.array([0, 1, 4, 16, 64, 256, 1024.0])
    >>> y = np.array([21, 130, 440, 1510, 4200, 7500, 9200.0])
    >>> w = 1 / (0.07 * y) ** 2
    >>> fit = fit_batch(x, y[:, None], w[:, None], prior=weak_prior(x))
    >>> result = lmfit_result(x, y, w, Solution.of(fit), weak_prior(x))
    >>> bool(abs(result.chisqr / fit.sse[0] - 1) < 1e-9), result.nfev <= 2
    (True, True)
    """
    from cytokit.curves.lmfit_model import LogisticModel

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
    """A fitted curve of the user's own.

    Parameters
    ----------
    result : lmfit.model.ModelResult
    x_low, x_high : float
        Where the curve is monotone around the standards, and inverted.
    """

    result: lmfit.model.ModelResult
    x_low: float
    x_high: float

    def predict(self, x: npt.ArrayLike) -> Array:
        """Responses at concentrations x, of its shape."""
        return _evaluate(self.result, np.asarray(x, dtype=float))

    def invert(self, y: npt.ArrayLike) -> Array:
        """Concentrations at responses y, by bracketing.

        Parameters
        ----------
        y : array_like

        Returns
        -------
        ndarray
            0 where y lies on the side of low concentrations beyond ``x_low``, inf on the other
            side; NaN where y is NaN.
        """
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
    """Fit a curve given as an lmfit Model, one by one.

    Parameters
    ----------
    model : lmfit.Model
        Of one independent variable, the concentration.
    x, y : array_like, shape (n,)
        Concentrations and responses of the standards.
    weights : array_like, shape (n,)
        1/variance, as everywhere here (lmfit itself multiplies residuals by 1/sd). 0 is absent.
    params : lmfit.Parameters or mapping of name to start value

    Returns
    -------
    CustomCurve

    Raises
    ------
    UsageError
        CK-310: not an lmfit Model of one variable. CK-311: a parameter without a start value.
    InputError
        CK-312: the fit fails. CK-314: not monotone between the lowest and the highest standard.

    Examples
    --------
    >>> import lmfit
    >>> x = np.array([1, 4, 16, 64, 256.0])
    >>> line = lmfit.Model(lambda x, a, b: a + b * np.sqrt(x))
    >>> curve = fit_custom(line, x, 3 + 2 * np.sqrt(x), np.ones(5), {"a": 1.0, "b": 1.0})
    >>> curve.predict([9.0]).round(6), curve.invert([9.0, 2.0, 1e9]).round(6)
    (array([9.]), array([ 9.,  0., inf]))
    """
    import lmfit

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


def _evaluate(result: lmfit.model.ModelResult, x: Array) -> Array:
    """The fitted curve at x; overflow in a user's function is inf, not a warning."""
    with np.errstate(all="ignore"):
        values = result.eval(**{result.model.independent_vars[0]: x})
    return np.broadcast_to(np.asarray(values, dtype=float), x.shape)


def _monotone_range(result: lmfit.model.ModelResult, x: Array) -> tuple[float, float]:
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
