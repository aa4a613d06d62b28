"""report.html of a fit: one file that opens from disk and asks no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.curves.profiles import PROFILES
from cytokit.pseudonyms import ROLE
from cytokit.report._embed import explained, json_block, own_file, render, short, write_html
from cytokit.report._page_data import page_data
from cytokit.report._shown import shown
from cytokit.report.words import PLATE_VERDICTS, SEVERITIES, STATUSES, VERDICTS
from cytokit.verdict import judge_plate
from cytokit.vocabulary import RangeStatus, Severity, WellType

if TYPE_CHECKING:
    from cytokit.curves.fit import StandardCurve
    from cytokit.curves.options import FitOptions
    from cytokit.plate import Plate, SourceInfo
    from cytokit.platefit import PlateFit
    from cytokit.report._shown import Shown

#: the second cue beside each verdict's colour
MARKS = {
    "good": "✓", "usable": "○", "poor": "▲", "failed": "✕", "report": "✓", "look": "○", "hold": "▲",
}  # fmt: skip
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


def shown_page(
    tables: Shown,
    options: FitOptions,
    *,
    overview: str = "",
    pooled: Sequence[Plate] = (),
) -> str:
    """The page of the plates in `tables`, as :func:`fit_page` makes it.

    Parameters
    ----------
    tables : Shown
    options : FitOptions
    overview : str
        Where the page of all plates lies, seen from this one; empty where there is none.
    pooled : sequence of Plate
        The plates that these learn from, where they do.

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
        "data": json_block(
            page_data(tables, accept, refit_words(pooled or tables.plates, options))
        ),
        "marks": MARKS,
        "statuses": STATUSES,
        "verdicts": VERDICTS,
        "plate_verdicts": PLATE_VERDICTS,
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


def refit_words(plates: Sequence[Plate], options: FitOptions) -> list[str]:
    """The command that fits the same plates again with the same options and a new file of wells.

    Parameters
    ----------
    plates : sequence of Plate
    options : FitOptions

    Returns
    -------
    list of str
        Its words, not quoted; the results go to a folder of their own.

    Examples
    --------
    >>> from cytokit.curves.options import FitOptions
    >>> from cytokit.simulate import simulate_trial
    >>> plates = simulate_trial(seed=1, subjects=8).plates
    >>> " ".join(refit_words(plates[:1], FitOptions(robust=False)))
    'cytokit fit plate_1 --no-robust --exclude exclusions.csv --out plate_1_refit'
    """
    files = list(dict.fromkeys(plate.source.path for plate in plates))
    words = ["cytokit", "fit", *(f"./{file}" if file.startswith("-") else file for file in files)]
    given = {
        flag: entry.path
        for plate in plates
        for entry in plate.companions
        if (flag := _companion_flag(entry, plate))
    }
    words += [word for pair in given.items() for word in pair]
    for field in fields(options):
        value, flag = getattr(options, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", f"{value:g}" if isinstance(value, float) else str(value)]
    stem = Path(files[0]).stem if len(files) == 1 else "cytokit"
    return [*words, "--exclude", "exclusions.csv", "--out", f"{stem[:60]}_refit"]


def _companion_flag(entry: SourceInfo, plate: Plate) -> str:
    """The option a second file was given with; empty where it was found beside the export."""
    if entry.format == "lots":
        found = Path(entry.path).parent == Path(plate.source.path).parent
        return "" if found else "--layout"
    return {"layout": "--layout", ROLE: "--pseudonyms"}[entry.format]


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
        "verdict": judge_plate(one.table, one.samples, one.flags),
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
