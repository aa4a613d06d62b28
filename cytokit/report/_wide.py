"""Samples as labs pass them on: one row per sample, one column per analyte."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from cytokit.curves.options import LimitsName
from cytokit.report.words import STATUSES
from cytokit.vocabulary import RangeStatus

#: the columns of curves.csv that decide, by the option
_QUANTIFICATION: Mapping[LimitsName, tuple[str, str]] = {
    "precision": ("lloq", "uloq"),
    "recovery": ("lloq_recovery", "uloq_recovery"),
}
_KEY = ["plate", "sample", "well_type", "dilution_factor"]


@dataclass(frozen=True, slots=True)
class WideCell:
    """What stands in one cell: the text to show, the number if there is one, the status."""

    text: str
    number: float | None
    status: str


@dataclass(frozen=True, slots=True)
class WideTable:
    """The wide table.

    Parameters
    ----------
    analytes : tuple of str
        Headers, the unit in brackets.
    rows : tuple
        Plate, sample, well type and dilution factor, then a cell or None per analyte.
    limits : mapping of str to tuple
        LOD, LLOQ and ULOQ of each analyte at the bead: a number, the span over the plates as
        text, or None.
    """

    analytes: tuple[str, ...]
    rows: tuple[tuple[tuple[str, str, str, float], tuple[WideCell | None, ...]], ...]
    limits: Mapping[str, tuple[float | str | None, ...]]


def reported(concentration: float, status: str, limit_low: float, limit_high: float) -> str:
    """A result as it is passed on: a number, or the bound with its sign, or why there is none.

    Parameters
    ----------
    concentration : float
    status : str
        A :class:`cytokit.vocabulary.RangeStatus`.
    limit_low, limit_high : float

    Returns
    -------
    str

    Examples
    --------
    >>> nan = float("nan")
    >>> reported(12.3456, "in_range", 3.2, 900), reported(nan, "oor_low", 3.2, nan)
    ('12.35', '<3.2')
    >>> reported(nan, "oor_high", nan, 90000.4), reported(nan, "no_curve", nan, nan)
    ('>90000', 'no curve')
    """
    if status == RangeStatus.OOR_LOW and limit_low == limit_low:
        return f"<{significant(limit_low)}"
    if status == RangeStatus.OOR_HIGH and limit_high == limit_high:
        return f">{significant(limit_high)}"
    if concentration == concentration:
        return significant(concentration)
    return STATUSES[status].title


def significant(value: float, digits: int = 4) -> str:
    """A number with so many significant digits and no exponent where it can be avoided.

    Parameters
    ----------
    value : float
    digits : int

    Returns
    -------
    str

    Examples
    --------
    >>> significant(0.00123456), significant(123456.7), significant(3.20)
    ('0.001235', '123457', '3.2')
    """
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:.0f}"
    return f"{value:.{digits}g}"


def wide_samples(samples: pd.DataFrame, curves: pd.DataFrame, limits: LimitsName) -> WideTable:
    """The wide table, samples and analytes in the order of the plates.

    A concentration below the limit of detection is written as that bound, like one that has no
    number: one column of numbers never mixes both. The tidy table keeps the number.

    Parameters
    ----------
    samples, curves : pandas.DataFrame
        As samples.csv and curves.csv.
    limits : {"precision", "recovery"}
        Which limits of quantification decide.

    Returns
    -------
    WideTable
        A sample that stands several times with one dilution has as many rows.
    """
    units = samples.drop_duplicates("analyte").set_index("analyte")["unit"].fillna("")
    place = {str(analyte): position for position, analyte in enumerate(units.index)}
    again = samples.groupby([*_KEY, "analyte"], sort=False, dropna=False).cumcount()
    row_of = pd.MultiIndex.from_frame(samples[_KEY].assign(again=again)).factorize()[0]
    width = len(place)
    keys: dict[int, tuple[str, str, str, float]] = {}
    cells: dict[int, list[WideCell | None]] = {}
    columns = [*_KEY, "analyte", "concentration", "status", "limit_low", "limit_high"]
    lod = {
        (str(plate), str(analyte)): float(value)
        for plate, analyte, value in zip(
            curves["plate"], curves["analyte"], curves["lod"], strict=True
        )
    }
    for row, values in zip(
        row_of, zip(*(samples[name] for name in columns), strict=True), strict=True
    ):
        plate, sample, kind, dilution, analyte, number, status, low, high = values
        keys.setdefault(row, (str(plate), str(sample), str(kind), float(dilution)))
        found = cells.setdefault(row, [None] * width)
        detectable = lod.get((str(plate), str(analyte)), math.nan) * float(dilution)
        if number < detectable and status == RangeStatus.BELOW_LLOQ:
            found[place[str(analyte)]] = WideCell(f"<{significant(detectable)}", None, str(status))
            continue
        found[place[str(analyte)]] = WideCell(
            reported(number, str(status), low, high),
            float(number) if number == number else None,
            str(status),
        )
    headers = tuple(f"{name} ({unit})" if unit else str(name) for name, unit in units.items())
    names = dict(zip(("LOD", "LLOQ", "ULOQ"), ("lod", *_QUANTIFICATION[limits]), strict=True))
    by_analyte = dict(tuple(curves.groupby("analyte", sort=False)))
    found_limits = {
        title: tuple(
            _over_plates(by_analyte[name][column]) if name in by_analyte else None for name in place
        )
        for title, column in names.items()
    }
    rows = tuple((keys[row], tuple(cells[row])) for row in keys)
    return WideTable(headers, rows, found_limits)


def _over_plates(values: pd.Series) -> float | str | None:
    """A limit that all plates share, or the span of theirs."""
    known = sorted({float(value) for value in values if math.isfinite(value)})
    if not known:
        return None
    if len(known) == 1:
        return known[0]
    return f"{significant(known[0], 3)} to {significant(known[-1], 3)}"
