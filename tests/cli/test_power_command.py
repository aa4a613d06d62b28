"""``cytokit power``: from options or from a pilot study to the number of subjects."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

QUICK = ("--simulations", "60")


@pytest.fixture
def pilot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a pilot: A is ordinary, B has values above range, C too few."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(2)
    rows = []
    for number in range(40):
        own = rng.normal(3, 0.8)
        for day in (0, 6):
            a = float(np.exp(own + rng.normal(0, 0.4)))
            b = ">20" if a > 40 and day == 6 else f"{a:.4f}"
            c = "5" if number < 2 else "<5"
            rows.append((f"S{number}", "treated" if number % 2 else "control", day, a, b, c))
    names = ["subject", "group", "day", "A (pg/mL)", "B (pg/mL)", "C (pg/mL)"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "pilot.csv", index=False)
    return tmp_path


def document(outcome) -> dict[str, list[dict[str, object]]]:
    assert outcome.code == 0, outcome.err
    found: dict[str, list[dict[str, object]]] = json.loads(outcome.out)
    return found


def test_a_table_with_the_n_that_is_needed(run) -> None:
    outcome = run("power", "--sd", "1", "--correlation", "0.6", "--fold", "0.2,0.5", *QUICK)
    assert outcome.code == 0, outcome.err
    header, _, first, second = outcome.out.splitlines()
    assert header.split("  ")[0] == "analyte"
    assert int(first.split()[4]) < int(second.split()[4])
    assert "SD of ln 1, correlation 0.6, 0 % below the limit" in outcome.err


def test_the_power_of_given_n(run) -> None:
    found = document(run("power", "--sd", "1", "--fold", "0.3", "--n", "6,24", *QUICK, "--json"))
    assert [row["n_control"] for row in found["rows"]] == [6, 24]
    assert found["rows"][0]["power"] < found["rows"][1]["power"]
    assert found["schema"] == "cytokit-power-1"


def test_a_pilot_gives_the_scenario_and_options_go_before(run, pilot: Path) -> None:
    words = ["power", "pilot.csv", "--reference", "control", "--fold", "0.3", *QUICK, "--json"]
    found = document(run(*words, "--analyte", "A"))
    (seen,) = found["scenarios"]
    assert seen["sd"] == pytest.approx(0.9, rel=0.25)
    assert 0.5 < float(seen["correlation"]) < 0.95  # type: ignore[arg-type]
    assert found["options"]["tests"] == 3, "the pilot's family"  # type: ignore[call-overload]
    found = document(run(*words, "--analyte", "A", "--sd", "2", "--tests", "1"))
    assert found["scenarios"][0]["sd"] == 2
    assert found["scenarios"][0]["correlation"] == seen["correlation"]


def test_all_analytes_are_planned_and_those_that_cannot_be_are_named(run, pilot: Path) -> None:
    words = ["power", "pilot.csv", "--reference", "control", "--fold", "0.3"]
    outcome = run(*words, "--n", "8", *QUICK, "--json")
    assert [row["analyte"] for row in document(outcome)["rows"]] == ["A", "B"]
    assert "not planned: C has 2 values in range" in outcome.err
    assert "values above range; the plan has none" in outcome.err
    assert "each test at 0.05 / 3" in outcome.err
    outcome = run(*words, "--analyte", "C")
    assert outcome.code == 2
    assert "CK-414: C has 2 values in range" in outcome.err


def test_without_a_baseline_a_welch_test_is_planned(run, pilot: Path) -> None:
    words = ["--reference", "control", "--analyte", "A", "--fold", "0.3", "--n", "8", "--json"]
    found = document(run("power", "pilot.csv", "--no-baseline", *words, *QUICK))
    assert found["options"]["between"] == "welch"  # type: ignore[call-overload]
    assert found["scenarios"][0]["correlation"] == 0


def test_too_many_subjects_are_null_and_said(run) -> None:
    words = ["power", "--sd", "1", "--fold", "1.05", "--most", "10", "--between", "ancova", *QUICK]
    assert document(run(*words, "--json"))["rows"][0]["n_control"] is None
    outcome = run(*words)
    assert outcome.out.splitlines()[2].split()[2:5] == ["1.05", "-", "-"]
    assert "-: 10 controls are too few" in outcome.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--fold", "0.5"], "give --sd, or a pilot study"),
        (["--sd", "1", "--fold", "0.5", "--analyte", "A"], "need a pilot study as INPUT"),
        (["--sd", "1"], "Missing option '--fold'"),
        (["--sd", "1", "--fold", "half"], "'half' is not numbers between commas"),
        (["--sd", "1", "--fold", "2", "--n", "6.5"], "'6.5' is not whole numbers between commas"),
        (["--sd", "1", "--fold", "1"], "CK-413: fold_change=1 is no effect to find"),
        (["--sd", "-1", "--fold", "2"], "CK-413: sd=-1.0 makes no trial"),
        (["pilot.csv", "--reference", "control", "--analyte", "Aa", "--fold", "2"], "CK-403"),
    ],
)
def test_plans_that_make_no_sense(run, pilot: Path, words: list[str], said: str) -> None:
    outcome = run("power", *words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert said in outcome.err
