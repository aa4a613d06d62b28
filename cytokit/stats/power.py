"""Planning: how many subjects a fold change needs, by simulating the very analysis.

Trials are simulated on the ln scale with the spread, correlation and share of values out of range
that are given or seen in a pilot study, and each goes through the analysis that ``compare`` would
run: the censoring rule table, the model, its t test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError
from cytokit.stats.beside import beside_arms
from cytokit.stats.cells import AnalyteData, Cells, Floats, Subjects
from cytokit.stats.groups import changes, primary, rank_test
from cytokit.stats.models import RANKED
from cytokit.stats.options import CompareOptions, choice_problem

#: what can be planned for; a mixed model needs more than a spread and a correlation
PLANNED = ("ancova", "welch", "ranks", "change")
POWER_COLUMNS = (
    *("n_treated", "n_control", "fold_change", "power", "mc_low", "mc_high"),
    *("not_analysed_pct", "simulations", "seed"),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a trial is expected to look like.

    Parameters
    ----------
    sd : float
        Between-subject standard deviation of ln concentration at the tested day.
    correlation : float
        Between baseline and day, on the ln scale.
    below : float
        Share of the controls' values below the limit at the tested day.
    ratio_of_spreads : float
        Standard deviation of the treated over that of the controls.
    above : float
        Share of the controls' values above the upper limit.

    Raises
    ------
    UsageError
        CK-413, if a number is out of its range.
    """

    sd: float
    correlation: float = 0.5
    below: float = 0.0
    ratio_of_spreads: float = 1.0
    above: float = 0.0

    def __post_init__(self) -> None:
        ranges = {
            "sd": (self.sd, 0, np.inf),
            "correlation": (self.correlation, -1, 1),
            "ratio_of_spreads": (self.ratio_of_spreads, 0, np.inf),
        }
        problems = [
            _out_of_range(name, value, f"between {low} and {high}")
            for name, (value, low, high) in ranges.items()
            if not low < value < high
        ]
        shares = {"below": self.below, "above": self.above}
        problems += [
            _out_of_range(name, share, "from 0 to under 1")
            for name, share in shares.items()
            if not 0 <= share < 1
        ]
        if not problems and self.below + self.above >= 1:
            problems.append(_out_of_range("above", self.above, "under 1 together with below"))
        if problems:
            raise UsageError(*problems)


