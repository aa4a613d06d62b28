"""Sign flips of whole subjects, quantiles of intervals, declared families."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cytokit.errors import UsageError
from cytokit.trial.analyses import sign_test
from cytokit.trial.compare import compare
from cytokit.trial.comparison import declare, declare_families, find_reference, min_fold_change
from cytokit.trial.estimate import label
from cytokit.trial.permutation import sign_flip_max_t
from cytokit.trial.study import Study
from cytokit.trial.summary import quantile
from cytokit.trial.values import Cells


def brute_force(changes):
    """Step-down maxT over all sign patterns, written plainly."""
    n, m = changes.shape

    def t(x):
        return np.abs(x.mean(axis=0)) / (x.std(axis=0, ddof=1) / np.sqrt(n))

    observed = t(changes)
    patterns = [
        t(changes * np.array(signs)[:, None]) for signs in itertools.product((1, -1), repeat=n)
    ]
    order = np.argsort(-observed)
    p = np.empty(m)
    for step, j in enumerate(order):
        rest = order[step:]
        p[j] = np.mean([x[rest].max() >= observed[j] * (1 - 1e-9) for x in patterns])
    p[order] = np.maximum.accumulate(p[order])
    return p


def test_sign_flips_against_brute_force():
    changes = np.random.default_rng(4).normal(0.6, 1, (8, 3))
    p, seed = sign_flip_max_t(changes)
    np.testing.assert_allclose(p, brute_force(changes))
    assert seed is None


def test_one_analyte_needs_no_adjustment():
    change = np.random.default_rng(5).normal(0.4, 1, (7, 1))
    exact = stats.permutation_test(
        (change[:, 0],), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_max_t(change)[0][0] == pytest.approx(exact.pvalue)


def test_many_subjects_are_drawn_with_a_seed():
    changes = np.random.default_rng(6).normal(0.5, 1, (25, 4))
    first, seed = sign_flip_max_t(changes, draws=400, seed=9)
    assert seed == 9
    np.testing.assert_array_equal(first, sign_flip_max_t(changes, draws=400, seed=9)[0])
    assert (first >= 1 / 401).all()


def test_what_cannot_be_flipped():
    changes = np.array([[np.nan, 0.0, 1.0], [np.nan, 0.0, 2.0], [1.0, 0.0, 3.0]])
    p, _ = sign_flip_max_t(changes)
    assert np.isnan(p).tolist() == [True, True, False]
    assert np.isnan(sign_flip_max_t(np.full((3, 2), np.nan))[0]).all()


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.integers(0, 30), st.integers(0, 30))
def test_sign_test_is_the_binomial(up, down):
    p, p_min = sign_test(up, down)
    if up + down == 0:
        assert np.isnan(p)
    else:
        assert p == pytest.approx(stats.binomtest(up, up + down).pvalue)
        assert p_min <= p
        assert up != down or p == 1


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=12), st.floats(0, 1))
def test_quantiles_of_numbers_are_numpys(values, share):
    ln = np.log(np.array(values))
    nothing = np.full(len(ln), np.nan)
    cells = Cells(ln, ln, nothing, np.zeros(len(ln), dtype=bool))
    assert quantile(cells, share) == pytest.approx(np.quantile(values, share), rel=1e-9)


def test_quantiles_among_values_out_of_range_are_empty():
    low, high = np.array([-np.inf, 1.0, 2.0, 3.0]), np.array([0.5, 1.0, 2.0, np.inf])
    cells = Cells(low, high, np.full(4, np.nan), np.zeros(4, dtype=bool))
    assert np.isnan(
        [quantile(cells, 0.0), quantile(cells, 1.0), quantile(cells, 0.25)]
    ).tolist() == [
        True,
        True,
        True,
    ]
    assert quantile(cells, 0.5) == pytest.approx((np.e + np.e**2) / 2)


def test_families_are_declared_from_the_design_alone():
    contrasts = declare(["a", "b", "ctl"], "ctl", "6", has_baseline=True)
    families = declare_families(contrasts, ["x", "y"])
    assert families["F1"] == ("x [a / ctl]", "y [a / ctl]", "x [b / ctl]", "y [b / ctl]")
    assert families["F2"] == ("x [a]", "y [a]", "x [b]", "y [b]")
    assert families["F3"] == ("x", "y")
    every = declare(["a", "b", "ctl"], "ctl", "6", has_baseline=False, versus="all")
    assert [(c.treated, c.control) for c in every if c.family] == [
        ("a", "b"),
        ("a", "ctl"),
        ("b", "ctl"),
    ]


def test_the_reference_group():
    assert find_reference(["Drug", "PLACEBO"], None) == "PLACEBO"
    assert find_reference(["Drug", "Control"], "control") == "Control"
    assert find_reference(["Drug"], None) == ""
    with pytest.raises(UsageError, match="CK-404"):
        find_reference(["control", "placebo", "drug"], None)


def test_the_smallest_fold_change_has_its_power():
    """With this effect a t test of this size rejects four times in five."""
    se, df = 0.3, 40
    effect = np.log(min_fold_change(se, df, 0.05, 0.8))
    critical = stats.t.ppf(0.975, df)
    power = stats.nct.sf(critical, df, effect / se) + stats.nct.cdf(-critical, df, effect / se)
    assert power == pytest.approx(0.8, abs=0.01)
    assert np.isnan(min_fold_change(np.nan, df, 0.05, 0.8))


# --- analytes that were chosen --------------------------------------------------------------------

BASIC = {"baseline": 0, "day": 6, "reference": "control"}
FOUR = ("a", "b", "c", "d")


@pytest.mark.parametrize("adjust", ["holm", "bh", "maxt"])
def test_chosen_analytes_stay_in_the_family_of_all(trial, adjust):
    """Who looks at two of four analytes sees the adjusted p of the whole table."""
    study = trial(analytes=FOUR, effect=-0.8)
    how = {**BASIC, "adjust": adjust, "draws": 400}
    whole = compare(study, **how)
    some = compare(study, **how, analytes=["c", "a"])
    assert list(some.table["analyte"].unique()) == ["c", "a"] == list(some.analytes)
    assert set(some.summary["analyte"]) == set(some.detectability["analyte"]) == {"a", "c"}
    keys = ["analyte", "contrast"]
    mine = some.table.set_index(keys).sort_index()
    pd.testing.assert_frame_equal(mine, whole.table.set_index(keys).loc[mine.index])
    assert set(some.between["family_size"]) == {4}
    assert some.families["F1"] == FOUR
    said = "4 analytes were measured, of which 2 (c, a) were chosen to be shown; all were compared"
    assert said in some.methods
    assert "F1 between groups (4 tests)" in some.methods
    assert "4 analytes were compared" in whole.methods


@pytest.mark.parametrize("adjust", ["holm", "maxt"])
def test_a_family_of_the_chosen_alone_is_asked_for(trial, table, adjust):
    study = trial(analytes=FOUR, effect=-0.8)
    how = {**BASIC, "adjust": adjust, "draws": 400}
    some = compare(study, **how, analytes=["c", "a"], family_of_these=True)
    assert set(some.between["family_size"]) == {2}
    assert some.families["F1"] == ("c", "a")
    assert "2 (c, a) were chosen and compared, the others not tested, on the" in some.methods
    alone = Study(table(analytes=FOUR, effect=-0.8).query("analyte in ['c', 'a']"))
    fewer = compare(alone, **how, analytes=["c", "a"])
    pd.testing.assert_series_equal(some.table["p_adjusted"], fewer.table["p_adjusted"])


def test_tests_that_could_not_be_done_are_counted(table):
    frame = table(analytes=("a", "b"))
    frame["value"] = frame["value"].map(repr).mask(frame["analyte"].eq("b"), "<1")
    assert "F1 between groups (1 of 2 tests done)" in compare(Study(frame), **BASIC).methods


def test_each_number_of_a_row_has_its_n(table):
    """ANCOVA leaves out who has no baseline; the rank test beside it does not."""
    frame = table(n_treated=8, n_control=9)
    frame["value"] = frame["value"].map(repr)
    before = frame["day"].eq(0)
    frame.loc[before & frame["subject"].isin(["S00", "S01", "S10"]), "value"] = "NA"
    limit = frame["day"].eq(6) & frame["subject"].eq("S01")
    frame.loc[limit, "value"] = "<1"
    rows = compare(Study(frame), **BASIC).table.set_index("contrast")
    n = rows[["n_treated", "n_control", "n_rank_treated", "n_rank_control"]]
    assert n.loc["between_day6"].tolist() == [6, 8, 8, 9]
    assert n.loc["difference_in_change"].tolist() == [6, 8, 6, 8]
    assert n.loc["within_treated"].fillna(0).tolist() == [6, 0, 6, 0]
    share = rows["pct_below_treated"]
    assert share["between_day6"] == pytest.approx(100 / 8)  # of those the rank test saw
    assert share["within_treated"] == share["difference_in_change"] == 0.0
    numbers = Study(frame[~limit])
    between = compare(numbers, **BASIC).table.iloc[0]
    ln = np.log(numbers.values.query("day == 6").set_index("subject")["value"])
    treated = ln.index < "S08"
    assert between[["n_treated", "n_rank_treated"]].tolist() == [6, 7]
    assert between["p_rank"] == pytest.approx(
        stats.mannwhitneyu(ln[treated], ln[~treated], method="exact").pvalue
    )


# --- the guard ------------------------------------------------------------------------------------


def guarded(frame, **options):
    """The guard's sentences of a trial whose verdicts within the groups differ."""
    result = compare(Study(frame), **BASIC, **options)
    within = result.table.set_index("contrast")["p"]
    assert (within["within_treated"] < 0.05) != (within["within_control"] < 0.05)
    return result, result.table.set_index("contrast").loc["between_day6"]


