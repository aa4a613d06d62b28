"""Concentrations from wherever they come, in one tidy frame: fits, folders of fits, plain tables.

Nothing is decided here about values out of range; :mod:`cytokit.trial.censoring` does that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import (
    InputError,
    NothingToDoError,
    Problem,
    UsageError,
    did_you_mean,
    option_text,
    place,
)
from cytokit.flags import FLAGS, Finding
from cytokit.folder import ResultsFolder
from cytokit.plate import Plate
from cytokit.schema import TABLES, RangeStatus, Severity, WellType
from cytokit.sources.numbers import decide, decimal_asked, marks_of
from cytokit.tables.cells import check_nd, check_scale, is_relative, says_nothing
from cytokit.tables.cells import number as number_of
from cytokit.tables.columns import analyte_key, split_header, unit_key
from cytokit.tables.concentrations import concentrations_in, load_table
from cytokit.tables.designs import Design
from cytokit.tables.loader import Grid, is_fit_wide, is_samples
from cytokit.tables.pseudonyms import ROLE, Pseudonyms, applied_to, clean_findings, require_same

# The frame of readings that every source is brought into.


#: who and when, where the source itself says so (plain tables); empty text otherwise
ID_COLUMNS = ("sample", "subject", "group", "day", "stratum", "status")
NUMBERS = (
    *("value", "lower", "upper", "given", "lod", "lloq", "uloq", "uod"),
    *("ci_low", "ci_high", "mfi"),
)
#: one row per reading; state is exact, below, above or missing, before any censoring policy
READING_COLUMNS = (
    *("plate", *ID_COLUMNS, "analyte", "unit", "state", "range_status", "fit_fail"),
    *NUMBERS,
)


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns in order, texts as str without outer spaces, numbers as float.

    Only fits know an upper limit of detection and what they failed; elsewhere the columns are NaN
    and empty.
    """
    if "uod" not in frame:
        frame = frame.assign(uod=np.nan)
    if "fit_fail" not in frame:
        frame = frame.assign(fit_fail="")
    texts = [name for name in READING_COLUMNS if name not in NUMBERS]
    columns = {name: frame[name].fillna("").astype("str").str.strip() for name in texts}
    numbers = {name: number(frame[name]) for name in NUMBERS}
    return pd.DataFrame({**columns, **numbers})[list(READING_COLUMNS)]


def number(column: pd.Series) -> pd.Series:
    """Floats; empty cells are NaN."""
    return pd.to_numeric(column.replace("", np.nan), errors="raise").astype("float64")


# What ``fit`` failed, carried with the readings that rest on it.


#: between two codes in a reading's ``fit_fail``
_SEP = ";"


def failures_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of a fit that say that something failed."""
    return tuple(one for one in findings if one.severity is Severity.FAIL)


def failures_in(flags: pd.DataFrame, path: Path) -> tuple[Finding, ...]:
    """The failures in a fit's flags.csv."""
    failed = flags[flags["severity"] == str(Severity.FAIL)]
    unknown = sorted(set(failed["code"]) - set(FLAGS))
    if unknown:
        what = f"the fit failed something that this release does not know: {', '.join(unknown)}"
        mend = "run cytokit fit again with this release"
        raise InputError(
            Problem("CK-294", what, place(path), mend, did_you_mean(unknown[0], list(FLAGS)))
        )
    rows = failed[TABLES["flags"].names].to_dict("records")
    return tuple(
        Finding(severity=Severity.FAIL, **{str(k): str(row[k]) for k in row if k != "severity"})
        for row in rows
    )


def mark_failures(frame: pd.DataFrame, failures: Iterable[Finding]) -> pd.DataFrame:
    """Readings with the codes of what failed in ``fit_fail``.

    A failure of a sample that was read concerns its readings alone. Any other, of a curve, a
    standard, a blank or a control, concerns all readings of its plate and analyte; without an
    analyte all of its plate, without a plate all.
    """
    plates, samples, analytes = (
        frame[name].astype("str").tolist() for name in ("plate", "sample", "analyte")
    )
    known = set(zip(plates, samples, strict=True))
    of_samples: dict[tuple[str, str, str], dict[str, None]] = {}
    of_curves: dict[tuple[str, str], dict[str, None]] = {}
    for one in failures:
        # a sample may have no name: its well tells it from a curve
        if (one.sample or one.well) and (one.plate, one.sample) in known:
            of_samples.setdefault((one.plate, one.sample, one.analyte), {})[one.code] = None
        else:
            of_curves.setdefault((one.plate, one.analyte), {})[one.code] = None
    nothing: dict[str, None] = {}
    marks = []
    for plate, sample, analyte in zip(plates, samples, analytes, strict=True):
        codes = [
            *(of_curves.get((p, a), nothing) for p in ("", plate) for a in ("", analyte)),
            *(of_samples.get((plate, sample, a), nothing) for a in ("", analyte)),
        ]
        marks.append(_SEP.join(dict.fromkeys(code for found in codes for code in found)))
    return frame.assign(fit_fail=pd.Series(marks, index=frame.index, dtype="str"))


