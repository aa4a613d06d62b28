"""From plates to arrays: the readings as the fit takes them, and how replicates scatter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.curves.model import Array
from cytokit.curves.options import FitOptions
from cytokit.curves.rules import VENDOR_RULES
from cytokit.curves.weights import Scatter
from cytokit.curves.wells import possible_reading
from cytokit.plate import Plate, replicates
from cytokit.vocabulary import REPLICATE_COLUMNS, WellType


@dataclass(frozen=True, slots=True)
class WellArrays:
    """The rows of one plate as plain arrays.

    Parameters
    ----------
    plate : Plate
    names : tuple of str
        The plate's analytes, in its order.
    code : (rows,) array of int
        Number of the analyte in the plate's order.
    response : (rows,) array
        MFI to be fitted: as measured, or, under a vendor's rule, net MFI plus `background`;
        NaN where there is none, or none that can be a reading.
    background : (analytes,) array
        Mean blank, as the vendors subtract it; NaN where neither blanks nor net MFI exist.
    excluded : (rows,) array of bool
    stands_for : (rows,) array
        Wells that the reading is the mean of.
    sd : (rows,) array
        Their standard deviation as the export prints it; NaN for a single well.
    """

    plate: Plate
    names: tuple[str, ...]
    code: NDArray[np.int64]
    response: Array
    background: Array
    excluded: NDArray[np.bool_]
    stands_for: Array
    sd: Array

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows with a reading that nobody excluded."""
        return np.isfinite(self.response) & ~self.excluded


def well_arrays(plate: Plate, options: FitOptions, excluded: NDArray[np.bool_]) -> WellArrays:
    """The plate's readings as arrays, with the response the weight rule works on."""
    names = plate.analyte_names
    code = pd.Categorical(plate.wells["analyte"], categories=names).codes.astype(np.int64)
    mfi = plate.wells["mfi"].to_numpy(dtype=float)
    net = plate.wells["net_mfi"].to_numpy(dtype=float)
    mfi = np.where(possible_reading(mfi), mfi, np.nan)
    net = np.where(possible_reading(net), net, np.nan)
    blank = (plate.wells["well_type"] == str(WellType.BLANK)).to_numpy() & ~excluded
    both = np.isfinite(mfi) & np.isfinite(net)
    blank &= np.isfinite(mfi)
    background = np.full(len(names), np.nan)
    for number, rows in enumerate(rows_by_code(code, len(names))):
        if both[rows].any():
            told = rows[both[rows]]
            background[number] = np.median(mfi[told] - net[told])
        elif blank[rows].any():
            background[number] = np.mean(mfi[rows[blank[rows]]])
    response = mfi
    if options.weights in VENDOR_RULES:
        response = np.where(both, net + background[code], mfi)
    stands_for, sd = replicate_means(plate.wells)
    return WellArrays(plate, tuple(names), code, response, background, excluded, stands_for, sd)


def replicate_means(wells: pd.DataFrame) -> tuple[Array, Array]:
    """How many wells each reading is the mean of, and their printed standard deviation."""
    # the printed %CV is over MFI in some exports, over net MFI in others: it says no sd
    count, sd = (
        wells[name].to_numpy(dtype=float) if name in wells else np.full(len(wells), np.nan)
        for name in REPLICATE_COLUMNS[:2]
    )
    count = np.where(count >= 1, count, 1.0)
    possible = (count > 1) & (sd >= 0) & possible_reading(sd)
    return count, np.where(possible, sd, np.nan)


def rows_by_code(code: NDArray[np.int64], size: int) -> list[NDArray[np.intp]]:
    """For each analyte its rows, ascending."""
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=size))
    return np.split(order, ends[:-1]) if size else []


def sample_scatter(arrays: WellArrays) -> Scatter:
    """Scatter of the replicates of samples and controls, groups x analytes."""
    frame = arrays.plate.wells
    kinds = frame["well_type"].to_numpy()
    told = (kinds == str(WellType.UNKNOWN)) | (kinds == str(WellType.CONTROL))
    rows = np.flatnonzero(told & arrays.usable)
    size = len(arrays.names)
    if len(rows) == 0:
        empty = np.zeros((0, size))
        return Scatter(empty, empty, empty, empty)
    group = replicates(frame.iloc[rows]).group
    n_groups = int(group.max()) + 1
    cell = group * size + arrays.code[rows]
    values, wells, sd = arrays.response[rows], arrays.stands_for[rows], arrays.sd[rows]
    length = n_groups * size
    n = np.bincount(cell, wells, minlength=length)
    mean = np.bincount(cell, wells * values, minlength=length) / np.maximum(n, 1)
    printed = np.isfinite(sd)
    inside = np.where(printed, wells - 1, 0.0)
    squares = wells * (values - mean[cell]) ** 2 + inside * np.where(printed, sd, 0.0) ** 2
    ss = np.bincount(cell, squares, minlength=length).astype(float)
    between = np.maximum(np.bincount(cell, minlength=length) - 1, 0)
    df = np.asarray(between + np.bincount(cell, inside, minlength=length), dtype=float)
    shape = (n_groups, size)
    some_df = df.reshape(shape).any(1)
    return Scatter(
        mean.reshape(shape)[some_df],
        ss.reshape(shape)[some_df],
        df.reshape(shape)[some_df],
        np.zeros(shape)[some_df],
    )
