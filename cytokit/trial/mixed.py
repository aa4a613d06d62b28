"""Linear mixed model for repeated days, with small-sample degrees of freedom.

REML with a random intercept per subject, or with an unstructured or a compound symmetric covariance
over visits; tests by Kenward and Roger's or by Satterthwaite's method, where Wald's z would be too
liberal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from cytokit.arrays import Bools, Floats, Ints
from cytokit.errors import Problem, UsageError
from cytokit.options import CompareOptions
from cytokit.tables.cells import Day
from cytokit.trial.analyses import beside_arms
from cytokit.trial.arguments import (
    codes,
    design_matrix,
    finite_vector,
    fraction,
    one_of,
    same_length,
)
from cytokit.trial.estimate import Outcome, not_analysed, wald
from cytokit.trial.strata import Labels, strata_of
from cytokit.trial.values import AnalyteData

# Restricted maximum likelihood where the covariance is a sum of known matrices.


_STEPS = 100
_HALVINGS = 25
_DECREMENT = 1e-13
# Below this expected gain the observed information leads to the maximum faster than the expected.
_NEAR = 1e-2


@dataclass(frozen=True, slots=True)
class Block:
    """Subjects with the same visits."""

    y: Floats
    X: Floats
    G: Floats


@dataclass(frozen=True, slots=True)
class RemlPoint:
    """The restricted likelihood and its parts at one set of variance components."""

    theta: Floats
    log_likelihood: float
    beta: Floats
    phi: Floats
    score: Floats
    expected: Floats
    observed: Floats
    first: Floats
    pairs: tuple[tuple[Block, Floats], ...]

    def second(self, weights: Floats) -> Floats:
        """``sum(w_ij X'V^-1 G_i V^-1 G_j V^-1 X)``, the weighted sum of Kenward and Roger's Q."""
        total = np.zeros((self.beta.size, self.beta.size))
        for block, inverse in self.pairs:
            solved = inverse @ block.X
            inner = (block.G @ inverse @ np.tensordot(weights, block.G, axes=1)).sum(axis=0)
            total += _gram(solved, inner @ solved)
        return total


def evaluate(blocks: Sequence[Block], theta: Floats) -> RemlPoint | None:
    """The restricted likelihood at ``theta``, or None where a covariance is not positive."""
    inverses = []
    log_det = 0.0
    for block in blocks:
        covariance = np.tensordot(theta, block.G, axes=1)
        try:
            triangle = np.linalg.cholesky(covariance)
            inverse = np.linalg.inv(covariance)
        except np.linalg.LinAlgError:
            return None
        log_det += 2 * len(block.y) * float(np.log(np.diag(triangle)).sum())
        inverses.append(np.asarray(inverse, dtype=np.float64))
    pairs = tuple(zip(blocks, inverses, strict=True))
    p = blocks[0].X.shape[2]
    cross, moment = np.zeros((p, p)), np.zeros((p, 1))
    for block, inverse in pairs:
        solved = inverse @ block.X
        cross += _gram(solved, block.X)
        moment += _gram(solved, block.y[:, :, None])
    sign, log_cross = np.linalg.slogdet(cross)
    if sign <= 0:
        return None
    phi = np.linalg.inv(cross)
    beta = phi @ moment[:, 0]
    return _parts(pairs, theta, beta, (phi + phi.T) / 2, log_det + float(log_cross))


def _gram(left: Floats, right: Floats) -> Floats:
    """``sum(left_s' right_s)`` over the subjects s."""
    rows = left.shape[0] * left.shape[1]
    found = left.reshape(rows, -1).T @ right.reshape(*right.shape[:-3], rows, -1)
    return np.asarray(found, dtype=np.float64)


def _traces(left: Floats, right: Floats) -> Floats:
    """``tr(left_i right_j)`` of two stacks of matrices."""
    turned = right.transpose(0, 2, 1).reshape(len(right), -1)
    return np.asarray(left.reshape(len(left), -1) @ turned.T, dtype=np.float64)


def _parts(
    pairs: tuple[tuple[Block, Floats], ...],
    theta: Floats,
    beta: Floats,
    phi: Floats,
    log_det: float,
) -> RemlPoint:
    """Score and information, summed over the blocks."""
    r, p = theta.size, beta.size
    first, leaned = np.zeros((r, p, p)), np.zeros((r, p))
    trace, traces, seconds = np.zeros(r), np.zeros((r, r)), np.zeros((r, r))
    quadratic, quadratics = np.zeros(r), np.zeros((r, r))
    total = 0.0
    for block, inverse in pairs:
        n, visits = block.y.shape
        residual = block.y - block.X @ beta
        solved, solved_X = residual @ inverse, inverse @ block.X
        total += float((residual * solved).sum())
        weighted = block.G @ inverse
        trace += n * np.einsum("imm->i", weighted)
        traces += n * _traces(weighted, weighted)
        pushed = np.einsum("imn,sn->sim", block.G, solved)
        quadratic += np.einsum("sm,sim->i", solved, pushed)
        # subjects and visits side by side: one product of matrices for all of them
        flat = pushed.transpose(1, 0, 2).reshape(r, n * visits)
        quadratics += flat @ (pushed @ inverse).transpose(1, 0, 2).reshape(r, -1).T
        leaned += flat @ solved_X.reshape(n * visits, p)
        first -= _gram(solved_X, block.G[:, None] @ solved_X)
        spread = (solved_X @ phi @ solved_X.transpose(0, 2, 1)).sum(axis=0)
        seconds += _traces(weighted, block.G @ spread)
    turned = phi @ first
    expected = 0.5 * (traces - 2 * seconds + _traces(turned, turned))
    return RemlPoint(
        theta=theta,
        log_likelihood=-0.5 * (log_det + total),
        beta=beta,
        phi=phi,
        score=-0.5 * (trace + np.einsum("ipp->i", turned) - quadratic),
        expected=expected,
        observed=quadratics - leaned @ phi @ leaned.T - expected,
        first=first,
        pairs=pairs,
    )


def maximise(
    blocks: Sequence[Block], start: Floats, allowed: Callable[[Floats], bool]
) -> tuple[RemlPoint | None, bool]:
    """Fisher scoring with step halving, Newton near the end; the point and if it converged."""
    point = evaluate(blocks, start)
    if point is None:
        return None, False
    for _ in range(_STEPS):
        step = _direction(point)
        if step is None:
            return point, False
        done = float(point.score @ step) < _DECREMENT
        following = _halved(blocks, point, step, allowed)
        if done:
            return following or point, True
        if following is None:
            return point, False
        point = following
    return point, False


def _direction(point: RemlPoint) -> Floats | None:
    """Scoring step, or Newton's where the maximum is near and the information positive."""
    scoring = _solved(point.expected, point.score)
    if scoring is None or not 0 <= float(point.score @ scoring) < _NEAR:
        return scoring
    newton = _solved(point.observed, point.score)
    return scoring if newton is None else newton


def _solved(information: Floats, score: Floats) -> Floats | None:
    """The step of a positive definite information, or None."""
    try:
        np.linalg.cholesky(information)
        return np.asarray(np.linalg.solve(information, score), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None


def _halved(
    blocks: Sequence[Block], point: RemlPoint, step: Floats, allowed: Callable[[Floats], bool]
) -> RemlPoint | None:
    """The first halved step that stays inside and does not lower the likelihood."""
    for _ in range(_HALVINGS):
        trial = point.theta + step
        reached = evaluate(blocks, trial) if allowed(trial) else None
        slack = 1e-12 * (1 + abs(point.log_likelihood))
        if reached is not None and reached.log_likelihood >= point.log_likelihood - slack:
            return reached
        step = step / 2
    return None


# Repeated measurements laid out for REML: who was measured at which visits.


@dataclass(frozen=True, slots=True)
class CovariancePattern:
    """When each value was measured, and which elements of the covariance are one component."""

    when: Ints
    components: Ints

    def derivatives(self, visits: Ints) -> Floats:
        """Derivatives of the covariance over some visits by the components."""
        places = self.components[np.ix_(visits, visits)]
        count = int(self.components.max()) + 1
        return np.asarray(places == np.arange(count)[:, None, None], dtype=np.float64)


def blocks_of(
    y: Floats, X: Floats, who: Ints, visits: CovariancePattern | None
) -> tuple[Block, ...]:
    """Subjects gathered by the visits they have, or by their number of values."""
    members: dict[tuple[int, ...], list[Ints]] = {}
    for code in range(int(who.max()) + 1):
        rows = np.flatnonzero(who == code)
        if visits is not None:
            rows = rows[np.argsort(visits.when[rows])]
        pattern = tuple(visits.when[rows].tolist()) if visits is not None else (0,) * rows.size
        members.setdefault(pattern, []).append(rows)
    blocks = []
    for pattern, subjects in members.items():
        index = np.array(subjects)
        size = len(pattern)
        if visits is None:
            derivatives = np.array([np.eye(size), np.ones((size, size))])
        else:
            derivatives = visits.derivatives(np.array(pattern))
        blocks.append(Block(y[index], X[index], derivatives))
    return tuple(blocks)


def visits_of(
    visit: ArrayLike | None, who: Ints, covariance: str, alone: ArrayLike = ()
) -> CovariancePattern | None:
    """The visits where the covariance needs them, each once per subject."""
    if covariance == "intercept":
        return None
    if visit is None:
        raise UsageError(
            Problem(
                "CK-460",
                f"a covariance that is {covariance} needs to know the visits",
                mend="pass visit=, one per value, or covariance='intercept'",
            )
        )
    when = codes(visit, who.size, "visit")
    pairs = np.unique(np.column_stack((who, when)), axis=0)
    if len(pairs) < who.size:
        raise UsageError(
            Problem(
                "CK-460",
                f"{who.size - len(pairs)} visit(s) are repeated within a subject",
                mend="give one value per subject and visit",
            )
        )
    count = int(when.max()) + 1 if when.size else 0
    if covariance == "unstructured":
        return CovariancePattern(when, _partitioned(np.arange(count)))
    names, apart = np.asarray(visit), np.asarray(alone)
    strangers = np.setdiff1d(apart, names)
    if strangers.size:
        raise UsageError(
            Problem(
                "CK-421",
                f"no value was measured at {', '.join(map(str, strangers.tolist()))}, "
                "which is to stand alone",
                mend="name visits that have values, or leave alone= out",
            )
        )
    single = np.unique(when[np.isin(names, apart)])
    sets = np.full(count, single.size)
    sets[single] = np.arange(single.size)
    several = np.bincount(who[sets[when] == single.size], minlength=1).max() > 1
    return CovariancePattern(when, _partitioned(sets, told=bool(several)))


def _partitioned(sets: Ints, *, told: bool = True) -> Ints:
    """Compound symmetry: visits of the last set have one variance and one covariance.

    A component per pair of sets, the lower triangle row by row, then the covariance within the last
    set, if some subject tells it.
    """
    high, low = np.maximum.outer(sets, sets), np.minimum.outer(sets, sets)
    components = np.asarray(high * (high + 1) // 2 + low, dtype=np.int64)
    within = (high == low) & ~np.eye(sets.size, dtype=bool)
    components[within] = components.max(initial=-1) + 1 if told else -1
    return components


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
    """One contrast of a fitted mixed model."""

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
        """Confidence limits of the contrast."""
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

    Kenward MG, Roger JH (1997) Small sample inference for fixed effects from restricted maximum
    likelihood. Biometrics 53:983-997. Giesbrecht FG, Burns JC (1985) Two-stage analysis based on
    a mixed model. Biometrics 41:477-486. Votaw DF (1948) Testing compound symmetry in a normal
    multivariate distribution. Annals of Mathematical Statistics 19:447-473.
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


def _identified(point: RemlPoint) -> bool:
    """Whether the information on the variance components is regular."""
    diagonal = np.diag(point.expected)
    if not (diagonal > 0).all():
        return False
    size = np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(point.expected / np.outer(size, size)).min() > _LEAST_VARIANCE)


def _kenward_roger(fit: RemlPoint, weights: Floats) -> tuple[float, float]:
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


def _satterthwaite(fit: RemlPoint, weights: Floats) -> tuple[float, float]:
    """Variance and degrees of freedom from the observed information on the components."""
    leaning = fit.phi @ weights
    variance = float(weights @ leaning)
    slope = np.einsum("p,ipq,q->i", leaning, fit.first, leaning)
    solved, *_ = np.linalg.lstsq(fit.observed, slope)
    return variance, 2 * variance**2 / float(slope @ solved)


def _random_intercept(blocks: tuple[Block, ...], edge: RemlPoint) -> RemlPoint | None:
    """Variances within and between subjects, the latter not negative."""
    if edge.score[1] <= 0:
        return edge
    fit, converged = maximise(blocks, np.array([0.5, 0.5]), _positive_variances)
    return fit if converged else None


def _positive_variances(theta: Floats) -> bool:
    """Whether there is spread between subjects, and more than rounding within them."""
    return bool(theta[0] > _LEAST_VARIANCE and theta[1] > 0)


def _over_visits(blocks: tuple[Block, ...], start: RemlPoint) -> RemlPoint | None:
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


# Three or more days: a mixed model of all of them, the groups equal at baseline by design.


#: the label of a row's method, by the covariance over the days
METHODS = {
    "unstructured": "mixed model (unstructured)",
    "compound": "mixed model (compound symmetry)",
}
#: so many subjects are needed for each variance or covariance of an unstructured matrix
SUBJECTS_PER_COMPONENT = 2
# with so many days or fewer both covariances are the same matrix: there is one other day
_SAME = 3


@dataclass(frozen=True, slots=True)
class Visits:
    """The days of a mixed model, and where baseline and tested day stand among them."""

    baseline: int
    tested: int
    days: tuple[Day, ...]


def find_visits(days: Sequence[Day], baseline: Day | None, tested: Sequence[Day]) -> Visits | None:
    """The days of a mixed model: all of a study, where they are over two and one is tested."""
    if baseline is None or len(tested) != 1 or len(days) < 3:
        return None
    return Visits(days.index(baseline), days.index(tested[0]), tuple(days))


def covariance_of(days: int, subjects: int) -> str:
    """Which covariance over the days so many subjects can carry."""
    enough = SUBJECTS_PER_COMPONENT * days * (days + 1) // 2 <= subjects
    return "unstructured" if days <= _SAME or enough else "compound"


def compare_repeated(
    data: AnalyteData, treated: Bools, visits: Visits, options: CompareOptions
) -> Outcome:
    """The group effect at the tested day."""
    present = np.column_stack([cells.present for cells in data.visits])
    exact = np.column_stack([cells.exact for cells in data.visits])
    compared = [visits.baseline, visits.tested]
    outside = (present & ~exact).sum(axis=0)
    used = np.asarray(present.any(axis=1))
    if outside[compared].any():
        many = int(outside[compared].sum())
        reason = f"{many} value{'s' * (many != 1)} out of range at baseline or the tested day"
        return not_analysed(reason, used)
    notes = _set_aside(visits.days, outside)
    present = present & (outside == 0)
    used = np.asarray(present.any(axis=1))
    if min((present[:, visits.tested] & arm).sum() for arm in (treated, ~treated)) < 2:
        reason = "fewer than 2 values in a group on the tested day"
        return not_analysed(reason, used, notes=notes)
    values = np.column_stack([cells.lower for cells in data.visits])
    who, when = np.nonzero(present)
    strata = strata_of(data.subjects.stratum, options)
    design, contrast = _design(who, when, treated, strata, visits)
    alone = np.intersect1d(when, compared)
    model = _Model(values[who, when], who, when, design, contrast, alone)
    covariance, fitted, more = _fit(model)
    notes += more
    if not fitted.converged:
        return not_analysed(fitted.reason, used, notes=notes)
    beside = beside_arms(data.day, treated, options, data.subjects.stratum)
    estimate = wald(METHODS[covariance], fitted.estimate, fitted.se, fitted.df, options.level)
    return Outcome(estimate, used, beside, tuple(notes))


def _set_aside(days: Sequence[Day], outside: Ints) -> list[tuple[str, str]]:
    """The note on days that are not compared and hold values out of range."""
    named = [
        f"day {day} ({many} value{'s' * (many != 1)} out of range)"
        for day, many in zip(days, outside.tolist(), strict=True)
        if many
    ]
    return [("day_set_aside", ", ".join(named))] if named else []


@dataclass(frozen=True, slots=True)
class _Model:
    """The values in long form, the design and the contrast; the days whose covariance is free."""

    y: Floats
    who: Ints
    when: Ints
    design: Floats
    contrast: Floats
    alone: Ints


def _design(
    who: Ints, when: Ints, treated: Bools, strata: Labels | None, visits: Visits
) -> tuple[Floats, Floats]:
    """A mean per day and of its strata, a group effect per day but the baseline; the contrast.

    A day that is not compared has no effect where its means hold it already: one group alone was
    measured there, or the strata tell the groups apart.
    """
    shown = np.unique(when).tolist()
    means = [(when == visit).astype(float) for visit in shown]
    means += _of_strata(strata, who, when)
    effects: dict[int, Floats] = {}
    for visit in shown:
        here = when == visit
        effect = (here & treated[who]).astype(float)
        without = np.column_stack(means)[here]
        rank = np.linalg.matrix_rank(np.column_stack([without, effect[here]]))
        own = rank > np.linalg.matrix_rank(without)
        if visit == visits.tested or (own and visit != visits.baseline):
            effects[visit] = effect
    contrast = np.zeros(len(means) + len(effects))
    contrast[len(means) + list(effects).index(visits.tested)] = 1.0
    return np.column_stack([*means, *effects.values()]), contrast


def _of_strata(strata: Labels | None, who: Ints, when: Ints) -> list[Floats]:
    """An indicator per day and stratum, less one stratum of those that have values on the day."""
    if strata is None:
        return []
    found = []
    for visit in range(int(when.max()) + 1):
        here = when == visit
        levels = sorted(set(strata[who[here]].tolist()))
        found += [(here & (strata[who] == level)).astype(float) for level in levels[1:]]
    return found


def _fit(model: _Model) -> tuple[str, MixedModel, list[tuple[str, str]]]:
    """The covariance, the fit, and a note where another covariance was meant.

    A random intercept would be the last resort, but where values of distant days have less in
    common than those of near ones its level is far off: it is not used.
    """

    def fitted(covariance: str) -> MixedModel:
        return mixed_model(
            model.y,
            model.who,
            model.design,
            model.contrast,
            visit=model.when,
            covariance=covariance,
            alone=model.alone if covariance == "compound" else (),
        )

    days = np.unique(model.when).size
    first = covariance_of(days, np.unique(model.who).size)
    found = fitted(first)
    if found.converged or first == "compound" or days <= _SAME:
        return first, found, []
    why = f"{METHODS['compound']}: {found.reason}"
    return "compound", fitted("compound"), [("other_method", why)]
