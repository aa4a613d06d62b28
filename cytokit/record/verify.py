"""Recompute an output folder from its inputs and say whether it is identical."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cytokit.errors import CytokitError, InputError, Problem
from cytokit.record.folder import files_in
from cytokit.record.manifest import read_manifest, sha256_of, versions
from cytokit.record.rerun import RERUNS

#: what a manifest gives rise to whose options were written by somebody else
_NOT_OPTIONS = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
#: what stands for a folder of results among the inputs of a comparison
FOLDER_FILE = "samples.csv"


@dataclass(frozen=True, slots=True)
class Verification:
    """What :func:`verify` found.

    Parameters
    ----------
    folder : str
    differences : tuple of str
        Sentences; empty where everything was recomputed and is identical.
    notes : tuple of str
        What may explain differences: other versions of the libraries.
    checked : tuple of str
        Outputs that were recomputed.
    """

    folder: str
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    checked: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def verify(folder: str | Path) -> Verification:
    """Recompute every output of a folder written by cytokit and compare byte for byte.

    Inputs are looked for where the manifest says, then beside the folder, so that a study that
    was moved as a whole can still be verified.

    Parameters
    ----------
    folder : path-like
        Written by ``fit``, ``compare``, ``run`` (each of its folders is verified), and the rest
        of what :data:`cytokit.record.rerun.RERUNS` knows.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        CK-510 to CK-512 for a folder without a sound manifest; CK-513 for one whose command
        cannot be run again.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.get("command") == "run":
        return _verify_run(folder, manifest)
    rerun = RERUNS.get(str(manifest.get("command")))
    if rerun is None:
        raise InputError(
            Problem(
                "CK-513",
                f"the manifest's command {manifest.get('command')!r} cannot be run again",
                str(folder),
                f"verify knows folders of {', '.join(RERUNS)}, run",
            )
        )
    notes = _version_notes(manifest["versions"])
    differences = list(_changed_outputs(folder, manifest["outputs"]))
    found, troubles = find_inputs(folder, manifest["inputs"])
    differences += troubles
    names = tuple(str(entry["name"]) for entry in manifest["outputs"])
    if troubles:
        return Verification(str(folder), tuple(differences), notes, ())
    with tempfile.TemporaryDirectory(prefix="cytokit-verify-") as area:
        again = Path(area) / "again"
        try:
            rerun(manifest, found, again)
        except CytokitError as error:
            differences.append(f"the run cannot be repeated: {error.problems[0].what}")
            return Verification(str(folder), tuple(differences), notes, ())
        except _NOT_OPTIONS as error:
            differences.append(
                "the run cannot be repeated: the manifest's options are not those of its command "
                f"({type(error).__name__}: {str(error)[:200]})"
            )
            return Verification(str(folder), tuple(differences), notes, ())
        differences += _compared(manifest["outputs"], again)
    return Verification(str(folder), tuple(differences), notes, names)


def _verify_run(folder: Path, manifest: Mapping[str, Any]) -> Verification:
    """Every folder of a study's run, each by its own manifest, and what the run says of them."""
    differences = list(_changed_outputs(folder, manifest["outputs"]))
    differences += find_inputs(folder, manifest["inputs"])[1]
    failed = manifest.get("failed")
    for entry in failed if isinstance(failed, list) else ():
        files = entry.get("files") if isinstance(entry, dict) else None
        names = ", ".join(map(str, files)) if isinstance(files, list) else "a plate"
        differences.append(f"{names} failed in the run: it has no results to verify")
    notes: dict[str, None] = {}
    checked: list[str] = []
    for entry in manifest["outputs"]:
        name = Path(entry["name"]).parent.as_posix()
        if name == ".":
            differences.append(f"{entry['name']} is no folder of this run")
            continue
        try:
            found = verify(folder / name)
        except InputError as error:
            differences.append(f"{name}: {error.problems[0].what}")
            continue
        differences += [f"{name}: {sentence}" for sentence in found.differences]
        notes.update(dict.fromkeys(found.notes))
        checked += [f"{name}/{output}" for output in found.checked]
    return Verification(str(folder), tuple(differences), tuple(notes), tuple(checked))


def find_inputs(
    folder: Path, inputs: Iterable[Mapping[str, str]]
) -> tuple[dict[str, Path], list[str]]:
    """Where each input lies now, by the path the manifest gives; and what is wrong with them."""
    entries = list(inputs)
    by_hash = {entry["sha256"]: entry["path"] for entry in entries}
    found: dict[str, Path] = {}
    troubles = []
    for entry in entries:
        if entry["sha256"] == "":
            troubles.append(f"input {entry['name']} was never a file and cannot be read again")
            continue
        present = [path for path in _candidates(folder, entry) if _is_there(path)]
        same = next((path for path in present if _hash(path) == entry["sha256"]), None)
        if same is not None:
            found[entry["path"]] = same
        elif not present:
            troubles.append(f"input {entry['path']} is missing")
        else:
            other = by_hash.get(_hash(present[0]))
            troubles.append(
                f"input {entry['path']} was swapped: it now holds what {other} held"
                if other is not None
                else f"input {entry['path']} has changed since the run"
            )
    return found, troubles


def _candidates(folder: Path, entry: Mapping[str, str]) -> list[Path]:
    """As given; then relative to the folder's neighbourhood."""
    given = Path(entry["path"])
    near = [folder.parent / given, folder.parent / entry["name"], folder / entry["name"]]
    return [given, *near]


def _is_there(path: Path) -> bool:
    """Whether something lies there; a path that no disk can hold leads nowhere."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with half a character
        return False


def _hash(path: Path) -> str:
    if path.is_dir():
        path = path / FOLDER_FILE
    # never a device or a pipe, which has no end
    return sha256_of(path) if path.is_file() else ""


def _changed_outputs(folder: Path, outputs: Iterable[Mapping[str, str]]) -> Iterable[str]:
    for entry in outputs:
        path = folder / entry["name"]
        if not (_is_there(path) and path.is_file()):
            yield f"output {entry['name']} is missing"
        elif sha256_of(path) != entry["sha256"]:
            yield f"output {entry['name']} was changed after the run"


def _compared(outputs: Iterable[Mapping[str, str]], again: Path) -> Iterable[str]:
    made = set(files_in(again))
    for entry in outputs:
        if entry["name"] not in made:
            yield f"recomputed: {entry['name']} is no longer written"
        elif sha256_of(again / entry["name"]) != entry["sha256"]:
            yield f"recomputed: {entry['name']} differs"


def _version_notes(recorded: Mapping[str, Any]) -> tuple[str, ...]:
    now = versions()
    return tuple(
        f"{name} was {recorded[name]}, is {now.get(name, 'not installed')}"
        for name in recorded
        if now.get(name) != recorded[name]
    )
