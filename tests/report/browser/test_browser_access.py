"""Keyboard, screen reader, colours, paper, narrow screens, and nothing for an attacker."""

from __future__ import annotations

import base64
from typing import Any

import pandas as pd
import pytest

from cytokit.flags import findings_table
from cytokit.options import FitOptions
from cytokit.report.comparison_page import comparison_page
from cytokit.report.overview import PlateLine, overview_page
from cytokit.report.page import fit_page
from cytokit.report.tables import read_table

pytestmark = pytest.mark.browser


def contrast(page: Any) -> float:
    """Contrast of text on the page, as WCAG 2 defines it."""
    return page.js(
        "const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((v) => v / 255)"
        ".map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);"
        " return 0.2126 * r + 0.7152 * g + 0.0722 * b; };"
        "const quiet = document.querySelector('.quiet');"
        "const card = getComputedStyle(document.querySelector('#analytes')).backgroundColor;"
        "const two = [light(getComputedStyle(quiet).color), light(card)].sort((a, b) => b - a);"
        "return (two[0] + 0.05) / (two[1] + 0.05);"
    )


def test_everything_is_reached_by_keyboard(page):
    tab, enter, right, escape = "\ue004", "\ue007", "\ue014", "\ue00c"
    page.js("document.body.tabIndex = -1; document.body.focus()")
    seen = []
    for _ in range(60):
        page.press(tab)
        seen.append(
            page.js(
                "const n = document.activeElement;return n.id || n.className.baseVal || n.className"
            )
        )
    for needed in (
        "theme",
        "print",
        "analyte-search",
        "analyte-verdict",
        "sort",
        "link",
        "log-x",
        "curve",
    ):
        assert needed in seen, needed
    page.js("document.querySelector('#map-host button[tabindex=\"0\"]').focus()")
    page.press(right, right)
    assert page.js("return document.activeElement.dataset.well") == "A3"
    page.press(enter)
    assert page["#ask"].get_attribute("open") is not None
    assert page.js("return document.activeElement.id") == "ask-reason"
    page.press(escape)
    assert page["#ask"].get_attribute("open") is None
    assert page.js("return document.activeElement.dataset.well") == "A3"


def test_what_a_screen_reader_needs_is_there(page):
    unnamed = page.js(
        "return [...document.querySelectorAll('button, input, select, a[href]')]"
        ".filter((n) => !(n.innerText.trim() || n.getAttribute('aria-label') || n.labels?.length))"
        ".map((n) => n.outerHTML)"
    )
    assert unnamed == []
    doubled = page.js(
        "const ids = [...document.querySelectorAll('[id]')].map((n) => n.id);"
        "return ids.filter((id, at) => ids.indexOf(id) !== at)"
    )
    assert doubled == []
    assert page["#curve-svg svg"].get_attribute("aria-label").startswith("Standard curve of RANTES")
    assert page["html"].get_attribute("lang") == "en"
    page["#analyte-table tbody tr:nth-child(2) button"].click()
    assert (
        page["#analyte-table tbody tr:nth-child(2) button"].get_attribute("aria-pressed") == "true"
    )


