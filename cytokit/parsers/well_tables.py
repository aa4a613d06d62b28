"""What the tables of all families have in common: rows that fit, columns that are named once.

And the tables that a plate is made of: the tidy one of its readings, by columns (384 wells x 100
analytes are 38,400 rows), and a wide one for each other statistic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cytokit.errors import Problem
from cytokit.plate import text_array
from cytokit.schema import PLATE_COLUMNS, WellType

#: Columns of the tidy table that hold text.
_TEXTS = frozenset({"well", "sample", "well_type", "analyte", "vendor_status", "comment"})


def row_misfit(
    cells: Sequence[str], names: Sequence[str], *, may_be_short: bool = False
) -> tuple[str, int] | None:
    """What is wrong with the length of a row under some column names, and in which column."""
    beyond = next((i for i in range(len(names), len(cells)) if cells[i]), None)
    if beyond is not None:
        return f"expected {len(names)} cells, but {cells[beyond]!r} stands beyond", beyond + 1
    if len(cells) < len(names) and not may_be_short:
        what = f"expected {len(names)} cells, the row ends before {names[len(cells)]!r}"
        return what, len(cells) + 1
    return None


def twice_named(keys: Mapping[int, str], titles: Sequence[str], where: str) -> list[Problem]:
    """CK-163: columns of one key, of which only one could be read; an empty key names none."""
    places: dict[str, list[int]] = {}
    for column, key in keys.items():
        if key:
            places.setdefault(key, []).append(column)
    return [
        Problem(
            "CK-163",
            f"two columns are called {titles[same[0]]!r} "
            f"(columns {', '.join(str(column + 1) for column in same)})",
            where,
            "delete the column that does not belong here, or export the plate again",
        )
        for same in places.values()
        if len(same) > 1
    ]


def well_table(
    wells: Sequence[str],
    samples: Sequence[str],
    well_types: Sequence[WellType],
    analytes: Sequence[str],
    *,
    dilution: np.ndarray,
    grids: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """One row per reading and analyte, with the columns of :data:`PLATE_COLUMNS`."""
    n, k = len(wells), len(analytes)
    readings, columns_of = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    columns: dict[str, object] = {
        "well": text_array(wells).take(readings),
        "sample": text_array(samples).take(readings),
        "well_type": text_array([str(kind) for kind in well_types]).take(readings),
        "analyte": text_array(analytes).take(columns_of),
        "dilution_factor": np.repeat(dilution, k),
    }
    empty = text_array([""]).take(np.zeros(n * k, dtype=int))
    for name in PLATE_COLUMNS:
        if name in columns:
            continue
        grid = grids.get(name)
        if name in _TEXTS:
            columns[name] = empty if grid is None else text_array(grid.ravel())
        else:
            columns[name] = np.full(n * k, np.nan) if grid is None else grid.ravel()
    return pd.DataFrame(columns, columns=list(PLATE_COLUMNS), copy=False)


def blanks_are_zero(well_types: Sequence[WellType], expected: np.ndarray) -> np.ndarray:
    """Expected concentrations with 0 for blanks; changes and gives back ``expected``."""
    expected[[kind is WellType.BLANK for kind in well_types]] = 0.0
    return expected


@dataclass(frozen=True, slots=True, eq=False)
class Wide:
    """What the wide table of another statistic is made of."""

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
    """Tables by name, each made when first asked for and then kept; most are never looked at."""

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
