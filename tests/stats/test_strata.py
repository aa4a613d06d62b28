"""Strata: every analysis that can takes them, and the rest is named."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import UsageError
from cytokit.options import CompareOptions
from cytokit.trial.analyses import WITHOUT_STRATA, primary, rank_test
from cytokit.trial.compare import compare
from cytokit.trial.linear import ANCOVA, cliffs_delta
from cytokit.trial.mixed import Visits, compare_repeated
from cytokit.trial.ranks import gehan_scores, hodges_lehmann, rank_sum
from cytokit.trial.strata import stratified_delta, stratified_ranks, stratified_shift
from cytokit.trial.study import Study
from cytokit.trial.values import AnalyteData, Cells, Subjects, analyte_data

BASIC = {"baseline": 0, "day": 6, "reference": "control"}
ALONE = {**BASIC, "baseline": None}
INF = math.inf


def stratified(table, *, apart: float = 4.0, per_arm: tuple[int, int] = (12, 12), **how: object):
    """A trial in two strata whose levels lie far apart; the arms share them equally."""
    frame = table(n_treated=per_arm[0], n_control=per_arm[1], correlation=0.0, **how)
    odd = frame["subject"].str[1:].astype(int).mod(2).eq(1)
    value = frame["value"] * np.where(odd, np.exp(apart), 1.0)
    return frame.assign(value=value, stratum=np.where(odd, "old", "young"))


def hidden(frame: pd.DataFrame, share: float = 0.25) -> pd.DataFrame:
    """The same with the lowest values of each stratum below a limit."""
    limit = frame.groupby("stratum")["value"].transform(lambda v: v.quantile(share))
    text = frame["value"].map(repr).mask(frame["value"] < limit, "<" + limit.map(repr))
    return frame.assign(value=text)


def first(frame: pd.DataFrame, **options: object) -> pd.Series:
    """The row between the groups."""
    return compare(Study(frame), **options).between.iloc[0]


# --- the rank test within strata ------------------------------------------------------------------


def brute_force(low, high, treated, strata):
    """P of van Elteren's sum over all arrangements within strata, written plainly."""
    scores = np.zeros(len(low))
    ways = []
    for name in sorted(set(strata)):
        rows = np.flatnonzero(strata == name)
        scores[rows] = gehan_scores(low[rows], high[rows]) / (len(rows) + 1)
        ways.append(list(itertools.combinations(rows, int(treated[rows].sum()))))
    sums = np.array([scores[np.concatenate(c).astype(int)].sum() for c in itertools.product(*ways)])
    return np.mean(np.abs(sums) >= abs(scores[treated].sum()) - 1e-9)


@pytest.mark.parametrize("kind", ["known", "tied", "out of range"])
def test_all_arrangements_within_strata(kind, monkeypatch):
    rng = np.random.default_rng(3)
    strata = np.repeat(["a", "b", "c"], [5, 6, 3])
    treated = np.array([1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0], dtype=bool)
    low = rng.normal(0, 1, 14) + treated + 5.0 * (strata == "b")
    low = low if kind == "known" else np.round(low)
    high = low.copy()
    if kind == "out of range":
        low[[0, 3, 6]], high[[8, 12]] = -INF, INF
    found = stratified_ranks(low, high, treated, strata, draws=100, seed=0)
    assert found.exact
    assert found.p == pytest.approx(brute_force(low, high, treated, strata))
    monkeypatch.setattr("cytokit.trial.strata._LARGEST", 0)
    drawn = stratified_ranks(low, high, treated, strata, draws=4000, seed=0)
    assert (drawn.exact, drawn.draws, drawn.seed) == (False, 4000, 0)
    assert drawn.p == pytest.approx(found.p, abs=4 * np.sqrt(found.p / 4000))


def test_one_stratum_is_no_stratum():
    rng = np.random.default_rng(4)
    x, y = rng.normal(1, 1, 8), rng.normal(0, 1, 7)
    values, treated = np.concatenate([x, y]), np.arange(15) < 8
    strata = np.repeat("a", 15)
    found = stratified_ranks(values, values, treated, strata, draws=100, seed=0)
    plain = rank_sum(x, y)
    assert (found.p, found.p_min) == pytest.approx((plain.p, plain.p_min))
    shift = stratified_shift(values, treated, strata, 0.95)
    assert shift == pytest.approx(tuple(hodges_lehmann(x, y, 0.95)))
    delta = stratified_delta(values, values, treated, strata)
    assert delta == pytest.approx(cliffs_delta(x, x, y, y))


