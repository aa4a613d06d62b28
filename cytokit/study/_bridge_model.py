"""Plate effects by least squares: ln concentration = sample + plate + error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Effects:
    """Effect of each plate on ln concentration, its standard error, and their degrees of freedom.

    ``se`` is NaN where no degree of freedom is left.
    """

    effect: Floats
    se: Floats
    df: int


def plate_effects(
    sample: Ints, plate: Ints, y: Floats, n_plates: int, reference: int | None = None
) -> Effects:
    """Effects of plates that samples link, from a two-way additive model.

    Parameters
    ----------
    sample, plate : array of int, shape (n,)
        Which sample was read on which plate; every plate from 0 to ``n_plates`` - 1 occurs, and
        samples link them all.
    y : array of float, shape (n,)
        ln concentration.
    n_plates : int
    reference : int, optional
        The plate whose effect is zero; the mean over plates where not given.

    Returns
    -------
    Effects

    Examples
    --------
    >>> sample, plate = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    >>> found = plate_effects(sample, plate, np.array([1.0, 1.2, 3.0, 3.2]), 2)
    >>> found.effect.round(3).tolist(), found.df
    ([-0.1, 0.1], 1)
    """
    n_samples = int(sample.max()) + 1
    design = np.zeros((len(y), n_samples + n_plates))
    design[np.arange(len(y)), sample] = 1.0
    design[np.arange(len(y)), n_samples + plate] = 1.0
    # a constant may go from all samples to all plates: contrasts of plates are the same for each
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    solution = inverse @ (design.T @ y)
    contrast = np.zeros((n_plates, n_samples + n_plates))
    contrast[:, n_samples:] = np.eye(n_plates)
    if reference is None:
        contrast[:, n_samples:] -= 1.0 / n_plates
    else:
        contrast[:, n_samples + reference] -= 1.0
    df = len(y) - (n_samples + n_plates - 1)
    residual = y - design @ solution
    if df > 0:
        spread = float(residual @ residual) / df
        variance = spread * np.einsum("ij,jk,ik->i", contrast, inverse, contrast)
        se = np.sqrt(np.maximum(variance, 0.0))  # rounding may leave the reference's below zero
    else:
        se = np.full(n_plates, np.nan)
    return Effects(contrast @ solution, se, df)


def linked(plates: Sequence[str], samples: Sequence[str], every: Sequence[str]) -> list[list[str]]:
    """Plates in groups that samples link, the largest first.

    Parameters
    ----------
    plates, samples : sequence of str
        Which sample was read on which plate, pair by pair.
    every : sequence of str
        All plates; one without any such sample is a group of its own.

    Returns
    -------
    list of list of str

    Examples
    --------
    >>> linked(["P1", "P2", "P3"], ["C", "C", "D"], ["P1", "P2", "P3"])
    [['P1', 'P2'], ['P3']]
    """
    leader = {plate: plate for plate in every}

    def find(plate: str) -> str:
        while leader[plate] != plate:
            plate = leader[plate]
        return plate

    first: dict[str, str] = {}
    for plate, sample in zip(plates, samples, strict=True):
        leader[find(plate)] = find(first.setdefault(sample, plate))
    groups: dict[str, list[str]] = {}
    for plate in every:
        groups.setdefault(find(plate), []).append(plate)
    return sorted(groups.values(), key=len, reverse=True)
