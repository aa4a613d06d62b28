"""Wells that a fit calls no sample although the design names them as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from cytokit.errors import DesignError, Problem, place
from cytokit.findings import Finding
from cytokit.pseudonyms import Pseudonyms
from cytokit.study._design_rows import DesignRow, design_rows
from cytokit.study._readings_frame import number
from cytokit.study.design import Design
from cytokit.study.fit_folder import read_wells
from cytokit.study.readings import Readings, Source, as_mfi
from cytokit.vocabulary import WellType


@runtime_checkable
class HasWells(Protocol):
    """A fit that keeps its wells."""

    @property
    def wells(self) -> pd.DataFrame:
        """Columns of wells.csv."""
        ...


@dataclass(frozen=True, slots=True)
class Typed:
    """What a fit takes a name for: the plate, the type, whether a concentration is expected."""

    plate: str
    kind: str
    calibrated: bool


def typed_wells(sources: Iterable[Source], names: Iterable[str]) -> dict[str, list[Typed]]:
    """What the fits take these names for, where they take them for no sample.

    Parameters
    ----------
    sources : iterable of PlateFit, path or DataFrame
    names : iterable of str

    Returns
    -------
    dict of str to list of Typed
        One entry per plate and type.
    """
    wanted = list(names)
    found: dict[str, list[Typed]] = {}
    for source in sources:
        wells = _wells_of(source)
        if wells is None:
            continue
        rows = wells[
            wells["sample"].astype(str).isin(wanted)
            & (wells["well_type"].astype(str) != str(WellType.UNKNOWN))
        ]
        expected = number(rows["expected"]).gt(0)
        for key, own in expected.groupby([rows["sample"], rows["plate"], rows["well_type"]]):
            name, plate, kind = map(str, key)
            found.setdefault(name, []).append(Typed(plate, kind, bool(own.any())))
    return found


def _wells_of(source: Source) -> pd.DataFrame | None:
    """The wells of a fit; None for a table, and for a folder that lists none."""
    if isinstance(source, HasWells):
        return source.wells
    if isinstance(source, str | Path) and Path(source).is_dir():
        return read_wells(source)
    return None


def with_designed_controls(
    readings: Readings,
    design: Design,
    sources: Sequence[Source],
    *,
    pseudonyms: Pseudonyms | None,
    quantity: str,
) -> Readings:
    """Readings with the wells typed as controls that the design gives to a subject.

    A name such as Control10 makes an export's well a control; who names it in a design knows
    better. A control for which a concentration is expected is one, whatever the design says.

    Parameters
    ----------
    readings : Readings
    design : Design
    sources : sequence of PlateFit, path or DataFrame
        What the readings were read from.
    pseudonyms : Pseudonyms, optional
        The names of controls stay real in a fit; those of samples do not.
    quantity : {"concentration", "mfi"}

    Returns
    -------
    Readings

    Raises
    ------
    DesignError
        CK-296, if a concentration is expected of such a control.
    """
    controls = readings.controls
    real = controls["sample"].astype(str).tolist()
    plates = controls["plate"].astype(str).tolist()
    named = [name if pseudonyms is None else pseudonyms.of(name) or name for name in real]
    owners = _owners(readings.frame, design)
    rows = [owners.get((p, n), owners.get(("", n))) for p, n in zip(plates, named, strict=True)]
    mine = np.array([row is not None for row in rows], dtype=bool)
    if not mine.any():
        return readings
    given = {
        (plate, name): row
        for plate, name, row in zip(plates, real, rows, strict=True)
        if row is not None
    }
    kinds = typed_wells(sources, {name for _, name in given})
    problems = [
        Problem(
            "CK-296",
            f"the design gives sample {row.sample!r} to subject {row.subject!r}, but plate {plate} "
            f"holds it as a {one.kind} with an expected concentration",
            place(design.path, line=row.line, sample=row.sample),
            "take it out of the design; or give its well the type unknown in a layout, and fit "
            "again",
        )
        for (plate, name), row in given.items()
        for one in kinds.get(name, ())
        if one.calibrated and one.plate == plate
    ]
    if problems:
        raise DesignError(*problems)
    moved = controls[mine].assign(sample=[row.sample for row in rows if row is not None])
    findings = [
        Finding(
            "control_is_sample",
            f"{row.sample!r} was typed as a control; the design gives it to subject "
            f"{row.subject!r}: it counts as a sample",
            plate=plate,
            sample=row.sample,
        )
        for (plate, _), row in given.items()
    ]
    moved = as_mfi(moved) if quantity == "mfi" else moved
    return replace(
        readings,
        frame=pd.concat([readings.frame, moved], ignore_index=True),
        controls=controls[~mine].reset_index(drop=True),
        findings=(*readings.findings, *findings),
    )


def _owners(frame: pd.DataFrame, design: Design) -> dict[tuple[str, str], DesignRow]:
    """The design's rows by plate (empty where it names none) and sample, which no unknown is."""
    samples = set(frame["sample"])
    there = set(zip(frame["plate"], frame["sample"], strict=True))
    return {
        (row.plate, row.sample): row
        for row in design_rows(design.frame)
        if row.sample
        and ((row.plate, row.sample) not in there if row.plate else row.sample not in samples)
    }


def typed_otherwise(kinds: Mapping[str, Sequence[Typed]], sample: str) -> str:
    """That plates hold a sample as something else, for an error's words; empty if they do not."""
    found = kinds.get(sample, ())
    return " and ".join(f"plate {one.plate} holds it as a {one.kind}" for one in found)
