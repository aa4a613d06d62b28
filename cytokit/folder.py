"""A folder of results: either whole or not there, and read as it was written or not at all.

Everything is written into a hidden folder beside the goal and moved at the end, the manifest
last: a folder without ``manifest.json`` is unfinished, whatever else it holds.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import logging
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import InputError, OutputError, Problem, UsageError, place
from cytokit.sources.delimited import parse_json

# Folders that are being written: their names, what killed runs left of them, and whose turn it is.


logger = logging.getLogger("cytokit")

PREFIX = ".cytokit-unfinished-"
#: folders this process writes; another with its number is a dead one's, as in a new container
_OURS: set[Path] = set()
#: a folder of ours is never looked at between being made and being known
_BEGINNING = threading.Lock()


def begin(goal: Path) -> Path:
    """Make an empty folder beside a goal, after removing what dead runs left there."""
    with _BEGINNING:
        for left in leftovers(goal):
            if _is_dead(left):
                shutil.rmtree(left, ignore_errors=True)
                logger.warning("removed what a killed run left: %s", left)
            else:
                logger.warning("another run into %s is at work, or was killed: %s", goal, left)
        made = Path(tempfile.mkdtemp(prefix=f"{_mark(goal)}-{os.getpid()}-", dir=goal.parent))
        _OURS.add(made)
    return made


def end(folder: Path) -> None:
    """Remove what still lies in an unfinished folder, and the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    _OURS.discard(folder)


@contextmanager
def unfinished(goal: Path) -> Iterator[Path]:
    """An unfinished folder for the length of a block: see :func:`begin`."""
    made = begin(goal)
    try:
        yield made
    finally:
        end(made)


def leftovers(goal: Path) -> list[Path]:
    """Unfinished folders of a goal, whoever writes or wrote them."""
    start = f"{PREFIX}{_short(goal.name)}-"
    return sorted(entry for entry in goal.parent.iterdir() if entry.name.startswith(start))


def _mark(goal: Path) -> str:
    return f"{PREFIX}{_short(goal.name)}-{_short(platform.node())}"


