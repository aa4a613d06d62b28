"""Simulated plates, fitted: what was put in is found, and nothing where nothing was."""

from __future__ import annotations

import pytest

from cytokit.curves.platefit import fit
from cytokit.qc.control import quality_control


@pytest.fixture(scope="module")
def guide(simulated):
    result = quality_control(fit(simulated(14, 1)))
    return result.guide_set(who="QA", why="the first fourteen plates")


def controls(table):
    return table[table["series"] == "control"]


def test_plates_like_the_guides_are_in_control(guide, simulated):
    result = quality_control(fit(simulated(10, 2, start=30)), guide=guide)
    flags = result.flags
    assert not set(flags["code"]) & {"qc_drift", "qc_lot_shift", "qc_10_x"}
    # of 20 values one or two are beyond 2 SD by chance, and the guide's SD is not exact
    assert (controls(result.table)["z"].abs() > 2).sum() <= 4
    assert len(result.drift) > 0
    assert controls(result.drift)["p_adjusted"].min() > 0.05


def test_a_drift_of_the_controls_is_named(guide, simulated):
    result = quality_control(fit(simulated(12, 3, start=30, drift=0.04)), guide=guide)
    flags = result.flags[result.flags["code"] == "qc_drift"]
    found = flags[flags["series"] == "control"]
    assert set(found["level"]) == {"Control1", "Control2"}
    assert "rises by" in found["message"].iloc[0]
    # four per cent a plate in units of the guide's SD of ln
    rows = controls(result.drift).set_index("level")
    for level in ("Control1", "Control2"):
        true = 0.04 / guide.limits["control", level, "IFNg"].sd
        assert rows.loc[level, "slope_low"] < true < rows.loc[level, "slope_high"]
    assert not result.ok


def test_a_step_at_a_new_lot_is_named_with_its_size(guide, simulated):
    plates = simulated(10, 8, start=30, step=0.4, step_at=5)
    result = quality_control(fit(plates), guide=guide)
    flags = result.flags[result.flags["code"] == "qc_lot_shift"]
    assert set(flags["level"]) == {"Control1", "Control2"}
    assert "Kit Lot A -> Kit Lot B" in flags["message"].iloc[0]
    rows = controls(result.steps)
    assert ((rows["ratio_low"] < 1.492) & (rows["ratio_high"] > 1.492)).all()
    # a step between lots is no drift within them
    drift = result.flags[result.flags["code"] == "qc_drift"]
    assert "control" not in set(drift["series"])


@pytest.mark.slow
def test_a_new_lot_alone_is_marked_and_is_no_step(guide, simulated):
    result = quality_control(fit(simulated(12, 5, start=30, step_at=6)), guide=guide)
    assert len(result.steps) > 0
    assert not (result.flags["code"] == "qc_lot_shift").any()
