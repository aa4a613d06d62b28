"""Figures of real data: complete, well set, and of one mind with the table."""

from __future__ import annotations

import pytest

from cytokit.figures.companions import ratio_heatmap_figure, trajectory_pages, volcano_figure
from cytokit.figures.forest import forest_pages
from cytokit.figures.panels import panel_pages
from cytokit.figures.plate_maps import plate_page
from cytokit.figures.standard_curves import curve_pages

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def compared(real):
    from cytokit.trial.compare import compare
    from cytokit.trial.study import Study

    study = Study(real / "clinical" / "zilucov_long.csv", mapping={"value": "conc"})
    return {
        gate: compare(study, baseline=1, day=6, reference="control", gate=gate)
        for gate in (True, False)
    }


@pytest.mark.parametrize("gate", [True, False])
def test_brackets_of_a_real_trial_are_the_tables(compared, texts, well_set, gate):
    result = compared[gate]
    style = "trial" if gate else "lanzoni"
    pages = panel_pages(result, style=style)
    panels = {ax.get_title(loc="left"): ax for page in pages for ax in page.axes}
    assert list(panels) == list(result.analytes)
    for page in pages:
        well_set(page)
    for analyte, ax in panels.items():
        rows = result.of(analyte)
        rows = rows[rows["contrast"].str.match("between_day|within_")]
        expected = [
            row["stars"] or ("–" if "gated" in row["flags"] else row["label"])
            for _, row in rows.iterrows()
        ]
        found = [t for t in texts(ax) if t.strip("*") in {"", "ns", "–", "not analysed"}]
        assert sorted(found) == sorted(expected), analyte


def test_companions_of_a_real_trial_are_well_set(compared, well_set):
    result = compared[True]
    for figure in (
        *forest_pages(result),
        ratio_heatmap_figure(result),
        volcano_figure(result),
        *trajectory_pages(result, analytes=list(result.analytes)[:3]),
    ):
        well_set(figure)


@pytest.mark.parametrize(
    "name",
    ["xponent/magpix_a549.csv", "bioplex_per_analyte/biorad_27plex.xls"],
)
def test_curves_of_real_plates_are_well_set(real, well_set, name):
    from cytokit.curves.platefit import fit
    from cytokit.parsers.read import read_plate

    plate = read_plate(real / "plates" / name)
    done = fit([plate])
    pages = curve_pages(done)
    assert sum(len(page.axes) for page in pages) == 2 * len(plate.analytes)
    for page in pages:
        well_set(page)
    well_set(plate_page(plate, plate.analyte_names[0], flags=done.flags))
