"""Groups compared at one day: ANCOVA with strata, Welch, and the difference in change.

All on ln concentration, treated minus control. With two days the ANCOVA's estimate equals that of
the constrained longitudinal model, and it is the most powerful of the analyses offered (Vickers
2001, BMC Med Res Methodol 1:6; EMA guideline on adjustment for baseline covariates, 2015).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cytokit.arrays import Bools, Floats
from cytokit.errors import CytokitError, Problem
from cytokit.trial.estimate import LEAST_DF, Estimate, failed, few_df, wald
from cytokit.trial.tobit import tobit
from cytokit.trial.values import Cells

# A standard error for least squares with one residual spread per arm.


#: larger over smaller arm from which on a common spread is not taken for granted
UNEQUAL_SIZES = 1.5
#: below this the arms' variances cannot be told apart from the residuals
_SINGULAR = 1e-9


def unequal_sizes(treated: Bools) -> bool:
    """Whether the arms differ so much in size that each needs its own spread.

    Least squares with one spread hardly minds unequal spreads while the larger arm is less than
    one and a half times the smaller (Stevens 2009, Applied Multivariate Statistics, ch. 6). Sizes
    are known before any value is: the rule looks at the design and not at the spreads, so that no
    test chooses the test.
    """
    sizes = int(treated.sum()), int((~treated).sum())
    return max(sizes) >= UNEQUAL_SIZES * min(sizes)


def variance_per_arm(
    basis: Floats, weights: Floats, residuals: Floats, treated: Bools
) -> tuple[float, float]:
    """Variance of a least-squares estimate and its degrees of freedom, a spread per arm."""
    form = arm_form(basis, weights, treated)
    if form is None:
        return float("nan"), float("nan")
    squared = [residuals[arm] @ residuals[arm] for arm in (treated, ~treated)]
    variance, df = form.of(np.array([squared]))
    return float(variance[0]), float(df[0])


@dataclass(frozen=True, slots=True)
class ArmForm:
    """What a design makes of the squared residuals of its two arms."""

    unmixed: Floats
    share: Floats
    half: Floats

    def of(self, squared: Floats) -> tuple[Floats, Floats]:
        """Variance of the estimate and Satterthwaite's degrees of freedom."""
        # an unbiased variance may come out negative where an arm hardly varies: that is none
        sigma2 = np.maximum(squared @ self.unmixed.T, 0.0)
        variance = sigma2 @ self.share
        spread_of_it = ((sigma2 @ self.half) * sigma2).sum(axis=1)
        known = spread_of_it > 0
        df = np.where(known, variance**2 / np.where(known, spread_of_it, 1.0), np.nan)
        return variance, df


def arm_form(basis: Floats, weights: Floats, treated: Bools) -> ArmForm | None:
    """The form of a design; None where the arms' variances cannot be told apart."""
    arms = (treated, ~treated)
    n = np.array([arm.sum() for arm in arms], dtype=float)
    leverage = [basis[arm].T @ basis[arm] for arm in arms]
    mixture = np.array([[np.sum(one * other) for other in leverage] for one in leverage])
    mixture += np.diag(n - 2 * np.array([np.trace(one) for one in leverage]))
    if np.linalg.svd(mixture, compute_uv=False)[-1] <= _SINGULAR * n.max():
        return None
    share = np.array([weights[arm] @ weights[arm] for arm in arms])
    unmixed = np.linalg.inv(mixture)
    return ArmForm(unmixed, share, _squared_trace(unmixed @ share, leverage, n))


def _squared_trace(factor: Floats, leverage: list[Floats], n: Floats) -> Floats:
    """Half the variance of the quadratic form that estimates the variance, by the arms' variances.

    The form's matrix is M D M with M = I - QQ' and D one factor per arm; trace((M D M S)^2) is
    summed by arms, so that no n x n matrix is made.
    """
    middle = factor[0] * leverage[0] + factor[1] * leverage[1]
    identity = np.eye(len(middle))
    half = np.empty((2, 2))
    for g in (0, 1):
        for h in (0, 1):
            inner = middle - (factor[g] + factor[h]) * identity
            half[g, h] = np.trace(leverage[g] @ inner @ leverage[h] @ inner)
        inner = middle - 2 * factor[g] * identity
        half[g, g] += 2 * factor[g] * np.trace(inner @ leverage[g]) + n[g] * factor[g] ** 2
    return half


# The one door to pingouin: Welch's t, Hedges' g, a normality check.


