"""Regression on order statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import UsageError
from cytokit.trial.summary import NO_DATA, TOO_FEW, ros


def test_without_censoring_it_is_the_plain_summary() -> None:
    values = np.random.default_rng(1).lognormal(size=20)
    summary = ros(values, np.zeros(20, dtype=bool))
    assert summary.mean == pytest.approx(values.mean())
    assert summary.sd == pytest.approx(values.std(ddof=1))
    assert summary.median == pytest.approx(np.median(values))
    assert summary.geometric_mean == pytest.approx(math.exp(np.log(values).mean()))


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_order_and_unit_do_not_matter(seed: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.lognormal(size=15)
    limit = np.where(rng.uniform(size=15) < 0.5, 0.5, 0.9)
    below = values < limit
    values = np.where(below, limit, values)
    plain = ros(values, below)
    turn = rng.permutation(15)
    moved = ros(unit * values[turn], below[turn])
    np.testing.assert_allclose(moved.geometric_mean, unit * plain.geometric_mean, rtol=1e-9)
    np.testing.assert_allclose(moved.gsd, plain.gsd, rtol=1e-9)


def test_half_below_one_limit_recovers_the_law() -> None:
    values = np.random.default_rng(2).lognormal(1.0, 0.8, size=4000)
    below = values < math.e
    summary = ros(np.where(below, math.e, values), below)
    assert summary.geometric_mean == pytest.approx(math.e, rel=0.05)
    assert summary.gsd == pytest.approx(math.exp(0.8), rel=0.05)


def test_nothing_to_summarise() -> None:
    assert ros([], []).reason == NO_DATA
    assert ros([1.0, 1.0, 3.0], [True, True, False]).reason == TOO_FEW
    alike = ros([2.0, 2.0], [False, False])
    assert alike.reason == TOO_FEW
    assert math.isnan(alike.mean)


def test_values_must_be_positive() -> None:
    with pytest.raises(UsageError, match=r"CK-461.*\n.*values\[1\] = 0\.0"):
        ros([1.0, 0.0], [False, False])
