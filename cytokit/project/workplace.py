"""The results' folder while a run works in it: locked, with a place for what is unfinished.

New folders are made in ``.cytokit-run/new`` and moved into place whole. Where one replaces another,
the earlier waits in ``.cytokit-run/old`` until the new one stands, so that a run that is killed at
any moment leaves either, never a mixture. All that lies in ``.cytokit-run`` is a run's own.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cytokit.errors import OutputError, Problem, UsageError
from cytokit.record import MANIFEST
from cytokit.sources.text import parse_json

LOCK = ".cytokit.lock"
AREA = ".cytokit-run"
#: seconds a lock may be empty: its maker writes it at once, or was killed before it could
_UNWRITTEN = 0.5
#: locks of this process; another with its number is a dead one's, as in a restarted container
_HELD: set[Path] = set()

Say = Callable[[str], None]


@contextmanager
def workplace(out: Path, say: Say) -> Iterator[Workplace]:
    """Lock the results' folder, put right what a killed run left, and clean up at the end.

    Parameters
    ----------
    out : pathlib.Path
        Made where it does not exist.
    say : callable
        Takes notes for a person.

    Yields
    ------
    Workplace

    Raises
    ------
    UsageError
        CK-641: another run works there; CK-647: it is a file.
    OutputError
        CK-648: the disk refuses.
    """
    if out.exists() and not out.is_dir():
        mend = "choose another folder under [output]"
        raise UsageError(Problem("CK-647", "the results' folder is a file", str(out), mend))
    try:
        out.mkdir(parents=True, exist_ok=True)
        _lock(out / LOCK, say)
    except OSError as error:
        raise _refused(out, error) from error
    place = Workplace(out)
    try:
        place.recover()
        yield place
    except OSError as error:
        raise _refused(out, error) from error
    finally:
        with suppress(OSError):  # what cannot be removed now, the next run removes
            place.tidy()
        with suppress(OSError):
            _unlock(out / LOCK)


class Workplace:
    """Where a run makes its folders; see :func:`workplace`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._new, self._old, self._trash = (out / AREA / name for name in ("new", "old", "trash"))

    def draft(self, folder: str) -> Path:
        """Where the folder that will stand at ``folder`` is to be made."""
        # a worker of a killed run may still write for a moment: into a place of its own
        return self._new / str(os.getpid()) / folder

    def install(self, folder: str) -> None:
        """Move a finished draft into place; files there that are not cytokit's are kept."""
        goal, earlier = self.out / folder, self._old / folder
        goal.parent.mkdir(parents=True, exist_ok=True)
        if goal.exists():
            earlier.parent.mkdir(parents=True, exist_ok=True)
            goal.replace(earlier)
        self.draft(folder).replace(goal)
        if earlier.exists():
            self._retire(earlier, goal)

    def recover(self) -> None:
        """Finish, or take back, what a killed run was about to put into place."""
        shutil.rmtree(self._new, ignore_errors=True)
        for earlier in self._earlier():
            goal = self.out / earlier.relative_to(self._old)
            if goal.exists():
                self._retire(earlier, goal)
            else:
                goal.parent.mkdir(parents=True, exist_ok=True)
                earlier.replace(goal)
        self.tidy()

    def tidy(self) -> None:
        """Remove the work area; anything unknown in it stays, and keeps it."""
        shutil.rmtree(self._new, ignore_errors=True)
        shutil.rmtree(self._trash, ignore_errors=True)
        for folder in (self._old / "plates", self._old, self.out / AREA):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _earlier(self) -> list[Path]:
        """Folders that were moved aside, by their place."""
        plates = self._old / "plates"
        found = [*plates.iterdir()] if plates.is_dir() else []
        found += [self._old / one for one in ("fit", "compare")]
        return sorted(one for one in found if one.exists())

    def _retire(self, earlier: Path, goal: Path) -> None:
        """Carry files of a person's own over to the new folder, then forget the old one."""
        if not earlier.exists():
            return
        own = own_files(earlier)
        for path in sorted(earlier.iterdir()):
            if path.name not in own and not (goal / path.name).exists():
                path.replace(goal / path.name)
        # in one step out of sight: a folder half removed must not be mistaken for an earlier one
        grave = self._trash / earlier.relative_to(self._old)
        grave.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(grave, ignore_errors=True)
        earlier.replace(grave)
        shutil.rmtree(grave, ignore_errors=True)


