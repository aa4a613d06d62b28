"""What the commands share: common options, ways of saying things, terminal tables."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cytokit.errors import did_you_mean
from cytokit.options import Option, StudyOptions, TableOptions, options_of

if TYPE_CHECKING:
    # click gives the class of its bars no public name
    from click._termui_impl import ProgressBar

Function = TypeVar("Function", bound=Callable[..., Any])
Item = TypeVar("Item")
_NO_BASELINE = "cytokit_cli.no_baseline"
#: the role of columns that no table reads
_IGNORE = "ignore"


class Choice(click.Choice[str]):
    """A choice that says ``did you mean`` on a near miss."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The choice, or an error that names a near miss."""
        if str(value) not in self.choices:
            near = did_you_mean(value, list(self.choices))
            hint = f" ({near})" if near else ""
            listed = ", ".join(self.choices)
            self.fail(f"{value!r} is not one of {listed}{hint}", param, ctx)
        return super().convert(value, param, ctx)


def examples(*lines: str) -> str:
    """The epilog of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def output_options(function: Function) -> Function:
    """``--out --force --dry-run``: for commands that write."""
    options = (
        click.option("--out", type=click.Path(), metavar="DIR", help="Where to write."),
        click.option("--force", is_flag=True, help="Replace the files of an earlier run."),
        click.option("--dry-run", is_flag=True, help="Say what would be read and written."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def click_options(*kinds: type, leave_out: Sequence[str] = ()) -> Callable[[Function], Function]:
    """The flags of option classes, in the order of their fields."""

    def decorate(function: Function) -> Function:
        for one in reversed(options_of(*kinds)):
            if one.name not in leave_out:
                function = _flag(one)(function)
        return function

    return decorate


def _flag(one: Option) -> Callable[[Function], Function]:
    """One option as click takes it."""
    rule, flag = one.rule, one.flag
    # a default that depends on other options is said in words, and is theirs to find
    default = None if rule.default_words else one.default
    more: dict[str, Any] = {
        "default": default,
        "show_default": default is not None and default != "",
    }
    said = f"{rule.words}, {rule.range}." if rule.range else f"{rule.words}."
    said += f"  [default: {rule.default_words}]" if rule.default_words else ""
    if rule.kind == "switch":
        if one.default:
            flag += f"/--no-{flag[2:]}"
        else:
            more = {"is_flag": True}
    elif rule.kind == "choice":
        more["type"] = Choice(rule.choices)
    elif rule.kind in ("number", "whole"):  # the options check their range themselves
        more["type"] = float if rule.kind == "number" else int
    elif rule.kind in ("day", "days"):
        more |= {"default": str(default), "callback": _baseline if rule.kind == "day" else _days}
    if rule.metavar:
        more["metavar"] = rule.metavar
    return click.option(flag, one.name, help=said, **more)


def study_options(function: Function) -> Function:
    """What a study is made of: ``--design``, ``--map``, days, reference, out-of-range values."""
    options = (
        click.option("--design", type=click.Path(), metavar="FILE",
                     help="sample, subject, group, day [, stratum, status]."),
        click.option("--map", "mapping", multiple=True, callback=_pairs, metavar="NAME=COLUMN",
                     help="Your column for one of ours; repeatable."),
        click.option("--no-baseline", is_flag=True, is_eager=True, expose_value=False,
                     callback=_no_baseline, help="There is none: the groups at --day alone."),
        click_options(StudyOptions, leave_out=["analytes"]),
        click_options(TableOptions, leave_out=["nd"]),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def pseudonyms_option(function: Function) -> Function:
    """``--pseudonyms``: for commands whose outputs name samples."""
    option = click.option("--pseudonyms", type=click.Path(), metavar="FILE",
                          help="Table of sample, pseudonym: names in all outputs.")  # fmt: skip
    return option(function)


def _pairs(
    _ctx: click.Context, _param: click.Parameter, values: Sequence[str]
) -> dict[str, str | list[str]]:
    """``name=column`` words as a mapping; columns to ignore may be several."""
    found: dict[str, str | list[str]] = {}
    ignored: list[str] = []
    for value in values:
        name, equals, column = value.partition("=")
        if not (equals and name and column):
            raise click.BadParameter(f"{value!r} is not of the form name=column, as in day=visit")
        name, column = name.strip(), column.strip()
        if name == _IGNORE:
            ignored.append(column)
        elif name in found:
            raise click.BadParameter(f"{name!r} is given two columns, {found[name]} and {column}")
        else:
            found[name] = column
    return {**found, _IGNORE: ignored} if ignored else found


def _days(_ctx: click.Context, _param: click.Parameter, value: str) -> str | list[str]:
    """One day, or several separated by commas."""
    named = words(value)
    return named if len(named) > 1 else named[0]


def _no_baseline(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    """Kept for the callback of ``--baseline``, which runs later."""
    ctx.meta[_NO_BASELINE] = value


def _baseline(ctx: click.Context, param: click.Parameter, value: str) -> str | None:
    """The baseline's day, None with ``--no-baseline``."""
    if not ctx.meta.get(_NO_BASELINE):
        return value
    if ctx.get_parameter_source(str(param.name)) is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--baseline and --no-baseline contradict each other", ctx)
    return None


