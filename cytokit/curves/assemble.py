"""From a calibration's arrays to StandardCurves with their tables, limits and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cytokit.curves.arrays import CurveArrays
from cytokit.curves.curve import StandardCurve
from cytokit.curves.limits import Limits, find_limits, recovery_limits
from cytokit.curves.model import X_ZERO, Array, log_midpoint, natural
from cytokit.curves.options import FitOptions
from cytokit.curves.prior import Prior
from cytokit.curves.profiles import Evidence, Profile, judge, levels_that_pass
from cytokit.curves.standards import AnalyteStandards
from cytokit.curves.status import concentration
from cytokit.curves.tables import CurveTables, Judged, curve_tables, standing_wells
from cytokit.curves.wells import Calibration
from cytokit.vocabulary import Verdict


def make_curves(
    standards: Sequence[AnalyteStandards],
    fitted: Sequence[int],
    calibration: Calibration | None,
    usual: Sequence[int],
    options: FitOptions,
    profile: Profile,
) -> list[StandardCurve]:
    """One StandardCurve for each entry of `standards`, fitted or not.

    Parameters
    ----------
    standards : sequence of AnalyteStandards
    fitted : sequence of int
        Which of them the calibration's columns stand for.
    calibration : Calibration or None
    usual : sequence of int
        For each plate the usual number of wells of a result.
    options : FitOptions
    profile : Profile

    Returns
    -------
    list of StandardCurve
    """
    solved: dict[int, Solved] = {}
    if calibration is not None:
        some = [standards[number] for number in fitted]
        n_wells = [usual[one.plate] for one in some]
        found = judge_curves(some, calibration, n_wells, options, profile)
        solved = dict(zip(fitted, found, strict=True))
    stands = {number: one for number, one in solved.items() if one.verdict is not Verdict.FAILED}
    tables = curve_tables(
        [
            stands[number].judged if number in stands else _nothing(one)
            for number, one in enumerate(standards)
        ]
    )
    out = []
    for number, one in enumerate(standards):
        n_wells_of_one = usual[one.plate]
        if number in stands:
            solution = stands[number]
            out.append(_with_fit(solution, tables, number, n_wells_of_one, options))
        else:
            reason = solved[number].reason if number in solved else one.trouble
            out.append(_without_fit(one, reason, tables, number, n_wells_of_one, options))
    return out


def lowest(one: AnalyteStandards) -> float:
    """The lowest usable standard above zero."""
    used = one.used & (one.x > 0)
    return float(one.x[used].min())


def highest(one: AnalyteStandards) -> float:
    """The highest usable standard."""
    return float(one.x[one.used].max())


@dataclass(frozen=True, slots=True)
class Solved:
    """One column of a calibration: what became of its standards, its numbers and its verdict."""

    judged: Judged
    values: dict[str, Any]
    verdict: Verdict
    reason: str


def judge_curves(
    standards: Sequence[AnalyteStandards],
    calibration: Calibration,
    n_wells: Sequence[int],
    options: FitOptions,
    profile: Profile,
) -> list[Solved]:
    """The verdict on each column of the calibration, and what its curve is made of.

    Parameters
    ----------
    standards : sequence of AnalyteStandards
        One per column.
    calibration : Calibration
    n_wells : sequence of int
        For each the usual number of wells of a result.
    options : FitOptions
    profile : Profile

    Returns
    -------
    list of Solved
    """
    curves = calibration.curves
    log_low = np.array([np.log(lowest(one)) for one in standards]) - curves.log_top
    log_high = np.array([np.log(highest(one)) for one in standards]) - curves.log_top
    wells_of_one = np.array(n_wells, dtype=float)
    limits = find_limits(curves, log_low, wells_of_one, options.max_cv_pct, log_high)
    y = _padded([one.y for one in standards], calibration.weight.shape[:2])
    x = _padded([one.x for one in standards], calibration.weight.shape[:1])
    standing = standing_wells(y, calibration.robust)
    back, recovery = back_calculate(x, y, curves, standing)
    signal = _signal(x, y, curves)
    numbers = _numbers(calibration, limits)
    found = []
    for column, one in enumerate(standards):
        n, wells = one.y.shape
        judged = Judged(
            one,
            calibration.weight[:n, :wells, column],
            calibration.robust[:n, :wells, column],
            standing[:n, :wells, column],
            back[:n, column],
            recovery[:n, column],
        )
        used = one.used
        passes = levels_that_pass(one.x, judged.recovery, used, profile)
        above = used & (one.x > 0)
        evidence = Evidence(
            n_levels=int(above.sum()),
            n_pass=int(passes.sum()),
            signal=float(signal[column]),
            has_range=bool(np.isfinite(limits.lloq[column])),
            converged=bool(calibration.converged[column]),
            at_bound=bool(calibration.at_bound[1:, column].any()),
            p_fit=_p_fit(calibration.chi2[column], calibration.df[column]),
        )
        verdict, reason = judge(evidence, profile, one.note)
        by_recovery = recovery_limits(one.x[above], passes[above])
        values = {name: float(listed[column]) for name, listed in numbers.items()} | {
            "orientation": "+" if curves.orientation[column] > 0 else "-",
            "lloq_recovery": by_recovery[0],
            "uloq_recovery": by_recovery[1],
            "n_levels": evidence.n_levels,
            "n_pass": evidence.n_pass,
            "at_bound": _names_at_bound(calibration.at_bound[:, column]),
            "arrays": curves.take(np.array([column])),
            "prior": _own_prior(calibration, column),
        }
        found.append(Solved(judged, values, verdict, reason))
    return found


def _padded(parts: Sequence[Array], shape: tuple[int, ...]) -> Array:
    """Arrays side by side along a last axis, NaN where one is smaller than `shape`."""
    out = np.full((*shape, len(parts)), np.nan)
    for number, part in enumerate(parts):
        corner: tuple[slice, ...] = tuple(slice(length) for length in part.shape)
        out[..., number][corner] = part
    return out


def back_calculate(
    x: Array, y: Array, curves: CurveArrays, standing: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Concentration (n, N) each level's mean reading gives back, and recovery in %."""
    n = standing.sum(1)
    mean = np.where(standing, y, 0.0).sum(1) / np.maximum(n, 1)
    back = concentration(curves.invert(np.where(n > 0, mean, np.nan)) + curves.log_top)
    above = x > 0
    return back, np.where(above, 100.0 * back / np.where(above, x, 1.0), np.nan)


