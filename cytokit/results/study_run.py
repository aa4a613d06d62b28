"""run_study: each plate to its folder, then the comparison; what is finished is not done again."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from cytokit.errors import CytokitError, OutputError, PrivacyError, Problem, UsageError
from cytokit.flags import finding_lines
from cytokit.folder import (
    MANIFEST,
    describe_input,
    listed_outputs,
    make_manifest,
    read_manifest,
    sha256_of,
    versions,
)
from cytokit.options import (
    COMPARE_SECTION,
    FIT_SECTION,
    CompareOptions,
    FitOptions,
    options_in,
    options_of,
)
from cytokit.plate import Unread
from cytokit.report.tables import write_table
from cytokit.results.study_file import StudyFile, read_study_file, recorded
from cytokit.results.study_plates import (
    PlateWorkers,
    Row,
    StudyReader,
    Unit,
    make_units,
    plate_files,
    plate_workers,
    safe_stem,
    unmatched,
    why_to_do,
)
from cytokit.results.verify import refit_study
from cytokit.schema import (
    DESIGN_COLUMNS,
    DESIGN_OPTIONAL,
    VERDICTS_COLUMNS,
    DesignStatus,
    PlateVerdict,
)
from cytokit.sources.delimited import parse_json
from cytokit.tables.designs import read_design
from cytokit.tables.exclusions import read_exclusions
from cytokit.tables.pseudonyms import check_words, read_pseudonyms
from cytokit.trial.compare import compare
from cytokit.trial.readings import read_fit_folder
from cytokit.trial.sensitivity import sensitivity
from cytokit.trial.study import Study

# The comparison of a study's plates: what it must rest on, and how it is made.


FOLDER = "compare"
#: the design of a partial comparison, written beside its results
PARTIAL = "partial_design.csv"
_LOOK = ("style", "label", "summary")


@dataclass(frozen=True)
class ComparisonRequest:
    """A comparison that a study asks for."""

    out: Path
    folders: tuple[str, ...]
    design: Path
    mapping: Mapping[str, str]
    options: Mapping[str, Any]
    pseudonyms: Path | None = None
    partial: bool = False

    def expected(self) -> dict[str, Any]:
        """What the manifest of the finished folder says of it, as it comes back from JSON."""
        asked = {
            "options": dict(self.options),
            "map": dict(self.mapping),
            "design": self._file(self.design),
            "pseudonyms": self._file(self.pseudonyms),
            "partial": self.partial,
            "plates": {name: sha256_of(self.out / name / MANIFEST) for name in self.folders},
        }
        found: dict[str, Any] = json.loads(json.dumps({"versions": versions(), "study": asked}))
        return found

    def _file(self, path: Path | None) -> list[str] | None:
        return None if path is None else [recorded(path, self.out), sha256_of(path)]


def options_in_force(given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of the comparison: those given, and the defaults of the others."""
    found = {one.name: given.get(one.name, one.default) for one in options_of(*COMPARE_SECTION)}
    if "gate" not in given:
        found["gate"] = found["style"] != "lanzoni"
    return found


def write_comparison_of(asked: ComparisonRequest, draft: Path) -> tuple[str, ...]:
    """Compare, and write the folder."""
    folders = [asked.out / name for name in asked.folders]
    options, notes = asked.options, []
    design, mapping = asked.design, asked.mapping
    if asked.partial:
        _refuse_private(asked)
        design, mapping = draft.parent / PARTIAL, {}
        lacking = _write_partial(asked, folders, design)
        notes.append(f"partial: {lacking} samples of plates that failed count as missing")
    read = Study(
        folders,
        design,
        mapping=mapping or None,
        censor=options["censor"],
        floors=options["floors"],
        pseudonyms=asked.pseudonyms,
        bridge=options["bridge_samples"] or options["bridge"],
        bridge_reference=options["bridge_reference"],
    )
    study = _located(read, asked)
    result = compare(
        study,
        baseline=None if options["baseline"] == "none" else options["baseline"],
        day=options["day"],
        reference=options["reference"],
        analytes=options["analytes"],
        **{one.name: options[one.name] for one in fields(CompareOptions)},
    )
    panel = None
    if options["sensitivity"]:
        others = refit_study(read)
        notes += [f"specification panel: {reason}" for reason in others.notes]
        panel = sensitivity(result, studies=others.studies)
    result.write(draft, **{name: options[name] for name in _LOOK}, sensitivity=panel)
    if asked.partial:
        design.replace(draft / PARTIAL)
    _add_request(draft, asked.expected()["study"])
    return (*notes, *finding_lines(result.findings), *result.guard)


