"""p as text and as stars."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.trial.estimate import label, p_text, stars


@pytest.mark.parametrize(
    ("p", "text", "mark"),
    [
        (0.0, "<0.001", "****"),
        (0.00009999, "<0.001", "****"),
        (0.0001, "<0.001", "***"),
        (0.000999, "<0.001", "***"),
        (0.001, "0.001", "**"),
        (0.0123, "0.012", "*"),
        (0.04996, "0.04996", "*"),
        (0.0499999999, "0.0499999999", "*"),
        (0.05, "0.050", "ns"),
        (0.0504, "0.050", "ns"),
        (0.0996, "0.100", "ns"),
        (0.28295, "0.28", "ns"),
        (0.994, ">0.99", "ns"),
        (1.0, ">0.99", "ns"),
        (math.nan, "", ""),
    ],
)
def test_text_and_stars(p, text, mark):
    assert p_text(p) == text
    assert stars(p) == mark


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.floats(0, 1))
def test_text_and_stars_never_contradict_each_other(p):
    text = p_text(p)
    shown = float(text.lstrip("<>"))
    if text.startswith("<"):
        assert p < shown
        assert stars(p) != "ns"
    elif not text.startswith(">"):
        assert abs(shown - p) <= 0.005 + 1e-12  # .875 is half-way between two decimals
        for edge in (0.01, 0.05):
            assert not (p < edge <= shown)


def test_label_reads_like_a_sentence():
    assert [label(p) for p in (0.012, 0.0002, 1.0, math.nan)] == [
        "p = 0.012",
        "p < 0.001",
        "p > 0.99",
        "not analysed",
    ]
