"""What each command writes: tables, page, workbook, figures and the manifest, in one folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.errors import Problem, UsageError
from cytokit.findings import finding_counts
from cytokit.plate import Plate
from cytokit.record.folder import OutputFolder, disk_errors
from cytokit.record.manifest import describe_input, make_manifest
from cytokit.record.many import manifest_of, once, write_many
from cytokit.record.parts import FEW, plate_inputs
from cytokit.record.unfinished import unfinished
from cytokit.report.tables import write_table
from cytokit.runs import run_facts

if TYPE_CHECKING:
    from cytokit.figures.panels import Label, Style, Summary
    from cytokit.platefit import PlateFit
    from cytokit.stats import Comparison
    from cytokit.stats.sensitivity import Sensitivity
    from cytokit.study import Study


def write_fit(fit: PlateFit, goal: str | Path, *, force: bool = False, pages: bool = True) -> None:
    """Write a fit's folder: wells, samples, standards, curves, flags, workbook, page, manifest.

    Of more than ``FEW`` plates the page is an overview, and each plate has its own.

    Parameters
    ----------
    fit : PlateFit
    goal : path-like
        The folder to make.
    force : bool
        Replace an earlier run's files.
    pages : bool
        Whether each of many plates gets a page of its own.
    """
    from cytokit.report.page import write_page
    from cytokit.report.workbook import write_workbook

    with OutputFolder(goal, force=force) as folder:
        if len(fit.plates) > FEW:
            write_many(fit, folder, pages=pages)
            return
        for name, table in _tables(fit).items():
            write_table(table, folder.path / f"{name}.csv")
        write_workbook(fit, folder.path / "results.xlsx")
        write_page(fit, folder.path / "report.html")
        folder.finish(fit_manifest(fit))


def _tables(fit: PlateFit) -> dict[str, pd.DataFrame]:
    return {
        "wells": fit.wells,
        "samples": fit.samples,
        "standards": fit.standards,
        "curves": fit.curves.table,
        "flags": fit.flags,
    }


def fit_manifest(fit: PlateFit) -> dict[str, Any]:
    """The manifest of a fit, without its outputs."""
    facts = [run_facts(plate).as_dict() for plate in fit.plates]
    return manifest_of(fit.options, list(plate_inputs(fit)), facts, fit.exclusions, fit.verdicts)


def write_comparison(
    comparison: Comparison,
    goal: str | Path,
    *,
    force: bool = False,
    style: Style = "trial",
    label: Label = "stars",
    summary: Summary = "box",
    sensitivity: Sensitivity | None = None,
) -> None:
    """Write a comparison's folder: tables, panels and forest, methods, page, manifest.

    Parameters
    ----------
    comparison : Comparison
    goal : path-like
        The folder to make.
    force : bool
        Replace an earlier run's files.
    style : {"trial", "lanzoni"}
        Of the panels.
    label : {"stars", "p", "both"}
        What the brackets carry.
    summary : {"box", "gm", "bar"}
        What is drawn per column.
    sensitivity : Sensitivity, optional
        Written as sensitivity.csv and a figure of that name.
    """
    from cytokit.figures.forest import forest_pages
    from cytokit.figures.panels import panel_pages
    from cytokit.figures.specification import specification_pages
    from cytokit.figures.style import figure_bytes, save_figure
    from cytokit.report.compare_page import write_compare_page
    from cytokit.report.workbook import write_comparison_workbook
    from cytokit.stats.methods import with_sensitivity

    if sensitivity is not None:
        comparison = replace(comparison, methods=with_sensitivity(comparison.methods, sensitivity))
    figures = {"panels": panel_pages(comparison, style=style, label=label, summary=summary)}
    if len(comparison.between):  # a study of one group has no ratio between groups to draw
        figures["forest"] = forest_pages(comparison)
    if sensitivity is not None:
        figures["sensitivity"] = specification_pages(sensitivity)
    with OutputFolder(goal, force=force) as folder:
        write_table(comparison.table, folder.path / "comparisons.csv")
        write_table(comparison.summary, folder.path / "summary.csv")
        write_table(comparison.detectability, folder.path / "detectability.csv")
        write_table(comparison.flags, folder.path / "flags.csv")
        if comparison.study.bridge is not None:
            write_table(comparison.study.bridge.table, folder.path / "bridge.csv")
        if sensitivity is not None:
            write_table(sensitivity.table, folder.path / "sensitivity.csv")
        methods = comparison.methods.rstrip("\n") + "\n"
        (folder.path / "methods.md").write_text(methods, encoding="utf-8", newline="\n")
        pictures = {}
        for name, pages in figures.items():
            save_figure(pages, folder.path / name)
            for number, page in enumerate(pages, start=1):
                title = name.capitalize() + (f", page {number}" if len(pages) > 1 else "")
                pictures[title] = figure_bytes(page, "svg").decode("utf-8")
        write_compare_page(comparison, folder.path / "report.html", pictures)
        write_comparison_workbook(comparison, folder.path / "results.xlsx")
        asked = sensitivity is not None
        look = {"style": style, "label": label, "summary": summary, "sensitivity": asked}
        folder.finish(compare_manifest(comparison, look))


def compare_manifest(comparison: Comparison, look: Mapping[str, object]) -> dict[str, Any]:
    """The manifest of a comparison, without its outputs."""
    inputs = [
        describe_input(entry.path, entry.sha256, entry.kind, entry.kind)
        for entry in comparison.study.inputs
    ]
    manifest = make_manifest(
        "compare",
        options={
            **comparison.options.as_dict(),
            "baseline": comparison.baseline,
            "day": list(comparison.day),
            "reference": comparison.reference,
            "analytes": list(comparison.analytes),
            "mapping": dict(comparison.study.mapping),
            "quantity": comparison.study.quantity,
            "scale": comparison.study.scale,
            "decimal": comparison.study.decimal,
            "nd": comparison.study.nd,
            "bridge": _bridge_options(comparison.study),
            **look,
        },
        inputs=once(inputs),
        seed=comparison.options.seed,
    )
    return {**manifest, "findings": finding_counts(comparison.findings)}


def _bridge_options(study: Study) -> dict[str, Any] | None:
    """What was asked for, so that it can be asked for again; None where plates stay as read."""
    found = study.bridge
    if found is None:
        return None
    return {"samples": [] if found.controls else list(found.samples), "reference": found.reference}


def write_trial(
    files: Mapping[str, bytes], goal: str | Path, *, options: Mapping[str, object], force: bool
) -> None:
    """Write a simulated trial's files and a manifest that names its seed.

    Parameters
    ----------
    files : mapping of str to bytes
        From :meth:`cytokit.simulate.SimulatedTrial.files`.
    goal : path-like
        The folder to make.
    options : mapping
        What the trial was simulated with, ``seed`` included.
    force : bool
        Replace an earlier run's files.
    """
    with OutputFolder(goal, force=force) as folder:
        for name, data in files.items():
            (folder.path / name).write_bytes(data)
        seed = options["seed"]
        number = seed if isinstance(seed, int) else None
        folder.finish(make_manifest("simulate", options=options, inputs=[], seed=number))


def write_tidy(
    plates: Sequence[Plate], goal: Path, *, force: bool = False, excel: bool = False
) -> int:
    """Write the readings of plates as one tidy table, .csv or .xlsx.

    Parameters
    ----------
    plates : sequence of Plate
    goal : pathlib.Path
        Its ending decides the form.
    force : bool
        Replace an existing file.
    excel : bool
        Begin a CSV with a byte order mark, so that Excel reads it as UTF-8.

    Returns
    -------
    int
        How many readings were written.

    Raises
    ------
    UsageError
        If the file exists and ``force`` is not given, or its ending is another.
    """
    if goal.suffix.lower() not in {".csv", ".xlsx"}:
        raise UsageError(
            Problem("CK-505", f"cannot write {goal.suffix or goal.name!r} files", str(goal),
                    "end the name in .csv or .xlsx")
        )  # fmt: skip
    if os.path.exists(goal) and not force:  # noqa: PTH110 - no error for a name that is too long
        raise UsageError(
            Problem("CK-504", "the file exists", str(goal), "give --force to replace it")
        )
    frames = []
    for plate in plates:
        units = plate.analytes.set_index("analyte")["unit"]
        frame = plate.wells.assign(unit=plate.wells["analyte"].map(units))
        frame.insert(0, "plate", plate.name)
        frames.append(frame)
    table = pd.concat(frames, ignore_index=True)
    # written beside the goal and moved into place, so that no half a table is ever found there
    with disk_errors(goal), unfinished(goal) as area:
        draft = area / f"tidy{goal.suffix.lower()}"
        if goal.suffix.lower() == ".csv":
            write_table(table, draft, excel=excel)
        else:
            from cytokit.report.workbook import write_frame

            write_frame(table, draft)
        draft.replace(goal)
    return len(table)
