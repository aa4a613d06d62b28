"""Curve figures show every well, mark what was not believed, and keep to their axes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from cytokit.errors import NothingToDoError, UsageError
from cytokit.figures.standard_curves import (
    curve_figure,
    curve_pages,
    recovery_strip,
    standard_curve,
)
from cytokit.figures.style import BAD, INK, axes_at, new_figure


def draw(curve, samples=None):
    figure = new_figure("single", 60)
    return standard_curve(curve, axes_at(figure, 15, 6, 65, 42), samples=samples)


def marks(ax, color):
    """How many points are drawn in a colour, as face or edge."""
    total = 0
    for item in ax.collections:
        if type(item).__name__ != "PathCollection":
            continue
        hues = {to_hex(hue) for hue in [*item.get_facecolor(), *item.get_edgecolor()]}
        total += len(item.get_offsets()) if color in hues else 0
    return total


def test_every_well_is_drawn_and_distrusted_ones_are_marked(curve):
    made = curve()
    ax = draw(made)
    assert marks(ax, BAD) == 2, "one down-weighted, one unused"
    levels = len(made.standards)
    assert marks(ax, INK) == len(made.wells) - 2 + levels


def test_blanks_have_a_place_behind_the_break(curve, texts):
    ax = draw(curve())
    assert "0" in [label.get_text() for label in ax.get_xticklabels()]
    dots = [c for c in ax.collections if type(c).__name__ == "PathCollection"]
    offsets = np.vstack([c.get_offsets() for c in dots])
    assert (offsets[:, 0] > 0).all()
    assert offsets[:, 0].min() < 0.6


def test_limits_are_named(curve, texts):
    said = texts(draw(curve()))
    assert {"LOD", "LLOQ", "ULOQ", "IL-6", "good"} <= set(said)
    assert "Concentration (pg/mL)" in said


def test_a_failed_curve_says_why(curve, texts):
    said = " ".join(texts(draw(curve(fails=True)))).replace("\n", " ")
    assert "no curve: the standards rise and fall again" in said
    assert "LLOQ" not in said


def test_samples_are_a_rug_of_this_plate_and_analyte(fitted):
    fit = fitted(["IL-6", "TNF"], plates=("P1", "P2"))
    curve = fit.curves["P1", "IL-6"]
    bare = draw(curve)
    ax = draw(curve, fit.samples)
    strokes = [c for c in ax.collections if type(c).__name__ == "LineCollection"]
    before = [c for c in bare.collections if type(c).__name__ == "LineCollection"]
    assert len(before) == 0
    right = sum(len(c.get_segments()) for c in strokes[::2])
    assert right == 30, "thirty samples of this plate, in range or not"


def test_recovery_beyond_the_strip_is_a_number(curve, texts):
    figure = new_figure("single", 30)
    ax = recovery_strip(curve(), axes_at(figure, 15, 3, 65, 15))
    assert "171" in texts(ax)


def test_recovery_shares_the_curves_axis(fitted):
    fit = fitted(["IL-6"])
    figure = curve_figure(fit.curves["P1", "IL-6"], samples=fit.samples)
    upper, lower = figure.axes
    assert upper.get_xlim() == lower.get_xlim()


def test_pages_hold_all_curves(fitted, well_set):
    fit = fitted(["IL-6", "TNF-α"], plates=("P1", "P2"))
    (page,) = curve_pages(fit)
    assert len(page.axes) == 8
    well_set(page)
    (page,) = curve_pages(fit, plate="P2", analytes=["TNF-α", "IL-6"])
    assert [ax.get_title(loc="left") for ax in page.axes[::2]] == ["TNF-α", "IL-6"]


@pytest.mark.parametrize("width", ["single", "double"])
def test_single_curves_are_well_set(curve, fitted, well_set, width):
    name = "a protein with a very long name <img onerror> $x$ that no title holds entirely"
    well_set(curve_figure(curve(name), samples=fitted([name]).samples, width=width))


def test_tick_labels_keep_apart(fitted):
    page = curve_pages(fitted([f"A{i}" for i in range(4)] * 1))[0]
    page.draw_without_rendering()
    for ax in page.axes:
        boxes = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
        boxes.sort(key=lambda box: box.x0)
        assert all(a.x1 <= b.x0 for a, b in pairwise(boxes))


def test_errors_name_what_is_wrong(fitted):
    fit = fitted(["IL-6"])
    with pytest.raises(UsageError) as caught:
        curve_pages(fit, plate="P9", analytes=["IL6"])
    assert "CK-527: the fit has no curve of plate 'P9'" in str(caught.value)
    assert "analyte 'IL6' (did you mean 'IL-6'?)" in str(caught.value)
    with pytest.raises(UsageError, match=r"CK-521: unknown figure width"):
        curve_pages(fit, width="x")
    with pytest.raises(NothingToDoError, match=r"CK-525: there is no curve to draw"):
        curve_pages(fitted([]))
