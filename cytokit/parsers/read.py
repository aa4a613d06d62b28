"""From paths, folders and globs to plates."""

from __future__ import annotations

import glob
import logging
import math
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from cytokit.errors import (
    CytokitError,
    FormatError,
    InputError,
    NothingToDoError,
    Problem,
    UsageError,
    place,
)
from cytokit.flags import Finding
from cytokit.folder import command_of
from cytokit.parsers.blocks import is_well_head, read_location
from cytokit.parsers.registry import recognise, titles
from cytokit.plate import Plate, SourceInfo, Unread
from cytokit.schema import DESIGN_COLUMNS, DESIGN_OPTIONAL, TABLES
from cytokit.sources.numbers import read_cell
from cytokit.sources.raw import HEAD_ROWS, RawFile
from cytokit.tables.layouts import (
    Layout,
    LayoutTable,
    apply_layout,
    describes_layout,
    find_grids,
    read_layout,
    word_key,
)
from cytokit.tables.lots import describes_lots

# Folders and globs to files, and what each file is: a plate, or something else by its name.


#: Errors that say "this is no plate", as against "this plate is damaged".
_NO_PLATE = frozenset({"CK-101", "CK-102", "CK-103"})
_DESIGN = frozenset(DESIGN_COLUMNS)
_OF_DESIGNS = _DESIGN | {*DESIGN_OPTIONAL, "plate"}
#: Words by which exports of other platforms are known, without blanks and capitals; all of one set.
_PLATFORMS: tuple[tuple[str, tuple[frozenset[str], ...]], ...] = (
    (
        "an export of MSD's Discovery Workbench",
        (
            frozenset(("assay", "signal", "well")),
            frozenset(("calc.concentration", "signal")),
            frozenset(("calcconcentration", "signal")),
            frozenset(("spot", "signal")),
        ),
    ),
    (
        "a table of Olink's or Alamar's",
        (frozenset(("olinkid",)), frozenset(("npx",)), frozenset(("npq",))),
    ),
    (
        "a plate reader's export (ELISA or the like)",
        (
            *(frozenset((word,)) for word in ("absorbance", "opticaldensity", "od450", "450nm")),
            frozenset(("softwareversion", "platenumber")),
            frozenset(("##blocks=1",)),
        ),
    ),
)
_CONCENTRATIONS = frozenset(("concentration", "conc", "conc.", "result", "value", "pg/ml"))
_SAMPLES = frozenset(("sample", "sampleid", "samplename", "subject", "patient", "id"))
#: What ``fit`` and ``compare`` write, with the columns that it begins with.
_RESULTS = {"samples.csv": TABLES["samples"].names, "comparisons.csv": TABLES["comparisons"].names}

PathLike = str | Path


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """What lies at the paths a user gave."""

    files: tuple[str, ...]
    others: tuple[Unread, ...]


def find_plates(paths: PathLike | Iterable[PathLike], *, encoding: str | None = None) -> FoundFiles:
    """Expand folders and globs; say of every file whether it is a plate."""
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


def _listed(paths: PathLike | Iterable[PathLike]) -> list[PathLike]:
    return [paths] if isinstance(paths, (str, Path)) else list(paths)


