"""The catalogue of flags: every code that may stand in flags.csv, with its plain words.

Command line, page and workbook take their explanations from here and from nowhere else.
"""

from __future__ import annotations

from cytokit.flags._text import FlagText
from cytokit.flags.comparisons import COMPARISON_FLAGS
from cytokit.flags.files import FILE_FLAGS
from cytokit.flags.plates import PLATE_FLAGS
from cytokit.flags.runs import RUN_FLAGS
from cytokit.flags.standards import STANDARD_FLAGS
from cytokit.flags.studies import STUDY_FLAGS

__all__ = ["FLAGS", "FlagText"]

#: by code, in the order in which they arise
FLAGS: dict[str, FlagText] = {
    **FILE_FLAGS,
    **PLATE_FLAGS,
    **STANDARD_FLAGS,
    **STUDY_FLAGS,
    **RUN_FLAGS,
    **COMPARISON_FLAGS,
}
