"""The tables of standard curves: their wells and their levels, for all curves at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.curves.model import Array
from cytokit.curves.standards import AnalyteStandards, Text, WellList
from cytokit.vocabulary import STANDARDS_COLUMNS

#: a well with less than this of its weight left is called down-weighted
DOWNWEIGHTED = 0.5
_LEVEL_TEXTS = ("plate", "analyte", "level", "reason")
_WELL_TEXTS = ("well", "level", "reason")


def standing_wells(y: Array, robust: Array) -> NDArray[np.bool_]:
    """Wells (n, R, ...) that stand for their level: those not down-weighted, all if none is left.

    Examples
    --------
    >>> y = np.array([[900.0, 1000.0], [100.0, 500.0]])
    >>> standing_wells(y, np.array([[0.9, 1.0], [1.0, 0.1]])).tolist()
    [[True, True], [True, False]]
    """
    there = np.isfinite(y)
    firm = there & (robust >= DOWNWEIGHTED)
    return np.where(firm.any(1, keepdims=True), firm, there)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of the wells and levels of one curve.

    Parameters
    ----------
    one : AnalyteStandards
    weight, robust : (n, R) array
        Of each well: its weight in the fit, and the robust factor in it.
    standing : (n, R) array of bool
        Wells that stand for their level.
    back, recovery : (n,) array
        Concentration each level's mean gives back, and recovery in %.
    weightless : str
        Why a well in line has no weight.
    """

    one: AnalyteStandards
    weight: Array
    robust: Array
    standing: NDArray[np.bool_]
    back: Array
    recovery: Array
    weightless: str = "no point of this weight rule"


@dataclass(frozen=True, slots=True)
class CurveTables:
    """The tables of many curves, the rows of each behind one another.

    Parameters
    ----------
    wells, levels : pandas.DataFrame
        Single standard and blank wells; levels, columns ``STANDARDS_COLUMNS``.
    well_ends, level_ends : list of int
        Where the rows of each curve begin, and where the last one's end.
    """

    wells: pd.DataFrame
    levels: pd.DataFrame
    well_ends: list[int]
    level_ends: list[int]

    def wells_of(self, number: int) -> pd.DataFrame:
        """The wells of one curve."""
        return _slice(self.wells, self.well_ends, number)

    def levels_of(self, number: int) -> pd.DataFrame:
        """The levels of one curve."""
        return _slice(self.levels, self.level_ends, number)


def _slice(table: pd.DataFrame, ends: list[int], number: int) -> pd.DataFrame:
    """The rows of one curve, numbered from 0."""
    part = table.iloc[ends[number] : ends[number + 1]]
    part.index = pd.RangeIndex(len(part))
    return part


def curve_tables(curves: Sequence[Judged]) -> CurveTables:
    """The tables of all curves.

    Mean, CV and number of wells of a level are those of the wells that stand for it. Levels
    without a concentration come last.
    """
    every = [one.one for one in curves]
    lists = [one.wells for one in every]
    well_ends = np.cumsum([0, *map(len, lists)])
    weight, robust, standing = (
        _spread(lists, [getattr(one, name) for one in curves], nothing)
        for name, nothing in (("weight", 0.0), ("robust", np.nan), ("standing", 0.0))
    )
    response = _spread(lists, [one.y for one in every], np.nan)
    reasons = _reasons(curves, well_ends, weight, robust)
    wells = pd.DataFrame(
        {
            "well": _joined_text([one.well for one in lists]),
            "level": _joined_text([one.level for one in lists]),
            "expected": _joined([one.expected for one in lists]),
            "mfi": _joined([one.mfi for one in lists]),
            "response": response,
            "weight": weight,
            "robust": robust,
            "used": weight > 0,
            "reason": reasons,
        }
    ).astype(dict.fromkeys(_WELL_TEXTS, "str"))
    level, names, level_ends = _levels(curves)
    levels = _level_frame(curves, level, names, wells, standing > 0)
    return CurveTables(wells, levels, well_ends.tolist(), level_ends)


