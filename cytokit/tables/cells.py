"""What one reading of a plain table says: a number, a flag with its limit, or nothing.

Used by :mod:`cytokit.tables`. A reading is an interval that holds the concentration; nothing is
filled in and no logarithm is taken.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from cytokit.errors import InputError, Problem, UsageError, did_you_mean, option_text, place
from cytokit.flags import Finding
from cytokit.options import TableOptions, choices_of
from cytokit.schema import LAST_DAY, VendorStatus
from cytokit.sources.numbers import Cell
from cytokit.sources.numbers import read_cell as read_text
from cytokit.tables.columns import Header, normal_unit, read_unit

NAN = math.nan

#: in the place of a name; a word such as none may be the name of a group
_NO_NAME = frozenset(
    ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "<NA>", "NaT", "NULL", "null", "n.a.", "na")
)
#: What a word with two meanings (``ND``) may be taken for.
ND_CHOICES = choices_of(TableOptions, "nd")
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
    """Refuse a word that says nothing of ``ND``."""
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
    """Whether a cell that should hold a name says that it is missing, as R and pandas write it."""
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
    unit, grouped = normal_unit(cell.unit), cell.grouped
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


# Days of a study: ``6``, ``D6``, ``day 6`` are one day; texts without a number stay texts.


Day = int | float | str

_DAY = re.compile(r"(?:d|day|study\s*day)?[\s_.:-]*?(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_BARE = re.compile(r"-?\d+(?:\.\d+)?")


def normal_day(label: object) -> Day:
    """A day's label as a number where it states one, else the text without outer spaces."""
    text = str(label).strip()
    match = _DAY.fullmatch(text)
    if match is None:
        return text
    value = float(match[1])
    if abs(value) > LAST_DAY:
        return text
    return int(value) if value == math.floor(value) else value


def is_impossible(label: object) -> bool:
    """Whether a day's label is a number that no study has a day of."""
    text = str(label).strip()
    match = _DAY.fullmatch(text)
    try:
        return abs(float(match[1] if match else text)) > LAST_DAY
    except ValueError:
        return False


def is_plain_number(label: object) -> bool:
    """Whether the label is a bare number, so that normalising it changed nothing."""
    return _BARE.fullmatch(str(label).strip()) is not None


def same_kind(days: Iterable[Day]) -> dict[Day, Day]:
    """Each day to what stands in a column: all numbers, or all texts where one is a text."""
    found = list(dict.fromkeys(days))
    if any(isinstance(day, str) for day in found):
        return {day: str(day) for day in found}
    return {day: day for day in found}


def find_day(asked: object, days: Iterable[Day], option: str) -> Day:
    """The study's day that an option means."""
    present = list(days)
    wanted = normal_day(asked)
    for day in present:
        if day == wanted or str(day).casefold() == str(wanted).casefold():
            return day
    mend = f"its days are {', '.join(map(str, present))}"
    if option == "baseline":
        mend += f"; where there is no baseline: {option_text('baseline', None)}"
    raise UsageError(
        Problem(
            "CK-402",
            f"the study has no day {asked!r}",
            where=f"option {option_text(option)}",
            mend=mend,
            near=did_you_mean(wanted, present) if isinstance(wanted, str) else "",
        )
    )


def sort_key(day: Day) -> tuple[int, float, str]:
    """For sorting: numbers by size, then texts by the alphabet."""
    number = normal_day(day)
    return (1, 0.0, number) if isinstance(number, str) else (0, float(number), "")


# The scale of the numbers in a plain table: concentrations as they are, or their logarithms.


LINEAR = "linear"
#: natural logarithm of each scale's base
_BASES = {"log2": math.log(2.0), "log10": math.log(10.0), "ln": 1.0}
SCALES = choices_of(TableOptions, "scale")
#: a number beyond 1e20 in any unit, or its inverse, is the logarithm of no concentration
_FARTHEST = math.log(1e20)
_NAMED = 6


@dataclass(frozen=True, slots=True)
class Scales:
    """The scale of one reading and of the limits beside it, and the unit on the linear scale."""

    reading: str
    unit: str
    limits: Mapping[str, str]


def check_scale(scale: str | None) -> None:
    """Raise for a scale that does not exist."""
    if scale is not None and scale not in SCALES:
        mend = f"use one of {', '.join(SCALES)}"
        near = did_you_mean(scale, SCALES)
        what = f"{option_text('scale', scale)} is no choice"
        raise UsageError(Problem("CK-288", what, mend=mend, near=near))


def _logarithms() -> str:
    """How to say that numbers are logarithms."""
    ways = [option_text("scale", scale) for scale in SCALES if scale != "linear"]
    return f"{', '.join(ways[:-1])} or {ways[-1]}"


def scales_of(
    header: Header, unit: str, limits: Mapping[str, Header], asked: str | None
) -> Scales | str:
    """What header, unit and user say together; a sentence where they contradict each other."""
    stated_unit, stated = read_unit(unit) or (normal_unit(unit), "")
    said = (*header.scales, stated, asked if asked in _BASES else "")
    named = [one for one in dict.fromkeys(said) if one]
    if set(named) & set(_BASES):  # a base that is said serves where a word leaves it open
        named = [one for one in named if one != "log"]
    if asked != LINEAR and len(named) > 1:
        return f"its numbers are said to be {' and '.join(named)}"
    scale = LINEAR if asked == LINEAR or not named else named[0]
    if scale == "log":
        return "its numbers are logarithms of a base that is not said"
    own = {
        role: LINEAR if asked == LINEAR or not one.scales else one.scales[0]
        for role, one in limits.items()
        if one.scales or one.unit
    }
    return Scales(scale, _linear_unit(stated_unit or header.unit, scale), own)


