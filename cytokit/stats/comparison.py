"""Comparison: what compare returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from cytokit.findings import Finding, findings_table
from cytokit.stats.options import CompareOptions
from cytokit.study import Study
from cytokit.tables.days import Day

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cytokit.figures.panels import Label, Style, Summary
    from cytokit.stats.sensitivity import Sensitivity


@dataclass(frozen=True, repr=False)
class Comparison:
    """Groups and days of a study compared, analyte by analyte.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per analyte and contrast: ``COMPARISON_COLUMNS`` and what follows them. Ratios are
        treated over control and day over baseline. ``stars`` and ``label`` are the only places
        where a p becomes text; ``stars`` is empty for rows without a family and gated ones.
    summary : pandas.DataFrame
        Columns ``SUMMARY_COLUMNS``: what was measured per analyte, group and day.
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
        """The findings as a table, columns ``FLAG_COLUMNS``."""
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
        from cytokit.record.write import write_comparison

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
