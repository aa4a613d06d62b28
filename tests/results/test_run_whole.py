"""run_study with true fits and comparisons: the same bytes, and all of it verifies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cytokit.errors import PrivacyError
from cytokit.folder import read_manifest
from cytokit.results.study_run import plan_study, run_study
from cytokit.results.verify import verify

FOLDERS = ("plates/plate_1", "plates/plate_2", "plates/plate_3")


def design_names() -> list[str]:
    """Samples and subjects of the design, each once."""
    rows = [row.split(",")[:2] for row in Path("design.csv").read_text().splitlines()[1:]]
    return list(dict.fromkeys(name for row in rows for name in row))


def reasons(**overrides: object) -> list[tuple[str, ...]]:
    """Why each plate is to be fitted; last, why the comparison is to be made."""
    plan = plan_study("study.toml", overrides=overrides)
    return [*(step.reasons for step in plan.steps), plan.comparison]


def test_everything_a_run_wrote_verifies_from_anywhere(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = study.rename(study.with_name("elsewhere"))
    monkeypatch.chdir(moved.parent)
    result = verify(moved / "results")
    assert result.differences == ()
    assert {"plates/plate_2/samples.csv", "compare/comparisons.csv"} <= set(result.checked)


def test_bytes_do_not_depend_on_the_number_of_processes(study: Path, tree) -> None:
    whole = tree(study / "results/plates")
    shutil.rmtree(study / "results")
    Path("study.toml").write_text(Path("study.toml").read_text().replace("design =", "# design ="))
    done = run_study("study.toml", jobs=2)
    assert (done.made, done.comparison) == (FOLDERS, "none")
    assert tree(study / "results/plates") == whole


def test_verifying_a_run_names_what_was_changed_in_which_folder(study: Path) -> None:
    shutil.rmtree("results/compare")
    with Path("results/plates/plate_1/samples.csv").open("a") as file:
        file.write("made up\n")
    differences = verify("results").differences
    assert "plates/plate_1: output samples.csv was changed after the run" in differences
    assert "output compare/manifest.json is missing" in differences
    assert any(one.startswith("compare: the folder holds no manifest.json") for one in differences)


@pytest.mark.slow
def test_a_partial_comparison_is_made_where_asked_for_and_verifies(fresh: Path) -> None:
    Path("plate_2.csv").write_text("no plate")
    Path("study.toml").write_text(
        Path("study.toml").read_text().replace('"plate_?.csv"', '"plate_1.csv", "plate_2.csv"')
    )
    design = Path("design.csv").read_text().splitlines()
    Path("design.csv").write_text("\n".join(row for row in design if "P3-" not in row) + "\n")
    said: list[str] = []
    done = run_study("study.toml", partial=True, say=said.append)
    assert (done.comparison, done.exit_code) == ("made", 3)
    assert "partial: 8 samples of plates that failed count as missing" in said
    partial = Path("results/compare/partial_design.csv").read_text()
    assert partial.count("missing") == 8
    sentence = "plate_2.csv failed in the run: it has no results to verify"
    assert verify("results").differences == (sentence,)
    assert verify("results/compare").differences == ()
    assert run_study("study.toml", partial=True).comparison == "finished"


def test_a_comparison_that_fails_leaves_the_plates_whole(study: Path, tree) -> None:
    before = tree(study / "results/plates")
    done = run_study("study.toml", overrides={"reference": "contrl"})
    assert (done.folders, done.comparison) == (FOLDERS, "failed")
    assert "did you mean 'control'?" in str(done.error)
    assert done.exit_code == 2
    assert tree(study / "results/plates") == before


@pytest.mark.slow
def test_plates_that_share_a_name_are_told_apart_and_verify(fresh: Path) -> None:
    text = Path("plate_3.csv").read_text()
    Path("plate_3.csv").write_text(text.replace("plate_3", "plate_1"))
    done = run_study("study.toml", overrides={"out": "other"})
    assert done.folders == ("plates/plate_1+1", "plates/plate_2")
    assert any("name their plates alike" in note for note in done.notes)
    curves = Path("other/plates/plate_1+1/curves.csv").read_text()
    assert "plate_1 (plate_1)" in curves
    assert "plate_1 (plate_3)" in curves
    assert verify("other/plates/plate_1+1").differences == ()


@pytest.mark.slow
def test_pooled_plates_verify(fresh: Path) -> None:
    done = run_study("study.toml", overrides={"pool": True})
    assert (done.folders, done.comparison) == (("fit",), "made")
    assert verify("results/fit").differences == ()
    assert verify("results/compare").differences == ()


@pytest.mark.slow
def test_excluded_wells_verify(fresh: Path, edit) -> None:
    Path("x.csv").write_text("plate,well,analyte,reason,who\nplate_2,A1,,bubble,kb\n")
    edit(Path("study.toml"), "exclusions", 'file = "x.csv"')
    edit(Path("study.toml"), "study", 'leave_out = ["plate_1.csv", "plate_3.csv"]')
    run_study("study.toml")
    assert len(read_manifest("results/plates/plate_2")["excluded"]) == 1
    assert verify("results/plates/plate_2").differences == ()


@pytest.mark.slow
def test_pseudonyms_stand_in_every_folder(fresh: Path, edit) -> None:
    secret = {name: f"N{at}" for at, name in enumerate(design_names())}
    table = "sample,pseudonym\n" + "".join(f"{one},{two}\n" for one, two in secret.items())
    Path("names.csv").write_text(table)
    edit(Path("study.toml"), "study", 'pseudonyms = "names.csv"')
    done = run_study("study.toml")
    assert done.exit_code == 0, done.error
    written = b"".join(path.read_bytes() for path in Path("results").rglob("*.*"))
    assert b"P1-S01" not in written
    assert verify("results/plates/plate_1").differences == ()
    assert verify("results/compare").differences == ()
    assert run_study("study.toml").made == ()
    Path("names.csv").write_text(table.replace("P2-S01-D0,", "nobody,"))
    with pytest.raises(PrivacyError, match="CK-585"):
        run_study("study.toml")


@pytest.mark.slow
def test_a_partial_comparison_would_write_names_that_are_secret(fresh: Path, edit) -> None:
    Path("plate_3.csv").write_text(Path("plate_3.csv").read_text()[:2000])
    Path("names.csv").write_text(
        "sample,pseudonym\n" + "".join(f"{one},N{at}\n" for at, one in enumerate(design_names()))
    )
    edit(Path("study.toml"), "study", 'pseudonyms = "names.csv"')
    done = run_study("study.toml", partial=True)
    assert done.comparison == "failed"
    assert "CK-652" in str(done.error)
