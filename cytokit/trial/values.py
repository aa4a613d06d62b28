"""A study's values as arrays: one interval on the ln scale per subject, day and analyte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.arrays import Bools, Floats
from cytokit.schema import DesignStatus
from cytokit.tables.cells import Day
from cytokit.trial.study import Study

#: what a value below its limit becomes in a sensitivity analysis, as a share of the limit
_SHARE = {"limit": 1.0, "half": 0.5, "sqrt2": 0.5**0.5}


@dataclass(frozen=True, slots=True)
class Cells:
    """Values of one analyte on one day, one per subject, on the ln scale."""

    lower: Floats
    upper: Floats
    sd: Floats
    substituted: Bools

    @property
    def present(self) -> Bools:
        """Where there is a value, in or out of range."""
        return ~np.isnan(self.lower)

    @property
    def exact(self) -> Bools:
        """Where the value is a number."""
        return np.asarray(self.lower == self.upper)

    @property
    def below(self) -> Bools:
        """Where the value lies below a limit."""
        return np.isneginf(self.lower)

    @property
    def above(self) -> Bools:
        """Where the value lies above a limit."""
        return np.isposinf(self.upper)

    def take(self, rows: Bools) -> Cells:
        """The cells of some subjects."""
        return Cells(self.lower[rows], self.upper[rows], self.sd[rows], self.substituted[rows])


@dataclass(frozen=True, slots=True)
class Subjects:
    """The subjects of a study, in its order."""

    name: NDArray[np.str_]
    group: NDArray[np.str_]
    stratum: NDArray[np.str_]
    died: Bools

    def take(self, rows: Bools) -> Subjects:
        """Some of the subjects."""
        return Subjects(self.name[rows], self.group[rows], self.stratum[rows], self.died[rows])


@dataclass(frozen=True, slots=True)
class AnalyteData:
    """One analyte: who, the baseline values and the values at the tested day."""

    analyte: str
    unit: str
    subjects: Subjects
    base: Cells
    day: Cells
    visits: tuple[Cells, ...] = ()

    def of(self, *groups: str) -> AnalyteData:
        """The same for the subjects of some groups."""
        rows = np.isin(self.subjects.group, groups)
        return self.take(rows)

    def take(self, rows: Bools) -> AnalyteData:
        """The same for some subjects."""
        return AnalyteData(
            self.analyte,
            self.unit,
            self.subjects.take(rows),
            self.base.take(rows),
            self.day.take(rows),
            tuple(visit.take(rows) for visit in self.visits),
        )


def study_subjects(study: Study, days: Sequence[Day]) -> Subjects:
    """The subjects of a study, and who died before the last of the tested days."""
    table = study.subjects
    one = table.drop_duplicates("subject")
    last = table[table["day"] == days[-1]].set_index("subject")["status"]
    died = last.reindex(one["subject"]).to_numpy() == str(DesignStatus.DIED)
    return Subjects(
        one["subject"].to_numpy(str),
        one["group"].to_numpy(str),
        one["stratum"].to_numpy(str),
        np.asarray(died, dtype=bool),
    )


def analyte_data(
    study: Study,
    analytes: Sequence[str],
    baseline: Day | None,
    days: Sequence[Day],
    substitute: str = "none",
    *,
    visits: Sequence[Day] = (),
) -> list[AnalyteData]:
    """The arrays of each analyte."""
    subjects = study_subjects(study, days)
    position = {name: at for at, name in enumerate(subjects.name.tolist())}
    groups = dict(list(study.values.groupby("analyte", sort=False)))
    found = []
    for analyte in analytes:
        rows = _ordered(groups[analyte]) if substitute == "none" else groups[analyte]
        by_day = {
            day: _cells(rows[rows["day"] == day], position, substitute)
            for day in dict.fromkeys((*days, *visits, *(() if baseline is None else (baseline,))))
        }
        base = _absent(len(position)) if baseline is None else by_day[baseline]
        unit = next((text for text in rows["unit"] if text), "")
        day = _mean_of([by_day[one] for one in days])
        every = tuple(by_day[one] for one in visits)
        found.append(AnalyteData(analyte, unit, subjects, base, day, every))
    return found


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """One analyte's values with a place for limits that nobody knows: the known ones, or 1.

    Such an analyte has no number, so that no estimate is made of it; what lies below range still
    lies lower than what lies above it, and that is all that its ranks say.
    """
    lower, upper = rows["lower"].to_numpy(float), rows["upper"].to_numpy(float)
    state = rows["state"].to_numpy(str)
    under, over = (state == "below") & np.isnan(upper), (state == "above") & np.isnan(lower)
    if not (under | over).any():
        return rows
    known = np.concatenate([lower[lower > 0], upper[np.isfinite(upper)]])
    low, high = (known.min(), known.max()) if known.size else (1.0, 1.0)
    return rows.assign(lower=np.where(over, low, lower), upper=np.where(under, high, upper))


def _cells(rows: pd.DataFrame, position: dict[str, int], substitute: str) -> Cells:
    """One day's readings in the subjects' order."""
    rows = rows[rows["state"] != "missing"]
    at = np.array([position[name] for name in rows["subject"]], dtype=int)
    lower, upper = rows["lower"].to_numpy(float), rows["upper"].to_numpy(float)
    replaced = np.zeros(len(rows), dtype=bool)
    if substitute != "none":
        replaced = lower != upper
        number = _substitutes(rows, substitute)
        lower, upper = np.where(replaced, number, lower), np.where(replaced, number, upper)
    with np.errstate(divide="ignore"):  # ln 0 = -inf is the open end of "below"
        low, high = np.log(lower), np.log(upper)
        spread = np.log(rows["ci_high"].to_numpy(float)) - np.log(rows["ci_low"].to_numpy(float))
    # a 95 % interval is 2 x 1.96 standard errors wide; an open one says nothing of the error
    sd = np.where((lower == upper) & np.isfinite(spread), spread / 3.919928, np.nan)
    cells = _absent(len(position))
    for target, values in zip(
        (cells.lower, cells.upper, cells.sd, cells.substituted),
        (low, high, sd, replaced),
        strict=True,
    ):
        target[at] = values
    return cells


def _substitutes(rows: pd.DataFrame, substitute: str) -> Floats:
    """The number that stands for each value out of range."""
    lower, upper = rows["lower"].to_numpy(float), rows["upper"].to_numpy(float)
    limit = np.where(np.isinf(upper), lower, upper * _SHARE.get(substitute, 1.0))
    given = rows["given"].to_numpy(float)
    return np.where(given > 0, given, limit) if substitute == "as-given" else limit


def _absent(n: int) -> Cells:
    """No value for anyone."""
    nothing = np.full(n, np.nan)
    return Cells(nothing, nothing.copy(), nothing.copy(), np.zeros(n, dtype=bool))


def _mean_of(days: list[Cells]) -> Cells:
    """The mean of ln over the days that each subject has."""
    if len(days) == 1:
        return days[0]
    present = np.array([cells.present for cells in days])
    n = present.sum(axis=0)
    counted = np.maximum(n, 1)

    def mean(values: list[Floats], power: int = 1) -> Floats:
        filled = np.where(present, np.array(values) ** power, 0.0).sum(axis=0)
        return np.where(n > 0, filled / counted**power, np.nan)

    return Cells(
        mean([cells.lower for cells in days]),
        mean([cells.upper for cells in days]),
        np.sqrt(mean([cells.sd for cells in days], power=2)),
        np.asarray((present & [cells.substituted for cells in days]).any(axis=0)),
    )


# The censoring rule table: which analysis the values out of range allow.


TOBIT_LIMIT = 0.5
RANK_LIMIT = 0.8
IN_RANGE_NEEDED = 3
#: in each arm, for a model with a spread
IN_RANGE_PER_ARM = 2


class Analysis(StrEnum):
    """What the values allow."""

    NUMBERS = "numbers"
    TOBIT = "tobit"
    RANKS = "ranks"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done, and why nothing more."""

    analysis: Analysis
    reason: str = ""


def choose(exact: Bools, arms: dict[str, Bools]) -> Rule:
    """The row of the rule table that the values fall into."""
    for arm, members in arms.items():
        n = int(members.sum())
        if n < 2:
            counted = f"{n} subject{'s' * (n != 1)}"
            return Rule(Analysis.NONE, f"{counted} with a value in {arm}, 2 are needed")
    outside = int((~exact).sum())
    if outside == 0:
        return Rule(Analysis.NUMBERS)
    share = outside / len(exact)
    percent = f"{100 * share:.0f} % of the values out of range"
    if share > RANK_LIMIT:
        return Rule(Analysis.NONE, percent)
    if exact.sum() < IN_RANGE_NEEDED:
        return Rule(Analysis.NONE, f"{percent}, {exact.sum()} in range: 3 are needed")
    if share > TOBIT_LIMIT:
        return Rule(Analysis.RANKS, percent)
    for arm, members in arms.items():
        in_range = int((exact & members).sum())
        if in_range < IN_RANGE_PER_ARM:
            few = f"{in_range} in range in {arm}: too few to model"
            return Rule(Analysis.RANKS, f"{percent}, {few}")
    return Rule(Analysis.TOBIT, percent)
