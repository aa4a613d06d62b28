"""What is wrong with this installation or this place: ``cytokit doctor``.

Each check looks at one thing, tries it where it can be tried (a file is written, a PDF is made) and
says how to mend what it finds. The checks share nothing, so that one that fails hides no other.
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from cytokit.errors import Problem

OURS = "cytokit-luminex"
PACKAGE = "cytokit"
#: bytes under which a warning is given, and under which nothing useful can be written
LITTLE_SPACE, NO_SPACE = 2**30, 50 * 2**20
#: bytes that the names of our own files and folders need beside the plate's
SHORT_NAME = 100


class Health(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    health: Health
    said: str
    code: str = ""
    mend: str = ""


def examine(folder: str | Path = ".") -> tuple[Check, ...]:
    """Look at everything that commonly goes wrong."""
    place = Path(folder)
    return (
        _python(),
        _cytokit(),
        _clash(),
        *_libraries(),
        _fonts(),
        _pdf(),
        _writable("working folder", place),
        _writable("temporary folder", Path(tempfile.gettempdir())),
        _space(place),
        _names(place),
        _cores(),
    )


def _ok(name: str, said: str) -> Check:
    return Check(name, Health.OK, said)


def _ill(name: str, problem: Problem, health: Health = Health.PROBLEM) -> Check:
    """A check from the problem that it found."""
    said = f"{problem.what}: {problem.where}" if problem.where else problem.what
    return Check(name, health, said, problem.code, problem.mend)


def _python() -> Check:
    """The interpreter, against what our own metadata ask for."""
    now = platform.python_version()
    try:
        wanted = _least(metadata.metadata(OURS)["Requires-Python"] or "")
    except metadata.PackageNotFoundError:
        wanted = ""  # said by the next check
    if _older(now, wanted):
        problem = Problem(
            "CK-670",
            f"Python {now} is older than {wanted}",
            mend=f"install Python {wanted} or later, and cytokit in it",
        )
        return _ill("python", problem)
    return _ok("python", f"{now} on {platform.system()} {platform.machine()}")


def _cytokit() -> Check:
    """Our metadata are there, and the package of this name is ours."""
    mend = f"pip uninstall cytokit {OURS}, then pip install {OURS}"
    try:
        version = metadata.version(OURS)
    except metadata.PackageNotFoundError:
        return _ill("cytokit", Problem("CK-671", f"no {OURS} is installed", mend=mend))
    package = importlib.import_module(PACKAGE)
    if "read_plate" not in getattr(package, "__all__", ()):
        what = "the package that answers to the name cytokit is not ours"
        where = str(getattr(package, "__file__", "a folder without __init__.py"))
        return _ill("cytokit", Problem("CK-671", what, where, mend))
    return _ok("cytokit", f"{version} at {Path(str(package.__file__)).parent}")


def _clash() -> Check:
    """Another distribution that installs the same import name."""
    others = sorted(set(_providers()) - {OURS})
    if others:
        what = f"{', '.join(others)} also installs the import name cytokit and overwrites files"
        mend = (
            f"pip uninstall {' '.join(others)} {OURS}, then pip install {OURS}; the microscopy "
            "package of that name needs an environment of its own"
        )
        return _ill("other packages named cytokit", Problem("CK-678", what, mend=mend))
    return _ok("other packages named cytokit", "none")


def _providers() -> Iterator[str]:
    """Distributions whose files lie in a top-level package of our name."""
    for one in metadata.distributions():
        declared = (one.read_text("top_level.txt") or "").split()
        inside = any(file.parts[:1] == (PACKAGE,) for file in one.files or ())
        if PACKAGE in declared or inside:
            yield str(one.metadata["Name"]).lower()


def _libraries() -> Iterator[Check]:
    """Each library we need: there, new enough, and importable."""
    try:
        wanted = metadata.requires(OURS) or []
    except metadata.PackageNotFoundError:
        return
    for line in wanted:
        requirement, _, marker = line.partition(";")
        match = re.match(r"[\w.-]+", requirement.strip())
        if match is not None and "extra" not in marker:
            yield _library(match[0], _least(requirement))


def _library(name: str, least: str) -> Check:
    mend = f"pip install --upgrade '{name}>={least}'" if least else f"pip install {name}"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return _ill(name, Problem("CK-672", f"{name} is not installed", mend=mend))
    if _older(version, least):
        what = f"{name} {version} is older than {least}"
        return _ill(name, Problem("CK-673", what, mend=mend))
    try:
        importlib.import_module(name.replace("-", "_"))
    except Exception as error:  # a broken library may raise anything; the others are looked at too
        what = f"{name} {version} cannot be imported: {type(error).__name__}: {error}"
        mend = f"pip install --force-reinstall {name}"
        return _ill(name, Problem("CK-674", what, mend=mend))
    return _ok(name, f"{version} (at least {least})" if least else version)


def _least(requirement: str) -> str:
    """The lower bound of a requirement, empty where it has none."""
    match = re.search(r">=\s*([\d.]+)", requirement)
    return match[1] if match else ""


def _older(version: str, least: str) -> bool:
    """Whether a version lies under a bound; of pre-releases the numbers count."""

    def numbers(text: str) -> list[int]:
        found = re.match(r"\d+(?:\.\d+)*", text)
        parts = [int(part) for part in found[0].split(".")] if found else []
        return parts + [0] * (4 - len(parts))

    return numbers(version) < numbers(least)


def _fonts() -> Check:
    """The first of the figures' fonts that is there."""

    def look() -> Check:
        from matplotlib import font_manager

        from cytokit.figures.style import FONTS

        there = {entry.name for entry in font_manager.fontManager.ttflist}
        found = [name for name in FONTS if name in there]
        if not found:
            what = f"none of the fonts {', '.join(FONTS)} is installed"
            mend = "pip install --force-reinstall matplotlib, which brings DejaVu Sans"
            return _ill("fonts", Problem("CK-675", what, mend=mend))
        return _ok("fonts", f"figures are set in {found[0]}")

    return _tried("fonts", look)


