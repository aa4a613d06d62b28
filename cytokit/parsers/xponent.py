"""F1: xPONENT CSV (LX100/200, FLEXMAP 3D, MAGPIX; builds 3.1 to 4.3), raw or re-saved."""

from __future__ import annotations

from cytokit.parsers._block_plate import BlockFamily, read_block_plates
from cytokit.parsers._blocks import program_cells
from cytokit.parsers._source import RawFile
from cytokit.plate import Plate

NAME = "xponent"
TITLE = "xPONENT blocks (first line 'Program,xPONENT')"
_FAMILY = BlockFamily(NAME, ends_with_checksum=True)


def sniff(raw: RawFile) -> bool:
    """Whether the first line names xPONENT, on another instrument than INTELLIFLEX."""
    cells = [cell.casefold() for cell in program_cells(raw)]
    return "xponent" in cells and "intelliflex" not in cells


def read(raw: RawFile) -> list[Plate]:
    """Every plate of the file.

    Parameters
    ----------
    raw : RawFile

    Raises
    ------
    FormatError
        CK-120 to CK-128, with line, column, what was expected and what stood there.
    """
    return read_block_plates(raw, _FAMILY)
