"""Folders written by ``fit``, found and read for what quality control looks at."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import InputError, NothingToDoError, Problem, place
from cytokit.platefit import PlateFit
from cytokit.runs import RunFacts, run_facts
from cytokit.sources.text import parse_json
from cytokit.vocabulary import WellType

MANIFEST = "manifest.json"
#: how deep a folder of folders is searched
_DEPTH = 3
_KINDS = (str(WellType.CONTROL), str(WellType.BLANK))
#: file -> columns that are used
_NEEDED = {
    "wells.csv": (
        *("plate", "sample", "well_type", "analyte", "mfi", "expected", "concentration", "unit"),
        "status",
    ),
    "standards.csv": ("plate", "analyte", "level", "expected", "mfi", "recovery_pct"),
    "curves.csv": (
        *("plate", "analyte", "orientation", "lower", "upper", "inflection", "slope"),
        *("asymmetry", "s0", "cv", "lloq", "verdict"),
    ),
}


@dataclass(frozen=True)
class FitTables:
    """What quality control reads of one fit.

    Parameters
    ----------
    path : str
        The folder as given; empty for a fit in memory.
    sha256 : str
        Of its samples.csv, by which ``verify`` knows a folder; empty for a fit in memory.
    facts : tuple of RunFacts
        The plates.
    wells : pandas.DataFrame
        Controls and blanks of wells.csv.
    standards, curves : pandas.DataFrame
    """

    path: str
    sha256: str
    facts: tuple[RunFacts, ...]
    wells: pd.DataFrame
    standards: pd.DataFrame
    curves: pd.DataFrame


def from_fit(fit: PlateFit) -> FitTables:
    """The same of a fit in memory.

    Parameters
    ----------
    fit : PlateFit

    Returns
    -------
    FitTables
    """
    wells = fit.wells[fit.wells["well_type"].isin(_KINDS)]
    return FitTables(
        path="",
        sha256="",
        facts=tuple(run_facts(plate) for plate in fit.plates),
        wells=wells[list(_NEEDED["wells.csv"])].reset_index(drop=True),
        standards=fit.standards[list(_NEEDED["standards.csv"])],
        curves=fit.curves.table[list(_NEEDED["curves.csv"])],
    )


def find_fits(paths: Iterable[str | Path]) -> list[Path]:
    """The folders written by ``fit`` among and inside the given ones.

    Parameters
    ----------
    paths : iterable of path-like
        A folder that is no fit's own is searched, three levels down.

    Returns
    -------
    list of Path
        Each once; those inside a folder in the order of their names.

    Raises
    ------
    InputError
        CK-561 for what is no folder, or a folder of another command.
    NothingToDoError
        CK-560 where there is none.
    """
    given = [Path(path) for path in paths]
    found: list[Path] = []
    problems = []
    for path in given:
        if not path.is_dir():
            what = "no such folder" if not path.exists() else "a file, not a folder"
            mend = "give folders written by `cytokit fit`, or a folder that holds them"
            problems.append(Problem("CK-561", what, place(path), mend))
            continue
        inside = _inside(path, _DEPTH)
        if not inside and (path / MANIFEST).is_file():
            what = f"a folder written by `cytokit {_command(path)}`, not by `cytokit fit`"
            mend = "give the folders of the fits"
            problems.append(Problem("CK-561", what, place(path), mend))
        found += inside
    if problems:
        raise InputError(*problems)
    if not found:
        names = ", ".join(map(str, given))
        mend = "run `cytokit fit` first, and give the folders it writes"
        raise NothingToDoError(Problem("CK-560", "no fitted plates were found", names, mend))
    return list(dict.fromkeys(found))


def read_fit(folder: str | Path) -> FitTables:
    """Read one folder; its tables must be as ``fit`` wrote them.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    FitTables
        Plates of folders written before cytokit kept the facts of a run have no date.

    Raises
    ------
    InputError
        CK-562 a table is missing, damaged, or was changed after the fit.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    written = {str(entry["name"]): str(entry["sha256"]) for entry in manifest.get("outputs", ())}
    problems = []
    for name in (*_NEEDED, "samples.csv"):
        path = folder / name
        if not path.is_file():
            problems.append(Problem("CK-562", f"the folder has no {name}", place(folder), _AGAIN))
        elif written.get(name) != _sha256(path):
            what = "the table is not the one that fit wrote"
            problems.append(Problem("CK-562", what, place(path), _AGAIN))
    if problems:
        raise InputError(*problems)
    wells = _rows(folder / "wells.csv", kinds=_KINDS)
    standards, curves = _rows(folder / "standards.csv"), _rows(folder / "curves.csv")
    names = list(dict.fromkeys(curves["plate"]))
    known = {str(entry["name"]): _facts(entry) for entry in manifest.get("plates", ())}
    return FitTables(
        path=str(folder),
        sha256=written["samples.csv"],
        facts=tuple(known.get(name, RunFacts(name)) for name in names),
        wells=wells,
        standards=standards,
        curves=curves,
    )


_AGAIN = "run `cytokit fit` again; a spreadsheet may have changed the table"


def _inside(folder: Path, depth: int) -> list[Path]:
    """The folder if a fit wrote it, else those below it."""
    if _command(folder) == "fit":
        return [folder]
    if depth == 0:
        return []
    below = sorted(
        child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")
    )
    return [found for child in below for found in _inside(child, depth - 1)]


def _command(folder: Path) -> str:
    """The command that wrote a folder; empty for a folder without a manifest that can be read."""
    try:
        return str(parse_json((folder / MANIFEST).read_text(encoding="utf-8"))["command"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest of a fit."""
    if _command(folder) != "fit":
        mend = "give folders written by `cytokit fit`, or a folder that holds them"
        what = "not a finished folder of `cytokit fit`"
        raise InputError(Problem("CK-561", what, place(folder), mend))
    manifest: Mapping[str, Any] = parse_json((folder / MANIFEST).read_text(encoding="utf-8"))
    return manifest


def _facts(entry: Mapping[str, Any]) -> RunFacts:
    """A plate's facts as the manifest keeps them; keys of later releases are left alone."""
    names = {field.name for field in fields(RunFacts)}
    return RunFacts(**{name: value for name, value in entry.items() if name in names})


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(path: Path, kinds: Sequence[str] = ()) -> pd.DataFrame:
    """The columns in use, as texts; of wells only these kinds, so that little is held at once."""
    wanted = _NEEDED[path.name]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [unguard(cell) for cell in next(reader, [])]
            missing = [name for name in wanted if name not in header]
            if missing:
                what = f"the table lacks the columns {', '.join(missing)}"
                raise InputError(Problem("CK-562", what, place(path), _AGAIN))
            at = [header.index(name) for name in wanted]
            kind = header.index("well_type") if kinds else 0
            rows = [
                [unguard(row[i]) for i in at]
                for row in reader
                if row and (not kinds or row[kind] in kinds)
            ]
    except (UnicodeDecodeError, csv.Error, IndexError) as error:
        problem = Problem("CK-562", f"the table is damaged: {error}", place(path), _AGAIN)
        raise InputError(problem) from error
    return pd.DataFrame(rows, columns=list(wanted), dtype="str")
