"""The permuted Brunner-Munzel test."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.ranks import brunner_munzel, brunner_munzel_intervals, gehan

tied = st.lists(st.integers(0, 4).map(float), min_size=2, max_size=5)


def textbook(x: np.ndarray, y: np.ndarray) -> float:
    """The statistic from mean ranks, as Brunner and Munzel wrote it."""

    def midranks(values: np.ndarray) -> np.ndarray:
        return np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])

    n, m = x.size, y.size
    pooled = midranks(np.concatenate((x, y)))
    of_x, of_y = pooled[:n], pooled[n:]
    spread_x = ((of_x - midranks(x) - of_x.mean() + (n + 1) / 2) ** 2).sum() / (n - 1)
    spread_y = ((of_y - midranks(y) - of_y.mean() + (m + 1) / 2) ** 2).sum() / (m - 1)
    difference = of_x.mean() - of_y.mean()
    scale = (n + m) * math.sqrt(n * spread_x + m * spread_y)
    if scale < 1e-9:
        return math.copysign(math.inf, difference) if abs(difference) > 1e-9 else 0.0
    return n * m * difference / scale


@settings(deadline=None, derandomize=True, max_examples=40)
@given(tied, tied)
def test_exact_p_is_that_of_every_assignment(x: list[float], y: list[float]) -> None:
    result = brunner_munzel(x, y)
    pooled = np.array(x + y)
    if len(set(x + y)) == 1:
        assert result.reason == "all values are tied"
        return
    observed = textbook(np.array(x), np.array(y))
    np.testing.assert_allclose(result.statistic, observed, rtol=1e-9, atol=1e-12)
    every = []
    for chosen in combinations(range(pooled.size), len(x)):
        rows = np.isin(np.arange(pooled.size), chosen)
        every.append(textbook(pooled[rows], pooled[~rows]))
    room = 0.0 if math.isinf(observed) else 1e-7
    tails = np.mean(np.array(every) >= observed - room), np.mean(np.array(every) <= observed + room)
    assert result.exact
    assert result.p == pytest.approx(min(1.0, 2 * min(tails)), abs=1e-12)
    if len(x) == len(y):  # the tails mirror each other
        assert result.p == pytest.approx(np.mean(np.abs(every) >= abs(observed) - room), abs=1e-12)


def test_the_statistic_is_scipys() -> None:
    from scipy.stats import brunnermunzel

    rng = np.random.default_rng(1)
    x, y = rng.normal(0.5, 2, 13).round(1), rng.normal(0, 1, 9).round(1)
    result = brunner_munzel(x, y, draws=500)
    assert result.statistic == pytest.approx(brunnermunzel(y, x).statistic, rel=1e-10)
    assert result.p_superiority == pytest.approx(
        np.mean([(a > b) + 0.5 * (a == b) for a in x for b in y])
    )


def test_complete_separation_is_the_smallest_p_where_scipy_gives_nan() -> None:
    result = brunner_munzel([11.0, 12, 13, 14, 15, 16], [1.0, 2, 3, 4, 5, 6])
    assert result.statistic == math.inf
    assert result.p_superiority == 1.0
    assert result.p == pytest.approx(2 / math.comb(12, 6))


def test_draws_agree_with_enumeration_and_record_their_seed() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(1, 2, 8), rng.normal(0, 1, 8)
    exact = brunner_munzel(x, y)
    drawn = brunner_munzel(x, y, draws=10_000, seed=4)
    assert (exact.exact, exact.seed) == (True, None)
    assert (drawn.exact, drawn.seed, drawn.draws) == (False, 4, 10_000)
    assert abs(exact.p - drawn.p) < 4 * math.sqrt(exact.p / 10_000) + 2e-4


def test_one_limit_below_is_a_tie_at_the_bottom() -> None:
    """With a single limit the intervals say no more than ranks with ties do."""
    rng = np.random.default_rng(8)
    x, y = rng.normal(0.4, 2, 9), rng.normal(0, 1, 6)
    limit = 0.1
    low = [np.where(v < limit, -np.inf, v) for v in (x, y)]
    high = [np.where(v < limit, limit, v) for v in (x, y)]
    found = brunner_munzel_intervals(low[0], high[0], low[1], high[1])
    tied = brunner_munzel(np.where(x < limit, -9.0, x), np.where(y < limit, -9.0, y))
    assert found == tied


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(0, 10_000))
def test_intervals_are_compared_as_gehan_compares_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 5, 9).astype(float)
    high = low + rng.integers(0, 2, 9)
    low[rng.uniform(size=9) < 0.2] = -np.inf
    high[(rng.uniform(size=9) < 0.2) & np.isfinite(low)] = np.inf
    limits = low[:5], high[:5], low[5:], high[5:]
    found, other = brunner_munzel_intervals(*limits), gehan(*limits)
    assert found.p_superiority * 20 == pytest.approx(other.statistic)
    assert (found.reason == "") == (other.reason == "")
    mirrored = brunner_munzel_intervals(-high[:5], -low[:5], -high[5:], -low[5:])
    np.testing.assert_allclose(mirrored.statistic, -found.statistic, rtol=1e-12)
    assert mirrored.p == found.p or math.isnan(found.p)


def test_nothing_is_surely_above_anything() -> None:
    result = brunner_munzel_intervals([-np.inf] * 3, [2.0] * 3, [1.0, 1.0], [3.0, 2.5])
    assert math.isnan(result.p)
    assert result.reason == "no value is surely above another"


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([], [1.0], "an arm is empty"),
        ([1.0], [2.0, 3.0], "an arm has one value"),
        ([2.0, 2.0], [2.0, 2.0], "all values are tied"),
    ],
)
def test_nothing_to_test(x: list[float], y: list[float], reason: str) -> None:
    result = brunner_munzel(x, y)
    assert math.isnan(result.p)
    assert result.reason == reason
