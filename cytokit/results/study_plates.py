"""The plates of a study file: which files, each with its hash and its layout, none twice."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cytokit.curves.platefit import fit
from cytokit.errors import (
    CytokitError,
    InputError,
    OutputError,
    PrivacyError,
    Problem,
    UsageError,
    did_you_mean,
    place,
)
from cytokit.folder import describe_input, make_manifest, read_manifest, sha256_of
from cytokit.options import FitOptions
from cytokit.parsers.read import distinct_names, find_plates, read_file
from cytokit.plate import Plate, SourceInfo, Unread
from cytokit.results.stream import WorkerPool, worker_died, worker_pool
from cytokit.results.study_file import StudyFile, recorded
from cytokit.schema import TABLES
from cytokit.tables.pseudonyms import Pseudonyms, errors_without_names, pseudonymise


@dataclass(frozen=True, slots=True)
class PlateFile:
    """One file of plates."""

    path: str
    sha256: str
    layout: Path | None = None


@dataclass(frozen=True, slots=True)
class PlateFiles:
    """What :func:`plate_files` found."""

    files: tuple[PlateFile, ...]
    others: tuple[Unread, ...]
    notes: tuple[str, ...]


def plate_files(study: StudyFile) -> PlateFiles:
    """Find the plates that a study file names."""
    found = find_plates(study.plates)
    places: dict[Path, str] = {}
    notes = []
    for path in found.files:
        first = places.setdefault(Path(path).resolve(), path)
        if first != path:
            notes.append(f"{path} is {first}, named twice: used once")
    paths, problems = _without(list(places.values()), study)
    layouts, wrong = _layouts(paths, study)
    files = tuple(PlateFile(path, _hash(path), layouts.get(path, study.layout)) for path in paths)
    problems += [*wrong, *_same_content(files, study)]
    if problems:
        raise UsageError(*problems)
    if not files:  # everything was left out: say so in the words for an empty folder
        find_plates([])
    return PlateFiles(files, found.others, tuple(notes))


def _without(paths: list[str], study: StudyFile) -> tuple[list[str], list[Problem]]:
    """The paths but for those to be left out."""
    out: set[str] = set()
    problems = []
    for word in study.leave_out:
        hit = set(_matching(word, paths))
        out |= hit
        if not hit:
            what = f"{word} is to be left out but is none of the plates"
            where = place(study.path)
            near = did_you_mean(Path(word).name, [Path(path).name for path in paths])
            problems.append(Problem("CK-639", what, where, "correct leave_out", near))
    return [path for path in paths if path not in out], problems


def _matching(word: str, paths: Iterable[str]) -> list[str]:
    """The paths that a file, folder or glob stands for."""
    goal = Path(word).resolve()
    return [
        path
        for path in paths
        if Path(path).resolve() == goal
        or Path(path).resolve().parent == goal
        or Path(path).match(word)
    ]


def _layouts(paths: list[str], study: StudyFile) -> tuple[dict[str, Path], list[Problem]]:
    """Each plate's own layout, by its path as written, its file's name or its stem."""
    found: dict[str, Path] = {}
    problems = []
    for word, layout in (study.layouts or {}).items():
        exact = (study.path.parent / word).resolve()
        hits = [path for path in paths if Path(path).resolve() == exact] or [
            path for path in paths if word in (Path(path).name, Path(path).stem)
        ]
        if len(hits) == 1:
            found[hits[0]] = layout
            continue
        what = f"the layout {layout.name} is for {word!r}, which is " + (
            f"{len(hits)} plates: {', '.join(hits)}" if hits else "none of the plates"
        )
        mend = "write the plate's path as in plates, or its file's name"
        near = "" if hits else did_you_mean(word, [Path(path).name for path in paths])
        problems.append(Problem("CK-637", what, place(study.path), mend, near))
    return found, problems


def _same_content(files: Iterable[PlateFile], study: StudyFile) -> list[Problem]:
    """Files of the same content: a plate must not count twice."""
    by_hash: Mapping[str, list[str]] = defaultdict(list)
    for file in files:
        if file.sha256:
            by_hash[file.sha256].append(file.path)
    mend = 'keep one, or name the others under [study] leave_out = ["..."]'
    return [
        Problem(
            "CK-638",
            f"the same content stands under {len(names)} names: {', '.join(names)}",
            place(study.path),
            mend,
        )
        for names in by_hash.values()
        if len(names) > 1
    ]


def _hash(path: str) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""


# What each plate file holds, as far as planning needs it: names, companions, excluded readings.


Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SurveyedFile:
    """A plate file that was read once."""

    file: PlateFile
    plates: tuple[Plate, ...] = ()
    hits: tuple[tuple[int, ...], ...] = ()
    problems: tuple[Problem, ...] = ()
    private: bool = False


@dataclass(frozen=True)
class StudyReader:
    """How plates are read for a study."""

    parent: Path
    pseudonyms: Pseudonyms | None = None
    decimal: str | None = None

    def plates(self, file: PlateFile) -> list[Plate]:
        """The plates of a file."""
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


def survey(file: PlateFile, reading: StudyReader, exclusions: Sequence[Row]) -> SurveyedFile:
    """Read a plate file for the plan."""
    try:
        plates = reading.plates(file)
    except CytokitError as error:
        return SurveyedFile(file, problems=error.problems, private=isinstance(error, PrivacyError))
    return SurveyedFile(
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
    """An error that names the rows of the exclusions that no plate has; None where all hit."""
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


# Names of folders for plates: readable, safe on every system, each once.


#: bytes of a folder's name; file systems take 255, and a path has many parts
LONGEST = 80
#: before a hash; no stem has it, so that no stem looks like another with its hash
_HASH = "~"
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def safe_stem(path: str) -> str:
    """A file's stem as the name of a folder: letters of any script, digits, ``.``, ``-``, ``_``.

    Names that are too long end in a hash of the whole.
    """
    stem = unicodedata.normalize("NFC", Path(path).stem)
    clean = re.sub(r"[^\w.-]+", "_", stem).strip("._ ") or "plate"
    if _RESERVED.fullmatch(clean):
        clean += "_"
    if len(clean.encode()) <= LONGEST:
        return clean
    short = clean.encode()[: LONGEST - 9].decode(errors="ignore")
    return f"{short}{_HASH}{_digest(stem)}"


def folder_names(paths: Sequence[str]) -> list[str]:
    """One name per file; those that would share one get a hash of their path."""
    stems = [safe_stem(path) for path in paths]
    shared = Counter(stem.casefold() for stem in stems)
    return [
        stem if shared[stem.casefold()] == 1 else f"{stem}{_HASH}{_digest(path)}"
        for stem, path in zip(stems, paths, strict=True)
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


# Units of work: plates that are fitted in one call and stand in one folder.


@dataclass(frozen=True)
class Unit:
    """Plates that are fitted in one call."""

    folder: str
    files: tuple[PlateFile, ...]
    names: tuple[str, ...]
    options: FitOptions
    exclusions: tuple[Row, ...]
    rows: tuple[int, ...]
    expected: Mapping[str, Any]

    @property
    def excluded(self) -> pd.DataFrame | None:
        """The exclusions as `fit` takes them."""
        if not self.exclusions:
            return None
        return pd.DataFrame(self.exclusions, columns=TABLES["exclusions"].names, dtype="str")


def make_units(
    surveyed: Sequence[SurveyedFile], options: FitOptions, exclusions: Sequence[Row]
) -> list[Unit]:
    """The units of a study, in the order of its plates."""
    base = make_manifest("fit", options=asdict(options), inputs=())
    if options.pool:
        return [_unit(surveyed, "fit", options, exclusions, base)] if surveyed else []
    groups = sharing_names(surveyed)
    names = folder_names([group[0].plates[0].source.path for group in groups])
    return [
        _unit(group, f"plates/{_and_more(name, len(group))}", options, exclusions, base)
        for name, group in zip(names, groups, strict=True)
    ]


def sharing_names(surveyed: Iterable[SurveyedFile]) -> list[list[SurveyedFile]]:
    """Files in groups: those that share the name of a plate, directly or through others."""
    groups: dict[int, list[SurveyedFile]] = {}
    owner: dict[str, int] = {}
    for number, one in enumerate(surveyed):
        names = [plate.name for plate in one.plates]
        mine, *others = sorted({owner[name] for name in names if name in owner}) or [number]
        for other in others:
            moved = groups.pop(other)
            groups[mine] += moved
            names += [plate.name for held in moved for plate in held.plates]
        groups.setdefault(mine, []).append(one)
        owner.update(dict.fromkeys(names, mine))
    return list(groups.values())


def _and_more(name: str, count: int) -> str:
    """A group's folder; no stem has the sign, so that no other folder has the name."""
    return name if count == 1 else f"{name}+{count - 1}"


