"""Bridging: what the same samples read on several plates tell of the plates.

A sample has one concentration, whatever plate it stands on. Controls, or samples that the user
names, give each plate's effect per analyte from the additive model
``ln concentration = sample + plate + error`` by ordinary least squares, with t intervals on its
residual degrees of freedom. Readings out of range carry no number and are left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cytokit.arrays import Floats, Ints
from cytokit.errors import (
    DesignError,
    NothingToDoError,
    Problem,
    UsageError,
    did_you_mean,
    option_text,
)
from cytokit.flags import Finding
from cytokit.schema import TABLES, RangeStatus
from cytokit.trial.readings import Readings

# Plate effects by least squares: ln concentration = sample + plate + error.


@dataclass(frozen=True, slots=True)
class Effects:
    """Effect of each plate on ln concentration, its standard error, and their degrees of freedom.

    ``se`` is NaN where no degree of freedom is left.
    """

    effect: Floats
    se: Floats
    df: int


def plate_effects(
    sample: Ints, plate: Ints, y: Floats, n_plates: int, reference: int | None = None
) -> Effects:
    """Effects of plates that samples link, from a two-way additive model."""
    n_samples = int(sample.max()) + 1
    design = np.zeros((len(y), n_samples + n_plates))
    design[np.arange(len(y)), sample] = 1.0
    design[np.arange(len(y)), n_samples + plate] = 1.0
    # a constant may go from all samples to all plates: contrasts of plates are the same for each
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    solution = inverse @ (design.T @ y)
    contrast = np.zeros((n_plates, n_samples + n_plates))
    contrast[:, n_samples:] = np.eye(n_plates)
    if reference is None:
        contrast[:, n_samples:] -= 1.0 / n_plates
    else:
        contrast[:, n_samples + reference] -= 1.0
    df = len(y) - (n_samples + n_plates - 1)
    residual = y - design @ solution
    if df > 0:
        spread = float(residual @ residual) / df
        variance = spread * np.einsum("ij,jk,ik->i", contrast, inverse, contrast)
        se = np.sqrt(np.maximum(variance, 0.0))  # rounding may leave the reference's below zero
    else:
        se = np.full(n_plates, np.nan)
    return Effects(contrast @ solution, se, df)


def linked(plates: Sequence[str], samples: Sequence[str], every: Sequence[str]) -> list[list[str]]:
    """Plates in groups that samples link, the largest first."""
    leader = {plate: plate for plate in every}

    def find(plate: str) -> str:
        while leader[plate] != plate:
            plate = leader[plate]
        return plate

    first: dict[str, str] = {}
    for plate, sample in zip(plates, samples, strict=True):
        leader[find(plate)] = find(first.setdefault(sample, plate))
    groups: dict[str, list[str]] = {}
    for plate in every:
        groups.setdefault(find(plate), []).append(plate)
    return sorted(groups.values(), key=len, reverse=True)


# Plate effects of one analyte from the readings of its bridge samples, as rows of a table.


def analyte_effects(
    mine: pd.DataFrame, plates: Sequence[str], reference: str
) -> list[dict[str, Any]]:
    """The effects of one analyte, a row per plate."""
    usable = mine[mine["usable"]]
    # a sample read in range on one plate only tells nothing of plates
    on = usable.groupby("sample")["plate"].transform("nunique")
    usable = usable[on > 1] if len(usable) else usable
    per_plate = usable["plate"].value_counts()
    left_out = mine[~mine["usable"]]["plate"].value_counts()
    groups = linked(list(usable["plate"]), list(usable["sample"]), plates)
    if len(groups) > 1:
        reason = f"no reading in range links {', '.join(groups[1][:6])} to the other plates"
        numbers = {name: float("nan") for name in ("effect", "se", "ratio", "ratio_low")}
        whole = {**numbers, "ratio_high": float("nan"), "df": None, "reason": reason}
        return [
            {**whole, "plate": plate, "n_readings": int(per_plate.get(plate, 0)),
             "n_left_out": int(left_out.get(plate, 0))}
            for plate in plates
        ]  # fmt: skip
    from scipy import special

    at = {plate: index for index, plate in enumerate(plates)}
    codes, _ = pd.factorize(usable["sample"])
    found = plate_effects(
        np.asarray(codes, dtype=np.int64),
        np.array([at[name] for name in usable["plate"]], dtype=np.int64),
        np.log(usable["value"].to_numpy(float)),
        len(plates),
        at[reference] if reference else None,
    )
    t = float(special.stdtrit(found.df, 0.975)) if found.df else float("nan")
    reason = "" if found.df else "no reading is left over to tell an error: no interval"
    return [
        {
            "plate": plate,
            "effect": float(effect),
            "se": float(se),
            "df": found.df,
            "ratio": float(np.exp(effect)),
            "ratio_low": float(np.exp(effect - t * se)),
            "ratio_high": float(np.exp(effect + t * se)),
            "n_readings": int(per_plate.get(plate, 0)),
            "n_left_out": int(left_out.get(plate, 0)),
            "reason": reason,
        }
        for plate, effect, se in zip(plates, found.effect, found.se, strict=True)
    ]


def analyte_findings(
    analyte: str, mine: pd.DataFrame, found: Sequence[dict[str, Any]]
) -> list[Finding]:
    """What was left out of one analyte, and whether it can be bridged at all."""
    said = []
    lost = int((~mine["usable"]).sum())
    if lost:
        message = f"{lost} of {len(mine)} readings of bridge samples are out of range: left out"
        said.append(Finding("bridge_left_out", message, analyte=analyte))
    if np.isnan(found[0]["effect"]):
        message = f"not bridged, left as measured on all plates: {found[0]['reason']}"
        said.append(Finding("bridge_not_applied", message, analyte=analyte))
    return said


# Which readings may bridge plates, and whether they link all of them.


#: how Python is told of bridge samples
BRIDGE_BY = "bridge=['A', 'B']"


def check_plates(shared: pd.DataFrame, plates: Sequence[str], reference: str) -> None:
    """There must be plates to bridge, told apart, and the reference one of them."""
    if "" in plates:
        mend = "give the table a plate column"
        raise DesignError(Problem("CK-578", "the data do not say on which plate", mend=mend))
    if len(plates) < 2:
        mend = "give the plates of the study together"
        what = f"there is one plate ({', '.join(plates) or 'none'}): nothing to bridge"
        raise NothingToDoError(Problem("CK-574", what, mend=mend))
    if reference and reference not in plates:
        mend = f"the plates are {', '.join(plates[:12])}"
        near = did_you_mean(reference, plates)
        raise UsageError(Problem("CK-576", f"there is no plate {reference!r}", "", mend, near))
    controls = shared[shared["control"]]
    twice = controls[controls.duplicated(["plate", "sample", "analyte"])]
    if len(twice):
        names = ", ".join(dict.fromkeys(twice["plate"]))
        mend = "fit these plates together, so that their names are told apart"
        what = f"several plates are called {names}: their readings cannot be told apart"
        raise DesignError(Problem("CK-575", what, mend=mend))


def bridge_samples(shared: pd.DataFrame, samples: Sequence[str]) -> pd.DataFrame:
    """The readings of the bridge samples."""
    if not samples:
        controls = shared[shared["control"]]
        on = controls.groupby("sample")["plate"].nunique()
        several = [str(name) for name, count in on.items() if count > 1]
        if not several:
            given = option_text("bridge_samples", "A,B", BRIDGE_BY)
            mend = f"name samples that were measured on several plates: {given}"
            raise DesignError(
                Problem("CK-574", "no control stands on more than one plate", mend=mend)
            )
        return controls[controls["sample"].isin(several)]
    known = list(dict.fromkeys(shared["sample"]))
    problems = []
    for name in dict.fromkeys(samples):
        plates = shared.loc[shared["sample"] == name, "plate"].nunique()
        if plates < 2:
            what = f"bridge sample {name!r} does not stand on several plates"
            mend = f"samples that do: {', '.join(known[:12]) or 'none'}"
            near = did_you_mean(name, known) if name not in known else ""
            problems.append(Problem("CK-573", what, mend=mend, near=near))
    if problems:
        raise DesignError(*problems)
    return shared[shared["sample"].isin(list(samples))]


def check_linked(chosen: pd.DataFrame, plates: Sequence[str]) -> None:
    """Every plate must share a bridge sample with the others, directly or by way of one."""
    groups = linked(list(chosen["plate"]), list(chosen["sample"]), plates)
    if len(groups) > 1:
        lone = "; ".join(", ".join(group) for group in groups[1:])
        what = f"no bridge sample links {lone} to the other {len(groups[0])} plates"
        mend = "name samples that stand on these plates too, or compare them apart"
        raise DesignError(Problem("CK-572", what, mend=mend))


#: what of a reading is divided by its plate's effect
_SCALED = (
    *("value", "lower", "upper", "given", "lod", "lloq", "uloq", "uod", "ci_low", "ci_high"),
)
_MEAN = "mean over plates"
_IN_RANGE = ("", str(RangeStatus.IN_RANGE))  # plain tables have no status


@dataclass(frozen=True)
class Bridge:
    """Plate effects of a study.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per analyte and plate, columns of bridge.csv: ``effect`` is on the ln scale,
        ``ratio`` its factor with a 95 % interval; NaN where ``reason`` says why there is none.
    samples : tuple of str
        The bridge samples that were used.
    controls : bool
        Whether these are the plates' controls, not samples that were named.
    reference : str
        The plate that the others are compared with, empty for the mean over plates.
    findings : tuple of Finding
        What was left out, and which analytes could not be bridged.
    """

    table: pd.DataFrame
    samples: tuple[str, ...]
    controls: bool
    reference: str
    findings: tuple[Finding, ...]

    @property
    def applicable(self) -> tuple[str, ...]:
        """The analytes with an effect on every plate."""
        lacking = set(self.table.loc[self.table["effect"].isna(), "analyte"])
        return tuple(name for name in dict.fromkeys(self.table["analyte"]) if name not in lacking)

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Readings divided by their plate's effect: values, limits and intervals alike.

        Parameters
        ----------
        frame : pandas.DataFrame
            Readings with plate and analyte; analytes that are not :attr:`applicable` stay as
            measured on all plates.

        Returns
        -------
        pandas.DataFrame
        """
        usable = self.table[self.table["analyte"].isin(self.applicable)]
        keys = zip(usable["plate"], usable["analyte"], strict=True)
        factors = dict(zip(keys, np.exp(-usable["effect"].to_numpy(float)), strict=True))
        pairs = zip(frame["plate"], frame["analyte"], strict=True)
        factor = np.array([factors.get(pair, 1.0) for pair in pairs])
        return frame.assign(**{name: frame[name] * factor for name in _SCALED if name in frame})

    def explains(self, finding: Finding) -> bool:
        """Whether a finding says no more than that a bridge sample is in no design."""
        return finding.code == "sample_not_in_design" and finding.sample in self.samples

    def __repr__(self) -> str:
        plates = self.table["plate"].nunique()
        return (
            f"<Bridge of {plates} plates by {', '.join(self.samples)}: "
            f"{len(self.applicable)} of {self.table['analyte'].nunique()} analytes>"
        )


