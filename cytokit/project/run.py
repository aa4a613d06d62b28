"""run_study: each plate to its folder, then the comparison; what is finished is not done again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from cytokit.errors import CytokitError, OutputError, Problem, UsageError
from cytokit.project.comparing import FOLDER, write_comparison_of
from cytokit.project.plan import (
    Failure,
    Prepared,
    Step,
    StudyPlan,
    asked_of,
    comparison_reasons,
    make_plan,
    prepare,
)
from cytokit.project.run_record import refuse_strangers, run_record
from cytokit.project.study_file import StudyFile, read_study_file
from cytokit.project.survey import Reading
from cytokit.project.work import Hands, hands
from cytokit.project.workplace import Say, Workplace, workplace, write_record
from cytokit.record import MANIFEST, read_manifest
from cytokit.vocabulary import VERDICTS_COLUMNS, PlateVerdict

Compared = Literal["made", "finished", "incomplete", "failed", "none"]

_logger = logging.getLogger("cytokit")


@dataclass(frozen=True)
class StudyRun:
    """What :func:`run_study` did.

    Parameters
    ----------
    study : StudyFile
    folders : tuple of str
        The plates' finished folders, from the results' folder, in the order of the plates.
    made : tuple of str
        Those that this run made.
    failures : tuple of Failure
        Plates that could not be read or fitted.
    comparison : {"made", "finished", "incomplete", "failed", "none"}
        ``finished`` was there already; ``incomplete`` was not made for want of a plate; ``none``
        was not asked for.
    error : CytokitError or None
        Why the comparison failed.
    unused : tuple of str
        Folders of plates that are no longer in the study: they stay, and were not read.
    notes : tuple of str
    """

    study: StudyFile
    folders: tuple[str, ...]
    made: tuple[str, ...]
    failures: tuple[Failure, ...]
    comparison: Compared
    error: CytokitError | None = None
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def out(self) -> Path:
        """The results' folder."""
        return self.study.folder

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row per plate, columns ``VERDICTS_COLUMNS``, as the plates' folders give them."""
        rows = [row for name in self.folders for row in read_manifest(self.out / name)["verdicts"]]
        return pd.DataFrame(rows, columns=list(VERDICTS_COLUMNS), dtype="str")

    @property
    def exit_code(self) -> int:
        """0, 3 where a plate failed or none has a curve, or the code of the comparison's error."""
        if self.failures or set(self.verdicts["verdict"]) == {str(PlateVerdict.FAILED)}:
            return 3
        return 0 if self.error is None else self.error.exit_code

    def __repr__(self) -> str:
        return (
            f"<StudyRun {self.study.name!r}: {len(self.folders)} folders of plates, "
            f"{len(self.made)} made now, {len(self.failures)} failed; "
            f"comparison: {self.comparison}>"
        )


def plan_study(
    path: str | Path,
    *,
    overrides: Mapping[str, object] | None = None,
    jobs: int = 1,
    force: bool = False,
) -> StudyPlan:
    """What :func:`run_study` would do; nothing is written.

    Parameters
    ----------
    path, overrides, jobs, force
        As for :func:`run_study`.

    Returns
    -------
    StudyPlan

    Raises
    ------
    CytokitError
        As :func:`run_study`, for what is wrong with the study file and its inputs.
    """
    study = read_study_file(path, overrides=overrides)
    with hands(_checked(jobs)) as workers:
        return make_plan(prepare(study, workers), force=force)


def run_study(
    path: str | Path,
    *,
    overrides: Mapping[str, object] | None = None,
    jobs: int = 1,
    force: bool = False,
    partial: bool = False,
    say: Say | None = None,
) -> StudyRun:
    """Fit the plates of a study file, each into its folder, and compare them.

    A plate whose folder stands, with the same inputs, options and versions, is not fitted again.
    Folders appear whole or not at all: a run that is stopped at any moment is resumed by running
    it again, and ends in the same bytes.

    Parameters
    ----------
    path : path-like
        A study file, as ``cytokit init`` writes it.
    overrides : mapping, optional
        Options by name that count in place of the file's, see
        :func:`cytokit.project.read_study_file`.
    jobs : int
        Processes that fit plates; no byte of the results depends on it.
    force : bool
        Do everything again, and replace folders that are no finished results.
    partial : bool
        Compare although plates failed; their samples count as missing.
    say : callable, optional
        Takes a sentence on what is being done; they are logged where it is not given.

    Returns
    -------
    StudyRun
        Plates that failed are in it, and the comparison's error.

    Raises
    ------
    InputError, UsageError, NothingToDoError
        What :func:`cytokit.project.read_study_file` and :func:`cytokit.parsers.find_plates` say;
        CK-637 to CK-639 for plates, layouts and duplicates; CK-641: another run works in the
        folder; CK-643: a folder is not cytokit's; CK-646: exclusions that match nothing; CK-647:
        the results' folder is a file; CK-651: fewer than one process.
    OutputError
        CK-503, CK-648: the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> from cytokit.project import write_study_file
    >>> from cytokit.simulate import simulate_trial
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, data in simulate_trial(seed=1, subjects=4).files().items():
    ...     _ = (folder / name).write_bytes(data)
    >>> write_study_file(folder / "study.toml", [folder / "plate_1.csv"])
    >>> run_study(folder / "study.toml").made
    ('plates/plate_1',)
    >>> run_study(folder / "study.toml").made
    ()
    """
    tell = say or _logger.info
    study = read_study_file(path, overrides=overrides)
    with hands(_checked(jobs)) as workers:
        prepared = prepare(study, workers)
        with workplace(study.folder, tell) as place:
            try:
                return _carried_out(prepared, workers, place, _Manner(tell, force, partial))
            except BaseException:
                workers.kill()  # before the place is tidied: nobody may write there any more
                raise


