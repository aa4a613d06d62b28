"""Bio-Plex Manager, one table per analyte: sheets, stacked text, single wells beside means."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import FormatError
from cytokit.parsers.bioplex import (
    CurveText,
    invert,
    read_analyte,
    read_curve,
    read_label,
    take_line,
)
from cytokit.parsers.registry import recognise
from cytokit.plate import Plate, VendorCurve
from cytokit.sources.raw import RawFile

TITLES = (
    *("Analyte", "Type", "Well", "Outlier", "Description", "FI", "FI - Bkgd", "Std Dev", "%CV"),
    *("Obs Conc", "Exp Conc", "(Obs/Exp) * 100", "Conc in Range", "Group", "Ratio", "Dilution"),
    *("Bead Count", "Sampling Errors"),
)
LEGEND = (
    "Sampling Errors: 1 - Low bead #;  2 - Agg beads",
    "*** = Value not available;   --- = Designated as an outlier",
    "*Value = Value extrapolated beyond standard range",
    "OOR = Out of Range;   OOR> = Out of Range Above;   OOR< = Out of Range Below",
    "Exp Conc = Expected Concentration;   Obs Conc = Observed  Concentration",
    "Ratio = Member/Reference",
)
CURVE = VendorCurve("Logistic - 5PL", a=-2.5, b=15000.0, c=800.0, d=-1.1, f=0.9)
EQUATION = "Std. Curve: FI = -2.5 + (15000 + 2.5) / ((1 + (Conc / 800)^-1.1))^0.9"


def response(x: float) -> float:
    return CURVE.a + (CURVE.b - CURVE.a) / (1 + (x / CURVE.c) ** CURVE.d) ** CURVE.f


def row(analyte: str, kind: str, well: str, **cells: object) -> list[object]:
    """One line of the table; FI and FI - Bkgd follow from ``conc`` at the bead."""
    values: dict[str, object] = {"Analyte": analyte, "Type": kind, "Well": well, "Outlier": 0}
    values |= {title: cell for title, cell in cells.items() if title in TITLES}
    if "conc" in cells:
        net = response(float(str(cells["conc"])))
        values |= {"FI": round(net + 12, 4), "FI - Bkgd": round(net, 4)}
    return [values.get(title, "") for title in TITLES]


def section(analyte: str, *, means: bool = True, singles: bool = False) -> list[list[object]]:
    """One analyte's part of an export: header, table(s), legend, curve."""
    pair = ("A1,A2", "B1,B2", "C1,C2", "D1,D2", "E1,E2", "F1,F2")
    standards = [(f"S{i + 1}", 5000 / 4**i) for i in range(4)]
    lines: list[list[object]] = [
        ["File Name: C:\\runs\\plate 7.rbx"],
        [f"Analyte: {analyte}"],
        ["Acquisition Date: 1-Jul-2024"],
        ["Plate ID: "],
        [],
    ]
    tables: list[list[list[object]]] = []
    if means:
        table = [row(analyte, "B", pair[0], FI=12, **{"FI - Bkgd": 12})]
        table += [
            row(analyte, s, w, conc=x, **{"Exp Conc": x, "Obs Conc": x, "(Obs/Exp) * 100": 100})
            for (s, x), w in zip(standards, pair[1:], strict=False)
        ]
        table.append(
            row(
                analyte,
                "X1",
                pair[5],
                conc=50,
                Description="P-01 d0",
                Dilution=4,
                **{"Obs Conc": 200, "Std Dev": 1.5, "Sampling Errors": "1,4"},
            )
        )
        tables.append(table)
    if singles:
        table = [
            row(analyte, code, well, conc=x, **{"Bead Count": 80, "Exp Conc": level})
            for code, x, level, wells in (
                *(("B", 0.001, "", pair[0]),),
                *((s, x, x, w) for (s, x), w in zip(standards, pair[1:], strict=False)),
                *(("X1", 50, "", pair[5]),),
            )
            for well in wells.split(",")
        ]
        tables.append(table)
    for table in tables:
        lines += [list(TITLES), *table, []]
    lines += [[text] for text in LEGEND]
    lines += [["Regression Type: Logistic - 5PL"], [EQUATION]]
    lines += [["FitProb. = 0.3444, ResVar. = 1.0660"], ["Conc In Range = 3.2 to 5000"]]
    return lines


