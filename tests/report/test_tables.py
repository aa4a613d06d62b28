"""CSV tables: the same bytes, the same values, and nothing that a spreadsheet would run."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.cell_text import calculates, guard, unguard
from cytokit.errors import InputError, OutputError
from cytokit.flags import formula_findings
from cytokit.report.tables import number_text, read_table, table_bytes, table_text, write_table

ONCE = settings(deadline=None, derandomize=True, max_examples=50)
NAMES = st.text(
    alphabet=st.one_of(
        st.sampled_from("'=+-@\t\r\n\",;αβγµü<>&"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    ),
    max_size=12,
)


@given(NAMES)
@ONCE
def test_guard_is_taken_off_exactly(text):
    assert unguard(guard(text)) == text
    assert not calculates(guard(text))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "=1",
            "=cmd|' /C calc'!A0",
            "\t=1",
            "\uff1d1+1",
            "-2+3",
            "+2*3",
            "@SUM(1)",
            "-A1",
            "+$B$2",
        ),
        *("@A1", "-TRUE", "+cmd|' /C calc'!A0", "-IL-6", '-"a"', "+a:b", "=a", "-1-1", "+1/2"),
    ],
)
def test_what_a_spreadsheet_would_run_is_guarded(text):
    assert guard(text) == f"'{text}"
    assert unguard(guard(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("-15", "+49 171", "@cmd", "007", "-1.5e-3", "+1,000.5", "-5%", "IL-6", "a=b", "-", "="),
        *("@", "-TNF", "+ve", "'quoted'", "-.5"),
    ],
)
def test_an_identifier_that_calculates_nothing_stays_to_the_letter(text):
    assert guard(text) == text
    assert unguard(guard(text)) == text


def test_folders_that_guarded_more_are_read_as_they_were_meant():
    assert unguard("'-15") == "-15"
    assert guard("'-15") == "''-15"


def test_guarded_names_are_counted():
    (found,) = formula_findings(["=1", "-15", "@SUM(1)", "=1", "S1"], plate="P")
    assert (found.code, found.plate) == ("guarded_text", "P")
    assert found.message.startswith(
        "2 names would be calculated by a spreadsheet ('=1', '@SUM(1)')"
    )
    assert formula_findings(["-15", "S1"]) == []


@given(st.lists(st.tuples(NAMES, NAMES), max_size=6))
@ONCE
def test_texts_come_back_to_the_letter(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    frame = pd.DataFrame(rows, columns=["sample", "analyte"]).astype("str")
    write_table(frame, path)
    pd.testing.assert_frame_equal(read_table(path), frame)


@given(st.lists(NAMES, max_size=5))
@ONCE
def test_one_column_of_texts_keeps_its_empty_rows(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    frame = pd.DataFrame({"sample": pd.Series(names, dtype="str")})
    write_table(frame, path)
    pd.testing.assert_frame_equal(read_table(path), frame)


@given(st.lists(NAMES.filter(bool), min_size=1, max_size=5, unique=True))
@ONCE
def test_hostile_column_names_come_back(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    frame = pd.DataFrame([[1.5] * len(names)], columns=names)
    write_table(frame, path)
    assert list(read_table(path).columns) == names


@given(st.lists(st.floats(), min_size=1, max_size=8))
@ONCE
def test_numbers_come_back_bit_for_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    write_table(pd.DataFrame({"mfi": values}), path)
    np.testing.assert_array_equal(read_table(path)["mfi"].to_numpy(), np.array(values))


def test_the_bytes_are_what_they_are_said_to_be(tmp_path):
    frame = pd.DataFrame(
        {
            "sample": ["=1+1", "'=x", 'a "b", c', None, "µ\nβ"],
            "mfi": [1.0, 0.1, math.nan, math.inf, -2.5e-300],
            "n_wells": [1, 2, 3, 4, 5],
            "used": [True, False, True, False, True],
        }
    )
    text = (
        "sample,mfi,n_wells,used\n"
        "'=1+1,1,1,true\n"
        "''=x,0.1,2,false\n"
        '"a ""b"", c",,3,true\n'
        ",inf,4,false\n"
        '"µ\nβ",-2.5e-300,5,true\n'
    )
    assert table_text(frame) == text
    assert table_bytes(frame) == text.encode()
    assert table_bytes(frame, excel=True) == b"\xef\xbb\xbf" + text.encode()
    write_table(frame, tmp_path / "t.csv", excel=True)
    back = read_table(tmp_path / "t.csv")
    assert back["sample"].tolist() == ["=1+1", "'=x", 'a "b", c', "", "µ\nβ"]
    assert back.dtypes.astype(str).to_dict() == {
        "sample": "str",
        "mfi": "float64",
        "n_wells": "int64",
        "used": "bool",
    }


def test_mixed_cells_are_written_each_by_its_type():
    frame = pd.DataFrame(
        {"value": pd.Series([True, 3, 0.5, pd.NA, pd.NaT, "-x+1"], dtype="object")}
    )
    assert table_text(frame) == 'value\ntrue\n3\n0.5\n""\n""\n\'-x+1\n'


def test_unknown_columns_are_typed_only_where_nothing_is_lost(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("code,count,share,flag,empty\n007,7,0.5,true,\n012,-8,1e-05,false,\n")
    kinds = read_table(path).dtypes.astype(str).to_dict()
    assert kinds == {
        "code": "str",
        "count": "int64",
        "share": "float64",
        "flag": "bool",
        "empty": "str",
    }
    assert read_table(path, kinds={"count": "text"})["count"].tolist() == ["7", "-8"]


def test_a_spreadsheets_own_spelling_is_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffsample,n_wells,used\r\nα,2,TRUE\r\nβ,,FALSE\r\n".encode())
    frame = read_table(path)
    assert frame["sample"].tolist() == ["α", "β"]
    assert frame["used"].tolist() == [True, False]
    assert math.isnan(frame["n_wells"][1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "error CK-544: the table is empty"),
        (b"mfi,mfi\n1,2\n", "error CK-544: column 'mfi' stands twice"),
        (b"sample\n\xff\xfe\n", "error CK-543: the table is not UTF-8 (byte 8)"),
        (b"sample,mfi\nA\nB,1,2\n", "error CK-545: 1 cells where the header names 2 columns"),
        (b"sample,mfi\nA,1\nB,OOR\n", "error CK-546: 'OOR' is no number"),
        (b"sample,used\nA,maybe\n", "error CK-546: 'maybe' is no boolean"),
        (b"sample\n" + b"x" * 140_000, "error CK-544: the table is damaged"),
    ],
)
def test_bad_tables_are_named(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_all_ragged_rows_are_reported_with_their_lines(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text('sample,mfi\n"A\nB",1\nC\nD,2,3\n')
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert [problem.where.split(", ")[-1] for problem in caught.value.problems] == [
        "line 4",
        "line 5",
    ]


def test_a_kind_for_no_column_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sample,mfi\nA,1\n")
    with pytest.raises(InputError, match="CK-547: the table has no column 'sampel'") as caught:
        read_table(path, kinds={"sampel": "text"})
    assert "did you mean 'sample'?" in str(caught.value)


def test_no_such_file_to_read_and_no_folder_to_write(tmp_path):
    with pytest.raises(InputError, match="CK-542: the table cannot be read: No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(OutputError, match="CK-540: the table cannot be written: No such file"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "none" / "t.csv")


def test_half_a_character_is_refused():
    with pytest.raises(OutputError, match="CK-541: a text holds half a character") as caught:
        table_bytes(pd.DataFrame({"sample": ["ok", "\ud800"]}))
    assert "line 3" in str(caught.value)


def test_an_empty_frame_has_a_header(tmp_path):
    write_table(pd.DataFrame({"sample": [], "mfi": []}), tmp_path / "t.csv")
    assert Path(tmp_path / "t.csv").read_text() == "sample,mfi\n"
    assert read_table(tmp_path / "t.csv").empty


def test_number_text_is_shortest():
    assert number_text(0.1 + 0.2) == "0.30000000000000004"
    assert number_text(1e22) == "1e+22"
    assert number_text(-0.0) == "-0"
