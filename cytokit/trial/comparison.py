"""Comparison: what compare returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cytokit.arrays import Bools
from cytokit.errors import Problem, UsageError, did_you_mean, option_text
from cytokit.flags import Finding, findings_table
from cytokit.options import CompareOptions
from cytokit.schema import TABLES
from cytokit.tables.cells import Day
from cytokit.trial.estimate import NAN, Outcome, exp, flags_text
from cytokit.trial.linear import cles
from cytokit.trial.study import Study
from cytokit.trial.summary import geometric_mean
from cytokit.trial.values import AnalyteData, Cells

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cytokit.options import Label, Style, Summary


@dataclass(frozen=True)
class Sensitivity:
    """The specification panel.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per analyte, pair of groups and specification, columns of sensitivity.csv. ``data``
        names the study (``as analysed``, ``4PL``, ...), ``main`` marks the main analysis,
        ``verdict`` is ``higher``, ``lower``, ``not significant`` or ``not analysed``; ``same_as``
        names an earlier specification that gives the very same numbers, as policies on values
        out of range do where an analyte has none.
    holds : pandas.DataFrame
        One row per analyte and pair, columns ``HOLDS_COLUMNS``: the main verdict, how many other
        specifications there are, how many of them could be analysed and how many agree. What
        gives the same numbers counts once, and not at all where they are the main analysis's.
    alpha : float
        Level of the verdicts; the ratios' intervals are at 1 - alpha.
    """

    table: pd.DataFrame
    holds: pd.DataFrame
    alpha: float = 0.05

    def __repr__(self) -> str:
        count = int(self.holds["specifications"].max()) if len(self.holds) else 0
        mean = self.holds["holds_pct"].mean()
        return (
            f"<Sensitivity: {self.holds['analyte'].nunique()} analytes, {count} specifications "
            f"each; the main verdict holds in {mean:.0f} % of those analysed>"
        )


@dataclass(frozen=True, repr=False)
class Comparison:
    """Groups and days of a study compared, analyte by analyte.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per analyte and contrast: of comparisons.csv and what follows them. Ratios are
        treated over control and day over baseline. ``stars`` and ``label`` are the only places
        where a p becomes text; ``stars`` is empty for rows without a family and gated ones.
    summary : pandas.DataFrame
        Columns of summary.csv: what was measured per analyte, group and day.
    detectability : pandas.DataFrame
        Per cent in range per analyte, group and day.
    study : Study
        What was compared, under the censoring policy that was used.
    options : CompareOptions
    baseline : day or None
    day : tuple of days
        The tested day; of several, their mean of ln was compared.
    reference : str
    analytes : tuple of str
        Those shown: of the study's, those that were chosen.
    families : mapping of str to tuple of str
        The declared families and their members, those not shown included.
    guard : tuple of str
        Sentences on results within groups whose pattern is no evidence of a difference between
        the groups.
    findings : tuple of Finding
        All that was noticed about the data, the worst first: reading them, joining them to the
        design, values out of range, plates.
    methods : str
        A paragraph for the paper, in markdown.
    """

    table: pd.DataFrame
    summary: pd.DataFrame
    detectability: pd.DataFrame
    study: Study
    options: CompareOptions
    baseline: Day | None
    day: tuple[Day, ...]
    reference: str
    analytes: tuple[str, ...]
    families: Mapping[str, tuple[str, ...]]
    guard: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    methods: str = field(default="")

    def of(self, analyte: str) -> pd.DataFrame:
        """The rows of one analyte.

        Parameters
        ----------
        analyte : str

        Returns
        -------
        pandas.DataFrame
        """
        return self.table[self.table["analyte"] == analyte]

    @property
    def between(self) -> pd.DataFrame:
        """The rows of family F1, the primary question."""
        return self.table[self.table["family"] == "F1"]

    @property
    def flags(self) -> pd.DataFrame:
        """The findings as a table, columns of flags.csv."""
        return findings_table(self.findings)

    def figure(
        self, *, style: Style = "trial", label: Label = "stars", summary: Summary = "box"
    ) -> Figure:
        """The panels, first page; :func:`cytokit.figures.panels.panel_pages` gives all pages.

        Parameters
        ----------
        style : {"trial", "lanzoni"}
        label : {"stars", "p", "both"}
        summary : {"box", "gm", "bar"}

        Returns
        -------
        matplotlib.figure.Figure
        """
        from cytokit.figures.panels import panels

        return panels(self, style=style, label=label, summary=summary)

    def forest(self) -> Figure:
        """The forest plot of the ratios between groups, first page.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from cytokit.figures.forest import forest

        return forest(self)

    def write(
        self,
        folder: str | Path,
        *,
        force: bool = False,
        style: Style = "trial",
        label: Label = "stars",
        summary: Summary = "box",
        sensitivity: Sensitivity | None = None,
    ) -> None:
        """Write the folder that `cytokit compare` writes: tables, figures, methods, manifest.

        Parameters
        ----------
        folder : path-like
        force : bool
            Replace the files of an earlier run.
        style, label, summary : str
            Of the panels, see :meth:`figure`.
        sensitivity : Sensitivity, optional
            The specification panel of this comparison, to be written with it.

        Raises
        ------
        UsageError
            CK-501, CK-502: the folder is not empty, or is a file.
        OutputError
            CK-503: the disk refuses.
        """
        from cytokit.results.write import write_comparison

        write_comparison(
            self,
            folder,
            force=force,
            style=style,
            label=label,
            summary=summary,
            sensitivity=sensitivity,
        )

    def __repr__(self) -> str:
        rows = self.between if len(self.between) else self.table
        tested = int(rows["p"].notna().sum())
        significant = int((rows["p_adjusted"] < self.options.alpha).sum())
        groups = " / ".join(self.study.groups)
        return (
            f"<Comparison of {groups}: {len(self.analytes)} analytes, {tested} tests in "
            f"{'F1' if len(self.between) else 'all families'}, {significant} significant after "
            f"{self.options.adjust}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        shown = ["analyte", "contrast", "method", "n_treated", "n_control", "ratio", "ratio_low"]
        shown += ["ratio_high", "p", "p_adjusted", "stars", "flags"]
        page = self.table[shown].to_html(index=False, na_rep="")
        return f"<p>{escape(repr(self)[1:-1])}</p>{page}"


# Contrasts and families, declared from the design before any p-value is seen.


REFERENCE_NAMES = ("control", "placebo", "reference")


class Kind(StrEnum):
    """What is compared."""

    BETWEEN = "between"
    WITHIN = "within"
    CHANGE = "difference_in_change"
    WORST_RANK = "worst_rank"
    MIXED = "mixed_model"


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison that is made for every analyte."""

    kind: Kind
    name: str
    family: str
    treated: str
    control: str

    @property
    def arms(self) -> tuple[str, ...]:
        """The groups whose subjects take part."""
        return tuple(name for name in (self.treated, self.control) if name)


def declare(
    groups: Sequence[str],
    reference: str,
    day: str,
    *,
    has_baseline: bool,
    versus: str = "reference",
    repeated: bool = False,
) -> tuple[Contrast, ...]:
    """All contrasts of a study, in the order of the table."""
    treated = [group for group in groups if group != reference]
    if not reference:
        pairs = []
    elif versus == "all":
        ordered = [*treated, reference]
        pairs = list(combinations(ordered, 2))
    else:
        pairs = [(group, reference) for group in treated]
    found = []
    for first, second in pairs:
        found.append(Contrast(Kind.BETWEEN, f"between_day{day}", "F1", first, second))
        if has_baseline:
            found.append(Contrast(Kind.CHANGE, str(Kind.CHANGE), "", first, second))
        if repeated:
            found.append(Contrast(Kind.MIXED, str(Kind.MIXED), "", first, second))
        found.append(Contrast(Kind.WORST_RANK, str(Kind.WORST_RANK), "", first, second))
    if has_baseline:
        found += [Contrast(Kind.WITHIN, "within_treated", "F2", group, "") for group in treated]
        if reference:
            found.append(Contrast(Kind.WITHIN, "within_control", "F3", "", reference))
    return tuple(found)


def declare_families(
    contrasts: Sequence[Contrast], analytes: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    """The members of each family: analytes, and with several arms analyte and arms."""
    families: dict[str, tuple[str, ...]] = {}
    for family in dict.fromkeys(contrast.family for contrast in contrasts if contrast.family):
        mine = [contrast for contrast in contrasts if contrast.family == family]
        families[family] = tuple(
            member(analyte, contrast, len(mine)) for contrast in mine for analyte in analytes
        )
    return families


def member(analyte: str, contrast: Contrast, n_contrasts: int) -> str:
    """The name of one test in its family."""
    return analyte if n_contrasts == 1 else f"{analyte} [{' / '.join(contrast.arms)}]"


def find_reference(groups: Sequence[str], asked: str | None) -> str:
    """The reference group: the one asked for, or the only one called so."""
    shown = ", ".join(groups)
    if asked is not None:
        alike = [group for group in groups if group.casefold() == asked.strip().casefold()]
        if not alike:
            what = f"the study has no group {asked!r}"
            near = did_you_mean(asked, groups)
            raise UsageError(
                Problem(
                    "CK-401",
                    what,
                    f"option {option_text('reference')}",
                    f"its groups are {shown}",
                    near,
                )
            )
        return alike[0]
    if len(groups) == 1:
        return ""
    called = [group for group in groups if group.casefold() in REFERENCE_NAMES]
    if len(called) == 1:
        return called[0]
    what = f"which group is the reference cannot be told from {shown}"
    raise UsageError(Problem("CK-404", what, mend=f"name it: {option_text('reference', 'GROUP')}"))


# From an outcome to a row of the comparison's table.


_COUNTS = (
    *("n_treated", "n_control", "n_rank_treated", "n_rank_control"),
    *("n_pairs", "n_missing", "n_died", "family_size"),
)
_TEXTS = ("analyte", "unit", "contrast", "family", "method", "adjust", "stars", "label", "flags")


@dataclass(frozen=True, slots=True)
class Record:
    """One contrast of one analyte: the subjects of its arms and what it came to."""

    contrast: Contrast
    data: AnalyteData
    outcome: Outcome


def make_row(record: Record, *, alpha: float = 0.05, power: float = 0.8) -> dict[str, Any]:
    """One row without its family's numbers."""
    contrast, data, outcome = record.contrast, record.data, record.outcome
    estimate, beside = outcome.estimate, outcome.beside
    group, used = data.subjects.group, outcome.used
    treated = group == contrast.treated
    control = group == contrast.control
    arms = {"treated": treated, "control": control}
    paired = data.base.present & data.day.present
    died = data.subjects.died & ~data.day.present
    counts = {
        f"n_{arm}": int((used & rows).sum()) if getattr(contrast, arm) else None
        for arm, rows in arms.items()
    }
    ranked = used if beside.used is None else beside.used
    ranks = {
        f"n_rank_{arm}": int((ranked & rows).sum()) if getattr(contrast, arm) else None
        for arm, rows in arms.items()
    }
    shares = {
        f"pct_below_{arm}": _percent(data.day, data.day.below, ranked & rows)
        for arm, rows in arms.items()
    }
    means = {f"gm_{arm}": _mean(data.day, used & rows) for arm, rows in arms.items()}
    within = len(contrast.arms) == 1
    return {
        "analyte": data.analyte,
        "unit": data.unit,
        "contrast": contrast.name,
        "family": contrast.family,
        "method": estimate.method,
        **counts,
        "n_pairs": int(paired.sum()),
        "n_missing": int((~used & ~died).sum()),
        "n_died": int(died.sum()),
        **shares,
        "pct_above": _percent(data.day, data.day.above, ranked),
        **means,
        "ratio": estimate.ratio,
        "ratio_low": exp(estimate.low),
        "ratio_high": exp(estimate.high),
        "statistic": estimate.statistic,
        "df": estimate.df,
        "p": estimate.p,
        "p_rank": beside.p_rank,
        "hl_ratio": exp(beside.hl),
        "hl_low": exp(beside.hl_low),
        "hl_high": exp(beside.hl_high),
        "hedges_g": beside.hedges_g,
        "cles": cles(beside.delta),
        "cliffs_delta": beside.delta,
        "p_min_attainable": beside.p_min,
        "flags": flags_text(outcome.notes),
        "treated_group": contrast.treated,
        "control_group": contrast.control,
        **ranks,
        "gm_baseline": _mean(data.base, used) if within else NAN,
        "p_fisher": beside.p_fisher,
        "p_other_spread": outcome.p_other_spread,
        "min_fold_change": min_fold_change(estimate.se, estimate.df, alpha, power),
        "tipping_ratio": outcome.tipping_ratio,
        "tipping_error": outcome.tipping_error,
        "assay_share": outcome.assay_share,
    }


def min_fold_change(se: float, df: float, alpha: float, power: float) -> float:
    """The smallest fold change that a test with this standard error shows with this power."""
    if np.isnan(se) or np.isnan(df):
        return NAN
    from scipy import special

    return exp(float(special.stdtrit(df, 1 - alpha / 2) + special.stdtrit(df, power)) * se)


def make_table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The table from its rows: columns in order, counts as integers that may be absent."""
    names = TABLES["comparisons"].names
    table = pd.DataFrame(rows, columns=names)
    for name in names:
        if name in _COUNTS or name == "seed":
            table[name] = table[name].astype("Int64")
        elif name in _TEXTS or name.endswith("_group"):
            table[name] = table[name].fillna("").astype("str")
        else:
            table[name] = table[name].astype("float64")
    return table


def _percent(day: Cells, outside: Bools, rows: Bools) -> float:
    """Per cent of the values present in these rows; NaN where there is none."""
    present = day.present & rows
    return 100.0 * float((outside & rows).sum()) / int(present.sum()) if present.any() else NAN


def _mean(cells: Cells, rows: Bools) -> float:
    return geometric_mean(cells.take(rows & cells.present))
