"""The curve kernel beside lmfit and scipy's curve_fit, and against an exhaustive search.

    python benchmarks/solver.py [--curves 1000] [--peer-curves 10] [--output FILE] [--export FILE]

One core, twelve scenarios, the weak prior (MAP); all curves of one dilution series in one call. The
peers fit the same level means with the same weights, five parameters, from the usual start
(extremes of y, middle of ln x, b = g = 1) and with their own defaults. Processor time is measured,
of kernel and peers in turns, and the best round of each counts; on a shared machine the ratios are
what to quote. ``--export`` writes the peers' curves as CSV; benchmarks/peers.py has those in R.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import lmfit
import numpy as np
from oracle import exhaustive
from scenarios import SCENARIOS, WITH_SIGNAL, simulate
from scipy.optimize import curve_fit

from cytokit.arrays import Floats
from cytokit.curves.solver import BatchFit, fit_batch, weak_prior

SEED = 20
ROUNDS = 5
ONE_CORE = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
REACHED = 1e-6
#: Readings of each curve that are inverted: a plate's worth.
READINGS = 96
Data = dict[str, tuple[Floats, Floats, Floats]]


def curve(log_x: Floats, a: float, d: float, b: float, log_c: float, g: float) -> Floats:
    """The curve as most people write it; ln x is -inf for a blank."""
    return d + (a - d) / (1.0 + np.exp(b * (log_x - log_c))) ** g


def usual_start(x: Floats, y: Floats) -> dict[str, float]:
    """Extremes of y, middle of ln x, b = g = 1."""
    middle = float(np.log(x[x > 0]).mean())
    return {"a": float(y.min()), "d": float(y.max()), "b": 1.0, "log_c": middle, "g": 1.0}


def by_curve_fit(x: Floats, y: Floats, w: Floats) -> float:
    """Weighted sum of squares reached by scipy, inf where it gave up."""
    try:
        found, _ = curve_fit(
            curve,
            np.log(x),
            y,
            p0=list(usual_start(x, y).values()),
            sigma=w**-0.5,
            check_finite=False,  # ln x of the blank
        )
    except (RuntimeError, ValueError):
        return np.inf
    return float(np.sum(w * (y - curve(np.log(x), *found)) ** 2))


def by_lmfit(x: Floats, y: Floats, w: Floats) -> float:
    """Weighted sum of squares reached by an lmfit Model."""
    model = lmfit.Model(curve)
    params = model.make_params(**usual_start(x, y))
    params["b"].set(min=0.01)
    params["g"].set(min=0.01)
    try:
        return float(model.fit(y, params, log_x=np.log(x), weights=w**0.5).chisqr)
    except ValueError:
        return np.inf


def seconds(run: Callable[[], object]) -> float:
    """Processor time of one call: waiting for others on a shared machine does not count."""
    started = time.process_time()
    run()
    return time.process_time() - started


def together(data: Data) -> list[tuple[Floats, Floats, Floats]]:
    """The same curves, one batch for each dilution series."""
    batches: dict[bytes, list[tuple[Floats, Floats, Floats]]] = {}
    for x, y, w in data.values():
        batches.setdefault(x.tobytes(), []).append((x, y, w))
    return [
        (group[0][0], np.hstack([y for _, y, _ in group]), np.hstack([w for _, _, w in group]))
        for group in batches.values()
    ]


def kernel(batches: list[tuple[Floats, Floats, Floats]]) -> list[BatchFit]:
    """Fit each batch in one call."""
    return [fit_batch(x, y, w, prior=weak_prior(x)) for x, y, w in batches]


def peer(fit: Callable[[Floats, Floats, Floats], float], data: Data) -> dict[str, Floats]:
    """All curves, one by one."""
    return {
        name: np.array([fit(x, y[:, i], w[:, i]) for i in range(y.shape[1])])
        for name, (x, y, w) in data.items()
    }


def against_the_oracle(data: Data) -> Iterator[str]:
    """Convergence, excess over the exhaustive search and speed, one line per scenario."""
    yield "kernel, MAP, against an exhaustive search (excess of the objective, relative)"
    yield f"{'scenario':14s}{'converged':>10s}{'<= 1e-6':>10s}{'largest':>10s}{'curves/s':>10s}"
    good, converged = [], []
    for name, (x, y, w) in data.items():
        (fit,) = kernel([(x, y, w)])
        best = exhaustive(x, y, w, weak_prior(x))
        excess = fit.sse / np.minimum(best, fit.sse) - 1.0
        fastest = min(seconds(lambda one=(x, y, w): kernel([one])) for _ in range(ROUNDS))
        if name in WITH_SIGNAL:
            good.append(excess <= REACHED)
            converged.append(fit.converged)
        yield (
            f"{name:14s}{fit.converged.mean():10.2%}{(excess <= REACHED).mean():10.2%}"
            f"{excess.max():10.1e}{y.shape[1] / fastest:10,.0f}"
        )
    yield (
        f"with signal: {np.mean(converged):.3%} converged, {np.mean(good):.3%} at the optimum "
        "(goals: 100 %, 99.9 %)"
    )


def against_the_peers(data: Data, few: Data) -> Iterator[str]:
    """Speeds in one run, in turns; and how often the peers reach the plain optimum."""
    peers = {"scipy curve_fit": by_curve_fit, "lmfit": by_lmfit}
    batches = together(data)
    times: dict[str, list[float]] = {name: [] for name in ("kernel", *peers)}
    ends: dict[str, dict[str, Floats]] = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the peers overflow and fail to estimate covariances
        for _ in range(ROUNDS):
            times["kernel"].append(seconds(lambda: kernel(batches)))
            for name, fit in peers.items():
                started = time.process_time()
                ends[name] = peer(fit, few)
                times[name].append(time.process_time() - started)
    counts = {name: sum(y.shape[1] for _, y, _ in few.values()) for name in peers}
    counts["kernel"] = sum(y.shape[1] for _, y, _ in data.values())
    speed = {name: counts[name] / min(spent) for name, spent in times.items()}
    plain = {name: fit_batch(*levels).sse for name, levels in few.items()}
    yield f"{'':18s}{'curves/s':>10s}{'kernel is':>12s}{'reaches the plain optimum':>28s}"
    yield f"{'kernel':18s}{speed['kernel']:10,.0f}"
    for name in peers:
        reached = [ends[name][s] <= plain[s] * (1 + REACHED) for s in WITH_SIGNAL]
        yield (
            f"{name:18s}{speed[name]:10,.0f}{speed['kernel'] / speed[name]:10,.0f} x"
            f"{np.mean(reached):28.0%}"
        )
    x, y, w = data["clean"]
    for size in (1, 50):
        small = [(x, y[:, :size], w[:, :size])]
        spent = min(seconds(lambda small=small: kernel(small)) for _ in range(10 * ROUNDS))
        yield f"kernel, {size} curve{'s' * (size > 1)} at a time: {1e3 * spent:.1f} ms"
    yield from answers(x, y, w)
    yield "goals: 40,000 curves/s on an idle core, 40 x curve_fit, 150 x lmfit (processor time)"


def answers(x: Floats, y: Floats, w: Floats) -> Iterator[str]:
    """Speed of what is asked of fitted curves: their covariance, and concentrations of readings."""
    prior = weak_prior(x)
    fit = fit_batch(x, y, w, prior=prior)
    readings = np.tile(y, (READINGS // y.shape[0] + 1, 1))[:READINGS]
    covariance = min(seconds(lambda: fit.covariance(x, w, prior)) for _ in range(10 * ROUNDS))
    inversion = min(seconds(lambda: fit.invert(readings)) for _ in range(10 * ROUNDS))
    yield f"covariance: {y.shape[1] / covariance:,.0f} curves/s"
    yield f"inversion: {readings.size / inversion / 1e6:.1f} million readings/s"


def report(n_curves: int, n_peer: int) -> Iterator[str]:
    """The lines of the report."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "lmfit"))
    yield f"Python {platform.python_version()}, {packages}; one core; seed {SEED}"
    yield f"{n_curves} curves per scenario for the kernel, the first {n_peer} for the peers"
    yield ""
    data = {name: simulate(name, n_curves, SEED).levels() for name in SCENARIOS}
    yield from against_the_oracle(data)
    yield ""
    yield from against_the_peers(data, first(data, n_peer))


