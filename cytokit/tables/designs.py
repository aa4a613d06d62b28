"""The study's design: which sample is whose, in which group, on which day, and who was lost.

A design is checked by itself here; :mod:`cytokit.study` holds it against the data.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cytokit.errors import (
    DesignError,
    InputError,
    Problem,
    UsageError,
    did_you_mean,
    map_text,
    place,
)
from cytokit.flags import Finding
from cytokit.schema import DESIGN_COLUMNS, DESIGN_OPTIONAL, LAST_DAY, DesignStatus
from cytokit.sources.raw import RawFile
from cytokit.tables.cells import Day, is_impossible, is_plain_number, normal_day, same_kind
from cytokit.tables.columns import SYNONYMS, plain
from cytokit.tables.concentrations import without_missing_names

# The rows of a design as typed records.


class DesignRow(NamedTuple):
    """One planned sample; ``line`` is None for a design that a table carries itself."""

    sample: str
    subject: str
    group: str
    day: Day | None
    stratum: str
    status: str
    plate: str
    line: int | None


def design_rows(frame: pd.DataFrame) -> list[DesignRow]:
    """Each row of a design's frame, in order."""
    columns = [frame[name].tolist() for name in DesignRow._fields]
    return [DesignRow(*cells) for cells in zip(*columns, strict=True)]


# Names that people take for one: other capitals, spaces, dashes, leading zeros.


#: a number as a spreadsheet rewrites it: no leading zeros, perhaps a fraction of zero
_DIGITS = re.compile(r"[0-9]{1,40}(\.0{1,20})?")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")


def spelled_alike(name: str) -> str:
    """What is left of a name without capitals, spaces, invisible signs and kinds of dash."""
    text = unicodedata.normalize("NFKC", name).translate(_DASHES).casefold()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")


def read_alike(name: str) -> str:
    """A number as a spreadsheet reads it, ``001`` and ``1.0`` as ``1``; any other name as it is."""
    text = name.strip()
    if _DIGITS.fullmatch(text) is None:
        return text
    return text.partition(".")[0].lstrip("0") or "0"


