"""Killed at random moments and run again each time, a study ends in the bytes of a quiet run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cytokit.errors import UsageError
from cytokit.folder import MANIFEST, read_manifest
from cytokit.results.study_file import write_study_file
from cytokit.results.study_plates import outputs_changed
from cytokit.results.study_run import AREA, LOCK, run_study

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked to start at once")

# what is slow the first time is done once; each run is a process of its own, and dies as one
RUNNER = """
import os, sys, tempfile, traceback
import cytokit.figures.forest, cytokit.figures.panels
from cytokit.curves.platefit import fit
from cytokit.results.study_run import run_study
from cytokit.simulate.trials import simulate_trial
with tempfile.TemporaryDirectory() as area:
    fit(simulate_trial(subjects=4, analytes=["IL-6"]).plates).write(area + "/warm")
print("ready", flush=True)
for line in sys.stdin:
    process = os.fork()
    if not process:
        code = 99
        try:
            code = run_study(line.rstrip("\\n")).exit_code
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    print(process, flush=True)
    print(os.waitpid(process, 0)[1], flush=True)
"""


@dataclass
class Runs:
    """Starts runs of a study and kills them.

    Parameters
    ----------
    runner : subprocess.Popen
    landed : int
        How many kills met a run that had not ended.
    working : int
        How many of these met it with the results' folder locked.
    """

    runner: subprocess.Popen[str]
    landed: int = 0
    working: int = 0
    codes: list[int] = field(default_factory=list)

    def kill(self, study: Path, delay: float, *, at_work: bool) -> None:
        """Start a run and kill it so many seconds later, or so long after it began to work."""
        assert self.runner.stdin is not None
        lock = study.parent / "results" / LOCK
        self.runner.stdin.write(f"{study}\n")
        self.runner.stdin.flush()
        process = int(self._said())
        deadline = time.monotonic() + 60
        while at_work and holder(lock) != process and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
        status = int(self._said())
        if os.WIFSIGNALED(status):
            self.landed += 1
            self.working += holder(lock) == process
        else:
            self.codes.append(os.waitstatus_to_exitcode(status))

    def _said(self) -> str:
        assert self.runner.stdout is not None
        return self.runner.stdout.readline()


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    runner = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", RUNNER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    made = Runs(runner)
    assert made._said() == "ready\n"
    yield made
    assert runner.stdin is not None
    runner.stdin.close()
    runner.wait()
    assert runner.stdout is not None
    runner.stdout.close()


def holder(lock: Path) -> int:
    """The process that holds a lock; 0 where there is none."""
    try:
        return int(json.loads(lock.read_text())["pid"])
    except (FileNotFoundError, ValueError):  # ValueError: not written yet
        return 0


def whole_folders(results: Path) -> list[str]:
    """Folders that say they are finished; each must be."""
    found = []
    for manifest in sorted(results.glob(f"*/*/{MANIFEST}")):
        assert outputs_changed(manifest.parent, read_manifest(manifest.parent)) == ()
        found.append(manifest.parent.name)
    return found


def kill_and_resume(
    runs: Runs, study: Path, kills: int, longest: float, seed: int
) -> tuple[int, int]:
    """Kill a study's runs so many times; how many met work, and how many plates stood then.

    Every fifth is killed counting from its very start, the others from when they begin to work.
    """
    before = runs.landed, runs.working
    for number, delay in enumerate(np.random.default_rng(seed).uniform(0.0, longest, kills)):
        runs.kill(study, float(delay), at_work=number % 5 > 0)
        whole_folders(study.parent / "results")
    assert runs.codes == []
    assert runs.landed - before[0] == kills
    return runs.working - before[1], len(whole_folders(study.parent / "results"))


def test_killed_five_times(finished: Path, runs: Runs, tmp_path: Path, tree) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("results"))
    met, _ = kill_and_resume(runs, folder / "study.toml", kills=5, longest=0.6, seed=3)
    assert met >= 4
    done = run_study(folder / "study.toml")
    assert done.exit_code == 0
    assert tree(folder / "results") == tree(finished / "results")
    assert sorted(path.name for path in (folder / "results").iterdir()) == [
        "compare",
        "manifest.json",
        "plates",
    ]


@pytest.mark.slow
def test_twenty_plates_killed_fifty_times(
    runs: Runs, tmp_path: Path, tree, make_trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, killed = tmp_path / "quiet", tmp_path / "killed"
    make_trial(quiet, plates=20)
    monkeypatch.chdir(quiet)
    write_study_file("study.toml", ["plate_*.csv"], design="design.csv")
    shutil.copytree(quiet, killed)
    moments: list[float] = []
    assert run_study("study.toml", say=lambda _: moments.append(time.monotonic())).exit_code == 0
    each = float(np.median(np.diff(moments[:20])))
    met, standing = kill_and_resume(runs, killed / "study.toml", 50, longest=2.2 * each, seed=1)
    done = run_study(killed / "study.toml")
    print(f"{met} of 50 kills met a run at work; {standing} plates stood before the last run")
    assert met >= 40
    assert standing >= 5
    assert len(done.made) == 20 - standing
    assert tree(killed / "results") == tree(quiet / "results")
    assert not (killed / "results" / AREA).exists()


@pytest.mark.slow
def test_workers_end_with_a_killed_parent_and_a_second_run_is_refused(
    finished: Path, tmp_path: Path, tree
) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("results"))
    command = [sys.executable, "-m", "cytokit_cli.main", "run", "study.toml", "--jobs", "2"]
    first = subprocess.Popen(
        command,
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    lock = folder / "results" / LOCK
    deadline = time.monotonic() + 60
    while holder(lock) != first.pid and time.monotonic() < deadline:
        time.sleep(0.002)
    with pytest.raises(UsageError, match=f"CK-641.*process {first.pid} on"):
        run_study(folder / "study.toml")
    first.kill()
    first.wait()
    deadline = time.monotonic() + 20
    while group_lives(first.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not group_lives(first.pid)
    assert run_study(folder / "study.toml", jobs=2).exit_code == 0
    assert tree(folder / "results") == tree(finished / "results")


def group_lives(group: int) -> bool:
    """Whether a process group has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
