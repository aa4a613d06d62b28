"""Fit the standard curves of plates: StandardCurve, CurveSet, fit_curves."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from cytokit.arrays import Floats
from cytokit.curves.acceptance import (
    PROFILES,
    Evidence,
    Profile,
    judge,
    level_to_drop,
    levels_that_pass,
)
from cytokit.curves.calibration import calibrate
from cytokit.curves.inverse import CurveArrays, concentration, concentration_interval, range_status
from cytokit.curves.limits import Limits, find_limits, recovery_limits
from cytokit.curves.logistic import MODELS, X_ZERO, log_concentration, log_midpoint, natural
from cytokit.curves.noise import Scatter
from cytokit.curves.solver import Prior
from cytokit.curves.standards import (
    AnalyteStandards,
    Calibration,
    PlateReadings,
    Text,
    WellList,
    plate_readings,
    plate_standards,
    replicate_means,
    sample_scatter,
    stack,
)
from cytokit.errors import InputError, Problem, UsageError, did_you_mean, place
from cytokit.options import FitOptions
from cytokit.plate import Plate, replicates
from cytokit.schema import TABLES, Verdict, WellType

if TYPE_CHECKING:
    from lmfit.model import ModelResult


# StandardCurve: one analyte of one plate, its parameters, limits and what they rest on.


NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Dropped:
    """A standard that the profile's rule left out: the round, which one, and why."""

    round: int
    level: str
    expected: float
    recovery_pct: float
    reason: str


