"""Intervals by inverted prediction: their ends, when they are open, when there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.curves.inverse import CurveArrays, concentration_interval
from cytokit.curves.logistic import X_ZERO
from cytokit.curves.noise import VarianceModel

LOW = np.array([np.log(1 / 4096)])


def curve(orientation=1, lower=20.0, upper=12000.0, theta=(-3.0, -1.0, -0.3)):
    noise = VarianceModel(np.array([2.5]), np.array([0.07]), np.diag([0.04, 0.04])[None])
    sd = np.array([1.5, 400.0, 0.12, 0.05, 0.2])
    return CurveArrays(
        np.array(theta)[:, None],
        np.array([lower]),
        np.array([upper]),
        np.array([orientation]),
        np.array([0.0]),
        np.diag(sd**2)[None],
        noise,
    )


def ends(one, y, wells=1.0):
    y = np.atleast_1d(np.asarray(y, dtype=float))[:, None]
    low, high = concentration_interval(one, y, np.full(y.shape, float(wells)), LOW)
    return low[:, 0], high[:, 0]


@pytest.mark.parametrize("orientation", [1, -1])
def test_ends_are_where_the_reading_is_t_standard_deviations_off(orientation):
    one = curve(orientation)
    y = np.array([60.0, 400.0, 3000.0, 9000.0])
    low, high = ends(one, y)
    t = one.quantile(y[:, None], 0.975)[:, 0]
    for end, sign in ((low, 1), (high, -1)):
        at = end[:, None]
        z = (y[:, None] - one.predict(at)) / np.sqrt(one.prediction_variance(at, 1.0))
        np.testing.assert_allclose(z[:, 0], sign * t, atol=1e-5)


def test_a_falling_curve_gives_the_same_interval_mirrored():
    up, down = curve(), curve(lower=12000.0, upper=20.0)
    low, high = ends(down, [3000.0])
    assert low[0] < down.invert(np.array([[3000.0]]))[0, 0] < high[0]
    assert np.isfinite([low, high]).all()
    assert up.size == down.size == 1


def test_near_the_plateaus_the_interval_is_open():
    low, high = ends(curve(), [21.0, 19.0, 11900.0, 12500.0])
    assert low[0] == low[1] == -np.inf
    assert np.isfinite(high[[0, 1]]).all()
    assert high[2] == high[3] == np.inf
    assert np.isfinite(low[[2, 3]]).all()


def test_no_concentration_fits_a_reading_far_beyond_a_plateau():
    low, high = ends(curve(), [-500.0, 90000.0, np.nan])
    assert np.isnan(low).all()
    assert np.isnan(high).all()


def test_a_flat_curve_has_no_interval():
    low, high = ends(curve(upper=20.0), [20.0])
    assert np.isnan([low[0], high[0]]).all()


def test_a_blank_reaches_down_to_nothing():
    one = curve()
    at_zero = one.predict(np.array([[X_ZERO]]))[0, 0]
    assert at_zero == pytest.approx(20.0)
    low, high = ends(one, [at_zero], wells=2)
    assert low[0] == -np.inf
    assert high[0] < one.invert(np.array([[150.0]]))[0, 0]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.floats(30.0, 11000.0), st.sampled_from([1, -1]), st.floats(-1.5, 1.5))
def test_more_wells_never_widen_and_the_estimate_lies_inside(y, orientation, k):
    one = curve(orientation, theta=(-3.0, -1.0, k))
    estimate = one.invert(np.array([[y]]))[0, 0]
    low1, high1 = ends(one, y, 1)
    low3, high3 = ends(one, y, 3)
    assert low1[0] <= low3[0] + 1e-9
    assert low3[0] <= estimate <= high3[0]
    assert high3[0] <= high1[0] + 1e-9
