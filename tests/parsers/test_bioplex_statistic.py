"""Bio-Plex Manager, one statistic per sheet: decimal commas, spellings, curves without names."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from cytokit.errors import FormatError
from cytokit.parsers.bioplex import read_statistic
from cytokit.parsers.registry import recognise
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile

HEADER = (
    "File Name: S:\\runs\\plate 3.rbx",
    "Acquisition Date: 01-Nov-2018, 01:55 ",
    "Plate ID: ",
    "RP1 PMT (Volts): 571,18",
)
ANALYTES = ("RANTES (74)", "PDGF-AA (34)", "IL-11 (34)")
PARAMETERS = {
    "RANTES (74)": (4.65, 16725.5, 900.0, -1.2, 0.8),
    "PDGF-AA (34)": (-3.5, 24834.9, 2023.0, -1.6, 0.57),
    "IL-11 (34)": (-2.25, 11644.25, 60.0, -0.9, 1.0),
}
ROWS = (
    *(("B", "G2,H2"), ("S1", "A1,B1"), ("S2", "C1,D1"), ("S3", "E1,F1"), ("S4", "G1,H1")),
    *(("C1", "E2"), ("X1", "A3"), ("X2", "B3")),
)
LEVELS = {"S1": 4000.0, "S2": 800.0, "S3": 160.0, "S4": 32.0}
DILUTION = {"X1": 4.0, "X2": 4.0, "C1": 2.0}
AT_BEAD = {**LEVELS, "C1": 90.0, "X1": 50.0, "X2": 7.0}

Sheets = dict[str, list[list[object]]]


def comma(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def net(analyte: str, label: str) -> float:
    a, b, c, d, f = PARAMETERS[analyte]
    x = AT_BEAD.get(label)
    return 80.0 if x is None else a + (b - a) / (1 + (x / c) ** d) ** f


def cell(statistic: str, analyte: str, label: str) -> str:
    value = net(analyte, label)
    dilution = DILUTION.get(label, 1.0)
    if statistic == "FI":
        return comma(value if label == "B" else value + 80)
    if statistic == "FI - Bkgd":
        return comma(value)
    if statistic == "Obs Conc":
        return comma(AT_BEAD[label] * dilution) if label in AT_BEAD else ""
    if statistic == "Exp Conc":
        return comma(LEVELS[label]) if label in LEVELS else ("180,00" if label == "C1" else "")
    if statistic == "Dilution":
        return comma(dilution)
    if statistic == "Conc in Range":
        return "OOR <" if label == "X2" else comma(AT_BEAD.get(label, 0.0) * dilution)
    return "0"


def equation(analyte: str) -> str:
    a, b, c, d, f = PARAMETERS[analyte]
    sign = "+" if a < 0 else "-"
    if f == 1:
        text = f"FI = {a} + ({b} {sign} {abs(a)}) / (1 + (Conc / {c})^{d})"
    else:
        text = f"FI = {a} + ({b} {sign} {abs(a)}) / ((1 + (Conc / {c})^{d}))^{f}"
    return "Std. Curve: " + text.replace(".", ",")


STATISTICS = (*("Outlier", "FI", "FI - Bkgd", "Obs Conc", "Exp Conc", "Dilution", "Conc in Range"),)


def sheets(statistics: tuple[str, ...] = STATISTICS) -> Sheets:
    book: Sheets = {}
    for statistic in statistics:
        rows: list[list[object]] = [[text] for text in HEADER]
        rows += [[], ["", "", *ANALYTES], ["Type", "Well", *[statistic] * 3]]
        for label, wells in ROWS:
            rows.append([label, wells, *[cell(statistic, name, label) for name in ANALYTES]])
        rows += [[], ["*** = Value not available;   --- = Designated as an outlier"]]
        book[statistic] = rows
    one, two, three = ANALYTES
    book["Standard Curve"] = [
        ["Regression Type: Logistic - 5PL", "", "Regression Type: Logistic - 5PL"],
        [equation(one), "", equation(two)],
        ["FitProb. = 0,7518, ResVar. = 0,1000", "", "FitProb. = 0,5563, ResVar. = 0,3461"],
        [],
        ["Regression Type: Logistic - 4PL"],
        [equation(three)],
        ["FitProb. = 0,9643, ResVar. = 0,0020"],
    ]
    return book


def workbook(folder: Path, book: Sheets) -> RawFile:
    made = openpyxl.Workbook()
    del made[made.sheetnames[0]]
    for name, rows in book.items():
        page = made.create_sheet(name)
        for row in rows:
            page.append(row)
    path = folder / "export.xlsx"
    made.save(path)
    return RawFile.open(path)


def read(folder: Path, book: Sheets) -> Plate:
    raw = workbook(folder, book)
    assert recognise(raw).name == "bioplex_statistic"
    (plate,) = read_statistic(raw)
    return plate


def test_sheets_are_put_together_by_well_and_analyte(tmp_path: Path) -> None:
    plate = read(tmp_path, sheets())
    assert plate.source.decimal == ","
    assert plate.analyte_names == ["RANTES", "PDGF-AA", "IL-11"]
    assert plate.unread == ()
    for analyte in ANALYTES:
        rows = plate.wells[plate.wells["analyte"] == analyte.split(" ")[0]].set_index("label")
        assert rows.loc["S1", "mfi"] == pytest.approx(net(analyte, "S1") + 80, abs=0.006)
        assert rows.loc["X1", "vendor_concentration"] == 200
        assert rows.loc["X1", "dilution_factor"] == 4
        assert list(rows["expected"].iloc[:5]) == [0, 4000, 800, 160, 32]
        assert rows.loc["C1", "expected"] == 90
    kept = plate.statistics["Conc in Range"]
    assert list(kept.loc[kept["sample"] == "X2", "RANTES"]) == ["OOR <"]


def test_curves_are_given_in_order_and_proved_by_the_concentrations(tmp_path: Path) -> None:
    plate = read(tmp_path, sheets())
    for analyte in ANALYTES:
        curve = plate.vendor_curves[analyte.split(" ")[0]]
        assert (curve.a, curve.b, curve.c, curve.d, curve.f) == PARAMETERS[analyte]
    assert plate.vendor_curves["IL-11"].regression == "Logistic - 4PL"


def test_curves_in_another_order_are_not_believed(tmp_path: Path) -> None:
    book = sheets()
    first, second = book["Standard Curve"][1][0], book["Standard Curve"][1][2]
    book["Standard Curve"][1] = [second, "", first]
    plate = read(tmp_path, book)
    assert list(plate.vendor_curves) == ["IL-11"]
    reasons = [part.reason for part in plate.unread]
    assert [part.name for part in plate.unread] == ["curve of RANTES", "curve of PDGF-AA"]
    assert all("of another analyte?" in reason for reason in reasons)


def test_more_curves_than_analytes_are_listed_as_unread(tmp_path: Path) -> None:
    book = sheets()
    book["Standard Curve"].append(["Regression Type: Logistic - 5PL"])
    plate = read(tmp_path, book)
    assert plate.vendor_curves == {}
    assert plate.unread[0].reason == "4 curves without names for 3 analytes"


def test_another_spelling_is_matched_and_said(tmp_path: Path) -> None:
    book = sheets()
    book["Obs Conc"][5] = ["", "", "RANTES (74)", "PDGFAA (34)", "IL 11 new (34)"]
    plate = read(tmp_path, book)
    said = [f.message for f in plate.findings if f.code == "name_matched"]
    assert said == [
        "'PDGFAA (34)' in sheet 'Obs Conc' was taken for 'PDGF-AA (34)'",
        "'IL 11 new (34)' in sheet 'Obs Conc' was taken for 'IL-11 (34)'",
    ]


def test_one_sheet_saved_alone_as_text() -> None:
    lines = [";".join(map(str, row)) for row in sheets()["FI"]]
    raw = RawFile("FI.csv", "\n".join(lines).encode("cp1252"))
    assert recognise(raw).name == "bioplex_statistic"
    (plate,) = read_statistic(raw)
    assert plate.wells["mfi"].notna().all()
    assert plate.wells.set_index("label")["mfi"]["S4"].iloc[1] == pytest.approx(
        net("PDGF-AA (34)", "S4") + 80, abs=0.006
    )
    assert [f.code for f in plate.findings] == ["replicate_means", "no_expected"]


def test_a_sheet_without_intensities_says_so() -> None:
    lines = ["\t".join(map(str, row)) for row in sheets()["Obs Conc"]]
    (plate,) = read_statistic(RawFile("o.txt", "\n".join(lines).encode()))
    assert "missing_value" in [f.code for f in plate.findings]
    assert plate.wells["vendor_concentration"].notna().any()


def test_sheets_of_no_statistic_and_strange_lines_are_named(tmp_path: Path) -> None:
    book = sheets()
    book["Notes"] = [["free text of a user"]]
    book["FI"].append(["something else"])
    book["FI"][1] = ["Acquisition Date: 02-Nov-2018"]
    plate = read(tmp_path, book)
    assert [part.name for part in plate.unread] == ["sheet 'Notes'", "something else"]
    assert "'Acquisition Date' is" in "".join(f.message for f in plate.findings)


def test_damage_is_named_together(tmp_path: Path) -> None:
    book = sheets()
    book["FI"][9][1] = "Z9"
    book["Exp Conc"][5] = ["", "", "RANTES (74)", "PDGF-AA (34)", "CRP (99)"]
    with pytest.raises(FormatError) as caught:
        read_statistic(workbook(tmp_path, book))
    text = str(caught.value)
    assert "CK-140: 'Z9' in column 'Well' names no well" in text
    assert "sheet FI, line 10" in text
    assert "CK-144: analyte 'CRP (99)' is not one of the first sheet's" in text


def test_rows_that_a_sheet_lacks_are_named(tmp_path: Path) -> None:
    book = sheets()
    del book["Obs Conc"][13]
    plate = read(tmp_path, book)
    said = [f.message for f in plate.findings if f.code == "header_mismatch"]
    assert said == ["1 rows of other sheets are not in sheet 'Obs Conc': X1 (A3)"]


def test_a_row_that_does_not_fit_its_columns_is_refused(tmp_path: Path) -> None:
    book = sheets()
    book["FI"][10].append("1,5")
    with pytest.raises(
        FormatError,
        match="CK-148: a row that does not fit its column names: expected 5 cells, but '1,5'",
    ):
        read_statistic(workbook(tmp_path, book))


def test_sheets_without_rows_are_an_error(tmp_path: Path) -> None:
    book = {name: rows[:7] for name, rows in sheets(("FI", "Obs Conc")).items()}
    del book["Standard Curve"]
    with pytest.raises(FormatError, match="CK-141"):
        read_statistic(workbook(tmp_path, book))
