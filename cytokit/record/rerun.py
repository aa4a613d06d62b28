"""Run a recorded command again from its manifest, into another folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.pseudonyms import ROLE, Pseudonyms, pseudonymise, read_pseudonyms
from cytokit.vocabulary import EXCLUSION_COLUMNS

if TYPE_CHECKING:
    from cytokit.platefit import PlateFit

Rerun = Callable[[Mapping[str, Any], Mapping[str, Path], Path], None]


def refit(
    manifest: Mapping[str, Any], found: Mapping[str, Path], pseudonyms: Pseudonyms | None = None
) -> PlateFit:
    """Fit the same plates with the same options.

    Parameters
    ----------
    manifest : mapping
        Of the earlier run.
    found : mapping of str to pathlib.Path
        Recorded path of each input to where it lies now.
    pseudonyms : Pseudonyms, optional
        Instead of those of the earlier run.

    Returns
    -------
    PlateFit
    """
    from cytokit.curves.options import FitOptions
    from cytokit.parsers import distinct_names, read_file
    from cytokit.platefit import fit

    inputs = manifest["inputs"]
    layouts = [found[entry["path"]] for entry in inputs if entry["role"] == "layout"]
    lots = [found[entry["path"]] for entry in inputs if entry["role"] == "lots"]
    plates = [
        replace(plate, source=replace(plate.source, path=entry["path"]))
        for entry in inputs
        if entry["role"] == "plate"
        for plate in read_file(
            found[entry["path"]],
            layout=_companion(entry, found[entry["path"]], layouts, lots),
            decimal=entry.get("decimal"),
        )
    ]
    table = pseudonyms or _pseudonyms(manifest, found)
    if table is not None:
        plates = [pseudonymise(plate, table) for plate in plates]
    excluded = pd.DataFrame(manifest["excluded"], columns=list(EXCLUSION_COLUMNS), dtype="str")
    return fit(
        distinct_names(plates),
        FitOptions(**_known(manifest["options"], FitOptions)),
        exclusions=excluded if len(excluded) else None,
    )


def _pseudonyms(manifest: Mapping[str, Any], found: Mapping[str, Path]) -> Pseudonyms | None:
    """The table that the earlier run was given, under the path it was given."""
    for entry in manifest["inputs"]:
        if entry["role"] == ROLE:
            return replace(read_pseudonyms(found[entry["path"]]), path=entry["path"])
    return None


def _companion(
    entry: Mapping[str, str], export: Path, layouts: list[Path], lots: list[Path]
) -> Path | None:
    """What was given with --layout: a plate map, or for IS 2.3 the kit's lots.

    Lots that lie beside the export are found by the parser itself, as in the first run.
    """
    if layouts:
        return layouts[0]
    if entry["format"] == "is23" and lots and lots[0].parent != export.parent:
        return lots[0]
    return None


def rerun_fit(manifest: Mapping[str, Any], found: Mapping[str, Path], goal: Path) -> None:
    """Fit again as :func:`refit` does, and write the folder ``goal``."""
    from cytokit.record.write import write_fit

    write_fit(refit(manifest, found), goal, pages=manifest.get("pages", True))


def rerun_compare(manifest: Mapping[str, Any], found: Mapping[str, Path], goal: Path) -> None:
    """Compare the same inputs with the same options; parameters as :func:`rerun_fit`."""
    from cytokit.record.otherwise import read_otherwise
    from cytokit.stats import compare
    from cytokit.stats.options import CompareOptions
    from cytokit.stats.sensitivity import sensitivity
    from cytokit.study import Study

    options = manifest["options"]
    designs = [found[e["path"]] for e in manifest["inputs"] if e["role"] == "design"]
    sources = [found[e["path"]] for e in manifest["inputs"] if e["role"] not in ("design", ROLE)]
    read = Study(
        sources,
        designs[0] if designs else None,
        mapping=options["mapping"] or None,
        censor=options["censor"],
        # folders of earlier releases took every number on a floor as measured
        floors=options.get("floors", "keep"),
        quantity=options["quantity"],
        scale=options.get("scale"),
        decimal=options.get("decimal"),  # folders of earlier versions name neither
        nd=options.get("nd"),
        **_bridging(options),
        pseudonyms=_pseudonyms(manifest, found),
    )
    study = read.located({str(path): recorded for recorded, path in found.items()})
    chosen = _known(options, CompareOptions)
    result = compare(
        study,
        baseline=options["baseline"],
        day=options["day"],
        reference=options["reference"],
        analytes=options["analytes"],
        **chosen,
    )
    asked = options["sensitivity"]
    panel = sensitivity(result, studies=read_otherwise(read).studies) if asked else None
    look = {name: options[name] for name in ("style", "label", "summary")}
    result.write(goal, **look, sensitivity=panel)


def rerun_simulate(manifest: Mapping[str, Any], _found: Mapping[str, Path], goal: Path) -> None:
    """Simulate the same trial; parameters as :func:`rerun_fit`."""
    from cytokit.record.write import write_trial
    from cytokit.simulate import PlatePlan, simulate_trial

    options = dict(manifest["options"])
    export_format = options.pop("format")
    plan = PlatePlan(size=options.pop("wells", 96))
    files = simulate_trial(**options, plan=plan).files(export_format)
    write_trial(files, goal, options=manifest["options"], force=False)


def _bridging(options: Mapping[str, Any]) -> dict[str, Any]:
    """How plates were bridged; folders of the first releases do not say, and were not."""
    asked = options.get("bridge")
    if asked is None:
        return {}
    return {"bridge": asked["samples"] or True, "bridge_reference": asked["reference"]}


def rerun_qc(manifest: Mapping[str, Any], found: Mapping[str, Path], goal: Path) -> None:
    """Chart and judge the same fits by the same guide; parameters as :func:`rerun_fit`."""
    from cytokit.qc import quality_control

    options = manifest["options"]
    folders = [found[e["path"]] for e in manifest["inputs"] if e["role"] == "fit folder"]
    guides = [found[e["path"]] for e in manifest["inputs"] if e["role"] == "guide"]
    result = quality_control(
        folders, guide=guides[0] if guides else None, date_order=options["date_order"]
    )
    if options["lock"] is not None:
        lock = options["lock"]
        result = result.judged_by(result.guide_set(who=lock["who"], why=lock["why"]))
    result.write(goal, all_charts=options["all_charts"])


def _known(options: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The options that are fields of a dataclass."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in options.items() if name in names}


#: by the command that the manifest names
RERUNS: Mapping[str, Rerun] = {
    "fit": rerun_fit,
    "compare": rerun_compare,
    "qc": rerun_qc,
    "simulate": rerun_simulate,
}
