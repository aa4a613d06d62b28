"""Calibration of all curves of a plate, or of many plates: arrays in, arrays out.

Iterated generalised least squares around the batched solver: fit, estimate the noise about the
fit, weigh anew, down-weight the wells that lie off, fit again. Either orientation of the five-
parameter logistic is tried and one chosen for all curves of a plate by their total fit.

Source: R. J. Carroll and D. Ruppert, Transformation and Weighting in Regression (1988), chapter 2;
M. A. O'Connell, B. A. Belanger, P. D. Haaland, Chemometrics 20 (1993) 97, for immunoassays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from cytokit.arrays import Floats
from cytokit.curves.inverse import CurveArrays, quadratic, sandwich
from cytokit.curves.logistic import MODELS, psi
from cytokit.curves.noise import (
    LEVEL_SD,
    Scatter,
    VarianceModel,
    fit_level_error,
    fit_variance,
    huber,
    prior_centre,
    tukey,
)
from cytokit.curves.solver import Prior, fit_batch, weak_prior
from cytokit.curves.standards import VENDOR_RULES, Calibration, StandardWells, well_weights
from cytokit.options import FitOptions

# Fits beyond the solver's box, for comparison with software that has none.


#: how far beyond the solver's own box m, eta and k may go
UNBOUNDED_REACH = np.array([6.0, 4.0, 7.0])


def unbounded_fit(
    log_x: Floats,
    y: Floats,
    weight: Floats,
    theta: Floats,
    orientation: int,
    mean: Floats,
    precision: Floats,
) -> tuple[Floats, float, float]:
    """The least-squares curve near `theta`, without the solver's box."""
    root = np.sqrt(weight)

    def plateaus(at: Floats) -> tuple[Floats, Floats]:
        shape = psi(log_x, at, orientation)
        design = np.stack([1.0 - shape, shape], axis=1)
        ends, *_ = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)
        return design @ ends, np.asarray(ends, dtype=float)

    def residuals(at: Floats) -> Floats:
        return np.concatenate([root * (y - plateaus(at)[0]), np.sqrt(precision) * (at - mean)])

    found = optimize.least_squares(
        residuals,
        theta,
        bounds=(theta - UNBOUNDED_REACH, theta + UNBOUNDED_REACH),
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
        x_scale=[1.0, 1.0, 1.0],
        max_nfev=500,
    )
    best = np.asarray(found.x) if 2 * found.cost <= (residuals(theta) ** 2).sum() else theta
    ends = plateaus(best)[1]
    return best, float(ends[0]), float(ends[1])


# One weighted fit of every curve, dilution series by dilution series.


#: theta of a curve that could not be fitted
NEUTRAL = np.array([[-2.0], [-1.0], [0.0]])


@dataclass(frozen=True, slots=True)
class WeightedFit:
    """One round's solution, before its uncertainty."""

    theta: Floats
    lower: Floats
    upper: Floats
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]


def default_prior(wells: StandardWells, options: FitOptions) -> Prior:
    """The weak prior of each curve, or one that says nothing."""
    size = wells.x.shape[1]
    mean, precision = np.zeros((3, size)), np.zeros((3, size))
    if options.prior != "none":
        for members in _designs(wells):
            design = weak_prior(np.exp(_design_log_x(wells, members)))
            mean[:, members], precision[:, members] = design.mean, design.precision
    return Prior(mean, precision)


def _designs(wells: StandardWells) -> list[NDArray[np.intp]]:
    """Curves that share a dilution series up to a factor, and the model."""
    keys = [
        (model, tuple(np.round(column, 10)))
        for model, column in zip(wells.models, wells.log_x.T, strict=True)
    ]
    groups: dict[tuple[str, tuple[float, ...]], list[int]] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, []).append(number)
    return [np.array(members) for members in groups.values()]


def _held(wells: StandardWells) -> NDArray[np.bool_]:
    """Curves whose model holds the asymmetry, (N,)."""
    return np.array([MODELS[model].held for model in wells.models])


def _design_log_x(wells: StandardWells, members: NDArray[np.intp]) -> Floats:
    """The shared levels of one design, blanks at X_ZERO."""
    return np.round(wells.log_x[:, members[0]], 10)