def is_relative(unit: str) -> bool:
    """Whether a unit is a power of a relative log unit: no concentration, good for ratios only."""
    return unit.startswith("2^")


def _linear_unit(unit: str, scale: str) -> str:
    """The unit once the logarithm is undone."""
    return f"2^{unit}" if scale != LINEAR and unit in ("NPX", "NPQ") else unit


def contradictions(found: Iterable[tuple[str, str]], path: str) -> None:
    """Raise for columns whose scale cannot be told; pairs of column and sentence."""
    problems = [
        Problem(
            "CK-289",
            f"column {column!r}: {sentence}",
            place(path),
            f"say which: scale, one of {', '.join(SCALES)}; or correct the header",
        )
        for column, sentence in dict.fromkeys(found)
    ]
    if problems:
        raise InputError(*problems)


def linear_reading(reading: Reading, scale: str) -> Reading:
    """A reading taken back to the linear scale; the open end of an interval stays open."""
    if scale == LINEAR:
        return reading
    lower = reading.lower if reading.state == "below" else linear(reading.lower, scale)
    return replace(
        reading,
        value=linear(reading.value, scale),
        lower=lower,
        upper=linear(reading.upper, scale),
        given=linear(reading.given, scale),
    )


@lru_cache(maxsize=65536)
def linear(value: float, scale: str) -> float:
    """A number taken back to the linear scale; infinite ends stay, what is too far is NaN."""
    if scale == LINEAR or math.isnan(value) or math.isinf(value):
        return value
    if abs(value) * _BASES[scale] > _FARTHEST:
        return math.nan
    return 2.0**value if scale == "log2" else 10.0**value if scale == "log10" else math.exp(value)


def from_linear(value: float, scale: str) -> float:
    """A number of the linear scale on another; NaN where it has no logarithm."""
    if scale == LINEAR:
        return value
    return math.log(value) / _BASES[scale] if value > 0 else math.nan


def refuse_impossible(
    numbers: Sequence[tuple[float, str, str, str]], path: str, asked: str | None
) -> None:
    """Raise for numbers that their scale cannot hold."""
    negative: dict[str, list[tuple[float, str]]] = {}
    far: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for value, scale, analyte, where in numbers:
        if scale == LINEAR and value < 0:
            negative.setdefault(analyte, []).append((value, where))
        elif scale != LINEAR and abs(value) * _BASES[scale] > _FARTHEST:
            far.setdefault((analyte, scale), []).append((value, where))
    problems = [
        Problem(
            "CK-290",
            f"analyte {analyte!r}: {_counted(found)} below zero, which no concentration is",
            found[0][1] or path,
            f"if they are logarithms say so: {_logarithms()}"
            if asked is None
            else f"scale {asked} was asked for; a value below a limit is written with <",
        )
        for analyte, found in negative.items()
    ]
    problems += [
        Problem(
            "CK-291",
            f"analyte {analyte!r}: {_counted(found)} no {scale} of any concentration",
            found[0][1] or path,
            "correct the header, or say scale linear",
        )
        for (analyte, scale), found in far.items()
    ]
    if problems:
        raise InputError(*problems)


def _counted(found: Sequence[tuple[float, str]]) -> str:
    """``1 reading (-3) is``, ``12 readings (-3, -2 and more) are``."""
    shown = ", ".join(f"{value:g}" for value, _ in found[:_NAMED])
    more = " and more" if len(found) > _NAMED else ""
    one = len(found) == 1
    return f"{len(found)} reading{'' if one else 's'} ({shown}{more}) {'is' if one else 'are'}"


def scale_findings(said: Iterable[tuple[str, str, str]], asked: str | None) -> Iterable[Finding]:
    """What was taken for a logarithm; triples of analyte, scale and linear unit."""
    groups: dict[tuple[str, str], list[str]] = {}
    for analyte, scale, unit in dict.fromkeys(said):
        if scale != LINEAR:
            groups.setdefault((scale, unit), []).append(analyte)
    for (scale, unit), analytes in groups.items():
        names = ", ".join(analytes[:_NAMED]) + (" and more" if len(analytes) > _NAMED else "")
        base = {"log2": "2", "log10": "10", "ln": "e"}[scale]
        given, means = f"as {scale}", f"{base}^value"
        kind = f"in {unit}" if unit else "in a unit that is not stated"
        if is_relative(unit):
            given, means = f"in {unit.removeprefix('2^')}, a log2 scale", unit
            kind = "relative quantities, which compare within one analyte only"
        yield Finding(
            "log_scale",
            f"{names} {'is' if len(analytes) == 1 else 'are'} given {given}"
            f"{' (as asked)' if asked else ''}: values and limits were taken back to the linear "
            f"scale, {means}, so that a ratio is {base} to the power of a difference and geometric "
            f"means are {kind}",
        )
