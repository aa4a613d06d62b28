"""Adjustments of p-values and declared families."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.multiplicity import ADJUSTMENTS, Family, adjust

#: those that need p-values alone
METHODS = tuple(key for key, one in ADJUSTMENTS.items() if one.of_p is not None)

modest = settings(deadline=None, derandomize=True, max_examples=80)
p_values = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.5, 1.0])), min_size=1, max_size=8
)
FAMILY_WISE = ("bonferroni", "sidak", "holm-sidak", "holm", "hochberg", "hommel")


def test_by_hand() -> None:
    p = [0.01, 0.02, 0.03, 0.5]
    expected = {
        "none": [0.01, 0.02, 0.03, 0.5],
        "bonferroni": [0.04, 0.08, 0.12, 1.0],
        "holm": [0.04, 0.06, 0.06, 0.5],
        "hochberg": [0.04, 0.06, 0.06, 0.5],
        "bh": [0.04, 0.04, 0.04, 0.5],
        "sidak": [1 - 0.99**4, 1 - 0.98**4, 1 - 0.97**4, 1 - 0.5**4],
        "holm-sidak": [1 - 0.99**4, 1 - 0.98**3, 1 - 0.97**2, 0.5],
        "by": [0.25 / 3, 0.25 / 3, 0.25 / 3, 1.0],
    }
    for method, values in expected.items():
        np.testing.assert_allclose(adjust(p, method), values, rtol=1e-12, err_msg=method)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("bonferroni", "bonferroni"),
        ("sidak", "sidak"),
        ("holm-sidak", "holm-sidak"),
        ("holm", "holm"),
        ("hochberg", "simes-hochberg"),
        ("hommel", "hommel"),
        ("bh", "fdr_bh"),
        ("by", "fdr_by"),
    ],
)
def test_statsmodels_agrees_where_nothing_is_missing(method: str, name: str) -> None:
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(1)
    for size in (1, 2, 7, 40):
        p = rng.uniform(size=size) ** 2
        np.testing.assert_allclose(adjust(p, method), multipletests(p, method=name)[1], rtol=1e-10)


@modest
@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=6))
def test_hommel_is_the_closed_simes_test(p: list[float]) -> None:
    def simes(subset: tuple[int, ...]) -> float:
        ordered = sorted(p[i] for i in subset)
        return min(len(ordered) * value / (k + 1) for k, value in enumerate(ordered))

    everyone = range(len(p))
    subsets = [s for size in range(1, len(p) + 1) for s in combinations(everyone, size)]
    closed = [max(simes(s) for s in subsets if i in s) for i in everyone]
    np.testing.assert_allclose(adjust(p, "hommel"), closed, rtol=1e-10)


@modest
@given(p_values, st.sampled_from(METHODS))
def test_what_every_adjustment_keeps(p: list[float], method: str) -> None:
    adjusted = adjust(p, method)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= -1e-15).all()
    shuffled = np.random.default_rng(0).permutation(len(p))
    np.testing.assert_allclose(adjust(np.array(p)[shuffled], method), adjusted[shuffled])


@modest
@given(p_values, st.sampled_from(METHODS), st.integers(0, 8))
def test_what_was_not_tested_leaves_the_family(p: list[float], method: str, at: int) -> None:
    at = min(at, len(p))
    with_gap = adjust([*p[:at], float("nan"), *p[at:]], method)
    assert np.isnan(with_gap[at])
    np.testing.assert_array_equal(np.delete(with_gap, at), adjust(p, method))


@modest
@given(p_values)
def test_the_order_of_power(p: list[float]) -> None:
    by = {method: adjust(p, method) for method in FAMILY_WISE}
    slack = 1e-12
    assert (by["holm"] <= by["bonferroni"] + slack).all()
    assert (by["hochberg"] <= by["holm"] + slack).all()
    assert (by["hommel"] <= by["hochberg"] + slack).all()
    assert (by["holm-sidak"] <= by["holm"] + slack).all()


def test_nothing_tested_and_one_tested() -> None:
    for method in METHODS:
        assert adjust([], method).size == 0
        assert np.isnan(adjust([float("nan")] * 2, method)).all()
        np.testing.assert_allclose(adjust([float("nan"), 0.03], method)[1], 0.03, rtol=1e-12)


def test_tiny_p_values_survive_sidak() -> None:
    np.testing.assert_allclose(adjust([1e-18, 1e-18], "sidak"), 2e-18, rtol=1e-12)


def test_a_family_counts_what_was_tested() -> None:
    family = Family("F1", ("IL-6", "TNF", "IL-8"))
    p = [0.02, float("nan"), 0.03]
    assert family.size(p) == 2
    np.testing.assert_allclose(family.adjust(p, "holm"), [0.04, np.nan, 0.04])
