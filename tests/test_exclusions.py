"""The exclusions file: what it may say, and what is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from cytokit.errors import InputError
from cytokit.simulate.trials import CYTOKINES, simulate_plate
from cytokit.tables.exclusions import (
    checked_exclusions,
    match_exclusions,
    no_exclusions,
    read_exclusions,
)


@pytest.fixture(scope="module")
def plate():
    truth = {"S1": np.full(2, 100.0)}
    return simulate_plate(CYTOKINES[:2], truth, rng=np.random.default_rng(1), name="Plate1")


def table(*rows):
    return pd.DataFrame(rows, columns=["plate", "well", "analyte", "reason", "who"])


def test_a_file_is_read_and_put_right(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("\ufeffplate,well,analyte,reason,who\nP1, a01,,bubble,kb\n", encoding="utf-8")
    found = read_exclusions(path)
    assert found.to_dict("records") == [
        {"plate": "P1", "well": "A1", "analyte": "", "reason": "bubble", "who": "kb"}
    ]


@pytest.mark.parametrize("kind", ["semicolons", "tabs", "latin", "workbook"])
def test_any_table_is_as_good_as_a_csv(tmp_path, kind):
    rows = [
        ["Plate", "Well", "Analyte", "Reason"],
        ["P1", "a01", "", "Blase µ"],
        ["1", "B2", "", "x"],
    ]
    path = tmp_path / "out.csv"
    if kind == "workbook":
        path = tmp_path / "out.xlsx"
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([int(cell) if cell.isdecimal() else cell for cell in row])
        book.save(path)
    else:
        mark = "\t" if kind == "tabs" else ";"
        text = "\r\n".join(mark.join(row) for row in rows)
        path.write_bytes(text.encode("cp1252" if kind == "latin" else "utf-8"))
    found = read_exclusions(path)
    assert found[["plate", "well", "reason"]].values.tolist() == [
        ["P1", "A1", "Blase µ"],
        ["1", "B2", "x"],
    ]


def test_a_bad_row_is_named_by_its_own_line(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("plate;well;analyte;reason\n\n\nP1;A1;;\n", encoding="utf-8")
    with pytest.raises(InputError, match="CK-334") as caught:
        read_exclusions(path)
    assert "line 4, well A1" in str(caught.value)


def test_who_may_be_missing():
    found = checked_exclusions(table(("P1", "A1", "", "bubble", "")).drop(columns="who"))
    assert found["who"].tolist() == [""]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"{\\rtf1 x}", "a rich-text document"),
        (b"<a/>", "no table in it"),
    ],
)
def test_an_unreadable_file(tmp_path, content, words):
    path = tmp_path / "out.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_exclusions(path)
    assert "CK-330" in str(caught.value)
    assert words in str(caught.value)


def test_a_missing_column_is_named_with_the_near_miss(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("plate,wel,analyte,reason\nP1,A1,,x\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_exclusions(path)
    text = str(caught.value)
    assert "CK-331" in text
    assert "lack the column 'well'" in text
    assert "did you mean 'wel'?" in text


def test_all_bad_rows_are_reported_at_once():
    rows = table(("P1", "Z9", "", "x", ""), ("P1", "", "", "x", ""), ("P1", "A1", "", "", ""))
    with pytest.raises(InputError) as caught:
        checked_exclusions(rows, file="out.csv")
    codes = [problem.code for problem in caught.value.problems]
    assert codes == ["CK-332", "CK-333", "CK-334"]
    assert "out.csv, line 2, well Z9" in str(caught.value)
    assert "names neither well nor analyte" in str(caught.value)
    assert "gives no reason" in str(caught.value)


def test_rows_are_matched(plate):
    name = CYTOKINES[0].name
    masks = match_exclusions([plate], table(("Plate1", "A1", name, "x", "")))
    assert masks[0].sum() == 1
    assert match_exclusions([plate], table(("", "A1", "", "x", "")))[0].sum() == 2
    whole = match_exclusions([plate], table(("Plate1", "", name, "x", "")))[0]
    assert whole.sum() == (plate.wells["analyte"] == name).sum()
    assert not match_exclusions([plate], no_exclusions())[0].any()


def test_what_matches_nothing_is_an_error_with_a_near_miss(plate):
    rows = table(
        ("Plate2", "A1", "", "x", ""),
        ("Plate1", "A1", "IFNgg", "x", ""),
        ("Plate1", "H12", "", "x", ""),
    )
    with pytest.raises(InputError) as caught:
        match_exclusions([plate], rows)
    assert [problem.code for problem in caught.value.problems] == ["CK-335"] * 3
    text = str(caught.value)
    assert "matches no reading" in text
    assert "did you mean 'Plate1'?" in text
    assert f"did you mean {CYTOKINES[0].name!r}?" in text


def test_a_row_is_held_against_the_plate_it_names_and_no_other(plate):
    """A well that only another plate has excludes nothing, and its line is said."""
    last = plate.wells["well"].iloc[-1]
    shorter = replace(
        plate, name="Plate2", wells=plate.wells[plate.wells["well"] != last].reset_index(drop=True)
    )
    both = [plate, shorter]
    good = [("Plate1", last, "", "x", ""), ("", last, "", "x", ""), ("Plate2", "A1", "", "x", "")]
    assert [mask.sum() for mask in match_exclusions(both, table(*good))] == [2, 2]
    with pytest.raises(InputError) as caught:
        match_exclusions(both, table(*good, ("Plate2", last, "", "x", "")))
    (problem,) = caught.value.problems
    assert problem.code == "CK-335"
    assert problem.where == f"Plate2, line 5, well {last}"
