"""Folders that are being written: their names, what killed runs left of them, and whose turn it is.

An unfinished folder lies beside its goal and is called ``.cytokit-unfinished-`` and then which
goal, machine and process it belongs to, so that the next run into the same goal can tell a dead
run's folder, which it removes, from that of a run that is still at work.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger("cytokit")

PREFIX = ".cytokit-unfinished-"
#: folders this process writes; another with its number is a dead one's, as in a new container
_OURS: set[Path] = set()
#: a folder of ours is never looked at between being made and being known
_BEGINNING = threading.Lock()


def begin(goal: Path) -> Path:
    """Make an empty folder beside a goal, after removing what dead runs left there.

    Parameters
    ----------
    goal : pathlib.Path
        Its parent must exist.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    OSError
        If it cannot be made.
    """
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
