"""Reading numbers at once gives to the last bit what reading cell by cell gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytokit.errors import FormatError
from cytokit.parsers import blocks as _blocks
from cytokit.parsers.read import read_plate
from cytokit.plate import Plate

Write = Callable[..., str]

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-(10**9), 10**9, places=4).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(["0", "-0", ".5", "5.", "007", "+3", "1e5", "1e999", "1..2", "-", "--5"]),
)
TOKENS = st.one_of(NUMBERS, st.sampled_from(["", "NaN", "< 3.2", "1_0", "12,5", "1,234", "26.mar"]))
BLOCK = st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=8, max_size=8)
MIXED = st.lists(st.lists(TOKENS, min_size=2, max_size=2), min_size=8, max_size=8)
SOME = st.lists(
    st.lists(st.one_of(NUMBERS, NUMBERS, NUMBERS, TOKENS), min_size=2, max_size=2),
    min_size=8,
    max_size=8,
)


def read(file: Path, least: int, monkeypatch: pytest.MonkeyPatch) -> Plate | str:
    monkeypatch.setattr(_blocks, "_LEAST_CELLS", least)
    try:
        return read_plate(file)
    except FormatError as error:
        return str(error)


@settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    plain=BLOCK,
    mixed=st.one_of(MIXED, SOME),
    quoting=st.sampled_from([0, 1]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    names=st.lists(st.text('aé ,;"', max_size=4), min_size=8, max_size=8),
    change=st.sampled_from(["", '"500"', "500"]),
)
def test_both_ways_read_the_same(
    xponent: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plain: list[list[str]],
    mixed: list[list[str]],
    quoting: int,
    delimiter: str,
    names: list[str],
    change: str,
) -> None:
    text = xponent(
        blocks={"Median": plain, "Mean": mixed},
        samples=names,
        quoting=quoting,
        delimiter=delimiter,
    )
    file = tmp_path / "plate.csv"
    file.write_bytes(text.replace(change, "", 1).encode() if change else text.encode())
    at_once, by_cell = read(file, 1, monkeypatch), read(file, 10**9, monkeypatch)
    if isinstance(at_once, str) or isinstance(by_cell, str):
        assert at_once == by_cell
        return
    pd.testing.assert_frame_equal(at_once.wells, by_cell.wells, check_exact=True)
    assert at_once.findings == by_cell.findings
    assert list(at_once.statistics) == list(by_cell.statistics)
    for name, table in at_once.statistics.items():
        pd.testing.assert_frame_equal(table, by_cell.statistics[name], check_exact=True)


def test_plain_blocks_are_read_at_once(
    xponent: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    original = _blocks._read_group

    def counted(*arguments: object) -> object:
        result = original(*arguments)  # type: ignore[arg-type]
        calls.append(len(result))
        return result

    monkeypatch.setattr(_blocks, "_read_group", counted)
    monkeypatch.setattr(_blocks, "_LEAST_CELLS", 1)
    file = tmp_path / "plate.csv"
    blocks = {"Mean": [["NaN", "2"]] * 8, "Peak": [["NaN", "x"]] * 8, "Std Dev": [["", ""]] * 8}
    file.write_text(xponent(blocks=blocks), encoding="utf-8")
    plate = read_plate(file)
    assert calls == [4], "Median, Net MFI, Count and Mean; the others hold hardly a number"
    assert list(plate.statistics["Mean"]["IL-6"].isna()) == [True] * 8
    assert list(plate.statistics) == ["Mean", "Peak", "Total Events"]
    assert plate.unread == (), "Std Dev is empty and has nothing to lose"
