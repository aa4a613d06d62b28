"""The equation, its derivatives and its inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.curves.logistic import (
    MODELS,
    X_ZERO,
    inverse_psi,
    log_concentration,
    log_midpoint,
    natural,
    ordered_sum,
    psi,
    psi_gradient,
    response,
    take_apart,
    theta_from_natural,
)

thetas = st.tuples(
    st.floats(-5.0, 12.0), st.floats(np.log(0.1), np.log(5.0)), st.floats(np.log(0.1), np.log(10.0))
)
orientations = st.sampled_from([1, -1])


def direct(x, theta, orientation, exp=np.exp, log=np.log):
    """The textbook form, which also takes complex parameters."""
    m, eta, k = theta
    g = exp(k)
    b = exp(eta) * ((1 + g) / g) ** (1 + g)
    c = exp(m + orientation * k / b)
    z = (x / c) ** (orientation * b)
    return 1 - (1 + z) ** -g if orientation > 0 else (1 + z) ** -g


@settings(deadline=None, derandomize=True, max_examples=150)
@given(thetas, orientations)
def test_shape_is_the_textbook_curve(theta, orientation):
    x = np.exp(np.linspace(-6.0, 12.0, 13))
    with np.errstate(over="ignore"):
        expected = direct(x, theta, orientation)
    got = psi(np.log(x), np.array(theta), orientation)
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-13)
    assert np.all((got >= 0) & (got <= 1))
    assert np.all(np.diff(got) >= 0)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(thetas, orientations)
def test_gradient_agrees_with_complex_steps(theta, orientation):
    # A complex step has no cancellation: Im f(theta + ih) / h is the derivative to rounding.
    b, log_c, _ = natural(np.array(theta))
    near = theta[0] + np.linspace(-3.0, 3.0, 9) / b
    _, gradient = psi_gradient(near[:, None], np.array(theta)[:, None], orientation)
    for j in range(3):
        shifted = [complex(v) for v in theta]
        shifted[j] += 1e-30j
        exact = direct(np.exp(near).astype(complex), shifted, orientation).imag / 1e-30
        assert gradient[j, :, 0] == pytest.approx(exact, rel=1e-8, abs=1e-10 * max(1.0, b))
    assert np.isfinite(log_c)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(thetas, orientations)
def test_second_derivatives_agree_with_differences_of_the_gradient(theta, orientation):
    rng = np.random.default_rng(1)
    base = np.array(theta)[:, None]
    b = natural(base)[0]
    log_x = (theta[0] + np.linspace(-3.0, 3.0, 7) / b)[:, None]
    pull = rng.standard_normal((7, 1))
    parts = take_apart(log_x, base, orientation, np.empty((6, 7, 1)))
    upper = parts.bending(pull, np.empty((4, 7, 1)))[:, 0]
    bending = upper[[[0, 1, 2], [1, 3, 4], [2, 4, 5]]]
    for i in range(3):
        step = np.zeros((3, 1))
        step[i] = 1e-6 / (b[0] if i == 0 else 1.0)
        up = psi_gradient(log_x, base + step, orientation)[1]
        down = psi_gradient(log_x, base - step, orientation)[1]
        slope = ((up - down) / (2 * step[i]) * pull).sum(axis=1)[:, 0]
        assert bending[i] == pytest.approx(slope, rel=1e-5, abs=1e-5 * max(1.0, b[0] ** 2))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(thetas, orientations, st.floats(0.001, 0.999))
def test_inverse_undoes_the_shape(theta, orientation, v):
    point = np.array(theta)
    log_x = inverse_psi(v, point, orientation)
    assert psi(log_x, point, orientation) == pytest.approx(v, rel=1e-10)
    assert inverse_psi(psi(log_x, point, orientation), point, orientation) == pytest.approx(
        log_x, abs=1e-9 * (1 + abs(log_x))
    )


@pytest.mark.parametrize("orientation", [1, -1])
def test_inverse_keeps_its_digits_at_both_ends(orientation):
    theta = np.array([3.0, np.log(0.3), np.log(0.7)])
    for log_x in (-20.0, -8.0, 8.0, 14.0):
        v = psi(np.array(log_x), theta, orientation)
        near_one = 1.0 - v
        tolerance = 1e-10 + 4e-16 / min(near_one, 1.0) if near_one > 0 else np.inf
        assert inverse_psi(v, theta, orientation) == pytest.approx(log_x, abs=10 * tolerance)


def test_inverse_outside_the_curve_is_below_or_above_and_never_nan():
    theta = np.array([3.0, -1.0, 0.5])[:, None]
    v = np.array([[-np.inf], [-0.2], [0.0], [1.0], [1.5], [np.inf]])
    expected = [-np.inf, -np.inf, -np.inf, np.inf, np.inf, np.inf]
    for orientation in (1, -1):
        assert inverse_psi(v, theta, orientation).ravel().tolist() == expected
        assert np.isnan(inverse_psi(np.nan, theta, orientation)).all()
    tiny = inverse_psi(np.nextafter(0, 1), theta)
    assert np.isfinite(tiny).all()


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.floats(0.3, 5.0), st.floats(-5.0, 10.0), st.floats(0.1, 10.0), orientations)
def test_natural_parameters_and_theta_are_inverse(b, log_c, g, orientation):
    theta = theta_from_natural(b, log_c, g, orientation)
    back = natural(theta)
    assert back[0] == pytest.approx(b, rel=1e-12)
    assert back[2] == pytest.approx(g, rel=1e-12)
    assert log_midpoint(theta, orientation) == pytest.approx(log_c, abs=1e-11)


def test_m_is_the_inflection_and_eta_its_slope():
    theta = np.array([2.0, np.log(0.4), np.log(0.5)])
    for orientation in (1, -1):
        log_x = 2.0 + np.array([-1e-3, 0.0, 1e-3])
        slope = -psi_gradient(log_x[:, None], theta[:, None], orientation)[1][0, :, 0]
        assert slope[1] == pytest.approx(0.4, rel=1e-12)
        assert slope[1] > slope[0]
        assert slope[1] > slope[2]


def test_the_two_orientations_meet_where_g_is_one():
    log_x = np.linspace(-4.0, 9.0, 12)
    theta = np.array([2.0, -1.0, 0.0])
    assert psi(log_x, theta, 1) == pytest.approx(psi(log_x, theta, -1), abs=1e-15)
    theta[2] = 0.7
    assert np.abs(psi(log_x, theta, 1) - psi(log_x, theta, -1)).max() > 0.01


def test_response_follows_the_printed_equation():
    x = np.array([0.0, 1.0, 30.0, 5000.0])
    a, d, b, c, g = 12.0, 9000.0, 1.1, 80.0, 0.6
    minus = a + (d - a) * np.r_[0.0, (1 + (x[1:] / c) ** -b) ** -g]
    assert response(x, a, d, b, c, g) == pytest.approx(d + (a - d) / (1 + (x / c) ** b) ** g)
    assert response(x, a, d, b, c, g, orientation=-1) == pytest.approx(minus)
    assert MODELS["5pl"].equation(1) == "y = d + (a - d) / (1 + (x/c)^b)^g"
    assert MODELS["5pl"].equation(-1) == "y = a + (d - a) / (1 + (x/c)^-b)^g"
    assert MODELS["4pl"].equation(-1) == "y = a + (d - a) / (1 + (x/c)^-b)"


def test_zero_concentration_stands_far_to_the_left():
    assert log_concentration([0.0, np.e]).tolist() == [X_ZERO, 1.0]
    assert np.isnan(log_concentration([-1.0, np.nan])).all()
    theta = np.array([0.0, np.log(0.1), np.log(0.1)])
    assert psi(np.array(X_ZERO), theta, 1) == 0.0
    assert psi(np.array(X_ZERO), theta, -1) == 0.0


def test_sums_have_the_same_bits_for_one_column_and_for_many():
    v = np.random.default_rng(3).standard_normal((40, 9)) * 10.0 ** np.arange(9)
    whole = ordered_sum(v)
    for i in range(9):
        assert ordered_sum(v[:, i : i + 1])[0] == whole[i]
