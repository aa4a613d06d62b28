"""Which column of a plain table is what: names, synonyms, the user's mapping, units in headers.

Used by :mod:`cytokit.tables`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from cytokit.errors import InputError, Problem, UsageError, did_you_mean, map_text, place

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
    "analyte": (
        *("analyte", "cytokine", "marker", "biomarker", "protein"),
        *("analytename", "cytokinename", "markername", "biomarkername", "proteinname"),
    ),
    "value": (
        *("value", "conc", "concentration", "result", "obsconc", "calcconcentration"),
        *("npx", "npq"),
    ),
    "unit": ("unit", "units"),
    "censor": ("censor", "censored", "censoring", "qualifier"),
    "floor": ("floor", "reportingfloor"),
    "limit": ("limit", "censoringlimit"),
    "lod": ("lod", "llod", "limitofdetection", "detectionlimit"),
    "lloq": ("lloq", "loq", "lowerlimitofquantification", "lowerlimitofquantitation"),
    "uloq": ("uloq", "upperlimitofquantification", "upperlimitofquantitation"),
}
#: what a mapping may give several columns to: left out, or telling rows apart
SEVERAL = ("ignore", "condition")
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
_BARE_UNIT = rf"(?:{_UNIT}|[fpnuµμm]M|AU|RU|NPX|NPQ|U|IU)"
_TRAILING = re.compile(rf"(?<=[\s_,.])({_UNIT})\Z", re.IGNORECASE)
_ONLY_UNIT = re.compile(_BARE_UNIT, re.IGNORECASE)
#: longer texts are no unit and state none: expressions stay quick whatever a cell holds
_LONGEST = 200

_BASE = r"log_?(?:10|2|e)"
#: ``log2 pg/mL``, ``log10(pg/mL)``, ``pg/mL, ln``, ``log2``
_SCALED_UNIT = re.compile(
    rf"(?:({_BASE}|ln|log)[ _]?)?[(\[]?({_BARE_UNIT})?[)\]]?"
    rf"(?:[ ,;_]{{0,3}}[(\[]?({_BASE}|ln)[)\]]?)?",
    re.IGNORECASE,
)
_SCALE_BEFORE = re.compile(rf"{_BASE}(?=\D)|(?:ln|log|npx|npq)(?=[\s_.:(\[])", re.IGNORECASE)
_GLUED = re.compile(r"(?:ln|log|Ln|Log)(?=[A-Z])")
_SCALE_BEHIND = re.compile(rf"(?<=[\s_.,;])(?:{_BASE}|ln|npx|npq)\Z", re.IGNORECASE)
_LOW_DIGITS = str.maketrans("₀₁₂", "012")
#: a u that stands for micro: before a mass, an amount or a volume
_MICRO = re.compile(r"(?<![A-Za-z])[uµμ](?=g|mol|M|L|U|IU)")
_GREEK_LETTERS = "αβγδεζηθκλμτω"
_GREEK = str.maketrans(dict(zip(_GREEK_LETTERS, "abgdezhqklmtw", strict=True)))
_GREEK_WORDS = {"alpha": "a", "beta": "b", "gamma": "g", "delta": "d", "kappa": "k", "lambda": "l"}
_DASHES = str.maketrans(dict.fromkeys("-_\u2010\u2011\u2012\u2013\u2014\u2212", " "))
#: units that are logarithms
_LOG_UNITS = {"npx": "NPX", "npq": "NPQ"}


@dataclass(frozen=True, slots=True)
class Header:
    """A header's parts: the name, the unit (empty where none is stated), the scale of its numbers.

    Scales are ``log2``, ``log10`` or ``ln``; ``log`` where no base is said; none where nothing is
    said of a logarithm, several where the header contradicts itself.
    """

    name: str
    unit: str = ""
    scales: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of one table are.

    ``roles`` maps a role to its column; ``headers`` a column to its header's parts;
    ``analytes`` are a wide table's columns (empty for a tidy one), ``attributes`` what stands
    beside an analyte there (``IL-6 LOD``); ``unread`` maps a column to why it is not used;
    ``conditions`` are columns whose values keep rows apart, ``ignored`` those the mapping leaves
    out.
    """

    roles: Mapping[str, str]
    headers: Mapping[str, Header]
    analytes: tuple[str, ...]
    attributes: Mapping[tuple[str, str], str]
    unread: Mapping[str, str]
    conditions: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def wide(self) -> bool:
        """One column per analyte."""
        return "value" not in self.roles


