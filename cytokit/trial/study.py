"""Study: concentrations joined to who, group and day, the design checked before any statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd

from cytokit.errors import DesignError, Problem, did_you_mean, place
from cytokit.flags import Finding, formula_findings, relocated
from cytokit.schema import DesignStatus, WellType
from cytokit.tables.cells import Day, normal_day, sort_key
from cytokit.tables.designs import (
    FRAME_COLUMNS,
    Design,
    DesignRow,
    design_header,
    design_rows,
    make_design,
    read_alike,
    read_design,
    spelled_alike,
)
from cytokit.tables.pseudonyms import ROLE, Pseudonyms, errors_without_names, read_pseudonyms
from cytokit.trial.bridging import Bridge, bridge_readings, bridged, shared_readings
from cytokit.trial.censoring import censored
from cytokit.trial.readings import (
    Input,
    Manner,
    Readings,
    Source,
    as_mfi,
    gather,
    has_tables,
    listed,
    number,
    private_design,
    read_wells,
    together,
)

# Wells that a fit calls no sample although the design names them as one.


@runtime_checkable
class HasWells(Protocol):
    """A fit that keeps its wells."""

    @property
    def wells(self) -> pd.DataFrame:
        """Columns of wells.csv."""
        ...


@dataclass(frozen=True, slots=True)
class Typed:
    """What a fit takes a name for: the plate, the type, whether a concentration is expected."""

    plate: str
    kind: str
    calibrated: bool


def typed_wells(sources: Iterable[Source], names: Iterable[str]) -> dict[str, list[Typed]]:
    """What the fits take these names for, where they take them for no sample."""
    wanted = list(names)
    found: dict[str, list[Typed]] = {}
    for source in sources:
        wells = _wells_of(source)
        if wells is None:
            continue
        rows = wells[
            wells["sample"].astype(str).isin(wanted)
            & (wells["well_type"].astype(str) != str(WellType.UNKNOWN))
        ]
        expected = number(rows["expected"]).gt(0)
        for key, own in expected.groupby([rows["sample"], rows["plate"], rows["well_type"]]):
            name, plate, kind = map(str, key)
            found.setdefault(name, []).append(Typed(plate, kind, bool(own.any())))
    return found


def _wells_of(source: Source) -> pd.DataFrame | None:
    """The wells of a fit; None for a table, and for a folder that lists none."""
    if isinstance(source, HasWells):
        return source.wells
    if isinstance(source, str | Path) and Path(source).is_dir():
        return read_wells(source)
    return None


def with_designed_controls(
    readings: Readings,
    design: Design,
    sources: Sequence[Source],
    *,
    pseudonyms: Pseudonyms | None,
    quantity: str,
) -> Readings:
    """Readings with the wells typed as controls that the design gives to a subject.

    A name such as Control10 makes an export's well a control; who names it in a design knows
    better. A control for which a concentration is expected is one, whatever the design says.
    """
    controls = readings.controls
    real = controls["sample"].astype(str).tolist()
    plates = controls["plate"].astype(str).tolist()
    named = [name if pseudonyms is None else pseudonyms.of(name) or name for name in real]
    owners = _designed_controls_owners(readings.frame, design)
    rows = [owners.get((p, n), owners.get(("", n))) for p, n in zip(plates, named, strict=True)]
    mine = np.array([row is not None for row in rows], dtype=bool)
    if not mine.any():
        return readings
    given = {
        (plate, name): row
        for plate, name, row in zip(plates, real, rows, strict=True)
        if row is not None
    }
    kinds = typed_wells(sources, {name for _, name in given})
    problems = [
        Problem(
            "CK-296",
            f"the design gives sample {row.sample!r} to subject {row.subject!r}, but plate {plate} "
            f"holds it as a {one.kind} with an expected concentration",
            place(design.path, line=row.line, sample=row.sample),
            "take it out of the design; or give its well the type unknown in a layout, and fit "
            "again",
        )
        for (plate, name), row in given.items()
        for one in kinds.get(name, ())
        if one.calibrated and one.plate == plate
    ]
    if problems:
        raise DesignError(*problems)
    moved = controls[mine].assign(sample=[row.sample for row in rows if row is not None])
    findings = [
        Finding(
            "control_is_sample",
            f"{row.sample!r} was typed as a control; the design gives it to subject "
            f"{row.subject!r}: it counts as a sample",
            plate=plate,
            sample=row.sample,
        )
        for (plate, _), row in given.items()
    ]
    moved = as_mfi(moved) if quantity == "mfi" else moved
    return replace(
        readings,
        frame=pd.concat([readings.frame, moved], ignore_index=True),
        controls=controls[~mine].reset_index(drop=True),
        findings=(*readings.findings, *findings),
    )


def _designed_controls_owners(
    frame: pd.DataFrame, design: Design
) -> dict[tuple[str, str], DesignRow]:
    """The design's rows by plate (empty where it names none) and sample, which no unknown is."""
    samples = set(frame["sample"])
    there = set(zip(frame["plate"], frame["sample"], strict=True))
    return {
        (row.plate, row.sample): row
        for row in design_rows(design.frame)
        if row.sample
        and ((row.plate, row.sample) not in there if row.plate else row.sample not in samples)
    }