def test_what_no_stratum_can_tell():
    values, treated = np.arange(4.0), np.arange(4) < 2
    apart = stratified_ranks(values, values, treated, np.array(list("aabb")), draws=100, seed=0)
    assert np.isnan(apart.p)
    assert apart.reason == "no stratum holds both groups"
    assert np.isnan(stratified_shift(values, treated, np.array(list("aabb")), 0.95)).all()
    tied = stratified_ranks(
        np.ones(4), np.ones(4), treated, np.array(list("abab")), draws=100, seed=0
    )
    assert np.isnan(tied.p)


def test_the_shift_inverts_the_test():
    """Its limits are the shifts at which the test within strata changes its verdict."""
    rng = np.random.default_rng(8)
    strata = np.tile(["a", "b"], 10)
    treated = rng.permuted(np.arange(20) < 9)
    values = rng.normal(0, 1, 20) + 0.8 * treated + 6.0 * (strata == "b")
    estimate, low, high = stratified_shift(values, treated, strata, 0.9)
    assert low < estimate < high

    def p(shift: float) -> float:
        moved = values - shift * treated
        return stratified_ranks(moved, moved, treated, strata, draws=100, seed=0).p

    for inside, outside in ((low + 1e-7, low - 1e-7), (high - 1e-7, high + 1e-7)):
        assert p(inside) >= 0.1 > p(outside)
    assert p(estimate) > 0.9


# --- every analysis that can ----------------------------------------------------------------------

WAYS = [
    ("ancova", BASIC, False, "ANCOVA"),
    ("welch", BASIC, False, "linear model with strata (spread per arm)"),
    ("welch", {**BASIC, "spread": "common"}, False, "linear model with strata"),
    ("ancova", ALONE, False, "linear model with strata (spread per arm)"),
    ("ancova", ALONE, True, "Tobit"),
    ("welch", BASIC, True, "Tobit"),
    ("ranks", BASIC, False, "rank-sum within strata"),
    ("ranks", BASIC, True, "Gehan rank test within strata"),
    ("brunner-munzel", BASIC, True, "Brunner-Munzel within strata"),
    ("change", BASIC, False, "linear model on change with strata"),
]


@pytest.mark.parametrize(("between", "days", "below", "method"), WAYS)
def test_strata_are_used(table, between, days, below, method):
    """What lies between the strata is not noise: with them the same effect is seen clearly."""
    how = {"effect": -1.6} | ({} if between != "change" else {"effect": -2.2})
    frame = stratified(table, apart=0.0 if between == "change" else 4.0, **how)
    if between == "change":  # the strata change differently
        late_old = frame["day"].eq(6) & frame["stratum"].eq("old")
        frame["value"] = frame["value"] * np.where(late_old, np.exp(5.0), 1.0)
    frame = hidden(frame) if below else frame
    asked = {**days, "between": between, "draws": 2000}
    used, unused = first(frame, **asked), first(frame, **asked, strata=False)
    assert used["method"] == method
    assert "strata_not_used" not in used["flags"] + unused["flags"]
    if (between, days) != ("ancova", BASIC):  # there the baseline knows the stratum
        assert used["p"] < min(0.02, unused["p"] / 2)
    assert "strata" not in unused["method"]
    assert used["p_rank"] < 0.02
    text = frame.assign(stratum="all")
    assert first(text, **asked)["method"] == unused["method"], "one stratum is none"


def test_the_linear_model_is_least_squares(table):
    frame = stratified(table, effect=-1.0)
    row = first(frame, **{**ALONE, "spread": "common"}, between="welch")
    late = frame[frame["day"].eq(6)]
    X = np.column_stack(
        [np.ones(24), late["stratum"].eq("young"), late["group"].eq("treated")]
    ).astype(float)
    y = np.log(late["value"].to_numpy(float))
    beta, rss, *_ = np.linalg.lstsq(X, y)
    se = np.sqrt(rss[0] / 21 * np.linalg.inv(X.T @ X)[2, 2])
    assert np.log(row["ratio"]) == pytest.approx(beta[2])
    assert (row["statistic"], row["df"]) == pytest.approx((beta[2] / se, 21))
    assert row["p_other_spread"] == pytest.approx(first(frame, **ALONE, between="welch")["p"])


