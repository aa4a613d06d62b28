"""Arrangements of group labels over whole subjects: all of them, or a seeded sample.

Labels are permuted within strata. Where the number of arrangements is at most a limit they are
enumerated, else drawn with numpy's generator from a seed that the result records. The observed
arrangement is always among those visited, so that the share at least as extreme is a valid p-value:
exact, or (b + 1)/(B + 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr

from cytokit.arrays import Bools, Floats, Ints
from cytokit.errors import Problem, UsageError
from cytokit.trial.arguments import codes, one_of, same_length, two_arms, whole_number
from cytokit.trial.estimate import LEAST_DF
from cytokit.trial.linear import ArmForm, arm_form, indicators

_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Arrangements:
    """How the labels of one study may be rearranged."""

    treated: Bools
    strata: tuple[Ints, ...]
    total: int
    exact: bool
    visited: int
    seed: int | None

    def labels(self) -> Iterator[Floats]:
        """Blocks of label matrices, shape (rows, n), 1.0 where treated; the observed one is one."""
        if self.exact:
            yield from self._all()
        else:
            yield self.treated[None, :].astype(np.float64)
            yield from self._drawn()

    def _all(self) -> Iterator[Floats]:
        """Every arrangement: the mixed-radix number of a row picks one choice per stratum."""
        choices = [
            _choices(members.size, int(self.treated[members].sum())) for members in self.strata
        ]
        for start in range(0, self.total, _CHUNK):
            number = np.arange(start, min(start + _CHUNK, self.total))
            block = np.zeros((number.size, self.treated.size))
            for members, table in zip(self.strata, choices, strict=True):
                number, row = np.divmod(number, len(table))
                block[:, members] = table[row]
            yield block

    def _drawn(self) -> Iterator[Floats]:
        """Random arrangements."""
        rng = np.random.default_rng(self.seed)
        draws = self.visited - 1
        for start in range(0, draws, _CHUNK):
            rows = min(_CHUNK, draws - start)
            block = np.empty((rows, self.treated.size))
            for members in self.strata:
                labels = self.treated[members].astype(np.float64)
                block[:, members] = rng.permuted(np.tile(labels, (rows, 1)), axis=1)
            yield block


def arrangements(
    treated: Bools, strata: Ints | None, *, draws: int, seed: int, limit: int
) -> Arrangements:
    """Plan the arrangements: all where there are at most ``limit``, else ``draws`` of them."""
    codes = np.zeros(treated.size, dtype=np.int64) if strata is None else strata
    groups = tuple(np.flatnonzero(codes == code) for code in np.unique(codes))
    total = math.prod(math.comb(group.size, int(treated[group].sum())) for group in groups)
    exact = total <= limit
    visited = total if exact else draws + 1
    return Arrangements(treated, groups, total, exact, visited, None if exact else seed)


def _choices(n: int, k: int) -> Bools:
    """All ways to label ``k`` of ``n``, shape (comb(n, k), n)."""
    count = math.comb(n, k)
    flat = (position for chosen in combinations(range(n), k) for position in chosen)
    chosen = np.fromiter(flat, dtype=np.int64, count=count * k).reshape(count, k)
    table = np.zeros((count, n), dtype=np.bool_)
    np.put_along_axis(table, chosen, True, axis=1)
    return table


# t statistics of many analytes under many arrangements of the labels, by matrix products.


# Squared standard errors below this (the data have unit spread) are zero up to rounding.
NO_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class TwoSample:
    """Welch's or Student's t."""

    stacked: Floats
    pooled: bool

    @classmethod
    def of(cls, values: Floats, *, pooled: bool) -> TwoSample:
        """From values with NaN where missing."""
        present = np.isfinite(values)
        standard = _standardised(values, present)
        return cls(np.hstack((standard, standard**2, present.astype(np.float64))), pooled)

    def __call__(self, labels: Floats) -> Floats:
        """The t of every analyte under every arrangement of the labels."""
        sum_t, square_t, n_t = np.hsplit(labels @ self.stacked, 3)
        total, square, n = np.split(self.stacked.sum(axis=0), 3)
        sum_c, square_c, n_c = total - sum_t, square - square_t, n - n_t
        enough = (n_t > 1.5) & (n_c > 1.5)
        n_t, n_c = np.maximum(n_t, 1), np.maximum(n_c, 1)
        within_t = np.maximum(square_t - sum_t**2 / n_t, 0)
        within_c = np.maximum(square_c - sum_c**2 / n_c, 0)
        if self.pooled:
            variance = (within_t + within_c) / np.maximum(n_t + n_c - 2, 1) * (1 / n_t + 1 / n_c)
        else:
            variance = within_t / np.maximum(n_t - 1, 1) / n_t
            variance += within_c / np.maximum(n_c - 1, 1) / n_c
        return quotient(sum_t / n_t - sum_c / n_c, variance, enough)


@dataclass(frozen=True, slots=True)
class AdjustedGroup:
    """t of the group in an analysis of covariance, by the theorem of Frisch, Waugh and Lovell."""

    residual: Floats
    present: Floats
    bases: Floats
    df: Floats

    @classmethod
    def of(cls, values: Floats, baseline: Floats | None, strata: Ints | None) -> AdjustedGroup:
        """From values and baselines with NaN where missing; strata enter as factors."""
        present = np.isfinite(values)
        if baseline is not None:
            present &= np.isfinite(baseline)
        n, m = values.shape
        common = np.ones((n, 1))
        if strata is not None:
            common = (strata[:, None] == np.unique(strata)[None, :]).astype(np.float64)
        width = common.shape[1] + (baseline is not None)
        bases, rank = np.zeros((n, m, width)), np.zeros(m)
        residual = _standardised(values, present)
        for j in range(m):
            rows = present[:, j]
            covariates = common[rows]
            if baseline is not None:
                covariates = np.column_stack((covariates, baseline[rows, j]))
            basis = orthonormal(covariates)
            rank[j] = basis.shape[1]
            bases[rows, j, : basis.shape[1]] = basis
            residual[rows, j] -= basis @ (basis.T @ residual[rows, j])
        df = present.sum(axis=0) - rank - 1
        return cls(residual, present.astype(np.float64), bases.reshape(n, m * width), df)

    def __call__(self, labels: Floats) -> Floats:
        """The t of every analyte under every arrangement of the labels."""
        m = self.df.size
        explained = (labels @ self.bases).reshape(len(labels), m, -1)
        # The labels are 0 or 1, so their sum over the subjects present is their sum of squares.
        left = labels @ self.present - np.einsum("ijk,ijk->ij", explained, explained)
        enough = (left > 1e-9) & (self.df > 0.5)
        left = np.where(enough, left, 1.0)
        effect = (labels @ self.residual) / left
        unexplained = np.maximum((self.residual**2).sum(axis=0) - effect**2 * left, 0)
        return quotient(effect, unexplained / np.maximum(self.df, 1) / left, enough)


def _standardised(values: Floats, present: Bools) -> Floats:
    """Each column with mean 0 and spread 1 over the values present, 0 where missing."""
    n = np.maximum(present.sum(axis=0), 1)
    centred = np.where(present, values, 0.0)
    centred = np.where(present, centred - centred.sum(axis=0) / n, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / n)
    constant = spread <= 1e-12 * np.where(present, np.abs(values), 0.0).max(axis=0, initial=0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, spread))


def orthonormal(columns: Floats) -> Floats:
    """Orthonormal basis of the column space."""
    scaled = columns / np.maximum(np.sqrt((columns**2).sum(axis=0)), 1e-300)
    left, singular, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(left[:, singular > 1e-10 * singular.max(initial=0)], dtype=np.float64)


def quotient(effect: Floats, variance: Floats, enough: Bools) -> Floats:
    """Effect over standard error; infinite without variance, 0 without either, NaN if undefined."""
    none = variance <= NO_VARIANCE
    t = effect / np.sqrt(np.where(none, 1.0, variance))
    infinite = np.where(effect**2 > NO_VARIANCE, np.copysign(np.inf, effect), 0.0)
    return np.where(enough, np.where(none, infinite, t), np.nan)


# Westfall and Young's step-down maxT and minP: adjusted p-values that know the correlation.


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
    """Adjusted p-values of one family."""

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

    Westfall PH, Young SS (1993) Resampling-based multiple testing. Wiley. Ge Y, Dudoit S, Speed
    TP (2003) Resampling-based multiple testing for microarray data analysis. Test 12:1-77.
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


# Step-down maxT by flipping the signs of whole subjects.


#: Up to this many sign patterns all are visited.
EXACT_FLIPS = 10**6

# Statistics closer than this are the same one, seen through rounding.


def sign_flip_max_t(
    changes: Floats, *, draws: int = 100_000, seed: int = 0
) -> tuple[Floats, int | None]:
    """Adjusted p of every analyte's mean change."""
    present = np.isfinite(changes)
    filled = np.where(present, changes, 0.0)
    size = np.maximum(present.sum(axis=0), 1)
    squares = (filled**2).sum(axis=0)
    tested = np.flatnonzero((present.sum(axis=0) >= 2) & (squares > 0))
    adjusted = np.full(changes.shape[1], np.nan)
    if not tested.size:
        return adjusted, None
    filled, size, squares = filled[:, tested], size[tested], squares[tested]

    def statistic(signs: Floats) -> Floats:
        # |t| rises with |mean| as the sum of squares does not change: t^2 = (n-1) r / (1 - r)
        share = np.minimum((signs @ filled) ** 2 / size / squares, 1.0)
        return np.asarray(np.sqrt((size - 1) * share / np.maximum(1.0 - share, 1e-12)))

    adjusted[tested], used = step_down(statistic, len(changes), draws=draws, seed=seed)
    return adjusted, used


