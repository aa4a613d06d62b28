"""Fit any number of plates into a folder: they are read, fitted and written chunk by chunk."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import Pipe, connection, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import pandas as pd

from cytokit.curves.fit import CurveSet
from cytokit.curves.platefit import PLATES_PER_CHUNK, PlateFit, fit, fit_chunk, shared_findings
from cytokit.curves.quality import SignalLevels, exclusion_findings
from cytokit.errors import CytokitError, InputError, Problem, place
from cytokit.flags import Finding
from cytokit.folder import OutputFolder, check_goal
from cytokit.options import FitOptions
from cytokit.parsers.read import (
    FoundFiles,
    distinct_names,
    find_plates,
    read_file,
    renamed,
    unique_names,
)
from cytokit.plate import Plate, SourceInfo
from cytokit.report.overview import lines_table
from cytokit.results.write import (
    SHARED_CODES,
    BatchTables,
    FitSettings,
    GrowingTables,
    batch_with_pages,
    finish_many,
    write_fit,
)
from cytokit.schema import PlateVerdict
from cytokit.tables.exclusions import Named, checked_exclusions, no_exclusions, require_matches
from cytokit.tables.layouts import Layout, read_layout
from cytokit.tables.pseudonyms import Pseudonyms, errors_without_names, pseudonymise

# What is done with a few plates wherever it is done: surveyed, or read, fitted and made ready.


@dataclass(frozen=True, slots=True)
class PlateReader:
    """How a file becomes plates."""

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
class SurveyedPlate:
    """A plate as the first reading finds it."""

    file: str
    position: int
    source: SourceInfo
    named: Named


def survey_files(
    files: Sequence[str], reading: PlateReader, exclusions: pd.DataFrame
) -> list[list[SurveyedPlate] | InputError]:
    """For each file its plates without their readings, or why it cannot be read."""
    found: list[list[SurveyedPlate] | InputError] = []
    for file in files:
        try:
            plates = reading.plates(file)
        except InputError as error:
            found.append(error)
            continue
        found.append(
            [
                SurveyedPlate(file, position, plate.source, Named.of(plate, exclusions))
                for position, plate in enumerate(plates)
            ]
        )
    return found


@dataclass(frozen=True, slots=True)
class Batch:
    """Some plates to be fitted, wherever."""

    plates: tuple[tuple[SurveyedPlate, str], ...]
    first: int
    reading: PlateReader
    settings: FitSettings


def fit_batch(task: Batch) -> tuple[BatchTables, tuple[SignalLevels, ...]]:
    """Read, fit and quantify the plates of a task; what they add to the folder."""
    plates = _read_again(task)
    settings = task.settings
    chunk = fit_chunk(plates, settings.options, settings.exclusions)
    result = PlateFit(
        tuple(plates),
        settings.options,
        CurveSet(chunk.curves),
        chunk.wells,
        chunk.samples,
        (*chunk.findings, *exclusion_findings(settings.exclusions)),
        settings.exclusions,
    )
    return batch_with_pages(result, chunk.findings, task.first, pages=settings.pages), chunk.signals


def _read_again(task: Batch) -> list[Plate]:
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


def survey_batch(
    chunk: tuple[Sequence[str], PlateReader, pd.DataFrame],
) -> list[list[SurveyedPlate] | InputError]:
    """:func:`survey_files` for an executor, which takes one argument."""
    return survey_files(*chunk)


# Worker processes that end with the work: done, interrupted, or its own process killed.


class WorkerPool(ProcessPoolExecutor):
    """So many processes, none of which outlives this one."""

    def __init__(self, jobs: int) -> None:
        listening, self._speaking = Pipe(duplex=False)
        super().__init__(jobs, initializer=_begin, initargs=(listening,))

    def kill(self) -> None:
        """End all workers now, in the middle of what they do."""
        self._speaking.send_bytes(b"end")  # nobody takes it out: every worker sees it
        self.shutdown(wait=True, cancel_futures=True)


@contextmanager
def worker_pool(jobs: int) -> Iterator[WorkerPool | None]:
    """Processes for the length of a block, ended at once where it is left by an exception."""
    if jobs == 1:
        yield None
        return
    pool = WorkerPool(jobs)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    pool.shutdown()


def worker_died(where: str) -> Problem:
    """What is said where a worker ended by itself: the system took its memory, or it crashed."""
    mend = "give fewer --jobs (in Python fewer workers) if memory is short, then run again"
    return Problem("CK-650", "the process that worked on it ended unexpectedly", where, mend)


def _begin(listening: Connection) -> None:
    """A worker leaves signals to its parent, and ends with it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_follow_parent, args=(listening,), daemon=True).start()


