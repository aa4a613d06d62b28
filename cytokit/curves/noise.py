"""How much a reading scatters, and so how much it weighs.

The default is a variance model, ``var(mu) = s0^2 + (cv mu)^2``, estimated for each analyte by
penalised maximum likelihood from the replicates of standards, blanks, controls and samples and
from the standards' own residuals. Robust weights multiply it.

Sources: D. M. Rocke and S. Lorenzato, A two-component model for measurement error in analytical
chemistry, Technometrics 37 (1995) 176; M. Davidian and R. J. Carroll, Variance function
estimation, JASA 82 (1987) 1079; P. J. Huber, Robust Statistics (1981), J. W. Tukey's biweight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from cytokit.arrays import Floats

#: where a plate says nothing: s0 = .05 blank + 1/20,000 of the plate's highest reading, cv = 8 %;
#: the second part is 1 MFI where the standards reach what an instrument usually reads
S0_OF_BLANK, S0_OF_TOP, CV_CENTRE = 0.05, 1.0 / 20_000, 0.08
#: spread (sd of the logarithm) of s0 and cv about the general centre and about the plate's own
SPREAD_GENERAL = (0.8, 0.6)
SPREAD_PLATE = (0.35, 0.3)
#: groups of replicates speak about the noise as under Student's t with so many degrees of freedom:
#: one that is far apart moves it little
GROUP_T = 6.0
SCORING_STEPS = 40
HUBER_CORNER, TUKEY_CORNER = 1.5, 6.0


@dataclass(frozen=True, slots=True)
class Scatter:
    """Evidence on the noise: groups of readings x curves."""

    mean: Floats
    ss: Floats
    df: Floats
    known: Floats

    def joined(self, other: Scatter) -> Scatter:
        """Both sets of groups together."""
        return Scatter(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("mean", "ss", "df", "known")
            )
        )

    def take(self, index: NDArray[np.intp]) -> Scatter:
        """The groups of some curves."""
        return Scatter(
            *(getattr(self, name).take(index, axis=1) for name in ("mean", "ss", "df", "known"))
        )


@dataclass(frozen=True, slots=True)
class VarianceModel:
    """``var(mu) = s0^2 + (cv mu)^2`` for N curves."""

    s0: Floats
    cv: Floats
    uncertainty: Floats

    def variance(self, mu: Floats) -> Floats:
        """Variance of one reading whose expectation is `mu` (..., N)."""
        return self.s0**2 + (self.cv * mu) ** 2

    def df(self, mu: Floats) -> Floats:
        """Degrees of freedom with which the variance at `mu` (..., N) is known.

        ``1 / (2 var(ln sigma))``: the chi-square whose logarithm scatters as much
        (Satterthwaite's rule for a variance estimated by likelihood).
        """
        share = self.s0**2 / self.variance(mu)
        c = self.uncertainty
        rest = 1.0 - share
        var = share**2 * c[:, 0, 0] + 2 * share * rest * c[:, 0, 1] + rest**2 * c[:, 1, 1]
        return np.asarray(0.5 / np.maximum(var, 1e-9))

    def take(self, index: NDArray[np.intp]) -> VarianceModel:
        """The models of some curves."""
        return VarianceModel(self.s0[index], self.cv[index], self.uncertainty[index])


def prior_centre(blank: Floats, top: Floats) -> Floats:
    """Centre (2, N) of (ln s0, ln cv), knowing only the responses of blank and plate's top (N,)."""
    s0 = S0_OF_BLANK * np.maximum(blank, 0.0) + S0_OF_TOP * top
    s0 = np.where(s0 > 0, s0, 1.0)  # a plate that reads nothing has no scale of its own
    return np.log(np.stack([s0, np.full_like(s0, CV_CENTRE)]))


def fit_variance(scatter: Scatter, general: Floats, company: NDArray[np.intp]) -> VarianceModel:
    """Estimate the variance model of every curve.

    Two passes: with a general prior, then with one centred on the other curves of the same
    company (an analyte's neighbours on its plate, or, pooled, the same analyte on other plates).
    It is as narrow as the company is large: a curve alone keeps the general prior, and its noise
    is what its own replicates say.
    """
    wide = np.array(SPREAD_GENERAL)[:, None] * np.ones_like(general)
    phi, _ = _maximise(scatter, general, general, wide)
    centre = general + _lent(phi - general, company)
    phi, information = _maximise(scatter, phi, centre, _spread(company))
    uncertainty = np.asarray(np.linalg.inv(information), dtype=float)
    return VarianceModel(np.exp(phi[0]), np.exp(phi[1]), uncertainty)


def _spread(company: NDArray[np.intp]) -> Floats:
    """Sd (2, N) of a curve's (ln s0, ln cv) about the centre that its company lends it.

    Curves of a company scatter by ``SPREAD_PLATE`` about a centre, which scatters by the rest of
    ``SPREAD_GENERAL`` and is known from the others as far as they are many.
    """
    _, number, size = np.unique(company, return_inverse=True, return_counts=True)
    others = size[number] - 1.0
    own = np.square(np.array(SPREAD_PLATE))[:, None]
    between = np.square(np.array(SPREAD_GENERAL))[:, None] - own
    return np.asarray(np.sqrt(own + between * own / (own + others * between)))


def _lent(deviation: Floats, company: NDArray[np.intp]) -> Floats:
    """For each curve the median deviation of its companions, shrunk where they are few."""
    out = np.zeros_like(deviation)
    for number in np.unique(company):
        members = np.flatnonzero(company == number)
        others = len(members) - 1
        if others == 0:
            continue
        ordered = np.sort(deviation[:, members], axis=1)
        for row in range(2):
            place = np.searchsorted(ordered[row], deviation[row, members])
            out[row, members] = _median_without(ordered[row], place) * others / (others + 2)
    return out


def _median_without(ordered: Floats, place: NDArray[np.intp]) -> Floats:
    """Medians of an ordered array with the element at each place left out."""
    left = len(ordered) - 1
    lower, upper = (left - 1) // 2, left // 2
    low = ordered[np.where(place <= lower, lower + 1, lower)]
    high = ordered[np.where(place <= upper, upper + 1, upper)]
    return np.asarray((low + high) / 2)


def _maximise(
    scatter: Scatter, start: Floats, centre: Floats, spread: Floats
) -> tuple[Floats, Floats]:
    """Newton's method for (ln s0, ln cv), groups that lie far apart bounded in their influence.

    Where the curvature is no maximum's, the expected one takes its place (Fisher scoring). A step
    that makes the fit worse is taken back and tried again shorter: without this the two cycle
    where few groups tell them apart. The information returned is the expected one.
    """
    phi, precision = start.copy(), 1.0 / np.square(spread)
    bounds = Bounds.of(scatter.df)
    size = phi.shape[1]
    going, length = np.ones(size, dtype=bool), np.ones(size)
    step, information = np.zeros_like(phi), np.zeros((3, size))
    reached = np.full(size, -np.inf)
    for _ in range(SCORING_STEPS):
        tried = phi + length * step
        s0_2, cv_mu_2 = np.exp(2 * tried[0]), np.exp(2 * tried[1]) * scatter.mean**2
        total = s0_2 + cv_mu_2 + scatter.known
        ratio = scatter.ss / total
        fit = bounds.fit(ratio, total) - 0.5 * (precision * (tried - centre) ** 2).sum(0)
        better = going & (fit >= reached - 1e-12 * (1.0 + np.abs(fit)))
        length = np.where(better, np.minimum(1.0, 2.0 * length), length / 4.0)
        phi, reached = np.where(better, tried, phi), np.where(better, fit, reached)
        excess, fall = bounds.excess(ratio), bounds.fall(ratio)
        u = np.stack([2 * s0_2 / total, 2 * cv_mu_2 / total])
        gradient = 0.5 * (excess * u).sum(1) + precision * (centre - tried)
        expected = 0.5 * _products(scatter.df, u)
        observed = 0.5 * _products(fall + excess, u)
        observed[[0, 2]] -= (excess * u).sum(1)
        for matrix in (expected, observed):
            matrix[[0, 2]] += precision
        maximum = (observed[0] > 0) & (observed[0] * observed[2] > observed[1] ** 2)
        h00, h01, h11 = np.where(maximum, observed, expected)
        det = h00 * h11 - h01**2
        found = np.stack(
            [
                (h11 * gradient[0] - h01 * gradient[1]) / det,
                (h00 * gradient[1] - h01 * gradient[0]) / det,
            ]
        )
        found /= np.maximum(1.0, np.abs(found).max(0))
        step = np.where(better, found, step)
        information = np.where(better, expected, information)
        # a finished curve stays as it would stand alone
        going &= np.abs(step).max(0) * np.where(better, 1.0, length) > 1e-10
        if not going.any():
            break
    return phi, np.ascontiguousarray(information[[0, 1, 1, 2]].T).reshape(-1, 2, 2)


def _products(weight: Floats, u: Floats) -> Floats:
    """Sums (3, N) over groups of weight x u0 u0, u0 u1, u1 u1."""
    first = weight * u[0]
    return np.stack([(first * u[0]).sum(0), (first * u[1]).sum(0), (weight * u[1] * u[1]).sum(0)])


@dataclass(frozen=True, slots=True)
class Bounds:
    """What groups of given freedom may say about the noise, however far apart they lie."""

    df: Floats
    influence: Floats
    slope: Floats

    @classmethod
    def of(cls, df: Floats) -> Bounds:
        """The bounds of groups with `df` degrees of freedom."""
        at, influence, slope = _influence_table()
        log_df = np.log(np.maximum(df, 1e-3))
        return cls(df, df * np.interp(log_df, at, influence), np.interp(log_df, at, slope))

    def fit(self, ratio: Floats, total: Floats) -> Floats:
        """What the groups say for variances `total` (M, N): the sum whose slope is the excess."""
        log_total = np.log(np.where(self.df > 0, total, 1.0))
        bounded = (GROUP_T + self.df) * np.log(GROUP_T + ratio)
        told = (bounded + self.influence * log_total) / self.slope
        return np.asarray(-0.5 * np.where(self.df > 0, told, 0.0).sum(0))

    def fall(self, ratio: Floats) -> Floats:
        """How fast :meth:`excess` falls as the logarithm of the variance rises."""
        steep = GROUP_T * (GROUP_T + self.df) / np.square(GROUP_T + ratio)
        return np.asarray(ratio * steep / self.slope)

    def excess(self, ratio: Floats) -> Floats:
        """The groups' squares over their expectation, less their freedom, bounded.

        So scaled that mean and slope are those of ``ratio - df`` when the noise is normal.
        """
        bounded = ratio * (GROUP_T + self.df) / (GROUP_T + ratio)
        return np.asarray((bounded - self.influence) / self.slope)


@lru_cache(maxsize=1)
def _influence_table() -> tuple[Floats, Floats, Floats]:
    """Means over chi-square q of q (t + df) / (t + q), and of its slope in ln q, per df."""
    log_df = np.linspace(np.log(1e-3), np.log(60.0), 80)
    influence, slope = [], []
    for df in np.exp(log_df):
        # q is 2 x; its density times q is x^(df/2) e^-x up to a constant
        node, weight = special.roots_genlaguerre(40, df / 2)
        weight = weight / weight.sum()
        bounded = (GROUP_T + df) / (GROUP_T + 2 * node)
        influence.append((weight * bounded).sum())
        slope.append((weight * bounded * GROUP_T / (GROUP_T + 2 * node)).sum())
    return log_df, np.array(influence), np.array(slope)


def huber(z: Floats) -> Floats:
    """Huber's weight of a standardised residual."""
    return HUBER_CORNER / np.maximum(np.abs(z), HUBER_CORNER)


def tukey(z: Floats) -> Floats:
    """Tukey's biweight of a standardised residual, corner at 6."""
    return np.square(np.maximum(0.0, 1.0 - (z / TUKEY_CORNER) ** 2))


# Error of the standards' own concentrations: what pipetting does to a whole level.


#: where a plate says nothing: levels err by 1 %, give or take a factor of three
LEVEL_SD, LEVEL_SPREAD = 0.01, 1.0
_STEPS = 25


def fit_level_error(
    misfit: Scatter,
    noise: VarianceModel,
    pull: Floats,
    plate: NDArray[np.intp],
) -> Floats:
    """Sd of the levels' ln concentrations on each curve's plate.

    All analytes of a level come from the same tube, so that a plate of fifty analytes knows no
    more of its levels than one: their evidence is averaged, not summed.
    """
    base = noise.variance(misfit.mean) + misfit.known
    out = np.empty(len(plate))
    for number in np.unique(plate):
        members = np.flatnonzero(plate == number)
        columns = misfit.take(members)
        out[members] = _one_plate(columns, base[:, members], pull[:, members])
    return out


def _one_plate(misfit: Scatter, base: Floats, pull: Floats) -> float:
    """Fisher scoring for the one ln sd of a plate."""
    centre, precision = np.log(LEVEL_SD), 1.0 / LEVEL_SPREAD**2
    phi = centre
    bounds = Bounds.of(misfit.df)
    for _ in range(_STEPS):
        own = pull * np.exp(2 * phi)
        total = base + own
        u = 2 * own / total
        excess = bounds.excess(misfit.ss / total)
        score = 0.5 * _average((excess * u).sum(0)) + precision * (centre - phi)
        information = 0.5 * _average((misfit.df * u * u).sum(0)) + precision
        step = float(np.clip(score / information, -0.7, 0.7))
        phi += step
        if abs(step) < 1e-10:
            break
    return float(np.exp(phi))


def _average(values: Floats) -> float:
    """Mean over the analytes; sorted first, so that their order changes no bit."""
    return float(np.sort(values).mean())
