"""Standard curves: wells and level means, band, limits, samples, and the recovery below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from cytokit.errors import NothingToDoError, Problem, UsageError, did_you_mean
from cytokit.figures import _curve_parts as parts
from cytokit.figures._captions import footer_lines, footer_room, write_footer
from cytokit.figures._curve_parts import CurveLike
from cytokit.figures._text import plain, squeeze, text_width
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import (
    BAD,
    FAIR,
    GOOD,
    PAGE_HEIGHT,
    PALE,
    QUIET,
    SMALL,
    THIN,
    TITLE,
    WIDTHS,
    Width,
    axes_at,
    choose,
    finish,
    new_figure,
    styled,
)
from cytokit.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_VERDICT_COLORS = {
    Verdict.GOOD: GOOD,
    Verdict.USABLE: GOOD,
    Verdict.POOR: FAIR,
    Verdict.FAILED: BAD,
}
# mm
_LEFT, _RIGHT, _ABOVE, _BELOW, _BETWEEN = 13.0, 4.0, 5.5, 9.0, 1.5
_CURVE, _STRIP = 36.0, 11.0
_KEY = (
    "Dots: single wells; strokes: level means; rings: down-weighted wells; ×: not used.",
    "Band: 95 % prediction interval of one well.",
    "Grey field: LLOQ to ULOQ; dotted: LOD.",
    "Strokes at the edges: samples (red: outside the quantifiable range).",
    "Below: recovery of each level, field 80–120 %.",
)


class FitLike(Protocol):
    """The part of a plate fit that curve figures read."""

    @property
    def curves(self) -> Mapping[tuple[str, str], CurveLike]:
        """By plate and analyte."""

    @property
    def samples(self) -> pd.DataFrame:
        """One row per plate, sample and analyte."""


@styled
def standard_curve(curve: CurveLike, ax: Axes, *, samples: pd.DataFrame | None = None) -> Axes:
    """Draw one standard curve with its wells, band, limits and samples.

    Parameters
    ----------
    curve : StandardCurve
    ax : matplotlib.axes.Axes
    samples : pandas.DataFrame, optional
        Rows of ``fit.samples``; those of this plate and analyte that are controls or unknowns are
        drawn as a rug.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes, both scales logarithmic; concentrations at the bead, in the curve's unit.
        Blanks stand at 0, behind a break of the axis.
    """
    own = _own(curve, samples)
    frame = parts.frame_of(curve, own)
    parts.set_axes(ax, frame)
    parts.draw_limits(ax, curve, frame)
    parts.draw_curve(ax, curve, frame)
    parts.draw_wells(ax, curve, frame)
    if own is not None:
        parts.draw_rug(ax, own, frame)
    if not curve.ok:
        parts.draw_reason(ax, curve)
    finish(ax)
    ax.set_xlabel(_concentration(curve), labelpad=2)
    _title(ax, curve)
    return ax


@styled
def recovery_strip(curve: CurveLike, ax: Axes, *, samples: pd.DataFrame | None = None) -> Axes:
    """Draw how well each level is found again: back-calculated over expected, in percent.

    Parameters
    ----------
    curve : StandardCurve
    ax : matplotlib.axes.Axes
    samples : pandas.DataFrame, optional
        Only to give the x axis the same bounds as :func:`standard_curve` has.

    Returns
    -------
    matplotlib.axes.Axes
    """
    frame = parts.frame_of(curve, _own(curve, samples))
    low, high = parts.RECOVERY_EDGES
    parts.concentration_axis(ax, frame)
    ax.set_ylim(low, high)
    ax.set_yticks([80, 100, 120])
    ax.axhspan(*parts.RECOVERY_BAND, color=PALE, linewidth=0, zorder=0)
    ax.axhline(100, color=QUIET, linewidth=THIN, zorder=1)
    parts.draw_recovery(ax, curve.standards, parts.RECOVERY_EDGES)
    finish(ax)
    ax.set_ylabel("Recovery\n(%)", labelpad=2, size=SMALL)
    ax.set_xlabel(_concentration(curve), labelpad=2)
    return ax


@styled
def curve_figure(
    curve: CurveLike, *, samples: pd.DataFrame | None = None, width: Width = "single"
) -> Figure:
    """One curve with its recovery strip and a key, as a figure of its own.

    Parameters
    ----------
    curve : StandardCurve
    samples : pandas.DataFrame, optional
        Rows of ``fit.samples``.
    width : {"single", "double"}
        89 or 183 mm.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        CK-521 for another width.
    """
    choose("figure width", width, tuple(WIDTHS), "CK-521")
    key = footer_lines([_KEY], WIDTHS[width])
    height = 52.0
    body = _ABOVE + height + _BETWEEN + _STRIP + _BELOW
    figure = new_figure(width, body + footer_room(key))
    _pair(figure, curve, samples, (_LEFT, _ABOVE, WIDTHS[width] - _LEFT - _RIGHT, height))
    write_footer(figure, key, body + 1.0)
    return figure


def curve_pages(
    fit: FitLike,
    *,
    plate: str | None = None,
    analytes: Sequence[str] | None = None,
    width: Width = "double",
) -> tuple[Figure, ...]:
    """All curves of a fit, each with its recovery strip, on as many pages as they need.

    Parameters
    ----------
    fit : PlateFit
    plate : str, optional
        Only this plate.
    analytes : sequence of str, optional
        Only these, in this order.
    width : {"double", "single"}
        183 or 89 mm.

    Returns
    -------
    tuple of matplotlib.figure.Figure

    Raises
    ------
    UsageError
        CK-521 for a width, CK-527 for a plate or analyte without a curve.
    NothingToDoError
        CK-525 if the fit holds no curve.
    """
    choose("figure width", width, tuple(WIDTHS), "CK-521")
    curves = _chosen(fit, plate, analytes)
    beside = min(len(curves), 1 if width == "single" else 3 if len(curves) <= 12 else 4)
    key = footer_lines([_KEY], WIDTHS[width])
    cell = WIDTHS[width] / beside
    tall = _ABOVE + _CURVE + _BETWEEN + _STRIP + _BELOW
    rows = max(1, int((PAGE_HEIGHT - footer_room(key)) // tall))
    pages = []
    for first in range(0, len(curves), rows * beside):
        shown = curves[first : first + rows * beside]
        body = math.ceil(len(shown) / beside) * tall
        figure = new_figure(width, body + footer_room(key))
        for index, curve in enumerate(shown):
            row, column = divmod(index, beside)
            place = (column * cell + _LEFT, row * tall + _ABOVE, cell - _LEFT - _RIGHT, _CURVE)
            _pair(figure, curve, fit.samples, place)
        write_footer(figure, key, body + 1.0)
        pages.append(figure)
    return tuple(pages)


def _chosen(fit: FitLike, plate: str | None, analytes: Sequence[str] | None) -> list[CurveLike]:
    """The curves asked for, in the order asked for."""
    curves = list(fit.curves.values())
    if not curves:
        raise NothingToDoError(Problem("CK-525", "there is no curve to draw"))
    plates = list(dict.fromkeys(curve.plate for curve in curves))
    names = list(dict.fromkeys(curve.analyte for curve in curves))
    unknown = [("plate", plate, plates)] if plate is not None and plate not in plates else []
    unknown += [("analyte", name, names) for name in analytes or () if name not in names]
    if unknown:
        raise UsageError(
            *(
                Problem(
                    "CK-527",
                    f"the fit has no curve of {what} {name!r}",
                    mend=f"use one of {', '.join(known)}",
                    near=did_you_mean(name, known),
                )
                for what, name, known in unknown
            )
        )
    order = {name: i for i, name in enumerate(analytes)} if analytes is not None else None
    kept = [curve for curve in curves if plate is None or curve.plate == plate]
    if order is None:
        return kept
    kept = [curve for curve in kept if curve.analyte in order]
    return sorted(kept, key=lambda curve: order[curve.analyte])


def _pair(
    figure: Figure,
    curve: CurveLike,
    samples: pd.DataFrame | None,
    place: tuple[float, float, float, float],
) -> None:
    """A curve and its strip under each other; only the lower one names the concentrations."""
    left, top, width, height = place
    upper = axes_at(figure, left, top, width, height)
    standard_curve(curve, upper, samples=samples)
    upper.set_xlabel("")
    upper.tick_params(axis="x", labelbottom=False)
    lower = axes_at(figure, left, top + height + _BETWEEN, width, _STRIP)
    recovery_strip(curve, lower, samples=samples)
    upper.yaxis.set_label_coords(-10.0 / width, 0.5)
    lower.yaxis.set_label_coords(-6.8 / width, 0.5)


def _own(curve: CurveLike, samples: pd.DataFrame | None) -> pd.DataFrame | None:
    """The samples of this plate and analyte."""
    if samples is None:
        return None
    kinds = samples["well_type"].isin(["control", "unknown"])
    return samples[
        kinds & (samples["plate"] == curve.plate) & (samples["analyte"] == curve.analyte)
    ]


def _concentration(curve: CurveLike) -> str:
    """The x axis' words."""
    return f"Concentration ({plain(curve.unit)})" if curve.unit else "Concentration"


def _title(ax: Axes, curve: CurveLike) -> None:
    """Analyte on the left, verdict on the right."""
    verdict = str(curve.verdict)
    room = size_in_points(ax)[0] - text_width(verdict, SMALL) - 6
    ax.set_title(squeeze(plain(curve.analyte), room, TITLE), loc="left", pad=4)
    color = _VERDICT_COLORS.get(Verdict(verdict), QUIET) if verdict in set(Verdict) else QUIET
    ax.annotate(
        verdict, (1, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points",
        size=SMALL, ha="right", va="baseline", color=color,
    )  # fmt: skip
