"""What a reader does with the pages in a real browser."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cytokit.curves.platefit import fit
from cytokit.report.comparison_page import comparison_page
from cytokit.report.page import fit_page
from cytokit.schema import Verdict, WellType
from cytokit.simulate.trials import CYTOKINES, simulate_plate

pytestmark = pytest.mark.browser


def test_the_page_runs_without_error_and_without_network(page):
    for analyte in range(6):
        page.js(
            "document.querySelectorAll('#analyte-table button.link')[arguments[0]].click()", analyte
        )
    for view in ("beads", "status", "flags", "beads_all", "flags_all", "sample", "mfi"):
        page.choose("#map-view", view)
    page.choose("#sample-scope", "all")
    assert page.errors() == []
    assert page.requests() == []


def test_analytes_sort_and_filter(page):
    names = "#analyte-table tbody:not([hidden]) tr th"
    assert page.texts(names) == ["IFNg", "IL-6", "TNFα", "RANTES", "GM-CSF", "PDGF-BB"]
    header = page["#analyte-table thead th:nth-child(1) button"]
    header.click()
    assert page.texts(names) == ["GM-CSF", "IFNg", "IL-6", "PDGF-BB", "RANTES", "TNFα"]
    assert page["#analyte-table thead th:nth-child(1)"].get_attribute("aria-sort") == "ascending"
    header.click()
    assert page.texts(names)[0] == "TNFα"
    page["#analyte-table thead th:nth-child(2) button"].click()
    assert page.texts(names)[-1] == "GM-CSF"  # failed is last
    page.choose("#analyte-verdict", "poor")
    assert page.texts(names) == ["RANTES"]
    page.choose("#analyte-verdict", "")
    page["#analyte-search"].send_keys("il")
    assert page.texts(names) == ["IL-6"]
    assert page["#analyte-count"].text == "1 of 6 analytes"


def test_empty_numbers_sort_last_both_ways(page):
    head = page["#analyte-table thead th:nth-child(3) button"]
    for _ in range(2):
        head.click()
        assert page.texts("#analyte-table tbody tr th")[-1] == "GM-CSF"


def test_the_page_opens_at_the_worst_curve(page):
    assert page["#detail-name"].text == "RANTES"
    assert "2 of 8 levels recover outside" in page["#detail-verdict"].text


def test_pointing_at_a_standard_shows_well_level_and_recovery(page):
    place = page.js(
        "const mark = document.querySelector('#curve-svg .point.standard:last-of-type');"
        "mark.scrollIntoView({block: 'center'});"
        "const box = mark.getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2]"
    )
    page.run("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
    tip = page["#tip"].text
    assert "Standard" in tip or "Background" in tip
    assert "MFI" in tip
    texts = []
    page["#curve-svg svg"].send_keys("")
    for _ in range(40):
        page.press("\ue014")  # arrow right
        texts.append(page["#tip"].text)
    assert any("recovery" in text and "level" in text for text in texts)
    assert any("beads" in text for text in texts)
    assert any("weight 0.31" in text for text in texts)


def test_axes_turn_linear(page):
    before = page.texts("#curve-svg .axis text")
    page["#log-x"].click()
    page["#log-y"].click()
    after = page.texts("#curve-svg .axis text")
    assert "0" in after
    assert before != after
    assert page.errors() == []


def test_samples_are_searched_and_narrowed(page):
    page.choose("#sample-search", "patient 01")
    shown = page.texts("#samples-host tbody th")
    assert shown == [f"Patient {number:03d}" for number in range(10, 20)]
    page.choose("#sample-search", "")
    page.choose("#sample-status", "oor_high")
    cells = page.texts("#samples-host tbody td.strong")
    assert cells
    assert all(cell == ">20000" for cell in cells)
    page.choose("#sample-scope", "all")
    assert "Analyte" in page.texts("#samples-host thead th")


def test_a_long_list_of_samples_is_shown_in_full_on_request(page):
    page.choose("#sample-scope", "all")
    assert len(page.all("#samples-host tbody tr")) == 150
    page["#samples-more button"].click()
    assert len(page.all("#samples-host tbody tr")) == 234


def test_several_plates_are_chosen_from(reader, fit_of):
    page = reader.open(fit_page(fit_of(n_plates=2)))
    assert page.texts("section.verdict")[0].startswith("▲")
    page.choose("#plate", "1")
    assert len(page.texts("section.verdict")) == 1
    assert page["#detail-name"].text == "RANTES"
    page.exclude("A4", "bubble", "Kb")
    assert page.texts("#exclusions-host tbody th") == ["Plate 2"]
    page.choose("#plate", "0")
    assert page['[data-well="A4"]'].text != "×"
    assert page.errors() == []


def test_a_384_well_plate_has_all_its_wells(reader, fit_of):
    page = reader.open(fit_page(fit_of(size=384, analytes=["IL-6"])))
    assert len(page.all("#map-host button.well")) == 384
    assert page.errors() == []


def test_an_analyte_without_standards_says_so(reader, fit_of):
    fit = fit_of(analytes=["IL-6", "TNFα"])
    curve = fit.curves["Plate", "IL-6"]
    bare = dataclasses.replace(
        curve,
        ok=False,
        verdict=Verdict.FAILED,
        standards=curve.standards.iloc[:0],
        wells=curve.wells.iloc[:0],
    )
    curves = type(fit.curves)({**fit.curves, ("Plate", "IL-6"): bare})
    page = reader.open(fit_page(dataclasses.replace(fit, curves=curves)))
    page["#analyte-table tbody tr:nth-child(1) button"].click()
    assert page["#standards-host"].text == "The plate holds no standards for this analyte."
    assert not page["#curve-host"].is_displayed()
    page["#analyte-table tbody tr:nth-child(2) button"].click()
    assert page["#curve-host"].is_displayed()
    assert page.errors() == []


def test_the_comparison_page_runs(reader, comparison):
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
        '<rect id="a" width="10" height="10" style="fill: #ff0000"/></svg>'
    )
    page = reader.open(comparison_page(comparison, {"Panels": svg}))
    assert (
        page.js("return getComputedStyle(document.querySelector('.paper rect')).fill")
        == "rgb(255, 0, 0)"
    )
    every = len(page.texts("#result-table tbody tr"))
    page.choose("#result-contrast", "between_day6")
    assert 0 < len(page.texts("#result-table tbody tr")) < every
    page["#result-table thead th:nth-child(7) button"].click()
    values = page.js(
        "return [...document.querySelectorAll("
        "'#result-table tbody tr:not([hidden]) td:nth-child(7)')]"
        ".map((n) => n.dataset.v).filter(Boolean).map(Number)"
    )
    assert values == sorted(values)
    assert page.errors() == []
    assert page.requests() == []


def test_a_standard_without_expected_concentration_has_no_place_on_the_axis(reader):
    plate = simulate_plate(CYTOKINES[:1], {}, rng=np.random.default_rng(1))
    named = plate.wells["sample"] == plate.of_type(WellType.STANDARD)["sample"].iloc[-1]
    wells = plate.wells.assign(expected=plate.wells["expected"].mask(named))
    page = reader.open(fit_page(fit([dataclasses.replace(plate, wells=wells)])))
    drawn = page.all("#curve-svg .point.standard, #curve-svg .point.unused")
    known = wells[wells["well_type"].isin(["standard", "blank"]) & wells["expected"].notna()]
    assert 0 < len(known) < len(wells)
    assert len(drawn) == len(known)
    assert any("no expected concentration" in cell for cell in page.texts("#detail td"))
