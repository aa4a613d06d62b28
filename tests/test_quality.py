"""One test per quality rule: it fires where it should and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cytokit.curves.options import FitOptions
from cytokit.plate import Plate
from cytokit.quality import (
    RULES,
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
    assert bead_findings(plate(), RULES["kit"]) == []
    (low,) = bead_findings(counted(34), RULES["kit"])
    assert (low.code, low.severity, low.well) == ("low_count", Severity.FAIL, "B1")
    assert "34 beads, fewer than 35" in low.message
    (low,) = bead_findings(counted(34), RULES["research"])
    assert low.severity is Severity.WARN
    (few,) = bead_findings(counted(40), RULES["kit"])
    assert (few.code, few.severity) == ("few_beads", Severity.WARN)


def test_a_protocol_that_asks_for_fewer_beads_is_not_warned_at() -> None:
    sound = counted(40)
    asked = replace(sound, analytes=sound.analytes.assign(min_beads=25))
    assert bead_findings(asked, RULES["kit"]) == []


def test_an_absent_count_is_not_a_low_one() -> None:
    assert bead_findings(counted(float("nan")), RULES["kit"]) == []


def test_replicates_that_differ() -> None:
    assert replicate_findings(sample_row(), RULES["kit"]) == []
    (found,) = replicate_findings(sample_row(cv_pct=19.0), RULES["kit"])
    assert found.message == "CV of the replicates 19.0 %, more than 15 %"
    assert replicate_findings(sample_row(cv_pct=19.0), RULES["research"]) == []
    assert replicate_findings(sample_row(cv_pct=90.0, status="below_lloq"), RULES["kit"]) == []


def test_a_control_outside_its_range() -> None:
    assert control_findings(plate(), sample_row(), RULES["kit"]) == []
    (found,) = control_findings(plate(), sample_row(concentration=300.0), RULES["kit"])
    assert (found.code, found.severity, found.sample) == (
        "control_out_of_range", Severity.FAIL, "Control1",
    )  # fmt: skip
    assert found.message == "reads 300 (in_range), expected 140 to 260 pg/mL"


def test_a_control_without_a_number_is_outside_but_one_without_a_curve_is_silent() -> None:
    oor = sample_row(concentration=np.nan, status="oor_high")
    (found,) = control_findings(plate(), oor, RULES["kit"])
    assert "reads no number (oor_high)" in found.message
    silent = sample_row(concentration=np.nan, status="no_curve")
    assert control_findings(plate(), silent, RULES["kit"]) == []


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
