"""Linear mixed model for repeated days, with small-sample degrees of freedom.

REML with a random intercept per subject, or with an unstructured or a compound symmetric covariance
over visits; tests by Kenward and Roger's or by Satterthwaite's method, where Wald's z would be too
liberal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from cytokit.stats._arrays import (
    Floats,
    Ints,
    codes,
    design_matrix,
    finite_vector,
    fraction,
    one_of,
    same_length,
)
from cytokit.stats._reml import Block, Point, evaluate, maximise
from cytokit.stats._visits import CovariancePattern, blocks_of, visits_of

COVARIANCES = ("intercept", "unstructured", "compound")
DF_METHODS = ("kenward-roger", "satterthwaite")
# The responses are scaled to residual variance 1; a variance below this is none.
_LEAST_VARIANCE = 1e-10

TOO_FEW = "no more values than coefficients"
RANK = "the design has more columns than the values can tell apart"
PERFECT = "the values are constant or fitted perfectly: no spread to estimate"
NOT_REPEATED = "no subject was measured more than once"
UNPAIRED = "a covariance was never measured: no subject has values at both visits"
CONFOUNDED = "the design leaves the variance components nothing to be told apart by"
NOT_FOUND = "the restricted likelihood has no maximum inside the parameter space"


@dataclass(frozen=True, slots=True)
class MixedModel:
    """One contrast of a fitted mixed model.

    Parameters
    ----------
    estimate, se, df, t, p : float
        Contrast, standard error (adjusted under Kenward-Roger), degrees of freedom, t and
        two-sided p; NaN where the fit failed.
    converged : bool
        Whether a maximum was found.
    reason : str
        Why not; empty otherwise.
    boundary : bool
        Whether the variance between subjects is estimated as zero.
    coefficients : ndarray, shape (p,)
        Fixed effects.
    components : ndarray
        Variances within and between subjects, or the lower triangle of the covariance over
        visits, row by row. Under ``compound`` that of the visits alone and then of the others as
        one, whose row ends with their variance; last the covariance between two of the others.
    """

    estimate: float
    se: float
    df: float
    t: float
    p: float
    converged: bool
    reason: str
    boundary: bool
    coefficients: Floats
    components: Floats

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence limits of the contrast.

        Parameters
        ----------
        level : float
            Confidence level.

        Returns
        -------
        tuple of float
            Low and high; NaN where the fit failed.

        Raises
        ------
        UsageError
            CK-456 where the level is not between 0 and 1.
        """
        fraction(level, "level")
        if not math.isfinite(self.p):
            return math.nan, math.nan
        width = float(stdtrit(self.df, (1 + level) / 2)) * self.se
        return self.estimate - width, self.estimate + width


def mixed_model(
    y: ArrayLike,
    subject: ArrayLike,
    design: ArrayLike,
    contrast: ArrayLike,
    *,
    visit: ArrayLike | None = None,
    covariance: str = "intercept",
    alone: ArrayLike = (),
    df: str = "kenward-roger",
) -> MixedModel:
    """Fit a linear mixed model by REML and test one contrast of its fixed effects.

    Parameters
    ----------
    y : array_like, shape (n,)
        Responses (ln concentration), one per subject and visit; leave out what is missing.
    subject : array_like, shape (n,)
        Who was measured.
    design : array_like, shape (n, p)
        Fixed effects with the intercept.
    contrast : array_like, shape (p,)
        Weights of the fixed effects.
    visit : array_like, shape (n,), optional
        When; needed for every covariance but the random intercept.
    covariance : {"intercept", "unstructured", "compound"}
        Random intercept per subject, a free covariance matrix over the visits, or compound
        symmetry (Votaw 1948): free for the visits ``alone``, while all others have one variance,
        one covariance with each other, and one with each visit alone.
    alone : array_like, optional
        CovariancePattern that compound symmetry leaves a variance and covariances of their own.
    df : {"kenward-roger", "satterthwaite"}
        Degrees of freedom; Kenward-Roger also adjusts the standard error.

    Returns
    -------
    MixedModel
        As R's ``lmerTest`` (random intercept) and ``nlme::gls`` with ``corSymm`` and
        ``varIdent`` (unstructured).

    Raises
    ------
    UsageError
        CK-450 where values are not finite, CK-451 where shapes do not match, CK-453 where an
        option is unknown, CK-460 where visits are not given or repeated within a subject, CK-421
        where a visit that is to stand alone has no values.

    References
    ----------
    Kenward MG, Roger JH (1997) Small sample inference for fixed effects from restricted maximum
    likelihood. Biometrics 53:983-997. Giesbrecht FG, Burns JC (1985) Two-stage analysis based on
    a mixed model. Biometrics 41:477-486. Votaw DF (1948) Testing compound symmetry in a normal
    multivariate distribution. Annals of Mathematical Statistics 19:447-473.

    Examples
    --------
    >>> y = [1.0, 2.1, 2.4, 3.2, 0.1, 1.6, 3.1, 3.9]
    >>> subject = [1, 1, 2, 2, 3, 3, 4, 4]
    >>> fit = mixed_model(y, subject, [[1, 0], [1, 1]] * 4, [0, 1])
    >>> round(fit.estimate, 4), round(fit.se, 4), round(fit.df, 4)
    (1.05, 0.1658, 3.0)
    """
    one_of(covariance, COVARIANCES, "covariance")
    one_of(df, DF_METHODS, "df")
    response = finite_vector(y, "y")
    who = codes(subject, response.size, "subject")
    matrix = design_matrix(design, response.size)
    weights = finite_vector(contrast, "contrast")
    same_length(matrix.shape[1], contrast=weights)
    visits = visits_of(visit, who, covariance, alone)
    reason = _obstacle(response, matrix, who, visits)
    if reason:
        return _failed(reason, matrix.shape[1])
    residual_sd = _residual_sd(response, matrix)
    blocks = blocks_of(response / residual_sd, matrix, who, visits)
    start = evaluate(blocks, _uncorrelated(visits))
    if start is None or not _identified(start):
        return _failed(CONFOUNDED, matrix.shape[1])
    fit = _random_intercept(blocks, start) if visits is None else _over_visits(blocks, start)
    if fit is None or not _identified(fit):
        return _failed(NOT_FOUND, matrix.shape[1])
    estimate = float(weights @ fit.beta) * residual_sd
    test = _kenward_roger if df == "kenward-roger" else _satterthwaite
    boundary = visits is None and bool(fit.theta[1] == 0)
    variance, freedom = test(fit, weights)
    if boundary and df == "satterthwaite":
        # No variance between subjects: the test is that of ordinary least squares.
        freedom = float(response.size - matrix.shape[1])
    if not (variance > 0 and freedom > 0):
        return _failed(NOT_FOUND, matrix.shape[1])
    se = math.sqrt(variance) * residual_sd
    t = estimate / se
    return MixedModel(
        estimate=estimate,
        se=se,
        df=freedom,
        t=t,
        p=float(2 * stdtr(freedom, -abs(t))),
        converged=True,
        reason="",
        boundary=boundary,
        coefficients=fit.beta * residual_sd,
        components=fit.theta * residual_sd**2,
    )


