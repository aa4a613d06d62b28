"""Readings and designs with pseudonyms in the place of names, before the two are joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

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
        CK-585 names without a pseudonym, CK-588 a fit made with another file, CK-596 a listed
        name where it would be written.
    """
    where = place(", ".join(entry.path for entry in readings.inputs))
    if readings.pseudonyms:
        require_same(readings.pseudonyms, table, where)
        return readings
    frame = readings.frame
    names = [str(name) for who in _WHO for name in frame[who].unique() if name]
    table.require({name: f"reading {at}" for name, at in _rows_of(frame)}, "the readings")
    _require_free(frame, {f"the path of {one.kind}": one.path for one in readings.inputs}, table)
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
    _require_free(frame, {"the path of the design": design.path}, table)
    lines = list(frame["line"])
    places = {
        name: f"row {at}" if lines[at - 1] is None else f"line {lines[at - 1]}"
        for name, at in _rows_of(frame)
    }
    table.require(places, place(design.path))
    return replace(design, frame=frame.assign(**{who: table.replaced(frame[who]) for who in _WHO}))


def _rows_of(frame: pd.DataFrame) -> Iterator[tuple[str, int]]:
    """Each name of a sample or subject with the first row, from 1, on which it stands."""
    seen = set()
    for who in _WHO:
        for at, name in enumerate(frame[who], start=1):
            if name and str(name) not in seen:
                seen.add(str(name))
                yield str(name), at


def _require_free(frame: pd.DataFrame, paths: Mapping[str, str], table: Pseudonyms) -> None:
    """Refuse paths, groups, strata and the like that hold a listed name: they are written."""
    texts = {**paths, "the path of the pseudonyms": table.path}
    for column in ("group", "stratum", "plate", "analyte"):
        if column in frame:
            for number, text in enumerate(frame[column].dropna().unique(), start=1):
                texts[f"{column} number {number}"] = str(text)
    table.require_free(texts, "the study")