@dataclass(frozen=True, eq=False)
class StandardCurve:
    """The standard curve of one analyte on one plate.

    All responses are MFI as measured; under a vendor's weight rule, which works on net MFI, the
    background is added back, so that curve, wells and readings share one scale.

    Parameters
    ----------
    plate, analyte, unit : str
    model : str
        Key of :data:`cytokit.curves.logistic.MODELS`.
    orientation : {"+", "-"}
        Which of the two forms of the logistic (see :mod:`cytokit.curves.logistic`).
    lower, upper : float
        a and d: responses at concentration 0 and at infinity.
    inflection, slope, asymmetry : float
        c, b and g.
    r2, chi2, df : float
        Weighted R^2; residual sum of squares in units of the variance model, and its freedom.
    s0, cv : float
        The variance model, ``var(mu) = s0^2 + (cv mu)^2``, of a single well.
    lod, lloq, uloq : float
        Limits at the bead, in `unit`; NaN where not attained.
    lloq_recovery, uloq_recovery : float
        Outermost consecutive standards that recover.
    uod : float
        Upper limit of detection: above it a reading cannot be told from saturation.
    n_levels, n_pass : int
        Levels above zero that stand, and that recover within the profile's tolerance.
    verdict : Verdict
    reason : str
        Why, in plain words; empty for a good curve.
    covariance : (5, 5) array
        Of (lower, upper, m, eta, k), the solver's coordinates.
    standards : pandas.DataFrame
        One row per level, columns of standards.csv.
    wells : pandas.DataFrame
        One row per standard or blank well: well, level, expected, mfi, response (what was
        fitted: MFI, or net MFI plus `background`), weight, robust, used, reason.
    background : float
        What the vendors' rules subtract from MFI.
    n_wells : int
        Wells of one result that the limits are meant for: what is usual on this plate.
    decides : {"precision", "recovery"}
        Which pair of limits decides the status of a concentration.
    dropped : tuple of Dropped
        Standards left out by the profile's rule, in order.
    at_bound : tuple of str
        Coordinates of (m, eta, k) that stopped at the edge of what is plausible.
    prior : Prior, optional
        What the fit knew beforehand of (m, eta, k), m in ln concentration.
    arrays : CurveArrays, optional
        The solved curve; None where there is none.
    """

    plate: str
    analyte: str
    unit: str
    model: str
    orientation: str
    standards: pd.DataFrame = field(repr=False)
    wells: pd.DataFrame = field(repr=False)
    verdict: Verdict = Verdict.FAILED
    reason: str = ""
    lower: float = NAN
    upper: float = NAN
    inflection: float = NAN
    slope: float = NAN
    asymmetry: float = NAN
    r2: float = NAN
    chi2: float = NAN
    df: float = NAN
    s0: float = NAN
    cv: float = NAN
    lod: float = NAN
    lloq: float = NAN
    uloq: float = NAN
    lloq_recovery: float = NAN
    uloq_recovery: float = NAN
    uod: float = NAN
    n_levels: int = 0
    n_pass: int = 0
    background: float = 0.0
    n_wells: int = 1
    decides: str = "precision"
    dropped: tuple[Dropped, ...] = ()
    at_bound: tuple[str, ...] = ()
    prior: Prior | None = field(default=None, repr=False)
    arrays: CurveArrays | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether concentrations can be read off it."""
        return self.verdict is not Verdict.FAILED

    @property
    def covariance(self) -> Floats:
        """Covariance (5, 5) of (lower, upper, m, eta, k); NaN where there is no curve."""
        return np.full((5, 5), NAN) if self.arrays is None else self.arrays.covariance[0]

    @property
    def range(self) -> tuple[float, float]:
        """LLOQ and ULOQ that decide, by precision or by recovery."""
        if self.decides == "recovery":
            return self.lloq_recovery, self.uloq_recovery
        return self.lloq, self.uloq

    @property
    def x_low(self) -> float:
        """Lowest standard above zero."""
        expected = self.standards["expected"].to_numpy()
        return float(expected[expected > 0].min())

    @property
    def x_top(self) -> float:
        """Highest standard that stands; the highest of all where none does."""
        expected = self.standards["expected"].to_numpy()
        used = expected[self.standards["used"].to_numpy(dtype=bool)]
        return float(np.nanmax(used if len(used) else expected))

    def predict(self, x: npt.ArrayLike) -> Floats:
        """Expected MFI at concentrations `x` (at the bead).

        Parameters
        ----------
        x : array_like, shape (U,)

        Returns
        -------
        ndarray, shape (U,)

        Raises
        ------
        InputError
            CK-320: there is no curve.
        """
        return self._solved().predict(self._relative(x))[:, 0]

    def invert(self, mfi: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.str_]]:
        """Concentration at the bead, and its status.

        Parameters
        ----------
        mfi : array_like, shape (U,)

        Returns
        -------
        concentration : ndarray, shape (U,)
            NaN where the reading lies beyond a plateau or is missing.
        status : ndarray of str, shape (U,)
            :class:`cytokit.schema.RangeStatus`.

        Raises
        ------
        InputError
            CK-320: there is no curve.
        """
        y = np.atleast_1d(np.asarray(mfi, dtype=float))
        curves = self._solved()
        log_x = curves.invert(y[:, None])[:, 0]
        status = range_status(log_x + curves.log_top, *self.range)
        return concentration(log_x + curves.log_top), status

    def interval(self, mfi: npt.ArrayLike, n_wells: npt.ArrayLike = 1) -> tuple[Floats, Floats]:
        """95 % interval of the concentration at the bead for mean readings of `n_wells` wells.

        Parameters
        ----------
        mfi : array_like, shape (U,)
        n_wells : array_like, shape (U,) or ()

        Returns
        -------
        low, high : ndarray, shape (U,)
            NaN where the interval is open on that side (below: down to nothing).

        Raises
        ------
        InputError
            CK-320: there is no curve.

        Notes
        -----
        See :func:`cytokit.curves.inverse.concentration_interval`.
        """
        y = np.atleast_1d(np.asarray(mfi, dtype=float))
        wells = np.broadcast_to(np.asarray(n_wells, dtype=float), y.shape)
        curves = self._solved()
        log_low = np.array([np.log(self.x_low)]) - curves.log_top
        ends = concentration_interval(curves, y[:, None], wells[:, None], log_low)
        low, high = (concentration(end[:, 0] + curves.log_top) for end in ends)
        return low, high

    def band(self, x: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
        """Prediction band for the reading of one well at concentrations `x`.

        Parameters
        ----------
        x : array_like, shape (U,)
        level : float

        Returns
        -------
        low, high : ndarray, shape (U,)
            MFI.

        Raises
        ------
        InputError
            CK-320: there is no curve.
        """
        curves = self._solved()
        log_x = self._relative(x)
        mu = curves.predict(log_x)
        half = curves.quantile(mu, 0.5 + level / 2) * np.sqrt(
            curves.prediction_variance(log_x, 1.0)
        )
        return (mu - half)[:, 0], (mu + half)[:, 0]

    def lmfit(self) -> ModelResult:
        """The same fit as lmfit sees it: started at the solution, with the analytic Jacobian.

        Returns
        -------
        lmfit.model.ModelResult
            With ``fit_report()``, ``conf_interval()`` and the rest of lmfit.

        Raises
        ------
        InputError
            CK-320: there is no curve.
        """
        from cytokit.curves.lmfit_view import Solution, lmfit_result

        curves = self._solved()
        theta = curves.theta[:, 0] + np.array([curves.log_top[0], 0.0, 0.0])
        fixed = (*self.at_bound, *MODELS[self.model].names_held)
        solution = Solution(
            theta, self.lower, self.upper, int(curves.orientation[0]), tuple(dict.fromkeys(fixed))
        )
        used = self.wells[self.wells["used"]]
        return lmfit_result(
            used["expected"], used["response"], used["weight"], solution, self.prior
        )

    def _relative(self, x: npt.ArrayLike) -> Floats:
        """Relative ln x as a column."""
        log_x = log_concentration(np.atleast_1d(np.asarray(x, dtype=float)))[:, None]
        return np.where(log_x > -1e4, log_x - self._solved().log_top, log_x)

    def _solved(self) -> CurveArrays:
        """The curve's arrays, or an error that says why there are none."""
        if self.arrays is None:
            raise InputError(
                Problem(
                    "CK-320",
                    f"there is no curve: {self.reason}",
                    where=place(self.plate, analyte=self.analyte),
                    mend="look at `.ok` before using a curve; mend or exclude its standards",
                )
            )
        return self.arrays

    def row(self) -> dict[str, object]:
        """The curve's row of curves.csv."""
        return {
            name: str(value) if name == "verdict" else value
            for name in TABLES["curves"].names
            for value in [getattr(self, name)]
        }

    def __repr__(self) -> str:
        limits = f"LLOQ-ULOQ {self.range[0]:.4g}-{self.range[1]:.4g} {self.unit}".strip()
        what = limits if self.ok else self.reason
        return f"<StandardCurve {self.analyte!r} on {self.plate!r}: {self.verdict}; {what}>"

    def _repr_html_(self) -> str:

        return curve_html(self)


