"""Gehan's test for values out of range."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.ranks import RankSum, gehan, gehan_scores, rank_sum

INF = math.inf
modest = settings(deadline=None, derandomize=True, max_examples=60)


@st.composite
def interval(draw: st.DrawFn) -> tuple[float, float]:
    """A known value, one below or above a limit, or one between two limits."""
    value = float(draw(st.integers(0, 4)))
    width = float(draw(st.integers(1, 3)))
    kinds = [(value, value), (-INF, value), (value, INF), (value, value + width)]
    return draw(st.sampled_from(kinds))


arms = st.lists(interval(), min_size=1, max_size=5)


def surely_above(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether every value in the first is above every value in the second (limits are open)."""
    if one[0] == one[1] and other[0] == other[1]:
        return one[0] > other[0]
    return one[0] >= other[1]


def gehan_of(treated: list[tuple[float, float]], control: list[tuple[float, float]]) -> RankSum:
    """The test on lists of intervals."""
    low_t, high_t = zip(*treated, strict=True)
    low_c, high_c = zip(*control, strict=True)
    return gehan(low_t, high_t, low_c, high_c)


@modest
@given(arms, arms)
def test_exact_p_is_that_of_every_assignment(treated: list, control: list) -> None:
    everyone = treated + control
    scores = np.array(
        [sum(surely_above(a, b) - surely_above(b, a) for b in everyone) for a in everyone]
    )
    result = gehan_of(treated, control)
    above = sum(surely_above(t, c) for t in treated for c in control)
    below = sum(surely_above(c, t) for t in treated for c in control)
    assert result.statistic == (above - below + len(treated) * len(control)) / 2
    if not scores.any():
        assert math.isnan(result.p)
        assert result.reason == "no value is surely above another"
        return
    chosen = combinations(range(len(everyone)), len(treated))
    sums = np.abs([scores[list(rows)].sum() for rows in chosen])
    assert result.p == pytest.approx((sums >= abs(scores[: len(treated)].sum())).mean(), abs=1e-12)
    assert result.p_min == pytest.approx((sums == sums.max()).mean(), abs=1e-12)


@modest
@given(arms, arms)
def test_turning_the_scale_keeps_p(treated: list, control: list) -> None:
    turned = [[(-high, -low) for low, high in arm] for arm in (treated, control)]
    np.testing.assert_allclose(gehan_of(*turned).p, gehan_of(treated, control).p, rtol=1e-12)


@modest
@given(
    st.lists(st.integers(0, 6).map(float), min_size=1, max_size=8),
    st.lists(st.integers(0, 6).map(float), min_size=1, max_size=8),
)
def test_without_intervals_it_is_the_rank_sum_test(x: list[float], y: list[float]) -> None:
    plain, general = rank_sum(x, y), gehan(x, x, y, y)
    assert general.statistic == plain.statistic
    np.testing.assert_allclose([general.p, general.p_min], [plain.p, plain.p_min], rtol=1e-12)


def test_a_single_limit_is_the_rank_sum_test_with_ties_at_the_limit() -> None:
    x, y = np.array([1.0, 1, 1, 4, 6, 9]), np.array([1.0, 1, 5, 7, 8, 12])
    low_x, low_y = np.where(x == 1, -INF, x), np.where(y == 1, -INF, y)
    assert gehan(low_x, x, low_y, y).p == pytest.approx(rank_sum(x, y).p, rel=1e-12)


def test_limits_are_open() -> None:
    # <5, 5, >5: each surely exceeds the one before; 5 to 6 is undecided with >5.
    scores = gehan_scores(np.array([-INF, 5, 5, 5.0]), np.array([5, 5, INF, 6.0]))
    assert scores.tolist() == [-3, -1, 2, 2]


def test_all_out_of_range_is_no_test() -> None:
    result = gehan([-INF] * 3, [2.0] * 3, [-INF] * 3, [1.0] * 3)
    assert math.isnan(result.p)
    assert result.reason == "no value is surely above another"


def test_empty_arm_and_one_per_arm() -> None:
    assert gehan([], [], [1.0], [1.0]).reason == "an arm is empty"
    assert "no arrangement" in gehan([2.0], [2.0], [1.0], [1.0]).reason


def test_large_arms_are_drawn_with_a_recorded_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.8, 1, 15), rng.normal(0, 1, 15)
    low_x = np.where(x < 0, -INF, x)
    exact = gehan(low_x, np.maximum(x, 0), y, y)
    monkeypatch.setattr("cytokit.trial.ranks.SHIFT_LIMIT", 10)
    drawn = gehan(low_x, np.maximum(x, 0), y, y, seed=5, draws=20_000)
    assert (drawn.exact, drawn.seed, drawn.draws) == (False, 5, 20_000)
    assert exact.seed is None
    error = math.sqrt(exact.p * (1 - exact.p) / 20_000)
    assert abs(drawn.p - exact.p) < 4 * error + 1e-4
    assert drawn == gehan(low_x, np.maximum(x, 0), y, y, seed=5, draws=20_000)
