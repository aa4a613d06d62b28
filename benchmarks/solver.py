"""The curve kernel beside lmfit and scipy's curve_fit, and against an exhaustive search.

    python benchmarks/solver.py [--curves 1000] [--peer-curves 10] [--output FILE]

One core, twelve scenarios, the weak prior (MAP). The peers fit the same level means with the same
weights, five parameters, from the usual start (extremes of y, middle of x, b = g = 1). Speeds on a
shared machine wander together, so the ratios are what to quote; kernel and peers are timed in turns
and the best of each counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # one core; read when numpy is imported

sys.path.insert(0, str(Path(__file__).parent))

import lmfit
import numpy as np
from oracle import exhaustive
from scenarios import SCENARIOS, WITH_SIGNAL, simulate
from scipy.optimize import curve_fit

from cytokit.curves.batch import BatchFit, fit_batch
from cytokit.curves.model import Array
from cytokit.curves.prior import weak_prior

SEED = 20
ROUNDS = 5
REACHED = 1e-6
Data = dict[str, tuple[Array, Array, Array]]


def curve(x: Array, a: float, d: float, b: float, log_c: float, g: float) -> Array:
    """The curve as most people write it."""
    with np.errstate(over="ignore", divide="ignore"):
        return d + (a - d) / (1.0 + np.exp(b * (np.log(x) - log_c))) ** g


def usual_start(x: Array, y: Array) -> dict[str, float]:
    """Extremes of y, middle of ln x, b = g = 1."""
    middle = float(np.log(x[x > 0]).mean())
    return {"a": float(y.min()), "d": float(y.max()), "b": 1.0, "log_c": middle, "g": 1.0}


def by_curve_fit(x: Array, y: Array, w: Array) -> float:
    """Weighted sum of squares reached by scipy, inf where it gave up."""
    try:
        found, _ = curve_fit(
            curve, x, y, p0=list(usual_start(x, y).values()), sigma=w**-0.5, maxfev=5000
        )
    except (RuntimeError, ValueError):
        return np.inf
    return float(np.sum(w * (y - curve(x, *found)) ** 2))


def by_lmfit(x: Array, y: Array, w: Array) -> float:
    """Weighted sum of squares reached by an lmfit Model."""
    model = lmfit.Model(curve)
    params = model.make_params(**usual_start(x, y))
    params["b"].set(min=0.01)
    params["g"].set(min=0.01)
    try:
        return float(model.fit(y, params, x=x, weights=w**0.5).chisqr)
    except ValueError:
        return np.inf


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def kernel(data: Data) -> dict[str, BatchFit]:
    """All scenarios, one batch each."""
    return {name: fit_batch(x, y, w, prior=weak_prior(x)) for name, (x, y, w) in data.items()}


def peer(
    fit: Callable[[Array, Array, Array], float], data: Data, n_curves: int
) -> dict[str, Array]:
    """The first curves of each scenario, one by one."""
    return {
        name: np.array([fit(x, y[:, i], w[:, i]) for i in range(n_curves)])
        for name, (x, y, w) in data.items()
    }


def report(n_curves: int, n_peer: int) -> Iterator[str]:
    """The lines of the report."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "lmfit"))
    yield f"Python {platform.python_version()}, {packages}; one core; seed {SEED}"
    yield f"{n_curves} curves per scenario for the kernel, {n_peer} for the peers"
    yield ""
    data = {name: simulate(name, n_curves, SEED).levels() for name in SCENARIOS}
    fits = kernel(data)
    yield "kernel, MAP, against an exhaustive search (excess of the objective, relative)"
    yield f"{'scenario':14s}{'converged':>10s}{'<= 1e-6':>10s}{'largest':>10s}{'curves/s':>10s}"
    reached = []
    for name, (x, y, w) in data.items():
        best = exhaustive(x, y, w, weak_prior(x))
        excess = fits[name].sse / np.minimum(best, fits[name].sse) - 1.0
        single: Data = {name: data[name]}
        fastest = min(seconds(lambda single=single: kernel(single)) for _ in range(ROUNDS))
        if name in WITH_SIGNAL:
            reached.append((excess <= REACHED, fits[name].converged))
        yield (
            f"{name:14s}{fits[name].converged.mean():10.2%}{(excess <= REACHED).mean():10.2%}"
            f"{excess.max():10.1e}{n_curves / fastest:10,.0f}"
        )
    optimum, converged = (np.concatenate(column) for column in zip(*reached, strict=True))
    yield (
        f"with signal: {converged.mean():.3%} converged, {optimum.mean():.3%} at the optimum "
        f"(goals: 100 %, 99.9 %)"
    )
    yield ""

    peers = {"scipy curve_fit": by_curve_fit, "lmfit": by_lmfit}
    times: dict[str, list[float]] = {name: [] for name in ("kernel", *peers)}
    ends: dict[str, dict[str, Array]] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the peers overflow and fail to estimate covariances
        for _ in range(ROUNDS):
            times["kernel"].append(seconds(lambda: kernel(data)))
            for name, fit in peers.items():
                started = time.perf_counter()
                ends[name] = peer(fit, data, n_peer)
                times[name].append(time.perf_counter() - started)
    speed = {
        name: (n_curves if name == "kernel" else n_peer) * len(data) / min(spent)
        for name, spent in times.items()
    }
    plain = {
        name: fit_batch(x, y[:, :n_peer], w[:, :n_peer]).sse for name, (x, y, w) in data.items()
    }
    yield f"{'':18s}{'curves/s':>10s}{'kernel is':>12s}{'reaches the plain optimum':>28s}"
    yield f"{'kernel':18s}{speed['kernel']:10,.0f}{'':>12s}{'':>28s}"
    for name in peers:
        share = np.mean(
            np.concatenate([ends[name][s] <= plain[s] * (1 + REACHED) for s in WITH_SIGNAL])
        )
        yield (
            f"{name:18s}{speed[name]:10,.0f}{speed['kernel'] / speed[name]:10,.0f} x{share:28.0%}"
        )
    yield "goals: 40,000 curves/s on an idle core, 40 x curve_fit, 150 x lmfit"


def main() -> None:
    """Print the report, and write it to a file if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=1000)
    parser.add_argument("--peer-curves", type=int, default=10)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = []
    for line in report(options.curves, options.peer_curves):
        print(line, flush=True)
        lines.append(line)
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
