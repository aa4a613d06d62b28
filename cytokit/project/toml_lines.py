"""On which line of a TOML file a key stands, for messages; the values are tomllib's business."""

from __future__ import annotations

import re

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*\[\s*({_PATH})\s*\]")
_KEY = re.compile(rf"\s*({_PATH})\s*=")
_EACH = re.compile(_PART)


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    r"""The line of each table and key, as far as they stand at the beginning of a line.

    Parameters
    ----------
    text : str
        A TOML document.

    Returns
    -------
    dict of tuple of str to int
        Path of the key to its line, the first is 1. Keys inside inline tables are not found.

    Examples
    --------
    >>> key_lines('[fit]\nmodel = "4pl"\n\n[study.layout]\n"a.csv" = "b.csv"\n')
    {('fit',): 1, ('fit', 'model'): 2, ('study', 'layout'): 4, ('study', 'layout', 'a.csv'): 5}
    """
    table: tuple[str, ...] = ()
    found: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = _parts(match[1])
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            found.setdefault((*table, *_parts(match[1])), number)
    return found


def line_of(lines: dict[tuple[str, ...], int], key: tuple[str, ...]) -> int | None:
    """The line of a key, of the table that holds it, or None."""
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return None


def _parts(path: str) -> tuple[str, ...]:
    """``a."b c"`` as its parts."""
    return tuple(part.strip("\"'") for part in _EACH.findall(path))
