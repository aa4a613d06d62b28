"""Repeated measurements laid out for REML: who was measured at which visits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cytokit.errors import Problem, UsageError
from cytokit.stats._arrays import Floats, Ints, codes
from cytokit.stats._reml import Block


def blocks_of(y: Floats, X: Floats, who: Ints, when: Ints | None) -> tuple[Block, ...]:
    """Subjects gathered by the visits they have, or by their number of values."""
    members: dict[tuple[int, ...], list[Ints]] = {}
    for code in range(int(who.max()) + 1):
        rows = np.flatnonzero(who == code)
        if when is not None:
            rows = rows[np.argsort(when[rows])]
        pattern = tuple(when[rows].tolist()) if when is not None else (0,) * rows.size
        members.setdefault(pattern, []).append(rows)
    n_visits = 0 if when is None else int(when.max()) + 1
    blocks = []
    for pattern, subjects in members.items():
        index = np.array(subjects)
        blocks.append(Block(y[index], X[index], _components(pattern, n_visits)))
    return tuple(blocks)


def _components(pattern: tuple[int, ...], n_visits: int) -> Floats:
    """Derivatives of a subject's covariance: identity and ones, or one per pair of visits."""
    size = len(pattern)
    if n_visits == 0:
        return np.array([np.eye(size), np.ones((size, size))])
    rows, columns = np.tril_indices(n_visits)
    stack = np.zeros((rows.size, n_visits, n_visits))
    stack[np.arange(rows.size), rows, columns] = 1.0
    stack[np.arange(rows.size), columns, rows] = 1.0
    return stack[:, pattern, :][:, :, pattern]


def visits_of(visit: ArrayLike | None, who: Ints, covariance: str) -> Ints | None:
    """Visits as whole numbers where the covariance needs them, each once per subject."""
    if covariance != "unstructured":
        return None
    if visit is None:
        raise UsageError(
            Problem(
                "CK-460",
                "an unstructured covariance needs to know the visits",
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
    return when
