"""t statistics of many analytes under many arrangements of the labels, by matrix products.

Each class is made once from the data and called with a block of label matrices (rows x subjects,
1.0 where treated); it returns rows x analytes, NaN where an arrangement leaves a statistic
undefined. Missing values take part with weight 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cytokit.stats._arrays import Bools, Floats, Ints

# Squared standard errors below this (the data have unit spread) are zero up to rounding.
NO_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class TwoSample:
    """Welch's or Student's t.

    Parameters
    ----------
    stacked : ndarray, shape (n, 3m)
        Standardised values, their squares, and 1 where present.
    pooled : bool
        Student's pooled variance in place of Welch's.
    """

    stacked: Floats
    pooled: bool

    @classmethod
    def of(cls, values: Floats, *, pooled: bool) -> TwoSample:
        """From values with NaN where missing."""
        present = np.isfinite(values)
        standard = _standardised(values, present)
        return cls(np.hstack((standard, standard**2, present.astype(np.float64))), pooled)

    def __call__(self, labels: Floats) -> Floats:
        sum_t, square_t, n_t = np.hsplit(labels @ self.stacked, 3)
        total, square, n = np.split(self.stacked.sum(axis=0), 3)
        sum_c, square_c, n_c = total - sum_t, square - square_t, n - n_t
        enough = (n_t > 1.5) & (n_c > 1.5)
        n_t, n_c = np.maximum(n_t, 1), np.maximum(n_c, 1)
        within_t = np.maximum(square_t - sum_t**2 / n_t, 0)
        within_c = np.maximum(square_c - sum_c**2 / n_c, 0)
        if self.pooled:
            variance = (within_t + within_c) / np.maximum(n_t + n_c - 2, 1) * (1 / n_t + 1 / n_c)
        else:
            variance = within_t / np.maximum(n_t - 1, 1) / n_t
            variance += within_c / np.maximum(n_c - 1, 1) / n_c
        return quotient(sum_t / n_t - sum_c / n_c, variance, enough)


@dataclass(frozen=True, slots=True)
class AdjustedGroup:
    """t of the group in an analysis of covariance, by the theorem of Frisch, Waugh and Lovell.

    Parameters
    ----------
    residual : ndarray, shape (n, m)
        Responses less what the covariates explain; 0 where missing.
    present : ndarray, shape (n, m)
        1 where response and covariates are there.
    bases : ndarray, shape (n, m * q)
        Orthonormal bases of the covariates, analyte by analyte; zeros where missing.
    df : ndarray, shape (m,)
        Residual degrees of freedom with the group in the model.
    """

    residual: Floats
    present: Floats
    bases: Floats
    df: Floats

    @classmethod
    def of(cls, values: Floats, baseline: Floats | None, strata: Ints | None) -> AdjustedGroup:
        """From values and baselines with NaN where missing; strata enter as factors."""
        present = np.isfinite(values)
        if baseline is not None:
            present &= np.isfinite(baseline)
        n, m = values.shape
        common = np.ones((n, 1))
        if strata is not None:
            common = (strata[:, None] == np.unique(strata)[None, :]).astype(np.float64)
        width = common.shape[1] + (baseline is not None)
        bases, rank = np.zeros((n, m, width)), np.zeros(m)
        residual = _standardised(values, present)
        for j in range(m):
            rows = present[:, j]
            covariates = common[rows]
            if baseline is not None:
                covariates = np.column_stack((covariates, baseline[rows, j]))
            basis = orthonormal(covariates)
            rank[j] = basis.shape[1]
            bases[rows, j, : basis.shape[1]] = basis
            residual[rows, j] -= basis @ (basis.T @ residual[rows, j])
        df = present.sum(axis=0) - rank - 1
        return cls(residual, present.astype(np.float64), bases.reshape(n, m * width), df)

    def __call__(self, labels: Floats) -> Floats:
        m = self.df.size
        explained = (labels @ self.bases).reshape(len(labels), m, -1)
        # The labels are 0 or 1, so their sum over the subjects present is their sum of squares.
        left = labels @ self.present - np.einsum("ijk,ijk->ij", explained, explained)
        enough = (left > 1e-9) & (self.df > 0.5)
        left = np.where(enough, left, 1.0)
        effect = (labels @ self.residual) / left
        unexplained = np.maximum((self.residual**2).sum(axis=0) - effect**2 * left, 0)
        return quotient(effect, unexplained / np.maximum(self.df, 1) / left, enough)


def _standardised(values: Floats, present: Bools) -> Floats:
    """Each column with mean 0 and spread 1 over the values present, 0 where missing."""
    n = np.maximum(present.sum(axis=0), 1)
    centred = np.where(present, values, 0.0)
    centred = np.where(present, centred - centred.sum(axis=0) / n, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / n)
    constant = spread <= 1e-12 * np.where(present, np.abs(values), 0.0).max(axis=0, initial=0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, spread))


def orthonormal(columns: Floats) -> Floats:
    """Orthonormal basis of the column space."""
    scaled = columns / np.maximum(np.sqrt((columns**2).sum(axis=0)), 1e-300)
    left, singular, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(left[:, singular > 1e-10 * singular.max(initial=0)], dtype=np.float64)


def quotient(effect: Floats, variance: Floats, enough: Bools) -> Floats:
    """Effect over standard error; infinite without variance, 0 without either, NaN if undefined."""
    none = variance <= NO_VARIANCE
    t = effect / np.sqrt(np.where(none, 1.0, variance))
    infinite = np.where(effect**2 > NO_VARIANCE, np.copysign(np.inf, effect), 0.0)
    return np.where(enough, np.where(none, infinite, t), np.nan)
