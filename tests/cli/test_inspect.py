"""``cytokit inspect``: when and on what a plate was run, its letters, its findings by kind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cytokit.describe import describe, finding_groups, plate_map
from cytokit.flags import Finding, findings_table
from cytokit.parsers.read import read_plate
from cytokit.runs import instrument_model
from cytokit.simulate.trials import CYTOKINES, simulate_plate
from cytokit.tables.layouts import read_layout

from .conftest import Run


@pytest.mark.parametrize(
    ("file", "date", "instrument", "serial"),
    [
        ("xponent/magpix_a549.csv", "2019-10-16T20:45:48", "MAGPIX", "MAGPX17165724"),
        ("bioplex_per_analyte/biorad_27plex.xls", "2007-01-11T13:20:00", "", "LX10001088010"),
        ("intelliflex/wide_v2_2.csv", "2026-02-25T16:42:08", "xMAP INTELLIFLEX DR-SE",
         "IFLXTEST001"),
        ("is23/luminex100_is23.csv", "2010-10-29T10:31:56", "Luminex 100 IS", "LX10008127404"),
    ],
)  # fmt: skip
def test_the_run_is_shown_in_text_and_json(
    real: Path, run: Run, file: str, date: str, instrument: str, serial: str
) -> None:
    said = run("inspect", real / "plates" / file)
    assert said.code == 0
    assert f"run: {date.replace('T', ' ')}; " in said.out
    assert f"serial number: {serial}" in said.out
    assert (f"instrument: {instrument};" in said.out) == bool(instrument)
    (facts,) = json.loads(run("inspect", real / "plates" / file, "--json").out)["plates"]
    assert facts["run_date"] == date
    assert (facts["instrument"], facts["serial_number"]) == (instrument, serial)
    letters = {letter for line in plate_map(read_plate(real / "plates" / file))[1:]
               for letter in line[1:].split()}  # fmt: skip
    assert letters == set(facts["map_legend"])
    legend = ", ".join(f"{sign} {word}" for sign, word in facts["map_legend"].items())
    assert f"   {legend}\n" in said.out


def test_a_date_that_can_be_read_in_two_ways_is_shown_as_it_stands(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "p.csv"
    file.write_text(
        "Program,xPONENT,,MAGPIX\nBatch,b\nBatchStartTime,1/2/2021 10:00:00 AM\n\n"
        'DataType:,Median\nLocation,Sample,IL-6\n"1(1,A1)",P1,5\n\n-- CRC --\n'
    )
    said = run("inspect", file)
    assert "run: 1/2/2021 10:00:00 AM (day or month first is not known); instr" in said.out


@pytest.mark.parametrize(
    ("factors", "line", "found"),
    [
        (None, "dilution of the samples: 1\n", [1.0]),
        (("50", "2"), "dilution of the samples: 2, 50\n", [2.0, 50.0]),
        (("2", "0.5"), "dilution of the samples: 2, unclear\n", [2.0, None]),
    ],
)
def test_the_dilutions_that_count_are_shown(
    run: Run, tmp_path: Path, factors: tuple[str, str] | None, line: str, found: list[float | None]
) -> None:
    text = "Program,xPONENT,,MAGPIX\nBatch,b\n\nDataType:,Median\nLocation,Sample,IL-6\n"
    text += '"1(1,A1)",P1,5\n"2(1,B1)",P2,6\n\n'
    if factors:
        text += "DataType:,Dilution Factor\nLocation,Sample,Dilution Factor\n"
        text += f'"1(1,A1)",P1,{factors[0]}\n"2(1,B1)",P2,{factors[1]}\n\n'
    file = tmp_path / "p.csv"
    file.write_text(f"{text}-- CRC --\n")
    assert line in run("inspect", file).out
    (facts,) = json.loads(run("inspect", file, "--json").out)["plates"]
    assert facts["sample_dilutions"] == found


def test_findings_of_one_kind_stand_together_worst_first(run: Run, cases: Path) -> None:
    told = [Finding("name_matched", "m", "P", "", "S"), Finding("repeated_well", "a", "P", "A1")]
    told += [Finding("repeated_well", "b", "P", well) for well in ("B1", "C1")]
    groups = finding_groups(findings_table(told))
    assert [(group["code"], group["count"]) for group in groups] == [
        ("repeated_well", 3), ("name_matched", 1),
    ]  # fmt: skip
    assert (groups[0]["wells"], groups[0]["messages"]) == (["A1", "B1", "C1"], ["a", "b"])
    said = run("inspect", cases / "files" / "xponent_s_codes.csv")
    assert said.out.count("well_type_unclear") == 1
    assert "well_type_unclear (2): samples named like" in said.out
    assert "; A3, A4: 'S1' looks like a standard" in said.out


def test_a_layout_is_written_as_asked_with_the_likely_types(
    run: Run, cases: Path, tmp_path: Path
) -> None:
    plate, names = (cases / "files" / name for name in
                    ("xponent_s_codes.csv", "layout_names_only.csv"))  # fmt: skip
    file = tmp_path / "x.csv"
    said = run("inspect", plate, "--write-layout", file)
    assert said.code == 0
    assert "the likely type of 2 wells is filled in: look at the column 'review'" in said.err
    assert file.read_text().splitlines()[0] == "well,sample,type,dilution,review"
    types = {plan.well: str(plan.well_type) for plan in read_layout(file).wells}
    assert types == {"A1": "blank", "A2": "blank", "A3": "standard", "A4": "standard"}
    again = run("inspect", plate, "--write-layout", file)
    assert (again.code, "CK-504: the file exists" in again.err) == (2, True)
    assert run("inspect", plate, "--write-layout", file, "--force").code == 0
    assert run("inspect", plate, "--write-layout", tmp_path / "x.ods").code == 2
    findings = describe(read_plate(plate, layout=names))["findings"]
    assert [one["well"] for one in findings if one["code"] == "well_type_unclear"] == ["A3", "A4"]
    assert [one["well"] for one in findings if one["code"] == "layout_conflict"] == ["A2"]


def test_the_instrument_is_what_the_export_calls_it() -> None:
    plate = simulate_plate(CYTOKINES[:1], {}, rng=np.random.default_rng(1))

    def model(header: dict[str, str]) -> str:
        return instrument_model(replace(plate, header=header))

    assert model({"Program": "xPONENT, LX100/LX200"}) == "LX100/LX200"
    assert model({"Program": "xPONENT"}) == ""
    assert model({"MODEL NAME": "DR-SE", "INSTRUMENT TYPE": "INTELLIFLEX"}) == "DR-SE"
