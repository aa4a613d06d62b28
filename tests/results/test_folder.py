"""Output folders are whole or not there; manifests say what was done."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from cytokit.errors import InputError, OutputError, UsageError
from cytokit.folder import OutputFolder, make_manifest, read_manifest, sha256_of


def write(goal: Path, names: dict[str, str], *, force: bool = False) -> None:
    with OutputFolder(goal, force=force) as folder:
        for name, text in names.items():
            (folder.path / name).write_text(text)
        folder.finish(make_manifest("test", options={"a": 1}, inputs=[]))


def test_the_manifest_lists_every_output_with_its_hash(tmp_path: Path) -> None:
    write(tmp_path / "out", {"a.csv": "1", "b.csv": "2"})
    manifest = read_manifest(tmp_path / "out")
    assert [entry["name"] for entry in manifest["outputs"]] == ["a.csv", "b.csv"]
    assert manifest["outputs"][0]["sha256"] == sha256_of(tmp_path / "out" / "a.csv")
    assert set(manifest["versions"]) >= {"python", "cytokit", "numpy"}


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one", {"a.csv": "1"})
    write(tmp_path / "two", {"a.csv": "1"})
    assert (tmp_path / "one/manifest.json").read_bytes() == (
        tmp_path / "two/manifest.json"
    ).read_bytes()


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    write(tmp_path / "out", {"a.csv": "1"})
    with pytest.raises(UsageError, match=r"CK-501.*not empty"):
        write(tmp_path / "out", {"a.csv": "2"})
    assert (tmp_path / "out/a.csv").read_text() == "1"


def test_force_replaces_our_files_and_keeps_others(tmp_path: Path) -> None:
    goal = tmp_path / "out"
    write(goal, {"old.csv": "1", "both.csv": "1"})
    (goal / "notes.txt").write_text("the user's own")
    write(goal, {"both.csv": "2"}, force=True)
    assert not (goal / "old.csv").exists()
    assert (goal / "both.csv").read_text() == "2"
    assert (goal / "notes.txt").read_text() == "the user's own"


def test_a_foreign_manifest_cannot_delete_outside_the_folder(tmp_path: Path) -> None:
    goal = tmp_path / "out"
    write(goal, {"a.csv": "1"})
    victim = tmp_path / "victim.csv"
    victim.write_text("mine")
    manifest = json.loads((goal / "manifest.json").read_text())
    manifest["outputs"].append({"name": "../victim.csv", "sha256": ""})
    (goal / "manifest.json").write_text(json.dumps(manifest))
    write(goal, {"a.csv": "2"}, force=True)
    assert victim.exists()


def test_a_failed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    def half_a_run() -> None:
        with OutputFolder(tmp_path / "out") as folder:
            (folder.path / "a.csv").write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        half_a_run()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"CK-503.*No space left"), OutputFolder(tmp_path / "o"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_goal_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="CK-502"):
        OutputFolder(tmp_path / "file")
    with pytest.raises(OutputError, match="CK-503"), OutputFolder(tmp_path / "file" / "out"):
        pass


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "CK-510"), ("{", "CK-511"), ('{"schema": "other"}', "CK-512"), ("[]", "CK-512")],
)
def test_a_folder_without_a_sound_manifest_is_refused(
    tmp_path: Path, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_manifest(tmp_path)


def test_a_damaged_manifest_does_not_stop_a_forced_run(tmp_path: Path) -> None:
    goal = tmp_path / "out"
    write(goal, {"a.csv": "1"})
    (goal / "manifest.json").write_text("{")
    write(goal, {"a.csv": "2"}, force=True)
    assert read_manifest(goal)["command"] == "test"
