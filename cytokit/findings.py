"""Findings: what was noticed about a file, a well or a curve, one row each in flags.csv."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from cytokit.flags import FLAGS
from cytokit.vocabulary import FLAG_COLUMNS, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; empty text where a field does not apply.

    Parameters
    ----------
    code : str
        A key of :data:`cytokit.flags.FLAGS`.
    message : str
        What was seen here, with its numbers.
    plate, well, sample, analyte : str
        What it concerns.
    severity : Severity, optional
        The catalogue's own severity where not given.

    Examples
    --------
    >>> Finding("low_count", "28 beads, fewer than 35", plate="P1", well="A1").severity
    <Severity.FAIL: 'fail'>
    """

    code: str
    message: str
    plate: str = ""
    well: str = ""
    sample: str = ""
    analyte: str = ""
    severity: Severity | None = None

    def __post_init__(self) -> None:
        if self.code not in FLAGS:
            raise KeyError(f"flag code {self.code!r} is not in cytokit.flags.FLAGS")
        if self.severity is None:
            object.__setattr__(self, "severity", FLAGS[self.code].severity)


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Findings as a frame with the columns of flags.csv, in the order given, repeats removed.

    Parameters
    ----------
    findings : iterable of Finding

    Returns
    -------
    pandas.DataFrame
        One row per finding: plate, well, sample, analyte, code, severity, message.
    """
    rows = [
        (f.plate, f.well, f.sample, f.analyte, f.code, str(f.severity), f.message)
        for f in dict.fromkeys(findings)
    ]
    return pd.DataFrame(rows, columns=list(FLAG_COLUMNS), dtype="str")
