"""Plain concentration tables: columns, flags, limits, units, hidden floors, refusals."""

from __future__ import annotations

import csv
import math
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import InputError, NothingToDoError, UsageError
from cytokit.sources.numbers import read_cell
from cytokit.tables.concentrations import ConcentrationTable, read_concentrations, repeated_end

INF = math.inf


def write(folder: Path, text: str, name: str = "table.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def codes(table: ConcentrationTable) -> list[str]:
    return [finding.code for finding in table.findings]


def messages(table: ConcentrationTable, code: str) -> str:
    return "\n".join(f.message for f in table.findings if f.code == code)


def one(cell: str, **more: str) -> dict[str, object]:
    """The reading that a tidy table of one row gives."""
    frame = pd.DataFrame([{"sample": "a", "analyte": "IL-6", "conc": cell, **more}])
    return dict(read_concentrations(frame).frame.iloc[0])


def same(found: dict[str, object], state: str, value: float, lower: float, upper: float) -> bool:
    numbers = [found["value"], found["lower"], found["upper"]]
    pairs = zip(numbers, [value, lower, upper], strict=True)
    return found["state"] == state and all(
        a == b or (math.isnan(b) and math.isnan(float(str(a)))) for a, b in pairs
    )


NAN = math.nan


@pytest.mark.parametrize(
    ("cell", "more", "state", "value", "lower", "upper"),
    [
        ("17.5", {}, "exact", 17.5, 17.5, 17.5),
        ("1e-3", {}, "exact", 0.001, 0.001, 0.001),
        (" 17 pg/mL", {}, "exact", 17, 17, 17),
        ("*1.55", {}, "exact", 1.55, 1.55, 1.55),
        ("< 3.2", {}, "below", NAN, 0, 3.2),
        ("<=3.2", {}, "below", NAN, 0, 3.2),
        ("≤3.2 pg/mL", {}, "below", NAN, 0, 3.2),
        ("<15.67 pg/mL", {"lod": "1"}, "below", NAN, 0, 15.67),
        (">10000", {}, "above", NAN, 10000, INF),
        ("1,234.5", {}, "exact", 1234.5, 1234.5, 1234.5),
        ("<LOD", {"lod": "2"}, "below", NAN, 0, 2),
        ("<LOD", {}, "below", NAN, 0, NAN),
        ("< LLOQ", {"lod": "2", "lloq": "5"}, "below", NAN, 0, 5),
        ("OOR <", {"lod": "2"}, "below", NAN, 0, 2),
        ("OOR<", {"limit": "1", "lod": "2"}, "below", NAN, 0, 1),
        ("BLQ", {"lod": "2", "lloq": "5"}, "below", NAN, 0, 5),
        ("OOR >", {"uloq": "900"}, "above", NAN, 900, INF),
        ("OOR >", {}, "above", NAN, NAN, INF),
        ("", {}, "missing", NAN, NAN, NAN),
        ("NA", {}, "missing", NAN, NAN, NAN),
        ("***", {}, "missing", NAN, NAN, NAN),
        ("5", {"censor": ""}, "exact", 5, 5, 5),
        ("5", {"censor": "="}, "exact", 5, 5, 5),
        ("5", {"censor": "<"}, "below", NAN, 0, 5),
        ("0.05", {"censor": "<", "lod": "0.9"}, "below", NAN, 0, 0.9),
        ("0.1071", {"censor": "<", "floor": "0.11"}, "below", NAN, 0, 0.11),
        ("5", {"censor": "<", "lod": "0.9"}, "below", NAN, 0, 5),
        ("", {"censor": "<", "lod": "0.9"}, "below", NAN, 0, 0.9),
        ("", {"censor": "<"}, "missing", NAN, NAN, NAN),
        ("500", {"censor": ">"}, "above", NAN, 500, INF),
        ("500", {"censor": ">", "uloq": "400"}, "above", NAN, 400, INF),
        ("3", {"censor": "TRUE"}, "below", NAN, 0, 3),
        ("3", {"floor": "3"}, "below", NAN, 0, 3),
        ("2", {"floor": "3"}, "below", NAN, 0, 3),
        ("4", {"floor": "3"}, "exact", 4, 4, 4),
        ("2", {"lod": "3"}, "exact", 2, 2, 2),
        ("20.lip", {}, "missing", NAN, NAN, NAN),
        ("not done", {}, "missing", NAN, NAN, NAN),
        ("#DIV/0!", {}, "missing", NAN, NAN, NAN),
        ("bdl", {"lod": "2", "lloq": "5"}, "below", NAN, 0, 2),
        ("below range", {"limit": "1", "lod": "2"}, "below", NAN, 0, 1),
        ("Below_LLOQ", {"lod": "2", "lloq": "5"}, "below", NAN, 0, 5),
        ("inf", {"uloq": "900"}, "above", NAN, 900, INF),
        ("3.2*", {}, "exact", 3.2, 3.2, 3.2),
        ("1\u00a0040", {}, "exact", 1040, 1040, 1040),
        ("<1\u202f040.5", {}, "below", NAN, 0, 1040.5),
        ("40±3", {}, "missing", NAN, NAN, NAN),
        ("<<3", {}, "missing", NAN, NAN, NAN),
        ("2024-02-01", {}, "missing", NAN, NAN, NAN),
        ("5", {"censor": "perhaps"}, "missing", NAN, NAN, NAN),
    ],
)
def test_every_cell_becomes_the_interval_it_speaks_of(
    cell: str, more: dict[str, str], state: str, value: float, lower: float, upper: float
) -> None:
    assert same(one(cell, **more), state, value, lower, upper)


def test_what_is_odd_about_a_cell_is_said_and_counted() -> None:
    frame = pd.DataFrame(
        {
            "sample": list("abcdefg"),
            "analyte": "IL-6",
            "value": ["*1.5", "OOR <", "20.lip", "0", "0.0", "7", "8"],
            "censor": ["", "", "", "", "", "<", "maybe"],
            "lod": ["", "", "", "", "", "2", ""],
        }
    )
    table = read_concentrations(frame)
    assert "1 of 7 readings are called extrapolated" in messages(table, "extrapolated")
    assert "1 of 7 readings are out of range without a limit" in messages(table, "limit_unknown")
    assert "wrong side of the limit" in messages(table, "limit_contradicted")
    assert "2 readings are 0" in messages(table, "nonpositive_value")
    damaged = messages(table, "damaged_value")
    assert "DataFrame, line 3, column value: '20.lip' is neither" in damaged
    assert "'8' with censoring mark 'maybe' is neither" in damaged
    assert list(table.frame["source"]) == ["*1.5", "OOR <", "20.lip", "0", "0.0", "7", "8"]


def test_a_floor_serves_as_lod_where_no_lod_is_given() -> None:
    frame = pd.DataFrame(
        {"subject": ["a", "b"], "analyte": "X", "conc": [3.0, 9.0], "floor": [3.0, 3.0]}
    )
    table = read_concentrations(frame)
    assert list(table.frame["lod"]) == [3.0, 3.0]
    assert list(table.frame["state"]) == ["below", "exact"]
    assert table.frame["lloq"].isna().all()


def test_tidy_csv_with_synonyms_says_what_it_took(tmp_path: Path) -> None:
    text = (
        "Patient ID,Arm,Study day,Cytokine,Concentration (pg/mL),Visit\n"
        "P1,control,0,IL-6,3.5,1\nP1,control,6,IL-6,<1.2,2\n"
    )
    table = read_concentrations(write(tmp_path, text))
    columns = ["subject", "group", "day", "analyte"]
    assert list(table.frame.columns[:4]) == columns
    assert list(table.frame["day"]) == [0, 6]
    assert set(table.frame["unit"]) == {"pg/mL"}
    said = messages(table, "columns_recognised")
    assert "subject = 'Patient ID'" in said
    assert "value = 'Concentration (pg/mL)'" in said
    assert "map Visit to day" in messages(table, "unread_block")
    assert table.columns["group"] == "Arm"
    assert len(table.sha256) == 64


def test_day_is_taken_from_another_column_only_when_mapped() -> None:
    frame = pd.DataFrame({"subject": ["a"], "visit": [3], "marker": ["IL-6"], "Calc": ["1.5"]})
    with pytest.raises(InputError, match="CK-251"):
        read_concentrations(frame.assign(Calc=["good"]))
    table = read_concentrations(frame, mapping={"day": "visit", "value": "Calc"})
    assert list(table.frame["day"]) == [3]
    assert list(table.frame["value"]) == [1.5]


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (["Day 0", "D6", "day 14"], [0, 6, 14]),
        (["0", "6", "14"], [0, 6, 14]),
        (["-1", "0.5", "2"], [-1.0, 0.5, 2.0]),
        (["baseline", "6", "14"], ["baseline", "6", "14"]),
    ],
)
def test_days_become_numbers_only_if_all_are(days: list[str], found: list[object]) -> None:
    frame = pd.DataFrame({"subject": list("abc"), "day": days, "analyte": "X", "conc": 1.0})
    table = read_concentrations(frame)
    assert list(table.frame["day"]) == found
    assert ("name_matched" in codes(table)) == any("ay" in day or "D" in day for day in days)


