"""What a plate's export says of its run: when, on which instrument, with which lots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from cytokit.parsers.registry import run_keys
from cytokit.plate import Plate

# Dates as instruments print them; whether day or month comes first is found, never assumed.


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
    """What a date's text says."""

    date: datetime | None
    ambiguous: bool = False


def read_date(text: str, order: str = "") -> RunDate:
    """A date, with its time of day where it has one."""
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
    """The order of day and month that some texts show; empty where none does, or they disagree."""
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


# The lots that an export names: kit, standard, control, beads.


_SECTION = "AssayLotInfo: "
#: header lines of exports without such a section
_LINES = re.compile(
    r"(?:assay|bead|control|kit|panel|reagent|standard)s?[ _]?lot(?:[ _]?(?:id|name|no|number))?",
    re.IGNORECASE,
)
_NOTHING = {"", "<none>", "none", "n/a", "na", "-"}
#: a lot that all controls share, without blanks: "Control Lot", "Assay Control", "Quality Controls"
_ALL_CONTROLS = re.compile(r"(?:assay|quality)?controls?(?:lot(?:id|name|no|number)?)?")
_EXPIRY = re.compile(r"Expiration Date:", re.IGNORECASE)


def read_lots(header: Mapping[str, str]) -> dict[str, str]:
    """The lots of a plate, by what they are lots of."""
    found: dict[str, str] = {}
    for name, lot in (*_section(header), *_lines(header)):
        known = found.setdefault(name, lot)
        if lot not in known.split(" + "):
            found[name] = f"{known} + {lot}"
    return found


def control_lot(lots: Mapping[str, str], control: str) -> str:
    """The lot of one control: its own, or that of all controls; empty where none is named."""
    keyed = {re.sub(r"[ _-]", "", what).casefold(): lot for what, lot in lots.items()}
    own = keyed.get(re.sub(r"[ _-]", "", control).casefold())
    if own is not None:
        return own
    shared = [lot for what, lot in keyed.items() if _ALL_CONTROLS.fullmatch(what)]
    return " + ".join(dict.fromkeys(shared))


def _section(header: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The rows of ``AssayLotInfo``: a row of titles, then a row per reagent."""
    titles: list[str] = []
    for key, value in header.items():
        if not key.startswith(_SECTION):
            continue
        name = re.sub(r" \(\d+\)$", "", key.removeprefix(_SECTION))
        cells = value.split(", ")
        if {"LotNumber", "LotName"} & set(cells):
            titles = cells
        elif titles:
            yield _reagent(name, titles, cells), _lot(titles, cells)


def _reagent(name: str, titles: list[str], cells: list[str]) -> str:
    """``Standard`` for Standard1 to Standard8; the kind of product where a column says it."""
    if "ProductType" in titles and len(cells) == len(titles):
        return cells[titles.index("ProductType")]
    plain = re.fullmatch(r"(standard|std)\s*\d+", name, re.IGNORECASE)
    return "Standard" if plain else name


def _lot(titles: list[str], cells: list[str]) -> str:
    """The lot's cell; the whole row where an empty cell has moved the others."""
    title = "LotNumber" if "LotNumber" in titles else "LotName"
    return cells[titles.index(title)] if len(cells) == len(titles) else ", ".join(cells)


def _without_expiry(text: str) -> str:
    """A lot without the date after it and the word that names the date."""
    found = _EXPIRY.search(text)
    if found is None:
        return text
    words = text[: found.start()].split()
    return " ".join(words[:-1])


def _lines(header: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Single header lines such as Bio-Plex Manager's ``Standard Lot:``."""
    for key, value in header.items():
        lot = _without_expiry(value).strip(" ,;")
        if _LINES.fullmatch(key.strip()) and lot.casefold() not in _NOTHING:
            yield key.strip(), lot


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One plate's run."""

    name: str
    sha256: str = ""
    date: str = ""
    date_text: str = ""
    date_from: str = ""
    date_order: str = ""
    instrument: str = ""
    lots: Mapping[str, str] = field(default_factory=dict)
    panel: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a manifest."""
        return asdict(self)


def run_facts(plate: Plate) -> RunFacts:
    """What a plate's header says of its run."""
    header, keys = plate.header, run_keys(plate.source.format)
    source = _first(header, keys.date)
    text = header.get(source, "")
    # dates of one file are written in one way; those of the run count before those of a lot
    own = date_order(header[name] for name in keys.date if name in header)
    order = own or date_order(header.values())
    found = read_date(text, order).date
    return RunFacts(
        name=plate.name,
        sha256=plate.source.sha256,
        date="" if found is None else found.isoformat(),
        date_text=text,
        date_from=source,
        date_order=order,
        instrument=header.get(_first(header, keys.instrument), ""),
        lots=read_lots(header),
        panel=header.get(_first(header, keys.panel), "").strip(),
    )


def instrument_model(plate: Plate) -> str:
    """The kind of instrument that an export names; empty where it names none."""
    header = plate.header
    named = header.get(_first(header, run_keys(plate.source.format).model), "").strip()
    program = header.get("Program", "").split(", ")[-1].strip()
    return named or ("" if program.casefold() == "xponent" else program)


def _first(header: Mapping[str, str], names: Iterable[str]) -> str:
    """The first of some header lines that says anything; empty where none does."""
    return next((name for name in names if header.get(name, "").strip()), "")
