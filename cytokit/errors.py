"""The tree of exceptions: what is wrong, where, and how to mend it.

Every error carries one or more :class:`Problem`, so that all that is wrong with one input is
reported together, and an exit code that the command line passes on.

Codes are grouped by stage: CK-1xx reading plates, CK-2xx layouts and designs, CK-3xx curves,
CK-4xx statistics, CK-5xx output, CK-6xx usage. ``docs/errors.md`` explains each.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Self

#: Letters of a name, and names, among which a near miss is looked for: the search is quadratic.
_LONGEST_NAME, _MOST_CHOICES = 100, 1_000
#: whether problems name options as the command line spells them, and not as Python does
_ON_COMMAND_LINE: ContextVar[bool] = ContextVar("on_command_line", default=False)
#: the words before a value that is not given: None and True are values
_NOT_GIVEN = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Parameters
    ----------
    code : str
        ``CK-nnn``, explained in ``docs/errors.md``.
    what : str
        What is wrong, in a sentence without a full stop.
    where : str
        File, line, well, analyte: made with :func:`place`.
    mend : str
        What the reader can do about it.
    near : str
        A near miss (``did you mean 'control'?``), made with :func:`did_you_mean`.
    """

    code: str
    what: str
    where: str = ""
    mend: str = ""
    near: str = ""

    def __str__(self) -> str:
        lines = [f"error {self.code}: {self.what}"]
        if self.near:
            lines[0] += f" ({self.near})"
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.mend:
            lines.append(f"  mend:  {self.mend}")
        return "\n".join(lines)


class CytokitError(Exception):
    """Base of every error cytokit raises on purpose.

    Examples
    --------
    >>> raise_me = InputError(Problem("CK-101", "no such file", where="plate.csv"))
    >>> raise_me.exit_code
    3
    >>> print(raise_me)
    error CK-101: no such file
      where: plate.csv
    """

    exit_code = 70

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise TypeError("a CytokitError needs at least one Problem")
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    def __reduce__(self) -> tuple[type[Self], tuple[Problem, ...]]:
        """Exceptions are rebuilt from their text otherwise, which would lose the problems."""
        return type(self), self.problems

    @classmethod
    def together(cls, errors: Iterable[CytokitError]) -> Self:
        """One error of this class that holds the problems of several."""
        return cls(*(problem for error in errors for problem in error.problems))


class UsageError(CytokitError):
    """Wrong usage: an option, a name or a combination that makes no sense."""

    exit_code = 2


class InputError(CytokitError):
    """An input cannot be read or makes no sense."""

    exit_code = 3


class FormatError(InputError):
    """A file is of no known family, or damaged."""


class DesignError(InputError):
    """A layout or a study design contradicts itself or the data."""


class PrivacyError(CytokitError):
    """A name that was to be replaced cannot be, so nothing is written.

    No :class:`InputError`: a run over many plates ends here and does not go on without the plate.
    """

    exit_code = 3


class NothingToDoError(CytokitError):
    """No plate, no analyte, no sample was found: never a success."""

    exit_code = 4


class OutputError(CytokitError):
    """The results cannot be written (exit code as in sysexits: cannot create)."""

    exit_code = 73


def place(
    file: str | Path | None = None,
    *,
    sheet: str | None = None,
    line: int | None = None,
    column: int | str | None = None,
    well: str | None = None,
    sample: str | None = None,
    analyte: str | None = None,
) -> str:
    """Say where something stands, from the largest part to the smallest."""
    parts = [str(file)] if file is not None else []
    named = (
        ("sheet", sheet),
        ("line", line),
        ("column", column),
        ("well", well),
        ("sample", sample),
        ("analyte", analyte),
    )
    parts += [f"{name} {value}" for name, value in named if value is not None and value != ""]
    return ", ".join(parts)


def did_you_mean(name: object, choices: Sequence[object]) -> str:
    """A near miss among the choices, or an empty text."""
    asked = str(name).casefold()
    if len(asked) > _LONGEST_NAME:
        return ""
    texts = {str(choice).casefold(): str(choice) for choice in choices[:_MOST_CHOICES]}
    texts = {folded: text for folded, text in texts.items() if len(folded) <= _LONGEST_NAME}
    close = difflib.get_close_matches(asked, list(texts), n=1, cutoff=0.6)
    return f"did you mean {texts[close[0]]!r}?" if close else ""


@contextmanager
def command_line() -> Iterator[None]:
    """Problems made in here name options as the command line spells them.

    Only problems do: what is written into results must not depend on who asked for them.
    """
    token = _ON_COMMAND_LINE.set(True)
    try:
        yield
    finally:
        _ON_COMMAND_LINE.reset(token)


def option_text(name: str, value: object = _NOT_GIVEN, python: str = "") -> str:
    """An option, or an option with a value, as whoever reads the problem would write it."""
    if not _ON_COMMAND_LINE.get():
        if python or value is _NOT_GIVEN:
            return python or name
        return f"{name}={value if isinstance(value, str) and value.isupper() else repr(value)}"
    flag = name.replace("_", "-")
    if value is False or value is None:
        return f"--no-{flag}"
    return f"--{flag}" if value is True or value is _NOT_GIVEN else f"--{flag} {value}"


def map_text(role: str, column: str = "COLUMN") -> str:
    """How a column is given a role, as whoever reads the problem would write it."""
    if _ON_COMMAND_LINE.get():
        return f"--map {shlex.quote(f'{role}={column}')}"
    return f"mapping={{{role!r}: {column if column == 'COLUMN' else repr(column)}}}"
