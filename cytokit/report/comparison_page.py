"""report.html of a comparison: verdict, panels, table, guard, families and methods in one file."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Tree

import pandas as pd
from markupsafe import Markup

from cytokit.curves.platefit import few
from cytokit.errors import OutputError, Problem
from cytokit.flags import FLAGS, Finding, grouped
from cytokit.report.embed import explained, own_file, render, short, write_html
from cytokit.schema import Severity
from cytokit.trial.multiplicity import ADJUSTMENTS

if TYPE_CHECKING:
    from cytokit.trial.comparison import Comparison


# The sentences of the comparison page: its verdict and the names of its contrasts.


_CONTRASTS = {
    "within_treated": "change within the treated group",
    "within_control": "change within the reference group",
    "difference_in_change": "difference in change",
    "worst_rank": "worst-rank composite of value and death",
}


def contrast_title(name: str) -> str:
    """A contrast in words."""
    if name.startswith("between_day"):
        return f"between groups, day {name.removeprefix('between_day')}"
    return _CONTRASTS.get(name, name.replace("_", " "))


def conclusion(comparison: Comparison) -> str:
    """What came out, in one sentence, from the primary rows of the table."""
    table = comparison.table
    primary = comparison.between
    rows = primary if len(primary) else table[table["family"] != ""]
    tested = rows[rows["p_adjusted"].notna()]
    adjust = comparison.options.adjust
    how = (
        f"after {ADJUSTMENTS[adjust].label} adjustment"
        if adjust != "none"
        else "without adjustment"
    )
    if tested.empty:
        return "No analyte could be tested; the table says why for each."
    found = tested[tested["p_adjusted"] < comparison.options.alpha].sort_values("p_adjusted")
    what = "analytes" if tested["analyte"].is_unique else "tests"
    one = len(found) <= 1
    verb = f"differ{'s' * one}" if len(primary) else f"change{'s' * one}"
    verb += " significantly between the groups" if len(primary) else " significantly"
    if found.empty:
        sentence = f"None of {len(tested)} {what} {verb} {how}"
    else:
        listed = few([_found(row, comparison) for row in found.to_dict("records")], most=3)
        sentence = f"{len(found)} of {len(tested)} {what} {verb} {how}: {listed}"
    left = len(rows) - len(tested)
    return f"{sentence}{f'; {left} could not be tested' if left else ''}."


def _found(row: Mapping[Hashable, Any], comparison: Comparison) -> str:
    """An analyte with its ratio and its adjusted p, written as everywhere."""
    from cytokit.trial.estimate import adjusted_text, label, level_text

    level = level_text(comparison.options.alpha)
    adjusted = adjusted_text(comparison.options.adjust)
    interval = f"{short(row['ratio_low'])} to {short(row['ratio_high'])}"
    ratio = (
        f"ratio {short(row['ratio'])}, {level} CI {interval}, "
        if row["ratio"] == row["ratio"]
        else ""
    )
    return f"{row['analyte']} ({ratio}{adjusted} {label(row['p_adjusted'])})"


# Figures taken into a page: an SVG text is rebuilt from a list of what a drawing may hold.


# fmt: off
_TAGS = frozenset((
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text",
    "tspan", "defs", "use", "clipPath", "title", "desc", "image", "linearGradient", "stop",
))
_ATTRIBUTES = frozenset((
    "id", "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "r", "rx", "ry", "cx", "cy",
    "width", "height", "points", "transform", "viewBox", "offset", "preserveAspectRatio",
    "clipPathUnits", "gradientUnits", "gradientTransform", "fill", "fill-opacity", "fill-rule",
    "clip-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap", "stroke-linejoin",
    "stroke-dasharray", "stroke-dashoffset", "stroke-miterlimit", "opacity", "clip-path",
    "font-family", "font-size", "font-style", "font-weight", "text-anchor", "dominant-baseline",
    "stop-color", "stop-opacity",
))
# fmt: on
_FONT = re.compile(
    r"(?:(?P<style>italic|oblique)\s+)?(?:(?P<weight>bold|\d{3})\s+)?"
    r"(?P<size>[\d.]+(?:px|pt)?)\s+(?P<family>\S.*)"
)
_COORDINATES = frozenset(("d", "x", "y", "points", "transform"))
_LONG = re.compile(r"-?(?<!\d)\d+\.\d{3,}")
_OWN = re.compile(r"url\(#([^)]*)\)")
_PICTURE = "data:image/png;base64,"


def safe_svg(text: str, prefix: str, label: str) -> Markup:
    """A figure as inline SVG that can do nothing but be seen."""
    try:
        if "<!ENTITY" in text:
            raise Tree.ParseError("it defines entities")
        root = Tree.fromstring(text)
    except Tree.ParseError as error:
        raise OutputError(Problem("CK-552", f"a figure is no SVG: {error}", label)) from error
    drawn = _rebuilt(root, prefix)
    if drawn is None or drawn.tag != "svg":
        raise OutputError(Problem("CK-552", "a figure is no SVG: its root is another", label))
    for name in ("width", "height"):
        drawn.attrib.pop(name, None)
    _shorten(drawn, prefix)
    drawn.attrib = {"role": "img", "aria-label": label, **drawn.attrib}
    return Markup(Tree.tostring(drawn, encoding="unicode"))


def _shorten(drawn: Tree.Element, prefix: str) -> None:
    """Leave out what repeats: ids nobody refers to, one font family for all, long decimals."""
    texts = [value for element in drawn.iter() for value in element.attrib.values()]
    used = {name for text in texts for name in re.findall(rf"#({prefix}-[^)]+)", text)}
    families = {element.get("font-family") for element in drawn.iter("text")} - {None}
    for element in drawn.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        if len(families) == 1:
            element.attrib.pop("font-family", None)
        for name in _COORDINATES & element.attrib.keys():
            element.set(name, _LONG.sub(_two_decimals, element.attrib[name]))
    for family in families if len(families) == 1 else ():
        drawn.set("font-family", str(family))


def _two_decimals(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]


def _rebuilt(element: Tree.Element, prefix: str) -> Tree.Element | None:
    """The element with what is allowed of it, None where it is not."""
    tag = _local(element.tag) if isinstance(element.tag, str) else ""
    if tag not in _TAGS:
        return None
    made = Tree.Element(tag)
    for name, value in element.attrib.items():
        if _local(name) == "href":
            _take_link(made, value, prefix)
        elif name == "style":
            made.attrib |= _presentation(value, prefix)
        elif name in _ATTRIBUTES:
            made.set(name, _with_prefix(name, value, prefix))
    made.text, made.tail = element.text, element.tail
    for child in element:
        kept = _rebuilt(child, prefix)
        if kept is not None:
            made.append(kept)
    return made


def _take_link(made: Tree.Element, value: str, prefix: str) -> None:
    """Only parts of the same figure and pictures that stand in it."""
    if value.startswith("#"):
        made.set("href", f"#{prefix}-{value[1:]}")
    elif value.startswith(_PICTURE):
        made.set("href", value)


def _with_prefix(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    return _OWN.sub(lambda match: f"url(#{prefix}-{match[1]})", value)


def _presentation(style: str, prefix: str) -> dict[str, str]:
    """A style attribute as presentation attributes."""
    found: dict[str, str] = {}
    for part in style.split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name == "font" and (match := _FONT.fullmatch(value)):
            found |= {f"font-{key}": text for key, text in match.groupdict().items() if text}
        elif name in _ATTRIBUTES:
            found[name] = _with_prefix(name, value, prefix)
    return found


_SCRIPTS = ("dom", "tables", "compare")
_TABLES = ("comparisons", "summary", "detectability", "flags")
#: findings that a page lists; flags.csv holds them all
LONGEST = 2000


def comparison_page(comparison: Comparison, pictures: Mapping[str, str] | None = None) -> str:
    """The report of a comparison as one self-contained HTML page."""
    from cytokit.folder import versions
    from cytokit.trial.estimate import level_text

    table = comparison.table
    values = {
        "version": versions()["cytokit"],
        "title": _title(comparison),
        "conclusion": conclusion(comparison),
        "guard": comparison.guard,
        "noticed": _noticed(comparison.findings),
        "findings": _findings(comparison.findings),
        "n_findings": len(comparison.findings),
        "pictures": [
            (title, safe_svg(text, f"f{position}", title))
            for position, (title, text) in enumerate((pictures or {}).items(), start=1)
        ],
        "rows": [_row(row) for row in table.to_dict("records")],
        "contrasts": [(name, contrast_title(name)) for name in table["contrast"].unique()],
        "families": [(name, list(members)) for name, members in comparison.families.items()],
        "adjust": comparison.options.adjust,
        "level": level_text(comparison.options.alpha),
        "methods": paragraphs(comparison.methods),
        "summary": _plain(comparison.summary),
        "detectability": _plain(comparison.detectability),
        "tables": explained(_TABLES),
    }
    script = '"use strict";\n{\n' + "".join(own_file(f"{name}.js") for name in _SCRIPTS) + "}\n"
    style = own_file("page.css") + own_file("print.css")
    return render("compare_page.html", style=style, script=script, values=values)


def write_compare_page(
    comparison: Comparison, path: str | Path, pictures: Mapping[str, str] | None = None
) -> None:
    """Write :func:`comparison_page` to a file."""
    write_html(comparison_page(comparison, pictures), path)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of the methods text: its kind (heading, item, text) and what it says."""

    kind: str
    text: str


