"""Bridging: what the same samples read on several plates tell of the plates.

A sample has one concentration, whatever plate it stands on. Controls, or samples that the user
names, give each plate's effect per analyte from the additive model
``ln concentration = sample + plate + error`` by ordinary least squares, with t intervals on its
residual degrees of freedom. Readings out of range carry no number and are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.errors import Problem, UsageError, option_text
from cytokit.findings import Finding
from cytokit.study._bridge_effects import analyte_effects, analyte_findings
from cytokit.study._bridge_samples import BRIDGE_BY, bridge_samples, check_linked, check_plates
from cytokit.study.readings import Readings, Source, gather
from cytokit.vocabulary import BRIDGE_COLUMNS, RangeStatus

if TYPE_CHECKING:
    from cytokit.study.study import Study

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
        One row per analyte and plate, columns ``BRIDGE_COLUMNS``: ``effect`` is on the ln scale,
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
    >>> table = pd.DataFrame({
    ...     "plate": ["P1", "P1", "P2", "P2"], "sample": ["pool A", "pool B"] * 2,
    ...     "subject": "-", "group": "-", "day": 0, "IL-6 (pg/mL)": [100, 50, 121, 60],
    ... })
    >>> found = bridge(table, samples=["pool A", "pool B"])
    >>> found.table["ratio"].round(2).tolist()
    [0.91, 1.1]
    """
    from cytokit.study.study import Study

    if isinstance(sources, Study):
        return bridge_readings(sources.shared, sources.plates, samples, reference)
    readings = gather(sources)
    plates = list(dict.fromkeys(readings.frame["plate"]))
    return bridge_readings(shared_readings(readings), plates, samples, reference)


def shared_readings(readings: Readings) -> pd.DataFrame:
    """Controls, and unknowns whose name stands on several plates: what may bridge.

    Parameters
    ----------
    readings : Readings

    Returns
    -------
    pandas.DataFrame
        plate, sample, analyte, control, usable, value; one row per reading.
    """
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
    """:func:`bridge` on readings that may bridge; parameters and errors as there.

    Parameters
    ----------
    shared : pandas.DataFrame
        From :func:`shared_readings`.
    plates : sequence of str
        All plates of the study.
    samples : sequence of str
    reference : str

    Returns
    -------
    Bridge
    """
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
    table = pd.DataFrame(rows, columns=list(BRIDGE_COLUMNS))
    texts = dict.fromkeys(("analyte", "plate", "reference", "samples", "reason"), "str")
    table = table.astype(
        {**texts, **dict.fromkeys(("n_readings", "n_left_out"), "int64"), "df": "Int64"}
    )
    return Bridge(table, used, not samples, reference, tuple(findings))


def bridged(
    readings: Readings, by: bool | Sequence[str], reference: str, quantity: str
) -> tuple[Readings, Bridge]:
    """Readings divided by their plates' effects; parameters and errors as :func:`bridge`.

    Parameters
    ----------
    readings : Readings
    by : bool or sequence of str
        The controls (True), or names of samples.
    reference, quantity : str

    Returns
    -------
    readings : Readings
    found : Bridge

    Raises
    ------
    UsageError
        CK-576 a reference where nothing is bridged, CK-577 fluorescence: a plate's effect is on
        its concentrations.
    """
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
