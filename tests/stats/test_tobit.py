"""Tobit regression: the likelihood, the maximum, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.tobit import (
    CONSTANT,
    DIVERGED,
    NO_DATA,
    RANK,
    SEPARATED,
    IntervalData,
    Tobit,
    derivatives,
    log_likelihood,
    tobit,
)

INF = math.inf
TWO_ARMS = np.array([[1.0, 0.0]] * 4 + [[1.0, 1.0]] * 4)


def trial(seed: int, n: int = 40, limit: float = -0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two arms with a baseline; below the limit, above 1.5, and some in an interval."""
    rng = np.random.default_rng(seed)
    arm, baseline = np.arange(n) % 2, rng.normal(size=n)
    y = 0.5 * baseline + 0.7 * arm + rng.normal(size=n)
    low, high = y.copy(), y.copy()
    low[y < limit], high[y < limit] = -INF, limit
    low[y > 1.5], high[y > 1.5] = 1.5, INF
    between = (y > limit) & (y < 1.5) & (np.arange(n) % 5 == 0)
    low[between], high[between] = np.floor(y[between]), np.floor(y[between]) + 1
    return low, high, np.column_stack((np.ones(n), baseline, arm))


def negative_log_likelihood(theta: np.ndarray, low: np.ndarray, high: np.ndarray, X: np.ndarray):
    """The textbook likelihood, for a general optimiser."""
    from scipy.stats import norm

    law = norm(X @ theta[:-1], math.exp(theta[-1]))
    known = low == high
    mass = law.cdf(high) - law.cdf(low)
    return -np.where(known, law.logpdf(np.where(known, low, 0)), np.log(mass + known)).sum()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_maximum_is_that_of_a_general_optimiser(seed: int) -> None:
    from scipy.optimize import minimize

    low, high, X = trial(seed)
    fit = tobit(low, high, X)
    start = np.append(fit.coefficients + 0.1, math.log(fit.scale) + 0.1)
    tight = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 8000}
    found = minimize(
        negative_log_likelihood, start, args=(low, high, X), method="Nelder-Mead", options=tight
    )
    np.testing.assert_allclose(fit.coefficients, found.x[:-1], atol=1e-6)
    assert fit.scale == pytest.approx(math.exp(found.x[-1]), rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-9)


def test_the_covariance_is_the_inverse_information() -> None:
    low, high, X = trial(4)
    fit = tobit(low, high, X)
    peak = np.append(fit.coefficients, math.log(fit.scale))
    step, size = 1e-4, peak.size
    information = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moved = peak + step * (a * np.eye(size)[i] + b * np.eye(size)[j])
                information[i, j] += a * b * negative_log_likelihood(moved, low, high, X)
    expected = np.linalg.inv(information / (4 * step**2))[:-1, :-1]
    np.testing.assert_allclose(fit.covariance, expected, rtol=1e-4, atol=1e-7)


@settings(deadline=None, derandomize=True, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.2, 5), st.floats(-2, 2))
def test_gradient_and_hessian_are_those_of_the_likelihood(
    seed: int, inverse_sd: float, shift: float
) -> None:
    low, high, X = trial(seed, 20)
    data = IntervalData(low, high, low == high, X)
    at = np.append(np.array([shift, 0.3, -0.2]), inverse_sd)
    gradient, hessian = derivatives(data, at)
    for i in range(at.size):
        step = np.zeros(at.size)
        step[i] = 1e-5
        rise = (log_likelihood(data, at + step) - log_likelihood(data, at - step)) / 2e-5
        bend = (derivatives(data, at + step)[0] - derivatives(data, at - step)[0]) / 2e-5
        np.testing.assert_allclose(gradient[i], rise, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(hessian[i], bend, rtol=1e-5, atol=1e-4)


def test_limits_far_in_the_tails_stay_finite() -> None:
    data = IntervalData(
        np.array([-INF, 60.0, 50.0]),
        np.array([-60.0, INF, 51.0]),
        np.zeros(3, bool),
        np.ones((3, 1)),
    )
    at = np.array([0.0, 1.0])
    assert log_likelihood(data, at) < -1000
    assert all(np.isfinite(part).all() for part in derivatives(data, at))


def test_without_intervals_it_is_least_squares() -> None:
    low, _, X = trial(5)
    y = np.where(np.isfinite(low), low, -0.5)
    fit = tobit(y, y, X)
    beta, squares, *_ = np.linalg.lstsq(X, y)
    np.testing.assert_allclose(fit.coefficients, beta, rtol=1e-9)
    assert fit.scale == pytest.approx(math.sqrt(squares[0] / y.size), rel=1e-9)
    np.testing.assert_allclose(fit.covariance, fit.scale**2 * np.linalg.inv(X.T @ X), rtol=1e-8)
    wald = fit.test([0, 0, 1], law="corrected")
    residual = math.sqrt(squares[0] / 37)
    assert wald.se == pytest.approx(residual * math.sqrt(np.linalg.inv(X.T @ X)[2, 2]), rel=1e-8)
    assert (wald.df, fit.test([0, 0, 1], law="normal").df) == (37, INF)
    assert (fit.n_known, fit.n_below, fit.n_above, fit.n_between) == (40, 0, 0, 0)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.integers(0, 10_000), st.floats(-20, 20), st.floats(0.01, 100))
