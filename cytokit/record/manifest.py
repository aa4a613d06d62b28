"""manifest.json: what lets another person repeat a run and prove it.

It holds no time and no user: the same inputs, options and versions give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from cytokit.errors import InputError, Problem
from cytokit.sources.text import parse_json

MANIFEST = "manifest.json"
SCHEMA = "cytokit-manifest-1"

#: distributions whose version may change a number or a picture
LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "lmfit",
    "pingouin",
    "statsmodels",
    "seaborn",
    "matplotlib",
    "python-calamine",
    "xlsxwriter",
)


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python, cytokit and the libraries it stands on."""
    return dict(_versions())


@cache  # looking them up takes longer than writing the manifest of a small plate
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "cytokit": version("cytokit-luminex")}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a minimal install may leave a library out
            found[name] = "not installed"
    return found


def describe_input(
    path: str | Path, sha256: str, role: str, recognised: str, decimal: str = ""
) -> dict[str, str]:
    """One entry of the manifest's ``inputs``.

    Parameters
    ----------
    path : path-like
        As the user gave it.
    sha256 : str
        Of the bytes that were read.
    role : str
        ``plate``, ``layout``, ``design``, ``exclusions``, ``concentrations``.
    recognised : str
        The format the content was recognised as.
    decimal : str
        ``comma`` or ``point`` where the user named the decimal mark.
    """
    asked = {"decimal": decimal} if decimal else {}
    return {
        "name": Path(path).name,
        "path": os.fspath(path),
        "sha256": sha256,
        "role": role,
        "format": recognised,
        **asked,
    }


def make_manifest(
    command: str,
    *,
    options: Mapping[str, Any],
    inputs: Iterable[Mapping[str, str]],
    seed: int | None = None,
    exclusions: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """The manifest of a run, without its outputs.

    Parameters
    ----------
    command : str
        ``fit`` or ``compare``.
    options : mapping
        All options in force, defaults included.
    inputs : iterable of mapping
        Made with :func:`describe_input`.
    seed : int, optional
        Where randomness was used.
    exclusions : pandas.DataFrame, optional
        Wells left out, with who and why.

    Returns
    -------
    dict
        Plain JSON values.
    """
    left_out = [] if exclusions is None else exclusions.astype("str").to_dict("records")
    return {
        "schema": SCHEMA,
        "command": command,
        "versions": versions(),
        "options": dict(options),
        "seed": seed,
        "inputs": [dict(entry) for entry in inputs],
        "excluded": left_out,
    }


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of an output folder.

    Raises
    ------
    InputError
        CK-510: the folder has none (it is unfinished, or not cytokit's); CK-511, CK-512, CK-599:
        it is damaged.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise InputError(
            Problem(
                "CK-510",
                "the folder holds no manifest.json: it is unfinished, or not cytokit's",
                str(folder),
                "give a folder written by `cytokit fit` or `cytokit compare`",
            )
        )
    try:
        manifest = parse_json(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(
            Problem("CK-511", f"the manifest cannot be read: {error}", str(path), "run again")
        ) from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise InputError(
            Problem("CK-512", f"not a manifest of the form {SCHEMA}", str(path), "run again")
        )
    if wrong := sorted(name for name, fits in _PARTS.items() if not fits(manifest.get(name))):
        what = f"parts of the manifest are not as cytokit writes them: {', '.join(wrong)}"
        raise InputError(Problem("CK-599", what, str(path), "run again"))
    return manifest


def _are_entries(value: object, keys: Collection[str]) -> bool:
    """Whether a value is a list of mappings that have texts under these keys."""
    return isinstance(value, list) and all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in keys)
        for entry in value
    )


def _are_outputs(value: object) -> bool:
    """Names and hashes of files inside the folder, nowhere else."""
    return _are_entries(value, ("name", "sha256")) and all(
        not PurePosixPath(entry["name"]).is_absolute()
        and ".." not in PurePosixPath(entry["name"]).parts
        and "\0" not in entry["name"]
        for entry in value  # type: ignore[attr-defined]
    )


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


#: what every manifest holds, and whether a value may be that
_PARTS: Mapping[str, Callable[[object], bool]] = {
    "command": lambda value: isinstance(value, str),
    "versions": _is_mapping,
    "options": _is_mapping,
    "inputs": lambda value: _are_entries(value, ("name", "path", "sha256", "role", "format")),
    "outputs": _are_outputs,
    "excluded": lambda value: _are_entries(value, ()),
}
