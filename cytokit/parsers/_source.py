"""What every parser reads from: :class:`RawFile` and its sheets.

The readers themselves live in :mod:`cytokit.sources`, where layouts can use them too.
"""

from cytokit.sources.raw import RawFile
from cytokit.sources.workbook import CellValue, Sheet, cell_text

__all__ = ["CellValue", "RawFile", "Sheet", "cell_text"]
