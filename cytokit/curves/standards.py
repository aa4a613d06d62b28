"""The standards of one analyte: which wells a curve rests on, and what is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.arrays import Floats
from cytokit.curves.inverse import CurveArrays
from cytokit.curves.logistic import FALLBACK, MODELS, X_ZERO
from cytokit.curves.noise import Scatter, VarianceModel
from cytokit.curves.solver import Prior
from cytokit.options import FitOptions
from cytokit.plate import Plate, replicates
from cytokit.schema import REPLICATE_COLUMNS, WellType

# What goes into a calibration and what comes out of it, as arrays.


#: readings and concentrations lie within this, in any unit; squares far beyond it overflow
LARGEST = 1e30
#: this share of the highest reading, .5 MFI of 25,000, is next to nothing: logarithms end there
LEAST_SIGNAL = 2e-5


def possible_reading(mfi: Floats) -> NDArray[np.bool_]:
    """Numbers that an instrument can have given, in whatever unit; not NaN."""
    return np.asarray(np.abs(mfi) <= LARGEST, dtype=bool)


def possible_level(expected: Floats) -> NDArray[np.bool_]:
    """Concentrations that a level may have: zero, or a positive number of plausible size."""
    sized = (expected >= 1.0 / LARGEST) & (expected <= LARGEST)
    return np.asarray(sized | (expected == 0.0), dtype=bool)


@dataclass(frozen=True, slots=True)
class StandardWells:
    """Standards and blanks of N curves, levels x wells x curves."""

    x: Floats
    y: Floats
    background: Floats
    samples: Scatter
    plate: NDArray[np.intp]
    analyte: NDArray[np.intp]
    models: tuple[str, ...]
    stands_for: Floats | None = None
    sd: Floats | None = None

    @property
    def counts(self) -> Floats:
        """Wells that each reading stands for."""
        return np.ones((1, 1, 1)) if self.stands_for is None else self.stands_for

    @property
    def top(self) -> Floats:
        """Highest expected concentration of each curve."""
        return np.asarray(np.where(np.isfinite(self.x), self.x, 0.0).max(0))

    @property
    def log_x(self) -> Floats:
        """Ln of the concentration over the highest, (n, N)."""
        positive = np.isfinite(self.x) & (self.x > 0)
        ratio = np.where(positive, self.x, 1.0) / self.top
        return np.where(positive, np.log(np.where(positive, ratio, 1.0)), X_ZERO)

    @property
    def steps(self) -> Floats:
        """Dilution steps (n, N) from the highest standard; 0 for blanks and padding."""
        positive = np.isfinite(self.x) & (self.x > 0)
        below = positive[::-1].cumsum(0)[::-1] - 1
        return np.where(positive, below, 0).astype(float)

    @property
    def shared_steps(self) -> Floats:
        """Dilution steps (n, n, N) that two levels have in common."""
        return np.minimum(self.steps[:, None], self.steps[None])

    def take(self, index: NDArray[np.intp]) -> StandardWells:
        """Some of the curves."""
        return StandardWells(
            self.x.take(index, axis=1),
            self.y.take(index, axis=2),
            self.background[index],
            self.samples.take(index),
            self.plate[index],
            self.analyte[index],
            tuple(self.models[number] for number in index),
            None if self.stands_for is None else self.stands_for.take(index, axis=2),
            None if self.sd is None else self.sd.take(index, axis=2),
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """AcceptedCurve curves and how the standards bore on them."""

    curves: CurveArrays
    level_sd: Floats
    weight: Floats
    robust: Floats
    chi2: Floats
    df: Floats
    r2: Floats
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]
    prior: Prior

    def take(self, index: NDArray[np.intp]) -> Calibration:
        """Some of the curves."""
        return Calibration(
            self.curves.take(index),
            self.level_sd[index],
            self.weight.take(index, axis=2),
            self.robust.take(index, axis=2),
            self.chi2[index],
            self.df[index],
            self.r2[index],
            self.converged[index],
            self.at_bound.take(index, axis=1),
            Prior(self.prior.mean.take(index, axis=1), self.prior.precision.take(index, axis=1)),
        )


# The standards of one analyte as plain arrays, with the facts that several rules ask for.


#: a fall of MFI with rising concentration that noise does not explain, on ln MFI
FALL_LIMIT = 0.25
#: how far a dilution step may lie from the series' own, on ln concentration
STEP_LIMIT = 0.25
#: a decimal point is not lost by more places than this
MOST_PLACES = 30
_LN10 = math.log(10.0)


@dataclass(frozen=True, slots=True)
class Series:
    """The standards of one analyte by rising expected concentration, and what they show."""

    analyte: str
    planned_names: list[str]
    planned: Floats
    names: list[str]
    expected: Floats
    mfi: Floats
    log_x: Floats
    log_y: Floats
    blank: float
    typo: tuple[int, float] | None
    falling: bool
    exchanged: list[int]
    hook: int | None


def every_series(levels: pd.DataFrame) -> Iterator[Series]:
    """The standards of each analyte."""
    analytes, names = levels["analyte"].to_numpy(), levels["level"].to_numpy()
    expected, mfi = levels["expected"].to_numpy(), levels["mfi"].to_numpy()
    n, order = levels["n"].to_numpy(), levels["order"].to_numpy()
    ends = np.flatnonzero(analytes[1:] != analytes[:-1]) + 1
    for rows in np.split(np.arange(len(analytes)), ends):
        every = rows[expected[rows] > 0]
        read = rows[np.isfinite(mfi[rows])]
        blanks, own = read[expected[read] == 0.0], read[expected[read] > 0]
        log_x, log_y = np.log(expected[own]), log_signal(mfi[own])
        falling = falls(log_y)
        yield Series(
            str(analytes[rows[0]]),
            names[every].tolist(),
            expected[every],
            names[own].tolist(),
            expected[own],
            mfi[own],
            log_x,
            log_y,
            float(np.average(mfi[blanks], weights=n[blanks])) if len(blanks) else math.nan,
            _typo(expected[every], np.log(expected[every]), order[every]),
            falling,
            [] if falling else _exchanged(log_y),
            None if falling else hook_start(log_y),
        )


def log_signal(mfi: Floats) -> Floats:
    """Ln of readings, those next to nothing beside the highest taken as that."""
    least = LEAST_SIGNAL * float(mfi.max(initial=0.0))
    return np.log(np.maximum(mfi, least if least > 0 else 1.0))


def _typo(expected: Floats, log_x: Floats, order: Floats) -> tuple[int, float] | None:
    """The one level off by a power of ten from the line through all, and its likely value."""
    if len(log_x) < 5:
        return None
    by_order = np.argsort(order, kind="stable")
    logs, place = log_x[by_order], np.arange(len(log_x))
    step = float(np.median(np.diff(logs)))
    intercept = float(np.median(logs - step * place))
    off = logs - step * place - intercept
    power = np.round(off / _LN10)
    regular = np.abs(off) < STEP_LIMIT
    typo = (power != 0) & (np.abs(power) <= MOST_PLACES)
    typo &= np.abs(off - power * _LN10) < STEP_LIMIT
    if typo.sum() != 1 or regular.sum() != len(off) - 1:
        return None
    i = int(typo.argmax())
    level = int(by_order[i])
    return level, float(expected[level] / 10.0 ** power[i])


def hook_start(log_y: Floats) -> int | None:
    """The first level past a hook: from it on the readings stay under the highest and fall."""
    size = len(log_y)
    if size < 4 or log_y.max() <= log_y[0] + 4 * FALL_LIMIT:
        return None
    start = int(np.flatnonzero(log_y >= log_y.max() - FALL_LIMIT)[-1]) + 1
    if start == size and log_y[-2] - log_y[-1] > FALL_LIMIT / 2:
        start = size - 1
    if start == size or (np.diff(log_y[start:]) > FALL_LIMIT).any():
        return None
    return start


def past_the_hook(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Levels (n,) that a curve which only rises cannot pass through."""
    out = np.zeros(len(x), dtype=bool)
    there = np.isfinite(y)
    mine = np.flatnonzero(there.any(1) & (x > 0))
    if len(mine) < 4:
        return out
    n = there[mine].sum(1)
    mean = np.where(there, y, 0.0)[mine].sum(1) / n
    start = hook_start(log_signal(mean))
    if start is None:
        return out
    lowest = np.where(there, y, np.inf)[mine].min(1)
    highest = np.where(there, y, -np.inf)[mine].max(1)
    reached = float(lowest[:start].max())
    under = np.flatnonzero(highest < reached * math.exp(-FALL_LIMIT))
    under = under[under >= start]
    if len(under) > 1 or (n[under] > 1).any():
        out[mine[int(mean[:start].argmax()) + 1 :]] = True
    return out


