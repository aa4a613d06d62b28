"""What ``cytokit qc`` writes: series, flags, drift, steps, charts and the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cytokit.record.folder import OutputFolder
from cytokit.record.manifest import describe_input, make_manifest
from cytokit.report.tables import write_table

if TYPE_CHECKING:
    from cytokit.qc import QualityControl

CHARTS = "levey_jennings"
#: a copy of a guide locked from these very plates
GUIDE_FILE = "guide.json"


def write_qc(
    result: QualityControl, goal: str | Path, *, force: bool = False, all_charts: bool = False
) -> None:
    """Write a quality control's folder.

    Parameters
    ----------
    result : QualityControl
    goal : path-like
        The folder to make.
    force : bool
        Replace an earlier run's files.
    all_charts : bool
        Chart the parameters of all curves, not only those that broke a rule.

    Raises
    ------
    UsageError
        CK-501, CK-502: the folder is not empty, or is a file.
    OutputError
        CK-503: the disk refuses.
    """
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
