"""``cytokit qc``: control charts over plates, judged by a locked guide."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._shared import (
    Choice,
    examples,
    note,
    output_options,
    print_json,
    print_table,
    speech_options,
)

if TYPE_CHECKING:
    from cytokit.qc.control import QualityControl

_COLOURS = {"rejected": "red", "warning": "yellow", "in control": "green"}
#: rows on the terminal; the rest is in qc_flags.csv
_SHOWN = 20


@click.command(
    "qc",
    epilog=examples(
        "cytokit qc run1 --lock-guide guide.json --who Miller --why validation",
        "cytokit qc run2 --guide guide.json",
    ),
)
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...")
@click.option("--guide", type=click.Path(), metavar="FILE", help="The locked guide to judge by.")
@click.option("--lock-guide", type=click.Path(), metavar="FILE",
              help="Lock a guide of these plates; never overwrites.")  # fmt: skip
@click.option("--who", default="", metavar="NAME", help="Who locks the guide.")
@click.option("--why", default="", metavar="TEXT", help="Why these plates make a guide.")
@click.option("--date-order", type=Choice(["auto", "mdy", "dmy"]), default="auto",
              show_default=True, help="What 1/2/2021 means.")  # fmt: skip
@click.option("--all-charts", is_flag=True,
              help="Chart every parameter of every curve, odd or not.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Exit 1 where a plate is rejected.")
@output_options
@speech_options
def command(
    folders: Sequence[str],
    guide: str | None,
    lock_guide: str | None,
    who: str,
    why: str,
    date_order: str,
    all_charts: bool,
    strict: bool,
    out: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Chart controls, blanks, standards and curves over plates and judge them by a guide.

    FOLDER is written by `cytokit fit`, or holds such folders. Limits come from the guide alone,
    never from the plates that are judged; without a guide no plate is judged.
    """
    from cytokit.folder import check_goal
    from cytokit.qc.control import quality_control
    from cytokit.qc.series import find_fits

    _check_usage(guide, lock_guide, who, why)
    goal = Path(out or "cytokit_qc")
    found = find_fits(folders)
    if dry_run:
        reads = [*map(str, found), *([guide] if guide else [])]
        locks = [f"would lock: {lock_guide}"] if lock_guide else []
        note("\n".join(["would read:", *reads, *locks, f"would write to: {goal}"]))
        return
    check_goal(goal, force=force)
    order = "" if date_order == "auto" else date_order
    result = quality_control(found, guide=guide, date_order=order)
    if lock_guide is not None:
        result = _lock(result, lock_guide, who, why)
    result.write(goal, force=force, all_charts=all_charts)
    _report(result, goal, as_json, all_charts)
    if strict and not result.ok:
        raise click.exceptions.Exit(1)


def _check_usage(guide: str | None, lock_guide: str | None, who: str, why: str) -> None:
    """Options that contradict each other, before anything is read."""
    from cytokit.errors import Problem, UsageError
    from cytokit.qc.guide import refuse_existing

    if guide and lock_guide:
        what = "--guide and --lock-guide contradict each other"
        mend = "judge by a guide, or lock one of these plates; not both at once"
        raise UsageError(Problem("CK-567", what, mend=mend))
    if (who or why) and not lock_guide:
        what = "--who and --why are words for a guide that is locked"
        raise UsageError(Problem("CK-567", what, mend="give --lock-guide FILE, or leave them out"))
    if lock_guide:
        if not (who.strip() and why.strip()):
            what = "a guide is locked without saying who does it and why"
            mend = "give --who NAME and --why TEXT: the limits will be asked about"
            raise UsageError(Problem("CK-567", what, mend=mend))
        refuse_existing(Path(lock_guide))


def _lock(result: QualityControl, path: str, who: str, why: str) -> QualityControl:
    """Write the guide and show its own plates with its limits."""
    from cytokit.qc.guide import lock_guide

    guide = lock_guide(result.guide_set(who=who, why=why), path)
    note(f"locked: {path} ({len(guide.plates)} plates, SHA-256 {guide.sha256[:12]})")
    return result.judged_by(guide)


