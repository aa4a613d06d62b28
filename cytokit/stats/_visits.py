"""Repeated measurements laid out for REML: who was measured at which visits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cytokit.errors import Problem, UsageError
from cytokit.stats._arrays import Floats, Ints, codes
from cytokit.stats._reml import Block


@dataclass(frozen=True, slots=True)
class CovariancePattern:
    """When each value was measured, and which elements of the covariance are one component.

    Parameters
    ----------
    when : ndarray of int, shape (n,)
    components : ndarray of int, shape (visits, visits)
        The component that stands at each place of the covariance over the visits; -1 for what no
        subject can tell, on which the likelihood does not depend.
    """

    when: Ints
    components: Ints

    def derivatives(self, visits: Ints) -> Floats:
        """Derivatives of the covariance over some visits by the components."""
        places = self.components[np.ix_(visits, visits)]
        count = int(self.components.max()) + 1
        return np.asarray(places == np.arange(count)[:, None, None], dtype=np.float64)


def blocks_of(
    y: Floats, X: Floats, who: Ints, visits: CovariancePattern | None
) -> tuple[Block, ...]:
    """Subjects gathered by the visits they have, or by their number of values."""
    members: dict[tuple[int, ...], list[Ints]] = {}
    for code in range(int(who.max()) + 1):
        rows = np.flatnonzero(who == code)
        if visits is not None:
            rows = rows[np.argsort(visits.when[rows])]
        pattern = tuple(visits.when[rows].tolist()) if visits is not None else (0,) * rows.size
        members.setdefault(pattern, []).append(rows)
    blocks = []
    for pattern, subjects in members.items():
        index = np.array(subjects)
        size = len(pattern)
        if visits is None:
            derivatives = np.array([np.eye(size), np.ones((size, size))])
        else:
            derivatives = visits.derivatives(np.array(pattern))
        blocks.append(Block(y[index], X[index], derivatives))
    return tuple(blocks)


def visits_of(
    visit: ArrayLike | None, who: Ints, covariance: str, alone: ArrayLike = ()
) -> CovariancePattern | None:
    """The visits where the covariance needs them, each once per subject."""
    if covariance == "intercept":
        return None
    if visit is None:
        raise UsageError(
            Problem(
                "CK-460",
                f"a covariance that is {covariance} needs to know the visits",
                mend="pass visit=, one per value, or covariance='intercept'",
            )
        )
    when = codes(visit, who.size, "visit")
    pairs = np.unique(np.column_stack((who, when)), axis=0)
    if len(pairs) < who.size:
        raise UsageError(
            Problem(
                "CK-460",
                f"{who.size - len(pairs)} visit(s) are repeated within a subject",
                mend="give one value per subject and visit",
            )
        )
    count = int(when.max()) + 1 if when.size else 0
    if covariance == "unstructured":
        return CovariancePattern(when, _partitioned(np.arange(count)))
    names, apart = np.asarray(visit), np.asarray(alone)
    strangers = np.setdiff1d(apart, names)
    if strangers.size:
        raise UsageError(
            Problem(
                "CK-421",
                f"no value was measured at {', '.join(map(str, strangers.tolist()))}, "
                "which is to stand alone",
                mend="name visits that have values, or leave alone= out",
            )
        )
    single = np.unique(when[np.isin(names, apart)])
    sets = np.full(count, single.size)
    sets[single] = np.arange(single.size)
    several = np.bincount(who[sets[when] == single.size], minlength=1).max() > 1
    return CovariancePattern(when, _partitioned(sets, told=bool(several)))


def _partitioned(sets: Ints, *, told: bool = True) -> Ints:
    """Compound symmetry: visits of the last set have one variance and one covariance.

    A component per pair of sets, the lower triangle row by row, then the covariance within the last
    set, if some subject tells it.
    """
    high, low = np.maximum.outer(sets, sets), np.minimum.outer(sets, sets)
    components = np.asarray(high * (high + 1) // 2 + low, dtype=np.int64)
    within = (high == low) & ~np.eye(sets.size, dtype=bool)
    components[within] = components.max(initial=-1) + 1 if told else -1
    return components