def together(marks: Iterable[str]) -> str:
    """The codes of several readings, each once."""
    return _SEP.join(dict.fromkeys(code for mark in marks for code in codes_in(mark)))


def codes_in(mark: str) -> list[str]:
    """The codes of one reading's ``fit_fail``."""
    return mark.split(_SEP) if mark else []


# What ``fit`` gives, in memory or in the folder it writes, as readings for a study.


SAMPLES, CURVES = "samples.csv", "curves.csv"
FLAGS_FILE, WELLS = "flags.csv", "wells.csv"
_SAMPLES_NEEDED = (
    *("plate", "sample", "well_type", "analyte", "dilution_factor", "mfi", "concentration"),
    *("ci_low", "ci_high", "unit", "status", "limit_low", "limit_high"),
)
_CURVES_NEEDED = ("plate", "analyte", "lod", "lloq", "uloq")
_WELLS_NEEDED = ("plate", "sample", "well_type", "expected")
_LIMITS = ("lod", "lloq", "uloq", "uod")
_WITH_NUMBER = (RangeStatus.IN_RANGE, RangeStatus.BELOW_LLOQ, RangeStatus.ABOVE_ULOQ)


class FitFolder(NamedTuple):
    """What a study takes from a folder that ``fit`` wrote.

    ``samples`` and ``curves`` are samples.csv and curves.csv, their texts as the fit had them;
    ``failures`` what failed, of flags.csv; ``sha256`` is of samples.csv; ``pseudonyms`` the SHA-256
    of the pseudonyms file the fit was made with, empty where there was none.
    """

    samples: pd.DataFrame
    curves: pd.DataFrame
    failures: tuple[Finding, ...]
    sha256: str
    pseudonyms: str


def read_fit_folder(path: str | Path) -> FitFolder:
    """Samples, curves and failures of a folder that ``fit`` wrote."""
    folder = ResultsFolder.open(path)
    needed: dict[str, Sequence[str]] = {SAMPLES: _SAMPLES_NEEDED, CURVES: _CURVES_NEEDED}
    if FLAGS_FILE in folder.recorded:  # folders of the first releases have none
        needed[FLAGS_FILE] = TABLES["flags"].names
    tables = folder.tables(needed)
    failures: tuple[Finding, ...] = ()
    if FLAGS_FILE in tables:
        failures = failures_in(tables[FLAGS_FILE], folder.path / FLAGS_FILE)
    applied = [entry["sha256"] for entry in folder.manifest["inputs"] if entry["role"] == ROLE]
    digest = folder.recorded[SAMPLES]
    return FitFolder(tables[SAMPLES], tables[CURVES], failures, digest, (applied or [""])[0])


def read_wells(path: str | Path) -> pd.DataFrame | None:
    """The wells of a folder that ``fit`` wrote; None where its manifest lists none."""
    folder = ResultsFolder.open(path)
    if WELLS not in folder.recorded:
        return None
    return folder.tables({WELLS: _WELLS_NEEDED})[WELLS]


