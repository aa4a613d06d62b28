"""F2a: INTELLIFLEX in xPONENT's blocks: other block names, ISO dates, checksum not always there."""

from __future__ import annotations

from cytokit.parsers.block_plates import BlockFamily, read_block_plates
from cytokit.parsers.blocks import program_cells
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile

NAME = "intelliflex_blocks"
TITLE = "INTELLIFLEX blocks (first line 'Program,xPONENT,,Intelliflex')"
_FAMILY = BlockFamily(NAME, ends_with_checksum=False)


def sniff(raw: RawFile) -> bool:
    """Whether the first line names xPONENT and INTELLIFLEX."""
    cells = [cell.casefold() for cell in program_cells(raw)]
    return "xponent" in cells and "intelliflex" in cells


def read(raw: RawFile) -> list[Plate]:
    """Every plate of the file."""
    return read_block_plates(raw, _FAMILY)
