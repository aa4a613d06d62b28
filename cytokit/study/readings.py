"""Concentrations from wherever they come, in one tidy frame: fits, folders of fits, plain tables.

Nothing is decided here about values out of range; :mod:`cytokit.study.censoring` does that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from cytokit.errors import (
    InputError,
    NothingToDoError,
    Problem,
    UsageError,
    did_you_mean,
    option_text,
    place,
)
from cytokit.findings import Finding
from cytokit.plate import Plate
from cytokit.pseudonyms import Pseudonyms, applied_to
from cytokit.study._fit_failures import failures_of, mark_failures
from cytokit.study._private import private_readings
from cytokit.study._readings_frame import ID_COLUMNS, READING_COLUMNS, tidy
from cytokit.study.analyte_names import joined_spellings, one_spelling_of_units, renamed
from cytokit.study.fit_folder import from_fit, read_fit_folder
from cytokit.study.samples_table import is_from_fit, samples_in
from cytokit.tables.cells import check_nd
from cytokit.tables.columns import unit_key
from cytokit.tables.read import concentrations_in, load_table
from cytokit.tables.rows import Grid
from cytokit.tables.scale import check_scale, is_relative
from cytokit.vocabulary import WellType

QUANTITIES = ("concentration", "mfi")
#: findings of a table that the study makes itself, with what it does about them
_NAMED_HERE = ("hidden_floor", "analytes_alike")


@runtime_checkable
class FitLike(Protocol):
    """What of a fit is used: its samples, and its curves for their limits."""

    @property
    def samples(self) -> pd.DataFrame:
        """Columns of samples.csv."""
        ...

    @property
    def curves(self) -> CurveTable:
        """The curves, with their table."""
        ...


class CurveTable(Protocol):
    """A set of curves that can show itself as a table."""

    @property
    def table(self) -> pd.DataFrame:
        """Columns of curves.csv."""
        ...


@runtime_checkable
class HasPlates(Protocol):
    """A fit that keeps its plates, and so knows whether they have pseudonyms."""

    @property
    def plates(self) -> Sequence[Plate]:
        """The plates that were fitted."""
        ...


@runtime_checkable
class HasFindings(Protocol):
    """A fit that says what it noticed."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Among them what failed."""
        ...


Source = FitLike | str | Path | pd.DataFrame


@dataclass(frozen=True, slots=True)
class Input:
    """What was read, for the manifest: path as given, hash, kind (fit, fit folder, table)."""

    path: str
    sha256: str
    kind: str


@dataclass(frozen=True)
class Readings:
    """All readings of a study before the design is joined.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``READING_COLUMNS`` of :mod:`cytokit.study._readings_frame`.
    findings : tuple of Finding
        What reading the sources showed.
    inputs : tuple of Input
        Files and their hashes.
    pseudonyms : str
        Of one source: SHA-256 of the pseudonyms file whose names it already has, else empty.
    controls : pandas.DataFrame
        The controls of fits, same columns; they belong to no subject and serve for bridging.
    """

    frame: pd.DataFrame
    findings: tuple[Finding, ...]
    inputs: tuple[Input, ...]
    pseudonyms: str = ""
    controls: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=READING_COLUMNS))


@dataclass(frozen=True, slots=True)
class Manner:
    """How concentration tables are read.

    Parameters
    ----------
    mapping : mapping of str to str, optional
        Role to column.
    scale : {"linear", "log2", "log10", "ln"}, optional
        Of the numbers, see :func:`cytokit.tables.read_concentrations`.
    decimal : {"comma", "point"}, optional
    nd : {"below", "missing"}, optional
    """

    mapping: Mapping[str, str | Sequence[str]] | None = None
    scale: str | None = None
    decimal: str | None = None
    nd: str | None = None


