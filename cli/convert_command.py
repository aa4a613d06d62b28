"""``cytokit convert``: plates as one tidy table, without a fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from cytokit.options import ReadOptions

from ._shared import click_options, examples, note, print_json, pseudonyms_option, speech_options


@click.command(
    "convert",
    epilog=examples(
        "cytokit convert plate.csv --to tidy.csv",
        "cytokit convert plate_1.csv plate_2.csv --to tidy.xlsx",
    ),
)
@click.argument("plates", nargs=-1, required=True, metavar="PLATE...")
@click.option("--to", "goal", required=True, type=click.Path(), metavar="FILE",
              help="tidy.csv or tidy.xlsx.")  # fmt: skip
@click.option("--layout", type=click.Path(), metavar="FILE", help="Plate map, .csv or .xlsx.")
@click_options(ReadOptions)
@pseudonyms_option
@click.option("--excel", is_flag=True, help="Mark the CSV as UTF-8 for Excel.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--dry-run", is_flag=True, help="Say what would be read and written.")
@speech_options
def command(
    plates: Sequence[str],
    goal: str,
    layout: str | None,
    decimal: str | None,
    pseudonyms: str | None,
    excel: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write every reading of the plates as one row: well, sample, type, analyte, MFI, counts."""
    from cytokit.parsers.read import find_plates, read_plates
    from cytokit.results.write import write_tidy
    from cytokit.tables.pseudonyms import errors_without_names, pseudonymise, read_pseudonyms

    files = find_plates(plates).files
    if dry_run:
        note("\n".join(["would read:", *files, f"would write: {goal}"]))
        return
    table = None if pseudonyms is None else read_pseudonyms(pseudonyms)
    with errors_without_names(table):
        read = read_plates(files, layout=layout, decimal=decimal)
        if table is not None:
            read = [pseudonymise(plate, table) for plate in read]
    rows = write_tidy(read, Path(goal), force=force, excel=excel)
    if as_json:
        print_json("cytokit-convert-1", {"file": goal, "rows": rows, "files": len(files)})
    else:
        note(f"wrote {rows} readings to {goal}")
