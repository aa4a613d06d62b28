"""Study and design: what is joined, what is refused and in which words."""

from __future__ import annotations

import csv
import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import CytokitError, DesignError, InputError, NothingToDoError, UsageError
from cytokit.folder import make_manifest
from cytokit.tables.cells import find_day, normal_day
from cytokit.tables.designs import read_design
from cytokit.trial.study import Study

DESIGN = "sample,subject,group,day\n"


def wide(**columns):
    return pd.DataFrame(columns)


@pytest.fixture
def design_file(tmp_path):
    def write(text, name="design.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def says(error: pytest.ExceptionInfo[CytokitError], *parts: str) -> None:
    text = str(error.value)
    for part in parts:
        assert part in text, text


# --- the design by itself -------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "delimiter"), [("sep=;", ";"), ("sep=\t", "\t"), ("sep=,", ",")])
def test_the_line_that_names_the_delimiter_for_a_spreadsheet_is_no_header(
    design_file, line, delimiter
):
    rows = "sample,subject,group,day\nx1,1,drug,0\n".replace(",", delimiter)
    design = read_design(design_file(f"{line}\n{rows}"))
    assert design.frame[["sample", "subject", "group", "line"]].values.tolist() == [
        ["x1", "1", "drug", 3]
    ]


def test_a_design_is_read_from_text_and_workbook(design_file, tmp_path):
    text = design_file(
        "Sample ID;Subject;Arm;Study day;Plate\nx1;1;drug;D0;P1\nx2;1;drug;day 6;P1\n"
    )
    design = read_design(text)
    assert design.frame[
        ["sample", "subject", "group", "day", "status", "plate", "line"]
    ].values.tolist() == [
        ["x1", "1", "drug", 0, "sampled", "P1", 2],
        ["x2", "1", "drug", 6, "sampled", "P1", 3],
    ]
    assert [finding.message for finding in design.findings] == [
        "'D0' was taken for day 0",
        "'day 6' was taken for day 6",
    ]
    book = tmp_path / "design.xlsx"
    frame = wide(sample=["x1", "x2"], subject=[1, 1], group="drug", day=[0, 6])
    frame.to_excel(book, index=False)
    assert read_design(book).frame["day"].tolist() == [0, 6]
    assert read_design(book).frame["subject"].tolist() == ["1", "1"]
    assert read_design(frame).sha256 != design.sha256


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        ("x1,,drug,0\n", ["CK-263: a row has no subject", "line 2, sample x1"]),
        ("x1,1,,0\n", ["CK-264: a row has no group"]),
        ("x1,1,drug,\n", ["CK-265: a row has no day"]),
        (",1,drug,0\n", ["CK-266: subject '1', day 0: no sample is named", "missing or died"]),
        (
            "x1,1,drug,0\nx2,1,control,6\n",
            ["CK-267: subject '1' is in 2 groups: drug, control", "lines 2, 3"],
        ),
        (
            "x1,1,drug,6\nx2,1,drug,D6\n",
            ["CK-268: subject '1' has day 6 twice: samples 'x1', 'x2'", "lines 2, 3"],
        ),
        (
            "x1,1,drug,0\nx1,2,drug,0\n",
            ["CK-269: sample 'x1' stands 2 times: '1' day 0 (line 2), '2' day 0 (line 3)"],
        ),
        (
            "x1,1,drug,0\nx2,2,Drug,0\n",
            ["CK-272: groups that differ only in spelling: 'drug', 'Drug'"],
        ),
    ],
)
def test_what_a_design_may_not_say(design_file, rows, parts):
    with pytest.raises(DesignError) as error:
        read_design(design_file(DESIGN + rows))
    says(error, *parts)


def test_all_problems_of_a_design_come_at_once(design_file):
    with pytest.raises(DesignError) as error:
        read_design(design_file(DESIGN + "x1,,drug,0\nx2,2,,0\nx3,3,drug,\n"))
    assert [problem.code for problem in error.value.problems] == ["CK-263", "CK-264", "CK-265"]
    assert error.value.exit_code == 3