# The tables of standard curves: their wells and their levels, for all curves at once.


#: a well with less than this of its weight left is called down-weighted
DOWNWEIGHTED = 0.5
_LEVEL_TEXTS = ("plate", "analyte", "level", "reason")
_WELL_TEXTS = ("well", "level", "reason")


def standing_wells(y: Floats, robust: Floats) -> NDArray[np.bool_]:
    """Wells (n, R, ...) that stand for their level: not down-weighted, or all if none is left."""
    there = np.isfinite(y)
    firm = there & (robust >= DOWNWEIGHTED)
    return np.where(firm.any(1, keepdims=True), firm, there)


@dataclass(frozen=True, slots=True)
class CheckedStandards:
    """What became of the wells and levels of one curve."""

    one: AnalyteStandards
    weight: Floats
    robust: Floats
    standing: NDArray[np.bool_]
    back: Floats
    recovery: Floats
    weightless: str = "no point of this weight rule"


@dataclass(frozen=True, slots=True)
class CurveTables:
    """The tables of many curves, the rows of each behind one another."""

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


def curve_tables(curves: Sequence[CheckedStandards]) -> CurveTables:
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


def _spread(lists: Sequence[WellList], grids: Sequence[Floats], nothing: float) -> Floats:
    """Values of levels x wells, listed well by well; `nothing` where a well has no part in it."""
    out = []
    for wells, grid in zip(lists, grids, strict=True):
        values = np.full(len(wells), nothing)
        part = (wells.row >= 0) & (wells.reason == "")
        values[part] = grid[wells.row[part], wells.column[part]]
        out.append(values)
    return _joined(out)


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate([np.empty(0), *parts])


def _joined_text(parts: Sequence[Text]) -> Text:
    return np.concatenate([np.empty(0, dtype=object), *parts])


