"""Fit the standard curves of plates: StandardCurve, CurveSet, fit_curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cytokit.curves.assemble import make_curves
from cytokit.curves.calibrate import calibrate
from cytokit.curves.curve import Dropped, StandardCurve
from cytokit.curves.gather import WellArrays, replicate_means, sample_scatter, well_arrays
from cytokit.curves.options import FitOptions
from cytokit.curves.profiles import PROFILES, Profile, level_to_drop
from cytokit.curves.standards import AnalyteStandards, plate_standards, stack
from cytokit.curves.weights import Scatter
from cytokit.errors import Problem, UsageError, did_you_mean
from cytokit.plate import Plate, replicates
from cytokit.vocabulary import CURVES_COLUMNS, STANDARDS_COLUMNS, WellType

__all__ = ["CurveSet", "StandardCurve", "UnknownCurveError", "fit_curves"]

Key = tuple[str, str]


class UnknownCurveError(UsageError, KeyError):
    """No such curve, or more than one of this name."""


class CurveSet(Mapping[Key, StandardCurve]):
    """Curves by (plate, analyte), or by the analyte alone where only one plate has it.

    Parameters
    ----------
    curves : sequence of StandardCurve
        Failed ones included.

    Raises
    ------
    UnknownCurveError
        CK-321: no such plate and analyte; CK-322: the analyte stands on several plates.
    """

    def __init__(self, curves: Sequence[StandardCurve]) -> None:
        self._curves = {(curve.plate, curve.analyte): curve for curve in curves}

    def __getitem__(self, key: Key | str) -> StandardCurve:
        """One curve."""
        if isinstance(key, tuple):
            if key in self._curves:
                return self._curves[key]
            raise UnknownCurveError(_no_such(key, list(self._curves)))
        found = [curve for (_, analyte), curve in self._curves.items() if analyte == key]
        if len(found) == 1:
            return found[0]
        if not found:
            names = list(dict.fromkeys(analyte for _, analyte in self._curves))
            raise UnknownCurveError(_no_such(key, names))
        plates = ", ".join(repr(curve.plate) for curve in found)
        raise UnknownCurveError(
            Problem(
                "CK-322",
                f"{key!r} stands on several plates: {plates}",
                mend="give plate and analyte: curves[plate, analyte]",
            )
        )

    def __iter__(self) -> Iterator[Key]:
        """Keys in the order of plates and analytes."""
        return iter(self._curves)

    def __len__(self) -> int:
        """Number of curves."""
        return len(self._curves)

    def __repr__(self) -> str:
        failed = sum(not curve.ok for curve in self.values())
        plates = len({plate for plate, _ in self})
        return f"<CurveSet: {len(self)} curves on {plates} plate(s), {failed} failed>"

    @property
    def table(self) -> pd.DataFrame:
        """One row per curve, columns ``CURVES_COLUMNS``."""
        rows = [curve.row() for curve in self.values()]
        return pd.DataFrame(rows, columns=list(CURVES_COLUMNS))

    @property
    def standards(self) -> pd.DataFrame:
        """One row per plate, analyte and level, columns ``STANDARDS_COLUMNS``."""
        tables = [curve.standards for curve in self.values() if len(curve.standards)]
        if not tables:
            return pd.DataFrame(columns=list(STANDARDS_COLUMNS))
        return pd.concat(tables, ignore_index=True)

    @property
    def dropped(self) -> pd.DataFrame:
        """Standards that the profile's rule left out: plate, analyte, round, level, why."""
        rows = [
            (curve.plate, curve.analyte, one.round, one.level, one.expected, one.recovery_pct,
             one.reason)
            for curve in self.values()
            for one in curve.dropped
        ]  # fmt: skip
        columns = ["plate", "analyte", "round", "level", "expected", "recovery_pct", "reason"]
        return pd.DataFrame(rows, columns=columns)


def _no_such(key: object, choices: list[Key] | list[str]) -> Problem:
    """The complaint about an unknown key."""
    return Problem(
        "CK-321",
        f"no curve for {key!r}",
        mend="see the keys: list(curves)",
        near=did_you_mean(key, choices),
    )


