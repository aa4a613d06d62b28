"""What a figure needs of a comparison: its columns, its points, its brackets, each as plain data.

Everything is read from the result's frames; p, stars and intervals are passed on as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError, did_you_mean
from cytokit.figures.brackets import size_in_points
from cytokit.figures.style import (
    INK,
    LINE,
    MARKERS,
    POINT,
    QUIET,
    SMALL,
    THIN,
    TITLE,
    palette,
    styled,
)
from cytokit.figures.text import plain, shorten, text_width, wrap
from cytokit.schema import LimitSource
from cytokit.tables.cells import sort_key
from cytokit.trial.multiplicity import ADJUSTMENTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


BETWEEN, WITHIN = "between_day", "within_"
#: Free space between the columns of two groups, in columns.
GROUP_GAP = 0.55
#: The golden ratio's fraction: its multiples, modulo 1, fill a stretch evenly.
GOLDEN = 0.618033988749895


class StudyLike(Protocol):
    """The part of a study that figures read."""

    @property
    def values(self) -> pd.DataFrame:
        """Tidy concentrations with their censoring intervals."""

    @property
    def subjects(self) -> pd.DataFrame:
        """Who was planned when, and what became of it."""


class ComparisonLike(Protocol):
    """The part of a comparison that figures read."""

    @property
    def table(self) -> pd.DataFrame:
        """One row per analyte and contrast."""

    @property
    def summary(self) -> pd.DataFrame:
        """One row per analyte, group and day."""

    @property
    def detectability(self) -> pd.DataFrame:
        """Per cent in range, below and above per analyte, group and day."""

    @property
    def study(self) -> StudyLike:
        """The data compared."""

    @property
    def options(self) -> Any:
        """With ``gate`` and ``alpha``."""

    @property
    def baseline(self) -> Any:
        """The day before treatment, or None."""

    @property
    def day(self) -> Sequence[Any]:
        """The tested day or days."""

    @property
    def reference(self) -> str:
        """The group ratios are over."""

    @property
    def guard(self) -> Sequence[str]:
        """Sentences on what the within-group results cannot say."""


@dataclass(frozen=True, slots=True)
class PanelColumn:
    """One group on one day.

    Parameters
    ----------
    group, day : object
        As the study spells them.
    x : float
        Its place.
    color, marker : str
        Of its group.
    """

    group: Any
    day: Any
    x: float
    color: str
    marker: str


def analytes_of(result: ComparisonLike) -> list[str]:
    """The compared analytes in the table's order; the study's where nothing was compared."""
    compared = list(result.table["analyte"].unique())
    return [str(name) for name in compared or result.study.values["analyte"].unique()]


def check_analyte(result: ComparisonLike, analyte: str) -> None:
    """Refuse an analyte the comparison does not hold."""
    names = analytes_of(result)
    if analyte not in names:
        raise UsageError(
            Problem(
                "CK-523",
                f"the comparison has no analyte {analyte!r}",
                mend=f"use one of {', '.join(names[:12])}{' ...' if len(names) > 12 else ''}",
                near=did_you_mean(analyte, names),
            )
        )


def groups_of(result: ComparisonLike) -> list[Any]:
    """The groups, the reference first, the others in the design's order."""
    subjects = result.study.subjects
    names = list(pd.unique(subjects["group"].dropna()))
    values = result.study.values
    names += [name for name in pd.unique(values["group"].dropna()) if name not in names]
    return sorted(names, key=lambda name: name != result.reference)


def group_styles(result: ComparisonLike) -> dict[Any, tuple[str, str]]:
    """Hue and marker of each group; with more than eight groups they repeat."""
    hues = palette()
    return {
        group: (hues[i % len(hues)], MARKERS[i % len(MARKERS)])
        for i, group in enumerate(groups_of(result))
    }


def days_of(result: ComparisonLike) -> list[Any]:
    """The compared days in order: the baseline and the tested ones."""
    wanted = [day for day in (result.baseline, *result.day) if day is not None]
    return sorted(dict.fromkeys(wanted), key=sort_key)


