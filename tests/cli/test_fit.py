"""``cytokit fit``: what it writes, and what it says of bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from cytokit.folder import sha256_of
from cytokit.schema import TABLES

TABLES = {
    "wells.csv": TABLES["wells"].names,
    "samples.csv": TABLES["samples"].names,
    "standards.csv": TABLES["standards"].names,
    "curves.csv": TABLES["curves"].names,
    "flags.csv": TABLES["flags"].names,
}


def test_a_fit_writes_the_files_of_the_contract(run, bench: Path) -> None:
    outcome = run("fit", "plate.csv")
    assert outcome.code == 0, outcome.err
    folder = bench / "plate_cytokit"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*TABLES, "manifest.json", "report.html", "results.xlsx"]
    )
    for name, columns in TABLES.items():
        header = (folder / name).read_text(encoding="utf-8").splitlines()[0].split(",")
        assert header[: len(columns)] == list(columns)
    for word in ("analyte", "verdict", "LLOQ-ULOQ", "in range", "IL-6"):
        assert word in outcome.out


def test_no_empty_concentration_without_a_status_that_says_why(run, bench: Path) -> None:
    assert run("fit", "plate_1.csv", "plate_2.csv", "plate_3.csv").code == 0
    samples = pd.read_csv(bench / "cytokit_fit" / "samples.csv", keep_default_na=False)
    empty = samples[samples["concentration"] == ""]
    assert set(empty["status"]) <= {"oor_low", "oor_high", "no_curve", "not_measured", "excluded"}
    full = samples[samples["concentration"] != ""]
    assert set(full["status"]) <= {"in_range", "below_lloq", "above_uloq"}
    low = samples[samples["status"] == "oor_low"]
    assert (low["limit_low"] != "").all()
    high = samples[samples["status"] == "oor_high"]
    assert (high["limit_high"] != "").all()


def test_the_manifest_names_inputs_options_and_outputs(run, bench: Path) -> None:
    assert run("fit", "plate.csv", "--profile", "kit").code == 0
    manifest = json.loads((bench / "plate_cytokit/manifest.json").read_text())
    assert manifest["options"]["profile"] == "kit"
    assert manifest["inputs"][0]["sha256"] == sha256_of(bench / "plate.csv")
    assert manifest["inputs"][0]["format"] == "xponent"
    for output in manifest["outputs"]:
        assert output["sha256"] == sha256_of(bench / "plate_cytokit" / output["name"])


def test_the_same_input_gives_the_same_bytes(run, bench: Path) -> None:
    for name in ("one", "two"):
        assert run("fit", "plate.csv", "--out", name).code == 0
    for path in (bench / "one").iterdir():
        assert path.read_bytes() == (bench / "two" / path.name).read_bytes(), path.name


def test_nothing_is_overwritten_without_force(run, bench: Path) -> None:
    assert run("fit", "plate.csv").code == 0
    again = run("fit", "plate.csv")
    assert again.code == 2
    assert "CK-501" in again.err
    assert run("fit", "plate.csv", "--force").code == 0


def test_excluded_wells_are_named_and_left_out(run, bench: Path) -> None:
    exclusions = "plate,well,analyte,reason,who\nplate_1,C1,IL-6,bubble,anna\n"
    (bench / "leave_out.csv").write_text(exclusions)
    assert run("fit", "plate.csv", "--exclude", "leave_out.csv").code == 0
    wells = pd.read_csv(bench / "plate_cytokit/wells.csv")
    status = wells[(wells["well"] == "C1") & (wells["analyte"] == "IL-6")]["status"]
    assert list(status) == ["excluded"]
    manifest = json.loads((bench / "plate_cytokit/manifest.json").read_text())
    assert manifest["excluded"][0]["who"] == "anna"


def test_one_bad_plate_does_not_stop_the_others(run, bench: Path) -> None:
    (bench / "broken.csv").write_text('"Program","xPONENT"\r\n"Build","4.2"\r\n')
    outcome = run("fit", "plate_1.csv", "broken.csv", "plate_2.csv")
    assert outcome.code == 3
    assert "broken.csv" in outcome.err
    plates = pd.read_csv(bench / "cytokit_fit/curves.csv")["plate"].unique()
    assert list(plates) == ["plate_1", "plate_2"]


@pytest.mark.parametrize("profile", ["research", "kit", "m10"])
def test_a_control_that_fails_holds_the_plate_in_every_profile(
    run, bench: Path, profile: str
) -> None:
    text = (bench / "plate.csv").read_bytes()
    start = text.index(b'"DataType:","Control Range - High"')
    end = text.index(b'"DataType:"', start + 5)
    block = text[start:end].replace(b'"260"', b'"150"')
    (bench / "plate.csv").write_bytes(text[:start] + block + text[end:])
    words = ["fit", "plate.csv", "--profile", profile]
    outcome = run(*words, "--out", "relaxed")
    assert outcome.code == 0
    sentence = "Hold this plate until its failures are settled: 6 of 6 curves are good or usable;"
    assert f"plate_1: hold. {sentence}" in outcome.err
    assert "control outside its range (6)" in outcome.err
    assert run(*words, "--strict", "--out", "strict").code == 1
    flags = pd.read_csv(bench / "strict" / "flags.csv")
    outside = flags[flags["code"] == "control_out_of_range"]
    assert set(outside["sample"]) == {"Control1"}
    assert outside["analyte"].nunique() == 6
    # page, workbook and manifest say what the terminal says
    assert sentence in (bench / "strict" / "report.html").read_text()
    manifest = json.loads((bench / "strict" / "manifest.json").read_text())
    assert [row["verdict"] for row in manifest["verdicts"]] == ["hold"]
    book = openpyxl.load_workbook(bench / "strict" / "results.xlsx")
    notes = [[cell.value for cell in row] for row in book["Notes"].iter_rows()]
    assert any(sentence in str(cell) for row in notes for cell in row)


BAD = {
    "nosuch.csv": (None, 3, "no such file"),
    "empty.csv": (b"", 3, "empty"),
    "paper.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", 3, "PDF"),
    "picture.png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", 3, "PNG"),
    "notes.txt": (b"Dear colleague, the plate is in the freezer.\n", 3, "notes.txt"),
    "nothing": ("folder", 4, "nothing"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_with_its_exit_code(run, bench: Path, name: str) -> None:
    content, code, word = BAD[name]
    if content == "folder":
        (bench / name).mkdir()
    elif isinstance(content, bytes):
        (bench / name).write_bytes(content)
    outcome = run("fit", name)
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert outcome.err.startswith("error CK-")
    assert word in outcome.err
    assert "mend:" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_truncated_export_says_where_it_ends(run, bench: Path) -> None:
    whole = (bench / "plate.csv").read_bytes()
    (bench / "plate.csv").write_bytes(whole[: len(whole) // 3])
    outcome = run("fit", "plate.csv")
    assert outcome.code == 3
    assert "line" in outcome.err


def test_a_plate_without_standards_has_no_curves_but_says_so(run, bench: Path) -> None:
    text = (bench / "plate.csv").read_bytes()
    start = text.index(b'"DataType:","Standard Expected Concentration"')
    end = text.index(b'"DataType:","Control Expected Concentration"')
    (bench / "plate.csv").write_bytes(text[:start] + text[end:])
    outcome = run("fit", "plate.csv")
    assert outcome.code == 3, outcome.err
    assert "plate_1: failed. Nothing of this plate can be reported: 0 of 6 curves" in outcome.err
    assert "no curve for IFNg, IL-6, TNFa and 3 more: 0 usable standard levels" in outcome.err
    assert "--layout" in outcome.err
    curves = pd.read_csv(bench / "plate_cytokit/curves.csv")
    assert set(curves["verdict"]) == {"failed"}
    assert curves["reason"].str.contains("standard").all()
    samples = pd.read_csv(bench / "plate_cytokit/samples.csv")
    assert set(samples["status"]) == {"no_curve"}


def test_fewer_than_five_usable_levels(run, bench: Path) -> None:
    lines = ["plate,well,analyte,reason,who"]
    wells = ["C1", "D1", "E1", "F1", "G1", "H1", "A2", "B2", "C2", "D2"]
    lines += [f"plate_1,{well},IL-6,test,me" for well in wells]
    (bench / "leave_out.csv").write_text("\n".join(lines) + "\n")
    assert run("fit", "plate.csv", "--exclude", "leave_out.csv").code == 0
    curves = pd.read_csv(bench / "plate_cytokit/curves.csv").set_index("analyte")
    assert curves.loc["IL-6", "verdict"] == "failed"
    assert "3" in curves.loc["IL-6", "reason"]
    assert (curves.drop("IL-6")["verdict"] != "failed").all()


def test_the_precision_asked_for_and_a_declared_dilution_error_count(run, bench: Path) -> None:
    found = {}
    for name, words in {
        "plain": [],
        "strict": ["--max-cv-pct", "8"],
        "declared": ["--dilution-error-pct", "10"],
    }.items():
        assert run("fit", "plate.csv", "--out", name, *words).code == 0
        found[name] = pd.read_csv(bench / name / "curves.csv", index_col="analyte")["lloq"]
    assert (found["strict"] > found["plain"]).all()
    assert (found["declared"] > found["plain"]).all()
    assert run("fit", "plate.csv", "--max-cv-pct", "0").code == 2


def grouped(path: Path) -> None:
    """An export as a spreadsheet saves it: whole numbers, thousands grouped by commas."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'"(-?\d+(?:\.\d+)?)"', lambda found: f'"{float(found[1]):,.0f}"', text)
    path.write_text(text, encoding="utf-8")


