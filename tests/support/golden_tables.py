"""Writes what the command line gives today, and finds every cell that differs tomorrow."""

from __future__ import annotations

import argparse
import csv
import fnmatch
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("CYTOKIT_REAL_DATA", ROOT.parent / "shared" / "real")).resolve()
RELATIVE = 1e-9
ENTRY = "import sys; from cytokit_cli.main import main; sys.exit(main())"
KEPT = (".csv", ".md")
HASH = re.compile(r"\b[0-9a-f]{64}\b")
BETWEEN = ("ancova", "welch", "ranks", "brunner-munzel", "change")
ADJUST = ("none", "bonferroni", "sidak", "holm-sidak", "hochberg", "hommel", "bh", "by", "maxt")
QUICK_PLATES = (
    "bioplex_per_analyte/raw_and_summary.xlsx",
    "bioplex_per_statistic/decimal_comma_3plex.xlsx",
    "bioplex_raw/hpv_raw.txt",
    "bioplex_xml/bioplex_6_2.xml",
    "intelliflex/wide_v2_2.csv",
    "is23/luminex100_is23.csv",
    "xponent/magpix_a549.csv",
)


@dataclass(frozen=True)
class Case:
    """One golden folder: commands run in turn in one empty folder."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    quick: bool = False


def plate_files() -> list[Path]:
    """Every file of the real plates that is no layout and no lots file."""
    files = sorted(path for path in (REAL / "plates").rglob("*") if path.is_file())
    return [f for f in files if not f.stem.endswith("_layout") and f.name != "kit_lots.csv"]


def cases() -> list[Case]:
    """All of them, in a fixed order."""
    made: list[Case] = []

    def add(name: str, *commands: tuple[str, ...], quick: bool = False) -> None:
        made.append(Case(name, commands, quick))

    demo = [str(ROOT / "example_plates" / f"plate_{n}.csv") for n in (1, 2, 3)]
    design = str(ROOT / "example_plates" / "design.csv")
    fitted = ("fit", *demo, "--no-pages", "--out", "fit")
    for number, plate in enumerate(demo, 1):
        add(f"fit/demo_{number}", ("fit", plate, "--no-pages", "--out", "fit"))
        add(f"convert/demo_{number}", ("convert", plate, "--to", "tidy.csv"))
    for path in plate_files():
        name = path.relative_to(REAL / "plates").as_posix()
        layout = path.with_name(f"{path.stem}_layout.xlsx")
        more = ("--layout", str(layout)) if layout.exists() else ()
        add(f"fit/{name}", ("fit", str(path), *more, "--no-pages", "--out", "fit"))
        quick = name in QUICK_PLATES
        add(f"convert/{name}", ("convert", str(path), *more, "--to", "tidy.csv"), quick=quick)
        add(f"reconcile/{name}", ("reconcile", str(path), *more))
    odd = {
        "4pl": ("--model", "4pl"),
        "1_y2": ("--weights", "1/y2"),
        "no_robust": ("--no-robust",),
        "no_prior": ("--prior", "none"),
        "m10": ("--profile", "m10"),
        "kit": ("--profile", "kit"),
        "recovery": ("--limits", "recovery"),
    }
    magpix = REAL / "plates" / "xponent" / "magpix_a549.csv"
    biorad = REAL / "plates" / "bioplex_per_analyte" / "raw_and_summary.xlsx"
    for plate in (demo[0], str(magpix), str(biorad)):
        for key, options in odd.items():
            name = f"fit_options/{Path(plate).stem}/{key}"
            add(name, ("fit", plate, *options, "--no-pages", "--out", "fit"))
    add("fit_options/pool", (*fitted, "--pool"))
    lock = ("--lock-guide", "guide.json", "--who", "Miller", "--why", "validation")
    add(
        "demo",
        fitted,
        ("compare", "fit", "--design", design, "--reference", "control", "--out", "compare"),
        ("qc", "fit", *lock, "--out", "lock"),
        ("qc", "fit", "--guide", "guide.json", "--out", "qc"),
        quick=True,
    )
    for key in ("--propagate", "--bridge", "--sensitivity"):
        compared = ("compare", "fit", "--design", design, "--reference", "control", key)
        add(f"compare/demo/{key[2:]}", fitted, (*compared, "--out", "compare"))
    add("reconcile/quick", ("reconcile", str(magpix)), quick=True)
    trials = {
        "zilucov": ("zilucov_long.csv", "--baseline", "1", "--day", "6", "--reference", "control"),
        "endotoxin": (
            "endotoxin_long.csv",
            *("--map", "day=time", "--map", "value=conc_pg_ml", "--map", "stratum=sex"),
            *("--baseline", "1", "--day", "2", "--reference", "Placebo"),
        ),
    }
    sets: dict[str, tuple[str, ...]] = {f"between_{b}": ("--between", b) for b in BETWEEN}
    sets["between_mixed"] = ("--between", "mixed")
    sets |= {f"adjust_{a}": ("--adjust", a, "--draws", "2000") for a in ADJUST}
    sets |= {f"censor_{c}": ("--censor", c) for c in ("lloq", "interval")}
    sets |= {f"substitute_{s}": ("--substitute", s) for s in ("as-given", "limit", "half", "sqrt2")}
    sets |= {f"spread_{s}": ("--spread", s) for s in ("common", "separate")}
    sets |= {
        "floors_keep": ("--floors", "keep"),
        "no_strata": ("--no-strata",),
        "no_baseline": ("--no-baseline",),
        "signed_rank": ("--within", "signed-rank"),
        "lanzoni": ("--style", "lanzoni"),
        "sensitivity": ("--sensitivity",),
    }
    for trial, (table, *mapped) in trials.items():
        for key, options in sets.items():
            # the mixed model is slow, and has two sets of its own
            mixed = () if key in ("between_mixed", "sensitivity") else ("--no-mixed",)
            command = ("compare", str(REAL / "clinical" / table), *mapped, *mixed, *options)
            quick = trial == "zilucov" and key in ("between_ancova", "between_ranks")
            add(f"compare/{trial}/{key}", (*command, "--out", "compare"), quick=quick)
        command = ("compare", str(REAL / "clinical" / table), *mapped, "--out", "compare")
        add(f"compare/{trial}/default", command)
    power = ("--sd", "0.9", "--correlation", "0.6", "--fold", "0.4", "--simulations", "200")
    add("power", ("power", *power))
    return made


def plain(text: str, work: Path) -> str:
    """Without what another folder or machine would make different."""
    for path, name in ((work, "<work>"), (REAL, "<real>"), (ROOT, "<root>")):
        text = text.replace(str(path), name)
    return HASH.sub("<sha256>", text)


def run_case(case: Case, into: Path) -> str:
    """Runs the commands and keeps tables, methods and what was said."""
    target = into / case.name
    target.mkdir(parents=True)
    environment = os.environ | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    said = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve()
        for command in case.commands:
            done = subprocess.run(
                [sys.executable, "-c", ENTRY, *command, "--json"],
                cwd=work,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            out = plain(done.stdout, work)
            try:
                document = json.loads(out)
            except json.JSONDecodeError:
                document = out
            err = plain(done.stderr, work)
            said.append({"exit": done.returncode, "json": document, "stderr": err})
        for path in sorted(work.rglob("*")):
            if path.is_file() and path.suffix in KEPT:
                kept = target / path.relative_to(work)
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(plain(path.read_text("utf-8-sig"), work), "utf-8")
    document_text = json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False)
    (target / "said.json").write_text(document_text + "\n", "utf-8")
    return f"{case.name}: exit {', '.join(str(one['exit']) for one in said)}"


def make(folder: Path, only: str, quick: bool, jobs: int) -> int:
    """Writes the chosen cases into a fresh folder."""
    chosen = [c for c in cases() if (c.quick or not quick) and fnmatch.fnmatch(c.name, only)]
    if not chosen:
        print(f"no case is named like {only!r}", file=sys.stderr)
        return 2
    if folder.exists():
        shutil.rmtree(folder)
    with ThreadPoolExecutor(jobs) as pool:
        for line in pool.map(lambda case: run_case(case, folder), chosen):
            print(line, flush=True)
    return 0


Difference = tuple[float, str]


def cell_difference(a: str, b: str) -> float:
    """0 where equal; the relative difference of numbers; infinity for text."""
    if a == b:
        return 0.0
    try:
        x, y = float(a), float(b)
    except ValueError:
        return math.inf
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.inf
    size = abs(x - y) / max(abs(x), abs(y), sys.float_info.min)
    return size if size > RELATIVE else 0.0


def table_differences(name: str, a: Path, b: Path, allowed: set[str]) -> Iterator[Difference]:
    """Cells, columns and rows of two CSV files; rows are compared in order."""
    with a.open(newline="", encoding="utf-8") as one, b.open(newline="", encoding="utf-8") as two:
        old, new = list(csv.reader(one)), list(csv.reader(two))
    heads = (old[0] if old else [], new[0] if new else [])
    for column in sorted({*heads[0]} ^ {*heads[1]} - allowed):
        kind = "lost" if column in heads[0] else "added"
        if column not in allowed:
            yield math.inf, f"{name}: column {column!r} {kind}"
    if len(old) != len(new):
        yield math.inf, f"{name}: {len(old) - 1} rows became {len(new) - 1}"
    shared = [c for c in heads[0] if c in heads[1] and c not in allowed]
    if shared != [c for c in heads[1] if c in heads[0] and c not in allowed]:
        yield math.inf, f"{name}: the order of columns differs"
    places = [(c, heads[0].index(c), heads[1].index(c)) for c in shared]
    for row, (before, after) in enumerate(zip(old[1:], new[1:], strict=False), 2):
        if len(before) != len(heads[0]) or len(after) != len(heads[1]):
            if before != after:
                yield math.inf, f"{name}:{row}: {before} became {after}"
            continue
        for column, i, j in places:
            size = cell_difference(before[i], after[j])
            if size:
                yield size, f"{name}:{row}: {column}: {before[i]!r} became {after[j]!r}"


def json_differences(name: str, a: object, b: object) -> Iterator[Difference]:
    """Every value of two documents, by its path."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a} | {*b}):
            if key not in a or key not in b:
                yield math.inf, f"{name}.{key} {'lost' if key in a else 'added'}"
            else:
                yield from json_differences(f"{name}.{key}", a[key], b[key])
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield math.inf, f"{name}: {len(a)} entries became {len(b)}"
        for number, (one, two) in enumerate(zip(a, b, strict=False)):
            yield from json_differences(f"{name}[{number}]", one, two)
    elif type(a) is float and type(b) is float:
        size = cell_difference(repr(a), repr(b))
        if size:
            yield size, f"{name}: {a!r} became {b!r}"
    elif a != b or type(a) is not type(b):
        yield math.inf, f"{name}: {a!r} became {b!r}"


