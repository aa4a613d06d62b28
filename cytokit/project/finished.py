"""Whether a folder of results is finished and still what is asked for; if not, why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cytokit.errors import InputError
from cytokit.record import read_manifest, sha256_of


def why_to_do(folder: Path, expected: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a folder has to be made, or made anew; empty where it is finished.

    Parameters
    ----------
    folder : pathlib.Path
    expected : mapping
        What its manifest must say, outputs aside: of a fit all of it, of a comparison its
        versions and, under ``study``, what was asked for.

    Returns
    -------
    tuple of str
    """
    if not folder.exists():
        return ("new",)
    try:
        manifest = read_manifest(folder)
    except InputError as error:
        return (error.problems[0].what,)
    found = [*_changed(manifest.get("versions"), expected["versions"])]
    if "study" in expected:
        found += _asked(manifest.get("study"), expected["study"])
    else:
        found += _changed(manifest.get("options"), expected["options"])
        found += _inputs(manifest.get("inputs"), expected["inputs"])
        if not isinstance(manifest.get("verdicts"), list):
            found.append("the manifest does not give the plates' verdicts")
        if manifest.get("excluded") != expected["excluded"]:
            found.append("the exclusions have changed")
    return (*found, *outputs_changed(folder, manifest))


def outputs_changed(folder: Path, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Outputs that are missing, or are not what the manifest says."""
    outputs = manifest.get("outputs")
    if not isinstance(outputs, list) or not outputs:
        return ("the manifest lists no outputs",)
    found = []
    for entry in outputs:
        name = str(entry.get("name")) if isinstance(entry, dict) else ""
        path = folder / name
        if not path.is_file():
            found.append(f"output {name} is missing")
        elif sha256_of(path) != entry.get("sha256"):
            found.append(f"output {name} was changed after the run")
    return tuple(found)


def _changed(before: object, now: Mapping[str, Any]) -> Iterable[str]:
    """``weights was model, is 1/y2`` for each entry that differs."""
    old = before if isinstance(before, dict) else {}
    for name in sorted({*old, *now}):
        was, will = old.get(name), now.get(name)
        if was != will:
            yield f"{name} was {_said(was)}, is {_said(will)}"


def _said(value: object) -> str:
    return "not there" if value is None else repr(value) if value == "" else str(value)


def _inputs(before: object, now: Iterable[Mapping[str, str]]) -> Iterable[str]:
    """Inputs that are other than they were."""
    entries = before if isinstance(before, list) else []
    old = {str(entry.get("path")): entry for entry in entries if isinstance(entry, dict)}
    new = {entry["path"]: entry for entry in now}
    for path, entry in new.items():
        if path not in old:
            yield f"{entry['role']} {entry['name']} is new"
        elif old[path].get("sha256") != entry["sha256"]:
            yield f"{entry['role']} {entry['name']} has changed"
        elif old[path] != entry:
            yield f"{entry['role']} {entry['name']} was read as {old[path].get('format')}"
    for path, entry in old.items():
        if path not in new:
            yield f"{entry.get('role')} {entry.get('name')} is no longer used"


def _asked(before: object, now: Mapping[str, Any]) -> Iterable[str]:
    """What a comparison was asked for, and what is asked for now."""
    old = before if isinstance(before, dict) else {}
    yield from _changed(old.get("options"), now["options"])
    for part in _PARTS:
        if old.get(part) != now[part]:
            yield f"the {_PARTS[part]} has changed"
    plates = old.get("plates")
    if not isinstance(plates, dict) or [*plates.items()] != [*now["plates"].items()]:
        yield "the plates' results, or their order, have changed"


_PARTS = {
    "map": "mapping of the design",
    "design": "design",
    "pseudonyms": "pseudonyms file",
    "partial": "set of plates",
}
