"""The page of many plates in a browser: find, choose, sort; nothing runs, nothing is asked."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from cytokit.flags import findings_table
from cytokit.options import FitOptions
from cytokit.report.overview import PlateLine, overview_page

pytestmark = pytest.mark.browser

GOOD = PlateLine(
    plate="run 10",
    file="run_10.csv",
    format="xponent",
    verdict="report",
    curves_good=1,
    curves_usable=0,
    curves_poor=0,
    curves_failed=0,
    n_in_range=9,
    n_results=10,
    n_fail=0,
    n_warn=0,
    page="plates/00001_run_10.html",
    sentence="This plate can be reported: 1 of 1 curves are good or usable; 9 of 10 in range.",
)
LINES = [
    GOOD,
    replace(GOOD, plate="run 2", file="run_2.csv", n_in_range=3),
    replace(
        GOOD,
        plate="<img src=x onerror=alert(1)>",
        file="other.csv",
        verdict="hold",
        n_fail=2,
        n_results=0,
    ),
]


def html() -> str:
    rows = [
        (line.plate, "IL-6", "good", 2.0, 900.0, "pg/mL", line.n_in_range, 10, "") for line in LINES
    ]
    columns = [
        *("plate", "analyte", "verdict", "lloq", "uloq", "unit"),
        *("n_in_range", "n_samples", "reason"),
    ]
    summary = pd.DataFrame(rows, columns=columns)
    return overview_page(LINES, summary, findings_table([]), FitOptions())


def test_plates_are_found_chosen_and_sorted(reader):
    page = reader.open(html())
    names = "#plate-table tbody tr th a"
    assert page.texts(names) == [line.plate for line in LINES]
    assert page.texts("#plate-count") == ["3 plates shown"]
    page.choose("#plate-search", "run")
    assert page.texts(names) == ["run 10", "run 2"]
    page.choose("#plate-search", "")
    page.choose("#plate-verdict", "hold")
    assert page.texts(names) == ["<img src=x onerror=alert(1)>"]
    page.choose("#plate-verdict", "")
    page.js("document.querySelector('#plate-table th:first-child button').click()")
    assert page.texts(names) == ["<img src=x onerror=alert(1)>", "run 2", "run 10"]
    page.js("document.querySelector('#plate-table th:nth-child(5) button').click()")
    assert page.texts(names)[1:] == ["run 2", "run 10"]
    assert page.errors() == []
    assert page.requests() == []


def test_a_narrow_screen_scrolls_the_table_and_not_the_page(reader):
    page = reader.open(html())
    page.run("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1,
             mobile=True)  # fmt: skip
    try:
        wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.js(wide) <= 0
    finally:
        page.run("Emulation.clearDeviceMetricsOverride")
