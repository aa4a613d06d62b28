"""What a figure needs of a comparison: its columns, its points, its brackets, each as plain data.

Everything is read from the result's frames; p, stars and intervals are passed on as they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError, did_you_mean
from cytokit.figures.style import MARKERS, palette
from cytokit.tables.days import sort_key

BETWEEN, WITHIN = "between_day", "within_"
#: Free space between the columns of two groups, in columns.
GROUP_GAP = 0.55
#: The golden ratio's fraction: its multiples, modulo 1, fill a stretch evenly.
GOLDEN = 0.618033988749895


class StudyLike(Protocol):
    """The part of a study that figures read."""

    @property
    def values(self) -> pd.DataFrame:
        """Tidy concentrations with their censoring intervals."""

    @property
    def subjects(self) -> pd.DataFrame:
        """Who was planned when, and what became of it."""


class ComparisonLike(Protocol):
    """The part of a comparison that figures read."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per analyte and contrast."""

    @property
    def summary(self) -> pd.DataFrame:
        """One row per analyte, group and day."""

    @property
    def detectability(self) -> pd.DataFrame:
        """Per cent in range, below and above per analyte, group and day."""

    @property
    def study(self) -> StudyLike:
        """The data compared."""

    @property
    def options(self) -> Any:
        """With ``gate`` and ``alpha``."""

    @property
    def baseline(self) -> Any:
        """The day before treatment, or None."""

    @property
    def day(self) -> Sequence[Any]:
        """The tested day or days."""

    @property
    def reference(self) -> str:
        """The group ratios are over."""

    @property
    def guard(self) -> Sequence[str]:
        """Sentences on what the within-group results cannot say."""


@dataclass(frozen=True, slots=True)
class Column:
    """One group on one day.

    Parameters
    ----------
    group, day : object
        As the study spells them.
    x : float
        Its place.
    color, marker : str
        Of its group.
    """

    group: Any
    day: Any
    x: float
    color: str
    marker: str


def analytes_of(result: ComparisonLike) -> list[str]:
    """The compared analytes in the table's order; the study's where nothing was compared.

    Parameters
    ----------
    result : ComparisonLike

    Returns
    -------
    list of str
    """
    compared = list(result.table["analyte"].unique())
    return [str(name) for name in compared or result.study.values["analyte"].unique()]


def check_analyte(result: ComparisonLike, analyte: str) -> None:
    """Refuse an analyte the comparison does not hold.

    Raises
    ------
    UsageError
        CK-523 with a near miss.
    """
    names = analytes_of(result)
    if analyte not in names:
        raise UsageError(
            Problem(
                "CK-523",
                f"the comparison has no analyte {analyte!r}",
                mend=f"use one of {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}",
                near=did_you_mean(analyte, names),
            )
        )


def groups_of(result: ComparisonLike) -> list[Any]:
    """The groups, the reference first, the others in the design's order."""
    subjects = result.study.subjects
    names = list(pd.unique(subjects["group"].dropna()))
    values = result.study.values
    names += [name for name in pd.unique(values["group"].dropna()) if name not in names]
    return sorted(names, key=lambda name: name != result.reference)


def group_styles(result: ComparisonLike) -> dict[Any, tuple[str, str]]:
    """Hue and marker of each group; with more than eight groups they repeat."""
    hues = palette()
    return {
        group: (hues[i % len(hues)], MARKERS[i % len(MARKERS)])
        for i, group in enumerate(groups_of(result))
    }


def days_of(result: ComparisonLike) -> list[Any]:
    """The compared days in order: the baseline and the tested ones."""
    wanted = [day for day in (result.baseline, *result.day) if day is not None]
    return sorted(dict.fromkeys(wanted), key=sort_key)


def columns_of(result: ComparisonLike, days: Sequence[Any] | None = None) -> list[Column]:
    """One column per group and day, groups beside each other.

    Parameters
    ----------
    result : ComparisonLike
    days : sequence, optional
        Only these; the compared days where not given.

    Returns
    -------
    list of Column
    """
    columns, x = [], 0.0
    chosen = days_of(result) if days is None else list(days)
    for group, (color, marker) in group_styles(result).items():
        for day in chosen:
            columns.append(Column(group, day, x, color, marker))
            x += 1.0
        x += GROUP_GAP
    return columns


