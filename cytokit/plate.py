"""Plate: what one export says, nothing added and nothing lost.

A :class:`Plate` is identity and provenance plus one tidy table of wells x analytes, checked when
it is made. It holds the vendor's own numbers beside the readings, so that both can be reconciled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

from cytokit.errors import FormatError, Problem, place
from cytokit.flags import Finding
from cytokit.schema import ANALYTE_COLUMNS, PLATE_COLUMNS, WellType

_WELL = re.compile(r"([A-Pa-p])0*([1-9]\d?)")
#: rows and columns of the plates Luminex instruments read
PLATE_SHAPES = {96: (8, 12), 384: (16, 24)}


def normal_well(text: str) -> str | None:
    """``a01`` -> ``A1``; None where the text names no well of a 96- or 384-well plate."""
    match = _WELL.fullmatch(text.strip())
    if match is None or int(match[2]) > 24:
        return None
    return f"{match[1].upper()}{int(match[2])}"


def well_position(well: str) -> tuple[int, int]:
    """Zero-based row and column of a normalised well name."""
    return ord(well[0]) - ord("A"), int(well[1:]) - 1


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Where a plate came from."""

    path: str
    sha256: str
    format: str
    encoding: str = ""
    delimiter: str = ""
    decimal: str = "."
    asked_decimal: str = ""


