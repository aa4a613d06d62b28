"""What ``fit`` wrote, given back as a table: samples.csv, or a sheet of samples of the workbook.

Read as any other table they would lose what makes them results: statuses, limits, dilutions, and
that a control is no sample.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from cytokit.cell_text import unguard
from cytokit.errors import InputError, Problem
from cytokit.findings import Finding
from cytokit.sources.decimal_mark import decide, decimal_asked, marks_of
from cytokit.study._readings_frame import number
from cytokit.tables.cells import number as number_of
from cytokit.tables.cells import says_nothing
from cytokit.tables.columns import split_header
from cytokit.tables.rows import Grid, is_fit_wide, is_samples
from cytokit.vocabulary import SAMPLES_EXTRA_COLUMNS, RangeStatus

LIMITS = ("lod", "lloq", "uloq", "uod")
#: who and when, if somebody added these columns
_WHO = ("subject", "group", "day", "stratum")
_NUMBERS = (
    *("n_wells", "dilution_factor", "mfi", "mfi_cv_pct", "concentration", "ci_low", "ci_high"),
    *("cv_pct", "limit_low", "limit_high", *SAMPLES_EXTRA_COLUMNS),
)
_BOUND = re.compile(r"([<>]) ?([-+0-9.,eE]{1,40})")
#: how the wide sheet calls its limits, at the bead
_AT_BEAD = {"lod at the bead": "lod", "lloq at the bead": "lloq", "uloq at the bead": "uloq"}


def is_from_fit(grid: Grid, mapping: Mapping[str, str | Sequence[str]] | None) -> bool:
    """Whether a table is one of those, and the user does not say what its other columns are."""
    ours = is_samples(grid.header) or is_fit_wide(grid.header)
    return ours and set(mapping or {}) <= set(_WHO)


def samples_in(
    grid: Grid,
    mapping: Mapping[str, str | Sequence[str]] | None,
    asked: str | None = None,
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """The table with the columns of samples.csv, and what had to be found out about its limits.

    Parameters
    ----------
    grid : Grid
        One that :func:`is_from_fit` accepts.
    mapping : mapping of str to str, optional
        Columns that somebody added: subject, group, day, stratum.
    asked : {"comma", "point"}, optional
        The decimal mark, where a spreadsheet saved the table with its own.

    Raises
    ------
    InputError
        CK-280, if a cell that must be a number is none.
    """
    cells = pd.DataFrame(
        [[unguard(cell.strip()) for cell in row] for _, row in grid.rows],
        columns=list(grid.header),
        dtype="str",
    )
    where = [grid.where(line) for line, _ in grid.rows]
    frame = cells if is_samples(grid.header) else _from_wide(cells, grid)
    numbers = [name for name in _NUMBERS if name in frame]
    # what a workbook or a frame stores as numbers is written with a point
    marks = marks_of([] if grid.exact else [cell for name in numbers for cell in frame[name]])
    decimal = decide(marks, asked=decimal_asked(asked), whole=marks, file=grid.path)
    problems = []
    for name in numbers:
        parsed = [number_of(cell, decimal) for cell in frame[name]]
        for at, (cell, value) in enumerate(zip(frame[name], parsed, strict=True)):
            if math.isnan(value) and not says_nothing(cell):
                what = f"column {name}: {cell!r} is no number"
                mend = "run cytokit fit again; a spreadsheet may have changed the file"
                place = where[at] if len(where) == len(frame) else grid.path
                problems.append(Problem("CK-280", what, place, mend))
        frame = frame.assign(**{name: parsed})
    if problems:
        raise InputError(*problems)
    who = {role: str(column) for role, column in (mapping or {}).items()}
    added = {role: who.get(role, role) for role in _WHO if who.get(role, role) in grid.header}
    frame = frame.assign(**{role: cells[name] for role, name in added.items()})
    return _with_limits(frame, grid.path)


def _with_limits(frame: pd.DataFrame, path: str) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Limits of detection where the file of an earlier release states them beside a bound only."""
    if set(LIMITS) <= set(frame.columns):
        return frame, ()
    frame = frame.assign(**{name: math.nan for name in LIMITS if name not in frame})
    bounds = (
        ("lod", "limit_low", RangeStatus.OOR_LOW),
        ("uod", "limit_high", RangeStatus.OOR_HIGH),
    )
    for name, limit, status in bounds:
        at_bead = frame[limit] / frame["dilution_factor"]
        stated = frame.assign(at_bead=at_bead.where(frame["status"] == str(status)))
        shared = stated.groupby(["plate", "analyte"], sort=False)["at_bead"].transform("first")
        frame = frame.assign(**{name: frame[name].fillna(shared * frame["dilution_factor"])})
    unknown = frame["lod"].isna() & (frame["status"] == str(RangeStatus.BELOW_LLOQ))
    return frame, tuple(
        Finding(
            "limit_unknown",
            f"{path}: {count} readings below the limit of quantification count as numbers, as no "
            "limit of detection is stated: give the folder that fit wrote",
            analyte=str(analyte),
        )
        for analyte, count in frame.loc[unknown, "analyte"].value_counts(sort=False).items()
    )


def _from_wide(cells: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    """The sheet of samples by analytes with one row per reading; its legend is left out."""
    limits = {
        role: row
        for row in grid.above
        for cell in row
        if (role := _AT_BEAD.get(cell.strip().casefold()))
    }
    rows = cells[cells["dilution_factor"] != ""]
    parts = [_of_analyte(rows, grid, position, limits) for position in _analytes(grid)]
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def _analytes(grid: Grid) -> Iterator[int]:
    """Where the analytes stand; a column somebody added says who or when."""
    for position, name in enumerate(grid.header):
        if position >= 4 and name.strip().casefold() not in _WHO:
            yield position


def _of_analyte(
    rows: pd.DataFrame, grid: Grid, position: int, limits: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """One analyte's readings, their status told from the cell and from the limits above it."""
    header = split_header(grid.header[position])
    cell = rows.iloc[:, position]
    match = cell.str.extract(_BOUND)
    below, above = match[0] == "<", match[0] == ">"
    value = cell.map(lambda text: number_of(text, "."))
    plain = cell.where(value.notna(), "")
    factor = number(rows["dilution_factor"])
    beside = {
        role: number_of(row[position].strip(), ".") * factor if position < len(row) else np.nan
        for role, row in limits.items()
    }
    status = np.select(
        [
            below,
            above,
            value < beside.get("lloq", np.nan),
            value > beside.get("uloq", np.nan),
            value.notna(),
        ],
        [
            str(RangeStatus.OOR_LOW),
            str(RangeStatus.OOR_HIGH),
            str(RangeStatus.BELOW_LLOQ),
            str(RangeStatus.ABOVE_ULOQ),
            str(RangeStatus.IN_RANGE),
        ],
        str(RangeStatus.NOT_MEASURED),
    )
    texts = {role: pd.Series(limit, index=rows.index) for role, limit in beside.items()}
    written = {role: limit.map(repr).where(limit.notna(), "") for role, limit in texts.items()}
    return rows[["plate", "sample", "well_type", "dilution_factor"]].assign(
        analyte=header.name,
        unit=header.unit,
        concentration=plain,
        status=status,
        limit_low=match[1].where(below, "").fillna(""),
        limit_high=match[1].where(above, "").fillna(""),
        **dict.fromkeys(("mfi", "ci_low", "ci_high"), ""),
        **written,
    )
