"""StandardCurve: one analyte of one plate, its parameters, limits and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from cytokit.curves.arrays import CurveArrays
from cytokit.curves.intervals import concentration_interval
from cytokit.curves.model import Array, log_concentration
from cytokit.curves.prior import Prior
from cytokit.curves.status import concentration, range_status
from cytokit.errors import InputError, Problem, place
from cytokit.vocabulary import CURVES_COLUMNS, Verdict

if TYPE_CHECKING:
    from lmfit.model import ModelResult

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
    model : {"5pl", "4pl"}
    orientation : {"+", "-"}
        Which of the two forms of the logistic (see :mod:`cytokit.curves.model`).
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
        One row per level, columns ``STANDARDS_COLUMNS``.
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
    def covariance(self) -> Array:
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

    def predict(self, x: npt.ArrayLike) -> Array:
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

    def invert(self, mfi: npt.ArrayLike) -> tuple[Array, npt.NDArray[np.str_]]:
        """Concentration at the bead, and its status.

        Parameters
        ----------
        mfi : array_like, shape (U,)

        Returns
        -------
        concentration : ndarray, shape (U,)
            NaN where the reading lies beyond a plateau or is missing.
        status : ndarray of str, shape (U,)
            :class:`cytokit.vocabulary.RangeStatus`.

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

    def interval(self, mfi: npt.ArrayLike, n_wells: npt.ArrayLike = 1) -> tuple[Array, Array]:
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
        See :func:`cytokit.curves.intervals.concentration_interval`.
        """
        y = np.atleast_1d(np.asarray(mfi, dtype=float))
        wells = np.broadcast_to(np.asarray(n_wells, dtype=float), y.shape)
        curves = self._solved()
        log_low = np.array([np.log(self.x_low)]) - curves.log_top
        ends = concentration_interval(curves, y[:, None], wells[:, None], log_low)
        low, high = (concentration(end[:, 0] + curves.log_top) for end in ends)
        return low, high

    def band(self, x: npt.ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
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
        fixed = (*self.at_bound, *(("k",) if self.model == "4pl" else ()))
        solution = Solution(
            theta, self.lower, self.upper, int(curves.orientation[0]), tuple(dict.fromkeys(fixed))
        )
        used = self.wells[self.wells["used"]]
        return lmfit_result(
            used["expected"], used["response"], used["weight"], solution, self.prior
        )

    def _relative(self, x: npt.ArrayLike) -> Array:
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
            for name in CURVES_COLUMNS
            for value in [getattr(self, name)]
        }

    def __repr__(self) -> str:
        limits = f"LLOQ-ULOQ {self.range[0]:.4g}-{self.range[1]:.4g} {self.unit}".strip()
        what = limits if self.ok else self.reason
        return f"<StandardCurve {self.analyte!r} on {self.plate!r}: {self.verdict}; {what}>"

    def _repr_html_(self) -> str:
        from cytokit.curves.show import curve_html

        return curve_html(self)
