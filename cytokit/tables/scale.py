"""The scale of the numbers in a plain table: concentrations as they are, or their logarithms.

A header, a unit or the user says it: ``IL6 (NPX)``, ``log10 IL-6 (pg/mL)``, ``log2 pg/mL`` in a
column of units. Numbers on a log scale are taken back to the linear one as they are read, with
their limits, so that nothing is logged twice and a ratio is the base to the power of a difference.
NPX (Olink) and NPQ (NULISA) are log2 of a relative quantity: what stands for it here is ``2^NPX``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from cytokit.errors import InputError, Problem, UsageError, did_you_mean, option_text, place
from cytokit.findings import Finding
from cytokit.tables.cells import Reading
from cytokit.tables.columns import Header, normal_unit, read_unit

LINEAR = "linear"
#: natural logarithm of each scale's base
_BASES = {"log2": math.log(2.0), "log10": math.log(10.0), "ln": 1.0}
SCALES = (LINEAR, *_BASES)
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
    """What header, unit and user say together; a sentence where they contradict each other.

    Parameters
    ----------
    header : Header
        Of the column that holds the reading.
    unit : str
        As a cell, a column or a row of units states it; empty where none does.
    limits : mapping of str to Header
        Limit role to the header of its column: one that states a unit or a scale has its own.
    asked : str, optional
        The user's word, which goes before ``linear`` and before nothing said.
    """
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
    """A reading taken back to the linear scale; the open end of an interval stays open.

    Examples
    --------
    >>> linear_reading(Reading(-1.0, -1.0, -1.0, "exact"), "log2").value
    0.5
    >>> linear_reading(Reading(math.nan, 0.0, -2.0, "below"), "log10").upper
    0.01
    """
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
    """Raise for numbers that their scale cannot hold.

    Parameters
    ----------
    numbers : sequence of tuple
        Number as the table gives it, its scale, its analyte, where it stands.
    path : str
        Of the table.
    asked : str, optional
        The scale the user named.
    """
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
