"""One test per quality rule: it fires where it should and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cytokit.curves.options import FitOptions
from cytokit.curves.profiles import PROFILES
from cytokit.plate import Plate
from cytokit.quality import (
    bead_findings,
    control_findings,
    quality_findings,
    repeated_sample_findings,
    replicate_findings,
)
from cytokit.simulate import CYTOKINES, simulate_plate
from cytokit.vocabulary import SAMPLES_COLUMNS, Severity


def plate(**samples: float) -> Plate:
    truth = {name: np.full(6, value) for name, value in (samples or {"S1": 100.0}).items()}
    return simulate_plate(CYTOKINES, truth, rng=np.random.default_rng(0), name="P")


def sample_row(**changes: object) -> pd.DataFrame:
    row = dict.fromkeys(SAMPLES_COLUMNS, np.nan) | {
        "plate": "P", "sample": "Control1", "well_type": "control", "analyte": "IL-6",
        "concentration": 200.0, "cv_pct": 5.0, "unit": "pg/mL", "status": "in_range",
    }  # fmt: skip
    return pd.DataFrame([{**row, **changes}])


def counted(count: float) -> Plate:
    sound = plate()
    wells = sound.wells.copy()
    wells.loc[wells.index[7], "bead_count"] = count
    return replace(sound, wells=wells)


def test_bead_counts_fail_and_warn_by_profile() -> None:
    assert bead_findings(plate(), PROFILES["kit"]) == []
    (low,) = bead_findings(counted(34), PROFILES["kit"])
    assert (low.code, low.severity, low.well) == ("low_count", Severity.FAIL, "B1")
    assert "34 beads, fewer than 35" in low.message
    (low,) = bead_findings(counted(34), PROFILES["research"])
    assert low.severity is Severity.WARN
    (few,) = bead_findings(counted(40), PROFILES["kit"])
    assert (few.code, few.severity) == ("few_beads", Severity.WARN)


def test_a_protocol_that_asks_for_fewer_beads_is_not_warned_at() -> None:
    sound = counted(40)
    asked = replace(sound, analytes=sound.analytes.assign(min_beads=25))
    assert bead_findings(asked, PROFILES["kit"]) == []


def test_an_absent_count_is_not_a_low_one() -> None:
    assert bead_findings(counted(float("nan")), PROFILES["kit"]) == []


@pytest.mark.parametrize(
    ("profile", "cv_pct", "severity", "limit"),
    [
        ("kit", 14.0, None, 0),
        ("kit", 19.0, Severity.WARN, 15),
        ("kit", 21.0, Severity.FAIL, 20),
        ("m10", 22.0, Severity.WARN, 20),
        ("research", 19.0, None, 0),
        ("research", 31.0, Severity.WARN, 30),
    ],
)
def test_replicates_that_differ(
    profile: str, cv_pct: float, severity: Severity | None, limit: int
) -> None:
    found = replicate_findings(sample_row(cv_pct=cv_pct), PROFILES[profile])
    if severity is None:
        assert found == []
        return
    assert found[0].severity is severity
    assert found[0].message == f"CV of the replicates {cv_pct:.1f} %, more than {limit} %"


def test_replicates_out_of_range_are_not_judged_by_their_cv() -> None:
    assert replicate_findings(sample_row(cv_pct=90.0, status="below_lloq"), PROFILES["kit"]) == []


def test_a_control_outside_its_range() -> None:
    assert control_findings(plate(), sample_row(), PROFILES["kit"]) == []
    (found,) = control_findings(plate(), sample_row(concentration=300.0), PROFILES["kit"])
    assert (found.code, found.severity, found.sample) == (
        "control_out_of_range", Severity.FAIL, "Control1",
    )  # fmt: skip
    assert found.message == "reads 300 (in_range), expected 140 to 260 pg/mL"


def test_a_control_without_a_number_is_outside_but_one_without_a_curve_is_silent() -> None:
    oor = sample_row(concentration=np.nan, status="oor_high")
    (found,) = control_findings(plate(), oor, PROFILES["kit"])
    assert "reads no number (oor_high)" in found.message
    silent = sample_row(concentration=np.nan, status="no_curve")
    assert control_findings(plate(), silent, PROFILES["kit"]) == []


def test_one_name_in_too_many_wells_is_said() -> None:
    samples = plate(A=10.0, B=20.0, C=30.0, D=40.0)
    assert repeated_sample_findings(samples) == []
    wells = samples.wells.copy()
    wells.loc[wells["sample"] == "B", "sample"] = "A"
    (found,) = repeated_sample_findings(replace(samples, wells=wells))
    assert found.sample == "A"
    assert "4 wells" in found.message


def test_all_rules_together_find_nothing_on_a_sound_plate() -> None:
    assert quality_findings([plate()], sample_row(), FitOptions(profile="kit")) == []