def gather(
    sources: Source | Iterable[Source],
    manner: Manner | None = None,
    *,
    quantity: str = "concentration",
    pseudonyms: Pseudonyms | None = None,
) -> Readings:
    """Read every source and put the readings together.

    Parameters
    ----------
    sources : PlateFit, path, DataFrame, or an iterable of these
        Fits, folders written by ``fit``, concentration tables.
    manner : Manner, optional
        Of reading concentration tables.
    quantity : {"concentration", "mfi"}
        ``mfi`` takes the median fluorescence itself, as exact numbers without limits.
    pseudonyms : Pseudonyms, optional
        Laid over every source.

    Returns
    -------
    Readings

    Raises
    ------
    InputError
        If a source cannot be read, or an analyte stands in two units; all problems together.
    NothingToDoError
        CK-277, if there is no source, or none holds a sample.
    UsageError
        CK-278 for a source of another kind, CK-287 for a quantity that is not there, CK-292 for
        a scale where no source is a table.
    PrivacyError
        CK-585, CK-588, if names cannot be replaced.
    """
    given = listed(sources)
    _check_quantity(given, quantity)
    asked = manner or Manner()
    if asked.scale is not None and given and not has_tables(given):
        scale = option_text("scale", asked.scale)
        what = f"{scale} is for tables; a fit's concentrations are no logarithms"
        raise UsageError(Problem("CK-292", what, mend="leave scale out"))
    if not given:
        mend = "give a fit, a folder written by fit, or a table of concentrations"
        raise NothingToDoError(Problem("CK-277", "there is nothing to compare", mend=mend))
    parts, errors = [], []
    for source in given:
        try:
            parts.append(_read(source, asked))
        except InputError as error:
            errors.append(error)
    if errors:
        raise InputError.together(errors)
    if pseudonyms is not None:
        parts = [private_readings(part, pseudonyms) for part in parts]
    names, spelled = joined_spellings([part.frame for part in parts])
    frame = renamed(pd.concat([part.frame for part in parts], ignore_index=True), names)
    if frame.empty:
        mend = "check the well types of the fit: only unknowns are compared"
        raise NothingToDoError(Problem("CK-277", "the sources hold no unknown sample", mend=mend))
    _check_units(frame)
    frame = one_spelling_of_units(frame)
    if quantity == "mfi":
        frame = as_mfi(frame)
    noticed = (finding for part in parts for finding in part.findings)
    findings = (
        *(replace(one, analyte=names.get(one.analyte, one.analyte)) for one in noticed),
        *spelled,
    )
    inputs = tuple(entry for part in parts for entry in part.inputs)
    controls = [part.controls for part in parts if len(part.controls)]
    if not controls:
        return Readings(frame, findings, inputs)
    beside = renamed(pd.concat(controls, ignore_index=True), names)
    return Readings(frame, findings, inputs, controls=one_spelling_of_units(beside))


def from_table(frame: pd.DataFrame) -> pd.DataFrame:
    """A concentration table's frame as readings.

    Parameters
    ----------
    frame : pandas.DataFrame
        As :func:`cytokit.tables.read_concentrations` gives it.

    Returns
    -------
    pandas.DataFrame
        Columns ``READING_COLUMNS``.
    """
    absent = {name: "" for name in (*ID_COLUMNS, "plate") if name not in frame}
    blank = dict.fromkeys(("ci_low", "ci_high", "mfi"), math.nan)
    return tidy(frame.assign(range_status="", **blank, **absent))


def listed(sources: Source | Iterable[Source]) -> list[Source]:
    """Several sources as a list; one source as a list of one.

    Examples
    --------
    >>> listed("a.csv"), listed(["a.csv", "b.csv"])
    (['a.csv'], ['a.csv', 'b.csv'])
    """
    if isinstance(sources, (str, Path, pd.DataFrame, FitLike)):
        return [sources]
    if not isinstance(sources, Iterable):
        return [sources]  # refused by name in _read
    return list(sources)


def is_table(source: Source) -> bool:
    """Whether a source is a plain table: a frame, or a path that is no folder."""
    if isinstance(source, pd.DataFrame):
        return True
    return isinstance(source, (str, Path)) and not Path(source).is_dir()


def has_tables(sources: Iterable[Source]) -> bool:
    """Whether any source is a plain table."""
    return any(is_table(source) for source in sources)


