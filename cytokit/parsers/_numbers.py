"""Numbers and flags for every parser, and the finding that a damaged cell becomes.

The reading of cells lives in :mod:`cytokit.sources.numbers`, where layouts can use it too.
"""

from cytokit.findings import Finding
from cytokit.sources.decimal_mark import decide_decimal
from cytokit.sources.numbers import (
    Cell,
    read_cell,
    read_fi_count,
    read_row,
    read_table,
)

__all__ = [
    "Cell",
    "damaged_value",
    "decide_decimal",
    "read_cell",
    "read_fi_count",
    "read_row",
    "read_table",
]


def damaged_value(
    text: str, part: str, *, plate: str = "", well: str = "", sample: str = "", analyte: str = ""
) -> Finding:
    """The finding for a cell that is neither a number nor a known flag.

    Parameters
    ----------
    text : str
        What stands in the cell.
    part : str
        The block, sheet or column, and the line where known: ``block '%CV', line 279``.
    plate, well, sample, analyte : str
        What it concerns.

    Examples
    --------
    >>> damaged_value("20.lip", "block '%CV', line 279", well="H2", analyte="ME").message
    "block '%CV', line 279: '20.lip' is neither a number nor a known flag; no value was read"
    """
    message = f"{part}: {text!r} is neither a number nor a known flag; no value was read"
    return Finding("damaged_value", message, plate, well, sample, analyte)
