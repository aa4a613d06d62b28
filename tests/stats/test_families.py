"""Sign flips of whole subjects, quantiles of intervals, declared families."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytokit.errors import UsageError
from cytokit.stats.cells import Cells
from cytokit.stats.contrasts import declare, declare_families, find_reference
from cytokit.stats.pairs import sign_test
from cytokit.stats.rows import min_fold_change
from cytokit.stats.sign_flips import sign_flip_max_t
from cytokit.stats.summary import quantile


def brute_force(changes):
    """Step-down maxT over all sign patterns, written plainly."""
    n, m = changes.shape

    def t(x):
        return np.abs(x.mean(axis=0)) / (x.std(axis=0, ddof=1) / np.sqrt(n))

    observed = t(changes)
    patterns = [
        t(changes * np.array(signs)[:, None]) for signs in itertools.product((1, -1), repeat=n)
    ]
    order = np.argsort(-observed)
    p = np.empty(m)
    for step, j in enumerate(order):
        rest = order[step:]
        p[j] = np.mean([x[rest].max() >= observed[j] * (1 - 1e-9) for x in patterns])
    p[order] = np.maximum.accumulate(p[order])
    return p


def test_sign_flips_against_brute_force():
    changes = np.random.default_rng(4).normal(0.6, 1, (8, 3))
    p, seed = sign_flip_max_t(changes)
    np.testing.assert_allclose(p, brute_force(changes))
    assert seed is None


def test_one_analyte_needs_no_adjustment():
    change = np.random.default_rng(5).normal(0.4, 1, (7, 1))
    exact = stats.permutation_test(
        (change[:, 0],), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_max_t(change)[0][0] == pytest.approx(exact.pvalue)


def test_many_subjects_are_drawn_with_a_seed():
    changes = np.random.default_rng(6).normal(0.5, 1, (25, 4))
    first, seed = sign_flip_max_t(changes, draws=400, seed=9)
    assert seed == 9
    np.testing.assert_array_equal(first, sign_flip_max_t(changes, draws=400, seed=9)[0])
    assert (first >= 1 / 401).all()


def test_what_cannot_be_flipped():
    changes = np.array([[np.nan, 0.0, 1.0], [np.nan, 0.0, 2.0], [1.0, 0.0, 3.0]])
    p, _ = sign_flip_max_t(changes)
    assert np.isnan(p).tolist() == [True, True, False]
    assert np.isnan(sign_flip_max_t(np.full((3, 2), np.nan))[0]).all()


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.integers(0, 30), st.integers(0, 30))
def test_sign_test_is_the_binomial(up, down):
    p, p_min = sign_test(up, down)
    if up + down == 0:
        assert np.isnan(p)
    else:
        assert p == pytest.approx(stats.binomtest(up, up + down).pvalue)
        assert p_min <= p
        assert up != down or p == 1


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=12), st.floats(0, 1))
def test_quantiles_of_numbers_are_numpys(values, share):
    ln = np.log(np.array(values))
    nothing = np.full(len(ln), np.nan)
    cells = Cells(ln, ln, nothing, np.zeros(len(ln), dtype=bool))
    assert quantile(cells, share) == pytest.approx(np.quantile(values, share), rel=1e-9)


def test_quantiles_among_values_out_of_range_are_empty():
    low, high = np.array([-np.inf, 1.0, 2.0, 3.0]), np.array([0.5, 1.0, 2.0, np.inf])
    cells = Cells(low, high, np.full(4, np.nan), np.zeros(4, dtype=bool))
    assert np.isnan(
        [quantile(cells, 0.0), quantile(cells, 1.0), quantile(cells, 0.25)]
    ).tolist() == [
        True,
        True,
        True,
    ]
    assert quantile(cells, 0.5) == pytest.approx((np.e + np.e**2) / 2)


def test_families_are_declared_from_the_design_alone():
    contrasts = declare(["a", "b", "ctl"], "ctl", "6", has_baseline=True)
    families = declare_families(contrasts, ["x", "y"])
    assert families["F1"] == ("x [a / ctl]", "y [a / ctl]", "x [b / ctl]", "y [b / ctl]")
    assert families["F2"] == ("x [a]", "y [a]", "x [b]", "y [b]")
    assert families["F3"] == ("x", "y")
    every = declare(["a", "b", "ctl"], "ctl", "6", has_baseline=False, versus="all")
    assert [(c.treated, c.control) for c in every if c.family] == [
        ("a", "b"),
        ("a", "ctl"),
        ("b", "ctl"),
    ]


def test_the_reference_group():
    assert find_reference(["Drug", "PLACEBO"], None) == "PLACEBO"
    assert find_reference(["Drug", "Control"], "control") == "Control"
    assert find_reference(["Drug"], None) == ""
    with pytest.raises(UsageError, match="CK-404"):
        find_reference(["control", "placebo", "drug"], None)


def test_the_smallest_fold_change_has_its_power():
    """With this effect a t test of this size rejects four times in five."""
    se, df = 0.3, 40
    effect = np.log(min_fold_change(se, df, 0.05, 0.8))
    critical = stats.t.ppf(0.975, df)
    power = stats.nct.sf(critical, df, effect / se) + stats.nct.cdf(-critical, df, effect / se)
    assert power == pytest.approx(0.8, abs=0.01)
    assert np.isnan(min_fold_change(np.nan, df, 0.05, 0.8))
