"""One cell to a number, a flag with its limit, or a named damage."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import FormatError, UsageError
from cytokit.schema import VendorStatus as Status
from cytokit.sources.numbers import decide_decimal, read_cell, read_fi_count, read_row, read_table
from cytokit.sources.raw import RawFile

common = settings(deadline=None, derandomize=True, max_examples=150)


@pytest.mark.parametrize(
    ("text", "status", "value", "limit", "unit"),
    [
        ("14", Status.IN_RANGE, 14, None, ""),
        (" 83.5 ", Status.IN_RANGE, 83.5, None, ""),
        ("-0.5", Status.IN_RANGE, -0.5, None, ""),
        ("−2", Status.IN_RANGE, -2, None, ""),
        ("1.5E+03", Status.IN_RANGE, 1500, None, ""),
        ("4,121.04", Status.IN_RANGE, 4121.04, None, ""),
        ("1,234,567", Status.IN_RANGE, 1234567, None, ""),
        ("1,234", Status.IN_RANGE, 1234, None, ""),
        ("< 1,234 pg/mL", Status.OOR_LOW, None, 1234, "pg/mL"),
        ("1\u00a0040", Status.IN_RANGE, 1040, None, ""),
        ("1\u202f040.5", Status.IN_RANGE, 1040.5, None, ""),
        ("12’345", Status.IN_RANGE, 12345, None, ""),
        ("3.2*", Status.EXTRAPOLATED, 3.2, None, ""),
        ("3.2 * pg/mL", Status.EXTRAPOLATED, 3.2, None, "pg/mL"),
        ("12 [ng/mL]", Status.IN_RANGE, 12, None, "ng/mL"),
        ("BDL", Status.OOR_LOW, None, None, ""),
        ("below range", Status.OOR_LOW, None, None, ""),
        ("Below_LOD", Status.OOR_LOW, None, None, ""),
        ("not detected", Status.OOR_LOW, None, None, ""),
        ("above ULOQ", Status.OOR_HIGH, None, None, ""),
        ("-inf", Status.OOR_LOW, None, None, ""),
        ("not done", Status.NOT_AVAILABLE, None, None, ""),
        ("n. d.", Status.NOT_AVAILABLE, None, None, ""),
        ("144.68 pg/mL", Status.IN_RANGE, 144.68, None, "pg/mL"),
        ("< 3.2", Status.OOR_LOW, None, 3.2, ""),
        ("<15.67 pg/mL", Status.OOR_LOW, None, 15.67, "pg/mL"),
        ("<=3", Status.OOR_LOW, None, 3, ""),
        ("> 10000", Status.OOR_HIGH, None, 10000, ""),
        (">10 ng/ml", Status.OOR_HIGH, None, 10, "ng/ml"),
        ("OOR <", Status.OOR_LOW, None, None, ""),
        ("OOR>", Status.OOR_HIGH, None, None, ""),
        ("<LOD", Status.OOR_LOW, None, None, ""),
        ("*1.55", Status.EXTRAPOLATED, 1.55, None, ""),
        ("* 1.55", Status.EXTRAPOLATED, 1.55, None, ""),
        ("***", Status.NOT_AVAILABLE, None, None, ""),
        ("N/A", Status.NOT_AVAILABLE, None, None, ""),
        ("NaN", Status.NOT_AVAILABLE, None, None, ""),
        ("FALSE", Status.NOT_AVAILABLE, None, None, ""),
        ("TRUE", Status.NOT_AVAILABLE, None, None, ""),
        ("---", Status.OUTLIER, None, None, ""),
        ("inf", Status.OOR_HIGH, None, None, ""),
        ("", Status.NOT_GIVEN, None, None, ""),
        ("   ", Status.NOT_GIVEN, None, None, ""),
    ],
)
def test_flags_are_read_before_numbers(
    text: str, status: Status, value: float | None, limit: float | None, unit: str
) -> None:
    cell = read_cell(text)
    assert cell.status is status
    assert not cell.damaged
    assert cell.unit == unit
    assert (math.isnan(cell.value) and value is None) or cell.value == value
    assert (math.isnan(cell.limit) and limit is None) or cell.limit == limit


@pytest.mark.parametrize(
    "text",
    ["20.lip", "26.mar", "lip.83", "Mar-26", "2-Jan", "1_000", "0,435", "1,23", "12.5.3", "#DIV/0!",
     "0x1A", "1.5e", "٣", "2020-01-26", "40±3", "<<3", "1 04", "10 20", "12,34,567",
     "1,234\u00a0567", "=20+20", "3..2", "**3", " ".join("1" * 300)],
)  # fmt: skip
def test_what_a_spreadsheet_damaged_is_named_and_no_number(text: str) -> None:
    cell = read_cell(text)
    assert cell.damaged
    assert math.isnan(cell.value)
    assert cell.text == text.strip()
    assert cell.status is Status.NOT_AVAILABLE


def test_workbook_cells_are_exact_whatever_the_decimal_mark() -> None:
    assert read_cell(12.5, ",").value == 12.5
    assert read_cell(7, ",").value == 7
    assert read_cell(None).status is Status.NOT_GIVEN
    assert read_cell(True).status is Status.NOT_AVAILABLE
    assert read_cell(float("nan")).status is Status.NOT_AVAILABLE
    assert read_cell(datetime(2020, 1, 26)).damaged


def test_a_decimal_comma_is_decided_by_all_cells_together() -> None:
    assert decide_decimal(["12,5", "1234", "OOR <", "0,25"]) == ","
    assert decide_decimal(["1.234,5"]) == ","
    assert decide_decimal(["< 3,2", "1,234"]) == ","
    assert decide_decimal(["12.5", "1,234.5", "4,121.04"]) == "."
    assert decide_decimal(["0,435", "1,286"]) == ",", "no thousands begin with a zero"
    assert decide_decimal(["1.234.567", "1,234"]) == ","
    assert decide_decimal([12.5, "7", "", "0"]) == "."
    assert decide_decimal(["1.435", "28600"]) == ".", "whoever groups thousands groups them all"
    assert decide_decimal(["1.435", "2.118", "0"]) == "."
    assert read_cell("1.234,5", ",").value == 1234.5
    assert read_cell("1 234,5", ",").value == 1234.5
    assert read_cell("< 3,2", ",").limit == 3.2
    assert read_cell("12.5", ",").damaged


@pytest.mark.parametrize(
    ("cells", "readings"),
    [
        (["1,234", "2,345"], "1.234 or 1234"),
        (["1,435", "286", 0.5], "1.435 or 1435"),
        (["< 1,435", "28600"], "1.435 or 1435"),
        (["1.435", "286"], "1435 or 1.435"),
        (["1,435", "1.435"], "1.435 or 1435"),
    ],
)
def test_cells_with_two_readings_are_refused_with_both(cells: list[object], readings: str) -> None:
    with pytest.raises(FormatError, match="CK-245") as caught:
        decide_decimal(cells, file="x.csv")
    text = str(caught.value)
    assert f"can be read in two ways, as {readings}" in text
    assert "decimal='comma' or decimal='point'" in text
    assert "x.csv" in text
    assert decide_decimal(cells, asked=",") == ","
    assert decide_decimal(cells, asked=".") == "."


def test_marks_that_contradict_each_other_are_refused_by_name() -> None:
    cells = ["0,435", "1.286", "0.118", "0.2", "0.3", "0.4", "0.5"]
    with pytest.raises(FormatError, match="CK-246") as caught:
        decide_decimal(cells)
    assert "'0,435' beside '0.118', '0.2', '0.3', '0.4' and 1 more" in str(caught.value)
    assert decide_decimal(cells, asked=".") == "."
    assert decide_decimal(["12.5"], asked=",") == ".", "what the cells prove needs no word"


def test_a_decimal_mark_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"CK-222: decimal='komma' is no choice") as caught:
        RawFile.open("x.csv", decimal="komma")
    assert "did you mean 'comma'?" in str(caught.value)


def test_words_say_which_limit_and_what_has_two_meanings() -> None:
    bounds = {"BLQ": "lloq", "bdl": "lod", "<LOD": "lod", "OOR <": "", "AULOQ": "uloq"}
    assert {word: read_cell(word).bound for word in bounds} == bounds
    assert [read_cell(word).either for word in ("ND", "n.d.", "n/d", "NQ", "NA")] == [
        *[True] * 4,
        False,
    ]


def test_intensity_with_its_bead_count() -> None:
    cell, count = read_fi_count("15710,5 (52)", ",")
    assert (cell.value, count) == (15710.5, 52)
    cell, count = read_fi_count("15710.5")
    assert cell.value == 15710.5
    assert math.isnan(count)


TOKENS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(
        ["", "NaN", "N/A", "< 3.2", "> 1e4", "***", "---", "1_0", "20.lip", "inf", "*2"]
    ),
    st.text(max_size=6),
)


@common
@given(st.lists(st.lists(TOKENS, min_size=3, max_size=3), min_size=1, max_size=5))
def test_reading_many_cells_at_once_says_what_reading_each_says(rows: list[list[str]]) -> None:
    for decimal in (".", ","):
        values, others = read_table(rows, 3, decimal)
        for i, row in enumerate(rows):
            numbers, unusual = read_row(row, decimal)
            for j, text in enumerate(row):
                alone = read_cell(text, decimal)
                for value in (values[i, j], numbers[j]):
                    assert value == alone.value or (math.isnan(value) and math.isnan(alone.value))
                plain = alone.status is Status.IN_RANGE
                assert ((i, j) in others) is (j in unusual) is (not plain)
                if not plain:
                    assert others[i, j].status is unusual[j].status is alone.status
                    assert others[i, j].damaged is alone.damaged


@common
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([".", ","]))
def test_every_number_survives_both_decimal_marks(number: float, decimal: str) -> None:
    assert read_cell(repr(number).replace(".", decimal), decimal).value == number


@common
@given(st.text(max_size=12), st.sampled_from([".", ","]))
def test_any_text_is_a_number_a_flag_or_damage(text: str, decimal: str) -> None:
    cell = read_cell(text, decimal)
    assert cell.status in Status
    assert not (cell.damaged and math.isfinite(cell.value))
    assert math.isfinite(cell.value) or math.isnan(cell.value)


def test_a_number_beyond_all_floats_is_damage_in_rows_too() -> None:
    values, others = read_row(["1e999", "1e300"])
    assert values[1] == 1e300
    assert math.isnan(values[0])
    assert others[0].damaged
    assert read_cell("1e999") == others[0]
