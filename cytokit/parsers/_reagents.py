"""Which well holds what, by the names the acquisition software and the kit's blocks use.

A sample is a control or a standard only if the export's own blocks name it, or if it carries the
acquisition's own name to the letter (``Control1``). A user's ``Normoxia Control 1`` is a sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cytokit.findings import Finding
from cytokit.vocabulary import WellType

_BLANK = re.compile(r"(background|blank)\s*\d*", re.IGNORECASE)
_STANDARD = re.compile(r"(standard|std)\s*\d+", re.IGNORECASE)
_CONTROL = re.compile(r"control\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Role:
    """What a sample name stands for, and the reagent whose expected values belong to it."""

    well_type: WellType
    reagent: str = ""


def name_key(name: str) -> str:
    """A name without blanks, dashes, underscores and capitals.

    Examples
    --------
    >>> name_key("Standard 1") == name_key("standard_1") == name_key("Standard1")
    True
    """
    return re.sub(r"[\s_\-]+", "", name).casefold()


def assign_roles(
    samples: Iterable[str], standards: Sequence[str], controls: Sequence[str]
) -> tuple[dict[str, Role], list[Finding]]:
    """Give every sample name its role.

    Parameters
    ----------
    samples : iterable of str
        The names in the wells.
    standards, controls : sequence of str
        Reagent names of the export's blocks of expected values.

    Returns
    -------
    roles : dict of str to Role
    findings : list of Finding
        ``name_matched`` where two spellings were taken for one reagent, ``header_mismatch`` for a
        reagent without a well.

    Examples
    --------
    >>> roles, _ = assign_roles(["Standard 1", "Control 1", "Blank Mix"], ["Standard1"], [])
    >>> [str(role.well_type) for role in roles.values()]
    ['standard', 'unknown', 'unknown']
    """
    names = list(dict.fromkeys(samples))
    findings: list[Finding] = []
    matched = {
        **_match(names, controls, WellType.CONTROL, findings),
        **_match(names, standards, WellType.STANDARD, findings),
    }
    roles = {name: matched.get(name) or Role(_own_type(name)) for name in names}
    return roles, findings


def _own_type(name: str) -> WellType:
    """By the acquisition software's own names."""
    for pattern, well_type in (
        (_BLANK, WellType.BLANK),
        (_STANDARD, WellType.STANDARD),
        (_CONTROL, WellType.CONTROL),
    ):
        if pattern.fullmatch(name):
            return well_type
    return WellType.UNKNOWN


def _match(
    names: Sequence[str], reagents: Sequence[str], well_type: WellType, findings: list[Finding]
) -> dict[str, Role]:
    """Reagents to sample names: to the letter, else by key where nothing fits to the letter."""
    roles: dict[str, Role] = {}
    by_key: dict[str, list[str]] = {}
    for name in names:
        by_key.setdefault(name_key(name), []).append(name)
    for reagent in reagents:
        kind = WellType.BLANK if _BLANK.fullmatch(reagent) else well_type
        if reagent in names:
            roles[reagent] = Role(kind, reagent)
            continue
        close = [name for name in by_key.get(name_key(reagent), []) if name not in reagents]
        for name in close:
            roles[name] = Role(kind, reagent)
            message = f"{name!r} in the wells was taken for the {well_type} {reagent!r}"
            findings.append(Finding("name_matched", message, sample=name))
        if not close and kind is well_type:
            message = f"the {well_type} {reagent!r} has expected values but no well"
            findings.append(Finding("header_mismatch", message, sample=reagent))
    return roles
