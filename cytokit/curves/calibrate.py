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
from cytokit.curves.batch import LEVELS_NEEDED, fit_batch
from cytokit.curves.company import mix, pooled_prior, prefers_minus
from cytokit.curves.covariance import sandwich
from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.prior import Prior, weak_prior
from cytokit.curves.weights import (
    Scatter,
    VarianceModel,
    fit_variance,
    huber,
    prior_centre,
    rule_weights,
    tukey,
)
from cytokit.curves.wells import Calibration, StandardWells

__all__ = ["VENDOR_RULES", "Calibration", "StandardWells", "calibrate"]

VENDOR_RULES = ("xponent", "bioplex")
HUBER_ROUNDS, TUKEY_ROUNDS, PLAIN_ROUNDS = 2, 4, 4
#: a standard well this far off (in sd) does not speak about the noise
NOISE_REJECT = 3.5
#: precision that holds a coordinate of theta still
FIXED = 1e12
POOL_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Solution:
    """One round's solution, before its uncertainty."""

    theta: Array
    lower: Array
    upper: Array
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]


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
    company = wells.analyte if options.pool else wells.plate
    signs = (-1,) if options.weights in VENDOR_RULES else (1, -1)
    ways = [np.full(len(company), sign) for sign in signs]
    priors = _default_prior(wells, options)
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


def _default_prior(wells: StandardWells, options: FitOptions) -> Prior:
    """The weak prior of each curve, or one that says nothing."""
    size = wells.x.shape[1]
    mean, precision = np.zeros((3, size)), np.zeros((3, size))
    if options.prior != "none":
        for members in _designs(wells):
            design = weak_prior(np.exp(_design_log_x(wells, members)))
            mean[:, members], precision[:, members] = design.mean, design.precision
    return Prior(mean, precision)


def _designs(wells: StandardWells) -> list[NDArray[np.intp]]:
    """Curves that share a dilution series up to a factor, and the number of parameters."""
    keys = [
        (bool(four), tuple(np.round(column, 10)))
        for four, column in zip(wells.four, wells.log_x.T, strict=True)
    ]
    groups: dict[tuple[bool, tuple[float, ...]], list[int]] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, []).append(number)
    return [np.array(members) for members in groups.values()]


def _design_log_x(wells: StandardWells, members: NDArray[np.intp]) -> Array:
    """The shared levels of one design, blanks at X_ZERO."""
    return np.round(wells.log_x[:, members[0]], 10)


def _iterate(
    wells: StandardWells,
    options: FitOptions,
    orientation: NDArray[np.int64],
    prior: Prior,
    company: NDArray[np.intp],
) -> Calibration:
    """Iterated weighting around the solver for one choice of orientation."""
    there = np.isfinite(wells.y)
    y = np.where(there, wells.y, 0.0)
    blank = _blank_response(wells)
    noise = _prior_noise(blank)
    level_mean = y.sum(1) / np.maximum(there.sum(1), 1)
    robust = there.astype(float)
    weight = _weights(wells, options, noise, level_mean[:, None], robust, np.zeros_like(wells.x))
    solution = _solve(wells, y, weight, orientation, prior, start=None)
    rounds = HUBER_ROUNDS + TUKEY_ROUNDS if options.robust else PLAIN_ROUNDS
    for number in range(rounds):
        curves = _arrays(wells, solution, orientation, noise, weight, robust, prior, options)
        mu, extra = _expected(wells, curves, options)
        noise = _noise(wells, curves, mu, extra, weight, company, blank)
        if options.robust:
            z = np.where(there, y - mu[:, None], 0.0)
            z /= np.sqrt(noise.variance(mu) + extra)[:, None]
            factor = huber(z) if number < HUBER_ROUNDS else _tukey_or_huber(z, there, wells.four)
            robust = np.where(there, factor, 0.0)
        weight = _weights(wells, options, noise, mu[:, None], robust, extra)
        solution = _solve(wells, y, weight, orientation, prior, start=solution.theta)
    curves = _arrays(wells, solution, orientation, noise, weight, robust, prior, options)
    return _calibration(wells, curves, solution, weight, robust, options)


def _tukey_or_huber(z: Array, there: NDArray[np.bool_], four: NDArray[np.bool_]) -> Array:
    """Tukey's weights; Huber's, which are never 0, for curves that would lose too many levels."""
    factor = tukey(z)
    left = ((factor > 0) & there).any(1).sum(0)
    needed = np.where(four, LEVELS_NEEDED["4pl"], LEVELS_NEEDED["5pl"])
    return np.where(left >= needed, factor, huber(z))


def _blank_response(wells: StandardWells) -> Array:
    """Mean response of the lowest level that has readings, (N,)."""
    there = np.isfinite(wells.y)
    n = there.sum(1)
    mean = np.where(there, wells.y, 0.0).sum(1) / np.maximum(n, 1)
    first = (n > 0).argmax(0)
    return np.asarray(np.take_along_axis(mean, first[None], 0)[0])


def _prior_noise(blank: Array) -> VarianceModel:
    """The noise before anything is estimated."""
    s0, cv = np.exp(prior_centre(blank))
    return VarianceModel(s0, cv, np.tile(np.eye(2), (len(blank), 1, 1)))