def own_files(folder: Path) -> set[str]:
    """Names of the files and folders that cytokit wrote into a folder, by its manifest."""
    try:
        listed = parse_json((folder / MANIFEST).read_text(encoding="utf-8"))["outputs"]
        return {MANIFEST, *(Path(str(entry["name"])).parts[0] for entry in listed)}
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return {MANIFEST}


def write_record(out: Path, manifest: dict[str, object], name: str = MANIFEST) -> None:
    """Write a run's own manifest in one step."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    # a path that is no Unicode stands as an escape, which JSON reads back to the same path
    data = text.encode("utf-8", "backslashreplace")
    if (out / name).is_file() and (out / name).read_bytes() == data:
        return
    draft = out / AREA / name
    draft.parent.mkdir(exist_ok=True)
    draft.write_bytes(data)
    draft.replace(out / name)


def _lock(path: Path, say: Say) -> None:
    """Make the lock, or say who holds it; a dead run's is taken over."""
    mine = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
    while True:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            _take_over(path, say)
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(mine)
        _HELD.add(path.resolve())
        break
    for aside in path.parent.glob(f"{path.name}.*"):  # of a run killed while it took over
        pid = aside.suffix[1:]
        if pid.isdecimal() and not _alive(int(pid)):
            aside.unlink(missing_ok=True)


def _unlock(path: Path) -> None:
    _HELD.discard(path.resolve())
    path.unlink(missing_ok=True)


def _take_over(path: Path, say: Say) -> None:
    """Remove a dead run's lock.

    It is moved aside and looked at again, so that of two runs that both found it dead, one cannot
    remove the other's new one.
    """
    held = _held(path)
    if held is None:  # gone meanwhile
        return
    pid, host = _holder(held)
    here = host == socket.gethostname()
    reborn = here and pid == os.getpid() and path.resolve() not in _HELD
    if held and not reborn and (not here or _alive(pid)):
        raise _occupied(path, pid, host)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.replace(aside)
    except FileNotFoundError:  # another run took it over
        return
    found = aside.read_bytes()
    if found != held:
        aside.replace(path)
        raise _occupied(path, *_holder(found))
    aside.unlink()
    who = f" (process {pid})" if host else ""
    say(f"took over from a run that was stopped before its end{who}")


def _held(path: Path) -> bytes | None:
    """What the lock says; empty where its maker was killed before writing; None if it is gone."""
    for pause in (_UNWRITTEN, 0.0):
        try:
            held = path.read_bytes()
        except FileNotFoundError:
            return None
        if held:
            return held
        time.sleep(pause)
    return b""


def _holder(held: bytes) -> tuple[int, str]:
    """Process and host of a lock; -1 where it does not say."""
    try:
        found = parse_json(held.decode())
        return int(found["pid"]), str(found["host"])
    except (ValueError, KeyError, TypeError):
        return -1, ""


def _alive(pid: int) -> bool:
    """Whether a process runs on this machine; where that cannot be asked, it counts as running."""
    if os.name == "nt":
        return True  # signal 0 would stop it there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _occupied(path: Path, pid: int, host: str) -> UsageError:
    who = f"process {pid} on {host}" if host else "an unknown process"
    return UsageError(
        Problem(
            "CK-641",
            f"another run works in this folder ({who})",
            str(path.parent),
            f"wait for it, or choose another [output] folder; if no such process runs, remove "
            f"{path}",
        )
    )


def _refused(out: Path, error: OSError) -> OutputError:
    return OutputError(
        Problem(
            "CK-648",
            f"the results' folder cannot be used: {error.strerror or error}",
            str(out),
            "check free space and permissions; finished plates stay, `cytokit run` resumes",
        )
    )
