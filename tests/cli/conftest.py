"""Running the command line as a user does: words in; exit code, stdout and stderr out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cytokit_cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Call ``cytokit`` in this process."""

    def call(*words: object) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        said = capfd.readouterr()
        return Outcome(int(stop.value.code or 0), said.out, said.err)

    return call


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a user: the bundled plates, one of them also as plate.csv."""
    for path in (ROOT / "example_plates").glob("*.csv"):
        shutil.copy(path, tmp_path)
    shutil.copy(tmp_path / "plate_1.csv", tmp_path / "plate.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path
