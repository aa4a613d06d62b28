"""What goes into a calibration and what comes out of it, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytokit.curves.arrays import CurveArrays
from cytokit.curves.model import X_ZERO, Array
from cytokit.curves.prior import Prior
from cytokit.curves.weights import Scatter

#: readings and concentrations lie within this, in any unit; squares far beyond it overflow
LARGEST = 1e30
#: this share of the highest reading, .5 MFI of 25,000, is next to nothing: logarithms end there
LEAST_SIGNAL = 2e-5


def possible_reading(mfi: Array) -> NDArray[np.bool_]:
    """Numbers that an instrument can have given, in whatever unit; not NaN.

    Examples
    --------
    >>> possible_reading(np.array([-3.0, 1e5, 1e200, np.inf, np.nan])).tolist()
    [True, True, False, False, False]
    """
    return np.asarray(np.abs(mfi) <= LARGEST, dtype=bool)


def possible_level(expected: Array) -> NDArray[np.bool_]:
    """Concentrations that a level may have: zero, or a positive number of plausible size.

    Examples
    --------
    >>> possible_level(np.array([0.0, 2.5, -1.0, 1e-300, np.nan])).tolist()
    [True, True, False, False, False]
    """
    sized = (expected >= 1.0 / LARGEST) & (expected <= LARGEST)
    return np.asarray(sized | (expected == 0.0), dtype=bool)


@dataclass(frozen=True, slots=True)
class StandardWells:
    """Standards and blanks of N curves, levels x wells x curves.

    Parameters
    ----------
    x : (n, N) array
        Expected concentrations, ascending, 0 for blanks; NaN pads curves with fewer levels.
    y : (n, R, N) array
        MFI of single wells; NaN where there is none, or none that may be used.
    background : (N,) array
        What the vendors' rules subtract: the mean blank.
    samples : Scatter
        Replicates of samples and controls.
    plate, analyte : (N,) array of int
        Which plate and which analyte a curve belongs to.
    four : (N,) array of bool
        Curves to be fitted with four parameters.
    stands_for, sd : (n, R, N) array, optional
        Wells that each reading is the mean of, and their printed standard deviation; None where
        every reading is that of one well.
    """

    x: Array
    y: Array
    background: Array
    samples: Scatter
    plate: NDArray[np.intp]
    analyte: NDArray[np.intp]
    four: NDArray[np.bool_]
    stands_for: Array | None = None
    sd: Array | None = None

    @property
    def counts(self) -> Array:
        """Wells that each reading stands for."""
        return np.ones((1, 1, 1)) if self.stands_for is None else self.stands_for

    @property
    def top(self) -> Array:
        """Highest expected concentration of each curve."""
        return np.asarray(np.where(np.isfinite(self.x), self.x, 0.0).max(0))

    @property
    def log_x(self) -> Array:
        """Ln of the concentration over the highest, (n, N)."""
        positive = np.isfinite(self.x) & (self.x > 0)
        ratio = np.where(positive, self.x, 1.0) / self.top
        return np.where(positive, np.log(np.where(positive, ratio, 1.0)), X_ZERO)

    @property
    def steps(self) -> Array:
        """Dilution steps (n, N) from the highest standard; 0 for blanks and padding."""
        positive = np.isfinite(self.x) & (self.x > 0)
        below = positive[::-1].cumsum(0)[::-1] - 1
        return np.where(positive, below, 0).astype(float)

    @property
    def shared_steps(self) -> Array:
        """Dilution steps (n, n, N) that two levels have in common."""
        return np.minimum(self.steps[:, None], self.steps[None])

    def take(self, index: NDArray[np.intp]) -> StandardWells:
        """Some of the curves."""
        return StandardWells(
            self.x.take(index, axis=1),
            self.y.take(index, axis=2),
            self.background[index],
            self.samples.take(index),
            self.plate[index],
            self.analyte[index],
            self.four[index],
            None if self.stands_for is None else self.stands_for.take(index, axis=2),
            None if self.sd is None else self.sd.take(index, axis=2),
        )


@dataclass(frozen=True, slots=True)
class Calibration:
    """Solved curves and how the standards bore on them.

    Parameters
    ----------
    curves : CurveArrays
    level_sd : (N,) array
        Estimated error of the standards' ln concentrations on the curve's plate.
    weight : (n, R, N) array
        Final weight of each well; 0 where unused.
    robust : (n, R, N) array
        The robust factor in it, 1 for a well in line; NaN where there is no well.
    chi2, df, r2 : (N,) array
        Weighted residual sum of squares in units of the variance model, its freedom, weighted R^2.
    converged : (N,) array of bool
    at_bound : (3, N) array of bool
        Coordinates m, eta, k that stopped at the edge of what is plausible.
    prior : Prior
        The one in force.
    """

    curves: CurveArrays
    level_sd: Array
    weight: Array
    robust: Array
    chi2: Array
    df: Array
    r2: Array
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]
    prior: Prior

    def take(self, index: NDArray[np.intp]) -> Calibration:
        """Some of the curves."""
        return Calibration(
            self.curves.take(index),
            self.level_sd[index],
            self.weight.take(index, axis=2),
            self.robust.take(index, axis=2),
            self.chi2[index],
            self.df[index],
            self.r2[index],
            self.converged[index],
            self.at_bound.take(index, axis=1),
            Prior(self.prior.mean.take(index, axis=1), self.prior.precision.take(index, axis=1)),
        )
