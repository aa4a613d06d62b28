"""Type I error, coverage and family-wise error in simulated trials; bounds argued in place.

The full table is made by benchmarks/statistics_simulation.py, which this test loads.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from cytokit.stats.power import Scenario

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "statistics_simulation.py"
N = 1500
#: three standard errors of a rejection rate of .05 among N trials
SLACK = 3 * np.sqrt(0.05 * 0.95 / N)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("statistics_simulation", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("arms", [(12, 12), (12, 6)])
@pytest.mark.parametrize("rho", [0.2, 0.6])
@pytest.mark.parametrize("below", [0.0, 0.25])
def test_the_default_holds_its_level_and_covers(script, arms, rho, below):
    """ANCOVA, and the Tobit that takes its place: the level is .035 to .06, coverage 93 to 97 %."""
    cell = script.cell(arms, Scenario(1.0, rho, below), 0.0, "ancova", N, seed=11)
    assert 0.035 - SLACK < cell["rejected"] < 0.06 + SLACK / 3
    assert 0.93 - SLACK / 3 < cell["covered"] < 0.97 + SLACK / 3


@pytest.mark.parametrize("effect", [-1.0, 1.0])
def test_intervals_cover_a_true_effect(script, effect):
    cell = script.cell((12, 12), Scenario(1.0, 0.6, 0.2), effect, "ancova", N, seed=12)
    assert 0.92 < cell["covered"] < 0.975


@pytest.mark.parametrize("between", ["welch", "ranks", "change", "paired"])
def test_what_stands_beside_holds_its_level(script, between):
    """Exact tests are discrete and may be conservative; none may be liberal."""
    cell = script.cell((12, 12), Scenario(1.0, 0.6), 0.0, between, 500, seed=13)
    assert cell["rejected"] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)
    censored = script.cell((12, 12), Scenario(1.0, 0.6, 0.25), 0.0, between, 300, seed=14)
    assert censored["rejected"] < 0.06 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_with_half_the_values_hidden_no_test_is_liberal(script):
    """Trials in which an arm keeps under three values are not analysed; that costs rejections."""
    for between in ("ancova", "ranks"):
        cell = script.cell((12, 12), Scenario(1.0, 0.6, 0.5), 0.0, between, N, seed=15)
        assert cell["rejected"] < 0.06
        assert cell["analysed_pct"] > 90


def test_the_ancova_has_the_most_power(script):
    scenario = Scenario(1.0, 0.6)
    rejected = {
        between: script.cell((12, 12), scenario, -1.0, between, 600, seed=16)["rejected"]
        for between in ("ancova", "welch", "ranks", "change")
    }
    assert rejected["ancova"] == pytest.approx(0.81, abs=0.05)
    assert rejected["change"] == pytest.approx(0.73, abs=0.06)
    assert rejected["welch"] == pytest.approx(0.64, abs=0.06)
    assert max(rejected, key=rejected.__getitem__) == "ancova"


def test_unequal_spread_in_equal_groups_is_harmless(script):
    cell = script.cell((12, 12), Scenario(1.0, 0.6, 0.0, 2.0), 0.0, "ancova", N, seed=17)
    assert 0.035 < cell["rejected"] < 0.065


def test_family_wise_error(script):
    """Holm and maxT hold .05 over ten correlated analytes; 400 trials, three standard errors."""
    error = script.family_wise(400, draws=399)
    slack = 3 * np.sqrt(0.05 * 0.95 / 400)
    assert error["holm"] <= 0.05 + slack
    assert error["maxt"] <= 0.05 + slack
    assert error["holm"] <= error["hommel"] + 1e-12
