"""Making the folder of one unit, here or in another process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cytokit.errors import CytokitError, OutputError, Problem
from cytokit.parsers import distinct_names
from cytokit.platefit import fit
from cytokit.project.finished import why_to_do
from cytokit.project.plate_files import PlateFile
from cytokit.project.survey import Reading, Row, Surveyed, survey
from cytokit.project.units import Unit
from cytokit.workers import WorkerPool, worker_died, worker_pool


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a unit.

    Parameters
    ----------
    unit : Unit
    problems : tuple of Problem
        Empty where the folder stands.
    refused : bool
        The disk refused: no other unit will fare better.
    """

    unit: Unit
    problems: tuple[Problem, ...] = ()
    refused: bool = False


def make(unit: Unit, draft: Path, reading: Reading) -> Made:
    """Fit a unit's plates and write their folder.

    Parameters
    ----------
    unit : Unit
    draft : pathlib.Path
        The folder to write.
    reading : Reading

    Returns
    -------
    Made
        Errors are in it, since they are to be sent between processes.
    """
    try:
        plates = [plate for file in unit.files for plate in reading.plates(file)]
        result = fit(distinct_names(plates), unit.options, exclusions=unit.excluded)
        result.write(draft)
    except OutputError as error:
        return Made(unit, error.problems, refused=True)
    except CytokitError as error:
        return Made(unit, error.problems)
    # the record of what was written must be what was planned, or no run would find it finished
    if differs := why_to_do(draft, unit.expected):
        what = f"the inputs changed while they were read: {'; '.join(differs)}"
        where = ", ".join(file.path for file in unit.files)
        return Made(unit, (Problem("CK-649", what, where, "run again"),))
    return Made(unit)


class Hands:
    """One process or several; results come as they are ready.

    Parameters
    ----------
    pool : WorkerPool, optional
        This process does the work where there is none.
    """

    def __init__(self, pool: WorkerPool | None = None) -> None:
        self._pool = pool

    def survey(
        self, files: Sequence[PlateFile], reading: Reading, exclusions: Sequence[Row]
    ) -> list[Surveyed]:
        """Each file read once, in their order."""
        if self._pool is None:
            return [survey(file, reading, exclusions) for file in files]
        tasks = [self._pool.submit(survey, file, reading, exclusions) for file in files]
        found = []
        for file, task in zip(files, tasks, strict=True):
            try:
                found.append(task.result())
            except BrokenProcessPool:
                found.append(Surveyed(file, problems=(_died([file]),)))
        return found

    def make(self, units: Sequence[tuple[Unit, Path]], reading: Reading) -> Iterator[Made]:
        """Make the units' drafts, in any order."""
        if self._pool is None:
            for unit, draft in units:
                yield make(unit, draft, reading)
            return
        tasks = {self._pool.submit(make, unit, draft, reading): unit for unit, draft in units}
        for task in as_completed(tasks):
            try:
                yield task.result()
            except BrokenProcessPool:
                yield Made(tasks[task], (_died(tasks[task].files),))

    def kill(self) -> None:
        """End what is not begun and what is."""
        if self._pool is not None:
            self._pool.kill()


@contextmanager
def hands(jobs: int) -> Iterator[Hands]:
    """So many processes; an interrupt ends them and what they work at.

    Parameters
    ----------
    jobs : int

    Yields
    ------
    Hands
    """
    with worker_pool(jobs) as pool:
        yield Hands(pool)


def _died(files: Sequence[PlateFile]) -> Problem:
    return worker_died(", ".join(file.path for file in files))