def _report(result: QualityControl, goal: Path, as_json: bool, all_charts: bool) -> None:
    flags = result.flags
    guide = result.guide
    if as_json:
        told = None
        if guide is not None:
            told = {
                "path": guide.path,
                "sha256": guide.sha256,
                "plates": len(guide.plates),
                "provisional": guide.provisional,
            }
        document = {
            "out": str(goal),
            "plates": [plate.name for plate in result.plates],
            "judged": [plate.name for plate in result.judged],
            "guide": told,
            "ok": result.ok,
            "flags": flags.to_dict("records"),
        }
        print_json("cytokit-qc-1", document)
        return
    if result.judged:
        _print_plates(result)
    over = flags[flags["code"].isin(["qc_drift", "qc_lot_shift"]) & (flags["severity"] != "info")]
    for message in over["message"].iloc[:_SHOWN]:
        note(message)
    if len(over) > _SHOWN:
        note(f"{len(over) - _SHOWN} more in qc_flags.csv")
    for sentence in _said(result):
        note(sentence)
    if not all_charts:
        _note_left_out(result)
    note(f"results: {goal} (open levey_jennings.pdf there)")


def _note_left_out(result: QualityControl) -> None:
    """What stands in the numbers and on no chart."""
    from cytokit.qc.control import select

    left_out = select(result).left_out
    if left_out:
        why = "" if result.guide is None else " that broke no rule but 1-2s"
        note(
            f"{left_out} parameters of curves{why} are not charted: their numbers are in "
            "qc_series.csv; --all-charts draws them"
        )


def _print_plates(result: QualityControl) -> None:
    """One row per judged plate: what its controls say, and how much else is noted."""
    from cytokit.qc.westgard import MEANINGS

    names = [plate.name for plate in result.judged]
    controls = result.table[(result.table["series"] == "control") & result.table["z"].notna()]
    rows = []
    for plate in result.judged[-_SHOWN:]:
        mine = controls[controls["plate"] == plate.name]
        flags = result.flags[result.flags["plate"] == plate.name]
        rules = {rule for text in mine["rules"] for rule in str(text).split()}
        broken = [rule for rule in MEANINGS if rule in rules]
        failed = bool((flags["severity"] == "fail").any())
        verdict = "rejected" if failed else "warning" if broken else "in control"
        rows.append(
            [
                plate.name,
                plate.facts.date[:10] or "no date",
                verdict,
                f"{int((mine['z'].abs() > 2).sum())}/{len(mine)}",
                " ".join(broken),
                str(int((flags["severity"] != "info").sum())),
            ]
        )
    if len(names) > len(rows):
        note(f"the last {len(rows)} of {len(names)} judged plates:")
    print_table(
        ["plate", "date", "controls", "beyond 2 SD", "rules", "flags"],
        rows,
        right=[3, 5],
        styles=lambda row: {"fg": _COLOURS[row[2]]},
    )


def _said(result: QualityControl) -> list[str]:
    """What was judged by what, and how much of it chance explains."""
    from cytokit.qc.guide import chance_beyond

    guide, count = result.guide, len(result.plates)
    plates = f"{count} plate{'s' * (count != 1)}"
    if guide is None:
        return [
            f"{plates}, none judged: lock a guide of plates that were sound with"
            " --lock-guide FILE --who NAME --why TEXT"
        ]
    if not result.judged:
        return [f"{plates}, all of the guide: judge others with --guide FILE"]
    judged = result.table[(result.table["role"] == "judged") & result.table["z"].notna()]
    controls = judged[judged["series"] == "control"]
    beyond = int((controls["z"].abs() > 2).sum())
    chance = sum(chance_beyond(int(n), 2.0) for n in controls["guide_n"])
    kind = "provisional guide" if guide.provisional else "guide"
    return [
        f"{len(result.judged)} plates judged by a {kind} of {len(guide.plates)}: {beyond} of "
        f"{len(controls)} control values beyond 2 SD, {chance:.0f} expected by chance with a "
        "guide of this size"
    ]
