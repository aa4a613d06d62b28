"""What the fit page's script draws: each plate as plain lists, short enough for a page.

Readings are columns over the plate's slots (a slot is one reading of a well), one set per analyte;
statuses, well types and flag codes are positions in lists that stand once on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.flags import FLAGS
from cytokit.report._embed import compact
from cytokit.report.words import SEVERITIES, STATUSES, VERDICTS, WELL_TYPES, Word

if TYPE_CHECKING:
    from cytokit.curves.fit import StandardCurve
    from cytokit.plate import Plate
    from cytokit.report._shown import Shown

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
    """Everything the page's script needs.

    Parameters
    ----------
    fit : Shown
    accept : (float, float)
        How far from 100 % a level may recover, and the two end levels.
    refit : sequence of str
        The words of the command that repeats the run.

    Returns
    -------
    dict
        Ready for JSON: ``plates``, ``exclusions`` and the words.
    """
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


def _titles(words: Mapping[str, Word]) -> dict[str, list[str]]:
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
        "model": f"{curve.model.upper()} ({curve.orientation})",
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