def paragraphs(markdown: str) -> list[Paragraph]:
    """The little markdown that the methods text uses, as plain paragraphs."""
    found: list[Paragraph] = []
    for block in markdown.replace("\r\n", "\n").split("\n\n"):
        lines = [line.strip() for line in block.split("\n") if line.strip()]
        running: list[str] = []
        for line in lines:
            if line.startswith("#"):
                found.append(Paragraph("heading", line.lstrip("# ")))
            elif line.startswith(("- ", "* ")):
                found.append(Paragraph("item", line[2:]))
            else:
                running.append(line)
        if running:
            found.append(Paragraph("text", " ".join(running)))
    return found


def _title(comparison: Comparison) -> str:
    days = " and ".join(
        f"day {day}" if str(day).lstrip("-").isdigit() else str(day) for day in comparison.day
    )
    return f"{' against '.join(_groups(comparison))}, {days}"


def _groups(comparison: Comparison) -> list[str]:
    """The treated groups, then the reference."""
    groups = [str(group) for group in comparison.study.groups]
    treated = [group for group in groups if group != comparison.reference]
    return [*treated, comparison.reference] if comparison.reference else groups


def _row(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """One row of the table as it is read; stars and label are the table's own."""
    from cytokit.trial.estimate import p_text

    arms = [str(row[name]) for name in ("treated_group", "control_group") if row.get(name)]
    shown = {name: p_text(float(row[name])) for name in ("p", "p_adjusted", "p_rank", "q_bh")}
    n, ranked = (_numbers(row, name) for name in ("n", "n_rank"))
    if shown["p_rank"] and ranked != n:
        shown["p_rank"] += f" (n {ranked})"
    return {
        "analyte": row["analyte"],
        "unit": row["unit"],
        "contrast": row["contrast"],
        "contrast_title": contrast_title(row["contrast"]),
        "arms": " / ".join(arms),
        "n": n,
        "ratio": short(row["ratio"]),
        "interval": f"{short(row['ratio_low'])} to {short(row['ratio_high'])}"
        if row["ratio"] == row["ratio"]
        else "–",
        "method": row["method"],
        "family": row["family"],
        "stars": row["stars"],
        "label": row["label"],
        "flags": row["flags"],
        "sort": {
            name: _sortable(row[name]) for name in ("ratio", "p", "p_adjusted", "p_rank", "q_bh")
        },
        **shown,
    }


def _numbers(row: Mapping[Hashable, Any], name: str) -> str:
    """How many subjects of each group: ``12 / 11``."""
    found = [row[f"{name}_{arm}"] for arm in ("treated", "control")]
    return " / ".join(str(n) for n in found if not pd.isna(n))


def _noticed(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Severity and words of what is more than information, a line per code, the worst first."""
    groups = [one for one in grouped(findings) if one.severity is not Severity.INFO]
    return [(str(one.severity), one.told) for one in groups]


def _findings(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """The rows of the table of findings."""
    return [
        {
            "severity": str(one.severity),
            "title": FLAGS[one.code].title,
            "where": ", ".join(filter(None, (one.plate, one.well, one.sample, one.analyte))),
            "message": one.message,
            "action": FLAGS[one.code].action,
        }
        for one in findings[:LONGEST]
    ]


def _sortable(value: float) -> float | str:
    return "" if value != value else float(value)


def _plain(frame: pd.DataFrame) -> dict[str, Any]:
    """A table for reading: headers, and cells as text with their values to sort by."""
    rows = [[_cell(value) for value in record] for record in frame.itertuples(index=False)]
    return {"columns": [str(name) for name in frame.columns], "rows": rows}


def _cell(value: object) -> tuple[str, float | str | None]:
    """The text of a cell and the number to sort it by, None where it is text."""
    if value is pd.NA:
        return "–", ""
    if isinstance(value, int | float):
        return short(value), _sortable(float(value))
    return str(value), None
