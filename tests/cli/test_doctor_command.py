"""cytokit doctor: a verdict per line, exit 1 where there is a problem."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cytokit import doctor


def test_every_line_has_a_verdict(run, tmp_path: Path) -> None:
    outcome = run("doctor", tmp_path)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()[2:]
    assert len(lines) > 15
    assert {line.split()[0] for line in lines} <= {"ok", "warning"}


def test_a_problem_is_named_and_mended(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    outcome = run("doctor", tmp_path / "file" / "folder", "--json")
    assert outcome.code == 1
    document = json.loads(outcome.out)
    assert document["schema"] == "cytokit-doctor-1"
    assert document["problems"] == 1
    (line,) = [one for one in document["checks"] if one["health"] == "problem"]
    assert (line["name"], line["code"]) == ("working folder", "CK-676")
    outcome = run("doctor", tmp_path / "file" / "folder")
    assert "problem CK-676, working folder: give results another place" in outcome.err


def test_little_space_is_a_warning_and_no_failure(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LITTLE_SPACE", 2**80)
    monkeypatch.setattr(doctor, "NO_SPACE", 0)
    outcome = run("doctor", tmp_path)
    assert outcome.code == 0
    assert "warning CK-677, disk space" in outcome.err
