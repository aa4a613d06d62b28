"""Output folders under bad luck: full disks, killed runs, two runs at once, names no disk takes."""

from __future__ import annotations

import errno
import json
import logging
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cytokit import folder as unfinished_module
from cytokit.errors import OutputError, UsageError
from cytokit.folder import (
    PREFIX,
    OutputFolder,
    begin,
    check_goal,
    disk_errors,
    end,
    folder_named,
    leftovers,
    make_manifest,
    read_manifest,
    sha256_of,
    turn,
)

POSIX = pytest.mark.skipif(os.name != "posix", reason="processes are told apart by signal 0")


def write(goal: Path, names: dict[str, str], *, force: bool = False) -> None:
    with OutputFolder(goal, force=force) as folder:
        for name, text in names.items():
            (folder.path / name).write_text(text)
        folder.finish(make_manifest("test", options={}, inputs=[]))


def is_whole(folder: Path) -> bool:
    outputs = read_manifest(folder)["outputs"]
    return all(sha256_of(folder / entry["name"]) == entry["sha256"] for entry in outputs)


@pytest.mark.parametrize("moment", range(6))
@pytest.mark.parametrize("force", [False, True])
def test_a_disk_that_is_full_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, force: bool
) -> None:
    """Each write and each move of a run fails in turn: nothing half is taken for whole."""
    goal = tmp_path / "out"
    if force:
        write(goal, {"a.csv": "old", "b.csv": "old"})
    calls = 0

    def failing(real):
        def call(*words, **more):
            nonlocal calls
            calls += 1
            if calls == moment + 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*words, **more)

        return call

    for name in ("write_text", "write_bytes", "replace"):
        monkeypatch.setattr(Path, name, failing(getattr(Path, name)))
    names = {"a.csv": "new", "b.csv": "new"}
    steps = 6 if force else 4  # two tables, the manifest, and three moves or one
    if moment >= steps:
        write(goal, names, force=force)
    else:
        with pytest.raises(OutputError, match=r"CK-503.*No space left"):
            write(goal, names, force=force)
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir() if entry != goal] == []
    if (goal / "manifest.json").exists():
        assert is_whole(goal)
    elif goal.exists():
        assert force  # the earlier run's manifest went first: nobody takes the rest for whole


def test_two_runs_at_once_the_later_is_refused(tmp_path: Path) -> None:
    goal = tmp_path / "out"
    late = OutputFolder(goal)

    def a_slow_run() -> None:
        with late:
            (late.path / "a.csv").write_text("late")
            write(goal, {"a.csv": "first", "b.csv": "first"})
            late.finish(make_manifest("test", options={}, inputs=[]))

    with pytest.raises(UsageError, match=r"CK-592: another run wrote the output folder"):
        a_slow_run()
    assert (goal / "a.csv").read_text() == "first"
    assert is_whole(goal)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_many_runs_at_once_never_mix(tmp_path: Path) -> None:
    """Twelve threads replace one folder's files; whoever comes last has written all of them."""
    goal = tmp_path / "out"
    write(goal, {"0.csv": "start"})
    names = [f"{number}.csv" for number in range(20)]
    runs = [
        threading.Thread(
            target=write, args=(goal, dict.fromkeys(names, str(run))), kwargs={"force": True}
        )
        for run in range(12)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len({(goal / name).read_text() for name in names}) == 1
    assert is_whole(goal)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_where_there_is_no_lock_runs_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    with turn(tmp_path):
        pass


def test_a_drive_that_cannot_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    write(tmp_path / "out", {"a.csv": "1"})
    assert is_whole(tmp_path / "out")


def killed_run(goal: Path) -> Path:
    """What a run leaves that is killed with no chance to tidy."""
    code = (
        "import os, signal, sys\n"
        "from cytokit.folder import OutputFolder\n"
        "with OutputFolder(sys.argv[1]) as folder:\n"
        "    (folder.path / 'a.csv').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(goal)], check=False)
    assert done.returncode == -9
    (left,) = leftovers(goal)
    return left


@POSIX
def test_what_a_killed_run_left_is_removed_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    goal = tmp_path / "out"
    left = killed_run(goal)
    assert left.name.startswith(PREFIX)
    assert not goal.exists()
    with caplog.at_level(logging.WARNING, "cytokit"):
        write(goal, {"a.csv": "whole"})
    assert caplog.messages == [f"removed what a killed run left: {left}"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]
    assert is_whole(goal)


@POSIX
def test_what_may_be_alive_is_left_alone_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    goal = tmp_path / "out"
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(platform, "node", lambda: "another machine")
        foreign = begin(goal)
    ours = begin(goal)
    parent = tmp_path / ours.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-")
    parent.mkdir()
    (tmp_path / f"{PREFIX}something").mkdir()
    with caplog.at_level(logging.WARNING, "cytokit"):
        write(goal, {"a.csv": "1"})
    for left in (foreign, ours, parent):
        assert left.is_dir()
        assert f"another run into {goal} is at work, or was killed: {left}" in caplog.messages
    end(ours)
    assert not ours.exists()
    assert is_whole(goal)


@POSIX
def test_a_process_of_another_user_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = tmp_path / "out"
    left = killed_run(goal)

    def foreign(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "kill", foreign)
    write(goal, {"a.csv": "1"})
    assert left.is_dir()


def test_a_dead_process_with_our_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container every run may be process 1."""
    goal = tmp_path / "out"
    left = begin(goal)
    monkeypatch.setattr(unfinished_module, "_OURS", set())
    write(goal, {"a.csv": "1"})
    assert not left.exists()


def test_a_name_that_no_file_system_takes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"CK-591: .*too long for this file system: 300 letters"):
        OutputFolder(tmp_path / ("n" * 300))


def test_a_goal_that_cannot_even_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "stat", refused)
    with pytest.raises(OutputError, match=r"CK-503.*Input/output error"):
        check_goal(tmp_path / "out", force=False)


def test_what_the_disk_refuses_is_no_bug(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="CK-503"), disk_errors(tmp_path):
        (tmp_path / "no" / "such").write_text("")


@pytest.mark.parametrize("stem", ["p" * 255, "é" * 127, "🧪" * 63 + "ab", "細胞" * 42])
def test_long_stems_are_cut_to_names_that_can_be_made(tmp_path: Path, stem: str) -> None:
    name = folder_named(stem, "_cytokit")
    other = folder_named(stem[:-1] + "x", "_cytokit")
    assert name != other
    assert name[:20] == stem[:20]
    for one in (name, other):
        write(tmp_path / one, {"a.csv": "1"})
        assert is_whole(tmp_path / one)


def test_a_path_that_is_no_unicode_comes_back_from_the_manifest(tmp_path: Path) -> None:
    path = os.fsdecode(b"pl\xe4te.csv")
    with OutputFolder(tmp_path / "out") as folder:
        folder.finish(make_manifest("test", options={"path": path}, inputs=[]))
    text = (tmp_path / "out/manifest.json").read_text(encoding="utf-8")
    assert json.loads(text)["options"]["path"] == path
