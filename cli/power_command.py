"""``cytokit power``: how many subjects per group a fold change needs, by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._shared import (
    Choice,
    examples,
    note,
    print_json,
    print_table,
    short,
    speech_options,
    study_options,
    words,
)

if TYPE_CHECKING:
    import pandas as pd

    from cytokit.errors import Problem
    from cytokit.trial.comparison import Comparison
    from cytokit.trial.power import Scenario

#: name of the plan where no analyte is named
_GIVEN = "as given"


def _numbers(kind: type[int] | type[float]) -> Any:
    """A callback that reads numbers between commas."""

    def read(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[Any] | None:
        if value is None:
            return None
        try:
            return [kind(word) for word in words(value)]
        except ValueError:
            what = "whole numbers" if kind is int else "numbers"
            raise click.BadParameter(f"{value!r} is not {what} between commas") from None

    return read


@click.command(
    "power",
    epilog=examples(
        "cytokit power --sd 0.9 --correlation 0.6 --fold 0.4 --simulations 200",
        "cytokit power table.csv --map day=visit --analyte IL-6 --fold 0.4,2.5 --n 8,12",
    ),
)
@click.argument("inputs", nargs=-1, metavar="[INPUT...]")
@study_options
@click.option("--analyte", "analytes", multiple=True, metavar="NAME",
              help="Of INPUT; repeatable.  [default: all]")  # fmt: skip
@click.option("--sd", type=float, help="Standard deviation of ln concentration between subjects.")
@click.option("--correlation", type=float, help="Of ln day with ln baseline.  [default: 0.5]")
@click.option("--below", type=float, metavar="SHARE",
              help="Share of control values below the limit, 0 to 1.  [default: 0]")  # fmt: skip
@click.option("--above", type=float, metavar="SHARE",
              help="Share above the upper limit.  [default: 0]")  # fmt: skip
@click.option("--ratio-of-spreads", type=float,
              help="SD of the treated over that of the controls.  [default: 1]")  # fmt: skip
@click.option("--fold", required=True, callback=_numbers(float), metavar="F[,F...]",
              help="True ratio treated/control at the day.")  # fmt: skip
@click.option("--n", "sizes", callback=_numbers(int), metavar="N[,N...]",
              help="Show the power of these n per control group instead of finding n.")  # fmt: skip
@click.option("--target", type=float, default=0.8, show_default=True, help="The power wanted.")
@click.option("--most", type=int, default=500, show_default=True, help="Largest n tried.")
@click.option("--allocation", type=float, default=1.0, show_default=True,
              help="Treated subjects per control.")  # fmt: skip
@click.option("--between", type=Choice(["ancova", "welch", "ranks", "change"]), default="ancova",
              show_default=True)  # fmt: skip
@click.option("--alpha", type=float, default=0.05, show_default=True)
@click.option("--tests", type=int,
              help="Analytes tested together.  [default: those of INPUT, else 1]")  # fmt: skip
@click.option("--simulations", type=int, default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@speech_options
def command(
    inputs: Sequence[str],
    design: str | None,
    mapping: dict[str, str | list[str]],
    baseline: str | None,
    day: str | list[str],
    reference: str | None,
    censor: str,
    floors: str | None,
    scale: str | None,
    analytes: Sequence[str],
    sd: float | None,
    correlation: float | None,
    below: float | None,
    above: float | None,
    ratio_of_spreads: float | None,
    fold: list[float],
    sizes: list[int] | None,
    target: float,
    most: int,
    tests: int | None,
    between: str,
    as_json: bool,
    **plan: Any,
) -> None:
    """Subjects per group for a fold change, by simulating the analysis that compare would run.

    Spread, correlation and values out of range come from the options, or from a pilot study:
    INPUT is a folder written by `cytokit fit`, or a table of concentrations. What an option gives
    goes before what the pilot shows.
    """
    stated = {"sd": sd, "correlation": correlation, "below": below, "above": above,
              "ratio_of_spreads": ratio_of_spreads}  # fmt: skip
    told = {name: value for name, value in stated.items() if value is not None}
    if not inputs and sd is None:
        raise click.UsageError("give --sd, or a pilot study to take it from")
    if not inputs and (analytes or design):
        raise click.UsageError("--analyte and --design need a pilot study as INPUT")
    from cytokit.trial.power import Scenario

    if inputs:
        from cytokit.trial.compare import compare
        from cytokit.trial.study import Study

        study = Study(
            [Path(name) for name in inputs],
            design,
            mapping=mapping,
            censor=censor,
            floors=floors,
            scale=scale,
        )
        pilot = compare(study, baseline=baseline, day=day, reference=reference, gate=False)
        scenarios = _seen(pilot, analytes, told)
        tests = len(pilot.analytes) if tests is None else tests
    else:
        scenarios = {_GIVEN: Scenario(**told)}
    if baseline is None and between == "ancova":
        between = "welch"
    plan |= {"between": between, "tests": 1 if tests is None else tests}
    frames = {}
    for name, scenario in scenarios.items():
        note(f"{name}: {_scenario_words(scenario)}")
        frames[name] = _planned(scenario, fold, sizes, target, most, plan)
    if plan["tests"] > 1:
        note(f"each test at {plan['alpha']:g} / {plan['tests']}, as Holm's first step")
    _report(scenarios, frames, plan, as_json)


def _seen(
    pilot: Comparison, analytes: Sequence[str], told: dict[str, float]
) -> dict[str, Scenario]:
    """What the pilot shows of each analyte; those that show too little are named."""
    from cytokit.errors import UsageError
    from cytokit.trial.power import scenario_of

    found: dict[str, Scenario] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys(analytes or pilot.analytes):
        try:
            found[name] = replace(scenario_of(pilot, name), **told)
        except UsageError as error:
            problems += error.problems
    if problems and (analytes or not found):
        raise UsageError(*problems)
    for problem in problems:
        note(f"not planned: {problem.what}")
    _name_high_values(pilot, found)
    return found


def _name_high_values(pilot: Comparison, planned: dict[str, Scenario]) -> None:
    """Values above range are in the spread, but none are simulated."""
    table = pilot.detectability
    at_day = table[table["day"].isin(list(pilot.day)) & (table["n_above"] > 0)]
    for name, count in at_day.groupby("analyte", sort=False)["n_above"].sum().items():
        if name in planned:
            note(f"{name}: the pilot has {count} values above range; the plan has none")


def _planned(
    scenario: Scenario,
    fold: list[float],
    sizes: list[int] | None,
    target: float,
    most: int,
    plan: dict[str, Any],
) -> pd.DataFrame:
    """The n that is needed, or the power of the n that are given."""
    from cytokit.trial.power import needed, power

    if sizes is None:
        return needed(scenario, fold_change=fold, target=target, most=most, **plan)
    return power(scenario, n=sizes, fold_change=fold, **plan)


def _scenario_words(scenario: Scenario) -> str:
    said = f"SD of ln {short(scenario.sd)}, correlation {short(scenario.correlation)}"
    said += f", {100 * scenario.below:.0f} % below the limit"
    if scenario.above:
        said += f", {100 * scenario.above:.0f} % above the upper one"
    ratio = scenario.ratio_of_spreads
    return said if ratio == 1 else f"{said}, ratio of spreads {short(ratio)}"


def _report(
    scenarios: dict[str, Scenario],
    frames: dict[str, pd.DataFrame],
    plan: dict[str, Any],
    as_json: bool,
) -> None:
    rows = [
        {"analyte": name, **row}
        for name, frame in frames.items()
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
    ]
    if as_json:
        given = [{"analyte": name, **asdict(one)} for name, one in scenarios.items()]
        print_json("cytokit-power-1", {"scenarios": given, "options": plan, "rows": rows})
        return
    header = ["analyte", "fold change", "n treated", "n control", "power (95 % MC)", "not analysed"]
    print_table(header, [_cells(row) for row in rows], right=range(1, len(header)))
    for reason in dict.fromkeys(row["reason"] for row in rows if row.get("reason")):
        note(f"-: {reason}")


def _cells(row: dict[Any, Any]) -> list[str]:
    n = ["-" if row[name] is None else str(row[name]) for name in ("n_treated", "n_control")]
    power, low, high = (f"{row[name]:.2f}" for name in ("power", "mc_low", "mc_high"))
    not_analysed = f"{row['not_analysed_pct']:.0f} %"
    return [row["analyte"], short(row["fold_change"]), *n, f"{power} ({low}-{high})", not_analysed]