def upside_down(x: Floats, y: Floats) -> bool:
    """Whether the standards fall from high to low over a blank that is low: numbered in reverse."""
    there = np.isfinite(y)
    used = there.any(1)
    mean = np.where(there, y, 0.0).sum(1)[used] / there[used].sum(1)
    log_y = log_signal(mean)
    above = x[used] > 0
    if above.all() or not falls(log_y[above]):
        return False
    middle = (log_y[above][0] + log_y[above][-1]) / 2
    return bool(log_y[~above][0] < middle)


def falls(log_y: Floats) -> bool:
    """Whether most steps, and the whole, go down."""
    if len(log_y) < 4:
        return False
    falls = (np.diff(log_y) < -FALL_LIMIT).sum()
    return bool(falls > (len(log_y) - 1) / 2 and log_y[-1] < log_y[0] - 2 * FALL_LIMIT)


def _exchanged(log_y: Floats) -> list[int]:
    """Levels after whose exchange with the next the curve rises throughout."""
    if len(log_y) < 4:
        return []
    found = []
    # the last pair is left to the hook rule: there a fall has another likely cause
    for i in np.flatnonzero(-np.diff(log_y)[:-1] > 2 * FALL_LIMIT):
        mended = log_y.copy()
        mended[[i, i + 1]] = mended[[i + 1, i]]
        if (np.diff(mended) > -FALL_LIMIT / 2).all():
            found.append(int(i))
    return found


