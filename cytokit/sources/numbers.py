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

#: Whole cells that are flags, in lower case and without blanks.
_WORDS: dict[str, VendorStatus] = {
    "": _EMPTY,
    **dict.fromkeys(("***", "n/a", "na", "#n/a", "nan", "-nan", "nan(ind)"), _ABSENT),
    **dict.fromkeys(("false", "true", "none", "null", "nd", "n.d.", "notavailable"), _ABSENT),
    **dict.fromkeys(("---", "--", "outlier"), _OUTLIER),
    **dict.fromkeys(("oor<", "<oor", "<lod", "<lloq", "<loq", "<llod", "blq", "bloq", "<"), _LOW),
    **dict.fromkeys(("bql", "blod", "belowlod", "belowlloq", "-inf", "-infinity"), _LOW),
    **dict.fromkeys(("oor>", ">oor", ">uloq", ">ulod", ">hod", ">loq", "alq", "aloq", ">"), _HIGH),
    **dict.fromkeys(("aboveuloq", "inf", "+inf", "infinity", "+infinity"), _HIGH),
}
_SIGNS = {"<": _LOW, "≤": _LOW, "⩽": _LOW, ">": _HIGH, "≥": _HIGH, "⩾": _HIGH, "*": _EXTRAPOLATED}
_UNIT = (
    r"(?:[kfpnumµμ]?g|[kMmµμun]?I?U|[AR]U|EU|[fpnumµμ]?mol|cells|copies)"
    r"\s?/\s?(?:[mµμudn]?[lL]|mg|g|kg)"
    r"|(?:pg|ng|[fpnumµμ]M|%|AU|MFI)"
)
_DIGITS = frozenset("0123456789")
#: Letters beyond which no cell is a number or a flag.
LONGEST_CELL = 400
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_TAIL = re.compile(rf"(?P<number>.*?[\d.,])\s*\[?(?P<unit>{_UNIT})\]?", re.ASCII | re.DOTALL)
_BLANKS = dict.fromkeys(map(ord, "   '’"), None)
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+(?:,\d+)?", re.ASCII)


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
    """

    value: float
    status: VendorStatus
    limit: float = NAN
    unit: str = ""
    text: str = ""
    damaged: bool = False


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
        :mod:`cytokit.sources.decimal_mark`).

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
    """
    if isinstance(cell, str):
        return _read_text(cell, decimal)
    if cell is None:
        return _read_text("", decimal)
    if isinstance(cell, bool):
        return Cell(NAN, _ABSENT, text=str(cell).upper())
    if isinstance(cell, (int, float)):
        value = float(cell)
        return Cell(value, _IN_RANGE) if math.isfinite(value) else Cell(NAN, _ABSENT)
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
        if decimal == "." and text[:1] in _DIGITS and "_" not in text and text.isascii():
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
    if decimal == ".":
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
    intensity, count = _without_count(text.strip())
    return read_cell(intensity, decimal), float(count) if count else NAN


def bare_number(text: str) -> str:
    """The number in a cell: without sign of range, unit and count.

    Examples
    --------
    >>> bare_number("< 3,2 pg/mL"), bare_number("15710.5 (52)")
    ('3,2', '15710.5')
    """
    bare = text.strip().lstrip("<>≤≥*").strip()
    if (tail := _TAIL.fullmatch(bare)) is not None:
        bare = tail["number"]
    return _without_count(bare)[0].translate(_BLANKS)


def _without_count(text: str) -> tuple[str, str]:
    """An intensity and the digits of the bead count in brackets after it; empty where none is."""
    before, bracket, count = text[:-1].rpartition("(")
    if not bracket or text[-1] != ")" or not (count.isascii() and count.isdigit()):
        return text, ""
    return before.rstrip(), count


@lru_cache(maxsize=65_536)
def _read_text(text: str, decimal: str) -> Cell:
    """Flags first, then numbers, then damage."""
    stripped = text.strip()
    if len(stripped) > LONGEST_CELL:
        return Cell(NAN, _ABSENT, text=stripped, damaged=True)
    word = "".join(stripped.split()).lower()
    if (status := _WORDS.get(word)) is not None:
        return Cell(NAN, status, text=stripped)
    number = _number(stripped, decimal)
    if number is not None:
        return Cell(number, _IN_RANGE, text=stripped)
    sign = _SIGNS.get(stripped[0])
    rest = stripped[1:] if sign else stripped
    if rest[:1] == "=" and sign in (_LOW, _HIGH):
        rest = rest[1:]
    rest, unit = _without_unit(rest.strip())
    number = _number(rest, decimal)
    if number is None:
        return Cell(NAN, _ABSENT, text=stripped, damaged=True)
    if sign in (_LOW, _HIGH):
        return Cell(NAN, sign, limit=number, unit=unit, text=stripped)
    return Cell(number, sign or _IN_RANGE, unit=unit, text=stripped)


def _without_unit(text: str) -> tuple[str, str]:
    """Split a unit off a number; only units of the field, so that ``20.lip`` stays whole."""
    match = _TAIL.fullmatch(text)
    return (match["number"].strip(), match["unit"]) if match else (text, "")


def _number(text: str, decimal: str) -> float | None:
    """A finite number in the notation of this decimal mark, else None.

    Thousands marks are taken only where the cell itself proves them: both marks, or two groups.
    ``1,234`` alone could be either and is not guessed.
    """
    text = text.replace("−", "-")
    if not _PLAIN.fullmatch(text) or decimal == ",":
        text = text.translate(_BLANKS)
        groups, mark = (_POINT_GROUPS, ",") if decimal == "." else (_COMMA_GROUPS, ".")
        if groups.fullmatch(text) and (decimal in text or text.count(mark) > 1):
            text = text.replace(mark, "")
        if decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        if not _PLAIN.fullmatch(text):
            return None
    value = float(text)
    return value if math.isfinite(value) else None
