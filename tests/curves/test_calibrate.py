"""Calibration of whole plates: truth found again, company without influence, outliers held off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytokit.curves.calibration import calibrate
from cytokit.curves.logistic import psi, theta_from_natural
from cytokit.curves.noise import Scatter
from cytokit.curves.standards import StandardWells
from cytokit.options import FitOptions

LEVELS = np.concatenate([[0.0], 10000.0 / 4.0 ** np.arange(8)[::-1]])


def true_theta(size, orientation, seed=1):
    rng = np.random.default_rng(seed)
    g = np.exp(rng.uniform(np.log(0.4), np.log(2.5), size))
    b = rng.uniform(0.9, 1.6, size) / np.sqrt(g)
    log_c = rng.uniform(np.log(300), np.log(2000), size)
    pairs = zip(b, log_c, g, strict=True)
    return np.stack([theta_from_natural(*one, orientation) for one in pairs], axis=1)


def wells_of(theta, orientation, *, noise=0.06, seed=2, plates=1, levels=LEVELS, reps=2):
    rng = np.random.default_rng(seed)
    size = theta.shape[1]
    log_x = np.where(levels > 0, np.log(np.where(levels > 0, levels, 1)), -1e5)
    mu = 20 + 15000 * psi(log_x[:, None], theta, orientation)
    y = mu[:, None] * (1 + noise * rng.standard_normal((len(levels), reps, size)))
    y = y + (noise > 0) * rng.standard_normal(y.shape)
    none = np.zeros((0, size))
    return StandardWells(
        np.repeat(levels[:, None], size, axis=1),
        y,
        np.full(size, 20.0),
        Scatter(none, none, none, none),
        np.arange(size) * plates // size,
        np.arange(size) % (size // plates),
        ("5pl",) * size,
    )


@pytest.mark.parametrize("orientation", [1, -1])
def test_noiseless_curves_are_found_again(orientation):
    theta = true_theta(12, orientation)
    wells = wells_of(theta, orientation, noise=0.0)
    found = calibrate(wells, FitOptions(prior="none"))
    assert (found.curves.orientation == orientation).all()
    absolute = found.curves.theta + np.array([[np.log(1e4)], [0], [0]])
    np.testing.assert_allclose(absolute, theta, atol=2e-5)
    np.testing.assert_allclose(found.curves.upper, 15020, rtol=1e-4)
    assert found.converged.all()


def test_one_orientation_for_all_analytes_of_a_plate():
    theta = np.concatenate([true_theta(20, 1), true_theta(20, -1)], axis=1)
    plus, minus = wells_of(theta[:, :20], 1), wells_of(theta[:, 20:], -1)
    y = np.concatenate([plus.y, minus.y], axis=2)
    wells = replace(wells_of(theta, 1), y=y, plate=np.repeat([0, 1], 20))
    found = calibrate(wells, FitOptions())
    assert (found.curves.orientation == np.repeat([1, -1], 20)).all()


def test_company_order_and_number_change_no_bit():
    wells = wells_of(true_theta(15, 1), 1, plates=3)
    whole = calibrate(wells, FitOptions())
    for plate in range(3):
        own = np.flatnonzero(wells.plate == plate)
        order = np.random.default_rng(plate).permutation(own)
        alone = calibrate(wells.take(order), FitOptions())
        np.testing.assert_array_equal(alone.curves.theta, whole.curves.theta[:, order])
        np.testing.assert_array_equal(alone.curves.covariance, whole.curves.covariance[order])
        np.testing.assert_array_equal(alone.curves.noise.cv, whole.curves.noise.cv[order])


def test_a_plate_of_one_analyte_is_the_same_alone():
    wells = wells_of(true_theta(4, 1), 1, plates=4)
    whole = calibrate(wells, FitOptions())
    alone = calibrate(wells.take(np.array([2])), FitOptions())
    np.testing.assert_array_equal(alone.curves.theta[:, 0], whole.curves.theta[:, 2])


@pytest.mark.parametrize("factor", [5.0, 0.2])
def test_one_bad_well_is_held_off(factor):
    theta = true_theta(20, 1)
    clean = wells_of(theta, 1)
    y = clean.y.copy()
    y[4, 0] *= factor
    bad = replace(clean, y=y)
    good = calibrate(clean, FitOptions()).curves
    robust = calibrate(bad, FitOptions())
    naive = calibrate(bad, FitOptions(robust=False)).curves
    assert (robust.robust[4, 0] < 0.05).mean() > 0.9
    assert np.median(robust.robust[4, 1]) > 0.7
    at = np.log([[LEVELS[4] / 1e4]])
    y_mid = good.predict(at)

    def shift(curves):
        return np.median(np.abs(curves.invert(y_mid) - at))

    assert shift(robust.curves) < 0.05
    assert shift(naive) > 3 * shift(robust.curves)


def test_robust_weights_never_take_a_curve_its_levels():
    wells = wells_of(true_theta(6, 1), 1, levels=LEVELS[[0, 2, 4, 6, 8]])
    y = wells.y.copy()
    y[2] *= np.array([30.0, 1 / 30, 1, 1, 200.0, 1])
    found = calibrate(replace(wells, y=y), FitOptions())
    assert np.isfinite(found.curves.theta).all()
    assert np.isfinite(found.curves.covariance).all()


def test_units_of_concentration_have_no_influence():
    wells = wells_of(true_theta(5, 1), 1)
    one = calibrate(wells, FitOptions())
    other = calibrate(replace(wells, x=wells.x * 1e-6), FitOptions())
    np.testing.assert_allclose(one.curves.theta, other.curves.theta, atol=1e-8)


def test_series_that_differ_by_a_factor_are_fitted_together_and_alike():
    wells = wells_of(true_theta(6, 1), 1)
    scaled = replace(wells, x=wells.x * np.array([1, 2, 0.5, 10, 7, 1.0]))
    np.testing.assert_allclose(
        calibrate(scaled, FitOptions()).curves.theta,
        calibrate(wells, FitOptions()).curves.theta,
        atol=1e-7,
    )


def test_curves_with_different_levels_stand_side_by_side():
    long, short = wells_of(true_theta(3, 1), 1), wells_of(true_theta(3, 1), 1, levels=LEVELS[1:7])
    x = np.full((9, 6), np.nan)
    y = np.full((9, 2, 6), np.nan)
    x[:, :3], y[:, :, :3] = long.x, long.y
    x[:6, 3:], y[:6, :, 3:] = short.x, short.y
    both = replace(wells_of(true_theta(6, 1), 1, plates=2), x=x, y=y)
    found = calibrate(both, FitOptions())
    np.testing.assert_array_equal(
        found.curves.theta[:, :3], calibrate(long, FitOptions()).curves.theta
    )
    np.testing.assert_array_equal(
        found.curves.theta[:, 3:], calibrate(short, FitOptions()).curves.theta
    )


def test_a_declared_dilution_error_widens_the_curve():
    wells = wells_of(true_theta(10, 1), 1)
    mid = np.full((1, 10), np.log(0.05))
    plain = calibrate(wells, FitOptions()).curves.curve_variance(mid)
    told = calibrate(wells, FitOptions(dilution_error_pct=10.0)).curves.curve_variance(mid)
    assert (told > 2 * plain).all()


def test_four_parameters_freeze_the_asymmetry():
    wells = wells_of(true_theta(4, 1), 1)
    found = calibrate(replace(wells, models=("4pl",) * 4), FitOptions())
    assert (found.curves.theta[2] == 0).all()
    assert (found.curves.covariance[:, 4, 4] < 1e-9).all()


@pytest.mark.parametrize("weights", ["1/y2", "1/y", "none", "xponent", "bioplex"])
@pytest.mark.parametrize("prior", ["weak", "none"])
def test_every_rule_gives_finite_curves_near_the_truth(weights, prior):
    theta = true_theta(8, -1)
    wells = wells_of(theta, -1, noise=0.03)
    found = calibrate(wells, FitOptions(weights=weights, prior=prior))
    at = np.full((1, 8), np.log(0.05))
    y = 20 + 15000 * psi(at + np.log(1e4), theta, -1)
    error = found.curves.invert(y) - at
    assert np.isfinite(found.curves.covariance).all()
    assert np.median(np.abs(error)) < 0.1


def test_flat_and_falling_standards_give_no_warning_and_no_nonsense():
    wells = wells_of(true_theta(4, 1), 1)
    y = wells.y.copy()
    y[:, :, 0] = 50.0
    y[:, :, 1] = y[::-1, :, 1]
    y[1:, :, 2] = np.nan
    y[5, :, 2] = 100.0
    y[6:, :, 2] = 200.0
    found = calibrate(replace(wells, y=y), FitOptions())
    assert np.isfinite(found.curves.lower).all()
    falling = found.curves.predict(np.array([[-8.0] * 4, [0.0] * 4]))[:, 1]
    assert falling[0] > falling[1]


def test_pooled_plates_lend_each_other_what_one_lacks():
    """The upper plateau is out of sight on the last plate: the others know where it is."""
    plates, analytes = 10, 4
    theta = np.tile(true_theta(analytes, 1), plates)
    wells = wells_of(theta, 1, plates=plates)
    y = wells.y.copy()
    last = wells.plate == plates - 1
    y[7:, :, last] = np.nan
    wells = replace(wells, y=y)
    at = np.log(np.full((1, analytes), LEVELS[8] / 1e4)) - 0.3
    target = 20 + 15000 * psi(at + np.log(1e4), theta[:, last], 1)

    def worst(pool):
        curves = calibrate(wells, FitOptions(pool=pool)).curves.take(np.flatnonzero(last))
        error = curves.invert(target) - at
        return np.abs(np.where(np.isfinite(error), error, 5.0)).mean()

    assert worst(pool=True) < 0.6 * worst(pool=False)
