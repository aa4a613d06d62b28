"""``cytokit compare``: groups and days compared, with tables, panels, forest and methods."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cytokit.options import (
    BridgeOptions,
    CompareOptions,
    LookOptions,
    ReadOptions,
    StudyOptions,
    TableOptions,
)

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
    study_options,
    words,
)

if TYPE_CHECKING:
    from cytokit.options import Label, Style, Summary
    from cytokit.trial.comparison import Comparison, Sensitivity


@click.command(
    "compare",
    epilog=examples(
        "cytokit compare run1 --design design.csv --reference control",
        "cytokit compare table.csv --map day=visit --baseline 0 --day 6 --out figure3",
    ),
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@study_options
@click_options(StudyOptions, leave_out=["baseline", "day", "reference", "censor", "floors"])
@click_options(CompareOptions, leave_out=["censor", "floors"])
@click_options(LookOptions, BridgeOptions, ReadOptions)
@click_options(TableOptions, leave_out=["scale"])
@pseudonyms_option
@output_options
@speech_options
def command(
    inputs: Sequence[str],
    design: str | None,
    mapping: dict[str, str | list[str]],
    analytes: str | None,
    sensitivity: bool,
    style: Style,
    label: Label,
    summary: Summary,
    gate: bool | None,
    censor: str,
    floors: str | None,
    scale: str | None,
    pseudonyms: str | None,
    bridge: bool,
    bridge_samples: str | None,
    bridge_reference: str,
    decimal: str | None,
    nd: str | None,
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
    from cytokit.folder import check_goal
    from cytokit.trial.compare import compare
    from cytokit.trial.study import Study

    check_goal(goal, force=force)
    study = Study(
        [Path(name) for name in inputs],
        design,
        mapping=mapping or None,
        censor=censor,
        floors=floors,
        scale=scale,
        pseudonyms=pseudonyms,
        bridge=bridge if bridge_samples is None else words(bridge_samples),
        bridge_reference=bridge_reference,
        decimal=decimal,
        nd=nd,
    )
    names = None if analytes is None else words(analytes)
    gated = style != "lanzoni" if gate is None else gate
    with Bars("analytes", after=1.0) as bars:
        result = compare(study, analytes=names, gate=gated, progress=bars.show, **options)
    panel = _panel(result) if sensitivity else None
    result.write(goal, force=force, style=style, label=label, summary=summary, sensitivity=panel)
    _report(result, panel, goal, as_json)


def _panel(result: Comparison) -> Sensitivity:
    """The specification panel, the plates read otherwise as far as they are at hand."""
    from cytokit.results.verify import refit_study
    from cytokit.trial.sensitivity import sensitivity

    others = refit_study(result.study)
    for reason in others.notes:
        note(f"specification panel: {reason}")
    return sensitivity(result, studies=others.studies)


def _report(result: Comparison, panel: Sensitivity | None, goal: Path, as_json: bool) -> None:
    holds = [] if panel is None else panel.holds.to_dict("records")
    if as_json:
        document = {
            "out": str(goal),
            "comparisons": result.table.to_dict("records"),
            "findings": result.flags.to_dict("records"),
        }
        more = {} if panel is None else {"sensitivity": holds}
        print_json("cytokit-compare-1", {**document, **more})
        return
    from cytokit.flags import finding_lines

    _print_results(result)
    for sentence in (*finding_lines(result.findings), *result.guard):
        note(sentence)
    several = len(result.study.groups) > 2
    for row in holds:
        every = row["verdict"] == "not analysed"
        share = f"{row['same']} of {row['specifications' if every else 'analysed']} other analyses"
        pair = f" {row['treated_group']} / {row['control_group']}" * several
        note(f"{row['analyte']}{pair}, {row['verdict']}: the same in {share}")
    note(f"results: {goal} (panels.pdf, forest.pdf, comparisons.csv, methods.md, report.html)")


def _print_results(result: Comparison) -> None:
    """Ratio, p and adjusted p of every row; what belongs to no family is not adjusted."""
    from cytokit.trial.estimate import NOT_ANALYSED, level_text, p_text

    several = len(result.study.groups) > 2
    rows = []
    for row in result.table.to_dict("records"):
        ratio, low, high = (short(row[name]) for name in ("ratio", "ratio_low", "ratio_high"))
        interval = f"{ratio} ({low} to {high})" if row["ratio"] == row["ratio"] else "-"
        p = p_text(row["p"]) or NOT_ANALYSED
        adjusted = p_text(row["p_adjusted"]) or "-"
        arms = " / ".join(filter(None, (row["treated_group"], row["control_group"])))
        contrast = f"{row['contrast']} {arms}" if several else row["contrast"]
        rows.append([row["analyte"], contrast, interval, p, adjusted])
    ratio = f"ratio ({level_text(result.options.alpha)} CI)"
    columns = 4 if result.options.adjust == "none" else 5
    header = ["analyte", "contrast", ratio, "p", "adjusted p"]
    print_table(header[:columns], [row[:columns] for row in rows])