def solve(
    wells: StandardWells,
    y: Floats,
    weight: Floats,
    orientation: NDArray[np.int64],
    prior: Prior,
    start: Floats | None,
) -> WeightedFit:
    """One weighted fit of every curve, batch by batch."""
    total = weight.sum(1)
    mean = (weight * y).sum(1) / np.where(total > 0, total, 1.0)
    size = y.shape[2]
    theta, plateaus = np.empty((3, size)), np.empty((2, size))
    converged, at_bound = np.empty(size, dtype=bool), np.empty((3, size), dtype=bool)
    for design in _designs(wells):
        x = np.exp(_design_log_x(wells, design))
        for sign in (1, -1):
            members = design[orientation[design] == sign]
            if len(members) == 0:
                continue
            fit = fit_batch(
                x,
                mean[:, members],
                total[:, members],
                orientation=sign,
                prior=Prior(prior.mean[:, members], prior.precision[:, members]),
                start=None if start is None else start[:, members],
                model=wells.models[members[0]],
            )
            theta[:, members] = fit.theta
            plateaus[:, members] = fit.lower, fit.upper
            converged[members], at_bound[:, members] = fit.converged, fit.at_bound
    lost = ~np.isfinite(theta).all(0)  # too few levels bear weight: a flat line, which is no curve
    theta[:, lost] = NEUTRAL
    plateaus[:, lost] = 0.0
    return WeightedFit(theta, plateaus[0], plateaus[1], converged & ~lost, at_bound)


def outside_the_box(
    wells: StandardWells, y: Floats, weight: Floats, prior: Prior, solution: WeightedFit
) -> WeightedFit:
    """For xPONENT's rule: curves that stopped at the edge of the box followed beyond it."""
    total = weight.sum(1)
    mean = (weight * y).sum(1) / np.where(total > 0, total, 1.0)
    theta, lower, upper = solution.theta.copy(), solution.lower.copy(), solution.upper.copy()
    outside = solution.at_bound.any(0) & ~_held(wells)
    for number in np.flatnonzero(outside):
        used = total[:, number] > 0
        theta[:, number], lower[number], upper[number] = unbounded_fit(
            wells.log_x[used, number],
            mean[used, number],
            total[used, number],
            theta[:, number],
            -1,
            prior.mean[:, number],
            prior.precision[:, number],
        )
    at_bound = solution.at_bound & ~outside
    return replace(solution, theta=theta, lower=lower, upper=upper, at_bound=at_bound)


# What curves lend each other: the orientation, and, pooled, the shape.


#: plates an analyte must stand on before they lend each other its shape
POOL_PLATES = 3


def descending_fits_better(
    wells: StandardWells, found: list[Calibration], pooling_group: NDArray[np.intp], robust: bool
) -> NDArray[np.bool_]:
    """Curves (N,) whose pooling group as a whole is fitted better by orientation -.

    Both are measured with the same noise, taken at the levels' own means, in Tukey's bounded
    measure where the fit is robust, so that no single well decides.
    """
    there = np.isfinite(wells.y)
    y = np.where(there, wells.y, 0.0)
    mean = y.sum(1) / np.maximum(there.sum(1), 1)
    variance = np.mean([one.curves.noise.variance(mean) for one in found], axis=0)
    misfit = []
    for one in found:
        mu = one.curves.predict(wells.log_x)
        z2 = np.where(there, wells.counts * (y - mu[:, None]) ** 2 / variance[:, None], 0.0)
        if robust:
            z2 = 12.0 * (1.0 - np.maximum(0.0, 1.0 - z2 / 36.0) ** 3)
        misfit.append(z2.sum(1).sum(0))
    gain = misfit[0] - misfit[1]
    by_group = np.array([gain[pooling_group == number].sum() for number in pooling_group])
    return by_group > 0


