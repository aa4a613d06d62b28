"""Planning by simulation, and the specification panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytokit.errors import UsageError
from cytokit.trial.compare import compare
from cytokit.trial.power import (
    NEEDED_COLUMNS,
    POWER_COLUMNS,
    Scenario,
    needed,
    power,
    scenario_of,
    simulate,
)
from cytokit.trial.sensitivity import sensitivity
from cytokit.trial.study import Study

BASIC = {"baseline": 0, "day": 6, "reference": "control"}


def students_power(n, effect, sd, df):
    se = sd * np.sqrt(2 / n)
    critical = stats.t.ppf(0.975, df)
    return stats.nct.sf(critical, df, effect / se) + stats.nct.cdf(-critical, df, effect / se)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_power_of_the_ancova_is_the_known_one(rho):
    """An ANCOVA is a t test on the residual spread sd * sqrt(1 - rho^2), one df fewer."""
    table = power(Scenario(1.0, rho), n=[12], fold_change=[np.e], simulations=1500, seed=2)
    expected = students_power(12, 1.0, np.sqrt(1 - rho**2), 21)
    assert list(table.columns) == list(POWER_COLUMNS)
    assert table["mc_low"][0] - 0.03 < expected < table["mc_high"][0] + 0.03


def test_more_subjects_and_larger_effects_have_more_power():
    table = power(Scenario(1.0), n=[6, 24], fold_change=[1.5, 3.0], simulations=150)
    by = table.set_index(["n_control", "fold_change"])["power"]
    assert by[6, 1.5] < by[24, 3.0]
    assert by[24, 1.5] < by[24, 3.0]
    strict = power(Scenario(1.0), n=[24], fold_change=[2.0], tests=20, simulations=150)
    plain = power(Scenario(1.0), n=[24], fold_change=[2.0], simulations=150)
    assert strict["power"][0] < plain["power"][0]


@pytest.mark.parametrize("between", ["welch", "ranks", "change"])
def test_every_analysis_can_be_planned(between):
    table = power(Scenario(1.0), n=[8], fold_change=[20.0], between=between, simulations=20)
    assert table["power"][0] == 1.0


def test_values_below_the_limit_cost_power():
    seen = power(Scenario(1.0), n=[15], fold_change=[0.4], simulations=100)
    hidden = power(Scenario(1.0, below=0.5), n=[15], fold_change=[0.4], simulations=100)
    assert hidden["power"][0] < seen["power"][0]
    lost = power(Scenario(1.0, below=0.97), n=[8], fold_change=[1.0], simulations=20)
    assert lost["not_analysed_pct"][0] > 90
    assert lost["power"][0] == 0


def test_values_above_the_limit_cost_power():
    free = power(Scenario(1.0), n=[15], fold_change=[2.5], simulations=100)
    hidden = power(Scenario(1.0, above=0.45), n=[15], fold_change=[2.5], simulations=100)
    assert hidden["power"][0] < free["power"][0] - 0.2
    both = Scenario(1.0, below=0.2, above=0.2)
    data = simulate(both, 40, 40, 1.0, np.random.default_rng(1))
    assert 8 <= data.day.below.sum() <= 24
    assert 8 <= data.day.above.sum() <= 24
    with pytest.raises(UsageError, match="CK-413: above"):
        Scenario(1.0, below=0.5, above=0.6)


def test_the_same_seed_gives_the_same_power():
    first, second = (
        power(Scenario(1.0), n=[6], fold_change=[2.0], simulations=40, seed=3) for _ in range(2)
    )
    assert first.equals(second)


def test_a_pilot_gives_the_scenario(trial):
    pilot = compare(trial(n_treated=150, n_control=150, correlation=0.6, sd=0.8), **BASIC)
    found = scenario_of(pilot, "IL-6")
    assert found.sd == pytest.approx(0.8, rel=0.12)
    assert found.correlation == pytest.approx(0.6, abs=0.12)
    assert found.below == 0
    small = compare(trial(n_treated=2, n_control=2), **BASIC)
    with pytest.raises(UsageError, match="CK-414: IL-6 has 4 values in range, 6"):
        scenario_of(small, "IL-6")
    with pytest.raises(UsageError, match="CK-403: the pilot study has no analyte 'IL6'") as error:
        scenario_of(small, "IL6")
    assert "did you mean 'IL-6'?" in str(error.value)


def test_values_out_of_range_do_not_shrink_the_pilots_spread(floored):
    pilot = compare(floored(0.4, n_treated=150, n_control=150, sd=0.8), **BASIC)
    found = scenario_of(pilot, "IL-6")
    assert found.sd == pytest.approx(0.8, rel=0.12)
    assert found.below == pytest.approx(0.4, abs=0.08)


@pytest.mark.parametrize(
    ("between", "share", "simulations"),
    [("ancova", 1 - 0.6**2, 1500), ("change", 2 - 2 * 0.6, 150), ("welch", 1.0, 150)],
)
def test_the_n_needed_is_the_textbooks(between, share, simulations):
    """The smallest n whose power by the noncentral t is enough."""
    found = needed(Scenario(1.0, 0.6), fold_change=[0.4], between=between, simulations=simulations)
    row = found.iloc[0]
    assert list(found.columns) == list(NEEDED_COLUMNS)
    lost = 3 if between == "ancova" else 2
    exact = next(
        n
        for n in range(3, 200)
        if students_power(n, np.log(0.4), np.sqrt(share), 2 * n - lost) >= 0.8
    )
    assert abs(row["n_control"] - exact) <= (2 if between == "ancova" else 0.25 * exact)
    assert row["n_treated"] == row["n_control"]
    assert row["power"] >= 0.8
    assert row["simulations"] == simulations
    assert row["reason"] == ""


def test_unequal_arms_and_more_tests_need_more():
    plain, more, strict = (
        needed(Scenario(1.0), fold_change=[0.3], simulations=300, **how).iloc[0]
        for how in ({}, {"allocation": 2.0}, {"tests": 20})
    )
    assert more["n_treated"] == 2 * more["n_control"]
    assert more["n_control"] < plain["n_control"] < strict["n_control"]
    assert more["n_treated"] + more["n_control"] > 2 * plain["n_control"]


def test_a_huge_effect_needs_few_and_a_small_one_more_than_there_are():
    found = needed(Scenario(0.5), fold_change=[1e6, 1.01], most=30, simulations=50)
    assert found["n_control"][0] <= 3
    assert found["n_control"].isna().tolist() == [False, True]
    assert found["reason"].tolist() == ["", "30 controls are too few"]
    assert found["power"][1] < 0.8


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"fold_change": [1.0]}, "fold_change=1 is no effect to find"),
        ({"fold_change": [-2.0]}, "fold_change=-2.0 makes no trial"),
        ({"target": 1.0}, "target=1.0 makes no trial"),
        ({"most": 1}, "most=1 makes no trial"),
        ({"alpha": 0.7}, "alpha=0.7 makes no trial"),
        ({"tests": 0}, "tests=0 makes no trial"),
    ],
)
def test_questions_no_n_answers(options, text):
    with pytest.raises(UsageError, match="CK-413") as error:
        needed(Scenario(1.0), **{"fold_change": [2.0], **options})
    assert text in str(error.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n": [1]}, "n=1 makes no trial"),
        ({"fold_change": [0]}, "fold_change=0 makes no trial"),
        ({"allocation": 0}, "allocation=0"),
        ({"alpha": 0.7}, "alpha=0.7"),
        ({"tests": 0}, "tests=0"),
        ({"simulations": 3}, "simulations=3"),
        ({"between": "ancvoa"}, "did you mean 'ancova'?"),
    ],
)
def test_numbers_that_make_no_trial(options, text):
    with pytest.raises(UsageError) as error:
        power(Scenario(1.0), **{"n": [5], "fold_change": [2.0], **options})
    assert text in str(error.value)


def test_scenarios_that_make_no_sense():
    with pytest.raises(UsageError) as error:
        Scenario(-1.0, correlation=1.5, below=1.0, ratio_of_spreads=0)
    assert [problem.code for problem in error.value.problems] == 4 * ["CK-413"]


# --- the specification panel ----------------------------------------------------------------------


def test_a_strong_effect_holds_whatever_is_done(floored):
    study = floored(0.15, n_treated=20, n_control=20, effect=-3.0, analytes=("IL-6",))
    panel = sensitivity(compare(study, **BASIC))
    held = panel.holds.iloc[0]
    assert held["verdict"] == "lower"
    assert held["specifications"] == len(panel.table) - 1 == 15
    assert (panel.table["same_as"] == "").all()
    assert held["holds_pct"] >= 90
    assert panel.table["main"].tolist() == [True] + [False] * 15
    assert held["ratio_min"] <= panel.table["ratio"].iloc[0] <= held["ratio_max"]
    assert "the main verdict holds in" in repr(panel)


MAIN_WAYS = (
    {},
    {"spread": "separate", "alpha": 0.1, "within": "signed-rank", "gate": False, "seed": 7},
    {"between": "welch", "strata": False, "censor": "lloq", "adjust": "none", "worse": "low"},
    {"substitute": "half", "versus": "all", "spread": "common", "adjust": "bh", "draws": 700},
)


@pytest.mark.parametrize("way", MAIN_WAYS)
def test_the_main_row_is_the_main_analysis(table, way, monkeypatch):
    """Its numbers are the table's, and no other row differs in an option it does not name."""
    frame = table(n_treated=24, n_control=8, analytes=("a", "b"), effect=-1.0)
    number = frame["subject"].str[1:].astype(int)
    frame["group"] = frame["group"].mask(number.mod(3).eq(1) & number.lt(24), "other")
    frame["stratum"] = np.where(number % 2, "old", "young")
    below = frame["value"] < frame["value"].quantile(0.15)
    frame["value"] = frame["value"].map(repr).mask(below, "<7")
    result = compare(Study(frame), **BASIC, **way)
    asked = []

    def spy(study, **options):
        asked.append(options)
        return compare(study, **options)

    monkeypatch.setattr("cytokit.trial.sensitivity.compare", spy)
    panel = sensitivity(result, analyses=("ancova", "ranks"), substitutes=("limit",))
    main = panel.table[panel.table["main"]].reset_index(drop=True)
    shared = [name for name in panel.table if name in result.table]
    pd.testing.assert_frame_equal(main[shared], result.between[shared].reset_index(drop=True))
    assert set(main["between"]) == {result.options.between}
    assert set(main["censor"]) == {result.options.censor}
    assert set(main["substitute"]) == {result.options.substitute}
    assert panel.alpha == result.options.alpha
    named = {"between", "censor", "substitute", "allow_confounded"}
    ours = {**result.options.as_dict(), "baseline": 0, "day": [6], "reference": "control"}
    assert len(asked) >= 3
    for options in asked:
        assert options.keys() == {*ours, "analytes"}
        assert {name for name in ours if options[name] != ours[name]} <= named


