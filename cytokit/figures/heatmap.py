"""Heat map of all ratios between and within groups, with the stars of the adjusted p."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cytokit.errors import NothingToDoError, Problem
from cytokit.figures._captions import (
    footer_lines,
    footer_room,
    test_sentences,
    warning_sentences,
    write_footer,
)
from cytokit.figures._marks import pair_of
from cytokit.figures._panel_parts import day_name
from cytokit.figures._scales import log_ticks
from cytokit.figures._text import number, plain, shorten, text_width, wrap
from cytokit.figures._view import BETWEEN, WITHIN, ComparisonLike
from cytokit.figures.brackets import size_in_points
from cytokit.figures.forest import name_room
from cytokit.figures.style import (
    PALE,
    POINT,
    SMALL,
    TEXT,
    THIN,
    WIDTHS,
    Width,
    axes_at,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_ROW = 3.6  # mm
#: The colours end at ratios between these.
_LEAST_END, _MOST_END = 2.0, 32.0


@styled
def ratio_heatmap(result: ComparisonLike, ax: Axes) -> Axes:
    """Draw all ratios as colours, a row per analyte, with the stars of the adjusted p.

    Parameters
    ----------
    result : Comparison
        Or anything with its ``table``.
    ax : matplotlib.axes.Axes

    Returns
    -------
    matplotlib.axes.Axes
        The same axes: colours on a logarithmic scale, white at 1; grey where the table has no
        ratio.

    Raises
    ------
    NothingToDoError
        CK-525 if the table holds no contrast between or within groups.
    """
    import seaborn
    from matplotlib.colors import LogNorm

    table, heads = _contrasts(result)
    names = list(dict.fromkeys(table["analyte"]))
    ratios, stars = (_pivot(table, key, names, heads) for key in ("ratio", "stars"))
    values = ratios.to_numpy(float)
    end = _farthest(values)
    bar = ax.inset_axes((1.04, 0.0, 0.04, min(1.0, 120.0 / size_in_points(ax)[1])))
    marks = stars.map(lambda text: text if isinstance(text, str) and text.startswith("*") else "")
    seaborn.heatmap(
        values, ax=ax, mask=~np.isfinite(values), cmap="vlag", norm=LogNorm(1 / end, end),
        vmin=1 / end, vmax=end,
        annot=marks.to_numpy(str), fmt="", annot_kws={"size": SMALL},
        linewidths=0.4, linecolor="white", cbar_ax=bar, xticklabels=False, yticklabels=False,
    )  # fmt: skip
    ax.set_facecolor(PALE)
    ticks = log_ticks(1 / end, end)
    bar.yaxis.minorticks_off()
    bar.set_yticks(ticks, [number(tick) for tick in ticks])
    bar.tick_params(labelsize=SMALL, length=1.5, width=THIN, pad=1.5)
    bar.set_title("ratio", size=SMALL, pad=3, loc="left")
    room = size_in_points(ax)[0] / len(heads)
    labels = ["\n".join(wrap(plain(head), room, SMALL, lines=3)) for head in heads]
    ax.set_xticks([i + 0.5 for i in range(len(heads))], labels)
    ax.set_yticks(
        [i + 0.5 for i in range(len(names))],
        [shorten(plain(name), name_room(ax), TEXT) for name in names],
        rotation=0,
    )
    ax.tick_params(
        labelsize=SMALL, length=0, pad=2, top=False, bottom=False, labeltop=True, labelbottom=False
    )
    return ax


def _contrasts(result: ComparisonLike) -> tuple[pd.DataFrame, list[str]]:
    """Rows between and within groups, each with its column's words, and these in order."""
    table = result.table
    kinds = table["contrast"].astype(str)
    table = table[kinds.str.startswith(BETWEEN) | kinds.str.startswith(WITHIN)].copy()
    if table.empty:
        raise NothingToDoError(Problem("CK-525", "the comparison holds no ratio to draw"))
    days = " and ".join(day_name(day) for day in result.day)
    span = f"{days} / {day_name(result.baseline)}"
    heads = []
    for _, row in table.iterrows():
        pair = pair_of(result, row)
        group = row.get("treated_group") or row.get("control_group") or row["contrast"]
        heads.append(f"{pair[1]} / {pair[0]}, {days}" if pair else f"{group}, {span}")
    return table.assign(column=heads), list(dict.fromkeys(heads))


def _farthest(values: NDArray[np.float64]) -> float:
    """The ratio at which the colours end, the same way up and down."""
    finite = values[np.isfinite(values) & (values > 0)]
    far = float(np.maximum(finite, 1 / finite).max()) if finite.size else _LEAST_END
    return min(max(far, _LEAST_END), _MOST_END)


def _pivot(
    table: pd.DataFrame, value: str, names: Sequence[str], heads: Sequence[str]
) -> pd.DataFrame:
    """Analytes x contrasts, in the table's order."""
    wide = table.pivot(index="analyte", columns="column", values=value)
    return wide.reindex(index=list(names), columns=list(heads))


def ratio_heatmap_figure(result: ComparisonLike) -> Figure:
    """The heat map of all analytes as a figure of its own.

    Parameters
    ----------
    result : Comparison

    Returns
    -------
    matplotlib.figure.Figure
        89 mm wide for up to three contrasts, else 183 mm.

    Raises
    ------
    NothingToDoError
        CK-525 if there is no ratio to draw.
    """
    table, heads = _contrasts(result)
    names = list(dict.fromkeys(table["analyte"]))
    width: Width = "single" if len(heads) <= 3 else "double"
    said = [*test_sentences(result, names), "Stars from the adjusted p; grey: no ratio."]
    said += warning_sentences(result.table, names)
    key = footer_lines([said], WIDTHS[width])
    left = min(max(text_width(plain(name), SMALL) for name in names) * POINT + 4.0, 30.0)
    body = len(names) * _ROW
    figure = new_figure(width, 12.0 + body + 1.0 + footer_room(key))
    ratio_heatmap(result, axes_at(figure, left, 11.0, WIDTHS[width] - left - 15.0, body))
    write_footer(figure, key, 12.0 + body + 1.0)
    return figure