# Weights of single standard wells: by the variance model, or by a classical or vendor's rule.


VENDOR_RULES = ("xponent", "bioplex")


def well_weights(
    wells: StandardWells,
    options: FitOptions,
    noise: VarianceModel,
    mu: Floats,
    robust: Floats,
    extra: Floats,
) -> Floats:
    """Weight of each well, in units of 1 / variance."""
    if options.weights == "model":
        # the dilution error is shared out so that the level's mean has the right variance
        n = np.maximum(np.isfinite(wells.y).sum(1), 1)
        return np.asarray(
            robust / (noise.variance(mu)[:, None] / wells.counts + (n * extra)[:, None])
        )
    rule = rule_weights(options.weights, wells.y, wells.background)
    if options.weights in VENDOR_RULES:
        rule = np.where((wells.x == 0)[:, None], 0.0, rule)
    return np.asarray(rule * robust * _rule_scale(rule, noise.variance(mu)[:, None] / wells.counts))


def _rule_scale(rule: Floats, variance: Floats) -> Floats:
    """Factor (N,) that brings a rule's weights to the noise's own size, as priors need."""
    used = rule > 0
    log_ratio = np.where(used, np.log(np.where(used, rule, 1.0) * variance), 0.0)
    count = np.maximum(used.sum((0, 1)), 1)
    return np.asarray(np.exp(-log_ratio.sum(1).sum(0) / count))


def rule_weights(rule: str, y: Floats, background: Floats) -> Floats:
    """Weights of single standard wells by a classical or vendor's rule."""
    there = np.isfinite(y)
    filled = np.where(there, y, 0.0)
    n = np.maximum(there.sum(1, keepdims=True), 1)
    mean = filled.sum(1, keepdims=True) / n
    if rule == "xponent":
        net = filled - background
        nothing = np.abs(net) < 1.0 / LARGEST  # the square of such a number may be 0
        weight = np.where(nothing, 1.0, 1.0 / np.where(nothing, 1.0, net) ** 2)
    elif rule == "none":
        weight = np.ones_like(y)
    else:
        power = {"1/y2": 2.0, "1/y": 1.0, "bioplex": 1.8}[rule]
        # a mean of nothing counts as what is next to nothing on the curve's own scale
        least = LEAST_SIGNAL * np.abs(mean).max(0, keepdims=True)
        weight = np.maximum(np.abs(mean), np.where(least > 0, least, 1.0)) ** -power
        weight = weight * np.ones_like(y)
        if rule == "bioplex":
            weight = weight / n
    return np.where(there, weight, 0.0)


# From plates to arrays: the readings as the fit takes them, and how replicates scatter.


