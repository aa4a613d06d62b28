"""What one reading of a plain table says: a number, a flag with its limit, or nothing.

Used by :mod:`cytokit.tables`. A reading is an interval that holds the concentration; nothing is
filled in and no logarithm is taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cytokit.errors import Problem, UsageError, did_you_mean, option_text
from cytokit.sources.numbers import Cell, has_thousands_mark
from cytokit.sources.numbers import read_cell as read_text
from cytokit.tables.columns import normal_unit
from cytokit.vocabulary import VendorStatus

NAN = math.nan

#: in the place of a name; a word such as none may be the name of a group
_NO_NAME = frozenset(
    ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "<NA>", "NaT", "NULL", "null", "n.a.", "na")
)
#: What a word with two meanings (``ND``) may be taken for.
ND_CHOICES = ("below", "missing")
#: the limit a word speaks of -> the columns that may state it, the first that does decides
_BELOW = {
    "lod": ("lod", "floor", "limit"),
    "lloq": ("lloq",),
    "floor": ("floor", "limit", "lod"),
    "limit": ("limit", "floor", "lod"),
    "": ("limit", "floor", "lod", "lloq"),
}
_ABOVE = {"uloq": ("uloq",), "limit": ("limit", "uloq"), "": ("limit", "uloq")}
_NUMBERS = (VendorStatus.IN_RANGE, VendorStatus.EXTRAPOLATED)
_LOW, _HIGH = VendorStatus.OOR_LOW, VendorStatus.OOR_HIGH
_CENSOR_BELOW = frozenset(("<", "<=", "≤", "below", "left", "lod", "<lod", "true", "1", "yes"))
_CENSOR_ABOVE = frozenset((">", ">=", "≥", "above", "right", ">uloq"))
_CENSOR_NONE = frozenset(("", "=", "0", "false", "no", "none", "exact", "na", "nan"))


@dataclass(frozen=True, slots=True)
class Reading:
    """One cell understood: value, the interval that holds it, state and what is odd about it.

    ``given`` is the number the cell prints, censored or not; ``word`` a word that stood for one;
    ``grouped`` tells a number with thousands marks.
    """

    value: float
    lower: float
    upper: float
    state: str
    unit: str = ""
    oddity: str = ""
    given: float = NAN
    word: str = ""
    grouped: bool = False


def check_nd(nd: str | None) -> None:
    """Refuse a word that says nothing of ``ND``.

    Raises
    ------
    UsageError
        CK-223
    """
    if nd is not None and nd not in ND_CHOICES:
        mend = f"use one of {', '.join(ND_CHOICES)}"
        near = did_you_mean(nd, ND_CHOICES)
        raise UsageError(Problem("CK-223", f"{option_text('nd', nd)} is no choice", "", mend, near))


def has_two_meanings(text: str) -> bool:
    """Whether a cell says ``ND`` or the like: not detected, or not done."""
    return read_text(text).either


def holds_reading(text: str) -> bool:
    """Whether a cell holds a number, in either notation, or a flag of range."""
    return any(read_text(text, mark).status in (*_NUMBERS, _LOW, _HIGH) for mark in ".,")


def says_nothing(text: str) -> bool:
    """Whether a cell is empty or says that there is no reading."""
    cell = read_text(text)
    return not cell.damaged and cell.status not in (*_NUMBERS, _LOW, _HIGH)


def says_no_name(text: str) -> bool:
    """Whether a cell that should hold a name says that it is missing, as R and pandas write it.

    Examples
    --------
    >>> says_no_name("NA"), says_no_name("Na"), says_no_name("none"), says_no_name("")
    (True, False, False, False)
    """
    return text.strip() in _NO_NAME


def number(text: str, decimal: str) -> float:
    """A plain number or NaN; for limits and the like."""
    cell = read_text(text, decimal)
    return cell.value if cell.status is VendorStatus.IN_RANGE else NAN


def read_cell(
    text: str, censor: str, limits: Mapping[str, float], decimal: str, nd: str | None = None
) -> Reading | None:
    """What cell, censoring mark and limits say together; None where the cell is damaged."""
    cell = read_text(text, decimal)
    mark = _censor_mark(censor) if censor else ""
    if mark is None or cell.damaged:
        return None
    if cell.either and nd == "below":
        return _flagged(Cell(NAN, _LOW, text=cell.text, bound="lod"), limits)
    unit, grouped = normal_unit(cell.unit), has_thousands_mark(text, decimal)
    if cell.limit == cell.limit:
        ends = (0.0, cell.limit) if cell.status is _LOW else (cell.limit, math.inf)
        state = "below" if cell.status is _LOW else "above"
        return Reading(NAN, *ends, state, unit, given=cell.limit, grouped=grouped)
    if cell.status in (_LOW, _HIGH):
        return _flagged(cell, limits)
    if cell.status not in _NUMBERS:
        keys = _BELOW[""] if mark == "<" else _ABOVE[""]
        if mark and not math.isnan(_first(keys, limits)):
            return _flagged(Cell(NAN, _LOW if mark == "<" else _HIGH), limits)
        return Reading(NAN, NAN, NAN, "missing", word=cell.text)
    if mark:
        return _marked(mark, cell.value, limits, unit, grouped)
    odd = "extrapolated" if cell.status is VendorStatus.EXTRAPOLATED else ""
    value = cell.value
    return Reading(value, value, value, "exact", unit, odd, given=value, grouped=grouped)


def _censor_mark(text: str) -> str | None:
    """``<``, ``>`` or empty; None for a mark nobody knows."""
    mark = text.strip().casefold()
    if mark in _CENSOR_NONE:
        return ""
    if mark in _CENSOR_BELOW:
        return "<"
    return ">" if mark in _CENSOR_ABOVE else None


def _first(keys: Sequence[str], limits: Mapping[str, float]) -> float:
    return next((limits[key] for key in keys if not math.isnan(limits.get(key, NAN))), NAN)


def _flagged(cell: Cell, limits: Mapping[str, float]) -> Reading:
    """A flag without a number of its own: its limit comes from the row."""
    below = cell.status is _LOW
    limit = _first((_BELOW if below else _ABOVE)[cell.bound], limits)
    oddity = "limit_unknown" if math.isnan(limit) else ""
    ends = (0.0, limit) if below else (limit, math.inf)
    return Reading(NAN, *ends, "below" if below else "above", oddity=oddity, word=cell.text)


def _marked(
    mark: str, value: float, limits: Mapping[str, float], unit: str, grouped: bool
) -> Reading:
    """A number marked as censored: the limit beside it decides, never to a narrower interval."""
    limit = _first(_BELOW[""] if mark == "<" else _ABOVE[""], limits)
    if math.isnan(limit):
        limit = value
    if mark == "<":
        ends, state, contradicted = (0.0, max(value, limit)), "below", value > limit
    else:
        ends, state, contradicted = (min(value, limit), math.inf), "above", value < limit
    oddity = "limit_contradicted" if contradicted else ""
    return Reading(NAN, *ends, state, unit, oddity, given=value, grouped=grouped)
