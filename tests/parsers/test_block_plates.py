"""Blocks in other forms than the instrument writes: the plate is what the Median block says."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from cytokit.errors import CytokitError
from cytokit.parsers.read import read_plate, read_plates
from cytokit.plate import Plate

Write = Callable[..., str]
Save = Callable[..., Path]

FILES = "files"


def messages(plate: Plate, code: str) -> list[str]:
    return [finding.message for finding in plate.findings if finding.code == code]


def values(plate: Plate, column: str, analyte: str = "IL-6") -> dict[str, float]:
    rows = plate.wells[plate.wells["analyte"] == analyte]
    return dict(zip(rows["well"], rows[column], strict=True))


def refused(saved: Save, text: str, *parts: str) -> None:
    with pytest.raises(CytokitError) as caught:
        read_plates(saved(text))
    for part in parts:
        assert part in str(caught.value)


def workbook_of(text: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for line in text.splitlines():
        sheet.append([cell.strip('"') for cell in line.split('","')])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def semicolons(text: str) -> str:
    return text.replace('","', '";"')


# -- blocks beside the medians


@pytest.mark.parametrize(
    "name", ["xponent_dilution_doubled_header.csv", "xponent_dilution_lists_unread_wells.csv"]
)
def test_a_dilution_block_in_disorder_refuses_no_plate(cases: Path, name: str) -> None:
    plate = read_plate(cases / FILES / name)
    assert values(plate, "mfi") == {"A1": 32, "B1": 33}
    assert values(plate, "dilution_factor") == {"A1": 1, "B1": 1}
    (said,) = messages(plate, "header_mismatch")
    assert said.startswith("block 'Dilution Factor'")


@pytest.mark.parametrize("turn", [str, semicolons, workbook_of])
@pytest.mark.parametrize("block", ["Median", "Net MFI", "Count"])
def test_column_names_that_stand_again_are_skipped(
    xponent: Write, saved: Save, turn: Callable[[str], str | bytes], block: str
) -> None:
    text = xponent()
    head = '"Location","Sample","IL-6","TNFa","Total Events"\r\n'
    whole = read_plate(saved(text, "whole.csv"))
    for again in (head + head, head.replace("Location", "location") + head):
        doubled = text.replace(f'"DataType:","{block}"\r\n{head}',
                               f'"DataType:","{block}"\r\n{again}')  # fmt: skip
        plate = read_plate(saved(turn(doubled), "odd"))
        assert plate.wells.equals(whole.wells)
        assert f"block {block!r}: the column names stand again inside of the block" in messages(
            plate, "header_mismatch"
        )
    paged = text.replace('"5(1,E1)","Control1","140.5"', head + '"5(1,E1)","Control1","140.5"')
    assert read_plate(saved(paged, "paged.csv")).wells.equals(whole.wells)


def test_medians_under_two_heads_that_differ_are_refused(xponent: Write, saved: Save) -> None:
    head = '"Location","Sample","IL-6","TNFa","Total Events"\r\n'
    twice = head.replace("IL-6", "IL-8") + head
    refused(saved, xponent().replace(head, twice, 1), "CK-126", "stand again", "are others")


@pytest.mark.parametrize(("block", "column"), [("Count", "bead_count"), ("Net MFI", "net_mfi")])
def test_wells_that_another_block_lacks_are_empty_there_and_said(
    xponent: Write, saved: Save, block: str, column: str
) -> None:
    text = xponent()
    start = text.index(f'"DataType:","{block}"')
    line = next(row for row in text[start:].splitlines(True) if row.startswith('"3(1,C1)"'))
    plate = read_plate(saved(text[:start] + text[start:].replace(line, "", 1)))
    assert math.isnan(values(plate, column)["C1"])
    assert sum(map(math.isnan, values(plate, column).values())) == 1
    (finding,) = (f for f in plate.findings if f.code == "missing_value")
    assert (finding.well, finding.sample) == ("C1", "Standard1")
    assert finding.message == f"no row in block {block!r}: no value from it"
    other = line.replace("3(1,C1)", "33(1,C4)")
    plate = read_plate(saved(text[:start] + text[start:].replace(line, other, 1)))
    assert math.isnan(values(plate, column)["C1"])
    assert messages(plate, "header_mismatch") == [
        f"block {block!r} has rows of wells that block 'Median' does not have; "
        "they are not read: 33(1,C4)"
    ]
    renumbered = line.replace("3(1,C1)", "30(1,C1)")
    plate = read_plate(saved(text[:start] + text[start:].replace(line, renumbered, 1)))
    assert not math.isnan(values(plate, column)["C1"])
    assert "found by their wells: C1" in messages(plate, "header_mismatch")[0]
    strange = line.replace("3(1,C1)", "mean")
    plate = read_plate(saved(text[:start] + text[start:].replace(line, line + strange, 1)))
    assert "rows that begin with no location" in messages(plate, "header_mismatch")[0]


def test_a_row_that_a_block_gives_twice_counts_only_if_both_agree(
    xponent: Write, saved: Save
) -> None:
    text, line = xponent(), '"3(1,C1)","Standard1","80","81","500"\r\n'
    alike = read_plate(saved(text.replace(line, line * 2)))
    assert values(alike, "bead_count")["C1"] == 80
    assert "stands twice, alike" in messages(alike, "header_mismatch")[0]
    other = read_plate(saved(text.replace(line, line + line.replace("80", "8"))))
    assert math.isnan(values(other, "bead_count")["C1"])
    assert "stands twice, differently" in messages(other, "header_mismatch")[0]


def test_a_block_of_other_wells_or_twice_is_left_out(xponent: Write, saved: Save) -> None:
    text = xponent()
    start = text.index('"DataType:","Count"')
    end = text.index('"DataType:","Units"')
    count = text[start:end]
    elsewhere = text.replace(count, count.replace("(1,", "(2,"))
    plate = read_plate(saved(elsewhere))
    assert all(map(math.isnan, values(plate, "bead_count").values()))
    assert "block 'Count' has no row for any well of block 'Median': it has no values" in messages(
        plate, "header_mismatch"
    )
    twice = text.replace('"DataType:","Count"', '"DataType:","Net MFI"')
    plate = read_plate(saved(twice))
    assert all(map(math.isnan, values(plate, "net_mfi").values()))
    assert "stands twice, first on line 18, and differently; it is not read" in " ".join(
        messages(plate, "header_mismatch")
    )
    lost = text.replace('"DataType:","Count"\r\n"Location"', '"DataType:","Count"\r\n"Lucation"')
    plate = read_plate(saved(lost))
    assert "found 'Lucation', 'Sample'; it is not read" in messages(plate, "header_mismatch")[0]
    short = read_plate(saved(text.replace('"80","81","500"', '"80"', 1)))
    assert math.isnan(values(short, "bead_count")["C1"])
    assert "the row ends before 'TNFa'; the row is not read" in " ".join(
        messages(short, "header_mismatch")
    )


def test_dilutions_by_sample_by_analyte_and_of_no_known_form(xponent: Write, saved: Save) -> None:
    by_sample = [["DataType:", "Dilution Factor"], ["Sample", "Dilution Factor"],
                 ["Unknown1", "1:4"], ["my own", "8"], []]  # fmt: skip
    plate = read_plate(saved(xponent(extra=by_sample)))
    factors = values(plate, "dilution_factor")
    assert (factors["F1"], factors["H1"], factors["B1"]) == (4, 8, 1)
    assert math.isnan(factors["G1"])
    by_analyte = [
        ["DataType:", "Dilution Factor"],
        ["Location", "Sample", "IL-6", "TNFa"],
        ["6(1,F1)", "Unknown1", "2", "4"],
        ["7(1,G1)", "Unknown2", "2", "2"],
        [],
    ]
    factors = values(read_plate(saved(xponent(extra=by_analyte))), "dilution_factor")
    assert math.isnan(factors["F1"])
    assert factors["G1"] == 2
    strange = [["DataType:", "Dilution Factor"], ["Reagent", "Factor"], ["x", "2"], []]
    factors = values(read_plate(saved(xponent(extra=strange))), "dilution_factor")
    assert [well for well, factor in factors.items() if math.isnan(factor)] == [
        "E1", "F1", "G1", "H1",
    ]  # fmt: skip


# -- columns that were dropped


def test_a_column_behind_the_events_is_an_analyte_if_it_holds_numbers(
    cases: Path, xponent: Write, saved: Save
) -> None:
    plate = read_plate(cases / FILES / "xponent_column_after_total_events.csv")
    assert values(plate, "mfi", "TNF") == {"A1": 7, "B1": 8}
    assert messages(plate, "header_mismatch") == [
        "block 'Median': column 'TNF' stands after 'Total Events'; it is read as an analyte"
    ]
    text = xponent()
    moved = text.replace('"TNFa","Total Events"', '"Total Events","TNFa"')
    for row in text.splitlines():
        if row.endswith(',"500"'):
            value = row.split(",")[-2]
            moved = moved.replace(row, row.replace(f'{value},"500"', f'"500",{value}'))
    plate, whole = read_plate(saved(moved)), read_plate(saved(text))
    assert plate.wells.equals(whole.wells)
    assert plate.statistics["Total Events"].equals(whole.statistics["Total Events"])
    noted = text.replace('"Total Events"\r\n', '"Total Events","my words"\r\n')
    noted = noted.replace(',"500"\r\n', ',"500","fine"\r\n')
    plate = read_plate(saved(noted))
    assert plate.wells.equals(whole.wells)
    assert (
        "block 'Median': column 'my words' stands after 'Total Events' and holds no numbers; "
        "it is not read"
    ) in messages(plate, "header_mismatch")


# -- blocks without their header, several plates


@pytest.mark.parametrize("turn", [str, semicolons, workbook_of])
def test_blocks_alone_are_a_plate(
    cases: Path, saved: Save, turn: Callable[[str], str | bytes]
) -> None:
    text = (cases / FILES / "xponent_median_block_only.csv").read_text()
    plate = read_plate(saved(turn(text.strip()), "blocks"))
    assert (plate.name, plate.source.format) == ("blocks", "xponent")
    assert values(plate, "mfi", "IL-8") == {"A1": 9, "B1": 6800, "C1": 590}
    assert values(plate, "bead_count", "IL-8") == {"A1": 98, "B1": 99, "C1": 99}
    assert {"no_header", "no_footer"} <= {one.code for one in plate.findings}


def test_a_header_without_its_first_line_is_still_one(xponent: Write, saved: Save) -> None:
    text = xponent()
    headless = text[text.index('"Build"') :]
    plate = read_plate(saved(headless))
    assert plate.name == "batch 1"
    assert plate.wells.equals(read_plate(saved(text)).wells)
    assert messages(plate, "no_header")


def plate_text(xponent: Write, number: int, offset: float) -> str:
    cells = [[f"{offset + row}", f"{offset + row + 0.5}"] for row in range(8)]
    return xponent(plate=[number] * 8, blocks={"Median": cells}, batch=f"run {number}")


def median_of(text: str) -> str:
    start = text.index('"DataType:","Median"')
    return text[start : text.index('"DataType:","Net MFI"')]


def test_plates_that_their_locations_tell_apart_are_read_as_such(
    xponent: Write, saved: Save
) -> None:
    one, two = plate_text(xponent, 1, 100), plate_text(xponent, 2, 900)
    second = median_of(two)
    bare = second.split("\r\n", 1)[1]
    rows = bare.split("\r\n", 1)[1].lstrip()
    first = median_of(one)
    for stacked in (first + second, first + bare, first[:-2] + bare, first[:-2] + rows):
        plates = read_plates(saved(one.replace(first, stacked)))
        assert [plate.name for plate in plates] == ["run 1 plate 1", "run 1 plate 2"]
        assert values(plates[0], "mfi")["A1"] == 100
        assert values(plates[1], "mfi")["H1"] == 907
        assert all(map(math.isnan, values(plates[1], "bead_count").values()))
    whole = one + two
    plates = read_plates(saved(whole))
    assert [plate.name for plate in plates] == ["run 1", "run 2"]
    assert [values(plate, "mfi")["A1"] for plate in plates] == [100, 900]
    assert values(plates[1], "bead_count")["A1"] == 60


def test_plates_that_cannot_be_told_apart_are_refused_with_that_reason(
    xponent: Write, saved: Save
) -> None:
    one, two = plate_text(xponent, 1, 100), plate_text(xponent, 1, 900)
    first, second = median_of(one), median_of(two)
    why = "save each plate in a file of its own, or number them in the locations"
    refused(saved, one.replace(first, first + second), "CK-161: block 'Median' stands on lines 7,",
            "the locations of each say plate 1", why)  # fmt: skip
    rows = second.split("\r\n", 2)[2]
    refused(saved, one.replace(first, first[:-2] + rows), "CK-161", "8 locations stand twice", why)
    again = rows
    for row in range(8, 0, -1):
        again = again.replace(f'"{row}(1,', f'"{row + 8}(1,')
    named = again.replace("Unknown", "Patient").replace("my own", "your own")
    refused(saved, one.replace(first, first[:-2] + named), "CK-161", "3 wells stand twice and are "
            "called otherwise each time (F1: 'Unknown1' and 'Patient1')")  # fmt: skip
    twice = read_plate(saved(one.replace(first, first[:-2] + again)))
    assert len(messages(twice, "repeated_well")) == 8
    other = median_of(plate_text(xponent, 2, 900)).replace("TNFa", "IL-8")
    refused(saved, one.replace(first, first + other), "CK-161", "name different analytes")
    refused(saved, one.replace(first, first + second.split("\r\n", 1)[1]), "CK-125")
    alike = read_plate(saved(one.replace(first, first + first)))
    assert values(alike, "mfi")["A1"] == 100
    assert "alike in every cell" in messages(alike, "header_mismatch")[0]


def test_exports_on_sheets_of_one_workbook_are_plates_and_other_sheets_are_listed(
    xponent: Write, saved: Save, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    del book[book.sheetnames[0]]
    for number, offset in ((1, 100), (2, 900)):
        sheet = book.create_sheet(f"run {number}")
        for line in plate_text(xponent, 1, offset).splitlines():
            sheet.append([cell.strip('"') for cell in line.split('","')])
    book.create_sheet("remarks").append(["all went well"])
    book.save(tmp_path / "two.xlsx")
    plates = read_plates(tmp_path / "two.xlsx")
    assert [values(plate, "mfi")["A1"] for plate in plates] == [100, 900]
    assert len({plate.name for plate in plates}) == 2
    assert all("sheet 'remarks'" in [part.name for part in plate.unread] for plate in plates)


def test_joined_exports_may_each_begin_with_a_mark_of_their_encoding(
    xponent: Write, saved: Save
) -> None:
    one, two = plate_text(xponent, 1, 100), plate_text(xponent, 1, 900)
    joined = "".join("\ufeff" + text for text in (one, two)).encode()
    plates = read_plates(saved(joined))
    assert [values(plate, "mfi")["A1"] for plate in plates] == [100, 900]
    assert len({plate.name for plate in plates}) == 2
