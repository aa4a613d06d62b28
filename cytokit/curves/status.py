"""From ln concentrations to numbers and statuses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cytokit.curves.model import Array
from cytokit.vocabulary import RangeStatus


def range_status(log_x: Array, lloq: Array | float, uloq: Array | float) -> npt.NDArray[np.str_]:
    """Status of ln concentrations that lie on a curve, or beyond its plateaus (-inf, +inf).

    Where no quantifiable range exists (NaN limits) every number stands outside it, below.

    Examples
    --------
    >>> range_status(np.log([1.0, 5.0, 50.0]), 2.0, 20.0).tolist()
    ['below_lloq', 'in_range', 'above_uloq']
    """
    x = concentration(log_x)
    inside = (x >= np.asarray(lloq)) & (x <= np.asarray(uloq))
    status = np.where(inside, str(RangeStatus.IN_RANGE), str(RangeStatus.BELOW_LLOQ))
    status = np.where(x > np.asarray(uloq), str(RangeStatus.ABOVE_ULOQ), status)
    status = np.where(log_x == -np.inf, str(RangeStatus.OOR_LOW), status)
    status = np.where(log_x == np.inf, str(RangeStatus.OOR_HIGH), status)
    return np.where(np.isnan(log_x), str(RangeStatus.NOT_MEASURED), status)


def concentration(log_x: Array) -> Array:
    """Concentration of finite ln x; NaN for what lies beyond a plateau.

    Examples
    --------
    >>> concentration(np.array([-np.inf, 0.0])).tolist()
    [nan, 1.0]
    """
    finite = np.isfinite(log_x)
    return np.where(finite, np.exp(np.where(finite, log_x, 0.0)), np.nan)
