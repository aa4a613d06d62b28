"""study.toml: what a study consists of and how it is to be computed, read and checked."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import wrap
from typing import Any

from cytokit.errors import InputError, OutputError, Problem, UsageError, did_you_mean, place
from cytokit.options import (
    COMPARE_SECTION,
    FIT_SECTION,
    TAKES,
    Kind,
    Option,
    options_of,
)
from cytokit.schema import DESIGN_COLUMNS, DESIGN_OPTIONAL, LAST_DAY
from cytokit.sources.delimited import parse_toml

# On which line of a TOML file a key stands, for messages; the values are tomllib's business.


_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*\[\s*({_PATH})\s*\]")
_KEY = re.compile(rf"\s*({_PATH})\s*=")
_EACH = re.compile(_PART)


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of each table and key, as far as they stand at the beginning of a line."""
    table: tuple[str, ...] = ()
    found: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = _parts(match[1])
            found.setdefault(table, number)
        elif match := _KEY.match(line):
            found.setdefault((*table, *_parts(match[1])), number)
    return found


def line_of(lines: dict[tuple[str, ...], int], key: tuple[str, ...]) -> int | None:
    """The line of a key, of the table that holds it, or None."""
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return None


def _parts(path: str) -> tuple[str, ...]:
    """``a."b c"`` as its parts."""
    return tuple(part.strip("\"'") for part in _EACH.findall(path))


# Paths as the records of a study hold them.


def recorded(path: str | Path, parent: Path) -> str:
    """A path as seen from a folder, with forward slashes; absolute on another drive."""
    try:
        return Path(os.path.relpath(path, parent)).as_posix()
    except ValueError:
        return Path(path).absolute().as_posix()


def is_file(path: Path) -> bool:
    """Whether there is such a file; False also for a name that no file can have."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises where a name is too long


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; False also for a name that no folder can have."""
    return os.path.isdir(path)  # noqa: PTH112


def why_no_path(path: Path) -> str:
    """Why the system takes no such name; empty where it does, whether it is there or not."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


# Values of a study file and of flags, checked against the option they are given for.


#: no option takes a larger whole number
_LARGEST = 2**63


@dataclass
class Checker:
    """Collects what is wrong with a file, so that all is said at once."""

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
            elif not _fits(by_name[name].rule.kind, value):
                self.wrong_type(key, value, by_name[name].takes)
            elif problem := _not_allowed(by_name[name], value):
                self.problems.append(replace(problem, where=self.where(*key)))
            else:
                sound[name] = _number(value) if by_name[name].rule.kind == "number" else value
        return sound

    def leave(self) -> None:
        """Raise everything that was found."""
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


def _not_allowed(option: Option, value: object) -> Problem | None:
    """What is wrong with a value of the right kind; the options' own checks are asked."""
    if option.rule.choices and value not in option.rule.choices:
        return Problem(
            "CK-634",
            f"{option.name} = {_toml(value)} is no choice",
            mend=f"use one of {', '.join(option.rule.choices)}",
            near=did_you_mean(value, option.rule.choices),
        )
    found = option.problem(value, ("CK-634", "CK-634"))
    if found is None:
        return None
    return replace(
        found, what=f"{option.name} = {_toml(value)} is not allowed: not {option.rule.range}"
    )


def _toml(value: object) -> str:
    """A value as the file would hold it, short."""
    try:
        text = str(value).lower() if isinstance(value, bool) else repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        return "what stands there"
    return text if len(text) <= 60 else f"{text[:57]}..."


#: the tables of a study file and, but for those of options, their keys
KEYS: Mapping[str, tuple[str, ...]] = {
    "study": ("name", "plates", "leave_out", "layout", "design", "pseudonyms"),
    "design": ("map",),
    "fit": (),
    "compare": (),
    "exclusions": ("file",),
    "output": ("folder",),
}
ROLES = (*DESIGN_COLUMNS, *DESIGN_OPTIONAL, "plate")
#: a study of 10,000 plates, each named with its layout, has about one
MAX_BYTES = 4 * 2**20
#: what may be overridden beside the options of fit and compare
PLACES = ("layout", "design", "map", "pseudonyms", "exclude", "out")


