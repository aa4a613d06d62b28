"""The methods paragraph says what was done, by which test and how often."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cytokit.trial.compare import compare
from cytokit.trial.methods_text import with_sensitivity
from cytokit.trial.sensitivity import sensitivity
from cytokit.trial.study import Study

BASIC = {"baseline": 0, "day": 6, "reference": "control"}
UNSTRUCTURED = "mixed model (unstructured)"
TOBIT = "a Tobit model was fitted"


@pytest.fixture
def hidden(floored):
    """Three analytes of 12 v 12; one in five values below the limit."""
    return floored(0.2, analytes=("a", "b", "c"), decline=-0.5)


def test_changes_within_groups_are_counted_by_method(hidden):
    made = compare(hidden, **BASIC)
    rows = made.table[made.table["contrast"].str.startswith("within")]
    counts = rows["method"].value_counts()
    assert counts["bivariate Tobit"] >= 2
    assert f"(likelihood ratio tests and intervals) ({counts['bivariate Tobit']})" in made.methods
    assert "paired t tests" not in made.methods
    ranked = compare(hidden, **BASIC, within="signed-rank")
    assert "known (6) (number of tests in brackets)." in ranked.methods
    assert "signed-rank tests" not in ranked.methods


def test_what_was_not_analysed_is_counted(floored):
    made = compare(floored(0.9), **BASIC)
    out = "of the values out of range (IL-6)"
    assert f"At day 6 the groups were not compared: 88 % {out}." in made.methods
    assert f"within each group was not tested: 92 % {out}; 100 % {out}." in made.methods
    assert "confidence intervals." not in made.methods.split("Out of range")[0]


@pytest.mark.parametrize(
    ("between", "rule"),
    [
        ("ancova", "with up to 50 % such values and at least 2 in range in each group a Tobit"),
        ("welch", "with up to 50 % such values and at least 2 in range in each group a Tobit"),
        ("ranks", "with up to 80 % such values ranks and the share of detectable values"),
        ("brunner-munzel", "with up to 80 % such values ranks and the share of detectable values"),
        ("change", "both days were modelled together, with more the change was not compared"),
    ],
)
def test_the_rule_for_values_out_of_range_is_that_of_the_analysis(hidden, between, rule):
    made = compare(hidden, **BASIC, between=between, draws=500)
    assert rule in made.methods
    assert (TOBIT in made.methods) == (between in ("ancova", "welch"))


def test_a_mixed_model_takes_no_value_out_of_range(floored):
    made = compare(floored(0.2, days=(0, 3, 6)), **BASIC, between="mixed")
    assert (
        "an analyte with any at baseline or the tested day was not compared by it" in made.methods
    )
    assert "At day 6 the groups were not compared: " in made.methods
    assert TOBIT not in made.methods


def test_max_t_says_how_values_out_of_range_entered(hidden, trial):
    said = "Values out of range entered by Gehan scores"
    asked = {**BASIC, "adjust": "maxt", "draws": 300}
    assert said in compare(hidden, **asked).methods
    assert said not in compare(hidden, **asked, substitute="limit").methods
    assert said not in compare(trial(), **asked).methods


# --- a sentence for each option, and none elsewhere -----------------------------------------------


def plain(table):
    return table()


def four_days(table):
    return table(days=(0, 3, 6))


def in_strata(table):
    frame = table()
    odd = frame["subject"].str[1:].astype(int).mod(2)
    return frame.assign(stratum=np.where(odd, "old", "young"))


def with_deaths(table):
    frame = table(effect=-2.0)
    died = frame["subject"].isin(["S01", "S13", "S15"]) & frame["day"].eq(6)
    return frame.assign(
        status=np.where(died, "died", "sampled"), value=frame["value"].map(repr).mask(died, "")
    )


def some_without_baseline(table):
    frame = table()
    lost = frame["subject"].isin(["S02", "S14"]) & frame["day"].eq(0)
    return frame[~lost]


def three_groups(table):
    frame = table(n_treated=18, n_control=9)
    late = frame["subject"].between("S09", "S17")
    return frame.assign(group=frame["group"].mask(late, "other"))


def one_group(table):
    return table(n_control=0)


def uneven(table):
    return table(n_treated=12, n_control=6)


def two_analytes(table):
    return table(analytes=("IL-6", "TNF"))


GEOMETRIC = "The estimand is the ratio of geometric means among subjects with a sample."
SENTENCES = {
    "geometric": GEOMETRIC,
    "of changes": "The estimand is the ratio of the groups' geometric mean changes from baseline",
    "hodges-lehmann": "The estimand is Hodges and Lehmann's ratio",
    "superiority": "The estimand is the probability that a subject of the one group has a higher",
    "missing at random": "taken to be missing at random given the other days",
    "one group": "The estimand is the ratio of geometric means of day over baseline",
    "mixed beside": "A mixed model of all days stands beside; it has a mean per day",
    "mixed": "The mixed model has a mean per day",
    "constraint": "where the groups are taken to have one mean (constrained longitudinal data",
    "covariance": "covariance over the days without structure",
    "df": "tested with Kenward and Roger's degrees of freedom",
    "no mixed": "A mixed model of all days was left out, as was asked for.",
    "strata": "Groups were compared within the design's strata (old, young)",
    "no strata": "The design's strata (old, young) were not used, as was asked for.",
    "worst rank": "a worst-rank composite, which ranks every death above every value (high values",
    "worst is low": "which ranks every death below every value (low values being the worse)",
    "tipping": "Its Monte Carlo standard error, over 10 other seeds, is at most",
    "both shifted": "are multiplied by its inverse where both groups have deaths",
    "no baseline": "No baseline was given: the groups were compared at day 6 alone.",
    "left out": "left out subjects without a baseline value (2 in 1 of 1 comparisons)",
    "over one": "ratios are over control",
    "pairs": "each pair with the data of its two groups alone; ratios are treated over control, "
    "other over control",
    "all pairs": "ratios are treated over other, treated over control, other over control",
    "no interval": "could not be carried on: the values state no interval.",
    "one spread": "with one residual variance, as asked for",
    "two spreads": "Satterthwaite's degrees of freedom, as asked for",
    "spread by design": "degrees of freedom as the groups differ in size",
    "whole family": "2 analytes were measured, of which 1 (TNF) were chosen to be shown; all were",
    "small family": "2 analytes were measured, of which 1 (TNF) were chosen and compared",
    "gate": "carry stars only where the groups differed after adjustment",
    "no gate": "carry stars whether or not the groups differed",
    "change beside": "Exact rank-sum tests, tests of the difference in change and effect sizes",
    "signed-rank": "Wilcoxon signed-rank tests of the log ratios, with the paired ratio",
}
USUAL = {"geometric", "over one", "gate", "change beside"}
MIXED = {"constraint", "covariance", "df"}
VARIANTS = [
    (plain, {}, USUAL),
    (plain, {"between": "welch"}, USUAL),
    (plain, {"between": "change"}, USUAL - {"geometric", "change beside"} | {"of changes"}),
    (plain, {"between": "ranks"}, USUAL - {"geometric"} | {"hodges-lehmann"}),
    (plain, {"between": "brunner-munzel"}, USUAL - {"geometric"} | {"superiority"}),
    (plain, {"within": "signed-rank"}, USUAL | {"signed-rank"}),
    (plain, {"gate": False}, USUAL - {"gate"} | {"no gate"}),
    (plain, {"propagate": True}, USUAL | {"no interval"}),
    (plain, {"spread": "common"}, USUAL | {"one spread"}),
    (plain, {"spread": "separate"}, USUAL | {"two spreads"}),
    (uneven, {}, USUAL | {"spread by design"}),
    (plain, {"baseline": None}, {"geometric", "over one", "no baseline"}),
    (some_without_baseline, {}, USUAL | {"left out"}),
    (some_without_baseline, {"between": "welch"}, USUAL),
    (four_days, {}, USUAL | MIXED | {"mixed beside"}),
    (
        four_days,
        {"between": "mixed"},
        USUAL - {"geometric"} | MIXED | {"mixed", "missing at random"},
    ),
    (four_days, {"mixed": False}, USUAL | {"no mixed"}),
    (four_days, {"mixed": False, "baseline": None}, {"geometric", "over one", "no baseline"}),
    (plain, {"mixed": False}, USUAL),
    (in_strata, {}, USUAL - {"change beside"} | {"strata"}),
    (in_strata, {"strata": False}, USUAL | {"no strata"}),
    (with_deaths, {}, USUAL | {"worst rank", "tipping", "both shifted"}),
    (with_deaths, {"worse": "low"}, USUAL | {"worst is low", "tipping", "both shifted"}),
    (three_groups, {}, USUAL - {"over one"} | {"pairs"}),
    (three_groups, {"versus": "all"}, USUAL - {"over one"} | {"all pairs"}),
    (one_group, {"reference": None}, {"one group"}),
    (two_analytes, {"analytes": ["TNF"]}, USUAL | {"whole family"}),
    (two_analytes, {"analytes": ["TNF"], "family_of_these": True}, USUAL | {"small family"}),
]


@pytest.mark.parametrize(("made", "options", "expected"), VARIANTS)
def test_methods_say_what_was_done_and_only_that(table, made, options, expected):
    text = compare(Study(made(table)), **{**BASIC, "draws": 500, **options}).methods
    assert {name for name, words in SENTENCES.items() if words in text} == expected


def test_every_sentence_is_said_somewhere():
    assert set(SENTENCES) == set().union(*(expected for *_, expected in VARIANTS))


def test_methods_say_whose_p_the_imputations_give(table):
    """Rank tests stand on the measured values, and so does maxT."""
    frame = table().assign(lod=0.01)
    study = Study(frame)
    values = study.values.assign(
        ci_low=study.values["value"] / 1.3, ci_high=study.values["value"] * 1.3
    )
    object.__setattr__(study, "values", values)
    made = compare(study, **BASIC, propagate=True, adjust="maxt", draws=300)
    done = int(made.table["flags"].str.contains("propagated: the assay adds").sum())
    assert done == 4
    said = f"ratio, interval and p of {done} comparisons are those of the imputations, while rank"
    assert said in made.methods
    assert "effect sizes and maxT stand on the measured values" in made.methods
    ranked = compare(study, **BASIC, propagate=True, between="ranks").methods
    assert "rank tests, also where they are the main test, and effect sizes stand" in ranked


def test_the_covariances_of_the_mixed_model_are_counted_with_the_reason(monkeypatch, table):
    """Where the covariance without structure cannot be estimated, methods says in how many."""
    from cytokit.trial import mixed

    whole = mixed.mixed_model
    turns = iter((True, False))

    def refusing(*words, covariance, **more):
        found = whole(*words, covariance=covariance, **more)
        if covariance == "unstructured" and next(turns):
            return dataclasses.replace(found, converged=False, reason="not today")
        return found

    monkeypatch.setattr(mixed, "mixed_model", refusing)
    frame = table(days=(0, 2, 4, 6), analytes=("IL-6", "TNF"))
    made = compare(Study(frame), **BASIC, between="mixed")
    rows = made.between.set_index("analyte")
    assert rows["method"].tolist() == ["mixed model (compound symmetry)", UNSTRUCTURED]
    assert "other_method: mixed model (compound symmetry): not today" in rows["flags"]["IL-6"]
    assert (
        "without structure (1 of 2) or free for the baseline and the tested day and compound "
        "symmetric (Votaw) for the others (1 of 2), as a matrix without structure could not be "
        "estimated in 1;"
    ) in made.methods


def test_methods_say_why_the_covariance_has_a_structure(trial):
    made = compare(trial(days=(0, 1, 2, 3, 6)), **BASIC, between="mixed")
    assert (
        "a covariance over the days free for the baseline and the tested day and compound "
        "symmetric (Votaw) for the others, as there are fewer than 2 subjects for each variance "
        "and covariance of a matrix without structure;"
    ) in made.methods


def test_a_panel_has_its_own_section(trial, tmp_path):
    result = compare(trial(n_treated=6, n_control=6), **BASIC)
    assert "Sensitivity analyses" not in result.methods
    panel = sensitivity(result)
    text = with_sensitivity(result.methods, panel)
    assert "repeated under 3 other specifications per analyte (analyses: ancova, welch" in text
    assert "every other option as in the main analysis" in text
    assert text.index("## Sensitivity") < text.index("## What these data do not allow")
    result.write(tmp_path / "made", sensitivity=panel)
    assert (tmp_path / "made/methods.md").read_text() == text
    assert "No claim rests on them." in (tmp_path / "made/report.html").read_text()