@dataclass(frozen=True, slots=True)
class PlateReadings:
    """The rows of one plate as plain arrays."""

    plate: Plate
    names: tuple[str, ...]
    code: NDArray[np.int64]
    response: Floats
    background: Floats
    excluded: NDArray[np.bool_]
    stands_for: Floats
    sd: Floats

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows with a reading that nobody excluded."""
        return np.isfinite(self.response) & ~self.excluded


def plate_readings(plate: Plate, options: FitOptions, excluded: NDArray[np.bool_]) -> PlateReadings:
    """The plate's readings as arrays, with the response the weight rule works on."""
    names = plate.analyte_names
    code = pd.Categorical(plate.wells["analyte"], categories=names).codes.astype(np.int64)
    mfi = plate.wells["mfi"].to_numpy(dtype=float)
    net = plate.wells["net_mfi"].to_numpy(dtype=float)
    mfi = np.where(possible_reading(mfi), mfi, np.nan)
    net = np.where(possible_reading(net), net, np.nan)
    blank = (plate.wells["well_type"] == str(WellType.BLANK)).to_numpy() & ~excluded
    both = np.isfinite(mfi) & np.isfinite(net)
    blank &= np.isfinite(mfi)
    background = np.full(len(names), np.nan)
    for number, rows in enumerate(rows_by_code(code, len(names))):
        if both[rows].any():
            told = rows[both[rows]]
            background[number] = np.median(mfi[told] - net[told])
        elif blank[rows].any():
            background[number] = np.mean(mfi[rows[blank[rows]]])
    response = mfi
    if options.weights in VENDOR_RULES:
        response = np.where(both, net + background[code], mfi)
    stands_for, sd = replicate_means(plate.wells)
    return PlateReadings(plate, tuple(names), code, response, background, excluded, stands_for, sd)


def replicate_means(wells: pd.DataFrame) -> tuple[Floats, Floats]:
    """How many wells each reading is the mean of, and their printed standard deviation."""
    # the printed %CV is over MFI in some exports, over net MFI in others: it says no sd
    count, sd = (
        wells[name].to_numpy(dtype=float) if name in wells else np.full(len(wells), np.nan)
        for name in REPLICATE_COLUMNS[:2]
    )
    count = np.where(count >= 1, count, 1.0)
    possible = (count > 1) & (sd >= 0) & possible_reading(sd)
    return count, np.where(possible, sd, np.nan)


def rows_by_code(code: NDArray[np.int64], size: int) -> list[NDArray[np.intp]]:
    """For each analyte its rows, ascending."""
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=size))
    return np.split(order, ends[:-1]) if size else []


