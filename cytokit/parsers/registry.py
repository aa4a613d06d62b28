"""The registry: one line per family."""

from __future__ import annotations

from typing import Protocol

from cytokit.errors import FormatError, Problem, place
from cytokit.parsers import (
    bioplex_analyte,
    bioplex_raw,
    bioplex_statistic,
    bioplex_xml,
    intelliflex,
    intelliflex_blocks,
    is23,
    xponent,
)
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile


class Parser(Protocol):
    """What a parser module offers."""

    NAME: str
    TITLE: str

    def sniff(self, raw: RawFile) -> bool:
        """Whether this family claims the file."""
        ...

    def read(self, raw: RawFile) -> list[Plate]:
        """Every plate of the file."""
        ...


PARSERS: tuple[Parser, ...] = (
    xponent,
    intelliflex_blocks,
    intelliflex,
    bioplex_analyte,
    bioplex_statistic,
    bioplex_raw,
    bioplex_xml,
    is23,
)


def recognise(raw: RawFile) -> Parser:
    """The one parser that claims the file."""
    raw.require_readable()
    claims = [parser for parser in PARSERS if parser.sniff(raw)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = " and ".join(parser.NAME for parser in claims)
        what = f"several families claim this file: {names}"
        mend = "export the plate again without joining files"
        raise FormatError(Problem("CK-104", what, place(raw.path), mend))
    looked = "; ".join(parser.TITLE for parser in PARSERS)
    what = f"no known plate export ({raw.kind}); it begins with {_beginning(raw)!r}"
    mend = f"give the instrument's own export; looked for: {looked}"
    raise FormatError(Problem("CK-103", what, place(raw.path), mend))


def _beginning(raw: RawFile) -> str:
    """The first words of a file, for the message."""
    if raw.kind == "workbook":
        return f"sheet {raw.sheets[0].name}" if raw.sheets else "no sheet"
    first = next((line.strip() for line in raw.lines if line.strip()), "")
    return first if len(first) <= 60 else f"{first[:57]}..."
