"""Damage every kind of file that is read, and change others in ways that change no meaning.

Real exports (where they lie, see tests/conftest.py), simulated ones, and a study file, guide,
manifest, design, layout, lots, exclusions, pseudonyms and concentrations are cut, flipped, thinned,
doubled, re-delimited, re-encoded and rezipped. Each outcome must be a read or a CytokitError whose
message names the file: no other exception, no reading over 5 s, no more than 1 GB of memory. A
fifth of the rounds keeps the meaning instead (blocks and columns in another order, other names of
samples, added columns, line ends, quoting, UTF-16): what is read must be what the original says.

    python benchmarks/fuzz_parsers.py --rounds 200000 --seed 1

The exit code is 1 if an outcome was anything else; such inputs are kept in ``--keep DIR``.
"""

from __future__ import annotations

import argparse
import atexit
import csv
import io
import itertools
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd

from cytokit.errors import CytokitError
from cytokit.folder import MANIFEST, make_manifest, read_manifest
from cytokit.parsers.registry import recognise
from cytokit.plate import Plate
from cytokit.qc.guide import Guide, GuideLimits, guide_bytes, read_guide
from cytokit.results.study_file import read_study_file
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate
from cytokit.sources.raw import RawFile
from cytokit.tables.concentrations import read_concentrations
from cytokit.tables.designs import read_design
from cytokit.tables.exclusions import read_exclusions
from cytokit.tables.layouts import read_layout
from cytokit.tables.lots import read_lots
from cytokit.tables.pseudonyms import read_pseudonyms

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 5
MEMORY_MB = 1024
#: of five rounds one keeps the meaning
SAME_OF = 5
Rows = list[list[str]]
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


#: Samples of the simulated plates, which may be called anything.
_PATIENT = re.compile(r"P\d")

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


def _table_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows and columns in one order, without the lines they stood on."""
    kept = frame[sorted(set(frame.columns) - {"line"})]
    texts = [repr(row) for row in kept.itertuples(index=False, name=None)]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    return kept.iloc[order].reset_index(drop=True)


#: How each kind of file beside the plates is read: to something that can be compared.
READERS: dict[str, Callable[[Path], Any]] = {
    "study.toml": lambda file: read_study_file(file).plates,
    "guide.json": lambda file: sorted(read_guide(file).limits),
    MANIFEST: lambda file: read_manifest(file.parent),
    "design.csv": lambda file: _table_of(read_design(file).frame),
    "layout.csv": lambda file: sorted(map(repr, read_layout(file).wells)),
    "lots.csv": lambda file: dict(read_lots(RawFile.open(file)).lots),
    "exclusions.csv": lambda file: _table_of(read_exclusions(file)),
    "pseudonyms.csv": lambda file: dict(read_pseudonyms(file).names),
    "concentrations.csv": lambda file: _table_of(read_concentrations(file).frame),
    "tidy.csv": lambda file: _table_of(read_concentrations(file).frame),
}


def others() -> dict[str, bytes]:
    """One small file of every other kind."""
    guide = Guide(
        ({"name": "p", "sha256": "ab", "date": "2020-01-01", "lots": {"Kit": "1"}},),
        {
            ("mfi", s, "IL-6"): GuideLimits("mfi", s, "IL-6", "MFI", 12, 3.0, 0.2)
            for s in ("S1", "S2")
        },
        "kb",
        "because",
        "1.0",
    )
    inputs = [{"name": "p", "path": "p.csv", "sha256": "ab", "role": "plate", "format": "x"}]
    manifest = make_manifest("fit", options={"model": "5pl", "cv": 20.0}, inputs=inputs)
    manifest["outputs"] = [{"name": "samples.csv", "sha256": "ab"}]
    subjects = [(f"S{k:02d}", "treated" if k % 2 else "control") for k in range(1, 7)]
    design = [f"{s}-D{d},{s},{g},{d},sampled" for s, g in subjects for d in (0, 6)]
    wide = [
        f"{s}-D{d},{s},{g},{d},{3.1 * k + d:.2f},{'<2.5' if k == 2 else 40 + k}"
        for k, (s, g) in enumerate(subjects)
        for d in (0, 6)
    ]
    tidy = [
        f"{s}-D{d},{s},{g},{d},{a},{3.1 * k + d:.2f},pg/mL"
        for k, (s, g) in enumerate(subjects)
        for d in (0, 6)
        for a in ("IL-6", "TNF")
    ]
    layout = [f"A{k},P{k},unknown,1:{k + 1}" for k in range(1, 9)]
    tables = {
        "design.csv": ["sample,subject,group,day,status", *design],
        "layout.csv": ["well,sample,type,dilution", *layout, "B1,S1,standard,", "B2,B,blank,"],
        "lots.csv": [
            "Lot,Analyte,Unit,St1,St2,St3,ConA.lo,ConA.hi",
            "1,IL-6,pg/mL,900.5,300,100,50,70",
            "1,TNF,pg/mL,800,200.25,50,40,60",
        ],
        "exclusions.csv": ["plate,well,analyte,reason,who", "P1,A1,,bubble,kb", ",B2,IL-6,dry,kb"],
        "pseudonyms.csv": ["sample,pseudonym", "Ann Lee,P1", "Zoë Müller,P2", "S3,P3"],
        "concentrations.csv": ["sample,subject,group,day,IL-6 (pg/mL),TNF (pg/mL)", *wide],
        "tidy.csv": ["sample,subject,group,day,analyte,value,unit", *tidy],
    }
    study = '[study]\nname = "x"\nplates = ["*.csv"]\n[fit]\nmodel = "4pl"\nmax_cv_pct = 25\n'
    study += '[compare]\nday = 6\nbaseline = 0\nadjust = "holm"\n[output]\nfolder = "r"\n'
    return {
        "study.toml": study.encode(),
        "guide.json": guide_bytes(guide),
        MANIFEST: json.dumps(manifest, indent=1).encode(),
        **{name: ("\n".join(lines) + "\n").encode() for name, lines in tables.items()},
    }


def corpus() -> dict[str, bytes]:
    """Simulated files of every kind, and the real plates where they are."""
    files = {**simulated(), **others()}
    real = Path(os.environ.get("CYTOKIT_REAL_DATA", ROOT.parent / "shared" / "real")) / "plates"
    for path in sorted(real.rglob("*")) if real.is_dir() else ():
        if path.is_file():
            files[path.name] = path.read_bytes()
    return files


def read(name: str, data: bytes) -> str:
    """The outcome of one reading: ``plate`` or an error's code."""
    try:
        found = content(name, data)
    except CytokitError as error:
        # a manifest's folder is its name
        if name not in str(error) and name != MANIFEST:
            raise AssertionError(f"the error names no place: {error}") from error
        return error.problems[0].code
    if name in READERS:
        return "another file"
    if not found:
        raise AssertionError("neither a plate nor an error")
    return "plate"


