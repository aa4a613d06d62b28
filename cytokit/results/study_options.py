"""Every option a study file may hold, taken from the definitions that ``fit`` and ``compare`` use.

Names, kinds, choices and defaults come from :class:`FitOptions`, :class:`CompareOptions` and the
signatures beside them; only the plain words are written here.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from cytokit.curves.options import FitOptions


Kind = Literal["choice", "switch", "number", "whole", "text", "texts", "day", "days"]

#: what each kind takes, for the comments of the file and the messages
TAKES: Mapping[Kind, str] = {
    "choice": "one of",
    "switch": "true or false",
    "number": "a number",
    "whole": "a whole number",
    "text": "a text in quotes",
    "texts": "a list of texts in quotes",
    "day": 'a day, as 0 or "D0"',
    "days": 'a day, as 6 or "D6", or a list of days',
}

WORDS: Mapping[str, str] = {
    "model": "Curve with five or with four parameters",
    "weights": "Weight of a standard well by our variance model, or by another software's rule",
    "prior": "Weak expectations on the curve's shape, or plain weighted least squares",
    "pool": "Plates lend each other variance and shape; then all are fitted as one",
    "robust": "Give standard wells that lie off the curve less weight",
    "profile": "Acceptance rules for curves and standards",
    "limits": "What decides LLOQ and ULOQ",
    "max_cv_pct": "The imprecision, in per cent, that defines LLOQ and ULOQ",
    "dilution_error_pct": "Pipetting error per step of the standards' dilution, in per cent",
    "unit": "Unit to state where the export states none",
    "decimal": "The decimal mark, for exports whose cells leave it open",
    "baseline": 'The day before treatment; "none" where there is none',
    "day": "The day of the comparison; of several, their mean of ln",
    "reference": "The group others are compared with; not needed where one is called control",
    "analytes": "Only these analytes are shown; the families stay those of all measured",
    "between": "How groups are compared at the day",
    "within": "Whose p the rows within a group carry",
    "adjust": "Adjustment for several analytes",
    "gate": "Stars within arms only where the arms differ; off by default with style lanzoni",
    "censor": "What counts as out of range",
    "floors": "Values on a floor nobody declared: below it, or measured; below where not given if "
    "a fifth of an analyte's values or more stand on floors",
    "substitute": "A number in place of values out of range, as a sensitivity analysis only",
    "propagate": "Carry the assay's uncertainty along",
    "strata": "Adjust for the design's stratum",
    "mixed": "Of three or more days, also a mixed model of all of them beside",
    "versus": "Of three or more groups, which pairs",
    "worse": "The bad end of a cytokine, for ranks that count deaths",
    "spread": "Residual spread of the arms: by the design, one for both, or one each",
    "alpha": "Two-sided level of the tests, between 0 and 0.5",
    "seed": "Start of the random numbers, 0 or more",
    "draws": "Of permutation tests too large to enumerate, 100 or more",
    "allow_confounded": "Compare although plate and group coincide",
    "family_of_these": "The families hold the analytes chosen alone, not all that were measured",
    "bridge": "Divide readings by their plate's effect, told by the plates' controls",
    "bridge_samples": "Bridge by these samples, measured on several plates, instead",
    "bridge_reference": "The plate whose readings stay; the mean over plates where not given",
    "sensitivity": "Also every other defensible analysis, and a figure of them",
    "style": "Look of the panels",
    "label": "What the brackets of the panels carry",
    "summary": "What the panels draw per column",
}

#: stand in the file, commented out, where an option has no default
_EXAMPLES: Mapping[str, object] = {
    "decimal": "point",
    "reference": "control",
    "floors": "censor",
    "analytes": ["IL-6", "TNFa"],
    "bridge_samples": ["pool A", "pool B"],
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a study file."""

    name: str
    kind: Kind
    default: object = None
    choices: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What it does, in one line."""
        return WORDS.get(self.name, self.name)

    @property
    def takes(self) -> str:
        """Which values it takes, in words."""
        return TAKES[self.kind] + (f" {', '.join(self.choices)}" if self.choices else "")

    @property
    def shown(self) -> object:
        """The default, or an example where there is none."""
        return _EXAMPLES.get(self.name, "") if self.default is None else self.default


def fit_options() -> tuple[Option, ...]:
    """The options of ``[fit]``: the fields of ``FitOptions``, and how exports are read."""
    from cytokit.curves.options import FitOptions
    from cytokit.sources.numbers import DECIMALS

    hints = get_type_hints(FitOptions)
    found = (_of_hint(one.name, hints[one.name], one.default) for one in fields(FitOptions))
    return (*found, Option("decimal", "choice", None, tuple(DECIMALS)))


def curve_options(given: Mapping[str, Any] | None) -> FitOptions:
    """What of ``[fit]`` is for the curves; the decimal mark is for reading the exports."""
    from cytokit.curves.options import FitOptions

    return FitOptions(**{name: value for name, value in (given or {}).items() if name != "decimal"})


def compare_options() -> tuple[Option, ...]:
    """The options of ``[compare]``: what to compare, ``CompareOptions``, and the panels' look."""
    from cytokit.trial import options as choices
    from cytokit.trial.compare import compare
    from cytokit.trial.comparison import Comparison
    from cytokit.trial.options import CompareOptions
    from cytokit.trial.study import Study

    asked, data = signature(compare).parameters, signature(Study).parameters
    found = [
        Option("baseline", "day", asked["baseline"].default),
        Option("day", "days", asked["day"].default),
        Option("reference", "text"),
        Option("analytes", "texts"),
    ]
    hints = get_type_hints(CompareOptions)
    for one in fields(CompareOptions):
        # the module names an option's choices as the option, in capitals
        allowed = getattr(choices, one.name.upper(), ())
        default = one.default
        if one.name == "censor":  # the comparison takes the study's
            default = data["censor"].default
        found.append(
            Option(one.name, "choice", default, allowed)
            if allowed
            else _of_hint(one.name, hints[one.name], default)
        )
    found += [
        Option("bridge", "switch", data["bridge"].default),
        Option("bridge_samples", "texts"),
        Option("bridge_reference", "text", data["bridge_reference"].default),
        Option("sensitivity", "switch", False),
    ]
    look = signature(Comparison.write).parameters
    found += [
        Option(name, "choice", look[name].default, allowed) for name, allowed in _look().items()
    ]
    return tuple(found)


def _look() -> dict[str, tuple[str, ...]]:
    """The choices of how the panels look."""
    from cytokit.figures.panels import Label, Style, Summary

    return {
        "style": get_args(Style),
        "label": get_args(Label),
        "summary": get_args(Summary),
    }


def _of_hint(name: str, hint: Any, default: object) -> Option:
    """An option from a dataclass field's type."""
    if get_origin(hint) is Literal:
        return Option(name, "choice", default, get_args(hint))
    if get_origin(hint) is types.UnionType:
        hint = next(one for one in get_args(hint) if one is not type(None))
    kinds: dict[type, Kind] = {bool: "switch", float: "number", int: "whole", str: "text"}
    return Option(name, kinds[hint], default)