def test_wide_table_with_units_limits_and_strangers(tmp_path: Path) -> None:
    text = (
        "exported by a core,,,,,\n"
        "\n"
        "Sample,Sex,IL-6 (pg/mL),TNFα [pg/mL],diagnosis,IL-6 LLOQ\n"
        "s1,f,<1.5,12.5,sepsis,2\n"
        "s2,m,OOR <,>900,none,2\n"
        "LOD,,1.5,0.7,,\n"
    )
    table = read_concentrations(write(tmp_path, text))
    frame = table.frame
    assert list(frame["analyte"]) == ["IL-6", "TNFα"] * 2
    assert list(frame["unit"]) == ["pg/mL"] * 4
    assert list(frame["state"]) == ["below", "exact", "below", "above"]
    assert list(frame["upper"]) == [1.5, 12.5, 1.5, INF]
    assert list(frame["lod"]) == [1.5, 0.7, 1.5, 0.7]
    assert list(frame["lloq"].fillna(-1)) == [2, -1, 2, -1]
    unread = messages(table, "unread_block")
    assert "column 'Sex' is not used" in unread
    assert "'diagnosis' is not used: none of its cells holds a number" in unread
    assert "line 1, 'exported by a core', is not used" in unread


def test_wide_table_with_a_row_of_units() -> None:
    frame = pd.DataFrame({"sample": ["", "s1"], "CRP": ["mg/L", "4"], "IL-6": ["pg/mL", "5"]})
    table = read_concentrations(frame)
    assert dict(zip(table.frame["analyte"], table.frame["unit"], strict=True)) == {
        "CRP": "mg/L",
        "IL-6": "pg/mL",
    }
    assert len(table.frame) == 2


