"""Text as it stands in a cell of a CSV, so that a spreadsheet does not take it for a formula.

What a spreadsheet would calculate gets one leading apostrophe when it is written (OWASP, "CSV
injection"); reading takes exactly one off again, so that names like ``-IL-6`` and even ``'=x`` come
back to the letter. Identifiers that calculate nothing (``-15``, ``+49 171``, ``@cmd``, ``007``)
stand as they are.
"""

from __future__ import annotations

import re

#: signs that begin a formula, in the widths that East Asian keyboards give too
_SIGNS = "+\\-@\uff0b\uff0d\uff20"
_EQUALS = "=\uff1d"
#: an apostrophe that reading would take off, or that was put there by writing
_GUARDED = re.compile(f"'+[{_EQUALS}{_SIGNS}\\t\\r\\n](?s:.)")
_NUMBER = re.compile(r"[+-][ .,]?[0-9][0-9 .,]*(?:[eE][+-]?[0-9]{1,3})?%?")
#: an operator, a call, a text, a range, a sheet or a program (DDE)
_OPERATES = re.compile(r"""[-+*/^&=<>()|!'"%;:{}\[\]#$]""")
_CELL_REFERENCE = re.compile(r"[A-Za-z]\$?[0-9]")
_TRUTH = ("true", "false")


def calculates(text: str) -> bool:
    """Whether a spreadsheet that opens a CSV would calculate the text, or run it."""
    if len(text) < 2:
        return False
    first, rest = text[0], text[1:]
    if first in _EQUALS or first in "\t\r\n":
        return True
    if first not in "+-@\uff0b\uff0d\uff20" or _NUMBER.fullmatch(text):
        return False
    return (
        _OPERATES.search(rest) is not None
        or _CELL_REFERENCE.search(rest) is not None
        or rest.strip().casefold() in _TRUTH
    )


def guard(text: str) -> str:
    """A text for a cell: one apostrophe before what a spreadsheet would calculate."""
    return f"'{text}" if calculates(text) or _GUARDED.match(text) else text


def unguard(cell: str) -> str:
    """The text that :func:`guard` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell
