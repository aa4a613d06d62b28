"""``cytokit fit``: standard curves and concentrations of one or many plates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cytokit.options import FitOptions, ReadOptions

from ._shared import (
    Bars,
    click_options,
    examples,
    note,
    output_options,
    print_json,
    print_table,
    pseudonyms_option,
    short,
    speech_options,
)

if TYPE_CHECKING:
    import pandas as pd

    from cytokit.results.stream import FitRecord
    from cytokit.tables.pseudonyms import Pseudonyms


@click.command(
    "fit",
    epilog=examples(
        "cytokit fit plate.csv",
        "cytokit fit plate_1.csv plate_2.csv --profile kit --out run1",
    ),
)
@click.argument("plates", nargs=-1, required=True, metavar="PLATE...")
@click.option("--layout", type=click.Path(), metavar="FILE", help="Plate map, .csv or .xlsx.")
@click_options(FitOptions)
@click.option("--exclude", type=click.Path(), metavar="FILE", help="Wells to leave out, and why.")
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes at once."
)
@click.option(
    "--pages/--no-pages",
    default=True,
    show_default=True,
    help="A page for each of many plates, half a megabyte of it.",
)
@click.option("--strict", is_flag=True, help="Exit 1 where a quality gate failed.")
@click_options(ReadOptions)
@pseudonyms_option
@output_options
@speech_options
def command(
    plates: Sequence[str],
    layout: str | None,
    exclude: str | None,
    pseudonyms: str | None,
    decimal: str | None,
    jobs: int,
    pages: bool,
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
    from cytokit.parsers.read import find_plates
    from cytokit.tables.exclusions import read_exclusions

    chosen = FitOptions(**options)
    exclusions = None if exclude is None else read_exclusions(exclude)
    found = find_plates(plates)
    for other in found.others:
        note(f"not a plate: {other.where} ({other.reason})")
    goal = Path(out) if out else default_goal(found.files)
    if dry_run:
        note("\n".join(["would read:", *found.files, f"would write to: {goal}"]))
        return
    from cytokit.results.stream import fit_to, worker_pool

    names = None if pseudonyms is None else _pseudonyms(pseudonyms, exclude, exclusions)
    with worker_pool(jobs) as executor, Bars("plates") as bars:
        record = fit_to(
            goal,
            found,
            chosen,
            layout=layout,
            exclusions=exclusions,
            pseudonyms=names,
            decimal=decimal,
            executor=executor,
            in_flight=2 * jobs,
            pages=pages,
            force=force,
            progress=bars.show,
        )
    _report(record, as_json)
    _leave(record, strict)


def default_goal(files: Sequence[str]) -> Path:
    """``<stem>_cytokit`` for one plate, ``cytokit_fit`` for several; a long stem is cut."""
    from cytokit.folder import folder_named

    return Path(folder_named(Path(files[0]).stem, "_cytokit") if len(files) == 1 else "cytokit_fit")


def _pseudonyms(file: str, exclude: str | None, exclusions: pd.DataFrame | None) -> Pseudonyms:
    """The table, and no real name among the reasons of exclusions, which are written as given."""
    from cytokit.tables.pseudonyms import check_words, read_pseudonyms

    table = read_pseudonyms(file)
    if exclude is not None and exclusions is not None:
        check_words(
            dict(enumerate(exclusions["reason"] + " " + exclusions["who"], start=2)),
            table.names,
            exclude,
        )
    return table


_COLOURS = {"good": "green", "usable": "cyan", "poor": "yellow", "failed": "red"}
_PLATE_COLOURS = {"report": "green", "look": "cyan", "hold": "yellow", "failed": "red"}


#: so many plates are listed analyte by analyte, and so many at all
_FEW, _MOST = 8, 40


def _report(record: FitRecord, as_json: bool) -> None:
    summary = record.summary
    if as_json:
        document = {
            "out": str(record.folder),
            "summary": summary.to_dict("records"),
            "plates": record.plates.to_dict("records"),
        }
        print_json("cytokit-fit-1", document)
    elif len(record.plates) > _FEW:
        _print_plates(record.plates)
    else:
        _print_analytes(summary)
    if len(record.failed) and len(record.plates) + len(record.failed) > 1:
        for error in record.failed:
            note(str(error))
    if as_json:
        return
    if len(record.plates) <= _FEW:
        for row in record.plates.to_dict("records"):
            note(f"{row['plate']}: {row['verdict']}. {row['sentence']}")
    for sentence in _failures(summary):
        note(sentence)
    for sentence in dict.fromkeys(one.message for one in record.shared if one.code == "same_file"):
        note(sentence)
    note(f"results: {record.folder} (open report.html there)")


def _print_analytes(summary: pd.DataFrame) -> None:
    """One row per plate and analyte."""
    several = len(summary["plate"].unique()) > 1
    header = [*(["plate"] if several else []), "analyte", "verdict", "LLOQ-ULOQ", "in range"]
    rows: list[list[str]] = []
    for row in summary.to_dict("records"):
        ends = [short(row["lloq"]), short(row["uloq"])]
        span = "none" if ends == ["-", "-"] else f"{' - '.join(ends)} {row['unit']}".strip()
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


def _print_plates(plates: pd.DataFrame) -> None:
    """One row per plate, of very many those with the worst verdicts; then all together."""
    ranks = plates["verdict"].map(list(_PLATE_COLOURS).index)
    listed = plates
    if len(plates) > _MOST:
        worst = ranks.sort_values(ascending=False, kind="stable").index[:_MOST]
        listed = plates.loc[worst.sort_values()]
        note(f"the {_MOST} plates with the worst verdicts; plates.csv holds all {len(plates)}:")
    kinds = list(_COLOURS)
    header = ["plate", "verdict", *(f"{kind} curves" for kind in kinds), "in range"]
    rows = [
        [
            row["plate"],
            row["verdict"],
            *(str(row[f"curves_{kind}"]) for kind in kinds),
            f"{row['n_in_range']}/{row['n_results']}",
        ]
        for row in listed.to_dict("records")
    ]
    print_table(
        header,
        rows,
        right=range(2, len(header)),
        styles=lambda row: {"fg": _PLATE_COLOURS.get(row[1])},
    )
    counts = plates["verdict"].value_counts()
    told = ", ".join(f"{counts[kind]} {kind}" for kind in _PLATE_COLOURS if kind in counts)
    note(f"{len(plates)} plates: {told}")


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


def _leave(record: FitRecord, strict: bool) -> None:
    """Exit 3 where a plate could not be read or none has a curve, 1 where --strict meets a hold."""
    from cytokit.schema import PlateVerdict

    verdicts = set(record.verdicts)
    if record.failed or verdicts == {PlateVerdict.FAILED}:
        raise click.exceptions.Exit(3)
    if strict and verdicts & {PlateVerdict.HOLD, PlateVerdict.FAILED}:
        raise click.exceptions.Exit(1)
