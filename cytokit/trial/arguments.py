"""Checks on the arrays, choices and numbers that the statistical kernels are given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cytokit.arrays import Bools, Floats, Ints
from cytokit.errors import Problem, UsageError, did_you_mean


def finite_vector(values: ArrayLike, name: str) -> Floats:
    """A one-dimensional array of finite numbers, or an error that says which entry is not."""
    array = _vector(values, name)
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise UsageError(
            Problem(
                "CK-450",
                f"{name} holds {bad.size} value(s) that are not finite numbers",
                where=f"{name}[{bad[0]}] = {array[bad[0]]}",
                mend="leave out missing values first, or pass out-of-range values as intervals",
            )
        )
    return array


def intervals(lower: ArrayLike, upper: ArrayLike, name: str) -> tuple[Floats, Floats]:
    """Lower and upper limits of one arm, checked: same length, in order, not both infinite."""
    low, high = _vector(lower, f"lower limits of {name}"), _vector(upper, f"upper limits of {name}")
    if low.size != high.size:
        raise UsageError(
            Problem(
                "CK-451",
                f"{name} has {low.size} lower and {high.size} upper limits",
                mend="give one lower and one upper limit per value",
            )
        )
    bad = np.flatnonzero(~(low <= high) | (np.isinf(low) & np.isinf(high)))
    if bad.size:
        raise UsageError(
            Problem(
                "CK-452",
                f"{name} holds {bad.size} interval(s) missing, reversed or without a limit",
                where=f"entry {bad[0]} of {name}: {low[bad[0]]} .. {high[bad[0]]}",
                mend="leave out missing values; give lower <= upper, one open end at most",
            )
        )
    return low, high


def design_matrix(design: ArrayLike, rows: int) -> Floats:
    """A design as a finite matrix with one row per response."""
    matrix = np.asarray(design, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != rows or matrix.shape[1] == 0:
        raise UsageError(
            Problem(
                "CK-451",
                f"the design has shape {matrix.shape} for {rows} responses",
                mend="give one row per response and at least the intercept's column",
            )
        )
    finite_vector(matrix.ravel(), "design")
    return matrix


def codes(labels: ArrayLike, rows: int, name: str) -> Ints:
    """Labels of any kind as whole numbers from 0, in sorted order of the labels."""
    array = np.asarray(labels)
    same_length(rows, **{name: array})
    return np.asarray(np.unique(array, return_inverse=True)[1], dtype=np.int64)


def same_length(expected: int, **arrays: NDArray[np.generic]) -> None:
    """An error that names every array whose first axis is not of the expected length."""
    wrong = {name: len(array) for name, array in arrays.items() if len(array) != expected}
    if wrong:
        said = ", ".join(f"{name} has {length}" for name, length in wrong.items())
        raise UsageError(
            Problem(
                "CK-451", f"expected {expected} rows, but {said}", mend="give one row per value"
            )
        )


def two_arms(treated: ArrayLike) -> Bools:
    """Group labels as booleans (treated True), or an error where they are anything else."""
    labels = np.asarray(treated)
    if labels.ndim == 1 and (labels.dtype == np.bool_ or np.isin(labels, (0, 1)).all()):
        return labels.astype(np.bool_)
    raise UsageError(
        Problem(
            "CK-457",
            "group labels must be one boolean (or 0/1) per subject, True where treated",
            where=f"array of {labels.dtype}, shape {labels.shape}",
            mend="compare your group column with the treated arm's name",
        )
    )


def one_of(value: str, choices: Sequence[str], name: str) -> None:
    """An error with the nearest choice where the value is none of them."""
    if value not in choices:
        raise UsageError(
            Problem(
                "CK-453",
                f"{name} {value!r} is not known",
                mend=f"use one of {', '.join(choices)}",
                near=did_you_mean(value, choices),
            )
        )


def whole_number(value: int, name: str, least: int) -> None:
    """An error where a count is smaller than it may be."""
    if isinstance(value, bool) or value != int(value) or value < least:
        raise UsageError(
            Problem("CK-456", f"{name} is {value!r}", mend=f"give a whole number, {least} or more")
        )


def fraction(value: float, name: str) -> None:
    """An error where a confidence level or an alpha is not strictly between 0 and 1."""
    if not 0 < value < 1:
        raise UsageError(
            Problem("CK-456", f"{name} is {value!r}", mend="give a number between 0 and 1")
        )


def _vector(values: ArrayLike, name: str) -> Floats:
    """The values as a one-dimensional array of floats."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise UsageError(
            Problem(
                "CK-451",
                f"{name} must be one-dimensional",
                where=f"shape {array.shape}",
                mend="pass one value per subject",
            )
        )
    return array
