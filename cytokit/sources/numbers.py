"""One cell to a number, a flag with its limit, or a named damage; flags are read before numbers.

What vendors print for "no number" says why there is none and in which direction, so it is kept:
``< 3.2`` is a limit, ``OOR >`` a direction, ``*1.55`` an extrapolation, ``***`` and ``N/A`` an
absence, ``---`` an outlier. A cell that is none of these (``20.lip``, a decimal number that a
spreadsheet took for a date) is damaged, never zero and never a bare NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np

from cytokit.errors import FormatError, Problem, UsageError, did_you_mean, option_text, place
from cytokit.options import ReadOptions, choices_of
from cytokit.schema import VendorStatus

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

    ``bound`` is the limit that a word speaks of, ``either`` marks a word with two meanings, and
    ``grouped`` a number with thousands marks.
    """

    value: float
    status: VendorStatus
    limit: float = NAN
    unit: str = ""
    text: str = ""
    damaged: bool = False
    bound: str = ""
    either: bool = False
    grouped: bool = False


#: An empty cell.
EMPTY = Cell(NAN, VendorStatus.NOT_GIVEN)


def read_cell(cell: object, decimal: str = ".") -> Cell:
    """Read one cell."""
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
    """Read the text cells of a row: plain numbers fast, everything else with care."""
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
    """Read a table of text cells at once; as :func:`read_row` for each of its rows."""
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
    """Read ``15710.5 (52)``: an intensity with its bead count; NaN where no count is printed."""
    number, count = _without_count(text.strip())
    return read_cell(number, decimal), count


def bare_number(text: str) -> str:
    """The number in a cell: without sign of range, unit, count and blanks."""
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
    number, grouped = _number(stripped, decimal)
    if number is not None:
        return Cell(number, _IN_RANGE, text=stripped, grouped=grouped)
    sign = _SIGNS.get(stripped[0])
    rest = stripped[1:] if sign else stripped
    if rest[:1] == "=" and sign in (_LOW, _HIGH):
        rest = rest[1:]
    rest, unit = _without_unit(rest.strip())
    if sign is None and rest.endswith("*"):
        sign, rest = _EXTRAPOLATED, rest[:-1].rstrip()
        rest, unit = (rest, unit) if unit else _without_unit(rest)
    number, grouped = _number(rest, decimal)
    if number is None:
        return Cell(NAN, _ABSENT, text=stripped, damaged=True)
    if sign in (_LOW, _HIGH):
        return Cell(NAN, sign, limit=number, unit=unit, text=stripped, grouped=grouped)
    return Cell(number, sign or _IN_RANGE, unit=unit, text=stripped, grouped=grouped)


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


def _number(text: str, decimal: str) -> tuple[float | None, bool]:
    """A finite number in the notation of this decimal mark, else None; whether it has groups."""
    text = text.replace("−", "-")
    if (match := _GROUPS[decimal].fullmatch(text)) is not None:
        text = text.replace(match[1], "")
    elif decimal == "," and "." in text:
        return None, False
    if decimal == ",":
        text = text.replace(",", ".")
    value = float(text) if _PLAIN.fullmatch(text) else NAN
    return (value if math.isfinite(value) else None), match is not None


# Point or comma: the decimal mark, decided by all cells of a column and of its table or file.

#: What a user calls the marks.
DECIMALS = dict(zip(choices_of(ReadOptions, "decimal"), ",.", strict=True))
_ONE_MARK = re.compile(r"[+-]?(\d*)([.,])(\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+(?:,\d+)?)", re.ASCII)
_WHOLE = re.compile(r"[+-]?(\d+)", re.ASCII)
_SHOWN = 4


def decimal_asked(word: str | None) -> str:
    """The mark that ``decimal="comma"`` or ``"point"`` names; empty where nothing was asked."""
    if word is None:
        return ""
    if word not in DECIMALS:
        near = did_you_mean(word, list(DECIMALS))
        mend = f"use one of {', '.join(DECIMALS)}"
        what = f"{option_text('decimal', word)} is no choice"
        raise UsageError(Problem("CK-222", what, "", mend, near))
    return DECIMALS[word]


