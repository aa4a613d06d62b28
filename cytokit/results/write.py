"""What each command writes: tables, page, workbook, figures and the manifest, in one folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd

from cytokit.errors import Problem, UsageError
from cytokit.flags import Finding, finding_counts, findings_table
from cytokit.folder import (
    OutputFolder,
    describe_input,
    disk_errors,
    make_manifest,
    unfinished,
)
from cytokit.options import FitOptions
from cytokit.plate import Plate
from cytokit.report.overview import PAGES, PlateLine, page_name, plate_line
from cytokit.report.page import shown_page
from cytokit.report.tables import rows_bytes, shown, write_table
from cytokit.runs import run_facts
from cytokit.schema import TABLES, VERDICTS_COLUMNS

if TYPE_CHECKING:
    from cytokit.curves.platefit import PlateFit
    from cytokit.options import Label, Style, Summary
    from cytokit.qc.control import QualityControl
    from cytokit.report.overview import PlateLine
    from cytokit.trial.comparison import Comparison, Sensitivity
    from cytokit.trial.study import Study


# The folder of a fit of many plates, written part by part: memory holds one part at a time.


#: the tables that grow with every plate, in the order in which the folder's readers know them
GROWING = ("wells", "samples", "standards", "curves", "flags")
#: codes of findings that are known only once every plate is fitted
SHARED_CODES = ("same_file", "low_signal")
#: the code of a reading that a person left out
EXCLUDED_CODE = "excluded"
#: up to so many plates one page and one workbook hold all of them
FEW = 8


@dataclass(frozen=True, slots=True)
class BatchTables:
    """What some plates add to the folder, as bytes: small enough to come from another machine."""

    rows: Mapping[str, bytes]
    plates: tuple[tuple[PlateLine, bytes], ...]
    summary: pd.DataFrame
    facts: tuple[dict[str, Any], ...]
    inputs: tuple[dict[str, str], ...]


def batch_with_pages(
    fit: PlateFit, own: Sequence[Finding], first: int, *, pages: bool
) -> BatchTables:
    """The part of some plates, their pages in it."""
    made = tuple(plate_pages(fit, first, pages=pages))
    return replace(batch_tables(fit, own), plates=made)


def batch_tables(fit: PlateFit, own: Sequence[Finding]) -> BatchTables:
    """The part of some plates without their pages; parameters as for :func:`batch_with_pages`."""
    frames = {
        "wells": fit.wells,
        "samples": fit.samples,
        "standards": fit.standards,
        "curves": fit.curves.table,
        "flags": findings_table(own),
    }
    return BatchTables(
        {name: rows_bytes(frames[name]) for name in GROWING},
        (),
        fit.summary,
        tuple(run_facts(plate).as_dict() for plate in fit.plates),
        tuple(plate_inputs(fit)),
    )


def plate_pages(fit: PlateFit, first: int, *, pages: bool) -> Iterator[tuple[PlateLine, bytes]]:
    """Line and page of each plate; without `pages` the line alone, with an empty page.

    What concerns several plates is known only at the end, and stands on the page of them all.
    """
    marked = findings_table(one for one in fit.findings if one.code not in SHARED_CODES)
    tables = replace(shown(fit), flags=marked)
    for number, one in enumerate(tables.each(), start=first):
        name = page_name(number, one.plates[0].name) if pages else ""
        page = ""
        if pages:
            pooled = fit.plates if fit.options.pool else ()
            page = shown_page(one, fit.options, overview="../report.html", pooled=pooled)
        yield plate_line(one, name), page.encode()


def plate_inputs(fit: PlateFit) -> Iterator[dict[str, str]]:
    """The files of the plates, as the manifest describes inputs."""
    for plate in fit.plates:
        for source, role in [(plate.source, "plate"), *((c, c.format) for c in plate.companions)]:
            yield describe_input(
                source.path, source.sha256, role, source.format, source.asked_decimal
            )


class GrowingTables:
    """The growing tables and the pages of a folder; parts are added in the order of the plates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[PlateLine] = []
        self.summaries: list[pd.DataFrame] = []
        self.facts: list[dict[str, Any]] = []
        self.inputs: list[dict[str, str]] = []
        self.counts = dict.fromkeys(GROWING, 0)
        self._files: dict[str, IO[bytes]] = {}
        for name in GROWING:
            path = self.folder / f"{name}.csv"
            write_table(pd.DataFrame(columns=TABLES[name].names), path)
            self._files[name] = path.open("ab")

    def __enter__(self) -> GrowingTables:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def add(self, part: BatchTables) -> None:
        """Append the part's rows and write its pages."""
        for name, rows in part.rows.items():
            self._append(name, rows)
        for line, page in part.plates:
            self.add_plate(line, page)
        self.summaries.append(part.summary)
        self.facts += part.facts
        self.inputs += part.inputs

    def add_plate(self, line: PlateLine, page: bytes) -> None:
        """Note the line of a plate and write its page, where it has one."""
        self.lines.append(line)
        if line.page:
            (self.folder / PAGES).mkdir(exist_ok=True)
            (self.folder / line.page).write_bytes(page)

    def add_shared(self, findings: Sequence[Finding]) -> pd.DataFrame:
        """Append the findings that concern several plates, and close the tables."""
        table = findings_table(findings)
        self._append("flags", rows_bytes(table))
        for file in self._files.values():
            file.close()
        return table

    @property
    def summary(self) -> pd.DataFrame:
        """One row per plate and analyte."""
        return pd.concat(self.summaries, ignore_index=True)

    def _append(self, name: str, rows: bytes) -> None:
        self._files[name].write(rows)
        self.counts[name] += rows.count(b"\n")


