"""Tobit regression: a normal linear model for values known only to lie in an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from cytokit.stats._arrays import (
    Floats,
    design_matrix,
    finite_vector,
    fraction,
    intervals,
    one_of,
    same_length,
)
from cytokit.stats._interval_likelihood import IntervalData, log_likelihood, no_maximum
from cytokit.stats._interval_newton import maximise, natural

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
    """Wald test of one contrast of the coefficients.

    Parameters
    ----------
    estimate, se, t, df, p : float
        Contrast, its standard error, their quotient, degrees of freedom and two-sided p.
    low, high : float
        Confidence limits.
    """

    estimate: float
    se: float
    t: float
    df: float
    p: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tobit:
    """A fitted Tobit regression.

    Parameters
    ----------
    coefficients : ndarray, shape (p,)
        One per column of the design; NaN where the fit failed.
    covariance : ndarray, shape (p, p)
        Inverse of the observed information, the scale profiled in.
    scale : float
        Residual standard deviation (maximum likelihood).
    df : int
        Values minus columns of the design, for t-tests.
    converged : bool
        Whether a maximum was found.
    reason : str
        Why not; empty otherwise.
    log_likelihood : float
        At the maximum.
    n_known, n_below, n_above, n_between : int
        Values known, open below, open above, and between two limits.
    """

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
        """Wald test of a linear combination of the coefficients.

        Parameters
        ----------
        contrast : array_like, shape (p,)
            Weights of the coefficients.
        level : float
            Confidence level.
        law : {"t", "corrected", "normal"}
            t on ``df`` with the plain variance; the same with the variance widened by
            ``1 + p / (n - p)`` times the share of values known, which makes it the test of least
            squares where all are known; or the normal law, as R's ``survreg``, too liberal in
            small trials.

        Returns
        -------
        TobitTest
            All NaN where the fit failed or no degree of freedom is left.

        Raises
        ------
        UsageError
            CK-450, CK-451, CK-453 or CK-456 where an argument is not what it should be.
        """
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

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        Limits on the scale of the model (ln concentration): equal where the value is known,
        ``-inf .. limit`` below range, ``limit .. inf`` above range, or two limits.
    design : array_like, shape (n, p)
        Covariates with the intercept: every column of the model, values finite.

    Returns
    -------
    Tobit
        Equal to R's ``survival::survreg`` with ``dist = "gaussian"`` (``"lognormal"`` on the
        concentrations). Where there is no maximum, ``converged`` is False and ``reason`` says
        why: no values, a design that the values cannot tell apart, known values without spread,
        or complete separation (an arm wholly out of range).

    Raises
    ------
    UsageError
        CK-450 where the design is not finite, CK-451 where shapes do not match, CK-452 where a
        response is missing, reversed or open at both ends.

    References
    ----------
    Olsen RJ (1978) Note on the uniqueness of the maximum likelihood estimator for the Tobit
    model. Econometrica 46:1211-1215. Burridge J (1981) A note on maximum likelihood estimation
    for regression models using grouped data. JRSS B 43:41-45.

    Examples
    --------
    >>> inf = float("inf")
    >>> fit = tobit([1.0, -inf, 2.0, 3.5, 3.0, 4.0], [1.0, 0.5, 2.0, 3.5, 3.0, inf],
    ...             [[1, 0], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1]])
    >>> fit.converged, round(float(fit.coefficients[1]), 3), round(fit.scale, 3)
    (True, 2.641, 0.742)
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
