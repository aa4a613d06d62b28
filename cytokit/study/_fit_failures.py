"""What ``fit`` failed, carried with the readings that rest on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from cytokit.errors import InputError, Problem, did_you_mean, place
from cytokit.findings import Finding
from cytokit.flags import FLAGS
from cytokit.vocabulary import FLAG_COLUMNS, Severity

#: between two codes in a reading's ``fit_fail``
_SEP = ";"


def failures_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of a fit that say that something failed."""
    return tuple(one for one in findings if one.severity is Severity.FAIL)


def failures_in(flags: pd.DataFrame, path: Path) -> tuple[Finding, ...]:
    """The failures in a fit's flags.csv.

    Raises
    ------
    InputError
        CK-294, if another release of cytokit wrote a code that this one does not know.
    """
    failed = flags[flags["severity"] == str(Severity.FAIL)]
    unknown = sorted(set(failed["code"]) - set(FLAGS))
    if unknown:
        what = f"the fit failed something that this release does not know: {', '.join(unknown)}"
        mend = "run cytokit fit again with this release"
        raise InputError(
            Problem("CK-294", what, place(path), mend, did_you_mean(unknown[0], list(FLAGS)))
        )
    rows = failed[list(FLAG_COLUMNS)].to_dict("records")
    return tuple(
        Finding(severity=Severity.FAIL, **{str(k): str(row[k]) for k in row if k != "severity"})
        for row in rows
    )


def mark_failures(frame: pd.DataFrame, failures: Iterable[Finding]) -> pd.DataFrame:
    """Readings with the codes of what failed in ``fit_fail``.

    A failure of a sample that was read concerns its readings alone. Any other, of a curve, a
    standard, a blank or a control, concerns all readings of its plate and analyte; without an
    analyte all of its plate, without a plate all.
    """
    plates, samples, analytes = (
        frame[name].astype("str").tolist() for name in ("plate", "sample", "analyte")
    )
    known = set(zip(plates, samples, strict=True))
    of_samples: dict[tuple[str, str, str], dict[str, None]] = {}
    of_curves: dict[tuple[str, str], dict[str, None]] = {}
    for one in failures:
        # a sample may have no name: its well tells it from a curve
        if (one.sample or one.well) and (one.plate, one.sample) in known:
            of_samples.setdefault((one.plate, one.sample, one.analyte), {})[one.code] = None
        else:
            of_curves.setdefault((one.plate, one.analyte), {})[one.code] = None
    nothing: dict[str, None] = {}
    marks = []
    for plate, sample, analyte in zip(plates, samples, analytes, strict=True):
        codes = [
            *(of_curves.get((p, a), nothing) for p in ("", plate) for a in ("", analyte)),
            *(of_samples.get((plate, sample, a), nothing) for a in ("", analyte)),
        ]
        marks.append(_SEP.join(dict.fromkeys(code for found in codes for code in found)))
    return frame.assign(fit_fail=pd.Series(marks, index=frame.index, dtype="str"))


def together(marks: Iterable[str]) -> str:
    """The codes of several readings, each once.

    Examples
    --------
    >>> together(["low_count", "", "curve_failed;low_count"])
    'low_count;curve_failed'
    """
    return _SEP.join(dict.fromkeys(code for mark in marks for code in codes_in(mark)))


def codes_in(mark: str) -> list[str]:
    """The codes of one reading's ``fit_fail``.

    Examples
    --------
    >>> codes_in("low_count;curve_failed"), codes_in("")
    (['low_count', 'curve_failed'], [])
    """
    return mark.split(_SEP) if mark else []
