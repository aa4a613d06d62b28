"""Panels say what the table says, and nothing is missing from them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import NothingToDoError, UsageError
from cytokit.figures.companions import _columns as course_columns
from cytokit.figures.panels import _grid, draw_deaths, panel, panel_pages, panels
from cytokit.figures.style import axes_at, new_figure
from cytokit.figures.view import columns_of, deaths_of, last_days, points_of

NAN = float("nan")


def draw(result, analyte, **how):
    figure = new_figure("single", 70)
    return panel(result, analyte, axes_at(figure, 12, 6, 70, 45), **how)


def test_brackets_carry_the_tables_stars(trial, texts):
    for analyte in ("IFNg", "IL-6", "TNFa"):
        rows = trial.table[trial.table["analyte"] == analyte]
        shown = rows[rows["contrast"].str.startswith(("between", "within"))]
        stars = [mark or "–" for mark in shown["stars"]]
        found = [text for text in texts(draw(trial, analyte)) if text in {"ns", "–"} or "*" in text]
        assert sorted(found) == sorted(stars)


def test_brackets_carry_the_tables_p(trial, texts):
    rows = trial.table[trial.table["analyte"] == "IL-6"]
    shown = rows[rows["contrast"].str.startswith(("between", "within"))]
    found = [text for text in texts(draw(trial, "IL-6", label="p")) if text.startswith("p ")]
    assert sorted(found) == sorted(shown["label"])
    both = [text for text in texts(draw(trial, "IL-6", label="both")) if " p " in text]
    assert sorted(both) == sorted(shown["stars"].replace("", "–") + " " + shown["label"])


def test_the_figure_reads_p_from_the_table_alone(trial, texts):
    table = trial.table.assign(stars="‡‡", label="p = 0.4242")
    odd = type(trial)(**{**vars(trial), "table": table.assign(flags="")})
    assert texts(draw(odd, "IL-6")).count("‡‡") == 3
    assert texts(draw(odd, "IL-6", label="p")).count("p = 0.4242") == 3


def test_columns_n_and_deaths(trial, texts):
    said = texts(draw(trial, "IFNg"))
    assert said.count("12") == 2
    assert said.count("10") == 2, "two of twelve died in either group"
    assert said.count("2") == 2
    assert {"n", "†", "D0", "D6", "control", "treated", "IFNg", " (pg/mL)"} <= set(said)


def test_reference_comes_first(comparison):
    made = comparison(groups=("zz control", "a treated"))
    assert [column.group for column in columns_of(made)] == ["zz control"] * 2 + ["a treated"] * 2


def test_no_reading_is_lost(trial):
    columns = columns_of(trial)
    for analyte in ("IFNg", "IL-6", "TNFa"):
        values = trial.study.values
        rows = values[(values["analyte"] == analyte) & (values["state"] != "missing")]
        points = points_of(trial, analyte, columns)
        assert len(points) == len(rows)
        assert points["kind"].value_counts().to_dict() == rows["state"].value_counts().to_dict()
        ax = draw(trial, analyte, summary="gm")
        drawn = sum(len(c.get_offsets()) for c in ax.collections if hasattr(c, "get_offsets"))
        crosses = 4
        lines_have_none = [c for c in ax.collections if type(c).__name__ == "LineCollection"]
        drawn -= sum(len(c.get_offsets()) for c in lines_have_none)
        assert drawn - crosses == len(rows)


def test_jitter_is_the_subjects_own(trial):
    columns = columns_of(trial)
    points = points_of(trial, "IFNg", columns)
    points["shift"] = points["x"] - [columns[i].x for i in points["column"]]
    spread = points.groupby("subject")["shift"].agg(lambda shift: shift.max() - shift.min())
    assert spread.max() < 1e-9
    assert points["shift"].abs().max() < 0.2
    again = points_of(trial, "IFNg", columns)
    pd.testing.assert_frame_equal(points.drop(columns="shift"), again)


def test_values_beyond_a_limit_stand_on_it(trial):
    points = points_of(trial, "IL-6", columns_of(trial))
    assert (points.loc[points["kind"] == "below", "y"] == 60.0).all()
    points = points_of(trial, "TNFa", columns_of(trial))
    assert (points.loc[points["kind"] == "above", "y"] == 1500.0).all()


def test_values_without_a_place_on_a_log_axis_are_drawn_and_counted(comparison, texts):
    made = comparison(analytes=("A",))
    made.study.values.loc[0, "value"] = 0.0
    ax = draw(made, "A")
    assert ax.get_ylim()[0] > 0
    (page,) = panel_pages(made)
    assert "Readings of 0 or less stand at the foot of the axis: 1." in " ".join(texts(page))


def test_interval_readings_are_strokes(comparison, texts):
    made = comparison(analytes=("A",))
    made.study.values.loc[0, ["value", "lower", "upper", "state"]] = [NAN, 5.0, 9.0, "interval"]
    (page,) = panel_pages(made)
    assert "lie in this interval" in " ".join(texts(page))


@pytest.mark.parametrize(
    ("style", "gate"), [("trial", True), ("lanzoni", False), ("lanzoni", True)]
)
def test_footer_says_test_adjustment_family_gate_and_guard(comparison, texts, style, gate):
    guard = ("IL-6: within the groups the verdicts differ, but the groups do not.",)
    page = panels(comparison(guard=guard, gate=gate), style=style, analytes=["IL-6"])
    said = " ".join(texts(page)).replace("\N{NO-BREAK SPACE}", " ")
    assert "Between groups at D6: ANCOVA; p adjusted by Holm (family of 6 tests)." in said
    assert "Within groups, D0 to D6: paired t" in said
    assert "n: subjects with a reading" in said
    assert "the verdicts differ, but the groups do not" in said
    assert ("where the groups differ after adjustment" in said) is gate
    assert ("unlike this style" in said) is (gate and style == "lanzoni")
    assert ("not conditional" in said) is not gate


def test_one_group_alone_has_no_gate_to_speak_of(comparison, texts):
    page = panels(comparison(groups=("control",), analytes=("A",)))
    assert page.get_size_inches()[0] * 25.4 == pytest.approx(89), "one panel, one column"
    assert not any("Stars within" in text for text in texts(page))


def test_guard_stands_on_the_page_of_its_analyte(comparison, texts):
    names = [f"A{i:02d}" for i in range(9)]
    guard = ("A00: on the first page.", "A08: on the last page.", "A general sentence.")
    pages = panel_pages(comparison(analytes=names, guard=guard, subjects=1), width="single")
    said = [" ".join(texts(page)) for page in pages]
    assert len(pages) == 2
    assert ["first page" in text for text in said] == [True, False]
    assert ["last page" in text for text in said] == [False, True]
    assert all("A general sentence." in text for text in said)


@pytest.mark.parametrize(
    "count", [1, 4, 6, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 7, 12, 13, 27, 50))]
)
def test_every_analyte_has_its_panel(comparison, count):
    names = [f"A{i:02d}" for i in range(count)]
    made = comparison(analytes=names, subjects=2)
    pages = panel_pages(made, width="double")
    titles = [ax.get_title(loc="left") for page in pages for ax in page.axes]
    assert titles == names
    for page in pages:
        width, height = page.get_size_inches() * 25.4
        assert width == pytest.approx(183)
        assert height <= 247
    if count == 6:
        tops = {round(ax.get_position().y1, 6) for ax in pages[0].axes}
        assert len(tops) == 2, "six analytes stand in 2 x 3"


def test_a_grid_for_any_number_of_analytes(comparison):
    made = comparison(analytes=["A"], subjects=1)
    for count in range(1, 51):
        grid = _grid(made, [f"A{i:02d}" for i in range(count)], 183.0, 12.0, "stars")
        rows = -(-grid.per_page // grid.columns)
        assert rows * grid.height + 12.0 <= 225
        assert grid.width >= 40, "a panel keeps a readable width"
        pages = -(-count // grid.per_page)
        assert (pages - 1) * grid.per_page < count
        assert pages <= 5


@pytest.mark.parametrize("summary", ["box", "gm", "bar"])
def test_each_summary_is_well_set(trial, well_set, texts, summary):
    page = panels(trial, summary=summary, analytes=["IL-6"], width="single")
    well_set(page)
    word = {"box": "Box: median", "gm": "Stroke: geometric mean with its 95 %", "bar": "Bar: geo"}
    assert any(word[summary] in text.replace("\N{NO-BREAK SPACE}", " ") for text in texts(page))


def test_no_interval_is_claimed_where_the_summary_has_none(trial, texts):
    summary = trial.summary.drop(columns=["gm_low", "gm_high"])
    bare = type(trial)(**{**vars(trial), "summary": summary})
    page = panels(bare, summary="gm", analytes=["IL-6"])
    assert not any("confidence" in text for text in texts(page))


def test_means_without_an_interval_are_owned_up_to(trial, texts):
    summary = trial.summary.copy()
    summary.loc[0, ["gm_low", "gm_high"]] = float("nan")
    some = type(trial)(**{**vars(trial), "summary": summary})
    page = panels(some, summary="gm", analytes=["IL-6"])
    said = " ".join(texts(page)).replace("\N{NO-BREAK SPACE}", " ")
    assert "confidence interval where all values are in range." in said


def test_an_analyte_without_readings_says_so(trial, texts):
    empty = trial.study.values[trial.study.values["analyte"] != "IL-6"]
    study = type(trial.study)(values=empty, subjects=trial.study.subjects)
    result = type(trial)(**{**vars(trial), "study": study})
    assert "no readings" in texts(draw(result, "IL-6"))


def test_the_axes_given_comes_back(trial):
    import matplotlib.figure

    ax = matplotlib.figure.Figure().add_subplot()
    assert panel(trial, "IL-6", ax) is ax


def test_errors_name_what_is_wrong(trial):
    with pytest.raises(UsageError, match=r"CK-523: the comparison has no analyte 'IL6'.*'IL-6'"):
        panels(trial, analytes=["IL6"])
    with pytest.raises(UsageError, match=r"CK-524: unknown summary 'bax'.*did you mean 'box'"):
        panels(trial, summary="bax")
    with pytest.raises(UsageError, match=r"CK-524: unknown label 'star'"):
        panels(trial, label="star")
    with pytest.raises(UsageError, match=r"CK-524: unknown style 'lansoni'.*'lanzoni'"):
        panels(trial, style="lansoni")
    with pytest.raises(UsageError, match=r"CK-521: unknown figure width"):
        panels(trial, width="triple")
    with pytest.raises(UsageError, match=r"CK-526: there is no page 2\n.*from 1 to 1"):
        panels(trial, analytes=["IL-6"], page=2)
    with pytest.raises(NothingToDoError, match=r"CK-525: there is no analyte to draw"):
        panels(trial, analytes=[])


def test_the_data_are_left_as_they_were(trial):
    before = trial.study.values.copy(), trial.table.copy()
    panels(trial, analytes=["IL-6"])
    pd.testing.assert_frame_equal(trial.study.values, before[0])
    pd.testing.assert_frame_equal(trial.table, before[1])
    assert np.isfinite(before[1]["p"]).all()


def test_n_is_what_was_analysed(trial, texts):
    between = trial.table["contrast"].str.startswith("between")
    counts = trial.table.assign(n_treated=np.where(between, 9.0, NAN), n_control=10.0)
    said = texts(draw(replace(trial, table=counts), "IFNg"))
    assert said.count("9/10") == 1
    assert said.count("10") == 1
    footer = " ".join(texts(panels(replace(trial, table=counts))))
    assert "a/b: the test between the groups used a of b." in footer
    assert "a/b" not in " ".join(texts(panels(trial)))


def test_a_cross_marks_the_last_reading_alone(comparison):
    made = comparison(days=(0, 3, 6), deaths=3, analytes=("IFNg",))
    for column_days, crosses in (((0, 3, 6), 6), ((0, 6), 0)):
        # of the columns 0 and 6 none holds the last reading of who died after day 3
        columns = [one for one in course_columns(made)[0] if one.day in column_days]
        figure = new_figure("single", 70)
        ax = axes_at(figure, 12, 6, 70, 45)
        points = points_of(made, "IFNg", columns)
        before = len(ax.collections)
        dead = deaths_of(made, columns)
        draw_deaths(ax, points, columns, dead, 0.1, last_days(made, "IFNg"))
        drawn = ax.collections[before:]
        assert sum(len(one.get_offsets()) for one in drawn) == crosses
        assert sum(map(len, dead)) == 6


def test_long_days_and_groups_stay_apart_and_keep_their_ends(comparison, texts):
    made = comparison(
        days=("before the first infusion", "six days after the last infusion"),
        groups=("standard of care with placebo infusion", "standard of care with cell infusion"),
    )
    figure = panels(made)
    said = texts(figure)
    ends = [text for text in said if text.endswith("infusion")]
    assert len(ends) >= 6 * 2
    ax = figure.axes[0]
    renderer = figure.canvas.get_renderer()
    boxes = [label.get_window_extent(renderer) for label in ax.get_xticklabels()]
    for left, right in pairwise(boxes):
        assert left.x1 <= right.x0
    lowest = min(box.y0 for box in boxes)
    counts = [text for text in ax.texts if text.get_text() == "12"]
    assert all(text.get_window_extent(renderer).y1 <= lowest + 1 for text in counts)
