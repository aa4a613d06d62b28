"""Contrasts and families, declared from the design before any p-value is seen.

F1
    Between the groups at the tested day: the primary question.
F2
    From baseline to the day within the treated group(s).
F3
    From baseline to the day within the reference group.

The difference in change, the mixed model of all days and the worst-rank composite answer F1's
question another way; they stand beside it without a family, and no claim rests on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from cytokit.errors import Problem, UsageError, did_you_mean, option_text

REFERENCE_NAMES = ("control", "placebo", "reference")


class Kind(StrEnum):
    """What is compared."""

    BETWEEN = "between"
    WITHIN = "within"
    CHANGE = "difference_in_change"
    WORST_RANK = "worst_rank"
    MIXED = "mixed_model"


@dataclass(frozen=True, slots=True)
class Contrast:
    """One comparison that is made for every analyte.

    Parameters
    ----------
    kind : Kind
    name : str
        As in the column ``contrast``.
    family : str
        ``F1``, ``F2``, ``F3``, or empty.
    treated, control : str
        The arms; one of them empty for a comparison within an arm.
    """

    kind: Kind
    name: str
    family: str
    treated: str
    control: str

    @property
    def arms(self) -> tuple[str, ...]:
        """The groups whose subjects take part."""
        return tuple(name for name in (self.treated, self.control) if name)


def declare(
    groups: Sequence[str],
    reference: str,
    day: str,
    *,
    has_baseline: bool,
    versus: str = "reference",
    repeated: bool = False,
) -> tuple[Contrast, ...]:
    """All contrasts of a study, in the order of the table.

    Parameters
    ----------
    groups : sequence of str
        In the design's order.
    reference : str
        The reference group; empty in a study of one group.
    day : str
        The tested day, as it stands in the contrast's name.
    has_baseline : bool
        Whether longitudinal contrasts are possible.
    versus : {"reference", "all"}
        Each group against the reference, or all pairs.
    repeated : bool
        Whether there are more days than two, so that a mixed model stands beside.

    Returns
    -------
    tuple of Contrast

    Examples
    --------
    >>> declared = declare(["a", "b"], "b", "6", has_baseline=True)
    >>> [(c.name, c.family) for c in declared][:2]
    [('between_day6', 'F1'), ('difference_in_change', '')]
    """
    treated = [group for group in groups if group != reference]
    if not reference:
        pairs = []
    elif versus == "all":
        ordered = [*treated, reference]
        pairs = list(combinations(ordered, 2))
    else:
        pairs = [(group, reference) for group in treated]
    found = []
    for first, second in pairs:
        found.append(Contrast(Kind.BETWEEN, f"between_day{day}", "F1", first, second))
        if has_baseline:
            found.append(Contrast(Kind.CHANGE, str(Kind.CHANGE), "", first, second))
        if repeated:
            found.append(Contrast(Kind.MIXED, str(Kind.MIXED), "", first, second))
        found.append(Contrast(Kind.WORST_RANK, str(Kind.WORST_RANK), "", first, second))
    if has_baseline:
        found += [Contrast(Kind.WITHIN, "within_treated", "F2", group, "") for group in treated]
        if reference:
            found.append(Contrast(Kind.WITHIN, "within_control", "F3", "", reference))
    return tuple(found)


def declare_families(
    contrasts: Sequence[Contrast], analytes: Sequence[str]
) -> Mapping[str, tuple[str, ...]]:
    """The members of each family: analytes, and with several arms analyte and arms.

    Parameters
    ----------
    contrasts : sequence of Contrast
    analytes : sequence of str

    Returns
    -------
    mapping of str to tuple of str
    """
    families: dict[str, tuple[str, ...]] = {}
    for family in dict.fromkeys(contrast.family for contrast in contrasts if contrast.family):
        mine = [contrast for contrast in contrasts if contrast.family == family]
        families[family] = tuple(
            member(analyte, contrast, len(mine)) for contrast in mine for analyte in analytes
        )
    return families


def member(analyte: str, contrast: Contrast, n_contrasts: int) -> str:
    """The name of one test in its family."""
    return analyte if n_contrasts == 1 else f"{analyte} [{' / '.join(contrast.arms)}]"


def find_reference(groups: Sequence[str], asked: str | None) -> str:
    """The reference group: the one asked for, or the only one called so.

    Parameters
    ----------
    groups : sequence of str
    asked : str, optional

    Returns
    -------
    str
        Empty where the study has one group and none is asked for.

    Raises
    ------
    UsageError
        CK-401 for a group the study does not have, CK-404 where none can be told.

    Examples
    --------
    >>> find_reference(["drug", "Placebo"], None)
    'Placebo'
    """
    shown = ", ".join(groups)
    if asked is not None:
        alike = [group for group in groups if group.casefold() == asked.strip().casefold()]
        if not alike:
            what = f"the study has no group {asked!r}"
            near = did_you_mean(asked, groups)
            raise UsageError(
                Problem(
                    "CK-401",
                    what,
                    f"option {option_text('reference')}",
                    f"its groups are {shown}",
                    near,
                )
            )
        return alike[0]
    if len(groups) == 1:
        return ""
    called = [group for group in groups if group.casefold() in REFERENCE_NAMES]
    if len(called) == 1:
        return called[0]
    what = f"which group is the reference cannot be told from {shown}"
    raise UsageError(Problem("CK-404", what, mend=f"name it: {option_text('reference', 'GROUP')}"))