def chosen_form(found: list[Calibration], second: NDArray[np.bool_]) -> Calibration:
    """The second calibration where asked for, the first elsewhere."""
    one, two = found

    def pick(a: Floats, b: Floats, axis: int = -1) -> Floats:
        shape = [1] * a.ndim
        shape[axis] = len(second)
        return np.where(second.reshape(shape), b, a)

    a, b = one.curves, two.curves
    noise = VarianceModel(
        pick(a.noise.s0, b.noise.s0),
        pick(a.noise.cv, b.noise.cv),
        pick(a.noise.uncertainty, b.noise.uncertainty, 0),
    )
    curves = CurveArrays(
        pick(a.theta, b.theta),
        pick(a.lower, b.lower),
        pick(a.upper, b.upper),
        np.where(second, b.orientation, a.orientation),
        a.log_top,
        pick(a.covariance, b.covariance, 0),
        noise,
    )
    return Calibration(
        curves,
        pick(one.level_sd, two.level_sd),
        pick(one.weight, two.weight),
        pick(one.robust, two.robust),
        pick(one.chi2, two.chi2),
        pick(one.df, two.df),
        pick(one.r2, two.r2),
        np.where(second, two.converged, one.converged),
        np.where(second, two.at_bound, one.at_bound),
        one.prior,
    )


def pooled_prior(curves: CurveArrays, wells: StandardWells, weak: Prior) -> Prior:
    """Empirical-Bayes prior of each curve: its analyte's shape over the plates.

    Mean and spread are robust (median, MAD less the typical uncertainty of one curve); an analyte
    on fewer than three plates keeps the weak prior.
    """
    mean, precision = weak.mean.copy(), weak.precision.copy()
    shift = np.stack([curves.log_top, np.zeros(curves.size), np.zeros(curves.size)])
    theta = curves.theta + shift
    own = np.einsum("nii->in", curves.covariance)[2:]
    for number in np.unique(wells.analyte):
        members = np.flatnonzero(wells.analyte == number)
        if len(members) < POOL_PLATES:
            continue
        centre = np.median(theta[:, members], axis=1, keepdims=True)
        mad = 1.4826 * np.median(np.abs(theta[:, members] - centre), axis=1)
        spread = np.maximum(mad**2 - np.median(own[:, members], axis=1), (0.1 * mad) ** 2)
        spread = np.maximum(spread * (1 + 1 / len(members)), 0.05**2)
        mean[:, members] = centre - shift[:, members]
        precision[:, members] = 1.0 / spread[:, None]
    return Prior(mean, precision)


HUBER_ROUNDS, TUKEY_ROUNDS, PLAIN_ROUNDS = 2, 4, 4
#: mean of w z^2 over mean of w for Tukey's weights and normal z: the noise would come out low
TUKEY_CONSISTENCY = 0.893
#: precision that holds a coordinate of theta still
FIXED = 1e12
POOL_ROUNDS = 3


