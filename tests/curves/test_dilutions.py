"""Several dilutions of one sample."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytokit.curves.quantify import DilutionReading, merge_dilutions
from cytokit.schema import RangeStatus

NAN = float("nan")


def reading(value, factor, status=RangeStatus.IN_RANGE, half=0.2, **change):
    low, high = value * np.exp(-half), value * np.exp(half)
    given = {
        "factor": factor,
        "n_wells": 2,
        "mfi": 100.0,
        "mfi_cv_pct": 3.0,
        "value": value,
        "low": low,
        "high": high,
        "cv_pct": 4.0,
        "precision_pct": 100 * half / 1.96,
        "status": status,
        "limit_low": 2.0 * factor,
        "limit_high": 5000.0 * factor,
    }
    return DilutionReading(**(given | change))


def out(status, factor):
    none = dict.fromkeys(("value", "low", "high", "cv_pct", "precision_pct"), NAN)
    return replace(reading(1.0, factor, status), **none)


def test_one_dilution_stays_as_it_is():
    one = reading(100.0, 4.0, flags=("ci_open_high",))
    assert merge_dilutions([one]) == (one, "")


def test_those_that_agree_are_averaged_by_their_intervals():
    wide, narrow = reading(110.0, 2.0, half=0.4), reading(100.0, 8.0, half=0.2)
    merged, disagreement = merge_dilutions([wide, narrow])
    expected = np.exp((np.log(110) / 0.4**2 + np.log(100) / 0.2**2) / (1 / 0.4**2 + 1 / 0.2**2))
    assert merged.value == pytest.approx(expected)
    half = 1 / np.sqrt(1 / 0.4**2 + 1 / 0.2**2)
    assert merged.high / merged.value == pytest.approx(np.exp(half))
    assert (merged.factor, merged.n_wells) == (8.0, 4)
    assert merged.flags == ("dilutions_merged",)
    assert disagreement == ""


def test_those_that_disagree_a_little_have_an_interval_that_holds_them():
    merged, disagreement = merge_dilutions([reading(100.0, 2.0, half=0.1), reading(140.0, 8.0)])
    assert "not_parallel" in merged.flags
    assert disagreement.endswith("100 at 1:2, 140 at 1:8")
    assert 100.0 < merged.value < 140.0
    assert merged.low == pytest.approx(100 * np.exp(-0.1))
    assert merged.high == pytest.approx(140 * np.exp(0.2))


@pytest.mark.parametrize("values", [(628.0, 1.08e5), (100.0, 200.0), (100.0, 110.0, 400.0)])
def test_those_that_contradict_each_other_give_no_number(values):
    """628 at 1:2 and 1.08e5 at 1:50 were merged into an interval that held neither."""
    series = [reading(value, 2.0 * 5.0**n) for n, value in enumerate(values)]
    merged, disagreement = merge_dilutions(series)
    assert merged.status is RangeStatus.NOT_MEASURED
    assert np.isnan([merged.value, merged.low, merged.high, merged.limit_high]).all()
    assert merged.flags == ("not_parallel",)
    assert f"{values[0]:g} at 1:2" in disagreement
    assert disagreement.endswith("no concentration is given")


def test_a_number_outside_the_range_that_contradicts_the_one_inside_is_seen():
    high = reading(1.08e5, 50.0, RangeStatus.ABOVE_ULOQ)
    merged, words = merge_dilutions([reading(628.0, 2.0), high])
    assert merged.status is RangeStatus.NOT_MEASURED
    assert "628 at 1:2, 1.08e+05 at 1:50" in words
    vague = replace(high, low=500.0, high=NAN)
    merged, words = merge_dilutions([reading(628.0, 2.0), vague])
    assert (merged.value, words) == (628.0, "")


def test_chance_alone_is_flagged_about_one_time_in_a_hundred():
    rng = np.random.default_rng(1)
    half = 1.96 * 0.1
    flagged = 0
    for _ in range(2000):
        draws = 100 * np.exp(0.1 * rng.standard_normal(3))
        flagged += bool(merge_dilutions([reading(v, 2.0**i, half=half) for i, v in
                                         enumerate(draws)])[1])  # fmt: skip
    assert 0.004 < flagged / 2000 < 0.018


def test_one_in_range_counts_alone():
    merged, words = merge_dilutions([out(RangeStatus.OOR_HIGH, 1.0), reading(9000.0, 8.0)])
    assert words == ""
    assert merged.status is RangeStatus.IN_RANGE
    assert merged.value == 9000.0
    assert merged.factor == 8.0


def test_without_any_in_range_the_best_bound_stands():
    merged, _ = merge_dilutions([out(RangeStatus.OOR_LOW, 8.0), out(RangeStatus.OOR_LOW, 2.0)])
    assert merged.status is RangeStatus.OOR_LOW
    assert merged.limit_low == 4.0
    high, _ = merge_dilutions([out(RangeStatus.OOR_HIGH, 2.0), out(RangeStatus.OOR_HIGH, 8.0)])
    assert high.limit_high == 40000.0


def test_a_number_outside_the_range_beats_none():
    near = reading(1.5, 2.0, RangeStatus.BELOW_LLOQ)
    merged, _ = merge_dilutions([out(RangeStatus.OOR_LOW, 8.0), near])
    assert (merged.status, merged.value) == (RangeStatus.BELOW_LLOQ, 1.5)


def test_a_contradiction_of_bounds_is_said():
    merged, words = merge_dilutions([out(RangeStatus.OOR_LOW, 2.0), out(RangeStatus.OOR_HIGH, 8.0)])
    assert words.startswith("one dilution says less than 4, another more than 4e+04")
    assert merged.status is RangeStatus.NOT_MEASURED


def test_a_bound_that_rules_out_a_number_is_said():
    merged, words = merge_dilutions([out(RangeStatus.OOR_LOW, 2.0), reading(900.0, 8.0)])
    assert words.startswith("one dilution says less than 4, another 900")
    assert (merged.status, merged.flags) == (RangeStatus.NOT_MEASURED, ("not_parallel",))
    merged, words = merge_dilutions([out(RangeStatus.OOR_HIGH, 8.0), reading(900.0, 2.0)])
    assert words.startswith("one dilution says more than 4e+04, another 900")
    assert np.isnan(merged.value)
    near = replace(out(RangeStatus.OOR_LOW, 2.0), limit_low=700.0)
    merged, words = merge_dilutions([near, reading(900.0, 8.0)])
    assert words == "one dilution says less than 700, another 900"
    assert merged.value == 900.0
    assert "not_parallel" in merged.flags


def test_not_measured_and_excluded_stay():
    merged, _ = merge_dilutions([out(RangeStatus.EXCLUDED, 2.0), out(RangeStatus.NOT_MEASURED, 8)])
    assert merged.status is RangeStatus.NOT_MEASURED