def first(data: Data, n_curves: int) -> Data:
    """The first curves of each scenario."""
    return {name: (x, y[:, :n_curves], w[:, :n_curves]) for name, (x, y, w) in data.items()}


def export(file: Path, n_curves: int, n_peer: int) -> None:
    """The peers' curves as CSV: scenario, curve, x, y, w."""
    data = {name: simulate(name, n_curves, SEED).levels() for name in SCENARIOS}
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["scenario", "curve", "x", "y", "w"])
        for name, (x, y, w) in first(data, n_peer).items():
            for i in range(y.shape[1]):
                writer.writerows(
                    [name, i, repr(float(a)), repr(float(b)), repr(float(c))]
                    for a, b, c in zip(x, y[:, i], w[:, i], strict=True)
                )


def on_one_core() -> None:
    """Start again with one thread: this must stand in the environment before numpy is loaded."""
    if not ONE_CORE.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_CORE)


def main() -> None:
    """Print the report, and write it to a file if asked."""
    on_one_core()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=1000)
    parser.add_argument("--peer-curves", type=int, default=10)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--export", type=Path)
    options = parser.parse_args()
    if options.export is not None:
        export(options.export, options.curves, options.peer_curves)
        return
    lines = []
    for line in report(options.curves, options.peer_curves):
        print(line, flush=True)
        lines.append(line)
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
