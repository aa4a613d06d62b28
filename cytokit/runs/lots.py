"""The lots that an export names: kit, standard, control, beads.

Lots of calibration and verification beads belong to the instrument, not to the assay, and are left
out: a new one does not move a plate's level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

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
    """The lots of a plate, by what they are lots of.

    Parameters
    ----------
    header : mapping of str to str
        ``Plate.header``.

    Returns
    -------
    dict of str to str
        Empty where the export names none. Reagents of one lot (``Standard1`` to ``Standard8``) are
        one entry.

    Examples
    --------
    >>> read_lots({
    ...     "AssayLotInfo: KitName": "LotNumber, ExpirationDate, Manufacturer",
    ...     "AssayLotInfo: Human CYK": "8062-13K, 02/01/2022, Millipore",
    ... })
    {'Human CYK': '8062-13K'}
    >>> read_lots({"Standard Lot": "64012", "CALIBRATION LOT": "CAL001"})
    {'Standard Lot': '64012'}
    """
    found: dict[str, str] = {}
    for name, lot in (*_section(header), *_lines(header)):
        known = found.setdefault(name, lot)
        if lot not in known.split(" + "):
            found[name] = f"{known} + {lot}"
    return found


def control_lot(lots: Mapping[str, str], control: str) -> str:
    """The lot of one control: its own, or that of all controls; empty where none is named.

    Parameters
    ----------
    lots : mapping of str to str
        As :func:`read_lots` gives them.
    control : str
        The control's name.

    Returns
    -------
    str

    Examples
    --------
    >>> control_lot({"Control1": "HCY-113", "Standard": "8062"}, "Control 1")
    'HCY-113'
    >>> control_lot({"Assay Control": "207751"}, "ConA"), control_lot({"Kit": "A"}, "ConA")
    ('207751', '')
    """
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