def plain(name: str) -> str:
    """Lower case, letters and digits only: how names are compared."""
    return re.sub(r"[\W_]+", "", name.casefold())


def analyte_key(name: str) -> str:
    """How analytes' names are compared: without case, Greek letters, dashes and spaces.

    A dash or a space between two digits stays, so that IL-1 1 is not IL-11.
    """
    text = unicodedata.normalize("NFKC", name).casefold().translate(_GREEK)
    for word, letter in _GREEK_WORDS.items():
        text = text.replace(word, letter)
    key = ""
    for part in text.translate(_DASHES).split():
        key += f"-{part}" if key[-1:].isdigit() and part[0].isdigit() else part
    return key


def unit_key(unit: str) -> str:
    """How units are compared: the two micro signs and ``u`` are one, ``pg/ml`` is ``pg/mL``."""
    return _MICRO.sub("µ", normal_unit(unit))


def is_unit(text: str) -> bool:
    """Whether the text is a unit of concentration, or of its logarithm, and nothing else."""
    found = read_unit(text)
    return found is not None and found[0] != ""


@lru_cache(maxsize=4096)
def normal_unit(text: str) -> str:
    """``pg_ml`` -> ``pg/mL``; one micro sign; otherwise as written."""
    spaced = " ".join(text.split())
    unit = re.sub(r" ?(?:/|_|\bper\b) ?", "/", spaced).replace("μ", "µ")
    return re.sub(r"/([numµd]?)l$", r"/\1L", unit)


@lru_cache(maxsize=4096)
def read_unit(text: str) -> tuple[str, str] | None:
    """Unit and scale (``log2 pg/mL``, ``NPX``), either may be empty; None for another text."""
    clean = text.strip().translate(_LOW_DIGITS)
    if not clean or len(clean) > _LONGEST:
        return None
    match = _SCALED_UNIT.fullmatch(" ".join(clean.split()))
    if match is None or not any(match.groups()):
        return None
    unit = match[2] or ""
    unit = _LOG_UNITS.get(unit.casefold(), normal_unit(unit))
    scale = _scale_name(match[1] or match[3] or "")
    if unit not in _LOG_UNITS.values():
        return unit, scale
    return (unit, "log2") if scale in ("", "log", "log2") else None


@lru_cache(maxsize=4096)
def split_header(header: str) -> Header:
    """Name, unit and scale of a header."""
    text = header.strip()
    if len(text) > _LONGEST:
        return Header(text)
    whole = read_unit(text)
    if whole is not None and all(whole):
        return Header(text, whole[0], (whole[1],))
    name, unit, scales = " ".join(text.translate(_LOW_DIGITS).split()), "", []
    for _ in range(4):  # a logarithm before, a unit and a scale behind
        rest, found, scale = _part_of(name)
        if not (found or scale) or (unit and found and not scale):
            break
        name, unit = rest, unit or found
        scales += [scale] if scale else []
    if not unit and not scales:
        return Header(text)
    return Header(text if is_unit(name) else name, unit, tuple(dict.fromkeys(scales)))


def _part_of(text: str) -> tuple[str, str, str]:
    """A header without one unit or one word for a logarithm, then what these are."""
    before = _SCALE_BEFORE.match(text) or _GLUED.match(text)
    rest = text[before.end() :].lstrip(" _.:-") if before else ""
    if before is not None and rest:
        return _unwrapped(rest), *_of_word(before[0])
    name, behind = _unit_behind(text)
    if behind:
        return name, *(read_unit(behind) or (normal_unit(behind), ""))
    after = _SCALE_BEHIND.search(text)
    name = text[: after.start()].rstrip(" _.,;") if after else ""
    return (name, *_of_word(after[0])) if after and name else (text, "", "")


def _of_word(word: str) -> tuple[str, str]:
    """Unit and scale that a word such as ``log10`` or ``NPX`` stands for."""
    return _LOG_UNITS.get(word.casefold(), ""), _scale_name(word)


