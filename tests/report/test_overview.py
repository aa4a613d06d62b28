"""The page of many plates, their table and their workbook."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from cytokit.flags import Finding, findings_table
from cytokit.options import FitOptions
from cytokit.report import overview
from cytokit.report import workbook as many
from cytokit.report.overview import PlateLine, beside_others, lines_table, overview_page, page_name
from cytokit.report.tables import write_table
from cytokit.schema import TABLES
from cytokit.tables.exclusions import no_exclusions

GOOD = PlateLine(
    plate="P1",
    file="p1.csv",
    format="xponent",
    verdict="report",
    curves_good=2,
    curves_usable=0,
    curves_poor=0,
    curves_failed=0,
    n_in_range=70,
    n_results=76,
    n_fail=0,
    n_warn=0,
    page="plates/00001_P1.html",
    sentence="This plate can be reported: 2 of 2 curves are good or usable; 70 of 76 sample "
    "results are in range (6 below).",
)
POOR = replace(
    GOOD,
    plate="<script>alert(1)</script>",
    verdict="hold",
    curves_good=1,
    curves_failed=1,
    n_fail=3,
    page="plates/00002_script & more.html",
    sentence="Hold this plate until its failures are settled: 1 of 2 curves are good or usable, "
    "1 failed (IL-6); 30 of 76 sample results are in range; to be settled: too few beads (3).",
)


def summary(lines: list[PlateLine]) -> pd.DataFrame:
    rows = [
        {
            "plate": line.plate,
            "analyte": analyte,
            "verdict": line.verdict,
            "lloq": 2.0 + number,
            "uloq": 900.0,
            "unit": "pg/mL",
            "n_in_range": 35,
            "n_samples": 38,
            "reason": "",
        }
        for number, line in enumerate(lines)
        for analyte in ("IL-6", "<b>TNF</b>")
    ]
    return pd.DataFrame(rows)


def page(lines: list[PlateLine], findings: list[Finding] | None = None) -> str:
    return overview_page(lines, summary(lines), findings_table(findings or []), FitOptions())


def test_every_plate_has_a_row_with_a_link_and_what_is_wrong_with_it() -> None:
    found = page([GOOD, POOR])
    assert '<a href="plates/00001_P1.html">P1</a>' in found
    assert '<a href="plates/00002_script%20%26%20more.html">' in found
    assert "1 failed (IL-6); to be settled: too few beads (3)" in found
    assert re.search(r'<td class="why"></td>', found), "a good plate has nothing to be told"


def test_names_from_files_are_text() -> None:
    found = page([GOOD, POOR], [Finding("same_file", "<i>twice</i>", plate=POOR.plate)])
    for evil in ("<script>alert(1)", "<b>TNF</b>", "<i>twice"):
        assert evil not in found
    assert "&lt;script&gt;alert(1)" in found
    assert found.count("<script>") == 1


def test_the_same_plates_give_the_same_page() -> None:
    assert page([GOOD, POOR]) == page([GOOD, POOR])


def test_limits_over_plates_are_their_median_and_their_ends() -> None:
    found = page([GOOD, POOR])
    assert '<td class="num" data-v="2.5">2.5</td><td class="num quiet">2 to 3</td>' in found


def test_units_that_differ_give_no_common_limit() -> None:
    lines = [GOOD, POOR]
    table = summary(lines)
    table.loc[0, "unit"] = "ng/mL"
    found = overview_page(lines, table, findings_table([]), FitOptions())
    assert "several units" in found


def test_of_too_many_plates_the_worst_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "MOST_ROWS", 2)
    lines = [replace(GOOD, plate=f"G{number}") for number in range(3)]
    found = page([*lines, POOR])
    assert "2 more stand in plates.csv" in found
    assert "&lt;script&gt;" in found
    assert "G0" in found
    assert "G2" not in found


def test_a_good_plate_that_others_speak_against_is_good_no_longer() -> None:
    line = beside_others(GOOD, [Finding("low_signal", "reads 20 %", plate="P1")])
    assert (line.verdict, line.n_warn) == ("look", 1)
    assert line.sentence.startswith("Look at this plate before you report it: 2 of")
    assert line.sentence.endswith("; beside the other plates: low signal on the whole plate.")
    assert beside_others(GOOD, []) is GOOD
    assert beside_others(POOR, [Finding("low_signal", "x", plate="P1")]).verdict == "hold"


def test_page_names_are_short_and_stay_in_their_folder() -> None:
    for name in ("../../etc/passwd", "/abs", "..", "", "a\\b", "x" * 400, "ß" * 100):
        found = page_name(3, name)
        assert found.startswith("plates/00003_")
        assert re.fullmatch(r"plates/[\w.-]+\.html", found)
        assert len(found.encode()) < 100


def test_lines_are_a_table() -> None:
    table = lines_table([GOOD, POOR])
    assert list(table.columns) == TABLES["plates"].names
    assert table["n_fail"].tolist() == [0, 3]


@pytest.fixture
def folder(tmp_path: Path, fitted) -> Path:
    """A folder with the tables of a fit."""
    write_table(fitted.samples, tmp_path / "samples.csv")
    write_table(fitted.curves.table, tmp_path / "curves.csv")
    write_table(fitted.flags, tmp_path / "flags.csv")
    return tmp_path


@pytest.fixture(scope="module")
def fitted():
    from cytokit.curves.platefit import fit
    from cytokit.simulate.trials import simulate_trial

    return fit(simulate_trial(seed=1, subjects=8).plates)


def counts(fitted) -> dict[str, int]:
    return {
        "wells": len(fitted.wells),
        "samples": len(fitted.samples),
        "standards": len(fitted.standards),
        "curves": len(fitted.curves),
        "flags": len(fitted.flags),
    }


def sheets(folder: Path) -> dict[str, list[list[object]]]:
    book = openpyxl.load_workbook(io.BytesIO((folder / "results.xlsx").read_bytes()))
    return {
        sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book
    }


def test_the_workbook_of_many_plates_holds_what_people_open(folder: Path, fitted) -> None:
    many.write_many_workbook(folder, lines_table([GOOD, POOR]), no_exclusions(), counts(fitted))
    found = sheets(folder)
    assert list(found) == ["Plates", "Samples", "Curves", "Flags", "Exclusions", "Notes"]
    assert [row[0] for row in found["Plates"]] == ["plate", "P1", POOR.plate]
    assert len(found["Curves"]) == len(fitted.curves) + 1
    notes = [[cell for cell in row if cell] for row in found["Notes"]]
    for sheet in ("Samples tidy", "Standards", "Wells"):
        assert [sheet, "Of many plates it stands beside this workbook as CSV alone."] in notes


def test_tables_too_long_for_a_sheet_are_left_to_csv(
    folder: Path, fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "LONGEST", 1)
    many.write_many_workbook(folder, lines_table([GOOD, POOR]), no_exclusions(), counts(fitted))
    found = sheets(folder)
    assert list(found) == ["Plates", "Exclusions", "Notes"]
    assert len(found["Plates"]) == 2
    told = [[cell for cell in row if cell] for row in found["Notes"]]
    assert ["Plates", "The first 1; all are in plates.csv."] in told
    for sheet in ("Samples", "Curves", "Flags"):
        text = "More than 1 rows: it stands beside this workbook as CSV alone."
        assert [sheet, text] in told
