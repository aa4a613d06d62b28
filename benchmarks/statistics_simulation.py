"""Type I error, coverage, power and family-wise error of every analysis that compare offers.

Each simulated trial goes through the code that ``compare`` runs. ``python
benchmarks/statistics_simulation.py [SIMULATIONS]`` prints the full table and writes it beside this
file as ``statistics_simulation.csv``; a bounded part of it is a slow test.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from cytokit.stats.beside import beside_arms
from cytokit.stats.cells import AnalyteData, Subjects
from cytokit.stats.groups import GEHAN, RANK_SUM, changes, primary
from cytokit.stats.multiplicity import adjust
from cytokit.stats.options import CompareOptions
from cytokit.stats.pairs import within
from cytokit.stats.power import Scenario, simulate
from cytokit.stats.westfall_young import max_t

ARMS = ((12, 12), (12, 6))
CORRELATIONS = (0.2, 0.6)
BELOW = (0.0, 0.25, 0.5)
SPREADS = (1.0, 2.0)
ANALYSES = ("ancova", "welch", "ranks", "change", "paired")
#: those that stand beside the default are slower, and get a quarter of the simulations
QUICK = ("ancova", "ranks")
NAMES = ("treated", "control")


def one_trial(
    data: AnalyteData, between: str, options: CompareOptions
) -> tuple[float, float, float, str]:
    """p, limits on the ln scale and the method, of one analysis of one trial."""
    treated = data.subjects.group == "treated"
    if between == "paired":
        found = within(data.base.take(treated), data.day.take(treated), "treated", options)[0]
    elif between == "change":
        found = changes(data.base, data.day, treated, NAMES, options.level)[0]
    else:
        found = primary(data, treated, NAMES, replace(options, between=between))[0]
    if found.method in (RANK_SUM, GEHAN):
        beside = beside_arms(data.day, treated, options)
        return beside.p_rank, beside.hl_low, beside.hl_high, found.method
    return found.p, found.low, found.high, found.method


def cell(
    arms: tuple[int, int],
    scenario: Scenario,
    effect: float,
    between: str,
    simulations: int,
    seed: int,
) -> dict[str, object]:
    """Rejections and coverage of one analysis in one situation."""
    rng = np.random.default_rng(seed)
    options = CompareOptions(draws=1000)
    found = [
        one_trial(simulate(scenario, *arms, float(np.exp(effect)), rng), between, options)
        for _ in range(simulations)
    ]
    p, low, high = (np.array([one[at] for one in found]) for at in range(3))
    analysed, ranged = ~np.isnan(p), ~np.isnan(low)
    # within an arm the truth is the effect as well: the baseline has mean zero in both
    covered = (low <= effect) & (effect <= high)
    return {
        "n_treated": arms[0],
        "n_control": arms[1],
        "correlation": scenario.correlation,
        "below": scenario.below,
        "ratio_of_spreads": scenario.ratio_of_spreads,
        "effect": effect,
        "analysis": between,
        "analysed_pct": 100.0 * analysed.mean(),
        "rejected": float((p[analysed] < 0.05).mean()) if analysed.any() else np.nan,
        "covered": float(covered[ranged].mean()) if ranged.mean() > 0.5 else np.nan,
        "methods": ", ".join(sorted({one[3] for one in found})),
        "simulations": simulations,
        "seed": seed,
    }


def grid(simulations: int, effects: tuple[float, ...] = (0.0, -1.0)) -> Iterator[dict[str, object]]:
    """Every situation and analysis, the seed fixed by its place."""
    situations = product(ARMS, CORRELATIONS, BELOW, SPREADS, effects)
    for place, (arms, rho, below, spread, effect) in enumerate(situations):
        scenario = Scenario(1.0, rho, below, spread)
        for between in ANALYSES:
            count = simulations if between in QUICK else max(simulations // 4, 100)
            yield cell(arms, scenario, effect, between, count, seed=place)


def family_wise(
    simulations: int, *, analytes: int = 10, n: int = 12, draws: int = 999
) -> pd.Series:
    """Share of trials without any effect in which some analyte is significant, per adjustment.

    The analytes of a subject share half of their variance.
    """
    rng = np.random.default_rng(77)
    options = CompareOptions()
    treated = np.arange(2 * n) < n
    nobody = np.zeros(2 * n, dtype=bool)
    group = np.where(treated, *NAMES)
    subjects = Subjects(np.arange(2 * n).astype(str), group, np.full(2 * n, ""), nobody)
    hits = dict.fromkeys(("holm", "hochberg", "hommel", "bh", "maxt"), 0)
    for _ in range(simulations):
        base, day = _correlated(rng, 2 * n, analytes), _correlated(rng, 2 * n, analytes)
        day = 0.6 * base + 0.8 * day
        p = np.array([_ancova_p(subjects, base[:, j], day[:, j], options) for j in range(analytes)])
        for name in hits:
            if name == "maxt":
                adjusted = max_t(
                    day, treated, baseline=base, statistic="ancova", draws=draws, seed=1
                ).p_adjusted
            else:
                adjusted = adjust(p, name)
            hits[name] += bool((adjusted < 0.05).any())
    return pd.Series({name: count / simulations for name, count in hits.items()})


def _correlated(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    return np.sqrt(0.5) * (rng.standard_normal((n, 1)) + rng.standard_normal((n, m)))


def _ancova_p(
    subjects: Subjects, base: np.ndarray, day: np.ndarray, options: CompareOptions
) -> float:
    from cytokit.stats.cells import Cells

    nothing, no = np.full(len(base), np.nan), np.zeros(len(base), dtype=bool)
    cells = [Cells(values, values, nothing, no) for values in (base, day)]
    data = AnalyteData("x", "", subjects, *cells)
    return primary(data, subjects.group == "treated", NAMES, options)[0].p


def main() -> None:
    """Print and write the table."""
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rows = []
    for row in grid(simulations):
        rows.append(row)
        shown = (f"{value:.3g}" if isinstance(value, float) else value for value in row.values())
        print(*shown, flush=True)
    pd.DataFrame(rows).to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(family_wise(max(simulations // 2, 100)).to_string())


if __name__ == "__main__":
    main()