def columns_of(result: ComparisonLike, days: Sequence[Any] | None = None) -> list[PanelColumn]:
    """One column per group and day, groups beside each other."""
    columns, x = [], 0.0
    chosen = days_of(result) if days is None else list(days)
    for group, (color, marker) in group_styles(result).items():
        for day in chosen:
            columns.append(PanelColumn(group, day, x, color, marker))
            x += 1.0
        x += GROUP_GAP
    return columns


def points_of(
    result: ComparisonLike, analyte: str, columns: Sequence[PanelColumn], jitter: float = 0.36
) -> pd.DataFrame:
    """The readings of one analyte with their column and a fixed jitter."""
    values = result.study.values
    rows = values[(values["analyte"] == analyte) & (values["state"] != "missing")]
    place = {(column.group, column.day): i for i, column in enumerate(columns)}
    index = np.array(
        [place.get(key, -1) for key in zip(rows["group"], rows["day"], strict=True)], dtype=int
    )
    rows, index = rows[index >= 0], index[index >= 0]
    low, high = rows["lower"].to_numpy(float), rows["upper"].to_numpy(float)
    kind = rows["state"].to_numpy(str)
    y = np.where(kind == "exact", rows["value"].to_numpy(float), np.nan)
    y = np.where(kind == "below", high, np.where(kind == "above", low, y))
    y[~(np.isfinite(y) & (y > 0))] = np.nan
    x = np.array([columns[i].x for i in index], dtype=float)
    frame = pd.DataFrame({"subject": rows["subject"].to_numpy(), "column": index, "y": y})
    frame["x"] = x + _jitter(frame, columns, jitter)
    frame["low"], frame["high"], frame["kind"] = low, high, kind
    return frame


def _jitter(frame: pd.DataFrame, columns: Sequence[PanelColumn], width: float) -> np.ndarray:
    """Sideways offsets: the same for a subject on all days, evenly spread within its group."""
    group = [columns[int(index)].group for index in frame["column"]]
    people = list(zip(group, frame["subject"], strict=True))
    offsets: dict[Any, float] = {}
    count: dict[Any, int] = {}
    for person in sorted(dict.fromkeys(people), key=lambda person: tuple(map(str, person))):
        turn = count[person[0]] = count.get(person[0], 0) + 1
        offsets[person] = ((turn * GOLDEN) % 1.0 - 0.5) * width
    return np.array([offsets[person] for person in people], dtype=float)


def deaths_of(result: ComparisonLike, columns: Sequence[PanelColumn]) -> list[set[Any]]:
    """Who had died by each column's day, as the design's ``status`` says."""
    subjects = result.study.subjects
    if "status" not in subjects.columns:
        return [set() for _ in columns]
    dead = subjects[subjects["status"].astype(str) == "died"]
    return [
        set(dead.loc[(dead["group"] == column.group) & (dead["day"] == column.day), "subject"])
        for column in columns
    ]


def last_days(result: ComparisonLike, analyte: str) -> dict[Any, Any]:
    """The last day of the study on which each subject has a reading of the analyte."""
    values = result.study.values
    read = values[(values["analyte"] == analyte) & (values["state"].astype(str) != "missing")]
    found: dict[Any, Any] = {}
    for subject, day in zip(read["subject"], read["day"], strict=True):
        if subject not in found or sort_key(day) > sort_key(found[subject]):
            found[subject] = day
    return found


def analysed_of(result: ComparisonLike, analyte: str) -> dict[tuple[Any, Any], int]:
    """Subjects that the one test between two groups used, by group and tested day.

    Nothing where several days were tested together, several pairs were compared, or the table has
    no counts: one number would not say whose it is.
    """
    table, groups = result.table, groups_of(result)
    rows = table[
        (table["analyte"] == analyte) & table["contrast"].astype(str).str.startswith(BETWEEN)
    ]
    if len(rows) != 1 or len(result.day) != 1 or not {"n_treated", "n_control"} <= {*table}:
        return {}
    row = rows.iloc[0]
    sides = {
        row.get("treated_group") or groups[-1]: row["n_treated"],
        row.get("control_group") or groups[0]: row["n_control"],
    }
    return {(group, result.day[0]): int(count) for group, count in sides.items() if pd.notna(count)}


def unit_of(result: ComparisonLike, analyte: str) -> str:
    """The unit of an analyte in the study's table."""
    values = result.study.values
    units = values.loc[values["analyte"] == analyte, "unit"].dropna().unique()
    return str(units[0]) if len(units) else ""


