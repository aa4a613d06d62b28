"""The signed-rank test."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.ranks import SignedRank, signed_rank

modest = settings(deadline=None, derandomize=True, max_examples=60)
differences = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=6)


def brute_force(values: list[float], zero_method: str) -> float:
    """p over every change of signs."""
    kept = np.array(values)
    if zero_method == "wilcoxon":
        kept = kept[kept != 0]
    size = np.abs(kept)
    ranks = np.array([(size < s).sum() + ((size == s).sum() + 1) / 2 for s in size])
    ranks, signs = ranks[kept != 0], np.sign(kept[kept != 0])
    sums = np.array([ranks @ np.array(s) for s in product((-1, 1), repeat=ranks.size)])
    return float((np.abs(sums) >= abs(ranks @ signs) - 1e-9).mean())


@modest
@given(differences, st.sampled_from(["wilcoxon", "pratt"]))
def test_exact_p_is_that_of_every_change_of_signs(values: list[float], zeros: str) -> None:
    result = signed_rank(values, zero_method=zeros)
    if not any(values):
        assert math.isnan(result.p)
        assert result.reason == "every difference is zero"
        return
    assert result.exact
    assert result.p == pytest.approx(brute_force(values, zeros), abs=1e-12)
    assert result.n_used == sum(value != 0 for value in values)
    assert result.p_min <= result.p + 1e-15


@modest
@given(differences)
def test_turning_the_signs_keeps_p(values: list[float]) -> None:
    one, other = signed_rank(values), signed_rank([-value for value in values])
    np.testing.assert_allclose(one.p, other.p, rtol=1e-12)
    n = one.n_used
    if n:
        assert one.statistic + other.statistic == n * (n + 1) / 2


def test_equal_ratios_are_tied_whatever_their_rounding() -> None:
    # Three times the same doubling, which floating point does not see as equal.
    ratios = np.log([0.2, 2.2, 60.6]) - np.log([0.1, 1.1, 30.3])
    assert np.unique(ratios).size > 1
    assert signed_rank([*ratios, -0.1]).statistic == 9.0
    assert signed_rank([*ratios, -0.1]) == signed_rank([math.log(2)] * 3 + [-0.1])


def test_five_pairs_cannot_go_below_one_sixteenth() -> None:
    assert signed_rank([1.0, 2, 3, 4, 5]) == SignedRank(15.0, 0.0625, 5, 0.0625, True)


def test_scipy_agrees_without_ties() -> None:
    from scipy.stats import wilcoxon

    values = np.random.default_rng(1).normal(0.4, 1, size=24)
    assert signed_rank(values).p == pytest.approx(wilcoxon(values, method="exact").pvalue, rel=1e-9)


def test_no_pair_and_one_pair() -> None:
    assert signed_rank([]).reason == "no pair has both values"
    one = signed_rank([3.0])
    assert (one.p, one.p_min) == (1.0, 1.0)
    assert one.reason == "one pair cannot give a p below 1"


def test_many_pairs_use_the_normal_approximation_and_say_so() -> None:
    from scipy.stats import wilcoxon

    values = np.random.default_rng(2).normal(0.05, 1, size=1500)
    result = signed_rank(values)
    assert not result.exact
    expected = wilcoxon(values, method="asymptotic", correction=True).pvalue
    assert result.p == pytest.approx(expected, rel=1e-6)


def test_hundreds_of_pairs_stay_exact_and_do_not_overflow() -> None:
    result = signed_rank(np.random.default_rng(3).normal(0.6, 1, size=500))
    assert result.exact
    assert 0 < result.p < 1e-20
