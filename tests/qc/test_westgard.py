"""Each rule against sequences whose verdict is known from the paper's definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.qc.westgard import (
    ALONG,
    rule_1_2s,
    rule_1_3s,
    rule_2_2s,
    rule_4_1s,
    rule_10_x,
    rule_r_4s,
)


def at(marks) -> list[int]:
    return np.flatnonzero(marks).tolist()


@pytest.mark.parametrize(
    ("rule", "z", "broken"),
    [
        (rule_1_2s, [1.99, 2.0, 2.01, -2.01], [2, 3]),
        (rule_1_3s, [2.99, 3.0, 3.01, -3.01], [2, 3]),
        (rule_2_2s, [2.1, 2.2], [1]),
        (rule_2_2s, [2.1, -2.2], []),
        (rule_2_2s, [2.1, 1.9, 2.2], []),
        (rule_2_2s, [-2.1, -2.2, -2.3], [1, 2]),
        (rule_4_1s, [1.1, 1.1, 1.1], []),
        (rule_4_1s, [1.1, 1.1, 1.1, 1.1], [3]),
        (rule_4_1s, [1.1, 1.1, -1.1, 1.1, 1.1], []),
        (rule_4_1s, [0.0, -1.1, -1.2, -1.3, -5.0, -1.1], [4, 5]),
        (rule_10_x, [0.1] * 9, []),
        (rule_10_x, [0.1] * 10, [9]),
        (rule_10_x, [-0.1] * 11, [9, 10]),
        (rule_10_x, [0.1] * 9 + [0.0], []),
        (rule_10_x, [0.1] * 5 + [-0.1] + [0.1] * 5, []),
        (rule_1_3s, [], []),
        (rule_10_x, [], []),
    ],
)
def test_rules_along_the_runs(rule, z, broken):
    assert at(rule(z)) == broken


@pytest.mark.parametrize(
    ("z", "broken"),
    [
        ([2.1, -2.1], True),
        ([2.1, -1.9], False),
        ([3.9, -0.5], False),
        ([2.1, 2.5], False),
        ([2.1, 0.0, -2.1], True),
        ([2.1, np.nan, -2.1], True),
        ([2.1, np.nan], False),
        ([], False),
    ],
)
def test_r_4s_is_within_one_plate_across_levels(z, broken):
    assert rule_r_4s(z) is broken


@given(st.lists(st.floats(-5, 5), max_size=30))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_rules_do_not_care_which_way_is_up(z):
    for _, rule, _ in ALONG:
        assert at(rule(z)) == at(rule([-value for value in z]))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(1, 30))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_a_verdict_does_not_depend_on_later_plates(z, end):
    for _, rule, _ in ALONG:
        assert at(rule(z[:end])) == [i for i in at(rule(z)) if i < end]


def test_rates_of_false_alarm_are_those_of_the_normal():
    z = np.random.default_rng(5).standard_normal(200_000)
    assert rule_1_2s(z).mean() == pytest.approx(0.0455, abs=0.0015)
    assert rule_1_3s(z).mean() == pytest.approx(0.0027, abs=0.0004)
    assert rule_2_2s(z).mean() == pytest.approx(2 * 0.02275**2, abs=0.0003)
    assert rule_4_1s(z).mean() == pytest.approx(2 * 0.15866**4, abs=0.0004)
    assert rule_10_x(z).mean() == pytest.approx(2 * 0.5**10, abs=0.0006)