def _located(study: Study, asked: ComparisonRequest) -> Study:
    """The study with its paths as seen from the results' folder, so that it can be moved."""
    design = f"{FOLDER}/{PARTIAL}" if asked.partial else recorded(asked.design, asked.out)
    paths = [*asked.folders, design]
    if asked.pseudonyms is not None:
        paths.append(recorded(asked.pseudonyms, asked.out))
    return study.located(
        {entry.path: path for entry, path in zip(study.inputs, paths, strict=True)}
    )


def _refuse_private(asked: ComparisonRequest) -> None:
    """The design of a partial comparison is written with its names, and these are secret."""
    if asked.pseudonyms is not None:
        what = "a partial comparison writes its design, whose names are to be kept out"
        mend = "mend the plates that failed, or leave them and their samples out of the study"
        raise UsageError(Problem("CK-652", what, str(asked.design), mend))


def _add_request(draft: Path, request: Mapping[str, Any]) -> None:
    """Record in the draft's manifest what was asked for: names and days as the file gives them."""
    manifest = {**read_manifest(draft), "study": request}
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (draft / MANIFEST).write_bytes(text.encode("utf-8", "backslashreplace"))


def _write_partial(asked: ComparisonRequest, folders: Sequence[Path], goal: Path) -> int:
    """The design with the samples that no plate holds called missing; how many these are."""
    frames = [read_fit_folder(folder).samples[["plate", "sample"]] for folder in folders]
    data = pd.concat(frames, ignore_index=True)
    anywhere = set(data["sample"])
    on_plate = set(zip(data["plate"], data["sample"], strict=True))
    frame = read_design(asked.design, mapping=asked.mapping).frame
    absent = [
        row["status"] == str(DesignStatus.SAMPLED)
        and (
            (row["plate"], row["sample"]) not in on_plate
            if row["plate"]
            else row["sample"] not in anywhere
        )
        for row in frame.to_dict("records")
    ]
    status = frame["status"].mask(pd.Series(absent, index=frame.index), str(DesignStatus.MISSING))
    columns = [*DESIGN_COLUMNS, *DESIGN_OPTIONAL, "plate"]
    goal.parent.mkdir(parents=True, exist_ok=True)
    write_table(frame.assign(status=status)[columns], goal)
    return sum(absent)


# What a run will do: which plates are finished, which are to be fitted and why.


