"""The workbook, reread: values, bounds, formats, explanations, and no formula anywhere."""

from __future__ import annotations

import dataclasses
import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from cytokit.errors import OutputError
from cytokit.flags import FLAGS
from cytokit.report import workbook
from cytokit.report import workbook as _sheets
from cytokit.report.workbook import reported, significant, wide_samples
from cytokit.schema import STATUSES, TABLES, VERDICTS


@pytest.fixture(scope="module")
def book(small_fit):
    return load_workbook(io.BytesIO(workbook.fit_workbook(small_fit)))


def rows_of(sheet) -> list[list]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_sheets(book):
    assert book.sheetnames == [
        *("Samples", "Samples tidy", "Curves", "Standards", "Flags", "Wells", "Exclusions"),
        "Notes",
    ]
    for sheet in book.worksheets[:-1]:
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref is not None
        assert sheet["A4" if sheet.title == "Samples" else "A1"].font.bold


def test_wide_samples_hold_numbers_and_bounds(book, small_fit):
    sheet = book["Samples"]
    limits, rows = rows_of(sheet)[:3], rows_of(sheet)[3:]
    assert [row[3] for row in limits] == ["LOD at the bead", "LLOQ at the bead", "ULOQ at the bead"]
    curves = small_fit.curves.table.set_index("analyte")
    assert [row[4] for row in limits] == list(curves.loc["IFNg", ["lod", "lloq", "uloq"]])
    assert rows[0] == [
        *("plate", "sample", "well_type", "dilution_factor", "IFNg (pg/mL)", "IL-6 (pg/mL)"),
        *("TNFα (pg/mL)", "RANTES (pg/mL)", "GM-CSF (pg/mL)", "PDGF-BB (pg/mL)"),
    ]
    names = list(dict.fromkeys(small_fit.samples["sample"]))
    assert [row[1] for row in rows[1 : len(names) + 1]] == names
    seen, under = set(), []

    def lod(record) -> float:
        return curves.loc[record["analyte"], "lod"] * record["dilution_factor"]

    for record in small_fit.samples.to_dict("records"):
        row = 5 + names.index(record["sample"])
        column = 5 + list(dict.fromkeys(small_fit.samples["analyte"])).index(record["analyte"])
        cell = sheet.cell(row, column)
        status = record["status"]
        seen.add(status)
        if status == "oor_low":
            assert cell.value == "<1.4"
        elif status == "oor_high":
            assert cell.value == ">20000"
        elif status == "no_curve":
            assert cell.value == "no curve"
        elif status == "below_lloq" and record["concentration"] < lod(record):
            assert cell.value == f"<{significant(lod(record))}"
            under.append(record["concentration"])
        else:
            assert cell.value == pytest.approx(record["concentration"], rel=1e-14)
        assert cell.fill.fgColor.rgb == "FF" + _sheets._FILLS[status].lstrip("#")
        assert bool(cell.font.italic) == (status in ("below_lloq", "above_uloq"))
    assert {"in_range", "below_lloq", "above_uloq", "oor_low", "oor_high", "no_curve"} <= seen
    # the number itself stands in the tidy sheet
    assert under
    tidy = rows_of(book["Samples tidy"])
    at = tidy[0].index("concentration")
    kept = {f"{row[at]:.12g}" for row in tidy[1:] if row[at] is not None}
    assert {f"{value:.12g}" for value in under} <= kept
    legend = [row[1] for row in rows[len(names) + 2 :] if row[1]]
    assert legend == [word.title for key, word in STATUSES.items() if key in seen]


def test_tidy_samples_keep_bound_and_numbers_apart(book, small_fit):
    rows = rows_of(book["Samples tidy"])
    head = rows[0]
    names = TABLES["samples"].names[:17]
    at = names.index("concentration")
    assert head == [*names[:at], "reported", *names[at:]]
    frame = pd.DataFrame(rows[1:], columns=head)
    for name in ("concentration", "limit_low", "limit_high", "mfi"):
        np.testing.assert_allclose(pd.to_numeric(frame[name]), small_fit.samples[name], rtol=1e-15)
    above = frame[frame["status"] == "oor_high"]
    assert set(above["reported"]) == {">20000"}
    assert set(above["limit_high"]) == {20000}
    assert above["concentration"].isna().all()