def sample_scatter(arrays: PlateReadings) -> Scatter:
    """Scatter of the replicates of samples and controls, groups x analytes."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    told = (kinds == str(WellType.UNKNOWN)) | (kinds == str(WellType.CONTROL))
    rows = np.flatnonzero(told & arrays.usable)
    size = len(arrays.names)
    if len(rows) == 0:
        empty = np.zeros((0, size))
        return Scatter(empty, empty, empty, empty)
    group = replicates(frame.iloc[rows]).group
    n_groups = int(group.max()) + 1
    cell = group * size + arrays.code[rows]
    values, wells, sd = arrays.response[rows], arrays.stands_for[rows], arrays.sd[rows]
    length = n_groups * size
    n = np.bincount(cell, wells, minlength=length)
    mean = np.bincount(cell, wells * values, minlength=length) / np.maximum(n, 1)
    printed = np.isfinite(sd)
    inside = np.where(printed, wells - 1, 0.0)
    squares = wells * (values - mean[cell]) ** 2 + inside * np.where(printed, sd, 0.0) ** 2
    ss = np.bincount(cell, squares, minlength=length).astype(float)
    between = np.maximum(np.bincount(cell, minlength=length) - 1, 0)
    df = np.asarray(between + np.bincount(cell, inside, minlength=length), dtype=float)
    shape = (n_groups, size)
    some_df = df.reshape(shape).any(1)
    return Scatter(
        mean.reshape(shape)[some_df],
        ss.reshape(shape)[some_df],
        df.reshape(shape)[some_df],
        np.zeros(shape)[some_df],
    )


#: why a level is left out that a rising curve cannot pass through
PAST_THE_HOOK = "past the hook: reads under a lower standard"

Text = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class WellList:
    """Single standard and blank wells, one entry each."""

    well: Text
    level: Text
    expected: Floats
    mfi: Floats
    reason: Text
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    stands_for: Floats
    sd: Floats

    def __len__(self) -> int:
        """Number of wells."""
        return len(self.row)


@dataclass(frozen=True, slots=True)
class AnalyteStandards:
    """Standards and blanks of one analyte on one plate."""

    plate: int
    plate_name: str
    analyte: str
    unit: str
    x: Floats
    names: tuple[str, ...]
    y: Floats
    wells: WellList = field(repr=False)
    background: float = 0.0
    trouble: str = ""
    note: str = ""
    model: str = "5pl"

    @property
    def n_levels(self) -> int:
        """Usable levels above zero."""
        return int((self.used & (self.x > 0)).sum())

    @property
    def used(self) -> NDArray[np.bool_]:
        """Levels (n,) with a usable well."""
        return np.asarray(np.isfinite(self.y).any(1), dtype=bool)

    def spread(self, values: Floats, nothing: float) -> Floats:
        """Values of single wells laid out as ``y`` is."""
        out = np.full(self.y.shape, nothing)
        placed = self.wells.row >= 0
        out[self.wells.row[placed], self.wells.column[placed]] = values[placed]
        return out

    def without_level(self, level: int, reason: str, options: FitOptions) -> AnalyteStandards:
        """The same standards with one level left out."""
        y, reasons = self.y.copy(), self.wells.reason.copy()
        y[level] = np.nan
        reasons[(self.wells.row == level) & (reasons == "")] = reason
        return _judged(replace(self, y=y, wells=replace(self.wells, reason=reasons)), options)


def plate_standards(
    arrays: PlateReadings, number: int, options: FitOptions
) -> list[AnalyteStandards]:
    """Standards and blanks of every analyte of a plate; plate `number` of the call."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    blank = kinds == str(WellType.BLANK)
    rows = np.flatnonzero(blank | (kinds == str(WellType.STANDARD)))
    expected = np.where(blank, 0.0, frame["expected"].to_numpy(dtype=float))[rows]
    mfi = frame["mfi"].to_numpy(dtype=float)[rows]
    reasons = _reasons(expected, mfi, arrays.response[rows], arrays.excluded[rows])
    wells, samples = frame["well"].to_numpy()[rows], frame["sample"].to_numpy()[rows]
    units = dict(zip(arrays.plate.analytes["analyte"], arrays.plate.analytes["unit"], strict=True))
    found = []
    for analyte, mine in enumerate(rows_by_code(arrays.code[rows], len(arrays.names))):
        x, row, column = _placed(expected[mine])
        y = np.full((len(x), max(1, column.max(initial=0) + 1)), np.nan)
        why = reasons[mine]
        used = why == ""
        y[row[used], column[used]] = arrays.response[rows[mine[used]]]
        if options.robust and (hooked := past_the_hook(x, y)).any():
            why[used & hooked[row]] = PAST_THE_HOOK
            y[hooked] = np.nan
        background = arrays.background[analyte]
        name = arrays.names[analyte]
        named = (wells[mine], samples[mine], expected[mine], mfi[mine], why)
        at = rows[mine]
        listed = WellList(*named, row, column, arrays.stands_for[at], arrays.sd[at])
        standards = AnalyteStandards(
            number,
            arrays.plate.name,
            name,
            str(units.get(name, "")) or options.unit,
            x,
            _level_names(samples[mine], row, len(x)),
            y,
            listed,
            0.0 if np.isnan(background) else float(background),
        )
        found.append(_judged(standards, options))
    return found