@dataclass(frozen=True)
class PlannedFolder:
    """A folder of plates and whether it has to be made."""

    unit: Unit
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """A plate that could not be read or fitted."""

    files: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class StudyPlan:
    """What :func:`cytokit.results.study_run.plan_study` returns."""

    study: StudyFile
    steps: tuple[PlannedFolder, ...]
    failures: tuple[Failure, ...]
    comparison: tuple[str, ...]
    compares: bool
    unused: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Prepared:
    """A study's plates, read once, and how they are to be fitted."""

    study: StudyFile
    reading: StudyReader
    units: tuple[Unit, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def prepare(study: StudyFile, plate_workers: PlateWorkers) -> Prepared:
    """Read every plate of a study."""
    options = FitOptions(**options_in(study.fit or {}, FitOptions))
    found = plate_files(study)
    rows: list[Row] = []
    if study.exclusions is not None:
        rows = [*map(_texts, read_exclusions(study.exclusions).to_dict("records"))]
    reading = _reading(study, options)
    if reading.pseudonyms is not None:  # reasons are written as given
        reasons = {line: f"{row['reason']} {row['who']}" for line, row in enumerate(rows, start=2)}
        check_words(reasons, reading.pseudonyms.names, str(study.exclusions))
    surveyed = plate_workers.survey(found.files, reading, rows)
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
    """Look at what earlier runs left."""
    study, units = prepared.study, prepared.units
    steps = tuple(PlannedFolder(unit, _reasons(study.folder, unit, force)) for unit in units)
    reasons: tuple[str, ...] = ()
    if study.design is not None:
        waiting = any(step.reasons for step in steps) or bool(prepared.failures)
        asked = comparison_request(study, [unit.folder for unit in units])
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


def comparison_request(
    study: StudyFile, folders: Sequence[str], *, partial: bool = False
) -> ComparisonRequest:
    """The comparison a study asks for; it must have a design."""
    if study.design is None:
        raise TypeError("a study without a design asks for no comparison")
    options = options_in_force(study.compare or {})
    mapping = dict(study.mapping or {})
    return ComparisonRequest(
        study.folder, tuple(folders), study.design, mapping, options, study.pseudonyms, partial
    )


def comparison_reasons(asked: ComparisonRequest, *, waiting: bool, force: bool) -> tuple[str, ...]:
    """Why a comparison has to be made; `waiting` where its plates are not there yet."""
    if waiting:
        return ("the plates' results will change",)
    if force:
        return ("--force",)
    return why_to_do(asked.out / FOLDER, asked.expected())


def _reading(study: StudyFile, options: FitOptions) -> StudyReader:
    parent = study.folder if options.pool else study.folder / "plates"
    decimal = (study.fit or {}).get("decimal")
    if study.pseudonyms is None:
        return StudyReader(parent, decimal=decimal)
    table = read_pseudonyms(study.pseudonyms)
    named = replace(table, path=recorded(study.pseudonyms, parent))
    return StudyReader(parent, named, decimal)


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


# The run's own manifest in the results' folder, and what must not stand in its way.


def refuse_strangers(plan: StudyPlan, *, force: bool) -> None:
    """Refuse folders and a manifest in the way that no run wrote."""
    out = plan.study.folder
    goals = [out / step.unit.folder for step in plan.steps if step.reasons]
    goals += [out / FOLDER] if plan.comparison else []
    mend = "choose another [output] folder, or give --force: your own files there are kept"
    problems = [
        Problem("CK-643", "the folder holds files that are no finished results", str(goal), mend)
        for goal in goals
        if goal.is_dir() and not (goal / MANIFEST).is_file() and any(goal.iterdir()) and not force
    ]
    what = "a file stands where a folder is to be written"
    mend = "choose another [output] folder, or move the file away"
    problems += [
        Problem("CK-643", what, str(goal), mend)
        for goal in goals
        if goal.exists() and not goal.is_dir()
    ]
    record = out / MANIFEST
    if record.exists() and _command(record) != "run" and not force:
        what = "the results' folder holds the manifest of another command"
        mend = "choose another [output] folder"
        problems.append(Problem("CK-643", what, str(record), mend))
    if problems:
        raise UsageError(*problems)


def _command(manifest: Path) -> str:
    try:
        content = parse_json(manifest.read_text(encoding="utf-8"))
        return str(content["command"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def run_record(
    plan: StudyPlan, folders: Sequence[str], failures: Sequence[Failure], *, compared: bool
) -> dict[str, Any]:
    """Options in force, what was overridden, where each plate stands, what failed."""
    study, out = plan.study, plan.study.folder
    options = {
        "fit": {
            one.name: (study.fit or {}).get(one.name, one.default)
            for one in options_of(*FIT_SECTION)
        },
        "compare": options_in_force(study.compare or {}) if plan.compares else None,
        "overridden": list(study.overridden),
    }
    path = recorded(study.path, out.parent)
    inputs = [describe_input(path, study.sha256, "study", "toml")]
    units = {step.unit.folder: step.unit for step in plan.steps}
    return {
        **make_manifest("run", options=options, inputs=inputs),
        "name": study.name,
        "plates": [
            {
                "folder": folder,
                "files": [recorded(file.path, out.parent) for file in units[folder].files],
                "plates": list(units[folder].names),
            }
            for folder in folders
        ],
        "comparison": FOLDER if compared else None,
        "failed": [
            {
                "files": [recorded(file, out.parent) for file in failure.files],
                # the words may quote what stands in the file: names of samples are no output
                "problems": [one.code for one in failure.problems],
            }
            for failure in failures
        ],
        "outputs": [
            {"name": f"{name}/{MANIFEST}", "sha256": sha256_of(out / name / MANIFEST)}
            for name in [*folders, *([FOLDER] if compared else [])]
        ],
    }


# The results' folder while a run works in it: locked, with a place for what is unfinished.


LOCK = ".cytokit.lock"
AREA = ".cytokit-run"
#: seconds a lock may be empty: its maker writes it at once, or was killed before it could
_UNWRITTEN = 0.5
#: locks of this process; another with its number is a dead one's, as in a restarted container
_HELD: set[Path] = set()

Say = Callable[[str], None]


@contextmanager
def run_folder(out: Path, say: Say) -> Iterator[RunFolder]:
    """Lock the results' folder, put right what a killed run left, and clean up at the end."""
    if out.exists() and not out.is_dir():
        mend = "choose another folder under [output]"
        raise UsageError(Problem("CK-647", "the results' folder is a file", str(out), mend))
    try:
        out.mkdir(parents=True, exist_ok=True)
        _lock(out / LOCK, say)
    except OSError as error:
        raise _refused(out, error) from error
    place = RunFolder(out)
    try:
        place.recover()
        yield place
    except OSError as error:
        raise _refused(out, error) from error
    finally:
        with suppress(OSError):  # what cannot be removed now, the next run removes
            place.tidy()
        with suppress(OSError):
            _unlock(out / LOCK)


class RunFolder:
    """Where a run makes its folders; see :func:`run_folder`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._new, self._old, self._trash = (out / AREA / name for name in ("new", "old", "trash"))

    def draft(self, folder: str) -> Path:
        """Where the folder that will stand at ``folder`` is to be made."""
        # a worker of a killed run may still write for a moment: into a place of its own
        return self._new / str(os.getpid()) / folder

    def install(self, folder: str) -> None:
        """Move a finished draft into place; files there that are not cytokit's are kept."""
        goal, earlier = self.out / folder, self._old / folder
        goal.parent.mkdir(parents=True, exist_ok=True)
        if goal.exists():
            earlier.parent.mkdir(parents=True, exist_ok=True)
            goal.replace(earlier)
        self.draft(folder).replace(goal)
        if earlier.exists():
            self._retire(earlier, goal)

    def recover(self) -> None:
        """Finish, or take back, what a killed run was about to put into place."""
        shutil.rmtree(self._new, ignore_errors=True)
        for earlier in self._earlier():
            goal = self.out / earlier.relative_to(self._old)
            if goal.exists():
                self._retire(earlier, goal)
            else:
                goal.parent.mkdir(parents=True, exist_ok=True)
                earlier.replace(goal)
        self.tidy()

    def tidy(self) -> None:
        """Remove the work area; anything unknown in it stays, and keeps it."""
        shutil.rmtree(self._new, ignore_errors=True)
        shutil.rmtree(self._trash, ignore_errors=True)
        for folder in (self._old / "plates", self._old, self.out / AREA):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _earlier(self) -> list[Path]:
        """Folders that were moved aside, by their place."""
        plates = self._old / "plates"
        found = [*plates.iterdir()] if plates.is_dir() else []
        found += [self._old / one for one in ("fit", "compare")]
        return sorted(one for one in found if one.exists())

    def _retire(self, earlier: Path, goal: Path) -> None:
        """Carry files of a person's own over to the new folder, then forget the old one."""
        if not earlier.exists():
            return
        own = own_files(earlier)
        for path in sorted(earlier.iterdir()):
            if path.name not in own and not (goal / path.name).exists():
                path.replace(goal / path.name)
        # in one step out of sight: a folder half removed must not be mistaken for an earlier one
        grave = self._trash / earlier.relative_to(self._old)
        grave.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(grave, ignore_errors=True)
        earlier.replace(grave)
        shutil.rmtree(grave, ignore_errors=True)


def own_files(folder: Path) -> set[str]:
    """Names of the files and folders that cytokit wrote into a folder, by its manifest."""
    return {MANIFEST, *(path.parts[0] for path in listed_outputs(folder))}


def write_record(out: Path, manifest: dict[str, object], name: str = MANIFEST) -> None:
    """Write a run's own manifest in one step."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    # a path that is no Unicode stands as an escape, which JSON reads back to the same path
    data = text.encode("utf-8", "backslashreplace")
    if (out / name).is_file() and (out / name).read_bytes() == data:
        return
    draft = out / AREA / name
    draft.parent.mkdir(exist_ok=True)
    draft.write_bytes(data)
    draft.replace(out / name)


def _lock(path: Path, say: Say) -> None:
    """Make the lock, or say who holds it; a dead run's is taken over."""
    mine = json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode()
    while True:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            _take_over(path, say)
            continue
        with os.fdopen(handle, "wb") as file:
            file.write(mine)
        _HELD.add(path.resolve())
        break
    for aside in path.parent.glob(f"{path.name}.*"):  # of a run killed while it took over
        pid = aside.suffix[1:]
        if pid.isdecimal() and not _alive(int(pid)):
            aside.unlink(missing_ok=True)


def _unlock(path: Path) -> None:
    _HELD.discard(path.resolve())
    path.unlink(missing_ok=True)


def _take_over(path: Path, say: Say) -> None:
    """Remove a dead run's lock.

    It is moved aside and looked at again, so that of two runs that both found it dead, one cannot
    remove the other's new one.
    """
    held = _held(path)
    if held is None:  # gone meanwhile
        return
    pid, host = _holder(held)
    here = host == socket.gethostname()
    reborn = here and pid == os.getpid() and path.resolve() not in _HELD
    if held and not reborn and (not here or _alive(pid)):
        raise _occupied(path, pid, host)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.replace(aside)
    except FileNotFoundError:  # another run took it over
        return
    found = aside.read_bytes()
    if found != held:
        aside.replace(path)
        raise _occupied(path, *_holder(found))
    aside.unlink()
    who = f" (process {pid})" if host else ""
    say(f"took over from a run that was stopped before its end{who}")


def _held(path: Path) -> bytes | None:
    """What the lock says; empty where its maker was killed before writing; None if it is gone."""
    for pause in (_UNWRITTEN, 0.0):
        try:
            held = path.read_bytes()
        except FileNotFoundError:
            return None
        if held:
            return held
        time.sleep(pause)
    return b""


def _holder(held: bytes) -> tuple[int, str]:
    """Process and host of a lock; -1 where it does not say."""
    try:
        found = parse_json(held.decode())
        return int(found["pid"]), str(found["host"])
    except (ValueError, KeyError, TypeError):
        return -1, ""


def _alive(pid: int) -> bool:
    """Whether a process runs on this machine; where that cannot be asked, it counts as running."""
    if os.name == "nt":
        return True  # signal 0 would stop it there
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _occupied(path: Path, pid: int, host: str) -> UsageError:
    who = f"process {pid} on {host}" if host else "an unknown process"
    return UsageError(
        Problem(
            "CK-641",
            f"another run works in this folder ({who})",
            str(path.parent),
            f"wait for it, or choose another [output] folder; if no such process runs, remove "
            f"{path}",
        )
    )


def _refused(out: Path, error: OSError) -> OutputError:
    return OutputError(
        Problem(
            "CK-648",
            f"the results' folder cannot be used: {error.strerror or error}",
            str(out),
            "check free space and permissions; finished plates stay, `cytokit run` resumes",
        )
    )


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
    """What :func:`run_study` would do; nothing is written."""
    study = read_study_file(path, overrides=overrides)
    with plate_workers(_checked(jobs)) as workers:
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
        :func:`cytokit.results.study_file.read_study_file`.
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
        What :func:`cytokit.results.study_file.read_study_file` and
        :func:`cytokit.parsers.read.find_plates` say;
        CK-637 to CK-639 for plates, layouts and duplicates; CK-641: another run works in the
        folder; CK-643: a folder is not cytokit's; CK-646: exclusions that match nothing; CK-647:
        the results' folder is a file; CK-651: fewer than one process.
    OutputError
        CK-503, CK-648: the disk refuses.

    Examples
    --------
    >>> import tempfile
    >>> from cytokit.results.study_file import write_study_file
    >>> from cytokit.simulate.trials import simulate_trial
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
    with plate_workers(_checked(jobs)) as workers:
        prepared = prepare(study, workers)
        with run_folder(study.folder, tell) as place:
            try:
                return _carried_out(prepared, workers, place, _RunSettings(tell, force, partial))
            except BaseException:
                workers.kill()  # before the place is tidied: nobody may write there any more
                raise


@dataclass(frozen=True)
class _RunSettings:
    """How a run is done."""

    say: Say
    force: bool
    partial: bool


def _carried_out(
    prepared: Prepared, workers: PlateWorkers, place: RunFolder, settings: _RunSettings
) -> StudyRun:
    plan = make_plan(prepared, force=settings.force)
    for note in plan.notes:
        settings.say(note)
    refuse_strangers(plan, force=settings.force)
    if plan.comparison or any(step.reasons for step in plan.steps):
        (place.out / MANIFEST).unlink(missing_ok=True)
    made, failed = _fit(plan, prepared.reading, workers, place, settings)
    failures = (*plan.failures, *failed)
    broken = {failure.files for failure in failed}
    good = [step.unit for step in plan.steps if _files(step) not in broken]
    if _pooled(plan) and failures and not settings.partial:
        good = []
    folders = tuple(unit.folder for unit in good)
    compared, error = _compare(plan, folders, bool(failures), place, settings)
    run = StudyRun(plan.study, folders, made, failures, compared, error, plan.unused, plan.notes)
    standing = compared in ("made", "finished")
    write_record(place.out, run_record(plan, folders, failures, compared=standing))
    return run


def _fit(
    plan: StudyPlan,
    reading: StudyReader,
    workers: PlateWorkers,
    place: RunFolder,
    settings: _RunSettings,
) -> tuple[tuple[str, ...], list[Failure]]:
    """Make what is not finished; each folder is put into place as soon as it is whole."""
    todo = [step for step in plan.steps if step.reasons]
    if _pooled(plan) and plan.failures and not settings.partial:
        settings.say("plates that lend each other numbers are not fitted while one is lacking")
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
            settings.say(f"{folder}: failed")
            continue
        place.install(folder)
        made.append(folder)
        settings.say(f"{folder}: {'; '.join(why[folder])} ({len(made)} of {len(todo)})")
    order = [step.unit.folder for step in plan.steps]
    return tuple(sorted(made, key=order.index)), failed


def _compare(
    plan: StudyPlan,
    folders: Sequence[str],
    incomplete: bool,
    place: RunFolder,
    settings: _RunSettings,
) -> tuple[Compared, CytokitError | None]:
    """The comparison, where it is asked for, not finished, and nothing is lacking."""
    if not plan.compares:
        return "none", None
    if (incomplete and not settings.partial) or not folders:
        _warn_of_earlier(place, settings)
        return "incomplete", None
    asked = comparison_request(plan.study, folders, partial=incomplete)
    reasons = comparison_reasons(asked, waiting=False, force=settings.force)
    if not reasons:
        return "finished", None
    try:
        notes = write_comparison_of(asked, place.draft(FOLDER))
    except OutputError:
        raise
    except CytokitError as error:
        _warn_of_earlier(place, settings)
        return "failed", error
    place.install(FOLDER)
    settings.say(f"{FOLDER}: {'; '.join(reasons)}")
    for note in notes:
        settings.say(note)
    return "made", None


def _warn_of_earlier(place: RunFolder, settings: _RunSettings) -> None:
    if (place.out / FOLDER).exists():
        settings.say(f"{FOLDER}: of an earlier run, and does not hold what the plates say now")


def _files(step: PlannedFolder) -> tuple[str, ...]:
    return tuple(file.path for file in step.unit.files)


def _pooled(plan: StudyPlan) -> bool:
    return any(step.unit.options.pool for step in plan.steps)


def _checked(jobs: int) -> int:
    if jobs < 1:
        what = f"jobs={jobs} is no number of processes"
        raise UsageError(Problem("CK-651", what, mend="give 1 or more"))
    return jobs