def words(value: str) -> list[str]:
    """What stands between commas."""
    found = [word.strip() for word in value.split(",")]
    if not all(found):
        raise click.BadParameter(f"{value!r} has nothing between two commas, or none at its end")
    return found


def speech_options(function: Function) -> Function:
    """``--json --color --debug``: for every command."""
    options = (
        click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout."),
        click.option(
            "--color",
            type=Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            callback=_colour,
            expose_value=False,
            help="Colours on the terminal; NO_COLOR is honoured.",
        ),
        click.option(
            "--debug", is_flag=True, expose_value=False, help="Show a traceback on an error."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def _colour(ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value == "auto":
        ctx.color = False if os.environ.get("NO_COLOR") else None
    else:
        ctx.color = value == "always"
    return value


def note(text: str) -> None:
    """A word on progress: to stderr, so that stdout stays data."""
    click.echo("\n".join(map(_clean, text.split("\n"))), err=True)


def progress(items: Sequence[Item], label: str) -> ProgressBar[Item]:
    """A bar on stderr over many items; none for a few, nor where stderr is no terminal."""
    few = len(items) < 4 or not sys.stderr.isatty()
    return click.progressbar(items, label=label, file=sys.stderr, hidden=few)


class Bars(ExitStack):
    """A bar on stderr for each thing that takes long."""

    def __init__(self, of: str, after: float = 0.0) -> None:
        super().__init__()
        self._of, self._after = of, after
        self._begun: dict[str, float] = {}
        self._bars: dict[str, ProgressBar[int]] = {}

    def show(self, what: str, done: int, every: int) -> None:
        """Move the bar of `what` to so many of so many."""
        begun = self._begun.setdefault(what, monotonic())
        if what not in self._bars:
            if monotonic() - begun < self._after:
                return
            self.close()
            self._bars[what] = self.enter_context(progress(range(every), f"{what} {self._of}"))
        bar = self._bars[what]
        bar.update(done - bar.pos)


def print_json(schema: str, document: dict[str, Any]) -> None:
    """One JSON document on stdout; NaN becomes null."""
    click.echo(json.dumps({"schema": schema, **_plain(document)}, indent=2, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def width(text: str) -> int:
    """Columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    styles: Callable[[Sequence[str]], dict[str, Any]] | None = None,
) -> None:
    """A plain aligned table on stdout."""
    table = [[_printable(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(header, *table, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for i, cell in enumerate(cells):
            gap = " " * (widths[i] - width(cell))
            padded.append(gap + cell if i in right else cell + gap)
        return "  ".join(padded).rstrip()

    click.echo(line(header))
    click.echo(line(["-" * w for w in widths]))
    for row in table:
        text = line(row)
        click.echo(click.style(text, **styles(row)) if styles else text)


def _printable(text: str) -> str:
    """Text from a file must not steer the terminal."""
    clean = _clean(text)
    encoding = sys.stdout.encoding or "utf-8"
    return clean.encode(encoding, "replace").decode(encoding)


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def short(value: float) -> str:
    """A number for a terminal table: three significant digits, no exponent up to a million."""
    if value != value:
        return "-"
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}"
    text = f"{float(f'{value:.3g}'):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