@dataclass(frozen=True, slots=True)
class VendorCurve:
    """The standard curve the vendor's software printed for one analyte.

    ``y = a + (b - a) / (1 + (x / c) ** d) ** f`` on the vendor's response scale, the form in which
    xPONENT prints it; Bio-Plex Manager's equation is the same with ``d`` negative.
    """

    regression: str
    a: float
    b: float
    c: float
    d: float
    f: float = 1.0
    statistics: Mapping[str, float] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of the file that was not read into the plate: its name, its place and why."""

    name: str
    where: str
    reason: str


@dataclass(frozen=True)
class Plate:
    """One plate as its export describes it.

    Parameters
    ----------
    name : str
        The plate's identity: the export's batch name or plate ID, else the file's stem.
    source : SourceInfo
        File, hash, format, encoding.
    wells : pandas.DataFrame
        Tidy, one row per reading (well x analyte), columns ``PLATE_COLUMNS`` (more may follow).
    analytes : pandas.DataFrame
        One row per analyte in the export's order, columns ``ANALYTE_COLUMNS``.
    header : mapping
        The export's header lines, key to value, as text.
    statistics : mapping of str to pandas.DataFrame
        Other per-well statistics (``Mean``, ``%CV``, ...), wide: well, sample, one column per
        analyte; kept as read.
    vendor_curves : mapping of str to VendorCurve
        By analyte, where printed.
    findings : tuple of Finding
        What reading the file showed.
    unread : tuple of Unread
        Parts kept aside.
    companions : tuple of SourceInfo
        Other files that had a say, such as a layout.

    Raises
    ------
    FormatError
        If the table lacks columns, names no well, or names well types cytokit does not know.
    """

    name: str
    source: SourceInfo
    wells: pd.DataFrame
    analytes: pd.DataFrame
    header: Mapping[str, str] = field(default_factory=dict)
    statistics: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    vendor_curves: Mapping[str, VendorCurve] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    unread: tuple[Unread, ...] = ()
    companions: tuple[SourceInfo, ...] = ()

    def __post_init__(self) -> None:
        problems = list(_table_problems(self))
        if problems:
            raise FormatError(*problems)

    @property
    def size(self) -> int:
        """96 or 384, by the wells that were read."""
        rows_columns = [well_position(well) for well in self.wells["well"].unique()]
        beyond = any(row >= 8 or column >= 12 for row, column in rows_columns)
        return 384 if beyond else 96

    @property
    def analyte_names(self) -> list[str]:
        """Analytes in the export's order."""
        return [str(name) for name in self.analytes["analyte"]]

    def unit(self, analyte: str) -> str:
        """The unit of an analyte, empty where the export states none."""
        return str(self.analytes.set_index("analyte")["unit"].get(analyte, ""))

    def of_type(self, well_type: WellType) -> pd.DataFrame:
        """The rows of one well type."""
        return self.wells[self.wells["well_type"] == str(well_type)]

    def __repr__(self) -> str:
        counts = self.wells.drop_duplicates("well")["well_type"].value_counts()
        wells = ", ".join(f"{counts[kind]} {kind}" for kind in map(str, WellType) if kind in counts)
        return (
            f"<Plate {self.name!r}: {len(self.analytes)} analytes; wells: {wells}; "
            f"{self.source.format}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(repr(self)[1:-1])}</p>{self.analytes.to_html(index=False)}"


@dataclass(frozen=True, slots=True)
class Replicates:
    """Which readings of one plate stand for the same sample, and which of those are replicates."""

    name: NDArray[np.object_]
    sample: NDArray[np.intp]
    group: NDArray[np.intp]
    factor: NDArray[np.float64]


def replicates(wells: pd.DataFrame) -> Replicates:
    """The one rule of which wells are replicates.

    Those of one sample name, one well type and one dilution factor on the plate. A well without a
    name, or with one of blanks alone, is a sample of its own; a well whose dilution is not known
    has no replicates.
    """
    name = wells["sample"].to_numpy(dtype=object)
    well = wells["well"].to_numpy(dtype=object)
    taken = set(name)
    bare = {text for text in taken if not has_name(text)}
    nameless = np.array([text in bare for text in name], dtype=bool)
    own = {one: f"{one} (no name)" if one in taken else one for one in set(well[nameless])}
    if own:
        name = np.where(nameless, [own.get(one, "") for one in well], name)
    factor = wells["dilution_factor"].to_numpy(dtype=float)
    # no factor is negative: a number of its own for each well whose factor is not known
    unknown = -1.0 - pd.factorize(well)[0]
    own_name, kind, dilution = (
        pd.factorize(np.asarray(values), sort=True)[0]
        for values in (
            name,
            wells["well_type"].to_numpy(dtype=object),
            np.where(np.isnan(factor), unknown, factor),
        )
    )
    pair = _pairs(own_name, kind)
    sample = np.asarray(pd.factorize(pair)[0], dtype=np.intp)
    group = np.asarray(pd.factorize(_pairs(pair, dilution), sort=True)[0], dtype=np.intp)
    return Replicates(name, sample, group, factor)


def has_name(text: str) -> bool:
    """Whether a sample name holds anything that can be seen."""
    return any(sign.isprintable() and not sign.isspace() for sign in text)


def _pairs(one: NDArray[np.intp], two: NDArray[np.intp]) -> NDArray[np.intp]:
    """Pairs of numbers as one number each, in the same order."""
    return np.asarray(one * (int(two.max(initial=0)) + 1) + two, dtype=np.intp)


def make_wells(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The tidy table from row dictionaries: columns completed, ordered and typed."""
    extra = [key for key in (rows[0] if rows else {}) if key not in PLATE_COLUMNS]
    frame = pd.DataFrame(rows, columns=[*PLATE_COLUMNS, *extra])
    texts = {"well", "sample", "well_type", "analyte", "vendor_status", "comment"}
    for column in PLATE_COLUMNS:
        if column in texts:
            frame[column] = frame[column].astype("object").fillna("").astype("str")
        else:
            frame[column] = frame[column].astype("float64")
    return frame


def make_analytes(
    names: Iterable[str],
    *,
    units: Sequence[str] | None = None,
    bead_ids: Sequence[str] | None = None,
    min_beads: Sequence[float] | None = None,
) -> pd.DataFrame:
    """The table of analytes in the export's order; what the export does not say stays empty."""
    listed = list(names)
    texts = {"analyte": listed, "bead_id": bead_ids, "unit": units}
    columns: dict[str, Any] = {
        name: text_array([""] * len(listed) if values is None else values)
        for name, values in texts.items()
    }
    least = np.full(len(listed), np.nan) if min_beads is None else min_beads
    columns["min_beads"] = np.asarray(least, dtype=np.float64)
    return pd.DataFrame(columns, columns=list(ANALYTE_COLUMNS), copy=False)


def text_array(values: Sequence[str] | NDArray[np.object_]) -> ExtensionArray:
    """Texts as a column of pandas' ``str``."""
    return pd.array(np.asarray(values, dtype=object), dtype="str")


def _table_problems(plate: Plate) -> list[Problem]:
    file = plate.source.path
    missing = [name for name in PLATE_COLUMNS if name not in plate.wells.columns]
    missing += [name for name in ANALYTE_COLUMNS if name not in plate.analytes.columns]
    if missing:
        return [Problem("CK-190", f"the plate's tables lack {', '.join(missing)}", place(file))]
    problems = []
    if plate.wells.empty:
        mend = "export the plate again with the Median block"
        problems.append(Problem("CK-110", "no readings were found", place(file), mend))
    problems += [
        Problem("CK-111", f"{well!r} is not a well of a 96- or 384-well plate", place(file))
        for well in plate.wells["well"].unique()
        if normal_well(well) != well
    ]
    kinds = set(plate.wells["well_type"].unique()) - set(map(str, WellType))
    for kind in sorted(kinds):
        mend = f"use one of {', '.join(WellType)}"
        problems.append(Problem("CK-112", f"unknown well type {kind!r}", place(file), mend))
    strangers = set(plate.wells["analyte"].unique()) - set(plate.analytes["analyte"])
    if strangers:
        names = ", ".join(sorted(strangers))
        problems.append(Problem("CK-191", f"readings of undeclared analytes: {names}", place(file)))
    return problems