def test_a_mixed_model_of_two_days_gives_the_ancova_with_strata(table):
    study = Study(stratified(table, effect=-0.7))
    data = analyte_data(study, ["IL-6"], 0, (6,), visits=(0, 6))[0]
    treated = data.subjects.group == "treated"
    mixed = compare_repeated(data, treated, Visits(0, 1, (0, 6)), CompareOptions()).estimate
    between = compare(study, **BASIC).between.iloc[0]
    assert between["method"] == ANCOVA
    assert mixed.difference == pytest.approx(np.log(between["ratio"]), rel=1e-5)
    without = compare_repeated(
        data, treated, Visits(0, 1, (0, 6)), CompareOptions(strata=False)
    ).estimate
    assert without.difference != pytest.approx(mixed.difference, rel=1e-3)


def test_a_mixed_model_takes_a_stratum_that_ends_early(table):
    """On a day on which one stratum alone was seen there is nothing to adjust for."""
    frame = stratified(table, effect=-1.5, days=(0, 3, 6))
    frame = frame[~(frame["day"].eq(3) & frame["stratum"].eq("old"))]
    used = first(frame, **BASIC, between="mixed")
    unused = first(frame, **BASIC, between="mixed", strata=False)
    assert used["method"].startswith("mixed model")
    assert used["p"] < unused["p"]


def test_deaths_are_ranked_within_strata(table):
    frame = stratified(table, effect=-1.2)
    died = frame["subject"].isin(["S01", "S13", "S15", "S16"]) & frame["day"].eq(6)
    frame["status"] = np.where(died, "died", "sampled")
    frame["value"] = frame["value"].map(repr).mask(died, "")
    rows = compare(Study(frame), **BASIC).table.set_index("contrast")
    assert rows.loc["worst_rank", "method"] == "worst-rank composite within strata"
    plain = compare(Study(frame), **BASIC, strata=False).table.set_index("contrast")
    assert plain.loc["worst_rank", "method"] == "worst-rank composite"
    assert rows.loc["worst_rank", "p"] < plain.loc["worst_rank", "p"]
    assert not rows["tipping_ratio"].equals(plain["tipping_ratio"])


@pytest.mark.parametrize("between", ["welch", "ranks", "brunner-munzel", "change", "ancova"])
def test_max_t_permutes_within_strata(table, between):
    """Of one analyte the adjusted p is the permutation's own: it sees the strata."""
    frame = stratified(table, effect=-1.6, per_arm=(6, 6))
    asked = {**BASIC, "between": between, "adjust": "maxt"}
    if between == "ancova":
        asked |= {"baseline": None}
    used, unused = first(frame, **asked), first(frame, **asked, strata=False)
    if between == "change":
        assert used["p_adjusted"] <= 0.1
        return
    assert used["p_adjusted"] < 0.05 < unused["p_adjusted"]
    if between == "ranks":
        assert used["p_adjusted"] == pytest.approx(used["p"])


# --- what cannot is named -------------------------------------------------------------------------


def test_what_takes_no_strata_says_so(table):
    frame = hidden(stratified(table, effect=-0.5, decline=-0.2), 0.15)
    result = compare(Study(frame), **BASIC)
    change = result.table.set_index("contrast").loc["difference_in_change"]
    assert change["method"] == WITHOUT_STRATA == "bivariate Tobit (strata not used)"
    assert "strata_not_used: the model of both days has no strata" in change["flags"]
    asked = compare(Study(frame), **BASIC, between="change", adjust="maxt", draws=300)
    assert asked.between["method"].iloc[0] == WITHOUT_STRATA
    assert asked.between["p_adjusted"].notna().all()
    without = compare(Study(frame), **BASIC, strata=False)
    assert "strata_not_used" not in " ".join(without.table["flags"])
    assert without.table.set_index("contrast").loc["difference_in_change", "method"] == (
        "bivariate Tobit"
    )


# --- a measured number is no stratum --------------------------------------------------------------


def aged(table, ages) -> pd.DataFrame:
    frame = table(n_treated=12, n_control=12)
    at = frame["subject"].str[1:].astype(int).to_numpy()
    return frame.assign(stratum=[str(ages[i]) for i in at])


