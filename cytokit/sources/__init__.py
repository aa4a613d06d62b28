"""Low-level readers: bytes to text, rows, sheets, XML, and cells to numbers and flags.

They know nothing of plates or vendors; layouts and parsers stand on them.

raw, kinds
    :class:`RawFile`: one file, its hash, its kind by its first bytes, and its lazily read parts.
text, rows
    Decoding, lines and delimiter; lines to rows of cells.
workbook, compound, markup
    Excel sheets and XML, both with bounds against files made to exhaust the machine.
numbers, decimal_mark
    One cell to a number, a flag with its limit, or a named damage; point or comma.
dilution
    A dilution factor as people and instruments write it.
"""

from cytokit.sources.decimal_mark import decide_decimal
from cytokit.sources.dilution import DilutionFactor, fraction_of, read_dilution
from cytokit.sources.numbers import (
    Cell,
    read_cell,
    read_fi_count,
    read_row,
    read_table,
)
from cytokit.sources.raw import RawFile
from cytokit.sources.workbook import Sheet

__all__ = [
    "Cell",
    "DilutionFactor",
    "RawFile",
    "Sheet",
    "decide_decimal",
    "fraction_of",
    "read_cell",
    "read_dilution",
    "read_fi_count",
    "read_row",
    "read_table",
]