def from_fit(
    samples: pd.DataFrame, curves: pd.DataFrame | None, kind: WellType = WellType.UNKNOWN
) -> pd.DataFrame:
    """The unknowns of a fit as readings, each with its own limits (dilution applied)."""
    unknown = samples[samples["well_type"].astype(str) == str(kind)]
    rows = unknown if curves is None else _with_limits(unknown, curves)
    status = rows["status"].astype(str)
    has_number = status.isin([str(kind) for kind in _WITH_NUMBER])
    value = number(rows["concentration"]).where(has_number)
    below, above = status == str(RangeStatus.OOR_LOW), status == str(RangeStatus.OOR_HIGH)
    low, high = number(rows["limit_low"]), number(rows["limit_high"])
    state = np.select([value.notna(), below, above], ["exact", "below", "above"], "missing")
    frame = rows.assign(
        value=value,
        lower=value.mask(below, 0.0).mask(above, high.fillna(low)),
        upper=value.mask(below, low.fillna(high)).mask(above, math.inf),
        state=state,
        range_status=status,
        given=number(rows["concentration"]),
        **{name: number(rows[name]) for name in _LIMITS},
        **{name: number(rows[name]) for name in ("ci_low", "ci_high", "mfi")},
        # somebody may have added these to a table that is given back
        **{role: rows.get(role, "") for role in ("subject", "group", "day", "stratum")},
    )
    return tidy(frame.drop(columns="status").assign(status=""))


