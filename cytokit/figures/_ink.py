"""Strokes, marks and words gathered before they are drawn: one artist for all of one look.

A page of charts has thousands of strokes. As an artist each they cost ten times what they cost as
one path, and matplotlib's own axes and ticks cost more than what stands in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cytokit.figures.style import INK, SMALL, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a line looks; ``dashes`` are points on and off, none for a solid line."""

    color: str
    dashes: tuple[float, ...] = ()
    width: float = THIN
    zorder: float = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """How a mark looks; size in points."""

    marker: str
    size: float
    face: str
    edge: str
    width: float = THIN


@dataclass(frozen=True, slots=True)
class Word:
    """A line of text at a place, moved by so many points."""

    text: str
    x: float
    y: float
    dx: float = 0.0
    dy: float = 0.0
    color: str = INK
    size: float = SMALL
    ha: Literal["left", "center", "right"] = "left"
    va: Literal["baseline", "top", "bottom"] = "baseline"
    boxed: bool = False


@dataclass(frozen=True)
class Ink:
    """What is to be drawn, in the coordinates of one axes."""

    lines: dict[Stroke, list[Floats]] = field(default_factory=dict)
    marks: dict[Look, list[Floats]] = field(default_factory=dict)
    words: list[Word] = field(default_factory=list)

    def line(self, stroke: Stroke, x: object, y: object) -> None:
        """Add a line through points."""
        self.lines.setdefault(stroke, []).append(_points(x, y))

    def mark(self, look: Look, x: object, y: object) -> None:
        """Add marks."""
        self.marks.setdefault(look, []).append(_points(x, y))

    def add(self, other: Ink, move: Callable[[Floats], Floats]) -> None:
        """Add all of another, its places moved; offsets in points become part of the place.

        Parameters
        ----------
        other : Ink
        move : callable
            From places (n, 2) there to places here, where one unit is one point.
        """
        for stroke, lines in other.lines.items():
            self.lines.setdefault(stroke, []).extend(move(line) for line in lines)
        for look, marks in other.marks.items():
            self.marks.setdefault(look, []).extend(move(mark) for mark in marks)
        for word in other.words:
            x, y = move(np.array([[word.x, word.y]]))[0].tolist()
            self.words.append(replace(word, x=x + word.dx, y=y + word.dy, dx=0.0, dy=0.0))


def draw_ink(ax: Axes, ink: Ink) -> None:
    """Draw on axes whose limits are set; nothing is clipped."""
    for stroke, lines in ink.lines.items():
        _draw_lines(ax, stroke, lines)
    for look, marks in ink.marks.items():
        _draw_marks(ax, look, marks)
    for word in ink.words:
        _draw_word(ax, word)


def _points(x: object, y: object) -> Floats:
    """Places (n, 2) from two columns."""
    return np.column_stack([np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)])


def _draw_lines(ax: Axes, stroke: Stroke, lines: list[Floats]) -> None:
    """All lines of one look as one path."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    codes = np.full(sum(map(len, lines)), Path.LINETO, dtype=Path.code_type)
    codes[np.cumsum([0, *map(len, lines[:-1])])] = Path.MOVETO
    style = (0.0, tuple(on / stroke.width for on in stroke.dashes)) if stroke.dashes else "-"
    patch = PathPatch(
        Path(np.concatenate(lines), codes), fill=False, edgecolor=stroke.color,
        linewidth=stroke.width, linestyle=style, capstyle="butt", joinstyle="round",
        zorder=stroke.zorder,
    )  # fmt: skip
    patch.set_clip_on(False)
    ax.add_artist(patch)


def _draw_marks(ax: Axes, look: Look, marks: list[Floats]) -> None:
    """All marks of one look as one artist."""
    from matplotlib.lines import Line2D

    x, y = np.concatenate(marks).T
    line = Line2D(
        x, y, linestyle="none", marker=look.marker, markersize=look.size,
        markerfacecolor=look.face, markeredgecolor=look.edge, markeredgewidth=look.width, zorder=4,
    )  # fmt: skip
    line.set_clip_on(False)
    ax.add_artist(line)


def _draw_word(ax: Axes, word: Word) -> None:
    """One text."""
    from matplotlib.transforms import offset_copy

    box = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.3} if word.boxed else None
    place = ax.transData
    if word.dx or word.dy:
        figure = ax.get_figure(root=True)
        place = offset_copy(place, fig=figure, x=word.dx, y=word.dy, units="points")
    ax.text(
        word.x, word.y, word.text, size=word.size, color=word.color, ha=word.ha, va=word.va,
        zorder=3, bbox=box, transform=place,
    )  # fmt: skip
