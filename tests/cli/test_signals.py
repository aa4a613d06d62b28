"""Stopped by a signal, or left by the reader of its output, the program ends soon, whole and quiet.

Seconds are those of a machine with nothing else to do: they are stretched by its load.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cytokit.results.stream import WorkerPool, worker_died, worker_pool
from cytokit.simulate.trials import simulate_trial

MAIN = [sys.executable, "-c", "from cytokit_cli.main import main; main()"]
SECONDS = 2.0

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@pytest.fixture(scope="module")
def plate() -> bytes:
    return simulate_trial(seed=1, subjects=8, analytes=["IL-6", "TNF"]).files()["plate_1.csv"]


@pytest.fixture
def many(plate: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    names = [f"plate_{one:02d}.csv" for one in range(60)]
    for name in names:
        (tmp_path / name).write_bytes(plate + name.encode())
    return names


def stretched(seconds: float) -> float:
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def members(group: int) -> list[int]:
    """Processes of a group that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(of) == group and state != "Z":
                found.append(int(entry.name))
    return found


def begun(words: list[str], processes: int) -> subprocess.Popen[str]:
    """The program at work, with so many processes."""
    process = subprocess.Popen(
        [*MAIN, *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(members(process.pid)) < processes and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    assert process.poll() is None, process.communicate()[1]
    return process


def gone(group: int) -> bool:
    """Whether no process of a group is left, soon."""
    deadline = time.monotonic() + stretched(SECONDS)
    while members(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not members(group)


def unfinished(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir() if not entry.name.startswith("plate_")]


@pytest.mark.parametrize("to_all", [False, True], ids=["to the parent", "to all"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_workers_end_with_the_program(
    many: list[str], tmp_path: Path, number: int, code: int, to_all: bool
) -> None:
    process = begun(["fit", *many, "--jobs", "2", "--out", "r"], 3)
    (os.killpg if to_all else os.kill)(process.pid, number)
    told = time.monotonic()
    said = process.communicate(timeout=60)[1]
    if not (to_all and number == signal.SIGTERM):  # then the workers may end first
        assert said == "stopped\n"
    assert time.monotonic() - told < stretched(SECONDS)
    assert process.returncode == code
    assert gone(process.pid)
    assert unfinished(tmp_path) == []


def test_workers_end_when_their_parent_is_killed(many: list[str]) -> None:
    process = begun(["fit", *many, "--jobs", "2", "--out", "r"], 3)
    os.kill(process.pid, signal.SIGKILL)
    assert gone(process.pid)
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["ctrl-c", "term", "kill"],
)
def test_workers_of_a_study_end_with_it(
    many: list[str], tmp_path: Path, number: int, code: int
) -> None:
    names = ", ".join(f'"{name}"' for name in many)
    (tmp_path / "plate_study.toml").write_text(f"[study]\nplates = [{names}]\n")
    process = begun(["run", "plate_study.toml", "--jobs", "2"], 3)
    os.kill(process.pid, number)
    told = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - told < stretched(SECONDS)
    assert process.returncode == code
    assert gone(process.pid)
    if number != signal.SIGKILL:
        assert list((tmp_path / "results").glob(".cytokit*")) == []


def test_a_second_ctrl_c_does_not_leave_half_a_folder(many: list[str], tmp_path: Path) -> None:
    process = begun(["fit", *many, "--out", "r"], 1)
    for _ in range(5):
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.01)
    assert "Traceback" not in process.communicate(timeout=60)[1]
    # what comes after the tidying ends the program as the system does
    assert process.returncode in (130, -signal.SIGINT)
    assert unfinished(tmp_path) == []


@pytest.mark.parametrize("words", [["--help"], ["inspect", "plate_00.csv"], ["fit", "--help"]])
def test_a_reader_that_goes_away_is_no_failure(many: list[str], words: list[str]) -> None:
    process = subprocess.Popen(
        [*MAIN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) in (0, -signal.SIGPIPE)
    assert said == ""


def _end_badly(_: int) -> None:
    os._exit(9)


def test_one_job_needs_no_worker_and_a_pool_is_left_whole() -> None:
    with worker_pool(1) as none:
        assert none is None
    with worker_pool(2) as pool:
        assert pool is not None
        assert list(pool.map(abs, [-1, -2])) == [1, 2]


def _left_in_the_middle() -> None:
    with worker_pool(2) as pool:
        assert isinstance(pool, WorkerPool)
        pool.submit(time.sleep, 600)
        time.sleep(0.2)
        raise KeyboardInterrupt


def test_a_pool_left_by_an_error_is_killed() -> None:
    begun_at = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _left_in_the_middle()
    assert time.monotonic() - begun_at < stretched(SECONDS)


def test_a_worker_that_dies_is_named_and_what_to_do(many: list[str]) -> None:
    from cytokit.errors import InputError
    from cytokit.results.stream import _Stream

    with worker_pool(2) as pool:
        stream = _Stream(None, None, pool, 2, None)  # type: ignore[arg-type]
        with pytest.raises(
            InputError, match="CK-650: the process that worked on it ended"
        ) as error:
            list(stream._spread(_end_badly, range(4)))
    assert error.value.problems == (worker_died("one of the plates"),)
    assert "give fewer --jobs" in str(error.value)
