"""``cytokit demo``: the whole chain on the bundled simulated trial, offline."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from ._shared import examples, note, print_json, speech_options


@click.command("demo", epilog=examples("cytokit demo", "cytokit demo my_demo --force"))
@click.argument("folder", default="cytokit_demo", metavar="[DIR]")
@click.option("--force", is_flag=True, help="Replace an earlier demo.")
@speech_options
def command(folder: str, force: bool, as_json: bool) -> None:
    """Copy the bundled simulated trial, fit its plates, compare its arms, say what to try next."""
    from cytokit.curves.platefit import fit
    from cytokit.folder import check_goal
    from cytokit.parsers.read import read_plates
    from cytokit.trial.compare import compare
    from cytokit.trial.study import Study

    root = Path(folder)
    goals = {name: root / name for name in ("plates", "fit", "compare")}
    for goal in goals.values():
        check_goal(goal, force=force)
    copied = _copy_examples(goals["plates"])
    plates = read_plates([path for path in copied if path.name.startswith("plate_")])
    note(f"fitting {len(plates)} simulated plates ...")
    result = fit(plates)
    result.write(goals["fit"], force=force)
    note("comparing the arms ...")
    study = Study([goals["fit"]], goals["plates"] / "design.csv")
    comparison = compare(study, baseline=0, day=6, reference="control")
    comparison.write(goals["compare"], force=force)
    shown = {
        "curves and wells": goals["fit"] / "report.html",
        "Figure 3 panels": goals["compare"] / "panels.png",
        "methods": goals["compare"] / "methods.md",
    }
    if as_json:
        print_json("cytokit-demo-1", {name: str(path) for name, path in shown.items()})
        return
    for name, path in shown.items():
        click.echo(f"{name}: {path}")
    click.echo(f"try next: cytokit fit {copied[0]}")


def _copy_examples(goal: Path) -> list[Path]:
    """The bundled files under ``goal``, plates first."""
    from cytokit.folder import disk_errors

    bundled = sorted(
        (
            entry
            for entry in files("cytokit.example_plates").iterdir()
            if entry.name.endswith((".csv", ".md"))
        ),
        key=lambda entry: (not entry.name.startswith("plate_"), entry.name),
    )
    copied = []
    with disk_errors(goal):
        goal.mkdir(parents=True, exist_ok=True)
        for entry in bundled:
            target = goal / entry.name
            target.write_bytes(entry.read_bytes())
            copied.append(target)
    return copied
