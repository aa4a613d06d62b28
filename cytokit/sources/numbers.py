"""One cell to a number, a flag with its limit, or a named damage; flags are read before numbers.

What vendors print for "no number" says why there is none and in which direction, so it is kept:
``< 3.2`` is a limit, ``OOR >`` a direction, ``*1.55`` an extrapolation, ``***`` and ``N/A`` an
absence, ``---`` an outlier. A cell that is none of these (``20.lip``, a decimal number that a
spreadsheet took for a date) is damaged, never zero and never a bare NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np

from cytokit.vocabulary import VendorStatus

NAN = float("nan")
_IN_RANGE, _EXTRAPOLATED = VendorStatus.IN_RANGE, VendorStatus.EXTRAPOLATED
_LOW, _HIGH = VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH
_ABSENT, _OUTLIER, _EMPTY = (
    VendorStatus.NOT_AVAILABLE,
    VendorStatus.OUTLIER,
    VendorStatus.NOT_GIVEN,
)

#: The limit a word speaks of, and the words of each that say "below it" or "above it".
_BELOW: dict[str, tuple[str, ...]] = {
    "lod": (
        *("<lod", "<llod", "<dl", "<mdl", "bdl", "bld", "blod", "bllod", "belowlod", "belowllod"),
        *("belowdetection", "belowdetectionlimit", "belowlimitofdetection", "belowdetectable"),
        *("notdetected", "notdetectable", "undetected", "undetectable"),
    ),
    "lloq": (
        *("<lloq", "<loq", "blq", "bloq", "bql", "blloq", "belowlloq", "belowloq"),
        *("belowlimitofquantification", "belowlimitofquantitation", "belowquantification"),
    ),
    "floor": ("<floor",),
    "limit": ("<limit", "belowlimit"),
    "": (
        *("oor<", "<oor", "<", "<min", "below", "belowrange", "belowstandards", "belowcurve"),
        *("-inf", "-infinity"),
    ),
}
_ABOVE: dict[str, tuple[str, ...]] = {
    "uloq": (">uloq", ">loq", "alq", "aloq", "auloq", "aboveuloq", "aboveloq"),
    "limit": (">limit", "abovelimit"),
    "": (
        *("oor>", ">oor", ">", ">max", ">ulod", ">hod", "above", "aboverange", "abovestandards"),
        *("abovecurve", "inf", "+inf", "infinity", "+infinity"),
    ),
}
_NOTHING = (
    *("***", "n/a", "na", "n.a.", "n.a", "#n/a", "nan", "-nan", "nan(ind)", ".", "-", "false"),
    *("true", "none", "null", "missing", "notavailable", "nottested", "notdone", "nodata"),
    *("qns", "insufficient", "nosample"),
)
#: Words with two meanings: not detected, or not done; not quantifiable, or not quantified.
_EITHER = ("nd", "n.d.", "n.d", "n/d", "nq", "n.q.", "n.q", "n/q")

#: Whole cells that are words, in lower case and without blanks: what each says, of which limit.
_WORDS: dict[str, tuple[VendorStatus, str]] = {
    "": (_EMPTY, ""),
    **dict.fromkeys(_NOTHING, (_ABSENT, "")),
    **dict.fromkeys(_EITHER, (_ABSENT, "")),
    **dict.fromkeys(("---", "--", "outlier"), (_OUTLIER, "")),
    **{word: (_LOW, bound) for bound, words in _BELOW.items() for word in words},
    **{word: (_HIGH, bound) for bound, words in _ABOVE.items() for word in words},
}
_SIGNS = {"<": _LOW, "≤": _LOW, "⩽": _LOW, ">": _HIGH, "≥": _HIGH, "⩾": _HIGH, "*": _EXTRAPOLATED}
_UNIT = re.compile(
    r"(?:[kfpnumµμ]?g|[kMmµμun]?I?U|[AR]U|EU|[fpnumµμ]?mol|cells|copies)"
    r"\s?(?:/|_|\bper\b)\s?(?:[mµμudn]?[lL]|mg|g|kg)"
    r"|pg|ng|[fpnumµμ]M|%|AU|RU|I?U|NPX|MFI",
    re.ASCII,
)
#: ``log2 pg/mL``: the digit is no part of the number.
_LOG_UNIT = re.compile(
    r"(?:log_?(?:10|2|e)|ln)(?:[ _](?:[fpnumµμ]?g|[fpnumµμ]?mol|[mµμu]?I?U)\s?/\s?[mµμudn]?[lL])?",
    re.ASCII | re.IGNORECASE,
)
_DIGITS = frozenset("0123456789")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_PAIR = re.compile(r"\((\d{1,9})\)", re.ASCII)
#: Blanks and apostrophes that mark thousands whatever the decimal mark is.
_BLANKS = " \u00a0\u202f\u2009'’"
_WITHOUT_BLANKS = dict.fromkeys(map(ord, _BLANKS))
#: Thousands in groups of three, one mark throughout, never after a leading zero.
_POINT_GROUPS = re.compile(
    r"[+-]?[1-9]\d{0,2}([, \u00a0\u202f\u2009'’])\d{3}(?:\1\d{3})*(?:\.\d+)?", re.ASCII
)
_COMMA_GROUPS = re.compile(
    r"[+-]?[1-9]\d{0,2}([. \u00a0\u202f\u2009'’])\d{3}(?:\1\d{3})*(?:,\d+)?", re.ASCII
)
_BLANK_GROUPS = re.compile(
    r"[+-]?[1-9]\d{0,2}([ \u00a0\u202f\u2009'’])\d{3}(?:\1\d{3})*(?:\.\d+)?", re.ASCII
)
#: By the decimal mark, empty where none is decided.
_GROUPS = {".": _POINT_GROUPS, ",": _COMMA_GROUPS, "": _BLANK_GROUPS}
#: Letters beyond which no cell is a number or a flag.
LONGEST_CELL = 400


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell says.

    Parameters
    ----------
    value : float
        The number; NaN where the cell gives none.
    status : VendorStatus
        ``IN_RANGE`` for a plain number; ``NOT_GIVEN`` for an empty cell.
    limit : float
        The number beside ``<`` or ``>``; NaN where there is none.
    unit : str
        A unit printed in the cell.
    text : str
        The cell as it stands.
    damaged : bool
        Neither a number nor a flag cytokit knows. Its status is ``NOT_AVAILABLE``.
    bound : str
        The limit a word speaks of (``BLQ``: ``lloq``); empty where it names none.
    either : bool
        A word with two meanings: ``ND`` is not detected, or not done.
    """

    value: float
    status: VendorStatus
    limit: float = NAN
    unit: str = ""
    text: str = ""
    damaged: bool = False
    bound: str = ""
    either: bool = False


