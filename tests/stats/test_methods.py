"""The methods paragraph says what was done, by which test and how often."""

from __future__ import annotations

import pytest

from cytokit.stats import compare

BASIC = {"baseline": 0, "day": 6, "reference": "control"}
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
    assert "was tested by no test (number of tests in brackets); 2 not analysed (IL-6)" in (
        made.methods
    )


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
    assert "an analyte with any on the days of the model was not compared by it" in made.methods
    assert "compared by no test (number of tests in brackets); 1 not analysed" in made.methods
    assert TOBIT not in made.methods


def test_max_t_says_how_values_out_of_range_entered(hidden, trial):
    said = "Values out of range entered by Gehan scores"
    asked = {**BASIC, "adjust": "maxt", "draws": 300}
    assert said in compare(hidden, **asked).methods
    assert said not in compare(hidden, **asked, substitute="limit").methods
    assert said not in compare(trial(), **asked).methods
