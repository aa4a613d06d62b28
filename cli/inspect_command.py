"""``cytokit inspect``: what a plate file holds, before any fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._shared import examples, note, print_json, print_table, speech_options


@click.command(
    "inspect",
    epilog=examples(
        "cytokit inspect plate.csv", "cytokit inspect plate.csv --write-layout layout.xlsx"
    ),
)
@click.argument("plate", metavar="PLATE")
@click.option("--layout", type=click.Path(), metavar="FILE", help="Plate map, .csv or .xlsx.")
@click.option(
    "--write-layout",
    type=click.Path(),
    metavar="FILE",
    help="Write a layout to fill in, with what the export says already in it.",
)
@click.option("--force", is_flag=True, help="Replace an existing layout file.")
@speech_options
def command(
    plate: str, layout: str | None, write_layout: str | None, force: bool, as_json: bool
) -> None:
    """Show the recognised format, what was read, what was not, and what looks wrong."""
    from cytokit.describe import describe, plate_map
    from cytokit.parsers import read_plates

    plates = read_plates([plate], layout=layout)
    if as_json:
        print_json("cytokit-inspect-1", {"plates": [describe(one) for one in plates]})
    else:
        for one in plates:
            _show(describe(one), plate_map(one))
    if write_layout is not None:
        from cytokit.layout import write_layout_template

        _free(Path(write_layout), force=force)
        write_layout_template(plates[0], Path(write_layout))
        note(f"layout to fill in: {write_layout}")


def _free(path: Path, *, force: bool) -> None:
    from cytokit.errors import Problem, UsageError

    if path.exists() and not force:
        raise UsageError(
            Problem("CK-504", "the file exists", str(path), "give --force to replace it")
        )


def _show(facts: dict[str, Any], lines: list[str]) -> None:
    click.echo(f"{facts['plate']}  ({facts['format']}, {facts['size']} wells, {facts['source']})")
    counts = [f"{count} {kind}" for kind, count in facts["wells"].items() if count]
    missing = facts["missing_wells"]
    if missing:
        counts.append(f"{len(missing)} missing")
    click.echo(f"wells: {', '.join(counts)}; samples: {len(facts['samples'])}")
    click.echo("\n".join(lines))
    levels = list(facts["standards"].items())
    rows = []
    for analyte in facts["analytes"]:
        name = analyte["analyte"]
        expected = [values.get(name, float("nan")) for _, values in levels]
        rows.append([name, analyte["bead_id"], analyte["unit"], _span(expected)])
    print_table(["analyte", "bead", "unit", "standards"], rows)
    if facts["vendor_values"]:
        click.echo(f"the vendor's own results: {facts['vendor_values']} numbers")
    for part in facts["unread"]:
        click.echo(f"not read: {part['name']} ({part['where']}): {part['reason']}")
    for row in facts["findings"]:
        where = " ".join(filter(None, (row["well"], row["sample"], row["analyte"])))
        click.echo(f"{row['severity']}: {row['code']} {where}: {row['message']}")


def _span(expected: list[float]) -> str:
    numbers = sorted(value for value in expected if value == value)
    if not numbers:
        return "none"
    return f"{len(numbers)} levels, {numbers[0]:g} to {numbers[-1]:g}"
