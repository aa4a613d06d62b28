"""The options: each is written once, with its default, its words and what it may be.

Checks with near misses, the command line's flags and help, study files with their comments,
manifests, and the command that a page gives to repeat a fit go over these fields: an option that
is added here appears in all of them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self, get_args

from cytokit.errors import Problem, UsageError, did_you_mean, option_text

WeightName = Literal["model", "1/y2", "1/y", "none", "xponent", "bioplex"]
PriorName = Literal["weak", "none"]
LimitsName = Literal["precision", "recovery"]
Style = Literal["trial", "lanzoni"]
Label = Literal["stars", "p", "both"]
Summary = Literal["box", "gm", "bar"]

Kind = Literal["choice", "switch", "number", "whole", "text", "texts", "day", "days"]
#: what each kind takes, for the comments of a study file and for messages
TAKES: Mapping[Kind, str] = {
    "choice": "one of",
    "switch": "true or false",
    "number": "a number",
    "whole": "a whole number",
    "text": "a text in quotes",
    "texts": "a list of texts in quotes",
    "day": 'a day, as 0 or "D0", or "none" where there is none',
    "days": 'a day, as 6 or "D6", or a list of days',
}


@dataclass(frozen=True, slots=True)
class OptionRule:
    """What an option does and what it may be.

    ``low`` and ``high`` are the ends of a number's range, not in it where ``open``; ``example``
    stands in a study file where there is no default, and ``default_words`` say what is done then.
    """

    words: str
    kind: Kind
    listed: tuple[str, ...] = ()
    registry: str = ""
    low: float = -math.inf
    high: float = math.inf
    open: bool = False
    metavar: str = ""
    example: object = None
    default_words: str = ""

    @property
    def choices(self) -> tuple[str, ...]:
        """What may be chosen: as listed, or the keys of a registry once its module is loaded.

        Help, which must not wait for numpy, knows those that are listed.
        """
        module, _, name = self.registry.partition(":")
        return tuple(getattr(sys.modules.get(module), name, self.listed))

    @property
    def range(self) -> str:
        """The range in words; empty where any number will do."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return f"between {self.low:g} and {self.high:g}"
        return f"{self.low:g} or more" if math.isfinite(self.low) else ""

    def holds(self, value: float) -> bool:
        """Whether a number lies in the range."""
        if self.open:
            return self.low < value < self.high
        return self.low <= value <= self.high


def option(
    default: Any,
    words: str,
    kind: Kind | None = None,
    choices: tuple[str, ...] = (),
    registry: str = "",
    **more: Any,
) -> Any:
    """A field of :class:`Options`; the kind is that of the default where it is not given.

    ``registry`` names a mapping, as ``module:NAME``, to whose keys choices may be added.
    """
    kinds: dict[type, Kind] = {bool: "switch", float: "number", int: "whole", str: "text"}
    found = "choice" if choices or registry else kind or kinds[type(default)]
    return field(
        default=default, metadata={"rule": OptionRule(words, found, choices, registry, **more)}
    )


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name as in Python, its default (None where it has none) and its rule."""

    name: str
    default: Any
    rule: OptionRule

    @property
    def flag(self) -> str:
        """As the command line writes it."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def takes(self) -> str:
        """Which values it takes, in words."""
        rule = self.rule
        more = ", ".join(rule.choices) or rule.range
        return f"{TAKES[rule.kind]} {more}".rstrip()

    @property
    def shown(self) -> object:
        """The default, or an example where there is none."""
        if self.default is not None and self.default != "":
            return self.default
        return "" if self.rule.example is None else self.rule.example

    def problem(self, value: Any, codes: tuple[str, str]) -> Problem | None:
        """What is wrong with a value; the codes are for a choice and for a range."""
        rule = self.rule
        if value is None and self.default is None:
            return None
        if rule.choices and value not in rule.choices:
            what = f"{option_text(self.name, value)} is no choice"
            mend = f"use one of {', '.join(rule.choices)}"
            return Problem(codes[0], what, mend=mend, near=did_you_mean(value, rule.choices))
        if rule.range and not rule.holds(value):
            what = f"{option_text(self.name, value)} is not {rule.range}"
            return Problem(codes[1], what, mend=f"give a number {rule.range}")
        return None


