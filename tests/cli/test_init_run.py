"""`cytokit init` and `cytokit run` as a person meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def one(bench: Path, run) -> Path:
    """A study of one plate, nothing to compare."""
    assert run("init", "plate.csv").code == 0
    return bench


def test_init_says_what_to_do_next_and_never_overwrites(bench: Path, run) -> None:
    first = run("init", "plate_?.csv", "--design", "design.csv", "--json")
    assert json.loads(first.out) == {"schema": "cytokit-init-1", "out": "study.toml"}
    again = run("init")
    assert again.code == 2
    assert "CK-644: the study file exists" in again.err
    forced = run("init", "--force")
    assert "then `cytokit run study.toml --dry-run`" in forced.err
    assert 'plates = ["."]' in Path("study.toml").read_text()


def test_init_dry_run_writes_nothing(bench: Path, run) -> None:
    before = sorted(bench.iterdir())
    assert "would write: study.toml" in run("init", "plate.csv", "--dry-run").err
    assert sorted(bench.iterdir()) == before


def test_the_whole_way(one: Path, run) -> None:
    before = sorted(one.iterdir())
    plan = run("run", "study.toml", "--dry-run")
    assert plan.code == 0
    assert "results/plates/plate: would write (fit plate.csv): new" in plan.err
    assert sorted(one.iterdir()) == before
    first = run("run", "study.toml")
    assert first.code == 0
    assert first.out.splitlines()[2].split() == ["plates/plate", "made"]
    assert "results: results" in first.err
    assert "done already" in run("run", "study.toml", "--dry-run").err
    second = json.loads(run("run", "study.toml", "--json").out)
    assert second["schema"] == "cytokit-run-1"
    assert second["plates"] == [{"folder": "plates/plate", "state": "done already"}]
    assert run("verify", "results/plates/plate").code == 0
    other = json.loads(run("run", "study.toml", "--weights", "1/y2", "--dry-run", "--json").out)
    assert other["plates"][0]["to_do"] == ["weights was model, is 1/y2"]


def test_flags_of_fit_and_compare_override_the_file(bench: Path, run) -> None:
    run("init", "plate.csv", "--design", "design.csv")
    words = ["--dry-run", "--json", "--out", "other", "--no-baseline", "--day", "3,6"]
    words += ["--analytes", "IL-6,TNFa", "--max-cv-pct", "25", "--no-robust", "--sensitivity"]
    words += ["--summary", "gm", "--map", "day=day", "--no-gate"]
    outcome = run("run", "study.toml", *words)
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["out"] == "other"


def test_what_the_flags_become(bench: Path, run, monkeypatch: pytest.MonkeyPatch) -> None:
    from cytokit.results import study_run

    seen = {}

    def planned(path: str, *, overrides: dict[str, object], jobs: int, force: bool) -> None:
        seen.update(overrides)
        raise KeyboardInterrupt

    monkeypatch.setattr(study_run, "plan_study", planned)
    words = ["--no-baseline", "--day", "3,6", "--analytes", "IL-6", "--summary", "gm"]
    words += ["--sensitivity", "--max-cv-pct", "25", "--pool", "--exclude", "x.csv"]
    assert run("run", "study.toml", "--dry-run", *words).code == 130
    assert seen == {
        "baseline": "none",
        "day": ["3", "6"],
        "analytes": ["IL-6"],
        "summary": "gm",
        "sensitivity": True,
        "max_cv_pct": 25.0,
        "pool": True,
        "exclude": "x.csv",
    }


def test_mistakes_in_the_file_are_said_and_exit_2(one: Path, run) -> None:
    text = Path("study.toml").read_text()
    Path("study.toml").write_text(text.replace("[compare]", '[compare]\ncensr = "lod"\nalpha = 2'))
    outcome = run("run", "study.toml")
    assert outcome.code == 2
    assert "no key 'censr' of [compare] (did you mean 'censor'?)" in outcome.err
    assert "alpha = 2 is not allowed" in outcome.err
    assert not Path("results").exists()


def test_a_plate_that_fails_exits_3_and_says_what_is_lacking(bench: Path, run) -> None:
    Path("broken.csv").write_text("nothing")
    run("init", "plate.csv", "broken.csv", "--design", "design.csv")
    plan = run("run", "study.toml", "--dry-run")
    assert plan.code == 3
    outcome = run("run", "study.toml", "--json")
    assert outcome.code == 3
    document = json.loads(outcome.out)
    assert document["comparison"] == "incomplete"
    assert document["failed"][0]["files"] == ["broken.csv"]
    assert "failed: broken.csv" in outcome.err
    assert "no comparison: plates are lacking; mend them, or give --partial" in outcome.err
    assert "error CK-1" in outcome.err


def test_a_comparison_that_fails_gives_its_own_code(bench: Path, run) -> None:
    run("init", "plate_1.csv", "--design", "design.csv")
    outcome = run("run", "study.toml")
    assert outcome.code == 3
    assert "CK-283" in outcome.err  # the design names samples of other plates
    assert Path("results/plates/plate_1/manifest.json").exists()


def test_ctrl_c_leaves_whole_folders_and_exits_130(bench: Path, run) -> None:
    run("init", "plate_1.csv", "plate_2.csv", "plate_3.csv")
    command = [sys.executable, "-m", "cytokit_cli.main", "run", "study.toml", "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not Path("results/.cytokit.lock").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to everyone
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.endswith("stopped\n")
    assert "Traceback" not in said
    results = Path("results")
    assert not list(results.glob(".cytokit*"))
    for folder in results.glob("plates/*"):
        assert (folder / "manifest.json").exists()
