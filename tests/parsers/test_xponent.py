"""xPONENT blocks: what is read, what is found, and every way a file can be damaged."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter

from cytokit.errors import FormatError, UsageError
from cytokit.parsers.read import read_plate, read_plates
from cytokit.plate import Plate
from cytokit.schema import WellType

Write = Callable[..., str]
Save = Callable[..., Path]


def codes(plate: Plate) -> list[str]:
    return [finding.code for finding in plate.findings]


def messages(plate: Plate, code: str) -> list[str]:
    return [finding.message for finding in plate.findings if finding.code == code]


def cell(plate: Plate, well: str, analyte: str, column: str) -> object:
    wells = plate.wells
    chosen = wells[(wells["well"] == well) & (wells["analyte"] == analyte)]
    return chosen[column].iloc[0]


def test_wells_and_analytes_are_read(xponent: Write, saved: Save) -> None:
    plate = read_plate(saved(xponent()))
    assert plate.name == "batch 1"
    assert plate.source.format == "xponent"
    assert plate.analyte_names == ["IL-6", "TNFa"]
    assert plate.unit("TNFa") == "pg/mL"
    assert list(plate.analytes["bead_id"]) == ["12", "13"]
    assert cell(plate, "B1", "TNFa", "mfi") == 111.5
    assert cell(plate, "B1", "TNFa", "net_mfi") == 101.5
    assert cell(plate, "B1", "IL-6", "bead_count") == 70
    assert cell(plate, "A1", "IL-6", "expected") == 0
    assert cell(plate, "B1", "IL-6", "expected") == 10
    assert math.isnan(cell(plate, "F1", "IL-6", "expected"))  # type: ignore[arg-type]
    types = plate.wells.drop_duplicates("well").set_index("well")["well_type"].to_dict()
    assert types == {
        "A1": "blank", "B1": "standard", "C1": "standard", "D1": "standard",
        "E1": "control", "F1": "unknown", "G1": "unknown", "H1": "unknown",
    }  # fmt: skip
    assert list(plate.statistics["Total Events"].columns) == ["well", "sample", "Total Events"]
    assert "checksum_differs" not in codes(plate)
    assert plate.header["Build"] == "4.2.1705.0"


def test_a_users_control_is_a_sample_and_spaced_names_are_matched(
    xponent: Write, saved: Save
) -> None:
    samples = ["Standard 1", "Standard2", "Control1", "Normoxia Control 1", "Normoxia Blank 1",
               "Control 7", "Control Mix", "Background0"]  # fmt: skip
    plate = read_plate(saved(xponent(samples=samples)))
    types = plate.wells.drop_duplicates("sample").set_index("sample")["well_type"]
    assert types["Standard 1"] == "standard"
    assert types["Control1"] == "control"
    assert (
        list(types[["Normoxia Control 1", "Normoxia Blank 1", "Control 7", "Control Mix"]])
        == ["unknown"] * 4
    )
    assert messages(plate, "name_matched") == [
        "'Standard 1' in the wells was taken for the standard 'Standard1'"
    ]
    assert cell(plate, "A1", "IL-6", "expected") == 10


def test_a_name_is_only_matched_when_nothing_fits_to_the_letter(
    xponent: Write, saved: Save
) -> None:
    samples = ["Control1", "Control 1", "Standard1", "Standard2", "a", "b", "c", "d"]
    plate = read_plate(saved(xponent(samples=samples, controls={"Control1": ["5", "6"]})))
    types = plate.wells.drop_duplicates("sample").set_index("sample")["well_type"]
    assert types["Control1"] == "control"
    assert types["Control 1"] == "unknown"
    assert cell(plate, "A1", "TNFa", "expected") == 6


def test_reagents_without_wells_and_codes_are_found(xponent: Write, saved: Save) -> None:
    samples = ["B", "S", "S", "x", "y", "z", "Standard1", "Standard9"]
    standards = {"Standard1": ["10", "10"], "Standard2": ["1", "1"]}
    plate = read_plate(saved(xponent(samples=samples, standards=standards)))
    assert messages(plate, "header_mismatch") == [
        "the standard 'Standard2' has expected values but no well"
    ]
    unclear = [f for f in plate.findings if f.code == "well_type_unclear"]
    assert [(f.well, f.sample) for f in unclear] == [("A1", "B"), ("B1", "S"), ("C1", "S")]
    assert unclear[1].message == "'S' looks like a standard; it is taken as an unknown sample"
    assert set(plate.of_type(WellType.STANDARD)["sample"]) == {"Standard1", "Standard9"}
    assert plate.wells.query("sample == 'Standard9'")["expected"].isna().all()


def test_results_flags_recovery_and_comments(xponent: Write, saved: Save) -> None:
    result = [["NaN", "NaN"], ["9.9", "> 10000"], ["10.1", "N/A"], ["2.4", "2.6"],
              ["5", "< 3.2"], ["7", "8"], ["", "OOR <"], ["4", "4"]]  # fmt: skip
    comments = [["", ""]] * 5 + [["Extrapolated", "bad, Extrapolated"]] + [["", ""]] * 2
    extra = [["DataType:", "% Recovery"], ["Location", "Sample", "IL-6", "TNFa"],
             ["2(1,B1)", "Standard1", "99", "4,121.04"], ["3(1,C1)", "Standard1", "N/A", "98"],
             []]  # fmt: skip
    text = xponent(blocks={"Result": result, "Comments": comments}, extra=extra)
    plate = read_plate(saved(text))
    got = {
        (w, a): (s, lim)
        for w, a, s, lim in plate.wells[["well", "analyte", "vendor_status", "vendor_limit"]].values
    }
    assert got["A1", "IL-6"][0] == "not_available"
    assert got["B1", "TNFa"] == ("oor_high", 10000)
    assert got["E1", "TNFa"] == ("oor_low", 3.2)
    assert got["F1", "IL-6"][0] == got["F1", "TNFa"][0] == "extrapolated"
    assert got["G1", "IL-6"][0] == ""
    assert got["G1", "TNFa"][0] == "oor_low"
    assert got["B1", "IL-6"][0] == "in_range"
    assert cell(plate, "B1", "TNFa", "vendor_recovery_pct") == 4121.04
    assert cell(plate, "F1", "TNFa", "comment") == "bad, Extrapolated"


def test_the_range_block_gives_a_direction_where_the_result_gives_none(
    xponent: Write, saved: Save
) -> None:
    result = [["1", "N/A"]] + [["1", "1"]] * 7
    out_of = [["", "OOR >"]] + [["", ""]] * 7
    plate = read_plate(saved(xponent(blocks={"Result": result, "Range": out_of})))
    assert cell(plate, "A1", "TNFa", "vendor_status") == "oor_high"


def test_controls_carry_their_range(xponent: Write, saved: Save) -> None:
    extra = [["DataType:", "Control Range - Low"], ["Reagent", "IL-6", "TNFa"],
             ["Control1", "3", "4"], [],
             ["DataType:", "Control Range - High"], ["Reagent", "IL-6", "TNFa"],
             ["Control1", "7", "8"], []]  # fmt: skip
    plate = read_plate(saved(xponent(controls={"Control1": ["5", "6"]}, extra=extra)))
    control = plate.wells.query("well == 'E1' and analyte == 'TNFa'").iloc[0]
    assert (control["expected"], control["expected_low"], control["expected_high"]) == (6, 4, 8)


def test_vendor_curves_and_those_that_are_not_logistic(xponent: Write, saved: Save) -> None:
    names = ["Analyte:", "IL-6", "TNFa"]
    extra = [["DataType:", "Analysis Types"], names,
             ["AnalysisType", "Logistic 4P", "Cubic Spline"], [],
             ["DataType:", "Analysis Coefficients"], names,
             *[[f"Coefficient {c}", str(i + 1), str(i + 2)] for i, c in enumerate("ABCD")], [],
             ["DataType:", "R^2"], names, ["Value", "0.99", "N/A"], []]  # fmt: skip
    plate = read_plate(saved(xponent(extra=extra)))
    curve = plate.vendor_curves["IL-6"]
    assert (curve.a, curve.b, curve.c, curve.d, curve.f) == (1, 2, 3, 4, 1)
    assert curve.statistics == {"r2": 0.99}
    assert [part.reason for part in plate.unread] == ["a 'Cubic Spline' curve is not compared"]
    five = list(extra)
    five.insert(10, ["Coefficient F", "0.5", "0.5"])
    plate = read_plate(saved(xponent(extra=five)))
    assert plate.vendor_curves["IL-6"].f == 0.5


def test_dilutions_missing_below_one_and_of_standards(xponent: Write, saved: Save) -> None:
    dilution = ["", "1", "4", "", "1", "50", "0.02", "2.mar"]
    plate = read_plate(saved(xponent(dilution=dilution)))
    factors = plate.wells.drop_duplicates("well").set_index("well")["dilution_factor"].to_dict()
    unclear = {well for well, factor in factors.items() if math.isnan(factor)}
    assert unclear == {"G1", "H1"}
    assert {well: factors[well] for well in ["A1", "B1", "C1", "D1", "E1", "F1"]} == {
        "A1": 1, "B1": 1, "C1": 1, "D1": 1, "E1": 1, "F1": 50,
    }  # fmt: skip
    found = {f.well: f.message for f in plate.findings if f.code == "dilution_unclear"}
    assert set(found) == {"C1", "G1", "H1"}
    assert "'0.02' is below 1: one part in 50, or concentrated 50-fold" in found["G1"]
    assert "'2.mar' is no dilution factor; no concentration without it" in found["H1"]


def test_an_empty_factor_is_one_only_where_no_well_is_diluted(xponent: Write, saved: Save) -> None:
    plain = read_plate(saved(xponent(dilution=["", "", "", "", "1", "", "1", "1"])))
    assert set(plain.wells["dilution_factor"]) == {1.0}
    assert codes(plain).count("dilution_unclear") == 1
    diluted = read_plate(saved(xponent(dilution=["", "", "", "", "1", "", "50", "1"])))
    assert math.isnan(cell(diluted, "F1", "IL-6", "dilution_factor"))  # type: ignore[arg-type]


def test_damage_is_named_with_block_line_well_and_analyte(xponent: Write, saved: Save) -> None:
    cv = [["1.5", "2"], ["20.lip", "3"], *[["1", "1"]] * 6]
    median = [["10", "20"], ["NaN", "26.mar"], ["", "5"], *[["7", "8"]] * 5]
    extra = [
        ["DataType:", "Avg Net MFI"],
        ["Sample", "IL-6", "TNFa"],
        ["my own", "lip.83", "3"],
        [],
    ]
    plate = read_plate(saved(xponent(blocks={"Median": median, "%CV": cv}, extra=extra)))
    damage = [f for f in plate.findings if f.code == "damaged_value"]
    assert [(f.well, f.analyte) for f in damage] == [
        ("B1", "TNFa"), ("B1", "IL-6"), ("", "IL-6"),
    ]  # fmt: skip
    assert damage[0].message.startswith("block 'Median', line 10: '26.mar' is neither")
    assert damage[2].sample == "my own"
    missing = [(f.well, f.analyte) for f in plate.findings if f.code == "missing_value"]
    assert missing == [("B1", "IL-6"), ("C1", "IL-6")]
    assert math.isnan(cell(plate, "B1", "TNFa", "mfi"))  # type: ignore[arg-type]


def test_averages_with_limits_are_kept_as_printed(xponent: Write, saved: Save) -> None:
    extra = [["DataType:", "Avg Result"], ["Sample", "IL-6", "TNFa"], ["my own", "< 3.2", "3"], [],
             ["DataType:", "%CV Replicates"], ["Sample", "IL-6", "TNFa"],
             ["my own", "NaN", "3"], [],
             ["DataType:", "Acquisition Time"], ["Location", "Sample", "Seconds", "Total Events"],
             *[[f"{i + 1}(1,{w}1)", s, str(30 + i), "5"] for i, (w, s) in enumerate(
                 zip("ABCDEFGH", ["Background0", "Standard1", "Standard1", "Standard2", "Control1",
                                  "Unknown1", "Unknown2", "my own"], strict=True))], [],
             ["DataType:", "Notes"], ["UserId", "Words"], ["me", "hello"], [],
             ["DataType:", "Avg MFI"], ["Plate", "Sample", "IL-6"], [],
             ["signed by", "me"], []]  # fmt: skip
    plate = read_plate(saved(xponent(extra=extra)))
    assert plate.statistics["Avg Result"]["IL-6"].tolist() == ["< 3.2"]
    assert plate.statistics["%CV Replicates"]["TNFa"].tolist() == [3.0]
    assert plate.statistics["Acquisition Time"]["Seconds"].tolist() == [30.0 + i for i in range(8)]
    assert {(part.name, part.reason) for part in plate.unread} == {
        ("Notes", "cytokit does not know this block"),
        ("signed by, me", "a line that belongs to no block"),
    }


@pytest.mark.parametrize("labels", [["Plate", "Sample"], ["Pmate", "Sample"], ["Sample", "Plate"]])
@pytest.mark.parametrize("value", ["3.5", "< 3.5"])
def test_averages_stand_behind_two_labels_whatever_one_of_them_is_called(
    xponent: Write, saved: Save, labels: list[str], value: str
) -> None:
    of = {"Sample": "my own"}
    row = [*(of.get(label, "1") for label in labels), "11", value, "500"]
    extra = [["DataType:", "Avg MFI"], [*labels, "IL-6", "TNFa", "Total Events"], row, []]
    average = read_plate(saved(xponent(extra=extra))).statistics["Avg MFI"]
    assert average.columns.tolist() == ["well", "sample", "IL-6", "TNFa"]
    assert average["sample"].tolist() == ["my own"]
    assert [str(cell) for cell in average.iloc[0, 2:]] == (
        ["11.0", "3.5"] if value == "3.5" else ["11", value]
    )


def test_units_and_expected_values_stand_behind_two_labels_too(xponent: Write, saved: Save) -> None:
    text = xponent()
    head = '"DataType:","Standard Expected Concentration"\r\n"Reagent",'
    assert head in text
    start = text.index(head)
    end = text.index("\r\n\r\n", start)
    lines = text[start:end].split("\r\n")
    lines[1] = lines[1].replace('"Reagent",', '"Reagent","Plate",')
    lines[2:] = [line.replace('","', '","1","', 1) for line in lines[2:]]
    plain = read_plate(saved(text)).wells["expected"]
    other = read_plate(saved(text[:start] + "\r\n".join(lines) + text[end:])).wells
    assert other["expected"].tolist() == pytest.approx(plain.tolist(), nan_ok=True)
    assert plain.notna().any()


def test_analyte_names_that_differ_between_blocks_are_matched_and_said(
    xponent: Write, saved: Save
) -> None:
    text = xponent().replace(
        '"DataType:","Net MFI"\r\n"Location","Sample","IL-6","TNFa"',
        '"DataType:","Net MFI"\r\n"Location","Sample","IL-6","TNF alpha"',
    )
    plate = read_plate(saved(text))
    assert messages(plate, "header_mismatch") == [
        "called 'TNFa' in block 'Median' and 'TNF alpha' in Net MFI; taken for the same analyte by "
        "its position"
    ]
    assert cell(plate, "A1", "TNFa", "net_mfi") == 91.5
    swapped = xponent().replace(
        '"DataType:","Net MFI"\r\n"Location","Sample","IL-6","TNFa"',
        '"DataType:","Net MFI"\r\n"Location","Sample","TNFa","IL-6"',
    )
    assert cell(read_plate(saved(swapped)), "A1", "TNFa", "net_mfi") == 90.5
    fewer = xponent(
        extra=[["DataType:", "Per Bead Count"], ["Analyte:", "IL-6"], ["Per Bead:", "50"]]
    )
    plate = read_plate(saved(fewer))
    assert messages(plate, "header_mismatch") == ["block 'Per Bead Count' has no such analyte"]
    assert plate.analytes["min_beads"].tolist()[0] == 50
    more = xponent(
        extra=[["DataType:", "Per Bead Count"], ["Analyte:", "IL-6", "TNFa", "IL-8"],
               ["Per Bead:", "50", "50", "50"]]
    )  # fmt: skip
    assert [f.analyte for f in read_plate(saved(more)).findings] == ["IL-8"]


def test_two_analytes_of_one_name_stay_apart(xponent: Write, saved: Save) -> None:
    plate = read_plate(saved(xponent(analytes=["IL-6", "IL-6"])))
    assert plate.analyte_names == ["IL-6", "IL-6 (2)"]
    assert cell(plate, "A1", "IL-6 (2)", "mfi") == 101.5


@pytest.mark.parametrize("name", ['a,b "c"', "=1+1", "IFN-γ / µ", "naïve; 'x'"])
def test_names_survive_quotes_commas_greek_and_formulas(
    xponent: Write, saved: Save, name: str
) -> None:
    samples = ["Background0", "Standard1", "Standard2", name, "e", "f", "g", "h"]
    plate = read_plate(saved(xponent(analytes=[name, "TNFa"], samples=samples, batch=name)))
    assert plate.name == name
    assert plate.analyte_names[0] == name
    assert name in set(plate.wells["sample"])
    assert cell(plate, "B1", name, "expected") == 10


def test_the_excel_resave_reads_as_the_original(xponent: Write, saved: Save) -> None:
    original = read_plate(saved(xponent(dilution=["", "", "", "", "1", "2", "2", "2"])))
    text = xponent(dilution=["", "", "", "", "1", "2", "2", "2"], quoting=csv.QUOTE_MINIMAL)
    rows = [row + [""] * (9 - len(row)) for row in csv.reader(text.splitlines())]
    for delimiter in (",", ";", "\t"):
        lines = [
            delimiter.join(f'"{c}"' if delimiter in c or "," in c else c for c in row)
            for row in rows
        ]
        plate = read_plate(
            saved("\ufeff" + "\n".join(lines) + "\n", f"resaved{ord(delimiter)}.csv")
        )
        np.testing.assert_array_equal(plate.wells["mfi"], original.wells["mfi"])
        assert plate.wells.drop(columns=[]).equals(original.wells)
        assert plate.source.delimiter == delimiter


def test_decimal_commas_are_read(xponent: Write, saved: Save) -> None:
    original = read_plate(saved(xponent()))
    for quoting, delimiter in ((csv.QUOTE_ALL, ","), (csv.QUOTE_MINIMAL, ";")):
        text = xponent(quoting=quoting, delimiter=delimiter)
        text = text.replace(".5", ",5").replace("2.5", "2,5")
        plate = read_plate(saved(text))
        assert plate.source.decimal == ","
        assert plate.wells.equals(original.wells)


def test_a_workbook_of_the_export_reads_as_the_export(
    xponent: Write, saved: Save, tmp_path: Path
) -> None:
    text = xponent(quoting=csv.QUOTE_MINIMAL)
    book = xlsxwriter.Workbook(str(tmp_path / "plate.xlsx"), {"strings_to_numbers": True})
    sheet = book.add_worksheet("export")
    for index, row in enumerate(csv.reader(text.splitlines())):
        sheet.write_row(index, 0, row)
    book.close()
    plate = read_plate(tmp_path / "plate.xlsx")
    assert plate.wells.equals(read_plate(saved(text)).wells)


def test_utf16_reads_as_utf8(xponent: Write, saved: Save) -> None:
    text = xponent(analytes=["IFN-γ", "µ"])
    assert read_plate(saved(text.encode("utf-16"))).wells.equals(read_plate(saved(text)).wells)


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "sep=;;;;", "SEP=;"])
def test_the_line_that_names_the_delimiter_for_a_spreadsheet_is_no_line_of_the_export(
    xponent: Write, saved: Save, line: str
) -> None:
    text = xponent(delimiter=";", quoting=csv.QUOTE_MINIMAL)
    plain, plate = read_plate(saved(text)), read_plate(saved(f"{line}\r\n{text}"))
    assert plate.wells.equals(plain.wells)
    assert plate.header == plain.header
    assert codes(plate) == [*codes(plain), "checksum_differs"]


def test_several_plates_of_one_file(xponent: Write, saved: Save) -> None:
    wells = ["A1", "B1", "C1", "D1"] * 2
    blocks = {"%CV": [["1", "2"]] * 4 + [["3", "x.mar"]] + [["3", "4"]] * 3}
    warnings = [["DataType:", "Warnings/Errors"], ["Location", "Status", "Message"],
                ["2,B1", "Warning", "low"], ["1,A1", "Warning", "dry"], []]  # fmt: skip
    averages = [["DataType:", "Avg Net MFI"], ["Sample", "IL-6", "TNFa"], ["my own", "1", "3"], []]
    file = saved(
        xponent(wells=wells, plate=[1] * 4 + [2] * 4, blocks=blocks, extra=averages + warnings)
    )
    first, second = read_plates(file)
    assert [first.name, second.name] == ["batch 1 plate 1", "batch 1 plate 2"]
    assert cell(first, "A1", "IL-6", "mfi") == 100.5
    assert cell(second, "A1", "IL-6", "mfi") == 140.5
    assert len(second.statistics["%CV"]) == 4
    assert len(first.statistics["Avg Net MFI"]) == 1
    assert "damaged_value" not in codes(first)
    assert "damaged_value" in codes(second)
    assert messages(first, "instrument_warning") == ["Warning: dry"]
    assert messages(second, "instrument_warning") == ["Warning: low"]
    assert {finding.plate for finding in second.findings} == {"batch 1 plate 2"}
    with pytest.raises(UsageError, match="CK-116: the file holds 2 plates"):
        read_plate(file)


def test_a_well_read_twice_is_kept_twice(xponent: Write, saved: Save) -> None:
    wells = ["A1", "B1", "C1", "D1", "E1", "F1", "G1", "A1"]
    plate = read_plate(saved(xponent(wells=wells)))
    assert (plate.wells["well"] == "A1").sum() == 4
    assert messages(plate, "repeated_well") == ["acquisition 8 reads this well once more"]


def test_384_wells_and_one_analyte(xponent: Write, saved: Save) -> None:
    wells = [f"{row}{column}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)]
    samples = ["Background0", "Standard1", "Standard2"] + [f"U {i}" for i in range(381)]
    plate = read_plate(saved(xponent(wells=wells, samples=samples, analytes=["IL-6"])))
    assert plate.size == 384
    assert len(plate.wells) == 384


def test_a_changed_file_is_found_by_its_checksum(xponent: Write, saved: Save) -> None:
    plate = read_plate(saved(xponent().replace('"100.5"', '"900.5"')))
    (message,) = messages(plate, "checksum_differs")
    assert message.startswith("the content's checksum is ")


# --- damaged files: line, column, what was expected, what stood there -------------------------


def damaged(saved: Save, text: str, *expected: str) -> str:
    with pytest.raises(FormatError) as caught:
        read_plate(saved(text))
    message = str(caught.value)
    for part in expected:
        assert part in message
    return message


def test_a_file_without_its_closing_lines_is_cut_off(xponent: Write, saved: Save) -> None:
    damaged(saved, xponent(footer=False), "CK-120: the file is cut off: expected '-- CRC --' after "
            "block 'Standard Expected Concentration'", "plate.csv, line")  # fmt: skip


def test_every_cut_is_an_error_with_a_place(xponent: Write, saved: Save) -> None:
    text = xponent(dilution=["", "", "", "", "1", "2", "2", "2"])
    for end in range(0, text.rindex("-- CRC"), 37):
        with pytest.raises(FormatError) as caught:
            read_plate(saved(text[:end]))
        assert "plate.csv" in str(caught.value)


def test_a_row_that_ends_early_or_runs_on(xponent: Write, saved: Save) -> None:
    text = xponent()
    broken = text.replace('"3(1,C1)","Standard1","120.5","121.5","500"', '"3(1,C1)","Stan', 1)
    damaged(saved, broken, "CK-121", "line 11, column")
    short = text.replace('"120.5","121.5","500"', '"120.5"', 1)
    damaged(saved, short, "CK-121: block 'Median': expected 5 cells, the row ends before 'TNFa'",
            "line 11, column 4")  # fmt: skip
    long = text.replace('"120.5","121.5","500"', '"120","5","121","5","500"', 1)
    damaged(saved, long, "CK-121: block 'Median': expected 5 cells, but '5' stands beyond",
            "line 11, column 6")  # fmt: skip


def test_rows_lost_doubled_or_misplaced(xponent: Write, saved: Save) -> None:
    text = xponent()
    median = '"3(1,C1)","Standard1","120.5","121.5","500"\r\n'
    damaged(saved, text.replace(median, median * 2), "CK-127: block 'Median'")
    damaged(saved, text.replace(median, "\r\n" + median), "CK-125: a table row stands outside")
    damaged(saved, text.replace('"DataType:","Count"\r\n', ""), "CK-125", "begins with 'Location'")


def test_locations_that_name_no_well(xponent: Write, saved: Save) -> None:
    for bad in ("3(1,Z1)", "C1", "", "3(1,C25)"):
        damaged(saved, xponent().replace("3(1,C1)", bad),
                f"CK-124: block 'Median': expected a location such as '1(1,A1)', found {bad!r}",
                "line 11, column 1")  # fmt: skip


def test_blocks_lost_doubled_or_nameless(xponent: Write, saved: Save) -> None:
    text = xponent()
    message = damaged(saved, text.replace('"Median"', '"Medain"'), "CK-123: no block 'Median'")
    assert "did you mean 'Medain'?" in message
    start = text.index('"DataType:","Standard Expected')
    twice = text[start : text.index("-- CRC")]
    damaged(saved, text.replace("-- CRC", twice.replace('"10"', '"20"') + "-- CRC", 1),
            "CK-128: block 'Standard Expected Concentration' stands twice, first on l")  # fmt: skip
    alike = read_plate(saved(text.replace("-- CRC", twice + "-- CRC", 1)))
    assert messages(alike, "header_mismatch") == [
        "block 'Standard Expected Concentration' stands twice, alike in every cell; it is read once"
    ]
    damaged(
        saved, text.replace('"DataType:","Count"', '"DataType:",""'), "CK-126: a block has no name"
    )
    damaged(saved, text.replace('"Reagent","IL-6"', '"Reagent",""'), "CK-126: a column of block")
    lost = text.replace('"DataType:","Median"\r\n"Loca', '"DataType:","Median"\r\n"Luca')
    damaged(saved, lost, "CK-126: block 'Median': expected the columns 'Location' and 'Sample', "
            "found 'Lucation', 'Sample'", "line 8, column 1")  # fmt: skip
    start = text.index('"DataType:","Units"')
    damaged(saved, text[:start] + '"DataType:","Units"\r\n\r\n-- CRC --\r\n',
            "CK-126: block 'Units' has no columns")  # fmt: skip
    damaged(saved, '"Program","xPONENT","","MAGPIX"\r\n-- CRC --\r\n', "CK-123", "no block at all")
    empty = (
        '"Program","xPONENT"\r\n"DataType:","Median"\r\n"Location","Sample","a"\r\n\r\n-- CRC --'
    )
    damaged(saved, empty, "CK-123: block 'Median' holds no rows", "line 2")


def test_all_that_is_wrong_is_said_together_and_long_lists_are_counted(
    xponent: Write, saved: Save
) -> None:
    wells = [f"A{column + 1}" for column in range(12)] + [f"B{column + 1}" for column in range(12)]
    text = xponent(wells=wells, samples=["x"] * 24).replace(',"500"', "")
    message = damaged(saved, text, "CK-121")
    assert message.count("error CK-121") == 13
    assert "and 12 more of this kind" in message


def test_sample_names_that_differ_between_blocks(xponent: Write, saved: Save) -> None:
    text = xponent().replace('"8(1,H1)","my own","130"', '"8(1,H1)","your own","130"')
    plate = read_plate(saved(text))
    assert messages(plate, "header_mismatch") == [
        "the sample is 'my own' in block 'Median' and 'your own' in block 'Count'"
    ]


def test_a_unit_that_is_none_is_listed(xponent: Write, saved: Save) -> None:
    plate = read_plate(
        saved(xponent().replace('"Units:","pg/mL","pg/mL"', '"Units:","Bead","Bead"'))
    )
    assert plate.unit("IL-6") == ""
    assert [part.reason for part in plate.unread] == ["'Bead' is no unit of concentration"]


def test_without_standards_reading_is_no_error(xponent: Write, saved: Save) -> None:
    plate = read_plate(saved(xponent(samples=[f"Unknown{i}" for i in range(8)], standards={})))
    assert plate.of_type(WellType.STANDARD).empty
    assert plate.findings == ()