class Options:
    """Options that were checked: what :class:`FitOptions` and :class:`CompareOptions` share."""

    __slots__ = ()
    #: codes of the errors for a choice that does not exist and for a number out of its range
    codes: ClassVar[tuple[str, str]] = ("CK-410", "CK-411")

    def __post_init__(self) -> None:
        problems = [
            problem
            for one in options_of(type(self))
            if (problem := one.problem(getattr(self, one.name), self.codes)) is not None
        ]
        problems += self.contradictions()
        if problems:
            raise UsageError(*problems)

    def contradictions(self) -> list[Problem]:
        """What is wrong with several options together."""
        return []

    @classmethod
    def of(cls, options: Self | None, changes: Mapping[str, Any]) -> Self:
        """The options with the changes that are given (not None), checked."""
        given = {name: value for name, value in changes.items() if value is not None}
        return replace(cls() if options is None else options, **given)  # type: ignore[type-var]

    def as_dict(self) -> dict[str, Any]:
        """All options in force, for the manifest."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    def changed(self) -> Iterator[tuple[Option, Any]]:
        """The options that are not at their default, with their values."""
        for one in options_of(type(self)):
            value = getattr(self, one.name)
            if value != one.default:
                yield one, value


def options_of(*kinds: type) -> tuple[Option, ...]:
    """The options of one or several classes, each once, as the first class has it.

    Examples
    --------
    >>> options_of(FitOptions)[0].takes
    'one of 5pl, 4pl'
    """
    found: dict[str, Option] = {}
    for kind in kinds:
        for one in fields(kind):
            if "rule" in one.metadata:
                found.setdefault(one.name, Option(one.name, one.default, one.metadata["rule"]))
    return tuple(found.values())


def options_in(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Those of the values that are options of a class; others are of other releases or rooms."""
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in values.items() if name in names}


@dataclass(frozen=True, slots=True)
class FitOptions(Options):
    """How curves are fitted and judged; CK-342 for what no option may be.

    Examples
    --------
    >>> FitOptions(model="4pl").as_dict()["model"]
    '4pl'
    >>> try:
    ...     FitOptions(profile="kitt")
    ... except UsageError as error:
    ...     print(error.problems[0].what, error.problems[0].near)
    profile='kitt' is no choice did you mean 'kit'?
    """

    codes: ClassVar[tuple[str, str]] = ("CK-342", "CK-342")

    model: str = option(
        "5pl",
        "Curve with five or with four parameters",
        choices=("5pl", "4pl"),
        registry="cytokit.curves.logistic:MODELS",
    )
    weights: WeightName = option(
        "model",
        "Weight of a standard well by our variance model, or by another software's rule",
        choices=get_args(WeightName),
    )
    prior: PriorName = option(
        "weak",
        "Weak expectations on the curve's shape, or plain weighted least squares",
        choices=get_args(PriorName),
    )
    pool: bool = option(
        False, "Plates lend each other variance and shape; then all are fitted as one"
    )
    robust: bool = option(True, "Give standard wells that lie off the curve less weight")
    profile: str = option(
        "research",
        "Acceptance rules for curves and standards",
        choices=("research", "kit", "m10"),
        registry="cytokit.curves.acceptance:PROFILES",
    )
    limits: LimitsName = option(
        "precision", "What decides LLOQ and ULOQ", choices=get_args(LimitsName)
    )
    max_cv_pct: float = option(
        20.0,
        "The imprecision, in per cent, that defines LLOQ and ULOQ",
        low=1,
        high=100,
        metavar="PERCENT",
    )
    dilution_error_pct: float = option(
        0.0,
        "Pipetting error per step of the standards' dilution, in per cent",
        low=0,
        high=100,
        metavar="PERCENT",
    )
    unit: str = option("", "Unit to state where the export states none", metavar="UNIT")


@dataclass(frozen=True, slots=True)
class ReadOptions(Options):
    """How numbers are read from files."""

    decimal: str | None = option(
        None,
        "The decimal mark, for files whose cells leave it open",
        choices=("comma", "point"),
        example="point",
    )


@dataclass(frozen=True, slots=True)
class TableOptions(Options):
    """How tables of concentrations are read; a fit's own need none of it."""

    scale: str | None = option(
        None,
        "Of the numbers in a table",
        choices=("linear", "log2", "log10", "ln"),
        default_words="as its headers and units say",
    )
    nd: str | None = option(
        None, "What ND means in a table: not detected, or not done", choices=("below", "missing")
    )


@dataclass(frozen=True, slots=True)
class StudyOptions(Options):
    """What of a study is compared, and what counts as out of range in it."""

    baseline: Any = option(0, "The day before treatment", "day", metavar="DAY")
    day: Any = option(
        6,
        "The day of the comparison; of several, their mean of ln",
        "days",
        metavar="DAY[,DAY...]",
    )
    reference: str | None = option(
        None,
        "The group others are compared with; not needed where one is called control",
        "text",
        metavar="GROUP",
        example="control",
    )
    analytes: Any = option(
        None,
        "Only these analytes are shown; the families stay those of all measured",
        "texts",
        metavar="A,B,...",
        example=["IL-6", "TNFa"],
    )
    censor: str = option("lod", "What counts as out of range", choices=("lod", "lloq", "interval"))
    floors: str | None = option(
        None,
        "Values on a lowest value that many share and nobody declared: below it, or measured",
        choices=("censor", "keep"),
        example="censor",
        default_words="censor where a fifth of an analyte's values or more stand on floors",
    )


