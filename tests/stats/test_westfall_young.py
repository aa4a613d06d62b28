"""Step-down maxT and minP against their definition."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial import permutation as westfall_young
from cytokit.trial.permutation import arrangements, max_t
from cytokit.trial.ranks import doubled_midranks, rank_sum

NAN = math.nan


def labels_within(treated: np.ndarray, strata: np.ndarray) -> list[np.ndarray]:
    """Every arrangement of the labels within strata."""
    found = [np.zeros(treated.size, dtype=bool)]
    for code in np.unique(strata):
        rows = np.flatnonzero(strata == code)
        size = int(treated[rows].sum())
        grown = []
        for labels in found:
            for chosen in combinations(rows, size):
                more = labels.copy()
                more[list(chosen)] = True
                grown.append(more)
        found = grown
    return found


def welch(y: np.ndarray, labels: np.ndarray) -> float:
    """Welch's t over the values present."""
    here = np.isfinite(y)
    x, z = y[here & labels], y[here & ~labels]
    return (x.mean() - z.mean()) / math.sqrt(x.var(ddof=1) / x.size + z.var(ddof=1) / z.size)


def ancova(y: np.ndarray, baseline: np.ndarray, strata: np.ndarray, labels: np.ndarray) -> float:
    """t of the group by least squares."""
    here = np.isfinite(y) & np.isfinite(baseline)
    dummies = (strata[:, None] == np.unique(strata)).astype(float)
    X = np.column_stack((dummies, baseline, labels))[here]
    beta, squares, *_ = np.linalg.lstsq(X, y[here])
    variance = squares[0] / (here.sum() - X.shape[1])
    return beta[-1] / math.sqrt(variance * np.linalg.inv(X.T @ X)[-1, -1])


