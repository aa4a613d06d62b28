"""The tidy table of a plate, built by columns: 384 wells x 100 analytes are 38,400 rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from cytokit.vocabulary import PLATE_COLUMNS, WellType

#: Columns of the table that hold text.
_TEXTS = frozenset({"well", "sample", "well_type", "analyte", "vendor_status", "comment"})


def well_table(
    wells: Sequence[str],
    samples: Sequence[str],
    well_types: Sequence[WellType],
    analytes: Sequence[str],
    *,
    dilution: np.ndarray,
    grids: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """One row per reading and analyte, with the columns of :data:`PLATE_COLUMNS`.

    Parameters
    ----------
    wells, samples, well_types : sequence
        One entry per reading.
    analytes : sequence of str
    dilution : numpy.ndarray
        One factor per reading.
    grids : mapping of str to numpy.ndarray
        Readings x analytes, by the column's name; a column without a grid is NaN or empty text.

    Examples
    --------
    >>> table = well_table(["A1"], ["Unknown1"], [WellType.UNKNOWN], ["IL-6", "TNFa"],
    ...                    dilution=np.array([2.0]), grids={"mfi": np.array([[10.0, 20.0]])})
    >>> table[["well", "analyte", "mfi", "dilution_factor"]].values.tolist()
    [['A1', 'IL-6', 10.0, 2.0], ['A1', 'TNFa', 20.0, 2.0]]
    """
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


def text_array(values: Sequence[str] | np.ndarray) -> ExtensionArray:
    """Texts as a column of pandas' ``str``."""
    return pd.array(np.asarray(values, dtype=object), dtype="str")
