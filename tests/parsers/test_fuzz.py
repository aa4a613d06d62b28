"""A bounded part of benchmarks/fuzz_parsers.py: damaged files give plates or named errors."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def fuzzer() -> ModuleType:
    file = Path(__file__).resolve().parents[2] / "benchmarks" / "fuzz_parsers.py"
    spec = importlib.util.spec_from_file_location("fuzz_parsers", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_undamaged_files_are_read(fuzzer: ModuleType) -> None:
    for name, data in fuzzer.simulated().items():
        assert fuzzer.read(name, data) == "plate"


def test_damage_gives_a_plate_or_an_error_with_a_place(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzzer, "corpus", lambda: {**fuzzer.simulated(), **fuzzer.others()})
    outcomes, faults = fuzzer.fuzz(600, seed=11)
    assert faults == []
    assert outcomes["plate"] > 0
    assert outcomes["another file"] > 0
    assert outcomes["the same meaning"] == 120
    assert len(outcomes) > 15


def test_other_files_are_read_undamaged(fuzzer: ModuleType) -> None:
    for name, data in fuzzer.others().items():
        assert fuzzer.read(name, data) == "another file"


def test_a_change_of_meaning_would_be_seen(fuzzer: ModuleType) -> None:
    """What makes the rounds that keep the meaning worth something."""
    files = {**fuzzer.simulated(), **fuzzer.others()}
    design = files["design.csv"]
    assert fuzzer.differs("design.csv", design, design, "") == ""
    assert fuzzer.differs("design.csv", design, design.replace(b"treated", b"placebo"), "")
    name = next(name for name in files if name.startswith("xponent"))
    assert fuzzer.differs(name, files[name], files[name], "") == ""
    assert fuzzer.differs(name, files[name], files[name].replace(b"P1", b"Px"), "")


@pytest.mark.slow
def test_ten_thousand_rounds_on_every_kind_of_file(
    fuzzer: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzzer, "corpus", lambda: {**fuzzer.simulated(), **fuzzer.others()})
    outcomes, faults = fuzzer.fuzz(10_000, seed=13)
    assert faults == []
    assert outcomes["slowest reading in ms"] < 5_000


@pytest.mark.slow
@pytest.mark.real
def test_three_thousand_rounds_of_damage_on_real_plates(fuzzer: ModuleType, real: Path) -> None:
    outcomes, faults = fuzzer.fuzz(3_000, seed=12)
    assert faults == []
    assert outcomes["slowest reading in ms"] < 5_000
