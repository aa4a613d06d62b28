"""The Tobit with a spread per arm: derivatives, closed forms, invariance, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from cytokit.stats._spread_likelihood import RATIO_SD, ArmData, maximise, objective, slopes
from cytokit.stats.arm_tobit import UNBOUNDED, arm_tobit
from cytokit.stats.censored import SEPARATED


@pytest.fixture
def data():
    """Exact values, below, above and between two limits, in both arms."""
    rng = np.random.default_rng(3)
    n, treated = 30, np.arange(30) % 3 > 0
    values = rng.normal(size=n) * np.where(treated, 1.6, 1.0)
    lower, upper = values.copy(), values.copy()
    lower[values < -0.8], upper[values < -0.8] = -np.inf, -0.8
    lower[values > 1.2], upper[values > 1.2] = 1.2, np.inf
    between = (values > 0.1) & (values < 0.4)
    lower[between], upper[between] = 0.1, 0.4
    design = np.column_stack([np.ones(n), rng.normal(size=n), treated])
    return lower, upper, design, treated


def test_the_slopes_are_those_of_the_likelihood(data):
    lower, upper, design, treated = data
    arm = ArmData(lower[None], upper[None], (lower == upper)[None], design, treated)
    at = np.array([0.1, -0.3, 0.4, 0.2, -0.3])

    def value(x):
        return float(objective(arm, x[None])[0])

    gradient, hessian = slopes(arm, at[None])
    numeric = optimize.approx_fprime(at, value, 1e-6)
    np.testing.assert_allclose(gradient[0], numeric, rtol=1e-4, atol=1e-4)
    bend = np.array(
        [
            (slopes(arm, (at + s)[None])[0][0] - slopes(arm, (at - s)[None])[0][0]) / 2e-5
            for s in 1e-5 * np.eye(5)
        ]
    )
    np.testing.assert_allclose(hessian[0], bend, rtol=1e-5, atol=1e-6)


def test_the_maximum_is_a_general_optimisers(data):
    lower, upper, design, treated = data
    arm = ArmData(lower[None], upper[None], (lower == upper)[None], design, treated)
    found, value, converged = maximise(arm, np.zeros((1, 5)))
    assert converged[0]
    other = optimize.minimize(
        lambda x: -float(objective(arm, x[None])[0]), np.zeros(5), method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 4000, "maxfev": 8000},
    )  # fmt: skip
    assert value[0] == pytest.approx(-other.fun, abs=1e-8)
    np.testing.assert_allclose(found[0], other.x, atol=1e-4)


def test_without_limits_it_is_the_likelihood_of_two_normal_samples():
    """Every value known, no covariate: means and spreads are the samples', but for the weak law."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(1, 2, 14), rng.normal(0, 1, 11)
    values = np.concatenate([x, y])
    found = arm_tobit(values, values, np.ones((25, 1)), np.arange(25) < 14)
    assert found.difference == pytest.approx(x.mean() - y.mean())
    assert found.spread_treated == pytest.approx(x.std(), rel=0.02)
    assert found.spread_control == pytest.approx(y.std(), rel=0.02)

    def loss(d):
        def minus(parameters):
            centre, first, second = parameters
            each = stats.norm.logpdf(x, centre + d, np.exp(first)).sum()
            each += stats.norm.logpdf(y, centre, np.exp(second)).sum()
            return -each + (first - second) ** 2 / (2 * RATIO_SD**2)

        return optimize.minimize(minus, [0, 0.5, 0], method="Nelder-Mead",
                                 options={"xatol": 1e-9, "fatol": 1e-12}).fun  # fmt: skip

    ratio = 2 * (loss(0.0) - loss(found.difference))
    t = np.sqrt(23 * np.expm1(ratio / 25))
    assert found.t == pytest.approx(t, rel=1e-5)
    assert found.p == pytest.approx(2 * stats.t.sf(t, 23), rel=1e-4)


def test_the_interval_holds_what_is_not_rejected(data):
    lower, upper, design, treated = data
    found = arm_tobit(lower, upper, design[:, :2], treated, level=0.9)
    for end in (found.low, found.high):
        moved = arm_tobit(lower - end * treated, upper - end * treated, design[:, :2], treated)
        assert moved.p == pytest.approx(0.1, abs=2e-4)


@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_shift_and_unit_do_not_matter(data, unit):
    lower, upper, design, treated = data
    plain = arm_tobit(lower, upper, design[:, :2], treated)
    moved = arm_tobit(5 + unit * lower, 5 + unit * upper, design[:, :2], treated)
    np.testing.assert_allclose(
        [moved.difference, moved.low, moved.high],
        unit * np.array([plain.difference, plain.low, plain.high]),
        rtol=1e-5,
    )
    assert moved.p == pytest.approx(plain.p, rel=1e-6)


def test_arms_change_places(data):
    lower, upper, design, treated = data
    one = arm_tobit(lower, upper, design[:, :2], treated)
    other = arm_tobit(lower, upper, design[:, :2], ~treated)
    assert other.difference == pytest.approx(-one.difference, rel=1e-6)
    assert other.p == pytest.approx(one.p, rel=1e-6)


def test_unequal_spreads_do_not_draw_the_ratio_aside():
    """Half of a wide arm below the limit: the common Tobit is biased, this one is not."""
    from cytokit.stats.censored import tobit

    rng = np.random.default_rng(9)
    treated = np.arange(3000) < 1500
    values = rng.normal(size=3000) * np.where(treated, 2.0, 1.0)
    lower, upper = np.where(values < 0, -np.inf, values), np.maximum(values, 0.0)
    found = arm_tobit(lower, upper, np.ones((3000, 1)), treated)
    assert found.low < 0 < found.high
    assert found.spread_treated / found.spread_control == pytest.approx(2, rel=0.1)
    common = tobit(lower, upper, np.column_stack([np.ones(3000), treated]))
    assert common.coefficients[1] > 0.4


def test_what_cannot_be_fitted_says_why():
    treated = np.arange(8) < 4
    hidden = np.where(treated, -np.inf, np.arange(8.0))
    found = arm_tobit(hidden, np.where(treated, 0.0, np.arange(8.0)), np.ones((8, 1)), treated)
    assert found.reason == SEPARATED
    assert np.isnan(found.p)
    assert "end" in UNBOUNDED
