"""Drift against scipy's own, lots against Welch by hand, and both against chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cytokit.qc.drift import lot_step, theil_sen


@pytest.mark.parametrize("n", [8, 15, 40])
def test_one_lot_is_scipys_theil_sen_and_kendall(n):
    rng = np.random.default_rng(n)
    x = np.arange(n, dtype=float)
    y = rng.normal(size=n) + 0.05 * x
    ours = theil_sen(x, y, np.zeros(n, dtype=np.int64))
    theirs = stats.theilslopes(y, x, 0.95)
    assert ours.slope == pytest.approx(theirs.slope)
    # scipy rounds the ranks of the interval to the nearest, we outwards
    assert ours.low <= theirs.low_slope
    assert ours.high >= theirs.high_slope
    assert ours.p == pytest.approx(stats.kendalltau(x, y, method="exact").pvalue)


def test_a_step_between_lots_is_no_drift():
    rng = np.random.default_rng(3)
    x = np.arange(20, dtype=float)
    y = rng.normal(size=20) + 8.0 * (x >= 10)
    one = theil_sen(x, y, np.zeros(20, dtype=np.int64))
    two = theil_sen(x, y, (x >= 10).astype(np.int64))
    assert one.p < 1e-3
    assert two.p > 0.05


def test_ties_and_constant_values_need_no_warning():
    x = np.arange(10, dtype=float)
    flat = theil_sen(x, np.ones(10), np.zeros(10, dtype=np.int64))
    assert (flat.slope, flat.p) == (0.0, 1.0)
    tied = theil_sen(x, np.floor(x / 2), np.zeros(10, dtype=np.int64))
    assert tied.p < 0.001


def test_plates_of_a_lot_each_have_no_trend():
    assert theil_sen(np.arange(8.0), np.arange(8.0), np.arange(8)) is None


def test_the_interval_of_the_slope_covers():
    rng = np.random.default_rng(11)
    x, segment = np.arange(24.0), np.repeat([0, 1], 12)
    hit, low_p = 0, 0
    for _ in range(600):
        found = theil_sen(x, rng.normal(size=24) + 0.1 * x + 3.0 * segment, segment)
        hit += found.low <= 0.1 <= found.high
        low_p += theil_sen(x, rng.normal(size=24) + 3.0 * segment, segment).p < 0.05
    assert 0.93 <= hit / 600 <= 0.985  # Sen's interval is a little wide
    assert low_p / 600 <= 0.07


def test_a_lots_step_is_welchs():
    rng = np.random.default_rng(4)
    before, after = rng.normal(4.0, 0.1, 9), rng.normal(4.2, 0.2, 6)
    found = lot_step(before, after)
    theirs = stats.ttest_ind(after, before, equal_var=False)
    interval = theirs.confidence_interval(0.95)
    assert found.p == pytest.approx(theirs.pvalue)
    assert np.log([found.low, found.high]) == pytest.approx([interval.low, interval.high])


def test_a_step_that_cannot_be_told_says_why():
    assert "two on each side" in lot_step(np.ones(1), np.ones(5)).reason
    assert np.isnan(lot_step(np.ones(0), np.ones(5)).ratio)
    same = lot_step(np.ones(4), np.ones(5))
    assert (same.ratio, same.reason) == (1.0, "the values within the lots do not differ")
