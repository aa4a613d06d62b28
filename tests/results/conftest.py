"""Small simulated studies, and the hash of a folder of results."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from cytokit.folder import OutputFolder, make_manifest
from cytokit.options import FitOptions
from cytokit.plate import Plate
from cytokit.results import study_plates as work
from cytokit.results import study_run as run
from cytokit.results.study_file import write_study_file
from cytokit.results.study_run import ComparisonRequest, run_study
from cytokit.results.write import fit_manifest
from cytokit.schema import VERDICTS_COLUMNS
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_trial
from cytokit.tables.exclusions import no_exclusions

TreeHash = Callable[[Path], dict[str, str]]
Edit = Callable[..., Path]
#: four subjects, both days, in duplicate
PLAN = PlatePlan(levels=6, controls=())


def write_trial(folder: Path, *, plates: int = 3, analytes: int = 1) -> None:
    """Plates of four subjects each and the design, nobody dead."""
    names = [analyte.name for analyte in CYTOKINES][:analytes]
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(plates):
        trial = simulate_trial(
            seed=number + 1, subjects=4, analytes=names, deaths=(0, 0), plan=PLAN
        )
        (plate,) = trial.plates
        renamed = {name: f"P{number + 1}-{name}" for name in trial.design["sample"]}
        wells = plate.wells.assign(sample=plate.wells["sample"].replace(renamed))
        name = f"plate_{number + 1}"
        (folder / f"{name}.csv").write_bytes(
            WRITERS["xponent"].write(replace(plate, name=name, wells=wells))
        )
        design = trial.design.assign(
            sample=trial.design["sample"].map(renamed),
            subject=f"P{number + 1}-" + trial.design["subject"],
        )
        design.to_csv(
            folder / "design.csv", mode="a" if number else "w", header=not number, index=False
        )


@pytest.fixture
def tree() -> TreeHash:
    """Path and hash of every file below a folder, the lock aside."""

    def found(folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != ".cytokit.lock"
        }

    return found


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three plates with a design, run to the end: a folder with study.toml and results."""
    folder = tmp_path_factory.mktemp("finished")
    write_trial(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_study_file("study.toml", ["plate_?.csv"], design="design.csv")
        assert run_study("study.toml").exit_code == 0
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the finished study, as the working folder."""
    folder = tmp_path / "trial"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def fresh(study: Path) -> Path:
    """The same without results."""
    shutil.rmtree(study / "results")
    return study


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plates and comparisons whose folders have true manifests but hold next to nothing.

    For what is to be said about the order of things; numbers are looked at elsewhere.
    """

    def fit(plates: Sequence[Plate], options: FitOptions, exclusions: pd.DataFrame | None) -> Thin:
        return Thin(tuple(plates), options, no_exclusions() if exclusions is None else exclusions)

    def compared(asked: ComparisonRequest, draft: Path) -> tuple[str, ...]:
        with OutputFolder(draft) as folder:
            (folder.path / "comparisons.csv").write_text(str(asked.options))
            record = make_manifest("compare", options=asked.options, inputs=[])
            folder.finish({**record, "study": asked.expected()["study"]})
        return ()

    monkeypatch.setattr(work, "fit", fit)
    monkeypatch.setattr(run, "write_comparison_of", compared)


@dataclass(frozen=True)
class Thin:
    """A fit that computes nothing."""

    plates: tuple[Plate, ...]
    options: FitOptions
    exclusions: pd.DataFrame

    @property
    def verdicts(self) -> pd.DataFrame:
        rows = [(plate.name, "report", "") for plate in self.plates]
        return pd.DataFrame(rows, columns=list(VERDICTS_COLUMNS))

    def write(self, goal: Path) -> None:
        with OutputFolder(goal) as folder:
            names = "\n".join(plate.name for plate in self.plates)
            (folder.path / "samples.csv").write_text(f"{names}\n{self.options}\n")
            folder.finish(fit_manifest(self))  # type: ignore[arg-type]


@pytest.fixture
def edit() -> Edit:
    """Set lines of a study file under their tables."""

    def change(file: Path, table: str, line: str) -> Path:
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(f"[{table}]\n", f"[{table}]\n{line}\n", 1), encoding="utf-8")
        return file

    return change


@pytest.fixture
def make_trial() -> Callable[..., None]:
    """The writer of small plates."""
    return write_trial
