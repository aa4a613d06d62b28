"""``cytokit verify``: recompute an output folder and say whether it is identical."""

from __future__ import annotations

from dataclasses import asdict

import click

from ._shared import examples, note, print_json, speech_options


@click.command("verify", epilog=examples("cytokit verify run1", "cytokit verify run1 --json"))
@click.argument("folder", metavar="DIR")
@speech_options
def command(folder: str, as_json: bool) -> None:
    """Recompute every output of DIR from its inputs and options, and name what differs.

    Exits 1 where anything differs.
    """
    from cytokit.results.verify import verify

    result = verify(folder)
    if as_json:
        print_json("cytokit-verify-1", {**asdict(result), "identical": result.identical})
    else:
        for sentence in result.differences:
            click.echo(sentence)
        for sentence in result.notes:
            note(f"note: {sentence}")
        if result.identical:
            click.echo(f"identical: {len(result.checked)} files recomputed")
    if not result.identical:
        raise click.exceptions.Exit(1)
