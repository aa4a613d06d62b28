"""A fit's tables, each taken once: a fit makes some of them anew whenever it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from cytokit.curves.fit import StandardCurve
    from cytokit.plate import Plate
    from cytokit.platefit import PlateFit


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What page and workbook show of a fit, or of one of its plates.

    Parameters
    ----------
    plates : tuple of Plate
    curves : mapping of (str, str) to StandardCurve
    table : pandas.DataFrame
        Of the curves.
    standards, wells, samples, flags, exclusions : pandas.DataFrame
        As the CSV files of those names.
    """

    plates: tuple[Plate, ...]
    curves: Mapping[tuple[str, str], StandardCurve]
    table: pd.DataFrame
    standards: pd.DataFrame
    wells: pd.DataFrame
    samples: pd.DataFrame
    flags: pd.DataFrame
    exclusions: pd.DataFrame

    def of(self, plate: Plate) -> Shown:
        """The rows that concern one plate.

        Parameters
        ----------
        plate : Plate

        Returns
        -------
        Shown
        """
        return next(self.each([plate]))

    def each(self, plates: Iterable[Plate] | None = None) -> Iterator[Shown]:
        """The rows of one plate after the other.

        Parameters
        ----------
        plates : iterable of Plate, optional
            All where not given.

        Yields
        ------
        Shown
            Of flags and exclusions also those that name no plate.
        """
        curves: dict[str, dict[tuple[str, str], StandardCurve]] = {}
        for key, curve in self.curves.items():
            curves.setdefault(key[0], {})[key] = curve
        whole = [_Rows(frame) for frame in (self.table, self.standards, self.wells, self.samples)]
        beside = [_Rows(frame, everywhere=True) for frame in (self.flags, self.exclusions)]
        for plate in self.plates if plates is None else plates:
            yield Shown(
                (plate,),
                curves.get(plate.name, {}),
                *(rows.of(plate.name) for rows in whole),
                *(rows.of(plate.name) for rows in beside),
            )


class _Rows:
    """Rows of a frame by plate; `everywhere` with those that name none, numbers kept."""

    def __init__(self, frame: pd.DataFrame, *, everywhere: bool = False) -> None:
        self._frame = frame
        self._everywhere = everywhere
        self._at = {
            str(name): np.asarray(rows)
            for name, rows in frame.groupby("plate", sort=False).indices.items()
        }

    def of(self, plate: str) -> pd.DataFrame:
        """The rows of one plate."""
        rows = self._at.get(plate, np.empty(0, dtype=np.intp))
        if self._everywhere:
            shared = self._at.get("", np.empty(0, dtype=np.intp)) if plate else rows[:0]
            return self._frame.iloc[np.sort(np.concatenate([rows, shared]))]
        return self._frame.iloc[rows].reset_index(drop=True)


def shown(fit: PlateFit) -> Shown:
    """Take the tables of a fit.

    Parameters
    ----------
    fit : PlateFit

    Returns
    -------
    Shown
    """
    return Shown(
        fit.plates,
        dict(fit.curves),
        fit.curves.table,
        fit.curves.standards,
        fit.wells,
        fit.samples,
        fit.flags,
        fit.exclusions,
    )
