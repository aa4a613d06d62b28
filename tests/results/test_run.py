"""run_study: each plate once, whole folders, nothing of different options together."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from cytokit.curves.platefit import fit
from cytokit.errors import InputError, OutputError, UsageError
from cytokit.folder import OutputFolder, read_manifest
from cytokit.plate import Plate
from cytokit.results import study_plates as work
from cytokit.results.study_plates import PlateFile, SurveyedFile, sharing_names
from cytokit.results.study_run import RunFolder, plan_study, run_study

pytestmark = pytest.mark.usefixtures("quick")

FOLDERS = ("plates/plate_1", "plates/plate_2", "plates/plate_3")


def reasons(**overrides: object) -> list[tuple[str, ...]]:
    """Why each plate is to be fitted; last, why the comparison is to be made."""
    plan = plan_study("study.toml", overrides=overrides)
    return [*(step.reasons for step in plan.steps), plan.comparison]


def test_a_finished_study_is_not_touched_again(study: Path, tree) -> None:
    before = tree(study)
    done = run_study("study.toml")
    assert (done.folders, done.made, done.comparison) == (FOLDERS, (), "finished")
    assert done.exit_code == 0
    assert tree(study) == before
    assert "3 folders of plates, 0 made now, 0 failed" in repr(done)


def test_other_options_are_why_plates_are_to_be_done(study: Path) -> None:
    assert reasons(weights="1/y2")[:3] == [("weights was model, is 1/y2",)] * 3
    assert reasons(weights="1/y2")[3] == ("the plates' results will change",)
    assert reasons(between="welch") == [(), (), (), ("between was ancova, is welch",)]
    assert reasons(style="lanzoni")[3] == ("gate was True, is False", "style was trial, is lanzoni")
    assert reasons(day=[6])[3] == ("day was 6, is [6]",)
    assert reasons(max_cv_pct=20) == [(), (), (), ()]


def test_a_changed_plate_is_fitted_again_alone(study: Path) -> None:
    before = read_manifest("results/plates/plate_1")
    with Path("plate_2.csv").open("ab") as file:
        file.write(b"\r\n")
    assert reasons()[:3] == [(), ("plate plate_2.csv has changed",), ()]
    said: list[str] = []
    done = run_study("study.toml", say=said.append)
    assert done.made == ("plates/plate_2",)
    assert "plates/plate_2: plate plate_2.csv has changed (1 of 1)" in said
    assert "compare: the plates' results, or their order, have changed" in said
    assert done.comparison == "made"
    assert read_manifest("results/plates/plate_1") == before


def test_what_stands_must_be_what_was_written(study: Path) -> None:
    with Path("results/plates/plate_1/samples.csv").open("a") as file:
        file.write("edited\n")
    Path("results/plates/plate_2/report.html").unlink()
    Path("results/plates/plate_3/manifest.json").write_text("{")
    Path("results/compare/panels.svg").unlink()
    one, two, three, _ = reasons()
    assert one == ("output samples.csv was changed after the run",)
    assert two == ("output report.html is missing",)
    assert three[0].startswith("the manifest cannot be read")


def test_another_version_of_a_library_is_a_reason(study: Path) -> None:
    path = Path("results/plates/plate_1/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["versions"]["cytokit"] = "0.0.1"
    manifest["outputs"].pop()
    path.write_text(json.dumps(manifest))
    now = read_manifest("results/plates/plate_2")["versions"]["cytokit"]
    assert reasons()[0] == (f"cytokit was 0.0.1, is {now}",)


def test_a_manifest_without_outputs_proves_nothing(study: Path) -> None:
    path = Path("results/plates/plate_1/manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "outputs": []}))
    assert reasons()[0] == ("the manifest lists no outputs",)


def test_plates_of_other_options_are_never_compared_together(study: Path, edit) -> None:
    edit(Path("study.toml"), "fit", 'weights = "1/y2"')
    (Path("results/plates/plate_3")).rename("kept")
    done = run_study("study.toml")
    assert done.made == FOLDERS
    used = {read_manifest(f"results/{name}")["options"]["weights"] for name in done.folders}
    assert used == {"1/y2"}
    asked = read_manifest("results/compare")["study"]["plates"]
    assert tuple(asked) == FOLDERS


def test_the_record_says_which_options_were_overridden(study: Path) -> None:
    done = run_study("study.toml", overrides={"between": "welch", "alpha": 0.01})
    assert done.comparison == "made"
    record = read_manifest("results")
    assert record["command"] == "run"
    assert record["options"]["overridden"] == ["alpha", "between"]
    assert record["options"]["compare"]["between"] == "welch"
    assert record["options"]["fit"]["weights"] == "model"
    assert [entry["folder"] for entry in record["plates"]] == list(FOLDERS)
    assert record["plates"][0]["files"] == ["plate_1.csv"]
    assert [entry["name"] for entry in record["outputs"]][-1] == "compare/manifest.json"
    assert record["inputs"][0]["path"] == "study.toml"


def test_a_plate_dropped_from_the_study_stays_and_is_not_read(study: Path, edit) -> None:
    design = Path("design.csv").read_text().splitlines()
    Path("design.csv").write_text("\n".join(row for row in design if "P3-" not in row) + "\n")
    edit(Path("study.toml"), "study", 'leave_out = ["plate_3.csv"]')
    done = run_study("study.toml")
    assert done.made == ()
    assert done.unused == ("plates/plate_3",)
    assert Path("results/plates/plate_3/manifest.json").exists()
    assert tuple(read_manifest("results/compare")["study"]["plates"]) == FOLDERS[:2]


def test_a_plate_that_fails_is_listed_and_the_others_go_on(fresh: Path) -> None:
    text = Path("plate_2.csv").read_text()
    Path("plate_2.csv").write_text(text[: len(text) // 2])
    done = run_study("study.toml")
    assert done.made == ("plates/plate_1", "plates/plate_3")
    assert [failure.files for failure in done.failures] == [("plate_2.csv",)]
    assert (done.comparison, done.exit_code) == ("incomplete", 3)
    assert not Path("results/compare").exists()
    record = read_manifest("results")
    assert record["comparison"] is None
    assert record["failed"][0]["files"] == ["plate_2.csv"]


def test_the_same_content_under_two_names_is_refused(fresh: Path, edit) -> None:
    shutil.copy("plate_1.csv", "plate_4.csv")
    with pytest.raises(UsageError, match=r"CK-638.*2 names: plate_1.csv, plate_4.csv"):
        plan_study("study.toml")
    assert not Path("results").exists()
    edit(Path("study.toml"), "study", 'leave_out = ["plate_4.csv"]')
    assert len(plan_study("study.toml").steps) == 3


def test_a_file_named_twice_is_used_once(fresh: Path) -> None:
    text = Path("study.toml").read_text()
    Path("study.toml").write_text(text.replace('"plate_?.csv"', '"plate_1.csv", "./plate_?.csv"'))
    plan = plan_study("study.toml")
    assert len(plan.steps) == 3
    assert "plate_1.csv is plate_1.csv, named twice: used once" not in plan.notes


def test_plates_to_leave_out_must_be_there(fresh: Path, edit) -> None:
    edit(Path("study.toml"), "study", 'leave_out = ["design.csv"]')
    with pytest.raises(UsageError, match=r"CK-639: design.csv is to be left out"):
        plan_study("study.toml")


def test_two_plates_of_one_stem_have_folders_of_their_own(fresh: Path) -> None:
    Path("b").mkdir()
    Path("plate_3.csv").rename("b/plate_1.csv")
    text = Path("study.toml").read_text()
    for order in ('"plate_?.csv", "b"', '"b", "plate_?.csv"'):
        Path("study.toml").write_text(text.replace('"plate_?.csv"', order))
        plan = plan_study("study.toml")
        folders = {step.unit.files[0].path: step.unit.folder for step in plan.steps}
        assert folders["plate_2.csv"] == "plates/plate_2"
        assert folders["plate_1.csv"] == "plates/plate_1~2326a252"
        assert folders["b/plate_1.csv"].startswith("plates/plate_1~")
        assert len(set(folders.values())) == 3
        assert any("plate_1.csv and b/plate_1.csv" in note for note in plan.notes) or any(
            "b/plate_1.csv and plate_1.csv" in note for note in plan.notes
        )


def test_exclusions_that_match_nothing_are_refused(fresh: Path, edit) -> None:
    Path("x.csv").write_text(
        "plate,well,analyte,reason,who\nplate_9,A1,,bubble,kb\n,H12,TNFb,clot,kb\n"
    )
    edit(Path("study.toml"), "exclusions", 'file = "x.csv"')
    with pytest.raises(InputError) as caught:
        plan_study("study.toml")
    said = str(caught.value)
    assert "CK-646: an exclusion matches no reading of plate 'plate_9' (did you mean" in said
    assert "where: x.csv, line 3, well H12, analyte TNFb" in said


def test_layouts_for_single_plates(fresh: Path, edit) -> None:
    Path("l.csv").write_text("well,sample\nA1,renamed\n")
    edit(Path("study.toml"), "study", 'layout = { "plate_2.csv" = "l.csv" }')
    plan = plan_study("study.toml")
    roles = [[entry["role"] for entry in step.unit.expected["inputs"]] for step in plan.steps]
    assert roles == [["plate"], ["plate", "layout"], ["plate"]]
    text = Path("study.toml").read_text()
    Path("study.toml").write_text(text.replace('"plate_2.csv" =', '"plate_22.csv" ='))
    with pytest.raises(UsageError, match=r"CK-637: the layout l.csv is for 'plate_22.csv'"):
        plan_study("study.toml")


def test_folders_that_are_not_ours_are_left_alone(fresh: Path, tree) -> None:
    Path("results/plates/plate_1").mkdir(parents=True)
    Path("results/plates/plate_1/mine.txt").write_text("mine")
    Path("results/manifest.json").write_text('{"command": "simulate"}')
    before = tree(fresh)
    with pytest.raises(UsageError) as caught:
        run_study("study.toml")
    assert [problem.code for problem in caught.value.problems] == ["CK-643", "CK-643"]
    assert tree(fresh) == before
    Path("results/manifest.json").unlink()
    done = run_study("study.toml", overrides={"pool": False}, force=True)
    assert done.exit_code == 0
    assert Path("results/plates/plate_1/mine.txt").read_text() == "mine"


def test_inputs_that_change_while_they_are_read_are_no_result(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changing(*arguments: object, **named: object) -> object:
        with Path("plate_2.csv").open("ab") as file:
            file.write(b"\r\n")
        return fit(*arguments, **named)

    monkeypatch.setattr(work, "fit", changing)
    done = run_study("study.toml")
    assert done.failures[0].problems[0].code == "CK-649"
    assert "plate plate_2.csv has changed" in done.failures[0].problems[0].what
    assert not Path("results/plates/plate_2").exists()


def test_a_process_that_dies_is_a_plate_that_failed(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_: object, **__: object) -> None:
        os._exit(1)

    monkeypatch.setattr(work, "fit", dying)  # workers are forked, and so inherit it
    done = run_study("study.toml", jobs=2)
    assert {failure.problems[0].code for failure in done.failures} == {"CK-650"}
    assert len(done.failures) == 3


def test_no_process_is_no_number_of_processes(fresh: Path) -> None:
    with pytest.raises(UsageError, match="CK-651: jobs=0"):
        run_study("study.toml", jobs=0)


def test_a_moved_study_is_still_finished(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = study.rename(study.with_name("elsewhere"))
    monkeypatch.chdir(moved.parent)
    plan = plan_study(moved / "study.toml")
    assert [step.reasons for step in plan.steps] == [(), (), ()]
    assert plan.comparison == ()


def test_an_interrupted_run_is_resumed_and_ends_in_the_same_bytes(
    fresh: Path, tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_study("study.toml")
    whole = tree(fresh / "results")
    shutil.rmtree(fresh / "results")
    install = RunFolder.install

    def interrupted(self: RunFolder, folder: str) -> None:
        if folder == "plates/plate_2":
            raise KeyboardInterrupt
        install(self, folder)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_study("study.toml")
    assert all(name.startswith("plates/plate_1/") for name in tree(fresh / "results"))
    assert [path.name for path in (fresh / "results").iterdir()] == ["plates"]
    done = run_study("study.toml")
    assert done.made == FOLDERS[1:]
    assert tree(fresh / "results") == whole


def test_a_full_disk_ends_the_run_and_keeps_what_is_done(
    fresh: Path, tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(plates: list[Plate], *options: object, **named: object) -> object:
        if plates[0].name == "plate_2":
            with OutputFolder("full"):
                raise OSError(28, "No space left on device")
        return fit(plates, *options, **named)

    with monkeypatch.context() as patch:
        patch.setattr(work, "fit", full)
        with pytest.raises(OutputError, match=r"CK-503.*No space left"):
            run_study("study.toml")
    assert {name.split("/")[1] for name in tree(fresh / "results")} == {"plate_1"}
    assert run_study("study.toml").made == FOLDERS[1:]


def test_exclusions_go_to_the_plates_they_name(study: Path, edit) -> None:
    Path("x.csv").write_text(
        "plate,well,analyte,reason,who\nplate_2,A1,,bubble,kb\n,B1,IFNg,clot,kb\n"
    )
    edit(Path("study.toml"), "exclusions", 'file = "x.csv"')
    assert reasons()[:3] == [("the exclusions have changed",)] * 3
    run_study("study.toml")
    kept = [read_manifest(f"results/{name}")["excluded"] for name in FOLDERS]
    assert [len(rows) for rows in kept] == [1, 2, 1]
    assert reasons() == [(), (), (), ()]
    with Path("x.csv").open("a") as file:
        file.write("plate_3,C1,,hair,kb\n")
    assert reasons()[:3] == [(), (), ("the exclusions have changed",)]


def test_force_does_everything_again_to_the_same_bytes(fresh: Path, tree) -> None:
    run_study("study.toml")
    before = tree(fresh)
    done = run_study("study.toml", force=True)
    assert (done.made, done.comparison) == (FOLDERS, "made")
    assert tree(fresh) == before


def test_pooled_plates_are_one_unit(fresh: Path) -> None:
    Path("design.csv").rename("d.csv")
    Path("study.toml").write_text(Path("study.toml").read_text().replace("design =", "# design ="))
    done = run_study("study.toml", overrides={"pool": True})
    assert (done.folders, done.comparison) == (("fit",), "none")
    assert run_study("study.toml", overrides={"pool": True}).made == ()
    Path("plate_2.csv").write_text("broken")
    text = Path("study.toml").read_text()
    Path("study.toml").write_text(text.replace('"plate_?.csv"', '"plate_1.csv", "plate_2.csv"'))
    lacking = run_study("study.toml", overrides={"pool": True})
    assert (lacking.folders, lacking.made, lacking.exit_code) == ((), (), 3)
    assert len(read_manifest("results/fit")["inputs"]) == 3


def test_the_order_of_plates_belongs_to_a_comparison(study: Path) -> None:
    text = Path("study.toml").read_text()
    Path("study.toml").write_text(text.replace('"plate_?.csv"', '"plate_3.csv", "plate_?.csv"'))
    assert reasons() == [(), (), (), ("the plates' results, or their order, have changed",)]


def test_options_that_nothing_uses_are_named(fresh: Path) -> None:
    Path("study.toml").write_text(Path("study.toml").read_text().replace("design =", "# design ="))
    notes = plan_study("study.toml", overrides={"between": "welch"}).notes
    assert "without a design nothing is compared: between not used" in notes


def test_files_that_are_no_plates_are_named_but_not_those_in_use(fresh: Path) -> None:
    Path("remarks.csv").write_text("a,b\n1,2\n")
    text = Path("study.toml").read_text()
    Path("study.toml").write_text(text.replace('"plate_?.csv"', '"."'))
    plan = plan_study("study.toml")
    assert len(plan.steps) == 3
    assert [note.split(" (")[0] for note in plan.notes] == ["not a plate: remarks.csv"]


def test_groups_of_plates_that_share_names_are_joined_through_others() -> None:
    def file(path: str, *names: str) -> SurveyedFile:
        plates = [SimpleNamespace(name=name) for name in names]
        return SurveyedFile(PlateFile(path, ""), plates)  # type: ignore[arg-type]

    files = [file("a", "P1"), file("b", "P2"), file("c", "P3"), file("d", "P2", "P1")]
    groups = [[one.file.path for one in group] for group in sharing_names(files)]
    assert groups == [["a", "b", "d"], ["c"]]


@pytest.mark.parametrize("name", ["Zürich plate #1 – α*.csv", "x" * 240 + ".csv", "con.csv"])
def test_names_of_every_kind_become_folders(fresh: Path, name: str) -> None:
    Path("plate_2.csv").rename(name)
    done = run_study("study.toml", overrides={"out": "other"})
    assert done.folders == FOLDERS[::2]
    text = Path("study.toml").read_text()
    Path("study.toml").write_text(text.replace('"plate_?.csv"', f'"plate_?.csv", "{name}"'))
    done = run_study("study.toml", overrides={"out": "other"})
    (made,) = done.made
    assert done.comparison == "made"
    assert Path("other", made, "manifest.json").exists()
    assert len(made.encode()) < 100
    assert run_study("study.toml", overrides={"out": "other"}).made == ()


def test_a_name_that_is_no_unicode(fresh: Path) -> None:
    name = os.fsdecode(b"plate_\xff.csv")
    Path("plate_2.csv").rename(name)
    done = run_study("study.toml")
    assert len(done.folders) == 3
    assert run_study("study.toml").made == ()
    assert read_manifest("results")["plates"][-1]["files"] == [name]
