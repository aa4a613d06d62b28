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

from cytokit.curves.arrays import CurveArrays, quadratic
from cytokit.curves.batch import LEVELS_NEEDED
from cytokit.curves.company import mix, pooled_prior, prefers_minus
from cytokit.curves.covariance import sandwich
from cytokit.curves.levels import LEVEL_SD, fit_level_error
from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.prior import Prior
from cytokit.curves.rules import VENDOR_RULES, well_weights
from cytokit.curves.solve import Solution, default_prior, outside_the_box, solve
from cytokit.curves.weights import (
    Scatter,
    VarianceModel,
    fit_variance,
    huber,
    prior_centre,
    tukey,
)
from cytokit.curves.wells import Calibration, StandardWells

HUBER_ROUNDS, TUKEY_ROUNDS, PLAIN_ROUNDS = 2, 4, 4
#: mean of w z^2 over mean of w for Tukey's weights and normal z: the noise would come out low
TUKEY_CONSISTENCY = 0.893
#: precision that holds a coordinate of theta still
FIXED = 1e12
POOL_ROUNDS = 3


def calibrate(wells: StandardWells, options: FitOptions) -> Calibration:
    """Fit all curves.

    Without ``options.pool`` a curve depends on the curves of its own plate alone: they share the
    orientation and lend each other the centre of the noise. With it, the same analyte on other
    plates takes the part of the company and lends the shape as well.

    Parameters
    ----------
    wells : StandardWells
        At least 4 levels with a reading for each curve.
    options : FitOptions

    Returns
    -------
    Calibration
    """
    if wells.x.shape[1] == 1:
        # numpy sums a single column in another order: beside a double of its own, which is no
        # company to it, a curve has the same last bits as among many
        pair = wells.take(np.array([0, 0]))
        apart = np.array([0, 1])
        pair = replace(pair, plate=pair.plate + apart, analyte=pair.analyte + apart)
        return calibrate(pair, options).take(np.array([0]))
    company = wells.analyte if options.pool else wells.plate
    signs = (-1,) if options.weights in VENDOR_RULES else (1, -1)
    ways = [np.full(len(company), sign) for sign in signs]
    priors = default_prior(wells, options)
    found = [_iterate(wells, options, way, priors, company) for way in ways]
    chosen = found[0]
    if len(found) == 2:
        minus = prefers_minus(wells, found, company, options.robust)
        chosen = mix(found, minus)
    if options.pool and options.prior != "none":
        for _ in range(POOL_ROUNDS):
            priors = pooled_prior(chosen.curves, wells, priors)
            chosen = _iterate(wells, options, chosen.curves.orientation, priors, company)
    return chosen


@dataclass(frozen=True, slots=True)
class _Task:
    """What stays the same through the rounds of one iteration."""

    wells: StandardWells
    options: FitOptions
    orientation: NDArray[np.int64]
    prior: Prior
    company: NDArray[np.intp]
    noise: Array  # centre of the noise (2, N) before anything is estimated


def _iterate(
    wells: StandardWells,
    options: FitOptions,
    orientation: NDArray[np.int64],
    prior: Prior,
    company: NDArray[np.intp],
) -> Calibration:
    """Iterated weighting around the solver for one choice of orientation."""
    task = _Task(wells, options, orientation, prior, company, _noise_centre(wells))
    there = np.isfinite(wells.y)
    y = np.where(there, wells.y, 0.0)
    noise = _prior_noise(task.noise)
    level_sd = np.full(len(company), LEVEL_SD)
    robust, extra = there.astype(float), np.zeros_like(wells.x)
    mu = y.sum(1) / np.maximum(there.sum(1), 1)
    weight = well_weights(wells, options, noise, mu, robust, extra)
    bears = weight > 0  # wells that the rule lets count
    solution = solve(wells, y, weight, orientation, prior, start=None)
    rounds = HUBER_ROUNDS + TUKEY_ROUNDS if options.robust else PLAIN_ROUNDS
    for number in range(rounds):
        curves = _arrays(task, solution, noise, level_sd, weight)
        mu, slope2 = _expected(wells, curves)
        calm = TUKEY_CONSISTENCY if options.robust and number > HUBER_ROUNDS else 1.0
        noise, level_sd = _noise(task, curves, level_sd, weight, robust, calm)
        extra = slope2 * _level_variance(task, level_sd)
        if options.robust:
            z = np.where(there, y - mu[:, None], 0.0)
            z /= np.sqrt(noise.variance(mu)[:, None] / wells.counts + extra[:, None])
            factor = huber(z) if number < HUBER_ROUNDS else _tukey_or_huber(z, bears, wells.four)
            robust = np.where(there, factor, 0.0)
        weight = well_weights(wells, options, noise, mu, robust, extra)
        solution = solve(wells, y, weight, orientation, prior, start=solution.theta)
    if options.weights == "xponent":
        solution = outside_the_box(wells, y, weight, prior, solution)
    curves = _arrays(task, solution, noise, level_sd, weight)
    return _calibration(task, curves, solution, level_sd, weight, robust)


