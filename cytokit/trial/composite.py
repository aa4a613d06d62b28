"""Deaths before the day of interest: the worst-rank composite, and the delta tipping point.

Neither is an effect on the cytokine: the first ranks patients, the second (in
:mod:`cytokit.trial.composite`) asks how bad the unseen values would have to be to overturn what the
survivors show.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from cytokit.arrays import Bools, Floats
from cytokit.errors import Problem, UsageError
from cytokit.options import CompareOptions, choices_of
from cytokit.trial.analyses import covariates
from cytokit.trial.arguments import (
    finite_vector,
    fraction,
    intervals,
    one_of,
    same_length,
    two_arms,
    whole_number,
)
from cytokit.trial.estimate import Beside, Estimate, Outcome, not_analysed
from cytokit.trial.linear import ANCOVA, ANCOVA_PER_ARM, indicators
from cytokit.trial.propagate import rubin
from cytokit.trial.ranks import gehan
from cytokit.trial.strata import strata_of, stratified_delta, stratified_ranks
from cytokit.trial.values import AnalyteData

# Delta tipping point: how bad unseen outcomes must be to overturn what the seen ones show.


ARMS = ("treated", "control", "both")
# The way to the shift that brings the effect to zero is searched in so many steps, then halved.
_STEPS = 200
_TOLERANCE = 1e-9
_LARGEST_LOG = 700.0


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How far unseen values must lie from what was expected to overturn the result."""

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

    Yan X, Lee S, Li N (2009) Missing data handling methods in medical device clinical trials.
    J Biopharm Stat 19:1085-1098. Barnard J, Rubin DB (1999) Small-sample degrees of freedom with
    multiple imputation. Biometrika 86:948-955.
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
        pooled = rubin(fitted[:, -1], within, n - columns)
        estimate = pooled.difference
        return estimate, float(2 * stdtr(pooled.df, -abs(estimate) / pooled.se))

    return analyse


def _first_at(p: Callable[[float], float], alpha: float, farthest: float) -> float:
    """The shift nearest to 0 at which p reaches alpha; at the farthest one the effect is 0."""
    steps = np.linspace(0.0, farthest, _STEPS + 1).tolist()
    crossing = next((k for k in range(1, _STEPS) if p(steps[k]) >= alpha), _STEPS)
    low, high = steps[crossing - 1], steps[crossing]
    while abs(high - low) > _TOLERANCE * abs(farthest):
        middle = (low + high) / 2
        low, high = (low, middle) if p(middle) >= alpha else (middle, high)
    return float(high)


WORSE = choices_of(CompareOptions, "worse")


@dataclass(frozen=True, slots=True)
class WorstRank:
    """What the worst-rank composite says."""

    statistic: float
    p: float
    exact: bool
    p_min: float
    p_treated_better: float
    died_treated: int
    died_control: int
    reason: str = ""
    draws: int | None = None
    seed: int | None = None


def worst_rank(
    lower_t: ArrayLike,
    upper_t: ArrayLike,
    lower_c: ArrayLike,
    upper_c: ArrayLike,
    *,
    deaths_t: ArrayLike,
    deaths_c: ArrayLike,
    strata: ArrayLike | None = None,
    worse: str = "high",
    seed: int = 0,
    draws: int = 100_000,
) -> WorstRank:
    """Rank test of a composite in which every death is worse than every survivor.

    Lachin JM (1999) Worst-rank score analysis with informatively missing observations in clinical
    trials. Controlled Clinical Trials 20:408-422.
    """
    one_of(worse, WORSE, "worse")
    arms = []
    for name, low, high, deaths in (
        ("treated", lower_t, upper_t, deaths_t),
        ("control", lower_c, upper_c, deaths_c),
    ):
        below, above = intervals(low, high, name)
        turned = (below, above) if worse == "high" else (-above, -below)
        arms.append((*turned, finite_vector(deaths, f"deaths of {name}")))
    ends = np.unique(np.concatenate([part for low, high, _ in arms for part in (low, high)]))
    days = np.unique(np.concatenate([died for _, _, died in arms]))[::-1]
    placed = [_placed(low, high, died, ends, days) for low, high, died in arms]
    result = gehan(*placed[0], *placed[1], seed=seed, draws=draws)
    pairs = placed[0][0].size * placed[1][0].size
    better = 1 - result.statistic / pairs if pairs else math.nan
    if strata is not None and pairs:
        low, high = (np.concatenate([arm[end] for arm in placed]) for end in (0, 1))
        labels, n = np.asarray(strata), placed[0][0].size
        same_length(low.size, strata=labels)
        arm = np.arange(low.size) < n
        better = (1 - stratified_delta(low, high, arm, labels)) / 2
        result = stratified_ranks(low, high, arm, labels, draws=draws, seed=seed)
    return WorstRank(
        statistic=result.statistic,
        p=result.p,
        exact=result.exact,
        p_min=result.p_min,
        p_treated_better=better,
        died_treated=arms[0][2].size,
        died_control=arms[1][2].size,
        reason=result.reason,
        draws=result.draws,
        seed=result.seed,
    )


