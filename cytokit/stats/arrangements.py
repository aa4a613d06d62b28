"""Arrangements of group labels over whole subjects: all of them, or a seeded sample.

Labels are permuted within strata. Where the number of arrangements is at most a limit they are
enumerated, else drawn with numpy's generator from a seed that the result records. The observed
arrangement is always among those visited, so that the share at least as extreme is a valid p-value:
exact, or (b + 1)/(B + 1).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cytokit.stats._arrays import Bools, Floats, Ints

_CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Arrangements:
    """How the labels of one study may be rearranged.

    Parameters
    ----------
    treated : ndarray of bool, shape (n,)
        The labels as observed.
    strata : tuple of ndarray of int
        Positions of the subjects of each stratum.
    total : int
        Number of distinct arrangements, the observed one included.
    exact : bool
        Whether all of them are visited.
    visited : int
        Number of arrangements visited, the observed one included: ``total``, or draws + 1.
    seed : int or None
        Seed of the draws; None where all are visited.
    """

    treated: Bools
    strata: tuple[Ints, ...]
    total: int
    exact: bool
    visited: int
    seed: int | None

    def labels(self) -> Iterator[Floats]:
        """Blocks of label matrices, shape (rows, n), 1.0 where treated; the observed one is one."""
        if self.exact:
            yield from self._all()
        else:
            yield self.treated[None, :].astype(np.float64)
            yield from self._drawn()

    def _all(self) -> Iterator[Floats]:
        """Every arrangement: the mixed-radix number of a row picks one choice per stratum."""
        choices = [
            _choices(members.size, int(self.treated[members].sum())) for members in self.strata
        ]
        for start in range(0, self.total, _CHUNK):
            number = np.arange(start, min(start + _CHUNK, self.total))
            block = np.zeros((number.size, self.treated.size))
            for members, table in zip(self.strata, choices, strict=True):
                number, row = np.divmod(number, len(table))
                block[:, members] = table[row]
            yield block

    def _drawn(self) -> Iterator[Floats]:
        """Random arrangements."""
        rng = np.random.default_rng(self.seed)
        draws = self.visited - 1
        for start in range(0, draws, _CHUNK):
            rows = min(_CHUNK, draws - start)
            block = np.empty((rows, self.treated.size))
            for members in self.strata:
                labels = self.treated[members].astype(np.float64)
                block[:, members] = rng.permuted(np.tile(labels, (rows, 1)), axis=1)
            yield block


def arrangements(
    treated: Bools, strata: Ints | None, *, draws: int, seed: int, limit: int
) -> Arrangements:
    """Plan the arrangements: all where there are at most ``limit``, else ``draws`` of them."""
    codes = np.zeros(treated.size, dtype=np.int64) if strata is None else strata
    groups = tuple(np.flatnonzero(codes == code) for code in np.unique(codes))
    total = math.prod(math.comb(group.size, int(treated[group].sum())) for group in groups)
    exact = total <= limit
    visited = total if exact else draws + 1
    return Arrangements(treated, groups, total, exact, visited, None if exact else seed)


def _choices(n: int, k: int) -> Bools:
    """All ways to label ``k`` of ``n``, shape (comb(n, k), n)."""
    count = math.comb(n, k)
    flat = (position for chosen in combinations(range(n), k) for position in chosen)
    chosen = np.fromiter(flat, dtype=np.int64, count=count * k).reshape(count, k)
    table = np.zeros((count, n), dtype=np.bool_)
    np.put_along_axis(table, chosen, True, axis=1)
    return table