def test_wide_columns_can_be_ignored_by_name() -> None:
    frame = pd.DataFrame({"sample": ["s1"], "IL-6": ["4"], "viability": ["90"]})
    assert list(read_concentrations(frame).frame["analyte"]) == ["IL-6", "viability"]
    table = read_concentrations(frame, mapping={"ignore": ["viability"]})
    assert list(table.frame["analyte"]) == ["IL-6"]
    assert "the mapping says to ignore it" in messages(table, "unread_block")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas_in_text(tmp_path: Path, delimiter: str) -> None:
    rows = ["sample;IL-6;TNF", "s1;1,5;<0,25", "s2;12,25;3"]
    path = write(tmp_path, "\r\n".join(rows).replace(";", delimiter), encoding="utf-16")
    table = read_concentrations(path)
    assert list(table.frame["upper"]) == [1.5, 0.25, 12.25, 3.0]


def test_workbook_with_numbers_and_comma_texts(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "conc"
    for row in (["sample", "IL-6", "TNF"], ["s1", 1.5, "<0,25"], ["s2", 3, "OOR >"]):
        sheet.append(row)
    book.create_sheet("notes").append(["made", "by hand"])
    path = tmp_path / "table.xlsx"
    book.save(path)
    table = read_concentrations(path)
    assert list(table.frame["upper"]) == [1.5, 0.25, 3.0, INF]
    assert "sheet 'notes' is not used" in messages(table, "unread_block")


KINDS = ["commas", "semicolons", "tabs", "workbook", "frame"]


def as_kind(folder: Path, rows: list[list[str]], kind: str) -> Path | pd.DataFrame:
    """The same cells in another kind of file; numbers with a point are stored as such."""
    if kind == "frame":
        return pd.DataFrame(rows[1:], columns=rows[0])
    if kind == "workbook":
        book = openpyxl.Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(row)
        book.save(folder / "t.xlsx")
        return folder / "t.xlsx"
    mark = {"commas": ",", "semicolons": ";", "tabs": "\t"}[kind]
    with (folder / "t.txt").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=mark).writerows(rows)
    return folder / "t.txt"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_cells_are_the_same_numbers_in_every_kind_of_file(
    tmp_path: Path, kind: str
) -> None:
    header = ["sample", "A", "B", "C", "D"]
    cells = [["a", "0,435", "2.5", "1,435", "7"], ["b", "1,286", "3.125", "286.5", "1.25"]]
    table = read_concentrations(as_kind(tmp_path, [header, *cells], kind))
    values = table.frame.set_index(["sample", "analyte"])["value"].to_dict()
    assert values == {
        ("a", "A"): 0.435,
        ("a", "B"): 2.5,
        ("a", "C"): 1435.0,
        ("a", "D"): 7.0,
        ("b", "A"): 1.286,
        ("b", "B"): 3.125,
        ("b", "C"): 286.5,
        ("b", "D"): 1.25,
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mark", [",", "."])
def test_cells_with_two_readings_are_refused_in_every_kind_of_file(
    tmp_path: Path, kind: str, mark: str
) -> None:
    cells = [["a", f"1{mark}435"], ["b", "286"], ["c", f"2{mark}059"], ["d", "<118"]]
    source = as_kind(tmp_path, [["sample", "IL-6"], *cells], kind)
    with pytest.raises(InputError, match="CK-245") as caught:
        read_concentrations(source)
    assert f"'1{mark}435' can be read in two ways" in str(caught.value)
    assert "1435" in str(caught.value)
    assert "1.435" in str(caught.value)
    assert "column IL-6" in str(caught.value)
    other = {",": "point", ".": "comma"}[mark]
    table = read_concentrations(source, decimal=other)
    assert table.frame["given"].tolist() == [1435, 286, 2059, 118]
    assert f"'1{mark}435' as 1435, '2{mark}059' as 2059" in messages(table, "thousands_read")
    assert "2 different cells such as '1" in messages(table, "decimal_asked")
    same_mark = {",": "comma", ".": "point"}[mark]
    table = read_concentrations(source, decimal=same_mark)
    assert table.frame["given"].tolist() == [1.435, 286, 2.059, 118]
    assert "thousands_read" not in codes(table)


@pytest.mark.parametrize("kind", KINDS)
def test_marks_that_contradict_each_other_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    rows = [["sample", "IL-6"], ["a", "0,435"], ["b", "1.286"], ["c", "0.118"]]
    source = as_kind(tmp_path, rows, kind)
    with pytest.raises(InputError, match=r"CK-246: .*'0,435' beside '0.118'"):
        read_concentrations(source)
    table = read_concentrations(source, decimal="point")
    assert table.frame["state"].tolist() == ["missing", "exact", "exact"]
    assert "'0,435' is neither" in messages(table, "damaged_value")
    assert "read with a decimal point, as asked" in messages(table, "decimal_asked")


def test_numbers_stored_as_numbers_are_exact_beside_texts_with_commas(tmp_path: Path) -> None:
    rows = [["sample", "A", "A LOD"], ["a", "0,435", 1.435], ["b", 1.286, "0,5"], ["LOD", 0.25, ""]]
    frame = read_concentrations(as_kind(tmp_path, rows, "workbook")).frame
    assert frame["value"].tolist() == [0.435, 1.286]
    assert frame["lod"].tolist() == [1.435, 0.5]


def test_a_word_with_two_meanings_is_asked_for_and_counted() -> None:
    cells = ["20", "ND", "n.d.", "7", "BLQ", "BLQ"]
    frame = pd.DataFrame({"sample": list("abcdef"), "analyte": "X", "value": cells, "lod": 2.0})
    with pytest.raises(InputError, match="CK-221") as caught:
        read_concentrations(frame)
    text = str(caught.value)
    assert "2 readings are 'ND', 'n.d.'" in text
    assert "line 2, 3" in text
    assert "nd='below' or nd='missing'" in text
    below = read_concentrations(frame, nd="below")
    assert below.frame["state"].tolist() == ["exact", "below", "below", "exact", "below", "below"]
    assert below.frame["upper"].tolist()[:3] == [20, 2, 2]
    said = messages(below, "words_read")
    assert "1 reading is 'ND': read as below range" in said
    assert "2 readings are 'BLQ': read as below range" in said
    missing = read_concentrations(frame, nd="missing")
    assert missing.frame["state"].tolist()[:3] == ["exact", "missing", "missing"]
    assert "1 reading is 'n.d.': read as missing" in messages(missing, "words_read")
    with pytest.raises(UsageError, match="CK-223: nd='belo' is no choice") as wrong:
        read_concentrations(frame, nd="belo")
    assert "did you mean 'below'?" in str(wrong.value)
    with pytest.raises(UsageError, match="CK-222: decimal=',' is no choice"):
        read_concentrations(frame, decimal=",")


@pytest.mark.parametrize(
    "word",
    ["bdl", "below range", "belowlod", "1,234.5", "inf", "<LLOQ", "OOR >", "N/A", "---", "3.2*"],
)
def test_a_cell_means_the_same_in_a_table_and_in_a_plate(word: str) -> None:
    state = {"oor_low": "below", "oor_high": "above", "in_range": "exact", "extrapolated": "exact"}
    cell = read_cell(word)
    found = one(word)
    assert found["state"] == state.get(str(cell.status), "missing")
    assert same(found, str(found["state"]), cell.value, *[found["lower"], found["upper"]])


UNTOLD = pd.DataFrame(
    {
        "sample": ["a", "a", "b", "b"],
        "analyte": "IL-6",
        "value": [10.0, 1000.0, 12.0, 1100.0],
    }
)


@pytest.mark.parametrize(
    "column",
    [
        {"Bead.Name": ["IL-6", "IL-10"] * 2},
        {"stimulus": ["LPS", "none"] * 2},
        {"kit": [1, 2] * 2},
        {"visit": [1, 2] * 2},
        {"file": ["w", "x", "y", "z"]},
    ],
)
@pytest.mark.parametrize("form", ["named", "nameless", "wide"])
def test_rows_that_an_unknown_column_tells_apart_are_not_pooled(
    column: dict[str, list[object]], form: str
) -> None:
    name = next(iter(column))
    frame = UNTOLD.assign(**{name: column[name]})
    if form == "nameless":
        frame = frame.drop(columns="analyte")
    if form == "wide":
        frame = frame.drop(columns="analyte").rename(columns={"value": "IL-6"})
    if form == "wide" and name == "kit":
        return  # a column of numbers is an analyte there
    with pytest.raises(InputError, match="CK-220") as caught:
        read_concentrations(frame)
    text = str(caught.value)
    assert f"differ in the column '{name}'" in text
    assert f"condition={name} to keep its values apart" in text
    assert f"ignore={name} if the rows are replicates" in text
    assert (f"analyte={name}" in text) is (form == "nameless")
    assert (f"day={name}" in text) is (name == "visit")
    apart = read_concentrations(frame, mapping={"condition": name}).frame
    assert apart.groupby("analyte")["value"].max().max() == 1100
    assert not apart.duplicated(["sample", "analyte"]).any()
    assert all(text.endswith(")") for text in apart["analyte"])
    together = read_concentrations(frame, mapping={"ignore": [name]})
    assert len(set(together.frame["analyte"])) == 1
    assert "sample a stands 2 times" in messages(together, "repeated_sample")


@pytest.mark.parametrize(
    "column",
    [
        {"well": ["A1", "B1", "C1", "D1"]},
        {"MFI": [10.5, 11, 12, 13.5]},
        {"sex": ["f", "f", "m", "m"]},
    ],
)
def test_rows_that_nothing_tells_apart_are_replicates(column: dict[str, list[object]]) -> None:
    table = read_concentrations(UNTOLD.assign(**column))
    assert "sample b stands 2 times" in messages(table, "repeated_sample")


def test_a_column_that_may_name_analytes_is_asked_for_although_no_row_repeats() -> None:
    frame = pd.DataFrame(
        {"sample": list("abcd"), "Target": ["IL-6", "IL-6", "TNF", "TNF"], "result": [1, 2, 3, 4]}
    )
    with pytest.raises(InputError, match=r"CK-220: .*'Target'"):
        read_concentrations(frame)
    table = read_concentrations(frame, mapping={"analyte": "Target"})
    assert table.frame["analyte"].tolist() == ["IL-6", "IL-6", "TNF", "TNF"]
    assert codes(read_concentrations(frame.assign(Target="IL-6")))[0] == "columns_recognised"


def test_a_formula_without_a_stored_result_is_named(tmp_path: Path) -> None:
    rows = [["sample", "IL-6"], ["a", 10], ["b", "=20+20"], ["c", "=CONCATENATE(1,2)"], ["d", 3]]
    table = read_concentrations(as_kind(tmp_path, rows, "workbook"))
    assert table.frame["state"].tolist() == ["exact", "missing", "missing", "exact"]
    said = messages(table, "damaged_value")
    assert "line 3, column IL-6: the formula '=20+20' has no stored result" in said
    assert "line 4, column IL-6: the formula '=CONCATENATE(1,2)'" in said


def test_a_date_where_a_number_belongs_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["sample", "IL-6"], ["a", 10], ["b", datetime(2024, 2, 1)], ["c", 3]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    table = read_concentrations(tmp_path / "t.xlsx")
    assert table.frame["state"].tolist() == ["exact", "missing", "exact"]
    assert "line 3, column IL-6: '2024-02-01" in messages(table, "damaged_value")


def test_small_tables_that_went_wrong(cases: Path) -> None:
    tables, more, files = cases / "tables", cases / "more", cases / "files"
    zero = read_concentrations(tables / "1_zero_comma.csv").frame
    assert zero.loc[zero["analyte"] == "IL-6", "value"].max() == 2.059
    assert zero.loc[zero["analyte"] == "TNF", "value"].max() == 3.9
    for path in (
        tables / "1b_one_zero_comma.csv",
        more / "02_decimal_comma_read_as_thousands/t.csv",
    ):
        with pytest.raises(InputError, match=r"CK-246: .*'0,435'"):
            read_concentrations(path)
    unproven = [tables / "2_thousands_read_as_decimals.csv"]
    unproven += [more / "03_thousands_comma_in_tab_file" / name for name in ("t.csv", "t.txt")]
    for path in unproven:
        with pytest.raises(InputError, match=r"CK-245: '1,435' .* 1\.435 or 1435"):
            read_concentrations(path)
        assert read_concentrations(path, decimal="point").frame["value"].max() == 2059
    for path in (tables / "4_nd.csv", more / "05_warnings_never_shown/nd.csv"):
        with pytest.raises(InputError, match="CK-221"):
            read_concentrations(path)
    star = read_concentrations(tables / "4b_star.csv")
    assert star.frame["value"].tolist()[-1] == 3.2
    assert "1 of 8 readings are called extrapolated" in messages(star, "extrapolated")
    blank = read_concentrations(more / "05_warnings_never_shown" / "nbsp.xlsx")
    assert blank.frame["value"].max() == 1040
    assert "as 1040" in messages(blank, "thousands_read")
    formula = read_concentrations(more / "19_formula_without_value" / "t.xlsx")
    assert "'=20+20' has no stored result" in messages(formula, "damaged_value")
    with pytest.raises(InputError, match=r"CK-220: .*'Bead\.Name'"):
        read_concentrations(files / "long_unknown_analyte_column.csv")
    told = {"analyte": "Bead.Name"}
    known = read_concentrations(files / "long_unknown_analyte_column.csv", mapping=told).frame
    assert sorted(set(known["analyte"])) == ["IL-10", "IL-6"]
    mapping = {"analyte": "Assay", "value": "NPX"}
    olink = read_concentrations(files / "olink_npx_long.csv", mapping=mapping).frame
    np.testing.assert_allclose(np.log2(olink["value"]), [-1.2, 0.8, 1.1, 2.4, 2.9, 3.3])
    assert set(olink["analyte"]) == {"IL6"}


def test_hidden_floor_and_ceiling_are_found_and_left_alone() -> None:
    values = [0.11] * 68 + [0.1071] + [float(v) for v in range(1, 8)] + [900.0] * 5
    frame = pd.DataFrame(
        {"sample": [f"s{i}" for i in range(len(values))], "analyte": "IL12", "conc": values}
    )
    table = read_concentrations(frame)
    floor = messages(table, "hidden_floor")
    assert "68 of 81 readings are 0.11, the lowest value (1 lie below it)" in floor
    assert "5 of 81 readings are 900, the highest value" in messages(table, "hidden_ceiling")
    assert set(table.frame["state"]) == {"exact"}
    declared = read_concentrations(frame.assign(floor=0.11))
    assert "hidden_floor" not in codes(declared)
    assert (declared.frame["state"] == "below").sum() == 69


def test_coarse_rounding_is_no_floor() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0] * 6
    frame = pd.DataFrame({"sample": range(30), "analyte": "X", "conc": values})
    assert "hidden_floor" not in codes(read_concentrations(frame))


