"""The ``cytokit`` command: finds the subcommand, turns errors into messages and exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from cytokit.errors import CytokitError, command_line, did_you_mean

#: subcommand -> what it does, in the order of a day's work. Its code is in the module of that name.
COMMANDS = {
    "demo": "Fit and compare the bundled simulated trial, offline.",
    "inspect": "Show what a plate file holds, before any fit.",
    "fit": "Standard curves and concentrations of one or many plates.",
    "compare": "Compare groups and days; tables, panels, forest, methods.",
    "init": "Write a study file: plates, design, every option.",
    "run": "Fit and compare a study file's plates; resumes.",
    "qc": "Chart controls and curves over plates; judge them by a guide.",
    "power": "Subjects per group for a fold change, by simulation.",
    "convert": "Write plates as one tidy table, without a fit.",
    "reconcile": "Set our numbers against the vendor's own.",
    "simulate": "Write a trial with known truth as plate exports.",
    "verify": "Recompute an output folder and say whether it is identical.",
    "doctor": "Look for what is wrong with the installation or a folder.",
}


class LazyGroup(click.Group):
    """Loads a subcommand's module only when it is called or asked for help."""

    def make_context(
        self, info_name: str | None, args: list[str], *words: Any, **more: Any
    ) -> click.Context:
        """As click does; a closed pipe is left to :func:`main`."""
        with _past_click():
            return super().make_context(info_name, args, *words, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does; interrupts and closed pipes are left to :func:`main`."""
        with _past_click():
            return super().invoke(ctx)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Names in the order of :data:`COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__package__}.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a near miss for an unknown command."""
        name = args[0]
        if name not in COMMANDS:
            near = did_you_mean(name, list(COMMANDS))
            ctx.fail(f"no such command {name!r}" + (f" ({near})" if near else ""))
        found, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            refuse_repeats(click.Context(command, ctx, name), command, rest)
        return found, command, rest

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class _Interrupted(BaseException):
    """Ctrl-C, in a form that click does not answer with an empty line."""


class _ReaderGoneError(Exception):
    """The reader of a pipe went away; click would call that a failure."""


@contextmanager
def _past_click() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise _Interrupted from None
    except BrokenPipeError:
        raise _ReaderGoneError from None


def refuse_repeats(ctx: click.Context, command: click.Command, args: Sequence[str]) -> None:
    """An error where an option that takes one value is given twice: click takes the last."""
    _, _, order = command.make_parser(ctx).parse_args(list(args))
    for one in dict.fromkeys(order):
        if not isinstance(one, click.Option) or one.multiple or order.count(one) == 1:
            continue
        if one.is_flag and not one.secondary_opts:  # said twice it means the same
            continue
        name = "/".join((*one.opts, *one.secondary_opts))
        several = "several stand between commas: A,B" if "," in (one.metavar or "") else "keep one"
        ctx.fail(f"{name} is given {order.count(one)} times, it takes one value: {several}")


EPILOG = """\b
Examples:
  cytokit demo
  cytokit fit --help
"""


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"cytokit {version('cytokit-luminex')}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.pass_context
def cli(ctx: click.Context) -> None:
    """From a multiplex cytokine plate's export to the trial's figure."""
    ctx.with_resource(command_line())
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    code = _code_of(list(sys.argv[1:] if arguments is None else arguments))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _write_to_nobody()
    sys.exit(code)


def _code_of(words: list[str]) -> int:
    """Carry out a command and say what is to be said; its exit code."""
    debug = "--debug" in words
    try:
        with _ended_in_order():
            code = cli.main(words, prog_name="cytokit", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.ClickException as error:
        code = _report_usage(error)
    except (click.exceptions.Abort, _Interrupted, KeyboardInterrupt):
        click.echo("stopped", err=True)
        code = 130
    except _Terminated:
        click.echo("stopped", err=True)
        code = 143
    except CytokitError as error:
        if debug:
            raise
        click.echo(str(error), err=True)
        code = error.exit_code
    except (_ReaderGoneError, BrokenPipeError):
        _write_to_nobody()
        code = 0
    except Exception as error:  # the last line of defence: a bug must not look like a result
        if debug:
            raise
        click.echo(_bug(error), err=True)
        code = 70
    return code or 0


def _write_to_nobody() -> None:
    """The reader of a pipe went away: nothing to say, and nothing to say it to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


#: Seconds in which what a signal stopped is tidied.
_TIDYING = 2.0


class _Terminated(BaseException):
    """The system, or a batch queue, asked the program to end."""


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM end the program as Ctrl-C does, so that nothing unfinished stays behind.

    A second signal within the time of tidying is not heard: it would leave half a folder.
    """
    process, heard = os.getpid(), float("-inf")

    def stop(number: int, _frame: object) -> None:
        nonlocal heard
        if os.getpid() != process:  # a worker that was forked has nothing to tidy
            os._exit(128 + number)
        earlier, heard = heard, time.monotonic()
        if heard - earlier < _TIDYING:
            return
        raise _Terminated if number == signal.SIGTERM else KeyboardInterrupt

    before = {}
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            # a shell starts what runs in the background deaf to Ctrl-C, and so it stays
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, stop)
    except ValueError:  # not the main thread, which alone hears signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _report_usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    click.echo(f"error CK-600: {error.format_message()}", err=True)
    if context is not None:
        click.echo(f"  mend:  see `{context.command_path} --help`", err=True)
    return 2


def _bug(error: Exception) -> str:
    return (
        f"error CK-900: a bug in cytokit: {type(error).__name__}: {error}\n"
        "  mend:  run the same command with --debug and send us what it prints"
    )


if __name__ == "__main__":
    main()
