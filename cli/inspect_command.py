"""``cytokit inspect``: what a plate file holds, before any fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from cytokit.options import ReadOptions

from ._shared import click_options, examples, note, print_json, print_table, speech_options


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
    help="Write a layout to fill in (.csv or .xlsx), with what the export says already in it.",
)
@click.option("--force", is_flag=True, help="Replace an existing layout file.")
@click_options(ReadOptions)
@speech_options
def command(
    plate: str,
    layout: str | None,
    decimal: str | None,
    write_layout: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Show the recognised format, what was read, what was not, and what looks wrong."""
    from cytokit.describe import describe, plate_map
    from cytokit.parsers.read import read_plates

    plates = read_plates([plate], layout=layout, decimal=decimal)
    if as_json:
        print_json("cytokit-inspect-1", {"plates": [describe(one) for one in plates]})
    else:
        for one in plates:
            _show(describe(one), plate_map(one))
    if write_layout is not None:
        from cytokit.tables.layouts import unclear_types, write_layout_template

        _free(Path(write_layout), force=force)
        write_layout_template(plates, Path(write_layout), force=True)
        note(f"layout to fill in: {write_layout}")
        likely = sum(len(unclear_types(one)) for one in plates)
        if likely:
            note(f"the likely type of {likely} wells is filled in: look at the column 'review'")


def _free(path: Path, *, force: bool) -> None:
    from cytokit.errors import Problem, UsageError

    if path.exists() and not force:
        raise UsageError(
            Problem("CK-504", "the file exists", str(path), "give --force to replace it")
        )


def _show(facts: dict[str, Any], lines: list[str]) -> None:
    from cytokit.describe import group_line

    click.echo(f"{facts['plate']}  ({facts['format']}, {facts['size']} wells, {facts['source']})")
    counts = [f"{count} {kind}" for kind, count in facts["wells"].items() if count]
    missing = facts["missing_wells"]
    if missing:
        counts.append(f"{len(missing)} missing")
    click.echo(f"wells: {', '.join(counts)}; samples: {len(facts['samples'])}")
    if facts["sample_dilutions"]:
        factors = ["unclear" if f is None else f"{f:g}" for f in facts["sample_dilutions"]]
        click.echo(f"dilution of the samples: {', '.join(factors)}")
    for line in _run_lines(facts):
        click.echo(line)
    click.echo("\n".join(lines))
    click.echo("   " + ", ".join(f"{sign} {word}" for sign, word in facts["map_legend"].items()))
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
    for group in facts["finding_groups"]:
        click.echo(group_line(group))


def _run_lines(facts: dict[str, Any]) -> Iterator[str]:
    """When and on what the plate was run, and with which lots, where its export says so."""
    date, text = facts["run_date"].replace("T", " "), facts["run_date_text"]
    said = [
        ("run", date or (f"{text} (day or month first is not known)" if text else "")),
        ("instrument", facts["instrument"]),
        ("serial number", facts["serial_number"]),
        ("lots", ", ".join(f"{name} {lot}" for name, lot in facts["lots"].items())),
    ]
    shown = [f"{name}: {value}" for name, value in said if value]
    if shown:
        yield "; ".join(shown)


def _span(expected: list[float]) -> str:
    numbers = sorted(value for value in expected if value == value)
    if not numbers:
        return "none"
    return f"{len(numbers)} levels, {numbers[0]:g} to {numbers[-1]:g}"
