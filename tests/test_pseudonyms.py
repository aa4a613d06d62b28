"""Pseudonyms: the table, what it does to a plate and a study, and what it refuses."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from cytokit.errors import CytokitError, InputError, PrivacyError, Problem
from cytokit.flags import Finding
from cytokit.plate import Plate, SourceInfo
from cytokit.simulate.trials import simulate_trial
from cytokit.tables.pseudonyms import (
    Pseudonyms,
    applied_to,
    check_words,
    clean_findings,
    errors_without_names,
    pseudonymise,
    read_pseudonyms,
)
from cytokit.trial.study import Study


def table(**names: str) -> Pseudonyms:
    return Pseudonyms(names, "names.csv", "f00")


@pytest.fixture(scope="module")
def plate() -> Plate:
    """A plate with the unknowns S01-D0, S01-D6 and so on."""
    return simulate_trial(seed=1, subjects=4, analytes=["IL-6"], deaths=(0, 0)).plates[0]


@pytest.fixture(scope="module")
def names(plate: Plate) -> Pseudonyms:
    real = plate.of_type("unknown")["sample"].unique()
    return Pseudonyms({name: f"P{n}" for n, name in enumerate(real)}, "names.csv", "f00")


@pytest.mark.parametrize(
    ("rows", "messages"),
    [
        ("sample,code\nA,B\n", ["CK-580: the pseudonyms need one column 'pseudonym'"]),
        ("sample,pseudonym\n", ["CK-580: the table of pseudonyms holds no row"]),
        (
            "sample,pseudonym\nAnn,\n,P2\nBob,P3\nBob,P4\nCem,P3\nDora,Ann\n",
            [
                "CK-581: the row has no pseudonym\n  where: names.csv, line 2",
                "CK-581: the row has no sample\n  where: names.csv, line 3",
                "CK-582: the name has another pseudonym than 'P4' on line 4\n"
                "  where: names.csv, line 5",
                "CK-583: the pseudonym 'P3' is another name's, too, on line 4\n"
                "  where: names.csv, line 6",
                "CK-584: the pseudonym is itself a name in the table\n  where: names.csv, line 7",
            ],
        ),
        ("sample,pseudonym\nAnn,Ann\n", ["CK-584"]),
        ("sample,pseudonym\nAnn Lee,P1\nANN\u00a0 LEE,P2\n", ["CK-582"]),
    ],
)
def test_tables_that_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: str, messages: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("names.csv").write_text(rows)
    with pytest.raises(PrivacyError) as error:
        read_pseudonyms("names.csv")
    assert len(error.value.problems) == len(messages)
    for message in messages:
        assert message in str(error.value)
    assert error.value.exit_code == 3
    for name in ("Ann", "Bob", "Cem", "Dora"):
        assert name not in str(error.value)


def test_a_near_miss_of_a_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("sample,pseudonyms\nA,B\n")
    with pytest.raises(PrivacyError, match="did you mean 'pseudonyms'"):
        read_pseudonyms(tmp_path / "names.csv")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CK-100"):
        read_pseudonyms(tmp_path / "names.csv")


def test_a_workbook_with_numbers_for_names_and_a_repeated_row(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["Pseudonym", "Sample", "note"],
        ["P1", 101, "x"],
        ["P1", 101, "y"],
        ["P2", "Bob", ""],
    ):
        book.active.append(row)
    book.save(tmp_path / "names.xlsx")
    book.close()
    found = read_pseudonyms(tmp_path / "names.xlsx")
    assert found.of("101") == "P1"


def test_names_with_a_guard_against_formulas(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("sample,pseudonym\n'=A,P1\n-B,P2\n")
    assert read_pseudonyms(tmp_path / "names.csv").names == {"=A": "P1", "-B": "P2"}


def test_accents_are_the_same_however_they_are_encoded() -> None:
    composed = unicodedata.normalize("NFC", "Zoë Müller")
    assert table(**{composed: "P1"}).of(unicodedata.normalize("NFD", composed)) == "P1"


def test_only_unknowns_are_renamed(plate: Plate, names: Pseudonyms) -> None:
    hidden = pseudonymise(plate, names)
    fixed = plate.wells["well_type"] != "unknown"
    assert (hidden.wells.loc[fixed, "sample"] == plate.wells.loc[fixed, "sample"]).all()
    assert set(hidden.of_type("unknown")["sample"]) == set(names.names.values())
    assert hidden.wells.drop(columns="sample").equals(plate.wells.drop(columns="sample"))
    assert applied_to([hidden]) == "f00"
    assert applied_to([plate]) == ""
    assert pseudonymise(hidden, names) is hidden


def test_a_plate_with_the_pseudonyms_of_another_file(plate: Plate, names: Pseudonyms) -> None:
    hidden = pseudonymise(plate, names)
    with pytest.raises(PrivacyError, match="CK-588: it was made with another pseudonyms file"):
        pseudonymise(hidden, replace(names, sha256="ba5"))


def test_unlisted_names_are_counted_and_three_are_placed(plate: Plate) -> None:
    with pytest.raises(PrivacyError) as error:
        pseudonymise(plate, table(**{"S01-D1": "P1"}))
    said = str(error.value)
    assert "CK-585: 8 names have no pseudonym in names.csv: well " in said
    assert "and 5 more" in said
    assert "S01" not in said
    assert not isinstance(error.value, InputError)


def test_a_pseudonym_that_a_control_has(plate: Plate, names: Pseudonyms) -> None:
    with pytest.raises(PrivacyError, match="CK-586: the pseudonym 'Control1' is the name of a"):
        pseudonymise(plate, replace(names, names={**names.names, "S01-D0": "Control1"}))


def test_a_name_that_is_a_part_of_ordinary_words(plate: Plate) -> None:
    """Names are cells: nothing is replaced inside other words."""
    wells = plate.wells
    short = dict(zip(wells["sample"].unique(), "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False))
    unknown = wells["well_type"] == "unknown"
    renamed = wells["sample"].mask(unknown, wells["sample"].map(short))
    single = replace(plate, wells=wells.assign(sample=renamed), header={"Date": "1/2/2021 3 A.M."})
    letters = renamed[unknown].unique()
    hidden = pseudonymise(single, table(**{name: f"Patient{name}" for name in letters}))
    assert hidden.analyte_names == ["IL-6"]
    assert set(hidden.wells.loc[~unknown, "sample"]) == set(wells.loc[~unknown, "sample"])
    assert hidden.header == single.header
    assert [finding.code for finding in hidden.findings] == [f.code for f in plate.findings]


def test_what_may_hold_a_name_goes(plate: Plate, names: Pseudonyms) -> None:
    spoken = replace(
        plate,
        wells=plate.wells.assign(comment="S01-D0 was haemolytic"),
        header={"Operator": "for S01_D0", "SN": "MAGPX1", "s01-d6": "7", "Lot": "xS04-D6"},
        statistics={"Mean": pd.DataFrame({"well": ["A1"], "sample": ["S01-D0"]})},
        companions=(SourceInfo("layout.csv", "abc", "layout"),),
    )
    hidden = pseudonymise(spoken, names)
    assert (hidden.wells["comment"] == "").all()
    assert hidden.header == {"Operator": "", "SN": "MAGPX1", "Lot": "xS04-D6"}
    assert hidden.statistics == {}
    assert [one.format for one in hidden.companions] == ["layout", "pseudonyms"]
    messages = {finding.code: finding.message for finding in hidden.findings}
    assert "remarks of the export on readings" in messages["remarks_left_out"]
    assert messages["header_left_out"].startswith("2 lines of the export's header hold a listed")


@pytest.mark.parametrize(
    "written",
    [
        *("Zoë Müller", "Zoe\u0308 Mu\u0308ller", "ZOË MÜLLER", "zoë  müller", "Zoë\u00a0Müller"),
        *("Zoe Muller", "ZoëMüller", "Zoë_Müller", "Zoë-Müller", "dr.zoe.muller@clinic"),
        *("opZoeMuller2", "Ｚｏë Müller", "\tZoë Müller\n"),
    ],
)
def test_a_name_is_found_however_it_is_written(
    plate: Plate, names: Pseudonyms, written: str
) -> None:
    more = replace(names, names={**names.names, "Zoë Müller": "P99"})
    keys = ("SN", "Batch", "Standard Lot", "Operator", "ProtocolName")
    named = replace(plate, header={**dict.fromkeys(keys, f"x {written} y"), "ok": "Zoo"})
    hidden = pseudonymise(named, more)
    assert hidden.header == {**dict.fromkeys(keys, ""), "ok": "Zoo"}
    assert [f.code for f in hidden.findings].count("header_left_out") == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"name": "batch s01 d0"}, "the plate's name holds the real name of 'P0'"),
        ({"source": SourceInfo("S01-D0/p.csv", "ab", "xponent")}, "the path of the plate's file"),
        ({"companions": (SourceInfo("S01-D0.csv", "ab", "layout"),)}, "the path of the layout"),
    ],
)
def test_what_would_be_written_and_holds_a_name_is_refused(
    plate: Plate, names: Pseudonyms, change: dict[str, object], what: str
) -> None:
    with pytest.raises(PrivacyError) as error:
        pseudonymise(replace(plate, **change), names)  # type: ignore[arg-type]
    assert f"CK-596: {what}" in str(error.value)
    assert "rename it, or change the name in the table" in str(error.value)
    assert "S01" not in str(error.value).upper()


def test_a_listed_control_is_a_person(plate: Plate, names: Pseudonyms) -> None:
    wells = plate.wells
    listed = replace(names, names={**names.names, "Control1": "P77"})
    hidden = pseudonymise(plate, listed)
    assert "Control1" in set(wells["sample"])
    assert "Control1" not in set(hidden.wells["sample"])
    assert "P77" in set(hidden.wells["sample"])


def test_errors_keep_their_code_and_lose_their_names() -> None:
    hidden = table(**{"Ann Lee": "P1"})
    problem = Problem("CK-999", "'ANN  LEE' is odd", "Ann Lee.csv, line 3", "see Ann-Lee", "x?")
    with pytest.raises(InputError) as error, errors_without_names(hidden):
        raise InputError(problem, Problem("CK-998", "fine", "a.csv"))
    first, second = error.value.problems
    assert (first.code, first.where, first.near) == (
        "CK-999",
        "a part with a listed name, line 3",
        "x?",
    )
    assert "is not said" in first.what
    assert second == Problem("CK-998", "fine", "a.csv")
    assert "Lee" not in str(error.value)
    with pytest.raises(InputError, match="ANN"), errors_without_names(None):
        raise InputError(problem)


def test_a_design_that_contradicts_itself_is_told_without_names() -> None:
    frame = pd.DataFrame({"sample": ["a", "b"], "subject": ["Ann"] * 2, "day": [0, 6]})
    frame["group"] = ["treated", "control"]
    readings = pd.DataFrame({"sample": ["a", "b"], "IL-6": ["3", "4"]})
    with pytest.raises(CytokitError, match="CK-267") as error:
        Study(readings, frame, pseudonyms=table(Ann="P1", a="P2", b="P3"))
    assert "Ann" not in str(error.value)


def test_groups_and_paths_of_a_study_hold_no_listed_name() -> None:
    frame = pd.DataFrame({"subject": ["Bob", "Cem"], "group": ["Bobs", "of bob"], "day": 0})
    frame["IL-6"] = ["3", "4"]
    with pytest.raises(PrivacyError, match="CK-596: group number 2 holds the real name of 'P1'"):
        Study(frame, pseudonyms=table(Bob="P1", Cem="P2"))


@pytest.mark.parametrize(
    ("finding", "sample", "message"),
    [
        (Finding("repeated_sample", "'Ann' stands in A1, B1", sample="Ann"), "P1",
         "'P1' stands in A1, B1"),
        (Finding("missing_value", "no number in 3 wells", well="A1", sample="Ann"), "P1",
         "no number in 3 wells"),
        (Finding("damaged_value", "'Ann Lee' is no number"), "",
         "a cell that is neither a number nor a known flag; more was said, in words from the file"),
        (Finding("missing_value", "ann has no number"), "",
         "a reading is missing; more was said, in words from the file"),
        (Finding("missing_value", "Annette's annual plan"), "", "Annette's annual plan"),
        (Finding("missing_value", "no number", sample="Unlisted"), "", "no number"),
    ],
)  # fmt: skip
def test_findings(finding: Finding, sample: str, message: str) -> None:
    (cleaned,) = clean_findings([finding], table(Ann="P1"), ["Ann"])
    assert (cleaned.sample, cleaned.message) == (sample, message)


def test_reasons_are_checked_line_by_line() -> None:
    reasons = {2: "bubble", 3: "spilled by Ann", 4: "annual", 5: "7 beads"}
    check_words({2: "bubble"}, ["Ann", "7"], "out.csv")
    with pytest.raises(PrivacyError) as error:
        check_words(reasons, ["Ann", "7"], "out.csv")
    assert [problem.where for problem in error.value.problems] == ["out.csv, line 3"]


def test_a_study_that_brings_its_own_subjects(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "subject": ["Ann", "Ann", "Bob", "Bob"],
            "group": ["treated", "treated", "control", "control"],
            "day": [0, 6, 0, 6],
            "IL-6 (pg/mL)": ["12", "7", "<3.2", "9"],
        }
    )
    study = Study(frame, pseudonyms=table(Ann="P1", Bob="P2"))
    assert study.subjects["subject"].unique().tolist() == ["P1", "P2"]
    assert study.recensored("lloq").pseudonyms == study.pseudonyms
    assert study.inputs[-1].kind == "pseudonyms"
    with pytest.raises(CytokitError, match="CK-585: 1 names have no pseudonym"):
        Study(frame, pseudonyms=table(Ann="P1"))


def test_bridge_samples_are_named_as_the_user_knows_them(tmp_path: Path) -> None:
    people = {"Ann": ("treated", "P1"), "Bob": ("control", "P2")}
    rows = [
        (plate, f"{name} {day}", name, group, day, 10.0 * (1 + (plate == "P2")) + 3 * day)
        for name, (group, plate) in people.items()
        for day in (0, 6)
    ]
    rows += [
        (plate, pool, "", "", "", reading * (1 + (plate == "P2")))
        for plate in ("P1", "P2")
        for pool, reading in (("Cem", 50.0), ("Dora", 85.0))
    ]
    frame = pd.DataFrame(rows, columns=["plate", "sample", "subject", "group", "day", "IL-6"])
    design = frame[frame["subject"] != ""][["sample", "subject", "group", "day"]]
    names = dict.fromkeys([*frame["sample"], *people])
    hidden = table(**{name: f"Q{number}" for number, name in enumerate(names)})
    study = Study(
        frame[["plate", "sample", "IL-6"]], design, pseudonyms=hidden, bridge=["Cem", "Dora"]
    )
    assert study.bridge is not None
    assert list(study.bridge.samples) == [hidden.of("Cem"), hidden.of("Dora")]
    again = Study(
        frame[["plate", "sample", "IL-6"]], design, pseudonyms=hidden, bridge=study.bridge.samples
    )
    assert again.values.equals(study.values)
