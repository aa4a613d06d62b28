"""INTELLIFLEX: in xPONENT's blocks, and one row per well with one or two reporters."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cytokit.errors import FormatError
from cytokit.parsers.read import read_plate, read_plates
from cytokit.plate import Plate

Write = Callable[..., str]
Save = Callable[..., Path]
PROGRAM = ("Program", "xPONENT", "", "Intelliflex")
FIXED = ["INSTRUMENT TYPE", "PLATE NAME", "PLATE START", "WELL LOCATION", "WELL TYPE",
         "WELL STATUS", "SAMPLE ID", "DILUTION", "TOTAL EVENTS"]  # fmt: skip
METRICS = ["ANALYTE NAME", "REGION", "MEDIAN", "NET MEDIAN", "COUNT", "%CV"]
SIGNATURE = "--DOCUMENT SIGNATURE--\nInstrument Serial Number: X\nData Signature: \nABCD\n"


def wide(
    rows: Sequence[Sequence[str]] | None = None,
    *,
    reporters: Sequence[int] = (1,),
    names: Sequence[str] = ("HPV6", "HPV11"),
    metrics: Sequence[str] = METRICS,
    signature: str = SIGNATURE,
    delimiter: str = ",",
) -> str:
    out = io.StringIO()
    write = csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow
    regions = ["25", "27"]
    write(FIXED + [f"R{r}: RP{p} {m}" for r in regions for p in reporters for m in metrics])
    default = [
        ["A1", "B", "Complete", "Blank", ""],
        ["B1", "S1", "Complete", "Std 1", "1"],
        ["C1", "C1", "Warning", "QC", "2"],
        ["D1", "U1", "Dry", "P1", "50"],
    ]
    for index, (well, kind, status, sample, dilution) in enumerate(rows or default):
        values = []
        for k, name in enumerate(names):
            for p in reporters:
                readings = [name, regions[k], f"{100 * p + index + k}.5", "90", "60", "3"]
                values += ["NaN"] * len(metrics) if status == "Dry" else readings[: len(metrics)]
        write(["INTELLIFLEX", "run 7", "2026-02-25", well, kind, status, sample, dilution,
               str(100 + index), *values])  # fmt: skip
    return out.getvalue() + signature


def codes(plate: Plate) -> list[str]:
    return [finding.code for finding in plate.findings]


def test_rows_by_well_are_read(saved: Save) -> None:
    plate = read_plate(saved(wide()))
    assert plate.source.format == "intelliflex"
    assert plate.name == "run 7"
    assert plate.analyte_names == ["HPV6", "HPV11"]
    assert plate.analytes["bead_id"].tolist() == ["25", "27"]
    wells = plate.wells.query("analyte == 'HPV11'").set_index("well")
    assert wells["well_type"].to_dict() == {
        "A1": "blank", "B1": "standard", "C1": "control", "D1": "unknown",
    }  # fmt: skip
    assert wells["mfi"].tolist()[:3] == [101.5, 102.5, 103.5]
    assert math.isnan(wells["mfi"]["D1"])
    assert wells["dilution_factor"].tolist() == [1, 1, 2, 50]
    assert wells["expected"]["A1"] == 0
    assert plate.header["INSTRUMENT TYPE"] == "INTELLIFLEX"
    assert plate.statistics["%CV"]["HPV6"].tolist()[:2] == [3, 3]
    assert plate.statistics["wells"]["TOTAL EVENTS"].tolist() == ["100", "101", "102", "103"]
    assert [(f.code, f.well) for f in plate.findings] == [
        ("instrument_warning", "C1"), ("missing_value", "D1"), ("instrument_warning", "D1"),
    ]  # fmt: skip
    assert [part.name for part in plate.unread] == ["DOCUMENT SIGNATURE"]


def test_two_reporters_are_two_analytes(saved: Save) -> None:
    plate = read_plate(saved(wide(reporters=(1, 2))))
    assert plate.analyte_names == ["HPV6 (RP1)", "HPV6 (RP2)", "HPV11 (RP1)", "HPV11 (RP2)"]
    first = plate.wells.query("well == 'A1'")["mfi"].tolist()
    assert first == [100.5, 200.5, 101.5, 201.5]


def test_regions_without_or_with_equal_names_stay_apart(saved: Save) -> None:
    plate = read_plate(
        saved(wide(metrics=["ANALYTE NAME", "REGION", "MEDIAN"], names=("NaN", "NaN")))
    )
    assert plate.analyte_names == ["R25", "R27"]
    plate = read_plate(saved(wide(names=("X", "X"))))
    assert plate.analyte_names == ["X", "X R27"]
    assert "header_mismatch" in codes(plate)


def test_several_plates_by_name_and_decimal_commas(saved: Save) -> None:
    text = wide().replace("INTELLIFLEX,run 7,2026-02-25,C1", "INTELLIFLEX,run 8,2026-02-25,C1")
    assert [plate.name for plate in read_plates(saved(text))] == ["run 7", "run 8"]
    commas = wide(delimiter=";").replace(".5", ",5")
    plate = read_plate(saved(commas))
    assert plate.source.decimal == ","
    assert plate.wells.equals(read_plate(saved(wide())).wells)


def test_damage_and_odd_types_and_dilutions(saved: Save) -> None:
    text = wide().replace("102.5", "26.mar").replace(",U1,Dry,P1,50", ",Q7,Dry,P1,0.5")
    plate = read_plate(saved(text, "odd.csv"))
    damage = [f for f in plate.findings if f.code == "damaged_value"]
    assert [(f.well, f.analyte) for f in damage] == [("B1", "HPV11"), ("C1", "HPV6")]
    assert "column 'MEDIAN', line 3: '26.mar'" in damage[0].message
    assert "well_type_unclear" in codes(plate)
    assert "dilution_unclear" in codes(plate)
    odd = plate.wells.groupby("well")["dilution_factor"].apply(lambda factor: factor.isna().all())
    assert odd[odd].index.tolist() == ["D1"]
    text = wide().replace(",U1,Dry,P1,50", ",U1,Dry,P1,1:50")
    assert read_plate(saved(text)).wells.equals(read_plate(saved(wide())).wells)


def test_repeated_wells_and_missing_signature(saved: Save) -> None:
    plate = read_plate(saved(wide(signature="")))
    assert "no_footer" in codes(plate)
    rows = [["A1", "U1", "", "a", "1"], ["A1", "U2", "", "b", "1"]]
    assert "repeated_well" in codes(read_plate(saved(wide(rows))))


def test_damaged_tables_are_errors_with_a_place(saved: Save) -> None:
    lines = wide().splitlines()

    def refused(changed: list[str], *parts: str) -> None:
        with pytest.raises(FormatError) as caught:
            read_plate(saved("\n".join(changed) + "\n"))
        for part in parts:
            assert part in str(caught.value)

    refused(
        [*lines[:2], lines[2][:-9]],
        "CK-130: a row that does not fit the first line: expected 21 cells",
        "the row ends",
        "line 3, col",
    )
    refused([*lines[:2], lines[2] + ",7"], "CK-130", "'7' stands beyond", "line 3, column 22")
    refused(
        [*lines[:2], lines[2].replace("B1", "Q99")], "CK-132", "found 'Q99'", "line 3, column 4"
    )
    refused([*lines[:3], lines[2]], "CK-133: the line of well B1 stands twice", "line 4")
    refused(lines[:1], "CK-131: no row of readings")
    refused([line.replace("MEDIAN", "MEAN") for line in lines], "CK-131: no column")


def test_blocks_of_an_intelliflex(xponent: Write, saved: Save) -> None:
    plate = read_plate(saved(xponent(program=PROGRAM)))
    assert plate.source.format == "intelliflex_blocks"
    assert "checksum_differs" not in codes(plate)
    plate = read_plate(saved(xponent(program=PROGRAM, footer=False)))
    assert codes(plate) == ["no_footer"]
    text = xponent(program=PROGRAM, footer=False, quoting=csv.QUOTE_MINIMAL)
    for end, code in ((-4, "CK-120: the file is cut off"), (-9, "CK-121")):
        with pytest.raises(FormatError, match=code):
            read_plate(saved(text[:end]))