# The folder of many plates: what it has beside its growing tables, and its manifest.


@dataclass(frozen=True)
class FitSettings:
    """How many plates are fitted and written."""

    options: FitOptions
    exclusions: pd.DataFrame
    pages: bool = True


def write_many(fit: PlateFit, folder: OutputFolder, *, pages: bool) -> None:
    """Fill the folder of many plates that are all in memory."""
    late = (*SHARED_CODES, EXCLUDED_CODE)
    own = [one for one in fit.findings if one.code not in late]
    shared = [one for one in fit.findings if one.code in late]
    with GrowingTables(folder.path) as parts:
        parts.add(batch_tables(fit, own))
        for line, page in plate_pages(fit, 1, pages=pages):
            parts.add_plate(line, page)
        finish_many(folder, parts, shared, FitSettings(fit.options, fit.exclusions, pages))


def finish_many(
    folder: OutputFolder, parts: GrowingTables, shared: Sequence[Finding], settings: FitSettings
) -> list[PlateLine]:
    """Add overview, workbook and manifest to the tables and pages that the parts made."""
    from cytokit.report.embed import write_html
    from cytokit.report.overview import beside_others, lines_table, overview_page
    from cytokit.report.workbook import write_many_workbook

    flags = parts.add_shared(shared)
    said: dict[str, list[Finding]] = {}
    for one in shared:
        if one.code in SHARED_CODES:
            said.setdefault(one.plate, []).append(one)
    lines = [beside_others(line, said.get(line.plate, ())) for line in parts.lines]
    table = lines_table(lines)
    write_table(table, folder.path / "plates.csv")
    page = overview_page(lines, parts.summary, flags, settings.options)
    write_html(page, folder.path / "report.html")
    write_many_workbook(
        folder.path, table, settings.exclusions, parts.counts, settings.options.limits
    )
    manifest = manifest_of(settings.options, parts.inputs, parts.facts, settings.exclusions, table)
    folder.finish({**manifest, "pages": settings.pages})
    return lines