def test_other_readings_of_the_trial(table):
    frame = table(n_treated=10, n_control=10, effect=-2.0)
    result = compare(Study(frame), **BASIC)
    other = Study(frame.assign(value=frame["value"] ** 0.9))
    panel = sensitivity(result, studies={"MFI": other}, analyses=("ancova", "ranks"))
    assert panel.table["data"].tolist() == ["as analysed"] * 2 + ["MFI"] * 2
    wrong = Study(frame[frame["day"] == 0].assign(analyte="x"))
    with pytest.raises(UsageError) as error:
        sensitivity(result, studies={"wrong": wrong})
    assert "CK-412: the study 'wrong' has no day 6" in str(error.value)
    assert "has no analyte IL-6" in str(error.value)


def test_specifications_with_the_same_numbers_count_once(table):
    """What stands for values below a limit is no choice where nothing is below."""
    frame = table(n_treated=12, n_control=12, analytes=("IL-6", "TNFa"), seed=4)
    rows = frame["analyte"].eq("IL-6")
    limit = float(frame.loc[rows, "value"].quantile(0.2))
    texts = frame["value"].map(repr)
    texts[rows & (frame["value"] < limit)] = f"<{limit!r}"
    panel = sensitivity(compare(Study(frame.assign(value=texts)), **BASIC))
    of = panel.table.set_index("analyte")
    assert len(of.loc["TNFa"]) == len(of.loc["IL-6"]) == 16
    assert (of.loc["TNFa", "same_as"] != "").sum() == 12
    assert of.loc["TNFa", "same_as"].iloc[4] == "as analysed, lod, none, ancova"
    holds = panel.holds.set_index("analyte")
    assert holds.loc["TNFa", "specifications"] == 3
    assert holds.loc["IL-6", "specifications"] > 3


