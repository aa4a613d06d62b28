"""The example parser of CONTRIBUTING.md works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cytokit.errors import FormatError
from cytokit.parsers import registry as _registry
from cytokit.parsers.read import read_plate
from cytokit.parsers.registry import PARSERS

PAGE = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"
EXPORT = "Reader,Acme\n\nwell,sample,analyte,mfi\nA1,S-01,IL-6,812.5\nA1,S-01,TNFa,95\n"


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code block, registered for one test."""
    section = PAGE.read_text(encoding="utf-8").split("## Add a parser")[1]
    block = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert block is not None
    monkeypatch.setattr(_registry, "PARSERS", dict(PARSERS))
    exec(compile(block[1], str(PAGE), "exec"), {"__name__": "acme"})


@pytest.mark.usefixtures("acme")
def test_the_example_parser_reads_a_plate(tmp_path: Path) -> None:
    file = tmp_path / "run 7.csv"
    file.write_text(EXPORT)
    plate = read_plate(file)
    assert (plate.name, plate.source.format) == ("run 7", "acme")
    assert plate.analyte_names == ["IL-6", "TNFa"]
    assert plate.wells["mfi"].tolist() == [812.5, 95.0]


@pytest.mark.usefixtures("acme")
def test_its_errors_name_the_place(tmp_path: Path) -> None:
    file = tmp_path / "run 7.csv"
    file.write_text(EXPORT.replace("A1,S-01,TNFa", "Z1,S-01,TNFa"))
    with pytest.raises(FormatError, match="CK-160: 'Z1' is no well") as caught:
        read_plate(file)
    assert "line 5, column 1" in str(caught.value)


def test_unless_it_registers_itself_nobody_claims_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run 7.csv"
    file.write_text(EXPORT)
    with pytest.raises(FormatError, match="CK-103"):
        read_plate(file)
