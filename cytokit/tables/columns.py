"""Which column of a plain table is what: names, synonyms, the user's mapping, units in headers.

Used by :mod:`cytokit.tables`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cytokit.errors import InputError, Problem, UsageError, did_you_mean, place

#: who and when; present in the result only where the table has them
ID_ROLES = ("plate", "sample", "subject", "group", "day", "stratum", "status")
LIMIT_ROLES = ("floor", "limit", "lod", "lloq", "uloq")

#: names by which a column is known, in lower case, letters and digits only
SYNONYMS: dict[str, tuple[str, ...]] = {
    "plate": ("plate", "plateid", "platename"),
    "sample": ("sample", "sampleid", "samplename", "specimen", "specimenid", "aliquot"),
    "subject": (
        *("subject", "subjectid", "usubjid", "patient", "patientid"),
        *("participant", "participantid", "donor", "donorid"),
    ),
    "group": ("group", "arm", "treatmentarm", "treatmentgroup", "treatment"),
    "day": ("day", "studyday"),
    "stratum": ("stratum", "strata"),
    "status": ("status", "samplestatus"),
    "analyte": ("analyte", "cytokine", "marker", "biomarker", "protein"),
    "value": ("value", "conc", "concentration", "result", "obsconc", "calcconcentration"),
    "unit": ("unit", "units"),
    "censor": ("censor", "censored", "censoring", "qualifier"),
    "floor": ("floor", "reportingfloor"),
    "limit": ("limit", "censoringlimit"),
    "lod": ("lod", "llod", "limitofdetection", "detectionlimit"),
    "lloq": ("lloq", "loq", "lowerlimitofquantification", "lowerlimitofquantitation"),
    "uloq": ("uloq", "upperlimitofquantification", "upperlimitofquantitation"),
}
#: columns that look like the day but may number visits: only a mapping makes them one
LIKE_A_DAY = ("time", "timepoint", "visit", "week", "hour")
#: columns of numbers that are no analyte, for wide tables
NOT_ANALYTES = frozenset(
    (
        *("age", "sex", "gender", "race", "ethnicity", "weight", "height", "bmi"),
        *("well", "batch", "run", "date", "visitdate", "comment", "comments", "note"),
        *("notes", "dilution", "dilutionfactor", "type", "welltype", "sampletype", "site"),
        *("center", "centre", "survival", "outcome", "timetodeath", "row", "index", "number"),
    )
)

_MASS = r"(?:[fpnuµμm]?g|[fpnuµμm]?mol|[kmuµμ]?I?U|AU|RU)"
_UNIT = rf"{_MASS}\s*(?:/|_|\bper\b)\s*(?:[numµμd]?L)"
_BARE_UNIT = rf"(?:{_UNIT}|[fpnuµμm]M|AU|RU|NPX|U|IU)"
_TRAILING = re.compile(rf"(?<=[\s_,.])({_UNIT})\Z", re.IGNORECASE)
_ONLY_UNIT = re.compile(_BARE_UNIT, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of one table are.

    ``roles`` maps a role to its column; ``units`` a column to the unit its header states;
    ``analytes`` are a wide table's columns (empty for a tidy one), ``attributes`` what stands
    beside an analyte there (``IL-6 LOD``); ``unread`` maps a column to why it is not used.
    """

    roles: Mapping[str, str]
    units: Mapping[str, str]
    analytes: tuple[str, ...]
    attributes: Mapping[tuple[str, str], str]
    unread: Mapping[str, str]

    @property
    def wide(self) -> bool:
        """One column per analyte."""
        return "value" not in self.roles


def plain(name: str) -> str:
    """Lower case, letters and digits only: how names are compared."""
    return re.sub(r"[\W_]+", "", name.casefold())


def is_unit(text: str) -> bool:
    """Whether the text is a unit of concentration and nothing else."""
    return _ONLY_UNIT.fullmatch(text.strip()) is not None


@lru_cache(maxsize=4096)
def normal_unit(text: str) -> str:
    """``pg_ml`` -> ``pg/mL``; one micro sign; otherwise as written."""
    spaced = " ".join(text.split())
    unit = re.sub(r" ?(?:/|_|\bper\b) ?", "/", spaced).replace("μ", "µ")
    return re.sub(r"/([numµd]?)l$", r"/\1L", unit)


