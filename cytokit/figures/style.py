"""The house style of every figure: colours, sizes, type, and saving that repeats to the byte.

matplotlib keeps its settings in one global table. :func:`house_style` changes it for the length of
a block and holds a lock meanwhile, so that figures can be made from several threads.
"""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import numpy as np

from cytokit.arrays import Floats
from cytokit.errors import OutputError, Problem, UsageError, did_you_mean, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Width = Literal["single", "double"]
Call = ParamSpec("Call")
Result = TypeVar("Result")

MM = 1 / 25.4  # inches
POINT = 25.4 / 72  # mm
#: Column widths of the biomedical journals, mm.
WIDTHS = {"single": 89.0, "double": 183.0}
#: Height of a printed page that still leaves room for a legend, mm.
PAGE_HEIGHT = 225.0
PNG_DPI = 600
FORMATS = ("pdf", "svg", "png")

#: Type sizes in points; nothing in a figure is set smaller than SMALL.
SMALL, TEXT, TITLE = 6.0, 6.5, 7.5
THIN, LINE = 0.5, 0.8

INK, QUIET, FAINT, PALE = "#1a1a1a", "#6b6b6b", "#b3b3b3", "#eeeeee"
GOOD, FAIR, BAD = "#0173b2", "#de8f05", "#b2182b"
#: Order in which seaborn's colour-blind palette is used: the reference group comes first.
_HUES = (0, 3, 2, 4, 5, 9, 7, 1)
#: The second cue beside the hue. Triangles are kept for values out of range.
MARKERS = ("o", "s", "D", "p", "h", "P", "X", "8")

_LOCK = threading.RLock()
#: the first that is installed is used
FONTS = ["DejaVu Sans", "Arial", "Helvetica"]


@functools.cache
def palette() -> tuple[str, ...]:
    """Hues for groups, told apart by readers with any common colour blindness."""
    import seaborn

    hues = seaborn.color_palette("colorblind").as_hex()
    return tuple(str(hues[index]) for index in _HUES)


@functools.cache
def _settings() -> Any:
    """Matplotlib settings of the house: seaborn's ``ticks`` theme on paper, with our type."""
    import seaborn

    return {
        **seaborn.axes_style("ticks"),
        **seaborn.plotting_context("paper"),
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.labelsize": TEXT,
        "axes.linewidth": THIN,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": TITLE,
        "axes.unicode_minus": True,
        "figure.dpi": 100.0,
        "font.family": ["sans-serif"],
        "font.sans-serif": FONTS,
        "font.size": TEXT,
        "hatch.linewidth": THIN,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "lines.linewidth": LINE,
        "patch.linewidth": THIN,
        "path.simplify": False,
        "pdf.compression": 6,
        "pdf.fonttype": 42,
        "savefig.bbox": None,
        "savefig.facecolor": "white",
        "svg.fonttype": "none",
        "svg.hashsalt": "cytokit",
        "text.color": INK,
        "text.usetex": False,
        "xtick.color": INK,
        "xtick.labelsize": SMALL,
        "ytick.color": INK,
        "ytick.labelsize": SMALL,
    }


@contextmanager
def house_style() -> Iterator[None]:
    """Use the house's matplotlib settings inside a ``with`` block, one thread at a time."""
    import matplotlib as mpl

    with _LOCK, mpl.rc_context(_settings()):
        yield


def styled(function: Callable[Call, Result]) -> Callable[Call, Result]:
    """Decorate a drawing function so that it runs in :func:`house_style`."""

    @functools.wraps(function)
    def inner(*args: Call.args, **kwargs: Call.kwargs) -> Result:
        with house_style():
            return function(*args, **kwargs)

    return inner


def new_figure(width: Width, height_mm: float) -> Figure:
    """An empty figure of a journal's column width, without pyplot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    choose("figure width", width, tuple(WIDTHS), "CK-521")
    with house_style():
        figure = Figure(figsize=(WIDTHS[width] * MM, height_mm * MM))
        FigureCanvasAgg(figure)
    return figure


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in mm from the figure's upper left corner."""
    inches_wide, inches_high = figure.get_size_inches()
    full_width, full_height = float(inches_wide) / MM, float(inches_high) / MM
    corner = (left / full_width, 1 - (top + height) / full_height)
    with house_style():
        return figure.add_axes((*corner, width / full_width, height / full_height))


def finish(ax: Axes) -> None:
    """Quiet frame and ticks; set on the axes itself, so that later drawing keeps them."""
    ax.tick_params(which="major", labelsize=SMALL, length=2.5, width=THIN, pad=2, color=INK)
    ax.tick_params(which="minor", length=1.5, width=0.4, color=INK)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def choose(what: str, value: object, choices: Sequence[str], code: str) -> None:
    """Refuse a value that is not among the choices."""
    if value not in choices:
        raise UsageError(
            Problem(
                code,
                f"unknown {what} {value!r}",
                mend=f"use one of {', '.join(choices)}",
                near=did_you_mean(value, choices),
            )
        )


def figure_bytes(fig: Figure, format: str) -> bytes:  # noqa: A002 - matplotlib's own word
    """A figure as the bytes of a file, the same for the same figure and library versions."""
    choose("figure format", format, FORMATS, "CK-520")
    metadata: dict[str, dict[str, str | None]] = {
        "pdf": {"CreationDate": None, "Creator": "cytokit"},
        "svg": {"Date": None, "Creator": "cytokit"},
        "png": {"Software": None},
    }
    buffer = io.BytesIO()
    with house_style():
        fig.savefig(buffer, format=format, dpi=PNG_DPI, metadata=metadata[format])
    return buffer.getvalue()


def pages_bytes(figures: Sequence[Figure]) -> bytes:
    """Several figures as one PDF with a page each, the same bytes every time."""
    from matplotlib.backends.backend_pdf import PdfPages

    buffer = io.BytesIO()
    with (
        house_style(),
        PdfPages(buffer, metadata={"CreationDate": None, "Creator": "cytokit"}) as pdf,
    ):
        for figure in figures:
            pdf.savefig(figure)
    return buffer.getvalue()


def save_figure(
    fig: Figure | Sequence[Figure], stem: str | Path, formats: Sequence[str] = FORMATS
) -> tuple[Path, ...]:
    """Write a figure in each format; the same input and versions give the same bytes."""
    for name in formats:
        choose("figure format", name, FORMATS, "CK-520")
    figures = list(fig) if isinstance(fig, Sequence) else [fig]
    base, written = Path(stem), []
    for name in formats:
        if name == "pdf" and len(figures) > 1:
            written.append(_write(base, 0, name, pages_bytes(figures)))
            continue
        for page, figure in enumerate(figures):
            written.append(_write(base, page, name, figure_bytes(figure, name)))
    return tuple(written)


def _write(base: Path, page: int, name: str, data: bytes) -> Path:
    """Write one file; the first page bears the bare name."""
    path = base.with_name(f"{base.name}{f'-{page + 1}' if page else ''}.{name}")
    try:
        path.write_bytes(data)
    except OSError as error:
        mend = "check that the folder exists and may be written to"
        raise OutputError(
            Problem("CK-522", f"cannot write the figure: {error.strerror}", place(path), mend)
        ) from error
    return path


# Strokes, marks and words gathered before they are drawn: one artist for all of one look.


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
        """Add all of another, its places moved; offsets in points become part of the place."""
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