def _reasons(
    curves: Sequence[CheckedStandards], ends: NDArray[np.intp], weight: Floats, robust: Floats
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
    curves: Sequence[CheckedStandards],
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
    curves: Sequence[CheckedStandards],
    level: NDArray[np.intp],
    names: Sequence[tuple[str, float, float, float]],
    wells: pd.DataFrame,
    standing: NDArray[np.bool_],
) -> pd.DataFrame:
    """One row per level, columns of standards.csv."""
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
    frame = pd.DataFrame(columns, columns=TABLES["standards"].names)
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
    values: Floats,
    size: int,
    stands_for: Floats | None = None,
    sd: Floats | None = None,
) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Number, mean and coefficient of variation in % of the values of each group."""
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


# From a calibration's arrays to StandardCurves with their tables, limits and verdicts.


def make_curves(
    standards: Sequence[AnalyteStandards],
    fitted: Sequence[int],
    calibration: Calibration | None,
    usual: Sequence[int],
    options: FitOptions,
    profile: Profile,
) -> list[StandardCurve]:
    """One StandardCurve for each entry of `standards`, fitted or not."""
    solved: dict[int, AcceptedCurve] = {}
    if calibration is not None:
        some = [standards[number] for number in fitted]
        n_wells = [usual[one.plate] for one in some]
        found = acceptance_of_curves(some, calibration, n_wells, options, profile)
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
        own: dict[str, Any] = {"reason": one.trouble, "n_levels": one.n_levels}
        if number in stands:
            found_one = stands[number]
            own = found_one.values | {"verdict": found_one.verdict, "reason": found_one.reason}
        elif number in solved:
            own["reason"] = solved[number].reason
        out.append(
            StandardCurve(
                plate=one.plate_name,
                analyte=one.analyte,
                unit=one.unit,
                model=one.model,
                standards=tables.levels_of(number),
                wells=tables.wells_of(number),
                background=one.background,
                n_wells=usual[one.plate],
                decides=options.limits,
                **({"orientation": ""} | own),
            )
        )
    return out


def lowest(one: AnalyteStandards) -> float:
    """The lowest usable standard above zero."""
    used = one.used & (one.x > 0)
    return float(one.x[used].min())


def highest(one: AnalyteStandards) -> float:
    """The highest usable standard."""
    return float(one.x[one.used].max())


@dataclass(frozen=True, slots=True)
class AcceptedCurve:
    """One column of a calibration: what became of its standards, its numbers and its verdict."""

    judged: CheckedStandards
    values: dict[str, Any]
    verdict: Verdict
    reason: str


def acceptance_of_curves(
    standards: Sequence[AnalyteStandards],
    calibration: Calibration,
    n_wells: Sequence[int],
    options: FitOptions,
    profile: Profile,
) -> list[AcceptedCurve]:
    """The verdict on each column of the calibration, and what its curve is made of."""
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
        judged = CheckedStandards(
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
        found.append(AcceptedCurve(judged, values, verdict, reason))
    return found


def _padded(parts: Sequence[Floats], shape: tuple[int, ...]) -> Floats:
    """Arrays side by side along a last axis, NaN where one is smaller than `shape`."""
    out = np.full((*shape, len(parts)), np.nan)
    for number, part in enumerate(parts):
        corner: tuple[slice, ...] = tuple(slice(length) for length in part.shape)
        out[..., number][corner] = part
    return out


def back_calculate(
    x: Floats, y: Floats, curves: CurveArrays, standing: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Concentration (n, N) each level's mean reading gives back, and recovery in %."""
    n = standing.sum(1)
    mean = np.where(standing, y, 0.0).sum(1) / np.maximum(n, 1)
    back = concentration(curves.invert(np.where(n > 0, mean, np.nan)) + curves.log_top)
    above = x > 0
    return back, np.where(above, 100.0 * back / np.where(above, x, 1.0), np.nan)


def _numbers(calibration: Calibration, limits: Limits) -> dict[str, Floats]:
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


def _shift(log_top: Floats) -> Floats:
    """What brings theta (3, N) from concentrations over the top one to concentrations."""
    return np.stack([log_top, np.zeros_like(log_top), np.zeros_like(log_top)])


def _own_prior(calibration: Calibration, column: int) -> Prior:
    """The prior of one curve, m in ln concentration."""
    mean, precision = calibration.prior.mean, calibration.prior.precision
    shift = _shift(calibration.curves.log_top[[column]])
    return Prior(mean[:, [column]] + shift, precision[:, [column]])


