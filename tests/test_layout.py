"""Layout files: long tables and grids, merged with the export, conflicts named, holes kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xlsxwriter

from cytokit.errors import DesignError, FormatError, OutputError, UsageError
from cytokit.flags import Finding
from cytokit.plate import Plate, SourceInfo, make_wells
from cytokit.schema import ANALYTE_COLUMNS, WellType
from cytokit.sources.raw import RawFile
from cytokit.tables.layouts import (
    apply_layout,
    describes_layout,
    likely_type,
    read_layout,
    write_layout_template,
)

ANALYTES = ("IL-6", "TNFa")


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str, name: str = "layout.csv") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    book = xlsxwriter.Workbook(str(path))
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for index, row in enumerate(rows):
            sheet.write_row(index, 0, row)
    book.close()
    return path


def grid(cells: Mapping[str, object], corner: str = "", size: int = 96) -> list[list[object]]:
    letters, columns = ("ABCDEFGH", 12) if size == 96 else ("ABCDEFGHIJKLMNOP", 24)
    rows: list[list[object]] = [[corner, *range(1, columns + 1)]]
    rows += [[a, *[cells.get(f"{a}{c}", "") for c in range(1, columns + 1)]] for a in letters]
    return rows


def plate(
    samples: Mapping[str, str],
    types: Mapping[str, WellType] | None = None,
    *,
    dilution: float = 1.0,
    expected: float = math.nan,
) -> Plate:
    rows = [
        {
            "well": well,
            "sample": sample,
            "well_type": str((types or {}).get(well, WellType.UNKNOWN)),
            "analyte": analyte,
            "dilution_factor": dilution,
            "mfi": 10.0,
            "expected": expected,
        }
        for well, sample in samples.items()
        for analyte in ANALYTES
    ]
    analytes = pd.DataFrame(
        [(name, "", "pg/mL", 50) for name in ANALYTES], columns=list(ANALYTE_COLUMNS)
    )
    source = SourceInfo("/data/run_1.csv", "", "test")
    return Plate("P", source, make_wells(rows), analytes)


PLAIN = {"A1": "Unknown1", "B1": "Unknown2", "C1": "Unknown3"}


def rows_of(merged: Plate, well: str) -> pd.DataFrame:
    return merged.wells[merged.wells["well"] == well].set_index("analyte")


def told(merged: Plate, code: str) -> list[str]:
    return [finding.message for finding in merged.findings if finding.code == code]


def test_a_long_table_says_what_each_well_holds(save: Callable[..., Path]) -> None:
    text = (
        "Well,Sample name,Type,Dilution factor,expected IL-6,TNFa,subject\n"
        "a01,S1,standard,,100,50,\nB1,blank well,B,,,,\nC01,Pat 1,sample,1:50,,,s1\n\n"
    )
    layout = read_layout(save(text))
    merged = apply_layout(plate(PLAIN), layout)
    standard, blank, patient = (rows_of(merged, well) for well in PLAIN)
    assert set(standard["well_type"]) == {"standard"}
    assert standard["expected"].to_dict() == {"IL-6": 100, "TNFa": 50}
    assert set(blank["well_type"]) == {"blank"}
    assert set(blank["expected"]) == {0}
    assert set(patient["sample"]) == {"Pat 1"}
    assert set(patient["dilution_factor"]) == {50}
    assert patient["expected"].isna().all()
    assert told(merged, "layout_conflict") == []
    assert [part.name for part in layout.unread] == ["subject"]
    assert told(merged, "layout_unread") == ["subject: a column that layouts do not use"]


@pytest.mark.parametrize("size", [96, 384])
def test_grids_one_property_per_sheet(tmp_path: Path, size: int) -> None:
    far = "H12" if size == 96 else "P24"
    cells = {"A1": "P1", "B1": "P2", far: "P3"}
    file = workbook(
        tmp_path / "layout.xlsx",
        {
            "sample": grid(cells, size=size),
            "Type": grid({"A1": "S1", far: "X"}, size=size),
            "dilution": grid({far: 4}, size=size),
            "expected IL-6": grid({"A1": 12.5}, size=size),
            "notes": [["made by me"]],
        },
    )
    merged = apply_layout(
        plate({"A1": "Unknown1", "B1": "Unknown2", far: "Unknown3"}), read_layout(file)
    )
    assert merged.wells.drop_duplicates("well")["sample"].tolist() == ["P1", "P2", "P3"]
    assert rows_of(merged, "A1")["expected"]["IL-6"] == 12.5
    assert math.isnan(rows_of(merged, "A1")["expected"]["TNFa"])
    assert set(rows_of(merged, far)["dilution_factor"]) == {4}
    assert set(rows_of(merged, "A1")["well_type"]) == {"standard"}


def test_grids_in_one_csv_are_titled_in_the_corner_or_above(save: Callable[..., Path]) -> None:
    lines = [";".join(map(str, row)) for row in grid({"A1": "P1"}, corner="sample")]
    lines += ["", "Dilution:"]
    lines += [";".join(map(str, row)) for row in grid({"A1": "2,5"})]
    merged = apply_layout(plate(PLAIN), read_layout(save("\n".join(lines))))
    assert set(rows_of(merged, "A1")["sample"]) == {"P1"}
    assert set(rows_of(merged, "A1")["dilution_factor"]) == {2.5}


def test_a_single_nameless_grid_is_sample_names(tmp_path: Path) -> None:
    file = workbook(tmp_path / "l.xlsx", {"Feuil1": grid({"A1": "B", "B1": "1/50", "C1": "K1"})})
    exported = plate({"A1": "B", "B1": "S", "C1": "Unknown9"})
    merged = apply_layout(exported, read_layout(file))
    types = merged.wells.drop_duplicates("well")["well_type"].tolist()
    assert types == ["blank", "standard", "unknown"]
    assert set(rows_of(merged, "B1")["expected"]) == {0.02}
    assert told(merged, "expected_from_name") == [
        "the standard '1/50' has no expected concentration; 1/50 is used"
    ]


def test_expected_concentrations_by_sample(tmp_path: Path) -> None:
    file = workbook(
        tmp_path / "l.xlsx",
        {
            "layout": [
                ["well", "sample", "type"],
                ["A1", "Top", "standard"],
                ["B1", "Q", "control"],
            ],
            "expected": [["sample", "IL-6", "TNFa"], ["Top", 1000, 500], ["Q", 20, ""]],
        },
    )
    merged = apply_layout(plate(PLAIN), read_layout(file))
    assert rows_of(merged, "A1")["expected"].tolist() == [1000, 500]
    assert rows_of(merged, "B1")["expected"]["IL-6"] == 20
    assert math.isnan(rows_of(merged, "B1")["expected"]["TNFa"])


def test_types_follow_codes_and_expected_values_where_no_type_is_given(
    save: Callable[..., Path],
) -> None:
    text = "well,sample,expected\nA1,Top,100\nB1,Bottom,0\nC1,Control 1,\n"
    merged = apply_layout(plate(PLAIN), read_layout(save(text)))
    types = merged.wells.drop_duplicates("well")["well_type"].tolist()
    assert types == ["standard", "blank", "unknown"]


def test_conflicts_are_named_and_the_layout_is_followed(save: Callable[..., Path]) -> None:
    exported = plate(
        {"A1": "Jane", "B1": "Standard1", "C1": "Control1"},
        {"B1": WellType.STANDARD, "C1": WellType.CONTROL},
        dilution=2,
        expected=10,
    )
    text = (
        "well,sample,type,dilution,expected\nA1,John,unknown,4,\nB1,Standard1,standard,2,20\n"
        "C1,P7,unknown,,\n"
    )
    merged = apply_layout(exported, read_layout(save(text)))
    assert told(merged, "layout_conflict") == [
        "the export calls the sample 'Jane', the layout 'John'",
        "the export gives the dilution factor 2, the layout 4",
        "the dilution 2 of a standard is not used: expected is at the bead",
        "IL-6: the export expects 10, the layout 20",
        "TNFa: the export expects 10, the layout 20",
        "the export calls the well control, the layout unknown",
    ]
    assert {finding.plate for finding in merged.findings} == {"P"}
    assert set(rows_of(merged, "A1")["dilution_factor"]) == {4}
    assert set(rows_of(merged, "B1")["expected"]) == {20}
    assert rows_of(merged, "C1")["expected"].isna().all()


def test_holes_stay_holes_on_either_side(save: Callable[..., Path]) -> None:
    merged = apply_layout(plate(PLAIN), read_layout(save("well,sample\nA1,P1\nH12,P2\n")))
    assert set(merged.wells["well"]) == {"A1", "B1", "C1"}
    assert told(merged, "layout_gap") == [
        "in the layout but not in the export: H12; they stay missing",
        "in the export but not in the layout: B1, C1; left as exported",
    ]


def test_a_plate_column_gives_each_plate_its_own_rows(save: Callable[..., Path]) -> None:
    text = "plate,well,sample\nP,A1,mine\nrun_1,B1,by file\nQ,A1,other\nQ,C1,other\n"
    layout = read_layout(save(text))
    merged = apply_layout(plate(PLAIN), layout)
    samples = merged.wells.drop_duplicates("well")["sample"].tolist()
    assert samples == ["mine", "by file", "Unknown3"]
    only = read_layout(save("plate,well,sample\nQ,A1,other\n"))
    assert told(apply_layout(plate(PLAIN), only), "layout_gap") == [
        "the layout speaks of other plates only"
    ]


def test_a_bare_column_that_is_no_analyte_is_said(save: Callable[..., Path]) -> None:
    merged = apply_layout(plate(PLAIN), read_layout(save("well,sample,IL6x\nA1,P1,5\n")))
    assert told(merged, "layout_title_unknown") == [
        "column 'IL6x' is neither a property nor an analyte of the plate (did you mean 'IL-6'?)"
    ]


@pytest.mark.parametrize(
    ("title", "cell", "code", "near"),
    [
        ("Verdünnung", "2", "layout_title_unknown", ""),
        ("diluton", "1:2", "layout_title_unknown", " (did you mean 'dilution'?)"),
        ("tpye", "standard", "layout_title_unknown", " (did you mean 'type'?)"),
        ("concentration", "5", "layout_title_unknown", ""),
        ("freezer box", "C, top", "layout_unread", ""),
    ],
)
def test_no_column_of_a_layout_is_left_out_in_silence(
    save: Callable[..., Path], title: str, cell: str, code: str, near: str
) -> None:
    text = f'well,sample,{title}\nA1,P1,"{cell}"\nB1,P2,\nC1,P3,NA\n'
    merged = apply_layout(plate(PLAIN), read_layout(save(text)))
    message = f"column {title!r} is neither a property nor an analyte of the plate{near}"
    assert told(merged, code) == [message]
    others = {"layout_unread", "layout_title_unknown"} - {code}
    assert not [told(merged, other) for other in others if told(merged, other)]


def test_a_short_word_for_dilution_is_understood(save: Callable[..., Path]) -> None:
    merged = apply_layout(plate(PLAIN), read_layout(save("well,sample,Dil.\nC1,P3,1:4\n")))
    assert set(rows_of(merged, "C1")["dilution_factor"]) == {4}


def test_wells_may_stand_in_two_columns(save: Callable[..., Path]) -> None:
    text = "Row,Column,sample,type\nA,1,P1,unknown\nb,01,P2,unknown\n\nC,1\n"
    layout = read_layout(save(text))
    assert [(one.well, one.sample) for one in layout.wells] == [
        ("A1", "P1"), ("B1", "P2"), ("C1", ""),
    ]  # fmt: skip
    assert describes_layout(RawFile.open(save(text)))
    assert told(apply_layout(plate(PLAIN), layout), "layout_unread") == []


def test_an_analytes_column_without_numbers_is_refused(save: Callable[..., Path]) -> None:
    text = "well,sample,type,IL-6,TNFa\nA1,S1,standard,ten,5\nB1,S2,standard,-5,NA\n"
    with pytest.raises(DesignError) as caught:
        apply_layout(plate(PLAIN), read_layout(save(text)))
    (problem,) = caught.value.problems
    assert problem.code == "CK-207"
    assert problem.what == "the layout's column 'IL-6' holds no number of at least 0 in A1, B1"
    assert problem.mend == "give a number of at least 0, or leave the cell empty"


def test_an_expected_concentration_that_is_none_is_named_with_its_analyte(
    save: Callable[..., Path],
) -> None:
    text = "well,sample,type,expected IL-6,expected TNFa\nA1,S1,standard,-5,ten\n"
    with pytest.raises(DesignError) as caught:
        read_layout(save(text))
    places = [problem.where.rpartition(", line 2, ")[2] for problem in caught.value.problems]
    assert places == ["well A1, analyte IL-6", "well A1, analyte TNFa"]
    assert {problem.mend for problem in caught.value.problems} == {
        "give a number of at least 0, or leave the cell empty"
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "well,Sample ID,Sample name\nA1,7,P1\n",
            "columns 'Sample ID' and 'Sample name' both give the sample: '7' and 'P1'",
        ),
        (
            "well,sample,type,type\nA1,P1,unknown,standard\n",
            "columns 'type' and 'type' both give the type: 'unknown' and 'standard'",
        ),
        (
            "well,expected IL-6,expected: IL-6\nA1,5,6\n",
            "columns 'expected IL-6' and 'expected: IL-6' both give the expected of IL-6",
        ),
    ],
)
def test_two_columns_of_one_property_that_differ_are_refused(
    save: Callable[..., Path], text: str, words: str
) -> None:
    with pytest.raises(DesignError, match="CK-165") as caught:
        read_layout(save(text))
    (problem,) = caught.value.problems
    assert words in problem.what
    assert "line 2, well A1" in problem.where
    same = text.replace("7,P1", "P1,p1").replace("unknown,standard", "x,x").replace("5,6", "5,5")
    assert len(read_layout(save(same)).wells) == 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("hello\nworld\n", "CK-201", "no layout was found"),
        ("well,sample\nZ9,P1\nA99,P2\n", "CK-203", "'Z9' is not a well"),
        ("well,sample\nA1,P1\nA01,P2\n", "CK-204", "well A1 is given twice"),
        ("well,type\nA1,contrl\n", "CK-205", "did you mean 'control'?"),
        ("well,dilution\nA1,0.02\n", "CK-206", "'0.02' is below 1: one part in 50, or"),
        ("well,dilution\nA1,much\n", "CK-206", "give the factor that multiplies"),
        ("well,expected\nA1,26.mar\n", "CK-207", "'26.mar' is no number"),
        ("well,expected\nA1,-3\n", "CK-207", "'-3' is no number of at least 0"),
        ("sample,IL-6\nTop,x\n", "CK-207", "sample Top"),
    ],
)
def test_every_mistake_has_its_message_and_place(
    save: Callable[..., Path], text: str, code: str, words: str
) -> None:
    with pytest.raises(DesignError) as caught:
        read_layout(save(text))
    message = str(caught.value)
    assert f"error {code}" in message
    assert words in message
    assert "layout.csv" in message


def test_all_mistakes_of_a_layout_are_reported_together(save: Callable[..., Path]) -> None:
    with pytest.raises(DesignError) as caught:
        read_layout(save("well,type,dilution\nA1,x1,0\nQ1,b,2\nB1,nothing,2\n"))
    assert [problem.code for problem in caught.value.problems] == ["CK-206", "CK-203", "CK-205"]


def test_grids_of_no_property_or_shape(tmp_path: Path) -> None:
    two = {"sample": grid({"A1": "P1"}), "dilutoin": grid({"A1": 2})}
    with pytest.raises(
        DesignError, match="CK-202: the grid 'dilutoin' names no property"
    ) as caught:
        read_layout(workbook(tmp_path / "a.xlsx", two))
    assert "did you mean 'dilution'?" in str(caught.value)
    cut = {"sample": grid({"A1": "P1"})[:6]}
    with pytest.raises(DesignError, match="CK-210: the grid 'sample' has 5 rows and 12 columns"):
        read_layout(workbook(tmp_path / "b.xlsx", cut))


def test_layouts_that_do_not_belong_to_the_plate(save: Callable[..., Path]) -> None:
    with pytest.raises(DesignError, match="CK-209: no well of the layout is on plate 'P'"):
        apply_layout(plate(PLAIN), read_layout(save("well,sample\nH12,P1\n")))
    with pytest.raises(DesignError, match=r"CK-208: the layout gives expected .* 'IL6b'") as caught:
        apply_layout(plate(PLAIN), read_layout(save("well,expected IL6b\nA1,5\n")))
    assert "did you mean 'IL-6'?" in str(caught.value)


def test_unreadable_files_and_unused_sheets(tmp_path: Path, save: Callable[..., Path]) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"%PDF-1.4\n\x00")
    with pytest.raises(FormatError, match="CK-102"):
        read_layout(tmp_path / "x.xlsx")
    sheets = {"map": grid({"A1": "P1"}), "odd": [["a", "b"], ["c", "d"]]}
    layout = read_layout(workbook(tmp_path / "y.xlsx", sheets))
    assert [part.name for part in layout.unread] == ["odd"]


def test_what_describes_a_layout(save: Callable[..., Path]) -> None:
    def says(text: str) -> bool:
        return describes_layout(RawFile("x.csv", text.encode()))

    assert says("well,sample\nA1,P1\n")
    assert says("\n".join(",".join(map(str, row)) for row in grid({"A1": "P"})))
    assert not says("well,IL-6\nA1,5\n")
    assert not says("sample,subject,group,day\n")
    assert not describes_layout(RawFile("x.csv", b"a,b\n\x81,2\n"))
    assert not describes_layout(RawFile("x.xml", b"<a/>"))


def test_a_factor_that_the_export_leaves_open_is_taken_from_the_layout(
    save: Callable[..., Path],
) -> None:
    exported = plate({"A1": "P1", "A2": "P2"}, dilution=math.nan)
    asked = [Finding("dilution_unclear", "0.5", "P", well) for well in ("A1", "A2")]
    exported = replace(exported, findings=tuple(asked))
    merged = apply_layout(exported, read_layout(save("well,dilution\nA1,1:2\n")))
    assert merged.wells["dilution_factor"].tolist()[0] == 2
    assert math.isnan(merged.wells["dilution_factor"].tolist()[-1])
    assert [(one.code, one.well) for one in merged.findings if one.code != "layout_gap"] == [
        ("dilution_unclear", "A2")
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("S2", "standard"), ("S10 Pk", "standard"), ("s1_high", "standard"), ("Std 3", "standard"),
     ("African-Mix-Standard03", "standard"), ("Blank 2", "blank"), ("B", "blank"),
     ("background mix", "blank"), ("QC2", "control"), ("Control 1", "control"), ("S10-024", None),
     ("Normoxia Control 1", None), ("P17", None), ("NC", None), ("", None), ("S" * 500, None),
     ("Stds of Anna", None), ("S1" + " " * 100_000 + "x", "standard")],
)  # fmt: skip
def test_what_a_name_suggests(name: str, kind: str | None) -> None:
    assert likely_type(name) == kind


def unclear(exported: Plate, names: Mapping[str, str]) -> Plate:
    asked = [Finding("well_type_unclear", f"{names[well]!r} looks", "P", well) for well in names]
    return replace(exported, findings=tuple(asked))


def test_names_alone_silence_nothing_that_the_export_says(save: Callable[..., Path]) -> None:
    names = {"A1": "S1", "A2": "S2", "A3": "Blank 2", "A4": "S3", "A5": "Unknown1"}
    exported = unclear(plate(names, {"A3": WellType.BLANK}), {"A1": "S1", "A2": "S2", "A4": "S3"})
    text = "well,sample,type\nA1,S1 ETH,\nA2,Pat 7,\nA3,NC,\nA4,Pat 8,unknown\nA5,S10 Pk,\n"
    merged = apply_layout(exported, read_layout(save(text)))
    asked = [f for f in merged.findings if f.code == "well_type_unclear"]
    assert [one.well for one in asked] == ["A1", "A2", "A5"]
    assert asked[-1].message == (
        "the layout calls the sample 'S10 Pk', which looks like a standard, and gives no type; "
        "it is taken as an unknown sample"
    )
    assert told(merged, "layout_conflict") == [
        "the export calls the sample 'Blank 2', the layout 'NC' and gives no type: it stays a blank"
    ]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_template_fills_the_likely_types_in_for_review(tmp_path: Path, ending: str) -> None:
    exported = unclear(plate({"A1": "S1", "A2": "=cmd()", "A3": "-IL"}), {"A1": "S1"})
    file = write_layout_template(exported, tmp_path / f"layout.{ending}")
    layout = read_layout(file)
    assert [(plan.well, plan.sample, plan.well_type) for plan in layout.wells] == [
        ("A1", "S1", "standard"), ("A2", "=cmd()", "unknown"), ("A3", "-IL", "unknown"),
    ]  # fmt: skip
    merged = apply_layout(exported, layout)
    assert merged.findings == ()
    shown = file.read_text() if ending == "csv" else str(
        [[cell.value for cell in row] for row in openpyxl.load_workbook(file)["layout"].rows]
    )  # fmt: skip
    assert "called like a standard: right?" in shown
    if ending == "csv":
        assert shown.startswith("well,sample,type,dilution,review\nA1,S1,standard,,called")
        assert "A2,'=cmd(),unknown,1" in shown


def test_a_template_of_several_plates_names_them_and_keeps_what_is_expected(
    tmp_path: Path,
) -> None:
    types = {"A1": WellType.STANDARD}
    one = plate({"A1": "Standard1", "B1": "P1"}, types, expected=7)
    one.wells.loc[one.wells["well"] == "B1", "expected"] = math.nan
    two = replace(one, name="Q")
    for name in ("layout.csv", "layout.xlsx"):
        layout = read_layout(write_layout_template([one, two], tmp_path / name))
        assert [(plan.plate, plan.well) for plan in layout.wells] == [
            ("P", "A1"), ("P", "B1"), ("Q", "A1"), ("Q", "B1"),
        ]  # fmt: skip
        merged = apply_layout(two, layout)
        pd.testing.assert_frame_equal(merged.wells, two.wells)
        assert merged.findings == ()
    with pytest.raises(UsageError, match=r"CK-164: a layout cannot be written as \.ods"):
        write_layout_template(one, tmp_path / "layout.ods")


def test_the_template_reads_back_as_the_plate(tmp_path: Path) -> None:
    types = {"A1": WellType.STANDARD, "B1": WellType.CONTROL, "C1": WellType.UNKNOWN}
    exported = plate({"A1": "=cmd()", "B1": "Control1", "C1": "P1"}, types, dilution=1, expected=7)
    exported.wells.loc[exported.wells["well"] == "C1", ["expected", "dilution_factor"]] = [
        math.nan,
        5,
    ]
    file = write_layout_template(exported, tmp_path / "layout.xlsx")
    merged = apply_layout(exported, read_layout(file))
    pd.testing.assert_frame_equal(merged.wells, exported.wells)
    assert merged.findings == ()
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == ["layout", "expected", "notes"]
    assert book["layout"]["B2"].value == "=cmd()"
    assert book["layout"]["B2"].data_type == "s", "text, never a formula"
    assert book["layout"].data_validations.dataValidation[0].sqref.ranges
    first = file.read_bytes()
    write_layout_template(exported, file, force=True)
    assert file.read_bytes() == first


def test_a_template_is_not_written_over_a_file(tmp_path: Path) -> None:
    file = tmp_path / "layout.xlsx"
    file.write_text("mine")
    with pytest.raises(OutputError, match="CK-213: the file exists"):
        write_layout_template(plate(PLAIN), file)
    with pytest.raises(OutputError, match="CK-213: the template cannot be written"):
        write_layout_template(plate(PLAIN), tmp_path / "no" / "such" / "layout.xlsx")
    assert file.read_text() == "mine"


# -- grids as people make them


@pytest.mark.parametrize("corner", ["Plate", "Well", "Row/Col", "plate 1", "", "#", "Batch A"])
@pytest.mark.parametrize("size", [96, 384])
def test_any_word_may_stand_in_the_corner(tmp_path: Path, corner: str, size: int) -> None:
    sheets = {"Sheet1": grid({"A1": "P1", "C1": "P3"}, corner=corner, size=size)}
    merged = apply_layout(plate(PLAIN), read_layout(workbook(tmp_path / "l.xlsx", sheets)))
    assert merged.wells.drop_duplicates("well")["sample"].tolist() == ["P1", "Unknown2", "P3"]
    text = "\n".join(";".join(map(str, row)) for row in sheets["Sheet1"])
    (tmp_path / "l.csv").write_text(text)
    again = apply_layout(plate(PLAIN), read_layout(tmp_path / "l.csv"))
    assert again.wells.equals(merged.wells)


def test_the_corner_of_the_case(cases: Path) -> None:
    layout = read_layout(cases / "files" / "layout_corner_Plate.xlsx")
    assert len(layout.wells) == 96
    assert {plan.sample for plan in layout.wells if plan.well == "A12"} == {"p12"}


def both(one: object, two: object) -> list[dict[str, list[list[object]]]]:
    """Two plates as sheets of grids, of grids in pairs, and of long tables."""
    return [
        {"P": grid({"A1": one}), "Q": grid({"A1": two})},
        {"P": grid({"A1": one}, corner="Plate"), "Q": grid({"B1": two})},
        {"P": grid({"A1": one}, corner="sample"), "Q": grid({"A1": two}, corner="sample")},
        {"all": [["P"], *grid({"A1": one}), ["Q"], *grid({"A1": two})]},
        {"all": [*grid({"A1": one}, corner="P"), [], *grid({"A1": two}, corner="Q")]},
        {"P": [["well", "sample"], ["A1", one]], "Q": [["well", "sample"], ["A1", two]]},
    ]


@pytest.mark.parametrize("form", range(6))
def test_a_sheet_for_each_plate_is_picked_by_the_plates_name(tmp_path: Path, form: int) -> None:
    sheets = both("mine", "other")[form]
    sheets["Key"] = [["Sample", "Meaning"], ["mine", "a patient"]]
    layout = read_layout(workbook(tmp_path / "l.xlsx", sheets))
    assert layout.sheets == ("P", "Q")
    merged = apply_layout(plate(PLAIN), layout)
    assert merged.wells.drop_duplicates("well")["sample"].tolist()[0] == "mine"
    assert told(merged, "layout_unread") == ["Key: a sheet that explains the others"]
    with pytest.raises(DesignError, match="CK-166: the layout has a plan for each of 'P', 'Q'"):
        apply_layout(replace(plate(PLAIN), name="R"), layout)


def test_what_holds_for_every_plate_stands_on_a_sheet_of_its_own(tmp_path: Path) -> None:
    sheets = {
        "p": [["sample"], *grid({"A1": "mine"}), ["dilution"], *grid({"A1": 4})],
        "Q": [["sample"], *grid({"A1": "other"}), ["dilution"], *grid({"A1": 8})],
        "type": grid({"A1": "control"}),
    }
    merged = apply_layout(plate(PLAIN), read_layout(workbook(tmp_path / "l.xlsx", sheets)))
    first = rows_of(merged, "A1").iloc[0]
    assert (first["sample"], first["dilution_factor"], first["well_type"]) == ("mine", 4, "control")


def test_grids_side_by_side_and_a_key_beside_them(tmp_path: Path) -> None:
    left, right = grid({"A1": "P1"}, corner="sample"), grid({"A1": 5}, corner="dilution")
    rows = [[*a, "", *b] for a, b in zip(left, right, strict=True)]
    rows[3] += ["", "Key: P = patient"]
    rows += [[], ["made by Anna"]]
    layout = read_layout(workbook(tmp_path / "l.xlsx", {"map": rows}))
    assert (layout.wells[0].sample, layout.wells[0].dilution_factor) == ("P1", 5)
    assert [part.reason for part in layout.unread] == [
        "what stands beside the grids is not read: 'Key: P = patient', 'made by Anna'"
    ]


def test_readings_are_no_layout_and_one_property_is_given_once(
    cases: Path, tmp_path: Path, save: Callable[..., Path]
) -> None:
    with pytest.raises(
        DesignError, match=r"CK-165: the grid 'Results' holds numbers such as 0\.05"
    ):
        read_layout(cases / "files" / "gen5_elisa.txt")
    twice = {"map": [*grid({"A1": "a"}, corner="sample"), *grid({"A1": "b"}, corner="sample")]}
    with pytest.raises(DesignError, match="CK-165: two grids give 'sample'"):
        read_layout(workbook(tmp_path / "l.xlsx", twice))
    numbered = grid({f"{a}{c}": 100 + c for a in "ABCDEFGH" for c in range(1, 13)})
    assert len(read_layout(workbook(tmp_path / "n.xlsx", {"Sheet1": numbered})).wells) == 96
    mixed = {"sample": grid({"A1": "P1"}), "Sheet2": grid({"A1": "P2"})}
    with pytest.raises(DesignError, match="CK-202: the grid 'Sheet2' names no property"):
        read_layout(workbook(tmp_path / "m.xlsx", mixed))
