"""Acceptance profiles: tolerances, the drop rule, verdicts in plain words."""

from __future__ import annotations

import numpy as np
import pytest

from cytokit.curves.acceptance import PROFILES, Evidence, judge, level_to_drop, levels_that_pass
from cytokit.schema import Verdict

X = np.array([0.0, 1, 4, 16, 64, 256, 1024, 4096])
M10, RESEARCH, KIT = PROFILES["m10"], PROFILES["research"], PROFILES["kit"]


def test_every_figure_has_a_source():
    for profile in PROFILES.values():
        assert len(profile.sources) == (11 if profile.name == "m10" else 8)
        assert all(text.count("(") >= 1 for text in profile.sources.values())
    assert "ICH M10 (2022)" in M10.sources["recovery_pct"]
    assert M10.sources["end_recovery_pct"].startswith("the lowest and highest within 100 +- 25 %")


def test_the_ends_have_their_own_tolerance_and_blanks_never_count():
    recovery = np.array([np.nan, 124, 119, 121, 100, 81, 79, 76.0])
    used = np.ones(8, dtype=bool)
    assert levels_that_pass(X, recovery, used, M10).tolist() == [
        False, True, True, False, True, True, False, True,
    ]  # fmt: skip
    assert levels_that_pass(X, recovery, used, RESEARCH).sum() == 3
    used[1] = False  # now 4 is the lowest that stands
    recovery[2] = 124
    assert levels_that_pass(X, recovery, used, M10)[2]


def test_a_level_without_an_inverse_fails():
    recovery = np.full(8, 100.0)
    recovery[3] = np.nan
    assert not levels_that_pass(X, recovery, np.ones(8, dtype=bool), KIT)[3]


def test_the_worst_goes_first_within_the_cap():
    x = 4.0 ** np.arange(9)
    recovery = np.array([100, 130, 100, np.nan, 100, 60, 100, 100, 100.0])
    used = np.ones(9, dtype=bool)
    assert level_to_drop(x, recovery, used, 9, M10) == 3
    used[3] = False
    assert level_to_drop(x, recovery, used, 9, M10) == 5
    used[5] = False  # 7 of 9 are left: 75 % of 9 must stay
    assert level_to_drop(x, recovery, used, 9, M10) is None


def test_six_levels_must_stay():
    x = 4.0 ** np.arange(6)
    recovery = np.array([100, 150, 100, 100, 100, 100.0])
    assert level_to_drop(x, recovery, np.ones(6, dtype=bool), 6, M10) is None


GOOD = Evidence(8, 8, 500.0, True, True, False, 0.5)


@pytest.mark.parametrize(
    ("change", "verdict", "words"),
    [
        ({}, Verdict.GOOD, ""),
        ({"signal": 2.0}, Verdict.FAILED, "rises by 2.0 times the noise"),
        ({"signal": float("nan")}, Verdict.FAILED, "no response"),
        ({"n_pass": 5}, Verdict.USABLE, "5 of 8 standards recover within 80-120 %"),
        ({"n_pass": 3}, Verdict.POOR, "3 of 8"),
        ({"has_range": False}, Verdict.POOR, "no concentration is determined"),
        ({"converged": False}, Verdict.USABLE, "did not settle"),
        ({"at_bound": True}, Verdict.USABLE, "edge of what is plausible"),
        ({"p_fit": 1e-5}, Verdict.USABLE, "scatter about the curve"),
        ({"n_levels": 4, "n_pass": 4}, Verdict.USABLE, "4 standard levels, the profile asks for 5"),
    ],
)
def test_verdicts_say_why(change, verdict, words):
    from dataclasses import replace

    found, reason = judge(replace(GOOD, **change), RESEARCH)
    assert found is verdict
    assert words in reason


def test_a_note_stays_with_the_verdict():
    assert judge(GOOD, RESEARCH, "fitted as 4PL") == (Verdict.GOOD, "fitted as 4PL")