def test_tables_are_whole_and_typed(book, small_fit):
    rows = rows_of(book["Curves"])
    assert rows[0] == list(small_fit.curves.table.columns)
    assert len(rows) == 7
    assert [row[rows[0].index("verdict")] for row in rows[1:]] == [
        *("good", "good", "usable", "poor", "failed", "good")
    ]
    standards = rows_of(book["Standards"])
    assert standards[1][standards[0].index("used")] is True
    assert len(rows_of(book["Wells"])) == len(small_fit.wells) + 1
    assert len(rows_of(book["Flags"])) == len(small_fit.flags) + 1
    sheet = book["Standards"]
    recovery = sheet.cell(2, 9)
    assert recovery.number_format == _sheets.significant_format(recovery.value, 3)


def test_notes_explain_every_column_status_and_flag(book, small_fit):
    rows = rows_of(book["Notes"])
    said = {(row[0], row[1]): row[2] for row in rows}
    for sheet, table in (("Samples tidy", "samples"), ("Curves", "curves"), ("Wells", "wells")):
        for column, word in TABLES[table].columns.items():
            assert said[sheet, column].startswith(word.meaning)
    assert said["Samples tidy", "concentration"].endswith("[pg/mL]")
    for key, word in {**STATUSES, **VERDICTS}.items():
        assert said[word.title, key] == word.meaning
    for code in small_fit.flags["code"].unique():
        text = FLAGS[code]
        assert said[str(text.severity), code] == (
            f"{text.title}. {text.meaning} What to do: {text.action}"
        )


def test_the_same_fit_gives_the_same_bytes(fit_of):
    assert workbook.fit_workbook(fit_of()) == workbook.fit_workbook(fit_of())


def test_nothing_is_a_formula_or_a_link(hostile_fit):
    content = workbook.fit_workbook(hostile_fit.fit)
    for sheet in load_workbook(io.BytesIO(content)).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not [name for name in parts.namelist() if "rels/sheet" in name]
        for name in parts.namelist():
            assert b"<f>" not in parts.read(name)
    book = load_workbook(io.BytesIO(content))
    names = [row[1] for row in rows_of(book["Samples"])[4:]]
    kept = [name.replace("\r", "") for name in hostile_fit.names]
    assert set(kept) <= set(names)


def test_reported_says_why_there_is_no_number():
    nan = float("nan")
    assert reported(nan, "not_measured", nan, nan) == "not measured"
    assert reported(nan, "excluded", nan, nan) == "excluded"
    assert reported(0.5, "below_lloq", 3, nan) == "0.5"
    assert reported(nan, "oor_low", nan, nan) == "below range"


def test_a_sample_with_two_dilutions_has_two_rows(small_fit):
    twice = small_fit.samples[small_fit.samples["sample"] == "Patient 001"]
    more = pd.concat([twice, twice.assign(dilution_factor=4.0), twice], ignore_index=True)
    fit = dataclasses.replace(small_fit, samples=more)
    rows = rows_of(load_workbook(io.BytesIO(workbook.fit_workbook(fit)))["Samples"])
    assert [(row[1], row[3]) for row in rows[4:7]] == [
        *(("Patient 001", 2), ("Patient 001", 4), ("Patient 001", 2))
    ]


def test_a_table_that_is_too_long_is_left_to_its_csv(small_fit, monkeypatch):
    monkeypatch.setattr(workbook, "LONGEST", 300)
    book = load_workbook(io.BytesIO(workbook.fit_workbook(small_fit)))
    assert "Wells" not in book.sheetnames
    assert ["Wells", None, workbook._LEFT_OUT] in [row[:3] for row in rows_of(book["Notes"])]


def test_too_many_rows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_sheets, "MOST_ROWS", 2)
    with pytest.raises(OutputError, match="CK-556: 3 rows do not fit on a sheet, which holds 2"):
        workbook.write_frame(pd.DataFrame({"a": [1, 2, 3]}), tmp_path / "t.xlsx")


