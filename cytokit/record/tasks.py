"""What is done with a few plates wherever it is done: surveyed, or read, fitted and made ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cytokit.chunks import fit_chunk
from cytokit.curves.fit import CurveSet
from cytokit.curves.signals import SignalLevels
from cytokit.errors import InputError, Problem, place
from cytokit.exclusions import Named
from cytokit.fit_findings import exclusion_findings
from cytokit.layout import Layout
from cytokit.parsers import read_file, renamed
from cytokit.plate import Plate, SourceInfo
from cytokit.platefit import PlateFit
from cytokit.pseudonyms import Pseudonyms, errors_without_names, pseudonymise
from cytokit.record.many import Manner
from cytokit.record.parts import Part, make_part


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file becomes plates.

    Parameters
    ----------
    layout : Layout, optional
    pseudonyms : Pseudonyms, optional
    decimal : {"comma", "point"}, optional
    """

    layout: Layout | None = None
    pseudonyms: Pseudonyms | None = None
    decimal: str | None = None

    def plates(self, file: str) -> list[Plate]:
        """The plates of a file, layout and pseudonyms applied."""
        with errors_without_names(self.pseudonyms):
            found = read_file(file, layout=self.layout, decimal=self.decimal)
            if self.pseudonyms is None:
                return found
            return [pseudonymise(plate, self.pseudonyms) for plate in found]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A plate as the first reading finds it.

    Parameters
    ----------
    file : str
    position : int
        Which plate of the file.
    source : SourceInfo
    named : Named
        Its name and what the exclusions are held against.
    """

    file: str
    position: int
    source: SourceInfo
    named: Named


def survey_files(
    files: Sequence[str], reading: Reading, exclusions: pd.DataFrame
) -> list[list[Surveyed] | InputError]:
    """For each file its plates without their readings, or why it cannot be read."""
    found: list[list[Surveyed] | InputError] = []
    for file in files:
        try:
            plates = reading.plates(file)
        except InputError as error:
            found.append(error)
            continue
        found.append(
            [
                Surveyed(file, position, plate.source, Named.of(plate, exclusions))
                for position, plate in enumerate(plates)
            ]
        )
    return found


@dataclass(frozen=True, slots=True)
class Task:
    """Some plates to be fitted, wherever.

    Parameters
    ----------
    plates : tuple of (Surveyed, str)
        With the name each has among all plates.
    first : int
        Number of the first of them, from 1.
    reading : Reading
    manner : Manner
    """

    plates: tuple[tuple[Surveyed, str], ...]
    first: int
    reading: Reading
    manner: Manner


def carry_out(task: Task) -> tuple[Part, tuple[SignalLevels, ...]]:
    """Read, fit and quantify the plates of a task; what they add to the folder.

    Parameters
    ----------
    task : Task

    Returns
    -------
    Part
    tuple of SignalLevels
        What the plates are compared by, once all are fitted.

    Raises
    ------
    InputError
        CK-557: a file is no longer what it was.
    """
    plates = _read_again(task)
    manner = task.manner
    chunk = fit_chunk(plates, manner.options, manner.exclusions)
    result = PlateFit(
        tuple(plates),
        manner.options,
        CurveSet(chunk.curves),
        chunk.wells,
        chunk.samples,
        (*chunk.findings, *exclusion_findings(manner.exclusions)),
        manner.exclusions,
    )
    return make_part(result, chunk.findings, task.first, pages=manner.pages), chunk.signals


def _read_again(task: Task) -> list[Plate]:
    """The plates of a task, each under its name among all."""
    held: dict[str, list[Plate]] = {}
    plates = []
    for surveyed, name in task.plates:
        if surveyed.file not in held:
            held[surveyed.file] = task.reading.plates(surveyed.file)
        found = held[surveyed.file]
        if found[0].source.sha256 != surveyed.source.sha256:
            raise InputError(
                Problem(
                    "CK-557",
                    "the file changed while the plates were being fitted",
                    place(surveyed.file),
                    "run again once nothing writes into it",
                )
            )
        plates.append(renamed(found[surveyed.position], name))
    return plates


def survey_chunk(
    chunk: tuple[Sequence[str], Reading, pd.DataFrame],
) -> list[list[Surveyed] | InputError]:
    """:func:`survey_files` for an executor, which takes one argument."""
    return survey_files(*chunk)
