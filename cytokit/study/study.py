"""Study: concentrations joined to who, group and day, the design checked before any statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Self

import pandas as pd

from cytokit.findings import Finding, formula_findings, relocated
from cytokit.pseudonyms import ROLE, Pseudonyms, errors_without_names, read_pseudonyms
from cytokit.study._designed_controls import typed_wells, with_designed_controls
from cytokit.study._join import (
    as_design,
    design_findings,
    join_design,
    own_design,
    planned,
    split_mapping,
)
from cytokit.study._private import private_design
from cytokit.study._repeats import combine_repeats
from cytokit.study.bridging import Bridge, bridged, shared_readings
from cytokit.study.censoring import censored
from cytokit.study.design import Design, read_design
from cytokit.study.readings import Input, Manner, Source, gather, has_tables, listed
from cytokit.tables.days import Day, sort_key

__all__ = ["Study", "read_design"]

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
        Which values count as numbers; see :mod:`cytokit.study.censoring`.
    floors : {"censor", "keep"}, optional
        What readings of tables on a floor nobody declared count as: below it, or measured. Where
        not given, below it if at least a fifth of the analyte's values stand on floors; see
        :mod:`cytokit.study.floors`.
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
