"""compare end to end: what is in the table, what is refused, what happens to hard data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import DesignError, NothingToDoError, UsageError
from cytokit.schema import TABLES
from cytokit.trial.compare import compare
from cytokit.trial.study import Study
from cytokit.trial.values import Analysis, choose

BASIC = {"baseline": 0, "day": 6, "reference": "control"}


def row(result, contrast):
    rows = result.table[result.table["contrast"].str.startswith(contrast)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_the_table_and_what_stands_beside_it(trial):
    result = compare(trial(analytes=("IL-6", "TNFa"), effect=-1.5), **BASIC)
    assert list(result.table.columns) == TABLES["comparisons"].names
    assert result.table["contrast"].tolist() == 2 * [
        "between_day6",
        "difference_in_change",
        "within_treated",
        "within_control",
    ]
    assert result.families == dict.fromkeys(("F1", "F2", "F3"), ("IL-6", "TNFa"))
    assert list(result.summary.columns) == TABLES["summary"].names
    assert len(result.summary) == len(result.detectability) == 8
    assert result.detectability["pct_in_range"].tolist() == 8 * [100.0]
    assert result.options.censor == "lod"
    assert result.of("IL-6")["analyte"].unique().tolist() == ["IL-6"]
    assert "2 analytes, 2 tests in F1" in repr(result)
    assert "<table" in result._repr_html_()
    assert result.table["min_fold_change"].gt(1).all()


def test_labels_and_stars_follow_the_adjusted_p(trial):
    from cytokit.trial.estimate import label, stars

    result = compare(trial(analytes=tuple("abcdef"), effect=-1.2, seed=3), **BASIC, gate=False)
    in_family = result.table[result.table["family"] != ""]
    assert in_family["stars"].tolist() == [stars(p) for p in in_family["p_adjusted"]]
    assert in_family["label"].tolist() == [label(p) for p in in_family["p_adjusted"]]
    beside = result.table[result.table["family"] == ""]
    assert set(beside["stars"]) == {""}
    assert beside["label"].tolist() == [label(p) for p in beside["p"]]


def test_everyone_is_counted(table):
    frame = table(n_treated=9, n_control=7)
    lost = frame.drop(frame[(frame["subject"] == "S00") & (frame["day"] == 6)].index)
    lost = lost.drop(lost[(lost["subject"] == "S09") & (lost["day"] == 0)].index)
    died = pd.DataFrame(
        [("S10", "control", 6, "IL-6", np.nan, "pg/mL")], columns=list(frame.columns)
    )
    lost = pd.concat([lost[~((lost["subject"] == "S10") & (lost["day"] == 6))], died])
    lost["status"] = np.where(lost["subject"].eq("S10") & lost["day"].eq(6), "died", "sampled")
    result = compare(Study(lost), **BASIC)
    for _, one in result.table.iterrows():
        arms = {"within_treated": 9, "within_control": 7}.get(one["contrast"], 16)
        counted = one[["n_treated", "n_control"]].dropna().sum()
        dead = 0 if one["contrast"] == "worst_rank" else one["n_died"]  # there they have a rank
        assert counted + one["n_missing"] + dead == arms, one["contrast"]
    between = row(result, "between")
    assert between[["n_treated", "n_control", "n_pairs", "n_missing", "n_died"]].tolist() == [
        8,
        5,
        13,
        2,
        1,
    ]
    assert "no_baseline: 1 with a value on the day only" in between["flags"]
    assert "deaths: 1 died before the day" in between["flags"]
    composite = row(result, "worst_rank")
    assert composite["method"] == "worst-rank composite"
    assert (composite["family"], composite["stars"]) == ("", "")
    assert "not an effect on the cytokine" in composite["flags"]
    assert np.isnan(composite["ratio"])
    assert "unbiased only if death depends on what was measured before" in result.methods


def test_direction_is_treated_over_control_and_day_over_baseline(trial):
    result = compare(trial(n_treated=20, n_control=20, effect=1.0, decline=-2.0, sd=0.3), **BASIC)
    between = row(result, "between")
    assert between["ratio_low"] < np.e < between["ratio_high"]
    assert between["hedges_g"] > 0
    assert between["cles"] > 0.5
    assert row(result, "difference_in_change")["ratio"] > 1
    assert row(result, "within_control")["ratio"] == pytest.approx(np.exp(-2), rel=0.4)
    turned = compare(
        trial(n_treated=20, n_control=20, effect=1.0, decline=-2.0, sd=0.3),
        baseline=0,
        day=6,
        reference="treated",
    )
    assert row(turned, "between")["ratio"] == pytest.approx(1 / between["ratio"])
    assert row(turned, "between")["p"] == pytest.approx(between["p"])


@pytest.mark.parametrize("between", ["ancova", "welch", "ranks", "change"])
@pytest.mark.parametrize("within", ["ratio", "signed-rank"])
def test_the_unit_of_concentration_does_not_matter(table, between, within):
    frame = table(n_treated=6, n_control=7)
    options = {**BASIC, "between": between, "within": within}
    first = compare(Study(frame), **options).table
    second = compare(
        Study(frame.assign(value=frame["value"] * 1000, unit="fg/mL")), **options
    ).table
    for column in ("ratio", "ratio_low", "p", "p_rank", "p_adjusted", "hl_ratio", "cles"):
        np.testing.assert_allclose(first[column], second[column], rtol=1e-9)


def test_order_of_rows_does_not_matter(table):
    frame = table(analytes=("a", "b"))
    shuffled = frame.sample(frac=1, random_state=3)
    first = compare(Study(frame), **BASIC, analytes=["a", "b"]).table
    second = compare(Study(shuffled), **BASIC, analytes=["a", "b"]).table
    np.testing.assert_allclose(first["p"], second["p"], rtol=1e-9)


# --- gate and guard -------------------------------------------------------------------------------


def test_equal_decline_in_both_arms(trial):
    """With the same true decline, within-arm verdicts differ often: the guard says so each time."""
    study = trial(analytes=tuple(f"a{i:02d}" for i in range(40)), decline=-0.6, sd=0.9)
    result = compare(study, **BASIC, adjust="none")
    table = result.table.set_index(["analyte", "contrast"])
    fired = {sentence.split(":")[0] for sentence in result.guard}
    for analyte in result.analytes:
        p = table.loc[analyte]["p"]
        differ = (p["within_treated"] < 0.05) != (p["within_control"] < 0.05)
        assert (analyte in fired) == (differ and not p["between_day6"] < 0.05)
        if analyte in fired:
            assert set(table.loc[analyte]["stars"]) <= {"", "ns"}
    assert len(fired) >= 5
    for sentence in result.guard:
        assert "this pattern is no evidence of a difference between the groups" in sentence
        assert sentence in result.methods


def test_the_gate(trial):
    study = trial(n_treated=20, n_control=20, effect=0.0, decline=-3.0)
    closed = compare(study, **BASIC)
    assert row(closed, "within_control")["p"] < 1e-6
    assert row(closed, "within_control")["stars"] == ""
    assert "gated:" in row(closed, "within_control")["flags"]
    opened = compare(study, **BASIC, gate=False)
    assert row(opened, "within_control")["stars"] == "****"
    assert "gated" not in row(opened, "within_control")["flags"]
    passed = compare(trial(n_treated=20, n_control=20, effect=-3.0), **BASIC)
    assert row(passed, "within_treated")["stars"] == "****"


# --- values out of range --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "method"),
    [(0.0, "ANCOVA"), (0.25, "Tobit"), (0.65, "Gehan rank test"), (0.95, "not analysed")],
)
@pytest.mark.parametrize("side", ["<", ">"])
def test_the_rule_table(floored, share, method, side):
    result = compare(floored(share, side, n_treated=15, n_control=15, seed=7), **BASIC)
    between = row(result, "between")
    assert between["method"] == method
    assert np.isnan(between["ratio"]) == (method in ("Gehan rank test", "not analysed"))
    assert np.isnan(between["p"]) == (method == "not analysed")
    assert np.isnan(between["p_fisher"]) == (share == 0.0)
    outside = between["pct_above" if side == ">" else "pct_below_treated"]
    assert (outside > 0) == (share > 0)
    assert between["family_size"] == (method != "not analysed")


@pytest.mark.parametrize(
    ("sizes", "method"), [((6, 6), "Gehan rank test"), ((6, 12), "Brunner-Munzel")]
)
def test_too_few_in_range_in_one_arm_are_ranked(table, sizes, method):
    """A ratio cannot be had, but what an effect looks like is no reason not to test."""
    frame = table(n_treated=sizes[0], n_control=sizes[1])
    low = frame["group"].eq("treated") & frame["subject"].gt("S00")
    frame["value"] = frame["value"].map(repr).mask(low, "<5")
    between = row(compare(Study(frame), **BASIC, draws=20_000), "between")
    assert between["method"] == method
    assert f"{method}: " in between["flags"]
    assert "1 in range in treated: too few to model" in between["flags"]
    assert between["p"] < 0.06
    assert between["p_fisher"] < 0.06
    assert np.isnan(between[["ratio", "ratio_low", "hl_ratio"]].astype(float)).all()


def test_two_in_range_in_an_arm_carry_a_ratio_with_a_wide_interval(table):
    frame = table(n_treated=6, n_control=12)
    low = frame["group"].eq("treated") & frame["subject"].gt("S01") & frame["day"].eq(6)
    frame["value"] = frame["value"].map(repr).mask(low, "<5")
    between = row(compare(Study(frame), **BASIC), "between")
    assert between["method"] == "Tobit"
    assert between["ratio_low"] < between["ratio"] < between["ratio_high"]
    assert between["ratio_high"] > 5 * between["ratio_low"]


def test_whether_an_analyte_is_analysed_does_not_depend_on_the_labels():
    """The rule is symmetric: no arrangement of the labels turns a test into none, or back."""
    rng = np.random.default_rng(3)
    for exact_count in range(19):
        exact = np.arange(18) < exact_count
        found = set()
        for _ in range(40):
            treated = rng.permutation(18) < 12
            found.add(choose(exact, {"t": treated, "c": ~treated}).analysis is Analysis.NONE)
        assert len(found) == 1
    assert choose(np.arange(18) < 3, {"t": np.ones(18, dtype=bool)}).reason.startswith("83 %")
    few = choose(np.arange(5) < 2, {"t": np.arange(5) < 3, "c": np.arange(5) >= 3})
    assert (few.analysis, few.reason) == (
        Analysis.NONE,
        "60 % of the values out of range, 2 in range: 3 are needed",
    )


def test_substitution_is_named(floored):
    study = floored(0.3)
    ratios = {}
    for way in ("as-given", "limit", "half", "sqrt2"):
        result = compare(study, **BASIC, substitute=way)
        between = row(result, "between")
        ratios[way] = between["ratio"]
        assert between["method"] == "ANCOVA"
        assert "substituted:" in between["flags"]
        assert "As a sensitivity analysis every value out of range was replaced" in result.methods
    assert len(set(ratios.values())) == 3
    assert ratios["as-given"] == ratios["limit"]  # the cell "<5" states no other number
    assert "substituted" not in " ".join(compare(study, **BASIC).table["flags"])


def test_a_censored_baseline_stays_in_the_adjustment(table):
    frame = table(n_treated=12, n_control=12)
    limit = float(frame["value"].quantile(0.3))
    base = frame["day"].eq(0) & frame["value"].lt(limit)
    assert base.sum() >= 3
    frame["value"] = frame["value"].map(repr).mask(base, f"<{limit!r}")
    between = row(compare(Study(frame), **BASIC), "between")
    assert between["method"] == "ANCOVA"
    assert f"baseline_censored: {base.sum()} of 24 baseline values" in between["flags"]
    assert between["df"] == 20


# --- hard data: a row with a reason, no warning, no crash -----------------------------------------


def hard_table(table):
    """Every kind of hard data as an analyte of one trial of 6 v 6."""
    frame = table(n_treated=6, n_control=6)
    control, late = frame["group"].eq("control"), frame["day"].eq(6)
    value, number = frame["value"], frame["value"].map(repr)
    order = np.arange(len(frame))
    kinds = {
        "constant": 5.0,
        "constant at each day": np.where(late, 7.0, 5.0),
        "constant within arms": np.where(control, 5.0, 7.0),
        "all below": "<3",
        "all above": ">3",
        "all missing": "NA",
        "one per arm": number.where(frame["subject"].isin(["S00", "S06"]), "NA"),
        "one in an arm": number.where(frame["subject"] >= "S05", "NA"),
        "two per arm": number.where(frame["subject"].isin(["S00", "S01", "S06", "S07"]), "NA"),
        "separated": np.where(control, 1.0, 1e3) * (1 + order / 1e3),
        "separated by the limit": number.mask(control, "<3"),
        "ties everywhere": np.where(value > 20, 2.0, 1.0),
        "no baseline value": number.where(late, "NA"),
        "no value on the day": number.mask(late, "NA"),
        "one baseline value": number.where(late | frame["subject"].eq("S00"), "NA"),
        "zeros": np.where(value > 20, value, 0.0),
        "huge": value**40,
        "half below": number.where(order % 2 == 1, "<10"),
        "easy": number,
    }
    parts = [
        frame.assign(analyte=name, value=list(map(str, np.broadcast_to(v, len(frame)))))
        for name, v in kinds.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("between", "within", "adjust"),
    [
        ("ancova", "ratio", "holm"),
        ("ancova", "ratio", "maxt"),
        ("welch", "signed-rank", "maxt"),
        ("ranks", "ratio", "maxt"),
        ("change", "ratio", "hommel"),
    ],
)
def test_hard_data_give_a_row_with_a_reason(table, between, within, adjust):
    study = Study(hard_table(table))
    result = compare(
        study, **BASIC, between=between, within=within, adjust=adjust, draws=200, propagate=True
    )
    assert len(result.table) == 4 * 19
    untested = result.table[result.table["p"].isna()]
    assert untested["flags"].str.contains("not_analysed: .{10}").all()
    assert (untested["label"] == "not analysed").all()
    assert untested[["p_adjusted", "q_bh", "ratio", "p_rank"]].isna().all(axis=None)
    tested = result.table[result.table["p"].notna()]
    assert not tested["flags"].str.contains("not_analysed").any()
    assert tested["p"].between(0, 1).all()
    in_family = tested[tested["family"] != ""]
    assert in_family["p_adjusted"].between(0, 1).all()
    assert (in_family["p_adjusted"] >= in_family["p"] - 1e-12).all() or adjust == "maxt"
    sizes = in_family.groupby("family")["family_size"]
    assert (sizes.first() == sizes.size()).all()
    assert result.methods


def test_the_reason_is_the_right_one(table):
    result = compare(Study(hard_table(table)), **BASIC)
    between = result.between.set_index("analyte")
    for analyte, text in {
        "constant": "the values do not vary",
        "all below": "100 % of the values out of range",
        "one per arm": "1 subject with a value in treated, 2 are needed",
        "one in an arm": "1 subject with a value in treated, 2 are needed",
        "no value on the day": "0 subjects with a value in treated, 2 are needed",
        "no baseline value": "other_method: Welch: no baseline values",
        "one baseline value": "other_method: Welch: under 2 baseline values in an arm",
        "constant at each day": "the values do not vary",
        "separated by the limit": "Gehan rank test: 50 % of the values out of range, 0 in range in "
        "control: too few to model",
    }.items():
        assert text in between.loc[analyte, "flags"], analyte
    assert between.loc["easy", "method"] == "ANCOVA"


def test_every_flag_of_a_row_has_plain_words(table):
    from cytokit.flags import FLAGS

    flags = compare(Study(hard_table(table)), **BASIC, propagate=True).table["flags"]
    codes = {part.split(":")[0] for cell in flags for part in cell.split("; ") if part}
    assert len(codes) >= 4
    assert codes <= set(FLAGS)


# --- names and options ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"reference": "contrl"}, ["CK-401", "no group 'contrl'", "did you mean 'control'?"]),
        ({"day": 7}, ["CK-402: the study has no day 7", "its days are 0, 6"]),
        ({"baseline": "D1", "day": "D8"}, ["no day 'D8'", "no day 'D1'"]),
        ({"analytes": ["IL6"]}, ["CK-403", "no analyte 'IL6'", "did you mean 'IL-6'?"]),
        ({"analytes": []}, ["CK-403: no analyte is named"]),
        ({"day": 0}, ["CK-405: baseline 0 and day 0 are not different days"]),
        ({"baseline": None, "between": "change"}, ["CK-406: between='change' needs a baseline"]),
        ({"between": "mixed"}, ["CK-406: between='mixed' needs three days or more"]),
        ({"adjust": "holms"}, ["CK-410: adjust='holms' is no choice", "did you mean 'holm'?"]),
        ({"alpha": 1.0, "draws": 3, "seed": -1}, ["CK-411: alpha=1.0", "draws=3", "seed=-1"]),
        ({"censor": "lodd"}, ["CK-410: censor='lodd'"]),
    ],
)
def test_options_that_make_no_sense(trial, options, parts):
    with pytest.raises(UsageError) as error:
        compare(trial(n_treated=3, n_control=3), **{**BASIC, **options})
    for part in parts:
        assert part in str(error.value)
    assert error.value.exit_code == 2


def test_the_reference_may_be_left_out(table):
    frame = table(n_treated=3, n_control=3)
    assert compare(Study(frame), baseline=0, day="Day 6").reference == "control"
    unclear = Study(frame.assign(group=frame["group"].map({"control": "x", "treated": "y"})))
    with pytest.raises(UsageError, match="CK-404: which group is the reference cannot be told"):
        compare(unclear, baseline=0, day=6)


def test_nothing_to_compare(table):
    frame = table(n_treated=3, n_control=3)
    with pytest.raises(NothingToDoError, match="CK-409: one group and one day"):
        compare(Study(frame[frame["group"] == "control"]), baseline=None, day=6)


def test_one_group_alone(table):
    frame = table(n_treated=8, n_control=0, decline=-3.0)
    result = compare(Study(frame), baseline=0, day=6)
    assert result.table["contrast"].tolist() == ["within_treated"]
    assert result.table["stars"].tolist() == ["***"] or result.table["stars"].tolist() == ["****"]
    assert "has no comparator" in result.methods


def three_arms(table):
    frame = table(n_treated=10, n_control=10, analytes=("a", "b"))
    more = table(n_treated=8, n_control=0, analytes=("a", "b"), seed=9)
    return pd.concat([frame, more.assign(subject="X" + more["subject"], group="high dose")])


def test_more_than_two_groups(table):
    study = Study(three_arms(table))
    result = compare(study, **BASIC)
    between = result.table[result.table["family"] == "F1"]
    arms = list(zip(between["treated_group"], between["control_group"], strict=True))
    assert arms == 2 * [("treated", "control"), ("high dose", "control")]
    assert set(between["family_size"]) == {4}
    assert result.families["F1"][0] == "a [treated / control]"
    assert result.families["F3"] == ("a", "b")
    every = compare(study, **BASIC, versus="all")
    assert set(every.table.loc[every.table["family"] == "F1", "family_size"]) == {6}
    with pytest.raises(UsageError, match="CK-408: adjust='maxt' compares two groups"):
        compare(study, **BASIC, adjust="maxt")
    # two arms of three give what the two alone give
    alone = compare(Study(three_arms(table).query("group != 'high dose'")), **BASIC).table
    first = between[between["treated_group"] == "treated"]
    np.testing.assert_allclose(first["p"], alone.loc[alone["family"] == "F1", "p"])


def test_strata_enter_the_ancova(table):
    frame = table(n_treated=10, n_control=10)
    frame["stratum"] = np.where(frame["subject"].str[-1].astype(int) % 2, "f", "m")
    with_strata = compare(Study(frame), **BASIC)
    without = compare(Study(frame), **BASIC, strata=False)
    assert row(with_strata, "between")["df"] == row(without, "between")["df"] - 1 == 16
    assert "and the stratum" in with_strata.methods
    assert "stratum" not in without.methods


# --- three days and more --------------------------------------------------------------------------


def test_a_mixed_model_stands_beside_three_days(trial):
    study = trial(days=(0, 3, 6), effect=-1.0)
    result = compare(study, **BASIC)
    mixed = row(result, "mixed_model")
    assert mixed["method"] == "mixed model (unstructured)"
    assert mixed["family"] == ""
    assert abs(np.log(mixed["ratio"] / row(result, "between")["ratio"])) < 0.3
    first = compare(study, **BASIC, between="mixed")
    assert row(first, "between")["p"] == pytest.approx(mixed["p"])
    assert "a linear mixed model of all days" in first.methods
    with pytest.raises(UsageError, match="CK-408: adjust='maxt' has no permutation test"):
        compare(study, **BASIC, between="mixed", adjust="maxt")


def test_with_all_days_there_the_mixed_model_of_two_gives_the_ancova(trial):
    """The constrained model's estimate, on the two days alone, is the ANCOVA's."""
    from cytokit.options import CompareOptions
    from cytokit.trial.mixed import Visits, compare_repeated
    from cytokit.trial.values import analyte_data

    study = trial(effect=-0.7)
    data = analyte_data(study, ["IL-6"], 0, (6,), visits=(0, 6))[0]
    treated = data.subjects.group == "treated"
    mixed = compare_repeated(data, treated, Visits(0, 1, (0, 6)), CompareOptions()).estimate
    between = row(compare(study, **BASIC), "between")
    assert mixed.difference == pytest.approx(np.log(between["ratio"]), rel=1e-5)


def test_several_days_as_one(trial):
    study = trial(days=(0, 3, 6), effect=-1.0)
    result = compare(study, baseline=0, day=[3, "D6"], reference="control")
    between = row(result, "between_day3+6")
    values = study.values.assign(ln=np.log(study.values["value"]))
    mean = values[values["day"] > 0].groupby(["group", "subject"])["ln"].mean()
    assert between["gm_treated"] == pytest.approx(np.exp(mean["treated"].mean()))
    assert "the mean over days 3 and 6" in result.methods


# --- plates ---------------------------------------------------------------------------------------


def on_plates(table, plate):
    """A study of a fit whose samples lie on the plates that ``plate(row)`` names."""
    frame = table(n_treated=4, n_control=4)
    sample = frame["subject"] + "_" + frame["day"].astype(str)
    samples = pd.DataFrame(
        {
            "plate": [plate(one) for one in frame.itertuples()],
            "sample": sample,
            "well_type": "unknown",
            "analyte": frame["analyte"],
            "dilution_factor": 1.0,
            "mfi": 100.0,
            "concentration": frame["value"],
            "ci_low": frame["value"] / 1.2,
            "ci_high": frame["value"] * 1.2,
            "unit": "pg/mL",
            "status": "in_range",
            "limit_low": np.nan,
            "limit_high": np.nan,
        }
    )
    plates = sorted(set(samples["plate"]))
    curves = pd.DataFrame(
        [(name, "IL-6", np.nan, np.nan, np.nan) for name in plates],
        columns=["plate", "analyte", "lod", "lloq", "uloq"],
    )
    fit = type("Fit", (), {"samples": samples, "curves": type("C", (), {"table": curves})()})()
    design = frame.assign(sample=sample)[["sample", "subject", "group", "day"]]
    return Study(fit, design)


def test_complete_confounding_is_refused(table):
    by_group = on_plates(table, lambda one: f"P_{one.group}")
    with pytest.raises(DesignError) as error:
        compare(by_group, **BASIC)
    text = str(error.value)
    assert "CK-407: no plate holds both treated (plate P_treated) and control" in text
    assert error.value.exit_code == 3
    allowed = compare(by_group, **BASIC, allow_confounded=True)
    assert [finding.severity for finding in allowed.findings] == ["fail"]
    assert "plate and group cannot be told apart" in allowed.methods
    flags = allowed.table["flags"]
    assert flags.str.contains("plate_refused: no plate holds both treated", regex=False).all()
    by_day = on_plates(table, lambda one: f"P{one.day}")
    with pytest.raises(DesignError, match=r"no plate holds both day 0 .plate P0. and day 6"):
        compare(by_day, **BASIC)


def test_partial_confounding_is_named(table):
    some = on_plates(table, lambda one: "P2" if one.subject == "S00" and one.day == 6 else "P1")
    found = compare(some, **BASIC).findings
    said = " ".join(finding.message for finding in found)
    assert "1 of 8 subjects have their days on different plates" in said
    assert "all 4 of control were measured on plate P1 of 2 plates" in said
    flags = compare(some, **BASIC).table["flags"]
    assert flags.str.contains("plate_confounded: all 4 of control", regex=False).all()
    assert compare(on_plates(table, lambda _: "P1"), **BASIC).findings == ()


def large(table, plate_of):
    """76 treated and 76 controls on one day, from a table that names its plates."""
    frame = table(n_treated=76, n_control=76, days=(6,))
    number = frame.groupby("group").cumcount()
    groups = zip(frame["group"], number, strict=True)
    return Study(frame.assign(plate=[plate_of(group, n) for group, n in groups]))


@pytest.mark.parametrize(
    ("plate_of", "said"),
    [
        (
            lambda group, n: "P1" if (n < 68) == (group == "treated") else "P2",
            "68 of 76 of treated but 8 of 76 of control were measured on plate P1 (IL-6)",
        ),
        (
            lambda group, n: f"T{n % 3}" if group == "treated" and n < 68 else f"C{n % 4}",
            "68 of 76 of treated but 0 of 76 of control were measured on plates T0, T1, T2 (IL-6)",
        ),
        (lambda group, n: f"P{(n + 20 * (group == 'treated')) % 4}", ""),
        (lambda group, n: f"P{n % 4}" if n < 60 or group == "treated" else "P0", ""),
    ],
)
def test_groups_spread_unequally_over_plates_are_counted(table, plate_of, said):
    result = compare(large(table, plate_of), baseline=None, day=6, reference="control")
    found = [one.message for one in result.findings if one.code == "plate_confounded"]
    assert found == ([said] if said else [])
    assert result.table["flags"].str.contains("plate_confounded").all() == bool(said)
    assert not said or said.split(" (")[0] in result.methods


def test_few_subjects_are_not_called_unequal_for_what_chance_gives(table):
    plates = {"treated": "AAAAABBB", "control": "AAABBBBB"}
    frame = table(n_treated=8, n_control=8, days=(6,))
    number = frame.groupby("group").cumcount()
    frame["plate"] = [plates[g][n] for g, n in zip(frame["group"], number, strict=True)]
    assert not [
        one
        for one in compare(Study(frame), baseline=None, reference="control").findings
        if one.code == "plate_confounded"
    ]


def test_a_plate_for_every_sample_is_no_plate(table):
    frame = table(n_treated=5, n_control=5)
    single = frame.assign(plate=[f"well {i}" for i in range(len(frame))])
    result = compare(Study(single), **BASIC)
    assert [one.code for one in result.findings if one.code.startswith("plate")] == [
        "plate_per_sample"
    ]
    assert "another one for every sample (20)" in result.findings[0].message


def test_a_plate_called_na_is_no_plate(table, cases):
    frame = table(n_treated=5, n_control=5)
    result = compare(Study(frame.assign(plate=["NA", "P1"] * 10)), **BASIC)
    said = {one.code: one.message for one in result.findings}
    assert said["plate_unnamed"] == (
        "10 of 20 readings name no plate: whether theirs goes with group or day was not checked"
    )
    assert said["name_missing"].endswith("10 cells of the plate say 'NA': they count as empty")
    case = compare(Study(cases / "stats/na_plate.csv"), reference="control")
    assert "plate_unnamed" in {one.code for one in case.findings}
    assert "plate_confounded" not in {one.code for one in case.findings}
    confounded = Study(cases / "stats/confounded.csv")
    with pytest.raises(DesignError, match="CK-407: no plate holds both drug"):
        compare(confounded, baseline=None, reference="control")
    allowed = compare(confounded, baseline=None, reference="control", allow_confounded=True)
    assert allowed.table["flags"].str.contains("plate_refused").all()


@pytest.mark.parametrize("between", ["ancova", "welch", "ranks", "brunner-munzel", "change"])
@pytest.mark.parametrize("adjust", ["holm", "maxt"])
def test_out_of_range_without_any_limit_is_not_analysed(between, adjust):
    """Values below and above a range that nobody states, and no number."""
    rows = [(f"{group}{n}", group, day) for group in "tc" for n in range(6) for day in (0, 6)]
    frame = pd.DataFrame(rows, columns=["subject", "group", "day"])
    cells = ["OOR <", "OOR >", "OOR <", "", "OOR <", "OOR >"] * 4
    study = Study(frame.assign(low="OOR <", both=cells, known=["<3", ">90", "OOR <", "7"] * 6))
    result = compare(study, reference="c", between=between, adjust=adjust, draws=200)
    for name in ("low", "both"):
        table = result.of(name)
        assert table["flags"].str.contains("not_analysed").all()
        assert table[["p", "ratio", "p_rank"]].isna().all(axis=None)
    assert (result.of("low")["pct_below_treated"].dropna() == 100).all()


def test_the_assays_uncertainty_is_carried_on(table):
    study = on_plates(table, lambda _: "P1")
    plain, carried = compare(study, **BASIC), compare(study, **BASIC, propagate=True)
    between = row(carried, "between")
    assert between["method"] == "ANCOVA"
    assert f"propagated: the assay adds {100 * between['assay_share']:.0f} %" in between["flags"]
    assert "50 imputations of the true values" in carried.methods
    assert 0 < between["assay_share"] < 0.5
    assert abs(np.log(between["ratio"] / row(plain, "between")["ratio"])) < 0.1
    again = compare(study, **BASIC, propagate=True)
    pd.testing.assert_frame_equal(carried.table, again.table)
    without = compare(Study(table()), **BASIC, propagate=True)
    assert "not_propagated: the values state no interval" in row(without, "between")["flags"]


# --- the same seed, the same table ----------------------------------------------------------------


def test_the_same_seed_gives_the_same_table(floored):
    study = floored(0.3, analytes=("a", "b"))
    options = {**BASIC, "adjust": "maxt", "draws": 500}
    first, second = compare(study, **options, seed=4), compare(study, **options, seed=4)
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.methods == second.methods
    assert first.table.loc[first.table["family"] == "F1", "seed"].eq(4).all()
    others = [compare(study, **options, seed=seed).table["p_adjusted"] for seed in (5, 6)]
    assert not all(first.table["p_adjusted"].equals(other) for other in others)


def test_maxt_never_exceeds_what_bonferroni_gives(trial):
    """On correlated analytes the permutation knows more than a bound."""
    study = trial(analytes=tuple("abcd"), n_treated=5, n_control=5, effect=-1.0)
    maxt = compare(study, **BASIC, between="welch", adjust="maxt").table
    family = maxt[maxt["family"] == "F1"]
    assert (family["p_adjusted"] <= 1).all()
    order = family.sort_values("p")
    assert (np.diff(order["p_adjusted"]) >= -1e-12).all()


def test_options_are_recorded(trial):
    options = compare(trial(n_treated=3, n_control=3), **BASIC, adjust="by").options.as_dict()
    assert options["adjust"] == "by"
    assert options["censor"] == "lod"
    assert set(options) >= {"between", "within", "seed", "draws", "alpha", "substitute"}


def test_progress_is_told_analyte_by_analyte(trial):
    told = []
    study = trial(n_treated=4, n_control=4, analytes=("IL-6", "TNF"))
    compare(study, **BASIC, progress=lambda *words: told.append(words))
    assert told == [("comparing", done, 2) for done in range(3)]
