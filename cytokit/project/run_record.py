"""The run's own manifest in the results' folder, and what must not stand in its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cytokit.errors import Problem, UsageError
from cytokit.project.comparing import FOLDER, options_in_force
from cytokit.project.options import curve_options
from cytokit.project.paths import recorded
from cytokit.project.plan import Failure, StudyPlan
from cytokit.record import MANIFEST, make_manifest, sha256_of
from cytokit.record.manifest import describe_input
from cytokit.sources.text import parse_json


def refuse_strangers(plan: StudyPlan, *, force: bool) -> None:
    """Refuse folders and a manifest in the way that no run wrote.

    Parameters
    ----------
    plan : StudyPlan
    force : bool
        Folders may be replaced, files may not.

    Raises
    ------
    UsageError
        CK-643, for each of them.
    """
    out = plan.study.folder
    goals = [out / step.unit.folder for step in plan.steps if step.reasons]
    goals += [out / FOLDER] if plan.comparison else []
    mend = "choose another [output] folder, or give --force: your own files there are kept"
    problems = [
        Problem("CK-643", "the folder holds files that are no finished results", str(goal), mend)
        for goal in goals
        if goal.is_dir() and not (goal / MANIFEST).is_file() and any(goal.iterdir()) and not force
    ]
    what = "a file stands where a folder is to be written"
    mend = "choose another [output] folder, or move the file away"
    problems += [
        Problem("CK-643", what, str(goal), mend)
        for goal in goals
        if goal.exists() and not goal.is_dir()
    ]
    record = out / MANIFEST
    if record.exists() and _command(record) != "run" and not force:
        what = "the results' folder holds the manifest of another command"
        mend = "choose another [output] folder"
        problems.append(Problem("CK-643", what, str(record), mend))
    if problems:
        raise UsageError(*problems)


def _command(manifest: Path) -> str:
    try:
        content = parse_json(manifest.read_text(encoding="utf-8"))
        return str(content["command"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def run_record(
    plan: StudyPlan, folders: Sequence[str], failures: Sequence[Failure], *, compared: bool
) -> dict[str, Any]:
    """Options in force, what was overridden, where each plate stands, what failed.

    Parameters
    ----------
    plan : StudyPlan
    folders : sequence of str
        The plates' finished folders.
    failures : sequence of Failure
    compared : bool
        Whether a comparison of these folders stands.

    Returns
    -------
    dict
        Plain JSON values, the same whether plates were fitted now or by an earlier run.
    """
    study, out = plan.study, plan.study.folder
    options = {
        "fit": {**asdict(curve_options(study.fit)), "decimal": (study.fit or {}).get("decimal")},
        "compare": options_in_force(study.compare or {}) if plan.compares else None,
        "overridden": list(study.overridden),
    }
    path = recorded(study.path, out.parent)
    inputs = [describe_input(path, study.sha256, "study", "toml")]
    units = {step.unit.folder: step.unit for step in plan.steps}
    return {
        **make_manifest("run", options=options, inputs=inputs),
        "name": study.name,
        "plates": [
            {
                "folder": folder,
                "files": [recorded(file.path, out.parent) for file in units[folder].files],
                "plates": list(units[folder].names),
            }
            for folder in folders
        ],
        "comparison": FOLDER if compared else None,
        "failed": [
            {
                "files": [recorded(file, out.parent) for file in failure.files],
                # the words may quote what stands in the file: names of samples are no output
                "problems": [one.code for one in failure.problems],
            }
            for failure in failures
        ],
        "outputs": [
            {"name": f"{name}/{MANIFEST}", "sha256": sha256_of(out / name / MANIFEST)}
            for name in [*folders, *([FOLDER] if compared else [])]
        ],
    }
