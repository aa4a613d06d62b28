"""The study file holds every option of fit and compare, each once, with its default and words."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields

from cytokit.options import (
    COMPARE_SECTION,
    FIT_SECTION,
    CompareOptions,
    FitOptions,
    options_of,
)
from cytokit.results.study_file import PLACES, study_text
from cytokit_cli import compare_command, fit_command, run_command

#: gate goes by the style; the others have none
WITHOUT = ("gate", "reference", "analytes", "bridge_samples", "decimal")


def uncommented(text: str) -> dict[str, dict[str, object]]:
    """The options of the file, each with the value that stands behind its #."""
    options = text[text.index("[fit]") : text.index("[exclusions]")]
    return tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", options, flags=re.MULTILINE))


def test_every_field_of_the_options_stands_in_the_file() -> None:
    found = uncommented(study_text())
    assert list(found["fit"]) == [*(one.name for one in fields(FitOptions)), "decimal"]
    assert {one.name for one in fields(CompareOptions)} <= set(found["compare"])


def test_every_flag_of_fit_and_compare_is_an_option_or_is_named_as_none() -> None:
    known = {option.name for option in options_of(*FIT_SECTION, *COMPARE_SECTION)}
    for command in (fit_command.command, compare_command.command):
        for parameter in command.params:
            name = str(parameter.name)
            if name not in run_command.NOT_OPTIONS and name != "no_baseline":
                assert run_command.RENAMED.get(name, name) in {*known, *PLACES}, name


def test_every_option_is_a_flag_of_run() -> None:
    flags = {
        run_command.RENAMED.get(str(one.name), str(one.name)) for one in run_command.command.params
    }
    assert {option.name for option in options_of(*FIT_SECTION, *COMPARE_SECTION)} <= flags
    assert set(PLACES) <= flags


def test_the_values_in_the_file_are_the_defaults() -> None:
    found = uncommented(study_text())
    for section, kinds in (("fit", FIT_SECTION), ("compare", COMPARE_SECTION)):
        for option in options_of(*kinds):
            assert found[section][option.name] == option.shown
            assert option.default in (option.shown, None, "")


def test_every_option_says_what_it_does_and_what_it_takes() -> None:
    options = options_of(*FIT_SECTION, *COMPARE_SECTION)
    text = study_text()
    flowed = re.sub(r"\n# (?!\w+ = )", " ", text)
    for option in options:
        assert f"{option.rule.words}: {option.takes}." in flowed


def test_names_are_unique_so_that_flags_are() -> None:
    names = [option.name for option in options_of(*FIT_SECTION, *COMPARE_SECTION)]
    assert len({*names, *PLACES}) == len(names) + len(PLACES)


def test_lines_of_the_file_fit_a_screen() -> None:
    assert max(map(len, study_text().splitlines())) <= 100
