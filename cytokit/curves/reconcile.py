"""Our numbers against the vendor's own, where an export holds both.

The plate is fitted again under the vendor's rule (its weights, no prior, nothing down-weighted), so
that what is compared is the fit and not the choice of weights; the default fit stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytokit.arrays import Floats
from cytokit.curves.fit import StandardCurve
from cytokit.curves.platefit import PlateFit, fit
from cytokit.curves.standards import rule_weights
from cytokit.errors import NothingToDoError, Problem, place
from cytokit.options import WeightName
from cytokit.parsers.registry import PARSERS
from cytokit.plate import Plate, VendorCurve
from cytokit.schema import VendorStatus

#: two residuals nearer than this are the same optimum
SAME_RESIDUAL = 1e-6
#: a curve taken from another plate was not fitted to these standards
EXTERNAL = ", external"
COLUMNS = (
    "plate",
    "analyte",
    "rule",
    "n_compared",
    "median_difference_pct",
    "worst_difference_pct",
    "default_difference_pct",
    "n_status_differ",
    "residual_ours",
    "residual_vendor",
    "smaller_residual",
)


@dataclass(frozen=True)
class Reconciliation:
    """What :func:`reconcile` returns."""

    table: pd.DataFrame
    wells: pd.DataFrame


def reconcile(plates: Plate | Iterable[Plate]) -> Reconciliation:
    """Compare our concentrations and residuals with the vendor's."""
    listed = [plates] if isinstance(plates, Plate) else list(plates)
    rows, wells = [], []
    for plate in listed:
        if not (plate.vendor_curves or plate.wells["vendor_concentration"].notna().any()):
            continue
        rule = vendor_rule(plate)
        same = fit(plate, weights=rule, prior="none", robust=False)
        usual = fit(plate)
        compared = _side_by_side(plate, same, usual)
        wells.append(compared)
        rows += [_row(plate, analyte, rule, same, compared) for analyte in plate.analyte_names]
    if not rows:
        names = ", ".join(plate.source.path for plate in listed)
        raise NothingToDoError(
            Problem(
                "CK-370",
                "no plate holds results of the vendor's software",
                place(names),
                "export the plate with its results and analysis coefficients",
            )
        )
    return Reconciliation(
        pd.DataFrame(rows, columns=list(COLUMNS)), pd.concat(wells, ignore_index=True)
    )


def vendor_rule(plate: Plate) -> WeightName:
    """The weight rule of the software that wrote the export."""
    family = PARSERS.get(plate.source.format)
    return "xponent" if family is None else family.weights


def vendor_response(curve: VendorCurve, x: Floats) -> Floats:
    """Response of the vendor's printed curve, on its own (net) scale."""
    with np.errstate(divide="ignore", over="ignore"):  # x = 0: the power is infinite, the share 0
        bend = (1.0 + (x / curve.c) ** curve.d) ** curve.f
    return np.asarray(curve.a + (curve.b - curve.a) / bend, dtype=np.float64)


def _side_by_side(plate: Plate, same: PlateFit, usual: PlateFit) -> pd.DataFrame:
    """Each reading with the vendor's number and both of ours."""
    frame = plate.wells[["well", "sample", "analyte", "well_type", "dilution_factor"]].copy()
    frame.insert(0, "plate", plate.name)
    frame["vendor"] = plate.wells["vendor_concentration"]
    frame["vendor_status"] = plate.wells["vendor_status"]
    frame["ours"] = same.wells["concentration"].to_numpy()
    frame["status"] = same.wells["status"].to_numpy()
    frame["default"] = usual.wells["concentration"].to_numpy()
    standards = plate.wells[plate.wells["expected"] > 0]
    standards = standards[standards["well_type"] == "standard"]
    span = standards.groupby("analyte")["expected"].agg(["min", "max"])
    at_bead = frame["vendor"] / frame["dilution_factor"]
    low, high = (frame["analyte"].map(span[name]).astype("float64") for name in ("min", "max"))
    frame["in_span"] = (at_bead >= low) & (at_bead <= high)
    return frame


def _row(
    plate: Plate, analyte: str, rule: str, same: PlateFit, compared: pd.DataFrame
) -> dict[str, object]:
    mine = compared[compared["analyte"] == analyte]
    inside = mine[mine["in_span"]]
    ours = _difference(inside["ours"], inside["vendor"])
    usual = _difference(inside["default"], inside["vendor"])
    residual_ours, residual_vendor = _residuals(plate, analyte, rule, same.curves[analyte])
    return {
        "plate": plate.name,
        "analyte": analyte,
        "rule": rule,
        "n_compared": len(ours),
        "median_difference_pct": float(np.median(ours)) if len(ours) else np.nan,
        "worst_difference_pct": float(np.max(ours)) if len(ours) else np.nan,
        "default_difference_pct": float(np.median(usual)) if len(usual) else np.nan,
        "n_status_differ": _statuses_that_differ(mine),
        "residual_ours": residual_ours,
        "residual_vendor": residual_vendor,
        "smaller_residual": _smaller(residual_ours, residual_vendor),
    }


def _difference(ours: pd.Series, vendor: pd.Series) -> Floats:
    """Absolute difference in per cent of the vendor's number, where both stand."""
    both = ours.notna() & vendor.notna() & (vendor > 0)
    ratio = ours[both].to_numpy(float) / vendor[both].to_numpy(float)
    return np.asarray(100.0 * np.abs(ratio - 1.0))


def _statuses_that_differ(mine: pd.DataFrame) -> int:
    """Readings where one side gives a number and the other does not."""
    said = mine[mine["vendor_status"] != str(VendorStatus.NOT_GIVEN)]
    numberless = {str(VendorStatus.NOT_AVAILABLE), str(VendorStatus.OUTLIER)}
    said = said[~said["vendor_status"].isin(numberless)]
    return int((said["vendor"].notna() != said["ours"].notna()).sum())


def _residuals(plate: Plate, analyte: str, rule: str, curve: StandardCurve) -> tuple[float, float]:
    """Weighted residual of our curve and of the vendor's under the vendor's objective."""
    printed = plate.vendor_curves.get(analyte)
    if printed is None or printed.regression.endswith(EXTERNAL) or not curve.ok:
        return np.nan, np.nan
    used = curve.wells[curve.wells["used"] & (curve.wells["expected"] > 0)]
    printed_net = plate.wells[plate.wells["analyte"] == analyte].set_index("well")["net_mfi"]
    printed_net = printed_net[~printed_net.index.duplicated(keep=False)]
    ours = vendors = 0.0
    for x, wells in used.groupby("expected"):
        raw = wells["mfi"].to_numpy(float)
        weight = rule_weights(rule, raw.reshape(1, -1, 1), np.array([curve.background])).ravel()
        # the vendor prints net and raw rounded apart: its own net is what it fitted
        net = printed_net.reindex(wells["well"]).to_numpy(float)
        net = np.where(np.isnan(net), raw - curve.background, net)
        level = np.array([float(str(x))])
        ours += float(np.sum(weight * (net - (curve.predict(level) - curve.background)) ** 2))
        vendors += float(np.sum(weight * (net - vendor_response(printed, level)) ** 2))
    return ours, vendors


def _smaller(ours: float, vendor: float) -> str:
    if np.isnan(ours) or np.isnan(vendor):
        return ""
    if abs(ours - vendor) <= SAME_RESIDUAL * max(ours, vendor):
        return "equal"
    return "ours" if ours < vendor else "vendor"