def step_down(
    statistic: Callable[[Floats], Floats], n: int, *, draws: int, seed: int
) -> tuple[Floats, int | None]:
    """Step-down maxT of a statistic over the sign patterns of n subjects."""
    exact = 2**n <= EXACT_FLIPS
    observed = statistic(np.ones((1, n)))[0]
    order = np.argsort(-observed, kind="stable")
    least = observed[order] * (1 - _SAME) - _SAME
    beyond = np.zeros(order.size, dtype=np.int64)
    for signs in _all_signs(n) if exact else _drawn_signs(n, draws, seed):
        values = statistic(signs)[:, order]
        largest = np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
        beyond += (largest >= least).sum(axis=0)
    adjusted = np.empty(order.size)
    raw = beyond / 2**n if exact else (beyond + 1) / (draws + 1)
    adjusted[order] = np.maximum.accumulate(raw)
    return adjusted, None if exact else seed


def _all_signs(n: int) -> Iterator[NDArray[np.float64]]:
    """Every pattern of n signs, in blocks."""
    bits = np.arange(n)
    for start in range(0, 2**n, _CHUNK):
        number = np.arange(start, min(start + _CHUNK, 2**n))
        yield np.asarray(1 - 2 * ((number[:, None] >> bits) & 1), dtype=np.float64)


