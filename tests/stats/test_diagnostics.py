"""Flags on residuals."""

from __future__ import annotations

import numpy as np
import pytest

from cytokit.trial.linear import ancova_residuals, diagnose, diagnose_tobit
from cytokit.trial.values import Cells


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def test_residuals_are_what_the_model_leaves(rng):
    base, treated = rng.normal(size=(20, 1)), np.arange(20) < 8
    day = 2 + 3 * base[:, 0] + treated
    np.testing.assert_allclose(ancova_residuals(day, base, treated), 0, atol=1e-12)


def test_well_behaved_residuals_get_no_flag(rng):
    treated = np.arange(36) < 12
    assert diagnose(rng.normal(size=36), rng.normal(size=(36, 1)), treated) == []


def test_an_outlier_is_named(rng):
    day = rng.normal(size=24)
    day[3] = 12.0
    found = diagnose(day, rng.normal(size=(24, 1)), np.arange(24) < 12)
    assert [code for code, _ in found] == ["not_normal"]


@pytest.mark.parametrize(("wide", "said"), [("small", "too small"), ("large", "too large")])
def test_unequal_spread_matters_where_sizes_differ(rng, wide, said):
    treated = np.arange(60) < 15
    spread = np.where(treated == (wide == "small"), 6.0, 1.0)
    day, base = rng.normal(size=60) * spread, rng.normal(size=(60, 1))
    texts = dict(diagnose(day, base, treated))
    assert said in texts["unequal_spread"]
    balanced = diagnose(day, base, np.arange(60) % 2 == 0)
    assert "unequal_spread" not in dict(balanced)


@pytest.mark.parametrize(("ratio", "flagged"), [(1.0, False), (4.0, True)])
def test_the_tobit_takes_one_spread(rng, ratio, flagged):
    treated = np.arange(60) % 2 == 0
    values = rng.normal(size=60) * np.where(treated, ratio, 1.0)
    below = values < -0.3
    nothing, no = np.full(60, np.nan), np.zeros(60, dtype=bool)
    day = Cells(np.where(below, -np.inf, values), np.where(below, -0.3, values), nothing, no)
    found = diagnose_tobit(day, rng.normal(size=(60, 1)), treated)
    assert ("unequal_spread" in dict(found)) == flagged
    few = day.take(np.arange(60) < 4)
    assert diagnose_tobit(few, np.empty((4, 0)), np.arange(4) < 2) == []
