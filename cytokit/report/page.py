"""report.html of a fit: one file that opens from disk and asks no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.curves.profiles import PROFILES
from cytokit.report._embed import explained, json_block, own_file, render, short, write_html
from cytokit.report._page_data import page_data
from cytokit.report._shown import shown
from cytokit.report._verdict import plate_verdict
from cytokit.report.words import SEVERITIES, STATUSES, VERDICTS
from cytokit.vocabulary import RangeStatus, Severity, WellType

if TYPE_CHECKING:
    from cytokit.curves.fit import StandardCurve
    from cytokit.curves.options import FitOptions
    from cytokit.plate import Plate
    from cytokit.platefit import PlateFit
    from cytokit.report._shown import Shown

#: the second cue beside each verdict's colour
MARKS = {"good": "✓", "usable": "○", "poor": "▲", "failed": "✕"}
_SCRIPTS = (
    *(
        "dom",
        "base",
        "tables",
        "chart",
        "curve",
        "flags",
        "analytes",
        "platemap",
        "samples",
        "exclude",
    ),
    "start",
)
_TABLES = ("samples", "wells", "curves", "standards", "flags", "exclusions")


def fit_page(fit: PlateFit) -> str:
    """The report of a fit as one self-contained HTML page.

    The same fit gives the same page, byte for byte. Every name from a file is shown as text and
    can do nothing: see :mod:`cytokit.report._embed`.

    Parameters
    ----------
    fit : PlateFit

    Returns
    -------
    str

    Raises
    ------
    OutputError
        CK-551 if a name is no Unicode text.
    """
    return shown_page(shown(fit), fit.options)


def shown_page(tables: Shown, options: FitOptions, *, overview: str = "") -> str:
    """The page of the plates in `tables`, as :func:`fit_page` makes it.

    Parameters
    ----------
    tables : Shown
    options : FitOptions
    overview : str
        Where the page of all plates lies, seen from this one; empty where there is none.

    Returns
    -------
    str

    Raises
    ------
    OutputError
        CK-551 if a name is no Unicode text.
    """
    from cytokit import __version__

    profile = PROFILES[options.profile]
    accept = (profile.recovery_pct.value, profile.end_recovery_pct.value)
    values = {
        "title": _title(tables.plates),
        "version": __version__,
        "overview": overview,
        "plates": [_plate_values(one) for one in tables.each()],
        "options": "; ".join(options_in_words(options)),
        "data": json_block(page_data(tables, accept)),
        "marks": MARKS,
        "statuses": STATUSES,
        "verdicts": VERDICTS,
        "severities": SEVERITIES,
        "tables": explained(_TABLES),
        "unit_note": _unit_note(tables),
    }
    script = (
        '"use strict";\n{\nconst DATA = JSON.parse(document.getElementById("data").textContent);\n'
    )
    script += "".join(own_file(f"{name}.js") for name in _SCRIPTS) + "}\n"
    style = own_file("page.css") + own_file("print.css")
    return render("page.html", style=style, script=script, values=values)


def write_page(fit: PlateFit, path: str | Path) -> None:
    """Write :func:`fit_page` to a file.

    Parameters
    ----------
    fit : PlateFit
    path : str or Path

    Raises
    ------
    OutputError
        CK-550 if the file cannot be written.
    """
    write_html(fit_page(fit), path)


def options_in_words(options: FitOptions) -> list[str]:
    """The options in force, as the footer states them."""
    found = []
    for name, value in asdict(options).items():
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"
        if text:
            found.append(f"{name.replace('_pct', ' %').replace('_', ' ')}: {text}")
    return found


def _title(plates: Sequence[Plate]) -> str:
    return plates[0].name if len(plates) == 1 else f"{len(plates)} plates"


def _unit_note(fit: Shown) -> str:
    """The unit of all limits where it is one and the same, for the head of the table."""
    units = {curve.unit for curve in fit.curves.values()}
    return f" in {units.pop()}" if len(units) == 1 and "" not in units else ""


def _plate_values(one: Shown) -> dict[str, Any]:
    """What the template says about one plate."""
    plate, flags = one.plates[0], one.flags
    samples = one.samples[one.samples["well_type"] == str(WellType.UNKNOWN)]
    units = dict(zip(plate.analytes["analyte"], plate.analytes["unit"], strict=True))
    counts = {
        "n_results": samples.groupby("analyte").size(),
        "n_in_range": _count(samples, "status", RangeStatus.IN_RANGE),
        "n_fail": _count(flags, "severity", Severity.FAIL),
        "n_warn": _count(flags, "severity", Severity.WARN),
    }
    return {
        "name": plate.name,
        "verdict": plate_verdict(one),
        "facts": _facts(one),
        "analytes": [
            _analyte_values(one.curves.get((plate.name, name)), name, units.get(name, ""), counts)
            for name in plate.analyte_names
        ],
    }


def _count(frame: pd.DataFrame, column: str, value: str) -> pd.Series:
    return frame[frame[column] == str(value)].groupby("analyte").size()


def _analyte_values(
    curve: StandardCurve | None, analyte: str, unit: str, counts: Mapping[str, pd.Series]
) -> dict[str, Any]:
    """One row of the table of analytes."""
    number = {name: int(column.get(analyte, 0)) for name, column in counts.items()}
    verdict = str(curve.verdict) if curve is not None else ""
    ranks = list(VERDICTS)
    row: dict[str, Any] = {
        "analyte": analyte,
        "unit": curve.unit if curve is not None else unit,
        "verdict": verdict,
        "rank": ranks.index(verdict) if verdict else len(ranks),
        "in_range": f"{number['n_in_range']} / {number['n_results']}",
        "share": number["n_in_range"] / max(number["n_results"], 1),
        **number,
    }
    for name in ("lloq", "uloq"):
        value = float(getattr(curve, name)) if curve is not None else float("nan")
        row[name] = short(value)
        row[f"{name}_value"] = value if value == value else ""
    row["passed"] = int(curve.n_pass) if curve is not None else 0
    row["levels"] = f"{int(curve.n_pass)} / {int(curve.n_levels)}" if curve is not None else "–"
    return row


def _facts(one: Shown) -> list[tuple[str, str]]:
    """Where the plate came from and what is on it."""
    plate = one.plates[0]
    wells = plate.wells.drop_duplicates("well")["well_type"].value_counts()
    kinds = ", ".join(f"{wells[str(kind)]} {kind}" for kind in WellType if str(kind) in wells)
    units = dict.fromkeys(curve.unit for curve in one.curves.values() if curve.unit)
    return [
        ("File", Path(plate.source.path).name),
        ("Format", plate.source.format),
        ("Analytes", str(len(plate.analyte_names))),
        ("Unit", ", ".join(units) or "not stated in the export"),
        ("Wells", kinds),
        ("Exclusions", str(len(one.exclusions))),
    ]