def split_unit(header: str) -> tuple[str, str]:
    """``IL-6 (pg/mL)`` -> name and unit; the unit is empty where none is stated."""
    text = header.strip()
    opened = max(text.rfind("("), text.rfind("["))
    if opened > 0 and text[-1] in ")]" and is_unit(text[opened + 1 : -1]):
        name = text[:opened].rstrip().rstrip("_ \t")
        return (name, normal_unit(text[opened + 1 : -1])) if name else (text, "")
    match = _TRAILING.search(text)
    name = text[: match.start()].rstrip("_,. \t") if match else ""
    return (name, normal_unit(match[1])) if match and name else (text, "")


def find_columns(
    header: Sequence[str], mapping: Mapping[str, str | Sequence[str]], file: str
) -> Columns:
    """Give each column its role; the mapping goes before the names cytokit knows."""
    ignored = _names(mapping.get("ignore", ()))
    chosen = {role: str(name) for role, name in mapping.items() if role != "ignore"}
    _check_mapping(chosen, ignored, header, file)
    roles = dict(chosen)
    free = [name for name in header if name not in chosen.values() and name not in ignored]
    problems = []
    for role, names in SYNONYMS.items():
        found = [name for name in free if plain(split_unit(name)[0]) in names]
        if role in roles or not found:
            continue
        if len(found) > 1:
            what = f"{len(found)} columns could be the {role}: {', '.join(found)}"
            mend = f"say which one: mapping {role}={found[0]}"
            problems.append(Problem("CK-242", what, place(file), mend))
        roles[role] = found[0]
        free = [name for name in free if name not in found]
    if problems:
        raise InputError(*problems)
    unread = dict.fromkeys(ignored, "the mapping says to ignore it")
    units = {name: split_unit(name)[1] for name in header}
    if "value" in roles:
        unread |= {name: _why_unread(name) for name in free}
        return Columns(roles, units, (), {}, unread)
    limits = [role for role in roles if role not in (*ID_ROLES, "unit", "analyte")]
    unread |= dict.fromkeys((roles.pop(role) for role in limits), "no column holds a value")
    return _wide_columns(roles, units, free, unread)


def _wide_columns(
    roles: dict[str, str], units: dict[str, str], free: list[str], unread: dict[str, str]
) -> Columns:
    """The analytes of a wide table and what stands beside each (``IL-6 LOD``)."""
    others = [name for name in free if plain(name) in NOT_ANALYTES or plain(name) in LIKE_A_DAY]
    named = [name for name in free if name not in others]
    by_name = {plain(split_unit(name)[0]): name for name in named}
    attributes = {}
    for name in named:
        for role in ("lod", "lloq", "uloq", "censor", "unit"):
            if not plain(name).endswith(role):
                continue
            base = by_name.get(plain(name).removesuffix(role))
            if base is not None:
                attributes[base, role] = name
    besides = set(attributes.values())
    analytes = tuple(name for name in named if name not in besides)
    unread |= {name: _why_unread(name) for name in others}
    return Columns(roles, units, analytes, attributes, unread)


def _why_unread(name: str) -> str:
    if plain(name) in LIKE_A_DAY:
        return f"it may count visits; if it is the day say mapping day={name}"
    return "cytokit knows no use for it; a mapping can give it one"


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _check_mapping(
    chosen: Mapping[str, str], ignored: Sequence[str], header: Sequence[str], file: str
) -> None:
    """Raise for roles and columns that do not exist."""
    problems = []
    for role in chosen:
        if role not in SYNONYMS:
            mend = f"use one of {', '.join(SYNONYMS)}, ignore"
            near = did_you_mean(role, list(SYNONYMS))
            what = f"the mapping names {role!r}, which cytokit does not know"
            problems.append(Problem("CK-240", what, place(file), mend, near))
    for name in (*chosen.values(), *ignored):
        if name not in header:
            mend = f"the columns are: {', '.join(header)}"
            near = did_you_mean(name, header)
            what = f"the mapping names a column {name!r} that the table has not"
            problems.append(Problem("CK-241", what, place(file), mend, near))
    if problems:
        raise UsageError(*problems)
