"""Weights of single standard wells: by the variance model, or by a classical or vendor's rule."""

from __future__ import annotations

import numpy as np

from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.weights import VarianceModel
from cytokit.curves.wells import LARGEST, LEAST_SIGNAL, StandardWells

VENDOR_RULES = ("xponent", "bioplex")


def well_weights(
    wells: StandardWells,
    options: FitOptions,
    noise: VarianceModel,
    mu: Array,
    robust: Array,
    extra: Array,
) -> Array:
    """Weight of each well, in units of 1 / variance.

    Parameters
    ----------
    wells : StandardWells
    options : FitOptions
        Its `weights` name the rule.
    noise : VarianceModel
    mu : (n, N) array
        Expected response of each level.
    robust : (n, R, N) array
        Robust factor of each well; 0 where there is none.
    extra : (n, N) array
        Variance that a declared dilution error adds to a level, common to its wells.

    Returns
    -------
    (n, R, N) array
    """
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


def _rule_scale(rule: Array, variance: Array) -> Array:
    """Factor (N,) that brings a rule's weights to the noise's own size, as priors need."""
    used = rule > 0
    log_ratio = np.where(used, np.log(np.where(used, rule, 1.0) * variance), 0.0)
    count = np.maximum(used.sum((0, 1)), 1)
    return np.asarray(np.exp(-log_ratio.sum(1).sum(0) / count))


def rule_weights(rule: str, y: Array, background: Array) -> Array:
    """Weights of single standard wells by a classical or vendor's rule.

    Parameters
    ----------
    rule : {"1/y2", "1/y", "none", "xponent", "bioplex"}
        ``1/y2`` and ``1/y`` take the level's mean, never the single reading. ``xponent``:
        1 / net MFI^2 of the single well, 1 where it is 0, blanks are no point. ``bioplex``:
        1 / (mean raw FI)^1.8 for the level as one point. Both vendors' rules were checked
        numerically against their exports.
    y : (n, R, N) array
        Levels x wells x curves, raw MFI; the first level is the blank where `blank_first`.
    background : (N,) array
        What the vendor subtracts: the mean blank.

    Returns
    -------
    (n, R, N) array
        0 where there is no reading.
    """
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
