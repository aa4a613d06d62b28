"""Worst rank and tipping point."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cytokit.trial.composite import tipping_point, worst_rank
from cytokit.trial.ranks import rank_sum

INF, NAN = math.inf, math.nan
X, Y = [2.0, 5.0, 3.0, 1.0], [4.0, 6.0, 7.0]


def test_deaths_rank_above_everyone_where_high_is_bad() -> None:
    result = worst_rank(X, X, Y, Y, deaths_t=[3.0], deaths_c=[3.0, 3.0])
    plain = rank_sum([*X, 99.0], [*Y, 99.0, 99.0])
    assert (result.statistic, result.p, result.p_min) == (plain.statistic, plain.p, plain.p_min)
    assert (result.died_treated, result.died_control) == (1, 2)
    assert result.p_treated_better == pytest.approx(1 - plain.statistic / 25)


def test_deaths_rank_worst_where_low_is_bad() -> None:
    result = worst_rank(X, X, Y, Y, deaths_t=[3.0], deaths_c=[3.0, 3.0], worse="low")
    plain = rank_sum([-v for v in [*X, -99.0]], [-v for v in [*Y, -99.0, -99.0]])
    assert (result.statistic, result.p) == (plain.statistic, plain.p)


def test_an_earlier_death_is_worse() -> None:
    result = worst_rank(X, X, Y, Y, deaths_t=[5.0], deaths_c=[1.0, 3.0])
    plain = rank_sum([*X, 100.0], [*Y, 105.0, 103.0])
    assert (result.statistic, result.p) == (plain.statistic, plain.p)


def test_a_death_is_worse_than_a_value_above_range() -> None:
    result = worst_rank([8.0], [INF], [1.0], [1.0], deaths_t=[], deaths_c=[2.0])
    assert result.statistic == 1.0
    turned = worst_rank([-INF], [8.0], [9.0], [9.0], deaths_t=[], deaths_c=[2.0], worse="low")
    assert turned.statistic == 1.0


def test_without_deaths_it_is_the_rank_sum_test() -> None:
    result = worst_rank(X, X, Y, Y, deaths_t=[], deaths_c=[])
    assert result.p == rank_sum(X, Y).p


def test_everyone_dead_alike_and_nobody_at_all() -> None:
    dead = worst_rank([], [], [], [], deaths_t=[1.0, 1.0], deaths_c=[1.0])
    assert math.isnan(dead.p)
    assert dead.reason == "no value is surely above another"
    nobody = worst_rank([], [], [], [], deaths_t=[], deaths_c=[])
    assert nobody.reason == "an arm is empty"
    assert math.isnan(nobody.p_treated_better)


def trial(n: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A trial in which treatment lowers the outcome by 1.2; two unseen in either arm."""
    rng = np.random.default_rng(3)
    treated, baseline = np.arange(2 * n) < n, rng.normal(size=2 * n)
    y = 0.6 * baseline - 1.2 * treated + 0.7 * rng.normal(size=2 * n)
    y[[0, 1, n, n + 1]] = NAN
    return y, treated, baseline


def test_the_tipping_point_is_where_significance_ends() -> None:
    y, treated, baseline = trial()
    result = tipping_point(y, treated, baseline, seed=7)
    assert result.p < 0.05
    assert result.estimate < 0 < result.delta
    assert result.ratio == pytest.approx(math.exp(result.delta))
    assert (result.n_unseen_treated, result.n_unseen_control, result.seed) == (2, 2, 7)
    stricter = tipping_point(y, treated, baseline, seed=7, alpha=0.01)
    assert 0 < stricter.delta < result.delta


def test_shifting_both_arms_tips_sooner() -> None:
    y, treated, baseline = trial()
    one = tipping_point(y, treated, baseline, seed=7)
    both = tipping_point(y, treated, baseline, seed=7, arm="both")
    control = tipping_point(y, treated, baseline, seed=7, arm="control")
    assert both.delta < one.delta
    assert control.delta < 0


def test_the_other_direction_mirrors_it() -> None:
    y, treated, baseline = trial()
    up = tipping_point(-y, treated, -baseline, seed=7)
    assert up.estimate > 0 > up.delta


def test_the_imputed_effect_is_that_of_the_seen_values() -> None:
    y, treated, baseline = trial(60)
    seen = ~np.isnan(y)
    X = np.column_stack((np.ones(y.size), baseline, treated))
    beta, *_ = np.linalg.lstsq(X[seen], y[seen])
    result = tipping_point(y, treated, baseline, imputations=400, seed=1)
    assert result.estimate == pytest.approx(beta[2], abs=0.01)


def test_why_there_is_no_tipping_point() -> None:
    y, treated, _ = trial()
    none_missing = np.where(np.isnan(y), 0.0, y)
    cases = {
        "no unseen value in the arm that is shifted": (none_missing, treated),
        "too few seen values for the covariates": (np.full(6, NAN), [1, 1, 1, 0, 0, 0]),
        "the seen values are constant or fitted perfectly": (
            [1.0, 1.0, NAN, 1.0, 1.0, 1.0],
            [1, 1, 1, 0, 0, 0],
        ),
        "not significant without a shift": ([1.0, 2.0, NAN, 1.5, 2.5, 1.0], [1, 1, 1, 0, 0, 0]),
    }
    for reason, (outcome, arms) in cases.items():
        result = tipping_point(outcome, arms)
        assert result.reason == reason
        assert math.isnan(result.delta)
