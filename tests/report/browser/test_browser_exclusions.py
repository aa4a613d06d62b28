"""Leaving wells out on the page, saving the file, and fitting again with it."""

from __future__ import annotations

import pytest

from cytokit.curves.platefit import fit
from cytokit.report.page import fit_page
from cytokit.report.tables import read_table
from cytokit.tables.exclusions import read_exclusions

pytestmark = pytest.mark.browser


def test_a_well_is_excluded_shown_and_saved_for_fit(page):
    page['[data-well="C2"]'].click()
    page["#ask-apply"].click()
    assert page["#ask-wrong"].text == "Say why."
    page["#ask-reason"].send_keys('=bubble, "seen"')
    page["#ask-apply"].click()
    assert page["#ask-wrong"].text == "Say who decides this."
    page["#ask-who"].send_keys("Kb")
    page["#ask-apply"].click()
    assert page['[data-well="C2"]'].text == "×"
    assert "excluded" in page['[data-well="C2"]'].get_attribute("aria-label")
    page.exclude("H12", "spilled", "Kb", everything=True)
    assert page["#exclusions-badge"].text == "2"
    assert "new: fit again to apply" in page["#exclusions-host"].text
    assert (
        "cytokit fit Plate_1.csv --exclude exclusions.csv --out Plate_1_refit"
        in page["#exclusions-next"].text
    )
    path = page.saved()
    rows = read_table(path).to_numpy().tolist()
    assert rows == [
        ["Plate", "C2", "RANTES", '=bubble, "seen"', "Kb"],
        ["Plate", "H12", "", "spilled", "Kb"],
    ]
    assert read_exclusions(path)["well"].tolist() == ["C2", "H12"]
    assert page.errors() == []


def test_an_exclusion_is_taken_back(page):
    page.exclude("D5", "bubble", "Kb")
    page['[data-well="D5"]'].click()
    assert "bubble (Kb)" in page["#ask-already"].text
    page["#ask-already button"].click()
    assert page['[data-well="D5"]'].text != "×"
    assert "Nothing is excluded" in page["#exclusions-host"].text


def test_earlier_exclusions_stand_and_are_saved_again(reader, fit_of):
    rows = [("Plate", "A5", "", "leaked", "Jo"), ("", "", "IL-6", "kit recalled", "Jo")]
    page = reader.open(fit_page(fit_of(excluded=rows)))
    assert page.texts("#exclusions-host tbody td:nth-child(6)") == ["left out of this fit"] * 2
    assert not page["#exclusions-save"].is_displayed()
    page.exclude("B5", "leaked too", "Jo")
    table = read_table(page.saved())
    assert table["well"].tolist() == ["A5", "", "B5"]
    assert table["analyte"].tolist() == ["", "IL-6", "RANTES"]


def test_a_saved_exclusion_goes_through_fit_and_stands_on_the_next_page(reader, small_fit):
    first = fit(small_fit.plates[0])
    page = reader.open(fit_page(first))
    analyte = page["#detail-name"].text
    page.exclude("C2", "bubble", "Kb")
    page.exclude("H12", "spilled", "Kb", everything=True)
    second = fit(small_fit.plates[0], exclusions=read_exclusions(page.saved()))
    left = second.wells[second.wells["status"] == "excluded"]
    assert set(left.loc[left["well"] == "C2", "analyte"]) == {analyte}
    assert set(left.loc[left["well"] == "H12", "analyte"]) == set(second.plates[0].analyte_names)
    page = reader.open(fit_page(second))
    assert page.texts("#exclusions-host tbody td:nth-child(6)") == ["left out of this fit"] * 2
    assert page['[data-well="H12"]'].text == "×"
    assert page.errors() == []
