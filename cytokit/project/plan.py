"""What a run will do: which plates are finished, which are to be fitted and why."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cytokit.curves.options import FitOptions
from cytokit.errors import PrivacyError, Problem
from cytokit.exclusions import read_exclusions
from cytokit.plate import Unread
from cytokit.project.comparing import FOLDER, Asked, options_in_force
from cytokit.project.finished import why_to_do
from cytokit.project.folders import safe_stem
from cytokit.project.options import curve_options
from cytokit.project.paths import recorded
from cytokit.project.plate_files import plate_files
from cytokit.project.study_file import StudyFile
from cytokit.project.survey import Reading, Row, unmatched
from cytokit.project.units import Unit, make_units
from cytokit.project.work import Hands
from cytokit.pseudonyms import check_words, read_pseudonyms
from cytokit.record import MANIFEST


@dataclass(frozen=True)
class Step:
    """A folder of plates and whether it has to be made.

    Parameters
    ----------
    unit : Unit
    reasons : tuple of str
        Why it has to be made; empty where it is finished.
    """

    unit: Unit
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """A plate that could not be read or fitted.

    Parameters
    ----------
    files : tuple of str
    problems : tuple of Problem
    """

    files: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class StudyPlan:
    """What :func:`cytokit.project.plan_study` returns.

    Parameters
    ----------
    study : StudyFile
    steps : tuple of Step
        In the order of the plates.
    failures : tuple of Failure
        Plates that cannot be read.
    comparison : tuple of str
        Why the comparison has to be made; empty where it is finished.
    compares : bool
        Whether one is asked for.
    unused : tuple of str
        Folders of plates that are no longer in the study: they stay, and are not read.
    notes : tuple of str
        Files that are no plates, and what else a person may want to know.
    """

    study: StudyFile
    steps: tuple[Step, ...]
    failures: tuple[Failure, ...]
    comparison: tuple[str, ...]
    compares: bool
    unused: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """A study's plates, read once, and how they are to be fitted.

    Parameters
    ----------
    study : StudyFile
    reading : Reading
    units : tuple of Unit
    failures : tuple of Failure
    notes : tuple of str
    """

    study: StudyFile
    reading: Reading
    units: tuple[Unit, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def prepare(study: StudyFile, hands: Hands) -> Prepared:
    """Read every plate of a study.

    Parameters
    ----------
    study : StudyFile
    hands : Hands
        Who reads them.

    Returns
    -------
    Prepared

    Raises
    ------
    CytokitError
        As :func:`cytokit.project.plate_files.plate_files` and ``read_exclusions``; CK-646 for
        exclusions that match nothing.
    PrivacyError
        As :mod:`cytokit.pseudonyms`, for names that cannot be replaced.
    """
    options = curve_options(study.fit)
    found = plate_files(study)
    rows: list[Row] = []
    if study.exclusions is not None:
        rows = [*map(_texts, read_exclusions(study.exclusions).to_dict("records"))]
    reading = _reading(study, options)
    if reading.pseudonyms is not None:  # reasons are written as given
        reasons = {line: f"{row['reason']} {row['who']}" for line, row in enumerate(rows, start=2)}
        check_words(reasons, reading.pseudonyms.names, str(study.exclusions))
    surveyed = hands.survey(found.files, reading, rows)
    if private := [problem for one in surveyed if one.private for problem in one.problems]:
        raise PrivacyError(*private)
    failures = tuple(Failure((one.file.path,), one.problems) for one in surveyed if one.problems)
    good = [one for one in surveyed if not one.problems]
    units = tuple(make_units(good, options, rows))
    if not failures:  # a row may be for the plate that failed
        _check_exclusions(rows, units, study)
    notes = (*_strangers(found.others, study), *found.notes, *_sharing(units), *_idle(study))
    return Prepared(study, reading, units, failures, notes)


def make_plan(prepared: Prepared, *, force: bool = False) -> StudyPlan:
    """Look at what earlier runs left.

    Parameters
    ----------
    prepared : Prepared
    force : bool
        Nothing counts as finished.

    Returns
    -------
    StudyPlan
    """
    study, units = prepared.study, prepared.units
    steps = tuple(Step(unit, _reasons(study.folder, unit, force)) for unit in units)
    reasons: tuple[str, ...] = ()
    if study.design is not None:
        waiting = any(step.reasons for step in steps) or bool(prepared.failures)
        asked = asked_of(study, [unit.folder for unit in units])
        reasons = comparison_reasons(asked, waiting=waiting, force=force)
    return StudyPlan(
        study,
        steps,
        prepared.failures,
        reasons,
        study.design is not None,
        _unused(study.folder, units),
        prepared.notes,
    )


def asked_of(study: StudyFile, folders: Sequence[str], *, partial: bool = False) -> Asked:
    """The comparison a study asks for; it must have a design."""
    if study.design is None:
        raise TypeError("a study without a design asks for no comparison")
    options = options_in_force(study.compare or {})
    mapping = dict(study.mapping or {})
    return Asked(
        study.folder, tuple(folders), study.design, mapping, options, study.pseudonyms, partial
    )


def comparison_reasons(asked: Asked, *, waiting: bool, force: bool) -> tuple[str, ...]:
    """Why a comparison has to be made; `waiting` where its plates are not there yet."""
    if waiting:
        return ("the plates' results will change",)
    if force:
        return ("--force",)
    return why_to_do(asked.out / FOLDER, asked.expected())


def _reading(study: StudyFile, options: FitOptions) -> Reading:
    parent = study.folder if options.pool else study.folder / "plates"
    decimal = (study.fit or {}).get("decimal")
    if study.pseudonyms is None:
        return Reading(parent, decimal=decimal)
    table = read_pseudonyms(study.pseudonyms)
    named = replace(table, path=recorded(study.pseudonyms, parent))
    return Reading(parent, named, decimal)


def _reasons(out: Path, unit: Unit, force: bool) -> tuple[str, ...]:
    reasons = why_to_do(out / unit.folder, unit.expected)
    return reasons or (("--force",) if force else ())


def _check_exclusions(rows: Sequence[Row], units: Sequence[Unit], study: StudyFile) -> None:
    used = {at for unit in units for at in unit.rows}
    names = [name for unit in units for name in unit.names]
    error = unmatched(rows, used, study.exclusions, names)
    if error is not None:
        raise error


def _unused(out: Path, units: Sequence[Unit]) -> tuple[str, ...]:
    """Folders of plates in the results that are not of this study."""
    parent = out / "plates"
    inside = [f"plates/{one.name}" for one in parent.iterdir()] if parent.is_dir() else []
    mine = {unit.folder for unit in units}
    return tuple(
        name
        for name in sorted([*inside, "fit"])
        if name not in mine and (out / name / MANIFEST).is_file()
    )


def _strangers(others: Iterable[Unread], study: StudyFile) -> Iterator[str]:
    """Files that are no plates, but for those the study uses otherwise, and its results."""
    used = (study.path, study.layout, study.design, study.exclusions, study.pseudonyms)
    known = {path.resolve() for path in (*used, *(study.layouts or {}).values()) if path}
    out = study.folder.resolve()
    for other in others:
        place = Path(other.where).resolve()
        if place not in known and out not in place.parents:
            yield f"not a plate: {other.where} ({other.reason})"


def _idle(study: StudyFile) -> Iterator[str]:
    """Options that nothing uses."""
    given = [*(study.compare or {}), *(["map"] if study.mapping else [])]
    if study.design is None and given:
        yield f"without a design nothing is compared: {', '.join(given)} not used"


def _sharing(units: Sequence[Unit]) -> list[str]:
    """Files whose plates have one name, and files of one name in several folders."""
    notes = [
        f"{', '.join(file.path for file in unit.files)} name their plates alike: one folder, "
        f"{unit.folder}, tells them apart"
        for unit in units
        if len(unit.files) > 1 and unit.folder.startswith("plates/")
    ]
    stems: dict[str, list[Unit]] = {}
    for unit in units:
        stems.setdefault(safe_stem(unit.files[0].path).casefold(), []).append(unit)
    for alike in stems.values():
        if len(alike) > 1:
            files = " and ".join(unit.files[0].path for unit in alike)
            folders = " and ".join(unit.folder for unit in alike)
            notes.append(f"{files} have one name: their folders are {folders}")
    return notes


def _texts(row: Mapping[Hashable, Any]) -> Row:
    return {str(name): str(value) for name, value in row.items()}
