"""Errors say what, where and how to mend it."""

from __future__ import annotations

import pickle

import pytest

from cytokit.errors import (
    CytokitError,
    DesignError,
    FormatError,
    InputError,
    NothingToDoError,
    OutputError,
    Problem,
    UsageError,
    did_you_mean,
    place,
)


def test_problem_says_what_where_and_how_to_mend() -> None:
    problem = Problem("CK-123", "no level", "a.csv", "add one", "did you mean 'b'?")
    assert str(problem) == (
        "error CK-123: no level (did you mean 'b'?)\n  where: a.csv\n  mend:  add one"
    )


def test_all_problems_of_an_error_are_in_its_message() -> None:
    error = InputError(Problem("CK-1", "one"), Problem("CK-2", "two"))
    assert "one" in str(error)
    assert "two" in str(error)


def test_errors_can_be_reported_together() -> None:
    parts = [FormatError(Problem("CK-1", "one")), DesignError(Problem("CK-2", "two"))]
    assert [p.code for p in InputError.together(parts).problems] == ["CK-1", "CK-2"]


def test_an_error_comes_whole_out_of_another_process() -> None:
    error = pickle.loads(pickle.dumps(FormatError(Problem("CK-1", "one", "here"))))
    assert isinstance(error, FormatError)
    assert error.problems == (Problem("CK-1", "one", "here"),)
    assert "where: here" in str(error)


def test_an_error_without_a_problem_is_a_bug() -> None:
    with pytest.raises(TypeError, match="at least one Problem"):
        CytokitError()


@pytest.mark.parametrize(
    ("kind", "code"),
    [(UsageError, 2), (InputError, 3), (FormatError, 3), (DesignError, 3),
     (NothingToDoError, 4), (OutputError, 73), (CytokitError, 70)],
)  # fmt: skip
def test_exit_codes_are_the_contract(kind: type[CytokitError], code: int) -> None:
    assert kind.exit_code == code


def test_place_leaves_out_what_is_not_known() -> None:
    assert place("p.xlsx", sheet="FI", column="C") == "p.xlsx, sheet FI, column C"
    assert place() == ""


def test_near_misses_ignore_case_and_give_the_spelling_of_the_choice() -> None:
    assert did_you_mean("Contrl", ["CONTROL", "treated"]) == "did you mean 'CONTROL'?"
    assert did_you_mean("zzz", ["CONTROL"]) == ""
