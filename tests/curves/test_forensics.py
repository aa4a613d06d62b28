"""Each cause is named where it is planted, and a sound plate is left in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cytokit.curves.forensics import level_table, standard_findings
from cytokit.curves.signals import signal_findings, signal_levels
from cytokit.findings import Finding
from cytokit.plate import Plate
from cytokit.simulate import CYTOKINES, PlatePlan, simulate_plate


def plate(seed: int = 0, **plan: float) -> Plate:
    rng = np.random.default_rng(seed)
    return simulate_plate(CYTOKINES, {}, rng=rng, plan=PlatePlan(**plan), name="P")


def changed(sound: Plate, change: Callable[[pd.DataFrame], None]) -> Plate:
    wells = sound.wells.copy()
    change(wells)
    return replace(sound, wells=wells)


def level(wells: pd.DataFrame, number: int, analyte: str | None = None) -> pd.Series:
    chosen = wells["sample"] == f"Standard{number}"
    return chosen if analyte is None else chosen & (wells["analyte"] == analyte)


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_sixty_sound_plates_are_left_in_peace() -> None:
    found = [standard_findings(plate(seed)) for seed in range(60)]
    # 360 curves with 6 % noise: hardly a plate may raise a finding
    assert sum(map(bool, found)) <= 1


@pytest.mark.parametrize("power", [-3, -1, 1, 2])
def test_a_lost_decimal_point_is_named_with_the_likely_value(power: int) -> None:
    def shift(wells: pd.DataFrame) -> None:
        wells.loc[level(wells, 4, "IL-6"), "expected"] *= 10.0**power

    found = standard_findings(changed(plate(), shift))
    typo = next(finding for finding in found if finding.code == "expected_typo")
    assert typo.analyte == "IL-6"
    assert "Standard4" in typo.message
    assert "suggest 39.0625" in typo.message


def test_a_cause_that_hits_all_analytes_is_one_finding() -> None:
    def shift(wells: pd.DataFrame) -> None:
        wells.loc[level(wells, 8), "expected"] *= 1000

    found = standard_findings(changed(plate(), shift))
    assert codes(found).count("expected_typo") == 1
    assert "[all analytes]" in found[0].message


def test_an_odd_step_is_not_called_a_typo() -> None:
    def shift(wells: pd.DataFrame) -> None:
        wells.loc[level(wells, 1), "expected"] /= 2

    found = standard_findings(changed(plate(), shift))
    assert "expected_typo" not in codes(found)
    assert "8-fold where the series goes 4-fold" in found[0].message


def test_two_exchanged_levels() -> None:
    def exchange(wells: pd.DataFrame) -> None:
        third, fourth = level(wells, 3), level(wells, 4)
        values = wells.loc[third, "mfi"].to_numpy().copy()
        wells.loc[third, "mfi"] = wells.loc[fourth, "mfi"].to_numpy()
        wells.loc[fourth, "mfi"] = values

    found = standard_findings(changed(plate(), exchange))
    assert "levels_swapped" in codes(found)
    assert "Standard3 and Standard4 look exchanged" in found[0].message


def test_standards_numbered_the_other_way() -> None:
    def turn(wells: pd.DataFrame) -> None:
        standards = wells["well_type"] == "standard"
        series = wells.loc[standards, "expected"]
        wells.loc[standards, "expected"] = 10000.0 / series * series.min()

    found = standard_findings(changed(plate(), turn))
    assert codes(found) == ["direction_reversed"]


def test_a_hook_at_the_top() -> None:
    def bend(wells: pd.DataFrame) -> None:
        wells.loc[level(wells, 8, "TNFa"), "mfi"] *= 0.5

    found = standard_findings(changed(plate(), bend))
    assert codes(found) == ["hook"]
    assert found[0].analyte == "TNFa"


def test_a_saturated_top() -> None:
    def clip(wells: pd.DataFrame) -> None:
        il6 = wells["analyte"] == "IL-6"
        wells.loc[il6, "mfi"] = wells.loc[il6, "mfi"].clip(upper=2000)

    found = standard_findings(changed(plate(), clip))
    assert codes(found) == ["saturated"]
    assert "top 4 standards" in found[0].message


def test_a_fall_inside_the_series() -> None:
    def spoil(wells: pd.DataFrame) -> None:
        wells.loc[level(wells, 5, "IL-6"), "mfi"] = 30.0

    found = standard_findings(changed(plate(), spoil))
    assert codes(found) == ["not_monotone"]


def test_a_contaminated_blank() -> None:
    def spoil(wells: pd.DataFrame) -> None:
        blank = (wells["well_type"] == "blank") & (wells["analyte"] == "IL-6")
        wells.loc[blank, "mfi"] = 900.0

    found = standard_findings(changed(plate(), spoil))
    assert codes(found) == ["blank_high"]
    assert "Standard1, Standard2" in found[0].message


def test_a_replicate_away_from_its_twin() -> None:
    def spoil(wells: pd.DataFrame) -> None:
        first = wells.index[level(wells, 6, "IL-6")][0]
        wells.loc[first, "mfi"] *= 4

    twins = [f for f in standard_findings(changed(plate(), spoil)) if f.code == "twin_apart"]
    assert [(f.sample, f.analyte) for f in twins] == [("Standard6", "IL-6")]
    assert "differ" in twins[0].message


def test_a_plate_with_low_signal_among_others() -> None:
    def fade(wells: pd.DataFrame) -> None:
        wells["mfi"] *= 0.3

    plates = [replace(plate(seed), name=f"P{seed}") for seed in range(4)]
    plates[2] = changed(plates[2], fade)
    levels = [signal_levels(one) for one in plates]
    found = signal_findings(levels)
    assert [(f.code, f.plate) for f in found] == [("low_signal", "P2")]
    assert signal_findings(levels[:2]) == []


def test_a_plate_without_standards_has_no_levels() -> None:
    def rename(wells: pd.DataFrame) -> None:
        wells["well_type"] = "unknown"
        wells["expected"] = np.nan

    bare = changed(plate(), rename)
    assert level_table(bare).empty
    assert standard_findings(bare) == []
