"""Wells and samples to concentrations: every number with its status, every bound in its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytokit.curves.fit import fit_curves
from cytokit.curves.quantify import quantify
from cytokit.options import FitOptions
from cytokit.schema import TABLES, RangeStatus
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate

A, B = CYTOKINES[0].name, CYTOKINES[1].name
NUMBERED = {"in_range", "below_lloq", "above_uloq"}


def make_plate(values, seed=3, **plan):
    truth = {name: np.full(2, float(value)) for name, value in values.items()}
    rng = np.random.default_rng(seed)
    return simulate_plate(CYTOKINES[:2], truth, rng=rng, plan=PlatePlan(**plan), name="P1")


def changed(plate, change):
    wells = plate.wells.copy()
    change(wells)
    return replace(plate, wells=wells)


@pytest.fixture(scope="module")
def plate():
    plate = make_plate({"none": 0.0, "trace": 3.0, "mid": 400.0, "mid 2": 700.0, "huge": 5e6})

    def saturate(wells):
        mine = wells["sample"] == "huge"
        wells.loc[mine, "mfi"] = 1e6

    return changed(plate, saturate)


@pytest.fixture(scope="module")
def curves(plate):
    return fit_curves([plate])


@pytest.fixture(scope="module")
def result(plate, curves):
    return quantify(plate, curves)


def test_columns_are_those_of_the_contract(plate, result):
    assert list(result.wells.columns) == TABLES["wells"].names
    assert list(result.samples.columns) == TABLES["samples"].names
    assert len(result.wells) == len(plate.wells)
    assert result.wells["well"].tolist() == plate.wells["well"].tolist()
    assert set(result.samples["well_type"]) == {"control", "unknown"}


@pytest.mark.parametrize("table", ["wells", "samples"])
def test_a_number_never_stands_without_a_status_nor_a_status_without_its_number(result, table):
    frame = getattr(result, table)
    has_number = frame["concentration"].notna()
    assert (has_number == frame["status"].isin(NUMBERED)).all()
    assert frame["status"].isin([str(one) for one in RangeStatus]).all()
    inside = frame[has_number]
    assert not (inside["ci_low"] > inside["concentration"]).any()
    assert not (inside["ci_high"] < inside["concentration"]).any()
    open_low = frame["flags"].str.contains("ci_open_low")
    assert frame.loc[open_low, "ci_low"].isna().all()
    both = frame["status"] == "in_range"
    assert frame.loc[both & ~open_low, "ci_low"].notna().all()


def row(result, sample, analyte=A):
    frame = result.samples
    return frame[(frame["sample"] == sample) & (frame["analyte"] == analyte)].iloc[0]


def test_a_sample_in_range_is_near_the_truth_with_dilution_applied(result):
    mid = row(result, "mid")
    assert mid["dilution_factor"] == 2.0
    assert mid["status"] == "in_range"
    assert mid["concentration"] == pytest.approx(400, rel=0.2)
    assert mid["ci_low"] < 400 < mid["ci_high"]
    assert mid["n_wells"] == 2


def test_above_the_curve_there_is_a_bound_and_no_number(result, curves):
    huge = row(result, "huge")
    assert huge["status"] == "oor_high"
    assert np.isnan(huge["concentration"])
    assert huge["limit_high"] == pytest.approx(curves[A].uloq * 2)
    assert np.isnan(huge["limit_low"])
    assert "ci_none" in huge["flags"]


def test_below_the_curve_the_bound_is_the_lod_times_the_dilution(plate, curves):
    def sink(wells):
        mine = (wells["sample"] == "none") & (wells["analyte"] == A)
        wells.loc[mine, "mfi"] = curves[A].lower - 0.5

    low = row(quantify(changed(plate, sink), curves), "none")
    assert low["status"] == "oor_low"
    assert low["limit_low"] == pytest.approx(curves[A].lod * 2)
    assert np.isnan([low["limit_high"], low["concentration"], low["ci_low"]]).all()
    assert np.isfinite(low["ci_high"])
    assert "ci_open_low" in low["flags"]


def test_replicates_are_combined_before_the_curve_is_inverted(plate, curves):
    wells = plate.wells
    mine = wells[(wells["sample"] == "mid") & (wells["analyte"] == A)].index

    def apart(frame):
        frame.loc[mine, "mfi"] = [900.0, 9000.0]

    result = quantify(changed(plate, apart), curves)
    found = row(result, "mid")
    curve = curves[A]
    assert found["concentration"] == pytest.approx(2 * curve.invert([4950.0])[0][0])
    low, high = curve.interval([4950.0], 2)
    np.testing.assert_allclose([found["ci_low"], found["ci_high"]], [2 * low[0], 2 * high[0]])
    single = result.wells.loc[mine, "concentration"].to_numpy()
    assert found["concentration"] != pytest.approx(single.mean(), rel=0.01)
    assert found["cv_pct"] == pytest.approx(100 * single.std(ddof=1) / single.mean())


def test_two_wells_narrow_the_interval(plate, curves, result):
    alone = np.zeros(len(plate.wells), dtype=bool)
    first = plate.wells[plate.wells["sample"] == "mid"].index[0]
    alone[first] = True
    one = row(quantify(plate, curves, excluded=alone), "mid")
    both = row(result, "mid")
    assert one["n_wells"] == 1
    assert "excluded" in one["flags"]
    assert one["ci_high"] / one["ci_low"] > both["ci_high"] / both["ci_low"]


def test_missing_and_excluded_readings_say_so(plate, curves):
    def lose(wells):
        wells.loc[(wells["sample"] == "mid") & (wells["analyte"] == A), "mfi"] = np.nan

    lost = changed(plate, lose)
    excluded = ((lost.wells["sample"] == "mid 2") & (lost.wells["analyte"] == A)).to_numpy()
    result = quantify(lost, curves, excluded=excluded)
    assert row(result, "mid")["status"] == "not_measured"
    assert row(result, "mid 2")["status"] == "excluded"
    assert row(result, "mid 2", B)["status"] == "in_range"
    wells = result.wells[excluded]
    assert (wells["status"] == "excluded").all()
    assert wells["concentration"].isna().all()
    assert (wells["flags"] == "excluded").all()


def test_without_a_curve_nothing_is_given(plate):
    def flat(wells):
        mine = (wells["analyte"] == A) & wells["well_type"].isin(["standard", "blank"])
        wells.loc[mine, "mfi"] = 30.0

    bad = changed(plate, flat)
    result = quantify(bad, fit_curves([bad]))
    mine = result.samples[result.samples["analyte"] == A]
    assert (mine["status"] == "no_curve").all()
    numbers = ["concentration", "ci_low", "ci_high", "limit_low", "limit_high"]
    assert mine[numbers].isna().to_numpy().all()
    other = result.samples[result.samples["analyte"] == B]
    assert (other["status"] != "no_curve").all()


def test_a_plate_on_which_every_curve_failed_is_still_answered(plate):
    def flat(wells):
        wells.loc[wells["well_type"].isin(["standard", "blank"]), "mfi"] = 30.0

    bad = changed(plate, flat)
    result = quantify(bad, fit_curves([bad]))
    assert (result.wells["status"] == "no_curve").all()


def test_limits_by_recovery_decide_where_asked(plate):
    options = FitOptions(limits="recovery")
    curves = fit_curves([plate], options)
    curve = curves[A]
    assert curve.range == (curve.lloq_recovery, curve.uloq_recovery)
    result = quantify(plate, curves, options)
    bead = result.wells["concentration"] / result.wells["dilution_factor"]
    mine = (result.wells["analyte"] == A) & (result.wells["status"] == "in_range")
    assert bead[mine].between(*curve.range).all()


def test_a_sample_without_a_name_is_called_by_its_well(plate, curves):
    def nameless(wells):
        wells.loc[wells["sample"] == "mid", "sample"] = ""

    result = quantify(changed(plate, nameless), curves)
    wells = plate.wells[plate.wells["sample"] == "mid"]["well"].unique()
    assert set(wells) <= set(result.samples["sample"])


def test_several_dilutions_are_merged_and_checked_for_parallelism(plate, curves):
    def dilute(wells):
        second = wells["sample"] == "mid 2"
        mfi = {name: curves[name].predict([25.0])[0] for name in (A, B)}
        wells.loc[second, "mfi"] = wells.loc[second, "analyte"].map(mfi)
        wells.loc[second, "dilution_factor"] = 16.0
        wells.loc[second & (wells["analyte"] == B), "dilution_factor"] = 160.0
        wells.loc[second, "sample"] = "mid"

    result = quantify(changed(plate, dilute), curves)
    merged, apart = row(result, "mid"), row(result, "mid", B)
    assert merged["n_wells"] == 4
    assert merged["flags"] == "dilutions_merged"
    assert merged["concentration"] == pytest.approx(400, rel=0.15)
    assert "not_parallel" in apart["flags"]
    assert apart["status"] == "not_measured"
    assert np.isnan([apart["concentration"], apart["ci_low"], apart["ci_high"]]).all()
    found = [one for one in result.findings if one.code == "not_parallel"]
    assert [(one.sample, one.analyte) for one in found] == [("mid", B)]
    assert "at 1:160" in found[0].message
    assert len(result.samples[result.samples["sample"] == "mid"]) == 2


def test_without_its_dilution_factor_a_sample_has_no_number_and_no_limit(plate, curves):
    def lose(wells):
        wells.loc[wells["sample"].isin(["mid", "huge"]), "dilution_factor"] = np.nan

    result = quantify(changed(plate, lose), curves)
    for sample in ("mid", "huge"):
        one = row(result, sample)
        assert one["status"] == "not_measured"
        assert "dilution_missing" in one["flags"].split(";")
        assert "dilutions_merged" not in one["flags"]
        own = plate.wells[(plate.wells["sample"] == sample) & (plate.wells["analyte"] == A)]
        assert (one["n_wells"], one["mfi"]) == (2, pytest.approx(own["mfi"].mean()))
        assert np.isnan([one["concentration"], one["limit_low"], one["limit_high"]]).all()
    wells = result.wells[result.wells["sample"] == "mid"]
    assert set(wells["status"]) == {"not_measured"}
    assert wells["concentration"].isna().all()
    assert wells["mfi"].notna().all()
    found = [one for one in result.findings if one.code == "dilution_missing"]
    assert [one.sample for one in found] == ["mid", "mid", "huge", "huge"]


def test_a_plate_without_samples_gives_an_empty_table():
    bare = make_plate({}, controls=())
    result = quantify(bare, fit_curves([bare]))
    assert result.samples.empty
    assert list(result.samples.columns) == TABLES["samples"].names
    assert len(result.wells) == len(bare.wells)


def test_a_well_read_twice_keeps_both_readings(plate, curves):
    import pandas as pd

    again = plate.wells[plate.wells["sample"] == "mid"]
    twice = replace(plate, wells=pd.concat([plate.wells, again], ignore_index=True))
    result = quantify(twice, curves)
    assert row(result, "mid")["n_wells"] == 4
    assert len(result.wells) == len(twice.wells)


def test_a_well_without_a_name_is_not_joined_to_a_sample_called_like_it(plate, curves):
    wells = plate.wells.copy()
    places = list(dict.fromkeys(wells.loc[wells["well_type"] == "unknown", "well"]))
    wells.loc[wells["well"] == places[0], "sample"] = ""
    wells.loc[wells["well"].isin(places[2:4]), "sample"] = places[0]
    samples = quantify(replace(plate, wells=wells), curves).samples
    once = samples[samples["analyte"] == plate.analyte_names[0]].set_index("sample")["n_wells"]
    assert once[places[0]] == 2
    assert once[f"{places[0]} (no name)"] == 1
