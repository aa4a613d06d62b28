"""Whether group or day goes with the plate: named and counted before any statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from cytokit.errors import DesignError, Problem
from cytokit.findings import Finding
from cytokit.stats.contrasts import Contrast, Kind
from cytokit.study import Study
from cytokit.study.days import Day
from cytokit.vocabulary import Severity


def check_plates(
    study: Study,
    analytes: Sequence[str],
    contrasts: Iterable[Contrast],
    baseline: Day | None,
    days: Sequence[Day],
    *,
    allow: bool,
) -> list[Finding]:
    """Hold groups and days against the plates on which they were measured.

    Parameters
    ----------
    study : Study
    analytes : sequence of str
    contrasts : iterable of Contrast
    baseline : day, optional
    days : sequence of days
    allow : bool
        Go on where the confounding is complete.

    Returns
    -------
    list of Finding
        One per kind of confounding, with the analytes and counts it concerns.

    Raises
    ------
    DesignError
        CK-407, where all of one arm or of one day lies on plates of its own and ``allow`` is
        False.
    """
    values = study.values
    values = values[
        (values["plate"] != "") & (values["state"] != "missing") & values["analyte"].isin(analytes)
    ]
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
        mend = "measure both on the same plates; allow_confounded goes on and flags every row"
        raise DesignError(
            *(
                Problem("CK-407", f"{text} ({_listed(names)})", mend=mend)
                for text, names in complete.items()
            )
        )
    found = [
        Finding(
            "plate_confounded", f"{text} ({_listed(names)}): refusal lifted", severity=Severity.FAIL
        )
        for text, names in complete.items()
    ]
    return found + [
        Finding("plate_confounded", f"{text} ({_listed(names)})") for text, names in partial.items()
    ]


def _arms(rows: pd.DataFrame, treated: str, control: str) -> tuple[bool, str]:
    """Whether two arms share plates at the tested day: (complete, what is wrong)."""
    plates = {
        arm: sorted(set(rows.loc[rows["group"] == arm, "plate"])) for arm in (treated, control)
    }
    everywhere = sorted({plate for names in plates.values() for plate in names})
    if len(everywhere) < 2 or not all(plates.values()):
        return False, ""
    if not set(plates[treated]) & set(plates[control]):
        return True, (
            f"no plate holds both {treated} ({_plates(plates[treated])}) and {control} "
            f"({_plates(plates[control])}): plate and group cannot be told apart"
        )
    for arm, names in plates.items():
        if len(names) == 1:
            return (
                False,
                f"all of {arm} was measured on {_plates(names)} of {len(everywhere)} plates",
            )
    return False, ""


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
    return ("plate " if len(names) == 1 else "plates ") + ", ".join(names)


def _listed(analytes: Sequence[str]) -> str:
    """The analytes by name, or how many."""
    return ", ".join(analytes) if len(analytes) <= 6 else f"{len(analytes)} analytes"
