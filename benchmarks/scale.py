"""A thousand plates of 96 wells and 50 analytes beside a hundred: time, memory, where it goes.

    python benchmarks/scale.py [--plates 1000] [--beside 100] [--jobs 1] [--output FILE]

Plates are simulated and written as xPONENT exports first; that is not timed. Each run is a fresh
process that calls ``cytokit.fit_to`` as ``cytokit fit`` does: every table, a page per plate, the
overview, the workbook, the manifest. Processor time is told apart by what it was spent on; with
``--jobs`` that is known of the whole alone. Peak memory is that of the largest process, and of the
workers with it. The curves of eight plates are then fitted again by the solver, and a sample of
them one at a time with lmfit, in turns and in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import cytokit
from cytokit.curves import platefit as chunks
from cytokit.curves.fit import fit_curves
from cytokit.curves.solver import fit_batch, weak_prior
from cytokit.options import FitOptions
from cytokit.parsers.read import read_file
from cytokit.results import stream
from cytokit.results import stream as tasks
from cytokit.results import write as parts
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import PlatePlan, panel, simulate_plate

SEED = 7
ANALYTES = 50
AIMS = {"memory_gb": 1.5, "growth": 1.1, "lmfit": 100.0, "imports": 4.0}
LMFIT_CURVES = 40
ROUNDS = 3
ONE_CORE = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
#: what the time of a function is spent on
SPENT_ON = (
    (tasks, "read_file", "reading"),
    (chunks, "fit_curves", "fitting"),
    (chunks, "quantify", "quantifying"),
    (chunks, "_plate_findings", "judging"),
    (parts, "whole_part", "tables"),
    (parts, "shown_page", "pages"),
    (stream, "finish_many", "ending"),
)
WRITING = ("tables", "pages", "ending", "the rest")


def simulate(folder: Path, plates: int) -> None:
    """Exports of plates with known truth, each from its own seed."""
    analytes = panel([f"Analyte {number + 1}" for number in range(ANALYTES)])
    plan = PlatePlan()
    for number in range(plates):
        rng = np.random.default_rng([SEED, number])
        levels = rng.normal(4.5, 1.5, size=(plan.capacity, ANALYTES))
        samples = {f"P{number + 1}-S{i + 1}": np.exp(row) for i, row in enumerate(levels)}
        name = f"plate_{number + 1:05d}"
        plate = simulate_plate(analytes, samples, rng=rng, plan=plan, name=name)
        (folder / f"{name}.csv").write_bytes(WRITERS["xponent"].write(plate))


@contextmanager
def watched(spent: dict[str, float]) -> Iterator[None]:
    """Processor time by what it is spent on."""

    def timed(function: Callable[..., Any], what: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            found = function(*args, **kwargs)
            if what == "judging":  # a generator: its work is done here
                found = list(found)
            spent[what] += time.process_time() - begun
            return found

        return call

    with ExitStack() as stack:
        for module, name, what in SPENT_ON:
            stack.enter_context(patch.object(module, name, timed(getattr(module, name), what)))
        yield


def one_run(folder: Path, plates: int, jobs: int) -> None:
    """Fit so many plates in this fresh process; figures as JSON on stdout."""
    files = sorted(map(str, folder.glob("*.csv")))[:plates]
    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory(dir=folder.parent) as area:
        goal = Path(area) / "results"
        begun, wall = time.process_time(), time.perf_counter()
        pool = ProcessPoolExecutor(jobs) if jobs > 1 else nullcontext()
        with watched(spent) if jobs == 1 else nullcontext(), pool as executor:
            cytokit.fit_to(goal, files, executor=executor, in_flight=2 * jobs)
        wall = time.perf_counter() - wall
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = time.process_time() - begun + children.ru_utime + children.ru_stime
        written = sum(path.stat().st_size for path in goal.rglob("*") if path.is_file())
        pages = sum(path.stat().st_size for path in (goal / "plates").glob("*"))
        rows = (goal / "wells.csv").read_bytes().count(b"\n") - 1
    if spent:
        spent["the rest"] = whole - sum(spent.values())
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = sum(Path(file).stat().st_size for file in files)
    figures = {
        "plates": len(files),
        "readings": rows,
        "wall": wall,
        "whole": whole,
        "spent": dict(spent),
        "memory_gb": (own + jobs * children.ru_maxrss * (jobs > 1)) / 1024**2,
        "read_mb": read / 1e6,
        "written_mb": written / 1e6,
        "pages_mb": pages / 1e6,
    }
    print(json.dumps(figures))


def beside_lmfit(folder: Path, fresh: int) -> Iterator[str]:
    """The curves of eight plates by the solver, a sample of them one at a time by lmfit."""
    import lmfit
    from solver import by_lmfit

    plates = [read_file(file)[0] for file in sorted(folder.glob("*.csv"))[:8]]
    means = []
    for plate in plates:
        own = plate.wells[plate.wells["expected"].notna()]
        own = own[own["well_type"].isin(["standard", "blank"])]
        means.append(own.pivot_table(index="expected", columns="analyte", values="mfi"))
    x = means[0].index.to_numpy(dtype=float)
    y = np.concatenate([table.to_numpy(dtype=float) for table in means], axis=1)
    w = 2.0 / (1.5**2 + (0.06 * y) ** 2)
    sample = np.linspace(0, y.shape[1] - 1, fresh).astype(int)
    ways = {
        "solver": (lambda: fit_batch(x, y, w, orientation=-1, prior=weak_prior(x)), y.shape[1]),
        "fit_curves": (lambda: fit_curves(plates, FitOptions()), y.shape[1]),
        "lmfit": (lambda: [by_lmfit(x, y[:, one], w[:, one]) for one in sample], len(sample)),
    }
    best = dict.fromkeys(ways, np.inf)
    for _ in range(ROUNDS):
        for name, (work, count) in ways.items():
            begun = time.process_time()
            with np.errstate(divide="ignore"):  # ln of the blank's concentration, for lmfit
                work()
            best[name] = min(best[name], (time.process_time() - begun) / count)
    yield f"curves of 8 plates ({y.shape[1]}), lmfit {lmfit.__version__} on {len(sample)} of them"
    yield f"  lmfit, one at a time              {1e3 * best['lmfit']:8.3f} ms a curve"
    ratio = best["lmfit"] / best["solver"]
    yield (
        f"  the solver, all in one call       {1e3 * best['solver']:8.3f} ms a curve,"
        f" {ratio:7.0f} x as fast (aim: {AIMS['lmfit']:g})"
    )
    yield (
        f"  fit_curves: both orientations, noise, robust weights, limits, tables"
        f"  {1e3 * best['fit_curves']:.3f} ms a curve, {best['lmfit'] / best['fit_curves']:.0f} x"
    )


def beside_imports(folder: Path) -> Iterator[str]:
    """``cytokit fit`` of one plate, page and workbook included, beside three imports."""
    plate = min(folder.glob("*.csv"))
    ways = {
        "imports": [sys.executable, "-c", "import pandas, scipy.optimize, matplotlib.pyplot"],
        "cytokit fit": [sys.executable, "-m", "cytokit_cli.main", "fit", str(plate), "--force"],
    }
    ways["cytokit fit"] += ["--out", str(folder.parent / "one")]
    best = dict.fromkeys(ways, np.inf)
    for _ in range(ROUNDS + 1):
        for name, command in ways.items():
            begun = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(command, env=os.environ | ONE_CORE, check=True, capture_output=True)
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            took = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
            best[name] = min(best[name], took)
    yield "one plate of 96 wells and 50 analytes, processor time of a fresh process"
    yield f"  import pandas, scipy.optimize, matplotlib.pyplot  {best['imports']:6.2f} s"
    ratio = best["cytokit fit"] / best["imports"]
    yield (
        f"  cytokit fit, page and workbook included           {best['cytokit fit']:6.2f} s,"
        f" {ratio:.2f} x (aim: at most {AIMS['imports']:g})"
    )


def told(figures: dict[str, Any]) -> Iterator[str]:
    """One run in words."""
    plates = figures["plates"]
    yield (
        f"{plates} plates, {ANALYTES * plates:,} curves, {figures['readings']:,} readings:"
        f" {figures['whole']:.0f} s of processor time, {figures['wall']:.0f} s by the clock"
    )
    yield f"  per plate      {1e3 * figures['whole'] / plates:8.1f} ms of processor time"
    for name in ("reading", "fitting", "quantifying", "judging", *WRITING):
        if name in figures["spent"]:
            title = f"writing: {name}" if name in WRITING else name
            yield f"    {title:18} {1e3 * figures['spent'][name] / plates:8.1f} ms"
    yield f"  peak memory    {figures['memory_gb']:8.2f} GB  (aim: under {AIMS['memory_gb']})"
    yield (
        f"  on disk        {figures['read_mb'] / plates:8.2f} MB read,"
        f" {figures['written_mb'] / plates:.2f} MB written a plate,"
        f" {figures['pages_mb'] / plates:.2f} of it its page"
    )


def verdicts(small: dict[str, Any], large: dict[str, Any]) -> Iterator[str]:
    """Whether the aims are met."""
    growth = (large["whole"] / large["plates"]) / (small["whole"] / small["plates"])
    yield f"time per plate, {large['plates']} beside {small['plates']}: {growth:.2f} x"
    spent = large["spent"]
    if spent:
        numbers = spent["fitting"] + spent["quantifying"]
        files = spent["reading"] + sum(spent[name] for name in WRITING)
        for what, seconds in (("", files), (" without the pages", files - spent["pages"])):
            yield (
                f"fitting and quantifying {numbers:.0f} s, reading and writing{what}"
                f" {seconds:.0f} s: {numbers / seconds:.2f} x (aim: under 1)"
            )


def fresh_run(folder: Path, plates: int, jobs: int) -> dict[str, Any]:
    """:func:`one_run` in a process of its own."""
    command = [sys.executable, __file__, "--run", str(folder), "--plates", str(plates)]
    command += ["--jobs", str(jobs)]
    done = subprocess.run(
        command, env=os.environ | ONE_CORE, check=True, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plates", type=int, default=1000)
    parser.add_argument("--beside", type=int, default=100, help="plates of the smaller run")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--run", type=Path, help="only fit the exports of this folder")
    options = parser.parse_args()
    if options.run is not None:
        one_run(options.run, options.plates, options.jobs)
        return 0
    lines: list[str] = []

    def say(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pandas", "scipy"))
    say(
        f"Python {platform.python_version()}, {packages}; {options.jobs} process(es), one core each"
    )
    with tempfile.TemporaryDirectory() as area:
        folder = Path(area) / "plates"
        folder.mkdir()
        simulate(folder, options.plates)
        for line in beside_imports(folder):
            say(line)
        small = fresh_run(folder, min(options.beside, options.plates), options.jobs)
        for line in told(small):
            say(line)
        for line in beside_lmfit(folder, LMFIT_CURVES):
            say(line)
        large = fresh_run(folder, options.plates, options.jobs)
        for line in (*told(large), *verdicts(small, large)):
            say(line)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