def test_marks_that_nothing_proves_are_asked_for_and_the_answer_is_recorded(
    run, bench: Path
) -> None:
    grouped(bench / "plate.csv")
    for command in (("fit",), ("inspect",), ("reconcile",), ("convert", "--to", "tidy.csv")):
        refused = run(command[0], "plate.csv", *command[1:])
        assert refused.code == 3, command
        assert "CK-245" in refused.err
        assert "can be read in two ways" in refused.err
        assert "--decimal comma or --decimal point" in refused.err
    assert run("inspect", "plate.csv", "--decimal", "point").code == 0
    assert run("convert", "plate.csv", "--to", "tidy.csv", "--decimal", "point").code == 0
    assert pd.read_csv("tidy.csv")["mfi"].max() > 1000
    done = run("fit", "plate.csv", "--decimal", "point")
    assert done.code == 0, done.err
    assert pd.read_csv("plate_cytokit/wells.csv")["mfi"].max() > 1000
    manifest = json.loads((bench / "plate_cytokit/manifest.json").read_text())
    assert [entry["decimal"] for entry in manifest["inputs"]] == ["point"]
    again = run("verify", "plate_cytokit")
    assert again.code == 0, again.out


def test_the_decimal_mark_of_a_study_file_reaches_its_plates(run, bench: Path) -> None:
    grouped(bench / "plate.csv")
    (bench / "study.toml").write_text('[study]\nplates = ["plate.csv"]\n', encoding="utf-8")
    assert run("run", "study.toml").code == 3
    text = '[study]\nplates = ["plate.csv"]\n[fit]\ndecimal = "point"\n'
    (bench / "study.toml").write_text(text, encoding="utf-8")
    done = run("run", "study.toml")
    assert done.code == 0, done.err
    wells = pd.read_csv("results/plates/plate/wells.csv")
    assert wells["mfi"].max() > 1000
    assert run("run", "study.toml", "--dry-run").code in (0, 4)
    assert run("verify", "results/plates/plate").code == 0