def test_stratum_and_status_are_checked(design_file):
    head = "sample,subject,group,day,stratum,status\n"
    with pytest.raises(DesignError) as error:
        read_design(design_file(head + "x1,1,drug,0,a,\nx2,1,drug,6,b,dead\n"))
    says(error, "CK-270: subject '1' is in 2 strata: a, b", "CK-271: status 'dead' is not known")
    with pytest.raises(DesignError) as error:
        read_design(design_file(head + "x1,1,drug,0,a,\n,1,drug,3,a,died\nx2,1,drug,6,a,\n"))
    says(error, "CK-276: subject '1' died before day 3 but has a sample on 6", "line 4")


def test_columns_of_a_design(design_file):
    with pytest.raises(DesignError) as error:
        read_design(design_file("sample,subject,grupo\nx1,1,drug\n"))
    says(
        error,
        "CK-262: the design has no column for the group",
        "did you mean 'grupo'?",
        "for the day",
    )
    with pytest.raises(DesignError) as error:
        read_design(design_file("sample,subject,group,arm,day\nx1,1,drug,a,0\n"))
    says(error, "CK-275: 2 columns could be the group: group, arm")
    path = design_file("sample,subject,group,visit\nx1,1,drug,V6\n")
    assert read_design(path, mapping={"day": "visit"}).frame["day"].tolist() == ["V6"]
    with pytest.raises(UsageError) as error:
        read_design(path, mapping={"dya": "visit", "group": "vist"})
    says(error, "CK-273", "did you mean 'day'?", "CK-274", "did you mean 'visit'?")


def test_files_that_are_no_design(design_file, tmp_path):
    with pytest.raises(InputError, match="CK-260: the file is empty"):
        read_design(design_file(""))
    picture = tmp_path / "design.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    with pytest.raises(InputError, match="CK-261: this is a PNG picture, not a table"):
        read_design(picture)
    empty = tmp_path / "empty.xlsx"
    pd.DataFrame().to_excel(empty, index=False)
    with pytest.raises(InputError, match="CK-260: the workbook is empty"):
        read_design(empty)
    with pytest.raises(DesignError, match="CK-262: the design holds no row"):
        read_design(design_file(DESIGN))
    with pytest.raises(InputError, match="CK-100: no such file"):
        read_design(tmp_path / "none.csv")


# --- days -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "day"),
    [
        *[("6", 6), ("06", 6), ("D6", 6), ("d-1", -1), ("Day_6", 6), ("study day 6", 6), (6.0, 6)],
        *[("1.5", 1.5), ("week 6", "week 6"), ("D", "D"), ("T6", "T6"), ("screening", "screening")],
    ],
)
def test_days_are_normalised(label, day):
    assert normal_day(label) == day


def test_a_day_that_is_not_there():
    with pytest.raises(UsageError) as error:
        find_day("baselin", ["baseline", "end"], "baseline")
    says(
        error,
        "CK-402: the study has no day 'baselin'",
        "did you mean 'baseline'?",
        "option baseline",
    )


# --- data and design ------------------------------------------------------------------------------


def two_samples():
    return wide(sample=["a", "b"], **{"IL-6 (pg/mL)": ["5", "<2"]})


def test_a_table_is_joined_to_its_design(design_file):
    study = Study(two_samples(), design_file(DESIGN + "a,1,drug,0\nb,2,control,0\n"))
    values = study.values[["subject", "group", "day", "value", "lower", "upper", "state", "unit"]]
    assert values.iloc[0].tolist() == ["1", "drug", 0, 5.0, 5.0, 5.0, "exact", "pg/mL"]
    assert values.iloc[1, [0, 1, 2, 4, 5, 6]].tolist() == ["2", "control", 0, 0.0, 2.0, "below"]
    assert np.isnan(values.loc[1, "value"])
    assert repr(study) == "<Study: 2 subjects, groups drug 1, control 1; days 0; 1 analytes>"
    assert "<table" in study._repr_html_()
    assert [entry.kind for entry in study.inputs] == ["concentration table", "design"]


