"""The variance model, robust weights and the vendors' rules."""

from __future__ import annotations

import numpy as np
import pytest

from cytokit.curves.noise import (
    SPREAD_GENERAL,
    Bounds,
    Scatter,
    VarianceModel,
    fit_variance,
    huber,
    prior_centre,
    tukey,
)
from cytokit.curves.standards import StandardWells, rule_weights, well_weights
from cytokit.options import FitOptions


def scatter_of_pairs(y):
    mean = y.mean(1)
    ss = np.square(y - mean[:, None]).sum(1)
    return Scatter(mean, ss, np.ones_like(mean), np.zeros_like(mean))


def noisy_pairs(s0, cv, size=200, groups=40, seed=1):
    rng = np.random.default_rng(seed)
    mu = np.exp(rng.uniform(np.log(10), np.log(2e4), (groups, size)))
    sd = np.sqrt(s0**2 + (cv * mu) ** 2)
    y = mu[:, None] + sd[:, None] * rng.standard_normal((groups, 2, size))
    return scatter_of_pairs(y)


def centre(size, blank=30.0):
    """Where the noise is looked for on a plate whose highest reading is 20,000."""
    return prior_centre(np.broadcast_to(blank, size), np.full(size, 2e4))


def one_company(size):
    return np.zeros(size, dtype=int)


def test_noise_is_found_from_replicates():
    scatter = noisy_pairs(4.0, 0.12)
    model = fit_variance(scatter, centre(200), one_company(200))
    assert np.median(model.cv) == pytest.approx(0.12, rel=0.05)
    assert np.median(model.s0) == pytest.approx(4.0, rel=0.15)


def test_each_curve_keeps_much_of_its_own_noise():
    quiet, loud = noisy_pairs(2.0, 0.04), noisy_pairs(2.0, 0.20, seed=2)
    half = [getattr(quiet, name)[:, :100] for name in ("mean", "ss", "df", "known")]
    other = [getattr(loud, name)[:, :100] for name in ("mean", "ss", "df", "known")]
    both = Scatter(*(np.concatenate(pair, axis=1) for pair in zip(half, other, strict=True)))
    model = fit_variance(both, centre(200), one_company(200))
    assert np.median(model.cv[:100]) == pytest.approx(0.04, rel=0.2)
    assert np.median(model.cv[100:]) == pytest.approx(0.20, rel=0.2)


def test_without_evidence_the_prior_stands():
    nothing = np.zeros((0, 2))
    blank = np.array([20.0, 200.0])
    general = centre(2, blank)
    model = fit_variance(Scatter(nothing, nothing, nothing, nothing), general, np.array([0, 1]))
    np.testing.assert_allclose(np.log([model.s0, model.cv]), general, atol=1e-12)
    np.testing.assert_allclose(model.s0, [2.0, 11.0], rtol=1e-12)


def test_one_wild_group_moves_the_noise_little():
    scatter = noisy_pairs(3.0, 0.08, size=50, groups=20)
    calm = fit_variance(scatter, centre(50), np.arange(50))
    ss = scatter.ss.copy()
    ss[0] = (5 * scatter.mean[0]) ** 2
    wild = fit_variance(
        Scatter(scatter.mean, ss, scatter.df, scatter.known), centre(50), np.arange(50)
    )
    # unbounded it would be tenfold; a curve alone has no company that holds it nearer
    assert np.median(wild.cv / calm.cv) < 1.4


def test_the_company_lends_its_centre_and_its_order_does_not_matter():
    scatter = noisy_pairs(3.0, 0.25, size=9, groups=4)
    alone = fit_variance(scatter, centre(9), np.arange(9))
    together = fit_variance(scatter, centre(9), one_company(9))
    assert np.std(np.log(together.cv)) < np.std(np.log(alone.cv))
    order = np.random.default_rng(3).permutation(9)
    shuffled = fit_variance(scatter.take(order), centre(9), one_company(9))
    np.testing.assert_array_equal(shuffled.cv, together.cv[order])


def test_a_dilution_error_known_beforehand_is_not_taken_for_noise():
    rng = np.random.default_rng(5)
    mu = np.full((60, 80), 1000.0)
    known = np.full_like(mu, 200.0**2)
    residual = rng.standard_normal(mu.shape) * np.sqrt(known + (0.05 * mu) ** 2)
    ones = np.ones_like(mu)
    told = fit_variance(Scatter(mu, residual**2, ones, known), centre(80, mu[0]), np.arange(80))
    untold = fit_variance(Scatter(mu, residual**2, ones, 0 * mu), centre(80, mu[0]), np.arange(80))
    assert np.median(untold.cv) > 0.15
    assert np.median(told.cv) < 0.1