@pytest.mark.parametrize("seed", range(20))
def test_numbers_rounded_to_few_digits_are_no_floors(seed: int) -> None:
    """Half of all numbers are 1 or 2, as rounding makes them; the rest trails off."""
    rng = np.random.default_rng(seed)
    values = np.round(np.exp(1 + rng.normal(size=400)))
    assert (values == 1).mean() > 0.15
    assert list(repeated_end(values[values > 0].tolist())) == []


def test_many_numbers_are_searched_quickly() -> None:
    rng = np.random.default_rng(1)
    values = [0.5] * 40_000 + rng.lognormal(3, 1, 60_000).tolist()
    began = time.perf_counter()
    assert list(repeated_end(values)) == [(0.5, 40_000, sum(value < 0.5 for value in values))]
    assert time.perf_counter() - began < 5


def test_spellings_units_and_repeats_are_named_and_kept_apart() -> None:
    frame = pd.DataFrame(
        {
            "subject": ["a", "a", "b", "b"],
            "day": [0, 0, 0, 0],
            "analyte": ["IL-6", "IL-6", "IL6", "TNF"],
            "conc": [1.0, 2.0, 3.0, 4.0],
            "unit": ["pg/mL", "ng/mL", "pg/mL", "pg/mL"],
        }
    )
    table = read_concentrations(frame)
    mismatch = messages(table, "header_mismatch")
    assert "'IL-6' and 'IL6' are kept apart" in messages(table, "analytes_alike")
    assert "more than one unit: 'ng/mL', 'pg/mL'" in mismatch
    assert "subject a, day 0 stands 2 times" in messages(table, "repeated_sample")
    assert len(table.frame) == 4


