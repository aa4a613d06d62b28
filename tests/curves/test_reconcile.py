"""Our numbers against a vendor's: planted ones here, real ones in tests/real."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cytokit.curves.platefit import fit
from cytokit.curves.reconcile import SAME_RESIDUAL, reconcile, vendor_response
from cytokit.errors import NothingToDoError
from cytokit.plate import Plate, VendorCurve
from cytokit.schema import VendorStatus
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate


def plate_with_vendor(factor: float = 1.0) -> Plate:
    """A plate whose vendor printed our own fit under the vendor's rule, times a factor."""
    samples = {f"S{i}": np.full(2, 20.0 * 3**i) for i in range(4)}
    rng = np.random.default_rng(5)
    plate = simulate_plate(CYTOKINES[:2], samples, rng=rng, plan=PlatePlan(), name="P")
    ours = fit(plate, weights="xponent", prior="none", robust=False)
    curves = {
        name: VendorCurve(
            "Logistic 5P Weighted",
            a=curve.lower - curve.background,
            b=curve.upper - curve.background,
            c=curve.inflection,
            d=-curve.slope,
            f=curve.asymmetry,
        )
        for (_, name), curve in ours.curves.items()
    }
    numbers = ours.wells["concentration"] * factor
    wells = plate.wells.assign(
        vendor_concentration=numbers.to_numpy(),
        vendor_status=np.where(
            numbers.notna(), str(VendorStatus.IN_RANGE), str(VendorStatus.OOR_LOW)
        ),
    )
    return replace(plate, wells=wells, vendor_curves=curves)


def test_our_own_fit_under_the_vendors_rule_is_met_exactly() -> None:
    table = reconcile(plate_with_vendor()).table
    assert list(table["rule"]) == ["xponent", "xponent"]
    assert (table["n_compared"] > 10).all()
    assert (table["worst_difference_pct"] < 1e-6).all()
    assert list(table["smaller_residual"]) == ["equal", "equal"]
    assert (table["n_status_differ"] == 0).all()


def test_a_planted_difference_is_found_with_its_size() -> None:
    table = reconcile(plate_with_vendor(factor=1.25)).table
    assert np.allclose(table["median_difference_pct"], 20.0)


def test_a_worse_curve_of_the_vendor_is_called_so() -> None:
    plate = plate_with_vendor()
    bent = {name: replace(curve, c=curve.c * 1.1) for name, curve in plate.vendor_curves.items()}
    table = reconcile(replace(plate, vendor_curves=bent)).table
    assert set(table["smaller_residual"]) == {"ours"}
    assert (table["residual_ours"] < table["residual_vendor"] * (1 - SAME_RESIDUAL)).all()


def test_a_curve_of_another_plate_is_not_judged_on_these_standards() -> None:
    plate = plate_with_vendor()
    foreign = {
        name: replace(curve, regression="Logistic - 5PL, external")
        for name, curve in plate.vendor_curves.items()
    }
    table = reconcile(replace(plate, vendor_curves=foreign)).table
    assert table["residual_ours"].isna().all()
    assert set(table["smaller_residual"]) == {""}


def test_statuses_that_differ_are_counted() -> None:
    plate = plate_with_vendor()
    wells = plate.wells.copy()
    mine = (wells["analyte"] == "IL-6") & (wells["sample"] == "S3")
    wells.loc[mine, "vendor_concentration"] = np.nan
    wells.loc[mine, "vendor_status"] = str(VendorStatus.OOR_HIGH)
    table = reconcile(replace(plate, wells=wells)).table.set_index("analyte")
    assert table.loc["IL-6", "n_status_differ"] == 2
    assert table.loc["IFNg", "n_status_differ"] == 0


def test_the_vendors_equation_at_zero_and_at_its_ends() -> None:
    curve = VendorCurve("Logistic 5P", a=3.0, b=1000.0, c=50.0, d=-1.2, f=0.7)
    response = vendor_response(curve, np.array([0.0, 1e12]))
    assert response[0] == 3.0
    assert abs(response[1] - 1000.0) < 1e-6


def test_nothing_to_reconcile_is_an_error_with_a_mend() -> None:
    plain = simulate_plate(CYTOKINES, {}, rng=np.random.default_rng(0), name="P")
    with pytest.raises(NothingToDoError, match=r"CK-370: no plate holds results"):
        reconcile(plain)
