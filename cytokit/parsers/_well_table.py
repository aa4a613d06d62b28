"""The tidy table of a plate, built by columns: 384 wells x 100 analytes are 38,400 rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

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

    def per_reading(values: Sequence[object]) -> pd.Series:
        return _text(np.repeat(np.array(values, dtype=object), k))

    columns: dict[str, object] = {
        "well": per_reading(wells),
        "sample": per_reading(samples),
        "well_type": per_reading([str(kind) for kind in well_types]),
        "analyte": _text(np.tile(np.array(analytes, dtype=object), n)),
        "dilution_factor": np.repeat(dilution, k),
    }
    for name in PLATE_COLUMNS:
        if name in columns:
            continue
        grid = grids.get(name)
        if name in _TEXTS:
            columns[name] = _text(
                np.full(n * k, "", dtype=object) if grid is None else grid.ravel()
            )
        else:
            columns[name] = np.full(n * k, np.nan) if grid is None else grid.ravel()
    return pd.DataFrame(columns, columns=list(PLATE_COLUMNS))


def blanks_are_zero(well_types: Sequence[WellType], expected: np.ndarray) -> np.ndarray:
    """Expected concentrations with 0 for blanks; changes and gives back ``expected``."""
    expected[[kind is WellType.BLANK for kind in well_types]] = 0.0
    return expected


def _text(values: np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="str")
