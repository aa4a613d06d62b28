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
    monkeypatch.setattr(fuzzer, "corpus", fuzzer.simulated)
    outcomes, faults = fuzzer.fuzz(150, seed=11)
    assert faults == []
    assert outcomes["plate"] > 0
    assert len(outcomes) > 5


@pytest.mark.slow
@pytest.mark.real
def test_three_thousand_rounds_of_damage_on_real_plates(fuzzer: ModuleType, real: Path) -> None:
    outcomes, faults = fuzzer.fuzz(3_000, seed=12)
    assert faults == []
    assert outcomes["slowest reading in ms"] < 5_000
