"""maxT where arms differ in size: signs flipped within the arms, each with its own spread."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from cytokit.trial.compare import compare
from cytokit.trial.linear import ancova
from cytokit.trial.permutation import arm_flip_max_t

BASIC = {"baseline": 0, "day": 6, "reference": "control"}
NAN = float("nan")


@pytest.fixture
def study():
    """Nine subjects, three correlated analytes with baselines, gaps, two strata."""
    rng = np.random.default_rng(11)
    treated = np.arange(9) < 6
    shared = rng.normal(size=(9, 1))
    base = shared + rng.normal(size=(9, 3))
    day = 0.5 * base + shared + rng.normal(size=(9, 3)) * np.where(treated, 2.0, 1.0)[:, None]
    day[:, 0] += 6.0 * treated
    day[2, 1], base[7, 2] = NAN, NAN
    return day, treated, base, np.array(list("aabbaabba"))


def deviate(y, base, treated, strata):
    """The size of the plain analysis' effect on the normal scale; one spread if need be."""
    here = np.isfinite(y) & np.isfinite(base)
    for spread in ("separate", "common"):
        found = ancova(y[here], base[here, None], treated[here], strata=strata[here], spread=spread)
        if np.isfinite(found.p):
            break
    return norm.isf(found.p / 2)


def null_residuals(y, base, strata):
    here = np.isfinite(y) & np.isfinite(base)
    X = np.column_stack([np.ones(9), base, strata == "b"])[here]
    left = np.full(9, NAN)
    left[here] = y[here] - X @ np.linalg.lstsq(X, y[here], rcond=None)[0]
    return left


def test_every_pattern_of_signs_by_the_plain_function(study):
    day, treated, base, strata = study
    left = [null_residuals(day[:, j], base[:, j], strata) for j in range(3)]
    table = np.array(
        [
            [deviate(np.array(signs) * left[j], base[:, j], treated, strata) for j in range(3)]
            for signs in product((1.0, -1.0), repeat=9)
        ]
    )
    observed = table[0]
    assert observed == pytest.approx(
        [deviate(day[:, j], base[:, j], treated, strata) for j in range(3)], rel=1e-9
    )
    expected, order = np.empty(3), np.argsort(-observed)
    for place, j in enumerate(order):
        largest = table[:, order[place:]].max(axis=1)
        expected[j] = (largest >= observed[j] - 1e-9).mean()
    expected[order] = np.maximum.accumulate(expected[order])
    found, seed = arm_flip_max_t(day, treated, baseline=base, strata=strata)
    assert seed is None
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found[0] < 0.05 < found[1]


def test_draws_are_seeded_and_agree_with_all_patterns(study, monkeypatch):
    day, treated, base, _ = study
    exact, _ = arm_flip_max_t(day, treated, baseline=base)
    monkeypatch.setattr("cytokit.trial.permutation.EXACT_FLIPS", 10)
    drawn, seed = arm_flip_max_t(day, treated, baseline=base, draws=20_000, seed=5)
    again, _ = arm_flip_max_t(day, treated, baseline=base, draws=20_000, seed=5)
    assert seed == 5
    np.testing.assert_array_equal(drawn, again)
    assert (np.abs(drawn - exact) < 4 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-4).all()


def test_what_cannot_be_tested_is_left_out(study):
    day, treated, base, _ = study
    few = np.where(np.arange(9) < 5, day[:, 0], NAN)
    wide = np.column_stack([day, few, np.full(9, NAN), np.full(9, 3.3)])
    bases = np.column_stack([base, base])
    found, _ = arm_flip_max_t(wide, treated, baseline=bases)
    plain, _ = arm_flip_max_t(day, treated, baseline=base)
    np.testing.assert_array_equal(found[:3], plain)
    assert np.isnan(found[3:]).all()
    assert np.isnan(arm_flip_max_t(wide[:, 4:], treated)[0]).all()
    aliased = np.tile(treated[:, None] * 1.0, 3)
    assert np.isnan(arm_flip_max_t(day, treated, baseline=aliased)[0]).all()


def test_separation_without_spread_is_the_smallest_p():
    values = np.array([[2.0]] * 6 + [[1.0]] * 3)
    found, _ = arm_flip_max_t(values, np.arange(9) < 6)
    # both arms as they are, both turned, or one of them: none leaves a spread within an arm
    assert found[0] == 4 / 2**9


def test_arms_whose_spreads_cannot_be_told_apart_share_one():
    """Two controls tied by the slope of their baselines leave no residual of their own."""
    rng = np.random.default_rng(2)
    treated = np.arange(6) < 4
    base = np.where(treated, 0.0, np.array([0, 0, 0, 0, 1.0, -1.0]))[:, None]
    found, _ = arm_flip_max_t(rng.normal(size=(6, 1)), treated, baseline=base)
    assert 0 < found[0] <= 1


@pytest.mark.parametrize(("sizes", "flipped"), [((12, 6), True), ((9, 9), False)])
def test_compare_says_which_it_did(trial, sizes, flipped):
    study = trial(n_treated=sizes[0], n_control=sizes[1], effect=-1.5)
    made = compare(study, **BASIC, adjust="maxt", draws=300)
    assert ("residuals were flipped within the groups" in made.methods) == flipped
    assert ("labels of whole subjects were permuted" in made.methods) != flipped
    assert "may lie below its unadjusted p" in made.methods
    between = made.between.iloc[0]
    assert 0 < between["p_adjusted"] < 0.05
    ranked = compare(study, **BASIC, adjust="maxt", between="ranks", draws=300)
    assert "labels of whole subjects were permuted" in ranked.methods