# The brackets of a comparison: which columns a row of the table compares, and its texts.


@dataclass(frozen=True, slots=True)
class Mark:
    """A bracket as the table has it."""

    left: float
    right: float
    stars: str
    label: str
    gated: bool = False


def marks_of(result: ComparisonLike, analyte: str, columns: Sequence[PanelColumn]) -> list[Mark]:
    """The brackets of one analyte: within each group, and between groups at the tested day.

    Rows without stars and without a label are not drawn: there is nothing to say.
    """
    place = {(column.group, column.day): column.x for column in columns}
    table = result.table[result.table["analyte"] == analyte]
    marks = []
    for _, row in table.iterrows():
        ends = [[place[key] for key in side if key in place] for side in _ends(result, row)]
        if not all(ends) or not ends:
            continue
        left, right = sorted(float(np.mean(side)) for side in ends)
        stars, label = _text(row["stars"]), _text(row["label"])
        if left < right and (stars or label):
            marks.append(Mark(left, right, stars, label, "gated" in _text(row["flags"])))
    return marks


def _text(cell: object) -> str:
    """A cell of the table as text, empty where it holds none."""
    return plain(cell) if isinstance(cell, str) else ""


def pair_of(result: ComparisonLike, row: pd.Series) -> tuple[Any, Any] | None:
    """The two groups (reference, other) a row compares; None for rows within a group."""
    groups = groups_of(result)
    if not str(row["contrast"]).startswith(BETWEEN) or len(groups) < 2:
        return None
    return row.get("control_group") or groups[0], row.get("treated_group") or groups[1]


def _ends(result: ComparisonLike, row: pd.Series) -> list[list[tuple[Any, Any]]]:
    """The columns (group, day) on either side of a contrast; none for contrasts not drawn.

    Where several days were tested together, a side has several columns.
    """
    pair = pair_of(result, row)
    if pair is not None:
        return [[(group, day) for day in result.day] for group in pair]
    if not str(row["contrast"]).startswith(WITHIN):
        return []
    group = row.get("treated_group") or row.get("control_group") or _role(result, row)
    return [[(group, result.baseline)], [(group, day) for day in result.day]]


def _role(result: ComparisonLike, row: pd.Series) -> Any:
    """The group of a within-group row that does not name it: control first, treated second."""
    groups = groups_of(result)
    role = str(row["contrast"]).removeprefix(WITHIN)
    return groups[0] if role == "control" else groups[-1]


# The parts of a panel beside its readings: summaries, title, the texts under the columns.


BOX_WIDTH = 0.62
#: points from one line of a day's name to the next
_DAY_LINE = 8.4


def say_without_numbers(ax: Axes, points: pd.DataFrame) -> None:
    """What stands in a panel that has no number to place: nothing read, or all out of range."""
    if bool(points["y"].notna().any()):
        return
    kinds = set(points["kind"])
    if points.empty:
        text = "no readings"
    elif kinds <= {"below", "above"}:
        side = "out of" if len(kinds) > 1 else kinds.pop()
        text = f"all {len(points)} {side} range,\nno limit known"
        ax.set_yticks([], minor=False)
        ax.set_yticks([], minor=True)
    else:
        return
    ax.text(
        0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=QUIET, size=SMALL
    )


def draw_boxes(
    ax: Axes, summary: pd.DataFrame, columns: Sequence[PanelColumn], *, over: bool
) -> list[list[float]]:
    """Median and quartiles with whiskers to the extremes; returns what was drawn, by column.

    ``over`` puts unfilled boxes over the points, for crowded columns.
    """
    drawn: list[list[float]] = []
    for column in columns:
        row = row_of(summary, column)
        parts = [_positive(row, key) for key in ("q1", "median", "q3")]
        if any(part is None for part in parts):
            median = _positive(row, "median")
            if median is not None:
                ax.hlines(median, *_sides(column), colors=column.color, linewidths=1.1, zorder=2.5)
            drawn.append([] if median is None else [median])
            continue
        q1, middle, q3 = (float(part) for part in parts if part is not None)
        low, high = _positive(row, "min") or q1, _positive(row, "max") or q3
        box = {"q1": q1, "med": middle, "q3": q3, "whislo": min(low, q1), "whishi": max(high, q3)}
        pen = {"color": INK if over else column.color, "linewidth": LINE}
        ax.bxp(
            [box], positions=[column.x], widths=BOX_WIDTH, orientation="vertical",
            showfliers=False, patch_artist=True, manage_ticks=False, zorder=4 if over else 2,
            capwidths=0.25, whiskerprops=pen, capprops=pen,
            boxprops={"facecolor": "none" if over else _tint(column.color),
                      "edgecolor": pen["color"], "linewidth": LINE},
            medianprops={"color": pen["color"], "linewidth": 1.3},
        )  # fmt: skip
        drawn.append([box["whislo"], box["whishi"]])
    return drawn


