"""Simulate a plate, write it as an export, read it back: the same plate, whatever its shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytokit.parsers.read import read_plate
from cytokit.simulate.exports import write_xponent
from cytokit.simulate.trials import PlatePlan, panel, simulate_plate

#: What the export carries (the writer prints shortest forms, so numbers come back to the bit).
COLUMNS = ["well", "sample", "well_type", "analyte", "dilution_factor", "mfi", "net_mfi",
           "bead_count", "expected", "expected_low", "expected_high"]  # fmt: skip
ODD = ['a,b "c"', "=1+1", "IFN-γ", "IL-1α/IL-1F1", "TNF; soluble", "plain", "@x", "-y", "é"]


def in_order(wells: pd.DataFrame) -> pd.DataFrame:
    return wells[COLUMNS].sort_values(["well", "analyte"]).reset_index(drop=True)


@settings(
    deadline=None,
    derandomize=True,
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    size=st.sampled_from([96, 384]),
    plex=st.sampled_from([1, 2, 9, 100]),
    replicates=st.integers(1, 3),
    samples=st.integers(1, 15),
    seed=st.integers(0, 2**16),
)
def test_an_xponent_export_of_any_shape_reads_back(
    tmp_path: Path, size: int, plex: int, replicates: int, samples: int, seed: int
) -> None:
    names = (ODD + [f"Analyte {k}" for k in range(100)])[:plex]
    truth = {f"{name} {k}": np.full(plex, 20.0 * k + 5) for k, name in enumerate(ODD[:samples])}
    plan = PlatePlan(size=size, replicates=replicates, levels=7)
    rng = np.random.default_rng(seed)
    plate = simulate_plate(panel(names), truth, rng=rng, plan=plan, name="round trip")
    file = tmp_path / "plate.csv"
    file.write_bytes(write_xponent(plate))
    read = read_plate(file)
    assert read.name == plate.name
    assert read.analyte_names == plate.analyte_names
    pd.testing.assert_frame_equal(in_order(read.wells), in_order(plate.wells), check_exact=True)
    found = {finding.code for finding in read.findings}
    assert found == set(), found


@pytest.mark.parametrize("name", ["plate_1", "plate_2", "plate_3"])
def test_the_bundled_plates_are_read_whole(name: str) -> None:
    folder = Path(__file__).resolve().parents[2] / "example_plates"
    plate = read_plate(folder / f"{name}.csv")
    assert plate.findings == ()
    assert plate.wells["mfi"].notna().all()
    standards = plate.wells[plate.wells["well_type"] == "standard"]
    assert standards["expected"].notna().all()
