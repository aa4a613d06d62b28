"""Two real MAGPIX plates against the vendor's own numbers in their exports."""

from __future__ import annotations

import numpy as np
import pytest

from cytokit.curves.platefit import fit
from cytokit.parsers.read import read_plate

pytestmark = pytest.mark.real
PLATES = ("magpix_a549.csv", "magpix_rle6tn.csv")


@pytest.fixture(scope="module", params=PLATES)
def plate(real, request):
    return read_plate(real / "plates" / "xponent" / request.param)


@pytest.fixture(scope="module")
def vendors(plate):
    """The fit under xPONENT's own rule."""
    return fit(plate, weights="xponent", prior="none", robust=False)


@pytest.fixture(scope="module")
def default(plate):
    return fit(plate)


def test_under_the_vendors_rule_concentrations_are_the_vendors(plate, vendors):
    for analyte in plate.analyte_names:
        mine = vendors.wells[vendors.wells["analyte"] == analyte]
        theirs = mine["vendor_concentration"]
        standards = mine.loc[mine["well_type"] == "standard", "expected"]
        at_bead = theirs / mine["dilution_factor"]
        inside = at_bead.between(standards.min(), standards.max())
        assert inside.sum() >= 10
        difference = (mine["concentration"] / theirs - 1).abs()[inside]
        assert difference.notna().all()
        assert difference.median() < 0.01


def test_under_the_vendors_rule_the_residual_is_never_larger(plate, vendors):
    for analyte, vendor in plate.vendor_curves.items():
        curve = vendors.curves[analyte]
        wells = plate.wells[plate.wells["analyte"] == analyte]
        wells = wells[wells["well_type"] == "standard"]
        x, net = wells["expected"].to_numpy(), wells["net_mfi"].to_numpy()
        weight = np.where(net == 0, 1.0, 1 / np.where(net == 0, 1.0, net) ** 2)
        theirs = vendor.a + (vendor.b - vendor.a) / (1 + (x / vendor.c) ** vendor.d) ** vendor.f
        ours = curve.predict(x) - curve.background
        ratio = (weight * (net - ours) ** 2).sum() / (weight * (net - theirs) ** 2).sum()
        assert ratio <= 1 + 1e-6


def passing_levels(curve):
    recovery = curve.standards["recovery_pct"]
    return int(recovery.between(80, 120).sum())


def test_by_default_as_many_standards_recover_as_on_the_vendors_curves(real):
    ours = theirs = 0
    for name in PLATES:
        plate = read_plate(real / "plates" / "xponent" / name)
        vendor = fit(plate, weights="xponent", prior="none", robust=False)
        ours += sum(passing_levels(curve) for curve in fit(plate).curves.values())
        theirs += sum(passing_levels(curve) for curve in vendor.curves.values())
    assert theirs == 28
    assert ours >= theirs


def test_by_default_no_curve_fails_and_every_number_has_its_status(default):
    assert all(curve.ok for curve in default.curves.values())
    has_number = default.wells["concentration"].notna()
    numbered = {"in_range", "below_lloq", "above_uloq"}
    assert (has_number == default.wells["status"].isin(numbered)).all()


def test_the_well_that_is_off_in_every_analyte_is_found(real):
    """G1 of the RLE-6TN plate reads 1.7 to 2.2 times its twin in all three analytes."""
    flags = fit(read_plate(real / "plates" / "xponent" / "magpix_rle6tn.csv")).flags
    low = flags[flags["code"] == "downweighted"]
    assert set(low["well"]) == {"G1"}
