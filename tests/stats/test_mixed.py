"""The linear mixed model where closed forms or a general optimiser know the answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.mixed import (
    CONFOUNDED,
    COVARIANCES,
    DF_METHODS,
    NOT_FOUND,
    NOT_REPEATED,
    PERFECT,
    RANK,
    TOO_FEW,
    UNPAIRED,
    MixedModel,
    blocks_of,
    evaluate,
    mixed_model,
    visits_of,
)


def trial(seed: int, n: int = 14, visits: int = 3, lost: float = 0.15):
    """Two arms over visits with a random intercept and values missing at random."""
    rng = np.random.default_rng(seed)
    subject, visit = np.repeat(np.arange(n), visits), np.tile(np.arange(visits), n)
    arm = subject % 2
    y = 0.9 * rng.normal(size=n)[subject] + 0.3 * visit + 0.4 * arm * visit
    y = y + 0.6 * rng.normal(size=y.size)
    kept = rng.uniform(size=y.size) > lost
    X = np.column_stack((np.ones(y.size), arm, visit, arm * visit))
    return y[kept], subject[kept], X[kept], visit[kept]


def restricted(y: np.ndarray, X: np.ndarray, V: np.ndarray) -> float:
    """The restricted log-likelihood from the whole covariance matrix."""
    inverse = np.linalg.inv(V)
    cross = X.T @ inverse @ X
    residual = y - X @ np.linalg.solve(cross, X.T @ inverse @ y)
    parts = np.linalg.slogdet(V)[1] + np.linalg.slogdet(cross)[1]
    return -0.5 * (parts + residual @ inverse @ residual)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
@pytest.mark.parametrize("covariance", ["intercept", "unstructured"])
def test_two_complete_days_are_the_paired_t_test(df: str, covariance: str) -> None:
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(1)
    before = rng.normal(size=9)
    after = before + 0.5 + 0.4 * rng.normal(size=9)
    y = np.column_stack((before, after)).ravel()
    fit = mixed_model(
        y,
        np.repeat(np.arange(9), 2),
        [[1, 0], [1, 1]] * 9,
        [0, 1],
        visit=[0, 1] * 9,
        covariance=covariance,
        df=df,
    )
    expected = ttest_rel(after, before)
    assert (fit.t, fit.df, fit.p) == pytest.approx(
        (expected.statistic, 8, expected.pvalue), rel=1e-6
    )
    interval = expected.confidence_interval(0.9)
    assert fit.interval(0.9) == pytest.approx((interval.low, interval.high), rel=1e-6)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
def test_between_subjects_in_complete_data_is_the_t_test_of_means(df: str) -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(2)
    subject = np.repeat(np.arange(11), 4)
    y = rng.normal(size=11)[subject] + 0.5 * rng.normal(size=44)
    arm = (subject < 5).astype(float)
    fit = mixed_model(y, subject, np.column_stack((np.ones(44), arm)), [0, 1], df=df)
    means = y.reshape(11, 4).mean(axis=1)
    expected = ttest_ind(means[:5], means[5:])
    assert (fit.t, fit.df) == pytest.approx((expected.statistic, 9), rel=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_random_intercept_maximises_the_restricted_likelihood(seed: int) -> None:
    from scipy.optimize import minimize

    y, subject, X, _ = trial(seed)
    fit = mixed_model(y, subject, X, [0, 0, 0, 1])
    same = (subject[:, None] == subject[None, :]).astype(float)

    def loss(theta: np.ndarray) -> float:
        return -restricted(y, X, math.exp(theta[0]) * np.eye(y.size) + math.exp(theta[1]) * same)

    found = minimize(
        loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11}
    )
    np.testing.assert_allclose(fit.components, np.exp(found.x), rtol=1e-5)


def test_the_unstructured_covariance_maximises_the_restricted_likelihood() -> None:
    y, subject, X, visit = trial(4, n=20)
    fit = mixed_model(
        y, subject, X, [0, 0, 0, 1], visit=visit, covariance="unstructured", df="satterthwaite"
    )
    assert fit.converged
    rows, columns = np.tril_indices(3)

    def at(components: np.ndarray) -> float:
        matrix = np.zeros((3, 3))
        matrix[rows, columns] = matrix[columns, rows] = components
        same = subject[:, None] == subject[None, :]
        return restricted(y, X, np.where(same, matrix[visit][:, visit], 0.0))

    best = at(fit.components)
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert at(fit.components * (1 + 0.01 * rng.normal(size=6))) < best + 1e-10


@settings(deadline=None, derandomize=True, max_examples=15)
@given(st.integers(0, 1000), st.floats(0.2, 3), st.floats(0.1, 2))
def test_score_and_information_are_derivatives(seed: int, within: float, between: float) -> None:
    y, subject, X, _ = trial(seed, n=8)
    blocks = blocks_of(y, X, np.unique(subject, return_inverse=True)[1], None)
    theta = np.array([within, between])
    point = evaluate(blocks, theta)
    assert point is not None
    for i, step in enumerate(np.eye(2) * 1e-5):
        up, down = evaluate(blocks, theta + step), evaluate(blocks, theta - step)
        assert up is not None
        assert down is not None
        rise = (up.log_likelihood - down.log_likelihood) / 2e-5
        assert point.score[i] == pytest.approx(rise, rel=1e-4, abs=1e-5)
        bend = (up.score - down.score) / 2e-5
        np.testing.assert_allclose(point.observed[i], -bend, rtol=1e-4, atol=1e-4)


def test_the_restricted_likelihood_by_blocks_is_that_of_the_whole_matrix() -> None:
    y, subject, X, visit = trial(5)
    who = np.unique(subject, return_inverse=True)[1]
    same = (subject[:, None] == subject[None, :]).astype(float)
    point = evaluate(blocks_of(y, X, who, None), np.array([0.7, 0.4]))
    assert point is not None
    whole = restricted(y, X, 0.7 * np.eye(y.size) + 0.4 * same)
    assert point.log_likelihood == pytest.approx(whole, rel=1e-12)
    matrix = np.array([[1.0, 0.3, 0.2], [0.3, 1.4, 0.5], [0.2, 0.5, 0.9]])
    point = evaluate(
        blocks_of(y, X, who, visits_of(visit, who, "unstructured")), matrix[np.tril_indices(3)]
    )
    assert point is not None
    whole = restricted(y, X, np.where(same > 0, matrix[visit][:, visit], 0.0))
    assert point.log_likelihood == pytest.approx(whole, rel=1e-12)


@settings(deadline=None, derandomize=True, max_examples=15)
@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.001, 1000))
def test_unit_origin_and_order_do_not_matter(seed: int, origin: float, unit: float) -> None:
    y, subject, X, _ = trial(seed)
    plain = mixed_model(y, subject, X, [0, 0, 0, 1])
    turn = np.random.default_rng(seed).permutation(y.size)
    names = np.array([f"S{code}" for code in subject])
    moved = mixed_model(origin + unit * y[turn], names[turn], X[turn], [0, 0, 0, 1])
    assert (moved.t, moved.df) == pytest.approx((plain.t, plain.df), rel=1e-5)


def test_visits_of_any_kind_in_any_order_give_one_answer() -> None:
    y, subject, X, visit = trial(6, n=24)
    asked = {"covariance": "unstructured"}
    plain = mixed_model(y, subject, X, [0, 0, 0, 1], visit=visit, **asked)
    names = np.array(["day 0", "day 3", "day 6"])[visit]
    turn = np.random.default_rng(0).permutation(y.size)
    other = mixed_model(y[turn], subject[turn], X[turn], [0, 0, 0, 1], visit=names[turn], **asked)
    assert (other.t, other.df) == pytest.approx((plain.t, plain.df), rel=1e-8)


def test_no_variance_between_subjects_is_least_squares() -> None:
    # Subjects whose means agree better than chance: the estimate is 0, not negative.
    y = [1.0, 3.0, 3.1, 1.1, 0.9, 2.9, 3.0, 1.2]
    subject = [1, 1, 2, 2, 3, 3, 4, 4]
    X = np.column_stack((np.ones(8), [0, 1] * 4))
    fit = mixed_model(y, subject, X, [0, 1], df="satterthwaite")
    assert fit.boundary
    assert fit.df == 6
    _, squares, *_ = np.linalg.lstsq(X, np.array(y))
    assert fit.se == pytest.approx(math.sqrt(squares[0] / 6 / 2), rel=1e-10)
    adjusted = mixed_model(y, subject, X, [0, 1])
    assert adjusted.boundary
    assert math.isfinite(adjusted.p)


def fails(fit: MixedModel, reason: str) -> None:
    """The fit failed for this reason and says nothing else."""
    assert not fit.converged
    assert fit.reason == reason
    assert math.isnan(fit.p)
    assert all(math.isnan(limit) for limit in fit.interval())


X_DAYS = np.column_stack((np.ones(8), [0.0, 1.0] * 4))
WHO = [1, 1, 2, 2, 3, 3, 4, 4]


def test_why_there_is_no_fit() -> None:
    y = [1.0, 3.0, 3.1, 1.1, 0.9, 2.9, 3.0, 1.2]
    fails(mixed_model(y[:2], WHO[:2], X_DAYS[:2], [0, 1]), TOO_FEW)
    fails(mixed_model([], [], np.ones((0, 2)), [0, 1]), TOO_FEW)
    fails(mixed_model(y, WHO, np.ones((8, 2)), [0, 1]), RANK)
    fails(mixed_model([2.0] * 8, WHO, X_DAYS, [0, 1]), PERFECT)
    fails(mixed_model(y, range(8), X_DAYS, [0, 1]), NOT_REPEATED)
    unpaired = [0, 1, 0, 1, 0, 1, 0, 2]
    fails(
        mixed_model(y, WHO, X_DAYS, [0, 1], visit=unpaired, covariance="unstructured"),
        UNPAIRED,
    )


def test_subjects_without_any_spread_over_days_have_no_maximum() -> None:
    y = [1.0, 1.0, 2.5, 2.5, 0.3, 0.3, 4.0, 4.0]
    fails(mixed_model(y, WHO, np.ones((8, 1)), [1]), NOT_FOUND)


def test_more_visits_than_the_subjects_can_carry_have_no_maximum() -> None:
    rng = np.random.default_rng(3)
    y, subject, visit = rng.normal(size=12), np.repeat([0, 1, 2], 4), np.tile(np.arange(4), 3)
    X = (visit[:, None] == np.arange(4)).astype(float)
    fit = mixed_model(y, subject, X, [-1, 1, 0, 0], visit=visit, covariance="unstructured")
    fails(fit, NOT_FOUND)


def test_a_design_that_takes_the_subjects_away_leaves_no_variance_between_them() -> None:
    y = [1.0, 3.0, 2.0, 5.0, 0.5, 1.0, 4.0, 4.5]
    per_subject = (np.array(WHO)[:, None] == np.unique(WHO)).astype(float)
    design = np.column_stack((per_subject, [0, 1] * 4))
    fails(mixed_model(y, WHO, design, [0, 0, 0, 0, 1]), CONFOUNDED)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(1, 7),
    st.sampled_from(COVARIANCES),
    st.sampled_from(DF_METHODS),
)
def test_small_tied_data_with_gaps_never_crash(seed: int, n: int, covariance: str, df: str) -> None:
    rng = np.random.default_rng(seed)
    subject, visit = np.repeat(np.arange(n), 3), np.tile(np.arange(3), n)
    y = rng.integers(0, 4, size=subject.size).astype(float)
    X = np.column_stack((np.ones(y.size), subject % 2, visit))
    kept = rng.uniform(size=y.size) > 0.25
    fit = mixed_model(
        y[kept],
        subject[kept],
        X[kept],
        [0, 0, 1],
        visit=visit[kept],
        covariance=covariance,
        df=df,
    )
    assert fit.converged == (fit.reason == "") == math.isfinite(fit.p)


@pytest.mark.slow
def test_type_one_error_with_few_subjects_where_walds_z_is_too_liberal() -> None:
    from scipy.special import ndtr

    rng = np.random.default_rng(4)
    runs, kenward, wald = 600, 0, 0
    subject, visit = np.repeat(np.arange(10), 3), np.tile(np.arange(3), 10)
    arm = subject % 2
    X = np.column_stack((np.ones(30), arm, visit == 1, visit == 2, arm * (visit == 2)))
    for _ in range(runs):
        y = rng.normal(size=10)[subject] + rng.normal(size=30)
        kept = rng.uniform(size=30) > 0.15
        fit = mixed_model(y[kept], subject[kept], X[kept], [0, 1, 0, 0, 1])
        kenward += fit.p < 0.05
        wald += 2 * ndtr(-abs(fit.t)) < 0.05
    assert 0.03 < kenward / runs < 0.07
    assert wald > kenward
