"""The peers in R on the curves of benchmarks/scenarios.py, beside the kernel in the same run.

    python benchmarks/peers.py [--curves 50] [--output FILE]

Runs benchmarks/peers.R where ``Rscript`` is; R packages that are not installed are named in the
table. Processor time is measured on either side, one core. Peers fit without a prior, so what they
reach is set against the plain least-squares optimum of an exhaustive search in their own family
(drc's LL.5 is orientation -, the formula given to nlsLM is orientation +). The search stays within
the kernel's box; a peer that finds something lower outside it counts as at the optimum.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from oracle import exhaustive
from scenarios import SCENARIOS, WITH_SIGNAL, simulate
from solver import REACHED, ROUNDS, SEED, Data, export, kernel, on_one_core, seconds, together

from cytokit.arrays import Floats
from cytokit.curves.solver import Prior

SCRIPT = Path(__file__).with_name("peers.R")
#: Curves of each scenario that the kernel is timed on: its speed is that of whole batches.
BATCH = 1000
NO_PRIOR = Prior(np.zeros((3, 1)), np.zeros((3, 1)))


@dataclass(frozen=True, slots=True)
class Peer:
    """What one R package did; `version` is empty where it is not installed."""

    name: str
    package: str
    version: str
    seconds: float
    answered: dict[str, Floats]  # by scenario
    objective: dict[str, Floats]

    @property
    def orientation(self) -> int:
        """Which five-parameter family it fits."""
        return -1 if self.package == "drc" else 1


def run_r(rscript: str, n_curves: int) -> list[Peer]:
    """Fit the first curves of every scenario with every peer."""
    with tempfile.TemporaryDirectory() as folder:
        curves, fits = Path(folder) / "curves.csv", Path(folder) / "fits.csv"
        export(curves, BATCH, n_curves)
        subprocess.run([rscript, str(SCRIPT), str(curves), str(fits)], check=True)
        with fits.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        with Path(f"{fits}.peers").open(encoding="utf-8", newline="") as stream:
            about = list(csv.DictReader(stream))
    peers = []
    for entry in about:
        answered = {name: np.zeros(n_curves) for name in SCENARIOS}
        objective = {name: np.full(n_curves, np.nan) for name in SCENARIOS}
        for row in rows:
            if row["peer"] == entry["peer"] and row["answered"] == "TRUE":
                place = row["scenario"], int(row["curve"])
                answered[place[0]][place[1]] = 1.0
                if row["objective"].strip() != "NA":
                    objective[place[0]][place[1]] = float(row["objective"])
        spent = float("nan") if entry["seconds"] == "NA" else float(entry["seconds"])
        peers.append(
            Peer(entry["peer"], entry["package"], entry["version"], spent, answered, objective)
        )
    return peers


def optimum(data: Data, orientation: int) -> dict[str, Floats]:
    """The plain least-squares optimum of every curve."""
    return {name: exhaustive(*levels, NO_PRIOR, orientation) for name, levels in data.items()}


def report(rscript: str, n_curves: int) -> Iterator[str]:
    """The lines of the report."""
    whole = {name: simulate(name, BATCH, SEED).levels() for name in SCENARIOS}
    data = {name: (x, y[:, :n_curves], w[:, :n_curves]) for name, (x, y, w) in whole.items()}
    version = subprocess.run([rscript, "--version"], capture_output=True, text=True, check=True)
    yield (version.stdout + version.stderr).strip()
    yield f"{n_curves} curves per scenario for the peers, {BATCH} for the kernel; seed {SEED}"
    batches = together(whole)
    kernel_time = min(seconds(lambda: kernel(batches)) for _ in range(ROUNDS))
    peers = run_r(rscript, n_curves)
    kernel_time = min(kernel_time, *(seconds(lambda: kernel(batches)) for _ in range(ROUNDS)))
    speed = len(SCENARIOS) * BATCH / kernel_time
    yield ""
    yield f"{'':18s}{'curves/s':>10s}{'kernel is':>12s}"
    yield f"{'kernel, MAP':18s}{speed:10,.0f}"
    for peer in peers:
        if not peer.version:
            yield f"{peer.name:18s}  {peer.package} is not installed"
            continue
        own = len(SCENARIOS) * n_curves / peer.seconds
        yield f"{peer.name:18s}{own:10,.0f}{speed / own:10,.0f} x   {peer.package} {peer.version}"
    installed = [peer for peer in peers if peer.version]
    best = {sign: optimum(data, sign) for sign in {peer.orientation for peer in installed}}
    for peer in installed:
        yield ""
        yield from details(peer, best[peer.orientation])


def details(peer: Peer, best: dict[str, Floats]) -> Iterator[str]:
    """Convergence and excess over the optimum of one peer, scenario by scenario."""
    yield f"{peer.name}: excess over the plain optimum, relative"
    yield f"{'scenario':14s}{'converged':>10s}{'<= 1e-6':>10s}{'median':>10s}{'largest':>10s}"
    reached = []
    for name in SCENARIOS:
        found = peer.objective[name]
        within = found <= best[name] * (1.0 + REACHED)  # false for those that failed
        if name in WITH_SIGNAL:
            reached.append(within)
        there = np.isfinite(found)
        line = f"{name:14s}{peer.answered[name].mean():10.0%}"
        if there.any():
            excess = np.maximum(found[there] / best[name][there] - 1.0, 0.0)
            line += f"{within.mean():10.0%}{np.median(excess):10.1e}{excess.max():10.1e}"
        yield line
    converged = np.mean([peer.answered[name] for name in WITH_SIGNAL])
    yield f"with signal: {converged:.1%} converged, {np.mean(reached):.1%} at the optimum"


def main() -> None:
    """Print the report, and write it to a file if asked."""
    on_one_core()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=50)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    rscript = shutil.which("Rscript")
    if rscript is None:
        sys.exit("Rscript is not on the path: install R to measure its packages")
    lines = []
    for line in report(rscript, options.curves):
        print(line, flush=True)
        lines.append(line)
    if options.output is not None:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
