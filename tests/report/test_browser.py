"""The pages in a real browser: no error, no network, and everything a reader does with them.

Runs in Debian's chromium (packages chromium and chromium-driver); skipped where it is absent.
"""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cytokit.exclusions import read_exclusions
from cytokit.report.compare_page import comparison_page
from cytokit.report.page import fit_page
from cytokit.report.tables import read_table

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests, with a new empty profile."""
    if CHROMIUM is None or DRIVER is None:
        pytest.skip("chromium or chromedriver not found: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
        yield driver
        driver.quit()


class Reader:
    """A browser with a page open, and what a reader does."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self.folder = folder

    def open(self, html: str) -> Reader:
        path = self.folder / "report.html"
        path.write_text(html, encoding="utf-8")
        self.driver.get_log("browser")
        self.driver.get_log("performance")
        self.run("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.folder))
        self.driver.get(path.as_uri())
        return self

    def run(self, command: str, **values: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, values)

    def js(self, code: str, *values: Any) -> Any:
        return self.driver.execute_script(code, *values)

    def __getitem__(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return self.js(
            "return [...document.querySelectorAll(arguments[0])]"
            ".filter((node) => node.checkVisibility())"
            ".map((node) => (node.innerText ?? node.textContent).trim())",
            selector,
        )

    def choose(self, selector: str, value: str) -> None:
        self.js(
            "const node = document.querySelector(arguments[0]); node.value = arguments[1];"
            "node.dispatchEvent(new Event('input', {bubbles: true}));"
            "node.dispatchEvent(new Event('change', {bubbles: true}));",
            selector,
            value,
        )

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Addresses asked for since the page was opened, without itself and chromium's icons."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        own = ("data:", "blob:", "chrome:")
        return [
            url for url in found if not url.startswith(own) and not url.endswith("/report.html")
        ]


@pytest.fixture
def reader(chromium: Any, tmp_path: Path) -> Iterator[Reader]:
    yield Reader(chromium, tmp_path)
    chromium.get("about:blank")


@pytest.fixture
def page(reader: Reader, small_fit: Any) -> Reader:
    """The page of the small fit, open."""
    return reader.open(fit_page(small_fit))


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


def exclude(page: Reader, well: str, reason: str, who: str, *, everything: bool = False) -> None:
    page[f'[data-well="{well}"]'].click()
    if everything:
        page["#ask-all"].click()
    page["#ask-reason"].clear()
    page["#ask-reason"].send_keys(reason)
    page["#ask-who"].clear()
    page["#ask-who"].send_keys(who)
    page["#ask-apply"].click()


def saved(page: Reader, wait: Callable[[Callable[[], bool]], None]) -> Path:
    page["#exclusions-save"].click()
    path = page.folder / "exclusions.csv"
    wait(path.exists)
    return path


@pytest.fixture
def wait() -> Callable[[Callable[[], bool]], None]:
    """Wait up to five seconds for something."""
    import time

    def until(done: Callable[[], bool]) -> None:
        end = time.monotonic() + 5
        while not done():
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.02)

    return until


def test_a_well_is_excluded_shown_and_saved_for_fit(page, wait):
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
    exclude(page, "H12", "spilled", "Kb", everything=True)
    assert page["#exclusions-badge"].text == "2"
    assert "new: fit again to apply" in page["#exclusions-host"].text
    assert "cytokit fit Plate_1.csv --exclude exclusions.csv" in page["#exclusions-next"].text
    path = saved(page, wait)
    rows = read_table(path).to_numpy().tolist()
    assert rows == [
        ["Plate", "C2", "RANTES", '=bubble, "seen"', "Kb"],
        ["Plate", "H12", "", "spilled", "Kb"],
    ]
    assert read_exclusions(path)["well"].tolist() == ["C2", "H12"]
    assert page.errors() == []


def test_an_exclusion_is_taken_back(page):
    exclude(page, "D5", "bubble", "Kb")
    page['[data-well="D5"]'].click()
    assert "bubble (Kb)" in page["#ask-already"].text
    page["#ask-already button"].click()
    assert page['[data-well="D5"]'].text != "×"
    assert "Nothing is excluded" in page["#exclusions-host"].text


def test_earlier_exclusions_stand_and_are_saved_again(reader, fit_of, wait):
    rows = [("Plate", "A5", "", "leaked", "Jo"), ("", "", "IL-6", "kit recalled", "Jo")]
    page = reader.open(fit_page(fit_of(excluded=rows)))
    assert page.texts("#exclusions-host tbody td:nth-child(6)") == ["left out of this fit"] * 2
    assert not page["#exclusions-save"].is_displayed()
    exclude(page, "B5", "leaked too", "Jo")
    table = read_table(saved(page, wait))
    assert table["well"].tolist() == ["A5", "", "B5"]
    assert table["analyte"].tolist() == ["", "IL-6", "RANTES"]


def test_hostile_names_do_nothing(reader, hostile_fit, wait):
    page = reader.open(fit_page(hostile_fit.fit))
    for position in range(len(hostile_fit.names)):
        page.js(
            "document.querySelectorAll('#analyte-table button.link')[arguments[0]].click()",
            position,
        )
    page.choose("#sample-scope", "all")
    for view in ("status", "sample", "mfi"):
        page.choose("#map-view", view)
    exclude(page, "H12", hostile_fit.names[0], hostile_fit.names[1])
    table = read_table(saved(page, wait))
    assert table["plate"].tolist() == [hostile_fit.names[3]] * 2
    assert table["analyte"].tolist() == [hostile_fit.names[0], hostile_fit.names[-1]]
    assert table["reason"].tolist() == [hostile_fit.names[1], hostile_fit.names[0]]
    assert table["who"].tolist() == [hostile_fit.names[0], hostile_fit.names[1]]
    assert page.js("return window.hacked === undefined && document.images.length === 0")
    assert page.errors() == []
    assert page.requests() == []


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


def contrast(page: Reader) -> float:
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


def test_several_plates_are_chosen_from(reader, fit_of):
    page = reader.open(fit_page(fit_of(n_plates=2)))
    assert page.texts("section.verdict")[0].startswith("▲")
    page.choose("#plate", "1")
    assert len(page.texts("section.verdict")) == 1
    assert page["#detail-name"].text == "RANTES"
    exclude(page, "A4", "bubble", "Kb")
    assert page.texts("#exclusions-host tbody th") == ["Plate 2"]
    page.choose("#plate", "0")
    assert page['[data-well="A4"]'].text != "×"
    assert page.errors() == []


def test_a_384_well_plate_has_all_its_wells(reader, fit_of):
    page = reader.open(fit_page(fit_of(size=384, analytes=["IL-6"])))
    assert len(page.all("#map-host button.well")) == 384
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
