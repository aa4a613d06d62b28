"""The verdict of a plate: one function, from the tables that stand in its folder.

Terminal, page, workbook, overview, ``run`` and exit code all ask here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from cytokit.flags import FLAGS
from cytokit.vocabulary import (
    VERDICTS_COLUMNS,
    PlateVerdict,
    RangeStatus,
    Severity,
    Verdict,
    WellType,
)

_NAMED = 4
#: how the sentence begins
LEADS: Mapping[PlateVerdict, str] = MappingProxyType(
    {
        PlateVerdict.REPORT: "This plate can be reported",
        PlateVerdict.LOOK: "Look at this plate before you report it",
        PlateVerdict.HOLD: "Hold this plate until its failures are settled",
        PlateVerdict.FAILED: "Nothing of this plate can be reported",
    }
)
_CURVES_ALONE = ("curve_failed", "curve_poor")


@dataclass(frozen=True, slots=True)
class PlateJudgement:
    """What to think of a plate.

    Parameters
    ----------
    verdict : PlateVerdict
    reasons : tuple of str
        What the verdict rests on, most pressing first; empty for ``report``.
    sentence : str
        Verdict, curves, results in range and reasons in words.
    """

    verdict: PlateVerdict
    reasons: tuple[str, ...]
    sentence: str


def judge_plate(curves: pd.DataFrame, samples: pd.DataFrame, flags: pd.DataFrame) -> PlateJudgement:
    """Judge one plate by its curves, its findings and its results.

    ``failed``: no curve could be used. ``hold``: a curve or a control failed, or any finding of
    severity ``fail`` stands. ``look``: a warning other than the spread of replicates alone, a poor
    curve, a sample without a reading, or an unknown unit. ``report``: none of these.

    Parameters
    ----------
    curves, samples, flags : pandas.DataFrame
        The rows of curves.csv, samples.csv and flags.csv that concern this plate.

    Returns
    -------
    PlateJudgement
    """
    counts = {str(kind): int((curves["verdict"] == str(kind)).sum()) for kind in Verdict}
    unknown = samples[samples["well_type"] == str(WellType.UNKNOWN)]
    holding, looking = _findings(flags)
    n_unread = int((unknown["status"] == str(RangeStatus.NOT_MEASURED)).sum())
    no_unit = samples.loc[samples["unit"].fillna("") == "", "analyte"].nunique()
    looks = [
        *looking,
        *([f"no reading for {n_unread} sample results"] if n_unread else []),
        *([f"unit not stated for {no_unit} analytes"] if no_unit else []),
    ]
    if counts["failed"] == len(curves):
        verdict, reasons = PlateVerdict.FAILED, [*_why_failed(curves), *holding]
    elif holding or counts["failed"]:
        verdict, reasons = PlateVerdict.HOLD, [*holding, *looks]
    elif looks or counts["poor"]:
        verdict, reasons = PlateVerdict.LOOK, looks
    else:
        verdict, reasons = PlateVerdict.REPORT, []
    parts = [_curves_part(curves), *([_range_part(unknown)] if len(unknown) else [])]
    if reasons:
        begin = "to look at" if verdict is PlateVerdict.LOOK else "to be settled"
        parts.append(f"{begin}: {few(reasons)}")
    return PlateJudgement(verdict, tuple(reasons), f"{LEADS[verdict]}: {'; '.join(parts)}.")


def verdicts_table(
    curves: pd.DataFrame, samples: pd.DataFrame, flags: pd.DataFrame, plates: Sequence[str]
) -> pd.DataFrame:
    """The verdict of each of several plates.

    Parameters
    ----------
    curves, samples, flags : pandas.DataFrame
        As curves.csv, samples.csv and flags.csv; a finding without a plate concerns each.
    plates : sequence of str
        The plates, in the order of the rows.

    Returns
    -------
    pandas.DataFrame
        Columns ``VERDICTS_COLUMNS``.
    """
    rows = []
    named = flags["plate"].fillna("")
    for plate in plates:
        judged = judge_plate(
            curves[curves["plate"] == plate],
            samples[samples["plate"] == plate],
            flags[(named == plate) | (named == "")],
        )
        rows.append((plate, str(judged.verdict), judged.sentence))
    return pd.DataFrame(rows, columns=list(VERDICTS_COLUMNS), dtype="str")


def worst(verdicts: Sequence[PlateVerdict]) -> PlateVerdict:
    """The worst of several verdicts; ``report`` of none.

    Examples
    --------
    >>> worst([PlateVerdict.LOOK, PlateVerdict.REPORT])
    <PlateVerdict.LOOK: 'look'>
    """
    return max(verdicts, key=list(PlateVerdict).index, default=PlateVerdict.REPORT)


def of_findings(flags: pd.DataFrame) -> PlateVerdict:
    """The best verdict that findings leave a plate.

    Parameters
    ----------
    flags : pandas.DataFrame
        Rows as of flags.csv.
    """
    holding, looking = _findings(flags)
    if holding:
        return PlateVerdict.HOLD
    return PlateVerdict.LOOK if looking else PlateVerdict.REPORT


def few(found: Sequence[str], most: int = _NAMED) -> str:
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
    >>> few(["IL-6", "TNF", "IL-2"], most=2)
    'IL-6, TNF and 1 more'
    """
    shown = ", ".join(found[:most])
    return f"{shown} and {len(found) - most} more" if len(found) > most else shown


def _findings(flags: pd.DataFrame) -> tuple[list[str], list[str]]:
    """What holds the plate and what wants a look, each title with its count."""
    code, severity = flags["code"].astype(str), flags["severity"].astype(str)
    fails, warns = severity == str(Severity.FAIL), severity == str(Severity.WARN)
    held = np.array([FLAGS[one].holds_plate for one in code], dtype=bool)
    looked = np.array([FLAGS[one].needs_look for one in code], dtype=bool)
    curve = code.isin(_CURVES_ALONE)
    return (
        _titles(code[(fails | (warns & held)) & ~curve]),
        _titles(code[warns & ~held & looked & ~curve]),
    )


def _titles(codes: pd.Series) -> list[str]:
    """Each title once, the most frequent first."""
    return [f"{FLAGS[str(code)].title} ({n})" for code, n in codes.value_counts().items()]


def _why_failed(curves: pd.DataFrame) -> list[str]:
    """The reasons of curves that all failed, each once."""
    if curves.empty:
        return []
    return list(dict.fromkeys(str(reason) for reason in curves["reason"] if reason))


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
    n_in_range = int((unknown["status"] == str(RangeStatus.IN_RANGE)).sum())
    rest = ", ".join(f"{count} {side}" for side, count in counts.items() if count)
    return (
        f"{n_in_range} of {len(unknown)} sample results are in range{f' ({rest})' if rest else ''}"
    )


def _curves_part(curves: pd.DataFrame) -> str:
    """How many curves can be used, and which cannot."""
    if curves.empty:
        return "no standard curve was fitted"
    good = curves["verdict"].isin([str(Verdict.GOOD), str(Verdict.USABLE)])
    text = f"{int(good.sum())} of {len(curves)} curves are good or usable"
    for verdict in (Verdict.POOR, Verdict.FAILED):
        bad = [str(name) for name in curves.loc[curves["verdict"] == str(verdict), "analyte"]]
        if bad:
            text += f", {len(bad)} {verdict} ({few(bad)})"
    return text