def content(name: str, data: bytes) -> Any:
    """What a file says: the plates it holds, or what its reader gives."""
    if name not in READERS:
        raw = RawFile(name, data)
        return recognise(raw).read(raw)
    file = _area() / name
    file.write_bytes(data)
    return READERS[name](file)


@cache
def _area() -> Path:
    """A folder for files that are read by their path; in memory where the system has that."""
    memory = Path("/dev/shm")
    area = tempfile.mkdtemp(prefix="cytokit-fuzz-", dir=memory if memory.is_dir() else None)
    atexit.register(shutil.rmtree, area, ignore_errors=True)
    return Path(area)


# --- changes that keep the meaning


def other_line_ends(text: str, rng: np.random.Generator) -> str:
    return text.replace("\r\n", "\n").replace("\n", str(rng.choice(["\n", "\r\n", "\r"])))


def other_quoting(rows: Rows, delimiter: str, rng: np.random.Generator) -> str:
    out = io.StringIO()
    if rng.random() < 0.5:
        writer = csv.writer(out, csv.unix_dialect, delimiter=delimiter)
    else:
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows(rows)
    return out.getvalue()


def reordered_blocks(rows: Rows, rng: np.random.Generator) -> Rows:
    """An xPONENT export's blocks in another order."""
    at = [k for k, row in enumerate(rows) if row and row[0] == "DataType:"]
    end = next((k for k, row in enumerate(rows) if row and row[0].startswith("-- CRC")), len(rows))
    if not at:
        return rows
    blocks = [rows[a:b] for a, b in itertools.pairwise([*at, end])]
    mixed = [blocks[k] for k in rng.permutation(len(blocks))]
    return [*rows[: at[0]], *itertools.chain.from_iterable(mixed), *rows[end:]]


def reordered_columns(rows: Rows, rng: np.random.Generator) -> Rows:
    order = rng.permutation(len(rows[0]))
    return [[row[k] for k in order] for row in rows]


def reordered_rows(rows: Rows, rng: np.random.Generator) -> Rows:
    return [rows[0], *(rows[1 + int(k)] for k in rng.permutation(len(rows) - 1))]