def _unit_behind(text: str) -> tuple[str, str]:
    """What stands before a unit or scale in brackets or at the end, and that as written."""
    if text[-1:] in (")", "]"):
        start = max(text.rfind("("), text.rfind("["))
        depth = text.count(")") - text.count("(")
        inner = text[start + 1 : -1]
        if start < 0 or depth:
            return text, ""
        if inner.endswith((")", "]")):  # log10(pg/mL) in brackets
            start = max(text.rfind("(", 0, start), text.rfind("[", 0, start))
            inner = text[start + 1 : -1]
        name = text[:start].rstrip(" _")
        return (name, inner.strip()) if name and read_unit(inner) else (text, "")
    match = _TRAILING.search(text)
    name = text[: match.start()].rstrip("_,. ") if match else ""
    return (name, match[1]) if match and name else (text, "")


def _unwrapped(text: str) -> str:
    """``(IL-6) pg/mL`` -> ``IL-6 pg/mL``: the brackets of a logarithm taken off."""
    if text[:1] not in ("(", "["):
        return text
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if not depth:
            return f"{text[1:at]}{text[at + 1 :]}".strip()
    return text


def _scale_name(text: str) -> str:
    """``LOG_10`` -> ``log10``, ``loge`` -> ``ln``, ``NPX`` -> ``log2``."""
    name = text.casefold().replace("_", "")
    return {"loge": "ln", "npx": "log2", "npq": "log2"}.get(name, name)


def find_columns(
    header: Sequence[str], mapping: Mapping[str, str | Sequence[str]], file: str
) -> Columns:
    """Give each column its role; the mapping goes before the names cytokit knows."""
    ignored, conditions = (_names(mapping.get(role, ())) for role in SEVERAL)
    chosen = {role: str(name) for role, name in mapping.items() if role not in SEVERAL}
    _check_mapping(chosen, (*ignored, *conditions), header, file)
    roles = dict(chosen)
    taken = {*chosen.values(), *ignored, *conditions}
    free = [name for name in header if name not in taken]
    problems = []
    for role, names in SYNONYMS.items():
        found = [name for name in free if plain(split_header(name).name) in names]
        if role in roles or not found:
            continue
        if len(found) > 1:
            what = f"{len(found)} columns could be the {role}: {', '.join(found)}"
            mend = f"say which one: {map_text(role, found[0])}"
            problems.append(Problem("CK-242", what, place(file), mend))
        roles[role] = found[0]
        free = [name for name in free if name not in found]
    if problems:
        raise InputError(*problems)
    unread = dict.fromkeys(ignored, "the mapping says to ignore it")
    headers = {name: split_header(name) for name in header}
    if "value" in roles:
        unread |= {name: _why_unread(name) for name in free}
        return Columns(roles, headers, (), {}, unread, conditions, ignored)
    limits = [role for role in roles if role not in (*ID_ROLES, "unit", "analyte")]
    unread |= dict.fromkeys((roles.pop(role) for role in limits), "no column holds a value")
    wide = _wide_columns(roles, headers, free, unread)
    return replace(wide, conditions=conditions, ignored=ignored)


def _wide_columns(
    roles: dict[str, str], headers: dict[str, Header], free: list[str], unread: dict[str, str]
) -> Columns:
    """The analytes of a wide table and what stands beside each (``IL-6 LOD``)."""
    others = [name for name in free if plain(name) in NOT_ANALYTES or plain(name) in LIKE_A_DAY]
    named = [name for name in free if name not in others]
    by_name = {plain(headers[name].name): name for name in named}
    attributes = {}
    for name in named:
        for role in ("lod", "lloq", "uloq", "censor", "unit"):
            beside = next(
                (one for one in (plain(headers[name].name), plain(name)) if one.endswith(role)), ""
            )
            base = by_name.get(beside.removesuffix(role)) if beside else None
            if base is not None:
                attributes[base, role] = name
    besides = set(attributes.values())
    analytes = tuple(name for name in named if name not in besides)
    unread |= {name: _why_unread(name) for name in others}
    return Columns(roles, headers, analytes, attributes, unread)


def _why_unread(name: str) -> str:
    if plain(name) in LIKE_A_DAY:
        return f"it may count visits; if it is the day, map {name} to day"
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
            mend = f"use one of {', '.join((*SYNONYMS, *SEVERAL))}"
            near = did_you_mean(role, [*SYNONYMS, *SEVERAL])
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
