"""The verdict of a plate in one sentence, and the figures it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from cytokit.flags import FLAGS
from cytokit.vocabulary import RangeStatus, Severity, Verdict, WellType

if TYPE_CHECKING:
    import pandas as pd

    from cytokit.report._shown import Shown

_NAMED = 4
#: how the sentence begins, by level
LEADS: Mapping[str, str] = MappingProxyType(
    {
        "good": "This plate can be reported",
        "usable": "This plate can be reported after a look at its warnings",
        "poor": "Parts of this plate should not be reported yet",
        "failed": "This plate cannot be reported",
    }
)


@dataclass(frozen=True, slots=True)
class PlateVerdict:
    """What to think of a plate.

    Parameters
    ----------
    level : {"good", "usable", "poor", "failed"}
        As the verdicts of curves: report; report after a look; settle first; nothing to report.
    sentence : str
    """

    level: str
    sentence: str


def plate_verdict(one: Shown) -> PlateVerdict:
    """Judge one plate by its curves, its findings and how much lies in range.

    Parameters
    ----------
    one : Shown
        The tables of this plate alone.

    Returns
    -------
    PlateVerdict
    """
    verdicts, severity, code = one.table["verdict"], one.flags["severity"], one.flags["code"]
    counts = {str(kind): int((verdicts == str(kind)).sum()) for kind in Verdict}
    unknown = one.samples[one.samples["well_type"] == str(WellType.UNKNOWN)]
    fails = code[severity == str(Severity.FAIL)]
    warns = code[severity == str(Severity.WARN)]
    level = _level(counts, len(fails), len(warns))
    pressing = fails if len(fails) else warns
    return PlateVerdict(level, _sentence(level, one.table, pressing, unknown))


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
    pressing: pd.Series,
    unknown: pd.DataFrame,
) -> str:
    parts = [_curves_part(curves)]
    if len(unknown):
        parts.append(_range_part(unknown))
    counts = pressing[pressing != "curve_failed"].value_counts()
    if len(counts):
        titles = [f"{FLAGS[str(code)].title} ({n})" for code, n in counts.items()]
        parts.append(f"{'to be settled' if level == 'poor' else 'to look at'}: {names(titles)}")
    return f"{LEADS[level]}: {'; '.join(parts)}."


def _range_part(unknown: pd.DataFrame) -> str:
    """How many results of samples are in range, below and above."""
    sides = {
        "below": (RangeStatus.BELOW_LLOQ, RangeStatus.OOR_LOW),
        "above": (RangeStatus.ABOVE_ULOQ, RangeStatus.OOR_HIGH),
        "without a result": (
            RangeStatus.NO_CURVE,
            RangeStatus.NOT_MEASURED,
            RangeStatus.EXCLUDED,
        ),
    }
    counts = {
        side: int(unknown["status"].isin(list(map(str, of))).sum()) for side, of in sides.items()
    }
    n_in_range = len(unknown) - sum(counts.values())
    rest = ", ".join(f"{count} {side}" for side, count in counts.items() if count)
    return (
        f"{n_in_range} of {len(unknown)} sample results are in range{f' ({rest})' if rest else ''}"
    )


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
