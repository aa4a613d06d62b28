"""xPONENT CSV (LX100/200, FLEXMAP 3D, MAGPIX; builds 3.1 to 4.3), raw or re-saved."""

from __future__ import annotations

from cytokit.parsers.block_plates import XPONENT_RUN, BlockFamily, read_block_plates
from cytokit.parsers.blocks import has_blocks, program_cells
from cytokit.parsers.registry import parser
from cytokit.plate import Plate
from cytokit.sources.raw import RawFile


def _is_xponent(raw: RawFile) -> bool:
    """Whether the first line names xPONENT, on another instrument than INTELLIFLEX.

    Blocks that were pasted without the lines above them are taken as well.
    """
    cells = [cell.casefold() for cell in program_cells(raw)]
    return has_blocks(raw) or ("xponent" in cells and "intelliflex" not in cells)


@parser(
    "xponent",
    "xPONENT blocks (first line 'Program,xPONENT')",
    sniff=_is_xponent,
    run=XPONENT_RUN,
)
def read_xponent(raw: RawFile) -> list[Plate]:
    """Every plate of the file."""
    family = BlockFamily("xponent", ends_with_checksum=True, has_header=bool(program_cells(raw)))
    return read_block_plates(raw, family)
