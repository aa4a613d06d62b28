"""Names that people take for one: other capitals, spaces, dashes, leading zeros."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

#: a number as a spreadsheet rewrites it: no leading zeros, perhaps a fraction of zero
_DIGITS = re.compile(r"[0-9]{1,40}(\.0{1,20})?")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")


def spelled_alike(name: str) -> str:
    """What is left of a name without capitals, spaces, invisible signs and kinds of dash.

    Examples
    --------
    >>> spelled_alike("Site 1\u2013A\u200b"), spelled_alike("SITE1-a")
    ('site1-a', 'site1-a')
    """
    text = unicodedata.normalize("NFKC", name).translate(_DASHES).casefold()
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) != "Cf")


def read_alike(name: str) -> str:
    """A number as a spreadsheet reads it, ``001`` and ``1.0`` as ``1``; any other name as it is.

    Examples
    --------
    >>> read_alike("001"), read_alike("1.0"), read_alike("S01"), read_alike("000")
    ('1', '1', 'S01', '0')
    """
    text = name.strip()
    if _DIGITS.fullmatch(text) is None:
        return text
    return text.partition(".")[0].lstrip("0") or "0"


def names_alike(names: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    """The names that one rule takes for one, where there are several.

    Examples
    --------
    >>> names_alike(["001", "2", "1"], read_alike)
    [['001', '1']]
    """
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        found.setdefault(key(name), []).append(name)
    return [alike for alike in found.values() if len(alike) > 1]
