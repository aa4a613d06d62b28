"""The simulated trial: its truth, its noise, and the bundled copy of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cytokit.errors import UsageError
from cytokit.schema import WellType
from cytokit.simulate.trials import CYTOKINES, PlatePlan, panel, simulate_plate, simulate_trial

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE_SEED = 2021


def test_the_bundled_example_is_what_its_seed_gives() -> None:
    files = simulate_trial(seed=EXAMPLE_SEED).files()
    folder = ROOT / "example_plates"
    assert {path.name for path in folder.iterdir() if path.suffix in {".csv", ".md"}} == set(files)
    for name, data in files.items():
        assert (folder / name).read_bytes() == data, f"{name} differs: see CONTRIBUTING.md"


def test_the_example_says_that_it_is_simulated() -> None:
    assert "Nothing here was measured" in (ROOT / "example_plates/README.md").read_text()
    assert "Simulated by cytokit" in (ROOT / "example_plates/plate_1.csv").read_text()


def test_the_trial_is_the_one_the_figure_asks_for() -> None:
    trial = simulate_trial(seed=3)
    assert trial.plates[0].analyte_names == [
        "IFNg", "IL-6", "TNFa", "RANTES", "GM-CSF", "PDGF-BB",
    ]  # fmt: skip
    once = trial.design.drop_duplicates("subject")
    assert once["group"].value_counts().to_dict() == {"treated": 12, "control": 12}
    died = trial.design[trial.design["status"] == "died"]
    assert died.groupby("group").size().to_dict() == {"control": 2, "treated": 1}
    assert (died["sample"] == "").all()
    assert len(trial.plates) == 3
    for plate in trial.plates:
        wells = plate.wells.drop_duplicates("well")["well_type"].value_counts()
        assert wells["standard"] == 16
        assert wells["blank"] == 2
        assert wells["control"] == 4


def test_some_samples_read_beyond_the_standards() -> None:
    trial = simulate_trial(seed=EXAMPLE_SEED)
    truth = trial.true_concentrations.pivot(index="sample", columns="analyte")["concentration"]
    factor = PlatePlan().dilution_factor
    assert (truth["RANTES"] / factor > CYTOKINES[3].top).any()
    assert (truth["GM-CSF"] / factor < CYTOKINES[4].top / 4**7).any()


def test_both_days_of_a_subject_stand_on_one_plate() -> None:
    trial = simulate_trial(seed=5)
    where: dict[str, set[str]] = {}
    for plate in trial.plates:
        for sample in plate.of_type(WellType.UNKNOWN)["sample"].unique():
            where.setdefault(sample.split("-")[0], set()).add(plate.name)
    assert all(len(plates) == 1 for plates in where.values())


def test_the_true_ratio_is_what_ancova_on_the_true_concentrations_estimates() -> None:
    """2,000 subjects: standard error about .025 on ln, so within 4 of them."""
    trial = simulate_trial(seed=11, subjects=2000, deaths=(0, 0), analytes=["IL-6"], effect=0.5)
    merged = trial.design.merge(trial.true_concentrations, on="sample")
    wide = np.log(merged.pivot(index=["subject", "group"], columns="day", values="concentration"))
    group = (wide.index.get_level_values("group") == "treated").astype(float)
    X = np.column_stack([np.ones(len(wide)), wide[0], group])
    estimate = np.linalg.lstsq(X, wide[6].to_numpy(), rcond=None)[0][2]
    assert abs(estimate - np.log(0.5)) < 0.1


def test_the_plate_reads_what_its_curve_says_within_its_noise() -> None:
    quiet = PlatePlan(cv=0.0, noise=0.0, plate_sd=0.0)
    plate = simulate_plate(CYTOKINES, {}, rng=np.random.default_rng(0), plan=quiet)
    il6 = plate.wells[plate.wells["analyte"] == "IL-6"]
    assert np.allclose(il6["mfi"], CYTOKINES[1].response(il6["expected"].to_numpy()), atol=0.25)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert simulate_trial(seed=4).files() == simulate_trial(seed=4).files()
    assert simulate_trial(seed=4).files() != simulate_trial(seed=6).files()


def test_unknown_names_borrow_a_curve_and_one_effect_serves_all() -> None:
    chosen = panel(["IL-6", "=cmd|' /C calc'!A0"], effect=0.8)
    assert [analyte.ratio for analyte in chosen] == [0.8, 0.8]
    assert chosen[1].name == "=cmd|' /C calc'!A0"


def test_too_many_samples_for_the_plate() -> None:
    samples = {f"S{i}": np.ones(6) for i in range(40)}
    with pytest.raises(UsageError, match="40 samples do not fit on a 96-well plate that holds 37"):
        simulate_plate(CYTOKINES, samples, rng=np.random.default_rng(0))


@pytest.mark.parametrize("subjects", [7, 2])
def test_arms_must_be_even(subjects: int) -> None:
    with pytest.raises(UsageError, match="cannot be split into two arms"):
        simulate_trial(subjects=subjects)


def test_no_more_deaths_than_subjects() -> None:
    with pytest.raises(UsageError, match="deaths do not fit arms of 4"):
        simulate_trial(subjects=8, deaths=(5, 0))


def test_an_unknown_format_has_a_near_miss() -> None:
    with pytest.raises(UsageError, match=r"'xponnt'.*did you mean 'xponent'"):
        simulate_trial(subjects=8).files("xponnt")
