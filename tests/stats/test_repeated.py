"""The mixed model of all days: its covariance by the design, and days that are set aside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import UsageError
from cytokit.trial.compare import compare
from cytokit.trial.mixed import METHODS, blocks_of, covariance_of, mixed_model, visits_of
from cytokit.trial.study import Study

BASIC = {"baseline": 0, "day": 6, "reference": "control"}
SERIAL = 0.9


def mixed_row(frame: pd.DataFrame, **options: object) -> pd.Series:
    """The row of the mixed model as the primary analysis."""
    asked = {**BASIC, "between": "mixed", **options}
    return compare(Study(frame), **asked).between.iloc[0]  # type: ignore[arg-type]


def below(frame: pd.DataFrame, subjects: list[str], *days: int) -> pd.DataFrame:
    """The same with some subjects' values of some days out of range."""
    where = frame["subject"].isin(subjects) & frame["day"].isin(days)
    return frame.assign(value=frame["value"].map(repr).mask(where, "<0.01"))


def over_days(
    rng: np.random.Generator, n: int = 24, days: int = 21, lost: float = 0.05
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Values whose correlation fades with the days between; every second subject is treated."""
    apart = np.abs(np.subtract.outer(np.arange(days), np.arange(days)))
    y = rng.normal(size=(n, days)) @ np.linalg.cholesky(SERIAL**apart).T
    who, when = np.nonzero(rng.uniform(size=y.shape) >= lost)
    means = (when[:, None] == np.arange(days)).astype(float)
    return y[who, when], who, when, np.column_stack((means, means[:, 1:] * (who % 2)[:, None]))


def of_last_day(columns: int) -> np.ndarray:
    """The contrast of the group effect at the last day."""
    return np.eye(columns)[-1]


# --- which covariance -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "subjects", "expected"),
    [
        (3, 6, "unstructured"),
        (4, 19, "compound"),
        (4, 20, "unstructured"),
        (5, 24, "compound"),
        (5, 30, "unstructured"),
        (21, 24, "compound"),
    ],
)
def test_the_covariance_is_chosen_by_days_and_subjects(days, subjects, expected):
    assert covariance_of(days, subjects) == expected


def test_many_days_have_a_structured_covariance_and_the_row_says_so(table):
    frame = table(days=tuple(range(21)), effect=-1.5)
    row = mixed_row(frame[frame.index % 19 != 0])
    assert row["method"] == METHODS["compound"] == "mixed model (compound symmetry)"
    assert row["p"] < 0.01
    assert "other_method" not in row["flags"]


def test_the_components_of_the_structured_covariance_do_not_grow_with_the_days():
    y, who, when, design = over_days(np.random.default_rng(1))
    pattern = visits_of(when, who, "compound", [0, 20])
    assert pattern is not None
    blocks = blocks_of(y, design, who, pattern)
    assert {len(block.G) for block in blocks} == {7}
    fit = mixed_model(
        y, who, design, of_last_day(41), visit=when, covariance="compound", alone=[0, 20]
    )
    assert fit.components.shape == (7,)
    assert fit.converged


def test_with_one_other_day_both_covariances_are_the_same_matrix():
    y, who, when, design = over_days(np.random.default_rng(2), days=3, lost=0.15)
    asked = {"visit": when, "covariance": "compound", "alone": [0, 2]}
    free = mixed_model(y, who, design, of_last_day(5), visit=when, covariance="unstructured")
    compound = mixed_model(y, who, design, of_last_day(5), **asked)
    assert (compound.estimate, compound.se, compound.df) == pytest.approx(
        (free.estimate, free.se, free.df), rel=1e-6
    )


@pytest.mark.parametrize("days", [4, 8, 21])
def test_with_all_values_there_the_structure_of_other_days_is_without_effect(days):
    """Estimate, standard error and degrees of freedom are those of the two days alone."""
    y, who, when, design = over_days(np.random.default_rng(days), days=days, lost=0.0)
    columns = design.shape[1]
    whole = mixed_model(
        y,
        who,
        design,
        of_last_day(columns),
        visit=when,
        covariance="compound",
        alone=[0, days - 1],
    )
    two = np.isin(when, [0, days - 1])
    kept = design[two][:, [0, days - 1, columns - 1]]
    alone = mixed_model(
        y[two], who[two], kept, [0, 0, 1], visit=when[two], covariance="unstructured"
    )
    assert whole.estimate == pytest.approx(alone.estimate, rel=1e-6)
    assert (whole.se, whole.df) == pytest.approx((alone.se, alone.df), rel=1e-5)


def test_a_day_alone_that_has_no_values_is_refused():
    y, who, when, design = over_days(np.random.default_rng(3), days=4)
    with pytest.raises(UsageError, match="CK-421: no value was measured at 9, which is to stand"):
        mixed_model(y, who, design, of_last_day(7), visit=when, covariance="compound", alone=[0, 9])


def test_other_days_of_which_each_subject_has_one_have_no_covariance(table):
    """Half the subjects were seen at day 2, the other half at day 4."""
    frame = table(days=(0, 2, 4, 6), effect=-1.0)
    late = frame["subject"].str[1:].astype(int) % 2 == 1
    frame = frame[~(frame["day"].eq(2) & late) & ~(frame["day"].eq(4) & ~late)]
    row = mixed_row(frame)
    assert row["method"] == METHODS["compound"]
    assert f"other_method: {METHODS['compound']}: a covariance was never measured" in row["flags"]
    between = compare(Study(frame), **BASIC).between.iloc[0]
    assert row["ratio"] == pytest.approx(between["ratio"], rel=1e-5)


@pytest.mark.slow
def test_the_level_holds_with_the_structured_covariance_and_not_with_a_random_intercept():
    rng = np.random.default_rng(5)
    runs, rejected = 300, {"compound": 0, "intercept": 0}
    for _ in range(runs):
        y, who, when, design = over_days(rng, lost=0.1)
        last = of_last_day(design.shape[1])
        fits = {
            "compound": mixed_model(
                y, who, design, last, visit=when, covariance="compound", alone=[0, 20]
            ),
            "intercept": mixed_model(y, who, design, last),
        }
        assert all(fit.converged for fit in fits.values())
        for name, fit in fits.items():
            rejected[name] += fit.p < 0.05
    error = np.sqrt(0.05 * 0.95 / runs)
    assert 0.035 - 2 * error < rejected["compound"] / runs < 0.06 + 2 * error
    assert rejected["intercept"] / runs > 0.06 + 2 * error


# --- days that are not compared -------------------------------------------------------------------


@pytest.mark.parametrize("share", [1, 7])
def test_a_value_out_of_range_on_a_day_not_compared_sets_the_day_aside(table, share):
    frame = table(days=(0, 2, 4, 6), effect=-1.0)
    hit = below(frame, [f"S{at:02d}" for at in range(share)], 4)
    row, without = mixed_row(hit), mixed_row(frame[frame["day"].ne(4)])
    many = f"{share} value{'s' * (share > 1)} out of range"
    assert f"day_set_aside: day 4 ({many})" in row["flags"]
    assert (row["ratio"], row["p"]) == pytest.approx((without["ratio"], without["p"]), rel=1e-12)
    assert row["n_treated"] == 12
    methods = compare(Study(hit), **BASIC).methods
    assert "left out of the model of their analyte (1 of 1; the rows' flags name them)" in methods
    assert "left out of the model" not in compare(Study(frame), **BASIC).methods


def test_all_days_that_are_not_compared_can_be_set_aside(table):
    frame = table(days=(0, 2, 4, 6), effect=-1.0)
    row = mixed_row(below(frame, ["S03"], 2, 4))
    said = "day_set_aside: day 2 (1 value out of range), day 4 (1 value out of range)"
    assert said in row["flags"]
    between = compare(Study(frame[frame["day"].isin([0, 6])]), **BASIC).between.iloc[0]
    assert row["ratio"] == pytest.approx(between["ratio"], rel=1e-6)


@pytest.mark.parametrize("day", [0, 6])
def test_a_value_out_of_range_on_a_compared_day_refuses_the_analyte(table, day):
    row = mixed_row(below(table(days=(0, 2, 6)), ["S03"], day, 2))
    assert np.isnan(row["p"])
    assert row["flags"].startswith(
        "not_analysed: 1 value out of range at baseline or the tested day"
    )


def test_a_day_on_which_one_group_alone_was_measured_refuses_nothing(table):
    frame = table(days=(0, 3, 6), effect=-1.0)
    row = mixed_row(frame[~(frame["day"].eq(3) & frame["group"].eq("treated"))])
    assert row["p"] < 0.05


# --- left out -------------------------------------------------------------------------------------


def test_the_mixed_model_is_left_out_and_nothing_else(table):
    study = Study(table(days=(0, 3, 6), effect=-1.0))
    whole, without = compare(study, **BASIC), compare(study, **BASIC, mixed=False)
    rows = whole.table[whole.table["contrast"].ne("mixed_model")].reset_index(drop=True)
    assert len(rows) == len(whole.table) - 1
    pd.testing.assert_frame_equal(rows, without.table)


def test_a_mixed_model_that_is_left_out_is_no_primary_analysis(trial):
    with pytest.raises(UsageError, match="CK-422: between='mixed' and mixed=False contradict"):
        compare(trial(days=(0, 3, 6)), **BASIC, between="mixed", mixed=False)
