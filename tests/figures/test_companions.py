"""Companions draw the table and the summary, and nothing of their own."""

from __future__ import annotations

import numpy as np
import pytest

from cytokit.errors import NothingToDoError, UsageError
from cytokit.figures.axes import log_axis
from cytokit.figures.brackets import place_labels
from cytokit.figures.companions import (
    detectability,
    detectability_figure,
    ratio_heatmap,
    ratio_heatmap_figure,
    trajectory,
    trajectory_pages,
    volcano,
    volcano_figure,
)
from cytokit.figures.style import axes_at, new_figure

LONG = {
    "analytes": ("IFN-γ", "a protein with a very long name that no margin could ever hold", "$x$"),
    "groups": ("standard of care, no infusion at all", "umbilical cord stromal cells, 100±20"),
    "days": (0, 3, 6),
    "deaths": 1,
}


def axes(height=60):
    return axes_at(new_figure("single", height), 20, 8, 55, height - 20)


def test_trajectories_join_subjects_and_means(comparison):
    made = comparison(analytes=("A",), days=(0, 3, 14), subjects=5)
    ax = trajectory(made, "A", axes())
    lines = next(c for c in ax.collections if type(c).__name__ == "LineCollection")
    assert len(lines.get_segments()) == 10
    means = [line for line in ax.lines if len(line.get_xdata()) == 3]
    rows = made.summary[made.summary["group"] == "control"]
    assert means[0].get_ydata() == pytest.approx(list(rows["geometric_mean"]))
    assert list(ax.get_xticks()) == [0, 3, 14], "days to scale"


def test_visits_by_name_stand_at_equal_steps(comparison):
    made = comparison(analytes=("A",), days=("baseline", "later"), subjects=3)
    ax = trajectory(made, "A", axes())
    assert [label.get_text() for label in ax.get_xticklabels()] == ["baseline", "later"]


def test_heat_map_shows_the_tables_ratios_and_stars(trial, texts):
    ax = ratio_heatmap(trial, axes())
    shown = np.asarray(ax.collections[0].get_array()).reshape(6, 3)
    rows = trial.table[trial.table["contrast"].str.startswith("between")]
    assert shown[:, 0] == pytest.approx(rows["ratio"].to_numpy())
    between_and_within = trial.table[~trial.table["contrast"].str.startswith("diff")]
    stars = sorted(mark for mark in between_and_within["stars"] if mark.startswith("*"))
    assert sorted(text for text in texts(ax) if "*" in text) == stars


def test_volcano_stands_on_ratio_and_p(trial, texts):
    ax = volcano(trial, axes())
    rows = trial.table[trial.table["contrast"].str.startswith("between")]
    offsets = np.vstack([c.get_offsets() for c in ax.collections if len(c.get_offsets())])
    drawn = np.array(sorted(map(tuple, np.asarray(offsets))))
    assert drawn == pytest.approx(np.array(sorted(zip(rows["ratio"], rows["p"], strict=True))))
    assert set(rows["analyte"]) <= set(texts(ax))
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "small p on top"


def test_volcano_names_only_the_significant_among_many(comparison, texts):
    made = comparison(analytes=[f"A{i:02d}" for i in range(40)], subjects=1)
    said = texts(volcano(made, axes(100)))
    rows = made.table[made.table["contrast"].str.startswith("between")]
    plain = set(rows.loc[rows["stars"] == "ns", "analyte"])
    assert not plain & set(said)


def test_names_touch_neither_points_nor_each_other(texts):
    rng = np.random.default_rng(2)
    x, y = np.exp(rng.normal(0, 1, 25)), np.exp(rng.normal(0, 1, 25))
    ax = axes(90)
    log_axis(ax, "x", 0.01, 100)
    log_axis(ax, "y", 0.01, 100)
    left_out = place_labels(ax, x, y, [f"protein {i}" for i in range(25)], avoid=(x, y))
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) + left_out == 25
    assert left_out < 10
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            assert not one.padded(-1).overlaps(other.padded(-1))


def test_detectability_adds_up(comparison):
    made = comparison(below={"IL-6": 60.0}, above={"TNFa": 800.0})
    ax = detectability(made, axes())
    widths = np.array([bar.get_width() for bar in ax.patches]).reshape(2, 3, -1)
    assert widths.sum(axis=1) == pytest.approx(np.full((2, 6), 100.0))
    assert widths[:, 0, 1].max() > 0, "IL-6 has readings below"
    assert widths[:, 2, 2].max() > 0, "TNFa has readings above"


@pytest.mark.parametrize(
    "maker", [ratio_heatmap_figure, volcano_figure, detectability_figure, trajectory_pages]
)
def test_figures_are_well_set(comparison, well_set, maker):
    made = maker(comparison(**LONG))
    for figure in made if isinstance(made, tuple) else (made,):
        well_set(figure)


def test_errors_name_what_is_wrong(comparison, trial):
    alone = comparison(groups=("control",), days=(6,))
    with pytest.raises(NothingToDoError, match=r"CK-525: the comparison holds no ratio"):
        ratio_heatmap_figure(alone)
    with pytest.raises(NothingToDoError, match=r"CK-525: no groups were compared"):
        volcano_figure(alone)
    with pytest.raises(UsageError, match=r"CK-523: the comparison has no analyte 'X'"):
        trajectory(trial, "X", None)


def test_no_figure_hides_that_plate_and_effect_cannot_be_told_apart():
    import pandas as pd

    from cytokit.figures.companions import ratio_heatmap_figure, trajectory_pages, volcano_figure
    from cytokit.figures.forest import forest_pages
    from cytokit.figures.panels import panel_pages
    from cytokit.trial.compare import compare
    from cytokit.trial.study import Study

    rows = [
        (f"{group}{n}", group, day, f"P{group}", 3.0 + n + day * (n % 3), 9.0 + 2 * n + day)
        for group in ("drug", "control")
        for n in range(6)
        for day in (0, 6)
    ]
    table = pd.DataFrame(rows, columns=["subject", "group", "day", "plate", "IL-6", "TNF"])
    result = compare(Study(table), reference="control", allow_confounded=True)
    figures = [
        *panel_pages(result), *forest_pages(result), *trajectory_pages(result),
        volcano_figure(result), ratio_heatmap_figure(result),
    ]  # fmt: skip
    for figure in figures:
        said = " ".join(text.get_text() for text in figure.texts)
        said = " ".join(said.split())
        assert "plate and effect cannot be told apart: IL-6, TNF." in said
