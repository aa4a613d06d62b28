"""Companions of the panels: heat map of ratios, volcano, detectability; trajectories are beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cytokit.figures._captions import (
    footer_lines,
    footer_room,
    test_sentences,
    warning_sentences,
    write_footer,
)
from cytokit.figures._labels import place_labels
from cytokit.figures._panel_parts import day_name
from cytokit.figures._scales import log_axis, log_bounds
from cytokit.figures._text import number, plain, shorten, text_width
from cytokit.figures._view import (
    ComparisonLike,
    analytes_of,
    group_styles,
    groups_of,
)
from cytokit.figures.brackets import size_in_points
from cytokit.figures.forest import axis_words, between_rows, name_room
from cytokit.figures.heatmap import ratio_heatmap, ratio_heatmap_figure
from cytokit.figures.style import (
    INK,
    LINE,
    POINT,
    QUIET,
    SMALL,
    TEXT,
    THIN,
    WIDTHS,
    axes_at,
    finish,
    new_figure,
    palette,
    styled,
)
from cytokit.figures.trajectories import group_key, trajectory, trajectory_pages

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "detectability",
    "detectability_figure",
    "ratio_heatmap",
    "ratio_heatmap_figure",
    "trajectory",
    "trajectory_pages",
    "volcano",
    "volcano_figure",
]

#: With no more analytes than this, a volcano names them all.
_NAME_ALL = 15
_ROW = 3.6  # mm
#: Parts of a bar: column, whether it is filled, hatching.
_PARTS = (("pct_below", False, ""), ("pct_in_range", True, ""), ("pct_above", False, "//////"))


@styled
def volcano(result: ComparisonLike, ax: Axes) -> Axes:
    """Draw the ratio between groups against its p, named where it is significant.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``table``.
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: x the ratio, y the unadjusted p, both logarithmic, small p on top. Filled:
        significant after adjustment, as the table's stars say.

    Raises
    ------
    NothingToDoError
        CK-525 if the table compares no groups.
    """
    rows = between_rows(result, None)
    rows = rows[np.isfinite(rows["ratio"].to_numpy(float)) & (rows["p"].to_numpy(float) > 0)]
    p, ratio = rows["p"].to_numpy(float), rows["ratio"].to_numpy(float)
    starred = rows["stars"].astype(str).str.startswith("*").to_numpy(bool)
    log_axis(ax, "x", *log_bounds([0.5, 2.0, *ratio], pad=0.12))
    low, high = log_bounds([0.05, 1.0, *p], pad=0.08)
    log_axis(ax, "y", low, min(high, 1.6))
    ax.yaxis.set_major_formatter(lambda value, _: number(value, powers=value < 0.0009))
    ax.invert_yaxis()
    ax.axvline(1.0, color=QUIET, linewidth=THIN, zorder=1)
    color = palette()[1]
    ax.scatter(ratio[starred], p[starred], s=16, color=color, zorder=3)
    ax.scatter(
        ratio[~starred],
        p[~starred],
        s=14,
        facecolor="white",
        edgecolor=INK,
        linewidth=LINE,
        zorder=2,
    )
    named = rows if len(rows) <= _NAME_ALL else rows[starred]
    place_labels(ax, named["ratio"], named["p"], named["analyte"], avoid=(ratio, p))
    finish(ax)
    ax.set_xlabel(shorten(axis_words(result), size_in_points(ax)[0], TEXT), labelpad=2)
    ax.set_ylabel("p (not adjusted)", labelpad=2)
    return ax


def volcano_figure(result: ComparisonLike) -> Figure:
    """The volcano as a figure of its own, 89 mm wide.

    Parameters
    ----------
    result : Comparison

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    NothingToDoError
        CK-525 if the table compares no groups.
    """
    said = [
        *test_sentences(result, analytes_of(result))[:1],
        "Filled: significant after adjustment.",
        *warning_sentences(result.table, analytes_of(result)),
    ]
    key = footer_lines([said], WIDTHS["single"])
    figure = new_figure("single", 82.0 + footer_room(key))
    volcano(result, axes_at(figure, 13.0, 3.0, 73.0, 68.0))
    write_footer(figure, key, 82.0)
    return figure


@styled
def detectability(result: ComparisonLike, ax: Axes, *, day: object = None) -> Axes:
    """Draw the share of readings in range on one day: a bar per analyte and group.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``detectability``.
    ax : matplotlib.axes.Axes
    day : day, optional
        The tested day (of several, the last) where not given.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: full where in range, empty below, hatched above; n at the end of each bar.
    """
    shown = result.day[-1] if day is None else day
    table = result.detectability
    table = table[table["day"] == shown]
    names = list(dict.fromkeys(table["analyte"]))
    styles = group_styles(result)
    height = 0.8 / len(styles)
    for g, (group, (color, _)) in enumerate(styles.items()):
        own = table[table["group"] == group].set_index("analyte").reindex(names)
        y = np.arange(len(names)) + (g - (len(styles) - 1) / 2) * height
        left = np.zeros(len(names))
        for key, filled, hatch in _PARTS:
            share = own[key].fillna(0.0).to_numpy(float)
            ax.barh(
                y, share, height=height * 0.9, left=left, hatch=hatch, edgecolor=color,
                color=color if filled else "white", linewidth=THIN,
            )  # fmt: skip
            left = left + share
        for place, n in zip(y, own["n"].fillna(0), strict=True):
            ax.text(101.5, place, f"{int(n)}", size=SMALL, va="center_baseline", color=color)
    ax.set_xlim(0, 100)
    ax.set_ylim(len(names) - 0.4, -0.6)
    finish(ax)
    room = name_room(ax)
    ax.set_yticks(range(len(names)), [shorten(plain(name), room, SMALL) for name in names])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"Readings at {day_name(shown)} (%)", labelpad=2)
    ax.annotate(
        "n", (1.0, 1.0), xycoords="axes fraction", xytext=(4, 3), textcoords="offset points",
        size=SMALL, color=QUIET,
    )  # fmt: skip
    return ax


def detectability_figure(result: ComparisonLike, *, day: object = None) -> Figure:
    """The detectability bars as a figure of its own, 89 mm wide, with a key.

    Parameters
    ----------
    result : Comparison
    day : day, optional
        As in :func:`detectability`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    names = analytes_of(result)
    key = footer_lines([["Full: in range; empty: below; hatched: above."]], WIDTHS["single"])
    row = max(_ROW, 2.5 * len(groups_of(result)) + 0.6)
    left = min(max(text_width(plain(name), SMALL) for name in names) * POINT + 4.0, 30.0)
    body = len(names) * row
    figure = new_figure("single", body + 19.0 + footer_room(key))
    detectability(result, axes_at(figure, left, 5.0, WIDTHS["single"] - left - 9.0, body), day=day)
    group_key(result, figure, body + 15.0)
    write_footer(figure, key, body + 19.0)
    return figure