def _numbers(calibration: Calibration, limits: Limits) -> dict[str, Array]:
    """Parameters, measures of agreement and limits (N,) under the names of StandardCurve."""
    curves = calibration.curves
    theta = curves.theta + _shift(curves.log_top)
    slope, _, asymmetry = natural(theta)
    inflection = np.empty(curves.size)
    for sign in (1, -1):
        mine = curves.orientation == sign
        inflection[mine] = np.exp(log_midpoint(theta[:, mine], sign))
    return {
        "lower": curves.lower,
        "upper": curves.upper,
        "inflection": inflection,
        "slope": slope,
        "asymmetry": asymmetry,
        "r2": calibration.r2,
        "chi2": calibration.chi2,
        "df": calibration.df,
        "s0": curves.noise.s0,
        "cv": curves.noise.cv,
        "lod": limits.lod,
        "lloq": limits.lloq,
        "uloq": limits.uloq,
        "uod": limits.uod,
    }


def _shift(log_top: Array) -> Array:
    """What brings theta (3, N) from concentrations over the top one to concentrations."""
    return np.stack([log_top, np.zeros_like(log_top), np.zeros_like(log_top)])


def _own_prior(calibration: Calibration, column: int) -> Prior:
    """The prior of one curve, m in ln concentration."""
    mean, precision = calibration.prior.mean, calibration.prior.precision
    shift = _shift(calibration.curves.log_top[[column]])
    return Prior(mean[:, [column]] + shift, precision[:, [column]])


def _with_fit(
    solved: Solved, tables: CurveTables, number: int, n_wells: int, options: FitOptions
) -> StandardCurve:
    """The curve of one column of the calibration."""
    one = solved.judged.one
    return StandardCurve(
        plate=one.plate_name,
        analyte=one.analyte,
        unit=one.unit,
        model="4pl" if one.four else "5pl",
        standards=tables.levels_of(number),
        wells=tables.wells_of(number),
        verdict=solved.verdict,
        reason=solved.reason,
        background=one.background,
        n_wells=n_wells,
        decides=options.limits,
        **solved.values,
    )


def _names_at_bound(at_bound: NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of the coordinates that stopped at the edge."""
    return tuple(name for name, on in zip(("m", "eta", "k"), at_bound, strict=True) if on)


def _nothing(one: AnalyteStandards) -> Judged:
    """Standards that bear no curve."""
    there, missing = np.isfinite(one.y), np.full(len(one.x), np.nan)
    robust = np.where(there, 1.0, np.nan)
    return Judged(one, np.zeros(one.y.shape), robust, there, missing, missing, "no curve")


def _without_fit(
    one: AnalyteStandards,
    reason: str,
    tables: CurveTables,
    number: int,
    n_wells: int,
    options: FitOptions,
) -> StandardCurve:
    """The entry of a curve that failed."""
    return StandardCurve(
        plate=one.plate_name,
        analyte=one.analyte,
        unit=one.unit,
        model="4pl" if one.four and not one.trouble else options.model,
        orientation="",
        standards=tables.levels_of(number),
        wells=tables.wells_of(number),
        reason=reason,
        n_levels=one.n_levels,
        background=one.background,
        n_wells=n_wells,
        decides=options.limits,
    )


def _signal(x: Array, y: Array, curves: CurveArrays) -> Array:
    """Rise of each curve over its levels, in sd of one well at the lower end."""
    used = np.isfinite(y).any(1)
    above = used & (x > 0)
    log_x = np.where(above, np.log(np.where(above, x, 1.0)) - curves.log_top, X_ZERO)
    mu = curves.predict(log_x)
    rise = np.where(used, mu, -np.inf).max(0) - np.where(used, mu, np.inf).min(0)
    foot = np.where(used, np.abs(mu), np.inf).min(0)
    return np.asarray(rise / np.sqrt(curves.noise.variance(foot)))


def _p_fit(chi2: float, df: float) -> float:
    """Probability of a larger chi-square; 1 where no freedom is left."""
    return float(special.chdtrc(df, chi2)) if df > 0 else 1.0
