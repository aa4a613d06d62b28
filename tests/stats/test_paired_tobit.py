"""The bivariate normal model of two days: closed forms, scipy's normal law, recovery of a truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from cytokit.stats import between, longitudinal
from cytokit.stats.cells import Cells
from cytokit.stats.paired_tobit import Pairs, _bivariate, minus_log_likelihood, paired_tobit


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
    found = paired_tobit(cells(base), cells(day), np.ones((24, 1)), np.ones(1))
    plain = longitudinal.paired_ratio(day - base)
    np.testing.assert_allclose(
        [found.difference, found.se, found.p], [plain.difference, plain.se, plain.p], rtol=1e-4
    )
    assert found.df == plain.df


def test_without_limits_it_is_students_test_of_the_changes(days):
    base, day = days
    treated = np.arange(24) % 2 == 0
    design = np.column_stack([np.ones(24), treated])
    found = paired_tobit(cells(base), cells(day), design, np.array([0.0, 1.0]))
    plain = between.ancova(day - base, np.empty((24, 0)), treated)
    np.testing.assert_allclose(
        [found.difference, found.se, found.p], [plain.difference, plain.se, plain.p], rtol=1e-4
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
    found = paired_tobit(cells(base, limit), cells(day, limit), np.ones((4000, 1)), np.ones(1))
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
    assert "too few" in paired_tobit(few, few, np.ones((2, 1)), np.ones(1)).reason
    same = cells(np.arange(8.0))
    moved = cells(np.arange(8.0) + 1.0)
    assert paired_tobit(same, moved, np.ones((8, 1)), np.ones(1)).reason != ""
