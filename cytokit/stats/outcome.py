"""What one contrast of one analyte came to, before families are adjusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cytokit.stats.estimate import NAN, Estimate
from cytokit.stats.labels import NOT_ANALYSED

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Beside:
    """The analyses that always stand beside the primary one.

    Parameters
    ----------
    p_rank : float
        Exact (or permuted) rank test.
    p_min : float
        The smallest p that the rank test can reach with these numbers of subjects.
    hl, hl_low, hl_high : float
        Hodges-Lehmann shift on the ln scale with its limits.
    hedges_g, delta : float
        Standardised mean difference; Cliff's delta.
    p_fisher : float
        Fisher's exact test on % detectable, where something is out of range.
    used : ndarray of bool, optional
        Which subjects of the contrast's arms stand behind these; None where they are those of the
        primary analysis.
    """

    p_rank: float = NAN
    p_min: float = NAN
    hl: float = NAN
    hl_low: float = NAN
    hl_high: float = NAN
    hedges_g: float = NAN
    delta: float = NAN
    p_fisher: float = NAN
    used: Bools | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One contrast of one analyte.

    Parameters
    ----------
    estimate : Estimate
        The primary analysis.
    used : ndarray of bool
        Which subjects of the contrast's arms it used.
    beside : Beside
    notes : tuple of (code, text)
        For the row's ``flags``; codes of :data:`cytokit.flags.COMPARISON_FLAGS`.
    assay_share : float
        Share of the variance that the assay adds, where it was propagated.
    tipping_ratio : float
        Ratio by which the values of the dead must differ before significance is lost.
    tipping_error : float
        Monte Carlo standard error of its logarithm.
    p_other_spread : float
        p of the same model with one spread where this one has a spread per arm, or the other way.
    """

    estimate: Estimate
    used: Bools
    beside: Beside = field(default_factory=Beside)
    notes: tuple[tuple[str, str], ...] = ()
    assay_share: float = NAN
    tipping_ratio: float = NAN
    tipping_error: float = NAN
    p_other_spread: float = NAN


def not_analysed(
    reason: str,
    used: Bools,
    *,
    beside: Beside | None = None,
    notes: Sequence[tuple[str, str]] = (),
) -> Outcome:
    """An outcome without a test, and why; what is detectable may still be compared."""
    estimate = Estimate(NOT_ANALYSED, reason=reason)
    said = (("not_analysed", reason), *notes)
    fisher = Beside() if beside is None else Beside(p_fisher=beside.p_fisher, used=beside.used)
    return Outcome(estimate, used, fisher, said)


def flags_text(notes: Sequence[tuple[str, str]]) -> str:
    """Notes as they stand in a table's cell.

    Examples
    --------
    >>> flags_text([("not_analysed", "95 % out of range"), ("deaths", "2 died")])
    'not_analysed: 95 % out of range; deaths: 2 died'
    """
    return "; ".join(f"{code}: {text}" for code, text in notes)


def finite(value: float) -> bool:
    """Whether there is a number."""
    return not math.isnan(value)