def test_unit_and_origin_do_not_matter(seed: int, origin: float, unit: float) -> None:
    low, high, X = trial(seed)
    plain, moved = tobit(low, high, X), tobit(origin + unit * low, origin + unit * high, X)
    assert plain.converged
    assert moved.converged
    np.testing.assert_allclose(moved.coefficients[1:], unit * plain.coefficients[1:], rtol=1e-6)
    assert moved.test([0, 0, 1]).t == pytest.approx(plain.test([0, 0, 1]).t, rel=1e-6, abs=1e-8)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.integers(0, 10_000))
def test_turning_the_scale_turns_the_fit(seed: int) -> None:
    low, high, X = trial(seed)
    plain, turned = tobit(low, high, X), tobit(-high, -low, X)
    np.testing.assert_allclose(turned.coefficients, -plain.coefficients, atol=1e-7)
    assert (plain.n_below, plain.n_above) == (turned.n_above, turned.n_below)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(0, 100_000), st.integers(4, 14), st.floats(-1.5, 1.5))
def test_small_and_heavily_censored_data_never_crash(seed: int, n: int, limit: float) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n).round(1)
    arm = (np.arange(n) % 2).astype(float)
    low = np.where(y < limit, -INF, y)
    fit = tobit(low, np.maximum(y, limit), np.column_stack((np.ones(n), arm)))
    assert fit.converged == (fit.reason == "")
    if fit.converged:
        assert np.isfinite(fit.coefficients).all()
        assert 0 < fit.test([0, 1]).p <= 1
    else:
        assert math.isnan(fit.test([0, 1]).p)


def fails(fit: Tobit, reason: str) -> None:
    """The fit failed for this reason and says nothing else."""
    assert not fit.converged
    assert fit.reason == reason
    assert np.isnan(fit.coefficients).all()
    assert math.isnan(fit.test(np.ones(fit.coefficients.size)).p)


def test_an_arm_wholly_below_range_is_separation() -> None:
    low = [-INF] * 4 + [1.0, 2.0, 3.0, 4.0]
    fails(tobit(low, [0.0] * 4 + low[4:], TWO_ARMS), SEPARATED)
    fails(tobit([-v for v in [0.0] * 4 + low[4:]], [-v for v in low], TWO_ARMS), SEPARATED)


def test_an_arm_below_a_limit_inside_the_other_arm_is_separation_too() -> None:
    low = [-INF] * 4 + [1.0, 2.0, 3.0, 4.0]
    fails(tobit(low, [9.0] * 4 + low[4:], TWO_ARMS), SEPARATED)


def test_everything_out_of_range() -> None:
    fails(tobit([-INF] * 8, [1.0] * 8, TWO_ARMS), SEPARATED)


def test_constant_and_perfectly_fitted_values() -> None:
    fails(tobit([1.0] * 8, [1.0] * 8, TWO_ARMS), CONSTANT)
    fails(tobit([1.0] * 4 + [2.0] * 4, [1.0] * 4 + [2.0] * 4, TWO_ARMS), CONSTANT)
    fails(tobit([0.0] * 8, [1.0] * 8, TWO_ARMS), CONSTANT)


