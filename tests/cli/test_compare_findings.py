"""What was noticed about the data reaches every output of a comparison."""

from __future__ import annotations

import csv
import html
import json
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook

from cytokit.flags import FLAGS

ASKED = ("--reference", "control", "--no-baseline")


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "flags.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page_text(folder: Path) -> str:
    return html.unescape((folder / "report.html").read_text(encoding="utf-8"))


def sheet_rows(folder: Path) -> list[tuple[object, ...]]:
    return list(load_workbook(folder / "results.xlsx")["Flags"].iter_rows(values_only=True))


def assert_everywhere(folder: Path, outcome, codes: set[str]) -> None:
    """Each finding of flags.csv is on the terminal, the page, in workbook, methods, manifest."""
    rows = rows_of(folder)
    assert codes <= {row["code"] for row in rows}
    page = page_text(folder)
    methods = (folder / "methods.md").read_text(encoding="utf-8")
    counts = json.loads((folder / "manifest.json").read_text())["findings"]
    sheet = sheet_rows(folder)
    for row in rows:
        title = FLAGS[row["code"]].title
        alike = [
            one for one in rows if (one["code"], one["severity"]) == (row["code"], row["severity"])
        ]
        assert f"{title} ({len(alike)})" in outcome.err
        assert row["code"] == "plate_confounded" or f"{title} ({len(alike)})" in methods
        assert row["message"] in page
        assert counts[row["severity"]][row["code"]] == len(alike)
        assert any({row["code"], row["message"]} <= set(line) for line in sheet)
    order = ["fail", "warn", "info"]
    severities = [row["severity"] for row in rows]
    assert severities == sorted(severities, key=order.index)


@pytest.mark.parametrize(
    ("name", "codes", "asked"),
    [
        ("nd.csv", set(), ASKED),
        ("lt5.csv", set(), ASKED),
        ("oor.csv", {"limit_unknown", "limit_assumed"}, ("--reference", "control")),
        ("dup.csv", {"repeated_sample"}, ("--reference", "control")),
        ("nbsp.xlsx", set(), ASKED),
    ],
)
def test_a_table_s_findings_are_in_every_output(
    run, tmp_path: Path, cases: Path, name: str, codes: set[str], asked: tuple[str, ...]
) -> None:
    from cytokit.trial.study import Study

    source = cases / "more/05_warnings_never_shown" / name
    outcome = run("compare", source, *asked, "--out", tmp_path / "o")
    if outcome.code in (2, 3):  # a refusal is no silence
        assert "error CK-" in outcome.err
        return
    assert outcome.code == 0, outcome.err
    assert_everywhere(tmp_path / "o", outcome, codes)
    known = Study(source).findings
    assert {(one.code, one.message) for one in known} == {
        (row["code"], row["message"]) for row in rows_of(tmp_path / "o")
    }


def odd_table(path: Path) -> None:
    """A damaged cell, limits that nobody states, an analyte below range throughout."""
    lines = ["subject,group,day,IL-6,TNF,IL-8"]
    for number in range(8):
        group = "control" if number % 2 else "treated"
        six = "12.Mrz" if number == 3 else f"{10 + number}"
        lines.append(f"s{number},{group},6,{six},OOR <,{'OOR <' if number < 2 else 40 + number}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_findings_are_counted_on_the_terminal_and_listed_in_json(run, tmp_path: Path) -> None:
    odd_table(tmp_path / "t.csv")
    outcome = run("compare", tmp_path / "t.csv", *ASKED, "--out", tmp_path / "o")
    assert outcome.code == 0, outcome.err
    codes = {"damaged_value", "limit_unknown", "limit_assumed", "columns_recognised"}
    assert_everywhere(tmp_path / "o", outcome, codes)
    assert "'12.Mrz' is neither a number nor a known flag" in outcome.err
    told = run("compare", tmp_path / "t.csv", *ASKED, "--out", tmp_path / "o", "--force", "--json")
    found = json.loads(told.out)["findings"]
    assert found == rows_of(tmp_path / "o")


def test_an_analyte_below_range_throughout_is_tabled_and_drawn_as_that(run, tmp_path: Path) -> None:
    odd_table(tmp_path / "t.csv")
    assert run("compare", tmp_path / "t.csv", *ASKED, "--out", tmp_path / "o").code == 0
    summary = pd.read_csv(tmp_path / "o/summary.csv").query("analyte == 'TNF'")
    assert summary[["n", "n_below", "n_above"]].values.tolist() == [[4, 4, 0], [4, 4, 0]]
    assert summary["median"].isna().all()
    (row,) = (
        pd.read_csv(tmp_path / "o/comparisons.csv").query("analyte == 'TNF'").to_dict("records")
    )
    assert (row["pct_below_treated"], row["pct_below_control"]) == (100, 100)
    assert row["flags"].startswith("not_analysed: 100 % of the values out of range")
    pictures = (tmp_path / "o/report.html").read_text(encoding="utf-8")
    assert "no readings" not in pictures


def test_the_findings_are_verified_where_the_study_was_moved(run, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    odd_table(here / "t.csv")
    assert run("compare", here / "t.csv", *ASKED, "--out", here / "o").code == 0
    assert any(str(here) in row["message"] for row in rows_of(here / "o"))
    here.rename(there)
    again = run("verify", there / "o")
    assert again.code == 0, again.out + again.err
    with (there / "o/flags.csv").open("a", encoding="utf-8") as file:
        file.write(",,,,hook,warn,nothing\n")
    again = run("verify", there / "o")
    assert "output flags.csv was changed after the run" in again.out + again.err


def test_words_from_a_file_neither_steer_the_terminal_nor_the_page(run, tmp_path: Path) -> None:
    odd_table(tmp_path / "t.csv")
    text = (
        (tmp_path / "t.csv")
        .read_text()
        .replace("12.Mrz", "<script>x()")
        .replace("TNF", "TN\u202eF")
    )
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    outcome = run("compare", tmp_path / "t.csv", *ASKED, "--out", tmp_path / "o")
    assert outcome.code == 0, outcome.err
    assert "TN?F: 8 of 8 readings" in outcome.err
    assert "\u202e" not in outcome.err
    assert "<script>x()" not in (tmp_path / "o/report.html").read_text(encoding="utf-8")


def test_a_path_is_named_anew_as_a_whole(tmp_path: Path) -> None:
    from cytokit.flags import Finding, finding_lines, relocated

    seen = [Finding("limit_unknown", f"{tmp_path}/a.csv: 2 readings", analyte="IL-6")]
    moved = relocated(seen, {f"{tmp_path}/a.csv": "a.csv", "a": "b"})
    assert finding_lines(moved) == [
        "warn: out of range, and no limit given (1): IL-6: a.csv: 2 readings"
    ]
