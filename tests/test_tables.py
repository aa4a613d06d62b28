"""Plain concentration tables: columns, flags, limits, units, hidden floors, refusals."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import InputError, NothingToDoError, UsageError
from cytokit.tables import ConcentrationTable, read_concentrations
from cytokit.tables.findings import repeated_end

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
        ("ND", {}, "missing", NAN, NAN, NAN),
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
        ("sample;analyte;conc\na;b;1,5\na;c;2.5\n", InputError, ["CK-246", "1,5, 2.5"]),
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
