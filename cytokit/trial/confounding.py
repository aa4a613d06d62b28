"""Whether group or day goes with the plate: named and counted before any statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cytokit.errors import DesignError, Problem, option_text
from cytokit.flags import Finding
from cytokit.schema import Severity
from cytokit.tables.cells import Day
from cytokit.trial.comparison import Contrast, Kind
from cytokit.trial.estimate import flags_text
from cytokit.trial.study import Study

#: two arms stand on different plates where this share of one would have to change plates to be
#: spread like the other, and chance gives as much in fewer than one of twenty designs
_APART, _CHANCE = 1 / 3, 0.05
#: fewer plates than these do not show that a column of plates holds one sample each
_FEWEST = 3


@dataclass(frozen=True)
class PlateCheck:
    """What plates do to a comparison."""

    findings: list[Finding] = field(default_factory=list)
    notes: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def mark(self, rows: Sequence[dict[str, Any]]) -> None:
        """Add the flags to the rows of the analytes concerned."""
        for row in rows:
            note = flags_text(self.notes.get(row["analyte"], ()))
            row["flags"] = "; ".join(filter(None, (row["flags"], note)))


def check_plates(
    study: Study,
    analytes: Sequence[str],
    contrasts: Iterable[Contrast],
    baseline: Day | None,
    days: Sequence[Day],
    *,
    allow: bool,
) -> PlateCheck:
    """Hold groups and days against the plates on which they were measured."""
    values = study.values
    shown = days if baseline is None else (baseline, *days)
    values = values[
        (values["state"] != "missing")
        & values["analyte"].isin(analytes)
        & values["day"].isin(list(shown))
    ]
    nowhere = values["plate"] == ""
    if nowhere.all():
        return PlateCheck()
    found = PlateCheck()
    if nowhere.any():
        what = (
            f"{nowhere.sum()} of {len(values)} readings name no plate: whether theirs goes with "
            "group or day was not checked"
        )
        found.findings.append(Finding("plate_unnamed", what))
    values = values[~nowhere]
    from_fits = any(entry.kind in ("fit", "fit folder") for entry in study.inputs)
    if not from_fits and _one_each(values):
        plates = values["plate"].nunique()
        what = f"the column of plates holds another one for every sample ({plates}): it is no plate"
        found.findings.append(Finding("plate_per_sample", f"{what}, and is not used as one"))
        return found
    pairs = [contrast for contrast in contrasts if contrast.kind is Kind.BETWEEN]
    complete: dict[str, list[str]] = {}
    partial: dict[str, list[str]] = {}
    for analyte, rows in values.groupby("analyte", sort=False):
        said = [
            *(_arms(rows[rows["day"].isin(days)], pair.treated, pair.control) for pair in pairs),
            *((_days(rows, baseline, days),) if baseline is not None else ()),
        ]
        for whole, text in (one for one in said if one[1]):
            (complete if whole else partial).setdefault(text, []).append(str(analyte))
    if complete and not allow:
        allowed = option_text("allow_confounded", True)
        mend = f"measure both on the same plates; {allowed} goes on and flags every row"
        raise DesignError(
            *(
                Problem("CK-407", f"{text} ({_listed(names)})", mend=mend)
                for text, names in complete.items()
            )
        )
    for text, names in complete.items():
        what = f"{text} ({_listed(names)}): refusal lifted"
        found.findings.append(Finding("plate_confounded", what, severity=Severity.FAIL))
    for text, names in partial.items():
        found.findings.append(Finding("plate_confounded", f"{text} ({_listed(names)})"))
    for code, texts in (("plate_refused", complete), ("plate_confounded", partial)):
        for text, names in texts.items():
            for name in names:
                found.notes.setdefault(name, []).append((code, text))
    return found


def _one_each(values: pd.DataFrame) -> bool:
    """Whether no plate holds two samples, of many plates."""
    samples = values.drop_duplicates(["subject", "day", "plate"])
    return len(samples) >= _FEWEST and samples["plate"].is_unique


def _arms(rows: pd.DataFrame, treated: str, control: str) -> tuple[bool, str]:
    """Whether two arms share plates at the tested day: (complete, what is wrong)."""
    rows = rows[rows["group"].isin([treated, control])].drop_duplicates(["subject", "plate"])
    counts = pd.crosstab(rows["plate"], rows["group"]).reindex(columns=[treated, control])
    counts = counts.fillna(0).astype(int)
    if len(counts) < 2 or not counts.sum().all():
        return False, ""
    plates = {arm: sorted(counts.index[counts[arm] > 0]) for arm in (treated, control)}
    if not set(plates[treated]) & set(plates[control]):
        return True, (
            f"no plate holds both {treated} ({_plates(plates[treated])}) and {control} "
            f"({_plates(plates[control])}): plate and group cannot be told apart"
        )
    return False, _unequal(counts, plates)


def _unequal(counts: pd.DataFrame, plates: dict[str, list[str]]) -> str:
    """How far two arms that share a plate are spread over others; empty where hardly."""
    for arm, names in plates.items():
        if len(names) == 1:
            return (
                f"all {counts[arm].sum()} of {arm} were measured on {_plates(names)} of "
                f"{len(counts)} plates"
            )
    totals = counts.sum()
    shares = counts / totals
    excess = shares.iloc[:, 0] - shares.iloc[:, 1]
    if excess.clip(lower=0).sum() < _APART or _chance(counts) >= _CHANCE:
        return ""
    first, second = counts.columns
    # of the two arms, the one whose part stands on fewer plates
    if (excess > 0).sum() > (excess < 0).sum():
        first, second, excess = second, first, -excess
    own = excess > 0
    return (
        f"{counts.loc[own, first].sum()} of {totals[first]} of {first} but "
        f"{counts.loc[own, second].sum()} of {totals[second]} of {second} were measured on "
        f"{_plates(sorted(counts.index[own]))}"
    )


def _chance(counts: pd.DataFrame) -> float:
    """The p of Pearson's chi-square test of arms by plates."""
    from scipy.special import chdtrc

    seen = counts.to_numpy(float)
    expected = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / seen.sum()
    return float(chdtrc(len(seen) - 1, ((seen - expected) ** 2 / expected).sum()))


def _days(rows: pd.DataFrame, baseline: Day, days: Sequence[Day]) -> tuple[bool, str]:
    """Whether baseline and day share plates: (complete, what is wrong)."""
    before, after = rows[rows["day"] == baseline], rows[rows["day"].isin(days)]
    if before.empty or after.empty:
        return False, ""
    if not set(before["plate"]) & set(after["plate"]):
        shown = [_plates(sorted(set(rows["plate"]))) for rows in (before, after)]
        return True, (
            f"no plate holds both day {baseline} ({shown[0]}) and day {'+'.join(map(str, days))} "
            f"({shown[1]}): plate and change cannot be told apart"
        )
    first = before.groupby("subject")["plate"].agg(set)
    second = after.groupby("subject")["plate"].agg(set)
    both = first.index.intersection(second.index)
    apart = sum(not first[subject] & second[subject] for subject in both)
    if not apart:
        return False, ""
    return False, f"{apart} of {len(both)} subjects have their days on different plates"


def _plates(names: Sequence[str]) -> str:
    """The plates by name, of many the first."""
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return ("plate " if len(names) == 1 else "plates ") + listed


def _listed(analytes: Sequence[str]) -> str:
    """The analytes by name, or how many."""
    return ", ".join(analytes) if len(analytes) <= 6 else f"{len(analytes)} analytes"
