"""Delta tipping point: how bad unseen outcomes must be to overturn what the seen ones show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from cytokit.errors import Problem, UsageError
from cytokit.stats._arrays import (
    Bools,
    Floats,
    finite_vector,
    fraction,
    one_of,
    same_length,
    two_arms,
    whole_number,
)

ARMS = ("treated", "control", "both")
# The way to the shift that brings the effect to zero is searched in so many steps, then halved.
_STEPS = 200
_TOLERANCE = 1e-9
_LARGEST_LOG = 700.0


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How far unseen values must lie from what was expected to overturn the result.

    Parameters
    ----------
    delta : float
        The smallest shift of the unseen values, against the finding, at which p reaches alpha;
        in the unit of the outcome (natural log: ``exp(delta)`` is a ratio); NaN where none.
    ratio : float
        ``exp(delta)``.
    estimate, p : float
        Effect and p with unseen values imputed without a shift.
    n_unseen_treated, n_unseen_control : int
        Values imputed.
    arm : str
        Whose unseen values were shifted.
    imputations, seed : int
        Multiple imputations and their seed.
    reason : str
        Why there is no tipping point; empty otherwise.
    """

    delta: float
    ratio: float
    estimate: float
    p: float
    n_unseen_treated: int
    n_unseen_control: int
    arm: str
    imputations: int
    seed: int
    reason: str = ""


def tipping_point(
    outcome: ArrayLike,
    treated: ArrayLike,
    covariates: ArrayLike | None = None,
    *,
    arm: str = "treated",
    alpha: float = 0.05,
    imputations: int = 100,
    seed: int = 0,
) -> TippingPoint:
    """Delta-adjusted multiple imputation of unseen outcomes, up to where significance is lost.

    Unseen outcomes are drawn from the analysis of covariance of the seen ones, shifted by delta
    against the finding, and analysed with Rubin's rules and Barnard and Rubin's degrees of
    freedom. The same draws serve every delta.

    Parameters
    ----------
    outcome : array_like, shape (n,)
        ln concentration at the day of interest; NaN where the patient died or was not sampled.
    treated : array_like of bool, shape (n,)
        True where treated.
    covariates : array_like, shape (n, k), optional
        Baseline and strata columns, finite, without the intercept.
    arm : {"treated", "control", "both"}
        Whose unseen values are shifted; controls are shifted the other way.
    alpha : float
        Level at which a finding counts.
    imputations : int
        Number of imputations, at least 2.
    seed : int
        Seed of the draws.

    Returns
    -------
    TippingPoint
        ``delta`` carries the sign of the shift in the treated arm (or, for controls alone, in
        theirs). Where there is a finding and something to shift, a tipping point always exists.

    Raises
    ------
    UsageError
        CK-450, CK-451, CK-457 where arrays are not what they should be, CK-453 where the arm is
        unknown, CK-456 where alpha, imputations or seed are out of range.

    References
    ----------
    Yan X, Lee S, Li N (2009) Missing data handling methods in medical device clinical trials.
    J Biopharm Stat 19:1085-1098. Barnard J, Rubin DB (1999) Small-sample degrees of freedom with
    multiple imputation. Biometrika 86:948-955.

    Examples
    --------
    >>> outcome = [1.0, 1.2, 0.9, 1.1, 1.3, float("nan"), 2.0, 2.2, 1.9, 2.4, 2.1, 2.3]
    >>> result = tipping_point(outcome, [True] * 6 + [False] * 6, seed=1)
    >>> round(result.delta, 2), result.n_unseen_treated
    (1.87, 1)
    """
    one_of(arm, ARMS, "arm")
    fraction(alpha, "alpha")
    whole_number(imputations, "imputations", 2)
    whole_number(seed, "seed", 0)
    y, labels = np.asarray(outcome, dtype=np.float64), two_arms(treated)
    same_length(labels.size, outcome=y)
    seen = ~np.isnan(y)
    finite_vector(y[seen], "outcome")
    design = _ancova_design(labels, covariates)
    unseen_t, unseen_c = int((~seen & labels).sum()), int((~seen & ~labels).sum())

    def without(reason: str, estimate: float = math.nan, p: float = math.nan) -> TippingPoint:
        return TippingPoint(
            math.nan, math.nan, estimate, p, unseen_t, unseen_c, arm, imputations, seed, reason
        )

    obstacle = _obstacle(y, design, seen, labels, arm)
    if obstacle:
        return without(obstacle)
    analyse = _imputed(y, design, seen, _shift(labels, seen, arm), imputations, seed)
    estimate, p = analyse(0.0)
    if p >= alpha:
        return without("not significant without a shift", estimate, p)
    slope = analyse(1.0)[0] - estimate
    if abs(slope) <= 1e-12:
        return without("the unseen values have no weight in the effect", estimate, p)
    delta = _first_at(lambda shift: analyse(shift)[1], alpha, -estimate / slope)
    ratio = math.exp(delta) if delta < _LARGEST_LOG else math.inf
    return TippingPoint(delta, ratio, estimate, p, unseen_t, unseen_c, arm, imputations, seed)


