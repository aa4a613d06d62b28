"""Options of a fit as a person gives them: merged and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from cytokit.curves import options as names
from cytokit.curves.options import FitOptions
from cytokit.errors import Problem, UsageError, did_you_mean

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "model": get_args(names.ModelName),
    "weights": get_args(names.WeightName),
    "prior": get_args(names.PriorName),
    "profile": get_args(names.ProfileName),
    "limits": get_args(names.LimitsName),
}


def chosen_options(options: FitOptions, given: dict[str, Any]) -> FitOptions:
    """The options with those given by keyword, checked."""
    options = replace(options, **{name: one for name, one in given.items() if one is not None})
    problems = [
        Problem(
            "CK-342",
            f"{name}={getattr(options, name)!r} is no choice",
            mend=f"use one of {', '.join(allowed)}",
            near=did_you_mean(getattr(options, name), allowed),
        )
        for name, allowed in _CHOICES.items()
        if getattr(options, name) not in allowed
    ]
    limits = {"max_cv_pct": (1.0, 100.0), "dilution_error_pct": (0.0, 100.0)}
    for name, (low, high) in limits.items():
        value = getattr(options, name)
        if not low <= value <= high:
            what = f"{name}={value!r} is no choice"
            problems.append(Problem("CK-342", what, mend=f"give a percentage, {low:g} to {high:g}"))
    if problems:
        raise UsageError(*problems)
    return options
