"""ANCOVA, Welch and the paired ratio against closed forms, and against pingouin and scipy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytokit.trial.compare import compare
from cytokit.trial.estimate import LEAST_DF, exp, failed, wald
from cytokit.trial.linear import (
    ancova,
    cles,
    cliffs_delta,
    hedges,
    hedges_g,
    normality,
    version,
    welch,
    welch_t,
)
from cytokit.trial.paired import paired_ratio
from cytokit.trial.study import Study


@pytest.fixture
def rng():
    return np.random.default_rng(20)


def test_ancova_is_least_squares(rng):
    n = 30
    treated = np.arange(n) % 3 == 0
    base, strata = rng.normal(size=n), np.where(np.arange(n) % 2 == 0, "a", "b")
    day = 0.7 * base + 0.4 * treated + 0.3 * (strata == "b") + rng.normal(size=n)
    found = ancova(day, base[:, None], treated, strata=strata)
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
    found = ancova(np.concatenate([x, y]), np.empty((19, 0)), treated)
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
    found = ancova(day, base[:, None], treated, strata=strata)
    assert reason in found.reason
    assert np.isnan(found.p)


def test_welch_is_scipys(rng):
    x, y = rng.normal(size=7), rng.normal(scale=3, size=12)
    found = welch(x, y)
    other = stats.ttest_ind(x, y, equal_var=False)
    np.testing.assert_allclose(
        [found.statistic, found.df, found.p], [other.statistic, other.df, other.pvalue]
    )
    interval = other.confidence_interval()
    np.testing.assert_allclose([found.low, found.high], [interval.low, interval.high])


def test_welch_with_one_constant_arm_and_with_two():
    found = welch(np.array([1.0, 2.0, 4.0]), np.full(4, 3.0))
    assert found.df == pytest.approx(2)
    assert 0 < found.p < 1
    assert "do not vary" in welch(np.ones(3), np.full(4, 3.0)).reason
    assert "fewer than 2" in welch(np.ones(1), np.arange(4.0)).reason


def test_welch_far_apart_gives_no_warning():
    found = welch(np.array([1.0, 1.0 + 1e-4]), np.array([1e3, 1e3 + 1e-4]))
    assert found.p < 1e-8


def test_paired_ratio(rng):
    change = rng.normal(-0.5, 1, 9)
    found = paired_ratio(change)
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
    assert reason in paired_ratio(change).reason


def test_pingouin_contract(rng):
    """What is taken from pingouin is what scipy and the textbook say."""
    x, y = rng.normal(size=9), rng.normal(0.4, 2, size=9)
    t, df, p = welch_t(x, y)  # equal n: "auto" would have run Student's test
    other = stats.ttest_ind(x, y, equal_var=False)
    np.testing.assert_allclose([t, df, p], [other.statistic, other.df, other.pvalue], rtol=1e-12)
    pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
    g = (x.mean() - y.mean()) / pooled * (1 - 3 / (4 * 18 - 9))
    assert hedges(x, y) == pytest.approx(g)
    assert normality(x) == pytest.approx(stats.shapiro(x).pvalue)
    assert np.isnan(normality(np.ones(9)))
    assert version()[0].isdigit()


def test_pingouin_with_other_columns_is_an_error(monkeypatch):
    import pandas as pd
    import pingouin

    from cytokit.errors import CytokitError

    monkeypatch.setattr(
        pingouin, "ttest", lambda *_, **__: pd.DataFrame({"T": [1.0], "dof": [2.0]})
    )
    with pytest.raises(CytokitError, match=r"CK-420: pingouin .* returns no column called p_val"):
        welch_t(np.arange(3.0), np.arange(4.0))


def test_effect_sizes_of_numbers(rng):
    x, y = rng.normal(size=6), rng.normal(1, size=8)
    delta = cliffs_delta(x, x, y, y)
    u = stats.mannwhitneyu(x, y).statistic
    assert delta == pytest.approx(2 * u / 48 - 1)
    assert cles(delta) == pytest.approx(u / 48)
    assert np.isnan(hedges_g(np.ones(3), np.ones(3)))
    assert np.isnan(hedges_g(np.ones(1), np.arange(3.0)))
    assert np.isnan(cliffs_delta(x[:0], x[:0], y, y))


def test_effect_size_of_intervals_uses_only_what_is_sure():
    below = (np.array([-np.inf]), np.array([2.0]))
    exact = np.array([1.0, 2.0, 3.0])
    # 1 may lie on either side of "<2"; 2 and 3 surely lie above it
    assert cliffs_delta(*below, exact, exact) == pytest.approx(-2 / 3)


def test_wald_and_exp():
    found = wald("x", 0.5, 0.25, 10, 0.95)
    assert found.p == pytest.approx(2 * stats.t.sf(2, 10))
    assert found.ratio == pytest.approx(np.exp(0.5))
    assert np.isnan(failed("x", "why").ratio)
    assert exp(1e4) == np.inf


@pytest.mark.parametrize("sizes", [(3, 2), (2, 2), (2, 12), (3, 1), (1, 5)])
@pytest.mark.parametrize(
    ("between_by", "spread"),
    [("ancova", "design"), ("ancova", "separate"), ("welch", "design"), ("change", "design")],
)
def test_very_small_groups_have_no_interval_over_many_powers_of_ten(
    tmp_path, sizes, between_by, spread
):
    """Satterthwaite's df went to .005 at 3 v 2, the interval from 0 to infinity."""
    rng, n = np.random.default_rng(8), sum(sizes)
    for trial in range(2):
        table = pd.DataFrame(
            {
                "subject": np.repeat([f"s{at}" for at in range(n)], 2),
                "group": np.repeat(["treated"] * sizes[0] + ["control"] * sizes[1], 2),
                "day": [0, 6] * n,
                "IL-6 (pg/mL)": np.exp(rng.normal(3, 0.5, 2 * n)),
            }
        )
        made = compare(Study(table), reference="control", between=between_by, spread=spread)
        rows = made.table
        assert (rows["df"].dropna() >= LEAST_DF).all()
        assert not np.isinf(rows[["ratio_low", "ratio_high", "hl_low", "hl_high"]]).any(axis=None)
        first = rows.iloc[0]
        if min(sizes) == 1:
            assert first["method"] == "not analysed"
        else:
            assert np.isfinite([first["p"], first["ratio"]]).all()
        if trial == 0 and between_by == "ancova":
            made.write(tmp_path / f"{sizes}{spread}")


