"""``cytokit fit``: standard curves and concentrations of one or many plates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._shared import (
    Choice,
    examples,
    note,
    output_options,
    print_json,
    print_table,
    progress,
    short,
    speech_options,
)

if TYPE_CHECKING:
    import pandas as pd

    from cytokit.curves.options import FitOptions
    from cytokit.errors import CytokitError
    from cytokit.plate import Plate
    from cytokit.platefit import PlateFit


@click.command(
    "fit",
    epilog=examples(
        "cytokit fit plate.csv",
        "cytokit fit plate_1.csv plate_2.csv --profile kit --out run1",
    ),
)
@click.argument("plates", nargs=-1, required=True, metavar="PLATE...")
@click.option("--layout", type=click.Path(), metavar="FILE", help="Plate map, .csv or .xlsx.")
@click.option("--model", type=Choice(["5pl", "4pl"]), default="5pl", show_default=True)
@click.option(
    "--weights",
    type=Choice(["model", "1/y2", "1/y", "none", "xponent", "bioplex"]),
    default="model",
    show_default=True,
    help="Variance model, or another's rule.",
)
@click.option("--prior", type=Choice(["weak", "none"]), default="weak", show_default=True)
@click.option("--pool", is_flag=True, help="Let plates lend each other variance and shape.")
@click.option("--robust/--no-robust", default=True, show_default=True)
@click.option(
    "--profile",
    type=Choice(["research", "kit", "m10"]),
    default="research",
    show_default=True,
    help="Acceptance rules.",
)
@click.option(
    "--limits",
    type=Choice(["precision", "recovery"]),
    default="precision",
    show_default=True,
    help="What decides LLOQ and ULOQ.",
)
@click.option("--exclude", type=click.Path(), metavar="FILE", help="Wells to leave out, and why.")
@click.option("--unit", default="", metavar="UNIT", help="Where the export states none.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True)
@click.option("--strict", is_flag=True, help="Exit 1 where a quality gate failed.")
@output_options
@speech_options
def command(
    plates: Sequence[str],
    layout: str | None,
    exclude: str | None,
    jobs: int,
    strict: bool,
    out: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Fit standard curves and turn MFI into concentrations with intervals and a range status.

    PLATE is an export, a folder of exports or a glob. A plate that fails does not stop the others.
    """
    from cytokit.curves.options import FitOptions
    from cytokit.exclusions import read_exclusions
    from cytokit.parsers import find_plates

    chosen = FitOptions(**options)
    exclusions = None if exclude is None else read_exclusions(exclude)
    found = find_plates(plates)
    for other in found.others:
        note(f"not a plate: {other.where} ({other.reason})")
    goal = Path(out) if out else default_goal(found.files)
    if dry_run:
        note("\n".join(["would read:", *found.files, f"would write to: {goal}"]))
        return
    from cytokit.record.folder import check_goal

    check_goal(goal, force=force)
    read, failed = _read(found.files, layout)
    result = _fit(read, chosen, exclusions, jobs)
    result.write(goal, force=force)
    _report(result, goal, as_json)
    _leave(result, failed, strict)


def default_goal(files: Sequence[str]) -> Path:
    """``<stem>_cytokit`` for one plate, ``cytokit_fit`` for several."""
    return Path(f"{Path(files[0]).stem}_cytokit") if len(files) == 1 else Path("cytokit_fit")


def _read(files: Sequence[str], layout_file: str | None) -> tuple[list[Plate], list[CytokitError]]:
    """Plates that could be read, and the errors of those that could not."""
    from cytokit.errors import InputError
    from cytokit.layout import read_layout
    from cytokit.parsers import distinct_names, read_file

    layout = None if layout_file is None else read_layout(layout_file)
    plates: list[Plate] = []
    failed: list[CytokitError] = []
    with progress(files, "reading plates") as shown:
        for file in shown:
            try:
                plates += read_file(file, layout=layout)
            except InputError as error:
                failed.append(error)
                if len(files) > 1:
                    note(str(error))
    if not plates:
        raise InputError.together(failed)
    return distinct_names(plates), failed


def _fit(
    plates: Sequence[Plate], options: FitOptions, exclusions: pd.DataFrame | None, jobs: int
) -> PlateFit:
    from cytokit.platefit import fit

    if jobs == 1:
        return fit(plates, options, exclusions=exclusions)
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs) as executor:
        return fit(plates, options, exclusions=exclusions, executor=executor)


_COLOURS = {"good": "green", "usable": "cyan", "poor": "yellow", "failed": "red"}


def _report(result: PlateFit, goal: Path, as_json: bool) -> None:
    summary = result.summary
    if as_json:
        document = {"out": str(goal), "summary": summary.to_dict("records")}
        print_json("cytokit-fit-1", document)
        return
    several = len(result.plates) > 1
    header = [*(["plate"] if several else []), "analyte", "verdict", "LLOQ-ULOQ", "in range"]
    rows: list[list[str]] = []
    for row in summary.to_dict("records"):
        span = f"{short(row['lloq'])} - {short(row['uloq'])} {row['unit']}".strip()
        if row["verdict"] == "failed":
            span = "no curve"
        inside = f"{row['n_in_range']}/{row['n_samples']}"
        cells = [row["analyte"], row["verdict"], span, inside]
        rows.append([row["plate"], *cells] if several else cells)
    verdict = header.index("verdict")
    print_table(
        header,
        rows,
        right=[len(header) - 1],
        styles=lambda row: {"fg": _COLOURS.get(row[verdict])},
    )
    for sentence in _failures(summary):
        note(sentence)
    note(f"results: {goal} (open report.html there)")


def _failures(summary: pd.DataFrame) -> list[str]:
    """Why curves failed, each reason once, with what can be done."""
    failed = summary[summary["verdict"] == "failed"]
    found = []
    for reason, rows in failed.groupby("reason", sort=False):
        names = list(dict.fromkeys(rows["analyte"]))
        rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
        found.append(f"no curve for {', '.join(names[:3])}{rest}: {reason}")
    if len(failed) == len(summary):
        found.append("expected concentrations can be given with --layout; see cytokit inspect")
    return found


def _leave(result: PlateFit, failed: list[CytokitError], strict: bool) -> None:
    """Exit 3 where a plate could not be read, 1 where --strict meets a failed gate."""
    if failed:
        raise click.exceptions.Exit(3)
    if strict and bool((result.flags["severity"] == "fail").any()):
        raise click.exceptions.Exit(1)
