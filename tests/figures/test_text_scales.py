"""Names and ticks: harmless, as wide as said, readable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.figures.axes import log_axis, log_bounds, log_ticks
from cytokit.figures.style import axes_at, new_figure
from cytokit.figures.text import number, plain, shorten, squeeze, text_width, wrap

WORDS = st.text("abc", min_size=1, max_size=6)
HOSTILE = [
    "<img src=x onerror=alert(1)>", "=HYPERLINK(1)", "../../x", "$\\frac{", "a$b$c", "\x00\x07",
    "日本語", "😀", "\u202eevil", "line\nbreak", "%s {0}", "IFN-γ", "", "a\\$b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_can_be_drawn(name):
    figure = new_figure("single", 30)
    axes_at(figure, 10, 5, 60, 20).set_title(plain(name))
    figure.draw_without_rendering()  # warnings (missing glyphs, mathtext) are errors


def test_greek_and_signs_survive():
    assert plain("IFN-γ, TNF-α, 100±20 µg") == "IFN-γ, TNF-α, 100±20 µg"


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=40), st.floats(5, 150))
def test_shortened_text_fits(text, room):
    short = shorten(plain(text), room)
    assert text_width(short) <= max(room, text_width("…"))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.text(max_size=40), st.floats(5, 150))
def test_squeezed_text_fits(text, room):
    short = squeeze(plain(text), room)
    assert text_width(short) <= max(room, text_width("…"))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=20), st.floats(40, 200)
)
def test_wrapped_text_loses_no_word(words, room):
    lines = wrap(" ".join(words), room)
    assert " ".join(lines).split() == words
    assert all(text_width(line) <= room for line in lines)
    assert len(wrap(" ".join(words), room, lines=2)) <= 2


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.floats(-6, 7), st.floats(0.3, 9))
def test_ticks_are_few_and_inside(start, span):
    low, high = 10**start, 10 ** (start + span)
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 8
    assert all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(set(ticks))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=10))
def test_bounds_hold_the_values(values):
    low, high = log_bounds(values)
    assert low < min(values) <= max(values) < high
    assert high / low >= 3 * (1 - 1e-9)


def test_bounds_ignore_what_has_no_place_on_a_log_axis():
    assert log_bounds([0.0, -1.0, np.nan, np.inf]) == (1.0, 10.0)
    assert log_bounds([0.0, 10.0, 20.0]) == log_bounds([10.0, 20.0])


def test_labels_of_an_axis_are_of_one_kind():
    figure = new_figure("single", 60)
    ax = axes_at(figure, 15, 5, 60, 50)
    log_axis(ax, "y", 1.0, 5e6)
    figure.draw_without_rendering()
    labels = [label.get_text() for label in ax.get_yticklabels() if label.get_text()]
    assert labels == ["10⁰", "10¹", "10²", "10³", "10⁴", "10⁵", "10⁶"]
    assert number(10000) == "10,000"


def test_names_that_differ_at_their_end_stay_apart():
    names = [squeeze(f"Bordetella pertussis {end}", 50) for end in ("Toxin", "FHA")]
    assert names[0] != names[1]
    assert names[0].endswith("oxin")
    assert names[1].endswith("FHA")