def _placed(expected: Floats) -> tuple[Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Levels, ascending, and for each well its level (-1: none) and its place in it."""
    placed = possible_level(expected)
    x, level = np.unique(expected[placed], return_inverse=True)
    row = np.full(len(expected), -1, dtype=np.intp)
    row[placed] = level
    filled = [0] * len(x)
    column = np.zeros(len(expected), dtype=np.intp)
    for well in np.flatnonzero(placed).tolist():
        column[well] = filled[row[well]]
        filled[row[well]] += 1
    return x, row, column


def _level_names(samples: Text, row: NDArray[np.intp], size: int) -> tuple[str, ...]:
    """The name of each level; several names for one concentration are joined."""
    names: list[dict[str, None]] = [{} for _ in range(size)]
    for sample, level in zip(samples.tolist(), row.tolist(), strict=True):
        if level >= 0:
            names[level][sample] = None
    return tuple(" / ".join(found) for found in names)


def _reasons(expected: Floats, mfi: Floats, response: Floats, excluded: NDArray[np.bool_]) -> Text:
    """Why each well may not be used; empty where it may."""
    reasons: Text = np.full(len(expected), "", dtype=object)
    reasons[~possible_level(expected)] = "no possible expected concentration"
    reasons[~(np.isfinite(expected) & (expected >= 0))] = "no expected concentration"
    reasons[~np.isfinite(response)] = "no possible reading"
    reasons[np.isnan(mfi)] = "no reading"
    reasons[excluded] = "excluded by a user"
    return reasons


def _judged(standards: AnalyteStandards, options: FitOptions) -> AnalyteStandards:
    """The same standards with the decision whether, and by which model, they are fit."""
    levels = standards.n_levels
    model = MODELS[options.model]
    fallback = MODELS[FALLBACK]
    short = levels < model.levels_needed
    trouble, note = "", ""
    reasons = standards.wells.reason
    if len(reasons) == 0:
        trouble = "the plate holds no standards for this analyte"
    elif not (reasons == "").any():
        why = ", ".join(dict.fromkeys(reasons.tolist()))
        trouble = f"no standard well can be used: {why}"
    elif levels < min(model.levels_needed, fallback.levels_needed):
        trouble = (
            f"{levels} usable standard level{'' if levels == 1 else 's'} above zero; "
            f"{MODELS['5pl'].levels_needed} are needed, {fallback.levels_needed} for a "
            f"{fallback.label}"
        )
    elif upside_down(standards.x, standards.y):
        trouble = (
            "MFI falls as the expected concentration rises, while the blank reads low: the "
            "standards have no usable direction (numbered the other way?)"
        )
    elif short:
        note = f"only {levels} standard levels stand: fitted as {fallback.label}"
    elif options.weights in VENDOR_RULES and not (standards.background or _has_blank(standards)):
        note = "no blank: nothing was subtracted"
    past = len(set(standards.wells.row[reasons == PAST_THE_HOOK].tolist()))
    if past and not trouble:
        said = f"{past} level{'' if past == 1 else 's'} past the hook left out"
        note = f"{said}; {note}" if note else said
    fitted_as = FALLBACK if short and not trouble else options.model
    return replace(standards, trouble=trouble, note=note, model=fitted_as)


def _has_blank(standards: AnalyteStandards) -> bool:
    """Whether a usable blank level exists."""
    return bool(standards.x[:1].sum() == 0 and np.isfinite(standards.y[:1]).any())


def stack(
    standards: Sequence[AnalyteStandards], scatters: Sequence[Scatter], names: Sequence[str]
) -> StandardWells:
    """Arrays of all curves side by side."""
    n = max(len(one.x) for one in standards)
    n_wells = max(one.y.shape[1] for one in standards)
    size = len(standards)
    x, y = np.full((n, size), np.nan), np.full((n, n_wells, size), np.nan)
    for number, one in enumerate(standards):
        x[: len(one.x), number] = one.x
        y[: len(one.x), : one.y.shape[1], number] = one.y
    stands_for: Floats | None = None
    sd: Floats | None = None
    if any((one.wells.stands_for > 1).any() for one in standards):
        stands_for, sd = np.ones_like(y), np.full_like(y, np.nan)
        for number, one in enumerate(standards):
            corner = (slice(one.y.shape[0]), slice(one.y.shape[1]), number)
            stands_for[corner] = one.spread(one.wells.stands_for, 1.0)
            sd[corner] = one.spread(one.wells.sd, np.nan)
    groups = max(len(scatter.mean) for scatter in scatters)
    parts = {name: np.zeros((groups, size)) for name in ("mean", "ss", "df", "known")}
    for number, scatter in enumerate(scatters):
        for name, array in parts.items():
            values = getattr(scatter, name)
            array[: len(values), number] = values[:, 0]
    number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return StandardWells(
        x,
        y,
        np.array([one.background for one in standards]),
        Scatter(**parts),
        np.array([one.plate for one in standards]),
        np.array([number_of[one.analyte] for one in standards]),
        tuple(one.model for one in standards),
        stands_for,
        sd,
    )