def test_a_limit_that_is_no_number_is_named_once() -> None:
    frame = pd.DataFrame({"sample": ["a", "b"], "analyte": "X", "conc": 1.0, "lod": "see kit"})
    table = read_concentrations(frame)
    assert (
        messages(table, "damaged_value") == "DataFrame, line 1, column lod: 'see kit' is no number"
    )
    assert table.frame["lod"].isna().all()


def test_a_row_that_ends_early_is_named(tmp_path: Path) -> None:
    table = read_concentrations(write(tmp_path, "sample,analyte,conc,unit\na,X,1,pg/mL\nb,X,1"))
    assert "fewer cells than the header in line 3" in messages(table, "header_mismatch")
    full = read_concentrations(write(tmp_path, "sample,analyte,conc\na,X,1\nb,X,1"))
    assert codes(full) == ["columns_recognised"]


def test_design_status_is_read_and_another_status_is_not() -> None:
    frame = pd.DataFrame({"subject": ["a", "b"], "analyte": "X", "conc": ["1", ""]})
    table = read_concentrations(frame.assign(status=["sampled", "died"]))
    assert list(table.frame["status"]) == ["sampled", "died"]
    table = read_concentrations(frame.assign(status=["final", "final"]))
    assert "status" not in table.frame
    assert "'final' is none of sampled, missing, died" in messages(table, "unread_block")


