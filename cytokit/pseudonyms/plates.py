"""Plates with pseudonyms in the place of their samples' names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

import pandas as pd

from cytokit.errors import PrivacyError, Problem, place
from cytokit.findings import Finding
from cytokit.plate import Plate, SourceInfo
from cytokit.pseudonyms.table import ROLE, Pseudonyms
from cytokit.pseudonyms.words import TELLING, Cleaner, first_named
from cytokit.vocabulary import WellType

_UNKNOWN = str(WellType.UNKNOWN)


def pseudonymise(plate: Plate, table: Pseudonyms) -> Plate:
    """The plate with pseudonyms for its unknown samples, and without what may hold their names.

    Names of controls, standards and blanks stay. The export's remarks on readings, its further
    statistics, header lines that hold a sample's name and the quoting parts of findings are left
    out; the plate's name and path stay, for they are the user's own, and a finding warns where
    they hold a sample's name.

    Parameters
    ----------
    plate : Plate
        With its layout applied. One that already has pseudonyms of the same file is returned as
        it is.
    table : Pseudonyms

    Returns
    -------
    Plate
        With the file among its companions, so that the manifest names it.

    Raises
    ------
    PrivacyError
        CK-585: samples without a pseudonym; CK-586: a pseudonym that is the name of a control,
        standard or blank; CK-588: the plate has the pseudonyms of another file. Nothing of it is
        an :class:`~cytokit.errors.InputError`: a run must end, not go on without the plate.

    Examples
    --------
    >>> from cytokit.simulate import simulate_trial
    >>> plate = simulate_trial(seed=1, subjects=4, deaths=(0, 0)).plates[0]
    >>> real = plate.of_type(WellType.UNKNOWN)["sample"].unique()
    >>> table = Pseudonyms({name: f"P{n}" for n, name in enumerate(real)}, "names.csv", "")
    >>> pseudonymise(plate, table).of_type(WellType.UNKNOWN)["sample"].unique().tolist()[:2]
    ['P0', 'P1']
    """
    applied = applied_to([plate])
    if applied:
        require_same(applied, table, place(plate.source.path))
        return plate
    wells = plate.wells
    unknown = wells["well_type"] == _UNKNOWN
    names = [str(name) for name in wells.loc[unknown, "sample"].unique() if name]
    long = [name for name in names if len(name) >= TELLING]
    fixed = frozenset(str(name) for name in wells.loc[~unknown, "sample"].unique())
    table.require(names, place(plate.source.path))
    _refuse_taken(names, fixed, table, place(plate.source.path))
    cleaner = Cleaner(table, names, fixed, frozenset(plate.analyte_names))
    sample = wells["sample"].mask(unknown, table.replaced(wells["sample"].where(unknown, "")))
    return replace(
        plate,
        wells=wells.assign(sample=sample, comment=pd.Series("", wells.index, dtype="str")),
        header={key: "" if first_named(text, long) else text for key, text in plate.header.items()},
        statistics={},
        findings=(
            *(cleaner.clean(finding) for finding in plate.findings),
            *_remarks_left_out(plate),
            *_names_in_plate(plate, long, table),
        ),
        unread=tuple(
            replace(part, name="a part whose title holds a sample's name")
            if cleaner.names(part.name)
            else part
            for part in plate.unread
        ),
        companions=(*plate.companions, SourceInfo(table.path, table.sha256, ROLE)),
    )


def applied_to(plates: Iterable[Plate]) -> str:
    """SHA-256 of the pseudonyms file that plates already have; empty where they have none."""
    companions = [entry for plate in plates for entry in plate.companions]
    return next((entry.sha256 for entry in companions if entry.format == ROLE), "")


def require_same(sha256: str, table: Pseudonyms, where: str) -> None:
    """Refuse results made with another pseudonyms file than the one at hand.

    Raises
    ------
    PrivacyError
        CK-588.
    """
    if sha256 != table.sha256:
        what = f"it was made with another pseudonyms file than {table.path}, or an earlier one"
        mend = "fit again with this file: one study needs one table of pseudonyms"
        raise PrivacyError(Problem("CK-588", what, where, mend))


def _refuse_taken(
    names: Iterable[str], fixed: Collection[str], table: Pseudonyms, where: str
) -> None:
    """Refuse pseudonyms that are the names of controls, standards or blanks of the plate."""
    taken = [name for name in names if table.of(name) in fixed]
    problems = [
        Problem("CK-586", f"the pseudonym {table.of(name)!r} is the name of a control, standard "
                "or blank of the plate", where, "choose another pseudonym")
        for name in taken
    ]  # fmt: skip
    if problems:
        raise PrivacyError(*problems)


def _remarks_left_out(plate: Plate) -> Iterator[Finding]:
    """The export's own remarks may hold anything, so they go; this says how many."""
    count = int((plate.wells["comment"] != "").sum())
    if count:
        message = f"{count} remarks of the export on readings may hold names and are left out"
        yield Finding("remarks_left_out", message, plate.name)


def _names_in_plate(plate: Plate, names: Collection[str], table: Pseudonyms) -> Iterator[Finding]:
    """A warning where the plate's name or a path in the manifest holds a sample's name."""
    texts = [plate.name, plate.source.path, *(entry.path for entry in plate.companions)]
    found = next(filter(None, (first_named(text, names) for text in texts)), "")
    if found:
        pseudonym = str(table.of(found))
        message = (
            f"the plate's name, or a path of its files, holds the real name of {pseudonym!r}; "
            "it stands in the outputs: rename the file or the batch"
        )
        yield Finding("name_in_plate", message, plate.name, sample=pseudonym)