def as_text(lines: list[list[object]], *, comma: bool = False) -> bytes:
    def shown(cell: object) -> str:
        text = str(cell)
        return text.replace(".", ",") if comma and not isinstance(cell, str) else text

    texts = ["\t".join(shown(cell) for cell in line) for line in lines]
    whole = "\r\n".join(texts)
    if comma:
        whole = whole.replace(EQUATION, EQUATION.replace(".", ",").replace("Std,", "Std."))
        whole = whole.replace("0.3444, ResVar. = 1.0660", "0,3444, ResVar. = 1,0660")
        whole = whole.replace("3.2 to 5000", "3,2 to 5000")
    return whole.encode("cp1252")


def read_text(lines: list[list[object]], *, comma: bool = False) -> Plate:
    raw = RawFile("export.txt", as_text(lines, comma=comma))
    assert recognise(raw).name == "bioplex_analyte"
    (plate,) = read_analyte(raw)
    return plate


def codes(plate: Plate) -> list[str]:
    return [finding.code for finding in plate.findings]


@pytest.mark.parametrize("comma", [False, True])
def test_a_stacked_text_gives_back_what_was_written(comma: bool) -> None:
    plate = read_text([*section("IL-6 (19)"), *section("TNF-a (36)")], comma=comma)
    assert plate.name == "plate 7"
    assert plate.analytes[["analyte", "bead_id", "unit"]].to_numpy().tolist() == [
        ["IL-6", "19", ""],
        ["TNF-a", "36", ""],
    ]
    assert plate.source.decimal == ("," if comma else ".")
    il6 = plate.wells[plate.wells["analyte"] == "IL-6"].set_index("label")
    assert list(il6["expected"].iloc[:5]) == [0, 5000, 1250, 312.5, 78.125]
    assert il6.loc["S1", "mfi"] == pytest.approx(response(5000) + 12, abs=1e-3)
    unknown = il6.loc["X1"]
    assert (unknown["sample"], unknown["dilution_factor"]) == ("P-01 d0", 4)
    assert (unknown["vendor_concentration"], unknown["vendor_status"]) == (200, "in_range")
    assert math.isnan(unknown["expected"])
    assert unknown["comment"] == "sampling errors: low bead number, region selection"
    curve = plate.vendor_curves["TNF-a"]
    assert (curve.a, curve.b, curve.c, curve.d, curve.f) == (-2.5, 15000, 800, -1.1, 0.9)
    assert dict(curve.statistics) == {
        "fit_prob": 0.3444,
        "res_var": 1.066,
        "range_low": 3.2,
        "range_high": 5000.0,
    }
    assert plate.unread == ()


def test_means_of_replicates_stand_under_their_first_well() -> None:
    plate = read_text(section("IL-6 (19)"))
    assert "replicate_means" in codes(plate)
    unknown = plate.wells.set_index("label").loc["X1"]
    assert (unknown["well"], unknown["wells"], unknown["n_replicates"]) == ("F1", "F1,F2", 2)
    assert unknown["replicate_sd"] == 1.5
    kept = plate.statistics["Std Dev"]
    assert kept[["well", "sample", "IL-6"]].to_numpy().tolist() == [["F1,F2", "P-01 d0", 1.5]]


def test_single_wells_are_the_readings_and_the_means_are_kept_beside() -> None:
    plate = read_text(section("IL-6 (19)", singles=True))
    assert "replicate_means" not in codes(plate)
    assert len(plate.wells) == 12
    assert set(plate.wells["n_replicates"]) == {1}
    assert plate.wells["replicate_sd"].isna().all()
    assert set(plate.wells["bead_count"]) == {80}
    assert list(plate.wells.loc[plate.wells["label"] == "X1", "sample"]) == ["P-01 d0"] * 2
    means = plate.statistics["Replicates: FI"]
    assert list(means["well"]) == ["A1,A2", "B1,B2", "C1,C2", "D1,D2", "E1,E2", "F1,F2"]
    assert "Replicates: Obs Conc" in plate.statistics


def test_names_that_r_has_changed_are_the_same_columns() -> None:
    lines = section("IL-6 (19)")
    at = lines.index(list(TITLES))
    mangled = {"FI - Bkgd": "FI...Bkgd", "%CV": "X.CV", "(Obs/Exp) * 100": "X.Obs.Exp....100"}
    lines[at] = [mangled.get(t, t.replace(" ", ".")) for t in TITLES]
    plate = read_text(lines)
    assert plate.wells["net_mfi"].notna().all()
    assert plate.wells.set_index("label").loc["S1", "vendor_recovery_pct"] == 100