def _names_at_bound(at_bound: NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of the coordinates that stopped at the edge."""
    return tuple(name for name, on in zip(("m", "eta", "k"), at_bound, strict=True) if on)


def _nothing(one: AnalyteStandards) -> CheckedStandards:
    """Standards that bear no curve."""
    there, missing = np.isfinite(one.y), np.full(len(one.x), np.nan)
    robust = np.where(there, 1.0, np.nan)
    return CheckedStandards(one, np.zeros(one.y.shape), robust, there, missing, missing, "no curve")


def _signal(x: Floats, y: Floats, curves: CurveArrays) -> Floats:
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
        """One row per curve, columns of curves.csv."""
        rows = [curve.row() for curve in self.values()]
        return pd.DataFrame(rows, columns=TABLES["curves"].names)

    @property
    def standards(self) -> pd.DataFrame:
        """One row per plate, analyte and level, columns of standards.csv."""
        tables = [curve.standards for curve in self.values() if len(curve.standards)]
        if not tables:
            return pd.DataFrame(columns=TABLES["standards"].names)
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
    """Fit every analyte of every plate."""
    options = options or FitOptions()
    if excluded is None:
        excluded = [np.zeros(len(plate.wells), dtype=bool) for plate in plates]
    arrays = [
        plate_readings(plate, options, rows) for plate, rows in zip(plates, excluded, strict=True)
    ]
    standards = [
        one_analyte
        for number, one in enumerate(arrays)
        for one_analyte in plate_standards(one, number, options)
    ]
    scatters = _scatters(arrays)
    usual = [replicates_per_sample(plate) for plate in plates]
    profile = PROFILES[options.profile]
    curves = _fit_once(standards, scatters, usual, options, profile)
    if profile.drop_failing:
        curves = _drop_and_refit(curves, standards, scatters, usual, options, profile)
    return CurveSet(curves)


def replicates_per_sample(plate: Plate) -> int:
    """How many wells one result of this plate usually is the mean of.

    The median over its samples (without controls), 1 where it has none.
    """
    wells = plate.of_type(WellType.UNKNOWN).drop_duplicates("well")
    if wells.empty:
        return 1
    stands_for, _ = replicate_means(wells)
    return int(np.median(np.bincount(replicates(wells).group, stands_for)))


def _scatters(arrays: Sequence[PlateReadings]) -> list[Scatter]:
    """Replicates of samples for every curve, in the order of plates and analytes."""
    return [
        scatter.take(np.array([analyte]))
        for one in arrays
        for scatter in [sample_scatter(one)]
        for analyte in range(len(one.names))
    ]


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


# A standard curve as a notebook shows it.


def curve_html(curve: StandardCurve) -> str:
    """Equation, limits, plot and recovery table as HTML; the reason where there is no curve."""
    title = f"<p><b>{escape(curve.analyte)}</b> on {escape(curve.plate)}: {curve.verdict}"
    title += f" ({escape(curve.reason)})</p>" if curve.reason else "</p>"
    if not curve.ok:
        return title
    sign = 1 if curve.orientation == "+" else -1
    formula = (
        f"<p><code>{escape(MODELS[curve.model].equation(sign))}</code>, a = {curve.lower:.4g}, "
        f"d = {curve.upper:.4g}, c = {curve.inflection:.4g}, b = {curve.slope:.4g}"
    )
    formula += "</p>" if MODELS[curve.model].symmetric else f", g = {curve.asymmetry:.4g}</p>"
    unit = escape(curve.unit)
    limits = (
        f"<p>LOD {curve.lod:.4g} {unit}; by precision {curve.lloq:.4g} to {curve.uloq:.4g} "
        f"{unit}; by recovery {curve.lloq_recovery:.4g} to {curve.uloq_recovery:.4g} {unit}</p>"
    )
    columns = ["level", "expected", "n_wells", "mfi", "back_calculated", "recovery_pct"]
    table = curve.standards[[*columns, "reason"]].to_html(
        index=False, float_format=lambda value: f"{value:.4g}"
    )
    return title + formula + limits + _plot(curve) + table


def _plot(curve: StandardCurve) -> str:
    """The curve as a picture of its own document, so that ids of several do not meet."""
    from cytokit.figures.standard_curves import curve_figure
    from cytokit.figures.style import figure_bytes

    picture = b64encode(figure_bytes(curve_figure(curve), "svg")).decode("ascii")
    words = escape(f"standard curve of {curve.analyte} on {curve.plate}", quote=True)
    return f'<p><img alt="{words}" src="data:image/svg+xml;base64,{picture}"></p>'
