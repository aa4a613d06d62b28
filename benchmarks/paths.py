"""How far an MFI travels: ``python benchmarks/paths.py > benchmarks/results/paths.txt``.

Counts, over one call of ``cytokit fit`` on a bundled plate that also writes its folder:

- the frames of cytokit on the stack when curves are solved (``solver.fit_batch``), that included;
- the functions of cytokit that hold the MFI of one marked well, as an argument or as a local
  variable, alone or within an array, a table or an object of cytokit, before samples.csv is there.

A search of values looks into objects, containers and tables to a depth of five. Comprehensions and
generated methods of dataclasses are not counted as functions.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
PACKAGES = (str(ROOT / "cytokit"), str(ROOT / "cli"))
SOLVER = "cytokit/curves/solver.py:fit_batch"
WRITER = "cytokit/report/tables.py:write_table"
MARK = 2718.28125  # exact in binary and in the file: no other reading has it
DEPTH = 5


def _is_ours(frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_filename.startswith(PACKAGES) and not code.co_name.startswith("<")


def _name(frame: FrameType) -> str:
    code = frame.f_code
    return f"{Path(code.co_filename).relative_to(ROOT)}:{code.co_qualname}"


def _callers(frame: FrameType) -> Iterator[FrameType]:
    here: FrameType | None = frame
    while here is not None:
        if _is_ours(here):
            yield here
        here = here.f_back


class Search:
    """Whether a value holds the marked MFI; arrays are looked at once a frame."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def holds(self, value: Any, depth: int = DEPTH) -> bool:
        """Whether it is in this value, or in what the value holds."""
        if isinstance(value, float):
            return value == MARK
        if isinstance(value, str):
            return len(value) < 100 and str(MARK) in value
        if value is None or isinstance(value, (int, bytes, type)) or id(value) in self.seen:
            return False
        self.seen.add(id(value))
        if isinstance(value, np.ndarray):
            if value.dtype.kind == "f":
                return bool((value == MARK).any())
            return value.dtype == object and any(self.holds(one, 0) for one in value.ravel())
        if isinstance(value, pd.DataFrame):
            return any(self.holds(value[name].to_numpy(), depth) for name in value.columns.unique())
        if isinstance(value, pd.Series):
            return self.holds(value.to_numpy(), depth)
        if depth == 0:
            return False
        return any(self.holds(one, depth - 1) for one in _children(value))


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from value
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield getattr(value, one.name, None)


def marked_export(folder: Path) -> Path:
    """A bundled xPONENT export in which one reading of a sample is the marked MFI."""
    from cytokit import read_plate
    from cytokit.schema import WellType

    source = ROOT / "example_plates" / "plate_1.csv"
    plate = read_plate(source)
    rows = plate.of_type(WellType.UNKNOWN)
    row = rows.iloc[len(rows) // 2]
    text = source.read_text(encoding=plate.source.encoding or "utf-8")
    for spelling in (f"{row['mfi']:g}", f"{row['mfi']:.1f}", f"{row['mfi']:.2f}"):
        for line in text.splitlines():
            if f"{row['well']})" in line and spelling in line:
                marked = line.replace(spelling, str(MARK), 1)
                path = folder / source.name
                path.write_text(text.replace(line, marked, 1), encoding="utf-8")
                return path
    raise SystemExit(f"no line of {source.name} holds the reading of {row['well']}")


def count(export: Path, out: Path) -> tuple[list[str], list[str]]:
    """The frames of the deepest way into the solver, and the functions that held the MFI."""
    from cytokit_cli.main import main

    deepest: list[str] = []
    holders: dict[str, None] = {}
    done = False

    def profile(frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal deepest, done
        if event not in ("call", "return") or not _is_ours(frame):
            return
        name = _name(frame)
        if event == "call" and name == SOLVER:
            stack = [_name(one) for one in _callers(frame)][::-1]
            if len(stack) > len(deepest):
                deepest = stack
        if event == "return" and not done:
            if name not in holders and Search().holds(list(frame.f_locals.values())):
                holders[name] = None
            # the folder gets its name when all is written
            done = name == WRITER and any(out.parent.rglob("samples.csv"))

    sys.setprofile(profile)
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            main(["fit", str(export), "--out", str(out)])
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.setprofile(None)
    return deepest, list(holders)


def main() -> None:
    """Count and print."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        export = marked_export(Path(folder))
        deepest, holders = count(export, Path(folder) / "fit")
    print(f"frames of cytokit from the command to the solver: {len(deepest)}")
    print(*(f"  {number:2d} {name}" for number, name in enumerate(deepest, 1)), sep="\n")
    print(f"functions that held the MFI of one well before samples.csv: {len(holders)}")
    print(*(f"  {name}" for name in sorted(holders)), sep="\n")


if __name__ == "__main__":
    main()
