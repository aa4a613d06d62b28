"""Brackets over columns: laid out in display coordinates, so that a log axis changes nothing.

A bracket is placed above everything it spans (data, its own text's width, brackets already
placed); the axis is then stretched so that all of them fit. No statistics here: the text comes from
the comparison's table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cytokit.figures.style import INK, SMALL, THIN
from cytokit.figures.text import plain, shorten, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


LEG = 1.8  # points: the short strokes at both ends
GAP = 3.5  # points between what is below and the bracket's legs
LIFT = 1.6  # points between the bracket and its text's baseline
SIDE = 1.5  # points kept free on either side
TOP = 1.0  # points kept free under the upper edge
#: The data never get less of the axes' height than this.
LEAST_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Bracket:
    """A line from one column to another and what is written over it."""

    left: float
    right: float
    text: str
    color: str = INK


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something drawn that no bracket may touch."""

    left: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in points from the axes' lower left corner."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Placed:
    """A bracket with its place: the line's box, the text's box, and the text's middle."""

    bracket: Bracket
    line: Box
    text: Box
    middle: float


def stack(
    brackets: Sequence[Bracket],
    spans: Sequence[tuple[float, float]],
    below: Sequence[Box],
    width: float,
    size: float = SMALL,
) -> list[Placed]:
    """Place brackets one after another, the shortest first, each above all it spans."""
    taken = list(below)
    placed: dict[int, Placed] = {}
    order = sorted(range(len(brackets)), key=lambda i: (spans[i][1] - spans[i][0], spans[i][0], i))
    for index in order:
        left, right = spans[index]
        half = text_width(brackets[index].text, size) / 2
        middle = min(max((left + right) / 2, half + SIDE), max(width - half, half + SIDE))
        reach = (min(left, middle - half) - SIDE, max(right, middle + half) + SIDE)
        floor = max((box.top for box in taken if _spans(box, reach)), default=0.0)
        level = floor + GAP + LEG
        line = Box(left, level - LEG, right, level)
        text = Box(middle - half, level, middle + half, level + LIFT + size * 0.8)
        placed[index] = Placed(brackets[index], line, text, middle)
        taken += [line, text]
    return [placed[index] for index in range(len(brackets))]


def _spans(box: Box, reach: tuple[float, float]) -> bool:
    """Whether a box stands somewhere under or over a stretch of the x axis."""
    return box.left < reach[1] and box.right > reach[0]


def height_needed(brackets: Sequence[Bracket]) -> float:
    """Points that these brackets take above data of even height (to choose a panel's height)."""
    spans = [(bracket.left * 20, bracket.right * 20) for bracket in brackets]
    floor = Box(-1e6, -1.0, 1e6, 0.0)
    return max((item.text.top for item in stack(brackets, spans, [floor], 1e6)), default=0.0)


def draw_brackets(
    ax: Axes, brackets: Sequence[Bracket], obstacles: Sequence[Obstacle], size: float = SMALL
) -> list[Placed]:
    """Stretch the y axis so that the brackets fit above the data, and draw them."""
    if not brackets:
        return []
    width, height = size_in_points(ax)
    scale = ax.yaxis.get_transform()
    low, high = (float(edge) for edge in scale.transform(np.array(ax.get_ylim())))
    spans = [(_across(ax, item.left, width), _across(ax, item.right, width)) for item in brackets]
    sides = [(_across(ax, item.left, width), _across(ax, item.right, width)) for item in obstacles]
    tops = scale.transform(np.array([item.top for item in obstacles], dtype=float))
    shares = (np.asarray(tops, dtype=float) - low) / (high - low)

    def placed(share: float) -> list[Placed]:
        below = [
            Box(left, 0.0, right, float(top) * share * height)
            for (left, right), top in zip(sides, shares, strict=True)
        ]
        return stack(brackets, spans, below, width, size)

    share = _largest_share(lambda s: max(i.text.top for i in placed(s)), height - TOP)
    top = scale.inverted().transform(np.array([low + (high - low) / share]))
    ax.set_ylim(top=float(top[0]))
    done = placed(share)
    for item in done:
        _draw(ax, item, width, height, size)
    return done


def size_in_points(ax: Axes) -> tuple[float, float]:
    """Width and height of an axes, points."""
    figure = ax.get_figure(root=True)
    scale = 72.0 / float(figure.dpi) if figure is not None else 1.0
    return float(ax.bbox.width) * scale, float(ax.bbox.height) * scale


def _across(ax: Axes, x: float, width: float) -> float:
    """A column's place in points from the axes' left edge."""
    left, right = ax.get_xlim()
    return (x - left) / (right - left) * width


def _largest_share(top: Callable[[float], float], height: float) -> float:
    """Largest part of the height the data may have so that the stack stays inside, by halving."""
    if top(1.0) <= height:
        return 1.0
    low, high = LEAST_SHARE, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if top(middle) <= height else (low, middle)
    return low


def _draw(ax: Axes, item: Placed, width: float, height: float, size: float) -> None:
    """One bracket: x in data coordinates, y as a share of the axes."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import blended_transform_factory

    bracket, blend = item.bracket, blended_transform_factory(ax.transData, ax.transAxes)
    foot, level = item.line.bottom / height, item.line.top / height
    line = Line2D(
        [bracket.left, bracket.left, bracket.right, bracket.right],
        [foot, level, level, foot],
        transform=blend,
        color=bracket.color,
        linewidth=THIN + 0.1,
        clip_on=False,
        solid_joinstyle="miter",
    )
    ax.add_artist(line)
    # an asterisk hangs at the top of its line: let it down to the bracket
    drop = 0.28 * size if bracket.text.strip("*") == "" else 0.0
    ax.text(
        item.middle / width,
        (item.text.bottom + LIFT - drop) / height,
        bracket.text,
        transform=ax.transAxes,
        ha="center",
        va="baseline",
        size=size,
        color=bracket.color,
        clip_on=False,
    )


# Names beside points, moved out of each other's way.


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
    """Write names beside their points where they touch neither points nor each other."""
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
