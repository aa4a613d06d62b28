"""Type I error, coverage, power and family-wise error of every analysis that compare offers.

Each simulated trial goes through the code that ``compare`` runs; the Tobit's likelihood, the room's
own, is maximised for all trials of a situation at once (a test holds the two against each other).
``python benchmarks/statistics_simulation.py [SIMULATIONS]`` prints two tables and writes them as
``statistics_families.csv`` and ``statistics_simulation.csv`` beside this file; a bounded part of it
is a slow test.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtr

from cytokit.options import CompareOptions
from cytokit.trial import permutation as sign_flips
from cytokit.trial.analyses import (
    RANKED,
    TOBIT,
    beside_arms,
    changes,
    covariates,
    primary,
    rank_test,
    spread_per_arm,
    within,
)
from cytokit.trial.multiplicity import adjust
from cytokit.trial.permutation import arm_flip_max_t, max_t
from cytokit.trial.power import Scenario, simulate
from cytokit.trial.tobit import ArmData, maximise_spreads
from cytokit.trial.values import Analysis, AnalyteData, Cells, Subjects, choose

ARMS = ((12, 12), (12, 6))
CORRELATIONS = (0.2, 0.6)
BELOW = (0.0, 0.25, 0.5)
SPREADS = (1.0, 2.0, 0.5)
EFFECTS = (0.0, -1.0)
ANALYSES = ("ancova", "welch", "ranks", "brunner-munzel", "change", "paired")
#: how many times the simulations an analysis gets: without and with values out of range
SHARES = {
    "ancova": (5.0, 5.0),
    "welch": (0.5, 0.5),
    "ranks": (0.5, 0.5),
    "brunner-munzel": (0.5, 0.5),
    "change": (0.5, 0.06),
    "paired": (0.5, 0.06),
}
#: slow with values out of range: there without an effect only
SLOW = ("change", "paired")
NAMES = ("treated", "control")

#: p of no effect, p of the true one (NaN where there is no interval), the method
Result = tuple[float, float, str]


def trials(
    data: Sequence[AnalyteData], effect: float, between: str, options: CompareOptions
) -> list[Result]:
    """One analysis of every trial; Tobits are fitted together.

    Each trial draws its own arrangements: the same ones for all would shift all of them together.
    """
    own = [replace(options, seed=at) for at in range(len(data))]
    hidden = [not (one.day.exact & one.base.exact).all() for one in data]
    together = between in ("ancova", "welch")
    found: list[Result | None] = [
        None if out and together else one_trial(one, effect, between, how)
        for one, out, how in zip(data, hidden, own, strict=True)
    ]
    if together:
        open_ones = [at for at, one in enumerate(found) if one is None]
        chosen = [data[at] for at in open_ones], [own[at] for at in open_ones]
        several = with_limits(*chosen, effect, between)
        for at, one in zip(open_ones, several, strict=True):
            found[at] = one
    return [one for one in found if one is not None]


def one_trial(data: AnalyteData, effect: float, between: str, options: CompareOptions) -> Result:
    """One analysis of one trial by the library alone."""
    treated = data.subjects.group == "treated"
    if between == "paired":
        found = within(data.base.take(treated), data.day.take(treated), "treated", options)[0]
    elif between == "change":
        found = changes(data.base, data.day, treated, NAMES, options.level)[0]
    else:
        found = primary(data, treated, NAMES, replace(options, between=between))[0]
    if found.method in RANKED:
        beside = beside_arms(data.day, treated, options)
        found = rank_test(found, data.day, treated, beside, options)
    at_truth = np.nan if np.isnan(found.low) else float(found.low <= effect <= found.high)
    return found.p, at_truth, found.method


def with_limits(
    data: Sequence[AnalyteData], options: Sequence[CompareOptions], effect: float, between: str
) -> list[Result]:
    """The rule table's analysis of trials with values out of range."""
    found: dict[int, Result] = {}
    designs: dict[int, list[tuple[int, np.ndarray]]] = {}
    for at, one in enumerate(data):
        treated = one.subjects.group == "treated"
        rule = choose(one.day.exact, {"treated": treated, "control": ~treated})
        if rule.analysis is not Analysis.TOBIT:
            found[at] = one_trial(one, effect, between, options[at])
            continue
        columns = covariates(one.base)[0] if between == "ancova" else np.empty((len(treated), 0))
        others = np.column_stack([np.ones(len(treated)), columns])
        designs.setdefault(others.shape[1], []).append((at, others))
    for group in designs.values():
        chosen = [data[at] for at, _ in group]
        others = np.array([design for _, design in group])
        p, covered = tobit_together(chosen, others, effect, options[0].alpha)
        for (at, _), one, inside in zip(group, p, covered, strict=True):
            failed = np.isnan(one)
            found[at] = (
                one_trial(data[at], effect, between, options[at])
                if failed
                else (float(one), float(inside), TOBIT)
            )
    return [found[at] for at in range(len(data))]