def _pdf() -> Check:
    """A PDF whose font is embedded as TrueType, as journals want it."""

    def look() -> Check:
        from matplotlib.figure import Figure

        from cytokit.figures.style import figure_bytes, house_style

        with house_style():
            figure = Figure(figsize=(1, 1))
            figure.text(0.1, 0.5, "IL-6, µg")
            made = figure_bytes(figure, "pdf")
        if b"/FontFile2" not in made:
            mend = "pip install --force-reinstall matplotlib"
            return _ill("PDF", Problem("CK-675", "a PDF is made without its font", mend=mend))
        return _ok("PDF", "fonts are embedded as TrueType")

    return _tried("PDF", look)


def _tried(name: str, look: Callable[[], Check]) -> Check:
    """A check that needs a library that may be broken."""
    try:
        return look()
    except Exception as error:  # the library's own check has named it; this one must not end all
        what = f"cannot be looked at: {type(error).__name__}: {error}"
        return _ill(name, Problem("CK-675", what, mend="mend matplotlib and seaborn first"))


def _writable(name: str, folder: Path) -> Check:
    """A file is written and removed."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".cytokit-doctor-") as file:
            file.write(b"written by cytokit doctor\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        what = f"no file can be written: {error.strerror or error}"
        mend = "give results another place with --out"
        if name == "temporary folder":
            mend = "set TMPDIR (Windows: TEMP) to a folder that can be written"
        return _ill(name, Problem("CK-676", what, str(folder.absolute()), mend))
    return _ok(name, f"{folder.absolute()} can be written")


def _space(folder: Path) -> Check:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        mend = "make the folder first, or name another"
        problem = Problem("CK-677", f"unknown: {error.strerror or error}", str(folder), mend)
        return _ill("disk space", problem, Health.WARNING)
    said = f"{free / 2**30:.1f} GB free"
    if free >= LITTLE_SPACE:
        return _ok("disk space", said)
    health = Health.PROBLEM if free < NO_SPACE else Health.WARNING
    mend = "a plate of 50 analytes takes about 5 MB of results: free some space, or use --out"
    return _ill(
        "disk space", Problem("CK-677", f"only {said}", str(folder.absolute()), mend), health
    )


def _names(folder: Path) -> Check:
    """Whether the file system tells capitals apart, and how long a name may be."""
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".cytokit-doctor-") as area:
            (Path(area) / "Plate").touch()
            same = (Path(area) / "pLATE").exists()
        longest = _longest_name(folder)
    except OSError:
        return _ok("file names", "not known: the folder cannot be written")
    said = "plate.csv and PLATE.csv are one file" if same else "capitals are told apart"
    if longest is not None:
        said += f"; a name may have {longest} bytes"
        if longest < SHORT_NAME:
            mend = "work in a folder of another file system, or give plates short names"
            problem = Problem("CK-679", said, str(folder.absolute()), mend)
            return _ill("file names", problem, Health.WARNING)
    return _ok("file names", said)


def _longest_name(folder: Path) -> int | None:
    """In bytes; None where the system does not say."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return None


def _cores() -> Check:
    try:
        ours = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        ours = os.cpu_count() or 1
    return _ok("cores", f"{ours} of {os.cpu_count() or ours}; `--jobs {ours}` uses them")