def test_a_folder_that_is_not_there_is_named(small_fit, tmp_path):
    with pytest.raises(OutputError, match="CK-555: the workbook cannot be written: No such"):
        workbook.write_workbook(small_fit, tmp_path / "none" / "results.xlsx")


def test_a_plain_frame_is_written(tmp_path):
    frame = pd.DataFrame({"sample": ["=A", "B"], "mfi": [1.5, np.inf], "n": pd.array([1, None])})
    workbook.write_frame(frame, tmp_path / "t.xlsx")
    rows = rows_of(load_workbook(tmp_path / "t.xlsx")["Table"])
    assert rows == [["sample", "mfi", "n"], ["=A", 1.5, 1], ["B", "inf", None]]


def test_the_comparison_carries_the_tables_own_p(comparison, tmp_path):
    workbook.write_comparison_workbook(comparison, tmp_path / "c.xlsx")
    book = load_workbook(tmp_path / "c.xlsx")
    assert book.sheetnames == ["Comparison", "Summary", "Detectability", "Flags", "Notes"]
    rows = rows_of(book["Comparison"])
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    for name in ("p", "p_adjusted", "ratio", "q_bh"):
        np.testing.assert_allclose(
            pd.to_numeric(frame[name]), comparison.table[name].astype(float), rtol=1e-15
        )
    for name in ("stars", "label"):
        assert frame[name].fillna("").tolist() == comparison.table[name].tolist()
    said = [row[2] for row in rows_of(book["Notes"]) if row[2]]
    for sentence in comparison.guard:
        assert sentence in said
    assert workbook.comparison_workbook(comparison) == (tmp_path / "c.xlsx").read_bytes()


@pytest.mark.parametrize("value", [1e-9, 2.34567e-5, 0.000123456, 0.0456789, 0.999996, 9.99996,
                                   28.51234, 999.96, 12345.678, 3.2e7, 6.5e17])  # fmt: skip
def test_a_number_of_any_size_is_shown_to_four_digits(value):
    """The format, carried out as a spreadsheet does, leaves at most half a unit of the fourth."""
    shown = _sheets.significant_format(value)
    decimals = len(shown.partition("E")[0].partition(".")[2])
    text = f"{value:.{decimals}e}" if "E" in shown else f"{value:.{decimals}f}"
    assert float(text) == pytest.approx(value, rel=0.5e-3)
    digits = text.partition("e")[0].replace(".", "").lstrip("0")
    assert len(digits) == 4 or "." not in shown


def test_small_and_summary_numbers_keep_their_digits(comparison, tmp_path):
    frame = pd.DataFrame({"analyte": ["a", "b"], "concentration": [1e-5, 1234.5]})
    workbook.write_frame(frame, tmp_path / "t.xlsx")
    sheet = load_workbook(tmp_path / "t.xlsx")["Table"]
    assert [sheet.cell(row, 2).number_format for row in (2, 3)] == ["0.000E+00", "0"]
    workbook.write_comparison_workbook(comparison, tmp_path / "c.xlsx")
    sheet = load_workbook(tmp_path / "c.xlsx")["Summary"]
    header = [cell.value for cell in sheet[1]]
    for name in ("geometric_mean", "gsd", "median", "q1", "q3", "min", "max"):
        cell = sheet.cell(2, header.index(name) + 1)
        assert cell.number_format == _sheets.significant_format(cell.value)


def test_limits_over_several_plates_are_given_from_the_lowest_to_the_highest(small_fit):
    curves = small_fit.curves.table
    both = pd.concat([curves, curves.assign(plate="P2", lod=curves["lod"] * 2)])
    table = wide_samples(small_fit.samples, both, "precision")
    low = curves.set_index("analyte").loc["IFNg", "lod"]
    assert table.limits["LOD"][0] == f"{significant(low, 3)} to {significant(2 * low, 3)}"
    recovery = wide_samples(small_fit.samples, curves, "recovery").limits["LLOQ"]
    assert recovery[0] == curves.set_index("analyte").loc["IFNg", "lloq_recovery"]
