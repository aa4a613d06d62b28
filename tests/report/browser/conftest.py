"""A browser, and a reader who works in it.

Debian's chromium (packages chromium and chromium-driver); the tests are skipped where it is absent.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cytokit.report.page import fit_page

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
        missing = "chromium or chromedriver not found: apt-get install chromium chromium-driver"
        if os.environ.get("CYTOKIT_REQUIRE_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
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

    def exclude(self, well: str, reason: str, who: str, *, everything: bool = False) -> None:
        self[f'[data-well="{well}"]'].click()
        if everything:
            self["#ask-all"].click()
        self["#ask-reason"].clear()
        self["#ask-reason"].send_keys(reason)
        self["#ask-who"].clear()
        self["#ask-who"].send_keys(who)
        self["#ask-apply"].click()

    def saved(self) -> Path:
        """Save the exclusions and wait for the file."""
        path = self.folder / "exclusions.csv"
        path.unlink(missing_ok=True)
        self["#exclusions-save"].click()
        end = time.monotonic() + 10
        while not path.exists():
            assert time.monotonic() < end, "the file was not saved within 10 s"
            time.sleep(0.02)
        return path


@pytest.fixture
def reader(chromium: Any, tmp_path: Path) -> Iterator[Reader]:
    yield Reader(chromium, tmp_path)
    chromium.get("about:blank")


@pytest.fixture
def page(reader: Reader, small_fit: Any) -> Reader:
    """The page of the small fit, open."""
    return reader.open(fit_page(small_fit))