def typed_otherwise(kinds: Mapping[str, Sequence[Typed]], sample: str) -> str:
    """That plates hold a sample as something else, for an error's words; empty if they do not."""
    found = kinds.get(sample, ())
    return " and ".join(f"plate {one.plate} holds it as a {one.kind}" for one in found)


# Readings and design held against each other: which sample is whose, and what is left over.


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
    """Give each reading its subject, group, day and stratum; name what does not fit."""
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
    """Planned samples that were not taken, and subjects without a stratum where others have one."""
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


# A sample measured more than once: the one documented rule by which readings become one.


_KEY = ["subject", "day", "analyte"]


def combine_repeats(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """One reading per subject, day and analyte."""
    repeated = frame.duplicated(_KEY, keep=False)
    if not repeated.any():
        return frame, []
    findings, rows = [], []
    for _, group in frame[repeated].groupby(_KEY, sort=False):
        present = group[group["state"] != "missing"]
        rows.append(_combined(present) if len(present) > 1 else _single(group, present))
        if len(present) > 1:
            findings.append(_finding(present, rows[-1]))
    single = pd.concat([frame[~repeated], pd.DataFrame(rows)]).sort_index()
    return single.astype(frame.dtypes.to_dict()), findings


def _single(group: pd.DataFrame, present: pd.DataFrame) -> pd.Series:
    """The only present reading, else the first missing one, in the place of the first."""
    row = (present if len(present) else group).iloc[0].copy()
    row.name = group.index[0]
    return row


def _combined(present: pd.DataFrame) -> pd.Series:
    """Geometric mean of exact values, else what all intervals allow."""
    row = present.iloc[0].copy()
    row["plate"] = " + ".join(dict.fromkeys(present["plate"]))
    row["fit_fail"] = together(present["fit_fail"])
    exact = present[present["state"] == "exact"]
    if len(exact) and not _contradict(present):
        value = _geometric_mean(exact["value"])
        row["state"], row["limit_from"] = "exact", ""
        row["value"] = row["lower"] = row["upper"] = value
        for name in ("given", "ci_low", "ci_high"):
            row[name] = _geometric_mean(exact[name])
        return row
    low, high = present["lower"].max(), present["upper"].min()
    if _contradict(present):
        # the hull is all that can be said
        low, high = present["lower"].min(), present["upper"].max()
        row[["value", "given", "ci_low", "ci_high"]] = np.nan
    row["lower"], row["upper"] = low, high
    row["state"] = "below" if low == 0 else "above" if np.isinf(high) else "interval"
    if low == 0 and np.isinf(high):
        row["state"], row["lower"], row["upper"] = "missing", np.nan, np.nan
    return row


def _contradict(present: pd.DataFrame) -> bool:
    """Whether some readings cannot be true together; exact values scatter and do not.

    A reading out of range whose limit nobody knows contradicts every exact value.
    """
    exact = present.loc[present["state"] == "exact", "value"]
    others = present[present["state"] != "exact"]
    if len(exact) and len(others):
        inside = [
            bool(((exact >= low) & (exact <= high)).all())
            for low, high in zip(others["lower"], others["upper"], strict=True)
        ]
        return not all(inside)
    return not len(exact) and bool(others["lower"].max() >= others["upper"].min())


def _geometric_mean(values: pd.Series) -> float:
    """NaN where a value is absent or has no logarithm."""
    numbers = values.to_numpy(float)
    return float(np.exp(np.log(numbers).mean())) if (numbers > 0).all() else float("nan")


def _finding(present: pd.DataFrame, row: pd.Series) -> Finding:
    """What was combined, by which rule."""
    first = present.iloc[0]
    exact = present.loc[present["state"] == "exact", "value"]
    states = ", ".join(present["state"])
    numbers = ", ".join(map("{:.4g}".format, exact))
    rule = (
        f"the geometric mean of {len(exact)} exact values counts ({numbers})"
        if len(exact)
        else "none is exact: the interval that all allow counts"
    )
    contradict = _contradict(present)
    if contradict:
        held = f"{row['lower']:.4g} to {row['upper']:.4g} holds them all"
        held = "nothing is known of it" if row["state"] == "missing" else held
        rule = f"they contradict each other ({numbers or 'no exact value'}): {held}"
    plates = ", ".join(name for name in dict.fromkeys(present["plate"]) if name)
    return Finding(
        "readings_contradict" if contradict else "repeated_reading",
        f"subject {first['subject']}, day {first['day']} was measured {len(present)} times "
        f"({states}): {rule}",
        plate=plates,
        sample=str(first["sample"]),
        analyte=str(first["analyte"]),
    )


#: columns of ``Study.values``; more may follow
VALUES_COLUMNS = (
    *("subject", "group", "day", "stratum", "plate", "sample", "analyte", "unit", "value"),
    *("lower", "upper", "state", "ci_low", "ci_high", "given", "lod", "lloq", "uloq"),
    *("limit_from", "fit_fail"),
)
SUBJECTS_COLUMNS = ("subject", "group", "stratum", "day", "status")


@dataclass(frozen=True, init=False, repr=False)
class Study:
    """Concentrations of a study: whose, in which group, on which day.

    Parameters
    ----------
    sources : PlateFit, path, DataFrame, or a sequence of these
        Fits, folders written by ``fit``, concentration tables (tidy or wide).
    design : Design, path or DataFrame, optional
        Sample, subject, group, day [, stratum, status, plate]. Not needed where a table holds
        subject, group and day itself.
    mapping : mapping of str to str, optional
        Role to column name, for tables and design files whose columns are named otherwise:
        ``{"day": "visit"}``.
    censor : {"lod", "lloq", "interval"}
        Which values count as numbers; see :mod:`cytokit.trial.censoring`.
    floors : {"censor", "keep"}, optional
        What readings of tables on a floor nobody declared count as: below it, or measured. Where
        not given, below it if at least a fifth of the analyte's values stand on floors; see
        :mod:`cytokit.trial.censoring`.
    quantity : {"concentration", "mfi"}
        What is compared. ``mfi`` (fits only) is a sensitivity analysis without limits.
    scale : {"linear", "log2", "log10", "ln"}, optional
        Of the numbers in tables, where their headers and units do not say it (``NPX``, ``log10
        IL-6``) or say it wrongly. Logarithms are taken back to the linear scale.
    pseudonyms : Pseudonyms or path, optional
        Other names for samples and subjects (:func:`cytokit.read_pseudonyms`), put in their place
        before data and design are joined; fits made with the same file have them already.
    bridge : bool or sequence of str
        Divide every reading by its plate's effect, estimated from the plates' controls (True) or
        from samples measured on several plates, by name (:func:`cytokit.bridge`). Nothing is
        normalised unless asked for.
    bridge_reference : str
        The plate whose readings stay as they are; the mean over plates where not given.
    decimal : {"comma", "point"}, optional
        The decimal mark of tables whose cells leave it open (``1,435`` beside ``286``).
    nd : {"below", "missing"}, optional
        What ``ND`` and the like mean in tables: not detected, or not done.

    Attributes
    ----------
    values : pandas.DataFrame
        One row per subject, day and analyte (columns ``VALUES_COLUMNS``): value, or the interval
        lower to upper that holds it; state is exact, below, above, interval or missing.
    subjects : pandas.DataFrame
        One row per subject and planned day: subject, group, stratum, day, status (sampled,
        missing, died).
    findings : tuple of Finding
        What was noticed, from the tables to the join.
    inputs : tuple of Input
        What was read, with hashes.
    mapping, quantity, scale, decimal, nd
        As given, for the record.
    pseudonyms : Pseudonyms or None
        As read.
    bridge : Bridge or None
        The plate effects that were taken out.
    shared : pandas.DataFrame
        What may bridge, as measured: controls, and samples on several plates.
    plates : tuple of str
        The plates the samples stand on.

    Raises
    ------
    CytokitError
        With every problem of the sources and the design, CK-260 to CK-299; CK-580 to CK-588 and
        CK-596 for names that cannot be replaced by pseudonyms; CK-572 to CK-578 for plates that
        cannot be bridged.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "subject": ["a", "a", "b", "b"],
    ...         "group": ["treated", "treated", "control", "control"],
    ...         "day": [0, 6, 0, 6],
    ...         "IL-6 (pg/mL)": ["12", "7", "<3.2", "9"],
    ...     }
    ... )
    >>> study = Study(table)
    >>> study
    <Study: 2 subjects, groups treated 1, control 1; days 0, 6; 1 analytes>
    >>> study.values[["subject", "day", "lower", "upper", "state"]].head(3)
      subject  day  lower  upper  state
    0       a    0   12.0   12.0  exact
    1       a    6    7.0    7.0  exact
    2       b    0    0.0    3.2  below
    """

    values: pd.DataFrame
    subjects: pd.DataFrame
    findings: tuple[Finding, ...]
    inputs: tuple[Input, ...]
    censor: str
    floors: str | None
    mapping: Mapping[str, str | Sequence[str]]
    quantity: str
    scale: str | None
    decimal: str | None
    nd: str | None
    pseudonyms: Pseudonyms | None
    bridge: Bridge | None
    shared: pd.DataFrame = field(compare=False)
    plates: tuple[str, ...]
    joined: pd.DataFrame = field(compare=False)
    _noticed: tuple[Finding, ...] = field(compare=False)

    def __init__(
        self,
        sources: Source | Iterable[Source],
        design: Design | str | Path | pd.DataFrame | None = None,
        *,
        mapping: Mapping[str, str | Sequence[str]] | None = None,
        censor: str = "lod",
        floors: str | None = None,
        quantity: str = "concentration",
        scale: str | None = None,
        pseudonyms: Pseudonyms | str | Path | None = None,
        bridge: bool | Sequence[str] = False,
        bridge_reference: str = "",
        decimal: str | None = None,
        nd: str | None = None,
    ) -> None:
        given = listed(sources)
        table = read_pseudonyms(pseudonyms) if isinstance(pseudonyms, str | Path) else pseudonyms
        with errors_without_names(table):
            for_tables, for_design = split_mapping(mapping, design, has_tables(given))
            manner = Manner(for_tables, scale, decimal, nd)
            readings = gather(given, manner, quantity=quantity, pseudonyms=table)
            checked = None
            if design is not None:
                checked = as_design(design, for_design)
                checked = checked if table is None else private_design(checked, table)
                readings = with_designed_controls(
                    readings, checked, given, pseudonyms=table, quantity=quantity
                )
            self._set("shared", shared_readings(readings))
            self._set("plates", tuple(dict.fromkeys(readings.frame["plate"])))
            found = None
            if table is not None and not isinstance(bridge, bool):
                bridge = [table.of(name) or name for name in bridge]
            if bridge or bridge_reference:
                readings, found = bridged(readings, bridge, bridge_reference, quantity)
            self._set("bridge", found)
            inputs = readings.inputs
            if checked is None:
                readings, checked = own_design(readings)
            else:
                inputs = (*inputs, Input(checked.path, checked.sha256, "design"))
            if table is not None:
                inputs = (*inputs, Input(table.path, table.sha256, ROLE))
            joined, noticed = join_design(
                readings, checked, lambda names: typed_wells(given, names)
            )
            if found is not None:  # a bridge sample need belong to nobody
                noticed = [*found.findings, *(one for one in noticed if not found.explains(one))]
            subjects = planned(checked)
            noticed += design_findings(checked, subjects)
            self._set("subjects", subjects)
            self._set("inputs", inputs)
            self._set("mapping", dict(mapping or {}))
            self._set("quantity", quantity)
            self._set("scale", scale)
            self._set("decimal", decimal)
            self._set("nd", nd)
            self._set("pseudonyms", table)
            self._set("joined", joined)
            named = (joined[name].astype(str) for name in ("sample", "subject", "group", "analyte"))
            guarded = formula_findings(text for column in named for text in column.unique())
            self._set("_noticed", (*readings.findings, *checked.findings, *noticed, *guarded))
            self._apply(censor, floors)

    def recensored(self, censor: str, floors: str | None = None) -> Self:
        """The same study under another censoring policy.

        Parameters
        ----------
        censor : {"lod", "lloq", "interval"}
        floors : {"censor", "keep"}, optional
            The study's own where not given.

        Returns
        -------
        Study
        """
        other = object.__new__(type(self))
        for name in (
            *("subjects", "inputs", "mapping", "quantity", "pseudonyms", "joined", "_noticed"),
            *("bridge", "shared", "plates", "scale", "decimal", "nd"),
        ):
            other._set(name, getattr(self, name))
        other._apply(censor, self.floors if floors is None else floors)
        return other

    def located(self, paths: Mapping[str, str]) -> Self:
        """The same study as read from elsewhere: its inputs and findings name other paths.

        Parameters
        ----------
        paths : mapping of str to str
            Path that was read to the path to be named.

        Returns
        -------
        Study
        """
        other = object.__new__(type(self))
        for name in (one.name for one in fields(self)):
            other._set(name, getattr(self, name))
        inputs = (replace(one, path=paths.get(one.path, one.path)) for one in self.inputs)
        other._set("inputs", tuple(inputs))
        for name in ("findings", "_noticed"):
            other._set(name, relocated(getattr(self, name), paths))
        return other

    @property
    def groups(self) -> list[str]:
        """The groups in the design's order."""
        return list(dict.fromkeys(self.subjects["group"]))

    @property
    def days(self) -> list[Day]:
        """The planned days, in order."""
        return sorted(dict.fromkeys(self.subjects["day"].tolist()), key=sort_key)

    @property
    def analytes(self) -> list[str]:
        """The analytes in the order in which they were read."""
        return list(dict.fromkeys(self.values["analyte"]))

    def __repr__(self) -> str:
        counts = self.subjects.drop_duplicates("subject")["group"].value_counts(sort=False)
        groups = ", ".join(f"{group} {count}" for group, count in counts.items())
        days = ", ".join(map(str, self.days))
        return (
            f"<Study: {counts.sum()} subjects, groups {groups}; days {days}; "
            f"{len(self.analytes)} analytes>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        counts = pd.crosstab(self.subjects["group"], self.subjects["day"].astype(str))
        return f"<p>{escape(repr(self)[1:-1])}</p>{counts.to_html()}"

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _apply(self, censor: str, floors: str | None) -> None:
        """Values under a policy; each subject, day and analyte once."""
        frame, limits = censored(self.joined, censor, floors)
        single, repeats = combine_repeats(frame)
        self._set("censor", censor)
        self._set("floors", floors)
        self._set("values", single[list(VALUES_COLUMNS)].reset_index(drop=True))
        self._set("findings", (*self._noticed, *limits, *repeats))


def bridge(
    sources: Study | Source | Iterable[Source],
    *,
    samples: Sequence[str] = (),
    reference: str = "",
) -> Bridge:
    """Estimate the effect of each plate on each analyte.

    Parameters
    ----------
    sources : Study, PlateFit, path, DataFrame, or a sequence of these
        What :class:`cytokit.Study` takes.
    samples : sequence of str
        Names of samples measured on several plates; the plates' controls where not given. No
        unknown is taken for the same sample just because its name is: ``Unknown1`` is everywhere.
    reference : str
        The plate whose effect is zero; the mean over plates where not given.

    Returns
    -------
    Bridge

    Raises
    ------
    DesignError
        CK-572 plates that no bridge sample links to the others, CK-573 a named sample that is not
        in the data or on one plate alone, CK-574 no control on several plates, CK-575 two plates
        of one name, CK-578 data that name no plate.
    NothingToDoError
        CK-574, if there is one plate.
    UsageError
        CK-576 a reference that is no plate.

    Notes
    -----
    Controls bridge plates only where they are the same lot throughout.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({
    ...     "plate": ["P1", "P1", "P2", "P2"], "sample": ["pool A", "pool B"] * 2,
    ...     "subject": "-", "group": "-", "day": 0, "IL-6 (pg/mL)": [100, 50, 121, 60],
    ... })
    >>> found = bridge(table, samples=["pool A", "pool B"])
    >>> found.table["ratio"].round(2).tolist()
    [0.91, 1.1]
    """
    if isinstance(sources, Study):
        return bridge_readings(sources.shared, sources.plates, samples, reference)
    readings = gather(sources)
    plates = list(dict.fromkeys(readings.frame["plate"]))
    return bridge_readings(shared_readings(readings), plates, samples, reference)
