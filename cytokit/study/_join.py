"""Readings and design held against each other: which sample is whose, and what is left over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cytokit.errors import DesignError, Problem, did_you_mean, place
from cytokit.findings import Finding
from cytokit.study._alike import read_alike, spelled_alike
from cytokit.study._design_rows import DesignRow, design_rows
from cytokit.study._designed_controls import Typed, typed_otherwise
from cytokit.study.design import FRAME_COLUMNS, Design, design_header, make_design, read_design
from cytokit.study.readings import Readings
from cytokit.tables.days import Day, normal_day, sort_key
from cytokit.vocabulary import DesignStatus

_SAMPLED, _MISSING, _DIED = map(str, DesignStatus)
_OWN = ("subject", "group", "day")
_DESIGN_ONLY = (*_OWN, "stratum", "status", "plate")
#: this many samples are named one by one in an error; the rest is counted
_NAMED = 10

DesignSource = Design | str | Path | pd.DataFrame
Owners = dict[tuple[str, str], DesignRow]
Mapped = Mapping[str, str | Sequence[str]]


def split_mapping(
    mapping: Mapped | None, design: DesignSource | None, tables: bool
) -> tuple[Mapped, dict[str, str]]:
    """The part of a mapping that is for the tables, and the part that is for the design.

    With a design file, who and when are mapped there, and values in the tables; the sample's
    column belongs to the design if the design has it.
    """
    whole = dict(mapping or {})
    if design is None or isinstance(design, Design):
        return whole, {}
    if not tables:
        return {}, {role: str(name) for role, name in whole.items()}
    here = [role for role in whole if role in _DESIGN_ONLY]
    if "sample" in whole and whole["sample"] in design_header(design):
        here.append("sample")
    for_tables = {role: name for role, name in whole.items() if role not in here}
    return for_tables, {role: str(whole[role]) for role in here}


def as_design(design: DesignSource, mapping: Mapping[str, str]) -> Design:
    """A design, read where it is not one yet."""
    return design if isinstance(design, Design) else read_design(design, mapping=mapping)


def own_design(readings: Readings) -> tuple[Readings, Design]:
    """The design that the tables carry themselves; samples without a name are given one."""
    frame = readings.frame
    names = ", ".join(dict.fromkeys(entry.path or entry.kind for entry in readings.inputs))
    lacking = [role for role in _OWN if (frame[role] == "").all()]
    if lacking:
        what = f"the data do not say the {', '.join(lacking)} of a sample"
        mend = "give a design: a table of sample, subject, group, day"
        raise DesignError(Problem("CK-282", what, place(names), mend))
    unnamed = frame["sample"] == ""
    named = frame.assign(
        sample=frame["sample"].mask(unnamed, frame["subject"] + " day " + frame["day"])
    )
    rows = named[[*_OWN, "sample", "stratum", "status"]].drop_duplicates(ignore_index=True)
    rows = rows.assign(plate="", line=None)
    return replace(readings, frame=named), make_design(rows[list(FRAME_COLUMNS)], names, "")


def join_design(
    readings: Readings,
    design: Design,
    typed: Callable[[Iterable[str]], Mapping[str, Sequence[Typed]]],
) -> tuple[pd.DataFrame, list[Finding]]:
    """Give each reading its subject, group, day and stratum; name what does not fit.

    Parameters
    ----------
    readings : Readings
    design : Design
    typed : callable
        What the fits take names for that are no sample; asked only where the data lack some.

    Returns
    -------
    frame : pandas.DataFrame
        The readings of designed samples, with who and when from the design.
    findings : list of Finding
        Samples of the data that the design does not name, and tables that say otherwise than the
        design whose a sample is.

    Raises
    ------
    DesignError
        CK-283 designed samples the data lack, CK-284 a lost sample that has data, CK-285 no sample
        in common, CK-286 a table that names no samples, CK-297 designed samples that a fit takes
        for something else; all problems together.
    """
    frame = readings.frame
    owners = _owners(frame, design)
    problems = list(_misfits(frame, design, owners, typed))
    if problems:
        raise DesignError(*problems)
    known = frame[[key in owners for key in _keys(frame)]]
    rows = [owners[key] for key in _keys(known)]
    joined = known.assign(
        **{role: [getattr(row, role) for row in rows] for role in ("subject", "group", "stratum")},
        status=[row.status for row in rows],
    )
    # a list of ints, floats or texts, never mixed: the column takes its kind from them
    joined["day"] = pd.Series([row.day for row in rows], index=joined.index).infer_objects()
    findings = [*_not_designed(frame, owners), *_said_otherwise(known, rows)]
    return joined.reset_index(drop=True), findings


def _said_otherwise(known: pd.DataFrame, rows: Sequence[DesignRow]) -> Iterator[Finding]:
    """Tables that name another subject, group or day than the design, which is followed."""
    seen = zip(known["plate"], known["sample"], *(known[role] for role in _OWN), rows, strict=True)
    for plate, sample, subject, group, day, row in dict.fromkeys(seen):
        said = {"subject": (subject, row.subject), "group": (group, row.group)}
        said["day"] = (str(normal_day(day)), str(row.day)) if day else ("", "")
        for role, (here, there) in said.items():
            if here and here != there:
                what = f"the data say {role} {here!r}, the design {there!r}: the design is followed"
                yield Finding("design_differs", what, plate=plate, sample=sample)


def design_findings(design: Design, subjects: pd.DataFrame) -> list[Finding]:
    """Planned samples that were not taken, and subjects without a stratum where others have one.

    Parameters
    ----------
    design : Design
    subjects : pandas.DataFrame
        From :func:`planned`.

    Returns
    -------
    list of Finding
    """
    rows = {(row.subject, row.day): row for row in design_rows(design.frame)}
    found = []
    lost = subjects[subjects["status"] != _SAMPLED]
    for subject, day, status in zip(lost["subject"], lost["day"], lost["status"], strict=True):
        row = rows.get((subject, day))
        if row is not None:
            what = f"subject {subject!r}, day {day}: {status}, says the design"
            found.append(Finding("sample_lost", what, sample=row.sample))
        elif status == _MISSING:
            what = f"subject {subject!r} has no row for day {day}: its sample counts as missing"
            found.append(Finding("day_not_in_design", what))
    strata = subjects.drop_duplicates("subject").set_index("subject")["stratum"]
    blank = [str(name) for name in strata.index[strata == ""]]
    if blank and len(blank) < len(strata):
        named = ", ".join(map(repr, blank[:_NAMED]))
        named += f" and {len(blank) - _NAMED} more" if len(blank) > _NAMED else ""
        what = (
            f"{len(blank)} of {len(strata)} subjects have no stratum ({named}): where strata are "
            "adjusted for, they are taken together as one more"
        )
        found.append(Finding("stratum_blank", what))
    return found


def planned(design: Design) -> pd.DataFrame:
    """One row per subject and planned day; what the design leaves out is missing, or died."""
    days = sorted(dict.fromkeys(design.frame["day"]), key=sort_key)
    subjects: dict[str, DesignRow] = {}
    status: dict[tuple[str, Day | None], str] = {}
    for row in design_rows(design.frame):
        if row.subject not in subjects or (row.stratum and not subjects[row.subject].stratum):
            subjects[row.subject] = row
        status[row.subject, row.day] = row.status
    rows = []
    for subject, first in subjects.items():
        dead = False
        for day in days:
            dead = dead or status.get((subject, day)) == _DIED
            found = status.get((subject, day), _DIED if dead else _MISSING)
            rows.append((subject, first.group, first.stratum, day, found))
    return pd.DataFrame(rows, columns=["subject", "group", "stratum", "day", "status"])


def _keys(frame: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(frame["plate"], frame["sample"], strict=True))


def _owners(frame: pd.DataFrame, design: Design) -> Owners:
    """(plate, sample) of the data -> its row of the design."""
    rows = design_rows(design.frame)
    everywhere = {row.sample: row for row in rows if not row.plate}
    on_plate = {(row.plate, row.sample): row for row in rows if row.plate}
    owners = {}
    for key in dict.fromkeys(_keys(frame)):
        row = on_plate.get(key, everywhere.get(key[1]))
        if row is not None and key[1] != "":
            owners[key] = row
    return owners


def _misfits(
    frame: pd.DataFrame,
    design: Design,
    owners: Owners,
    typed: Callable[[Iterable[str]], Mapping[str, Sequence[Typed]]],
) -> Iterator[Problem]:
    """Designed samples the data lack, lost samples that have data, nothing in common."""
    present = list(dict.fromkeys(frame["sample"]))
    if present == [""]:
        mend = "give the tables a sample column, or leave the design out if they hold it"
        yield Problem("CK-286", "the data name no samples", place(design.path), mend)
        return
    if not owners:
        shown = ", ".join(map(repr, present[:5]))
        what = f"none of the {len(present)} samples in the data is in the design"
        first = next(iter(design.frame.loc[design.frame["sample"] != "", "sample"]), "")
        mend = f"the data hold {shown}; the design names {first!r} and so on: use one spelling"
        near = _near(first, present)
        yield Problem("CK-285", what, place(design.path), mend, near)
        return
    found = set(owners.values())
    rows = design_rows(design.frame)
    free = [
        sample
        for _, sample in dict.fromkeys(_keys(frame))
        if sample not in set(design.frame["sample"])
    ]
    lacking = [row for row in rows if row.status == _SAMPLED and row not in found]
    kinds = typed([row.sample for row in lacking]) if lacking else {}
    for row in lacking[:_NAMED]:
        where = place(design.path, line=row.line, sample=row.sample)
        held = typed_otherwise(kinds, row.sample)
        if held:
            what = f"the design names sample {row.sample!r}, but {held}"
            mend = "give its wells the type unknown in a layout and fit again, or correct the name"
            yield Problem("CK-297", what, where, mend)
            continue
        mend = "correct its name, or give it the status missing or died"
        what = f"the design names sample {row.sample!r}, which the data lack"
        yield Problem("CK-283", what, where, mend, _near(row.sample, free))
    if len(lacking) > _NAMED:
        what = f"the design names {len(lacking) - _NAMED} more samples that the data lack"
        yield Problem("CK-283", what, place(design.path))
    for row in rows:
        if row.status != _SAMPLED and row.sample and row in found and _has_data(frame, row.sample):
            what = f"sample {row.sample!r} is called {row.status} but has data"
            where = place(design.path, line=row.line, sample=row.sample)
            yield Problem("CK-284", what, where, "correct its status, or its name")


def _near(sample: str, present: Sequence[str]) -> str:
    """A name of the data that may be meant; first the one that a spreadsheet makes of it."""
    for key in (read_alike, spelled_alike):
        twins = [name for name in present if key(name) == key(sample) and name]
        if len(twins) == 1 and key is read_alike:
            return f"the data hold {twins[0]!r}: a spreadsheet takes leading zeros away"
        if len(twins) == 1:
            return f"did you mean {twins[0]!r}?"
    return did_you_mean(sample, present)


def _has_data(frame: pd.DataFrame, sample: str) -> bool:
    """Whether any reading of the sample says something."""
    return bool((frame.loc[frame["sample"] == sample, "state"] != "missing").any())


def _not_designed(frame: pd.DataFrame, owners: Owners) -> list[Finding]:
    """One finding per sample of the data that nobody owns."""
    return [
        Finding(
            "sample_not_in_design",
            f"sample {sample!r} is in the data but not in the design: not used",
            plate=plate,
            sample=sample,
        )
        for plate, sample in dict.fromkeys(_keys(frame))
        if (plate, sample) not in owners
    ]
