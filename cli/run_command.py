"""``cytokit run``: the whole chain of a study file, resumed where it was stopped."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from . import compare_command, fit_command
from ._shared import (
    _NO_BASELINE,
    examples,
    note,
    print_json,
    print_table,
    speech_options,
    words,
)

if TYPE_CHECKING:
    from cytokit.errors import Problem
    from cytokit.results.study_run import StudyPlan, StudyRun

#: flags of fit and compare that are no option of a study: what is read, how it is said; scale and
#: nd are of tables, and a study compares its own fits
NOT_OPTIONS = frozenset(
    {
        *("plates", "inputs", "scale", "force", "dry_run", "as_json", "color", "debug", "jobs"),
        *("strict", "pages", "nd"),
    }
)
#: a flag's name in click -> its name in the study file
RENAMED = {"mapping": "map"}


def override_flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """Every flag of `fit` and `compare` that a study file holds, without its default."""
    found: dict[str, click.Parameter] = {}
    for command_of in (fit_command.command, compare_command.command):
        for parameter in command_of.params:
            if parameter.name not in NOT_OPTIONS and isinstance(parameter, click.Option):
                flag = copy.copy(parameter)
                flag.show_default = False
                found.setdefault(str(flag.name), flag)
    listed = list(getattr(function, "__click_params__", ()))
    function.__click_params__ = [*listed, *reversed(found.values())]  # type: ignore[attr-defined]
    return function


@click.command(
    "run",
    epilog=examples("cytokit run study.toml --dry-run", "cytokit run study.toml --jobs 2"),
)
@click.argument("study", type=click.Path(), metavar="STUDY.TOML")
@click.option("--dry-run", is_flag=True, help="Say what is done and what is to be done, and why.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True,
              help="Processes that fit plates.")  # fmt: skip
@click.option("--partial", is_flag=True, help="Compare although plates failed.")
@click.option("--force", is_flag=True, help="Do finished plates again; replace folders.")
@speech_options
@override_flags
@click.pass_context
def command(
    ctx: click.Context,
    /,
    study: str,
    dry_run: bool,
    jobs: int,
    partial: bool,
    force: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Fit every plate of a study file into a folder of its own, then compare.

    What is finished and unchanged is not done again, so a run that was stopped is resumed by
    running it again. Flags of `fit` and `compare` count in place of the file.
    """
    from cytokit.results.study_run import plan_study, run_study

    overrides = _given(ctx, flags)
    if dry_run:
        plan = plan_study(study, overrides=overrides, jobs=jobs, force=force)
        _show_plan(plan, as_json)
        raise click.exceptions.Exit(3 if plan.failures else 0)
    done = run_study(study, overrides=overrides, jobs=jobs, force=force, partial=partial, say=note)
    _show_run(done, as_json)
    raise click.exceptions.Exit(done.exit_code)


def _given(ctx: click.Context, flags: dict[str, Any]) -> dict[str, object]:
    """The flags that stand on the command line, by their names in the study file."""
    stated = click.core.ParameterSource.COMMANDLINE
    found = {
        RENAMED.get(name, name): value
        for name, value in flags.items()
        if ctx.get_parameter_source(name) is stated
    }
    for name in ("analytes", "bridge_samples"):
        if name in found:
            found[name] = words(str(found[name]))
    if ctx.meta.get(_NO_BASELINE):
        found["baseline"] = "none"
    return found


def _show_plan(plan: StudyPlan, as_json: bool) -> None:
    out = plan.study.folder
    steps = [(step.unit.folder, step.unit.files, step.reasons) for step in plan.steps]
    if as_json:
        document = {
            "out": str(out),
            "plates": [
                {"folder": folder, "files": [file.path for file in files], "to_do": list(why)}
                for folder, files, why in steps
            ],
            "comparison": {"asked_for": plan.compares, "to_do": list(plan.comparison)},
            "failed": [_failed(one.files, one.problems) for one in plan.failures],
            "unused": list(plan.unused),
        }
        print_json("cytokit-run-plan-1", document)
    else:
        for folder, files, why in steps:
            read = ", ".join(file.path for file in files)
            state = f"would write (fit {read}): {'; '.join(why)}" if why else "done already"
            note(f"{out / folder}: {state}")
        if plan.compares:
            why = plan.comparison
            state = f"would write: {'; '.join(why)}" if why else "done already"
            lacking = "would not be written while plates fail, but for --partial"
            note(f"{out / 'compare'}: {lacking if plan.failures else state}")
    _notes([*plan.notes, *_left(plan.unused)])
    _failures(plan)


def _show_run(done: StudyRun, as_json: bool) -> None:
    states = {name: "made" if name in done.made else "done already" for name in done.folders}
    if as_json:
        document = {
            "out": str(done.out),
            "plates": [{"folder": name, "state": state} for name, state in states.items()],
            "verdicts": done.verdicts.to_dict("records"),
            "comparison": done.comparison,
            "error": None if done.error is None else _said(done.error.problems),
            "failed": [_failed(one.files, one.problems) for one in done.failures],
            "unused": list(done.unused),
            "overridden": list(done.study.overridden),
        }
        print_json("cytokit-run-1", document)
    elif states:
        rows = [*states.items()]
        if done.comparison in ("made", "finished"):
            rows.append(("compare", "made" if done.comparison == "made" else "done already"))
        print_table(["folder", "state"], rows)
        for row in done.verdicts.to_dict("records"):
            note(f"{row['plate']}: {row['verdict']}. {row['sentence']}")
    _notes(_left(done.unused))
    _failures(done)
    if done.comparison == "incomplete":
        note("no comparison: plates are lacking; mend them, or give --partial")
    if done.error is not None:
        note(str(done.error))
    note(f"results: {done.out}")


def _left(unused: tuple[str, ...]) -> list[str]:
    return [f"{name}: not in this study any more; left as it is, not read" for name in unused]


def _notes(sentences: list[str]) -> None:
    for sentence in sentences:
        note(sentence)


def _failures(result: StudyPlan | StudyRun) -> None:
    """Each plate that failed, with its errors."""
    for failure in result.failures:
        note(f"failed: {', '.join(failure.files)}")
        for problem in failure.problems:
            note(str(problem))


def _failed(files: tuple[str, ...], problems: tuple[Problem, ...]) -> dict[str, object]:
    return {"files": list(files), "problems": _said(problems)}


def _said(problems: tuple[Problem, ...]) -> list[str]:
    return [f"{one.code}: {one.what}" for one in problems]