def draw_means(
    ax: Axes, summary: pd.DataFrame, columns: Sequence[PanelColumn]
) -> list[list[float]]:
    """Geometric means as a stroke with their interval, in ink over the points."""
    drawn: list[list[float]] = []
    for column in columns:
        mean, low, high = mean_interval(row_of(summary, column))
        if mean is not None:
            half = 0.26
            ax.hlines(mean, column.x - half, column.x + half, colors=INK, linewidths=1.2, zorder=5)
        if low is not None and high is not None:
            _whisker(ax, column.x, low, high)
        drawn.append([value for value in (mean, low, high) if value is not None])
    return drawn


def draw_bars(
    ax: Axes, summary: pd.DataFrame, columns: Sequence[PanelColumn], floor: float
) -> list[list[float]]:
    """Bars from the axis' foot to the geometric mean, with its interval."""
    drawn: list[list[float]] = []
    for column in columns:
        mean, low, high = mean_interval(row_of(summary, column))
        if mean is not None:
            ax.bar(
                column.x, mean - floor, bottom=floor, width=BOX_WIDTH, linewidth=THIN,
                color=_tint(column.color), edgecolor=column.color, zorder=1.2,
            )  # fmt: skip
        if low is not None and high is not None:
            _whisker(ax, column.x, low, high)
        drawn.append([value for value in (mean, low, high) if value is not None])
    return drawn


def mean_interval(row: pd.Series | None) -> tuple[float | None, float | None, float | None]:
    """Geometric mean and its limits (``gm_low``, ``gm_high``) as the summary has them."""
    mean, low, high = (_positive(row, key) for key in ("geometric_mean", "gm_low", "gm_high"))
    return mean, low, high


def label_columns(
    ax: Axes,
    points: pd.DataFrame,
    columns: Sequence[PanelColumn],
    dead: Sequence[set[Any]],
    analysed: Mapping[tuple[Any, Any], int],
) -> None:
    """Under each column its day, n and deaths; under each group its name.

    ``analysed`` gives the subjects of a group and day that the test between the groups used; where
    they are fewer than the readings, both numbers stand.
    """
    left, right = ax.get_xlim()
    points_wide = size_in_points(ax)[0]
    days = day_lines(columns, points_wide / (right - left))
    ax.set_xticks([column.x for column in columns], ["\n".join(lines) for lines in days])
    ax.tick_params(axis="x", length=0, pad=2)
    below = _DAY_LINE * (max(map(len, days)) - 1)
    anyone = any(dead)
    for index, column in enumerate(columns):
        count = int((points["column"] == index).sum())
        used = analysed.get((column.group, column.day), count)
        text = str(count) if used == count else f"{used}/{count}"
        under(ax, column.x, text, below + 10.0, QUIET)
        if dead[index]:
            under(ax, column.x, str(len(dead[index])), below + 17.0, QUIET)
    _row_name(ax, "n", below + 10.0)
    if anyone:
        _row_name(ax, "†", below + 17.0)
    for group in dict.fromkeys(column.group for column in columns):
        own = [column for column in columns if column.group == group]
        first, last = own[0].x - 0.5, own[-1].x + 0.5
        room = (last - first + 0.2) / (right - left) * points_wide
        lines = wrap(plain(group), room, SMALL, lines=2)
        drop = below + 19.5 + (6.5 if anyone else 0.0)
        _rule(ax, own[0].x - 0.35, own[-1].x + 0.35, drop - 1.5, own[0].color)
        for row, line in enumerate(lines):
            under(ax, (first + last) / 2, line, drop + 7.0 * row, own[0].color)


