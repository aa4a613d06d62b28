"""``cytokit fit`` of many plates: what it prints and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cytokit_cli import fit_command


@pytest.fixture
def many(bench: Path) -> Path:
    """Nine plates, more than one chunk holds; small, so that they are quick."""
    from cytokit.simulate.trials import simulate_trial

    (bench / "many").mkdir()
    for number in range(9):
        trial = simulate_trial(seed=number, subjects=4, analytes=["IL-6"], deaths=(0, 0))
        data = trial.files()["plate_1.csv"].replace(b"plate_1", b"run_%d" % number)
        (bench / "many" / f"run_{number}.csv").write_bytes(data)
    return bench


def test_many_plates_are_told_one_row_each(
    run, many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run("fit", "many", "--no-pages")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines[0].split()[:2] == ["plate", "verdict"]
    assert [line.split()[0] for line in lines[2:]] == [f"run_{number}" for number in range(9)]
    assert "9 plates: " in outcome.err
    assert sorted(path.name for path in (many / "cytokit_fit").iterdir()) == [
        "curves.csv",
        "flags.csv",
        "manifest.json",
        "plates.csv",
        "report.html",
        "results.xlsx",
        "samples.csv",
        "standards.csv",
        "wells.csv",
    ]
    monkeypatch.setattr(fit_command, "_MOST", 3)
    shorter = run("fit", "many", "--no-pages", "--force")
    assert len(shorter.out.splitlines()) == 5
    assert "plates.csv holds all 9" in shorter.err


def test_two_jobs_print_and_write_the_same(run, many: Path) -> None:
    one = run("fit", "many", "--json", "--out", "one")
    two = run("fit", "many", "--json", "--out", "two", "--jobs", "2")
    assert (one.code, two.code) == (0, 0), two.err
    said, again = json.loads(one.out), json.loads(two.out)
    assert {**said, "out": ""} == {**again, "out": ""}
    assert len(said["plates"]) == len(said["summary"]) == 9
    for path in (many / "one").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (many / "two" / path.relative_to(many / "one")).read_bytes()
    assert len(list((many / "two/plates").iterdir())) == 9


def test_one_bad_plate_among_many_is_named_last(run, many: Path) -> None:
    whole = (many / "many/run_3.csv").read_bytes()
    (many / "many/run_3.csv").write_bytes(whole[:600])
    outcome = run("fit", "many", "--no-pages")
    assert outcome.code == 3
    assert "run_3.csv" in outcome.err
    assert len(outcome.out.splitlines()) == 10
