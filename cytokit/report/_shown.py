"""A fit's tables, each taken once: a fit makes some of them anew whenever it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
        return Shown(
            (plate,),
            {key: curve for key, curve in self.curves.items() if key[0] == plate.name},
            _rows(self.table, plate.name),
            _rows(self.standards, plate.name),
            _rows(self.wells, plate.name),
            _rows(self.samples, plate.name),
            self.flags[self.flags["plate"].isin([plate.name, ""])],
            self.exclusions[self.exclusions["plate"].isin([plate.name, ""])],
        )


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


def _rows(frame: pd.DataFrame, plate: str) -> pd.DataFrame:
    return frame[frame["plate"] == plate].reset_index(drop=True)
