"""An exhaustive oracle for single curves that shares nothing with the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import least_squares


@dataclass(frozen=True)
class Optimum:
    """The best point over many starts: objective, a, s and (m, eta, k)."""

    sse: float
    a: float
    s: float
    theta: np.ndarray


def shape(log_x, theta, orientation):
    """The curve's shape, written out from its textbook form (x = 0 given as -inf)."""
    m, eta, k = theta
    g = np.exp(k)
    b = np.exp(eta) * ((1 + g) / g) ** (1 + g)
    log_c = m + orientation * k / b
    with np.errstate(over="ignore"):
        t = b * (log_x - log_c)
        if orientation > 0:
            return -np.expm1(-g * np.logaddexp(0.0, t))
        return np.exp(-g * np.logaddexp(0.0, -t))


def exhaustive(x, y, w, prior=None, orientation=1, model="5pl", n_starts=5, max_nfev=80) -> Optimum:
    """Fine grid, then scipy's bounded trust region from its best points that lie apart."""
    used = w > 0
    x, y, w = x[used], y[used], w[used]
    log_x = np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), -np.inf)
    positive = log_x[np.isfinite(log_x)]
    low = np.array([positive.min() - np.log(30.0), np.log(0.1), np.log(0.1)])
    high = np.array([positive.max() + np.log(1000.0), np.log(5.0), np.log(10.0)])
    free = np.array([True, True, model == "5pl"])
    mean = np.zeros(3) if prior is None else prior.mean[:, 0]
    root_precision = np.zeros(3) if prior is None else np.sqrt(prior.precision[:, 0])
    root_w = np.sqrt(w)

    def whole(point):
        theta = np.zeros(3)
        theta[free] = point
        return theta

    def linear(theta):
        f = shape(log_x, theta, orientation)
        f_mean, y_mean = np.average(f, weights=w), np.average(y, weights=w)
        spread = np.sum(w * (f - f_mean) ** 2)
        s = np.sum(w * (f - f_mean) * (y - y_mean)) / spread if spread > 1e-26 * w.sum() else 0.0
        return y_mean - s * f_mean, s, f

    def residuals(point):
        theta = whole(point)
        a, s, f = linear(theta)
        return np.concatenate([root_w * (y - a - s * f), root_precision * (theta - mean)])

    axes = [np.linspace(low[j], high[j], (16, 10, 7)[j]) for j in range(3) if free[j]]
    grid = np.stack([v.ravel() for v in np.meshgrid(*axes, indexing="ij")], axis=1)
    scores = np.array([np.sum(residuals(point) ** 2) for point in grid])
    chosen: list[np.ndarray] = []
    for index in np.argsort(scores):
        far = [np.abs(grid[index] - other).max() > 0.6 for other in chosen]
        if all(far):
            chosen.append(grid[index])
        if len(chosen) == n_starts:
            break
    best = (np.inf, chosen[0])
    for start in chosen:
        found = least_squares(
            residuals,
            np.clip(start, low[free] + 1e-9, high[free] - 1e-9),
            bounds=(low[free], high[free]),
            jac="3-point",
            x_scale="jac",
            ftol=1e-14,
            xtol=1e-14,
            gtol=1e-14,
            max_nfev=max_nfev,
        )
        if 2 * found.cost < best[0]:
            best = (2 * found.cost, found.x)
    theta = whole(best[1])
    a, s, _ = linear(theta)
    return Optimum(best[0], a, s, theta)


@pytest.fixture(scope="session")
def oracle() -> Callable[..., Optimum]:
    """The exhaustive search, as a function of (x, y, w, prior, orientation, model, ...)."""
    return exhaustive


@pytest.fixture(scope="session")
def draw() -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Level means and weights of random 5PL curves: (x, y, w) for a seed and a number."""

    def draw_curves(seed: int, n_curves: int, noise: float = 0.06):
        rng = np.random.default_rng(seed)
        x = np.r_[0.0, 1e4 / 4.0 ** np.arange(8)[::-1]]
        log_x = np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), -np.inf)
        y = np.empty((x.size, n_curves))
        for i in range(n_curves):
            theta = [rng.uniform(4.0, 8.0), np.log(rng.uniform(0.15, 0.5)), rng.uniform(-1.0, 1.0)]
            lower, span = np.exp(rng.uniform(2.0, 4.0)), np.exp(rng.uniform(8.5, 10.0))
            y[:, i] = lower + span * shape(log_x, theta, 1)
        y *= 1 + noise * rng.standard_normal(y.shape)
        return x, y, 2.0 / (0.07 * np.maximum(y, 1.0)) ** 2

    return draw_curves
