"""Dilution factors in words: one rule for every export and for layouts."""

from __future__ import annotations

import datetime
import math
from pathlib import Path

import pytest

from cytokit.curves.platefit import fit
from cytokit.parsers.read import read_plate
from cytokit.sources.numbers import fraction_of, read_dilution

_TWO = (
    *("2", "2.0", "2,0", "1:2", "1 : 2", "1/2", "1 / 2", "1 in 2", "1 IN 2", "2x", "2 X", "x2"),
    *("× 2", "2-fold", "2 fold", "2fold", "2 times", "1+1", "1 + 1", "1:2 dilution", "dil. 1:2"),
    *("dilution factor: 2", " 2 ", "1:2,0"),
)


@pytest.mark.parametrize("text", _TWO)
def test_two_may_be_written_in_many_ways(text: str) -> None:
    assert read_dilution(text).value == 2
    assert read_dilution(text, ",").value == 2


@pytest.mark.parametrize(
    ("cell", "factor"),
    [("1:50", 50), ("50-fold", 50), ("1:2.5", 2.5), ("x 2,5", 2.5), ("neat", 1), ("Undiluted", 1),
     ("1/1", 1), (50, 50), (2.5, 2.5), ("1e3", 1000), ("1:12,345,678", 12345678)],
)  # fmt: skip
def test_factors(cell: object, factor: float) -> None:
    assert read_dilution(cell).value == factor


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("0.5", "one part in 2, or concentrated 2-fold"),
        ("0,5", "one part in 2, or concentrated 2-fold"),
        (0.02, "one part in 50, or concentrated 50-fold"),
        ("1:1", "undiluted, or one part and one part"),
        ("1 to 2", "'1 to 2' is no dilution factor"),
        ("1:1,000", "no dilution factor"),
        ("half", "no dilution factor"),
        ("50 pg/mL", "no dilution factor"),
        ("50 %", "no dilution factor"),
        ("<50", "no dilution factor"),
        ("*50", "no dilution factor"),
        ("0", "no dilution factor"),
        ("-2", "no dilution factor"),
        ("inf", "no dilution factor"),
        ("1/2/2021", "no dilution factor"),
        ("01:02:00", "no dilution factor"),
        (datetime.time(1, 2), "no dilution factor"),
        ("", "no factor is given"),
        (None, "no factor is given"),
        ("2" * 200, "no dilution factor"),
        ("x" * 100_000, "no dilution factor"),
    ],
)
def test_what_can_be_read_in_two_ways_or_none_is_no_factor(cell: object, reason: str) -> None:
    found = read_dilution(cell)
    assert math.isnan(found.value)
    assert reason in found.reason
    assert len(found.reason) < 200


def test_standards_named_by_their_fraction() -> None:
    assert fraction_of("1/100") == 100
    assert fraction_of("1:2,5") == 2.5
    assert fraction_of("P1") is None


def test_dilution_text_in_an_export_is_the_factor_or_there_is_no_number(cases: Path) -> None:
    fitted = fit([read_plate(cases / "tables" / "3_dilution_text.csv")])
    samples = fitted.samples[fitted.samples["well_type"] == "unknown"].set_index("sample")
    assert samples.loc[["S1", "S2", "S3"], "dilution_factor"].tolist() == [2, 2, 2]
    assert samples.loc[["S1", "S2", "S3"], "concentration"].tolist() == pytest.approx(
        [1000.0] * 3, rel=0.1
    )
    for name in ("S4", "S5"):
        assert samples.loc[name, "status"] == "not_measured"
        assert samples.loc[name, "flags"] == "dilution_missing"
        assert math.isnan(samples.loc[name, "concentration"])
    said = {one.sample: one.message for one in fitted.findings if one.code == "dilution_unclear"}
    assert set(said) == {"S4", "S5"}
