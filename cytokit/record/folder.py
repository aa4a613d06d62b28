"""An output folder that is either whole or not there.

Everything is written into a hidden folder beside the goal and moved at the end, the manifest
last: a folder without ``manifest.json`` is unfinished, whatever else it holds.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Self

from cytokit.errors import OutputError, Problem, UsageError
from cytokit.record.manifest import MANIFEST, sha256_of
from cytokit.record.unfinished import begin, end, turn
from cytokit.sources.text import parse_json


class OutputFolder:
    """Write a folder of results atomically.

    Parameters
    ----------
    goal : path-like
        The folder to make.
    force : bool
        Replace the files of an earlier run. Files that cytokit did not write stay.

    Raises
    ------
    UsageError
        If the goal is not empty and ``force`` is not given, or is a file.
    OutputError
        If the disk refuses.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> goal = pathlib.Path(tempfile.mkdtemp()) / "results"
    >>> with OutputFolder(goal) as folder:
    ...     _ = (folder.path / "note.txt").write_text("hello")
    ...     folder.finish({"command": "none"})
    >>> sorted(path.name for path in goal.iterdir())
    ['manifest.json', 'note.txt']
    """

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
        old = self.goal / MANIFEST
        if not old.exists():
            return
        try:
            listed = {str(entry["name"]) for entry in parse_json(old.read_text())["outputs"]}
        except (ValueError, KeyError, TypeError):
            listed = set()
        old.unlink()
        for name in sorted(listed - keep):
            inside = PurePosixPath(name)
            # a manifest from elsewhere must not reach other folders
            if inside.is_absolute() or ".." in inside.parts or "\\" in name:
                continue
            (self.goal / inside).unlink(missing_ok=True)


def files_in(folder: Path) -> list[str]:
    """The files of a folder and of its subfolders, as ``sub/name``, sorted."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def check_goal(goal: Path, *, force: bool) -> None:
    """Refuse a goal that is a file, not empty without ``force``, or that no folder can be.

    Raises
    ------
    UsageError
        CK-501 not empty, CK-502 a file, CK-591 a name that is too long.
    OutputError
        CK-503, if the system says no otherwise.
    """
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
    """What the disk refuses in a block is an error of ours, not a bug.

    Raises
    ------
    OutputError
        CK-503.
    """
    try:
        yield
    except OSError as error:
        raise _refused(goal, error) from error


def folder_named(stem: str, ending: str, *, longest: int = 255) -> str:
    """A stem and an ending as the name of a folder, the stem cut where the name would be too long.

    Parameters
    ----------
    stem, ending : str
    longest : int
        In bytes; 255 is what common file systems allow.

    Returns
    -------
    str
        A cut name holds a part of the stem's hash, so that two long stems stay apart.

    Examples
    --------
    >>> folder_named("plate", "_cytokit"), folder_named("p" * 300, "_cytokit", longest=32)
    ('plate_cytokit', 'ppppppppppppppp-67f102b9_cytokit')
    """
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
