"""Each cause is named where it is planted, and a sound plate is left in peace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cytokit.curves.platefit import fit
from cytokit.curves.quality import level_table, signal_findings, signal_levels, standard_findings
from cytokit.flags import Finding
from cytokit.parsers.read import read_plate
from cytokit.plate import Plate, SourceInfo, make_analytes, make_wells
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate


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


def hooked(readings, wells=2):
    """A plate of one analyte with these level means, each level four times the last."""

    def row(place, number, well, sample, kind, mfi, expected=np.nan):
        return {
            "well": f"{'ABCDEFGH'[number % 8]}{place + well + wells * (number // 8)}",
            "sample": sample,
            "well_type": kind,
            "analyte": "A",
            "dilution_factor": 1.0,
            "mfi": mfi * (1 + 0.01 * (-1) ** (well + number)),
            "expected": expected,
        }

    rows = [
        row(1, n, well, f"Standard{n}", "standard", mfi, 2.5 * 4.0 ** (n - 1))
        for n, mfi in enumerate(readings, start=1)
        for well in range(wells)
    ]
    rows += [row(1, 0, well, "Blank", "blank", 15.0, 0.0) for well in range(wells)]
    rows += [
        row(11, n, well, f"U{n}", "unknown", mfi)
        for n, mfi in enumerate((12.0, 700.0, 2500.0, 16000.0))
        for well in range(wells)
    ]
    return Plate("P", SourceInfo("p.csv", "", "test"), make_wells(rows), make_analytes(["A"]))


RISING = (57.0, 214.0, 880.0, 3600.0, 10900.0, 19000.0)


@pytest.mark.parametrize(
    ("past", "named"), [((5000.0, 400.0), 2), ((18500.0, 12000.0), 1), ((14000.0,), 1)]
)
def test_levels_past_a_hook_leave_the_good_ones_their_weight(past, named):
    """The hooked top once won over the levels before it, and a truth of 60,000 read as 104."""
    plate = hooked((*RISING, *past))
    (found,) = [one for one in standard_findings(plate) if one.code == "hook"]
    assert found.message.count("Standard") == named + 1
    result = fit(plate)
    curve = result.curves["P", "A"]
    rising = curve.standards[curve.standards["expected"].between(1, 2.5 * 4.0**5)]
    assert rising["used"].all()
    assert (rising["recovery_pct"] - 100).abs().max() < 10
    beyond = curve.standards[curve.standards["expected"] > 2.5 * 4.0**5]
    assert set(beyond["reason"]) == {"past the hook: reads under a lower standard"}
    assert not beyond["used"].any()
    assert curve.uloq <= curve.x_top == 2.5 * 4.0**5
    assert (
        f"{len(past)} level{'' if len(past) == 1 else 's'} past the hook left out" in curve.reason
    )


@pytest.mark.parametrize("past", [(5000.0, 400.0), (14000.0,), (16500.0,)])
def test_where_the_standards_hook_no_sample_is_in_range_without_a_flag(past):
    result = fit(hooked((*RISING, *past)))
    for table in (result.samples, result.wells[result.wells["well_type"] == "unknown"]):
        high = table["status"].isin(["in_range", "above_uloq", "oor_high"])
        assert high.sum() >= 3
        assert table.loc[high, "flags"].str.contains("hook_possible").all()
        assert not table.loc[~high, "flags"].str.contains("hook_possible").any()
    sound = fit(hooked(RISING))
    assert not sound.samples["flags"].str.contains("hook_possible").any()


def test_one_fallen_well_is_no_hook_for_the_fit():
    """Left to the robust weights, which see it by its replicate or by the curve."""
    single = hooked((*RISING, 9000.0), wells=1)
    assert "past the hook" not in fit(single).curves["P", "A"].reason
    twin = hooked((*RISING, 22000.0))
    wells = twin.wells.copy()
    wells.loc[wells.index[wells["sample"] == "Standard7"][0], "mfi"] /= 5
    assert "past the hook" not in fit(replace(twin, wells=wells)).curves["P", "A"].reason
    outlier = hooked((57.0, 214.0, 8800.0, 3600.0, 10900.0, 19000.0))
    assert "past the hook" not in fit(outlier).curves["P", "A"].reason


def test_without_robust_weights_every_standard_stays():
    result = fit(hooked((*RISING, 5000.0, 400.0)), robust=False)
    curve = result.curves["P", "A"]
    assert "past the hook" not in curve.reason


@pytest.mark.parametrize("blank", [15.0, 3000.0, 30000.0])
def test_a_falling_curve_over_a_low_blank_has_no_usable_direction(blank):
    """Standards upside down: the concentrations came out inverted, with the verdict good."""
    plate = hooked(RISING[::-1])
    wells = plate.wells.copy()
    wells.loc[wells["well_type"] == "blank", "mfi"] = blank
    result = fit(replace(plate, wells=wells))
    curve = result.curves["P", "A"]
    assert "direction_reversed" in result.flags["code"].tolist()
    if blank > 15.0:  # the signal falls from the blank on, as it does in a competitive assay
        assert curve.ok
        return
    assert not curve.ok
    assert "have no usable direction" in curve.reason
    assert set(result.samples["status"]) == {"no_curve"}
    assert result.samples["concentration"].isna().all()


def test_the_cases_of_hooks_and_of_standards_upside_down(cases):
    folder = cases / "more"
    for file, good in (
        (cases / "tables" / "8_hook.csv", 6),
        (folder / "12_hook_in_range" / "p.csv", 7),
    ):
        result = fit(read_plate(file))
        (curve,) = result.curves.values()
        standards = curve.standards[curve.standards["expected"] > 0].iloc[:good]
        assert (standards["recovery_pct"] - 100).abs().max() < 5
        numbered = result.samples[result.samples["status"] != "below_lloq"]
        assert numbered["flags"].str.contains("hook_possible").all()
    turned = fit(read_plate(folder / "01_standards_upside_down" / "rev.csv"))
    assert not any(curve.ok for curve in turned.curves.values())
    right = fit(read_plate(folder / "01_standards_upside_down" / "ok.csv"))
    assert all(curve.verdict == "good" for curve in right.curves.values())
    assert not (right.flags["severity"] == "fail").any()


def test_a_level_without_a_reading_is_still_a_step_of_the_series() -> None:
    """Set aside as an outlier, it was taken for absent: "the step is 25-fold"."""

    def set_aside(wells: pd.DataFrame) -> None:
        wells.loc[level(wells, 4), "mfi"] = np.nan

    aside = changed(plate(), set_aside)
    lacking = aside.wells[aside.wells["mfi"].notna()].reset_index(drop=True)
    assert standard_findings(aside) == []
    assert "series_irregular" in codes(standard_findings(replace(aside, wells=lacking)))
    assert signal_levels(aside).at == signal_levels(replace(aside, wells=lacking)).at
