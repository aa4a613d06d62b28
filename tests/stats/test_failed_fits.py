"""What a fit failed travels with its concentrations into the comparison."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import InputError
from cytokit.flags import Finding, findings_table
from cytokit.folder import make_manifest
from cytokit.trial.compare import compare
from cytokit.trial.study import Study

ANALYTES = ("IL-6", "TNF")
FAILURES = (
    Finding("low_count", "12 beads", plate="P1", well="A1", sample="s0d6", analyte="IL-6"),
    Finding("curve_failed", "no curve", plate="P2", analyte="TNF"),
    Finding("control_out_of_range", "QC 1 reads 900", plate="P1", sample="QC 1", analyte="TNF"),
    Finding("curve_poor", "recovery", plate="P1", analyte="IL-6"),
)


class Fit:
    """A fit in memory."""

    def __init__(self, findings=FAILURES):
        rng = np.random.default_rng(4)
        rows = [
            (f"P{1 + n // 4}", f"s{n}d{day}", analyte, float(rng.lognormal(3, 0.4)))
            for n in range(8)
            for day in (0, 6)
            for analyte in ANALYTES
        ]
        frame = pd.DataFrame(rows, columns=["plate", "sample", "analyte", "concentration"])
        self.samples = frame.assign(
            well_type="unknown", dilution_factor=1.0, mfi=100.0, unit="pg/mL", status="in_range",
            ci_low=np.nan, ci_high=np.nan, limit_low=np.nan, limit_high=np.nan,
        )  # fmt: skip
        limits = dict.fromkeys(("lod", "lloq", "uloq"), np.nan)
        curves = [{"plate": p, "analyte": a, **limits} for p in ("P1", "P2") for a in ANALYTES]
        self.curves = type("Curves", (), {"table": pd.DataFrame(curves)})()
        self.findings = findings


def design() -> pd.DataFrame:
    rows = [
        (f"s{n}d{day}", f"s{n}", "treated" if n % 2 else "control", day)
        for n in range(8)
        for day in (0, 6)
    ]
    return pd.DataFrame(rows, columns=["sample", "subject", "group", "day"])


def write(folder: Path, fit: Fit, flags: pd.DataFrame | None = None) -> Path:
    """The tables of a fit's folder, with a manifest that lists them."""
    folder.mkdir()
    table = findings_table(fit.findings) if flags is None else flags
    for name, frame in (("samples", fit.samples), ("curves", fit.curves.table), ("flags", table)):
        frame.to_csv(folder / f"{name}.csv", index=False)
    outputs = [
        {"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        for file in sorted(folder.iterdir())
    ]
    made = make_manifest("fit", options={}, inputs=[])
    (folder / "manifest.json").write_text(json.dumps({**made, "outputs": outputs}))
    return folder


def test_failures_mark_the_readings_that_rest_on_them(tmp_path):
    study = Study(Fit(), design())
    marks = study.values.set_index(["analyte", "subject", "day"])["fit_fail"]
    assert marks["IL-6", "s0", 6] == "low_count"
    assert (marks.drop(("IL-6", "s0", 6))["IL-6"] == "").all()
    assert set(marks["TNF"].loc[["s0", "s1", "s2", "s3"]]) == {"control_out_of_range"}
    assert set(marks["TNF"].loc[["s4", "s5", "s6", "s7"]]) == {"curve_failed"}
    read = Study(write(tmp_path / "fit", Fit()), design())
    pd.testing.assert_frame_equal(read.values, study.values)
    assert read.findings == study.findings
    assert {one.code for one in read.findings} == {one.code for one in FAILURES[:3]}


def test_rows_findings_methods_and_figures_say_so(tmp_path):
    result = compare(Study(Fit(), design()), reference="control")
    flags = result.table.set_index(["analyte", "contrast"])["flags"]
    assert (
        "fit_fail: 1 of 16 values rest on what the fit failed (low_count 1)"
        in (flags["IL-6", "between_day6"])
    )
    assert "fit_fail" not in flags["IL-6", "within_treated"]
    text = "16 of 16 values rest on what the fit failed (control_out_of_range 8, curve_failed 8)"
    assert text in flags["TNF", "between_day6"]
    assert [str(one.severity) for one in result.findings[:3]] == ["fail"] * 3
    assert "fail: control outside its range (1): P1, TNF: QC 1 reads 900" in result.methods
    from cytokit.figures.view import warning_sentences

    assert warning_sentences(result.table, ANALYTES) == [
        "Some values rest on a curve, control or well that failed: IL-6, TNF."
    ]
    assert warning_sentences(compare(Study(Fit(()), design())).table, ANALYTES) == []


def test_a_sample_without_a_name_does_not_take_a_curve_s_failure():
    fit = Fit()
    extra = fit.samples.iloc[:2].assign(sample="", plate="P2")
    fit.samples = pd.concat([fit.samples, extra], ignore_index=True)
    assert (Study(fit, design()).values.query("analyte == 'TNF'")["fit_fail"] != "").all()


def test_flags_that_were_changed_or_are_not_known(tmp_path):
    folder = write(tmp_path / "changed", Fit())
    with (folder / "flags.csv").open("a") as file:
        file.write("P1,,,IL-6,curve_failed,fail,mine\n")
    with pytest.raises(InputError, match=r"CK-595: flags.csv is not what fit wrote here"):
        Study(folder, design())
    (folder / "flags.csv").unlink()
    with pytest.raises(InputError, match=r"CK-279: the folder has no flags.csv"):
        Study(folder, design())
    later = findings_table(FAILURES).replace("curve_failed", "curve_faild")
    with pytest.raises(InputError) as error:
        Study(write(tmp_path / "later", Fit(), later), design())
    text = str(error.value)
    assert "CK-294: the fit failed something that this release does not know: curve_faild" in text
    assert "did you mean 'curve_failed'?" in text


def test_a_sample_measured_twice_keeps_both_failures():
    fit = Fit()
    again = fit.samples[fit.samples["sample"] == "s0d6"].assign(plate="P2")
    fit.samples = pd.concat([fit.samples, again], ignore_index=True)
    values = Study(fit, design()).values.set_index(["analyte", "subject", "day"])
    assert values.loc[("TNF", "s0", 6), "fit_fail"] == "control_out_of_range;curve_failed"