def manifest_of(
    options: FitOptions,
    inputs: Sequence[Mapping[str, str]],
    facts: Sequence[Mapping[str, Any]],
    exclusions: pd.DataFrame,
    verdicts: pd.DataFrame,
) -> dict[str, Any]:
    """The manifest of a fit, without its outputs."""
    manifest = make_manifest(
        "fit", options=asdict(options), inputs=once(inputs), exclusions=exclusions
    )
    told = verdicts[list(VERDICTS_COLUMNS)].to_dict("records")
    return {**manifest, "plates": list(facts), "verdicts": told}


def once(inputs: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Each input once, in the order of first use."""
    return list({(entry["path"], entry["sha256"]): entry for entry in inputs}.values())


def write_fit(fit: PlateFit, goal: str | Path, *, force: bool = False, pages: bool = True) -> None:
    """Write a fit's folder: wells, samples, standards, curves, flags, workbook, page, manifest.

    Of more than ``FEW`` plates the page is an overview, and each plate has its own.
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
    """Write a comparison's folder: tables, panels and forest, methods, page, manifest."""
    from cytokit.figures.forest import forest_pages
    from cytokit.figures.panels import panel_pages
    from cytokit.figures.specification import specification_pages
    from cytokit.figures.style import figure_bytes, save_figure
    from cytokit.report.comparison_page import write_compare_page
    from cytokit.report.workbook import write_comparison_workbook
    from cytokit.trial.methods_text import with_sensitivity

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
    """Write a simulated trial's files and a manifest that names its seed."""
    with OutputFolder(goal, force=force) as folder:
        for name, data in files.items():
            (folder.path / name).write_bytes(data)
        seed = options["seed"]
        number = seed if isinstance(seed, int) else None
        folder.finish(make_manifest("simulate", options=options, inputs=[], seed=number))


def write_tidy(
    plates: Sequence[Plate], goal: Path, *, force: bool = False, excel: bool = False
) -> int:
    """Write the readings of plates as one tidy table, .csv or .xlsx."""
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


# What ``cytokit qc`` writes: series, flags, drift, steps, charts and the manifest.


CHARTS = "levey_jennings"
#: a copy of a guide locked from these very plates
GUIDE_FILE = "guide.json"


def write_qc(
    result: QualityControl, goal: str | Path, *, force: bool = False, all_charts: bool = False
) -> None:
    """Write a quality control's folder."""
    from cytokit.figures.levey_jennings import levey_jennings_pages
    from cytokit.figures.style import save_figure
    from cytokit.qc.guide import guide_bytes

    with OutputFolder(goal, force=force) as folder:
        tables = {
            "qc_series": result.table,
            "qc_flags": result.flags,
            "qc_drift": result.drift,
            "qc_steps": result.steps,
        }
        for name, table in tables.items():
            write_table(table, folder.path / f"{name}.csv")
        if result.guide is not None and result.own_guide:
            (folder.path / GUIDE_FILE).write_bytes(guide_bytes(result.guide))
        pages = levey_jennings_pages(result, all_charts=all_charts)
        save_figure(pages, folder.path / CHARTS, ("pdf",))
        # the first also as a picture, for a slide or a message; drawing all thrice serves nobody
        save_figure(pages[0], folder.path / CHARTS, ("svg", "png"))
        folder.finish(qc_manifest(result, all_charts=all_charts))


def qc_manifest(result: QualityControl, *, all_charts: bool) -> dict[str, Any]:
    """The manifest of a quality control, without its outputs."""
    inputs = [
        describe_input(entry.path or "a fit in memory", entry.sha256, "fit folder", "fit folder")
        for entry in result.inputs
    ]
    guide = result.guide
    options: dict[str, Any] = {
        "date_order": result.date_order,
        "all_charts": all_charts,
        "lock": None,
    }
    if guide is not None and result.own_guide:
        options["lock"] = {"who": guide.who, "why": guide.why, "made_with": guide.made_with}
    elif guide is not None:
        path = guide.path or "a guide in memory"
        inputs.append(describe_input(path, guide.sha256, "guide", "guide"))
    return make_manifest("qc", options=options, inputs=inputs)