def test_samples_that_the_data_lack(design_file):
    rows = "a,1,drug,0\nB,2,control,0\nzz,3,control,0\n"
    with pytest.raises(DesignError) as error:
        Study(two_samples(), design_file(DESIGN + rows))
    says(
        error,
        "CK-283: the design names sample 'B', which the data lack (did you mean 'b'?)",
        "line 3, sample B",
        "'zz'",
    )
    many = "a,1,drug,0\n" + "".join(f"n{i},{i + 5},drug,0\n" for i in range(25))
    with pytest.raises(DesignError, match="names 15 more samples that the data lack"):
        Study(two_samples(), design_file(DESIGN + many))


def test_samples_that_the_design_lacks(design_file):
    study = Study(two_samples(), design_file(DESIGN + "a,1,drug,0\n"))
    assert study.values["subject"].tolist() == ["1"]
    found = [finding for finding in study.findings if finding.code == "sample_not_in_design"]
    assert [(finding.sample, finding.severity) for finding in found] == [("b", "warn")]
    with pytest.raises(DesignError) as error:
        Study(two_samples(), design_file(DESIGN + "A,1,drug,0\nC,2,drug,0\n"))
    says(error, "CK-285: none of the 2 samples in the data is in the design", "'a', 'b'")


def test_lost_samples(design_file):
    head = "sample,subject,group,day,status\n"
    rows = "a,1,drug,0,\n,1,drug,6,died\nb,2,control,0,sampled\n"
    study = Study(two_samples(), design_file(head + rows))
    assert study.subjects.values.tolist() == [
        ["1", "drug", "", 0, "sampled"],
        ["1", "drug", "", 6, "died"],
        ["2", "control", "", 0, "sampled"],
        ["2", "control", "", 6, "missing"],
    ]
    with pytest.raises(DesignError, match="CK-284: sample 'b' is called died but has data"):
        Study(two_samples(), design_file(head + "a,1,drug,0,\nb,2,control,0,died\n"))


def test_who_dies_stays_dead(design_file):
    head = "sample,subject,group,day,status\n"
    rows = "a,1,drug,0,\n,1,drug,3,died\nb,2,control,6,\n"
    study = Study(two_samples(), design_file(head + rows))
    first = study.subjects[study.subjects["subject"] == "1"]
    assert first["status"].tolist() == ["sampled", "died", "died"]


def test_a_table_without_names(design_file):
    table = wide(subject=["1", "2"], group="drug", day=0, **{"IL-6": [1.0, 2.0]})
    assert Study(table).values["sample"].tolist() == ["1 day 0", "2 day 0"]
    with pytest.raises(DesignError, match="CK-286: the data name no samples"):
        Study(table, design_file(DESIGN + "a,1,drug,0\n"))
    with pytest.raises(DesignError) as error:
        Study(two_samples())
    says(error, "CK-282: the data do not say the subject, group, day of a sample", "give a design")


def test_a_tables_own_design_is_checked_too():
    table = wide(subject=["1", "1"], group=["drug", "control"], day=[0, 6], **{"IL-6": [1.0, 2.0]})
    with pytest.raises(DesignError, match="CK-267: subject '1' is in 2 groups"):
        Study(table)
    with pytest.raises(DesignError, match="CK-263: a row has no subject"):
        Study(table.assign(subject=["1", ""], group="drug"))


def test_mapping_goes_where_it_belongs(design_file):
    table = wide(Tube=["a", "b"], Conc=[1.0, 2.0])
    design = design_file("Tube,subject,group,visit\na,1,drug,0\nb,2,drug,0\n")
    mapping = {"value": "Conc", "day": "visit", "sample": "Tube"}
    study = Study(table.rename(columns={"Tube": "sample"}), design, mapping=mapping)
    assert study.values["value"].tolist() == [1.0, 2.0]


def test_sources_that_are_none():
    with pytest.raises(NothingToDoError, match="CK-277: there is nothing to compare"):
        Study([])
    with pytest.raises(UsageError, match="CK-278: a int is no source of concentrations"):
        Study(3)
    with pytest.raises(UsageError, match="CK-287: a plain table holds no MFI"):
        Study(two_samples(), quantity="mfi")
    with pytest.raises(
        UsageError, match=r"CK-287: quantity='mif' is no choice .did you mean 'mfi'"
    ):
        Study(two_samples(), quantity="mif")


