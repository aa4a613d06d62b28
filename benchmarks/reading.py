"""How fast and how lean reading is, beside pandas.read_csv of the same cells.

An xPONENT export of 96 wells and 50 analytes with the statistics that real exports carry is read
by ``cytokit.read_plate``; the very same cells are written as one plain table (block, well, sample,
one column per analyte) and read by ``pandas.read_csv``. The aim is at most five times its time. An
export of 384 wells and 100 analytes must stay under 300 MB of memory (peak of the whole process,
Python and pandas included).

    python benchmarks/reading.py
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from cytokit.parsers.read import read_plate

PER_WELL = (
    "Median",
    "Net MFI",
    "Count",
    "Result",
    "Range",
    "Mean",
    "%CV",
    "Peak",
    "Std Dev",
    "Trimmed Count",
    "Trimmed Mean",
    "Trimmed % CV of Microspheres",
    "Trimmed Peak",
    "Trimmed Standard Deviation",
    "Comments",
)
REPEATS = 25
AIM = 5.0
MEMORY_MB = 300


def wells_of(size: int) -> list[str]:
    rows, columns = (8, 12) if size == 96 else (16, 24)
    return [f"{chr(65 + row)}{column + 1}" for column in range(columns) for row in range(rows)]


def sample_of(index: int) -> str:
    if index < 2:
        return "Background0"
    return f"Standard{index // 2}" if index < 18 else f"Unknown{index // 2}"


def cells_of(block: str, shape: tuple[int, int], rng: np.random.Generator) -> list[list[str]]:
    """Numbers as xPONENT prints them; flags where it prints flags."""
    if block in ("Range", "Comments"):
        return [[""] * shape[1] for _ in range(shape[0])]
    if block.endswith("Count"):
        return [[str(n) for n in row] for row in rng.integers(50, 200, shape)]
    if block == "Result":
        values = np.exp(rng.normal(4, 2, shape))
        return [
            [("NaN" if i < 2 else "< 3.2") if v < 3.2 or i < 2 else repr(float(v)) for v in row]
            for i, row in enumerate(values)
        ]
    values = np.round(np.exp(rng.normal(6, 2, shape)), 2)
    return [[f"{v:g}" for v in row] for row in values]


def export(size: int, plex: int) -> tuple[str, str]:
    """The same cells as an xPONENT export and as one plain table."""
    rng = np.random.default_rng(20)
    wells, names = wells_of(size), [f"Analyte {k + 1}" for k in range(plex)]
    samples = [sample_of(index) for index in range(len(wells))]
    blocks, plain = io.StringIO(), io.StringIO()
    write = csv.writer(blocks, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow
    table = csv.writer(plain, lineterminator="\r\n")
    table.writerow(["block", "location", "sample", *names, "events"])
    write(["Program", "xPONENT", "", "MAGPIX"])
    write(["Batch", f"benchmark {size} x {plex}"])
    for row in ([], ["Samples", str(size), "Min Events", "50", "Per Bead"], [], ["Results"], []):
        write(row)
    for block in PER_WELL:
        write(["DataType:", block])
        write(["Location", "Sample", *names, "Total Events"])
        for index, row in enumerate(cells_of(block, (len(wells), plex), rng)):
            where = f"{index + 1}(1,{wells[index]})"
            write([where, samples[index], *row, "4000"])
            table.writerow([block, where, samples[index], *row, "4000"])
        write([])
    write(["DataType:", "Units"])
    write(["Analyte:", *names])
    write(["BeadID:", *[str(12 + k) for k in range(plex)]])
    write(["Units:", *["pg/mL"] * plex])
    write([])
    write(["DataType:", "Standard Expected Concentration"])
    write(["Reagent", *names])
    for level in range(1, 9):
        write([f"Standard{level}", *[f"{10000 / 4 ** (8 - level):g}"] * plex])
    write([])
    write(["-- CRC --"])
    write(["CRC32: 00000000"])
    return blocks.getvalue(), plain.getvalue()


def medians(*actions: Callable[[], object]) -> list[float]:
    """The median time of one call of each in seconds, in turns and after one call to warm up."""
    times: list[list[float]] = [[] for _ in actions]
    for turn in range(REPEATS + 1):
        for action, taken in zip(actions, times, strict=True):
            begun = time.perf_counter()
            action()
            if turn:
                taken.append(time.perf_counter() - begun)
    return [statistics.median(taken) for taken in times]


def compare_speed(folder: Path) -> float:
    blocks, plain = export(96, 50)
    plate, table = folder / "plate.csv", folder / "plain.csv"
    plate.write_text(blocks, encoding="utf-8", newline="")
    table.write_text(plain, encoding="utf-8", newline="")
    ours, theirs = medians(
        lambda: read_plate(plate), lambda: pd.read_csv(table, na_values=["< 3.2"])
    )
    ratio = ours / theirs
    print(f"96 wells, 50 analytes, {len(PER_WELL)} statistics, {len(blocks) / 1e6:.2f} MB")
    print(f"  cytokit.read_plate  {ours * 1e3:7.1f} ms")
    print(f"  pandas.read_csv     {theirs * 1e3:7.1f} ms")
    print(f"  ratio               {ratio:7.2f}    (aim: at most {AIM:g})")
    return ratio


def large_plate(file: Path) -> float:
    """Read in this fresh process, whose peak is then that of reading."""
    begun = time.perf_counter()
    read = read_plate(file)
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = file.stat().st_size / 1e6
    print(f"384 wells, 100 analytes, {size:.1f} MB: {len(read.wells)} readings in {took:.2f} s")
    print(f"  peak memory         {peak:7.0f} MB  (aim: under {MEMORY_MB})", flush=True)
    return peak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", type=Path, help="only read this file and say the peak")
    options = parser.parse_args()
    if options.memory is not None:
        return int(large_plate(options.memory) >= MEMORY_MB)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ratio = compare_speed(folder)
        large = folder / "large.csv"
        large.write_text(export(384, 100)[0], encoding="utf-8", newline="")
        done = subprocess.run([sys.executable, __file__, "--memory", str(large)], check=False)
    return int(ratio > AIM or done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
