"""The exclusions file: which readings a person left out, why, and who.

A CSV of plate, well, analyte, reason, who. An empty plate means every plate, an empty analyte all
analytes of the well, an empty well all wells of the analyte.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.cell_text import unguard
from cytokit.errors import InputError, Problem, did_you_mean, place
from cytokit.plate import Plate, normal_well
from cytokit.vocabulary import EXCLUSION_COLUMNS

_NEEDED = ("plate", "well", "analyte", "reason")


def no_exclusions() -> pd.DataFrame:
    """An empty table of exclusions.

    Examples
    --------
    >>> no_exclusions().columns.tolist()
    ['plate', 'well', 'analyte', 'reason', 'who']
    """
    return pd.DataFrame(columns=list(EXCLUSION_COLUMNS), dtype="str")


def read_exclusions(path: str | Path) -> pd.DataFrame:
    """Read an exclusions file.

    Parameters
    ----------
    path : path-like
        CSV, UTF-8, with or without a byte order mark.

    Returns
    -------
    pandas.DataFrame
        Columns ``EXCLUSION_COLUMNS``, all text, wells normalised (``a01`` is ``A1``).

    Raises
    ------
    InputError
        CK-330: it cannot be read; CK-331: a column is missing; CK-332: a row names no well; CK-333:
        a row names neither well nor analyte; CK-334: a row gives no reason. All of a file at once.
    """
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # ValueError: not CSV, empty, or not UTF-8
        raise InputError(
            Problem(
                "CK-330",
                f"the exclusions cannot be read: {error}",
                where=place(path),
                mend=f"give a CSV with the columns {', '.join(EXCLUSION_COLUMNS)}",
            )
        ) from error
    return checked_exclusions(table.map(unguard), file=path)


def checked_exclusions(table: pd.DataFrame, file: str | Path | None = None) -> pd.DataFrame:
    """A table of exclusions with its columns and wells put right, or an error.

    Parameters
    ----------
    table : pandas.DataFrame
        At least plate, well, analyte and reason.
    file : path-like, optional
        For the messages.

    Returns
    -------
    pandas.DataFrame
        Columns ``EXCLUSION_COLUMNS``.

    Raises
    ------
    InputError
        CK-331 to CK-334, as :func:`read_exclusions`.

    Examples
    --------
    >>> row = {"plate": "P1", "well": "a01", "analyte": "", "reason": "bubble", "who": "kb"}
    >>> checked_exclusions(pd.DataFrame([row]))["well"].item()
    'A1'
    """
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        problems = [
            Problem(
                "CK-331",
                f"the exclusions lack the column {name!r}",
                where=place(file),
                mend=f"columns are {', '.join(EXCLUSION_COLUMNS)}",
                near=did_you_mean(name, [str(column) for column in table.columns]),
            )
            for name in missing
        ]
        raise InputError(*problems)
    texts = pd.DataFrame(
        {name: _as_text(table[name]) if name in table else "" for name in EXCLUSION_COLUMNS},
        index=table.index,
        dtype="str",
    )
    problems = list(_row_problems(texts, file))
    if problems:
        raise InputError(*problems)
    texts["well"] = [normal_well(well) or "" for well in texts["well"]]
    return texts.reset_index(drop=True)


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as stripped text, empty where it says nothing."""
    return column.astype("object").where(column.notna(), "").astype("str").str.strip()


def _row_problems(texts: pd.DataFrame, file: str | Path | None) -> Iterator[Problem]:
    """What is wrong with single rows; line 1 is the heading."""
    for line, row in enumerate(texts.to_dict("records"), start=2):
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
    """For each plate the rows of its wells that are excluded.

    Parameters
    ----------
    plates : sequence of Plate
    exclusions : pandas.DataFrame
        As :func:`checked_exclusions` gives it.

    Returns
    -------
    list of (rows,) arrays of bool

    Raises
    ------
    InputError
        CK-335: a row names a plate, well or analyte that is not there; all rows at once.
    """
    masks = [np.zeros(len(plate.wells), dtype=bool) for plate in plates]
    problems = []
    for line, row in enumerate(exclusions.to_dict("records"), start=2):
        found = False
        for plate, mask in zip(plates, masks, strict=True):
            if row["plate"] in ("", plate.name):
                hit = _rows_of(plate, row["well"], row["analyte"])
                mask |= hit
                found = found or bool(hit.any())
        if not found:
            problems.append(_unmatched(plates, row, line))
    if problems:
        raise InputError(*problems)
    return masks


def _rows_of(plate: Plate, well: str, analyte: str) -> NDArray[np.bool_]:
    """Rows of one well, one analyte, or both."""
    hit = np.ones(len(plate.wells), dtype=bool)
    if well:
        hit &= (plate.wells["well"] == well).to_numpy()
    if analyte:
        hit &= (plate.wells["analyte"] == analyte).to_numpy()
    return hit


def _unmatched(plates: Sequence[Plate], row: dict[Hashable, Any], line: int) -> Problem:
    """The complaint about a row that excludes nothing, with the nearest name."""
    names = [plate.name for plate in plates]
    near = ""
    if row["plate"] and row["plate"] not in names:
        near = did_you_mean(row["plate"], names)
    else:
        analytes = list(dict.fromkeys(name for plate in plates for name in plate.analyte_names))
        if row["analyte"] and row["analyte"] not in analytes:
            near = did_you_mean(row["analyte"], analytes)
    return Problem(
        "CK-335",
        "an exclusion matches no reading",
        where=place(row["plate"] or None, line=line, well=row["well"], analyte=row["analyte"]),
        mend="check the names of plate, well and analyte; remove the row if it is meant for others",
        near=near,
    )