def names_alike(names: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    """The names that one rule takes for one, where there are several."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        found.setdefault(key(name), []).append(name)
    return [alike for alike in found.values() if len(alike) > 1]


# What can be wrong with a design by itself: one small function per rule.


_STATUSES = [str(status) for status in DesignStatus]
_SAMPLED = str(DesignStatus.SAMPLED)
_DIED = str(DesignStatus.DIED)


def design_problems(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    """All that is wrong with a design's rows."""
    yield from _holes(frame, path)
    yield from _unknown_status(frame, path)
    yield from _impossible_days(frame, path)
    whole = frame[(frame["subject"] != "") & (frame["group"] != "") & frame["day"].notna()]
    yield from _spelled_twice(whole, path)
    for column, code in (("group", "CK-267"), ("stratum", "CK-270")):
        yield from _two_of(whole, column, code, path)
    yield from _day_twice(whole, path)
    yield from _sample_twice(whole, path)
    yield from _after_death(whole, path)


def _holes(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    """Rows without subject, group or day, and sampled rows without a sample."""
    for role, code in (("subject", "CK-263"), ("group", "CK-264"), ("day", "CK-265")):
        empty = frame[role].isna() | (frame[role] == "")
        for row in design_rows(frame[empty]):
            what = f"a row has no {role}"
            mend = f"write its {role}, or take the row out"
            yield Problem(code, what, place(path, line=row.line, sample=row.sample), mend)
    nameless = frame[(frame["sample"] == "") & (frame["status"] == _SAMPLED)]
    for row in design_rows(nameless):
        what = f"subject {row.subject!r}, day {row.day}: no sample is named"
        mend = "name the sample, or give the status missing or died"
        yield Problem("CK-266", what, place(path, line=row.line), mend)


def _impossible_days(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    for row in design_rows(frame[[is_impossible(day) for day in frame["day"]]]):
        what = f"no study has a day {str(row.day)[:40]!r}"
        mend = f"write the day of the study; days go to {LAST_DAY}"
        yield Problem("CK-597", what, place(path, line=row.line, sample=row.sample), mend)


def _unknown_status(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    for row in design_rows(frame[~frame["status"].isin(_STATUSES)]):
        what = f"status {row.status!r} is not known"
        mend = f"use {', '.join(_STATUSES)}"
        near = did_you_mean(row.status, _STATUSES)
        yield Problem("CK-271", what, place(path, line=row.line), mend, near)


def _spelled_twice(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    """Groups, subjects or strata that differ in nothing but spelling, or in leading zeros."""
    for role, several in _PLURAL.items():
        names = [name for name in frame[role] if name]
        for alike in names_alike(names, spelled_alike):
            what = f"{several} that differ only in spelling: {', '.join(map(repr, alike))}"
            yield Problem("CK-272", what, place(path), f"spell the {role} in one way")
        for alike in names_alike(names, read_alike):
            what = f"{several} that differ only in leading zeros: {', '.join(map(repr, alike))}"
            mend = (
                f"a spreadsheet takes leading zeros away: spell the {role} in one way; if these "
                "are two, give them names that differ"
            )
            yield Problem("CK-295", what, place(path), mend)


def _two_of(frame: pd.DataFrame, column: str, code: str, path: str) -> Iterator[Problem]:
    """A subject in two groups, or two strata."""
    several = frame[frame[column] != ""].drop_duplicates(["subject", column])
    several = several[several.duplicated("subject", keep=False)]
    for subject, rows in several.groupby("subject", sort=False):
        values = list(rows[column])
        what = f"subject {subject!r} is in {len(values)} {_PLURAL[column]}: {', '.join(values)}"
        yield Problem(code, what, _lines(path, rows), f"give the subject one {column}")


_PLURAL = {"group": "groups", "subject": "subjects", "stratum": "strata"}


def _day_twice(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    twice = frame[frame.duplicated(["subject", "day"], keep=False)]
    for key, rows in twice.groupby(["subject", "day"], sort=False):
        subject, day = key
        if len(set(rows["sample"])) > 1:
            names = ", ".join(repr(name) for name in dict.fromkeys(rows["sample"]))
            what = f"subject {subject!r} has day {day} twice: samples {names}"
            mend = "keep the sample that counts; a sample measured again keeps its name"
            yield Problem("CK-268", what, _lines(path, rows), mend)


def _lines(path: str, rows: pd.DataFrame) -> str:
    """The file and the lines of some rows; a table's own design has no lines."""
    numbers = [str(line) for line in rows["line"] if line is not None]
    return place(path) + (f", lines {', '.join(numbers)}" if numbers else "")


def _sample_twice(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    """One sample given to two subjects or days, or listed twice."""
    named = frame[frame["sample"] != ""]
    twice = named[named.duplicated(["sample", "plate"], keep=False)]
    for key, rows in twice.groupby(["sample", "plate"], sort=False):
        if len(rows) > 1:
            sample, plate = key
            owners = ", ".join(
                f"{row.subject!r} day {row.day}" + (f" (line {row.line})" if row.line else "")
                for row in design_rows(rows)
            )
            what = f"sample {sample!r} stands {len(rows)} times: {owners}"
            mend = "one row per sample; add a plate column if plates share sample names"
            at = place(path, sample=str(sample)) + (f", plate {plate}" if plate else "")
            yield Problem("CK-269", what, at, mend)


def _after_death(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
    """A sample taken on or after the day for which the subject is said to have died."""
    # a bare list would be taken for column names where the frame is empty
    numeric = frame[np.array([not isinstance(day, str) for day in frame["day"]], dtype=bool)]
    dead = numeric.loc[numeric["status"] == _DIED, "subject"]
    for subject, rows in numeric[numeric["subject"].isin(dead)].groupby("subject", sort=False):
        deaths = rows.loc[rows["status"] == _DIED, "day"]
        later = rows[(rows["status"] == _SAMPLED) & (rows["day"] >= deaths.min())]
        for row in design_rows(later):
            what = (
                f"subject {subject!r} died before day {deaths.min()} but has a sample on {row.day}"
            )
            mend = "correct the status or the day"
            yield Problem("CK-276", what, place(path, line=row.line, sample=row.sample), mend)


#: columns of ``Design.frame``; ``line`` is the line of the file, ``plate`` empty where not given
FRAME_COLUMNS = (*DESIGN_COLUMNS, *DESIGN_OPTIONAL, "plate", "line")
_ROLES = (*DESIGN_COLUMNS, *DESIGN_OPTIONAL, "plate")
_NAMES: dict[str, tuple[str, ...]] = {
    **{role: SYNONYMS[role] for role in (*DESIGN_COLUMNS, *DESIGN_OPTIONAL)},
    "plate": ("plate", "plateid", "platename", "batch"),
}


@dataclass(frozen=True)
class Design:
    """Who, group, day for each sample."""

    frame: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    path: str = "DataFrame"
    sha256: str = ""

    def __post_init__(self) -> None:
        problems = list(design_problems(self.frame, self.path))
        if problems:
            raise DesignError(*problems)

    def __repr__(self) -> str:
        subjects = self.frame["subject"].nunique()
        groups = ", ".join(dict.fromkeys(self.frame["group"]))
        days = ", ".join(map(str, dict.fromkeys(self.frame["day"])))
        return f"<Design {self.path!r}: {subjects} subjects; groups {groups}; days {days}>"


def read_design(
    path_or_frame: str | Path | pd.DataFrame, *, mapping: Mapping[str, str] | None = None
) -> Design:
    """Read a study design: sample, subject, group, day [, stratum, status, plate].

    Parameters
    ----------
    path_or_frame : str, Path or pandas.DataFrame
        A .csv, .tsv, .txt, .xlsx or .xls file with one row per planned sample, or such a frame.
        ``status`` is sampled, missing or died; rows of missing and died samples need no sample
        name. ``plate`` tells apart samples that have the same name on several plates.
    mapping : mapping of str to str, optional
        Role to column name where a column is not recognised: ``{"day": "visit"}``.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        CK-260 or CK-261, if there is no table to read.
    UsageError
        CK-273 or CK-274, if the mapping names a role or a column that does not exist.
    DesignError
        CK-262 to CK-272 and CK-275, if columns are missing or rows contradict each other; all
        problems together.

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {"sample": ["a", "b"], "subject": ["S1", "S1"], "group": "control", "day": ["D0", "D6"]}
    ... )
    >>> read_design(frame)
    <Design 'DataFrame': 1 subjects; groups control; days 0, 6>
    """
    header, rows, lines, path, sha256 = _load(path_or_frame)
    columns = _columns(header, dict(mapping or {}), path)
    records = []
    for line, row in zip(lines, rows, strict=True):
        record = {role: row[at].strip() for role, at in columns.items()}
        if any(record.values()):
            records.append({**dict.fromkeys(_ROLES, ""), **record, "line": line})
    unnamed = without_missing_names(records, path)
    frame = pd.DataFrame(records, columns=list(FRAME_COLUMNS))
    found = make_design(frame, path, sha256)
    return replace(found, findings=(*unnamed, *found.findings))


def make_design(frame: pd.DataFrame, path: str, sha256: str) -> Design:
    """A design from texts: days and status normalised, then checked."""
    if frame.empty:
        mend = "give one row per planned sample, with sample, subject, group and day"
        raise DesignError(Problem("CK-262", "the design holds no row", place(path), mend))
    labels = [str(label) for label in frame["day"]]
    kinds = same_kind(normal_day(label) for label in labels if label.strip())
    # a Series, so that days of one kind get a column of that kind
    days = pd.Series([kinds[normal_day(label)] if label.strip() else None for label in labels])
    status = [text.strip().casefold() or str(DesignStatus.SAMPLED) for text in frame["status"]]
    typed = frame.reset_index(drop=True).assign(day=days, status=status)
    return Design(typed, tuple(_day_findings(labels)), path, sha256)


def design_header(source: str | Path | pd.DataFrame) -> list[str]:
    """The column names of a design file or frame, before any of them is understood."""
    return _load(source)[0]


def _day_findings(labels: list[str]) -> list[Finding]:
    """One finding per label that was read as a number without being one."""
    texts = [
        label for label in dict.fromkeys(labels) if label.strip() and not is_plain_number(label)
    ]
    return [
        Finding("day_mapped", f"{label!r} was taken for day {normal_day(label)}")
        for label in texts
        if not isinstance(normal_day(label), str)
    ]


def _load(
    source: str | Path | pd.DataFrame,
) -> tuple[list[str], list[list[str]], list[int], str, str]:
    """Header, rows, their lines, path and hash of a file or frame, everything as text."""
    if isinstance(source, pd.DataFrame):
        rows = [[_text(cell) for cell in row] for row in source.itertuples(index=False, name=None)]
        header = [str(name) for name in source.columns]
        content = source.to_csv(index=False).encode()
        lines = list(range(1, len(rows) + 1))
        return header, rows, lines, "DataFrame", hashlib.sha256(content).hexdigest()
    raw = RawFile.open(source)
    if raw.kind not in ("text", "workbook", "empty"):
        mend = "give the design as .csv, .txt or .xlsx"
        raise InputError(Problem("CK-261", f"this is {raw.kind}, not a table", place(source), mend))
    table = raw.table()
    if not table:
        kind = "workbook" if raw.kind == "workbook" else "file"
        raise InputError(Problem("CK-260", f"the {kind} is empty", place(source)))
    (_, header), body = table[0], table[1:]
    width = len(header)
    rows = [(row + [""] * width)[:width] for _, row in body]
    return header, rows, [line for line, _ in body], str(source), raw.sha256


def _text(cell: object) -> str:
    """A frame's cell as text: 6.0 as ``6``, what is missing as nothing."""
    if cell is None or cell is pd.NA or cell is pd.NaT or cell != cell:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _columns(header: list[str], mapping: dict[str, str], path: str) -> dict[str, int]:
    """Which column is what: the mapping first, then the names cytokit knows."""
    wrong = [
        Problem(
            "CK-273",
            f"the mapping names {role!r}, which a design does not have",
            place(path),
            f"use one of {', '.join(_ROLES)}",
            did_you_mean(role, _ROLES),
        )
        for role in mapping
        if role not in _ROLES
    ]
    wrong += [
        Problem(
            "CK-274",
            f"the mapping names a column {name!r} that the design does not have",
            place(path),
            f"its columns are {', '.join(header)}",
            did_you_mean(name, header),
        )
        for name in mapping.values()
        if name not in header
    ]
    if wrong:
        raise UsageError(*wrong)
    found = {role: header.index(name) for role, name in mapping.items()}
    problems = []
    for role in _ROLES:
        candidates = [at for at, name in enumerate(header) if plain(name) in _NAMES[role]]
        if role in found or not candidates:
            continue
        if len(candidates) > 1:
            names = ", ".join(header[at] for at in candidates)
            what, mend = (
                f"{len(candidates)} columns could be the {role}: {names}",
                f"map one of them: {map_text(role, header[candidates[0]])}",
            )
            problems.append(Problem("CK-275", what, place(path), mend))
        found[role] = candidates[0]
    for role in DESIGN_COLUMNS:
        if role not in found:
            what = f"the design has no column for the {role}"
            mend = f"name it {role!r}, or map it: {map_text(role)}"
            near = did_you_mean(role, header)
            problems.append(Problem("CK-262", what, place(path), mend, near))
    if problems:
        raise DesignError(*problems)
    return found