def tobit_together(
    data: Sequence[AnalyteData], others: np.ndarray, effect: float, alpha: float
) -> tuple[np.ndarray, np.ndarray]:
    """P of no effect, and whether the true one is inside the interval; NaN without a fit."""
    treated = data[0].subjects.group == "treated"
    low, high = (np.array([getattr(one.day, end) for one in data]) for end in ("lower", "upper"))
    exact = low == high
    arm = np.broadcast_to(treated[:, None].astype(float), (*low.shape, 1))

    def best(design: np.ndarray, shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        moved = [ends - shift * treated for ends in (low, high)]
        number = np.where(np.isfinite(moved[0]), *moved)
        beta = (np.linalg.pinv(design) @ number[:, :, None])[:, :, 0]
        spread = np.log((number - (design @ beta[:, :, None])[:, :, 0]).std(axis=1))[:, None]
        return maximise_spreads(
            ArmData(*moved, exact, design, treated), np.hstack([beta, spread, spread])
        )

    at, value, fine = best(np.concatenate([others, arm], axis=2), 0.0)
    # a coefficient that runs away is complete separation, which the library looks for beforehand
    fine = fine & (np.abs(at[:, :-2]).max(axis=1) < 12)
    n, df = low.shape[1], low.shape[1] - others.shape[2] - 1
    found = []
    for shift in (0.0, effect):
        _, there, also = best(others, shift)
        loss = np.maximum(2 * (value - there), 0.0)
        p = 2 * stdtr(df, -np.sqrt(df * np.expm1(loss / n)))
        found.append(np.where(fine & also, p, np.nan))
    return found[0], (found[1] >= alpha).astype(float)


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
    data = [simulate(scenario, *arms, float(np.exp(effect)), rng) for _ in range(simulations)]
    found = trials(data, effect, between, options)
    p, covered = (np.array([one[at] for one in found]) for at in (0, 1))
    # within an arm the truth is the effect as well: the baseline has mean zero in both
    analysed, ranged = ~np.isnan(p), ~np.isnan(covered)
    rejected = float((p[analysed] < 0.05).mean()) if analysed.any() else np.nan
    return {
        "n_treated": arms[0],
        "n_control": arms[1],
        "correlation": scenario.correlation,
        "below": scenario.below,
        "ratio_of_spreads": scenario.ratio_of_spreads,
        "effect": effect,
        "analysis": between,
        "analysed_pct": round(100.0 * float(analysed.mean()), 2),
        "rejected": round(rejected, 4),
        "rejected_se": round(float(np.sqrt(rejected * (1 - rejected) / max(analysed.sum(), 1))), 4),
        "covered": round(float(covered[ranged].mean()), 4) if ranged.mean() > 0.3 else np.nan,
        "interval_pct": round(100.0 * float(ranged.mean()), 1),
        "methods": ", ".join(sorted({one[2] for one in found})),
        "simulations": simulations,
        "seed": seed,
    }


def grid(simulations: int) -> Iterator[dict[str, object]]:
    """Every situation and analysis, the seed fixed by its place."""
    situations = product(ARMS, CORRELATIONS, BELOW, SPREADS, EFFECTS)
    for place, (arms, rho, below, spread, effect) in enumerate(situations):
        scenario = Scenario(1.0, rho, below, spread)
        for between in ANALYSES:
            count = round(simulations * SHARES[between][below > 0])
            left_out = between in SLOW and below > 0 and effect != 0
            if count and not left_out:
                yield cell(arms, scenario, effect, between, count, seed=place)


def families(simulations: int) -> Iterator[dict[str, object]]:
    """Family-wise errors for every size of the arms and ratio of the spreads."""
    for place, (arms, spread) in enumerate(product(ARMS, SPREADS)):
        found = family_wise(simulations, arms, spread, seed=77 + place)
        yield {
            "n_treated": arms[0],
            "n_control": arms[1],
            "ratio_of_spreads": spread,
            **found.round(4).to_dict(),
            "se_of_0.05": round(float(np.sqrt(0.05 * 0.95 / simulations)), 4),
            "simulations": simulations,
            "seed": 77 + place,
        }


def family_wise(
    simulations: int,
    arms: tuple[int, int] = (12, 12),
    spread: float = 1.0,
    *,
    analytes: int = 10,
    draws: int = 999,
    seed: int = 77,
) -> pd.Series:
    """Share of trials without any effect in which some analyte is significant, per adjustment.

    The analytes of a subject share half of their variance; ``spread`` is that of the treated day
    over the controls'.
    """
    rng = np.random.default_rng(seed)
    options = CompareOptions()
    n = sum(arms)
    treated = np.arange(n) < arms[0]
    group = np.where(treated, *NAMES)
    nobody = np.zeros(n, dtype=bool)
    subjects = Subjects(np.arange(n).astype(str), group, np.full(n, ""), nobody)
    hits = dict.fromkeys(("holm", "hochberg", "hommel", "bh", "maxt"), 0)
    for trial in range(simulations):
        base, day = _correlated(rng, n, analytes), _correlated(rng, n, analytes)
        day = (0.6 * base + 0.8 * day) * np.where(treated, spread, 1.0)[:, None]
        p = np.array([_ancova_p(subjects, base[:, j], day[:, j], options) for j in range(analytes)])
        for name in hits:
            adjusted = (
                _max_t(day, base, treated, draws, trial) if name == "maxt" else adjust(p, name)
            )
            hits[name] += bool((adjusted < 0.05).any())
    return pd.Series({name: count / simulations for name, count in hits.items()})


def _max_t(
    day: np.ndarray, base: np.ndarray, treated: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """As ``--adjust maxt`` does it, with draws in place of millions of patterns."""
    drawn = {"baseline": base, "draws": draws, "seed": seed}
    if spread_per_arm(treated, CompareOptions()):
        return arm_flip_max_t(day, treated, **drawn)[0]
    return max_t(day, treated, statistic="ancova", **drawn).p_adjusted


def _correlated(rng: np.random.Generator, n: int, m: int) -> np.ndarray:
    return np.sqrt(0.5) * (rng.standard_normal((n, 1)) + rng.standard_normal((n, m)))


def _ancova_p(
    subjects: Subjects, base: np.ndarray, day: np.ndarray, options: CompareOptions
) -> float:
    nothing, no = np.full(len(base), np.nan), np.zeros(len(base), dtype=bool)
    cells = [Cells(values, values, nothing, no) for values in (base, day)]
    data = AnalyteData("x", "", subjects, *cells)
    return primary(data, subjects.group == "treated", NAMES, options)[0].p


def table(rows: Iterator[dict[str, object]], name: str) -> None:
    """Print the rows as they come, and write them beside this file."""
    kept = []
    for row in rows:
        kept.append(row)
        shown = (f"{value:.3g}" if isinstance(value, float) else value for value in row.values())
        print(*shown, flush=True)
    pd.DataFrame(kept).to_csv(Path(__file__).with_name(name), index=False)


def main() -> None:
    """Print and write both tables."""
    # drawn as in a larger trial: all 262,144 patterns of 18 signs would take hours here
    sign_flips.EXACT_FLIPS = 1000
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    table(families(simulations), "statistics_families.csv")
    table(grid(simulations), "statistics_simulation.csv")


if __name__ == "__main__":
    main()
