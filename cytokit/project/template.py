"""The study file that ``cytokit init`` writes: every option with its default and what it does."""

from __future__ import annotations

import glob
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from cytokit.errors import OutputError, Problem, UsageError
from cytokit.project.options import Option, compare_options, fit_options
from cytokit.project.paths import is_file, is_folder

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
    """The text of a study file.

    Parameters
    ----------
    plates : sequence of str
        Paths, folders or globs, from the folder the file will lie in.
    name : str
    layout, design : str, optional
        Files, from that folder.

    Returns
    -------
    str
        TOML that ``run`` takes as it is.

    Examples
    --------
    >>> print(study_text(["plate_1.csv"], design="design.csv").splitlines()[7])
    plates = ["plate_1.csv"]
    """
    study = _STUDY.format(
        name=toml_value(name),
        plates=_paths(plates),
        layout=_line("layout", layout, "layout.xlsx"),
        design=_line("design", design, "design.csv"),
    )
    parts = [
        _HEAD,
        study,
        _section("fit", "Standard curves and concentrations.", fit_options()),
        _section("compare", "Groups and days; used where a design is given.", compare_options()),
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
    """Write a commented study file.

    Parameters
    ----------
    goal : path-like
        The file, ``study.toml`` by habit.
    plates : sequence of path-like
        Exports, folders or globs; the file's own folder where none is given.
    design, layout : path-like, optional
    force : bool
        Replace an existing file.

    Raises
    ------
    UsageError
        CK-644: the file exists; CK-636: a file that is named is not there.
    InputError, NothingToDoError
        As :func:`cytokit.parsers.find_plates`, for folders and globs that hold no plate.
    OutputError
        CK-645: the disk refuses.
    """
    from cytokit.parsers import find_plates

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
        about = f"{option.words}: {option.takes}."
        lines += wrap(about, 98, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"# {option.name} = {toml_value(option.shown)}")
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    r"""A value as TOML writes it.

    Examples
    --------
    >>> toml_value(True), toml_value("a\tb"), toml_value([1, "D6"])
    ('true', '"a\\tb"', '[1, "D6"]')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_value, value))}]"
    return repr(value)
