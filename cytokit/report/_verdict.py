"""The verdict of a plate in one sentence, and the figures it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cytokit.flags import FLAGS
from cytokit.vocabulary import RangeStatus, Severity, Verdict, WellType

if TYPE_CHECKING:
    import pandas as pd

    from cytokit.platefit import PlateFit

_NAMED = 4


@dataclass(frozen=True, slots=True)
class PlateVerdict:
    """What to think of a plate.

    Parameters
    ----------
    level : {"good", "usable", "poor", "failed"}
        As the verdicts of curves: report; report; look first; settle first.
    sentence : str
    curves : dict of str to int
        Curves by verdict.
    n_in_range, n_results : int
        Results of unknown samples, in range and in all.
    n_fail, n_warn : int
        Findings by severity.
    """

    level: str
    sentence: str
    curves: dict[str, int]
    n_in_range: int
    n_results: int
    n_fail: int
    n_warn: int


def plate_verdict(fit: PlateFit, plate: str) -> PlateVerdict:
    """Judge one plate by its curves, its findings and how much lies in range.

    Parameters
    ----------
    fit : PlateFit
    plate : str

    Returns
    -------
    PlateVerdict
    """
    table = fit.curves.table
    curves = table[table["plate"] == plate]
    flags = fit.flags[fit.flags["plate"].isin([plate, ""])]
    counts = {str(kind): int((curves["verdict"] == str(kind)).sum()) for kind in Verdict}
    samples = fit.samples[fit.samples["plate"] == plate]
    unknown = samples[samples["well_type"] == str(WellType.UNKNOWN)]
    n_in_range = int((unknown["status"] == str(RangeStatus.IN_RANGE)).sum())
    fails = flags[flags["severity"] == str(Severity.FAIL)]
    n_warn = int((flags["severity"] == str(Severity.WARN)).sum())
    level = _level(counts, len(fails), n_warn)
    sentence = _sentence(level, curves, fails, n_warn, (n_in_range, len(unknown)))
    return PlateVerdict(level, sentence, counts, n_in_range, len(unknown), len(fails), n_warn)


def names(found: Sequence[str], most: int = _NAMED) -> str:
    """A few names and how many more there are.

    Parameters
    ----------
    found : sequence of str
    most : int

    Returns
    -------
    str

    Examples
    --------
    >>> names(["IL-6", "TNF", "IL-2"], most=2)
    'IL-6, TNF and 1 more'
    """
    shown = ", ".join(found[:most])
    return f"{shown} and {len(found) - most} more" if len(found) > most else shown


def _level(counts: dict[str, int], n_fail: int, n_warn: int) -> str:
    n_curves = sum(counts.values())
    if not n_curves or counts["failed"] == n_curves:
        return "failed"
    if n_fail or counts["failed"]:
        return "poor"
    return "usable" if n_warn or counts["poor"] else "good"


def _sentence(
    level: str,
    curves: pd.DataFrame,
    fails: pd.DataFrame,
    n_warn: int,
    in_range: tuple[int, int],
) -> str:
    lead = {
        "good": "This plate can be reported",
        "usable": "This plate can be reported after a look at its warnings",
        "poor": "Parts of this plate should not be reported yet",
        "failed": "This plate cannot be reported",
    }[level]
    parts = [_curves_part(curves)]
    if in_range[1]:
        parts.append(f"{in_range[0]} of {in_range[1]} sample results are in range")
    other = [str(code) for code in fails["code"].unique() if code != "curve_failed"]
    if other:
        titles = [f"{FLAGS[code].title} ({(fails['code'] == code).sum()})" for code in other]
        parts.append(f"to be settled: {names(titles)}")
    elif n_warn:
        parts.append(f"{n_warn} warning{'s' if n_warn > 1 else ''}")
    return f"{lead}: {'; '.join(parts)}."


def _curves_part(curves: pd.DataFrame) -> str:
    if curves.empty:
        return "no standard curve was fitted"
    good = curves["verdict"].isin([str(Verdict.GOOD), str(Verdict.USABLE)])
    text = f"{int(good.sum())} of {len(curves)} curves are good or usable"
    for verdict in (Verdict.POOR, Verdict.FAILED):
        bad = [str(name) for name in curves.loc[curves["verdict"] == str(verdict), "analyte"]]
        if bad:
            text += f", {len(bad)} {verdict} ({names(bad)})"
    return text
