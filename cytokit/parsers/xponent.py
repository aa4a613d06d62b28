"""F1: xPONENT CSV (LX100/200, FLEXMAP 3D, MAGPIX; builds 3.1 to 4.3), raw or re-saved."""

from __future__ import annotations

from cytokit.parsers.block_plates import BlockFamily, read_block_plates
from cytokit.parsers.blocks import has_blocks, program_cells
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile

NAME = "xponent"
TITLE = "xPONENT blocks (first line 'Program,xPONENT')"


def sniff(raw: RawFile) -> bool:
    """Whether the first line names xPONENT, on another instrument than INTELLIFLEX.

    Blocks that were pasted without the lines above them are taken as well.
    """
    if has_blocks(raw):
        return True
    cells = [cell.casefold() for cell in program_cells(raw)]
    return "xponent" in cells and "intelliflex" not in cells


def read(raw: RawFile) -> list[Plate]:
    """Every plate of the file."""
    family = BlockFamily(NAME, ends_with_checksum=True, has_header=bool(program_cells(raw)))
    return read_block_plates(raw, family)
