"""ANCOVA, Welch and the paired ratio against closed forms, and against pingouin and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cytokit.stats import _pingouin, between, effects, longitudinal
from cytokit.stats.estimate import exp, failed, wald


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def test_ancova_is_least_squares(rng):
    n = 30
    treated = np.arange(n) % 3 == 0
    base, strata = rng.normal(size=n), np.where(np.arange(n) % 2 == 0, "a", "b")
    day = 0.7 * base + 0.4 * treated + 0.3 * (strata == "b") + rng.normal(size=n)
    found = between.ancova(day, base[:, None], treated, strata=strata)
    X = np.column_stack([np.ones(n), base, strata == "b", treated]).astype(float)
    beta, rss = np.linalg.lstsq(X, day, rcond=None)[:2]
    se = np.sqrt(rss[0] / (n - 4) * np.linalg.inv(X.T @ X)[3, 3])
    t = beta[3] / se
    assert found.df == n - 4
    np.testing.assert_allclose(
        [found.difference, found.se, found.statistic, found.p],
        [beta[3], se, t, 2 * stats.t.sf(abs(t), n - 4)],
        rtol=1e-12,
    )
    half = stats.t.ppf(0.975, n - 4) * se
    np.testing.assert_allclose([found.low, found.high], [beta[3] - half, beta[3] + half])


def test_ancova_without_covariate_is_students_t(rng):
    x, y = rng.normal(size=8), rng.normal(size=11)
    treated = np.arange(19) < 8
    found = between.ancova(np.concatenate([x, y]), np.empty((19, 0)), treated)
    student = stats.ttest_ind(x, y)
    np.testing.assert_allclose([found.statistic, found.p], [student.statistic, student.pvalue])


@pytest.mark.parametrize(
    ("day", "base", "strata", "reason"),
    [
        (np.ones(6), np.arange(6.0), None, "do not vary"),
        (np.arange(6.0) ** 2, np.array([1.0] * 3 + [0.0] * 3), None, "cannot be told apart"),
        (np.arange(6.0) ** 2, np.arange(6.0) % 4, list("aaabbb"), "cannot be told apart"),
        (np.arange(6.0) ** 2, np.arange(6.0) % 4, list("abcdef"), "too few for 8 coefficients"),
    ],
)
def test_ancova_says_why_not(day, base, strata, reason):
    treated = np.arange(6) < 3
    strata = None if strata is None else np.array(strata)
    found = between.ancova(day, base[:, None], treated, strata=strata)
    assert reason in found.reason
    assert np.isnan(found.p)


def test_welch_is_scipys(rng):
    x, y = rng.normal(size=7), rng.normal(scale=3, size=12)
    found = between.welch(x, y)
    other = stats.ttest_ind(x, y, equal_var=False)
    np.testing.assert_allclose(
        [found.statistic, found.df, found.p], [other.statistic, other.df, other.pvalue]
    )
    interval = other.confidence_interval()
    np.testing.assert_allclose([found.low, found.high], [interval.low, interval.high])


def test_welch_with_one_constant_arm_and_with_two():
    found = between.welch(np.array([1.0, 2.0, 4.0]), np.full(4, 3.0))
    assert found.df == pytest.approx(2)
    assert 0 < found.p < 1
    assert "do not vary" in between.welch(np.ones(3), np.full(4, 3.0)).reason
    assert "fewer than 2" in between.welch(np.ones(1), np.arange(4.0)).reason


def test_welch_far_apart_gives_no_warning():
    found = between.welch(np.array([1.0, 1.0 + 1e-4]), np.array([1e3, 1e3 + 1e-4]))
    assert found.p < 1e-8


def test_paired_ratio(rng):
    change = rng.normal(-0.5, 1, 9)
    found = longitudinal.paired_ratio(change)
    other = stats.ttest_1samp(change, 0)
    np.testing.assert_allclose(
        [found.statistic, found.p, found.df], [other.statistic, other.pvalue, 8]
    )
    assert found.ratio == pytest.approx(np.exp(change.mean()))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (np.array([]), "0 subjects with both days"),
        (np.array([1.0]), "1 subject with both days"),
        (np.zeros(5), "does not vary"),
        (np.log([2.0, 20.0]) - np.log([1.0, 10.0]), "does not vary"),
    ],
)
def test_paired_ratio_says_why_not(change, reason):
    assert reason in longitudinal.paired_ratio(change).reason


def test_pingouin_contract(rng):
    """What is taken from pingouin is what scipy and the textbook say."""
    x, y = rng.normal(size=9), rng.normal(0.4, 2, size=9)
    t, df, p = _pingouin.welch(x, y)  # equal n: "auto" would have run Student's test
    other = stats.ttest_ind(x, y, equal_var=False)
    np.testing.assert_allclose([t, df, p], [other.statistic, other.df, other.pvalue], rtol=1e-12)
    pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
    g = (x.mean() - y.mean()) / pooled * (1 - 3 / (4 * 18 - 9))
    assert _pingouin.hedges(x, y) == pytest.approx(g)
    assert _pingouin.normality(x) == pytest.approx(stats.shapiro(x).pvalue)
    assert np.isnan(_pingouin.normality(np.ones(9)))
    assert _pingouin.version()[0].isdigit()


def test_pingouin_with_other_columns_is_an_error(monkeypatch):
    import pandas as pd
    import pingouin

    from cytokit.errors import CytokitError

    monkeypatch.setattr(
        pingouin, "ttest", lambda *_, **__: pd.DataFrame({"T": [1.0], "dof": [2.0]})
    )
    with pytest.raises(CytokitError, match=r"CK-420: pingouin .* returns no column called p_val"):
        _pingouin.welch(np.arange(3.0), np.arange(4.0))


def test_effect_sizes_of_numbers(rng):
    x, y = rng.normal(size=6), rng.normal(1, size=8)
    delta = effects.cliffs_delta(x, x, y, y)
    u = stats.mannwhitneyu(x, y).statistic
    assert delta == pytest.approx(2 * u / 48 - 1)
    assert effects.cles(delta) == pytest.approx(u / 48)
    assert np.isnan(effects.hedges_g(np.ones(3), np.ones(3)))
    assert np.isnan(effects.hedges_g(np.ones(1), np.arange(3.0)))
    assert np.isnan(effects.cliffs_delta(x[:0], x[:0], y, y))


def test_effect_size_of_intervals_uses_only_what_is_sure():
    below = (np.array([-np.inf]), np.array([2.0]))
    exact = np.array([1.0, 2.0, 3.0])
    # 1 may lie on either side of "<2"; 2 and 3 surely lie above it
    assert effects.cliffs_delta(*below, exact, exact) == pytest.approx(-2 / 3)


def test_wald_and_exp():
    found = wald("x", 0.5, 0.25, 10, 0.95)
    assert found.p == pytest.approx(2 * stats.t.sf(2, 10))
    assert found.ratio == pytest.approx(np.exp(0.5))
    assert np.isnan(failed("x", "why").ratio)
    assert exp(1e4) == np.inf