@dataclass(frozen=True)
class _Manner:
    """How a run is done."""

    say: Say
    force: bool
    partial: bool


def _carried_out(prepared: Prepared, workers: Hands, place: Workplace, manner: _Manner) -> StudyRun:
    plan = make_plan(prepared, force=manner.force)
    for note in plan.notes:
        manner.say(note)
    refuse_strangers(plan, force=manner.force)
    if plan.comparison or any(step.reasons for step in plan.steps):
        (place.out / MANIFEST).unlink(missing_ok=True)
    made, failed = _fit(plan, prepared.reading, workers, place, manner)
    failures = (*plan.failures, *failed)
    broken = {failure.files for failure in failed}
    good = [step.unit for step in plan.steps if _files(step) not in broken]
    if _pooled(plan) and failures and not manner.partial:
        good = []
    folders = tuple(unit.folder for unit in good)
    compared, error = _compare(plan, folders, bool(failures), place, manner)
    run = StudyRun(plan.study, folders, made, failures, compared, error, plan.unused, plan.notes)
    standing = compared in ("made", "finished")
    write_record(place.out, run_record(plan, folders, failures, compared=standing))
    return run


def _fit(
    plan: StudyPlan, reading: Reading, workers: Hands, place: Workplace, manner: _Manner
) -> tuple[tuple[str, ...], list[Failure]]:
    """Make what is not finished; each folder is put into place as soon as it is whole."""
    todo = [step for step in plan.steps if step.reasons]
    if _pooled(plan) and plan.failures and not manner.partial:
        manner.say("plates that lend each other numbers are not fitted while one is lacking")
        return (), []
    why = {step.unit.folder: step.reasons for step in todo}
    made, failed = [], []
    drafts = [(step.unit, place.draft(step.unit.folder)) for step in todo]
    for done in workers.make(drafts, reading):
        folder = done.unit.folder
        if done.refused:
            raise OutputError(*done.problems)
        if done.problems:
            failed.append(Failure(tuple(file.path for file in done.unit.files), done.problems))
            manner.say(f"{folder}: failed")
            continue
        place.install(folder)
        made.append(folder)
        manner.say(f"{folder}: {'; '.join(why[folder])} ({len(made)} of {len(todo)})")
    order = [step.unit.folder for step in plan.steps]
    return tuple(sorted(made, key=order.index)), failed


def _compare(
    plan: StudyPlan, folders: Sequence[str], incomplete: bool, place: Workplace, manner: _Manner
) -> tuple[Compared, CytokitError | None]:
    """The comparison, where it is asked for, not finished, and nothing is lacking."""
    if not plan.compares:
        return "none", None
    if (incomplete and not manner.partial) or not folders:
        _warn_of_earlier(place, manner)
        return "incomplete", None
    asked = asked_of(plan.study, folders, partial=incomplete)
    reasons = comparison_reasons(asked, waiting=False, force=manner.force)
    if not reasons:
        return "finished", None
    try:
        notes = write_comparison_of(asked, place.draft(FOLDER))
    except OutputError:
        raise
    except CytokitError as error:
        _warn_of_earlier(place, manner)
        return "failed", error
    place.install(FOLDER)
    manner.say(f"{FOLDER}: {'; '.join(reasons)}")
    for note in notes:
        manner.say(note)
    return "made", None


def _warn_of_earlier(place: Workplace, manner: _Manner) -> None:
    if (place.out / FOLDER).exists():
        manner.say(f"{FOLDER}: of an earlier run, and does not hold what the plates say now")


def _files(step: Step) -> tuple[str, ...]:
    return tuple(file.path for file in step.unit.files)


def _pooled(plan: StudyPlan) -> bool:
    return any(step.unit.options.pool for step in plan.steps)


def _checked(jobs: int) -> int:
    if jobs < 1:
        what = f"jobs={jobs} is no number of processes"
        raise UsageError(Problem("CK-651", what, mend="give 1 or more"))
    return jobs
