"""Plate maps put each well where it lies; flags keep their worst."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import NothingToDoError, UsageError
from cytokit.figures.plate_maps import (
    flag_grid,
    plate_map,
    plate_page,
    plate_pages,
    reading_grid,
    standards_across_plates,
    standards_pages,
)
from cytokit.figures.style import axes_at, new_figure
from cytokit.plate import PLATE_SHAPES

FLAGS = pd.DataFrame(
    [
        ("P1", "A1", "IL-6", "info"),
        ("P1", "A1", "IL-6", "fail"),
        ("P1", "B2", "", "warn"),
        ("P1", "C3", "TNF", "fail"),
        ("P2", "D4", "IL-6", "fail"),
        ("P1", "", "IL-6", "fail"),
    ],
    columns=["plate", "well", "analyte", "severity"],
)


def draw(plate, **how):
    figure = new_figure("single", 65)
    return plate_map(plate, "IL-6", axes_at(figure, 8, 10, 65, 43), **how)


@pytest.mark.parametrize("size", [96, 384])
def test_wells_lie_where_they_are(plate, size):
    made = plate(size)
    grid = reading_grid(made.wells, "bead_count", PLATE_SHAPES[size])
    by_name = made.wells.set_index("well")["bead_count"]
    assert grid[0, 0] == by_name["A1"]
    assert grid[7, 11] == by_name["H12"]
    assert np.isfinite(grid).sum() == size - 4


def test_flags_keep_the_worst_of_this_plate_and_analyte(plate):
    grid = flag_grid(plate(), "IL-6", FLAGS, (8, 12))
    assert grid[0, 0] == 3
    assert grid[1, 1] == 2
    assert grid[2, 2] == 0, "another analyte's"
    assert grid[3, 3] == 0, "another plate's"
    assert np.isnan(grid[4, 2]), "not in the export"


def test_signs_say_what_wells_hold(plate, texts):
    said = texts(draw(plate()))
    assert [said.count(sign) for sign in ("S", "B")] == [16, 2 + 1], "and row B"
    said = texts(draw(plate(), value="flags", flags=FLAGS))
    assert said.count("×") == 1
    assert said.count("!") == 1


def test_rows_and_columns_are_named(plate):
    ax = draw(plate())
    assert [label.get_text() for label in ax.get_yticklabels()] == list("ABCDEFGH")
    assert ax.get_xticklabels()[0].get_text() == "1"
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "row A is on top"


@pytest.mark.parametrize("size", [96, 384])
def test_pages_are_well_set(plate, well_set, size):
    page = plate_page(plate(size), "IL-6", flags=FLAGS)
    well_set(page)
    assert page.get_size_inches()[1] * 25.4 <= 247


def test_a_page_of_many_analytes(plate, texts):
    names = ["IL-6", "IFN-γ", "<b>", "$x$"]
    (page,) = plate_pages(plate(analytes=names), value="bead_count")
    assert {"IL-6, bead count", "IFN-γ, bead count", "<b>, bead count"} <= set(texts(page))


def test_a_plate_without_signal_is_drawn(plate):
    made = plate()
    made.wells["mfi"] = 0.0
    draw(made)
    made.wells["mfi"] = np.nan
    draw(made)


def standards(plates, analytes=("IL-6",)):
    rows = [(p, a, x, 10.0 + x) for p in plates for a in analytes for x in (0.0, 1.0, 10.0, 100.0)]
    return pd.DataFrame(rows, columns=["plate", "analyte", "expected", "mfi"])


@pytest.mark.parametrize("count", [1, 2, 8, 9, 30])
def test_standards_across_plates(count):
    figure = new_figure("single", 60)
    ax = axes_at(figure, 15, 6, 65, 45)
    standards_across_plates(standards([f"plate {i}" for i in range(count)]), "IL-6", ax)
    assert len(ax.lines) == count
    assert all(len(line.get_xdata()) == 3 for line in ax.lines), "blanks are left out"
    assert (ax.get_legend() is not None) == (1 < count <= 8)


def test_standards_pages_are_well_set(well_set):
    names = ["IL-6", "a very long analyte name that no title could ever hold, not even nearly"]
    (page,) = standards_pages(standards(["P1", "P2 " * 30], names))
    well_set(page)


def test_errors_name_what_is_wrong(plate):
    with pytest.raises(UsageError, match=r"CK-527: there is no analyte 'IL6'.*'IL-6'"):
        plate_page(plate(), "IL6")
    with pytest.raises(UsageError, match=r"CK-524: unknown plate map 'beads'"):
        plate_pages(plate(), value="beads")
    with pytest.raises(UsageError, match=r"CK-527: there is no analyte 'TNF'"):
        standards_across_plates(standards(["P1"]), "TNF", None)
    with pytest.raises(NothingToDoError, match=r"CK-525: there are no standards"):
        standards_pages(standards([]))