def test_degrees_of_freedom_grow_with_evidence():
    few = fit_variance(noisy_pairs(3.0, 0.1, 20, 5), centre(20), np.arange(20))
    many = fit_variance(noisy_pairs(3.0, 0.1, 20, 80), centre(20), np.arange(20))
    mu = np.full((1, 20), 5000.0)
    assert np.median(few.df(mu)) < 20
    # Fisher's information: half the number of groups' freedom, near enough, plus the prior's
    assert 60 < np.median(many.df(mu)) < 110


@pytest.mark.parametrize("companions", [0, 1, 2])
def test_replicates_that_agree_far_better_than_usual_are_believed(companions):
    """High blanks, a narrow range: s0 and cv cannot be told apart, and steps once went in circles.

    Replicates with an sd of 7.6 were said to scatter by 30 to 55.
    """
    size = 1 + companions
    rng = np.random.default_rng(4)
    mu = np.linspace(1000.0, 1200.0, 40)[:, None] * np.ones(size)
    y = mu[:, None] + 7.6 * rng.standard_normal((40, 2, size))
    scatter = scatter_of_pairs(y)
    model = fit_variance(scatter, centre(size, 1000.0), one_company(size))
    pooled = np.sqrt(scatter.ss.sum(0) / scatter.df.sum(0))
    sd = np.sqrt(model.variance(np.full((1, size), 1100.0)))[0]
    np.testing.assert_allclose(sd, pooled, rtol=0.35)


def test_the_estimate_is_the_best_there_is():
    """Against a fine grid of the same objective."""
    scatter = noisy_pairs(3.0, 0.02, size=30, groups=6, seed=9)
    model = fit_variance(scatter, centre(30, 400.0), np.arange(30))
    bounds = Bounds.of(scatter.df)
    precision = 1 / np.square(np.array(SPREAD_GENERAL))[:, None]

    def objective(phi):
        total = np.exp(2 * phi[0]) + np.exp(2 * phi[1]) * scatter.mean**2
        pull = (precision * (phi - centre(30, 400.0)) ** 2).sum(0)
        return bounds.fit(scatter.ss / total, total) - 0.5 * pull

    found = np.log([model.s0, model.cv])
    for s0 in np.linspace(-4, 4, 41):
        for cv in np.linspace(-5, 0, 41):
            other = np.array([[s0], [cv]]) * np.ones(30)
            assert (objective(other) <= objective(found) + 1e-9).all()


def test_robust_weights():
    z = np.array([0.0, -1.0, 2.0, 6.5])
    np.testing.assert_allclose(huber(z), [1, 1, 0.75, 1.5 / 6.5])
    np.testing.assert_allclose(tukey(z), [1, (1 - 1 / 36) ** 2, (1 - 4 / 36) ** 2, 0])


Y = np.array([[[20.0], [24.0]], [[122.0], [22.0]], [[1000.0], [np.nan]]])
BACKGROUND = np.array([22.0])


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("none", [[1, 1], [1, 1], [1, 0]]),
        ("1/y", [[1 / 22, 1 / 22], [1 / 72, 1 / 72], [1e-3, 0]]),
        ("1/y2", [[1 / 22**2, 1 / 22**2], [1 / 72**2, 1 / 72**2], [1e-6, 0]]),
        ("xponent", [[1 / 4, 1 / 4], [1e-4, 1.0], [1 / 978**2, 0]]),
        ("bioplex", [[22**-1.8 / 2] * 2, [72**-1.8 / 2] * 2, [1000**-1.8, 0]]),
    ],
)
def test_classical_and_vendor_rules(rule, expected):
    np.testing.assert_allclose(rule_weights(rule, Y, BACKGROUND)[:, :, 0], expected, rtol=1e-12)


def test_vendor_rules_leave_blanks_out_and_all_rules_are_brought_to_the_noise():
    empty = np.zeros((0, 1))
    wells = StandardWells(
        np.array([[0.0], [1.0], [10.0]]),
        Y,
        BACKGROUND,
        Scatter(empty, empty, empty, empty),
        np.array([0]),
        np.array([0]),
        ("5pl",),
    )
    noise = VarianceModel(np.array([2.0]), np.array([0.1]), np.eye(2)[None])
    mu, there = np.array([[22.0], [72.0], [1000.0]]), np.isfinite(Y).astype(float)
    none = np.zeros((3, 1))
    vendor = well_weights(wells, FitOptions(weights="xponent"), noise, mu, there, none)
    assert (vendor[0] == 0).all()
    assert (vendor[1] > 0).all()
    own = well_weights(wells, FitOptions(), noise, mu, there, none)
    np.testing.assert_allclose(own[2, 0], 1 / (4 + 100.0**2))
    flat = well_weights(wells, FitOptions(weights="none"), noise, mu, there, none)
    used = flat[flat > 0]
    assert np.log(used * noise.variance(np.repeat(mu[:, 0], [2, 2, 1]))).mean() == pytest.approx(0)
