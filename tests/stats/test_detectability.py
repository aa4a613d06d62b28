"""Fisher's exact test on detectability."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.ranks import fisher


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.integers(1, 25), st.integers(1, 25), st.data())
def test_scipy_agrees_and_arms_may_be_swapped(n_t: int, n_c: int, data: st.DataObject) -> None:
    from scipy.stats import fisher_exact

    a, b = data.draw(st.integers(0, n_t)), data.draw(st.integers(0, n_c))
    p = fisher(a, n_t, b, n_c)
    assert p == pytest.approx(fisher_exact([[a, n_t - a], [b, n_c - b]]).pvalue, rel=1e-9)
    assert p == pytest.approx(fisher(b, n_c, a, n_t), rel=1e-12)
    assert p == pytest.approx(fisher(n_t - a, n_t, n_c - b, n_c), rel=1e-12)


def test_all_or_none_detectable_is_no_difference() -> None:
    assert fisher(5, 5, 7, 7) == 1.0
    assert fisher(0, 5, 0, 7) == 1.0


def test_large_counts_do_not_overflow() -> None:
    assert 0 < fisher(900, 2000, 1100, 2000) < 1e-9


def test_an_empty_arm_is_no_test() -> None:
    assert math.isnan(fisher(0, 0, 3, 7))
