"""Damage plate files in every way and read them: a plate, or an error that names the place.

Real exports (where they lie, see tests/conftest.py) and simulated ones are cut, flipped, thinned,
doubled, re-delimited, re-encoded and rezipped, at least 20,000 times. Each outcome must be a read
or a CytokitError whose message names the file: no other exception, no reading over 5 s, no more
than 1 GB of memory.

    python benchmarks/fuzz_parsers.py --rounds 20000 --seed 1

The exit code is 1 if an outcome was anything else; such inputs are kept in ``--keep DIR``.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import resource
import signal
import sys
import time
import traceback
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np

from cytokit.errors import CytokitError
from cytokit.parsers import recognise
from cytokit.simulate import CYTOKINES, PlatePlan, simulate_plate
from cytokit.simulate.writers import WRITERS
from cytokit.sources import RawFile

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 5
MEMORY_MB = 1024
Damage = Callable[[bytes, np.random.Generator], bytes]


class TooSlowError(Exception):
    """A reading took longer than it may."""


def cut_end(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(0, len(data))]


def cut_middle(data: bytes, rng: np.random.Generator) -> bytes:
    start = int(rng.integers(0, len(data)))
    return data[:start] + data[start + int(rng.integers(1, 400)) :]


def flip_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for at in rng.integers(0, len(out), size=int(rng.integers(1, 12))):
        out[at] = int(rng.integers(0, 256))
    return bytes(out)


def flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for at in rng.integers(0, len(out), size=int(rng.integers(1, 4))):
        out[at] ^= 1 << int(rng.integers(0, 8))
    return bytes(out)


def drop_lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.splitlines(keepends=True)
    for _ in range(int(rng.integers(1, 4))):
        if lines:
            del lines[int(rng.integers(0, len(lines)))]
    return b"".join(lines)


def double_lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.splitlines(keepends=True)
    at = int(rng.integers(0, len(lines)))
    count = int(rng.integers(1, 5))
    return b"".join(lines[: at + count] + lines[at:])


def swap_lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = rng.integers(0, len(lines), size=2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def change_delimiter(data: bytes, rng: np.random.Generator) -> bytes:
    old, new = rng.choice([b",", b";", b"\t", b'"', b".", b"\r"], size=2, replace=False)
    return data.replace(bytes(old), bytes(new))


def change_encoding(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("utf-8", errors="replace")
    name = str(rng.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252", "utf-32"]))
    return text.encode(name, errors="replace")


def change_number(data: bytes, rng: np.random.Generator) -> bytes:
    found = list(re.finditer(rb"\d+\.?\d*", data))
    if not found:
        return data
    match = found[int(rng.integers(0, len(found)))]
    words = [
        b"20.lip",
        b"",
        b"-1",
        b"1e999",
        b"NaN",
        b"< 3,2",
        b"1_0",
        b"9" * 400,
        b"OOR >",
        b"\x00",
    ]
    new = words[int(rng.integers(0, len(words)))]
    return data[: match.start()] + new + data[match.end() :]


def insert_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(0, len(data)))
    what = [
        b"\r\n",
        b'"',
        b",",
        b"\x00",
        b"DataType:,Median\n",
        b"<!DOCTYPE a>",
        b"\xff\xfe",
        b"\n\n",
    ]
    return data[:at] + what[int(rng.integers(0, len(what)))] + data[at:]


def remove_part(data: bytes, rng: np.random.Generator) -> bytes:
    """Leave a sheet (or another part) out of a workbook, or damage it inside of the zip."""
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            parts = {name: old.read(name) for name in old.namelist()}
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError):
        return cut_middle(data, rng)
    out = io.BytesIO()
    victim = list(parts)[int(rng.integers(0, len(parts)))]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in parts.items():
            if name != victim:
                new.writestr(name, content)
            elif rng.random() < 0.5:
                new.writestr(name, DAMAGES[int(rng.integers(0, 6))](content or b" ", rng))
    return out.getvalue()


DAMAGES: tuple[Damage, ...] = (
    cut_end,
    cut_middle,
    flip_bytes,
    flip_bits,
    drop_lines,
    change_number,
    double_lines,
    swap_lines,
    change_delimiter,
    change_encoding,
    insert_bytes,
    remove_part,
)


def simulated() -> dict[str, bytes]:
    """One small plate in every family that can be written."""
    rng = np.random.default_rng(7)
    truth = {f"P{k}": np.full(len(CYTOKINES), 50.0 * k) for k in range(1, 9)}
    plate = simulate_plate(CYTOKINES, truth, rng=rng, plan=PlatePlan(), name="fuzzed")
    return {f"{name}.{writer.suffix}": writer.write(plate) for name, writer in WRITERS.items()}


def corpus() -> dict[str, bytes]:
    """Simulated plates, and the real ones where they are."""
    files = simulated()
    real = Path(os.environ.get("CYTOKIT_REAL_DATA", ROOT.parent / "shared" / "real")) / "plates"
    for path in sorted(real.rglob("*")) if real.is_dir() else ():
        if path.is_file():
            files[path.name] = path.read_bytes()
    return files


def read(name: str, data: bytes) -> str:
    """The outcome of one reading: ``plate`` or an error's code."""
    raw = RawFile(name, data)
    try:
        plates = recognise(raw).read(raw)
    except CytokitError as error:
        if name not in str(error):
            raise AssertionError(f"the error names no place: {error}") from error
        return error.problems[0].code
    if not plates:
        raise AssertionError("neither a plate nor an error")
    return "plate"


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """One or two kinds of damage, one after the other."""
    for _ in range(1 if rng.random() < 0.7 else 2):
        if data:
            data = DAMAGES[int(rng.integers(0, len(DAMAGES)))](data, rng)
    return data


def _alarm(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlowError


def fuzz(rounds: int, seed: int, keep: Path | None = None) -> tuple[Counter[str], list[str]]:
    """Damage and read; what came out, and what must not.

    Small files are taken more often, so that twenty thousand rounds take minutes.
    """
    files = corpus()
    names = list(files)
    weights = np.array([1 / (20_000 + len(files[name])) for name in names])
    weights /= weights.sum()
    rng = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    slowest = 0.0
    signal.signal(signal.SIGALRM, _alarm)
    for number in range(rounds):
        name = names[int(rng.choice(len(names), p=weights))]
        data = damage(files[name], rng)
        begun = time.perf_counter()
        signal.alarm(2 * SECONDS)
        try:
            outcomes[read(name, data)] += 1
        except Exception as error:
            # whatever it is, it is the finding
            trace = "".join(traceback.format_exception(error)[-4:])
            faults.append(f"round {number}, {name}: {type(error).__name__}: {error}\n{trace}")
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{number}_{name}").write_bytes(data)
        finally:
            signal.alarm(0)
        took = time.perf_counter() - begun
        slowest = max(slowest, took)
        if took > SECONDS:
            faults.append(f"round {number}, {name}: {took:.1f} s")
    outcomes["slowest reading in ms"] = round(slowest * 1e3)
    return outcomes, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for inputs that were handled badly")
    options = parser.parse_args()
    begun = time.perf_counter()
    outcomes, faults = fuzz(options.rounds, options.seed, options.keep)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for outcome, count in outcomes.most_common():
        print(f"{count:7d}  {outcome}")
    print(f"{options.rounds} rounds in {time.perf_counter() - begun:.0f} s, peak {peak:.0f} MB")
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    print(f"{len(faults)} faults")
    return int(bool(faults) or peak > MEMORY_MB)


if __name__ == "__main__":
    sys.exit(main())
