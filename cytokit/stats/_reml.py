"""Restricted maximum likelihood where the covariance is a sum of known matrices.

``V = sum(theta_i G_i)`` within a subject covers a random intercept as well as compound symmetry and
an unstructured covariance. Subjects measured at the same visits share their matrices and are one
block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cytokit.stats._arrays import Floats

_STEPS = 100
_HALVINGS = 25
_DECREMENT = 1e-13
# Below this expected gain the observed information leads to the maximum faster than the expected.
_NEAR = 1e-2


@dataclass(frozen=True, slots=True)
class Block:
    """Subjects with the same visits.

    Parameters
    ----------
    y : ndarray, shape (subjects, visits)
        Responses.
    X : ndarray, shape (subjects, visits, p)
        Design.
    G : ndarray, shape (components, visits, visits)
        Derivatives of the covariance by its components.
    """

    y: Floats
    X: Floats
    G: Floats


@dataclass(frozen=True, slots=True)
class Point:
    """The restricted likelihood and its parts at one set of variance components.

    Parameters
    ----------
    theta : ndarray, shape (r,)
        Variance components.
    log_likelihood : float
        Restricted, without its constant.
    beta, phi : ndarray
        Generalised least squares estimate and its covariance.
    score : ndarray, shape (r,)
        Gradient.
    expected, observed : ndarray, shape (r, r)
        Information on the components.
    first : ndarray, shape (r, p, p)
        ``-X'V^-1 G_i V^-1 X`` (P of Kenward and Roger).
    pairs : tuple of (Block, ndarray)
        The data, each block with the inverse of its covariance.
    """

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
        """``sum(w_ij X'V^-1 G_i V^-1 G_j V^-1 X)``, the weighted sum of Kenward and Roger's Q.

        Parameters
        ----------
        weights : ndarray, shape (r, r)

        Returns
        -------
        ndarray, shape (p, p)
            Their r x r matrices are never held: at 21 days they would fill gigabytes.
        """
        total = np.zeros((self.beta.size, self.beta.size))
        for block, inverse in self.pairs:
            solved = inverse @ block.X
            inner = (block.G @ inverse @ np.tensordot(weights, block.G, axes=1)).sum(axis=0)
            total += _gram(solved, inner @ solved)
        return total


def evaluate(blocks: Sequence[Block], theta: Floats) -> Point | None:
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
) -> Point:
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
    return Point(
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
) -> tuple[Point | None, bool]:
    """Fisher scoring with step halving, Newton near the end; the point, and whether it converged.

    Parameters
    ----------
    blocks : sequence of Block
    start : ndarray
        Components to begin with.
    allowed : callable
        Whether components lie inside the parameter space.
    """
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


def _direction(point: Point) -> Floats | None:
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
    blocks: Sequence[Block], point: Point, step: Floats, allowed: Callable[[Floats], bool]
) -> Point | None:
    """The first halved step that stays inside and does not lower the likelihood."""
    for _ in range(_HALVINGS):
        trial = point.theta + step
        reached = evaluate(blocks, trial) if allowed(trial) else None
        slack = 1e-12 * (1 + abs(point.log_likelihood))
        if reached is not None and reached.log_likelihood >= point.log_likelihood - slack:
            return reached
        step = step / 2
    return None
