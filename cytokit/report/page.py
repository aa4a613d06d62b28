"""report.html of a fit: one file that opens from disk and asks no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.curves.acceptance import PROFILES
from cytokit.curves.logistic import MODELS
from cytokit.curves.platefit import judge_plate
from cytokit.flags import FLAGS
from cytokit.report.embed import compact, explained, json_block, own_file, render, short, write_html
from cytokit.report.tables import shown
from cytokit.schema import (
    PLATE_VERDICTS,
    SEVERITIES,
    STATUSES,
    VERDICTS,
    WELL_TYPES,
    RangeStatus,
    Severity,
    Term,
    WellType,
)
from cytokit.tables.pseudonyms import ROLE

if TYPE_CHECKING:
    from cytokit.curves.fit import StandardCurve
    from cytokit.curves.platefit import PlateFit
    from cytokit.options import FitOptions
    from cytokit.plate import Plate, SourceInfo
    from cytokit.report.tables import Shown


# What the fit page's script draws: each plate as plain lists, short enough for a page.


#: points of each drawn curve, and how far it goes beyond the standards
GRID = 72
_BEYOND = 4.0

#: position of a well's first, second, ... reading
Slots = Mapping[tuple[str, int], int]

_PARAMETERS = (
    *("lower", "upper", "inflection", "slope", "asymmetry", "r2", "lod", "lloq", "uloq"),
    *("lloq_recovery", "uloq_recovery"),
)
_SAMPLE_NUMBERS = (
    *("n_wells", "dilution_factor", "mfi", "mfi_cv_pct", "concentration", "ci_low", "ci_high"),
    *("cv_pct", "limit_low", "limit_high"),
)
_STATUS_AT = {status: position for position, status in enumerate(STATUSES)}
_TYPE_AT = {kind: position for position, kind in enumerate(WELL_TYPES)}
_SEVERITY_AT = {severity: position for position, severity in enumerate(SEVERITIES)}


def page_data(fit: Shown, accept: tuple[float, float], refit: Sequence[str]) -> dict[str, Any]:
    """Everything the page's script needs."""
    beside = ";".join(fit.samples["flags"].dropna().unique()).split(";")
    named = set(fit.flags["code"]) | set(beside)
    codes = [code for code in FLAGS if code in named]
    return {
        "plates": [_plate_data(one, codes) for one in fit.each()],
        "exclusions": fit.exclusions.fillna("").astype("str").to_numpy().tolist(),
        "statuses": [[key, word.title, word.meaning] for key, word in STATUSES.items()],
        "types": list(WELL_TYPES),
        "verdicts": _titles(VERDICTS),
        "severities": [[key, word.title] for key, word in SEVERITIES.items()],
        "accept": accept,
        "refit": list(refit),
        "codes": [[code, *_flag_text(code)] for code in codes],
    }


def _titles(words: Mapping[str, Term]) -> dict[str, list[str]]:
    return {key: [word.title, word.meaning] for key, word in words.items()}


def _flag_text(code: str) -> tuple[str, str, str]:
    text = FLAGS[code]
    return text.title, text.meaning, text.action


def _plate_data(one: Shown, codes: list[str]) -> dict[str, Any]:
    plate, wells, samples = one.plates[0], one.wells, one.samples
    analytes = plate.analyte_names
    occurrence = wells.groupby(["well", "analyte"], sort=False).cumcount()
    slot_of = pd.MultiIndex.from_arrays([wells["well"], occurrence])
    slots = slot_of.unique()
    first = wells.loc[~slot_of.duplicated()]
    curves = [one.curves.get((plate.name, analyte)) for analyte in analytes]
    sample_of, names = pd.factorize(samples["sample"])
    flags_of, flag_texts = pd.factorize(samples["flags"].fillna(""))
    rows = _sample_rows(samples, sample_of, flags_of)
    slot_numbers = {slot: number for number, slot in enumerate(slots)}
    return {
        "name": plate.name,
        "size": plate.size,
        "analytes": analytes,
        "units": [_unit(plate, curve, name) for curve, name in zip(curves, analytes, strict=True)],
        "slots": [
            list(slot)
            for slot in zip(
                first["well"],
                first["sample"],
                first["well_type"].map(_TYPE_AT),
                compact(_numbers(first, "dilution_factor")),
                strict=True,
            )
        ],
        "readings": _readings(wells, slots.get_indexer(slot_of), len(slots), analytes),
        "curves": [_curve_data(curve, slot_numbers) for curve in curves],
        "names": names.tolist(),
        "flag_texts": flag_texts.tolist(),
        "samples": [rows.get(analyte, []) for analyte in analytes],
        "flags": _flag_rows(one.flags, analytes, codes),
    }


def _numbers(frame: pd.DataFrame, column: str) -> list[float]:
    found: list[float] = frame[column].to_numpy(dtype=float).tolist()
    return found


def _unit(plate: Plate, curve: StandardCurve | None, analyte: str) -> str:
    return curve.unit if curve is not None else plate.unit(analyte)


def _readings(
    wells: pd.DataFrame, slot: np.ndarray, n_slots: int, analytes: list[str]
) -> list[dict[str, Any]]:
    """Per analyte: intensity, count, concentration, interval and status, by slot."""
    row = pd.Index(analytes).get_indexer(pd.Index(wells["analyte"]))
    digits = {"mfi": 5, "bead_count": 5, "concentration": 4, "ci_low": 3, "ci_high": 3}
    grids = {}
    for column in digits:
        grids[column] = np.full((len(analytes), n_slots), np.nan)
        grids[column][row, slot] = _numbers(wells, column)
    status = np.full((len(analytes), n_slots), -1)
    status[row, slot] = wells["status"].astype("str").map(_STATUS_AT).to_numpy(dtype=int)
    return [
        {name: compact(grid[position], digits[name]) for name, grid in grids.items()}
        | {"status": status[position].tolist()}
        for position in range(len(analytes))
    ]