def _follow_parent(listening: Connection) -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel, listening])
        os._exit(1)


logger = logging.getLogger("cytokit")

#: chunks that are out at an executor at once; each comes back as some 12 MB
IN_FLIGHT = 16

S = TypeVar("S")
T = TypeVar("T")
Levels = tuple[tuple[str, float], ...]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FitRecord:
    """What :func:`fit_to` did; the numbers are in the folder."""

    folder: Path
    plates: pd.DataFrame
    summary: pd.DataFrame
    shared: tuple[Finding, ...]
    failed: tuple[CytokitError, ...]

    @property
    def verdicts(self) -> list[PlateVerdict]:
        """The verdict of each plate."""
        return [PlateVerdict(verdict) for verdict in self.plates["verdict"]]

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} files could not be read" if self.failed else ""
        return f"<FitRecord: {len(self.plates)} plate(s) in {self.folder}{failed}>"


def fit_to(
    folder: str | Path,
    paths: str | Path | Iterable[str | Path] | FoundFiles,
    options: FitOptions | None = None,
    *,
    layout: str | Path | Layout | None = None,
    exclusions: pd.DataFrame | None = None,
    pseudonyms: Pseudonyms | None = None,
    decimal: str | None = None,
    executor: Executor | None = None,
    in_flight: int = IN_FLIGHT,
    pages: bool = True,
    force: bool = False,
    progress: Progress | None = None,
) -> FitRecord:
    """Fit plates into a folder, however many: memory holds a few chunks of them at a time.

    The folder is that of ``fit(plates).write(folder)``, byte for byte, whatever the executor.

    Parameters
    ----------
    folder : path-like
        Where to write; whole or not there.
    paths : path or iterable of path
        Exports, folders, globs, or what :func:`cytokit.parsers.read.find_plates` made of them. Each
        file is read twice, first for its names alone.
    options : FitOptions, optional
        With ``pool`` every plate is held in memory, some 9 MB for 96 wells and 50 analytes:
        pooled plates learn from each other.
    layout : path or Layout, optional
    exclusions : pandas.DataFrame, optional
        As for :func:`cytokit.fit`.
    pseudonyms : Pseudonyms, optional
        From :func:`cytokit.read_pseudonyms`.
    decimal : {"comma", "point"}, optional
        The decimal mark, where a file's cells leave it open.
    executor : concurrent.futures.Executor, optional
        Carries the chunks: they are read, fitted and made ready for writing where it runs them,
        so that it must see the files under the same paths.
    in_flight : int
        Chunks that it has at once; at least as many as it has workers keeps them busy.
    pages : bool
        Whether each of many plates gets a page of its own.
    force : bool
        Replace the files of an earlier run.
    progress : callable, optional
        Called with ``"reading"`` or ``"fitting"``, plates done, plates in all.

    Returns
    -------
    FitRecord

    Raises
    ------
    InputError
        If no file can be read; CK-557: a file changed meanwhile; CK-331 to CK-335: the
        exclusions make no sense, or match nothing.
    NothingToDoError
        CK-119: there is no plate.
    UsageError
        CK-501, CK-502: the folder is not empty, or is a file; CK-590: a file is given twice with
        ``pool``.
    OutputError
        CK-503: the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> from cytokit.simulate.trials import simulate_trial
    >>> area = Path(tempfile.mkdtemp())
    >>> for name, data in simulate_trial(seed=1, subjects=8).files().items():
    ...     _ = (area / name).write_bytes(data)
    >>> fit_to(area / "results", area / "plate_1.csv").plates["plate"].tolist()
    ['plate_1']
    """
    check_goal(Path(folder), force=force)
    found = paths if isinstance(paths, FoundFiles) else _found(paths)
    plan = (
        layout
        if layout is None or isinstance(layout, Layout)
        else read_layout(layout, decimal=decimal)
    )
    reading = PlateReader(plan, pseudonyms, decimal)
    chosen = options or FitOptions()
    table = no_exclusions() if exclusions is None else checked_exclusions(exclusions)
    if len(found.files) <= PLATES_PER_CHUNK or chosen.pool:
        plates, failed = _read_all(found.files, reading)
        result = fit(plates, chosen, exclusions=table, executor=executor)
        write_fit(result, folder, force=force, pages=pages)
        return _record(result, Path(folder), failed)
    settings = FitSettings(chosen, table, pages)
    stream = _Stream(reading, settings, executor, max(1, in_flight), progress)
    return stream.run(Path(folder), found.files, force)


def _found(paths: str | Path | Iterable[str | Path]) -> FoundFiles:
    """The plates among the paths; what is none is logged."""
    found = find_plates(paths)
    for other in found.others:
        logger.warning("not a plate: %s (%s)", other.where, other.reason)
    return found


