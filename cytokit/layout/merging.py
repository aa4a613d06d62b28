"""A layout laid over a plate: what each says of a well, and a finding where they disagree."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cytokit.errors import DesignError, Problem, did_you_mean, place
from cytokit.findings import Finding
from cytokit.layout.plan import (
    ALL_ANALYTES,
    TITLES,
    Layout,
    WellPlan,
    likely_type,
    type_of_name,
    word_key,
)
from cytokit.plate import Plate, SourceInfo
from cytokit.sources import fraction_of
from cytokit.vocabulary import WellType

#: Names that acquisition software gives by itself; a layout replaces them without a word.
_GENERIC = re.compile(
    r"(unknown|standard|std|background|blank|control|sample|[xscbu])\s*\d*", re.IGNORECASE
)
_STANDARD_CODE = re.compile(r"s\d*|st\d*|std\d*", re.IGNORECASE)


class _Merge:
    """The plate's columns, as arrays, while the layout is laid over them."""

    def __init__(self, plate: Plate) -> None:
        wells = plate.wells
        self.plate = plate
        self.analyte = [str(name) for name in wells["analyte"]]
        self.sample = [str(name) for name in wells["sample"]]
        self.well_type = [WellType(str(name)) for name in wells["well_type"]]
        self.dilution = wells["dilution_factor"].to_numpy(dtype=float, copy=True)
        self.expected = wells["expected"].to_numpy(dtype=float, copy=True)
        self.rows: dict[str, list[int]] = {}
        for row, well in enumerate(wells["well"]):
            self.rows.setdefault(str(well), []).append(row)
        self.findings: list[Finding] = []

    def say(self, code: str, message: str, well: str = "", sample: str = "") -> None:
        self.findings.append(Finding(code, message, self.plate.name, well, sample))

    def unclear(self, plans: Mapping[str, WellPlan]) -> list[str]:
        """Wells of unknowns to which the layout gives no type, by what either file calls them."""
        found = []
        for well, rows in self.rows.items():
            plan = plans.get(well)
            typed = plan is not None and plan.well_type is not None
            if typed or self.well_type[rows[0]] is not WellType.UNKNOWN:
                continue
            asked = any(
                one.code == "well_type_unclear" and one.well == well for one in self.plate.findings
            )
            named = plan is not None and likely_type(plan.sample) not in (None, WellType.UNKNOWN)
            if asked or named:
                found.append(well)
        return found

    def table(self) -> pd.DataFrame:
        """The plate's table with the merged columns."""
        return self.plate.wells.assign(
            sample=pd.Series(self.sample, dtype="str"),
            well_type=pd.Series(list(map(str, self.well_type)), dtype="str"),
            dilution_factor=self.dilution,
            expected=self.expected,
        )


def apply_layout(plate: Plate, layout: Layout) -> Plate:
    """The plate with the layout's samples, types, dilutions and expected concentrations.

    Parameters
    ----------
    plate : Plate
    layout : Layout

    Returns
    -------
    Plate
        The same readings; findings ``layout_conflict``, ``layout_gap``, ``layout_unread``,
        ``layout_title_unknown`` and ``expected_from_name`` say where the two differ.

    Raises
    ------
    DesignError
        CK-207 a column of an analyte without numbers, CK-208 an expected concentration for an
        analyte the plate does not have, CK-209 a layout of which the plate has no well, CK-166 a
        layout of other plates, CK-211 a lots file for a plate of another family than Luminex
        IS 2.3, whose parser reads it.
    """
    if layout.lots is not None:
        what = f"a lots file of Luminex IS 2.3; plate {plate.name!r} is an export of another family"
        mend = "give a layout: its wells, samples and expected concentrations"
        raise DesignError(Problem("CK-211", what, place(layout.path), mend))
    plans = _plans_for(plate, layout)
    present = set(plate.wells["well"])
    _check_analytes(plate, layout, plans)
    if plans and not present & set(plans):
        what = f"no well of the layout is on plate {plate.name!r}"
        mend = "check that the layout belongs to this plate and its size"
        raise DesignError(Problem("CK-209", what, place(layout.path), mend))
    merge = _Merge(plate)
    for well, rows in merge.rows.items():
        _merge_well(merge, plans.get(well, WellPlan(well)), rows, layout)
    _gaps(merge, layout, plans)
    for part in layout.unread:
        merge.say("layout_unread", f"{part.name}: {part.reason}")
    unclear = merge.unclear(plans)
    findings = tuple(one for one in plate.findings if not _settled(one, plans, unclear))
    named = {one.well for one in findings if one.code == "well_type_unclear"}
    for well in unclear:
        if well not in named:
            sample = merge.sample[merge.rows[well][0]]
            message = f"the layout calls the sample {sample!r}, which looks like a "
            message += f"{likely_type(sample)}, and gives no type; it is taken as an unknown sample"
            merge.say("well_type_unclear", message, well, sample)
    return replace(
        plate,
        wells=merge.table(),
        findings=(*findings, *merge.findings),
        companions=(*plate.companions, SourceInfo(layout.path, layout.sha256, "layout")),
    )


