"""verify: recomputed from the inputs, byte for byte; what changed is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cytokit.curves.platefit import fit
from cytokit.errors import InputError
from cytokit.parsers.read import read_plate, read_plates
from cytokit.results.verify import verify
from cytokit.simulate.trials import simulate_trial
from cytokit.trial.compare import compare
from cytokit.trial.study import Study

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plates, design and a fit of two plates, made once."""
    folder = tmp_path_factory.mktemp("made")
    for path in (ROOT / "example_plates").glob("*.csv"):
        shutil.copy(path, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        fit(read_plates(["plate_1.csv", "plate_2.csv"])).write("run")
    return folder


@pytest.fixture
def study_folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it as the working folder."""
    folder = tmp_path / "study"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


def test_an_untouched_folder_is_identical(study_folder: Path) -> None:
    result = verify("run")
    assert result.identical
    assert "samples.csv" in result.checked
    assert result.notes == ()


def test_a_study_moved_as_a_whole_still_verifies(
    study_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = study_folder.rename(study_folder.with_name("elsewhere"))
    monkeypatch.chdir(moved.parent)
    assert verify(moved / "run").identical


def test_a_changed_input_is_named(study_folder: Path) -> None:
    with Path("plate_1.csv").open("ab") as file:
        file.write(b"\r\n")
    assert verify("run").differences == ("input plate_1.csv has changed since the run",)


def test_a_missing_input_is_named(study_folder: Path) -> None:
    Path("plate_2.csv").unlink()
    assert verify("run").differences == ("input plate_2.csv is missing",)


def test_swapped_inputs_are_named(study_folder: Path) -> None:
    Path("plate_1.csv").rename("keep.csv")
    Path("plate_2.csv").rename("plate_1.csv")
    Path("keep.csv").rename("plate_2.csv")
    assert verify("run").differences == (
        "input plate_1.csv was swapped: it now holds what plate_2.csv held",
        "input plate_2.csv was swapped: it now holds what plate_1.csv held",
    )


def test_a_changed_output_is_named(study_folder: Path) -> None:
    with Path("run/samples.csv").open("a") as file:
        file.write("made up\n")
    assert verify("run").differences == ("output samples.csv was changed after the run",)


def test_another_option_in_the_manifest_gives_other_numbers(study_folder: Path) -> None:
    path = Path("run/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["options"]["model"] = "4pl"
    path.write_text(json.dumps(manifest))
    assert "recomputed: curves.csv differs" in verify("run").differences


def test_other_versions_are_noted(study_folder: Path) -> None:
    path = Path("run/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["versions"]["numpy"] = "0.1"
    path.write_text(json.dumps(manifest))
    (note,) = verify("run").notes
    assert note.startswith("numpy was 0.1, is ")


def test_a_comparison_verifies_with_its_mapping_and_design(study_folder: Path) -> None:
    design = Path("design.csv").read_text().replace("day", "visit", 1)
    Path("visits.csv").write_text(design)
    fit(read_plates(["plate_3.csv"])).write("run3")
    study = Study(["run", "run3"], "visits.csv", mapping={"day": "visit"}, censor="lloq")
    compare(study, reference="control", adjust="bh", analytes=["IL-6", "TNFa"]).write("figure3")
    result = verify("figure3")
    assert result.identical, result.differences


def test_what_never_was_a_file_cannot_be_read_again(study_folder: Path) -> None:
    every = fit(read_plates([f"plate_{number}.csv" for number in (1, 2, 3)]))
    compare(Study([every], "design.csv"), analytes=["IL-6"]).write("figure3")
    (difference,) = verify("figure3").differences
    assert "was never a file" in difference


def test_a_command_that_cannot_be_run_again(study_folder: Path) -> None:
    path = Path("run/manifest.json")
    manifest = json.loads(path.read_text())
    manifest["command"] = "pour"
    path.write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="CK-513: the manifest's command 'pour'"):
        verify("run")


def test_kit_lots_given_from_elsewhere_are_given_again(study_folder: Path) -> None:
    trial = simulate_trial(seed=3, subjects=8).files("is23")
    Path("kit").mkdir()
    for name, data in trial.items():
        (Path("kit") / name if name == "kit_lots.csv" else Path(name)).write_bytes(data)
    exports = [name for name in trial if name.startswith("plate_")]
    plates = [read_plate(name, layout="kit/kit_lots.csv") for name in exports]
    fit(plates).write("is23_run")
    result = verify("is23_run")
    assert result.identical, result.differences