@dataclass(frozen=True)
class StudyFile:
    """A study file, read and checked; paths lead on from where the program runs."""

    path: Path
    sha256: str
    name: str
    plates: tuple[str, ...]
    leave_out: tuple[str, ...] = ()
    layout: Path | None = None
    layouts: Mapping[str, Path] | None = None
    design: Path | None = None
    mapping: Mapping[str, str] | None = None
    pseudonyms: Path | None = None
    fit: Mapping[str, Any] | None = None
    compare: Mapping[str, Any] | None = None
    exclusions: Path | None = None
    folder: Path = Path("results")
    overridden: tuple[str, ...] = ()


def read_study_file(
    path: str | Path, *, overrides: Mapping[str, object] | None = None
) -> StudyFile:
    """Read a study file; say everything that is wrong with it at once."""
    path = Path(path)
    text, sha256 = _text(path)
    document = _parsed(text, path)
    check = Checker(path, key_lines(text))
    for name, table in document.items():
        if name not in KEYS:
            check.unknown((name,), list(KEYS))
        elif table_keys := KEYS[name]:
            for key in check.table((name,), table):
                if key not in table_keys:
                    check.unknown((name, key), table_keys)
    study = _read(document, path, sha256, check)
    changed = _overridden(study, dict(overrides or {}), check)
    check.leave()
    return changed


def _text(path: Path) -> tuple[str, str]:
    """The file as text, and its hash."""
    try:
        if path.stat().st_size > MAX_BYTES:
            what = f"the study file has more than {MAX_BYTES} bytes"
            raise InputError(Problem("CK-630", what, place(path), "give the study file itself"))
        data = path.read_bytes()
        return data.decode("utf-8-sig"), hashlib.sha256(data).hexdigest()
    except UnicodeDecodeError as error:
        what = f"the study file is not UTF-8 (byte {error.start})"
        mend = "save it as UTF-8 in your editor"
        raise InputError(Problem("CK-630", what, place(path), mend)) from None
    except OSError as error:
        what = f"the study file cannot be read: {error.strerror}"
        mend = "write one with `cytokit init`"
        raise InputError(Problem("CK-630", what, place(path), mend)) from None


def _parsed(text: str, path: Path) -> dict[str, Any]:
    """The document, or an error with its line."""
    try:
        # an editor's CRLF is no matter, and tomllib would refuse a lone CR in a comment
        return parse_toml(text)
    except ValueError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        where = place(path, line=int(found[1]) if found else None)
        what = f"the study file is no TOML: {_short(error)}"
        mend = 'texts stand in quotes ("plate.csv"), lists in [ ], true and false are lower case'
        raise InputError(Problem("CK-631", what, where, mend)) from None


def _short(error: ValueError) -> str:
    """An error's words without Python's advice to its programmers."""
    if not isinstance(error, tomllib.TOMLDecodeError) and "integer string" in str(error):
        return "a number has thousands of digits"
    return str(error)[:200]


def _read(document: Mapping[str, Any], path: Path, sha256: str, check: Checker) -> StudyFile:
    """What the file says, problems to the checker; a table of a wrong kind counts as empty."""
    tables = {name: document.get(name, {}) for name in KEYS}
    tables = {name: one if isinstance(one, Mapping) else {} for name, one in tables.items()}
    for name in ("fit", "compare"):
        check.table((name,), document.get(name, {}))
    base, study = path.parent, tables["study"]
    layout, layouts = _layouts(study.get("layout"), base, check)
    return StudyFile(
        path=path,
        sha256=sha256,
        name=_name(study, path, check),
        plates=_plates(study, base, check),
        leave_out=_listed(study, "leave_out", base, check),
        layout=layout,
        layouts=layouts,
        design=_file(study, ("study", "design"), base, check),
        pseudonyms=_file(study, ("study", "pseudonyms"), base, check),
        mapping=_mapping(tables["design"].get("map", {}), ("design", "map"), check),
        fit=check.options("fit", tables["fit"], options_of(*FIT_SECTION)),
        compare=check.options("compare", tables["compare"], options_of(*COMPARE_SECTION)),
        exclusions=_file(tables["exclusions"], ("exclusions", "file"), base, check),
        folder=_folder(tables["output"], base, check),
    )


def _name(study: Mapping[str, object], path: Path, check: Checker) -> str:
    if "name" in study:
        return check.text(("study", "name"), study["name"]) or ""
    return path.absolute().parent.name


def _plates(study: Mapping[str, object], base: Path, check: Checker) -> tuple[str, ...]:
    if study.get("plates") in (None, []):
        what = "the study file names no plates"
        mend = 'write plates = ["plate_1.csv", "plate_2.csv"], a folder or a glob, under [study]'
        check.problems.append(Problem("CK-635", what, check.where("study", "plates"), mend))
        return ()
    return _listed(study, "plates", base, check)


