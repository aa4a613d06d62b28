"""Many plates at a glance: one line per plate, one per analyte, and the page that shows both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from cytokit.curves.platefit import LEADS, judge_plate, of_findings, worst
from cytokit.flags import FLAGS, Finding, findings_table
from cytokit.report.embed import explained, own_file, render, short
from cytokit.report.page import MARKS, options_in_words
from cytokit.schema import (
    PLATE_VERDICTS,
    SEVERITIES,
    TABLES,
    VERDICTS,
    PlateVerdict,
    RangeStatus,
    Severity,
    Verdict,
    WellType,
)

if TYPE_CHECKING:
    from cytokit.options import FitOptions
    from cytokit.report.tables import Shown

#: where the pages of single plates lie in the folder of results
PAGES = "plates"
#: rows of the page's table; the worst plates are among them, plates.csv holds them all
MOST_ROWS = 2000
_LONGEST_STEM = 60
_SCRIPTS = ("dom", "tables", "overview")
_TABLES = ("plates", "samples", "wells", "curves", "standards", "flags", "exclusions")


@dataclass(frozen=True, slots=True)
class PlateLine:
    """One plate of many: a row of plates.csv, columns of plates.csv."""

    plate: str
    file: str
    format: str
    verdict: str
    curves_good: int
    curves_usable: int
    curves_poor: int
    curves_failed: int
    n_in_range: int
    n_results: int
    n_fail: int
    n_warn: int
    page: str
    sentence: str


def plate_line(one: Shown, page: str) -> PlateLine:
    """The line of one plate."""
    plate, judged = one.plates[0], judge_plate(one.table, one.samples, one.flags)
    kinds = one.table["verdict"].value_counts()
    unknown = one.samples["status"][one.samples["well_type"] == str(WellType.UNKNOWN)]
    severity = one.flags["severity"]
    return PlateLine(
        plate=plate.name,
        file=Path(plate.source.path).name,
        format=plate.source.format,
        verdict=str(judged.verdict),
        curves_good=int(kinds.get(str(Verdict.GOOD), 0)),
        curves_usable=int(kinds.get(str(Verdict.USABLE), 0)),
        curves_poor=int(kinds.get(str(Verdict.POOR), 0)),
        curves_failed=int(kinds.get(str(Verdict.FAILED), 0)),
        n_in_range=int((unknown == str(RangeStatus.IN_RANGE)).sum()),
        n_results=len(unknown),
        n_fail=int((severity == str(Severity.FAIL)).sum()),
        n_warn=int((severity == str(Severity.WARN)).sum()),
        page=page,
        sentence=judged.sentence,
    )


def beside_others(line: PlateLine, findings: Sequence[Finding]) -> PlateLine:
    """The line of a plate once it is known what the other plates say of it."""
    if not findings:
        return line
    warns = sum(one.severity is Severity.WARN for one in findings)
    fails = sum(one.severity is Severity.FAIL for one in findings)
    verdict = worst([PlateVerdict(line.verdict), of_findings(findings_table(findings))])
    titles = ", ".join(dict.fromkeys(FLAGS[one.code].title for one in findings))
    told = line.sentence.partition(": ")[2].removesuffix(".")
    return replace(
        line,
        verdict=str(verdict),
        n_fail=line.n_fail + fails,
        n_warn=line.n_warn + warns,
        sentence=f"{LEADS[verdict]}: {told}; beside the other plates: {titles}.",
    )


def page_name(number: int, plate: str) -> str:
    """Where the page of a plate lies: its number keeps names apart, the rest is to be read."""
    stem = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", plate)).strip("._ ")
    short_stem = stem.encode()[:_LONGEST_STEM].decode(errors="ignore") or "plate"
    return f"{PAGES}/{number:05d}_{short_stem}.html"


def lines_table(lines: Sequence[PlateLine]) -> pd.DataFrame:
    """The lines as plates.csv, columns of plates.csv."""
    return pd.DataFrame([asdict(line) for line in lines], columns=TABLES["plates"].names)


def overview_page(
    lines: Sequence[PlateLine],
    summary: pd.DataFrame,
    shared: pd.DataFrame,
    options: FitOptions,
) -> str:
    """The report of many plates: each with its verdict and a link, each analyte over all plates."""
    from cytokit.folder import versions

    shown = _most_pressing(lines)
    values = {
        "title": f"{len(lines)} plates",
        "version": versions()["cytokit"],
        "counts": [(key, sum(line.verdict == key for line in lines)) for key in PLATE_VERDICTS],
        "facts": _facts(lines),
        "lines": [_line_values(line) for line in shown],
        "left_out": len(lines) - len(shown),
        "analytes": _analyte_rows(summary),
        "shared": shared.to_dict("records"),
        "options": "; ".join(options_in_words(options)),
        "marks": MARKS,
        "verdicts": VERDICTS,
        "plate_verdicts": PLATE_VERDICTS,
        "severities": SEVERITIES,
        "tables": explained(_TABLES),
    }
    script = '"use strict";\n{\n' + "".join(own_file(f"{name}.js") for name in _SCRIPTS) + "}\n"
    style = own_file("page.css") + own_file("overview.css") + own_file("print.css")
    return render("overview.html", style=style, script=script, values=values)


def _most_pressing(lines: Sequence[PlateLine]) -> list[PlateLine]:
    """All plates in their order, or, of too many, the worst."""
    if len(lines) <= MOST_ROWS:
        return list(lines)
    ranks = {key: rank for rank, key in enumerate(reversed(list(PLATE_VERDICTS)))}
    pressing = sorted(range(len(lines)), key=lambda number: (ranks[lines[number].verdict], number))
    return [lines[number] for number in sorted(pressing[:MOST_ROWS])]


def _facts(lines: Sequence[PlateLine]) -> list[tuple[str, str]]:
    """What the plates come to together."""
    results, inside = sum(line.n_results for line in lines), sum(line.n_in_range for line in lines)
    curves = {
        "good": sum(line.curves_good for line in lines),
        "usable": sum(line.curves_usable for line in lines),
        "poor": sum(line.curves_poor for line in lines),
        "failed": sum(line.curves_failed for line in lines),
    }
    formats = dict.fromkeys(line.format for line in lines)
    return [
        ("Curves", f"{sum(curves.values()):,}".replace(",", "\u202f")),
        *((f"Curves {key}", f"{count:,}".replace(",", "\u202f")) for key, count in curves.items()),
        ("Sample results in range", f"{inside:,} of {results:,}".replace(",", "\u202f")),
        ("Formats", ", ".join(formats)),
    ]


def _line_values(line: PlateLine) -> dict[str, Any]:
    """One row of the page's table of plates."""
    ranks = list(PLATE_VERDICTS)
    n_curves = line.curves_good + line.curves_usable + line.curves_poor + line.curves_failed
    share = line.n_in_range / line.n_results if line.n_results else -1.0
    return {
        **asdict(line),
        "href": quote(line.page),
        "rank": ranks.index(line.verdict),
        "n_curves": n_curves,
        "fit": line.curves_good + line.curves_usable,
        "share": share,
        "percent": f"{100 * share:.0f} %" if line.n_results else "–",
        "why": _why(line.sentence),
    }