def test_workbook_with_a_sheet_per_analyte_and_a_template_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Project Template"
    sheet.append(["Row #", "Field"])
    for name in ("IL-6 (19)", "IL-8 (54)"):
        page = book.create_sheet(name)
        for line in section(name):
            page.append(line)
    path = tmp_path / "export.xlsx"
    book.save(path)
    raw = RawFile.open(path)
    assert recognise(raw).name == "bioplex_analyte"
    (plate,) = read_analyte(raw)
    assert plate.analyte_names == ["IL-6", "IL-8"]
    assert [part.name for part in plate.unread] == ["sheet 'Project Template'"]
    assert plate.header["Acquisition Date"] == "1-Jul-2024"


def test_vendor_tokens_keep_their_direction() -> None:
    name = "IL-6 (19)"
    lines = section(name)
    head = lines.index(list(TITLES)) + 1
    extra = [
        row(name, "X2", "G1", conc=1, **{"Obs Conc": "OOR <"}),
        row(name, "X3", "G2", conc=1, **{"Obs Conc": "OOR >"}),
        row(name, "X4", "G3", conc=1, **{"Obs Conc": "*1.55"}),
        row(name, "X5", "G4", FI="***", **{"FI - Bkgd": "***", "Obs Conc": "***"}),
        row(name, "S5", "G5", Outlier=1, FI="---", **{"FI - Bkgd": "---", "Exp Conc": 19.5}),
        row(name, "C1", "G6", conc=9, Dilution=500, **{"Exp Conc": 0, "Obs Conc": 59.7}),
        row(name, "C2", "G7", conc=9, Dilution=10, **{"Exp Conc": 90}),
    ]
    lines[head:head] = extra
    wells = read_text(lines).wells.set_index("label")
    assert list(wells.loc[["X2", "X3", "X4", "X5"], "vendor_status"]) == [
        *("oor_low", "oor_high", "extrapolated", "not_available")
    ]
    assert wells.loc["X4", "vendor_concentration"] == 1.55
    assert wells.loc["S5", "comment"] == "designated as an outlier"
    assert wells.loc["S5", "outlier"]
    assert wells.loc["S5", "expected"] == 19.5
    assert math.isnan(wells.loc["S5", "mfi"])
    assert math.isnan(wells.loc["C1", "expected"])  # the software prints 0 for no entry
    assert wells.loc["C2", "expected"] == 9  # at the bead
    assert wells.loc["C2", "dilution_factor"] == 10


def test_one_name_for_several_samples_is_kept_apart() -> None:
    name = "IL-6 (19)"
    lines = section(name)
    head = lines.index(list(TITLES)) + 1
    lines[head:head] = [
        row(name, code, well, conc=1, Description="H2O")
        for code, well in (("X8", "G1"), ("X9", "G2"))
    ]
    plate = read_text(lines)
    samples = plate.wells.set_index("label")["sample"]
    assert (samples["X8"], samples["X9"]) == ("H2O (X8)", "H2O (X9)")
    assert "X8, X9 are all called 'H2O'" in "".join(f.message for f in plate.findings)


def test_external_and_zero_standards_are_findings() -> None:
    name = "IL-6 (19)"
    lines = section(name)
    for line in lines:
        if line[:1] == [name] and str(line[1]).startswith("S"):
            line[TITLES.index("Exp Conc")] = 0
    head = lines.index(list(TITLES)) + 1
    lines[head:head] = [row(name, "eS1", "A1,A2", conc=5000, **{"Exp Conc": 5000})]
    curve = lines.index([EQUATION])
    lines[curve:curve] = [["Std. Curve: Unable to calculate regression - All expected values zero"]]
    lines[curve + 1] = [EQUATION.replace("Std. Curve", "Ext Std Curve")]
    plate = read_text(lines)
    assert {"external_standards", "no_expected", "no_vendor_curve"} <= set(codes(plate))
    wells = plate.wells.set_index("label")
    assert wells.loc["eS1", "expected"] == 5000
    assert wells.loc["eS1", "external"]
    assert wells.loc[["S1", "S2", "S3", "S4"], "expected"].isna().all()
    assert plate.vendor_curves["IL-6"].regression == "Logistic - 5PL, external"
    assert "repeated_well" not in codes(plate)


