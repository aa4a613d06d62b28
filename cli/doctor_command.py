"""``cytokit doctor``: what is wrong with this installation or this folder, and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from ._shared import examples, note, print_json, print_table, speech_options

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command("doctor", epilog=examples("cytokit doctor", "cytokit doctor --json"))
@click.argument("folder", default=".", metavar="[DIR]")
@speech_options
def command(folder: str, as_json: bool) -> None:
    """Look at versions, fonts, folders and names; say what is wrong and how to mend it.

    DIR is where results are to be written. Exits 1 where there is a problem.
    """
    from cytokit.doctor import Health, examine

    checks = examine(folder)
    problems = [check for check in checks if check.health is Health.PROBLEM]
    if as_json:
        lines = [{**asdict(check), "health": str(check.health)} for check in checks]
        print_json("cytokit-doctor-1", {"checks": lines, "problems": len(problems)})
    else:
        rows = [[str(check.health), check.name, check.said] for check in checks]
        print_table(["", "looked at", "found"], rows, styles=_style)
        for check in checks:
            if check.mend:
                note(f"{check.health} {check.code}, {check.name}: {check.mend}")
    if problems:
        raise click.exceptions.Exit(1)


def _style(row: Sequence[str]) -> dict[str, Any]:
    return {"fg": _COLOURS[row[0]]}