def _drawn_signs(n: int, draws: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Random patterns of n signs, in blocks."""
    rng = np.random.default_rng(seed)
    for start in range(0, draws, _CHUNK):
        flips = rng.integers(0, 2, (min(_CHUNK, draws - start), n))
        yield np.asarray(1 - 2 * flips, dtype=np.float64)


# Step-down maxT for arms that differ in size: signs are flipped, labels stay.


def arm_flip_max_t(
    values: Floats,
    treated: Bools,
    *,
    baseline: Floats | None = None,
    strata: NDArray[np.str_] | None = None,
    draws: int = 100_000,
    seed: int = 0,
) -> tuple[Floats, int | None]:
    """Adjusted p of the group in every analyte's analysis of covariance with a spread per arm."""
    n, m = values.shape
    columns = [
        _analyte(values[:, j], None if baseline is None else baseline[:, j], strata, treated)
        for j in range(m)
    ]
    tested = [j for j, column in enumerate(columns) if column is not None]
    adjusted = np.full(m, np.nan)
    if not tested:
        return adjusted, None

    def deviates(signs: Floats) -> Floats:
        return np.column_stack([one.deviates(signs) for one in columns if one is not None])

    adjusted[tested], used = step_down(deviates, n, draws=draws, seed=seed)
    return adjusted, used


@dataclass(frozen=True, slots=True)
class _Analyte:
    """One analyte's response under the null hypothesis, ready for signs.

    ``linear`` gives by one product with the signs the estimate, the coefficients along the basis
    and what of them comes from the treated; ``squared`` holds both arms' sums of squares, and
    ``leverage`` the treated arm's part of the basis' products.
    """

    linear: Floats
    squared: Floats
    leverage: Floats
    length: float
    df: int
    form: ArmForm | None

    def deviates(self, signs: Floats) -> Floats:
        """Size of the effect as a normal deviate, through its own degrees of freedom."""
        p = len(self.leverage)
        effect, along, of_treated = np.split(signs @ self.linear, [1, 1 + p], axis=1)
        effect = np.abs(effect[:, 0])
        total = np.maximum(self.squared.sum() - (along**2).sum(axis=1), 0.0)
        variance, df = total / self.df * self.length, np.full(len(signs), float(self.df))
        if self.form is not None:
            sum_t = self.squared[0] - 2 * (along * of_treated).sum(axis=1)
            sum_t += ((along @ self.leverage) * along).sum(axis=1)
            sum_t = np.clip(sum_t, 0.0, total)
            per_arm, its_df = self.form.of(np.column_stack([sum_t, total - sum_t]))
            usable = (per_arm > NO_VARIANCE) & (its_df >= LEAST_DF)
            variance, df = np.where(usable, per_arm, variance), np.where(usable, its_df, df)
        t = quotient(effect, variance, np.ones(len(signs), dtype=bool))
        return np.asarray(-ndtri(stdtr(df, -t)))


def _analyte(
    value: Floats, base: Floats | None, strata: NDArray[np.str_] | None, treated: Bools
) -> _Analyte | None:
    """The null model's residuals and the full model's algebra; None where there is no test."""
    here = np.isfinite(value) if base is None else np.isfinite(value) & np.isfinite(base)
    k = int(here.sum())
    if k < 3 or min((here & treated).sum(), (here & ~treated).sum()) < 2:
        return None
    covariates = [np.ones(k)] if base is None else [np.ones(k), base[here]]
    covariates += indicators(None if strata is None else strata[here], k)
    null = orthonormal(np.column_stack(covariates))
    arm = treated[here]
    group = arm - null @ (null.T @ arm)
    response = value[here] - null @ (null.T @ value[here])
    scale = np.sqrt(np.mean(response**2))
    df = k - null.shape[1] - 1
    if df < LEAST_DF or group @ group <= 1e-9 or scale <= 1e-12 * np.abs(value[here]).max():
        return None
    weights = group / (group @ group)
    basis = np.column_stack([null, group / np.sqrt(group @ group)])
    response = response / scale
    moved = basis * response[:, None]
    linear = np.zeros((len(value), 1 + 2 * basis.shape[1]))
    linear[here] = np.column_stack([weights * response, moved, moved * arm[:, None]])
    squared = np.array([response[one] @ response[one] for one in (arm, ~arm)])
    leverage = basis[arm].T @ basis[arm]
    form = arm_form(basis, weights, arm)
    return _Analyte(linear, squared, leverage, float(weights @ weights), df, form)
