"""Tobit regression of two arms with one spread per arm, tested by its likelihood.

Below a limit the mean of an arm is inferred from its spread, so that one spread for two arms that
differ draws the ratio aside: with half the values hidden and spreads of 1:2 the common Tobit's
type I error is .13, and no interval mends it. Here each arm has its own; and as the likelihood is
far from a parabola the test is the likelihood ratio's signed root, on the scale of t (exact where
nothing is hidden and the spreads are one), and the interval holds every ratio it does not reject.

No spread is more than ten times the other (:data:`cytokit.stats._spread_likelihood.RATIO_BOUND`):
within that bound the greatest maximum is found, under it the likelihood would grow without end
about two or three values in range that the coefficients can meet exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from cytokit.stats._arrays import (
    Bools,
    Floats,
    design_matrix,
    fraction,
    intervals,
    same_length,
    two_arms,
)
from cytokit.stats._spread_likelihood import ArmData, at_bound, maximise
from cytokit.stats.censored import DIVERGED, RANK, tobit

#: where the ends of the interval are looked for, in half-widths of the common Tobit's
_NEAR = np.array([0.4, 0.6, 0.8, 1.0, 1.3, 1.7])
_FAR = np.array([2.4, 4.0, 8.0, 20.0])
#: then so many points within the bracket
_POINTS = 6
UNBOUNDED = "the interval of the ratio has no end that could be found"


@dataclass(frozen=True, slots=True)
class ArmTobit:
    """Treated minus control, with a spread per arm.

    Parameters
    ----------
    difference : float
        NaN where there is no fit.
    low, high : float
        Ends of the likelihood's interval.
    t, df, p : float
        Signed root of the likelihood ratio on the scale of t, its degrees of freedom, two-sided p.
    spread_treated, spread_control : float
        Residual standard deviations (maximum likelihood).
    at_bound : bool
        Whether the spreads stand in the greatest ratio they may have, at the maximum or where the
        difference is nil.
    reason : str
        Why there are no numbers; empty otherwise.
    """

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

    Parameters
    ----------
    lower, upper : array_like, shape (n,)
        As in :func:`cytokit.stats.censored.tobit`.
    covariates : array_like, shape (n, k)
        All columns but the arm's, the intercept among them.
    treated : array_like of bool, shape (n,)
    level : float
        Confidence level.

    Returns
    -------
    ArmTobit

    Raises
    ------
    UsageError
        CK-450 to CK-452, CK-456 or CK-457 where an argument is not what it should be.

    References
    ----------
    Venzon DJ, Moolgavkar SH (1988) A method for computing profile-likelihood-based confidence
    intervals. Applied Statistics 37:87-94.

    Examples
    --------
    >>> inf = float("inf")
    >>> low = [1.0, -inf, 2.0, 1.6, -inf, 3.5, 3.0, 4.0, 2.2, 3.1]
    >>> high = [1.0, 0.5, 2.0, 1.6, 0.5, 3.5, 3.0, inf, 2.2, 3.1]
    >>> found = arm_tobit(low, high, np.ones((10, 1)), np.arange(10) >= 5)
    >>> round(found.difference, 2), round(found.p, 3)
    (2.36, 0.013)
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
        parameters, value, converged = maximise(data, np.zeros((1, others.shape[1] + 3)))
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
        return maximise(ArmData(low, high, exact, self.others, self.arm), start)

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
