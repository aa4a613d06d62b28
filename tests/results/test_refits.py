"""A study's plates read otherwise, as far as they are still there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from cytokit.curves.platefit import fit
from cytokit.parsers.read import read_plates
from cytokit.results.verify import refit_study
from cytokit.trial.study import Study

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two plates, each fitted into a folder of its own, and a design of their samples."""
    for name in ("plate_1.csv", "plate_2.csv"):
        shutil.copy(ROOT / "example_plates" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    found = [fit(read_plates([f"plate_{number}.csv"])) for number in (1, 2)]
    design = pd.read_csv(ROOT / "example_plates/design.csv")
    there = {name for one in found for name in one.samples["sample"]}
    design[design["sample"].isin(there)].to_csv("design.csv", index=False)
    for number, one in enumerate(found, start=1):
        one.write(f"run{number}")
    return tmp_path


def test_fits_are_made_again_and_missing_plates_named(folder: Path) -> None:
    study = Study(["run1", "run2"], "design.csv")
    found = refit_study(study)
    assert list(found.studies) == ["4PL", "not robust", "4PL, not robust", "MFI"]
    assert found.notes == ()
    for other in found.studies.values():
        assert len(other.values) == len(study.values)
        assert not other.values["value"].equals(study.values["value"])
    Path("plate_2.csv").unlink()
    found = refit_study(study)
    assert list(found.studies) == ["MFI"]
    assert found.notes == ("run2: input plate_2.csv is missing; no other curves are tried",)


def test_a_table_has_no_other_curves() -> None:
    frame = pd.DataFrame(
        {"subject": ["a", "b"], "group": ["t", "c"], "day": [6, 6], "IL-6": ["1", "2"]}
    )
    found = refit_study(Study(frame))
    assert found.studies == {}
    assert found.notes[0].startswith("only folders written by fit")
