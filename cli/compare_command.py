"""``cytokit compare``: groups and days compared, with tables, panels, forest and methods."""

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
    short,
    speech_options,
)

if TYPE_CHECKING:
    from cytokit.stats import Comparison

ADJUSTERS = [
    "holm", "none", "bonferroni", "sidak", "holm-sidak", "hochberg", "hommel", "bh", "by", "maxt",
]  # fmt: skip


def _pairs(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """``name=column`` words as a mapping."""
    pairs = {}
    for value in values:
        name, equals, column = value.partition("=")
        if not (equals and name and column):
            raise click.BadParameter(f"{value!r} is not of the form name=column, as in day=visit")
        pairs[name.strip()] = column.strip()
    return pairs


@click.command(
    "compare",
    epilog=examples(
        "cytokit compare run1 --design design.csv --reference control",
        "cytokit compare table.csv --map day=visit --baseline 0 --day 6 --out figure3",
    ),
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--design", type=click.Path(), metavar="FILE",
              help="sample, subject, group, day [, stratum, status].")  # fmt: skip
@click.option("--map", "mapping", multiple=True, callback=_pairs, metavar="NAME=COLUMN",
              help="Your column for one of ours; repeatable.")  # fmt: skip
@click.option("--baseline", default="0", show_default=True, help="The first day.")
@click.option("--day", default="6", show_default=True, help="The day of the comparison.")
@click.option("--reference", metavar="GROUP", help="The group others are compared with.")
@click.option("--analytes", metavar="A,B,...", help="Only these.")
@click.option("--between", type=Choice(["ancova", "welch", "ranks", "change"]), default="ancova",
              show_default=True)  # fmt: skip
@click.option("--within", type=Choice(["ratio", "signed-rank"]), default="ratio",
              show_default=True)  # fmt: skip
@click.option("--adjust", type=Choice(ADJUSTERS), default="holm", show_default=True)
@click.option("--gate/--no-gate", default=None,
              help="Stars within arms only where the arms differ.  "
                   "[default: gate; no-gate with --style lanzoni]")  # fmt: skip
@click.option("--censor", type=Choice(["lod", "lloq", "interval"]), default="lod",
              show_default=True, help="What counts as out of range.")  # fmt: skip
@click.option("--substitute", type=Choice(["none", "as-given", "limit", "half", "sqrt2"]),
              default="none", show_default=True,
              help="Sensitivity only: a number for values out of range.")  # fmt: skip
@click.option("--propagate", is_flag=True, help="Carry the assay's uncertainty along.")
@click.option("--allow-confounded", is_flag=True, help="Compare although plate and group coincide.")
@click.option("--style", type=Choice(["trial", "lanzoni"]), default="trial", show_default=True)
@click.option("--label", type=Choice(["stars", "p", "both"]), default="stars", show_default=True)
@click.option("--summary", "summary_mark", type=Choice(["box", "gm", "bar"]), default="box",
              show_default=True, help="What the panels draw per column.")  # fmt: skip
@click.option("--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.05,
              show_default=True)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True)
@output_options
@speech_options
def command(
    inputs: Sequence[str],
    design: str | None,
    mapping: dict[str, str],
    analytes: str | None,
    style: str,
    label: str,
    summary_mark: str,
    gate: bool | None,
    censor: str,
    out: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare groups at a day and days within groups, with multiplicity control.

    INPUT is a folder written by `cytokit fit`, or a table of concentrations.
    """
    goal = Path(out or "cytokit_compare")
    if dry_run:
        reads = [*inputs, *([design] if design else [])]
        note("\n".join(["would read:", *reads, f"would write to: {goal}"]))
        return
    from cytokit.record.folder import check_goal
    from cytokit.stats import compare
    from cytokit.study import Study

    check_goal(goal, force=force)
    study = Study([Path(name) for name in inputs], design, mapping=mapping or None, censor=censor)
    names = None if analytes is None else [name.strip() for name in analytes.split(",")]
    gated = style != "lanzoni" if gate is None else gate
    result = compare(study, analytes=names, gate=gated, **options)
    result.write(goal, force=force, style=style, label=label, summary=summary_mark)
    _report(result, goal, as_json)


def _report(result: Comparison, goal: Path, as_json: bool) -> None:
    table = result.table
    if as_json:
        rows = table.to_dict("records")
        print_json("cytokit-compare-1", {"out": str(goal), "comparisons": rows})
        return
    rows = []
    for row in table.to_dict("records"):
        ratio, low, high = (short(row[name]) for name in ("ratio", "ratio_low", "ratio_high"))
        interval = f"{ratio} ({low} to {high})" if row["ratio"] == row["ratio"] else "-"
        rows.append([row["analyte"], row["contrast"], interval, row["label"]])
    header = ["analyte", "contrast", f"ratio ({_percent(result)} CI)", "adjusted p"]
    print_table(header, rows)
    for sentence in result.guard:
        note(sentence)
    note(f"results: {goal} (panels.pdf, forest.pdf, comparisons.csv, methods.md, report.html)")


def _percent(result: Comparison) -> str:
    return f"{100 * (1 - result.options.alpha):g} %"
