"""XML without document types, entities or bottomless nesting.

A vendor's XML needs none of them, and each is a known way to exhaust a machine or to read its
files ("billion laughs", external entities), so their presence is an error and not a warning. The
sheets of a workbook are XML too; how far they reach is counted here before they are made tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from cytokit.errors import FormatError, Problem, place

MAX_DEPTH = 100
MAX_ELEMENTS = 3_000_000
#: Digits of a row's number beyond which it is damage; Excel's last row is 1048576.
MAX_REFERENCE = 9
#: Letters of a formula that are kept.
LONGEST_FORMULA = 100


class _Bounded:
    """A parser that counts depth and elements, and refuses what no export needs."""

    def __init__(
        self,
        file: str,
        open_tag: Callable[[str, dict[str, str]], object],
        close_tag: Callable[[str], object],
        text: Callable[[str], object],
    ) -> None:
        self.file = file
        self.open_tag = open_tag
        self.close_tag = close_tag
        self.depth = 0
        self.elements = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = text
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.EntityDeclHandler = self.refuse

    def problem(self, code: str, what: str, mend: str = "") -> FormatError:
        line = self.parser.CurrentLineNumber
        return FormatError(Problem(code, what, place(self.file, line=line), mend))

    def refuse(self, *_: object) -> None:
        raise self.problem(
            "CK-113",
            "the XML declares a document type or entities, which no plate export needs",
            "export the plate again from the instrument's software",
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise self.problem("CK-105", "the XML is nested or long beyond any plate export")
        self.open_tag(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.close_tag(tag)

    def parse(self, data: bytes) -> None:
        """The whole document; CK-109 where it is not well formed."""
        try:
            self.parser.Parse(data, True)
        except (expat.ExpatError, ParseError, LookupError, ValueError) as error:
            line = getattr(error, "lineno", None)
            column = getattr(error, "offset", None)
            what = f"the XML is not well formed: {str(error).split(':')[0]}"
            mend = "the file may be cut off; export it again"
            where = place(self.file, line=line, column=column)
            raise FormatError(Problem("CK-109", what, where, mend)) from None


def read_xml(data: bytes, file: str) -> Element:
    """The root element."""
    builder = TreeBuilder()
    _Bounded(file, builder.start, builder.end, builder.data).parse(data)
    return builder.close()


@dataclass
class SheetExtent:
    """How far the filled cells of a workbook's sheet reach, and which shared texts they show.

    ``formulas`` are those without a stored result, by row and column from 1; a formula whose result
    is an empty text says so in its cell's type.
    """

    rows: int = 0
    columns: int = 0
    shared: list[str] = field(default_factory=list)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)

    def characters(self, lengths: Sequence[int]) -> int:
        """The letters of all its shared texts, given the length of each."""
        numbers = (int(text) for text in self.shared if len(text) < 10 and text.isdecimal())
        return sum(lengths[number] for number in numbers if number < len(lengths))


class _SheetCells:
    """Follows rows and cells as a reader does: references where given, else one after the other."""

    def __init__(self) -> None:
        self.extent = SheetExtent()
        self.row = self.column = 0
        self.cell: tuple[int, int] | None = None
        self.is_shared = self.is_text = False
        self.in_value = self.in_formula = False
        self.formula: str | None = None
        self.has_value = False

    def open_tag(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if self.cell is not None:  # whatever stands in a cell fills it
            self.extent.rows = max(self.extent.rows, self.cell[0])
            self.extent.columns = max(self.extent.columns, self.cell[1])
            self.in_value = name == "v"
            self.in_formula = name == "f"
            if self.in_formula:
                self.formula = ""
        elif name == "c":
            row, column = self.row or 1, self.column + 1
            if "r" in attributes:
                row, column = cell_position(attributes["r"])
            self.column = column
            self.cell = row, column
            self.is_shared = attributes.get("t") == "s"
            self.is_text = attributes.get("t") == "str"
            self.formula, self.has_value = None, False
        elif name == "row":
            self.row = _row_number(attributes["r"]) if "r" in attributes else self.row + 1
            self.column = 0

    def close_tag(self, tag: str) -> None:
        self.in_value = self.in_formula = False
        if tag.rpartition(":")[2] == "c" and self.cell is not None:
            if self.formula is not None and not self.has_value and not self.is_text:
                self.extent.formulas[self.cell] = self.formula
            self.cell = None

    def text(self, text: str) -> None:
        if self.in_formula and self.formula is not None:
            self.formula = (self.formula + text)[:LONGEST_FORMULA]
        self.has_value |= self.in_value
        if self.in_value and self.is_shared:
            self.extent.shared.append(text)


def cell_position(reference: str) -> tuple[int, int]:
    """Row and column, from 1, of a cell's reference."""
    letters = reference.strip().rstrip("0123456789")
    number = _row_number(reference.strip()[len(letters) :])
    if not 1 <= len(letters) <= 3 or not (letters.isascii() and letters.isalpha()):
        raise ValueError(f"{reference[:40]!r} is no cell's reference")
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return number, column


def _row_number(text: str) -> int:
    """A row's number, zeros before it aside; more digits than any row has are none."""
    digits = text.strip()
    if len(digits) > MAX_REFERENCE and not digits[:-MAX_REFERENCE].strip("0"):
        digits = digits[-MAX_REFERENCE:]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_REFERENCE):
        raise ValueError(f"{text[:40]!r} is no row's number")
    return int(digits)


def sheet_extent(data: bytes, file: str) -> SheetExtent:
    """How far a workbook's sheet truly reaches, whatever its own statement of dimension says."""
    cells = _SheetCells()
    _Bounded(file, cells.open_tag, cells.close_tag, cells.text).parse(data)
    return cells.extent


def attributes_of(data: bytes, name: str, file: str) -> list[dict[str, str]]:
    """The attributes of every element of a name, in the file's order."""
    found: list[dict[str, str]] = []

    def open_tag(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == name:
            found.append(attributes)

    _Bounded(file, open_tag, lambda _tag: None, lambda _text: None).parse(data)
    return found


def shared_lengths(data: bytes, file: str) -> list[int]:
    """The number of letters of each text that a workbook's cells share."""
    lengths: list[int] = []

    def open_tag(tag: str, _attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "si":
            lengths.append(0)

    def text(text: str) -> None:
        if lengths:
            lengths[-1] += len(text)

    _Bounded(file, open_tag, lambda _tag: None, text).parse(data)
    return lengths