def _spread(lists: Sequence[WellList], grids: Sequence[Array], nothing: float) -> Array:
    """Values of levels x wells, listed well by well; `nothing` where a well has no part in it."""
    out = []
    for wells, grid in zip(lists, grids, strict=True):
        values = np.full(len(wells), nothing)
        part = (wells.row >= 0) & (wells.reason == "")
        values[part] = grid[wells.row[part], wells.column[part]]
        out.append(values)
    return _joined(out)


def _joined(parts: Sequence[Array]) -> Array:
    return np.concatenate([np.empty(0), *parts])


def _joined_text(parts: Sequence[Text]) -> Text:
    return np.concatenate([np.empty(0, dtype=object), *parts])


def _reasons(
    curves: Sequence[Judged], ends: NDArray[np.intp], weight: Array, robust: Array
) -> Text:
    """In words why a well has little or no weight, well by well."""
    reasons = _joined_text([one.one.wells.reason for one in curves])
    row = np.concatenate([np.empty(0, dtype=np.intp), *(one.one.wells.row for one in curves)])
    in_line = (row >= 0) & (reasons == "")
    off = in_line & (robust < DOWNWEIGHTED)
    for well in np.flatnonzero(off):
        reasons[well] = f"down-weighted to {robust[well]:.2f}: off the curve"
    for well in np.flatnonzero(in_line & ~off & (weight == 0)):
        curve = int(np.searchsorted(ends, well, side="right")) - 1
        reasons[well] = curves[curve].weightless
    return reasons


def _levels(
    curves: Sequence[Judged],
) -> tuple[NDArray[np.intp], list[tuple[str, float, float, float]], list[int]]:
    """The level of each well in the table of levels; each level's name and concentrations."""
    nothing = (float("nan"),) * 3
    level_of, levels, ends = [], [], [0]
    for judged in curves:
        one, start = judged.one, ends[-1]
        levels += list(
            zip(
                one.names,
                one.x.tolist(),
                judged.back.tolist(),
                judged.recovery.tolist(),
                strict=True,
            )
        )
        level = one.wells.row + start
        loose = one.wells.row < 0
        if loose.any():
            names = dict.fromkeys(one.wells.level[loose].tolist())
            place = {name: start + len(one.x) + number for number, name in enumerate(names)}
            level[loose] = [place[name] for name in one.wells.level[loose]]
            levels += [(name, *nothing) for name in names]
        level_of.append(level)
        ends.append(len(levels))
    return np.concatenate([np.empty(0, dtype=np.intp), *level_of]), levels, ends


def _level_frame(
    curves: Sequence[Judged],
    level: NDArray[np.intp],
    names: Sequence[tuple[str, float, float, float]],
    wells: pd.DataFrame,
    standing: NDArray[np.bool_],
) -> pd.DataFrame:
    """One row per level, columns ``STANDARDS_COLUMNS``."""
    size = len(names)
    mfi, weight = wells["mfi"].to_numpy(), wells["weight"].to_numpy()
    sizes = np.bincount(level, minlength=size)
    owners = [judged.one for judged in curves]
    stands_for = _joined([one.wells.stands_for for one in owners])
    sd = _joined([one.wells.sd for one in owners])
    n, mean, cv = grouped_cv(
        level[standing], mfi[standing], size, stands_for[standing], sd[standing]
    )
    counts = [len(one.x) + len(set(one.wells.level[one.wells.row < 0].tolist())) for one in owners]
    columns = {
        "plate": np.repeat(_text([one.plate_name for one in owners]), counts),
        "analyte": np.repeat(_text([one.analyte for one in owners]), counts),
        "level": _text([name for name, *_ in names]),
        "expected": np.array([one[1] for one in names], dtype=float),
        "n_wells": n,
        "mfi": mean,
        "mfi_cv_pct": cv,
        "back_calculated": np.array([one[2] for one in names], dtype=float),
        "recovery_pct": np.array([one[3] for one in names], dtype=float),
        "used": np.bincount(level[weight > 0], minlength=size) > 0,
        "weight": np.bincount(level, weight, minlength=size).astype(float),
        "reason": _level_reasons(level, wells, sizes),
    }
    frame = pd.DataFrame(columns, columns=list(STANDARDS_COLUMNS))
    return frame.astype(dict.fromkeys(_LEVEL_TEXTS, "str"))