def calibrate(wells: StandardWells, options: FitOptions) -> Calibration:
    """Fit all curves.

    Without ``options.pool`` a curve depends on the curves of its own plate alone: they share the
    orientation and lend each other the centre of the noise. With it, the curves of an analyte on
    all plates are the pooling group, and lend each other the shape as well.
    """
    if wells.x.shape[1] == 1:
        # numpy sums a single column in another order: beside a double of its own, in a pooling
        # group of its own, a curve has the same last bits as among many
        pair = wells.take(np.array([0, 0]))
        apart = np.array([0, 1])
        pair = replace(pair, plate=pair.plate + apart, analyte=pair.analyte + apart)
        return calibrate(pair, options).take(np.array([0]))
    pooling_group = wells.analyte if options.pool else wells.plate
    signs = (-1,) if options.weights in VENDOR_RULES else (1, -1)
    forms = [np.full(len(pooling_group), sign) for sign in signs]
    priors = default_prior(wells, options)
    found = [_iterate(wells, options, form, priors, pooling_group) for form in forms]
    chosen = found[0]
    if len(found) == 2:
        minus = descending_fits_better(wells, found, pooling_group, options.robust)
        chosen = chosen_form(found, minus)
    if options.pool and options.prior != "none":
        for _ in range(POOL_ROUNDS):
            priors = pooled_prior(chosen.curves, wells, priors)
            chosen = _iterate(wells, options, chosen.curves.orientation, priors, pooling_group)
    return chosen


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same through the rounds of one iteration."""

    wells: StandardWells
    options: FitOptions
    orientation: NDArray[np.int64]
    prior: Prior
    pooling_group: NDArray[np.intp]
    noise: Floats  # centre of the noise (2, N) before anything is estimated


def _iterate(
    wells: StandardWells,
    options: FitOptions,
    orientation: NDArray[np.int64],
    prior: Prior,
    pooling_group: NDArray[np.intp],
) -> Calibration:
    """Iterated weighting around the solver for one choice of orientation."""
    task = _Task(wells, options, orientation, prior, pooling_group, _noise_centre(wells))
    there = np.isfinite(wells.y)
    y = np.where(there, wells.y, 0.0)
    noise = _prior_noise(task.noise)
    level_sd = np.full(len(pooling_group), LEVEL_SD)
    robust, extra = there.astype(float), np.zeros_like(wells.x)
    mu = y.sum(1) / np.maximum(there.sum(1), 1)
    weight = well_weights(wells, options, noise, mu, robust, extra)
    bears = weight > 0  # wells that the rule lets count
    solution = solve(wells, y, weight, orientation, prior, start=None)
    rounds = HUBER_ROUNDS + TUKEY_ROUNDS if options.robust else PLAIN_ROUNDS
    for number in range(rounds):
        curves = _arrays(task, solution, noise, level_sd, weight)
        mu, slope2 = _expected(wells, curves)
        consistency = TUKEY_CONSISTENCY if options.robust and number > HUBER_ROUNDS else 1.0
        noise, level_sd = _noise(task, curves, level_sd, weight, robust, consistency)
        extra = slope2 * _level_variance(task, level_sd)
        if options.robust:
            z = np.where(there, y - mu[:, None], 0.0)
            z /= np.sqrt(noise.variance(mu)[:, None] / wells.counts + extra[:, None])
            factor = huber(z) if number < HUBER_ROUNDS else _tukey_or_huber(z, bears, wells.models)
            robust = np.where(there, factor, 0.0)
        weight = well_weights(wells, options, noise, mu, robust, extra)
        solution = solve(wells, y, weight, orientation, prior, start=solution.theta)
    if options.weights == "xponent":
        solution = outside_the_box(wells, y, weight, prior, solution)
    curves = _arrays(task, solution, noise, level_sd, weight)
    return _calibration(task, curves, solution, level_sd, weight, robust)


def _tukey_or_huber(z: Floats, bears: NDArray[np.bool_], models: tuple[str, ...]) -> Floats:
    """Tukey's weights; Huber's, which are never 0, for curves that would lose too many levels."""
    factor = tukey(z)
    left = ((factor > 0) & bears).any(1).sum(0)
    needed = np.array([MODELS[model].levels_needed for model in models])
    return np.where(left >= needed, factor, huber(z))


def _noise_centre(wells: StandardWells) -> Floats:
    """Where the noise (2, N) is looked for: by the lowest level's mean and the plate's highest."""
    there = np.isfinite(wells.y)
    n = there.sum(1)
    mean = np.where(there, wells.y, 0.0).sum(1) / np.maximum(n, 1)
    first = (n > 0).argmax(0)
    # the lowest well of a level: one that reads far too high is no measure of the plate
    own_top = np.where(n > 0, np.abs(np.where(there, wells.y, np.inf)).min(1), 0.0).max(0)
    top = np.array([own_top[wells.plate == plate].max() for plate in wells.plate])
    return prior_centre(np.take_along_axis(mean, first[None], 0)[0], top)


def _prior_noise(centre: Floats) -> VarianceModel:
    """The noise before anything is estimated."""
    s0, cv = np.exp(centre)
    return VarianceModel(s0, cv, np.tile(np.eye(2), (len(s0), 1, 1)))


def _expected(wells: StandardWells, curves: CurveArrays) -> tuple[Floats, Floats]:
    """Expected response (n, N) of the levels, and its squared slope over ln x."""
    log_x = wells.log_x
    return curves.predict(log_x), curves.jacobian(log_x)[2] ** 2


def _level_variance(task: _Task, level_sd: Floats) -> Floats:
    """Variance (n, N) of the levels' ln concentrations, estimated and declared."""
    declared = task.options.dilution_error_pct / 100
    return np.asarray(level_sd**2 + task.wells.steps * declared**2)


