"""XML without document types, entities or bottomless nesting.

A vendor's XML needs none of them, and each is a known way to exhaust a machine or to read its
files ("billion laughs", external entities), so their presence is an error and not a warning.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

from cytokit.errors import FormatError, Problem, place

MAX_DEPTH = 100
MAX_ELEMENTS = 3_000_000


class _Bounded:
    """Feeds a TreeBuilder while counting depth and elements."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.builder = TreeBuilder()
        self.depth = 0
        self.elements = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.builder.data
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
        self.builder.start(tag, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.builder.end(tag)


def read_xml(data: bytes, file: str) -> Element:
    """The root element.

    Parameters
    ----------
    data : bytes
        The file.
    file : str
        Its name, for messages.

    Raises
    ------
    FormatError
        CK-109 not well formed, CK-113 document type or entities, CK-105 too large.

    Examples
    --------
    >>> read_xml(b"<Plate><Well/></Plate>", "plate.xml")[0].tag
    'Well'
    """
    reader = _Bounded(file)
    try:
        reader.parser.Parse(data, True)
        return reader.builder.close()
    except (expat.ExpatError, ParseError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", None)
        column = getattr(error, "offset", None)
        what = f"the XML is not well formed: {str(error).split(':')[0]}"
        mend = "the file may be cut off; export it again"
        where = place(file, line=line, column=column)
        raise FormatError(Problem("CK-109", what, where, mend)) from None