def _settled(finding: Finding, plans: Mapping[str, WellPlan], unclear: Sequence[str]) -> bool:
    """Whether the layout says what a finding of the export asks for."""
    plan = plans.get(finding.well)
    if finding.code == "dilution_unclear":
        return plan is not None and plan.dilution_factor is not None
    return finding.code == "well_type_unclear" and plan is not None and finding.well not in unclear


def _plans_for(plate: Plate, layout: Layout) -> dict[str, WellPlan]:
    """The plans of this plate by well: those that name it (or its file), and those for all."""
    path = Path(plate.source.path)
    names = {word_key(name) for name in (plate.name, path.stem, path.name) if name}
    general = {plan.well: plan for plan in layout.wells if not plan.plate}
    own = {plan.well: plan for plan in layout.wells if word_key(plan.plate) in names}
    if layout.sheets and not own:
        listed = ", ".join(map(repr, layout.sheets[:12]))
        what = f"the layout has a plan for each of {listed}, and none for plate {plate.name!r}"
        mend = f"call the plan of this plate {plate.name!r}, or {path.stem!r} as its file"
        near = did_you_mean(plate.name, layout.sheets)
        raise DesignError(Problem("CK-166", what, place(layout.path), mend, near))
    return {well: _over(general.get(well), plan) for well, plan in {**general, **own}.items()}


def _over(general: WellPlan | None, own: WellPlan) -> WellPlan:
    """What a layout says of a plate's well, and of that well of every plate."""
    if general is None or general is own:
        return own
    return replace(
        own,
        sample=own.sample or general.sample,
        well_type=own.well_type or general.well_type,
        dilution_factor=own.dilution_factor or general.dilution_factor,
        expected={**general.expected, **own.expected},
        bare={**general.bare, **own.bare},
    )


def _check_analytes(plate: Plate, layout: Layout, plans: dict[str, WellPlan]) -> None:
    """Expected concentrations must be of analytes the plate has."""
    known = {word_key(name) for name in plate.analyte_names}
    named = [name for plan in plans.values() for name in plan.expected]
    named += [name for values in layout.expected.values() for name in values]
    problems = []
    for name in dict.fromkeys(named):
        if name != ALL_ANALYTES and word_key(name) not in known:
            what = f"the layout gives expected concentrations for {name!r}, which the plate lacks"
            mend = f"the plate has {', '.join(plate.analyte_names[:20])}"
            near = did_you_mean(name, plate.analyte_names)
            problems.append(Problem("CK-208", what, place(layout.path), mend, near))
    for name, wells in _no_numbers(plans).items():
        if word_key(name) in known:
            what = f"the layout's column {name!r} holds no number of at least 0 in {_some(wells)}"
            mend = "give a number of at least 0, or leave the cell empty"
            problems.append(Problem("CK-207", what, place(layout.path), mend))
    if problems:
        raise DesignError(*problems)


def _no_numbers(plans: Mapping[str, WellPlan]) -> dict[str, list[str]]:
    """Columns titled with a bare name -> the wells in which they hold no concentration."""
    wells: dict[str, list[str]] = {}
    for well, plan in plans.items():
        for name, value in plan.bare.items():
            if not value >= 0:
                wells.setdefault(name, []).append(well)
    return wells


def _merge_well(merge: _Merge, plan: WellPlan, rows: list[int], layout: Layout) -> None:
    """One well: sample, then type, then dilution and expected concentrations by the type."""
    old_sample, old_type = merge.sample[rows[0]], merge.well_type[rows[0]]
    sample = plan.sample or old_sample
    if plan.sample and plan.sample != old_sample and not _GENERIC.fullmatch(old_sample):
        message = f"the export calls the sample {old_sample!r}, the layout {sample!r}"
        merge.say("layout_conflict", message, plan.well, sample)
    elif _type_silenced(plan, old_sample, old_type):
        message = f"the export calls the sample {old_sample!r}, the layout {sample!r} and gives no "
        merge.say("layout_conflict", f"{message}type: it stays a {old_type}", plan.well, sample)
    expected = _expected(merge.plate.analyte_names, plan, layout.expected.get(sample, {}))
    new_type = _new_type(plan, old_sample, old_type, expected)
    if new_type is not old_type and old_type is not WellType.UNKNOWN:
        message = f"the export calls the well {old_type}, the layout {new_type}"
        merge.say("layout_conflict", message, plan.well, sample)
    if new_type is WellType.STANDARD and not expected:
        expected = _from_name(merge, plan, sample, rows)
    for row in rows:
        # a well that the export calls otherwise for each analyte keeps those names
        merge.sample[row] = plan.sample or merge.sample[row]
        merge.well_type[row] = new_type
    _merge_dilution(merge, plan, rows, new_type, sample)
    _merge_expected(merge, plan, rows, (old_type, new_type), expected)


def _type_silenced(plan: WellPlan, old_sample: str, old_type: WellType) -> bool:
    """Whether a layout of names alone covers the name from which a well has its type."""
    renamed = bool(plan.sample) and plan.sample != old_sample
    told = plan.well_type is not None or type_of_name(plan.sample) is not None or plan.expected
    return (
        renamed and not told and old_type in (WellType.STANDARD, WellType.BLANK, WellType.CONTROL)
    )