def _short(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


def _is_dead(left: Path) -> bool:
    """Whether the run that made a folder is known to have ended: on this machine, by its number."""
    *_, node, number, _ = left.name.removeprefix(PREFIX).split("-", 3)
    if node != _short(platform.node()) or os.name != "posix" or not number.isdecimal():
        return False
    if int(number) == os.getpid():
        return left not in _OURS
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it lives and is another user's
        return False
    return False


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Wait until no other run moves its files into a folder's folders, and hold it off meanwhile.

    Where the system has no such lock (Windows, some network drives) runs are not held off: there
    the last file that is moved, the manifest, decides, and the hashes in it show a mixture.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            logger.info("%s cannot be locked", folder)
        yield
    finally:
        os.close(handle)


# manifest.json: what lets another person repeat a run and prove it.


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
    """One entry of the manifest's ``inputs``."""
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
    """The manifest of a run, without its outputs."""
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


_AGAIN = "run the command that wrote the folder again, with --force"


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The manifest of an output folder."""
    manifest = _parsed(folder)
    if manifest.get("schema") != SCHEMA:
        raise InputError(_not_ours(folder))
    _require_parts(manifest, _PARTS, folder)
    return manifest


def _parsed(folder: str | Path) -> dict[str, Any]:
    """What stands in manifest.json."""
    path = Path(folder) / MANIFEST
    if not path.is_file():
        what = "the folder holds no manifest.json: it is unfinished, or not cytokit's"
        mend = "give a folder written by `cytokit fit` or `cytokit compare`"
        raise InputError(Problem("CK-510", what, str(folder), mend))
    try:
        manifest = parse_json(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        what = f"the manifest cannot be read: {error}"
        raise InputError(Problem("CK-511", what, str(path), _AGAIN)) from error
    if not isinstance(manifest, dict):
        raise InputError(_not_ours(folder))
    return manifest


def _not_ours(folder: str | Path) -> Problem:
    where = str(Path(folder) / MANIFEST)
    return Problem("CK-512", f"not a manifest of the form {SCHEMA}", where, _AGAIN)


def _require_parts(manifest: Mapping[str, Any], parts: Iterable[str], folder: str | Path) -> None:
    """Refuse a manifest whose parts are not what cytokit writes."""
    if wrong := sorted(name for name in parts if not _PARTS[name](manifest.get(name))):
        what = f"parts of the manifest are not as cytokit writes them: {', '.join(wrong)}"
        raise InputError(Problem("CK-599", what, str(Path(folder) / MANIFEST), _AGAIN))


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


class OutputFolder:
    """Write a folder of results atomically."""

    def __init__(self, goal: str | Path, *, force: bool = False) -> None:
        self.goal = Path(goal)
        check_goal(self.goal, force=force)
        self._force = force
        self._finished = False

    def __enter__(self) -> Self:
        try:
            self.goal.parent.mkdir(parents=True, exist_ok=True)
            #: where to write; moved to the goal by ``finish``
            self.path = begin(self.goal)
        except OSError as error:
            raise _refused(self.goal, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end(self.path)
        if isinstance(error, OutputError):
            raise self._at_the_goal(error) from error
        if isinstance(error, OSError) and not self._finished:
            raise _refused(self.goal, error) from error

    def _at_the_goal(self, error: OutputError) -> OutputError:
        """The error with places that the reader knows: the unfinished folder is gone."""
        here, goal = str(self.path), str(self.goal)
        problems = [replace(one, where=one.where.replace(here, goal)) for one in error.problems]
        return OutputError(*problems)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Add the outputs' hashes to the manifest and move everything into place."""
        names = files_in(self.path)
        outputs = [{"name": name, "sha256": sha256_of(self.path / name)} for name in names]
        text = json.dumps({**manifest, "outputs": outputs}, indent=2, ensure_ascii=False) + "\n"
        # a path that is no Unicode stands as an escape, which JSON reads back to the same path
        (self.path / MANIFEST).write_bytes(text.encode("utf-8", "backslashreplace"))
        try:
            with turn(self.goal.parent):
                self._check_again()
                self._move(names)
        except OSError as error:
            raise _refused(self.goal, error) from error
        self._finished = True

    def _check_again(self) -> None:
        """Refuse a goal that another run has filled since this one began."""
        if not self._force and self.goal.is_dir() and any(self.goal.iterdir()):
            what = "another run wrote the output folder while this one worked; its results stand"
            mend = "choose another --out; nothing of this run was written"
            raise UsageError(Problem("CK-592", what, str(self.goal), mend))

    def _move(self, names: list[str]) -> None:
        if not self.goal.exists():
            self.path.chmod(0o755)  # mkdtemp makes it private
            self.path.replace(self.goal)
            return
        self._forget_earlier(set(names))
        for name in names:
            (self.goal / name).parent.mkdir(exist_ok=True)
            (self.path / name).replace(self.goal / name)
        (self.path / MANIFEST).replace(self.goal / MANIFEST)

    def _forget_earlier(self, keep: set[str]) -> None:
        """Unlink the earlier manifest first, then the files it lists that are not made anew."""
        listed = listed_outputs(self.goal)
        (self.goal / MANIFEST).unlink(missing_ok=True)
        for name in sorted(listed):
            if name.as_posix() not in keep:
                (self.goal / name).unlink(missing_ok=True)


def files_in(folder: Path) -> list[str]:
    """The files of a folder and of its subfolders, as ``sub/name``, sorted."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def check_goal(goal: Path, *, force: bool) -> None:
    """Refuse a goal that is a file, not empty without ``force``, or that no folder can be."""
    try:
        os.stat(goal)  # noqa: PTH116 - Path.exists hides some errors, by the version of Python
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise _refused(goal, error) from error
        what = (
            f"the output folder's name is too long for this file system: {len(goal.name)} letters"
        )
        raise UsageError(
            Problem("CK-591", what, str(goal.parent), "give a shorter one with --out")
        ) from error
    if goal.exists() and not goal.is_dir():
        raise UsageError(
            Problem("CK-502", "the output folder is a file", str(goal), "choose another --out")
        )
    if not force and goal.is_dir() and any(goal.iterdir()):
        raise UsageError(
            Problem(
                "CK-501",
                "the output folder is not empty",
                str(goal),
                "choose another --out, or give --force to replace cytokit's own files in it",
            )
        )


@contextmanager
def disk_errors(goal: Path) -> Iterator[None]:
    """What the disk refuses in a block is an error of ours, not a bug."""
    try:
        yield
    except OSError as error:
        raise _refused(goal, error) from error


def folder_named(stem: str, ending: str, *, longest: int = 255) -> str:
    """A stem and an ending as the name of a folder, the stem cut where it is too long."""
    whole = os.fsencode(stem)
    if len(whole) + len(os.fsencode(ending)) <= longest:
        return stem + ending
    ending = f"-{hashlib.sha256(whole).hexdigest()[:8]}{ending}"
    room = longest - len(os.fsencode(ending))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + ending


def _refused(goal: Path, error: OSError) -> OutputError:
    return OutputError(
        Problem(
            "CK-503",
            f"the results cannot be written: {error.strerror or error}",
            str(goal),
            "check free space and permissions, or choose another --out; nothing half-written stays",
        )
    )


@dataclass(frozen=True, slots=True)
class ResultsFolder:
    """A folder that a command wrote: its manifest, and its tables if they are as it wrote them."""

    path: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, path: str | Path) -> ResultsFolder:
        """Open a finished folder: what it lists is checked here, its tables when they are read."""
        manifest = _parsed(path)
        _require_parts(manifest, ("inputs", "outputs"), path)
        return cls(Path(path), manifest)

    @property
    def recorded(self) -> dict[str, str]:
        """SHA-256 of each file, as the command wrote it."""
        return {entry["name"]: entry["sha256"] for entry in self.manifest["outputs"]}

    def tables(self, needed: Mapping[str, Sequence[str]]) -> dict[str, pd.DataFrame]:
        """Tables as texts, by file name, each with at least the columns asked for."""
        contents, problems = {}, []
        for name in needed:
            file = self.path / name
            if not file.is_file():
                what = f"the folder has no {name}: not written by fit, or not finished"
                mend = "run cytokit fit again and give the folder it writes"
                problems.append(Problem("CK-279", what, place(self.path), mend))
                continue
            contents[name] = file.read_bytes()
            if self.recorded.get(name) != hashlib.sha256(contents[name]).hexdigest():
                # from another run, cut short, or edited
                what = f"{name} is not what fit wrote here: it was changed, or is of another run"
                mend = "run cytokit fit again; an edited table can be given as a table of its own"
                problems.append(Problem("CK-595", what, place(self.path), mend))
        if problems:
            raise InputError(*problems)
        return {
            name: text_frame(contents[name], self.path / name, columns)
            for name, columns in needed.items()
        }


def text_frame(content: bytes, path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """A CSV of ours as texts, without the apostrophe that guards formulas."""
    mend = "run cytokit fit again; a spreadsheet may have changed the file"
    try:
        lines = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        problem = Problem("CK-280", f"the table is damaged: {error}", place(path), mend)
        raise InputError(problem) from error
    header = [unguard(cell) for cell in lines[0]] if lines else []
    missing = [name for name in needed if name not in header]
    ragged = [at for at, row in enumerate(lines, 1) if len(row) != len(header)]
    if missing or ragged:
        what = (
            f"the table lacks the columns {', '.join(missing)}"
            if missing
            else f"line {ragged[0]} has not as many cells as the header"
        )
        raise InputError(Problem("CK-280", what, place(path), mend))
    rows = [[unguard(cell) for cell in row] for row in lines[1:]]
    return pd.DataFrame(rows, columns=header, dtype="str")


def command_of(folder: Path) -> str:
    """The command that wrote a folder; empty where no manifest says so."""
    try:
        content = parse_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(content.get("command", "")) if isinstance(content, dict) else ""


def listed_outputs(folder: Path) -> set[PurePosixPath]:
    """What a folder's manifest lists inside of it; nothing where it cannot be read."""
    try:
        listed = parse_json((folder / MANIFEST).read_text(encoding="utf-8"))["outputs"]
        names = {str(entry["name"]) for entry in listed}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    # a manifest from elsewhere must not reach other folders
    inside = {PurePosixPath(name) for name in names if name and "\\" not in name}
    return {path for path in inside if not path.is_absolute() and ".." not in path.parts}