def day_lines(columns: Sequence[PanelColumn], spacing: float) -> list[list[str]]:
    """Each column's day in up to three lines, none wider than its column of so many points."""
    room = max(spacing - 2.0, 6.0)
    return [wrap(day_name(column.day), room, SMALL, lines=3) or [""] for column in columns]


def day_room(columns: Sequence[PanelColumn], width: float) -> float:
    """Points that further lines of the days' names take under axes of so many points."""
    spacing = width / (columns[-1].x - columns[0].x + 1.2)
    return _DAY_LINE * (max(map(len, day_lines(columns, spacing))) - 1)


def under(ax: Axes, x: float, text: str, drop: float, color: str) -> None:
    """A small text so many points below the axis."""
    ax.annotate(
        text, (x, 0.0), xycoords=("data", "axes fraction"), xytext=(0, -drop),
        textcoords="offset points", ha="center", va="top", size=SMALL, color=color,
        annotation_clip=False,
    )  # fmt: skip


def _row_name(ax: Axes, text: str, drop: float) -> None:
    """What a row of counts under the axis is, left of the columns."""
    ax.annotate(
        text, (0.0, 0.0), xycoords="axes fraction", xytext=(-4, -drop),
        textcoords="offset points", ha="right", va="top", size=SMALL, color=QUIET,
        annotation_clip=False,
    )  # fmt: skip


def _rule(ax: Axes, left: float, right: float, drop: float, color: str) -> None:
    """A short line over a group's name, so many points below the axis."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure = ax.get_figure(root=True)
    if figure is None:
        return
    down = ScaledTranslation(0, -drop / 72.0, figure.dpi_scale_trans)
    place = blended_transform_factory(ax.transData, ax.transAxes) + down
    ax.add_artist(
        Line2D([left, right], [0, 0], transform=place, color=color, linewidth=LINE, clip_on=False)
    )


def day_name(day: Any) -> str:
    """``D0`` for day 0; a visit's name as it stands."""
    try:
        return f"D{float(day):g}"
    except (TypeError, ValueError):
        return plain(day)


def row_of(summary: pd.DataFrame, column: PanelColumn) -> pd.Series | None:
    """The summary's row of a column, or None."""
    rows = summary[(summary["group"] == column.group) & (summary["day"] == column.day)]
    return None if rows.empty else rows.iloc[0]


def _positive(row: pd.Series | None, key: str) -> float | None:
    """A number that has a place on a log axis, or None."""
    value = np.nan if row is None else float(row.get(key, np.nan))
    return value if np.isfinite(value) and value > 0 else None


def _sides(column: PanelColumn) -> tuple[float, float]:
    """Left and right edge of a column's box."""
    return column.x - BOX_WIDTH / 2, column.x + BOX_WIDTH / 2


def _whisker(ax: Axes, x: float, low: float, high: float) -> None:
    """An interval with caps."""
    ax.vlines(x, low, high, colors=INK, linewidths=LINE, zorder=5)
    ax.hlines([low, high], x - 0.1, x + 0.1, colors=INK, linewidths=LINE, zorder=5)


def _tint(color: str) -> tuple[float, ...]:
    """A hue mixed with much white."""
    from matplotlib.colors import to_rgb

    return tuple(0.86 + 0.14 * part for part in to_rgb(color))


def draw_title(ax: Axes, analyte: str, unit: str) -> None:
    """The analyte's name and, smaller, its unit."""
    behind = f" ({plain(unit)})" if unit else ""
    room = size_in_points(ax)[0] - text_width(behind, SMALL)
    name = shorten(plain(analyte), room, TITLE)
    ax.set_title(name, loc="left", pad=4)
    ax.annotate(
        behind, (0, 1), xycoords="axes fraction", xytext=(text_width(name, TITLE), 4),
        textcoords="offset points", size=SMALL, color=QUIET, va="baseline",
    )  # fmt: skip


# The words under a figure: which test, which adjustment, how large the family, what n is.


