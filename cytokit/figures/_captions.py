"""The words under a figure: which test, which adjustment, how large the family, what n is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.figures._panel_parts import day_name
from cytokit.figures._text import plain, wrap
from cytokit.figures._view import (
    BETWEEN,
    WITHIN,
    ComparisonLike,
    analysed_of,
    analytes_of,
)
from cytokit.figures.style import POINT, QUIET, SMALL, styled
from cytokit.vocabulary import LimitSource

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ADJUST = {
    "holm": "Holm",
    "none": "not adjusted",
    "bonferroni": "Bonferroni",
    "sidak": "Šidák",
    "holm-sidak": "Holm-Šidák",
    "hochberg": "Hochberg",
    "hommel": "Hommel",
    "bh": "Benjamini-Hochberg",
    "by": "Benjamini-Yekutieli",
    "maxt": "Westfall-Young maxT",
}
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
    adjust = [_ADJUST.get(name, plain(name)) for name in _distinct(rows["adjust"])]
    families = rows[["family", "family_size"]].dropna().drop_duplicates()
    sizes = [f"{float(size):g}" for size in families["family_size"]]
    parts = [", ".join(methods) or "no test"]
    if adjust == [_ADJUST["none"]]:
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
    from cytokit.stats.labels import level_text

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