def added_column(rows: Rows, rng: np.random.Generator) -> Rows:
    at = int(rng.integers(0, len(rows[0]) + 1))
    return [
        [*row[:at], "comment" if k == 0 else f"note {k}", *row[at:]] for k, row in enumerate(rows)
    ]


#: Tables whose rows may hold a further column without meaning.
_WIDER = {"design.csv", "layout.csv", "exclusions.csv", "pseudonyms.csv", "tidy.csv", "lots.csv"}
#: Tables with a comma or a semicolon between their cells alike; all but those read by rule of CSV.
_DELIMITERS = {name: (",",) if name == "exclusions.csv" else (",", ";", "\t") for name in READERS}


def same_meaning(name: str, data: bytes, rng: np.random.Generator) -> tuple[bytes, str]:
    """The file written in another way, and the sign put before each sample's name."""
    text, sign = data.decode("utf-8-sig"), ""
    if name.endswith((".csv", ".txt")):
        delimiter = "," if "," in text else "\t"
        rows = [list(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
        if name in READERS:
            for change in (reordered_columns, reordered_rows):
                rows = change(rows, rng) if rng.random() < 0.5 else rows
            rows = added_column(rows, rng) if name in _WIDER and rng.random() < 0.5 else rows
            delimiter = str(rng.choice(_DELIMITERS[name]))
        else:
            rows = reordered_blocks(rows, rng) if rng.random() < 0.5 else rows
            if rng.random() < 0.5:
                sign = "Zo" + "abcdefgh"[int(rng.integers(0, 8))]
                rows = [[f"{sign}{c}" if _PATIENT.fullmatch(c) else c for c in r] for r in rows]
        text = other_quoting(rows, delimiter, rng)
    if not name.endswith((".toml", ".json")):
        text = other_line_ends(text, rng)
    codes: tuple[str, ...] = ("utf-8", "utf-8-sig", "utf-16")
    if name.endswith((".toml", ".json", ".xml")) or name == "exclusions.csv":
        codes = ("utf-8",)
    return text.encode(str(rng.choice(codes))), sign


def differs(name: str, data: bytes, changed: bytes, sign: str) -> str:
    """What was read otherwise than from the original; empty where nothing was."""
    before, after = content(name, data), content(name, changed)
    if name in READERS:
        alike = before.equals(after) if isinstance(before, pd.DataFrame) else before == after
        return "" if alike else f"{before!r}\n became\n{after!r}"
    for one, other in zip(before, after, strict=True):
        for what, (a, b) in _compared(one, other, sign).items():
            if not a.equals(b):
                return f"{what} of plate {one.name}"
    return ""


def _compared(one: Plate, other: Plate, sign: str) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """What of two plates must be the same."""
    names = one.wells["sample"]
    renamed = names.map(lambda name: f"{sign}{name}" if _PATIENT.fullmatch(name) else name)
    return {
        "wells": (one.wells.assign(sample=renamed), other.wells),
        "analytes": (one.analytes, other.analytes),
    }


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """One or two kinds of damage, one after the other."""
    for _ in range(1 if rng.random() < 0.7 else 2):
        if data:
            data = DAMAGES[int(rng.integers(0, len(DAMAGES)))](data, rng)
    return data


#: Files that can be written in another way without a workbook's help.
_TEXTS = (".csv", ".txt", ".xml", ".toml", ".json")


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
    plain = [name for name in {**simulated(), **others()} if name.endswith(_TEXTS)]
    slowest = 0.0
    signal.signal(signal.SIGALRM, _alarm)
    for number in range(rounds):
        keeps = number % SAME_OF == 0
        if keeps:
            name = plain[int(rng.integers(0, len(plain)))]
            data, sign = same_meaning(name, files[name], rng)
        else:
            name = names[int(rng.choice(len(names), p=weights))]
            data = damage(files[name], rng)
        begun = time.process_time()
        signal.alarm(12 * SECONDS)
        try:
            if keeps:
                if what := differs(name, files[name], data, sign):
                    raise AssertionError(f"read otherwise than the original: {what[:600]}")
                outcomes["the same meaning"] += 1
            else:
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
        # of the processor's time: a busy machine is no fault of the file
        took = time.process_time() - begun
        slowest = max(slowest, took)
        if took > SECONDS:
            faults.append(f"round {number}, {name}: {took:.1f} s")
    outcomes["slowest reading in ms"] = round(slowest * 1e3)
    return outcomes, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200_000)
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