def test_a_spread_per_arm_with_next_to_no_degrees_of_freedom_is_one_spread():
    """The values of a trial of 3 v 2 that once crashed, rebuilt: the reason stands in the row."""
    base = np.log([24.0, 24.0, 32.0, 15.0, 24.0])
    day = np.log([30.0, 13.0, 30.0, 22.0, 25.0])
    treated = np.arange(5) < 3
    found = ancova(day, base[:, None], treated, spread="separate")
    assert np.isnan(found.p)
    assert found.reason == "0.058 degrees of freedom, 2 are needed"
    assert ancova(day, base[:, None], treated).df == 2


def test_three_treated_and_two_controls_are_written(cases, tmp_path):
    made = compare(Study(cases / "more" / "06_crash_3_v_2" / "t.csv"), reference="control")
    row = made.table.iloc[0]
    assert row["method"] == "ANCOVA"
    assert "ANCOVA: 0.058 degrees of freedom, 2 are needed" in row["flags"]
    assert row["df"] == 2
    made.write(tmp_path / "out")
    assert "0.058 degrees of freedom" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("name", ["more/14_constant_groups/t.csv", "tables/9_constant_groups.csv"])
def test_constant_groups_that_differ_have_an_exact_p(cases, name):
    row = compare(Study(cases / name), baseline=None, reference="control").table.iloc[0]
    assert row["method"] == "exact rank-sum"
    assert row["p"] == row["p_rank"] == pytest.approx(2 / 252)
    assert row["ratio"] == pytest.approx(2.0)
    assert np.isnan([row["ratio_low"], row["ratio_high"], row["hl_low"], row["hl_high"]]).all()
    assert "do not vary within the groups" in row["flags"]


def constant(before, after, n=5):
    """Two groups whose values are the same in everybody, per group and day."""
    return pd.DataFrame(
        {
            "subject": np.repeat([f"s{at}" for at in range(2 * n)], 2),
            "group": np.repeat(["treated", "control"], 2 * n),
            "day": [0, 6] * (2 * n),
            "IL-6 (pg/mL)": [*[before[0], after[0]] * n, *[before[1], after[1]] * n],
        }
    )


@pytest.mark.parametrize("between_by", ["ancova", "welch", "change"])
def test_what_is_constant_in_each_group_is_ranked(between_by):
    made = compare(
        Study(constant((10.0, 10.0), (20.0, 5.0))), reference="control", between=between_by
    ).table.set_index("contrast")
    first = made.loc["between_day6"]
    assert first["p"] == pytest.approx(2 / 252)
    assert first["ratio"] == pytest.approx(4.0)
    within = made.loc[["within_treated", "within_control"]]
    assert (within["method"] == "signed-rank").all()
    np.testing.assert_allclose(within["p"], 2 / 32)
    np.testing.assert_allclose(within["ratio"], [2.0, 0.5])
    assert within[["ratio_low", "ratio_high"]].isna().all(axis=None)
    assert within["flags"].str.contains("the change does not vary between subjects").all()


def test_what_is_the_same_in_everybody_is_not_compared():
    made = compare(Study(constant((10.0, 10.0), (10.0, 10.0))), reference="control").table
    assert (made["method"] == "not analysed").all()
