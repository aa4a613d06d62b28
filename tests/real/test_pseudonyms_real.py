"""Pseudonyms on plates as instruments really write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cytokit.errors import CytokitError
from cytokit.parsers.read import read_file
from cytokit.plate import Plate
from cytokit.tables.pseudonyms import NameFinder, Pseudonyms, pseudonymise

pytestmark = pytest.mark.real


def readable(folder: Path) -> list[Plate]:
    plates = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            plates += read_file(file)
        except CytokitError:  # damaged ones, and what is no plate, have tests of their own
            continue
    return plates


def test_no_name_is_left_on_any_plate(real: Path) -> None:
    plates = readable(real / "plates")
    assert len(plates) >= 20
    for plate in plates:
        names = [name for name in plate.of_type("unknown")["sample"].unique() if name]
        table = {name: f"Pseudonym {number}" for number, name in enumerate(names)}
        hidden = pseudonymise(plate, Pseudonyms(table, "names.csv", "f00"))
        assert set(hidden.of_type("unknown")["sample"]) - {""} == set(table.values())
        fixed = set(plate.wells.loc[plate.wells["well_type"] != "unknown", "sample"])
        allowed = {"", *table.values(), *fixed}
        assert {finding.sample for finding in hidden.findings} <= allowed
        finder = NameFinder(names)
        for finding in hidden.findings:
            words = finding.message.partition("; more was said")
            assert words[1] or not finder.find(finding.message), finding
        assert set(hidden.wells["comment"]) == {""}
