"""What can be wrong with a design by itself: one small function per rule."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cytokit.errors import Problem, did_you_mean, place
from cytokit.study._alike import names_alike, read_alike, spelled_alike
from cytokit.study._design_rows import design_rows
from cytokit.tables.days import is_impossible
from cytokit.vocabulary import LAST_DAY, DesignStatus

_STATUSES = [str(status) for status in DesignStatus]
_SAMPLED = str(DesignStatus.SAMPLED)
_DIED = str(DesignStatus.DIED)


def problems(frame: pd.DataFrame, path: str) -> Iterator[Problem]:
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
