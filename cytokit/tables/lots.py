"""The lots file of Luminex IS 2.3: what each kit lot's standards and controls should read.

One row per lot and analyte: ``Lot, Analyte, Unit, St1.., ConA.lo, ConA.hi, ...``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cytokit.errors import CytokitError, FormatError, Problem, place
from cytokit.sources.numbers import decide_decimal, read_cell
from cytokit.sources.raw import RawFile

_STANDARD = re.compile(r"(?:st|standard)\s*\d+", re.IGNORECASE)
_CONTROL = re.compile(r"(con[\w ]*?)[ ._](lo|low|hi|high)", re.IGNORECASE)
_MAX_NEIGHBOURS = 200


@dataclass(frozen=True, slots=True)
class Lot:
    """One lot and analyte: unit, level of each standard, range of each control."""

    unit: str
    levels: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Lots:
    """A lots file: by (lot, analyte), both as printed."""

    path: str
    sha256: str
    lots: Mapping[tuple[str, str], Lot]

    def find(self, lot: str, analyte: str) -> Lot | None:
        """The entry of a lot for an analyte: the same spelling, else the same but for signs."""
        exact = self.lots.get((lot, analyte))
        if exact is not None:
            return exact
        alike = [
            entry
            for (name, other), entry in self.lots.items()
            if name == lot and _plain(other) == _plain(analyte)
        ]
        return alike[0] if len(alike) == 1 else None


def describes_lots(raw: RawFile) -> bool:
    """Whether a file's first row names lots, analytes and standards."""
    keys = [cell.casefold() for cell in raw.head[0]] if raw.head else []
    return {"lot", "analyte"} <= set(keys) and any(_STANDARD.fullmatch(key) for key in keys)


def read_lots(raw: RawFile) -> Lots:
    """Read a lots file."""
    if not describes_lots(raw):
        mend = "the first row must name Lot, Analyte, Unit, St1, ..., ConA.lo, ConA.hi"
        raise FormatError(Problem("CK-151", "no lots file", place(raw.path), mend))
    (_, titles), *rows = raw.table()
    keys = [title.casefold() for title in titles]
    numbers = [at for at, title in enumerate(titles) if _is_number(title)]
    cells = (row[at] for _, row in rows for at in numbers if at < len(row))
    decimal = decide_decimal(cells, asked=raw.asked_decimal, file=raw.path)
    lots: dict[tuple[str, str], Lot] = {}
    problems: list[Problem] = []
    for line, short in rows:
        row = [*short, *[""] * (len(titles) - len(short))]
        lacking = [key for key in ("lot", "analyte") if not row[keys.index(key)]]
        if lacking:
            what = f"the row gives no {' and no '.join(lacking)}"
            mend = "the row may be cut short; each needs a lot and an analyte"
            problems.append(Problem("CK-598", what, place(raw.path, line=line), mend))
            continue
        values = _numbers(dict(zip(titles, row, strict=False)), decimal, raw.path, line, problems)
        name = (row[keys.index("lot")], row[keys.index("analyte")])
        if name in lots:
            what = f"lot {name[0]!r} names analyte {name[1]!r} twice"
            problems.append(Problem("CK-153", what, place(raw.path, line=line), "keep one row"))
        unit = row[keys.index("unit")].strip("[]() ") if "unit" in keys else ""
        levels = {title: v for title, v in values.items() if _STANDARD.fullmatch(title)}
        lots[name] = Lot(unit, levels, _ranges(values))
    if problems:
        raise FormatError(*problems)
    return Lots(raw.path, raw.sha256, lots)


def lots_beside(path: str) -> list[Lots]:
    """The lots files in an export's folder: ``lot`` in the name, and the columns of one."""
    folder = Path(path).parent
    if not folder.is_dir() or not Path(path).is_file():
        return []
    names = sorted(
        file
        for file in folder.iterdir()
        if "lot" in file.stem.casefold() and file.suffix.casefold() in (".csv", ".txt", ".xlsx")
    )
    found = []
    for file in names[:_MAX_NEIGHBOURS]:
        if file.name == Path(path).name:
            continue
        try:
            raw = RawFile.open(file)
            if raw.kind in ("text", "workbook") and describes_lots(raw):
                found.append(read_lots(raw))
        except CytokitError:
            continue  # a neighbour that cannot be read is not the user's input
    return found


def _is_number(title: str) -> bool:
    """Whether a column holds the levels of a standard or a limit of a control."""
    return bool(_STANDARD.fullmatch(title) or _CONTROL.fullmatch(title))


def _numbers(
    cells: Mapping[str, str], decimal: str, file: str, line: int, problems: list[Problem]
) -> dict[str, float]:
    """Levels and limits of one row; empty cells are left out."""
    values = {}
    for title, text in cells.items():
        if not text or not _is_number(title):
            continue
        cell = read_cell(text, decimal)
        if cell.value != cell.value:
            what = f"{text!r} is not a number"
            where = place(file, line=line, column=title)
            problems.append(Problem("CK-152", what, where, "correct the lots file"))
        values[title] = cell.value
    return values


def _ranges(values: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """``ConA.lo`` and ``ConA.hi`` -> the range of ConA."""
    limits: dict[str, dict[str, float]] = {}
    for title, value in values.items():
        match = _CONTROL.fullmatch(title)
        if match is not None:
            limits.setdefault(match[1], {})[match[2][:2].casefold()] = value
    nan = float("nan")
    return {name: (pair.get("lo", nan), pair.get("hi", nan)) for name, pair in limits.items()}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
