"""What each plate file holds, as far as planning needs it: names, companions, excluded readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cytokit.errors import (
    CytokitError,
    InputError,
    PrivacyError,
    Problem,
    did_you_mean,
    place,
)
from cytokit.parsers import read_file
from cytokit.plate import Plate, SourceInfo
from cytokit.project.paths import recorded
from cytokit.project.plate_files import PlateFile
from cytokit.pseudonyms import Pseudonyms, errors_without_names, pseudonymise

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A plate file that was read once.

    Parameters
    ----------
    file : PlateFile
    plates : tuple of Plate
        With identity and provenance but one row of wells, so that many can be kept.
    hits : tuple of tuple of int
        For each plate the rows of the exclusions that name a reading of it, whatever plate they
        are for.
    problems : tuple of Problem
        Why it cannot be read; then there are no plates.
    private : bool
        Whether they say that a name cannot be kept out of the results: the run must end.
    """

    file: PlateFile
    plates: tuple[Plate, ...] = ()
    hits: tuple[tuple[int, ...], ...] = ()
    problems: tuple[Problem, ...] = ()
    private: bool = False


@dataclass(frozen=True)
class Reading:
    """How plates are read for a study.

    Parameters
    ----------
    parent : pathlib.Path
        Where the folders of results stand: paths are recorded as seen from there, so that the
        record holds wherever the study lies and whoever reads it.
    pseudonyms : Pseudonyms or None
        With a path that is recorded so, too.
    decimal : {"comma", "point"}, optional
        The decimal mark, where the cells leave it open.
    """

    parent: Path
    pseudonyms: Pseudonyms | None = None
    decimal: str | None = None

    def plates(self, file: PlateFile) -> list[Plate]:
        """The plates of a file.

        Raises
        ------
        CytokitError
            As :func:`cytokit.parsers.read_file` and :func:`cytokit.pseudonyms.pseudonymise`.
        """
        table = self.pseudonyms
        with errors_without_names(table):
            read = read_file(file.path, layout=file.layout, decimal=self.decimal)
            found = [self._located(plate) for plate in read]
            return found if table is None else [pseudonymise(plate, table) for plate in found]

    def _located(self, plate: Plate) -> Plate:
        def seen(source: SourceInfo) -> SourceInfo:
            return replace(source, path=recorded(source.path, self.parent))

        companions = tuple(seen(companion) for companion in plate.companions)
        return replace(plate, source=seen(plate.source), companions=companions)


def survey(file: PlateFile, reading: Reading, exclusions: Sequence[Row]) -> Surveyed:
    """Read a plate file for the plan.

    Parameters
    ----------
    file : PlateFile
    reading : Reading
    exclusions : sequence of mapping
        Rows as :func:`cytokit.exclusions.read_exclusions` gives them.

    Returns
    -------
    Surveyed
    """
    try:
        plates = reading.plates(file)
    except CytokitError as error:
        return Surveyed(file, problems=error.problems, private=isinstance(error, PrivacyError))
    return Surveyed(
        file,
        tuple(_emptied(plate) for plate in plates),
        tuple(_hits(plate, exclusions) for plate in plates),
    )


def _emptied(plate: Plate) -> Plate:
    """Identity and provenance; a plate must hold a well."""
    return replace(
        plate,
        wells=plate.wells.head(1),
        header={},
        statistics={},
        vendor_curves={},
        findings=(),
        unread=(),
    )


def _hits(plate: Plate, exclusions: Sequence[Row]) -> tuple[int, ...]:
    """Which rows name a well, an analyte or a reading of the plate."""
    if not exclusions:
        return ()
    pairs = set(zip(plate.wells["well"], plate.wells["analyte"], strict=True))
    wells = {well for well, _ in pairs}
    analytes = {analyte for _, analyte in pairs}

    def names_reading(row: Row) -> bool:
        if row["well"] and row["analyte"]:
            return (row["well"], row["analyte"]) in pairs
        return row["well"] in wells if row["well"] else row["analyte"] in analytes

    return tuple(at for at, row in enumerate(exclusions) if names_reading(row))


def unmatched(
    exclusions: Sequence[Row], used: set[int], file: object, names: Sequence[str]
) -> InputError | None:
    """An error that names the rows of the exclusions that no plate has; None where all hit.

    Parameters
    ----------
    exclusions : sequence of mapping
    used : set of int
        Rows that hit a plate.
    file : path-like
        For the message.
    names : sequence of str
        Of all plates.

    Returns
    -------
    InputError or None
        CK-646 for each row.
    """
    problems = []
    for at, row in enumerate(exclusions):
        if at in used:
            continue
        where = place(str(file), line=at + 2, well=row["well"], analyte=row["analyte"])
        plate = row["plate"]
        what = "an exclusion matches no reading" + (f" of plate {plate!r}" if plate else "")
        near = did_you_mean(plate, names) if plate and plate not in names else ""
        mend = "check the names of plate, well and analyte, or remove the row"
        problems.append(Problem("CK-646", what, where, mend, near))
    return InputError(*problems) if problems else None
