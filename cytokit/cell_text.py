"""Text as it stands in a cell of a CSV, so that a spreadsheet does not take it for a formula.

A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return, with something
behind it, gets one leading apostrophe when it is written (OWASP, "CSV injection"); reading takes
exactly one off again, so that names like ``-IL-6`` and even ``'=x`` come back to the letter. A sign
that stands alone calculates nothing and is left as it is.
"""

from __future__ import annotations

import re

_RISKY = re.compile(r"'*[=+\-@\t\r](?s:.)")
_GUARDED = re.compile(r"'+[=+\-@\t\r](?s:.)")


def guard(text: str) -> str:
    """A text as it may stand in a cell: one apostrophe before what Excel would calculate.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> guard("=1+1"), guard("'=1+1"), guard("IL-6"), guard("+")
    ("'=1+1", "''=1+1", 'IL-6', '+')
    """
    return f"'{text}" if _RISKY.match(text) else text


def unguard(cell: str) -> str:
    """The text that :func:`guard` was given.

    Parameters
    ----------
    cell : str

    Returns
    -------
    str

    Examples
    --------
    >>> unguard("'=1+1"), unguard("'quoted'"), unguard("+")
    ('=1+1', "'quoted'", '+')
    """
    return cell[1:] if _GUARDED.match(cell) else cell