def welch_t(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Welch's t of mean(x) - mean(y): statistic, degrees of freedom, two-sided p."""
    import pingouin

    with warnings.catch_warnings():
        # One constant arm, and a power or Bayes factor out of reach (neither is used here), make
        # scipy and pingouin warn; t, df and p stand.
        warnings.simplefilter("ignore", RuntimeWarning)
        row = pingouin.ttest(x, y, correction=True).iloc[0]
    p = _first(row.to_dict(), ("p_val", "p-val", "p_unc"))
    return float(row["T"]), float(row["dof"]), p


def hedges(x: Floats, y: Floats) -> float:
    """Hedges' g of mean(x) - mean(y), with pingouin's small-sample correction."""
    import pingouin

    return float(pingouin.compute_effsize(x, y, eftype="hedges"))


def normality(x: Floats) -> float:
    """P of the Shapiro-Wilk test; NaN for fewer than four values or constant ones."""
    if len(x) < 4 or np.ptp(x) == 0:
        return float("nan")
    import pingouin

    row = pingouin.normality(x).iloc[0].to_dict()
    return _first(row, ("pval", "p_val"))


def version() -> str:
    """The installed pingouin's version, without importing it."""
    from importlib.metadata import version as installed

    return installed("pingouin")


def _first(row: dict[str, object], names: tuple[str, ...]) -> float:
    """The first of several spellings that is there."""
    for name in names:
        if name in row:
            return float(row[name])  # type: ignore[arg-type]
    raise CytokitError(
        Problem(
            "CK-420",
            f"pingouin {version()} returns no column called {' or '.join(names)}",
            mend="install a release of pingouin that cytokit was tested with (0.6 or 0.7)",
        )
    )


ANCOVA, ANCOVA_PER_ARM = "ANCOVA", "ANCOVA (spread per arm)"
#: what Welch's test becomes where there are strata
LINEAR, LINEAR_PER_ARM = "linear model with strata", "linear model with strata (spread per arm)"
Spread = Literal["common", "separate"]
CONSTANT = "the values do not vary"
CONSTANT_WITHIN = "the values do not vary within the groups"
COLLINEAR = "the groups cannot be told apart from baseline or stratum"
#: residual variation below this share of the total is rounding, not data
_NOTHING_LEFT = 1e-18


def ancova(
    day: Floats,
    covariates: Floats,
    treated: NDArray[np.bool_],
    *,
    level: float = 0.95,
    strata: NDArray[np.str_] | None = None,
    spread: Spread = "common",
) -> Estimate:
    """Analysis of covariance: ln day on covariates, strata and group."""
    one, per_arm = (ANCOVA, ANCOVA_PER_ARM) if covariates.shape[1] else (LINEAR, LINEAR_PER_ARM)
    method = one if spread == "common" else per_arm
    columns = [np.ones(len(day)), *covariates.T, *indicators(strata, len(day)), treated]
    X = np.column_stack(columns).astype(float)
    n, k = X.shape
    if n <= k:
        return failed(method, f"{n} subjects are too few for {k} coefficients")
    if np.linalg.matrix_rank(X) < k:
        return failed(method, COLLINEAR)
    Q, R = np.linalg.qr(X)
    beta = np.linalg.solve(R, Q.T @ day)
    residuals = day - X @ beta
    rss = float(residuals @ residuals)
    if rss <= _NOTHING_LEFT * max(float(day @ day), 1.0):
        return failed(method, CONSTANT_WITHIN if np.ptp(day) > 0 else CONSTANT)
    row = np.linalg.solve(R.T, np.eye(k)[-1])
    variance, df = rss / (n - k) * float(row @ row), float(n - k)
    if spread == "separate":
        variance, df = variance_per_arm(Q, Q @ row, residuals, np.asarray(treated, dtype=bool))
        if not (variance > 0 and df > 0):
            return failed(method, "too few values for a spread per arm")
    if df < LEAST_DF:
        return failed(method, few_df(df))
    return wald(method, float(beta[-1]), float(np.sqrt(variance)), df, level)


def ancova_residuals(day: Floats, covariates: Floats, treated: NDArray[np.bool_]) -> Floats:
    """Residuals of the analysis of covariance, for a look at their distribution."""
    X = np.column_stack([np.ones(len(day)), *covariates.T, treated]).astype(float)
    return np.asarray(day - X @ np.linalg.lstsq(X, day, rcond=None)[0])


def welch(
    treated: Floats, control: Floats, *, level: float = 0.95, method: str = "Welch"
) -> Estimate:
    """Welch's unequal-variance t test of two samples of ln concentrations (or ln changes)."""
    if min(len(treated), len(control)) < 2:
        return failed(method, "fewer than 2 subjects in a group")
    variance = treated.var(ddof=1) / len(treated) + control.var(ddof=1) / len(control)
    size = max(float(np.mean(treated**2) + np.mean(control**2)), 1.0)
    if variance <= _NOTHING_LEFT * size:
        constant = np.ptp(np.concatenate([treated, control])) == 0
        return failed(method, CONSTANT if constant else CONSTANT_WITHIN)
    difference = float(treated.mean() - control.mean())
    _, df, p = welch_t(treated, control)
    if df < LEAST_DF:
        return failed(method, few_df(df))
    return wald(method, difference, float(np.sqrt(variance)), df, level, p)


def indicators(strata: NDArray[np.str_] | None, n: int) -> list[Floats]:
    """One column per stratum but the first; strata nobody is in give none."""
    if strata is None:
        return []
    levels = sorted(set(strata.tolist()))
    return [np.asarray(strata == level, dtype=float).reshape(n) for level in levels[1:]]


# Whether a model may be believed: the residuals' shape and spread.


#: a small level: at 50 analytes half a flag is expected by chance
LEVEL = 0.01
#: groups whose sizes differ by less hardly mind unequal spread
UNBALANCED = 1.2
#: a ratio of spreads that chance alone gives 12 v 12 in three trials of a hundred
SPREAD_RATIO = 2.0


def diagnose(day: Floats, columns: Floats, treated: Bools) -> list[tuple[str, str]]:
    """Flags on the residuals of an analysis of covariance."""
    notes = diagnose_normality(day, columns, treated)
    residuals = ancova_residuals(day, columns, treated)
    sizes = sorted((int(treated.sum()), int((~treated).sum())))
    if sizes[0] < 3 or sizes[1] < UNBALANCED * sizes[0]:
        return notes
    spread = [float(residuals[arm].std(ddof=1)) for arm in (treated, ~treated)]
    distance = [np.abs(residuals[arm] - np.median(residuals[arm])) for arm in (treated, ~treated)]
    if min(spread) > 0 and welch_t(*distance)[2] < LEVEL:
        small = treated.sum() < (~treated).sum()
        wider = (spread[0] > spread[1]) == small
        text = (
            f"spread {spread[0]:.2g} against {spread[1]:.2g} in groups of unequal size: p is too "
        )
        notes.append(
            ("unequal_spread", text + ("small" if wider else "large") + "; see p_other_spread")
        )
    return notes


def diagnose_normality(day: Floats, columns: Floats, treated: Bools) -> list[tuple[str, str]]:
    """The flag ``not_normal`` alone; parameters as :func:`diagnose`."""
    if normality(ancova_residuals(day, columns, treated)) < LEVEL:
        return [("not_normal", "residuals are not normal on the ln scale: see p_rank")]
    return []


def diagnose_tobit(day: Cells, columns: Floats, treated: Bools) -> list[tuple[str, str]]:
    """A flag where the groups' spreads differ so much that the Tobit's mean is drawn aside.

    With half the values below the limit the model sees only the upper half and infers the mean
    from the spread, which it takes to be one: at a ratio of 2 the type I error rises to .08 with
    25 % and to .13 with 50 % below the limit. The Tobit with a spread per arm needs no such flag.
    """
    spread = []
    for arm in (treated, ~treated):
        X = np.column_stack([np.ones(int(arm.sum())), columns[arm]])
        fitted = tobit(day.lower[arm], day.upper[arm], X)
        if not fitted.converged or fitted.df < 2:
            return []
        spread.append(fitted.scale)
    if max(spread) < SPREAD_RATIO * min(spread):
        return []
    text = (
        f"spread {spread[0]:.2g} against {spread[1]:.2g}, the Tobit takes one: see p_other_spread"
    )
    return [("unequal_spread", text)]


# Effect sizes: Hedges' g, the common-language effect size, Cliff's delta.


def hedges_g(treated: Floats, control: Floats) -> float:
    """Standardised mean difference with the small-sample correction (Hedges 1981)."""
    if min(len(treated), len(control)) < 2:
        return math.nan
    spread = treated.var() + control.var()
    if spread <= 1e-18 * max(1.0, float(np.mean(treated**2) + np.mean(control**2))):
        return math.nan
    return hedges(treated, control)


def cliffs_delta(lower_t: Floats, upper_t: Floats, lower_c: Floats, upper_c: Floats) -> float:
    """Cliff's delta: share of pairs with treated surely above, minus surely below."""
    if not len(lower_t) or not len(lower_c):
        return math.nan
    above = _surely_above(lower_t[:, None], upper_t[:, None], lower_c, upper_c)
    below = _surely_above(lower_c, upper_c, lower_t[:, None], upper_t[:, None])
    return float(above.mean() - below.mean())


def cles(delta: float) -> float:
    """Common-language effect size: P(treated > control) + P(tie)/2, from Cliff's delta."""
    return (delta + 1.0) / 2.0


def _surely_above(
    lower_a: Floats, upper_a: Floats, lower_b: Floats, upper_b: Floats
) -> NDArray[np.bool_]:
    """Where a lies above b whatever both are; exact equal values do not."""
    both_exact = (lower_a == upper_a) & (lower_b == upper_b)
    return np.asarray(np.where(both_exact, lower_a > upper_b, lower_a >= upper_b))
