"""Paths as the records of a study hold them."""

from __future__ import annotations

import os
from pathlib import Path


def recorded(path: str | Path, parent: Path) -> str:
    """A path as seen from a folder, with forward slashes; absolute on another drive.

    Examples
    --------
    >>> recorded("data/plate.csv", Path("results/plates"))
    '../../data/plate.csv'
    """
    try:
        return Path(os.path.relpath(path, parent)).as_posix()
    except ValueError:
        return Path(path).absolute().as_posix()


def is_file(path: Path) -> bool:
    """Whether there is such a file; False also for a name that no file can have."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; False also for a name that no folder can have."""
    return os.path.isdir(path)  # noqa: PTH112


def why_no_path(path: Path) -> str:
    """Why the system takes no such name; empty where it does, whether it is there or not."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""