def _new_type(
    plan: WellPlan, old_sample: str, old_type: WellType, expected: dict[str, float]
) -> WellType:
    """The layout's type; else what its sample's name or expected values mean; else the export's."""
    if plan.well_type is not None:
        return plan.well_type
    if (coded := type_of_name(plan.sample)) is not None:
        return coded
    standard_code = old_type is WellType.UNKNOWN and _STANDARD_CODE.fullmatch(old_sample)
    if fraction_of(plan.sample) is not None and standard_code:
        return WellType.STANDARD
    if expected and old_type is WellType.UNKNOWN:
        only_zero = all(value == 0 for value in expected.values())
        return WellType.BLANK if only_zero else WellType.STANDARD
    return old_type


def _expected(
    analytes: Sequence[str], plan: WellPlan, by_sample: Mapping[str, float]
) -> dict[str, float]:
    """Expected concentrations by analyte of the plate: the well's own before its sample's."""
    result: dict[str, float] = {}
    for values in (by_sample, plan.bare, plan.expected):
        by_key = {word_key(name): value for name, value in values.items()}
        for analyte in analytes if by_key else ():
            value = by_key.get(word_key(analyte), by_key.get(ALL_ANALYTES))
            if value is not None:
                result[analyte] = value
    return result


def _from_name(merge: _Merge, plan: WellPlan, sample: str, rows: list[int]) -> dict[str, float]:
    """A standard called 1/n without a concentration in either file is 1/n of the neat one."""
    fraction = fraction_of(sample)
    if not fraction or np.isfinite(merge.expected[rows]).any():
        return {}
    message = f"the standard {sample!r} has no expected concentration; 1/{fraction:g} is used"
    merge.say("expected_from_name", message, plan.well, sample)
    return dict.fromkeys(merge.plate.analyte_names, 1.0 / fraction)


def _merge_dilution(
    merge: _Merge, plan: WellPlan, rows: list[int], well_type: WellType, sample: str
) -> None:
    """Standards and blanks have the factor 1; elsewhere the layout's before the export's."""
    old = float(merge.dilution[rows[0]])
    new = plan.dilution_factor if plan.dilution_factor is not None else old
    if well_type in (WellType.STANDARD, WellType.BLANK):
        if plan.dilution_factor not in (None, 1.0):
            message = f"the dilution {new:g} of a {well_type} is not used: expected is at the bead"
            merge.say("layout_conflict", message, plan.well, sample)
        new = 1.0
    elif math.isfinite(old) and old not in (1.0, new):
        message = f"the export gives the dilution factor {old:g}, the layout {new:g}"
        merge.say("layout_conflict", message, plan.well, sample)
    merge.dilution[rows] = new


def _merge_expected(
    merge: _Merge,
    plan: WellPlan,
    rows: list[int],
    types: tuple[WellType, WellType],
    expected: Mapping[str, float],
) -> None:
    """Blanks are 0, unknowns have none; for the others the layout's word before the export's."""
    old_type, new_type = types
    if new_type in (WellType.BLANK, WellType.UNKNOWN):
        merge.expected[rows] = 0.0 if new_type is WellType.BLANK else math.nan
        return
    for row in rows:
        analyte = merge.analyte[row]
        old = float(merge.expected[row]) if old_type is new_type else math.nan
        new = expected.get(analyte, old)
        if math.isfinite(old) and not math.isclose(old, new, rel_tol=1e-3):
            message = f"{analyte}: the export expects {old:g}, the layout {new:g}"
            merge.say("layout_conflict", message, plan.well, merge.sample[row])
        merge.expected[row] = new


def _gaps(merge: _Merge, layout: Layout, plans: dict[str, WellPlan]) -> None:
    """Say which wells only one side has, and which bare columns are no analytes."""
    absent = [well for well, plan in plans.items() if well not in merge.rows and plan.sample]
    if absent:
        message = f"in the layout but not in the export: {_some(absent)}; they stay missing"
        merge.say("layout_gap", message)
    unplanned = [well for well in merge.rows if well not in plans]
    if unplanned and plans:
        message = f"in the export but not in the layout: {_some(unplanned)}; left as exported"
        merge.say("layout_gap", message)
    if layout.wells and not plans:
        message = "the layout speaks of other plates only"
        merge.say("layout_gap", message)
    known = {word_key(name) for name in merge.plate.analyte_names}
    strangers: dict[str, bool] = {}
    for plan in plans.values():
        for name, value in plan.bare.items():
            if word_key(name) not in known:
                strangers[name] = strangers.get(name, False) or math.isfinite(value)
    for name, numbers in strangers.items():
        near = did_you_mean(name, [*merge.plate.analyte_names, *TITLES])
        message = f"column {name!r} is neither a property nor an analyte of the plate"
        code = "layout_title_unknown" if numbers or near else "layout_unread"
        merge.say(code, f"{message} ({near})" if near else message)


def _some(wells: Sequence[str]) -> str:
    return ", ".join(wells[:12]) + (f" and {len(wells) - 12} more" if len(wells) > 12 else "")
