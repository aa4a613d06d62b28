"""Units of work: plates that are fitted in one call and stand in one folder.

As a rule a unit is one file. Files whose plates share a name are one unit, so that their names are
told apart as `fit` does it, and with ``pool`` all plates are one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from cytokit.curves.options import FitOptions
from cytokit.parsers import distinct_names
from cytokit.plate import Plate
from cytokit.project.folders import folder_names
from cytokit.project.plate_files import PlateFile
from cytokit.project.survey import Row, Surveyed
from cytokit.record import make_manifest
from cytokit.record.manifest import describe_input
from cytokit.vocabulary import EXCLUSION_COLUMNS


@dataclass(frozen=True)
class Unit:
    """Plates that are fitted in one call.

    Parameters
    ----------
    folder : str
        From the results' folder: ``plates/<name>``, or ``fit`` where plates are pooled.
    files : tuple of PlateFile
    names : tuple of str
        Of the plates.
    options : FitOptions
    exclusions : tuple of mapping
        Rows that concern these plates.
    rows : tuple of int
        Which rows of the exclusions these are.
    expected : mapping
        The manifest of the finished folder, without its outputs.
    """

    folder: str
    files: tuple[PlateFile, ...]
    names: tuple[str, ...]
    options: FitOptions
    exclusions: tuple[Row, ...]
    rows: tuple[int, ...]
    expected: Mapping[str, Any]

    @property
    def excluded(self) -> pd.DataFrame | None:
        """The exclusions as `fit` takes them."""
        if not self.exclusions:
            return None
        return pd.DataFrame(self.exclusions, columns=list(EXCLUSION_COLUMNS), dtype="str")


def make_units(
    surveyed: Sequence[Surveyed], options: FitOptions, exclusions: Sequence[Row]
) -> list[Unit]:
    """The units of a study, in the order of its plates.

    Parameters
    ----------
    surveyed : sequence of Surveyed
        Those that could be read.
    options : FitOptions
    exclusions : sequence of mapping

    Returns
    -------
    list of Unit
    """
    base = make_manifest("fit", options=asdict(options), inputs=())
    if options.pool:
        return [_unit(surveyed, "fit", options, exclusions, base)] if surveyed else []
    groups = sharing_names(surveyed)
    names = folder_names([group[0].plates[0].source.path for group in groups])
    return [
        _unit(group, f"plates/{_and_more(name, len(group))}", options, exclusions, base)
        for name, group in zip(names, groups, strict=True)
    ]


def sharing_names(surveyed: Iterable[Surveyed]) -> list[list[Surveyed]]:
    """Files in groups: those that share the name of a plate, directly or through others."""
    groups: dict[int, list[Surveyed]] = {}
    owner: dict[str, int] = {}
    for number, one in enumerate(surveyed):
        names = [plate.name for plate in one.plates]
        mine, *others = sorted({owner[name] for name in names if name in owner}) or [number]
        for other in others:
            moved = groups.pop(other)
            groups[mine] += moved
            names += [plate.name for held in moved for plate in held.plates]
        groups.setdefault(mine, []).append(one)
        owner.update(dict.fromkeys(names, mine))
    return list(groups.values())


def _and_more(name: str, count: int) -> str:
    """A group's folder; no stem has the sign, so that no other folder has the name."""
    return name if count == 1 else f"{name}+{count - 1}"


def _unit(
    group: Sequence[Surveyed],
    folder: str,
    options: FitOptions,
    exclusions: Sequence[Row],
    base: Mapping[str, Any],
) -> Unit:
    plates = distinct_names([plate for one in group for plate in one.plates])
    hits = [hit for one in group for hit in one.hits]
    rows = sorted(
        {
            at
            for plate, hit in zip(plates, hits, strict=True)
            for at in hit
            if exclusions[at]["plate"] in ("", plate.name)
        }
    )
    chosen = tuple(exclusions[at] for at in rows)
    return Unit(
        folder,
        tuple(one.file for one in group),
        tuple(plate.name for plate in plates),
        options,
        chosen,
        tuple(rows),
        _expected(plates, chosen, base),
    )


def _expected(
    plates: Iterable[Plate], exclusions: Sequence[Row], base: Mapping[str, Any]
) -> dict[str, Any]:
    """What the manifest of these plates will say, as it comes back from JSON."""
    inputs = {}
    for plate in plates:
        for source, role in [(plate.source, "plate"), *((c, c.format) for c in plate.companions)]:
            entry = describe_input(
                source.path, source.sha256, role, source.format, source.asked_decimal
            )
            inputs[entry["path"], entry["sha256"]] = entry
    rows = [dict(row) for row in exclusions]
    manifest = {**base, "inputs": list(inputs.values()), "excluded": rows}
    found: dict[str, Any] = json.loads(json.dumps(manifest))
    return found
