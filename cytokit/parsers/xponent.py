"""F1: xPONENT CSV (LX100/200, FLEXMAP 3D, MAGPIX; builds 3.1 to 4.3), raw or re-saved."""

from __future__ import annotations

from cytokit.parsers._block_plate import BlockFamily, read_block_plates
from cytokit.parsers._blocks import has_blocks, program_cells
from cytokit.parsers._source import RawFile
from cytokit.plate import Plate

NAME = "xponent"
TITLE = "xPONENT blocks (first line 'Program,xPONENT')"


def sniff(raw: RawFile) -> bool:
    r"""Whether the first line names xPONENT, on another instrument than INTELLIFLEX.

    Blocks that were pasted without the lines above them are taken as well.

    Examples
    --------
    >>> sniff(RawFile("a.csv", b"DataType:,Median\nLocation,Sample,IL-6\n1(1,A1),P1,5\n"))
    True
    """
    if has_blocks(raw):
        return True
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
        CK-120 to CK-128 and CK-161, with line, column, what was expected and what stood there.
    """
    family = BlockFamily(NAME, ends_with_checksum=True, has_header=bool(program_cells(raw)))
    return read_block_plates(raw, family)
