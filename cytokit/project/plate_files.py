"""The plates of a study file: which files, each with its hash and its layout, none twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cytokit.errors import Problem, UsageError, did_you_mean, place
from cytokit.parsers import find_plates
from cytokit.plate import Unread
from cytokit.project.study_file import StudyFile
from cytokit.record import sha256_of


@dataclass(frozen=True, slots=True)
class PlateFile:
    """One file of plates.

    Parameters
    ----------
    path : str
        To open it with.
    sha256 : str
        Of its bytes; empty where it cannot be read, which its fit will say.
    layout : pathlib.Path or None
    """

    path: str
    sha256: str
    layout: Path | None = None


@dataclass(frozen=True, slots=True)
class PlateFiles:
    """What :func:`plate_files` found.

    Parameters
    ----------
    files : tuple of PlateFile
    others : tuple of Unread
        Files of folders and globs that are no plates, each with the reason.
    notes : tuple of str
        What a person may want to know: a file that was named twice.
    """

    files: tuple[PlateFile, ...]
    others: tuple[Unread, ...]
    notes: tuple[str, ...]


def plate_files(study: StudyFile) -> PlateFiles:
    """Find the plates that a study file names.

    Parameters
    ----------
    study : StudyFile

    Returns
    -------
    PlateFiles

    Raises
    ------
    InputError, NothingToDoError
        As :func:`cytokit.parsers.find_plates`.
    UsageError
        CK-637: a layout for a plate that is not there; CK-638: the same content under two names;
        CK-639: a plate to be left out is not there. All together.
    """
    found = find_plates(study.plates)
    places: dict[Path, str] = {}
    notes = []
    for path in found.files:
        first = places.setdefault(Path(path).resolve(), path)
        if first != path:
            notes.append(f"{path} is {first}, named twice: used once")
    paths, problems = _without(list(places.values()), study)
    layouts, wrong = _layouts(paths, study)
    files = tuple(PlateFile(path, _hash(path), layouts.get(path, study.layout)) for path in paths)
    problems += [*wrong, *_twins(files, study)]
    if problems:
        raise UsageError(*problems)
    if not files:  # everything was left out: say so in the words for an empty folder
        find_plates([])
    return PlateFiles(files, found.others, tuple(notes))


def _without(paths: list[str], study: StudyFile) -> tuple[list[str], list[Problem]]:
    """The paths but for those to be left out."""
    out: set[str] = set()
    problems = []
    for word in study.leave_out:
        hit = set(_matching(word, paths))
        out |= hit
        if not hit:
            what = f"{word} is to be left out but is none of the plates"
            where = place(study.path)
            near = did_you_mean(Path(word).name, [Path(path).name for path in paths])
            problems.append(Problem("CK-639", what, where, "correct leave_out", near))
    return [path for path in paths if path not in out], problems


def _matching(word: str, paths: Iterable[str]) -> list[str]:
    """The paths that a file, folder or glob stands for."""
    goal = Path(word).resolve()
    return [
        path
        for path in paths
        if Path(path).resolve() == goal
        or Path(path).resolve().parent == goal
        or Path(path).match(word)
    ]


def _layouts(paths: list[str], study: StudyFile) -> tuple[dict[str, Path], list[Problem]]:
    """Each plate's own layout, by its path as written, its file's name or its stem."""
    found: dict[str, Path] = {}
    problems = []
    for word, layout in (study.layouts or {}).items():
        exact = (study.path.parent / word).resolve()
        hits = [path for path in paths if Path(path).resolve() == exact] or [
            path for path in paths if word in (Path(path).name, Path(path).stem)
        ]
        if len(hits) == 1:
            found[hits[0]] = layout
            continue
        what = f"the layout {layout.name} is for {word!r}, which is " + (
            f"{len(hits)} plates: {', '.join(hits)}" if hits else "none of the plates"
        )
        mend = "write the plate's path as in plates, or its file's name"
        near = "" if hits else did_you_mean(word, [Path(path).name for path in paths])
        problems.append(Problem("CK-637", what, place(study.path), mend, near))
    return found, problems


def _twins(files: Iterable[PlateFile], study: StudyFile) -> list[Problem]:
    """Files of the same content: a plate must not count twice."""
    by_hash: Mapping[str, list[str]] = defaultdict(list)
    for file in files:
        if file.sha256:
            by_hash[file.sha256].append(file.path)
    mend = 'keep one, or name the others under [study] leave_out = ["..."]'
    return [
        Problem(
            "CK-638",
            f"the same content stands under {len(names)} names: {', '.join(names)}",
            place(study.path),
            mend,
        )
        for names in by_hash.values()
        if len(names) > 1
    ]


def _hash(path: str) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""
