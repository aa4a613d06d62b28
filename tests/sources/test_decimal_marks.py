"""Decimal and thousands marks in plates: proven by the cells, or asked for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cytokit.errors import FormatError
from cytokit.parsers.read import read_plate
from cytokit.plate import Plate
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import CYTOKINES, simulate_plate

FAMILIES = ("xponent", "intelliflex", "intelliflex-wide")


def resaved(text: str, swap: dict[str, str], whole: bool) -> str:
    """A file as a spreadsheet saves it: thousands grouped, marks swapped, tabs between."""
    lines = []
    for line in text.splitlines():
        cells = [cell.strip('"') for cell in re.findall(r'"[^"]*"|[^,]+|(?<=,)(?=,)', line)]
        shown = []
        for cell in cells:
            if re.fullmatch(r"-?\d+(?:\.\d+)?", cell):
                number = float(cell)
                number = round(number) if whole else number
                digits = f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"
                cell = "".join(swap.get(sign, sign) for sign in digits)
            shown.append(cell)
        lines.append("\t".join(shown))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def plate() -> Plate:
    truth = {"S1": np.full(2, 100.0), "S2": np.full(2, 2000.0)}
    return simulate_plate(CYTOKINES[:2], truth, rng=np.random.default_rng(4), name="P")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("swap", [{}, {",": ".", ".": ","}, {",": "\u00a0", ".": ","}])
def test_grouped_thousands_beside_decimals_are_read_as_thousands(
    plate: Plate, tmp_path: Path, family: str, swap: dict[str, str]
) -> None:
    text = WRITERS[family].write(plate).decode("utf-8-sig")
    plain, grouped = tmp_path / "plain.txt", tmp_path / "grouped.txt"
    plain.write_text(resaved(text, {",": ""}, whole=False), encoding="utf-8")
    grouped.write_text(resaved(text, swap, whole=False), encoding="utf-8")
    expected, found = read_plate(plain), read_plate(grouped)
    assert expected.wells["mfi"].max() > 1000
    for column in ("mfi", "net_mfi", "bead_count", "expected", "dilution_factor"):
        np.testing.assert_array_equal(found.wells[column], expected.wells[column], column)
    assert not [one for one in found.findings if one.code == "damaged_value"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("swap", [{}, {",": "."}])
def test_whole_numbers_with_one_mark_are_refused_until_somebody_says(
    plate: Plate, tmp_path: Path, family: str, swap: dict[str, str]
) -> None:
    text = resaved(WRITERS[family].write(plate).decode("utf-8-sig"), swap, whole=True)
    path = tmp_path / "grouped.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match="CK-245") as caught:
        read_plate(path)
    assert "can be read in two ways" in str(caught.value)
    assert str(path) in str(caught.value)
    found = read_plate(path, decimal="comma" if swap else "point")
    assert found.wells["mfi"].max() > 1000
    assert read_plate(path, decimal="point" if swap else "comma").wells["mfi"].max() < 1000


def test_an_export_saved_with_grouped_thousands_is_read_as_such(cases: Path) -> None:
    folder = cases / "more" / "09_xponent_thousands"
    found, right = read_plate(folder / "t.csv"), read_plate(folder / "right.csv")
    np.testing.assert_allclose(found.wells["mfi"], right.wells["mfi"].round(1), rtol=1e-3)
    assert found.wells.loc[found.wells["well"] == "C2", "mfi"].tolist() == [3628, 1284]
    assert not [one for one in found.findings if one.code == "damaged_value"]
