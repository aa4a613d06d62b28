"""report.html of a comparison: verdict, panels, table, guard, families and methods in one file."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.findings import Finding, grouped
from cytokit.flags import FLAGS
from cytokit.report._compare_words import conclusion, contrast_title
from cytokit.report._embed import explained, own_file, render, short, write_html
from cytokit.report._svg import safe_svg
from cytokit.vocabulary import Severity

if TYPE_CHECKING:
    from cytokit.stats import Comparison

_SCRIPTS = ("dom", "tables", "compare")
_TABLES = ("comparisons", "summary", "detectability", "flags")
#: findings that a page lists; flags.csv holds them all
LONGEST = 2000


def comparison_page(comparison: Comparison, pictures: Mapping[str, str] | None = None) -> str:
    """The report of a comparison as one self-contained HTML page.

    Parameters
    ----------
    comparison : Comparison
    pictures : mapping of str to str, optional
        Title to the text of an SVG file, shown in this order: the panels, the forest.

    Returns
    -------
    str
        The same for the same comparison and pictures.

    Raises
    ------
    OutputError
        CK-551 if a name is no Unicode text, CK-552 if a picture is no SVG.
    """
    from cytokit import __version__
    from cytokit.stats.labels import level_text

    table = comparison.table
    values = {
        "version": __version__,
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
    """Write :func:`comparison_page` to a file.

    Parameters
    ----------
    comparison : Comparison
    path : str or Path
    pictures : mapping of str to str, optional
        Title to the text of an SVG file.

    Raises
    ------
    OutputError
        CK-550 if the file cannot be written; see also :func:`comparison_page`.
    """
    write_html(comparison_page(comparison, pictures), path)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of the methods text: its kind (heading, item, text) and what it says."""

    kind: str
    text: str


def paragraphs(markdown: str) -> list[Paragraph]:
    r"""The little markdown that the methods text uses, as plain paragraphs.

    Parameters
    ----------
    markdown : str

    Returns
    -------
    list of Paragraph

    Examples
    --------
    >>> [(p.kind, p.text) for p in paragraphs("## Methods\n\nOne\ntwo.\n\n- three")]
    [('heading', 'Methods'), ('text', 'One two.'), ('item', 'three')]
    """
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
    from cytokit.stats.labels import p_text

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