@pytest.mark.parametrize(
    ("header", "mapping", "error", "words"),
    [
        ("sample,analyte,conc", {"dya": "conc"}, UsageError, ["CK-240", "did you mean 'day'?"]),
        ("sample,analyte,conc", {"day": "cons"}, UsageError, ["CK-241", "did you mean 'conc'?"]),
        ("sample,analyte,conc", {"ignore": "no"}, UsageError, ["CK-241", "'no'"]),
        (
            "sample,analyte,conc,value",
            {},
            InputError,
            ["CK-242", "conc, value", "mapping={'value': 'conc'}"],
        ),
        ("sample,analyte,conc,conc", {}, InputError, ["CK-243", "'conc'"]),
    ],
)
def test_columns_that_cannot_be_told_are_refused(
    tmp_path: Path, header: str, mapping: dict[str, str], error: type, words: list[str]
) -> None:
    path = write(tmp_path, f"{header}\na,b,1\n")
    with pytest.raises(error) as caught:
        read_concentrations(path, mapping=mapping)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("sample,analyte,conc\n", NothingToDoError, ["CK-244", "no reading"]),
        ('sample,analyte,conc\na,b,"1,234"\n', InputError, ["CK-245", "'1,234'", "thousands"]),
        (
            "sample;analyte;conc\na;b;1,5\na;c;2.5\n",
            InputError,
            ["CK-246", "'1,5' beside '2.5'", "column conc"],
        ),
        ("sample,analyte,conc\na,b,1,9\n", InputError, ["CK-249", "line 2", "'9'"]),
        ("x,y\n1,2\n", InputError, ["CK-250", "sample or subject"]),
        ("sample,note\na,hello\n", InputError, ["CK-251", "no column of concentrations"]),
    ],
)
def test_tables_that_make_no_sense_are_refused(
    tmp_path: Path, text: str, error: type, words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        read_concentrations(write(tmp_path, text))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "columns",
    [
        {"IL-6 (pg/mL)": ["<3.2", "17"]},
        {"analyte": ["IL-6", "IL-6"], "value": ["1", "2"], "patient_no": ["x", "y"]},
        {"status": ["sampled", "sampled"], "stratum": ["a", "b"], "IL-6": ["1", "2"]},
    ],
)
def test_readings_that_are_nobodys_are_refused(columns: dict[str, list[str]]) -> None:
    with pytest.raises(InputError, match="CK-252: no column says whose the readings") as caught:
        read_concentrations(pd.DataFrame(columns))
    assert "sample or subject" in str(caught.value)
    assert ("not recognised: patient_no" in str(caught.value)) == ("patient_no" in columns)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CK-100"):
        read_concentrations(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="CK-250"):
        read_concentrations(write(tmp_path, "<?xml version='1.0'?><a/>", "a.xml"))
    book = openpyxl.Workbook()
    for name in ("one", "two"):
        sheet = book.create_sheet(name)
        sheet.append(["sample", "IL-6"])
        sheet.append(["a", 1])
    path = tmp_path / "two.xlsx"
    book.save(path)
    with pytest.raises(InputError, match=r"CK-248: 2 sheets hold a table: one, two"):
        read_concentrations(path)
    empty = tmp_path / "none.xlsx"
    openpyxl.Workbook().save(empty)
    with pytest.raises(InputError, match="CK-250"):
        read_concentrations(empty)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "<", ">"]),
            st.floats(1e-6, 1e9, allow_nan=False).map(lambda v: float(f"{v:.6g}")),
        ),
        min_size=1,
        max_size=20,
    ),
    st.booleans(),
)
@settings(deadline=None, derandomize=True, max_examples=60)
def test_wide_and_tidy_tables_give_the_same_readings(
    readings: list[tuple[str, float]], wide: bool
) -> None:
    cells = [f"{sign}{value!r}" for sign, value in readings]
    samples = [f"s{i}" for i in range(len(cells))]
    frame = (
        pd.DataFrame({"sample": samples, "IL-6": cells})
        if wide
        else pd.DataFrame({"sample": samples, "analyte": "IL-6", "value": cells})
    )
    found = read_concentrations(frame).frame
    for row, (sign, value) in zip(found.itertuples(), readings, strict=True):
        low, high = {"": (value, value), "<": (0.0, value), ">": (value, INF)}[sign]
        assert (row.lower, row.upper) == (low, high)


