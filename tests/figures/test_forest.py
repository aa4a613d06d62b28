"""The forest says the table's ratios, intervals, stars and p."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from cytokit.errors import NothingToDoError, UsageError
from cytokit.figures.forest import axis_words, forest, forest_pages, forest_rows
from cytokit.figures.style import axes_at, new_figure


def test_a_row_per_analyte_with_the_tables_numbers(trial, texts):
    figure = forest(trial)
    said = texts(figure)
    rows = trial.table[trial.table["contrast"].str.startswith("between")]
    for _, row in rows.iterrows():
        assert row["analyte"] in said
        both = f"{row['stars']} {row['label']}"
        assert both in said
        assert f"{row['ratio']:.2f} ({row['ratio_low']:.2f}–{row['ratio_high']:.2f})" in said
    assert any("treated / control" in text for text in said)
    assert any("Holm (family of 6 tests)" in text for text in said)


def test_the_columns_are_named_by_what_was_asked_for(trial, texts):
    said = texts(forest(trial))
    assert "ratio (95 % CI)" in said
    assert "adjusted p" in said
    asked = SimpleNamespace(gate=True, alpha=0.1, adjust="none", between="ancova")
    said = texts(forest(dataclasses.replace(trial, options=asked)))
    assert "ratio (90 % CI)" in said
    assert "unadjusted p" in said
    assert "adjusted p" not in said


def test_points_stand_on_their_ratios(trial):
    figure = new_figure("double", 60)
    ax = forest_rows(trial, axes_at(figure, 25, 6, 90, 40))
    rows = trial.table[trial.table["contrast"].str.startswith("between")]
    drawn = [tuple(c.get_offsets()[0]) for c in ax.collections if len(c.get_offsets()) == 1
             and type(c).__name__ == "PathCollection"]  # fmt: skip
    assert [x for x, _ in drawn] == pytest.approx(list(rows["ratio"]))
    assert [y for _, y in drawn] == list(range(len(rows)))


def test_rows_without_a_ratio_say_so(comparison, texts):
    said = texts(forest(comparison(analytes=("A", "B"), p=(float("nan"), 0.2))))
    assert "–" in said
    assert "not analysed" in said


def test_intervals_beyond_the_axis_end_in_arrows(comparison):
    made = comparison(analytes=("A", "B"))
    made.table.loc[0, "ratio_high"] = 1e9
    figure = forest(made)
    arrows = [line for line in figure.axes[0].lines if line.get_marker() == ">"]
    assert len(arrows) == 1
    assert np.isfinite(figure.axes[0].get_xlim()).all()


def test_several_groups_name_their_pair(comparison, texts):
    said = texts(forest(comparison(analytes=("A",), groups=("placebo", "low", "high"))))
    assert {"A, low / placebo", "A, high / placebo"} <= set(said)


def test_fifty_analytes_fill_pages_evenly(comparison):
    pages = forest_pages(comparison(analytes=[f"A{i:02d}" for i in range(50)], subjects=1))
    assert [len(page.axes[0].get_yticks()) for page in pages] == [25, 25]


@pytest.mark.parametrize(("width", "label"), [("single", "both"), ("double", "p")])
def test_forests_are_well_set(comparison, well_set, width, label):
    names = ("IFN-γ", "a protein with a very long name that no margin could ever hold", "$x$")
    groups = ("standard of care, no infusion at all", "umbilical cord stromal cells, 100±20")
    made = comparison(analytes=names, groups=groups, p=(float("nan"), 0.0001, 0.2))
    well_set(forest(made, width=width, label=label))


def test_errors_name_what_is_wrong(trial, comparison):
    with pytest.raises(UsageError, match=r"CK-523: the comparison has no analyte 'TNF'"):
        forest(trial, analytes=["TNF"])
    with pytest.raises(UsageError, match=r"CK-524: unknown label 'q'"):
        forest(trial, label="q")
    with pytest.raises(UsageError, match=r"CK-521: unknown figure width"):
        forest(trial, width="wide")
    with pytest.raises(NothingToDoError, match=r"CK-525: no groups were compared"):
        forest(comparison(groups=("control",)))


@pytest.mark.parametrize(
    ("between", "baseline", "words"),
    [
        ("ancova", 0, "Ratio of geometric means, adjusted for the baseline, treated / control"),
        ("ancova", None, "Ratio of geometric means, treated / control"),
        ("welch", 0, "Ratio of geometric means, treated / control"),
        ("ranks", 0, "Hodges-Lehmann ratio, treated / control"),
        ("brunner-munzel", 0, "Hodges-Lehmann ratio, treated / control"),
        (
            "change",
            0,
            "Ratio of the changes from the baseline (geometric means), treated /",
        ),
        ("mixed", 0, "Ratio of geometric means of the mixed model, common baseline, treated /"),
    ],
)
def test_the_axis_names_the_estimate(comparison, between, baseline, words):
    made = comparison()
    options = SimpleNamespace(**{**vars(made.options), "between": between})
    assert axis_words(dataclasses.replace(made, options=options, baseline=baseline)).startswith(
        words
    )
