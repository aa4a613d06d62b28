"""Brackets touch neither the data nor each other, and stay inside the axes."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.figures.brackets import (
    LEAST_SHARE,
    Box,
    Bracket,
    Obstacle,
    draw_brackets,
    height_needed,
    size_in_points,
)
from cytokit.figures.style import axes_at, new_figure

TEXTS = st.sampled_from(["*", "****", "ns", "p = 0.012", "**** p < 0.001", "not analysed"])
COLUMNS = 5


def touch(one: Box, other: Box) -> bool:
    beside = one.right <= other.left + 1e-6 or other.right <= one.left + 1e-6
    return not (beside or one.top <= other.bottom + 1e-6 or other.top <= one.bottom + 1e-6)


@st.composite
def layouts(draw):
    tops = draw(st.lists(st.floats(0.01, 1.0), min_size=COLUMNS, max_size=COLUMNS))
    possible = st.sampled_from(list(combinations(range(COLUMNS), 2)))
    pairs = draw(st.lists(possible, min_size=1, max_size=7, unique=True))
    brackets = [Bracket(a, b, draw(TEXTS)) for a, b in pairs]
    return tops, brackets


def axes(log: bool):
    figure = new_figure("single", 110)
    ax = axes_at(figure, 15, 5, 70, 90)
    ax.set_xlim(-0.6, COLUMNS - 0.4)
    if log:
        ax.set_yscale("log")
        ax.set_ylim(1e-3, 1e4)
    else:
        ax.set_ylim(0, 1)
    return ax


@pytest.mark.parametrize("log", [False, True])
@settings(deadline=None, derandomize=True, max_examples=15)
@given(layout=layouts())
def test_nothing_touches(log, layout):
    shares, brackets = layout
    ax = axes(log)
    heights = [1e-3 * 1e7**share if log else share for share in shares]
    obstacles = [Obstacle(i - 0.4, i + 0.4, height) for i, height in enumerate(heights)]
    placed = draw_brackets(ax, brackets, obstacles)
    width, height = size_in_points(ax)
    scale = 72 / ax.figure.dpi
    data = []
    for item in obstacles:
        left, top = ax.transData.transform((item.left, item.top)) - ax.bbox.p0
        right = ax.transData.transform((item.right, item.top))[0] - ax.bbox.x0
        data.append(Box(left * scale, 0, right * scale, top * scale))
    for item in placed:
        assert not any(touch(box, other) for box in (item.line, item.text) for other in data)
        assert item.text.left >= -1e-6
        assert item.text.right <= width + 1e-6
        assert item.text.top <= height + 1e-6
    for one, other in combinations(placed, 2):
        for a in (one.line, one.text):
            assert not any(touch(a, b) for b in (other.line, other.text))


def test_order_of_input_changes_nothing():
    brackets = [Bracket(0, 1, "*"), Bracket(2, 3, "ns"), Bracket(1, 3, "p = 0.012")]
    obstacles = [Obstacle(i - 0.4, i + 0.4, 0.5) for i in range(4)]
    there = draw_brackets(axes(False), brackets, obstacles)
    back = draw_brackets(axes(False), brackets[::-1], obstacles)
    assert there == back[::-1]


def test_data_keep_a_share_of_crowded_axes():
    ax = axes(False)
    brackets = [Bracket(0, 4, "ns") for _ in range(60)]
    draw_brackets(ax, brackets, [Obstacle(0, 4, 1.0)])
    assert ax.get_ylim()[1] == pytest.approx(1 / LEAST_SHARE, rel=1e-6)


def test_no_brackets_leave_the_axis_alone():
    ax = axes(True)
    assert draw_brackets(ax, [], [Obstacle(0, 1, 1e4)]) == []
    assert ax.get_ylim() == (1e-3, 1e4)


def test_more_brackets_need_more_height():
    one = height_needed([Bracket(0, 1, "*")])
    assert 0 < one < height_needed([Bracket(0, 1, "*"), Bracket(0, 2, "*")])