def test_a_fit_without_unknowns(fit_design):
    samples, curves = fit_frames()
    with pytest.raises(NothingToDoError, match="CK-277: the sources hold no unknown sample"):
        Study(Fit(samples[samples["well_type"] == "control"], curves), fit_design)


def test_a_stratum_may_stand_once(design_file):
    head = "sample,subject,group,day,stratum\n"
    table = wide(sample=["a", "b"], **{"IL-6": [1.0, 2.0]})
    study = Study(table, design_file(head + "a,1,drug,0,\nb,1,drug,6,north\n"))
    assert study.subjects["stratum"].tolist() == ["north", "north"]


def test_units_must_agree():
    first = wide(subject=["1"], group="drug", day=0, **{"IL-6 (pg/mL)": [1.0]})
    second = wide(subject=["2"], group="drug", day=0, **{"IL-6 (ng/mL)": [1.0]})
    with pytest.raises(
        InputError, match="CK-281: the analyte stands in several units: pg/mL, ng/mL"
    ):
        Study([first, second])


def test_several_tables_and_errors_of_all(tmp_path):
    parts = [wide(subject=[s], group="drug", day=0, **{"IL-6": [1.0]}) for s in ("1", "2")]
    assert len(Study(parts).values) == 2
    with pytest.raises(InputError) as error:
        Study([tmp_path / "one.csv", tmp_path / "two.csv"])
    says(error, "one.csv", "two.csv")


# --- repeats --------------------------------------------------------------------------------------


def repeated(*cells):
    return pd.DataFrame(
        {"sample": "a", "subject": "1", "group": "drug", "day": 0, "IL-6": list(map(str, cells))}
    )


@pytest.mark.parametrize(
    ("cells", "state", "lower", "upper"),
    [
        (("4", "9"), "exact", 6.0, 6.0),
        (("4", "9", "<20"), "exact", 6.0, 6.0),
        (("<3", "<5"), "below", 0.0, 3.0),
        ((">30", ">50"), "above", 50.0, np.inf),
        (("<5", ">3"), "interval", 3.0, 5.0),
        (("4", "NA"), "exact", 4.0, 4.0),
        (("NA", "NA"), "missing", np.nan, np.nan),
    ],
)
def test_a_sample_measured_again(cells, state, lower, upper):
    study = Study(repeated(*cells))
    row = study.values.iloc[0]
    assert len(study.values) == 1
    assert row["state"] == state
    np.testing.assert_allclose([row["lower"], row["upper"]], [lower, upper])
    found = [f for f in study.findings if f.code == "repeated_reading"]
    present = sum(cell != "NA" for cell in cells)
    assert len(found) == (present > 1)
    if found:
        assert f"was measured {present} times" in found[0].message


# --- fits -----------------------------------------------------------------------------------------


class Fit:
    """What of a fit a study looks at."""

    def __init__(self, samples, curves):
        self.samples = samples
        self.curves = type("Curves", (), {"table": curves})()


@pytest.mark.parametrize(
    ("cells", "state", "lower", "upper"),
    [
        (["40", "<5"], "below", 0, 40),
        (["15", ">60"], "above", 15, np.inf),
        (["40", "50", "<45"], "below", 0, 50),
        (["<5", ">60"], "missing", np.nan, np.nan),
    ],
)
def test_readings_that_contradict_each_other_are_not_resolved_by_one(cells, state, lower, upper):
    study = Study(repeated(*cells))
    row = study.values.iloc[0]
    assert row["state"] == state
    np.testing.assert_equal([row["lower"], row["upper"]], [lower, upper])
    assert np.isnan(row["value"])
    found = [one for one in study.findings if one.code == "readings_contradict"]
    assert len(found) == 1
    assert "contradict each other" in found[0].message
    assert not [one for one in study.findings if one.code == "repeated_reading"]