def _obstacle(y: Floats, design: Floats, seen: Bools, labels: Bools, arm: str) -> str:
    """Why no tipping point can be looked for, or an empty text."""
    shifted = {"treated": labels, "control": ~labels, "both": np.ones_like(labels)}[arm]
    if not (~seen & shifted).any():
        return "no unseen value in the arm that is shifted"
    if seen.sum() <= design.shape[1] or np.linalg.matrix_rank(design[seen]) < design.shape[1]:
        return "too few seen values for the covariates"
    coefficients, *_ = np.linalg.lstsq(design[seen], y[seen])
    error = np.abs(y[seen] - design[seen] @ coefficients).max()
    if error <= 1e-10 * max(float(np.abs(y[seen]).max()), 1e-300):
        return "the seen values are constant or fitted perfectly"
    return ""


def _ancova_design(labels: Bools, covariates: ArrayLike | None) -> Floats:
    """Intercept, covariates, and the group in the last column."""
    columns = [np.ones(labels.size)]
    if covariates is not None:
        array = np.asarray(covariates, dtype=np.float64)
        matrix = array[:, None] if array.ndim == 1 else array
        if matrix.ndim != 2:
            raise UsageError(
                Problem("CK-451", f"covariates have shape {array.shape}", mend="give n x k values")
            )
        same_length(labels.size, covariates=matrix)
        finite_vector(matrix.ravel(), "covariates")
        columns += list(matrix.T)
    return np.column_stack([*columns, labels.astype(np.float64)])


def _shift(labels: Bools, seen: Bools, arm: str) -> Floats:
    """By how much of delta each unseen value moves."""
    if arm == "control":
        return np.where(~seen & ~labels, 1.0, 0.0)
    opposite = -1.0 if arm == "both" else 0.0
    return np.where(seen, 0.0, np.where(labels, 1.0, opposite))


def _imputed(
    y: Floats, design: Floats, seen: Bools, shift: Floats, imputations: int, seed: int
) -> Callable[[float], tuple[float, float]]:
    """Estimate and p as a function of delta."""
    rng = np.random.default_rng(seed)
    n, columns = design.shape
    inverse = np.linalg.inv(design[seen].T @ design[seen])
    coefficients = inverse @ design[seen].T @ y[seen]
    df = int(seen.sum()) - columns
    sum_squares = float(((y[seen] - design[seen] @ coefficients) ** 2).sum())
    # Draws from the posterior under Jeffreys' prior, then from the predictive distribution.
    sd = np.sqrt(sum_squares / rng.chisquare(df, size=imputations))
    drawn = rng.standard_normal((imputations, columns)) @ np.linalg.cholesky(inverse).T
    beta = coefficients + sd[:, None] * drawn
    noise = sd[:, None] * rng.standard_normal((imputations, n))
    completed = np.where(seen, np.where(seen, y, 0.0), beta @ design.T + noise)
    full = np.linalg.inv(design.T @ design)

    def analyse(delta: float) -> tuple[float, float]:
        responses = completed + delta * shift
        fitted = responses @ design @ full
        residual = responses - fitted @ design.T
        within = (residual**2).sum(axis=1) / (n - columns) * full[-1, -1]
        return _rubin(fitted[:, -1], within, n - columns)

    return analyse


def _rubin(estimates: Floats, within: Floats, df_complete: int) -> tuple[float, float]:
    """Pooled estimate and p by Rubin's rules with Barnard and Rubin's degrees of freedom."""
    m = estimates.size
    between = (1 + 1 / m) * float(estimates.var(ddof=1))
    total = float(within.mean()) + between
    lost = between / total
    observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - lost)
    df = 1 / (lost**2 / (m - 1) + 1 / observed)
    estimate = float(estimates.mean())
    return estimate, float(2 * stdtr(df, -abs(estimate) / math.sqrt(total)))


def _first_at(p: Callable[[float], float], alpha: float, farthest: float) -> float:
    """The shift nearest to 0 at which p reaches alpha; at the farthest one the effect is 0."""
    steps = np.linspace(0.0, farthest, _STEPS + 1).tolist()
    crossing = next((k for k in range(1, _STEPS) if p(steps[k]) >= alpha), _STEPS)
    low, high = steps[crossing - 1], steps[crossing]
    while abs(high - low) > _TOLERANCE * abs(farthest):
        middle = (low + high) / 2
        low, high = (low, middle) if p(middle) >= alpha else (middle, high)
    return float(high)
