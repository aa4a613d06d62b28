"""Planning: how many subjects a fold change needs, by simulating the very analysis.

Trials are simulated on the ln scale with the spread, correlation and share of values out of range
that are given or seen in a pilot study, and each goes through the analysis that ``compare`` would
run: the censoring rule table, the model, its t test.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from cytokit.arrays import Floats
from cytokit.errors import Problem, UsageError, did_you_mean, option_text
from cytokit.options import CompareOptions
from cytokit.trial.analyses import RANKED, beside_arms, changes, primary, rank_test
from cytokit.trial.comparison import Comparison
from cytokit.trial.values import AnalyteData, Cells, Subjects, analyte_data

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
    """One trial of one analyte, as the analysis sees it."""
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
        what = f"{option_text('between', between)} is no choice"
        mend = f"use one of {', '.join(PLANNED)}"
        problems.append(Problem("CK-410", what, mend=mend, near=did_you_mean(between, PLANNED)))
    if problems:
        raise UsageError(*problems)


def _out_of_range(name: str, value: float, allowed: str) -> Problem:
    return Problem("CK-413", f"{name}={value} makes no trial", mend=f"give a number {allowed}")


# How many subjects a fold change needs: the smallest trial whose simulated power is enough.


NEEDED_COLUMNS = ("fold_change", "target", "n_treated", "n_control", *POWER_COLUMNS[3:], "reason")
#: fewer subjects in a group have no spread
LEAST = 2


def needed(
    scenario: Scenario,
    *,
    fold_change: Sequence[float],
    target: float = 0.8,
    most: int = 500,
    allocation: float = 1.0,
    between: str = "ancova",
    alpha: float = 0.05,
    tests: int = 1,
    simulations: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The number of subjects per group that shows a fold change with the power asked for.

    Power is simulated (:func:`cytokit.trial.power.power`) at the n that the normal approximation
    gives, then above or below it, and the gap is halved until two neighbours are left.

    Parameters
    ----------
    scenario : Scenario
    fold_change : sequence of float
        True ratios treated/control at the tested day.
    target : float
        The power wanted.
    most : int
        The largest control group to consider.
    allocation, between, alpha, tests, simulations, seed
        As in :func:`cytokit.trial.power.power`.

    Returns
    -------
    pandas.DataFrame
        One row per fold change, columns ``NEEDED_COLUMNS``: the smallest n found and its power
        with the 95 % Monte Carlo interval; where ``most`` subjects are too few, n is empty,
        ``reason`` says so and power is that of ``most``.

    Raises
    ------
    UsageError
        CK-410 or CK-413, if an option makes no sense.

    Examples
    --------
    >>> table = needed(Scenario(1.0, 0.6), fold_change=[0.3], simulations=200)
    >>> bool(8 <= table["n_control"][0] <= 13)
    True
    """
    check_numbers([], fold_change, allocation, between, alpha, tests, simulations)
    _check(fold_change, target, most)
    how: dict[str, Any] = {
        "allocation": allocation,
        "between": between,
        "alpha": alpha,
        "tests": tests,
        "simulations": simulations,
        "seed": seed,
    }
    rows = [_row(scenario, fold, target, most, how) for fold in fold_change]
    whole = dict.fromkeys(("n_treated", "n_control", "simulations", "seed"), "Int64")
    return pd.DataFrame(rows, columns=list(NEEDED_COLUMNS)).astype(whole)


def _row(
    scenario: Scenario, fold: float, target: float, most: int, how: Mapping[str, Any]
) -> dict[str, Any]:
    """The answer for one fold change."""

    @functools.cache
    def trial(n: int) -> dict[str, Any]:
        table = power(scenario, n=[n], fold_change=[fold], **how)
        return {str(name): value for name, value in table.iloc[0].items()}

    start = _approximate(scenario, fold, target, how)
    start = min(max(start, LEAST), most)
    n = _smallest(lambda n: float(trial(n)["power"]), target, start, most)
    if n is not None:
        return trial(n) | {"target": target, "reason": ""}
    nobody = {"n_treated": pd.NA, "n_control": pd.NA}
    return trial(most) | nobody | {"target": target, "reason": f"{most} controls are too few"}


def _smallest(at: Callable[[int], float], target: float, start: int, most: int) -> int | None:
    """The smallest n whose power reaches the target; None where not even ``most`` does."""
    low, high = LEAST - 1, start
    while at(high) < target:
        if high == most:
            return None
        low, high = high, min(2 * high, most)
    while high - low > 1:
        # while nothing below is known to be too few, a step of a quarter beats halving
        middle = (low + high) // 2 if low >= LEAST else max(high * 3 // 4, LEAST)
        low, high = (low, middle) if at(middle) >= target else (middle, high)
    return high