def _curve_data(curve: StandardCurve | None, slots: Slots) -> dict[str, Any] | None:
    if curve is None:
        return None
    data: dict[str, Any] = {
        "verdict": str(curve.verdict),
        "reason": curve.reason,
        "passed": [int(curve.n_pass), int(curve.n_levels)],
        "model": f"{MODELS[curve.model].label} ({curve.orientation})",
        **dict(
            zip(_PARAMETERS, compact(getattr(curve, name) for name in _PARAMETERS), strict=True)
        ),
        "levels": _level_rows(curve.standards),
        "wells": _well_rows(curve.wells, slots),
    }
    expected = curve.standards["expected"].to_numpy(dtype=float)
    positive = expected[(expected > 0) & curve.standards["mfi"].notna().to_numpy()]
    if curve.ok and positive.size:
        ends = [float(f"{end:.6g}") for end in (positive.min() / _BEYOND, positive.max() * _BEYOND)]
        x = np.geomspace(ends[0], ends[1], GRID)
        low, high = curve.band(x)
        data |= {
            "ends": ends,
            "y": compact(curve.predict(x)),
            "zero": compact(curve.predict(np.zeros(1)))[0],
        }
        data |= {"low": compact(low), "high": compact(high)}
    return data


def _level_rows(standards: pd.DataFrame) -> list[list[Any]]:
    columns = ("expected", "n_wells", "mfi", "mfi_cv_pct", "back_calculated", "recovery_pct")
    numbers = [compact(_numbers(standards, name)) for name in columns]
    texts = (
        standards["level"].astype("str"),
        standards["used"].astype(bool),
        standards["reason"].fillna("").astype("str"),
    )
    rows = zip(texts[0], *numbers, texts[1], texts[2], strict=True)
    return [list(row) for row in rows]


def _well_rows(wells: pd.DataFrame, slots: Slots) -> list[list[Any]]:
    """Slot, expected, intensity, robust factor, whether used and why not."""
    again: dict[str, int] = {}
    places = []
    for well in wells["well"]:
        again[well] = again.get(well, -1) + 1
        places.append(slots.get((well, again[well]), -1))
    rows = zip(
        places,
        compact(_numbers(wells, "expected"), 6),
        compact(_numbers(wells, "mfi"), 5),
        compact(_numbers(wells, "robust"), 3),
        wells["used"].astype(bool).tolist(),
        wells["reason"].fillna("").astype("str"),
        strict=True,
    )
    return [list(row) for row in rows]


def _sample_rows(
    samples: pd.DataFrame, sample_of: np.ndarray, flags_of: np.ndarray
) -> dict[str, list[list[Any]]]:
    """By analyte: name, type, numbers, status and flags of each sample."""
    found: dict[str, list[list[Any]]] = {}
    rows = zip(
        samples["analyte"].astype("str"),
        sample_of.tolist(),
        samples["well_type"].map(_TYPE_AT),
        *(compact(_numbers(samples, name)) for name in _SAMPLE_NUMBERS),
        samples["status"].astype("str").map(_STATUS_AT),
        flags_of.tolist(),
        strict=True,
    )
    for analyte, *row in rows:
        found.setdefault(analyte, []).append(row)
    return found


def _flag_rows(flags: pd.DataFrame, analytes: list[str], codes: list[str]) -> list[list[Any]]:
    at = {analyte: position for position, analyte in enumerate(analytes)}
    rows = zip(
        flags["well"].fillna("").astype("str"),
        flags["sample"].fillna("").astype("str"),
        [at.get(str(analyte), -1) for analyte in flags["analyte"]],
        [codes.index(str(code)) for code in flags["code"]],
        [_SEVERITY_AT[str(severity)] for severity in flags["severity"]],
        flags["message"].fillna("").astype("str"),
        strict=True,
    )
    return [list(row) for row in rows]


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
    can do nothing: see :mod:`cytokit.report.embed`.
    """
    return shown_page(shown(fit), fit.options)


def shown_page(
    tables: Shown,
    options: FitOptions,
    *,
    overview: str = "",
    pooled: Sequence[Plate] = (),
) -> str:
    """The page of the plates in `tables`, as :func:`fit_page` makes it."""
    from cytokit.folder import versions

    profile = PROFILES[options.profile]
    accept = (profile.recovery_pct.value, profile.end_recovery_pct.value)
    values = {
        "title": _title(tables.plates),
        "version": versions()["cytokit"],
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
    """Write :func:`fit_page` to a file."""
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
    """The command that fits the same plates again with the same options and a new file of wells."""
    files = list(dict.fromkeys(plate.source.path for plate in plates))
    words = ["cytokit", "fit", *(f"./{file}" if file.startswith("-") else file for file in files)]
    given = {
        flag: entry.path
        for plate in plates
        for entry in plate.companions
        if (flag := _companion_flag(entry, plate))
    }
    words += [word for pair in given.items() for word in pair]
    for one, value in options.changed():
        if isinstance(value, bool):
            words.append(one.flag if value else f"--no-{one.flag[2:]}")
        else:
            words += [one.flag, f"{value:g}" if isinstance(value, float) else str(value)]
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
