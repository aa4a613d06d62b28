"""From paths, folders and globs to plates."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cytokit.errors import CytokitError, FormatError, InputError, Problem, UsageError, place
from cytokit.layout import Layout, apply_layout, read_layout
from cytokit.parsers import is23
from cytokit.parsers._folders import PathLike, find_plates, known_other, refuse_results
from cytokit.parsers._registry import recognise
from cytokit.parsers._source import RawFile
from cytokit.plate import Plate

logger = logging.getLogger("cytokit")


def read_file(
    path: PathLike,
    *,
    layout: PathLike | Layout | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> list[Plate]:
    """Every plate of one file, a layout applied.

    Parameters
    ----------
    path : path
    layout : path or Layout, optional
        See :mod:`cytokit.layout`; for an export of IS 2.3 also its lots file.
    encoding : str, optional
    decimal : {"comma", "point"}, optional

    Raises
    ------
    CytokitError
        What :func:`recognise`, the family's parser or the layout raises.
    """
    raw = RawFile.open(path, encoding=encoding, decimal=decimal)
    try:
        parser = recognise(raw)
    except FormatError as error:
        raise _clearer(error, raw) from None
    plan = _plan(layout, decimal)
    if plan is not None and plan.lots is not None and parser is is23:
        plates = is23.read(raw, lots=plan.lots)
    else:
        plates = parser.read(raw)
        plates = plates if plan is None else [apply_layout(plate, plan) for plate in plates]
    if decimal is None:
        return plates
    return [replace(one, source=replace(one.source, asked_decimal=decimal)) for one in plates]


def read_plate(
    path: PathLike,
    *,
    layout: PathLike | Layout | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
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
    decimal : {"comma", "point"}, optional
        The decimal mark, where the cells leave it open (``1,435`` beside ``286``).

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
        refuse_results(Path(path))
    plates = read_file(path, layout=layout, encoding=encoding, decimal=decimal)
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
    decimal: str | None = None,
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
    decimal : {"comma", "point"}, optional
        See :func:`read_plate`.

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
    plan = _plan(layout, decimal)
    plates: list[Plate] = []
    errors: list[CytokitError] = []
    for file in found.files:
        try:
            plates += read_file(file, layout=plan, encoding=encoding, decimal=decimal)
        except CytokitError as error:
            errors.append(error)
    if errors:
        raise InputError.together(errors)
    return distinct_names(plates)


def _plan(layout: PathLike | Layout | None, decimal: str | None) -> Layout | None:
    """A layout, read where it is not one yet."""
    if layout is None or isinstance(layout, Layout):
        return layout
    return read_layout(layout, decimal=decimal)


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
    names = unique_names([(plate.name, plate.source.path) for plate in plates])
    return [renamed(plate, name) for plate, name in zip(plates, names, strict=True)]


def unique_names(plates: Sequence[tuple[str, str]]) -> list[str]:
    """The names :func:`distinct_names` gives.

    Parameters
    ----------
    plates : sequence of (name, path)

    Returns
    -------
    list of str

    Examples
    --------
    >>> unique_names([("P", "a.csv"), ("Q", "b.csv"), ("P", "c.csv"), ("P", "d/c.csv")])
    ['P (a)', 'Q', 'P (c)', 'P (c) 2']
    """
    counts = Counter(name for name, _ in plates)
    taken: dict[str, None] = {}
    for name, path in plates:
        wanted = f"{name} ({Path(path).stem})" if counts[name] > 1 else name
        number, unique = 2, wanted
        while unique in taken:
            unique, number = f"{wanted} {number}", number + 1
        taken[unique] = None
    return list(taken)


def renamed(plate: Plate, name: str) -> Plate:
    """The same plate under another name, its findings too."""
    if name == plate.name:
        return plate
    findings = tuple(replace(finding, plate=name) for finding in plate.findings)
    return replace(plate, name=name, findings=findings)


def _clearer(error: FormatError, raw: RawFile) -> FormatError:
    """For a file of no family, say what it is and where it goes, where that is known."""
    problem = error.problems[0]
    known = known_other(raw) if problem.code == "CK-103" else None
    if known is None:
        return error
    return FormatError(replace(problem, what=f"this is {known.what}", mend=known.mend))
