"""The verdict of a plate: what holds it, what wants a look, and one sentence for all outputs."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from cytokit.curves.platefit import judge_plate, of_findings, verdicts_table, worst
from cytokit.report.tables import shown
from cytokit.schema import TABLES, PlateVerdict, Verdict


def judged(fit):
    one = shown(fit).of(fit.plates[0])
    return judge_plate(one.table, one.samples, one.flags)


def only(fit, analytes):
    """The fit with these analytes and no findings."""
    curves = type(fit.curves)({key: fit.curves[key] for key in fit.curves if key[1] in analytes})
    samples = fit.samples[fit.samples["analyte"].isin(analytes)]
    return dataclasses.replace(fit, curves=curves, samples=samples, flags=fit.flags.iloc[:0])


def flag_rows(*found: tuple[str, str]) -> pd.DataFrame:
    rows = [("", "", "", "", code, severity, "") for code, severity in found]
    return pd.DataFrame(rows, columns=TABLES["flags"].names)


@pytest.mark.parametrize(
    ("analytes", "verdict", "start"),
    [
        (
            ["IFNg", "TNFα"],
            "report",
            "This plate can be reported: 2 of 2 curves are good or usable;",
        ),
        (
            ["IFNg", "RANTES"],
            "look",
            "Look at this plate before you report it: 1 of 2 curves are good or usable, 1 poor "
            "(RANTES);",
        ),
        (
            ["IFNg", "GM-CSF"],
            "hold",
            "Hold this plate until its failures are settled: 1 of 2 curves are good or usable, "
            "1 failed (GM-CSF);",
        ),
        (["GM-CSF"], "failed", "Nothing of this plate can be reported: 0 of 1 curves"),
    ],
)
def test_curves(small_fit, analytes, verdict, start):
    found = judged(only(small_fit, analytes))
    assert found.verdict == verdict
    assert found.sentence.startswith(start)


def test_findings_are_named_and_counted(small_fit):
    fit = only(small_fit, ["IFNg"])
    flags = small_fit.flags[small_fit.flags["code"] == "low_count"].head(3)
    failing = dataclasses.replace(fit, flags=flags)
    assert judged(failing).sentence.endswith("; to be settled: too few beads (3).")
    warned = dataclasses.replace(fit, flags=flags.assign(severity="warn", code="few_beads"))
    found = judged(warned)
    assert found.verdict is PlateVerdict.LOOK
    assert found.sentence.endswith("; to look at: few beads (3).")
    noted = dataclasses.replace(fit, flags=flags.assign(severity="info", code="downweighted"))
    assert judged(noted).verdict is PlateVerdict.REPORT


@pytest.mark.parametrize(
    ("code", "severity", "verdict"),
    [
        ("control_out_of_range", "fail", PlateVerdict.HOLD),
        ("control_out_of_range", "warn", PlateVerdict.HOLD),  # as the research profile says it
        ("control_out_of_range", "info", PlateVerdict.REPORT),
        ("expected_typo", "fail", PlateVerdict.HOLD),
        ("hook", "warn", PlateVerdict.LOOK),
        ("replicate_cv", "warn", PlateVerdict.REPORT),
        ("replicate_cv", "fail", PlateVerdict.HOLD),
        ("twin_apart", "warn", PlateVerdict.LOOK),
    ],
)
def test_what_a_finding_does_to_a_plate(small_fit, code, severity, verdict):
    flags = flag_rows((code, severity))
    assert of_findings(flags) is verdict
    fit = dataclasses.replace(only(small_fit, ["IFNg"]), flags=flags)
    assert judged(fit).verdict is verdict
    assert bool(judged(fit).reasons) is (verdict is not PlateVerdict.REPORT)


def test_a_sample_that_was_not_read_and_an_unknown_unit_want_a_look(small_fit):
    fit = only(small_fit, ["IFNg"])
    samples = fit.samples.copy()
    samples.loc[samples.index[samples["well_type"] == "unknown"][:2], "status"] = "not_measured"
    found = judged(dataclasses.replace(fit, samples=samples))
    assert found.verdict is PlateVerdict.LOOK
    assert found.reasons == ("no reading for 2 sample results",)
    found = judged(dataclasses.replace(fit, samples=fit.samples.assign(unit="")))
    assert found.verdict is PlateVerdict.LOOK
    assert found.reasons == ("unit not stated for 1 analytes",)


def test_results_add_up(small_fit):
    sentence = judged(only(small_fit, ["IFNg", "GM-CSF"])).sentence
    assert (
        "25 of 74 sample results are in range (11 below, 1 above, 37 without a result)" in sentence
    )


def test_each_plate_has_its_row_and_what_names_no_plate_concerns_all(small_fit):
    fit = only(small_fit, ["IFNg"])
    curves = pd.concat([fit.curves.table, fit.curves.table.assign(plate="P2")])
    samples = pd.concat([fit.samples, fit.samples.assign(plate="P2")])
    first = fit.plates[0].name
    own = flag_rows(("hook", "warn")).assign(plate="P2")
    table = verdicts_table(curves, samples, own, [first, "P2"])
    assert table["verdict"].tolist() == ["report", "look"]
    table = verdicts_table(curves, samples, flag_rows(("same_file", "warn")), [first, "P2"])
    assert table["verdict"].tolist() == ["look", "look"]


def test_the_worst_counts():
    assert worst([]) is PlateVerdict.REPORT
    assert worst([PlateVerdict.HOLD, PlateVerdict.LOOK]) is PlateVerdict.HOLD


def test_each_verdict_is_explained_and_drawn():
    from cytokit.report.page import MARKS
    from cytokit.report.workbook import _FILLS
    from cytokit.schema import PLATE_VERDICTS, VERDICTS

    assert list(PLATE_VERDICTS) == [str(one) for one in PlateVerdict]
    assert list(VERDICTS) == [str(one) for one in Verdict]
    for key in (*PLATE_VERDICTS, *VERDICTS):
        assert key in MARKS
        assert key in _FILLS
