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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

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
    """Hues for groups, told apart by readers with any common colour blindness.

    Returns
    -------
    tuple of str
        Eight hex colours from seaborn's ``colorblind`` palette; the reference group takes the
        first.

    Examples
    --------
    >>> palette()[:2]
    ('#0173b2', '#d55e00')
    """
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
    """Use the house's matplotlib settings inside a ``with`` block, one thread at a time.

    Examples
    --------
    >>> import matplotlib
    >>> with house_style():
    ...     int(matplotlib.rcParams["pdf.fonttype"])
    42
    """
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
    """An empty figure of a journal's column width, without pyplot.

    Parameters
    ----------
    width : {"single", "double"}
        89 or 183 mm.
    height_mm : float

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        CK-521 for another width.

    Examples
    --------
    >>> figure = new_figure("single", 60)
    >>> [round(float(inches) * 25.4) for inches in figure.get_size_inches()]
    [89, 60]
    """
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
    """Refuse a value that is not among the choices.

    Raises
    ------
    UsageError
        With the given code, the choices and a near miss.
    """
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
    """A figure as the bytes of a file, the same for the same figure and library versions.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    format : {"pdf", "svg", "png"}
        PDF with embedded TrueType fonts (Type 42) and no date; SVG with text as text, fixed ids
        and no date; PNG at 600 dpi without metadata.

    Returns
    -------
    bytes

    Raises
    ------
    UsageError
        CK-520 for another format.

    Examples
    --------
    >>> figure = new_figure("single", 30)
    >>> figure_bytes(figure, "pdf") == figure_bytes(figure, "pdf")
    True
    """
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
    """Write a figure in each format; the same input and versions give the same bytes.

    Parameters
    ----------
    fig : matplotlib.figure.Figure or sequence of them
        Several pages make one PDF with as many pages; SVG and PNG get one file each, numbered
        from the second page on (``panels.svg``, ``panels-2.svg``).
    stem : str or pathlib.Path
        Path without the ending; a dot in the name is kept.
    formats : sequence of {"pdf", "svg", "png"}

    Returns
    -------
    tuple of pathlib.Path
        The files written, in order.

    Raises
    ------
    UsageError
        CK-520 for an unknown format; nothing is written then.
    OutputError
        CK-522 if a file cannot be written.
    """
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
