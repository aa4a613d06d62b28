"""Limits of detection and quantification."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytokit.curves.inverse import CurveArrays
from cytokit.curves.limits import (
    detection_response,
    find_limits,
    recovery_limits,
    relative_sd,
    saturation_response,
)
from cytokit.curves.noise import VarianceModel

LOG_LOW = np.array([np.log(1 / 16384)])


def curve(cv=0.07, s0=2.5, sd_lower=1.0):
    noise = VarianceModel(np.array([s0]), np.array([cv]), np.zeros((1, 2, 2)))
    sd = np.array([sd_lower, 300.0, 0.05, 0.03, 0.1])
    theta = np.array([[-3.0], [-1.1], [-0.3]])
    return CurveArrays(
        theta,
        np.array([20.0]),
        np.array([12000.0]),
        np.array([1]),
        np.log([10000.0]),
        np.diag(sd**2)[None],
        noise,
    )


def test_lod_is_where_a_blank_reads_one_time_in_twenty():
    one = curve()
    two_wells = np.array([2.0])
    response = detection_response(one, two_wells)[0]
    sd = np.sqrt((2.5**2 + (0.07 * 20) ** 2) / 2 + 1.0)
    assert response == pytest.approx(20 + 1.6448536 * sd, rel=1e-6)
    lod = find_limits(one, LOG_LOW, two_wells).lod[0]
    assert one.predict(np.array([[np.log(lod / 1e4)]]))[0, 0] == pytest.approx(response)


def test_lod_of_a_falling_curve_lies_below_its_blank():
    falling = replace(curve(), lower=np.array([12000.0]), upper=np.array([20.0]))
    limits = find_limits(falling, LOG_LOW, np.array([1.0]))
    assert limits.lod_response[0] < 12000.0
    assert np.isfinite(limits.lod[0])


def test_lloq_and_uloq_are_where_the_cv_is_twenty_percent():
    one = curve(cv=0.09)
    limits = find_limits(one, LOG_LOW, np.array([1.0]))
    assert 1e4 / 16384 < limits.lloq[0] < limits.uloq[0] < 1e4
    ends = np.log(np.array([limits.lloq, limits.uloq]) / 1e4)
    np.testing.assert_allclose(relative_sd(one, ends, np.array([1.0])), 0.2, rtol=2e-3)


def test_limits_stay_within_the_standards():
    one = curve(cv=0.01, s0=0.01, sd_lower=0.001)
    one = replace(one, lower=np.array([0.1]), covariance=one.covariance / 100)
    limits = find_limits(one, np.log([1 / 256]), np.array([3.0]))
    assert limits.lloq[0] == pytest.approx(1e4 / 256)
    assert limits.uloq[0] <= 1e4 * (1 + 1e-12)


def test_a_curve_that_is_nowhere_precise_has_no_range():
    limits = find_limits(curve(cv=0.5), LOG_LOW, np.array([1.0]))
    assert np.isnan([limits.lloq[0], limits.uloq[0]]).all()


def test_a_looser_demand_gives_a_wider_range():
    narrow = find_limits(curve(0.1), LOG_LOW, np.array([1.0]), 20.0)
    wide = find_limits(curve(0.1), LOG_LOW, np.array([1.0]), 25.0)
    assert wide.lloq[0] < narrow.lloq[0]
    assert wide.uloq[0] > narrow.uloq[0]


X = 4.0 ** np.arange(6)


@pytest.mark.parametrize(
    ("passes", "expected"),
    [
        ([1, 1, 1, 1, 1, 1], (1.0, 1024.0)),
        ([0, 1, 1, 1, 0, 1], (4.0, 64.0)),
        ([1, 1, 0, 0, 1, 1], (1.0, 4.0)),
        ([1, 0, 1, 0, 1, 0], (np.nan, np.nan)),
        ([0, 0, 0, 0, 0, 0], (np.nan, np.nan)),
    ],
)
def test_recovery_limits_are_the_ends_of_the_longest_run(passes, expected):
    found = recovery_limits(X, np.array(passes, dtype=bool))
    np.testing.assert_array_equal(found, expected)


def test_uod_is_where_saturation_reads_one_time_in_twenty():
    one = curve()
    response = saturation_response(one, np.array([2.0]))[0]
    sd = np.sqrt((2.5**2 + (0.07 * 12000) ** 2) / 2 + 300.0**2)
    assert response == pytest.approx(12000 - 1.6448536 * sd, rel=1e-6)
    uod = find_limits(one, LOG_LOW, np.array([2.0])).uod[0]
    assert one.predict(np.array([[np.log(uod / 1e4)]]))[0, 0] == pytest.approx(response)


def test_no_uod_where_the_standards_do_not_show_the_plateau():
    one = curve()
    vague = one.covariance.copy()
    vague[0, 1, 1] = 1e12
    limits = find_limits(replace(one, covariance=vague), LOG_LOW, np.array([2.0]))
    assert np.isnan(limits.uod[0])
