"""Plates with pseudonyms in the place of their samples' names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

import pandas as pd

from cytokit.errors import PrivacyError, Problem, place
from cytokit.findings import Finding
from cytokit.plate import Plate, SourceInfo
from cytokit.pseudonyms.table import ROLE, Pseudonyms
from cytokit.pseudonyms.words import Cleaner
from cytokit.vocabulary import WellType

_UNKNOWN, _CONTROL = str(WellType.UNKNOWN), str(WellType.CONTROL)


def pseudonymise(plate: Plate, table: Pseudonyms) -> Plate:
    """The plate with pseudonyms for its unknown samples, and without what may hold listed names.

    Names of controls, standards and blanks stay, but for a control that the table lists. The
    export's remarks on readings, its further statistics, header lines that hold a listed name and
    the quoting parts of findings are left out, and findings say so; a plate whose name, path or
    analytes hold one is refused.

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
        standard or blank; CK-588: the plate has the pseudonyms of another file; CK-596: a listed
        name in the plate's name, a path, an analyte or a well that stays. Nothing of it is
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
    listed = [table.of(str(name)) is not None for name in wells["sample"]]
    unknown = (wells["well_type"] == _UNKNOWN) | (
        (wells["well_type"] == _CONTROL) & pd.Series(listed, wells.index, dtype=bool)
    )
    places: dict[str, str] = {}
    for name, well in zip(wells.loc[unknown, "sample"], wells.loc[unknown, "well"], strict=True):
        places.setdefault(str(name), f"well {well}")
    names = [name for name in places if name]
    fixed = frozenset(str(name) for name in wells.loc[~unknown, "sample"].unique())
    _require_free(plate, fixed, table)
    table.require(places, place(plate.source.path))
    _refuse_taken(names, fixed, table, place(plate.source.path))
    cleaner = Cleaner(table, names, fixed, frozenset(plate.analyte_names))
    held = [
        key
        for key, text in plate.header.items()
        if table.finder.find(f"{key}: {text}") or table.finder.find(text)
    ]
    header = {
        key: "" if key in held else text
        for key, text in plate.header.items()
        if not table.finder.find(key)
    }
    sample = wells["sample"].mask(unknown, table.replaced(wells["sample"].where(unknown, "")))
    return replace(
        plate,
        wells=wells.assign(sample=sample, comment=pd.Series("", wells.index, dtype="str")),
        header=header,
        statistics={},
        findings=(
            *(cleaner.clean(finding) for finding in plate.findings),
            *_remarks_left_out(plate),
            *_header_left_out(plate, held),
        ),
        unread=tuple(
            replace(part, name="a part whose title holds a sample's name")
            if cleaner.names(f"{part.name} {part.where} {part.reason}")
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


def _header_left_out(plate: Plate, keys: Sequence[str]) -> Iterator[Finding]:
    """Header lines that hold a listed name are empty from here on; this says how many."""
    if keys:
        message = f"{len(keys)} lines of the export's header hold a listed name and are left out"
        yield Finding("header_left_out", message, plate.name)


def _require_free(plate: Plate, fixed: Collection[str], table: Pseudonyms) -> None:
    """Refuse what is written as it is and holds a listed name."""
    texts = {
        "the plate's name": plate.name,
        "the path of the plate's file": plate.source.path,
        "the path of the pseudonyms": table.path,
        **{f"the path of the {one.format}": one.path for one in plate.companions},
        **{
            f"analyte number {number}": f"{name} {plate.unit(name)}"
            for number, name in enumerate(plate.analyte_names, start=1)
        },
    }
    for number, name in enumerate(sorted(fixed), start=1):
        if table.of(name) is None:  # the very name of a standard is nobody's
            texts[f"the name of a control, standard or blank (number {number})"] = name
    table.require_free(texts, "one of the plates")
