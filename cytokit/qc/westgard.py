"""Westgard's rules, one function each: from z-values in the order of the runs to where they break.

Source: Westgard JO, Barry PL, Hunt MR, Groth T. A multi-rule Shewhart chart for quality control in
clinical chemistry. Clin Chem 1981; 27: 493-501.

Each takes the z-values of one material in one stretch of the same lot, plates without a value left
out, and returns a mark at each value that completes the pattern. They are defined for values of a
control that scatter normally about a mean and SD found beforehand on other runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def rule_1_2s(z: ArrayLike) -> Bools:
    """1-2s, the warning: one value beyond 2 SD. One in 22 is, where nothing is wrong.

    Examples
    --------
    >>> rule_1_2s([0.0, 2.1, -2.1]).tolist()
    [False, True, True]
    """
    return np.abs(_array(z)) > 2.0


def rule_1_3s(z: ArrayLike) -> Bools:
    """1-3s: one value beyond 3 SD; random error, or a large shift.

    Examples
    --------
    >>> rule_1_3s([2.9, 3.1]).tolist()
    [False, True]
    """
    return np.abs(_array(z)) > 3.0


def rule_2_2s(z: ArrayLike) -> Bools:
    """2-2s: two values in a row beyond the same limit of 2 SD; systematic error.

    Examples
    --------
    >>> rule_2_2s([2.1, 2.1, -2.1, 2.1]).tolist()
    [False, True, False, False]
    """
    return _run(z, 2, lambda values: values > 2.0)


def rule_4_1s(z: ArrayLike) -> Bools:
    """4-1s: four values in a row beyond the same limit of 1 SD; systematic error.

    Examples
    --------
    >>> rule_4_1s([1.1, 1.2, 1.1, 1.3, 0.9]).tolist()
    [False, False, False, True, False]
    """
    return _run(z, 4, lambda values: values > 1.0)


def rule_10_x(z: ArrayLike) -> Bools:
    """10-x: ten values in a row on one side of the mean; systematic error.

    Examples
    --------
    >>> rule_10_x([0.1] * 10 + [-0.1]).tolist().index(True)
    9
    """
    return _run(z, 10, lambda values: values > 0.0)


def rule_r_4s(z: ArrayLike) -> bool:
    """R-4s: within one run, one level above +2 SD and another below -2 SD; random error.

    Parameters
    ----------
    z : array-like
        The z-values of all control levels of one analyte on one plate.

    Examples
    --------
    >>> rule_r_4s([2.1, -2.1]), rule_r_4s([3.9, -1.9]), rule_r_4s([2.1])
    (True, False, False)
    """
    values = _array(z)
    values = values[np.isfinite(values)]
    return bool(values.size > 1 and values.max() > 2.0 and values.min() < -2.0)


#: rules along the runs of one material: name, function, how many values the pattern takes
ALONG: Sequence[tuple[str, Callable[[ArrayLike], Bools], int]] = (
    ("1-2s", rule_1_2s, 1),
    ("1-3s", rule_1_3s, 1),
    ("2-2s", rule_2_2s, 2),
    ("4-1s", rule_4_1s, 4),
    ("10-x", rule_10_x, 10),
)
#: what each rule says, for messages
MEANINGS = {
    "1-2s": "beyond 2 SD",
    "1-3s": "beyond 3 SD",
    "2-2s": "two in a row beyond the same limit of 2 SD",
    "R-4s": "one level above +2 SD and another below -2 SD on one plate",
    "4-1s": "four in a row beyond the same limit of 1 SD",
    "10-x": "ten in a row on one side of the mean",
}


def _array(z: ArrayLike) -> Floats:
    return np.asarray(z, dtype=np.float64)


def _run(z: ArrayLike, length: int, beyond: Callable[[Floats], Bools]) -> Bools:
    """Where the last so many values all lie beyond, on the same side."""
    values = _array(z)
    broken = np.zeros(len(values), dtype=bool)
    if len(values) < length:
        return broken
    for side in (values, -values):
        windows = np.lib.stride_tricks.sliding_window_view(beyond(side), length)
        broken[length - 1 :] |= windows.all(axis=1)
    return broken
