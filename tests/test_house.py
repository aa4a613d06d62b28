"""The house itself: packages, docs, names of one machine, size of files."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from cytokit.parsers import registry
from cytokit_cli.main import main

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


def page_of(name: str) -> str:
    """What ``docs/make_<name>.py`` writes now."""
    spec = importlib.util.spec_from_file_location(f"make_{name}", ROOT / f"docs/make_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.page())


@pytest.mark.parametrize("name", ["errors", "formats"])
def test_the_page_of_docs_is_current(name: str) -> None:
    page = (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
    assert page == page_of(name), f"run: python docs/make_{name}.py"


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


STRANGER = '''
"""Acme's reader: well, sample, type, expected, intensity."""

from cytokit.parsers.registry import RunKeys, parser
from cytokit.plate import Plate, SourceInfo, make_analytes, make_wells


def is_acme(raw):
    return raw.lines[0].startswith("Acme plate")


@parser("acme", "Acme (first line 'Acme plate')", sniff=is_acme, run=RunKeys(date=("Began",)))
def read_acme(raw):
    rows = [row for row in raw.rows[2:] if len(row) == 5]
    wells = [
        {"well": well, "sample": sample, "well_type": kind, "analyte": "IL-6",
         "dilution_factor": 1.0, "expected": float(expected or "nan"), "mfi": float(mfi)}
        for well, sample, kind, expected, mfi in rows
    ]
    source = SourceInfo(raw.path, raw.sha256, "acme", raw.encoding, raw.delimiter)
    header = dict([raw.rows[1][:2]])
    return [Plate(raw.stem, source, make_wells(wells), make_analytes(["IL-6"]), header)]
'''


def test_a_parser_is_added_from_outside_in_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*words: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in words])
        said = capfd.readouterr()
        return int(stop.value.code or 0), said.out + said.err

    levels = [2.4 * 4**i for i in range(7)]
    rows = [
        f"{'AB'[twin]}{i + 1},S{i},standard,{x},{20 + 9000 * x / (x + 900) + twin}"
        for i, x in enumerate(levels)
        for twin in (0, 1)
    ]
    rows += ["C1,blank,blank,0,20", "C2,blank,blank,0,21"]
    rows += ["D1,P1,unknown,,900", "D2,P1,unknown,,910"]
    export = tmp_path / "acme run.csv"
    export.write_text("\n".join(["Acme plate,1,,,", "Began,2024-05-06,,,", *rows]) + "\n")
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader,\nno plate here.\n")
    monkeypatch.setattr(registry, "PARSERS", dict(registry.PARSERS))
    assert run("inspect", export)[0] == 3
    assert "Acme (first line" not in run("inspect", letter)[1]

    exec(compile(STRANGER, "acme.py", "exec"), {"__name__": "acme"})
    code, said = run("inspect", export, "--json")
    (facts,) = json.loads(said)["plates"]
    assert (code, facts["format"], facts["run_date"]) == (0, "acme", "2024-05-06T00:00:00")
    assert run("convert", export, "--to", tmp_path / "tidy.csv")[0] == 0
    assert len((tmp_path / "tidy.csv").read_text().splitlines()) == 1 + len(rows)
    assert run("fit", export, "--out", tmp_path / "fit")[0] == 0
    manifest = json.loads((tmp_path / "fit" / "manifest.json").read_text())
    assert [one["format"] for one in manifest["inputs"]] == ["acme"]
    assert ",P1,unknown,IL-6,2," in (tmp_path / "fit" / "samples.csv").read_text()
    assert "Acme (first line 'Acme plate')" in run("inspect", letter)[1]
    assert "| `acme` | Acme (first line 'Acme plate') | Began |" in page_of("formats")


#: a result writes and draws itself: the only imports of rooms behind
LATE = {
    ("cytokit.curves.fit", "cytokit.figures.standard_curves"),
    ("cytokit.curves.fit", "cytokit.figures.style"),
    ("cytokit.curves.platefit", "cytokit.results.write"),
    ("cytokit.qc.control", "cytokit.figures.levey_jennings"),
    ("cytokit.qc.control", "cytokit.results.write"),
    ("cytokit.trial.comparison", "cytokit.figures.forest"),
    ("cytokit.trial.comparison", "cytokit.figures.panels"),
    ("cytokit.trial.comparison", "cytokit.results.write"),
}


def _imports() -> dict[str, set[str]]:
    """Every import of one module by another, late ones and those of types included."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "cytokit").rglob("*.py")
    }
    found: dict[str, set[str]] = {}
    for module, path in files.items():
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
        names = {f"{one.module}.{alias.name}" for one in froms for alias in one.names}
        names |= {str(one.module) for one in froms}
        found[module] = {
            name for name in names if name in files and name != module and name != "cytokit"
        }
    return found


def test_no_import_goes_in_a_circle() -> None:
    edges = _imports()
    assert {(module, other) for module, others in edges.items() for other in others} >= LATE
    waiting = {
        module: {other for other in others if (module, other) not in LATE}
        for module, others in edges.items()
    }
    while free := [module for module, others in waiting.items() if not others & set(waiting)]:
        for module in free:
            del waiting[module]
    assert not waiting, f"in or before a circle: {sorted(waiting)}"


def test_names_of_modules_and_classes_are_unique() -> None:
    files = [path for room in ("cytokit", "cli") for path in (ROOT / room).rglob("*.py")]
    modules = Counter(path.stem for path in files if path.stem != "__init__")
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    classes = Counter(
        node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)
    )
    assert [name for name, times in (modules | classes).items() if times > 1] == []
