"""Bio-Plex Manager's raw data: intensities by well, with or without bead counts."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from cytokit.errors import FormatError
from cytokit.parsers.bioplex import read_raw
from cytokit.parsers.registry import PARSERS, recognise
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile

HEADER = (
    "File Name: C:\\runs\\plate 9.rbx",
    "Acquisition Date: 15-Jun-2017, 09:09 AM",
    "Reader Serial Number: LX1",
    "Plate ID: P-9",
)


def text(titles: str, rows: list[str], pad: int = 3) -> RawFile:
    lines = [*(line + "\t" * pad for line in HEADER), "\t" * pad, titles, *rows]
    return RawFile("raw.txt", "\r\n".join(lines).encode("cp1252"))


def read(raw: RawFile) -> Plate:
    assert recognise(raw).name == "bioplex_raw"
    (plate,) = read_raw(raw)
    return plate


def test_intensities_with_descriptions() -> None:
    titles = "Well\tType\tDescription\tHPV 6 (20)\tIL-1β (11)\tSampling Errors"
    raw = text(titles.replace("β", "b"), ["A1\tX1\tMGP1\t104\t1.5\t", "B1\tB\t\t4\t82\t1,4"])
    plate = read(raw)
    assert plate.name == "P-9"
    assert plate.analytes[["analyte", "bead_id"]].to_numpy().tolist() == [
        ["HPV 6", "20"],
        ["IL-1b", "11"],
    ]
    assert list(plate.wells["mfi"]) == [104, 1.5, 4, 82]
    assert list(plate.wells["sample"]) == ["MGP1", "MGP1", "B", "B"]
    assert list(plate.wells["expected"].fillna(-1)) == [-1, -1, 0, 0]
    assert plate.wells["comment"].iloc[2] == "sampling errors: low bead number, region selection"
    assert plate.wells["bead_count"].isna().all()


def test_bead_counts_beside_intensities_and_columns_of_the_whole_well() -> None:
    titles = "Well\tType\tEBP (35)\tMSP8 (29)\tRegion\tGate\tTotal\t% Agg Beads\tSampling Errors"
    rows = [
        "A1\tBlank1\t20 (150)\t--- (4)\t*812\t937\t1080\t13\t0",
        "A2\tS1\t15710,5 (52)\t11990 (61)\t*319\t417\t576\t28\t1,4",
        "A3\tX088\t1,25 (9)\t*** \t*1\t2\t3\t4\t0",
    ]
    plate = read(text(titles, rows))
    assert plate.source.decimal == ","
    wells = plate.wells
    assert list(wells["mfi"].fillna(-1)) == [20, -1, 15710.5, 11990, 1.25, -1]
    assert list(wells["bead_count"].fillna(-1)) == [150, 4, 52, 61, 9, -1]
    assert list(wells["well_type"].iloc[::2]) == ["blank", "standard", "unknown"]
    assert wells["comment"].iloc[1] == "designated as an outlier"
    assert list(plate.statistics["Region"]["EBP"]) == ["*812", "*319", "*1"]
    assert list(plate.statistics["Gate"]["EBP"]) == [937, 417, 2]
    assert [f.code for f in plate.findings] == ["no_expected"]


def test_every_sheet_with_such_a_table_is_a_plate(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    del book[book.sheetnames[0]]
    for name in ("one", "two"):
        page = book.create_sheet(name)
        for line in HEADER[:3]:
            page.append([line.replace("plate 9", name)])
        page.append([])
        page.append(["Well", "Type", "IL-6 (19)"])
        page.append(["A1", "X1", 12.5])
    book.create_sheet("about").append(["who made this"])
    path = tmp_path / "raw.xlsx"
    book.save(path)
    plates = read_raw(RawFile.open(path))
    assert [plate.name for plate in plates] == ["one", "two"]
    assert [part.name for part in plates[0].unread] == ["sheet 'about'"]


def test_lines_around_the_table_are_read_or_named() -> None:
    titles = "Well\tType\tIL-6 (19)"
    rows = ["A1\tX1\t1", "", "*** = Value not available", "who knows", "Plate ID: other"]
    plate = read(text(titles, rows))
    assert [part.name for part in plate.unread] == ["who knows"]
    assert "'Plate ID' is 'other', elsewhere 'P-9'" in plate.findings[0].message


def test_a_table_without_bio_plex_header_is_not_claimed() -> None:
    raw = RawFile("x.csv", b"Well,Type,IL-6 (19)\nA1,X1,1\n")
    assert not PARSERS["bioplex_raw"].sniff(raw)


@pytest.mark.parametrize(
    ("titles", "rows", "words"),
    [
        ("Well\tType\tIL-6 (19)", ["Z9\tX1\t1"], ["CK-140", "'Z9'", "line 7"]),
        ("Well\tType\tIL-6 (19)\tIL-6 (19)", ["A1\tX1\t1\t2"], ["CK-146", "'IL-6 (19)'"]),
        ("Well\tType\tIL-6 (19)", [], ["CK-141"]),
        ("Well\tType\tIL-6 (19)\tCRP (20)", ["A1\tX1\t1"], ["CK-148", "'CRP (20)'"]),
    ],
)
def test_damage_names_its_place(titles: str, rows: list[str], words: list[str]) -> None:
    with pytest.raises(FormatError) as caught:
        read_raw(text(titles, rows))
    assert all(word in str(caught.value) for word in words)
