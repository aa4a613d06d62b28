"""Twelve kinds of standard curve with known truth, for the benchmarks of this folder.

Each scenario draws 5PL curves of orientation + (asymmetry log-uniform in .3..3), measures two wells
per level and two blanks with proportional and constant error, and rounds readings to half units, as
instruments do. ``far_upper`` to ``hook`` are the ones that hurt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytokit.arrays import Floats
from cytokit.curves.logistic import log_concentration, psi, theta_from_natural

SCENARIOS = (
    "clean",
    "noisy",
    "low_noise",
    "no_upper",
    "far_upper",
    "no_lower",
    "weak",
    "flat",
    "outlier",
    "hook",
    "seven_levels",
    "ten_levels",
)
#: Scenarios whose curves rise above their noise.
WITH_SIGNAL = tuple(name for name in SCENARIOS if name != "flat")
REPLICATES = 2


@dataclass(frozen=True, slots=True)
class Wells:
    """Single wells x curves of one scenario, and the curves' true parameters."""

    x: Floats  # (wells,)
    y: Floats  # (wells, N)
    lower: Floats
    upper: Floats
    theta: Floats  # (3, N)
    cv: Floats
    noise: Floats

    def levels(self) -> tuple[Floats, Floats, Floats]:
        """Concentrations (n,), level means (n, N) and total weights 1/(.07 mean)^2 (n, N)."""
        x, index, counts = np.unique(self.x, return_inverse=True, return_counts=True)
        mean = np.stack([self.y[index == level].mean(axis=0) for level in range(x.size)])
        return x, mean, counts[:, None] / (0.07 * np.maximum(mean, 1.0)) ** 2


def series(scenario: str) -> Floats:
    """The dilution series: eight fourfold steps from 10,000, or seven or ten threefold ones."""
    steps, factor = {"seven_levels": (7, 3.0), "ten_levels": (10, 3.0)}.get(scenario, (8, 4.0))
    return np.asarray(1e4 / factor ** np.arange(steps)[::-1])


def simulate(scenario: str, n_curves: int, seed: int) -> Wells:
    """Draw the wells of `n_curves` curves; same seed, same wells."""
    rng = np.random.default_rng([seed, SCENARIOS.index(scenario)])
    standards = series(scenario)
    low, high = np.log(standards[0]), np.log(standards[-1])

    def uniform(start: float, stop: float) -> Floats:
        return rng.uniform(start, stop, n_curves)

    g = np.exp(uniform(np.log(0.3), np.log(3.0)))
    b = np.exp(uniform(np.log(0.8), np.log(1.8))) / np.sqrt(g)
    lower = np.exp(uniform(np.log(6.0), np.log(60.0)))
    upper = np.exp(uniform(np.log(6e3), np.log(25e3)))
    half = uniform(low + 0.45 * (high - low), low + 0.8 * (high - low))
    cv, noise = uniform(0.05, 0.10), 0.04 * lower + 1.5
    if scenario == "noisy":
        cv = uniform(0.12, 0.20)
    elif scenario == "low_noise":
        cv, noise = np.full(n_curves, 0.01), 0.01 * lower + 0.3
    elif scenario == "no_upper":
        half = uniform(high, high + 1.5)
    elif scenario == "far_upper":
        half, upper = uniform(high + 2.0, high + 4.0), 4.0 * upper
    elif scenario == "no_lower":
        half = uniform(low - 0.5, low + 1.0)
    elif scenario == "weak":
        upper = lower * uniform(3.0, 15.0)
    elif scenario == "flat":
        upper = lower.copy()

    # the response is half way where (1 + (x/c)^b)^g = 2
    theta = theta_from_natural(b, half - np.log(np.expm1(np.log(2.0) / g)) / b, g)
    x = np.concatenate([np.zeros(REPLICATES), np.repeat(standards, REPLICATES)])
    mean = lower + (upper - lower) * psi(log_concentration(x)[:, None], theta)
    y = mean * (1 + cv * rng.standard_normal(mean.shape)) + noise * rng.standard_normal(mean.shape)
    if scenario == "outlier":
        well = rng.integers(REPLICATES, x.size, n_curves)
        y[well, np.arange(n_curves)] *= np.where(rng.random(n_curves) < 0.5, 5.0, 0.2)
    elif scenario == "hook":
        y[-REPLICATES:] *= 0.75
    return Wells(x, np.maximum(np.round(2 * y) / 2, 0.5), lower, upper, theta, cv, noise)