def _text(values: Sequence[str]) -> Text:
    """Texts as an array of objects."""
    out: Text = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _level_reasons(level: NDArray[np.intp], wells: pd.DataFrame, sizes: NDArray[np.intp]) -> Text:
    """For each level why its wells have little or no weight; empty where they all count."""
    reasons, names = wells["reason"].to_numpy(), wells["well"].to_numpy()
    found: dict[int, dict[str, str]] = {}
    for well in np.flatnonzero(reasons != ""):
        found.setdefault(int(level[well]), {})[names[well]] = reasons[well]
    out: Text = np.full(len(sizes), "", dtype=object)
    for number, named in found.items():
        out[number] = _in_words(named, int(sizes[number]))
    return out


def _in_words(reasons: dict[str, str], n_wells: int) -> str:
    """The reasons of a level's wells: once where all share it, else well by well."""
    if len(reasons) == n_wells and len(set(reasons.values())) == 1:
        return next(iter(reasons.values()))
    return "; ".join(f"{well}: {reason}" for well, reason in reasons.items())


def grouped_cv(
    group: NDArray[np.intp],
    values: Array,
    size: int,
    stands_for: Array | None = None,
    sd: Array | None = None,
) -> tuple[NDArray[np.intp], Array, Array]:
    """Number, mean and coefficient of variation in % of the values of each group.

    Parameters
    ----------
    group : (U,) array of int
        From 0 to `size` - 1.
    values : (U,) array
    size : int
    stands_for, sd : (U,) array, optional
        Wells that a value is the mean of, and their standard deviation, NaN where it is not known:
        the CV is then that of all wells behind the values.

    Returns
    -------
    n, mean, cv_pct : (size,) array
        Mean is NaN for no value; CV for fewer than two, a mean of 0, or means of wells whose
        spread is not known.

    Examples
    --------
    >>> n, mean, cv = grouped_cv(np.array([0, 0, 1]), np.array([90.0, 110.0, 5.0]), 2)
    >>> n.tolist(), mean.tolist(), cv.round(3).tolist()
    ([2, 1], [100.0, 5.0], [14.142, nan])
    >>> two = grouped_cv(np.array([0]), np.array([100.0]), 1, np.array([2.0]), np.array([14.142]))
    >>> two[0].tolist(), two[2].round(3).tolist()
    ([2], [14.142])
    """
    wells = np.ones(len(values)) if stands_for is None else stands_for
    inner = np.full(len(values), np.nan) if sd is None else sd
    n = np.bincount(group, wells, minlength=size)
    some, several = n > 0, n > 1
    total = np.bincount(group, wells * values, minlength=size)
    mean = np.where(some, total / np.where(some, n, 1), np.nan)
    single = wells <= 1
    inside = np.where(single, 0.0, (wells - 1) * np.where(single, 0.0, inner) ** 2)
    squares = np.bincount(group, wells * (values - mean[group]) ** 2 + inside, minlength=size)
    told = several & (mean != 0) & np.isfinite(squares)
    spread = np.sqrt(np.where(told, squares, 0.0) / np.where(several, n - 1, 1))
    cv = np.where(told, 100.0 * spread / np.abs(np.where(told, mean, 1.0)), np.nan)
    return np.asarray(np.round(n), dtype=np.intp), mean, cv