def _placed(
    low: Floats, high: Floats, died: Floats, ends: Floats, days: Floats
) -> tuple[Floats, Floats]:
    """Limits as their places among all limits, deaths beyond them, earlier deaths farther."""
    beyond = ends.size + np.searchsorted(-days, -died).astype(np.float64)
    return (
        np.append(np.searchsorted(ends, low).astype(np.float64), beyond),
        np.append(np.searchsorted(ends, high).astype(np.float64), beyond),
    )


# Subjects who died before the tested day: the composite that counts them, and the tipping point.


#: with so many other seeds the tipping point is found again, to see how far it depends on its draws
TIPPING_RUNS = 10
COMPOSITE = "worst-rank composite"
COMPOSITE_WITHIN = f"{COMPOSITE} within strata"


def compare_composite(data: AnalyteData, treated: Bools, options: CompareOptions) -> Outcome | None:
    """Rank test in which every death is worse than every survivor."""
    died = data.subjects.died & ~data.day.present
    if not died.any():
        return None
    used = data.day.present | died
    arms = [data.day.take(arm & data.day.present) for arm in (treated, ~treated)]
    if not all((arm & used).any() for arm in (treated, ~treated)):
        return not_analysed("an arm has neither a value nor a death", used)
    within = strata_of(data.subjects.stratum[used], options)
    strata = None
    if within is not None:  # in the order of the arguments: values, then deaths, arm by arm
        parts = [data.subjects.stratum[arm & rows] for arm in (treated, ~treated)
                 for rows in (data.day.present, died)]  # fmt: skip
        strata = np.concatenate(parts)
    result = worst_rank(
        arms[0].lower,
        arms[0].upper,
        arms[1].lower,
        arms[1].upper,
        deaths_t=np.zeros(int((died & treated).sum())),
        deaths_c=np.zeros(int((died & ~treated).sum())),
        strata=strata,
        worse=options.worse,
        seed=options.seed,
        draws=options.draws,
    )
    note = (
        "composite",
        f"{result.died_treated} + {result.died_control} deaths rank worse than any value "
        f"({options.worse} is worse): not an effect on the cytokine",
    )
    if np.isnan(result.p):
        return not_analysed(result.reason, used, notes=[note])
    delta = 1.0 - 2.0 * result.p_treated_better
    estimate = Estimate(
        COMPOSITE if strata is None else COMPOSITE_WITHIN, p=result.p, statistic=result.statistic
    )
    return Outcome(
        estimate, used, Beside(p_rank=result.p, p_min=result.p_min, delta=delta), (note,)
    )


def with_tipping(
    data: AnalyteData, treated: Bools, outcome: Outcome, options: CompareOptions
) -> Outcome:
    """By which ratio the values of the dead would have to differ before significance is lost.

    The dead of both groups are shifted, those of the treated by the ratio and those of the control
    group by its inverse; where one group alone has any, those.
    """
    died = data.subjects.died & ~data.day.present & data.base.present
    if (
        outcome.estimate.method not in (ANCOVA, ANCOVA_PER_ARM)
        or not outcome.estimate.p < options.alpha
        or not died.any()
    ):
        return outcome
    rows = outcome.used | died
    strata = strata_of(data.subjects.stratum[rows], options)
    columns, _ = covariates(data.base.take(rows))
    columns = np.column_stack([columns, *indicators(strata, int(rows.sum()))])
    arm = treated[rows]
    values = np.where(outcome.used, data.day.lower, np.nan)[rows]
    in_treated, in_control = (bool((died & who).any()) for who in (treated, ~treated))
    shifted = "both" if in_treated and in_control else "treated" if in_treated else "control"

    def tipped(seed: int) -> TippingPoint:
        return tipping_point(values, arm, columns, arm=shifted, alpha=options.alpha, seed=seed)

    found = tipped(options.seed)
    if np.isnan(found.ratio):
        return outcome
    # where other draws have nothing to tip, no shift at all tips them
    others = [tipped(options.seed + step).delta for step in range(1, TIPPING_RUNS + 1)]
    error = float(np.nan_to_num(others).std(ddof=1))
    return replace(outcome, tipping_ratio=found.ratio, tipping_error=error)