def _listed(study: Mapping[str, object], name: str, base: Path, check: Checker) -> tuple[str, ...]:
    """Paths, folders and globs that lead to something."""
    key = ("study", name)
    found = []
    for word in check.texts(key, study.get(name, [])):
        path = base / word
        there = is_file(path) or is_folder(path)
        if there or not glob.has_magic(word):
            if not there:
                check.file_there(key, path, word)
            found.append(str(path))
        else:  # the folder's own name may hold signs of globs
            found.append(str(Path(glob.escape(str(base)), word)))
    return tuple(found)


def _layouts(given: object, base: Path, check: Checker) -> tuple[Path | None, dict[str, Path]]:
    """One layout for all, or a table of plate to layout."""
    key = ("study", "layout")
    if isinstance(given, Mapping):
        found = {}
        for plate, word in given.items():
            if text := check.text((*key, plate), word):
                check.file_there((*key, plate), base / text, text)
                found[plate] = base / text
        return None, found
    return _file({} if given is None else {"layout": given}, key, base, check), {}


def _file(
    table: Mapping[str, object], key: tuple[str, str], base: Path, check: Checker
) -> Path | None:
    """A file that must exist; None where none is named."""
    text = check.text(key, table[key[1]]) if key[1] in table else None
    if text is None:
        return None
    check.file_there(key, base / text, text)
    return base / text


def _folder(output: Mapping[str, object], base: Path, check: Checker) -> Path:
    named = output.get("folder", "results")
    return check.new_folder(("output", "folder"), named, base) or base / "results"


def _mapping(given: object, key: tuple[str, ...], check: Checker) -> dict[str, str]:
    """Role of a design to its column."""
    found = {}
    for role, column in check.table(key, given).items():
        if role not in ROLES:
            check.unknown((*key, role), ROLES)
        elif text := check.text((*key, role), column):
            found[role] = text
    return found


def _overridden(study: StudyFile, given: dict[str, object], check: Checker) -> StudyFile:
    """The study with flags in place of the file's own; their problems name the flag."""
    flags = Checker("flags")
    sections: dict[str, tuple[Option, ...]] = {
        "fit": options_of(*FIT_SECTION),
        "compare": options_of(*COMPARE_SECTION),
    }
    names = {option.name for options in sections.values() for option in options}
    new: dict[str, Any] = {}
    for section, options in sections.items():
        mine = {option.name for option in options}
        asked = {name: value for name, value in given.items() if name in mine}
        before = getattr(study, section) or {}
        new[section] = {**before, **flags.options(section, asked, options)}
    readers: dict[str, Callable[[object], dict[str, Any]]] = {
        "layout": lambda word: {"layout": _given_file("layout", word, flags), "layouts": {}},
        "design": lambda word: {"design": _given_file("design", word, flags)},
        "map": lambda table: {"mapping": _mapping(table, ("map",), flags)},
        "pseudonyms": lambda word: {"pseudonyms": _given_file("pseudonyms", word, flags)},
        "exclude": lambda word: {"exclusions": _given_file("exclude", word, flags)},
        "out": lambda word: {"folder": flags.new_folder(("out",), word, Path())},
    }
    for name, value in given.items():
        if name in readers:
            new |= readers[name](value)
        elif name not in names:
            known = [*PLACES, *sorted(names)]
            what = f"there is no option {name!r} to override"
            mend = f"known are {', '.join(known)}"
            near = did_you_mean(name, known)
            flags.problems.append(Problem("CK-640", what, "flags", mend, near))
    check.problems += flags.problems
    return replace(study, **new, overridden=tuple(sorted(given)))


def _given_file(name: str, word: object, check: Checker) -> Path | None:
    """The file of a flag, from the folder the program runs in."""
    text = check.text((name,), str(word) if isinstance(word, Path) else word)
    if text is None:
        return None
    check.file_there((name,), Path(text), text)
    return Path(text)


# The study file that ``cytokit init`` writes: every option with its default and what it does.