def fit_frames():
    rows = [
        ("P1", "a", "unknown", "IL-6", 2.0, 100.0, 50.0, 40.0, 60.0, "in_range", "", ""),
        ("P1", "b", "unknown", "IL-6", 2.0, 20.0, 7.0, 4.0, 9.0, "below_lloq", "", ""),
        ("P1", "c", "unknown", "IL-6", 2.0, 5.0, "", "", "", "oor_low", 3.0, ""),
        ("P1", "d", "unknown", "IL-6", 2.0, 9e4, "", "", "", "oor_high", "", 9000.0),
        ("P1", "e", "unknown", "IL-6", 2.0, 8e4, 5000.0, 4e3, 6e3, "above_uloq", "", ""),
        ("P1", "f", "unknown", "IL-6", 2.0, 5.0, "", "", "", "not_measured", "", ""),
        ("P1", "g", "unknown", "IL-6", 2.0, 11.0, 3.0, 1.0, 9.0, "below_lloq", "", ""),
        ("P1", "QC", "control", "IL-6", 1.0, 5.0, 5.0, 4.0, 6.0, "in_range", "", ""),
    ]
    columns = "plate sample well_type analyte dilution_factor mfi concentration ci_low ci_high"
    samples = pd.DataFrame(rows, columns=[*columns.split(), "status", "limit_low", "limit_high"])
    curves = pd.DataFrame(
        [("P1", "IL-6", 2.0, 5.0, 1000.0)], columns=["plate", "analyte", "lod", "lloq", "uloq"]
    )
    return samples.assign(unit="pg/mL"), curves


@pytest.fixture
def fit_design(design_file):
    rows = "".join(f"{s},{s.upper()},drug,0\n" for s in "abcdefg")
    return design_file(DESIGN + rows)


@pytest.mark.parametrize(
    ("censor", "expected"),
    [
        (
            "lod",
            {
                "A": ("exact", 50, 50),
                "B": ("exact", 7, 7),
                "C": ("below", 0, 4),
                "D": ("above", 9000, np.inf),
                "E": ("exact", 5000, 5000),
                "G": ("below", 0, 4),
            },
        ),
        (
            "lloq",
            {
                "A": ("exact", 50, 50),
                "B": ("below", 0, 10),
                "C": ("below", 0, 10),
                "D": ("above", 2000, np.inf),
                "E": ("above", 2000, np.inf),
                "G": ("below", 0, 10),
            },
        ),
        (
            "interval",
            {
                "A": ("exact", 50, 50),
                "B": ("interval", 4, 10),
                "C": ("below", 0, 4),
                "D": ("above", 2000, np.inf),
                "E": ("above", 2000, np.inf),
                "G": ("below", 0, 4),
            },
        ),
    ],
)
def test_the_censoring_policies(fit_design, censor, expected):
    study = Study(Fit(*fit_frames()), fit_design, censor=censor)
    rows = study.values.set_index("subject")
    found = {s: (rows["state"][s], rows["lower"][s], rows["upper"][s]) for s in expected}
    assert found == expected
    assert rows["state"]["F"] == "missing"
    assert "QC" not in study.values["sample"].tolist()
    again = Study(Fit(*fit_frames()), fit_design).recensored(censor)
    pd.testing.assert_frame_equal(again.values, study.values)


def test_no_such_policy(fit_design):
    with pytest.raises(UsageError, match=r"CK-410: censor='lodd' is no choice .did you mean 'lod'"):
        Study(Fit(*fit_frames()), fit_design, censor="lodd")


def test_fluorescence_in_the_place_of_concentration(fit_design):
    study = Study(Fit(*fit_frames()), fit_design, quantity="mfi")
    assert set(study.values["state"]) == {"exact"}
    assert study.values["value"].tolist()[:3] == [100.0, 20.0, 5.0]
    assert set(study.values["unit"]) == {"MFI"}


