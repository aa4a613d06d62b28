"""Readings in a panel: points and lines, limit lines, crosses for deaths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.figures._view import Column
from cytokit.figures.style import INK, LINE, QUIET, THIN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY_LIMITS = 2
#: With more readings than this in a column, lines fade and the summary is drawn over the points.
CROWD = 60
#: Half the width of a column's own limit line.
_HALF = 0.39


def point_size(points: int) -> float:
    """Marker area in points squared: smaller where there are hundreds."""
    return float(np.clip(260.0 / max(points, 1) ** 0.75, 2.5, 11.0))


def draw_lines(ax: Axes, points: pd.DataFrame, columns: Sequence[Column]) -> None:
    """A thin line through each subject's days, within its group."""
    from matplotlib.collections import LineCollection

    seen = points[points["y"].notna()].sort_values("column", kind="stable")
    courses: dict[Any, list[tuple[float, float]]] = {}
    for subject, index, x, y in seen[["subject", "column", "x", "y"]].itertuples(index=False):
        courses.setdefault((columns[index].group, subject), []).append((x, y))
    hues = {column.group: column.color for column in columns}
    joined = {person: course for person, course in courses.items() if len(course) > 1}
    segments = [np.array(course) for course in joined.values()]
    colors = [hues[group] for group, _ in joined]
    alpha = 0.45 if len(segments) <= CROWD else 0.12
    ax.add_collection(
        LineCollection(segments, colors=colors, linewidths=0.4, alpha=alpha, zorder=1.5),
        autolim=False,
    )


def draw_points(
    ax: Axes, points: pd.DataFrame, columns: Sequence[Column], ends: tuple[float, float]
) -> None:
    """Readings in the group's hue and marker; beyond a limit an open triangle on the limit.

    What has no place on a log axis (a value that is not positive, a limit that nobody knows) stands
    as a triangle at the axis' lower end; above an unknown limit, at its upper end.
    """
    size = point_size(
        max((int((points["column"] == i).sum()) for i in range(len(columns))), default=1)
    )
    x, y, at = (points[name].to_numpy() for name in ("x", "y", "column"))
    kind, placed = points["kind"].to_numpy(str), np.isfinite(points["y"].to_numpy(float))
    above = kind == "above"
    strokes = (kind == "interval") & (points["low"].to_numpy(float) > 0)
    exact = (kind == "exact") & placed
    below = ~(above | strokes | exact)
    for index, column in enumerate(columns):
        own = at == index
        if (own & exact).any():
            ax.scatter(
                x[own & exact], y[own & exact], s=size, marker=column.marker,
                facecolor=column.color, edgecolor="white", linewidth=0.2, alpha=0.9, zorder=3,
            )  # fmt: skip
        for side, marker, end in ((own & below, "v", ends[0]), (own & above, "^", ends[1])):
            if side.any():
                ax.scatter(
                    x[side], np.where(placed[side], y[side], end), s=size * 1.5, marker=marker,
                    facecolor="white", edgecolor=column.color, linewidth=0.6, zorder=3.1,
                    clip_on=bool(placed[side].all()),
                )  # fmt: skip
        _strokes(ax, points[own & strokes], column.color)


def _strokes(ax: Axes, rows: pd.DataFrame, color: str) -> None:
    """Readings known only to lie between two limits."""
    if len(rows):
        ax.vlines(rows["x"], rows["low"], rows["high"], color=color, linewidth=LINE, zorder=3)


def draw_limits(ax: Axes, points: pd.DataFrame, columns: Sequence[Column]) -> None:
    """Dashed lines at the limits beyond which values are only known to lie."""
    beyond = points[points["kind"].isin(["below", "above"]) & points["y"].notna()]
    dashes = (0, (3, 2))
    limits = sorted({float(f"{limit:.6g}") for limit in beyond["y"]})
    if len(limits) <= _MANY_LIMITS:
        for limit in limits:
            ax.axhline(limit, color=QUIET, linewidth=THIN, linestyle=dashes, zorder=1)
        return
    for index, column in enumerate(columns):
        own = sorted({float(f"{y:.6g}") for y in beyond.loc[beyond["column"] == index, "y"]})
        ax.hlines(
            own, column.x - _HALF, column.x + _HALF, colors=QUIET, linewidths=THIN,
            linestyles=dashes, zorder=1,
        )  # fmt: skip


def draw_deaths(
    ax: Axes,
    points: pd.DataFrame,
    columns: Sequence[Column],
    dead: Sequence[set[Any]],
    floor: float,
    last_day: Mapping[Any, Any],
) -> None:
    """A cross through the last reading of each subject who died before a later column's day.

    A reading that is drawn but was not the last (a later day has no column) gets none.
    """
    crossed = []
    for index, column in enumerate(columns):
        same = [i for i, other in enumerate(columns) if other.group == column.group]
        for subject in sorted(dead[index], key=str):
            seen = points[(points["subject"] == subject) & points["column"].isin(same)]
            if len(seen):
                last = seen.sort_values("column").iloc[-1]
                if last_day.get(subject) != columns[int(last["column"])].day:
                    continue
                height = float(last["y"]) if last["y"] == last["y"] else floor
                crossed.append((float(last["x"]), height))
    if crossed:
        places = np.array(sorted(set(crossed)))
        ax.scatter(places[:, 0], places[:, 1], s=12, marker="x", color=INK, linewidth=0.6, zorder=4)