def _uncorrelated(visits: CovariancePattern | None) -> Floats:
    """Components of independent values of variance 1, to which the responses are scaled."""
    if visits is None:
        return np.array([1.0, 0.0])
    count = int(visits.components.max()) + 1
    return np.isin(np.arange(count), visits.components.diagonal()).astype(np.float64)


def _identified(point: Point) -> bool:
    """Whether the information on the variance components is regular."""
    diagonal = np.diag(point.expected)
    if not (diagonal > 0).all():
        return False
    size = np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(point.expected / np.outer(size, size)).min() > _LEAST_VARIANCE)


def _kenward_roger(fit: Point, weights: Floats) -> tuple[float, float]:
    """Adjusted variance and degrees of freedom of one contrast (their formula with l = 1)."""
    spread = np.linalg.inv(fit.expected)
    turned = fit.first @ fit.phi
    bias = fit.second(np.asarray(spread, dtype=np.float64))
    bias -= np.einsum("ij,ipq,jqr->pr", spread, turned, fit.first)
    adjusted = fit.phi + 2 * fit.phi @ ((bias + bias.T) / 2) @ fit.phi
    leaning = fit.phi @ weights
    slope = np.einsum("p,ipq,q->i", leaning, fit.first, leaning)
    variance = float(weights @ leaning)
    return float(weights @ adjusted @ weights), 2 * variance**2 / float(slope @ spread @ slope)


def _satterthwaite(fit: Point, weights: Floats) -> tuple[float, float]:
    """Variance and degrees of freedom from the observed information on the components."""
    leaning = fit.phi @ weights
    variance = float(weights @ leaning)
    slope = np.einsum("p,ipq,q->i", leaning, fit.first, leaning)
    solved, *_ = np.linalg.lstsq(fit.observed, slope)
    return variance, 2 * variance**2 / float(slope @ solved)


def _random_intercept(blocks: tuple[Block, ...], edge: Point) -> Point | None:
    """Variances within and between subjects, the latter not negative."""
    if edge.score[1] <= 0:
        return edge
    fit, converged = maximise(blocks, np.array([0.5, 0.5]), _positive_variances)
    return fit if converged else None


def _positive_variances(theta: Floats) -> bool:
    """Whether there is spread between subjects, and more than rounding within them."""
    return bool(theta[0] > _LEAST_VARIANCE and theta[1] > 0)


def _over_visits(blocks: tuple[Block, ...], start: Point) -> Point | None:
    """A covariance over the visits, with more than rounding in every direction of each subject."""

    def positive_definite(theta: Floats) -> bool:
        return all(
            np.linalg.eigvalsh(np.tensordot(theta, block.G, axes=1))[0] > _LEAST_VARIANCE
            for block in blocks
        )

    fit, converged = maximise(blocks, start.theta, positive_definite)
    return fit if converged else None


def _obstacle(y: Floats, X: Floats, who: Ints, visits: CovariancePattern | None) -> str:
    """Why the model cannot be fitted to these values, or an empty text."""
    if y.size <= X.shape[1]:
        return TOO_FEW
    if np.linalg.matrix_rank(X) < X.shape[1]:
        return RANK
    if _residual_sd(y, X) <= 1e-10 * max(float(np.abs(y).max()), 1e-300):
        return PERFECT
    if np.bincount(who).max() < 2:
        return NOT_REPEATED
    if visits is not None:
        seen = np.zeros((who.max() + 1, visits.when.max() + 1))
        seen[who, visits.when] = 1
        told = visits.components[seen.T @ seen > 0]
        if np.setdiff1d(visits.components[visits.components >= 0], told).size:
            return UNPAIRED
    return ""


def _residual_sd(y: Floats, X: Floats) -> float:
    """Standard deviation of the residuals of least squares."""
    beta, *_ = np.linalg.lstsq(X, y)
    return math.sqrt(float(((y - X @ beta) ** 2).sum()) / (y.size - X.shape[1]))


def _failed(reason: str, columns: int) -> MixedModel:
    """A result without numbers, with the reason."""
    nothing = (math.nan,) * 5
    return MixedModel(*nothing, False, reason, False, np.full(columns, np.nan), np.full(0, np.nan))
