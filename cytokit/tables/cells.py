"""What one reading of a plain table says: a number, a flag with its limit, or nothing.

Used by :mod:`cytokit.tables`. A reading is an interval that holds the concentration; nothing is
filled in and no logarithm is taken.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cytokit.errors import InputError, Problem, place
from cytokit.tables.columns import is_unit, normal_unit

NAN = math.nan

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_CELL = re.compile(rf"(\*|[<>≤≥]=?)?\s*({_NUMBER})\s*(\D.*)?")
_MISSING = frozenset(
    (
        *("", "nan", "na", "n/a", "n.a.", "null", "none", ".", "-", "--", "---", "***", "missing"),
        *("not available", "not tested", "not done", "qns", "insufficient", "no sample"),
        *("#n/a", "#value!", "#num!", "#div/0!"),
    )
)
#: in the place of a name; a word such as none may be the name of a group
_NO_NAME = frozenset(
    ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "<NA>", "NaT", "NULL", "null", "n.a.", "na")
)
#: flag -> the columns that may state its limit, the first that does decides
_BELOW = {
    "<lod": ("lod", "floor", "limit"),
    "<lloq": ("lloq",),
    "<loq": ("lloq",),
    "<floor": ("floor", "limit", "lod"),
    "<limit": ("limit", "floor", "lod"),
    "oor<": ("limit", "floor", "lod", "lloq"),
    "<": ("limit", "floor", "lod", "lloq"),
    "<min": ("limit", "floor", "lod", "lloq"),
    "belowrange": ("limit", "floor", "lod", "lloq"),
    "bdl": ("lod", "floor", "limit"),
    "bld": ("lod", "floor", "limit"),
    "blod": ("lod", "floor", "limit"),
    "notdetected": ("lod", "floor", "limit"),
    "undetectable": ("lod", "floor", "limit"),
    "blq": ("lloq",),
    "bloq": ("lloq",),
    "blloq": ("lloq",),
}
_ABOVE = {
    ">uloq": ("uloq",),
    ">loq": ("uloq",),
    ">limit": ("limit", "uloq"),
    "oor>": ("limit", "uloq"),
    ">": ("limit", "uloq"),
    ">max": ("limit", "uloq"),
    "aboverange": ("limit", "uloq"),
    "aloq": ("uloq",),
    "auloq": ("uloq",),
    "alq": ("uloq",),
}
_CENSOR_BELOW = frozenset(("<", "<=", "≤", "below", "left", "lod", "<lod", "true", "1", "yes"))
_CENSOR_ABOVE = frozenset((">", ">=", "≥", "above", "right", ">uloq"))
_CENSOR_NONE = frozenset(("", "=", "0", "false", "no", "none", "exact", "na", "nan"))

_LIKE_A_NUMBER = re.compile(r"(?:\*|[<>≤≥]=?)?\s*[-+]?[.,]*\d[\d.,]*(?:[eE][-+]?\d+)?(.*)")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_COMMA = re.compile(r"\d,\d")


@dataclass(frozen=True, slots=True)
class Reading:
    """One cell understood: value, the interval that holds it, state and what is odd about it."""

    value: float
    lower: float
    upper: float
    state: str
    unit: str = ""
    oddity: str = ""


def decimal_sign(cells: Sequence[str], semicolons: bool, file: str) -> str:
    """Whether "," is the decimal sign of these cells; undecidable is an error, never a guess."""
    with_comma = [cell for cell in cells if _COMMA.search(cell)]
    if not with_comma:
        return "."
    if all(_THOUSANDS.search(cell) for cell in with_comma):
        if any(re.search(r"\d\.\d", cell) for cell in cells):
            return "."
        if not semicolons:
            what = f"{with_comma[0]!r} may be a decimal comma or a thousands mark"
            mend = "save the table with decimal points and without thousands marks"
            raise InputError(Problem("CK-245", what, place(file), mend))
        return ","
    with_point = [cell for cell in cells if re.search(r"\d\.\d", cell)]
    if with_point:
        what = f"decimal commas and decimal points stand mixed ({with_comma[0]}, {with_point[0]})"
        mend = "write all numbers of the table in one way"
        raise InputError(Problem("CK-246", what, place(file), mend))
    return ","


def is_reading(text: str) -> bool:
    """Whether a text cell holds a number, with or without a sign of censoring and a unit."""
    match = _LIKE_A_NUMBER.fullmatch(text.strip())
    return match is not None and (not match[1].strip() or is_unit(match[1]))


def holds_reading(text: str) -> bool:
    """Whether a cell holds a number or a flag of range."""
    flag = re.sub(r"\s+", "", text.casefold())
    return is_reading(text) or flag in _BELOW or flag in _ABOVE


def says_nothing(text: str) -> bool:
    """Whether a cell is empty or says that there is no reading."""
    return text.strip().casefold() in _MISSING


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
    if not text:
        return NAN
    clean = _with_point(text.strip(), decimal)
    return float(clean) if re.fullmatch(_NUMBER, clean) else NAN


def read_cell(text: str, censor: str, limits: Mapping[str, float], decimal: str) -> Reading | None:
    """What cell, censoring mark and limits say together; None where the cell is damaged."""
    cell = text.strip()
    mark = _censor_mark(censor) if censor else ""
    if mark is None:
        return None
    flag = re.sub(r"\s+", "", cell.casefold())
    if flag in _BELOW or flag in _ABOVE:
        return _flagged(flag, limits)
    if flag in _MISSING or cell.casefold() in _MISSING:
        keys = _BELOW["<"] if mark == "<" else _ABOVE[">"]
        if mark and not math.isnan(_first(keys, limits)):
            return _flagged(mark, limits)
        return Reading(NAN, NAN, NAN, "missing")
    match = _CELL.fullmatch(_with_point(cell, decimal))
    if match is None or (match[3] and not is_unit(match[3])):
        return None
    sign, value, unit = match[1] or "", float(match[2]), normal_unit(match[3] or "")
    if sign[:1] in ("<", "≤"):
        return Reading(NAN, 0.0, value, "below", unit)
    if sign[:1] in (">", "≥"):
        return Reading(NAN, value, math.inf, "above", unit)
    if mark:
        return _marked(mark, value, limits, unit)
    return Reading(value, value, value, "exact", unit, "extrapolated" if sign else "")


def _with_point(text: str, decimal: str) -> str:
    return text.replace(".", "").replace(",", ".") if decimal == "," else text.replace(",", "")


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


def _flagged(flag: str, limits: Mapping[str, float]) -> Reading:
    """A flag without a number of its own: its limit comes from the row."""
    below = flag in _BELOW
    limit = _first(_BELOW[flag] if below else _ABOVE[flag], limits)
    oddity = "limit_unknown" if math.isnan(limit) else ""
    if below:
        return Reading(NAN, 0.0, limit, "below", "", oddity)
    return Reading(NAN, limit, math.inf, "above", "", oddity)


def _marked(mark: str, value: float, limits: Mapping[str, float], unit: str) -> Reading:
    """A number marked as censored: the limit beside it decides, never to a narrower interval."""
    limit = _first(_BELOW["<"] if mark == "<" else _ABOVE[">"], limits)
    if math.isnan(limit):
        limit = value
    if mark == "<":
        oddity = "limit_contradicted" if value > limit else ""
        return Reading(NAN, 0.0, max(value, limit), "below", unit, oddity)
    oddity = "limit_contradicted" if value < limit else ""
    return Reading(NAN, min(value, limit), math.inf, "above", unit, oddity)
