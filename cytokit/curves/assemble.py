"""From a calibration's arrays to StandardCurves with their tables, limits and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cytokit.curves.arrays import CurveArrays
from cytokit.curves.curve import StandardCurve
from cytokit.curves.gather import AnalyteStandards
from cytokit.curves.limits import Limits, find_limits, recovery_limits
from cytokit.curves.model import Array, log_midpoint, natural
from cytokit.curves.options import FitOptions
from cytokit.curves.prior import Prior
from cytokit.curves.profiles import Evidence, Profile, judge, levels_that_pass
from cytokit.curves.status import concentration
from cytokit.curves.tables import (
    judge_wells,
    level_table,
    standing_wells,
    well_table,
)
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
    column_of = {number: column for column, number in enumerate(fitted)}
    limits = None
    if calibration is not None:
        some = [standards[number] for number in fitted]
        curves = calibration.curves
        log_low = np.array([np.log(lowest(one)) for one in some]) - curves.log_top
        n_wells = np.array([float(usual[one.plate]) for one in some])
        limits = find_limits(curves, log_low, n_wells, options.max_cv_pct)
    out = []
    for number, one in enumerate(standards):
        column = column_of.get(number)
        if column is None or calibration is None or limits is None:
            out.append(_without_fit(one, one.trouble, usual[one.plate], options))
        else:
            out.append(
                _with_fit(one, calibration, limits, column, usual[one.plate], options, profile)
            )
    return out


def lowest(one: AnalyteStandards) -> float:
    """The lowest usable standard above zero."""
    used = one.used & (one.x > 0)
    return float(one.x[used].min())


def back_calculate(
    one: AnalyteStandards, curve: CurveArrays, standing: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Concentration (n,) each level's mean reading gives back, and recovery in %."""
    n = standing.sum(1)
    mean = np.where(standing, one.y, 0.0).sum(1) / np.maximum(n, 1)
    log_x = curve.invert(np.where(n > 0, mean, np.nan)[:, None])[:, 0] + curve.log_top
    back = concentration(log_x)
    recovery = np.where(one.x > 0, 100.0 * back / np.where(one.x > 0, one.x, 1.0), np.nan)
    return back, recovery


def _with_fit(
    one: AnalyteStandards,
    calibration: Calibration,
    limits: Limits,
    column: int,
    n_wells: int,
    options: FitOptions,
    profile: Profile,
) -> StandardCurve:
    """The curve of one column of the calibration, with its verdict."""
    curve = calibration.curves.take(np.array([column]))
    shape = one.y.shape
    weight = calibration.weight[: shape[0], : shape[1], column]
    robust = calibration.robust[: shape[0], : shape[1], column]
    standing = standing_wells(one.y, robust)
    back, recovery = back_calculate(one, curve, standing)
    used = one.used
    passes = levels_that_pass(one.x, recovery, used, profile)
    above = used & (one.x > 0)
    evidence = Evidence(
        n_levels=int(above.sum()),
        n_pass=int(passes.sum()),
        signal=_signal(one, curve),
        has_range=bool(np.isfinite(limits.lloq[column])),
        converged=bool(calibration.converged[column]),
        at_bound=bool(calibration.at_bound[1:, column].any()),
        p_fit=_p_fit(calibration.chi2[column], calibration.df[column]),
    )
    verdict, reason = judge(evidence, profile, one.note)
    if verdict is Verdict.FAILED:
        return _without_fit(one, reason, n_wells, options)
    sign = int(curve.orientation[0])
    shift = np.array([[curve.log_top[0]], [0.0], [0.0]])
    theta = curve.theta + shift
    slope, _, asymmetry = natural(theta)
    wells = judge_wells(one, weight, robust, standing)
    by_recovery = recovery_limits(one.x[above], passes[above])
    return StandardCurve(
        plate=one.plate_name,
        analyte=one.analyte,
        unit=one.unit,
        model="4pl" if one.four else "5pl",
        orientation="+" if sign > 0 else "-",
        standards=level_table(one, wells, back, recovery),
        wells=well_table(one, wells),
        verdict=verdict,
        reason=reason,
        lower=float(curve.lower[0]),
        upper=float(curve.upper[0]),
        inflection=float(np.exp(log_midpoint(theta, sign))[0]),
        slope=float(slope[0]),
        asymmetry=float(asymmetry[0]),
        r2=float(calibration.r2[column]),
        chi2=float(calibration.chi2[column]),
        df=float(calibration.df[column]),
        s0=float(curve.noise.s0[0]),
        cv=float(curve.noise.cv[0]),
        lod=float(limits.lod[column]),
        lloq=float(limits.lloq[column]),
        uloq=float(limits.uloq[column]),
        uod=float(limits.uod[column]),
        lloq_recovery=by_recovery[0],
        uloq_recovery=by_recovery[1],
        n_levels=evidence.n_levels,
        n_pass=evidence.n_pass,
        background=one.background,
        n_wells=n_wells,
        decides=options.limits,
        at_bound=_names_at_bound(calibration.at_bound[:, column]),
        arrays=curve,
        prior=Prior(
            calibration.prior.mean[:, [column]] + shift, calibration.prior.precision[:, [column]]
        ),
    )


def _names_at_bound(at_bound: NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of the coordinates that stopped at the edge."""
    return tuple(name for name, on in zip(("m", "eta", "k"), at_bound, strict=True) if on)


def _without_fit(
    one: AnalyteStandards, reason: str, n_wells: int, options: FitOptions
) -> StandardCurve:
    """The entry of a curve that failed."""
    nothing = np.zeros(one.y.shape)
    there = np.isfinite(one.y)
    judged = judge_wells(one, nothing, np.where(there, 1.0, np.nan), there)
    reasons = ["no curve" if text.startswith("no point") else text for text in judged.reason]
    wells = replace(judged, reason=reasons)
    missing = np.full(len(one.x), np.nan)
    return StandardCurve(
        plate=one.plate_name,
        analyte=one.analyte,
        unit=one.unit,
        model="4pl" if one.four and not one.trouble else options.model,
        orientation="",
        standards=level_table(one, wells, missing, missing),
        wells=well_table(one, wells),
        reason=reason,
        n_levels=one.n_levels,
        background=one.background,
        n_wells=n_wells,
        decides=options.limits,
    )


def _signal(one: AnalyteStandards, curve: CurveArrays) -> float:
    """Rise of the curve over its levels, in sd of one well at the lower end."""
    used = one.used
    x = one.x[used]
    log_x = np.where(x > 0, np.log(np.where(x > 0, x, 1.0)) - curve.log_top, -1e5)[:, None]
    mu = curve.predict(log_x)[:, 0]
    foot = np.array([[np.min(np.abs(mu))]])
    return float(np.ptp(mu) / np.sqrt(curve.noise.variance(foot))[0, 0])


def _p_fit(chi2: float, df: float) -> float:
    """Probability of a larger chi-square; 1 where no freedom is left."""
    return float(special.chdtrc(df, chi2)) if df > 0 else 1.0