def _unit(
    group: Sequence[SurveyedFile],
    folder: str,
    options: FitOptions,
    exclusions: Sequence[Row],
    base: Mapping[str, Any],
) -> Unit:
    plates = distinct_names([plate for one in group for plate in one.plates])
    hits = [hit for one in group for hit in one.hits]
    rows = sorted(
        {
            at
            for plate, hit in zip(plates, hits, strict=True)
            for at in hit
            if exclusions[at]["plate"] in ("", plate.name)
        }
    )
    chosen = tuple(exclusions[at] for at in rows)
    return Unit(
        folder,
        tuple(one.file for one in group),
        tuple(plate.name for plate in plates),
        options,
        chosen,
        tuple(rows),
        _expected(plates, chosen, base),
    )


def _expected(
    plates: Iterable[Plate], exclusions: Sequence[Row], base: Mapping[str, Any]
) -> dict[str, Any]:
    """What the manifest of these plates will say, as it comes back from JSON."""
    inputs = {}
    for plate in plates:
        for source, role in [(plate.source, "plate"), *((c, c.format) for c in plate.companions)]:
            entry = describe_input(
                source.path, source.sha256, role, source.format, source.asked_decimal
            )
            inputs[entry["path"], entry["sha256"]] = entry
    rows = [dict(row) for row in exclusions]
    manifest = {**base, "inputs": list(inputs.values()), "excluded": rows}
    found: dict[str, Any] = json.loads(json.dumps(manifest))
    return found


