"""Plates written as instruments write them: one file per export family, on :class:`Plate`.

Because a writer starts from a Plate, reading its file back must give the same Plate, as far as the
family carries it: that is the round trip by which each parser is tested. What a family has no place
for is left out and named in the writer's docstring; what it would say wrongly is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cytokit.plate import Plate
from cytokit.simulate.writers import (
    bioplex_analyte,
    bioplex_statistic,
    intelliflex_blocks,
    intelliflex_wide,
    is23,
    xponent,
)


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes with a family's exports: its name, and its function from plates to bytes."""

    name: str
    write: Callable[[Sequence[Plate]], bytes]
    about: str


@dataclass(frozen=True, slots=True)
class Writer:
    """A family's writer: its title, file suffix and function from Plate to bytes."""

    title: str
    suffix: str
    write: Callable[[Plate], bytes]
    companions: tuple[Companion, ...] = ()


_LAYOUT = Companion(
    "layout.csv",
    intelliflex_wide.write_layout,
    "The exports do not say what the standards hold: give `--layout layout.csv` to `cytokit fit`.",
)
_LOTS = Companion(
    "kit_lots.csv",
    is23.write_lots,
    "The exports name a kit lot; what its standards hold stands in `kit_lots.csv`, which is found\n"
    "beside them.",
)
_DILUTIONS = Companion(
    "layout.csv",
    intelliflex_wide.write_layout,
    "The exports do not say how the samples were diluted: give `--layout layout.csv` to\n"
    "`cytokit fit`.",
)

#: by the name that ``cytokit simulate --format`` takes
WRITERS = {
    "xponent": Writer("xPONENT CSV", "csv", xponent.write),
    "intelliflex": Writer("INTELLIFLEX blocks", "csv", intelliflex_blocks.write),
    "intelliflex-wide": Writer("INTELLIFLEX rows", "csv", intelliflex_wide.write, (_LAYOUT,)),
    "bioplex": Writer("Bio-Plex per analyte", "xlsx", bioplex_analyte.write),
    "bioplex-statistic": Writer("Bio-Plex per statistic", "xlsx", bioplex_statistic.write),
    "is23": Writer("Luminex IS 2.3", "csv", is23.write, (_LOTS, _DILUTIONS)),
}
