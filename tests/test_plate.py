"""Plate: wells, names, and the checks made when it is built."""

from __future__ import annotations

import pandas as pd
import pytest

from cytokit.errors import FormatError
from cytokit.flags import Finding, findings_table
from cytokit.plate import Plate, SourceInfo, make_wells, normal_well, well_position
from cytokit.schema import ANALYTE_COLUMNS, PLATE_COLUMNS, WellType

SOURCE = SourceInfo("p.csv", "00", "test")
ANALYTES = pd.DataFrame([("IL-6", "57", "pg/mL", 50)], columns=list(ANALYTE_COLUMNS))


def wells(**changes: object) -> pd.DataFrame:
    row = {"well": "A1", "sample": "S1", "well_type": "unknown", "analyte": "IL-6", "mfi": 12.0}
    return make_wells([{**row, **changes}])


@pytest.mark.parametrize(
    ("text", "well"),
    [("a1", "A1"), ("A01", "A1"), (" h12 ", "H12"), ("P24", "P24"), ("A0", None), ("A25", None),
     ("Q1", None), ("", None), ("A1,A2", None), ("AA1", None)],
)  # fmt: skip
def test_well_names_are_normalised(text: str, well: str | None) -> None:
    assert normal_well(text) == well


def test_well_position_counts_from_zero() -> None:
    assert [well_position(well) for well in ("A1", "H12", "P24")] == [(0, 0), (7, 11), (15, 23)]


def test_plate_knows_its_size_types_and_units() -> None:
    plate = Plate("P", SOURCE, wells(), ANALYTES)
    assert plate.size == 96
    assert plate.unit("IL-6") == "pg/mL"
    assert len(plate.of_type(WellType.UNKNOWN)) == 1
    assert repr(plate) == "<Plate 'P': 1 analytes; wells: 1 unknown; test>"
    assert Plate("P", SOURCE, wells(well="A13"), ANALYTES).size == 384


def test_a_plate_shows_itself_in_a_notebook_with_its_text_escaped() -> None:
    plate = Plate("<b>P</b>", SOURCE, wells(), ANALYTES)
    assert "&lt;b&gt;P" in plate._repr_html_()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (wells(well="A99"), "'A99' is not a well of a 96- or 384-well plate"),
        (wells(well_type="sample"), "unknown well type 'sample'"),
        (wells(analyte="IL-8"), "readings of undeclared analytes: IL-8"),
        (wells().iloc[:0], "no readings were found"),
        (wells().drop(columns="mfi"), "the plate's tables lack mfi"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Plate("P", SOURCE, table, ANALYTES)


def test_missing_fields_are_completed_with_their_type() -> None:
    frame = wells(seconds=3)
    assert list(frame.columns) == [*PLATE_COLUMNS, "seconds"]
    assert frame["vendor_status"].iloc[0] == ""
    assert frame["expected"].isna().all()


def test_findings_take_the_catalogue_severity_and_lose_repeats() -> None:
    finding = Finding("low_count", "28 beads", plate="P", well="A1")
    table = findings_table([finding, finding])
    assert table.to_dict("records") == [
        {"plate": "P", "well": "A1", "sample": "", "analyte": "", "code": "low_count",
         "severity": "fail", "message": "28 beads"}
    ]  # fmt: skip


def test_a_finding_must_be_in_the_catalogue() -> None:
    with pytest.raises(KeyError, match=r"not in cytokit\.flags\.FLAGS"):
        Finding("no_such_flag", "")