#: An empty cell.
EMPTY = Cell(NAN, VendorStatus.NOT_GIVEN)


def read_cell(cell: object, decimal: str = ".") -> Cell:
    """Read one cell.

    Parameters
    ----------
    cell : object
        Text, or what a workbook stores (a float is exact whatever the decimal mark; a date where a
        number belongs is damage).
    decimal : str
        ``.`` or ``,``, decided for the whole file or column by ``decide_decimal`` (in
        :mod:`cytokit.sources.decimal_mark`); the other of the two marks thousands. Empty before
        anything is decided: then a point is one, and a comma is damage.

    Returns
    -------
    Cell

    Examples
    --------
    >>> read_cell("12.5").value, read_cell("12,5", ",").value
    (12.5, 12.5)
    >>> low = read_cell("<15.67 pg/mL"); low.value, str(low.status), low.limit, low.unit
    (nan, 'oor_low', 15.67, 'pg/mL')
    >>> str(read_cell("*1.55").status), str(read_cell("---").status)
    ('extrapolated', 'outlier')
    >>> read_cell("20.lip").damaged, read_cell("NaN").damaged
    (True, False)
    >>> read_cell("1,234").value, read_cell("1,234", ",").value, read_cell("0,234").damaged
    (1234.0, 1.234, True)
    """
    if isinstance(cell, str):
        return _read_text(cell, decimal)
    if cell is None:
        return _read_text("", decimal)
    if isinstance(cell, bool):
        return Cell(NAN, _ABSENT, text=str(cell).upper())
    if isinstance(cell, (int, float)):
        value = float(cell)
        return Cell(value, _IN_RANGE) if math.isfinite(value) else _read_text(str(value), ".")
    return Cell(NAN, _ABSENT, text=str(cell), damaged=True)


