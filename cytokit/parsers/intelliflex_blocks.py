"""F2a: INTELLIFLEX in xPONENT's blocks: other block names, ISO dates, checksum not always there."""

from __future__ import annotations

from cytokit.parsers._block_plate import BlockFamily, read_block_plates
from cytokit.parsers._blocks import program_cells
from cytokit.parsers._source import RawFile
from cytokit.plate import Plate

NAME = "intelliflex_blocks"
TITLE = "INTELLIFLEX blocks (first line 'Program,xPONENT,,Intelliflex')"
_FAMILY = BlockFamily(NAME, ends_with_checksum=False)


def sniff(raw: RawFile) -> bool:
    """Whether the first line names xPONENT and INTELLIFLEX."""
    cells = [cell.casefold() for cell in program_cells(raw)]
    return "xponent" in cells and "intelliflex" in cells


def read(raw: RawFile) -> list[Plate]:
    """Every plate of the file.

    Parameters
    ----------
    raw : RawFile

    Raises
    ------
    FormatError
        CK-121 to CK-128, with line, column, what was expected and what stood there.
    """
    return read_block_plates(raw, _FAMILY)