def text_differences(name: str, a: str, b: str) -> Iterator[Difference]:
    """Lines of two texts, exactly."""
    old, new = a.splitlines(), b.splitlines()
    if len(old) != len(new):
        yield math.inf, f"{name}: {len(old)} lines became {len(new)}"
    for row, (before, after) in enumerate(zip(old, new, strict=False), 1):
        if before != after:
            yield math.inf, f"{name}:{row}: {before!r} became {after!r}"


def differences(a: Path, b: Path, allowed: dict[str, set[str]]) -> list[Difference]:
    """All of them, worst first."""
    if not a.is_dir() or not b.is_dir():
        raise SystemExit(f"no golden folder: {a if not a.is_dir() else b}")
    names = [{p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file()} for f in (a, b)]
    if not names[0]:
        raise SystemExit(f"no golden tables in {a}")
    found = [
        (math.inf, f"{name}: file {'lost' if name in names[0] else 'added'}")
        for name in names[0] ^ names[1]
    ]
    for name in sorted(names[0] & names[1]):
        one, two = a / name, b / name
        if name.endswith(".csv"):
            columns = {c for p, cs in allowed.items() if fnmatch.fnmatch(name, p) for c in cs}
            found += table_differences(name, one, two, columns)
        elif name.endswith(".json"):
            documents = [json.loads(path.read_text("utf-8")) for path in (one, two)]
            found += json_differences(name, *documents)
        else:
            found += text_differences(name, one.read_text("utf-8"), two.read_text("utf-8"))
    return sorted(found, key=lambda one: (-one[0], one[1]))


def read_allowed(path: Path | None) -> dict[str, set[str]]:
    """Lines `file pattern: column, column  # why` of the named corrections."""
    allowed: dict[str, set[str]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path else [], 1):
        said = line.partition("#")[0].strip()
        if said:
            pattern, colon, columns = said.rpartition(":")
            if not colon:
                raise SystemExit(f"{path}:{number}: no 'file pattern: column'")
            allowed.setdefault(pattern.strip(), set()).update(
                column.strip() for column in columns.split(",")
            )
    return allowed


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--only", default="*", metavar="PATTERN")
    making.add_argument("--quick", action="store_true")
    making.add_argument("--jobs", type=int, default=1)
    comparing = commands.add_parser("compare")
    comparing.add_argument("folder_a", type=Path)
    comparing.add_argument("folder_b", type=Path)
    comparing.add_argument("--allowed", type=Path, metavar="FILE", help="named corrections")
    given = parser.parse_args(arguments)
    if given.command == "make":
        return make(given.folder, given.only, given.quick, given.jobs)
    found = differences(given.folder_a, given.folder_b, read_allowed(given.allowed))
    for size, message in found:
        print(f"{size:.3g}  {message}")
    print(f"{len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
