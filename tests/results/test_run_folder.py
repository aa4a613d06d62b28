"""Locked by one run at a time; folders whole or not there, whenever a run is killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cytokit.errors import OutputError, UsageError
from cytokit.folder import OutputFolder
from cytokit.results.study_run import AREA, LOCK, RunFolder, run_folder


class Killed(BaseException):
    """Stands for a kill: nothing of the run goes on, and nothing is cleaned up."""


def quiet(_: str) -> None:
    """Nobody listens."""


def write(goal: Path, names: dict[str, str]) -> None:
    with OutputFolder(goal) as folder:
        for name, text in names.items():
            (folder.path / name).write_text(text)
        folder.finish({"command": "fit"})


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def lock(out: Path, pid: int, host: str | None = None) -> None:
    out.mkdir(exist_ok=True)
    held = {"pid": pid, "host": host or socket.gethostname()}
    (out / LOCK).write_text(json.dumps(held))


def test_the_lock_says_who_works_there_and_goes_with_the_run(tmp_path: Path) -> None:
    with run_folder(tmp_path / "out", quiet):
        held = json.loads((tmp_path / "out" / LOCK).read_text())
        assert held == {"pid": os.getpid(), "host": socket.gethostname()}
    assert list((tmp_path / "out").iterdir()) == []


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    with (
        run_folder(tmp_path, quiet),
        pytest.raises(UsageError, match=rf"CK-641.*process {os.getpid()} on") as caught,
        run_folder(tmp_path, quiet),
    ):
        pass
    assert f"remove {tmp_path / LOCK}" in str(caught.value)


@pytest.mark.parametrize("host", [None, "elsewhere"])
def test_a_run_of_another_process_or_machine_is_refused(tmp_path: Path, host: str | None) -> None:
    lock(tmp_path, os.getppid(), host)
    with pytest.raises(UsageError, match="CK-641"), run_folder(tmp_path, quiet):
        pass
    assert (tmp_path / LOCK).exists()


def test_a_lock_that_nobody_can_read_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("mine")
    with (
        pytest.raises(UsageError, match=r"CK-641.*an unknown process"),
        run_folder(tmp_path, quiet),
    ):
        pass


def test_a_dead_run_is_taken_over_with_a_word(tmp_path: Path) -> None:
    pid = dead_process()
    lock(tmp_path, pid)
    said: list[str] = []
    with run_folder(tmp_path, said.append):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert said == [f"took over from a run that was stopped before its end (process {pid})"]


def test_an_empty_lock_is_of_a_run_killed_before_it_could_write(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    with run_folder(tmp_path, quiet):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_this_very_number_is_of_a_process_before_us(tmp_path: Path) -> None:
    lock(tmp_path, os.getpid())  # a container that was started again
    with run_folder(tmp_path, quiet):
        pass


def test_what_a_killed_takeover_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{LOCK}.{dead_process()}").touch()
    (tmp_path / f"{LOCK}.{os.getppid()}").touch()
    (tmp_path / f"{LOCK}.txt").touch()
    with run_folder(tmp_path, quiet):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{LOCK}.{os.getppid()}",
        f"{LOCK}.txt",
    }


def test_of_two_that_find_a_dead_lock_one_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(tmp_path, dead_process())
    moved = Path.replace

    def late(self: Path, target: Path) -> Path:
        if self.name == LOCK and target.name != LOCK:
            lock(tmp_path, os.getppid())  # another run was quicker, and works now
        return moved(self, target)

    monkeypatch.setattr(Path, "replace", late)
    with pytest.raises(UsageError, match=rf"process {os.getppid()}"), run_folder(tmp_path, quiet):
        pass
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getppid()


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="CK-647"), run_folder(tmp_path / "out", quiet):
        pass
    with pytest.raises(OutputError, match="CK-648"), run_folder(tmp_path / "out/x", quiet):
        pass


def test_a_new_folder_replaces_the_old_whole_and_keeps_what_is_not_ours(tmp_path: Path) -> None:
    goal = tmp_path / "plates" / "p"
    write(goal, {"a.csv": "1", "gone.csv": "1"})
    (goal / "notes.txt").write_text("mine")
    with run_folder(tmp_path, quiet) as place:
        write(place.draft("plates/p"), {"a.csv": "2"})
        place.install("plates/p")
    assert sorted(path.name for path in goal.iterdir()) == ["a.csv", "manifest.json", "notes.txt"]
    assert (goal / "a.csv").read_text() == "2"
    assert not (tmp_path / AREA).exists()


@pytest.mark.parametrize("step", range(1, 6))
def test_killed_at_any_step_of_the_replacement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    goal = tmp_path / "plates" / "p"
    write(goal, {"a.csv": "1", "gone.csv": "1"})
    (goal / "notes.txt").write_text("mine")
    place = RunFolder(tmp_path)
    write(place.draft("plates/p"), {"a.csv": "2"})
    moved, count = Path.replace, 0

    def fatal(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == step:
            raise Killed
        return moved(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fatal)
        try:
            place.install("plates/p")
        except Killed:
            assert step < 5, "the replacement has four moves"
    with run_folder(tmp_path, quiet):
        names = sorted(path.name for path in goal.iterdir())
        old = (goal / "a.csv").read_text() == "1"
        assert names == ["a.csv", *(["gone.csv"] if old else []), "manifest.json", "notes.txt"]
        assert old == (step <= 2)
    assert not (tmp_path / AREA).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["plates"]


def test_drafts_of_a_killed_run_go_and_what_is_unknown_stays(tmp_path: Path) -> None:
    area = tmp_path / AREA
    (area / "new" / "123" / "plates" / ".cytokit-x").mkdir(parents=True)
    (area / "trash" / "plates" / "p").mkdir(parents=True)
    (area / "somebody.txt").write_text("not ours")
    with run_folder(tmp_path, quiet):
        assert sorted(path.name for path in area.iterdir()) == ["somebody.txt"]
    assert (area / "somebody.txt").exists()


def test_a_disk_that_refuses_is_said_and_the_lock_goes(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"CK-648.*No space left"), run_folder(tmp_path, quiet):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