@pytest.mark.real
def test_zilucov_trial_is_read_with_its_declared_floors(real: Path) -> None:
    table = read_concentrations(real / "clinical" / "zilucov_long.csv")
    states = table.frame["state"].value_counts().to_dict()
    assert states == {"exact": 1440, "below": 99, "missing": 61}
    il12 = table.frame[(table.frame["analyte"] == "IL12") & (table.frame["state"] == "below")]
    assert len(il12) == 69
    assert set(il12["upper"]) == {0.11}
    assert sorted(set(table.frame["unit"])) == ["fg/mL", "mU/mL", "ng/mL", "pg/mL", "ug/mL"]
    assert "hidden_floor" not in codes(table)


@pytest.mark.real
def test_zilucov_floors_are_found_when_undeclared(real: Path) -> None:
    frame = pd.read_csv(real / "clinical" / "zilucov_long.csv").drop(columns=["floor", "censor"])
    table = read_concentrations(frame)
    found = {f.analyte: f.message for f in table.findings if f.code == "hidden_floor"}
    assert list(found) == ["GM-CSF", "IL12", "IL1B"]
    assert "68 of 78 readings are 0.11" in found["IL12"]


@pytest.mark.real
def test_endotoxin_trial_is_read_through_a_mapping(real: Path) -> None:
    mapping = {"day": "time", "value": "conc_pg_ml"}
    table = read_concentrations(real / "clinical" / "endotoxin_long.csv", mapping=mapping)
    states = table.frame["state"].value_counts().to_dict()
    assert states == {"exact": 741, "below": 199, "missing": 20}
    assert set(table.frame["unit"]) == {"pg/mL"}
    assert sorted(set(table.frame["day"])) == [1, 2, 3, 4]
    il6 = table.frame[table.frame["analyte"] == "IL6"]
    assert set(il6["lod"]) == {0.9}
    assert set(il6.loc[il6["state"] == "below", "upper"]) == {0.9}