def test_what_nobody_knows_is_listed_by_name() -> None:
    lines = section("IL-6 (19)")
    lines.append(["a remark of the operator"])
    lines[2] = ["Acquisition Date: 1-Jul-2024"]
    lines.append(["Acquisition Date: 2-Jul-2024"])
    head = lines.index(list(TITLES)) + 1
    lines[head:head] = [["CRP (19)", *["NA"] * (len(TITLES) - 1)]]
    lines = [[EQUATION.replace("/ ((1", "* ((1")] if line == [EQUATION] else line for line in lines]
    plate = read_text(lines)
    names = [part.name for part in plate.unread]
    assert names == ["analyte CRP (19)", "a remark of the operator", "curve of IL-6"]
    assert "'Acquisition Date' is '2-Jul-2024', elsewhere '1-Jul-2024'" in plate.findings[0].message
    assert plate.vendor_curves == {}


def test_damaged_numbers_and_types_are_findings() -> None:
    name = "IL-6 (19)"
    lines = section(name)
    head = lines.index(list(TITLES)) + 1
    lines[head:head] = [
        row(name, "X7", "G1", FI="20.lip", Dilution="x"),
        row(name, "Z7", "G2", conc=4),
        row(name, "X6", "G3", conc=4, Dilution=0),
        row(name, "X6", "G3", conc=4),
    ]
    plate = read_text(lines)
    damaged = [f.message for f in plate.findings if f.code == "damaged_value"]
    assert any("line 7, column 'FI': '20.lip'" in text for text in damaged)
    unclear = [f.message for f in plate.findings if f.code == "dilution_unclear"]
    assert any("column 'Dilution': 'x' is no dilution factor" in text for text in unclear)
    assert any("column 'Dilution': '0' is no dilution factor" in text for text in unclear)
    assert "type code 'Z7' is none of B, S, eS, C, X" in "".join(f.message for f in plate.findings)
    assert "repeated_well" in codes(plate)
    factors = plate.wells.set_index("label")["dilution_factor"]
    assert factors[["X7", "X6"]].isna().tolist() == [True, True, False]
    assert factors["Z7"] == 1.0
    lines[head] = row(name, "X7", "G1", conc=4, Dilution="1:4")
    assert read_text(lines).wells.set_index("label")["dilution_factor"]["X7"] == 4


def test_two_analytes_of_one_name_keep_their_regions() -> None:
    plate = read_text([*section("IL-1 (28)"), *section("IL-1 (57)")])
    assert plate.analyte_names == ["IL-1 (28)", "IL-1 (57)"]
    assert list(plate.analytes["bead_id"]) == ["28", "57"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("A1,A2", "Q1,A2"), ["CK-140", "'Q1,A2'", "line 7"]),
        (("A1,A2", ""), ["CK-140", "''"]),
        (("IL-6 (19)", ""), ["CK-142", "without the name of an analyte"]),
    ],
)
def test_damage_names_its_place(change: tuple[str, str], words: list[str]) -> None:
    text = as_text(section("IL-6 (19)")).decode().replace(*change)
    raw = RawFile("export.txt", text.encode())
    with pytest.raises(FormatError) as caught:
        read_analyte(raw)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (lambda text: text[: text.index("P-01 d0") + 12], ["CK-148", "expected 18 cells", "ends"]),
        (lambda text: text.replace("\tA1,A2\t", "\tA1,A2\t\t", 1), ["CK-148", "stands beyond"]),
        (lambda text: text.replace("\tS2\tC1,C2\t0", "\tS2\tC1,C2", 1), ["CK-148", "line 9"]),
    ],
)
def test_rows_that_do_not_fit_their_columns_are_refused(
    cut: Callable[[str], str], words: list[str]
) -> None:
    lines = section("IL-6 (19)")
    for line in lines:
        if line[:1] == ["IL-6 (19)"]:
            line[-1] = line[-1] or "0"
    raw = RawFile("export.txt", cut(as_text(lines).decode()).encode())
    with pytest.raises(FormatError) as caught:
        read_analyte(raw)
    assert all(word in str(caught.value) for word in words)


