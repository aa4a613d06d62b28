"""The rows of a design as typed records."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from cytokit.tables.days import Day


class DesignRow(NamedTuple):
    """One planned sample; ``line`` is None for a design that a table carries itself."""

    sample: str
    subject: str
    group: str
    day: Day | None
    stratum: str
    status: str
    plate: str
    line: int | None


def design_rows(frame: pd.DataFrame) -> list[DesignRow]:
    """Each row of a design's frame, in order."""
    columns = [frame[name].tolist() for name in DesignRow._fields]
    return [DesignRow(*cells) for cells in zip(*columns, strict=True)]