_HEAD = """\
# A study for `cytokit run`: which plates, whose samples, how they are computed.
# Paths are read from the folder this file lies in. A line that begins with # is a comment:
# take the # away from an option to change it. `cytokit run FILE --dry-run` says what will happen.
"""
_STUDY = """\
[study]
name = {name}
# Exports, folders of exports or globs.
plates = {plates}
# Plates of these folders and globs that are not to be used.
# leave_out = ["plate_9.csv"]
# What each well holds, where the exports do not say: one file for all plates, or a table of
# plate and layout, as layout = {{ "plate_1.csv" = "layout_1.xlsx" }}.
{layout}
# Sample, subject, group, day [, stratum, status]; without it nothing is compared.
{design}
# Table of sample, pseudonym: the names in every output.
# pseudonyms = "pseudonyms.csv"

# Your column for one of ours, where the design names it otherwise.
[design.map]
# day = "visit"
"""
_TAIL = """\
# A CSV of plate, well, analyte, reason, who: readings to leave out, and why.
[exclusions]
# file = "exclusions.csv"

# Results: a folder per plate under plates/, the comparison under compare/.
[output]
folder = "results"
"""


def study_text(
    plates: Sequence[str] = (".",),
    *,
    name: str = "my study",
    layout: str | None = None,
    design: str | None = None,
) -> str:
    """The text of a study file."""
    study = _STUDY.format(
        name=toml_value(name),
        plates=_paths(plates),
        layout=_line("layout", layout, "layout.xlsx"),
        design=_line("design", design, "design.csv"),
    )
    parts = [
        _HEAD,
        study,
        _section("fit", "Standard curves and concentrations.", options_of(*FIT_SECTION)),
        _section(
            "compare",
            "Groups and days; used where a design is given.",
            options_of(*COMPARE_SECTION),
        ),
        _TAIL,
    ]
    return "\n".join(parts)


def write_study_file(
    goal: str | Path,
    plates: Sequence[str | Path] = (),
    *,
    design: str | Path | None = None,
    layout: str | Path | None = None,
    force: bool = False,
) -> None:
    """Write a commented study file."""
    from cytokit.parsers.read import find_plates

    goal = Path(goal)
    folder = is_folder(goal)
    if folder or (is_file(goal) and not force):
        what = "the study file is a folder" if folder else "the study file exists"
        mend = "choose another --out" + ("" if folder else ", or give --force to replace it")
        raise UsageError(Problem("CK-644", what, str(goal), mend))
    files = [Path(path) for path in (design, layout) if path is not None]
    lacking = [path for path in map(Path, plates) if not _leads_somewhere(path)]
    lacking += [path for path in files if not is_file(path)]
    if lacking:
        raise UsageError(
            *(Problem("CK-636", f"there is no file {str(path)!r}") for path in lacking)
        )
    if plates:
        find_plates([str(path) for path in plates])
    base = goal.parent
    text = study_text(
        [_from(base, path) for path in plates] or ["."],
        name=goal.absolute().parent.name or "study",
        layout=None if layout is None else _from(base, layout),
        design=None if design is None else _from(base, design),
    )
    _write(goal, text)


def _leads_somewhere(path: Path) -> bool:
    """A file, a folder, or a glob, which the search for plates will judge."""
    return is_file(path) or is_folder(path) or glob.has_magic(str(path))


def _write(goal: Path, text: str) -> None:
    """Beside the goal and moved into place, so that no half a file is ever found there."""
    try:
        goal.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=goal.parent, prefix=".cytokit-") as area:
            draft = Path(area) / goal.name
            draft.write_text(text, encoding="utf-8", newline="\n")
            draft.replace(goal)
    except OSError as error:
        what = f"the study file cannot be written: {error.strerror or error}"
        mend = "check free space and permissions, or choose another --out"
        raise OutputError(Problem("CK-645", what, str(goal), mend)) from error


def _from(base: Path, path: str | Path) -> str:
    """A path as seen from a folder, with forward slashes; unchanged if absolute."""
    if Path(path).is_absolute():
        return Path(path).as_posix()
    return Path(os.path.relpath(path, base)).as_posix()


def _paths(paths: Sequence[str]) -> str:
    """A list, a path a line where there are several."""
    if len(paths) == 1:
        return f"[{toml_value(paths[0])}]"
    return "[\n" + "".join(f"    {toml_value(path)},\n" for path in paths) + "]"


def _line(name: str, value: str | None, example: str) -> str:
    """A key with its value, or commented out with an example."""
    shown = toml_value(example if value is None else value)
    return f"{'# ' if value is None else ''}{name} = {shown}"


def _section(name: str, about: str, options: Sequence[Option]) -> str:
    """A table of options, all commented out, each under a line that says what it does."""
    lines = [f"# {about}", f"[{name}]"]
    for option in options:
        about = f"{option.rule.words}: {option.takes}."
        lines += wrap(about, 98, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"# {option.name} = {toml_value(option.shown)}")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    return repr(value)