@dataclass(frozen=True, slots=True)
class CompareOptions(Options):
    """How a comparison is done.

    With ``spread="design"`` a Tobit has a residual spread per arm, and an ANCOVA where the larger
    arm has at least one and a half times the smaller one's subjects. Where an ANCOVA would have a
    spread per arm, the rank test of values out of range is Brunner and Munzel's and not Gehan's,
    and maxT flips signs. ``censor`` and ``floors`` are the study's own where not given.

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

    between: str = option(
        "ancova",
        "How groups are compared at the day, on ln concentration; mixed: a model of all days, of "
        "three or more",
        choices=("ancova", "welch", "ranks", "brunner-munzel", "change", "mixed"),
        registry="cytokit.trial.analyses:BETWEEN",
    )
    within: str = option(
        "ratio",
        "Whose p the rows within a group carry: paired t on ln, or the exact signed-rank test",
        choices=("ratio", "signed-rank"),
    )
    adjust: str = option(
        "holm",
        "Adjustment for several analytes, inside each declared family",
        choices=(
            *("holm", "none", "bonferroni", "sidak", "holm-sidak", "hochberg", "hommel"),
            *("bh", "by", "maxt"),
        ),
        registry="cytokit.trial.multiplicity:ADJUSTMENTS",
    )
    gate: bool = option(
        True,
        "Stars within arms only where the arms differ",
        default_words="gate; no-gate with --style lanzoni",
    )
    censor: str | None = option(
        None, "What counts as out of range", choices=("lod", "lloq", "interval")
    )
    floors: str | None = option(
        None, "Values on floors: below them, or measured", choices=("censor", "keep")
    )
    substitute: str = option(
        "none",
        "A number in place of values out of range, as a sensitivity analysis only",
        choices=("none", "as-given", "limit", "half", "sqrt2"),
    )
    propagate: bool = option(False, "Carry the assay's uncertainty along (multiple imputation)")
    strata: bool = option(True, "Adjust for the design's stratum")
    mixed: bool = option(True, "Of three or more days, also a mixed model of all of them")
    versus: str = option(
        "reference", "Of three or more groups, which pairs", choices=("reference", "all")
    )
    worse: str = option(
        "high", "The bad end of a cytokine, for ranks that count deaths", choices=("high", "low")
    )
    spread: str = option(
        "design",
        "Residual spread: one for both arms or one per arm; design: one per arm where a Tobit is "
        "fitted or the arms differ 1.5-fold in size",
        choices=("design", "common", "separate"),
    )
    alpha: float = option(
        0.05,
        "Two-sided level of the tests; the intervals have 1 - alpha",
        low=0,
        high=0.5,
        open=True,
    )
    seed: int = option(0, "Start of the random numbers", low=0)
    draws: int = option(100_000, "Of permutation tests too large to enumerate", low=100)
    allow_confounded: bool = option(False, "Compare although plate and group coincide")
    family_of_these: bool = option(
        False, "The families hold the analytes chosen alone, not all that were measured"
    )

    def contradictions(self) -> list[Problem]:
        """The mixed model cannot be asked for and left out."""
        if self.between != "mixed" or self.mixed:
            return []
        what = (
            f"{option_text('between', 'mixed')} and {option_text('mixed', False)} "
            "contradict each other"
        )
        return [Problem("CK-422", what, mend="leave one of them out")]

    @property
    def level(self) -> float:
        """The confidence level of the intervals."""
        return 1.0 - self.alpha


@dataclass(frozen=True, slots=True)
class BridgeOptions(Options):
    """Whether plates are bridged, and by what."""

    bridge: bool = option(
        False, "Divide readings by their plate's effect, told by the plates' controls"
    )
    bridge_samples: Any = option(
        None,
        "Bridge by these samples, measured on several plates, instead",
        "texts",
        metavar="A,B,...",
        example=["pool A", "pool B"],
    )
    bridge_reference: str = option(
        "",
        "The plate whose readings stay",
        metavar="PLATE",
        default_words="the mean over plates",
    )


@dataclass(frozen=True, slots=True)
class LookOptions(Options):
    """What a comparison writes beside its tables, and how its panels look."""

    sensitivity: bool = option(False, "Also every other defensible analysis, and a figure of them")
    style: Style = option("trial", "Look of the panels", choices=get_args(Style))
    label: Label = option("stars", "What the brackets of the panels carry", choices=get_args(Label))
    summary: Summary = option("box", "What the panels draw per column", choices=get_args(Summary))


#: the options of a study file's sections
FIT_SECTION = (FitOptions, ReadOptions)
COMPARE_SECTION = (StudyOptions, CompareOptions, BridgeOptions, LookOptions)


def choices_of(kind: type, name: str) -> tuple[str, ...]:
    """What an option may be."""
    return next(one.rule.choices for one in options_of(kind) if one.name == name)