# Whether a folder of results is finished and still what is asked for; if not, why.


def why_to_do(folder: Path, expected: Mapping[str, Any]) -> tuple[str, ...]:
    """Why a folder has to be made, or made anew; empty where it is finished."""
    if not folder.exists():
        return ("new",)
    try:
        manifest = read_manifest(folder)
    except InputError as error:
        return (error.problems[0].what,)
    found = [*_changed(manifest.get("versions"), expected["versions"])]
    if "study" in expected:
        found += _asked(manifest.get("study"), expected["study"])
    else:
        found += _changed(manifest.get("options"), expected["options"])
        found += _inputs(manifest.get("inputs"), expected["inputs"])
        if not isinstance(manifest.get("verdicts"), list):
            found.append("the manifest does not give the plates' verdicts")
        if manifest.get("excluded") != expected["excluded"]:
            found.append("the exclusions have changed")
    return (*found, *outputs_changed(folder, manifest))


def outputs_changed(folder: Path, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Outputs that are missing, or are not what the manifest says."""
    outputs = manifest.get("outputs")
    if not isinstance(outputs, list) or not outputs:
        return ("the manifest lists no outputs",)
    found = []
    for entry in outputs:
        name = str(entry.get("name")) if isinstance(entry, dict) else ""
        path = folder / name
        if not path.is_file():
            found.append(f"output {name} is missing")
        elif sha256_of(path) != entry.get("sha256"):
            found.append(f"output {name} was changed after the run")
    return tuple(found)


def _changed(before: object, now: Mapping[str, Any]) -> Iterable[str]:
    """``weights was model, is 1/y2`` for each entry that differs."""
    old = before if isinstance(before, dict) else {}
    for name in sorted({*old, *now}):
        was, will = old.get(name), now.get(name)
        if was != will:
            yield f"{name} was {_words(was)}, is {_words(will)}"


def _words(value: object) -> str:
    return "not there" if value is None else repr(value) if value == "" else str(value)


def _inputs(before: object, now: Iterable[Mapping[str, str]]) -> Iterable[str]:
    """Inputs that are other than they were."""
    entries = before if isinstance(before, list) else []
    old = {str(entry.get("path")): entry for entry in entries if isinstance(entry, dict)}
    new = {entry["path"]: entry for entry in now}
    for path, entry in new.items():
        if path not in old:
            yield f"{entry['role']} {entry['name']} is new"
        elif old[path].get("sha256") != entry["sha256"]:
            yield f"{entry['role']} {entry['name']} has changed"
        elif old[path] != entry:
            yield f"{entry['role']} {entry['name']} was read as {old[path].get('format')}"
    for path, entry in old.items():
        if path not in new:
            yield f"{entry.get('role')} {entry.get('name')} is no longer used"


def _asked(before: object, now: Mapping[str, Any]) -> Iterable[str]:
    """What a comparison was asked for, and what is asked for now."""
    old = before if isinstance(before, dict) else {}
    yield from _changed(old.get("options"), now["options"])
    for part in _PARTS:
        if old.get(part) != now[part]:
            yield f"the {_PARTS[part]} has changed"
    plates = old.get("plates")
    if not isinstance(plates, dict) or [*plates.items()] != [*now["plates"].items()]:
        yield "the plates' results, or their order, have changed"


_PARTS = {
    "map": "mapping of the design",
    "design": "design",
    "pseudonyms": "pseudonyms file",
    "partial": "set of plates",
}


# Making the folder of one unit, here or in another process.


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a unit."""

    unit: Unit
    problems: tuple[Problem, ...] = ()
    refused: bool = False


def make(unit: Unit, draft: Path, reading: StudyReader) -> Made:
    """Fit a unit's plates and write their folder."""
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


class PlateWorkers:
    """One process or several; results come as they are ready."""

    def __init__(self, pool: WorkerPool | None = None) -> None:
        self._pool = pool

    def survey(
        self, files: Sequence[PlateFile], reading: StudyReader, exclusions: Sequence[Row]
    ) -> list[SurveyedFile]:
        """Each file read once, in their order."""
        if self._pool is None:
            return [survey(file, reading, exclusions) for file in files]
        tasks = [self._pool.submit(survey, file, reading, exclusions) for file in files]
        found = []
        for file, task in zip(files, tasks, strict=True):
            try:
                found.append(task.result())
            except BrokenProcessPool:
                found.append(SurveyedFile(file, problems=(_died([file]),)))
        return found

    def make(self, units: Sequence[tuple[Unit, Path]], reading: StudyReader) -> Iterator[Made]:
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
def plate_workers(jobs: int) -> Iterator[PlateWorkers]:
    """So many processes; an interrupt ends them and what they work at."""
    with worker_pool(jobs) as pool:
        yield PlateWorkers(pool)


def _died(files: Sequence[PlateFile]) -> Problem:
    return worker_died(", ".join(file.path for file in files))