def test_a_blank_row_within_a_table_loses_nothing() -> None:
    lines = section("IL-6 (19)")
    lines.insert(lines.index(list(TITLES)) + 3, [])
    plate = read_text([*lines, *section("TNF-a (36)")])
    assert len(plate.wells) == 12
    assert plate.unread == ()
    assert list(plate.vendor_curves) == ["IL-6", "TNF-a"]


def test_an_analyte_that_lacks_wells_is_named() -> None:
    short = section("TNF-a (36)")
    del short[short.index(list(TITLES)) + 3]
    plate = read_text([*section("IL-6 (19)"), *short])
    (found,) = [f for f in plate.findings if f.code == "missing_value"]
    assert found.analyte == "TNF-a"
    assert found.message == "1 of 6 rows of other analytes are not there: S2 (C1,C2)"


@pytest.mark.parametrize("name", ["IL-12(p70) (75)", "=1+1 (3)", 'TNF "α", free/bound (36)'])
@pytest.mark.parametrize("wells", [("P24", "A13"), ("A1", "H12")])
def test_odd_names_and_large_plates(tmp_path: Path, name: str, wells: tuple[str, str]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    lines = [["File Name: p.rbx"], [f"Analyte: {name}"], [], list(TITLES)]
    lines += [row(name, f"X{i}", well, conc=5) for i, well in enumerate(wells)]
    for at, line in enumerate(lines, start=1):
        for column, cell in enumerate(line, start=1):
            target = sheet.cell(at, column, cell)
            target.data_type = "s" if isinstance(cell, str) else "n"
    book.save(tmp_path / "odd.xlsx")
    (plate,) = read_analyte(RawFile.open(tmp_path / "odd.xlsx"))
    assert plate.analyte_names == [name.rsplit(" (", 1)[0]]
    assert list(plate.wells["well"]) == list(wells)
    assert plate.size == (384 if wells[0] == "P24" else 96)


def test_a_table_without_rows_is_an_error() -> None:
    lines = [["File Name: x.rbx"], ["Analyte: IL-6 (19)"], [], list(TITLES)]
    raw = RawFile("export.txt", as_text(lines))
    with pytest.raises(FormatError, match="CK-141: the tables hold no readings"):
        read_analyte(raw)


@given(
    a=st.floats(-500, 500),
    b=st.floats(2000, 3e7),
    c=st.floats(0.01, 1e6),
    d=st.floats(-10, -0.2),
    f=st.floats(0.1, 10),
    x=st.floats(1e-3, 1e5),
    comma=st.booleans(),
)
@settings(deadline=None, derandomize=True, max_examples=80)
def test_equations_are_read_and_inverted(
    a: float, b: float, c: float, d: float, f: float, x: float, comma: bool
) -> None:
    sign, size = ("+", -a) if a < 0 else ("-", a)
    text = (
        f"Std. Curve: FI = {a:.6G} + ({b:.6G} {sign} {size:.6G})"
        f" / ((1 + (Conc / {c:.6G})^{d:.6G}))^{f:.6G}"
    )
    if comma:
        text = "Std. Curve:" + text.split(":")[1].replace(".", ",")
    curve = read_curve(take_line(CurveText("Logistic - 5PL"), text))
    assert curve is not None
    assert curve.b == pytest.approx(b, rel=1e-5)
    share = math.exp(-curve.f * math.log1p((x / curve.c) ** curve.d))
    y = curve.a + (curve.b - curve.a) * share
    back = invert(curve, y)
    if 1e-6 < (y - curve.a) / (curve.b - curve.a) < 1 - 1e-6:
        assert back == pytest.approx(x, rel=1e-3)
    assert math.isnan(invert(curve, curve.b + 1))
    assert math.isnan(invert(curve, curve.a))


@pytest.mark.parametrize(
    ("text", "kind", "external", "known"),
    [
        ("B", "blank", False, True),
        ("Blank2", "blank", False, True),
        ("S10", "standard", False, True),
        ("eS3", "standard", True, True),
        ("C2", "control", False, True),
        ("X088", "unknown", False, True),
        ("eX1", "unknown", False, False),
        ("BC", "unknown", False, False),
    ],
)
def test_type_codes(text: str, kind: str, external: bool, known: bool) -> None:
    label = read_label(text)
    assert (str(label.well_type), label.external, label.known) == (kind, external, known)
