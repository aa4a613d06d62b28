"""Folders as ``fit`` writes them, with the values that a test wants; and simulated plates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from cytokit.folder import sha256_of
from cytokit.plate import Plate
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate

#: what a control's label says of it
LABEL = ["expected", "expected_low", "expected_high"]
PARAMETERS = {"lower": 10.0, "upper": 20000.0, "inflection": 900.0, "slope": 1.2,
              "asymmetry": 0.9, "s0": 1.5, "cv": 0.06, "lloq": 3.0}  # fmt: skip


@dataclass(frozen=True)
class FakePlate:
    """One plate's values; ``controls`` by name, a well's number or a status that has none."""

    name: str
    controls: Mapping[str, Sequence[float | str]] = field(
        default_factory=lambda: {"C1": (100.0,), "C2": (1000.0,)}
    )
    date: str = ""
    lots: Mapping[str, str] = field(default_factory=dict)
    blank: Sequence[float] = (12.0,)
    recovery: float | str = 100.0
    parameters: Mapping[str, float | str] = field(default_factory=lambda: dict(PARAMETERS))
    verdict: str = "good"
    unit: str = "pg/mL"
    nominal: float | str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


Write = Callable[..., Path]


def _tables(plate: FakePlate) -> dict[str, list[list[object]]]:
    wells: list[list[object]] = []
    for name, values in plate.controls.items():
        for value in values:
            number = "" if isinstance(value, str) else value
            status = value if isinstance(value, str) else "in_range"
            wells.append(
                [
                    plate.name,
                    name,
                    "control",
                    "IL-6",
                    500,
                    plate.nominal,
                    number,
                    plate.unit,
                    status,
                ]
            )
    blanks = ([plate.name, "B", "blank", "IL-6", mfi, 0, "", plate.unit] for mfi in plate.blank)
    wells += [[*blank, "oor_low"] for blank in blanks]
    wells.append([plate.name, "S", "unknown", "IL-6", 1, "", 1, plate.unit, "in_range"])
    levels = [[plate.name, "IL-6", f"S{i}", 10.0**i, 100.0 * i, plate.recovery] for i in (1, 2, 3)]
    curve = [plate.name, "IL-6", "-", *plate.parameters.values(), plate.verdict]
    return {"wells": wells, "standards": levels, "curves": [curve]}


HEADERS = {
    "wells": "plate,sample,well_type,analyte,mfi,expected,concentration,unit,status",
    "standards": "plate,analyte,level,expected,mfi,recovery_pct",
    "curves": "plate,analyte,orientation,lower,upper,inflection,slope,asymmetry,s0,cv,lloq,verdict",
}


@pytest.fixture
def write_fit(tmp_path: Path) -> Write:
    """Write a folder of plates with a sound manifest; further files are left out."""

    def write(name: str, plates: Sequence[FakePlate], *, with_facts: bool = True) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for table, header in HEADERS.items():
            rows = [row for plate in plates for row in _tables(plate)[table]]
            lines = [header, *(",".join(map(str, row)) for row in rows)]
            (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "samples.csv").write_text("plate\n", encoding="utf-8")
        outputs = [
            {"name": path.name, "sha256": sha256_of(path)} for path in sorted(folder.iterdir())
        ]
        manifest = {
            "schema": "cytokit-manifest-1", "command": "fit", "versions": {}, "options": {},
            "inputs": [], "excluded": [], "outputs": outputs,
        }  # fmt: skip
        if with_facts:
            manifest["plates"] = [
                {"name": one.name, "sha256": f"hash of {one.name}", "date": one.date,
                 "lots": dict(one.lots), **one.facts}
                for one in plates
            ]  # fmt: skip
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def fake() -> type[FakePlate]:
    """The plates that ``write_fit`` takes."""
    return FakePlate


@pytest.fixture
def run_of() -> Callable[..., list[FakePlate]]:
    """Plates on days in a row whose control C1 has these values; C2 follows no pattern."""

    def make(values: Sequence[float], *, start: int = 0, lot_after: int = 10**6) -> list[FakePlate]:
        return [
            FakePlate(
                f"P{start + i:03d}",
                controls={"C1": (value,), "C2": (1000.0 * 1.01 ** ((-1) ** i),)},
                date=f"2024-{1 + (start + i) // 28:02d}-{1 + (start + i) % 28:02d}T09:00:00",
                lots={"Kit": "A" if i < lot_after else "B"},
                blank=(12.0 * 1.02 ** ((-1) ** i),),
                recovery=100.0 * 1.01 ** ((-1) ** i),
                parameters={k: v * 1.03 ** ((-1) ** i) for k, v in PARAMETERS.items()},
            )
            for i, value in enumerate(values)
        ]

    return make


@pytest.fixture(scope="session")
def simulated() -> Callable[..., list[Plate]]:
    """Simulated plates on days in a row; the controls may drift, or step at a new lot."""

    def make(
        n: int, seed: int, *, start: int = 0, drift: float = 0.0, step: float = 0.0,
        step_at: int = 10**6,
    ) -> list[Plate]:  # fmt: skip
        plates = []
        for i in range(n):
            rng = np.random.default_rng([seed, i])
            new_lot = i >= step_at
            off = np.exp(drift * i + step * new_lot)
            # what stands in the wells, not what the label says of it
            plan = PlatePlan(controls=(0.02 * off, 0.1 * off))
            plate = simulate_plate(CYTOKINES[:1], {}, rng=rng, plan=plan, name=f"P{start + i:03d}")
            day = start + i
            header = {
                "BatchStartTime": f"2024-{1 + day // 28:02d}-{1 + day % 28:02d} 10:00",
                "SN": "M1",
                "Kit Lot": "B" if new_lot else "A",
            }
            source = replace(plate.source, sha256=f"{seed}/{i}")
            wells = plate.wells.copy()
            stated = wells.loc[wells["well_type"] == "control", LABEL]
            wells.loc[stated.index, LABEL] = stated / off
            plates.append(replace(plate, header=header, source=source, wells=wells))
        return plates

    return make
