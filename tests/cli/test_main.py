"""The face of the command line: help, version, errors, exit codes."""

from __future__ import annotations

import importlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cytokit.curves.platefit import fit
from cytokit.qc.control import quality_control
from cytokit.qc.guide import lock_guide
from cytokit.simulate.trials import simulate_trial
from cytokit_cli import main as main_module
from cytokit_cli._shared import Bars
from cytokit_cli.main import COMMANDS

HEAVY = {"pandas", "scipy", "lmfit", "pingouin", "seaborn", "matplotlib", "statsmodels"}


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]
)
def test_help_and_version_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\n"
        "from cytokit_cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert not loaded & HEAVY


def test_every_command_is_a_module_and_every_module_a_command() -> None:
    folder = Path(str(main_module.__file__)).parent
    modules = {path.stem.removesuffix("_command") for path in folder.glob("*_command.py")}
    assert modules == set(COMMANDS)


def test_a_bare_call_shows_the_help(run) -> None:
    outcome = run()
    assert outcome.code == 0
    assert all(name in outcome.out for name in COMMANDS)


def test_the_version_is_the_packages(run) -> None:
    assert re.fullmatch(r"cytokit \d+\.\d+\.\d+\S*\n", run("--version").out)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["fti"], "did you mean 'fit'?"),
        (["fit", "plate.csv", "--weights", "modle"], "did you mean 'model'?"),
        (["fit", "plate.csv", "--profle", "kit"], "--profile"),
        (["compare", "x.csv", "--adjust", "hollm"], "did you mean 'holm'?"),
    ],
)
def test_near_misses_are_named(run, words: list[str], near: str) -> None:
    outcome = run(*words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert near in outcome.err


def test_a_map_that_is_no_pair(run) -> None:
    outcome = run("compare", "x.csv", "--map", "day")
    assert outcome.code == 2
    assert "'day' is not of the form name=column" in outcome.err


def test_a_bug_is_called_one_and_shows_no_traceback(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the unexpected")

    monkeypatch.setattr(main_module.cli, "main", broken)
    outcome = run("fit")
    assert outcome.code == 70
    assert "a bug in cytokit: RuntimeError: the unexpected" in outcome.err
    assert "Traceback" not in outcome.err


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the unexpected")

    monkeypatch.setattr(main_module.cli, "main", broken)
    with pytest.raises(RuntimeError, match="the unexpected"):
        main_module.main(["fit", "--debug"])


def test_an_interrupt_ends_quietly(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module.cli, "main", stopped)
    assert run("fit").code == 130


def examples() -> list[str]:
    lines = []
    for name in COMMANDS:
        command: click.Command = importlib.import_module(f"cytokit_cli.{name}_command").command
        found = re.findall(r"^  (cytokit .+)$", command.epilog or "", flags=re.MULTILINE)
        assert len(found) >= 2, f"{name} needs two examples"
        lines += found
    return lines


@pytest.mark.parametrize("line", examples())
def test_the_examples_in_the_help_run(run, bench: Path, line: str) -> None:
    if "compare run1" in line or "verify" in line:
        assert run("fit", "plate_1.csv", "plate_2.csv", "plate_3.csv", "--out", "run1").code == 0
    if " qc run" in line:
        for seed in (1, 2):  # one analyte: a page of charts costs a second
            fit(simulate_trial(seed=seed, subjects=4, analytes=["IL-6"]).plates).write(f"run{seed}")
    if " --guide" in line:
        lock_guide(quality_control("run1").guide_set(who="a", why="b"), "guide.json")
    if "run study.toml" in line:
        assert run("init", "plate.csv").code == 0
    if "table.csv" in line:
        (bench / "table.csv").write_text(_tidy_table(bench), encoding="utf-8")
    if "vendor_plate.csv" in line:
        (bench / "vendor_plate.csv").write_bytes(_vendor_export())
    outcome = run(*line.split()[1:])
    assert outcome.code == 0, outcome.err


def _vendor_export() -> bytes:
    """An export that prints results: those of our own fit, in the vendor's place."""
    from dataclasses import replace

    from cytokit.curves.platefit import fit
    from cytokit.simulate.exports import WRITERS
    from cytokit.simulate.trials import simulate_trial

    plate = simulate_trial(seed=1, subjects=8).plates[0]
    wells = fit(plate).wells
    numbers = wells["concentration"].to_numpy()
    status = wells["concentration"].notna().map({True: "in_range", False: "not_available"})
    printed = plate.wells.assign(vendor_concentration=numbers, vendor_status=status.to_numpy())
    return WRITERS["xponent"].write(replace(plate, wells=printed))


def _tidy_table(bench: Path) -> str:
    """The simulated trial's true concentrations with subject, group and visit in the table."""
    import pandas as pd

    design = pd.read_csv(bench / "design.csv").rename(columns={"day": "visit"})
    truth = pd.read_csv(bench / "truth_samples.csv")
    merged = design[design["status"] == "sampled"].merge(truth, on="sample")
    columns = ["subject", "group", "visit", "analyte", "concentration"]
    text: str = merged[columns].to_csv(index=False)
    return text


def test_json_is_one_document_and_nothing_else(run, bench: Path) -> None:
    outcome = run("fit", "plate.csv", "--json")
    assert outcome.code == 0
    document = json.loads(outcome.out)
    assert document["schema"] == "cytokit-fit-1"
    assert {row["analyte"] for row in document["summary"]} >= {"IL-6", "GM-CSF"}


@pytest.mark.parametrize("words", [["--color", "always"], []])
def test_colours_only_where_asked(run, bench: Path, words: list[str]) -> None:
    outcome = run("fit", "plate.csv", *words)
    assert ("\x1b[" in outcome.out) == bool(words)


def test_dry_run_writes_nothing(run, bench: Path) -> None:
    before = sorted(bench.iterdir())
    for words in (
        ["fit", "plate.csv", "--dry-run"],
        ["compare", "table.csv", "--dry-run"],
        ["simulate", "--dry-run"],
        ["convert", "plate.csv", "--to", "x.csv", "--dry-run"],
    ):
        outcome = run(*words)
        assert outcome.code == 0
        assert "would" in outcome.err
    assert sorted(bench.iterdir()) == before


# --- an option that takes one value, given twice --------------------------------------------------


def single_valued() -> list[tuple[str, click.Option]]:
    """Every option of every command but those that take several values, or none."""
    found = []
    for name in COMMANDS:
        command = importlib.import_module(f"cytokit_cli.{name}_command").command
        options = [one for one in command.params if isinstance(one, click.Option)]
        found += [
            (name, one)
            for one in options
            if not one.multiple and (not one.is_flag or one.secondary_opts)
        ]
    return found


def test_no_option_is_given_twice_and_the_last_wins(run, tmp_path: Path, monkeypatch) -> None:
    """Nothing is read or written; the option is named, and how often it was given."""
    monkeypatch.chdir(tmp_path)
    tried = single_valued()
    assert {"--day", "--baseline", "--out", "--alpha"} <= {one.opts[0] for _, one in tried}
    for name, one in tried:
        words = [one.opts[0], one.secondary_opts[0]] if one.is_flag else [one.opts[0], "1"] * 2
        outcome = run(name, "x", *words)
        assert outcome.code == 2, (name, words)
        said = f"{'/'.join((*one.opts, *one.secondary_opts))} is given 2 times, it takes one value"
        assert said in outcome.err, (name, words)
    assert list(tmp_path.iterdir()) == []


def test_two_columns_for_one_role(run) -> None:
    words = ("compare", "x.csv", "--map", "day=visit", "--map", "day=week")
    outcome = run(*words)
    assert outcome.code == 2
    assert "'day' is given two columns, visit and week" in outcome.err
    assert "several stand between commas" in run("compare", "x", "--day", "3", "--day", "6").err
    twice = run("doctor", "--json", "--json")
    assert twice.code == 0, "a flag said twice means the same"


def test_several_columns_can_be_ignored(run, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = ["subject,group,day,IL-6,well a,well b"]
    rows += [f"s{i},{'control' if i % 2 else 'drug'},6,{3 + i},{i},{i * i}" for i in range(8)]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    words = ("compare", "t.csv", "--no-baseline", "--json", "--map")
    outcome = run(*words, "ignore=well a", "--map", "ignore=well b")
    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)["comparisons"]
    assert {row["analyte"] for row in rows} == {"IL-6"}


class _Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "every", "after", "shown"),
    [
        (_Terminal, 14, 0.0, True),
        (_Terminal, 3, 0.0, False),
        (_Terminal, 14, 3600.0, False),
        (io.StringIO, 14, 0.0, False),
    ],
)
def test_a_bar_is_shown_on_a_terminal_for_what_is_many_and_takes_long(
    monkeypatch: pytest.MonkeyPatch,
    stream: type[io.StringIO],
    every: int,
    after: float,
    shown: bool,
) -> None:
    said, out = stream(), stream()
    monkeypatch.setattr("sys.stderr", said)
    monkeypatch.setattr("sys.stdout", out)
    with Bars("analytes", after=after) as bars:
        for done in range(every + 1):
            bars.show("comparing", done, every)
    assert ("comparing analytes" in said.getvalue()) == shown
    assert ("100%" in said.getvalue()) == shown
    assert out.getvalue() == ""
