"""Other statistics of a file, one wide table each; most are never looked at, so each waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """What a wide table is made of.

    Parameters
    ----------
    wells, samples : pandas.Series
        Of text, one entry per row; ``wells`` is empty text in a table by sample.
    names : pandas.Index
        Of the further columns.
    cells : numpy.ndarray
        Rows x names: numbers, or text as printed.
    """

    wells: pd.Series
    samples: pd.Series
    names: pd.Index
    cells: np.ndarray

    def rows(self, chosen: np.ndarray) -> Wide:
        """The rows of one plate; a table by sample belongs to all plates of the file."""
        if len(self.wells) != len(chosen) or chosen.all() or not self.wells.iloc[0]:
            return self
        labels = (part[chosen].reset_index(drop=True) for part in (self.wells, self.samples))
        wells, samples = labels
        return replace(self, wells=wells, samples=samples, cells=self.cells[chosen])

    def table(self) -> pd.DataFrame:
        """The table: ``well``, ``sample`` and the further columns."""
        dtype = None if self.cells.dtype.kind == "f" else "str"
        labels = pd.DataFrame({"well": self.wells, "sample": self.samples})
        values = pd.DataFrame(self.cells, columns=self.names, dtype=dtype)
        return pd.concat([labels, values], axis=1)


class WideTables(Mapping[str, pd.DataFrame]):
    """Tables by name, each made when first asked for and then kept.

    Parameters
    ----------
    parts : mapping of str to Wide
    """

    def __init__(self, parts: Mapping[str, Wide]) -> None:
        self._parts = dict(parts)
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._made:
            self._made[name] = self._parts[name].table()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"<tables {', '.join(self._parts)}>"

    def rows(self, chosen: np.ndarray) -> WideTables:
        """The tables of one plate of the file."""
        return WideTables({name: part.rows(chosen) for name, part in self._parts.items()})
