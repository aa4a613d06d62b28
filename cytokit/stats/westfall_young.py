"""Westfall and Young's step-down maxT and minP: adjusted p-values that know the correlation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cytokit.errors import Problem, UsageError
from cytokit.stats._arrays import Floats, Ints, codes, one_of, same_length, two_arms, whole_number
from cytokit.stats._label_statistics import AdjustedGroup, TwoSample
from cytokit.stats.arrangements import Arrangements, arrangements

STATISTICS = ("welch", "student", "ancova")
STEPS = ("maxt", "minp")
#: Up to this many arrangements all are visited.
EXACT_LIMIT = 10**6
# Statistics closer than this (relative and absolute) are the same one, seen through rounding.
_SAME = 1e-10

TOO_FEW = "fewer than two values in an arm, or too few for the covariates"
CONSTANT = "all values are the same"


@dataclass(frozen=True, slots=True)
class WestfallYoung:
    """Adjusted p-values of one family.

    Parameters
    ----------
    statistic : ndarray, shape (m,)
        t of each analyte, positive where treated is larger; NaN where not tested.
    p_raw : ndarray, shape (m,)
        Two-sided permutation p of each analyte alone.
    p_adjusted : ndarray, shape (m,)
        Step-down adjusted p; NaN where not tested.
    draws : int
        Arrangements drawn, or their total number where all were visited.
    exact : bool
        Whether all arrangements were visited.
    seed : int or None
        Seed of the draws; None where all were visited.
    p_min : float
        The smallest p that this number of arrangements can give.
    reasons : tuple of str
        Per analyte, why it was not tested; empty where it was.
    step : str
        ``"maxt"`` or ``"minp"``.
    """

    statistic: Floats
    p_raw: Floats
    p_adjusted: Floats
    draws: int
    exact: bool
    seed: int | None
    p_min: float
    reasons: tuple[str, ...]
    step: str


def max_t(
    values: ArrayLike,
    treated: ArrayLike,
    *,
    baseline: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    statistic: str = "welch",
    step: str = "maxt",
    draws: int = 100_000,
    seed: int = 0,
) -> WestfallYoung:
    """Step-down maxT or minP over all analytes, permuting whole subjects within strata.

    Parameters
    ----------
    values : array_like, shape (n, m)
        One row per subject, one column per analyte (ln concentration; ranks or Gehan scores for a
        rank test); NaN where missing.
    treated : array_like of bool, shape (n,)
        True where the subject is treated.
    baseline : array_like, shape (n, m), optional
        Baseline of each analyte, for ``statistic="ancova"``; a subject without it counts as
        missing for that analyte.
    strata : array_like, shape (n,), optional
        Labels are permuted within these; ``"ancova"`` also takes them as a factor.
    statistic : {"welch", "student", "ancova"}
        Two-sample t with unequal or pooled variance, or the group's t in the analysis of
        covariance, recomputed for every arrangement.
    step : {"maxt", "minp"}
        Successive maxima of ``|t|``, or successive minima of the permutation p-values.
    draws : int
        Monte Carlo draws where there are more than a million arrangements.
    seed : int
        Seed of the draws.

    Returns
    -------
    WestfallYoung
        Exact where all arrangements are visited, else ``(b + 1)/(draws + 1)``. An arrangement in
        which an analyte's statistic is undefined (an arm left with fewer than two values) counts
        against that analyte and for no other.

    Raises
    ------
    UsageError
        CK-450 where a value is infinite, CK-451 where shapes do not match, CK-453 where statistic
        or step are unknown, CK-456 where draws or seed are not whole numbers, CK-457 where labels
        are not two arms, CK-459 where a baseline does not go with the values or the statistic.

    References
    ----------
    Westfall PH, Young SS (1993) Resampling-based multiple testing. Wiley. Ge Y, Dudoit S, Speed
    TP (2003) Resampling-based multiple testing for microarray data analysis. Test 12:1-77.

    Examples
    --------
    >>> values = np.array([[5.0, 1.0], [6.0, 2.5], [7.0, 2.0], [1.0, 1.5], [2.0, 3.0], [3.0, 2.2]])
    >>> result = max_t(values, [True] * 3 + [False] * 3)
    >>> result.exact, result.draws, result.p_raw.round(3), result.p_adjusted.round(3)
    (True, 20, array([0.1, 0.6]), array([0.1, 0.6]))
    """
    one_of(statistic, STATISTICS, "statistic")
    one_of(step, STEPS, "step")
    whole_number(draws, "draws", 1)
    whole_number(seed, "seed", 0)
    data, labels = _matrix(values, "values"), two_arms(treated)
    same_length(len(data), treated=labels)
    before = _baseline(baseline, statistic, data)
    stratum = None if strata is None else codes(strata, len(data), "strata")
    engine = _engine(data, before, stratum, statistic)
    observed = engine(labels[None, :].astype(np.float64))[0]
    reasons = _reasons(data, observed)
    tested = np.flatnonzero(np.array(reasons, dtype="U") == "")
    plan = arrangements(labels, stratum, draws=draws, seed=seed, limit=EXACT_LIMIT)
    p_raw, p_adjusted = np.full(observed.size, np.nan), np.full(observed.size, np.nan)
    if tested.size:
        walk = _successive_maxima if step == "maxt" else _successive_minima
        p_raw[tested], p_adjusted[tested] = walk(engine, plan, tested, np.abs(observed[tested]))
    observed[[reason != "" for reason in reasons]] = np.nan
    return WestfallYoung(
        statistic=observed,
        p_raw=p_raw,
        p_adjusted=p_adjusted,
        draws=plan.total if plan.exact else draws,
        exact=plan.exact,
        seed=plan.seed,
        p_min=1 / plan.visited,
        reasons=reasons,
        step=step,
    )


_Engine = Callable[[Floats], Floats]


def _successive_maxima(
    engine: _Engine, plan: Arrangements, tested: Ints, observed: Floats
) -> tuple[Floats, Floats]:
    """Raw and maxT p-values: each analyte against the maximum over those not larger than it."""
    order = np.argsort(-observed, kind="stable")
    least = _least(observed[order])
    alone, together = np.zeros(order.size, dtype=np.int64), np.zeros(order.size, dtype=np.int64)
    for block in plan.labels():
        size = np.abs(engine(block)[:, tested[order]])
        undefined = np.isnan(size)
        size[undefined] = 0.0
        alone += ((size >= least) | undefined).sum(axis=0)
        largest = np.maximum.accumulate(size[:, ::-1], axis=1)[:, ::-1]
        together += ((largest >= least) | undefined).sum(axis=0)
    raw, adjusted = np.empty(order.size), np.empty(order.size)
    raw[order] = alone / plan.visited
    adjusted[order] = np.maximum.accumulate(together / plan.visited)
    return raw, adjusted


def _successive_minima(
    engine: _Engine, plan: Arrangements, tested: Ints, observed: Floats
) -> tuple[Floats, Floats]:
    """Raw and minP p-values: every arrangement's own p, then minima over the less significant."""
    sizes = np.vstack([np.abs(engine(block)[:, tested]) for block in plan.labels()])
    raw = ((sizes >= _least(observed)) | np.isnan(sizes)).sum(axis=0) / plan.visited
    for j in range(tested.size):
        sizes[:, j] = _own_p(sizes[:, j])
    order = np.lexsort((-observed, raw))
    smallest = np.full(len(sizes), np.inf)
    together = np.empty(order.size)
    for j in order[::-1].tolist():
        np.fmin(smallest, sizes[:, j], out=smallest)
        extreme = (smallest <= raw[j] * (1 + _SAME)) | np.isnan(sizes[:, j])
        together[j] = extreme.mean()
    adjusted = np.empty(order.size)
    adjusted[order] = np.maximum.accumulate(together[order])
    return raw, adjusted


