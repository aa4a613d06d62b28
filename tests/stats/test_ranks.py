"""The rank-sum test and the Hodges-Lehmann shift."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.ranks import doubled_midranks, hodges_lehmann, normal_p, rank_sum, sum_counts

modest = settings(deadline=None, derandomize=True, max_examples=60)
# Few distinct values, so that ties are common.
tied = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=6)


def brute_force(treated: list[float], control: list[float]) -> tuple[float, float]:
    """p and smallest p from every assignment of the pooled values."""
    pooled = np.array(treated + control)
    ranks = np.array([(pooled < v).sum() + ((pooled == v).sum() + 1) / 2 for v in pooled])
    centre = len(treated) * ranks.mean()
    chosen = combinations(range(pooled.size), len(treated))
    away = np.abs([ranks[list(rows)].sum() - centre for rows in chosen])
    observed = abs(ranks[: len(treated)].sum() - centre)
    return (away >= observed - 1e-9).mean(), (away >= away.max() - 1e-9).mean()


@modest
@given(tied, tied)
def test_exact_p_is_that_of_every_assignment(treated: list[float], control: list[float]) -> None:
    result = rank_sum(treated, control)
    if len(set(treated + control)) == 1:
        assert math.isnan(result.p)
        assert result.reason == "all values are tied"
        return
    p, p_min = brute_force(treated, control)
    assert result.exact
    assert result.p == pytest.approx(p, abs=1e-12)
    assert result.p_min == pytest.approx(p_min, abs=1e-12)
    pairs = sum((x > y) + 0.5 * (x == y) for x in treated for y in control)
    assert result.statistic == pairs


@modest
@given(tied, tied)
def test_swapping_the_arms_turns_the_result(treated: list[float], control: list[float]) -> None:
    one, other = rank_sum(treated, control), rank_sum(control, treated)
    assert one.statistic + other.statistic == len(treated) * len(control)
    np.testing.assert_allclose(one.p, other.p, rtol=1e-12)
    shift, back = hodges_lehmann(treated, control), hodges_lehmann(control, treated)
    assert shift.estimate == -back.estimate
    np.testing.assert_allclose(shift.low, -back.high, atol=1e-12)


@modest
@given(tied, tied)
def test_a_monotone_scale_changes_nothing(treated: list[float], control: list[float]) -> None:
    plain = rank_sum(treated, control)
    assert repr(rank_sum(np.exp(treated), np.exp(control))) == repr(plain)


def test_scipy_agrees_without_ties() -> None:
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(3)
    for n, m in ((3, 4), (12, 12), (12, 6), (30, 31)):
        x, y = rng.normal(size=n), rng.normal(0.7, 1, size=m)
        expected = mannwhitneyu(x, y, method="exact")
        result = rank_sum(x, y)
        assert result.statistic == expected.statistic
        assert result.p == pytest.approx(expected.pvalue, rel=1e-12)


def test_large_arms_use_the_normal_approximation_and_say_so() -> None:
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(4)
    x, y = rng.normal(size=300).round(2), rng.normal(0.2, 1, size=300).round(2)
    result = rank_sum(x, y)
    assert not result.exact
    assert math.isnan(result.p_min)
    expected = mannwhitneyu(x, y, method="asymptotic", use_continuity=True).pvalue
    assert result.p == pytest.approx(expected, rel=1e-9)


def test_the_approximation_is_near_the_exact_p() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=40).round(1), rng.normal(-0.3, 1, size=40).round(1)
    scores = doubled_midranks(np.concatenate((x, y)))
    approximate = normal_p(scores, np.arange(80) < 40, 1.0)
    assert approximate == pytest.approx(rank_sum(x, y).p, rel=0.03)


def test_counts_do_not_overflow_where_arrangements_are_many() -> None:
    # 450 v 450 with two distinct values: few sums, but more than 1e200 arrangements.
    result = rank_sum([1.0] * 240 + [0.0] * 210, [1.0] * 210 + [0.0] * 240)
    assert result.exact
    assert 0.04 < result.p < 0.06


def test_sum_counts_adds_up_to_the_binomial_coefficient() -> None:
    counts = sum_counts(np.array([0, 0, 1, 4, 4, 9, 30]), 3)
    assert counts.sum() == math.comb(7, 3)
    assert counts.size == 30 + 9 + 4 + 1


@pytest.mark.parametrize(("treated", "control"), [([], [1.0]), ([1.0], []), ([], [])])
def test_an_empty_arm_is_no_test(treated: list[float], control: list[float]) -> None:
    result = rank_sum(treated, control)
    assert math.isnan(result.p)
    assert result.reason == "an arm is empty"
    shift = hodges_lehmann(treated, control)
    assert all(math.isnan(value) for value in shift)
    assert shift.reason == "an arm is empty"


def test_one_per_arm_cannot_be_significant() -> None:
    result = rank_sum([2.0], [1.0])
    assert (result.p, result.p_min) == (1.0, 1.0)
    assert "no arrangement" in result.reason


def test_smallest_p_of_three_against_three() -> None:
    assert rank_sum([1.0, 2, 3], [4.0, 5, 6]).p_min == pytest.approx(0.1)


def test_too_few_values_leave_the_interval_open() -> None:
    shift = hodges_lehmann([3.0, 4.0], [1.0, 1.5])
    assert shift.estimate == 2.25
    assert (shift.low, shift.high) == (-math.inf, math.inf)
    assert shift.reason == "too few values for a 95% interval"


def test_the_interval_holds_what_the_test_does_not_reject() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(1, 1, size=9), rng.normal(size=8)
    _, low, high = hodges_lehmann(x, y)
    inside, outside = 1e-9, -1e-9
    assert rank_sum(x - (low + inside), y).p > 0.05 >= rank_sum(x - (low + outside), y).p
    assert rank_sum(x - (high - inside), y).p > 0.05 >= rank_sum(x - (high - outside), y).p


def test_a_wider_level_gives_a_wider_interval() -> None:
    rng = np.random.default_rng(7)
    for decimals in (8, 1):
        x, y = rng.normal(size=12).round(decimals), rng.normal(size=12).round(decimals)
        narrow, wide = hodges_lehmann(x, y, 0.8), hodges_lehmann(x, y, 0.99)
        assert wide.low < narrow.low <= narrow.estimate <= narrow.high < wide.high


def test_constant_values_have_a_shift_and_no_interval() -> None:
    shift = hodges_lehmann([2.0, 2.0], [2.0, 2.0, 2.0])
    assert shift.estimate == 0
    assert math.isnan(shift.low)
    assert shift.reason == "all values are tied"


def test_tied_within_the_arms_but_apart_has_a_shift_without_an_interval() -> None:
    """An interval of no width would say that the shift is known exactly."""
    shift = hodges_lehmann([3.0] * 12, [1.0] * 12)
    assert shift.estimate == 2.0
    assert math.isnan(shift.low)
    assert math.isnan(shift.high)
    assert shift.reason == "the values do not vary within the arms"


@pytest.mark.slow
def test_coverage_of_the_exact_interval() -> None:
    rng = np.random.default_rng(8)
    held = 0
    for _ in range(4000):
        _, low, high = hodges_lehmann(rng.normal(0.5, 1, 12), rng.normal(0, 1, 12))
        held += low <= 0.5 <= high
    assert 0.945 < held / 4000 < 0.975


def test_tied_values_too_few_for_the_level_leave_the_interval_open():
    """With 3 v 3 even complete separation has p .1: the approximation gave an interval of 95 %."""
    treated, control = [1.0, 1.0, 3.0], [5.0, 6.0, 7.0]
    found = hodges_lehmann(treated, control)
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert found.reason == "too few values for a 95% interval"
    assert np.isfinite(hodges_lehmann(treated, control, 0.9).low)
