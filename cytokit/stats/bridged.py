"""What a comparison says of plates that were bridged: in its rows, its findings and its methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cytokit.findings import Finding
from cytokit.study import Bridge, Study

_CODE = "plates_bridged"


def mark_bridged(rows: Sequence[dict[str, Any]], study: Study) -> None:
    """Add the flag to the rows of analytes whose readings were divided by plate effects."""
    found = study.bridge
    if found is None:
        return
    note = f"{_CODE}: {_by_what(found)}"
    for row in rows:
        if row["analyte"] in found.applicable:
            row["flags"] = "; ".join(filter(None, (row["flags"], note)))


def bridge_findings(study: Study) -> list[Finding]:
    """That plates were bridged, and what of it could not be done."""
    found = study.bridge
    if found is None:
        return []
    return [Finding(_CODE, sentence(found)), *found.findings]


def sentence(found: Bridge) -> str:
    """One or two sentences for the methods, without a full stop at the end.

    Parameters
    ----------
    found : Bridge

    Returns
    -------
    str
    """
    reference = f"plate {found.reference}" if found.reference else "the mean over plates"
    rest = [name for name in dict.fromkeys(found.table["analyte"]) if name not in found.applicable]
    not_bridged = f" ({', '.join(rest)} could not be bridged and stayed as measured)" * bool(rest)
    return (
        f"Plates were bridged: {len(found.applicable)} analytes were divided by their plate's "
        f"effect relative to {reference}, estimated from {_by_what(found)} by an additive model of "
        f"sample and plate on ln concentration{not_bridged}. The effects' own uncertainty is not "
        "carried into the comparison"
    )


def _by_what(found: Bridge) -> str:
    """The bridge samples, and that controls must be one lot to serve as such."""
    names = ", ".join(found.samples)
    return f"the controls {names}, taken to be of one lot" if found.controls else f"samples {names}"