def _read(source: Source, manner: Manner) -> Readings:
    """One source."""
    if is_table(source):
        grid = load_table(source, manner.mapping)  # type: ignore[arg-type]
        if is_from_fit(grid, manner.mapping):
            return _of_samples(grid, manner)
        table = concentrations_in(
            grid,
            mapping=manner.mapping,
            scale=manner.scale,
            decimal=manner.decimal,
            nd=manner.nd,
        )
        entry = Input(table.path, table.sha256, "concentration table")
        findings = tuple(one for one in table.findings if one.code not in _NAMED_HERE)
        return Readings(from_table(table.frame), findings, (entry,))
    if isinstance(source, (str, Path)):
        found = read_fit_folder(source)
        entry = Input(str(source), found.sha256, "fit folder")
        return _of_fit(found.samples, found.curves, found.failures, entry, found.pseudonyms)
    if isinstance(source, FitLike):
        applied = applied_to(source.plates) if isinstance(source, HasPlates) else ""
        failures = failures_of(source.findings) if isinstance(source, HasFindings) else ()
        entry = Input("a fit in memory", "", "fit")
        return _of_fit(source.samples, source.curves.table, failures, entry, applied)
    what = f"a {type(source).__name__} is no source of concentrations"
    mend = "give a fit, a folder written by fit, a table's path or a DataFrame"
    raise UsageError(Problem("CK-278", what, mend=mend))


def _of_samples(grid: Grid, manner: Manner) -> Readings:
    """A table that fit wrote: unknowns and controls, each with its status and limits."""
    check_scale(manner.scale)
    check_nd(manner.nd)
    samples, findings = samples_in(grid, manner.mapping, manner.decimal)
    entry = Input(grid.path, grid.sha256, "concentration table")
    unknowns, controls = (from_fit(samples, None, k) for k in (WellType.UNKNOWN, WellType.CONTROL))
    return Readings(unknowns, findings, (entry,), controls=controls)


def _of_fit(
    samples: pd.DataFrame,
    curves: pd.DataFrame,
    failures: tuple[Finding, ...],
    entry: Input,
    pseudonyms: str,
) -> Readings:
    """The unknowns and the controls of a fit, with what it failed."""
    frame, controls = (
        mark_failures(from_fit(samples, curves, kind), failures)
        for kind in (WellType.UNKNOWN, WellType.CONTROL)
    )
    return Readings(frame, failures, (entry,), pseudonyms, controls)


def _check_quantity(sources: Iterable[Source], quantity: str) -> None:
    """Fluorescence is known of fits only."""
    if quantity not in QUANTITIES:
        mend = f"use one of {', '.join(QUANTITIES)}"
        near = did_you_mean(quantity, QUANTITIES)
        raise UsageError(Problem("CK-287", f"quantity={quantity!r} is no choice", "", mend, near))
    if quantity == "mfi" and has_tables(sources):
        mend = "give fits, or folders written by fit"
        raise UsageError(Problem("CK-287", "a plain table holds no MFI to compare", mend=mend))


def as_mfi(frame: pd.DataFrame) -> pd.DataFrame:
    """The readings with fluorescence in the place of concentration: exact, without limits."""
    mfi = frame["mfi"]
    unknown = dict.fromkeys(("lod", "lloq", "uloq", "uod", "ci_low", "ci_high"), math.nan)
    state = np.where(mfi.notna(), "exact", "missing")
    same = dict.fromkeys(("value", "lower", "upper", "given"), mfi)
    return frame.assign(unit="MFI", state=state, **same, **unknown)


def _check_units(frame: pd.DataFrame) -> None:
    """One unit per analyte over all sources."""
    problems = [
        Problem(
            "CK-281",
            f"the analyte stands in several units: {', '.join(unit or 'none' for unit in units)}",
            place(analyte=analyte),
            "convert the tables to one unit: nothing is converted here",
        )
        for analyte, units in in_several_units(frame).items()
    ]
    if problems:
        raise InputError(*problems)


def in_several_units(frame: pd.DataFrame) -> dict[str, list[str]]:
    """Analytes that stand in more than one unit, with the units.

    Empty ones do not count, but beside ``2^NPX`` and the like, which are no concentrations.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the columns ``analyte`` and ``unit``.

    Returns
    -------
    dict of str to list of str
    """
    # beside relative quantities a reading without a unit is one of another kind
    relative = frame.loc[frame["unit"].map(is_relative), "analyte"].unique()
    stated = frame[(frame["unit"] != "") | frame["analyte"].isin(relative)]
    units = {
        str(analyte): list({unit_key(unit): unit for unit in rows["unit"].unique()}.values())
        for analyte, rows in stated.groupby("analyte", sort=False)
    }
    return {analyte: found for analyte, found in units.items() if len(found) > 1}
