"""``cytokit init``: a commented study file, ready for ``cytokit run``."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ._shared import examples, note, print_json, speech_options


@click.command(
    "init",
    epilog=examples(
        "cytokit init plate_1.csv plate_2.csv plate_3.csv --design design.csv",
        "cytokit init plate.csv --out one_plate.toml",
    ),
)
@click.argument("plates", nargs=-1, metavar="[PLATE...]")
@click.option("--design", type=click.Path(), metavar="FILE",
              help="sample, subject, group, day [, stratum, status].")  # fmt: skip
@click.option("--layout", type=click.Path(), metavar="FILE", help="Plate map, .csv or .xlsx.")
@click.option("--out", type=click.Path(), metavar="FILE", default="study.toml", show_default=True,
              help="The study file.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.option("--dry-run", is_flag=True, help="Say what would be written.")
@speech_options
def command(
    plates: Sequence[str],
    design: str | None,
    layout: str | None,
    out: str,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write a study file: plates, layout, design, and every option with its default.

    PLATE is an export, a folder of exports or a glob; without any, the plates that lie beside the
    file.
    """
    from cytokit.results.study_file import write_study_file

    if dry_run:
        note(f"would write: {out}")
        return
    write_study_file(out, plates, design=design, layout=layout, force=force)
    if as_json:
        print_json("cytokit-init-1", {"out": out})
    else:
        note(f"wrote {out}: look through it, then `cytokit run {out} --dry-run`")