def test_policies_that_change_nothing_are_not_counted(trial):
    panel = sensitivity(compare(trial(), **BASIC))
    assert panel.table["between"].tolist() == ["ancova", "welch", "ranks", "change"]


def test_refitted_studies(monkeypatch):
    """The plates are fitted with the other model, the other robustness, and both."""
    from dataclasses import dataclass, field

    import cytokit.curves.platefit
    from cytokit.options import FitOptions
    from cytokit.trial.sensitivity import refitted_studies

    samples = pd.DataFrame(
        {
            "plate": "P",
            "sample": ["a", "b"],
            "well_type": "unknown",
            "analyte": "x",
            "dilution_factor": 1.0,
            "mfi": [10.0, 20.0],
            "concentration": [1.0, 2.0],
            "ci_low": np.nan,
            "ci_high": np.nan,
            "unit": "pg/mL",
            "status": "in_range",
            "limit_low": np.nan,
            "limit_high": np.nan,
        }
    )
    limits = {"plate": ["P"], "analyte": ["x"], "lod": [0.1], "lloq": [0.2], "uloq": [9.0]}
    limited = type("Curves", (), {"table": pd.DataFrame(limits)})()

    @dataclass
    class Fit:
        options: FitOptions = field(default_factory=FitOptions)
        plates: tuple = ()
        samples: pd.DataFrame = field(default_factory=lambda: samples)
        curves: object = limited
        exclusions: pd.DataFrame = field(default_factory=pd.DataFrame)

    asked = []

    def refit(plates, options, exclusions):
        asked.append((options.model, options.robust))
        return Fit(options)

    monkeypatch.setattr(cytokit.curves.platefit, "fit", refit)
    design = pd.DataFrame(
        {"sample": ["a", "b"], "subject": ["1", "2"], "group": ["t", "control"], "day": 6}
    )
    studies = refitted_studies(Fit(), design)
    assert list(studies) == ["4PL", "not robust", "4PL, not robust", "MFI"]
    assert asked == [("4pl", True), ("5pl", False), ("4pl", False)]
    assert studies["MFI"].values["value"].tolist() == [10.0, 20.0]
    with pytest.raises(UsageError, match="CK-415: the fits differ in model or robustness"):
        refitted_studies([Fit(), Fit(FitOptions(model="4pl"))], design)