def _record(result: PlateFit, folder: Path, failed: Sequence[CytokitError]) -> FitRecord:
    """What a fit that was held in memory did."""
    from cytokit.report.overview import plate_line
    from cytokit.report.tables import shown

    lines = [plate_line(one, "") for one in shown(result).each()]
    shared = tuple(one for one in result.findings if one.code in SHARED_CODES)
    return FitRecord(folder, lines_table(lines), result.summary, shared, tuple(failed))


def _read_all(files: Sequence[str], reading: PlateReader) -> tuple[list[Plate], list[CytokitError]]:
    """The plates of all files, and why some could not be read."""
    plates: list[Plate] = []
    failed: list[CytokitError] = []
    for file in files:
        try:
            plates += reading.plates(file)
        except InputError as error:
            failed.append(error)
    if not plates:
        raise InputError.together(failed)
    return distinct_names(plates), failed


@dataclass(frozen=True)
class _Stream:
    """The ways in which a folder is filled chunk by chunk."""

    reading: PlateReader
    settings: FitSettings
    executor: Executor | None
    in_flight: int
    progress: Progress | None

    def run(self, goal: Path, files: Sequence[str], force: bool) -> FitRecord:
        """Survey, then fit and write."""
        plates, failed = self._survey(files)
        names = unique_names([(one.named.plate, one.file) for one in plates])
        named = [replace(one.named, plate=name) for one, name in zip(plates, names, strict=True)]
        require_matches(named, self.settings.exclusions)
        sources = [(name, one.source) for one, name in zip(plates, names, strict=True)]
        signals: list[SignalLevels] = []
        known: dict[Levels, Levels] = {}
        with (
            OutputFolder(goal, force=force) as folder,
            GrowingTables(folder.path) as parts,
        ):
            for part, found in self._spread(fit_batch, self._tasks(plates, names)):
                parts.add(part)
                # plates of one kit share the list of their levels
                signals += [replace(one, at=known.setdefault(one.at, one.at)) for one in found]
                self._say("fitting", len(parts.lines), len(plates))
            shared = shared_findings(sources, signals, self.settings.exclusions)
            lines = finish_many(folder, parts, shared, self.settings)
        lasting = tuple(one for one in shared if one.code in SHARED_CODES)
        return FitRecord(goal, lines_table(lines), parts.summary, lasting, tuple(failed))

    def _survey(self, files: Sequence[str]) -> tuple[list[SurveyedPlate], list[CytokitError]]:
        """What plates there are."""
        plates: list[SurveyedPlate] = []
        failed: list[CytokitError] = []
        chunks = [
            (files[start : start + PLATES_PER_CHUNK], self.reading, self.settings.exclusions)
            for start in range(0, len(files), PLATES_PER_CHUNK)
        ]
        analytes: dict[tuple[str, ...], tuple[str, ...]] = {}
        done = 0
        for found in self._spread(survey_batch, chunks):
            for one in found:
                if isinstance(one, InputError):
                    failed.append(one)
                    continue
                for plate in one:
                    names = analytes.setdefault(plate.named.analytes, plate.named.analytes)
                    plates.append(replace(plate, named=replace(plate.named, analytes=names)))
            done += len(found)
            self._say("reading", done, len(files))
        if not plates:
            raise InputError.together(failed)
        return plates, failed

    def _tasks(self, plates: Sequence[SurveyedPlate], names: Sequence[str]) -> Iterator[Batch]:
        """The chunks of :func:`cytokit.fit`, so that no bit depends on the way."""
        together = list(zip(plates, names, strict=True))
        for start in range(0, len(together), PLATES_PER_CHUNK):
            some = tuple(together[start : start + PLATES_PER_CHUNK])
            yield Batch(some, start + 1, self.reading, self.settings)

    def _spread(self, work: Callable[[S], T], tasks: Iterable[S]) -> Iterator[T]:
        """Results in the order of the tasks, a few tasks ahead."""
        if self.executor is None:
            yield from map(work, tasks)
            return
        waiting: deque[Future[T]] = deque()
        try:
            for task in tasks:
                if len(waiting) >= self.in_flight:
                    yield waiting.popleft().result()
                waiting.append(self.executor.submit(work, task))
            while waiting:
                yield waiting.popleft().result()
        except BrokenExecutor as error:
            raise InputError(worker_died("one of the plates")) from error
        finally:
            for future in waiting:
                future.cancel()

    def _say(self, what: str, done: int, every: int) -> None:
        if self.progress is not None:
            self.progress(what, done, every)
