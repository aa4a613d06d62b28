"""The models that compare two arms: what enters them, and their standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cytokit.options import CompareOptions
from cytokit.trial.analyses import TOBIT_COMMON, covariates, model_estimate
from cytokit.trial.tobit import tobit
from cytokit.trial.values import Analysis, AnalyteData, Cells, Subjects


def cells(lower, upper):
    low, high = np.array(lower, dtype=float), np.array(upper, dtype=float)
    return Cells(low, high, np.full(len(low), np.nan), np.zeros(len(low), dtype=bool))


def test_a_baseline_out_of_range_enters_at_its_limit_and_in_an_interval_at_its_middle():
    inf = math.inf
    base = cells([1.0, 2.0, -inf, 5.0, 3.0, 4.0], [1.0, 2.0, 0.5, inf, 7.0, 4.0])
    columns, notes = covariates(base)
    np.testing.assert_array_equal(columns[:, 0], [1.0, 2.0, 0.5, 5.0, 5.0, 4.0])
    # 3 on either side: an indicator tells them apart
    np.testing.assert_array_equal(columns[:, 1], [0, 0, 1, 1, 1, 0])
    assert notes == [
        ("baseline_censored", "3 of 6 baseline values out of range enter at their limit with an "
         "indicator")
    ]  # fmt: skip


def test_the_common_tobit_widens_its_standard_error_for_the_small_sample():
    """By sqrt(1 + k / (n - k) x share of numbers): nothing less, and the interval follows."""
    rng = np.random.default_rng(31)
    n, treated = 14, np.arange(14) < 7
    values = rng.normal(size=n)
    lower = np.where(values < -0.4, -np.inf, values)
    upper = np.maximum(values, -0.4)
    exact = lower == upper
    assert 0.5 < exact.mean() < 1
    base = rng.normal(size=n)
    group = np.where(treated, "treated", "control")
    subjects = Subjects(np.arange(n).astype(str), group, np.full(n, ""), np.zeros(n, dtype=bool))
    data = AnalyteData("x", "", subjects, cells(base, base), cells(lower, upper))
    options = CompareOptions(spread="common")
    found, _ = model_estimate(data, treated, "ancova", Analysis.TOBIT, options)
    assert found.method == TOBIT_COMMON
    plain = tobit(lower, upper, np.column_stack([np.ones(n), base, treated])).test([0, 0, 1])
    factor = math.sqrt(1 + 3 / 11 * exact.mean())
    assert found.se == pytest.approx(plain.se * factor, rel=1e-12)
    assert found.statistic == pytest.approx(found.difference / found.se)
    assert found.high - found.low == pytest.approx((plain.high - plain.low) * factor, rel=1e-9)
