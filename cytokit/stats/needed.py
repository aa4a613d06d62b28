"""How many subjects a fold change needs: the smallest trial whose simulated power is enough."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError
from cytokit.stats.power import POWER_COLUMNS, Scenario, check_numbers, power

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

    Power is simulated (:func:`cytokit.stats.power.power`) at the n that the normal approximation
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
        As in :func:`cytokit.stats.power.power`.

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