def _own_p(size: Floats) -> Floats:
    """The share of arrangements at least as extreme as each one; NaN where undefined.

    Undefined arrangements count as extreme, as they do for the observed statistic.
    """
    undefined = np.isnan(size)
    largest = float(np.finfo(np.float64).max)
    known = np.where(np.isinf(size[~undefined]), largest, size[~undefined])
    order = np.argsort(-known)
    ordered = known[order]
    last = np.flatnonzero(np.append(ordered[1:] < _least(ordered[:-1]), known.size > 0)) + 1
    beyond = np.empty(known.size)
    beyond[order] = np.repeat(last, np.diff(last, prepend=0)) + undefined.sum()
    own = np.full(size.size, np.nan)
    own[~undefined] = beyond / size.size
    return own


def _least(observed: Floats) -> Floats:
    """The smallest statistics that still count as equal to the observed ones."""
    return observed * (1 - _SAME) - _SAME


def _engine(data: Floats, baseline: Floats | None, strata: Ints | None, statistic: str) -> _Engine:
    """The statistic as a function of label matrices."""
    if statistic == "ancova":
        return AdjustedGroup.of(data, baseline, strata)
    return TwoSample.of(data, pooled=statistic == "student")


def _reasons(data: Floats, observed: Floats) -> tuple[str, ...]:
    """Per analyte why it cannot be tested, or an empty text."""
    reasons = []
    for j, t in enumerate(observed):
        present = data[np.isfinite(data[:, j]), j]
        constant = present.size > 0 and np.ptp(present) == 0
        reasons.append(CONSTANT if constant else TOO_FEW if np.isnan(t) else "")
    return tuple(reasons)


def _matrix(values: ArrayLike, name: str) -> Floats:
    """A subjects x analytes matrix without infinities."""
    array = np.array(values, dtype=np.float64)
    if array.ndim != 2:
        raise UsageError(
            Problem(
                "CK-451",
                f"{name} must be a matrix of subjects x analytes",
                where=f"shape {array.shape}",
                mend="give one row per subject and one column per analyte",
            )
        )
    if np.isinf(array).any():
        row, column = np.argwhere(np.isinf(array))[0]
        raise UsageError(
            Problem(
                "CK-450",
                f"{name} holds infinite values",
                where=f"row {row}, column {column}",
                mend="pass Gehan scores where values are out of range, NaN where missing",
            )
        )
    return array


def _baseline(baseline: ArrayLike | None, statistic: str, data: Floats) -> Floats | None:
    """The baselines, of the values' shape, given only where the statistic uses them."""
    if baseline is None:
        return None
    array = _matrix(baseline, "baseline")
    if statistic != "ancova" or array.shape != data.shape:
        raise UsageError(
            Problem(
                "CK-459",
                f"a baseline of shape {array.shape} beside values of shape {data.shape} "
                f"and statistic {statistic!r}",
                mend="give a baseline of the values' shape, with statistic='ancova'",
            )
        )
    return array
