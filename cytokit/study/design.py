"""The study's design: which sample is whose, in which group, on which day, and who was lost.

A design is checked by itself here; :mod:`cytokit.study` holds it against the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

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
from cytokit.findings import Finding
from cytokit.sources import RawFile
from cytokit.study import _design_checks as checks
from cytokit.tables.columns import SYNONYMS, plain
from cytokit.tables.days import is_plain_number, normal_day, same_kind
from cytokit.tables.records import without_missing_names
from cytokit.vocabulary import DESIGN_COLUMNS, DESIGN_OPTIONAL, DesignStatus

#: columns of ``Design.frame``; ``line`` is the line of the file, ``plate`` empty where not given
FRAME_COLUMNS = (*DESIGN_COLUMNS, *DESIGN_OPTIONAL, "plate", "line")
_ROLES = (*DESIGN_COLUMNS, *DESIGN_OPTIONAL, "plate")
_NAMES: dict[str, tuple[str, ...]] = {
    **{role: SYNONYMS[role] for role in (*DESIGN_COLUMNS, *DESIGN_OPTIONAL)},
    "plate": ("plate", "plateid", "platename", "batch"),
}


@dataclass(frozen=True)
class Design:
    """Who, group, day for each sample.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per planned sample: sample (empty where none was taken), subject, group, day
        (numbers, or texts where one is no number), stratum and plate (empty where not given),
        status (``sampled``, ``missing``, ``died``), line.
    findings : tuple of Finding
        Days that were normalised.
    path, sha256 : str
        Where it came from; ``DataFrame`` for a frame.

    Raises
    ------
    DesignError
        CK-262 to CK-272, all problems together.
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    path: str = "DataFrame"
    sha256: str = ""

    def __post_init__(self) -> None:
        problems = list(checks.problems(self.frame, self.path))
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
    """A design from texts: days and status normalised, then checked.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``FRAME_COLUMNS``, all text but ``line``.
    path, sha256 : str
        Where it came from.

    Returns
    -------
    Design

    Raises
    ------
    DesignError
    """
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
    """The column names of a design file or frame, before any of them is understood.

    Examples
    --------
    >>> design_header(pd.DataFrame({"sample": [], "visit": []}))
    ['sample', 'visit']
    """
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
