"""Values of a study file and of flags, checked against the option they are given for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cytokit.errors import Problem, UsageError, did_you_mean, place
from cytokit.project.options import TAKES, Kind, Option
from cytokit.project.paths import is_file, is_folder, why_no_path
from cytokit.project.toml_lines import line_of
from cytokit.vocabulary import LAST_DAY

#: no option takes a larger whole number
_LARGEST = 2**63


@dataclass
class Checker:
    """Collects what is wrong with a file, so that all is said at once.

    Parameters
    ----------
    file : path-like
        For the messages.
    lines : mapping
        From :func:`cytokit.project.toml_lines.key_lines`.
    """

    file: str | Path
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, *key: str) -> str:
        """File, line and key."""
        at = place(self.file, line=line_of(self.lines, key))
        return f"{at}, {'.'.join(key)}" if key else at

    def unknown(self, key: tuple[str, ...], known: Sequence[str]) -> None:
        """A key that nobody reads."""
        inside = f" of [{'.'.join(key[:-1])}]" if key[:-1] else ""
        self.problems.append(
            Problem(
                "CK-632",
                f"there is no key {key[-1]!r}{inside}",
                self.where(*key),
                f"known are {', '.join(known)}" if known else "remove it",
                did_you_mean(key[-1], list(known)),
            )
        )

    def wrong_type(self, key: tuple[str, ...], value: object, takes: str) -> None:
        """A value of another kind."""
        what = f"{key[-1]} = {_toml(value)} is not {takes}"
        self.problems.append(
            Problem("CK-633", what, self.where(*key), f"write {key[-1]} as {takes}")
        )

    def text(self, key: tuple[str, ...], value: object) -> str | None:
        """A text that says something; None, and a problem, for anything else."""
        if isinstance(value, str) and value.strip():
            return value
        self.wrong_type(key, value, TAKES["text"])
        return None

    def texts(self, key: tuple[str, ...], value: object) -> tuple[str, ...]:
        """A list of texts."""
        if _is_texts(value):
            return tuple(value)  # type: ignore[arg-type]
        self.wrong_type(key, value, TAKES["texts"])
        return ()

    def table(self, key: tuple[str, ...], value: object) -> Mapping[str, object]:
        """A table; empty, and a problem, for anything else."""
        if isinstance(value, Mapping):
            return value
        self.wrong_type(key, value, "a table")
        return {}

    def file_there(self, key: tuple[str, ...], path: Path, asked: str) -> None:
        """A file that must exist."""
        if is_file(path):
            return
        shown, folder = _toml(asked), path.parent
        what = f"{shown} is a folder" if is_folder(path) else f"there is no file {shown}"
        near = sorted(one.name for one in folder.iterdir()) if is_folder(folder) else []
        self.problems.append(
            Problem(
                "CK-636",
                what,
                self.where(*key),
                "paths are read from the folder the study file lies in",
                did_you_mean(path.name, near),
            )
        )

    def new_folder(self, key: tuple[str, ...], value: object, base: Path) -> Path | None:
        """A folder that need not be there, but could."""
        text = self.text(key, value)
        if text is None:
            return None
        if reason := why_no_path(base / text):
            what = f"{key[-1]} = {_toml(text)} is not allowed: {reason}"
            mend = "choose another folder for the results"
            self.problems.append(Problem("CK-634", what, self.where(*key), mend))
        return base / text

    def options(
        self, section: str, given: Mapping[str, object], options: Sequence[Option]
    ) -> dict[str, object]:
        """Those of the options that are given and sound."""
        by_name = {option.name: option for option in options}
        sound = {}
        for name, value in given.items():
            key = (section, name)
            if name not in by_name:
                self.unknown(key, list(by_name))
            elif not _fits(by_name[name].kind, value):
                self.wrong_type(key, value, by_name[name].takes)
            elif problem := _not_allowed(section, by_name[name], value):
                self.problems.append(replace(problem, where=self.where(*key)))
            else:
                sound[name] = _number(value) if by_name[name].kind == "number" else value
        return sound

    def leave(self) -> None:
        """Raise everything that was found.

        Raises
        ------
        UsageError
        """
        if self.problems:
            raise UsageError(*self.problems)


def _number(value: object) -> object:
    """Whole numbers as decimal ones, so that 20 and 20.0 are the same option."""
    return float(value) if isinstance(value, int) else value


def _is_texts(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)


def _is_day(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, (int, float)):
        return abs(value) <= LAST_DAY
    return isinstance(value, str) and value != ""


def _fits(kind: Kind, value: object) -> bool:
    """Whether a value is of a kind; true and false are no numbers."""
    if kind == "switch" or isinstance(value, bool):
        return kind == "switch" and isinstance(value, bool)
    if kind == "days" and isinstance(value, (list, tuple)):
        return bool(value) and all(map(_is_day, value))
    if kind in ("day", "days"):
        return _is_day(value)
    if kind == "texts":
        return _is_texts(value) and bool(value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        return False
    if kind == "whole":
        return isinstance(value, int)
    return isinstance(value, (int, float) if kind == "number" else str)


def _not_allowed(section: str, option: Option, value: object) -> Problem | None:
    """What is wrong with a value of the right kind; the options' own checks are asked."""
    if option.choices and value not in option.choices:
        return Problem(
            "CK-634",
            f"{option.name} = {_toml(value)} is no choice",
            mend=f"use one of {', '.join(option.choices)}",
            near=did_you_mean(value, option.choices),
        )
    try:
        _try(section, option.name, value)
    except UsageError as error:
        first = error.problems[0]
        return Problem(
            "CK-634",
            f"{option.name} = {_toml(value)} is not allowed: {first.what}",
            mend=first.mend,
        )
    return None


def _try(section: str, name: str, value: object) -> None:
    """Make the options with one value, which checks its range."""
    from cytokit.curves.choices import chosen_options
    from cytokit.curves.options import FitOptions
    from cytokit.stats.options import CompareOptions

    if section == "fit" and name in FitOptions.__dataclass_fields__:
        chosen_options(FitOptions(), {name: value})
    elif name in CompareOptions.__dataclass_fields__:
        CompareOptions(**{name: value})  # type: ignore[arg-type]


def _toml(value: object) -> str:
    """A value as the file would hold it, short."""
    try:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        return "what stands there"
    return text if len(text) <= 60 else f"{text[:57]}..."
