"""Standard curves: wells and level means, band, limits, samples, and the recovery below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from cytokit.errors import NothingToDoError, Problem, UsageError, did_you_mean
from cytokit.figures.axes import log_axis, log_bounds, log_ticks
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import (
    BAD,
    FAINT,
    FAIR,
    GOOD,
    INK,
    LINE,
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
from cytokit.figures.text import number, plain, squeeze, text_width, wrap
from cytokit.figures.view import footer_lines, footer_room, write_footer
from cytokit.schema import RangeStatus, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


# The parts of a curve figure: wells, band, limits, samples, recovery.


#: Statuses whose samples are drawn as within range.
_INSIDE = (str(RangeStatus.IN_RANGE),)
_STEPS = 200
#: Recovery drawn between these; what lies beyond is a triangle at the edge with its number.
RECOVERY_EDGES = (60.0, 140.0)
RECOVERY_BAND = (80.0, 120.0)


class CurveLike(Protocol):
    """The part of a standard curve that figures read."""

    @property
    def plate(self) -> str:
        """Its plate's name."""

    @property
    def analyte(self) -> str:
        """What it measures."""

    @property
    def unit(self) -> str:
        """Of its concentrations."""

    @property
    def lod(self) -> float:
        """Limit of detection, at the bead."""

    @property
    def lloq(self) -> float:
        """Lower limit of quantification, by precision."""

    @property
    def uloq(self) -> float:
        """Upper limit of quantification, by precision."""

    @property
    def reason(self) -> str:
        """Why the verdict is what it is."""

    @property
    def verdict(self) -> object:
        """What the curve is worth."""

    @property
    def ok(self) -> bool:
        """Whether there is a curve."""

    @property
    def standards(self) -> pd.DataFrame:
        """One row per level."""

    @property
    def wells(self) -> pd.DataFrame:
        """Single standard and blank wells."""

    def predict(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """MFI at a concentration."""

    def band(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """95 % prediction band of one well's MFI."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a curve's axes begin and end, and where its blanks stand.

    Parameters
    ----------
    left, right, blank : float
        Concentrations; ``blank`` is the place of 0 on the logarithmic axis.
    low, high : float
        MFI.
    """

    left: float
    right: float
    blank: float
    low: float
    high: float

    def across(self, concentration: float) -> float:
        """Where a concentration stands, as a share of the axis' length."""
        return math.log(concentration / self.left) / math.log(self.right / self.left)


def frame_of(curve: CurveLike, samples: pd.DataFrame | None) -> Frame:
    """Bounds for a curve: its standards with a step to spare, and a place for the blanks."""
    levels = curve.wells["expected"].to_numpy(float)
    positive = levels[np.isfinite(levels) & (levels > 0)]
    first, last = (positive.min(), positive.max()) if positive.size else (1.0, 1000.0)
    step = (last / first) ** 0.07 if last > first else 3.0
    readings = [*curve.wells["mfi"], *([] if samples is None else samples["mfi"])]
    low, high = log_bounds(readings)
    blank = first / step**2.5
    return Frame(blank / step, last * step, blank, low, high)


def set_axes(ax: Axes, frame: Frame) -> None:
    """Logarithmic axes for a curve; 0 keeps a place of its own behind a break."""
    log_axis(ax, "y", frame.low, frame.high)
    concentration_axis(ax, frame)
    ax.set_ylabel("MFI", labelpad=2)


def concentration_axis(ax: Axes, frame: Frame) -> None:
    """A logarithmic x axis with a tick for 0 at the blanks' place and a break behind it."""
    edge = math.sqrt(frame.blank * frame.blank * (frame.blank / frame.left) ** 1.5)
    log_axis(ax, "x", edge, frame.right)
    ax.set_xlim(frame.left, frame.right)
    ticks = log_ticks(edge, frame.right)
    powers = bool(ticks) and (max(ticks) >= 1e6 or min(ticks) < 1e-3)
    labels = [(tick, number(tick, powers=powers)) for tick in ticks]
    shown = _apart([(frame.blank, "0"), *labels], frame, size_in_points(ax)[0])
    ax.set_xticks([tick for tick, _ in shown], [text for _, text in shown])
    across = frame.across(edge)
    for shift in (-0.008, 0.008):
        ax.plot(
            [across + shift - 0.006, across + shift + 0.006], [-0.015, 0.015],
            transform=ax.transAxes, color=INK, linewidth=THIN, clip_on=False, zorder=6,
        )  # fmt: skip


def _apart(
    labels: Sequence[tuple[float, str]], frame: Frame, width: float
) -> list[tuple[float, str]]:
    """The labels that leave each other room: all, or every second, every third, ..."""
    zero, rest = labels[0], list(labels[1:])
    for step in range(1, len(rest) + 1):
        shown = rest[(len(rest) - 1) % step :: step]
        if _fits(shown, frame, width):
            return [zero, *(shown if _fits([zero, *shown[:1]], frame, width) else shown[1:])]
    return [zero]


def _fits(labels: Sequence[tuple[float, str]], frame: Frame, width: float) -> bool:
    """Whether neighbours on the axis stay two points apart on either side."""
    ends = [(frame.across(tick) * width, text_width(text) / 2 + 2.0) for tick, text in labels]
    return all(b - a >= half + next_half for (a, half), (b, next_half) in pairwise(ends))


def draw_limits(ax: Axes, curve: CurveLike, frame: Frame, *, words: bool = True) -> None:
    """The quantifiable range as a pale field between LLOQ and ULOQ, LOD as a dotted line."""
    low, high = curve.lloq, curve.uloq
    if math.isfinite(low) and math.isfinite(high) and low < high:
        ax.axvspan(max(low, frame.left), min(high, frame.right), color=PALE, linewidth=0, zorder=0)
    limits = ((curve.lod, "LOD", ":", 1.0, -9.5), (low, "LLOQ", "--", 1.0, -2.0))
    for limit, name, dashes, edge, shift in (*limits, (high, "ULOQ", "--", 0.0, 6.0)):
        if not (math.isfinite(limit) and frame.left < limit < frame.right):
            continue
        ax.axvline(limit, color=QUIET, linewidth=THIN, linestyle=dashes, zorder=1)
        if not words:
            continue
        middle = math.sqrt(frame.left * frame.right)
        room = frame.across(limit) * size_in_points(ax)[0] - text_width(name)
        beyond = limit > middle or (name == "LOD" and room > 4.0)
        side, aside = ("right", -2) if beyond else ("left", 2)
        ax.annotate(
            name, (limit, edge), xycoords=("data", "axes fraction"), xytext=(aside, shift),
            textcoords="offset points", ha=side, va="top" if edge else "bottom", size=SMALL,
            color=QUIET,
        )  # fmt: skip


def draw_curve(ax: Axes, curve: CurveLike, frame: Frame) -> None:
    """The curve over the range of its standards, with the band of a single well."""
    levels = curve.wells["expected"].to_numpy(float)
    positive = levels[np.isfinite(levels) & (levels > 0)]
    if not curve.ok or positive.size == 0:
        return
    x = np.geomspace(positive.min(), positive.max(), _STEPS)
    low, high = (np.clip(edge, frame.low / 10, frame.high * 10) for edge in curve.band(x))
    ax.fill_between(x, low, high, color=GOOD, alpha=0.15, linewidth=0, zorder=1.5)
    ax.plot(x, curve.predict(x), color=GOOD, linewidth=LINE + 0.2, zorder=2)


def draw_wells(ax: Axes, curve: CurveLike, frame: Frame) -> None:
    """Single wells small, level means large; down-weighted wells ringed, unused ones crossed."""
    wells = curve.wells.dropna(subset=["expected", "mfi"])
    x = np.where(wells["expected"] > 0, wells["expected"], frame.blank)
    y = np.clip(wells["mfi"].to_numpy(float), frame.low, frame.high)
    used = wells["used"].to_numpy(bool)
    remarked = used & (wells["reason"].fillna("").astype(str).to_numpy() != "")
    plainly = used & ~remarked
    ax.scatter(x[plainly], y[plainly], s=6, facecolor=INK, linewidth=0, alpha=0.75, zorder=3)
    ax.scatter(
        x[remarked], y[remarked], s=14, facecolor="white", edgecolor=BAD, linewidth=LINE, zorder=3.2
    )
    ax.scatter(x[~used], y[~used], s=14, marker="x", color=BAD, linewidth=LINE, zorder=3.2)
    levels = curve.standards.dropna(subset=["expected", "mfi"])
    levels = levels[levels["mfi"] > 0]
    ax.scatter(
        np.where(levels["expected"] > 0, levels["expected"], frame.blank), levels["mfi"],
        s=30, marker="_", color=INK, linewidth=LINE + 0.2, zorder=2.8,
    )  # fmt: skip


def draw_rug(ax: Axes, samples: pd.DataFrame, frame: Frame) -> None:
    """Samples as strokes: MFI on the right, concentration at the bead below."""
    inside = samples["status"].isin(_INSIDE).to_numpy(bool)
    mfi = samples["mfi"].to_numpy(float)
    shown = np.isfinite(mfi) & (mfi > 0)
    bead = samples["concentration"].to_numpy(float) / samples["dilution_factor"].to_numpy(float)
    placed = np.isfinite(bead) & (bead > frame.blank) & (bead < frame.right)
    across, up = ax.get_yaxis_transform(), ax.get_xaxis_transform()
    for chosen, color in ((inside, GOOD), (~inside, BAD)):
        ax.hlines(
            mfi[shown & chosen], 0.975, 1.0, transform=across, colors=color, linewidths=THIN,
            alpha=0.7, zorder=2,
        )  # fmt: skip
        ax.vlines(
            bead[placed & chosen], 0.0, 0.035, transform=up, colors=color, linewidths=THIN,
            alpha=0.7, zorder=2,
        )  # fmt: skip


def draw_reason(ax: Axes, curve: CurveLike) -> None:
    """In the place of a curve that failed, why."""
    width = size_in_points(ax)[0] * 0.6
    lines = wrap(plain(f"no curve: {curve.reason}" if curve.reason else "no curve"), width, lines=4)
    ax.text(
        0.95, 0.06, "\n".join(lines), transform=ax.transAxes, ha="right", va="bottom",
        size=SMALL, color=BAD, zorder=6,
    )  # fmt: skip


def draw_recovery(ax: Axes, standards: pd.DataFrame, edges: Sequence[float]) -> None:
    """Recovery of each level against 80-120 %; beyond the edges a triangle and the number."""
    low, high = edges
    rows = standards[standards["expected"] > 0].dropna(subset=["recovery_pct"])
    for _, row in rows.iterrows():
        recovery = float(row["recovery_pct"])
        good = RECOVERY_BAND[0] <= recovery <= RECOVERY_BAND[1]
        color = (GOOD if good else BAD) if bool(row["used"]) else FAINT
        inside = low <= recovery <= high
        marker = "o" if inside else "^" if recovery > high else "v"
        marker = marker if bool(row["used"]) or not inside else "x"
        height = min(max(recovery, low + 4), high - 4)
        face = color if good or marker == "x" else "white"
        ax.scatter(
            row["expected"], height, s=12, marker=marker, facecolor=face,
            edgecolor=None if marker == "x" else color, linewidth=LINE, zorder=3, clip_on=False,
        )  # fmt: skip
        if not inside:
            ax.annotate(
                f"{recovery:.0f}", (row["expected"], height), xytext=(3.5, 0), size=SMALL,
                textcoords="offset points", va="center", color=color,
            )  # fmt: skip


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


class CurveFitLike(Protocol):
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
    frame = frame_of(curve, own)
    set_axes(ax, frame)
    draw_limits(ax, curve, frame)
    draw_curve(ax, curve, frame)
    draw_wells(ax, curve, frame)
    if own is not None:
        draw_rug(ax, own, frame)
    if not curve.ok:
        draw_reason(ax, curve)
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
    frame = frame_of(curve, _own(curve, samples))
    low, high = RECOVERY_EDGES
    concentration_axis(ax, frame)
    ax.set_ylim(low, high)
    ax.set_yticks([80, 100, 120])
    ax.axhspan(*RECOVERY_BAND, color=PALE, linewidth=0, zorder=0)
    ax.axhline(100, color=QUIET, linewidth=THIN, zorder=1)
    draw_recovery(ax, curve.standards, RECOVERY_EDGES)
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
    fit: CurveFitLike,
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


def _chosen(
    fit: CurveFitLike, plate: str | None, analytes: Sequence[str] | None
) -> list[CurveLike]:
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