def test_the_guard_is_about_the_pattern(table):
    result, between = guarded(table(n_treated=9, n_control=9, decline=-0.6, seed=4))
    assert between["p"] > 0.05
    (sentence,) = result.guard
    assert sentence.endswith("this pattern is no evidence of a difference between the groups.")
    assert "no evidence of an effect" not in sentence
    assert "treatment" not in sentence
    said = f"significantly ({label(between['p'])}, adjusted {label(between['p_adjusted'])}): "
    assert said in sentence
    assert "guard:" in between["flags"]
    plain, _ = guarded(table(n_treated=9, n_control=9, decline=-0.6, seed=4), adjust="none")
    assert f"significantly ({label(between['p'])}): " in plain.guard[0]


def test_the_guard_is_silent_where_the_raw_p_is_small(table):
    """Ten analytes and Bonferroni: adjusted p says nothing, raw p does."""
    frame = table(n_treated=10, n_control=10, effect=-1.0, seed=5)
    others = [table(n_treated=10, n_control=10, analytes=(f"x{k}",), seed=k) for k in range(30)]
    frame = pd.concat([frame, *others], ignore_index=True)
    result = compare(Study(frame), **BASIC, analytes=["IL-6"])
    between = result.between.iloc[0]
    within = result.table.set_index("contrast")["p"]
    assert between["p"] < 0.05 < between["p_adjusted"]
    assert (within["within_treated"] < 0.05) != (within["within_control"] < 0.05)
    assert result.guard == ()
    assert "guard" not in " ".join(result.table["flags"])


def test_the_guard_is_silent_where_nothing_was_compared(table):
    """Out of range on the day in one arm: the groups have no test between them."""
    frame = table(n_treated=9, n_control=9, decline=-0.6, seed=4)
    shared = [f"S{at:02d}" for at in range(1, 9)]
    lost = frame["day"].eq(6) & frame["subject"].isin(shared)
    result = compare(Study(frame[~lost]), **BASIC)
    assert np.isnan(result.between["p"].iloc[0])
    assert (result.table["p"] < 0.05).sum() == 1
    assert result.guard == ()
    assert "guard" not in " ".join(result.table["flags"])
