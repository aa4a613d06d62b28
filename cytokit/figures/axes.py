"""Logarithmic axes a reader can read: three to seven labelled ticks and no ugly exponents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from cytokit.figures.text import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_SUBS = ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 5, 7))
_FEW, _MANY = 3, 7


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two positive bounds, three to seven of them where possible."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    for subs in _SUBS:
        ticks = [float(f"{sub}e{power}") for power in range(first, last + 1) for sub in subs]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= (_FEW if subs != _SUBS[-1] else _FEW - 1):
            step = -(-len(inside) // _MANY)
            return inside[::step]
    from matplotlib.ticker import MaxNLocator

    close = MaxNLocator(nbins=4).tick_values(low, high)
    return [float(f"{tick:.12g}") for tick in close if low <= tick <= high and tick > 0]


def log_axis(ax: Axes, which: Literal["x", "y"], low: float, high: float) -> None:
    """Make an axis logarithmic between two bounds, with round labels and unlabelled minor ticks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    axis = ax.xaxis if which == "x" else ax.yaxis
    if which == "x":
        ax.set_xscale("log")
        ax.set_xlim(low, high)
    else:
        ax.set_yscale("log")
        ax.set_ylim(low, high)
    ticks = log_ticks(low, high)
    powers = bool(ticks) and (max(ticks) >= 1e6 or min(ticks) < 1e-3)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, powers=powers)))
    axis.set_minor_locator(FixedLocator(_minor_ticks(low, high)))
    axis.set_minor_formatter(NullFormatter())


def _minor_ticks(low: float, high: float) -> list[float]:
    """2 to 9 of every decade; the decades alone where there are many of them."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    subs: Sequence[int] = range(1, 10) if last - first <= _MANY else (1,)
    ticks = [float(f"{sub}e{power}") for power in range(first, last + 1) for sub in subs]
    return [tick for tick in ticks if low <= tick <= high]


def log_bounds(values: Iterable[float], *, pad: float = 0.06) -> tuple[float, float]:
    """Positive bounds around the positive finite values, at least a factor of three apart."""
    array = np.asarray(list(values), dtype=float)
    array = array[np.isfinite(array) & (array > 0)]
    if array.size == 0:
        return 1.0, 10.0
    low, high = float(np.log(array.min())), float(np.log(array.max()))
    short = max(0.0, np.log(3.0) - (high - low)) / 2
    room = pad * (high - low + 2 * short) + short
    return float(np.exp(low - room)), float(np.exp(high + room))
