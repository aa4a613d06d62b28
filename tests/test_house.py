"""The house itself: packages, docs, names of one machine, size of files."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def source_files() -> list[Path]:
    return sorted([*(ROOT / "cytokit").rglob("*.py"), *(ROOT / "cli").rglob("*.py")])


def test_the_packages_that_are_installed_are_the_folders_there_are() -> None:
    folders = {"cytokit_cli", "cytokit.example_plates"}
    for init in (ROOT / "cytokit").rglob("__init__.py"):
        folders.add(".".join(init.parent.relative_to(ROOT).parts))
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == folders


def test_files_that_are_no_code_travel_with_their_package() -> None:
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for path in (ROOT / "cytokit").rglob("*"):
        if path.suffix in {".html", ".css", ".js"}:
            package = ".".join(path.parent.relative_to(ROOT).parts)
            assert f"*{path.suffix}" in data[package], path


def test_the_page_of_errors_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_errors", ROOT / "docs/make_errors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    assert page == module.page(), "run: python docs/make_errors.py"


def test_every_error_code_says_what_is_wrong() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    blank = re.findall(r"^\| (CK-\d{3}) \| *\|", page, flags=re.MULTILINE)
    assert blank == []


def test_every_public_name_is_there() -> None:
    import cytokit

    for name in cytokit.__all__:
        assert getattr(cytokit, name).__doc__, name


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    import cytokit

    assert not hasattr(cytokit, "fitt")
    assert "fit" in dir(cytokit)
