"""The brackets of a comparison: which columns a row of the table compares, and its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cytokit.figures._text import plain
from cytokit.figures._view import BETWEEN, WITHIN, Column, ComparisonLike, groups_of


@dataclass(frozen=True, slots=True)
class Mark:
    """A bracket as the table has it.

    Parameters
    ----------
    left, right : float
        Places of its two columns.
    stars, label : str
        The table's texts.
    gated : bool
        Whether the table withholds the stars because the groups do not differ.
    """

    left: float
    right: float
    stars: str
    label: str
    gated: bool = False


def marks_of(result: ComparisonLike, analyte: str, columns: Sequence[Column]) -> list[Mark]:
    """The brackets of one analyte: within each group, and between groups at the tested day.

    Rows without stars and without a label are not drawn: there is nothing to say.
    """
    place = {(column.group, column.day): column.x for column in columns}
    table = result.table[result.table["analyte"] == analyte]
    marks = []
    for _, row in table.iterrows():
        ends = [[place[key] for key in side if key in place] for side in _ends(result, row)]
        if not all(ends) or not ends:
            continue
        left, right = sorted(float(np.mean(side)) for side in ends)
        stars, label = _text(row["stars"]), _text(row["label"])
        if left < right and (stars or label):
            marks.append(Mark(left, right, stars, label, "gated" in _text(row["flags"])))
    return marks


def _text(cell: object) -> str:
    """A cell of the table as text, empty where it holds none."""
    return plain(cell) if isinstance(cell, str) else ""


def pair_of(result: ComparisonLike, row: pd.Series) -> tuple[Any, Any] | None:
    """The two groups (reference, other) a row compares; None for rows within a group."""
    groups = groups_of(result)
    if not str(row["contrast"]).startswith(BETWEEN) or len(groups) < 2:
        return None
    return row.get("control_group") or groups[0], row.get("treated_group") or groups[1]


def _ends(result: ComparisonLike, row: pd.Series) -> list[list[tuple[Any, Any]]]:
    """The columns (group, day) on either side of a contrast; none for contrasts not drawn.

    Where several days were tested together, a side has several columns.
    """
    pair = pair_of(result, row)
    if pair is not None:
        return [[(group, day) for day in result.day] for group in pair]
    if not str(row["contrast"]).startswith(WITHIN):
        return []
    group = row.get("treated_group") or row.get("control_group") or _role(result, row)
    return [[(group, result.baseline)], [(group, day) for day in result.day]]


def _role(result: ComparisonLike, row: pd.Series) -> Any:
    """The group of a within-group row that does not name it: control first, treated second."""
    groups = groups_of(result)
    role = str(row["contrast"]).removeprefix(WITHIN)
    return groups[0] if role == "control" else groups[-1]