def _expanded(path: PathLike) -> list[str] | None:
    """The files of a folder or glob in natural order of names; None for a file named outright."""
    text = os.fspath(path)
    folder = Path(path)
    if folder.is_dir():
        refuse_results(folder)
        return sorted(str(entry) for entry in folder.iterdir() if entry.is_file())
    if folder.exists() or not glob.has_magic(text):
        return None
    found = glob.glob(text, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    return sorted(file for file in found if Path(file).is_file())


def refuse_results(folder: Path) -> None:
    """Refuse a folder that ``fit`` or ``compare`` wrote: it holds results, not plates."""
    written = command_of(folder)
    held = [name for name in _RESULTS if _is_result(folder / name)]
    if written in ("fit", "compare") or held:
        by = f"it holds {held[0]}" if held else f"its manifest.json says 'cytokit {written}'"
        what = f"a folder of results ({by}), not of plates"
        mend = "give the exports themselves; 'cytokit compare' takes folders of results"
        raise InputError(Problem("CK-118", what, place(folder), mend))


def _is_result(file: Path) -> bool:
    """Whether a file of this name has cytokit's columns; a laboratory may have its own samples."""
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            first = lines.readline(10_000)
    except OSError:
        return False
    return [cell.strip('"\r\n ') for cell in first.split(",")][:4] == list(_RESULTS[file.name])[:4]


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
        known = known_other(raw)
        return f"{known.what}; {known.mend}" if known else problem.what
    return ""


class Other(NamedTuple):
    """What a file is that is no plate, and what is to be done with it."""

    what: str
    mend: str


def known_other(raw: RawFile) -> Other | None:
    """What a file is that no parser claims, as far as it can be told."""
    if raw.kind not in ("text", "workbook"):
        return None
    if describes_lots(raw):
        what = "a lots file of Luminex IS 2.3, not a plate"
        return Other(what, "give it with --layout (layout=), beside the plate")
    if describes_layout(raw):
        what = "a layout file, not a plate"
        return Other(what, "give it with --layout (layout=), beside the plate")
    tables = [raw.rows] if raw.kind == "text" else [sheet.rows for sheet in raw.sheets]
    for rows in tables:
        filled = [row for row in rows[:HEAD_ROWS] if any(row)]
        named = [word_key(cell) for cell in filled[0]] if filled else []
        if len(_DESIGN & set(named)) < 3 or _CONCENTRATIONS & set(named):
            continue
        if len(filled) < 2 or not _numbers_beside(named, filled[1]):
            what = "a study design, not a plate"
            return Other(what, "give it with --design (design=), beside plates or a table")
        what = "probably a table of concentrations with its design, not a plate"
        return Other(what, "it goes to 'cytokit compare'; a design alone, to --design (design=)")
    return next(filter(None, (_other_kind(rows[:HEAD_ROWS]) for rows in tables)), None)


def _numbers_beside(named: Sequence[str], row: Sequence[str]) -> bool:
    """Whether a row holds numbers in columns that no design has."""
    beside = [cell for name, cell in zip(named, row, strict=False) if name not in _OF_DESIGNS]
    return any(math.isfinite(read_cell(cell).value) for cell in beside if cell)


def _other_kind(rows: Sequence[list[str]]) -> Other | None:
    """What a table of another instrument or platform looks like."""
    if find_grids(LayoutTable("", rows, lambda row: row)):
        what = "a plate reader's export (ELISA or the like): a grid of readings without beads"
        return Other(f"probably {what}", "its concentrations, as a table, go to 'cytokit compare'")
    lines = [{word_key(cell) for cell in row if 0 < len(cell) <= 60} for row in rows]
    lines.append({word_key(row[0]) for row in rows if row and len(row[0]) <= 60})
    for name, sets in _PLATFORMS:
        if any(needed <= words for needed in sets for words in lines):
            what = f"probably {name}, not a plate of a Luminex instrument"
            return Other(what, "a table of its concentrations goes to 'cytokit compare'")
    if any({"rp1", "cl1"} <= words or {"rid", "rp1"} <= words for words in lines):
        what = "probably the beads of one well (one row per bead), not a plate"
        return Other(what, "export the plate with its medians")
    heads = [index for index, row in enumerate(rows) if is_well_head(row)]
    if any(read_location(row[0]) for at in heads for row in rows[at + 1 : at + 2]):
        what = "a table of an xPONENT export without its 'DataType' line"
        return Other(f"{what}: nobody can say which statistic it holds", "export the plate again")
    told = any(words & _CONCENTRATIONS and words & _SAMPLES for words in lines[:-1])
    if told or _is_wide_table(rows):
        what = "probably a table of concentrations, not a plate"
        return Other(what, "it goes to 'cytokit compare'")
    return None


def _is_wide_table(rows: Sequence[list[str]]) -> bool:
    """Whether a first column of samples stands beside columns of numbers."""
    filled = [row for row in rows if any(row)]
    if len(filled) < 2 or not {word_key(cell) for cell in filled[0][:3]} & _SAMPLES:
        return False
    cells = [cell for cell in filled[1][1:] if cell]
    numbers = sum(math.isfinite(read_cell(cell).value) for cell in cells)
    return numbers > 0 and 2 * numbers >= len(cells)


def _nothing(paths: PathLike | Iterable[PathLike], others: Sequence[Unread]) -> NothingToDoError:
    """Nothing found is never a success; say what was looked for and what lay there."""
    where = ", ".join(str(path) for path in _listed(paths)) or "no path was given"
    seen = "; ".join(f"{other.name}: {other.reason}" for other in others[:8])
    more = f"; and {len(others) - 8} more" if len(others) > 8 else ""
    what = f"no plate was found{f' ({seen}{more})' if seen else ''}"
    return NothingToDoError(Problem("CK-119", what, where, f"looked for: {titles()}"))


logger = logging.getLogger("cytokit")


def read_file(
    path: PathLike,
    *,
    layout: PathLike | Layout | None = None,
    encoding: str | None = None,
    decimal: str | None = None,
) -> list[Plate]:
    """Every plate of one file, a layout applied."""
    raw = RawFile.open(path, encoding=encoding, decimal=decimal)
    try:
        parser = recognise(raw)
    except FormatError as error:
        raise _clearer(error, raw) from None
    plan = _plan(layout, decimal)
    if plan is not None and plan.lots is not None and parser.takes_lots:
        plates = parser.read(raw, lots=plan.lots)
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
        An export of any family in :data:`cytokit.parsers.registry.PARSERS`.
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
    """Append the file's stem to names that several plates share, then a number if need be."""
    names = unique_names([(plate.name, plate.source.path) for plate in plates])
    return [renamed(plate, name) for plate, name in zip(plates, names, strict=True)]


def unique_names(plates: Sequence[tuple[str, str]]) -> list[str]:
    """The names :func:`distinct_names` gives."""
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


# One file under two names: its plates would count twice.


def same_file_findings(plates: Iterable[tuple[str, SourceInfo]]) -> list[Finding]:
    """A finding for every plate whose file was given under another name too."""
    listed = list(plates)
    paths: dict[str, dict[str, None]] = {}
    for _, source in listed:
        if source.sha256:  # a simulated plate is no file
            paths.setdefault(source.sha256, {})[source.path] = None
    return [
        Finding(
            "same_file",
            f"the same file, byte for byte, was given as {' and as '.join(paths[source.sha256])}",
            name,
        )
        for name, source in listed
        if len(paths.get(source.sha256, ())) > 1
    ]


def refuse_same_files(plates: Iterable[tuple[str, SourceInfo]]) -> None:
    """Refuse files given twice where plates learn from each other."""
    messages = dict.fromkeys(finding.message for finding in same_file_findings(plates))
    if messages:
        mend = "give each plate once, or leave --pool (pool=True) out"
        raise UsageError(
            *(
                Problem("CK-590", f"pooled plates must be different: {message}", mend=mend)
                for message in messages
            )
        )
