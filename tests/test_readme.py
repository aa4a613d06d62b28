"""The README's examples run as written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def block(name: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)\n```", text, flags=re.DOTALL)
    if found is None:
        pytest.fail(f"README.md has no block named {name}")
    return found[1]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a user may have it: the example plates, one of them as plate.csv, a table."""
    folder = tmp_path_factory.mktemp("readme")
    for path in (ROOT / "example_plates").glob("*.csv"):
        shutil.copy(path, folder)
    shutil.copy(folder / "plate_1.csv", folder / "plate.csv")
    shutil.copy(folder / "truth_samples.csv", folder / "table.csv")
    return folder


@pytest.mark.parametrize("line", block("examples").splitlines())
def test_everyday_uses_run_in_order(bench: Path, line: str) -> None:
    words = line.partition("#")[0].split()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "cytokit_cli.main", *words[1:]],
        cwd=bench,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_notebook_lines_run(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench)
    names: dict[str, object] = {}
    exec(compile(block("notebook"), "README.md", "exec"), names)
    table = names["result"].table
    assert set(table["analyte"]) == {"IFNg", "IL-6", "TNFa", "RANTES", "GM-CSF", "PDGF-BB"}


def test_the_picture_is_there_and_is_one() -> None:
    picture = ROOT / "docs/panels.png"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