def read_row(cells: Sequence[str], decimal: str = ".") -> tuple[list[float], dict[int, Cell]]:
    """Read the text cells of a row: plain numbers fast, everything else with care.

    Parameters
    ----------
    cells : sequence of str
    decimal : str

    Returns
    -------
    values : list of float
        NaN where a cell gives no number.
    others : dict of int to Cell
        The cells that are not plain numbers, by position: flags, extrapolations, empties, damage.

    Examples
    --------
    >>> values, others = read_row(["14", "13.5", "NaN", "< 3.2"])
    >>> values
    [14.0, 13.5, nan, nan]
    >>> {index: str(cell.status) for index, cell in others.items()}
    {2: 'not_available', 3: 'oor_low'}
    """
    values: list[float] = []
    others: dict[int, Cell] = {}
    for index, text in enumerate(cells):
        if decimal != "," and text[:1] in _DIGITS and "_" not in text and text.isascii():
            # the common case without the cost of a lookup; what fails is read with care below
            try:
                value = float(text)
            except ValueError:
                value = NAN
            if math.isfinite(value):
                values.append(value)
                continue
        cell = _read_text(text, decimal)
        values.append(cell.value)
        if cell.status is not _IN_RANGE:
            others[index] = cell
    return values, others


def read_table(
    rows: Sequence[Sequence[str]], width: int, decimal: str = "."
) -> tuple[np.ndarray, dict[tuple[int, int], Cell]]:
    """Read a table of text cells at once; as :func:`read_row` for each of its rows.

    Parameters
    ----------
    rows : sequence of sequence of str
        Each ``width`` long.
    width : int
    decimal : str

    Returns
    -------
    values : numpy.ndarray of shape (rows, width)
    others : dict of (int, int) to Cell

    Examples
    --------
    >>> values, others = read_table([["14", "13.5"], ["NaN", "7"]], 2)
    >>> values.tolist(), [str(cell.status) for cell in others.values()]
    ([[14.0, 13.5], [nan, 7.0]], ['not_available'])
    """
    if decimal != ",":
        count = len(rows) * width
        try:
            flat = np.fromiter(map(float, chain.from_iterable(rows)), dtype=float, count=count)
        except ValueError:
            pass
        else:
            # float() also takes nan, inf and 1_000, which are flags or damage here
            if np.isfinite(flat).all() and "_" not in "".join(chain.from_iterable(rows)):
                return flat.reshape(len(rows), width), {}
    values = np.full((len(rows), width), NAN)
    others: dict[tuple[int, int], Cell] = {}
    for index, row in enumerate(rows):
        if any(row):
            values[index], unusual = read_row(row, decimal)
            others.update({(index, column): cell for column, cell in unusual.items()})
        else:
            others.update(dict.fromkeys([(index, column) for column in range(width)], EMPTY))
    return values, others


def read_fi_count(text: str, decimal: str = ".") -> tuple[Cell, float]:
    """Read ``15710.5 (52)``: an intensity with its bead count; NaN where no count is printed.

    Examples
    --------
    >>> cell, count = read_fi_count("15710.5 (52)"); cell.value, count
    (15710.5, 52.0)
    >>> cell, count = read_fi_count("--- (12)"); str(cell.status), count
    ('outlier', 12.0)
    """
    number, count = _without_count(text.strip())
    return read_cell(number, decimal), count