def write_folder(folder, samples, curves, *, manifest=True):
    folder.mkdir()
    samples.to_csv(folder / "samples.csv", index=False)
    curves.to_csv(folder / "curves.csv", index=False)
    if manifest:
        outputs = [
            {"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
            for file in folder.iterdir()
        ]
        made = make_manifest("fit", options={}, inputs=[])
        text = json.dumps({**made, "outputs": outputs})
        (folder / "manifest.json").write_text(text, encoding="utf-8")
    return folder


def test_a_folder_written_by_fit(tmp_path, fit_design):
    folder = write_folder(tmp_path / "done", *fit_frames())
    direct = Study(Fit(*fit_frames()), fit_design)
    read = Study(folder, fit_design)
    pd.testing.assert_frame_equal(read.values, direct.values)
    assert [entry.kind for entry in read.inputs] == ["fit folder", "design"]
    assert len(read.inputs[0].sha256) == 64


def test_a_folder_that_is_not_finished_or_damaged(tmp_path, fit_design):
    unfinished = write_folder(tmp_path / "half", *fit_frames(), manifest=False)
    with pytest.raises(InputError, match=r"CK-510: the folder holds no manifest.json"):
        Study(unfinished, fit_design)
    samples, curves = fit_frames()
    with pytest.raises(InputError, match="CK-280: the table lacks the columns status"):
        Study(write_folder(tmp_path / "x", samples.drop(columns="status"), curves), fit_design)
    ragged = write_folder(tmp_path / "y", samples, curves)
    with (ragged / "samples.csv").open("a", encoding="utf-8") as file:
        file.write("P1,z\n")
    with pytest.raises(InputError, match=r"CK-595: samples.csv is not what fit wrote here"):
        Study(ragged, fit_design)


@pytest.mark.parametrize("name", ["=1+1", "-5", "@x", "'=y", "+a"])
def test_names_that_look_like_formulas_come_back(tmp_path, design_file, name):
    samples, curves = fit_frames()
    samples = samples.iloc[:1].assign(sample=f"'{name}")  # as the writer guards them
    path = tmp_path / "design2.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["sample", "subject", "group", "day"], [name, "1", "drug", 0]])
    study = Study(write_folder(tmp_path / "f", samples, curves), path)
    assert study.values["sample"].tolist() == [name]


def test_plates_that_share_sample_names(design_file):
    samples, curves = fit_frames()
    both = pd.concat([samples.iloc[:1], samples.iloc[:1].assign(plate="P2", concentration=8.0)])
    curves = pd.concat([curves, curves.assign(plate="P2")])
    design = design_file("plate,sample,subject,group,day\nP1,a,one,drug,0\nP2,a,two,drug,0\n")
    study = Study(Fit(both, curves), design)
    assert study.values[["subject", "plate", "value"]].values.tolist() == [
        ["one", "P1", 50.0],
        ["two", "P2", 8.0],
    ]
    # without the plate column it is one sample, measured twice
    merged = Study(Fit(both, curves), design_file(DESIGN + "a,one,drug,0\n", "other.csv"))
    assert merged.values["value"].tolist() == pytest.approx([20.0])
    assert merged.values["plate"].tolist() == ["P1 + P2"]
    assert any(finding.code == "repeated_reading" for finding in merged.findings)


# --- numbers without a logarithm, limits nobody states --------------------------------------------


def test_zero_is_below_a_limit():
    table = wide(subject=list("abcd"), group="drug", day=0, **{"IL-6": ["0", "2", "5", "OOR<"]})
    study = Study(table)
    assert study.values["state"].tolist() == ["below", "exact", "exact", "below"]
    assert study.values["upper"].tolist() == [2.0, 2.0, 5.0, 2.0]
    assert any(finding.code == "limit_assumed" for finding in study.findings)


def test_a_limit_taken_from_the_data_is_named_and_is_no_limit_of_detection():
    cells = ["OOR<", "OOR <", "2", "5", "9", "OOR>"]
    study = Study(wide(subject=list("abcdef"), group="drug", day=0, **{"IL-6": cells}))
    found = [one.message for one in study.findings if one.code == "limit_assumed"]
    assert found == [
        "2 values below range state no limit: the lowest number measured (2) was taken for it, "
        "which is no limit of detection",
        "1 value above range states no limit: the highest number measured (9) was taken for it, "
        "which is no limit of detection",
    ]
    assert study.values["limit_from"].tolist() == ["measured"] * 2 + [""] * 3 + ["measured"]
    assert study.values["upper"].tolist()[:2] == [2.0, 2.0]
    assert study.values["lower"].tolist()[-1] == 9.0


def test_limits_that_are_stated_are_kept_and_missing_readings_get_none():
    table = wide(
        subject=list("abcdefg"),
        group="drug",
        day=0,
        analyte="IL-6",
        value=["<0.5", "<0", "OOR<", "", "OOR>", ">7", "3"],
        lod=0.2,
        uloq=8,
    )
    values = Study(table).values
    assert values["state"].tolist() == ["below"] * 3 + ["missing"] + ["above"] * 2 + ["exact"]
    expected = {
        "lower": [0, 0, 0, np.nan, 8, 7, 3],
        "upper": [0.5, 0.2, 0.2, np.nan, np.inf, np.inf, 3],
    }
    for name, numbers in expected.items():
        np.testing.assert_array_equal(values[name], numbers)
    assert values["limit_from"].tolist() == ["stated"] * 3 + [""] + ["stated"] * 2 + [""]


# --- floors nobody declared -----------------------------------------------------------------------


def on_floors(*parts, plates=None, **more):
    """One analyte: (number, times) and else numbers that stand once."""
    cells = [number for number, times in parts for _ in range(times)]
    table = {"subject": [f"s{i}" for i in range(len(cells))], "group": "drug", "day": 0, **more}
    if plates is not None:
        table["plate"] = plates
    return wide(**table, **{"IL-6": [str(cell) for cell in cells]})


MEASURED = [(round(1 + 0.37 * at, 2), 1) for at in range(20)]


def floors_named(study):
    return [(one.code, one.message) for one in study.findings if one.code.startswith("floor")]


@pytest.mark.parametrize(
    ("floors", "times", "code", "counted"),
    [
        (None, 5, "floor_censored", "they count as below it"),
        (None, 4, "floor_kept", "they count as measured: fewer than a fifth"),
        ("censor", 4, "floor_censored", "they count as below it, as asked"),
        ("keep", 12, "floor_kept", "they count as measured, as asked"),
    ],
)
def test_a_floor_counts_as_a_limit_from_a_fifth_on_or_as_asked(floors, times, code, counted):
    study = Study(on_floors((0.3, times), *MEASURED), floors=floors)
    ((found, message),) = floors_named(study)
    assert found == code
    share = round(100 * times / (20 + times))
    heaps = f"{times} of {20 + times} values ({share} %) stand on a floor nobody declared, {times} "
    assert message == f"{heaps}at 0.3: {counted}"
    below = study.values["state"] == "below"
    assert below.sum() == (times if code == "floor_censored" else 0)
    assert set(study.values.loc[below, "upper"]) <= {0.3}
    assert set(study.values.loc[below, "limit_from"]) <= {"floor"}
    assert (study.values["given"].notna()).all()


def test_several_floors_and_the_numbers_between_them():
    cells = [(0.3, 6), (0.41, 1), (0.5, 1), (0.58, 8), *MEASURED]
    study = Study(on_floors(*cells))
    ((_, message),) = floors_named(study)
    assert "14 of 36 values (39 %)" in message
    assert "6 at 0.3 and 8 at 0.58" in message
    between = study.values[study.values["given"].isin([0.41, 0.5])]
    assert between["state"].tolist() == ["exact", "exact"]
    assert study.values["state"].value_counts().to_dict() == {"exact": 22, "below": 14}


def test_a_stray_number_under_the_lowest_floor_goes_with_it():
    study = Study(on_floors((0.1071, 1), (0.11, 30), *MEASURED))
    assert "30 at 0.11 (1 lower)" in floors_named(study)[0][1]
    below = study.values[study.values["state"] == "below"]
    assert (len(below), set(below["upper"])) == (31, {0.11})


def test_a_plate_may_have_a_floor_of_its_own():
    low = [(round(0.2 + 0.11 * at, 2), 1) for at in range(30)]
    cells = [*low, (3.0, 9), *((3.2 + 0.07 * at, 1) for at in range(6))]
    table = on_floors(*cells)
    assert floors_named(Study(table)) == []
    table["plate"] = ["P1"] * 30 + ["P2"] * 15
    study = Study(table)
    assert "9 of 45 values (20 %)" in floors_named(study)[0][1]
    below = study.values[study.values["state"] == "below"]
    assert (set(below["plate"]), set(below["upper"])) == ({"P2"}, {3.0})
    # numbers of the other plate under that floor were measured
    assert len(below) == 9


def test_declared_limits_and_fits_have_no_hidden_floor(fit_design):
    table = on_floors((0.3, 9), *MEASURED).rename(columns={"IL-6": "value"})
    declared = Study(table.assign(analyte="IL-6", lod=0.5))
    assert floors_named(declared) == []
    assert (declared.values["upper"][:9] == 0.5).all()
    assert floors_named(Study(Fit(*fit_frames()), fit_design)) == []


def test_floors_travel_with_the_policies():
    study = Study(on_floors((0.3, 9), *MEASURED))
    assert study.floors is None
    kept = study.recensored("lod", "keep")
    assert (kept.values["state"] == "exact").all()
    assert kept.floors == "keep"
    assert kept.recensored("lloq").floors == "keep"
    with pytest.raises(UsageError, match=r"CK-410: floors='kept' is no choice"):
        Study(on_floors((0.3, 9), *MEASURED), floors="kept")


def test_the_case_of_two_floors(cases):
    study = Study(cases / "stats" / "several_floors.csv")
    assert "28 of 80 values (35 %)" in floors_named(study)[0][1]
    assert "11 at 0.3 and 17 at 0.58" in floors_named(study)[0][1]
    assert (study.values["state"] == "below").sum() == 28


def test_the_cases_without_a_limit_never_speak_of_detection(cases):
    from cytokit.trial.compare import compare

    study = Study(cases / "stats" / "limits_unknown.csv")
    result = compare(study, baseline=None, reference="control")
    known = "IL-6: 3 values below range state no limit: the lowest number measured (3)"
    assert known in result.methods
    said = result.methods.replace("which is no limit of detection", "")
    assert "limit of detection" not in said
    oor = Study(cases / "more" / "05_warnings_never_shown" / "oor.csv")
    methods = compare(oor, reference="control").methods
    assert "2 values below range state no limit: the lowest number measured (8)" in methods


def test_out_of_range_without_any_number_stays_out_of_range():
    """Its limit is unknown; that it lies below is not."""
    table = wide(subject=list("abc"), group="drug", day=0, **{"IL-6": ["OOR<", "OOR>", ""]})
    study = Study(table)
    assert study.values["state"].tolist() == ["below", "above", "missing"]
    ends = study.values[["lower", "upper"]].to_numpy()
    assert np.array_equal(ends, [[0, np.nan], [np.nan, np.inf], [np.nan, np.nan]], equal_nan=True)
    (found,) = (finding for finding in study.findings if finding.code == "limit_assumed")
    assert "2 values out of range state no limit, and no number was measured" in found.message


def test_what_cannot_be_told_from_saturation_is_right_censored_at_one_limit():
    """On one plate every number lies under the limit at which all others are censored."""
    from cytokit.curves.platefit import fit
    from cytokit.simulate.trials import simulate_trial

    trial = simulate_trial(seed=2021)
    study = Study([fit(trial.plates)], trial.design)
    rantes = study.values[study.values["analyte"] == "RANTES"]
    above = rantes[rantes["state"] == "above"]
    assert len(above) >= 2
    for plate, rows in above.groupby("plate"):
        assert set(rows["lower"]) == {rows["lower"].iloc[0]}
        numbers = rantes[(rantes["plate"] == plate) & (rantes["state"] == "exact")]["value"]
        assert numbers.max() <= rows["lower"].iloc[0]
