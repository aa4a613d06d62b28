"""What a stranger adds in one place appears everywhere: an option, a column, a finding."""

from __future__ import annotations

import importlib
import io
import json
from dataclasses import dataclass, replace

import click
import numpy as np
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.text import Text

import cytokit as ck
from cytokit.arrays import Bools, Floats
from cytokit.curves.acceptance import PROFILES, Figure
from cytokit.curves.logistic import MODELS, CurveModel
from cytokit.curves.platefit import PlateFit
from cytokit.figures.forest import forest
from cytokit.figures.panels import panels
from cytokit.figures.specification import specification_pages
from cytokit.flags import FLAGS, Finding, Flag, finding_lines
from cytokit.options import FIT_SECTION, CompareOptions, FitOptions, ReadOptions, option, options_of
from cytokit.report.comparison_page import conclusion
from cytokit.report.page import fit_page, refit_words
from cytokit.report.tables import read_table
from cytokit.report.workbook import fit_workbook
from cytokit.results import study_file
from cytokit.schema import TABLES, Column, Severity
from cytokit.simulate.trials import simulate_trial
from cytokit.trial.analyses import BETWEEN, BetweenTest
from cytokit.trial.compare import compare
from cytokit.trial.estimate import Estimate, wald
from cytokit.trial.multiplicity import ADJUSTMENTS, Adjustment
from cytokit.trial.sensitivity import sensitivity
from cytokit.trial.study import Study
from cytokit_cli._shared import click_options


@dataclass(frozen=True, slots=True)
class MoreOptions(FitOptions):
    """The options of a fit and one more."""

    shade: str = option("light", "How dark the plate is", choices=("light", "dark"))


@pytest.fixture(scope="module")
def fit(tmp_path_factory: pytest.TempPathFactory) -> PlateFit:
    folder = tmp_path_factory.mktemp("plate")
    name, data = next(iter(simulate_trial(seed=3, subjects=4).files().items()))
    (folder / name).write_bytes(data)
    return ck.fit(ck.read_plate(folder / name))


@pytest.fixture
def trial() -> Study:
    """Two groups of eight, two analytes, one day."""
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {
            "subject": [f"s{n}" for n in range(16)],
            "group": ["treated"] * 8 + ["control"] * 8,
            "day": 6,
            "IL-6 (pg/mL)": np.exp(rng.normal(2, 1, 16)),
            "TNFa (pg/mL)": np.exp(np.arange(16) / 4),
        }
    )
    return Study(table)


