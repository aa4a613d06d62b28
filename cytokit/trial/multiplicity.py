"""Families of tests, declared before their p-values are seen, and the adjustments within one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cytokit.arrays import Floats
from cytokit.errors import Problem, UsageError
from cytokit.trial.arguments import one_of


@dataclass(frozen=True, slots=True)
class Family:
    """Tests that are judged together, named before any p-value is seen."""

    name: str
    members: tuple[str, ...]

    def __post_init__(self) -> None:
        repeated = sorted({member for member in self.members if self.members.count(member) > 1})
        if repeated:
            raise UsageError(
                Problem(
                    "CK-458",
                    f"family {self.name} names {', '.join(repeated)} more than once",
                    mend="test each member once per family",
                )
            )

    def size(self, p: ArrayLike) -> int:
        """Number of members that were tested, that is, whose p is not NaN."""
        return int(np.isfinite(self._matched(p)).sum())

    def adjust(self, p: ArrayLike, method: str) -> Floats:
        """The members' p-values, adjusted within the family; see :func:`adjust`."""
        return adjust(self._matched(p), method)

    def _matched(self, p: ArrayLike) -> Floats:
        """The p-values, one per member."""
        values = np.asarray(p, dtype=np.float64)
        if values.shape != (len(self.members),):
            raise UsageError(
                Problem(
                    "CK-458",
                    f"family {self.name} has {len(self.members)} members, "
                    f"but p-values of shape {values.shape}",
                    mend="give one p-value per member, NaN where none was tested",
                )
            )
        return values


def adjust(p: ArrayLike, method: str) -> Floats:
    """Adjust the p-values of one family.

    Wright SP (1992) Adjusted p-values for simultaneous inference. Biometrics 48:1005-1013.
    """
    alone = {key: one.of_p for key, one in ADJUSTMENTS.items() if one.of_p is not None}
    one_of(method, tuple(alone), "adjustment")
    raw = np.asarray(p, dtype=np.float64)
    wrong = np.flatnonzero((raw < 0) | (raw > 1))
    if wrong.size:
        raise UsageError(
            Problem(
                "CK-454",
                f"{wrong.size} p-value(s) lie outside 0..1",
                where=f"p[{wrong[0]}] = {raw[wrong[0]]}",
                mend="pass p-values, not statistics",
            )
        )
    adjusted = np.full(raw.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(raw))
    if tested.size:
        order = tested[np.argsort(raw[tested], kind="stable")]
        adjusted[order] = np.minimum(alone[method](raw[order]), 1.0)
    return adjusted


# Each adjuster takes p-values in ascending order; values above 1 are cut by the caller.


def _none(p: Floats) -> Floats:
    return p


def _bonferroni(p: Floats) -> Floats:
    return p.size * p


def _sidak(p: Floats) -> Floats:
    return _sidak_power(p, np.full(p.size, float(p.size)))


def _holm(p: Floats) -> Floats:
    return np.maximum.accumulate(_remaining(p) * p)


def _holm_sidak(p: Floats) -> Floats:
    return np.maximum.accumulate(_sidak_power(p, _remaining(p)))


def _hochberg(p: Floats) -> Floats:
    return _from_the_largest(_remaining(p) * p)


def _hommel(p: Floats) -> Floats:
    """Hommel's closed test with Simes' inequality, as in R's p.adjust."""
    n = p.size
    rank = np.arange(1, n + 1)
    adjusted = np.full(n, (n * p / rank).min())
    bound = adjusted.copy()
    for m in range(n - 1, 1, -1):
        split = n - m + 1
        smallest = (m * p[split:] / np.arange(2, m + 1)).min()
        bound[:split] = np.minimum(m * p[:split], smallest)
        bound[split:] = bound[split - 1]
        adjusted = np.maximum(adjusted, bound)
    return np.asarray(np.maximum(adjusted, p), dtype=np.float64)


def _bh(p: Floats) -> Floats:
    return _from_the_largest(p.size / np.arange(1, p.size + 1) * p)


def _by(p: Floats) -> Floats:
    rank = np.arange(1, p.size + 1)
    return _from_the_largest((1 / rank).sum() * p.size / rank * p)


def _remaining(p: Floats) -> Floats:
    """Number of hypotheses not yet rejected when each p is looked at."""
    return np.arange(p.size, 0, -1, dtype=np.float64)


def _sidak_power(p: Floats, power: Floats) -> Floats:
    """1 - (1 - p)**power without cancellation; p = 1 stays 1."""
    below_one = np.minimum(p, 1 - np.finfo(np.float64).epsneg)
    return np.where(p < 1, -np.expm1(power * np.log1p(-below_one)), 1.0)


def _from_the_largest(values: Floats) -> Floats:
    """Running minimum from the last value to the first."""
    return np.minimum.accumulate(values[::-1])[::-1]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A way to adjust the p-values of one family.

    ``label`` is how figures and page call it, ``sentence`` what methods.md says was done. ``of_p``
    takes p-values in ascending order, and may give more than 1; an adjustment without it needs
    the data, as :mod:`cytokit.trial.permutation` has them.
    """

    label: str
    sentence: str
    of_p: Callable[[Floats], Floats] | None


def _by_name(name: str) -> str:
    return f"p-values were adjusted by {name} method"


#: by the key that ``--adjust`` takes
ADJUSTMENTS: dict[str, Adjustment] = {
    "holm": Adjustment("Holm", _by_name("Holm's"), _holm),
    "none": Adjustment("not adjusted", "p-values were not adjusted for multiple testing", _none),
    "bonferroni": Adjustment("Bonferroni", _by_name("Bonferroni's"), _bonferroni),
    "sidak": Adjustment("Šidák", _by_name("Šidák's"), _sidak),
    "holm-sidak": Adjustment("Holm-Šidák", _by_name("the step-down Holm-Šidák"), _holm_sidak),
    "hochberg": Adjustment("Hochberg", _by_name("Hochberg's"), _hochberg),
    "hommel": Adjustment("Hommel", _by_name("Hommel's"), _hommel),
    "bh": Adjustment(
        "Benjamini-Hochberg",
        "the false discovery rate was controlled by the method of Benjamini and Hochberg",
        _bh,
    ),
    "by": Adjustment(
        "Benjamini-Yekutieli",
        "the false discovery rate was controlled by the method of Benjamini and Yekutieli",
        _by,
    ),
    "maxt": Adjustment(
        "Westfall-Young maxT",
        "p-values were adjusted by the step-down maxT method of Westfall and Young",
        None,
    ),
}
