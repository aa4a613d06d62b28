"""What an export says twice and differently is kept apart and said, or refused: never chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from cytokit.errors import CytokitError
from cytokit.parsers.read import read_plate
from cytokit.plate import Plate
from cytokit.tables.layouts import apply_layout, read_layout

Save = Callable[..., Path]
Table = list[list[object]]

HEADER: Table = [["File Name: a.rbx"], ["Plate ID: P1"], []]
COLUMNS: list[object] = ["Analyte", "Type", "Well", "Description", "FI", "FI - Bkgd", "Dilution"]


def workbook(path: Path, sheets: dict[str, Table]) -> Path:
    book = openpyxl.Workbook()
    del book[book.sheetnames[0]]
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def tabbed(rows: Table) -> str:
    return "".join("\t".join(map(str, row)) + "\r\n" for row in rows)


def refused(file: Path, *parts: str) -> None:
    with pytest.raises(CytokitError) as caught:
        read_plate(file)
    for part in parts:
        assert part in str(caught.value)


def messages(plate: Plate, code: str) -> list[str]:
    return [finding.message for finding in plate.findings if finding.code == code]


def samples(plate: Plate) -> dict[tuple[str, str], str]:
    columns = (plate.wells[name] for name in ("well", "analyte", "sample"))
    return {(well, analyte): sample for well, analyte, sample in zip(*columns, strict=True)}


def of_analyte(name: str, *described: tuple[str, str, str]) -> Table:
    rows: Table = [[name, code, well, text, 100, 90, 2] for code, well, text in described]
    return [*HEADER, [f"Analyte: {name}"], COLUMNS, *rows]


def test_a_well_that_two_analytes_describe_differently_keeps_both_names(
    cases: Path, tmp_path: Path
) -> None:
    plate = read_plate(cases / "files" / "bioplex_description_differs.xlsx")
    assert samples(plate)["B2", "IL-1b"] == "2"
    assert samples(plate)["B2", "IL-4"] == "P-02"
    assert messages(plate, "header_mismatch") == [
        f"B{n} (X{n}) is described as '{n}' (IL-1b (1)) and 'P-0{n}' (IL-4 (9)): "
        "each analyte keeps its own name of the sample"
        for n in (1, 2, 3)
    ]
    assert [f.well for f in plate.findings if f.code == "header_mismatch"] == ["B1", "B2", "B3"]
    layout = tmp_path / "layout.csv"
    layout.write_text("well,sample\nB1,Anna\n")
    named = samples(apply_layout(plate, read_layout(layout)))
    assert (named["B1", "IL-1b"], named["B1", "IL-4"]) == ("Anna", "Anna")
    assert (named["B2", "IL-1b"], named["B2", "IL-4"]) == ("2", "P-02")


def test_what_one_analyte_leaves_out_another_says(saved: Save) -> None:
    rows = of_analyte("IL-6 (1)", ("X1", "A1", ""), ("X2", "B1", "P2"))
    rows += of_analyte("TNF (2)", ("X1", "A1", "P1"), ("X2", "B1", "P2"))
    plate = read_plate(saved(tabbed(rows), "a.txt"))
    assert set(samples(plate).values()) == {"P1", "P2"}
    assert messages(plate, "header_mismatch") == []


def test_one_code_for_several_samples_is_taken_apart(saved: Save) -> None:
    rows = of_analyte("IL-6 (1)", ("X", "A1", "P1"), ("X", "B1", "P2"), ("X", "C1", "P2"))
    plate = read_plate(saved(tabbed(rows), "a.txt"))
    assert samples(plate) == {
        ("A1", "IL-6"): "P1", ("B1", "IL-6"): "P2", ("C1", "IL-6"): "P2",
    }  # fmt: skip
    assert messages(plate, "header_mismatch") == [
        "type code 'X' is described as 'P1' (A1), 'P2' (B1): taken as several samples"
    ]


def statistic(name: str, described: str = "P1", dilution: object = 2) -> Table:
    return [
        *HEADER,
        ["", "", "", "", "IL-6 (1)", "TNF (2)"],
        ["Type", "Well", "Description", "Dilution", name, name],
        ["X1", "A1", described, dilution, 100, 200],
        ["X2", "B1", "P2", 2, 101, 201],
    ]


def test_sheets_of_statistics_that_disagree_are_refused(cases: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    workbook(file, {"FI": statistic("FI"), "Obs": statistic("Obs Conc", "P9", 4)})
    refused(file, "CK-162: well A1 (X1): the description is 'P9' here and 'P1' in another sheet",
            "the dilution is '4' here and '2' in another", "sheet Obs, line 6")  # fmt: skip
    workbook(file, {"FI": statistic("FI", ""), "Obs": statistic("Obs Conc", "P1")})
    assert samples(read_plate(file))["A1", "IL-6"] == "P1"
    refused(
        cases / "files" / "bioplex_two_FI_sheets.xlsx",
        "CK-163: sheets 'FI' and 'FI (2)' both hold 'FI'",
    )
    workbook(file, {"FI": statistic("FI"), "net": statistic("FI - Bkgd"),
                    "net 2": statistic("FI - Bkgd")})  # fmt: skip
    refused(file, "CK-163: sheets 'net' and 'net 2' both hold 'FI - Bkgd'")


@pytest.mark.parametrize("title", ["FI", "Obs Conc", "Std Dev", "fi", "Description"])
def test_two_columns_of_one_name_are_refused(cases: Path, saved: Save, title: str) -> None:
    refused(cases / "files" / "bioplex_two_FI_columns.xlsx", "CK-163: two columns are called 'FI' "
            "(columns 4, 7)", "sheet IL-6, line 4")  # fmt: skip
    columns = ["Type", "Well", "Description", "FI", "FI - Bkgd", "Obs Conc", "Std Dev", title]
    rows: Table = [*HEADER, ["Analyte: IL-6 (1)"], columns, ["X1", "A1", "s", 1, 1, 1, 1, 2]]
    refused(saved(tabbed(rows), "a.txt"), "CK-163: two columns are called", ", 8)", "line 5")
    beside = statistic("FI")
    for row in beside[4:]:
        row.insert(4, row[2])
    beside[3].insert(4, "")
    refused(saved(tabbed(beside), "b.txt"), "CK-163: two columns are called 'Description'")


def test_a_column_of_an_intelliflex_that_stands_twice_is_refused(cases: Path, saved: Save) -> None:
    refused(
        cases / "files" / "wide_duplicate_column.csv",
        "CK-163: two columns are called 'R25: RP1 MEDIAN' (columns 4, 6)",
    )
    text = "WELL LOCATION;SAMPLE ID;Sample  ID;R25: RP1 MEDIAN\nA1;a;b;5\n--DOCUMENT SIGNATURE--\n"
    refused(saved(text), "CK-163: two columns are called 'SAMPLE ID' (columns 2, 3)", "line 1")
