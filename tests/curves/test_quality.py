"""One test per quality rule: it fires where it should and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cytokit.curves.acceptance import PROFILES
from cytokit.curves.platefit import fit
from cytokit.curves.quality import (
    bead_findings,
    control_findings,
    nameless_findings,
    plate_quality,
    repeated_sample_findings,
    replicate_findings,
)
from cytokit.describe import describe
from cytokit.flags import Finding
from cytokit.options import FitOptions
from cytokit.plate import Plate
from cytokit.schema import TABLES, Severity
from cytokit.simulate.trials import CYTOKINES, simulate_plate


def plate(**samples: float) -> Plate:
    truth = {name: np.full(6, value) for name, value in (samples or {"S1": 100.0}).items()}
    return simulate_plate(CYTOKINES, truth, rng=np.random.default_rng(0), name="P")


def sample_row(**changes: object) -> pd.DataFrame:
    row = dict.fromkeys(TABLES["samples"].names, np.nan) | {
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


def unknowns(*samples: str, dilution: dict[int, float] | None = None) -> Plate:
    """A plate whose unknown wells, one by one, bear these names."""
    made = plate(**{f"X{number}": 50.0 for number in range((len(samples) + 1) // 2)})
    wells = made.wells.copy()
    places = list(dict.fromkeys(wells.loc[wells["well_type"] == "unknown", "well"]))
    for number, (well, name) in enumerate(zip(places, samples, strict=False)):
        wells.loc[wells["well"] == well, "sample"] = name
        wells.loc[wells["well"] == well, "dilution_factor"] = (dilution or {}).get(number, 1.0)
    wells = wells[~wells["well"].isin(places[len(samples) :])]
    return replace(made, wells=wells.reset_index(drop=True))


def test_one_name_in_more_wells_than_usual_is_said() -> None:
    assert repeated_sample_findings(unknowns("P1", "P1", "P2", "P2", "P3", "P3")) == []
    (found,) = repeated_sample_findings(unknowns("P1", "P1", "P2", "P2", "P3", "P3", "P3", "P3"))
    assert (found.code, found.sample) == ("repeated_sample", "P3")
    assert "stands in 4 wells" in found.message
    assert found.message.endswith("most samples in 2: taken as one sample, or are they two?")
    (many,) = repeated_sample_findings(unknowns(*(f"P{n}" for n in range(12)), *["S"] * 11))
    listed = many.message.partition("(")[2].partition(")")[0]
    assert many.message.startswith("'S' stands in 11 wells (")
    assert listed.endswith(" and 3 more")
    assert listed.count(",") == 7
    none_usual = unknowns("P1", "P2", "P2", "P3", "P3", "P3", "P4", "P4", "P4", "P4")
    assert repeated_sample_findings(none_usual) == []


def test_one_name_at_several_dilutions_is_said_unless_it_is_the_plan() -> None:
    (found,) = repeated_sample_findings(unknowns("P1", "P1", "P2", "P2", dilution={1: 10.0}))
    assert found.message.endswith("with the dilution factors 1, 10: taken as one sample")
    every = {1: 10.0, 3: 10.0, 5: 10.0}
    planned = unknowns("P1", "P1", "P2", "P2", "P3", "P3", dilution=every)
    assert repeated_sample_findings(planned) == []
    (odd,) = repeated_sample_findings(
        unknowns("P1", "P1", "P2", "P2", "P3", "P3", "P4", "P4", dilution={**every, 7: 50.0})
    )
    assert odd.sample == "P4"


@pytest.mark.parametrize("name", ["", " ", "\N{NO-BREAK SPACE}", "\N{ZERO WIDTH SPACE}"])
def test_wells_without_a_name_are_no_sample_of_many_wells(name: str) -> None:
    made = unknowns("P1", "P1", name, name, name, name)
    assert repeated_sample_findings(made) == []
    (found,) = nameless_findings(made)
    assert found.severity is Severity.INFO
    assert found.message.startswith("4 wells have no sample name (")
    assert nameless_findings(unknowns("P1", "P1")) == []


def test_inspect_says_what_the_fit_says_of_the_samples_names() -> None:
    made = unknowns("P1", "P1", "P2", "P2", "P3", "P3", "P3", "P3", "", "")
    codes = [row["code"] for row in describe(made)["findings"]]
    assert codes == ["no_sample_name", "repeated_sample"]
    assert fit(made).flags["code"].tolist().count("repeated_sample") == 1


def test_a_control_without_a_name_is_judged_under_its_well() -> None:
    made = plate()
    wells = made.wells.assign(sample=made.wells["sample"].where(
        made.wells["well_type"] != "control", ""))  # fmt: skip
    wells.loc[wells["well_type"] == "control", ["expected_low", "expected_high"]] = 1e6, 2e6
    result = fit(replace(made, wells=wells), profile="kit")
    said = result.flags[result.flags["code"] == "control_out_of_range"]
    controls = list(dict.fromkeys(wells.loc[wells["well_type"] == "control", "well"]))
    assert list(dict.fromkeys(said["sample"])) == controls


def test_all_rules_together_find_nothing_on_a_sound_plate() -> None:
    assert plate_quality(plate(), sample_row(), FitOptions(profile="kit")) == []


def controlled(profile: str, *reads: tuple[str, float, float], low: float = np.nan,
               high: float = np.nan) -> list[Finding]:  # fmt: skip
    """Findings on controls of one analyte: name, nominal value and what each reads."""
    made = unknowns("X1", "X1")
    rows = made.wells[made.wells["analyte"] == "IL-6"].iloc[: len(reads)].copy()
    rows["well_type"] = "control"
    rows["sample"] = [name for name, *_ in reads]
    rows["expected"] = [level for _, level, _ in reads]
    rows["expected_low"], rows["expected_high"] = low, high
    rows["dilution_factor"] = 1.0
    samples = pd.concat([sample_row(sample=name, concentration=read, dilution_factor=1.0)
                         for name, _, read in reads])  # fmt: skip
    return control_findings(replace(made, wells=rows), samples, PROFILES[profile])


@pytest.mark.parametrize("profile", ["research", "kit"])
@pytest.mark.parametrize("low", [np.nan, 200.0])
def test_a_nominal_value_without_a_range_is_no_range_of_no_width(profile: str, low: float) -> None:
    (found,) = controlled(profile, ("Control1", 200.0, 208.0), low=low, high=low)
    assert (found.code, found.severity) == ("control_not_judged", Severity.INFO)
    assert (found.sample, found.analyte) == ("Control1", "IL-6")
    assert found.message == "no range is known: not judged"


def test_m10_judges_controls_within_20_percent_of_their_nominal_value() -> None:
    assert controlled("m10", ("Control1", 200.0, 240.0), ("Control2", 1000.0, 800.0)) == []
    low, rejected = controlled("m10", ("Control1", 200.0, 159.0), ("Control2", 1000.0, 800.0))
    assert (low.code, low.severity, low.sample) == (
        "control_off_nominal", Severity.WARN, "Control1")  # fmt: skip
    assert low.message == "reads 159 (in_range), expected within 20 % of 200 pg/mL"
    assert (rejected.code, rejected.severity) == ("controls_rejected", Severity.FAIL)
    assert rejected.message.startswith("1 of 2 controls read near their nominal value, 0 of 1 at")


@pytest.mark.parametrize(
    ("reads", "rejected"),
    [
        # two of three at each level, four of six together
        (((200.0, 200.0), (200.0, 200.0), (200.0, 400.0)) * 1
         + ((900.0, 900.0), (900.0, 900.0), (900.0, 1.0)), False),
        # half of each level, but only half of all
        (((200.0, 200.0), (200.0, 400.0), (900.0, 900.0), (900.0, 1.0)), True),
        # three of four, but none at one level
        (((200.0, 200.0), (200.0, 200.0), (200.0, 200.0), (900.0, 1.0)), True),
    ],
)  # fmt: skip
def test_m10_asks_for_two_thirds_of_all_controls_and_half_of_each_level(
    reads: tuple[tuple[float, float], ...], rejected: bool
) -> None:
    named = [(f"Control{number}", *read) for number, read in enumerate(reads)]
    codes = [one.code for one in controlled("m10", *named)]
    assert ("controls_rejected" in codes) is rejected


def test_a_range_of_one_end_is_judged_by_it() -> None:
    assert controlled("kit", ("Control1", np.nan, 208.0), low=200.0) == []
    (found,) = controlled("kit", ("Control1", np.nan, 190.0), low=200.0)
    assert found.message == "reads 190 (in_range), expected at least 200 pg/mL"
    (found,) = controlled("kit", ("Control1", np.nan, 210.0), high=200.0)
    assert found.message == "reads 210 (in_range), expected at most 200 pg/mL"


def test_replicates_behind_a_printed_mean_are_judged_by_their_mfi() -> None:
    row = sample_row(cv_pct=np.nan, mfi_cv_pct=31.0, n_wells=2)
    (found,) = replicate_findings(row, PROFILES["kit"])
    assert found.message == "CV of the replicates (of their MFI) 31.0 %, more than 20 %"
    assert replicate_findings(sample_row(cv_pct=5.0, mfi_cv_pct=31.0, n_wells=2),
                              PROFILES["kit"]) == []  # fmt: skip
