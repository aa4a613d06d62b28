"""Days of a study: ``6``, ``D6``, ``day 6`` are one day; texts without a number stay texts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from cytokit.errors import Problem, UsageError, did_you_mean, option_text
from cytokit.vocabulary import LAST_DAY

Day = int | float | str

_DAY = re.compile(r"(?:d|day|study\s*day)?[\s_.:-]*?(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_BARE = re.compile(r"-?\d+(?:\.\d+)?")


def normal_day(label: object) -> Day:
    """A day's label as a number where it states one, else the text without outer spaces.

    Parameters
    ----------
    label : object
        ``6``, ``"6"``, ``"6.0"``, ``"D6"``, ``"day 6"``, ``"Day_6"``, ``"baseline"``.

    Returns
    -------
    int, float or str

    Examples
    --------
    >>> normal_day("D6"), normal_day("day 06"), normal_day(6.0), normal_day("-1"), normal_day("1.5")
    (6, 6, 6, -1, 1.5)
    >>> normal_day("week 6"), normal_day(" baseline ")
    ('week 6', 'baseline')
    """
    text = str(label).strip()
    match = _DAY.fullmatch(text)
    if match is None:
        return text
    value = float(match[1])
    if abs(value) > LAST_DAY:
        return text
    return int(value) if value == math.floor(value) else value


def is_impossible(label: object) -> bool:
    """Whether a day's label is a number that no study has a day of.

    Examples
    --------
    >>> is_impossible("1e400"), is_impossible("D9999999999"), is_impossible("6"), is_impossible("x")
    (True, True, False, False)
    """
    text = str(label).strip()
    match = _DAY.fullmatch(text)
    try:
        return abs(float(match[1] if match else text)) > LAST_DAY
    except ValueError:
        return False


def is_plain_number(label: object) -> bool:
    """Whether the label is a bare number, so that normalising it changed nothing.

    Examples
    --------
    >>> is_plain_number("6"), is_plain_number("D6")
    (True, False)
    """
    return _BARE.fullmatch(str(label).strip()) is not None


def same_kind(days: Iterable[Day]) -> dict[Day, Day]:
    """Each day to what stands in a column: all numbers, or all texts where one is a text.

    Examples
    --------
    >>> same_kind([0, 6]), same_kind([6, "baseline"])
    ({0: 0, 6: 6}, {6: '6', 'baseline': 'baseline'})
    """
    found = list(dict.fromkeys(days))
    if any(isinstance(day, str) for day in found):
        return {day: str(day) for day in found}
    return {day: day for day in found}


def find_day(asked: object, days: Iterable[Day], option: str) -> Day:
    """The study's day that an option means.

    Parameters
    ----------
    asked : object
        As the user wrote it.
    days : iterable of int, float or str
        The study's days.
    option : str
        ``baseline`` or ``day``, for the message.

    Returns
    -------
    int, float or str
        As it stands in the study.

    Raises
    ------
    UsageError
        CK-402, if the study has no such day.

    Examples
    --------
    >>> find_day("Day 6", [0, 6], "day"), find_day("BASELINE", ["baseline", "6"], "baseline")
    (6, 'baseline')
    """
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
    """For sorting: numbers by size, then texts by the alphabet.

    Examples
    --------
    >>> sorted(["late", 6, 0], key=sort_key)
    [0, 6, 'late']
    """
    number = normal_day(day)
    return (1, 0.0, number) if isinstance(number, str) else (0, float(number), "")
