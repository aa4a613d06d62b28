"""Each figure against its picture, in its ordinary and its awkward cases.

Made with ``pytest tests/figures/test_pictures.py --mpl-generate-path=tests/figures/baseline``.
"""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import pytest

from cytokit.figures.companions import (
    detectability_figure,
    ratio_heatmap_figure,
    trajectory_pages,
    volcano_figure,
)
from cytokit.figures.forest import forest
from cytokit.figures.panels import panel_pages, panels
from cytokit.figures.plate_maps import plate_page, standards_pages
from cytokit.figures.standard_curves import curve_figure, curve_pages

#: Type is rendered differently by other versions of matplotlib.
MADE_WITH = (3, 11)
NAN = float("nan")

pytestmark = pytest.mark.skipif(
    mpl.__version_info__[:2] != MADE_WITH, reason="pictures were made with matplotlib 3.11"
)


def picture(**how):
    """A comparison of figures at 50 dots per inch."""
    return pytest.mark.mpl_image_compare(
        baseline_dir="baseline", style="default", tolerance=0.5, savefig_kwargs={"dpi": 50}, **how
    )


PANELS = {
    "trial": {"deaths": 2, "below": {"IL-6": 60.0}, "above": {"TNFa": 1500.0},
              "analytes": ("IL-6", "TNFa", "IFNg"), "seed": 3},
    "long_names": {
        "analytes": ("a protein with a very long name that no panel could ever hold entirely",
                     "<img onerror> $x$ \\frac{ IFN-γ"),
        "groups": ("standard of care, no infusion at all", "umbilical cord stromal cells, 100±20"),
        "deaths": 3,
    },
    "one_group": {"groups": ("control",), "analytes": ("A",)},
    "all_censored": {"below": {"A": 1e9}, "above": {"B": 1e-9}, "p": (NAN, 0.2),
                     "analytes": ("A", "B")},
    "one_subject": {"subjects": 1, "analytes": ("A",)},
    "no_baseline": {"days": (6,), "analytes": ("A",)},
    "four_groups": {"groups": ("a", "b", "c", "d"), "analytes": ("A",)},
    "hundreds": {"subjects": 300, "analytes": ("A",)},
    "visits_by_name": {"days": ("baseline", "follow-up"), "analytes": ("A",)},
}  # fmt: skip


#: Drawn with every run of the tests; the others with ``-m slow``.
ALWAYS = ("trial", "long_names", "all_censored")


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if c in ALWAYS else [pytest.mark.slow], id=c) for c in PANELS],
)
@picture()
def test_panels(comparison, well_set, case):
    figure = panels(comparison(**PANELS[case]))
    well_set(figure)
    return figure


@pytest.mark.parametrize("summary", ["gm", pytest.param("bar", marks=pytest.mark.slow)])
@picture()
def test_summary(comparison, well_set, summary):
    made = comparison(
        analytes=("IL-6", "TNFa"), below={"IL-6": 10.0}, gate=False, guard=("IL-6: so.",)
    )
    figure = panels(made, summary=summary, label="both", style="lanzoni", width="single")
    well_set(figure)
    return figure


@pytest.mark.slow
@picture()
def test_fifty(comparison, well_set):
    pages = panel_pages(comparison(analytes=[f"A{i:02d}" for i in range(50)]))
    for page in pages:
        well_set(page)
    return pages[-1]


@picture()
def test_forest(comparison, well_set):
    names = ("IFN-γ", "IL-6", "a protein with a very long name that no margin holds", "$x$")
    figure = forest(comparison(analytes=names, p=(0.00001, 0.03, NAN, 0.2)))
    well_set(figure)
    return figure


@pytest.mark.slow
@picture()
def test_forest_of_fifty(comparison):
    return forest(comparison(analytes=[f"A{i:02d}" for i in range(50)], subjects=1))


@picture()
def test_curve(fitted):
    fit = fitted(["IL-6"])
    return curve_figure(fit.curves["P1", "IL-6"], samples=fit.samples)


@pytest.mark.slow
@picture()
def test_curves(fitted):
    return curve_pages(fitted(["IL-6", "failed", "<b>TNF-α $x$ with a name that does not end"]))[0]


@pytest.mark.parametrize("size", [96, pytest.param(384, marks=pytest.mark.slow)])
@picture()
def test_plate(plate, size):
    flags = pd.DataFrame(
        [("P1", "A1", "IL-6", "info"), ("P1", "B2", "", "warn"), ("P1", "C3", "IL-6", "fail")],
        columns=["plate", "well", "analyte", "severity"],
    )
    return plate_page(plate(size), "IL-6", flags=flags)


@pytest.mark.slow
@picture()
def test_standards():
    rows = [
        (f"plate {p}", analyte, 10.0**x, (20 + 10.0 ** (x + 1)) * (1 + p / 10))
        for analyte, plates in (("IL-6", 3), ("TNF", 20))
        for p in range(plates)
        for x in range(5)
    ]
    columns = ["plate", "analyte", "expected", "mfi"]
    return standards_pages(pd.DataFrame(rows, columns=columns))[0]


@picture()
def test_trajectories(comparison, well_set):
    made = comparison(
        analytes=("IL-6", "TNFa"), days=(0, 3, 14), deaths=2, below={"IL-6": 60.0}
    )  # fmt: skip
    figure = trajectory_pages(made)[0]
    well_set(figure)
    return figure


@picture()
def test_heat_map(comparison, well_set):
    figure = ratio_heatmap_figure(comparison(p=(0.00001, 0.03, NAN, 0.2)))
    well_set(figure)
    return figure


@picture()
def test_volcano(comparison, well_set):
    figure = volcano_figure(comparison(p=(0.00001, 0.03, NAN, 0.2)))
    well_set(figure)
    return figure


@picture()
def test_detectability(comparison, well_set):
    figure = detectability_figure(comparison(below={"IL-6": 60.0}, above={"TNFa": 800.0}))
    well_set(figure)
    return figure