def _noise(
    task: _Task,
    curves: CurveArrays,
    level_sd: Floats,
    weight: Floats,
    robust: Floats,
    consistency: float,
) -> tuple[VarianceModel, Floats]:
    """Noise of wells and error of levels, from standards about the fit, and from replicates.

    A well counts by its robust weight; an outlier says nothing about the noise. `consistency`
    makes up for the residuals that such weights shrink.
    """
    wells = task.wells
    mu, slope2 = _expected(wells, curves)
    there = np.isfinite(wells.y)
    residual = np.where(there, wells.y - mu[:, None], 0.0)
    bearing = robust * wells.counts
    readings, n = robust.sum(1), bearing.sum(1)
    safe_n = np.where(n > 0, n, 1.0)
    mean = (bearing * residual).sum(1) / safe_n
    within = (bearing * np.where(there, residual - mean[:, None], 0.0) ** 2).sum(1)
    own = (robust**2).sum(1) / np.where(readings > 0, readings, 1.0)
    replicates = Scatter(
        mu, within / consistency, np.maximum(readings - own, 0.0), np.zeros_like(mu)
    )
    leverage = weight.sum(1) * quadratic(curves.jacobian(wells.log_x), curves.covariance)
    freedom = own * np.clip(1.0 - leverage, 0.0, 1.0)
    pull = safe_n * slope2
    known = pull * _level_variance(task, level_sd)
    misfit = Scatter(mu, n * mean**2 / consistency, freedom, known)
    groups = replicates.joined(misfit).joined(wells.samples)
    if wells.sd is not None:
        groups = groups.joined(_printed_scatter(wells.sd, wells.counts, mu, robust))
    noise = fit_variance(groups, task.noise, task.pooling_group)
    declared = replace(misfit, known=pull * _level_variance(task, 0.0 * level_sd))
    return noise, fit_level_error(declared, noise, pull, wells.plate)


def _printed_scatter(sd: Floats, counts: Floats, mu: Floats, robust: Floats) -> Scatter:
    """What the export prints of the wells behind its means of standards and blanks."""
    told = np.isfinite(sd) & (robust > 0)
    df = np.where(told, robust * (counts - 1), 0.0)
    ss = df * np.where(told, sd, 0.0) ** 2
    return Scatter(mu, ss.sum(1), df.sum(1), np.zeros_like(mu))


def _arrays(
    task: _Task, solution: WeightedFit, noise: VarianceModel, level_sd: Floats, weight: Floats
) -> CurveArrays:
    """Curves with the covariance of their parameters."""
    wells = task.wells
    curves = CurveArrays(
        solution.theta,
        solution.lower,
        solution.upper,
        task.orientation,
        np.log(wells.top),
        np.zeros((wells.x.shape[1], 5, 5)),
        noise,
    )
    precision = task.prior.precision.copy()
    precision[2] = np.where(_held(wells), FIXED, precision[2])
    declared = task.options.dilution_error_pct / 100
    shared = np.eye(len(wells.x))[:, :, None] * level_sd**2 + wells.shared_steps * declared**2
    covariance = sandwich(curves, wells.log_x, weight, precision, shared, wells.counts)
    return replace(curves, covariance=covariance)


def _calibration(
    task: _Task,
    curves: CurveArrays,
    solution: WeightedFit,
    level_sd: Floats,
    weight: Floats,
    robust: Floats,
) -> Calibration:
    """The fit with its measures of agreement."""
    wells = task.wells
    there = np.isfinite(wells.y)
    mu, slope2 = _expected(wells, curves)
    extra = slope2 * _level_variance(task, level_sd)
    residual = np.where(there, wells.y - mu[:, None], 0.0)
    used = weight > 0
    variance = curves.noise.variance(mu)[:, None] / wells.counts + extra[:, None]
    chi2 = (robust * residual**2 / variance).sum(1)
    chi2 = np.where(used.any(1), chi2, 0.0).sum(0)
    df = used.sum(1).sum(0) - np.array([len(MODELS[model].free) for model in wells.models])
    sum_w = weight.sum(1).sum(0)
    mean = (weight * np.where(there, wells.y, 0.0)).sum(1).sum(0) / sum_w
    about_mean = np.where(there, wells.y - mean, 0.0)
    spread = (weight * about_mean**2).sum(1).sum(0)
    left = (weight * residual**2).sum(1).sum(0)
    r2 = np.where(spread > 0, 1.0 - left / np.where(spread > 0, spread, 1.0), np.nan)
    return Calibration(
        curves,
        level_sd,
        weight,
        np.where(there, robust, np.nan),
        chi2,
        df.astype(float),
        r2,
        solution.converged,
        solution.at_bound,
        task.prior,
    )
