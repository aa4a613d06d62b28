"""Plates beside each other: whether the signal of one lies far under that of the others.

A plate is remembered by its standards alone, so that thousands can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cytokit.curves.forensics import fold, level_table
from cytokit.curves.model import Array
from cytokit.curves.standard_series import log_signal
from cytokit.findings import Finding
from cytokit.plate import Plate

#: a plate's mid-curve signal under this share of the other plates' median is named
LOW_SIGNAL = 0.5


@dataclass(frozen=True, slots=True)
class SignalLevels:
    """Ln MFI of a plate's standards: all that plates are compared by.

    Parameters
    ----------
    plate : str
    at : tuple of (str, float)
        Analyte and expected concentration of each.
    ln_mfi : (L,) array
    """

    plate: str
    at: tuple[tuple[str, float], ...]
    ln_mfi: Array


def signal_levels(plate: Plate) -> SignalLevels:
    """The standards of a plate above zero, as plates are compared by them.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    SignalLevels
        Levels of the same concentration as one, their mean.
    """
    table = level_table(plate)
    table = table[(table["expected"] > 0) & table["mfi"].notna()]
    table = table.assign(ln_mfi=log_signal(table["mfi"].to_numpy(dtype=float)))
    means = table.groupby(["analyte", "expected"])["ln_mfi"].mean()
    at = tuple((str(analyte), float(expected)) for analyte, expected in means.index)
    return SignalLevels(plate.name, at, means.to_numpy(dtype=float))


def signal_findings(plates: Sequence[SignalLevels]) -> list[Finding]:
    """Plates whose mid-curve signal lies far under that of the other plates.

    Parameters
    ----------
    plates : sequence of SignalLevels
        At least three, with common analytes and levels; :func:`signal_levels` makes them.

    Returns
    -------
    list of Finding
        Code ``low_signal``.
    """
    if len(plates) < 3:
        return []
    places: dict[tuple[str, float], int] = {}
    columns = [[places.setdefault(at, len(places)) for at in plate.at] for plate in plates]
    grid = np.full((len(places), len(plates)), np.nan)
    for number, (plate, column) in enumerate(zip(plates, columns, strict=True)):
        grid[column, number] = plate.ln_mfi
    beside = grid - np.array([_median_of_others(row) for row in grid]).reshape(grid.shape)
    found = []
    for number in sorted(range(len(plates)), key=lambda number: plates[number].plate):
        told = beside[np.isfinite(beside[:, number]), number]
        share = fold(float(np.median(told))) if len(told) else math.nan
        if share < LOW_SIGNAL:
            message = f"the standards read {100 * share:.0f} % of the other plates' median"
            found.append(Finding("low_signal", message, plate=plates[number].plate))
    return found


def _median_of_others(values: Array) -> Array:
    """For each value the median of the others, NaN where there is no value or no other."""
    out = np.full(len(values), np.nan)
    there = np.flatnonzero(np.isfinite(values))
    left = len(there) - 1
    if left < 1:
        return out
    order = there[np.argsort(values[there], kind="stable")]
    ordered, place = values[order], np.arange(len(order))
    low, high = (left - 1) // 2, left // 2
    lower = ordered[np.where(place <= low, low + 1, low)]
    upper = ordered[np.where(place <= high, high + 1, high)]
    out[order] = (lower + upper) / 2
    return out
