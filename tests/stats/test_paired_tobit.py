"""The bivariate normal model of two days: closed forms, scipy's normal law, recovery of a truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from cytokit.trial.paired import (
    NO_MAXIMUM,
    Pairs,
    _bivariate,
    change_between,
    change_within,
    minus_log_likelihood,
    paired_ratio,
)
from cytokit.trial.values import Cells


def cells(values, limit=-np.inf):
    below = values < limit
    lower, upper = np.where(below, -np.inf, values), np.where(below, limit, values)
    nothing = np.full(len(values), np.nan)
    return Cells(lower, upper, nothing, np.zeros(len(values), dtype=bool))


@pytest.fixture
def days():
    rng = np.random.default_rng(11)
    own = rng.normal(size=24)
    return 2 + own + rng.normal(size=24) * 0.7, 1.4 + own + rng.normal(size=24) * 0.9


def test_without_limits_it_is_the_paired_t_test(days):
    base, day = days
    found = change_within(cells(base), cells(day))
    plain = paired_ratio(day - base)
    np.testing.assert_allclose(
        [found.difference, found.low, found.high, found.p],
        [plain.difference, plain.low, plain.high, plain.p],
        rtol=1e-3,
    )
    assert found.df == plain.df


def test_between_arms_it_is_the_likelihood_ratio_of_the_changes(days):
    """Both arms' laws fitted at once, the difference held at zero, by a general optimiser."""
    base, day = days
    treated = np.arange(24) % 2 == 0
    values = np.column_stack([base, day])

    def minus(parameters, free):
        total, means = 0.0, parameters[:4].copy()
        if not free:
            means[3] = means[2] + means[1] - means[0]
        for at, rows in enumerate((treated, ~treated)):
            first, second, tie = parameters[4 + 3 * at : 7 + 3 * at]
            s = np.exp([first, second])
            rho = np.tanh(tie)
            law = [[s[0] ** 2, rho * s[0] * s[1]], [rho * s[0] * s[1], s[1] ** 2]]
            mean = means[2 * at : 2 * at + 2]
            total -= stats.multivariate_normal(mean, law).logpdf(values[rows]).sum()
        return total

    start = np.array([2, 1.4, 2, 1.4, 0.1, 0.2, 0.6, 0.1, 0.2, 0.6])
    best = [optimize.minimize(minus, start, args=(free,)).fun for free in (True, False)]
    t = np.sqrt(22 * np.expm1(2 * (best[1] - best[0]) / 24))
    found = change_between(cells(base), cells(day), treated)
    assert abs(found.statistic) == pytest.approx(t, rel=1e-3)
    assert found.difference == pytest.approx(
        (day - base)[treated].mean() - (day - base)[~treated].mean(), rel=1e-4
    )


@pytest.mark.parametrize("rho", [-0.95, -0.3, 0.0, 0.5, 0.99])
def test_the_bivariate_normal_law_is_scipys(rho):
    h = np.array([-3.0, -1.0, 0.0, 0.0, 0.4, 2.0, np.inf, np.inf, -np.inf])
    k = np.array([0.5, -2.0, 0.0, 1.0, -0.7, 3.0, 0.3, np.inf, 1.0])
    law = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    big = np.column_stack([np.clip(h, -30, 30), np.clip(k, -30, 30)])
    np.testing.assert_allclose(_bivariate(h, k, rho), law.cdf(big), atol=2e-7)


def test_a_limit_hides_values_and_not_the_change():
    """With a third below the limit the estimate stays near the one of the hidden values."""
    rng = np.random.default_rng(5)
    own = rng.normal(size=4000)
    base, day = own + rng.normal(size=4000) * 0.6, own - 0.5 + rng.normal(size=4000) * 0.6
    limit = float(np.quantile(np.concatenate([base, day]), 0.35))
    found = change_within(cells(base, limit), cells(day, limit))
    assert abs(found.difference + 0.5) < 4 * found.se
    assert found.se < 0.03
    naive = np.maximum(day, limit) - np.maximum(base, limit)
    assert abs(naive.mean() + 0.5) > 0.1


def test_the_gradient_is_the_slope_of_the_likelihood():
    """Exact, below, above and between, on either day, in all combinations."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 2))
    lower = np.where(values < -0.5, -np.inf, values)
    upper = np.where(values < -0.5, -0.5, values)
    lower, upper = np.where(values > 1, 1.0, lower), np.where(values > 1, np.inf, upper)
    between_limits = (values > 0) & (values < 0.4)
    lower, upper = np.where(between_limits, 0.0, lower), np.where(between_limits, 0.4, upper)
    data = Pairs(lower, upper, np.column_stack([np.ones(60), np.arange(60) % 2]))
    at = np.array([0.1, -0.2, 0.3, 0.2, -0.1, 0.2, 0.4])
    numeric = optimize.approx_fprime(at, lambda x: minus_log_likelihood(x, data)[0], 1e-6)
    np.testing.assert_allclose(minus_log_likelihood(at, data)[1], numeric, rtol=1e-4, atol=1e-4)


def test_too_few_pairs_and_no_maximum():
    few = cells(np.array([1.0, 2.0]))
    assert "too few" in change_within(few, few).reason
    same = cells(np.arange(8.0))
    moved = cells(np.arange(8.0) + 1.0)
    assert change_within(same, moved).reason == NO_MAXIMUM
    both = np.arange(8) < 4
    assert change_between(same, moved, both).reason != ""
