"""``cytokit simulate``: a trial with known truth as plate exports."""

from __future__ import annotations

from pathlib import Path

import click

from ._shared import Choice, examples, note, output_options, print_json, speech_options

#: the keys of cytokit.simulate.exports.WRITERS, which would import pandas; a test compares them
FORMATS = ("xponent", "intelliflex", "intelliflex-wide", "bioplex", "bioplex-statistic", "is23")


@click.command(
    "simulate",
    epilog=examples(
        "cytokit simulate --seed 7 --out my_trial",
        "cytokit simulate --subjects 40 --analytes IL-6,TNFa --format bioplex --out two_analytes",
    ),
)
@click.option("--seed", type=int, default=1, show_default=True, help="Start of the randomness.")
@click.option("--subjects", type=int, default=24, show_default=True, help="Even; half per arm.")
@click.option("--analytes", metavar="A,B,...", help="Names, separated by commas.")
@click.option("--effect", type=float, help="One true ratio at day 6 for all analytes.")
@click.option("--format", "export_format", type=Choice(FORMATS), default="xponent",
              show_default=True, help="The instrument whose export is written.")  # fmt: skip
@click.option("--wells", type=Choice(["96", "384"]), default="96", show_default=True,
              help="Size of the plates.")  # fmt: skip
@output_options
@speech_options
def command(
    seed: int,
    subjects: int,
    analytes: str | None,
    effect: float | None,
    export_format: str,
    wells: str,
    out: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write a trial with known truth as plate exports, with its design and its truth."""
    from cytokit.results.write import write_trial
    from cytokit.simulate.trials import PlatePlan, simulate_trial

    names = None if analytes is None else [name.strip() for name in analytes.split(",")]
    plan = PlatePlan(size=int(wells))
    trial = simulate_trial(seed=seed, subjects=subjects, analytes=names, effect=effect, plan=plan)
    files = trial.files(export_format)
    goal = Path(out or "simulated_trial")
    if not dry_run:
        options = {
            "seed": seed,
            "subjects": subjects,
            "analytes": names,
            "effect": effect,
            "format": export_format,
            "wells": int(wells),
        }
        write_trial(files, goal, options=options, force=force)
    if as_json:
        print_json("cytokit-simulate-1", {"out": str(goal), "files": sorted(files)})
    else:
        verb = "would write" if dry_run else "wrote"
        note(f"{verb} {len(files)} files to {goal}")
