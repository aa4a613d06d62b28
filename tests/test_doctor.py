"""doctor: each usual trouble is made, found, and its mending named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest

from cytokit import doctor
from cytokit.doctor import Check, Health, examine

REAL_VERSION, REAL_IMPORT = metadata.version, doctor.importlib.import_module


def found(name: str, folder: Path) -> Check:
    return next(check for check in examine(folder) if check.name == name)


def test_a_sound_place_has_no_problem(tmp_path: Path) -> None:
    checks = examine(tmp_path)
    assert [check for check in checks if check.health is Health.PROBLEM] == []
    names = [check.name for check in checks]
    assert {"python", "cytokit", "numpy", "pandas", "fonts", "PDF", "cores"} <= set(names)
    assert list(tmp_path.iterdir()) == []
    assert all(check.code and check.mend for check in checks if check.health is not Health.OK)


def test_an_old_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.9.18")
    check = found("python", tmp_path)
    assert (check.health, check.code) == (Health.PROBLEM, "CK-670")
    assert check.said == "Python 3.9.18 is older than 3.11"


def test_libraries_that_lack_are_old_or_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name == "lmfit":
            raise metadata.PackageNotFoundError(name)
        return {"pandas": "2.3.1", "scipy": "1.14rc1"}.get(name, REAL_VERSION(name))

    def load(name: str, *rest: object) -> object:
        if name == "statsmodels":
            raise OSError("libopenblas.so.0: cannot open shared object file")
        return REAL_IMPORT(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    monkeypatch.setattr(doctor.importlib, "import_module", load)
    checks = {check.name: check for check in examine(tmp_path)}
    ill = {name: check.code for name, check in checks.items() if check.health is Health.PROBLEM}
    assert ill == {"lmfit": "CK-672", "pandas": "CK-673", "statsmodels": "CK-674"}
    assert checks["lmfit"].mend == "pip install --upgrade 'lmfit>=1.3.2'"
    assert checks["pandas"].said == "pandas 2.3.1 is older than 3.0"
    assert "cannot be imported: OSError: libopenblas" in checks["statsmodels"].said


def test_cytokit_without_its_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    for part in ("version", "metadata", "requires"):
        monkeypatch.setattr(doctor.metadata, part, nothing)
    check = found("cytokit", tmp_path)
    assert (check.health, check.code) == (Health.PROBLEM, "CK-671")
    assert check.said == "no cytokit-luminex is installed"


def test_another_package_of_our_name(tmp_path: Path) -> None:
    """As pip leaves them: the other's metadata, and our __init__.py overwritten by its own."""
    info = tmp_path / "site" / "Cytokit-0.1.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Cytokit\nVersion: 0.1.1\n")
    (info / "RECORD").write_text("cytokit/__init__.py,,\ncytokit/cli/main.py,,\n")
    code = (
        "import json, cytokit\n"
        "from dataclasses import asdict\n"
        "from cytokit.doctor import _clash, _cytokit\n"
        "del cytokit.__all__\n"
        "print(json.dumps([asdict(_clash()), asdict(_cytokit())]))\n"
    )
    path = os.pathsep.join([str(info.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    clash, own = json.loads(done.stdout)
    assert (clash["health"], clash["code"]) == ("problem", "CK-678")
    assert clash["said"].startswith("cytokit also installs the import name cytokit")
    assert clash["mend"].startswith("pip uninstall cytokit cytokit-luminex")
    assert own["code"] == "CK-671"
    assert "is not ours" in own["said"]


def test_folders_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    below = file / "folder"  # not even root can write below a file
    monkeypatch.setattr(doctor.tempfile, "gettempdir", lambda: str(below))
    checks = {check.name: check for check in examine(below)}
    for name in ("working folder", "temporary folder"):
        assert (checks[name].health, checks[name].code) == (Health.PROBLEM, "CK-676")
        assert "Not a directory" in checks[name].said
    assert "TMPDIR" in checks["temporary folder"].mend
    assert checks["file names"].said == "not known: the folder cannot be written"
    assert checks["disk space"].code == "CK-677"


@pytest.mark.parametrize(
    ("free", "health"),
    [(10**6, Health.PROBLEM), (3 * 10**8, Health.WARNING), (10**11, Health.OK)],
)
def test_disk_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, health: Health
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10**12, 10**12 - free, free))
    assert found("disk space", tmp_path).health is health


def test_names_that_may_only_be_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "pathconf", lambda *_: 64)
    check = found("file names", tmp_path)
    assert (check.health, check.code) == (Health.WARNING, "CK-679")
    assert "a name may have 64 bytes" in check.said


def test_fonts_and_pdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cytokit.figures import style

    monkeypatch.setattr(style, "FONTS", ["Nowhere Sans"])
    assert found("fonts", tmp_path).code == "CK-675"
    monkeypatch.setattr(style, "figure_bytes", lambda *_: b"%PDF-1.4 no font")
    assert found("PDF", tmp_path).said == "a PDF is made without its font"

    def broken(*_: object) -> bytes:
        raise RuntimeError("freetype is broken")

    monkeypatch.setattr(style, "figure_bytes", broken)
    check = found("PDF", tmp_path)
    assert check.health is Health.PROBLEM
    assert "cannot be looked at: RuntimeError: freetype is broken" in check.said
