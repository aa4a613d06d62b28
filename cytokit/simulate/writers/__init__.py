"""Plates written as instruments write them: one file per export family, on :class:`Plate`.

Because a writer starts from a Plate, reading its file back must give the same Plate: that is the
round trip by which each parser is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cytokit.plate import Plate
from cytokit.simulate.writers import xponent


@dataclass(frozen=True, slots=True)
class Writer:
    """A family's writer: its title, file suffix and function from Plate to bytes."""

    title: str
    suffix: str
    write: Callable[[Plate], bytes]


#: by the name that ``cytokit simulate --format`` takes
WRITERS = {
    "xponent": Writer("xPONENT CSV", "csv", xponent.write),
}