def _expected(
    wells: StandardWells, curves: CurveArrays, options: FitOptions
) -> tuple[Array, Array]:
    """Expected response (n, N), and the variance a declared dilution error adds to it."""
    log_x = wells.log_x
    mu = curves.predict(log_x)
    if options.dilution_error_pct == 0:
        return mu, np.zeros_like(mu)
    slope = curves.jacobian(log_x)[2]
    return mu, slope**2 * wells.steps * (options.dilution_error_pct / 100) ** 2


def _noise(
    wells: StandardWells,
    curves: CurveArrays,
    mu: Array,
    extra: Array,
    weight: Array,
    company: NDArray[np.intp],
    blank: Array,
) -> VarianceModel:
    """Variance model from the standards about the fit, their replicates and the samples."""
    sd = np.sqrt(curves.noise.variance(mu) + extra)[:, None]
    there = np.isfinite(wells.y)
    residual = np.where(there, wells.y - mu[:, None], 0.0)
    speaks = there & (np.abs(residual) <= NOISE_REJECT * sd)
    n = speaks.sum(1)
    mean = np.where(speaks, residual, 0.0).sum(1) / np.maximum(n, 1)
    within = np.where(speaks, residual - mean[:, None], 0.0)
    replicates = Scatter(
        mu, (within**2).sum(1), np.maximum(n - 1, 0).astype(float), np.zeros_like(mu)
    )
    leverage = weight.sum(1) * quadratic(curves.jacobian(wells.log_x), curves.covariance)
    freedom = np.where(n > 0, np.clip(1.0 - leverage, 0.0, 1.0), 0.0)
    misfit = Scatter(mu, n * mean**2, freedom, n * extra)
    return fit_variance(replicates.joined(misfit).joined(wells.samples), blank, company)


def _weights(
    wells: StandardWells,
    options: FitOptions,
    noise: VarianceModel,
    mu: Array,
    robust: Array,
    extra: Array,
) -> Array:
    """Weight of each well (n, R, N), in units of 1 / variance."""
    if options.weights == "model":
        n = np.maximum(np.isfinite(wells.y).sum(1), 1)
        # a level's dilution error is common to its wells: shared out so that the level's mean
        # has the right variance
        variance = noise.variance(mu[:, 0]) + n * extra
        return robust / variance[:, None]
    rule = rule_weights(options.weights, wells.y, wells.background)
    if options.weights in VENDOR_RULES:
        rule = np.where((wells.x == 0)[:, None], 0.0, rule)
    return rule * robust * _rule_scale(rule, noise.variance(mu))


def _rule_scale(rule: Array, variance: Array) -> Array:
    """Factor (N,) that brings a rule's weights to the noise's own size, as priors need."""
    used = rule > 0
    log_ratio = np.where(used, np.log(np.where(used, rule, 1.0) * variance), 0.0)
    count = np.maximum(used.sum((0, 1)), 1)
    return np.asarray(np.exp(-log_ratio.sum(1).sum(0) / count))


def _solve(
    wells: StandardWells,
    y: Array,
    weight: Array,
    orientation: NDArray[np.int64],
    prior: Prior,
    start: Array | None,
) -> _Solution:
    """One weighted fit of every curve, batch by batch."""
    total = weight.sum(1)
    mean = (weight * y).sum(1) / np.where(total > 0, total, 1.0)
    size = y.shape[2]
    theta, plateaus = np.empty((3, size)), np.empty((2, size))
    flags = np.empty((2, size), dtype=bool)
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
                model="4pl" if wells.four[members[0]] else "5pl",
            )
            theta[:, members] = fit.theta
            plateaus[:, members] = fit.lower, fit.upper
            flags[:, members] = fit.converged, fit.at_bound[1:].any(0)
    return _Solution(theta, plateaus[0], plateaus[1], flags[0], flags[1])


def _arrays(
    wells: StandardWells,
    solution: _Solution,
    orientation: NDArray[np.int64],
    noise: VarianceModel,
    weight: Array,
    robust: Array,
    prior: Prior,
    options: FitOptions,
) -> CurveArrays:
    """Curves with the covariance of their parameters."""
    size = wells.x.shape[1]
    blank = np.zeros((size, 5, 5))
    curves = CurveArrays(
        solution.theta,
        solution.lower,
        solution.upper,
        orientation,
        np.log(wells.top),
        blank,
        noise,
    )
    precision = prior.precision.copy()
    precision[2] = np.where(wells.four, FIXED, precision[2])
    shared = None
    if options.dilution_error_pct:
        shared = wells.shared_steps * (options.dilution_error_pct / 100) ** 2
    covariance = sandwich(curves, wells.log_x, weight, precision, shared)
    return replace(curves, covariance=covariance)


def _calibration(
    wells: StandardWells,
    curves: CurveArrays,
    solution: _Solution,
    weight: Array,
    robust: Array,
    options: FitOptions,
) -> Calibration:
    """The fit with its measures of agreement."""
    there = np.isfinite(wells.y)
    mu, extra = _expected(wells, curves, options)
    residual = np.where(there, wells.y - mu[:, None], 0.0)
    used = weight > 0
    chi2 = (robust * residual**2 / (curves.noise.variance(mu) + extra)[:, None]).sum(1)
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
        weight,
        np.where(there, robust, np.nan),
        chi2,
        df.astype(float),
        r2,
        solution.converged,
        solution.at_bound,
    )
