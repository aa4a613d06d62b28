"""The options of a comparison: named, checked, frozen, and written into every record of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cytokit.errors import Problem, UsageError, did_you_mean, option_text
from cytokit.trial.censoring import FLOORS

BETWEEN = ("ancova", "welch", "ranks", "brunner-munzel", "change", "mixed")
WITHIN = ("ratio", "signed-rank")
ADJUST = (
    "holm",
    "none",
    "bonferroni",
    "sidak",
    "holm-sidak",
    "hochberg",
    "hommel",
    "bh",
    "by",
    "maxt",
)
CENSOR = ("lod", "lloq", "interval")
SUBSTITUTE = ("none", "as-given", "limit", "half", "sqrt2")
VERSUS = ("reference", "all")
WORSE = ("high", "low")
SPREAD = ("design", "common", "separate")

_CHOICES = {
    "between": BETWEEN,
    "within": WITHIN,
    "adjust": ADJUST,
    "substitute": SUBSTITUTE,
    "versus": VERSUS,
    "worse": WORSE,
    "spread": SPREAD,
}


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """How a comparison was done.

    Parameters
    ----------
    between : {"ancova", "welch", "ranks", "brunner-munzel", "change", "mixed"}
        The primary analysis of the groups at the tested day, on ln concentration.
    within : {"ratio", "signed-rank"}
        Whose p the longitudinal rows carry: paired t on ln, or the exact signed-rank test.
    adjust : str
        Multiplicity adjustment inside each declared family.
    gate : bool
        Stars for the longitudinal families only where the groups differ after adjustment.
    censor : str, optional
        Censoring policy (``lod``, ``lloq``, ``interval``); the study's own where not given.
    floors : {"censor", "keep"}, optional
        Readings on a floor nobody declared count as below it, or as measured; the study's own
        choice where not given.
    substitute : {"none", "as-given", "limit", "half", "sqrt2"}
        A sensitivity analysis: out-of-range values replaced by numbers. ``none`` keeps them
        intervals.
    propagate : bool
        Carry the assay's uncertainty into the comparison (multiple imputation).
    strata : bool
        Adjust for the design's stratum where it has one.
    mixed : bool
        Give the mixed model of all days beside where there are three days or more.
    versus : {"reference", "all"}
        With more than two groups: each against the reference, or all pairs.
    worse : {"high", "low"}
        Which end of a cytokine is the bad one, for the composite that ranks deaths.
    spread : {"design", "common", "separate"}
        Residual spread of ANCOVA and Tobit: one for both arms, or one per arm. ``design``: per arm
        in a Tobit, and in an ANCOVA where the larger arm has at least one and a half times the
        smaller one's subjects. Where an ANCOVA would have a spread per arm, the rank test of
        values out of range is Brunner and Munzel's and not Gehan's, and maxT flips signs.
    alpha : float
        Two-sided level of tests and 1 - level of the intervals, strictly between 0 and 0.5.
    seed, draws : int
        For permutation tests that cannot be enumerated, and for imputation.
    allow_confounded : bool
        Go on although group or day is completely confounded with plate.
    family_of_these : bool
        The families hold the analytes chosen alone; else all that were measured, of which those
        not chosen are tested and adjusted for, but not shown.

    Raises
    ------
    UsageError
        CK-410 for a choice that does not exist, CK-411 for a number out of its range, CK-422 for
        ``between="mixed"`` without the mixed model.

    Examples
    --------
    >>> CompareOptions(adjust="bh").adjust
    'bh'
    >>> try:
    ...     CompareOptions(adjust="bonferoni")
    ... except UsageError as error:
    ...     print(error.problems[0].what, error.problems[0].near)
    adjust='bonferoni' is no choice did you mean 'bonferroni'?
    """

    between: str = "ancova"
    within: str = "ratio"
    adjust: str = "holm"
    gate: bool = True
    censor: str | None = None
    floors: str | None = None
    substitute: str = "none"
    propagate: bool = False
    strata: bool = True
    mixed: bool = True
    versus: str = "reference"
    worse: str = "high"
    spread: str = "design"
    alpha: float = 0.05
    seed: int = 0
    draws: int = 100_000
    allow_confounded: bool = False
    family_of_these: bool = False

    def __post_init__(self) -> None:
        problems = [
            choice_problem(name, getattr(self, name), choices)
            for name, choices in _CHOICES.items()
            if getattr(self, name) not in choices
        ]
        if self.censor is not None and self.censor not in CENSOR:
            problems.append(choice_problem("censor", self.censor, CENSOR))
        if self.floors is not None and self.floors not in FLOORS:
            problems.append(choice_problem("floors", self.floors, FLOORS))
        if self.between == "mixed" and not self.mixed:
            problems.append(
                Problem(
                    "CK-422",
                    f"{option_text('between', 'mixed')} and {option_text('mixed', False)} "
                    "contradict each other",
                    mend="leave one of them out",
                )
            )
        if not 0 < self.alpha < 0.5:
            problems.append(
                Problem(
                    "CK-411",
                    f"{option_text('alpha', self.alpha)} is not between 0 and 0.5",
                    mend="give the two-sided level, usually 0.05",
                )
            )
        if self.draws < 100:
            problems.append(
                Problem(
                    "CK-411",
                    f"{option_text('draws', self.draws)} are too few for a permutation test",
                    mend="use at least 100, better 100000",
                )
            )
        if self.seed < 0:
            problems.append(
                Problem(
                    "CK-411",
                    f"{option_text('seed', self.seed)} is negative",
                    mend="use 0 or a positive number",
                )
            )
        if problems:
            raise UsageError(*problems)

    @property
    def level(self) -> float:
        """The confidence level of the intervals."""
        return 1.0 - self.alpha

    def as_dict(self) -> dict[str, Any]:
        """All options in force, for the manifest."""
        return asdict(self)


def choice_problem(name: str, value: object, choices: tuple[str, ...]) -> Problem:
    """The problem of an option whose value is none of its choices."""
    return Problem(
        "CK-410",
        f"{option_text(name, value)} is no choice",
        mend=f"use one of {', '.join(choices)}",
        near=did_you_mean(value, choices),
    )