def test_an_option_is_one_line(fit: PlateFit, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {}

    @click.command()
    @click_options(MoreOptions)
    def command(**options: object) -> None:
        given.update(options)

    help_text = CliRunner().invoke(command, ["--help"]).output
    assert "--shade [light|dark]" in help_text
    assert "How dark the plate is.  [default: light]" in help_text
    near = CliRunner().invoke(command, ["--shade", "drak"]).output
    assert "did you mean 'dark'?" in near
    assert CliRunner().invoke(command, ["--shade", "dark"]).exit_code == 0
    options = MoreOptions(**given)
    assert options.as_dict()["shade"] == "dark"  # what the manifest holds
    assert "--shade dark" in " ".join(refit_words(fit.plates, options))
    with pytest.raises(ck.CytokitError, match="shade='drak' is no choice"):
        MoreOptions(shade="drak")

    assert (FitOptions, ReadOptions) == FIT_SECTION
    monkeypatch.setattr(study_file, "FIT_SECTION", (MoreOptions, ReadOptions))
    text = study_file.study_text()
    assert '# How dark the plate is: one of light, dark.\n# shade = "light"' in text


def test_a_column_is_one_line_and_its_values(
    fit: PlateFit, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meaning = "How dark the wells of the sample are."
    monkeypatch.setitem(TABLES["samples"].columns, "shade", Column(meaning, "number", "%"))
    more = replace(fit, samples=fit.samples.assign(shade=12.3456789))
    more.write(tmp_path / "fit")
    back = read_table(tmp_path / "fit/samples.csv")
    assert set(back["shade"]) == {12.3456789}
    book = openpyxl.load_workbook(io.BytesIO(fit_workbook(more)))
    tidy = book["Samples tidy"]
    at = [cell.value for cell in tidy[1]].index("shade")
    assert (tidy[2][at].value, tidy[2][at].number_format) == (12.3456789, "0.00")
    notes = [[cell.value for cell in row] for row in book["Notes"].iter_rows()]
    assert ["Samples tidy", "shade", f"{meaning} [%]"] in notes
    page = fit_page(more)
    assert "shade" in page
    assert f"{meaning} [%]" in page


def test_a_finding_is_one_entry(fit: PlateFit, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = Flag(Severity.WARN, "plate too dark", "The wells are dark.", "Switch on the lamp.")
    with pytest.raises(KeyError, match="too_dark"):
        Finding("too_dark", "dark")
    monkeypatch.setitem(FLAGS, "too_dark", flag)
    seen = Finding("too_dark", "12 % of the light", plate=fit.plates[0].name, analyte="IL-6")
    more = replace(fit, findings=(*fit.findings, seen))
    more.write(tmp_path / "fit")
    flags = read_table(tmp_path / "fit/flags.csv")
    assert flags.loc[flags["code"] == "too_dark", "severity"].tolist() == ["warn"]
    page = fit_page(more)
    for text in ("plate too dark", "The wells are dark.", "Switch on the lamp."):
        assert text in page
    notes = openpyxl.load_workbook(io.BytesIO(fit_workbook(more)))["Notes"]
    words = [str(cell.value) for row in notes.iter_rows() for cell in row]
    assert "plate too dark. The wells are dark. What to do: Switch on the lamp." in words
    assert any("plate too dark (1): " in line for line in finding_lines(more.findings))


def test_a_curve_model_is_one_object(fit: PlateFit, tmp_path, monkeypatch) -> None:
    """A logistic of asymmetry 2: in --help, curves, page, sheet, formula, manifest, refits."""
    with pytest.raises(ck.CytokitError, match="model='skew' is no choice"):
        FitOptions(model="skew")
    monkeypatch.setitem(MODELS, "skew", CurveModel("Skew logistic", 4, (2.0, 2.0)))
    made = ck.fit(fit.plates, model="skew")
    curves = made.curves.table
    assert set(curves["model"]) == {"skew"}
    np.testing.assert_allclose(curves["asymmetry"], 2.0)
    curve = next(iter(made.curves.values()))
    assert curve.covariance[4, 4] < 1e-9
    assert curve.df == pytest.approx(curve.wells["used"].sum() - 4)
    assert curve.lmfit().params["k"].vary is False
    assert "^g</code>" in curve._repr_html_()
    assert "Skew logistic (" in fit_page(made)
    assert "--model skew" in " ".join(refit_words(made.plates, made.options))
    made.write(tmp_path / "fit")
    assert set(read_table(tmp_path / "fit/curves.csv")["model"]) == {"skew"}
    manifest = json.loads((tmp_path / "fit/manifest.json").read_text())
    assert manifest["options"]["model"] == "skew"
    assert "one of 5pl, 4pl, skew" in study_file.study_text()

    @click.command()
    @click_options(FitOptions)
    def command(**_: object) -> None:
        """What fit takes."""

    assert "--model [5pl|4pl|skew]" in CliRunner().invoke(command, ["--help"]).output


def test_a_profile_is_one_object(fit: PlateFit, tmp_path, monkeypatch) -> None:
    """A stricter research profile: in verdicts, study file, page and manifest."""
    strict = replace(PROFILES["research"], name="strict", recovery_pct=Figure(1e-6, "our own rule"))
    with pytest.raises(ck.CytokitError, match="profile='strict' is no choice"):
        FitOptions(profile="strict")
    monkeypatch.setitem(PROFILES, "strict", strict)
    made = ck.fit(fit.plates, profile="strict")
    assert set(fit.curves.table["verdict"]) == {"good"}
    assert "good" not in set(made.curves.table["verdict"])
    made.write(tmp_path / "fit")
    manifest = json.loads((tmp_path / "fit/manifest.json").read_text())
    assert manifest["options"]["profile"] == "strict"
    assert "profile: strict" in fit_page(made)
    assert strict.sources["recovery_pct"].endswith("100 +- 1e-06 % (our own rule)")
    assert "one of research, kit, m10, strict" in study_file.study_text()


def test_an_adjustment_is_one_object(trial, tmp_path, monkeypatch) -> None:
    """Doubled p-values: in --help, table, methods, figure, page and manifest."""
    doubling = Adjustment("Doubling", "p-values were doubled", lambda p: 2 * p)
    asked = {"baseline": None, "reference": "control", "adjust": "double"}
    with pytest.raises(ck.CytokitError, match="adjust='double' is no choice"):
        compare(trial, **asked)
    monkeypatch.setitem(ADJUSTMENTS, "double", doubling)
    made = compare(trial, **asked)
    rows = made.between
    np.testing.assert_allclose(rows["p_adjusted"], np.minimum(2 * rows["p"], 1))
    assert "within each, p-values were doubled, and" in made.methods
    assert "after Doubling adjustment" in conclusion(made)
    texts = [text.get_text() for text in panels(made).findobj(Text)]
    assert any("p adjusted by Doubling" in text for text in texts)
    made.write(tmp_path / "compare")
    assert set(read_table(tmp_path / "compare/comparisons.csv")["adjust"]) == {"double"}
    manifest = json.loads((tmp_path / "compare/manifest.json").read_text())
    assert manifest["options"]["adjust"] == "double"

    @click.command()
    @click_options(CompareOptions)
    def command(**_: object) -> None:
        """What compare takes."""

    assert "|maxt|double]" in CliRunner().invoke(command, ["--help"]).output


def _median_test(y: Floats, treated: Bools, level: float) -> Estimate:
    """A difference of medians with an invented standard error: enough to see where it goes."""
    difference = float(np.median(y[treated]) - np.median(y[~treated]))
    return wald("median test", difference, 0.5, float(len(y) - 2), level)


def test_a_test_between_groups_is_one_object(trial, tmp_path, monkeypatch) -> None:
    """In --help, table, methods, forest, specification panel, workbook and manifest."""
    added = BetweenTest(
        "medians",
        "Ratio of medians",
        "the ratio of medians among subjects with a sample",
        estimate=_median_test,
        sentences={"median test": "a test of medians"},
    )
    monkeypatch.setitem(BETWEEN, "medians", added)
    made = compare(trial, baseline=None, reference="control", between="medians")
    assert set(made.between["method"]) == {"median test"}
    assert "compared by a test of medians" in made.methods
    assert "The estimand is the ratio of medians" in made.methods
    assert any("Ratio of medians" in text.get_text() for text in forest(made).findobj(Text))
    panel = sensitivity(made, analyses=("medians", "welch"), substitutes=())
    assert set(panel.table["between"]) == {"medians", "welch"}
    assert any("medians" in text.get_text() for text in specification_pages(panel)[0].findobj(Text))
    made.write(tmp_path / "compare")
    assert set(read_table(tmp_path / "compare/comparisons.csv")["method"]) >= {"median test"}
    sheet = openpyxl.load_workbook(tmp_path / "compare/results.xlsx")["Comparison"]
    assert "median test" in {cell.value for row in sheet.iter_rows() for cell in row}
    manifest = json.loads((tmp_path / "compare/manifest.json").read_text())
    assert manifest["options"]["between"] == "medians"

    @click.command()
    @click_options(CompareOptions)
    def command(**_: object) -> None:
        """What compare takes."""

    assert "|mixed|medians]" in CliRunner().invoke(command, ["--help"]).output


def test_what_help_lists_is_what_is_registered() -> None:
    """Help lists choices without loading what stands behind them."""
    registered = [one for one in options_of(FitOptions, CompareOptions) if one.rule.registry]
    assert {one.name for one in registered} == {"model", "profile", "between", "adjust"}
    for one in registered:
        module, _, name = one.rule.registry.partition(":")
        assert list(getattr(importlib.import_module(module), name)) == list(one.rule.listed)
