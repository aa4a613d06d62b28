"""From paths, folders and globs to plates."""

from __future__ import annotations

import glob
import logging
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cytokit.errors import (
    CytokitError,
    FormatError,
    InputError,
    NothingToDoError,
    Problem,
    UsageError,
    place,
)
from cytokit.layout import Layout, apply_layout, describes_layout, read_layout
from cytokit.parsers._registry import PARSERS, recognise
from cytokit.parsers._samples import note_repeated_samples
from cytokit.parsers._source import RawFile
from cytokit.plate import Plate, Unread

logger = logging.getLogger("cytokit")
#: Errors that say "this is no plate", as against "this plate is damaged".
_NO_PLATE = frozenset({"CK-101", "CK-102", "CK-103"})
_DESIGN = {"sample", "subject", "group", "day"}

PathLike = str | Path


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What lies at the paths a user gave.

    Parameters
    ----------
    files : tuple of str
        Plate files: those named outright, and those of folders and globs that a parser claims.
    others : tuple of Unread
        Files of folders and globs that are no plates, each with the reason.
    """

    files: tuple[str, ...]
    others: tuple[Unread, ...]


def find_plates(paths: PathLike | Iterable[PathLike], *, encoding: str | None = None) -> FoundFiles:
    """Expand folders and globs; say of every file whether it is a plate.

    Parameters
    ----------
    paths : path or iterable of path
        Files, folders (their files, not their subfolders) and globs.
    encoding : str, optional
        Overrules what each file's structure says.

    Returns
    -------
    FoundFiles

    Raises
    ------
    InputError
        CK-100 no such file or folder, CK-118 a folder that ``fit`` or ``compare`` wrote.
    NothingToDoError
        CK-119, if folders and globs hold no plate.
    """
    files: dict[str, None] = {}
    others: list[Unread] = []
    errors: list[CytokitError] = []
    for path in _listed(paths):
        try:
            named = _expanded(path)
        except CytokitError as error:
            errors.append(error)
            continue
        if named is None:
            files[str(path)] = None
            continue
        for file in named:
            reason = _why_no_plate(file, encoding)
            if not reason:
                files[file] = None
            else:
                others.append(Unread(Path(file).name, file, reason))
    if errors:
        raise InputError.together(errors)
    if not files:
        raise _nothing(paths, others)
    return FoundFiles(tuple(files), tuple(others))


def read_file(
    path: PathLike, *, layout: PathLike | Layout | None = None, encoding: str | None = None
) -> list[Plate]:
    """Every plate of one file, a layout applied.

    Parameters
    ----------
    path : path
    layout : path or Layout, optional
        See :mod:`cytokit.layout`.
    encoding : str, optional

    Raises
    ------
    CytokitError
        What :func:`recognise`, the family's parser or the layout raises.
    """
    raw = RawFile.open(path, encoding=encoding)
    try:
        parser = recognise(raw)
    except FormatError as error:
        raise _clearer(error, raw) from None
    plates = parser.read(raw)
    if layout is not None:
        plan = layout if isinstance(layout, Layout) else read_layout(layout)
        plates = [apply_layout(plate, plan) for plate in plates]
    return [note_repeated_samples(plate) for plate in plates]


def read_plate(
    path: PathLike, *, layout: PathLike | Layout | None = None, encoding: str | None = None
) -> Plate:
    """Read one plate from an instrument's export.

    Parameters
    ----------
    path : str or Path
        An export of any family in :data:`PARSERS`.
    layout : str, Path or Layout, optional
        What each well holds, where the export does not say (see :mod:`cytokit.layout`).
    encoding : str, optional
        Overrules what the file's own structure says (BOM, UTF-16, UTF-8, else cp1252).

    Returns
    -------
    Plate

    Raises
    ------
    FormatError
        If the file is of no known family, or damaged: every problem with line and column.
    UsageError
        CK-116, if the file holds several plates.
    InputError
        If there is no such file, or the path is a folder.
    """
    if Path(path).is_dir():
        _refuse_results(Path(path))
    plates = read_file(path, layout=layout, encoding=encoding)
    if len(plates) != 1:
        names = ", ".join(repr(plate.name) for plate in plates)
        what = f"the file holds {len(plates)} plates: {names}"
        raise UsageError(Problem("CK-116", what, place(path), "read it with read_plates"))
    return plates[0]


def read_plates(
    paths: PathLike | Iterable[PathLike],
    *,
    layout: PathLike | Layout | None = None,
    encoding: str | None = None,
) -> list[Plate]:
    """Read plates from files, folders and globs.

    Parameters
    ----------
    paths : path or iterable of path
        Files of a folder that are no plates are logged as warnings with the reason, not an error;
        a plate that is damaged is one.
    layout : path or Layout, optional
        Applied to every plate; rows of its ``plate`` column to the plate they name.
    encoding : str, optional

    Returns
    -------
    list of Plate
        In the order of the paths. Where two share a name, the file's stem is appended.

    Raises
    ------
    InputError
        With the problems of every file that could not be read, together.
    NothingToDoError
        CK-119, if nothing is a plate.
    """
    found = find_plates(paths, encoding=encoding)
    for other in found.others:
        logger.warning("not a plate: %s (%s)", other.where, other.reason)
    plan = layout if layout is None or isinstance(layout, Layout) else read_layout(layout)
    plates: list[Plate] = []
    errors: list[CytokitError] = []
    for file in found.files:
        try:
            plates += read_file(file, layout=plan, encoding=encoding)
        except CytokitError as error:
            errors.append(error)
    if errors:
        raise InputError.together(errors)
    return distinct_names(plates)


def distinct_names(plates: Sequence[Plate]) -> list[Plate]:
    """Append the file's stem to names that several plates share, then a number if need be.

    Parameters
    ----------
    plates : sequence of Plate

    Returns
    -------
    list of Plate
        The same plates in the same order, every name once.
    """
    counts = Counter(plate.name for plate in plates)
    taken: set[str] = set()
    result = []
    for plate in plates:
        name = plate.name
        if counts[name] > 1:
            name = f"{name} ({Path(plate.source.path).stem})"
        number, unique = 2, name
        while unique in taken:
            unique, number = f"{name} {number}", number + 1
        taken.add(unique)
        result.append(plate if unique == plate.name else renamed(plate, unique))
    return result


def renamed(plate: Plate, name: str) -> Plate:
    """The same plate under another name, its findings too."""
    findings = tuple(replace(finding, plate=name) for finding in plate.findings)
    return replace(plate, name=name, findings=findings)


def _listed(paths: PathLike | Iterable[PathLike]) -> list[PathLike]:
    return [paths] if isinstance(paths, (str, Path)) else list(paths)


def _expanded(path: PathLike) -> list[str] | None:
    """The files of a folder or glob in natural order of names; None for a file named outright."""
    text = os.fspath(path)
    folder = Path(path)
    if folder.is_dir():
        _refuse_results(folder)
        return sorted(str(entry) for entry in folder.iterdir() if entry.is_file())
    if folder.exists() or not glob.has_magic(text):
        return None
    found = glob.glob(text, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    return sorted(file for file in found if Path(file).is_file())


def _refuse_results(folder: Path) -> None:
    """A folder that cytokit wrote holds results, not plates."""
    if (folder / "manifest.json").is_file():
        what = "a folder of results (it holds manifest.json), not of plates"
        mend = "give the exports themselves; 'cytokit compare' takes folders of results"
        raise InputError(Problem("CK-118", what, place(folder), mend))


def _why_no_plate(file: str, encoding: str | None) -> str:
    """Empty for a plate (also for a damaged one, whose reading will say so), else the reason."""
    try:
        raw = RawFile.open(file, encoding=encoding)
        if raw.name.startswith((".", "~$")):
            return "a hidden or lock file"
        recognise(raw)
    except CytokitError as error:
        problem = error.problems[0]
        if problem.code not in _NO_PLATE:
            return ""
        return _known_other(raw) or problem.what
    return ""


def _known_other(raw: RawFile) -> str:
    """A layout or a design, said in those words; empty for anything else."""
    if raw.kind not in ("text", "workbook"):
        return ""
    if describes_layout(raw):
        return "a layout file, not a plate; give it with --layout (layout=)"
    tables = [raw.rows] if raw.kind == "text" else [sheet.rows for sheet in raw.sheets]
    for rows in tables:
        first = next((row for row in rows if any(row)), [])
        if len(_DESIGN & {cell.casefold() for cell in first}) >= 3:
            return "a study design, not a plate; give it with --design (design=)"
    return ""


def _clearer(error: FormatError, raw: RawFile) -> FormatError:
    """For a file of no family, say what it is where that is known."""
    problem = error.problems[0]
    known = _known_other(raw) if problem.code == "CK-103" else ""
    return FormatError(replace(problem, what=f"this is {known}")) if known else error


def _nothing(paths: PathLike | Iterable[PathLike], others: Sequence[Unread]) -> NothingToDoError:
    """Nothing found is never a success; say what was looked for and what lay there."""
    where = ", ".join(str(path) for path in _listed(paths)) or "no path was given"
    looked = "; ".join(parser.TITLE for parser in PARSERS)
    seen = "; ".join(f"{other.name}: {other.reason}" for other in others[:8])
    more = f"; and {len(others) - 8} more" if len(others) > 8 else ""
    what = f"no plate was found{f' ({seen}{more})' if seen else ''}"
    return NothingToDoError(Problem("CK-119", what, where, f"looked for: {looked}"))
