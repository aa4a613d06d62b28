"""Real Bio-Plex and IS 2.3 exports: what they hold, and the vendor's own numbers recomputed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytokit.curves.platefit import fit
from cytokit.parsers.bioplex import invert
from cytokit.parsers.read import read_file, read_plate
from cytokit.parsers.registry import PARSERS, recognise
from cytokit.plate import Plate
from cytokit.schema import WellType
from cytokit.sources.raw import RawFile

pytestmark = pytest.mark.real

FAMILIES = {
    "bioplex_per_analyte/bama_02_14A22.xls": "bioplex_analyte",
    "bioplex_per_analyte/biorad_27plex.xls": "bioplex_analyte",
    "bioplex_per_analyte/raw_and_summary.xlsx": "bioplex_analyte",
    "bioplex_per_analyte/rnd22plex_20180906_3.txt": "bioplex_analyte",
    "bioplex_per_statistic/decimal_comma_11plex.xlsx": "bioplex_statistic",
    "bioplex_per_statistic/decimal_comma_3plex.xlsx": "bioplex_statistic",
    "bioplex_raw/decimal_comma_3plex_raw.xlsx": "bioplex_raw",
    "bioplex_raw/fi_with_bead_count.xlsx": "bioplex_raw",
    "bioplex_raw/hpv_raw.txt": "bioplex_raw",
    "bioplex_xml/bioplex_6_2.xml": "bioplex_xml",
    "is23/luminex100_is23.csv": "is23",
}
WITH_CURVES = (
    ("bioplex_per_analyte/bama_02_14A22.xls", 6),
    ("bioplex_per_analyte/biorad_27plex.xls", 27),
    ("bioplex_per_analyte/raw_and_summary.xlsx", 3),
    ("bioplex_per_statistic/decimal_comma_11plex.xlsx", 11),
    ("bioplex_per_statistic/decimal_comma_3plex.xlsx", 3),
)


def read(real: Path, name: str) -> Plate:
    (plate,) = read_file(real / "plates" / name)
    return plate


@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
def test_exactly_one_family_claims_each_file(real: Path, name: str, family: str) -> None:
    raw = RawFile.open(real / "plates" / name)
    assert [parser.name for parser in PARSERS.values() if parser.sniff(raw)] == [family]
    assert family == recognise(raw).name


@pytest.mark.parametrize(("name", "curves"), WITH_CURVES)
def test_printed_concentrations_follow_from_printed_curves(
    real: Path, name: str, curves: int
) -> None:
    """Proves intensities, dilutions, decimal commas and equations at once."""
    plate = read(real, name)
    assert len(plate.vendor_curves) == curves
    errors: list[float] = []
    for analyte, curve in plate.vendor_curves.items():
        rows = plate.wells[plate.wells["analyte"] == analyte]
        rows = rows[rows["vendor_concentration"] > 0]
        at_bead = np.array([invert(curve, y) for y in rows["net_mfi"]])
        ours = at_bead * rows["dilution_factor"].to_numpy()
        errors += list(np.abs(ours / rows["vendor_concentration"].to_numpy() - 1))
    assert len(errors) > 40
    assert np.nanmedian(errors) < 0.001
    assert np.nanquantile(errors, 0.9) < 0.02
    assert np.isnan(errors).mean() < 0.02


@pytest.mark.parametrize(("name", "curves"), WITH_CURVES)
def test_out_of_range_means_no_inverse(real: Path, name: str, curves: int) -> None:
    plate = read(real, name)
    wrong = total = 0
    for analyte, curve in plate.vendor_curves.items():
        rows = plate.wells[plate.wells["analyte"] == analyte]
        rows = rows[rows["vendor_status"].isin(["oor_low", "oor_high"])]
        total += len(rows)
        wrong += sum(not np.isnan(invert(curve, y)) for y in rows["net_mfi"])
    assert wrong <= 0.02 * total


def test_biorad_27plex(real: Path) -> None:
    plate = read(real, "bioplex_per_analyte/biorad_27plex.xls")
    assert plate.name == "10JAN07 plate 1"
    assert len(plate.analytes) == 27
    assert plate.analyte_names[5] == "Hu IL-6"
    il1b = plate.wells[plate.wells["analyte"] == "Hu IL-1b"].set_index("label")
    # S1 is the highest standard of this maker
    assert list(il1b["expected"].iloc[1:4]) == [37947.0, 9486.75, 2371.69]
    assert il1b.loc["S1", "outlier"]
    assert np.isnan(il1b.loc["S1", "mfi"])
    assert il1b.loc["X1", "vendor_status"] == "extrapolated"
    assert il1b.loc["X1", "dilution_factor"] == 4
    assert [part.name for part in plate.unread] == ["sheet 'Project Template'"]


def test_two_tables_of_one_analyte(real: Path) -> None:
    plate = read(real, "bioplex_per_analyte/raw_and_summary.xlsx")
    assert set(plate.wells["n_replicates"]) == {1}
    assert len(plate.wells) == 3 * 24
    assert "Replicates: FI" in plate.statistics
    plate = read(real, "bioplex_per_analyte/rnd22plex_20180906_3.txt")
    assert len(plate.analytes) == 22
    assert len(plate.wells) == 22 * 88
    assert plate.wells["bead_count"].notna().all()
    assert len(plate.unread) == 23  # analytes of the panel without readings


def test_external_standards_and_spellings(real: Path) -> None:
    plate = read(real, "bioplex_per_statistic/decimal_comma_11plex.xlsx")
    codes = [finding.code for finding in plate.findings]
    assert {"external_standards", "no_expected", "no_vendor_curve"} <= set(codes)
    standards = plate.of_type(WellType.STANDARD)
    assert standards.loc[standards["external"], "expected"].notna().all()
    assert standards.loc[~standards["external"], "expected"].isna().all()
    plate = read(real, "bioplex_per_statistic/decimal_comma_3plex.xlsx")
    said = [f.message for f in plate.findings if f.code == "name_matched"]
    assert said[0] == "'PDGFAA (34)' in sheet 'Obs Conc' was taken for 'PDGF-AA (34)'"


def test_raw_data_and_the_same_plate_by_statistic_agree(real: Path) -> None:
    """The mean of the raw file's wells is the other export's FI."""
    raw = read(real, "bioplex_raw/decimal_comma_3plex_raw.xlsx").wells
    means = read(real, "bioplex_per_statistic/decimal_comma_3plex.xlsx").wells
    names = {"PDGF-AA": "PDGFAA", "PDGF-AB/BB": "PDGFAB/BB"}
    by_well = raw.set_index(["analyte", "well"])["mfi"]
    for row in means.itertuples():
        analyte = names.get(row.analyte, row.analyte)
        wells = [by_well[analyte, well] for well in row.wells.split(",")]
        assert np.mean(wells) == pytest.approx(row.mfi, abs=0.051)


def test_xml_with_zero_expected_concentrations(real: Path) -> None:
    plate = read(real, "bioplex_xml/bioplex_6_2.xml")
    assert len(plate.wells) == 96 * 15
    assert [f.code for f in plate.findings].count("no_expected") == 1
    assert plate.wells["bead_count"].notna().sum() == 8 * 15
    assert "Well/BeadEventData" in [part.name for part in plate.unread]


def test_is23_with_its_lots_file(real: Path) -> None:
    plate = read(real, "is23/luminex100_is23.csv")
    assert [f.code for f in plate.findings] == ["companion_file", "unknown_type"]
    assert set(plate.analytes["unit"]) == {"pg/mL"}
    standards = plate.of_type(WellType.STANDARD)
    recovery = standards["vendor_concentration"] / standards["expected"]
    assert recovery.between(0.8, 1.2).all()
    controls = plate.of_type(WellType.CONTROL)
    assert controls["expected_low"].notna().all()
    low = plate.wells[plate.wells["vendor_status"] == "oor_low"]
    assert sorted(set(low["vendor_limit"])) == [4.0, 7.33, 15.67]


def test_the_printed_spread_of_means_is_the_cv_of_the_samples(real: Path) -> None:
    """The 27-plex prints means of two wells with their Std Dev; its %CV is that of net MFI."""
    plate = read_plate(real / "plates" / "bioplex_per_analyte" / "biorad_27plex.xls")
    result = fit(plate)
    samples = result.samples[result.samples["mfi_cv_pct"].notna()]
    assert len(samples) > 500
    assert set(samples["n_wells"]) == {2}
    wells = plate.wells.set_index(["sample", "analyte"])
    printed = wells.reindex(pd.MultiIndex.from_frame(samples[["sample", "analyte"]]))
    theirs = 100 * (printed["replicate_sd"] / printed["mfi"]).to_numpy()
    np.testing.assert_allclose(samples["mfi_cv_pct"], theirs, rtol=1e-9)
    of_net = 100 * printed["replicate_sd"] / printed["net_mfi"]
    assert (printed["replicate_cv_pct"] - of_net).abs().median() < 0.05