def _tukey_or_huber(z: Array, bears: NDArray[np.bool_], four: NDArray[np.bool_]) -> Array:
    """Tukey's weights; Huber's, which are never 0, for curves that would lose too many levels."""
    factor = tukey(z)
    left = ((factor > 0) & bears).any(1).sum(0)
    needed = np.where(four, LEVELS_NEEDED["4pl"], LEVELS_NEEDED["5pl"])
    return np.where(left >= needed, factor, huber(z))


def _noise_centre(wells: StandardWells) -> Array:
    """Where the noise (2, N) is looked for: by the lowest level's mean and the plate's highest."""
    there = np.isfinite(wells.y)
    n = there.sum(1)
    mean = np.where(there, wells.y, 0.0).sum(1) / np.maximum(n, 1)
    first = (n > 0).argmax(0)
    # the lowest well of a level: one that reads far too high is no measure of the plate
    own_top = np.where(n > 0, np.abs(np.where(there, wells.y, np.inf)).min(1), 0.0).max(0)
    top = np.array([own_top[wells.plate == plate].max() for plate in wells.plate])
    return prior_centre(np.take_along_axis(mean, first[None], 0)[0], top)


def _prior_noise(centre: Array) -> VarianceModel:
    """The noise before anything is estimated."""
    s0, cv = np.exp(centre)
    return VarianceModel(s0, cv, np.tile(np.eye(2), (len(s0), 1, 1)))


def _expected(wells: StandardWells, curves: CurveArrays) -> tuple[Array, Array]:
    """Expected response (n, N) of the levels, and its squared slope over ln x."""
    log_x = wells.log_x
    return curves.predict(log_x), curves.jacobian(log_x)[2] ** 2


def _level_variance(task: _Task, level_sd: Array) -> Array:
    """Variance (n, N) of the levels' ln concentrations, estimated and declared."""
    declared = task.options.dilution_error_pct / 100
    return np.asarray(level_sd**2 + task.wells.steps * declared**2)


def _noise(
    task: _Task,
    curves: CurveArrays,
    level_sd: Array,
    weight: Array,
    robust: Array,
    calm: float,
) -> tuple[VarianceModel, Array]:
    """Noise of wells and error of levels, from standards about the fit, and from replicates.

    A well counts by its robust weight; an outlier says nothing about the noise. `calm` makes up
    for the residuals that such weights shrink.
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
    replicates = Scatter(mu, within / calm, np.maximum(readings - own, 0.0), np.zeros_like(mu))
    leverage = weight.sum(1) * quadratic(curves.jacobian(wells.log_x), curves.covariance)
    freedom = own * np.clip(1.0 - leverage, 0.0, 1.0)
    pull = safe_n * slope2
    known = pull * _level_variance(task, level_sd)
    misfit = Scatter(mu, n * mean**2 / calm, freedom, known)
    groups = replicates.joined(misfit).joined(wells.samples)
    if wells.sd is not None:
        groups = groups.joined(_printed_scatter(wells.sd, wells.counts, mu, robust))
    noise = fit_variance(groups, task.noise, task.company)
    declared = replace(misfit, known=pull * _level_variance(task, 0.0 * level_sd))
    return noise, fit_level_error(declared, noise, pull, wells.plate)


def _printed_scatter(sd: Array, counts: Array, mu: Array, robust: Array) -> Scatter:
    """What the export prints of the wells behind its means of standards and blanks."""
    told = np.isfinite(sd) & (robust > 0)
    df = np.where(told, robust * (counts - 1), 0.0)
    ss = df * np.where(told, sd, 0.0) ** 2
    return Scatter(mu, ss.sum(1), df.sum(1), np.zeros_like(mu))


def _arrays(
    task: _Task, solution: Solution, noise: VarianceModel, level_sd: Array, weight: Array
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
    precision[2] = np.where(wells.four, FIXED, precision[2])
    declared = task.options.dilution_error_pct / 100
    shared = np.eye(len(wells.x))[:, :, None] * level_sd**2 + wells.shared_steps * declared**2
    covariance = sandwich(curves, wells.log_x, weight, precision, shared, wells.counts)
    return replace(curves, covariance=covariance)


def _calibration(
    task: _Task,
    curves: CurveArrays,
    solution: Solution,
    level_sd: Array,
    weight: Array,
    robust: Array,
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
    df = used.sum(1).sum(0) - np.where(wells.four, 4, 5)
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