def _with_limits(samples: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Samples with the limits of their curves, dilution applied."""
    # folders of the first releases have no uod, and their samples no limits
    limits = curves.reindex(columns=[*_CURVES_NEEDED, "uod"]).drop_duplicates(["plate", "analyte"])
    own = samples.drop(columns=[name for name in _LIMITS if name in samples])
    rows = own.merge(limits, on=["plate", "analyte"], how="left", validate="many_to_one")
    factor = number(rows["dilution_factor"])
    return rows.assign(**{name: number(rows[name]) * factor for name in _LIMITS})


# What ``fit`` wrote, given back as a table: samples.csv, or a sheet of samples of the workbook.


LIMITS = ("lod", "lloq", "uloq", "uod")
#: who and when, if somebody added these columns
_WHO = ("subject", "group", "day", "stratum")
_NUMBERS = (
    *("n_wells", "dilution_factor", "mfi", "mfi_cv_pct", "concentration", "ci_low", "ci_high"),
    *("cv_pct", "limit_low", "limit_high", "precision_pct", *LIMITS),
)
_BOUND = re.compile(r"([<>]) ?([-+0-9.,eE]{1,40})")
#: how the wide sheet calls its limits, at the bead
_AT_BEAD = {"lod at the bead": "lod", "lloq at the bead": "lloq", "uloq at the bead": "uloq"}


def is_from_fit(grid: Grid, mapping: Mapping[str, str | Sequence[str]] | None) -> bool:
    """Whether a table is one of those, and the user does not say what its other columns are."""
    ours = is_samples(grid.header) or is_fit_wide(grid.header)
    return ours and set(mapping or {}) <= set(_WHO)


def samples_in(
    grid: Grid,
    mapping: Mapping[str, str | Sequence[str]] | None,
    asked: str | None = None,
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """The table with the columns of samples.csv, and what had to be found out about its limits."""
    cells = pd.DataFrame(
        [[unguard(cell.strip()) for cell in row] for _, row in grid.rows],
        columns=list(grid.header),
        dtype="str",
    )
    where = [grid.where(line) for line, _ in grid.rows]
    frame = cells if is_samples(grid.header) else _from_wide(cells, grid)
    numbers = [name for name in _NUMBERS if name in frame]
    # what a workbook or a frame stores as numbers is written with a point
    marks = marks_of([] if grid.exact else [cell for name in numbers for cell in frame[name]])
    decimal = decide(marks, asked=decimal_asked(asked), whole=marks, file=grid.path)
    problems = []
    for name in numbers:
        parsed = [number_of(cell, decimal) for cell in frame[name]]
        for at, (cell, value) in enumerate(zip(frame[name], parsed, strict=True)):
            if math.isnan(value) and not says_nothing(cell):
                what = f"column {name}: {cell!r} is no number"
                mend = "run cytokit fit again; a spreadsheet may have changed the file"
                place = where[at] if len(where) == len(frame) else grid.path
                problems.append(Problem("CK-280", what, place, mend))
        frame = frame.assign(**{name: parsed})
    if problems:
        raise InputError(*problems)
    who = {role: str(column) for role, column in (mapping or {}).items()}
    added = {role: who.get(role, role) for role in _WHO if who.get(role, role) in grid.header}
    frame = frame.assign(**{role: cells[name] for role, name in added.items()})
    return _samples_table_with_limits(frame, grid.path)


def _samples_table_with_limits(
    frame: pd.DataFrame, path: str
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Limits of detection where the file of an earlier release states them beside a bound only."""
    if set(LIMITS) <= set(frame.columns):
        return frame, ()
    frame = frame.assign(**{name: math.nan for name in LIMITS if name not in frame})
    bounds = (
        ("lod", "limit_low", RangeStatus.OOR_LOW),
        ("uod", "limit_high", RangeStatus.OOR_HIGH),
    )
    for name, limit, status in bounds:
        at_bead = frame[limit] / frame["dilution_factor"]
        stated = frame.assign(at_bead=at_bead.where(frame["status"] == str(status)))
        shared = stated.groupby(["plate", "analyte"], sort=False)["at_bead"].transform("first")
        frame = frame.assign(**{name: frame[name].fillna(shared * frame["dilution_factor"])})
    unknown = frame["lod"].isna() & (frame["status"] == str(RangeStatus.BELOW_LLOQ))
    return frame, tuple(
        Finding(
            "limit_unknown",
            f"{path}: {count} readings below the limit of quantification count as numbers, as no "
            "limit of detection is stated: give the folder that fit wrote",
            analyte=str(analyte),
        )
        for analyte, count in frame.loc[unknown, "analyte"].value_counts(sort=False).items()
    )


def _from_wide(cells: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """The sheet of samples by analytes with one row per reading; its legend is left out."""
    limits = {
        role: row
        for row in grid.above
        for cell in row
        if (role := _AT_BEAD.get(cell.strip().casefold()))
    }
    rows = cells[cells["dilution_factor"] != ""]
    parts = [_of_analyte(rows, grid, position, limits) for position in _analytes(grid)]
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def _analytes(grid: Grid) -> Iterator[int]:
    """Where the analytes stand; a column somebody added says who or when."""
    for position, name in enumerate(grid.header):
        if position >= 4 and name.strip().casefold() not in _WHO:
            yield position


def _of_analyte(
    rows: pd.DataFrame, grid: Grid, position: int, limits: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """One analyte's readings, their status told from the cell and from the limits above it."""
    header = split_header(grid.header[position])
    cell = rows.iloc[:, position]
    match = cell.str.extract(_BOUND)
    below, above = match[0] == "<", match[0] == ">"
    value = cell.map(lambda text: number_of(text, "."))
    plain = cell.where(value.notna(), "")
    factor = number(rows["dilution_factor"])
    beside = {
        role: number_of(row[position].strip(), ".") * factor if position < len(row) else np.nan
        for role, row in limits.items()
    }
    status = np.select(
        [
            below,
            above,
            value < beside.get("lloq", np.nan),
            value > beside.get("uloq", np.nan),
            value.notna(),
        ],
        [
            str(RangeStatus.OOR_LOW),
            str(RangeStatus.OOR_HIGH),
            str(RangeStatus.BELOW_LLOQ),
            str(RangeStatus.ABOVE_ULOQ),
            str(RangeStatus.IN_RANGE),
        ],
        str(RangeStatus.NOT_MEASURED),
    )
    texts = {role: pd.Series(limit, index=rows.index) for role, limit in beside.items()}
    written = {role: limit.map(repr).where(limit.notna(), "") for role, limit in texts.items()}
    return rows[["plate", "sample", "well_type", "dilution_factor"]].assign(
        analyte=header.name,
        unit=header.unit,
        concentration=plain,
        status=status,
        limit_low=match[1].where(below, "").fillna(""),
        limit_high=match[1].where(above, "").fillna(""),
        **dict.fromkeys(("mfi", "ci_low", "ci_high"), ""),
        **written,
    )


# Readings and designs with pseudonyms in the place of names, before the two are joined.


_PRIVATE_WHO = ("sample", "subject")


def private_readings(readings: Readings, table: Pseudonyms) -> Readings:
    """One source's readings with pseudonyms; those of a fit that has them already stay."""
    where = place(", ".join(entry.path for entry in readings.inputs))
    if readings.pseudonyms:
        require_same(readings.pseudonyms, table, where)
        return readings
    frame = readings.frame
    names = [str(name) for who in _PRIVATE_WHO for name in frame[who].unique() if name]
    table.require({name: f"reading {at}" for name, at in _rows_of(frame)}, "the readings")
    _require_free(frame, {f"the path of {one.kind}": one.path for one in readings.inputs}, table)
    return replace(
        readings,
        frame=frame.assign(**{who: table.replaced(frame[who]) for who in _PRIVATE_WHO}),
        findings=clean_findings(readings.findings, table, names),
    )


def private_design(design: Design, table: Pseudonyms) -> Design:
    """The design with pseudonyms for samples and subjects."""
    frame = design.frame
    _require_free(frame, {"the path of the design": design.path}, table)
    lines = list(frame["line"])
    places = {
        name: f"row {at}" if lines[at - 1] is None else f"line {lines[at - 1]}"
        for name, at in _rows_of(frame)
    }
    table.require(places, place(design.path))
    return replace(
        design, frame=frame.assign(**{who: table.replaced(frame[who]) for who in _PRIVATE_WHO})
    )


def _rows_of(frame: pd.DataFrame) -> Iterator[tuple[str, int]]:
    """Each name of a sample or subject with the first row, from 1, on which it stands."""
    seen = set()
    for who in _PRIVATE_WHO:
        for at, name in enumerate(frame[who], start=1):
            if name and str(name) not in seen:
                seen.add(str(name))
                yield str(name), at


def _require_free(frame: pd.DataFrame, paths: Mapping[str, str], table: Pseudonyms) -> None:
    """Refuse paths, groups, strata and the like that hold a listed name: they are written."""
    texts = {**paths, "the path of the pseudonyms": table.path}
    for column in ("group", "stratum", "plate", "analyte"):
        if column in frame:
            for number, text in enumerate(frame[column].dropna().unique(), start=1):
                texts[f"{column} number {number}"] = str(text)
    table.require_free(texts, "the study")


# Analytes and units that are spelled in two ways over plates and tables.


_WHOSE = ["plate", "sample", "subject", "day"]


def joined_spellings(
    frames: Sequence[pd.DataFrame],
) -> tuple[dict[str, str], list[Finding]]:
    """Which analyte names are taken for which, over several sources."""
    every: dict[str, None] = {}
    for frame in frames:
        every |= dict.fromkeys(frame["analyte"].unique().tolist())
    groups: dict[str, list[str]] = {}
    for name in every:
        groups.setdefault(analyte_key(name), []).append(name)
    names: dict[str, str] = {}
    findings = []
    for group in groups.values():
        if len(group) < 2:
            continue
        shown = " and ".join(map(repr, group))
        if any(_together(frame, group) for frame in frames):
            what = f"{shown} are kept apart: a sample has more than one of them"
            findings.append(Finding("analytes_alike", what, analyte=group[0]))
            continue
        names |= dict.fromkeys(group[1:], group[0])
        what = f"{shown} are taken for one analyte: they differ in spelling alone"
        findings.append(Finding("analytes_joined", what, analyte=group[0]))
    return names, findings


def _together(frame: pd.DataFrame, names: Sequence[str]) -> bool:
    """Whether some sample of a source has readings under more than one of the names."""
    mine = frame[frame["analyte"].isin(names) & (frame["state"] != "missing")]
    return bool(mine[[*_WHOSE, "analyte"]].drop_duplicates().duplicated(_WHOSE).any())


def renamed(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """A frame with its analytes under the names that are kept."""
    return frame.assign(analyte=frame["analyte"].replace(dict(names))) if names else frame


def one_spelling_of_units(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame in which each unit is spelled as where it stands first."""
    first: dict[str, str] = {}
    for unit in frame["unit"].unique().tolist():
        first.setdefault(unit_key(unit), unit)
    spelled = {unit: first[unit_key(unit)] for unit in frame["unit"].unique().tolist()}
    return frame.assign(unit=frame["unit"].map(spelled))


QUANTITIES = ("concentration", "mfi")
#: findings of a table that the study makes itself, with what it does about them
_NAMED_HERE = ("hidden_floor", "analytes_alike")


@runtime_checkable
class FitLike(Protocol):
    """What of a fit is used: its samples, and its curves for their limits."""

    @property
    def samples(self) -> pd.DataFrame:
        """Columns of samples.csv."""
        ...

    @property
    def curves(self) -> CurveTable:
        """The curves, with their table."""
        ...


class CurveTable(Protocol):
    """A set of curves that can show itself as a table."""

    @property
    def table(self) -> pd.DataFrame:
        """Columns of curves.csv."""
        ...


@runtime_checkable
class HasPlates(Protocol):
    """A fit that keeps its plates, and so knows whether they have pseudonyms."""

    @property
    def plates(self) -> Sequence[Plate]:
        """The plates that were fitted."""
        ...


@runtime_checkable
class HasFindings(Protocol):
    """A fit that says what it noticed."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Among them what failed."""
        ...


Source = FitLike | str | Path | pd.DataFrame


@dataclass(frozen=True, slots=True)
class Input:
    """What was read, for the manifest: path as given, hash, kind (fit, fit folder, table)."""

    path: str
    sha256: str
    kind: str


@dataclass(frozen=True)
class Readings:
    """All readings of a study before the design is joined."""

    frame: pd.DataFrame
    findings: tuple[Finding, ...]
    inputs: tuple[Input, ...]
    pseudonyms: str = ""
    controls: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=READING_COLUMNS))


@dataclass(frozen=True, slots=True)
class Manner:
    """How concentration tables are read."""

    mapping: Mapping[str, str | Sequence[str]] | None = None
    scale: str | None = None
    decimal: str | None = None
    nd: str | None = None


def gather(
    sources: Source | Iterable[Source],
    manner: Manner | None = None,
    *,
    quantity: str = "concentration",
    pseudonyms: Pseudonyms | None = None,
) -> Readings:
    """Read every source and put the readings together."""
    given = listed(sources)
    _check_quantity(given, quantity)
    asked = manner or Manner()
    if asked.scale is not None and given and not has_tables(given):
        scale = option_text("scale", asked.scale)
        what = f"{scale} is for tables; a fit's concentrations are no logarithms"
        raise UsageError(Problem("CK-292", what, mend="leave scale out"))
    if not given:
        mend = "give a fit, a folder written by fit, or a table of concentrations"
        raise NothingToDoError(Problem("CK-277", "there is nothing to compare", mend=mend))
    parts, errors = [], []
    for source in given:
        try:
            parts.append(_read(source, asked))
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputError.together(errors)
    if pseudonyms is not None:
        parts = [private_readings(part, pseudonyms) for part in parts]
    names, spelled = joined_spellings([part.frame for part in parts])
    frame = renamed(pd.concat([part.frame for part in parts], ignore_index=True), names)
    if frame.empty:
        mend = "check the well types of the fit: only unknowns are compared"
        raise NothingToDoError(Problem("CK-277", "the sources hold no unknown sample", mend=mend))
    _check_units(frame)
    frame = one_spelling_of_units(frame)
    if quantity == "mfi":
        frame = as_mfi(frame)
    noticed = (finding for part in parts for finding in part.findings)
    findings = (
        *(replace(one, analyte=names.get(one.analyte, one.analyte)) for one in noticed),
        *spelled,
    )
    inputs = tuple(entry for part in parts for entry in part.inputs)
    controls = [part.controls for part in parts if len(part.controls)]
    if not controls:
        return Readings(frame, findings, inputs)
    beside = renamed(pd.concat(controls, ignore_index=True), names)
    return Readings(frame, findings, inputs, controls=one_spelling_of_units(beside))


def from_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A concentration table's frame as readings."""
    absent = {name: "" for name in (*ID_COLUMNS, "plate") if name not in frame}
    blank = dict.fromkeys(("ci_low", "ci_high", "mfi"), math.nan)
    return tidy(frame.assign(range_status="", **blank, **absent))


def listed(sources: Source | Iterable[Source]) -> list[Source]:
    """Several sources as a list; one source as a list of one."""
    if isinstance(sources, (str, Path, pd.DataFrame, FitLike)):
        return [sources]
    if not isinstance(sources, Iterable):
        return [sources]  # refused by name in _read
    return list(sources)


def is_table(source: Source) -> bool:
    """Whether a source is a plain table: a frame, or a path that is no folder."""
    if isinstance(source, pd.DataFrame):
        return True
    return isinstance(source, (str, Path)) and not Path(source).is_dir()


def has_tables(sources: Iterable[Source]) -> bool:
    """Whether any source is a plain table."""
    return any(is_table(source) for source in sources)


def _read(source: Source, manner: Manner) -> Readings:
    """One source."""
    if is_table(source):
        grid = load_table(source, manner.mapping)  # type: ignore[arg-type]
        if is_from_fit(grid, manner.mapping):
            return _of_samples(grid, manner)
        table = concentrations_in(
            grid,
            mapping=manner.mapping,
            scale=manner.scale,
            decimal=manner.decimal,
            nd=manner.nd,
        )
        entry = Input(table.path, table.sha256, "concentration table")
        findings = tuple(one for one in table.findings if one.code not in _NAMED_HERE)
        return Readings(from_table(table.frame), findings, (entry,))
    if isinstance(source, (str, Path)):
        found = read_fit_folder(source)
        entry = Input(str(source), found.sha256, "fit folder")
        return _of_fit(found.samples, found.curves, found.failures, entry, found.pseudonyms)
    if isinstance(source, FitLike):
        applied = applied_to(source.plates) if isinstance(source, HasPlates) else ""
        failures = failures_of(source.findings) if isinstance(source, HasFindings) else ()
        entry = Input("a fit in memory", "", "fit")
        return _of_fit(source.samples, source.curves.table, failures, entry, applied)
    what = f"a {type(source).__name__} is no source of concentrations"
    mend = "give a fit, a folder written by fit, a table's path or a DataFrame"
    raise UsageError(Problem("CK-278", what, mend=mend))


def _of_samples(grid: Grid, manner: Manner) -> Readings:
    """A table that fit wrote: unknowns and controls, each with its status and limits."""
    check_scale(manner.scale)
    check_nd(manner.nd)
    samples, findings = samples_in(grid, manner.mapping, manner.decimal)
    entry = Input(grid.path, grid.sha256, "concentration table")
    unknowns, controls = (from_fit(samples, None, k) for k in (WellType.UNKNOWN, WellType.CONTROL))
    return Readings(unknowns, findings, (entry,), controls=controls)


def _of_fit(
    samples: pd.DataFrame,
    curves: pd.DataFrame,
    failures: tuple[Finding, ...],
    entry: Input,
    pseudonyms: str,
) -> Readings:
    """The unknowns and the controls of a fit, with what it failed."""
    frame, controls = (
        mark_failures(from_fit(samples, curves, kind), failures)
        for kind in (WellType.UNKNOWN, WellType.CONTROL)
    )
    return Readings(frame, failures, (entry,), pseudonyms, controls)


def _check_quantity(sources: Iterable[Source], quantity: str) -> None:
    """Fluorescence is known of fits only."""
    if quantity not in QUANTITIES:
        mend = f"use one of {', '.join(QUANTITIES)}"
        near = did_you_mean(quantity, QUANTITIES)
        raise UsageError(Problem("CK-287", f"quantity={quantity!r} is no choice", "", mend, near))
    if quantity == "mfi" and has_tables(sources):
        mend = "give fits, or folders written by fit"
        raise UsageError(Problem("CK-287", "a plain table holds no MFI to compare", mend=mend))


def as_mfi(frame: pd.DataFrame) -> pd.DataFrame:
    """The readings with fluorescence in the place of concentration: exact, without limits."""
    mfi = frame["mfi"]
    unknown = dict.fromkeys(("lod", "lloq", "uloq", "uod", "ci_low", "ci_high"), math.nan)
    state = np.where(mfi.notna(), "exact", "missing")
    same = dict.fromkeys(("value", "lower", "upper", "given"), mfi)
    return frame.assign(unit="MFI", state=state, **same, **unknown)


def _check_units(frame: pd.DataFrame) -> None:
    """One unit per analyte over all sources."""
    problems = [
        Problem(
            "CK-281",
            f"the analyte stands in several units: {', '.join(unit or 'none' for unit in units)}",
            place(analyte=analyte),
            "convert the tables to one unit: nothing is converted here",
        )
        for analyte, units in in_several_units(frame).items()
    ]
    if problems:
        raise InputError(*problems)


def in_several_units(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Analytes that stand in more than one unit, with the units.

    Empty ones do not count, but beside ``2^NPX`` and the like, which are no concentrations.
    """
    # beside relative quantities a reading without a unit is one of another kind
    relative = frame.loc[frame["unit"].map(is_relative), "analyte"].unique()
    stated = frame[(frame["unit"] != "") | frame["analyte"].isin(relative)]
    units = {
        str(analyte): list({unit_key(unit): unit for unit in rows["unit"].unique()}.values())
        for analyte, rows in stated.groupby("analyte", sort=False)
    }
    return {analyte: found for analyte, found in units.items() if len(found) > 1}
