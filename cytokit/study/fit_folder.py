"""What ``fit`` gives, in memory or in the folder it writes, as readings for a study."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import InputError, Problem, place
from cytokit.findings import Finding
from cytokit.pseudonyms import ROLE
from cytokit.sources.text import parse_json
from cytokit.study._fit_failures import failures_in
from cytokit.study._readings_frame import number, tidy
from cytokit.vocabulary import FLAG_COLUMNS, RangeStatus, WellType

MANIFEST, SAMPLES, CURVES = "manifest.json", "samples.csv", "curves.csv"
FLAGS, WELLS = "flags.csv", "wells.csv"
_SAMPLES_NEEDED = (
    *("plate", "sample", "well_type", "analyte", "dilution_factor", "mfi", "concentration"),
    *("ci_low", "ci_high", "unit", "status", "limit_low", "limit_high"),
)
_CURVES_NEEDED = ("plate", "analyte", "lod", "lloq", "uloq")
_WELLS_NEEDED = ("plate", "sample", "well_type", "expected")
_LIMITS = ("lod", "lloq", "uloq", "uod")
_WITH_NUMBER = (RangeStatus.IN_RANGE, RangeStatus.BELOW_LLOQ, RangeStatus.ABOVE_ULOQ)


class FitFolder(NamedTuple):
    """What a study takes from a folder that ``fit`` wrote.

    ``samples`` and ``curves`` are samples.csv and curves.csv, their texts as the fit had them;
    ``failures`` what failed, of flags.csv; ``sha256`` is of samples.csv; ``pseudonyms`` the SHA-256
    of the pseudonyms file the fit was made with, empty where there was none.
    """

    samples: pd.DataFrame
    curves: pd.DataFrame
    failures: tuple[Finding, ...]
    sha256: str
    pseudonyms: str


def read_fit_folder(path: str | Path) -> FitFolder:
    """Samples, curves and failures of a folder that ``fit`` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    FitFolder

    Raises
    ------
    InputError
        CK-279 a folder that is not a finished fit, CK-280 a damaged table, CK-294 a failure that
        this release does not know, CK-594 and CK-595 a manifest or a table that is not as fit
        wrote it.
    """
    folder = Path(path)
    _require(folder, (MANIFEST, SAMPLES, CURVES))
    manifest = _manifest(folder / MANIFEST)
    listed = any(entry["name"] == FLAGS for entry in manifest["outputs"])
    names = (SAMPLES, CURVES, FLAGS) if listed else (SAMPLES, CURVES)
    _require(folder, names)
    contents = {name: (folder / name).read_bytes() for name in names}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    samples = _csv_frame(contents[SAMPLES], folder / SAMPLES, _SAMPLES_NEEDED)
    curves = _csv_frame(contents[CURVES], folder / CURVES, _CURVES_NEEDED)
    _refuse_changed(folder, manifest, hashes)
    failures: tuple[Finding, ...] = ()
    if listed:
        flags = _csv_frame(contents[FLAGS], folder / FLAGS, FLAG_COLUMNS)
        failures = failures_in(flags, folder / FLAGS)
    applied = [entry["sha256"] for entry in manifest["inputs"] if entry["role"] == ROLE]
    return FitFolder(samples, curves, failures, hashes[SAMPLES], applied[0] if applied else "")


def read_wells(path: str | Path) -> pd.DataFrame | None:
    """The wells of a folder that ``fit`` wrote; None where its manifest lists none.

    Raises
    ------
    InputError
        As :func:`read_fit_folder`.
    """
    folder = Path(path)
    manifest = _manifest(folder / MANIFEST)
    if not any(entry["name"] == WELLS for entry in manifest["outputs"]):
        return None
    _require(folder, (WELLS,))
    content = (folder / WELLS).read_bytes()
    _refuse_changed(folder, manifest, {WELLS: hashlib.sha256(content).hexdigest()})
    return _csv_frame(content, folder / WELLS, _WELLS_NEEDED)


def _require(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder in which a file is lacking."""
    for name in names:
        if not (folder / name).is_file():
            what = f"the folder has no {name}: not written by fit, or not finished"
            mend = "run cytokit fit again and give the folder it writes"
            raise InputError(Problem("CK-279", what, place(folder), mend))