#: the least contrast of a well's text with what lies behind it, over all wells of the view
WELLS = (
    "const parse = (text) => text.match(/[\\d.]+/g).map(Number);"
    "const linear = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;"
    "const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);"
    "const card = parse(getComputedStyle(document.querySelector('#plate-map')).backgroundColor);"
    "return [...document.querySelectorAll('#map-host .well:not(.gone)')]"
    ".filter((n) => n.innerText.trim()).map((n) => {"
    " const style = getComputedStyle(n);"
    " const [r, g, b, a = 1] = parse(style.backgroundColor);"
    " const over = [r, g, b].map((v, at) => a * v + (1 - a) * card[at]);"
    " const two = [light(parse(style.color)), light(over)].sort((x, y) => y - x);"
    " return (two[0] + 0.05) / (two[1] + 0.05); });"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_well_of_every_view_can_be_read(page, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.run("Emulation.setEmulatedMedia", features=features)
    try:
        options = "return [...document.querySelectorAll('#map-view option')].map((n) => n.value)"
        views = page.js(options)
        assert len(views) >= 6
        for view in views:
            page.choose("#map-view", view)
            ratios = page.js(WELLS)
            assert view.startswith("flags") or len(ratios) > 50, view
            assert min(ratios, default=9.0) >= 4.5, (view, min(ratios))
    finally:
        page.choose("#map-view", views[0])
        page.run("Emulation.setEmulatedMedia", features=[])


#: what scrolls and neither takes the focus itself nor is named
LOST = (
    "return [...document.querySelectorAll('.scroll, .paper')]"
    ".filter((n) => n.tabIndex !== 0 || !n.getAttribute('aria-label')).map((n) => n.outerHTML)"
)


def test_what_scrolls_is_reached_by_keyboard(reader, page, comparison):
    assert page.js(LOST) == []
    other = reader.open(comparison_page(comparison))
    assert other.js(LOST) == []
    assert other.js("return document.querySelectorAll('.scroll').length") >= 3


def overview_of(n: int) -> str:
    """The page of so many plates."""
    lines = [
        PlateLine(
            *(f"P{at}", f"p{at}.csv", "xponent", "hold", 1, 0, 0, 1, 9, 10, 1, 0, "", "why: so.")
        )
        for at in range(n)
    ]
    columns = ["plate", "analyte", "verdict", "lloq", "uloq", "unit"]
    rows = [(line.plate, "IL-6", "good", 1.0, 9.0, "pg/mL", 9, 10, "") for line in lines]
    summary = pd.DataFrame(rows, columns=[*columns, "n_in_range", "n_samples", "reason"])
    return overview_page(lines, summary, findings_table([]), FitOptions())


def test_a_printed_comparison_and_overview_lie_on_the_page_one_below_the_other(reader, comparison):
    for html in (comparison_page(comparison), overview_of(80)):
        page = reader.open(html)
        page.run("Emulation.setEmulatedMedia", media="print")
        try:
            cut = page.js(
                "return [...document.querySelectorAll('.scroll')].filter((n) =>"
                " n.checkVisibility() && n.scrollHeight > n.clientHeight + 2).length"
            )
            assert cut == 0
            overlap = page.js(
                "const boxes = [...document.querySelectorAll('main > section')]"
                ".filter((n) => n.checkVisibility()).map((n) => [n.id, n.getBoundingClientRect(),"
                " Math.max(...[...n.querySelectorAll('*')].map("
                "(m) => m.getBoundingClientRect().bottom))]);"
                "return boxes.slice(1).filter(([id, box], at) => box.top < boxes[at][2] - 1)"
                ".map(([id]) => id)"
            )
            assert overlap == []
        finally:
            page.run("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_follow_the_system_and_can_be_read(page, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.run("Emulation.setEmulatedMedia", features=features)
    try:
        background = page.js("return getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(18, 21, 24)") == (scheme == "dark")
        assert contrast(page) >= 4.5
        page["#theme"].click()
        page["#theme"].click()
        assert page.js("return document.documentElement.dataset.theme") == "dark"
        assert (
            page.js("return getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 24)"
        )
    finally:
        page.run("Emulation.setEmulatedMedia", features=[])


def test_print_has_no_controls_and_no_cut_tables(page):
    page.run("Emulation.setEmulatedMedia", media="print")
    try:
        assert not page["#print"].is_displayed()
        assert not page["#analyte-search"].is_displayed()
        assert page["#overview"].is_displayed()
        cut = page.js(
            "return [...document.querySelectorAll('.scroll')].filter((n) =>"
            " n.checkVisibility() && n.scrollHeight > n.clientHeight + 2).length"
        )
        assert cut == 0
    finally:
        page.run("Emulation.setEmulatedMedia", media="")
    pdf = base64.b64decode(page.run("Page.printToPDF", preferCSSPageSize=True)["data"])
    assert pdf.startswith(b"%PDF")
    assert 2 <= pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/") <= 12


def test_a_narrow_screen_does_not_scroll_sideways(page):
    page.run(
        "Emulation.setDeviceMetricsOverride",
        width=400,
        height=800,
        deviceScaleFactor=1,
        mobile=False,
    )
    try:
        assert page.js("return document.documentElement.scrollWidth <= window.innerWidth")
    finally:
        page.run("Emulation.clearDeviceMetricsOverride")


def test_the_policy_admits_nothing_else(page):
    stopped = page.js(
        "const add = (tag, set) => { const node = document.createElement(tag);"
        " Object.assign(node, set); document.body.append(node); };"
        "add('script', {textContent: 'window.hacked = 1'});"
        "add('img', {src: 'https://example.invalid/x.png'});"
        "const box = document.createElement('div');"
        'box.innerHTML = \'<b onclick="window.hacked=1" style="color: red">x</b>\';'
        "document.body.append(box); box.firstChild.click();"
        "return [window.hacked === undefined,"
        " getComputedStyle(box.firstChild).color !== 'rgb(255, 0, 0)']"
    )
    assert stopped == [True, True]
    assert any("Content Security Policy" in message for message in page.errors())


def test_hostile_names_do_nothing(reader, hostile_fit):
    page = reader.open(fit_page(hostile_fit.fit))
    for position in range(len(hostile_fit.names)):
        page.js(
            "document.querySelectorAll('#analyte-table button.link')[arguments[0]].click()",
            position,
        )
    page.choose("#sample-scope", "all")
    for view in ("status", "sample", "mfi"):
        page.choose("#map-view", view)
    page.exclude("H12", hostile_fit.names[0], hostile_fit.names[1])
    table = read_table(page.saved())
    assert table["plate"].tolist() == [hostile_fit.names[3]] * 2
    assert table["analyte"].tolist() == [hostile_fit.names[0], hostile_fit.names[-1]]
    assert table["reason"].tolist() == [hostile_fit.names[1], hostile_fit.names[0]]
    assert table["who"].tolist() == [hostile_fit.names[0], hostile_fit.names[1]]
    assert page.js("return window.hacked === undefined && document.images.length === 0")
    assert page.errors() == []
    assert page.requests() == []
