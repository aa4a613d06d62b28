"""Nobody becomes another person, a stratum or missing in silence where a design is joined."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import DesignError
from cytokit.tables.designs import read_design
from cytokit.trial.study import Study


def wide(**columns):
    return pd.DataFrame(columns)


def said(study: Study) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in study.findings:
        found.setdefault(one.code, []).append(one.message)
    return found


# --- spelling -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "names", "code", "words"),
    [
        ("subject", ["001", "1"], "CK-295", "differ only in leading zeros: '001', '1'"),
        ("subject", ["7", "7.0"], "CK-295", "'7', '7.0'"),
        ("group", ["01", "1"], "CK-295", "groups that differ only in leading zeros"),
        ("stratum", ["02", "2"], "CK-295", "strata that differ only in leading zeros"),
        ("stratum", ["Old", "old "], "CK-272", "strata that differ only in spelling: 'Old', 'old'"),
        ("subject", ["A\u20131", "A-1"], "CK-272", "subjects that differ only in spelling"),
        ("subject", ["A\u00a01", "A 1"], "CK-272", "subjects that differ only in spelling"),
        ("group", ["contr\u00f4le", "contro\u0302le"], "CK-272", "groups that differ only in"),
        ("subject", ["A\u200b1", "A1"], "CK-272", "subjects that differ only in spelling"),
    ],
)  # fmt: skip
def test_two_spellings_of_one_name_are_refused_and_both_named(role, names, code, words):
    frame = wide(sample=["a", "b"], subject=["x", "y"], group=["g", "h"], day=[0, 0])
    frame = frame.assign(**{role: names})
    with pytest.raises(DesignError) as error:
        read_design(frame)
    assert code in {one.code for one in error.value.problems}
    assert words in str(error.value)


def test_names_that_are_two_stay_two():
    frame = wide(sample=list("abcd"), subject=["10", "1", "S01", "S1"], group="g", day=0)
    assert read_design(frame).frame["subject"].nunique() == 4


def test_a_subject_that_two_tables_spell_otherwise_is_refused():
    first = wide(subject=["001", "002"], group="g", day=0, **{"IL-6": [1, 2]})
    second = wide(subject=["1", "2"], group="g", day=6, **{"IL-6": [1, 2]})
    with pytest.raises(DesignError, match=r"CK-295: subjects that differ only in leading zeros"):
        Study([first, second])


def test_a_sample_that_a_spreadsheet_rewrote_is_named_with_its_twin():
    table = wide(sample=["1", "2", "x"], **{"IL-6": [1, 2, 3]})
    design = wide(sample=["001", "x"], subject=["a", "b"], group="g", day=0)
    with pytest.raises(DesignError) as error:
        Study(table, design)
    text = str(error.value)
    assert "CK-283: the design names sample '001', which the data lack" in text
    assert "the data hold '1': a spreadsheet takes leading zeros away" in text
    with pytest.raises(DesignError, match="CK-285") as nothing:
        Study(table.iloc[:2], design.iloc[:1])
    assert "the data hold '1'" in str(nothing.value)
    odd = wide(sample=["S\u20111", "x"], **{"IL-6": [1, 2]})
    with pytest.raises(DesignError, match="did you mean 'S\u20111'"):
        Study(odd, wide(sample=["s-1", "x"], subject=["a", "b"], group="g", day=0))


def test_words_for_no_name_count_as_empty_and_are_counted():
    frame = wide(sample=["a", "b"], subject=["x", "y"], group="g", day=0, stratum=["NA", "old"])
    study = Study(wide(sample=["a", "b"], **{"IL-6": [1, 2]}), frame)
    assert study.subjects["stratum"].tolist() == ["", "old"]
    assert "1 cells of the stratum say 'NA': they count as empty" in said(study)["name_missing"][0]
    assert "1 of 2 subjects have no stratum ('x')" in said(study)["stratum_blank"][0]
    with pytest.raises(DesignError, match="CK-263: a row has no subject"):
        Study(wide(subject=["NA", "y"], group="g", day=0, **{"IL-6": [1, 2]}))


# --- planned and not there, there and not planned -------------------------------------------------


def test_planned_samples_that_are_not_there_are_named():
    design = wide(
        sample=["a0", "a6", "b0", "", "c0"],
        subject=["a", "a", "b", "b", "c"],
        group="g",
        day=[0, 6, 0, 6, 0],
        status=["", "", "", "missing", ""],
    )
    study = Study(wide(sample=["a0", "a6", "b0", "c0", "z9"], **{"IL-6": range(1, 6)}), design)
    found = said(study)
    assert found["sample_lost"] == ["subject 'b', day 6: missing, says the design"]
    assert found["day_not_in_design"] == [
        "subject 'c' has no row for day 6: its sample counts as missing"
    ]
    assert found["sample_not_in_design"] == [
        "sample 'z9' is in the data but not in the design: not used"
    ]
    assert "stratum_blank" not in found


def test_who_died_has_no_row_afterwards():
    design = wide(
        sample=["a0", "a6", "", "b0"],
        subject=["a", "a", "b", "b"],
        group="g",
        day=[0, 6, 3, 0],
        status=["", "", "died", ""],
    )
    found = said(Study(wide(sample=["a0", "a6", "b0"], **{"IL-6": [1, 2, 3]}), design))
    assert found["sample_lost"] == ["subject 'b', day 3: died, says the design"]
    assert found["day_not_in_design"] == [
        "subject 'a' has no row for day 3: its sample counts as missing"
    ]


def test_a_table_that_contradicts_the_design_is_named():
    table = wide(
        sample=["a", "b"], subject=["x", "other"], group="g", day=["D0", "6"], **{"IL-6": [1, 2]}
    )
    design = wide(sample=["a", "b"], subject=["x", "y"], group=["g", "h"], day=0)
    found = said(Study(table, design))["design_differs"]
    assert found == [
        "the data say subject 'other', the design 'y': the design is followed",
        "the data say group 'g', the design 'h': the design is followed",
        "the data say day '6', the design '0': the design is followed",
    ]


def test_both_are_counted_on_the_terminal_and_named_in_the_outputs(run, tmp_path):
    rows = [(f"s{n}d{day}", f"s{n}", "drug" if n % 2 else "control", day)
            for n in range(8) for day in (0, 6)]  # fmt: skip
    design = pd.DataFrame(rows, columns=["sample", "subject", "group", "day"])
    design["status"] = ["missing"] + [""] * 15
    design[design["sample"] != "s7d6"].to_csv(tmp_path / "d.csv", index=False)
    names = [*design["sample"].iloc[1:-1], "x1", "x2"]
    table = wide(sample=names, **{"IL-6": 5 + np.arange(len(names)) % 7})
    table.to_csv(tmp_path / "t.csv", index=False)
    asked = ("--design", tmp_path / "d.csv", "--reference", "control", "--out", tmp_path / "o")
    outcome = run("compare", tmp_path / "t.csv", *asked)
    assert outcome.code == 0, outcome.err
    assert "warn: a sample that the design does not name (2): " in outcome.err
    assert "warn: a subject without a row for a day of the study (1): " in outcome.err
    assert "a planned sample that was not taken (1)" in outcome.err
    written = (tmp_path / "o/flags.csv").read_text()
    for name in ("x1", "x2", "s0d0", "subject 's7' has no row for day 6"):
        assert name in written
        assert name in (tmp_path / "o/report.html").read_text().replace("&#39;", "'")


# --- samples that a fit takes for something else --------------------------------------------------


class Fit:
    """Two samples, one of them called as controls are, and wells of the other kinds."""

    def __init__(self, expected: float = np.nan, *, named: str = "Control10", plate: str = "P1"):
        rows = [("a", "unknown", 5.0), (named, "control", 7.0), ("QC 1", "control", 90.0)]
        frame = pd.DataFrame(rows, columns=["sample", "well_type", "concentration"])
        self.samples = frame.assign(
            plate=plate, analyte="IL-6", dilution_factor=2.0, mfi=100.0, unit="pg/mL",
            status="in_range", ci_low=4.0, ci_high=9.0, limit_low=np.nan, limit_high=np.nan,
        )  # fmt: skip
        limits = pd.DataFrame([(plate, "IL-6", 1.0, 2.0, 900.0)])
        limits.columns = ["plate", "analyte", "lod", "lloq", "uloq"]
        self.curves = type("Curves", (), {"table": limits})()
        wells = [("a", "unknown", np.nan), (named, "control", expected), ("QC 1", "control", 95.0)]
        wells += [("S9", "standard", 10.0), ("Blank7", "blank", 0.0)]
        self.wells = pd.DataFrame(wells, columns=["sample", "well_type", "expected"])
        self.wells.insert(0, "plate", plate)


def design_of(*samples: str, **more: object) -> pd.DataFrame:
    names = [f"p{at}" for at, _ in enumerate(samples)]
    return wide(sample=list(samples), subject=names, group="g", day=0, **more)


def folder_of(path: Path, fit: Fit) -> Path:
    path.mkdir()
    tables = {"samples": fit.samples, "curves": fit.curves.table, "wells": fit.wells}
    for name, frame in tables.items():
        frame.to_csv(path / f"{name}.csv", index=False)
    outputs = [{"name": f"{name}.csv", "sha256": _sha256(path / f"{name}.csv")} for name in tables]
    (path / "manifest.json").write_text(json.dumps({"inputs": [], "outputs": outputs}))
    return path


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_a_control_that_the_design_names_is_a_sample(tmp_path, kind):
    source = Fit() if kind == "memory" else folder_of(tmp_path / "f", Fit())
    study = Study(source, design_of("a", "Control10"))
    values = study.values.set_index("subject")
    assert values.loc["p1", ["value", "lod"]].tolist() == [7.0, 2.0]
    assert said(study)["control_is_sample"] == [
        "'Control10' was typed as a control; the design gives it to subject 'p1': it counts as a "
        "sample"
    ]
    assert study.shared["sample"].tolist() == ["QC 1"]
    assert Study(source, design_of("a", "Control10"), quantity="mfi").values["value"].eq(100).all()


def test_a_plate_s_control_is_one_on_that_plate_alone():
    fits = [Fit(), Fit(plate="P2")]
    design = design_of("a", "a", "Control10", plate=["P1", "P2", "P2"])
    study = Study(fits, design)
    assert study.values.set_index("subject").loc["p2", "plate"] == "P2"
    assert study.shared.query("sample == 'Control10' and control")["plate"].tolist() == ["P1"]


def test_a_control_with_an_expected_concentration_is_no_sample(tmp_path):
    for source in (Fit(6.0), folder_of(tmp_path / "f", Fit(6.0))):
        with pytest.raises(DesignError) as error:
            Study(source, design_of("a", "Control10"))
        text = str(error.value)
        assert "CK-296: the design gives sample 'Control10' to subject 'p1', but plate P1" in text
        assert "holds it as a control with an expected concentration" in text
        assert "give its well the type unknown in a layout" in text


@pytest.mark.parametrize(("name", "kind"), [("S9", "standard"), ("Blank7", "blank")])
def test_a_sample_that_a_fit_takes_for_a_standard_or_blank_is_named_as_that(tmp_path, name, kind):
    source = folder_of(tmp_path / "f", Fit())
    with pytest.raises(DesignError) as error:
        Study(source, design_of("a", name))
    text = str(error.value)
    assert f"CK-297: the design names sample '{name}', but plate P1 holds it as a {kind}" in text
    assert "type unknown in a layout" in text
    assert "missing or died" not in text


def test_the_case_of_controls_that_are_samples(run, tmp_path, cases):
    case = cases / "more/18_control10_message"
    assert run("fit", case / "p.csv", "--out", tmp_path / "f").code == 0
    asked = ("--design", case / "d.csv", "--reference", "control", "--out", tmp_path / "o")
    outcome = run("compare", tmp_path / "f", *asked)
    assert outcome.code == 0, outcome.err
    assert "a well typed as a control that the design names (6)" in outcome.err
    table = pd.read_csv(tmp_path / "o/comparisons.csv")
    assert set(table.query("family == 'F1'")["n_control"]) == {3}
    assert run("verify", tmp_path / "o").code == 0
