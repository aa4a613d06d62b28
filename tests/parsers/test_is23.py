"""Luminex IS 2.3: blocks with units in the results, and the lots file beside them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from cytokit.errors import DesignError, FormatError
from cytokit.parsers.is23 import read_is23
from cytokit.parsers.read import find_plates, read_plate, read_plates
from cytokit.parsers.registry import recognise
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile
from cytokit.tables.layouts import read_layout
from cytokit.tables.lots import read_lots

HEADER = (
    '"Program","Luminex 100 IS"\n"Build","2.3"\n"Date","10/29/2010","11:06:38 AM"\n\n'
    '"SN","LX1"\n"Session","run 4"\n"AssayLotInfo:"\n'
    '"ManufacturerName","ProductName","ProductNo","ProductType","LotName","ExpirationDate"\n'
    '"X","Kit","80584","Assay Standard","207751","5/31/2012"\n'
    '"X","Kit","80584","Assay Control","207751","5/31/2012"\n\n'
    '"Samples","6","Min Events","0"\n\n"Results"\n\n'
)
WELLS = (
    *(("A1", "Background"), ("B1", "St1"), ("C1", "St2"), ("D1", "ConA"), ("E1", "3507")),
    ("F1", "background"),
)
BLOCKS = {
    "Median": [
        ("11", "9.5"),
        ("20492.5", "90"),
        ("149", "58"),
        ("39", "18"),
        ("14.5", "11"),
        ("3", "4"),
    ],
    "Result": [
        *(("N/A", "N/A"), ("1907.79 pg/mL", "215.51 pg/mL"), ("940.5 pg/mL", "137 pg/mL")),
        *(("147 pg/mL", "26 pg/mL"), ("839.5 pg/mL", ">900 pg/mL"), ("<15.67 pg/mL", "<4 pg/mL")),
    ],
    "Count": [("100", "132")] * 6,
    "%CV": [("5.5", "6.25")] * 6,
    "Avg Result": [("<1 pg/mL", "2 pg/mL")] * 6,
}
LOTS = (
    '"Lot","Analyte","Unit","St1","St2","ConA.lo","ConA.hi"\n'
    '207751,"Abeta1-42","[pg/mL]",1803,857,135,203\n'
    '207751,"TAU","[pg/mL]",205,,23,35\n'
    '"191705","tau","[pg/mL]",999,999,1,2\n'
)


def block(name: str, rows: list[tuple[str, str]]) -> str:
    titles = '"Location","Sample","Abeta1-42","tau","Total Events","Notes"'
    lines = [f'"DataType:","{name}"', titles]
    for number, ((well, sample), cells) in enumerate(zip(WELLS, rows, strict=True), start=1):
        remark = "dry" if number == 5 else ""
        shown = '","'.join((f"{number} ({well})", sample, *cells, "365", remark))
        lines.append(f'"{shown}"')
    return "\n".join(lines) + "\n\n"


def export(blocks: dict[str, list[tuple[str, str]]] | None = None, header: str = HEADER) -> bytes:
    text = header + "".join(block(name, rows) for name, rows in (blocks or BLOCKS).items())
    return text.replace("\n", "\r\n").encode()


def read(data: bytes, lots: str | None = LOTS) -> Plate:
    raw = RawFile("run.csv", data)
    assert recognise(raw).name == "is23"
    given = None if lots is None else RawFile("kit_lots.csv", lots.encode())
    (plate,) = read_is23(raw, lots=given)
    return plate


def codes(plate: Plate) -> list[str]:
    return [finding.code for finding in plate.findings]


def test_readings_results_and_expected_concentrations() -> None:
    plate = read(export())
    assert plate.name == "run 4"
    assert list(plate.analytes["unit"]) == ["pg/mL", "pg/mL"]
    abeta = plate.wells[plate.wells["analyte"] == "Abeta1-42"].set_index("well")
    assert list(abeta["well_type"]) == [
        *("blank", "standard", "standard", "control", "unknown", "unknown")
    ]
    assert list(abeta["expected"].fillna(-1)) == [0, 1803, 857, -1, -1, -1]
    assert tuple(abeta.loc["D1", ["expected_low", "expected_high"]]) == (135, 203)
    assert abeta.loc["B1", "vendor_concentration"] == 1907.79
    assert list(abeta["vendor_status"]) == [
        *("not_available", "in_range", "in_range", "in_range", "in_range", "oor_low")
    ]
    assert abeta.loc["F1", "vendor_limit"] == 15.67
    assert abeta.loc["E1", "comment"] == "dry"
    assert set(abeta["bead_count"]) == {100}
    tau = plate.wells[plate.wells["analyte"] == "tau"].set_index("well")
    assert (tau.loc["E1", "vendor_status"], tau.loc["E1", "vendor_limit"]) == ("oor_high", 900)


def test_an_analyte_spelled_otherwise_in_the_lots_file_and_a_level_that_is_missing() -> None:
    plate = read(export())
    tau = plate.wells[plate.wells["analyte"] == "tau"].set_index("well")
    assert tau.loc["B1", "expected"] == 205
    assert math.isnan(tau.loc["C1", "expected"])
    assert "standards of tau: give a layout" in "".join(f.message for f in plate.findings)


def test_other_blocks_are_kept() -> None:
    plate = read(export())
    assert list(plate.statistics["%CV"]["tau"]) == [6.25] * 6
    assert list(plate.statistics["Avg Result"]["Abeta1-42"]) == ["<1 pg/mL"] * 6
    assert list(plate.statistics["Total Events"]["Total Events"]) == [365] * 6


def test_a_sample_that_is_called_like_the_blank_is_named() -> None:
    plate = read(export())
    assert "'background' is not the software's own" in "".join(f.message for f in plate.findings)


def test_lots_file_beside_the_export_is_found_and_said(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(export())
    (tmp_path / "kit_lots.csv").write_text(LOTS)
    (tmp_path / "plotted.csv").write_text("x,y\n1,2\n")
    (tmp_path / "lot_broken.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
    (plate,) = read_is23(RawFile.open(path))
    said = next(f.message for f in plate.findings if f.code == "companion_file")
    assert "kit_lots.csv (SHA-256 " in said
    assert plate.wells["expected"].max() == 1803


def test_a_lots_file_is_recorded_with_the_plate(tmp_path: Path) -> None:
    run, lots = tmp_path / "run.csv", tmp_path / "kit_lots.csv"
    run.write_bytes(export())
    lots.write_text(LOTS)
    (found,) = read_plate(run).companions
    assert (found.path, found.format) == (str(lots), "lots")
    assert found.sha256 == RawFile.open(lots).sha256
    assert read_plate(run, layout=lots).companions == (found,), "once, given or found"
    (run_alone,) = read_is23(RawFile("elsewhere.csv", export()))
    assert run_alone.companions == ()


def test_a_lots_file_given_as_layout_is_used(tmp_path: Path) -> None:
    run, lots = tmp_path / "run.csv", tmp_path / "kits" / "208.csv"
    lots.parent.mkdir()
    run.write_bytes(export())
    lots.write_text(LOTS)
    assert read_plate(run).wells["expected"].max() == 0
    for plate in (
        read_plate(run, layout=lots),
        read_plate(run, layout=read_layout(lots)),
        *read_plates([run], layout=lots),
    ):
        assert plate.wells["expected"].max() == 1803
        assert [companion.path for companion in plate.companions] == [str(lots)]


def test_a_lots_file_is_no_layout_for_another_family_and_no_plate(
    xponent: Callable[..., str], tmp_path: Path
) -> None:
    lots, run = tmp_path / "kit_lots.csv", tmp_path / "run.csv"
    lots.write_text(LOTS)
    run.write_text(xponent())
    with pytest.raises(DesignError, match=r"CK-211: a lots file of Luminex IS 2.3") as caught:
        read_plate(run, layout=lots)
    assert "'batch 1'" in str(caught.value)
    (other,) = find_plates(tmp_path).others
    assert (other.name, other.reason.split(",")[0]) == (
        *("kit_lots.csv", "a lots file of Luminex IS 2.3"),
    )
    lots.write_text(LOTS.replace("1803", "18o3"))
    with pytest.raises(FormatError, match="CK-152"):
        read_layout(lots)


def test_two_lots_files_beside_the_export_are_not_chosen_from(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_bytes(export())
    for name in ("lots_a.csv", "lots_b.csv"):
        (tmp_path / name).write_text(LOTS)
    (plate,) = read_is23(RawFile.open(path))
    assert "several lots files" in "".join(f.message for f in plate.findings)
    assert "no_expected" in codes(plate)
    assert plate.wells["expected"].max() == 0


def test_without_a_lots_file_or_a_lot_name_nothing_is_expected() -> None:
    assert "no_expected" in codes(read(export(), lots=None))
    plate = read(export(header=HEADER.replace("AssayLotInfo:", "OtherInfo:")))
    assert "the export names none" in "".join(f.message for f in plate.findings)


def test_units_that_differ_are_a_finding() -> None:
    plate = read(export(), lots=LOTS.replace("[pg/mL]", "[ng/mL]"))
    assert "more than one unit: pg/mL, ng/mL" in "".join(f.message for f in plate.findings)
    assert list(plate.analytes["unit"]) == ["pg/mL", "pg/mL"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (export({"Count": BLOCKS["Count"]}), ["CK-150", "'Median'"]),
        (
            export().replace(b'"Location","Sa', b'"Location","Xa', 1),
            ["CK-154", "'Median'", "Xample"],
        ),
        (export().replace(b'"1 (A1)"', b'"1 (Z1)"'), ["CK-124", "'1 (Z1)'"]),
        (export().replace(b'"Count"\r\n', b'"Count"\r\n\r\n'), ["CK-126"]),
    ],
)
def test_damage_names_its_place(data: bytes, words: list[str]) -> None:
    with pytest.raises(FormatError) as caught:
        read_is23(RawFile("run.csv", data))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", ["CK-151", "kit_lots.csv"]),
        (LOTS.replace("1803", "18o3"), ["CK-152", "'18o3'", "line 2", "column St1"]),
        (LOTS + '207751,"TAU","[pg/mL]",1,2,3,4\n', ["CK-153", "'TAU'", "line 5"]),
    ],
)
def test_a_damaged_lots_file_is_refused(text: str, words: list[str]) -> None:
    with pytest.raises(FormatError) as caught:
        read(export(), lots=text)
    assert all(word in str(caught.value) for word in words)


def test_lots_file_in_a_path_or_a_workbook(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in LOTS.replace('"', "").splitlines():
        sheet.append([float(c) if c.isdigit() and len(c) < 5 else c for c in line.split(",")])
    book.save(tmp_path / "kit.xlsx")
    lots = read_lots(RawFile.open(tmp_path / "kit.xlsx"))
    entry = lots.find("207751", "Abeta1-42")
    assert entry is not None
    assert entry.levels == {"St1": 1803, "St2": 857}
    assert entry.ranges == {"ConA": (135, 203)}
    assert lots.find("207751", "absent") is None
    (plate,) = read_is23(RawFile("run.csv", export()), lots=RawFile.open(tmp_path / "kit.xlsx"))
    assert plate.wells["expected"].max() == 1803