def points_of(
    result: ComparisonLike, analyte: str, columns: Sequence[Column], jitter: float = 0.36
) -> pd.DataFrame:
    """The readings of one analyte with their column and a fixed jitter.

    Parameters
    ----------
    result : ComparisonLike
    analyte : str
    columns : sequence of Column
    jitter : float
        Width over which the points of a column are spread.

    Returns
    -------
    pandas.DataFrame
        subject, column (position in ``columns``), x, y (where it is drawn: the value, or the
        limit it lies beyond; NaN where neither is positive), low, high, kind (``exact``,
        ``below``, ``above``, ``interval``).
    """
    values = result.study.values
    rows = values[(values["analyte"] == analyte) & (values["state"] != "missing")]
    place = {(column.group, column.day): i for i, column in enumerate(columns)}
    index = np.array(
        [place.get(key, -1) for key in zip(rows["group"], rows["day"], strict=True)], dtype=int
    )
    rows, index = rows[index >= 0], index[index >= 0]
    low, high = rows["lower"].to_numpy(float), rows["upper"].to_numpy(float)
    kind = rows["state"].to_numpy(str)
    y = np.where(kind == "exact", rows["value"].to_numpy(float), np.nan)
    y = np.where(kind == "below", high, np.where(kind == "above", low, y))
    y[~(np.isfinite(y) & (y > 0))] = np.nan
    x = np.array([columns[i].x for i in index], dtype=float)
    frame = pd.DataFrame({"subject": rows["subject"].to_numpy(), "column": index, "y": y})
    frame["x"] = x + _jitter(frame, columns, jitter)
    frame["low"], frame["high"], frame["kind"] = low, high, kind
    return frame


def _jitter(frame: pd.DataFrame, columns: Sequence[Column], width: float) -> np.ndarray:
    """Sideways offsets: the same for a subject on all days, evenly spread within its group."""
    group = [columns[int(index)].group for index in frame["column"]]
    people = list(zip(group, frame["subject"], strict=True))
    offsets: dict[Any, float] = {}
    count: dict[Any, int] = {}
    for person in sorted(dict.fromkeys(people), key=lambda person: tuple(map(str, person))):
        turn = count[person[0]] = count.get(person[0], 0) + 1
        offsets[person] = ((turn * GOLDEN) % 1.0 - 0.5) * width
    return np.array([offsets[person] for person in people], dtype=float)


def deaths_of(result: ComparisonLike, columns: Sequence[Column]) -> list[set[Any]]:
    """Who had died by each column's day, as the design's ``status`` says."""
    subjects = result.study.subjects
    if "status" not in subjects.columns:
        return [set() for _ in columns]
    dead = subjects[subjects["status"].astype(str) == "died"]
    return [
        set(dead.loc[(dead["group"] == column.group) & (dead["day"] == column.day), "subject"])
        for column in columns
    ]


def last_days(result: ComparisonLike, analyte: str) -> dict[Any, Any]:
    """The last day of the study on which each subject has a reading of the analyte."""
    values = result.study.values
    read = values[(values["analyte"] == analyte) & (values["state"].astype(str) != "missing")]
    found: dict[Any, Any] = {}
    for subject, day in zip(read["subject"], read["day"], strict=True):
        if subject not in found or sort_key(day) > sort_key(found[subject]):
            found[subject] = day
    return found


def analysed_of(result: ComparisonLike, analyte: str) -> dict[tuple[Any, Any], int]:
    """Subjects that the one test between two groups used, by group and tested day.

    Nothing where several days were tested together, several pairs were compared, or the table has
    no counts: one number would not say whose it is.
    """
    table, groups = result.table, groups_of(result)
    rows = table[
        (table["analyte"] == analyte) & table["contrast"].astype(str).str.startswith(BETWEEN)
    ]
    if len(rows) != 1 or len(result.day) != 1 or not {"n_treated", "n_control"} <= {*table}:
        return {}
    row = rows.iloc[0]
    sides = {
        row.get("treated_group") or groups[-1]: row["n_treated"],
        row.get("control_group") or groups[0]: row["n_control"],
    }
    return {(group, result.day[0]): int(count) for group, count in sides.items() if pd.notna(count)}


def unit_of(result: ComparisonLike, analyte: str) -> str:
    """The unit of an analyte in the study's table."""
    values = result.study.values
    units = values.loc[values["analyte"] == analyte, "unit"].dropna().unique()
    return str(units[0]) if len(units) else ""
