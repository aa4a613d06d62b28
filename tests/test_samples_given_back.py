"""What fit wrote, given to compare in three ways: the folder, samples.csv, the workbook."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pandas as pd
import pytest

from cytokit.curves.platefit import fit
from cytokit.errors import InputError
from cytokit.parsers.read import read_plates
from cytokit.simulate.trials import simulate_trial
from cytokit.trial.compare import compare
from cytokit.trial.study import Study

SHOWN = ["subject", "day", "analyte", "unit", "value", "lower", "upper", "state", "lod", "lloq"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A fit's folder of a trial with values below, between and above the limits, and its design."""
    trial = simulate_trial(seed=2021)
    area = tmp_path_factory.mktemp("back")
    fit([faded(plate) for plate in trial.plates]).write(area / "fit")
    trial.design.to_csv(area / "design.csv", index=False)
    return area


def faded(plate):
    """A plate on which two samples of three read near the blanks, from under them upwards."""
    wells = plate.wells.copy()
    dim = (wells["analyte"] == "GM-CSF") & (wells["well_type"] == "unknown")
    blank = wells.loc[
        (wells["analyte"] == "GM-CSF") & (wells["well_type"] == "blank"), "mfi"
    ].mean()
    samples = wells.loc[dim, "sample"].unique()
    share = {name: 0.6 + 0.12 * at for at, name in enumerate(samples) if at % 3}
    factor = wells["sample"].map(share)
    wells["mfi"] = wells["mfi"].where(~dim | factor.isna(), blank * factor)
    return replace(plate, wells=wells)


def wide_sheet(folder, goal):
    """The sheet of samples by analytes as a workbook of its own."""
    book = openpyxl.load_workbook(folder / "fit/results.xlsx")
    for name in book.sheetnames:
        if name != "Samples":
            del book[name]
    book.save(goal)
    return goal


@pytest.mark.parametrize("censor", ["lod", "lloq", "interval"])
@pytest.mark.parametrize("route", ["samples.csv", "results.xlsx"])
def test_every_route_gives_the_answers_of_the_folder(folder, route, censor):
    design = folder / "design.csv"
    expected = Study([folder / "fit"], design, censor=censor)
    found = Study([folder / "fit" / route], design, censor=censor)
    states = expected.values["state"].value_counts()
    assert states["below"] > 10
    assert states["above"] > 1
    pd.testing.assert_frame_equal(found.values, expected.values, rtol=1e-12, check_dtype=False)
    options = {"reference": expected.groups[0], "draws": 500}
    ours, theirs = (compare(one, **options).table for one in (found, expected))
    # what the curves failed stands in the folder alone
    left_out = ["flags"]
    pd.testing.assert_frame_equal(
        ours.drop(columns=left_out), theirs.drop(columns=left_out), rtol=1e-9
    )
    assert len(found.shared) == len(expected.shared) > 0


def test_the_wide_sheet_alone_keeps_what_lies_below(folder, tmp_path):
    design = folder / "design.csv"
    expected = Study([folder / "fit"], design).values
    found = Study([wide_sheet(folder, tmp_path / "wide.xlsx")], design).values
    assert len(found) == len(expected)
    both = expected.merge(found, on=["subject", "day", "analyte"], suffixes=("", "_wide"))
    assert len(both) == len(expected)
    below = both["state"] == "below"
    assert (both["state_wide"] == "below").equals(below)
    # a bound is written with four digits, and the sheet has no upper limit of detection
    for name, rows in (("upper", below), ("value", both["state"] == "exact")):
        relative = both.loc[rows, f"{name}_wide"] / both.loc[rows, name] - 1
        assert relative.abs().max() < 2e-3
    assert set(found["unit"]) == set(expected["unit"])


def test_columns_that_were_added_say_who_and_when(folder, tmp_path):
    design = pd.read_csv(folder / "design.csv").drop(columns="status", errors="ignore")
    samples = pd.read_csv(folder / "fit/samples.csv")
    named = samples.merge(design[["sample", "subject", "group", "day"]], on="sample", how="left")
    named = named[named["subject"].notna()].rename(columns={"day": "visit"})
    named.to_csv(tmp_path / "named.csv", index=False)
    study = Study([tmp_path / "named.csv"], mapping={"day": "visit"})
    expected = Study([folder / "fit"], folder / "design.csv")
    assert study.values["state"].value_counts().equals(expected.values["state"].value_counts())


def test_a_table_without_its_limits_says_what_it_lacks(folder, tmp_path):
    samples = pd.read_csv(folder / "fit/samples.csv", dtype=str, keep_default_na=False)
    old = samples.drop(columns=["precision_pct", "lod", "lloq", "uloq", "uod"])
    kept = old[old["status"] != "oor_low"]
    design = pd.read_csv(folder / "design.csv")
    frame = kept.assign(n_wells=kept["n_wells"])
    study = Study([frame], design[design["sample"].isin(frame["sample"])])
    said = [one for one in study.findings if one.code == "limit_unknown"]
    below = frame[(frame["status"] == "below_lloq") & (frame["well_type"] == "unknown")]
    assert {one.analyte for one in said} >= set(below["analyte"])
    assert "give the folder that fit wrote" in said[0].message


def test_a_damaged_number_is_named_with_its_place(folder, tmp_path):
    text = (folder / "fit/samples.csv").read_text(encoding="utf-8").splitlines()
    cells = text[1].split(",")
    cells[8] = "12.Feb"
    (tmp_path / "samples.csv").write_text("\n".join([text[0], ",".join(cells), *text[2:]]))
    with pytest.raises(InputError) as error:
        Study([tmp_path / "samples.csv"], folder / "design.csv")
    assert "CK-280: column concentration: '12.Feb' is no number" in str(error.value)
    assert "line 2" in str(error.value)


def test_the_case_given_back_three_ways(cases, tmp_path):
    case = cases / "more" / "04_own_samples_csv_loses_out_of_range"
    fit(read_plates([str(case / "p.csv")])).write(tmp_path / "f")
    answers = []
    for source in ("f", "f/samples.csv", "f/results.xlsx"):
        study = Study([tmp_path / source], case / "d.csv")
        row = compare(study, reference="control").of("TNF").iloc[0]
        answers.append(row[["pct_below_treated", "pct_below_control", "ratio", "p"]].tolist())
    assert answers[0][:2] != [0, 0]
    for answer in answers[1:]:
        assert answer == pytest.approx(answers[0], rel=1e-9)
    # the file of an earlier release states its limit of detection beside three bounds only
    old = Study([case / "samples.csv"], case / "d.csv")
    assert (old.values["state"] == "below").sum() == 9
    row = compare(old, reference="control").of("TNF").iloc[0]
    assert row["pct_below_treated"] == pytest.approx(answers[0][0])
    assert row["ratio"] == pytest.approx(answers[0][2], rel=0.1)