def fit_curves(
    plates: Sequence[Plate],
    options: FitOptions | None = None,
    excluded: Sequence[NDArray[np.bool_]] | None = None,
) -> CurveSet:
    """Fit every analyte of every plate.

    Parameters
    ----------
    plates : sequence of Plate
        With different names.
    options : FitOptions, optional
    excluded : sequence of (rows,) arrays of bool, optional
        For each plate the rows of ``plate.wells`` to leave out.

    Returns
    -------
    CurveSet
        A curve that cannot be fitted is an entry with verdict ``failed`` and its reason.
    """
    options = options or FitOptions()
    if excluded is None:
        excluded = [np.zeros(len(plate.wells), dtype=bool) for plate in plates]
    arrays = [
        well_arrays(plate, options, rows) for plate, rows in zip(plates, excluded, strict=True)
    ]
    standards = [
        one_analyte
        for number, one in enumerate(arrays)
        for one_analyte in plate_standards(one, number, options)
    ]
    scatters = _scatters(arrays)
    usual = [usual_wells(plate) for plate in plates]
    profile = PROFILES[options.profile]
    curves = _fit_once(standards, scatters, usual, options, profile)
    if profile.drop_failing:
        curves = _drop_and_refit(curves, standards, scatters, usual, options, profile)
    return CurveSet(curves)


def usual_wells(plate: Plate) -> int:
    """How many wells one result of this plate usually is the mean of.

    The median over its samples (without controls), 1 where it has none.
    """
    wells = plate.of_type(WellType.UNKNOWN).drop_duplicates("well")
    if wells.empty:
        return 1
    stands_for, _ = replicate_means(wells)
    return int(np.median(np.bincount(replicates(wells).group, stands_for)))


def _scatters(arrays: Sequence[WellArrays]) -> list[Scatter]:
    """Replicates of samples for every curve, in the order of plates and analytes."""
    out = []
    for one in arrays:
        scatter = sample_scatter(one)
        for analyte in range(len(one.names)):
            column = slice(analyte, analyte + 1)
            out.append(
                Scatter(
                    scatter.mean[:, column],
                    scatter.ss[:, column],
                    scatter.df[:, column],
                    scatter.known[:, column],
                )
            )
    return out


def _fit_once(
    standards: Sequence[AnalyteStandards],
    scatters: Sequence[Scatter],
    usual: Sequence[int],
    options: FitOptions,
    profile: Profile,
) -> list[StandardCurve]:
    """One calibration of all curves that can be fitted, and an entry for those that cannot."""
    fitted = [number for number, one in enumerate(standards) if not one.trouble]
    calibration = None
    if fitted:
        names = sorted({one.analyte for one in standards})
        wells = stack(
            [standards[number] for number in fitted], [scatters[number] for number in fitted], names
        )
        calibration = calibrate(wells, options)
    return make_curves(standards, fitted, calibration, usual, options, profile)


def _drop_and_refit(
    curves: list[StandardCurve],
    standards: list[AnalyteStandards],
    scatters: Sequence[Scatter],
    usual: Sequence[int],
    options: FitOptions,
    profile: Profile,
) -> list[StandardCurve]:
    """M10: leave out one failing standard of each curve, worst first, and fit again.

    It ends when all standards recover or none more may go. Each step is in ``curve.dropped``.
    """
    planned = [one.n_levels for one in standards]
    log: list[tuple[Dropped, ...]] = [() for _ in standards]
    left = list(standards)
    round_number = 0
    while True:
        round_number += 1
        changed = False
        for number, (one, curve) in enumerate(zip(left, curves, strict=True)):
            if curve.arrays is None:
                continue
            recovery = curve.standards["recovery_pct"].to_numpy()[: len(one.x)]
            used = one.used
            level = level_to_drop(one.x, recovery, used, planned[number], profile)
            if level is None:
                continue
            drop = _dropped(round_number, one, level, float(recovery[level]))
            log[number] = (*log[number], drop)
            left[number] = one.without_level(level, drop.reason, options)
            changed = True
        if not changed:
            break
        curves = _fit_once(left, scatters, usual, options, profile)
    return [replace(curve, dropped=log[number]) for number, curve in enumerate(curves)]


def _dropped(round_number: int, one: AnalyteStandards, level: int, recovery: float) -> Dropped:
    """The log's entry for one standard left out."""
    found = f"recovers {recovery:.1f} %" if np.isfinite(recovery) else "has no inverse"
    reason = f"left out by the acceptance profile in round {round_number}: {found}"
    return Dropped(round_number, one.names[level], float(one.x[level]), recovery, reason)
