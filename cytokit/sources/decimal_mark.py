"""Point or comma: the decimal mark, decided by all cells of a column and of its table or file.

Some cells can only be read in one way: ``0,435`` and ``12,5`` hold a decimal comma, ``12.5`` a
decimal point, ``1,234,567`` is grouped by commas. Others can be read in two: ``1,435`` is 1.435
or 1435. What the provable cells of the column say holds for the others, then what those of the
whole table say; where nothing proves it the file is refused, since the error would be a
thousandfold. The delimiter says nothing: the same cells mean the same in every kind of file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cytokit.errors import FormatError, Problem, UsageError, did_you_mean, option_text, place
from cytokit.sources.numbers import bare_number, read_cell

#: What a user calls the marks.
DECIMALS = {"comma": ",", "point": "."}
_ONE_MARK = re.compile(r"[+-]?(\d*)([.,])(\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+(?:\.\d+)?|(?:\.\d{3})+(?:,\d+)?)", re.ASCII)
_WHOLE = re.compile(r"[+-]?(\d+)", re.ASCII)
_SHOWN = 4


def decimal_asked(word: str | None) -> str:
    """The mark that ``decimal="comma"`` or ``"point"`` names; empty where nothing was asked.

    Raises
    ------
    UsageError
        CK-222, if the word is neither.

    Examples
    --------
    >>> decimal_asked("comma"), decimal_asked(None)
    (',', '')
    """
    if word is None:
        return ""
    if word not in DECIMALS:
        near = did_you_mean(word, list(DECIMALS))
        mend = f"use one of {', '.join(DECIMALS)}"
        what = f"{option_text('decimal', word)} is no choice"
        raise UsageError(Problem("CK-222", what, "", mend, near))
    return DECIMALS[word]


def _ways() -> str:
    """How to say which mark is meant."""
    return " or ".join(option_text("decimal", word) for word in DECIMALS)


@dataclass(frozen=True, slots=True)
class Marks:
    """What the cells of a column or file say of their decimal mark.

    Parameters
    ----------
    comma, point : tuple of str
        Cells whose decimal mark can only be this.
    open_comma, open_point : tuple of str
        Cells such as ``1,435`` and ``1.435``, whose mark may also group thousands.
    whole : tuple of str
        Cells without any mark, but for zeros.
    """

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
        beside = bool(self.whole) and all(len(text.lstrip("+-")) <= 3 for text in self.whole)
        return self.open_comma + (self.open_point if beside or self.open_comma else ())


def marks_of(cells: Iterable[object]) -> Marks:
    """Sort the cells by what they prove; numbers stored as numbers say nothing.

    Examples
    --------
    >>> marks = marks_of(["0,435", "1,435", "286", 1.5])
    >>> marks.comma, marks.open_comma, marks.whole
    (('0,435',), ('1,435',), ('286',))
    """
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
    """The decimal mark of cells, by their evidence and that of the table they stand in.

    Parameters
    ----------
    marks : Marks
        Of the column, or of all cells of a file.
    asked : str
        The user's word for what the cells leave open: ``,`` or ``.``, empty where none was given.
    whole : Marks, optional
        Of the table that the column stands in.
    file, column : str
        For the message.

    Raises
    ------
    FormatError
        CK-245, if the cells can be read in two ways; CK-246, if they contradict each other.

    Examples
    --------
    >>> decide(marks_of(["0,435", "1,435"])), decide(marks_of(["28.5", "1,435"]))
    (',', '.')
    >>> decide(marks_of(["1,435", "286"]), asked=","), decide(marks_of(["1,435"]), asked=".")
    (',', '.')
    """
    if marks.proven:
        return marks.proven
    if asked:
        return asked
    where = place(file or None, column=column)
    if marks.comma and marks.point:
        both = f"{_some(marks.comma)} beside {_some(marks.point)}"
        what = f"decimal commas and decimal points stand mixed: {both}"
        mend = (
            f"write all numbers in one way; or say which mark is the decimal one with {_ways()}, "
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
        mend = f"say which mark is the decimal one: {_ways()}"
        raise FormatError(Problem("CK-245", what, where, mend))
    return "."


def decide_decimal(cells: Iterable[object], *, asked: str = "", file: str = "") -> str:
    """The decimal mark of all cells of a file together; a point where no cell has a mark.

    Parameters
    ----------
    cells : iterable of object
    asked : str
        See :func:`decide`.
    file : str
        For the message.

    Raises
    ------
    FormatError
        CK-245 or CK-246, see :func:`decide`.

    Examples
    --------
    >>> decide_decimal(["12,5", "1234", "OOR <"]), decide_decimal(["12.5", "1,234.5"])
    (',', '.')
    """
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