def _manifest(file: Path) -> dict[str, list[dict[str, str]]]:
    """The inputs and outputs that a fit's manifest lists."""
    try:
        content = parse_json(file.read_text(encoding="utf-8"))
        return {
            part: [{key: str(entry[key]) for key in keys} for entry in content[part]]
            for part, keys in (("inputs", ("role", "sha256")), ("outputs", ("name", "sha256")))
        }
    except (ValueError, KeyError, TypeError) as error:
        what = "the manifest is damaged: nobody can say whether the folder is whole"
        mend = "run cytokit fit again with --force"
        raise InputError(Problem("CK-594", what, place(file), mend)) from error


def _refuse_changed(
    folder: Path, manifest: Mapping[str, list[dict[str, str]]], hashes: Mapping[str, str]
) -> None:
    """A table that is not the one fit wrote is from another run, cut short, or edited."""
    recorded = {entry["name"]: entry["sha256"] for entry in manifest["outputs"]}
    problems = [
        Problem(
            "CK-595",
            f"{name} is not what fit wrote here: it was changed, or belongs to another run",
            place(folder),
            "run cytokit fit again; an edited table can be given as a table of its own",
        )
        for name, found in hashes.items()
        if recorded.get(name) != found
    ]
    if problems:
        raise InputError(*problems)


def from_fit(
    samples: pd.DataFrame, curves: pd.DataFrame | None, kind: WellType = WellType.UNKNOWN
) -> pd.DataFrame:
    """The unknowns of a fit as readings, each with its own limits (dilution applied).

    Parameters
    ----------
    samples : pandas.DataFrame
        Columns of samples.csv.
    curves : pandas.DataFrame, optional
        Columns of curves.csv; not needed where the samples state their limits themselves.
    kind : WellType
        Others than unknowns: controls, for bridging.

    Returns
    -------
    pandas.DataFrame
        Columns ``READING_COLUMNS``.
    """
    unknown = samples[samples["well_type"].astype(str) == str(kind)]
    rows = unknown if curves is None else _with_limits(unknown, curves)
    status = rows["status"].astype(str)
    has_number = status.isin([str(kind) for kind in _WITH_NUMBER])
    value = number(rows["concentration"]).where(has_number)
    below, above = status == str(RangeStatus.OOR_LOW), status == str(RangeStatus.OOR_HIGH)
    low, high = number(rows["limit_low"]), number(rows["limit_high"])
    state = np.select([value.notna(), below, above], ["exact", "below", "above"], "missing")
    frame = rows.assign(
        value=value,
        lower=value.mask(below, 0.0).mask(above, high.fillna(low)),
        upper=value.mask(below, low.fillna(high)).mask(above, math.inf),
        state=state,
        range_status=status,
        given=number(rows["concentration"]),
        **{name: number(rows[name]) for name in _LIMITS},
        **{name: number(rows[name]) for name in ("ci_low", "ci_high", "mfi")},
        # somebody may have added these to a table that is given back
        **{role: rows.get(role, "") for role in ("subject", "group", "day", "stratum")},
    )
    return tidy(frame.drop(columns="status").assign(status=""))


def _with_limits(samples: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Samples with the limits of their curves, dilution applied."""
    # folders of the first releases have no uod, and their samples no limits
    limits = curves.reindex(columns=[*_CURVES_NEEDED, "uod"]).drop_duplicates(["plate", "analyte"])
    own = samples.drop(columns=[name for name in _LIMITS if name in samples])
    rows = own.merge(limits, on=["plate", "analyte"], how="left", validate="many_to_one")
    factor = number(rows["dilution_factor"])
    return rows.assign(**{name: number(rows[name]) * factor for name in _LIMITS})


def _csv_frame(content: bytes, path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """A CSV of ours as texts, without the apostrophe that guards formulas."""
    try:
        lines = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        problem = Problem("CK-280", f"the table is damaged: {error}", place(path))
        raise InputError(problem) from error
    header = lines[0] if lines else []
    missing = [name for name in needed if name not in header]
    ragged = [at for at, row in enumerate(lines, 1) if len(row) != len(header)]
    if missing or ragged:
        what = (
            f"the table lacks the columns {', '.join(missing)}"
            if missing
            else f"line {ragged[0]} has not as many cells as the header"
        )
        mend = "run cytokit fit again; a spreadsheet may have changed the file"
        raise InputError(Problem("CK-280", what, place(path), mend))
    rows = [[unguard(cell) for cell in row] for row in lines[1:]]
    return pd.DataFrame(rows, columns=header, dtype="str")