def power(
    scenario: Scenario,
    *,
    n: Sequence[int],
    fold_change: Sequence[float],
    allocation: float = 1.0,
    between: str = "ancova",
    alpha: float = 0.05,
    tests: int = 1,
    simulations: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Power for numbers of subjects and fold changes.

    Parameters
    ----------
    scenario : Scenario
    n : sequence of int
        Subjects per control group.
    fold_change : sequence of float
        Ratios treated/control at the tested day; 1 gives the type I error.
    allocation : float
        Treated subjects per control.
    between : {"ancova", "welch", "ranks", "change"}
    alpha : float
        Two-sided level of the family.
    tests : int
        Size of the family: each test is held to alpha / tests, as Holm's first step does.
    simulations, seed : int

    Returns
    -------
    pandas.DataFrame
        One row per n and fold change, columns ``POWER_COLUMNS``: power with its 95 % Monte Carlo
        interval (Wilson), and how many simulated trials could not be analysed (they count as not
        significant).

    Raises
    ------
    UsageError
        CK-410 or CK-413, if an option makes no sense.

    Examples
    --------
    >>> table = power(Scenario(1.0, 0.6), n=[12], fold_change=[2.718], simulations=200)
    >>> bool(0.6 < table["power"][0] < 0.95)
    True
    """
    check_numbers(n, fold_change, allocation, between, alpha, tests, simulations)
    options = CompareOptions(between=between, alpha=alpha, draws=2000)
    rows = []
    for size in n:
        treated = max(2, round(size * allocation))
        for fold in fold_change:
            rng = np.random.default_rng([seed, size, round(1e6 * fold)])
            p = np.array(
                [
                    _p_value(simulate(scenario, treated, size, fold, rng), options)
                    for _ in range(simulations)
                ]
            )
            share = float((p < alpha / tests).mean())
            low, high = _wilson(share, simulations)
            failed = 100.0 * float(np.isnan(p).mean())
            rows.append((treated, size, fold, share, low, high, failed, simulations, seed))
    return pd.DataFrame(rows, columns=list(POWER_COLUMNS))


def simulate(
    scenario: Scenario, n_treated: int, n_control: int, fold: float, rng: np.random.Generator
) -> AnalyteData:
    """One trial of one analyte, as the analysis sees it.

    Parameters
    ----------
    scenario : Scenario
    n_treated, n_control : int
    fold : float
        True ratio of geometric means at the tested day.
    rng : numpy.random.Generator

    Returns
    -------
    AnalyteData
        Values beyond the limits are intervals, on both days.
    """
    from scipy.special import ndtri

    n = n_treated + n_control
    treated = np.arange(n) < n_treated
    base = rng.standard_normal(n)
    own = rng.standard_normal(n) * np.sqrt(1 - scenario.correlation**2)
    spread = np.where(treated, scenario.ratio_of_spreads, 1.0)
    day = scenario.sd * spread * (scenario.correlation * base + own) + np.log(fold) * treated
    # a share of 0 puts the limit at infinity
    low, high = (float(scenario.sd * ndtri(x)) for x in (scenario.below, 1 - scenario.above))
    group = np.where(treated, "treated", "control")
    subjects = Subjects(np.arange(n).astype(str), group, np.full(n, ""), np.zeros(n, dtype=bool))
    return AnalyteData(
        "simulated", "", subjects, _limited(base * scenario.sd, low, high), _limited(day, low, high)
    )


def _p_value(data: AnalyteData, options: CompareOptions) -> float:
    """The primary test's p; NaN where the rule table analyses nothing."""
    treated = data.subjects.group == "treated"
    names = ("treated", "control")
    if options.between == "change":
        return changes(data.base, data.day, treated, names, options.level)[0].p
    estimate, _, _ = primary(data, treated, names, options)
    if estimate.method in RANKED:
        beside = beside_arms(data.day, treated, options)
        return rank_test(estimate, data.day, treated, beside, options).p
    return estimate.p


def _limited(values: Floats, low: float, high: float) -> Cells:
    """Values with those beyond the limits as intervals."""
    below, above = values < low, values > high
    nothing = np.full(len(values), np.nan)
    return Cells(
        np.where(below, -np.inf, np.where(above, high, values)),
        np.where(below, low, np.where(above, np.inf, values)),
        nothing,
        np.zeros(len(values), dtype=bool),
    )


def _wilson(share: float, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.959964
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def check_numbers(
    n: Sequence[int],
    fold_change: Sequence[float],
    allocation: float,
    between: str,
    alpha: float,
    tests: int,
    simulations: int,
) -> None:
    """Refuse numbers that describe no trial."""
    problems = [_out_of_range("n", size, "2 or more") for size in n if size < 2]
    problems += [
        _out_of_range("fold_change", fold, "greater than 0") for fold in fold_change if not fold > 0
    ]
    if not allocation > 0:
        problems.append(_out_of_range("allocation", allocation, "greater than 0"))
    if not 0 < alpha < 0.5:
        problems.append(_out_of_range("alpha", alpha, "between 0 and 0.5"))
    if tests < 1:
        problems.append(_out_of_range("tests", tests, "1 or more"))
    if simulations < 10:
        problems.append(_out_of_range("simulations", simulations, "10 or more"))
    if between not in PLANNED:
        problems.append(choice_problem("between", between, PLANNED))
    if problems:
        raise UsageError(*problems)


def _out_of_range(name: str, value: float, allowed: str) -> Problem:
    return Problem("CK-413", f"{name}={value} makes no trial", mend=f"give a number {allowed}")
