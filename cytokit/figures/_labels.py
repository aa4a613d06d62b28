"""Names beside points, moved out of each other's way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from cytokit.figures._text import plain, shorten, text_width
from cytokit.figures.brackets import Box, size_in_points
from cytokit.figures.style import INK, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

#: Where a name may stand: direction from its point and how it is aligned there.
_SIDES = ((1, 0, "left", "center"), (-1, 0, "right", "center"), (0, 1, "center", "bottom"),
          (0, -1, "center", "top"), (1, 1, "left", "bottom"), (-1, 1, "right", "bottom"),
          (1, -1, "left", "top"), (-1, -1, "right", "top"))  # fmt: skip
_AWAY = 3.5  # points
_RADIUS = 2.2
_LONGEST = 70.0


def place_labels(
    ax: Axes,
    x: Iterable[float],
    y: Iterable[float],
    names: Iterable[object],
    *,
    avoid: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> int:
    """Write names beside their points where they touch neither points nor each other.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With its scales, limits and size set.
    x, y : iterable of float
        Points to name, in data coordinates, the most important first.
    names : iterable
    avoid : pair of arrays
        All points.

    Returns
    -------
    int
        How many names found no place and were left out.
    """
    taken = [
        Box(px - _RADIUS, py - _RADIUS, px + _RADIUS, py + _RADIUS)
        for px, py in _points(ax, *avoid)
    ]
    where = _points(ax, np.asarray(list(x), dtype=float), np.asarray(list(y), dtype=float))
    width, height = size_in_points(ax)
    left_out = 0
    for (px, py), name in zip(where, names, strict=True):
        text = shorten(plain(name), _LONGEST)
        for dx, dy, across, up in _SIDES:
            box = _box(px + dx * _AWAY, py + dy * _AWAY, text_width(text), across, up)
            inside = box.left >= 0 and box.right <= width and box.bottom >= 0 and box.top <= height
            if inside and not any(_touch(box, other) for other in taken):
                taken.append(box)
                ax.text(
                    box.left / width, (box.bottom + 0.2 * SMALL) / height, text, size=SMALL,
                    color=INK, transform=ax.transAxes, va="baseline",
                )  # fmt: skip
                break
        else:
            left_out += 1
    return left_out


def _points(ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Data coordinates as points from the axes' lower left corner."""
    width, height = size_in_points(ax)
    pixels = ax.transData.transform(np.column_stack([x, y])) if len(x) else np.empty((0, 2))
    shares = ax.transAxes.inverted().transform(pixels) if len(x) else pixels
    return [(float(a) * width, float(b) * height) for a, b in shares]


def _box(x: float, y: float, width: float, across: str, up: str) -> Box:
    """The rectangle of a text aligned at a place."""
    left = {"left": x, "right": x - width, "center": x - width / 2}[across]
    bottom = {"bottom": y, "top": y - SMALL, "center": y - SMALL / 2}[up]
    return Box(left, bottom, left + width, bottom + SMALL)


def _touch(one: Box, other: Box) -> bool:
    """Whether two rectangles share any area."""
    beside = one.right <= other.left or other.right <= one.left
    return not (beside or one.top <= other.bottom or other.top <= one.bottom)