def _approximate(scenario: Scenario, fold: float, target: float, how: Mapping[str, Any]) -> int:
    """Controls by the normal approximation; what is out of range counts for nothing."""
    rho = scenario.correlation
    share = {"ancova": 1 - rho**2, "change": 2 - 2 * rho}.get(how["between"], 1.0)
    quantile = NormalDist().inv_cdf
    z = quantile(1 - how["alpha"] / how["tests"] / 2) + quantile(target)
    spread = 1 + scenario.ratio_of_spreads**2 / how["allocation"]
    n = (
        spread
        * share
        * (z * scenario.sd / np.log(fold)) ** 2
        / (1 - scenario.below - scenario.above)
    )
    return int(min(np.ceil(n), 1e9)) + 1


def _check(fold_change: Sequence[float], target: float, most: int) -> None:
    """Refuse what no number of subjects can answer; the rest is checked with the power."""
    problems = []
    if 1 in fold_change:
        mend = "give a ratio that is not 1, such as 0.5 or 2"
        problems.append(Problem("CK-413", "fold_change=1 is no effect to find", mend=mend))
    if not 0.1 <= target < 1:
        mend = "give a power from 0.1 to under 1, usually 0.8 or 0.9"
        problems.append(Problem("CK-413", f"target={target} makes no trial", mend=mend))
    if most < LEAST:
        mend = f"give a number of {LEAST} or more"
        problems.append(Problem("CK-413", f"most={most} makes no trial", mend=mend))
    if problems:
        raise UsageError(*problems)


# What a pilot study shows of the next trial: spread, correlation, values out of range.


def scenario_of(result: Comparison, analyte: str) -> Scenario:
    """The spread, correlation and shares out of range that a study showed."""
    if analyte not in result.analytes:
        what, names = f"the pilot study has no analyte {analyte!r}", result.analytes
        mend, near = f"its analytes are {', '.join(names)}", did_you_mean(analyte, names)
        raise UsageError(Problem("CK-403", what, mend=mend, near=near))
    data = analyte_data(result.study, [analyte], result.baseline, result.day)[0]
    used = data.day.present & data.day.exact
    groups = data.subjects.group
    day = _centred(data.day.lower, used, groups)
    if used.sum() < 6 or not day.std() > 0:
        what = f"{analyte} has {int(used.sum())} values in range, 6 that differ are needed"
        raise UsageError(Problem("CK-414", what, mend="give the spread by hand (Scenario, --sd)"))
    both = used & data.base.present & data.base.exact
    correlation = 0.0
    if both.sum() >= 6:
        base = _centred(data.base.lower, both, groups)
        after = _centred(data.day.lower, both, groups)
        if base.std() > 0 and after.std() > 0:
            correlation = float(np.clip(np.corrcoef(base, after)[0, 1], -0.99, 0.99))
    sd = _spread(data.day, groups)
    n = int(data.day.present.sum())
    below, above = int(data.day.below.sum()) / n, int(data.day.above.sum()) / n
    return Scenario(sd, correlation, below, above=above)


def _spread(cells: Cells, groups: np.ndarray) -> float:
    """Standard deviation about the arms' means; leaving values out of range out would shrink it."""
    present, used = cells.present, cells.present & cells.exact
    if used.sum() < present.sum():
        from cytokit.trial.tobit import tobit

        arms = list(dict.fromkeys(groups[used].tolist()))
        mine = present & np.isin(groups, arms)  # an arm all out of range has no mean to be about
        design = np.array([groups[mine] == arm for arm in arms], dtype=float).T
        fitted = tobit(cells.lower[mine], cells.upper[mine], design)
        if fitted.converged:
            n = int(mine.sum())
            return float(fitted.scale * np.sqrt(n / (n - len(arms))))
    squares = _centred(cells.lower, used, groups) ** 2
    return float(np.sqrt(squares.sum() / (used.sum() - len(set(groups[used].tolist())))))


def _centred(values: Floats, used: np.ndarray, groups: np.ndarray) -> Floats:
    """The used values, each about the mean of its group."""
    mine, arms = values[used], groups[used]
    means = {arm: mine[arms == arm].mean() for arm in dict.fromkeys(arms.tolist())}
    return np.asarray(mine - np.array([means[arm] for arm in arms.tolist()]))
