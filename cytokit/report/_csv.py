"""The low end of reading a CSV of ours: lines of equal length, and cells that become a column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cytokit.errors import InputError, Problem, place
from cytokit.report.words import Kind

_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one row and the number of the line on which it ends."""

    number: int
    cells: list[str]


def read_lines(path: str | Path) -> list[Line]:
    """All rows of a CSV file, the header first, each as long as the header.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of Line
        At least one.

    Raises
    ------
    InputError
        CK-542 no such file, CK-543 not UTF-8, CK-544 empty or no CSV, CK-545 rows of unequal
        length.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""))
    try:
        lines = [Line(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        what = f"the table is damaged: {error}"
        raise InputError(Problem("CK-544", what, place(path, line=reader.line_num))) from error
    if not lines:
        mend = "the first line names each column"
        raise InputError(Problem("CK-544", "the table is empty", place(path), mend))
    width = len(lines[0].cells)
    problems = [
        Problem(
            "CK-545",
            f"{len(line.cells)} cells where the header names {width} columns",
            place(path, line=line.number),
            "save the table as comma-separated CSV",
        )
        for line in lines
        if len(line.cells) != width
    ]
    if problems:
        raise InputError(*problems)
    return lines


def typed_column(
    cells: Sequence[str], kind: Kind, unguard: Callable[[str], str]
) -> tuple[pd.Series, list[int]]:
    """Cells as a column of one kind.

    Parameters
    ----------
    cells : sequence of str
    kind : {"text", "number", "integer", "boolean", "any"}
        ``any`` is the kind in whose spelling all cells are written, else text.
    unguard : callable
        Takes the apostrophe off a text.

    Returns
    -------
    column : pandas.Series
    wrong : list of int
        Positions of the cells that are not of the kind.
    """
    if kind == "any":
        kind = _spelled_kind(cells)
    if kind == "text":
        return pd.Series([unguard(cell) for cell in cells], dtype="str"), []
    if kind == "boolean":
        truths = [_TRUTH.get(cell.casefold()) for cell in cells]
        wrong = [index for index, truth in enumerate(truths) if truth is None]
        return pd.Series([bool(truth) for truth in truths], dtype="bool"), wrong
    numbers = [_number(cell) for cell in cells]
    wrong = [index for index, number in enumerate(numbers) if number is None]
    column = pd.Series(numbers, dtype="float64")
    whole = kind == "integer" and not column.isna().any()
    return (column.astype("int64") if whole else column), wrong


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        what = f"the table cannot be read: {error.strerror or error}"
        raise InputError(Problem("CK-542", what, place(path), "check the name")) from error
    except UnicodeDecodeError as error:
        what = f"the table is not UTF-8 (byte {error.start + 1})"
        mend = "save the table as CSV UTF-8"
        raise InputError(Problem("CK-543", what, place(path), mend)) from error


def _number(cell: str) -> float | None:
    """The number in a cell, NaN in an empty one, None where there is none."""
    try:
        return float(cell) if cell else float("nan")
    except ValueError:
        return None


def _spelled_kind(cells: Sequence[str]) -> Kind:
    """The kind in whose spelling all cells are written, so that reading loses nothing."""
    filled = [cell for cell in cells if cell]
    if not filled:
        return "text"
    if all(cell in _TRUTH for cell in cells):
        return "boolean"
    numbers = [_number(cell) for cell in filled]
    if any(
        number is None or repr(number).removesuffix(".0") != cell
        for number, cell in zip(numbers, filled, strict=True)
    ):
        return "text"
    whole = all(cell.removeprefix("-").isdecimal() and cell != "-0" for cell in cells)
    return "integer" if whole else "number"
