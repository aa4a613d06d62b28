"""One panel: an analyte's columns with points, lines, summary, limits, and the table's brackets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cytokit.figures import _panel_parts as parts
from cytokit.figures import _panel_points as readings
from cytokit.figures._marks import Mark, marks_of
from cytokit.figures._scales import log_axis, log_bounds
from cytokit.figures._view import (
    Column,
    ComparisonLike,
    analysed_of,
    check_analyte,
    columns_of,
    deaths_of,
    last_days,
    points_of,
    unit_of,
)
from cytokit.figures.brackets import Bracket, Obstacle, draw_brackets
from cytokit.figures.style import INK, QUIET, choose, finish, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Summary = Literal["box", "gm", "bar"]
Label = Literal["stars", "p", "both"]
SUMMARIES, LABELS = ("box", "gm", "bar"), ("stars", "p", "both")


@styled
def panel(
    result: ComparisonLike,
    analyte: str,
    ax: Axes,
    *,
    summary: Summary = "box",
    label: Label = "stars",
) -> Axes:
    """Draw one analyte: a column per group and day, and the brackets of the table.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``table``, ``summary``, ``study``, ``options``.
    analyte : str
    ax : matplotlib.axes.Axes
        Of its final size: the brackets are laid out for it.
    summary : {"box", "gm", "bar"}
        Median, quartiles and extremes; or the geometric mean with its interval.
    label : {"stars", "p", "both"}
        What stands on the brackets, taken from the table.

    Returns
    -------
    matplotlib.axes.Axes
        The same axes; y is logarithmic in the analyte's unit.

    Raises
    ------
    UsageError
        CK-523 for an unknown analyte, CK-524 for an unknown summary or label.
    """
    choose("summary", summary, SUMMARIES, "CK-524")
    choose("label", label, LABELS, "CK-524")
    check_analyte(result, analyte)
    columns = columns_of(result)
    points = points_of(result, analyte, columns)
    dead = deaths_of(result, columns)
    table = result.summary[result.summary["analyte"] == analyte]
    low, high = log_bounds([*points["y"], *_summary_heights(table, summary), *_ends(points)])
    log_axis(ax, "y", low, high)
    ax.set_xlim(columns[0].x - 0.6, columns[-1].x + 0.6)
    crowded = int(points["column"].value_counts().max() if len(points) else 0) > readings.CROWD
    readings.draw_limits(ax, points, columns)
    drawn = _draw_summary(ax, table, columns, summary, low, crowded=crowded)
    readings.draw_lines(ax, points, columns)
    readings.draw_points(ax, points, columns, (low, high))
    readings.draw_deaths(ax, points, columns, dead, low, last_days(result, analyte))
    marks = marks_of(result, analyte, columns)
    draw_brackets(ax, brackets_of(marks, label), _obstacles(points, columns, drawn))
    ax.spines["left"].set_bounds(low, high)
    finish(ax)
    parts.label_columns(ax, points, columns, dead, analysed_of(result, analyte))
    parts.draw_title(ax, analyte, unit_of(result, analyte))
    parts.say_without_numbers(ax, points)
    return ax


def _summary_heights(table: pd.DataFrame, summary: str) -> list[float]:
    """What the summary marks will reach, for the axis' bounds."""
    keys = {"box": ("min", "max", "q1", "q3", "median")}.get(
        summary, ("geometric_mean", "gm_low", "gm_high")
    )
    return [float(value) for key in keys if key in table for value in table[key]]


def _ends(points: pd.DataFrame) -> list[float]:
    """The finite ends of the interval readings."""
    rows = points[points["kind"] == "interval"]
    return [*rows["low"], *rows["high"]]


def _draw_summary(
    ax: Axes,
    table: pd.DataFrame,
    columns: Sequence[Column],
    summary: str,
    floor: float,
    *,
    crowded: bool,
) -> list[list[float]]:
    """The chosen summary; returns the heights it reached, by column."""
    if summary == "box":
        return parts.draw_boxes(ax, table, columns, over=crowded)
    if summary == "gm":
        return parts.draw_means(ax, table, columns)
    return parts.draw_bars(ax, table, columns, floor)


def brackets_of(marks: Sequence[Mark], label: str) -> list[Bracket]:
    """The table's marks with the text asked for; what is not significant is quieter."""
    done = []
    for mark in marks:
        text = mark_text("–" if mark.gated else mark.stars, mark.label, label)
        color = INK if mark.stars.strip("*") == "" and mark.stars else QUIET
        done.append(Bracket(mark.left, mark.right, text, color))
    return done


def mark_text(stars: str, words: str, label: str) -> str:
    """What is shown of the table's stars and label; the other one where the first is empty.

    Examples
    --------
    >>> mark_text("**", "p = 0.004", "both"), mark_text("", "not analysed", "stars")
    ('** p = 0.004', 'not analysed')
    """
    both = " ".join(text for text in (stars, words) if text)
    return {"stars": stars or words, "p": words or stars, "both": both}[label]


def _obstacles(
    points: pd.DataFrame, columns: Sequence[Column], drawn: Sequence[Sequence[float]]
) -> list[Obstacle]:
    """The highest thing in each column, a little raised for the marker's own size."""
    obstacles = []
    for index, column in enumerate(columns):
        rows = points[points["column"] == index]
        tops = [*rows["y"], *rows.loc[rows["kind"] == "interval", "high"], *drawn[index]]
        tops = [float(top) for top in tops if np.isfinite(top)]
        if tops:
            obstacles.append(Obstacle(column.x - 0.4, column.x + 0.4, max(tops)))
    return obstacles