def _why(sentence: str) -> str:
    """What a plate's verdict says beyond the figures that stand in columns of their own."""
    first, *rest = sentence.partition(": ")[2].removesuffix(".").split("; ")
    bad = first.partition(", ")[2] if " of " in first else first
    return "; ".join([*([bad] if bad else []), *(part for part in rest if " of " not in part)])


def _analyte_rows(summary: pd.DataFrame) -> list[dict[str, Any]]:
    """Each analyte over all plates: verdicts, limits, results in range."""
    rows = []
    for analyte, mine in summary.groupby("analyte", sort=False):
        counts = mine["verdict"].value_counts()
        row: dict[str, Any] = {"analyte": str(analyte), "n": len(mine)}
        row |= {str(kind): int(counts.get(str(kind), 0)) for kind in Verdict}
        units = mine["unit"].unique()
        row["unit"] = str(units[0]) if len(units) == 1 else "several units"
        for name in ("lloq", "uloq"):
            values = mine[name].to_numpy(dtype=float)
            told = values[np.isfinite(values)]
            comparable = len(told) > 0 and len(units) == 1
            row[f"{name}_value"] = float(np.median(told)) if comparable else ""
            row[name] = short(row[f"{name}_value"]) if comparable else "–"
            row[f"{name}_span"] = _span(told) if comparable else ""
        results, inside = int(mine["n_samples"].sum()), int(mine["n_in_range"].sum())
        row["share"] = inside / results if results else -1.0
        row["percent"] = f"{100 * inside / results:.0f} %" if results else "–"
        rows.append(row)
    return rows


def _span(values: np.ndarray) -> str:
    """Lowest and highest, where they differ."""
    low, high = short(float(values.min())), short(float(values.max()))
    return f"{low} to {high}" if low != high else low
