"""Every real plate by its own parser, with a golden summary; xPONENT's numbers recomputed.

``CYTOKIT_REGENERATE=1 pytest tests/real/test_xponent_real.py`` writes the summaries anew: analytes,
wells by type, expected concentrations, how many vendor values, statuses by kind and unread parts,
but none of the data.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cytokit.parsers.read import read_file, read_plate, read_plates
from cytokit.parsers.registry import PARSERS
from cytokit.plate import Plate
from cytokit.schema import WellType
from cytokit.sources.raw import RawFile
from cytokit.tables.layouts import read_layout

pytestmark = pytest.mark.real

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "parsers"
FAMILY = {
    "xponent/flexmap_example02.csv": "xponent",
    "xponent/flexmap_missing_optional.csv": "intelliflex_blocks",
    "xponent/flexmap_nan_not_reported.csv": "xponent",
    "xponent/magpix_a549.csv": "xponent",
    "xponent/magpix_rle6tn.csv": "xponent",
    "xponent/serology_with_holes.csv": "xponent",
    "xponent_multiplate/plate01.csv": "intelliflex_blocks",
    "xponent_multiplate/plate02.csv": "intelliflex_blocks",
    "xponent_multiplate/plate04.csv": "intelliflex_blocks",
    "intelliflex/blocks_96well.csv": "intelliflex_blocks",
    "intelliflex/blocks_96well_hook.csv": "intelliflex_blocks",
    "intelliflex/blocks_example01.csv": "intelliflex_blocks",
    "intelliflex/wide_v2_2.csv": "intelliflex",
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
NO_PLATES = {"is23/kit_lots.csv", "xponent/serology_with_holes_layout.xlsx"} | {
    f"xponent_multiplate/plate{number}_layout.xlsx" for number in ("01", "02", "04")
}


def summary(plate: Plate) -> dict[str, Any]:
    """What was read, in numbers that hold none of the data."""
    wells = plate.wells
    levels = wells[wells["well_type"] == str(WellType.STANDARD)].dropna(subset=["expected"])
    expected = {
        str(analyte): sorted({float(f"{x:.6g}") for x in part["expected"]}, reverse=True)
        for analyte, part in levels.groupby("analyte", sort=False)
    }
    return {
        "format": plate.source.format,
        "encoding": plate.source.encoding,
        "delimiter": plate.source.delimiter,
        "decimal": plate.source.decimal,
        "size": plate.size,
        "analytes": plate.analyte_names,
        "units": sorted(set(plate.analytes["unit"])),
        "wells": Counter(wells.drop_duplicates("well")["well_type"]),
        "samples": int(wells["sample"].nunique()),
        "readings": int(wells["mfi"].notna().sum()),
        "net_readings": int(wells["net_mfi"].notna().sum()),
        "bead_counts": int(wells["bead_count"].notna().sum()),
        "dilutions": Counter(f"{x:g}" for x in wells.drop_duplicates("well")["dilution_factor"]),
        "expected": expected,
        "controls_with_range": int(wells["expected_low"].notna().sum()),
        "vendor_values": int(wells["vendor_concentration"].notna().sum()),
        "vendor_limits": int(wells["vendor_limit"].notna().sum()),
        "vendor_recoveries": int(wells["vendor_recovery_pct"].notna().sum()),
        "vendor_status": Counter(wells["vendor_status"]),
        "vendor_curves": Counter(curve.regression for curve in plate.vendor_curves.values()),
        "statistics": {name: list(table.shape) for name, table in plate.statistics.items()},
        "findings": Counter(finding.code for finding in plate.findings),
        "unread": [f"{part.name}: {part.reason}" for part in plate.unread],
    }


@pytest.mark.parametrize("name", FAMILY)
def test_every_real_plate_reads_as_its_golden_summary(real: Path, name: str) -> None:
    plates = read_file(real / "plates" / name)
    assert {plate.source.format for plate in plates} == {FAMILY[name]}
    found = json.loads(json.dumps([summary(plate) for plate in plates], ensure_ascii=False))
    golden = GOLDEN / f"{name.replace('/', '__')}.json"
    if os.environ.get("CYTOKIT_REGENERATE") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert found == json.loads(golden.read_text(encoding="utf-8"))


def test_every_real_file_is_claimed_by_its_own_parser_alone(real: Path) -> None:
    files = sorted(path for path in (real / "plates").rglob("*") if path.is_file())
    seen = set()
    for file in files:
        name = file.relative_to(real / "plates").as_posix()
        raw = RawFile.open(file)
        claims = [parser.name for parser in PARSERS.values() if parser.sniff(raw)]
        assert claims == ([FAMILY[name]] if name in FAMILY else []), name
        seen.add(name)
    assert seen == set(FAMILY) | NO_PLATES


@pytest.mark.parametrize("name", ["magpix_a549.csv", "magpix_rle6tn.csv"])
def test_the_vendors_results_follow_from_its_printed_curve(real: Path, name: str) -> None:
    plate = read_plate(real / "plates/xponent" / name)
    compared = 0
    for analyte, curve in plate.vendor_curves.items():
        wells = plate.wells[plate.wells["analyte"] == analyte].dropna(
            subset=["vendor_concentration"]
        )
        net = wells["net_mfi"].to_numpy()
        with np.errstate(invalid="ignore"):  # responses outside the curve have no inverse
            inner = ((curve.b - curve.a) / (net - curve.a)) ** (1 / curve.f) - 1
            ours = curve.c * inner ** (1 / curve.d) * wells["dilution_factor"].to_numpy()
        theirs = wells["vendor_concentration"].to_numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
        compared += len(theirs)
    assert compared > 100


def test_raw_exports_agree_with_their_checksum_and_others_do_not(real: Path) -> None:
    def differs(name: str) -> bool:
        plate = read_plate(real / "plates/xponent" / name)
        return any(finding.code == "checksum_differs" for finding in plate.findings)

    assert not differs("magpix_a549.csv")
    assert not differs("magpix_rle6tn.csv")
    assert differs("serology_with_holes.csv"), "re-saved from a spreadsheet"


def codes(plate: Plate) -> Counter[str]:
    return Counter(finding.code for finding in plate.findings)


def test_a_spreadsheets_dates_are_named_by_well_and_analyte(real: Path) -> None:
    plate = read_plate(real / "plates/xponent/serology_with_holes.csv")
    damage = [finding for finding in plate.findings if finding.code == "damaged_value"]
    first = damage[0]
    assert (first.well, first.analyte) == ("H2", "Spike_6P_IPP")
    assert "block '%CV', line 279: '20.lip'" in first.message
    assert all(finding.well and finding.analyte for finding in damage)


def types_of(plate: Plate) -> dict[str, int]:
    return dict(Counter(plate.wells.drop_duplicates("well")["well_type"]))


def test_codes_are_decided_by_the_layout_not_guessed(real: Path) -> None:
    file = real / "plates/xponent/serology_with_holes.csv"
    plain = read_plate(file)
    assert types_of(plain) == {"unknown": 44}
    assert codes(plain)["well_type_unclear"] == 12
    layout = read_layout(real / "plates/xponent/serology_with_holes_layout.xlsx")
    plate = read_plate(file, layout=layout)
    assert types_of(plate) == {"blank": 1, "standard": 11, "unknown": 32}
    assert len(set(plate.wells["well"])) == 44, "holes stay holes"
    assert codes(plate)["layout_gap"] == 1
    standards = plate.of_type(WellType.STANDARD)
    one = standards[standards["analyte"] == "ME_NA"].set_index("well")
    assert one["expected"]["H2"] == pytest.approx(1 / 50)
    assert one["expected"]["H12"] == pytest.approx(1 / 102400)


@pytest.mark.parametrize("number", ["01", "02", "04"])
def test_the_three_plates_of_a_study_with_their_layouts(real: Path, number: str) -> None:
    folder = real / "plates/xponent_multiplate"
    plate = read_plate(folder / f"plate{number}.csv", layout=folder / f"plate{number}_layout.xlsx")
    assert types_of(plate) == {"blank": 1, "standard": 11, "unknown": 84}
    unknowns: Sequence[str] = plate.of_type(WellType.UNKNOWN)["sample"].unique()
    assert len(unknowns) == 84
    assert not any(name.startswith("Unknown") for name in unknowns)


def test_a_folder_of_plates_and_layouts(real: Path, caplog: pytest.LogCaptureFixture) -> None:
    plates = read_plates(real / "plates/xponent_multiplate")
    assert len(plates) == 3
    assert len({plate.name for plate in plates}) == 3
    assert caplog.text.count("a layout file, not a plate") == 3


def test_users_controls_are_samples(real: Path) -> None:
    plate = read_plate(real / "plates/xponent/magpix_a549.csv")
    controls = set(plate.of_type(WellType.CONTROL)["sample"])
    assert controls == {"Control1", "Control2"}
    assert "Normoxia Control 1" in set(plate.of_type(WellType.UNKNOWN)["sample"])
    assert codes(plate) == {"name_matched": 1}
