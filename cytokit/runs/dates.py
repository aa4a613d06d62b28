"""Dates as instruments print them; whether day or month comes first is found, never assumed.

``1/2/2021`` is a date of which nobody can say without more what day it was: it stays unknown until
another date of the same origin (``1/15/2021``) or the user tells the order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

#: month before day, and day before month
DATE_ORDERS = ("mdy", "dmy")

_CLOCK = r"(?:[T,\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?\s*([AaPp])?\.?[Mm]?\.?)?Z?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_CLOCK}\s*")
_NUMBERS = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_CLOCK}\s*")
_NAMED = re.compile(rf"(\d{{1,2}})[-/. ]+([^\W\d_]{{3,}})\.?[-/. ]+(\d{{4}}|\d{{2}}){_CLOCK}\s*")
_PAIR = re.compile(r"(?<!\d)(\d{1,2})[-/](\d{1,2})[-/]\d{4}(?!\d)")

#: first letters of the months in English, German, French, Spanish and Italian
_MONTHS = (
    "jan ene gen",
    "feb fév fev",
    "mar mär mrz",
    "apr avr abr",
    "may mai mag",
    "jun juin giu",
    "jul juil lug",
    "aug aoû aou ago",
    "sep set",
    "oct okt ott",
    "nov",
    "dec dez déc dic",
)


@dataclass(frozen=True, slots=True)
class RunDate:
    """What a date's text says.

    Parameters
    ----------
    date : datetime or None
        None where the text is no date, or leaves open which number is the month.
    ambiguous : bool
        Whether it is a date that :data:`DATE_ORDERS` would settle.
    """

    date: datetime | None
    ambiguous: bool = False


def read_date(text: str, order: str = "") -> RunDate:
    """A date, with its time of day where it has one.

    Parameters
    ----------
    text : str
        ``2023-05-09T18:55:02Z``, ``29-Mrz-2018, 01:09``, ``1/15/2021 10:00:00 AM`` and the like. A
        zone is left out: plates of one laboratory are put in order, no more. Numbers with dots
        between them begin with the day, in every country that writes them so.
    order : {"", "mdy", "dmy"}
        Which number comes first where the text leaves it open.

    Returns
    -------
    RunDate

    Examples
    --------
    >>> read_date("1/15/2021 10:00:00 PM").date
    datetime.datetime(2021, 1, 15, 22, 0)
    >>> read_date("1/2/2021")
    RunDate(date=None, ambiguous=True)
    >>> read_date("1/2/2021", "dmy").date
    datetime.datetime(2021, 2, 1, 0, 0)
    """
    plain = text.strip()
    if match := _YEAR_FIRST.fullmatch(plain):
        year, month, day, *clock = match.groups()
        return RunDate(_date(int(year), int(month), int(day), clock))
    if match := _NAMED.fullmatch(plain):
        day, name, year, *clock = match.groups()
        return RunDate(_date(_full(year), _month(name), int(day), clock))
    match = _NUMBERS.fullmatch(plain)
    if match is None:
        return RunDate(None)
    first, sign, second, year, *clock = match.groups()
    one, two = int(first), int(second)
    known = "dmy" if sign == "." or one > 12 else "mdy" if two > 12 else order
    if not known and one != two:
        return RunDate(None, ambiguous=1 <= one <= 12 and 1 <= two <= 12)
    day_month = (one, two) if known == "dmy" else (two, one)
    return RunDate(_date(_full(year), day_month[1], day_month[0], clock))


def date_order(texts: Iterable[str]) -> str:
    """The order of day and month that some texts show; empty where none does, or they disagree.

    Examples
    --------
    >>> date_order(["1/2/2021", "expires 3/31/2022"]), date_order(["31/3/2022", "3/31/2022"])
    ('mdy', '')
    """
    shown = set()
    for text in texts:
        for first, second in _PAIR.findall(text):
            if int(first) > 12 >= int(second):
                shown.add("dmy")
            elif int(second) > 12 >= int(first):
                shown.add("mdy")
    return shown.pop() if len(shown) == 1 else ""


def _full(year: str) -> int:
    """A year of two digits is of this century: there was no such instrument in the last."""
    return int(year) + (2000 if len(year) == 2 else 0)


def _month(name: str) -> int:
    """The number of a month's name, 0 for none."""
    word = name.casefold()
    for number, heads in enumerate(_MONTHS, start=1):
        if any(word.startswith(head) for head in heads.split()):
            return number
    return 0


def _date(year: int, month: int, day: int, clock: list[str | None]) -> datetime | None:
    """The date, None where there is no such day or hour."""
    hour, minute, second = (int(part or 0) for part in clock[:3])
    half = (clock[3] or "").casefold()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