_SUMMARY = {
    "box": "Box: median and quartiles, whiskers to the extremes where these are in range.",
    "gm": "Stroke: geometric mean",
    "bar": "Bar: geometric mean",
}
_LIMIT_FROM = {
    LimitSource.FLOOR: "The limit is a lowest value that many readings share, not a declared one",
    LimitSource.MEASURED: "No limit was stated: the lowest or highest number measured stands for "
    "it, no limit of detection",
    LimitSource.UNKNOWN: "No limit is known: drawn at the end of the axis",
}
#: by the code of a row's flag
_WARNINGS = {
    "plate_refused": "Compared although plate and effect cannot be told apart",
    "plate_confounded": "Groups or days are spread unequally over the plates",
    "fit_fail": "Some values rest on a curve, control or well that failed",
}
STARS = "* p < 0.05, ** p < 0.01, *** p < 0.001, **** p < 0.0001, ns: not significant."
_LINE = 2.9  # mm per line of a footer
_HINTED = 0.97  # a screen's hinted type runs a little wider than its outlines
#: what must not be torn apart at the end of a line
_TOGETHER = re.compile(
    r"(?<=\w|\*|†|▽|△|×|:) (?=[<=>] )|(?<=[<=>]) (?=[\d.])|(?<=[*†▽△×:]) (?=p\b)"
    r"|(?<=ns:) |(?<=not) (?=sig)"
)


def test_sentences(result: ComparisonLike, analytes: Sequence[str]) -> list[str]:
    """Test, adjustment and family size of each kind of bracket, as the table says."""
    table = result.table[result.table["analyte"].isin(list(analytes))]
    contrast = table["contrast"].astype(str)
    day = " and ".join(day_name(day) for day in result.day)
    span = f"{day_name(result.baseline)} to {day}"
    kinds = (
        (f"Between groups at {day}", contrast.str.startswith(BETWEEN)),
        (f"Within groups, {span}", contrast.str.startswith(WITHIN)),
    )
    return [f"{name}: {_tests(table[chosen])}." for name, chosen in kinds if chosen.any()]


def _tests(rows: pd.DataFrame) -> str:
    """``ANCOVA; p adjusted by Holm (family of 6 tests)``."""
    methods = [plain(name) for name in _distinct(rows.loc[rows["p"].notna(), "method"])]
    adjust = [ADJUSTMENTS[name].label for name in _distinct(rows["adjust"])]
    families = rows[["family", "family_size"]].dropna().drop_duplicates()
    sizes = [f"{float(size):g}" for size in families["family_size"]]
    parts = [", ".join(methods) or "no test"]
    if adjust == [ADJUSTMENTS["none"].label]:
        parts.append("p not adjusted")
    elif adjust and sizes:
        many = "family" if len(sizes) == 1 else "families"
        among = " and ".join(sizes)
        parts.append(f"p adjusted by {', '.join(adjust)} ({many} of {among} tests)")
    return "; ".join(parts)


def _distinct(column: pd.Series) -> list[str]:
    """The texts of a column in their order, empty ones left out."""
    return [str(text) for text in column.dropna().unique() if str(text)]


def warning_sentences(table: pd.DataFrame, analytes: Sequence[str]) -> list[str]:
    """What the flags of the rows say that no reader of the figure may miss."""
    rows = table[table["analyte"].isin(list(analytes))]
    said = []
    for code, words in _WARNINGS.items():
        marked = rows.loc[
            rows["flags"].astype(str).str.contains(f"{code}: ", regex=False), "analyte"
        ]
        names = list(dict.fromkeys(marked.astype(str)))
        if names:
            said.append(f"{words}: {', '.join(map(plain, names))}.")
    return said


