"""The parts of a curve figure: wells, band, limits, samples, recovery."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from cytokit.figures._scales import log_axis, log_bounds, log_ticks
from cytokit.figures._text import number, plain, text_width, wrap
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import BAD, FAINT, GOOD, INK, LINE, PALE, QUIET, SMALL, THIN
from cytokit.vocabulary import RangeStatus

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

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
