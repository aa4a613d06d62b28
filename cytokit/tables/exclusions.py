"""The exclusions file: which readings a person left out, why, and who.

A CSV of plate, well, analyte, reason, who. An empty plate means every plate, an empty analyte all
analytes of the well, an empty well all wells of the analyte.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.cell_text import unguard
from cytokit.errors import InputError, Problem, did_you_mean, place
from cytokit.plate import Plate, normal_well
from cytokit.schema import TABLES
from cytokit.sources.raw import RawFile

_NEEDED = ("plate", "well", "analyte", "reason")
#: Columns that are looked at whatever their names.
_STRANGERS = 20


def no_exclusions() -> pd.DataFrame:
    """An empty table of exclusions."""
    return pd.DataFrame(columns=TABLES["exclusions"].names, dtype="str")


def read_exclusions(path: str | Path) -> pd.DataFrame:
    """Read an exclusions file."""
    mend = (
        f"give a table (.csv, .txt, .xlsx) with the columns {', '.join(TABLES['exclusions'].names)}"
    )
    try:
        raw = RawFile.open(path)
        raw.require_readable()
        table = raw.table()
    except InputError as error:
        said = "; ".join(problem.what for problem in error.problems)
        what = f"the exclusions cannot be read: {said}"
        raise InputError(Problem("CK-330", what, place(path), mend)) from error
    if not table:
        what = "the exclusions cannot be read: no table in it"
        raise InputError(Problem("CK-330", what, place(path), mend))
    (_, header), *rows = table
    titles = [title.casefold() for title in header]
    # a few strangers are kept for the near miss of a name
    kept = [
        at
        for at, title in enumerate(titles)
        if (title in TABLES["exclusions"].names or at < _STRANGERS) and titles.index(title) == at
    ]
    cells = [[unguard(row[at]) if at < len(row) else "" for at in kept] for _, row in rows]
    frame = pd.DataFrame(cells, columns=[titles[at] for at in kept], dtype="str")
    return checked_exclusions(frame, path, [line for line, _ in rows])


def checked_exclusions(
    table: pd.DataFrame, file: str | Path | None = None, lines: Sequence[int] | None = None
) -> pd.DataFrame:
    """A table of exclusions with its columns and wells put right, or an error."""
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        problems = [
            Problem(
                "CK-331",
                f"the exclusions lack the column {name!r}",
                where=place(file),
                mend=f"columns are {', '.join(TABLES['exclusions'].names)}",
                near=did_you_mean(name, [str(column) for column in table.columns]),
            )
            for name in missing
        ]
        raise InputError(*problems)
    texts = pd.DataFrame(
        {
            name: _as_text(table[name]) if name in table else ""
            for name in TABLES["exclusions"].names
        },
        index=table.index,
        dtype="str",
    )
    problems = list(_row_problems(texts, file, lines or range(2, len(texts) + 2)))
    if problems:
        raise InputError(*problems)
    texts["well"] = [normal_well(well) or "" for well in texts["well"]]
    return texts.reset_index(drop=True)


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as stripped text, empty where it says nothing."""
    return column.astype("object").where(column.notna(), "").astype("str").str.strip()


def _row_problems(
    texts: pd.DataFrame, file: str | Path | None, lines: Sequence[int]
) -> Iterator[Problem]:
    """What is wrong with single rows."""
    for line, row in zip(lines, texts.to_dict("records"), strict=True):
        where = place(file, line=line, well=row["well"], analyte=row["analyte"])
        if row["well"] and normal_well(row["well"]) is None:
            mend = "write wells as A1 to P24"
            yield Problem("CK-332", f"{row['well']!r} is not a well", where, mend)
        if not row["well"] and not row["analyte"]:
            mend = "name a well, an analyte, or both"
            yield Problem("CK-333", "a row names neither well nor analyte", where, mend)
        if not row["reason"]:
            mend = "write why the reading is left out: the manifest keeps it"
            yield Problem("CK-334", "a row gives no reason", where, mend)


def match_exclusions(plates: Sequence[Plate], exclusions: pd.DataFrame) -> list[NDArray[np.bool_]]:
    """For each plate the rows of its wells that are excluded."""
    require_matches([Named.of(plate, exclusions) for plate in plates], exclusions)
    return [excluded_rows(plate, exclusions) for plate in plates]


def excluded_rows(plate: Plate, exclusions: pd.DataFrame) -> NDArray[np.bool_]:
    """The rows of a plate's wells that are excluded, (rows,) of bool."""
    mask = np.zeros(len(plate.wells), dtype=bool)
    for row in exclusions.to_dict("records"):
        if row["plate"] in ("", plate.name):
            mask |= _rows_of(plate, row["well"], row["analyte"])
    return mask


@dataclass(frozen=True, slots=True)
class Named:
    """What the rows of the exclusions are held against, without the plate itself."""

    plate: str
    analytes: tuple[str, ...]
    hits: tuple[bool, ...]

    @classmethod
    def of(cls, plate: Plate, exclusions: pd.DataFrame) -> Named:
        """What one plate says."""
        hits = (
            bool(_rows_of(plate, row["well"], row["analyte"]).any())
            for row in exclusions.to_dict("records")
        )
        return cls(plate.name, tuple(plate.analyte_names), tuple(hits))


def require_matches(plates: Sequence[Named], exclusions: pd.DataFrame) -> None:
    """Refuse rows that exclude nothing."""
    problems = []
    for number, row in enumerate(exclusions.to_dict("records")):
        meant = (one for one in plates if row["plate"] in ("", one.plate))
        if not any(one.hits[number] for one in meant):
            problems.append(_unmatched(plates, row, number + 2))
    if problems:
        raise InputError(*problems)


def _rows_of(plate: Plate, well: str, analyte: str) -> NDArray[np.bool_]:
    """Rows of one well, one analyte, or both."""
    hit = np.ones(len(plate.wells), dtype=bool)
    if well:
        hit &= (plate.wells["well"] == well).to_numpy()
    if analyte:
        hit &= (plate.wells["analyte"] == analyte).to_numpy()
    return hit


def _unmatched(plates: Sequence[Named], row: dict[Hashable, Any], line: int) -> Problem:
    """The complaint about a row that excludes nothing, with the nearest name."""
    names = [one.plate for one in plates]
    near = ""
    if row["plate"] and row["plate"] not in names:
        near = did_you_mean(row["plate"], names)
    else:
        analytes = list(dict.fromkeys(name for one in plates for name in one.analytes))
        if row["analyte"] and row["analyte"] not in analytes:
            near = did_you_mean(row["analyte"], analytes)
    return Problem(
        "CK-335",
        "an exclusion matches no reading",
        where=place(row["plate"] or None, line=line, well=row["well"], analyte=row["analyte"]),
        mend="check the names of plate, well and analyte; remove the row if it is meant for others",
        near=near,
    )