def shared_readings(readings: Readings) -> pd.DataFrame:
    """Controls, and unknowns whose name stands on several plates: what may bridge."""
    parts = []
    for frame, control in ((readings.controls, True), (readings.frame, False)):
        usable = (frame["state"] == "exact") & frame["range_status"].isin(_IN_RANGE)
        parts.append(
            frame[["plate", "sample", "analyte", "value"]].assign(
                usable=usable & (frame["value"] > 0), control=control
            )
        )
    whole = pd.concat(parts, ignore_index=True)
    on = whole.groupby("sample")["plate"].transform("nunique")
    return whole[whole["control"] | (on > 1)].reset_index(drop=True)


def bridge_readings(
    shared: pd.DataFrame, plates: Sequence[str], samples: Sequence[str], reference: str
) -> Bridge:
    """:func:`bridge` on readings that may bridge; parameters and errors as there."""
    check_plates(shared, plates, reference)
    chosen = bridge_samples(shared, samples)
    check_linked(chosen, plates)
    used = tuple(dict.fromkeys(chosen["sample"]))
    rows: list[dict[str, Any]] = []
    findings = []
    for analyte in dict.fromkeys(shared["analyte"]):
        mine = chosen[chosen["analyte"] == analyte]
        found = analyte_effects(mine, plates, reference)
        rows += [
            {**row, "analyte": analyte, "reference": reference or _MEAN,
             "samples": "; ".join(dict.fromkeys(mine["sample"]))}
            for row in found
        ]  # fmt: skip
        findings += analyte_findings(str(analyte), mine, found)
    table = pd.DataFrame(rows, columns=TABLES["bridge"].names)
    texts = dict.fromkeys(("analyte", "plate", "reference", "samples", "reason"), "str")
    table = table.astype(
        {**texts, **dict.fromkeys(("n_readings", "n_left_out"), "int64"), "df": "Int64"}
    )
    return Bridge(table, used, not samples, reference, tuple(findings))


def bridged(
    readings: Readings, by: bool | Sequence[str], reference: str, quantity: str
) -> tuple[Readings, Bridge]:
    """Readings divided by their plates' effects; parameters and errors as :func:`bridge`."""
    if not by:
        what = f"a reference plate, {reference!r}, but nothing is bridged"
        ways = f"{option_text('bridge', True)} or {option_text('bridge_samples', 'A,B', BRIDGE_BY)}"
        mend = f"ask for bridging, {ways}, or leave the reference out"
        raise UsageError(Problem("CK-576", what, mend=mend))
    if quantity != "concentration":
        what = f"quantity={quantity!r} cannot be bridged: the effects are of concentrations"
        raise UsageError(Problem("CK-577", what, mend="leave out one of the two"))
    samples = () if by is True else [by] if isinstance(by, str) else list(by or ())
    plates = list(dict.fromkeys(readings.frame["plate"]))
    found = bridge_readings(shared_readings(readings), plates, samples, reference)
    return replace(readings, frame=found.apply(readings.frame)), found