def test_a_limit_that_contradicts_a_constant_leaves_a_spread() -> None:
    low = [1.0] * 4 + [-INF, -INF, -INF, 3.0]
    fit = tobit(low, [1.0] * 4 + [2.0, 2.0, 2.0, 3.0], TWO_ARMS)
    assert fit.converged
    assert fit.scale > 0.1


def test_limits_that_only_contradict_each_other_have_no_finite_spread() -> None:
    one = np.ones((2, 1))
    fails(tobit([3.0, -INF], [INF, 0.0], one), DIVERGED)
    fails(tobit([3.0, -INF], [INF, 3.0], one), DIVERGED)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.integers(0, 100_000), st.integers(1, 9), st.integers(1, 3))
def test_intervals_of_every_kind_never_crash(seed: int, n: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    value, kind = rng.integers(0, 5, size=n).astype(float), rng.integers(0, 4, size=n)
    low = np.where(kind == 1, -INF, value)
    high = np.where(kind == 2, INF, np.where(kind == 3, value + rng.integers(0, 3, size=n), value))
    X = np.column_stack((np.ones(n), rng.uniform(size=n) < 0.5, rng.normal(size=n)))[:, :columns]
    fit = tobit(low, high, X)
    assert fit.converged == (fit.reason == "")
    assert np.isfinite(fit.covariance).all() == fit.converged


def test_designs_that_cannot_be_told_apart() -> None:
    y = [1.0, 2.0, 3.0, 5.0]
    fails(tobit(y, y, np.ones((4, 2))), RANK)
    fails(tobit(y[:1], y[:1], [[1.0, 0.0]]), RANK)


def test_no_values() -> None:
    fails(tobit([], [], np.ones((0, 2))), NO_DATA)


def test_one_per_arm_is_a_perfect_fit() -> None:
    fails(tobit([1.0, 2.0], [1.0, 2.0], [[1, 0], [1, 1]]), CONSTANT)


def test_an_interval_of_rounding_width_is_a_known_value() -> None:
    y = np.array([1.0, 2.0, 2.5, 4.0, 3.0, 6.0, 5.0, 7.5])
    fit = tobit(y, y * (1 + 1e-15), TWO_ARMS)
    assert fit.n_known == 8
    assert fit.coefficients == pytest.approx(tobit(y, y, TWO_ARMS).coefficients)


@pytest.mark.slow
@pytest.mark.parametrize(("n_treated", "n_control"), [(12, 12), (12, 6)])
def test_type_one_error_of_the_corrected_law(n_treated: int, n_control: int) -> None:
    rng = np.random.default_rng(10)
    arm = np.repeat([1.0, 0.0], [n_treated, n_control])
    runs, small, plain = 2000, 0, 0
    for _ in range(runs):
        baseline = rng.normal(size=arm.size)
        y = 0.6 * baseline + 0.8 * rng.normal(size=arm.size)
        low = np.where(y < -0.7, -INF, y)
        fit = tobit(low, np.maximum(y, -0.7), np.column_stack((np.ones(arm.size), baseline, arm)))
        small += fit.test([0, 0, 1], law="corrected").p < 0.05
        plain += fit.test([0, 0, 1], law="normal").p < 0.05
    assert 0.03 < small / runs < 0.06
    assert plain / runs > 0.06


@pytest.mark.slow
def test_half_the_values_below_range_hardly_bias_the_effect() -> None:
    rng = np.random.default_rng(9)
    n, true, estimates, covered = 60, 1.0, [], 0
    arm = (np.arange(n) % 2).astype(float)
    X = np.column_stack((np.ones(n), arm))
    for _ in range(1500):
        y = true * arm + rng.normal(size=n)
        low = np.where(y < true / 2, -INF, y)
        wald = tobit(low, np.maximum(y, true / 2), X).test([0, 1])
        estimates.append(wald.estimate)
        covered += wald.low <= true <= wald.high
    assert abs(np.mean(estimates) - true) < 0.05
    assert 0.93 < covered / 1500 < 0.97