@dataclass(frozen=True, slots=True)
class Marks:
    """What the cells of a column or file say of their decimal mark."""

    comma: tuple[str, ...] = ()
    point: tuple[str, ...] = ()
    open_comma: tuple[str, ...] = ()
    open_point: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()

    @property
    def proven(self) -> str:
        """The mark that some cells prove and none contradicts; empty where there is none."""
        if self.comma and not self.point:
            return ","
        return "." if self.point and not self.comma else ""

    @property
    def open(self) -> tuple[str, ...]:
        """Cells that can be read in two ways.

        Points beside whole numbers of four digits and more group no thousands.
        """
        short = bool(self.whole) and all(len(text.lstrip("+-")) <= 3 for text in self.whole)
        return self.open_comma + (self.open_point if short or self.open_comma else ())


def marks_of(cells: Iterable[object]) -> Marks:
    """Sort the cells by what they prove; numbers stored as numbers say nothing."""
    found: dict[str, dict[str, None]] = {name: {} for name in Marks.__slots__}
    for cell in cells:
        if not isinstance(cell, str):
            continue
        marked = "," in cell or "." in cell
        if not marked and not cell.strip().isdecimal():
            continue
        if name := _kind(bare_number(cell)):
            found[name].setdefault(cell.strip())
    return Marks(**{name: tuple(texts) for name, texts in found.items()})


def together(parts: Iterable[Marks]) -> Marks:
    """What all columns of a table say."""
    found: dict[str, tuple[str, ...]] = dict.fromkeys(Marks.__slots__, ())
    for part in parts:
        found = {name: texts + getattr(part, name) for name, texts in found.items()}
    return Marks(**found)


def proves_point(cells: Iterable[object]) -> bool:
    """Whether any cell's mark can only be a decimal point; looks no further than the first."""
    texts = (cell for cell in cells if isinstance(cell, str) and "." in cell)
    return any(_kind(bare_number(text)) == "point" for text in texts)


def decide(
    marks: Marks, *, asked: str = "", whole: Marks | None = None, file: str = "", column: str = ""
) -> str:
    """The decimal mark of cells, by their evidence and that of the table they stand in."""
    if marks.proven:
        return marks.proven
    if asked:
        return asked
    where = place(file or None, column=column)
    options = " or ".join(option_text("decimal", word) for word in DECIMALS)
    if marks.comma and marks.point:
        both = f"{_some(marks.comma)} beside {_some(marks.point)}"
        what = f"decimal commas and decimal points stand mixed: {both}"
        mend = (
            f"write all numbers in one way; or say which mark is the decimal one with {options}, "
            "and the cells of the other kind are left out as damaged"
        )
        raise FormatError(Problem("CK-246", what, where, mend))
    if whole is not None and whole.proven:
        return whole.proven
    if marks.open:
        first = marks.open[0]
        readings = " or ".join(f"{read_cell(bare_number(first), m).value:g}" for m in ",.")
        also = f" (so do {_some(marks.open[1:])})" if marks.open[1:] else ""
        what = (
            f"{first!r} can be read in two ways, as {readings}{also}: its mark may be a decimal "
            "mark or group thousands, and no other cell proves which"
        )
        mend = f"say which mark is the decimal one: {options}"
        raise FormatError(Problem("CK-245", what, where, mend))
    return "."


def decide_decimal(cells: Iterable[object], *, asked: str = "", file: str = "") -> str:
    """The decimal mark of all cells of a file together; a point where no cell has a mark."""
    return decide(marks_of(cells), asked=asked, file=file)


def _kind(text: str) -> str:
    """What a bare number proves; empty where it is none."""
    if (match := _WHOLE.fullmatch(text)) is not None:
        return "whole" if match[1].strip("0") else ""
    if (match := _ONE_MARK.fullmatch(text)) is not None:
        name = {",": "comma", ".": "point"}[match[2]]
        return f"open_{name}" if _GROUPED.fullmatch(text) else name
    if _GROUPED.fullmatch(text) is None:
        return ""
    # both marks, or one of them twice: the first groups thousands
    groups_by_comma = "." not in text or -1 < text.find(",") < text.find(".")
    return "point" if groups_by_comma else "comma"


def _some(texts: tuple[str, ...]) -> str:
    """The first few cells."""
    shown = ", ".join(map(repr, texts[:_SHOWN]))
    rest = len(texts) - _SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown


# Dilution factors as people and instruments write them, for exports and layouts alike.

#: Longer cells hold a remark, not a factor.
_LONGEST = 60
_NEAT = frozenset(("neat", "undiluted", "undil", "undil."))
_NUMBER = r"(\d[\d.,]{0,20})"
_ABOUT = re.compile(r"(?:dil(?:ution|uted)?\.?(?: factor)?)\s?[:=]?\s?", re.IGNORECASE)
_PART_OF = re.compile(rf"1(?:\.0{{1,3}})?\s?(/|:|in)\s?{_NUMBER}", re.IGNORECASE)
_FOLD = re.compile(rf"{_NUMBER}\s?(?:[x×]|-?\s?fold|-?\s?times)|[x×]\s?{_NUMBER}", re.IGNORECASE)
_PARTS = re.compile(rf"1\s?\+\s?{_NUMBER}")
_FACTOR = re.compile(r"\d+([.,])(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class DilutionFactor:
    """What a cell says of a dilution."""

    value: float
    reason: str = ""

    @property
    def known(self) -> bool:
        """Whether the cell gives a factor."""
        return math.isfinite(self.value)


def read_dilution(cell: object, decimal: str = ".") -> DilutionFactor:
    """Read a dilution factor."""
    if cell is None or isinstance(cell, str):
        text = " ".join((cell or "")[: 2 * _LONGEST].split())
        return _read_factor(text, decimal) if len(text) <= _LONGEST else _checked(NAN, text)
    number = read_cell(cell, decimal)
    return _checked(number.value, str(cell))


def fraction_of(text: str, decimal: str = ".") -> float | None:
    """The n of a sample named ``1/n`` or ``1:n``, as serology plates name their standards."""
    match = _PART_OF.fullmatch(" ".join(text.split())) if len(text) <= _LONGEST else None
    value = _plain_factor(match[2], decimal) if match else NAN
    return value if math.isfinite(value) else None


def _read_factor(text: str, decimal: str) -> DilutionFactor:
    """A factor in words: ``1:50``, ``50-fold``, ``1 + 49``, ``neat``."""
    if not text:
        return DilutionFactor(NAN, "no factor is given")
    bare = text
    if (about := _ABOUT.match(bare)) is not None:
        bare = bare[about.end() :]
    for word in (" dilution", " diluted", " dil.", " dil"):
        bare = bare[: -len(word)] if bare.casefold().endswith(word) else bare
    if bare.casefold() in _NEAT:
        return DilutionFactor(1.0)
    if (match := _PART_OF.fullmatch(bare)) is not None:
        value = _plain_factor(match[2], decimal)
        if value == 1 and match[1] == ":":
            return DilutionFactor(NAN, f"{text!r} is undiluted, or one part and one part")
        return _checked(value, text)
    if (match := _FOLD.fullmatch(bare)) is not None:
        return _checked(_plain_factor(match[1] or match[2], decimal), text)
    if (match := _PARTS.fullmatch(bare)) is not None:
        return _checked(1.0 + _plain_factor(match[1], decimal), text)
    return _checked(_plain_factor(bare, decimal), text)


def _checked(value: float, text: str) -> DilutionFactor:
    """A factor of at least 1, else the reason why it is none."""
    if not math.isfinite(value):
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        return DilutionFactor(NAN, f"{shown!r} is no dilution factor")
    if value >= 1:
        return DilutionFactor(value)
    if value <= 0:
        return DilutionFactor(NAN, f"{text!r} is no dilution factor")
    part = f"{1 / value:.4g}"
    return DilutionFactor(
        NAN, f"{text!r} is below 1: one part in {part}, or concentrated {part}-fold"
    )


def _plain_factor(text: str, decimal: str) -> float:
    """A plain number; one mark that cannot separate thousands is a decimal mark in any file."""
    cell = read_cell(text, decimal)
    mark = _FACTOR.fullmatch(text)
    if mark and mark[1] not in ("", decimal) and len(mark[2]) == 3:
        return NAN  # a thousand, or one with three decimals
    if cell.status is not VendorStatus.IN_RANGE and mark and len(mark[2]) != 3:
        cell = read_cell(text, mark[1])
    return cell.value if cell.status is VendorStatus.IN_RANGE and not cell.unit else NAN