def symbol_sentences(
    result: ComparisonLike, analytes: Sequence[str], summary: str | None, label: str
) -> list[str]:
    """What the marks mean; only those that occur."""
    values = result.study.values
    values = values[values["analyte"].isin(list(analytes))]
    found = set(values["state"].astype(str))
    said = [] if summary is None else [_summary_words(result, summary)]
    said.append("n: subjects with a reading, out-of-range ones included.")
    if _some_left_out(result, analytes):
        said.append("a/b: the test between the groups used a of b.")
    if found & {"below", "above"}:
        sides = [
            text for state, text in (("below", "▽ below"), ("above", "△ above")) if state in found
        ]
        said.append(f"{' and '.join(sides)} range, drawn on its limit (dashed).")
        said += _limit_words(values)
    if "interval" in found:
        said.append("Vertical stroke: known only to lie in this interval.")
    exact = values.loc[values["state"] == "exact", "value"]
    if bool((exact <= 0).any()):
        said.append(
            f"Readings of 0 or less stand at the foot of the axis: {int((exact <= 0).sum())}."
        )
    if _anyone_died(result):
        said.append("†: died before that day; × marks the last reading.")
    if label != "p":
        said.append(STARS)
    return said


def _some_left_out(result: ComparisonLike, analytes: Sequence[str]) -> bool:
    """Whether a test between the groups used fewer subjects than have a reading that day."""
    values = result.study.values
    read = values[values["state"].astype(str) != "missing"]
    sizes = read.groupby(["analyte", "group", "day"], sort=False).size().to_dict()
    return any(
        count != sizes.get((name, *key), count)
        for name in analytes
        for key, count in analysed_of(result, name).items()
    )


def _limit_words(values: pd.DataFrame) -> list[str]:
    """What the limits are that nobody stated, and whose."""
    if "limit_from" not in values:
        return []
    said = []
    for source, words in _LIMIT_FROM.items():
        names = values.loc[values["limit_from"] == source, "analyte"].astype(str).unique()
        if len(names):
            said.append(f"{words} ({', '.join(map(plain, names))}).")
    return said


def _summary_words(result: ComparisonLike, summary: str) -> str:
    """What the summary marks are; an interval only where the summary holds one."""
    from cytokit.trial.estimate import level_text

    if summary == "box":
        return _SUMMARY[summary]
    means = result.summary
    if "gm_low" not in means:
        return f"{_SUMMARY[summary]}."
    level = level_text(result.options.alpha)
    interval = f"{_SUMMARY[summary]} with its {level} confidence interval"
    some_lack_it = bool((means["geometric_mean"].notna() & means["gm_low"].isna()).any())
    return f"{interval}{' where all values are in range' if some_lack_it else ''}."


def style_sentences(result: ComparisonLike, style: str) -> list[str]:
    """Whether the stars within groups are gated; nothing where no groups were compared."""
    if not result.table["contrast"].astype(str).str.startswith(BETWEEN).any():
        return []
    if not bool(result.options.gate):
        return ["Stars within a group are not conditional on a difference between groups."]
    said = "Stars within a group are given where the groups differ after adjustment"
    if style == "lanzoni":
        return [f"The comparison was gated, unlike this style: {said[0].lower()}{said[1:]}."]
    return [f"{said}; – stands where they do not."]


def guard_sentences(result: ComparisonLike, analytes: Sequence[str]) -> list[str]:
    """The guard's sentences, those on other analytes left out."""
    others = tuple(f"{name}:" for name in analytes_of(result) if name not in analytes)
    return [plain(sentence) for sentence in result.guard if not sentence.startswith(others)]


def _anyone_died(result: ComparisonLike) -> bool:
    """Whether the design reports a death."""
    subjects: pd.DataFrame = result.study.subjects
    status: Any = subjects.get("status")
    return status is not None and bool((status.astype(str) == "died").any())


def footer_lines(paragraphs: Sequence[Sequence[str]], width: float) -> list[str]:
    """Sentences broken into lines for a figure of so many mm."""
    room = (width - 4.0) / POINT * _HINTED
    texts = [_TOGETHER.sub("\N{NO-BREAK SPACE}", " ".join(said)) for said in paragraphs if said]
    return [line for text in texts for line in wrap(text, room, SMALL)]


def footer_room(lines: Sequence[str]) -> float:
    """Height in mm that a footer takes."""
    return len(lines) * _LINE + 3.0


@styled
def write_footer(figure: Figure, lines: Sequence[str], top: float) -> None:
    """Lines of small text from so many mm below the figure's upper edge."""
    width, height = (float(inches) * 25.4 for inches in figure.get_size_inches())
    for row, line in enumerate(lines):
        figure.text(
            2.0 / width, 1 - (top + row * _LINE) / height, line, size=SMALL, color=QUIET, va="top"
        )