def bare_number(text: str) -> str:
    """The number in a cell: without sign of range, unit, count and blanks.

    Examples
    --------
    >>> bare_number("< 3,2 pg/mL"), bare_number("15710.5 (52)")
    ('3,2', '15710.5')
    """
    if len(text) > LONGEST_CELL:
        return ""
    bare, _ = _without_unit(text.strip().lstrip("<>≤≥=*").rstrip("*").strip())
    bare, _ = _without_count(bare)
    return bare.rstrip("*").translate(_WITHOUT_BLANKS)


@lru_cache(maxsize=65_536)
def _read_text(text: str, decimal: str) -> Cell:
    """Flags first, then numbers, then damage."""
    stripped = text.strip()
    if len(stripped) > LONGEST_CELL:
        return Cell(NAN, _ABSENT, text=stripped, damaged=True)
    word = "".join(stripped.split()).casefold()
    if word not in _WORDS:
        word = word.replace("_", "").replace("-", "") or word
    if word in _WORDS:
        status, bound = _WORDS[word]
        return Cell(NAN, status, text=stripped, bound=bound, either=word in _EITHER)
    number = _number(stripped, decimal)
    if number is not None:
        return Cell(number, _IN_RANGE, text=stripped)
    sign = _SIGNS.get(stripped[0])
    rest = stripped[1:] if sign else stripped
    if rest[:1] == "=" and sign in (_LOW, _HIGH):
        rest = rest[1:]
    rest, unit = _without_unit(rest.strip())
    if sign is None and rest.endswith("*"):
        sign, rest = _EXTRAPOLATED, rest[:-1].rstrip()
        rest, unit = (rest, unit) if unit else _without_unit(rest)
    number = _number(rest, decimal)
    if number is None:
        return Cell(NAN, _ABSENT, text=stripped, damaged=True)
    if sign in (_LOW, _HIGH):
        return Cell(NAN, sign, limit=number, unit=unit, text=stripped)
    return Cell(number, sign or _IN_RANGE, unit=unit, text=stripped)


def _without_unit(text: str) -> tuple[str, str]:
    """Split a unit off a number; only units of the field, so that ``20.lip`` stays whole."""
    end = max(map(text.rfind, "0123456789.,*")) + 1
    tail = text[end:].strip()
    if tail[:1] == "[" and tail[-1:] == "]":
        tail = tail[1:-1]
    if end and _UNIT.fullmatch(tail):
        return text[:end], tail
    number, _, tail = text.partition(" ")
    return (number, tail) if _LOG_UNIT.fullmatch(tail) else (text, "")


def _without_count(text: str) -> tuple[str, float]:
    """Split ``(52)`` off a number; NaN where no count is printed."""
    at = text.rfind("(")
    match = _PAIR.fullmatch(text, at) if at >= 0 else None
    return (text[:at].rstrip(), float(match[1])) if match else (text, NAN)


def has_thousands_mark(text: str, decimal: str) -> bool:
    """Whether a cell's number is written in groups of three.

    Examples
    --------
    >>> has_thousands_mark("< 1,234", "."), has_thousands_mark("1,234", ",")
    (True, False)
    """
    if len(text) > LONGEST_CELL:
        return False
    bare, _ = _without_unit(text.strip().lstrip("<>≤≥=*").rstrip("*").strip())
    return _GROUPS[decimal].fullmatch(bare) is not None


def _number(text: str, decimal: str) -> float | None:
    """A finite number in the notation of this decimal mark, else None."""
    text = text.replace("−", "-")
    if (match := _GROUPS[decimal].fullmatch(text)) is not None:
        text = text.replace(match[1], "")
    elif decimal == "," and "." in text:
        return None
    if decimal == ",":
        text = text.replace(",", ".")
    if not _PLAIN.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None