def by_definition(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Raw, maxT and minP p from the statistics, arrangements x analytes, the observed one first."""
    size = np.abs(table).round(9)
    observed = size[0]
    raw = (size >= observed).mean(axis=0)
    own = np.array([[(size[:, j] >= value).mean() for j, value in enumerate(row)] for row in size])
    order = np.argsort(-observed)
    max_t_p, min_p = np.zeros(observed.size), np.zeros(observed.size)
    for place in range(observed.size):
        rest = order[place:]
        max_t_p[order[place]] = (size[:, rest].max(axis=1) >= observed[order[place]]).mean()
    max_t_p[order] = np.maximum.accumulate(max_t_p[order])
    order = np.lexsort((-observed, raw))
    for place in range(observed.size):
        rest = order[place:]
        min_p[order[place]] = (own[:, rest].min(axis=1) <= raw[order[place]] + 1e-12).mean()
    min_p[order] = np.maximum.accumulate(min_p[order])
    return raw, max_t_p, min_p


@pytest.fixture
def study() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ten subjects in two strata, four correlated analytes, their baselines."""
    rng = np.random.default_rng(5)
    treated = np.array([1, 1, 0, 0, 1, 0, 1, 0, 0, 1], dtype=bool)
    strata = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    shared = rng.normal(size=(10, 1))
    values = shared + rng.normal(size=(10, 4)) + treated[:, None] * np.array([2.0, 1, 0, 0])
    return values, treated, strata, 0.5 * values + rng.normal(size=(10, 4))


@pytest.mark.parametrize("stratified", [False, True])
def test_welch_is_the_definition(study: tuple[np.ndarray, ...], stratified: bool) -> None:
    values, treated, strata, _ = study
    strata = strata if stratified else np.zeros(10)
    everyone = [treated, *labels_within(treated, strata)]
    table = np.array([[welch(values[:, j], labels) for j in range(4)] for labels in everyone])
    raw, max_p, _ = by_definition(
        table[1:][np.argsort([(a != treated).sum() for a in everyone[1:]])]
    )
    result = max_t(values, treated, strata=strata if stratified else None)
    assert result.exact
    assert result.draws == len(everyone) - 1
    np.testing.assert_allclose(result.statistic, table[0], rtol=1e-10)
    np.testing.assert_allclose(result.p_raw, raw, rtol=1e-12)
    np.testing.assert_allclose(result.p_adjusted, max_p, rtol=1e-12)


def test_min_p_is_the_definition(study: tuple[np.ndarray, ...]) -> None:
    values, treated, strata, _ = study
    everyone = sorted(labels_within(treated, strata), key=lambda a: int((a != treated).sum()))
    table = np.array([[welch(values[:, j], labels) for j in range(4)] for labels in everyone])
    raw, _, min_p = by_definition(table)
    result = max_t(values, treated, strata=strata, step="minp")
    np.testing.assert_allclose(result.p_raw, raw, rtol=1e-12)
    np.testing.assert_allclose(result.p_adjusted, min_p, rtol=1e-12)


def test_ancova_by_frisch_and_waugh_is_least_squares(study: tuple[np.ndarray, ...]) -> None:
    values, treated, strata, baseline = study
    values = values.copy()
    values[3, 1], baseline[7, 2] = NAN, NAN
    everyone = sorted(labels_within(treated, strata), key=lambda a: int((a != treated).sum()))
    table = np.array(
        [[ancova(values[:, j], baseline[:, j], strata, a) for j in range(4)] for a in everyone]
    )
    raw, max_p, _ = by_definition(table)
    result = max_t(values, treated, baseline=baseline, strata=strata, statistic="ancova")
    np.testing.assert_allclose(result.statistic, table[0], rtol=1e-9)
    np.testing.assert_allclose(result.p_raw, raw, rtol=1e-12)
    np.testing.assert_allclose(result.p_adjusted, max_p, rtol=1e-12)


def test_missing_values_take_part_with_weight_zero(study: tuple[np.ndarray, ...]) -> None:
    values, treated, _, _ = study
    values = values.copy()
    values[[0, 8], 0] = NAN
    result = max_t(values, treated)
    table = np.array(
        [[welch(values[:, j], a) for j in range(4)] for a in labels_within(treated, np.zeros(10))]
    )
    observed = np.abs([welch(values[:, j], treated) for j in range(4)])
    np.testing.assert_allclose(result.p_raw, (np.abs(table) >= observed - 1e-9).mean(axis=0))


def test_an_arrangement_without_a_statistic_counts_against_its_own_analyte_only() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(size=(10, 3))
    values[[1, 2, 3, 6, 7, 8], 0] = NAN  # four values left: two and two as observed
    treated = np.arange(10) < 5
    both, alone = max_t(values, treated), max_t(values[:, 1:], treated)
    np.testing.assert_array_equal(both.p_raw[1:], alone.p_raw)
    assert both.p_raw[0] > 0.2
    assert both.reasons == ("", "", "")


def test_one_analyte_of_ranks_is_the_rank_sum_test() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(1, 1, 7).round(1), rng.normal(0, 1, 6).round(1)
    ranks = doubled_midranks(np.concatenate((x, y))).astype(float)
    result = max_t(ranks[:, None], np.arange(13) < 7, statistic="student")
    assert result.p_raw[0] == pytest.approx(rank_sum(x, y).p, rel=1e-12)
    assert result.p_adjusted[0] == result.p_raw[0]


def test_swapping_the_arms_turns_the_statistic_only(study: tuple[np.ndarray, ...]) -> None:
    values, treated, strata, _ = study
    one, other = max_t(values, treated, strata=strata), max_t(values, ~treated, strata=strata)
    np.testing.assert_allclose(one.statistic, -other.statistic, rtol=1e-10)
    np.testing.assert_array_equal(one.p_adjusted, other.p_adjusted)


def test_unit_and_origin_do_not_matter(study: tuple[np.ndarray, ...]) -> None:
    values, treated, _, _ = study
    moved = values * np.array([1e-6, 1.0, 1e6, 3.0]) + np.array([0.0, 100.0, 1e6, -5.0])
    np.testing.assert_array_equal(
        max_t(moved, treated).p_adjusted, max_t(values, treated).p_adjusted
    )


def test_identical_analytes_pay_nothing_for_each_other(study: tuple[np.ndarray, ...]) -> None:
    values, treated, _, _ = study
    result = max_t(np.repeat(values[:, :1], 5, axis=1), treated)
    np.testing.assert_array_equal(result.p_adjusted, result.p_raw)


@pytest.mark.parametrize("step", ["maxt", "minp"])
def test_draws_agree_with_enumeration(
    study: tuple[np.ndarray, ...], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, treated, strata, _ = study
    exact = max_t(values, treated, strata=strata, step=step)
    monkeypatch.setattr(westfall_young, "EXACT_LIMIT", 10)
    drawn = max_t(values, treated, strata=strata, step=step, draws=20_000, seed=11)
    assert (drawn.exact, drawn.draws, drawn.seed) == (False, 20_000, 11)
    assert drawn.p_min == 1 / 20_001
    for p, q in ((exact.p_raw, drawn.p_raw), (exact.p_adjusted, drawn.p_adjusted)):
        assert (np.abs(p - q) < 4 * np.sqrt(p * (1 - p) / 20_000) + 2e-4).all()
    again = max_t(values, treated, strata=strata, step=step, draws=20_000, seed=11)
    np.testing.assert_array_equal(again.p_adjusted, drawn.p_adjusted)


def test_a_drawn_p_is_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(westfall_young, "EXACT_LIMIT", 10)
    values = np.concatenate((np.arange(20.0) + 100, np.arange(20.0)))[:, None]
    result = max_t(values, np.arange(40) < 20, draws=99)
    assert result.p_raw[0] == result.p_adjusted[0] == 0.01


def test_what_cannot_be_tested_leaves_the_family(study: tuple[np.ndarray, ...]) -> None:
    values, treated, _, _ = study
    few = np.where(np.arange(10) == 0, 1.0, np.where(treated, NAN, values[:, 0]))
    empty, constant = np.full(10, NAN), np.full(10, 3.3)
    wide = np.column_stack((values, few, empty, constant))
    for step in ("maxt", "minp"):
        result, plain = max_t(wide, treated, step=step), max_t(values, treated, step=step)
        np.testing.assert_array_equal(result.p_adjusted[:4], plain.p_adjusted)
        assert np.isnan(result.p_adjusted[4:]).all()
        assert np.isnan(result.p_raw[4:]).all()
        assert np.isnan(result.statistic[4:]).all()
        assert result.reasons[4:] == (
            westfall_young.TOO_FEW,
            westfall_young.TOO_FEW,
            westfall_young.CONSTANT,
        )


def test_nothing_to_test_at_all() -> None:
    result = max_t(np.full((4, 2), NAN), [True, True, False, False])
    assert np.isnan(result.p_adjusted).all()
    everyone_treated = max_t(np.arange(4.0)[:, None], [True] * 4)
    assert everyone_treated.reasons == (westfall_young.TOO_FEW,)


def test_complete_separation_without_spread_is_infinite_and_not_a_crash() -> None:
    values = np.array([[2.0], [2.0], [2.0], [1.0], [1.0], [1.0]])
    for step in ("maxt", "minp"):
        result = max_t(values, np.arange(6) < 3, step=step)
        assert result.statistic[0] == math.inf
        assert result.p_raw[0] == result.p_adjusted[0] == 0.1


def test_a_collinear_group_cannot_be_tested_by_ancova() -> None:
    treated = np.array([True, True, True, False, False, False])
    result = max_t(
        np.arange(6.0)[:, None] ** 2, treated, baseline=treated[:, None] * 1.0, statistic="ancova"
    )
    assert result.reasons == (westfall_young.TOO_FEW,)


def test_every_arrangement_is_visited_once() -> None:
    treated = np.array([1, 0, 0, 1, 0, 1, 0], dtype=bool)
    strata = np.array([0, 0, 0, 1, 1, 1, 1])
    plan = arrangements(treated, strata, draws=5, seed=0, limit=100)
    rows = np.vstack(list(plan.labels()))
    assert plan.total == plan.visited == len(rows) == 3 * 6
    assert len(np.unique(rows, axis=0)) == 18
    assert (rows[:, :3].sum(axis=1) == 1).all()
    assert (rows == treated).all(axis=1).sum() == 1


def test_draws_keep_the_strata_and_begin_with_the_observed() -> None:
    treated = np.arange(30) % 3 == 0
    strata = np.arange(30) // 10
    plan = arrangements(treated, strata, draws=5000, seed=3, limit=10)
    rows = np.vstack(list(plan.labels()))
    assert len(rows) == plan.visited == 5001
    assert (rows[0] == treated).all()
    for code in range(3):
        inside = rows[:, strata == code].sum(axis=1)
        assert (inside == treated[strata == code].sum()).all()
    np.testing.assert_allclose(rows.mean(axis=0)[strata == 0], 0.4, atol=0.03)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(2, 8),
    st.sampled_from(westfall_young.STATISTICS),
    st.sampled_from(westfall_young.STEPS),
)
def test_small_tied_data_with_gaps_never_crash(
    seed: int, n: int, statistic: str, step: str
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 3, size=(n, 3)).astype(float)
    values[rng.uniform(size=values.shape) < 0.2] = NAN
    baseline = rng.integers(0, 3, size=(n, 3)).astype(float) if statistic == "ancova" else None
    strata = rng.integers(0, 2, size=n)
    result = max_t(
        values,
        rng.uniform(size=n) < 0.5,
        baseline=baseline,
        strata=strata,
        statistic=statistic,
        step=step,
    )
    tested = np.array(result.reasons) == ""
    assert (result.p_raw[tested] >= result.p_min - 1e-12).all()
    assert (result.p_adjusted[tested] >= result.p_raw[tested] - 1e-12).all()
    assert np.isnan(result.p_adjusted[~tested]).all()


@pytest.mark.slow
def test_family_wise_error_is_kept_and_power_beats_holm() -> None:
    from cytokit.trial.multiplicity import adjust

    rng = np.random.default_rng(12)
    treated = np.arange(24) < 12
    errors = np.zeros(2)
    hits = np.zeros(2)
    runs = 500
    for run in range(2 * runs):
        null = run < runs
        shared = rng.normal(size=(24, 1))
        values = math.sqrt(0.8) * shared + math.sqrt(0.2) * rng.normal(size=(24, 12))
        values[:, 0] += 0 if null else 1.2 * treated
        result = max_t(values, treated, draws=1500, seed=run)
        found = np.array([result.p_adjusted, adjust(result.p_raw, "holm")])
        if null:
            errors += (found < 0.05).any(axis=1)
        else:
            hits += found[:, 0] < 0.05
    assert (errors / runs <= 0.055 + 2 * math.sqrt(0.05 * 0.95 / runs)).all()
    assert hits[0] > hits[1]
