"""A plate as wells x analytes in the order of reading: what every writer starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError, place
from cytokit.plate import Plate, well_position
from cytokit.vocabulary import VendorStatus, WellType

#: what every reading of one well shares
_OF_A_WELL = ["sample", "well_type", "dilution_factor"]


@dataclass(frozen=True)
class ReadOut:
    """One row per well, one column per analyte; readings the plate lacks are NaN or empty.

    Parameters
    ----------
    plate : Plate
    wells, samples : list of str
        Down the columns of the plate.
    well_types : list of WellType
    dilutions : list of float
    cells : pandas.DataFrame
        The plate's table, indexed by well and analyte.
    """

    plate: Plate
    wells: list[str]
    samples: list[str]
    well_types: list[WellType]
    dilutions: list[float]
    cells: pd.DataFrame

    @property
    def analytes(self) -> list[str]:
        """In the export's order."""
        return self.plate.analyte_names

    @property
    def has_results(self) -> bool:
        """Whether the vendor's software said anything of any reading."""
        return bool((self.plate.wells["vendor_status"] != str(VendorStatus.NOT_GIVEN)).any())

    def numbers(self, column: str) -> np.ndarray:
        """A column of numbers as an array, wells x analytes."""
        shape = (len(self.wells), len(self.analytes))
        return self.cells[column].to_numpy(dtype="float64").reshape(shape)

    def texts(self, column: str) -> list[list[str]]:
        """A column of texts, wells x analytes."""
        flat = self.cells[column].astype("object").fillna("").tolist()
        width = len(self.analytes)
        return [flat[start : start + width] for start in range(0, len(flat), width)]

    def first_wells(self, kind: WellType) -> dict[str, int]:
        """The samples of one well type, each with the row of its first well."""
        rows: dict[str, int] = {}
        for row, (sample, well_type) in enumerate(zip(self.samples, self.well_types, strict=True)):
            if well_type is kind:
                rows.setdefault(sample, row)
        return rows

    def events(self) -> list[float]:
        """All beads counted in each well; NaN where none is known."""
        counts = self.numbers("bead_count")
        known = ~np.isnan(counts)
        sums = np.where(known, counts, 0.0).sum(axis=1)
        return [float(total) for total in np.where(known.any(axis=1), sums, np.nan)]


def read_out(plate: Plate) -> ReadOut:
    """Arrange a plate for writing.

    Parameters
    ----------
    plate : Plate

    Raises
    ------
    UsageError
        CK-614 if a well is read twice for an analyte, or its readings differ in sample, type or
        dilution; CK-616 if an analyte has no name, or two share one.
    """
    names = plate.analyte_names
    wells = sorted(plate.wells["well"].unique(), key=lambda well: well_position(well)[::-1])
    problems = [
        Problem(
            "CK-616",
            f"{names.count(name)} analytes are called {name!r}"
            if name
            else "an analyte has no name",
            place(plate.name),
            "give every analyte a name of its own",
        )
        for name in dict.fromkeys(names)
        if names.count(name) > 1 or not name
    ]
    problems += _mixed_wells(plate)
    if problems:
        raise UsageError(*problems)
    index = pd.MultiIndex.from_product([wells, names])
    once = plate.wells.drop_duplicates("well").set_index("well").loc[wells]
    return ReadOut(
        plate=plate,
        wells=wells,
        samples=[str(sample) for sample in once["sample"]],
        well_types=[WellType(kind) for kind in once["well_type"]],
        dilutions=[float(factor) for factor in once["dilution_factor"]],
        cells=plate.wells.set_index(["well", "analyte"]).reindex(index),
    )


def _mixed_wells(plate: Plate) -> list[Problem]:
    """Wells that a table with one row per well and one column per analyte cannot hold."""
    mend = "write the readings as plates of their own"
    repeated = plate.wells[plate.wells.duplicated(["well", "analyte"])]["well"].unique()
    problems = [
        Problem("CK-614", "a well is read twice", place(plate.name, well=well), mend)
        for well in repeated
    ]
    kinds = plate.wells.groupby("well", sort=False)[_OF_A_WELL].nunique(dropna=False)
    for well in kinds.index[(kinds > 1).any(axis=1)]:
        what = "the readings of one well differ in sample, well type or dilution"
        problems.append(Problem("CK-614", what, place(plate.name, well=str(well)), mend))
    return problems


def number(value: float) -> str:
    """A reading as instruments print it: shortest form, no trailing ``.0``, NaN for none.

    Examples
    --------
    >>> number(14.0), number(83.5), number(float("nan"))
    ('14', '83.5', 'NaN')
    """
    if value != value:
        return "NaN"
    return str(int(value)) if value == int(value) else repr(float(value))


def require_types(readout: ReadOut, family: str, read_as: Iterable[WellType]) -> None:
    """Refuse names that the family reads as another well type than the plate's.

    Parameters
    ----------
    readout : ReadOut
    family : str
        For the message.
    read_as : iterable of WellType
        What the family takes each well to be, going by its name.

    Raises
    ------
    UsageError
        CK-615, with every such name.
    """
    problems = []
    for sample, kind, taken in dict.fromkeys(
        zip(readout.samples, readout.well_types, read_as, strict=True)
    ):
        if kind is not taken:
            what = f"the {kind} {sample!r} would be read as {taken}: {family} goes by its name"
            where = place(readout.plate.name, sample=sample)
            problems.append(Problem("CK-615", what, where, "give the sample another name"))
    if problems:
        raise UsageError(*problems)


def require_statuses(readout: ReadOut, family: str, known: Iterable[VendorStatus]) -> None:
    """Refuse statuses of results that the family has no sign for.

    Raises
    ------
    UsageError
        CK-620, with every such status.
    """
    signs = {str(status) for status in known}
    found = readout.plate.wells["vendor_status"]
    problems = [
        Problem(
            "CK-620",
            f"{family} has no sign for a result that is {status!r}",
            place(readout.plate.name),
            "write the plate in another format, or without the vendor's results",
        )
        for status in dict.fromkeys(found)
        if status not in signs
    ]
    if problems:
        raise UsageError(*problems)


def by_reagent(readout: ReadOut, kind: WellType, column: str) -> dict[str, list[float]]:
    """Expected values of the standards or controls: sample -> one number per analyte.

    Empty where the plate gives none.

    Raises
    ------
    UsageError
        CK-617, if wells of one sample are expected to differ.
    """
    values = readout.numbers(column)
    table = {name: values[row] for name, row in readout.first_wells(kind).items()}
    problems = []
    for row, (sample, well_type) in enumerate(
        zip(readout.samples, readout.well_types, strict=True)
    ):
        if well_type is kind and not np.array_equal(values[row], table[sample], equal_nan=True):
            what = f"{column} of the {kind} {sample!r} differs from well to well"
            where = place(readout.plate.name, well=readout.wells[row], sample=sample)
            mend = "give samples that differ names of their own"
            problems.append(Problem("CK-617", what, where, mend))
    if problems:
        raise UsageError(*problems)
    if all(np.isnan(numbers).all() for numbers in table.values()):
        return {}
    return {name: [float(v) for v in numbers] for name, numbers in table.items()}
