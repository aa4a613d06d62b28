"""Readings and designs with pseudonyms in the place of names, before the two are joined."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cytokit.errors import place
from cytokit.pseudonyms import Pseudonyms, clean_findings, require_same
from cytokit.study.design import Design

if TYPE_CHECKING:
    from cytokit.study.readings import Readings

_WHO = ("sample", "subject")


def private_readings(readings: Readings, table: Pseudonyms) -> Readings:
    """One source's readings with pseudonyms; those of a fit that has them already stay.

    Raises
    ------
    PrivacyError
        CK-585 names without a pseudonym, CK-588 a fit made with another file.
    """
    where = place(", ".join(entry.path for entry in readings.inputs))
    if readings.pseudonyms:
        require_same(readings.pseudonyms, table, where)
        return readings
    frame = readings.frame
    names = [str(name) for who in _WHO for name in frame[who].unique() if name]
    table.require(names, where)
    return replace(
        readings,
        frame=frame.assign(**{who: table.replaced(frame[who]) for who in _WHO}),
        findings=clean_findings(readings.findings, table, names),
    )


def private_design(design: Design, table: Pseudonyms) -> Design:
    """The design with pseudonyms for samples and subjects.

    Raises
    ------
    PrivacyError
        CK-585 names without a pseudonym.
    """
    frame = design.frame
    names = [str(name) for who in _WHO for name in frame[who].unique() if name]
    table.require(names, place(design.path))
    return replace(design, frame=frame.assign(**{who: table.replaced(frame[who]) for who in _WHO}))
