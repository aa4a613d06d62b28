"""An output folder that is either whole or not there.

Everything is written into a hidden folder beside the goal and moved at the end, the manifest
last: a folder without ``manifest.json`` is unfinished, whatever else it holds.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cytokit.errors import OutputError, Problem, UsageError
from cytokit.record.manifest import MANIFEST, sha256_of


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
        self._finished = False

    def __enter__(self) -> Self:
        try:
            self.goal.parent.mkdir(parents=True, exist_ok=True)
            made = tempfile.mkdtemp(prefix=".cytokit-", dir=self.goal.parent)
        except OSError as error:
            raise _refused(self.goal, error) from error
        #: where to write; moved to the goal by ``finish``
        self.path = Path(made)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if isinstance(error, OSError) and not self._finished:
            raise _refused(self.goal, error) from error

    def finish(self, manifest: dict[str, Any]) -> None:
        """Add the outputs' hashes to the manifest and move everything into place."""
        names = sorted(path.name for path in self.path.iterdir())
        outputs = [{"name": name, "sha256": sha256_of(self.path / name)} for name in names]
        text = json.dumps({**manifest, "outputs": outputs}, indent=2, ensure_ascii=False) + "\n"
        (self.path / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
        try:
            self._move(names)
        except OSError as error:
            raise _refused(self.goal, error) from error
        self._finished = True

    def _move(self, names: list[str]) -> None:
        if not self.goal.exists():
            self.path.chmod(0o755)  # mkdtemp makes it private
            self.path.replace(self.goal)
            return
        self._forget_earlier(set(names))
        for name in names:
            (self.path / name).replace(self.goal / name)
        (self.path / MANIFEST).replace(self.goal / MANIFEST)

    def _forget_earlier(self, keep: set[str]) -> None:
        """Unlink the earlier manifest first, then the files it lists that are not made anew."""
        old = self.goal / MANIFEST
        if not old.exists():
            return
        try:
            listed = {str(entry["name"]) for entry in json.loads(old.read_text())["outputs"]}
        except (ValueError, KeyError, TypeError):
            listed = set()
        old.unlink()
        for name in sorted(listed - keep):
            if Path(name).name == name:  # a manifest from elsewhere must not reach other folders
                (self.goal / name).unlink(missing_ok=True)


def check_goal(goal: Path, *, force: bool) -> None:
    """Refuse a goal that is a file, or not empty without ``force``."""
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


def _refused(goal: Path, error: OSError) -> OutputError:
    return OutputError(
        Problem(
            "CK-503",
            f"the results cannot be written: {error.strerror or error}",
            str(goal),
            "check free space and permissions, or choose another --out; nothing half-written stays",
        )
    )
