"""Point or comma: the decimal mark of a file, decided by all of its cells together."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cytokit.sources.numbers import bare_number

_ONE_COMMA = re.compile(r"[+-]?(\d*),(\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_ONE_POINT = re.compile(r"[+-]?(\d*)\.(\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def decide_decimal(cells: Iterable[object]) -> str:
    """The decimal mark by the evidence of all cells together; a point where nothing speaks.

    A comma that cannot separate thousands (``0,5``, ``12,25``, ``1.234,5``) speaks for the comma,
    a point that cannot (``12.25``) for the point; numbers stored as numbers say nothing.

    Examples
    --------
    >>> decide_decimal(["12,5", "1234", "OOR <"]), decide_decimal(["12.5", "1,234.5"])
    (',', '.')
    """
    commas = points = 0
    for cell in cells:
        if not isinstance(cell, str) or ("," not in cell and "." not in cell):
            continue
        text = bare_number(cell)
        if "," in text and "." in text:
            commas += text.rfind(",") > text.rfind(".")
            points += text.rfind(".") > text.rfind(",")
            continue
        commas += _is_decimal(_ONE_COMMA, text)
        points += _is_decimal(_ONE_POINT, text)
    return "," if commas > points else "."


def _is_decimal(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the one mark in a number cannot stand before a group of thousands."""
    match = pattern.fullmatch(text)
    if match is None:
        return False
    before, after = match[1], match[2]
    return len(after) != 3 or not 1 <= len(before) <= 3 or before.startswith("0")
