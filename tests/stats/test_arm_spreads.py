"""A residual spread per arm: Welch's test as its special case, and the matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cytokit.trial.compare import compare
from cytokit.trial.linear import ancova, unequal_sizes, variance_per_arm

BASIC = {"baseline": 0, "day": 6, "reference": "control"}


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("sizes", [(5, 9), (12, 6), (20, 3)])
def test_without_covariates_it_is_welchs_test(rng, sizes):
    x, y = rng.normal(size=sizes[0]), rng.normal(0.4, 3, size=sizes[1])
    treated = np.arange(sum(sizes)) < sizes[0]
    found = ancova(np.concatenate([x, y]), np.empty((sum(sizes), 0)), treated, spread="separate")
    other = stats.ttest_ind(x, y, equal_var=False)
    np.testing.assert_allclose(
        [found.statistic, found.df, found.p],
        [other.statistic, other.df, other.pvalue],
        rtol=1e-10,
    )


def test_the_variance_is_unbiased_and_its_df_satterthwaites(rng):
    """Against n x n matrices: E(u'Du) = tr(MDMS), Var = 2 tr((MDMS)^2) with the spreads found."""
    n, treated = 18, np.arange(18) < 12
    X = np.column_stack([np.ones(n), rng.normal(size=n), rng.normal(size=n), treated])
    y = rng.normal(size=n) * np.where(treated, 2.0, 1.0)
    basis, triangle = np.linalg.qr(X)
    weights = basis @ np.linalg.solve(triangle.T, np.eye(4)[-1])
    maker = np.eye(n) - basis @ basis.T
    residuals = maker @ y
    variance, df = variance_per_arm(basis, weights, residuals, treated)
    arms = np.array([treated, ~treated], dtype=float)
    mixture = arms @ maker**2 @ arms.T
    sigma2 = np.linalg.solve(mixture, arms @ residuals**2)
    factor = np.linalg.solve(mixture, arms @ weights**2) @ arms
    form = maker @ np.diag(factor) @ maker
    spreads = np.diag(sigma2 @ arms)
    assert variance == pytest.approx(float(residuals**2 @ factor))
    assert variance == pytest.approx(float(arms @ weights**2 @ sigma2))
    assert np.trace(form @ spreads) == pytest.approx(variance)
    assert df == pytest.approx(variance**2 / np.trace(form @ spreads @ form @ spreads))


def test_an_arm_that_does_not_vary_has_no_spread(rng):
    treated = np.arange(10) < 6
    day = np.where(treated, rng.normal(size=10), 1.0)
    found = ancova(day, np.empty((10, 0)), treated, spread="separate")
    assert found.df == pytest.approx(5)
    assert 0 < found.p < 1


def test_arms_that_cannot_be_told_apart_say_so(rng):
    """A single subject beside a covariate of its own leaves no residual in its arm."""
    treated = np.arange(8) < 7
    found = ancova(rng.normal(size=8), rng.normal(size=(8, 1)), treated, spread="separate")
    assert found.reason == "too few values for a spread per arm"


def test_the_rule_looks_at_sizes_alone():
    assert not unequal_sizes(np.arange(47) < 27)  # 27 against 20
    assert unequal_sizes(np.arange(20) < 12)  # 12 against 8
    assert unequal_sizes(np.arange(20) < 8)


def test_compare_follows_the_design_and_shows_the_other_p(trial):
    def first(sizes, **options):
        made = compare(trial(n_treated=sizes[0], n_control=sizes[1]), **BASIC, **options)
        return made.between.iloc[0], made.methods

    equal, words = first((12, 12))
    assert equal["method"] == "ANCOVA"
    assert "residual variance" not in words
    unequal, words = first((12, 6))
    assert unequal["method"] == "ANCOVA (spread per arm)"
    assert "a residual variance per group and Satterthwaite's degrees of freedom as" in words
    common, _ = first((12, 6), spread="common")
    assert common["method"] == "ANCOVA"
    assert common["p"] == unequal["p_other_spread"] != unequal["p"] == common["p_other_spread"]
    assert common["ratio"] == pytest.approx(unequal["ratio"], rel=1e-12)
    separate, _ = first((12, 12), spread="separate")
    assert separate["p"] == equal["p_other_spread"]


def test_one_subject_too_few_falls_back_and_says_so(table):
    from cytokit.trial.study import Study

    frame = table(n_treated=8, n_control=2)
    # two controls with the same baseline-adjusted place: their residuals are tied by the slope
    row = compare(Study(frame), **BASIC).between.iloc[0]
    assert row["method"] in ("ANCOVA (spread per arm)", "ANCOVA")
    assert 0 < row["p"] <= 1


def test_brunner_munzel_can_be_the_primary_test(trial, floored):
    from cytokit.trial.ranks import brunner_munzel

    study = trial(n_treated=7, n_control=6, effect=-1.0)
    made = compare(study, **BASIC, between="brunner-munzel", draws=5000)
    row = made.between.iloc[0]
    day = study.values[study.values["day"] == 6]
    arms = [np.log(day.loc[day["group"] == g, "value"]) for g in ("treated", "control")]
    assert row["method"] == "Brunner-Munzel"
    assert row["p"] == brunner_munzel(*arms).p
    assert row["ratio"] == row["hl_ratio"]
    assert np.isnan(row["ratio_low"])
    assert "the Brunner-Munzel test, permuted" in made.methods
    hidden = compare(floored(0.2), **BASIC, between="brunner-munzel", draws=500).between.iloc[0]
    assert hidden["method"] == "Brunner-Munzel"
    assert "other_method" not in hidden["flags"]
    assert hidden["p"] != hidden["p_rank"]
    adjusted = compare(study, **BASIC, between="brunner-munzel", adjust="maxt", draws=500)
    assert 0 < adjusted.between["p_adjusted"].iloc[0] <= 1
