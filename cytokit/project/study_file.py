"""study.toml: what a study consists of and how it is to be computed, read and checked."""

from __future__ import annotations

import glob
import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cytokit.errors import InputError, Problem, UsageError, did_you_mean, place
from cytokit.project.options import Option, compare_options, fit_options
from cytokit.project.paths import is_file, is_folder
from cytokit.project.toml_lines import key_lines
from cytokit.project.values import Checker
from cytokit.sources.text import parse_toml
from cytokit.vocabulary import DESIGN_COLUMNS, DESIGN_OPTIONAL

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
    """A study file, read and checked; paths lead on from where the program runs.

    Parameters
    ----------
    path : pathlib.Path
    sha256 : str
        Of the file's bytes.
    name : str
        Of the study.
    plates, leave_out : tuple of str
        Paths, folders and globs: the plates, and those of them that are not to be used.
    layout : pathlib.Path or None
        One for all plates.
    layouts : mapping of str to pathlib.Path
        Plate, as the file names it, to its layout.
    design : pathlib.Path or None
        None where there is nothing to compare.
    mapping : mapping of str to str
        Role to column of the design.
    pseudonyms : pathlib.Path or None
        A table of sample and pseudonym.
    fit, compare : mapping
        The options that are given; the others have their defaults.
    exclusions : pathlib.Path or None
    folder : pathlib.Path
        Where the results go.
    overridden : tuple of str
        Names of what was given as a flag, in place of the file's own.
    """

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
    r"""Read a study file; say everything that is wrong with it at once.

    Parameters
    ----------
    path : path-like
        TOML, UTF-8.
    overrides : mapping, optional
        Options of fit and compare by name, and ``layout``, ``design``, ``map``, ``pseudonyms``,
        ``exclude``, ``out``: they count in place of the file's. Their paths are read from the
        folder the program runs in, the file's own from the folder it lies in.

    Returns
    -------
    StudyFile

    Raises
    ------
    InputError
        CK-630: the file cannot be read; CK-631: it is no TOML.
    UsageError
        CK-632 unknown table or key, CK-633 a value of the wrong kind, CK-634 a value that is not
        allowed, CK-635 no plates, CK-636 a file that is not there, CK-640 an unknown override.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "study.toml")
    >>> _ = file.write_text("[study]\nplates = ['.']\n[fit]\nwieghts = '1/y2'\n")
    >>> try:
    ...     read_study_file(file)
    ... except UsageError as error:
    ...     print(error.problems[0].what, error.problems[0].near)
    there is no key 'wieghts' of [fit] did you mean 'weights'?
    """
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
        fit=check.options("fit", tables["fit"], fit_options()),
        compare=check.options("compare", tables["compare"], compare_options()),
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
    sections: dict[str, tuple[Option, ...]] = {"fit": fit_options(), "compare": compare_options()}
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


__all__ = ["KEYS", "PLACES", "ROLES", "StudyFile", "UsageError", "read_study_file"]