@pytest.mark.parametrize(
    "ages",
    [
        [30 + i for i in range(24)],
        [30.5 + i // 2 for i in range(24)],
        [f"{20 + i},5" for i in range(24)],
        [*range(40, 47), *[40] * 3, *[""] * 14],
    ],
)
def test_a_measured_number_is_refused(table, ages):
    frame = aged(table, ages)
    with pytest.raises(UsageError, match="CK-435") as error:
        compare(Study(frame), **BASIC)
    assert f"holds {len(set(ages) - {''})} different numbers" in str(error.value)
    assert "covariate" in str(error.value)
    assert compare(Study(frame), **BASIC, strata=False).between["p"].notna().all()


@pytest.mark.parametrize(
    "names",
    [
        [1 + i % 4 for i in range(24)],
        [1 + i % 10 for i in range(24)],
        [f"site {i % 12}" for i in range(24)],
    ],
)
def test_numbered_sites_are_strata(table, names):
    assert compare(Study(aged(table, names)), **BASIC).between["p"].notna().all()


# --- level ----------------------------------------------------------------------------------------

SIZES = {"young": (9, 4), "old": (4, 9)}


def null_trial(rng: np.random.Generator, below: bool) -> AnalyteData:
    """No effect; the arms hold the strata in unlike shares, and the strata lie far apart."""
    groups, strata = [], []
    for name, sizes in SIZES.items():
        groups += ["treated"] * sizes[0] + ["control"] * sizes[1]
        strata += [name] * sum(sizes)
    values = rng.normal(0, 1, len(groups)) + 2.0 * (np.array(strata) == "old")
    n, nothing = len(values), np.full(len(values), np.nan)
    limit = np.where(np.array(strata) == "old", 1.4, -0.6) if below else np.full(n, -INF)
    low = np.where(values < limit, -INF, values)
    high = np.where(values < limit, limit, values)
    absent = Cells(nothing, nothing, nothing, np.zeros(n, dtype=bool))
    subjects = Subjects(
        np.arange(n).astype(str), np.array(groups), np.array(strata), np.zeros(n, dtype=bool)
    )
    return AnalyteData("x", "", subjects, absent, Cells(low, high, nothing, absent.substituted))


@pytest.mark.parametrize(
    ("between", "below", "trials"),
    [
        ("welch", False, 600),
        ("welch", True, 200),
        ("ranks", False, 600),
        ("ranks", True, 600),
        ("brunner-munzel", True, 300),
    ],
)
def test_the_level_holds_where_arms_and_strata_go_together(between, below, trials):
    """Without the strata these tests reject most of the trials; with them one in twenty."""
    from cytokit.trial.analyses import beside_arms

    rejected = dict.fromkeys((True, False), 0)
    rng = np.random.default_rng(20)
    for _ in range(trials):
        data = null_trial(rng, below)
        treated = data.subjects.group == "treated"
        for strata in rejected:
            options = CompareOptions(between=between, strata=strata, draws=300)
            found, _, _ = primary(data, treated, ("treated", "control"), options)
            if np.isnan(found.p):
                labels = data.subjects.stratum
                beside = beside_arms(data.day, treated, options, labels)
                found = rank_test(found, data.day, treated, beside, options, labels)
            rejected[strata] += bool(found.p < 0.05)
    level = rejected[True] / trials
    assert abs(level - 0.05) < 2.6 * np.sqrt(0.05 * 0.95 / trials)
    assert rejected[False] / trials > 0.09


# --- and the methods paragraph says which ---------------------------------------------------------


def test_methods_name_what_uses_the_strata(table):
    frame = stratified(table, effect=-1.0)
    said = "Groups were compared within the design's strata (old, young): models have an indicator"
    made = compare(Study(frame), **BASIC).methods
    assert said in made
    assert (
        "analysis of covariance adjusted for the ln concentration at day 0 and the stratum" in made
    )
    assert "changes within a group do not use them." in made
    ways = {
        "welch": "the linear model of group and stratum, with a residual variance per group",
        "ranks": "van Elteren's rank-sum test, permuted within strata",
        "change": "the linear model of group and stratum on the change from baseline",
        "brunner-munzel": "the Brunner-Munzel test, permuted within strata",
    }
    for between, words in ways.items():
        assert words in compare(Study(frame), **BASIC, between=between, draws=300).methods
        plain = compare(Study(frame), **BASIC, between=between, strata=False, draws=300).methods
        assert words not in plain
        assert said not in plain
        assert "The design's strata (old, young) were not used, as was asked for." in plain
    below = compare(Study(hidden(frame, 0.15)), **BASIC).methods
    assert "do not use them; 1 comparison of changes with values out of range." in below
    alone = compare(Study(hidden(frame, 0.15)), **ALONE).methods
    assert "Tobit regression adjusted for the stratum with a residual variance" in alone
    nothing = compare(Study(frame.assign(stratum="")), **BASIC).methods
    assert "strat" not in nothing.replace("strata where declared", "")
