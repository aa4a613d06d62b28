"""The verdict of a plate in one sentence."""

from __future__ import annotations

import dataclasses

import pytest

from cytokit.report._shown import shown
from cytokit.report._verdict import plate_verdict


def verdict_of(fit):
    return plate_verdict(shown(fit).of(fit.plates[0]))


def only(fit, analytes):
    """The fit with these analytes and no findings."""
    curves = type(fit.curves)({key: fit.curves[key] for key in fit.curves if key[1] in analytes})
    samples = fit.samples[fit.samples["analyte"].isin(analytes)]
    return dataclasses.replace(fit, curves=curves, samples=samples, flags=fit.flags.iloc[:0])


@pytest.mark.parametrize(
    ("analytes", "level", "start"),
    [
        (["IFNg", "TNFα"], "good", "This plate can be reported: 2 of 2 curves are good or usable;"),
        (
            ["IFNg", "RANTES"],
            "usable",
            "This plate can be reported after a look at its warnings: 1 of 2 curves are good or "
            "usable, 1 poor (RANTES);",
        ),
        (
            ["IFNg", "GM-CSF"],
            "poor",
            "Parts of this plate should not be reported yet: 1 of 2 curves are good or usable, "
            "1 failed (GM-CSF);",
        ),
        (["GM-CSF"], "failed", "This plate cannot be reported: 0 of 1 curves"),
    ],
)
def test_levels(small_fit, analytes, level, start):
    verdict = verdict_of(only(small_fit, analytes))
    assert verdict.level == level
    assert verdict.sentence.startswith(start)


def test_findings_are_named_and_counted(small_fit):
    fit = only(small_fit, ["IFNg"])
    flags = small_fit.flags[small_fit.flags["code"] == "low_count"].head(3)
    failing = dataclasses.replace(fit, flags=flags)
    assert verdict_of(failing).sentence.endswith("; to be settled: too few beads (3).")
    warned = dataclasses.replace(fit, flags=flags.assign(severity="warn", code="few_beads"))
    verdict = verdict_of(warned)
    assert verdict.level == "usable"
    assert verdict.sentence.endswith("; to look at: few beads (3).")
    noted = dataclasses.replace(fit, flags=flags.assign(severity="info", code="downweighted"))
    assert verdict_of(noted).level == "good"


def test_results_add_up(small_fit):
    sentence = verdict_of(only(small_fit, ["IFNg", "GM-CSF"])).sentence
    assert (
        "25 of 74 sample results are in range (11 below, 1 above, 37 without a result)" in sentence
    )
